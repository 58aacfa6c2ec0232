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

# %% [markdown] claims=["S2-01"]
# # The gradient is zero. Is this a minimum?
#
# **Unit 04, critical points.** 55 minutes. You need gradient descent (unit 01) and the eigenvalues of a symmetric matrix.
#
# The loss has stopped falling and the gradient is almost zero. Below, three surfaces have a point with zero gradient in their middle, and
# gradient descent passes close to it: it starts 0.02 beside an axis. What happens next is different each time.

# %% tags=["hide-input"]
# @title Set-up
import itertools

import numpy as np
import torch
from scipy.sparse.linalg import LinearOperator, eigsh
from scipy.stats import spearmanr
from torch.func import jacrev
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy
from torch.utils.flop_counter import FlopCounterMode

from trainlab import curvature, data, interact, networks, plots, surfaces
from trainlab.descend import run
from trainlab.evidence import claim, table
from trainlab.networks import MLP, Objective
from trainlab.plots import Curve

torch.set_num_threads(1)  # the networks are tiny: more threads cost time


# %% claims=["S2-01"]
def gradient_descent(grad, w, lr):
    while True:
        w = w - lr * grad(w)
        yield w


# %% tags=["hide-input"] claims=["S2-01"]
# @title Three surfaces, three paths
kinds = {"minimum": (2.0, 1.0), "saddle": (2.0, -1.0), "maximum": (-2.0, -1.0)}
starts = ([1, 0.02], [1, 0.02], [0.02, 0.02])
plots.show(
    *(
        plots.descents(
            surfaces.Quadratic(eigenvalues),
            run(gradient_descent, surfaces.Quadratic(eigenvalues), start, 40, lr=0.1),
            title=f"{kind}\ncurvatures {eigenvalues[0]:g}, {eigenvalues[1]:g}".replace("-", "−"),
            xlim=(-1.2, 1.2),
            ylim=(-1.2, 1.2),
        )
        for (kind, eigenvalues), start in zip(kinds.items(), starts, strict=True)
    ),
    alt="Contours of three surfaces with a path on each: to the centre of the bowl; towards the saddle and then away from it "
    "at a right angle; from the top of the hill straight out of the picture.",
    height=2.6,
)

# %% [markdown] claims=["S2-01", "S2-02", "S2-03", "S2-06", "S0-11"]
# ## 1. What can a point with zero gradient be?
#
# **Question.** A point with zero gradient is a **critical point**. The gradient cannot tell the three apart, and a picture shows two weights, not
# a million. What does?
#
# **Theory.** Taylor to second order, for a step $v$ from the weights $w$:
#
# $$L(w + v) = L(w) + g^\top v + \tfrac12\, v^\top H v + R, \qquad |R| \le \tfrac{\rho}{6}\,\|v\|^3 .$$
#
# $g$ (n,) is the gradient; $H$ (n, n) is the **Hessian**, the symmetric matrix of second derivatives
# $H_{ij} = \partial^2 L / \partial w_i \partial w_j$; ρ bounds how fast it changes. Differentiating the gradient once more gives $H$; where rounding
# leaves it a little asymmetric, its symmetric half $\tfrac12(H + H^\top)$ is taken. At a critical point $g = 0$, and $v^\top H v$ decides.
# Write $v = \sum_i a_i u_i$ in the eigenvectors of $H$:
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
# A local minimum is lower than its surroundings; nothing here compares it with other valleys. And a zero decides nothing: $x^4$, $-x^4$ and $x^3$ all
# have second derivative 0 at $x = 0$, and are a minimum, a maximum and neither.
#
# **Predict.** $L = \tfrac12(w_1^2 + w_2^2) + 2 w_1 w_2$ has a critical point at the origin. Along the $w_1$ axis the loss is lowest there, and along the
# $w_2$ axis, too. What is the point?

# %% claims=["S2-03", "S2-06"]
H = np.array([[1.0, 2.0], [2.0, 1.0]])
v = np.random.default_rng(0).normal(size=(2000, 2))  # random directions
downwards = np.mean(np.einsum("ki,ij,kj->k", v, H, v) < 0)

print("eigenvalues", np.linalg.eigvalsh(H))
print(f"share of directions that go down: {downwards:.2f}")

# %% [markdown] claims=["S2-02", "S2-06"]
# A saddle: two valleys along the axes and a way down between them. Positive numbers on the diagonal of $H$ prove nothing, and neither does a list of
# directions that you tried. $v^\top H v > 0$ has to hold **for all** $v \ne 0$, and that is what the eigenvalues settle.

# %% tags=["hide-input"] claims=["S2-02", "S2-03", "S2-06"]
# @title Evidence
rng, slopes = np.random.default_rng(0), []
small, lengths = MLP((2, 3, 1)), np.geomspace(1e-3, 1e-1, 7)  # 13 parameters
for seed in range(3):
    surface = networks.training_loss(small, rng.normal(size=(20, 2)), rng.normal(size=(20, 1)))
    here = small.initial(seed)
    L, g, bend = surface.value(here), surface.grad(here), curvature.hessian(surface, here)
    directions = rng.normal(size=(20, small.size))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    steps = lengths[:, None, None] * directions  # (7, 20, 13)
    change = surface.value(here + steps) - L
    first, second = steps @ g, np.einsum("...i,ij,...j", steps, bend, steps) / 2
    errors = np.abs([change, change - first, change - first - second])  # to order 0, 1 and 2
    typical = np.median(errors, axis=-1)
    slopes.append(np.log(typical[:, -1] / typical[:, 0]) / np.log(100))
cubes = [lambda w: (w**4).sum(), lambda w: -(w**4).sum(), lambda w: (w**3).sum()]
flat = [curvature.hessian(Objective(f), np.zeros(1))[0, 0] for f in cubes]
x = np.linspace(-0.5, 0.5, 21)
lower = [(f < 0).sum() for f in (x**4, -(x**4), x**3)]  # places nearby with a lower loss, of 21
table(
    claim("S2-06", "second derivatives along the two axes", np.diag(H), at_least=1),
    claim("S2-03", "eigenvalues of the same Hessian", np.linalg.eigvalsh(H), predicted=[-1, 3], within=1e-9),
    claim("S2-06", "share of random directions that go down", downwards, predicted=1 / 3, within=0.1),
    claim(
        "S2-02",
        "Taylor on a network: exponent of the error in the step, orders 0, 1, 2",
        slopes,
        predicted=np.tile([1, 2, 3], (3, 1)),
        within=0.1,
    ),
    more=[
        claim("S2-02", "second derivatives of x⁴, −x⁴, x³ at 0, in size", np.abs(flat), at_most=0),
        claim("S2-02", "lower places near 0, x⁴", lower[0], at_most=0),
        claim("S2-02", "lower places near 0, −x⁴ and x³", lower[1:], at_least=10),
    ],
)

# %% [markdown]
# **Caveat.** The test speaks about a neighbourhood, whose size $3\lambda_{\min}/\rho$ may be tiny. And on a computer no eigenvalue is exactly zero, so
# every count of signs needs a **tolerance**: section 5 shows how much hangs on it.

# %% [markdown] claims=["S2-04", "S0-13"]
# ## 2. Which way is down?
#
# **Question.** The smallest deep network is $y = w_1 w_2\, x$: two layers, no activation, one weight each. To learn $y = x$ it minimises
# $L = (1 - w_1 w_2)^2$. At the origin the gradient is zero, and gradient descent stays there for ever. Who finds the way out?


# %% claims=["S2-04", "S0-13"]
class TwoLayers:
    def value(self, w):
        return (1 - w[..., 0] * w[..., 1]) ** 2

    def grad(self, w):
        return -2 * (1 - w[..., :1] * w[..., 1:]) * w[..., ::-1]


pair, origin = TwoLayers(), np.zeros(2)
H = curvature.hessian(Objective(pair.value), origin)
eigenvalues, vectors = np.linalg.eigh(H)
print(H, "eigenvalues", eigenvalues)

# %% [markdown] claims=["S2-04", "S2-05"]
# **Predict.** You step from the origin to $(0.001, 0.001)$. By how much does the loss change: $-2\cdot10^{-6}$, $-10^{-3}$ or not at all?

