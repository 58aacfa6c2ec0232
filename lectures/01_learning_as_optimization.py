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
# # What is being searched for, and why is the search hard?
#
# **Unit 01, learning as optimisation.** 70 minutes. You need vectors, partial derivatives and a little NumPy. Nothing
# else of the course.
#
# A network is a formula with numbers left open. Training looks for those numbers. This lecture measures what makes the
# search hard and what does not: how many numbers there are, which shapes the loss has, where searches end, and what
# even the best search cannot do.
#
# Each section asks a question, lets you **predict**, derives a number, measures it, and puts the two side by side. Write
# your prediction down before you run the cell. In the tables of evidence, codes such as S0-15 name the sentence of a
# source text that is being checked: S0 is the article "Why training a neural network is hard". A cell whose claim fails
# stops the notebook.

# %%
import itertools
import os

import numpy as np
import torch
from scipy.optimize import least_squares, linprog
from scipy.spatial.distance import pdist

from trainlab import curvature, data, interact, networks, plots, surfaces
from trainlab.descend import Trace, run
from trainlab.evidence import claim, table
from trainlab.plots import Curve

torch.set_num_threads(1)  # the nets are tiny: more threads cost time, and change the last digit
FAST = os.environ.get("FAST") == "1"  # fewer starts in section 3

# %% [markdown] claims=["S0-01", "S0-02", "S0-03", "S0-06"]
# ## 1. What is being searched for?
#
# **Question.** Training is a search for weights $w$ whose loss $L(w)$ is low. Where does this search take place, and
# what would you see if you could look around there?
#
# Take the smallest network that is not trivial: one tanh unit, $f(x) = w_2 \tanh(w_1 x)$, and 21 examples of
# $y = \tanh(1.5\,x)$. Two weights, so the place is a plane: every point is one setting of the weights, and the loss is
# its altitude. On this map, training is a walk. It starts somewhere, asks for the slope, takes a small step downhill,
# and asks again: $w_{t+1} = w_t - \eta\,\nabla L(w_t)$. Every step changes the network a little and its loss with it.
# The walk is not an aimless one, since each step is directed; and it need not find the lowest point, only one that is
# low enough.


# %% claims=["S0-01", "S0-02", "S0-03", "S0-06"]
def gradient_descent(grad, w, lr):
    while True:
        w = w - lr * grad(w)
        yield w


x = torch.linspace(-2, 2, 21, dtype=torch.float64)
tiny = networks.Objective(lambda w: (w[1] * torch.tanh(w[0] * x) - torch.tanh(1.5 * x)).square().mean() / 2)
starts = {"from the right": [2.8, -0.4], "from the top": [-0.3, 1.9], "from the left": [-2.6, 0.6]}
walks = {name: run(gradient_descent, tiny, start, steps=1500, lr=0.5) for name, start in starts.items()}

w1, w2 = np.linspace(-3, 3, 121), np.linspace(-2, 2, 81)
heights = np.log10(1e-6 + tiny.value(np.stack(np.meshgrid(w1, w2), axis=-1)))
contours = plots.descents(tiny, *walks.values(), xlim=(-3, 3), ylim=(-2, 2), title="from above")


def map_with_paths(ax):  # dark is high, white is low
    ax.contourf(w1, w2, heights, levels=np.linspace(-3, 1, 9), cmap="Greys", alpha=0.7, extend="min")
    contours(ax)


plots.show(
    map_with_paths,
    plots.losses(*walks.values(), labels=[name.split()[-1] for name in walks], title="altitude"),
    alt="Left: a map with two white basins, at the upper right and at the lower left, and a grey pass between them at the "
    "origin; three paths run into one basin or the other. Right: their losses fall to a millionth and below.",
)

# %% [markdown] claims=["S0-06", "S0-10", "S0-20", "S0-21"]
# That is the whole error surface of this network: two basins of equal depth (change the sign of both weights, and the
# output is the same), a pass between them, and wide slopes that are nearly level far out.
#
# Two weights are the exception. There is one dimension per weight, and a network that reads 8 by 8 pixels has
# thousands. "Hills and valleys" is then a metaphor. What can be drawn honestly is a **slice**: the loss on one line or one
# plane, $L(w + \alpha v)$ or $L(w + \alpha u + \beta v)$, with the directions stated.
#
# **Predict.** A network of 2,410 weights has been trained on 500 digits. (a) You draw 20 random directions through the
# solution and look at the loss along each. How many of the 20 look like a bowl: 0, 10 or 20? (b) How much of the way
# from the start to the solution would a random plane through the start show? (c) Two random points in a cube of side 1
# are 1.29 apart in 10 dimensions. How far apart are they in 1,000, and does a search take longer there?
#
# **Theory.** A random $k$-dimensional slice through $n$ dimensions contains, on average, the share $k/n$ of the
# squared length of any given vector. A plane in 2,410 dimensions shows 0.08 % of the way: you see two dimensions and
# miss 2,408.
#
# For two points drawn uniformly from $[0, 1]^d$, each coordinate adds $\mathrm{E}(u-v)^2 = \tfrac16$ to the squared
# distance, with variance $\tfrac{7}{180}$. So the distance is about $\sqrt{d/6}$, and its standard deviation tends to
# $\sqrt{7/180}\,/\,(2\sqrt{1/6}) = \sqrt{7/120} = 0.2415$, the same in every dimension. Points move apart, and they
# all become *equally* far apart: the relative spread falls like $1/\sqrt d$. What grows exponentially is the number of
# places: a grid with ten values per axis has $10^d$ points, and nobody searches by trying them.
#
# A gradient does not try places. On a bowl $L = \tfrac12\sum_i \lambda_i w_i^2$ every coordinate shrinks by its own
# factor $1 - \eta\lambda_i$ per step, whatever the other $d - 1$ are doing. If the curvatures are the same, the
# dimension does not matter.
#
# **Experiment.** Four networks from four starts, trained in one run: `run` takes a batch of starts.


# %% claims=["S0-20"]
def heavy_ball(grad, w, lr, beta):  # gradient descent with memory: unit 05
    m = np.zeros_like(w)
    while True:
        m = beta * m - lr * grad(w)
        w = w + m
        yield w


digits = data.digits(500)


def train(widths, activation, scale=1.0, steps=300, seeds=4):
    """The training loss of a network, and the paths of `seeds` runs on it, (steps / 10 + 1, seeds, n)."""
    net = networks.MLP(widths, activation)
    loss = networks.training_loss(net, digits.inputs, digits.labels, torch.nn.functional.cross_entropy)
    starts = np.stack([net.initial(seed, scale) for seed in range(seeds)])
    return loss, run(heavy_ball, loss, starts, steps, every=10, lr=0.1, beta=0.9).path


reader, paths = train((64, 32, 10), "relu", scale=np.sqrt(2))
begins, solutions = paths[0], paths[-1]
n = solutions.shape[1]
way = solutions[0] - begins[0]
length = np.linalg.norm(way)
print(
    f"{n} weights; the walk from the first start ends {length:.1f} away from it, at loss {reader.value(solutions[0]):.4f}"
)

# %% [markdown] claims=["S0-06", "S0-21"]
# Now three measurements: the loss on 20 random lines, all walked as far as the start is away; the share of the way
# that 1,000 random planes contain; and the distances.

# %% claims=["S0-06", "S0-20", "S0-21"]
rng = np.random.default_rng(0)
lines = rng.normal(size=(20, n))
lines *= length / np.linalg.norm(lines, axis=1, keepdims=True)
alpha = np.linspace(-1, 1, 21)
along = reader.value(
    solutions[0] + alpha[:, None, None] * np.concatenate([-way[None], lines])
)  # (21, 1 + 20)
bends = np.diff(along, 2, axis=0)

planes = np.linalg.qr(rng.normal(size=(1000, n, 2)))[0]
share = np.square(way / length @ planes).sum(axis=1)

