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
# **Unit 05, momentum.** 54 minutes. You need gradient descent (unit 01) and the eigenvalues of a symmetric matrix;
# unit 04 explains the Hessian, whose eigenvalues are called *curvatures* here.
#
# Two numbers decide whether gradient descent is fast, slow or useless: the largest curvature of the loss and the smallest.
# One more, the memory β, changes what they forbid. Write each prediction down before you run its cell.

# %% tags=["hide-input"]
# @title Set-up
import itertools

import numpy as np
import torch

from trainlab import curvature, data, interact, networks, plots, surfaces
from trainlab.descend import rate, run
from trainlab.evidence import claim, table
from trainlab.plots import Curve

torch.set_num_threads(1)  # the networks are tiny: more threads cost time

# %% [markdown] claims=["S2-18"]
# ## 1. How far can one step go?
#
# **Question.** The same bowl, the same start, three learning rates η. One run crawls, one arrives, one leaves the bowl,
# although the surface is convex and the gradient is exact.


# %% claims=["S2-18"]
def gradient_descent(grad, w, lr):
    while True:
        w = w - lr * grad(w)
        yield w


bowl = surfaces.Quadratic((1.0, 10.0))  # L(w) = (1 w1² + 10 w2²) / 2
three = [run(gradient_descent, bowl, [9.0, 3.0], steps=40, lr=lr) for lr in (0.01, 0.15, 0.205)]

# %% tags=["hide-input"] claims=["S2-18"]
# @title Three learning rates
plots.show(
    plots.descents(bowl, *three, xlim=(-1, 10), ylim=(-8, 8)),
    plots.losses(*three, labels=["η = 0.01", "η = 0.15", "η = 0.205"]),
    height=2.5,
    alt="Three paths from one start: a short one, one that zigzags to the minimum, one whose zigzags grow; beside them their losses, "
    "nearly level, falling by six orders of magnitude, and rising.",
)

# %% [markdown] claims=["S2-18"]
# An update rule is written here as a paper writes it: what to remember, then one step, for ever. `run` makes the steps
# and records them.
#
# **Predict.** Somewhere between 0.15 and 0.205 the runs on this bowl begin to diverge. Where is the best η of all: near a tenth of this
# limit, near half of it, or less than 10 % below it?

# %% claims=["S2-18"]
etas = np.linspace(0.01, 0.21, 41)  # settings that are arrays broadcast: 41 runs at once
paths = run(gradient_descent, bowl, np.ones((41, 2)), steps=300, lr=etas[:, None]).path
factors = np.array([rate(errors) for errors in np.linalg.norm(paths, axis=-1).T])  # of the error, per step
print(f"best η: {etas[factors.argmin()]:.3f}   largest η that converges: {etas[factors < 1].max():.3f}")

# %% tags=["hide-input"] claims=["S2-18"]
# @title The error factor of 41 learning rates
ideal = np.maximum(abs(1 - etas * 1), abs(1 - etas * 10))


def lopsided(ax):
    fine = np.linspace(0.002, 0.212, 400)
    shrink = np.maximum(abs(1 - fine), abs(1 - 10 * fine))
    ax.plot(fine, shrink, color=plots.GREY, linestyle="--", linewidth=1.2)
    ax.plot(etas, factors, color=plots.COLOURS[0], marker="o", linestyle="none")
    ax.axhline(1, color=plots.GREY, linewidth=0.8)
    ax.set_xticks([0.01, 0.05, 0.1, 2 / 11, 0.2], ["0.01", "0.05", "0.1", "2/11", "0.2"])
    ax.text(0.195, 1.008, "above this line: diverges", ha="right", va="bottom", fontsize=9)
    ax.text(0.09, 0.935, "dashed: |1 − η · 1|, the flat direction", fontsize=9)
    ax.text(0.191, 0.86, "|1 − η · 10|, the steep one", fontsize=9)
    ax.set(xlim=(0, 0.255), ylim=(0.8, 1.12), xlabel="learning rate η", ylabel="error factor per step")


plots.show(
    lopsided,
    height=2.5,
    alt="The error factor falls in a straight line from 0.99 at small η to 0.82 at 2/11, then rises ten times as steeply and crosses 1 at "
    "0.2; the measured points lie on the dashed theory.",
)

# %% [markdown] claims=["S2-18", "S3-26"]
# A lopsided V: on the left arm caution costs you little by little, on the right arm ten per cent more are the end.
#
# **Theory.** Write the loss near its minimum as $L(w) = \tfrac12 \sum_i \lambda_i w_i^2$, with curvatures from
# $\mu = \lambda_{\min}$ to $L = \lambda_{\max}$ (a number; the loss is always $L(w)$). The step $w \leftarrow w - \eta \nabla L(w)$
# acts on each coordinate alone:
#
# $$w_i \leftarrow (1 - \eta\lambda_i)\, w_i . \tag{1}$$
#
# It shrinks when $|1 - \eta\lambda_i| < 1$. Three numbers follow.
#
# - **The limit.** Stable if and only if $\eta < 2/L$. Below it every η arrives at the same minimum, above it (from almost every start) none. From $1/L$ on
#   the factor is negative: the coordinate changes sign at every step, and so does its gradient.
# - **The best η.** The slowest coordinate decides: $\max_i |1-\eta\lambda_i|$. The two ends balance at
#   $\eta^\star = 2/(\mu + L)$, below the limit by a factor of $1 + 1/\kappa$, where $\kappa = L/\mu$ is the *condition number*.
# - **The convergence rate** there, the factor by which the error shrinks per step, is $\dfrac{\kappa - 1}{\kappa + 1}$. Shrinking an
#   error by $10^6$ takes about $\tfrac{\kappa}{2}\ln 10^6 \approx 7\kappa$ steps.
#
# **Predict.** A narrow bowl has curvatures 0.0001 and 100. A run starts at (−10, 5) and makes 100,000 steps at the limit itself, η = 0.02. For
# the last 99,000 its loss has not changed. How long is the gradient at the end: 0.0005, 1 or 500?

# %% claims=["S2-17", "S2-18"]
narrow = surfaces.Quadratic((1e-4, 100.0))
lr = np.array([[0.02], [0.01], [1e-7]])  # 2/L, 1/L, and a very cautious one
stuck = run(gradient_descent, narrow, np.full((3, 2), [-10.0, 5.0]), steps=100_000, every=1000, lr=lr)
slope = np.linalg.norm(narrow.grad(stuck.path), axis=-1)  # (101, 3)
print("length of the gradient at the end:", *(f"{s:.4g}" for s in slope[-1]))

