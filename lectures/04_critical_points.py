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
# # The gradient is zero. Is this a minimum?
#
# **Unit 04, critical points.** 75 minutes. You need gradient descent (unit 01) and the eigenvalues of a symmetric
# matrix.
#
# The loss has stopped falling and the gradient is almost zero. Three kinds of places look like this from where you
# stand: the bottom of a valley, a saddle with a way down that you do not see, and a plain that is neither. The
# gradient cannot tell them apart. The second derivatives can, mostly, and this lecture computes them instead of
# drawing them.
#
# Each section asks a question, lets you **predict**, derives a number, measures it, and puts the two side by side.
# Write your prediction down before you run the cell. A cell whose evidence fails stops the notebook. Codes in the
# tables name what is being checked: S2-04 is a sentence of a source text (S0: a text on why training is hard; S2:
# notes on Hung-yi Lee's lectures of 2021; S4: Nadav Cohen's post on deep linear networks), P24 an experiment of this
# course.

# %%
import itertools
import os

import numpy as np
import torch
from scipy.sparse.linalg import LinearOperator, eigsh
from scipy.stats import spearmanr
from torch.func import jacrev, vmap
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy
from torch.utils.flop_counter import FlopCounterMode

from trainlab import curvature, data, interact, networks, plots, surfaces
from trainlab.descend import run
from trainlab.evidence import claim, table
from trainlab.networks import MLP, Objective
from trainlab.plots import Curve

torch.set_num_threads(1)  # the networks are tiny: more threads cost time
FAST = os.environ.get("FAST") == "1"  # one seed in place of three in section 5

# %% [markdown] claims=["S2-01"]
# ## 1. What can a point with zero gradient be?
#
# **Question.** Three surfaces, and on each of them a point where the gradient is zero: a **critical point**. Gradient
# descent starts 0.02 beside the axis. What happens next is different each time.


# %% claims=["S2-01"]
def gradient_descent(grad, w, lr):
    while True:
        w = w - lr * grad(w)
        yield w


kinds = {"minimum": (2.0, 1.0), "saddle": (2.0, -1.0), "maximum": (-2.0, -1.0)}
plots.show(
    *(
        plots.descents(
            surfaces.Quadratic(eigenvalues),
            run(gradient_descent, surfaces.Quadratic(eigenvalues), start, 40, lr=0.1),
            title=f"{kind}\ncurvatures {eigenvalues[0]:g}, {eigenvalues[1]:g}",
            xlim=(-1.2, 1.2),
            ylim=(-1.2, 1.2),
        )
        for (kind, eigenvalues), start in zip(
            kinds.items(), ([1, 0.02], [1, 0.02], [0.02, 0.02]), strict=True
        )
    ),
    alt="Contours of three surfaces with a path on each: to the centre of the bowl; towards the saddle and then away from it "
    "at a right angle; from the top of the hill straight out of the picture.",
    height=2.6,
)

# %% [markdown] claims=["S2-01", "S2-02", "S2-03", "S2-06", "S0-11"]
# **Predict.** (a) At a critical point the loss is lowest along the $w_1$ axis, and lowest along the $w_2$ axis. Is
# the point a minimum? (b) $x^4$, $-x^4$ and $x^3$ all have a critical point at 0. Which of their second derivatives
# there differ? (c) Halve the length of a small step. By what factor does the error of a second-order prediction of
# the loss shrink: 2, 4 or 8?
#
# **Theory.** Taylor to second order, for a step $v$ from the point $w$:
#
# $$L(w + v) = L(w) + g^\top v + \tfrac12\, v^\top H v + R, \qquad |R| \le \tfrac{\rho}{6}\,\|v\|^3 .$$
#
# $g$ (n,) is the gradient. $H$ (n, n) is the **Hessian**, the symmetric matrix of second derivatives
# $H_{ij} = \partial^2 L / \partial w_i \partial w_j$, and ρ bounds how fast it changes. At a critical point $g = 0$,
# and $v^\top H v$ decides. To know its sign for *every* $v$, write $v = \sum_i a_i u_i$ in the eigenvectors of $H$:
#
# $$v^\top H v = \sum_i \lambda_i\, a_i^2 .$$
#
# | eigenvalues | the point is | because |
# |---|---|---|
# | all $\lambda_i > 0$ | a local **minimum** | $v^\top H v \ge \lambda_{\min}\|v\|^2 > 0$ for all $v \ne 0$, and $R$ is smaller while $\|v\| < 3\lambda_{\min}/\rho$ |
# | all $\lambda_i < 0$ | a local **maximum** | the same with the sign turned |
# | some $> 0$ and some $< 0$ | a **saddle** | up along one eigenvector, down along another |
# | otherwise: zeros, and the rest of one sign | **degenerate** | along a zero $R$ decides, and this test does not see $R$ |
#
# A local minimum is lower than its surroundings; nothing here compares it with other valleys.
#
# **Experiment.** First Taylor himself: a tanh network with 13 weights at a random place, 20 random directions, steps
# of length $10^{-3}$ to 1. The Hessian is computed by differentiating the gradient (`curvature.hessian`), not guessed
# from a picture.

# %% claims=["S2-02"]
rng = np.random.default_rng(0)
small = MLP((2, 3, 1))  # 13 parameters
curve = networks.training_loss(small, rng.normal(size=(20, 2)), rng.normal(size=(20, 1)))
here = small.initial(0)
L, g, H = curve.value(here), curve.grad(here), curvature.hessian(curve, here)

lengths = np.geomspace(1e-3, 1, 13)
directions = rng.normal(size=(20, small.size))
directions /= np.linalg.norm(directions, axis=1, keepdims=True)
errors = np.empty((3, 20, 13))  # of the prediction to order 0, 1 and 2
for (i, u), (j, s) in itertools.product(enumerate(directions), enumerate(lengths)):
    v = s * u
    change = curve.value(here + v) - L
    errors[:, i, j] = np.abs([change, change - g @ v, change - g @ v - v @ H @ v / 2])
typical = np.median(errors, axis=1)
slopes = np.log(typical[:, 6] / typical[:, 0]) / np.log(lengths[6] / lengths[0])

# %% [markdown]
# Then question (a), with $L = \tfrac12(w_1^2 + w_2^2) + 2 w_1 w_2$, so $H = \begin{pmatrix}1&2\\2&1\end{pmatrix}$; and
# question (b).

# %% claims=["S2-06", "S2-02"]
x = np.linspace(-1, 1, 41)
bend = np.array([[1.0, 2.0], [2.0, 1.0]])
slices = {"along w₁": np.array([1, 0]), "along w₂": np.array([0, 1]), "diagonal": np.array([1, -1]) / 2**0.5}
plots.show(
    plots.lines(
        *(Curve(lengths, error, f"order {k}") for k, error in enumerate(typical)),
        xlabel="length of the step",
        ylabel="error of the prediction",
        logx=True,
        logy=True,
    ),
    plots.lines(
        *(Curve(x + 0.03 * k, x**2 * (u @ bend @ u) / 2, n) for k, (n, u) in enumerate(slices.items())),
        xlabel="distance from the point",
        ylabel="loss",
    ),
    plots.lines(
        Curve(x, x**4, "x⁴"),
        Curve(x, -(x**4), "−x⁴"),
        Curve(x, x**3, "x³"),
        xlabel="x",
        ylabel="loss",
    ),
    alt="Left: three straight lines of slopes one, two and three on logarithmic axes. Middle: two slices of one surface are "
    "parabolas that open upwards, the diagonal slice opens downwards. Right: a valley, a hill and a step, all flat at zero.",
    height=2.6,
)

# %% claims=["S2-02", "S2-03"]
flat = [x**4, -(x**4), x**3]
functions = [lambda w: (w**4).sum(), lambda w: -(w**4).sum(), lambda w: (w**3).sum()]
second = [curvature.hessian(Objective(f), np.zeros(1))[0, 0] for f in functions]
lower = [((f < 0) & (np.abs(x) < 0.5)).sum() for f in flat]  # places nearby with a lower loss, of 19
eigenvalues = np.linalg.eigvalsh(bend)
draws = rng.normal(size=(2000, 2))
down = np.mean(np.einsum("ki,ij,kj->k", draws, bend, draws) < 0)

