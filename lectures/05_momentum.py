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
# # How far can one step go, and what does memory buy?
#
# **Unit 05, momentum.** 60 minutes. You need gradient descent (unit 01) and the eigenvalues of a symmetric matrix;
# unit 04 explains the Hessian, whose eigenvalues are called *curvatures* here.
#
# Two numbers decide whether gradient descent is fast, slow or useless: the largest curvature of the loss and the smallest.
# The first limits the step. The second decides how many steps you need. You will derive both limits, measure them, and
# then see what one extra number, the memory β, changes about each.
#
# Each section asks a question, lets you **predict**, derives a number, measures it, and puts the two side by side. Write
# your prediction down before you run the cell. A cell whose evidence fails stops the notebook. Codes in the tables name
# what is being checked: S2-18 is a sentence of a source text (S2: notes on Hung-yi Lee's lectures of 2021; S3: a text on
# LeCun, Bottou, Orr and Müller 1998), P04 an experiment of this course.

# %%
import itertools
import os

import numpy as np
import torch

from trainlab import curvature, data, interact, networks, plots, surfaces
from trainlab.descend import rate, run
from trainlab.evidence import claim, table
from trainlab.plots import Curve

torch.set_num_threads(1)  # the networks are tiny: more threads cost time
FAST = os.environ.get("FAST") == "1"  # one seed in place of three in section 5

# %% [markdown] claims=["S2-18"]
# ## 1. How far can one step go?
#
# **Question.** The same bowl, the same start, three learning rates η. One run crawls, one arrives, one leaves the bowl,
# although the surface is convex and the gradient is exact.
#
# An update rule is written here as a paper writes it: what to remember, then one step, for ever. `run` makes the steps
# and records them.


# %% claims=["S2-18"]
def gradient_descent(grad, w, lr):
    while True:
        w = w - lr * grad(w)
        yield w


bowl = surfaces.Quadratic((1.0, 10.0))  # L(w) = (1 w1² + 10 w2²) / 2
three = [run(gradient_descent, bowl, [9.0, 3.0], steps=40, lr=lr) for lr in (0.01, 0.18, 0.205)]
plots.show(
    plots.descents(bowl, *three, xlim=(-1, 10), ylim=(-8, 8)),
    plots.losses(*three, labels=["η = 0.01", "η = 0.18", "η = 0.205"]),
    height=2.3,
    alt="Three paths from one start: a short one, one that zigzags to the minimum, one whose zigzags grow; beside them "
    "their losses, nearly level, falling by seven orders of magnitude, and rising.",
)

# %% [markdown]
# **Predict.** (a) The steep direction of this bowl has curvature 10. From which η on does the run diverge: 0.1, 0.2 or 1?
# (b) Another bowl has curvatures 100 and 0.0001. You may take 100,000 steps. You start 10 away from the minimum
# along the flat direction. How far away are you at the end: 0, 1 or 9? (c) A loss has not changed for 99,000 steps. How
# long is the gradient: 0 or 500?
#
# **Theory.** Write the loss near its minimum as $L(w) = \tfrac12 \sum_i \lambda_i w_i^2$, with curvatures from
# $\mu = \lambda_{\min}$ to $L = \lambda_{\max}$. The step $w \leftarrow w - \eta \nabla L(w)$ acts on each coordinate
# alone:
#
# $$w_i \leftarrow (1 - \eta\lambda_i)\, w_i .$$
#
# It shrinks when $|1 - \eta\lambda_i| < 1$. Three numbers follow.
#
# - **The limit.** Stable if and only if $\eta < \eta_{\max} = 2/L$. Between $1/L$ and $2/L$ the factor is negative: the
#   coordinate changes sign at every step, and so does its gradient.
# - **The best η.** The slowest coordinate decides: $\max_i |1-\eta\lambda_i|$. The two ends balance at
#   $\eta^\star = 2/(\mu + L)$.
# - **The convergence rate** there, the factor by which the error shrinks per step, is $\dfrac{\kappa - 1}{\kappa + 1}$, where
#   $\kappa = L/\mu$ is the *condition number*. Shrinking an error by $10^6$ takes about
#   $\tfrac{\kappa}{2}\ln 10^6 \approx 7\kappa$ steps.
#
# **Experiment.** Settings that are arrays broadcast, so 2,500 learning rates are one run.

# %% claims=["S2-18", "S3-26"]
grid = np.arange(1, 2501) / 1000  # η in units of 1/λ
limits, signs = [], []
for lam in (0.01, 1.0, 100.0):
    line, start, lr = surfaces.Quadratic((lam,)), np.ones((2500, 1)), grid[:, None] / lam
    end = run(gradient_descent, line, start, steps=4000, every=4000, lr=lr).path[-1, :, 0]
    limits.append(grid[np.abs(end) <= 1 + 1e-6].max())
    first = run(gradient_descent, line, start, steps=1, lr=lr).path[-1, :, 0]
    signs.append(grid[first < 0].min())

ten = surfaces.Quadratic(tuple(np.linspace(1, 10, 19)))  # κ = 10
etas = np.linspace(0.01, 0.21, 41)
path = run(gradient_descent, ten, np.ones((41, 19)), steps=300, lr=etas[:, None]).path
factors = np.array([rate(errors) for errors in np.linalg.norm(path, axis=-1).T])

# %%
ideal = np.maximum(abs(1 - etas * 1), abs(1 - etas * 10))
plots.show(
    plots.lines(
        Curve(etas, factors, "measured", colour=0),
        Curve(etas, ideal, "max |1 − ηλ|", theory=True, colour=3),
        Curve([0.01, 0.21], [1, 1], "stands still", theory=True, colour=1),
        xlabel="learning rate η",
        ylabel="error factor per step",
        title="curvatures from 1 to 10",
    ),
    alt="The error factor falls in a straight line from 0.99 at small η to 0.82 at 0.18, then rises steeply and crosses 1 at "
    "0.2; the measured points lie on the theory.",
)

# %% [markdown] claims=["S2-17"]
# A lopsided V. On its left arm you pay for caution slowly. On its right arm there are 10 % from the best η to divergence.
#
# Now (b) and (c): the same rule on the bowl with curvatures 0.0001 and 100, at three learning rates.

# %% claims=["S2-17", "S2-18"]
narrow = surfaces.Quadratic((1e-4, 100.0))
lr = np.array([[0.02], [0.01], [1e-7]])  # 2/L, 1/L, and a very cautious one
stuck = run(gradient_descent, narrow, np.full((3, 2), [-10.0, 5.0]), steps=100_000, every=1000, lr=lr)
slope = np.linalg.norm(narrow.grad(stuck.path), axis=-1)  # (101, 3)