# %% tags=["hide-input"] claims=["S2-17", "S2-18"]
# @title A loss that stands still
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
    height=2.4,
    alt="At the largest η the loss stays at 1250 and the gradient at 500 for 100,000 steps; at half of it both drop at once "
    "to a small value and stay there; at the smallest both fall slowly.",
)

# %% [markdown] claims=["S2-17", "S2-18", "S3-26"]
# At $2/L$ the steep coordinate jumps from one wall to the other, +5, −5, +5, at full slope. **Stuck does not mean a small
# gradient.** When a loss stops falling, measure the gradient before you call the place a minimum or a saddle.
#
# Caution does not arrive either. At $1/L$ the flat coordinate has made a tenth of its way after 100,000 steps, at
# $10^{-7}$ a millionth.
#
# An old piece of advice (LeCun et al. 1998) gets its number here: lower η when the weights oscillate. A gradient that changes sign from step to
# step says $\eta\lambda > 1$ for some direction: at least half of the way to the limit is used up.

# %% tags=["hide-input"] claims=["S2-17", "S2-18", "S3-26"]
# @title Evidence
grid = np.arange(1, 2501) / 1000  # η in units of 1/λ
limits, signs = [], []
for lam in (0.01, 1.0, 100.0):
    line, start, lr = surfaces.Quadratic((lam,)), np.ones((2500, 1)), grid[:, None] / lam
    end = run(gradient_descent, line, start, steps=4000, every=4000, lr=lr).path[-1, :, 0]
    limits.append(grid[np.abs(end) <= 1 + 1e-6].max())
    first = run(gradient_descent, line, start, steps=1, lr=lr).path[-1, :, 0]
    signs.append(grid[first < 0].min())
covered = 1 + stuck.path[-1, :, 0] / 10  # share of the way along the flat direction
below = etas < 0.2 - 1e-9
near = (
    np.array([[0.1], [1.0], [1.9], [1.99], [2.01]]) / 10
)  # η, in units of 1/L: four below the limit, one above
distance = run(gradient_descent, bowl, np.ones((5, 2)), steps=4000, every=4000, lr=near).path[-1]
distance = np.linalg.norm(distance, axis=-1)
table(
    claim("S2-18", "largest stable η, times λ, three λ", limits, predicted=2, within=0.001),
    claim("S3-26", "η from which the gradient changes sign, times λ", signs, predicted=1, within=0.002),
    claim("S2-18", "best η, curvatures 1 and 10", etas[factors.argmin()], predicted=2 / 11, within=0.02),
    claim("", "error factor, all η below the limit", factors[below], predicted=ideal[below], within=0.01),
    claim("S3-26", "distance to the minimum, η from 0.1/L to 1.99/L", distance[:4], at_most=1e-12),
    claim("S2-17", "length of the gradient at η = 2/L", slope[1:, 0], predicted=500, within=1e-4),
    more=[
        claim("S3-26", "distance to the minimum, η = 2.01/L", distance[4], at_least=1e6),
        claim(
            "S2-17", "loss at η = 2/L, from step 1,000 on", stuck.losses[1:, 0], predicted=1250, within=1e-4
        ),
        claim("S2-18", "way covered, η = 1/L", covered[1], predicted=1 - np.exp(-0.1), within=1e-4),
        claim("S2-18", "way covered, η = 10⁻⁷", covered[2], predicted=1e-6, within=1e-4),
    ],
)

# %% [markdown]
# **Caveat.** All of this is exact for a quadratic. A network's curvature changes while you walk; section 5 measures what
# becomes of the limit $2/L$ then.

# %% [markdown] claims=["S2-13", "S2-14", "S2-15"]
# ## 2. Three conventions, one idea
#
# **Question.** The idea fits in one sentence: *the next movement is the last movement, shortened by a factor β, minus η
# times the gradient*. Yet "momentum 0.9, learning rate 0.1" makes steps ten times as long in one text as in another, and
# two programs that agree for 100 epochs part when the learning rate is lowered. Which numbers can you carry over?
#
# The last movement is $w_t - w_{t-1}$, so the sentence is one line of code. The ledge is a slope that ends: a ball that starts at 0 feels the
# gradient 1 once, and then the floor is level.
#
# **Predict.** How far does it roll in all, with β = 0.9: η, 2η or 10η?


# %% claims=["S2-13", "S2-14", "S2-15"]
def heavy_ball(grad, w, lr, beta):
    before = w
    while True:
        w, before = w - lr * grad(w) + beta * (w - before), w
        yield w


def nesterov(grad, w, lr, beta):  # for later: the gradient a little ahead
    before = w
    while True:
        ahead = w + beta * (w - before)
        w, before = ahead - lr * grad(ahead), w
        yield w


class Ledge:
    def value(self, w):
        return np.maximum(w, 0).sum(axis=-1)

    def grad(self, w):
        return np.where(w >= 0, 1.0, 0.0)


way = -run(heavy_ball, Ledge(), [0.0], steps=400, lr=0.1, beta=0.9).path[:, 0] / 0.1
print("\n".join(f"after {step:3d} steps: {way[step]:6.3f} η" for step in (1, 2, 20, 400)))

# %% [markdown] claims=["S2-13", "S2-14", "S2-15"]
# **Theory.** The movements were η, 0.9η, 0.81η, and so on: a gradient is felt long after it is gone, with a total weight of $1/(1-\beta)$. Write
# $g_t$ for the gradient at step $t$; every memory is zero before the start. Three conventions are in use.
#
# | convention | memory | step | what is left of $g_t$ after k more steps |
# |---|---|---|---|
# | **movement**: Polyak 1964, Hinton, Lee's lectures, *the exercises of this unit* | $m_t = \beta m_{t-1} - \eta\, g_t$ | $w_{t+1} = w_t + m_t$ | $\eta\,\beta^k$ |
# | **sum of gradients**: PyTorch's `SGD` | $v_t = \beta v_{t-1} + g_t$ | $w_{t+1} = w_t - \eta\, v_t$ | $\eta\,\beta^k$ |
# | **average of gradients**: Adam's first moment | $a_t = \beta a_{t-1} + (1-\beta)\, g_t$ | $w_{t+1} = w_t - \eta'\, a_t$ | $\eta'(1-\beta)\,\beta^k$ |
#
# They convert by $m_t = -\eta\, v_t$, $\;a_t = (1-\beta)\, v_t$ and $\eta' = \eta/(1-\beta)$. Unrolled, all three say
#
# $$m_t = -\eta \sum_{i \le t} \beta^{\,t-i} g_i , \tag{2}$$
#
# a weighted sum of **all past gradients**. A gradient that stays the same is followed with steps $1/(1-\beta)$ times as long.
#
# **Nesterov's** form (as in Sutskever et al. 2013) takes the gradient where the memory is about to carry the ball:
# $v_t = \beta v_{t-1} - \eta \nabla L(w_t + \beta v_{t-1})$, $\;w_{t+1} = w_t + v_t$.
#
# **Where they part.** Let η vary. The first convention remembers *movements*, made with the old η. PyTorch remembers *gradients*.
#
# **Predict.** At step 30 of a run you divide η by ten. How much of its last movement does PyTorch keep in the next one: 0.9 or
# 0.09?