# %% [markdown]
# **Evidence.** "Slope" is the exponent with which the error grows with the length of the step.

# %% claims=["S2-02", "S2-03", "S2-06"]
table(
    claim("S2-02", "slope of the error, order 0, 1, 2", slopes, predicted=[1, 2, 3], within=0.05),
    claim("S2-06", "second derivative along either axis", np.diag(bend), at_least=1),
    claim("S2-03", "eigenvalues of the same Hessian", eigenvalues, predicted=[-1, 3], within=1e-9),
    claim("S2-06", "share of random directions that go down", down, predicted=1 / 3, within=0.1),
    claim("S2-02", "second derivative of x⁴, −x⁴, x³ at 0", np.abs(second), at_most=0),
    claim("S2-02", "lower places near 0: x⁴", lower[0], at_most=0),
    claim("S2-02", "lower places near 0: −x⁴, x³", lower[1:], at_least=9),
)

# %% [markdown] claims=["S2-02", "S2-06"]
# (a) No: two valleys along the axes and a way down between them. Positive numbers on the diagonal of $H$ prove
# nothing, and neither does any list of directions that you tried; "$v^\top H v > 0$" has to hold **for all**
# $v \ne 0$, which is what eigenvalues settle. One third of all directions go down here. (b) None: the Hessian is 0
# three times, and the points are a minimum, a maximum and neither. (c) 8: the error is of third order.
#
# **Caveat.** The test speaks about a neighbourhood, and its size $3\lambda_{\min}/\rho$ may be tiny. "All eigenvalues
# positive" does not mean $L(w + v) > L(w)$ for *every* $v$. And on a computer no eigenvalue is exactly zero, so every
# count of signs needs a **tolerance**; section 5 shows how much hangs on it.

# %% [markdown] claims=["S2-04", "S0-13"]
# ## 2. Which way is down?
#
# **Question.** The smallest deep network is $y = w_1 w_2\, x$: two layers, no activation, one weight each. To learn
# $y = x$ it minimises $L = (1 - w_1 w_2)^2$. At the origin the gradient is zero, and gradient descent stays there for
# ever.


# %% claims=["S2-04", "S0-13"]
class TwoLayers:
    def value(self, w):
        return (1 - w[..., 0] * w[..., 1]) ** 2

    def grad(self, w):
        return -2 * (1 - w[..., :1] * w[..., 1:]) * w[..., ::-1]


pair = TwoLayers()
origin = np.zeros(2)
H = curvature.hessian(Objective(pair.value), origin)
eigenvalues, vectors = np.linalg.eigh(H)
down = vectors[:, 0] * np.sign(vectors[0, 0])  # towards positive weights
stays = run(gradient_descent, pair, origin, 60, lr=0.05)
leaves = [run(gradient_descent, pair, sign * 0.05 * down, 60, lr=0.05) for sign in (1, -1)]


def with_arrows(ax):
    plots.descents(pair, *leaves, labels=["+0.05 v", "−0.05 v"], xlim=(-1.8, 1.8), ylim=(-1.8, 1.8))(ax)
    for k, (name, place) in enumerate({"curvature −2": (1.15, 0.25), "curvature +2": (-0.9, 0.9)}.items()):
        u = 0.8 * vectors[:, k]
        arrow = {"arrowstyle": "<->", "linestyle": ("-", "--")[k], "linewidth": 1.5}
        ax.annotate("", u, -u, arrowprops=arrow, zorder=5)
        ax.text(*place, name, fontsize=8, ha="center")
    r = np.linspace(0.5, 1.8, 40)
    for sign in (1, -1):
        ax.plot(sign * r, sign / r, color="0.35", linestyle=":", linewidth=1.5)


plots.show(
    with_arrows,
    plots.lines(
        Curve(stays.steps, stays.losses, "start at 0"),
        Curve(leaves[0].steps, leaves[0].losses, "start at 0.05 v"),
        xlabel="step",
        ylabel="loss",
    ),
    alt="Left: a saddle between two valleys; arrows mark the diagonal with curvature minus two and the other one with plus two, "
    "and two paths run along the first to the dotted curves of minima. Right: one loss stays at 1, the other falls to 0.",
)

# %% [markdown] claims=["S2-04", "S2-05"]
# **Predict.** (a) You step from the origin to $(0.001, 0.001)$. By how much does the loss change: $-2\cdot10^{-6}$,
# $-10^{-3}$ or not at all? (b) How many eigenvalues of the Hessian are zero at the minimum $(1, 1)$? (c) The
# Gauss-Newton matrix is the usual stand-in for the Hessian of a squared error. How many negative eigenvalues does it
# have at the origin?
#
# **Theory.** At the origin $H = \begin{pmatrix}0&-2\\-2&0\end{pmatrix}$: eigenvalue $-2$ along $v = (1,1)/\sqrt2$ and
# $+2$ along $(1,-1)/\sqrt2$. A step of length $s$ along an eigenvector $v$ with $\lambda < 0$ changes the loss by
#
# $$\Delta L = s\, g^\top v + \tfrac12 \lambda s^2 + O(s^3) .$$
#
# The second term is negative for either sign of $v$. The first is not, once $g$ is only *nearly* zero; so choose the
# sign with $g^\top v \le 0$, and both terms go down.
#
# **What Gauss-Newton cannot see.** For $L = \sum_k r_k^2$ with the residuals $r$ and their Jacobian $J$,
#
# $$H = 2 J^\top J + 2 \sum_k r_k \nabla^2 r_k , \qquad v^\top (J^\top J)\, v = \|J v\|^2 \ge 0 .$$
#
# Gauss-Newton keeps the first term and drops the second. What is left has no negative eigenvalue *anywhere, whatever
# the network*: by construction it cannot tell a saddle from a minimum. Here $r = 1 - w_1 w_2$ and $J = (-w_2, -w_1)$,
# so at the origin Gauss-Newton is the zero matrix.
#
# **What it costs.** $H$ has $n^2$ entries, too many for a network. But $Hv$ is the gradient of $g^\top v$, one more
# backward pass (Pearlmutter 1994), and the Lanczos iteration finds the most negative eigenvalue from a few such
# products.
#
# **Experiment.** Along the diagonal $w_1 = w_2$: the lowest eigenvalue of both matrices. Then both on a network with
# 70 weights. Then the price on one with 2,410, in multiplications and additions (FLOPs), which unlike seconds are the
# same on every machine.

# %% claims=["S2-04", "S2-05"]
diagonal = np.linspace(-1.5, 1.5, 41)
lowest = []


def residual(w):
    return 1 - w[:1] * w[1:]


for point in np.stack([diagonal, diagonal], axis=1):
    J = jacrev(residual)(torch.from_numpy(point)).numpy()
    full = curvature.hessian(Objective(pair.value), point)
    lowest.append([np.linalg.eigvalsh(matrix)[0] for matrix in (full, 2 * J.T @ J)])

digits = data.pca_digits(6, 200, classes=4)
net = MLP((6, 6, 4))  # 70 parameters
squared = networks.training_loss(net, digits.inputs, digits.one_hot)
images, signs = torch.from_numpy(digits.inputs), []
for seed in range(3):
    w = net.initial(seed)
    J = jacrev(lambda theta: net.forward(theta, images).flatten())(torch.from_numpy(w)).numpy()
    gauss_newton = np.linalg.eigvalsh(J.T @ J / len(images))  # of half the squared error, averaged over rows
    signs.append([np.linalg.eigvalsh(curvature.hessian(squared, w))[0], gauss_newton[0], gauss_newton[-1]])
true_low, gn_low, gn_top = np.transpose(signs)

