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

# %% [markdown] claims=["S3-31"]
# # What would curvature buy, and what does it cost?
#
# **Unit 09, second order.** 51 minutes. You need the Hessian, its eigenvalues and saddle points (unit 04), the condition number κ and
# heavy-ball momentum (unit 05), and preconditioning by a diagonal (unit 08).
#
# A network of 382 weights has learnt to read digits. The picture shows its training loss around the weights that it found, one line for every 0.05, on two planes of the
# same size. The left plane holds the two directions in which the loss bends most, the right one two random directions. Nothing else differs.

# %% tags=["hide-input"]
# @title Set-up
import itertools
import time
from fractions import Fraction

import numpy as np
import torch
import torch.nn.functional as F
from scipy.optimize import minimize

from trainlab import curvature, data, interact, networks, plots
from trainlab.descend import run
from trainlab.evidence import claim, table
from trainlab.plots import Curve

torch.set_num_threads(1)  # everything here is tiny: more threads cost time

# %% tags=["hide-input"] claims=["S3-31", "S3-38"]
# @title One loss surface, two planes


def trained(classes, seed, steps=300):
    """A 20-12-C network on digits after `steps` of momentum: (loss surface, weights)."""
    rows = data.pca_digits(20, 500, classes)
    loss = networks.training_loss(networks.MLP((20, 12, classes)), rows.inputs, rows.labels, F.cross_entropy)
    w = networks.MLP((20, 12, classes)).initial(seed)
    m = np.zeros_like(w)
    for _ in range(steps):
        m = 0.9 * m - 0.1 * loss.grad(w)
        w = w + m
    return loss, w


def plane(u, v, title, ylabel=""):
    reach = np.linspace(-3, 3, 41)
    points = w_digits + reach[:, None, None] * v + reach[None, :, None] * u
    losses = np.asarray(digit_loss.value(points))

    def draw(ax):
        lines = ax.contour(reach, reach, losses, levels=LEVELS, colors=plots.CONTOUR, linewidths=0.8)
        ax.clabel(
            lines,
            [level for level in (0.1, 0.5, 1.0) if level < losses.max()],
            fmt="%g",
            fontsize=9,
            colors=plots.GREY,
        )
        ax.plot(0, 0, marker="*", color=plots.COLOURS[1], markersize=11)
        ax.set(title=title, xlabel="distance along the first", ylabel=ylabel, aspect="equal")

    return draw


LEVELS = np.arange(1, 40) / 20  # a line for every 0.05
digit_loss, w_digits = trained(10, seed=0)
H_digits = curvature.hessian(digit_loss, w_digits)
axes = np.linalg.eigh(H_digits)[1]
random = np.linalg.qr(np.random.default_rng(0).normal(size=(len(w_digits), 2)))[0]
plots.show(
    plane(axes[:, -1], axes[:, -2], "the two sharpest directions", "distance along the second"),
    plane(*random.T, "two random directions"),
    height=3.6,
    alt="Contour lines of one loss around a star, one for every 0.05: a dozen and more crowd along the two sharpest directions, and "
    "about five lie in the plane of two random directions of the same length.",
)

# %% [markdown] claims=["S3-31", "S3-32"]
# Gradient descent knows the slope where it stands, and no curvature: it is a *first-order* method. Its one rate must suit the sharpest direction, and then
# creeps along all others. *Second-order* methods ask for the second derivative too. This unit asks what that buys, and for how much.
#
# ## 1. Where does Newton's step go?
#
# **Question.** If you knew the whole Hessian $H$, in which direction and how far would you step?
#
# **Theory.** Near $w$ the loss is about $L + g^\top\delta + \tfrac12\delta^\top H\delta$. The slope of this model vanishes at
#
# $$\delta = -H^{-1} g, \qquad\text{along each eigenvector of } H:\quad \delta_i = -\,g_i/\lambda_i .$$
#
# That is Newton's step: each direction gets a rate of its own, $1/\lambda_i$. On a bowl the model is the loss, so one step arrives, whatever κ is.
# Gradient descent divides all $g_i$ by one number. So one function holds both:


# %% claims=["S3-32", "S3-31"]
def step_by(divisors, g, H):
    """The step that divides the gradient, along each eigenvector of H, by `divisors(eigenvalues)`."""
    lam, V = np.linalg.eigh(H)
    return -V @ ((V.T @ g) / divisors(lam))


def newton(lam):
    return lam


def descent(lam):  # the best single rate for a bowl
    return np.full(len(lam), (lam[0] + lam[-1]) / 2)


turn = np.linalg.qr(np.random.default_rng(0).normal(size=(10, 10)))[0]
bowl = turn * np.geomspace(1, 1e4, 10) @ turn.T  # κ = 10,000
for name, divisors in (("Newton", newton), ("gradient descent", descent)):
    w, steps = turn @ np.ones(10), 0
    while np.linalg.norm(w) > 1e-6 and steps < 20_000:
        w, steps = w + step_by(divisors, bowl @ w, bowl), steps + 1
    print(f"{name:16s} after {steps:6,} steps at distance {np.linalg.norm(w):.1e}")

# %% [markdown] claims=["S3-32"]
# Now a surface with two valleys, $\tfrac14(1 - x^2)^2 + \tfrac12 y^2$: minima at $x = \pm 1$, a saddle at $(0, 0)$.
#
# **Predict.** Newton's method starts at $(0.35,\ 0.8)$, on the slope towards the minimum on the right. Where does it arrive: right, left, or at neither?


# %% tags=["hide-input"] claims=["S3-32"]
# @title Three paths from one start
class TwoValleys:
    def value(self, w):
        return (1 - w[..., 0] ** 2) ** 2 / 4 + w[..., 1] ** 2 / 2

    def grad(self, w):
        return np.stack([w[..., 0] ** 3 - w[..., 0], w[..., 1]], axis=-1)

    def hessian(self, w):
        return np.diag([3 * w[0] ** 2 - 1, 1.0])


valleys = TwoValleys()


def second_order(grad, w, divisors):
    while True:
        w = w + step_by(divisors, grad(w), valleys.hessian(w))
        yield w


ways = {
    "gradient descent, η = 0.4": lambda lam: np.full(2, 2.5),
    "Newton": newton,
    "Newton with |λ|": lambda lam: np.abs(lam) + 0.1,
}
from_ridge = {name: run(second_order, valleys, [0.35, 0.8], 25, divisors=way) for name, way in ways.items()}
plots.show(
    *(
        plots.descents(valleys, trace, title=name, xlim=(-1.5, 1.5), ylim=(-0.6, 1.1))
        for name, trace in from_ridge.items()
    ),
    height=2.5,
    alt="From the star right of the middle, gradient descent and Newton with absolute curvatures walk into the right-hand valley; plain "
    "Newton jumps to the saddle between the valleys and stays.",
)

# %% [markdown] claims=["S3-32", "S2-05"]
# At neither. Newton looks for the place where the slope is zero, of whatever kind. Where $\lambda_i < 0$ its step $-g_i/\lambda_i$ goes *uphill*, to the top of
# the model. The *saddle-free* step (Dauphin et al. 2014) divides by the curvature's size instead, with a damping μ that keeps flat directions in bounds:
#
# $$\delta = -(|H| + \mu I)^{-1} g .$$
#
# **Experiment.** A real network, small enough to know everything about it: 8 tanh units, 25 weights, fit 60 noisy points of $\sin 3x$. The loss is half the sum of squared
# residuals. The best *constant* answer has the loss 15.45; 0.2 is a good fit.
#
# **Predict.** Newton from 20 random starts, 100 steps each, with the exact Hessian. How many fits reach 0.2: about 20, about 10, or none?

