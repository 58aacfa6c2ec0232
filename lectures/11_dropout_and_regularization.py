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

# %% [markdown]
# # It trains. Does it generalise?
#
# **Unit 11, dropout and regularisation.** 54 minutes. You need gradient descent, momentum (unit 05) and Adam (unit
# 07), and the eigenvalues of a symmetric matrix.
#
# The loss on the training data is a means. What you want is a small loss on data that the network has never seen. Below, one
# network of 50 hidden units learns a sine from 25 noisy examples; then the 25 examples are drawn again and it learns again,
# sixty times.

# %% tags=["hide-input"]
# @title Set-up
import itertools
import os

import numpy as np
import torch
import torch.nn.functional as F

from trainlab import data, interact, networks, plots
from trainlab.descend import run
from trainlab.evidence import claim, table
from trainlab.plots import Curve

torch.set_num_threads(1)  # the networks are tiny: more threads cost time
FAST = os.environ.get("FAST") == "1"  # one seed in place of two in section 1


# %% tags=["hide-input"]
# @title The sine, and how its fits are drawn
sine = networks.MLP((1, 50, 1), "tanh")
grid = torch.linspace(-1, 1, 101, dtype=torch.float64)[:, None]
truth = np.sin(3 * grid[:, 0].numpy())


def bundle(fits, title, names=False):
    def draw(ax):
        ax.plot(grid, fits[:12].T, color=plots.CONTOUR, linewidth=0.5)
        ax.plot(grid, fits.mean(axis=0), color=plots.COLOURS[0])
        ax.plot(grid, truth, color=plots.COLOURS[1], linestyle="--")
        ax.set(xlabel="x", ylim=(-2, 2), title=title)
        if names:
            ax.set_ylabel("y")
            ax.text(0.5, 1.2, "the truth", color=plots.ink(plots.COLOURS[1]), ha="center")
            ax.text(-0.95, 0.3, "mean", color=plots.ink(plots.COLOURS[0]))

    return draw


# %% tags=["hide-input"] claims=["S3-04"]
# @title Sixty networks, trained as one
def adam(grad, w, lr):
    m = v = np.zeros_like(w)
    for t in itertools.count(1):
        g = grad(w)
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        w = w - lr * m / (1 - 0.9**t) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        yield w


def heavy_ball(grad, w, lr, beta):
    before = w
    while True:
        w, before = w - lr * grad(w) + beta * (w - before), w
        yield w


class Squares:  # the mean squared errors of many networks, each on its own x, y (sets, count, 1), added up
    def __init__(self, x, y):
        self.x, self.y = torch.tensor(x).float(), torch.tensor(y).float()  # single precision saves time

    def layers(self, w):
        (a, b), (v, c) = sine.layers(torch.tensor(w).float().view(len(self.x), sine.size))
        h = torch.tanh(self.x @ a.mT + b.unsqueeze(1))
        return v, h, h @ v.mT + c.unsqueeze(1) - self.y

    def value(self, w):
        return self.layers(w)[-1].square().mean(dim=1).sum().item()

    def grad(self, w):  # by hand, which saves time too
        v, h, off = self.layers(w)
        d = 2 * off / off.shape[1]
        e = d * v * (1 - h.square())
        parts = [(e.mT @ self.x).flatten(1), e.sum(dim=1), (d.mT @ h).flatten(1), d.sum(dim=1)]
        return torch.cat(parts, dim=1).flatten().double().numpy()


