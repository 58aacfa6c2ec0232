# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown] claims=["S1-07"]
# # Where do gradients go on their way down?
#
# **Unit 03, back-propagation.** 32 minutes. You need gradient descent (unit 01), the chain rule, and products of matrices.
#
# A network can fail in two ways: it does not fit its own training data, or it fits them and nothing else. The second way
# is unit 11. This is the first. Below, thirty layers of ReLU units look at handwritten digits for 200 steps, from the
# start that PyTorch gives them, at four learning rates. There is no bug.

# %% tags=["hide-input"]
# @title Set-up
import itertools
import math
import os

import numpy as np
import torch
import torch.nn.functional as F
from scipy.stats import norm
from torch.utils.flop_counter import FlopCounterMode

from trainlab import data, interact, plots
from trainlab.evidence import claim, table
from trainlab.plots import Curve

torch.set_num_threads(1)  # the networks are tiny: more threads cost time
torch.set_default_dtype(torch.float64)
seeds = range(1 if os.environ.get("FAST") == "1" else 3)

pool = data.digits(1200)
spread = pool.inputs.std(axis=0)
pixels = torch.tensor((pool.inputs - pool.inputs.mean(axis=0)) / np.where(spread < 1e-3, 1, spread))
labels = torch.tensor(pool.labels)


# %% tags=["hide-input"] claims=["S1-07"]
# @title Many networks at once
def start(shape, kind, sigma, seed):
    """W (out, in) and b (out,): normal with std sigma / sqrt(in); orthogonal times sigma; or as torch.nn.Linear makes them."""
    rng, bound = torch.Generator().manual_seed(seed), shape[1] ** -0.5
    if kind == "PyTorch":
        return [(2 * torch.rand(s, generator=rng) - 1) * bound for s in (shape, shape[:1])]
    W = sigma * bound * torch.randn(shape, generator=rng)
    if kind == "orthogonal" and shape[0] == shape[1]:
        W = sigma * torch.linalg.qr(W).Q
    return [W, torch.zeros(shape[0])]


class Crowd:
    """Networks of equal hidden layers, one for each start, seed and rate, trained side by side on the digits, in float32.

    A start is (kind, sigma) or (kind, sigma, factor on all layers but the first and the top).
    """

    def __init__(self, phi, depth, rates, *starts, width=32, skip=False, seeds=seeds):
        self.phi, self.skip = phi, skip
        self.shape = (len(starts), len(list(seeds)), len(rates))
        self.rates = torch.tensor(rates, dtype=torch.float32).repeat(self.shape[0] * self.shape[1])[
            :, None, None
        ]
        self.layers = []
        for k, (i, o) in enumerate(itertools.pairwise([64, *[width] * depth, 10])):
            each = []
            for (kind, sigma, *branch), seed in itertools.product(starts, seeds):
                scale = 1.0 if k == depth else math.prod([sigma, *branch]) if k else sigma
                each.append(start((o, i), kind, scale, 1000 * seed + k))
            W, b = (
                torch.stack(part).float().repeat_interleave(len(rates), 0) for part in zip(*each, strict=True)
            )
            self.layers.append([W.requires_grad_(), b[:, None].clone().requires_grad_()])

    def losses(self, rows, sums=None):
        """Cross-entropy of every network on these rows. The z of all layers are added to the list `sums`."""
        h = pixels[rows].float().expand(len(self.rates), -1, -1)
        for k, (W, b) in enumerate(self.layers):
            z = torch.baddbmm(b, h, W.mT)
            if sums is not None:
                sums.append(z)
            if k < len(self.layers) - 1:
                h = h + self.phi(z) if self.skip and k else self.phi(z)
        target = labels[rows].repeat(len(z))
        return F.cross_entropy(z.flatten(0, 1), target, reduction="none").view(len(z), -1).mean(1)

    def train(self, steps, batch=64):
        """Plain gradient descent on random batches. Yields the losses on the batch, step after step."""
        rng = torch.Generator().manual_seed(0)
        parts = [p for layer in self.layers for p in layer]
        for _ in range(steps):
            loss = self.losses(torch.randint(0, len(pixels), (batch,), generator=rng))
            slopes = torch.autograd.grad(loss.sum(), parts)
            with torch.no_grad():
                for p, slope in zip(parts, slopes, strict=True):
                    p -= self.rates * slope
            yield loss.detach().view(self.shape).double().numpy()

    def arriving(self):
        """Length of dL/dz over 256 rows at each hidden layer of the first network, from the bottom up."""
        loss = self.losses(torch.arange(256), sums := [])
        slopes = torch.autograd.grad(loss.sum(), sums[:-1])
        return np.array([slope[0].norm().item() for slope in slopes])

    def end(self, rows=1200):
        """Training loss of each network (starts, seeds, rates); inf where it diverged."""
        with torch.no_grad():
            loss = self.losses(torch.arange(rows)).view(self.shape).double().numpy()
        return np.nan_to_num(loss, nan=np.inf)


# %% tags=["hide-input"] claims=["S1-07"]
# @title Thirty layers that do not train
hook = Crowd(torch.relu, 30, (0.01, 0.05, 0.2, 1.0), ("PyTorch", 1))
down = hook.arriving()
trail = np.array(list(hook.train(200)))[:, 0, 0]  # (steps, rates) of the first seed
smooth = np.array([np.convolve(line, np.ones(20) / 20, mode="valid") for line in trail.T])


def by_layer(ax):
    ax.plot(np.arange(1, 31), down, color=plots.COLOURS[1], marker="o", markersize=3.5)
    ax.set(xlabel="layer (1 = bottom)", ylabel="length of the gradient", yscale="log", ylim=(1e-14, 10))
    ax.set(xticks=[1, 10, 20, 30], title="before the first step")


def level(ax):
    for k, line in enumerate(smooth):
        ax.plot(np.arange(10, 191), line, color=plots.COLOURS[k], linestyle=("-", *plots.DASHES)[k])
    ax.axhline(math.log(10), color=plots.GREY, linewidth=0.8)
    ax.text(100, 2.42, "guessing: ln 10 = 2.303", ha="center", fontsize=9)
    ax.set(xlabel="step", ylabel="training loss", ylim=(0, 2.7), title="rates 0.01, 0.05, 0.2 and 1")


plots.show(
    level,
    by_layer,
    height=2.5,
    alt="Left, four training losses that lie on one another and stay level at 2.3 for 200 steps; right, the length of the gradient on "
    "a logarithmic axis, a straight line that falls from layer 30 to layer 1 by eleven powers of ten.",
)

# %% [markdown] claims=["S1-07"]
# The gradient that reaches the bottom layer is a hundred thousand million times smaller than the one at the top. You will
# predict that slope, remove it, and see what that is worth.
#
# In every section you **predict** before you run a cell. Folded cells hold plots and bookkeeping, and open by a click. A
# cell whose evidence fails stops the notebook.

