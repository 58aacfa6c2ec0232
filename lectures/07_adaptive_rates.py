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
# # Why should every weight have its own rate, and when does that fail?
#
# **Unit 07, adaptive rates.** 70 minutes. You need gradient descent and momentum (unit 05, above all its three
# conventions) and mini-batches (unit 06).
#
# One learning rate serves thousands of weights whose gradients differ by factors of thousands. Adagrad, RMSProp and
# Adam divide each weight's step by the size of that weight's own gradients. You will see what this cures completely,
# what it cannot cure, where it goes wrong, and that all these rules are one formula with two choices in it.
#
# Each section asks a question, lets you **predict**, derives a number, measures it, and puts the two side by side.
# Write your prediction down before you run the cell. A cell whose evidence fails stops the notebook. Codes in the
# tables name what is being checked: S2-21 is a sentence of a source text (S2: notes on Hung-yi Lee's lectures of
# 2021; S3: a text on LeCun, Bottou, Orr and Müller 1998), P38 an experiment of this course.

# %%
import itertools
import math
import os

import numpy as np
import torch

from trainlab import curvature, data, interact, networks, plots, surfaces
from trainlab.descend import run
from trainlab.evidence import claim, table
from trainlab.plots import Curve

torch.set_num_threads(1)  # the networks are tiny: more threads cost time
FAST = os.environ.get("FAST") == "1"  # one seed in place of three in section 1

# %% [markdown] claims=["S2-19", "S2-20", "S2-24"]
# ## 1. One rate for all weights?
#
# **Question.** The loss of a small classifier has almost stopped falling. "We are at a minimum", says a colleague.
# More than a quarter of its labels are wrong on purpose, and every step sees 16 of 1,200 digits. Is the gradient
# small?

# %% claims=["S2-24"]
pool = data.digits(1200)
spread = pool.inputs.std(axis=0)
pixels = (pool.inputs - pool.inputs.mean(axis=0)) / np.where(spread > 1e-3, spread, 1)
entropy = torch.nn.functional.cross_entropy


class Batches:  # a training loss whose gradient comes from B rows, drawn anew for every step
    def __init__(self, net, labels, B, seed):
        self.net, self.labels, self.B, self.rng = net, labels, B, np.random.default_rng(seed)

    def on(self, rows):
        return networks.training_loss(self.net, pixels[rows], self.labels[rows], entropy)

    def grad(self, w):
        return self.on(self.rng.choice(len(pixels), self.B)).grad(w)

    def value(self, w):
        return self.on(np.arange(0, len(pixels), 3)).value(w)


def gradient_descent(grad, w, lr):
    while True:
        w = w - lr * grad(w)
        yield w


def train(seed):  # losses, mini-batch gradient and full gradient, at a constant η and then at η / 25
    rng, net = np.random.default_rng(seed), networks.MLP((64, 8, 10))
    labels = np.where(rng.random(1200) < 0.3, rng.integers(0, 10, 1200), pool.labels)
    surface = Batches(net, labels, 16, seed)
    flat = run(gradient_descent, surface, net.initial(seed), 2000, every=100, lr=0.5)
    calm = run(gradient_descent, surface, flat.path[-1], 300, every=100, lr=0.02)
    path, full = np.concatenate([flat.path, calm.path[1:]]), surface.on(np.arange(1200))
    batch = [np.mean([np.linalg.norm(surface.grad(w)) for _ in range(20)]) for w in path]
    return np.array([[full.value(w) for w in path], batch, [np.linalg.norm(full.grad(w)) for w in path]])


runs = np.array([train(seed) for seed in range(1 if FAST else 3)])  # (seeds, 3, 24)

# %%
step = np.arange(0, 2301, 100)
plots.show(
    plots.lines(
        *(Curve(step, loss, colour=k) for k, (loss, _, _) in enumerate(runs)),
        xlabel="step (η lowered at 2000)",
        ylabel="training loss",
    ),
    plots.lines(
        Curve(step, runs[0, 1], "16 rows"),
        Curve(step, runs[0, 2], "all rows"),
        xlabel="step",
        ylabel="length of the gradient",
        logy=True,
    ),
    alt="Training losses of three starts fall steeply and then level off near 1 until the rate is lowered, when "
    "they step down; the length of the mini-batch gradient stays near 0.8 throughout, and the full gradient "
    "falls only when the rate is lowered.",
)

# %% [markdown] claims=["S2-19", "S2-20"]
# The gradient of a mini-batch is as long at step 2,000 as at step 1,000, while the loss falls by only a tenth. It is
# nearly flat because the steps are too long for the place, and 300 steps with a smaller η bring it down by another 3
# to 6 %. But a smaller η is smaller for *every* weight, also for those that were on their way. That is the conflict
# of this unit, and a bowl shows it best.
#
# **Predict.** A bowl has curvatures 0.0001 and 100: gradient descent is stable below η = 0.02 (unit 05) and then
# needs 3.5 million steps along the flat direction to get 1,000 times nearer. Now each weight gets its own rate
# $\eta/\sigma_i$, where $\sigma_i$ is the root mean square of all gradients of that weight so far. (a) How many steps
# do you expect: 100, 10,000 or a million? (b) And in a round bowl? (c) Now turn the narrow bowl by 45°. The same
# again?
#
# **Theory.** The rule of the lectures is
#
# $$w_{i} \leftarrow w_{i} - \frac{\eta}{\sigma_{i,t}}\, g_{i,t}, \qquad
# \sigma_{i,t} = \sqrt{\tfrac1t \textstyle\sum_{s \le t} g_{i,s}^2} .$$
#
# Along the axes of a bowl $g_i = \lambda_i w_i$. Then $\sigma_i$ contains the factor $\lambda_i$, too, and it
# cancels:
#
# $$\frac{g_{i,t}}{\sigma_{i,t}} = \frac{w_{i,t}}{\sqrt{\tfrac1t \sum_{s\le t} w_{i,s}^2}} .$$
#
# **The curvatures are gone.** The path is the same in every bowl whose axes are those of the weights: the condition
# number does not matter at all. The flat direction gets the larger rate $\eta/\sigma_i$ and the steep one the
# smaller, in the ratio $\lambda_2/\lambda_1$.
#
# Turn the bowl by 45° and both weights feel the steep direction alike: $\sigma_1 \approx \sigma_2$, one rate for
# both, and the condition number is back. A rate per weight stretches the axes. It cannot turn them.
#
# **Experiment.**


# %% claims=["S2-19", "S2-20"]
def rms(grad, w, lr):
    squares = np.zeros_like(w)
    for t in itertools.count(1):
        g = grad(w)
        squares = squares + g**2
        w = w - (lr(t) if callable(lr) else lr) * g / np.sqrt(squares / t)
        yield w


def turned(kappa, degrees):  # a bowl with curvatures 1 and κ and turned axes; the point (5, 5) on these axes
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    axes = np.array([[c, s], [-s, c]])
    return surfaces.Slice(surfaces.Quadratic((1.0, kappa)), np.zeros(2), axes), axes @ [5.0, 5.0]


kappas = (1.0, 1e3, 1e6)
straight = [run(rms, surfaces.Quadratic((1.0, k)), [5.0, 5.0], 200, lr=0.1) for k in kappas]
gradients = surfaces.Quadratic((1.0, 1e6)).grad(straight[2].path[:-1])
rates = 0.1 / np.sqrt(np.cumsum(gradients**2, axis=0) / np.arange(1, 201)[:, None])