# %%
names, thousands = ["η = 2/L = 0.02", "η = 1/L = 0.01", "η = 10⁻⁷"], stuck.steps / 1000
plots.show(
    plots.lines(
        *(Curve(thousands, y) for y in stuck.losses.T),
        xlabel="thousand steps",
        ylabel="loss",
        logy=True,
    ),
    plots.lines(
        *(Curve(thousands, y, name) for y, name in zip(slope.T, names, strict=True)),
        xlabel="thousand steps",
        ylabel="length of the gradient",
        logy=True,
    ),
    alt="At the largest η the loss stays at 1250 and the gradient at 500 for 100,000 steps; at half of it both drop at once "
    "to a small value and stay there; at the smallest both fall slowly.",
)

# %% [markdown]
# **Evidence.**

# %% claims=["S2-17", "S2-18", "S3-26"]
covered = 1 + stuck.path[-1, :, 0] / 10  # share of the way along the flat direction
below = etas < 0.2
table(
    claim("S2-18", "largest stable η, times λ, three λ", limits, predicted=2, within=0.001),
    claim("S3-26", "η from which the gradient changes sign, times λ", signs, predicted=1, within=0.002),
    claim("S2-18", "best η, curvatures 1 to 10", etas[factors.argmin()], predicted=2 / 11, within=0.02),
    claim("", "error factor, all η below the limit", factors[below], predicted=ideal[below], within=0.01),
    claim("S2-17", "loss at η = 2/L, from step 1,000 on", stuck.losses[1:, 0], predicted=1250, within=1e-4),
    claim("S2-17", "length of the gradient there", slope[1:, 0], predicted=500, within=1e-4),
    claim("S2-18", "share of the way covered, η = 1/L", covered[1], predicted=1 - np.exp(-0.1), within=1e-4),
    claim("S2-18", "share of the way covered, η = 10⁻⁷", covered[2], predicted=1e-6, within=1e-4),
)

# %% [markdown] claims=["S2-17", "S3-26"]
# The loss at $\eta = 2/L$ stands still because the steep coordinate jumps from one wall to the other, +5, −5, +5, at full
# slope. **Stuck does not mean a small gradient.** When a loss stops falling, measure the gradient before you call the
# place a minimum or a saddle.
#
# The table also gives LeCun's old advice a number. A gradient that changes sign from step to step says
# $\eta\lambda > 1$ for some direction: half of the way to the limit is used up, and this is the time to lower η. No
# change of sign and a steady fall say that you may raise it.
#
# **Caveat.** All of this is exact for a quadratic. A network's curvature changes while you walk; section 5 measures what
# becomes of the limit $2/L$ then.

# %% [markdown] claims=["S2-13", "S2-14"]
# ## 2. Three conventions, one idea
#
# **Question.** The idea fits in one sentence: *the next movement is the last movement, shortened by a factor β, minus η
# times the gradient*. Yet "momentum 0.9, learning rate 0.1" makes steps ten times as long in one text as in another, and
# two programs that agree for 100 epochs part when the learning rate is lowered. Which numbers can you carry over?
#
# **Predict.** (a) A ball feels the gradient 1 once; from then on the floor is level. Its memory is β = 0.9. How far does
# it roll in all: η, 2η or 10η? (b) Does it still move at step 20, when 19 gradients in a row were zero? (c) Halfway through
# a run you divide η by 10. How much of the last movement is kept in the next one: 0.9 or 0.09?
#
# **Theory.** Write $g_t$ for the gradient at step $t$; every memory is zero before the start.
#
# | convention | memory | step | what is left of $g_t$ after k more steps |
# |---|---|---|---|
# | **movement**: Polyak 1964, Hinton, Lee's lectures, *the exercises of this unit* | $m_t = \beta m_{t-1} - \eta\, g_t$ | $w_{t+1} = w_t + m_t$ | $\eta\,\beta^k$ |
# | **sum of gradients**: PyTorch's `SGD` | $v_t = \beta v_{t-1} + g_t$ | $w_{t+1} = w_t - \eta\, v_t$ | $\eta\,\beta^k$ |
# | **average of gradients**: Adam's first moment | $a_t = \beta a_{t-1} + (1-\beta)\, g_t$ | $w_{t+1} = w_t - \eta'\, a_t$ | $\eta'(1-\beta)\,\beta^k$ |
#
# They convert by $m_t = -\eta\, v_t$, $\;a_t = (1-\beta)\, v_t$ and $\eta' = \eta/(1-\beta)$. Unrolled, all three say
#
# $$m_t = -\eta \sum_{i \le t} \beta^{\,t-i} g_i ,$$
#
# a weighted sum of **all past gradients**. The weights add up to $1/(1-\beta)$: a gradient that stays the same is followed
# with steps $1/(1-\beta)$ times as long. Because $m_{t-1} = w_t - w_{t-1}$, the memory is already in the path. That is
# Polyak's own form:
#
# $$w_{t+1} = w_t - \eta\, g_t + \beta\,(w_t - w_{t-1}) .$$
#
# **Nesterov's** form (as in Sutskever et al. 2013) takes the gradient where the memory is about to carry the ball:
# $v_t = \beta v_{t-1} - \eta \nabla L(w_t + \beta v_{t-1})$, $\;w_{t+1} = w_t + v_t$. PyTorch's `nesterov=True` stores the
# look-ahead points $w_t + \beta v_{t-1}$ in place of the $w_t$.
#
# **Where they part.** Let $\eta_t$ vary. The first convention remembers *movements*, made with the old η. PyTorch remembers
# *gradients* and multiplies all of them by the new η. The two agree again if the first uses the memory
# $\beta\,\eta_t/\eta_{t-1}$.
#
# **Experiment.** Polyak's form is one line. The ledge below is a slope that ends: its gradient is 1 for $w \ge 0$ and 0
# beyond, so a ball that starts at 0 feels it once.


# %% claims=["S2-13", "S2-14", "S2-15"]
def heavy_ball(grad, w, lr, beta):
    before = w
    while True:
        w, before = w - lr * grad(w) + beta * (w - before), w
        yield w


class Ledge:
    def value(self, w):
        return np.maximum(w, 0).sum(axis=-1)

    def grad(self, w):
        return np.where(w >= 0, 1.0, 0.0)