# %% [markdown] claims=["S1-01"]
# ## 1. What does a gradient cost?
#
# **Question.** A small digit reader, 64-128-128-10, has 26,122 weights and biases. To descend you need the loss's slope along
# each of them. You could try each: move it a little, run the network, look.
#
# **Predict.** Trying costs two forward passes for each weight. What does the exact gradient of *all* weights cost, in forward
# passes: about 3, about 160, or about 26,000?
#
# **Theory.** Layer $l$ gets $x_l$ (N, in), one example a row, and makes $z_l = x_l W_l^\top + b_l$ (N, out), with $W_l$ (out, in);
# $x_{l+1} = \varphi(z_l)$, entry by entry. The top layer's $z$ is the output. Write $\delta_l = \partial L/\partial z_l$
# (N, out). The chain rule, three times:
#
# $$\frac{\partial L}{\partial W_l} = \delta_l^\top x_l, \qquad \frac{\partial L}{\partial b_l} = \sum_{\text{rows}} \delta_l, \qquad
# \delta_{l-1} = (\delta_l W_l) \odot \varphi'(z_{l-1}) .$$
#
# The *forward pass* keeps every $x$ and $z$. The *backward pass* starts from $\delta$ at the output and walks down. That is
# *back-propagation*; one step of gradient descent behind it completes an *iteration* (Rumelhart, Hinton and Williams 1986).
#
# **Experiment.** The whole of it, without automatic differentiation. You could type it.


# %% claims=["S1-01"]
def forward(layers, x, phi):
    seen = []
    for W, b in layers:
        z = x @ W.T + b
        seen.append((x, z))
        x = phi(z)
    return z, seen  # the top layer's z is the output


def backward(layers, seen, delta, dphi):
    deltas = [delta]  # dL/dz, from the top down
    for (W, _), (_, z) in zip(layers[:0:-1], seen[-2::-1], strict=True):
        deltas.append((deltas[-1] @ W) * dphi(z))
    deltas.reverse()
    grads = [(d.T @ x, d.sum(0)) for d, (x, _) in zip(deltas, seen, strict=True)]
    return grads, deltas


PHI = {  # each activation with its slope
    "linear": (lambda z: z, torch.ones_like),
    "relu": (torch.relu, lambda z: 1.0 * (z > 0)),
    "tanh": (torch.tanh, lambda z: 1 - torch.tanh(z) ** 2),
    "logistic": (torch.sigmoid, lambda z: torch.sigmoid(z) * (1 - torch.sigmoid(z))),
}

# %% [markdown]
# Under cross-entropy averaged over N rows the first δ is $(\mathrm{softmax}(z) - \text{one-hot})/N$ (unit 02). Count
# multiplications, compare with autograd, then do it the long way.


# %% claims=["S1-01"]
def digit_reader(widths=(64, 128, 128, 10), seed=0):
    return [start(shape, "PyTorch", 1, seed) for shape in zip(widths[1:], widths, strict=False)]


phi, dphi = PHI["tanh"]
layers, x, y = digit_reader(), pixels[:100], labels[:100]
with FlopCounterMode(display=False) as one_pass:
    output, seen = forward(layers, x, phi)
with FlopCounterMode(display=False) as both:
    output, seen = forward(layers, x, phi)
    grads, _ = backward(layers, seen, (output.softmax(1) - F.one_hot(y, 10)) / 100, dphi)
cost = both.get_total_flops() / one_pass.get_total_flops()  # multiplications
weights = sum(W.numel() + b.numel() for W, b in layers)
print(f"{weights:,} derivatives for {cost:.2f} forward passes; by trying, {2 * weights:,}")

# %% [markdown] claims=["S1-01"]
# Under three passes' worth: each layer multiplies once on the way up and twice on the way down, once for $\delta^\top x$, once for
# $\delta W$, which the lowest does not need. It does not matter how many weights there are. That is why networks can be trained at all.
#
# **Predict.** You do not trust your backward pass and compare it with *central differences*, $(L(w+h)-L(w-h))/2h$. The
# error of the formula falls with $h^2$. Which h gives the smallest error in float64: $10^{-2}$, $10^{-5}$ or $10^{-12}$?


# %% tags=["hide-input"] claims=["S1-01"]
# @title Error against h
def difference_errors(seed, steps, kind, dtype=torch.float64):
    """Error over 60 weights, relative to the gradient's length, of (L(w + h) - L(w - h)) / 2h or (L(w + h) - L(w)) / h."""
    net = digit_reader((64, 16, 10), seed)
    rows, wanted = pixels[:50], labels[:50]
    out, kept = forward(net, rows, torch.tanh)
    exact, _ = backward(net, kept, (out.softmax(1) - F.one_hot(wanted, 10)) / 50, PHI["tanh"][1])
    rng = np.random.default_rng(seed)
    places = [(rng.integers(2), rng.integers(10), rng.integers(16)) for _ in range(60)]
    truth = np.array([exact[k][0][i, j].item() for k, i, j in places])
    coarse = [(W.to(dtype), b.to(dtype)) for W, b in net]
    rows = rows.to(dtype)

    def at(k, i, j, shift):
        moved = [(W.clone(), b) for W, b in coarse]
        moved[k][0][i, j] += shift
        return F.cross_entropy(forward(moved, rows, torch.tanh)[0], wanted).item()

    errors = []
    for h in steps:
        if kind == "central":
            tried = [(at(*place, h) - at(*place, -h)) / (2 * h) for place in places]
        else:
            tried = [(at(*place, h) - at(*place, 0.0)) / h for place in places]
        errors.append(np.linalg.norm(np.array(tried) - truth) / np.linalg.norm(truth))
    return np.array(errors)


hs = 10.0 ** -np.arange(1, 13)
vees = {name: np.array([difference_errors(s, hs, name) for s in seeds]) for name in ("central", "forward")}
vees["float32"] = np.array([difference_errors(s, hs[:7], "central", torch.float32) for s in seeds])


def vee(ax):
    for k, (name, place) in enumerate(
        {"central": (3e-9, 3e-10), "forward": (3e-12, 3e-2), "float32": (2e-4, 4.0)}.items()
    ):
        ax.plot(hs[: vees[name].shape[1]], vees[name][0], color=plots.COLOURS[k], marker=plots.MARKERS[k])
        words = {"central": "central", "forward": "one-sided", "float32": "central in float32"}[name]
        ax.text(*place, words, color=plots.ink(plots.COLOURS[k]), fontsize=9, ha="center")
    ax.axvline(1e-5, color=plots.GREY, linewidth=0.8, linestyle=":")
    ax.set(xscale="log", yscale="log", xlabel="h", ylabel="relative error of the gradient")
    ax.set(xticks=[10.0**-k for k in range(1, 13)], ylim=(1e-12, 50))


plots.show(
    vee,
    height=2.8,
    alt="Three V-shaped curves of error against h: the central difference has its lowest point near 1e-9 at h = 1e-5, the one-sided one "
    "near 1e-7 at h = 1e-7, and in float32 the central one is nowhere below 3e-4.",
)

# %% [markdown] claims=["S1-01"]
# A V: to the right the formula's error, $h^2 L'''/6$; to the left rounding, about $10^{-16} L/h$. They balance where
# $h \approx (10^{-16})^{1/3} \approx 10^{-5}$. A bug leaves an error that no h cures, often near 1.
#
# **Evidence.**

# %% tags=["hide-input"] claims=["S1-01"]
# @title Evidence
leaves = [(W.clone().requires_grad_(), b.clone().requires_grad_()) for W, b in layers]
loss = F.cross_entropy(forward(leaves, x, torch.tanh)[0], y)
theirs = torch.autograd.grad(loss, [p for layer in leaves for p in layer])
ours = [part for pair in grads for part in pair]
apart = [((a - b).norm() / b.norm()).item() for a, b in zip(ours, theirs, strict=True)]
best = {name: hs[: v.shape[1]][v.argmin(axis=1)] for name, v in vees.items()}
table(
    claim("S1-01", "ours against autograd, every W and b, relative", apart, at_most=1e-12),
    claim("S1-01", "both passes in forward passes, multiplications", cost, at_least=2, at_most=3),
    claim("P22", "best h of the central difference", best["central"], at_least=9e-7, at_most=1.1e-4),
    claim("P22", "its relative error at h = 1e-5", vees["central"][:, 4], at_most=1e-8),
    claim("P22", "at h = 1e-12", vees["central"][:, 11], at_least=1e-4),
    claim("P22", "in float32, at its best h", vees["float32"].min(axis=1), at_least=1e-4),
    more=[
        claim("P22", "best h of the one-sided difference", best["forward"], at_least=1e-9, at_most=1e-6),
        claim(
            "P22",
            "slope of the central error, h = 0.1 to 0.01",
            np.log10(vees["central"][:, 0] / vees["central"][:, 1]),
            predicted=2,
            within=0.1,
        ),
        claim("S1-01", "weights and biases", weights, predicted=26_122, within=0),
    ],
)