angles, etas = np.array([0, 1, 2, 5, 10, 20, 30, 45]), np.geomspace(0.05, 3, 25)[:, None]


def fewest(rule, kappa, degrees, etas=etas):  # steps to a thousandth of the distance, at the best of the η
    surface, start = turned(kappa, degrees)
    path = run(rule, surface, np.tile(start, (len(etas), 1)), 1500, lr=etas).path
    near = np.linalg.norm(path, axis=-1) < 1e-3 * np.linalg.norm(start)
    return near.any(axis=1).argmax() if near.any() else np.inf


needed = {kappa: [fewest(rms, kappa, angle) for angle in angles] for kappa in (10, 100)}
plain = {kappa: fewest(gradient_descent, kappa, 20, np.array([[2 / (1 + kappa)]])) for kappa in (10, 100)}


# %%
def picture(degrees):
    surface, start = turned(100, degrees)
    trace, title = run(rms, surface, start, 150, lr=0.3), f"axes turned by {degrees}°"
    return plots.descents(surface, trace, xlim=(-3, 9), ylim=(-5.5, 6.5), title=title)


plots.show(
    picture(0),
    picture(45),
    plots.lines(
        *(Curve(angles, counts, f"κ = {kappa}") for kappa, counts in needed.items()),
        *(Curve([0, 45], [plain[kappa]] * 2, theory=True, colour=c) for c, kappa in enumerate(plain)),
        xlabel="angle, degrees",
        ylabel="steps, at the best η",
        logy=True,
    ),
    alt="On the upright narrow bowl the path is a straight line to the minimum; on the turned one it drops into "
    "the valley and creeps along it. The steps needed rise with the angle towards those of gradient descent, "
    "which are dashed.",
)

# %% [markdown]
# Dashed: gradient descent at its best η, which does not mind the angle. Upright, the rule with a rate for each weight
# arrives in 4 steps at its best η, whatever κ is. At 45° it is back at the cost of gradient descent.
#
# **Evidence.** Every random start counts.

# %% claims=["S2-19", "S2-20", "S2-24"]
flat, calm = runs[:, :, 10:21], runs[:, :, 23]  # steps 1,000 to 2,000, and 2,300
fall, still = flat[:, 0, -1] / flat[:, 0, 0], flat[:, 1, 5:].mean(1) / flat[:, 1, :6].mean(1)
paths = [np.abs(trace.path - straight[0].path) for trace in straight[1:]]
quotient, oblique = rates[:, 0] / rates[:, 1], [needed[kappa][-1] / plain[kappa] for kappa in plain]
table(
    claim("P39b", "loss at step 2,000 over step 1,000", fall, at_least=0.85, at_most=1.0),
    claim("P39b", "batch gradient, later half of these over the first", still, at_least=0.8, at_most=1.25),
    claim("S2-24", "loss 300 steps after η / 25, over before", calm[:, 0] / flat[:, 0, -1], at_most=0.98),
    claim("S2-24", "full gradient there, over the mean before", calm[:, 2] / flat[:, 2].mean(1), at_most=0.6),
    claim("S2-19", "distance of the paths, κ = 10³, 10⁶ from κ = 1", paths, at_most=1e-9),
    claim(
        "S2-20", "rate of the flat weight over the steep one's, κ = 10⁶", quotient, predicted=1e6, within=1e-6
    ),
    claim("S2-20", "steps at 45° over steps at 0°, κ = 100", needed[100][-1] / needed[100][0], at_least=20),
    claim("S2-20", "steps at 45° over gradient descent's, κ = 10, 100", oblique, predicted=1, within=0.15),
)

# %% [markdown] claims=["S2-20"]
# The three paths agree to rounding: a condition number of a million costs nothing when the axes are right. A turn of
# a few degrees brings much of the cost back.
#
# **Caveat.** The axes of a network's loss are not those of its weights, and nobody knows the angle. What is left of
# the promise is a *diagonal* cure: it repairs differences of scale between weights (rare and frequent words, pixels
# in different units, layers of different width), and those are common enough to make these rules the default.
# Correlations between weights need unit 08's whitening or unit 09's second-order methods.

# %% [markdown] claims=["S2-21", "S2-24"]
# ## 2. Mean or sum?
#
# **Question.** The rule above has a constant η. Left running on a simple bowl it arrives, waits, and then jumps away
# from the minimum. It comes back, and does it again.


# %% claims=["S2-21"]
def adagrad(grad, w, lr):
    squares = np.zeros_like(w)
    while True:
        g = grad(w)
        squares = squares + g**2
        w = w - lr * g / np.sqrt(squares)
        yield w


narrow, start = surfaces.Quadratic((1e-4, 100.0)), [-10.0, 5.0]
etas = np.array([[0.3], [0.7], [1.0], [1.5], [2.0]])
means = run(rms, narrow, np.tile(start, (5, 1)), 10_000, lr=etas)
sums = run(adagrad, narrow, np.tile(start, (5, 1)), 10_000, lr=etas)
clock = np.arange(1, 10_001)[:, None]


def effective(trace, counts=1):  # λ η / σ along the steep direction, for each step: stable below 2
    squares = np.cumsum(narrow.grad(trace.path[:-1])[..., 1] ** 2, axis=0)
    return 100 * etas[:, 0] / np.sqrt(squares / counts)


# %%
tick, k = np.arange(0, 3000, 10), 2  # η = 1
plots.show(
    plots.lines(
        Curve(tick, np.maximum(np.abs(means.path[tick, k, 1]), 1e-200)),
        Curve(tick, np.maximum(np.abs(sums.path[tick, k, 1]), 1e-200)),
        xlabel="step",
        ylabel="distance |w₂|",
        title="η = 1",
        logy=True,
    ),
    plots.lines(
        Curve(tick, effective(means, clock)[tick, k], "mean"),
        Curve(tick, effective(sums)[tick, k], "sum"),
        Curve([0, 3000], [2, 2], theory=True, colour=3),
        xlabel="step",
        ylabel="effective rate × curvature",
    ),
    alt="With the mean the distance falls to 1e-109, turns and rises again to several units in a burst, more than "
    "once; the effective rate climbs through 2 where the distance turns. With the sum the distance only falls "
    "and the rate stays level far below 2.",
)

# %% [markdown] claims=["S2-21", "S2-24"]
# **Predict.** (a) Which of the two is Adagrad? (b) The steep weight starts 5 away from its minimum. With η = 1, when
# does the trouble begin: at step 25, 250 or 2,500? (c) With η twice as large: earlier or later?
#
# **Theory.** Near the minimum the gradients are practically 0, so the sum of squares stands still at some
# $Q = \lambda^2 \sum w^2$, while the mean $Q/t$ goes on falling. The rate that the steep weight really gets *grows*:
#
# $$\frac{\eta}{\sigma_t} = \eta\,\sqrt{\frac{t}{Q}} .$$
#
# By unit 05 a step is stable while rate × curvature < 2. This limit is passed at
#
# $$t^\star = \frac{4\,Q}{\eta^2\lambda^2} = \frac{4 \sum w^2}{\eta^2},$$
#
# where the sum is over the way to the minimum. From there on the smallest remainder grows again, until the burst
# itself puts large gradients into the sum. Adagrad (Duchi, Hazan and Singer 2011) divides by the root of the **sum**:
#
# $$w_{t+1} = w_t - \eta\,\frac{g_t}{\sqrt{\sum_{s\le t} g_s^2} + \varepsilon} = w_t - \frac{\eta}{\sqrt t}\,\frac{g_t}{\sigma_t + \varepsilon/\sqrt t} .$$
#
# It is the lectures' form with the rate $\eta/\sqrt t$: the **decay** is built in, the effective rate can only fall,
# and there is nothing to burst. (Convention: $\varepsilon$ outside the root, as in `torch.optim.Adagrad`.)
#
# **Evidence.** A burst is a return from below 0.005 to above 0.05.