dims = (2, 10, 100, 1000)
apart = {d: pdist(rng.random((500, d))) for d in dims}
hist = {
    d: np.histogram(r / np.sqrt(d / 6), bins=np.linspace(0, 2, 61), density=True)[0] for d, r in apart.items()
}


def steps_in(
    d,
):  # gradient descent on a bowl in d dimensions, its curvatures from 1 to 10, to a millionth of the loss
    bowl = surfaces.Quadratic(tuple(np.tile(np.linspace(1, 10, 10), d // 10)))
    trace = run(gradient_descent, bowl, np.ones(d), steps=60, lr=2 / 11)
    return trace.steps_to(1e-6 * trace.losses[0])


walked = [steps_in(d) for d in (10, 100, 1000, 10_000)]

# %% claims=["S0-06", "S0-20", "S0-21"]
plots.show(
    plots.lines(
        *(Curve(alpha, y, colour=6) for y in along.T[1:]),
        Curve(alpha, along[:, 0], colour=1),
        xlabel="position on the line (start at 1)",
        ylabel="loss (nats)",
        title="20 random lines, and that to the start",
    ),
    plots.lines(
        *(Curve(np.linspace(0, 2, 60), hist[d], f"d = {d}") for d in dims),
        xlabel="distance / √(d/6)",
        ylabel="density",
        title="two random points of a cube",
    ),
    alt="Left: twenty random slices are bowls, most of them shallow, and the slice through the start rises on "
    "one side only. Right: the density of distances becomes narrower around 1 as the dimension grows.",
)
table(
    claim(
        "S0-06",
        "random lines through the solution that bend upwards everywhere, of 20",
        (bends[:, 1:] > 0).all(0).sum(),
        predicted=20,
        within=0,
    ),
    claim(
        "S0-06",
        "smallest second difference of the loss on the line to the start",
        bends[:, 0].min(),
        at_most=0,
    ),
    claim(
        "S0-20",
        "share of the way that a random plane shows, mean of 1,000",
        share.mean(),
        predicted=2 / n,
        within=0.15,
    ),
    claim(
        "S0-21",
        "mean distance of two points, d = 2, 10, 100, 1000, over √(d/6)",
        [r.mean() / np.sqrt(d / 6) for d, r in apart.items()],
        at_least=0.88,
        at_most=1.01,
    ),
    claim(
        "S0-21",
        "the same for d = 100, 1000",
        [apart[d].mean() for d in (100, 1000)],
        predicted=[np.sqrt(100 / 6), np.sqrt(1000 / 6)],
        within=0.01,
    ),
    claim(
        "S0-21",
        "their standard deviation, d = 10, 100, 1000",
        [apart[d].std() for d in dims[1:]],
        predicted=np.sqrt(7 / 120),
        within=0.08,
    ),
    claim(
        "S0-21",
        "steps to a millionth of the loss, d = 10, 100, 1000, 10,000",
        walked,
        predicted=walked[0],
        within=0,
    ),
)

# %% [markdown] claims=["S0-06", "S0-20", "S0-21"]
# All 20 random slices are smooth bowls. Believe them, and the surface is a bowl. But 20 lines are 20 of 2,410
# dimensions, and the line to the start, the only one on which training happened, is no bowl: it rises to the start on
# one side and is level on the other. Section 2 finds a line through the same solution with a hill on it. **A slice
# shows what is on the slice.**
#
# The distances in 1,000 dimensions are ten times those in 10, as predicted, and gradient descent took exactly as many
# steps in 10,000 dimensions as in 10. A high dimension defeats methods that try places: grids, random guessing,
# nearest neighbours. It does not by itself defeat a method that follows a slope. What does, section 5 measures, is a
# large ratio of the curvatures.
#
# **Caveat.** The bowl's curvatures were held fixed. In real problems a higher dimension often brings more extreme
# curvatures with it; then the ratio grows and the steps with it.

# %% [markdown] claims=["S0-05", "S0-07", "S0-08", "S0-13", "S0-19"]
# ## 2. Is it a bowl?
#
# **Question.** Some surfaces are easy: *convex* ones, whose every valley is the same valley. Is the surface of a network
# like that? And if not, what stands between a start and a solution?
#
# **Predict.** (a) You train the digits network and walk in a straight line from its start to its solution, 41 points,
# ignoring the path that training took. Does the loss rise anywhere? Think of 12 networks: in how many? (b) You train
# two networks from two starts. Both reach a loss of 0.01. What is the highest loss on the straight line between the
# two solutions: 0.01, 0.1, or more than 0.3?
#
# **Theory.** $L$ is convex if it lies below each of its chords: for all $a$, $b$ and $0 \le \alpha \le 1$,
#
# $$L\big((1-\alpha)\,a + \alpha\, b\big) \;\le\; (1-\alpha)\,L(a) + \alpha\, L(b) .$$
#
# Then every local minimum is global, and gradient descent with a small enough rate comes as close to the lowest value
# as you like. Without a hidden layer, cross-entropy is convex in the weights. With one, symmetry spoils it: exchange
# two hidden units with all their weights, and the network computes the same function. From one solution $w$ you get
# another, $Pw$, with the same loss, $32!$ of them for 32 hidden units. If $L$ were convex, the whole segment from $w$
# to $Pw$, and the average of all $32!$ copies, in which all units are equal, would be at least as good as $w$. A
# network whose hidden units are all equal has one hidden unit. So unless one unit is enough for the task, **$L$ is not
# convex**, and its lowest points come in large families.
#
# One violated chord proves it. A segment is the experiment, 41 points on it, and you can do it in any number of dimensions.
#
# **Experiment.** Three architectures, four starts each, and one network without a hidden layer for comparison.

# %% claims=["S0-05", "S0-08", "S0-13", "S0-19"]
t = np.linspace(0, 1, 41)[:, None]


def segments(loss, A, B):  # the loss on the way from each row of A to the row of B: (pairs, 41)
    return loss.value(A[:, None] + t * (B - A)[:, None])


nets = {
    "no hidden layer": train((64, 10), "linear"),
    "1 hidden, ReLU": (reader, paths),
    "3 hidden, ReLU": train((64, 32, 32, 32, 10), "relu", scale=np.sqrt(2)),
    "2 hidden, tanh": train((64, 32, 32, 10), "tanh"),
}
i, j = np.array(list(itertools.combinations(range(4), 2))).T  # six pairs of solutions
down = {name: segments(loss, path[0], path[-1]) for name, (loss, path) in nets.items()}
over = {name: segments(loss, path[-1][i], path[-1][j]) for name, (loss, path) in nets.items()}


def above_chord(curves):  # how far each curve rises above the straight line between its ends
    return (curves - curves[:, :1] * (1 - t[:, 0]) - curves[:, -1:] * t[:, 0]).max(axis=1)


# %% claims=["S0-05", "S0-08", "S0-13", "S0-19"]
plots.show(
    plots.lines(
        *(Curve(t[:, 0], y, colour=c) for c, ys in enumerate(down.values()) for y in ys),
        xlabel="start (0) to solution (1)",
        ylabel="loss (nats)",
        title="down",
    ),
    plots.lines(
        *(
            Curve(t[:, 0], y, name if k == 0 else "", colour=c)
            for c, (name, ys) in enumerate(over.items())
            for k, y in enumerate(ys[:3])
        ),
        xlabel="solution (0) to solution (1)",
        ylabel="loss (nats)",
        title="across",
    ),
    alt="Left: sixteen curves fall from 2.3 to near zero without rising once. Right: between two solutions the loss climbs to "
    "between 0.3 and 4 nats in the networks with hidden layers and stays level in the one without.",
)
hidden = list(nets)[1:]
ends = {name: nets[name][1][-1] for name in hidden}
finals = {name: nets[name][0].value(ends[name]) for name in hidden}
between = [np.linalg.norm(ends[name][i] - ends[name][j], axis=1) for name in hidden]
walked_by = [np.linalg.norm(ends[name] - nets[name][1][0], axis=1)[i] for name in hidden]
table(
    claim(
        "S0-19",
        "largest rise from one point to the next, start to solution, 12 nets",
        [np.diff(down[name], axis=1).max(axis=1) for name in hidden],
        at_most=0,
    ),
    claim(
        "S0-05",
        "no hidden layer: height above the chord, 10 segments",
        np.concatenate([above_chord(down["no hidden layer"]), above_chord(over["no hidden layer"])]),
        at_most=1e-9,
    ),
    claim(
        "S0-08",
        "hidden layers: height above the chord between solutions, 18 pairs",
        [above_chord(over[name]) for name in hidden],
        at_least=0.2,
    ),
    claim(
        "S0-13",
        "worst loss of four solutions over the best, 3 architectures",
        [finals[name].max() / finals[name].min() for name in hidden],
        at_least=1,
        at_most=1.5,
    ),
    claim(
        "S0-13",
        "distance between two solutions, over the way walked to the first",
        np.divide(between, walked_by),
        at_least=1.5,
    ),
)

# %% [markdown] claims=["S0-05", "S0-07", "S0-13", "S0-19"]
# Without a hidden layer no chord is violated. With one, two or three, all 18 pairs have a hill between them, up to 4
# nats high, higher than the loss at the start (2.3): **not a bowl**. And yet all 12 straight lines from start to
# solution go down all the way. The walk meets no obstacle, and wherever it ends, the loss is about the same: different
# valleys, equally deep.
#
# Below is the plane through one start and two solutions, the only plane that contains all three. The paths are shadows: the
# runs leave the plane, and the picture shows the nearest point of it.


# %% claims=["S0-06", "S0-08"]
def relabelled(panel, **labels):
    def draw(ax):
        panel(ax)
        ax.set(**labels)

    return draw


def plane_of(name):  # start 1 is the origin, solution 1 lies at (1, 0) and solution 2 at (0, 1)
    loss, path = nets[name]
    plane = surfaces.Slice(loss, path[0, 0], path[-1, :2] - path[0, 0])
    steps = np.arange(len(path)) * 10
    shadows = [Trace(name, {}, steps, plane.shadow(path[:, k]), loss.value(path[:, k])) for k in range(2)]
    panel = plots.descents(
        plane, *shadows, labels=["run 1", "run 2"], xlim=(-1.3, 1.6), ylim=(-0.6, 1.6), grid=36
    )
    return relabelled(panel, xlabel="towards solution 1", ylabel="towards solution 2", title=name)


plots.show(
    plane_of("no hidden layer"),
    plane_of("1 hidden, ReLU"),
    alt="Left, without a hidden layer: straight, parallel contour lines, one slope for both paths. Right, with a hidden layer: two "
    "paths run into two separate basins, and the contour lines between them show a pass.",
)

# %% [markdown] claims=["S0-19"]
# **Caveat.** "No obstacle on the straight line" (Goodfellow, Vinyals and Saxe 2015) is a statement about a line that
# no training run takes, found on the networks of its day. Frankle (2020) repeated it on CIFAR-10 and ImageNet: there
# the loss stays high until close to the solution. And it fails in the small, too: section 3 has networks for which
# half of the straight lines go uphill.

# %% [markdown] claims=["S0-10", "S0-11", "S0-15", "S0-16"]
# ## 3. Where does the search get stuck?
#
# **Question.** Three features are blamed for hard searches: local minima, flat regions, and the number of dimensions.
# You have met the last. For the other two, take the smallest task that needs a hidden layer: output 1 where exactly
# one of two inputs is 1, the *exclusive or* (XOR). Two hidden units are enough for a loss as close to zero as you
# like. Start the same training 300 times. Where do the runs end?
#
# **Predict.** (a) Of 300 networks with two tanh units, how many solve four examples? (b) The others: does each stop at
# a loss of its own, or do they share a few? (c) One run in five succeeds. How many runs until you may be 99 % sure of
# one success: 5, 10 or 21?
#
# **Theory, the levels.** Suppose that training ends with some examples *confused*: the network gives them one and the same
# output, whatever they want. The best output for a group is the share of ones in it, and costs the entropy
# $H(p) = -p\ln p - (1-p)\ln(1-p)$ per example. So the loss at the end is
#
# $$L = \tfrac14 \sum_{\text{groups}} n_g\, H(p_g) .$$
#
# Two examples confused, one of each kind: $\tfrac24 H(\tfrac12) = \tfrac12\ln 2 = 0.3466$. Three:
# $\tfrac34 H(\tfrac13) = 0.4774$. All four: $\ln 2 = 0.6931$. None: 0. There are no other levels, and the code below
# goes through all groupings to make sure.
#
# **Theory, the cure.** If one run succeeds with probability $p$, then $k$ independent runs all fail with probability
# $(1-p)^k$:
#
# $$P(\text{at least one success}) = 1 - (1-p)^k , \qquad k \ge \frac{\ln(1 - \text{target})}{\ln(1-p)} .$$
#
# **Experiment.** One batch of networks per width, in one run.


# %% claims=["S0-11", "S0-15"]
inputs = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
wanted = np.array([[0.0], [1.0], [1.0], [0.0]])
batches = (3, 40 if FAST else 100)  # three batches, so that there are margins


def entropy(p):
    return -sum(q * np.log(q) for q in (p, 1 - p) if q > 0)


def level(groups):  # groups[k] says with which others example k is confused
    return np.mean([entropy(wanted[np.equal(groups, g), 0].mean()) for g in groups])


levels = np.unique(np.round([level(groups) for groups in itertools.product(range(4), repeat=4)], 12))


def xor(units, activation):
    net = networks.MLP((2, units, 1), activation)
    return net, networks.training_loss(
        net, inputs, wanted, torch.nn.functional.binary_cross_entropy_with_logits
    )


def search(units, activation, count=batches, steps=700, seed=0):
    """Starts and ends of many runs, (2, *count, weights), and the losses there."""
    net, loss = xor(units, activation)
    begin = np.random.default_rng(seed).uniform(-1, 1, (*count, net.size))
    trace = run(heavy_ball, loss, begin, steps, every=steps, lr=0.3, beta=0.9)
    return trace.path, trace.losses


widths = (2, 3, 5, 10)
found = {(act, units): search(units, act) for act in ("tanh", "relu") for units in widths}
success = {key: (losses[-1] < 0.1).mean(axis=1) for key, (_, losses) in found.items()}

# %% claims=["S0-11", "S0-14", "S0-15", "S0-25"]


def histogram(activation):
    def draw(ax):
        ax.hist(
            found[activation, 2][1][-1].ravel(), bins=np.linspace(-0.0125, 0.7375, 31), color=plots.COLOURS[0]
        )
        for height in levels:
            ax.axvline(height, color="0.4", linestyle="--", linewidth=1)
        ax.set(xlabel="final loss (nats)", ylabel="networks", title=f"2 {activation} units")

    return draw


plots.show(
    histogram("tanh"),
    histogram("relu"),
    relabelled(
        plots.lines(
            *(Curve(widths, [success[act, w].mean() for w in widths], act) for act in ("tanh", "relu")),
            xlabel="hidden units",
            ylabel="share that succeeds",
            ylim=(0, 1.05),
        ),
        xticks=widths,
    ),
    alt="Two histograms of final losses have bars only at dashed lines, at 0, 0.35, 0.48 and 0.69: with tanh mostly at the "
    "first two, with ReLU at all four. Right: the share that succeeds grows with the number of units to nearly 1.",
)
table(
    claim(
        "S0-15",
        "levels found by trying all groupings",
        levels[1:],
        predicted=[np.log(2) / 2, 0.75 * entropy(1 / 3), np.log(2)],
        within=1e-9,
    ),
    claim(
        "S0-15",
        "share of 600 two-unit nets within 0.01 of a level",
        [
            (np.abs(found[act, 2][1][-1][..., None] - levels).min(-1) < 0.01).mean()
            for act in ("tanh", "relu")
        ],
        at_least=0.98,
    ),
    claim(
        "S0-11",
        "2 tanh units: share trapped at ln 2 / 2, 3 batches",
        (np.abs(found["tanh", 2][1][-1] - np.log(2) / 2) < 0.01).mean(axis=1),
        at_least=0.2,
        at_most=0.5,
    ),
    claim(
        "S0-14",
        "2 tanh units: share that succeeds, 3 batches",
        success["tanh", 2],
        at_least=0.45,
        at_most=0.8,
    ),
    claim("S0-25", "10 tanh units: share that succeeds, 3 batches", success["tanh", 10], at_least=0.99),
    claim(
        "S0-25",
        "ReLU: success with 10 units over success with 2",
        success["relu", 10].mean() / success["relu", 2].mean(),
        at_least=3,
    ),
)

# %% [markdown] claims=["S0-11", "S0-13", "S0-14", "S0-15", "S0-16", "S0-25"]
# Every run ends on one of the four levels. With two tanh units, a third confuse two examples and stay at
# $\ln 2/2$; with two ReLU units only one run in five succeeds. So the loss at which a run stops tells you *how many*
# examples it confuses, and that all your failed runs stop at the same loss tells you nothing about the best one. On
# digits, all valleys were equally deep. Here the difference between the valleys is everything.
#
# Two cures are in the picture. More units: from 64 % to 100 %. And more runs. Does the law hold? Estimate $p$ from
# 1,000 ReLU networks, then ask 3,000 *others*, in blocks of $k$.

# %% claims=["S0-16", "S0-22"]
_, losses = search(2, "relu", count=(400 if FAST else 4000,), steps=500, seed=7)
good = losses[-1] < 0.1
quarter = good.size // 4
p, others = good[:quarter].mean(), good[quarter:]
k_runs = np.array([1, 2, 5, 10, 15])
observed = [others[: others.size // k * k].reshape(-1, k).any(axis=1).mean() for k in k_runs]
ks = np.arange(0, 26)
plots.show(
    plots.lines(
        Curve(k_runs, observed, "measured", colour=0),
        Curve(ks, 1 - (1 - p) ** ks, "1 - (1 - p)^k", theory=True, colour=3),
        xlabel="runs k",
        ylabel="share of blocks with a success",
        ylim=(0, 1.05),
    ),
    alt="The measured shares, from 0.2 for one run to 0.96 for fifteen, lie on the dashed curve of the restart law.",
)
table(
    claim(
        "S0-16",
        "difference from 1 - (1 - p)^k, k = 1, 2, 5, 10, 15",
        np.abs(observed - (1 - (1 - p) ** k_runs)),
        at_most=0.15 if FAST else 0.06,
    ),
    claim(
        "S0-16",
        "runs for a chance of 99 %, at p = 0.2",
        np.ceil(np.log(0.01) / np.log(0.8)),
        predicted=21,
        within=0,
    ),
)

# %% [markdown] claims=["S0-11", "S0-12", "S0-17", "S0-18", "S0-19"]
# **Trapped, but in what?** The texts say *local minimum*: a point lower than all its surroundings and higher than the best.
# They also say that flat regions and saddle points look like one. Three different things have a slope near zero:
#
# - a **saddle**: gradient zero, curvature of both signs. There is a way down;
# - a **plateau**: a small gradient in a whole region, and hardly any curvature;
# - a **minimum**: gradient zero, all curvatures positive.
#
# The two-weight surface of section 1 has one of each. At its saddle, gradient descent stalls and then leaves: from a
# distance $\varepsilon$, the way out grows by $1 + \eta\gamma$ per step, where $-\gamma$ is the negative curvature, so
# it takes
# $\ln(r/\varepsilon) / \ln(1+\eta\gamma)$ steps to be $r$ away. Halving ε costs a fixed number of steps.
#
# What have the XOR runs found? Train the trapped ones five times longer and look. And two more sentences of the texts
# can be tried here: that noise at the beginning helps to find a good valley, and that the straight line from start to
# solution goes down.


# %% claims=["S0-12", "S0-17", "S0-18"]
def noisy(
    grad, w, lr, beta, sigma, length
):  # heavy ball on gradients with noise that fades over half of the run
    rng, m = np.random.default_rng(0), np.zeros_like(w)
    for k in itertools.count():
        fade = max(0.0, 1 - 2 * k / length)
        m = beta * m - lr * (grad(w) + sigma * fade * rng.normal(size=w.shape))
        w = w + m
        yield w


far = np.abs(np.tanh(1.5 * x.numpy())).sum() / 20  # the best w2 where tanh(w1 x) is a step
places = {"saddle": np.zeros(2), "plateau": np.array([30.0, far]), "minimum": np.array([1.5, 1.0])}
slopes = {name: np.linalg.norm(tiny.grad(w)) for name, w in places.items()}
bends = {name: np.linalg.eigvalsh(curvature.hessian(tiny, w)) for name, w in places.items()}

eps = 10.0 ** -np.arange(2, 11, 2)
away = np.stack([eps, eps], axis=-1) / np.sqrt(2)  # along the direction of the negative curvature
leaving = np.linalg.norm(run(gradient_descent, tiny, away, steps=60, lr=0.5).path, axis=-1)
left_after = (leaving > 0.1).argmax(axis=0)
predicted = np.log(0.1 / eps) / np.log(1 - 0.5 * bends["saddle"][0])

# %% claims=["S0-11", "S0-12", "S0-18", "S0-19"]
(start, end), losses = found["tanh", 2]
net, loss = xor(2, "tanh")
caught = end[losses[-1] > 0.1][:60]
longer = run(heavy_ball, loss, caught, 3500, every=3500, lr=0.3, beta=0.9)
excess = longer.losses - np.log(2) / 2
still = excess[-1] > -0.01
solved = losses[-1] < 0.1
straight = loss.value(start[solved][:, None] + t * (end[solved] - start[solved])[:, None])
rises = np.diff(straight, axis=1).max(axis=1) > 1e-9
noises = (0.0, 0.1, 0.3)
with_noise = [
    run(noisy, loss, start[0], 700, every=700, lr=0.3, beta=0.9, sigma=sigma, length=700).losses[-1] < 0.1
    for sigma in noises
]

# %% claims=["S0-11", "S0-12", "S0-17", "S0-18", "S0-19"]
plots.show(
    plots.lines(
        Curve(eps, left_after, "measured", colour=0),
        Curve(eps, predicted, "ln(r/ε) / ln(1 + ηγ)", theory=True, colour=3),
        xlabel="distance ε from the saddle",
        ylabel="steps until it is left",
        logx=True,
    ),
    plots.lines(
        Curve(noises, [good.mean() for good in with_noise], colour=1),
        xlabel="gradient noise at the start, σ",
        ylabel="share of XOR runs that succeed",
        ylim=(0, 1),
    ),
    alt="Left: the steps needed to leave the saddle fall in a straight line as the logarithm of the distance grows, on the dashed "
    "prediction. Right: the share of successful runs falls from two thirds to below 0.4 as the noise grows.",
)
table(
    claim(
        "S0-17",
        "length of the gradient at saddle and minimum",
        [slopes["saddle"], slopes["minimum"]],
        at_most=1e-12,
    ),
    claim(
        "S0-17",
        "at the plateau: gradient, smallest curvature",
        [slopes["plateau"], abs(bends["plateau"][0])],
        at_most=1e-3,
    ),
    claim("S0-17", "saddle: smallest curvature", bends["saddle"][0], at_most=-0.5),
    claim("S0-17", "minimum: smallest curvature", bends["minimum"][0], at_least=0.01),
    claim(
        "S0-18",
        "steps to leave the saddle, less prediction, ε = 10⁻² to 10⁻¹⁰",
        left_after - predicted,
        at_least=0,
        at_most=2,
    ),
    claim(
        "S0-11",
        "trapped XOR runs: length of the gradient",
        np.linalg.norm(loss.grad(longer.path[0]), axis=-1),
        at_most=5e-3,
    ),
    claim("S0-11", "3,500 steps later: share that is still trapped", still.mean(), at_least=0.9),
    claim("S0-11", "their loss is still above ln 2 / 2, by", excess[-1][still], at_least=0, at_most=0.14),
    claim(
        "S0-11",
        "the length of their weights has grown by a factor",
        (np.linalg.norm(longer.path[-1], axis=-1) / np.linalg.norm(caught, axis=-1))[still],
        at_least=1.05,
    ),
    claim(
        "S0-19",
        "share of solved XOR runs whose straight line goes uphill",
        rises.mean(),
        at_least=0.3,
        at_most=0.7,
    ),
    claim(
        "S0-12",
        "success without noise, less success with the most noise",
        with_noise[0].mean() - with_noise[-1].mean(),
        at_least=0.1,
    ),
)

# %% [markdown] claims=["S0-11", "S0-12", "S0-17", "S0-18", "S0-19"]
# Four results, and three of them qualify a sentence that is often repeated.
#
# **A saddle stalls the run and lets it go.** From a distance of $10^{-10}$ it takes nine times as many steps as from
# $10^{-2}$, not a hundred million times as many. For as long as it lasts, the loss curve looks like that of a minimum.
#
# **The trapped XOR runs are not at a local minimum in the strict sense.** Their gradient is small but not zero, and
# five times as many steps later their weights are a sixth to a quarter longer and their loss still a little above
# $\ln 2/2$. They walk down a valley whose floor falls towards $\ln 2/2$ and reaches it at infinity. (The solved runs
# walk outwards too: with cross-entropy, loss zero lies at infinity.) For two logistic units, Sprinkhuizen-Kuyper and
# Boers (1999) prove that from every finite point in weight space some strictly descending path leads to error zero. If
# there is one here, gradient descent does not find it. "Trapped" is a fact about the search; "local minimum" would be
# a fact about the surface.
#
# **Noise at the beginning did not help here.** The more noise, the fewer runs succeed: it drives the weights outwards,
# to where tanh is flat before anything has been learnt. That noise helps to *leave saddles* is another matter, and
# holds: units 04 and 06.
#
# **The straight line goes uphill for half of the solved XOR runs.** What held for 12 of 12 networks on digits fails for
# about one in two networks of nine weights. It is no law.
#
# **Caveat.** The restart law needs independent runs and a $p$ that is not tiny. At $p = 10^{-6}$, 4.6 million runs buy
# you 99 %; the next section has tasks for which $p$ falls with every input that you add.

# %% [markdown] claims=["S0-09", "S0-14"]
# ## 4. How hard can it get?
#
# **Question.** With enough restarts, XOR is always solved. Is there a training method that always succeeds, and in
# reasonable time?
#
# **Theory.** Take a network of three threshold units (output 1 where $w^\top x + b > 0$, else 0): two hidden ones and
# an output that says AND. It says yes inside the intersection of two half-spaces. Given examples, do weights exist
# that get all of them right? Blum and Rivest (1988) show that this question is as hard as **set splitting**, one of
# the standard NP-complete problems: given
# $n$ elements and some sets of them, can you colour every element red or blue so that no set is all of one colour?
#
# Their translation (the *gadget*) makes one example out of each piece of the puzzle, in $n$ binary inputs:
#
# | example | wanted |
# |---|---|
# | the origin | yes |
# | each element $i$ alone: 1 at place $i$, 0 elsewhere | no |
# | each set: 1 at the places of its elements | yes |
#
# *If the network learns them, the sets can be split.* Each element's example must lie outside at least one half-space:
# colour it red if it is outside the first, blue otherwise. Suppose a set $c$ were all red. The origin is inside the
# first half-space, so $b > 0$; its elements are outside, so $w_i + b \le 0$ for each $i$ in $c$. Add these up:
# $\sum_{i \in c} w_i + b \le -(|c| - 1)\,b \le 0$. The set's own example is outside too, and it should be inside. So
# no set is all red, nor all blue.
#
# *If they can be split, the network learns them.* First half-space: $b = \tfrac12$, $w_i = -1$ for the red elements
# and $w_i = n$ for the others. Second: the same with the colours exchanged.
#
# With two elements and the one set {1, 2} the gadget has four examples: (0,0) yes, (1,0) no, (0,1) no, (1,1) yes. You
# know it. **It is XOR** with its labels exchanged.
#
# One half-space alone is easy: weights that separate two groups of points are a *linear program*, solved in polynomial
# time. Two are hard because of one question: which half-space shall exclude which element? There are $2^{n-1}$
# answers.
#
# **Predict.** (a) Each input that you add multiplies the number of linear programs, in the worst case, by about: 1.1,
# 2 or 10? (b) Train the same three units by gradient descent (sigmoids in place of thresholds), on puzzles that *have*
# a solution. Of 200 starts, how many succeed with 4 inputs, and with 8?
#
# **Experiment.** A trainer that never fails: it tries all answers to that question.


# %% claims=["S0-09"]
def separable(inside, outside):
    """Is there a half-space that contains all of `inside` and none of `outside`? One linear program."""
    n = inside.shape[1]
    rows = np.block([[-inside, -np.ones((len(inside), 1))], [outside, np.ones((len(outside), 1))]])
    return linprog(np.zeros(n + 1), A_ub=rows, b_ub=-np.ones(len(rows)), bounds=(None, None)).success


def gadget(n, sets):
    """The examples that want yes, and those that want no."""
    return np.vstack([np.zeros(n), *(np.isin(range(n), s) for s in sets)]).astype(float), np.eye(n)


def train_three_units(n, sets):
    """Which elements the first half-space must exclude, or None; and the number of linear programs solved."""
    yes, no = gadget(n, sets)
    programs = 0
    for colouring in itertools.product([True, False], repeat=n - 1):
        red = np.array([True, *colouring])
        for part in (red, ~red):
            programs += 1
            if not separable(yes, no[part]):
                break
        else:
            return red, programs
    return None, programs


def can_be_split(n, sets):  # by trying all colourings, without any network
    return any(
        all(0 < sum(c[i] for i in s) < len(s) for s in sets) for c in itertools.product([0, 1], repeat=n)
    )


# %% [markdown] claims=["S0-09"]
# The hard cases: all triples of $n \ge 5$ elements (some triple is always all of one colour), and the seven lines of
# the Fano plane. No smaller system of triples resists, and this one resists by a hair: leave out any one line, and it
# can be split. Beside them, 24 puzzles drawn at random.

# %% claims=["S0-09", "S0-14"]
triples = {n: list(itertools.combinations(range(n), 3)) for n in range(4, 10)}
work = {n: train_three_units(n, triples[n]) for n in range(5, 10)}
fano = [(0, 1, 2), (0, 3, 4), (0, 5, 6), (1, 3, 5), (1, 4, 6), (2, 3, 6), (2, 4, 5)]
whole = train_three_units(7, fano)
without_one = [train_three_units(7, fano[:k] + fano[k + 1 :])[0] is not None for k in range(7)]

rng = np.random.default_rng(1)
agree, splits = [], []
for _ in range(24):
    chosen = rng.choice(20, rng.integers(8, 21), replace=False)
    puzzle = [triples[6][k] for k in chosen]
    splits.append(can_be_split(6, puzzle))
    agree.append((train_three_units(6, puzzle)[0] is not None) == splits[-1])

# %% [markdown] claims=["S0-09"]
# And gradient descent, on puzzles made so that a solution exists: hide a colouring, and draw $2n$ triples that it
# splits. A hidden unit says yes with probability $\sigma(w^\top x + b)$, the output is their product, and the loss is
# cross-entropy.


# %% claims=["S0-09", "S0-16"]
def planted(n, rng):
    colour = rng.permutation(np.arange(n) % 2)
    mixed = [s for s in triples.get(n, itertools.combinations(range(n), 3)) if 0 < colour[list(s)].sum() < 3]
    return [mixed[k] for k in rng.permutation(len(mixed))[: 2 * n]]


def by_gradient(n, seed, count=200, steps=600):
    """The share of `count` starts from which gradient descent learns all examples of a puzzle that can be split."""
    rng = np.random.default_rng(seed)
    yes, no = (torch.tensor(rows) for rows in gadget(n, planted(n, rng)))

    def inside(theta, rows):  # ln of the probability of yes, (rows,)
        W, b = theta[: 2 * n].view(2, n), theta[2 * n :]
        return torch.nn.functional.logsigmoid(rows @ W.T + b).sum(dim=1)

    def loss(theta):
        refused = torch.log(-torch.expm1(inside(theta, no).clamp(max=-1e-12)))
        return -(inside(theta, yes).sum() + refused.sum()) / (len(yes) + n)

    start = rng.uniform(-1, 1, (count, 2 * n + 2))
    end = run(heavy_ball, networks.Objective(loss), start, steps, every=steps, lr=0.5, beta=0.9).path[-1]
    units = [
        rows.numpy() @ end[:, : 2 * n].reshape(-1, 2, n).swapaxes(1, 2) + end[:, None, 2 * n :] > 0
        for rows in (yes, no)
    ]
    return np.mean(units[0].all((1, 2)) & ~units[1].all(2).any(1))


inputs_of = (4, 6, 8)
shares = {n: [by_gradient(n, seed) for seed in range(2)] for n in inputs_of}

# %% claims=["S0-09", "S0-14"]
ns = list(work)
programs = [work[n][1] for n in ns]


def xor_gadget(ax):
    edge = np.array([-0.5, 1.5])
    ax.fill_between(edge, edge - 0.5, edge + 0.5, color=plots.COLOURS[6], alpha=0.4)
    ax.plot(edge, edge - 0.5, edge, edge + 0.5, color="black", linewidth=1)
    ax.plot([0, 1], [0, 1], "o", markersize=9, color=plots.COLOURS[0], linestyle="none")
    ax.plot([0, 1], [1, 0], "X", markersize=9, color=plots.COLOURS[1], linestyle="none")
    for a, b in itertools.product((0, 1), repeat=2):
        ax.text(a, b + 0.15, "yes" if a == b else "no", ha="center")
    ax.set(xlim=(-0.5, 1.5), ylim=(-0.5, 1.5), xlabel="$x_1$", ylabel="$x_2$", title="two half-spaces")


plots.show(
    xor_gadget,
    relabelled(
        plots.lines(
            Curve(ns, np.log2(programs), "counted", colour=0),
            Curve(ns, np.subtract(ns, 1), "2ⁿ⁻¹", theory=True, colour=3),
            xlabel="inputs n",
            ylabel="linear programs",
            title="to say no for certain",
        ),
        yticks=range(4, 10),
        yticklabels=[2**k for k in range(4, 10)],
    ),
    plots.lines(
        Curve(inputs_of, [np.mean(shares[n]) for n in inputs_of], colour=1),
        xlabel="inputs n",
        ylabel="share of starts that succeed",
        title="gradient descent",
        ylim=(0, 0.3),
    ),
    alt="Left: a band between two parallel lines contains the points (0,0) and (1,1) and excludes (0,1) and (1,0). Middle: the number "
    "of linear programs grows as a straight line on a logarithmic axis. Right: the share of successful starts falls towards zero.",
)
table(
    claim("S0-09", "network and puzzle give the same answer, of 24", sum(agree), predicted=24, within=0),
    claim("S0-09", "puzzles among them that can be split", sum(splits), at_least=5, at_most=19),
    claim(
        "S0-09", "all triples, n = 5 to 9: answers found", sum(work[n][0] is not None for n in ns), at_most=0
    ),
    claim(
        "S0-09",
        "linear programs, from one n to the next",
        np.divide(programs[1:], programs[:-1]),
        at_least=1.6,
        at_most=2.1,
    ),
    claim(
        "S0-09",
        "linear programs over 2ⁿ⁻¹ colourings",
        [c / 2 ** (n - 1) for n, c in zip(ns, programs, strict=True)],
        at_least=1,
        at_most=2,
    ),
    claim("S0-14", "Fano plane: can be learnt (0 is no)", whole[0] is not None, at_most=0),
    claim(
        "S0-14", "Fano plane without one line, 7 ways: can be learnt", sum(without_one), predicted=7, within=0
    ),
    claim("S0-09", "gradient descent, 4 inputs: share of starts that succeed", shares[4], at_least=0.15),
    claim("S0-09", "gradient descent, 8 inputs", shares[8], at_most=0.06),
)

# %% [markdown] claims=["S0-09", "S0-14"]
# The trainer needs nearly twice as many linear programs for each input that it is given: it counts colourings. At
# $n = 50$ it would need $6 \cdot 10^{14}$. Nobody knows a method that is polynomial in the worst case, and if one
# existed for this network, one would exist for every problem in NP: P = NP.
#
# Gradient descent is no way around. It is quick, and the more inputs, the rarer its success: it learns the puzzle from
# one start in four with 4 inputs, and from one in fifty with 8. And when no start succeeds, it cannot tell
# "impossible" from "not found"; the slow trainer can.
#
# *Good enough* is another matter. The Fano plane makes 15 examples. All 15 cannot be learnt, and to know it took every
# colouring; but leave out any one of the seven lines, and the other 14 examples are learnt. The last 7 % are the hard
# part.
#
# **What this says, and what it does not.**
#
# - It is about the **worst case**: *some* data sets are hard. Yours need not be; digits are not.
# - It is about a **decision**, all examples right or not, and about **this network**: as few units as possible. More units change the
#   problem, as they did for XOR.
# - It is about **threshold units**. Blum and Rivest leave sigmoids open in that paper; DasGupta, Siegelmann and Sontag (1995) have hardness for
#   certain continuous units, and polynomial time when the number of inputs is fixed.
# - "No polynomial algorithm exists" is true only **unless P = NP**, which nobody has proved either way.
# - Fixing the output to AND keeps the proof short. Blum and Rivest remove this restriction with a few more examples.
#
# **Caveat.** The growth that you measured belongs to one trainer. The theorem says more, about all of them, and less,
# about the worst case only.

# %% [markdown] claims=["S0-22", "S0-23"]
# ## 5. What does no formula guarantee?
#
# **Question.** You have a loss, a gradient and a rate. Is there a formula that guarantees (1) a good solution, (2)
# soon, (3) or at all?
#
# **Predict.** For each of the three, name a case in which gradient descent with a safe rate fails. You have seen the first.
#
# **Theory.** (1) XOR: one run in three ends at $\ln 2/2$. (2) A bowl with curvatures μ and $L$, condition number
# $\kappa = L/\mu$. At the best rate the error shrinks by $(\kappa-1)/(\kappa+1)$ per step (unit 05 derives it), so a
# factor of $10^6$ takes about $\tfrac{\kappa}{2}\ln 10^6 \approx 7\kappa$ steps. Convex, one minimum, success
# guaranteed, and at $\kappa = 57{,}323$, which unit 08 measures on raw inputs, 396,000 steps. (3) Three linear layers
# of one weight each must learn to multiply by $-0.5$:
#
# $$L(w) = \tfrac12 (w_1 w_2 w_3 + 0.5)^2 , \qquad w = (1, 1, 1) \text{ at the start.}$$
#
# All three weights stay equal, $w^3$ stays above zero, and $L$ never falls below $\tfrac12 \cdot 0.25 = 0.125$, at any
# stable rate.
#
# **Experiment.**


# %% claims=["S0-07", "S0-22", "S0-23", "S0-24"]
class Chain:  # three linear layers of one weight each
    def value(self, w):
        return 0.5 * (w.prod(axis=-1) + 0.5) ** 2

    def grad(self, w):
        others = np.roll(w, 1, axis=-1) * np.roll(w, 2, axis=-1)  # the product of the other two
        return (w.prod(axis=-1, keepdims=True) + 0.5) * others


kappas = (10, 100, 1000, 10_000)
needed = {}
for kappa in kappas:
    bowl = surfaces.Quadratic((1.0, float(kappa)))
    trace = run(gradient_descent, bowl, [1.0, 1.0], steps=8 * kappa, lr=2 / (1 + kappa))
    errors = np.linalg.norm(trace.path, axis=1)
    needed[kappa] = np.flatnonzero(errors <= 1e-6 * errors[0])[0]

chains = np.array([[1.0, 1.0, 1.0], [1.1, 1.0, 0.9], [1.001, 1.0, 0.999]])
chain = run(gradient_descent, Chain(), chains, steps=20_000, every=20, lr=0.05)

net, loss = xor(2, "tanh")
start = np.random.default_rng(0).uniform(-1, 1, (12, net.size))
dozen = run(gradient_descent, loss, start, steps=800, every=20, lr=1.0)

# %% claims=["S0-04"]
wave = np.linspace(-2, 2, 60)[:, None]
target = np.sin(3 * wave) + 0.05 * np.random.default_rng(0).normal(size=wave.shape)
curve_net = networks.MLP((1, 8, 1), "tanh")  # 25 weights
points, goal = torch.tensor(wave), torch.tensor(target)


def residual(theta):
    return (curve_net.forward(theta, points) - goal)[:, 0]


fit = networks.Objective(lambda theta: residual(theta).square().mean() / 2)
jacobian = torch.func.jacrev(residual)
first = np.stack([curve_net.initial(seed) for seed in range(5)])
marquardt = [
    least_squares(
        lambda w: residual(torch.tensor(w)).numpy(),
        w0,
        jac=lambda w: jacobian(torch.tensor(w)).numpy(),
        method="lm",
        max_nfev=60,
    )
    for w0 in first
]
lm = np.array([result.cost / 60 for result in marquardt])
gd = run(gradient_descent, fit, first, steps=3000, every=3000, lr=0.3).losses[-1]

# %% claims=["S0-04", "S0-07", "S0-22", "S0-23", "S0-24"]
plots.show(
    plots.lines(
        *(Curve(dozen.steps, y, colour=int(y[-1] > 0.1)) for y in dozen.losses.T),
        xlabel="step",
        ylabel="loss",
        title="(1) good: XOR",
        logy=True,
    ),
    plots.lines(
        Curve(kappas, [needed[kappa] for kappa in kappas], colour=0),
        Curve(kappas, [kappa / 2 * np.log(1e6) for kappa in kappas], theory=True, colour=3),
        xlabel="condition number κ",
        ylabel="steps to a millionth",
        title="(2) soon: a bowl",
        logx=True,
        logy=True,
    ),
    plots.lines(
        Curve(chain.steps[1:], chain.losses[1:, 0], "equal", colour=0),
        Curve(chain.steps[1:200], np.maximum(chain.losses[1:200, 2], 1e-9), "0.1 %", colour=1),
        xlabel="step",
        ylabel="loss",
        title="(3) at all: a chain",
        logx=True,
        logy=True,
        ylim=(1e-9, 1),
    ),
    alt="Left: of twelve XOR runs five stay on one level. Middle: the steps needed on a bowl grow in proportion to its condition number. "
    "Right: from equal weights the loss stays level for 20,000 steps; from weights that differ by 0.1 % it drops after 2,000.",
)
table(
    claim(
        "S0-22",
        "(1) XOR: runs of 12 that end above 0.3",
        (dozen.losses[-1] > 0.3).sum(),
        at_least=2,
        at_most=8,
    ),
    claim(
        "S0-07",
        "(2) steps to a millionth, κ = 10 to 10,000",
        list(needed.values()),
        predicted=[k / 2 * np.log(1e6) for k in kappas],
        within=0.02,
    ),
    claim(
        "S0-22",
        "(3) lowest loss in 20,000 steps from equal weights",
        chain.losses[:, 0].min(),
        predicted=0.125,
        within=1e-6,
    ),
    claim("S0-24", "(1) cured by 10 units: share that succeeds", success["tanh", 10], at_least=0.99),
    claim(
        "S0-24",
        "(2) cured by a rate per weight, 1/λ: distance left after one step",
        np.abs(np.ones(2) - surfaces.Quadratic((1.0, 1e4)).grad(np.ones(2)) / [1.0, 1e4]),
        at_most=1e-12,
    ),
    claim(
        "S0-24", "(3) cured by a start 0.1 % off: loss after 20,000 steps", chain.losses[-1, 1:], at_most=1e-9
    ),
    claim(
        "S0-04",
        "25 weights: starts of 5 where 60 evaluations of LM halve the loss of 3,000 steps",
        (lm < gd / 2).sum(),
        predicted=5,
        within=0,
    ),
)

# %% [markdown] claims=["S0-04", "S0-12", "S0-22", "S0-23", "S0-24", "S0-25"]
# Three failures, three different reasons: a trap, a ratio of curvatures, a symmetric start. No formula that looks at
# the slope alone can rule them out. What they cost is what the texts list: a solution of doubtful quality, long
# training, or none. And each is cured by **one setting of the model or of the training**: the number of units, a rate
# for each weight, a start that is not symmetric. That is why so much of this course is about settings.
#
# The last row is about the sentence "stochastic gradient descent with back-propagation is the best general algorithm".
# There is no theorem that says so. On a curve with 25 weights, Levenberg and Marquardt's method, which uses curvature,
# has a lower loss after 60 evaluations than gradient descent after 3,000 steps, from each of five starts. On a network
# with millions of weights it cannot be run at all, since it solves a linear system in all of them at every step.
# **Which method is best depends on the problem**, and unit 09 measures where the border runs.
#
# The remedies have a direction, too: many of them change the surface, not the search. Wider layers did here. Batch
# normalisation (unit 10) and residual connections (unit 03) do it for deep networks, and larger and deeper models can
# be trained because of them.
#
# **Caveat.** "No guarantee" is not "no success". For whole classes of networks there are guarantees, with conditions
# on the start and the rate; unit 12 states one and runs it.

# %% [markdown]
# ## Touch it
#
# What has a trapped network learnt? Each square shows the output of one XOR network over the plane of its two inputs;
# the four examples are marked with what they want. Here are six networks; in JupyterLab or on Colab you also get two
# sliders, for the number of units and the number of the start. Find: a network that confuses two examples, and which
# two; one with three units that is trapped; two solutions that draw the border differently.

# %% tags=["cover"]
picture = {units: search(units, "tanh", count=(60,)) for units in (2, 3, 4, 5)}


def answer(units, start):
    paths, losses = picture[int(units)]
    net, _ = xor(int(units), "tanh")
    side = np.linspace(-0.5, 1.5, 41)
    grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    output = torch.sigmoid(net.forward(torch.tensor(paths[-1, int(start)]), torch.tensor(grid))).numpy()

    def draw(ax):
        ax.contourf(side, side, output.reshape(41, 41), levels=np.linspace(0, 1, 6), cmap="cividis")
        for (a, b), want in zip(inputs, wanted[:, 0], strict=True):
            ax.text(
                a,
                b,
                f"{want:.0f}",
                ha="center",
                va="center",
                bbox={"boxstyle": "circle", "facecolor": "white"},
            )
        title = f"{units:g} units, start {start:g}: {losses[-1, int(start)]:.3f}"
        ax.set(title=title, xticks=[0, 1], yticks=[0, 1], aspect="equal")

    return draw


def nth(units, low, high, k=0):  # the k-th start whose final loss lies between low and high
    return int(np.flatnonzero((picture[units][1][-1] >= low) & (picture[units][1][-1] < high))[k])


interact.explore(
    answer,
    stills=[
        {"units": 2, "start": nth(2, 0, 0.1)},
        {"units": 2, "start": nth(2, 0.3, 0.4)},
        {"units": 2, "start": nth(2, 0.3, 0.4, 1)},
        {"units": 2, "start": nth(2, 0, 0.1, 1)},
        {"units": 3, "start": nth(3, 0, 0.1)},
        {"units": 5, "start": nth(5, 0, 0.1)},
    ],
    columns=3,
    alt="Six squares shaded by output: in the solved ones a band separates the examples that want 1 from those that want 0; in the "
    "two trapped ones one area of middle grey covers two examples that want different answers.",
    units=interact.Slider("hidden units", 2, 5, 1, 2),
    start=interact.Slider("start", 0, 59, 1, 0),
)

# %% [markdown] claims=["S0-04", "S0-09", "S0-17", "S0-19", "S0-21"]
# ## What the sources say, and what is exact
#
# | in the source | exact | here |
# |---|---|---|
# | Flat regions, "also called saddle points", lie between peaks and have zero slope. | Three things. A saddle has gradient zero and curvatures of both signs; a plateau has a small gradient in a whole region; minima and maxima have zero slope too. | section 3 |
# | No algorithm exists that finds the optimal weights in polynomial time; the problem is NP-complete, "i.e. very hard". | None is known, and none exists *unless P = NP*. It is a yes-or-no question, about the worst case, for a network of three threshold units. Sigmoids are left open in Blum and Rivest's paper; for a fixed number of inputs there are polynomial methods. | section 4 |
# | Do networks meet a series of obstacles on their way? Goodfellow and others: no. | Along the straight line from start to solution, for networks of 2014. On CIFAR-10 and ImageNet the loss on that line stays high until the end (Frankle 2020). Here: 12 of 12 on digits go down, half of the XOR lines do not. | sections 2, 3 |
# | Each new dimension adds much distance, and this is why the space is hard to navigate. | The mean distance in a unit cube is $\sqrt{d/6}$, its spread stays at 0.24. Gradient descent on a bowl needs the same number of steps in any dimension; the ratio of curvatures is what costs. | sections 1, 5 |
# | Stochastic gradient descent with back-propagation is the best general algorithm known. | No theorem says so. It depends on the problem. | section 5 |
# | Convex surfaces are easy. | Solvable for certain, and quick only if the condition number is small: about $7\kappa$ steps to a millionth. | section 5 |
# | Neural networks have local minima in which training gets stuck. | Runs do get stuck, on few levels. Whether the place is a strict local minimum is another question: for two-unit XOR it is a valley that descends for ever. | section 3 |
# | Start with much noise, to sample the landscape. | Not a rule. On XOR every amount of it that was tried lowered the success. | section 3 |
# | "Back-propagation of the error algorithm", "p. 18" | Translation noise: it is the *back-propagation of errors*. Page numbers of secondary sources are dropped here. | - |

# %% [markdown]
# ## Summary
#
# 1. Training is a directed search for weights with a low loss; with one dimension per weight you never see the surface, only slices of it, and a slice shows only what is on it.
# 2. The surface of a network with a hidden layer is not convex: solutions come in families of equal copies, with hills between them, and on digits all of them are about equally good.
# 3. Searches get stuck on few levels, which count the examples that the network confuses; $k$ restarts succeed with $1-(1-p)^k$, and more units raise $p$.
# 4. To decide whether three threshold units can fit a data set is NP-complete: a bound on the worst case, unless P = NP, and no verdict on your data.
# 5. No formula guarantees a good solution, soon, or at all; a ratio of curvatures, a trap or a symmetric start is enough to spoil each, and a setting of model or training is what cures it.
#
# ## Quick questions
#
# <details><summary>1. A network with 50 hidden tanh units has one solution. Name others with the same loss.</summary>
# Exchange hidden units with all their weights ($50!$ orders), and change the sign of all weights into and out of a unit, since tanh is odd ($2^{50}$ choices).
# </details>
#
# <details><summary>2. Ten runs of a small classifier end at 0.3466, 0.3466, 0.3466, 0.0009 and six more at 0.3466. What is p, roughly, and how many runs give you 99 %?</summary>
# About 0.1, from a single success, so it may well be 0.01 or 0.4. At 0.1: ln 0.01 / ln 0.9 = 43.7, so 44 runs.
# </details>
#
# <details><summary>3. You plot the loss around your solution along 20 random directions and see 20 bowls. What have you shown about convexity?</summary>
# Nothing. Section 1 saw the same around a solution that section 2 separates from another by a hill. One violated chord disproves convexity; no number of kept ones proves it.
# </details>
#
# <details><summary>4. "Training neural networks is NP-complete, so my network cannot be trained." What is wrong?</summary>
# The theorem says that some data sets are hard for that network. It is about the worst case, about getting every example right, about three threshold units, and it presumes P ≠ NP.
# </details>
#
# <details><summary>5. A bowl has 10,000 dimensions and curvatures between 1 and 3. About how many steps for a factor of a million? And a bowl of two dimensions with curvatures 1 and 3,000?</summary>
# Per step the error shrinks by (κ - 1)/(κ + 1): 0.5 for κ = 3, so 20 steps; for κ = 3,000 about 3,000/2 · 13.8 = 20,700.
# </details>
#
# ## Glossary
#
# | term | meaning | 中文 | section |
# |---|---|---|---|
# | loss, objective | the number that training lowers | 损失函数，目标函数 | 1 |
# | error surface, landscape | the loss as altitude over all weights | 误差曲面，损失地形 | 1 |
# | gradient descent | steps against the gradient | 梯度下降 | 1 |
# | learning rate η | the factor of each step | 学习率 | 1 |
# | slice | the loss on a line or plane through weight space | 切片 | 1 |
# | convex | below all its chords | 凸 | 2 |
# | global minimum, local minimum | the lowest point; lowest in its surroundings | 全局最小值，局部最小值 | 2, 3 |
# | saddle point | gradient zero, curvatures of both signs | 鞍点 | 3 |
# | plateau, flat region | small gradient in a whole region | 高原，平坦区域 | 3 |
# | random restart | the same search from a new start | 随机重启 | 3 |
# | curse of dimensionality | places grow exponentially with the dimension | 维数灾难 | 4 |
# | condition number κ | largest over smallest curvature | 条件数 | 5 |
# | NP-complete | as hard as every problem whose solutions are quickly checked | NP 完全 | 4 |
# | threshold unit | output 0 or 1 | 阈值单元 | 4 |
# | linear program | linear conditions, solved in polynomial time | 线性规划 | 4 |
#
# ## Further reading
#
# - Blum and Rivest 1988 (journal version 1992), *Training a 3-node neural network is NP-complete*. Eight pages, and the gadget of section 4.
# - Judd 1990, *Neural Network Design and the Complexity of Learning*.
# - DasGupta, Siegelmann and Sontag 1995, *On the complexity of training neural networks with continuous activation functions*.
# - Goodfellow, Vinyals and Saxe 2015, *Qualitatively characterizing neural network optimization problems*, and Frankle 2020, *Revisiting "Qualitatively
#   characterizing ..."*. Read them as a pair.
# - Sprinkhuizen-Kuyper and Boers 1999, *The local minima of the error surface of the 2-2-1 XOR network*.
# - Goodfellow, Bengio and Courville 2016, *Deep Learning*, chapter 8.
#
# ## Your turn
#
# [Assignment 1](../assignments/01_learning_as_optimization/01_learning_as_optimization.ipynb): write
# `gradient_descent`, `success_after_restarts`, `restarts_needed` and `loss_along_segment`, and train two dozen
# networks with them. 80 minutes. It also explains how a notebook with checks works.
