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

# %% [markdown] claims=["S4-01", "S4-08"]
# # Why does gradient descent work at all?
#
# **Unit 12, deep linear networks.** 50 minutes. You need saddles and the Hessian (unit 04), the limit 2/L of the rate (unit 05),
# and the singular value decomposition of a matrix.
#
# Three layers without activations, 48 weights, one target, one rate. Below, gradient descent starts three times from normal
# weights; only their standard deviation differs. No local minimum of this surface is worse than the best one.
# One run arrives, one explodes, and one stands still for thousands of steps, stair after stair.

# %% tags=["hide-input"] claims=["S4-08"]
# @title Set-up, and three starts
import functools
import itertools
import math

import numpy as np
import torch
import torch.nn.functional as F

from trainlab import data, interact, plots
from trainlab.curvature import hessian
from trainlab.evidence import claim, table
from trainlab.networks import Objective
from trainlab.plots import Curve

torch.set_num_threads(1)  # the networks are tiny: more threads cost time
torch.set_default_dtype(torch.float64)


def mT(A):  # the transpose of each matrix of a stack (..., o, i)
    return np.swapaxes(A, -1, -2)


def product(Ws):  # W_N ... W_1 of the list [W_1, ..., W_N]
    return functools.reduce(lambda below, W: W @ below, Ws)


def loss_and_gradients(Ws, Phi):
    """L = |W_N ... W_1 - Phi|^2 / 2 and its derivative by every layer, for one network or a stack of them."""
    below, above = [np.eye(Ws[0].shape[-1])], [np.eye(Ws[-1].shape[-2])]
    for W in Ws:
        below.append(W @ below[-1])
    for W in reversed(Ws):
        above.append(above[-1] @ W)
    E = below[-1] - Phi
    gradients = [mT(A) @ E @ mT(B) for A, B in zip(above[-2::-1], below, strict=False)]
    return (E**2).sum(axis=(-2, -1)) / 2, gradients


def descend(Ws, Phi, lr, steps):
    """Gradient descent: the layers after `steps` steps, and the losses (steps, ...) before each of them."""
    losses = []
    with np.errstate(all="ignore"):  # some runs diverge, on purpose
        for _ in range(steps):
            L, G = loss_and_gradients(Ws, Phi)
            losses.append(L)
            Ws = [W - lr * g for W, g in zip(Ws, G, strict=True)]
    return Ws, np.array(losses)


def gaussian(dims, std, seeds):
    """Layers with normal entries, stacked over the seeds: dims = [d_0, ..., d_N]."""
    rngs = [np.random.default_rng(seed) for seed in seeds]
    return [np.stack([std * rng.normal(size=(o, i)) for rng in rngs]) for i, o in itertools.pairwise(dims)]


hook = np.random.default_rng(1).normal(size=(4, 4))
_, three = descend(
    [W * np.array([0.1, 0.5, 1.5])[:, None, None] for W in gaussian([4] * 4, 1, [0, 0, 0])], hook, 0.02, 7000
)


def starts_drawn(ax):
    for k, cut in enumerate((7000, 900, 3)):
        y = np.nan_to_num(np.minimum(three[:cut, k], 1e9), nan=1e9)
        ax.plot(np.arange(1, cut + 1), y, color=plots.COLOURS[k], linestyle=("-", "--", ":")[k], linewidth=2)
    ax.set(xscale="log", yscale="log", ylim=(1e-8, 1e6), xlabel="step", ylabel="loss")
    ax.text(900, 3.6, "std 0.1: stairs", color=plots.ink(plots.COLOURS[0]), fontsize=9)
    ax.text(30, 1e-4, "std 0.5: arrives", color=plots.ink(plots.COLOURS[1]), fontsize=9)
    ax.text(2, 8e3, "std 1.5: explodes", color=plots.ink(plots.COLOURS[2]), fontsize=9)


plots.show(
    starts_drawn,
    height=2.8,
    alt="Three losses on logarithmic axes from three sizes of start: the middle one falls to zero after some 500 steps, the large one shoots "
    "up within three steps, and the small one goes down in wide stairs for 6,000 steps.",
)

# %% [markdown] claims=["S4-01", "S4-02", "S4-03", "S4-04", "S4-05", "S4-06", "S4-11", "S0-13"]
# ## 1. What would a kind surface prove?
#
# **Question.** Gradient descent knows the slope under its feet and nothing else. The losses of networks are not convex, yet it
# succeeds again and again. Is the surface kinder than it needs to be?
#
# **Theory.** The **landscape conjecture** says so in two parts: (1) every local minimum is about as low as the lowest; (2) every other critical point
# is a **strict saddle**, one whose Hessian has a negative eigenvalue. Where both hold, much follows. From almost every start
# gradient descent, with a small enough rate, does not stop at a strict saddle (Lee et al. 2016); with a little noise it leaves each in a number of steps that
# grows like a power of $\log d$ only (Ge et al. 2015, Jin et al. 2017; you timed it in unit 04). So it ends in a minimum, and by (1)
# that is a good one. A statement about points has become one about an algorithm.
#
# It is proved for shallow problems: matrix sensing and completion, orthogonal tensors, phase retrieval, one hidden layer of quadratic units.
# For deep networks it came from an analogy with spin glasses (Choromanska et al. 2015), under assumptions that networks do not
# meet. The XOR network of unit 01, with two hidden units, refutes it as a law: more than a third of its runs end in a bad minimum.
#
# A **deep linear network** is the smallest deep thing there is: $y = W_N \cdots W_1 x$, with $W_j$ of shape $d_j \times d_{j-1}$. On whitened inputs
# its squared error is, up to a constant,
#
# $$L(W_1, \dots, W_N) = \tfrac12 \,\lVert W_N \cdots W_1 - \Phi \rVert_F^2 .$$
#
# It computes a matrix, as one layer does, but the surface is another: negate two layers and the loss stays, while half-way between the two networks
# these layers are zero. So it is not convex; it has valleys of minima and infinitely many saddles. Part (1) is a theorem for it
# (Kawaguchi 2016).
#
# **Predict.** A random 3 × 4 target, 20 random starts with two layers and 20 with three, 4,000 steps each. How many of the 40 end somewhere else than at loss 0?


# %% claims=["S4-01", "S4-11", "S0-13"]
target = np.random.default_rng(99).normal(size=(3, 4))
ends = {}
for N in (2, 3):
    dims = [4] * N + [3]
    _, losses = descend(gaussian(dims, 0.5, range(20)), target, lr=0.03, steps=4000)
    ends[N] = losses[-1]
for N, end in ends.items():
    print(f"{N} layers: {len(end)} runs, loss in the end {end.max():.0e} or less")

# %% [markdown] claims=["S4-02", "S4-06"]
# None. Here the surface is kind, as promised.

# %% [markdown] claims=["S4-07", "S4-08", "S4-09"]
# ## 2. Why is that not enough?
#
# **Question.** Suppose that all minima of a network are good. Does it train?
#
# **Theory, first gap.** Take all weights zero. The product of $N$ small layers is small of order $N$, so around zero
#
# $$L(tW_1, \dots, tW_N) = L(0) - t^N \langle \Phi,\, W_N \cdots W_1 \rangle + O(t^{2N}) .$$
#
# Zero is a critical point from $N = 2$ on, and it is no minimum.
#
# **Predict.** For widths 3, 3, 2 (two layers, 15 weights) the Hessian at zero has six negative eigenvalues. How many of the 24 does it have for widths 3, 3,
# 3, 2: none, six, or twelve?


# %% claims=["S4-07"]
def deep_linear_loss(dims, Phi):
    """L of all weights, as one vector."""
    shapes = [(o, i) for i, o in itertools.pairwise(dims)]

    def loss(w):
        layers = w.split([o * i for o, i in shapes])
        Ws = [part.view(shape) for part, shape in zip(layers, shapes, strict=True)]
        return (product(Ws) - Phi).square().sum() / 2

    return Objective(loss), sum(o * i for o, i in shapes)