# %% claims=["S2-21", "S2-24"]
def gap(a, b):
    return np.abs(a - b).max()


def bursts(w):  # the steps at which they are seen
    seen, armed = [], False
    for step, distance in enumerate(np.abs(w)):
        if armed and distance > 0.05:
            seen.append(step)
        armed = distance < 0.005 or (armed and distance <= 0.05)
    return seen


steep, fast = np.abs(means.path[..., 1]), range(1, 5)  # the four η above 0.3
turns = [steep[: bursts(steep[:, k])[0], k].argmin() for k in fast]
stars = [4 * np.sum(steep[:turn, k] ** 2) / etas[k, 0] ** 2 for turn, k in zip(turns, fast, strict=True)]
decayed = run(rms, narrow, np.tile(start, (5, 1)), 10_000, lr=lambda t: etas / np.sqrt(t))
of_mean = [len(bursts(steep[:, k])) for k in fast]
of_sum = [len(bursts(w)) for w in sums.path[..., 1].T]
late = effective(means, clock)[-1, 0]
table(
    claim("P36b", "step at which |w₂| turns, η = 0.7, 1, 1.5, 2", turns, predicted=stars, within=0.03),
    claim("S2-21", "bursts of the mean, η = 0.7, 1, 1.5, 2", of_mean, at_least=2),
    claim("S2-21", "bursts of the sum, five η", of_sum, at_most=0),
    claim("S2-24", "the mean with rate η/√t, less Adagrad", gap(decayed.path, sums.path), at_most=1e-9),
    claim("S2-24", "effective rate of the sum × λ, after step 100", effective(sums)[100:], at_most=0.5),
    claim("", "effective rate of the mean × λ at the end, η = 0.3", late, at_least=2),
    claim("", "distance |w₂| there", steep[-1, 0], at_most=0),
)

# %% [markdown] claims=["S2-21", "S2-24"]
# The steep weight turns at the step that the formula names, and doubling η brings this forward by more than a factor
# of four. The burst is seen some hundred steps later, when the remainder has grown back from 10⁻¹⁰⁹ to 1.
#
# Look at the last two rows. At η = 0.3 the mean passes its limit, too, and yet there is no burst. Its remainder has
# become exactly 0 by then: double precision has run out of small numbers. A mini-batch always leaves a remainder, so
# do not count on that.
#
# **Caveat.** The sum never forgets. A weight that once saw large gradients is slow for ever, and on a surface that
# changes as you walk this stops training too early. The next rule forgets on purpose.

# %% [markdown] claims=["S2-22", "S2-23", "S2-26", "S3-28"]
# ## 3. What is Adam, exactly?
#
# **Question.** "Adam is RMSProp plus momentum", say the lectures. Three programs were written from this sentence. At
# η = 0.001 the first step of one has length 0.001, of another 0.0032, of the third 0.01. Which one is Adam?
#
# **Predict.** (a) The gradient is 1000 at the first step. How long is Adam's first step, in η? And if it is 0.001?
# (b) A gradient that changes its sign at every step: how far does Adam move? (c) Can the division by σ turn the sign
# of a weight's step?
#
# **Theory.** Every rule of this unit keeps two memories, one of gradients for the **direction** and one of squares
# for the **size**:
#
# $$m_t = a_t\, m_{t-1} + b_t\, g_t, \qquad v_t = c_t\, v_{t-1} + d_t\, g_t^2, \qquad
# w_{t+1} = w_t - \eta_t\, \frac{m_t}{\sqrt{v_t} + \varepsilon} .$$
#
# That is the whole map. A rule is a choice of what to *keep* and what to *add* in each memory:
#
# | rule | direction: keep, add | size: keep, add | in PyTorch |
# |---|---|---|---|
# | gradient descent | 0, 1 | (no division) | `SGD` |
# | momentum (Polyak 1964) | $\beta$, 1 | (no division) | `SGD(momentum=β)` |
# | the lectures' root mean square | 0, 1 | $1-\tfrac1t,\ \tfrac1t$ | - |
# | Adagrad (Duchi et al. 2011) | 0, 1 | 1, 1 | `Adagrad` |
# | RMSProp (Hinton 2012) | 0, 1 | $\alpha,\ 1-\alpha$ | `RMSprop(alpha=α)` |
# | RMSProp as in the lectures | 0, 1 | the same, but 0, 1 at $t = 1$ | - |
# | Adam (Kingma and Ba 2015) | $1-\kappa_t(\beta_1),\ \kappa_t(\beta_1)$ | $1-\kappa_t(\beta_2),\ \kappa_t(\beta_2)$ | `Adam(betas=(β₁, β₂))` |
# | AMSGrad (section 4) | as Adam | the largest $v$ so far | `Adam(amsgrad=True)` |
# | RAdam (section 5) | as Adam | as Adam, and $\eta_t = r_t\,\eta$ | `RAdam` |
# | decay, warm-up | any | any; $\eta_t$ falls, or rises first | `lr_scheduler` |
#
# with $\kappa_t(\beta) = \dfrac{1-\beta}{1-\beta^t}$. **This κ is the bias correction.** Adam's paper writes plain
# fading averages, $\beta m + (1-\beta) g$ from $m = 0$, whose weights add up to $1-\beta^t$, and divides by that sum.
# Dividing makes a proper mean of the gradients so far, with weights that fade by β per step of age and add up to 1.
# The recursion above gives the same mean directly: $\kappa_1 = 1$, and the first mean is the first gradient.
#
# Conventions: $t$ counts from 1; $\varepsilon$ stands outside the root and after the correction.
#
# - **First steps**, in η: Adam and Adagrad $g/|g| = 1$ for every $g$. RMSProp from $v = 0$: $1/\sqrt{1-\alpha} = 10$
#   at PyTorch's α = 0.99. RMSProp started from $\sigma = |g|$ as in the lectures: 1. Adam without correction:
#   $(1-\beta_1)/\sqrt{1-\beta_2} = 3.16$.
# - **Without correction** under a constant gradient the step is $(1-\beta_1^t)/\sqrt{1-\beta_2^t}$: longest at
#   $t = 12$, with 6.57 η.
# - **A gradient that alternates** $+1, -1$: the mean shrinks to $(1-\beta_1)/(1+\beta_1) = 1/19$, its square stays 1.
#   Direction and size do not cancel, although both are made of gradients: one memory keeps signs and the other does
#   not.
# - **A gradient that comes once in P steps**: $v \approx 1/P$, so it moves its weight by $\sqrt P\,\eta$ in all. Rare
#   gradients count more.
#
# **Experiment.** The map is one rule.


