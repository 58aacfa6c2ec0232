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
# **Unit 11, dropout and regularisation.** 70 minutes. You need gradient descent, momentum (unit 05) and Adam (unit
# 07), and the eigenvalues of a symmetric matrix.
#
# The loss on the training data is a means. What you want is a small loss on data that the network has never seen, and
# every tool so far has worked on the other one. You will take the error on new data apart into two parts and watch
# them along a training run; find out what over-fitting is not; see that stopping early, a ridge penalty and dropout
# are three faces of one idea; and measure what each is worth on 100 digits.
#
# Each section asks a question, lets you **predict**, derives a number, measures it, and puts the two side by side.
# Write your prediction down before you run the cell. A cell whose evidence fails stops the notebook. Codes in the
# tables name what is being checked: S1-14 is a sentence of a source text (S1: a text on the difficulties of training
# deep networks; S3: a text on LeCun, Bottou, Orr and Müller 1998), P40 an experiment of this course.

# %%
import itertools
import os

import numpy as np
import torch

from trainlab import data, interact, networks, plots
from trainlab.descend import run
from trainlab.evidence import claim, table
from trainlab.plots import Curve

torch.set_num_threads(1)  # the networks are tiny: more threads cost time
FAST = os.environ.get("FAST") == "1"  # one seed in place of three in section 1
entropy = torch.nn.functional.cross_entropy

# %% [markdown] claims=["S3-03", "S3-04"]
# ## 1. How long should you train?
#
# **Question.** 25 noisy examples of a sine, one network of 50 hidden units. Draw the 25 examples again and train
# again, sixty times. After 10 steps all sixty networks agree, and are wrong. After 1,500 steps they are right on
# average, and no two agree. When should you have stopped?
#
# Sixty networks, each with its own data, are one big network whose loss is the sum: `run` trains them in one go. Adam
# is that of unit 07.


# %% claims=["S3-04"]
def side_by_side(net, loss, x, y):
    """Many networks as one: network k has the data x[k], y[k], and the loss is the sum of all losses."""
    return networks.Objective(lambda w: loss(net.forward(w.view(len(x), net.size), x), y))


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


# %% claims=["S3-03", "S3-04"]
sine = networks.MLP((1, 50, 1), "tanh")
grid = torch.linspace(-1, 1, 101, dtype=torch.float64)[:, None]
truth = np.sin(3 * grid[:, 0].numpy())


def squares(outputs, y):
    return (outputs - y).square().mean(dim=(1, 2)).sum()


