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

# %% [markdown] claims=["S2-27"]
# # Can the surface itself be changed?
#
# **Unit 10, batch normalisation.** 60 minutes. You need gradient descent and its limit 2/L (unit 05), mini-batches
# (unit 06) and the idea that a gradient shrinks or grows from layer to layer (unit 03).
#
# Units 05 to 07 took the error surface as it was and walked it more cleverly. Here you change the surface: every unit
# of every layer is standardised over the batch. You will see what batch normalisation computes and what it does not, why
# a network of sigmoids that trains at no rate then trains at most rates, which of the reasons given for that survive a
# test, and how it fails. The other way to change the surface, a residual connection around every layer, is section 4 of
# unit 03.
#
# Each section asks a question, lets you **predict**, derives a number, measures it, and puts the two side by side.
# Write your prediction down before you run the cell. A cell whose evidence fails stops the notebook. Codes in the
# tables name what is being checked: S2-36 is a sentence of a source text (S1: a text on the difficulties of training
# deep networks; S2: notes on Hung-yi Lee's lectures of 2021), P08 an experiment of this course.

# %%
import copy
import math
import os
from dataclasses import dataclass

import numpy as np
import torch
from scipy.stats import skew
from torch import nn

from trainlab import data, interact, networks, plots
from trainlab.descend import run
from trainlab.evidence import claim, table
from trainlab.plots import Curve

torch.set_num_threads(1)  # the networks are tiny: more threads cost time
torch.set_default_dtype(torch.float64)
seeds = range(1 if os.environ.get("FAST") == "1" else 2)

# %% [markdown] claims=["S1-11", "S1-12", "S2-40"]
# ## 1. What does batch normalisation compute?
#
# **Question.** "A normalisation layer whitens its inputs: afterwards they are uncorrelated, and each is standard
# normal", says one of our sources. Here are 300 rows of two units, correlated and lopsided; the same rows after batch
# normalisation; and after true whitening.


# %% claims=["S1-11"]
def normalise(z, rows=None, eps=1e-5):  # each column: mean 0 and variance 1 over the rows
    rows = z if rows is None else rows
    mean = rows.mean(-2, keepdim=True)
    variance = (rows - mean).square().mean(-2, keepdim=True)
    return (z - mean) / torch.sqrt(variance + eps)


def whiten(z):  # ZCA: C^(-1/2) (z - mean), with the covariance C of all columns together
    centred = z - z.mean(0)
    values, axes = torch.linalg.eigh(centred.T @ centred / len(z))
    return centred @ axes @ torch.diag(values**-0.5) @ axes.T


rng = np.random.default_rng(0)
source = rng.normal(size=(300, 2)) @ [[1.0, 0.8], [0.0, 0.6]]
raw = torch.tensor((source + 0.3 * source**2) * [2.0, 0.7] + [5.0, -2.0])
clouds = {"raw": raw, "batch normalisation": normalise(raw, eps=0), "whitening": whiten(raw)}


# %%
def cloud(x, name):
    def draw(ax):
        ax.plot(*x.T, color=plots.COLOURS[0], marker="o", linestyle="none", markersize=2)
        r, s = np.corrcoef(x.T)[0, 1], skew(x[:, 0])
        ax.set(xlabel="unit 1", ylabel="unit 2", title=f"{name}\nr = {abs(r):.2f}, skewness {s:.2f}")

    return draw


plots.show(
    *(cloud(x.numpy(), name) for name, x in clouds.items()),
    alt="Three clouds of points: the raw one is a curved, slanted comet; after batch normalisation it has the same shape on other "
    "axes; after whitening it is no longer slanted, but still lopsided.",
)

# %% [markdown] claims=["S1-11", "S1-12", "S2-40"]
# **Predict.** (a) Which numbers of the middle title differ from those of the left one? (b) A batch has only two rows.
# What are the values of a unit after normalisation? (c) In a batch of 32, how many standard deviations from the mean
# can one row be at most: 3, 5.6, or any number? (d) A sigmoid follows. Does it get inputs on its bent part?
#
# **Theory.** For every column $x$ of a batch of $N$ rows (Ioffe and Szegedy 2015):
#
# $$\mu = \frac1N\sum_i x_i,\qquad \sigma^2 = \frac1N \sum_i (x_i-\mu)^2,\qquad
# \hat x_i = \frac{x_i-\mu}{\sqrt{\sigma^2+\varepsilon}},\qquad y_i = \gamma\,\hat x_i + \beta .$$
#
# Convention: $\sigma^2$ divides by $N$, and ε stands inside the root (PyTorch: $10^{-5}$).
#
# - **A map of one column** onto itself by $ax + b$, $a>0$, changes no correlation between columns and no shape:
#   skewness and all other standardised moments stay. Whitening multiplies by $C^{-1/2}$ and mixes the columns. Ioffe
#   and Szegedy chose the columns *instead* of it, because of the cost.
# - **How far out.** $\sum_i \hat x_i = 0$ and $\sum_i \hat x_i^2 \le N$ together give $|\hat x_i| \le \sqrt{N-1}$.
# - **γ and β** are parameters, one pair for each unit, learnt by gradient descent like weights. They start at 1 and 0.
#   With $\gamma=\sqrt{\sigma^2+\varepsilon}$ and $\beta=\mu$ they would undo everything, so nothing is lost in what the
#   network can express.
# - **What they decide.** Without them every sigmoid would see inputs of variance 1, where it is almost a straight line.
#   With γ and β each unit chooses between a straight line (small γ), a step (large γ), and a constant (large β). For
#   normal inputs the *linear share*, the squared correlation of $\mathrm{sigmoid}(\gamma \hat x)$ with $\hat x$, falls
#   from 1 to $2/\pi = 0.64$.
#
# **Experiment.**

# %% claims=["S1-11", "S1-12", "S2-40"]
batch = torch.randn(32, 6, generator=torch.Generator().manual_seed(0)) @ torch.randn(
    6, 6, generator=torch.Generator().manual_seed(1)
)
batch = batch + 0.3 * batch**2
hat, layer = normalise(batch, eps=0), nn.BatchNorm1d(6)
before, after, white = (np.corrcoef(x.T.numpy()) for x in (batch, hat, whiten(batch)))
outlier = torch.cat([batch[:31], torch.full((1, 6), 1e6)])
undone = torch.sqrt(batch.var(0, correction=0) + 1e-5) * normalise(batch) + batch.mean(0)

x = rng.normal(size=200_000)
gains = 2.0 ** np.arange(-3, 6)
share = np.array([np.corrcoef(1 / (1 + np.exp(-g * x)), x)[0, 1] ** 2 for g in gains])

# %% [markdown]
# **Evidence.** "Rounding" is anything below $10^{-10}$.

# %% claims=["S1-11", "S1-12", "S2-40"]
off = ~np.eye(6, dtype=bool)
two = normalise(batch[:2], eps=0).abs()
table(
    claim("S1-11", "mean of every unit, normalised", hat.mean(0).abs(), at_most=1e-13),
    claim("S1-11", "their variance", hat.var(0, correction=0), predicted=1, within=1e-13),
    claim("S1-11", "change of any correlation", np.abs(after - before), at_most=1e-13),
    claim("S1-11", "largest correlation left", np.abs(after[off]).max(), at_least=0.5),
    claim("S1-11", "the same after whitening", np.abs(white[off]).max(), at_most=1e-10),
    claim("S1-11", "change of any skewness", np.abs(skew(hat) - skew(batch)), at_most=1e-12),
    claim("S1-11", "largest skewness left (normal: 0)", skew(hat).max(), at_least=1),
    claim("P07", "two rows: size of every value", two, predicted=1, within=1e-12),
    claim("", "32 rows, one far out: its value", normalise(outlier)[31], predicted=31**0.5, within=1e-6),
    claim(
        "", "ours less torch.nn.BatchNorm1d", (normalise(batch) - layer(batch)).detach().abs(), at_most=1e-12
    ),
    claim("S2-40", "γ of a new layer, in its parameters", layer.weight.detach(), predicted=1, within=0),
    claim("S2-40", "β of a new layer, in its parameters", layer.bias.detach(), at_least=0, at_most=0),
    claim(
        "S2-40",
        "learnable numbers for 6 units",
        sum(p.numel() for p in layer.parameters()),
        predicted=12,
        within=0,
    ),
    claim("S1-12", "γ = root, β = mean: distance to the input", (undone - batch).abs(), at_most=1e-12),
    claim("S1-12", "linear share at γ = 0.25 and 1", share[[1, 3]], at_least=0.98),
    claim("S1-12", "linear share at γ = 32", share[-1], predicted=2 / np.pi, within=0.06),
)

