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

# %% [markdown] claims=["S0-01", "S0-06"]
# # What is being searched for, and why is the search hard?
#
# **Unit 01, learning as optimisation.** 55 minutes. You need vectors, partial derivatives and a little NumPy, and nothing else of the
# course.
#
# A network is a formula with numbers left open, and training is a search for these numbers. The smallest network that is not trivial has
# two of them: $f(x) = w_2 \tanh(w_1 x)$. It gets 21 examples of $y = \tanh(1.5\,x)$. On the map below every point is one setting of the two
# weights, and its height is the *loss* $L$, half the mean squared error. Three walks start at the stars and go downhill.

# %% tags=["hide-input"]
# @title Set-up
import itertools
import os

import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.patheffects import withStroke
from scipy.optimize import least_squares, linprog
from scipy.spatial.distance import pdist
from scipy.special import expit

from trainlab import curvature, data, interact, networks, plots, surfaces
from trainlab.descend import run
from trainlab.evidence import claim, table
from trainlab.plots import Curve

torch.set_num_threads(1)  # the nets are tiny: more threads cost time, and change the last digit
FAST = os.environ.get("FAST") == "1"  # fewer starts in section 3


def heavy_ball(grad, w, lr, beta):  # gradient descent with memory: unit 05
    m = np.zeros_like(w)
    while True:
        m = beta * m - lr * grad(w)
        w = w + m
        yield w


digits = data.digits(500)


def train(widths, activation, scale=1.0, steps=300, seeds=4):
    """The training loss of a network on 500 digits, and the paths of `seeds` runs on it, (steps / 10 + 1, seeds, n)."""
    net = networks.MLP(widths, activation)
    loss = networks.training_loss(net, digits.inputs, digits.labels, F.cross_entropy)
    starts = np.stack([net.initial(seed, scale) for seed in range(seeds)])
    return loss, run(heavy_ball, loss, starts, steps, every=10, lr=0.1, beta=0.9).path


class OneHidden:
    """The mean loss of networks with one hidden layer and one output, with its gradient by the chain rule (unit 03).

    The parameters (..., n) lie as in `networks.MLP`, so that hundreds of networks take one step together. With `yes_or_no`
    the output is a logit and the loss cross-entropy, without it half the squared error.
    """

    def __init__(self, units, activation, inputs, wanted, yes_or_no=True):
        self.inputs, self.wanted, self.yes_or_no = inputs, wanted.ravel(), yes_or_no
        self.tanh, self.layer = activation == "tanh", (units, inputs.shape[1])
        self.size = units * (inputs.shape[1] + 2) + 1

    def forward(self, w):  # hidden outputs (..., N, units), the weights above them, outputs (..., N)
        units, fan_in = self.layer
        W, b, v, c = np.split(w, units * (fan_in + np.arange(3)), axis=-1)
        z = self.inputs @ W.reshape(*w.shape[:-1], units, fan_in).swapaxes(-1, -2) + b[..., None, :]
        h = np.tanh(z) if self.tanh else np.maximum(z, 0)
        return h, v, (h @ v[..., None])[..., 0] + c

    def linearised(self, w):  # outputs (..., N) and their Jacobian (..., N, n)
        h, v, output = self.forward(w)
        at_z = v[..., None, :] * (1 - h * h if self.tanh else h > 0)
        at_W = (at_z[..., None] * self.inputs[:, None]).reshape(*output.shape, -1)
        return output, np.concatenate([at_W, at_z, h, np.ones_like(output)[..., None]], axis=-1)

    def value(self, w):
        output = self.forward(w)[2]
        if self.yes_or_no:
            return (np.logaddexp(0, output) - self.wanted * output).mean(axis=-1)
        return np.square(output - self.wanted).mean(axis=-1) / 2

    def grad(self, w):
        output, jacobian = self.linearised(w)
        error = (expit(output) if self.yes_or_no else output) - self.wanted
        return (error[..., None, :] @ jacobian)[..., 0, :] / len(self.wanted)


def terrain(ax, x, y, altitude, levels):
    """A map: the lower, the bluer."""
    fills = [(plots.COLOURS[6], opacity) for opacity in np.linspace(0.5, 0, len(levels))]
    ax.contourf(x, y, altitude, levels=[-np.inf, *levels], colors=fills[: len(levels)])
    ax.contour(x, y, altitude, levels=levels, colors=plots.CONTOUR, linewidths=0.7, linestyles="solid")


def walker(ax, path, name, k, offset):
    """A path with its name at the start, which is a star."""
    ax.plot(*path.T, color=plots.COLOURS[k], marker=plots.MARKERS[k], markersize=3, linewidth=0.9)
    ax.plot(*path[0], marker="*", markersize=11, color=plots.COLOURS[k])
    ax.annotate(
        name,
        path[0],
        xytext=offset,
        textcoords="offset points",
        color=plots.ink(plots.COLOURS[k]),
        fontsize=9,
    )


# %% claims=["S0-01", "S0-02", "S0-03", "S0-06"]
def gradient_descent(grad, w, lr):
    while True:
        w = w - lr * grad(w)  # ask for the slope, take a small step downhill, ask again
        yield w


x = torch.linspace(-2, 2, 21, dtype=torch.float64)
tiny = networks.Objective(lambda w: (w[1] * torch.tanh(w[0] * x) - torch.tanh(1.5 * x)).square().mean() / 2)
starts = {"A": [2.8, -0.4], "B": [-0.3, 1.9], "C": [-2.6, 0.6]}
walks = {name: run(gradient_descent, tiny, start, steps=1000, lr=0.5) for name, start in starts.items()}

# %% tags=["hide-input"] claims=["S0-01", "S0-02", "S0-03", "S0-06"]
# @title The map
w1, w2 = np.linspace(-3, 3, 121), np.linspace(-2, 2, 81)
heights = np.log10(1e-6 + tiny.value(np.stack(np.meshgrid(w1, w2), axis=-1)))


def whole_surface(ax):
    terrain(ax, w1, w2, heights, np.linspace(-2.5, 0.5, 7))
    for k, (name, walk) in enumerate(walks.items()):
        walker(ax, walk.path, name, k, [(-12, -10), (-13, -8), (6, 2)][k])
    for at, word in (((0.1, 0.05), "pass"), ((1.5, 0.2), "basin"), ((-2.3, -0.35), "basin")):
        ax.text(*at, word, fontsize=9, color=plots.ink(plots.GREY))
    ax.set(
        xlim=(-3, 3), ylim=(-2, 2), xlabel="$w_1$", ylabel="$w_2$", title="from above: the bluer, the lower"
    )


plots.show(
    whole_surface,
    plots.losses(*walks.values(), labels=[*walks], title="the loss on the way"),
    alt="Left: a map with two blue basins, at the upper right and at the lower left, and a pass between them at the origin; "
    "walks A and B end in the upper right basin and walk C in the lower left. Right: their losses fall below a millionth.",
)

# %% [markdown] claims=["S0-03", "S0-06", "S0-10", "S0-20"]
# ## 1. What is being searched for?
#
# **Question.** Weights with a low loss. Where does this search take place, and what would you see if you looked around there?
#
# The picture shows the whole *error surface* of two weights: two equally deep basins (change the sign of both weights, and the output is the
# same), a pass between them, and slopes nearly level far out. Training, $w_{t+1} = w_t - \eta\,\nabla L(w_t)$, is a directed search on it, and
# it need not find the lowest point, only one that is low enough.
#
# Two weights are the exception. There is one dimension for each weight, and a small network for digits, 64 pixels to 32 hidden units to 10 outputs, has
# $65 \cdot 32 + 33 \cdot 10 = 2{,}410$. "Hills and valleys" is then a metaphor, and what can be drawn honestly is a **slice**: the loss on one line or one plane.
#
# **Predict.** This network has been trained on 500 digits. (Its loss is *cross-entropy*, small where the right digit gets a high probability, in units called
# *nats*: unit 02.) From the solution, 20 lines go out in random directions, as far as the start is away. On how many
# of them does the loss look like a bowl, curved upwards all the way: 0, 10 or 20?

# %% claims=["S0-06", "S0-20"]
reader, paths = train((64, 32, 10), "relu", scale=np.sqrt(2))
start, solution = paths[0, 0], paths[-1, 0]
n, way = start.size, start - solution