# %% [markdown]
# **Caveat.** Check gradients in float64, and away from the kink of ReLU, where the two sides have different slopes. Backwards
# costs memory too: every $x$ and $z$ is kept.

# %% [markdown] claims=["S1-08", "S1-09", "S3-25"]
# ## 2. By which factor does a layer shrink it?
#
# **Question.** The line in the first picture is straight: every layer takes the same factor. The usual explanation blames the
# activation. "The slope of the logistic function $1/(1+e^{-z})$ is at most 1/4, and that of tanh below 1, so every layer makes
# the gradient smaller." Is that why?
#
# **Predict.** Logistic units, no slope above 1/4. The weights are drawn so large that two thirds of the units are *saturated*:
# so far out that their slope is below a twentieth of 1/4. On the way down, does the gradient shrink or grow?
#
# **Theory.** In $\delta_{l-1} = (\delta_l W_l)\odot\varphi'(z_{l-1})$ there are two factors, and the sentence above forgets $W$. Draw
# every weight with variance $\sigma_w^2/\text{fan-in}$, where *fan-in* is the number of inputs of a unit. In a wide layer $z$ is
# normal with a variance $q$ that settles from layer to layer, and the gradient's length gets one factor for each layer
# (*mean field*: Poole et al. 2016, Schoenholz et al. 2017):
#
# $$q = \sigma_w^2\, \mathrm E\,\varphi(\sqrt q\, \epsilon)^2, \qquad
# \text{factor} = \sigma_w \sqrt{\mathrm E\,\varphi'(\sqrt q\, \epsilon)^2}, \qquad \epsilon \sim \mathcal N(0,1) .$$
#
# **Experiment.** Twenty layers of 128 units, before any training, through the program above.


# %% claims=["S1-08", "S1-09", "S3-24", "S3-25"]
def at_the_start(name, sigma, seed, width=128, depth=20):
    """The factor per layer, and the share of saturated units in the top hidden layer."""
    (phi, dphi), rng = PHI[name], torch.Generator().manual_seed(seed)
    Ws = sigma / width**0.5 * torch.randn(depth, width, width, generator=rng)
    layers = [(W, torch.zeros(width)) for W in Ws]
    rows, upstream = torch.randn(2, 128, width, generator=rng)
    _, seen = forward(layers, rows, phi)
    _, deltas = backward(layers, seen, upstream, dphi)
    lengths = [d.norm().item() for d in deltas]  # from the bottom up
    slopes = dphi(seen[-2][1]).abs()
    return (lengths[4] / lengths[-2]) ** (1 / (depth - 6)), (
        slopes < 0.05 * slopes.max()
    ).double().mean().item()


# %% tags=["hide-input"] claims=["S1-08", "S1-09", "S3-21", "S3-24", "S3-25"]
# @title Mean field, and the sweep over weights
def stretched(a, b):  # a tanh(b z), with its slope
    return lambda z: a * torch.tanh(b * z), lambda z: a * b * (1 - torch.tanh(b * z) ** 2)


PHI["LeCun"] = stretched(1.7159, 2 / 3)
normal = torch.tensor(norm.ppf((np.arange(2000) + 0.5) / 2000))  # a wide layer, as evenly spaced quantiles
normal /= normal.square().mean().sqrt()


def mean_field(name, sigma, layers=150):
    phi, dphi = PHI[name]
    q = 1.0
    for _ in range(layers):
        q = (sigma**2 * phi(q**0.5 * normal).square().mean()).item()
    return sigma * dphi(q**0.5 * normal).square().mean().sqrt().item(), q


sweep = {
    "linear": (0.3, 0.577, 1, 2, 4),
    "relu": (0.3, 0.577, 1, 2**0.5, 2, 4),
    "tanh": (0.3, 0.577, 1, 1.5, 3, 8, 16),
}
sweep["logistic"] = (0.577, 1, 2, 4, 8, 16, 24)
measured = {
    name: np.array([[at_the_start(name, s, seed) for seed in range(5)] for s in sigmas])
    for name, sigmas in sweep.items()
}  # (sigmas, seeds, 2)
axis = np.geomspace(0.3, 24, 36)
predicted = {name: np.array([mean_field(name, s)[0] for s in axis]) for name in ("tanh", "logistic")}
predicted |= {"linear": axis, "relu": axis / 2**0.5}


def crossing(ax):
    ends = {"linear": (4.3, 4.5), "relu": (4.3, 2.7), "tanh": (26, 3.6), "logistic": (26, 1.52)}
    ax.axhspan(1, 9, color=plots.GREY, alpha=0.1, linewidth=0)
    ax.axhline(1, color=plots.GREY, linewidth=0.8)
    for k, (name, sigmas) in enumerate(sweep.items()):
        shown = axis <= (4 if name in ("linear", "relu") else 24)
        ax.plot(axis[shown], predicted[name][shown], color=plots.COLOURS[k], linestyle="--", linewidth=1.2)
        ax.plot(
            sigmas,
            measured[name][:, :, 0].mean(1),
            color=plots.COLOURS[k],
            marker=plots.MARKERS[k],
            linestyle="none",
        )
        ax.text(*ends[name], name, color=plots.ink(plots.COLOURS[k]), fontsize=9, va="center")
    ax.text(0.32, 6.2, "the gradient grows on its way down", fontsize=9)
    ax.text(6, 0.19, "it shrinks", fontsize=9)
    ax.text(6, 0.115, "points: measured, dashed: mean field", fontsize=9)
    ax.set(xscale="log", yscale="log", xlim=(0.28, 47), ylim=(0.09, 9))
    ax.set(xlabel="size of the weights, σ_w = standard deviation × √fan-in", ylabel="factor per layer")
    ax.set_xticks(
        [0.3, 0.577, 1, 1.41, 4, 10, 24], labels=["0.3", ".577\nPyTorch", "1", " √2", "4", "10", "24"]
    )
    ax.set_yticks([0.1, 0.25, 0.5, 1, 2, 4], labels=["0.1", "1/4", "1/2", "1", "2", "4"])
    ax.minorticks_off()


# %% tags=["hide-input"] claims=["S1-08", "S1-09", "S3-25"]
# @title The factor against the weights
plots.show(
    crossing,
    height=3.6,
    alt="Factor per layer against the size of the weights for linear, relu, tanh and logistic units: each curve rises through 1, "
    "linear and tanh at 1, relu at the root of 2, logistic near 10; measured points lie on the dashed predictions.",
)