# %% tags=["hide-input"] claims=["S3-32"]
# @title The fit: residuals, their Jacobian, loss, gradient, Hessian
x = np.linspace(-2, 2, 60)
y = np.sin(3 * x) + 0.05 * np.random.default_rng(0).normal(size=60)
FLAT = ((y - y.mean()) ** 2).sum() / 2  # the loss of the best constant


def residuals(w):
    return np.tanh(x[:, None] * w[:8] + w[8:16]) @ w[16:24] + w[24] - y


def jacobian(w):
    T = np.tanh(x[:, None] * w[:8] + w[8:16])
    S = (1 - T**2) * w[16:24]
    return np.hstack([S * x[:, None], S, T, np.ones((60, 1))])


def loss(w):
    return (residuals(w) ** 2).sum() / 2


def gradient(w):
    return jacobian(w).T @ residuals(w)


def bent(w, r):
    """The sum over the examples of r_k times the second derivatives of residual k."""
    T = np.tanh(x[:, None] * w[:8] + w[8:16])
    D, c, X = 1 - T**2, w[16:24], x[:, None]
    S, i = np.zeros((25, 25)), np.arange(8)
    for at, other, block in (
        (i, i, -2 * T * D * c * X**2),
        (i, 8 + i, -2 * T * D * c * X),
        (8 + i, 8 + i, -2 * T * D * c),
        (i, 16 + i, D * X),
        (8 + i, 16 + i, D),
    ):
        S[at, other] = S[other, at] = block.T @ r
    return S


def hessian(w):
    J = jacobian(w)
    return J.T @ J + bent(w, residuals(w))


def start(seed):
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.normal(size=8), np.zeros(8), rng.normal(size=8) / np.sqrt(8), [0]])


def newton_where_curved(lam):  # makes no step along what is flat
    return np.where(np.abs(lam) < 1e-12 * np.abs(lam).max(), np.inf, lam)


# %% claims=["S3-32", "S2-05"]
def saddle_free(lam):
    return np.abs(lam) + 1.0


ended = {}
for name, divisors in (("Newton", newton_where_curved), ("saddle-free Newton", saddle_free)):
    rows = []
    for seed in range(20):
        w, steps = start(seed), 0
        while loss(w) > 0.2 and steps < (100 if name == "Newton" else 500):
            w, steps = w + step_by(divisors, gradient(w), hessian(w)), steps + 1
        lam = np.linalg.eigvalsh(hessian(w))
        flat = (np.abs(lam) < 1e-6 * np.abs(lam).max()).sum()
        rows.append((loss(w), steps, np.linalg.norm(gradient(w)), flat, np.abs(w).max()))
    ended[name] = np.array(rows)
    L, steps, slope, flat, size = ended[name].T
    print(
        f"{name}: {(L <= 0.2).sum()} of 20 arrive; loss {L.min():.3g} to {L.max():.3g}; steps {steps.min():.0f} to {steps.max():.0f}"
    )
    print(
        f"    gradient below 1e-5: {(slope < 1e-5).sum()}; of 25 eigenvalues {np.median(flat):.0f} are zero; largest weight {np.median(size):.3g}"
    )

# %% tags=["hide-input"] claims=["S3-31", "S3-32", "S2-05"]
# @title Evidence
one = np.array(
    [
        np.linalg.norm(w + step_by(newton, bowl @ w, bowl))
        for w in np.random.default_rng(1).normal(size=(5, 10))
    ]
)
ends = {name: trace.path[-1, 0] for name, trace in from_ridge.items()}
difference = [
    np.abs(
        hessian(start(s))
        - np.array([(gradient(start(s) + e) - gradient(start(s) - e)) / 2e-5 for e in 1e-5 * np.eye(25)])
    ).max()
    for s in range(5)
]
L, steps, slope, flat, size = ended["Newton"].T
table(
    claim("S3-32", "distance after one step of Newton on a bowl, 5 starts", one, at_most=1e-9),
    claim("S3-32", "two valleys: where Newton ends, |x|", abs(ends["Newton"]), at_most=1e-6),
    claim("S3-32", "where saddle-free Newton ends, x", ends["Newton with |λ|"], predicted=1, within=1e-4),
    claim("S3-32", "the fit: loss where Newton ends, 20 starts", L, at_least=5),
    claim("S3-32", "of these, with a gradient below 1e-5", (slope < 1e-5).sum(), at_least=12),
    claim("", "zero eigenvalues there, of 25", flat[slope < 1e-5], at_least=8),
    claim("S3-32", "loss where saddle-free Newton ends", ended["saddle-free Newton"][:, 0], at_most=0.2),
    claim("S3-32", "its steps, 20 starts", ended["saddle-free Newton"][:, 1], at_most=250),
    more=[
        claim("S3-31", "Hessian by formula less differences of gradients", difference, at_most=1e-4),
        claim("", "loss of the best constant", FLAT, predicted=15.45, within=1e-3),
        claim(
            "",
            "gradient descent in two valleys ends at x",
            next(iter(ends.values())),
            predicted=1,
            within=1e-3,
        ),
    ],
)

# %% [markdown] claims=["S3-32"]
# None. Sixteen of the twenty stand where the gradient is below 10⁻⁵, and the fit is little better than a constant: weights have run off to hundreds or thousands, units are
# saturated, and twelve of the 25 curvatures or more are zero. Exactly what Newton looks for, and useless. With sizes for curvatures every start arrives.
#
# **Caveat.** Both need $H$ and its eigenvectors: $n^2$ numbers and some $n^3$ operations a step. The damping of 1 was chosen for this fit.
#
# ## 2. What if the residuals lend the curvature?
#
# **Question.** Half of the trouble is negative curvature, the other half is the price. Is there a matrix that is cheaper, and never negative?
#
# **Theory.** For least squares, $L = \frac12\sum_k r_k^2$, with the Jacobian $J_{ki} = \partial r_k/\partial w_i$,
#
# $$\nabla L = J^\top r, \qquad H = \underbrace{J^\top J}_{G} + \sum_k r_k \nabla^2 r_k .$$
#
# Gauss and Newton keep $G$, the *square Jacobian*: first derivatives only, and no negative eigenvalue, so the step $-G^{-1}\nabla L$ is never uphill. What they drop is
# weighted by the residuals.
#
# **Predict.** At the same weights, the targets are moved so that all residuals become ten times smaller. What does the relative error $\|H - G\|/\|H\|$ do: stay, fall 10 times, or fall 100 times?

# %% claims=["S3-34", "S3-37"]
w = start(0)
J, r = jacobian(w), residuals(w)
G = J.T @ J
for shrunk in (0.1, 0.01, 0.001, 0.0001):
    H = G + bent(w, shrunk * r)
    print(
        f"residuals times {shrunk:<6g}: relative error of G {np.linalg.norm(H - G) / np.linalg.norm(H):.6f}"
    )

# %% [markdown] claims=["S3-34", "S3-35"]
# Ten times: linear in the residual. A good fit makes $G$ as good as $H$, and the step is as fast as Newton's at the end.
#
# At the start it is another matter. $G$ has eigenvalues near zero, and $G^{-1}$ makes steps of thousands, out of the region where the model holds. Levenberg (1944) and Marquardt
# (1963) put a floor under them:
#
# $$(J^\top J + \mu I)\,\delta = -J^\top r .$$
#
# A small μ gives Gauss-Newton; a large μ gives a short step of gradient descent, $-\nabla L/\mu$. In between, μ follows success: smaller after a step that helps, larger until one does.
#
# **Predict.** A loss of 0.2, from five starts. Gradient descent needs between 15,000 and 40,500 steps at the best rate of a sweep. How many does Levenberg-Marquardt need: about 30, 300 or 3,000?


# %% claims=["S3-34", "S3-35", "S0-04"]
def gauss_newton_step(w, mu):  # least squares on J stacked upon √μ I: the same equation
    J, r = np.vstack([jacobian(w), np.sqrt(mu) * np.eye(25)]), np.append(residuals(w), np.zeros(25))
    return np.linalg.lstsq(J, -r, rcond=None)[0]


