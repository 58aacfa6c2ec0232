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

# %% [markdown] claims=["S2-34", "S2-35"]
# # Why does a classifier stall under squared error?
#
# **Unit 02, losses.** 55 minutes. You need gradient descent (unit 01), the chain rule, and logarithms.
#
# You want few mistakes. You cannot descend on their number, so you descend on something else, and you choose it. Here are two choices, cross-entropy and squared error (sections 3 and 4), for one answer of a
# three-class network: class 1 is right, $z_1$ and $z_2$ are two of its outputs, the third, at −1000, is out of play. Both walks start at the star, where the network is certain and wrong,
# and make 40 steps.

# %% tags=["hide-input"]
# @title Set-up
from itertools import count, permutations

import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.patheffects import withStroke
from scipy.special import expit
from sklearn.svm import SVC
from torch.func import grad, jacrev, vmap

from trainlab import data, interact, networks, plots
from trainlab.descend import run
from trainlab.evidence import claim, table
from trainlab.networks import Objective
from trainlab.plots import Curve

torch.set_num_threads(1)  # the models are tiny: more threads cost time, and change the last digit


def gradient_descent(grad, w, lr):
    while True:
        w = w - lr * grad(w)
        yield w


def named(panel, *names):
    """A panel with words in it: (place, word, colour)."""

    def draw(ax):
        panel(ax)
        for at, word, colour in names:
            ax.text(*at, word, fontsize=9, color=plots.ink(plots.COLOURS[colour]))

    return draw


# %% claims=["S2-34"]
ONE_ROW = {  # two losses of the outputs z of one example, whose right class is the first
    "cross-entropy": lambda z: -torch.log_softmax(z, 0)[0],
    "squared error": lambda z: (torch.softmax(z, 0) - F.one_hot(torch.tensor(0), len(z))).square().sum(),
}
SURFACES = {name: Objective(loss) for name, loss in ONE_ROW.items()}
start = np.array([-10.0, 10.0, -1000.0])
traces = {name: run(gradient_descent, s, start, steps=40, lr=1.0) for name, s in SURFACES.items()}

# %% tags=["hide-input"] claims=["S2-34"]
# @title Two surfaces
side = np.linspace(-10, 10, 81)
grid = np.stack([*np.meshgrid(side, side), np.full((81, 81), -1000.0)], axis=-1)  # (z2, z1, 3)


def seen_from_above(name, levels):
    labels = {"xlabel": "$z_1$", "ylabel": "$z_2$", "zlabel": "loss", "title": name}
    heat = plots.heat(side, side, SURFACES[name].value(grid), levels=levels, **labels)

    def draw(ax):
        heat(ax)
        path = traces[name].path
        edge = [withStroke(linewidth=2, foreground="black")]
        ax.plot(*path[:, :2].T, color="white", marker="o", markersize=2.5, linewidth=0.8, path_effects=edge)
        ax.plot(
            *path[0, :2], color="white", marker="*", markersize=13, markeredgecolor="black", clip_on=False
        )

    return draw


plots.show(
    seen_from_above("cross-entropy", np.linspace(0, 20, 11)),
    seen_from_above("squared error", np.linspace(0, 2, 11)),
    alt="Two surfaces over z1 and z2. Cross-entropy is an even slope from the top left down to the right, and the path crosses "
    "it; squared error is level at 2 in the top left half and level at 0 in the other, and its path stays on the star.",
)

# %% [markdown] claims=["S1-02", "S1-03", "S1-04", "S1-05", "S1-06"]
# ## 1. What should a mistake cost?
#
# **Question.** Accuracy is what you report. Why does nobody minimise it? And does it matter which substitute you take?
#
# Two classes, labels $y \in \{-1, +1\}$, a score $f(x)$ whose sign is the answer. The **margin** $m = y f(x)$ is positive where the answer is right, and large where it is right with room
# to spare. Four losses of the margin:
#
# | loss | formula | where it comes from |
# |---|---|---|
# | 0-1 | 1 if $m \le 0$, else 0 | the mistakes themselves |
# | hinge | $\max(0, 1 - m)$ | the widest street between the classes: support vector machines (Cortes and Vapnik 1995) |
# | log | $\ln(1 + e^{-m})$ | the likelihood of the label: logistic regression |
# | square | $(1 - m)^2$, which is $(y - f)^2$ because $y^2 = 1$ | least squares: linear regression, and Gaussian noise |
#
# That a loss is never negative is a convention: add a constant, and no gradient changes.
#
# **Predict.** Which of the four losses *grows* when a right answer becomes more right?

# %% claims=["S1-03", "S1-04", "S1-05", "S1-06"]
LOSSES = {
    "0-1": lambda m: (m <= 0).double() + 0 * m,
    "hinge": lambda m: torch.relu(1 - m),
    "log": lambda m: -F.logsigmoid(m),
    "square": lambda m: (1 - m) ** 2,
}
m = torch.linspace(-2, 3, 201, dtype=torch.float64, requires_grad=True)
heights = {name: loss(m) for name, loss in LOSSES.items()}
slopes = {name: torch.autograd.grad(h.sum(), m)[0].numpy() for name, h in heights.items()}

# %% tags=["hide-input"] claims=["S1-03", "S1-04", "S1-05", "S1-06"]
# @title Four losses and their slopes
heights, m = {name: h.detach().numpy() for name, h in heights.items()}, m.detach().numpy()
plots.show(
    named(
        plots.lines(
            *(Curve(m, h) for h in heights.values()), xlabel="margin m", ylabel="loss", ylim=(-0.2, 5)
        ),
        ((-1.95, 0.55), "0-1", 0),
        ((-1.95, 3.3), "hinge", 1),
        ((-1.95, 1.35), "log", 2),
        ((1.2, 3.5), "square", 3),
    ),
    plots.lines(
        *(Curve(m, s, name) for name, s in slopes.items()),
        xlabel="margin m",
        ylabel="slope of the loss",
        ylim=(-4.2, 4.2),
    ),
    alt="Left, four losses against the margin: the 0-1 loss is a step, hinge and log fall to 0, the square falls to 0 at "
    "m = 1 and rises again; right, their slopes: 0 for 0-1, between -1 and 0 for hinge and log, a rising line for square.",
)

# %% [markdown] claims=["S1-03", "S1-04"]
# Read the right-hand picture as forces: a gradient step moves the score of each example by minus this slope, times a length.
#
# - **0-1** never pulls. It is not convex, too, but the decisive fault is that there is nothing to descend on.
# - **hinge** pulls with full force until the margin is 1, then lets go.
# - **log** pulls hard on wrong answers and ever more gently on right ones, and never lets go.
# - **square** pulls *back* every answer with a margin above 1. A point can be punished for being too right.
#
# **Predict.** Two clouds of 100 points. Now 30 more points of class +1 lie far out, at (8, 8), all on the correct side. Under which loss does a linear classifier then make most mistakes in the
# two clouds?

# %% tags=["hide-input"] claims=["S1-03", "S1-04"]
# @title Two clouds, and a surface over the weights


def clouds(seed, far):
    """Two clouds, and `far` far but easy points. (A (N, 3): x1, x2 and 1; labels (N,))"""
    rng = np.random.default_rng(seed)
    x = [rng.normal(centre, 0.5, (100, 2)) for centre in ([1, 0], [-1, 0])]
    x = np.vstack([*x, rng.normal([8, 8], 0.3, (far, 2))])
    return np.column_stack([x, np.ones(len(x))]), np.repeat([1.0, -1.0, 1.0], [100, 100, far])


SLOPES = {  # of the losses, by hand; the evidence compares them with autograd's
    "hinge": lambda m: -1.0 * (m < 1),
    "log": lambda m: -expit(-m),
    "square": lambda m: 2 * (m - 1),
}