# %% claims=["S2-05"]
raw = data.digits(200)
wide = MLP((64, 32, 10))  # 2,410 parameters
loss = networks.training_loss(wide, raw.inputs, raw.one_hot)
theta = torch.tensor(wide.initial(0), requires_grad=True)
with FlopCounterMode(display=False) as one_gradient:
    (slope,) = torch.autograd.grad(loss.loss(theta), theta, create_graph=True)
with FlopCounterMode(display=False) as one_more:
    torch.autograd.grad(slope, theta, torch.ones_like(theta), retain_graph=True)
price = 1 + one_more.get_total_flops() / one_gradient.get_total_flops()  # of Hv, in gradients
products = 0


def times(v):
    global products
    products += 1
    (Hv,) = torch.autograd.grad(slope, theta, torch.tensor(v.ravel()), retain_graph=True)
    return Hv.numpy()


n = wide.size
start = np.random.default_rng(0).normal(size=n)
(bottom,), v = eigsh(LinearOperator((n, n), times, dtype=float), k=1, which="SA", v0=start, tol=1e-3)
v = v[:, 0] * -np.sign(slope.detach().numpy() @ v[:, 0])
w = theta.detach().numpy()
drop = [loss.value(w + s * v) - loss.value(w) for s in (0.05, 0.1, 0.2)]

# %%
plots.show(
    plots.lines(
        Curve(diagonal, [h for h, _ in lowest], "Hessian"),
        Curve(diagonal, [gn for _, gn in lowest], "Gauss-Newton"),
        xlabel="w₁ = w₂",
        ylabel="lowest eigenvalue",
    ),
    alt="The lowest eigenvalue of the Hessian is minus two at the saddle, positive between 0.6 and 1 on either side of it, and "
    "negative again beyond 1; that of Gauss-Newton is zero throughout.",
    height=2.4,
)

# %% [markdown]
# **Evidence.**

# %% claims=["S2-04", "S2-05", "S0-13"]
step = pair.value(np.array([1e-3, 1e-3])) - 1
lengths = np.array([1e-3, 1e-2, 1e-1])
along = [pair.value(sign * s * down) - 1 for sign in (1, -1) for s in lengths]
minima = np.array([(0.5, 2), (1, 1), (2, 0.5), (-1, -1), (-4, -0.25)])
spectra = np.array([np.linalg.eigvalsh(curvature.hessian(Objective(pair.value), w)) for w in minima])
table(
    claim("S2-04", "eigenvalues of H at the origin", eigenvalues, predicted=[-2, 2], within=1e-9),
    claim("S2-04", "change of the loss at (0.001, 0.001)", step, predicted=-2e-6, within=1e-5),
    claim(
        "S2-04",
        "change along ±v, lengths 0.001 to 0.1",
        along,
        predicted=-np.tile(lengths**2, 2),
        within=0.005,
    ),
    claim("", "loss after 60 steps from the origin", stays.losses[-1], predicted=1, within=1e-12),
    claim("S0-13", "loss at five points with w₁w₂ = 1", pair.value(minima), at_most=0),
    claim("S0-13", "smallest eigenvalue there, in size", np.abs(spectra[:, 0]), at_most=1e-9),
    claim("", "Gauss-Newton's lowest eigenvalue, diagonal", [gn for _, gn in lowest], at_least=-1e-12),
    claim("", "Gauss-Newton's lowest over its highest, network", gn_low / gn_top, at_least=-1e-12),
    claim("", "the Hessian's lowest, same networks", true_low, at_most=-0.1),
    claim("S2-05", "cost of Hv, in gradients", price, at_least=1.5, at_most=3.5),
    claim("S2-05", "products Hv to find the way down, of 2,410", products, at_most=100),
    claim("S2-05", "change of the loss that way, 3 lengths", drop, at_most=-0.01),
)

# %% [markdown] claims=["S2-04", "S2-05", "S0-13"]
# (a) $\tfrac12\lambda s^2 = -2\cdot10^{-6}$, for a step of length $s = 0.0014$. (b) One. The minima of this loss are
# not points but a whole curve, $w_1 w_2 = 1$: **many global minima**, all with loss 0, and along the curve the loss
# does not change. So the second-derivative test calls every one of them *degenerate*. In networks such valleys are
# the rule: swap two hidden units, or flip the signs on both sides of a tanh, and you have another set of weights with
# the same loss.
#
# (c) None, and it never will have any. (The Hessian's lowest eigenvalue is negative beyond $w_1 = w_2 = 1$, too, and
# there is no saddle there: where the gradient is not zero, the signs of the eigenvalues do not name the point.) If
# you compute Gauss-Newton (or the Fisher matrix, or the outer product of the gradient with itself) and call it "the
# Hessian", all your critical points become minima.
#
# The full Hessian is too expensive for a large network, as S2 says: here it takes 2,410 products. The *way down* is
# not: it took about 20 products, as much work as some 50 gradients.
#
# **Caveat.** The direction is the best one for an infinitely short step. How far you may go along it, $H$ does not
# say. Unit 09 takes this up.

# %% [markdown] claims=["S0-17", "S0-18"]
# ## 3. How long does a saddle hold you?
#
# **Question.** Nobody starts exactly on a saddle. But paths pass close to one, and then the loss stands still, as it
# would at a minimum, for a while. For how long?

# %% claims=["S0-18"]
near = run(gradient_descent, pair, np.outer([1e-1, 1e-3, 1e-5, 1e-7], [1, 1]), 250, lr=0.05)
plots.show(
    plots.lines(
        *(Curve(near.steps, y, f"ε = 10⁻{k}") for y, k in zip(near.losses.T, "1357", strict=True)),
        xlabel="step",
        ylabel="loss",
    ),
    alt="Four loss curves stay at 1, then fall steeply to 0; for every factor of a hundred closer to the saddle the fall comes "
    "about fifty steps later.",
    height=2.6,
)

# %% [markdown] claims=["S0-12", "S0-18", "S4-05", "S4-07"]
# **Predict.** (a) You start a *million* times closer to a saddle. Does it hold you a million times longer, a thousand
# times, or some hundred steps more? (b) You kick the weights at random, with a total length of 0.01, in 100 and in
# 10,000 dimensions. How much longer does the saddle hold you in the second case? (c) The network gets a third layer.
# What is the Hessian at zero weights now?
#
# **Theory.** Near a saddle with the negative curvature $-\gamma$, gradient descent multiplies the distance along that
# eigenvector by $1 + \eta\gamma$ in every step. From a distance ε it is off, at distance 1, after
#
# $$T = \frac{\ln(1/\varepsilon)}{\ln(1 + \eta\gamma)}$$
#
# steps. *The logarithm is the good news*: saddles of this kind, with a negative eigenvalue, are called **strict**,
# and ten times closer costs a constant number of steps. A random kick of length $r$ in $d$ dimensions has a part of
# about $0.674\, r/\sqrt d$ (the median) along any one direction, so
# $T = \ln\!\big(\sqrt d / (0.674\, r)\big) / \ln(1+\eta\gamma)$: the dimension enters by $\tfrac12 \ln d$ only. This
# is why gradient descent with an occasional kick reaches points without negative curvature efficiently (Ge et al.
# 2015; Jin et al. 2017), and why random starts converge to strict saddles with probability zero (Lee et al. 2016).
# Efficiently needs the kick: without it, a chain of saddles can hold gradient descent for a time exponential in their
# number (Du et al. 2017).
#
# **Non-strict.** The chain $L = \tfrac12\,(1 - w_1 w_2 \cdots w_N)^2$ with all weights equal to ε follows
# $\dot w = w^{N-1}(1 - w^N)$. For $N = 2$ that is a strict saddle. For $N \ge 3$ every second derivative at 0
# contains a factor $w$: the Hessian is the zero matrix, no eigenvector points anywhere, and the time is
#
# $$\int_\varepsilon \frac{dw}{w^{N-1}} \approx \frac{\varepsilon^{-(N-2)}}{N-2} ,$$
#
# a power of $1/\varepsilon$ in place of its logarithm. Deep means $N \ge 3$ *weight matrices* here.
#
# **Experiment.** One strict saddle from four distances; one random kick of length 0.01 in 10 to 10,000 dimensions, 50
# kicks each; chains of two, three and four weights from four distances.