memories, well, excess = (0.5, 0.9, 0.97), surfaces.DoubleWell(0.3), []
rolls = [-run(heavy_ball, Ledge(), [0.0], steps=400, lr=0.1, beta=beta).path[:, 0] for beta in memories]
moves = [np.diff(roll) for roll in rolls]  # how a movement of length η fades, (400,)
for move, beta in zip(moves, memories, strict=True):  # on a varying slope: all gradients, faded like `moves`?
    path = run(heavy_ball, well, [-3.0], steps=60, lr=0.1, beta=beta).path
    gradients = well.grad(path)[:-1, 0]
    excess.append(np.diff(path[:, 0]) + np.convolve(move[:60], gradients)[:60])

# %% [markdown]
# Now PyTorch itself, written as one more rule, against Polyak's form. Five starts at once in the double well of section 4, 60
# steps, and in the last three runs an η that is divided by ten at step 30.


# %% claims=["S2-13"]
def scheduled(grad, w, lrs, betas):  # Polyak's form, with an η and a β for every step
    before = w
    for lr, beta in zip(lrs, betas, strict=False):
        w, before = w - lr * grad(w) + beta * (w - before), w
        yield w


def nesterov(grad, w, lr, beta):
    before = w
    while True:
        ahead = w + beta * (w - before)
        w, before = ahead - lr * grad(ahead), w
        yield w


def torch_sgd(grad, w, lrs, **options):
    p = torch.nn.Parameter(torch.from_numpy(w))
    optimiser = torch.optim.SGD([p], lr=1.0, **options)
    for lr in lrs:
        optimiser.param_groups[0]["lr"] = lr
        p.grad = torch.from_numpy(grad(p.detach().numpy()))
        optimiser.step()
        yield p.detach().numpy()


# %% claims=["S2-13"]
starts, beta, T = np.linspace(-3, 12, 5)[:, None], 0.9, 60
constant, lowered = np.full(T, 0.1), np.where(np.arange(T) < 30, 0.1, 0.01)
polyak = run(heavy_ball, well, starts, T, lr=0.1, beta=beta).path
pytorch = run(torch_sgd, well, starts, T, lrs=constant, momentum=beta).path
ahead = run(nesterov, well, starts, T, lr=0.1, beta=beta).path
ahead[1:] += beta * np.diff(ahead, axis=0)  # from the iterates to the look-ahead points
pytorch_ahead = run(torch_sgd, well, starts, T, lrs=constant, momentum=beta, nesterov=True).path
dampened = run(torch_sgd, well, starts, 1, lrs=constant / (1 - beta), momentum=beta, dampening=beta).path

coasts = run(scheduled, well, starts, T, lrs=lowered, betas=np.full(T, beta)).path
brakes = run(torch_sgd, well, starts, T, lrs=lowered, momentum=beta).path
bridge = run(
    scheduled, well, starts, T, lrs=lowered, betas=beta * np.append(1, lowered[1:] / lowered[:-1])
).path

# %%
k, late = np.arange(40), np.arange(24, 50)
plots.show(
    plots.lines(
        *(Curve(k, move[:40] / 0.1, f"β = {beta}") for move, beta in zip(moves, memories, strict=True)),
        xlabel="steps since the gradient",
        ylabel="movement / η",
    ),
    plots.lines(
        Curve(late, coasts[24:50, 0, 0], "movement"),
        Curve(late, brakes[24:50, 0, 0], "PyTorch"),
        xlabel="step (η lowered at 30)",
        ylabel="position x",
    ),
    alt="Left: after one unit of gradient the movements fade like powers of β; for 0.97 a third is left after 40 steps. "
    "Right: when η is lowered, one ball coasts on and the other brakes at once.",
)

# %% [markdown]
# **Evidence.**


# %% claims=["S2-13", "S2-14", "S2-15"]
def gap(a, b):
    return np.abs(a - b).max()


def kept(path):  # what is left of movement 29 in movement 30, the first with the new η
    return (path[31] - path[30] + 0.01 * well.grad(path[30])) / (path[30] - path[29])


faded = [move[:20] / beta ** k[:20] for move, beta in zip(moves, memories, strict=True)]
total = [roll[-1] / 0.1 for roll in rolls]
first = (dampened[1] - starts) / (-0.1 * well.grad(starts))
sums = [1 / (1 - beta) for beta in memories]
table(
    claim("S2-13", "Polyak's form against PyTorch, 5 starts", gap(polyak, pytorch), at_most=1e-12),
    claim("S2-14", "movement k steps after a gradient, over β^k", faded, predicted=0.1, within=1e-6),
    claim("S2-14", "movement, less the sum of all past gradients", np.abs(excess), at_most=1e-12),
    claim("S2-15", "way rolled on one gradient, in η", total, predicted=sums, within=1e-3),
    claim("", "Nesterov's look-ahead points against PyTorch", gap(ahead, pytorch_ahead), at_most=1e-12),
    claim("", "η lowered: share kept by the movement form", kept(coasts), predicted=0.9, within=1e-6),
    claim("", "η lowered: share kept by PyTorch", kept(brakes), predicted=0.09, within=1e-6),
    claim("", "with β η_t/η_(t−1), against PyTorch", gap(bridge, brakes), at_most=1e-12),
    claim("", "PyTorch with dampening: first step, over η g", first, predicted=10, within=1e-6),
)

# %% [markdown]
# The last row is a trap. PyTorch's `dampening=β` looks like the average of gradients, but it stores the first gradient whole,
# not multiplied by $1-\beta$. With $\eta' = \eta/(1-\beta)$ its first step is ten times too long.
#
# **Caveat.** A tuned η travels between the first two conventions as long as it is constant, and needs the factor $1-\beta$
# for the third. A *schedule* travels only with the memory adjusted as above. And in the first two, raising β from 0.9 to 0.99
# also makes the steps along a steady slope ten times as long: you have changed two things.

# %% [markdown] claims=["S2-18"]
# ## 3. What does memory buy?
#
# **Question.** A narrow valley, condition number 100. Gradient descent needs an η small enough for the walls, and crawls
# along the floor with it. The heavy ball sees the same gradients.

# %%
gorge = surfaces.Quadratic((1.0, 100.0))
crawl = run(gradient_descent, gorge, [10.0, 1.0], steps=80, lr=2 / 101)
roll = run(heavy_ball, gorge, [10.0, 1.0], steps=80, lr=4 / 11**2, beta=(9 / 11) ** 2)
plots.show(
    plots.descents(gorge, crawl, roll, xlim=(-3, 11), ylim=(-5, 5)),
    plots.losses(crawl, roll, labels=["gradient descent", "heavy ball"]),
    height=2.4,
    alt="Gradient descent zigzags between the walls and is still far from the minimum after 80 steps; the heavy ball swings "
    "wider, rises at first, and ends with a loss eight orders of magnitude smaller.",
)