# %% claims=["S2-22", "S2-23", "S3-28"]
def adaptive(grad, w, lr, direction, size=None, eps=1e-8):
    m, v = np.zeros_like(w), np.zeros_like(w)
    for t in itertools.count(1):
        g = grad(w)
        keep, add = direction(t)
        m = keep * m + add * g
        if size is not None:
            keep, add = size(t)
            v = keep * v + add * g**2
        sigma = 1 if size is None else np.sqrt(v) + eps
        w = w - (lr(t) if callable(lr) else lr) * m / sigma
        yield w


def newest(t):
    return 0, 1


def total(t):
    return 1, 1


def momentum(beta):
    return lambda t: (beta, 1)


def fading(beta):
    return lambda t: (beta, 1 - beta)


def mean(beta):  # weights that fade by beta and add up to 1: a fading average with its bias corrected
    def memory(t):
        kappa = (1 - beta) / (1 - beta**t)
        return 1 - kappa, kappa

    return memory


# %% [markdown]
# Is this PyTorch? Each formula walks beside `torch.optim` for 30 steps, on the loss of a network whose gradients
# change at every step. ε is large here, 0.001, so that its place shows. Then the first step alone, for three sizes of
# the gradient.


# %% claims=["S2-22", "S2-23", "S3-28"]
def pytorch(grad, w, optimiser, **options):
    p = torch.nn.Parameter(torch.from_numpy(w.copy()))
    optimiser = optimiser([p], **options)
    while True:
        p.grad = torch.from_numpy(grad(p.detach().numpy()))
        optimiser.step()
        yield p.detach().numpy().copy()


optim, eps = torch.optim, 1e-3
pairs = {
    "SGD with momentum 0.9": ({"direction": momentum(0.9)}, optim.SGD, {"momentum": 0.9}),
    "Adagrad": ({"direction": newest, "size": total, "eps": eps}, optim.Adagrad, {"eps": eps}),
    "RMSprop": ({"direction": newest, "size": fading(0.99), "eps": eps}, optim.RMSprop, {"eps": eps}),
    "Adam": ({"direction": mean(0.9), "size": mean(0.999), "eps": eps}, optim.Adam, {"eps": eps}),
}
net = networks.MLP((64, 8, 10))
small = networks.training_loss(net, pixels[:100], pool.labels[:100], entropy)
apart, moved = {}, {}
for name, (formula, optimiser, options) in pairs.items():
    ours = run(adaptive, small, net.initial(0), 30, lr=0.02, **formula)
    theirs = run(pytorch, small, net.initial(0), 30, optimiser=optimiser, lr=0.02, **options)
    apart[name], moved[name] = gap(ours.path, theirs.path), gap(ours.path[-1], ours.path[0])


class Slopes:  # answers every step with the next slope of a list, wherever w is
    def __init__(self, slopes):
        self.next = itertools.cycle(slopes)

    def grad(self, w):
        return np.full_like(w, next(self.next))

    def value(self, w):
        return w[..., 0]


def steps(slopes, rule, n=1, **settings):  # the movements on a list of slopes, in η
    return -np.diff(run(rule, Slopes(slopes), [0.0], n, **settings).path[:, 0]) / settings["lr"]


sizes, adam = (1e-3, 1.0, 1e3), {"direction": mean(0.9), "size": mean(0.999), "eps": 1e-12}
first = {
    o: [steps([g], pytorch, optimiser=o, lr=0.01)[0] for g in sizes]
    for o in (optim.Adam, optim.Adagrad, optim.RMSprop, optim.RAdam)
}
raw = {"direction": fading(0.9), "size": fading(0.999), "eps": 1e-12}
corrected, uncorrected = (steps([1.0], adaptive, 3000, lr=0.01, **s) for s in (adam, raw))
alternating = steps([1.0, -1.0], adaptive, 6000, lr=0.01, **adam)
rare = steps([1.0, *[0.0] * 99], adaptive, 10_000, lr=0.01, **adam)

path = run(adaptive, small, net.initial(0), 30, lr=0.01, direction=newest, size=fading(0.99)).path
moves, slopes = np.diff(path, axis=0), np.array([small.grad(w) for w in path[:-1]])
against = np.sign(moves) == -np.sign(slopes)
cosine = -(moves * slopes).sum(1) / np.linalg.norm(moves, axis=1) / np.linalg.norm(slopes, axis=1)

# %%
t = np.arange(1, 3001)
plots.show(
    plots.lines(
        Curve(t, corrected, "Adam"),
        Curve(t, uncorrected, "uncorrected"),
        Curve(t, (1 - 0.9**t) / np.sqrt(1 - 0.999**t), theory=True, colour=3),
        xlabel="step",
        ylabel="step length / η",
        title="constant gradient",
        logx=True,
    ),
    plots.lines(
        Curve(np.arange(40), alternating[:40], "alternating", colour=2),
        Curve(np.arange(40), rare[9795:9835], "1 in 100", colour=4),
        xlabel="step",
        ylabel="movement / η",
        title="Adam, other gradients",
    ),
    alt="Under a constant gradient Adam's step is 1 at all times, and without the correction it starts at 3.2, "
    "rises to 6.6 at step 12 and takes a thousand steps to fall back. An alternating gradient moves almost "
    "nothing; a rare one moves the weight by up to 1 per step.",
)

# %% [markdown]
# **Evidence.**

# %% claims=["S2-22", "S2-23", "S2-26", "S3-28"]
radams = np.array(first[optim.RAdam]) / sizes
swing, cycles = np.abs(alternating[-100:]), rare[-1000:].reshape(10, 100).sum(1)
angle, opposed = np.degrees(np.arccos(cosine)), against[slopes != 0].mean()
agree = [
    claim("", f"{name}: formula against torch.optim, 30 steps", d, at_most=1e-10) for name, d in apart.items()
]
table(
    *agree,
    claim("", "how far these runs moved their weights", list(moved.values()), at_least=0.05),
    claim("P70", "first step / η of Adam, g = 0.001, 1, 1000", first[optim.Adam], predicted=1, within=1e-4),
    claim("P70", "first step / η of Adagrad", first[optim.Adagrad], predicted=1, within=1e-4),
    claim("S2-22", "first step / η of PyTorch's RMSprop", first[optim.RMSprop], predicted=10, within=1e-3),
    claim("P70", "first step / (η g) of RAdam", radams, predicted=1, within=1e-4),
    claim("S2-23", "longest step / η without correction", uncorrected.max(), predicted=6.5685, within=1e-3),
    claim("S2-23", "the step at which it comes", uncorrected.argmax() + 1, predicted=12, within=0),
    claim("S2-26", "movement / η, alternating gradient", swing, predicted=1 / 19, within=1e-3),
    claim("S2-20", "movement / η in 100 steps with one gradient", cycles, predicted=10, within=0.03),
    claim("S2-26", "share of weights that step against their gradient", opposed, predicted=1, within=0),
    claim("S2-26", "angle between step and −gradient, degrees", angle, at_least=20, at_most=90),
)

# %% [markdown] claims=["S2-23", "S2-26", "S3-28"]
# Adam is the program whose first step has length η. The sentence "momentum keeps the direction, σ only the magnitude"
# is exact for each weight: σ has no sign. It is not exact for all weights together. Dividing the entries of a vector
# by different numbers turns it, here by 34 to 44 degrees away from the gradient; that is the purpose.
#
# S3's advice of 1998, momentum and a rate for each weight, is on the map, too: Adam is the rule that uses both
# columns.
#
# **Caveat.** ε has the unit of a gradient and wanders between programs: outside the root here and in PyTorch, inside
# in some texts, *before* the correction in PyTorch's RAdam. It matters where gradients are as small as ε: there Adam
# becomes momentum with the rate η/ε. And "defaults are fine" is a statement about habits. The next section has a loss
# for which they are not.