# %% [markdown] claims=["S1-08", "S1-09", "S3-25"]
# Each of the four can vanish, and each can explode. Linear units, whose slope is 1 everywhere, vanish below $\sigma_w = 1$. Logistic
# units with $\sigma_w = 16$ explode, by 1.25 a layer, although two thirds of them are saturated: the few that are not carry weights
# large enough. **What vanishes is the product of weights and slopes**, and you choose the weights:
#
# | start | variance of a weight | σ_w | factor 1 for |
# |---|---|---|---|
# | LeCun et al. 1998 | 1 / fan-in | 1 | linear units, and tanh near 0 |
# | Glorot and Bengio 2010 | 2 / (fan-in + fan-out) | 1 in equal layers | the same: forwards wants fan-in, backwards fan-out, this is their mean |
# | He et al. 2015 | 2 / fan-in | √2 | ReLU, which is off half of the time |
# | `torch.nn.Linear` | 1 / (3 fan-in) | 0.577 | none of these |
#
# PyTorch's default costs ReLU a factor of 0.41 a layer: $0.41^{29}$ is the line of the first picture.
#
# **Evidence.** Five starts each. "Finite depth" is where mean field is off: tanh at σ_w = 1 takes far more than twenty layers to
# settle.


# %% tags=["hide-input"] claims=["S1-08", "S1-09", "S3-21", "S3-24", "S3-25"]
# @title Evidence
def at(name, sigma):
    return measured[name][sweep[name].index(sigma), :, 0]


def saturated(name, sigma):
    return measured[name][sweep[name].index(sigma), :, 1]


lecun = [at_the_start("LeCun", 1, seed)[0] for seed in range(5)]
z = torch.linspace(-8, 8, 160_001)
tallest = {name: PHI[name][1](z).max().item() for name in ("tanh", "logistic")}
off = [at(n, s) / mean_field(n, s)[0] for n, ss in sweep.items() for s in ss if (n, s) != ("tanh", 1)]


def taper(
    variance, seed
):  # lengths of the gradient, bottom over top, down layers of 256 and 64 units in turn
    rng = torch.Generator().manual_seed(seed)
    widths = [256 if k % 2 else 64 for k in range(21)]
    layers = [
        (variance(i, o) ** 0.5 * torch.randn(o, i, generator=rng), torch.zeros(o))
        for i, o in itertools.pairwise(widths)
    ]
    _, seen = forward(layers, torch.randn(64, 64, generator=rng), PHI["linear"][0])
    _, deltas = backward(layers, seen, torch.randn(64, 64, generator=rng), PHI["linear"][1])
    return (deltas[1].norm() / deltas[-1].norm()).item() ** (1 / 18)


table(
    claim(
        "S1-09",
        "factor, logistic, σ_w = 1 (predicted 0.236)",
        at("logistic", 1),
        predicted=mean_field("logistic", 1)[0],
        within=0.03,
    ),
    claim(
        "S1-09",
        "logistic, σ_w = 16",
        at("logistic", 16),
        predicted=mean_field("logistic", 16)[0],
        within=0.06,
    ),
    claim(
        "S3-24",
        "share of its units that are saturated",
        saturated("logistic", 16),
        at_least=0.55,
        at_most=0.75,
    ),
    claim(
        "S1-08",
        "linear, slope 1 everywhere, PyTorch's σ_w",
        at("linear", 0.577),
        predicted=0.577,
        within=0.03,
    ),
    claim("S3-25", "relu, He's start", at("relu", 2**0.5), predicted=1, within=0.03),
    claim(
        "S1-09",
        "relu, PyTorch's start, σ_w = 0.577",
        at("relu", 0.577),
        predicted=0.577 / 2**0.5,
        within=0.03,
    ),
    claim("S3-25", "tanh, σ_w = 1: finite depth", at("tanh", 1), at_least=0.93, at_most=0.97),
    claim(
        "S3-21", "LeCun's tanh (section 3), σ_w = 1", lecun, predicted=mean_field("LeCun", 1)[0], within=0.03
    ),
    more=[
        claim("P06", "all other starts over mean field", np.concatenate(off), predicted=1, within=0.1),
        claim("S1-09", "logistic, σ_w = 4", at("logistic", 4), predicted=0.632, within=0.04),
        claim("P06", "tanh, σ_w = 1.5", at("tanh", 1.5), predicted=1.067, within=0.02),
        claim("S1-08", "largest slope of tanh: not below 1", tallest["tanh"], predicted=1, within=1e-9),
        claim(
            "S1-09",
            "largest slope of the logistic function",
            tallest["logistic"],
            predicted=0.25,
            within=1e-9,
        ),
        claim(
            "S1-09", "its smallest for |z| ≤ 8: never 0", PHI["logistic"][1](z).min().item(), at_least=1e-4
        ),
        claim("S3-24", "saturated tanh units, σ_w = 0.577", saturated("tanh", 0.577), at_most=0.001),
        claim("S3-24", "saturated tanh units, σ_w = 3", saturated("tanh", 3), at_least=0.3),
        claim(
            "S3-24",
            "twenty tanh layers, small start: left of the gradient",
            at("tanh", 0.3) ** 20,
            at_most=1e-9,
        ),
        claim(
            "S3-25",
            "slope of nn.Linear's weights: σ_w",
            [W.std().item() * W.shape[1] ** 0.5 for W, _ in layers[:2]],
            predicted=3**-0.5,
            within=0.03,
        ),
        claim(
            "S3-25",
            "widths 64, 256 in turn, 1/fan-in: factor",
            [taper(lambda i, o: 1 / i, s) for s in range(5)],
            predicted=1,
            within=0.03,
        ),
        claim(
            "S3-25",
            "the same, Glorot: factor",
            [taper(lambda i, o: 2 / (i + o), s) for s in range(5)],
            predicted=0.8**0.5,
            within=0.03,
        ),
        claim(
            "S1-07",
            "first picture: factor per layer",
            (down[0] / down[-1]) ** (1 / 29),
            predicted=0.408,
            within=0.08,
        ),
        claim("S1-07", "its losses after 200 steps, four rates", hook.end(), at_least=2.25, at_most=2.4),
    ],
)

# %% [markdown]
# **Caveat.** Averages over wide layers at the start, with independent weights. Nothing here says what training does next.

# %% [markdown] claims=["S1-10", "S3-21", "S3-22", "S3-24"]
# ## 3. Is it the shape of the activation?
#
# **Question.** "Use tanh, not the logistic function", says LeCun in 1998; "use ReLU", says everyone since. But
# $\tanh z = 2/(1+e^{-2z}) - 1$: it is the logistic curve, shifted and stretched. Which of the two matters?
#
# **Predict.** Three hidden layers of 64 units, each activation at its best of several rates. Logistic units bring the training loss to 0.1
# in 350 to 450 steps, tanh units in 75. You may change logistic units twice: subtract ½ from their output, or start with weights
# four times as large. What does one change buy, and what do both together?


# %% tags=["hide-input"] claims=["S1-10", "S3-21", "S3-22"]
# @title Steps to a training loss of 0.1
def steps_to(phi, rates, sigma=1.0, most=600, level=0.1):
    """For each seed, steps at its best rate until 300 training rows have a mean loss below `level`; inf where none does."""
    crowd = Crowd(phi, 3, rates, ("normal", sigma), width=64)
    first = np.full(crowd.shape, np.inf)
    for step, _ in enumerate(crowd.train(most, batch=32), 1):
        if step % 25 == 0:
            first = np.where((crowd.end(300) < level) & (first > step), step, first)
    return first.min(axis=2)[0]


def centred(z):
    return torch.sigmoid(z) - 0.5