class OverWeights:
    """The mean loss of the scores A w, and half a penalty on the length of w's first two, as a surface over w (..., 3)."""

    def __init__(self, name, A, y, penalty=0.0):
        self.name, self.yA, self.penalty = name, y[:, None] * A, penalty * np.array([1.0, 1.0, 0.0])

    def value(self, w):
        losses = LOSSES[self.name](torch.tensor(w @ self.yA.T)).numpy()
        return losses.mean(axis=-1) + (self.penalty * w * w).sum(axis=-1) / 2

    def grad(self, w):
        return SLOPES[self.name](w @ self.yA.T) @ self.yA / len(self.yA) + self.penalty * w


# %% claims=["S1-03", "S1-04"]
mistakes, fitted = {}, {}
for far in (0, 30):
    for name in ("hinge", "log", "square"):
        for seed in range(5):
            A, y = clouds(seed, far)
            surface = OverWeights(name, A, y)
            w = run(gradient_descent, surface, np.zeros(3), steps=1000, every=1000, lr=0.05).path[-1]
            fitted[far, seed, name] = w
            wrong = (y * (A @ w) <= 0)[:200]  # among the 200 points of the two clouds
            mistakes.setdefault((far, name), []).append(100 * wrong.mean())
        print(f"{far:2d} far points, {name:6s}: {np.mean(mistakes[far, name]):.1f} % mistakes")

# %% tags=["hide-input"] claims=["S1-03", "S1-04"]
# @title Where the boundaries lie, and why nobody descends on mistakes
A, y = clouds(0, 30)


def boundaries(ax):
    for label, colour, marker in ((1, 0, "o"), (-1, 1, "s")):
        ax.scatter(*A[y == label, :2].T, s=7, color=plots.COLOURS[colour], marker=marker)
    ends = np.array([-3.0, 9.5])
    for name, colour, style in (("log", 2, "-"), ("square", 3, "--")):
        w = fitted[30, 0, name]
        where = -(w[1] * ends + w[2]) / w[0]  # x1 where the score is 0, as a function of x2
        ax.plot(where, ends, color=plots.COLOURS[colour], linestyle=style)
    for at, word, colour in (
        ((-2.0, 6.5), "log", 2),
        ((5.6, 4.6), "square", 3),
        ((6.3, 6.6), "+1", 0),
        ((-2.7, 2.0), "−1", 1),
    ):
        ax.text(*at, word, fontsize=9, color=plots.ink(plots.COLOURS[colour]))
    ax.set(xlim=(-3, 9.5), ylim=(-3, 9.5), xlabel="$x_1$", ylabel="$x_2$", title="two boundaries")


shift = np.linspace(-0.3, 0.3, 601)
upright = 3 * np.column_stack([np.ones(601), np.zeros(601), -shift])  # boundaries at x1 = shift
stairs, smooth = (OverWeights(name, A, y).value(upright) for name in ("0-1", "log"))
plots.show(
    boundaries,
    plots.lines(
        Curve(shift, stairs, "0-1"),
        Curve(shift, smooth, "log", colour=2),
        xlabel="place of an upright boundary, $x_1$",
        ylabel="mean loss",
        title="the same classifiers, two losses",
    ),
    alt="Left, two clouds and a far third one: the boundary of the log loss stands upright between the clouds, that of the "
    "squared loss leans over and cuts into one; right, the 0-1 loss is a staircase, the log loss a smooth curve.",
)

# %% [markdown] claims=["S1-06", "S3-41"]
# Square. After its 1,000 steps the log loss leaves the far points at margins near 30. Square would charge $(1 - 30)^2 = 841$ for each: so its boundary leans over to bring them back towards 1, and pays with mistakes in the clouds.
#
# Two more things are measured below. The hinge is called *the maximum-margin loss*, and is half of it: alone it stops at the first separating line with all margins above 1; with a small penalty on the length of the
# weights it finds the street that scikit-learn's support vector machine finds. And labels belong to their loss: $\{-1, +1\}$ for a margin, $t \in \{0, 1\}$ for cross-entropy, where with $t = (1+y)/2$
#
# $$\ln\bigl(1 + e^{-y f}\bigr) = -\,t \ln \sigma(f) - (1 - t) \ln\bigl(1 - \sigma(f)\bigr), \qquad \sigma(f) = \frac{1}{1 + e^{-f}} .$$
#
# Mix them, and nothing raises an error: cross-entropy given the label −1 has no floor, the hinge given the label 0 never moves that class.


# %% tags=["hide-input"] claims=["S1-02", "S1-03", "S1-04", "S1-05", "S1-06", "S3-41"]
# @title Evidence
def ever_slower(grad, w, lr):
    """The hinge has a corner: at a constant rate the weights would rattle about it."""
    for step in count():
        w = w - lr / np.sqrt(1 + step / 10) * grad(w)
        yield w


alone, penalised = [], []
for seed in range(3):
    rng = np.random.default_rng(seed)
    x = np.vstack([rng.normal(centre, 0.5, (20, 2)) for centre in ([1.5, 1], [-1.5, -1])])
    A, y = np.column_stack([x, np.ones(40)]), np.repeat([1.0, -1.0], 20)
    widest = 1 / np.linalg.norm(SVC(kernel="linear", C=1e6).fit(x, y).coef_)
    hinge, street = OverWeights("hinge", A, y), OverWeights("hinge", A, y, penalty=0.01)
    starts = np.random.default_rng(100).normal(size=(4, 3))
    by_itself = run(gradient_descent, hinge, starts, steps=500, every=500, lr=0.1).path[-1]
    with_penalty = run(ever_slower, street, np.zeros(3), steps=4000, every=4000, lr=0.3).path[-1:]
    for w, found in ((by_itself, alone), (with_penalty, penalised)):
        gap = (y * (w @ A.T)).min(axis=-1) / np.linalg.norm(w[:, :2], axis=-1)
        found.append(gap / widest)

flat = []  # slopes of the 0-1 loss by finite differences
for seed in range(20):
    surface = OverWeights("0-1", *clouds(seed, 30))
    at = np.random.default_rng(seed).normal(size=3)
    flat += [surface.value(at + 1e-6 * e) - surface.value(at - 1e-6 * e) for e in np.eye(3)]

f = torch.linspace(-30, 30, 241, dtype=torch.float64)
same = []
for label in (-1.0, 1.0):
    target = torch.full_like(f, (1 + label) / 2)
    two_forms = LOSSES["log"](label * f) - F.binary_cross_entropy_with_logits(f, target, reduction="none")
    same.append(two_forms.abs().max())
minus_one = F.binary_cross_entropy_with_logits(f, torch.full_like(f, -1.0), reduction="none")
score = f.clone().requires_grad_(True)
(pull,) = torch.autograd.grad(LOSSES["hinge"](0 * score).sum(), score)  # label 0: the margin is always 0

square, log = np.array(mistakes[30, "square"]), np.array(mistakes[30, "log"])
near = np.array(mistakes[0, "square"]) - mistakes[0, "log"]
far_margins = [(clouds(seed, 30)[0] @ fitted[30, seed, "log"])[200:].mean() for seed in range(5)]
table(
    claim("S1-03", "0-1 loss: change over ±10⁻⁶, 20 classifiers", np.abs(flat), at_most=0),
    claim("S1-04", "square less log, with far points (points of %), 5 seeds", square - log, at_least=0.25),
    claim("S1-04", "square less log, without them", near, at_least=-1.5, at_most=1.5),
    claim("S1-04", "mean margin of the far points under log", far_margins, predicted=30, within=0.1),
    claim(
        "S1-06",
        "street of hinge alone over the widest, worst of 4 starts",
        [a.min() for a in alone],
        at_most=0.8,
    ),
    claim("S1-06", "street of hinge and penalty over the widest", penalised, at_least=0.97, at_most=1.001),
    claim("S3-41", "cross-entropy with label −1, at f = −30", minus_one[0], predicted=-30, within=1e-9),
    claim("S3-41", "pull of the hinge on an example with label 0", pull.abs(), at_most=0),
    more=[
        claim("S1-02", "smallest value of the four losses", [h.min() for h in heights.values()], at_least=0),
        claim("S1-04", "mistakes of square, far points (%)", square, at_least=3),
        claim("S1-05", "mistakes of log, far points (%)", log, at_most=5),
        claim("S3-41", "log loss at ±1 less cross-entropy at {0, 1}", same, at_most=1e-12),
        claim(
            "",
            "slopes by hand, less autograd's",
            [abs(SLOPES[k](m) - slopes[k]) for k in SLOPES],
            at_most=1e-12,
        ),
    ],
)