# %% [markdown] claims=["S2-23"]
# ## 4. When does Adam go the wrong way?
#
# **Question.** A weight feels the slope +C in one step out of P and −1 in the others; $C > P - 1$, so that on average
# the slope is positive and the weight should go left. Gradient descent does. Reddi, Kale and Kumar (2018) showed that
# Adam may go right, and with their decaying rate it comes to rest at the *worst* point that it can reach.
#
# **Predict.** P = 3, C = 4. For which memories $\beta_2$ does Adam go the right way: 0.06, 0.5, 0.99?
#
# **Theory.** Take $\beta_1 = 0$. Once settled, $k$ steps after the large gradient
#
# $$v_k = 1 + (C^2 - 1)\,\frac{(1-\beta_2)\,\beta_2^k}{1-\beta_2^P} , \qquad
# \text{movement per cycle} = \eta\left(-\frac{C}{\sqrt{v_0}} + \sum_{k=1}^{P-1} \frac{1}{\sqrt{v_k}}\right).$$
#
# The large gradient is divided by the σ that it has just made itself. With a short memory σ is small again for all
# the others. If the bracket is positive, Adam goes wrong at *every* η. With a long memory all $v_k$ are nearly equal
# and the sign is that of $-C + P - 1$. So there is a critical memory, and it grows with P: what counts is how long
# $1/(1-\beta_2)$ is against the time between large gradients.
#
# **AMSGrad**, the authors' repair, divides by the largest $v$ so far. (Convention below: $v$ uncorrected, its
# maximum, then both corrections, as in PyTorch's `Adam(amsgrad=True)`.)
#
# **Experiment.**


# %% claims=["S2-23"]
def amsgrad(grad, w, lr, b1, b2, longest=True, wall=np.inf, eps=1e-8):  # longest=False is Adam
    m, v, top = np.zeros_like(w), np.zeros_like(w), np.zeros_like(w)
    for t in itertools.count(1):
        g = grad(w)
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
        top = np.maximum(top, v) if longest else v
        eta = lr(t) if callable(lr) else lr
        w = np.clip(w - eta * m / (1 - b1**t) / (np.sqrt(top / (1 - b2**t)) + eps), -wall, wall)
        yield w


def cycle(C, P):
    return Slopes([C, *[-1.0] * (P - 1)])


reddi = {"lr": lambda t: 0.5 / math.sqrt(t), "b1": 0.0, "b2": 1 / 17, "wall": 1.0}  # β₂ = 1/(1 + C²)
boxed = {
    "Adam": run(amsgrad, cycle(4.0, 3), [0.0], 3000, every=10, longest=False, **reddi),
    "AMSGrad": run(amsgrad, cycle(4.0, 3), [0.0], 3000, every=10, **reddi),
}


def drift(b2, C, P):  # the formula, for many b2 at once: movement per cycle, in η
    k = np.arange(P)[:, None]
    v = 1 + (C**2 - 1) * (1 - b2) * b2**k / (1 - b2**P)
    return np.sum(np.where(k == 0, -C, 1) / np.sqrt(v), axis=0)


def walked(b2, C, P, b1=0.0):  # measured: movement in the last of enough cycles
    T = P * math.ceil(12 / (1 - b2.max()) / P + 1)
    path = run(
        amsgrad, cycle(C, P), np.zeros((len(b2), 1)), T, every=P, longest=False, lr=1.0, b1=b1, b2=b2[:, None]
    ).path
    return (path[-1] - path[-2])[:, 0]


def last(movement, P, **settings):  # the longest memory 1/(1 − b2) that still goes the wrong way, C = 1.5 P
    memory = np.geomspace(0.4, 1.2, 60) * P
    wrong = movement(1 - 1 / memory, 1.5 * P, P, **settings) > 0
    return memory[wrong].max(initial=0)


periods, many = (3, 10, 30, 100), np.unique(np.geomspace(3, 300, 20).astype(int))
critical = [last(walked, P) for P in periods]
smoothed = [last(walked, P, b1=0.9) for P in (30, 100)]
three = np.array([1 / 17, 0.2, 0.3, 0.33, 0.5, 0.9, 0.99])  # b2 for P = 3, C = 4

# %%
plots.show(
    plots.lines(
        *(Curve(trace.steps, trace.path[:, 0], name) for name, trace in boxed.items()),
        xlabel="step",
        ylabel="weight (best: −1)",
        title="P = 3, C = 4, β₂ = 1/17",
    ),
    plots.lines(
        Curve(periods, np.divide(critical, periods), "measured"),
        Curve(many, [last(drift, P) / P for P in many], theory=True, colour=3),
        xlabel="period P of the large gradient",
        ylabel="critical memory / P",
        title="below the line: the wrong way",
        logx=True,
        ylim=(0, 1),
    ),
    alt="Between walls at −1 and 1 Adam climbs to +1 and AMSGrad goes to −1. The critical memory, in units of the "
    "period, rises from 0.45 to 0.65; measurements lie on the dashed line of the formula.",
)

# %% [markdown]
# **Evidence.**

# %% claims=["S2-23"]
ours = run(amsgrad, small, net.initial(0), 30, lr=0.02, b1=0.9, b2=0.999, eps=1e-3)
theirs = run(pytorch, small, net.initial(0), 30, optimiser=optim.Adam, lr=0.02, eps=1e-3, amsgrad=True)
descent = run(gradient_descent, cycle(4.0, 3), [0.0], 3000, lr=1e-3).path[-1]
inside = {name: trace.path[-100:] for name, trace in boxed.items()}
edges, relative = [last(drift, P) for P in periods], np.divide(critical, periods)[1:]
helped = np.divide(smoothed, critical[2:])
table(
    claim("", "AMSGrad: formula against torch.optim, 30 steps", gap(ours.path, theirs.path), at_most=1e-10),
    claim("P38", "Adam in the box, last 1,000 steps", inside["Adam"], at_least=0.95),
    claim("P38", "AMSGrad in the box, last 1,000 steps", inside["AMSGrad"], at_most=-0.95),
    claim("P38", "gradient descent, 1,000 cycles, in η", descent / 1e-3, predicted=-2000, within=1e-6),
    claim(
        "S2-23",
        "movement per cycle, C = 4, P = 3",
        walked(three, 4.0, 3),
        predicted=drift(three, 4.0, 3),
        within=1e-3,
    ),
    claim("S2-23", "critical memory, C = 1.5 P, four P", critical, predicted=edges, within=0.03),
    claim("S2-23", "critical memory over P, P = 10, 30, 100", relative, at_least=0.5, at_most=0.7),
    claim("", "with β₁ = 0.9 over β₁ = 0, P = 30, 100", helped, at_most=0.95),
)

# %% [markdown] claims=["S2-23"]
# At P = 3 the border lies between β₂ = 0.30 and 0.33; the default 0.999 is far on the safe side. It is not safe in
# general: its memory of 1,000 steps is short for an event that comes once in 2,000. A memory of the direction helps
# against short periods (last row: at P = 30 nothing goes wrong any more in the range searched) and little against
# long ones.
#
# **Caveat.** This is a worst case on purpose: the slopes come in a fixed order and never change with the weight. What
# to take home is the scale: compare $1/(1-\beta_2)$ with the time between the gradients that matter.