# %% claims=["S2-13"]
def torch_sgd(grad, w, lrs, **options):  # PyTorch as one more rule
    p = torch.nn.Parameter(torch.from_numpy(w))
    optimiser = torch.optim.SGD([p], lr=1.0, **options)
    for lr in lrs:
        optimiser.param_groups[0]["lr"] = lr
        p.grad = torch.from_numpy(grad(p.detach().numpy()))
        optimiser.step()
        yield p.detach().numpy()


def scheduled(grad, w, lrs, betas):  # the heavy ball, with an η and a β for every step
    before = w
    for lr, beta in zip(lrs, betas, strict=True):
        w, before = w - lr * grad(w) + beta * (w - before), w
        yield w


well, start = surfaces.DoubleWell(0.3), [-3.0]  # a surface that is no bowl
lowered, nines = np.where(np.arange(60) < 30, 0.1, 0.01), np.full(60, 0.9)
kept = []
for rule, memory in ((scheduled, {"betas": nines}), (torch_sgd, {"momentum": 0.9})):
    w = run(rule, well, start, 60, lrs=lowered, **memory).path[:, 0]
    kept.append((w[31] - w[30] + 0.01 * well.grad(w[30])) / (w[30] - w[29]))
print(f"of the last movement the heavy ball keeps {kept[0]:.2f}, PyTorch {kept[1]:.2f}")


# %% tags=["hide-input"] claims=["S2-13", "S2-14", "S2-15"]
# @title Evidence
def gap(a, b):
    return np.abs(a - b).max()


memories, faded, total, excess = (0.5, 0.9, 0.97), [], [], []
for beta in memories:
    roll = -run(heavy_ball, Ledge(), [0.0], steps=400, lr=0.1, beta=beta).path[:, 0]
    move = np.diff(roll)  # how a movement of length η fades, (400,)
    faded.append(move[:20] / beta ** np.arange(20))
    total.append(roll[-1] / 0.1)
    path = run(heavy_ball, well, [-3.0], steps=60, lr=0.1, beta=beta).path
    gradients = well.grad(path)[:-1, 0]  # on a varying slope: all gradients, faded like `move`?
    excess.append(np.diff(path[:, 0]) + np.convolve(move[:60], gradients)[:60])

starts, beta, T = np.linspace(-3, 12, 5)[:, None], 0.9, 60
constant, bridge = np.full(T, 0.1), beta * np.append(1, lowered[1:] / lowered[:-1])
polyak = run(heavy_ball, well, starts, T, lr=0.1, beta=beta).path
pytorch = run(torch_sgd, well, starts, T, lrs=constant, momentum=beta).path
ahead = run(nesterov, well, starts, T, lr=0.1, beta=beta).path
ahead[1:] += beta * np.diff(ahead, axis=0)  # from the iterates to the look-ahead points
pytorch_ahead = run(torch_sgd, well, starts, T, lrs=constant, momentum=beta, nesterov=True).path
dampened = run(torch_sgd, well, starts, 1, lrs=constant / (1 - beta), momentum=beta, dampening=beta).path
coasts = run(scheduled, well, starts, T, lrs=lowered, betas=nines).path
brakes = run(torch_sgd, well, starts, T, lrs=lowered, momentum=beta).path
bridged = run(scheduled, well, starts, T, lrs=lowered, betas=bridge).path


def shares(path):  # what is left of movement 29 in movement 30, the first with the new η
    return (path[31] - path[30] + 0.01 * well.grad(path[30])) / (path[30] - path[29])


table(
    claim("S2-13", "heavy ball against PyTorch, 5 starts", gap(polyak, pytorch), at_most=1e-12),
    claim("S2-14", "movement, less the sum of all past gradients", np.abs(excess), at_most=1e-12),
    claim(
        "S2-15",
        "way rolled on one gradient, in η; β = 0.5, 0.9, 0.97",
        total,
        predicted=[1 / (1 - beta) for beta in memories],
        within=1e-3,
    ),
    claim("", "η lowered: share kept by the heavy ball", shares(coasts), predicted=0.9, within=1e-6),
    claim("", "η lowered: share kept by PyTorch", shares(brakes), predicted=0.09, within=1e-6),
    claim("", "heavy ball with β η_t/η_(t−1), against PyTorch", gap(bridged, brakes), at_most=1e-12),
    claim(
        "",
        "PyTorch's dampening = β at η/(1 − β): first step, over η g",
        (dampened[1] - starts) / (-0.1 * well.grad(starts)),
        predicted=10,
        within=1e-6,
    ),
    more=[
        claim("S2-14", "movement k steps after a gradient, over β^k", faded, predicted=0.1, within=1e-6),
        claim("", "Nesterov's look-ahead points against PyTorch", gap(ahead, pytorch_ahead), at_most=1e-12),
    ],
)

# %% [markdown]
# The heavy ball coasts on, PyTorch brakes at once. The two agree again if the heavy ball uses the memory $\beta\,\eta_t/\eta_{t-1}$. The last row
# is a trap: PyTorch's `dampening=β` looks like the average of gradients, but it stores the first gradient whole, so that with
# $\eta' = \eta/(1-\beta)$ the first step is ten times too long.
#
# **Caveat.** A constant η travels between the first two conventions, and needs the factor $1-\beta$ for the third. In the first two, raising β from
# 0.9 to 0.99 also makes the steps along a steady slope ten times as long: you have changed two things.