# %% [markdown] claims=["S2-18"]
# **Predict.** (a) With β = 0.9, how large may η be before the run diverges, in units of $1/\lambda$: 0.2, 2 or 3.8? (b) At
# condition number 1000, gradient descent at its best η needs 6,000 steps to shrink the error by $10^6$. The heavy ball
# at its best needs 3,000, 1,000 or 300?
#
# **Theory.** On one coordinate Polyak's form reads $w_{t+1} = (1 + \beta - \eta\lambda)\, w_t - \beta\, w_{t-1}$. Its solutions
# are combinations of $z_1^t$ and $z_2^t$, where
#
# $$z^2 - (1 + \beta - \eta\lambda)\, z + \beta = 0, \qquad z_1 z_2 = \beta .$$
#
# - **The wedge.** Both roots lie inside the unit circle if and only if $0 < \eta\lambda < 2(1+\beta)$ (for
#   $0 \le \beta < 1$). Memory allows steps almost *twice* as long.
# - **The plateau.** Where the roots are complex, that is for $(1-\sqrt\beta)^2 < \eta\lambda < (1+\sqrt\beta)^2$, both have
#   length exactly $\sqrt\beta$, whatever λ is. All curvatures that fit in shrink equally fast.
# - **The best pair.** The curvatures from μ to L just fit in for $\eta = \dfrac{4}{(\sqrt\mu+\sqrt L)^2}$ and
#   $\beta = \left(\dfrac{\sqrt\kappa-1}{\sqrt\kappa+1}\right)^2$. The convergence rate is then
#   $\sqrt\beta = \dfrac{\sqrt\kappa-1}{\sqrt\kappa+1}$: gradient descent's, with $\sqrt\kappa$ in place of κ.
# - **Nesterov's** form with $\eta = 1/L$ and $\beta = \dfrac{\sqrt\kappa-1}{\sqrt\kappa+1}$ has the rate
#   $1 - 1/\sqrt\kappa$.
# - **The double root.** At the best pair, μ and L sit exactly where $z_1 = z_2$, and the solution there is $(1 + ct)\,z^t$, not
#   $z^t$. Between step $T/2$ and step $T$ the factor $t$ doubles, so a rate measured over that half comes out slower, by
#   about $2^{2/T}$. Nesterov's choice has a double root at μ, too.
#
# **Experiment.** First the whole wedge in one run: 161 × 100 settings of (ηλ, β) on a parabola, from the start 1, 400 steps.

# %% claims=["S2-18"]
u, b = np.linspace(0.025, 4.025, 161), np.linspace(0, 0.99, 100)  # ηλ and β
lr, beta = (grid.reshape(-1, 1) for grid in np.meshgrid(u, b))
parabola = surfaces.Quadratic((1.0,))
end = np.abs(run(heavy_ball, parabola, np.ones_like(lr), steps=400, every=400, lr=lr, beta=beta).path[-1])
factors = np.maximum(end, 1e-300).reshape(100, 161) ** (1 / 400)

edges, memories = [], (0.0, 0.5, 0.9, 0.99)
for beta in memories:
    near = np.linspace(0.99, 1.01, 2001) * 2 * (1 + beta)
    start = np.ones((2001, 1))
    end = run(heavy_ball, parabola, start, steps=20_000, every=20_000, lr=near[:, None], beta=beta).path[-1]
    edges.append(near[np.abs(end[:, 0]) < 100].max())

# %%
plots.show(
    plots.heat(
        u,
        b,
        np.where(factors < 1, factors, np.nan),
        Curve(2 * (1 + b), b, "ηλ = 2(1 + β)"),
        levels=np.linspace(0, 1, 11),
        xlabel="ηλ",
        ylabel="memory β",
        zlabel="error factor per step",
    ),
    alt="The stable settings form a wedge whose right edge runs from 2 without memory to 4 at β = 1, along the dashed line; "
    "inside it the error factor is level from left to right and grows with β.",
)

# %% [markdown]
# Read it from left to right at β = 0.6: slow at first, then a broad plateau of one colour, up to the edge at 3.2. On the plateau
# a whole range of curvatures shrinks equally fast.
#
# Now the rates themselves: 20 curvatures between 1 and κ, three random choices of them and of the start, for each of
# three κ.


# %%
def tuned(kappa):  # rule, best settings and convergence rate for curvatures from 1 to kappa
    q = np.sqrt(kappa)
    r = (q - 1) / (q + 1)
    return {
        "gradient descent": (gradient_descent, {"lr": 2 / (1 + kappa)}, (kappa - 1) / (kappa + 1)),
        "heavy ball": (heavy_ball, {"lr": 4 / (1 + q) ** 2, "beta": r**2}, r),
        "Nesterov": (nesterov, {"lr": 1 / kappa, "beta": r}, 1 - 1 / q),
    }


kappas, rows = (10, 100, 1000), []
for kappa, seed in itertools.product(kappas, range(3)):
    rng = np.random.default_rng(seed)
    spectrum, start = surfaces.Quadratic((1.0, kappa, *rng.uniform(1, kappa, 18))), rng.normal(size=20)
    for rule, settings, ideal in tuned(kappa).values():
        trace = run(rule, spectrum, start, steps=int(-32 / np.log(ideal)) + 40, **settings)
        error = np.linalg.norm(trace.path, axis=1) / np.linalg.norm(start)
        T = np.flatnonzero(error > 1e-12)[-1]  # `rate` measures from T/2 to T
        rows.append((rate(error), ideal, ideal * 2 ** (2 / T), np.flatnonzero(error < 1e-6)[0]))

gd, hb, nag = np.reshape(rows, (3, 3, 3, 4)).transpose(2, 3, 0, 1)  # each: (4 numbers, 3 κ, 3 seeds)

# %%
ks, names = np.geomspace(5, 2000, 40), list(tuned(10))
plots.show(
    plots.lines(
        *(Curve(kappas, np.median(r[3], axis=1), n) for n, r in zip(names, (gd, hb, nag), strict=True)),
        *(
            Curve(ks, [np.log(1e-6) / np.log(tuned(k)[name][2]) for k in ks], theory=True, colour=c)
            for c, name in enumerate(names)
        ),
        xlabel="condition number κ",
        ylabel="steps for a factor of 10⁻⁶",
        logx=True,
        logy=True,
    ),
    alt="On logarithmic axes the steps of gradient descent grow with slope one to 6,000 at condition number 1000; those of "
    "heavy ball and Nesterov grow with slope one half to a few hundred, the heavy ball a little above its dashed line.",
)