# %% [markdown] claims=["S2-24", "S2-25"]
# ## 5. Why start slowly?
#
# **Question.** Residual networks and transformers are trained with a rate that goes *up* first. Below, a residual
# network of 30 blocks gets a rate that suits it after a hundred steps. From step 1 on, it does not survive.


# %% claims=["S2-25"]
deep, seeds = networks.ResidualMLP((64, *[32] * 31, 10), "relu"), range(5)
starts = np.stack([deep.initial(seed, scale=math.sqrt(2)) for seed in seeds])


def warmed(warmup, steps=150, every=10):  # momentum 0.9, η up to 0.1; all random starts in one run
    rise = {"lr": lambda t: 0.1 * min(1, t / warmup), "direction": momentum(0.9)}
    return run(adaptive, Batches(deep, pool.labels, 64, 0), starts, steps, every=every, **rise)


cold, brief, long = warmed(1, steps=30, every=1), warmed(25), warmed(50)
part = networks.training_loss(deep, pixels[:100], pool.labels[:100], entropy)
moments = [0, 1, 2, 5]  # in tens of steps


def sharpness(w):
    return curvature.sharpness(part, w, tolerance=0.02)


sharp = np.array([[sharpness(long.path[k][s]) for k in moments] for s in range(3)])
at_start = np.array([*sharp[:, 0], *(sharpness(w) for w in starts[3:])])  # all five

# %% [markdown] claims=["S2-25"]
# **Predict.** (a) Unit 05: with memory 0.9 a step is stable while $\eta\lambda < 2(1+\beta) = 3.8$. At η = 0.1, what
# is the largest curvature that these networks can have at the start: 4, 38 or 380? (b) Does the warm-up help because
# it is *slow*, or because something about the network *changes* meanwhile? (c) Adam's $\hat v$ at the first step is
# one squared gradient. In what share of the weights is $1/\sqrt{\hat v}$ more than ten times its later size: 0.1 %, 1
# % or 8 %?
#
# **Theory.** Two different reasons are behind one habit.
#
# *Curvature.* At random weights the sharpness λ of a deep network is large, and falls within a few steps of training.
# A rate for later is too large for now: $\eta\lambda \gg 2(1+\beta)$. The linear warm-up $\eta_t = \eta\,t/W$ starts
# W times lower and follows the fall (Goyal et al. 2017; He et al. 2016 warmed up their network of 110 layers for this
# reason). Nothing adaptive is in it: plain momentum needs it, too.
#
# *A young σ.* For gradients $g \sim N(0, 1)$ the corrected average after $t$ steps of a long memory is about a mean
# of $\rho_t \approx t$ squares, so $\psi = 1/\sqrt{\hat v}$ is distributed like $\sqrt{\rho/\chi^2_\rho}$. At $t = 1$
# it is $1/|g|$: its variance is infinite, and in one of 100 weights it exceeds $1/0.01253 = 79.8$. Its variance
# exists from ρ > 2 on:
#
# $$\operatorname{Var}\psi = \frac{\rho}{\rho-2} - \frac{\rho}{2}\,\frac{\Gamma\big(\tfrac{\rho-1}{2}\big)^2}{\Gamma\big(\tfrac{\rho}{2}\big)^2}
# \;\approx\; \frac{\rho}{2(\rho-2)(\rho-4)} .$$
#
# **RAdam** (Liu et al. 2020) takes the approximation on the right and multiplies Adam's step by the *rectifier*
# $r_t = \sqrt{\operatorname{Var}\psi_\infty / \operatorname{Var}\psi_t}$. As long as the approximation has no value,
# it uses no σ at all:
#
# $$\rho_\infty = \frac{2}{1-\beta_2} - 1, \qquad \rho_t = \rho_\infty - \frac{2t\,\beta_2^t}{1-\beta_2^t}, \qquad
# w_{t+1} = w_t - \eta\, \hat m_t \cdot \begin{cases} r_t / (\sqrt{\hat v_t} + \varepsilon_t) & \rho_t > 5 \\ 1 & \text{otherwise.} \end{cases}$$
#
# $\rho_t$ is the number of plain squares whose mean has the same average age as the fading mean, $1 + 2\,\cdot$ (mean
# age). Conventions: the paper's threshold is 4, PyTorch's is 5; PyTorch adds ε before the correction, so
# $\varepsilon_t = \varepsilon/\sqrt{1-\beta_2^t}$.
#
# After the warm-up comes the **decay**. The usual shape today is half a cosine, from η at the end of the warm-up to a
# small rate at the end of training.
#
# **Experiment.** The networks are trained; now the variance, with 100,000 random weights, and RAdam.


# %% claims=["S2-25"]
def length(t, beta):  # rho: the plain mean with the same mean age
    age = np.arange(t)
    return 1 + 2 * np.average(age, weights=beta**age)


def spread(rho):  # RAdam's approximation of the variance of psi
    return rho / (2 * (rho - 2) * (rho - 4))


def exact(rho):  # the variance of sqrt(rho / chi2), for rho > 2
    return rho / (rho - 2) - rho / 2 * math.exp(2 * math.lgamma((rho - 1) / 2) - 2 * math.lgamma(rho / 2))


def radam(grad, w, lr, b1=0.9, b2=0.999, eps=1e-8):
    m, v = np.zeros_like(w), np.zeros_like(w)
    for t in itertools.count(1):
        g = grad(w)
        m = m + (1 - b1) / (1 - b1**t) * (g - m)
        v = v + (1 - b2) / (1 - b2**t) * (g**2 - v)
        rho, limit = length(t, b2), (1 + b2) / (1 - b2)
        r = math.sqrt(spread(limit) / spread(rho)) if rho > 5 else None
        w = w - lr * m * (r / (np.sqrt(v) + eps / math.sqrt(1 - b2**t)) if r else 1)
        yield w


rng, v, psi = np.random.default_rng(0), np.zeros(100_000), {}
for t in range(1, 201):
    kappa = (1 - 0.999) / (1 - 0.999**t)
    v = v + kappa * (rng.normal(size=100_000) ** 2 - v)
    if t in (1, 2, 5, 6, 10, 20, 50, 200):
        psi[t] = 1 / np.sqrt(v)
ours = run(radam, small, net.initial(0), 30, lr=0.02, eps=1e-3)
theirs = run(pytorch, small, net.initial(0), 30, optimiser=optim.RAdam, lr=0.02, eps=1e-3)