# %% [markdown] claims=["S2-18"]
# ## 3. What does memory buy?
#
# **Question.** A narrow valley: gradient descent needs an η small enough for the walls, and crawls along the floor with it. The heavy ball sees
# the same gradients. May it make longer steps, and does it need fewer?
#
# **Predict.** With β = 0.9, up to which η is the heavy ball stable on a parabola of curvature λ: 0.2/λ, 2/λ or 3.8/λ?

# %% claims=["S2-18"]
parabola, memories, edges = surfaces.Quadratic((1.0,)), (0.0, 0.5, 0.9, 0.99), []
for beta in memories:
    tried = np.arange(3, 4200)[:, None] / 1000  # η, for λ = 1
    end = run(heavy_ball, parabola, np.ones_like(tried), 5000, every=5000, lr=tried, beta=beta).path[-1]
    edges.append(tried[np.abs(end) < 100].max())
print(
    "stable up to ηλ =", *(f"{edge:.3f} (β = {beta:g})" for beta, edge in zip(memories, edges, strict=True))
)

# %% [markdown] claims=["S2-18"]
# **Theory.** On one coordinate the rule reads $w_{t+1} = (1 + \beta - \eta\lambda)\, w_t - \beta\, w_{t-1}$. Its solutions
# are combinations of $z_1^t$ and $z_2^t$, where
#
# $$z^2 - (1 + \beta - \eta\lambda)\, z + \beta = 0, \qquad z_1 z_2 = \beta . \tag{3}$$
#
# - **The wedge.** Both roots lie inside the unit circle if and only if $0 < \eta\lambda < 2(1+\beta)$, for
#   $0 \le \beta < 1$. (At the edge one root is $-1$: put it into the equation.) Memory allows steps almost *twice* as long.
# - **The plateau.** For $(1-\sqrt\beta)^2 < \eta\lambda < (1+\sqrt\beta)^2$ the roots are a complex pair, $z$ and $\bar z$, and their
#   product is β: both have length exactly $\sqrt\beta$, whatever λ is. All curvatures that fit in shrink equally fast.

# %% tags=["hide-input"] claims=["S2-18"]
# @title The wedge
u, b = np.linspace(0.01, 4.01, 201), np.linspace(0, 0.995, 200)  # ηλ and β
lr, beta = (grid.reshape(-1, 1) for grid in np.meshgrid(u, b))
late = [
    run(heavy_ball, parabola, np.ones_like(lr), T, every=T, lr=lr, beta=beta).path[1, :, 0]
    for T in (799, 800)
]
measured = np.maximum(np.hypot(*late), 1e-300).reshape(200, 201) ** (1 / 800)  # the error factor per step
balls = [  # ηλ, β, what a ball does there, colour
    ("A", 0.17, 0.12, "creeps", 5),
    ("B", 1.2, 0.85, "swings", 0),
    ("C", 2.03, 0.1, "flips", 2),
    ("D", 2.6, 0.2, "escapes", 1),
]


def wedge(ax):
    fine = np.linspace(0, 1, 400)
    left, right, edge = (1 - np.sqrt(fine)) ** 2, (1 + np.sqrt(fine)) ** 2, 2 * (1 + fine)
    for start, end, colour in ((0, left, 5), (left, right, 0), (right, edge, 2)):
        ax.fill_betweenx(fine, start, end, color=plots.COLOURS[colour], alpha=0.2, linewidth=0)
    levels = [0.5, 0.7, 0.9]
    stable = np.where(u < 2 * (1 + b[:, None]), measured, np.nan)
    lines = ax.contour(u, b, stable, levels=levels, colors=plots.GREY, linewidths=0.9)
    ax.clabel(lines, fontsize=9, fmt="%g", manual=[(0.9, r * r) for r in levels])
    ax.plot(np.append(left[::-1], right), np.append(fine[::-1], fine), color=plots.COLOURS[0])
    ax.plot(edge, fine, color=plots.COLOURS[1], linewidth=2.4)
    for name, x, y, _, colour in balls:
        ink = plots.ink(plots.COLOURS[colour])
        ax.text(x, y, name, ha="center", va="center", color=ink, fontsize=11, weight="bold")
    ax.text(
        1.95, 0.6, "plateau: $\\sqrt{\\beta}$", ha="center", fontsize=11, color=plots.ink(plots.COLOURS[0])
    )
    ax.text(3.5, 0.25, "diverges", ha="center", fontsize=11, color=plots.ink(plots.COLOURS[1]))
    ax.set(xlim=(0, 4), ylim=(0, 1), xlabel="ηλ", ylabel="memory β", xticks=[0, 1, 2, 3, 4])
    ax.set_title("grey: error factor per step, measured")


def strips(ax):
    for k, (name, x, beta, does, colour) in enumerate(balls):
        path = run(heavy_ball, parabola, [1.0], steps=24, lr=x, beta=beta).path[:, 0]
        path = path[: np.argmax(np.abs(path) > 4.5) or None]
        middle = (0, -1.5, -3, -5.5)[k]
        ax.axhline(middle, color=plots.CONTOUR, linewidth=0.6)
        ax.plot(
            middle + 0.5 * path,
            color=plots.COLOURS[colour],
            marker=plots.MARKERS[k],
            markersize=3.5,
            linewidth=1,
        )
        ax.text(25, middle, f"{name} {does}", va="center", color=plots.ink(plots.COLOURS[colour]))
    ax.set(xlim=(-0.5, 24.5), xlabel="step", ylabel="position", yticks=[], title="a ball that starts at 1")


plots.show(
    wedge,
    strips,
    height=3.4,
    alt="The stable settings form a wedge whose right edge runs from 2 without memory to 4; in it a broad plateau with level lines, a thin region "
    "where the ball creeps on the left and one where it flips sides on the right; beyond the edge its swings grow.",
)

# %% [markdown] claims=["S2-18"]
# Left of the plateau the ball creeps (A), on it it swings (B), right of it it jumps from side to side (C), and beyond the edge the jumps grow
# (D). On the plateau the error factor is level: it does not ask for the curvature, and this is what memory is for. Fit all curvatures from μ to L onto
# it, with as little β as possible:
#
# - **The best pair** is $\eta = \dfrac{4}{(\sqrt\mu+\sqrt L)^2}$ and $\beta = \left(\dfrac{\sqrt\kappa-1}{\sqrt\kappa+1}\right)^2$. The
#   convergence rate is $\sqrt\beta = \dfrac{\sqrt\kappa-1}{\sqrt\kappa+1}$: gradient descent's, with $\sqrt\kappa$ in place of κ.
# - **Nesterov's** form with $\eta = 1/L$ and $\beta = \dfrac{\sqrt\kappa-1}{\sqrt\kappa+1}$ has the rate $1 - 1/\sqrt\kappa$.
#
# **Predict.** At κ = 1000 gradient descent at its best η needs 6,000 to 7,000 steps to shrink the error by $10^6$. Does the heavy ball at its best
# need about 3,000, 1,000 or 300?