# %% [markdown]
# **Evidence.** "By the formula" is the rate that the papers state; "with the double root" multiplies it by $2^{2/T}$.

# %% claims=["S2-18"]
wedge = [2 * (1 + beta) for beta in memories]
table(
    claim("S2-18", "largest stable η times λ, β = 0, 0.5, 0.9, 0.99", edges, predicted=wedge, within=0.002),
    claim("P04", "gradient descent by the formula, 3 κ × 3 seeds", gd[0], predicted=gd[1], within=0.0005),
    claim("P04", "heavy ball by the formula", hb[0], predicted=hb[1], within=0.04),
    claim("P04", "heavy ball with the double root", hb[0], predicted=hb[2], within=0.005),
    claim("P04", "Nesterov by the formula", nag[0], predicted=nag[1], within=0.025),
    claim("P04", "Nesterov with the double root", nag[0], predicted=nag[2], within=0.005),
    claim("P04", "steps, gradient descent over heavy ball, κ = 1000", gd[3, 2] / hb[3, 2], at_least=15),
)

# %% [markdown] claims=["S2-17"]
# Gradient descent keeps to its formula to 0.01 %. Heavy ball and Nesterov are slower than theirs, by 0.1 to 3 % per step, at
# every seed. The formula is right and so is the measurement: the formula is the limit of infinitely many steps, and the
# double root makes that limit late. With $2^{2/T}$ prediction and measurement agree to 0.5 %.
#
# **Caveat.** The best pair needs μ and L, which nobody tells you. And its guarantee ends with the quadratic. Here is a
# convex loss in one dimension whose curvature is 25, then 1, then 25 again (Lessard, Recht and Packard 2016). Its condition
# number is 25, and each rule gets the settings that are best for it.


# %% claims=["S2-17"]
class Kinked:
    def value(self, w):
        x = w[..., 0]
        middle, right = x**2 / 2 + 24 * x - 12, 12.5 * x**2 - 24 * x + 36
        return np.where(x < 1, 12.5 * x**2, np.where(x < 2, middle, right))

    def grad(self, w):
        return np.where(w < 1, 25 * w, np.where(w < 2, w + 24, 25 * w - 24))


starts = np.linspace(3.07, 3.46, 5)[:, None]
tails = [run(rule, Kinked(), starts, 3000, **settings).path[-30:] for rule, settings, _ in tuned(25).values()]
circle = tails[1]
table(
    claim("", "gradient descent: distance to the minimum", np.abs(tails[0]), at_most=1e-12),
    claim("", "Nesterov: distance to the minimum", np.abs(tails[2]), at_most=1e-12),
    claim("", "heavy ball: distance in the last 30 steps", np.abs(circle), at_least=0.5, at_most=2.5),
    claim("", "heavy ball: distance to the place 3 steps before", gap(circle[3:], circle[:-3]), at_most=1e-9),
    claim("S2-17", "heavy ball: length of the gradient", np.abs(Kinked().grad(circle)), at_least=15),
)

# %% [markdown]
# After 3,000 steps the ball still visits the same three points in turn, and its gradient is never below 16. Gradient descent and
# Nesterov's form arrive. What is best for the quadratic promises nothing for another surface, and once more, stuck does
# not mean a small gradient.

# %% [markdown] claims=["S2-12"]
# ## 4. Can a ball roll out of the valley?
#
# **Question.** The picture that everybody draws: a ball has momentum, so it rolls through a local minimum and on to a
# better one. Here it is with numbers. A wide valley has its floor at $x = 6$, loss 0. On the way there is a dent at
# $x = 1$. On the left the dent is the worse minimum, on the right the better one.

# %% claims=["S2-12"]
wells = {"dent at loss 0.18": surfaces.DoubleWell(0.3), "dent at loss −0.50": surfaces.DoubleWell(1.0)}
plots.show(
    *(
        plots.valley(
            well,
            *(run(heavy_ball, well, [-3.0], steps=600, lr=0.02, beta=beta) for beta in (0.0, 0.9, 0.97)),
            labels=["β = 0", "β = 0.9", "β = 0.97"],
            xlim=(-3.5, 11),
            title=title,
        )
        for title, well in wells.items()
    ),
    alt="In both pictures the balls with memory 0 and 0.9 end in the dent and the one with memory 0.97 ends in the wide "
    "valley, also where the dent is the deeper of the two.",
)

# %% [markdown] claims=["S2-12", "S2-15", "S2-16"]
# **Predict.** (a) You divide η by four, from 0.02 to 0.005. To get out of the dent as before, the memory has to rise from 0.93
# to 0.95, 0.965 or 0.98? (b) Does a ball with more memory than it needs always end in the wide valley? (c) A ball starts
# exactly on a saddle. Does memory help it off?
#
# **Theory.** Rewrite Polyak's form as a difference quotient with time step $\sqrt\eta$. For small η it is Newton's law for a
# ball of mass 1 with friction γ:
#
# $$\ddot x = -L'(x) - \gamma\,\dot x, \qquad \gamma = \frac{1-\beta}{\sqrt\eta} .$$
#
# Only γ is left. The ball gets out below some friction $\gamma^\star$ that belongs to the surface and the start, so the
# threshold moves as $1-\beta^\star = \gamma^\star\sqrt\eta$. *Which minimum is better does not appear in it.* Between
# two steps the ball may well go uphill: the sign of the gradient decides about its acceleration, not its direction.
#
# At a **saddle** the recurrence of section 3 has a curvature $-\nu < 0$, and its larger root
# $z = \tfrac12\big(s + \sqrt{s^2 - 4\beta}\big)$, $s = 1 + \beta + \eta\nu$, exceeds 1. From a distance ε you are off
# after about $\ln(1/\varepsilon)/\ln z$ steps. With ην = 0.1 memory 0.9 raises $z$ from 1.10 to 1.32. For ε = 0 the answer is
# never: memory needs something to remember.
#
# **Experiment.** 341 memories at each of three η, on both surfaces, from the same start. Then a saddle from four distances.

# %% claims=["S2-12", "S2-15", "S2-16"]
friction, lrs = np.linspace(0.02, 0.7, 341), (0.02, 0.005, 0.00125)