def sixty(rule, seed=0, sets=60, count=25, noise=0.4, steps=1500, **settings):
    """The mean training loss at every tenth step (moments,), and the fits there (moments, sets, 101)."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (sets, count, 1))
    y = np.sin(3 * x) + noise * rng.normal(size=x.shape)
    scale = np.repeat([3, 3, 0.1 / np.sqrt(50), 0], [50, 50, 50, 1])  # wide kinks, small outputs
    start = rng.normal(size=(sets, sine.size)) * scale
    surface = side_by_side(sine, squares, torch.tensor(x), torch.tensor(y))
    trace = run(rule, surface, start.ravel(), steps, every=10, **settings)
    nets = torch.tensor(trace.path).view(-1, sets, sine.size)
    return trace.losses / sets, np.stack([sine.forward(each, grid)[..., 0].numpy() for each in nets])


def bias_and_variance(fits):
    return np.square(fits.mean(axis=1) - truth).mean(axis=-1), fits.var(axis=1).mean(axis=-1)


many = [sixty(adam, seed, lr=0.003) for seed in range(1 if FAST else 3)]
parts = [bias_and_variance(fits) for _, fits in many]  # for each seed (bias², variance), each (151,)
losses = np.array([loss for loss, _ in many])
total = np.array([bias + variance for bias, variance in parts])
steps, best = np.arange(0, 1501, 10), total.argmin(axis=1)


# %%
def bundle(fits, title):
    def draw(ax):
        ax.plot(grid, fits[:12].T, color=plots.CONTOUR, linewidth=0.5)
        ax.plot(grid, fits.mean(axis=0), color=plots.COLOURS[0])
        ax.plot(grid, truth, color="black", linestyle="--")
        ax.set(xlabel="x", ylabel="y", ylim=(-2, 2), title=title)

    return draw


moments = (1, best[0], 150)
plots.show(
    *(bundle(many[0][1][k], f"step {steps[k]}") for k in moments),
    alt="Twelve thin curves, their mean and a dashed sine, three times: after 10 steps the curves lie together and too flat; at "
    "the best step they scatter a little around the sine; at 1,500 they swing wildly around it.",
)

# %% [markdown] claims=["S3-03", "S3-04", "S3-05", "S3-06"]
# Grey: 12 of the 60 networks. Blue: the mean of all 60. Dashed: the truth.
#
# **Predict.** (a) From step 10 to step 1,500: what happens to the distance of the mean from the truth, what to the
# scatter? (b) The noise has the variance 0.16. What does it mean when the training loss falls below 0.16? (c) Another
# optimiser is five times faster. Is its best network better?
#
# **Theory.** Call $f_D$ the network that came from data set $D$, $\bar f$ its mean over data sets, $g$ the truth,
# $\sigma^2$ the variance of the noise. The error on a new example $y = g(x) + \text{noise}$, averaged over data sets,
# is
#
# $$\mathbb{E}\,(y - f_D(x))^2 = \sigma^2 + \underbrace{(\bar f(x) - g(x))^2}_{\text{bias}^2}
# + \underbrace{\mathbb{E}\,(f_D(x) - \bar f(x))^2}_{\text{variance}} .$$
#
# (Write $y - f_D = (y - g) + (g - \bar f) + (\bar f - f_D)$ and square; the mixed terms have mean zero.) **Bias** is
# what all data sets get wrong alike. **Variance** is what each gets wrong in its own way. The noise is nobody's fault
# and stays (Geman, Bienenstock and Doursat 1992).
#
# A network starts near zero: the same function for every data set, so all bias and no variance. Learning replaces one
# by the other, and the sum has a minimum on the way.
#
# **Experiment.** The same sixty data sets, three optimisers; then without noise, and with ten times the examples.

# %% claims=["S3-05", "S3-06", "S3-07"]
others = {
    "descent": sixty(heavy_ball, steps=1000, lr=0.02, beta=0.0),
    "heavy ball": sixty(heavy_ball, lr=0.02, beta=0.9, steps=600),
}
totals = {"Adam": total[0], **{name: sum(bias_and_variance(fits)) for name, (_, fits) in others.items()}}
of_exact = bias_and_variance(sixty(adam, noise=0.0, sets=10, lr=0.003)[1])
of_plenty = bias_and_variance(sixty(adam, count=250, sets=10, steps=600, lr=0.003)[1])

# %%
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

# %% [markdown]
# **Evidence.** Three times sixty data sets.

# %% claims=["S3-03", "S3-04", "S3-05", "S3-06", "S3-07"]
squared = np.array([np.square(fits - truth).mean(axis=(1, 2)) for _, fits in many])
early, end = (np.array([[part[k] for part in pair] for pair in parts]) for k in (0, -1))
lowest = {name: (y.min(), 10 * y.argmin()) for name, y in totals.items()}
floors, when = np.array(list(lowest.values())).T
later, floors = losses[:, -1] / losses[:, best[0]], floors / floors.mean()
exact, plenty = sum(of_exact), of_plenty[1][-1] / parts[0][1][60]
table(
    claim("S3-04", "error against the truth / (bias² + variance)", squared / total, predicted=1, within=1e-9),
    claim("S3-05", "step 0: bias² over variance", early[:, 0] / early[:, 1], at_least=20),
    claim("S3-05", "step 1,500: variance over bias²", end[:, 1] / end[:, 0], at_least=20),
    claim("S3-06", "step at which the sum is smallest", steps[best], at_least=100, at_most=400),
    claim("S3-06", "the sum at step 1,500, over its minimum", total[:, -1] / total.min(axis=1), at_least=1.7),
    claim("S3-03", "last training loss over that at the minimum", later, at_most=0.85),
    claim("S3-06", "training loss at the minimum, over σ² = 0.16", losses[:, best[0]] / 0.16, at_most=1),
    claim("S3-07", "smallest sums over their mean", floors, predicted=1, within=0.1),
    claim("S3-07", "its step, slowest over fastest", max(when) / min(when), at_least=3),
    claim("", "no noise: last sum over its minimum", exact[-1] / exact.min(), at_most=1.5),
    claim("", "variance at step 600, 250 examples over 25", plenty, at_most=0.2),
)

# %% [markdown] claims=["S3-03", "S3-05", "S3-06", "S3-07"]
# The training loss never stops falling. From the minimum on, what it still gains is the noise of that one data set:
# it is already below σ² = 0.16, less than the truth itself would score.
#
# **Two goals.** The three optimisers reach the same smallest sum within 10 %, at step 70, 180 and 340. The optimiser
# sets how fast you walk along this curve. The data, the network and the place where you stop set how low it goes. So
# the two questions can be kept apart: first find an optimiser that brings the *training* loss down fast, and then
# decide how far down you want to go. And a faster optimiser over-fits sooner.
#
# (The small rise of bias² at the end is none: the mean of sixty networks has a variance of its own, a sixtieth of the
# other.)
#
# **What is not so.** "Training too long harms" is not a law: without noise the sum falls and stays within a few per
# cent of its minimum. And bias is not the share of the network, variance not that of the training: here the *same*
# network goes from all bias to all variance, and ten times the examples cut the variance of the same training to less
# than a tenth. Both belong to the whole of network, training and data.
#
# **Caveat.** You can compute these two curves only where you know the truth and can draw sixty data sets. With one
# data set you have a validation loss, which is one noisy look at the sum; section 3 says how to stop by it.

# %% [markdown] claims=["S1-14", "S1-15"]
# ## 2. Are too many parameters the trouble?
#
# **Question.** "Over-fitting comes from too many parameters." So says S1, and so it is often taught. 100 digits, 64
# pixels each: then a network with 19,210 weights must be far worse than one with 610.
#
# **Predict.** (a) A linear fit on P random features of 100 digits. With P = 100 it can fit every digit exactly. Is
# the error on new digits at P = 100 lower or higher than at 40? And at P = 1,600? (b) Networks of 8, 64 and 256
# hidden units, all trained to no error on their 100 digits: which reads new digits best? (c) And one of four hidden
# layers, against one of one?
#
# **Theory.** Least squares with features $\Phi$ (N, P) and the pseudo-inverse finds the weights of smallest length
# among all that fit best. Their length is at most $\lVert y \rVert / s_{\min}$, with $s_{\min}$ the smallest singular
# value of $\Phi$. A random matrix has $s_{\min} \approx \lvert \sqrt P - \sqrt N \rvert$ (in units of a feature's
# size): a **square** one, P = N, is nearly singular. There is exactly one exact fit there, and it is a wild one. With
# P > N there are infinitely many, and the shortest is tamer the more there are to choose from. So the trouble should
# sit at P = N, where the parameters are *just enough*.
#
# **Experiment.** Random features $\max(0, Ax)$ with A drawn once; then networks, all weights trained, three draws of
# 100 digits each.


# %% claims=["S1-14"]
full = data.digits()


def shuffled(seed, count=100):  # all digits in a new order; the first `count`, for training, centre them
    order = np.random.default_rng(seed).permutation(len(full.inputs))
    pixels = full.inputs[order]
    first = pixels[:count]
    return (pixels - first.mean(axis=0)) / first.std(axis=0).mean(), full.labels[order]


def random_features(P, seed):  # test error, length of the weights
    x, labels = shuffled(seed)
    features = np.maximum(x @ np.random.default_rng(P).normal(size=(64, P)), 0) / np.sqrt(P)
    w = np.linalg.pinv(features[:100]) @ np.eye(10)[labels[:100]]
    return np.mean((features[100:] @ w).argmax(axis=1) != labels[100:]), np.linalg.norm(w)


counts = np.array([10, 20, 40, 60, 80, 90, 100, 110, 125, 160, 200, 400, 800, 1600])
linear_fits = np.array([[random_features(P, seed) for P in counts] for seed in range(3)])
errors, lengths = linear_fits[..., 0], linear_fits[..., 1]


# %% claims=["S1-14", "S1-15"]
def entropies(outputs, labels):  # of each network its mean over rows, added up
    return entropy(outputs.flatten(0, 1), labels.flatten(), reduction="sum") / labels.shape[1]


def errors_of(widths, count=100, draws=3, steps=300):  # training and test error, for each draw of the digits
    net = networks.MLP(widths, "relu")
    rows = zip(*(shuffled(k, count) for k in range(draws)), strict=True)
    x, labels = (torch.tensor(np.stack(part)) for part in rows)
    surface = side_by_side(net, entropies, x[:, :count], labels[:, :count])
    start = np.concatenate([net.initial(k, scale=np.sqrt(2)) for k in range(draws)])
    w = run(adam, surface, start, steps, every=steps, lr=0.003).path[-1]
    wrong = net.forward(torch.tensor(w).view(draws, -1), x).argmax(dim=2) != labels
    return np.stack([part.double().mean(dim=1) for part in (wrong[:, :count], wrong[:, count:])])


units = np.array([4, 8, 16, 64, 256])
wide = np.array([errors_of((64, h, 10)) for h in units])  # (5, 2, 3)
depths, sizes = (1, 2, 4), (50, 100, 400)
deep = np.array([[errors_of((64, *[32] * depth, 10), count) for depth in depths] for count in sizes])
gaps = deep[:, :, 1] - deep[:, :, 0]  # (sizes, depths, draws)

# %%
plots.show(
    plots.lines(
        *(Curve(counts, 100 * row, colour=k) for k, row in enumerate(errors)),
        Curve([100, 100], [0, 90], theory=True, colour=3),
        xlabel="random features P",
        ylabel="test error, %",
        title="linear fit, N = 100",
        logx=True,
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
    alt="Left: the test error falls to 25 per cent at 60 features, shoots up to 80 at exactly 100 and falls to 10 beyond. Middle: "
    "the test error of networks falls with their size. Right: gaps rise a little with depth and fall steeply with examples.",
)

# %% [markdown]
# **Evidence.**

# %% claims=["S1-14", "S1-15"]
at = {P: k for k, P in enumerate(counts)}
beyond, longer = errors[:, -1] / errors[:, : at[100]].min(axis=1), lengths[:, at[100]] / lengths[:, -1]
gap = wide[:, 1] - wide[:, 0]
more_depth, fewer_digits = gaps[:, 2] - gaps[:, 0], gaps[0] - gaps[2]
table(
    claim("S1-14", "test error at P = 100 = N", errors[:, at[100]], at_least=0.6),
    claim("S1-14", "P = 1,600 over the best with P < 100", beyond, at_most=0.6),
    claim("", "length of the weights, P = 100 over 1,600", longer, at_least=10),
    claim("S1-14", "training error of networks of 610 to 19,210 weights", wide[1:, 0], at_most=0.03),
    claim("S1-14", "their gap, 8 units", gap[1], at_least=0.15),
    claim("S1-14", "their gap, 256 units over 8", gap[4] / gap[1], at_most=0.8),
    claim("S1-15", "gap of 4 layers less that of 1, N = 50", more_depth[0], at_least=0.02),
    claim("S1-15", "the same, N = 400", more_depth[2], at_least=-0.02, at_most=0.07),
    claim("S1-14", "gap at N = 50 less gap at N = 400, all depths", fewer_digits, at_least=0.1),
)

# %% [markdown] claims=["S1-14", "S1-15"]
# The gap between training and new digits is real: 23 points at 8 hidden units. But it does not grow with the number
# of parameters. It *shrinks*, to 12 points at 256 units, with 192 weights for every digit. The one bad place of the
# linear fit is where parameters and examples are equal in number; beyond it the error falls again, below anything on
# the left. Belkin and others (2019) call this **double descent**.
#
# So "too many parameters" is the wrong diagnosis. Over-fitting is a *gap*: between what was seen and what comes. It
# is measured, not counted. What closes it is more data (from N = 50 to 400 it falls to a quarter), or a rule that
# prefers the tame among the exact fits. The pseudo-inverse is such a rule, a gradient descent from small weights is
# one, and the rest of this lecture adds three more.
#
# **Deeper networks, fewer examples.** At this size depth does cost: 4 layers have 7 to 13 points more gap than one
# with 50 digits, and 1 to 4 with 400. Note that four layers of 32 have fewer weights than one of 256.
#
# **Caveat.** Clean labels, and exact fits. With wrong labels the hump at P = N grows and the way down behind it is
# longer. And a penalty chosen well removes the hump altogether (Nakkiran and others 2021).

# %% [markdown] claims=["S1-16"]
# ## 3. Is stopping early a penalty?
#
# **Question.** Three ways to keep one network from its worst: stop early; add $\tfrac{\alpha}{2}\lVert w\rVert^2$
# (L2, *ridge*, in networks: weight decay); add $\alpha\lVert w\rVert_1$ (L1). "Early stopping is the same as L2",
# says a textbook. How much the same?
#
# **Predict.** (a) On a bowl with curvatures λ, T steps of gradient descent have covered some share of the way along
# each direction; ridge covers another share. Which α belongs to T? (b) How far apart can the two shares be: 0.01, 0.1
# or 0.5? (c) L1 by gradient steps on 650 weights: how many are exactly 0 after 2,000 steps?
#
# **Theory.** Along the direction of curvature λ, from $w = 0$ and with the least-squares solution at $w^\star$:
#
# $$\text{T steps: } w = \big[1 - (1-\eta\lambda)^T\big]\, w^\star, \qquad
# \text{ridge: } w = \frac{\lambda}{\lambda + \alpha}\, w^\star .$$
#
# Two **filters**: both let steep directions through and hold flat ones back. For small λ they are $\eta T \lambda$
# and $\lambda/\alpha$, so $\alpha = 1/(\eta T)$ belongs together there (Bishop 1995). In between, with
# $s = \eta T\lambda$, they are $1 - e^{-s}$ and $s/(s+1)$: the first is steeper. The largest difference is 0.2036, at
# $s = 2.51$. If you choose α to make the largest difference smallest, you get $\alpha = 0.53/(\eta T)$ and 0.102.
#
# **L1** is of another kind. Minimise $\tfrac12 (u - w)^2 + t\lvert u\rvert$: entries nearer to 0 than $t$ become 0,
# all others move by $t$. That map is the *soft threshold*; applied after each gradient step on the data it is
# **proximal gradient descent**. At the minimum a weight is 0 wherever the gradient of the data's loss is smaller than
# α, however many of them there are. A gradient step on $\alpha\lvert w\rvert$ itself never finds a 0: it moves by
# $\eta\alpha$ to one side or to the other.
#
# **Experiment.** First the filters, and the sine of section 1 once more: sixty data sets, 50 random tanh features,
# linear weights, so that every training time and every penalty has a formula.


# %% claims=["S1-16"]
def stopped(curvature, time):  # time = ηT, in the limit of small η
    return -np.expm1(-time * curvature)


def ridge(curvature, time):  # the penalty that belongs to it
    return curvature / (curvature + 1 / time)


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


times = np.logspace(0, 6, 61)
curves = {}
for kind in (stopped, ridge):
    for seed in range(3):
        spectrum = spectral(seed=seed)
        fits = np.stack([fits_of(spectrum, kind(spectrum[0], time)) for time in times])
        curves[kind.__name__, seed] = sum(bias_and_variance(fits))

s = np.logspace(-2, 2, 4001)
factors = np.linspace(0.3, 1.2, 901)
gap_of = [np.abs(stopped(s, 1.0) - s / (s + c)).max() for c in factors]
lam, lengths_of_run = np.logspace(-4, 1, 2000), (30, 300, 3000)
discrete = [np.abs(1 - (1 - 0.1 * lam) ** T - ridge(lam, 0.1 * T)).max() for T in lengths_of_run]

# %%
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
    alt="Left: two S-shaped curves from 0 to 1, that of the T steps steeper, one fifth apart at most. Right: two U-shaped curves of the "
    "error with minima at nearly the same height, that of ridge a little further to the right.",
)

# %% [markdown] claims=["S1-16"]
# Now L1: a linear reader of 200 digits, 650 weights, cross-entropy plus 0.005 times the sum of all |w|. Three ways to
# the same minimum.


# %% claims=["S1-16"]
digits = data.digits(200)
linear = networks.MLP((64, 10))
reader = networks.training_loss(linear, digits.inputs - digits.inputs.mean(axis=0), digits.labels, entropy)
alpha, origin = 0.005, linear.initial(0, scale=0.1)


def subgradient(grad, w, lr):
    while True:
        w = w - lr * (grad(w) + alpha * np.sign(w))
        yield w


def proximal(grad, w, lr):
    while True:
        w = w - lr * grad(w)
        w = w - np.clip(w, -lr * alpha, lr * alpha)  # what sticks out of the box: the soft threshold
        yield w


class WithL1:
    def value(self, w):
        return reader.value(w) + alpha * np.abs(w).sum(axis=-1)

    def grad(self, w):
        return reader.grad(w) + alpha * np.sign(w)


ways = {
    "proximal": run(proximal, reader, origin, 2000, every=20, lr=4.0),
    "subgradient": run(subgradient, reader, origin, 2000, every=20, lr=4.0),
    "Adam": run(adam, WithL1(), origin, 2000, every=20, lr=0.01),
}
zeros = {name: (trace.path == 0).sum(axis=1) for name, trace in ways.items()}
finals = {name: WithL1().value(trace.path[-1]) for name, trace in ways.items()}
solution = ways["proximal"].path[-1]
slopes = np.abs(reader.grad(solution))

# %%
u = np.linspace(-3, 3, 121)
plots.show(
    plots.lines(
        Curve(u, u / 2, "L2, α = 1"),
        Curve(u, u - np.clip(u, -1, 1), "L1, t = 1"),
        Curve(u, u, theory=True, colour=3),
        xlabel="weight without penalty",
        ylabel="weight with penalty",
        title="two ways to shrink",
    ),
    plots.lines(
        *(
            Curve(np.arange(650), np.maximum(np.sort(np.abs(t.path[-1]))[::-1], 1e-7), name)
            for name, t in ways.items()
        ),
        xlabel="weights, the largest first",
        ylabel="|w|, at least 10⁻⁷",
        title="the same penalty, three ways",
        logy=True,
        ylim=(5e-8, 10),
    ),
    alt="Left: the L2 line is flatter than the diagonal, the L1 line runs parallel to it and is zero between -1 and 1. Right: sorted "
    "weights; those of the proximal way drop to the floor after an eighth, those of the two others stay above it.",
)

# %% [markdown]
# **Evidence.**

# %% claims=["S1-16"]
lows = {key: curve.min() for key, curve in curves.items()}
apart = [lows["ridge", seed] / lows["stopped", seed] for seed in range(3)]
between = np.abs(stopped(s, 1.0) - ridge(s, 1.0))
widest, widest_at, best_factor = between.max(), s[between.argmax()], factors[np.argmin(gap_of)]
inside, outside = slopes[solution == 0] / alpha, slopes[solution != 0] / alpha
none = [zeros[name][-1] for name in ("subgradient", "Adam")]
over = [finals[name] / finals["proximal"] for name in ("subgradient", "Adam")]
saved = [curves[key][-1] / low for key, low in lows.items()]
table(
    claim("P11", "largest gap of the filters, α = 1/(ηT)", widest, predicted=0.2036, within=0.001),
    claim("P11", "s = ηTλ at which it is largest", widest_at, predicted=2.513, within=0.01),
    claim("P11", "the gap for η = 0.1 and T = 30, 300, 3,000", discrete, predicted=0.2036, within=0.05),
    claim("P11", "α with the smallest gap, times ηT", best_factor, predicted=0.53, within=0.02),
    claim("P11", "that gap", np.min(gap_of), predicted=0.102, within=0.01),
    claim("S1-16", "best error, ridge over T steps, three times 60 sets", apart, predicted=1, within=0.05),
    claim("S1-16", "error at ηT = 1/α = 10⁶ over the best, both ways", saved, at_least=3),
    claim("S1-16", "L1: weights that are exactly 0, proximal", zeros["proximal"][-1], at_least=450),
    claim("S1-16", "the same, subgradient and Adam", none, at_most=0),
    claim("", "their loss with penalty over the proximal one", over, at_least=1.0, at_most=1.05),
    claim("", "where w = 0: slope of the data over α", inside, at_most=1 + 1e-6),
    claim("", "where w ≠ 0: the same", outside, predicted=1, within=0.02),
)

# %% [markdown] claims=["S1-16"]
# So "early stopping is L2" is right about the *idea*, a filter that holds flat directions back, right about the best
# error to a few per cent, and wrong about the *filter*, by up to a fifth of the way. You may choose by convenience.
# Stopping is free: you walk past all penalties in one run. A penalty does not depend on the optimiser, and lets the
# run end.
#
# L1 gives exact zeros, 570 of 650, to whoever takes the proximal step. The other two come within 3 % of the same loss
# and have not one.
#
# **How to stop.** In practice nobody knows the sum of section 1. You keep some examples back and look at their loss
# after every epoch. The usual rule has a **patience**: an epoch *improves* if its validation loss is below the best
# one so far (by more than a `min_delta`); when `patience` epochs in a row have not improved, stop, and go back to the
# best one. Ties are no improvement, an improvement sets the waiting back to zero, and what you go back to is not the
# epoch at which you stopped.
#
# **Caveat.** The filters are exact for quadratics and a start at 0. The validation examples have been used to choose:
# the loss that you report must come from a third set.

# %% [markdown] claims=["S1-18", "S1-19"]
# ## 4. What does dropout average?
#
# **Question.** In every step a coin is flipped for every unit, and half of the units are gone, with all their edges.
# In the next step others are gone. Such a network reads digits at all only because no unit can rely on any other.
# What is being minimised there?
#
# **Predict.** (a) A linear fit with dropout on its inputs (p = 1/2): where does it end, at the least-squares
# solution? (b) A network with ten hidden units has 1,024 sub-networks. Is the whole network their mean? (c) A unit is
# dropped in this step. Which of plain SGD, momentum, Adam and weight decay move its weights all the same?
#
# **Theory.** *Inverted* dropout multiplies every entry by an independent factor $r$, which is 0 with probability $p$
# and $1/(1-p)$ otherwise. ($p$ is the probability of *dropping*, as in PyTorch; in the paper of 2014 it is that of
# keeping.) Then
#
# $$\mathbb{E}\, r = 1, \qquad \operatorname{Var} r = \frac{p}{1-p} .$$
#
# The mean is that of the network without dropout, so at test time nothing is left to do. (The paper does not scale in
# training and multiplies by $1-p$ at test time. A text that does neither feeds the next layer sums that are $1/(1-p)$
# times too large.) Three things follow.
#
# - **On the inputs of a linear fit** the expected loss is
#   $\lVert y - Xw \rVert^2 + \frac{p}{1-p} \sum_j (X^\top X)_{jj}\, w_j^2$: the variance of the noise that dropout
#   makes. A ridge penalty, with its own weight for every input.
# - **Sub-networks.** Let factors $r \in \{0, 2\}^H$ ($p = \frac12$) act on the last hidden layer, so that the logits
#   $z(r) = V(r \circ h) + c$ are linear in $r$. Their mean over all $2^H$ is $Vh + c$, the logits of the whole
#   network, as it is used at test time. The mean of logits is the logarithm of the *geometric* mean of the softmax
#   outputs, up to the constant that normalises it. So the whole network is exactly the normalised geometric mean of
#   its $2^H$ sub-networks; it is not their arithmetic mean; and with a second layer of masks nothing is exact.
# - **A dropped unit** gets the gradient 0. Whether its weights stand still is up to the optimiser: with $g = 0$ the
#   heavy ball moves by $\beta m$, Adam by $\eta\,\hat m/\sqrt{\hat v}$, weight decay by $-\eta\lambda w$.
#
# **Experiment.** First the linear fit: two inputs of different size, dropout in every step, and a rate that falls.


# %% claims=["S1-18"]
def factors_of(rng, shape, p):  # 0 or 1/(1 - p)
    return (rng.random(shape) >= p) / (1 - p)


class Holes:  # half the mean squared error of a linear fit; its gradient has dropout on the inputs
    def __init__(self, x, y, p, seed=0):
        self.x, self.y, self.p, self.rng = x, y, p, np.random.default_rng(seed)

    def value(self, w):
        return 0.5 * np.square(w @ self.x.T - self.y).mean(axis=-1)

    def grad(self, w):
        z = self.x * factors_of(self.rng, self.x.shape, self.p)
        return z.T @ (z @ w - self.y) / len(z)


def falling(grad, w, lr):
    for t in itertools.count():
        w = w - lr / (1 + t / 1000) * grad(w)
        yield w


def closed_form(x, y, p):  # least squares with dropout's penalty
    return np.linalg.solve(x.T @ x + p / (1 - p) * np.diag(np.square(x).sum(axis=0)), x.T @ y)


rng = np.random.default_rng(3)
x = rng.normal(size=(60, 2)) @ np.array([[1.0, 0.6], [0.0, 0.5]])
y = x @ [2.0, 1.5] + 0.3 * rng.normal(size=60)
paths = [run(falling, Holes(x, y, p), [0.0, 0.0], 3000, lr=0.3) for p in (0.0, 0.5)]
target = closed_form(x, y, 0.5)

off, plain = [], []
for seed, p in itertools.product(range(2), (0.2, 0.5, 0.8)):
    rng = np.random.default_rng(seed)
    wide_x = rng.normal(size=(60, 8)) * np.linspace(0.5, 2, 8)
    wide_y = wide_x @ rng.normal(size=8) + 0.5 * rng.normal(size=60)
    trace = run(falling, Holes(wide_x, wide_y, p, seed), np.zeros(8), 20_000, lr=0.1)
    wanted, least = closed_form(wide_x, wide_y, p), closed_form(wide_x, wide_y, 0.0)
    off.append(np.linalg.norm(trace.path[10_000:].mean(axis=0) - wanted) / np.linalg.norm(wanted))
    plain.append(np.linalg.norm(least - wanted) / np.linalg.norm(wanted))

samples = factors_of(np.random.default_rng(0), (4, 400_000), 0.3)

# %% [markdown]
# Next the sub-networks. A network 64-10-10 learns 400 digits with dropout on its hidden layer; then all 1,024 masks
# read 500 new digits. Beside it a network 64-5-5-10 with masks on both layers, 1,024 again.


# %% claims=["S1-18"]
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
        loss = entropy(masked(self.net, theta, self.x[: self.count], masks), self.y[: self.count])
        return torch.autograd.grad(loss, theta)[0].numpy()

    def value(self, w):  # of the whole network
        outputs = self.net.forward(torch.tensor(w), self.x[: self.count])
        return entropy(outputs, self.y[: self.count]).item()


def sub_networks(widths, seed):
    """Softmax outputs of all 1,024 sub-networks (1024, 500, 10) and of the whole network, and the labels."""
    net, at = networks.MLP(widths, "relu"), slice(400, 900)
    surface = Dropout(net, 400, seed=seed)
    theta = torch.tensor(run(adam, surface, net.initial(seed, scale=1.4), 600, every=600, lr=0.01).path[-1])
    masks = torch.tensor(list(itertools.product([0.0, 2.0], repeat=10)), dtype=torch.float64)
    every = [torch.softmax(masked(net, theta, surface.x[at], mask), dim=1) for mask in masks]
    whole = torch.softmax(net.forward(theta, surface.x[at]), dim=1)
    return torch.stack(every).numpy(), whole.numpy(), surface.y[at].numpy()


shapes = itertools.product([(64, 10, 10), (64, 5, 5, 10)], range(2))
sub = {(widths, seed): sub_networks(widths, seed) for widths, seed in shapes}
arithmetic = {key: every.mean(axis=0) for key, (every, _, _) in sub.items()}
geometric = {key: np.exp(np.log(every).mean(axis=0)) for key, (every, _, _) in sub.items()}
geometric = {key: mean / mean.sum(axis=1, keepdims=True) for key, mean in geometric.items()}


def right(outputs, labels):
    return (outputs.argmax(axis=-1) == labels).mean(axis=-1)


# %% [markdown] claims=["S1-19"]
# Last the dropped unit, in PyTorch. Its 75 weights (64 in, 1 bias, 10 out) train for 50 steps with dropout; then the
# unit stays dropped for 30 steps, while the others go on. How far do its weights get from where they were, relative
# to their length?


# %% claims=["S1-19"]
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
        entropy(masked(net, theta, surface.x[:400], masks), surface.y[:400]).backward()
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
    "weight decay 0.1": drift(torch.optim.SGD, lr=0.01, weight_decay=0.1),
    "momentum 0.9": drift(torch.optim.SGD, lr=0.01, momentum=0.9),
    "Adam": drift(torch.optim.Adam, lr=0.01),
}


# %%
def to_ridge(ax):
    grid_1, grid_2 = np.meshgrid(np.linspace(-0.2, 2.8, 80), np.linspace(-0.2, 2.8, 80))
    loss = Holes(x, y, 0.0).value(np.stack([grid_1, grid_2], axis=-1))
    ax.contour(
        grid_1,
        grid_2,
        loss,
        levels=np.quantile(loss, [0.02, 0.1, 0.3, 0.6]),
        colors=plots.CONTOUR,
        linewidths=0.8,
    )
    for k, (trace, name) in enumerate(zip(paths, ("p = 0", "p = 0.5"), strict=True)):
        ax.plot(
            *trace.path[np.r_[0:40, 40:3000:20]].T,
            color=plots.COLOURS[k],
            marker=plots.MARKERS[k],
            markersize=2.5,
            linewidth=0.6,
            label=name,
        )
    ax.plot(*target, color="black", marker="*", markersize=11, linestyle="none", label="ridge")
    ax.set(xlabel="$w_1$", ylabel="$w_2$", title="a linear fit")
    ax.legend(loc="lower right")


def crowd(ax):
    every, whole, labels = sub[(64, 10, 10), 0]
    ax.hist(100 * right(every, labels), bins=np.arange(5, 100, 5), color=plots.CONTOUR, edgecolor="white")
    ax.axvline(100 * right(whole, labels), color=plots.COLOURS[0], label="whole network")
    ax.axvline(
        100 * right(arithmetic[(64, 10, 10), 0], labels),
        color=plots.COLOURS[1],
        linestyle="--",
        label="mean of all",
    )
    ax.set(xlabel="right, % of 500 new digits", ylabel="sub-networks", title="1,024 sub-networks")
    ax.legend(loc="upper left")


moved = np.arange(31)
plots.show(
    to_ridge,
    crowd,
    alt="Left: the path without dropout ends in the middle of the contours, the one with dropout trembles around a star far from "
    "it. Right: sub-networks read from 10 to 85 per cent of the digits, most around 70; the whole network and the mean read 88.",
)
plots.show(
    plots.lines(
        *(
            Curve(moved, 100 * measured, name, colour=k)
            for k, (name, (measured, _)) in enumerate(drifts.items())
        ),
        *(Curve(moved, 100 * expected, theory=True, colour=3) for _, expected in drifts.values()),
        xlabel="steps since the unit was dropped",
        ylabel="its weights have moved, %",
        title="dashed: from the memory alone",
    ),
    height=2.4,
    alt="The weights of a dropped unit move by a tenth of their length under Adam and by three hundredths under momentum and weight decay "
    "within 30 steps, on the predicted lines, and not at all under plain SGD.",
)

# %% [markdown]
# **Evidence.**

# %% claims=["S1-18", "S1-19"]
one, two = ([key for key in sub if len(key[0]) == length] for length in (3, 4))
exactly = [np.abs(geometric[key] - sub[key][1]).max() for key in one]
only_about = [np.abs(geometric[key] - sub[key][1]).max() for key in two]
differs = [np.abs(arithmetic[key] - sub[key][1]).max() for key in one]
lead = [right(sub[key][1], sub[key][2]) - np.median(right(sub[key][0], sub[key][2])) for key in one]
over_best = [right(sub[key][1], sub[key][2]) - right(sub[key][0], sub[key][2]).max() for key in one]
moving = [drifts[name] for name in drifts if name != "SGD"]
one_step, ratios = [way[1] for way, _ in moving], [way[1:] / expected[1:] for way, expected in moving]
behind = [right(arithmetic[key], sub[key][2]) - right(sub[key][1], sub[key][2]) for key in one]
table(
    claim("P10", "mean of the factor r, p = 0.3", samples.mean(axis=1), predicted=1, within=0.005),
    claim("P10", "its variance", samples.var(axis=1), predicted=0.3 / 0.7, within=0.01),
    claim("P10", "dropout from ridge, 8 inputs, p = 0.2, 0.5, 0.8", off, at_most=0.03),
    claim("P10", "least squares from it", plain, at_least=0.15),
    claim("S1-18", "one layer: geometric mean less whole network", exactly, at_most=1e-10),
    claim("S1-18", "the same, arithmetic mean", differs, at_least=0.2),
    claim("", "two layers: geometric mean less whole network", only_about, at_least=0.02),
    claim("S1-18", "accuracy, whole network less median sub-network", lead, at_least=0.15),
    claim("S1-18", "accuracy, whole network less best sub-network", over_best, at_least=-0.01),
    claim("", "accuracy, arithmetic mean less whole network", behind, at_least=-0.03, at_most=0.04),
    claim("S1-19", "dropped unit, SGD: way in 30 steps", drifts["SGD"][0], at_most=0),
    claim("S1-19", "the same in ONE step, others", one_step, at_least=0.0005),
    claim("S1-19", "way over prediction, all steps, others", ratios, predicted=1, within=1e-9),
)

# %% [markdown] claims=["S1-18", "S1-19"]
# The linear fit with dropout trembles around the ridge solution; the mean of the later half hits it within 1 %, where
# least squares is 20 to 390 % away. Dropout *is* a penalty there, one that knows the size of every input.
#
# The sub-networks: half of them read fewer than 65 % of the new digits. The whole network, which no step of the
# training has used, reads 87 to 90 %: more than any of the 1,024, and as many as their arithmetic mean, for a
# thousandth of the work. It is their geometric mean to the last digit. With two layers of masks it is not, by up to
# 0.4 in one probability; "the mean of $2^n$ networks" is a picture there, no identity. And the sub-networks share all
# their weights: they are not trained apart.
#
# **"The weights of dropped units are not updated in this iteration."** Their *gradient* is 0. Under plain SGD they
# stand still. Under Adam they go on by 1 % of their length in the first step, under momentum by 0.3 %, under weight
# decay by 0.1 %, each as predicted from the memory alone. Also, in a batch every example drops other units: the sum
# of gradients leaves hardly any unit out.
#
# **Caveat.** The ridge identity is exact for squared error and inputs of a linear fit. For networks it is a first
# approximation (Wager, Wang and Liang 2013).

# %% [markdown] claims=["S1-17", "S1-18"]
# ## 5. What helps with 100 digits?
#
# **Question.** Five draws of 100 training digits, 100 for validation, the other 1,597 for the test. Networks of 32
# hidden units, four starts for each draw. Which of all this is worth its trouble?
#
# **Predict.** Order these by their loss on new digits: nothing at all; early stopping; L2; L1; dropout of hidden
# units; dropout of pixels; the mean of four networks. Is any of them *worse* than nothing?
#
# **Theory.** The loss is the negative log-likelihood (NLL) of the right class, in nats. It sees confidence, where
# accuracy only counts. For $K$ members with outputs $p_k$, average the logits: the ensemble's output is the
# normalised geometric mean. Its NLL is, for every example,
#
# $$\text{NLL}_{\text{ensemble}} = \frac1K \sum_k \text{NLL}_k - A, \qquad
# A = -\ln \sum_c \prod_k p_k(c)^{1/K} \ge 0 .$$
#
# $A$ does not know the label. It is 0 if and only if all members agree, and grows with their disagreement: an
# ensemble gains exactly what its members differ by (for squared errors Krogh and Vedelsby 1995). So it pays to have
# different members, unless what makes them different makes each of them worse by more than that.
#
# **Experiment.** Twenty networks side by side for each row of the table, Adam, 600 steps. "Bagging" gives each its
# own 100 draws with replacement from its 100 digits. The recorded loss is the one on the validation digits, so that
# `argmin` along a run is early stopping.


# %% claims=["S1-16", "S1-17", "S1-18"]
DRAWS, MEMBERS, small = 5, 4, networks.MLP((64, 32, 10), "relu")
pixels, labels = (torch.tensor(np.stack(part)) for part in zip(*map(shuffled, range(DRAWS)), strict=True))
starts = np.stack([small.initial(k, scale=np.sqrt(2)) for k in range(DRAWS * MEMBERS)])
is_weight = torch.zeros(small.size, dtype=torch.float64)
for W, _ in small.layers(is_weight):
    W += 1  # biases are not penalised
TRAIN, VALID, TEST = slice(100), slice(100, 200), slice(200, None)


def of_members(part, rows):  # each draw's rows, once for each of its members
    return part[:, rows].repeat_interleave(MEMBERS, dim=0)


def nll(logits, right):  # (nets, rows, 10), (nets, rows) -> (nets,)
    each = entropy(logits.flatten(0, 1), right.flatten(), reduction="none")
    return each.view(right.shape).mean(dim=1).numpy()


def outputs(w, rows):
    return small.forward(torch.tensor(w), of_members(pixels, rows))


class Regularised:  # twenty networks: penalties on their weights, holes in pixels and hidden units
    def __init__(self, l2=0.0, l1=0.0, pixels_off=0.0, hidden_off=0.0, bagging=False):
        self.l2, self.l1, self.off, self.rng = l2, l1, (pixels_off, hidden_off), np.random.default_rng(0)
        self.x, self.y = of_members(pixels, TRAIN), of_members(labels, TRAIN)
        if bagging:
            rows = torch.tensor(self.rng.integers(0, 100, self.y.shape))
            net = torch.arange(len(rows))[:, None]
            self.x, self.y = self.x[net, rows], self.y[net, rows]

    def factors(self, p, width):
        shape = (*self.y.shape, width)
        return torch.tensor(factors_of(self.rng, shape, p) if p else np.ones((len(starts), 1, width)))

    def grad(self, w):
        theta = torch.tensor(w, requires_grad=True)
        x, masks = self.x * self.factors(self.off[0], 64), self.factors(self.off[1], 32)
        weights = is_weight * theta
        loss = (
            entropies(masked(small, theta, x, masks), self.y)
            + 0.5 * self.l2 * weights.square().sum()
            + self.l1 * weights.abs().sum()
        )
        return torch.autograd.grad(loss, theta)[0].numpy()

    def value(self, w):
        return nll(outputs(w, VALID), of_members(labels, VALID))


settings = {
    "nothing": {},
    "bagging": {"bagging": True},
    "L2": {"l2": 0.01},
    "L1": {"l1": 0.001},
    "drop hidden": {"hidden_off": 0.5},
    "drop pixels": {"pixels_off": 0.5},
    "drop pixels, L2": {"pixels_off": 0.5, "l2": 0.01},
}
results, single, accuracy = {}, {}, {}
held = of_members(labels, TEST)
for name, setting in settings.items():
    trace = run(adam, Regularised(**setting), starts, 600, every=20, lr=0.01)
    stopped_at = trace.path[trace.losses.argmin(axis=0), np.arange(len(starts))]
    results[name] = {"end": outputs(trace.path[-1], TEST), "stopped": outputs(stopped_at, TEST)}
    for when, logits in results[name].items():
        single[name, when] = nll(logits, held).reshape(DRAWS, MEMBERS)
        correct = (logits.argmax(dim=2) == held).double().mean(dim=1)
        accuracy[name, when] = correct.numpy().reshape(DRAWS, MEMBERS)
    results[name]["confidence"] = torch.softmax(results[name]["end"], dim=2).amax(dim=2).mean().item()
    results[name]["length"] = np.linalg.norm(trace.path[-1] * is_weight.numpy(), axis=1).mean()


# %% claims=["S1-18"]
def together(logits):  # NLL of each draw's ensemble, and the disagreement A of its members
    members = torch.log_softmax(logits, dim=2).view(DRAWS, MEMBERS, -1, 10).mean(dim=1)
    return nll(members, labels[:, TEST]), -torch.logsumexp(members, dim=2).mean(dim=1).numpy()


ensembles = {key: together(results[key[0]][key[1]]) for key in single}


def disagreement(logits):  # share of the test digits that two members read differently, for each draw
    read = logits.argmax(dim=2).view(DRAWS, MEMBERS, -1)
    pairs = itertools.combinations(range(MEMBERS), 2)
    return np.mean([(read[:, i] != read[:, j]).double().mean(dim=1).numpy() for i, j in pairs], axis=0)


differ = {key: disagreement(results[key[0]][key[1]]) for key in single}
gain = {key: single[key].mean(axis=1) - ensembles[key][0] for key in single}


# %%
def regularisers(ax):
    rows = [
        ("at the end", {name: single[name, "end"].mean(axis=1) for name in settings}),
        ("stopped early", {name: single[name, "stopped"].mean(axis=1) for name in settings}),
        ("four together, stopped", {name: ensembles[name, "stopped"][0] for name in settings}),
    ]
    for k, (label, values) in enumerate(rows):
        at = np.arange(len(settings)) + 0.22 * (k - 1)
        means = [each.mean() for each in values.values()]
        style = {"color": plots.COLOURS[k], "marker": plots.MARKERS[k], "linestyle": "none"}
        ax.plot(list(values.values()), at[:, None] + np.zeros(DRAWS), markersize=2.5, alpha=0.5, **style)
        ax.plot(means, at, markersize=7, label=label, **style)
    ax.set(
        xlabel="negative log-likelihood of 1,597 digits",
        yticks=range(len(settings)),
        yticklabels=list(settings),
    )
    ax.invert_yaxis()
    ax.legend(loc="lower right")


def worth(ax):
    for k, when in enumerate(("end", "stopped")):
        x, y = (np.concatenate([each[name, when] for name in settings]) for each in (differ, gain))
        ax.plot(100 * x, y, color=plots.COLOURS[k], marker=plots.MARKERS[k], linestyle="none", label=when)
    ax.set(xlabel="two members differ, % of digits", ylabel="gain of the ensemble, nats")
    ax.legend(loc="upper left")


plots.show(
    regularisers,
    worth,
    height=3.6,
    alt="Left: losses of seven settings; L2 and pixels with L2 are lowest, dropout of hidden units run to the end is highest, and an "
    "ensemble is below its members in every row. Right: the gain of an ensemble rises with the share of digits on which members differ.",
)

# %% [markdown]
# **Evidence.** Each number is a mean of four starts; "to" spans the five draws.


# %% claims=["S1-16", "S1-17", "S1-18"]
mean = {key: value.mean(axis=1) for key, value in single.items()}  # over the starts, for each draw
nothing, kept = mean["nothing", "end"], mean["nothing", "stopped"]
hidden, hidden_kept = mean["drop hidden", "end"], mean["drop hidden", "stopped"]
four, bagged = ensembles["nothing", "end"][0], ensembles["bagging", "end"][0]
extra = gain["bagging", "end"] / gain["nothing", "end"]
identity = [np.abs(gain[key] - ensembles[key][1]).max() for key in single]
ranks = [np.argsort(np.argsort(np.concatenate(list(values.values())))) for values in (gain, differ)]
scores = {key: value.mean() for key, value in accuracy.items()}
more_right = (accuracy["L2", "end"] - accuracy["nothing", "end"]).mean(axis=1)
plain_score, best_score = scores["nothing", "end"], max(scores.values())
apart = np.ptp(accuracy["nothing", "end"], axis=1).max()
sure = {name: results[name]["confidence"] - scores[name, "end"] for name in settings}
longer = results["drop hidden"]["length"] / results["nothing"]["length"]
table(
    claim("S1-16", "loss, L2 over nothing", mean["L2", "end"] / nothing, at_most=0.8),
    claim("S1-16", "loss, L1 stopped over nothing", mean["L1", "stopped"] / nothing, at_most=0.95),
    claim("S1-16", "loss, early stopping over nothing, mean", np.mean(kept / nothing), at_most=0.98),
    claim(
        "S1-18",
        "loss, pixels over nothing, both stopped",
        mean["drop pixels", "stopped"] / kept,
        at_most=0.97,
    ),
    claim(
        "S1-18",
        "loss, pixels and L2 over L2",
        mean["drop pixels, L2", "end"] / mean["L2", "end"],
        at_most=1.08,
    ),
    claim("P46", "loss, hidden units over nothing, to the end", hidden / nothing, at_least=1.2),
    claim("P46", "the same, both stopped, mean", np.mean(hidden_kept / kept), at_least=0.85, at_most=1.15),
    claim("S1-17", "loss, four networks together over one", four / nothing, at_most=0.9),
    claim("S1-18", "gain of an ensemble less A, 70 ensembles", identity, at_most=1e-9),
    claim("S1-18", "rank correlation, gain and differences", np.corrcoef(*ranks)[0, 1], at_least=0.85),
    claim("S1-17", "gain, bagging over other starts", extra, at_least=1.2),
    claim("", "loss together, bagging over other starts, mean", np.mean(bagged / four), at_least=1.0),
    claim("P46", "accuracy, L2 less nothing", more_right, at_least=0.005),
    claim("P46", "accuracy, best row less nothing", best_score - plain_score, at_least=0.01, at_most=0.05),
    claim("", "accuracy, two starts apart by up to", apart, at_least=0.02),
    claim(
        "", "accuracy, early stopping less nothing", scores["nothing", "stopped"] - plain_score, at_most=0.0
    ),
    claim("", "confidence less accuracy, hidden units", sure["drop hidden"], at_least=0.05),
    claim("", "confidence less accuracy, L2", sure["L2"], at_most=0.0),
    claim("", "length of the weights, hidden units over nothing", longer, at_least=1.1),
)

# %% [markdown] claims=["S1-16", "S1-17", "S1-18"]
# **Four results.** (1) **L2 wins alone**: it brings the loss from 0.59 to 0.36 nats and the accuracy from 87 to 90 %,
# in all five draws. With it there is nothing left for early stopping to do. (2) **Early stopping** by the loss gains
# 7 % of the loss, and *costs* 1.5 points of accuracy: a network that is stopped is less sure of itself, also where it
# is right. (3) **Dropout of pixels** helps when the run is stopped or has L2, and the pair is the best row. (4) **An
# ensemble** gains exactly what its members differ by: 24 % without regularisation, half a per cent for L2, whose
# members agree. Bagging makes the members differ most and gains most, and still ends behind: each member has seen
# only about 63 of its 100 digits.
#
# **What does not reproduce here.** Dropout of hidden units, the famous one. Run to the end it is *worse than
# nothing*, 0.97 against 0.59; stopped, it is as good as nothing, 0.55 against 0.55. The network is about as right as
# before (86 %) and far too sure: its mean confidence is 96 %. Dropout does not hold the weights back, it makes them a
# quarter longer, and cross-entropy on 100 digits that are all read right drives them up for ever. With more data, and
# together with a limit on the weights, as in Srivastava's own experiments, it earned its name.
#
# **Loss, not accuracy.** The best row reads 3 points more digits than nothing. But two networks that differ only in
# their start differ by up to 5 points. Whoever compares two single runs by accuracy here compares noise. The losses
# of the rows differ by a factor of nearly three.
#
# **Multi-model methods.** A text calls them "boosting" and "unrealistic for deep learning". What averages like
# dropout is *bagging*, not boosting: boosting trains one member after the other, each on the mistakes of those before
# it. And ensembles of five to ten networks are an everyday tool (Lakshminarayanan, Pritzel and Blundell 2017); the
# four here trained side by side in one run.
#
# **Caveat.** One data set, one architecture, strengths of the penalties chosen on these digits beforehand. And 100
# digits for validation are as many as for training: with so little data you would put them into the training set,
# which is worth more than any row of this table (section 2).

# %% [markdown]
# ## Touch it
#
# The linear fit of section 3: 40 data sets, their mean and the sine, after a training time that you choose. Below are
# three settings, all trained far too long (ηT = 10⁶); in JupyterLab and on Colab you also get three sliders. Find the
# time with the smallest sum for 25 examples; how far it moves when you have 100; and what is left of the minimum when
# the noise is 0.


# %%
def look(time, examples, noise):
    spectrum = spectral(count=int(examples), noise=noise, sets=40)
    fits = fits_of(spectrum, stopped(spectrum[0], 10**time))
    bias, variance = bias_and_variance(fits[None])
    title = f"{examples:g} examples, noise {noise:g}\nbias² {bias[0]:.3f}, var. {variance[0]:.3f}"
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

# %% [markdown] claims=["S1-14", "S1-16", "S1-17", "S1-18", "S1-19", "S3-03", "S3-04", "S3-06"]
# ## What the sources say, and what is exact
#
# | who | says | exact |
# |---|---|---|
# | S1 | over-fitting: too many parameters | it is a **gap** between seen and new data. It shrank from 23 to 12 points while the parameters grew thirtyfold; the bad place is P = N (section 2) |
# | S1 | the weights of dropped nodes are not updated in this iteration | their gradient is 0. Exact for plain SGD; in one step momentum moves them by 0.3 %, Adam by 1 %, weight decay by 0.1 % of their length (section 4) |
# | S1 | describes dropout in training and says nothing of the test | one of the two must be **scaled**: kept units by $1/(1-p)$ in training, or outputs by $1-p$ at test time (section 4) |
# | S1 | several models means boosting, unrealistic in deep learning | dropout's relative is **bagging**: members side by side, then a mean. Boosting is sequential. Ensembles are common; four networks bring the loss from 0.59 to 0.45 (section 5) |
# | S1 | dropout combines one model and many | the whole network is exactly the *geometric* mean of its sub-networks for one layer of masks, and for no more (section 4) |
# | S1 | misprints: 位置数据 (data of position), 有点 (a little) | 未知数据 (unknown data), 优点 (advantage) |
# | S3 | a model that learns too well generalises badly | over-training *can* harm: it learns the noise. Without noise the error only falls (section 1) |
# | S3 | bias comes from the choice of capacity, variance from the training | both belong to network, training **and** data together: one network went from all bias to all variance, and ten times the examples cut the variance to a tenth (section 1) |
# | often heard | early stopping is L2 | two filters, up to 0.20 apart at $\alpha = 1/(\eta T)$ and 0.10 at best; equally good to 5 % (section 3) |
# | often heard | L1 makes weights zero | the *minimum* has zeros; gradient steps, Adam included, never arrive at one of them (section 3) |

# %% [markdown]
# ## Summary
#
# 1. The error on new data is noise + bias² + variance; training trades bias for variance, and the sum has a minimum
#    on the way.
# 2. Minimising fast and generalising well are two questions: three optimisers have the same minimum at different
#    steps.
# 3. Over-fitting is a gap, not a number of parameters; just as many parameters as examples is the worst number.
# 4. Early stopping and ridge are two filters of nearly equal worth; L1 is of another kind and needs the proximal
#    step.
# 5. Dropout is noise of mean 1 and variance $p/(1-p)$: a ridge penalty on inputs, a geometric mean of sub-networks in
#    one hidden layer, and no promise about the optimiser's memory; what it is worth has to be measured, by the loss
#    and over several draws.

# %% [markdown]
# ## Quick questions
#
# **1.** Your validation loss rises while your training loss falls. Which of bias and variance is growing, and name
# two things that would help.
# <details><summary>Answer</summary>
#
# Variance. More data; stopping at the minimum; an L2 penalty; an ensemble. A smaller network is one more, and often
# not the best.
#
# </details>
#
# **2.** A run with η = 0.01 was stopped after 500 steps. Which ridge penalty does about the same, and how different
# are the shares of a direction with λ = 0.5?
# <details><summary>Answer</summary>
#
# α = 1/(ηT) = 0.2. There s = ηTλ = 2.5: stopping has covered 1 − e^(−2.5) = 0.92 of the way, ridge 2.5/3.5 = 0.71.
# This is the largest difference there is.
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
# **4.** A network is trained with dropout and Adam. In this step a unit is dropped for the whole batch. What changes
# about its weights, and about Adam's memory of them?
# <details><summary>Answer</summary>
#
# The gradient is 0, so m and v fade by β₁ and β₂; the weights move on by η m̂/(√v̂ + ε) all the same.
#
# </details>
#
# **5.** Two ensembles of networks with the same mean loss: the members of one agree on 99 % of the digits, those of
# the other on 85 %. Which one do you deploy?
# <details><summary>Answer</summary>
#
# The second: its members differ more, and the gain of averaging is exactly their disagreement. (If the mean losses
# were not equal, the first could still win: see bagging.)
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
# | early stopping, patience | 早停 (提前停止), 耐心 | go back to the best epoch | 1, 3 |
# | ridge, L2, weight decay | 岭回归, L2 正则, 权重衰减 | $\tfrac{\alpha}{2}\lVert w\rVert^2$ | 3 |
# | L1, sparse | L1 正则, 稀疏 | $\alpha\lVert w\rVert_1$, exact zeros | 3 |
# | soft threshold, proximal step | 软阈值, 近端步 | move by $t$ towards 0, and stop there | 3 |
# | dropout | 随机失活 (丢弃法) | a factor 0 or $1/(1-p)$ | 4 |
# | sub-network | 子网络 | what is left under one mask | 4 |
# | ensemble, bagging, boosting | 集成, 装袋, 提升 | several networks; on resampled data; one after the other | 5 |
# | negative log-likelihood | 负对数似然 | cross-entropy, in nats | 5 |
# | double descent | 双下降 | the error falls again beyond P = N | 2 |

# %% [markdown]
# ## Further reading
#
# - S. Geman, E. Bienenstock, R. Doursat (1992), *Neural networks and the bias/variance dilemma*. Section 1, thirty
#   years earlier.
# - D. Donoho (1995), *De-noising by soft-thresholding*.
# - C. Bishop (1995), *Neural networks for pattern recognition*. Early stopping and weight decay.
# - A. Krogh, J. Vedelsby (1995), *Neural network ensembles, cross validation, and active learning*. The gain is the
#   disagreement.
# - L. Breiman (1996), *Bagging predictors*.
# - Y. LeCun, L. Bottou, G. Orr, K.-R. Müller (1998), *Efficient BackProp*. Two goals, and why to keep them apart.
# - L. Prechelt (1998), *Early stopping, but when?* Patience and its rivals.
# - S. Wager, S. Wang, P. Liang (2013), *Dropout training as adaptive regularization*.
# - N. Srivastava, G. Hinton, A. Krizhevsky, I. Sutskever, R. Salakhutdinov (2014), *Dropout: a simple way to prevent
#   neural networks from overfitting*.
# - B. Lakshminarayanan, A. Pritzel, C. Blundell (2017), *Simple and scalable predictive uncertainty estimation using
#   deep ensembles*.
# - M. Belkin, D. Hsu, S. Ma, S. Mandal (2019), *Reconciling modern machine-learning practice and the classical
#   bias-variance trade-off*. Double descent.
# - P. Nakkiran, P. Venkat, S. Kakade, T. Ma (2021), *Optimal regularization can mitigate double descent*.

# %% [markdown]
# ## Your turn
#
# [Assignment 11](../assignments/11_dropout_and_regularization/11_dropout_and_regularization.ipynb): write the rule
# that stops a run, the soft threshold, dropout, and the penalty that it is. Then let your own functions find six
# inputs among sixty, and read digits.