# %% claims=["S0-12", "S0-18", "S4-05"]
def steps_off(w, lr, curvatures, far=1.0):
    """Steps until |w_1| reaches `far`, for each row of w (K, d)."""
    steps = np.zeros(len(w))
    while np.any(on := np.abs(w[:, 0]) < far):
        w, steps = w - lr * curvatures * w, steps + on
    return steps


η = 0.1
epsilons = np.array([1e-2, 1e-4, 1e-8, 1e-12])
from_eps = steps_off(np.stack([epsilons, np.ones(4)], axis=1), η, np.array([-1.0, 1.0]))
expected_eps = np.log(1 / epsilons) / np.log(1 + η)

dimensions, kick = np.array([10, 100, 1000, 10_000]), 0.01
rng, medians = np.random.default_rng(0), []
for d in dimensions:
    noise = rng.normal(size=(50, d))
    noise *= kick / np.linalg.norm(noise, axis=1, keepdims=True)
    medians.append(np.median(steps_off(noise, η, np.append(-1.0, np.ones(d - 1)))))
expected_d = np.log(np.sqrt(dimensions) / (0.674 * kick)) / np.log(1 + η)


# %% claims=["S4-07", "S0-18"]
class Chain:
    """L = (1 - w_1 w_2 ... w_N)^2 / 2."""

    def value(self, w):
        return (1 - w.prod(-1)) ** 2 / 2

    def grad(self, w):
        others = np.where(np.eye(w.shape[-1]) == 1, 1.0, w[..., None, :]).prod(-1)
        return -(1 - w.prod(-1))[..., None] * others


starts, time = 0.2 * 0.5 ** np.arange(5), {}  # 0.2 to 0.0125; time = steps times η
for N, total in ((2, 8), (3, 100), (4, 3400)):
    trace = run(gradient_descent, Chain(), np.outer(starts, np.ones(N)), 10 * total, lr=0.1)
    time[N] = 0.1 * np.argmax(trace.losses <= 1 / 8, axis=0)  # the product has reached one half
exponents = [np.polyfit(np.log(starts), np.log(time[N]), 1)[0] for N in (3, 4)]
hessians = {N: curvature.hessian(Objective(Chain().value), np.zeros(N)) for N in (2, 3, 4)}

# a real linear network with three inputs, hidden layers of three units and two outputs, all weights zero
x = np.random.default_rng(1).normal(size=(50, 3))
spectra = {}
for N in (1, 2, 3):
    linear = MLP((3,) * N + (2,), "linear")
    L = networks.training_loss(linear, x, x @ np.random.default_rng(2).normal(size=(3, 2)))
    weights = linear.layers(torch.arange(linear.size))  # which entries are weights, and not biases
    keep = np.concatenate([W.flatten().numpy() for W, _ in weights])
    spectra[N] = np.linalg.eigvalsh(curvature.hessian(L, np.zeros(linear.size))[np.ix_(keep, keep)])
count = {N: [(s < -1e-9).sum(), (np.abs(s) <= 1e-9).sum(), (s > 1e-9).sum()] for N, s in spectra.items()}

# %%
eps_line, d_line = np.geomspace(1e-12, 1e-1, 30), np.geomspace(5, 20_000, 30)
plots.show(
    plots.lines(
        Curve(epsilons, from_eps, colour=0),
        Curve(eps_line, np.log(1 / eps_line) / np.log(1.1), theory=True, colour=0),
        xlabel="distance ε",
        ylabel="steps to leave",
        title="strict saddle",
        logx=True,
    ),
    plots.lines(
        Curve(dimensions, medians, colour=1),
        Curve(d_line, np.log(np.sqrt(d_line) / (0.674 * kick)) / np.log(1.1), theory=True, colour=1),
        xlabel="dimension d",
        ylabel="steps to leave",
        title="a kick of length 0.01",
        logx=True,
    ),
    plots.lines(
        *(Curve(range(5), t, f"N = {N}", colour=N - 2) for N, t in time.items()),
        *(Curve(range(5), starts ** -(N - 2.0) / (N - 2), theory=True, colour=N - 2) for N in (3, 4)),
        Curve(range(5), np.log(1 / starts), theory=True, colour=0),
        xlabel="halvings k, ε = 0.2 / 2ᵏ",
        ylabel="time to leave (steps × η)",
        title="chains",
        logy=True,
    ),
    alt="Left and middle: measured steps lie on straight lines over a logarithmic axis, up to 290 steps at a distance of "
    "10⁻¹² and from 66 to 103 steps between 10 and 10,000 dimensions. Right: for every halving of the distance the time grows by "
    "a little for two weights, doubles for three and grows fourfold for four.",
    height=2.6,
)


# %% [markdown]
# And a plateau, for comparison: $L = \tfrac12(1 - \sigma(w))^2$ with the logistic σ, at $w = -8$ and beyond. Nothing is
# critical there at all.

# %% claims=["S0-17", "S0-18"]
plateau = Objective(lambda w: ((1 - torch.sigmoid(w)) ** 2).sum() / 2)
places = {
    "plateau, w = −8": (plateau, np.full(1, -8.0)),
    "strict saddle, 0.001 beside it": (Objective(pair.value), np.full(2, 1e-3)),
    "non-strict saddle, N = 4, 0.001 beside it": (Objective(Chain().value), np.full(4, 1e-3)),
}
seen = {
    name: (np.linalg.norm(L.grad(w)), *np.linalg.eigvalsh(curvature.hessian(L, w))[[0, -1]])
    for name, (L, w) in places.items()
}
for name, (length, low, high) in seen.items():
    print(f"{name:42}  gradient {length:.1e}   curvatures from {low:+.1e} to {high:+.1e}")
plateau_time = []
for w0 in (-6.0, -8.0):
    trace = run(gradient_descent, plateau, [w0], 4000, lr=2.0)
    plateau_time.append(2.0 * np.argmax(trace.losses <= 0.25))

# %% [markdown]
# **Evidence.** Times for the chains and the plateau are steps × η, the time of the gradient flow.

# %% claims=["S0-12", "S0-17", "S0-18", "S4-05", "S4-07"]
table(
    claim("S0-18", "steps less ln(1/ε)/ln(1+ηγ), four ε", from_eps - expected_eps, at_least=0, at_most=1),
    claim("S4-05", "median steps after a kick, d = 10 to 10,000", medians, predicted=expected_d, within=0.05),
    claim("S4-05", "d = 10,000 over d = 100, in steps", medians[3] - medians[1], at_least=15, at_most=35),
    claim("S0-12", "loss from the exact saddle, no kick, 60 steps", stays.losses[-1], at_least=1),
    claim(
        "S0-18",
        "N = 2: time added per halving of ε",
        np.diff(time[2]),
        predicted=np.log(2),
        within=0.2,
    ),
    claim("S4-07", "N = 3, 4: exponent of the time in ε", exponents, predicted=[-1, -2], within=0.08),
    claim("S4-07", "N = 4: time from ε = 0.0125", time[4][-1], predicted=3200, within=0.01),
    claim("S4-07", "largest entry of H at 0, N = 3, 4", [abs(hessians[N]).max() for N in (3, 4)], at_most=0),
    claim(
        "S4-07", "linear nets at 0: H's negative eigenvalues, N = 1, 3", [count[1][0], count[3][0]], at_most=0
    ),
    claim("S4-07", "the same for N = 2, of 15", count[2][0], predicted=6, within=0),
    claim("S4-07", "zero eigenvalues for N = 3, of 24", count[3][1], predicted=24, within=0),
    claim(
        "S0-17",
        "plateau: length of the gradient, w = −10 to −6",
        [abs(plateau.grad(np.full(1, w0))[0]) for w0 in np.linspace(-10, -6, 9)],
        at_least=1e-5,
        at_most=0.01,
    ),
    claim(
        "S0-17",
        "plateau: time from −8 over time from −6",
        plateau_time[1] / plateau_time[0],
        predicted=np.e**2,
        within=0.05,
    ),
)