def sixty(rule, seed=0, sets=60, count=25, noise=0.4, steps=1500, **settings):
    """The mean training loss at every tenth step (moments,), and the fits there (moments, sets, 101)."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (sets, count, 1))
    y = np.sin(3 * x) + noise * rng.normal(size=x.shape)
    scale = np.repeat([3, 3, 0.1 / np.sqrt(50), 0], [50, 50, 50, 1])  # wide kinks, small outputs
    start = rng.normal(size=(sets, sine.size)) * scale
    trace = run(rule, Squares(x, y), start.ravel(), steps, every=10, **settings)
    nets = torch.tensor(trace.path).float().view(-1, sets, sine.size)
    fits = [sine.forward(each, grid.float())[..., 0].double().numpy() for each in nets]
    return trace.losses / sets, np.stack(fits)


many = [sixty(adam, seed, lr=0.003) for seed in range(1 if FAST else 2)]
middle = int(np.square(many[0][1] - truth).mean(axis=(1, 2)).argmin())
plots.show(
    *(bundle(many[0][1][k], f"step {10 * k:,}", names=k == 0) for k in (0, middle, 150)),
    height=2.8,
    alt="Twelve thin curves, their mean and a dashed sine, three times: before training the curves lie close together and flat; in "
    "the middle they scatter a little around the sine; at step 1,500 they swing wildly around it.",
)

# %% [markdown] claims=["S3-03", "S3-04"]
# Thin: 12 of the 60 networks; blue: the mean of all. Before the first step they nearly agree, and are wrong. After 1,500 steps they are right on average,
# and no two agree.
#
# ## 1. How long should you train?
#
# **Question.** The training loss keeps falling. When should you have stopped?
#
# **Theory.** Call $f_D$ the network that came from data set $D$, $\bar f$ its mean over data sets, $g$ the truth,
# $\sigma^2$ the variance of the noise. The error on a new example $y = g(x) + \text{noise}$, averaged over data sets, is
#
# $$\mathbb{E}\,(y - f_D(x))^2 = \sigma^2 + \underbrace{(\bar f(x) - g(x))^2}_{\text{bias}^2}
# + \underbrace{\mathbb{E}\,(f_D(x) - \bar f(x))^2}_{\text{variance}} .$$
#
# (Square $y - f_D = (y - g) + (g - \bar f) + (\bar f - f_D)$; the mixed terms have mean zero.) **Bias** is what all
# data sets get wrong alike, **variance** what each gets wrong in its own way (Geman, Bienenstock and Doursat 1992).


# %% tags=["hide-input"] claims=["S3-04"]
# @title Bias² and variance of many fits
def bias_and_variance(fits):  # (..., sets, 101) -> two of (...)
    mean = fits.mean(axis=-2)
    return np.square(mean - truth).mean(axis=-1), fits.var(axis=-2).mean(axis=-1)


# %% [markdown] claims=["S3-05", "S3-06"]
# **Predict.** The noise has $\sigma^2 = 0.16$, so the truth itself would have a training loss of about 0.16. At the step with the smallest
# bias² + variance, is the training loss above 0.16, at it, or already below?

# %% claims=["S3-03", "S3-04", "S3-05", "S3-06"]
losses, fits = many[0]
bias, variance = bias_and_variance(fits)
best = (bias + variance).argmin()
for k in (0, 3, best, 150):
    print(f"step {10 * k:5}:  bias² {bias[k]:.3f}  variance {variance[k]:.3f}  training loss {losses[k]:.3f}")

# %% [markdown] claims=["S3-05", "S3-06", "S3-07"]
# Below: what training gains from there on is the noise of one data set. It trades bias for variance, and the sum has its minimum on the
# way.
#
# **Predict.** Adam, heavy ball and plain gradient descent walk at different speeds. Whose smallest sum is the lowest: the fastest one's, the
# slowest one's, or are they about equal?

# %% tags=["hide-input"] claims=["S3-05", "S3-06", "S3-07"]
# @title Three optimisers
parts = [bias_and_variance(fits) for _, fits in many]  # for each seed (bias², variance), each (151,)
losses = np.array([loss for loss, _ in many])
total = np.array([bias + variance for bias, variance in parts])
steps, best = np.arange(0, 1501, 10), total.argmin(axis=1)
others = {
    "descent": sixty(heavy_ball, steps=700, lr=0.02, beta=0.0),
    "heavy ball": sixty(heavy_ball, lr=0.02, beta=0.9, steps=400),
}
totals = {"Adam": total[0], **{name: sum(bias_and_variance(fits)) for name, (_, fits) in others.items()}}
shown = np.unique(np.geomspace(1, 150, 24).round().astype(int))  # even on a logarithmic axis
plots.show(
    plots.lines(
        Curve(steps[shown], parts[0][0][shown], "bias²"),
        Curve(steps[shown], parts[0][1][shown], "variance"),
        Curve(steps[shown], total[0][shown], "sum"),
        Curve(steps[shown], losses[0][shown], "training", theory=True, colour=3),
        xlabel="step",
        ylabel="squared error",
        title="Adam",
        logx=True,
        logy=True,
    ),
    plots.lines(
        *(Curve(steps[k], y[k], name) for name, y in totals.items() for k in [shown[shown < len(y)]]),
        xlabel="step",
        ylabel="bias² + variance",
        title="three optimisers",
        logx=True,
        ylim=(0, 0.25),
    ),
    alt="Left: squared bias falls by two orders of magnitude, variance rises steadily, their sum has a minimum near step 200, the "
    "training loss only falls. Right: three sums with minima at the same height and different steps.",
)

# %% tags=["hide-input"] claims=["S3-03", "S3-04", "S3-05", "S3-06", "S3-07"]
# @title Evidence
squared = np.array([np.square(fits - truth).mean(axis=(1, 2)) for _, fits in many])
early, end = (np.array([[part[k] for part in pair] for pair in parts]) for k in (0, -1))
lowest = {name: (y.min(), 10 * y.argmin()) for name, y in totals.items()}
floors, when = np.array(list(lowest.values())).T
later, floors = losses[:, -1] / losses[:, best[0]], floors / floors.mean()
exact = sum(bias_and_variance(sixty(adam, noise=0.0, sets=10, lr=0.003)[1]))
of_plenty = bias_and_variance(sixty(adam, count=250, sets=10, steps=400, lr=0.003)[1])
plenty = of_plenty[1][-1] / parts[0][1][40]
table(
    claim("S3-05", "before training: bias² over variance", early[:, 0] / early[:, 1], at_least=20),
    claim("S3-05", "step 1,500: variance over bias²", end[:, 1] / end[:, 0], at_least=20),
    claim("S3-06", "step at which the sum is smallest", steps[best], at_least=100, at_most=400),
    claim("S3-06", "the sum at step 1,500, over its minimum", total[:, -1] / total.min(axis=1), at_least=1.7),
    claim("S3-06", "training loss at the minimum, over σ²", losses[:, best[0]] / 0.16, at_most=1),
    claim("S3-07", "three optimisers: smallest sums over their mean", floors, predicted=1, within=0.1),
    claim("S3-07", "their steps, slowest over fastest", max(when) / min(when), at_least=3),
    claim("", "without noise: last sum over its minimum", exact[-1] / exact.min(), at_most=1.5),
    more=[
        claim(
            "S3-04", "error against the truth / (bias² + variance)", squared / total, predicted=1, within=1e-9
        ),
        claim("S3-03", "last training loss over that at the minimum", later, at_most=0.85),
        claim("", "variance at step 400, 250 examples over 25", plenty, at_most=0.1),
    ],
)

# %% [markdown] claims=["S3-03", "S3-05", "S3-06", "S3-07"]
# **Two goals.** The three reach the same smallest sum within 5 % of their mean, at steps 70, 180 and 340. Here the optimiser sets how fast you walk
# along the curve, not how low it goes. So keep apart what brings the *training* loss down, and how far down to go.
#
# **What is not so.** "Training too long harms" is no law: without noise the sum is smallest at the last step. And bias is not the share of the
# network, variance not that of the training: one network went from nearly all bias to nearly all variance, and ten times the examples cut
# the variance to less than a tenth.
#
# **Caveat.** These curves need the truth and sixty data sets. With one you have a validation loss, a noisy look at the sum.
#
# ## 2. Are too many parameters the trouble?
#
# **Question.** "Over-fitting comes from too many parameters." Then, trained on 100 digits, 19,210 weights must do far worse than 610.
#
# **Experiment.** First a linear fit on $P$ random features $\max(0, Ax)$ of the pixels: least squares, and where many weights fit equally
# well, the shortest (the pseudo-inverse).
#
# **Predict.** With P = 100 features the fit can be exact for the first time. Is the error on new digits at P = 100 lower than at 60, about
# equal, or far higher?

# %% tags=["hide-input"] claims=["S1-14"]
# @title The digits in random order
full = data.digits()


def shuffled(seed, count=100):  # all digits in a new order; the first `count`, for training, centre them
    order = np.random.default_rng(seed).permutation(len(full.inputs))
    pixels = full.inputs[order]
    first = pixels[:count]
    return (pixels - first.mean(axis=0)) / first.std(axis=0).mean(), full.labels[order]


# %% claims=["S1-14"]
def random_features(P, seed):  # test error, length of the weights
    x, labels = shuffled(seed)
    features = np.maximum(x @ np.random.default_rng(P).normal(size=(64, P)), 0) / np.sqrt(P)
    w = np.linalg.pinv(features[:100]) @ np.eye(10)[labels[:100]]
    return np.mean((features[100:] @ w).argmax(axis=1) != labels[100:]), np.linalg.norm(w)


for P in (20, 60, 100, 200, 1600):
    error, length = random_features(P, seed=0)
    print(f"P = {P:5,}: error {error:4.0%}, length of the weights {length:6.1f}")

# %% [markdown] claims=["S1-14"]
# **Theory.** The weights are at most $\lVert Y \rVert / s_{\min}$ long, with $Y$ the targets and $s_{\min}$ the smallest singular value of the
# feature matrix $F$: the root of the smallest eigenvalue of $F^\top F$ or $FF^\top$, whichever is smaller. A random one has
# $s_{\min} \approx \lvert \sqrt P - \sqrt N \rvert$ (in units of a feature's size). A **square** one is nearly
# singular: there is one exact fit, and it is wild. With P > N there are infinitely many, and the shortest is tamer the more there are.
#
# **Predict.** Now networks with one hidden layer, trained until they read nearly all 100 digits. Which reads new digits best: 8,
# 64 or 256 hidden units?

# %% tags=["hide-input"] claims=["S1-14", "S1-15"]
# @title Wide and deep networks
counts = np.array([10, 20, 40, 60, 80, 90, 100, 110, 125, 160, 200, 400, 800, 1600])
linear_fits = np.array([[random_features(P, seed) for P in counts] for seed in range(3)])
errors, lengths = linear_fits[..., 0], linear_fits[..., 1]


def side_by_side(net, loss, x, y):
    """Many networks as one: network k has the data x[k], y[k] (single precision), and their losses are added up."""
    return networks.Objective(lambda w: loss(net.forward(w.float().view(len(x), net.size), x), y))


def entropies(outputs, labels):  # of each network its mean over rows, added up
    return F.cross_entropy(outputs.flatten(0, 1), labels.flatten(), reduction="sum") / labels.shape[1]


def errors_of(widths, count=100, draws=3, steps=300):  # training and test error, for each draw of the digits
    net = networks.MLP(widths, "relu")
    rows = zip(*(shuffled(k, count) for k in range(draws)), strict=True)
    x, labels = (torch.tensor(np.stack(part)) for part in rows)
    x = x.float()
    surface = side_by_side(net, entropies, x[:, :count], labels[:, :count])
    start = np.concatenate([net.initial(k, scale=np.sqrt(2)) for k in range(draws)])
    w = run(adam, surface, start, steps, every=steps, lr=0.003).path[-1]
    wrong = net.forward(torch.tensor(w).float().view(draws, -1), x).argmax(dim=2) != labels
    return np.stack([part.double().mean(dim=1) for part in (wrong[:, :count], wrong[:, count:])])


units = np.array([4, 8, 16, 64, 256])
wide = np.array([errors_of((64, h, 10)) for h in units])  # (5, 2, 3)
depths, sizes = (1, 2, 4), (50, 100, 400)
deep = np.array([[errors_of((64, *[32] * depth, 10), count) for depth in depths] for count in sizes])
gaps = deep[:, :, 1] - deep[:, :, 0]  # (sizes, depths, draws)


def square(panel):  # with a line where P = N
    def draw(ax):
        panel(ax)
        ax.axvline(100, color=plots.GREY, linestyle="--", linewidth=1)
        ax.text(140, 80, "P = N", color=plots.GREY)

    return draw


plots.show(
    square(
        plots.lines(
            *(Curve(counts, 100 * row, colour=k) for k, row in enumerate(errors)),
            xlabel="random features P",
            ylabel="test error, %",
            title="linear fit, three draws",
            logx=True,
            ylim=(0, 90),
        )
    ),
    plots.lines(
        Curve(75 * units + 10, 100 * wide[:, 1].mean(axis=1), "test"),
        Curve(75 * units + 10, 100 * wide[:, 0].mean(axis=1), "training"),
        xlabel="weights of the network",
        ylabel="error, %",
        title="one hidden layer",
        logx=True,
    ),
    plots.lines(
        *(Curve(depths, 100 * gaps[k].mean(axis=1), f"N = {size}", colour=k) for k, size in enumerate(sizes)),
        xlabel="hidden layers",
        ylabel="gap, points",
        title="test less training",
        ylim=(0, 40),
    ),
    alt="Left: the test error falls to 25 per cent at 60 features, shoots up to 85 at exactly 100 and falls to 10 beyond. Middle: "
    "the test error of networks falls with their size. Right: gaps rise a little with depth and fall steeply with examples.",
)

# %% tags=["hide-input"] claims=["S1-14", "S1-15"]
# @title Evidence
at = {P: k for k, P in enumerate(counts)}
beyond, longer = errors[:, -1] / errors[:, : at[100]].min(axis=1), lengths[:, at[100]] / lengths[:, -1]
gap = wide[:, 1] - wide[:, 0]
more_depth, fewer_digits = gaps[:, 2] - gaps[:, 0], gaps[0] - gaps[2]
table(
    claim("S1-14", "test error at P = 100 = N", errors[:, at[100]], at_least=0.6),
    claim("S1-14", "error at P = 1,600 over the best with P < 100", beyond, at_most=0.6),
    claim("S1-14", "gap of networks, 256 hidden units over 8", gap[4] / gap[1], at_most=0.8),
    claim("S1-15", "gap of 4 layers less that of 1, N = 50", more_depth[0], at_least=0.02),
    claim("S1-15", "the same, N = 400", more_depth[2], at_least=-0.02, at_most=0.07),
    claim("S1-14", "gap at N = 50 less gap at N = 400, all depths", fewer_digits, at_least=0.1),
    more=[
        claim("", "length of the weights, P = 100 over 1,600", longer, at_least=10),
        claim("S1-14", "training error of networks of 610 to 19,210 weights", wide[1:, 0], at_most=0.03),
        claim("S1-14", "gap, 8 hidden units", gap[1], at_least=0.15),
    ],
)

# %% [markdown] claims=["S1-14", "S1-15"]
# The gap between training and new digits is real, 23 points at 8 hidden units. But it *shrinks* with the parameters, to 12
# points at 256 units, with 192 weights for every digit. And the linear fit has one bad place, where parameters and examples are equal
# in number; beyond it the error falls again (**double descent**, Belkin and others 2019).
#
# So over-fitting is a *gap*: it is measured, not counted. More data closes it, or a rule that prefers
# the tame among the exact fits. Depth does cost here: 4 layers have 7 to 14 points more gap than one with 50 digits, 1 to 4 with 400.
#
# **Caveat.** Clean labels, one data set; a penalty can remove the hump (Nakkiran and others 2021).

# %% [markdown] claims=["S1-16"]
# ## 3. What does a penalty hold back?
#
# **Question.** Stop early; add $\tfrac{\alpha}{2}\lVert w\rVert^2$ (L2 or *ridge*, whose step is *weight decay*); add
# $\alpha\lVert w\rVert_1$ (L1). "Early stopping is the same as L2", says a textbook. How much the same? And what is decay where
# the length of the weights changes nothing?
#
# **Theory.** On a bowl, along a direction of curvature λ, from $w = 0$ and with the least-squares solution at $w^\star$:
#
# $$\text{T steps: } w = \big[1 - (1-\eta\lambda)^T\big]\, w^\star, \qquad
# \text{ridge: } w = \frac{\lambda}{\lambda + \alpha}\, w^\star .$$
#
# Two **filters**: both let steep directions through and hold flat ones back. For small λ they are $\eta T \lambda$ and
# $\lambda/\alpha$, so $\alpha = 1/(\eta T)$ belongs together there (Bishop 1995). With $s = \eta T\lambda$ the shares are
# $1 - e^{-s}$ and $s/(s+1)$.
#
# **Predict.** How far apart can these two shares be: 0.02, 0.2 or 0.5?


# %% claims=["S1-16"]
def stopped(curvature, time):  # time = ηT, in the limit of small η
    return -np.expm1(-time * curvature)


def ridge(curvature, time):  # the penalty that belongs to it, α = 1/time
    return curvature / (curvature + 1 / time)


s = np.logspace(-2, 2, 4001)
between = np.abs(stopped(s, 1.0) - ridge(s, 1.0))
print(f"at most {between.max():.4f} apart, at ηTλ = {s[between.argmax()]:.2f}")

# %% [markdown] claims=["S1-16"]
# A fifth of the way. On the sine (50 random tanh features, linear weights, sixty data sets, figure below) the best errors differ by less than 5 %.
#
# **L1** is of another kind. The step that minimises $\tfrac12 (u - w)^2 + t\lvert u\rvert$ sets entries nearer to 0 than $t$ to 0 and
# moves all others by $t$: the *soft threshold*. After a gradient step of rate η on the data it is taken with $t = \eta\alpha$
# (**proximal gradient descent**). The rival adds $\alpha\operatorname{sign}(w)$ to the gradient.
#
# **Predict.** A linear reader of 200 digits has 650 parameters, all under L1 with α = 0.005. After 2,000 steps of the rival, how many are
# exactly 0: none, about 100, or most?


# %% claims=["S1-16"]
def subgradient(grad, w, lr, alpha):
    while True:
        w = w - lr * (grad(w) + alpha * np.sign(w))
        yield w


def proximal(grad, w, lr, alpha):
    while True:
        w = w - lr * grad(w)
        w = w - np.clip(w, -lr * alpha, lr * alpha)  # what sticks out of the box: the soft threshold
        yield w


digits = data.digits(200)
linear = networks.MLP((64, 10))
inputs = digits.inputs - digits.inputs.mean(axis=0)
reader = networks.training_loss(linear, inputs, digits.labels, F.cross_entropy)
origin, ways = linear.initial(0, scale=0.1), {}
for rule in (proximal, subgradient):
    ways[rule.__name__] = run(rule, reader, origin, 2000, every=2000, lr=4.0, alpha=0.005)
    print(f"{rule.__name__:12}{(ways[rule.__name__].path[-1] == 0).sum():4} of 650 are exactly 0")


# %% tags=["hide-input"]
# @title The linear fit, solved direction by direction
def spectral(count=25, noise=0.4, seed=0, sets=60):
    """Of each least-squares problem: curvatures, coefficients of the solution, directions as functions."""
    rng = np.random.default_rng(seed)
    a, b = 3 * rng.normal(size=(2, 50))
    x = rng.uniform(-1, 1, (sets, count))
    y = np.sin(3 * x) + noise * rng.normal(size=x.shape)
    left, s, right = np.linalg.svd(np.tanh(x[..., None] * a + b) / np.sqrt(50), full_matrices=False)
    shown = np.tanh(grid.numpy() * a + b) / np.sqrt(50)  # (101, 50)
    return s**2 / count, np.einsum("dnk,dn->dk", left, y) / s, shown @ right.swapaxes(1, 2)


def fits_of(spectrum, shares):  # (sets, 101)
    _, coefficients, directions = spectrum
    return np.einsum("dgk,dk->dg", directions, shares * coefficients)


# %% tags=["hide-input"] claims=["S1-16"]
# @title Three penalties at work
times = np.logspace(0, 6, 61)
curves = {}
for kind in (stopped, ridge):
    for seed in range(3):
        spectrum = spectral(seed=seed)
        fits = np.stack([fits_of(spectrum, kind(spectrum[0], time)) for time in times])
        curves[kind.__name__, seed] = sum(bias_and_variance(fits))


class WithL1:
    def value(self, w):
        return reader.value(w) + 0.005 * np.abs(w).sum(axis=-1)

    def grad(self, w):
        return reader.grad(w) + 0.005 * np.sign(w)


ways["Adam"] = run(adam, WithL1(), origin, 2000, every=2000, lr=0.01)
plots.show(
    plots.lines(
        Curve(s, stopped(s, 1.0), "T steps"),
        Curve(s, s / (s + 1), "ridge"),
        xlabel="ηTλ (ridge: λ/α)",
        ylabel="share of the way",
        title="two filters",
        logx=True,
    ),
    plots.lines(
        Curve(times, curves["stopped", 0], "T steps"),
        Curve(times, curves["ridge", 0], "ridge"),
        xlabel="ηT (ridge: 1/α)",
        ylabel="bias² + variance",
        title="60 data sets",
        logx=True,
        ylim=(0, 0.45),
    ),
    plots.lines(
        *(
            Curve(
                np.arange(650),
                np.maximum(np.sort(np.abs(t.path[-1]))[::-1], 1e-7),
                name.replace("gradient", "grad."),
            )
            for name, t in ways.items()
        ),
        xlabel="largest first",
        ylabel="|w|, at least 10⁻⁷",
        title="L1, three ways",
        logy=True,
        ylim=(5e-8, 10),
    ),
    alt="Left: two S-shaped curves from 0 to 1, one fifth apart at most. Middle: two U-shaped errors with minima at nearly the same "
    "height. Right: sorted weights; those of the proximal way drop to the floor after an eighth, those of the two others stay above it.",
)

# %% tags=["hide-input"] claims=["S1-16"]
# @title Evidence
factors = np.linspace(0.3, 1.2, 901)
gap_of = [np.abs(stopped(s, 1.0) - s / (s + c)).max() for c in factors]
lam, lengths_of_run = np.logspace(-4, 1, 2000), (30, 300, 3000)
discrete = [np.abs(1 - (1 - 0.1 * lam) ** T - ridge(lam, 0.1 * T)).max() for T in lengths_of_run]
lows = {key: curve.min() for key, curve in curves.items()}
apart = [lows["ridge", seed] / lows["stopped", seed] for seed in range(3)]
saved = [curves[key][-1] / low for key, low in lows.items()]
zeros = {name: (trace.path[-1] == 0).sum() for name, trace in ways.items()}
finals = {name: WithL1().value(trace.path[-1]) for name, trace in ways.items()}
over = [finals[name] / finals["proximal"] for name in ("subgradient", "Adam")]
solution = ways["proximal"].path[-1]
slopes = np.abs(reader.grad(solution)) / 0.005
table(
    claim("P11", "largest gap of the filters, α = 1/(ηT)", between.max(), predicted=0.2036, within=0.001),
    claim("P11", "the gap for η = 0.1 and T = 30, 300, 3,000", discrete, predicted=0.2036, within=0.05),
    claim("P11", "the gap at the best α, 0.53/(ηT)", np.min(gap_of), predicted=0.102, within=0.01),
    claim("S1-16", "best error, ridge over T steps, three times 60 sets", apart, predicted=1, within=0.05),
    claim("S1-16", "L1: parameters that are exactly 0, proximal", zeros["proximal"], at_least=450),
    claim("S1-16", "the same, subgradient and Adam", [zeros["subgradient"], zeros["Adam"]], at_most=0),
    claim("", "their loss with penalty over the proximal one", over, at_least=1.0, at_most=1.05),
    more=[
        claim("P11", "ηTλ at the largest gap", s[between.argmax()], predicted=2.513, within=0.01),
        claim("P11", "best α, times ηT", factors[np.argmin(gap_of)], predicted=0.53, within=0.02),
        claim("S1-16", "error at ηT = 1/α = 10⁶ over the best, both ways", saved, at_least=3),
        claim("", "where w = 0: slope of the data over α", slopes[solution == 0], at_most=1 + 1e-6),
        claim("", "where w ≠ 0: the same", slopes[solution != 0], predicted=1, within=0.02),
    ],
)

# %% [markdown] claims=["S1-16"]
# "Early stopping is L2" is right here about the best error and wrong about the filter. L1 gives exact zeros to
# whoever takes the proximal step; the two others come within 3 % of its loss and have not one.
#
# **How to stop.** Look at the loss of held-out examples after every epoch. An epoch *improves* if it is below the best one so far
# (by more than a `min_delta`). When `patience` epochs in a row have not improved, stop, and go back to the best one. What you report comes
# from a third set: these examples have been used to choose.
#
# **Decay in a normalised network** (unit 10). Its function does not change with the length of $w$, so its gradient has
# $g(cw) = g(w)/c$. Decay, $w' = (1 - \eta\lambda)\,w - \eta\, g(w)$, shortens $w$. Put
# $v_t = w_t/(1 - \eta\lambda)^t$, the same function, and the decay is gone:
#
# $$v_{t+1} = v_t - \tilde\eta_t\, g(v_t), \qquad \tilde\eta_t = \eta\,(1 - \eta\lambda)^{-2t-1} .$$
#
# The rate grows exponentially instead (Li and Arora 2020), in the cell below 400-fold.
#
# **Predict.** Without decay, with that rate: does the training loss blow up, stall, or fall as it does with decay?

# %% tags=["hide-input"]
# @title The digits, scaled
SHUFFLED = np.random.default_rng(0).permutation(len(full.inputs))
scaled = (full.inputs - full.inputs.mean(axis=0)) / full.inputs.std()
x, labels = torch.tensor(scaled[SHUFFLED]), torch.tensor(full.labels[SHUFFLED])


# %%
def normal(z):  # batch normalisation without gain and bias
    return (z - z.mean(dim=-2, keepdim=True)) / z.std(dim=-2, keepdim=True)


def net(weights, x):
    for W in weights[:-1]:
        x = torch.relu(normal(x @ W))
    return 3 * normal(x @ weights[-1])


def direction(W):  # each matrix as one unit vector
    return F.normalize(W.flatten(-2), dim=-1)


# %% tags=["hide-input"]
# @title Training, several settings at once
def train(lr, decay, growth=1.0, scale=1.0, steps=400, seed=0):
    """Plain SGD on 400 digits, batches of 50, K settings at once: losses (steps, K), turns in radians (steps, K, 3)."""
    rng, losses, turns = np.random.default_rng(seed), [], []
    lr, decay, growth, scale = torch.tensor(np.stack(np.broadcast_arrays(lr, decay, growth, scale)))[
        ..., None, None
    ]
    shapes = [(64, 32), (32, 32), (32, 10)]
    weights = [scale * torch.tensor(rng.normal(size=s)) for s in shapes]  # (K, in, out)
    for t in range(steps):
        rows = rng.integers(400, size=50)
        weights = [W.requires_grad_() for W in weights]
        loss = F.cross_entropy(net(weights, x[rows]).mT, labels[rows].expand(len(lr), -1), reduction="none")
        gradients = torch.autograd.grad(loss.mean(dim=1).sum(), weights)
        before, weights = (
            weights,
            [
                ((1 - lr * decay) * W - lr * growth**t * g).detach()
                for W, g in zip(weights, gradients, strict=True)
            ],
        )
        turns.append(
            [(direction(W) - direction(V)).norm(dim=1) for W, V in zip(weights, before, strict=True)]
        )
        losses.append(loss.mean(dim=1).detach())
    return torch.stack(losses).numpy(), torch.stack(
        [torch.stack(each, dim=1) for each in turns]
    ).detach().numpy()


# %%
lr, decay = 0.1, 0.1
kept = 1 - lr * decay
pair = {"lr": [lr, lr / kept], "decay": [decay, 0.0], "growth": [1.0, kept**-2], "steps": 300}
two, _ = train(**pair)
print(f"last rate over first: {kept**-598:,.0f}; the losses differ by {np.ptp(two, axis=1).max():.6f}")

# %% [markdown]
# One run, to rounding (which grows in longer runs). What decay sets is how far the weights turn. The gradient stands at right angles to
# $w$: a step turns $w$ by $\eta\lvert g\rvert/\lvert w\rvert$ radians and adds $\eta^2\lvert g\rvert^2$ to $\lvert w\rvert^2$. Decay takes $2\eta\lambda\lvert w\rvert^2$ away. Where
# the two balance, the turn is
#
# $$\frac{\eta\lvert g\rvert}{\lvert w\rvert} = \sqrt{2\eta\lambda}$$
#
# (van Laarhoven 2017; Wan and others 2021), whatever the start and the gradient.

# %% tags=["hide-input"]
# @title How far the weights turn
names = ["η 1, λ 0.02", "η 0.1, λ 0.2", "η 0.3, λ 0.2", "3 times as long", "λ = 0"]
_, turns = train([1.0, 0.1, 0.3, 0.3, 0.3], [0.02, 0.2, 0.2, 0.2, 0.0], scale=[0.2, 0.2, 0.2, 0.6, 0.2])
balance = np.sqrt(2 * np.array([0.02, 0.02, 0.06, 0.06]))
smooth = np.sqrt(np.square(turns[:, :, 1]).reshape(-1, 20, 5).mean(axis=1))  # middle matrix (20, 5)


def same(ax):
    at = np.arange(5, 300, 10)
    decayed, growing = two.reshape(-1, 10, 2).mean(axis=1).T
    ax.plot(at, decayed, color=plots.COLOURS[0], linewidth=5, alpha=0.5)
    ax.plot(at, growing, color=plots.COLOURS[1], linestyle="--")
    ax.text(75, 3.2, "band: decay, rate 0.1", color=plots.ink(plots.COLOURS[0]))
    ax.text(75, 2.5, "dashed: no decay,\nrate from 0.1 to 41", color=plots.ink(plots.COLOURS[1]), va="top")
    ax.set(xlabel="step", ylabel="training loss", title="two rates, one loss", ylim=(0, None))


turning = plots.lines(
    *(Curve(np.arange(10, 400, 20), smooth[:, k], name, colour=k) for k, name in enumerate(names)),
    *(Curve([0, 400], [level, level], theory=True, colour=5) for level in np.unique(balance)),
    xlabel="step",
    ylabel="turn a step, radians",
    title="five settings (dashed: √(2ηλ) = 0.20, 0.35)",
    logy=True,
    ylim=(0.004, 1),
)
plots.show(
    same,
    turning,
    alt="Left: the training losses of the two runs lie on one another. Right: with decay the turn of a step settles on one of two dashed "
    "levels, whichever rate, decay and start made the product; without decay it falls.",
)

# %% tags=["hide-input"]
# @title Evidence
late = np.sqrt(np.square(turns[200:, :4]).mean(axis=0))  # (settings, matrices)
off = [np.ptp(losses, axis=1).max() for losses in (two, train(**pair, seed=1)[0])]
table(
    claim("", "losses, decay less growing rate, two seeds", off, at_most=1e-6),
    claim(
        "",
        "turn a step over √(2ηλ), last 200 steps, all matrices",
        late / balance[:, None],
        predicted=1,
        within=0.08,
    ),
    claim(
        "",
        "first turn: from 3 times the length over once",
        turns[0, 3] / turns[0, 2],
        predicted=1 / 9,
        within=0.05,
    ),
    claim(
        "",
        "λ = 0: turn, last 200 steps over the first 20",
        turns[200:, 4].mean(axis=0) / turns[:20, 4].mean(axis=0),
        at_most=0.7,
    ),
)

# %% [markdown]
# In such a network decay penalises no function, as each is there at every length. It is a rate schedule in disguise; in the end the
# turn depends on ηλ alone. Without decay the weights turned less and less.
#
# **Caveat.** Filters: exact for quadratics and a start at 0. The normalised net: plain SGD, every weight followed by a normalisation; gains, biases and a
# last layer without one feel decay as a penalty.

# %% [markdown] claims=["S1-18", "S1-19"]
# ## 4. What does dropout average?
#
# **Question.** In every step a coin is flipped for every unit, and half of the units are gone, with all their edges. What is being
# minimised there?
#
# **Theory.** *Inverted* dropout multiplies every entry by an independent factor $r$, which is 0 with probability $p$ and
# $1/(1-p)$ otherwise. ($p$ is the probability of *dropping*, as in PyTorch; in the paper of 2014 it is that of keeping.)
#
# $$\mathbb{E}\, r = 1, \qquad \operatorname{Var} r = \frac{p}{1-p} .$$
#
# The mean is right, so at test time nothing is left to do. (The paper multiplies by $1-p$ at test time instead.)
#
# **Predict.** A linear fit with p = 0.5 on its inputs, new coins in every step, a falling rate. Where does it end: at the least-squares solution, at
# another fixed point, or wherever the coins lead?


# %% claims=["S1-18"]
def factors_of(rng, shape, p):  # 0 or 1/(1 - p)
    return (rng.random(shape) >= p) / (1 - p)


def linear_fit(x, y, p, lr, steps, rng):  # the weights after every step, (steps, d)
    w, path = np.zeros(x.shape[1]), []
    for t in range(steps):
        z = x * factors_of(rng, x.shape, p)
        w = w - lr / (1 + t / 1000) * z.T @ (z @ w - y) / len(z)
        path.append(w)
    return np.array(path)


rng = np.random.default_rng(3)
inputs = rng.normal(size=(60, 2)) @ np.array([[1.0, 0.6], [0.0, 0.5]])
targets = inputs @ [2.0, 1.5] + 0.3 * rng.normal(size=60)
paths = {p: linear_fit(inputs, targets, p, 0.3, 3000, np.random.default_rng(0)) for p in (0.0, 0.5)}
print(
    *(f"p = {p}: the last 1,000 have mean {path[2000:].mean(axis=0).round(2)}" for p, path in paths.items())
)

# %% [markdown] claims=["S1-18"]
# Another fixed point. The expected loss is
# $\lVert y - Xw \rVert^2 + \frac{p}{1-p} \sum_j (X^\top X)_{jj}\, w_j^2$: the second term is the variance of dropout's noise. A ridge
# penalty, with its own weight for every input.
#
# In a network, each mask is a **sub-network**. With factors 0 or 2 on the ten units of one hidden layer there are 1,024; the
# logits are linear in the factors, so their mean over all masks is the logits of the whole network: the normalised *geometric* mean of the
# 1,024 softmax outputs. It is not their arithmetic mean, and with a second layer of masks nothing is exact.
#
# **Predict.** A network 64-10-10 has learned 400 digits with dropout. On new ones, is the whole network, which no step of the training has
# used, about as good as the median of its sub-networks, as the best of them, or better than all?


# %% tags=["hide-input"] claims=["S1-18"]
# @title A network with holes, trained
def masked(net, theta, x, masks):  # logits; masks (..., sum of the hidden widths) act on the hidden units
    *hidden, (V, c) = net.layers(theta)
    for (W, b), mask in zip(hidden, masks.split([b.shape[-1] for _, b in hidden], dim=-1), strict=True):
        x = mask * torch.relu(x @ W.mT + b.unsqueeze(-2))
    return x @ V.mT + c.unsqueeze(-2)


class Dropout:  # cross-entropy of `net` on the first `count` digits, with dropout of the hidden units
    def __init__(self, net, count, p=0.5, seed=0):
        x, labels = shuffled(seed, count)
        self.x, self.y, self.net, self.p = torch.tensor(x), torch.tensor(labels), net, p
        self.count, self.rng = count, np.random.default_rng(seed)

    def grad(self, w):
        theta = torch.tensor(w, requires_grad=True)
        masks = torch.tensor(factors_of(self.rng, (self.count, sum(self.net.widths[1:-1])), self.p))
        loss = F.cross_entropy(masked(self.net, theta, self.x[: self.count], masks), self.y[: self.count])
        return torch.autograd.grad(loss, theta)[0].numpy()

    def value(self, w):  # of the whole network
        outputs = self.net.forward(torch.tensor(w), self.x[: self.count])
        return F.cross_entropy(outputs, self.y[: self.count]).item()


def holed(widths, seed):  # a trained network: (its data and loss, net, parameters)
    net = networks.MLP(widths, "relu")
    surface = Dropout(net, 400, seed=seed)
    trace = run(adam, surface, net.initial(seed, scale=1.4), 600, every=600, lr=0.01)
    return surface, net, torch.tensor(trace.path[-1])


def right(outputs, labels):
    return (outputs.argmax(axis=-1) == labels).mean(axis=-1)


# %% claims=["S1-18"]
def sub_networks(widths, seed, at=slice(400, 900)):
    """Softmax outputs of all 1,024 sub-networks (1024, 500, 10) and of the whole network, and the labels."""
    surface, net, theta = holed(widths, seed)
    masks = torch.tensor(list(itertools.product([0.0, 2.0], repeat=10)), dtype=torch.float64)
    every = [torch.softmax(masked(net, theta, surface.x[at], mask), dim=1) for mask in masks]
    whole = torch.softmax(net.forward(theta, surface.x[at]), dim=1)
    return torch.stack(every).numpy(), whole.numpy(), surface.y[at].numpy()


every, whole, answers = sub_networks((64, 10, 10), seed=0)
alone, together_right = right(every, answers), right(whole, answers)
print(
    f"sub-networks: median {np.median(alone):.1%}, best {alone.max():.1%}; the whole network {together_right:.1%}"
)

# %% [markdown] claims=["S1-19"]
# Better than all, here. Last, a text: "the weights of the dropped units are not updated in this iteration." Their *gradient* is 0.
#
# **Predict.** A unit trains for 50 steps and then stays dropped for 30. Under which of plain SGD, SGD with decay, momentum and Adam do its weights move in
# these 30 steps?


# %% tags=["hide-input"] claims=["S1-18", "S1-19"]
# @title Dropout, three times
def closed_form(x, y, p):  # least squares with dropout's penalty
    return np.linalg.solve(x.T @ x + p / (1 - p) * np.diag(np.square(x).sum(axis=0)), x.T @ y)


def coasting(w, memory, lr, momentum=0.0, weight_decay=0.0):
    """30 steps of weights whose gradient is 0, from the optimiser's memory alone."""
    yield w
    for k in range(1, 31):
        if "exp_avg" in memory:  # Adam, after 50 steps
            m, v, t = 0.9**k * memory["exp_avg"], 0.999**k * memory["exp_avg_sq"], 50 + k
            w = w - lr * m / (1 - 0.9**t) / ((v / (1 - 0.999**t)).sqrt() + 1e-8)
        elif momentum:
            w = w - lr * momentum**k * memory["momentum_buffer"]
        else:
            w = w - lr * weight_decay * w
        yield w