low, high = (0.1, 0.3, 1.0), (1.0, 3.0, 10.0)
needed = {
    "logistic": steps_to(torch.sigmoid, high),
    "logistic − ½": steps_to(centred, high),
    "logistic, weights × 4": steps_to(torch.sigmoid, high, sigma=4),
    "both changes": steps_to(centred, high, sigma=4),
    "tanh": steps_to(torch.tanh, low, most=300),
    "LeCun's tanh": steps_to(PHI["LeCun"][0], low, most=300),
    "ReLU, He's start": steps_to(torch.relu, low, sigma=2**0.5, most=300),
}

# %% tags=["hide-input"] claims=["S1-10", "S3-21", "S3-22"]
# @title Curves, slopes and steps
line = torch.linspace(-5, 5, 201)


def shapes(ax):
    names = {"tanh": "tanh", "logistic": "logistic", "relu": "ReLU", "LeCun": "LeCun's tanh"}
    where = {"tanh": (3.0, 0.72), "logistic": (-4.9, 0.13), "relu": (0.0, 1.8), "LeCun": (2.1, 1.3)}
    for k, (name, label) in enumerate(names.items()):
        ax.plot(line, PHI[name][0](line), color=plots.COLOURS[k], linestyle=("-", *plots.DASHES)[k])
        ax.text(*where[name], label, color=plots.ink(plots.COLOURS[k]), fontsize=9)
    ax.axhline(0, color=plots.GREY, linewidth=0.6)
    ax.set(xlabel="z", ylabel="φ(z)", ylim=(-2, 2.2))


def bars(ax):
    rows = list(needed)[::-1]
    for k, name in enumerate(rows):
        ax.plot(needed[name], [k] * len(needed[name]), color=plots.COLOURS[0], marker="o", linestyle="none")
        ax.plot([0, needed[name].max()], [k, k], color=plots.GREY, linewidth=0.8, zorder=0)
    ax.set_yticks(range(len(rows)), labels=rows)
    ax.set(xlabel="steps to a loss of 0.1", xlim=(0, 500))


plots.show(
    shapes,
    bars,
    height=2.6,
    alt="Left, four activation functions; right, steps to a loss of 0.1: logistic 350 to 450, with either change 100 to 175, with both "
    "75, as for tanh, LeCun's tanh and ReLU.",
)

# %% [markdown] claims=["S1-10", "S3-21", "S3-22", "S3-24"]
# Each change saves half of the steps or more, and both together reach tanh, as they must: a logistic unit minus ½ with weights four times
# as large *is* ½ tanh of twice the sum. A mean output of ½ pushes each sum of the next layer the same way for all rows, and
# a slope of ¼ wants a start of its own. It is the centre and the start.
#
# **ReLU "converges much faster"?** Than logistic units, yes. Than tanh, no: here it needs as many steps. What it has is a cheap slope
# that does not saturate on one side, and a bias: its outputs are never negative, which section 4 pays for.
#
# *LeCun's tanh*, $f(z) = 1.7159\tanh(2z/3)$, was made so that $f(\pm1) = \pm1$, with the largest curvature there, and targets ±1. The figures are
# rounded: exact are $a = \sqrt3$ and $b = \operatorname{arsinh}(1/\sqrt2) = 0.6585$. Targets at the asymptote, ±1.7159, would ask for
# infinite weights. Its advantage over tanh is not visible here.
#
# **Evidence.**

# %% tags=["hide-input"] claims=["S1-10", "S3-21", "S3-22", "S3-23", "S3-24"]
# @title Evidence
grid = np.linspace(0, 3, 300_001)
bend = 1.7159 * (2 / 3) ** 2 * 2 * np.tanh(2 * grid / 3) / np.cosh(2 * grid / 3) ** 2  # |f''|
a, b = 3**0.5, math.asinh(2**-0.5)
bend_exact = a * b**2 * 2 * np.tanh(b * grid) / np.cosh(b * grid) ** 2
squash = 1 / (1 + np.exp(-grid))
bend_logistic = np.abs(squash * (1 - squash) * (1 - 2 * squash))


def slope_left(target, steps=3000, lr=0.5):
    """One unit f(w) trained on a squared error: the slope that is left, over the slope at 0."""
    w = 0.1
    for _ in range(steps):
        f, slope = 1.7159 * math.tanh(2 * w / 3), 1.7159 * 2 / 3 / math.cosh(2 * w / 3) ** 2
        w -= lr * (f - target) * slope
    return 1 / math.cosh(2 * w / 3) ** 2


def linear_share(seed, moments=(5, 400)):
    """How much of the network's outputs over the training rows a linear map of the pixels gives, early and late."""
    crowd, shares = Crowd(torch.tanh, 3, (0.1,), ("normal", 0.5), width=64, seeds=[seed]), []
    rows = torch.cat([pixels, torch.ones(1200, 1)], 1)
    for step, _ in enumerate(crowd.train(max(moments)), 1):
        if step in moments:
            h = pixels.float()
            with torch.no_grad():
                for W, c in crowd.layers:
                    z = h @ W[0].T + c[0]
                    h = torch.tanh(z)
            out = z.double()
            left = out - rows @ torch.linalg.lstsq(rows, out, driver="gelsd").solution
            shares.append(1 - (left.square().sum() / (out - out.mean(0)).square().sum()).item())
    return shares


shares = np.array([linear_share(seed) for seed in seeds])
ratio = needed["logistic"] / needed["tanh"]
table(
    claim("S3-21", "steps, logistic over tanh", ratio, at_least=3),
    claim("S3-21", "logistic − ½ over logistic", needed["logistic − ½"] / needed["logistic"], at_most=0.65),
    claim(
        "S1-10",
        "weights × 4 over logistic",
        needed["logistic, weights × 4"] / needed["logistic"],
        at_most=0.6,
    ),
    claim(
        "S1-10", "both changes over tanh", needed["both changes"] / needed["tanh"], at_least=0.6, at_most=1.7
    ),
    claim(
        "S3-22",
        "ReLU over tanh: not faster",
        needed["ReLU, He's start"] / needed["tanh"],
        at_least=0.7,
        at_most=2.1,
    ),
    claim("S3-21", "f(1) of 1.7159 tanh(2z/3)", 1.7159 * math.tanh(2 / 3), predicted=0.999997, within=1e-6),
    claim(
        "S3-21",
        "z of its largest curvature",
        grid[bend.argmax()],
        predicted=1.5 * math.asinh(2**-0.5),
        within=1e-4,
    ),
    claim("S3-23", "slope left by a target of 1.7159, of f′(0)", slope_left(1.7159), at_most=0.03),
    more=[
        claim("S3-21", "exact constants: f(1)", a * math.tanh(b), predicted=1, within=1e-12),
        claim(
            "S3-21",
            "exact constants: z of the largest curvature",
            grid[bend_exact.argmax()],
            predicted=1,
            within=1e-4,
        ),
        claim(
            "P17",
            "mean of f² for normal z: not 1",
            1.7159**2 * torch.tanh(2 * normal / 3).square().mean().item(),
            predicted=0.750,
            within=0.002,
        ),
        claim(
            "S3-23",
            "logistic: output at the largest curvature (0.9 is often said)",
            squash[bend_logistic.argmax()],
            predicted=(3 + 3**0.5) / 6,
            within=1e-4,
        ),
        claim("S3-23", "slope left by a target of 1", slope_left(1.0), predicted=0.6604, within=0.001),
        claim(
            "S3-21",
            "LeCun's tanh over tanh",
            needed["LeCun's tanh"] / needed["tanh"],
            at_least=0.5,
            at_most=2,
        ),
        claim("S3-24", "linear share of the outputs, step 5", shares[:, 0], at_least=0.97),
        claim(
            "S3-24",
            "what is not linear, step 400 over step 5",
            (1 - shares[:, 1]) / (1 - shares[:, 0]),
            at_least=1.4,
        ),
    ],
)