# %% [markdown] claims=["S0-12", "S0-17", "S0-18", "S4-05", "S4-07"]
# (a) Some hundred steps: from $10^{-2}$ to $10^{-8}$ it takes 145 more. (b) 27 more steps, 24 by the formula, for a
# hundred times the dimension. (c) The zero matrix: all 24 eigenvalues of the three-layer linear network vanish. No
# eigenvalue calls it a saddle, and there is a way down all the same: along $w_1 = w_2 = w_3 = \varepsilon$ the loss
# falls, in third order.
#
# All three places in the printout have gradients below 0.003, and all three mimic a minimum, as S0 quotes from
# Bishop. The second derivatives differ: the strict saddle shows a curvature of −2 and so the way down, the other two
# show next to nothing. On the plateau there is no critical point at all. Its gradient is small in a whole *region*,
# and two more units of that region make it $e^2$ times slower to cross. A **plateau is not a saddle**: one is a
# region with a small gradient, the other a point with zero gradient and curvature of both signs. Minima and maxima
# have zero slope, too.
#
# Noise is the cure for saddles, because any kick with a part along the way down will do. It is no way to *choose a
# valley*: section 5 measures how large a kick must be to leave a minimum.
#
# **Caveat.** The law needs γ not to be tiny. With $\gamma = 10^{-4}$ and $\eta = 0.1$ each power of ten costs 230,000
# steps. Strict in theory can be a plateau in practice.

# %% [markdown] claims=["S0-18"]
# ## 4. Why must units start different?
#
# **Question.** Eight hidden units start with the same weights. Each gets the same gradient, so they stay the same:
# the network learns as if it had one unit. It comes to rest above what eight units can do. Is it at a minimum?
#
# The task is XOR: four points $(\pm1, \pm1)$, and the network is to say whether the signs differ. The loss is
# cross-entropy plus a little weight decay, $\tfrac{0.003}{2}\|w\|^2$, so that the place of rest is at finite weights.

# %% claims=["S0-18"]
corners = torch.tensor([[1.0, 1], [-1, -1], [1, -1], [-1, 1]], dtype=torch.float64)
differ = torch.tensor([0.0, 0, 1, 1], dtype=torch.float64)


def xor_loss(network, decay=0.0):
    def loss(theta):
        logits = network.forward(theta, corners)[:, 0]
        return binary_cross_entropy_with_logits(logits, differ) + decay / 2 * (theta @ theta)

    return loss


eight = MLP((2, 8, 1))  # 33 parameters: 8 units with 2 + 1 + 1 weights each, and the last bias
xor = Objective(xor_loss(eight, decay=0.003))
equal = np.concatenate([np.tile([0.5, -0.3], 8), np.zeros(8), np.full(8, 0.5), np.zeros(1)])
rest = run(gradient_descent, xor, equal, 3000, lr=0.5).path[-1]
eigenvalues, vectors = np.linalg.eigh(curvature.hessian(xor, rest))

# %% [markdown] claims=["S0-18"]
# **Predict.** (a) At rest, how many of the 33 eigenvalues are negative: 0, 1 or 7? (b) You add noise of size
# $10^{-8}$ to the weights. Does the network get free?
#
# **Theory.** Exchanging two units changes nothing, so $H$ at a point with equal units has the same symmetry. A change
# of the weights splits into what all units do together and how they differ from their mean. Eight numbers that add up
# to zero span 7 dimensions, and the symmetry makes them all alike: every eigenvalue of a *difference between units*
# occurs 7 times. If one of them is negative, the point is a strict saddle with 7 ways down, of which gradient descent
# from equal units sees none, because its gradient never leaves the space where the units are equal. With noise ε it
# takes $\ln(1/\varepsilon)/\ln(1 + \eta|\lambda|)$ steps to leave, plus a constant: section 3 on a network.
#
# **Experiment.** The gradient and the spectrum at rest; then noise from $10^{-2}$ to $10^{-8}$, and the step at which
# the loss has fallen by 0.05.

# %% claims=["S0-18"]
noises, noise = (1e-2, 1e-4, 1e-6, 1e-8), np.random.default_rng(1).normal(size=33)
freed = {eps: run(gradient_descent, xor, rest + eps * noise, 3000, every=5, lr=0.5) for eps in noises}
left = [trace.steps_to(xor.value(rest) - 0.05) for trace in freed.values()]
kept = run(gradient_descent, xor, rest, 1000, every=5, lr=0.5)

# %%
plots.show(
    plots.lines(
        Curve(np.arange(1, 34), eigenvalues, colour=0),
        Curve([1, 33], [0, 0], theory=True, colour=3),
        xlabel="rank of the eigenvalue",
        ylabel="eigenvalue of H",
        ylim=(-0.03, 0.1),
        title="33 eigenvalues, cut at 0.1",
    ),
    plots.lines(
        *(Curve(t.steps, t.losses, f"noise 10⁻{k}") for t, k in zip(freed.values(), "2468", strict=True)),
        xlabel="step after the noise",
        ylabel="loss",
    ),
    alt="Left: seven equal eigenvalues below zero, then steps of groups that rise above it. Right: four loss curves "
    "stay at 0.59 and then fall to 0.12, one after another, 600 steps apart.",
)

# %% [markdown]
# **Evidence.**

# %% claims=["S0-18", "S2-06"]
per_decade = np.log(10) / np.log(1 + 0.5 * abs(eigenvalues[0]))
pushed = [xor.value(rest + sign * 0.1 * vectors[:, 0]) - xor.value(rest) for sign in (1, -1)]
together = np.zeros(
    (33, 5)
)  # what all units do together: two input weights, bias, output weight; and the last bias
for k, entries in enumerate((slice(0, 16, 2), slice(1, 16, 2), slice(16, 24), slice(24, 32))):
    together[entries, k] = 1 / np.sqrt(8)
together[32, 4] = 1
as_one = np.linalg.eigvalsh(together.T @ curvature.hessian(xor, rest) @ together)
table(
    claim("P64", "length of the gradient at rest", np.linalg.norm(xor.grad(rest)), at_most=1e-6),
    claim("P64", "negative eigenvalues at rest, of 33", (eigenvalues < -1e-6).sum(), predicted=7, within=0),
    claim("P64", "the seventh over the first", eigenvalues[6] / eigenvalues[0], predicted=1, within=1e-6),
    claim("S2-06", "lowest curvature while the units stay equal", as_one[0], at_least=1e-3),
    claim("P64", "loss at rest and 1,000 steps later", kept.losses[[0, -1]], predicted=0.587, within=0.01),
    claim("P64", "change of the loss, 0.1 along ± the first", pushed, at_most=-1e-5),
    claim(
        "S0-18",
        "steps per power of ten of the noise",
        np.diff(left) / 2,
        predicted=per_decade,
        within=0.02,
    ),
    claim("S0-18", "loss at the end, four noises", [t.losses[-1] for t in freed.values()], at_most=0.13),
)

# %% [markdown] claims=["S0-18", "S2-06"]
# A true saddle: the gradient is below $10^{-6}$, and there are exactly 7 ways down. As long as the units stay equal,
# in five dimensions out of 33, the same place is a minimum. **What is a minimum in few dimensions may be a saddle in
# more.**
#
# Noise of $10^{-8}$ frees it, 304 steps later per power of ten, as predicted from one eigenvalue. This is what random
# initial weights are for, and why their *size* matters little here. It is not why their size matters at all: unit 03
# (gradients on their way down) is about that.
#
# **Caveat.** With a weight decay of 0.01 in place of 0.003 the eight equal units shrink to zero, and zero is then a
# minimum: whether equal units are a saddle depends on the loss, too. And exact equality of eight sums of rounded
# numbers is luck: had rounding separated the units by $10^{-16}$, they would be free after some 5,000 steps.