def drift(optimiser, **settings):
    """Relative distance of the unit's weights from where they were: measured and predicted, each (31,)."""
    net, rng = networks.MLP((64, 10, 10), "relu"), np.random.default_rng(0)
    surface, mine = Dropout(net, 400), torch.zeros(net.size, dtype=torch.float64)
    (W, b), (V, _) = net.layers(mine)
    W[2], b[2], V[:, 2] = 1, 1, 1
    theta = torch.nn.Parameter(torch.tensor(net.initial(0, scale=1.4)))
    steps, path, unit = optimiser([theta], **settings), [], mine == 1
    for step in range(80):
        masks = torch.tensor(factors_of(rng, (400, 10), 0.5))
        masks[:, 2] *= step < 50  # then the unit is dropped for all examples
        steps.zero_grad()
        F.cross_entropy(masked(net, theta, surface.x[:400], masks), surface.y[:400]).backward()
        steps.step()
        path.append(theta.detach()[unit].clone())
        if step == 49:
            state = steps.state[theta].items()
            memory = {key: x[unit].clone() for key, x in state if torch.is_tensor(x) and x.ndim}
    there, *_ = walk = path[49:]
    expected = coasting(there, memory, **settings)
    return np.array([[((w - there).norm() / there.norm()).item() for w in each] for each in (walk, expected)])