def levenberg_marquardt(w, mu=0.01):
    losses, tries = [loss(w)], 0
    while losses[-1] > 0.2:
        while loss(new := w + gauss_newton_step(w, mu)) >= losses[-1]:
            mu, tries = 2 * mu, tries + 1
        w, mu = new, mu / 3
        losses.append(loss(w))
    return losses, tries + len(losses) - 1


lm = [levenberg_marquardt(start(seed)) for seed in range(5)]
print("steps", [len(losses) - 1 for losses, _ in lm], "  linear systems", [tries for _, tries in lm])

# %% tags=["hide-input"] claims=["S3-35", "S0-04"]
# @title Gauss-Newton undamped; gradient descent, two rates, 50,000 steps
undamped = []
for seed in range(5):
    path = [start(seed)]
    for _ in range(60):
        path.append(path[-1] + gauss_newton_step(path[-1], 0.0))
    undamped.append([loss(w) for w in path])
print(
    "undamped: largest loss on the way",
    [f"{max(L):.0e}" for L in undamped],
    " last",
    [f"{L[-1]:.1f}" for L in undamped],
)
GD_RATES = np.array([0.005, 0.01])
W = np.array([start(seed) for _ in GD_RATES for seed in range(5)])
rate, recorded = np.repeat(GD_RATES, 5)[:, None], []
at = np.unique(np.r_[0, np.geomspace(1, 100, 20).astype(int), np.arange(100, 50_001, 100)])
watched = set(at.tolist())
for step in range(50_001):
    c = W[:, None, 16:24]
    T = np.tanh(x[:, None] * W[:, None, :8] + W[:, None, 8:16])
    r = (T * c).sum(axis=2) + W[:, 24:] - y
    if step in watched:
        recorded.append((r**2).sum(axis=1) / 2)
    S = (r[:, :, None] - r[:, :, None] * T**2) * c
    slopes = [
        (S * x[:, None]).sum(axis=1),
        S.sum(axis=1),
        (r[:, None] @ T)[:, 0],
        r.sum(axis=1, keepdims=True),
    ]
    W = W - rate * np.hstack(slopes)
slow = np.array(recorded).reshape(-1, 2, 5)  # losses by rate and start
gd_steps = np.array([at[(slow[:, 0, s] < 0.2).argmax()] for s in range(5)])
show = np.unique(np.searchsorted(at, np.geomspace(1, 50_000, 70)))
plots.show(
    plots.lines(
        Curve(np.arange(1, len(lm[0][0]) + 1), lm[0][0], "Levenberg-Marquardt", colour=1),
        Curve(at[show] + 1, slow[show, 0, 0], "descent, η = 0.005", colour=0),
        Curve(at[show] + 1, slow[show, 1, 0], "descent, η = 0.01", colour=2),
        xlabel="step + 1",
        ylabel="loss of the fit",
        logx=True,
        logy=True,
        ylim=(0.03, 30),
    ),
    height=2.9,
    alt="On logarithmic axes Levenberg-Marquardt falls below 0.2 within 30 steps; gradient descent at 0.005 gets there after more than ten "
    "thousand, and at 0.01 it bounces between one and two to the end.",
)
print("gradient descent, η = 0.005, first below 0.2 after", gd_steps.tolist(), "steps")

# %% tags=["hide-input"] claims=["S3-34", "S3-35", "S3-37", "S0-04"]
# @title Evidence
errors = []
for seed in range(5):
    w = start(seed)
    G, bend = jacobian(w).T @ jacobian(w), bent(w, residuals(w))
    errors.append([np.linalg.norm(s * bend) / np.linalg.norm(G + s * bend) for s in (1e-2, 1e-3, 1e-4)])
errors = np.array(errors)
lm_steps = np.array([len(losses) - 1 for losses, _ in lm])
peaks, lasts = np.array([[max(L), L[-1]] for L in undamped]).T
table(
    claim(
        "S3-37",
        "error of G, residual ten times smaller, 5 starts",
        errors[:, :2] / errors[:, 1:],
        predicted=10,
        within=0.2,
    ),
    claim("S3-34", "undamped: largest loss on the way, 5 starts", peaks, at_least=1e6),
    claim("S3-34", "undamped: loss after 60 steps", lasts, at_least=5),
    claim("S3-35", "Levenberg-Marquardt: steps to 0.2", lm_steps, at_least=15, at_most=45),
    claim("S0-04", "descent, η = 0.005: steps to 0.2", gd_steps, at_least=10_000),
    claim("S0-04", "steps of descent over steps of Levenberg-Marquardt", gd_steps / lm_steps, at_least=300),
    claim(
        "S0-04",
        "descent, η = 0.01: least loss of the last 1,000 steps",
        slow[-10:, 1].min(axis=0),
        at_least=0.5,
    ),
    more=[
        claim("", "linear systems solved by Levenberg-Marquardt", [tries for _, tries in lm], at_most=130),
        claim(
            "S3-34",
            "smallest eigenvalue of G over the largest, 5 starts",
            [
                np.linalg.eigvalsh(jacobian(start(s)).T @ jacobian(start(s)))[0]
                / np.linalg.norm(jacobian(start(s)), 2) ** 2
                for s in range(5)
            ],
            at_most=1e-6,
        ),
    ],
)

# %% [markdown] claims=["S0-04", "S3-34", "S3-35"]
# The undamped step squanders its good direction: losses of 10¹⁹ and more on the way, and an end near the constant. Damped, the same matrix is there
# after some 30 steps and 70 to 80 small linear systems.
#
# "SGD is the best general algorithm", says one source; no theorem does. On this problem, small, smooth, with all examples in every step, it takes 600 to 1,500 times as many steps. **And a fair
# word for the loser.** "Not done after 50,000 steps" would be true, and unfair: that is η = 0.01, at which it bounces without end. Half the rate arrives. Of the rates 0.003, 0.005, 0.01, 0.02 and 0.03, 0.005 is best; from 0.02 on all runs diverge.
#
# **Caveat.** Least squares, 25 weights, all examples in every step.
#
# ## 3. Which of them needs a Hessian?
#
# **Question.** "All second-order methods need the Hessian or an approximation of it", says a source, and lists five: Newton, conjugate gradients, Gauss-Newton,
# Levenberg-Marquardt and BFGS. Is that so?
#
# **Predict.** How many of the five evaluate a second derivative, or a matrix of them?
#
# <details><summary>Answer</summary>
#
# One. Newton takes $H$. Gauss-Newton and Levenberg-Marquardt take $J$, first derivatives of residuals. BFGS (Broyden, Fletcher, Goldfarb, Shanno 1970) takes gradients, and builds an $n \times n$ estimate of $H^{-1}$ from how
# they change. Conjugate gradients take gradients and a line search, or products $Hv$, and keep three vectors.
#
# </details>
#
# **Theory.** Conjugate gradients (Hestenes and Stiefel 1952) solve $Ax = b$, a bowl, with one product $Ap$ a step. Each step goes to the lowest point along a direction $p$, and the new direction is chosen so that it
# spoils none of the earlier ones: $p_i^\top A\,p_j = 0$. After $k$ steps no point within reach of $k$ products is lower. So it ends after at most $n$ steps; after $c$ steps where $A$ has
# $c$ different eigenvalues; and on the way its error, in the norm of $A$ and up to a factor of 2, falls at least as fast as momentum at its best, $\big(\frac{\sqrt\kappa-1}{\sqrt\kappa+1}\big)^k$, without a rate to tune.
#
# **Predict.** That is algebra; floats round. With $n = 20$ and κ = 1,000, how many steps until the residual is $10^{-10}$ of the start: 20, about 30, or about 300?


