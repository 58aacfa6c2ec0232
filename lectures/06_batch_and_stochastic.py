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

# %% [markdown] claims=["S2-08", "S2-09"]
# # How many examples should one step look at?
#
# **Unit 06, batch and stochastic.** 52 minutes. You need gradient descent (unit 01), momentum (unit 05), variance, and for the end of
# section 5 the *sharpness*, the largest eigenvalue of the Hessian (unit 05).
#
# A gradient is a mean over examples. You may average all $N$ of them, or $B$, or look at one. One *update* moves the weights once, by the
# mean gradient of one *batch* of $B$ examples; one *epoch* shows every example once, $N/B$ updates in a new random order. $B = N$ is *batch
# descent*, $B = 1$ *stochastic descent*, and what lies between is called *mini-batch descent* today. $B$ is a *hyper-parameter*, like the rate η:
# chosen before training.
#
# The picture shows one epoch of a least-squares problem, two weights and 512 examples, three times, at one rate. A batch is a
# surface of its own: the loss on its rows.

# %% tags=["hide-input"]
# @title Set-up
import numpy as np
import torch
from scipy.optimize import curve_fit
from scipy.sparse.linalg import LinearOperator, cg

from trainlab import curvature, data, interact, networks, plots, surfaces, timing
from trainlab.descend import Trace, run
from trainlab.evidence import claim, table
from trainlab.plots import Curve

torch.set_num_threads(1)  # the networks are tiny: more threads cost time


# %% tags=["hide-input"] claims=["S2-08", "S2-09"]
# @title A bowl, the loss on some rows
class LeastSquares:  # half the mean squared error on some rows: inputs X (N, n), targets y (N,)
    def __init__(self, X, y):
        self.X, self.y = X, y

    def value(self, w):
        return 0.5 * np.square(w @ self.X.T - self.y).mean(axis=-1)

    def grad(self, w):
        return (w @ self.X.T - self.y) @ self.X / len(self.y)


rng = np.random.default_rng(0)
X = rng.normal(size=(512, 2)) * [1.0, 0.6]
y = X @ [2.0, -1.0] + 1.5 * rng.normal(size=512)
bowl = LeastSquares(X, y)
lowest = bowl.value(np.linalg.lstsq(X, y, rcond=None)[0])


# %% claims=["S2-08", "S2-09"]
def minibatch(grad, w, lr, parts):  # the full gradient goes unused: each step sees one part of the data
    for part in parts:
        w = w - lr * part.grad(w)
        yield w


# %% tags=["hide-input"] claims=["S2-08", "S2-09"]
# @title One epoch, three batch sizes


def epoch(B, rng):
    """All 512 rows once, in a new order, cut into batches; B divides 512."""
    return [LeastSquares(X[rows], y[rows]) for rows in rng.permutation(512).reshape(-1, B)]