drifts = {
    "SGD": drift(torch.optim.SGD, lr=0.01),
    "decay 0.1": drift(torch.optim.SGD, lr=0.01, weight_decay=0.1),
    "momentum": drift(torch.optim.SGD, lr=0.01, momentum=0.9),
    "Adam": drift(torch.optim.Adam, lr=0.01),
}
target = closed_form(inputs, targets, 0.5)


def to_ridge(ax):
    a, b = np.meshgrid(np.linspace(-0.2, 3.2, 80), np.linspace(-0.2, 2.8, 80))
    loss = np.square(np.stack([a, b], axis=-1) @ inputs.T - targets).mean(axis=-1)
    levels = np.quantile(loss, [0.02, 0.1, 0.3, 0.6])
    ax.contour(a, b, loss, levels=levels, colors=plots.CONTOUR, linewidths=0.8)
    for k, (p, path) in enumerate(paths.items()):
        marks = {"color": plots.COLOURS[k], "marker": plots.MARKERS[k], "markersize": 2.5}
        ax.plot(*path[np.r_[0:40, 40:3000:20]].T, linewidth=0.6, **marks)
        ax.text(*[(2.1, 1.55), (-0.1, 0.4)][k], f"p = {p:g}", color=plots.ink(plots.COLOURS[k]))
    ax.plot(*target, color=plots.COLOURS[2], marker="*", markersize=11, linestyle="none")
    ax.text(-0.1, 0.0, "star: ridge", color=plots.ink(plots.COLOURS[2]))
    ax.set(xlabel="$w_1$", ylabel="$w_2$", title="a linear fit", xlim=(-0.2, 3.2), ylim=(-0.2, 2.8))