# %% claims=["S2-18"]
def tuned(kappa):  # rule, best settings and convergence rate for curvatures from 1 to kappa
    q = np.sqrt(kappa)
    r = (q - 1) / (q + 1)
    return {
        "gradient descent": (gradient_descent, {"lr": 2 / (1 + kappa)}, (kappa - 1) / (kappa + 1)),
        "heavy ball": (heavy_ball, {"lr": 4 / (1 + q) ** 2, "beta": r**2}, r),
        "Nesterov": (nesterov, {"lr": 1 / kappa, "beta": r}, 1 - 1 / q),
    }


def errors_of(rule, settings, ideal, kappa, seed):  # on 20 curvatures from 1 to kappa
    rng = np.random.default_rng(seed)
    spectrum, start = surfaces.Quadratic((1.0, kappa, *rng.uniform(1, kappa, 18))), rng.normal(size=20)
    path = run(rule, spectrum, start, steps=int(-32 / np.log(ideal)) + 40, **settings).path
    return np.linalg.norm(path, axis=1) / np.linalg.norm(start)


steps = {name: np.argmax(errors_of(*rule, 1000, seed=0) < 1e-6) for name, rule in tuned(1000).items()}
print("\n".join(f"{name:16s} {count:5,} steps" for name, count in steps.items()))

# %% tags=["hide-input"] claims=["S2-18"]
# @title Steps against condition number
kappas, rows = (10, 100, 1000), []
for kappa, seed in itertools.product(kappas, range(3)):
    for rule, settings, ideal in tuned(kappa).values():
        error = errors_of(rule, settings, ideal, kappa, seed)
        T = np.flatnonzero(error > 1e-12)[-1]  # `rate` measures from T/2 to T
        rows.append((rate(error), ideal, ideal * 2 ** (2 / T), np.flatnonzero(error < 1e-6)[0]))
gd, hb, nag = np.reshape(rows, (3, 3, 3, 4)).transpose(2, 3, 0, 1)  # each: (4 numbers, 3 κ, 3 seeds)

ks, names = np.geomspace(5, 2000, 40), list(tuned(10))
plots.show(
    plots.lines(
        *(Curve(kappas, np.median(r[3], axis=1), colour=c) for c, r in enumerate((gd, hb, nag))),
        *(
            Curve(ks, [np.log(1e-6) / np.log(tuned(k)[name][2]) for k in ks], name, theory=True, colour=c)
            for c, name in enumerate(names)
        ),
        xlabel="condition number κ",
        ylabel="steps to 10⁻⁶ of the error",
        logx=True,
        logy=True,
    ),
    height=2.6,
    alt="On logarithmic axes the steps of gradient descent grow with slope one to 6,400 at condition number 1000; those of "
    "heavy ball and Nesterov grow with slope one half to a few hundred, the heavy ball a little above its dashed line.",
)

# %% tags=["hide-input"] claims=["S2-18"]
# @title Evidence
table(
    claim(
        "S2-18",
        "largest stable η times λ, β = 0, 0.5, 0.9, 0.99",
        edges,
        predicted=[2 * (1 + beta) for beta in memories],
        within=0.002,
    ),
    claim("P04", "gradient descent by the formula, 3 κ × 3 seeds", gd[0], predicted=gd[1], within=0.0005),
    claim("P04", "heavy ball by the formula", hb[0], predicted=hb[1], within=0.04),
    claim("P04", "heavy ball with the double root", hb[0], predicted=hb[2], within=0.005),
    claim("P04", "Nesterov with the double root", nag[0], predicted=nag[2], within=0.005),
    claim("P04", "steps, gradient descent over heavy ball, κ = 1000", gd[3, 2] / hb[3, 2], at_least=15),
    more=[
        claim(
            "P04",
            "heavy ball, Nesterov: measured over formula",
            [*hb[0] / hb[1], *nag[0] / nag[1]],
            at_least=1,
        ),
        claim("P04", "Nesterov by the formula", nag[0], predicted=nag[1], within=0.025),
        claim(
            "P04",
            "error factor on the plateau, ηλ from 1 to 2, over √β",
            measured[np.ix_(b > 0.2, (u >= 1) & (u <= 2))] / np.sqrt(b[b > 0.2])[:, None],
            predicted=1,
            within=0.02,
        ),
    ],
)

# %% [markdown]
# Gradient descent keeps to its formula to 0.01 %; the error factors of the two with memory are up to 3 % above theirs, at every seed. Formula and
# measurement are both right: at the best pair μ and L sit exactly where $z_1 = z_2$, and the solution there is $(1 + ct)\,z^t$. A rate measured from
# step $T/2$ to $T$ then comes out larger by $2^{2/T}$. With this factor they agree to 0.5 %.
#
# **Caveat.** The best pair needs μ and L, which nobody tells you. And its guarantee ends with the quadratic. Take a
# convex loss in one dimension whose curvature is 25 below $x = 1$, 1 from there to 2, and 25 again beyond (Lessard, Recht and Packard
# 2016). Its minimum is at 0; each rule gets its best settings for curvatures from 1 to 25.
#
# **Predict.** Where is the heavy ball after 3,000 steps: at the minimum, far away, or neither?


# %% claims=["S2-17"]
class Kinked:
    def value(self, w):
        x = w[..., 0]
        middle, right = x**2 / 2 + 24 * x - 12, 12.5 * x**2 - 24 * x + 36
        return np.where(x < 1, 12.5 * x**2, np.where(x < 2, middle, right))

    def grad(self, w):
        return np.where(w < 1, 25 * w, np.where(w < 2, w + 24, 25 * w - 24))


ends = {name: run(rule, Kinked(), [3.3], 3000, **s).path[-4:, 0] for name, (rule, s, _) in tuned(25).items()}
print("\n".join(f"{name:16s} last four places {x.round(3) + 0}" for name, x in ends.items()))