def ends(well, lr):  # where balls of all frictions come to rest
    T = int(500 / np.sqrt(lr))  # the same time for every η
    beta = 1 - friction * np.sqrt(lr)
    return run(heavy_ball, well, np.full((341, 1), -3.0), T, every=T, lr=lr, beta=beta[:, None]).path[
        -1, :, 0
    ]


rest = {title: [ends(well, lr) for lr in lrs] for title, well in wells.items()}
worse, better = ([friction[x > 3].max() for x in xs] for xs in rest.values())  # γ* for each η

shallow = wells["dent at loss 0.18"]
path = run(heavy_ball, shallow, [-3.0], steps=600, lr=0.02, beta=0.97).path
uphill = np.diff(path[:, 0]) * shallow.grad(path)[:-1, 0] > 0  # moved against −gradient

saddle, delays = surfaces.Quadratic((1.0, -1.0)), []
for beta, eps in itertools.product((0.0, 0.5, 0.9), (1e-2, 1e-4, 1e-8, 1e-12)):
    x = run(heavy_ball, saddle, [1.0, eps], steps=400, lr=0.1, beta=beta).path[:, 1]
    s = 1 + beta + 0.1
    z = (s + np.sqrt(s**2 - 4 * beta)) / 2
    delays.append(np.flatnonzero(np.abs(x) >= 1)[0] - np.log(1 / eps) / np.log(z))
balanced = run(heavy_ball, saddle, [1.0, 0.0], steps=400, lr=0.1, beta=0.9).path[:, 1]

# %%
plots.show(
    *(
        plots.lines(
            Curve(1 - friction * np.sqrt(0.02), x[0], colour=c),
            xlabel="memory β (η = 0.02)",
            ylabel="where the ball ends, x",
            title=title,
        )
        for c, (title, x) in enumerate(rest.items())
    ),
    alt="The place where the ball ends jumps from the dent to the wide valley at memory 0.931 on the left and 0.955 on the "
    "right; above 0.99 it drops back to the dent in narrow bands.",
)

# %% [markdown]
# **Evidence.**

# %% claims=["S2-12", "S2-15", "S2-16"]
leave = [1 - gs[0] * np.sqrt(0.02) for gs in (worse, better)]
scaled = [g / gs[0] for gs in (worse, better) for g in gs[1:]]
fallen = [np.sum(x[0][friction < 0.15] < 3) for x in rest.values()]
table(
    claim("S2-12", "β that leaves the worse dent, η = 0.02", leave[0], at_least=0.92, at_most=0.95),
    claim("S2-12", "β that leaves the better dent, η = 0.02", leave[1], at_least=0.94, at_most=0.97),
    claim("S2-12", "γ* for η = 0.005, 0.00125, over that for 0.02", scaled, predicted=1, within=0.03),
    claim("S2-12", "memories above 0.98 that end in the dent again", fallen, at_least=1),
    claim("S2-15", "uphill steps of the ball that gets out, of 600", uphill.sum(), at_least=30),
    claim("S2-16", "steps off a saddle, less ln(1/ε)/ln z, 12 settings", delays, at_least=0, at_most=3),
    claim("S2-16", "distance after 400 steps from ε = 0", np.abs(balanced), at_most=0),
)

# %% [markdown] claims=["S2-12", "S2-16"]
# The ball leaves the better minimum just as it leaves the worse one; it only needs β = 0.955 in place of 0.931. And more
# memory is not safer. Above β = 0.99 the ball has energy to spare: it crosses the dent, climbs the far wall, rolls back and
# falls into the dent from the other side. Where it ends then turns on the third digit of β.
#
# **Caveat.** "Momentum escapes local minima" is true of this ball, this start and this dent, at a β that you have to
# find, and it is as true of good minima as of bad ones. What memory does reliably is to carry you along a direction in
# which the gradient keeps its sign: over flat stretches, down long valleys, away from saddles. Unit 06 adds the noise that
# a start exactly on a saddle needs.

# %% [markdown] claims=["S3-26"]
# ## 5. What happens at the edge?
#
# **Question.** A network's loss is not a quadratic: its curvature changes as the weights move. What is the limit
# $\eta < 2/\lambda$ worth then? The network here has 8 inputs, two hidden layers of 16 tanh units and 10 outputs. The
# data are 200 handwritten digits along their first 8 principal components, and every step uses all of them. Its
# *sharpness* λ is the largest eigenvalue of the Hessian. This cell trains and measures, and takes about 15 seconds.

# %% claims=["S3-26"]
digits = data.pca_digits(8, 200)
net = networks.MLP((8, 16, 16, 10), "tanh")  # 586 parameters
squared = networks.training_loss(net, digits.inputs, digits.one_hot)
seeds = range(1 if FAST else 3)


def train(lr, beta, seed):  # losses, and sharpness over its limit at every 50th step
    trace = run(heavy_ball, squared, net.initial(seed), steps=1500, lr=lr, beta=beta)
    sharpness = np.array([curvature.sharpness(squared, w) for w in trace.path[::50]])
    return trace.losses, sharpness * lr / (2 * (1 + beta))


settings = {"η = 0.2": (0.2, 0), "η = 0.4": (0.4, 0), "η = 0.6": (0.6, 0), "η = 0.8, β = 0.5": (0.8, 0.5)}
runs = {name: [train(*s, seed) for seed in seeds] for name, s in settings.items()}
losses = {name: np.array([loss for loss, _ in r]) for name, r in runs.items()}  # (seeds, 1501)
ratios = {name: np.array([ratio for _, ratio in r]) for name, r in runs.items()}  # (seeds, 31)

# %% [markdown] claims=["S3-26"]
# **Predict.** At the start the sharpness of these networks is 4 to 5. (a) You train with η = 0.4, so that 2/η = 5. Where is
# the sharpness after 1,500 steps: near 1, near 5, or has the run diverged? (b) And with η = 0.2, where 2/η = 10?
#
# **Theory.** Read the limit of section 1 backwards: at a given η, steps are stable while $\lambda < 2/\eta$. Two forces meet
# there. While training is stable, sharpness tends to *rise* (progressive sharpening, Cohen et al. 2021). Where it passes
# $2/\eta$, the steepest direction oscillates and grows, as in section 1; but on a surface that is not quadratic this
# oscillation pushes the weights towards *lower* sharpness (Damian, Nichani and Lee 2023), and the run falls back below the
# limit. So sharpness should hover at $2/\eta$, the **edge of stability**. With memory the limit is that of the wedge,
# $2(1+\beta)/\eta$.
#
# **Experiment.** The runs are made; here are their losses, and their sharpness in units of the limit that belongs to each.