# %% [markdown] claims=["S3-22"]
# **Caveat.** One small network, one data set, batches of 32, one start for each activation but the changed ones. Steps are read every 25.

# %% [markdown] claims=["S1-13"]
# ## 4. Is length enough?
#
# **Question.** Now the gradient arrives at full length. Give 30 layers such a start. Do they train?
#
# **Predict.** tanh with 1/fan-in and ReLU with He's start, 1, 3, 10 and 30 hidden layers of 32 units, 200 steps, the best of three
# rates. More layers can express everything that fewer can. Where is the *training* loss lowest? (*Orthogonal* starts, in a later picture, are
# random rotations times σ.)

# %% tags=["hide-input"] claims=["S1-13"]
# @title Training loss against depth
RATES, DEPTHS, KEPT = (0.02, 0.15, 1.0), (1, 3, 10, 30), {"logistic": 10.2, "tanh": 1.0, "relu": 2**0.5}


def after_200(name, depth, *starts, skip=False):
    """Training loss (starts, seeds), each at its best rate."""
    crowd = Crowd(PHI[name][0], depth, RATES, *starts, skip=skip)
    for _ in crowd.train(200):
        pass
    return crowd.end().min(axis=2)


plain = {  # 30 layers: PyTorch's start, length kept, orthogonal
    name: after_200(name, 30, ("PyTorch", 1), ("normal", sigma), ("orthogonal", sigma))
    for name, sigma in KEPT.items()
}
by_depth = {
    name: np.array(
        [*(after_200(name, depth, ("normal", KEPT[name]))[0] for depth in DEPTHS[:-1]), plain[name][1]]
    )
    for name in ("tanh", "relu")
}


def degradation(ax):
    for k, (name, losses) in enumerate(by_depth.items()):
        colour = plots.COLOURS[k]
        ax.plot(DEPTHS, losses.mean(1), color=colour, marker=plots.MARKERS[k])
        for seed in losses.T:
            ax.plot(DEPTHS, seed, color=colour, marker=plots.MARKERS[k], markersize=2.5, linestyle="none")
        ax.text(
            33,
            losses.mean(1)[-1],
            {"relu": "ReLU"}.get(name, name),
            color=plots.ink(colour),
            va="center",
            fontsize=9,
        )
    ax.axhline(math.log(10), color=plots.GREY, linewidth=0.8)
    ax.text(1, 1.9, "guessing", fontsize=9, va="center")
    ax.set(xscale="log", yscale="log", xlabel="hidden layers", ylabel="training loss after 200 steps")
    ax.set_xticks(DEPTHS, labels=map(str, DEPTHS))
    ax.set_yticks([0.01, 0.03, 0.1, 0.3, 1, 2.303], labels=["0.01", "0.03", "0.1", "0.3", "1", "2.3"])
    ax.minorticks_off()


plots.show(
    degradation,
    height=2.6,
    alt="Training loss against the number of hidden layers for tanh and ReLU, both from starts that keep the gradient's length: "
    "lowest at few layers, and with thirty layers about a hundred times as high and more.",
)

# %% [markdown] claims=["S1-13"]
# Deeper, and worse *in training*: *degradation* (He et al. 2016). This is not over-fitting, and the gradient has not vanished. What
# a deep network needs, and does not find, is a way to pass on what it has.
#
# **Theory.** A *residual block* gives $x_{l+1} = x_l + \varphi(z_l)$ in place of $\varphi(z_l)$: the *skip* is the $x_l$. To do nothing, a block needs
# $\varphi = 0$ only. Backwards, with $g_l = \partial L/\partial x_l$,
#
# $$g_l = g_{l+1} + \big(g_{l+1} \odot \varphi'(z_l)\big) W_l ,$$
#
# so a copy of the gradient from the very top arrives everywhere, unchanged, whatever $\varphi'$ and $W$ are.
#
# **Predict.** The worst case of this lecture: 30 layers, logistic units, PyTorch's start, a factor of 0.14 a layer. You add only the skip. After 200
# steps, is the loss 2.3 (guessing), 1, or 0.1?

# %% tags=["hide-input"] claims=["S1-10", "S1-13"]
# @title The cures side by side
columns = ["PyTorch's\nstart", "length\nkept", "kept,\northogonal", "PyTorch's,\nskip", "skip,\nblocks / √29"]
skips = {
    name: after_200(
        name, 30, ("PyTorch", 1), ("normal", 2**0.5 if name == "relu" else 1, 29**-0.5), skip=True
    )
    for name in KEPT
}
cures = {name: np.concatenate([plain[name], skips[name]]) for name in KEPT}  # (columns, seeds)


def board(ax):
    losses = np.array([np.median(cures[name], axis=1) for name in KEPT])
    shown = np.log(np.minimum(losses, 2.4))
    ax.imshow(shown, cmap="cividis_r", aspect="auto", vmin=math.log(0.02), vmax=math.log(2.4))
    for (i, j), loss in np.ndenumerate(losses):
        ax.text(
            j,
            i,
            f"{loss:.2g}" if loss < 9 else "diverges",
            ha="center",
            va="center",
            fontsize=12,
            color="white" if loss > 0.25 else "black",
        )
    ax.set_xticks(range(len(columns)), labels=columns)
    ax.set_yticks(range(3), labels=["logistic", "tanh", "ReLU"])
    ax.axvline(2.5, color=plots.GREY, linewidth=4)
    ax.tick_params(length=0)
    ax.set_title("training loss of 30 layers after 200 steps")


plots.show(
    board,
    height=2.6,
    alt="A board of training losses, activations by cures: PyTorch's start is at 2.3 everywhere; starts that keep the length are between "
    "0.28 and 2.3; with a skip logistic units reach 0.08 and tanh 0.03 from PyTorch's own start, and ReLU 0.2 when its blocks are scaled.",
)

# %% [markdown] claims=["S1-10", "S1-13"]
# Read the columns from left to right. Keeping the length helps tanh and ReLU a little, and logistic units not at all. The skip makes the *worst* units
# train from the *worst* start. Why did length not do it? Look at every direction, not at the average: the
# layers' Jacobians (derivative of a layer's output by its input), multiplied; a *singular value* is the stretch of one direction.


# %% claims=["S1-13"]
def jacobian(name, kind, sigma, seed, skip=False, branch=1.0, width=32, depth=30):
    """Singular values of d(top hidden layer) / d(bottom hidden layer), at one digit."""
    phi, dphi = PHI[name]
    W, b = start((width, 64), kind, sigma, seed)
    x, J = phi(W @ pixels[seed] + b), torch.eye(width)
    for k in range(1, depth):
        W, b = start((width, width), kind, sigma * branch, 1000 * seed + k)
        z = W @ x + b
        layer = dphi(z)[:, None] * W
        J = (layer + torch.eye(width) if skip else layer) @ J
        x = x + phi(z) if skip else phi(z)
    return torch.linalg.svdvals(J).numpy()


kinds = {
    "length kept": ("tanh", "normal", 1.0),
    "orthogonal": ("tanh", "orthogonal", 1.0),
    "PyTorch's start and a skip": ("tanh", "PyTorch", 1.0, True),
}
values = {
    name: np.array([jacobian(*how[:3], seed, *how[3:]) for seed in range(5)]) for name, how in kinds.items()
}