# %% claims=["S3-33"]
def cg_residuals(A, b):
    """The residuals of conjugate gradients on the bowl with the eigenvalues A, for any kind of number."""
    r = p = b
    while True:
        Ap = A * p
        new = r - (r @ r) / (p @ Ap) * Ap
        r, p = new, new + (new @ new) / (r @ r) * p
        yield r


def steps_to(goal, A, b):
    return next(k for k, r in enumerate(cg_residuals(A, b), 1) if r @ r <= goal**2 * (b @ b))


for n in (5, 20, 50):
    A = np.geomspace(1, 1000, n)
    print(f"n = {n:2d}, float64: {steps_to(1e-10, A, np.ones(n))} steps")
A = np.array([Fraction(f"{a:.2f}") for a in np.geomspace(1, 1000, 20)])
print(
    "n = 20, exact fractions: residual",
    "exactly 0 after",
    steps_to(0, A, np.array([Fraction(1)] * 20)),
    "steps",
)


# %% tags=["hide-input"] claims=["S3-33"]
# @title Clusters
def spectrum(clusters, width, seed=0):
    rng = np.random.default_rng(seed)
    centres = np.repeat(np.geomspace(1, 1000, clusters), 99 // clusters)
    return centres * (1 + width * rng.uniform(-1, 1, size=len(centres)))


def fall(A, steps=60):
    b = np.random.default_rng(1).normal(size=len(A))
    sizes = [1.0]
    for r in itertools.islice(cg_residuals(A, b), steps):
        sizes.append(float(np.linalg.norm(r) / np.linalg.norm(b)))
        if sizes[-1] < 1e-12:
            break
    return np.array(sizes)


spectra = {
    "3 points": spectrum(3, 0),
    "3 clusters, ± 1 %": spectrum(3, 0.01),
    "3 clusters, ± 10 %": spectrum(3, 0.1),
    "spread evenly": np.geomspace(1, 1000, 99),
}
falls = {name: fall(A) for name, A in spectra.items()}
bound = 2 * np.sqrt(1000) * ((np.sqrt(1000) - 1) / (np.sqrt(1000) + 1)) ** np.arange(61)
plots.show(
    plots.lines(
        *(
            Curve(np.arange(len(sizes)), sizes, name, colour=k)
            for k, (name, sizes) in enumerate(falls.items())
        ),
        Curve(np.arange(61), bound, "momentum's rate", theory=True, colour=4),
        xlabel="step",
        ylabel="residual over the first",
        logy=True,
        ylim=(1e-12, 100),
    ),
    height=2.7,
    alt="Residuals of conjugate gradients on 99 weights with condition number 1,000: three points are done after three steps, three narrow "
    "clusters after thirty, wide ones after sixty, and an even spread has then reached a hundredth.",
)

# %% [markdown] claims=["S3-33", "S3-36", "S3-09"]
# Twenty in fractions; in floats a half more, and for $n = 50$ twice $n$: directions forget that they were conjugate. What counts in practice is the spectrum: the number of clusters and their width.
#
# Now the two that live on gradients, on the fit of section 2. *Nonlinear* conjugate gradients replace the exact step by a line search, BFGS follows its estimate.

# %% claims=["S3-36", "S3-33", "S3-39"]
by_gradients = {}
for method in ("BFGS", "CG"):
    rows = []
    for seed in range(5):
        asked, losses = [0], []

        def both(w, asked=asked):
            asked[0] += 1
            return loss(w), gradient(w)

        def after(w, asked=asked, losses=losses):
            losses.append((loss(w), asked[0]))

        minimize(both, start(seed), jac=True, method=method, callback=after, options={"maxiter": 1000})
        rows.append(next((k, calls) for k, (L, calls) in enumerate(losses, 1) if L < 0.2))
    by_gradients[method] = np.array(rows)
    print(f"{method:4s} steps {by_gradients[method][:, 0]}, gradients {by_gradients[method][:, 1]}")


# %% tags=["hide-input"] claims=["S3-09", "S3-33", "S3-36", "S3-39"]
# @title A batch, and the evidence
def lm_on_batches(seed, size, steps=150):
    """Levenberg-Marquardt where each step sees `size` of the 60 examples: the median loss on all of them, last 50 steps."""
    rng, w, mu, seen = np.random.default_rng(seed), start(seed), 0.01, []
    for _ in range(steps):
        rows = rng.permutation(60)[:size]
        J = np.vstack([jacobian(w)[rows], np.sqrt(mu) * np.eye(25)])
        new = w + np.linalg.lstsq(J, -np.append(residuals(w)[rows], np.zeros(25)), rcond=None)[0]
        better = (residuals(new)[rows] ** 2).sum() < (residuals(w)[rows] ** 2).sum()
        w, mu = (new, max(mu / 3, 1e-9)) if better else (w, min(2 * mu, 1e9))
        seen.append(loss(w))
    return np.median(seen[-50:])


whole, parts = ([lm_on_batches(s, size) for s in range(5)] for size in (60, 10))
exact = [
    steps_to(0, np.array([Fraction(k * k) for k in range(1, n + 1)]), np.array([Fraction(1)] * n)) / n
    for n in (3, 8, 15, 20)
]
rounded = [
    steps_to(
        1e-10,
        np.r_[1, np.exp(np.random.default_rng(s).uniform(0, np.log(1000), n - 2)), 1000],
        np.random.default_rng(s).normal(size=n),
    )
    / n
    for n in (20, 50)
    for s in range(5)
]
table(
    claim("S3-33", "steps over n, exact fractions, n = 3 to 20", exact, predicted=1, within=0),
    claim("S3-33", "steps over n, floats, n = 20 and 50, 10 spectra", rounded, at_least=1.2),
    claim(
        "S3-33",
        "steps with c points, c = 1 to 3",
        [steps_to(1e-10, spectrum(c, 0), np.ones(99 // c * c)) / c for c in (1, 2, 3)],
        predicted=1,
        within=0,
    ),
    claim("S3-36", "BFGS: steps to 0.2, 5 starts", by_gradients["BFGS"][:, 0], at_least=25, at_most=100),
    claim(
        "S3-33", "nonlinear conjugate gradients: steps", by_gradients["CG"][:, 0], at_least=100, at_most=800
    ),
    claim("S3-09", "Levenberg-Marquardt, 10 of 60 examples a step: loss", parts, at_least=0.5),
    claim("S3-09", "the same steps with all 60", whole, at_most=0.2),
    more=[
        claim(
            "S3-39",
            "gradients of descent over those of BFGS",
            gd_steps / by_gradients["BFGS"][:, 1],
            at_least=100,
        ),
        claim(
            "S3-33",
            "residual of the even spread over its bound",
            falls["spread evenly"] / bound[: len(falls["spread evenly"])],
            at_most=1,
        ),
    ],
)
print(
    f"Levenberg-Marquardt, 150 steps: median loss {np.median(whole):.2f} with all examples, {np.median(parts):.1f} with 10 a step"
)

# %% [markdown] claims=["S3-09", "S3-36", "S3-39"]
# Neither sees a Hessian; both beat gradient descent by far, and Levenberg-Marquardt, which knows that the loss is a sum of squares, beats them in steps. The last row but one is the price of all: shown ten fresh
# examples a step, Levenberg-Marquardt fits those ten, and spoils the other fifty. Exact steps want exact surfaces, so these are methods for full batches.
#
# **Caveat.** The line searches and estimates are SciPy's. Tuned batch versions exist; none was tried here.
#
# ## 4. What does curvature cost, and what does it look like?
#
# **Question.** A network of ten million weights has a Hessian of $10^{14}$ entries, 800 terabytes. What of it can you afford?
#
# **Theory.** Its product with a vector. $Hv$ is the slope of the gradient along $v$,
#
# $$Hv = \frac{d}{dh}\nabla L(w + hv)\Big|_{h=0} = \nabla\big(\nabla L^\top v\big) ,$$
#
# by differences of two gradients, or exactly by differentiating once more (Pearlmutter 1994). Differences have two errors that pull opposite ways: cutting off Taylor's series, which grows with $h$,
# and rounding (ε about $10^{-16}$), divided by a power of $h$:
#
# | from | formula | error |
# |---|---|---|
# | loss, central | $(L(+h) - 2L + L(-h))/h^2$ | $h^2 + \varepsilon/h^2$ |
# | gradients, one-sided | $(\nabla L(+h) - \nabla L)/h$ | $h + \varepsilon/h$ |
# | gradients, central | $(\nabla L(+h) - \nabla L(-h))/2h$ | $h^2 + \varepsilon/h$ |
#
# **Predict.** Which step is best for central differences of gradients: $10^{-2}$, $10^{-5}$ or $10^{-10}$?


# %% claims=["S3-37", "S2-05"]
def product(w, v):  # Pearlmutter's, for the digits' loss
    at = torch.tensor(w, requires_grad=True)
    (g,) = torch.autograd.grad(digit_loss.loss(at), at, create_graph=True)
    return torch.autograd.grad(g, at, torch.tensor(v))[0].numpy()


v = np.random.default_rng(0).normal(size=len(w_digits))
v /= np.linalg.norm(v)
exactly = product(w_digits, v)
hs, errors = 10.0 ** -np.arange(0, 12, 0.5), []
for h in hs:
    up, here, down = (digit_loss.grad(w_digits + s * h * v) for s in (1, 0, -1))
    L_up, L_here, L_down = (digit_loss.value(w_digits + s * h * v) for s in (1, 0, -1))
    bends = ((L_up - 2 * L_here + L_down) / h**2, (up - here) @ v / h, (up - down) @ v / (2 * h))
    errors.append([abs(bend - exactly @ v) / abs(exactly @ v) for bend in bends])
errors = np.array(errors)
for name, k in (("loss, central", 0), ("gradients, one-sided", 1), ("gradients, central", 2)):
    print(f"{name:21s} best h {hs[errors[:, k].argmin()]:.0e}, error {errors[:, k].min():.0e}")


# %% tags=["hide-input"] claims=["S3-37"]
# @title Three Vs
def vees(ax):
    plots.lines(
        Curve(hs, errors[:, 0], "loss, central", colour=0),
        Curve(hs, errors[:, 1], "gradients, one-sided", colour=1),
        Curve(hs, errors[:, 2], "gradients, central", colour=2),
        xlabel="h, smaller to the right",
        ylabel="relative error of $v^T H v$",
        logx=True,
        logy=True,
        ylim=(1e-13, 1e3),
    )(ax)
    ax.invert_xaxis()


plots.show(
    vees,
    height=2.6,
    alt="Three curves of error against a shrinking step: central differences of the loss turn near one ten-thousandth and rise steeply, those "
    "of gradients turn later and lower, the central one lowest, at a hundred-thousandth.",
)

# %% [markdown] claims=["S3-37", "S2-05"]
# $10^{-5}$: where $h^2 = \varepsilon/h$. Better than all is no $h$ at all. **And the price of a product?** The classical count is two to four gradients; the cell below times it. So "second order is too expensive" holds for the matrix, not for its products: with them conjugate gradients
# solve Newton's system, and the power iteration of assignment 08 finds the sharpest direction.
#
# Cheaper still is part of $H$: its diagonal (Becker and LeCun 1989, unit 08), or the square Jacobian. How much of $H$ is that, at the end of a fit?


# %% tags=["hide-input"] claims=["S3-37", "S2-05", "S3-39"]
# @title What a product costs, and what a part is worth
def seconds(f, times=25):
    f()
    taken = []
    for _ in range(times):
        clock = time.thread_time()
        f()
        taken.append(time.thread_time() - clock)
    return np.median(taken)


large = networks.MLP((64, 32, 32, 10))
ink = data.digits(1024)
large_loss = networks.training_loss(large, ink.inputs, ink.labels, F.cross_entropy)
at = torch.tensor(large.initial(0), requires_grad=True)
along = torch.tensor(np.random.default_rng(0).normal(size=large.size))


def one_gradient():
    torch.autograd.grad(large_loss.loss(at), at)


def one_product():
    (g,) = torch.autograd.grad(large_loss.loss(at), at, create_graph=True)
    torch.autograd.grad(g, at, along)


price = [seconds(one_product) / seconds(one_gradient) for _ in range(5)]
parts_of_H = []
for seed in range(5):
    w, mu = start(seed), 0.01
    for _ in range(60):
        while loss(new := w + gauss_newton_step(w, mu)) >= loss(w) and mu < 1e9:
            mu *= 2
        w, mu = (new, mu / 3) if loss(new) < loss(w) else (w, mu)
    H, G = hessian(w), jacobian(w).T @ jacobian(w)
    parts_of_H.append([np.linalg.norm(H - part) / np.linalg.norm(H) for part in (G, np.diag(np.diag(H)))])
parts_of_H = np.array(parts_of_H)
print(
    f"a product costs {min(price):.1f} to {max(price):.1f} gradients ({large.size:,} weights, so {large.size:,} products for all of H)"
)
print(
    f"what the square Jacobian misses of H after a fit: {parts_of_H[:, 0].min():.3%} to {parts_of_H[:, 0].max():.3%}"
)
print(f"what the diagonal misses: {parts_of_H[:, 1].min():.0%} to {parts_of_H[:, 1].max():.0%}")

# %% [markdown] claims=["S3-38"]
# **The whole spectrum** is affordable for 382 weights. LeCun et al. (1998) found few large and many small eigenvalues; a later rule of thumb says that those which stand apart are as many as there are classes
# (Sagun et al. 2017).
#
# **Predict.** Networks for 3, 5 and 10 classes, three starts each. Sort the eigenvalues and look for the largest step down, from one to the next, among the top $C + 8$. Is it after the $C$-th, the one before, or elsewhere?

# %% tags=["hide-input"] claims=["S3-38"]
# @title Spectra of nine trained networks
spectra_of = {}
for classes, seed in itertools.product((3, 5, 10), range(3)):
    surface, w = (digit_loss, w_digits) if (classes, seed) == (10, 0) else trained(classes, seed)
    spectra_of[classes, seed] = np.linalg.eigvalsh(curvature.hessian(surface, w))[::-1]
largest_gap = {
    key: 1 + int((lam[: key[0] + 8] / lam[1 : key[0] + 9]).argmax()) for key, lam in spectra_of.items()
}


def top(classes):
    def draw(ax):
        for seed in range(3):
            lam = spectra_of[classes, seed]
            ax.plot(
                np.arange(1, 19),
                lam[:18] / lam[0],
                color=plots.COLOURS[seed],
                marker=plots.MARKERS[seed],
                markersize=4,
                linewidth=0.8,
            )
        ax.axvline(classes + 0.5, color=plots.GREY, linestyle=":")
        ax.text(classes + 0.8, 0.93, f"$C$ = {classes}", fontsize=9)
        ax.set(xlabel="rank", ylabel="eigenvalue over the largest" if classes == 3 else "", ylim=(0, 1.05))
        ax.set_xticks([1, 5, 10, 15])

    return draw


plots.show(
    *(top(classes) for classes in (3, 5, 10)),
    height=2.6,
    alt="The eighteen largest eigenvalues of nine networks fall smoothly from the first on, faster for three classes than for ten; no curve "
    "has a step at the dotted line that marks the number of classes.",
)
print("largest step down after rank", {f"C = {c}": [largest_gap[c, s] for s in range(3)] for c in (3, 5, 10)})

# %% tags=["hide-input"] claims=["S3-37", "S3-38", "S2-05"]
# @title Evidence
lams = list(spectra_of.values())
at_C = [lam[c - 1] / lam[c] for (c, _), lam in spectra_of.items()]
best = errors.min(axis=0)
table(
    claim("S3-37", "least error: loss, one-sided, central", best, at_most=1e-5),
    claim("S3-37", "least error of central gradients", best[2], at_most=1e-8),
    claim("S2-05", "price of a product, in gradients, 5 times", price, at_least=1.2, at_most=5),
    claim("S3-37", "missed by the square Jacobian after a fit, 5 starts", parts_of_H[:, 0], at_most=0.01),
    claim("S3-37", "missed by the diagonal", parts_of_H[:, 1], at_least=0.4),
    claim(
        "S3-38",
        "share of eigenvalues below 1 % of the largest, 9 nets",
        [(np.abs(lam) < 0.01 * lam[0]).mean() for lam in lams],
        at_least=0.25,
    ),
    claim(
        "S3-38",
        "networks of 9 whose largest step is at C or C - 1",
        sum(gap in (c, c - 1) for (c, _), gap in largest_gap.items()),
        at_most=3,
    ),
    claim("S3-38", "ratio of eigenvalues C and C + 1, 9 nets", at_C, at_most=1.6),
    more=[
        claim(
            "S3-38",
            "share of the trace in the top tenth",
            [lam[: len(lam) // 10].sum() / np.abs(lam).sum() for lam in lams],
            at_least=0.5,
        ),
        claim("S3-38", "negative eigenvalues, 9 nets", [(lam < 0).sum() for lam in lams], at_least=10),
        claim("S3-38", "their size over the largest", [-lam[-1] / lam[0] for lam in lams], at_most=0.15),
        claim("S2-05", "product less H times v", np.abs(exactly - H_digits @ v).max(), at_most=1e-10),
        claim("S3-37", "best h, central gradients", hs[errors[:, 2].argmin()], at_least=1e-7, at_most=1e-4),
        claim("S3-37", "best h, loss", hs[errors[:, 0].argmin()], at_least=1e-5, at_most=1e-2),
        claim("S3-37", "best h, one-sided", hs[errors[:, 1].argmin()], at_least=1e-10, at_most=1e-6),
    ],
)

# %% [markdown] claims=["S3-38"]
# **What does not reproduce.** A bulk near zero there is, 36 to 45 % of all below a hundredth of the largest, and the top tenth holds most of the trace: that is why the right plane of the first picture has so few lines. But nothing happens at $C$. The
# eigenvalues fall smoothly, and the largest step, where there is one, is mostly after the first. Some negative ones remain, all small: the gradient is not zero either (unit 04).
#
# **Caveat.** One hidden layer of 12 units, 500 rows. The counts in the literature are of far larger networks; this size can neither confirm nor refute them.
#
# ## 5. What of it lives in today's optimisers?
#
# **Question.** $n^2$ numbers are out of the question, a diagonal cures no valley that is turned (unit 08). Is there something between?
#
# **Theory.** A matrix for each *side* of each layer. Let a layer have the inputs $a$ and, at its outputs, the derivatives $d$; its gradient is the matrix $M = \overline{d\,a^\top}$. The layer's block of the Gauss-Newton matrix, out·in by
# out·in, is about a product of two small ones, $A = \overline{a a^\top}$ and $D = \overline{d d^\top}$, with $d$ for random targets of the model's own:
#
# - **K-FAC** (Martens and Grosse 2015) steps by $D^{-1} M A^{-1}$, each damped.
# - **Shampoo** (Gupta et al. 2018) takes both from gradients alone: $L = \overline{M M^\top}$, $R = \overline{M^\top M}$, and steps by $L^{-1/4} M R^{-1/4}$.
# - **Muon** (Jordan et al. 2024) is its limit without memory: with $M = U S V^\top$, $(MM^\top)^{-1/4} M (M^\top M)^{-1/4} = U V^\top$. All singular values become 1; five rounds of matrix products bring them between 0.7 and 1.2, without
#   eigenvectors.
#
# Each works on one layer, whose memory is `s`; bars are running averages.


# %% claims=["S3-39"]
def mean(s, name, new):  # running; the plain mean of what there is at first
    s["n" + name] = s.get("n" + name, 0) + 1
    keep = min(0.95, 1 - 1 / s["n" + name])
    s[name] = keep * s.get(name, 0) + (1 - keep) * new
    return s[name]


def rolling(s, step, beta=0.9):  # heavy ball
    s["m"] = beta * s.get("m", 0) + step
    return s["m"]


def kfac(M, s, a, d, damping=0.03):
    A, D = mean(s, "A", a.T @ a / len(a)), mean(s, "D", d.T @ d / len(d))
    split = (A.diagonal().mean() / D.diagonal().mean()) ** 0.5  # shares the damping between the sides
    A = A + damping**0.5 * split * torch.eye(len(A))
    D = D + damping**0.5 / split * torch.eye(len(D))
    return rolling(s, torch.linalg.solve(D, torch.linalg.solve(A, M.T).T))


# %% claims=["S3-39"]
def fourth_root(S):  # S ** (-1/4)
    lam, V = torch.linalg.eigh(S)
    return V * (lam.clamp(min=0) + 1e-8) ** -0.25 @ V.T


def shampoo(M, s, a, d):
    return rolling(s, fourth_root(mean(s, "L", M @ M.T)) @ M @ fourth_root(mean(s, "R", M.T @ M)))


def muon(M, s, a, d):
    m = rolling(s, M)
    X = m / m.norm() if len(m) <= m.shape[1] else m.T / m.norm()
    for _ in range(5):  # drives every singular value towards 1
        S = X @ X.T
        X = 3.4445 * X + (2.0315 * S @ S - 4.7750 * S) @ X
    return (X if len(m) <= m.shape[1] else X.T) * max(1, len(m) / m.shape[1]) ** 0.5


# %% [markdown] claims=["S3-39"]
# **Experiment.** A task that is hard for its size: an autoencoder squeezes digits of 64 pixels through 8 numbers, 64-32-8-32-64, batches of 256. All five rules start from the same weights. Rates are tuned to the fewest steps to a
# loss of 0.6, three starts each, in a sweep that is too long for this page: five rates each for momentum (0.01 to 0.07), Adam (0.005 to 0.03), Muon (0.01 to 0.05) and Shampoo (0.005 to 0.03), and for K-FAC five
# rates by four dampings. Below, the winners run again. Time is that of one processor core, without measuring the loss.
#
# **Predict.** A step of Shampoo costs two to three steps of Adam. Which of the two is first *in seconds*?


# %% claims=["S3-39"]
def race(rule, lr, seed, goal=0.6, most=2500):
    Ws, rng, noise = first_weights(seed), np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    memory, losses, seconds = [{} for _ in Ws], [], [0.0]
    for step in range(most + 1):
        if step % 10 == 0:
            losses.append(autoencoder_loss(Ws, PIXELS)[0].item())
            if losses[-1] < goal:
                break
        clock = time.thread_time()
        loss, out, inputs, outputs = autoencoder_loss(Ws, PIXELS[rng.integers(1024, size=256)])
        gradients = torch.autograd.grad(loss, Ws, retain_graph=True)
        derivatives = [None] * 4
        if rule is kfac:  # targets of the model's own: its output plus noise
            derivatives = torch.autograd.grad(out, outputs, torch.randn(out.shape, generator=noise))
        with torch.no_grad():
            for W, M, s, a, d in zip(Ws, gradients, memory, inputs, derivatives, strict=True):
                W -= lr * rule(M, s, a, d)
        seconds.append(seconds[-1] + time.thread_time() - clock)
    return np.array(losses), np.array(seconds[::10])


# %% tags=["hide-input"] claims=["S3-39"]
# @title The race
torch.set_default_dtype(torch.float64)
PIXELS = torch.tensor(data.digits(1024).inputs)
WIDTHS = (64, 32, 8, 32, 64)


def first_weights(seed):
    """Four matrices (out, in + 1), the last column for the biases."""
    g, Ws = torch.Generator().manual_seed(seed), []
    for fan_in, out in itertools.pairwise(WIDTHS):
        W = torch.randn(out, fan_in + 1, generator=g) / fan_in**0.5
        W[:, -1] = 0
        Ws.append(W.requires_grad_())
    return Ws


def autoencoder_loss(Ws, pixels):
    """Half the mean squared distance; the outputs; each layer's inputs, a one appended; each layer's sums."""
    inputs, outputs, h = [], [], pixels
    for k, W in enumerate(Ws):
        inputs.append(torch.cat([h, torch.ones(len(h), 1)], dim=1))
        outputs.append(inputs[-1] @ W.T)
        h = outputs[-1] if k == len(Ws) - 1 else torch.tanh(outputs[-1])
    return 0.5 * (h - pixels).square().sum(dim=1).mean(), h, inputs, outputs


def momentum(M, s, a, d):
    return rolling(s, M)


def adam(M, s, a, d):
    s["t"] = s.get("t", 0) + 1
    s["first"], s["second"] = 0.9 * s.get("first", 0) + 0.1 * M, 0.999 * s.get("second", 0) + 0.001 * M**2
    return s["first"] / (1 - 0.9 ** s["t"]) / ((s["second"] / (1 - 0.999 ** s["t"])).sqrt() + 1e-8)


RULES = {
    "momentum": (momentum, 0.03),
    "Adam": (adam, 0.02),
    "K-FAC": (kfac, 0.1),
    "Shampoo": (shampoo, 0.015),
    "Muon": (muon, 0.03),
}
races = {name: [race(rule, lr, seed) for seed in range(3)] for name, (rule, lr) in RULES.items()}
steps_of = {name: np.array([10 * (len(losses) - 1) for losses, _ in runs]) for name, runs in races.items()}
seconds_of = {
    name: np.array([clock[len(losses) - 1] for losses, clock in runs]) for name, runs in races.items()
}


def panel(horizontal, xlabel, ylabel):
    def draw(ax):
        for k, (name, runs) in enumerate(races.items()):
            losses, clock = runs[0]
            across = horizontal(losses, clock)
            ax.plot(
                across[1:],
                losses[1:],
                color=plots.COLOURS[k],
                marker=plots.MARKERS[k],
                markevery=max(1, len(losses) // 8),
            )
            ax.plot(
                across[[-1, -1]],
                [0.6, HEIGHTS[k]],
                color=plots.COLOURS[k],
                linestyle=":",
                linewidth=0.5 + k / 10,
            )
            ax.text(
                across[-1],
                HEIGHTS[k],
                name,
                color=plots.ink(plots.COLOURS[k]),
                ha="center",
                va="top",
                fontsize=9,
            )
        ax.set(xscale="log", yscale="log", xlabel=xlabel, ylabel=ylabel, ylim=(0.2, 8))
        ax.set_yticks([0.6, 1, 2, 5], ["0.6", "1", "2", "5"])
        ax.minorticks_off()

    return draw


HEIGHTS = (0.32, 0.5, 0.256, 0.4, 0.5)
plots.show(
    panel(lambda losses, clock: 10 * np.arange(len(losses)), "step", "loss of the autoencoder"),
    panel(lambda losses, clock: clock[: len(losses)], "seconds", ""),
    height=2.9,
    alt="Losses of five optimisers against steps and against seconds: in steps Muon and Shampoo are first, then K-FAC, Adam and momentum; in "
    "seconds the order is the same and the distances are smaller.",
)
print("rule       steps to 0.6            seconds           ms a step")
for name in RULES:
    took, spent = steps_of[name], seconds_of[name]
    print(
        f"{name:9s}  {took.min():5,} to {took.max():5,}   {spent.min():5.2f} to {spent.max():4.2f}   {1e3 * (spent / took).mean():5.1f}"
    )

# %% tags=["hide-input"] claims=["S3-39"]
# @title Evidence
M = torch.randn(8, 33, generator=torch.Generator().manual_seed(0))
U, S, Vh = torch.linalg.svd(M, full_matrices=False)
polar = [
    float(torch.linalg.svdvals(muon(M, {}, None, None)).min()),
    float(torch.linalg.svdvals(muon(M, {}, None, None)).max()),
]
lam, V = torch.linalg.eigh(M @ M.T)
right = Vh.T * S**-0.5 @ Vh
limit = float((V * lam**-0.25 @ V.T @ M @ right - U @ Vh).abs().max())
middle = {name: np.median(took) for name, took in steps_of.items()}
clocked = {name: np.median(spent) for name, spent in seconds_of.items()}
table(
    claim(
        "S3-39",
        "steps of momentum over steps of Adam, medians of 3",
        middle["momentum"] / middle["Adam"],
        at_least=1.3,
    ),
    claim("S3-39", "steps of Adam over steps of K-FAC", middle["Adam"] / middle["K-FAC"], at_least=1.8),
    claim("S3-39", "of Shampoo", middle["Adam"] / middle["Shampoo"], at_least=2.5),
    claim("S3-39", "of Muon", middle["Adam"] / middle["Muon"], at_least=3),
    claim(
        "S3-39", "seconds of Adam over seconds of Shampoo", clocked["Adam"] / clocked["Shampoo"], at_least=1.0
    ),
    claim("S3-39", "seconds of Adam over seconds of Muon", clocked["Adam"] / clocked["Muon"], at_least=1.5),
    claim(
        "S3-39",
        "a step of Shampoo over a step of Adam",
        (clocked["Shampoo"] / middle["Shampoo"]) / (clocked["Adam"] / middle["Adam"]),
        at_least=1.2,
    ),
    more=[
        claim("S3-39", "Shampoo without memory less U Vᵀ", limit, at_most=1e-10),
        claim("S3-39", "singular values of Muon's step", polar, at_least=0.6, at_most=1.3),
    ],
)

# %% [markdown] claims=["S3-39"]
# Two small matrices a layer save most of the steps, and here they pay for themselves: Shampoo and Muon are ahead in seconds too. K-FAC's lead shrinks most, because it also
# runs back through the network once more. So the tradition lives on, with curvature more and more loosely meant: $G$ by layers, then averages of gradients, then one momentum made orthogonal.
#
# **Caveat.** One task, chosen because curvature matters in it, with layers at most 65 wide; β was not tuned for anyone. The cost of $L^{-1/4}$ grows like the cube of the width, that of a gradient like its square times the batch; so wide layers renew their roots only now and then. Your machine's seconds will differ.
#
# ## Touch it
#
# Rosenbrock's banana as least squares, $r = (1 - w_1,\ 10\,(w_2 - w_1^2))$: twelve steps with a *fixed* μ from the star. Find (1) a μ that arrives in two steps, (2) one at which the first step follows the gradient, at right angles to the contours, (3) the start height at which
# the smallest μ overshoots least.


# %% tags=["hide-input"] claims=["S3-35"]
# @title The banana
class Banana:
    def value(self, w):
        return (1 - w[..., 0]) ** 2 / 2 + 50 * (w[..., 1] - w[..., 0] ** 2) ** 2

    def grad(self, w):
        a, b = 1 - w[0], 10 * (w[1] - w[0] ** 2)
        return np.array([-a - 20 * w[0] * b, 10 * b])


def fixed_damping(grad, w, mu):
    while True:
        J = np.array([[-1, 0], [-20 * w[0], 10]])
        w = w + step_by(lambda lam: lam + mu, grad(w), J.T @ J)
        yield w


# %% claims=["S3-35"]
def touch(power, height):
    trace = run(fixed_damping, Banana(), [-1.2, height], 12, mu=10.0**power)
    title = f"log10 μ = {power:g}\nloss {trace.losses[-1]:.1g}"
    return plots.descents(Banana(), trace, title=title, xlim=(-2.5, 2), ylim=(-4, 4))


interact.explore(
    touch,
    stills=[{"power": p, "height": 1.0} for p in (-6, 0, 2, 4)],
    columns=4,
    alt="Twelve steps in a curved valley with four dampings: the smallest leaps far below the valley and is in the minimum after two steps, "
    "middle ones follow the valley floor, and the largest hardly moves.",
    power=interact.Slider("damping, log10 of μ", -6, 5, 0.5, 0),
    height=interact.Slider("start height", -2, 4, 0.25, 1),
)

# %% [markdown]
# <details><summary>Answers</summary>
#
# (1) Any up to about 10⁻³: both residuals vanish at the minimum, so Gauss-Newton is as good as Newton; one step makes the first residual zero, the second step the other. (2) From about 10⁴ on, where μ is far
# above the largest eigenvalue of $G$, 677; the step is then the gradient over μ, and short. (3) None: whatever the height, the first step ends near $(1, -3.84)$, at $w_2 = 1 - 2.2^2$. The model takes the valley's floor for straight,
# and from 2.2 away that is wrong by $2.2^2$. A larger μ helps, the height does not.
#
# </details>

# %% [markdown] claims=["S0-04", "S2-05", "S3-09", "S3-31", "S3-32", "S3-33", "S3-34", "S3-35", "S3-36", "S3-37", "S3-38", "S3-39"]
# ## What the sources say, and what is exact
#
# <details><summary>Eight statements</summary>
#
# | says | exact |
# |---|---|
# | all five second-order methods need the Hessian or an approximation | Newton does; conjugate gradients need gradients and a line search, or products; Gauss-Newton and Levenberg-Marquardt need Jacobians (section 3) |
# | Newton's method finds the minimum fast | in a bowl; from random starts it finds critical points of any kind, here never a fit (section 1) |
# | conjugate gradients end after n steps | in exact arithmetic; in floats 1.4 n to 2 n at κ = 1,000 (section 3) |
# | Gauss-Newton is Newton without second derivatives | with an error linear in the residual, and useless undamped (section 2) |
# | SGD is the best general algorithm | no theorem; on a small least-squares fit it takes hundreds of times as many steps as Levenberg-Marquardt (section 2) |
# | the Hessian is too expensive in practice | the matrix is; a product costs two to four gradients (section 4) |
# | outliers of the spectrum are as many as classes | not at this size; the bulk near zero is there (section 4) |
# | second-order methods suit small networks and full batches | the classical ones; K-FAC, Shampoo and Muon run on batches (sections 3 and 5) |
#
# </details>

# %% [markdown]
# ## Summary
#
# 1. Newton divides each direction's slope by its curvature: one step on a bowl, and on a small fit, from 20 random starts, the wrong kind of point, unless it takes curvature by size.
# 2. Gauss-Newton drops what the residuals weight: never uphill, as good as its residuals are small, and useless without Levenberg-Marquardt's damping.
# 3. Of five classical methods one needs second derivatives; conjugate gradients need products, and the number of clusters counts, not n.
# 4. A Hessian times a vector costs a few gradients; a third or more of a trained network's eigenvalues are near zero, a tenth hold most of the trace, and nothing marks the number of classes.
# 5. K-FAC, Shampoo and Muon keep two small matrices a layer, or none; on one autoencoder they save most of the steps, and Shampoo and Muon save seconds.

# %% [markdown]
# ## Quick questions
#
# **1.** At a point with $g = (2, 1)$ and $H = \mathrm{diag}(-4, 0.5)$, what are Newton's step and the saddle-free one without damping?
# <details><summary>Answer</summary>
#
# (0.5, −2) and (−0.5, −2): Newton climbs along the first weight.
#
# </details>
#
# **2.** Your least-squares fit ends with large residuals, because the model is wrong. What does that do to Gauss-Newton at the end?
# <details><summary>Answer</summary>
#
# The part that it drops is not small, so it converges slowly, or not at all without damping.
#
# </details>
#
# **3.** A matrix of 10,000 rows is the identity plus a matrix of rank 3. After how many steps do conjugate gradients end?
# <details><summary>Answer</summary>
#
# At most four different eigenvalues, so at most four steps, up to rounding.
#
# </details>
#
# **4.** A Hessian of 10,000 weights by products: what does it cost?
# <details><summary>Answer</summary>
#
# 10,000 products, 20,000 to 40,000 gradients. One hundred steps of a Lanczos iteration need 100 products and give the largest eigenvalues.
#
# </details>
#
# **5.** A layer has 1,000 inputs and 1,000 outputs. How many numbers does its block of the Hessian hold, and how many do K-FAC's two matrices?
# <details><summary>Answer</summary>
#
# 10¹² and 2 · 10⁶, twice as many as the layer has weights.
#
# </details>

# %% [markdown]
# ## Glossary
#
# | English | 中文 | here | section |
# |---|---|---|---|
# | first-order method, second-order method | 一阶方法, 二阶方法 | uses slopes only; uses curvature too | 1 |
# | Newton's method | 牛顿法 | the step $-H^{-1}g$ | 1 |
# | saddle-free Newton | 无鞍牛顿法 | Newton with the sizes of curvatures | 1 |
# | residual | 残差 | output less target, $r$ | 2 |
# | Gauss-Newton method | 高斯-牛顿法 | $J^\top J$ in place of $H$ | 2 |
# | Levenberg-Marquardt method | 列文伯格-马夸尔特法 | Gauss-Newton with damping μ | 2 |
# | damping | 阻尼 | what is added to curvatures to bound the step | 2 |
# | conjugate gradients | 共轭梯度法 | directions that spoil none of the earlier ones | 3 |
# | quasi-Newton method, BFGS | 拟牛顿法, BFGS 算法 | curvature estimated from changes of the gradient | 3 |
# | Hessian-vector product | 海森-向量积 | $Hv$ without $H$ | 4 |
# | finite difference | 有限差分 | a derivative from nearby values | 4 |
# | spectrum | 谱 | all eigenvalues of a matrix | 4 |
# | preconditioner | 预条件子 | the matrix that turns a gradient into a step | 5 |
# | orthogonalisation | 正交化 | all singular values set to 1 | 5 |

# %% [markdown]
# ## Further reading
#
# - Y. LeCun, L. Bottou, G. Orr, K.-R. Müller (1998), *Efficient BackProp*, in *Neural Networks: Tricks of the Trade*.
# - M. Hestenes, E. Stiefel (1952), [*Methods of conjugate gradients for solving linear systems*](https://doi.org/10.6028/jres.049.044).
# - D. Marquardt (1963), [*An algorithm for least-squares estimation of nonlinear parameters*](https://doi.org/10.1137/0111030).
# - B. Pearlmutter (1994), [*Fast exact multiplication by the Hessian*](https://doi.org/10.1162/neco.1994.6.1.147).
# - Y. Dauphin et al. (2014), [*Identifying and attacking the saddle point problem*](https://arxiv.org/abs/1406.2572).
# - L. Sagun et al. (2017), [*Empirical analysis of the Hessian of over-parametrized neural networks*](https://arxiv.org/abs/1706.04454).
# - J. Martens, R. Grosse (2015), [*Optimizing neural networks with Kronecker-factored approximate curvature*](https://arxiv.org/abs/1503.05671).
# - V. Gupta, T. Koren, Y. Singer (2018), [*Shampoo: preconditioned stochastic tensor optimization*](https://arxiv.org/abs/1802.09568).
# - K. Jordan et al. (2024), [*Muon: an optimizer for hidden layers in neural networks*](https://kellerjordan.github.io/posts/muon/).

# %% [markdown]
# ## Your turn
#
# [Assignment 09](../assignments/09_second_order/09_second_order.ipynb): the pieces of Gauss-Newton, a damped step, conjugate gradients, a product with a Hessian that nobody forms, and a step that saddles
# repel. Then all of them race gradient descent on the fit of this lecture.