# %% [markdown] claims=["S1-11", "S1-12"]
# The titles of the first two pictures agree: batch normalisation moves and stretches the axes, and the cloud stays what
# it was. What is standardised is a mean and a variance, not a distribution.
#
# **Caveat.** "Nothing is lost" is about what can be expressed with the statistics of one batch. The statistics differ
# from batch to batch; section 4 is about that.

# %% [markdown] claims=["S2-27", "S2-36"]
# ## 2. What does it do to the gradient?
#
# **Question.** One unit, $w_1 x_1 + w_2 x_2$, fits a target by squared error: a bowl. Now normalise the unit. What has
# become of the bowl, and of its limit 2/L for the learning rate?


# %% claims=["S2-27"]
@dataclass(frozen=True, eq=False)
class Bowl:  # half the mean squared error of the unit w·x against a target; all centred, target of variance 1
    S: np.ndarray  # covariance of the inputs
    c: np.ndarray  # covariance of inputs and target

    def value(self, w):
        return 0.5 * np.einsum("...i,ij,...j", w, self.S, w) - w @ self.c + 0.5

    def grad(self, w):
        return w @ self.S - self.c


class Fan(Bowl):  # the same unit, normalised: 1 - the correlation of unit and target
    def value(self, w):
        return 1 - w @ self.c / np.sqrt(np.einsum("...i,ij,...j", w, self.S, w))

    def grad(self, w):
        q = np.einsum("...i,ij,...j", w, self.S, w)[..., None]
        return ((w @ self.c)[..., None] * (w @ self.S) / q - self.c) / np.sqrt(q)


def gradient_descent(grad, w, lr):
    while True:
        w = w - lr * grad(w)
        yield w


S = np.array([[1.0, 0.6], [0.6, 4.0]])
bowl, fan = Bowl(S, S @ [-0.5, 0.4]), Fan(S, S @ [-0.5, 0.4])
start, limit = np.array([1.2, 0.3]), 2 / np.linalg.eigvalsh(S)[-1]
on_bowl = [run(gradient_descent, bowl, start, 25, lr=f * limit) for f in (0.3, 0.95, 1.05)]
on_fan = [run(gradient_descent, fan, start, 25, lr=f * limit) for f in (0.3, 3.0, 30.0)]
view = {"xlim": (-3.2, 3.2), "ylim": (-2.4, 2.4)}
plots.show(
    plots.descents(bowl, *on_bowl, labels=["0.3 × limit", "0.95", "1.05"], title="the unit itself", **view),
    plots.descents(fan, *on_fan, labels=["0.3 × limit", "3", "30"], title="normalised", **view),
    alt="Left, a bowl with elliptic contours; one path arrives, one zigzags, one grows out of the picture. Right, contours that are rays "
    "from the origin; paths run across the rays, each further out than the one before, and none comes back in.",
)

# %% [markdown] claims=["S2-27", "S2-36"]
# The contours have become rays: only the direction of $w$ counts.
#
# **Predict.** (a) On the right, which angle does the gradient make with $w$? (b) You multiply all weights by 3. What
# happens to the loss, and to the gradient? (c) Can $\lVert w\rVert$ shrink? (d) After 100 steps from the same start,
# the rates 0.1 and 100 have led to which *effective* rates, in the ratio 1 : 1000, or something else?
#
# **Theory.** Take ε = 0. Adding a constant to a column, or multiplying it by $a>0$, does not change $\hat x$. So the
# gradient cannot have a component along either: with $d\hat x$ the gradient by the normalised column,
#
# $$dx = \frac1\sigma\Big(d\hat x - \overline{d\hat x} - \hat x\,\overline{d\hat x\,\hat x}\Big) =
# \frac1\sigma\, P\, d\hat x ,\qquad \sum_i dx_i = 0,\quad \sum_i dx_i\,\hat x_i = 0 ,$$
#
# where bars are means over the batch and $P$ projects away two of the column's $N$ dimensions. For the weights $w$ in
# front of the unit it follows that
#
# $$L(aw)=L(w),\qquad \nabla L(aw)=\tfrac1a\nabla L(w),\qquad w\cdot\nabla L(w)=0 .$$
#
# Three consequences. (1) A bias in front of a normalisation does nothing; β takes its place. (2) By Pythagoras every
# step makes $w$ longer: $\lVert w_{t+1}\rVert^2=\lVert w_t\rVert^2+\eta^2\lVert g_t\rVert^2$. (3) What turns the
# direction is not η but the **effective rate** $\eta_{\text{eff}} = \eta/\lVert w\rVert^2$: once for the length that is
# to be turned, once for the gradient, which is $1/\lVert w\rVert$ as long as at length 1 (van Laarhoven 2017). With
# $\tilde g_t=\lVert w_t\rVert\, g_t$, the gradient at length 1, square (2):
#
# $$\lVert w_{t+1}\rVert^4 \ge \lVert w_t\rVert^4+2\eta^2\lVert\tilde g_t\rVert^2
# \quad\Longrightarrow\quad \eta_{\text{eff}} \le \frac{1}{\sqrt{2\sum_{s<t}\lVert \tilde g_s\rVert^2}} \quad\text{for every } \eta .$$
#
# Large steps lengthen $w$ until they are small. There is no limit 2/L to fall over.
#
# **Experiment.** First the algebra, on one layer of six units in float64, with automatic differentiation. Then 61 rates
# at once on the two surfaces above.


# %% claims=["S2-36"]
def layer_loss(W, bias=0.0, scale=1.0):  # one normalised layer, a tanh, squared error against noise
    return (torch.tanh(normalise(inputs @ (scale * W).T + bias, eps=0)) - targets).square().mean()


generator = torch.Generator().manual_seed(3)
inputs, targets, W, upstream = (torch.randn(n, 6, generator=generator) for n in (64, 64, 6, 64))
W.requires_grad_(True)
bias = torch.zeros(6, requires_grad=True)
at_one, of_bias = torch.autograd.grad(layer_loss(W, bias), (W, bias))
tripled = (3 * W).detach().requires_grad_(True)
at_three = torch.autograd.grad(layer_loss(tripled), tripled)[0]

column = inputs.detach().clone().requires_grad_(True)
hat = normalise(column, eps=0)
dx = torch.autograd.grad(hat, column, upstream)[0]
projected = upstream - upstream.mean(0) - hat * (upstream * hat).mean(0)
formula = (projected / column.std(0, correction=0)).detach()
eight = inputs[:8, :1]
jacobian = torch.autograd.functional.jacobian(lambda x: normalise(x, eps=0)[:, 0], eight)[:, :, 0]
kept = torch.linalg.eigvalsh(jacobian * eight.std(correction=0))

# %% claims=["S2-27", "S2-36"]
etas = np.geomspace(0.01, 100, 61)[:, None]
starts, T = np.tile(start, (61, 1)), 100
wide = run(gradient_descent, fan, starts, T, lr=etas)
plain = run(gradient_descent, bowl, starts, T, lr=etas)
lengths = np.linalg.norm(wide.path, axis=-1)  # (101, 61)
slopes = np.linalg.norm(fan.grad(wide.path), axis=-1)
effective = etas[:, 0] / lengths[-1] ** 2
bound = 1 / np.sqrt(2 * np.sum((lengths * slopes)[:-1] ** 2, axis=0))
pythagoras = lengths[1:] ** 2 / (lengths[:-1] ** 2 + (etas[:, 0] * slopes[:-1]) ** 2)