# %% [markdown] claims=["S1-04"]
# **Caveat.** The far points were made to hurt. Without them the losses make the same mistakes to 1.5 points, and squared error has a virtue: its minimum is one solve of a linear system.

# %% [markdown] claims=["S2-28", "S2-29", "S2-30", "S2-31"]
# ## 2. How do outputs become probabilities?
#
# **Question.** With ten classes a network has ten outputs, the **logits** $z_1, \dots, z_{10}$, each a weighted sum of the last layer plus a bias. They are any ten real numbers. How do you read them as an answer, and what
# do you compare them with?
#
# **Theory.** *The target.* Call the classes 1, 2, 3 and do regression on that number, and class 2 lies between 1 and 3: renaming the classes changes the classifier. **One-hot** targets, $(1,0,0)$, $(0,1,0)$, $(0,0,1)$, are
# equally far apart. *The answer.* **Softmax** turns logits into positive numbers that sum to 1:
#
# $$p_c = \frac{e^{z_c}}{\sum_k e^{z_k}} , \qquad \frac{p_a}{p_b} = e^{z_a - z_b} .$$
#
# The second formula is the one to remember: only differences count, and they count exponentially. So adding a constant to all logits changes nothing; and for two classes $p_1 = \sigma(z_1 - z_2)$, the sigmoid of the *difference*.
#
# **Predict.** Softmax is said to enlarge differences. Shares of the sum are 75 and 25 % for (3, 1) and for (0.3, 0.1). What does softmax give the larger of (0.3, 0.1): 95, 75 or 55 %?

# %% claims=["S2-30"]
for z in ((3, 1), (0.3, 0.1), (3, 1, -3)):
    print(z, "->", torch.softmax(torch.tensor(z, dtype=torch.float64), 0).numpy().round(3))
for T in (0.05, 1, 10, 1000):  # a temperature divides the logits
    print(f"(3, 1, -3) / {T:g} ->", torch.softmax(torch.tensor([3.0, 1.0, -3.0]) / T, 0).numpy().round(3))

# %% [markdown] claims=["S2-30"]
# It enlarges the differences of large logits and evens out small ones: their size is the confidence of the classifier, and training sets it.
#
# **Stability.** $e^{1000}$ is no float64. Softmax needs differences only, so a constant comes off all logits of a row before the exponential.
#
# **Predict.** A batch has rows near 0, 1000 and −1000. Is it enough to take off the largest logit of the whole batch?

# %% claims=["S2-30"]
rows = torch.tensor([[3.0, 1, -3], [1003, 1001, 997], [-997, -999, -1003]], dtype=torch.float64)


def share(weights):
    return weights / weights.sum(dim=1, keepdim=True)


for name, probabilities in (
    ("no shift", share(rows.exp())),
    ("one maximum for the batch", share((rows - rows.max()).exp())),
    ("one maximum for each row", share((rows - rows.max(dim=1, keepdim=True).values).exp())),
):
    print(f"{name:26}", *probabilities.numpy().round(4))

# %% tags=["hide-input"] claims=["S2-28", "S2-29", "S2-30", "S2-31"]
# @title Evidence
by_number, by_one_hot = [], []  # three clouds at the corners of a triangle, all six ways to number them
for seed in range(5):
    rng = np.random.default_rng(seed)
    corners = rng.normal([[0, 1.5], [-1.3, -0.75], [1.3, -0.75]], 0.4, (60, 3, 2)).reshape(-1, 2)
    A, y = np.column_stack([corners, np.ones(180)]), np.tile([0, 1, 2], 60)
    for renamed in (np.array(order)[y] for order in permutations(range(3))):
        number = A @ np.linalg.lstsq(A, renamed, rcond=None)[0]
        one_hot = A @ np.linalg.lstsq(A, np.eye(3)[renamed], rcond=None)[0]
        by_number.append(100 * np.mean(number.round().clip(0, 2) != renamed))
        by_one_hot.append(100 * np.mean(one_hot.argmax(axis=1) != renamed))

gaps = torch.linspace(-40, 40, 81, dtype=torch.float64)
first = torch.softmax(torch.stack([gaps + 5, torch.full_like(gaps, 5.0)], dim=1), dim=1)[:, 0]
off = (first - torch.sigmoid(gaps)).abs()
elementwise = (torch.sigmoid(gaps + 5) - first)[40]  # logits 5 and 5: 0.993 instead of 0.5
z = torch.tensor([3.0, 1.0, -3.0], dtype=torch.float64)
p, cold, hot = (torch.softmax(z / T, dim=0) for T in (1, 0.05, 1000))
even = torch.sigmoid(torch.tensor(0.3 - 0.1))
shifted = share((rows - rows.max(dim=1, keepdim=True).values).exp()) / torch.softmax(rows, 1)
table(
    claim("S2-28", "mistakes on three clouds, class numbers (%), 5 seeds, 6 namings", by_number, at_least=2),
    claim("S2-28", "mistakes, one-hot (%)", by_one_hot, at_most=1),
    claim("S2-30", "softmax of (3, 1, −3)", p, predicted=[0.8788, 0.1189, 0.0022], within=0.02),
    claim("S2-30", "larger p of the logits 0.3 and 0.1", even, predicted=0.55, within=0.01),
    claim("S2-31", "two classes, less the sigmoid of the difference", off, at_most=1e-15),
    claim("S2-31", "less the sigmoid of the logit itself, at 5 and 5", elementwise, at_least=0.49),
    more=[
        claim("S2-30", "largest p at T = 0.05", cold[0], predicted=1, within=1e-12),
        claim("S2-30", "all p at T = 1000", hot, predicted=1 / 3, within=0.01),
        claim("S2-30", "one maximum for each row, over torch.softmax", shifted, predicted=1, within=1e-12),
    ],
)

# %% [markdown] claims=["S2-31", "S2-32"]
# **Caveat.** Positive and of sum 1 is not yet a probability you can bet on: nothing says so far that 88 % is right 88 times in 100. What it means is set by the loss.

# %% [markdown] claims=["S2-32"]
# ## 3. Why cross-entropy?
#
# **Question.** Ten examples look exactly alike to the network. Seven carry the label A, three the label B. What should it answer, and which loss asks for that?
#
# **Theory.** Let the network answer $p$. The probability that it gives to all the labels it saw is the **likelihood** $\prod_n p_{y_n}$. To maximise it is to minimise
#
# $$-\frac1N \sum_n \ln p_{y_n} \qquad \text{(in nats per example)},$$
#
# the **cross-entropy** between the one-hot targets and the answers: one thing with two names. (A *nat* is the unit that belongs to the natural logarithm, as the bit does to $\log_2$.) Its derivative is the reason for its place in every library. With $\ln p_c = z_c - \ln \sum_k e^{z_k}$,
#
# $$\frac{\partial}{\partial z_c} \bigl(-\ln p_y\bigr) = p_c - [\,c = y\,] ,$$
#
# answer minus target. The rival is squared error, $\sum_c (p_c - t_c)^2$ averaged over the examples (the Brier score).
#
# **Predict.** Cross-entropy is smallest at 70 % for A. Where is squared error smallest: at 50, 70 or 100 %?