# %% [markdown] claims=["S2-07"]
# ## 5. Where does training end?
#
# **Question.** Lee's lecture shows a scatter plot: each point is a network at the end of training, one axis is its
# loss, the other its **minimum ratio**, the fraction of the Hessian's eigenvalues that are positive. The ratio never
# passes 0.6. So, the notes conclude, training ends at saddles. Dauphin et al. (2014) found that the lower the loss,
# the fewer negative eigenvalues.
#
# **Predict.** On a 70-weight network for handwritten digits: (a) Does the ratio rise or fall as the loss falls? (b)
# Where does it end: near 0.6, or near 1? (c) How many of the places where you look have a gradient of zero, to six
# digits?
#
# **Theory.** The ratio is defined at critical points, and gradient descent only comes near them. So from each place
# of a run you go on, no longer minimising the loss but the *length of its gradient*, $\tfrac12\|g\|^2$, which leads
# to saddles as well. Its own gradient is $Hg$, so this search ends where
#
# $$H g = 0 :$$
#
# either $g = 0$, a critical point, or $g$ lies in the flat directions of $H$. Frye et al. (2021) call the second case
# **gradient-flat**: the loss falls on, very slowly, along a direction without curvature. And the ratio of $n$
# eigenvalues, of which many are almost zero, needs a tolerance: count $\lambda_i > \tau \max_j|\lambda_j|$, and say
# which τ.
#
# **Experiment.** Four stages of training (0, 30, 230 and 2,230 steps), three seeds; from each of the twelve places at
# most 30 damped Newton steps on $\tfrac12\|g\|^2$. Then the same network with cross-entropy and weight decay 0.001,
# last stage only.


# %% claims=["S2-07"]
def towards_critical(objective, w, steps=30):
    """Levenberg-Marquardt on half the squared length of the gradient."""
    damping, g = 1e-2, objective.grad(w)
    for _ in range(steps):
        H = curvature.hessian(objective, w)
        while damping < 1e8:
            trial = w - np.linalg.solve(H @ H + damping * np.eye(w.size), H @ g)
            if np.linalg.norm(objective.grad(trial)) < np.linalg.norm(g):
                w, g, damping = trial, objective.grad(trial), max(damping / 3, 1e-14)
                break
            damping *= 4
    return w


entropy = networks.training_loss(net, digits.inputs, digits.labels, cross_entropy)
decayed = Objective(lambda theta: entropy.loss(theta) + 5e-4 * (theta @ theta))
seeds = range(1 if FAST else 3)


def spectrum_at(objective, w):  # loss, length of the gradient, of Hg over λ_max, and the spectrum over λ_max
    H, g = curvature.hessian(objective, w), objective.grad(w)
    spectrum = np.linalg.eigvalsh(H)
    top = np.abs(spectrum).max()
    return objective.value(w), np.linalg.norm(g), np.linalg.norm(H @ g) / top, spectrum / top


descent, ends, last = [], [], []
for seed in seeds:
    w = net.initial(seed)
    for steps in (0, 30, 200, 2000):
        w = run(gradient_descent, squared, w, steps, lr=0.25).path[-1]
        descent.append(spectrum_at(squared, w))
        ends.append(spectrum_at(squared, towards_critical(squared, w)))
    w = run(gradient_descent, decayed, net.initial(seed), 2230, lr=0.5).path[-1]
    last.append(spectrum_at(decayed, towards_critical(decayed, w)))

# %% claims=["S2-07"]
τ, tolerances = 1e-6, np.geomspace(1e-10, 0.3, 40)


def ratio(place, tolerance=τ):
    return np.mean(place[3] > tolerance)


values, lengths, curved, _ = zip(*ends, strict=True)
ratios = np.array([ratio(place) for place in ends])


def stage(k):  # one place for each seed
    return ends[k::4]


def scatter(ax):
    for k, name in enumerate(("0", "30", "230", "2,230")):
        points = [(place[0], ratio(place)) for place in stage(k)]
        ax.plot(*zip(*points, strict=True), plots.MARKERS[k], color=plots.COLOURS[k], label=f"{name} steps")
    points = [(place[0], ratio(place)) for place in last]
    ax.plot(*zip(*points, strict=True), "P", color=plots.COLOURS[4], label="2,230, cross-entropy")
    ax.axhline(0.6, color="0.5", linewidth=1, linestyle=":")
    ax.set(xlabel="loss", ylabel="minimum ratio (τ = 10⁻⁶)", xscale="log", ylim=(0.5, 1.02))
    ax.legend(loc="lower left", fontsize=8)


plots.show(
    scatter,
    plots.lines(
        *(
            Curve(tolerances, [ratio(stage(k)[0], t) for t in tolerances], f"{n} steps")
            for k, n in enumerate(("0", "30", "230", "2,230"))
        ),
        xlabel="tolerance τ",
        ylabel="minimum ratio",
        logx=True,
        title="seed 0",
    ),
    alt="Left: the minimum ratio rises from about 0.7 to above 0.9 as the loss falls, always above a dotted line at 0.6. Right: "
    "the same ratios fall with the tolerance, slowly up to 10⁻⁴ and then steeply to below 0.3.",
)

# %% [markdown]
# **Evidence.**

# %% claims=["S2-07"]
coarse = [ratio(place, 1e-2) for place in stage(3)]
table(
    claim(
        "S2-07",
        "rank correlation of loss and ratio",
        spearmanr(values, ratios).statistic,
        at_most=-0.8,
    ),
    claim(
        "S2-07",
        "places with a negative eigenvalue, of all",
        np.mean([p[3][0] < -τ for p in ends]),
        at_least=1,
    ),
    claim("S2-07", "ratio in the last stage, τ = 10⁻⁶", [ratio(p) for p in stage(3)], at_least=0.85),
    claim("S2-07", "with cross-entropy and decay", [ratio(p) for p in last], at_least=0.94, at_most=0.999),
    claim("S2-07", "the last stage again, with τ = 10⁻²", coarse, at_most=0.65),
    claim("S2-07", "gradient at the end of the search, 12 places", lengths, at_least=1e-4, at_most=1e-2),
    claim(
        "S2-07",
        "part of it that curvature sees, |Hg| / (λ_max |g|), median",
        np.median(np.divide(curved, lengths)),
        at_most=0.15,
    ),
)

# %% [markdown] claims=["S2-07"]
# **What reproduces.** The correlation: the lower the loss, the larger the ratio (rank correlation about −0.9 over
# three seeds). And no place is a minimum: each has at least one negative eigenvalue.
#
# **What does not.** *The ceiling.* On this network the ratio climbs from 0.67 to 0.74 in the first stage to 0.91 to
# 0.94 in the last, and with cross-entropy and weight decay to 0.97 and more. "At most 0.5 to 0.6" is a fact about the
# networks on that slide, or about its tolerance.
#
# *The tolerance is part of the definition.* The same twelve matrices with τ = $10^{-2}$ give 0.47 to 0.56 in the last
# stage. A plot of minimum ratios without its tolerance cannot be compared with anything.
#
# *They are not saddles.* Not one of the twelve searches reached $g = 0$. They ended with gradients between $10^{-4}$
# and $10^{-2}$ that the curvature hardly sees: **flat rather than critical**. (Three hundred more steps, which this
# cell has no time for, brought four of them to between $3\cdot10^{-5}$ and $2\cdot10^{-4}$, no further.) So "training
# ends at saddles" is not what these plots show. A point with a gradient is neither a saddle nor a minimum.

# %% [markdown] claims=["S0-11", "S0-13", "S0-14", "S0-15", "S0-16", "S0-12"]
# ### And real local minima?
#
# A network of *two* tanh units can solve XOR, and often does not. Unit 01 counts how often. Here you look at what the
# trapped runs have found. 120 random starts, with and without weight decay; a batch of networks is one surface.