# %% tags=["hide-input"] claims=["S2-17"]
# @title Evidence
starts = np.linspace(3.07, 3.46, 5)[:, None]
tails = [run(rule, Kinked(), starts, 3000, **settings).path[-30:] for rule, settings, _ in tuned(25).values()]
circle = tails[1]
table(
    claim("", "heavy ball: distance to the place 3 steps before", gap(circle[3:], circle[:-3]), at_most=1e-9),
    claim("S2-17", "heavy ball: length of the gradient", np.abs(Kinked().grad(circle)), at_least=15),
    more=[
        claim("", "gradient descent, Nesterov: distance to the minimum", np.abs(tails[::2]), at_most=1e-12),
        claim("", "heavy ball: distance in the last 30 steps", np.abs(circle), at_least=0.5, at_most=2.5),
    ],
)

# %% [markdown] claims=["S2-17"]
# From five starts the ball visits the same three points in turn, for ever, and its gradient is never below 16. What is best for the quadratic
# promises nothing for another surface, and once more, stuck does not mean a small gradient.

# %% [markdown] claims=["S2-12"]
# ## 4. Can a ball roll out of the valley?
#
# **Question.** The picture that everybody draws: a ball has momentum, so it rolls through a local minimum and on to a
# better one. Take it at its word. A wide valley has its floor at $x = 6$, loss 0. On the way there is a dent at
# $x = 1$: on one surface shallow (loss 0.18), on the other deep (loss −0.50), so that there the dent is the better minimum.
#
# **Predict.** A ball with β = 0.97 starts at $x = -3$. On which of the two surfaces does it leave the dent: the first alone, both, or neither?
# (The picture draws each ball's path a little above the surface, so that you can tell them apart.)

# %% claims=["S2-12"]
wells = {"dent at loss 0.18": surfaces.DoubleWell(0.3), "dent at loss −0.50": surfaces.DoubleWell(1.0)}
rolls = {
    title: [run(heavy_ball, well, [-3.0], steps=600, lr=0.02, beta=beta) for beta in (0.0, 0.9, 0.97)]
    for title, well in wells.items()
}

# %% tags=["hide-input"] claims=["S2-12"]
# @title Three balls, two dents
plots.show(
    *(
        plots.valley(
            well, *rolls[title], labels=["β = 0", "β = 0.9", "β = 0.97"], xlim=(-3.5, 11), title=title
        )
        for title, well in wells.items()
    ),
    alt="In both pictures the balls with memory 0 and 0.9 end in the dent and the one with memory 0.97 ends in the wide "
    "valley, also where the dent is the deeper of the two.",
)

# %% [markdown] claims=["S2-12", "S2-15", "S2-16"]
# It leaves both.
#
# **Theory.** Take the last movement from both sides of the rule and divide by η:
#
# $$\frac{w_{t+1} - 2 w_t + w_{t-1}}{\eta} = -L'(w_t) - \frac{1-\beta}{\sqrt\eta} \cdot \frac{w_t - w_{t-1}}{\sqrt\eta} .$$
#
# If a step takes the time $\sqrt\eta$, the left side is an acceleration and the last fraction a velocity. For small η this is Newton's law for a
# ball of mass 1 with friction γ:
#
# $$\ddot x = -L'(x) - \gamma\,\dot x, \qquad \gamma = \frac{1-\beta}{\sqrt\eta} .$$
#
# Only γ is left. The ball gets out below some friction $\gamma^\star$ that belongs to the surface and the start. *Which minimum is better does not
# appear in it.* On the way it goes uphill for many steps: the gradient decides about its acceleration, not its direction.
#
# **Predict.** At η = 0.02 the ball needs β ≥ 0.93 to leave the shallow dent. You divide η by four. From which β on does it leave now: 0.93, 0.965 or 0.98?

# %% claims=["S2-12"]
friction, lrs, rest = np.linspace(0.02, 0.7, 341), (0.02, 0.005, 0.00125), {}
for title, well in wells.items():
    for lr in lrs:
        T, beta = int(500 / np.sqrt(lr)), 1 - friction * np.sqrt(lr)  # the same time for every η
        start = np.full((341, 1), -3.0)
        rest[title, lr] = run(heavy_ball, well, start, T, every=T, lr=lr, beta=beta[:, None]).path[-1, :, 0]
leave = {key: 1 - friction[x > 3].max() * np.sqrt(key[1]) for key, x in rest.items()}  # the smallest β
print(
    "\n".join(f"{title}, η = {lr:7g}: leaves from β = {beta:.4f} on" for (title, lr), beta in leave.items())
)

# %% tags=["hide-input"] claims=["S2-12", "S2-15", "S2-16"]
# @title Evidence
worse, better = ([friction[rest[title, lr] > 3].max() for lr in lrs] for title in wells)  # γ* for each η
least = [leave[title, 0.02] for title in wells]
scaled = [g / gs[0] for gs in (worse, better) for g in gs[1:]]
fallen = [np.sum(rest[title, 0.02][friction < 0.07] < 3) for title in wells]

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
table(
    claim("S2-12", "β that leaves the worse dent, η = 0.02", least[0], at_least=0.92, at_most=0.95),
    claim("S2-12", "β that leaves the better dent, η = 0.02", least[1], at_least=0.94, at_most=0.97),
    claim("S2-12", "γ* for η = 0.005, 0.00125, over that for 0.02", scaled, predicted=1, within=0.03),
    claim("S2-12", "memories above 0.99 that end in the dent again, of 26", fallen, at_least=1),
    claim("S2-15", "uphill steps of the ball that gets out, of 600", uphill.sum(), at_least=30),
    claim("S2-16", "steps off a saddle, less ln(1/ε)/ln z, 12 settings", delays, at_least=0, at_most=3),
    more=[claim("S2-16", "distance after 400 steps from ε = 0", np.abs(balanced), at_most=0)],
)

# %% [markdown] claims=["S2-12", "S2-16"]
# The friction is what counts: $1 - \beta^\star$ halves when η is quartered. The better minimum takes a β of 0.955 in place of 0.931, and is left all the same.
# More memory is not safer either. Above 0.99 the ball has energy to spare: it crosses the dent, climbs the far wall, rolls back and may
# fall into the dent from the other side. Where it ends then turns on the third digit of β.
#
# **Saddles** are another matter. With a curvature $-\nu < 0$ the larger root of equation (3) exceeds 1, and memory raises it: for ην = 0.1 from 1.10 (β = 0) to 1.32
# (β = 0.9). From a distance ε you are off after about $\ln(1/\varepsilon)/\ln z$ steps, and from ε = 0 never: memory needs something to
# remember.
#
# **Caveat.** "Momentum escapes local minima" is true of this ball, this start and these dents, at a β that you have to
# find, and as true of the good minimum as of the bad one.