# %% claims=["S2-32"]
gap = torch.linspace(-8, 8, 1601, dtype=torch.float64)  # z_A - z_B
p_A = torch.sigmoid(gap)
ten = {
    "cross-entropy": -(7 * F.logsigmoid(gap) + 3 * F.logsigmoid(-gap)) / 10,
    "squared error": (7 * 2 * (1 - p_A) ** 2 + 3 * 2 * p_A**2) / 10,
}
for name, loss in ten.items():
    print(f"{name}: smallest at a gap of {gap[loss.argmin()]:.2f}, p = {p_A[loss.argmin()]:.0%}")

# %% tags=["hide-input"] claims=["S2-32"]
# @title The arms of two losses


def arms(ax):
    plots.lines(
        *(Curve(gap.numpy(), loss.numpy(), name) for name, loss in ten.items()),
        xlabel="gap $z_A - z_B$",
        ylabel="mean loss of the ten",
    )(ax)
    ax.axvline(np.log(7 / 3), color=plots.GREY, linestyle=":", linewidth=1)
    ax.set(xticks=[-8, -4, 0.85, 4, 8], xticklabels=["−8", "−4", "0.85", "4", "8"])


plots.show(
    arms,
    alt="Both losses have their minimum at a gap of about 0.85; away from it cross-entropy rises in two straight arms, squared error "
    "levels off on both sides.",
    height=2.4,
)

# %% [markdown] claims=["S2-32", "S2-33"]
# Both ask for 70 %: squared error is an honest loss. They differ in the *arms*. Cross-entropy keeps its slope however wrong the answer is; squared error can charge at most 2 and runs level.
#
# In PyTorch, `F.cross_entropy` contains the softmax: it takes *logits*, with each row's maximum taken out, so no probability underflows on the way.
#
# **Predict.** A ten-class network is perfect: its softmax gives one-hot rows. Someone passes these *probabilities* to `F.cross_entropy`. Does it report 0, 1.46 or infinity?

# %% claims=["S2-33"]
for C in (3, 10):
    perfect = torch.eye(C, dtype=torch.float64)
    print(f"{C} classes: {F.cross_entropy(perfect, torch.arange(C)):.3f}")
wrong = torch.tensor([[1000.0, 0.0]], dtype=torch.float64)  # a certain row whose label is 1
print("F.cross_entropy:", F.cross_entropy(wrong, torch.tensor([1])).item())
print("-log(softmax + 1e-12):", -torch.log(torch.softmax(wrong, 1) + 1e-12)[0, 1].item())

# %% [markdown] claims=["S2-33"]
# *Softmax twice* cannot fall below $\ln(1 + (C-1)/e)$; the *logarithm of a probability* stops at 27.6, its gradient cut to nothing. Neither raises an error.

# %% tags=["hide-input"] claims=["S2-32", "S2-33"]
# @title Evidence
q = torch.tensor([0.6, 0.3, 0.1], dtype=torch.float64)  # six, three and one of ten
likelihood = Objective(lambda z: -(q * torch.log_softmax(z, 0)).sum())
brier = Objective(lambda z: (q * (torch.softmax(z, 0) - torch.eye(3)).square().sum(1)).sum())
ends = [run(gradient_descent, s, np.zeros(3), 1000, every=1000, lr=1.0).path[-1] for s in (likelihood, brier)]
by_likelihood, by_brier = (torch.softmax(torch.tensor(z), 0) for z in ends)

rng = np.random.default_rng(0)
logits, labels = torch.tensor(rng.normal(size=(50, 7)) * 4), torch.tensor(rng.integers(0, 7, 50))
logits.requires_grad_()
loss = F.cross_entropy(logits, labels)
by_hand = -torch.log_softmax(logits, dim=1)[range(50), labels].mean()
(gradient,) = torch.autograd.grad(loss, logits)
off = (gradient - (torch.softmax(logits, 1) - F.one_hot(labels, 7)) / 50).detach().abs()

perfect = torch.eye(10, dtype=torch.float64)
twice = [F.cross_entropy(perfect[:C, :C], torch.arange(C)) for C in (3, 10)]
floor = np.log(1 + np.array([2, 9]) / np.e)
exact, cut = F.cross_entropy(wrong, torch.tensor([1])), -torch.log(torch.softmax(wrong, 1) + 1e-12)[0, 1]
table(
    claim(
        "S2-32",
        "labels 60, 30, 10 %: p at the minimum of cross-entropy",
        by_likelihood,
        predicted=q,
        within=1e-3,
    ),
    claim("S2-32", "p at the minimum of squared error", by_brier, predicted=q, within=1e-3),
    claim("S2-32", "gradient of F.cross_entropy, less (p − t)/N", off, at_most=1e-15),
    claim("S2-33", "softmax twice: loss of perfect answers, C = 3, 10", twice, predicted=floor, within=1e-9),
    more=[
        claim(
            "S2-33",
            "F.cross_entropy over the mean of −log softmax",
            (loss / by_hand).item(),
            predicted=1,
            within=1e-12,
        ),
        claim("S2-33", "F.cross_entropy of (1000, 0), label 1", exact, predicted=1000, within=1e-12),
        claim("S2-33", "the same by −log(p + 1e-12)", cut, predicted=-np.log(1e-12), within=1e-9),
    ],
)

# %% [markdown] claims=["S2-34", "S2-35"]
# **Caveat.** Both losses reward the true proportions where the network can express them. One that tells all examples apart is driven to certainty instead, label noise included (section 5, and unit 11).

# %% [markdown] claims=["S2-34", "S2-35"]
# ## 4. Where does squared error stall?
#
# **Question.** Back to the star: $z_1 = -10$, $z_2 = 10$, class 1 is right. Certain, and wrong. Cross-entropy needs 11 steps of rate 1 until $z_1 = z_2$. Can squared error get out at all?
#
# **Theory.** Squared error passes through softmax's Jacobian on its way to the logits,
#
# $$\frac{\partial p_i}{\partial z_j} = p_i\,\bigl([\,i = j\,] - p_j\bigr) ,$$
#
# so every force on the right class's logit carries the factor $p_y$, and it is tiny where the answer is certain and wrong. The logarithm in cross-entropy divides by exactly this $p_y$. With two classes, or a third one
# out of play, all depends on the gap $d = z_2 - z_1$ to the wrong class, $p_2 = \sigma(d)$. Both logits move, towards one another, so at rate 1 the gap shrinks by *twice* the slope:
#
# | | loss | slope in $d$ | the gap after a step | steps until $d = 0$ |
# |---|---|---|---|---|
# | cross-entropy | $\ln(1 + e^{d})$ | $p_2$ | $d - 2 p_2$ | $\tfrac12 (d + 1 - e^{-d}) \approx d/2$ |
# | squared error | $2 p_2^2$ | $4 p_1 p_2^2$ | $d - 8 p_1 p_2^2$ | $\tfrac18 \bigl(e^{d} + 3d + \tfrac52 - 3e^{-d} - \tfrac12 e^{-2d}\bigr) \approx e^{d}/8$ |
#
# The last column takes the steps as continuous: it adds up 1 over the shrinkage from 0 to $d$.
#
# **Predict.** The star has a gap of 20. About how many steps does squared error need: 2,000, 200,000 or 60 million?


# %% claims=["S2-34", "S2-35"]
def force(name, z, target):
    """The gradient of a loss with respect to the logits z (..., C), by the two formulas above."""
    p = torch.softmax(torch.tensor(z), -1).numpy()
    error = p - target
    return error if name == "cross-entropy" else 2 * p * (error - (p * error).sum(axis=-1, keepdims=True))


def steps_to_equality(name, gaps, third=-1000.0, most=3000):
    """Steps of rate 1 for which the right class is behind, one number per starting gap."""
    z, steps = np.stack([-gaps / 2, gaps / 2, np.broadcast_to(third, gaps.shape)], axis=-1), 0
    for _ in range(most):
        steps += z[:, 0] < z[:, 1:].max(axis=-1)
        z = z - force(name, z, target=np.eye(3)[0])
    return steps