# %% claims=["S2-04"]
print(pair.value(np.array([0.001, 0.001])) - pair.value(origin))

# %% [markdown] claims=["S2-04", "S2-05"]
# **Theory.** A step of length $s$ along an eigenvector $v$ with eigenvalue $\lambda < 0$ changes the loss by
#
# $$\Delta L = s\, g^\top v + \tfrac12 \lambda s^2 + O(s^3) ,$$
#
# here $\tfrac12 \cdot (-2) \cdot 0.0014^2$. The second term is negative for either sign of $v$; the first is not, once $g$ is only *nearly* zero. So
# choose the sign with $g^\top v \le 0$, and both go down.
#
# **What Gauss-Newton cannot see.** For $L = \sum_k r_k^2$ with residuals $r$ and their Jacobian $J$,
#
# $$H = 2 J^\top J + 2 \sum_k r_k \nabla^2 r_k , \qquad v^\top (J^\top J)\, v = \|J v\|^2 \ge 0 .$$
#
# The usual stand-in for $H$ keeps the first term, the **Gauss-Newton matrix**, and drops the second. It has no negative eigenvalue *anywhere, whatever
# the network*. If you compute it (or the Fisher matrix, or the outer product of the gradient with itself) and call it "the Hessian", none of your
# critical points can look like a saddle: every one is a minimum or degenerate. At our origin it is the zero matrix.

# %% tags=["hide-input"] claims=["S2-04", "S0-13"]
# @title The saddle, and what two matrices see along its diagonal
down = vectors[:, 0] * np.sign(vectors[0, 0])  # towards positive weights
stays = run(gradient_descent, pair, origin, 60, lr=0.05)
leaves = [run(gradient_descent, pair, sign * 0.05 * down, 60, lr=0.05) for sign in (1, -1)]
diagonal = np.sort(np.append(np.linspace(-1.5, 1.5, 41), [-(0.5**0.5), 0.5**0.5]))
lowest = []  # eigenvalue of the Hessian and of Gauss-Newton
for point in np.stack([diagonal, diagonal], axis=1):
    J = jacrev(lambda w: 1 - w[:1] * w[1:])(torch.from_numpy(point)).numpy()
    both = curvature.hessian(Objective(pair.value), point), 2 * J.T @ J
    lowest.append([np.linalg.eigvalsh(matrix)[0] for matrix in both])
lowest = np.array(lowest)


def with_minima(ax):
    plots.descents(pair, *leaves, xlim=(-1.8, 1.8), ylim=(-1.8, 1.8))(ax)
    ax.lines[-1].remove()  # the star of a common start: these two start on either side
    ax.plot([-1.2, 1.2], [1.2, -1.2], color=plots.GREY, linestyle="--")
    r = np.linspace(1 / 1.8, 1.8, 40)
    for sign in (1, -1):
        ax.plot(sign * r, sign / r, color=plots.COLOURS[2], linestyle=":", linewidth=2.5)
    ax.text(1.87, 1 / 1.8, "minima", color=plots.ink(plots.COLOURS[2]), fontsize=9, va="center")
    ax.set(aspect="equal", title="curvature −2 along the paths,\n+2 along the dashed line")


def seen_along(ax):
    plots.lines(
        Curve(diagonal, lowest[:, 0], "Hessian"),
        Curve(diagonal, lowest[:, 1], "Gauss-\nNewton", theory=True, colour=1),
        xlabel="$w_1 = w_2$",
        ylabel="lowest eigenvalue",
    )(ax)
    ax.set(xticks=[-1, 0, 1], yticks=[-2, -1, 0, 1])
    ax.annotate("saddle", (0, -2), (0, -2.5), ha="center", va="center", fontsize=9)


plots.show(
    with_minima,
    seen_along,
    alt="Left: a saddle between two curved valleys of minima, drawn dotted; along one diagonal a path leaves it to either side. "
    "Right: along that diagonal the lowest eigenvalue of the Hessian is minus two at the saddle and rises to one on either side of it, that of "
    "Gauss-Newton is zero throughout.",
    height=3.0,
)

# %% [markdown] claims=["S2-04", "S2-05", "S0-13"]
# The minima are not points but a curve, $w_1 w_2 = 1$: **many global minima**, all with loss 0, and by section 1 each of them degenerate. What makes
# the valley is a continuous freedom, $(c\,w_1, w_2/c)$, which ReLU units have too. (Swapping two hidden units, or flipping the signs on both sides of a
# tanh, gives separate copies of a point and no valley.)
#
# **What it costs.** $H$ has $n^2$ entries. But $Hv$ is the gradient of $g^\top v$, one more backward pass (Pearlmutter 1994), and the Lanczos iteration
# finds the lowest eigenvalue and its eigenvector from such products alone.
#
# **Predict.** A network has 2,410 weights, so the full Hessian takes 2,410 products. How many does its way down take: some 30, 300 or 2,000?

# %% claims=["S2-05"]
raw, wide = data.digits(200), MLP((64, 32, 10))  # 2,410 weights
squared_error = networks.training_loss(wide, raw.inputs, raw.one_hot)


def way_down(seed):
    """Number of products, lowest eigenvalue, change of the loss at length 0.1."""
    w, products = wide.initial(seed), 0
    theta = torch.tensor(w, requires_grad=True)
    (g,) = torch.autograd.grad(squared_error.loss(theta), theta, create_graph=True)

    def times(v):
        nonlocal products
        products += 1
        (Hv,) = torch.autograd.grad(g, theta, torch.tensor(v.ravel()), retain_graph=True)
        return Hv.numpy()

    H, start = LinearOperator((w.size, w.size), times, dtype=float), np.ones(w.size)
    (bottom,), v = eigsh(H, k=1, which="SA", v0=start, tol=1e-3)
    v = v[:, 0] * -np.sign(g.detach().numpy() @ v[:, 0])
    return products, bottom, squared_error.value(w + 0.1 * v) - squared_error.value(w)


ways = [way_down(seed) for seed in range(3)]
for products, bottom, change in ways:
    print(f"{products} products, eigenvalue {bottom:.2f}, loss {change:+.3f}")

# %% tags=["hide-input"] claims=["S2-04", "S2-05", "S0-13"]
# @title Evidence
theta = torch.tensor(wide.initial(0), requires_grad=True)
with FlopCounterMode(display=False) as one_gradient:
    (g,) = torch.autograd.grad(squared_error.loss(theta), theta, create_graph=True)
with FlopCounterMode(display=False) as one_product:
    torch.autograd.grad(g, theta, torch.ones_like(theta))
a_product = one_product.get_total_flops() / one_gradient.get_total_flops()
work = [1 + products * a_product for products, _, _ in ways]  # multiplications and additions, in gradients

digits = data.pca_digits(6, 200, classes=4)
net = MLP((6, 6, 4))  # 70 parameters
squared = networks.training_loss(net, digits.inputs, digits.one_hot)
images, signs = torch.from_numpy(digits.inputs), []
for seed in range(3):
    w = net.initial(seed)
    J = jacrev(lambda theta: net.forward(theta, images).flatten())(torch.from_numpy(w)).numpy()
    gauss_newton = np.linalg.eigvalsh(J.T @ J / len(images))  # of half the squared error, averaged over rows
    signs.append([np.linalg.eigvalsh(curvature.hessian(squared, w))[0], gauss_newton[0] / gauss_newton[-1]])