# %% tags=["hide-input"] claims=["S1-13"]
# @title Singular values
def directions(ax):
    heights = {"length kept": (17, 1e-9), "orthogonal": (24.5, 2.0), "PyTorch's start and a skip": (8, 1e2)}
    for k, (name, each) in enumerate(values.items()):
        ax.plot(np.arange(1, 33), np.median(each, axis=0), color=plots.COLOURS[k], marker=plots.MARKERS[k])
        ax.text(*heights[name], name, color=plots.ink(plots.COLOURS[k]), fontsize=9)
    ax.axhline(1, color=plots.GREY, linewidth=0.8)
    ax.set(xlabel="direction, from the best to the worst of 32", ylabel="gradient passed down 29 layers")
    ax.set(yscale="log", ylim=(1e-19, 1e5), title="30 layers of tanh, at the start")


plots.show(
    directions,
    height=2.8,
    alt="Singular values in descending order: for normal weights of the right size they fall from 1 by eighteen powers of ten; for orthogonal "
    "weights from 0.4 to 0.007, and with a skip from 35 to 0.01, the middle at 1.",
)

# %% [markdown] claims=["S1-13"]
# A product of 29 random matrices keeps the *mean square* length by stretching one direction and forgetting the rest: the middle one of 32
# passes a hundred-thousandth or so. Orthogonal weights (Saxe, McClelland and Ganguli 2014) treat directions alike, and 30 tanh layers nearly train.
# ReLU and logistic units do not: units that are off cut directions in every layer, whatever $W$ is. With the skip every layer is the identity plus
# something: the middle direction passes at 1.1, the extremes at 35 and 0.01.
#
# **The price.** Sums grow. What ReLU adds is never negative: from PyTorch's start 29 blocks make its outputs 500 to 1,100 times as long, and it
# diverges at all three rates. Dividing the blocks' weights by $\sqrt{29}$ ends that.
#
# **Evidence.** Three starts each, the best of three rates.


# %% tags=["hide-input"] claims=["S1-10", "S1-13"]
# @title Evidence
def cure(activation, name):
    return cures[activation][("default", "kept", "orthogonal", "skip", "scaled").index(name)]


def growth(name, seed):
    """Length of the top hidden layer over that of the bottom one: PyTorch's start, skips."""
    (phi, _), x = PHI[name], pixels[:256]
    W, b = start((32, 64), "PyTorch", 1, seed)
    x = first = phi(x @ W.T + b)
    for k in range(1, 30):
        W, b = start((32, 32), "PyTorch", 1, 1000 * seed + k)
        x = x + phi(x @ W.T + b)
    return (x.norm() / first.norm()).item()


middle = {name: np.median(each, axis=1) for name, each in values.items()}
deepest = {name: losses[-1] / losses.min(axis=0) for name, losses in by_depth.items()}
shallow = after_200("relu", 3, ("normal", 2**0.5, 2**-0.5), skip=True)[0]
table(
    claim("S1-13", "30 layers over the best depth, ReLU, length kept", deepest["relu"], at_least=5),
    claim("S1-13", "the same, tanh", deepest["tanh"], at_least=3),
    claim(
        "S1-10",
        "30 layers, PyTorch's start, any activation",
        [cure(n, "default") for n in KEPT],
        at_least=2.25,
        at_most=2.35,
    ),
    claim("S1-13", "logistic, PyTorch's start and a skip", cure("logistic", "skip"), at_most=0.25),
    claim("S1-13", "tanh, the same", cure("tanh", "skip"), at_most=0.05),
    claim(
        "P09",
        "ReLU, skip and scaled blocks, over no skip",
        cure("relu", "scaled") / cure("relu", "kept"),
        at_most=0.5,
    ),
    claim("S1-13", "middle direction, length kept", middle["length kept"], at_most=1e-4),
    claim("S1-13", "middle direction, skip", middle["PyTorch's start and a skip"], at_least=0.3, at_most=3),
    more=[
        claim(
            "S1-13",
            "mean square over directions, length kept",
            np.sqrt(np.square(values["length kept"]).mean(1)),
            at_least=0.05,
            at_most=1,
        ),
        claim("S1-13", "middle direction, orthogonal", middle["orthogonal"], at_least=0.05, at_most=1),
        claim(
            "S1-13",
            "tanh, orthogonal over normal weights, mean",
            cure("tanh", "orthogonal").mean() / cure("tanh", "kept").mean(),
            at_most=0.7,
        ),
        claim("S1-10", "logistic, length kept: hardly better", cure("logistic", "kept"), at_least=1.5),
        claim(
            "S1-13",
            "ReLU, PyTorch's start and a skip: starts below guessing",
            (cure("relu", "skip") < 2.3).sum(),
            at_most=0,
        ),
        claim("S1-13", "growth of its outputs", [growth("relu", s) for s in range(5)], at_least=100),
        claim("S1-13", "growth of tanh's outputs", [growth("tanh", s) for s in range(5)], at_most=20),
        claim(
            "P09",
            "ReLU with skips, 30 layers over 3: depth buys nothing here",
            cure("relu", "scaled") / shallow,
            at_least=2,
        ),
    ],
)

# %% [markdown] claims=["S1-13"]
# **Caveat.** 200 steps, three rates, 32 units, one data set, and one that does not need depth: with skips 30 layers of ReLU train nine times
# better than without, and still worse than 3. A skip makes depth *possible*. What depth is good for is another question.
#
# ## Touch it
#
# The gradient down 30 layers of 64 units, for weights of size $\sigma_w$ and a skip of weight s: each layer passes on $s\,x + \varphi(z)$. Without
# skip, find the $\sigma_w$ that keeps tanh level, and the one for ReLU. Then set s to 1: which $\sigma_w$ make logistic units level? And what does s = 0.9 do?


# %% tags=["hide-input"]
# @title Two sliders
def thirty(sigma, skip):
    """Length of the gradient by what each layer passes on, over that at the top, from the bottom up: name -> (30,)."""
    lines = {}
    for name in ("tanh", "relu", "logistic"):
        (phi, dphi), rng = PHI[name], torch.Generator().manual_seed(1)
        Ws = sigma / 8 * torch.randn(30, 64, 64, generator=rng)
        x, g = torch.randn(2, 32, 64, generator=rng)
        slopes = []
        for W in Ws:
            z = x @ W.T
            slopes.append(dphi(z))
            x = skip * x + phi(z)
        lengths = [g.norm().item()]
        for W, slope in zip(Ws.flip(0), slopes[::-1], strict=True):
            g = skip * g + (g * slope) @ W
            lengths.append(g.norm().item())
        lines[name] = np.array(lengths[:0:-1]) / lengths[0]
    return lines


def panel(sigma, skip):
    curves = [
        Curve(np.arange(1, 31), y, name, colour=k) for k, (name, y) in enumerate(thirty(sigma, skip).items())
    ]
    title = f"σ_w = {sigma:g}, skip {skip:g}"
    return plots.lines(
        *curves, xlabel="layer, 1 at the bottom", ylabel="gradient / top", title=title, logy=True
    )


interact.explore(
    panel,
    stills=[{"sigma": 0.577, "skip": 0.0}, {"sigma": 2.0, "skip": 0.0}, {"sigma": 0.577, "skip": 1.0}],
    columns=3,
    alt="Gradient by layer for three settings: all three activations fall steeply; tanh and relu rise towards the bottom while logistic falls; "
    "with a skip logistic stays level and the others rise.",
    sigma=interact.Slider("size of the weights σ_w", 0.2, 4.0, 0.05, 0.6),
    skip=interact.Slider("weight of the skip s", 0.0, 1.0, 0.05, 0.0),
)