# %% claims=["S0-11", "S0-15"]
class Batch:
    """One loss, many networks at once: points (K, n)."""

    def __init__(self, loss):
        self.losses = vmap(loss)

    def value(self, w):
        return self.losses(torch.from_numpy(w)).numpy()

    def grad(self, w):
        theta = torch.tensor(w, requires_grad=True)
        return torch.autograd.grad(self.losses(theta).sum(), theta)[0].numpy()


two = MLP((2, 2, 1))  # 9 parameters
bare, held = Batch(xor_loss(two)), Batch(xor_loss(two, decay=0.003))
starts = np.stack([two.initial(seed) for seed in range(120)])
free = run(gradient_descent, bare, starts, 4000, every=10, lr=1.0)
trapped = np.abs(free.losses[-1] - np.log(2) / 2) < 0.01
solved = free.losses[-1] < 0.01
marks = np.array([10, 20, 50, 100, 200, 400])  # steps 100 to 4,000
length = np.median([np.linalg.norm(bare.grad(free.path[k])[trapped], axis=1) for k in marks], axis=1)
size = np.median(np.linalg.norm(free.path[marks][:, trapped], axis=-1), axis=1)

settled = run(gradient_descent, held, starts, 4000, every=100, lr=1.0).path[-1]
depth = held.value(settled).round(4)
levels, members = np.unique(depth, return_counts=True)
lows = [np.linalg.eigvalsh(curvature.hessian(Objective(xor_loss(two, 0.003)), w))[0] for w in settled]
for level, count_ in zip(levels, members, strict=True):
    print(f"loss {level:.4f}: {count_:3d} of 120 starts")

# %% [markdown]
# **Predict.** (a) The trapped runs *without* decay stand at $\tfrac12\ln2 = 0.3466$: two corners right for certain,
# two undecided. Is this a local minimum? (b) How long must a random kick be to free a network from a true local
# minimum: 0.01, 0.5 or 5?

# %% claims=["S0-12", "S0-16"]
upper = settled[np.abs(depth - levels[1]) < 1e-3]  # the trapped ones, with decay
radii, escaped = (0.01, 0.1, 1.0, 2.0, 5.0, 10.0, 15.0), []
for radius in radii:
    push = np.random.default_rng(4).normal(size=upper.shape)
    push *= radius / np.linalg.norm(push, axis=1, keepdims=True)
    after = run(gradient_descent, held, upper + push, 1000, every=1000, lr=1.0).losses[-1]
    escaped.append(np.mean(after < levels[0] + 0.01))
success = solved.mean()
triples = solved.reshape(40, 3).any(axis=1).mean()  # three restarts, the best of them
median = np.median(free.losses[:, solved], axis=1)
reach = [free.steps[np.argmax(median <= level)] for level in (0.1, 0.01)]
long = np.linalg.norm(upper, axis=1)

# %%
plots.show(
    plots.lines(
        Curve(10 * marks, length, "gradient", colour=0),
        Curve(10 * marks, 0.7 * length[-1] * 400 / marks, "1/t", theory=True, colour=3),
        Curve(10 * marks, size, "weights", colour=1),
        xlabel="step",
        ylabel="length",
        title="trapped, without decay",
        logx=True,
        logy=True,
    ),
    plots.lines(
        Curve(radii, escaped, colour=2),
        xlabel="length of the kick",
        ylabel="share that escapes",
        logx=True,
        title="from a local minimum",
    ),
    alt="Left: on logarithmic axes the gradient of the trapped networks falls with slope minus one while their weights grow "
    "slowly. Right: kicks up to length 2 free no network from the local minimum, those of 5 a third, those of 15 two thirds.",
)

# %% claims=["S0-11", "S0-12", "S0-13", "S0-14", "S0-15", "S0-16"]
quiet = np.linalg.norm(held.grad(settled), axis=1)
alike = np.unique(settled[depth == levels[0]].round(3), axis=0)
table(
    claim("S0-15", "share trapped at ln 2 / 2, no decay", trapped.mean(), at_least=0.2, at_most=0.5),
    claim(
        "S0-15",
        "trapped: gradient, step 1,000 over 4,000",
        length[3] / length[5],
        predicted=4,
        within=0.15,
    ),
    claim(
        "S0-15",
        "trapped: weights grow, last 2,000 steps",
        size[5] - size[4],
        at_least=0.3,
    ),
    claim("S0-11", "with decay: length of the gradient", quiet, at_most=1e-6),
    claim("S0-11", "with decay: lowest eigenvalue, 120 ends", lows, at_least=0.001),
    claim("S0-15", "with decay: different depths", len(levels), at_least=2),
    claim("S0-13", "different weights at the best depth", len(alike), at_least=4),
    claim("S0-13", "gap from the best depth to the next", levels[1] - levels[0], at_least=0.2),
    claim("S0-16", "best of 3 starts, 40 times", triples, predicted=1 - (1 - success) ** 3, within=0.1),
    claim("S0-14", "steps to loss 0.01 over steps to 0.1", reach[1] / reach[0], at_least=4),
    claim("S0-12", "share freed by kicks of 0.01 to 2", escaped[:4], at_most=0),
    claim("S0-12", "share freed by kicks of 10 and 15", escaped[5:], at_least=0.2),
    claim("S0-12", "length of the weights at the local minimum", long, predicted=5.3, within=0.02),
)

# %% [markdown] claims=["S0-11", "S0-12", "S0-13", "S0-14", "S0-15", "S0-16"]
# (a) No. Without decay the gradient of a trapped run falls as $1/t$ and its weights keep growing: the floor of that
# valley is at *infinity*, and no point of the path is critical. It is a trap all the same. A little weight decay
# brings the floor to finite weights, and now it is a **local minimum** by every test: gradient zero, nine positive
# eigenvalues, and a loss 0.29 above the best.
#
# So nonlinear networks do have local minima of different depth, and the best depth is reached at several different
# sets of weights. That the difference between local and global minima is small, as conjectured for large networks
# (Choromanska et al. 2015), is not true of two units.
#
# (b) Kicks of 2 never get out, kicks of 5 do so in a third of the cases. The weights themselves have length 5.3, so
# such a kick is as good as a new start, and new starts are simpler: the best of three fails with probability
# $(1-p)^3$. Compare section 3, where $10^{-12}$ was enough. **Noise frees you from saddles, hardly from minima.**
# Starting with much noise "to sample the landscape" is restarting by another name.
#
# Good enough is easier than best: from loss 0.1 to 0.01 takes several times as long as getting to 0.1, and loss 0
# takes for ever.

# %% [markdown]
# ## Touch it
#
# A surface $L = \tfrac12(a\,w_1^2 + b\,w_2^2) + c\,w_1 w_2 + \tfrac14(w_1^4 + w_2^4)$. Its Hessian at the origin is
# $\begin{pmatrix}a&c\\c&b\end{pmatrix}$; $a = 1$ here, and $b$ and $c$ are yours. Name the point before you read the
# eigenvalues. Find a saddle with a positive diagonal; the $c$ at which the minimum is lost; a degenerate point that
# is a minimum all the same.


# %%
class Bowl:
    def __init__(self, b, c):
        self.b, self.c = b, c

    def value(self, w):
        x, y = w[..., 0], w[..., 1]
        return (x**2 + self.b * y**2) / 2 + self.c * x * y + (x**4 + y**4) / 4

    def grad(self, w):
        x, y = w[..., 0], w[..., 1]
        return np.stack([x + self.c * y + x**3, self.b * y + self.c * x + y**3], axis=-1)


def landscape(b, c):
    surface = Bowl(b, c)
    path = run(gradient_descent, surface, [1.2, 0.9], 60, lr=0.1)
    low, high = np.linalg.eigvalsh([[1.0, c], [c, b]]) + 0.0
    title = f"b = {b:g}, c = {c:g}\neigenvalues {low:.2f}, {high:.2f}"
    limits = {"xlim": (-1.8, 1.8), "ylim": (-1.8, 1.8)}
    return plots.descents(surface, path, title=title, **limits)