def crowd(ax):
    heights, _, _ = ax.hist(100 * alone, bins=np.arange(5, 100, 5), color=plots.CONTOUR, rwidth=0.9)
    ax.axvline(100 * together_right, color=plots.COLOURS[0])
    ax.text(
        100 * together_right - 2,
        1.08 * heights.max(),
        "whole network",
        color=plots.ink(plots.COLOURS[0]),
        ha="right",
    )
    ax.set(
        xlabel="right, % of 500 new digits", ylabel="sub-networks", title="1,024 sub-networks", xlim=(0, 100)
    )
    ax.set_ylim(0, 1.2 * heights.max())


moved = np.arange(31)
plots.show(
    to_ridge,
    crowd,
    plots.lines(
        *(
            Curve(moved, 100 * measured, name, colour=k)
            for k, (name, (measured, _)) in enumerate(drifts.items())
        ),
        xlabel="steps since the drop",
        ylabel="weights have moved, %",
        title="a dropped unit",
    ),
    alt="Left: the path without dropout ends in the middle of the contours, the one with dropout trembles around a star far from "
    "it. Middle: sub-networks read from 10 to 85 per cent, the whole network more than all. Right: a dropped unit's weights move by a "
    "tenth under Adam, by three hundredths under momentum and decay, not at all under plain SGD.",
)

# %% tags=["hide-input"] claims=["S1-18", "S1-19"]
# @title Evidence
off, plain = [], []
for seed, p in itertools.product(range(2), (0.2, 0.5, 0.8)):
    rng = np.random.default_rng(seed)
    wide_x = rng.normal(size=(60, 8)) * np.linspace(0.5, 2, 8)
    wide_y = wide_x @ rng.normal(size=8) + 0.5 * rng.normal(size=60)
    path = linear_fit(wide_x, wide_y, p, 0.1, 12_000, np.random.default_rng(seed))
    wanted, least = closed_form(wide_x, wide_y, p), closed_form(wide_x, wide_y, 0.0)
    off.append(np.linalg.norm(path[6_000:].mean(axis=0) - wanted) / np.linalg.norm(wanted))
    plain.append(np.linalg.norm(least - wanted) / np.linalg.norm(wanted))
samples = factors_of(np.random.default_rng(0), (4, 400_000), 0.3)
one = [(every, whole, answers), sub_networks((64, 10, 10), 1)]
two = [sub_networks((64, 5, 5, 10), seed) for seed in range(2)]


def geometric(every):
    mean = np.exp(np.log(every).mean(axis=0))
    return mean / mean.sum(axis=1, keepdims=True)


exactly, only_about = ([np.abs(geometric(e) - w).max() for e, w, _ in runs_of] for runs_of in (one, two))
differs = [np.abs(e.mean(axis=0) - w).max() for e, w, _ in one]
lead = [right(w, y) - np.median(right(e, y)) for e, w, y in one]
over_best = [right(w, y) - right(e, y).max() for e, w, y in one]
behind = [right(e.mean(axis=0), y) - right(w, y) for e, w, y in one]
moving = [drifts[name] for name in drifts if name != "SGD"]
one_step, ratios = [way[1] for way, _ in moving], [way[1:] / expected[1:] for way, expected in moving]
table(
    claim("P10", "8 inputs, p = 0.2, 0.5, 0.8: distance from ridge, relative", off, at_most=0.03),
    claim("P10", "least squares from it", plain, at_least=0.15),
    claim("S1-18", "one layer: geometric mean less whole network", exactly, at_most=1e-10),
    claim("S1-18", "two layers: the same", only_about, at_least=0.02),
    claim("S1-18", "accuracy, whole network less median sub-network", lead, at_least=0.15),
    claim("S1-19", "dropped unit, SGD: way in 30 steps, relative", drifts["SGD"][0], at_most=0),
    claim("S1-19", "the same in ONE step: decay, momentum, Adam", one_step, at_least=0.0005),
    more=[
        claim("P10", "mean of the factor r, p = 0.3", samples.mean(axis=1), predicted=1, within=0.005),
        claim("P10", "its variance", samples.var(axis=1), predicted=0.3 / 0.7, within=0.01),
        claim("S1-18", "one layer: arithmetic mean less whole network", differs, at_least=0.2),
        claim("S1-18", "accuracy, whole network less best sub-network", over_best, at_least=-0.01),
        claim("", "accuracy, arithmetic mean less whole network", behind, at_least=-0.03, at_most=0.04),
        claim("S1-19", "way over prediction, all steps, others", ratios, predicted=1, within=1e-9),
    ],
)