formulas = {
    "cross-entropy": lambda d: (d + 1 - np.exp(-d)) / 2,
    "squared error": lambda d: (np.exp(d) + 3 * d + 2.5 - 3 * np.exp(-d) - np.exp(-2 * d) / 2) / 8,
}
measured = {name: steps_to_equality(name, np.arange(1.0, 11)) for name in formulas}
for name, steps in measured.items():
    print(f"{name}: gaps 1 to 10 take {steps}; by the formula, 20 takes {formulas[name](20):,.1f}")

# %% tags=["hide-input"] claims=["S2-34", "S2-35"]
# @title Force and time
gaps, wide = np.arange(1.0, 11), np.linspace(0, 20, 81)
at = np.stack([-wide / 2, wide / 2, np.full(81, -1000.0)], axis=-1)
lengths = {name: np.linalg.norm(s.grad(at), axis=-1) for name, s in SURFACES.items()}
plots.show(
    named(
        plots.lines(
            *(Curve(wide, g) for g in lengths.values()),
            xlabel="gap $z_2 - z_1$",
            ylabel="length of the gradient",
            logy=True,
        ),
        ((8, 0.12), "cross-entropy", 0),
        ((11.5, 5e-3), "squared error", 1),
    ),
    named(
        plots.lines(
            *(Curve(gaps, n, colour=k) for k, n in enumerate(measured.values())),
            *(Curve(wide, f(wide), theory=True, colour=k) for k, f in enumerate(formulas.values())),
            xlabel="gap at the start",
            ylabel="steps until equality",
            logy=True,
            ylim=(0.5, 2e8),
        ),
        ((11.5, 40), "cross-entropy", 0),
        ((5, 2e5), "squared error", 1),
    ),
    alt="Left, the gradient of cross-entropy stays at 1.4 for every gap; that of squared error falls in a straight line on the "
    "logarithmic axis, to 1e-8. Right, measured steps lie on the broken lines of the theory: half the gap for cross-entropy, a straight line up "
    "to 6e7 for squared error.",
)

# %% [markdown] claims=["S2-34"]
# 61 million, by a formula that the counts follow to 4 % from a gap of 6 on. Each unit of gap costs half a step under cross-entropy, and a factor of $e$ under squared error.
#
# The source puts the third logit at −1000. Is it to blame?
#
# **Predict.** From a gap of 8 squared error takes 379 steps. Which move of $z_3$ changes that number: from −1000 to −10, or from −10 to 0?

# %% claims=["S2-34"]
third = np.array([-1000.0, -100.0, -20.0, -10.0, -4.0, -2.0, 0.0, 2.0, 4.0])
eight = steps_to_equality("squared error", np.full(9, 8.0), third)
for z3, n in zip(third, eight, strict=True):
    print(f"z1 = -4, z2 = 4, z3 = {z3:5g}: {n:5d} steps")

# %% [markdown] claims=["S2-28", "S2-34", "S2-35"]
# A logit far below the others has no part in the softmax: the plateau is there with two classes alone. Nearer by it matters in both directions, because squared error first makes the two *wrong* classes equal. That struggle
# has a visible gradient, so "the gradient is not small, hence we are learning" can be wrong too.
#
# **Who is guilty?** Neither the square nor the softmax alone. Squared error on the raw outputs is a bowl, with a gradient of 29.7 at the star; Hui and Belkin (2021) train modern networks that way about as well as with cross-entropy.
# And at *equal* logits squared error through softmax has $2/C$ of cross-entropy's gradient, in the same direction: a matter of the rate, although with 1,000 classes a matter of 500.
#
# **A real classifier.** 300 handwritten digits, $z = W x + b$, 16 inputs of variance 1. The start is random, with logits of standard deviation 1 to 32: at 32 a typical answer is certain and wrong. Every run gets the best of four
# rates, from 1 to 30.
#
# **Predict.** Both losses reach 90 % within 20 steps from the smallest start. How many steps does squared error take from the largest?

# %% tags=["hide-input"] claims=["S2-35"]
# @title Two losses of a linear classifier of digits
digits = data.pca_digits(16, 300)
X = np.column_stack([digits.inputs, np.ones(300)])  # the column of ones carries the bias


# %% claims=["S2-35"]
def steps_to_90(name, size, most=300):
    """Steps until 90 % of the digits are right, at the best of four rates; one number for each of three seeds."""
    W = np.stack(
        [size * np.random.default_rng(seed).normal(size=(17, 10)) / np.sqrt(17) for seed in range(3)]
    )
    rates, steps = np.array([1.0, 3.0, 10.0, 30.0])[:, None, None, None], np.full(3, most)
    for step in range(most):
        z = X @ W  # (4 rates, 3 seeds, 300 digits, 10 classes)
        good = (z.argmax(axis=-1) == digits.labels).mean(axis=-1) >= 0.9
        steps = np.minimum(steps, np.where(good.any(axis=0), step, most))
        if (steps < most).all():
            break
        W = W - rates * (X.T @ force(name, z, digits.one_hot)) / 300
    return steps


sizes = np.array([1, 2, 4, 8, 16, 32])
ce = np.array([steps_to_90("cross-entropy", size) for size in sizes])  # (sizes, seeds)
se = np.array([steps_to_90("squared error", size) for size in sizes])
for size, fast, slow in zip(sizes, ce, se, strict=True):
    print(f"size {size:2d}: cross-entropy {fast} steps, squared error {slow} (300: given up)")

# %% tags=["hide-input"] claims=["S2-28", "S2-35"]
# @title The start, and the curvature
few = np.linspace(-4, 8, 49)
two = torch.tensor(np.column_stack([-few / 2, few / 2]))
direction = torch.tensor([-1.0, 1.0], dtype=torch.float64) / np.sqrt(2)
curved = {n: (vmap(jacrev(grad(f)))(two) @ direction @ direction).numpy() for n, f in ONE_ROW.items()}
P = 1 / (1 + np.exp(-few))
curvatures = {"cross-entropy": 2 * P * (1 - P), "squared error": 8 * (1 - P) * P**2 * (2 - 3 * P)}
plots.show(
    named(
        plots.lines(
            Curve(sizes, np.median(ce, axis=1)),
            Curve(sizes, np.median(se, axis=1)),
            xlabel="standard deviation of the logits at the start",
            ylabel="steps to 90 %",
            logx=True,
            logy=True,
            ylim=(0.7, 600),
        ),
        ((1.0, 13), "squared error", 1),
        ((3.6, 0.85), "cross-entropy", 0),
        ((3.2, 380), "300: given up", 3),
    ),
    named(
        plots.lines(
            *(Curve(few, c, colour=k) for k, c in enumerate(curved.values())),
            Curve([-4, 8], [0, 0], theory=True, colour=3),
            xlabel="gap $z_2 - z_1$ (class 1 is right)",
            ylabel="curvature along the gap",
        ),
        ((2.3, 0.22), "cross-entropy", 0),
        ((3.9, -0.36), "squared error", 1),
    ),
    alt="Left, steps to 90 % against the size of the start, median of three seeds: cross-entropy stays between 1 and 7; squared error starts at 3, "
    "rises steeply from a size of 4 on and is given up at 300 steps from 16 on. Right, the curvature of cross-entropy is a bell, positive everywhere; that of squared error turns "
    "negative at a gap of 0.69.",
)

# %% [markdown] claims=["S2-28", "S2-35"]
# From a small start the two losses are nearly equals; from one that is certain and wrong, squared error has not arrived after 300 steps at any of the four rates.
#
# The right-hand picture says what kind of place the star is. In the logits cross-entropy has the Hessian $\mathrm{diag}(p) - p p^\top$, a covariance matrix: convex. Squared error has the eigenvalue $8 p_1 p_2^2 (2 - 3 p_2)$, negative beyond a gap of
# $\ln 2$. So "classification is a special case of regression" is a picture; as problems of optimisation the two differ in kind. The star is no minimum and no saddle, since its gradient is $1.2 \cdot 10^{-8}$ and not 0: it is a shoulder that falls away ever so slowly.