# %% claims=["S3-26"]
plots.show(
    plots.lines(
        *(Curve(np.arange(0, 1501, 10), loss[0, ::10]) for loss in losses.values()),
        xlabel="step",
        ylabel="training loss",
        logy=True,
    ),
    plots.lines(
        *(Curve(np.arange(0, 1501, 50), ratio[0], name) for name, ratio in ratios.items()),
        Curve([0, 1500], [1, 1], theory=True, colour=3),
        xlabel="step",
        ylabel="sharpness / its limit",
    ),
    height=2.3,
    alt="Four training losses fall, three of them with jitter; beside them three sharpness curves come to their limit and stay "
    "at it to the end, and the one of the smallest η levels off at six tenths.",
)


# %% claims=["S3-26", "S2-18"]
def beyond(objective, multiple, seed):  # last loss over first, at a multiple of 2/λ of the start
    start = net.initial(seed)
    lr = multiple * 2 / curvature.sharpness(objective, start)
    losses = run(gradient_descent, objective, start, steps=1000, every=1000, lr=lr).losses
    return losses[-1] / losses[0]


entropy = networks.training_loss(net, digits.inputs, digits.labels, torch.nn.functional.cross_entropy)
twice = [beyond(squared, 2, seed) for seed in seeds]
fourfold = [beyond(squared, 4, seed) for seed in seeds]
tenfold = [beyond(entropy, 10, seed) for seed in seeds]
memory = [train(0.6, 0.9, seed)[1][-10:].mean() for seed in seeds]

# %% [markdown]
# **Evidence.** "At the end" is the mean of the last 10 of 31 measurements, for each of three random starts.

# %% claims=["S3-26", "S2-18"]
last = {name: ratio[:, -10:].mean(axis=1) for name, ratio in ratios.items()}
rising = {name: (np.diff(loss) > 0).mean(axis=1) for name, loss in losses.items()}
edge, half = [*last["η = 0.4"], *last["η = 0.6"]], last["η = 0.8, β = 0.5"]
jitter = [*rising["η = 0.4"], *rising["η = 0.6"]]
survivors = np.isfinite(fourfold).sum()
table(
    claim("P03c", "sharpness over 2/η at the end, η = 0.4, 0.6", edge, predicted=1, within=0.06),
    claim("P03c", "share of steps on which the loss rises", jitter, at_least=0.05, at_most=0.6),
    claim("P03c", "sharpness over 2(1+β)/η, η = 0.8, β = 0.5", half, predicted=1, within=0.05),
    claim("P03c", "sharpness over 2/η at the end, η = 0.2", last["η = 0.2"], at_least=0.4, at_most=0.8),
    claim("P03c", "share of steps on which the loss rises", rising["η = 0.2"], at_most=0),
    claim("P03c", "sharpness over 2(1+β)/η, η = 0.6, β = 0.9", memory, at_least=0.8, at_most=1.1),
    claim("S3-26", "loss left at 2 × the first limit, squared error", twice, at_most=0.1),
    claim("S3-26", "loss left at 10 × the first limit, cross-entropy", tenfold, at_most=0.5),
    claim("S3-26", "runs that survive 4 × the first limit, squared error", survivors, at_most=0),
)

# %% [markdown] claims=["S3-26"]
# At η = 0.4 and 0.6 the sharpness ends within a few per cent of $2/\eta$. The loss rises on every sixth to every second step
# there and falls in the long run. η = 0.6 was beyond $2/\lambda$ at the first step, and the sharpness came down to meet
# it. You did not choose η to suit the curvature: training brought the curvature to your η.
#
# **What does not reproduce here.** (1) At η = 0.2 these networks have learnt what they can before their sharpness gets to 10:
# no edge. (2) With memory 0.9 the hovering is not clear at this size: three starts end between 0.9 and 1. With 0.5 it is.
# (3) The rule "keep η below $2/\lambda$" fails for networks when λ is measured at the start. Twice that limit trains under
# squared error, and ten times that limit under cross-entropy, where less than half of the loss is left (how much is the
# start's luck, and your version of torch's). A limit is there all the same: four times is too much for squared error.
#
# **Caveat.** Full batches, a small smooth network, one data set. With small batches the sharpness settles lower, and under
# cross-entropy it falls again late in training (Cohen et al. 2021).

# %% [markdown]
# ## Touch it
#
# One start in a narrow bowl (κ = 25), 60 steps of the heavy ball. Below are six settings; in JupyterLab and on Colab you also
# get two sliders, which the arrow keys move. Find the edge at β = 0; the edge at β = 0.9; a setting that is stable and
# yet gets nowhere; and the best pair (by section 3: ηL = 2.78, β = 0.44).

# %%
touch = surfaces.Quadratic((1.0, 25.0))


def ball(rate, memory):
    trace = run(heavy_ball, touch, [10.0, 2.0], steps=60, lr=rate / 25, beta=memory)
    left = np.linalg.norm(trace.path[-1]) / np.linalg.norm(trace.path[0])
    verdict = f"{left:.1g} of the way left" if left < 1 else "diverges"
    title = f"ηL = {rate:g}, β = {memory:g}\n{verdict}"
    return plots.descents(touch, trace, xlim=(-9, 12), ylim=(-5, 5), title=title)


stills = [(0.2, 0.0), (1.9, 0.0), (2.1, 0.0), (0.2, 0.9), (2.78, 0.44), (0.5, 0.98)]
interact.explore(
    ball,
    stills=[{"rate": rate, "memory": memory} for rate, memory in stills],
    columns=3,
    alt="Paths in a narrow bowl for six settings: a short crawl, a zigzag, a zigzag that grows, a wide swing, a quick arrival, "
    "and swings that hardly shrink.",
    rate=interact.Slider("rate × curvature, ηL", 0.05, 4.0, 0.05, 1.9),
    memory=interact.Slider("memory β", 0.0, 0.99, 0.01, 0.9),
)