rng = np.random.default_rng(0)
lines = rng.normal(size=(20, n))
lines *= np.linalg.norm(way) / np.linalg.norm(lines, axis=1, keepdims=True)
alpha = np.linspace(-1, 1, 21)
along = reader.value(solution + alpha[:, None, None] * np.vstack([lines, way]))  # (21 points, 21 lines)
bends = np.diff(along, 2, axis=0)
bowls = (bends > 0).all(axis=0)
print(
    f"bowls: {bowls[:20].sum()} of 20 random lines; the line to the start is {'one' if bowls[20] else 'none'}"
)


# %% tags=["hide-input"] claims=["S0-06", "S0-20"]
# @title Twenty-one slices
def slices(rows, title, k, ends):
    def draw(ax):
        ax.plot(alpha, along[:, rows], color=plots.COLOURS[k], linewidth=1)
        ax.set(ylim=(0, 4), xticks=[-1, 0, 1], xticklabels=ends, title=title)
        ax.set(xlabel="position on the line", ylabel="loss (nats)" if k else "")

    return draw


plots.show(
    slices(range(20), "20 random lines", 6, ["", "solution", ""]),
    slices([20], "the line to the start", 1, ["", "solution", "start"]),
    alt="Left: twenty curves through the solution rise on both sides, most of them slowly. Right: the curve through the start is "
    "level on one side and climbs on the other to 2.3 at the start, bending over before it.",
)

# %% [markdown] claims=["S0-06", "S0-20", "S0-21"]
# All 20 are bowls. Believe them, and the surface is a bowl. But the line to the start is none, and section 2 finds one through the
# same solution with a hill on it. A random plane holds, on average, the share $2/n$ of the *squared* length of any way, here 0.08 %, and some 2.6 % of its length.
# **A slice shows what is on the slice.**
#
# **Theory.** How bad are many dimensions? Two random points of a unit cube are about $\sqrt{d/6}$ apart, since each coordinate adds $\tfrac16$ to the mean squared
# distance, and the spread of that distance stays near 0.24: far apart, and all *equally* far. A grid of ten values an axis has $10^d$ points.
#
# **Predict.** Gradient descent does not try places. On a bowl $\tfrac12 \sum_i \lambda_i w_i^2$ with curvatures $\lambda_i$ from 1 to 10 it needs some number of
# steps to a millionth of the loss. In 10,000 dimensions, with the same curvatures, how many times as many as in 10: 1, 30 or 1,000?


