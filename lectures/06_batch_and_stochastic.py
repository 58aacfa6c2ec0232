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
# # How many examples should one step look at?
#
# **Unit 06, batch and stochastic.** 70 minutes. You need gradient descent (unit 01), variance and standard
# deviation, and for section 5 the *sharpness* of unit 05, the largest eigenvalue of the Hessian.
#
# A step needs a gradient, and a gradient is a mean over examples. You may average all 60,000 of them or look at
# one. The first is exact and dear, the second cheap and wrong. Between them lies a number that every training run
# has to choose, the batch size $B$. This lecture measures what it buys in time, in noise, in speed of learning and
# in the quality of the result.
#
# Each section asks a question, lets you **predict**, derives a number, measures it, and puts the two side by side.
# Write your prediction down before you run the cell. A cell whose evidence fails stops the notebook. Codes in the
# tables name what is being checked: S2-10 is a sentence of a source text (S0: a text on learning as optimisation;
# S2: notes on Hung-yi Lee's lectures of 2021; S3: a text on LeCun, Bottou, Orr and Müller 1998), P14 an experiment
# of this course.

# %%
import os

import numpy as np
import torch
from scipy.sparse.linalg import LinearOperator, cg

from trainlab import curvature, data, interact, networks, plots, surfaces, timing
from trainlab.descend import run
from trainlab.evidence import claim, table
from trainlab.plots import Curve

torch.set_num_threads(1)  # the networks are tiny: more threads cost time
FAST = os.environ.get("FAST") == "1"  # one seed in place of three in sections 4 and 5
seeds = range(1 if FAST else 3)

# %% [markdown] claims=["S2-08", "S2-09"]
# ## 1. What does one update cost?
#
# **Question.** The words first. One *update* moves the weights once, by the mean gradient of one *batch* of $B$
# examples. One *epoch* shows every example once: $N/B$ updates. Before each epoch the examples are shuffled anew.
# $B = N$ is *batch descent*, $B = 1$ is *stochastic* (or online) *descent*, and what lies between is called
# *mini-batch descent* today (section 3 says what the word meant in 1998).
#
# Here is one epoch of a least-squares problem with two weights and 512 examples, at one learning rate. A batch is a
# surface of its own: the loss on its rows. The rule below walks from one to the next.


# %% claims=["S2-08", "S2-09"]
class LeastSquares:  # half the mean squared error on some rows: inputs X (N, n), targets y (N,)
    def __init__(self, X, y):
        self.X, self.y = X, y

    def value(self, w):
        return 0.5 * np.square(w @ self.X.T - self.y).mean(axis=-1)

    def grad(self, w):
        return (w @ self.X.T - self.y) @ self.X / len(self.y)


def minibatch(grad, w, lr, parts):  # the full gradient goes unused: each step sees one part of the data
    for part in parts:
        w = w - lr * part.grad(w)
        yield w


# %% claims=["S2-08", "S2-09"]
rng = np.random.default_rng(0)
X = rng.normal(size=(512, 2)) * [1.0, 0.6]
y = X @ [2.0, -1.0] + 1.5 * rng.normal(size=512)
bowl = LeastSquares(X, y)
lowest = bowl.value(np.linalg.lstsq(X, y, rcond=None)[0])


def epoch(B, rng):  # all rows once, in a new order; B divides 512 here
    return [LeastSquares(X[rows], y[rows]) for rows in rng.permutation(512).reshape(-1, B)]