# %% tags=["hide-input"] claims=["S2-28", "S2-34", "S2-35"]
# @title Evidence
e, se_steps, formula = measured["cross-entropy"], measured["squared error"], formulas["squared error"](gaps)
behind = traces["cross-entropy"].path[:, 0] < traces["cross-entropy"].path[:, 1]
ce_corner, se_corner = (np.linalg.norm(SURFACES[name].grad(start)) for name in SURFACES)
p1 = 1 / (1 + np.exp(20.0))
two_classes = np.linalg.norm(SURFACES["squared error"].grad(start[:2])) / se_corner
no_softmax = Objective(lambda y: (y[:2] - torch.tensor([1.0, 0.0])).square().sum())
raw = np.linalg.norm(no_softmax.grad(start))
equal = [
    C * np.linalg.norm(SURFACES["squared error"].grad(z)) / np.linalg.norm(SURFACES["cross-entropy"].grad(z))
    for C, z in ((C, np.zeros(C)) for C in (2, 3, 10, 100))
]
five = torch.tensor(np.random.default_rng(0).normal(size=(500, 5)) * 3)
spectra = [torch.linalg.eigvalsh(vmap(jacrev(grad(loss)))(five)) for loss in ONE_ROW.values()]
ce_lowest, se_lowest = (spectrum[:, 0] for spectrum in spectra)
negative = 100 * (se_lowest < -1e-9).double().mean()
turn = (curved["squared error"] < 0).argmax()
bracket, ln2 = few[[turn - 1, turn]], np.log(2)
table(
    claim("S2-34", "steps, squared error, gaps 6 to 10", se_steps[5:], predicted=formula[5:], within=0.05),
    claim(
        "S2-34",
        "their growth for each unit of gap, 7 to 10",
        se_steps[7:] / se_steps[6:-1],
        predicted=np.e,
        within=0.03,
    ),
    claim("S2-35", "steps from the star, cross-entropy", behind.sum(), predicted=11, within=0),
    claim(
        "S2-34", "steps from a gap of 8, z3 from −1000 to −10", eight[:4], predicted=se_steps[7], within=0.003
    ),
    claim("S2-34", "the same, z3 from −4 to 4", eight[4:], at_least=100, at_most=1500),
    claim("S2-35", "digits, cross-entropy, every start and seed: steps", ce, at_most=20),
    claim("S2-35", "digits, squared error, largest start (300: given up)", se[-1], at_least=300),
    claim(
        "S2-28",
        "gaps around the sign change of squared error's curvature",
        bracket,
        at_least=ln2 - 0.25,
        at_most=ln2 + 0.25,
    ),
    more=[
        claim("S2-34", "gradient at the star, cross-entropy", ce_corner, predicted=np.sqrt(2), within=1e-6),
        claim(
            "S2-34",
            "gradient at the star, squared error: 4√2 p1 p2²",
            se_corner,
            predicted=4 * np.sqrt(2) * p1 * (1 - p1) ** 2,
            within=1e-6,
        ),
        claim("S2-34", "steps, squared error, a gap of 5", se_steps[4], predicted=23, within=0),
        claim("S2-35", "steps, cross-entropy, less d/2, gaps 1 to 10", e - gaps / 2, at_least=0, at_most=1.5),
        claim(
            "S2-34",
            "growth for each unit of both logits",
            se_steps[8:] / se_steps[6:-2],
            predicted=np.exp(2),
            within=0.04,
        ),
        claim(
            "S2-34", "gradient at the star, two classes over three", two_classes, predicted=1, within=1e-12
        ),
        claim(
            "S2-34", "gradient at the star without softmax", raw, predicted=2 * np.hypot(11, 10), within=1e-9
        ),
        claim("S2-35", "C × squared error over cross-entropy, equal logits", equal, predicted=2, within=1e-9),
        claim("S2-35", "digits, squared error, smallest start: steps", se[0], at_most=20),
        claim("S2-28", "lowest eigenvalue, cross-entropy, 500 points, C = 5", ce_lowest, at_least=-1e-14),
        claim("S2-28", "points where squared error has one below 0 (%)", negative, at_least=50),
        claim(
            "",
            "forces by hand, less autograd's, 500 points",
            [abs(force(n, five.numpy(), np.eye(5)[0]) - s.grad(five.numpy())) for n, s in SURFACES.items()],
            at_most=1e-12,
        ),
        claim(
            "S2-28",
            "curvatures of both losses over their formulas",
            [curved[name] / curvatures[name] for name in curved],
            predicted=1,
            within=1e-6,
        ),
    ],
)

# %% [markdown] claims=["S2-34", "S2-35"]
# **Caveat.** It is a statement about the start, or about examples that are certain and wrong later: mislabelled ones, a network that is fine-tuned on new labels. With the small random starts of unit 03 most logits begin near 0. Golik, Doetsch and
# Ney (2013) saw both: from random starts squared error reached no good optimum, and some training with it *after* cross-entropy lowered the word errors from 30.9 to 30.5 % in speech and from 22.7 to 21.9 % in handwriting.

# %% [markdown] claims=["S3-23"]
# ## 5. Where should the targets be?
#
# **Question.** The output unit is $f(z) = 1.7159 \tanh(\tfrac23 z)$, which runs from −1.7159 to 1.7159. Should the targets for wrong and right be ±1.7159, as far apart as the unit can go?
#
# **Theory.** No finite $z$ reaches an **asymptote**. The gradient carries $f'(z)$, which fades as the output nears its target: the weights grow for ever, ever more slowly, and the unit ends up saturated. A target inside the range is reached at a
# finite $z$; at $f = 1$ the unit still has
#
# $$\frac{f'(z)}{f'(0)} = 1 - \tanh^2 = 1 - \frac{1}{1.7159^2} = 0.660$$
#
# of its largest slope. LeCun et al. (1998) put the targets where the *second* derivative is largest, the last place before saturation; their constants put that place at ±1 (exactly, at $f = 0.991$).
#
# **Predict.** 300 digits, a network 16-16-10, 1,000 steps. With targets ±1.7159 in place of ±1, how long are the weights of the output layer: as long, twice or three times as long?

# %% claims=["S3-23"]
both = data.pca_digits(16, 600)
train, test = slice(0, 300), slice(300, 600)
signs = 2 * both.one_hot - 1  # +1 for the digit's own unit, -1 for the nine others
network = networks.MLP((16, 16, 10))
starts = np.stack([network.initial(seed) for seed in range(3)])
inputs, targets = torch.tensor(both.inputs[train]), torch.tensor(signs[train])


def trained_on(level):
    """1,000 steps on targets ±level, three seeds in one vector of weights; (moments, seeds, weights)."""

    def loss(theta):
        z = network.forward(theta.view(3, -1), inputs)  # (3 seeds, 300 digits, 10 units)
        return (1.7159 * torch.tanh(2 * z / 3) - level * targets).square().mean(dim=(1, 2)).sum()

    path = run(gradient_descent, Objective(loss), starts.ravel(), 1000, every=25, lr=2.0).path
    return path.reshape(-1, *starts.shape)


by_level = {level: trained_on(level) for level in (1.0, 1.7159)}
for level, path in by_level.items():
    weights = np.linalg.norm(path[-1, :, -170:-10], axis=-1)  # of the output layer
    print(f"targets ±{level}: output weights of length {weights.round(1)}")

# %% tags=["hide-input"] claims=["S3-23"]
# @title Weights and slopes on the way


lengths, slopes, accuracies = {}, {}, []
for level, path in by_level.items():
    z = network.forward(torch.tensor(path), torch.tensor(both.inputs))  # (41 moments, 3, 600, 10)
    lengths[level] = np.linalg.norm(path[..., -170:-10], axis=-1)
    slopes[level] = (1 - torch.tanh(2 * z[:, :, train] / 3) ** 2).mean((2, 3)).numpy()
    accuracies += [*(100 * (z[-1, :, test].argmax(-1).numpy() == both.labels[test]).mean(axis=1))]