# %%
best = [surface.value(np.linalg.solve(S, surface.c)) for surface in (bowl, fan)]
excess = [
    np.where(t.losses[-1] < 1e3, t.losses[-1] - b, np.nan) for t, b in zip((plain, wide), best, strict=True)
]
plots.show(
    plots.lines(
        *(Curve(etas[:, 0], np.maximum(e, 1e-12), n) for e, n in zip(excess, ("bowl", "fan"), strict=True)),
        xlabel="learning rate η",
        ylabel="loss above the best",
        title="after 100 steps",
        logx=True,
        logy=True,
    ),
    plots.lines(
        Curve(etas[:, 0], effective, "fan", colour=1),
        Curve(etas[:, 0], etas[:, 0] / np.sum(start**2), "η / |w₀|²", theory=True, colour=3),
        Curve(etas[:, 0], bound, "bound", theory=True, colour=1),
        xlabel="learning rate η",
        ylabel="effective rate",
        logx=True,
        logy=True,
    ),
    height=2.3,
    alt="The bowl's loss falls to zero with growing rate and ends at the limit, where runs diverge; the fan's loss is small over a wide "
    "range of rates. The effective rate grows with the rate up to about 1 and then falls again.",
)

# %% [markdown]
# **Evidence.**

# %% claims=["S2-27", "S2-36"]
middle = (etas[:, 0] > 0.4) & (etas[:, 0] < 9)
beyond = plain.losses[-1, etas[:, 0] > 1.01 * limit] > 1
table(
    claim("P07", "sum of every column of dx", dx.sum(0).abs(), at_most=1e-13),
    claim("P07", "sum of every column of dx · x̂", (dx * hat).sum(0).detach().abs(), at_most=1e-13),
    claim("P07", "formula for dx less autograd", (formula - dx).abs(), at_most=1e-14),
    claim("P07", "eigenvalues of P, N = 8: two of them", kept[:2].abs(), at_most=1e-14),
    claim("P07", "the six others", kept[2:], predicted=1, within=1e-13),
    claim("P07", "w · gradient of every unit", (W * at_one).sum(1).detach().abs(), at_most=1e-15),
    claim(
        "P07",
        "gradient at w over gradient at 3w",
        (at_one.norm() / at_three.norm()).item(),
        predicted=3,
        within=1e-13,
    ),
    claim("P07", "gradient of a bias in front", of_bias.abs(), at_most=1e-15),
    claim("S2-36", "|w|² over Pythagoras, 61 rates, 100 steps", pythagoras, predicted=1, within=1e-12),
    claim("S2-36", "effective rate over its bound", effective / bound, at_most=1),
    claim("S2-36", "effective rate, η from 0.4 to 9", effective[middle], at_least=0.1, at_most=0.6),
    claim("S2-27", "loss above the best on the fan, η from 0.4 to 9", excess[1][middle], at_most=1e-6),
    claim("S2-27", "largest loss on the fan, any rate", wide.losses.max(), at_most=2),
    claim(
        "S2-27",
        "share of the rates above 2/L that diverge on the bowl",
        np.mean(beyond),
        predicted=1,
        within=0,
    ),
)

# %% [markdown] claims=["S2-27", "S2-36"]
# A rate 1,000 times larger has led to a *smaller* effective rate. From η = 0.4 to 9 the normalised unit arrives, a
# factor of 20; for the bowl the same stretch begins at its limit. The surface has changed for good: there is no rate at
# which it is left upwards.
#
# **Caveat.** Never diverging is not the same as arriving. At η = 100 the first step throws $w$ so far out that 100 more
# steps hardly turn it. And a length that only grows makes the effective rate fall for ever; weight decay, which
# shortens $w$, is what keeps it up in practice (unit 11). All of it holds for weights in front of
# a normalisation, and exactly for ε = 0 only; the last layer of a network has its 2/L still.

# %% [markdown] claims=["S2-36", "S2-37", "S2-38"]
# ## 3. Why does it train?
#
# **Question.** Unit 08's cure, to standardise the inputs, works: a network with one hidden layer of sigmoids reads
# digits after 50 full-batch steps with a loss of 0.02 in place of 0.3, each at its best rate. Now take five hidden
# layers of 32 sigmoids, the same standardised pixels of 1,200 digits, batches of 64, 300 steps. They stay at the
# accuracy of guessing. Is the rate wrong, the start, or the network?
#
# Here is a network whose normalisation can be switched off. In
# evaluation it takes its statistics from `reference` rows in place of the batch (section 4). `Batches` draws the rows
# of a step; with `shifts`, it also draws a random scale and a random shift for every unit, anew for every step.


# %% claims=["S2-36", "S2-38"]
@dataclass(frozen=True)
class Net(networks.MLP):
    norm: bool = (
        True  # normalise, scale by γ and shift by the layer's bias, which is β, before the activation
    )

    @property
    def units(self):
        return sum(self.widths[1:-1])

    def initial(self, seed, scale=1.0):
        return np.append(super().initial(seed, scale), np.ones(self.units))

    def split(self, theta):  # the layers' (W, β), and their γ
        return self.layers(theta[..., : -self.units]), theta[..., -self.units :].split(self.widths[1:-1], -1)

    def forward(self, theta, x, reference=None, noise=None, seen=None):
        n = (
            None if reference is None else len(reference)
        )  # then the first n rows, and only these, give the statistics
        h = x if n is None else torch.cat([reference, x])
        (*hidden, (V, c)), gammas = self.split(theta)
        for k, ((W, beta), gamma) in enumerate(zip(hidden, gammas, strict=True)):
            z = h @ W.mT
            if self.norm:
                z = gamma.unsqueeze(-2) * normalise(z, None if n is None else z[..., :n, :])
            z = z + beta.unsqueeze(-2)
            if noise:
                z = noise[k][0] * z + noise[k][1]
            h = networks.ACTIVATIONS[self.activation](z)
            if seen is not None:
                seen.append(h)
        out = h @ V.mT + c.unsqueeze(-2)
        return out if n is None else out[..., n:, :]


# %% [markdown]
# Bookkeeping: the digits, the loss of many networks at once on some rows, and a loss that draws the rows of every step.

# %% claims=["S2-38"]
pool = data.digits()
spread = pool.inputs[:1200].std(axis=0)
pixels = torch.tensor((pool.inputs - pool.inputs[:1200].mean(axis=0)) / np.where(spread > 1e-3, spread, 1))
labels = torch.tensor(pool.labels)


def entropy(net, w, rows, inputs=pixels, **options):  # cross-entropy of each of the networks w (..., n)
    scores = net.forward(w, inputs[rows], **options).log_softmax(-1)
    return -scores[..., torch.arange(len(rows)), labels[rows]].mean(-1)


@dataclass(frozen=True)
class On:  # the loss on these rows, as a surface
    net: Net
    rows: np.ndarray
    noise: list | None = None
    inputs: torch.Tensor = pixels

    def value(self, w):
        with torch.no_grad():
            return entropy(self.net, torch.tensor(w), self.rows, self.inputs, noise=self.noise).numpy()

    def grad(self, w):
        w = torch.tensor(w, requires_grad=True)
        loss = entropy(self.net, w, self.rows, self.inputs, noise=self.noise).sum()
        return torch.autograd.grad(loss, w)[0].numpy()


class Batches:
    def __init__(self, net, B=64, shifts=False):
        self.net, self.B, self.shifts, self.rng = net, B, shifts, np.random.default_rng(0)

    def draw(self, many, low, high):  # a number for every unit of each of the networks
        sizes = [(*many, 1, m) for m in self.net.widths[1:-1]]
        return [torch.tensor(self.rng.uniform(low, high, size)) for size in sizes]

    def grad(self, w):
        rows, many, noise = self.rng.choice(1200, self.B, replace=False), w.shape[:-1], None
        if self.shifts:
            noise = list(zip(self.draw(many, 0.5, 1.5), self.draw(many, -0.5, 0.5), strict=True))
        return On(self.net, rows, noise).grad(w)

    def value(self, w):
        return On(self.net, np.arange(1200)).value(w)


def accuracy(net, w):  # on 597 digits not trained on; the statistics are those of the training rows
    with torch.no_grad():
        out = net.forward(torch.tensor(w), pixels[1200:], reference=pixels[:1200])
    return (out.argmax(-1) == labels[1200:]).double().mean(-1).numpy()