# %% [markdown] claims=["S3-26"]
# ## 5. What happens at the edge?
#
# **Question.** A network's loss is not a quadratic: its curvature changes as the weights move. What is the limit
# $\eta < 2/\lambda$ worth then? The network here has 8 inputs, two hidden layers of 16 tanh units and 10 outputs. The
# data are 200 handwritten digits along their first 8 principal components, and every step uses all of them. Its
# *sharpness* λ is the largest eigenvalue of the Hessian; at the start it lies between 4 and 5.3.
#
# **Predict.** You train with η = 0.4, so that 2/η = 5. Where is the sharpness after 1,000 steps: near 1, near 5, or has the run diverged?

# %% claims=["S3-26"]
digits = data.pca_digits(8, 200)
net = networks.MLP((8, 16, 16, 10), "tanh")  # 586 parameters
squared = networks.training_loss(net, digits.inputs, digits.one_hot)
etas, betas = np.array([[0.2, 0.4, 0.6, 0.8, 0.6], [0, 0, 0, 0.5, 0.9]])[..., None, None]
starts = np.stack([net.initial(seed) for seed in range(3)])  # (3, 586), each with each of 5 settings
trace = run(heavy_ball, squared, np.stack([starts] * 5), steps=1000, lr=etas, beta=betas)
sharpness = np.apply_along_axis(lambda w: curvature.sharpness(squared, w), -1, trace.path[::100])

names = [f"η = {η:g}" + (f", β = {β:g}" if β else "") for η, β in zip(etas.flat, betas.flat, strict=True)]
for name, end in zip(names, sharpness[-5:].mean(axis=0), strict=True):
    print(f"{name:16s} sharpness at the end {end.round(2)}")

# %% tags=["hide-input"] claims=["S3-26"]
# @title Losses and sharpness
ratios = sharpness * (etas / (2 + 2 * betas))[..., 0]  # (11, 5, 3): sharpness over its limit
plots.show(
    plots.lines(
        *(Curve(trace.steps[::10], trace.losses[::10, k, 0]) for k in range(4)),
        xlabel="step",
        ylabel="training loss",
        logy=True,
    ),
    plots.lines(
        *(Curve(trace.steps[::100], ratios[:, k, 0], names[k]) for k in range(4)),
        Curve([0, 1000], [1, 1], theory=True, colour=3),
        xlabel="step",
        ylabel="sharpness / its limit",
    ),
    height=2.5,
    alt="Four training losses fall, three of them with jitter; beside them three sharpness curves come to their limit and stay "
    "at it to the end, and the one of the smallest η stays below six tenths.",
)

# %% [markdown] claims=["S3-26"]
# At η = 0.4 and 0.6 the sharpness ends within a few per cent of $2/\eta$. The loss rises on 9 to 39 % of the steps
# there and falls in the long run. η = 0.6 was beyond $2/\lambda$ at the first step, and the sharpness came down to meet
# it. You did not choose these η to suit the curvature: training brought the curvature to the η.
#
# **Theory.** Read the limit of equation (1) backwards: at a given η, steps are stable while $\lambda < 2/\eta$. Two forces meet
# there. While training is stable, sharpness tends to *rise* (progressive sharpening, Cohen et al. 2021). Where it passes
# $2/\eta$, the steepest direction oscillates and grows; but on a surface that is not quadratic this
# oscillation pushes the weights towards *lower* sharpness (Damian, Nichani and Lee 2023). So the sharpness hovers at $2/\eta$, the **edge of
# stability**. With memory the limit is that of the wedge, $2(1+\beta)/\eta$.


# %% tags=["hide-input"] claims=["S3-26", "S2-18"]
# @title Evidence
def left_after(objective, multiples):
    """Last loss over first after 1,000 steps (M, 3), for M multiples of 2/λ, λ being the sharpness at the start."""
    limit = np.array([2 / curvature.sharpness(objective, w) for w in starts])[:, None]
    lrs = np.multiply.outer(multiples, limit)  # (M, 3, 1)
    losses = run(gradient_descent, objective, 0 * lrs + starts, steps=1000, every=1000, lr=lrs).losses
    return losses[-1] / losses[0]


entropy = networks.training_loss(net, digits.inputs, digits.labels, torch.nn.functional.cross_entropy)
twice, fourfold = left_after(squared, [2, 4])
(tenfold,) = left_after(entropy, [10])
last = ratios[-5:].mean(axis=0)  # (5, 3)
jitter = (np.diff(trace.losses, axis=0) > 0).mean(axis=0)  # (5, 3)
table(
    claim("P03c", "sharpness over 2/η at the end, η = 0.4, 0.6", last[1:3], predicted=1, within=0.06),
    claim("P03c", "sharpness over 2(1+β)/η, η = 0.8, β = 0.5", last[3], predicted=1, within=0.05),
    claim(
        "P03c",
        "share of steps on which the loss rises, η = 0.4, 0.6",
        jitter[1:3],
        at_least=0.05,
        at_most=0.6,
    ),
    claim("P03c", "sharpness over 2/η at the end, η = 0.2", last[0], at_least=0.4, at_most=0.8),
    claim("P03c", "sharpness over 2(1+β)/η, η = 0.6, β = 0.9", last[4], at_least=0.8, at_most=1.1),
    claim("S3-26", "loss left at 2 × the first limit, squared error", twice, at_most=0.1),
    claim("S3-26", "runs that survive 4 × the first limit", np.isfinite(fourfold).sum(), at_most=0),
    claim("S3-26", "loss left at 10 × the first limit, cross-entropy", tenfold, at_most=0.5),
    more=[
        claim("P03c", "share of steps on which the loss rises, η = 0.2", jitter[0], at_most=0),
        claim("P03c", "sharpness over 2/η at the start, η = 0.6", ratios[0, 2], at_least=1.05),
        claim("P03c", "sharpness at the start", sharpness[0, 0], at_least=3.9, at_most=5.5),
    ],
)