# %% [markdown] claims=["S1-18", "S1-19"]
# The linear fit trembles around the ridge solution: the mean of the later half hits it within 1 %, where least squares is 20 to 390 %
# away. With one layer of masks the whole network is the geometric mean to the last digit; with two, "the mean of
# $2^n$ networks" is a picture, off by up to 0.4 in one probability.
#
# A dropped unit stands still under plain SGD alone. With $g = 0$ momentum goes on by $\eta\beta b$ ($b$ its buffer, with $b' = \beta b + g$ as in PyTorch), Adam by
# $\eta\hat m/(\sqrt{\hat v} + \varepsilon)$, and decay takes $\eta\lambda w$: 0.3 %, 1 % and 0.1 % of the length in the first step, each as predicted.
#
# **Caveat.** The ridge identity holds for squared error and inputs of a linear fit; for networks it is a first approximation (Wager, Wang and
# Liang 2013). The sub-networks share all their weights.

# %% [markdown] claims=["S1-16", "S1-17", "S1-18"]
# ## 5. What helps with 100 digits?
#
# **Question.** Five draws of 100 training digits, 100 for validation, the other 1,597 for the test; networks of 32 hidden units, four
# starts for each draw, Adam, 600 steps. What is worth its trouble?
#
# **Theory.** The loss is the negative log-likelihood (NLL) of the right class, in nats: it sees confidence, where accuracy only counts.
# Average the logits of $K$ networks with outputs $p_k$. For every example the NLL of this **ensemble** is
#
# $$\frac1K \sum_k \text{NLL}_k - A, \qquad A = -\ln \sum_c \prod_k p_k(c)^{1/K} \ge 0 .$$
#
# $A$ does not know the label. It is 0 if and only if all members agree: in nats, an ensemble gains exactly the disagreement of its
# members (for squared errors Krogh and Vedelsby 1995).


# %% claims=["S1-17", "S1-18"]
def together(logits, labels):  # (draws, members, rows, classes): NLL of each draw's ensemble, and A
    mean = torch.log_softmax(logits, dim=-1).mean(dim=1)  # the logarithm of the product in A
    disagreement = -torch.logsumexp(mean, dim=-1)
    return F.cross_entropy(mean.mT, labels, reduction="none").mean(dim=1), disagreement.mean(dim=1)


# %% [markdown] claims=["S1-16", "S1-17", "S1-18"]
# The candidates: L2; L1 (by Adam); dropout of hidden units; dropout of pixels, alone and with L2; early stopping of each; and ensembles of four, from
# four starts or by *bagging*, where each has its own 100 draws with replacement from the 100 digits.
#
# **Predict.** Is one of L1, L2, dropout of hidden units and dropout of pixels, run to the end, *worse* than nothing? Which?

# %% tags=["hide-input"] claims=["S1-16", "S1-17", "S1-18"]
# @title Twenty networks for each row
DRAWS, MEMBERS, small = 5, 4, networks.MLP((64, 32, 10), "relu")
pixels, classes = (torch.tensor(np.stack(part)) for part in zip(*map(shuffled, range(DRAWS)), strict=True))
starts = np.stack([small.initial(k, scale=np.sqrt(2)) for k in range(DRAWS * MEMBERS)])
is_weight = torch.zeros(small.size)
for W, _ in small.layers(is_weight):
    W += 1  # biases are not penalised
TRAIN, VALID, TEST = slice(100), slice(100, 200), slice(200, None)


def of_members(part, rows):  # each draw's rows, once for each of its members
    return part[:, rows].repeat_interleave(MEMBERS, dim=0)


def nll(logits, right):  # (nets, rows, 10), (nets, rows) -> (nets,)
    return F.cross_entropy(logits.mT, right, reduction="none").mean(dim=1).numpy()


def outputs(w, rows):
    return small.forward(torch.tensor(w), of_members(pixels, rows))


class Regularised:  # twenty networks: penalties on their weights, holes in pixels and hidden units
    def __init__(self, l2=0.0, l1=0.0, pixels_off=0.0, hidden_off=0.0, bagging=False, rows=TRAIN):
        self.l2, self.l1, self.off, self.rng = l2, l1, (pixels_off, hidden_off), np.random.default_rng(0)
        self.x, self.y = of_members(pixels, rows).float(), of_members(classes, rows)
        if bagging:
            rows = torch.tensor(self.rng.integers(0, 100, self.y.shape))
            net = torch.arange(len(rows))[:, None]
            self.x, self.y = self.x[net, rows], self.y[net, rows]
        self.target = F.one_hot(self.y, 10).float()

    def holes(self, x, p):  # the same array where nothing is dropped
        return x * torch.tensor(factors_of(self.rng, x.shape, p)).float() if p else x

    def grad(self, w):  # by hand, in single precision: this saves two thirds of the time
        theta = torch.tensor(w).float()
        (W, b), (V, c) = small.layers(theta)
        x = self.holes(self.x, self.off[0])
        z = x @ W.mT + b.unsqueeze(1)
        slope = self.holes((z > 0).float(), self.off[1])  # 0 or 1, or with dropout 0 or 1/(1 - p)
        h = z * slope
        d = (torch.softmax(h @ V.mT + c.unsqueeze(1), dim=2) - self.target) / x.shape[1]
        e = slope * (d @ V)
        parts = [(e.mT @ x).flatten(1), e.sum(dim=1), (d.mT @ h).flatten(1), d.sum(dim=1)]
        penalty = is_weight * (self.l2 * theta + self.l1 * theta.sign())
        return (torch.cat(parts, dim=1) + penalty).double().numpy()

    def value(self, w):  # on the validation digits: its smallest is early stopping
        return nll(outputs(w, VALID), of_members(classes, VALID))


settings = {
    "nothing": {},
    "bagging": {"bagging": True},
    "L2": {"l2": 0.01},
    "L1": {"l1": 0.001},
    "drop hidden": {"hidden_off": 0.5},
    "drop pixels": {"pixels_off": 0.5},
    "drop pixels, L2": {"pixels_off": 0.5, "l2": 0.01},
}
results, single, accuracy, finals = {}, {}, {}, {}
held = of_members(classes, TEST)
for name, setting in settings.items():
    trace = run(adam, Regularised(**setting), starts, 600, every=20, lr=0.01)
    stopped_at = trace.path[trace.losses.argmin(axis=0), np.arange(len(starts))]
    finals[name] = trace.path[-1]
    results[name] = {"end": outputs(finals[name], TEST), "stopped": outputs(stopped_at, TEST)}
    for when, logits in results[name].items():
        single[name, when] = nll(logits, held).reshape(DRAWS, MEMBERS)
        correct = (logits.argmax(dim=2) == held).double().mean(dim=1)
        accuracy[name, when] = correct.numpy().reshape(DRAWS, MEMBERS)
    results[name]["confidence"] = torch.softmax(results[name]["end"], dim=2).amax(dim=2).mean().item()
    results[name]["length"] = np.linalg.norm(finals[name] * is_weight.numpy(), axis=1).mean()
more_digits = run(adam, Regularised(rows=slice(200)), starts, 600, every=600, lr=0.01).path[-1]
doubled = nll(outputs(more_digits, TEST), held).reshape(DRAWS, MEMBERS).mean(axis=1)

ensembles = {}  # of each row and moment: NLL and A for each draw
for name, when in single:
    each = results[name][when].unflatten(0, (DRAWS, MEMBERS))
    ensembles[name, when] = [part.numpy() for part in together(each, classes[:, TEST])]
gain = {key: single[key].mean(axis=1) - ensembles[key][0] for key in single}


def regularisers(ax):
    columns = [
        ("at the end", {name: single[name, "end"].mean(axis=1) for name in settings}),
        ("stopped early", {name: single[name, "stopped"].mean(axis=1) for name in settings}),
        ("four together, stopped", {name: ensembles[name, "stopped"][0] for name in settings}),
    ]
    for k, (label, values) in enumerate(columns):
        at = np.arange(len(settings)) + 0.26 * (k - 1)
        middles = np.array([each.mean() for each in values.values()])
        spread = np.array(
            [
                [np.ptp([each.min(), m]), np.ptp([each.max(), m])]
                for each, m in zip(values.values(), middles, strict=True)
            ]
        )
        ax.errorbar(
            middles,
            at,
            xerr=spread.T,
            color=plots.COLOURS[k],
            marker=plots.MARKERS[k],
            markersize=6,
            linestyle="none",
            elinewidth=1,
        )
        ax.text(
            middles[4] + spread[4, 1] + 0.02,
            at[4],
            label,
            color=plots.ink(plots.COLOURS[k]),
            va="center",
            fontsize=9,
        )
    ax.axvline(doubled.mean(), color=plots.GREY, linestyle="--", linewidth=1)
    ax.text(doubled.mean() + 0.01, -0.75, "nothing, 200 digits", color=plots.GREY, va="center")
    ax.set(
        xlabel="NLL of 1,597 new digits, nats; bars span the five draws",
        yticks=range(len(settings)),
        yticklabels=list(settings),
    )
    ax.set(ylim=(len(settings) - 0.5, -1), xlim=(0.25, 1.3))