signs = {}
for N, seed in itertools.product((2, 3, 4), range(3)):
    Phi = torch.tensor(np.random.default_rng(seed).normal(size=(2, 3)))
    objective, size = deep_linear_loss([3] * N + [2], Phi)
    lam = np.linalg.eigvalsh(hessian(objective, np.zeros(size)))
    signs[N, seed] = [int((lam < -1e-12).sum()), int((np.abs(lam) <= 1e-12).sum()), int((lam > 1e-12).sum())]
print("\n".join(f"{N} layers: {signs[N, 0]} eigenvalues are negative, zero, positive" for N in (2, 3, 4)))

# %% [markdown] claims=["S4-07", "S4-08"]
# None: all 24 are exactly zero, a **non-strict** saddle. The way down is of third order, and nothing in part (2) covers it. From three
# weight matrices on, part (2) is false even for linear networks. In unit 04 the time to leave such a place grew like a power of 1/distance, no more like a
# logarithm. That is the first stair of the run above with small weights.
#
# **Second gap.** The three runs at the top share one surface, so no property of the surface tells them apart. The *start* does. So does normalisation, about which the conjecture says nothing. Five layers of 64 logistic units read digits, 300 steps, each at the best of three rates:


# %% tags=["hide-input"] claims=["S4-08"]
# @title Five logistic layers: two starts on one surface, and batch normalisation
digits = data.digits(1200)
pixels = torch.tensor((digits.inputs - digits.inputs.mean()) / digits.inputs.std(), dtype=torch.float32)
labels = torch.tensor(digits.labels)


def logistic(scale, normalised, rates=(0.3, 1.0, 3.0), seeds=2, steps=300):
    """Share of all digits that are read after training, at the best of the rates, for every seed."""
    n, g = seeds * len(rates), torch.Generator().manual_seed(0)
    lr = torch.tensor(rates * seeds, dtype=torch.float32)[:, None, None]
    Ws = [
        torch.randn(seeds, i, o, generator=g, dtype=torch.float32).repeat_interleave(len(rates), 0)
        * (scale if o == 64 else 1)
        / i**0.5
        for i, o in itertools.pairwise([64] * 6 + [10])
    ]
    bs = [torch.zeros(n, 1, W.shape[2], dtype=torch.float32) for W in Ws]
    parts = [p.requires_grad_() for p in (*Ws, *bs)]

    def scores(rows):
        h = pixels[rows].expand(n, -1, -1)
        for W, b in zip(Ws[:-1], bs[:-1], strict=True):
            z = h @ W
            if normalised:
                z = (z - z.mean(dim=1, keepdim=True)) / (z.var(dim=1, keepdim=True) + 1e-5).sqrt()
            h = torch.sigmoid(z + b)
        return h @ Ws[-1] + bs[-1]

    for _ in range(steps):
        rows = torch.randint(0, 1200, (64,), generator=g)
        loss = F.cross_entropy(scores(rows).mT, labels[rows].expand(n, -1), reduction="none").mean(dim=1)
        slopes = torch.autograd.grad(loss.sum(), parts)
        with torch.no_grad():
            for p, slope in zip(parts, slopes, strict=True):
                p -= lr * slope
    with torch.no_grad():
        right = (scores(torch.arange(1200)).argmax(dim=2) == labels).double().mean(dim=1)
    return right.view(seeds, -1).max(dim=1).values.numpy()


read = {
    "normal start": logistic(1, False),
    "the same, times 4": logistic(4, False),
    "batch normalisation": logistic(1, True),
}
for name, right in read.items():
    print(f"{name:20s} reads {right.min():.0%} to {right.max():.0%} of the digits")

# %% [markdown] claims=["S4-09"]
# The first two rows walk on one and the same surface.
#
# **Third gap.** Take a problem as easy as any, convex with one minimum: find $w \in \mathbb R^2$ with
# $L = \frac1p \sum_i |w_i - y_i|^p$, $y = (10, 1)$. Now write $w$ as $u\,v$ with a number $v$, or $u\,v_2 v_1$: more layers, and not one function more. Convexity is gone, and a saddle is new. By the landscape
# this can only harm.
#
# **Predict.** For $p = 4$, one layer arrives after 2,387 steps at the best of 40 rates. Do two layers take more or fewer? And for $p = 2$?


# %% claims=["S4-09"]
def steps_of_the_best_rate(p, N, y=(10.0, 1.0)):
    """w = u v^(N-1), with all numbers v equal, from a balanced start of length 0.01."""
    y, rates, goal = np.array(y)[:, None], np.logspace(-5, 1.5, 40), {2: 1e-6, 4: 1e-4}[p]
    v = np.full(40, 0.01 ** (1 / N))
    u, steps = np.ones((2, 1)) / 2**0.5 * v, 0
    while True:
        r = u * v ** (N - 1) - y
        if ((np.abs(r) ** p).sum(axis=0) / p < goal).any():
            return steps
        g = np.sign(r) * np.abs(r) ** (p - 1)  # dL/dw
        dv = (g * u).sum(axis=0) * v ** (N - 2) if N > 1 else 0
        u, v, steps = u - rates * g * v ** (N - 1), v - rates * dv, steps + 1


with np.errstate(all="ignore"):
    depth = {p: [steps_of_the_best_rate(p, N) for N in (1, 2, 3)] for p in (4, 2)}
for p, counts in depth.items():
    print(f"p = {p}: {counts} steps with 1, 2, 3 layers")

# %% [markdown] claims=["S4-09", "S4-08"]
# Depth that adds no function made gradient descent 4.5 to 5.5 times faster, on one of the two losses. A source says that linear layers "accelerate"; the paper says *sometimes*
# (Arora, Cohen and Hazan 2018), and for $p = 2$ they do not.

# %% tags=["hide-input"] claims=["S4-01", "S4-07", "S4-08", "S4-09", "S4-11", "S0-13"]
# @title Evidence for sections 1 and 2
by_depth = {N: np.array([signs[N, seed] for seed in range(3)]) for N in (2, 3, 4)}
with np.errstate(all="ignore"):
    nearer = {p: [steps_of_the_best_rate(p, N, (3.0, 1.0)) for N in (1, 2, 3)] for p in (4, 2)}
table(
    claim("S4-11", "loss after 4,000 steps, 40 random starts", [*ends[2], *ends[3]], at_most=1e-15),
    claim(
        "S4-07",
        "negative eigenvalues at zero, two layers, 3 targets",
        by_depth[2][:, 0],
        predicted=6,
        within=0,
    ),
    claim(
        "S4-07", "zero eigenvalues at zero, three layers, of 24", by_depth[3][:, 1], predicted=24, within=0
    ),
    claim("S4-08", "digits read, normal start", read["normal start"], at_most=0.3),
    claim("S4-08", "digits read, start times 4", read["the same, times 4"], at_least=0.8),
    claim("S4-08", "digits read, batch normalisation", read["batch normalisation"], at_least=0.9),
    claim(
        "S4-09",
        "p = 4: steps of one layer over two and three",
        depth[4][0] / np.array(depth[4][1:]),
        at_least=4,
    ),
    claim("S4-09", "p = 2: the same", depth[2][0] / np.array(depth[2][1:]), at_most=0.1),
    more=[
        claim(
            "S4-07", "zero eigenvalues at zero, four layers, of 33", by_depth[4][:, 1], predicted=33, within=0
        ),
        claim(
            "S4-07",
            "zero and positive ones, two layers",
            by_depth[2][:, 1:],
            predicted=np.tile([3, 6], 3),
            within=0,
        ),
        claim(
            "S4-08",
            "steps of the start with std 0.1 over std 0.5",
            np.argmax(three[:, 0] < 1e-6) / np.argmax(three[:, 1] < 1e-6),
            at_least=5,
        ),
        claim(
            "S4-09",
            "y = (3, 1), p = 4: one layer over two and three",
            nearer[4][0] / np.array(nearer[4][1:]),
            at_least=4,
        ),
        claim("S4-09", "y = (3, 1), p = 2", nearer[2][0] / np.array(nearer[2][1:]), at_most=0.1),
    ],
)