# %% [markdown]
# **Predict.** (a) Without normalisation: at how many of seven rates from 0.01 to 10 does the network read more than 15
# % of the test digits? (b) With it: at how many more than 90 %? (c) Batch normalisation was invented against *internal
# covariate shift*: the inputs of a layer change their distribution while the layers below them learn. So add such a
# shift on purpose: after the normalisation, multiply every unit by a random number from 0.5 to 1.5 and add one from
# −0.5 to 0.5, new ones at each step. What becomes of the accuracy?
#
# **Theory.** *Why nothing moves.* By unit 03, a layer of sigmoids with weights of variance $1/n$ multiplies the
# gradient by $\sqrt{\mathrm{E}\,\varphi'(z)^2} = 0.236$ on its way down. Five such layers leave 0.0007 of it, twenty
# leave $10^{-12}$.
#
# *What normalisation does about it.* Let the inputs of a layer's activations be standard normal: that is what it
# arranges for, roughly. The next layer's sums have the variance $v\,\mathrm{Var}\,\varphi(z)$, where $v$ is $n$ times
# the variance of its weights, and are divided by the root of it. Backwards the gradient is multiplied by $\varphi'(z)$
# and by $\sqrt v$, and divided by the same root. The scale $v$ of the weights cancels:
#
# $$\text{factor per layer} = \sqrt{\frac{\mathrm{E}\,\varphi'(z)^2}{\mathrm{Var}\,\varphi(z)}} \;\ge\; 1,\qquad z\sim N(0,1).$$
#
# That it is at least 1 is Poincaré's inequality for the normal distribution; it is 1 for a straight line only. For
# sigmoid it is 1.017, for tanh 1.085, for relu $\sqrt{\pi/(\pi-1)} = 1.211$ (Yang et al. 2019). So behind a
# normalisation no gradient vanishes, whatever the activation and the start. It grows instead; remember this for section
# 5.
#
# *Why it trains at most rates.* Section 2.
#
# **Experiment.**

# %% claims=["S2-36", "S2-37", "S2-38"]
five, rates = (64, *[32] * 5, 10), np.array([0.01, 0.03, 0.1, 0.3, 1, 3, 10])
kinds = {
    "plain": Batches(Net(five, "sigmoid", norm=False)),
    "normalised": Batches(Net(five, "sigmoid")),
    "and shifted": Batches(Net(five, "sigmoid"), shifts=True),
}
runs, scores = {}, {}


def best_of(name):  # the best accuracy of each seed over the rates
    return scores[name].max(axis=-1)


for name, batches in kinds.items():
    starts = np.stack([[batches.net.initial(seed)] * len(rates) for seed in seeds])  # (seeds, rates, n)
    runs[name] = run(gradient_descent, batches, starts, 300, every=100, lr=rates[:, None])
    scores[name] = accuracy(batches.net, runs[name].path[-1])

shallow, many = Net((64, 32, 10), "sigmoid", norm=False), 2.0 ** np.arange(-4, 5)[:, None]
by_inputs = {}
for name, inputs in {"grey values": torch.tensor(pool.inputs), "standardised": pixels}.items():
    loss, w = On(shallow, np.arange(1200), inputs=inputs), [[shallow.initial(seed)] * 9 for seed in seeds]
    by_inputs[name] = run(gradient_descent, loss, w, 50, every=50, lr=many).losses[-1].min(axis=-1)


# %% claims=["S2-36"]
def arriving(net, seed, scale):  # length of the gradient by each layer's outputs, at the start
    seen = []
    w = torch.tensor(net.initial(seed, scale), requires_grad=True)
    loss = entropy(net, w, np.arange(256), seen=seen)
    return np.array([g.norm().item() for g in torch.autograd.grad(loss, seen)])


x, weight = np.polynomial.hermite_e.hermegauss(101)
weight /= weight.sum()


def factor(phi, slope):  # sqrt(E phi'(x)² / Var phi(x)) for x ~ N(0, 1)
    return math.sqrt(weight @ slope(x) ** 2 / (weight @ phi(x) ** 2 - (weight @ phi(x)) ** 2))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


per_layer = {
    "sigmoid": factor(sigmoid, lambda x: sigmoid(x) * (1 - sigmoid(x))),
    "tanh": factor(np.tanh, lambda x: 1 - np.tanh(x) ** 2),
    "relu": math.sqrt(math.pi / (math.pi - 1)),
}
twenty = (64, *[128] * 20, 10)
arrives = {
    name: np.array([arriving(Net(twenty, act, norm=norm), seed, 1.0) for seed in seeds])
    for name, (act, norm) in {
        "plain": ("sigmoid", False),
        "sigmoid": ("sigmoid", True),
        "tanh": ("tanh", True),
        "relu": ("relu", True),
    }.items()
}

# %%
below = np.arange(20.0)
plots.show(
    plots.lines(
        *(Curve(rates, 100 * s.mean(0), n) for n, s in scores.items()),
        xlabel="learning rate η",
        ylabel="test accuracy, %",
        title="five layers of sigmoids",
        logx=True,
        ylim=(0, 102),
    ),
    plots.lines(
        *(Curve(below, g[0, ::-1] / g[0, -1], n) for n, g in arrives.items()),
        *(Curve(below, f**below, theory=True, colour=c) for c, f in enumerate((0.2361, *per_layer.values()))),
        xlabel="layers below the top",
        ylabel="gradient / that at the top",
        title="20 layers of 128, at the start",
        logy=True,
    ),
    height=2.3,
    alt="Test accuracy against the learning rate: the plain network stays near 10 per cent at all rates, the normalised one is above "
    "90 per cent from 0.1 to 10, and so is, a little lower, the one with random shifts. From the top of 20 layers down, the gradient of "
    "the plain network falls by twelve orders of magnitude; those of three normalised ones rise slightly, along dashed lines.",
)

# %% [markdown] claims=["S1-12", "S2-36", "S2-40", "S2-41"]
# Prediction (c) goes against the reason that the inventors gave: a network whose layers see a new distribution at every
# step trains nearly as well. Normalisation helps, but not by keeping distributions still. This is the experiment of
# Santurkar et al. (2018) at our size.
#
# Two more questions to the same network. **When do γ and β begin to matter?** The lectures say: at first all units have
# similar distributions, and later γ and β change them. The next cell trains with η = 1, with γ learnt and with γ held
# at 1.

# %% claims=["S1-12", "S2-40", "S2-41"]
net = Net(five, "sigmoid")
free = np.ones(net.size + net.units)
frozen = free.copy()
frozen[-net.units :] = 0


def masked(grad, w, lr, mask):
    while True:
        w = w - lr * mask * grad(w)
        yield w


starts = np.stack([[net.initial(seed)] * 2 for seed in seeds])  # (seeds, 2, n)
learns = run(masked, Batches(net), starts, 600, every=30, lr=1.0, mask=np.stack([free, frozen]))
gammas = np.stack(
    [g.numpy() for g in net.split(torch.tensor(learns.path[:, :, 0]))[1]], axis=-2
)  # (21, seeds, 5, 32)
deviation = np.sqrt(np.mean((gammas - 1) ** 2, axis=-1))  # (21, seeds, 5)

# %%
plots.show(
    plots.lines(
        *(Curve(learns.steps, deviation[:, 0, k], f"layer {k + 1}") for k in range(5)),
        xlabel="step",
        ylabel="rms of γ − 1",
    ),
    plots.lines(
        Curve(gains, share, "measured"),
        Curve(gains, np.full(9, 2 / np.pi), "2/π", theory=True, colour=3),
        xlabel="γ (β = 0)",
        ylabel="linear share of a sigmoid",
        logx=True,
    ),
    height=2.3,
    alt="The distance of gamma from 1 grows slowly in the first four layers, to 0.2 or 0.3 after 600 steps; in the last hidden "
    "layer it rises at once and passes 1. Beside it, the linear share of a sigmoid is near 1 up to gain 1 and falls "
    "towards two over pi.",
)