plots.show(
    regularisers,
    height=4,
    alt="Losses of seven settings: L2 and pixels with L2 are lowest, beside a dashed line for twice the digits; dropout of hidden units run to "
    "the end is highest by far; ensembles lie left of their members.",
)

# %% tags=["hide-input"] claims=["S1-16", "S1-17", "S1-18"]
# @title Evidence
mean = {key: value.mean(axis=1) for key, value in single.items()}  # over the starts, for each draw
nothing, kept_best = mean["nothing", "end"], mean["nothing", "stopped"]
hidden, hidden_kept = mean["drop hidden", "end"], mean["drop hidden", "stopped"]
four, bagged = ensembles["nothing", "end"][0], ensembles["bagging", "end"][0]
extra = gain["bagging", "end"] / gain["nothing", "end"]
identity = [np.abs(gain[key] - ensembles[key][1]).max() for key in single]
read = {key: results[key[0]][key[1]].argmax(dim=2).view(DRAWS, MEMBERS, -1) for key in single}
pairs = list(itertools.combinations(range(MEMBERS), 2))
differ = {
    key: np.mean([(r[:, i] != r[:, j]).double().mean(dim=1).numpy() for i, j in pairs], axis=0)
    for key, r in read.items()
}
ranks = [np.argsort(np.argsort(np.concatenate(list(values.values())))) for values in (gain, differ)]
scores = {key: value.mean() for key, value in accuracy.items()}
more_right = (accuracy["L2", "end"] - accuracy["nothing", "end"]).mean(axis=1)
plain_score, best_score = scores["nothing", "end"], max(scores.values())
apart = np.ptp(accuracy["nothing", "end"], axis=1).max()
sure = {name: results[name]["confidence"] - scores[name, "end"] for name in settings}
longer = results["drop hidden"]["length"] / results["nothing"]["length"]
table(
    claim("S1-16", "loss, L2 over nothing", mean["L2", "end"] / nothing, at_most=0.8),
    claim("S1-16", "loss, early stopping over nothing, mean", np.mean(kept_best / nothing), at_most=0.98),
    claim("P46", "loss, drop hidden over nothing, to the end", hidden / nothing, at_least=1.2),
    claim(
        "P46", "the same, both stopped, mean", np.mean(hidden_kept / kept_best), at_least=0.85, at_most=1.15
    ),
    claim("S1-17", "loss, four networks together over one", four / nothing, at_most=0.9),
    claim("S1-18", "gain of an ensemble less A, 70 ensembles", identity, at_most=1e-9),
    claim("P46", "accuracy, best row less nothing", best_score - plain_score, at_least=0.01, at_most=0.05),
    claim("", "accuracy, two starts apart by up to", apart, at_least=0.02),
    more=[
        claim("S1-16", "loss, L1 stopped over nothing", mean["L1", "stopped"] / nothing, at_most=0.95),
        claim(
            "S1-18",
            "loss, pixels over nothing, both stopped",
            mean["drop pixels", "stopped"] / kept_best,
            at_most=0.97,
        ),
        claim(
            "S1-18",
            "loss, pixels and L2 over L2",
            mean["drop pixels, L2", "end"] / mean["L2", "end"],
            at_most=1.08,
        ),
        claim(
            "",
            "loss, nothing with 200 digits over L2 with 100, mean",
            np.mean(doubled / mean["L2", "end"]),
            at_least=0.8,
            at_most=1.05,
        ),
        claim(
            "S1-18",
            "rank correlation, gain in nats and digits read differently",
            np.corrcoef(*ranks)[0, 1],
            at_least=0.85,
            at_most=0.999,
        ),
        claim("S1-17", "gain, bagging over other starts", extra, at_least=1.2),
        claim("", "loss together, bagging over other starts, mean", np.mean(bagged / four), at_least=1.0),
        claim("P46", "accuracy, L2 less nothing", more_right, at_least=0.005),
        claim(
            "",
            "accuracy, early stopping less nothing",
            scores["nothing", "stopped"] - plain_score,
            at_most=0.0,
        ),
        claim("", "confidence less accuracy, hidden units", sure["drop hidden"], at_least=0.05),
        claim("", "confidence less accuracy, L2", sure["L2"], at_most=0.0),
        claim("", "length of the weights, hidden units over nothing", longer, at_least=1.1),
    ],
)

# %% [markdown] claims=["S1-16", "S1-17", "S1-18"]
# **L2 wins alone**: 0.36 nats in place of 0.59, 90 % of the digits in place of 87. That is most of what 100 more digits are worth
# without it (dashed). **Early stopping** gains 7 % of the loss and *costs* 1.5 points of accuracy. An **ensemble** run to the end gains 24 %
# without regularisation and little with L2, whose members agree. Bagging gains most and still ends behind: each member has seen only
# about 63 of its 100 digits.
#
# **What does not reproduce here.** Dropout of hidden units, the famous one: to the end it is *worse than nothing*, 0.97 against 0.59; stopped, as good
# as nothing. It reads nearly as many digits (86 %) and is far too sure, 96 % on average; its weights are a quarter longer.
# **Loss, not accuracy**: the best row reads 3 points more digits than nothing; two starts alone differ by up to 5.
#
# **Flat minima.** *Sharpness-aware minimisation* (SAM, Foret and others 2021) takes the gradient at the worst place within ρ, which to first
# order is one step uphill. Two gradients a step.


# %%
def sam(grad, w, lr, rho):
    def uphill(w):  # the gradient at the highest place within rho, to first order; for each network
        g = grad(w)
        length = np.linalg.norm(g, axis=-1, keepdims=True)
        return grad(w + rho * g / length)

    return adam(uphill, w, lr)


# %% [markdown]
# One start of each draw takes four ρ: 0 (Adam), 0.1, 0.5 and 1, alone and with L2. *Sharpness* is the rise of the training loss (without penalty) 0.5 uphill.
#
# **Predict.** SAM will lower the sharpness several times. Does the loss on new digits, without L2, fall too?

# %% tags=["hide-input"]
# @title Sharpness and loss
rho = np.tile([0.0, 0.1, 0.5, 1.0], DRAWS)[:, None]
first = np.repeat(starts[::MEMBERS], MEMBERS, axis=0)


def sharpness(
    w, radius=0.5
):  # of each network: the rise of the training loss, without penalty, that far uphill
    g = Regularised().grad(w)
    uphill = w + radius * g / np.linalg.norm(g, axis=1, keepdims=True)
    here, there = (nll(outputs(at, TRAIN), of_members(classes, TRAIN)) for at in (w, uphill))
    return (there - here).reshape(DRAWS, MEMBERS)


flat = {}
for name, l2 in (("alone", 0.0), ("with L2", 0.01)):
    w = run(sam, Regularised(l2=l2), first, 600, every=600, lr=0.01, rho=rho).path[-1]
    flat[name] = sharpness(w), nll(outputs(w, TEST), held).reshape(DRAWS, MEMBERS)
rows_sharp = {name: sharpness(w).mean(axis=1) for name, w in finals.items()}
rows_loss = {name: single[name, "end"].mean(axis=1) for name in settings}
for name, (sharp, loss) in flat.items():
    print(f"SAM {name}:")
    for k, r in enumerate(rho[:MEMBERS, 0]):
        print(
            f"   ρ = {r:<3g}  sharpness {sharp[:, k].mean():.5f}  loss on new digits {loss[:, k].mean():.3f}"
        )

# %% tags=["hide-input"]
# @title Evidence
(sharp, loss), (sharp_l2, loss_l2) = flat["alone"], flat["with L2"]
mean_sharp = [np.log(rows_sharp[name]).mean() for name in settings]
mean_loss = [rows_loss[name].mean() for name in settings]
flatter = sharp[:, 3] / sharp[:, 0]
ranked = np.corrcoef(np.argsort(np.argsort(mean_sharp)), np.argsort(np.argsort(mean_loss)))[0, 1]
table(
    claim("", "alone: sharpness, ρ = 1 over 0, each draw", flatter, at_most=0.8),
    claim("", "the same, geometric mean of the draws", np.exp(np.log(flatter).mean()), at_most=0.4),
    claim("", "alone: loss, ρ = 0.1 over 0", loss[:, 1] / loss[:, 0], at_least=0.95, at_most=1.05),
    claim("", "alone: loss, ρ = 1 over 0", loss[:, 3] / loss[:, 0], at_least=1.0),
    claim("", "with L2: sharpness, ρ = 1 over 0", sharp_l2[:, 3] / sharp_l2[:, 0], at_least=0.8, at_most=1.2),
    claim("", "with L2: loss, every ρ over 0", loss_l2[:, 1:] / loss_l2[:, :1], at_least=0.9, at_most=1.1),
    claim("", "seven settings: rank correlation of sharpness and loss", ranked, at_most=0.3),
)

# %% [markdown]
# It does not. Alone, SAM finds flatter places, by a factor of 2 to 9, and they are no better, at ρ = 1 worse by 7 % or more. With L2 it changes neither sharpness nor
# loss by much. Nor does sharpness order the seven rows above. Where every digit is read right, a network becomes flat by
# becoming *sure*. The paper's gains are on large image sets, in small batches; neither was run here.
#
# **Caveat.** One data set, one architecture, all examples in each step, one optimiser and rate, strengths chosen on these digits beforehand.

# %% [markdown]
# ## Touch it
#
# The linear fit of section 3: 40 data sets, their mean and the sine, after a training time that you choose (the stills are trained far too long).
# Find (1) the time with the smallest sum for 25 examples and noise 0.4; (2) how much of the error at ηT = 10⁷ 100 examples save; (3) what is left of the
# minimum when the noise is 0.