# %% [markdown] claims=["S2-12", "S2-14", "S2-15", "S2-16", "S3-26"]
# ## What the sources say, and what is exact
#
# | who | says | exact |
# |---|---|---|
# | S2 | momentum is a weighted sum of all past *momentum* | of all past **gradients**, $m_t = -\eta\sum_{i\le t}\beta^{t-i}g_i$ (section 2) |
# | S2 | the ball moves on although the gradient is *negative* | although the gradient **opposes the motion**: the gradient step alone would take it back (section 4, steps uphill) |
# | S2 | like a ball, it can roll past a local minimum | it can, below a threshold of $(1-\beta)/\sqrt\eta$; out of the **better** minimum just as well; and with still more memory back in (section 4) |
# | S2 | momentum helps to leave critical points | strict saddles, by a larger root $z$; from exactly the saddle it never moves (section 4) |
# | S2 | too large an η oscillates, too small an η never arrives | with numbers: signs change from $1/\lambda$ on, divergence begins at $2/\lambda$; at $\eta = 10^{-7}$ a flat direction has covered a millionth of its way after 100,000 steps (section 1) |
# | S3 | a large learning rate ends in a poor result | exact for quadratics; networks train at 2 to 10 times the limit of their first step (section 5) |
# | often heard | momentum averages the gradients | the lectures' form and PyTorch's **add** them, with total weight $1/(1-\beta)$; only the third convention averages (section 2) |
# | often heard | the heavy ball converges at the rate $(\sqrt\kappa-1)/(\sqrt\kappa+1)$ | in the limit; over T steps slower by about $2^{2/T}$, and only on quadratics (section 3) |

# %% [markdown]
# ## Summary
#
# 1. On a quadratic η may go up to $2/L$; from $1/L$ on, the gradient along the steepest direction changes sign at every step.
# 2. Gradient descent at its best η shrinks the error by $(\kappa-1)/(\kappa+1)$ per step, so its cost grows with κ.
# 3. Memory widens the limit to $2(1+\beta)/L$ and, well tuned, makes the cost grow with $\sqrt\kappa$ only.
# 4. Every convention remembers a weighted sum of all past gradients; they differ by factors of η and $1-\beta$, and part when η varies.
# 5. Stuck does not mean a small gradient: a loss can stand still at full slope, and a network trained for long enough brings its own sharpness to the edge of what η allows.

# %% [markdown]
# ## Quick questions
#
# **1.** The largest curvature of a bowl is 50. Which η are stable with β = 0, and which with β = 0.9?
# <details><summary>Answer</summary>
#
# Below 2/50 = 0.04, and below 2 · 1.9/50 = 0.076.
#
# </details>
#
# **2.** A colleague trains with PyTorch's `SGD(lr=0.1, momentum=0.9)`. You average the gradients. Which η′ do you set?
# <details><summary>Answer</summary>
#
# 0.1/(1 − 0.9) = 1. Both then make the same steps, as long as η is constant.
#
# </details>
#
# **3.** Whitening the inputs lowers κ from 10,000 to 100. What does gradient descent gain, what the heavy ball?
# <details><summary>Answer</summary>
#
# Gradient descent a factor of 100 in steps (κ), the heavy ball a factor of 10 (√κ). On a better surface memory buys less.
#
# </details>
#
# **4.** The loss of your network has been level for 1,000 steps. Name two states that look like this, and the measurement
# that tells them apart.
# <details><summary>Answer</summary>
#
# A critical point, or a steep direction that jumps from wall to wall at the limit. Measure the length of the gradient: near
# 0 in the first state, large in the second. In the second a smaller η makes the loss fall at once.
#
# </details>
#
# **5.** A ball gets out of a dent with η = 0.02 and β = 0.94. You lower η to 0.005. Which β do you need?
# <details><summary>Answer</summary>
#
# Keep (1 − β)/√η. Halving √η halves 1 − β from 0.06 to 0.03, so β = 0.97.
#
# </details>

# %% [markdown]
# ## Glossary
#
# | English | 中文 | here | section |
# |---|---|---|---|
# | momentum | 动量 | the last movement, remembered: $m_t$ | 2 |
# | heavy ball | 重球法 | gradient descent with Polyak's memory | 3 |
# | Nesterov accelerated gradient | Nesterov 加速梯度 | heavy ball with the gradient of the look-ahead point | 3 |
# | learning rate | 学习率 | η, the length of a step per unit of gradient | 1 |
# | gradient descent | 梯度下降 | $w \leftarrow w - \eta\nabla L(w)$ | 1 |
# | error surface | 误差曲面 | the loss as a function of the weights | 1 |
# | eigenvalue of the Hessian, curvature | 海森矩阵的特征值, 曲率 | $\lambda_i$ | 1 |
# | condition number | 条件数 | $\kappa = L/\mu$ | 1 |
# | convergence rate | 收敛速率 | the factor by which the error shrinks per step | 1 |
# | oscillation, divergence | 振荡, 发散 | from $\eta = 1/\lambda$ on; from $\eta = 2/\lambda$ on | 1 |
# | weighted sum | 加权和 | $\sum_{i\le t} \beta^{t-i} g_i$ | 2 |
# | local minimum, saddle point, critical point | 局部极小值, 鞍点, 临界点 | unit 04 | 4 |
# | sharpness | 锐度 | the largest eigenvalue of the Hessian | 5 |
# | edge of stability | 稳定性边缘 | sharpness hovers at $2/\eta$ | 5 |

# %% [markdown]
# ## Further reading
#
# - B. T. Polyak (1964), *Some methods of speeding up the convergence of iteration methods*. The heavy ball and its rate.
# - Y. Nesterov (1983), *A method of solving a convex programming problem with convergence rate O(1/k²)*.
# - Y. LeCun, L. Bottou, G. Orr, K.-R. Müller (1998), *Efficient BackProp*. Learning rates and curvature, for practitioners.
# - I. Sutskever, J. Martens, G. Dahl, G. Hinton (2013), *On the importance of initialization and momentum in deep
#   learning*. Nesterov's method in the form used here.
# - L. Lessard, B. Recht, A. Packard (2016), *Analysis and design of optimization algorithms via integral quadratic
#   constraints*. The surface on which the heavy ball goes round in a circle.
# - G. Goh (2017), *Why momentum really works*, Distill. The recurrence of section 3, to touch.
# - J. Cohen, S. Kaur, Y. Li, J. Z. Kolter, A. Talwalkar (2021), *Gradient descent on neural networks typically occurs at
#   the edge of stability*.
# - A. Damian, E. Nichani, J. Lee (2023), *Self-stabilization: the implicit bias of gradient descent at the edge of
#   stability*.

# %% [markdown]
# ## Your turn
#
# [Assignment 05](../assignments/05_momentum/05_momentum.ipynb): write the momentum step, Nesterov's step, the weighted sum
# that a memory is, and the best settings for a quadratic. Then let your own functions race down a narrow valley.