# %% [markdown] claims=["S2-36"]
# **Is the surface smoother?** That is the explanation of Santurkar et al. Take a step along the gradient, as far as
# 0.05 to 0.4 times its length. How much does the gradient change per unit of length, and what is the worst that happens
# to the loss? The cell measures both at three moments of training, for networks of eight layers: relu with weights of
# variance 2/n (He et al.), relu with 1/n, and tanh with 1/n.

# %% claims=["S2-36"]
ahead = np.array([0.05, 0.1, 0.2, 0.4])[:, None, None]  # how far along the gradient, in learning rates


def rough(
    net, w, stretch=1, mask=1
):  # largest change of the gradient per length, and worst change of the loss
    loss = On(net, np.arange(128))
    g = mask * loss.grad(w)
    there, length = w - stretch * ahead * g, np.linalg.norm(stretch * ahead * g, axis=-1)
    change = np.linalg.norm(mask * (loss.grad(there) - loss.grad(w)), axis=-1) / length
    return change.max(0), (loss.value(there) - loss.value(w)).max(0)


def smoothness(net, scale):
    starts = np.stack([net.initial(seed, scale) for seed in range(3)])
    path = run(gradient_descent, Batches(net, 128), starts, 60, every=20, lr=0.05).path[:-1]
    return np.array([rough(net, w) for w in path])  # (3, 2, seeds)


setups = {"relu, var 2/n": ("relu", 2**0.5), "relu, var 1/n": ("relu", 1.0), "tanh, var 1/n": ("tanh", 1.0)}
smooth = {
    (name, norm): smoothness(Net((64, *[64] * 8, 10), act, norm=norm), scale)
    for name, (act, scale) in setups.items()
    for norm in (False, True)
}
net = Net((64, *[32] * 8, 10), "relu")
inner = np.zeros(net.size + net.units)  # 1 for the weights in front of a normalisation
for W, _ in net.split(torch.arange(net.size + net.units))[0][:-1]:
    inner[W.ravel().numpy()] = 1
stretched = [net.initial(seed) * np.where(inner, a, 1) for seed in range(1) for a in (1, 3, 10)]
smaller = [rough(net, w, a**2, inner)[0].item() for w, a in zip(stretched, (1, 3, 10), strict=True)]
outputs = [net.forward(torch.tensor(w), pixels[:128]) for w in stretched]
same = [(out - outputs[0]).abs().max().item() for out in outputs[1:]]


def drift(
    batches, w, steps=40
):  # how far a unit's mean moves per step, in its standard deviations: middle layer
    means = []
    for _ in range(steps):
        w = w - batches.grad(w)
        (_, beta), gamma = batches.net.split(torch.tensor(w))[0][2], batches.net.split(torch.tensor(w))[1][2]
        scale, shift = 1, 0
        if batches.shifts:
            (scale,), (shift,) = (batches.draw((), *ends)[2] for ends in ((0.5, 1.5), (-0.5, 0.5)))
        means.append(((scale * beta + shift) / (scale * gamma)).numpy())
    return np.abs(np.diff(means, axis=0)).mean()


drifts = [drift(kinds[name], kinds[name].net.initial(0)) for name in ("normalised", "and shifted")]


# %%
def dots(row, ylabel, ylim, **axis):
    def draw(ax):
        for k, norm in enumerate((False, True)):
            for j, setup in enumerate(setups):
                y = (
                    np.median(smooth[setup, norm][:, 0], axis=0)
                    if row == 0
                    else smooth[setup, norm][:, 1].max(0)
                )
                label = ("plain", "normalised")[k] if j == 0 else None
                ax.plot(
                    j + (2 * k - 1) * 0.12 + 0 * y, y, plots.MARKERS[k], color=plots.COLOURS[k], label=label
                )
        ax.set_xticks(range(3), [name.replace(", ", "\n") for name in setups])
        ax.set_yscale(**axis)
        ax.set(ylabel=ylabel, xlim=(-0.5, 2.5), ylim=ylim)
        ax.legend()

    return draw


plots.show(
    dots(0, "change of gradient / length", (1, 100), value="log"),
    dots(1, "worst change of the loss", (-0.2, 100), value="symlog", linthresh=0.1),
    height=2.3,
    alt="The change of the gradient is smaller with normalisation for relu with large weights, and several times larger for the two "
    "other set-ups. The worst change of the loss is an increase by 3 to 20 for the plain relu network with large weights, and slightly negative, a "
    "decrease, in all other cases.",
)

# %% [markdown]
# **Evidence.**

# %% claims=["S1-12", "S2-36", "S2-37", "S2-38", "S2-40", "S2-41"]
factors = {name: (g[:, 0] / g[:, -1]) ** (1 / 19) for name, g in arrives.items()}
normed = torch.tensor(runs["normalised"].path[-1])  # (seeds, rates, n)
squares = np.stack(
    [W.square().sum(-1).mean(-1).numpy() for W, _ in kinds["normalised"].net.split(normed)[0][:-1]]
)
tuned = (rates / squares)[..., 4:]  # effective rates of the five layers at η = 1, 3, 10
inner_layers, top = deviation[..., :4], deviation[..., 4]
slope = gammas[-1].mean(axis=(0, 2))[:, None]  # mean γ of each layer
shares = [np.cov(sigmoid(g * x), x, aweights=weight) for g in slope]
shares = [c[0, 1] ** 2 / (c[0, 0] * c[1, 1]) for c in shares]
median = {key: np.median(value[:, 0], axis=0) for key, value in smooth.items()}
worst = {key: value[:, 1].max(axis=0) for key, value in smooth.items()}
relative = {name: median[name, True] / median[name, False] for name in setups}
he, others = "relu, var 2/n", [name for name in setups if "2/n" not in name]
table(
    claim(
        "S2-37",
        "one hidden layer, 50 steps: loss, inputs standardised",
        by_inputs["standardised"],
        at_most=0.1,
    ),
    claim("S2-37", "the same, grey values from 0 to 1", by_inputs["grey values"], at_least=0.2),
    claim("S2-38", "accuracy, plain, seven rates", scores["plain"], at_most=0.15),
    claim("S2-38", "accuracy, normalised, η = 0.1 to 10", scores["normalised"][:, 2:], at_least=0.9),
    claim("P08", "the same with random shifts, η = 0.1 to 3", scores["and shifted"][:, 2:6], at_least=0.9),
    claim(
        "P08",
        "best of the rates, with shifts less without",
        best_of("and shifted") - best_of("normalised"),
        at_least=-0.03,
    ),
    claim("P08", "shift per step, in deviations: normalised", drifts[0], at_most=0.02),
    claim("P08", "with random shifts", drifts[1], at_least=0.2),
    claim("", "gradient's factor per layer, plain sigmoid", factors["plain"], predicted=0.2361, within=0.02),
    claim("S2-36", "normalised sigmoid", factors["sigmoid"], predicted=per_layer["sigmoid"], within=0.05),
    claim("S2-36", "normalised tanh", factors["tanh"], predicted=per_layer["tanh"], within=0.05),
    claim("S2-36", "normalised relu", factors["relu"], predicted=per_layer["relu"], within=0.02),
    claim(
        "S2-36",
        "effective rates at η = 1, 3, 10: largest / smallest",
        tuned.max(-1) / tuned.min(-1),
        at_most=3,
    ),
    claim("S2-41", "rms of γ − 1 at step 30, layers 1 to 4", inner_layers[1], at_most=0.08),
    claim("S2-41", "at step 600 over step 30, layers 1 to 4", inner_layers[-1] / inner_layers[1], at_least=3),
    claim("S2-41", "rms of γ − 1 at step 30, layer 5", top[1], at_least=0.2),
    claim(
        "S2-40",
        "loss, γ learnt over γ = 1, step 600",
        learns.losses[-1, :, 0] / learns.losses[-1, :, 1],
        at_most=0.6,
    ),
    claim("S1-12", "linear share at the learnt mean γ, layers 1 to 4", shares[:4], at_least=0.96),
    claim("S1-12", "layer 5", shares[4], at_most=0.95),
    claim("P65", "change of the gradient, normalised / plain, relu 2/n", relative[he], at_most=0.9),
    claim("P65", "the two other set-ups", [relative[name] for name in others], at_least=2),
    claim("P65", "worst change of the loss, plain relu 2/n", worst[he, False], at_least=1),
    claim("P65", "normalised, three set-ups", [worst[name, True] for name in setups], at_most=0.2),
    claim(
        "S2-36",
        "change of the gradient × a², weights × a = 1, 3, 10",
        np.multiply(smaller, [1, 9, 100]),
        predicted=smaller[0],
        within=1e-3,
    ),
    claim("S2-36", "and the change of the outputs", same, at_most=1e-2),
)