# %% [markdown]
# **Caveat.** Two coordinates, two targets. How much depth gains hangs on their ratio; with random data in twenty dimensions it gained in two of three draws.

# %% [markdown] claims=["S4-10", "S4-12"]
# ## 3. Where does the path go?
#
# **Question.** If points of the surface do not decide, the path does. Can one *compute* it?
#
# **Theory.** Two layers, $\Phi = U S V^\top$. Let the rate go to zero and count time as steps × η (gradient flow). Start with
# $W_1 = \sqrt{u_0}\, R V^\top$ and $W_2 = \sqrt{u_0}\, U R^\top$, $R$ any rotation: the modes then never mix, and the strength $u$ of a mode follows
#
# $$\dot u = 2u\,(s - u), \qquad u(t) = \frac{s\,e^{2st}}{e^{2st} - 1 + s/u_0}, \qquad t_{1/2} = \frac{1}{2s}\,\ln\left(\frac{s}{u_0} - 1\right) \tag{1}$$
#
# (Saxe, McClelland and Ganguli 2014). A single layer would have $\dot u = s - u$, all modes at one pace.
#
# **Predict.** Four modes, s = 3, 2, 1 and ½, from $u_0 = 0.001$. The strongest is half learnt at time 1.33. When is the weakest: at 1.6, 6.2 or 48?


# %% claims=["S4-12"]
def saxe(t, s, u0):
    return s / (1 + (s / u0 - 1) * np.exp(-2 * s * t))


def modes_of_a_run(lr, seed, u0=1e-3, strengths=(3, 2, 1, 0.5), time=9):
    rng = np.random.default_rng(seed)
    U, V, R = (np.linalg.qr(rng.normal(size=(4, 4)))[0] for _ in range(3))
    Phi = U * strengths @ V.T
    Ws, modes = [u0**0.5 * R @ V.T, u0**0.5 * U @ R.T], []
    for _ in range(int(time / lr)):
        modes.append(np.diag(U.T @ Ws[1] @ Ws[0] @ V))
        _, G = loss_and_gradients(Ws, Phi)
        Ws = [W - lr * g for W, g in zip(Ws, G, strict=True)]
    return np.arange(len(modes)) * lr, np.array(modes)


s, errors, lines = np.array([3, 2, 1, 0.5]), {}, []
for lr in (1e-2, 1e-3):
    t, modes = modes_of_a_run(lr, seed=0)
    errors[lr] = np.abs(modes - saxe(t[:, None], s, 1e-3)).max()
    half = [t[np.argmax(row > part / 2)] for row, part in zip(modes.T, s, strict=True)]
    lines.append(f"η = {lr}: half learnt at {np.round(half, 2)}, off the formula by at most {errors[lr]:.4f}")
print("\n".join(lines))

# %% tags=["hide-input"] claims=["S4-12", "S4-10"]
# @title Measured modes on the formula, and modes from a random start
at_random = []
for seed in range(3):
    Ws, course = [1e-3 * W[0] for W in gaussian([4, 16, 4], 1, [seed])], []
    for _ in range(1400):
        course.append(np.diag(product(Ws)))
        _, G = loss_and_gradients(Ws, np.diag(s))
        Ws = [W - 0.01 * g for W, g in zip(Ws, G, strict=True)]
    at_random.append(course)
at_random = np.array(at_random)  # (seed, step, mode)
halves = 0.01 * np.argmax(at_random > s / 2, axis=1)