true_low, stand_in = np.transpose(signs)
step = pair.value(np.array([1e-3, 1e-3])) - 1
lengths = np.array([1e-3, 1e-2, 1e-1])
along = [pair.value(sign * s * down) - 1 for sign in (1, -1) for s in lengths]
minima = np.array([(0.5, 2), (1, 1), (2, 0.5), (-1, -1), (-4, -0.25)])
spectra = np.array([np.linalg.eigvalsh(curvature.hessian(Objective(pair.value), w)) for w in minima])
table(
    claim("S2-04", "eigenvalues of H at the origin", eigenvalues, predicted=[-2, 2], within=1e-9),
    claim("S2-04", "change of the loss at (0.001, 0.001)", step, predicted=-2e-6, within=1e-5),
    claim("S0-13", "loss at five points with w₁w₂ = 1", pair.value(minima), at_most=0),
    claim("", "70-weight network, 3 seeds: lowest eigenvalue of H", true_low, at_most=-0.1),
    claim("", "the same of Gauss-Newton, over its largest", stand_in, at_least=-1e-12),
    claim("S2-05", "products to find the way down, 3 seeds", [p for p, _, _ in ways], at_most=100),
    claim("S2-05", "their work, in gradients", work, at_most=120),
    claim("S2-05", "change of the loss, 0.1 along it", [c for _, _, c in ways], at_most=-0.01),
    more=[
        claim(
            "S2-04",
            "change along ±v, lengths 0.001 to 0.1",
            along,
            predicted=-np.tile(lengths**2, 2),
            within=0.005,
        ),
        claim("", "loss after 60 steps from the origin", stays.losses[-1], predicted=1, within=1e-12),
        claim(
            "S0-13", "smallest eigenvalue at the five minima, in size", np.abs(spectra[:, 0]), at_most=1e-9
        ),
        claim("", "the Hessian's peaks along the diagonal", lowest[:, 0].max(), predicted=1, within=1e-6),
        claim("", "Gauss-Newton's lowest eigenvalue there", lowest[:, 1], at_least=-1e-12),
        claim("S2-05", "work of one product, in gradients", a_product, at_least=0.5, at_most=2.5),
    ],
)

# %% [markdown]
# **Caveat.** The direction is the best one for an infinitely short step; how far to go, $H$ does not say (unit 09). And beyond $w_1 = w_2 = 1$ the lowest
# eigenvalue in the figure is negative again, with no saddle there: where the gradient is not zero, signs do not name a point.

# %% [markdown] claims=["S0-17", "S0-18"]
# ## 3. How long does a saddle hold you?
#
# **Question.** Nobody starts exactly on a saddle. But paths pass close to one, and the loss stands still for a while, as it would at a minimum. For
# how long?
#
# Take one curvature of $-\gamma$, here $\gamma = 1$, and start at a distance ε along it, with η = 0.1; off is at a distance of 1.
#
# **Predict.** You start a *million* times closer. Does the saddle hold you a million times longer, a thousand times, or some hundred steps more?


# %% claims=["S0-12", "S0-18", "S4-05"]
def steps_off(w, lr, curvatures, far=1.0):
    """Steps until |w_1| reaches `far`, for each row of w (K, d)."""
    steps = np.zeros(len(w))
    while np.any(on := np.abs(w[:, 0]) < far):
        w, steps = w - lr * curvatures * w, steps + on
    return steps


η, epsilons = 0.1, np.array([1e-2, 1e-4, 1e-8, 1e-12])
from_eps = steps_off(np.stack([epsilons, np.ones(4)], axis=1), η, np.array([-1.0, 1.0]))
for ε, steps in zip(epsilons, from_eps, strict=True):
    print(f"distance {ε:.0e}: {steps:.0f} steps")

# %% [markdown] claims=["S0-12", "S0-18", "S4-05"]
# From $10^{-2}$ to $10^{-8}$ it is 145 steps more. **Theory.** Each step multiplies the distance along the eigenvector by $1 + \eta\gamma$, so
#
# $$T = \frac{\ln(1/\varepsilon)}{\ln(1 + \eta\gamma)} .$$
#
# The logarithm is the good news. Saddles with a negative eigenvalue are called **strict**, and ten times closer costs a constant number of steps. A
# random kick of length $r$ in $d$ dimensions has a part of about $0.674\, r/\sqrt d$ (the median) along any one direction: by the same formula the
# dimension adds only $\tfrac12 \ln d$ to the numerator. So gradient descent with an occasional kick soon reaches points that have almost no
# negative curvature (Jin et al. 2017), and random starts converge to strict saddles with probability zero (Lee et al. 2016). Without kicks, a chain of
# saddles can hold it for a time exponential in their number (Du et al. 2017).
#
# Now layers: $L = \tfrac12\,(1 - w_1 w_2 \cdots w_N)^2$, all weights equal to ε at the start. For $N = 2$ the origin is a strict saddle.
#
# **Predict.** You halve ε in a chain of four weights. Does the time to leave grow by a constant, twofold or fourfold?


# %% claims=["S4-07", "S0-18"]
class Chain:
    def value(self, w):
        return (1 - w.prod(-1)) ** 2 / 2

    def grad(self, w):
        others = np.where(np.eye(w.shape[-1]) == 1, 1.0, w[..., None, :]).prod(-1)
        return -(1 - w.prod(-1))[..., None] * others


halvings = 0.2 * 0.5 ** np.arange(5)  # ε = 0.2 to 0.0125
time = {}  # steps times η, until the product has reached one half
for N, longest in ((2, 8), (3, 100), (4, 3400)):
    trace = run(gradient_descent, Chain(), np.outer(halvings, np.ones(N)), 10 * longest, lr=0.1)
    time[N] = 0.1 * np.argmax(trace.losses <= 1 / 8, axis=0)
    print(f"{N} weights: time", time[N].round(1))

# %% tags=["hide-input"] claims=["S0-12", "S0-17", "S0-18", "S4-05", "S4-07"]
# @title Measured and predicted times
near = run(gradient_descent, pair, np.outer([1e-1, 1e-4, 1e-7], [1, 1]), 240, lr=0.05)
eps_line = np.geomspace(1e-12, 1e-1, 30)