# %% [markdown] claims=["S1-12", "S2-36", "S2-41"]
# **The rate tunes itself.** Of the rates 1, 3 and 10 the layers have made effective rates that differ by a factor of 2,
# not 10.
#
# **γ and β.** "Alike at first, different later" holds for four of the five layers: there γ moves by 0.04 within 30
# steps and by 0.2 to 0.3 in all. It does not hold for the top layer, whose γ leaves at once. The units below stay
# nearly straight lines; the top one bends, because the data ask for it. Learning γ makes the *training* loss three
# times smaller. Test accuracy is within a point with or without.
#
# **What does not reproduce here.** (1) *Covariate shift*: 280 times more of it costs a point or two. (2) *Smoothness*:
# the answer depends on what you measure and on what you compare with. The gradient changes **faster** with
# normalisation in two set-ups of three, and more slowly in the third, where the plain network starts with large
# weights. The worst step is harmless with normalisation everywhere, but it is so without in two of three, too. (3) The
# first measure is not even a property of the function: multiply all weights in front of the normalisations by 10, and
# it is 100 times smaller, while the outputs change by 0.0001, and that is ε's doing.
#
# So "batch normalisation makes the surface smoother" is not reproduced. What is: it makes the gradient's factor per
# layer independent of the weights' scale, and the effective rate nearly independent of η.
#
# **Caveat.** Networks of 32 units, 1,200 digits. The factors are exact for wide layers; at the widths here they are
# right to 5 %.

# %% [markdown] claims=["S2-39", "S2-42"]
# ## 4. What does a batch know?
#
# **Question.** Ask the network about a single digit. The batch's mean is the digit itself, the variance is 0, and
# PyTorch refuses: "Expected more than 1 value per channel when training". Two digits are accepted. Are they enough? And
# what is done when only one is at hand?
#
# **Predict.** (a) Three layers of relu, 400 steps, batches of 2: does the network with or without normalisation read
# more test digits? (b) After 20 steps: is the loss the same in training mode and in evaluation mode? (c) A trained
# network reads 98 % of the test digits. You forget to switch to evaluation mode, and the test digits come sorted, 32 at
# a time. How many does it read: 98, 90 or 18 %?
#
# **Theory.** *Noise.* A batch's mean and deviation are estimates. Let the column be normal, $\hat x^B$ its values
# normalised over a batch of B, $\hat x$ with the true mean and deviation. Because $\sum_i \hat x^B_i x_i = B\,s$ for
# the batch's own deviation $s$,
#
# $$\mathrm{E}\,(\hat x^B - \hat x)^2 = 2 - 2\,\frac{\mathrm{E}\,s}{\sigma} = 2 - 2\sqrt{\tfrac 2B}\;\frac{\Gamma(B/2)}{\Gamma((B-1)/2)} \approx \frac{3}{2B} .$$
#
# At B = 2 that is 0.93 of a standard deviation, at 32 still 0.22.
#
# *Gradient.* Section 2's $P$ leaves $B-2$ of a column's $B$ dimensions: the share $1 - 2/B$ of a random gradient. **At
# B = 2 nothing is left**: every value is +1 or −1, and which of them cannot be changed by a small step. What ε lets
# through is a factor $\varepsilon/(\sigma^2+\varepsilon)^{3/2}$: practically 0 for most pairs, and up to
# $1/\sqrt\varepsilon = 316$ for two rows that happen to agree.
#
# *Evaluation.* There the statistics are **running averages**, made in training and then left alone. Conventions:
#
# | who | update after a batch | usual value |
# |---|---|---|
# | PyTorch, *the exercises of this unit* | $\bar\mu \leftarrow (1-m)\,\bar\mu + m\,\mu$ | `momentum` $m=0.1$ |
# | the lectures | $\bar\mu \leftarrow p\,\bar\mu + (1-p)\,\mu$ | $p = 1-m = 0.9$ |
#
# The variance is averaged, not the deviation, and with $N-1$ in place of $N$, although the batch itself is normalised
# with $N$. PyTorch starts at mean 0 and variance 1 and corrects nothing, so that after $t$ batches the share $(1-m)^t$
# of the start is left. A long memory is slow to forget it; a short one is noisy, with variance $\tfrac{m}{2-m}$ of that
# of a single batch (unit 06's noise floor).
#
# **Experiment.**

# %% claims=["S2-39"]
sizes, normal = (2, 4, 8, 32, 128), torch.randn(4096, 64, generator=torch.Generator().manual_seed(5))


def off(
    B,
):  # rms difference between values normalised over batches of B and with the true mean 0 and deviation 1
    batches = normal.reshape(-1, B, 64)
    return (normalise(batches, eps=0) - batches).square().mean().sqrt().item()