after = np.arange(25, 1001, 25)
ideal = 1 - 1.7159**-2
plots.show(
    plots.lines(
        *(Curve(after, w.mean(axis=1)[1:], f"±{level:g}") for level, w in lengths.items()),
        xlabel="step",
        ylabel="length of the output weights",
        logx=True,
        ylim=(0, 15),
    ),
    plots.lines(
        *(Curve(after, s.mean(axis=1)[1:], f"±{level:g}") for level, s in slopes.items()),
        Curve([25, 1000], [ideal, ideal], "0.660", theory=True, colour=3),
        xlabel="step",
        ylabel="slope of the outputs",
        logx=True,
        ylim=(0, 0.8),
    ),
    alt="Left, the output weights for targets ±1 level off near 4, those for targets at the asymptote climb in a straight line "
    "against the logarithm of the step, to 13; right, the slope of the output units, as a fraction of the largest, stays at "
    "0.66 for ±1 and falls to 0.02 at the asymptote.",
)

# %% [markdown] claims=["S3-23"]
# Three times. The straight climb against a logarithmic axis is the signature of a target at infinity. And **cross-entropy does the same**: one-hot targets *are* at softmax's asymptote, since $p_y = 1$ needs an infinite gap.
# The cure is the old one under a new name: **label smoothing** (Szegedy et al. 2016) asks for $1 - \varepsilon + \varepsilon/C$ in place of 1.
#
# **Predict.** Ten classes, one example, gradient descent on its ten logits. What are the gaps after 50, 500 and 5,000 steps with one-hot targets: do they stop, double, or grow by the same amount each time?

# %% claims=["S3-23"]
z, grown = np.zeros((2, 10)), []
targets = np.stack([(1 - smoothing) * np.eye(10)[0] + smoothing / 10 for smoothing in (0, 0.1)])
for step in range(1, 5001):
    z = z - force("cross-entropy", z, targets)
    if step in (50, 500, 5000):
        grown.append(z[:, 0] - z[:, 1])
one_hot, smoothed = np.transpose(grown)
print(f"gaps: one-hot {one_hot.round(2)}, smoothing 0.1 {smoothed.round(2)}")

# %% tags=["hide-input"] claims=["S3-23"]
# @title Evidence
a = np.linspace(-6, 6, 120_001)
sigmoid = 1 / (1 + np.exp(-a))
bend = sigmoid * (1 - sigmoid) * (1 - 2 * sigmoid)  # the second derivative of the sigmoid
bends = sigmoid[[bend.argmax(), bend.argmin()]]
left = [4 * x * (1 - x) for x in (*bends, 0.1, 0.9)]  # slope there, as a fraction of the largest, 1/4
short, long = lengths[1.0][-1], lengths[1.7159][-1]
climb = long - lengths[1.7159][4]
growth = np.diff(one_hot)
table(
    claim("S3-23", "output weights, ±1.7159 over ±1, 3 seeds", long / short, at_least=2.5, at_most=3.5),
    claim("S3-23", "growth for ±1.7159 from step 100 to step 1,000", climb, at_least=3),
    claim("S3-23", "slope of the outputs, ±1", slopes[1.0][-1], predicted=ideal, within=0.02),
    claim("S3-23", "slope of the outputs, ±1.7159", slopes[1.7159][-1], at_most=0.05),
    claim(
        "S3-23",
        "gap, growth for each ten-fold time, one-hot: ln 10",
        growth,
        predicted=np.log(10),
        within=0.05,
    ),
    claim("S3-23", "gap, smoothing 0.1: ln 91", smoothed, predicted=np.log(91), within=0.01),
    claim("S3-23", "accuracy on 300 new digits (%), both targets", accuracies, at_least=84, at_most=96),
    more=[
        claim("S3-23", "length of the output weights, ±1", short, at_most=6),
        claim("S3-23", "length of the output weights, ±1.7159", long, at_least=10),
        claim("S3-23", "the sigmoid where it bends most", bends, predicted=[0.2113, 0.7887], within=1e-3),
        claim(
            "S3-23",
            "its slope there, and at 0.1 and 0.9",
            left,
            predicted=[2 / 3, 2 / 3, 0.36, 0.36],
            within=1e-3,
        ),
    ],
)

# %% [markdown] claims=["S3-23"]
# By $\ln 10$ for each ten-fold time; smoothed, the gap stops at $\ln 91$.
#
# **Caveat.** At this size the accuracy hardly cares. What the asymptote costs is the ability to go on learning, and an honest degree of certainty. The popular 0.1 and 0.9 for the logistic unit are not where it bends most: that is at 0.211 and 0.789,
# with two thirds of its largest slope left, against 36 %.

# %% [markdown]
# ## Touch it
#
# The force on the right class's logit, $-\partial L/\partial z_1$, along the gap, with a third class at $z_3$. Find (1) the gap from which squared error pulls a hundred times less than cross-entropy, (2) the highest $z_3$ whose effect you cannot see, and (3) what becomes of the two
# forces to the left of gap 0, where class 2 is beaten but class 3 is not.

# %% tags=["hide-input"]
# @title Four settings
across = np.linspace(-6, 20, 105)


def forces(gap, third):
    places = np.stack([-across / 2, across / 2, np.full(105, third)], axis=-1)
    here, push = np.array([-gap / 2, gap / 2, third]), []

    def draw(ax):
        for k, surface in enumerate(SURFACES.values()):
            colour, curve = plots.COLOURS[k], -surface.grad(places)[:, 0]
            push.append(-surface.grad(here)[0])
            ax.semilogy(across, curve, color=colour, linestyle=("-", "--")[k])
            ax.plot(gap, push[-1], color=colour, marker=plots.MARKERS[k], markersize=8)
        for at, word, k in (((6, 5), "cross-entropy", 0), ((3.5, 1e-7), "squared error", 1)):
            ax.text(*at, word, fontsize=9, color=plots.ink(plots.COLOURS[k]))
        ax.set(xlabel="gap $z_2 - z_1$", ylabel="force on $z_1$", ylim=(1e-9, 40))
        ax.set_title(f"gap {gap:g}, $z_3$ = {third:g}: {push[0]:.2g} and {push[1]:.1e}")

    return draw


interact.explore(
    forces,
    stills=[{"gap": g, "third": z3} for g, z3 in [(4.0, -20.0), (14.0, -20.0), (4.0, 0.0), (4.0, 6.0)]],
    columns=2,
    alt="Four pictures of the force on the right logit, on a logarithmic axis. Towards large gaps cross-entropy's is level at 1 "
    "and squared error's falls in a straight line. Towards negative gaps both fall while the third logit is low; with a third "
    "logit of 6 cross-entropy stays at 1.",
    gap=interact.Slider("gap z2 - z1", -6.0, 20.0, 0.5, 4.0),
    third=interact.Slider("third logit z3", -20.0, 12.0, 0.5, -20.0),
)

# %% [markdown]
# <details><summary>Answers</summary>
#
# (1) A gap of 6: the ratio of the two forces is $4 p_1 p_2$, and $4\,e^{-6} = 0.01$. (2) About −6. It shows first at the left end, where the forces are smallest. (3) As long as class 3 is beaten too, the answer is right and both fall. With $z_3$ above
# $z_1$ cross-entropy goes on pulling with nearly 1; squared error pulls with its factor $p_1$, the more the nearer $z_1$ comes to $z_3$.
#
# </details>