# %% tags=["hide-input"]
# @title The live figure
def look(time, examples, noise):
    spectrum = spectral(count=int(examples), noise=noise, sets=40)
    fits = fits_of(spectrum, stopped(spectrum[0], 10**time))
    bias, variance = bias_and_variance(fits)
    title = f"{examples:g} examples, noise {noise:g}\nbias² {bias:.3f}, var. {variance:.3f}"
    return bundle(fits, title)


interact.explore(
    look,
    stills=[{"time": 6, "examples": n, "noise": noise} for n, noise in ((25, 0.4), (100, 0.4), (25, 0.0))],
    alt="Fits after a long training time: with 25 noisy examples they swing wildly, with 100 noisy ones they keep close to the "
    "sine, and with 25 exact ones they lie on it.",
    time=interact.Slider("training time, log₁₀ ηT", 0.0, 7.0, 0.25, 3.0),
    examples=interact.Slider("examples per data set", 5.0, 100.0, 5.0, 25.0),
    noise=interact.Slider("noise", 0.0, 1.0, 0.1, 0.4),
)

# %% [markdown]
# <details><summary>Answers</summary>
#
# (1) log₁₀ ηT = 2.75, with a sum of 0.041. (2) From 0.455 to 0.028, nearly all of it: the minimum moves to 3.25, and what follows is nearly flat.
# (3) Nothing that hurts: with 25 examples the sum falls until 6.25, to 0.00014; with 50 or 100 it falls as far as the slider goes.
#
# </details>

# %% [markdown] claims=["S1-14", "S1-16", "S1-17", "S1-18", "S1-19", "S3-03", "S3-04", "S3-06"]
# ## What the sources say, and what is exact
#
# <details><summary>Ten statements</summary>
#
# S1 is a text on the difficulties of training deep networks, S3 one on LeCun, Bottou, Orr and Müller (1998).
#
# | who | says | exact |
# |---|---|---|
# | S1 | over-fitting: too many parameters | it is a **gap** between seen and new data. It shrank from 23 to 12 points while the parameters grew thirtyfold; the bad place is P = N (section 2) |
# | S1 | the weights of dropped nodes are not updated in this iteration | their gradient is 0. Exact for plain SGD; in one step momentum moves them by 0.3 %, Adam by 1 %, weight decay by 0.1 % of their length (section 4) |
# | S1 | describes dropout in training and says nothing of the test | one of the two must be **scaled**: kept units by $1/(1-p)$ in training, or outputs by $1-p$ at test time (section 4) |
# | S1 | several models means boosting, unrealistic in deep learning | dropout's relative is **bagging**: members side by side, then a mean. Boosting is sequential. Ensembles are common (Lakshminarayanan and others 2017); four networks bring the loss from 0.59 to 0.45 (section 5) |
# | S1 | dropout combines one model and many | the whole network is exactly the *geometric* mean of its sub-networks for one layer of masks, and for no more (section 4) |
# | S1 | misprints: 位置数据 (data of position), 有点 (a little) | 未知数据 (unknown data), 优点 (advantage) |
# | S3 | a model that learns too well generalises badly | over-training *can* harm: it learns the noise. Without noise the error only falls (section 1) |
# | S3 | bias comes from the choice of capacity, variance from the training | both belong to network, training **and** data together: one network went from nearly all bias to nearly all variance, and ten times the examples cut the variance to less than a tenth (section 1) |
# | often heard | early stopping is L2 | two filters, up to 0.20 apart at $\alpha = 1/(\eta T)$ and 0.10 at best; equally good to 5 % (section 3) |
# | often heard | L1 makes weights zero | the *minimum* has zeros; gradient steps, Adam included, arrived at none of them (section 3) |
#
# </details>

# %% [markdown]
# ## Summary
#
# 1. The error on new data is noise + bias² + variance; training trades bias for variance, and minimising fast and generalising well are two
#    questions.
# 2. Over-fitting is a gap, not a number of parameters; as many parameters as examples was the worst number.
# 3. Early stopping and ridge are two filters of nearly equal worth, L1 needs the proximal step for its zeros, and in a normalised net decay is a
#    rate schedule that turns weights by √(2ηλ) a step.
# 4. Dropout is noise of mean 1 and variance $p/(1-p)$: a ridge penalty on inputs, a geometric mean of sub-networks in one hidden layer, and no
#    promise about the optimiser's memory.
# 5. What a regulariser is worth has to be measured, by the loss and over several draws: here L2 won, hidden dropout lost, and flat was not better.

# %% [markdown]
# ## Quick questions
#
# **1.** Your validation loss rises while your training loss falls. Which of bias and variance is growing, and name
# two things that would help.
# <details><summary>Answer</summary>
#
# Most likely variance. More data; stopping at the minimum; an L2 penalty; an ensemble. A smaller network is one more, and often
# not the best.
#
# </details>
#
# **2.** A run with η = 0.01 was stopped after 500 steps. Which ridge penalty does about the same, and how different
# are the shares of a direction with λ = 0.5?
# <details><summary>Answer</summary>
#
# α = 1/(ηT) = 0.2. There s = ηTλ = 2.5: stopping has covered 1 − e^(−2.5) = 0.92 of the way, ridge 2.5/3.5 = 0.71.
# This is nearly the largest difference there is.
#
# </details>
#
# **3.** Inverted dropout with p = 0.8 on an entry of value 2. Which values occur, and what are mean and variance?
# <details><summary>Answer</summary>
#
# 0 and 10. Mean 0.2 · 10 = 2; variance 4 · 0.8/0.2 = 16.
#
# </details>
#
# **4.** All weights of a network are followed by a normalisation. You double η and halve the decay. After many steps of SGD, what has changed: the length
# of the weights, how far they turn in a step, or both?
# <details><summary>Answer</summary>
#
# The length alone. √(2ηλ) is what it was; the length is where η|g|/|w| equals it, and with |g| in proportion to 1/|w| it grows by √2.
#
# </details>
#
# **5.** Two ensembles of networks with the same mean NLL: the members of one agree on 99 % of the digits, those of
# the other on 85 %. Which one do you deploy?
# <details><summary>Answer</summary>
#
# The second, most likely. In nats the gain is exactly A, and A goes with the digits that members read differently (rank correlation 0.97 in section
# 5): closely, not exactly. What it gains in accuracy no identity says.
#
# </details>

# %% [markdown]
# ## Glossary
#
# | English | 中文 | here | section |
# |---|---|---|---|
# | generalisation | 泛化 | the loss on data that was not seen | 1 |
# | over-fitting, under-fitting | 过拟合, 欠拟合 | a gap; a training loss that stays high | 2 |
# | unknown data | 未知数据 | test data (S1 misprints it as 位置数据) | 1 |
# | bias, variance | 偏差, 方差 | what the fits to all data sets get wrong alike; how far each is from their mean | 1 |
# | regularisation | 正则化 | anything that prefers the tame among the fits | 3 |
# | early stopping, patience | 早停 (提前停止), 耐心 | go back to the best epoch; bad epochs in a row that end a run | 3 |
# | ridge, L2, weight decay | 岭回归, L2 正则, 权重衰减 | $\tfrac{\alpha}{2}\lVert w\rVert^2$ | 3 |
# | L1, sparse | L1 正则, 稀疏 | $\alpha\lVert w\rVert_1$, exact zeros | 3 |
# | soft threshold, proximal step | 软阈值, 近端步 | move by $t$ towards 0, and stop there | 3 |
# | dropout | 随机失活 (丢弃法) | a factor 0 or $1/(1-p)$ | 4 |
# | sub-network | 子网络 | what is left under one mask | 4 |
# | ensemble, bagging, boosting | 集成, 装袋, 提升 | several networks; on resampled data; one after the other | 5 |
# | negative log-likelihood | 负对数似然 | cross-entropy, in nats | 5 |
# | sharpness-aware minimisation | 锐度感知最小化 | the gradient from one step uphill | 5 |
# | double descent | 双下降 | the error falls again beyond P = N | 2 |

# %% [markdown]
# ## Further reading
#
# - Geman, Bienenstock, Doursat (1992), [*Neural networks and the bias/variance dilemma*](https://doi.org/10.1162/neco.1992.4.1.1)
# - Bishop (1995), *Neural networks for pattern recognition*
# - Krogh, Vedelsby (1995), [*Neural network ensembles, cross validation, and active learning*](https://papers.neurips.cc/paper_files/paper/1994/hash/b8c37e33defde51cf91e1e03e51657da-Abstract.html)
# - Prechelt (1998), [*Early stopping, but when?*](https://doi.org/10.1007/3-540-49430-8_3)
# - Wager, Wang, Liang (2013), [*Dropout training as adaptive regularization*](https://arxiv.org/abs/1307.1493)
# - Srivastava and others (2014), [*Dropout*](https://jmlr.org/papers/v15/srivastava14a.html)
# - van Laarhoven (2017), [*L2 regularization versus batch and weight normalization*](https://arxiv.org/abs/1706.05350)
# - Lakshminarayanan and others (2017), [*Simple and scalable predictive uncertainty estimation*](https://arxiv.org/abs/1612.01474)
# - Belkin and others (2019), [*Reconciling modern machine-learning practice and the bias-variance trade-off*](https://arxiv.org/abs/1812.11118)
# - Li, Arora (2020), [*An exponential learning rate schedule for deep learning*](https://arxiv.org/abs/1910.07454)
# - Nakkiran and others (2021), [*Optimal regularization can mitigate double descent*](https://arxiv.org/abs/2003.01897)
# - Wan and others (2021), [*Spherical motion dynamics*](https://arxiv.org/abs/2006.08419)
# - Foret and others (2021), [*Sharpness-aware minimization*](https://arxiv.org/abs/2010.01412)

# %% [markdown]
# ## Your turn
#
# [Assignment 11](../assignments/11_dropout_and_regularization/11_dropout_and_regularization.ipynb): write the rule
# that stops a run, the soft threshold, dropout, and the penalty that it is.