paths = {B: run(minibatch, bowl, [-2.0, 2.5], 512 // B, lr=0.2, parts=epoch(B, rng)) for B in (1, 32, 512)}
gap = {B: trace.losses[-1] - lowest for B, trace in paths.items()}  # after one epoch
counted = {1: "512 updates", 32: "16 updates", 512: "1 update"}
plots.show(
    *(
        plots.descents(bowl, trace, xlim=(-3, 4), ylim=(-3.5, 3.5), title=f"B = {B}: {counted[B]}")
        for B, trace in paths.items()
    ),
    alt="Three pictures of one epoch from one start: 512 updates reach the minimum quickly and swarm about it, 16 updates walk most of the way with small detours, one update makes a single step downhill.",
)

# %% [markdown] claims=["S2-09", "S2-10"]
# ## 1. What does one update cost?
#
# **Question.** All three pictures looked at 512 examples. Did they take the same time?
#
# **Theory.** An update has a fixed price $t_0$ (starting some dozens of operations, touching every weight) and a price $t_1$ for each
# example. So
#
# $$t(B) = t_0\left(1 + \frac{B}{B^\star}\right), \qquad \text{epoch} = \frac{N}{B}\,t(B) = N t_1\left(1 + \frac{B^\star}{B}\right), \qquad
# B^\star = \frac{t_0}{t_1} .$$
#
# At $B^\star$ the update costs exactly twice its least, and so does the epoch. Far below, updates have one price; far above, epochs have.
# $B^\star$ belongs to a network *and* a machine.
#
# **Experiment.** 784 inputs, 256 hidden units, 10 outputs; 60,000 examples. Times differ from chip to chip and from day to day, so two stored
# sets are drawn: what the machine that built this lecture gave (one core of an Intel Xeon), and what Hung-yi Lee reports in 2021 for MNIST on
# a V100 GPU, one time for each update from $B = 1$ to $1000$.
#
# **Predict.** On the CPU core, how much longer does an update with $B = 10$ take than one with $B = 1$: 1.3, 3 or 10 times?

# %% tags=["hide-input"] claims=["S2-10", "S3-12"]
# @title Times of an update and of an epoch
cpu = timing.stored()
B = np.array(cpu.sizes)
update, whole = np.array(cpu.seconds), cpu.epochs
t1 = (update[-1] - update[0]) / (B[-1] - B[0])  # two of the six sizes give the two prices
t0 = update[0] - t1
line = np.geomspace(1, 60_000, 60)
v100 = np.array([1, 1000])
marked = t0 / t1


def at_star(panel, height):
    """`panel` with a tick at B*."""

    def draw(ax):
        panel(ax)
        ax.axvline(marked, color=plots.CONTOUR, linewidth=0.8, zorder=0)
        ax.text(marked * 1.25, height, f"B* = {marked:.0f}", transform=ax.get_xaxis_transform(), va="center")

    return draw


plots.show(
    at_star(
        plots.lines(
            Curve(B, update / update[0], "CPU core", colour=0),
            Curve(line, (t0 + line * t1) / update[0], theory=True, colour=0),
            Curve(v100, [1, 1], "V100 (Lee)", colour=1),
            xlabel="batch size B",
            ylabel="time of an update (B = 1 is 1)",
            logx=True,
            logy=True,
        ),
        0.9,
    ),
    at_star(
        plots.lines(
            Curve(B, whole / whole[0], "CPU core", colour=0),
            Curve(line, (t0 / line + t1) / (t0 + t1), theory=True, colour=0),
            Curve(v100, 1 / v100, "V100 (Lee)", colour=1),
            xlabel="batch size B",
            ylabel="time of an epoch (B = 1 is 1)",
            logx=True,
            logy=True,
        ),
        0.9,
    ),
    alt="Left: the CPU's update time is nearly level up to about ten examples, has doubled near forty and then grows in proportion; the V100's is level to a "
    "thousand. Right: the CPU's epoch time falls about forty-fold until a thousand and is level from there; the V100's falls to a thousandth.",
    height=2.9,
)

# %% tags=["hide-input"] claims=["S2-10"]
# @title The same on your machine: a picture in JupyterLab and on Colab, none in this stored copy
mine = [timing.update_times(sizes=(1, 10, 100, 1000, 10_000), budget=0.15)]
assert mine[0].epochs[0] > mine[0].epochs[3], "an epoch with B = 1 should take longer than with B = 1000"
if interact.front_end():
    if torch.cuda.is_available():
        mine.append(timing.update_times(device="cuda", budget=0.15))
    for times in [cpu, *mine]:
        print(
            f"{times.chip}: "
            + ", ".join(f"B = {n}: {1e3 * t:.2g} ms" for n, t in zip(times.sizes, times.seconds, strict=True))
        )
    plots.show(
        *(
            plots.lines(
                *(
                    Curve(t.sizes, y, "yours" + ", GPU" * (k > 0), colour=k)
                    for k, (t, y) in enumerate(zip(mine, ys, strict=True))
                ),
                Curve(B, stored, "stored", theory=True, colour=3),
                xlabel="batch size B",
                ylabel=ylabel,
                logx=True,
                logy=True,
            )
            for ylabel, ys, stored in [
                ("seconds per update", [t.seconds for t in mine], update),
                ("seconds per epoch", [t.epochs for t in mine], whole),
            ]
        ),
        alt="Your own update and epoch times against the batch size, with the stored ones dashed.",
        height=2.9,
    )

# %% tags=["hide-input"] claims=["S2-09", "S2-10", "S3-12"]
# @title Evidence, from the stored times
ideal = (t0 + B * t1)[1:5]
table(
    claim("P12", "update with B = 10 over B = 1", update[1] / update[0], at_most=2),
    claim("P12", "update with B = 1000 over B = 1", update[3] / update[0], at_least=10),
    claim("S2-10", "B* = t₀/t₁", t0 / t1, at_least=10, at_most=100),
    claim("S3-12", "epoch with B = 1 over epoch with B = 1000", whole[0] / whole[3], at_least=20),
    claim(
        "S3-12",
        "epoch with B = 1000 over epoch with B = 60,000",
        whole[3] / whole[5],
        predicted=1,
        within=0.2,
    ),
    claim("S2-09", "what is left after 1 epoch: B = 512 over B = 32", gap[512] / gap[32], at_least=10),
    more=[
        claim(
            "S2-10", "update time, B = 10 … 10,000, by the formula", update[1:5], predicted=ideal, within=0.25
        ),
    ],
)

# %% [markdown] claims=["S2-09", "S2-10", "S3-12"]
# On this CPU $B^\star$ is 38; Lee's V100 has room for a thousand and more. "A large batch takes as long as a small one" is a sentence about
# an update, below $B^\star$. Its other half is about the epoch: there the *small* batch is the slow one, 43 times on this core. Neither
# time says anything about learning: the single exact step above has hardly begun.
#
# **Caveat.** The time counts arithmetic only. Reading examples, and talking between machines, often cost more.

# %% [markdown] claims=["S2-09", "S3-08"]
# ## 2. How much does one example say?
#
# **Question.** Were time no matter, would you wait for all examples? That depends on what the next one tells you that the last did not.
#
# **Theory.** Let $g_i$ be the gradient of example $i$, $\bar g$ their mean and $s^2 = \frac1N \sum_i |g_i - \bar g|^2$ their scatter, summed over all
# weights. The mean of $B$ of them, drawn without replacement, is right on average; its squared distance from $\bar g$ is on average
#
# $$\operatorname{Var} = \frac{s^2}{B}\cdot\frac{N - B}{N - 1} .$$
#
# Precision grows with $\sqrt B$, the price with $B$. When is the noise of a batch as long as the gradient itself? For $B \ll N$ at
#
# $$B_{\text{noise}} = \frac{s^2}{|\bar g|^2} ,$$
#
# the *gradient noise scale* (McCandlish et al. 2018).
#
# **Experiment.** A network of 32 ReLU units reads 1,200 handwritten digits. It stays with us.
#
# **Predict.** Before the first step, is its noise scale 1, 40 or 1,000 examples?

# %% tags=["hide-input"] claims=["S2-09", "S3-08"]
# @title The digits, and the losses and gradients of many networks at once
digits = data.digits()
pixels = digits.inputs - digits.inputs[:1200].mean(axis=0)
net = networks.MLP((64, 32, 10), "relu")
start = torch.tensor(np.array([net.initial(seed, scale=np.sqrt(2)) for seed in range(5)]))
x, digit = torch.tensor(pixels), torch.tensor(digits.labels)
ink = x.float()  # single precision is twice as fast


def losses(w, x, digit):
    """The loss of each network of w (..., 2410) on digits of its own, x (..., B, 64)."""
    scores = torch.log_softmax(net.forward(w, x), dim=-1)
    return -scores.gather(-1, digit.expand(scores.shape[:-1])[..., None]).mean(dim=(-2, -1))


def gradient(w, x, digit):
    """Of each of these losses, (..., 2410), by back-propagation (unit 03)."""
    (W, b), (V, c) = net.layers(w)
    h = torch.relu(x @ W.mT + b.unsqueeze(-2))
    chance = torch.softmax(h @ V.mT + c.unsqueeze(-2), dim=-1)
    error = (chance - torch.nn.functional.one_hot(digit, 10)) / digit.shape[-1]
    back = (error @ V) * (h > 0)
    parts = (back.mT @ x).flatten(-2), back.sum(-2), (error.mT @ h).flatten(-2), error.sum(-2)
    return torch.cat(parts, dim=-1)


# %% claims=["S2-09", "S3-08"]
def noise_scale(w):  # 1,200 copies of the network w, one digit for each
    g = gradient(w.float().expand(1200, -1), ink[:1200, None], digit[:1200, None])
    return (g.var(dim=0, correction=0).sum() / g.mean(dim=0).square().sum()).item()


train, w, noise = (x[:1200], digit[:1200]), start, {}
for goal in (np.inf, 1.0, 0.5, 0.2):
    while (above := losses(w, *train) > goal).any():  # batch descent, until all five are there
        w = w - 1.0 * above[:, None] * gradient(w, *train)
    noise[goal] = [noise_scale(v) for v in w]
    when = f"training loss {goal}" if goal < np.inf else "at the start"
    print(f"{when:17s}: noise scale {min(noise[goal]):3.0f} to {max(noise[goal]):3.0f}, five starts")

# %% [markdown] claims=["S3-08"]
# Some forty at the start, and 700 to 900 when the loss has come down to 0.2: examples agree on the first steps and quarrel about the later ones.
#
# **Redundancy.** In the extreme the rows repeat. Take ten copies of 100 rows. Batch descent makes one step an epoch; mini-batches of 100, in
# the stored order, make ten.
#
# **Predict.** How many epochs of batch descent do as much as one epoch with $B = 100$: 1, 3 or 10?

# %% claims=["S3-08"]
rng = np.random.default_rng(1)
base, weights = rng.normal(size=(100, 10)), rng.normal(size=10)
tenfold = np.tile(base, (10, 1))  # 1,000 rows: ten copies of 100
copies = LeastSquares(tenfold, tenfold @ weights)
lr = 1 / np.linalg.eigvalsh(tenfold.T @ tenfold / 1000)[-1]


def parts(order):  # one epoch of ten mini-batches
    return [LeastSquares(copies.X[rows], copies.y[rows]) for rows in order.reshape(10, 100)]


in_order = [part for _ in range(6) for part in parts(np.arange(1000))]
shuffled = [part for _ in range(6) for part in parts(rng.permutation(1000))]
batch = run(minibatch, copies, np.zeros(10), 60, lr=lr, parts=[copies] * 60)
blocks = run(minibatch, copies, np.zeros(10), 60, lr=lr, parts=in_order)
mixed = run(minibatch, copies, np.zeros(10), 60, lr=lr, parts=shuffled)
print(f"batch descent, after 10 epochs: {batch.losses[10]:.10e}")
print(f"blocks of 100, after 1 epoch:   {blocks.losses[10]:.10e}")

# %% tags=["hide-input"] claims=["S2-09", "S3-08"]
# @title The scatter of a batch; the ten copies
sizes, scatter = np.array([1, 4, 16, 64, 256, 600, 900, 1200]), []
each = gradient(start[0].expand(1200, -1), x[:1200, None], digit[:1200, None]).numpy()
mean, s2 = each.mean(axis=0), each.var(axis=0).sum()
for n in sizes:
    drawn = rng.permuted(np.tile(np.arange(1200) < n, (100, 1)), axis=1)  # n of the digits, a hundred times
    scatter.append(np.square(drawn @ each / n - mean).sum(axis=1).mean())
formula = s2 / sizes * (1200 - sizes) / 1199


def scattered(ax):
    plots.lines(
        Curve(sizes[:-1], scatter[:-1], "measured", colour=0),
        Curve(sizes[:-1], formula[:-1], theory=True, colour=0),
        Curve(sizes[:-1], s2 / sizes[:-1], "s²/B", theory=True, colour=1),
        xlabel="batch size B",
        ylabel="noise of a batch, squared",
        logx=True,
        logy=True,
    )(ax)
    length = np.square(mean).sum()
    ax.axhline(length, color=plots.CONTOUR, linewidth=0.8, zorder=0)
    ax.text(900, length * 1.15, "$|\\bar g|^2$", ha="right", va="bottom")
    ax.plot([s2 / length] * 2, [formula[-2] / 2, length], color=plots.CONTOUR, linewidth=0.8, zorder=0)
    ax.text(s2 / length, formula[-2] / 2, "$B_{\\rm noise}$ ", ha="right", va="bottom")


plots.show(
    scattered,
    plots.lines(
        Curve(np.arange(7), batch.losses[:7], "batch", colour=1),
        Curve(np.arange(61) / 10, blocks.losses, "blocks", colour=0),
        Curve(np.arange(61) / 10, mixed.losses, "shuffled", colour=2),
        xlabel="epochs",
        ylabel="loss",
        logy=True,
    ),
    alt="Left: the measured noise falls in proportion to one over B, crosses the squared length of the gradient near 41, and drops below that line near 1,200. Right: in six epochs batch "
    "descent loses three to four orders of magnitude, both kinds of mini-batches twenty-four.",
)

# %% tags=["hide-input"] claims=["S0-12", "S2-16", "S3-09"]
# @title Three remarks, measured: a saddle, equal units, conjugate gradients
rng = np.random.default_rng(4)
ab = rng.integers(1, 17, size=(64, 2)) / np.array([8, 16])
points = np.concatenate([ab * signs for signs in ([1, 1], [1, -1], [-1, 1], [-1, -1])])  # (256, 2)
lam1, lam2 = np.square(points).mean(axis=0)  # their covariance is diag(λ₁, λ₂), without rounding


def time_on_saddle(draw, runs, limit=2000):
    """Median number of steps on |w wᵀ - C|² / 4 from its saddle √λ₂ e₂ until |w₁| > 0.3; `draw()` gives a batch (runs, B, 2)."""
    w, escaped = np.tile([0.0, np.sqrt(lam2)], (runs, 1)), np.full(runs, limit)
    for t in range(1, limit):
        x = draw()
        C = np.swapaxes(x, 1, 2) @ x / x.shape[1]  # the batch's own covariance
        w = w - 0.02 * (np.square(w).sum(axis=1, keepdims=True) * w - np.einsum("rij,rj->ri", C, w))
        escaped = np.where((np.abs(w[:, 0]) > 0.3) & (escaped == limit), t, escaped)
        if (escaped < limit).mean() > 0.5:  # enough for the median
            break
    return np.median(escaped)


saddle_sizes, z = np.array([4, 16, 64, 256]), 1 + 0.02 * (lam1 - lam2)
waited = [time_on_saddle(lambda n=n: points[rng.integers(0, 256, (300, n))], 300) for n in saddle_sizes]
kick = 0.02 * np.sqrt(lam2) * points.prod(axis=1).std() / np.sqrt(saddle_sizes)  # of w₁ in a step; grows by z
expected = np.log(0.3 * np.sqrt(z**2 - 1) / (0.674 * kick)) / np.log(z)  # 0.674: median of |standard normal|
never = time_on_saddle(lambda: points[None], 1)

everyone = networks.training_loss(net, pixels[:1200], digits.labels[:1200], torch.nn.functional.cross_entropy)
twins = start[0].numpy().copy()  # 32 hidden units that are equal
W, out = twins[: 64 * 32].reshape(32, 64), twins[64 * 32 + 32 : -10].reshape(10, 32)
W[:], out[:] = np.abs(W[0]), out[:, :1]  # views: `twins` changes; positive weights keep the units alive
w = torch.tensor(twins)
for rows in rng.permutation(1200).reshape(-1, 8):
    w = w - 0.1 * gradient(w, x[rows], digit[rows])
spread = np.ptp(w[: 64 * 32].numpy().reshape(32, 64), axis=0).max()
moved = np.abs(w.numpy() - twins).max()

new_rows = rng.normal(size=(1000, 10))
H = new_rows.T @ new_rows / 1000


def estimated(v):
    """H v from 100 random rows."""
    rows = new_rows[rng.integers(0, 1000, 100)]
    return rows.T @ (rows @ v) / 100


def left(product):
    """Relative error of H w = H weights after at most 30 products."""
    w, _ = cg(LinearOperator((10, 10), matvec=product), H @ weights, maxiter=30)
    return np.linalg.norm(w - weights) / np.linalg.norm(weights)


exact, noisy_cg = left(lambda v: H @ v), [left(estimated) for _ in range(5)]

# %% tags=["hide-input"] claims=["S0-12", "S2-09", "S2-16", "S3-08", "S3-09"]
# @title Evidence
ratio = blocks.losses[10:60:10] / batch.losses[10:60:10]
first, last = np.array(noise[np.inf]), np.array(noise[0.2])
table(
    claim("S2-09", "noise of a batch, B = 1 … 900", scatter[:7], predicted=formula[:7], within=0.15),
    claim("", "noise scale at the start, 5 starts", first, at_least=25, at_most=60),
    claim("", "the same at a loss of 0.2, over that at the start", last / first, at_least=8),
    claim("S3-08", "loss: 1 to 5 epochs in blocks over 10 to 50 of batch", ratio, predicted=1, within=1e-6),
    claim("P14", "loss after 1 epoch: batch over shuffled", batch.losses[1] / mixed.losses[10], at_least=30),
    claim("S2-16", "median steps on the saddle, B = 4, 16, 64, 256", waited, predicted=expected, within=0.1),
    more=[
        claim("S2-09", "noise of a batch, B = 1200 = N", scatter[7], at_most=1e-10),
        claim("S0-12", "steps that the full batch stays on the saddle, of 2,000", never, at_least=2000),
        claim("S2-16", "spread of 32 equal units after 150 mini-batches", spread, at_most=1e-9),
        claim("S2-16", "way that they went together", moved, at_least=0.01),
        claim("S3-09", "error of conjugate gradients, full batch", exact, at_most=1e-4),
        claim("S3-09", "error with products estimated on 100 rows, 5 runs", noisy_cg, at_least=0.03),
    ],
)

# %% [markdown] claims=["S0-12", "S2-16", "S3-09"]
# Ten, to the last digit. Real data are never exact copies and never quite new either.
#
# Noise has one more use: it gets you off a saddle, where the exact gradient is zero, after a wait that grows only with $\ln B$ (last row; two weights, 256 points). What speaks for
# the full gradient: methods that build on their last gradient, such as conjugate gradients (unit 09), need one and the same surface.
#
# **Caveat.** There is noise only where examples disagree. Two hidden units with equal weights get the same gradient from *every* example: mini-batches do not
# break that tie, unequal starts do.

# %% [markdown] claims=["S3-10"]
# ## 3. How quiet does it get?
#
# **Question.** Near the minimum the full gradient vanishes. The gradient of a batch does not: examples still disagree. Where does the run end?
#
# **Theory.** On a parabola of curvature 1, with gradient noise ξ of variance $s^2$, a step is $w \leftarrow w - \eta(w + \xi) = (1-\eta)\,w - \eta\xi$. Variances
# of independent numbers add, so the variance $v$ of the weight obeys
#
# $$v \leftarrow (1-\eta)^2\, v + \eta^2 s^2 \qquad\Longrightarrow\qquad v_\infty = \frac{\eta\, s^2}{2 - \eta} ,$$
#
# the **noise floor**. A constant rate never arrives: it trembles with a variance of about $\eta s^2/2$. A batch of $B$ divides $s^2$ by $B$.
#
# Now add momentum, as in unit 05: $m \leftarrow \beta m - \eta g$, $w \leftarrow w + m$. It is often said to average the noise out.
#
# **Predict.** Same η, with $\beta = 0.9$ in place of 0. Is the variance in the end ten times smaller, the same, or ten times larger?


# %% claims=["S3-10"]
def noisy(grad, w, rates, rng, beta=0.0):  # one step per rate; the gradient's noise has the variance s² = 1
    m = np.zeros(w.shape)
    for lr in rates:
        m = beta * m - lr * (grad(w) + rng.normal(size=w.shape))
        w = w + m
        yield w


parabola, rng = surfaces.Quadratic((1.0,)), np.random.default_rng(2)
betas, etas = np.array([0.0, 0.5, 0.9, 0.95, 0.99]), np.array([0.01, 0.1, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5])


def floors(rates, beta):  # the variance over 2,000 runs, the mean of eleven moments from step 1,000 on
    crowd = np.ones((2000, max(np.size(rates), np.size(beta)), 1))
    setting = {"rates": [np.reshape(rates, (-1, 1))] * 2000, "beta": np.reshape(beta, (-1, 1))}
    path = run(noisy, parabola, crowd, 2000, every=100, rng=rng, **setting).path
    return path[10:].var(axis=1).mean(axis=0)[:, 0]


plain, heavy, same = floors(etas, 0.0), floors(0.01, betas), floors(0.1 * (1 - betas), betas)
for name, row in [("η = 0.01:        ", heavy), ("η = 0.1 · (1 − β):", same)]:
    print(name, ", ".join(f"β = {b:g}: {v:.4f}" for b, v in zip(betas, row, strict=True)))

# %% [markdown] claims=["S3-10", "S3-11"]
# Ten times larger. A kick $-\eta\xi$ moves the weight not once but again and again, by $-\eta\xi(1 + \beta + \beta^2 + \dots) = -\eta\xi/(1-\beta)$ before the surface pulls it
# back. Under noise the **effective rate is** $\eta/(1-\beta)$: multiply η by $1 - \beta$, as in the second line, and the floor is that of the run without momentum.
#
# Three ways below the floor:
#
# - **Anneal the rate.** With $\eta_t = 1/t$ the weight is the mean of all noisy targets so far, so $v = s^2/t$. In general
#   $\eta_t = \eta_0/(1 + t/t_0)$: the rates must go to zero, and yet their sum must grow without limit (Robbins and Monro 1951), or the run stops on the way.
# - **Grow the batch.** Start small, while examples agree most, and grow. *This is what "mini-batch" meant in 1998* (LeCun and others); today's fixed
#   small $B$ took over the word.
# - **Average the weights** of the last steps (Polyak and Ruppert), at a constant rate.
#
# No way does better than $s^2/n$ after $n$ examples, the variance of their mean.
#
# **Predict.** 8,192 examples are spent in each way, 400 runs. Averaging needs no schedule. Does its error end far above, at, or below that of the annealed rate?


# %% claims=["S3-10", "S3-11"]
def growing(grad, w, lr, sizes, rng):  # a constant rate, and a batch for every step: its noise is 1/B
    for B in sizes:
        w = w - lr * (grad(w) + rng.normal(size=w.shape) / np.sqrt(B))
        yield w


T, far = 8192, np.full((400, 1), 6.0)
doubling = np.floor(2.0 ** (np.arange(42) / 4)).astype(int)  # 1 1 1 1 2 2 2 3 4 4 5 6 8 ...
doubling[-1] += T - doubling.sum()
constant = run(noisy, parabola, far, T, rates=[0.1] * T, rng=rng).path[..., 0]  # (T + 1, 400)
annealed = run(noisy, parabola, far, T, rates=1 / np.arange(1, T + 1), rng=rng).path[..., 0]
grown = run(growing, parabola, far, 42, lr=0.5, sizes=doubling, rng=rng).path[..., 0]
n = np.arange(1, T + 1)
total = constant.cumsum(axis=0)
averaged = (total[n] - total[n // 10]) / (n - n // 10)[:, None]  # the mean of the last 90 % of the steps
error = {
    "constant": (n, np.square(constant[1:]).mean(axis=1)),
    "annealed": (n, np.square(annealed[1:]).mean(axis=1)),
    "averaged": (n, np.square(averaged).mean(axis=1)),
    "growing batch": (doubling.cumsum(), np.square(grown[1:]).mean(axis=1)),
}

# %% tags=["hide-input"] claims=["S3-08", "S3-10", "S3-11"]
# @title The floor, and four ways to spend 8,192 examples
fine = np.linspace(0.01, 1.6, 60)


def seen(n):
    """Moments evenly spread on a logarithmic axis."""
    return np.unique(np.geomspace(1, len(n), 60).astype(int)) - 1


plots.show(
    plots.lines(
        Curve(etas, plain, "β = 0", colour=0),
        Curve(fine, fine / (2 - fine), theory=True, colour=0),
        Curve(0.01 / (1 - betas), heavy, "η = 0.01", colour=1),
        Curve(fine, fine / 2, theory=True, colour=1),
        xlabel="effective rate η/(1 − β)",
        ylabel="variance of the weight",
    ),
    plots.lines(
        *(Curve(n[seen(n)], e[seen(n)], name) for name, (n, e) in error.items()),
        Curve([1, T], [1, 1 / T], "s²/n", theory=True, colour=5),
        xlabel="examples used, n",
        ylabel="mean squared error",
        logx=True,
        logy=True,
        ylim=(5e-5, 60),
    ),
    alt="Left: without momentum the measured variances lie on the curve eta over two minus eta; with it, at the same effective rate, on its tangent, half the effective rate. Right: with a constant rate the error stops at 0.05; the annealed "
    "rate follows one over n, the averaged weights join it after a few hundred examples, the growing batch falls alongside.",
)

# %% tags=["hide-input"] claims=["S3-08", "S3-10"]
# @title Three more settings: a rate that falls too fast, shuffled epochs, a moving target
frozen = run(noisy, parabola, far, 400, every=400, rates=0.2 * 0.9 ** np.arange(400), rng=rng).path[-1]
reach = 6 * np.prod(1 - 0.2 * 0.9 ** np.arange(400))

numbers, w_shuffled, w_drawn, tails = rng.normal(size=100), np.zeros(400), np.zeros(400), []
numbers = (
    numbers - numbers.mean()
) / numbers.std()  # 400 runs look for the mean of 100 numbers, by steps on one number at a time
for _ in range(40):
    order = np.argsort(rng.random((400, 100)), axis=1)
    for t in range(100):
        w_shuffled += 0.05 * (numbers[order[:, t]] - w_shuffled)
        w_drawn += 0.05 * (numbers[rng.integers(0, 100, 400)] - w_drawn)
    tails.append((w_shuffled.var(), w_drawn.var()))
after_shuffled, after_drawn = np.mean(tails[5:], axis=0)

q, walkers = 0.02**2, 500  # the target makes a random step of variance q; v = (η² + q) / (η (2 - η))
best_gain = (np.sqrt(q**2 + 4 * q) - q) / 2  # the gain of the Kalman filter, about √q
gains = np.array([0.005, 0.01, best_gain, 0.05, 0.1, 0.3])
target, follower, past, misses = np.zeros((walkers, 1)), np.zeros((walkers, 6)), np.zeros((walkers, 1)), []
for t in range(1, 3001):
    target = target + np.sqrt(q) * rng.normal(size=(walkers, 1))
    if t > 1500:
        misses.append(np.square(np.hstack([follower, past]) - target).mean(axis=0))
    sight = target + rng.normal(size=(walkers, 1))
    follower = follower + gains * (sight - follower)
    past = past + (sight - past) / t  # the mean of all that was seen
tracking, lag = np.mean(misses, axis=0), (gains**2 + q) / (gains * (2 - gains))

# %% tags=["hide-input"] claims=["S3-08", "S3-10", "S3-11"]
# @title Evidence
quiet = {name: (e * n)[n >= 1024] for name, (n, e) in error.items()}
by_formula = 0.01 / (1 - betas) * (1 + betas) / (2 * (1 + betas) - 0.01)  # momentum's floor, exactly
table(
    claim("S3-10", "variance at a constant rate, 8 rates", plain, predicted=etas / (2 - etas), within=0.1),
    claim(
        "S3-10",
        "η = 0.01, variance for 5 β over half of η/(1 − β)",
        heavy / (0.005 / (1 - betas)),
        predicted=1,
        within=0.1,
    ),
    claim(
        "S3-10",
        "η = 0.1 · (1 − β): variance for 5 β over that for β = 0",
        same / same[0],
        predicted=1,
        within=0.12,
    ),
    claim(
        "S3-10", "annealed: error times n, from n = 1,024 on", quiet["annealed"], at_least=0.7, at_most=1.4
    ),
    claim("S3-10", "averaged: the same", quiet["averaged"], at_least=0.7, at_most=1.6),
    claim("S3-11", "growing batch: the same", quiet["growing batch"], at_least=1, at_most=4),
    claim(
        "P14",
        "error at the end: constant over annealed",
        quiet["constant"][-1000:].mean() / quiet["annealed"][-1],
        at_least=100,
    ),
    claim(
        "P41",
        "moving target: error of the mean of the past over the best rate's",
        tracking[6] / tracking[2],
        at_least=5,
    ),
    more=[
        claim("S3-10", "η = 0.01: variance for 5 β", heavy, predicted=by_formula, within=0.1),
        claim("S3-10", "η = 0.2 · 0.9ᵗ: distance left of 6", frozen.mean(), predicted=reach, within=0.15),
        claim(
            "S3-10",
            "independent draws: variance over floor",
            after_drawn / (0.05 / 1.95),
            predicted=1,
            within=0.15,
        ),
        claim(
            "S3-10", "the same, at the ends of shuffled epochs", after_shuffled / (0.05 / 1.95), at_most=0.8
        ),
        claim("S3-08", "moving target: error of 6 rates", tracking[:6], predicted=lag, within=0.15),
        claim("S3-11", "examples in 42 growing batches", doubling.sum(), predicted=T, within=0),
    ],
)

# %% [markdown] claims=["S3-08", "S3-10", "S3-11"]
# At it: averaged weights and the annealed rate end together, at the bound $s^2/n$. The growing batch stays within a factor of three of it, at a constant rate of 0.5,
# and makes 42 updates in place of 8,192: section 1 says what that is worth (Smith et al. 2018).
#
# A rate that falls too fast, $0.2 \cdot 0.9^t$, stops an eighth of the way short, for ever: its sum is 2. And a run that follows a *moving* target has to keep its rate: at
# the best one, about $\sqrt q$ for a target with random steps of variance $q$, its error is about a fifteenth of that of the mean of all the past.
#
# **Caveat.** One curvature, and noise that is the same everywhere. In a network that fits all its examples the noise goes to zero with the loss. Shuffled epochs tremble less at their
# ends than independent draws, for which the formula is exact.

# %% [markdown] claims=["S3-13"]
# ## 4. In which order?
#
# **Question.** Does it matter which example comes first? Four orders: sorted by class; one fixed random order; reshuffled for every epoch; and
# *emphasised*, drawn in proportion to the loss that an example has now.
#
# **Theory.** LeCun and others (1998): the second of two like examples says little new. Sorted by class, with $B = 8$, some fifteen updates in a row say "it is
# a 3", and the bias of the last layer alone can satisfy them. Emphasising picks the unexpected by its loss. But the most unexpected example of all is an *outlier*, such as a wrong label, and stays
# so. The share of the draws that go to a set $S$ is $\sum_{i \in S} \ell_i / \sum_i \ell_i$; as the right examples are learned, the denominator shrinks. A **cap**, $\min(\ell_i, c)$, limits
# what one example can weigh.
#
# **Experiment.** The 1,200 digits and the network of section 2, $B = 8$, η = 0.3, five epochs.
#
# **Predict.** After one epoch sorted by class, what share of the test digits does the network read: 90, 60 or 25 %?


# %% claims=["S3-13", "S3-14"]
def learn(order, wrong=0.0, cap=False, epochs=5, lr=0.3):  # three starts at once
    rngs, w, answers, drawn = [np.random.default_rng(seed) for seed in range(3)], start[:3], [], []
    labels = torch.tensor(np.array([spoil(rng, wrong) for rng in rngs]))  # (3, 1200)
    rows = {"sorted": labels.argsort(dim=1, stable=True).numpy(), "fixed": np.tile(np.arange(1200), (3, 1))}
    for _ in range(epochs):
        new = np.array([rng.permutation(1200) for rng in rngs]) if order not in rows else rows[order]
        for step in range(150):
            batch = new[:, 8 * step : 8 * step + 8]
            if order == "by loss":
                if step % 15 == 0:  # look at all losses ten times per epoch
                    share = chances(w, labels, cap)
                batch = np.array([rng.choice(1200, 8, p=p) for rng, p in zip(rngs, share, strict=True)])
            drawn.append(batch)
            w = w - lr * gradient(w, x[batch], labels.gather(1, torch.tensor(batch)))
        answers.append(net.forward(w, x[1200:]).argmax(dim=-1))  # the digits read in the test rows
    return *scored(answers), on_wrong(labels, drawn[-150:])


# %% tags=["hide-input"] claims=["S3-13", "S3-14"]
# @title Four orders, three starts
def chances(w, labels, cap):
    """The chance of each example to be drawn, in proportion to its loss, for each of three networks: (3, 1200)."""
    scores = net.forward(w, x[:1200])
    each = torch.nn.functional.cross_entropy(scores.mT, labels, reduction="none").numpy()
    each = np.minimum(each, np.median(each, axis=1, keepdims=True)) if cap else each
    return each / each.sum(axis=1, keepdims=True)


def spoil(rng, share):
    """Training labels of which `share` is replaced by random ones."""
    labels, hit = digits.labels[:1200].copy(), rng.permutation(1200)[: int(share * 1200)]
    labels[hit] = rng.integers(0, 10, hit.size)
    return labels


def scored(answers):
    """Test accuracy after each epoch (epochs, 3); the share of nines among the answers after the first (3,)."""
    return (
        np.array([(a == digit[1200:]).double().mean(dim=1).numpy() for a in answers]),
        (answers[0] == 9).double().mean(dim=1).numpy(),
    )


def on_wrong(labels, drawn):
    """The share of draws that went to wrong labels (3,)."""
    bad, rows = (labels != digit[:1200]).numpy(), np.concatenate(drawn, axis=1)
    return np.take_along_axis(bad, rows, axis=1).mean(axis=1)


orders = {name: learn(name) for name in ("sorted", "fixed", "shuffled", "by loss")}
gentle = learn("sorted", epochs=1, lr=0.1)[0][0]
for name, (seen, *_) in orders.items():
    print(f"{name:8s} after 1 epoch {seen[0].mean():.1%}, after 5 {seen[-1].mean():.1%}")

# %% [markdown] claims=["S2-08", "S3-13", "S3-14"]
# A quarter: the last digits that the network saw were nines, and it reads more than half of the test digits as nines. A fixed *random* order ends as well as a new one
# here. What matters is that like examples are not neighbours.
#
# **Predict.** Now a fifth of the training labels is replaced by random ones. Draw by loss. What share of the draws goes to wrong labels: a fifth, two fifths, four fifths?

# %% tags=["hide-input"] claims=["S3-13", "S3-14"]
# @title A fifth of the labels wrong
spoilt = {
    "shuffled": learn("shuffled", 0.2),
    "by loss": learn("by loss", 0.2),
    "by loss, capped": learn("by loss", 0.2, cap=True),
}
share = {name: drawn for name, (_, _, drawn) in spoilt.items()}
for name, drawn in share.items():
    print(f"{name:15s} {np.mean(drawn):.0%} of the draws")
ep, colours = np.arange(1, 6), {"sorted": 1, "fixed": 3, "shuffled": 0, "by loss": 4, "by loss, capped": 2}
plots.show(
    *(
        plots.lines(
            *(
                Curve(ep, 100 * seen.mean(axis=1), name, colour=colours[name])
                for name, (seen, *_) in runs.items()
            ),
            xlabel="epoch",
            ylabel="test accuracy in %",
            title=title,
        )
        for title, runs in [("true labels", orders), ("a fifth of the labels wrong", spoilt)]
    ),
    alt="Left: the sorted order begins near 24 per cent and is still below the others after five epochs, which lie together above 97. Right: drawing by "
    "loss falls to some ten points below shuffling, and the cap brings about half of that back.",
)

# %% tags=["hide-input"] claims=["S2-08", "S3-13", "S3-14"]
# @title Evidence: ranges over three starts
early = {name: seen[0] for name, (seen, *_) in orders.items()}
final = {name: seen[-1] for name, (seen, *_) in orders.items()}
ended = {name: seen[-1] for name, (seen, *_) in spoilt.items()}
nines = orders["sorted"][1]
new, keen = final["shuffled"] - final["fixed"], final["by loss"] - final["shuffled"]
table(
    claim("S3-13", "test accuracy after 1 epoch, sorted", early["sorted"], at_most=0.7),
    claim("S3-13", "test accuracy after 1 epoch, shuffled", early["shuffled"], at_least=0.85),
    claim("S2-08", "5 epochs: reshuffled minus fixed order", new, at_least=-0.02, at_most=0.02),
    claim("S3-14", "5 epochs, true labels: by loss minus shuffled", keen, at_least=-0.02, at_most=0.03),
    claim("S3-14", "share of draws on wrong labels, by loss", share["by loss"], at_least=0.3),
    claim(
        "S3-14",
        "a fifth wrong: what drawing by loss costs",
        ended["shuffled"] - ended["by loss"],
        at_least=0.02,
    ),
    claim("S3-14", "what the cap wins back", ended["by loss, capped"] - ended["by loss"], at_least=0.01),
    more=[
        claim("S3-13", "test accuracy after 1 epoch, one fixed random order", early["fixed"], at_least=0.85),
        claim("S3-13", "share of test digits read as a nine after 1 sorted epoch", nines, at_least=0.3),
        claim(
            "S3-13",
            "what a smaller rate, η = 0.1, saves in a sorted epoch",
            gentle - early["sorted"],
            at_least=0.02,
        ),
        claim(
            "S3-14", "share of draws on wrong labels, shuffled", share["shuffled"], predicted=0.18, within=0.1
        ),
        claim("S3-14", "the same, by loss and capped", share["by loss, capped"], at_most=0.3),
    ],
)

# %% [markdown] claims=["S3-14"]
# Two fifths. With true labels emphasis gains at most one percentage point in the end. With wrong ones it cannot tell *hard* from *wrong*, and loses 9 to 13 points; a cap at the
# median loss wins back 2 to 10.
#
# **Caveat.** One data set, five epochs. At a third of the rate a sorted epoch does somewhat less harm: a batch can do only as much damage as its step is long.

# %% [markdown] claims=["S2-11"]
# ## 5. What does a large batch buy?
#
# **Question.** How many updates does a larger batch save, and is the result as good?
#
# **Theory.** Take a surface with the same curvature λ in all directions. A step along the gradient of a batch lowers the loss on average by
# $\eta |\bar g|^2 - \tfrac12 \eta^2 \lambda \left(|\bar g|^2 + s^2/B\right)$, most at
#
# $$\eta = \frac{1/\lambda}{1 + B_{\text{noise}}/B}, \qquad\text{which gains}\quad \frac{|\bar g|^2/2\lambda}{1 + B_{\text{noise}}/B} .$$
#
# While $B$ is far below the noise scale, rate and gain grow in proportion to $B$; far above it, neither grows any more. So a given fall of the loss takes $1 + B_{\text{noise}}/B$ times as many updates as without noise. Summed over a run, updates $S$ and examples $E$ to a goal obey
#
# $$S = S_{\min}\left(1 + \frac{B_c}{B}\right), \qquad E = S B = E_{\min}\left(1 + \frac{B}{B_c}\right) ,$$
#
# with the **critical batch size** $B_c = E_{\min}/S_{\min}$, the mean of the noise scale over the steps of a run without noise. It is section 1's formula again. At $B_c$ you pay twice the least of both.
#
# **Experiment.** From five starts to a training loss of 0.2, by batches of independent draws, for six sizes; each at the best of seven rates, a factor of √2
# apart: the first to bring all five starts there.
#
# **Predict.** One example at a time it takes about 600 updates. With $B = 64$, at its own best rate: about 10, 17 or 80?


# %% claims=["S2-11"]
def descend(B, rates, goal, beta=0.0, most=100_000):  # all rates and starts at once, w: (rates, 5, n)
    rng, every = np.random.default_rng(B), (ink[:1200], digit[:1200])
    w, m = start.float().repeat(len(rates), 1, 1), 0.0
    lr, need, curve, ends, look = (
        torch.tensor(rates)[:, None, None].float(),
        np.full(w.shape[:2], np.inf),
        [],
        w,
        1,
    )
    for t in range(1, most + 1):
        rows = rng.integers(0, 1200, (5, B))
        m = beta * m - lr * gradient(w, every[0][rows], every[1][rows])
        w = w + m
        if t >= look:  # at the training loss: after every step, and then more rarely
            look = t + 1 + t // 20
            curve.append((t, now := losses(w, *every).numpy()))
            ends = torch.where(
                torch.tensor(np.isinf(need))[..., None], w, ends
            )  # stays where the goal was met
            need[(now <= goal) & np.isinf(need)] = t
            if np.isfinite(need).all(axis=1).any():  # one rate has brought all five there
                break
    return need, curve, ends  # updates (rates, 5); (update, losses (rates, 5)); weights (rates, 5, n)


# %% claims=["S2-11"]
rates, batches, best, race, k = 0.08 * 2 ** (np.arange(19) / 2), (1, 4, 16, 64, 256, 1024), {}, {}, 1
for B in batches:
    tried = rates[k - 1 : k + 6]  # from just below the best rate of the batch before
    need, curve, _ = descend(B, tried, goal=0.2)
    won = need.mean(axis=1).argmin()
    lowest_yet = np.minimum.accumulate([now[won] for _, now in curve]).mean(axis=1)
    best[B], race[B], k = (tried[won], need[won]), ([t for t, _ in curve], lowest_yet), k - 1 + won
    updates = need[won].mean()
    print(f"B = {B:4d}: best rate {rates[k]:5.2f}, {updates:5.0f} updates, {updates * B:6,.0f} examples")

# %% tags=["hide-input"] claims=["S2-11"]
# @title Loss against updates and against examples; the knee


def log_updates(B, a, c):
    """ln S = a + ln(1 + B_c/B), with c = ln B_c."""
    return a + np.log(1 + np.exp(c) / B)


several = np.array(batches)
mean_updates = np.array([best[B][1].mean() for B in batches])
(a, c), _ = curve_fit(log_updates, several, np.log(mean_updates), p0=[2, 4])
least, knee = np.exp(a), np.exp(c)


def raced(per_update, xlabel, names):
    """Loss, the mean of five starts, against updates or examples; `names` are labels at the ends of curves, with their sides."""

    def draw(ax):
        ax.axhline(0.2, color=plots.CONTOUR, linewidth=0.8, zorder=0)
        for k, B in enumerate(batches):
            t, mean_loss = race[B]
            end = (mean_loss <= 0.2).argmax() + 1
            x, colour = np.array(t[:end]) * (1 if per_update else B), plots.COLOURS[k]
            every = max(1, len(x) // 9)
            ax.plot(x, mean_loss[:end], color=colour, marker=plots.MARKERS[k], markevery=every, markersize=4)
            name, side = names.get(B, ("", "center"))
            near = {"right": -4, "center": 0, "left": 4}[side]
            ax.annotate(
                name,
                (x[-1], 0.2),
                xytext=(near, -21),
                textcoords="offset points",
                ha=side,
                color=plots.ink(colour),
                fontsize=9,
            )
        ax.set(
            xscale="log", yscale="log", xlabel=xlabel, ylabel="lowest training loss so far", ylim=(0.11, 3)
        )
        ax.set_yticks([0.2, 0.5, 1, 2], ["0.2", "0.5", "1", "2"])
        ax.minorticks_off()

    return draw


by_updates = {
    1: ("B = 1", "center"),
    4: ("4", "center"),
    16: ("16", "center"),
    64: ("64", "left"),
    256: ("256, 1024", "right"),
}
by_examples = {
    4: ("B = 1, 4, 16", "right"),
    64: ("64", "center"),
    256: ("256", "center"),
    1024: ("1024", "center"),
}
plots.show(
    raced(True, "updates", by_updates),
    raced(False, "examples", by_examples),
    alt="Left, against updates: curves for batches of 1, 4, 16 and 64 reach the goal each about four times as early as the one before, 256 and 1024 together. Right, against examples: "
    "batches of 1, 4 and 16 lie on each other, 64 is a little later, 256 and 1024 each about four times later.",
    height=3.2,
)

# %% [markdown] claims=["S2-11"]
# Seventeen. At first a larger batch saves updates one for one; from 256 on it saves next to none, and examples are what it costs.
#
# **Which rate?** Two rules are in use: multiply the rate by as much as the batch (*linear scaling*, Goyal and others 2017), or by its square root. The theory says linear, up to the knee, and then constant.
#
# **Predict.** Start from the best rate of $B = 1$. At $B = 256$, which rule's rate reaches the goal: the linear one, the square root's, both, neither?

# %% claims=["S2-11"]
by_rule = {}
for B in batches[1:]:
    scaled = best[1][0] * np.array([B, np.sqrt(B)])  # linear, square root
    runs = [descend(B, [lr], goal=0.2, most=5 * int(best[B][1].mean()))[0] for lr in scaled]
    by_rule[B] = np.mean(runs, axis=(1, 2)) / best[B][1].mean()
    linear, root = (f"{cost:.2f}" if np.isfinite(cost) else "never" for cost in by_rule[B])
    print(f"B = {B:4d}: updates over those at the best rate: linear {linear}, square root {root}")

# %% tags=["hide-input"] claims=["S2-11"]
# @title The knee, and the best rates beside the rules
wide = np.geomspace(1, 1500, 80)
chosen = np.array([best[B][0] for B in batches])


def knees(ax):
    plots.lines(
        Curve(several, mean_updates, "updates", colour=0),
        Curve(wide, least * (1 + knee / wide), theory=True, colour=0),
        Curve(several, several * mean_updates, "examples", colour=1),
        Curve(wide, least * (wide + knee), theory=True, colour=1),
        xlabel="batch size B",
        ylabel="to a training loss of 0.2",
        logx=True,
        logy=True,
    )(ax)
    ax.axvline(knee, color=plots.CONTOUR, linewidth=0.8, zorder=0)
    ax.text(knee * 1.15, 0.93, f"$B_c$ = {knee:.0f}", transform=ax.get_xaxis_transform())


plots.show(
    knees,
    plots.lines(
        Curve(several, chosen, "best", colour=0),
        Curve(wide[wide < 130], chosen[0] * wide[wide < 130], "linear", theory=True, colour=1),
        Curve(wide, chosen[0] * np.sqrt(wide), "root", theory=True, colour=2),
        xlabel="batch size B",
        ylabel="learning rate η",
        logx=True,
        logy=True,
    ),
    alt="Left: updates to the goal fall in proportion to one over B, bend near the knee and become level; examples are level and then rise; both lie on the theory's curves. Right: the best rate follows "
    "the linear rule up to 16, falls below it at 64 and is constant from there, where the square-root rule meets it.",
    height=2.9,
)

# %% [markdown] claims=["S2-11"]
# The square root's. Linear scaling is right to $B = 16$ here, costs 1.9 times the updates at 64, and does not arrive from 256 on in five times the updates: it knows of no knee. The square root is too timid
# below the knee, by a factor of three at 64, and good at 1,024, where its line happens to meet the level one.
#
# The knee, 58 examples, is of the size that the noise scale foretells: averaged over the steps of a run with all digits at the best rate, 5.1, it is 49 to 88 from three starts.
# At a rate of 3 it is 220 and 250, from two of them: expect the order of magnitude, no more. Momentum saves nothing here: with β = 0.9,
# at its own best rate, the goal takes somewhat more updates, at $B = 16$ and at $B = 1024$.
#
# **And the result?** A well-known picture: large batches end with a worse test accuracy, at *sharper* minima (Keskar et al. 2017). Train with $B = 16$ and $B = 1024$: first for 20 epochs
# at one rate, 0.1; then at 0.5 and 2.0, until the training loss is 0.02.
#
# **Predict.** Equal epochs: $B = 16$ reads 97 % of the test digits. $B = 1024$: 96, 80 or 40 %?


# %% claims=["S2-11"]
def report(B, setting, ends):  # test accuracy and training loss of five networks
    right = (net.forward(ends, ink[1200:]).argmax(dim=-1) == digit[1200:]).double().mean(dim=-1)
    lost = losses(ends, ink[:1200], digit[:1200])
    print(f"B = {B:4d}, {setting}: test {right.mean():.1%}, training loss {lost.mean():.3f}")
    return right.numpy(), lost.numpy(), ends.double().numpy()


stopped, arrived = {}, {}
for B, lr in ((16, 0.5), (1024, 2.0)):
    stopped[B] = report(B, "20 epochs at 0.1 ", descend(B, [0.1], goal=0.0, most=20 * 1200 // B)[2][0])
    arrived[B] = report(B, "to a loss of 0.02", descend(B, [lr], goal=0.02)[2][0])
flat, sharp = ([curvature.sharpness(everyone, w) for w in arrived[B][2]] for B in (16, 1024))
print(f"sharpness at a loss of 0.02: {np.mean(flat):.2f} with B = 16, {np.mean(sharp):.2f} with B = 1024")

# %% [markdown] claims=["S2-11"]
# Forty. Its *training* loss is thirty times higher: it has made 23 updates in place of 1,500. At equal training loss the two read equally well, within about half a percentage point from each start: **the generalisation gap does not
# reproduce here**; the optimisation gap does. The end points of the large batch are somewhat sharper at these two rates, by 1 to 41 %, and read no worse. Sharpness can even be written in: with ReLU units, multiply
# the hidden layer's weights and biases by $a$ and divide the outgoing weights by $a$. Every output stays; the second derivatives along the outgoing weights grow by $a^2$ (Dinh et al. 2017).


# %% tags=["hide-input"] claims=["S2-11"]
# @title The same function, sharper
def rescaled(w, a):
    """The same function, other weights."""
    w, hidden = w.copy(), 64 * 32 + 32
    w[:hidden] *= a
    w[hidden:-10] /= a
    return w


written = np.array([[rescaled(w, a) for a in (1, 10, 20)] for w in arrived[1024][2][:3]])  # (3, 3, n)
grown_by = np.array([[curvature.sharpness(everyone, w) for w in row] for row in written])
outputs = net.forward(torch.tensor(written), x).numpy()
change = np.abs(outputs - outputs[:, :1]).max()
print("sharpness at a = 10 over a = 1, three networks:", (grown_by[:, 1] / grown_by[:, 0]).round())

# %% tags=["hide-input"] claims=["S2-11"]
# @title Evidence
pushed = {}
for B in (16, 1024):
    need, _, _ = descend(B, 0.1 * best[B][0] * 2.0 ** np.arange(-2, 1.5, 0.5), goal=0.2, beta=0.9)
    pushed[B] = need.mean(axis=1).min() / best[B][1].mean()


def mean_noise(w, lr):
    """The noise scale, averaged over the steps of a run with all digits."""
    met = []
    while losses(w, *train) > 0.2 and len(met) < 25:
        met.append(noise_scale(w))
        w = w - lr * gradient(w, *train)
    return np.mean(met)


foreseen = [mean_noise(w, best[1024][0]) for w in start[:3]]
calmer = [mean_noise(w, 3.0) for w in start[:2]]
table(
    claim(
        "",
        "updates over Sₘᵢₙ (1 + B_c/B), 6 batch sizes",
        mean_updates,
        predicted=least * (1 + knee / several),
        within=0.2,
    ),
    claim(
        "",
        "B_c over the mean noise scale of a run with all digits, 3 starts",
        knee / foreseen,
        at_least=0.3,
        at_most=3,
    ),
    claim(
        "",
        "linear scaling: updates over those at the best rate, B = 4, 16",
        [by_rule[4][0], by_rule[16][0]],
        at_most=1.5,
    ),
    claim("", "square root: the same, B = 16, 64", [by_rule[16][1], by_rule[64][1]], at_least=1.5),
    claim(
        "S2-11",
        "equal epochs: accuracy, B = 16 minus B = 1024",
        stopped[16][0] - stopped[1024][0],
        at_least=0.3,
    ),
    claim(
        "P13",
        "equal loss: the same difference",
        arrived[16][0] - arrived[1024][0],
        at_least=-0.015,
        at_most=0.015,
    ),
    claim(
        "P13",
        "equal loss: sharpness, B = 1024 over B = 16",
        np.divide(sharp, flat),
        at_least=0.9,
        at_most=1.8,
    ),
    claim(
        "P56",
        "sharpness at a = 10 over a = 1, same outputs",
        grown_by[:, 1] / grown_by[:, 0],
        at_least=20,
    ),
    more=[
        claim(
            "",
            "linear scaling at B = 256, 1024: runs that arrive",
            sum(np.isfinite(by_rule[B][0]) for B in (256, 1024)),
            at_most=0,
        ),
        claim("", "linear scaling at B = 64: updates over the best", by_rule[64][0], at_least=1.3),
        claim(
            "",
            "square root at B = 256, 1024: the same",
            [by_rule[256][1], by_rule[1024][1]],
            at_least=1,
            at_most=3,
        ),
        claim(
            "",
            "mean noise scale of a run with all digits at η = 3, 2 starts",
            calmer,
            at_least=150,
            at_most=350,
        ),
        claim("", "B_c over the noise scale at the start, 5 starts", knee / first, at_least=1, at_most=3),
        claim("", "B_c over the noise scale at the goal, 5 starts", knee / last, at_most=0.5),
        claim(
            "",
            "updates with momentum 0.9 over those without, B = 16, 1024",
            list(pushed.values()),
            at_least=0.9,
            at_most=1.7,
        ),
        claim(
            "S2-11",
            "equal epochs: training loss, B = 1024 over B = 16",
            stopped[1024][1] / stopped[16][1],
            at_least=5,
        ),
        claim("P56", "largest change of an output by rescaling", change, at_most=1e-9),
        claim(
            "P56",
            "sharpness at a = 20 over a = 10",
            grown_by[:, 2] / grown_by[:, 1],
            predicted=4,
            within=0.05,
        ),
    ],
)

# %% [markdown] claims=["S2-11", "S0-12"]
# So a large eigenvalue alone says nothing about generalisation: the same function is as sharp as you like.
#
# **Caveat.** One network of 2,410 weights, 1,200 digits, plain descent, one goal; a harder goal should have a later knee, since the noise scale grows. With large networks and images, gaps have been reported (Keskar et al. 2017), closed by training longer
# (Hoffer et al. 2017) and, with every setting tuned anew for each batch size, not found (Shallue et al. 2019). Lee calls the question open.

# %% [markdown]
# ## Touch it
#
# The bowl of the first picture, two epochs, 1,024 examples. Choose η and the batch size, $B = 2^k$. One run is drawn; the *gap*, what the loss is above its lowest value in the end, is the mean of forty.
# Find (1) the rate with the smallest gap for $B = 4, 16, 64$: how does it grow? (2) The batch with the smallest gap at η = 0.3. (3) A rate at which $B = 1$ is lost and $B = 64$ is not.


# %% tags=["hide-input"]
# @title Two epochs at a rate and a batch size
orders_of = np.argsort(np.random.default_rng(3).random((40, 2, 512)), axis=-1).reshape(
    40, 1024
)  # 40 times two epochs


def walked(rate, B):
    """Forty runs of two epochs: their paths (steps + 1, 40, 2), and how far above the lowest loss they end in the mean."""
    w = np.tile([-2.0, 2.5], (40, 1))
    path = [w]
    for rows in orders_of.reshape(40, -1, B).swapaxes(0, 1):
        errors = np.einsum("rbn,rn->rb", X[rows], w) - y[rows]
        w = np.clip(w - rate * np.einsum("rb,rbn->rn", errors, X[rows]) / B, -1e9, 1e9)
        path.append(w)
    return np.array(path), np.mean(bowl.value(w) - lowest)


def two_epochs(rate, k):
    B = 2 ** int(k)
    path, above = walked(rate, B)
    verdict = f"gap {above:.2g}" if above < 10 else "lost"
    drawn = path[:, 0]
    trace = Trace("mini-batches", {}, np.arange(len(path)), drawn, bowl.value(drawn))
    title = f"η = {rate:g}, B = {B}\n{1024 // B} updates, {verdict}"
    return plots.descents(bowl, trace, xlim=(-3, 4), ylim=(-3.5, 3.5), title=title, grid=40)


for rate, B in ((0.04, 4), (0.18, 16), (0.62, 64)):  # the answers below
    assert all(walked(rate, B)[1] < walked(other * rate, B)[1] for other in (0.5, 2)), (rate, B)
at_this_rate = {B: walked(0.3, B)[1] for B in (1, 2, 4, 8, 16, 32, 64, 128, 256)}
assert min(at_this_rate, key=at_this_rate.get) == 32
assert walked(0.82, 1)[1] > 10 > 1 > walked(0.82, 64)[1]
stills = [(0.02, 0), (0.3, 0), (1.2, 0), (0.02, 5), (0.34, 5), (1.2, 8)]
interact.explore(
    two_epochs,
    stills=[{"rate": rate, "k": k} for rate, k in stills],
    columns=3,
    alt="Paths in a bowl for six pairs of rate and batch size: a tight approach, a swarm, a cloud that fills the picture, a walk that stops half way, a "
    "walk that arrives, and four coarse steps.",
    rate=interact.Slider("rate η", 0.02, 1.6, 0.02, 0.3),
    k=interact.Slider("k, with B = 2ᵏ", 0, 9, 1, 4),
)

# %% [markdown]
# <details><summary>Answers</summary>
#
# (1) About 0.04, 0.18 and 0.62, with gaps near 0.006 all three: nearly in proportion to the batch, as section 5 has it below the knee. From B = 256 on no rate comes near that gap any more:
# too few updates are left. (2) B = 32, 0.0065; one half and twice as large leave 0.010 and 0.07. (3) Any from 0.82 on.
#
# </details>

# %% [markdown] claims=["S2-09", "S2-10", "S2-11", "S3-08", "S3-11", "S3-12", "S3-14", "S0-12"]
# ## What the sources say, and what is exact
#
# <details><summary>Eleven statements</summary>
#
# S0 is a text on learning as optimisation, S2 notes on Hung-yi Lee's lectures of 2021, S3 a text on LeCun, Bottou, Orr and Müller (1998).
#
# | who | says | exact |
# |---|---|---|
# | S2 | a small batch is "unstable" and quick, a large one "powerful" and slow; in parallel, the times are equal | about equal per **update**, below $B^\star$ examples (38 on this CPU core, a thousand and more on a V100); per **epoch** the small batch is the slow one, 43 times here (section 1) |
# | S3 | batch descent *executes faster* but learns more slowly | an update costs more, up to $N$ times as much; an epoch costs less, through vectorisation only; learning per epoch is slower (sections 1 and 2) |
# | S3 | mini-batches: LeCun, Bottou, Orr and Müller 1998 | they mean a batch that **starts small and grows**; the fixed small $B$ is today's meaning of the word (section 3) |
# | S3 | stochastic learning is usually faster | by as much as the data are redundant: exactly ten times with ten copies (section 2); in examples, up to the critical batch size (section 5) |
# | S3 | stochastic learning often finds better solutions | not found at equal training loss (section 5) |
# | S3 | it can track changes | yes, with a rate near $\sqrt q$ that is **not** annealed (section 3) |
# | S3 | show examples with large errors more often | at most one point gained in the end on clean digits; with wrong labels 9 to 13 points lost (section 4) |
# | S2 | noisy updates train and generalise better; large batches end in sharp minima | at equal epochs the large batch is under-trained; at equal training loss it is at most somewhat sharper and reads as well. Lee himself says that this is still to be studied (section 5) |
# | S0 | start with much noise, to sample the landscape | noise leaves saddles, after a time that grows with $\ln B$ (section 2); unit 04 measures what it does at minima |
# | often heard | $\operatorname{Var} = s^2/B$ | for independent draws; without replacement times $(N-B)/(N-1)$, and shuffled epochs have a lower floor (sections 2 and 3) |
# | often heard | momentum averages the noise out | at the same η it makes the floor $1/(1-\beta)$ times higher; at $\eta(1-\beta)$ it leaves it where it was (section 3) |
#
# </details>

# %% [markdown]
# ## Summary
#
# 1. An update costs $t_0(1 + B/B^\star)$: at $B^\star = t_0/t_1$ twice its least, and an epoch too.
# 2. A batch's gradient misses by $\frac{s^2}{B}\frac{N - B}{N - 1}$; the noise scale $s^2/|\bar g|^2$ says when noise and gradient are equal, and grows as training goes on.
# 3. A constant rate ends at the floor $\eta s^2/(2-\eta)$, with momentum at about half of $\eta s^2/(1-\beta)$; annealing, averaging and a growing batch go below it.
# 4. Mix the classes; draw by loss only with a cap, because a wrong label is the largest surprise of all.
# 5. Updates to a goal are $S_{\min}(1 + B_c/B)$, and the best rate grows with $B$ up to the knee; compare results at equal training loss.

# %% [markdown]
# ## Quick questions
#
# **1.** Your chip has $B^\star = 500$. An epoch with $B = 50$ takes 110 seconds. How long does it take with
# $B = 500$, and with $B = 5000$?
# <details><summary>Answer</summary>
#
# The time is N t₁ (1 + B*/B). At B = 50 that is 11 N t₁ = 110 s, so N t₁ = 10 s. At B = 500: 20 s. At B = 5000: 11 s.
#
# </details>
#
# **2.** You quarter the batch, and raise β from 0 to 0.5. What do you do to the rate to keep the noise floor?
# <details><summary>Answer</summary>
#
# The floor is about η s²/(2 (1 − β)). s² is four times larger, 1/(1 − β) twice: take an eighth of the rate.
#
# </details>
#
# **3.** Which batch size reaches a goal in the fewest *seconds*?
# <details><summary>Answer</summary>
#
# Updates times the price of an update: S(B) t(B) is proportional to (1 + B_c/B)(1 + B/B*), least at B = √(B_c B*). With a knee of 58 and the B* of 38 of section 1 it
# would be 47; a GPU with B* = 1,000 would have 240. (Section 1's network is another one; measure both for yours.)
#
# </details>
#
# **4.** A colleague's data loader reads files class by class and shuffles inside a buffer of 100 rows. What will
# the training loss show?
# <details><summary>Answer</summary>
#
# The order is still nearly sorted: batches come from one class at a time. The loss falls within each class, jumps
# where the next one begins, and the accuracy after an epoch is poor. Shuffle the whole list of rows.
#
# </details>
#
# **5.** A paper reports flatter minima for its method, measured by the largest eigenvalue of the Hessian. Which
# objection do you raise?
# <details><summary>Answer</summary>
#
# With ReLU units the weights of two layers can be rescaled without changing any output, and the eigenvalue changes
# as you like. The measure has to be invariant under that, or the scales of the layers
# must be compared too; and the training losses must be equal.
#
# </details>

# %% [markdown]
# ## Glossary
#
# | English | 中文 | here | section |
# |---|---|---|---|
# | batch, mini-batch | 批次, 小批量 | the $B$ examples of one update | 1 |
# | epoch | 轮次, 时期 | every example once | 1 |
# | update, step | 更新, 步 | the weights move once | 1 |
# | shuffle | 打乱, 洗牌 | a new random order | 1 |
# | stochastic gradient descent | 随机梯度下降 | steps by gradients of batches | 1 |
# | batch gradient descent | 批量梯度下降 | $B = N$ | 1 |
# | hyper-parameter | 超参数 | chosen before training: η, $B$ | 1 |
# | gradient noise scale | 梯度噪声尺度 | $s^2/\lvert\bar g\rvert^2$ | 2 |
# | redundancy | 冗余 | examples that repeat one another | 2 |
# | noise floor | 噪声下限 | $\eta s^2/(2-\eta)$ | 3 |
# | effective rate | 有效学习率 | $\eta/(1-\beta)$ under noise | 3 |
# | annealing, learning-rate decay | 退火, 学习率衰减 | $\eta_0/(1 + t/t_0)$ | 3 |
# | weight averaging | 权重平均 | the mean of the last steps' weights | 3 |
# | emphasising scheme | 强调方案 | examples drawn in proportion to their loss | 4 |
# | outlier | 离群值, 异常值 | a wrong label, for example | 4 |
# | critical batch size | 临界批量大小 | $E_{\min}/S_{\min}$ | 5 |
# | linear scaling rule | 线性缩放规则 | the rate in proportion to $B$ | 5 |
# | sharp minimum, flat minimum | 尖锐极小值, 平坦极小值 | by the largest eigenvalue of the Hessian | 5 |
# | generalisation gap | 泛化差距 | test against training | 5 |

# %% [markdown]
# ## Further reading
#
# - H. Robbins, S. Monro (1951), [*A stochastic approximation method*](https://doi.org/10.1214/aoms/1177729586). Which rates may fall, and how fast.
# - B. T. Polyak, A. B. Juditsky (1992), [*Acceleration of stochastic approximation by averaging*](https://doi.org/10.1137/0330046).
# - Y. LeCun, L. Bottou, G. Orr, K.-R. Müller (1998), [*Efficient BackProp*](https://doi.org/10.1007/3-540-49430-8_2). Stochastic against batch learning, emphasising, growing batches.
# - N. S. Keskar and others (2017), [*On large-batch training for deep learning: generalization gap and sharp minima*](https://arxiv.org/abs/1609.04836).
# - L. Dinh, R. Pascanu, S. Bengio, Y. Bengio (2017), [*Sharp minima can generalize for deep nets*](https://arxiv.org/abs/1703.04933).
# - E. Hoffer, I. Hubara, D. Soudry (2017), [*Train longer, generalize better*](https://arxiv.org/abs/1705.08741).
# - P. Goyal and others (2017), [*Accurate, large minibatch SGD: training ImageNet in 1 hour*](https://arxiv.org/abs/1706.02677). Linear scaling.
# - S. L. Smith, P.-J. Kindermans, C. Ying, Q. V. Le (2018), [*Don't decay the learning rate, increase the batch size*](https://arxiv.org/abs/1711.00489). 1998's mini-batch again.
# - S. McCandlish, J. Kaplan, D. Amodei and others (2018), [*An empirical model of large-batch training*](https://arxiv.org/abs/1812.06162). The noise scale.
# - C. J. Shallue and others (2019), [*Measuring the effects of data parallelism on neural network training*](https://arxiv.org/abs/1811.03600).
# - Hung-yi Lee (2021), *Machine learning*, lecture on batch and momentum (in Chinese). The V100 times of section 1.

# %% [markdown]
# ## Your turn
#
# [Assignment 06](../assignments/06_batch_and_stochastic/06_batch_and_stochastic.ipynb): write the loop of one
# epoch, the noise of a batch, the emphasising probabilities with their cap, and the annealed rate. Then train with
# your own functions, on good labels and on spoilt ones.