def drops(steps, losses, names, xlabel, title, beside):
    """Loss curves (steps, runs) with their names to the right of where each falls; `beside` in steps."""

    def draw(ax):
        for k, (y, name) in enumerate(zip(losses.T, names, strict=True)):
            style = {"color": plots.COLOURS[k], "marker": plots.MARKERS[k]}
            ax.plot(steps, y, markevery=(k * len(steps) // 40, len(steps) // 10), **style)
            half = (y[0] + y[-1]) / 2
            place = steps[np.argmax(y < half)] + beside, half + 0.06 * (y[0] - y[-1])
            ax.text(*place, name, color=plots.ink(plots.COLOURS[k]), fontsize=9)
        ax.set(xlabel=xlabel, ylabel="loss", title=title)

    return draw


plots.show(
    drops(near.steps, near.losses, ("10⁻¹", "10⁻⁴", "10⁻⁷"), "step", "ε beside the saddle", 8),
    plots.lines(
        Curve(epsilons, from_eps, colour=0),
        Curve(eps_line, np.log(1 / eps_line) / np.log(1.1), theory=True, colour=0),
        xlabel="distance ε",
        ylabel="steps to leave",
        title="strict saddle",
        logx=True,
    ),
    plots.lines(
        *(Curve(range(5), t, f"N = {N}", colour=N - 2) for N, t in time.items()),
        *(Curve(range(5), halvings ** -(N - 2.0) / (N - 2), theory=True, colour=N - 2) for N in (3, 4)),
        Curve(range(5), np.log(1 / halvings), theory=True, colour=0),
        xlabel="halvings of ε = 0.2",
        ylabel="time (steps × η)",
        title="chains of N weights",
        logy=True,
    ),
    alt="Left: three loss curves stand still at one and then fall to zero, one after another at equal intervals. Middle: measured steps lie on a "
    "straight line over a logarithmic axis of distance. Right: for every halving the time grows by a little for two weights, doubles for three and "
    "grows fourfold for four.",
    height=2.7,
)

# %% [markdown] claims=["S4-07", "S0-17", "S0-18"]
# Fourfold. **Theory.** For small η the chain follows $\dot w = w^{N-1}(1 - w^N)$, and for $N \ge 3$ the time
#
# $$\int_\varepsilon \frac{dw}{w^{N-1}} \approx \frac{\varepsilon^{-(N-2)}}{N-2}$$
#
# is a power of $1/\varepsilon$ in place of its logarithm. Every second derivative at 0 contains a factor $w$: the Hessian is the zero matrix, no
# eigenvector points anywhere, and there is a way down all the same, of order $N$. Such saddles are **non-strict**. The same holds for a linear network
# without biases: from three *weight matrices* on, its Hessian at zero weights vanishes.
#
# A **plateau** is something else: $L = \tfrac12(1 - \sigma(w))^2$ with the logistic σ, at $w = -8$, has no critical point anywhere near. All three
# look alike from where you stand:

# %% tags=["hide-input"] claims=["S0-17", "S0-18"]
# @title Three places where the loss stands still
plateau = Objective(lambda w: ((1 - torch.sigmoid(w)) ** 2).sum() / 2)
places = {
    "plateau, w = −8": (plateau, np.full(1, -8.0)),
    "strict saddle, 0.001 beside it": (Objective(pair.value), np.full(2, 1e-3)),
    "non-strict, N = 4, 0.001 beside it": (Objective(Chain().value), np.full(4, 1e-3)),
}
for name, (surface, w) in places.items():
    length, spectrum = np.linalg.norm(surface.grad(w)), np.linalg.eigvalsh(curvature.hessian(surface, w))
    print(f"{name:34}  gradient {length:.1e}   curvatures {spectrum[0]:+.1e} to {spectrum[-1]:+.1e}")

# %% tags=["hide-input"] claims=["S0-12", "S0-17", "S0-18", "S4-05", "S4-07"]
# @title Evidence
dimensions, kick, medians = np.array([10, 100, 1000, 10_000]), 0.01, []
rng = np.random.default_rng(0)
for d in dimensions:
    noise = rng.normal(size=(50, d))
    noise *= kick / np.linalg.norm(noise, axis=1, keepdims=True)
    medians.append(np.median(steps_off(noise, η, np.append(-1.0, np.ones(d - 1)))))
expected_d = np.log(np.sqrt(dimensions) / (0.674 * kick)) / np.log(1 + η)
expected_eps = np.log(1 / epsilons) / np.log(1 + η)
exponents = [np.polyfit(np.log(halvings), np.log(time[N]), 1)[0] for N in (3, 4)]
vanish = [np.abs(curvature.hessian(Objective(Chain().value), np.zeros(N))).max() for N in (3, 4)]

# linear networks of three inputs, hidden layers of three units, two outputs: the weights alone, all zero
x, count = np.random.default_rng(1).normal(size=(50, 3)), {}
for N in (1, 2, 3):
    linear = MLP((3,) * N + (2,), "linear")
    surface = networks.training_loss(linear, x, x @ np.random.default_rng(2).normal(size=(3, 2)))
    matrices = linear.layers(torch.arange(linear.size))
    keep = np.concatenate([W.flatten().numpy() for W, _ in matrices])
    s = np.linalg.eigvalsh(curvature.hessian(surface, np.zeros(linear.size))[np.ix_(keep, keep)])
    count[N] = [(s < -1e-9).sum(), (np.abs(s) <= 1e-9).sum(), (s > 1e-9).sum()]
slow = run(gradient_descent, plateau, [[-6.0], [-8.0]], 2000, lr=2.0).losses
across = 2.0 * np.argmax(slow <= 0.25, axis=0)
table(
    claim("S0-18", "steps less ln(1/ε)/ln(1+ηγ), four ε", from_eps - expected_eps, at_least=0, at_most=1),
    claim("S4-05", "median steps after a kick, d = 10 to 10,000", medians, predicted=expected_d, within=0.05),
    claim("S0-18", "N = 2: time added per halving of ε", np.diff(time[2]), predicted=np.log(2), within=0.2),
    claim("S4-07", "N = 3, 4: exponent of the time in ε", exponents, predicted=[-1, -2], within=0.08),
    claim("S4-07", "N = 3, 4: largest entry of H at zero", vanish, at_most=0),
    claim("S4-07", "linear network, 3 matrices: zero eigenvalues", count[3][1], predicted=24, within=0),
    claim("S4-07", "2 matrices: negative eigenvalues, of 15", count[2][0], predicted=6, within=0),
    claim(
        "S0-17",
        "plateau: time from −8 over time from −6",
        across[1] / across[0],
        predicted=np.e**2,
        within=0.05,
    ),
    more=[
        claim("S4-05", "steps, d = 10,000 less d = 100", medians[3] - medians[1], at_least=15, at_most=35),
        claim("S0-12", "loss from the exact saddle, no kick, 60 steps", stays.losses[-1], at_least=1),
        claim("S4-07", "N = 4: time from ε = 0.0125", time[4][-1], predicted=3200, within=0.01),
        claim("S4-07", "1 and 3 matrices: negative eigenvalues", [count[1][0], count[3][0]], at_most=0),
        claim(
            "S0-17",
            "plateau: length of the gradient, w = −10 to −6",
            [abs(plateau.grad(np.full(1, w0))[0]) for w0 in np.linspace(-10, -6, 9)],
            at_least=1e-5,
            at_most=0.01,
        ),
    ],
)

# %% [markdown] claims=["S0-12", "S0-17", "S0-18", "S4-05", "S4-07"]
# All three gradients are below 0.003 and mimic a minimum. Only the strict saddle shows a curvature, and with it the way down. A **plateau is not a
# saddle**: one is a region with a small gradient, the other a point with zero gradient and curvature of both signs. Minima and maxima have zero slope,
# too.
#
# **Caveat.** The law needs γ not to be tiny. With $\gamma = 10^{-4}$ and $\eta = 0.1$ each power of ten costs 230,000 steps: strict in theory can be a
# plateau in practice.

# %% [markdown] claims=["S0-18"]
# ## 4. How much noise frees a network?
#
# **Question.** The task is XOR: four points $(\pm1, \pm1)$, and the network is to say whether the signs differ. Eight hidden tanh units start with the
# same weights. Each gets the same gradient, so they stay the same: the network learns as if it had one unit, and comes to rest. Is it at a minimum?
#
# The loss is cross-entropy plus a little weight decay, $\tfrac{0.003}{2}\|w\|^2$, so that the place of rest is at finite weights.
#
# **Predict.** At rest, how many of the 33 eigenvalues of the Hessian are negative: 0, 1 or 7?

# %% tags=["hide-input"] claims=["S0-18", "S0-11", "S0-15"]
# @title Networks on XOR: the loss, and its gradient by hand for many networks at once
corners, differ = np.array([[1.0, 1], [-1, -1], [1, -1], [-1, 1]]), np.array([0.0, 0, 1, 1])


class TanhUnits:
    """The loss of MLP((2, units, 1)) on XOR with weight decay, at points (..., 4 units + 1)."""

    def __init__(self, units, decay):
        self.units, self.decay = units, decay

    def outputs(self, w):
        """Output weights (..., units), hidden outputs (..., units, 4), logits (..., 4)."""
        W, b, v, c = np.split(w, self.units * np.array([2, 3, 4]), axis=-1)
        h = np.tanh(W.reshape(*b.shape, 2) @ corners.T + b[..., None])
        return v, h, (v[..., None] * h).sum(-2) + c

    def value(self, w):
        _, _, z = self.outputs(w)
        return (np.logaddexp(0, z) - differ * z).mean(-1) + self.decay / 2 * (w**2).sum(-1)

    def grad(self, w):
        v, h, z = self.outputs(w)
        r = (1 / (1 + np.exp(-z)) - differ)[..., None, :] / 4
        back = v[..., None] * (1 - h**2) * r
        into = (back @ corners).reshape(*w.shape[:-1], 2 * self.units)
        blocks = (into, back.sum(-1), (h * r).sum(-1), r.sum(-1))
        return np.concatenate(blocks, axis=-1) + self.decay * w


def xor_objective(units, decay):
    """The same loss in PyTorch, for second derivatives."""
    network, x, y = MLP((2, units, 1)), torch.from_numpy(corners), torch.from_numpy(differ)

    def loss(theta):
        logits = network.forward(theta, x)[:, 0]
        return binary_cross_entropy_with_logits(logits, y) + decay / 2 * (theta @ theta)

    return Objective(loss)


# %% claims=["S0-18"]
eight = TanhUnits(8, decay=0.003)  # 33 parameters: 2 + 1 + 1 weights for each unit, and the last bias
equal = np.concatenate([np.tile([0.5, -0.3], 8), np.zeros(8), np.full(8, 0.5), np.zeros(1)])
rest = run(gradient_descent, eight, equal, 3000, every=3000, lr=0.5).path[-1]
eigenvalues, vectors = np.linalg.eigh(curvature.hessian(xor_objective(8, 0.003), rest))
print(f"gradient {np.linalg.norm(eight.grad(rest)):.0e}, negative eigenvalues: {np.sum(eigenvalues < -1e-6)}")

# %% [markdown] claims=["S0-18", "S2-06"]
# **Theory.** Exchanging two units changes nothing, so $H$ at a point with equal units has the same symmetry. A change of the weights splits into what
# all units do together and how they differ from their mean. Eight numbers that add up to zero span 7 dimensions, and the symmetry makes these alike:
# every eigenvalue of a *difference between units* occurs 7 times. If it is negative, there are 7 ways down. Gradient descent from equal units sees
# none of them, because its gradient never leaves the space where the units are equal. In those five dimensions the same place is a minimum.
#
# **Predict.** You add noise of size $10^{-8}$ to the weights. Does the network get free within 3,000 steps?

# %% claims=["S0-18"]
noises, noise = (1e-2, 1e-4, 1e-6, 1e-8), np.random.default_rng(1).normal(size=33)
four = rest + np.outer(noises, noise)
freed = run(gradient_descent, eight, four, 3000, every=5, lr=0.5)  # losses (601, 4)
left = freed.steps[np.argmax(freed.losses < eight.value(rest) - 0.05, axis=0)]
print("steps until the loss has fallen by 0.05:", left)


# %% tags=["hide-input"] claims=["S0-18"]
# @title Seven ways down, and the way that the networks take
def seven(ax):
    rank = np.arange(1, 15)
    for k, chosen in enumerate((rank <= 7, rank > 7)):
        colour, marker = plots.COLOURS[1 - k], plots.MARKERS[1 - k]
        ax.vlines(rank[chosen], 0, eigenvalues[:14][chosen], color=colour, linewidth=1.2)
        ax.plot(rank[chosen], eigenvalues[:14][chosen], linestyle="none", marker=marker, color=colour)
    ax.axhline(0, color=plots.GREY, linewidth=0.8)
    ax.text(
        4, eigenvalues[0] * 1.35, "7 ways down", color=plots.ink(plots.COLOURS[1]), ha="center", fontsize=9
    )
    ax.set(xlabel="rank of the eigenvalue", ylabel="eigenvalue of $H$", title="the lowest 14 of 33")
    ax.set(xticks=[1, 7, 14], ylim=(eigenvalues[0] * 1.7, eigenvalues[13] * 1.15))


plots.show(
    seven,
    drops(
        freed.steps,
        freed.losses,
        ("10⁻²", "10⁻⁴", "10⁻⁶", "10⁻⁸"),
        "step after the noise",
        "size of the noise",
        60,
    ),
    alt="Left: seven equal eigenvalues hang below zero, the others stand on it or above. Right: four loss curves stay at 0.59 and then fall to "
    "0.12, one after another, 600 steps apart.",
    height=2.7,
)

# %% [markdown] claims=["S0-11", "S0-12", "S0-15", "S0-16"]
# It does, some 304 steps later for each power of ten: $\ln 10/\ln(1 + \eta|\lambda|)$, section 3 on a network. This is what random initial weights are
# for. (Why their *size* matters is another story, unit 03.)
#
# **And from a minimum?** A network of *two* tanh units can solve XOR and often does not. Of 120 random starts, with the same decay, about a third come to
# rest at a loss of 0.405, where the best is 0.119. The gradient there is zero and all nine eigenvalues are positive: a true **local minimum**. Try
# two kinds of noise on these: one kick, then 1,000 quiet steps; or $\sigma\,\xi$, with normal ξ, added to the gradient in each of 2,000 steps, then
# 1,000 quiet ones.

# %% tags=["hide-input"] claims=["S0-11", "S0-15"]
# @title Where 120 networks of two units come to rest
two, held = MLP((2, 2, 1)), TanhUnits(2, 0.003)
starts = np.stack([two.initial(seed) for seed in range(120)])
settled = run(gradient_descent, held, starts, 4000, every=4000, lr=1.0).path[-1]
depths = held.value(settled).round(4)
levels, members = np.unique(depths, return_counts=True)
trapped = settled[np.abs(depths - levels[1]) < 1e-3]


def solved(w):
    return np.mean(held.value(w) < levels[0] + 0.01, axis=-1)


for level, number in zip(levels, members, strict=True):
    print(f"loss {level:.4f}: {number:3d} of 120 starts")

# %% [markdown] claims=["S0-12"]
# **Predict.** How long is the one kick that frees some 40 % of the trapped networks: 0.01, 0.5 or 7? Their weights have length 5.3.


# %% claims=["S0-12", "S0-16"]
def noisy_descent(grad, w, lr, sigma, noisy):
    rng = np.random.default_rng(0)
    for t in itertools.count():
        noise = sigma * rng.normal(size=w.shape) if t < noisy else 0
        w = w - lr * (grad(w) + noise)
        yield w


def after_kick(w, lengths):  # (3, n, 9) -> (lengths, 3, n, 9), all at once
    kick = np.random.default_rng(0).normal(size=w.shape)
    kick /= np.linalg.norm(kick, axis=-1, keepdims=True)
    kicked = w + lengths[:, None, None, None] * kick
    return run(gradient_descent, held, kicked, 1000, every=1000, lr=1.0).path[-1]


def after_noise(w, sigmas):  # (3, n, 9) -> (sigmas, 3, n, 9)
    copies, sigma = np.stack([w] * len(sigmas)), sigmas[:, None, None, None]
    return run(noisy_descent, held, copies, 3000, every=3000, lr=1.0, sigma=sigma, noisy=2000).path[-1]


kicks, sigmas = np.array([0.01, 0.5, 2, 5, 7, 10, 15]), np.array([0.03, 0.1, 0.2, 0.3, 0.5])
three = np.stack([trapped] * 3)  # three copies, each with random numbers of its own
by_kick, by_noise = solved(after_kick(three, kicks)), solved(after_noise(three, sigmas))
for length, share in zip(kicks, by_kick.mean(axis=1), strict=True):
    print(f"a kick of {length:<4g} frees {share:.0%}")

# %% tags=["hide-input"] claims=["S0-12", "S0-16"]
# @title Out of a minimum, by one kick and by lasting noise
from_starts = solved(after_noise(starts[None], sigmas))
quiet = solved(settled)


def reach(xs, *curves, ticks, xlabel, title):
    def draw(ax):
        plots.lines(
            *(Curve(xs, y.mean(axis=1), label, colour=colour) for y, label, colour in curves),
            Curve([xs[0], xs[-1]], [quiet, quiet], theory=True, colour=3),
            xlabel=xlabel,
            ylabel="share at the best depth",
            title=title,
            ylim=(-0.03, 1.03),
        )(ax)
        ax.text(0.88 * xs[-1], quiet - 0.03, "new starts, no noise", fontsize=9, ha="right", va="top")
        ax.set_xticks(ticks, [f"{x:g}" for x in ticks])

    return draw


plots.show(
    reach(kicks, (by_kick, "", 2), ticks=(0, 2, 5, 10, 15), xlabel="length of the kick", title="one kick"),
    reach(
        sigmas,
        (by_noise, "trapped", 2),
        (from_starts, "new starts", 0),
        ticks=sigmas,
        xlabel="σ in every step",
        title="2,000 noisy steps, then quiet",
    ),
    alt="Left: kicks up to length 2 free nobody, longer ones up to 55 %, always below a dashed line at 0.68 for new starts. Right: noise of 0.2 "
    "to 0.3 in every step frees nine of ten and lifts random starts above the dashed line; at 0.5 both curves fall again.",
    height=2.7,
)

# %% tags=["hide-input"] claims=["S0-11", "S0-12", "S0-13", "S0-14", "S0-15", "S0-16", "S0-18", "S2-06"]
# @title Evidence
per_decade = np.log(10) / np.log(1 + 0.5 * abs(eigenvalues[0]))
together = np.zeros(
    (33, 5)
)  # what all units do together: two input weights, bias, output weight; and the last bias
for k, entries in enumerate((slice(0, 16, 2), slice(1, 16, 2), slice(16, 24), slice(24, 32))):
    together[entries, k] = 1 / np.sqrt(8)
together[32, 4] = 1
as_one = np.linalg.eigvalsh(together.T @ curvature.hessian(xor_objective(8, 0.003), rest) @ together)
kept = run(gradient_descent, eight, rest, 1000, every=500, lr=0.5)
pushed = [eight.value(rest + sign * 0.1 * vectors[:, 0]) - eight.value(rest) for sign in (1, -1)]
at_zero = {
    d: np.linalg.eigvalsh(curvature.hessian(xor_objective(8, d), np.zeros(33))) for d in (0, 1e-4, 0.01)
}
shrunk = run(gradient_descent, TanhUnits(8, 0.01), equal, 3000, every=3000, lr=0.5).path[-1]

reference = xor_objective(2, 0.003)
lows = [np.linalg.eigvalsh(curvature.hessian(reference, w))[0] for w in settled]
still = np.linalg.norm(held.grad(settled), axis=1)
alike = np.unique(settled[depths == levels[0]].round(3), axis=0)
best_of_three = (depths == levels[0]).reshape(40, 3).any(axis=1).mean()
# the same starts; where half the task is solved for certain the loss tends to ln 2 / 2
bare = TanhUnits(2, 0.0)
free = run(gradient_descent, bare, starts, 4000, every=10, lr=1.0)
stuck, done = np.abs(free.losses[-1] - np.log(2) / 2) < 0.01, free.losses[-1] < 0.01
length = np.median([np.linalg.norm(bare.grad(free.path[k])[stuck], axis=1) for k in (100, 400)], axis=1)
size = np.median(np.linalg.norm(free.path[[200, 400]][:, stuck], axis=-1), axis=1)
median = np.median(free.losses[:, done], axis=1)
first = [free.steps[np.argmax(median <= level)] for level in (0.1, 0.01)]
table(
    claim(
        "P64", "equal units: negative eigenvalues, of 33", (eigenvalues < -1e-6).sum(), predicted=7, within=0
    ),
    claim("S2-06", "lowest curvature while the units stay equal", as_one[0], at_least=1e-3),
    claim(
        "S0-18", "steps per power of ten of the noise", np.diff(left) / 2, predicted=per_decade, within=0.02
    ),
    claim("S0-11", "two units: lowest eigenvalue, 120 places of rest", lows, at_least=0.001),
    claim("S0-13", "gap from the best depth to the next", levels[1] - levels[0], at_least=0.2),
    claim("S0-12", "share freed by kicks up to 2, 3 noises", by_kick[:3], at_most=0),
    claim("S0-12", "by noise of 0.2 and 0.3 in every step", by_noise[2:4], at_least=0.6),
    claim("S0-12", "share of new starts that arrive with that noise", from_starts[2:4], at_least=0.9),
    more=[
        claim(
            "P64",
            "equal units: length of the gradient at rest",
            np.linalg.norm(eight.grad(rest)),
            at_most=1e-6,
        ),
        claim(
            "P64",
            "the seventh eigenvalue over the first",
            eigenvalues[6] / eigenvalues[0],
            predicted=1,
            within=1e-6,
        ),
        claim(
            "P64", "loss at rest and 1,000 steps later", kept.losses[[0, -1]], predicted=0.587, within=0.01
        ),
        claim("P64", "change of the loss, 0.1 along ± the first", pushed, at_most=-1e-5),
        claim("S0-18", "loss at the end, four noises", freed.losses[-1], at_most=0.13),
        claim("P64", "zero weights, no decay: lowest eigenvalue", at_zero[0][0], at_least=-1e-12),
        claim(
            "P64",
            "with decay: lowest eigenvalue over it",
            [at_zero[d][0] / d for d in (1e-4, 0.01)],
            predicted=1,
            within=1e-6,
        ),
        claim("P64", "decay 0.01: length of the weights, equal units", np.linalg.norm(shrunk), at_most=1e-4),
        claim("S0-11", "two units: length of the gradient at rest", still, at_most=1e-6),
        claim(
            "",
            "their gradient by hand less that of PyTorch",
            np.abs(held.grad(starts) - reference.grad(starts)),
            at_most=1e-12,
        ),
        claim(
            "S0-12",
            "length of the weights at the local minimum",
            np.linalg.norm(trapped, axis=1),
            predicted=5.3,
            within=0.02,
        ),
        claim(
            "S0-12",
            "mean share freed by kicks of 10 and 15",
            by_kick[5:].mean(axis=1),
            at_least=0.2,
            at_most=quiet,
        ),
        claim("S0-12", "share of new starts that arrive without noise", quiet, at_least=0.6, at_most=0.75),
        claim("S0-12", "share freed by noise of 0.03", by_noise[0], at_most=0),
        claim("S0-15", "different depths", len(levels), at_least=2),
        claim("S0-13", "different weights at the best depth", len(alike), at_least=4),
        claim(
            "S0-16", "best of 3 starts, 40 times", best_of_three, predicted=1 - (1 - quiet) ** 3, within=0.1
        ),
        claim("S0-15", "no decay: share at ln 2 / 2", stuck.mean(), at_least=0.2, at_most=0.5),
        claim(
            "S0-15", "there: gradient, step 1,000 over 4,000", length[0] / length[1], predicted=4, within=0.15
        ),
        claim("S0-15", "there: growth of the weights, last 2,000 steps", size[1] - size[0], at_least=0.3),
        claim("S0-14", "solved: steps to loss 0.01 over steps to 0.1", first[1] / first[0], at_least=4),
    ],
)

# %% [markdown] claims=["S0-11", "S0-12", "S0-13", "S0-14", "S0-15", "S0-16"]
# **One kick** must be about as long as the weights are, and even 15 does no better on average than a new start: 68 % of those reach the best depth, and the best of
# three fails with probability $(1-p)^3$. **Lasting noise** is stronger. With σ of 0.2 or 0.3 it frees most trapped networks, and at least 95 % of new
# starts arrive in place of 68 %; 0.03 frees nobody, and with 0.5 fewer arrive. So noise can choose between valleys, if it lasts, is measured out and then
# ends. A saddle is content with $10^{-8}$.
#
# That local minima are hardly worse than the global one is conjectured for large networks (Choromanska et al. 2015); here the gap is 0.29. (Without decay
# the gradient of the trapped falls as $1/t$ and their weights grow: the floor lies at infinity, a trap all the same.)
#
# **Caveat.** All this is one task of four points. Zero weights, for one, are a local minimum of this loss at *every* positive decay (the lowest eigenvalue
# is the decay), and with 0.01 in place of 0.003 the eight equal units shrink into it.

# %% [markdown] claims=["S2-07"]
# ## 5. Where does training end?
#
# **Question.** Lee's lecture shows a scatter plot: each point is a network at the end of training, one axis is its loss, the other its **minimum ratio**,
# the share of the Hessian's eigenvalues that are positive. The ratio never passes 0.6. So, the notes conclude, training ends at saddles. Does it?
#
# A critical point has $g = 0$. Where $g$ is small and not zero, ask which curvatures it meets. If $|Hg| / (\lambda_{\max}|g|)$ is near 0, the gradient lies
# in the **flat directions** of $H$: the loss falls on, slowly, along a direction that hardly bends. Frye et al. (2021) call such a place
# **gradient-flat**. A random direction gives about 0.3 on the network below, at any stage.
#
# **Predict.** 70 weights learn four digits by gradient descent. After 2,230 steps the gradient has length 0.003. What is its $|Hg| / (\lambda_{\max}|g|)$:
# 1, 0.3 or 0.001?


# %% claims=["S2-07"]
def look(objective, w):
    """Loss, |g|, |Hg| / (λ_max |g|), the spectrum over λ_max."""
    H, g = curvature.hessian(objective, w), objective.grad(w)
    spectrum, length = np.linalg.eigvalsh(H), np.linalg.norm(g)
    top = np.abs(spectrum).max()
    return objective.value(w), length, np.linalg.norm(H @ g) / (top * length), spectrum / top


stages = (0, 30, 230, 2230)
starts = np.stack([net.initial(seed) for seed in range(3)])
paths = run(gradient_descent, squared, starts, 2230, every=10, lr=0.25).path  # (224, 3, 70)
places = [[look(squared, paths[k // 10, seed]) for k in stages] for seed in range(3)]
for k, row in zip(stages, zip(*places, strict=True), strict=True):
    print(f"step {k:5,}  |g|", *(f"{p[1]:.4f}" for p in row), "  ratio", *(f"{p[2]:.4f}" for p in row))

# %% tags=["hide-input"] claims=["S2-07"]
# @title One network through two windows
path, w = paths[:, 0], paths[-1, 0]
_, U = np.linalg.eigh(curvature.hessian(squared, w))
towards = -squared.grad(w) / np.linalg.norm(squared.grad(w))
sharp = U[:, -1] * np.sign(U[:, -1] @ (path[0] - w))


def window(across, up, left, right, xlabel, title):
    up = up - across * (across @ up)
    up /= np.linalg.norm(up)
    a, b = np.linspace(left, right, 61), np.linspace(-1.5, 1.5, 61)
    loss = squared.value(w + a[None, :, None] * across + b[:, None, None] * up)
    seen = (path - w) @ np.stack([across, up], axis=1)
    marks = seen[[k // 10 for k in stages]]

    def draw(ax):
        levels = [0.017, 0.02, 0.05, 0.2, 0.8, 3.2]
        ax.contour(a, b, loss, levels=levels, colors=plots.CONTOUR, linewidths=0.8)
        ax.plot(*seen.T, color=plots.COLOURS[1], linewidth=1.8)
        ax.plot(*marks.T, linestyle="none", marker="o", color=plots.COLOURS[1], markersize=5)
        ax.set(xlabel=xlabel, ylabel="sharpest direction", title=title, aspect="equal")
        if across is towards:
            for k, mark, height in zip(stages, marks, (0.53, -0.56, 0.53, 0.53), strict=True):
                line = {"arrowstyle": "-", "color": plots.GREY, "linewidth": 0.8}
                where = {"ha": "center", "va": "center", "fontsize": 9, "arrowprops": line}
                ax.annotate(f"{k:,}", mark, (mark[0], height), **where)

    return draw


plots.show(
    window(U[:, -2], sharp, -2.5, 2.5, "second sharpest direction", "the two sharpest directions"),
    window(towards, sharp, -3.3, 1.7, "along −g", "the gradient and the sharpest"),
    alt="Two cuts through one loss, with the path of training projected on them. Along the two sharpest directions a round bowl, the whole path "
    "huddled in its middle. Along the gradient a long straight trough, and the path walks down its floor.",
    height=2.6,
)

# %% [markdown] claims=["S2-07"]
# About 0.001: training is not near a critical point, it is *in a trough*. The picture is the loss of this network in two planes through the place where
# training ended, at one scale. The path is projected onto them, with marks at the steps looked at; only its end lies in the planes. In the two sharpest
# directions you would swear that it sits in a minimum. Along the gradient the same place is a floor that goes on falling.
#
# And the minimum ratio? Of many almost-zero eigenvalues a computer cannot tell the signs, so count $\lambda_i > \tau \max_j|\lambda_j|$, and say which
# tolerance τ.
#
# **Predict.** As the loss falls from stage to stage, does the ratio rise, fall or stay? Does your answer hang on τ?


# %% claims=["S2-07"]
def ratio(place, τ):
    return np.mean(place[3] > τ)


ratios = {τ: np.array([[ratio(place, τ) for place in row] for row in places]) for τ in (1e-6, 1e-2)}
for τ, by_stage in ratios.items():
    print(f"τ = {τ:.0e}, mean over 3 seeds at the four stages:", by_stage.mean(axis=0).round(2))

# %% tags=["hide-input"] claims=["S2-07"]
# @title Minimum ratio, against the loss and against the tolerance
values = np.array([[place[0] for place in row] for row in places])
tolerances = np.geomspace(1e-10, 0.3, 40)


def scatter(ax):
    for k, (τ, name) in enumerate(((1e-6, "τ = 10⁻⁶"), (1e-2, "τ = 10⁻²"))):
        look_of = {"linestyle": "none", "marker": plots.MARKERS[k], "color": plots.COLOURS[k]}
        ax.plot(values.ravel(), ratios[τ].ravel(), **look_of)
        place = (0.03, (0.97, 0.45)[k])
        ax.text(*place, name, color=plots.ink(plots.COLOURS[k]), fontsize=9)
    ax.axhline(0.6, color=plots.GREY, linewidth=1, linestyle=":")
    ax.text(1.05, 0.61, "“at most 0.6”", fontsize=9, ha="right", va="bottom")
    ax.set(xlabel="loss", ylabel="minimum ratio", xscale="log", ylim=(0.4, 1.02), title="3 seeds, 4 stages")


def by_tolerance(ax):
    for k, (n, beside) in enumerate(zip(stages, (-0.05, -0.05, 0.05, 0.05), strict=True)):
        curve = [ratio(places[0][k], t) for t in tolerances]
        ax.plot(tolerances, curve, color=plots.COLOURS[k], marker=plots.MARKERS[k], markevery=4)
        style = {"color": plots.ink(plots.COLOURS[k]), "fontsize": 9, "va": "center"}
        ax.text(1e-10, curve[0] + beside, f"{n:,} steps", **style)
    ax.set(xlabel="tolerance τ", ylabel="minimum ratio", xscale="log", ylim=(0, 1.05), title="seed 0")


plots.show(
    scatter,
    by_tolerance,
    alt="Left: with the small tolerance the ratio rises from 0.6 to 0.94 as the loss falls, with the large one it stays near 0.57. Right: each "
    "curve falls with the tolerance, slowly up to 10⁻⁴ and then steeply to below 0.2.",
    height=2.7,
)


# %% tags=["hide-input"] claims=["S2-07"]
# @title Evidence
def towards_critical(objective, w, steps=30):
    """Levenberg-Marquardt on half the squared length of the gradient, which leads to saddles as well."""
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
other = [look(decayed, w) for w in run(gradient_descent, decayed, starts, 2230, every=2230, lr=0.5).path[-1]]
searched = [look(squared, towards_critical(squared, w)) for w in paths[-1]]
flat_ratio = np.array([[place[2] for place in row] for row in places])
random = [np.sqrt(np.mean(place[3] ** 2)) for row in places for place in row]
negative = [place[3][0] for row in places for place in row]
rank = spearmanr(values.ravel(), ratios[1e-6].ravel()).statistic
table(
    claim("S2-07", "|Hg| / (λ_max |g|) after 2,230 steps, 3 seeds", flat_ratio[:, 3], at_most=0.01),
    claim("S2-07", "the same of a random direction (root mean square)", random, at_least=0.2),
    claim(
        "S2-07",
        "the same from stage to stage: each over the one before",
        flat_ratio[:, 1:] / flat_ratio[:, :-1],
        at_most=0.5,
    ),
    claim("S2-07", "length of the gradient after 2,230 steps", [row[3][1] for row in places], at_least=1e-3),
    claim("S2-07", "rank correlation of loss and ratio, τ = 10⁻⁶", rank, at_most=-0.8),
    claim("S2-07", "ratio after 2,230 steps, τ = 10⁻⁶", ratios[1e-6][:, 3], at_least=0.85),
    claim("S2-07", "the same places, τ = 10⁻²", ratios[1e-2][:, 3], at_most=0.65),
    claim("S2-07", "lowest eigenvalue over λ_max, 12 places", negative, at_most=-1e-4),
    more=[
        claim(
            "S2-07",
            "cross-entropy and decay: ratio, τ = 10⁻⁶",
            [ratio(p, 1e-6) for p in other],
            at_least=0.9,
        ),
        claim(
            "S2-07", "gradient after 30 steps of a search for g = 0", [p[1] for p in searched], at_least=1e-4
        ),
        claim("S2-07", "ratio there, τ = 10⁻⁶", [ratio(p, 1e-6) for p in searched], at_least=0.85),
    ],
)

# %% [markdown] claims=["S2-07"]
# **What reproduces.** The lower the loss, the larger the ratio (Dauphin et al. 2014 saw the same), and each of the twelve places has a negative eigenvalue.
#
# **What does not.** *The ceiling*: the ratio climbs to 0.94, and with cross-entropy and weight decay to between 0.97 and 1: one of three seeds has no
# negative eigenvalue left. *The tolerance is part of the definition*: with τ = $10^{-2}$ the same twelve matrices give 0.54 to 0.63, and no trend. And *they
# are not saddles*: the gradient is not zero, and signs name a point only where it is.
#
# **Caveat.** One small network and one rule, stopped after 2,230 steps. Critical points may lie near: a search for $g = 0$, which descends on $\|g\|^2$
# from there, still has gradients around $10^{-3}$ after thirty steps, and whether it would reach zero is open here.

# %% [markdown]
# ## Touch it
#
# $L = \tfrac12(w_1^2 + b\,w_2^2) + c\,w_1 w_2 + \tfrac14(w_1^4 + w_2^4)$ has the Hessian $\begin{pmatrix}1&c\\c&b\end{pmatrix}$ at the origin; $b$ and $c$
# are yours. Find (1) a saddle with a positive diagonal; (2) at $b = 1$, the $c$ at which the minimum is lost; (3) a degenerate point that is a minimum all
# the same.


# %% tags=["hide-input"]
# @title A bowl that you bend
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

    def draw(ax):
        title = f"b = {b:g}, c = {c:g}\neigenvalues {low:.2f}, {high:.2f}".replace("-", "−")
        plots.descents(surface, path, title=title, xlim=(-1.8, 1.8), ylim=(-1.8, 1.8))(ax)
        ax.set_aspect("equal")

    return draw


stills = [(1.0, 0.9), (1.0, 1.0), (1.0, 2.0)]
interact.explore(
    landscape,
    stills=[{"b": b, "c": c} for b, c in stills],
    alt="Contours and a path for three settings: a narrow diagonal valley with one minimum, the same valley with a flat floor, "
    "and a saddle with two minima on the falling diagonal, to one of which the path turns.",
    b=interact.Slider("curvature b along w₂", -2.0, 2.0, 0.1, 1.0),
    c=interact.Slider("off-diagonal entry c", -2.0, 2.0, 0.1, 2.0),
)

# %% [markdown]
# <details><summary>Answers</summary>
#
# (1) Any $b > 0$ with $c^2 > b$: the determinant $b - c^2$ is the product of the eigenvalues. (2) $|c| = 1$, where the lower eigenvalue $1 - |c|$ reaches 0;
# from there on the path turns to one of two minima. (3) That same point: at $b = 1$, $c = 1$ the flat direction is $(1, -1)$, and along it the fourth-order
# term rises; or $b = 0$, $c = 0$.
#
# </details>

# %% [markdown] claims=["S0-12", "S0-17", "S2-01", "S2-02", "S2-05", "S2-07", "S4-07"]
# ## What the sources say, and what is exact
#
# <details><summary>Nine statements</summary>
#
# Of a text on why training is hard, of notes on Hung-yi Lee's lectures of 2021, and of Nadav Cohen's post on deep linear networks.
#
# | says | exact |
# |---|---|
# | flat regions are saddle points, places of zero slope between peaks | a **plateau** is a region with a small gradient, a **saddle** a point with zero gradient and curvature of both signs; minima and maxima have zero slope too (section 3) |
# | start with much noise to find the right valley | on XOR with two units lasting noise of the right size, then quiet, raises the share of good ends; one kick does no better than a new start (section 4) |
# | local minima may be hardly worse than the global one | a conjecture for large networks; with two units on XOR the gap is 0.29 with weight decay, and $\tfrac12\ln2$ in the limit without (section 4) |
# | $v^\top H v > 0$ always, so $L' > L$ always: a local minimum | for **all** $v \ne 0$, and only in a **neighbourhood**; with zero eigenvalues the test decides nothing: $x^4$, $-x^4$, $x^3$ (section 1) |
# | critical points are minima or saddles | or maxima, or degenerate (section 1) |
# | the eigenvector of a negative eigenvalue goes down | with the sign for which $g^\top v \le 0$; Gauss-Newton has no such eigenvector anywhere (section 2) |
# | too expensive in practice | the Hessian is; the way down costs some tens of gradients (section 2) |
# | at trained networks not all eigenvalues are positive, so we are at saddles | the gradient there is not zero and many eigenvalues are almost zero: gradient-flat. The ratio rises as the loss falls, to 0.94 here and to 1 with another loss, and hangs on the tolerance (section 5) |
# | deep networks, of three or more layers, have non-strict saddles | three or more **weight matrices**; Kawaguchi (2016) counts the input as a layer and says "more than three layers" (section 3) |
#
# </details>

# %% [markdown]
# ## Summary
#
# 1. At a critical point the signs of the Hessian's eigenvalues decide: minimum, maximum, saddle; with zeros among them second order decides nothing.
# 2. At a saddle the eigenvector of the most negative eigenvalue goes down; a few tens of Hessian-vector products find it, and Gauss-Newton cannot see it.
# 3. A strict saddle holds you for $\ln(1/\varepsilon)$ and $\tfrac12\ln d$ steps; chains of three or more weights at zero hold you for a power of $1/\varepsilon$, because their Hessian is zero.
# 4. Equal units are a strict saddle on XOR, and noise of $10^{-8}$ frees them; out of a local minimum one kick must be as long as the weights, and lasting noise has to be measured out.
# 5. The small network here does not end at a critical point within 2,230 steps: its gradient lies in flat directions, and how many eigenvalues are "positive" depends on the tolerance.

# %% [markdown]
# ## Quick questions
#
# **1.** A Hessian has the eigenvalues 5, 2 and 0 at a critical point. What is the point?
# <details><summary>Answer</summary>
#
# Undecided. It may be a minimum (as everywhere along $w_1w_2 = 1$), or the loss may fall along the third direction in third or fourth order.
#
# </details>
#
# **2.** The Hessian is $\begin{pmatrix}3&-4\\-4&3\end{pmatrix}$ and $g = (0.1, -0.3)$. Along which unit vector do you leave?
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
# Its gradient contains the second layer's weights, which are zero, and the second layer's gradient contains the hidden outputs, which are zero. Only the last
# bias moves. Once it rests, a little noise frees the network at once if the errors are correlated with an input: then $H$ has a negative eigenvalue. On XOR they are
# not; there $H \ge 0$ at zero, and with weight decay zero is a minimum.
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
# | random restart | 随机重启 | another start, the best is kept | 4 |

# %% [markdown]
# ## Further reading
#
# - B. Pearlmutter (1994), [*Fast exact multiplication by the Hessian*](https://doi.org/10.1162/neco.1994.6.1.147).
# - Y. Dauphin, R. Pascanu, C. Gulcehre, K. Cho, S. Ganguli, Y. Bengio (2014), [*Identifying and attacking the saddle point problem in high-dimensional
#   non-convex optimization*](https://arxiv.org/abs/1406.2572).
# - A. Choromanska, M. Henaff, M. Mathieu, G. Ben Arous, Y. LeCun (2015), [*The loss surfaces of multilayer networks*](https://arxiv.org/abs/1412.0233).
# - R. Ge, F. Huang, C. Jin, Y. Yuan (2015), [*Escaping from saddle points: online stochastic gradient for tensor
#   decomposition*](https://arxiv.org/abs/1503.02101). Strict saddles.
# - J. Lee, M. Simchowitz, M. Jordan, B. Recht (2016), [*Gradient descent converges to minimizers*](https://arxiv.org/abs/1602.04915).
# - K. Kawaguchi (2016), [*Deep learning without poor local minima*](https://arxiv.org/abs/1605.07110). Non-strict saddles of deep linear networks.
# - C. Jin, R. Ge, P. Netrapalli, S. Kakade, M. Jordan (2017), [*How to escape saddle points efficiently*](https://arxiv.org/abs/1703.00887). The method
#   of the assignment.
# - S. Du, C. Jin, J. Lee, M. Jordan, A. Singh, B. Poczos (2017), [*Gradient descent can take exponential time to escape saddle
#   points*](https://arxiv.org/abs/1705.10412).
# - C. Frye, J. Simon, N. Wadia, A. Ligeralde, M. DeWeese, K. Bouchard (2021), [*Critical point-finding methods reveal gradient-flat regions of deep network
#   losses*](https://arxiv.org/abs/2003.10397).

# %% [markdown]
# ## Your turn
#
# [Assignment 04](../assignments/04_critical_points/04_critical_points.ipynb): compute a Hessian from gradients, name the point, count its minimum ratio,
# find the way down, and write gradient descent that kicks. Then let your own functions free eight equal units.