paths = {B: run(minibatch, bowl, [-2.0, 2.5], 512 // B, lr=0.2, parts=epoch(B, rng)) for B in (1, 32, 512)}
gap = {B: trace.losses[-1] - lowest for B, trace in paths.items()}  # after one epoch
plots.show(
    *(
        plots.descents(bowl, trace, xlim=(-3, 4), ylim=(-3.5, 3.5), title=f"B = {B}: {512 // B} updates")
        for B, trace in paths.items()
    ),
    alt="Three pictures of one epoch from one start: 512 updates reach the minimum quickly and swarm about it, 16 updates walk most of the way with small detours, one update makes a single step downhill.",
)

# %% [markdown]
# **Predict.** A network with 784 inputs, 256 hidden units and 10 outputs; 60,000 examples; one core of a CPU. (a)
# How much longer does an update take with $B = 10$ than with $B = 1$, and with $B = 1000$: 1, 3, 20 or 1000 times?
# (b) Which takes longer, an epoch with $B = 1$ or an epoch with $B = 1000$, and by what factor? (c) And on a large
# GPU?
#
# **Theory.** An update has a fixed price $t_0$ (starting some dozens of operations, touching every weight) and a
# price $t_1$ per example. So
#
# $$t(B) = t_0 + B\,t_1, \qquad \text{epoch} = \frac{N}{B}\,t(B) = N\left(\frac{t_0}{B} + t_1\right).$$
#
# Below $B^\star = t_0/t_1$ an update costs about the same whatever $B$ is, so a larger batch is free; the epoch
# gets shorter like $1/B$. Above $B^\star$ an update costs in proportion to $B$, and the epoch gets no shorter. Only
# $B^\star$ depends on the machine: it says how many examples the chip handles at the price of one.
#
# **Experiment.** `timing.update_times()` makes updates with random rows and takes the median time. Its numbers
# differ from day to day and from chip to chip, so two sets are drawn here that do not: what it gave on the machine
# that built this lecture (one core of an Intel Xeon server; this course has had no GPU to measure on), and what
# Hung-yi Lee reports in his lecture of 2021 for MNIST on a V100 GPU: *the same time per update from $B = 1$ to
# $B = 1000$*, and an update with all 60,000 in under ten seconds.

# %% claims=["S2-10", "S3-12"]
cpu = timing.stored()
B = np.array(cpu.sizes)
update, whole = np.array(cpu.seconds), cpu.epochs
t1 = (update[-1] - update[0]) / (B[-1] - B[0])  # two of the six sizes give the two prices
t0 = update[0] - t1
line = np.geomspace(1, 60_000, 60)
v100 = np.array([1, 1000])
plots.show(
    plots.lines(
        Curve(B, update / update[0], "CPU core", colour=0),
        Curve(line, (t0 + line * t1) / update[0], "t₀ + B t₁", theory=True, colour=0),
        Curve(v100, [1, 1], "V100 (Lee)", colour=1),
        xlabel="batch size B",
        ylabel="time of an update, B = 1 is 1",
        logx=True,
        logy=True,
    ),
    plots.lines(
        Curve(B, whole / whole[0], "CPU core", colour=0),
        Curve(line, (t0 / line + t1) / (t0 + t1), "t₀/B + t₁", theory=True, colour=0),
        Curve(v100, 1 / v100, "V100 (Lee)", colour=1),
        xlabel="batch size B",
        ylabel="time of an epoch, B = 1 is 1",
        logx=True,
        logy=True,
    ),
    alt="Left: the CPU's update time is level up to about ten examples and then grows in proportion; the V100's is level to a "
    "thousand. Right: the CPU's epoch time falls about forty-fold until a hundred and is level from there; the V100's falls to a thousandth.",
    height=2.9,
)

# %% [markdown] claims=["S2-10"]
# **Now your machine.** The next cell measures your processor, and your GPU where PyTorch finds one. It draws its
# picture where somebody can look at it, in JupyterLab or on Colab, and shows nothing in this stored copy. What it
# asserts should hold on any machine, also on a busy one: with $B = 1$ an epoch takes longer than with $B = 1000$.

# %% claims=["S2-10"]
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

# %% [markdown]
# **Evidence**, from the stored numbers. "By the formula" uses $t_0$ and $t_1$ from the smallest and the largest
# batch.

# %% claims=["S2-09", "S2-10", "S3-12"]
ideal = (t0 + B * t1)[1:5]
table(
    claim("S2-10", "update time, B = 10 … 10,000, by the formula", update[1:5], predicted=ideal, within=0.25),
    claim("S2-10", "B* = t₀/t₁: examples at the price of one", t0 / t1, at_least=10, at_most=100),
    claim("P12", "update with B = 10 over B = 1", update[1] / update[0], at_most=2),
    claim("P12", "update with B = 1000 over B = 1", update[3] / update[0], at_least=10),
    claim("S3-12", "epoch with B = 1 over epoch with B = 1000", whole[0] / whole[3], at_least=20),
    claim("S3-12", "epoch with B = 1000 over B = 60,000", whole[3] / whole[5], predicted=1, within=0.2),
    claim("S2-09", "what is left after 1 epoch, B = 512 over B = 32", gap[512] / gap[32], at_least=10),
)

# %% [markdown] claims=["S2-09", "S2-10", "S3-12"]
# So "a large batch takes as long as a small one" is a sentence about one update on a chip with room to spare: up to
# about 40 examples here, up to a thousand or more on the V100. Its other half is about the epoch: there the *small*
# batch is the slow one, by a factor of 40 on this CPU and of 1000 on that GPU. And "batch descent executes faster",
# as S3 has it, is true per epoch and false per update. It also says nothing about learning: after one epoch the
# single exact step above has hardly begun.
#
# **Caveat.** The time counts arithmetic only. Reading and preparing examples, and talking between machines, often
# cost more.

# %% [markdown] claims=["S3-08", "S2-09"]
# ## 2. How much does one example say?
#
# **Question.** If time per example were all the same, would you still wait for all of them before you step? It
# depends on how much the next example tells you that the last one did not.
#
# **Predict.** (a) You average 100 times as many examples. How much more precise is the gradient: 100 times, 10
# times? (b) A data set consists of ten copies of the same 100 rows. How many epochs of batch descent do as much as
# one epoch with $B = 100$? (c) You stand exactly on a saddle, where the full gradient is zero. Does a mini-batch
# get you off?
#
# **Theory.** Let $g_i$ be the gradient of example $i$ and $s^2$ its variance over the $N$ examples, in one
# coordinate. The mean of $B$ of them, drawn without replacement, is right on average and has the variance
#
# $$\operatorname{Var} = \frac{s^2}{B}\cdot\frac{N - B}{N - 1} .$$
#
# The standard error falls like $1/\sqrt B$: the price of a step grows with $B$, its precision with the root of $B$.
# The second factor says that $B = N$ leaves nothing to chance.
#
# **Redundancy.** In the extreme the rows repeat. Take ten copies of 100 rows, one after the other. The full
# gradient is the mean over 1,000 rows and equals the gradient of each block of 100. Batch descent makes one such
# step per epoch, mini-batches of 100 make ten: *exactly* ten times as fast, in every epoch. Real data are never
# exact copies and never quite new either.
#
# **Experiment.** First the formula, on the gradients of 1,200 handwritten digits in a small network. Then the ten
# copies, and the same thing shuffled.

# %% claims=["S2-09", "S3-08"]
digits = data.digits()
pixels = digits.inputs - digits.inputs[:1200].mean(axis=0)
train, test = slice(0, 1200), slice(1200, None)
net = networks.MLP((64, 32, 10), "tanh")  # 2410 weights
entropy = torch.nn.functional.cross_entropy


def on(rows, labels=digits.labels, net=net):  # the loss on some rows, as a surface
    return networks.training_loss(net, pixels[rows], labels[rows], entropy)


rng, sizes = np.random.default_rng(1), np.array([1, 4, 16, 64, 256, 600, 900, 1200])
each = np.array([on([i]).grad(net.initial(0)) for i in range(1200)])  # one gradient per example
mean, s2 = each.mean(axis=0), each.var(axis=0).sum()  # summed over the 2410 coordinates
scatter = []
for B in sizes:
    drawn = (each[rng.permutation(1200)[:B]].mean(axis=0) for _ in range(200))
    scatter.append(np.mean([np.square(batch - mean).sum() for batch in drawn]))
formula = s2 / sizes * (1200 - sizes) / 1199

# %% claims=["S3-08"]
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

# %%
plots.show(
    plots.lines(
        Curve(sizes[:-1], scatter[:-1], "measured", colour=0),
        Curve(sizes[:-1], formula[:-1], "formula", theory=True, colour=3),
        Curve(sizes[:-1], s2 / sizes[:-1], "s²/B", theory=True, colour=1),
        xlabel="batch size B",
        ylabel="gradient variance",
        logx=True,
        logy=True,
    ),
    plots.lines(
        Curve(np.arange(7), batch.losses[:7], "batch", colour=1),
        Curve(np.arange(61) / 10, blocks.losses, "ten blocks", colour=0),
        Curve(np.arange(61) / 10, mixed.losses, "shuffled", colour=2),
        xlabel="epochs",
        ylabel="loss",
        logy=True,
    ),
    alt="Left: the measured variance falls in proportion to one over B and drops below that line near 1,200. Right: in six epochs batch "
    "descent loses three to four orders of magnitude, both kinds of mini-batches twenty-four.",
)

# %% [markdown] claims=["S3-09"]
# What speaks for the full gradient, then? Three things. Nothing trembles, so the theory of unit 05 applies: steps
# up to $2/\lambda$, rates from κ. A step can be checked: the loss must fall. And methods that build on the last
# gradient, such as *conjugate gradients* (unit 09), need two gradients of one and the same surface. Here SciPy's
# conjugate gradients solve the ten-weight problem, once with the exact product $Hv$ and once with the product
# estimated on a fresh batch of 100 rows.

# %% claims=["S3-09"]
new_rows = rng.normal(size=(1000, 10))
H = new_rows.T @ new_rows / 1000


def estimated(v):
    rows = new_rows[rng.integers(0, 1000, 100)]
    return rows.T @ (rows @ v) / 100


def left(product):  # relative error of H w = H weights after at most 30 products
    w, _ = cg(LinearOperator((10, 10), matvec=product), H @ weights, maxiter=30)
    return np.linalg.norm(w - weights) / np.linalg.norm(weights)


exact, noisy_cg = left(lambda v: H @ v), [left(estimated) for _ in range(5)]

# %% [markdown] claims=["S0-12", "S2-16"]
# **Off a saddle.** Noise has one more use. Four signs of each of 64 points, $(\pm a, \pm b)$, have the covariance
# $C = \operatorname{diag}(\lambda_1, \lambda_2)$, with no rounding. Fitting one direction to them,
# $L(w) = \tfrac14\lVert ww^\top - C \rVert_F^2$, has minima at $\pm\sqrt{\lambda_1}\,e_1$ and a strict saddle at
# $\sqrt{\lambda_2}\,e_2$, which is where you start. The full gradient is zero there. A batch's own $C$ has an
# off-diagonal entry, with standard deviation $c/\sqrt B$ for independent draws, and it kicks $w_1$ by
# $k = \eta\, w_2\, c/\sqrt B$ per step. Kicks grow by $z = 1 + \eta(\lambda_1 - \lambda_2)$ per step and add up to
# $k\,z^t/\sqrt{z^2-1}$, so half of the runs should have reached $|w_1| = \delta$ after
#
# $$T = \frac{1}{\ln z} \ln \frac{\delta\sqrt{z^2 - 1}}{0.674\,k}$$
#
# steps (0.674 is the median of $|\xi|$ for a standard normal ξ). A batch four times larger costs $\ln 2/\ln z$ more
# steps, and the full batch never gets off.

# %% claims=["S0-12", "S2-16"]
ab = rng.integers(1, 17, size=(64, 2)) / np.array([8, 16])
points = np.concatenate([ab * signs for signs in ([1, 1], [1, -1], [-1, 1], [-1, -1])])  # (256, 2)
lam1, lam2 = np.square(points).mean(axis=0)
c, lr, delta, z = points.prod(axis=1).std(), 0.02, 0.3, 1 + 0.02 * (lam1 - lam2)


def time_on_saddle(draw, runs, limit=2000):  # median number of steps until |w1| > delta
    w, escaped = np.tile([0.0, np.sqrt(lam2)], (runs, 1)), np.full(runs, limit)
    for t in range(1, limit):
        x = draw()  # (runs, B, 2)
        C = np.swapaxes(x, 1, 2) @ x / x.shape[1]  # the batch's own covariance, (runs, 2, 2)
        w = w - lr * (np.square(w).sum(axis=1, keepdims=True) * w - np.einsum("rij,rj->ri", C, w))
        escaped = np.where((np.abs(w[:, 0]) > delta) & (escaped == limit), t, escaped)
        if (escaped < limit).all():
            break
    return np.median(escaped)


saddle_sizes = np.array([4, 16, 64, 256])
waited = [time_on_saddle(lambda B=B: points[rng.integers(0, 256, (300, B))], 300) for B in saddle_sizes]
kick = lr * np.sqrt(lam2) * c / np.sqrt(saddle_sizes)
expected = np.log(delta * np.sqrt(z**2 - 1) / (0.674 * kick)) / np.log(z)
never = time_on_saddle(lambda: points[None], 1)

# %% [markdown] claims=["S2-16"]
# And a control: a network whose 32 hidden units start equal, trained on mini-batches.

# %% claims=["S2-16"]
twins = net.initial(0)
W, out = twins[: 64 * 32].reshape(32, 64), twins[64 * 32 + 32 : -10].reshape(10, 32)
W[:], out[:] = W[0], out[:, :1]  # views: `twins` changes
w = twins
for rows in rng.permutation(1200).reshape(-1, 8):
    w = w - 0.3 * on(rows).grad(w)
spread = np.ptp(w[: 64 * 32].reshape(32, 64), axis=0).max()
moved = np.abs(w - twins).max()

# %% [markdown]
# **Evidence.**

# %% claims=["S0-12", "S2-09", "S2-16", "S3-08", "S3-09"]
ratio = blocks.losses[10:60:10] / batch.losses[10:60:10]
table(
    claim(
        "S2-09",
        "a batch's gradient variance, B = 1 … 900",
        scatter[:7],
        predicted=formula[:7],
        within=0.15,
    ),
    claim("S2-09", "the same at B = 1200 = N", scatter[7], at_most=1e-20),
    claim("S3-08", "loss: 1 to 5 epochs in blocks over 10 to 50 of batch", ratio, predicted=1, within=1e-6),
    claim("P14", "loss after 1 epoch: batch over shuffled", batch.losses[1] / mixed.losses[10], at_least=30),
    claim("S3-09", "error of conjugate gradients, full batch", exact, at_most=1e-4),
    claim("S3-09", "error with estimated products, 5 runs", noisy_cg, at_least=0.03),
    claim("S2-16", "median steps on the saddle, B = 4, 16, 64, 256", waited, predicted=expected, within=0.1),
    claim("S0-12", "steps that the full batch stays on it, of 2,000", never, at_least=2000),
    claim("", "spread of 32 equal units after 150 mini-batches", spread, at_most=1e-9),
    claim("", "way that they went together", moved, at_least=0.01),
)

# %% [markdown] claims=["S0-12", "S2-16"]
# (a) Ten times. (b) Ten epochs, to the last digit; with the copies shuffled, still far ahead. (c) It does, after a
# time that grows only with the logarithm of $\sqrt B$: on this saddle 190 steps with 256 examples, against 117 with
# 4. Momentum (unit 05) shortens the wait by a larger growth factor but needs something to start from; noise is that
# something.
#
# **Caveat.** Noise is found only where examples disagree. Two hidden units with equal weights sit on a saddle too
# (unit 04), and *every single example* gives them the same gradient: the last two rows of the table show 32 units
# that stay equal through 150 mini-batches while moving together. Random initial weights break that tie;
# mini-batches do not. And "start with much noise, to sample the landscape before you choose a valley" (S0) remains
# a picture: what is measured here is escape from saddles; section 5 finds no better valley.

# %% [markdown] claims=["S3-10"]
# ## 3. How quiet does it get?
#
# **Question.** Near the minimum the full gradient goes to zero. The gradient of a batch does not: examples still
# disagree. What does the run do there?


# %% claims=["S3-10"]
def noisy(grad, w, rates, rng):  # one step per rate; the gradient's noise has the variance s² = 1
    for lr in rates:
        w = w - lr * (grad(w) + rng.normal(size=w.shape))
        yield w


parabola, rng = surfaces.Quadratic((1.0,)), np.random.default_rng(2)
single = {f"η = {lr}": run(noisy, parabola, [6.0], 400, rates=[lr] * 400, rng=rng) for lr in (0.5, 0.05)}
single["η = 1/t"] = run(noisy, parabola, [6.0], 400, rates=1 / np.arange(1, 401), rng=rng)
plots.show(
    plots.lines(
        *(Curve(trace.steps, trace.path[:, 0], name) for name, trace in single.items()),
        xlabel="step",
        ylabel="weight",
        ylim=(-3, 6.2),
    ),
    alt="Three noisy runs towards zero: with rate 0.5 the weight arrives at once and trembles widely, with 0.05 it arrives after "
    "eighty steps and trembles less, with rate one over t it arrives at once and comes to rest.",
)

# %% [markdown] claims=["S3-10", "S3-11"]
# **Predict.** (a) You divide η by ten. How much smaller is the *variance* of the weight in the end, and how much
# longer is the way? (b) You multiply $B$ by ten instead? (c) A rate that is multiplied by 0.9 after every step goes
# to zero too. Does the run arrive?
#
# **Theory.** On a parabola of curvature λ = 1, with gradient noise of variance $s^2$, the variance $v$ of the
# weight obeys
#
# $$v \leftarrow (1-\eta)^2\, v + \eta^2 s^2 \qquad\Longrightarrow\qquad v_\infty = \frac{\eta\, s^2}{2 - \eta} .$$
#
# This is the **noise floor**. (For curvature λ: $\eta s^2 / (\lambda(2 - \eta\lambda))$.) A constant rate never
# converges; it trembles with a variance of about $\eta s^2/2$. Three ways down:
#
# - **Anneal the rate.** With $\eta_t = 1/t$ the weight is the mean of all $t$ noisy targets so far, so $v = s^2/t$.
#   In general $\eta_t = \eta_0/(1 + t/t_0)$: the $\eta_t$ must go to zero, and yet their sum must grow without
#   limit (Robbins and Monro 1951), or the run stops on the way.
# - **Grow the batch.** $B$ examples divide $s^2$ by $B$. Start small, while every direction is downhill, and grow.
#   *This is what "mini-batch" meant in 1998*: LeCun and his co-authors write of beginning with a few examples and
#   enlarging the batch as training goes on. The fixed small $B$ of today took over the word.
# - **Average the weights** of the last steps (Polyak and Ruppert), which needs neither.
#
# No way does better than $s^2/n$ after $n$ examples, the variance of their mean.
#
# **Experiment.** 2,000 runs for each of nine rates; then 8,192 examples spent in three ways, 400 runs each.

# %% claims=["S3-10", "S3-11"]
etas, crowd = np.array([0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5]), (2000, 9, 1)
floors = (
    run(noisy, parabola, np.ones(crowd), 800, every=800, rates=[etas[:, None]] * 800, rng=rng)
    .path[-1]
    .var(axis=0)[:, 0]
)


# %% claims=["S3-10", "S3-11"]
def growing(grad, w, lr, sizes, rng):  # a constant rate and a batch for every step: s² = 1/B
    for B in sizes:
        w = w - lr * (grad(w) + rng.normal(size=w.shape) / np.sqrt(B))
        yield w


T, start = 8192, np.full((400, 1), 6.0)
doubling = np.floor(2.0 ** (np.arange(45) / 4)).astype(int)  # 1 1 1 1 2 2 2 3 4 4 5 6 8 ... 2048
spent = {
    "constant η = 0.1": (run(noisy, parabola, start, T, rates=[0.1] * T, rng=rng), np.arange(T + 1)),
    "annealed, η = 1/t": (
        run(noisy, parabola, start, T, rates=1 / np.arange(1, T + 1), rng=rng),
        np.arange(T + 1),
    ),
    "growing batch, η = 0.5": (
        run(growing, parabola, start, 45, lr=0.5, sizes=doubling, rng=rng),
        np.append(0, doubling.cumsum()),
    ),
}
frozen = run(noisy, parabola, start, 400, every=400, rates=0.2 * 0.9 ** np.arange(400), rng=rng).path[-1]
error = {name: np.square(trace.path[..., 0]).mean(axis=1) for name, (trace, _) in spent.items()}

# %% [markdown] claims=["S3-10"]
# The formula assumes independent draws. Real epochs are shuffled, so here are both: 400 runs that look for the mean
# of 100 numbers by steps on one number at a time.

# %% claims=["S3-10"]
x, w_shuffled, w_drawn, tails = rng.normal(size=100), np.zeros(400), np.zeros(400), []
x = (x - x.mean()) / x.std()  # mean 0, s² = 1
for _ in range(40):
    order = np.argsort(rng.random((400, 100)), axis=1)
    for t in range(100):
        w_shuffled += 0.05 * (x[order[:, t]] - w_shuffled)
        w_drawn += 0.05 * (x[rng.integers(0, 100, 400)] - w_drawn)
    tails.append((w_shuffled.var(), w_drawn.var()))
after_shuffled, after_drawn = np.mean(tails[5:], axis=0)

# %%
fine = np.linspace(0.01, 1.6, 60)


def seen(n):  # moments evenly spread on a logarithmic axis
    return np.unique(np.geomspace(1, len(n) - 1, 60).astype(int))


plots.show(
    plots.lines(
        Curve(etas, floors, "measured", colour=0),
        Curve(fine, fine / (2 - fine), "η/(2 − η)", theory=True, colour=3),
        xlabel="learning rate η",
        ylabel="variance of the weight",
    ),
    plots.lines(
        *(Curve(n[seen(n)], error[name][seen(n)], name.split(",")[0]) for name, (_, n) in spent.items()),
        Curve([1, T], [1, 1 / T], "s²/n", theory=True, colour=3),
        xlabel="examples used, n",
        ylabel="mean squared error",
        logx=True,
        logy=True,
    ),
    alt="Left: the measured variances lie on the curve eta over two minus eta. Right: with a constant rate the error stops at 0.05; the annealed "
    "rate follows one over n, the growing batch falls alongside it.",
)

# %% [markdown] claims=["S3-08"]
# **A moving target.** Annealing has a price: a run that has come to rest no longer follows. Let the target θ make a
# random step of variance $q$ at each step, and let each gradient see it through noise of variance 1. The same
# recursion now reads $v \leftarrow (1-\eta)^2 v + \eta^2 + q$, so
#
# $$v_\infty = \frac{\eta^2 + q}{\eta\,(2 - \eta)}, \qquad \eta^\star = \tfrac12\left(\sqrt{q^2 + 4q} - q\right) \approx \sqrt q .$$
#
# Too small a rate lags, too large a rate trembles. The best rate is the gain of the Kalman filter. Batch descent
# over all of the past is an annealed rate in this light.

# %% claims=["S3-08"]
q, steps, walkers = 0.02**2, 3000, 500
best = (np.sqrt(q**2 + 4 * q) - q) / 2
gains = np.array([0.005, 0.01, best, 0.05, 0.1, 0.3])
target, follower, past, errors, history = (
    np.zeros((walkers, 1)),
    np.zeros((walkers, 6)),
    np.zeros((walkers, 1)),
    [],
    [],
)
for t in range(1, steps + 1):
    target = target + np.sqrt(q) * rng.normal(size=(walkers, 1))
    if t > 1500:
        errors.append(np.square(np.hstack([follower, past]) - target).mean(axis=0))
    seen = target + rng.normal(size=(walkers, 1))
    follower = follower + gains * (seen - follower)
    past = past + (seen - past) / t  # the mean of all that was seen
    history.append((target[0, 0], follower[0, 2], past[0, 0]))
tracking = np.mean(errors, axis=0)
lag = (gains**2 + q) / (gains * (2 - gains))

# %%
ticks, steady = np.arange(1, steps + 1, 10), np.geomspace(0.004, 0.35, 60)
walk, close, mean_of_past = np.array(history)[::10].T
plots.show(
    plots.lines(
        Curve(ticks, walk, "target", theory=True, colour=3),
        Curve(ticks, close, f"η = {best:.2f}", colour=0),
        Curve(ticks, mean_of_past, "mean of past", colour=1),
        xlabel="step",
        ylabel="weight",
    ),
    plots.lines(
        Curve(gains, tracking[:-1], "measured", colour=0),
        Curve(steady, (steady**2 + q) / (steady * (2 - steady)), "theory", theory=True, colour=3),
        xlabel="learning rate η",
        ylabel="mean squared error",
        logx=True,
        logy=True,
    ),
    alt="Left: a wandering target, a follower with the best rate close to it, and the mean of the past far behind. Right: the tracking error against the "
    "rate is a valley with its floor at 0.02; measured points lie on the curve.",
)

# %% [markdown]
# **Evidence.**

# %% claims=["S3-08", "S3-10", "S3-11"]
constant, annealed, grown = error.values()
examples = spent["growing batch, η = 0.5"][1]
reach = 6 * np.prod(1 - 0.2 * 0.9 ** np.arange(400))
quiet, floor = annealed[[1024, 8192]] * [1024, 8192], 0.05 / 1.95
table(
    claim("S3-10", "variance at a constant rate, 9 rates", floors, predicted=etas / (2 - etas), within=0.15),
    claim("S3-10", "annealed: error times n, n = 1024, 8192", quiet, predicted=1, within=0.25),
    claim("S3-11", "growing batch: the same, last 5 steps", (grown * examples)[-5:], at_least=1, at_most=4),
    claim(
        "P14",
        "error at the end: constant over annealed",
        constant[-1000:].mean() / annealed[-1],
        at_least=100,
    ),
    claim("S3-10", "η = 0.2 · 0.9ᵗ: distance left of 6", frozen.mean(), predicted=reach, within=0.15),
    claim("", "independent draws: variance over floor", after_drawn / floor, predicted=1, within=0.15),
    claim("", "the same, at the ends of shuffled epochs", after_shuffled / floor, at_most=0.8),
    claim("S3-08", "tracking error, 6 rates", tracking[:6], predicted=lag, within=0.15),
    claim("P41", "tracking error: mean of the past over best rate", tracking[6] / tracking[2], at_least=5),
)

# %% [markdown] claims=["S3-08", "S3-10", "S3-11"]
# (a) Ten times smaller and a little more, and the way is ten times as long. (b) The same variance, the same number
# of steps, and ten times as many examples for each. (c) It does not: an eighth of the way is left, for ever,
# because the rates add up to 2 only. The annealed rate loses nothing against the bound $s^2/n$; the growing batch,
# at a constant rate of 0.5, stays within a factor of 2.4 of it. Whether you lower the rate or grow the batch, what
# counts is the examples you spend; but the growing batch spends 8,000 of them in 45 updates, which section 1 says
# is the cheap way on parallel hardware (Smith et al. 2018).
#
# A run that must follow a moving target has to keep its rate. At the best one its mean squared error is 0.02;
# that of the mean of all the past is fifteen times as large.
#
# **Caveat.** One curvature and noise that does not depend on the place. A network has a thousand curvatures, and
# its noise shrinks where all examples are fitted: at zero training loss there is no floor (section 5 trains to 0.02
# with batches of 10 and a constant rate). And the formula is for independent draws. Shuffled epochs tremble less at
# their ends, because within an epoch the examples' pushes cancel.

# %% [markdown] claims=["S3-13"]
# ## 4. In which order?
#
# **Question.** The same examples, the same number of updates. Does it matter which comes first? Four orders: sorted
# by class; a fixed random order, the same in every epoch; reshuffled before every epoch; and *emphasised*, drawn in
# proportion to the loss that an example has now.
#
# **Predict.** (a) After one epoch in sorted order, what does the network read in the test digits: about 90 % right,
# 60 %, 30 %? (b) How much better is reshuffling than one fixed random order? (c) A fifth of the training labels is
# replaced by random ones. What share of the draws goes to wrongly labelled examples when you draw by loss: a fifth,
# two fifths?
#
# **Theory.** LeCun and his co-authors (1998) argue from information: learn from the *most unexpected* example.
# Successive examples should come from different classes, because the second of two like examples says little new.
# In sorted order 120 gradients in a row say "it is a 3"; the bias of the last layer alone can satisfy them.
# Emphasising goes further and picks what is unexpected by its loss. But a wrong label is the most unexpected
# example of all, and it stays so. With losses $\ell_i$, the share of draws that go to a set $S$ is
# $\sum_{i \in S} \ell_i / \sum_i \ell_i$; as the right examples are learned, the denominator shrinks, and the share
# of the wrong ones *rises*. A **cap**, $\min(\ell_i, c)$, limits what one example can weigh.
#
# **Experiment.** The 1,200 digits and the network of section 2, $B = 8$, η = 0.3, five epochs.


# %% claims=["S3-13", "S3-14"]
def read(net, theta, rows):  # the digits that the network reads there
    return net.forward(torch.tensor(theta), torch.tensor(pixels[rows])).argmax(dim=1).numpy()


def losses_of_each(theta, labels):
    outputs = net.forward(torch.tensor(theta), torch.tensor(pixels[train]))
    return entropy(outputs, torch.tensor(labels[train]), reduction="none").numpy()


def spoil(rng, share):  # labels of which `share` is replaced by random ones, in the training rows
    labels, hit = digits.labels.copy(), rng.permutation(1200)[: int(share * 1200)]
    labels[hit] = rng.integers(0, 10, hit.size)
    return labels


# %% claims=["S3-13", "S3-14"]
def learn(order, seed, wrong=0.0, cap=False, epochs=5, lr=0.3):
    """Test accuracy after each epoch; share of draws on wrong labels in the last; nines read after the first."""
    rng = np.random.default_rng(seed)
    labels, w, answers, drawn = spoil(rng, wrong), net.initial(seed), [], []
    for _ in range(epochs):
        rows = {"sorted": np.argsort(labels[:1200], kind="stable"), "fixed": np.arange(1200)}.get(order)
        rows = (rng.permutation(1200) if rows is None else rows).reshape(-1, 8)
        for step, batch in enumerate(rows):
            if order == "by loss":
                if step % 15 == 0:  # look at all losses ten times per epoch
                    weight = losses_of_each(w, labels)
                    weight = np.minimum(weight, np.median(weight)) if cap else weight
                batch = rng.choice(1200, 8, p=weight / weight.sum())
            drawn.extend(batch)
            w = w - lr * on(batch, labels).grad(w)
        answers.append(read(net, w, test))
    bad = np.flatnonzero(labels[:1200] != digits.labels[:1200])
    seen = [(answer == digits.labels[test]).mean() for answer in answers]
    return seen, np.isin(drawn[-1200:], bad).mean(), (answers[0] == 9).mean()


# %% claims=["S3-13", "S3-14"]
orders = {name: [learn(name, seed) for seed in seeds] for name in ("sorted", "fixed", "shuffled", "by loss")}
gentle = [learn("sorted", seed, epochs=1, lr=0.1)[0][0] for seed in seeds]
spoilt = {
    "shuffled": [learn("shuffled", seed, 0.2) for seed in seeds],
    "by loss": [learn("by loss", seed, 0.2) for seed in seeds],
    "by loss, capped": [learn("by loss", seed, 0.2, cap=True) for seed in seeds],
}

# %%
ep, colours = np.arange(1, 6), {"sorted": 1, "fixed": 3, "shuffled": 0, "by loss": 4, "by loss, capped": 2}
plots.show(
    *(
        plots.lines(
            *(
                Curve(ep, 100 * np.mean([seen for seen, *_ in r], axis=0), name, colour=colours[name])
                for name, r in runs.items()
            ),
            xlabel="epoch",
            ylabel="test accuracy in %",
            title=title,
        )
        for title, runs in [("true labels", orders), ("a fifth of the labels wrong", spoilt)]
    ),
    alt="Left: the sorted order begins at 30 per cent and is still below the others after five epochs, which lie together above 94. Right: drawing by "
    "loss falls to ten points below shuffling, and the cap brings most of that back.",
)

# %% [markdown]
# **Evidence.** Ranges are over the seeds.

# %% claims=["S2-08", "S3-13", "S3-14"]
first = {name: np.array([seen[0] for seen, *_ in r]) for name, r in orders.items()}
final = {name: np.array([seen[-1] for seen, *_ in r]) for name, r in orders.items()}
ended = {name: np.array([seen[-1] for seen, *_ in r]) for name, r in spoilt.items()}
nines = [nine for *_, nine in orders["sorted"]]
share = {name: [drawn for _, drawn, _ in r] for name, r in spoilt.items()}
fresh, keen = final["shuffled"] - final["fixed"], final["by loss"] - final["shuffled"]
table(
    claim("S3-13", "test accuracy after 1 epoch, sorted", first["sorted"], at_most=0.7),
    claim("S3-13", "share of test digits read as a nine then", nines, at_least=0.3),
    claim("S3-13", "what a smaller rate, η = 0.1, saves", gentle - first["sorted"], at_least=0.05),
    claim("S3-13", "test accuracy after 1 epoch, shuffled", first["shuffled"], at_least=0.9),
    claim("S3-13", "the same, one fixed random order", first["fixed"], at_least=0.9),
    claim("S2-08", "5 epochs: reshuffled minus fixed order", fresh, at_least=-0.02, at_most=0.02),
    claim("S3-14", "5 epochs, true labels: by loss minus shuffled", keen, at_least=-0.02, at_most=0.03),
    claim(
        "S3-14",
        "a fifth wrong: what drawing by loss costs",
        ended["shuffled"] - ended["by loss"],
        at_least=0.02,
    ),
    claim("S3-14", "what the cap wins back", ended["by loss, capped"] - ended["by loss"], at_least=0.015),
    claim("", "share of draws on wrong labels, shuffled", share["shuffled"], predicted=0.18, within=0.1),
    claim("", "the same, by loss", share["by loss"], at_least=0.3),
    claim("", "the same, capped", share["by loss, capped"], at_most=0.3),
)

# %% [markdown] claims=["S2-08", "S3-13", "S3-14"]
# (a) 30 %. The last digits that the network was shown are 120 nines, and it reads every second test digit as a
# nine. (b) Not measurably: a fixed *random* order is as good as a new one here, within a percentage point. What
# matters is that like examples are not neighbours. (c) Two fifths. With true labels, drawing by loss is neither
# better nor worse in the end, within a percentage point. With a fifth of the labels wrong, it spends 40 % of its
# draws on them and loses 7 to 10 points against plain shuffling. That is the disaster with outliers: the scheme
# cannot tell *hard* from *wrong*. A cap at the median loss brings the share down to 24 % and wins back more than
# half of what was lost.
#
# **Caveat.** One data set and five epochs. At a third of the rate a sorted epoch does less harm (40 to 51 % right
# in place of 28 to 31): a batch can do only as much damage as its step is long. And emphasis is not free: somebody
# has to look at all the losses, ten times per epoch here.

# %% [markdown] claims=["S2-11"]
# ## 5. Do large batches generalise worse?
#
# **Question.** A well-known picture: train with small and with large batches, and the large ones end with a worse
# test accuracy, at *sharper* minima (Keskar et al. 2017). Is the noise of small batches worth having for its own
# sake?
#
# **Predict.** 500 digits to train on, a ReLU network, η = 0.1, 40 epochs. $B = 10$ reads 96 % of the test digits.
# (a) $B = 500$, same rate, same epochs: 96, 90 or 60 %? (b) $B = 500$, trained until its *training loss* equals
# that of $B = 10$? (c) Can you make a minimum ten times sharper without changing any output of the network?
#
# **Theory.** Count updates: 40 epochs are 2,000 updates with $B = 10$ and 40 with $B = 500$. At a rate of 0.1 the
# second run has gone a fiftieth of the way. A comparison at equal epochs therefore compares *optimisation*.
# Generalisation is the gap between training and test, so a fair comparison holds the training loss equal, and lets
# the large batch use the larger rate that its quieter gradient allows (here 0.5).
#
# For (c): with ReLU units, multiply the weights and biases of the hidden layer by $a$ and divide the outgoing
# weights by $a$. Since $\max(0, az) = a \max(0, z)$, every output stays the same. But the loss, seen along the
# outgoing weights, is now $a$ times narrower: its second derivatives grow by $a^2$ (Dinh et al. 2017).
#
# **Experiment.**


# %% claims=["S2-11"]
relu = networks.MLP((64, 32, 10), "relu")
few = on(slice(0, 500), net=relu)  # the training loss on 500 digits
held_out = slice(500, None)


def descend(B, lr, seed, done):  # epochs of mini-batches until done(w, number of epochs)
    rng, w, epochs = np.random.default_rng(seed), relu.initial(seed, scale=np.sqrt(2)), 0
    while not done(w, epochs):
        for rows in rng.permutation(500).reshape(-1, B):
            w = w - lr * (few if B == 500 else on(rows, net=relu)).grad(w)
        epochs += 1
    return w, epochs


def report(w, epochs, B):  # training loss, test accuracy, sharpness, updates
    right = (read(relu, w, held_out) == digits.labels[held_out]).mean()
    return few.value(w), right, curvature.sharpness(few, w), epochs * 500 // B


# %% claims=["S2-11"]
small, same, fair, ends = [], [], [], []
for seed in seeds:
    w, epochs = descend(10, 0.1, seed, lambda w, epochs: epochs == 40)
    small.append(report(w, epochs, 10))
    goal = small[-1][0]
    same.append(report(*descend(500, 0.1, seed, lambda w, epochs: epochs == 40), 500))
    w, epochs = descend(500, 0.5, seed, lambda w, epochs, goal=goal: few.value(w) <= goal or epochs == 3000)
    fair.append(report(w, epochs, 500))
    ends.append(w)
small, same, fair = (np.array(r).T for r in (small, same, fair))  # (4 numbers, seeds)


# %% claims=["S2-11"]
def rescaled(w, a):  # the same function, other weights
    w, hidden = w.copy(), 64 * 32 + 32
    w[:hidden] *= a
    w[hidden:-10] /= a
    return w


scales = np.array([1, 2, 5, 10, 20])
sharp = np.array([[curvature.sharpness(few, rescaled(w, a)) for a in scales] for w in ends])
images = torch.tensor(pixels)
outputs = [[relu.forward(torch.tensor(rescaled(w, a)), images).numpy() for a in scales] for w in ends]
change = max(np.abs(o - row[0]).max() for row in outputs for o in row)

# %%
names = ["B = 10", "B = 500, equal epochs", "B = 500, equal loss"]


def dots(row, xlabel, legend):  # one mark per run
    def draw(ax):
        for k, (name, numbers) in enumerate(zip(names, (small, same, fair), strict=True)):
            ax.plot(
                numbers[row],
                100 * numbers[1],
                plots.MARKERS[k],
                color=plots.COLOURS[k],
                markersize=7,
                label=name,
            )
        ax.set(xlabel=xlabel, ylabel="test accuracy in %", xscale="log")
        if legend:
            ax.legend(loc="center left")

    return draw


plots.show(
    dots(0, "training loss", True),
    dots(2, "sharpness", False),
    plots.lines(
        Curve(scales, sharp[0], colour=2),
        Curve(scales[2:], sharp[0, 2] * (scales[2:] / 5) ** 2, theory=True, colour=3),
        xlabel="rescaling a",
        ylabel="sharpness",
        title="same outputs",
        logx=True,
        logy=True,
    ),
    alt="Left: the large batch at equal epochs lies alone at a high training loss and 60 per cent, the other two lie on each other at 96. Middle: these two have the "
    "same sharpness. Right: rescaling raises the sharpness fifty-fold at a = 10.",
)

# %% [markdown]
# **Evidence.**

# %% claims=["S2-11"]
table(
    claim("S2-11", "equal epochs: accuracy, B = 10 minus B = 500", small[1] - same[1], at_least=0.15),
    claim("S2-11", "equal epochs: training loss, B = 500 over B = 10", same[0] / small[0], at_least=20),
    claim(
        "P13",
        "equal loss: the same difference",
        small[1] - fair[1],
        at_least=-0.015,
        at_most=0.015,
    ),
    claim("P13", "equal loss: sharpness, B = 500 over B = 10", fair[2] / small[2], predicted=1, within=0.25),
    claim("P13", "updates that B = 500 needs for it (B = 10: 2,000)", fair[3], at_most=1000),
    claim("P56", "largest change of an output by rescaling", change, at_most=1e-10),
    claim("P56", "sharpness at a = 10 over a = 1", sharp[:, 3] / sharp[:, 0], at_least=20),
    claim("P56", "sharpness at a = 20 over a = 10", sharp[:, 4] / sharp[:, 3], predicted=4, within=0.05),
)

# %% [markdown] claims=["S2-11", "S0-12"]
# At equal epochs the large batch is more than 30 points worse, and its *training* loss is 80 times higher: it has
# not been trained. At equal training loss the two differ by less than a quarter of a point, with no sign for either
# side, and their sharpness agrees within 4 %. **The generalisation gap does not reproduce here**; the optimisation
# gap does. The large batch needs 411 to 414 updates where the small one took 2,000, but looks at ten times as many
# examples.
#
# And sharpness alone cannot be the reason: the same function, with its weights written differently, is 50 times as
# sharp at $a = 10$. Whatever makes a minimum generalise, it does not depend on how the weights are scaled between
# two layers, and this sharpness does.
#
# **Caveat.** 500 digits and 2,410 weights. With large networks and images, gaps have been reported (Keskar et al.
# 2017), closed by training longer (Hoffer et al. 2017) and, with every setting tuned anew for each batch size, not
# found (Shallue et al. 2019). Lee calls the question open. Nor was there a better valley to find: both runs end at
# the same loss and accuracy, so the noise that "samples the landscape" (S0) has nothing to choose from in this
# example.

# %% [markdown]
# ## Touch it
#
# The bowl of section 1, from the same start, for as many examples as you like to pay for: 1,024, two epochs. Choose
# η and the batch size, $B = 2^k$. Below are six settings; in JupyterLab and on Colab you also get two sliders,
# which the arrow keys move. The *gap* is what the loss is above its lowest value. Find the pair that ends nearest
# to the minimum; the largest batch that still arrives at η = 0.3; a rate at which $B = 1$ is lost and $B = 64$ is
# not.


# %%
def two_epochs(rate, k):
    B, rng = 2 ** int(k), np.random.default_rng(3)
    trace = run(minibatch, bowl, [-2.0, 2.5], 1024 // B, lr=rate, parts=epoch(B, rng) + epoch(B, rng))
    above = trace.losses[-1] - lowest
    verdict = f"gap {above:.1g}" if above < 10 else "lost"
    title = f"η = {rate:g}, B = {B}\n{1024 // B} updates, {verdict}"
    return plots.descents(bowl, trace, xlim=(-3, 4), ylim=(-3.5, 3.5), title=title, grid=40)


stills = [(0.03, 0), (0.3, 0), (1.2, 0), (0.3, 4), (1.2, 4), (1.2, 8)]
interact.explore(
    two_epochs,
    stills=[{"rate": rate, "k": k} for rate, k in stills],
    columns=3,
    alt="Paths in a bowl for six pairs of rate and batch size: a tight approach, a swarm, a wide cloud that fills the picture, a smooth walk, a "
    "coarse walk, and four steps that arrive.",
    rate=interact.Slider("rate η", 0.02, 1.6, 0.02, 0.3),
    k=interact.Slider("k, with B = 2ᵏ", 0, 9, 1, 4),
)

# %% [markdown] claims=["S2-09", "S2-10", "S2-11", "S3-08", "S3-11", "S3-12", "S3-14", "S0-12"]
# ## What the sources say, and what is exact
#
# | who | says | exact |
# |---|---|---|
# | S2 | a small batch is "unstable" and quick, a large one "powerful" and slow; in parallel, the times are equal | equal per **update**, up to $B^\star$ examples (40 on this CPU core, a thousand and more on a V100); per **epoch** the small batch is the slow one, 43 times here (section 1) |
# | S3 | batch descent *executes faster* but learns more slowly | an update costs more, up to $N$ times as much; an epoch costs less, through vectorisation only; learning per epoch is slower (sections 1 and 2) |
# | S3 | mini-batches: LeCun, Bottou, Orr and Müller 1998 | they mean a batch that **starts small and grows**; the fixed small $B$ is today's meaning of the word (section 3) |
# | S3 | stochastic learning is usually faster | by as much as the data are redundant: exactly ten times with ten copies (section 2) |
# | S3 | stochastic learning often finds better solutions | not found at equal training loss (section 5) |
# | S3 | it can track changes | yes, with a rate near $\sqrt q$ that is **not** annealed (section 3) |
# | S3 | show examples with large errors more often | no gain in the end on clean digits; with wrong labels 7 to 10 points lost (section 4) |
# | S2 | noisy updates train and generalise better; large batches end in sharp minima | at equal epochs the large batch is under-trained; at equal training loss accuracy and sharpness agree. Lee himself says that this is still to be studied (section 5) |
# | S0 | start with much noise, to sample the landscape | noise leaves strict saddles, after a time that grows with $\ln B$; nothing here shows that it picks better valleys (sections 2 and 5) |
# | often heard | $\operatorname{Var} = s^2/B$ | for independent draws; without replacement times $(N-B)/(N-1)$, and shuffled epochs have a lower floor (sections 2 and 3) |
# | often heard | mini-batch noise breaks the symmetry of equal units | every example gives them the same gradient; only unequal starts do (section 2) |

# %% [markdown]
# ## Summary
#
# 1. An update costs $t_0 + B t_1$: up to $B^\star = t_0/t_1$ examples a larger batch is free, beyond it an epoch
#    gets no shorter.
# 2. The gradient of a batch has the variance $\frac{s^2}{B}\frac{N-B}{N-1}$, so its precision grows with $\sqrt B$
#    while its price grows with $B$; redundant data make small batches faster by their redundancy.
# 3. A constant rate ends at the noise floor $\eta s^2/(2-\eta)$; annealing the rate or growing the batch goes below
#    it; an annealed rate no longer follows a moving target.
# 4. Mix the classes; draw by loss only with a cap, because a wrong label is the largest surprise of all.
# 5. Compare batch sizes at equal training loss: the large batch that looked 30 points worse was only unfinished,
#    and sharpness can be scaled away without changing the function.

# %% [markdown]
# ## Quick questions
#
# **1.** Your chip has $B^\star = 500$. An epoch with $B = 50$ takes 110 seconds. How long does it take with
# $B = 500$, and with $B = 5000$?
# <details><summary>Answer</summary>
#
# The time is N t₁ (B*/B + 1). At B = 50 that is 11 N t₁ = 110 s, so N t₁ = 10 s. At B = 500: 20 s. At B = 5000: 11
# s.
#
# </details>
#
# **2.** You quarter the batch and want the same noise floor. What do you do to the rate?
# <details><summary>Answer</summary>
#
# s² is four times larger, so η s²/2 stays the same with a quarter of the rate (for small η).
#
# </details>
#
# **3.** 60,000 examples, batches of 30,000. By which factor is the standard error of the gradient smaller than
# s/√30,000?
# <details><summary>Answer</summary>
#
# By √((N − B)/(N − 1)) = √½ = 0.71.
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
# as you like (50 times at a = 10 here). The measure has to be invariant under that, or the scales of the layers
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
# | redundancy | 冗余 | examples that repeat one another | 2 |
# | noise floor | 噪声下限 | $\eta s^2/(2-\eta)$ | 3 |
# | annealing, learning-rate decay | 退火, 学习率衰减 | $\eta_0/(1 + t/t_0)$ | 3 |
# | emphasising scheme | 强调方案 | examples drawn in proportion to their loss | 4 |
# | outlier | 离群值, 异常值 | a wrong label, for example | 4 |
# | sharp minimum, flat minimum | 尖锐极小值, 平坦极小值 | by the largest eigenvalue of the Hessian | 5 |
# | generalisation gap | 泛化差距 | test against training | 5 |
# | hyper-parameter | 超参数 | chosen before training: η, $B$ | 1 |

# %% [markdown]
# ## Further reading
#
# - H. Robbins, S. Monro (1951), *A stochastic approximation method*. Which rates may fall, and how fast.
# - B. T. Polyak, A. B. Juditsky (1992), *Acceleration of stochastic approximation by averaging*.
# - Y. LeCun, L. Bottou, G. Orr, K.-R. Müller (1998), *Efficient BackProp*. Stochastic against batch learning,
#   emphasising, growing batches.
# - N. S. Keskar, D. Mudigere, J. Nocedal, M. Smelyanskiy, P. T. P. Tang (2017), *On large-batch training for deep
#   learning: generalization gap and sharp minima*.
# - L. Dinh, R. Pascanu, S. Bengio, Y. Bengio (2017), *Sharp minima can generalize for deep nets*. The rescaling of
#   section 5.
# - E. Hoffer, I. Hubara, D. Soudry (2017), *Train longer, generalize better*.
# - P. Goyal and others (2017), *Accurate, large minibatch SGD: training ImageNet in 1 hour*. Larger batches with
#   larger rates.
# - S. L. Smith, P.-J. Kindermans, C. Ying, Q. V. Le (2018), *Don't decay the learning rate, increase the batch
#   size*. 1998's mini-batch again.
# - C. J. Shallue and others (2019), *Measuring the effects of data parallelism on neural network training*.
# - Hung-yi Lee (2021), *Machine learning*, lecture on batch and momentum (in Chinese). The V100 times of section 1.

# %% [markdown]
# ## Your turn
#
# [Assignment 06](../assignments/06_batch_and_stochastic/06_batch_and_stochastic.ipynb): write the loop of one
# epoch, the noise of a batch, the emphasising probabilities with their cap, and the annealed rate. Then train with
# your own functions, on good labels and on spoilt ones.