# %%
ages = np.array([6, 8, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000])
lengths = np.array([length(t, 0.999) for t in ages])
plots.show(
    plots.lines(
        *(
            Curve(trace.steps[alive], trace.losses[alive, 0], label)
            for trace, label in ((cold, "none"), (brief, "25 steps"), (long, "50 steps"))
            if (alive := np.isfinite(trace.losses[:, 0])).any()
        ),
        xlabel="step",
        ylabel="training loss",
        title="one start, three warm-ups",
        logy=True,
        ylim=(0.01, 1e4),
    ),
    plots.lines(
        *(Curve(np.array(moments) * 10, row, colour=k) for k, row in enumerate(sharp)),
        Curve(np.arange(1, 61), 3.8 / (0.1 * np.minimum(1, np.arange(1, 61) / 50)), theory=True, colour=3),
        Curve([0, 60], [38, 38], theory=True, colour=1),
        xlabel="step",
        ylabel="sharpness",
        title="warm-up of 50 steps",
        logy=True,
    ),
    alt="Without warm-up the loss leaves the picture within a few steps, with 25 steps of it the loss falls for a "
    "while and then explodes, with 50 it falls to the end. The sharpness of three networks starts above 600 "
    "and after ten steps lies far below the dashed limit.",
)
plots.show(
    plots.lines(
        Curve(list(psi), [np.quantile(p, 0.99) for p in psi.values()], "99 %"),
        Curve(list(psi), [np.quantile(p, 0.5) for p in psi.values()], "median"),
        xlabel="step",
        ylabel="1/√v̂",
        logx=True,
        logy=True,
    ),
    plots.lines(
        Curve(ages, np.sqrt(spread(1999) / spread(lengths)), "RAdam"),
        Curve(ages, np.sqrt([exact(1999) / exact(rho) for rho in lengths]), theory=True, colour=3),
        xlabel="step",
        ylabel="factor of the step",
        title="dashed: exact variance",
        logx=True,
        logy=True,
    ),
    alt="The 99 per cent quantile of the inverse root falls from 78 at step 1 to 3 at step 5 and near 1 later; the "
    "median is near 1 all along. The rectifier rises from 0.026 at step 6 to 1 after thousands of steps and at "
    "first lies below the dashed exact factor.",
)

# %% [markdown] claims=["S2-25"]
# On the left, one start under three warm-ups. On the right, the reason, with two limits on the sharpness: 3.8/0.1 = 38
# for the full rate, dotted, and 3.8/η_t for the warm-up, dashed and black. Three networks start in the hundreds or
# thousands, far above 38, and are below it ten steps later, while the warm-up has spent these steps under its own,
# higher limit.
#
# And transformers? Liu et al. (2020) train one with Adam and no warm-up: perplexity above 500, against 10 with it.
# Try it at our size: 12 residual blocks with layer normalisation after each sum (*post-LN*, as in the first
# transformer), Adam at η = 0.003.

# %% claims=["S2-25"]
post = networks.ResidualMLP((64, *[32] * 13, 10), "relu", post_norm=True)
begin = np.stack([post.initial(seed, scale=math.sqrt(2)) for seed in range(3)])


def by_adam(warmup):  # last losses of three starts
    settings = {"lr": lambda t: 0.003 * min(1, t / warmup), "direction": mean(0.9), "size": mean(0.999)}
    return run(adaptive, Batches(post, pool.labels, 64, 0), begin, 100, every=50, **settings).losses[-1]


without, with_warmup = by_adam(1), by_adam(50)

# %% [markdown]
# **Evidence.**

# %% claims=["S2-25"]
none, some, every = (np.isfinite(trace.losses[-1]).sum() for trace in (cold, brief, long))
share = sharp[:, 2:] / (3.8 / (0.1 * np.minimum(1, np.array(moments[2:]) / 5)))
beyond = (0.002 * at_start > 3.8).sum()
ninety_nine = {t: np.quantile(psi[t], 0.99) for t in (1, 5, 50)}
seen = (5, 6, 10, 20, 50)
variances, theory = [psi[t].var() for t in seen], [exact(length(t, 0.999)) for t in seen]
rhos = [length(t, 0.999) for t in (5, 6)]
r6, equal = math.sqrt(spread(1999) / spread(rhos[1])), math.sqrt(exact(1999) / exact(rhos[1]))
table(
    claim("P53c", "starts of 5 that survive 30 steps without warm-up", none, at_most=0),
    claim("P53c", "starts that survive with a warm-up of 25", some, at_least=1, at_most=4),
    claim("P53c", "starts that survive with a warm-up of 50", every, predicted=5, within=0),
    claim("P53c", "their losses after 150 steps", long.losses[-1], at_most=0.3),
    claim("S2-25", "ηλ / 3.8 at the start, η = 0.1, five starts", 0.1 * at_start / 3.8, at_least=8),
    claim("S2-25", "η_t λ / 3.8 in the warm-up of 50, steps 20 and 50", share, at_most=0.8),
    claim("", "starts with ηλ > 3.8 even at η = 0.002", beyond, at_least=1),
    claim(
        "P37", "share of weights with 1/√v̂ > 10 at t = 1", np.mean(psi[1] > 10), predicted=0.0797, within=0.05
    ),
    claim("P37", "99 % quantile of 1/√v̂ at t = 1", ninety_nine[1], predicted=79.79, within=0.1),
    claim("P37", "at t = 5", ninety_nine[5], predicted=3.003, within=0.03),
    claim("P37", "at t = 50", ninety_nine[50], predicted=1.297, within=0.02),
    claim("", "variance of 1/√v̂ at t = 5, 6, 10, 20, 50", variances, predicted=theory, within=0.06),
    claim("P37", "ρ at t = 5 and 6, β₂ = 0.999", rhos, predicted=[4.996, 5.994], within=1e-3),
    claim("P37", "RAdam's factor at t = 6", r6, predicted=0.0258, within=2e-3),
    claim("", "the factor that equal variances ask for", equal, predicted=0.0378, within=2e-3),
    claim("", "RAdam: formula against torch.optim, 30 steps", gap(ours.path, theirs.path), at_most=1e-10),
    claim("P53", "post-LN, Adam, no warm-up: loss after 100 steps", without, at_most=0.25),
    claim("P53", "the same with a warm-up of 50, over that", with_warmup / without, at_least=0.7),
)

# %% [markdown] claims=["S2-25"]
# **What does not reproduce here.** Three post-LN networks trained by Adam without warm-up are none the worse for it;
# the warm-up only costs them time. The transformer's trouble needs transformers, or at least more than this course
# can run in a minute. The young average's large quantiles are real at every size; that they are *the* reason for
# warm-up is Liu's hypothesis, and the curvature is the other one.
#
# Also: RAdam's approximation overstates the variance twofold at $t = 6$, so that its first factor, 0.026, is two
# thirds of the 0.038 that equal variances would ask for. From step 50 on the two agree to 3 %.
#
# **Caveat.** "ηλ < 3.8" is a limit for quadratics. Networks survive more than it for a few steps if the surface bends
# the right way (unit 05): of the five starts here, one is beyond the limit of even the first, shortest step of the
# warm-up, and trains well.

# %% [markdown]
# ## Touch it
#
# A bowl with curvatures 1 and 100, its axes turned by an angle, and 150 steps of Adam (η = 0.3, β₂ = 0.99) from one
# point of the bowl. Below are six settings; in JupyterLab and on Colab you also get two sliders. Find the angle from
# which the path is no longer straight; what β₁ does on the straight path; and what it does in the turned valley.


# %%
def walk(angle, memory):
    surface, start = turned(100, angle)
    trace = run(adaptive, surface, start, 150, lr=0.3, direction=mean(memory), size=mean(0.99))
    left = np.linalg.norm(trace.path[-1]) / np.linalg.norm(start)
    title = f"{angle:g}°, β₁ = {memory:g}\n{left:.1g} of the way left"
    return plots.descents(surface, trace, xlim=(-6, 9), ylim=(-7, 7), title=title)