# %% [markdown] claims=["S3-26"]
# "At the end" is the mean of the last 5 of 11 measurements, for each of three random starts.
#
# **What does not reproduce here.** (1) At η = 0.2 the sharpness has come to 5.1 to 5.7 after 1,000 steps, far from its limit of
# 10, and the loss has never risen: no edge. (2) With β = 0.9 the hovering is not clear at this size: three starts end between 0.87 and 1 of the limit. With 0.5 it is.
# (3) "Keep η below $2/\lambda$" fails for networks when λ is measured at the start. Under squared error twice that limit trains and
# four times does not; under cross-entropy ten times still trains (after 1,000 steps less than half of the loss is left).
#
# **Caveat.** Full batches, a small smooth network, one data set. With small batches the sharpness settles lower, and under
# cross-entropy it falls again late in training (Cohen et al. 2021).

# %% [markdown]
# ## Touch it
#
# One start in a narrow bowl (κ = 25), 60 steps of the heavy ball, six settings; where the figure is live you get two sliders, which the arrow
# keys move. Find (1) the edge at β = 0, (2) the edge at β = 0.9, (3) a setting that is stable and yet gets nowhere, (4) the best pair.

# %% tags=["hide-input"]
# @title Two sliders
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

# %% [markdown]
# <details><summary>Answers</summary>
#
# (1) ηL = 2: at 1.95 the zigzag shrinks, at 2.05 it grows. (2) ηL = 2 · 1.9 = 3.8. (3) Two kinds: ηL = 0.05 with β = 0 creeps, and β = 0.99 swings to and fro
# wherever ηL is, as √0.99 to the power 60 is 0.74. (4) By section 3, ηL = 4/(1 + 1/5)² = 2.78 and β = (4/6)² = 0.44; on the slider, 2.75 or 2.8.
#
# </details>

# %% [markdown] claims=["S2-12", "S2-14", "S2-15", "S2-16", "S3-26"]
# ## What the sources say, and what is exact
#
# <details><summary>Eight statements</summary>
#
# S2 is a set of notes on Hung-yi Lee's lectures of 2021, S3 a text on LeCun, Bottou, Orr and Müller (1998).
#
# | who | says | exact |
# |---|---|---|
# | S2 | momentum is a weighted sum of all past *momentum* | of all past **gradients**: equation (2) |
# | S2 | the ball moves on although the gradient is *negative* | although the gradient **opposes the motion**: the gradient step alone would take it back (section 4, steps uphill) |
# | S2 | like a ball, it can roll past a local minimum | it can, below a threshold of $(1-\beta)/\sqrt\eta$; out of the **better** minimum just as well; and with still more memory back in (section 4) |
# | S2 | momentum helps to leave critical points | strict saddles, by a larger root $z$; from exactly the saddle it never moves (section 4) |
# | S2 | too large an η oscillates, too small an η never arrives | signs change from $1/\lambda$ on, divergence begins at $2/\lambda$; at $\eta = 10^{-7}$ a flat direction of curvature 0.0001 has covered a millionth of its way after 100,000 steps (section 1) |
# | S3 | a large learning rate ends in a poor result | on a quadratic it does not: below $2/L$ every rate reaches the same minimum, above it the run diverges. The networks here train at 2 times the limit of their first step under squared error, at 10 times under cross-entropy (section 5) |
# | often heard | momentum averages the gradients | the lectures' form and PyTorch's **add** them, with total weight $1/(1-\beta)$; only the third convention averages (section 2) |
# | often heard | the heavy ball converges at the rate $(\sqrt\kappa-1)/(\sqrt\kappa+1)$ | in the limit; over T steps slower by about $2^{2/T}$, and only on quadratics (section 3) |
#
# </details>

# %% [markdown]
# ## Summary
#
# 1. On a quadratic η may go up to $2/L$; from $1/L$ on, the gradient along the steepest direction changes sign at every step.
# 2. Gradient descent at its best η shrinks the error by $(\kappa-1)/(\kappa+1)$ per step, so its cost grows with κ.
# 3. Memory widens the limit to $2(1+\beta)/L$ and, well tuned, makes the cost grow with $\sqrt\kappa$ only.
# 4. Every convention remembers a weighted sum of all past gradients; they differ by factors of η and $1-\beta$, and part when η varies.
# 5. Stuck does not mean a small gradient: a loss can stand still at full slope, and a network can bring its own sharpness to the edge of what η allows.

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
# | heavy ball | 重球法 | gradient descent with Polyak's memory | 2 |
# | Nesterov accelerated gradient | Nesterov 加速梯度 | heavy ball with the gradient of the look-ahead point | 2 |
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
# - B. T. Polyak (1964), [*Some methods of speeding up the convergence of iteration methods*](https://doi.org/10.1016/0041-5553%2864%2990137-5).
#   The heavy ball and its rate.
# - Y. Nesterov (1983), [*A method of solving a convex programming problem with convergence rate
#   O(1/k²)*](https://www.mathnet.ru/eng/dan46009).
# - Y. LeCun, L. Bottou, G. Orr, K.-R. Müller (1998), [*Efficient BackProp*](https://doi.org/10.1007/3-540-49430-8_2). Learning rates and
#   curvature, for practitioners.
# - I. Sutskever, J. Martens, G. Dahl, G. Hinton (2013), [*On the importance of initialization and momentum in deep
#   learning*](https://proceedings.mlr.press/v28/sutskever13.html). Nesterov's method in the form used here.
# - L. Lessard, B. Recht, A. Packard (2016), [*Analysis and design of optimization algorithms via integral quadratic
#   constraints*](https://arxiv.org/abs/1408.3595). The surface on which the heavy ball goes round in a circle.
# - G. Goh (2017), [*Why momentum really works*](https://doi.org/10.23915/distill.00006), Distill. The recurrence of section 3, to touch.
# - J. Cohen, S. Kaur, Y. Li, J. Z. Kolter, A. Talwalkar (2021), [*Gradient descent on neural networks typically occurs at
#   the edge of stability*](https://arxiv.org/abs/2103.00065).
# - A. Damian, E. Nichani, J. Lee (2023), [*Self-stabilization: the implicit bias of gradient descent at the edge of
#   stability*](https://arxiv.org/abs/2209.15594).

# %% [markdown]
# ## Your turn
#
# [Assignment 05](../assignments/05_momentum/05_momentum.ipynb): write the momentum step, Nesterov's step, the weighted sum
# that a memory is, and the best settings for a quadratic. Then let your own functions race down a narrow valley.