# %% claims=["S0-21"]
def steps_to_a_millionth(d):
    bowl = surfaces.Quadratic(tuple(np.tile(np.linspace(1, 10, 10), d // 10)))
    walk = run(gradient_descent, bowl, np.ones(d), steps=60, lr=2 / 11)
    return walk.steps_to(1e-6 * walk.losses[0])


dims = (10, 100, 1000, 10_000)
walked = [steps_to_a_millionth(d) for d in dims]
apart = [pdist(rng.random((300, d))) for d in dims]
for d, steps, r in zip(dims, walked, apart, strict=True):
    print(f"d = {d:6,}: {steps} steps; two random points are {r.mean():5.2f} ± {r.std():.2f} apart")

# %% tags=["hide-input"] claims=["S0-06", "S0-20", "S0-21"]
# @title Evidence
planes = np.linalg.qr(rng.normal(size=(1000, n, 2)))[0]
share = np.square(way / np.linalg.norm(way) @ planes).sum(axis=1)
table(
    claim(
        "S0-06",
        "random lines that bend upwards everywhere, of 20",
        bowls[:20].sum(),
        predicted=20,
        within=0,
    ),
    claim("S0-06", "smallest second difference on the line to the start", bends[:, 20].min(), at_most=0),
    claim(
        "S0-20",
        "squared length of the way in a plane, mean of 1,000",
        share.mean(),
        predicted=2 / n,
        within=0.15,
    ),
    claim("S0-21", "steps, d = 10 to 10,000", walked, predicted=walked[0], within=0),
    claim(
        "S0-21",
        "mean distance over √(d/6), d = 10 to 10,000",
        [r.mean() / np.sqrt(d / 6) for d, r in zip(dims, apart, strict=True)],
        predicted=1,
        within=0.025,
    ),
    claim(
        "S0-21",
        "spread of the distance, against √(7/120)",
        [r.std() for r in apart],
        predicted=np.sqrt(7 / 120),
        within=0.08,
    ),
    more=[
        claim(
            "S0-20",
            "length of the way in a plane, against √(π/2n)",
            np.sqrt(share).mean(),
            predicted=np.sqrt(np.pi / 2 / n),
            within=0.1,
        ),
        claim(
            "S0-02",
            "walks on the map: loss after 1,000 steps",
            [walk.losses[-1] for walk in walks.values()],
            at_most=1e-6,
        ),
        claim(
            "S0-03",
            "the same: largest rise of the loss in a step",
            [np.diff(walk.losses).max() for walk in walks.values()],
            at_most=0,
        ),
    ],
)

# %% [markdown] claims=["S0-21"]
# As many as in 10: every coordinate shrinks by its own factor $1 - \eta\lambda_i$ a step, whatever the others are doing. A high dimension defeats whoever tries places, and not by
# itself whoever follows a slope.
#
# **Caveat.** The curvatures were held fixed. In real problems more dimensions often bring more extreme curvatures, and their ratio costs steps (section 5).

# %% [markdown] claims=["S0-05", "S0-08", "S0-13", "S0-19"]
# ## 2. Is it a bowl?
#
# **Question.** On a bowl there is one valley, and every walk ends in it. What lies between a network's start and its solution, and between two of its solutions?
#
# **Predict.** A network without a hidden layer and three with hidden layers learn the digits, from four starts each. Walk in a *straight line* from each start to the solution that was found from it, not on
# the way that training took. On how many of the 16 lines does the loss rise anywhere?

# %% claims=["S0-05", "S0-08", "S0-19"]
t = np.linspace(0, 1, 41)[:, None]


def segments(loss, A, B):  # the loss on the way from each row of A to that of B: (rows, 41)
    return loss.value(A[:, None] + t * (B - A)[:, None])


nets = {
    "no hidden layer": train((64, 10), "linear"),
    "1 hidden, ReLU": (reader, paths),
    "2 hidden, tanh": train((64, 32, 32, 10), "tanh"),
    "3 hidden, ReLU": train((64, 32, 32, 32, 10), "relu", scale=np.sqrt(2)),
}
down = {name: segments(loss, path[0], path[-1]) for name, (loss, path) in nets.items()}
for name, curves in down.items():
    print(f"{name}: {(np.diff(curves, axis=1) > 0).any(axis=1).sum()} of 4 lines rise anywhere")

# %% [markdown] claims=["S0-19"]
# **Predict.** Two networks with hidden layers both end near a loss of 0.01. What is the highest loss on the straight line between the two solutions: about 0.01, about 0.1, or more than 0.3?

# %% claims=["S0-05", "S0-08", "S0-13"]
i, j = np.array(list(itertools.combinations(range(4), 2))).T  # six pairs of solutions
over = {name: segments(loss, path[-1][i], path[-1][j]) for name, (loss, path) in nets.items()}
for name, curves in over.items():
    ends = nets[name][0].value(nets[name][1][-1])
    print(
        f"{name}: losses {ends.min():.3f} to {ends.max():.3f}; "
        f"highest between two {curves.max(axis=1).min():.2f} to {curves.max(axis=1).max():.2f}"
    )

# %% tags=["hide-input"] claims=["S0-06", "S0-08", "S0-19"]
# @title Down, and across
begins, solutions = paths[0], paths[-1]
plane = surfaces.Slice(reader, begins[0], solutions[:2] - begins[0])  # start 1 is the origin
px, py = np.linspace(-0.4, 1.6, 33), np.linspace(-0.5, 1.5, 33)
seen = np.log10(plane.value(np.stack(np.meshgrid(px, py), axis=-1)))


def from_above(ax):
    terrain(ax, px, py, seen, np.log10([0.02, 0.06, 0.2, 0.5, 1, 2, 4]))
    for k in range(2):
        walker(ax, plane.shadow(paths[:, k]), f"start {k + 1}", k, [(-16, -12), (8, 0)][k])
    ax.plot([1, 0], [0, 1], color=plots.GREY, linestyle=":")
    for at, word in (((1.1, -0.18), "1"), ((-0.05, 1.1), "2")):
        ax.text(*at, f"solution {word}", fontsize=9, ha="center", color=plots.ink(plots.GREY))
    ax.set(
        xlabel="towards solution 1",
        ylabel="towards solution 2",
        title="from above: 1 hidden, ReLU",
        xticks=[0, 1],
        yticks=[0, 1],
    )


def there_and_on(ax):
    plots.lines(
        *(
            Curve(np.vstack([t, 1 + t])[:, 0], np.append(down[name][k], over[name][pair]), colour=c)
            for c, name in enumerate(nets)
            for k, pair in ((0, 0), (1, 3), (2, 5))
        ),
        xlabel="",
        ylabel="loss (nats)",
        title="in straight lines",
    )(ax)
    places = ((2.06, 0.06, "left"), (1.88, 1.05, "left"), (1.92, 0.6, "left"), (1.74, 2.6, "left"))
    for c, (name, (at, height, side)) in enumerate(zip(nets, places, strict=True)):
        ax.text(at, height, name, fontsize=9, ha=side, color=plots.ink(plots.COLOURS[c]))
    ax.set(xticks=[0, 1, 2], xticklabels=["start", "its\nsolution", "another\nsolution"], ylim=(0, 4.2))


plots.show(
    there_and_on,
    from_above,
    height=3.2,
    alt="Left: from start to solution all curves fall; from one solution to another those of networks with hidden layers climb a hill, the "
    "highest of 3 nats with three layers, and that without stays level. Right: a map with two separate basins, a path into each, and higher ground between.",
)

# %% [markdown] claims=["S0-05", "S0-08", "S0-13"]
# **Theory.** A loss is *convex* if it lies below each of its chords: for all weights $a$, $b$ and $0 \le \alpha \le 1$,
#
# $$L\big((1-\alpha)\,a + \alpha\, b\big) \;\le\; (1-\alpha)\,L(a) + \alpha\, L(b) .$$
#
# Then every local minimum is global. Without a hidden layer, cross-entropy is convex in the weights (unit 02). With one, symmetry forbids it: exchange two hidden units with all
# their weights, and the network computes the same function. So a solution with 32 hidden units has $32!$ copies. Were $L$ convex, their average would be at
# least as good; but there all hidden units are equal, as good as one. Unless one unit is enough for the task, **$L$ is not convex**, and one violated chord proves it.

# %% tags=["hide-input"] claims=["S0-05", "S0-08", "S0-13", "S0-19"]
# @title Evidence
hidden = list(nets)[1:]
ends = {name: nets[name][1][-1] for name in hidden}
finals = {name: nets[name][0].value(ends[name]) for name in hidden}
between = [np.linalg.norm(ends[name][i] - ends[name][j], axis=1) for name in hidden]
walked_by = [np.linalg.norm(ends[name] - nets[name][1][0], axis=1)[i] for name in hidden]


def above_chord(curves):
    """How far each curve rises above the straight line between its ends."""
    return (curves - curves[:, :1] * (1 - t[:, 0]) - curves[:, -1:] * t[:, 0]).max(axis=1)


table(
    claim(
        "S0-19",
        "start to solution, 12 lines: largest rise from one point to the next",
        [np.diff(down[name], axis=1).max(axis=1) for name in hidden],
        at_most=0,
    ),
    claim(
        "S0-05",
        "no hidden layer, 10 lines: height above the chord",
        np.concatenate([above_chord(down["no hidden layer"]), above_chord(over["no hidden layer"])]),
        at_most=1e-9,
    ),
    claim(
        "S0-08",
        "hidden layers, 18 pairs of solutions: height above the chord",
        [above_chord(over[name]) for name in hidden],
        at_least=0.2,
    ),
    claim(
        "S0-13",
        "worst of four solutions over the best, 3 architectures",
        [finals[name].max() / finals[name].min() for name in hidden],
        at_least=1,
        at_most=1.5,
    ),
    more=[
        claim(
            "S0-13",
            "distance between two solutions, over the way walked to the first",
            np.divide(between, walked_by),
            at_least=1.5,
        ),
        claim(
            "S0-08",
            "highest point between two solutions, 3 hidden layers",
            over["3 hidden, ReLU"].max(axis=1),
            at_least=1.5,
        ),
    ],
)

# %% [markdown] claims=["S0-13", "S0-19"]
# With hidden layers all 18 pairs have a hill on the line between them. And yet every straight line from a start leads down, and the four solutions of a network are about equally good.
#
# **Caveat.** A hill on the straight line is no proof of two valleys: between solutions of larger networks, curved paths almost without a hill were found (Draxler et al. 2018).
# "No obstacle on the straight line" (Goodfellow, Vinyals and Saxe 2015) is about a line that no training takes. On CIFAR-10 and ImageNet the loss on it stays high until close to the
# solution (Frankle 2020), and in section 3 half of these lines go uphill.

# %% [markdown] claims=["S0-10", "S0-11", "S0-15"]
# ## 3. Where does the search get stuck?
#
# **Question.** Take the smallest task that needs a hidden layer: output 1 where exactly one of two inputs is 1, the *exclusive or* (XOR). Two hidden units are
# enough for a loss as close to 0 as you like. Start 300 such networks with tanh, and 300 with ReLU. Some fail. Where do they end?
#
# **Predict.** Does each failed run stop at a loss of its own, or do all of them share a few values?


# %% claims=["S0-11", "S0-15"]
inputs = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
wanted = np.array([[0.0], [1.0], [1.0], [0.0]])
batches = (3, 40 if FAST else 100)  # three batches, so that there are margins


def search(units, activation, count=batches, steps=700, seed=0):
    """The loss of XOR networks, their starts and ends (2, *count, weights), and the losses at the ends."""
    loss = OneHidden(units, activation, inputs, wanted)
    starts = np.random.default_rng(seed).uniform(-1, 1, (*count, loss.size))
    trace = run(heavy_ball, loss, starts, steps, every=steps, lr=0.3, beta=0.9)
    return loss, trace.path, trace.losses[-1]


found = {("tanh", 2): search(2, "tanh"), ("relu", 2): search(2, "relu")}
for (activation, _), (_, _, losses) in found.items():
    values, counts = np.unique(losses.round(2), return_counts=True)
    print(activation, "ends at", ", ".join(f"{v:.2f} ({c})" for v, c in zip(values, counts, strict=True)))

# %% tags=["hide-input"] claims=["S0-11", "S0-14", "S0-15"]
# @title Where 600 runs end
four, NAMES = (0, np.log(2) / 2, 0.4774, np.log(2)), {"tanh": "tanh", "relu": "ReLU"}


def histogram(activation, ylabel=""):
    def draw(ax):
        ax.hist(
            found[activation, 2][2].ravel(), bins=np.linspace(-0.0125, 0.7375, 31), color=plots.COLOURS[0]
        )
        ax.set(xlabel="final loss (nats)", ylabel=ylabel, title=f"2 {NAMES[activation]} units", xticks=four)
        ax.set(xticklabels=["0", "0.347", "0.477", "0.693"], ylim=(0, 200), xlim=(-0.03, 0.75))

    return draw


plots.show(
    histogram("tanh", "networks"),
    histogram("relu"),
    alt="Two histograms of final losses have bars only at 0, 0.347, 0.477 and 0.693: with tanh two thirds at 0 and nearly all others at "
    "0.347, with ReLU a few at 0 and most at the two highest values.",
)

# %% [markdown] claims=["S0-15"]
# **Theory, the values.** Suppose that a run ends with some examples *confused*: the network gives them one output. The best output
# for a group is the share $p$ of ones in it, which costs the entropy $H(p) = -p\ln p - (1-p)\ln(1-p)$ for each example. So
#
# $$L = \tfrac14 \sum_{\text{groups}} n_g\, H(p_g) .$$
#
# Two confused, one of each kind: $\tfrac24 H(\tfrac12) = \tfrac12\ln 2 = 0.3466$. Three: $\tfrac34 H(\tfrac13) = 0.4774$. All four: $\ln 2 = 0.6931$. All groupings give no other value:


# %% claims=["S0-15"]
def entropy(p):
    return -sum(q * np.log(q) for q in (p, 1 - p) if q > 0)


def level(groups):  # groups[k] names the group of example k
    return np.mean([entropy(wanted[np.equal(groups, g), 0].mean()) for g in groups])


levels = np.unique(np.round([level(groups) for groups in itertools.product(range(4), repeat=4)], 12))
print(levels)

# %% [markdown] claims=["S0-13", "S0-14", "S0-15", "S0-16", "S0-25"]
# So the loss tells you *how many* examples a run confuses, and failed runs that stop at the same loss say nothing about the best one. On digits all solutions were about equally good; here
# the difference is everything.
#
# **Theory, the cure.** If one run succeeds with probability $p$, then $k$ independent runs all fail with probability $(1-p)^k$, so
#
# $$P(\text{at least one success}) = 1 - (1-p)^k .$$
#
# **Predict.** Two ReLU units succeed in one run of five. How many runs until you may be 99 % sure of a success: 5, 10 or 21?

# %% claims=["S0-16", "S0-22"]
good = search(2, "relu", count=(400 if FAST else 3000,), steps=500, seed=7)[2] < 0.1
p, others = good[: good.size // 4].mean(), good[good.size // 4 :]  # p from a quarter, blocks from the others
ks = np.array([1, 2, 5, 10, 15, 21])
observed = [others[: others.size // k * k].reshape(-1, k).any(axis=1).mean() for k in ks]
for k, share in zip(ks, observed, strict=True):
    print(f"{k:2d} runs: {share:.3f} of the blocks have a success; the law says {1 - (1 - p) ** k:.3f}")

# %% tags=["hide-input"] claims=["S0-16", "S0-25"]
# @title The two cures
widths = (2, 3, 4, 10)
found |= {(act, units): search(units, act) for act in ("tanh", "relu") for units in widths[1:]}
success = {key: (losses < 0.1).mean(axis=1) for key, (_, _, losses) in found.items()}


def wider(ax):
    plots.lines(
        *(
            Curve(widths, [success[act, w].mean() for w in widths], colour=c)
            for c, act in enumerate(("tanh", "relu"))
        ),
        xlabel="hidden units",
        ylabel="share that succeeds",
        title="more units",
        ylim=(0, 1.05),
    )(ax)
    for at, word, c in (((2.3, 0.98), "tanh", 0), ((5, 0.5), "ReLU", 1)):
        ax.text(*at, word, fontsize=9, color=plots.ink(plots.COLOURS[c]))
    ax.set(xticks=widths)


def oftener(ax):
    more = np.arange(0, 26)
    plots.lines(
        Curve(ks, observed, colour=1),
        Curve(more, 1 - (1 - p) ** more, theory=True, colour=3),
        xlabel="runs k",
        ylabel="share of blocks",
        title="more runs, 2 ReLU units",
        ylim=(0, 1.05),
    )(ax)
    ax.text(9, 0.62, "measured, on the\ndashed law 1 − (1 − p)ᵏ", fontsize=9)
    ax.axhline(0.99, color=plots.GREY, linewidth=0.6)
    ax.set(xticks=[1, 5, 10, 15, 21], yticks=[0, 0.5, 0.99])


plots.show(
    wider,
    oftener,
    alt="Left: the share that succeeds grows with the number of units, for tanh from 0.64 to 1 and for ReLU from 0.2 to nearly 1. Right: the "
    "share of blocks with a success lies on the dashed law and comes to 0.99 at about 20 runs.",
)

# %% [markdown] claims=["S0-11", "S0-17", "S0-18"]
# **Trapped, but in what?** Texts say *local minimum*: lower than its surroundings, higher than the best. But the slope is near zero in three kinds of places:
# a minimum, a **saddle** (gradient zero, curvatures of both signs: there is a way down) and a **plateau** (a small gradient in a whole region). The surface of two weights has all three, the plateau far to the right of the map.
#
# **Predict.** You start $10^{-10}$ away from the saddle in place of $10^{-2}$. How many times as many steps until you are 0.1 away: 9, ten thousand, or a hundred million?

# %% claims=["S0-17", "S0-18"]
far = np.abs(np.tanh(1.5 * x.numpy())).sum() / 20  # the best w2 where tanh(w1 x) is a step
places = {"saddle": np.zeros(2), "plateau": np.array([30.0, far]), "minimum": np.array([1.5, 1.0])}
slopes = {name: np.linalg.norm(tiny.grad(w)) for name, w in places.items()}
curvatures = {name: np.linalg.eigvalsh(curvature.hessian(tiny, w)) for name, w in places.items()}
for name in places:
    print(f"{name}: gradient {slopes[name]:.0e}, curvatures {curvatures[name].round(3)}")

eps = 10.0 ** -np.arange(2, 11, 2)
away = np.stack([eps, eps], axis=-1) / np.sqrt(2)  # along the direction of the negative curvature
distance = np.linalg.norm(run(gradient_descent, tiny, away, steps=60, lr=0.5).path, axis=-1)
left_after = (distance > 0.1).argmax(axis=0)
print("steps to leave the saddle:", dict(zip(eps.tolist(), left_after.tolist(), strict=True)))

# %% [markdown] claims=["S0-11", "S0-12", "S0-18", "S0-19"]
# With curvature $-\gamma$ the distance grows by $1 + \eta\gamma$ a step, so it takes $\ln(0.1/\varepsilon)/\ln(1+\eta\gamma)$ steps from distance $\varepsilon$. A saddle stalls a run and lets it go.
#
# What have the XOR runs found, then? Sixty trapped ones are trained six times as long. Two sentences are tried on the way: that much noise at the beginning helps to find
# a good valley, and that the straight line from start to solution leads down.


# %% tags=["hide-input"] claims=["S0-11", "S0-12", "S0-17", "S0-18", "S0-19"]
# @title Evidence
def noisy(grad, w, lr, beta, sigma, until):
    """Heavy ball on gradients with noise of standard deviation `sigma` for `until` steps, then quiet."""
    rng, m = np.random.default_rng(0), np.zeros_like(w)
    for k in itertools.count():
        m = beta * m - lr * (grad(w) + sigma * (k < until) * rng.normal(size=w.shape))
        w = w + m
        yield w


loss, (start, end), losses = found["tanh", 2]
caught = end[losses > 0.1][:60]
longer = run(heavy_ball, loss, caught, 3500, every=3500, lr=0.3, beta=0.9)
excess = longer.losses[-1] - np.log(2) / 2
still = excess > -0.01
grown = np.linalg.norm(longer.path[-1], axis=-1) / np.linalg.norm(caught, axis=-1)
solved = losses < 0.1
straight = loss.value(start[solved][:, None] + t * (end[solved] - start[solved])[:, None])
uphill = np.diff(straight, axis=1).max(axis=1) > 1e-9
sigma = np.array([0.0, 0.1, 0.3, 0.1, 0.3])[:, None, None]
until = np.array([0, 350, 350, 2000, 2000])[:, None, None]
quiet, *disturbed = (
    run(
        noisy,
        loss,
        np.tile(start[0], (5, 1, 1)),
        2400,
        every=2400,
        lr=0.3,
        beta=0.9,
        sigma=sigma,
        until=until,
    ).losses[-1]
    < 0.1
).mean(axis=1)
needed = np.ceil(np.log(0.01) / np.log(0.8))
net = networks.MLP((2, 2, 1), "tanh")
traced = networks.training_loss(net, inputs, wanted, F.binary_cross_entropy_with_logits)
by_hand, autograd = loss.grad(start[0, :40]), traced.grad(start[0, :40])
table(
    claim(
        "S0-15",
        "share of 600 two-unit nets within 0.01 of a value",
        [(np.abs(found[act, 2][2][..., None] - levels).min(-1) < 0.01).mean() for act in ("tanh", "relu")],
        at_least=0.98,
    ),
    claim(
        "S0-14",
        "2 tanh units: share that succeeds, 3 batches",
        success["tanh", 2],
        at_least=0.45,
        at_most=0.8,
    ),
    claim(
        "S0-16",
        "distance from 1 − (1 − p)ᵏ, k = 1 to 21",
        np.abs(observed - (1 - (1 - p) ** ks)),
        at_most=0.15 if FAST else 0.06,
    ),
    claim(
        "S0-18",
        "steps to leave the saddle, less the formula's, ε = 10⁻² to 10⁻¹⁰",
        left_after - np.log(0.1 / eps) / np.log(1 - 0.5 * curvatures["saddle"][0]),
        at_least=0,
        at_most=2,
    ),
    claim("S0-11", "trapped, 3,500 steps later: share still trapped", still.mean(), at_least=0.9),
    claim("S0-11", "their weights have grown by a factor", grown[still], at_least=1.05),
    claim(
        "S0-12",
        "success without noise, less with σ = 0.3 for 350 and 2,000 steps",
        quiet - np.array(disturbed)[[1, 3]],
        at_least=0.1,
    ),
    claim("S0-19", "solved runs whose straight line goes uphill", uphill.mean(), at_least=0.3, at_most=0.7),
    more=[
        claim(
            "S0-15",
            "values found by trying all groupings",
            levels[1:],
            predicted=[np.log(2) / 2, 0.75 * entropy(1 / 3), np.log(2)],
            within=1e-9,
        ),
        claim(
            "S0-11",
            "2 tanh units: share trapped at ln 2 / 2, 3 batches",
            (np.abs(found["tanh", 2][2] - np.log(2) / 2) < 0.01).mean(axis=1),
            at_least=0.2,
            at_most=0.5,
        ),
        claim("S0-25", "10 tanh units: share that succeeds, 3 batches", success["tanh", 10], at_least=0.99),
        claim(
            "", "the gradient by hand, less autograd's, 40 points", np.abs(by_hand - autograd), at_most=1e-12
        ),
        claim(
            "S0-25",
            "ReLU: success with 10 units over success with 2",
            success["relu", 10].mean() / success["relu", 2].mean(),
            at_least=3,
        ),
        claim("S0-16", "runs for a chance of 99 %, at p = 0.2", needed, predicted=21, within=0),
        claim(
            "S0-17",
            "length of the gradient at saddle and minimum",
            [slopes["saddle"], slopes["minimum"]],
            at_most=1e-12,
        ),
        claim(
            "S0-17",
            "at the plateau: gradient, smallest curvature",
            [slopes["plateau"], abs(curvatures["plateau"][0])],
            at_most=1e-3,
        ),
        claim("S0-17", "saddle: smallest curvature", curvatures["saddle"][0], at_most=-0.5),
        claim("S0-17", "minimum: smallest curvature", curvatures["minimum"][0], at_least=0.01),
        claim(
            "S0-11",
            "trapped runs: length of the gradient",
            np.linalg.norm(loss.grad(caught), axis=-1),
            at_most=5e-3,
        ),
        claim("S0-11", "3,500 steps later: loss above ln 2 / 2", excess[still], at_least=0, at_most=0.14),
        claim(
            "S0-12",
            "success with σ = 0.1 for 2,000 steps, less success without noise",
            disturbed[2] - quiet,
            at_least=-0.15,
            at_most=0.15,
        ),
    ],
)
print(
    f"success without noise {quiet:.2f}; with σ = 0.1 and 0.3 for 350 steps {disturbed[0]:.2f} and {disturbed[1]:.2f}, "
    f"for 2,000 steps {disturbed[2]:.2f} and {disturbed[3]:.2f}"
)

# %% [markdown] claims=["S0-11", "S0-12", "S0-19"]
# **They are at no local minimum in the strict sense.** After six times as many steps their weights have grown and the loss is still a little above its value: they walk down a valley whose floor
# reaches it at infinity. For two logistic units, Sprinkhuizen-Kuyper and Boers (1999) prove that a strictly descending path leads from every finite point to error zero. "Trapped"
# is a fact about the search, "local minimum" would be one about the surface.
#
# **Noise did not help here.** Of 100 starts 66 succeed without it. Noise of standard deviation 0.3 on the gradient leaves 27 or 28, whether it lasts 350 steps or 2,000 before all is quiet; noise of 0.1
# leaves 50 after 350 steps and 66 after 2,000. Neither "more is worse" nor "more is better" is a rule (unit 04 measures noise at saddles and minima).
#
# **Half of the straight lines go uphill.** What held for 12 networks on digits is no law.
#
# **Caveat.** One task of four examples, one rule and rate. The restart law needs independent runs and a $p$ that is not tiny: $p = 10^{-6}$ takes 4.6 million.

# %% [markdown] claims=["S0-09", "S0-14"]
# ## 4. How hard can it get?
#
# **Question.** Is there a training method that *always* succeeds, and in reasonable time?
#
# **Theory.** Take three threshold units (output 1 where $w^\top x + b > 0$, else 0): two hidden ones and an output that says AND. So the network says yes where two
# half-spaces overlap. Given examples, do weights exist that get all of them right? Blum and Rivest (1988) show that this is as hard as **set splitting**: given $n$
# elements and some sets of them, can you colour every element red or blue so that no set is all of one colour? It is **NP-complete**: an answer is quickly checked, and a quick (polynomial) way to find one would solve every problem of this
# kind. Whether there is one is the question "P = NP?". Their translation, in $n$ binary inputs:
#
# | example | wanted |
# |---|---|
# | the origin | yes |
# | each element alone: 1 at its place, 0 elsewhere | no |
# | each set: 1 at the places of its elements | yes |
#
# <details><summary>Why the two questions have one answer</summary>
#
# *If the network learns them, the sets can be split.* Each element's example lies outside some half-space: colour it red if outside the first, else blue. Suppose a set $c$ were all
# red. The origin is inside the first half-space, so $b > 0$; the elements of $c$ are outside, so $w_i + b \le 0$. Add up: $\sum_{i \in c} w_i + b \le -(|c| - 1)\,b \le 0$, so the set's own example would be outside
# too, and it wants yes. The same with blue.
#
# *If they can be split, the network learns them.* First half-space: $b = \tfrac12$, $w_i = -1$ for the red elements and $w_i = n$ for the others. Second: the same with the colours exchanged.
#
# </details>
#
# Two elements and the one set {1, 2} make four examples: (0,0) yes, (1,0) no, (0,1) no, (1,1) yes. **It is XOR**, with its answers exchanged.
#
# Whether *one* half-space separates given points is a *linear program*, solved in polynomial time. So this trainer never fails: it tries every answer to the one question that is left, which elements the first
# half-space shall exclude.


# %% claims=["S0-09"]
def separable(inside, outside):
    """Is there a half-space that contains all of `inside` and none of `outside`? One linear program."""
    rows = np.block([[-inside, -np.ones((len(inside), 1))], [outside, np.ones((len(outside), 1))]])
    return linprog(0 * rows[0], A_ub=rows, b_ub=-np.ones(len(rows)), bounds=(None, None)).success


def gadget(n, sets):
    """The examples that want yes, and those that want no."""
    return np.vstack([np.zeros(n), *(np.isin(range(n), s) for s in sets)]).astype(float), np.eye(n)


def train_three_units(n, sets):
    """Which elements the first half-space excludes, or None; and how many linear programs it took."""
    (yes, no), programs = gadget(n, sets), 0
    for others in itertools.product([True, False], repeat=n - 1):
        red = np.array([True, *others])
        for part in (red, ~red):
            programs += 1
            if not separable(yes, no[part]):
                break
        else:
            return red, programs
    return None, programs


# %% [markdown] claims=["S0-09"]
# **Predict.** It is hardest to say no for certain, as for *all* triples of $n \ge 5$ elements: one is always all of one colour. About how many linear programs does that take for $n = 9$: 10, 100 or 300?

# %% claims=["S0-09"]
triples = {n: list(itertools.combinations(range(n), 3)) for n in range(4, 10)}
work = {n: train_three_units(n, triples[n]) for n in range(5, 10)}
for n, (answer, programs) in work.items():
    print(f"{n} inputs: {'no' if answer is None else 'yes'}, after {programs} linear programs")

# %% [markdown] claims=["S0-09", "S0-16"]
# Each input doubles the number of colourings, $2^{n-1}$; for $n = 50$ there are $6 \cdot 10^{14}$. Gradient descent tries no colourings. Give it the same three units with sigmoids for thresholds, and puzzles that *have* a
# solution: triples that a hidden colouring splits, 4, 12 and 16 of them for 4, 6 and 8 inputs.
#
# **Predict.** With 4 inputs about one start in four succeeds. With 8 inputs: also one in four, one in ten, or one in fifty?


# %% tags=["hide-input"] claims=["S0-09", "S0-16"]
# @title Three sigmoid units, by gradient descent
def planted(n, rng):
    colour = rng.permutation(np.arange(n) % 2)
    mixed = [s for s in triples[n] if 0 < colour[list(s)].sum() < 3]
    return [mixed[k] for k in rng.permutation(len(mixed))[: 2 * n]]


def by_gradient(n, seed, count=200, steps=600):
    """The share of `count` starts from which gradient descent learns all examples of a puzzle that can be split."""
    rng = np.random.default_rng(seed)
    yes, no = gadget(n, planted(n, rng))
    examples, wants_yes = np.vstack([yes, no]), np.arange(len(yes) + n) < len(yes)

    def sums(w):  # what goes into the two hidden units: (count, 2, examples)
        return w[:, : 2 * n].reshape(-1, 2, n) @ examples.T + w[:, 2 * n :, None]

    def grad(w):  # of cross-entropy: ln of the probability of yes is the sum of two log-sigmoids
        z = sums(w)
        yes = -np.logaddexp(0, -z).sum(axis=1)
        at_yes = np.where(wants_yes, -1, 1 / np.expm1(np.maximum(-yes, 1e-12))) / len(examples)
        at_z = at_yes[:, None] * expit(-z)
        return np.hstack([(at_z @ examples).reshape(len(w), -1), at_z.sum(axis=2)])

    walk = heavy_ball(grad, rng.uniform(-1, 1, (count, 2 * n + 2)), lr=0.5, beta=0.9)
    end = next(itertools.islice(walk, steps - 1, None))
    return np.mean(((sums(end) > 0).all(axis=1) == wants_yes).all(axis=1))


inputs_of = (4, 6, 8)
shares = {n: [by_gradient(n, seed) for seed in range(2)] for n in inputs_of}
for n, share in shares.items():
    print(f"{n} inputs: {np.mean(share):.3f} of 400 starts succeed")

# %% tags=["hide-input"] claims=["S0-09", "S0-14"]
# @title What it looks like, and what it costs
ns = list(work)
programs = [work[n][1] for n in ns]


def xor_gadget(ax):
    edge = np.array([-0.5, 1.5])
    ax.fill_between(edge, edge - 0.5, edge + 0.5, color=plots.COLOURS[6], alpha=0.4, linewidth=0)
    ax.plot(edge, edge - 0.5, edge, edge + 0.5, color=plots.GREY, linewidth=1)
    ax.plot([0, 1], [0, 1], "o", markersize=9, color=plots.COLOURS[0], linestyle="none")
    ax.plot([0, 1], [1, 0], "X", markersize=9, color=plots.COLOURS[1], linestyle="none")
    for a, b in itertools.product((0, 1), repeat=2):
        ax.text(a, b + 0.15, "yes" if a == b else "no", ha="center")
    ax.set(xlim=(-0.5, 1.5), ylim=(-0.5, 1.5), xlabel="$x_1$", ylabel="$x_2$", title="two half-spaces")
    ax.set(xticks=[0, 1], yticks=[0, 1], aspect="equal")


def counted(ax):
    plots.lines(
        Curve(ns, np.log2(programs), colour=0),
        Curve(ns, np.subtract(ns, 1), theory=True, colour=3),
        xlabel="inputs n",
        ylabel="linear programs",
        title="to say no for certain",
    )(ax)
    ax.text(7.6, 5.8, "2ⁿ⁻¹", fontsize=9)
    ax.text(5.4, 6.4, "counted", fontsize=9, color=plots.ink(plots.COLOURS[0]))
    ax.set(xticks=ns, yticks=range(4, 10), yticklabels=[2**k for k in range(4, 10)])


def succeeding(ax):
    plots.lines(
        Curve(inputs_of, [np.mean(shares[n]) for n in inputs_of], colour=1),
        xlabel="inputs n",
        ylabel="share of starts",
        title="to find a yes by descent",
        ylim=(0, 0.32),
    )(ax)
    ax.set(xticks=inputs_of)


plots.show(
    xor_gadget,
    counted,
    succeeding,
    alt="Left: a band between two parallel lines contains the points (0,0) and (1,1) and excludes (0,1) and (1,0). Middle: the number "
    "of linear programs doubles with each input, along the dashed line. Right: the share of successful starts falls towards zero from 4 inputs to 8.",
)

# %% tags=["hide-input"] claims=["S0-09", "S0-14"]
# @title Evidence
fano = [(0, 1, 2), (0, 3, 4), (0, 5, 6), (1, 3, 5), (1, 4, 6), (2, 3, 6), (2, 4, 5)]
whole = train_three_units(7, fano)
without_one = [train_three_units(7, fano[:k] + fano[k + 1 :])[0] is not None for k in range(7)]


def can_be_split(n, sets):
    """By trying all colourings, without any network."""
    return any(
        all(0 < sum(c[i] for i in s) < len(s) for s in sets) for c in itertools.product([0, 1], repeat=n)
    )


rng = np.random.default_rng(1)
agree, splits = [], []
for _ in range(16):
    chosen = rng.choice(20, rng.integers(8, 21), replace=False)
    puzzle = [triples[6][k] for k in chosen]
    splits.append(can_be_split(6, puzzle))
    agree.append((train_three_units(6, puzzle)[0] is not None) == splits[-1])
table(
    claim("S0-09", "network and puzzle give the same answer, of 16", sum(agree), predicted=16, within=0),
    claim(
        "S0-09",
        "linear programs, from one n to the next",
        np.divide(programs[1:], programs[:-1]),
        at_least=1.6,
        at_most=2.1,
    ),
    claim("S0-09", "descent, 4 inputs: share that succeeds, 2 puzzles", shares[4], at_least=0.15),
    claim("S0-09", "the same, 8 inputs", shares[8], at_most=0.08),
    claim("S0-14", "Fano plane: can be learnt (0 is no)", whole[0] is not None, at_most=0),
    claim("S0-14", "Fano plane less one line: can be learnt, of 7", sum(without_one), predicted=7, within=0),
    more=[
        claim("S0-09", "puzzles of the 16 that can be split", sum(splits), at_least=3, at_most=13),
        claim(
            "S0-09",
            "all triples, n = 5 to 9: answers found",
            sum(work[n][0] is not None for n in ns),
            at_most=0,
        ),
        claim(
            "S0-09",
            "linear programs over 2ⁿ⁻¹ colourings",
            [c / 2 ** (n - 1) for n, c in zip(ns, programs, strict=True)],
            at_least=1,
            at_most=2,
        ),
    ],
)

# %% [markdown] claims=["S0-09", "S0-14"]
# Gradient descent is no way around: its success is rarer as these puzzles grow, and when no start succeeds, it cannot tell "impossible" from "not found". The slow trainer can.
#
# *Good enough* is another matter. The last two rows are a puzzle of seven triples, the lines of the Fano plane, which cannot be split. Its 15 examples cannot all be learnt; without any one line, the other 14 are.
#
# **Caveat.** The theorem is about the *worst case*: some data sets are hard, and yours need not be. It is about *all* examples right, by *this* network; more units change the problem. It is about
# *threshold units*; for one kind of continuous unit DasGupta, Siegelmann and Sontag (1995) prove the like. And it presumes **P ≠ NP**, which nobody has proved.

# %% [markdown] claims=["S0-07", "S0-22", "S0-23"]
# ## 5. What does no formula guarantee?
#
# **Question.** Does any formula guarantee a good solution, soon, or at all? You have seen *good* fail: one XOR run in three ends at $\ln 2/2$.
#
# **Theory: soon.** Take a bowl with curvatures from $\lambda_{\min}$ to $\lambda_{\max}$; their ratio $\kappa = \lambda_{\max}/\lambda_{\min}$ is its *condition number*. At the best rate $2/(\lambda_{\min} + \lambda_{\max})$ the distance to the minimum shrinks by $(\kappa-1)/(\kappa+1)$ a step (unit 05 derives
# it), so a factor of $10^6$ takes about $\tfrac{\kappa}{2}\ln 10^6 \approx 7\kappa$ steps. Success is certain; and at κ = 57,323, which unit 08 meets, it takes hundreds of thousands of steps.
#
# **At all.** Three linear layers of one weight each shall multiply by $-0.5$, so $L(w) = \tfrac12 (w_1 w_2 w_3 + 0.5)^2$.
#
# **Predict.** All three weights start at 1. What is the loss after 1,000 steps: about 0, 0.125, or infinite?

# %% claims=["S0-22", "S0-23"]
three = networks.Objective(lambda w: (w.prod() + 0.5) ** 2 / 2)
beginnings = np.array([[1.0, 1.0, 1.0], [1.001, 1.0, 0.999], [1.1, 1.0, 0.9]])
chain = run(gradient_descent, three, beginnings, steps=1000, every=2, lr=0.3)
for w, end in zip(beginnings, chain.losses[-1], strict=True):
    print(f"from {w}: loss {end:.3g}")

# %% [markdown] claims=["S0-22"]
# Equal weights stay equal, $w^3$ stays above zero, and the loss never gets below $\tfrac12 \cdot 0.25$. A thousandth of difference at the start is enough to get away.

# %% tags=["hide-input"] claims=["S0-04", "S0-07", "S0-22", "S0-23", "S0-24"]
# @title Three failures, and a method with curvature
kappas = (10, 100, 1000, 10_000)
needed = {}
for kappa in kappas:
    bowl = surfaces.Quadratic((1.0, float(kappa)))
    trace = run(
        gradient_descent, bowl, [1.0, 1.0], steps=8 * kappa, every=1 + kappa // 100, lr=2 / (1 + kappa)
    )
    errors = np.linalg.norm(trace.path, axis=1)
    needed[kappa] = trace.steps[errors <= 1e-6 * errors[0]][0]

dozen_starts = np.random.default_rng(0).uniform(-1, 1, (12, 9))
dozen = run(gradient_descent, found["tanh", 2][0], dozen_starts, steps=800, every=20, lr=1.0)

wave = np.linspace(-2, 2, 60)[:, None]
target = np.sin(3 * wave) + 0.05 * np.random.default_rng(0).normal(size=wave.shape)
fit = OneHidden(8, "tanh", wave, target, yes_or_no=False)  # 25 weights
first = np.stack([networks.MLP((1, 8, 1)).initial(seed) for seed in range(5)])
lm = [
    least_squares(
        lambda w: fit.forward(w)[2] - target[:, 0],
        w0,
        jac=lambda w: fit.linearised(w)[1],
        method="lm",
        max_nfev=60,
    ).cost
    / 60
    for w0 in first
]
rates, first = np.array([0.1, 0.3, 1.0])[:, None, None], np.broadcast_to(first, (3, 5, 25))
gd = run(gradient_descent, fit, first, steps=3000, every=3000, lr=rates).losses[-1]
gd = np.nanmin(gd, axis=0)  # nan where a rate diverges


def named(panel, *names):
    """A panel with words in it: (place, word, colour)."""

    def draw(ax):
        panel(ax)
        for at, word, colour in names:
            ax.text(*at, word, fontsize=9, color=plots.ink(plots.COLOURS[colour]))

    return draw


plots.show(
    named(
        plots.lines(
            *(Curve(dozen.steps, y, colour=int(y[-1] > 0.1)) for y in dozen.losses.T),
            xlabel="step",
            ylabel="loss",
            title="good? XOR",
            logy=True,
            ylim=(3e-3, 1.2),
        ),
        ((330, 0.45), "trapped", 1),
        ((330, 0.03), "solved", 0),
    ),
    named(
        plots.lines(
            Curve(kappas, list(needed.values()), colour=0),
            Curve(kappas, [kappa / 2 * np.log(1e6) for kappa in kappas], theory=True, colour=3),
            xlabel="condition number κ",
            ylabel="steps to a millionth",
            title="soon? a bowl",
            logx=True,
            logy=True,
        ),
        ((90, 130), "on the dashed\nline 7κ", 3),
    ),
    named(
        plots.lines(
            Curve(chain.steps, np.maximum(chain.losses[:, 0], 1e-7), colour=1),
            Curve(chain.steps, np.maximum(chain.losses[:, 1], 1e-7), colour=0),
            xlabel="step",
            ylabel="loss",
            title="at all? three layers",
            logy=True,
            ylim=(1e-6, 2),
        ),
        ((450, 0.25), "equal weights", 1),
        ((510, 1e-4), "0.1 % apart", 0),
    ),
    alt="Left: of twelve XOR runs five stay on one level. Middle: the steps needed on a bowl lie on the dashed line 7κ. "
    "Right: from equal weights the loss stays level; from weights 0.1 % apart it drops after some 400 steps.",
)
table(
    claim(
        "S0-22", "XOR: runs of 12 that end above 0.3", (dozen.losses[-1] > 0.3).sum(), at_least=2, at_most=8
    ),
    claim(
        "S0-07",
        "bowl: steps to a millionth, κ = 10 to 10,000",
        list(needed.values()),
        predicted=[k / 2 * np.log(1e6) for k in kappas],
        within=0.02,
    ),
    claim(
        "S0-22",
        "equal weights: lowest loss in 1,000 steps",
        chain.losses[:, 0].min(),
        predicted=0.125,
        within=1e-5,
    ),
    claim("S0-24", "cured by a start 0.1 % or 10 % off: loss at the end", chain.losses[-1, 1:], at_most=1e-9),
    claim(
        "S0-04",
        "Levenberg-Marquardt, 60 evaluations, over descent, 3,000 steps at the best of 3 rates: loss, 5 starts",
        lm / gd,
        at_most=0.5,
    ),
    more=[
        claim(
            "S0-24", "cured by 10 units: share of XOR runs that succeed", success["tanh", 10], at_least=0.99
        ),
        claim(
            "S0-24",
            "cured by a rate 1/λ for each weight: distance left after one step",
            np.abs(np.ones(2) - surfaces.Quadratic((1.0, 1e4)).grad(np.ones(2)) / [1.0, 1e4]),
            at_most=1e-12,
        ),
    ],
)

# %% [markdown] claims=["S0-04", "S0-22", "S0-23", "S0-24", "S0-25"]
# Three failures, three reasons: a trap, a ratio of curvatures, a symmetric start. Each is cured by **one setting of the model or of the
# training**: the number of units, a rate for each weight (if the bowl's axes are the weights'), the start. That is why so much of this course is about settings.
#
# The last row is about the sentence "stochastic gradient descent with back-propagation is the best general algorithm". No theorem says so. Fitting a curve with 25 weights, a method that uses curvature (Levenberg-Marquardt, unit 09) wins from
# each of five starts; it solves a linear system in all weights at every step, which millions of weights forbid. **Which method is best depends on the problem** (unit 09).
#
# **Caveat.** "No guarantee" is not "no success". For some networks there are guarantees; unit 12 tests one.

# %% [markdown]
# ## Touch it
#
# What has a trapped network learnt? Each square shows the output of one XOR network over the plane of its two inputs, and what the four examples want. Choose the number of tanh units and the start. Find (1) a
# network that confuses two examples, and which two, (2) one with three units that is trapped, (3) two solutions that draw the border differently.

# %% tags=["hide-input", "cover"]
# @title Six networks
picture = {}
for units in (2, 3, 4):  # the first sixty networks of section 3
    _, (_, end), losses = found["tanh", units]
    picture[units] = end.reshape(-1, end.shape[-1])[:60], losses.ravel()[:60]


def answer(units, start):
    ends, losses = picture[int(units)]
    side = np.linspace(-0.5, 1.5, 41)
    grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    output = expit(OneHidden(int(units), "tanh", grid, np.zeros(1681)).forward(ends[int(start)])[2])

    def draw(ax):
        ax.contourf(side, side, output.reshape(41, 41), levels=np.linspace(0, 1, 6), cmap="cividis")
        for (a, b), want in zip(inputs, wanted[:, 0], strict=True):
            mark = ax.text(a, b, f"{want:.0f}", ha="center", va="center", color="white", fontsize=13)
            mark.set_path_effects([withStroke(linewidth=3, foreground="black")])
        title = f"{units:g} units, start {start:g}: loss {losses[int(start)]:.3f}"
        ax.set(title=title, xticks=[0, 1], yticks=[0, 1], aspect="equal")

    return draw


def nth(units, low, high, k=0):
    """The k-th start whose final loss lies between `low` and `high`."""
    losses = picture[units][1]
    return int(np.flatnonzero((losses >= low) & (losses < high))[k])


interact.explore(
    answer,
    stills=[
        {"units": 2, "start": nth(2, 0, 0.1)},
        {"units": 2, "start": nth(2, 0.3, 0.4)},
        {"units": 2, "start": nth(2, 0.3, 0.4, 2)},
        {"units": 2, "start": nth(2, 0.47, 0.49)},
        {"units": 2, "start": nth(2, 0, 0.1, 2)},
        {"units": 4, "start": nth(4, 0, 0.1)},
    ],
    columns=3,
    alt="Six squares shaded by output: in the three solved ones a band separates the examples that want 1 from those that want 0; in two "
    "trapped ones one grey area covers two examples that want different answers, and in a third it covers three.",
    units=interact.Slider("hidden units", 2, 4, 1, 2),
    start=interact.Slider("start", 0, 59, 1, 0),
)

# %% [markdown]
# <details><summary>Answers</summary>
#
# (1) With two units 19 of the 60 starts are trapped, the first two among them: they give (0, 0) and (1, 0) the output ½. The confused two are always neighbours, one of each kind. Starts 11 and 51 confuse
# three. (2) Start 35, the only one. (3) A solution cuts out a band with both ones in it, as start 2 does, or with both zeros, as start 5.
#
# </details>

# %% [markdown] claims=["S0-04", "S0-09", "S0-17", "S0-19", "S0-21"]
# ## What the sources say, and what is exact
#
# <details><summary>Nine statements</summary>
#
# Statements of the article "Why training a neural network is hard", and of the books that it quotes.
#
# | says | exact |
# |---|---|
# | flat regions, "also called saddle points", lie between peaks and have zero slope | three things: a saddle has gradient zero and curvatures of both signs; a plateau a small gradient in a whole region; minima and maxima have zero slope too (section 3) |
# | no algorithm finds the optimal weights in polynomial time; the problem is NP-complete | none is known, and none exists *unless P = NP*; a yes-or-no question, in the worst case, for three threshold units. Blum and Rivest leave sigmoids open; for a fixed number of inputs there are polynomial methods (section 4) |
# | networks meet no series of obstacles on their way (Goodfellow and others) | on the straight line from start to solution, for networks of 2014. Here 12 of 12 on digits, half of the XOR lines not; on CIFAR-10 and ImageNet the loss on the line hardly rises either, but stays high until close to the end (Frankle 2020) (sections 2, 3) |
# | each new dimension adds much distance, and this makes the space hard to navigate | the mean distance in a unit cube is about √(d/6), its spread stays at 0.24. Gradient descent on a bowl takes as many steps in any dimension; the ratio of curvatures is what costs (sections 1, 5) |
# | stochastic gradient descent with back-propagation is the best general algorithm | no theorem says so; it depends on the problem (section 5) |
# | convex surfaces are easy | solvable for certain, and quick only if κ is small: about 7κ steps to a millionth (section 5) |
# | networks have local minima in which training gets stuck | runs do get stuck, at few values. For two-unit XOR the place is a valley that descends for ever (section 3) |
# | start with much noise, to sample the landscape | no rule: on XOR strong noise lowered the success, and weak noise changed nothing if it lasted (section 3) |
# | "back-propagation of the error algorithm" | a slip of translation: the *back-propagation of errors* |
#
# </details>

# %% [markdown]
# ## Summary
#
# 1. Training is a directed search for weights with a low loss; with one dimension for each weight you see only slices of the surface, and a slice shows what is on it.
# 2. With a hidden layer the surface is not convex: solutions come in equal copies, on straight lines between solutions there are hills, and on digits all that were found were about equally good.
# 3. Failed XOR runs stop at few values, which count the examples that the network confuses; $k$ restarts succeed with $1-(1-p)^k$, and more units raise $p$.
# 4. Whether three threshold units can fit a data set is NP-complete: a bound on the worst case, unless P = NP, and no verdict on your data.
# 5. No formula guarantees a good solution, soon, or at all; a trap, a ratio of curvatures or a symmetric start spoils one each, and a setting of model or training cures it.

# %% [markdown]
# ## Quick questions
#
# **1.** A network with 50 hidden tanh units has one solution. Name others with the same loss.
# <details><summary>Answer</summary>
#
# Exchange hidden units with all their weights ($50!$ orders), and change the sign of all weights into and out of a unit, since tanh is odd ($2^{50}$ choices).
#
# </details>
#
# **2.** Ten runs of a small classifier: one ends at 0.0009, nine at 0.3466. What is $p$, roughly, and how many runs give you 99 %?
# <details><summary>Answer</summary>
#
# About 0.1, from a single success, so it may well be 0.01 or 0.4. At 0.1: ln 0.01 / ln 0.9 = 43.7, so 44 runs.
#
# </details>
#
# **3.** You plot the loss around your solution along 20 random directions and see 20 bowls. What have you shown about convexity?
# <details><summary>Answer</summary>
#
# Nothing. Section 1 saw the same around a solution from which section 2 meets a hill on every line to another. One violated chord disproves convexity; no number of kept ones proves it.
#
# </details>
#
# **4.** "Training neural networks is NP-complete, so my network cannot be trained." What is wrong?
# <details><summary>Answer</summary>
#
# The theorem says that some data sets are hard for that network. It is about the worst case, about every example right, about three threshold units, and it presumes P ≠ NP.
#
# </details>
#
# **5.** A bowl has 10,000 dimensions and curvatures between 1 and 3. About how many steps for a factor of a million? And a bowl of two dimensions with curvatures 1 and 3,000?
# <details><summary>Answer</summary>
#
# The distance shrinks by (κ − 1)/(κ + 1) a step: 0.5 for κ = 3, so 20 steps; for κ = 3,000 about 3,000/2 · 13.8 = 20,700.
#
# </details>

# %% [markdown]
# ## Glossary
#
# | English | 中文 | here | section |
# |---|---|---|---|
# | loss, objective | 损失函数, 目标函数 | the number that training lowers | 1 |
# | error surface, landscape | 误差曲面, 损失地形 | the loss as altitude over all weights | 1 |
# | gradient descent | 梯度下降 | steps against the gradient | 1 |
# | learning rate η | 学习率 | the factor of each step | 1 |
# | slice | 切片 | the loss on a line or plane through weight space | 1 |
# | curse of dimensionality | 维数灾难 | places grow exponentially with the dimension | 1 |
# | convex | 凸 | below all its chords | 2 |
# | global minimum, local minimum | 全局最小值, 局部最小值 | the lowest point; lowest in its surroundings | 2, 3 |
# | saddle point | 鞍点 | gradient zero, curvatures of both signs | 3 |
# | plateau, flat region | 高原, 平坦区域 | small gradient in a whole region | 3 |
# | random restart | 随机重启 | the same search from a new start | 3 |
# | NP-complete | NP 完全 | as hard as every problem whose solutions are quickly checked | 4 |
# | threshold unit | 阈值单元 | output 0 or 1 | 4 |
# | linear program | 线性规划 | linear conditions, solved in polynomial time | 4 |
# | condition number κ | 条件数 | largest over smallest curvature | 5 |

# %% [markdown]
# ## Further reading
#
# - A. Blum, R. Rivest (1988; journal 1992), [*Training a 3-node neural network is NP-complete*](https://doi.org/10.1016/S0893-6080(05)80010-3).
# - S. Judd (1990), *Neural Network Design and the Complexity of Learning*.
# - B. DasGupta, H. Siegelmann, E. Sontag (1995), *On the complexity of training neural networks with continuous activation functions*.
# - I. Goodfellow, O. Vinyals, A. Saxe (2015), [*Qualitatively characterizing neural network optimization problems*](https://arxiv.org/abs/1412.6544), and J. Frankle (2020), [*Revisiting "Qualitatively
#   characterizing ..."*](https://arxiv.org/abs/2012.06898). Read them as a pair.
# - F. Draxler, K. Veschgini, M. Salmhofer, F. Hamprecht (2018), [*Essentially no barriers in neural network energy landscape*](https://arxiv.org/abs/1803.00885).
# - I. Sprinkhuizen-Kuyper, E. Boers (1999), *The local minima of the error surface of the 2-2-1 XOR network*.
# - I. Goodfellow, Y. Bengio, A. Courville (2016), [*Deep Learning*](https://www.deeplearningbook.org), chapter 8.

# %% [markdown]
# ## Your turn
#
# [Assignment 1](../assignments/01_learning_as_optimization/01_learning_as_optimization.ipynb): write `gradient_descent`, `success_after_restarts`, `restarts_needed` and `loss_along_segment`, and train two
# dozen networks with them. 80 minutes.