def left(B):  # the share of a random gradient that passes, |P g|² / |g|²
    g = torch.randn(4096 // B, B, 64, generator=torch.Generator().manual_seed(B))
    batches = normal.reshape(-1, B, 64).clone().requires_grad_(True)
    back = torch.autograd.grad(normalise(batches, eps=0), batches, g)[0]
    back = back * batches.std(1, correction=0, keepdim=True)
    return (back.square().sum() / g.square().sum()).item()


differs = np.array([off(B) for B in sizes])
predicted = np.array(
    [2 - 2 * math.sqrt(2 / B) * math.exp(math.lgamma(B / 2) - math.lgamma((B - 1) / 2)) for B in sizes]
)
passes = [left(B) for B in sizes]


# %% claims=["S2-39"]
def build(norm, seed, momentum=0.1):  # three hidden layers, in PyTorch
    torch.manual_seed(seed)
    layers = []
    for d in (64, 32, 32):
        layers += [
            nn.Linear(d, 32),
            nn.BatchNorm1d(32, momentum=momentum) if norm else nn.Identity(),
            nn.ReLU(),
        ]
    return nn.Sequential(*layers, nn.Linear(32, 10))


def fit(net, B, steps, lr, seed, watch=None):
    rng, optimiser, seen = np.random.default_rng(seed), torch.optim.SGD(net.parameters(), lr=lr), []
    net.train()
    for _ in range(steps):
        rows = rng.choice(1200, B, replace=False)
        optimiser.zero_grad()
        nn.functional.cross_entropy(net(pixels[rows]), labels[rows]).backward()
        optimiser.step()
        if watch:
            seen.append(watch(net))
    return np.array(seen)


def right(net, rows, training=False):  # how many of these rows are read correctly; the network stays as it is
    net = copy.deepcopy(net).train(training)
    with torch.no_grad():
        return (net(pixels[rows]).argmax(1) == labels[rows]).sum().item()


def recalibrated(net):  # running statistics: those of all training rows, with the finished weights
    net = copy.deepcopy(net)
    for layer in net:
        if isinstance(layer, nn.BatchNorm1d):
            layer.reset_running_stats()
            layer.momentum = None
    with torch.no_grad():
        net.train()(pixels[:1200])
    return net


def tail(B):  # gradients of the lowest weights at the start, for 300 batches: 99 % quantile over median
    net, rng, found = build(True, 0), np.random.default_rng(0), []
    for _ in range(300):
        rows = rng.choice(1200, B, replace=False)
        loss = nn.functional.cross_entropy(net(pixels[rows]), labels[rows])
        found.append(torch.autograd.grad(loss, net[0].weight)[0].norm().item())
    return np.quantile(found, 0.99) / np.median(found)


tails = {B: tail(B) for B in (2, 32)}
test = np.arange(1200, 1797)
small = np.zeros((3, len(seeds), 4))  # normalised, the same recalibrated, plain; for B = 2, 4, 8, 32
for j, B in enumerate(sizes[:4]):
    for seed in seeds:
        net, other = build(True, seed), build(False, seed)
        for each in (net, other):
            fit(each, B, 400, 0.05, seed)
        small[:, seed, j] = [right(each, test) / 597 for each in (net, recalibrated(net), other)]


# %%
def ticked(panel, ticks):  # the same panel, with these ticks on its x axis and no others
    def draw(ax):
        panel(ax)
        ax.set_xticks(ticks, map(str, ticks))
        ax.minorticks_off()

    return draw


plots.show(
    ticked(
        plots.lines(
            *(
                Curve(sizes[:4], 100 * s.mean(0), n)
                for s, n in zip(small, ("normalised", "recalibrated", "plain"), strict=True)
            ),
            xlabel="batch size B",
            ylabel="test accuracy, %",
            logx=True,
        ),
        sizes[:4],
    ),
    ticked(
        plots.lines(
            Curve(sizes, differs, "noise of x̂", colour=3),
            Curve(sizes, predicted**0.5, theory=True, colour=3),
            Curve(sizes, passes, "gradient left", colour=4),
            Curve(sizes, 1 - 2 / np.array(sizes), theory=True, colour=4),
            xlabel="batch size B",
            ylabel="share",
            logx=True,
        ),
        sizes,
    ),
    height=2.3,
    alt="Accuracy against batch size: with normalisation 35 per cent at 2 and above 95 at 32, whether recalibrated or not; "
    "without it 75 per cent at 2 and just above 90 at 32. The noise of a normalised value falls from 0.93 to 0.1, and "
    "the share of the gradient that is left rises from 0 to 1.",
)


# %% claims=["S2-42"]
def both(
    net,
):  # loss on the training rows in evaluation mode, and in training mode with all of them as one batch
    with torch.no_grad():
        return [
            nn.functional.cross_entropy(copy.deepcopy(net).train(mode)(pixels[:1200]), labels[:1200]).item()
            for mode in (False, True)
        ]


modes = {m: fit(build(True, 0, m), 64, 100, 0.1, 0, watch=both) for m in (0.01, 0.1, 0.9)}
trained = build(True, 0)
fit(trained, 64, 400, 0.1, 0)
by_class, chunks = test[np.argsort(labels[test].numpy(), kind="stable")], range(0, 576, 32)
evaluated = right(trained, test) / 597
mixed, sorted_ = (
    sum(right(trained, rows[i : i + 32], True) for i in chunks) / 576 for rows in (test, by_class)
)

stream, tracks = 5 + 2 * torch.randn(2000, 32, 1, generator=torch.Generator().manual_seed(6)), {}
for m in (0.1, 0.9, None):
    layer = nn.BatchNorm1d(1, momentum=m)
    for batch in stream:
        layer(batch)
        tracks.setdefault(m, []).append([layer.running_mean.item(), layer.running_var.item()])
tracks = {m: np.array(track) for m, track in tracks.items()}
try:
    nn.BatchNorm1d(3)(torch.zeros(1, 3))
    refused = ""
except ValueError as error:
    refused = str(error)

# %%
steps = np.arange(1, 101)
plots.show(
    plots.lines(
        *(Curve(steps, seen[:, 0], f"m = {m}") for m, seen in modes.items()),
        Curve(steps, modes[0.1][:, 1], theory=True, colour=3),
        xlabel="step",
        ylabel="training loss",
        title="evaluation mode (dashed: training mode)",
        logy=True,
    ),
    plots.lines(
        Curve(np.arange(1, 61), tracks[0.1][:60, 0], "m = 0.1", colour=1),
        Curve(np.arange(1, 61), tracks[0.9][:60, 0], "m = 0.9", colour=2),
        Curve(np.arange(1, 61), tracks[None][:60, 0], "mean of all", colour=4),
        Curve(np.arange(1, 61), 5 * (1 - 0.9 ** np.arange(1, 61)), theory=True, colour=3),
        xlabel="batch",
        ylabel="running mean",
        title="a unit with mean 5",
    ),
    height=2.3,
    alt="In evaluation mode the loss with momentum 0.01 hardly falls in 100 steps; with 0.1 it lags for the first 40 and then joins the "
    "dashed loss of training mode, on which 0.9 lies from the start. A running mean with 0.1 rises to 5 along a dashed curve; with 0.9 it "
    "jumps about 5; the plain mean of all batches is at 5 at once and calm.",
)

# %% [markdown]
# **Evidence.**

# %% claims=["S2-39", "S2-42"]
momenta, truth = np.array([0.1, 0.9]), 2 / 32**0.5  # deviation of the mean of one batch
wobble = [tracks[m][500:, 0].std() for m in momenta]
layer = nn.BatchNorm1d(1, momentum=1.0)
pair = layer(torch.tensor([[0.0], [2.0]])).detach()
late, early = modes[0.1][-1], {m: seen[19] for m, seen in modes.items()}
table(
    claim(
        "S2-39",
        "PyTorch refuses a batch of one",
        refused.startswith("Expected more than 1 value"),
        predicted=1,
        within=0,
    ),
    claim("P49", "accuracy at B = 2, normalised", small[0, :, 0], at_most=0.6),
    claim("P49", "the same recalibrated on all training rows", small[1, :, 0], at_most=0.6),
    claim("P49", "accuracy at B = 2, plain", small[2, :, 0], at_least=0.65),
    claim(
        "P49", "accuracy, normalised less plain, B = 8 and 32", small[0, :, 2:] - small[2, :, 2:], at_least=0
    ),
    claim("S2-39", "noise of x̂, B = 2, 4, 8, 32, 128", differs, predicted=predicted**0.5, within=0.03),
    claim("S2-39", "share of the gradient left, B = 2", passes[0], at_most=1e-20),
    claim("S2-39", "B = 4, 8, 32, 128", passes[1:], predicted=1 - 2 / np.array(sizes[1:]), within=0.01),
    claim("S2-39", "gradient of the lowest weights, 99 % quantile / median, B = 2", tails[2], at_least=100),
    claim("S2-39", "B = 32", tails[32], at_most=2),
    claim(
        "S2-42",
        "loss in evaluation / training mode, step 20, m = 0.01",
        early[0.01][0] / early[0.01][1],
        at_least=2,
    ),
    claim("S2-42", "m = 0.1", early[0.1][0] / early[0.1][1], at_least=1.2),
    claim("S2-42", "m = 0.1, step 100", late[0] / late[1], predicted=1, within=0.15),
    claim(
        "P49",
        "running mean after 60 batches, m = 0.1",
        tracks[0.1][59, 0],
        predicted=5 * (1 - 0.9**60),
        within=0.05,
    ),
    claim(
        "S2-42",
        "its deviation, m = 0.1 and 0.9",
        wobble,
        predicted=truth * np.sqrt(momenta / (2 - momenta)),
        within=0.25,
    ),
    claim("S2-42", "rows 0 and 2, m = 1: running variance", layer.running_var, predicted=2, within=0),
    claim("S2-42", "size of their normalised values", pair.abs(), predicted=1, within=1e-4),
    claim("S2-42", "accuracy in evaluation mode", evaluated, at_least=0.95),
    claim("S2-42", "in training mode, shuffled test rows", mixed, at_least=0.93),
    claim("S2-42", "in training mode, test rows sorted by class", sorted_, at_most=0.4),
)

# %% [markdown] claims=["S2-39", "S2-42"]
# Batches of 2 ruin the network, and better statistics afterwards do not save it: it is the training that fails. The
# lowest weights get next to no gradient for most pairs, and thousands of times the usual one for a few. From B = 8 on,
# normalisation wins.
#
# Sorted by class, a batch of 32 sevens has the mean of a seven. The normalisation subtracts it, and with it everything
# that says "seven". The same network, the same digits: 98 % and 18 %. A network that behaves oddly when deployed is
# asked this first: which mode is it in?
#
# **Caveat.** What the running averages hold is also *old*: averages over weights that have moved since. With small
# steps it does not matter; after a large last step it can. Where batches must be small, normalise over something else:
# over the units of one row (layer normalisation, Ba et al. 2016) or over groups of them (Wu and He 2018). Both do the
# same thing in both modes.

# %% [markdown]
# ## Touch it
#
# The fan of section 2: a start at some distance from the origin, some rate, 40 steps. Below are three settings; in
# JupyterLab and on Colab you also get two sliders. Find two settings with different rates and lengths that make the
# same turn; the rate that is best from length 1; and a setting whose first step is its last that matters.

# %%
star = fan.value(np.linalg.solve(S, fan.c))


def walk(power, length):
    rate, w = 10.0**power, length * start / np.linalg.norm(start)
    trace = run(gradient_descent, fan, w, 40, lr=rate)
    over, reach = trace.losses[-1] - star, 1.15 * np.abs(trace.path).max()
    title = f"η = {rate:.3g}, |w₀| = {length:g}\n" + (f"loss {over:.1g} above" if over > 1e-6 else "arrived")
    return plots.descents(fan, trace, xlim=(-reach, reach), ylim=(-reach, reach), title=title)


interact.explore(
    walk,
    stills=[{"power": 0.0, "length": 1.0}, {"power": 0.95, "length": 3.0}, {"power": 1.5, "length": 1.0}],
    alt="Three paths on the fan of rays: a turn to the best ray; the same turn three times as far out, at nine times the "
    "rate; and a first step so long that the others hardly turn.",
    power=interact.Slider("log₁₀ of the rate η", -2.0, 2.0, 0.05, 0.0),
    length=interact.Slider("length of the start |w₀|", 0.3, 4.0, 0.1, 1.0),
)

# %% [markdown] claims=["S1-11", "S2-27", "S2-36", "S2-39", "S2-40", "S2-41", "S2-42"]
# ## What the sources say, and what is exact
#
# | who | says | exact |
# |---|---|---|
# | S1 | a batch normalisation layer contains a ZCA whitening | it standardises each unit alone; correlations change by less than $10^{-13}$. Whitening would multiply by $C^{-1/2}$ (section 1) |
# | S1 | afterwards every dimension is standard normal | mean 0 and variance 1 and no more: a skewness of 4.4 stays 4.4 (section 1) |
# | S2 | γ and β are hyper-parameters | they are **parameters**, one pair for each unit, which start at 1 and 0 and are learnt (section 1) |
# | S2 | at first distributions are alike, later γ and β matter | measured: in four of five layers; the top layer's γ leaves at once (section 3) |
# | S2 | the whole training set would be too much to *compute*, hence batches | what is missing is the statistics of *all* rows at *every* step: they do not fit and change with the weights |
# | S2 | at test time moving averages of μ and *θ*, "before *training* starts" | of μ and σ, before *inference*. PyTorch averages the variance, with $N-1$, and normalises with $N$ (section 4) |
# | the lectures behind S2 | $\bar\mu \leftarrow p\bar\mu + (1-p)\mu$, "in PyTorch p = 0.1" | PyTorch's 0.1 is the weight of the **new** batch: $p = 0.9$ (section 4) |
# | Ioffe and Szegedy 2015 | it works because it reduces internal covariate shift | 280 times more shift costs a point or two (section 3) |
# | Santurkar et al. 2018 | it works because it makes the surface smoother | not reproduced: the worst step is safer in one set-up of three, and no plain step was unsafe in the two others; the gradient changes more slowly in one and faster in two, by a measure that depends on the length of $w$ (section 3) |
# | S2 | instead of walking better, change the surface | holds: on the fan there is no 2/L (section 2), five sigmoid layers train at most rates (section 3) |

# %% [markdown]
# ## Summary
#
# 1. Batch normalisation gives every unit mean 0 and variance 1 over the batch, then a learnt scale and shift;
#    correlations and shapes stay as they are.
# 2. Its gradient is orthogonal to the constant, to the unit and to the weights in front of it, so these weights only
#    grow, and the effective rate $\eta/\lVert w\rVert^2$ finds its own size for nearly every η.
# 3. Behind it the gradient's factor per layer is $\sqrt{\mathrm E\varphi'^2/\mathrm{Var}\,\varphi}\ge1$ whatever the
#    weights' scale: it cannot vanish, and it explodes slowly.
# 4. A batch of B leaves the share $1-2/B$ of the gradient and adds noise of $\sqrt{3/2B}$ deviations; evaluation uses
#    running averages, which start wrong and must be switched on.
# 5. Of the reasons given for it, less covariate shift does not survive a test, and a smoother surface is not reproduced
#    here.

# %% [markdown]
# ## Quick questions
#
# **1.** You multiply the pixels by 255. Which parts of a network with normalisation after every linear layer notice?
# <details><summary>Answer</summary>
#
# None, up to ε. The first normalisation divides by 255 again, so that the loss is the same function of the first
# weights as before, and so is its gradient.
#
# </details>
#
# **2.** A colleague puts a bias into the linear layers in front of the normalisations, "to be safe". What does it cost,
# and what does it do?
# <details><summary>Answer</summary>
#
# One number for each unit, and nothing: the mean subtracts it again, and its gradient is exactly 0.
#
# </details>
#
# **3.** A paper uses p = 0.99 in the lectures' convention. What do you write in PyTorch, and how much of the start is
# left after 100 batches?
# <details><summary>Answer</summary>
#
# momentum = 0.01. 0.99 to the power 100, 37 %: too much for evaluation.
#
# </details>
#
# **4.** Which share of a random gradient passes a normalisation over a batch of 16, and how noisy is a normalised
# value?
# <details><summary>Answer</summary>
#
# 1 − 2/16 = 7/8. About √(3/32) = 0.31 standard deviations.
#
# </details>
#
# **5.** A normalised layer of the activation φ(z) = z²: by which factor does the gradient grow per layer?
# <details><summary>Answer</summary>
#
# E φ′² = 4 E z² = 4 and Var z² = 2, so by √2 per layer, a thousandfold in 20.
#
# </details>

# %% [markdown]
# ## Glossary
#
# | English | 中文 | here | section |
# |---|---|---|---|
# | batch normalisation | 批次归一化 | mean 0, variance 1 over the batch, then γ and β | 1 |
# | feature normalisation, standardisation | 特征归一化, 标准化 | the same for inputs (unit 08) | 1 |
# | whitening (ZCA) | 白化 | $C^{-1/2}(x-\mu)$, no correlations left | 1 |
# | learnable parameter, hyper-parameter | 可学习参数, 超参数 | γ and β; ε and the momentum | 1 |
# | scale, shift | 缩放, 平移 | γ, β | 1 |
# | internal covariate shift | 内部协变量偏移 | the inputs of a layer change while those below learn | 3 |
# | scale invariance | 尺度不变性 | $L(aw)=L(w)$ | 2 |
# | effective learning rate | 有效学习率 | $\eta/\lVert w\rVert^2$ | 2 |
# | running average, moving average | 滑动平均 | of mean and variance, for evaluation | 4 |
# | training mode, evaluation mode | 训练模式, 评估模式 | statistics of the batch, or running ones | 4 |
# | batch size | 批次大小 | B | 4 |
# | vanishing gradient, exploding gradient | 梯度弥散, 梯度爆炸 | a factor below 1 per layer; above 1 | 3 |

# %% [markdown]
# ## Further reading
#
# - S. Ioffe, C. Szegedy (2015), *Batch normalization: accelerating deep network training by reducing internal covariate
#   shift*.
# - J. Ba, J. Kiros, G. Hinton (2016), *Layer normalization*.
# - T. van Laarhoven (2017), *L2 regularization versus batch and weight normalization*. The effective rate.
# - S. Santurkar, D. Tsipras, A. Ilyas, A. Madry (2018), *How does batch normalization help optimization?* Noise after
#   the normalisation; smoothness.
# - Y. Wu, K. He (2018), *Group normalization*. Small batches.
# - G. Yang et al. (2019), *A mean field theory of batch normalization*. The factor of section 3.
# - S. Arora, Z. Li, K. Lyu (2019), *Theoretical analysis of auto rate-tuning by batch normalization*. Section 2 as a
#   theorem.

# %% [markdown]
# ## Your turn
#
# [Assignment 10](../assignments/10_batch_normalization/10_batch_normalization.ipynb): write batch normalisation
# forwards and backwards. Then train with your own functions what does not train without them.