# %% [markdown] claims=["S1-02", "S1-03", "S2-28", "S2-30", "S2-31", "S2-34", "S3-23", "S3-41"]
# ## What the sources say, and what is exact
#
# <details><summary>Twelve statements</summary>
#
# S1 is a Chinese overview of the difficulties of deep networks, S2 a set of notes on Hung-yi Lee's lectures, S3 a text on LeCun, Bottou, Orr and Müller (1998).
#
# | source | says | exact |
# |---|---|---|
# | S1 | a loss is non-negative | a convention; a constant changes no gradient. Likelihoods of densities can give negative losses |
# | S1 | the 0-1 loss is unusable because it is non-convex | it is non-convex; but the decisive fault is that its gradient is 0 almost everywhere (section 1). Minimising it exactly is NP-hard in general |
# | S1 | squared loss is for linear regression, log loss for classification | as habits. Squared loss on raw outputs does classify; it loses where right answers lie far out (4 to 9.5 % mistakes against 1.5 to 4.5 %, section 1) |
# | S1 | hinge loss is maximum margin | hinge **plus a penalty on the length of the weights** is. Alone it reached 49 to 77 % of the widest street at the worst of four starts (section 1) |
# | S2 | classification is special regression | as a picture of the model. As optimisation: squared error on softmax is non-convex in the logits (beyond a gap of ln 2), cross-entropy is convex (section 4) |
# | S2 | softmax enlarges differences | of large logits. (0.3, 0.1) becomes 55 and 45 % where plain shares give 75 and 25 % (section 2) |
# | S2 | softmax and sigmoid are equivalent | for two classes, $\mathrm{softmax}(z)_1 = \sigma(z_1 - z_2)$: the sigmoid of the **difference**, not of each logit (section 2) |
# | S2 | with $y_3 = -1000$ (here $z_3$), squared error is stuck at the top left | $z_3$ has no part in it: two classes alone give the same numbers. The plateau is the wrong-signed **gap** $z_2 - z_1$; the force carries $p_1 p_2^2$, the time grows by $e$ for each unit of gap, by $e^2 = 7.39$ when both logits move one unit (section 4) |
# | common | the place of $z_3$ is irrelevant | only well below the others (−10 and less here). Nearer by, it changed the number of steps by factors from 0.4 to 3.5 (section 4) |
# | common | squared error cannot train classifiers | **through softmax, from a certain and wrong start**. On raw outputs, or from small logits, it can (section 4) |
# | S3 | targets within the range of the sigmoid, usually +1 and −1 | ±1 suits $1.7159 \tanh(\tfrac23 z)$. For the logistic unit 0.1 and 0.9 are customary; its second derivative is largest at 0.211 and 0.789. Never the asymptote (section 5) |
# | S3 | targets {0, 1} for cross-entropy, {−1, 1} for hinge | yes, and mixed they fail silently: a loss without a floor, or a class without a force (section 1) |
#
# </details>

# %% [markdown]
# ## Summary
#
# 1. The 0-1 loss has slope 0; hinge, log and square are substitutes with a slope, and they differ in what they do to answers that are right.
# 2. Softmax turns differences of logits into ratios of probabilities, $p_a/p_b = e^{z_a - z_b}$; take each row's maximum out first.
# 3. Cross-entropy is the negative log-likelihood, its gradient in the logits is answer minus target, and PyTorch's version wants logits.
# 4. Squared error through softmax carries the factor $p_y$: from a gap $d$ to the wrong class it takes $e^d/8$ steps where cross-entropy takes $d/2$.
# 5. A target at an asymptote is a minimum at infinity: weights grow like the logarithm of time, and units stop responding.

# %% [markdown]
# ## Quick questions
#
# **1.** Two classes, label −1, score −3. Margin, hinge loss, squared loss?
# <details><summary>Answer</summary>
#
# The margin is 3, the hinge loss 0, the squared loss 4: the answer is punished for being too right.
#
# </details>
#
# **2.** A three-class network's loss falls to 0.56 and stays there, with 100 % accuracy on the training set. What do you look for in the code?
# <details><summary>Answer</summary>
#
# A softmax before `F.cross_entropy`. Fed with probabilities it cannot fall below ln(1 + 2/e) = 0.551.
#
# </details>
#
# **3.** From a gap of 5, $e^5/8$ is 18.6 steps. Is that what squared error takes? How many from a gap of 12? And cross-entropy?
# <details><summary>Answer</summary>
#
# The full formula gives 20.7, and 23 steps were counted. From 12, about e¹²/8 = 20,000; cross-entropy about 6.5.
#
# </details>
#
# **4.** You divide all logits by 10 before the softmax, from the same start with a gap of 20. What becomes of the plateau?
# <details><summary>Answer</summary>
#
# The softmax sees a gap of 2: no plateau. Each logit then moves it by a tenth only, and the gradient is a tenth too, so each step does a hundredth: about 190 steps in place of 61 million. A temperature is one cure for a bad start.
#
# </details>
#
# **5.** Label smoothing with ε = 0.1, two classes. Where does the gap end?
# <details><summary>Answer</summary>
#
# Targets 0.95 and 0.05: the gap is ln 19 = 2.94.
#
# </details>

# %% [markdown]
# ## Glossary
#
# | English | 中文 | here | section |
# |---|---|---|---|
# | loss function | 损失函数 | what one prediction costs, as a number | 1 |
# | 0-1 loss, hinge loss, log loss, squared loss | 0-1 损失, 合页损失, 对数损失, 平方损失 | functions of the margin, section 1 | 1 |
# | margin | 间隔 | $m = y f(x)$ | 1 |
# | one-hot vector | 独热向量 | 1 at the label, 0 elsewhere | 2 |
# | logit | 对数几率 | what goes into the softmax | 2 |
# | softmax | 归一化指数函数 | $p_c = e^{z_c} / \sum_k e^{z_k}$ | 2 |
# | temperature | 温度 | softmax of $z/T$ | 2 |
# | cross-entropy | 交叉熵 | $-\sum_c t_c \ln p_c$ | 3 |
# | maximum likelihood | 最大似然 | the parameters under which the data are most probable | 3 |
# | mean squared error | 均方误差 | here: sum over classes, mean over rows | 4 |
# | error surface, plateau | 误差曲面, 平坦区 | | 4 |
# | convex | 凸 | no Hessian eigenvalue below 0 | 4 |
# | asymptote, saturation | 渐近线, 饱和 | a value approached and never reached; where the slope has died away | 5 |
# | label smoothing | 标签平滑 | targets $1 - \varepsilon + \varepsilon/C$ and $\varepsilon/C$ | 5 |

# %% [markdown]
# ## Further reading
#
# - G. Brier (1950), [*Verification of forecasts expressed in terms of probability*](https://doi.org/10.1175/1520-0493(1950)078%3C0001:VOFEIT%3E2.0.CO;2).
# - J. Bridle (1990), [*Probabilistic interpretation of feedforward classification network outputs*](https://doi.org/10.1007/978-3-642-76153-9_28): softmax and its name.
# - C. Cortes, V. Vapnik (1995), [*Support-vector networks*](https://doi.org/10.1007/BF00994018): the hinge and the widest street.
# - Y. LeCun, L. Bottou, G. Orr, K.-R. Müller (1998), [*Efficient BackProp*](https://doi.org/10.1007/3-540-49430-8_2): where to put the targets.
# - P. Golik, P. Doetsch, H. Ney (2013), [*Cross-entropy vs. squared error training: a theoretical and experimental
#   comparison*](https://www.isca-archive.org/interspeech_2013/golik13_interspeech.html).
# - C. Szegedy et al. (2016), [*Rethinking the Inception architecture for computer vision*](https://arxiv.org/abs/1512.00567): label smoothing.
# - L. Hui, M. Belkin (2021), [*Evaluation of neural architectures trained with square loss vs cross-entropy in classification tasks*](https://arxiv.org/abs/2006.07322).

# %% [markdown]
# ## Your turn
#
# [Assignment 02](../assignments/02_losses/02_losses.ipynb): the four losses, a softmax that does not overflow, cross-entropy with its gradient, and the gradient that stalls; then both gradients train a classifier from the same
# bad start.
