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
# # Why does a classifier stall under squared error?
#
# **Unit 02, losses.** 70 minutes. You need gradient descent (unit 01), the chain rule, and logarithms.
#
# You want few mistakes. You cannot descend on the number of mistakes, so you descend on something else, and you
# choose it. That choice decides what the classifier cares about, and whether it can learn at all from a bad start. In
# this lecture one and the same start is left behind in 11 steps under one loss; under another it would take 61
# million.
#
# Each section asks a question, lets you **predict**, derives a number, measures it, and puts the two side by side.
# Write your prediction down before you run the cell. In the tables of evidence, codes such as S2-34 name the sentence
# of a source text that is being checked: S1 is a Chinese overview of the difficulties of deep networks, S2 a set of
# notes on Hung-yi Lee's lectures, S3 a text on LeCun, Bottou, Orr and Müller (1998). A cell whose claim fails stops
# the notebook.

# %%
from itertools import count, permutations

import numpy as np
import torch
import torch.nn.functional as F
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


# %% [markdown] claims=["S1-02", "S1-03", "S1-04", "S1-05", "S1-06"]
# ## 1. What should a mistake cost?
#
# **Question.** Accuracy is what you report. Why does nobody minimise it? And if you must take a substitute, does it
# matter which?
#
# Two classes, labels $y \in \{-1, +1\}$, a score $f(x)$ whose sign is the answer. The **margin** $m = y f(x)$ is
# positive where the answer is right, and large where it is right with room to spare. Four losses, all functions of
# the margin alone:
#
# | loss | formula | where it comes from |
# |---|---|---|
# | 0-1 | 1 if $m \le 0$, else 0 | the mistakes themselves |
# | hinge | $\max(0, 1 - m)$ | the widest street between the classes: support vector machines (Cortes and Vapnik 1995) |
# | log | $\ln(1 + e^{-m})$ | the likelihood of the label: logistic regression |
# | square | $(1 - m)^2$, which is $(y - f)^2$ because $y^2 = 1$ | least squares: linear regression, and Gaussian noise |
#
# A loss is usually written as a number that is never negative, 0 for a perfect answer. That is a convention and no
# more: add a constant, and no gradient changes.
#
# **Predict.** Take any linear classifier with some mistakes, and move each weight by a millionth. What is the slope
# of the number of mistakes? And which of the four losses *grows* when a right answer becomes more right?

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
heights, m = {name: h.detach().numpy() for name, h in heights.items()}, m.detach().numpy()