def drawn(t, modes, title, u0=None, xlim=12, label=True):
    def draw(ax):
        for k, part in enumerate(s):
            ax.plot(
                t,
                modes[:, k],
                color=plots.COLOURS[k],
                linewidth=1,
                marker=plots.MARKERS[k],
                markevery=max(1, len(t) // 14),
            )
            if u0:
                ax.plot(t, saxe(t, part, u0), color=plots.GREY, linestyle="--", linewidth=1)
            ax.text(
                xlim, part + 0.1, f"s = {part:g}", ha="right", fontsize=9, color=plots.ink(plots.COLOURS[k])
            )
        ax.set(
            xlim=(0, xlim),
            ylim=(0, 3.4),
            xlabel="time (steps × η)",
            ylabel="strength of the mode" if u0 else "",
            title=title,
        )

    return draw


t, modes = modes_of_a_run(1e-2, seed=0)
plots.show(
    drawn(t, modes, "aligned start, formula dashed", 1e-3, xlim=9),
    drawn(0.01 * np.arange(1400), at_random[0], "random start, std 0.001", xlim=14),
    height=2.7,
    alt="Four modes rise one after the other, the strongest first, each from zero to its strength in a steep S; on the left the dashed "
    "formula lies on the marks; on the right, from a random start, the same order, later.",
)

# %% [markdown] claims=["S4-12", "S4-10", "S4-19"]
# Stairs, strongest first; the weakest at 6.2. The distance to the formula falls tenfold with η: it is the step size, not the theory. A random start of standard deviation 0.001 keeps the
# order but comes later (2.1 to 2.4 for the strongest): its overlap with a mode is some 10⁻⁶ and not 0.001.
#
# This is what the **trajectory approach** does: follow the path and ask what holds along it. Saxe's formula proves no convergence: it is for flow, not for steps, and for
# this start. What holds for *every* start? Let $G = \partial L / \partial W_j$ at layer $j$. In $W_{j+1}^\top G_{j+1} = G_j W_j^\top$ both sides are the same product, so under the flow
#
# $$\frac{d}{dt}\left( W_{j+1}^\top W_{j+1} - W_j W_j^\top \right) = 0 .$$
#
# Its size at the start is the **balancedness gap**. A step of gradient descent changes the bracket by $\eta^2 (G_{j+1}^\top G_{j+1} - G_j G_j^\top)$ exactly.
#
# **Predict.** Three layers, time 20, an unbalanced start. Halve η and take twice as many steps. Will the drift of the bracket double, stay, halve, or fall to a quarter?


# %% claims=["S4-19"]
def brackets(Ws):
    return [mT(V) @ V - W @ mT(W) for W, V in itertools.pairwise(Ws)]


def drift(lr, seed, time=20):
    rng = np.random.default_rng(seed)
    Phi = rng.normal(size=(3, 5))
    Ws = [0.3 * rng.normal(size=shape) for shape in ((6, 5), (6, 6), (3, 6))]
    after, _ = descend(Ws, Phi / np.linalg.norm(Phi), lr, int(time / lr))
    return max(np.linalg.norm(b - a) for a, b in zip(brackets(Ws), brackets(after), strict=True))


drifts = np.array([[drift(lr, seed) for lr in (0.04, 0.02, 0.01)] for seed in range(3)])
print("drift:", drifts[0].round(5), "  over η:", (drifts[0] / (0.04, 0.02, 0.01)).round(3))

# %% [markdown] claims=["S4-19", "S4-09"]
# It halves: steps of size η², but 1/η times as many, so 0.226 η. Why does it matter? If the gap is zero, neighbours have equal singular values and aligned
# singular vectors. The layers then multiply like numbers, and each has the singular values of the product to the power $1/N$. So, to first order in η, the product $W$ moves by a rule of its own, the **end-to-end rule** (Arora, Cohen and Hazan 2018):
#
# $$W \leftarrow W - \eta \sum_{j=1}^{N} \left[W W^\top\right]^{\frac{j-1}{N}} \frac{dL}{dW} \left[W^\top W\right]^{\frac{N-j}{N}} .$$
#
# Depth has become a preconditioner: a direction of strength σ is sped up by $N \sigma^{2 - 2/N}$. What is learnt already moves faster, what is
# near zero hardly moves. This makes the stairs, and to this the paper traces the gain for $p = 4$. In the assignment you run the rule against the layers.


# %% tags=["hide-input"] claims=["S4-12", "S4-19", "S4-10"]
# @title Evidence: the path
def root_power(A, power):
    """A positive semidefinite matrix to a power."""
    lam, V = np.linalg.eigh(A)
    return V * np.clip(lam, 0, None) ** power @ V.T


def balanced(A, dims):
    """Layers with the product A and a gap of zero: the singular values to the power 1/N in each."""
    U, sigma, Vt = np.linalg.svd(A, full_matrices=False)
    root, n = np.diag(sigma ** (1 / (len(dims) - 1))), len(sigma)
    rights = [Vt, *(np.eye(n, d) for d in dims[1:-1])]
    lefts = [*(np.eye(d, n) for d in dims[1:-1]), U]
    return [left @ root @ right for left, right in zip(lefts, rights, strict=True)]


def off_the_rule(N, lr, seed):
    """Largest relative distance between the product of N layers and the end-to-end rule, up to time 3."""
    rng = np.random.default_rng(seed)
    Phi, W = rng.normal(size=(3, 5)), 0.3 * rng.normal(size=(3, 5))
    Ws, worst = balanced(W, [5] * N + [3]), 0.0
    for _ in range(int(3 / lr)):
        _, G = loss_and_gradients(Ws, Phi)
        Ws = [A - lr * g for A, g in zip(Ws, G, strict=True)]
        powers = [
            (root_power(W @ W.T, (j - 1) / N), root_power(W.T @ W, (N - j) / N)) for j in range(1, N + 1)
        ]
        W = W - lr * sum(left @ (W - Phi) @ right for left, right in powers)
        worst = max(worst, np.linalg.norm(W - product(Ws)) / np.linalg.norm(W))
    return worst


rule = np.array([[off_the_rule(N, lr, 0) for lr in (0.04, 0.02, 0.01)] for N in (2, 3, 4)])
fits = np.array(
    [
        [
            np.abs(m - saxe(t[:, None], s, 1e-3)).max()
            for t, m in (modes_of_a_run(lr, k) for lr in (1e-2, 1e-3))
        ]
        for k in range(3)
    ]
)
t, modes = modes_of_a_run(1e-3, 0)
half_times = np.log(s / 1e-3 - 1) / (2 * s)
aligned, _ = descend(balanced(0.5 * target, [4, 5, 5, 3]), target, 0.01, 300)
spectra = np.array([np.linalg.svd(W)[1][:3] for W in aligned])
ratio = drifts / (0.04, 0.02, 0.01)
table(
    claim(
        "S4-12",
        "largest distance to the formula, η = 0.001, 3 targets",
        fits[:, 1],
        predicted=0.0067,
        within=0.01,
    ),
    claim("S4-12", "the same over η = 0.01: ten times", fits[:, 0] / fits[:, 1], predicted=10, within=0.02),
    claim(
        "S4-12",
        "times of half strength",
        [t[np.argmax(m > p / 2)] for m, p in zip(modes.T, s, strict=True)],
        predicted=half_times,
        within=0.005,
    ),
    claim("S4-12", "random start: gaps between half times, 3 seeds", np.diff(halves, axis=1), at_least=0.5),
    claim("S4-19", "drift of the bracket over η, first start", ratio[0], predicted=0.226, within=0.02),
    claim(
        "S4-19",
        "drift at η over drift at η/2, 3 starts",
        drifts[:, :2] / drifts[:, 1:],
        predicted=2,
        within=0.03,
    ),
    claim(
        "S4-19",
        "layers off the end-to-end rule: η over η/2, N = 2, 3, 4",
        rule[:, :2] / rule[:, 1:],
        predicted=2,
        within=0.1,
    ),
    more=[
        claim("S4-12", "random start: strongest mode half learnt", halves[:, 0], at_least=1.8, at_most=2.8),
        claim(
            "S4-19",
            "singular values of layers 1 and 3 over those of 2 on a balanced path",
            spectra[[0, 2]] / spectra[1],
            predicted=1,
            within=0.01,
        ),
        claim("S4-19", "layers off the rule at η = 0.01", rule[:, 2], at_most=0.035),
    ],
)

# %% [markdown]
# **Caveat.** Equation (1) is for two layers and an aligned start. Conservation is exact for the flow alone, for every start; at a finite rate it holds to first order in η.

# %% [markdown] claims=["S4-14", "S4-15", "S4-20"]
# ## 4. When is arrival certain?
#
# **Question.** Which starts and rates arrive for certain, and in how many steps?
#
# **Theory** (Arora, Cohen, Golowich and Hu 2018). Let no layer be a **bottleneck**: $d_j \ge \min(d_0, d_N)$ for every $j$. The start satisfies two conditions:
#
# - **δ-balanced:** the gap $\lVert W_{j+1}^\top W_{j+1} - W_j W_j^\top \rVert_F$ is at most δ for every $j$;
# - **deficiency margin** $c > 0$: $\;\lVert W_N \cdots W_1 - \Phi \rVert_F \le \sigma_{\min}(\Phi) - c$.
#
# The proof in three steps. While the loss does not rise, the margin stays, and so every singular value of the product is at least $c$. Balanced layers then have none below $c^{1/N}$, so the gradient of the first or of the last is at least
# $c^{(N-1)/N}\, \lVert W_N \cdots W_1 - \Phi \rVert$. And a small enough step turns this into progress:
#
# $$L_{t+1} \le \left( 1 - \eta\, c^{2(N-1)/N} \right) L_t .$$
#
# What "small enough" means is Theorem 1. With $\varphi = \lVert \Phi \rVert_F$,
#
# $$\delta = \frac{c^2}{256 N^3 \varphi^{2(N-1)/N}}, \qquad \eta \le \frac{c^{(4N-2)/N}}{6144 N^3 \varphi^{(6N-4)/N}} \quad\Longrightarrow\quad L_T \le \varepsilon \;\text{ for }\; T \ge \frac{\ln(L_0/\varepsilon)}{\eta\, c^{2(N-1)/N}} .$$
#
# **Predict.** Take it literally where one can: one unit a layer, target 1, product 0.9 at the start, so $c = 0.9$; two layers, $\varepsilon = 10^{-10}$. It allows η = 1.5 · 10⁻⁵ and promises at most 1,328,066 steps. Will it take about 1,300,000, 300,000 or 3,000?


# %% claims=["S4-15", "S4-20"]
def literally(N, start, c=0.9, eps=1e-10):
    lr = c ** ((4 * N - 2) / N) / (6144 * N**3)
    bound = math.log((start - 1) ** 2 / 2 / eps) / (lr * c ** (2 * (N - 1) / N))
    w, steps = start ** (1 / N), 0  # all N layers equal: balanced
    while (w**N - 1) ** 2 / 2 > eps:
        w -= lr * w ** (N - 1) * (w**N - 1)
        steps += 1
    return steps, bound


proved = {(N, start): literally(N, start) for N in (2, 3) for start in (0.9, 1.1)}
for N in (2, 3):
    steps, bound = proved[N, 0.9]
    print(f"{N} layers: {steps:,} steps, at most {math.ceil(bound):,} promised")

# %% [markdown] claims=["S4-20"]
# It holds, with a factor of four to seven to spare. But the rate is tiny; for 4 × 4 matrices and three layers it is 2 · 10⁻⁸. So look at the inequality for one step, which is the theorem's heart, and
# take a rate of practice. Fifteen runs with a margin near 0.5, η = 0.02/N, sixty thousand to two million times the theorem's:

# %% tags=["hide-input"] claims=["S4-15", "S4-20", "S4-14"]
# @title The slowest step of each run against its bound
worst, bounds, over, falls = [], [], [], []
for N, seed in itertools.product((2, 3, 5), range(5)):
    rng = np.random.default_rng(seed)
    Phi, D = np.eye(4) + 0.15 * rng.normal(size=(4, 4)), rng.normal(size=(4, 4))
    lowest = np.linalg.svd(Phi)[1].min()
    A = Phi + 0.35 * lowest * D / np.linalg.norm(D)
    c, lr = lowest - np.linalg.norm(A - Phi), 0.02 / N
    _, losses = descend(balanced(A, [4] * (N + 1)), Phi, lr, 600)
    worst.append((losses[1:] / losses[:-1]).max())
    bounds.append(1 - lr * c ** (2 * (N - 1) / N))
    over.append(lr / (c ** ((4 * N - 2) / N) / (6144 * N**3 * np.linalg.norm(Phi) ** ((6 * N - 4) / N))))
    falls.append(losses / losses[0])
worst, bounds, over = (np.array(x).reshape(3, 5) for x in (worst, bounds, over))


def one_step(ax):
    for k in range(3):
        fall = falls[5 * k]
        ax.plot(fall, color=plots.COLOURS[k], marker=plots.MARKERS[k], markevery=60)
        ax.plot(
            bounds[k, 0] ** np.arange(600), color=plots.COLOURS[k], linestyle=plots.DASHES[k], linewidth=1.2
        )
    ax.set(yscale="log", xlim=(0, 780), xlabel="step", ylabel="loss / loss at the start")
    for k, (y, N) in enumerate(((4e-10, 2), (1.4e-9, 3), (5e-9, 5))):
        ax.text(610, y, f"N = {N}", color=plots.ink(plots.COLOURS[k]), fontsize=9, va="center")
    ax.text(610, 0.1, "bounds", fontsize=9, va="center")


plots.show(
    one_step,
    height=2.7,
    alt="On a logarithmic axis three losses fall along straight lines by nine to twelve powers of ten in 600 steps, far below their three bounds, "
    "which fall by less than a factor of twenty.",
)
for k, N in enumerate((2, 3, 5)):
    print(
        f"{N} layers: slowest step leaves {worst[k].max():.4f} of the loss, bound {bounds[k].min():.4f}, rate {over[k].min():,.0f} times the theorem's or more"
    )

# %% [markdown] claims=["S4-13", "S4-16", "S4-15"]
# Straight lines, a **linear rate**, at rates far outside what is proved.
#
# Are the conditions needed? **Without a margin.** All layers start as identity matrices: balanced exactly. Bartlett, Helmbold and Long (2018) proved that this start converges at a linear rate for
# symmetric positive definite targets. Now the target is diag(1.2, 0.8, −0.5).
#
# **Predict.** Where does the loss end: at 0, at 0.125, or does it diverge? And when the start is disturbed by normal noise of 0.001?

# %% claims=["S4-13", "S4-16"]
signed, stuck, lines = np.diag([1.2, 0.8, -0.5]), {}, []
for N in (2, 3, 4):
    rngs = [np.random.default_rng(seed) for seed in range(3)]
    starts = [
        np.stack([np.eye(3)] + [np.eye(3) + 1e-3 * rng.normal(size=(3, 3)) for rng in rngs]) for _ in range(N)
    ]
    _, stuck[N] = descend(starts, signed, lr=0.02, steps=2_000 if N == 2 else 20_000)
    arrived = [int(np.argmax(run < 1e-6)) or "never" for run in stuck[N].T[1:]]
    lines.append(f"{N} layers: identity ends at {stuck[N][-1, 0]:.6f}; with noise, 10⁻⁶ at steps {arrived}")
print("\n".join(lines))

# %% [markdown] claims=["S4-13", "S4-16"]
# An entry of the product is $w^N$ with $w$ falling from 1: it creeps to 0 and never below, so ½ · 0.5² = 0.125 is left. Noise frees two layers in about 1,000 steps, three in 5,000 to 18,000, and four
# not within 20,000: zero is a strict saddle for two layers and not for more.
#
# **Without balance.** Target $I$, $W_1 = kI$ and $W_2 = \frac{0.9}{k} I$: the same product and the same margin for every $k$.
#
# **Predict.** With η = 0.05, will $k = 1, 3, 10, 30$ all arrive?

# %% claims=["S4-16"]
lopsided, lines = {}, []
for lr, k in itertools.product((0.05, 0.01), (1, 3, 10, 30)):
    _, losses = descend([k * np.eye(2), 0.9 / k * np.eye(2)], np.eye(2), lr, 3000)
    lopsided[lr, k] = losses[-1]
    lines.append(f"η = {lr}, k = {k:2d}: " + ("arrives" if losses[-1] < 1e-12 else "diverges"))
print("\n".join(lines))

# %% tags=["hide-input"] claims=["S4-13", "S4-14", "S4-15", "S4-16", "S4-20"]
# @title Evidence: both conditions
slack = np.array([bound / steps for steps, bound in proved.values()]).reshape(2, 2)
gone = np.array([not stuck_at < 1e-12 for stuck_at in lopsided.values()]).reshape(2, 4)
free = {N: np.argmax(stuck[N][:, 1:] < 1e-6, axis=0) for N in (2, 3)}
kind = {N: descend([np.eye(3)] * N, np.diag([1.2, 0.8, 0.5]), 0.02, 600)[1] for N in (2, 3, 4)}
_, tight = descend(gaussian([4, 1, 4], 0.5, range(5)), np.diag([2.0, 1, 1, 1]), 0.03, 4000)
table(
    claim("S4-20", "steps promised over steps taken, N = 2, two starts", slack[0], at_least=4),
    claim("S4-20", "the same, N = 3", slack[1], at_least=6),
    claim("S4-20", "1 − slowest step over 1 − bound, 15 runs", (1 - worst) / (1 - bounds), at_least=3),
    claim("S4-15", "rate over the theorem's, N = 3 and 5", over[1:], at_least=1e5),
    claim(
        "S4-13",
        "identity start, a negative eigenvalue: loss in the end, N = 2, 3, 4",
        [stuck[N][-1, 0] for N in stuck],
        predicted=0.125,
        within=1e-4,
    ),
    claim("S4-16", "the same with noise: steps to 10⁻⁶, N = 2", free[2], at_least=800, at_most=1200),
    claim("S4-16", "N = 4, with noise, after 20,000 steps", stuck[4][-1, 1:], predicted=0.125, within=1e-3),
    claim(
        "S4-16",
        "η = 0.05 diverges for 10 and 30, not for 1 and 3",
        gone[0] + 1.0,
        predicted=[1, 1, 2, 2],
        within=0,
    ),
    more=[
        claim(
            "S4-20",
            "steps, N = 2 and 3, from 0.9",
            [proved[2, 0.9][0], proved[3, 0.9][0]],
            predicted=[302362, 707495],
            within=1e-3,
        ),
        claim("S4-16", "with noise: steps to 10⁻⁶, N = 3", free[3], at_least=3000, at_most=20000),
        claim(
            "S4-16",
            "lowest loss of the identity start, all steps",
            [stuck[N][:, 0].min() for N in stuck],
            at_least=0.125 - 1e-9,
        ),
        claim("S4-16", "η = 0.01: diverges for 30 alone", gone[1] + 1.0, predicted=[1, 1, 1, 2], within=0),
        claim(
            "S4-13",
            "identity start, positive target: loss after 600 steps",
            [kind[N][-1] for N in kind],
            at_most=1e-4,
        ),
        claim(
            "S4-13",
            "share of the loss left by its last steps",
            [(kind[N][-1] / kind[N][-101]) ** 0.01 for N in kind],
            at_most=0.995,
        ),
        claim(
            "S4-14",
            "with a bottleneck of 1, rank 4 target: loss, 5 starts",
            tight[-1],
            predicted=1.5,
            within=1e-6,
        ),
    ],
)

# %% [markdown] claims=["S4-14", "S4-16"]
# $k = 10$ diverges: a valley with curvature $k^2 = 100$ wants η < 0.02. With η = 0.01 it arrives, and $k = 30$ diverges. Imbalance spends the rate.
#
# A source calls both conditions *necessary*. What is shown is that a violation **may** fail: for each there are starts that do. It need not: unbalanced random starts arrived
# forty times in section 1, and a thousandth of noise cured the identity start of two layers. The same source also defines bottlenecks the wrong way round. A bottleneck is a layer
# with $d_j < \min(d_0, d_N)$: through a middle of one unit a target of rank 4 cannot pass (folded above: the loss stays at 1.5).
#
# **Caveat.** Whitened data, squared error, full batches. The margin demands a target of full rank, and a start that is already nearer to it than any matrix of lower rank.

# %% [markdown] claims=["S4-17", "S4-18", "S4-21"]
# ## 5. Does your start meet the conditions, and what is left with tanh?
#
# **Question.** Nobody starts a product at 0.9 of its target. Do the starts of practice meet the conditions?
#
# **Experiment.** Sixteen inputs, one output, width 16, $|\Phi| = 1$. *Gaussian:* every layer normal with a given standard deviation. *Balanced:* draw the **product** $A$ so, then split it into layers with gap zero
# (the assignment's exercise 4). Each run has the best of four rates, and 1,500 steps.
#
# **Predict.** Eight layers, Gaussian, standard deviations from 0.03 to 0.8: at how many of the six does training arrive? And balanced?


# %% tags=["hide-input"] claims=["S4-17", "S4-18"]
# @title Steps to a loss of 10⁻⁵, for two kinds of start
def steps_to_arrive(starts, Phi, rates=(0.3, 0.1, 0.03, 0.01), most=1500, goal=1e-5):
    """The fewest steps over the rates, for each start of a stack; inf where none arrives."""
    S, R = len(Phi), len(rates)
    Ws, Phi = [np.repeat(W, R, axis=0) for W in starts], np.repeat(Phi, R, axis=0)
    lr, first, left = np.tile(rates, S)[:, None, None], np.full(S * R, np.inf), np.arange(S * R)
    with np.errstate(all="ignore"):
        for step in range(most):
            L, G = loss_and_gradients(Ws, Phi)
            first[left[goal > L]] = step
            on = (goal <= L) & (L < 1e6)
            if not on.any():
                break
            Ws = [(W - lr * g)[on] for W, g in zip(Ws, G, strict=True)]
            Phi, lr, left = Phi[on], lr[on], left[on]
    return first.reshape(S, R).min(axis=1)


stds = np.array([0.03, 0.1, 0.2, 0.3, 0.5, 0.8])
arrivals = {}
for N, way in itertools.product((3, 8), ("Gaussian", "balanced")):
    starts, targets = [], []
    for seed, std in itertools.product(range(3), stds):
        rng, dims = np.random.default_rng(seed), [16] * N + [1]
        Phi = rng.normal(size=(1, 16))
        targets.append(Phi / np.linalg.norm(Phi))
        if way == "Gaussian":
            starts.append([std * rng.normal(size=(o, i)) for i, o in itertools.pairwise(dims)])
        else:
            starts.append(balanced(std * rng.normal(size=(1, 16)), dims))
    stacked = [np.stack(layer) for layer in zip(*starts, strict=True)]
    arrivals[N, way] = steps_to_arrive(stacked, np.stack(targets)).reshape(3, 6)


def sweep(N, title):
    def draw(ax):
        for k, way in enumerate(("Gaussian", "balanced")):
            steps = np.median(arrivals[N, way], axis=0)
            there = np.isfinite(steps)
            ax.plot(stds[there], steps[there], color=plots.COLOURS[k], marker=plots.MARKERS[k])
            ax.plot(
                stds[~there],
                np.full((~there).sum(), 1500),
                color=plots.COLOURS[k],
                marker="x",
                markersize=8,
                linestyle="none",
            )
        ax.axhline(1500, color=plots.GREY, linewidth=0.7)
        ax.set(
            xscale="log",
            yscale="log",
            ylim=(10, 2200),
            xlim=(0.025, 1),
            xlabel="standard deviation",
            title=title,
        )
        ax.set_xticks(stds, [f"{std:g}" for std in stds])
        ax.set_xticks([], minor=True)
        ax.set_ylabel("steps (median of 3)" if N == 3 else "")
        low, high = (13, 35) if N == 3 else (130, 500)
        ax.text(0.03, low, "balanced", color=plots.ink(plots.COLOURS[1]), fontsize=9, va="center")
        ax.text(
            0.34 if N == 3 else 0.11,
            high,
            "Gaussian",
            color=plots.ink(plots.COLOURS[0]),
            fontsize=9,
            va="center",
        )
        ax.text(0.97, 1150, "× not in 1,500", fontsize=9, ha="right", va="top")

    return draw


plots.show(
    sweep(3, "three layers"),
    sweep(8, "eight layers"),
    height=2.8,
    alt="Steps against the standard deviation of the start: Gaussian starts arrive fast only near 0.2, and with eight layers fail at 0.03, 0.5 and 0.8; "
    "balanced starts arrive at all six, in about 20 steps and in 65 to 190.",
)

# %% [markdown] claims=["S4-17", "S4-18"]
# Three of six; balanced starts arrive at all, in nearly the same number of steps up to 0.3. What *explains* that? A source says that balance is trivial for small random starts and that they have a margin with positive probability. With one output
# $\sigma_{\min}(\Phi) = |\Phi|$, and there is a margin when $A \cdot \Phi > |A|^2/2$: by symmetry in at most half of the draws.
#
# **Predict.** Gaussian layers, three of them, 200 draws. The smaller the standard deviation, the smaller the gap. In how many draws does the start meet *both* conditions, with the δ of the theorem for its own $c$, at the best of five standard deviations: none, half, or nearly all?


# %% claims=["S4-17", "S4-18"]
def conditions(
    std, draws=200
):  # medians of gap and δ where there is a margin, share with a margin, share with both
    Ws = gaussian([16, 16, 16, 1], std, range(draws))
    gap = np.max([np.linalg.norm(b, axis=(1, 2)) for b in brackets(Ws)], axis=0)
    c = 1 - np.linalg.norm(product(Ws) - np.eye(1, 16), axis=(1, 2))
    delta = c**2 / (256 * 3**3)
    return np.median(gap), np.median(delta[c > 0]), (c > 0).mean(), ((c > 0) & (gap <= delta)).mean()


met = {std: conditions(std) for std in (0.2, 0.1, 0.05, 0.025, 0.0125)}
for std, (gap, delta, margin, both) in met.items():
    print(f"std {std:6.4f}: gap {gap:.3f}, δ {delta:.0e}; margin in {margin:.0%}, both in {both:.0%}")

# %% [markdown] claims=["S4-17", "S4-18", "S4-21"]
# None. The gap falls like std², but the margin falls like the product, std³, and δ like its square, std⁶. Making the start smaller moves it *away* from the theorem. Of balanced starts nearly half meet both at 0.01 (Theorem 2 of the paper, for one output)
# and one in a hundred at 0.3, where they arrive all the same. For Gaussian layers the paper leaves the joint probability open. Three Gaussian layers arrive in 16 steps, and this theorem does not say why.
#
# **And with an activation?** Nothing above is proved for it, so measure, with white inputs and full batches. Is the bracket (its diagonal: a unit's outgoing less its incoming weights, squared) still conserved? Do strong modes still come first? Is the identity start still stuck?
#
# **Predict.** Which of the three survive with tanh?


# %% tags=["hide-input"] claims=["S4-21"]
# @title Three questions to linear, ReLU and tanh units
ACTS = {"linear": lambda z: z, "ReLU": torch.relu, "tanh": torch.tanh}


def white(n, d, seed):
    """n inputs (n, d) with mean 0 and covariance I."""
    X = np.random.default_rng(seed).normal(size=(n, d))
    return math.sqrt(n) * np.linalg.svd(X - X.mean(axis=0), full_matrices=False)[0]


def train(Ws, X, Y, phi, lr, steps, watch=None):
    """Full-batch descent on the mean of half the squared error: layers, last loss, and what `watch` saw of the outputs."""
    X, Y, Ws, seen = torch.tensor(X), torch.tensor(Y), [torch.tensor(W) for W in Ws], []
    for _ in range(steps):
        Ws, h = [W.requires_grad_() for W in Ws], X
        for W in Ws[:-1]:
            h = phi(h @ W.mT)
        outputs = h @ Ws[-1].mT
        loss = (outputs - Y).square().sum(dim=1).mean() / 2
        if watch:
            seen.append(watch(outputs.detach().numpy()))
        slopes = torch.autograd.grad(loss, Ws)
        Ws = [(W - lr * slope).detach() for W, slope in zip(Ws, slopes, strict=True)]
    return [W.numpy() for W in Ws], loss.item(), np.array(seen)


def unit_balance(Ws):
    return (Ws[1] ** 2).sum(axis=0) - (Ws[0] ** 2).sum(axis=1)


kept, order, trap = {}, {}, {}
for name, phi in ACTS.items():
    for seed, lr in itertools.product(range(2), (0.04, 0.02)):
        rng, X = np.random.default_rng(seed), white(100, 5, seed)
        Phi, Ws = rng.normal(size=(3, 5)), [0.5 * rng.normal(size=(8, 5)), 0.5 * rng.normal(size=(3, 8))]
        after, _, _ = train(Ws, X, X @ Phi.T / np.linalg.norm(Phi), phi, lr, int(20 / lr))
        kept[name, seed, lr] = np.abs(unit_balance(after) - unit_balance(Ws)).max()
    if name != "ReLU":
        for seed in range(2):
            rng, X = np.random.default_rng(seed), white(200, 4, seed)
            U, V = (np.linalg.qr(rng.normal(size=(4, 4)))[0] for _ in range(2))
            Ws = [1e-3 * rng.normal(size=(16, 4)), 1e-3 * rng.normal(size=(4, 16))]
            _, _, seen = train(
                Ws,
                X,
                X @ (U * s @ V.T).T,
                phi,
                0.02,
                750,
                lambda y, U=U, V=V, X=X: np.diag(U.T @ y.T @ X @ V) / 200,
            )
            order[name, seed] = 0.02 * np.argmax(seen > s / 2, axis=0)
    for N in () if name == "ReLU" else (2, 3):
        X = math.sqrt(3) * np.concatenate([np.eye(3), -np.eye(3)])
        trap[name, N] = train([np.eye(3)] * N, X, X @ signed.T, phi, 0.02, 1500)[1]
print("drift of the bracket at η = 0.04 and 0.02")
for name in ACTS:
    print(f"  {name:6s} {kept[name, 0, 0.04]:.4f}, {kept[name, 0, 0.02]:.4f}")
print("modes half learnt at")
for name in ("linear", "tanh"):
    print(f"  {name:6s} {order[name, 0].round(2)}")
print("identity start, two layers, a negative eigenvalue: loss after 1,500 steps")
for name in ("linear", "tanh"):
    print(f"  {name:6s} {trap[name, 2]:.3g}")

# %% tags=["hide-input"] claims=["S4-17", "S4-18", "S4-21"]
# @title Evidence: starts, and what is left
rng = np.random.default_rng(0)
share = {}
for std in (0.3, 0.1, 0.01):
    A = std * rng.normal(size=(20_000, 16))
    share[std] = ((A - np.eye(1, 16)) ** 2).sum(axis=1) < 1
share = {std: hits.mean() for std, hits in share.items()}
falls_like = [np.log(met[0.1][k] / met[0.0125][k]) / np.log(8) for k in (0, 1)]
late = np.array([order["tanh", seed] / order["linear", seed] for seed in range(2)])
halved = {
    name: np.array([kept[name, seed, 0.04] / kept[name, seed, 0.02] for seed in range(2)]) for name in ACTS
}
arrived = {key: np.isfinite(steps).all(axis=0).sum() for key, steps in arrivals.items()}
table(
    claim(
        "S4-17",
        "six sizes, eight layers: how many arrive, Gaussian",
        arrived[8, "Gaussian"],
        predicted=3,
        within=0,
    ),
    claim(
        "S4-18",
        "balanced, three and eight layers: arrive, of six",
        [arrived[3, "balanced"], arrived[8, "balanced"]],
        predicted=6,
        within=0,
    ),
    claim("S4-18", "balanced draws with a margin, std 0.01", share[0.01], at_least=0.44, at_most=0.5),
    claim(
        "S4-17", "Gaussian layers: gap falls like std to the power", falls_like[0], predicted=2, within=0.02
    ),
    claim("S4-17", "and the theorem's δ like std to the power", falls_like[1], predicted=6, within=0.15),
    claim(
        "S4-21",
        "drift at η over drift at η/2: linear and ReLU",
        [*halved["linear"], *halved["ReLU"]],
        predicted=2,
        within=0.2,
    ),
    claim("S4-21", "the same, tanh", halved["tanh"], predicted=1, within=0.02),
    claim("S4-21", "identity start, tanh: loss in the end", [trap["tanh", 2], trap["tanh", 3]], at_most=1e-3),
    more=[
        claim(
            "S4-17", "Gaussian draws that meet both conditions", [row[3] for row in met.values()], at_most=0
        ),
        claim("S4-18", "balanced draws with a margin, std 0.3", share[0.3], at_most=0.03),
        claim(
            "S4-17",
            "Gaussian, three layers: steps at 0.2",
            arrivals[3, "Gaussian"][:, 2],
            at_least=10,
            at_most=25,
        ),
        claim("S4-18", "balanced, three layers: steps", arrivals[3, "balanced"], at_least=15, at_most=40),
        claim(
            "S4-18",
            "balanced, eight layers: steps, std up to 0.3",
            arrivals[8, "balanced"][:, :4],
            at_least=50,
            at_most=150,
        ),
        claim(
            "S4-18",
            "balanced, eight layers: steps, std 0.5 and 0.8",
            arrivals[8, "balanced"][:, 4:],
            at_least=50,
            at_most=500,
        ),
        claim("S4-21", "tanh: times of half strength over linear ones", late, at_least=1.02, at_most=1.3),
        claim(
            "S4-21",
            "tanh: gaps between half times",
            [np.diff(order["tanh", k]) for k in range(2)],
            at_least=0.5,
        ),
        claim(
            "S4-21",
            "identity start, linear: loss in the end, two layers",
            trap["linear", 2],
            predicted=0.125,
            within=1e-3,
        ),
    ],
)

# %% [markdown] claims=["S4-21"]
# **ReLU keeps the conservation** (Du, Hu and Lee 2018 prove it), tanh does not: its drift of 0.7 does not shrink with η. **Strong modes still come first** with tanh, about 10 % later, from a start so small that its units are nearly linear. **The trap is gone** for tanh: its loss goes to zero, because the
# identity start is not balanced in the sense of its units. So this counterexample belongs to linear networks.
#
# **Caveat.** Two draws each, two or three layers, linear targets. Why gradient descent works on the networks that you use is open; what this unit gives is the kind of answer that can be right: one about paths.

# %% [markdown]
# ## Touch it
#
# Two layers, modes 2 and ½ from an aligned start, 12 units of time; equation (1) is dashed. Find (1) how much later the weak mode comes for each tenfold smaller start; (2) the
# rate at which the strong mode leaves its formula for good, and which limit of unit 05 that is; (3) the one thing that a larger rate does to the *weak* mode.


# %%
def touch(power, lr):
    t, modes = modes_of_a_run(lr, 0, 10.0**power, (2, 0.5, 0.5, 0.5), time=12)
    fine, u0 = np.linspace(0, 12, 200), 10.0**power
    measured = [Curve(t, np.minimum(modes[:, k], 9), colour=k) for k in (0, 1)]
    theory = [Curve(fine, saxe(fine, part, u0), theory=True, colour=k) for k, part in ((0, 2), (1, 0.5))]
    title = f"$u_0 = 10^{{{power:g}}}$\nη = {lr:g}"
    axes = {"xlabel": "steps × η", "ylabel": "strength", "ylim": (0, 3.2)}
    return plots.lines(*measured, *theory, title=title, **axes)


interact.explore(
    touch,
    stills=[{"power": u, "lr": r} for u, r in ((-2, 0.05), (-5, 0.05), (-2, 0.45), (-2, 0.55))],
    columns=4,
    alt="Two modes against time for four settings: on the formula at a small rate; later from a smaller start; and for large rates the strong mode overshoots "
    "and then swings around its strength without end.",
    power=interact.Slider("start, power of ten", -6, -0.5, 0.5, -2),
    lr=interact.Slider("rate η", 0.05, 0.65, 0.05, 0.05),
)

# %% [markdown]
# <details><summary>Answers</summary>
#
# (1) The half time is ln(s/u₀ − 1)/(2s): ln 10 / (2 · ½) = 2.3 for each power of ten. (2) At its end the strong mode has the curvature a² + b² = 2s = 4, so the limit 2/L is η = 0.5; at 0.55 it swings for ever. (3) It comes a
# little later: a finite step lags behind the exponential growth at the start, by the factor 2sη/ln((1 + sη)²).
#
# </details>

# %% [markdown] claims=["S4-01", "S4-03", "S4-07", "S4-09", "S4-12", "S4-14", "S4-15", "S4-16", "S4-17", "S4-18"]
# ## What the sources say, and what is exact
#
# <details><summary>Seven statements</summary>
#
# Statements of a translated text on Nadav Cohen's post about Arora, Cohen, Golowich and Hu (2018).
#
# | says | exact |
# |---|---|
# | a convex objective with one critical point is the hardest | nothing is **easier** to optimise, says the original (section 1) |
# | bottleneck layers have a hidden dimension not below the minimum of input and output | the reverse: networks **without** bottlenecks have $d_j \ge \min(d_0, d_N)$ for all $j$ (section 4) |
# | both conditions are necessary | violating either **may** lead to failure; 0.001 of noise and two layers arrive in about 1,000 steps (section 4) |
# | adding linear layers accelerates | **sometimes**: for $p = 4$, not for $p = 2$ (section 2) |
# | deep means three or more layers | three or more weight matrices; Kawaguchi counts the input as a layer, hence his "more than three layers" (section 2) |
# | margin: the first loss is below that of any rank-deficient matrix | with a number: the distance to Φ is at most σ_min(Φ) − c, c > 0; so Φ has full rank (section 4) |
# | small random starts are trivially balanced, and have a margin with positive probability | each condition alone: the gap goes to 0 with the standard deviation; the margin is proved for one output, with probability near ½. Both **together**, with the theorem's δ, Gaussian layers did not meet once (section 5) |
#
# </details>

# %% [markdown]
# ## Summary
#
# 1. If all minima were good and all saddles strict, gradient descent would arrive; that is proved for shallow problems and conjectured, not true in general, for deep ones.
# 2. It could not be the whole answer: three layers have non-strict saddles, and start, normalisation and useless depth decide runs without touching a minimum's quality.
# 3. Paths can be computed: strong modes first, on Saxe's curves, and what neighbouring layers differ by is conserved up to first order in the rate.
# 4. A balanced start with a margin arrives at a linear rate; drop either condition and there are starts that stop at 0.125 or diverge.
# 5. Gaussian starts of practice are outside the theorem, ReLU keeps the conservation, tanh keeps the order of modes, and the rest is open.

# %% [markdown]
# ## Quick questions
#
# **1.** A friend proves that your network has no bad local minima. Name two ways in which gradient descent can still fail.
# <details><summary>Answer</summary>
#
# It diverges from a large or lopsided start; it stands at a non-strict saddle for longer than you live; it converges to a saddle from a special start, as the identity did.
#
# </details>
#
# **2.** Φ = diag(3, 1), and the product starts at diag(2.5, 0.7). What is the margin?
# <details><summary>Answer</summary>
#
# 1 − √(0.25 + 0.09) = 0.417.
#
# </details>
#
# **3.** $W_1$ is 5 × 3 and $W_2$ is 2 × 5. Which matrix is the bracket, and what is its shape?
# <details><summary>Answer</summary>
#
# $W_2^\top W_2 - W_1 W_1^\top$, 5 × 5: it lives on the hidden units.
#
# </details>
#
# **4.** Three layers, balanced; a mode has strength 0.001 and another has strength 1. By what factor is each sped up against a single layer?
# <details><summary>Answer</summary>
#
# By $N\sigma^{2-2/N}$: 3 for the second, 3 · 10⁻⁴ for the first.
#
# </details>
#
# **5.** The theorem allows η = 2 · 10⁻⁸, you use 0.007 and it works. Is the theorem wrong?
# <details><summary>Answer</summary>
#
# No: it says that small rates suffice. Its inequality for one step also held at 0.007; only its proof does not reach there.
#
# </details>

# %% [markdown]
# ## Glossary
#
# | English | 中文 | here | section |
# |---|---|---|---|
# | landscape conjecture | 损失曲面猜想 | all minima good, all saddles strict | 1 |
# | strict saddle | 严格鞍点 | its Hessian has a negative eigenvalue | 1 |
# | deep linear network | 深度线性网络 | $W_N \cdots W_1 x$ | 1 |
# | non-strict saddle | 非严格鞍点 | no negative eigenvalue, and no minimum | 2 |
# | trajectory approach | 轨迹方法 | ask what holds along the path | 3 |
# | gradient flow | 梯度流 | gradient descent with the rate going to zero | 3 |
# | balancedness gap | 平衡性差距 | the largest norm of $W_{j+1}^\top W_{j+1} - W_j W_j^\top$ | 3 |
# | end-to-end matrix, end-to-end rule | 端到端矩阵, 端到端更新 | the product of all layers; how the product moves when the layers are balanced | 3 |
# | bottleneck layer | 瓶颈层 | a layer with $d_j < \min(d_0, d_N)$ | 4 |
# | deficiency margin | 亏缺裕度 | $c = \sigma_{\min}(\Phi) - \lVert W - \Phi \rVert_F$ | 4 |
# | linear rate | 线性收敛 | each step leaves at most a fixed share of the loss | 4 |

# %% [markdown]
# ## Further reading
#
# - A. Choromanska, M. Henaff, M. Mathieu, G. Ben Arous, Y. LeCun (2015), [*The loss surfaces of multilayer networks*](https://arxiv.org/abs/1412.0233).
# - K. Kawaguchi (2016), [*Deep learning without poor local minima*](https://arxiv.org/abs/1605.07110).
# - R. Ge et al. (2015), [*Escaping from saddle points*](https://arxiv.org/abs/1503.02101); J. Lee et al. (2016), [*Gradient descent only converges to minimizers*](https://arxiv.org/abs/1602.04915); C. Jin et al. (2017), [*How to escape saddle points efficiently*](https://arxiv.org/abs/1703.00887).
# - A. Saxe, J. McClelland, S. Ganguli (2014), [*Exact solutions to the nonlinear dynamics of learning in deep linear neural networks*](https://arxiv.org/abs/1312.6120).
# - S. Arora, N. Cohen, E. Hazan (2018), [*On the optimization of deep networks: implicit acceleration by overparameterization*](https://arxiv.org/abs/1802.06509).
# - P. Bartlett, D. Helmbold, P. Long (2018), [*Gradient descent with identity initialization efficiently learns positive definite linear transformations*](https://arxiv.org/abs/1802.06093).
# - S. Du, W. Hu, J. Lee (2018), [*Algorithmic regularization in learning deep homogeneous models: layers are automatically balanced*](https://arxiv.org/abs/1806.00900).
# - S. Arora, N. Cohen, N. Golowich, W. Hu (2018), [*A convergence analysis of gradient descent for deep linear neural networks*](https://arxiv.org/abs/1810.02281). The theorem, and starts.

# %% [markdown]
# ## Your turn
#
# [Assignment 12](../assignments/12_deep_linear_networks/12_deep_linear_networks.ipynb): eight functions in the order of the proof, from the product of the layers to the end-to-end rule. Then they check the theorem
# on a run of yours.