# %% [markdown]
# <details><summary>Answers</summary>
#
# tanh: 1.1 to 1.2 at this depth, a little above mean field's 1. ReLU: about √2 = 1.41. Logistic with s = 1: nearly all, because $\varphi'$ adds little to the
# identity; even σ_w = 4 lengthens the gradient 2.5 times only. With s = 0.9 the copy itself fades, by $0.9^{30} = 0.04$, which
# shows in logistic units; for ReLU and tanh the branch makes up for it.
#
# </details>

# %% [markdown] claims=["S1-07", "S1-08", "S1-09", "S1-13", "S3-21", "S3-22", "S3-23", "S3-24", "S3-25"]
# ## What the sources say, and what is exact
#
# <details><summary>Sentences of our source texts, corrected</summary>
#
# | says | exact |
# |---|---|
# | the derivatives of logistic and tanh are all below 1; the logistic one lies in [0, 1/4] | tanh′(0) = 1; the logistic slope lies in (0, 1/4], 0 is not reached |
# | every layer reduces the gradient *by* 1/4 | *to* at most 1/4, by the slope alone; the factor is $\sigma_w\sqrt{\mathrm E\varphi'^2}$, 0.236 at $\sigma_w = 1$, 1.25 at 16 |
# | vanishing comes from the activation | from the product of weights and slopes: linear nets vanish and explode too |
# | 梯度弥撒; rusigmoid | slips for 梯度弥散, vanishing gradient, and 如 sigmoid, *such as the sigmoid* |
# | 1.7159 tanh(2z/3) has its largest curvature at 1 and output variance 1 | at 0.98772; the mean square is 0.75 for normal z. Exact: √3 tanh(0.6585 z) |
# | targets within the sigmoid's range, usually ±1 | ±1 suits LeCun's tanh; the logistic curve bends most at 0.21 and 0.79, and 0.1/0.9 is the usual round choice. Never the asymptote: after 3,000 steps 1.6 % of the slope is left, at ±1 it is 66 % |
# | start in the linear region; the linear part is learnt first | holds: at step 5 a linear map gives at least 97 % of the outputs; at step 400 what it misses has grown by half and more |
# | start ReLU in its linear, positive part | keep second moments: variance 2/fan-in, half of the units off |
# | ReLU converges much faster | than logistic units; not than tanh here |
# | residual networks cure vanishing gradients | they also cure what is left when the length is kept: degradation |
#
# </details>

# %% [markdown]
# ## Summary
#
# 1. Back-propagation gives all derivatives for about three forward passes, and central differences with $h = 10^{-5}$ check it.
# 2. On its way down a gradient takes one factor a layer, $\sigma_w\sqrt{\mathrm E\varphi'^2}$: weights times slopes, so that every activation can vanish and every one explode.
# 3. A start chosen for the activation, 1/fan-in or 2/fan-in, makes the factor 1; PyTorch's default makes it 0.14 to 0.58.
# 4. Logistic units lose to tanh by their centre and their start, and here ReLU does not beat tanh.
# 5. Length is not enough, since a long product forgets nearly all directions; a skip keeps them, and then 30 of the worst layers train.

# %% [markdown]
# ## Quick questions
#
# **1.** A network has a hundred million weights. What does one exact gradient cost, and what would trying cost?
# <details><summary>Answer</summary>
#
# About three forward passes; two hundred million.
#
# </details>
#
# **2.** Your check gives a relative error of 0.01 at $h = 10^{-5}$ in float64. Rounding, or a bug?
# <details><summary>Answer</summary>
#
# A bug: the formula and rounding leave about $10^{-9}$ there. (Or a kink of ReLU within h.)
#
# </details>
#
# **3.** Fifty linear layers, each weight of variance 1/(4 fan-in). What is left of the gradient at the input?
# <details><summary>Answer</summary>
#
# $\sigma_w = 1/2$, so $2^{-50} \approx 10^{-15}$, without any activation.
#
# </details>
#
# **4.** *Leaky* ReLU is z above 0 and z/10 below. Which variance keeps the gradient's length?
# <details><summary>Answer</summary>
#
# E φ′² = (1 + 0.01)/2 = 0.505, so the variance is 1/(0.505 fan-in) = 1.98/fan-in.
#
# </details>
#
# **5.** The gradient arrives at layer 1 of 50 at full length, and the net does not train. What do you look at next?
# <details><summary>Answer</summary>
#
# The directions: singular values of the product of Jacobians. If most are tiny, add skips, or start orthogonal.
#
# </details>

# %% [markdown]
# ## Glossary
#
# | English | 中文 | here | section |
# |---|---|---|---|
# | back-propagation | 反向传播 | the chain rule from the output down, one layer at a time | 1 |
# | forward pass, backward pass | 前向传播, 反向传播过程 | keeps $x$ and $z$; turns δ at the output into all gradients | 1 |
# | iteration | 迭代 | forward, backward, one step | 1 |
# | central difference | 中心差分 | $(L(w+h)-L(w-h))/2h$ | 1 |
# | saturation | 饱和 | a unit so far out that its slope is nearly 0 | 2 |
# | fan-in | 扇入 | the number of inputs of a unit | 2 |
# | mean field | 平均场 | wide layers, in which sums are normal | 2 |
# | vanishing gradient, exploding gradient | 梯度弥散, 梯度爆炸 | a factor below 1 per layer; above 1 | 2 |
# | initialisation | 初始化 | the start of the weights | 2 |
# | activation function | 激活函数 | φ, from a unit's sum to its output | 1 |
# | degradation | 退化 | deeper, and worse in training | 4 |
# | residual block, skip connection | 残差块, 跳跃连接 | $x + \varphi(z)$; the $x$ in it | 4 |

# %% [markdown]
# ## Further reading
#
# - D. Rumelhart, G. Hinton, R. Williams (1986), [*Learning representations by back-propagating errors*](https://doi.org/10.1038/323533a0).
# - Y. Bengio, P. Simard, P. Frasconi (1994), [*Learning long-term dependencies with gradient descent is difficult*](https://doi.org/10.1109/72.279181). Vanishing, after Hochreiter (1991).
# - Y. LeCun, L. Bottou, G. Orr, K.-R. Müller (1998), [*Efficient BackProp*](https://doi.org/10.1007/3-540-49430-8_2). The start, and 1.7159.
# - X. Glorot, Y. Bengio (2010), [*Understanding the difficulty of training deep feedforward neural networks*](https://proceedings.mlr.press/v9/glorot10a.html).
# - K. He, X. Zhang, S. Ren, J. Sun (2015), [*Delving deep into rectifiers*](https://arxiv.org/abs/1502.01852). 2/fan-in.
# - K. He, X. Zhang, S. Ren, J. Sun (2016), [*Deep residual learning for image recognition*](https://arxiv.org/abs/1512.03385).
# - A. Saxe, J. McClelland, S. Ganguli (2014), [*Exact solutions to the nonlinear dynamics of learning in deep linear neural networks*](https://arxiv.org/abs/1312.6120). Orthogonal starts.
# - B. Poole et al. (2016), [*Exponential expressivity in deep neural networks through transient chaos*](https://arxiv.org/abs/1606.05340); S. Schoenholz et al. (2017), [*Deep information propagation*](https://arxiv.org/abs/1611.01232). Mean field.

# %% [markdown]
# ## Your turn
#
# [Assignment 03](../assignments/03_backpropagation/03_backpropagation.ipynb): write the two passes, their check, the factor per layer, two starts and a
# residual block. Then your back-propagation trains a digit reader, and your start thirty layers.