# %% claims=["S1-03", "S1-04", "S1-05", "S1-06"]
plots.show(
    plots.lines(
        *(Curve(m, h) for h in heights.values()),
        xlabel="margin m",
        ylabel="loss",
        ylim=(-0.2, 5),
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
# Read the right-hand picture as forces. A gradient step moves the score of each example by minus this slope, times a
# length.
#
# - **0-1** never pulls. Its slope is 0 wherever it has one. Source S1 says that it is not used because it is not
#   convex; the decisive fault is that there is nothing to descend on. (Minimising it exactly is also NP-hard in
#   general.)
# - **hinge** pulls with full force until the margin is 1, then lets go.
# - **log** pulls hard on wrong answers and ever more gently on right ones, but never lets go.
# - **square** pulls *back* every answer with a margin above 1. A point can be punished for being too right.
#
# **Experiment.** Two clouds of 100 points each, and 30 points of the class +1 far out, at (8, 8), all on their right
# side. `Objective` turns a loss into a surface over the weights; the gradient comes from autograd.


# %% claims=["S1-03", "S1-04"]
def clouds(seed, far):
    """Two clouds, and `far` far but easy points. (A (N, 3): x1, x2 and 1; labels (N,))"""
    rng = np.random.default_rng(seed)
    x = [rng.normal(centre, 0.5, (100, 2)) for centre in ([1, 0], [-1, 0])]
    x = np.vstack([*x, rng.normal([8, 8], 0.3, (far, 2))])
    return np.column_stack([x, np.ones(len(x))]), np.repeat([1.0, -1.0, 1.0], [100, 100, far])


def over_weights(loss, A, y):
    """The mean loss of the scores A w, as a surface over w (3,)."""
    A, y = torch.tensor(A), torch.tensor(y)
    return Objective(lambda w: loss(y * (A @ w)).mean())


mistakes, fitted = {}, {}
for far in (0, 30):
    for seed in range(5):
        A, y = clouds(seed, far)
        for name in ("hinge", "log", "square"):
            surface = over_weights(LOSSES[name], A, y)
            w = run(gradient_descent, surface, np.zeros(3), steps=1000, every=1000, lr=0.05).path[-1]
            fitted[far, seed, name] = w
            wrong = (y * (A @ w) <= 0)[:200]  # among the 200 points of the two clouds
            mistakes.setdefault((far, name), []).append(100 * wrong.mean())

# %% [markdown] claims=["S1-03"]
# And the number of mistakes itself: push an upright boundary to the right and count. Beside it, the log loss of the
# same classifiers.

# %% claims=["S1-03", "S1-04"]
A, y = clouds(0, 30)


def boundaries(ax):
    for label, colour, marker in ((1, 0, "o"), (-1, 1, "s")):
        ax.scatter(*A[y == label, :2].T, s=7, color=plots.COLOURS[colour], marker=marker)
    ends = np.array([-3.0, 9.5])
    for name, colour, style in (("log", 2, "-"), ("square", 3, "--")):
        w = fitted[30, 0, name]
        where = -(w[1] * ends + w[2]) / w[0]  # x1 where the score is 0, as a function of x2
        ax.plot(where, ends, color=plots.COLOURS[colour], linestyle=style, label=name)
    ax.set(xlim=(-3, 9.5), ylim=(-3, 9.5), xlabel="$x_1$", ylabel="$x_2$", title="circles +1, squares −1")
    ax.legend(loc="center right")


shift = np.linspace(-0.3, 0.3, 601)
upright = 3 * np.column_stack([np.ones(601), np.zeros(601), -shift])  # boundaries at x1 = shift
stairs, smooth = (over_weights(LOSSES[name], A, y).value(upright) for name in ("0-1", "log"))

# %% claims=["S1-03", "S1-04"]
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

# %% [markdown] claims=["S1-06"]
# What the far points do to squared error: their margins under the log loss are near 30, and $(1 - 30)^2 = 841$ is a
# high price. So the boundary leans over to bring them back to 1, and pays with mistakes in the clouds.
#
# **The hinge and the widest street.** The hinge is called the maximum-margin loss. It is half of one. Below, three
# sets of separable clouds, four random starts each: by itself the hinge stops at the first separating line with all
# margins above 1, and scaling a line up gets there without widening anything. With a small penalty on the length of
# the weights, $\mathrm{hinge} + \tfrac{\lambda}{2} \lVert w \rVert^2$, it finds the street that scikit-learn's
# support vector machine finds.


# %% claims=["S1-06"]
def ever_slower(grad, w, lr):  # the hinge has a corner: at a constant rate the weights would rattle about it
    for step in count():
        w = w - lr / np.sqrt(1 + step / 10) * grad(w)
        yield w


alone, penalised = [], []
for seed in range(3):
    rng = np.random.default_rng(seed)
    x = np.vstack([rng.normal(centre, 0.5, (20, 2)) for centre in ([1.5, 1], [-1.5, -1])])
    A, y = np.column_stack([x, np.ones(40)]), np.repeat([1.0, -1.0], 20)
    widest = 1 / np.linalg.norm(SVC(kernel="linear", C=1e6).fit(x, y).coef_)
    hinge = over_weights(LOSSES["hinge"], A, y)
    street = Objective(lambda w, hinge=hinge: hinge.loss(w) + 0.005 * w[:2].square().sum())
    starts = np.random.default_rng(100).normal(size=(4, 3))
    by_itself = run(gradient_descent, hinge, starts, steps=500, every=500, lr=0.1).path[-1]
    with_penalty = run(ever_slower, street, np.zeros(3), steps=4000, every=4000, lr=0.3).path[-1:]
    for w, found in ((by_itself, alone), (with_penalty, penalised)):
        gap = (y * (w @ A.T)).min(axis=-1) / np.linalg.norm(w[:, :2], axis=-1)
        found.append(gap / widest)

# %% claims=["S1-02", "S1-03", "S1-04", "S1-05", "S1-06"]
flat = []  # slopes of the 0-1 loss by finite differences
for seed in range(20):
    surface = over_weights(LOSSES["0-1"], *clouds(seed, 30))
    at = np.random.default_rng(seed).normal(size=3)
    flat += [surface.value(at + 1e-6 * e) - surface.value(at - 1e-6 * e) for e in np.eye(3)]

square, log = np.array(mistakes[30, "square"]), np.array(mistakes[30, "log"])
near = np.array(mistakes[0, "square"]) - mistakes[0, "log"]
far_margins = [(clouds(seed, 30)[0] @ fitted[30, seed, "log"])[200:].mean() for seed in range(5)]
table(
    claim("S1-02", "smallest value of the four losses", [h.min() for h in heights.values()], at_least=0),
    claim("S1-03", "0-1 loss, change over ±1e-6, 20 classifiers", np.abs(flat), at_most=0),
    claim("S1-04", "mean margin of the far points under log", far_margins, predicted=30, within=0.1),
    claim("S1-04", "mistakes of square, far points (%), 5 seeds", square, at_least=3),
    claim("S1-05", "mistakes of log, far points (%)", log, at_most=5),
    claim("S1-04", "square less log, far points (points of %)", square - log, at_least=0.25),
    claim("S1-04", "square less log, no far points", near, at_least=-1.5, at_most=1.5),
    claim("S1-06", "street of hinge alone / widest, worst start", [a.min() for a in alone], at_most=0.8),
    claim("S1-06", "street of hinge + penalty / widest", penalised, at_least=0.97, at_most=1.001),
)

# %% [markdown] claims=["S3-41"]
# **Which numbers for the two classes?** $\{-1, +1\}$ for losses of the margin, $\{0, 1\}$ for cross-entropy. The log
# loss shows that this is notation: with $t = (1 + y)/2$,
#
# $$\ln\bigl(1 + e^{-y f}\bigr) = -\,t \ln \sigma(f) - (1 - t) \ln\bigl(1 - \sigma(f)\bigr),
# \qquad \sigma(f) = \frac{1}{1 + e^{-f}} .$$
#
# Mixing the two is not notation. It is a bug that raises no error:

# %% claims=["S3-41"]
f = torch.linspace(-30, 30, 241, dtype=torch.float64)
same = []
for label in (-1.0, 1.0):
    target = torch.full_like(f, (1 + label) / 2)
    two_forms = LOSSES["log"](label * f) - F.binary_cross_entropy_with_logits(f, target, reduction="none")
    same.append(two_forms.abs().max())
minus_one = F.binary_cross_entropy_with_logits(f, torch.full_like(f, -1.0), reduction="none")
score = f.clone().requires_grad_(True)
(pull,) = torch.autograd.grad(LOSSES["hinge"](0 * score).sum(), score)  # label 0: the margin is always 0
table(
    claim("S3-41", "log loss at ±1 minus cross-entropy at {0, 1}", same, at_most=1e-12),
    claim("S3-41", "cross-entropy with label -1, at f = -30", minus_one[0], predicted=-30, within=1e-9),
    claim("S3-41", "pull of the hinge on an example with label 0", pull.abs(), at_most=0),
)

# %% [markdown] claims=["S3-41"]
# Cross-entropy given the label −1 has no floor: it pays −30 at a score of −30, −1000 at −1000. The hinge given the
# label 0 never moves an example of that class.
#
# **Caveat.** The far points were made to hurt. Without them the three losses make the same mistakes to 1.5 points,
# and squared error has a virtue the others lack: its minimum is one solve of a linear system.
#
# ## 2. How do outputs become probabilities?
#
# **Question.** With ten classes a network has ten outputs, the **logits** $z_1, \dots, z_{10}$, each a weighted sum
# of the last layer plus a bias, $z = W h + b$. They are any ten real numbers. How do you read them as an answer, and
# what do you compare them with?
#
# *The target.* One could call the classes 1, 2, 3 and do regression on that number. Then class 2 lies between 1 and
# 3, and renaming the classes changes the classifier. **One-hot** targets, $(1,0,0)$, $(0,1,0)$, $(0,0,1)$, are all
# equally far apart.
#
# *The answer.* **Softmax** turns logits into positive numbers that sum to 1:
#
# $$p_c = \frac{e^{z_c}}{\sum_k e^{z_k}} , \qquad \frac{p_a}{p_b} = e^{z_a - z_b} .$$
#
# The second formula is the one to remember: only differences of logits count, and they count exponentially. Three
# consequences:
#
# - **Shift.** $z + c$ gives the same $p$. (So $C$ logits carry $C - 1$ numbers.)
# - **Temperature.** $z / T$ with $T \to 0$ puts everything on the largest logit; with $T \to \infty$ every class gets
#   $1/C$.
# - **Two classes.** $p_1 = 1/(1 + e^{-(z_1 - z_2)}) = \sigma(z_1 - z_2)$: the sigmoid of the *difference*.
#
# **Predict.** (a) The logits are 3, 1, −3. What are the probabilities, to one digit? (b) Softmax is said to enlarge
# differences. Dividing (3, 1) by its sum gives 75 % and 25 %. What does softmax give, for (3, 1) and for (0.3, 0.1)?

# %% claims=["S2-30"]
z = torch.tensor([3.0, 1.0, -3.0], dtype=torch.float64)
T = np.logspace(-1, 2, 61)
p = torch.softmax(z / torch.tensor(T)[:, None], dim=1).numpy()
scale = np.linspace(0, 2, 41)
top = torch.softmax(torch.tensor(scale)[:, None] * torch.tensor([1.5, 0.5]), dim=1)[:, 0].numpy()
plots.show(
    plots.lines(
        *(Curve(T, p[:, k], name) for k, name in enumerate(("z = 3", "z = 1", "z = -3"))),
        xlabel="temperature T",
        ylabel="probability",
        logx=True,
    ),
    plots.lines(
        Curve(scale, top, "softmax"),
        Curve(scale, np.full(41, 0.75), "share", theory=True, colour=1),
        xlabel="size s of the logits 1.5 s and 0.5 s",
        ylabel="larger of the two",
        ylim=(0.45, 1),
    ),
    alt="Left, three probabilities against temperature: 1, 0, 0 at 0.1, all near a third at 100; right, the larger probability of "
    "two logits in the ratio 3 to 1 rises with their size from 0.5 through 0.75 at a size of 1.1 to 0.88.",
)

# %% [markdown] claims=["S2-28", "S2-29", "S2-31"]
# The right-hand picture says what "enlarges differences" is worth: it does so for large logits, and evens out small
# ones. (0.3, 0.1) becomes 55 % and 45 %. The size of the logits is the confidence of the classifier, and training
# sets it.
#
# **Stability.** $e^{1000}$ is not a float64; the largest is about $e^{709.8}$. Softmax only needs differences, so the
# cure is exact: take a constant from all logits of a row before the exponential. Which one matters when the rows of a
# batch differ. Here are three rows, and two wrong ways and PyTorch's right one; `nan` is 0/0 or inf/inf.

# %% claims=["S2-30"]
rows = torch.tensor(
    [[3.0, 1.0, -3.0], [1003.0, 1001.0, 997.0], [-997.0, -999.0, -1003.0]], dtype=torch.float64
)


def share(weights):
    return weights / weights.sum(dim=1, keepdim=True)


for name, probabilities in (
    ("no shift", share(rows.exp())),
    ("one maximum for the batch", share((rows - rows.max()).exp())),
    ("torch.softmax", torch.softmax(rows, dim=1)),
):
    print(
        f"{name:26}", *(np.array2string(row.numpy(), precision=4, floatmode="fixed") for row in probabilities)
    )

# %% [markdown] claims=["S2-28", "S2-29", "S2-30", "S2-31"]
# **Evidence.** For the targets: three clouds at the corners of a triangle, and least squares on class numbers or on
# one-hot rows, for all six ways to number the classes. The weighted sum plus bias is one product with a column of
# ones.

# %% claims=["S2-28", "S2-29"]
by_number, by_one_hot = [], []
for seed in range(5):
    rng = np.random.default_rng(seed)
    corners = rng.normal([[0, 1.5], [-1.3, -0.75], [1.3, -0.75]], 0.4, (60, 3, 2)).reshape(-1, 2)
    A, y = np.column_stack([corners, np.ones(180)]), np.tile([0, 1, 2], 60)
    for renamed in (np.array(order)[y] for order in permutations(range(3))):
        number = A @ np.linalg.lstsq(A, renamed, rcond=None)[0]
        one_hot = A @ np.linalg.lstsq(A, np.eye(3)[renamed], rcond=None)[0]
        by_number.append(100 * np.mean(number.round().clip(0, 2) != renamed))
        by_one_hot.append(100 * np.mean(one_hot.argmax(axis=1) != renamed))

# %% claims=["S2-28", "S2-29", "S2-30", "S2-31"]
gaps = torch.linspace(-40, 40, 81, dtype=torch.float64)
first = torch.softmax(torch.stack([gaps + 5, torch.full_like(gaps, 5.0)], dim=1), dim=1)[:, 0]
off = (first - torch.sigmoid(gaps)).abs()
elementwise = (torch.sigmoid(gaps + 5) - first)[40]  # logits 5 and 5: 0.993 instead of 0.5
p, cold, hot = (torch.softmax(z / T, dim=0) for T in (1, 0.05, 1000))
even = torch.sigmoid(torch.tensor(0.3 - 0.1))
table(
    claim("S2-28", "mistakes, class numbers (%), 5 seeds × 6 namings", by_number, at_least=2),
    claim("S2-28", "mistakes, one-hot (%)", by_one_hot, at_most=1),
    claim("S2-30", "softmax of (3, 1, -3)", p, predicted=[0.8788, 0.1189, 0.0022], within=0.02),
    claim("S2-30", "largest p at T = 0.05", cold[0], predicted=1, within=1e-12),
    claim("S2-30", "all p at T = 1000", hot, predicted=1 / 3, within=0.01),
    claim("S2-30", "larger p of the logits 0.3 and 0.1", even, predicted=0.55, within=0.01),
    claim("S2-31", "two classes, less the sigmoid of the difference", off, at_most=1e-15),
    claim("S2-31", "less the sigmoid of the logit, at 5 and 5", elementwise, at_least=0.49),
)

# %% [markdown] claims=["S2-31", "S2-32"]
# **Caveat.** A softmax output is positive and sums to 1. That does not make it a probability you can bet on: nothing
# so far says that 88 % means right 88 times in 100. What it should mean is set by the loss.
#
# ## 3. Why cross-entropy?
#
# **Question.** Ten examples look exactly alike to the network. Seven carry the label A, three the label B. What
# should it answer, and which loss asks for that?
#
# **Predict.** The network has one gap $z_A - z_B$ to choose. Which value is best under squared error, which under
# cross-entropy: the same, or two different ones?
#
# **Theory.** Let the network answer $p$. The probability that it gives to all the labels it saw is the **likelihood**
# $\prod_n p_{y_n}$. To maximise it is to minimise
#
# $$-\frac1N \sum_n \ln p_{y_n} \qquad \text{(nats per example)},$$
#
# which is the **cross-entropy** between the one-hot targets and the answers: maximum likelihood and cross-entropy are
# one thing with two names. With labels in the proportions $q$ it is $-\sum_c q_c \ln p_c$, smallest at $p = q$, where
# it is the entropy of $q$.
#
# Its derivative with respect to the logits is the reason for its place in every library. With
# $\ln p_c = z_c - \ln \sum_k e^{z_k}$,
#
# $$\frac{\partial}{\partial z_c} \bigl(-\ln p_y\bigr) = p_c - [\,c = y\,] ,$$
#
# answer minus target: of length $\sqrt2$ when the answer is certain and wrong, and 0 when it is certain and right.
#
# **Experiment.** Both losses for the seven and the three, as functions of the gap; squared error is
# $\sum_c (p_c - t_c)^2$, averaged over the examples (the Brier score).

# %% claims=["S2-32"]
gap = torch.linspace(-8, 8, 161, dtype=torch.float64)
p_A = torch.sigmoid(gap)
log_likelihood = 7 * F.logsigmoid(gap) + 3 * F.logsigmoid(-gap)
brier = (7 * 2 * (1 - p_A) ** 2 + 3 * 2 * p_A**2) / 10
plots.show(
    plots.lines(
        Curve(gap.numpy(), -log_likelihood.numpy() / 10, "cross-entropy"),
        Curve(gap.numpy(), brier.numpy(), "squared error"),
        xlabel="gap $z_A - z_B$ (nats)",
        ylabel="mean loss of the ten",
    ),
    alt="Both losses have their minimum at a gap of about 0.85; away from it cross-entropy rises in two straight arms, squared error "
    "levels off on both sides.",
    height=2.6,
)

# %% [markdown] claims=["S2-32", "S2-33"]
# Both ask for the same answer: 70 %, a gap of $\ln(7/3) = 0.847$. Squared error is an honest loss. The two differ in
# the *arms*: cross-entropy keeps its slope however wrong the answer is, squared error can charge at most 2 and runs
# level. Section 4 is about those level arms.
#
# **PyTorch's cross-entropy contains the softmax.** `F.cross_entropy` and `nn.CrossEntropyLoss` take *logits*. They
# compute $\ln\sum_k e^{z_k} - z_y$ with the row's maximum taken out, so no probability underflows on the way. Two
# bugs follow from not knowing it, and neither raises an error:
#
# - *Softmax twice.* Give it probabilities, and the best possible input is a one-hot row. Its loss is
#   $\ln(1 + (C-1)/e)$ and not 0: the loss stops at 0.551 for three classes, at 1.461 for ten.
# - *Logarithm of a probability.* `-log(softmax(z))` of a certain and wrong row is infinite, and `-log(p + 1e-12)`
#   stops at 27.6 with the gradient cut to nothing.

# %% claims=["S2-32", "S2-33"]
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
wrong = torch.tensor([[1000.0, 0.0]], dtype=torch.float64)
exact, cut = F.cross_entropy(wrong, torch.tensor([1])), -torch.log(torch.softmax(wrong, 1) + 1e-12)[0, 1]

# %% claims=["S2-32", "S2-33"]
table(
    claim("S2-32", "p at the minimum of cross-entropy", by_likelihood, predicted=q, within=1e-3),
    claim("S2-32", "p at the minimum of squared error", by_brier, predicted=q, within=1e-3),
    claim(
        "S2-33", "F.cross_entropy / mean of -log softmax", (loss / by_hand).item(), predicted=1, within=1e-12
    ),
    claim("S2-32", "its gradient, less (p - t)/N", off, at_most=1e-15),
    claim("S2-33", "softmax twice: loss of perfect answers, C = 3, 10", twice, predicted=floor, within=1e-9),
    claim("S2-33", "F.cross_entropy of (1000, 0), label 1", exact, predicted=1000, within=1e-12),
    claim("S2-33", "the same by -log(p + 1e-12)", cut, predicted=-np.log(1e-12), within=1e-9),
)

# %% [markdown] claims=["S2-34", "S2-35"]
# **Caveat.** Both losses reward the true proportions where the network can express them. A network that can tell all
# examples apart will be driven to certainty instead, label noise included: section 5, and lecture 11.
#
# ## 4. Where does squared error stall?
#
# **Question.** Lee's slide: three classes, class 1 is right. The logits (he calls them $y_1, y_2, y_3$) start at
# $y_1 = -10$, $y_2 = 10$; the third is put away at −1000. The classifier is certain, and wrong. Can it get out?
#
# **Predict.** Gradient descent with rate 1 on the logits themselves. How many steps until $y_1 = y_2$: 10, 1,000, or
# more than a million? Under cross-entropy, and under squared error? And what happens to the answer if $y_3$ is not
# −1000?

# %% claims=["S2-34"]
ONE_ROW = {  # losses of the logits of one row, as many classes as there are, the first one right
    "cross-entropy": lambda z: -torch.log_softmax(z, 0)[0],
    "squared error": lambda z: (torch.softmax(z, 0) - F.one_hot(torch.tensor(0), len(z))).square().sum(),
}
SURFACES = {name: Objective(loss) for name, loss in ONE_ROW.items()}
start = np.array([-10.0, 10.0, -1000.0])
traces = {name: run(gradient_descent, s, start, steps=40, lr=1.0) for name, s in SURFACES.items()}

side = np.linspace(-10, 10, 81)
grid = np.stack([*np.meshgrid(side, side), np.full((81, 81), -1000.0)], axis=-1)  # (y2, y1, 3)


# %% claims=["S2-34"]
def seen_from_above(name, levels):
    labels = {"xlabel": "$y_1$", "ylabel": "$y_2$", "zlabel": "loss", "title": name}
    heat = plots.heat(side, side, SURFACES[name].value(grid), levels=levels, **labels)

    def draw(ax):
        heat(ax)
        path = traces[name].path
        ax.plot(*path[:, :2].T, color="white", marker="o", markersize=2.5, linewidth=0.8)
        ax.plot(
            *path[0, :2], color="white", marker="*", markersize=13, markeredgecolor="black", clip_on=False
        )

    return draw


plots.show(
    seen_from_above("cross-entropy", np.linspace(0, 20, 11)),
    seen_from_above("squared error", np.linspace(0, 2, 11)),
    alt="Two surfaces over y1 and y2. Cross-entropy is an even slope from the top left down to the right, and 40 steps cross "
    "it; squared error is level at 2 in the top left half and level at 0 in the other, and the path stays on its star.",
)

# %% [markdown] claims=["S2-34", "S2-35"]
# **Theory.** Squared error passes through softmax's Jacobian on its way to the logits,
#
# $$\frac{\partial p_i}{\partial z_j} = p_i\,\bigl([\,i = j\,] - p_j\bigr) ,$$
#
# and every entry in the row and column of the right class carries the factor $p_y$. If the answer is certain and
# wrong, $p_y$ is tiny and so is every force on $z_y$. The logarithm in cross-entropy divides by exactly this $p_y$.
#
# With two classes (or a third one out of sight) everything depends on the gap $d = z_2 - z_1$ to the wrong class,
# $p_2 = \sigma(d)$:
#
# | | loss | slope in $d$ | $d$ after a step, $\eta = 1$ | steps until $d = 0$ |
# |---|---|---|---|---|
# | cross-entropy | $\ln(1 + e^{d})$ | $p_2$ | $d - 2 p_2$ | $\tfrac12 (d + 1 - e^{-d}) \approx d/2$ |
# | squared error | $2 p_2^2$ | $4 p_1 p_2^2$ | $d - 8 p_1 p_2^2$ | $\tfrac18 \bigl(e^{d} + 3d + \tfrac52 - 3e^{-d} - \tfrac12 e^{-2d}\bigr) \approx e^{d}/8$ |
#
# (The last column integrates 1 over the step.) Half a step per unit of gap, against a factor of $e$ per unit of gap.
# Move **both** logits one unit further apart, $y_1 = -a$, $y_2 = a$ and $a \to a + 1$, and the gap grows by 2, the
# time by $e^2 = 7.39$.
#
# **Experiment.** Start with gaps from 1 to 10 and count. Then measure the length of the gradient along the way, and
# the times with the third class in other places.

# %% claims=["S2-34", "S2-35"]
gaps = np.arange(1.0, 11)


def steps_to_equality(name, gaps, third=-1000.0, most=3000):
    """Steps until the right class is no longer behind, one number per starting gap."""
    starts = np.stack([-gaps / 2, gaps / 2, np.broadcast_to(third, gaps.shape)], axis=-1)
    path = run(gradient_descent, SURFACES[name], starts, steps=most, lr=1.0).path
    out = path[..., 0] >= path[..., 1:].max(axis=-1)
    return np.where(out.any(axis=0), out.argmax(axis=0), most + 1)


measured = {
    "cross-entropy": steps_to_equality("cross-entropy", gaps, most=20),
    "squared error": steps_to_equality("squared error", gaps),
}
formulas = {
    "cross-entropy": lambda d: (d + 1 - np.exp(-d)) / 2,
    "squared error": lambda d: (np.exp(d) + 3 * d + 2.5 - 3 * np.exp(-d) - np.exp(-2 * d) / 2) / 8,
}
wide = np.linspace(0, 20, 81)
at = np.stack([-wide / 2, wide / 2, np.full(81, -1000.0)], axis=-1)
lengths = {name: np.linalg.norm(s.grad(at), axis=-1) for name, s in SURFACES.items()}

# %% claims=["S2-34", "S2-35"]
plots.show(
    plots.lines(
        *(Curve(wide, g) for g in lengths.values()),
        xlabel="gap $y_2 - y_1$",
        ylabel="length of the gradient",
        logy=True,
    ),
    plots.lines(
        *(Curve(gaps, n, name, colour=k) for k, (name, n) in enumerate(measured.items())),
        *(Curve(wide, f(wide), theory=True, colour=k) for k, f in enumerate(formulas.values())),
        xlabel="gap at the start",
        ylabel="steps until equality",
        logy=True,
        ylim=(0.5, 2e8),
    ),
    alt="Left, the gradient of cross-entropy stays at 1.4 for every gap; that of squared error falls in a straight line on the "
    "logarithmic axis, to 1e-8. Right, measured steps lie on the theory: half the gap for cross-entropy, a straight line up "
    "to 6e7 for squared error.",
)

# %% claims=["S2-34", "S2-35"]
e, se, formula = measured["cross-entropy"], measured["squared error"], formulas["squared error"](gaps)
behind = traces["cross-entropy"].path[:, 0] < traces["cross-entropy"].path[:, 1]
ce_corner, se_corner = (np.linalg.norm(SURFACES[name].grad(start)) for name in SURFACES)
p1 = 1 / (1 + np.exp(20.0))
theory = 4 * np.sqrt(2) * p1 * (1 - p1) ** 2
table(
    claim("S2-34", "gradient at the star, cross-entropy", ce_corner, predicted=np.sqrt(2), within=1e-6),
    claim(
        "S2-34", "gradient at the star, squared error: 4√2 p1 p2²", se_corner, predicted=theory, within=1e-6
    ),
    claim("S2-35", "steps from the star, cross-entropy", behind.sum(), at_least=11, at_most=11),
    claim("S2-35", "steps, cross-entropy, less d/2, gaps 1 to 10", e - gaps / 2, at_least=0, at_most=1.5),
    claim("S2-34", "steps, squared error, gaps 6 to 10", se[5:], predicted=formula[5:], within=0.05),
    claim("S2-34", "their growth per unit of gap, 7 to 10", se[7:] / se[6:-1], predicted=np.e, within=0.03),
    claim(
        "S2-34", "their growth per unit of both logits", se[8:] / se[6:-2], predicted=np.exp(2), within=0.04
    ),
)

# %% [markdown] claims=["S2-34"]
# From the star, cross-entropy needs 11 steps; for squared error the formula gives 61 million.
#
# Now the third class, at a gap of 8; and two questions about guilt: what if there is no softmax, and what if the
# logits start equal?

# %% claims=["S2-34"]
third = np.array([-1000.0, -100.0, -20.0, -10.0, -4.0, -2.0, 0.0, 2.0, 4.0])
eight = steps_to_equality("squared error", np.full(9, 8.0), third, most=2000)
for y3, n in zip(third, eight, strict=True):
    print(f"y1 = -4, y2 = 4, y3 = {y3:6g}: {n:5d} steps")

two_classes = np.linalg.norm(SURFACES["squared error"].grad(start[:2])) / se_corner
no_softmax = Objective(lambda y: (y[:2] - torch.tensor([1.0, 0.0])).square().sum())
raw = np.linalg.norm(no_softmax.grad(start))
equal = [
    C * np.linalg.norm(SURFACES["squared error"].grad(z)) / np.linalg.norm(SURFACES["cross-entropy"].grad(z))
    for C, z in ((C, np.zeros(C)) for C in (2, 3, 10, 100))
]
table(
    claim("S2-34", "gradient at the star, two classes / three", two_classes, predicted=1, within=1e-12),
    claim("S2-34", "steps, y3 from -1000 to -10", eight[:4], predicted=se[7], within=0.003),
    claim("S2-34", "steps, y3 from -4 to 4", eight[4:], at_least=100, at_most=1500),
    claim("S2-34", "gradient at the star without softmax", raw, predicted=2 * np.hypot(11, 10), within=1e-9),
    claim("S2-35", "C × squared error / cross-entropy, equal logits", equal, predicted=2, within=1e-9),
)

# %% [markdown] claims=["S2-34"]
# **The third class.** Anything from −1000 to −10 gives the same count: a logit far below the others has no part in
# the softmax, and the plateau is there with two classes alone. Nearer by, it does matter, in both directions (145 to
# 1,334 steps instead of 379), because it adds a second struggle: squared error first makes the two *wrong* classes
# equal. That struggle has a visible gradient of its own. So "the gradient is 0.05, hence we are learning" can be
# wrong as well. What never changes is the factor $p_y$ in every force on the right logit.
#
# **Who is guilty?** Neither the square nor the softmax alone. Squared error on the raw outputs is a bowl with a
# gradient of 29.7 at the star; Hui and Belkin (2021) train modern networks that way, without a softmax, about as well
# as with cross-entropy. And at *equal* logits squared error through softmax has exactly $2/C$ of cross-entropy's
# gradient, in the same direction: a matter of the learning rate, although with 1,000 classes a matter of 500.
#
# **Convex or not?** "Classification is a special case of regression" (S2) is a picture. As optimisation problems the
# two losses are different in kind. In the logits cross-entropy has the Hessian $\mathrm{diag}(p) - p p^\top$, a
# covariance matrix: its eigenvalues are never negative. For squared error the two-class case has one eigenvalue that
# can be: $8 p_1 p_2^2 (2 - 3 p_2)$. **Predict** its sign at the star, and where it changes.

# %% claims=["S2-28", "S2-35"]
few = np.linspace(-4, 8, 49)
two = torch.tensor(np.column_stack([-few / 2, few / 2]))
along = torch.tensor([-1.0, 1.0], dtype=torch.float64) / np.sqrt(2)
curved = {n: (vmap(jacrev(grad(f)))(two) @ along @ along).numpy() for n, f in ONE_ROW.items()}
P = 1 / (1 + np.exp(-few))
theory = {"cross-entropy": 2 * P * (1 - P), "squared error": 8 * (1 - P) * P**2 * (2 - 3 * P)}
plots.show(
    plots.lines(
        *(Curve(few, c, n, colour=k) for k, (n, c) in enumerate(curved.items())),
        *(Curve(few, c, theory=True, colour=k) for k, c in enumerate(theory.values())),
        Curve([-4, 8], [0, 0], theory=True, colour=3),
        xlabel="gap $z_2 - z_1$ (class 1 is right)",
        ylabel="curvature along the gap",
    ),
    alt="The curvature of cross-entropy is a bell, positive everywhere; that of squared error is positive up to a gap of 0.69, "
    "negative beyond, and returns to 0 from below.",
    height=2.6,
)

# %% claims=["S2-28", "S2-35"]
five = torch.tensor(np.random.default_rng(0).normal(size=(500, 5)) * 3)
spectra = [torch.linalg.eigvalsh(vmap(jacrev(grad(loss)))(five)) for loss in ONE_ROW.values()]
ce_lowest, se_lowest = (spectrum[:, 0] for spectrum in spectra)
negative = 100 * (se_lowest < -1e-9).double().mean()
off = curved["squared error"] / theory["squared error"]
turn = (curved["squared error"] < 0).argmax()
bracket, ln2 = few[[turn - 1, turn]], np.log(2)
table(
    claim("S2-28", "lowest eigenvalue, cross-entropy, 500 points, C = 5", ce_lowest, at_least=-1e-14),
    claim("S2-28", "points where squared error has one below 0 (%)", negative, at_least=50),
    claim("S2-28", "curvature of squared error / formula", off, predicted=1, within=1e-6),
    claim("S2-28", "gaps around its sign change", bracket, at_least=ln2 - 0.25, at_most=ln2 + 0.25),
)

# %% [markdown] claims=["S2-28", "S2-35"]
# The star of squared error is neither a minimum nor a saddle: its gradient is $1.2 \cdot 10^{-8}$ and not 0. It lies
# on a shoulder that falls away ever so slowly and is curved downwards, as it is from a gap of ln 2 = 0.69 on. (Convex
# in the logits means convex in the weights of a linear classifier. With hidden layers both losses are non-convex in
# the weights; unit 04 goes there.)
#
# **A real classifier.** So far one row of three logits. Now 300 handwritten digits, ten classes, $z = W x + b$, with
# 16 inputs of mean 0 and variance 1. The start is random and gives logits of standard deviation 1 to 32: at 32 a
# typical answer is certain and wrong. Every run gets the best of four learning rates, from 1 to 30. **Predict** the
# number of steps to 90 % accuracy for both losses at both ends.

# %% claims=["S2-35"]
digits = data.pca_digits(16, 300)
X = torch.tensor(np.column_stack([digits.inputs, np.ones(300)]))  # the column of ones carries the bias
labels, one_hot = torch.tensor(digits.labels), torch.tensor(digits.one_hot)


def logits(w):
    return X @ w.view(17, 10)


TRAINING = {
    "cross-entropy": Objective(lambda w: F.cross_entropy(logits(w), labels)),
    "squared error": Objective(lambda w: (torch.softmax(logits(w), 1) - one_hot).square().sum(1).mean()),
}


def steps_to_90(name, size, most=300):
    """Steps until 90 % of the digits are right, at the best of four rates; one number for each of three seeds."""
    starts = np.stack(
        [size * np.random.default_rng(seed).normal(size=170) / np.sqrt(17) for seed in range(3)]
    )
    rates, starts = np.array([1.0, 3.0, 10.0, 30.0])[:, None, None], np.broadcast_to(starts, (4, 3, 170))
    path = run(gradient_descent, TRAINING[name], starts, steps=most, every=2, lr=rates).path
    answers = (X.numpy() @ path.reshape(*path.shape[:3], 17, 10)).argmax(axis=-1)
    good = (answers == digits.labels).mean(axis=-1) >= 0.9
    return np.where(good.any(axis=0), 2 * good.argmax(axis=0), most).min(axis=0)


# %% claims=["S2-35"]
sizes = np.array([1, 2, 4, 8, 16, 32])
ce = np.array([steps_to_90("cross-entropy", size, most=40) for size in sizes])  # (sizes, seeds)
se = np.array([steps_to_90("squared error", size) for size in sizes])
plots.show(
    plots.lines(
        Curve(sizes, np.median(ce, axis=1), "cross-entropy"),
        Curve(sizes, np.median(se, axis=1), "squared error"),
        Curve(sizes[[0, -1]], [300, 300], "given up", theory=True, colour=3),
        xlabel="standard deviation of the logits at the start",
        ylabel="steps to 90 %",
        logx=True,
        logy=True,
    ),
    alt="Steps to 90 % accuracy against the size of the start, median of three seeds: cross-entropy stays between 2 and 8; "
    "squared error starts at about 4, rises steeply from a size of 4 on and is given up at 300 steps from 16 on.",
    height=2.6,
)

# %% claims=["S2-35"]
for size, steps in zip(sizes, se, strict=True):
    print(f"squared error, size {size:2d}: {', '.join(map(str, steps))} steps (three seeds)")
table(
    claim("S2-35", "steps, cross-entropy, size 1 to 32, every seed", ce, at_most=20),
    claim("S2-35", "steps, squared error, size 1", se[0], at_most=20),
    claim("S2-35", "steps, squared error, size 32 (300: given up)", se[-1], at_least=300),
)

# %% [markdown] claims=["S2-34", "S2-35"]
# From a small start the two losses are equals. From a start that is certain and wrong, cross-entropy needs a few
# steps more; squared error is still there after 300, at every rate.
#
# **Caveat.** "Squared error stalls" is a statement about the start, or about examples that are certain and wrong
# later: mislabelled ones, a class that was missing, a network fine-tuned on new labels. With the small random starts
# of unit 03 most logits begin near 0, where the two differ by a factor of $2/C$. Golik, Doetsch and Ney (2013) saw
# both: from random starts squared error reached no good optimum, and some training with it *after* cross-entropy
# lowered the word errors of a speech recogniser from 30.9 to 30.5 % and from 22.7 to 21.9 %.
#
# ## 5. Where should the targets be?
#
# **Question.** The output unit is $f(z) = 1.7159 \tanh(\tfrac23 z)$, which runs from −1.7159 to 1.7159. Should the
# targets for wrong and right be ±1.7159, as far apart as the unit can go?
#
# **Predict.** Train the same network on targets ±1 and on targets ±1.7159. After 1,000 steps, how do the weights of
# the output layer compare: equal, twice, three times as long? How do the accuracies compare?
#
# **Theory.** No finite $z$ reaches an **asymptote**. The gradient through $f$ carries $f'(z)$, which fades as the
# output approaches its target: the weights grow for ever, ever more slowly, and every unit ends up saturated. A
# target inside the range is reached at a finite $z$, where the unit still responds. At $f = 1$ its slope is the
# fraction
#
# $$\frac{f'(z)}{f'(0)} = 1 - \tanh^2 = 1 - \frac{1}{1.7159^2} = 0.660$$
#
# of the slope at 0. LeCun et al. put the targets where the *second* derivative is largest: the last place before
# saturation. Their constants put that place at ±1 (exactly: at $z = 0.988$, where $f = 0.991$).
#
# **Experiment.** 300 digits, a network 16-16-10, squared error on the ten outputs, three seeds in one run for each
# target.

# %% claims=["S3-23"]
both = data.pca_digits(16, 600)
train, test = slice(0, 300), slice(300, 600)
signs = 2 * both.one_hot - 1  # +1 for the digit's own unit, -1 for the nine others
network = networks.MLP((16, 16, 10))
starts = np.stack([network.initial(seed) for seed in range(3)])


def outer(z):
    return 1.7159 * torch.tanh(2 * z / 3)


def trained_on(level):
    """1,000 steps on targets ±level, three seeds at once."""
    targets = level * signs[train]
    loss = networks.training_loss(
        network, both.inputs[train], targets, lambda z, t: (outer(z) - t).square().mean()
    )
    return run(gradient_descent, loss, starts, 1000, every=25, lr=2.0)


def outputs(trace):
    """What goes into the output units: (K, 3, 600, 10) for K moments, 3 seeds, 600 digits."""
    points = torch.tensor(trace.path.reshape(-1, network.size))
    z = vmap(network.forward, in_dims=(0, None))(points, torch.tensor(both.inputs))
    return z.reshape(len(trace.steps), 3, 600, 10)


# %% claims=["S3-23"]
weights, slopes, accuracies = {}, {}, []
for name, level in (("±1", 1.0), ("±1.7159", 1.7159)):
    trace = trained_on(level)
    z = outputs(trace)
    weights[name] = np.linalg.norm(trace.path[..., -170:-10], axis=-1)  # length of the output layer's weights
    slopes[name] = (1 - torch.tanh(2 * z[:, :, train] / 3) ** 2).mean((2, 3)).numpy()
    accuracies += [*(100 * (z[-1, :, test].argmax(-1).numpy() == both.labels[test]).mean(axis=1))]

# %% claims=["S3-23"]
after = trace.steps[1:]
ideal = 1 - 1.7159**-2
plots.show(
    plots.lines(
        *(Curve(after, w.mean(axis=1)[1:]) for w in weights.values()),
        xlabel="step",
        ylabel="length of the output weights",
        logx=True,
        ylim=(0, 15),
    ),
    plots.lines(
        *(Curve(after, s.mean(axis=1)[1:], name) for name, s in slopes.items()),
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

# %% claims=["S3-23"]
short, long = weights["±1"][-1], weights["±1.7159"][-1]
climb = long - weights["±1.7159"][4]
table(
    claim("S3-23", "length of the output weights, ±1, 3 seeds", short, at_most=6),
    claim("S3-23", "length of the output weights, ±1.7159", long, at_least=10),
    claim("S3-23", "its growth from step 100 to step 1,000", climb, at_least=3),
    claim("S3-23", "slope of the outputs, ±1", slopes["±1"][-1], predicted=ideal, within=0.02),
    claim("S3-23", "slope of the outputs, ±1.7159", slopes["±1.7159"][-1], at_most=0.05),
    claim("S3-23", "accuracy on 300 new digits (%), both", accuracies, at_least=84, at_most=96),
)

# %% [markdown] claims=["S3-23"]
# The straight climb against a logarithmic axis is the signature of a target at infinity.
#
# **Cross-entropy does the same.** One-hot targets *are* at softmax's asymptote: $p_y = 1$ needs an infinite gap.
# Separate the classes and the gap grows by $\ln 10$ in every ten-fold time. The cure is the old one under a new name:
# **label smoothing** (Szegedy et al. 2016) asks for $1 - \varepsilon + \varepsilon/C$ instead of 1, and the gap ends
# at a finite number, $\ln 91 = 4.51$ for $\varepsilon = 0.1$ and ten classes.

# %% claims=["S3-23"]
grown = []
for smoothing in (0.0, 0.1):
    loss = Objective(lambda z, s=smoothing: F.cross_entropy(z, torch.tensor(0), label_smoothing=s))
    path = run(gradient_descent, loss, np.zeros(10), steps=5000, every=50, lr=1.0).path
    grown.append(path[[1, 10, 100], 0] - path[[1, 10, 100], 1])  # the gap after 50, 500 and 5,000 steps

a = np.linspace(-6, 6, 120_001)
sigmoid = 1 / (1 + np.exp(-a))
bend = sigmoid * (1 - sigmoid) * (1 - 2 * sigmoid)  # the second derivative of the sigmoid
bends = sigmoid[[bend.argmax(), bend.argmin()]]
left = [4 * x * (1 - x) for x in (*bends, 0.1, 0.9)]  # slope there, as a fraction of the largest, 1/4
growth = np.diff(grown[0])
table(
    claim("S3-23", "gap, growth per ten-fold time, one-hot", growth, predicted=np.log(10), within=0.05),
    claim("S3-23", "gap, smoothing 0.1, steps 50 to 5,000", grown[1], predicted=np.log(91), within=0.01),
    claim("S3-23", "the sigmoid where it bends most", bends, predicted=[0.2113, 0.7887], within=1e-3),
    claim(
        "S3-23",
        "its slope there, and at 0.1 and 0.9",
        left,
        predicted=[2 / 3, 2 / 3, 0.36, 0.36],
        within=1e-3,
    ),
)

# %% [markdown] claims=["S3-23"]
# **Caveat.** At this size the accuracy does not care: 88 to 93 % for both targets. What the asymptote costs is the
# ability to go on learning, and an honest degree of certainty. And the popular 0.1 and 0.9 for the logistic unit are
# not where it bends most: that is at 0.211 and 0.789, where its slope is still 67 % of the largest, about as for
# LeCun's pair. At 0.1 and 0.9 it is 36 %.
#
# ## Touch it
#
# The force on the right class's logit, $-\partial L/\partial y_1$, along the gap, with a third class at $y_3$. Here
# are four settings; in JupyterLab or on Colab you also get two sliders. Find: the gap from which squared error pulls
# a hundred times less than cross-entropy; the highest $y_3$ whose effect you cannot see; and what becomes of the two
# forces to the left of gap 0, where class 2 is beaten but class 3 is not.

# %%
across = np.linspace(-6, 20, 105)


def forces(gap, third):
    places = np.stack([-across / 2, across / 2, np.full(105, third)], axis=-1)
    here, push = np.array([-gap / 2, gap / 2, third]), []

    def draw(ax):
        for k, (name, surface) in enumerate(SURFACES.items()):
            colour, curve = plots.COLOURS[k], -surface.grad(places)[:, 0]
            push.append(-surface.grad(here)[0])
            ax.semilogy(across, curve, color=colour, linestyle=("-", "--")[k], label=name)
            ax.plot(gap, push[-1], color=colour, marker=plots.MARKERS[k], markersize=8)
        ax.set(xlabel="gap $y_2 - y_1$", ylabel="force on $y_1$", ylim=(1e-9, 8))
        ax.set_title(f"gap {gap:g}, $y_3$ = {third:g}: {push[0]:.2g} and {push[1]:.1e}")
        ax.legend(loc="lower left")

    return draw


# %%
interact.explore(
    forces,
    stills=[{"gap": g, "third": y3} for g, y3 in [(4.0, -20.0), (14.0, -20.0), (4.0, 0.0), (4.0, 6.0)]],
    columns=2,
    alt="Four pictures of the force on the right logit, on a logarithmic axis. Towards large gaps cross-entropy's is level at 1 "
    "and squared error's falls in a straight line. Towards negative gaps both fall while the third logit is low; with a third "
    "logit of 6 cross-entropy stays at 1.",
    gap=interact.Slider("gap y2 - y1", -6.0, 20.0, 0.5, 4.0),
    third=interact.Slider("third logit y3", -20.0, 12.0, 0.5, -20.0),
)

# %% [markdown] claims=["S1-02", "S1-03", "S2-28", "S2-30", "S2-31", "S2-34", "S3-23", "S3-41"]
# ## What the sources say, and what is exact
#
# | source | it says | exact |
# |---|---|---|
# | S1 | a loss is non-negative | a convention; a constant changes no gradient. Likelihoods of densities can give negative losses |
# | S1 | the 0-1 loss is unusable because it is non-convex | it is non-convex; but the decisive fault is that its gradient is 0 almost everywhere (section 1). Minimising it exactly is NP-hard in general |
# | S1 | squared loss is for linear regression, log loss for classification | as habits. Squared loss on raw outputs does classify; it loses where right answers lie far out (4 to 9.5 % mistakes against 1.5 to 4.5 %, section 1) |
# | S1 | hinge loss is maximum margin | hinge **plus a penalty on the length of the weights** is. Alone it reached 49 to 77 % of the widest street at the worst of four starts (section 1) |
# | S2 | classification is special regression | as a picture of the model. As optimisation: squared error on softmax is non-convex in the logits (beyond a gap of ln 2), cross-entropy is convex (section 4) |
# | S2 | softmax enlarges differences | of large logits. (0.3, 0.1) becomes 55 and 45 % where plain shares give 75 and 25 % (section 2) |
# | S2 | softmax and sigmoid are equivalent | for two classes, $\mathrm{softmax}(z)_1 = \sigma(z_1 - z_2)$: the sigmoid of the **difference**, not of each logit (section 2) |
# | S2 | with $y_3 = -1000$, squared error is stuck at the top left | $y_3$ has no part in it: two classes alone give the same numbers. The plateau is the wrong-signed **gap** $y_2 - y_1$; the force carries $p_1 p_2^2$, the time grows by $e$ per unit of gap, by $e^2 = 7.39$ when both logits move one unit (section 4) |
# | common | the place of $y_3$ is irrelevant | only well below the others (−10 and less here). Nearer by, it changed the number of steps by factors from 0.4 to 3.5 (section 4) |
# | common | squared error cannot train classifiers | **through softmax, from a certain and wrong start**. On raw outputs, or from small logits, it can (section 4) |
# | S3 | targets within the range of the sigmoid, usually +1 and −1 | ±1 suits $1.7159 \tanh(\tfrac23 z)$. For the logistic unit 0.1 and 0.9 are customary; its second derivative is largest at 0.211 and 0.789. Never the asymptote (section 5) |
# | S3 | targets {0, 1} for cross-entropy, {−1, 1} for hinge | yes, and mixed they fail silently: a loss without a floor, or a class without a force (section 1) |
#
# ## Summary
#
# 1. The 0-1 loss has slope 0; hinge, log and square are substitutes with a slope, and they differ in what they do to
#    answers that are right.
# 2. Softmax turns differences of logits into ratios of probabilities, $p_a/p_b = e^{z_a - z_b}$; take each row's
#    maximum out first.
# 3. Cross-entropy is the negative log-likelihood, its gradient in the logits is answer minus target, and PyTorch's
#    version wants logits.
# 4. Squared error through softmax carries the factor $p_y$: from a gap $d$ to the wrong class it takes $e^d/8$ steps
#    where cross-entropy takes $d/2$.
# 5. A target at an asymptote is a minimum at infinity: the weights grow like the logarithm of time, and the units
#    stop responding.
#
# ## Quick questions
#
# **1.** Two classes, label −1, score −3. Margin, hinge loss, squared loss?
# <details><summary>Answer</summary>The margin is 3, the hinge loss 0, the squared loss 4: the answer is punished for being too right.</details>
#
# **2.** A three-class network's loss falls to 0.56 and stays there, with 100 % accuracy on the training set. What do you look for in the code?
# <details><summary>Answer</summary>A softmax before <code>F.cross_entropy</code>. Fed with probabilities it cannot fall below ln(1 + 2/e) = 0.551.</details>
#
# **3.** From a gap of 5, squared error takes about $e^5/8 pprox 21$ steps (23 measured). How many from a gap of 12? And cross-entropy?
# <details><summary>Answer</summary>About e^12/8 = 20,000; cross-entropy about 6.5.</details>
#
# **4.** You divide all logits by 10 before the softmax, from the same start with a gap of 20. What becomes of the plateau?
# <details><summary>Answer</summary>The gap seen by the softmax is 2: no plateau. Each logit then moves it by a tenth only, and the gradient is a tenth too, so each step does a hundredth: about 200 steps instead of 61 million. A temperature is one cure for a bad start.</details>
#
# **5.** Label smoothing with ε = 0.1, two classes. Where does the gap end?
# <details><summary>Answer</summary>Targets 0.95 and 0.05: the gap is ln 19 = 2.94.</details>
#
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
#
# ## Further reading
#
# - G. Brier (1950), *Verification of forecasts expressed in terms of probability*: squared error on probabilities.
# - J. Bridle (1990), *Probabilistic interpretation of feedforward classification network outputs*: softmax and its
#   name.
# - C. Cortes, V. Vapnik (1995), *Support-vector networks*: the hinge and the widest street.
# - Y. LeCun, L. Bottou, G. Orr, K.-R. Müller (1998), *Efficient BackProp*: where to put the targets.
# - P. Golik, P. Doetsch, H. Ney (2013), *Cross-entropy vs. squared error training: a theoretical and experimental
#   comparison*.
# - C. Szegedy, V. Vanhoucke, S. Ioffe, J. Shlens, Z. Wojna (2016), *Rethinking the Inception architecture for
#   computer vision*: label smoothing.
# - L. Hui, M. Belkin (2021), *Evaluation of neural architectures trained with square loss vs cross-entropy in
#   classification tasks*.
#
# ## Your turn
#
# [Assignment 02](../assignments/02_losses/02_losses.ipynb): the four losses, a softmax that does not overflow,
# cross-entropy with its gradient, and the gradient that stalls; then both gradients train a classifier from the same
# bad start.