stills = [(1.0, 0.9), (1.0, 1.0), (1.0, 2.0)]
interact.explore(
    landscape,
    stills=[{"b": b, "c": c} for b, c in stills],
    alt="Contours and a path for three settings: a narrow diagonal valley with one minimum, the same valley with a flat floor, "
    "and a saddle with two minima on the falling diagonal, to one of which the path turns.",
    b=interact.Slider("curvature b along w₂", -2.0, 2.0, 0.1, 1.0),
    c=interact.Slider("off-diagonal entry c", -2.0, 2.0, 0.1, 2.0),
)

# %% [markdown] claims=["S0-12", "S0-17", "S2-01", "S2-02", "S2-05", "S2-07", "S4-07"]
# ## What the sources say, and what is exact
#
# | who | says | exact |
# |---|---|---|
# | S0 | flat regions are saddle points, places of zero slope between peaks | a **plateau** is a region with a small gradient, a **saddle** a point with zero gradient and curvature of both signs; minima and maxima have zero slope too (section 3) |
# | S0 | start with much noise to find the right valley | noise of any size leaves strict saddles; leaving a minimum took kicks as long as a new start (sections 3, 5) |
# | S0 | local minima may be hardly worse than the global one | a conjecture for large networks; with two units on XOR the gap is 0.29 with weight decay, and $\tfrac12\ln2$ in the limit without (section 5) |
# | S2 | $v^\top H v > 0$ always, so $L' > L$ always: a local minimum | for **all** $v \ne 0$, and only in a **neighbourhood**; with zero eigenvalues the test decides nothing: $x^4$, $-x^4$, $x^3$ (section 1) |
# | S2 | critical points are minima or saddles | or maxima, or degenerate (section 1) |
# | S2 | the eigenvector of a negative eigenvalue goes down | with the sign for which $g^\top v \le 0$; Gauss-Newton has no such eigenvector anywhere (section 2) |
# | S2 | too expensive in practice | the Hessian is; the way down costs some 50 gradients (section 2) |
# | S2 | at trained networks not all eigenvalues are positive, so we are at saddles | the gradient there is not zero and many eigenvalues are almost zero: gradient-flat. The ratio rises as the loss falls, to 0.9 and more here, and hangs on the tolerance (section 5) |
# | S4 | deep networks, of three or more layers, have non-strict saddles | three or more **weight matrices**; Kawaguchi (2016) counts the input as a layer and says "more than three layers" (section 3) |

# %% [markdown]
# ## Summary
#
# 1. At a critical point the signs of the Hessian's eigenvalues decide: minimum, maximum, saddle; with zeros among them second order decides nothing.
# 2. At a saddle the eigenvector of the most negative eigenvalue goes down; some twenty Hessian-vector products find it, and Gauss-Newton cannot see it.
# 3. A strict saddle holds you for $\ln(1/\varepsilon)$ and $\tfrac12\ln d$ steps; three or more layers at zero weights hold you for a power of $1/\varepsilon$, because their Hessian is zero.
# 4. Equal units are a strict saddle, and any noise frees them.
# 5. Training rarely ends at a critical point: it ends where the gradient lies in flat directions, and how many eigenvalues are then "positive" depends on your tolerance.

# %% [markdown]
# ## Quick questions
#
# **1.** A Hessian has the eigenvalues 5, 2 and 0 at a critical point. What is the point?
# <details><summary>Answer</summary>
#
# Undecided. It may be a minimum (as everywhere along $w_1w_2 = 1$), or the loss may fall along the third direction in
# third or fourth order.
#
# </details>
#
# **2.** The Hessian is $\begin{pmatrix}3&-4\\-4&3\end{pmatrix}$ and $g = (0.1, -0.3)$. Along which unit vector do you
# leave?
# <details><summary>Answer</summary>
#
# Eigenvalues 7 along $(1,-1)$ and −1 along $(1,1)$. $g \cdot (1,1) = -0.2 < 0$, so $v = (1,1)/\sqrt2$.
#
# </details>
#
# **3.** Near a saddle with γ = 0.5, at η = 0.2, you halve the noise. How many more steps does it hold you?
# <details><summary>Answer</summary>
#
# $\ln 2/\ln 1.1 = 7.3$.
#
# </details>
#
# **4.** A report says: "At the end of training 88 % of the eigenvalues are positive." Which two numbers are missing?
# <details><summary>Answer</summary>
#
# The tolerance that separates positive from zero, and the length of the gradient.
#
# </details>
#
# **5.** All weights and biases of a tanh network with one hidden layer are zero. Why does the first layer never learn?
# <details><summary>Answer</summary>
#
# Its gradient contains the second layer's weights, which are zero, and the second layer's gradient contains the
# hidden outputs, which are zero. Only the last bias moves. With one hidden layer (two weight matrices) the place is,
# as a rule, a strict saddle: a little noise frees it.
#
# </details>

# %% [markdown]
# ## Glossary
#
# | English | 中文 | here | section |
# |---|---|---|---|
# | critical point | 临界点 | gradient zero | 1 |
# | local minimum, global minimum | 局部极小值, 全局最小值 | lower than its surroundings; lowest of all | 1 |
# | local maximum | 局部极大值 | higher than its surroundings | 1 |
# | saddle point | 鞍点 | gradient zero, curvature of both signs | 1 |
# | strict saddle | 严格鞍点 | has a negative eigenvalue | 3 |
# | degenerate critical point | 退化临界点 | second order does not decide | 1 |
# | plateau | 平坦区域 | small gradient in a region | 3 |
# | Taylor expansion | 泰勒展开 | loss = value + slope + curvature + rest | 1 |
# | Hessian matrix | 海森矩阵 | $H_{ij} = \partial^2 L/\partial w_i\partial w_j$ | 1 |
# | eigenvalue, eigenvector | 特征值, 特征向量 | a curvature; the direction that has it | 1 |
# | positive definite, positive semidefinite | 正定, 半正定 | all $\lambda_i > 0$; all $\lambda_i \ge 0$ | 1 |
# | minimum ratio | 最小值比例 | share of eigenvalues above a tolerance | 5 |
# | Gauss-Newton matrix | 高斯-牛顿矩阵 | $J^\top J$, without negative eigenvalues | 2 |
# | perturbation | 扰动 | a small random kick | 3 |
# | random restart | 随机重启 | another start, the best is kept | 5 |

# %% [markdown]
# ## Further reading
#
# - B. Pearlmutter (1994), *Fast exact multiplication by the Hessian*.
# - Y. Dauphin, R. Pascanu, C. Gulcehre, K. Cho, S. Ganguli, Y. Bengio (2014), *Identifying and attacking the saddle point
#   problem in high-dimensional non-convex optimization*.
# - R. Ge, F. Huang, C. Jin, Y. Yuan (2015), *Escaping from saddle points: online stochastic gradient for tensor
#   decomposition*. Strict saddles.
# - J. Lee, M. Simchowitz, M. Jordan, B. Recht (2016), *Gradient descent converges to minimizers*.
# - K. Kawaguchi (2016), *Deep learning without poor local minima*. Non-strict saddles of deep linear networks.
# - C. Jin, R. Ge, P. Netrapalli, S. Kakade, M. Jordan (2017), *How to escape saddle points efficiently*. The method of the
#   assignment.
# - S. Du, C. Jin, J. Lee, M. Jordan, A. Singh, B. Poczos (2017), *Gradient descent can take exponential time to escape saddle
#   points*.
# - C. Frye, J. Simon, N. Wadia, A. Ligeralde, M. DeWeese, K. Bouchard (2021), *Critical point-finding methods reveal
#   gradient-flat regions of deep network losses*.

# %% [markdown]
# ## Your turn
#
# [Assignment 04](../assignments/04_critical_points/04_critical_points.ipynb): compute a Hessian from gradients, name
# the point, count its minimum ratio, find the way down, and write gradient descent that kicks. Then let your own
# functions free eight equal units.