interact.explore(
    walk,
    stills=[{"angle": angle, "memory": memory} for memory in (0.0, 0.9) for angle in (0, 10, 45)],
    columns=3,
    alt="Paths of Adam in a narrow bowl turned by 0, 10 and 45 degrees, without and with memory of direction: "
    "straight on the upright bowl, bent into the valley on the turned ones, and swinging around the minimum "
    "with memory.",
    angle=interact.Slider("angle in degrees", 0.0, 45.0, 1.0, 10.0),
    memory=interact.Slider("memory β₁", 0.0, 0.98, 0.02, 0.9),
)

# %% [markdown] claims=["S2-20", "S2-21", "S2-22", "S2-23", "S2-25", "S2-26"]
# ## What the sources say, and what is exact
#
# | who | says | exact |
# |---|---|---|
# | S2 | σ is the root mean square of all gradients, "used in Adagrad" | Adagrad takes the root of the **sum**: the lectures' form with the rate $\eta/\sqrt t$. The mean with constant η bursts from step $4\sum w^2/\eta^2$ on, the sum never did (section 2). That is why the lectures then need decay |
# | S2 | RMSProp starts with $\sigma_0 = \lvert g_0\rvert$ | PyTorch starts with $v = 0$ and corrects nothing: its first step is $\eta/\sqrt{1-\alpha} = 10\,\eta$ (section 3) |
# | S2 | Adam = RMSProp + momentum | and the **bias correction** of both: the first step is exactly η. Without it steps are up to 6.57 η long (section 3) |
# | S2 | Adam's defaults are fine | mostly; with rare large gradients a memory shorter than about two thirds of their period goes the wrong way at every η (section 4) |
# | S2 | a flat direction gets a larger rate, a steep one a smaller | where the direction is that of a weight. At 45° both weights get the same rate and the condition number is back (section 1) |
# | S2 | momentum keeps direction, σ only magnitude | for each weight alone. Taken together, dividing by σ turns the step, here by 34 to 44 degrees (section 3) |
# | S2 | warm-up: explore first, to collect statistics for σ | also plain momentum needs it, without any σ: the curvature at the start is too large for the rate (section 5) |

# %% [markdown]
# ## Summary
#
# 1. Dividing each weight's gradient by its own root mean square makes the path on a bowl independent of the
#    curvatures, as long as the bowl's axes are those of the weights; at 45° nothing is gained.
# 2. Adagrad divides by the sum and slows down by itself; the mean with a constant η speeds up near the minimum until
#    it bursts.
# 3. Every rule here is one formula with two memories: what to keep and what to add, of gradients for the direction
#    and of squares for the size; Adam's correction makes both into proper means.
# 4. Adam goes the wrong way where the gradients that matter come more rarely than its memory reaches.
# 5. A slow start helps for two reasons: the curvature of deep networks is large at the start, and a young average of
#    squares is unreliable.

# %% [markdown]
# ## Quick questions
#
# **1.** You feed an input in kilometres in place of metres. Its weight then gets gradients 1,000 times smaller and
# has to become 1,000 times larger. How much slower do gradient descent and Adagrad get for this weight?
# <details><summary>Answer</summary>
#
# Gradient descent a million times: steps 1,000 times shorter on a way 1,000 times longer. Adagrad a thousand times:
# its steps stay the same.
#
# </details>
#
# **2.** Steep coordinate, start at distance 3, rule with the mean and η = 0.1; the squares on the way add up to 100.
# When do bursts become possible?
# <details><summary>Answer</summary>
#
# At step 4 · 100 / 0.1² = 40,000.
#
# </details>
#
# **3.** How long is the first step of PyTorch's RMSprop with α = 0.96, and how long if you start v at the first
# square?
# <details><summary>Answer</summary>
#
# η/√0.04 = 5 η, and η.
#
# </details>
#
# **4.** A weight feels the slope +15 in one step out of 10 and −1 in the others. From which β₂ on does Adam go the
# right way?
# <details><summary>Answer</summary>
#
# The second picture of section 4 gives a critical memory of 0.55 P for P = 10: 5.5 steps, β₂ = 1 − 1/5.5 = 0.82.
#
# </details>
#
# **5.** At step 1, is Adam's step noisier than at step 1,000? Its length is exactly η.
# <details><summary>Answer</summary>
#
# Its length is, for every weight; its direction is that of a single mini-batch's signs, and the rate η/√v̂ that leads
# to it differs by factors of hundreds between weights. RAdam's factor shortens these steps.
#
# </details>

# %% [markdown]
# ## Glossary
#
# | English | 中文 | here | section |
# |---|---|---|---|
# | adaptive learning rate | 自适应学习率 | $\eta/\sigma_i$, one for each weight | 1 |
# | root mean square | 均方根 | $\sigma_t$, over all gradients so far | 1 |
# | Adagrad, RMSProp, Adam | Adagrad, RMSProp, Adam | σ from the sum; from a fading average; from two corrected means | 2, 3, 3 |
# | moving average | 滑动平均 | a mean whose weights fade by β per step of age | 3 |
# | bias correction | 偏差修正 | dividing by $1-\beta^t$, the sum of the weights | 3 |
# | learning rate decay, annealing | 学习率衰减, 退火 | a rate that falls with $t$ | 5 |
# | warm-up | 预热 | a rate that rises first | 5 |
# | learning rate schedule | 学习率调度 | $\eta_t$, up and down | 5 |
# | rectifier (RAdam) | 修正项 | $r_t$, the factor for a young σ | 5 |
# | direction, magnitude | 方向, 大小 | $m_t$; $\sqrt{v_t}$ | 3 |
# | burst | 爆发 | leaving the minimum because the effective rate has grown | 2 |
# | condition number | 条件数 | $\kappa = \lambda_{\max}/\lambda_{\min}$ | 1 |
# | layer normalisation (post-LN) | 层归一化 | after each residual sum | 5 |

# %% [markdown]
# ## Further reading
#
# - J. Duchi, E. Hazan, Y. Singer (2011), *Adaptive subgradient methods for online learning and stochastic
#   optimization*. Adagrad.
# - G. Hinton, N. Srivastava, K. Swersky (2012), *Neural networks for machine learning*, lecture 6e. RMSProp, never
#   published otherwise.
# - D. Kingma, J. Ba (2015), *Adam: a method for stochastic optimization*.
# - K. He, X. Zhang, S. Ren, J. Sun (2016), *Deep residual learning for image recognition*. Warm-up by hand for 110
#   layers.
# - P. Goyal et al. (2017), *Accurate, large minibatch SGD: training ImageNet in 1 hour*. Gradual warm-up.
# - A. Vaswani et al. (2017), *Attention is all you need*. Up linearly, down like $1/\sqrt t$.
# - I. Loshchilov, F. Hutter (2017), *SGDR: stochastic gradient descent with warm restarts*. The cosine.
# - S. Reddi, S. Kale, S. Kumar (2018), *On the convergence of Adam and beyond*. Section 4.
# - L. Liu et al. (2020), *On the variance of the adaptive learning rate and beyond*. RAdam.
# - R. Xiong et al. (2020), *On layer normalization in the transformer architecture*. Where the norm stands decides
#   about warm-up.

# %% [markdown]
# ## Your turn
#
# [Assignment 07](../assignments/07_adaptive_rates/07_adaptive_rates.ipynb): write the root mean square, Adagrad,
# RMSProp, Adam, the rectifier and a schedule. Then let your own functions walk a badly scaled bowl and read digits.
