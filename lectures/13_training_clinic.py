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

# %% [markdown] claims=["S0-22", "S0-23"]
# # This network does not train. What is wrong with it?
#
# **Unit 13, the training clinic.** 39 minutes. You need the losses of unit 02, the start of unit 03, the limit 2/L of unit 05 and the skips of unit 10.
#
# Six runs read handwritten digits. One is healthy. The other five have five different faults, and from their losses alone nobody can say which: a loss that stays at
# 2.3 is a complaint and not a diagnosis. A doctor who hears "I feel unwell" measures before prescribing. So does this lecture.

# %% tags=["hide-input"]
# @title Set-up
import itertools

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from trainlab import chart, data, interact, plots
from trainlab.evidence import claim, table
from trainlab.plots import Curve

torch.set_num_threads(1)  # the networks are tiny: more threads cost time
pool = data.digits()


def digits(seed):
    """600 digits to train on and 600 held out: inputs around 0 (600, 64), labels (600,)."""
    order = torch.randperm(len(pool.labels), generator=torch.Generator().manual_seed(seed))
    x, y = torch.tensor(pool.inputs, dtype=torch.float32)[order], torch.tensor(pool.labels)[order]
    torch.manual_seed(seed)
    x = (x - x[:600].mean()) / x[:600].std()
    return (x[:600], y[:600]), (x[600:1200], y[600:1200])


class Stack(nn.Module):
    """Linear layers with units between them; `skip` adds to each equally wide layer's output what came in."""

    def __init__(self, *widths, unit=nn.ReLU, skip=False):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in itertools.pairwise(widths))
        self.units = nn.ModuleList(unit() for _ in widths[2:])
        self.skip = skip

    def forward(self, h):
        for layer, unit in zip(self.layers[:-1], self.units, strict=True):
            out = unit(layer(h))
            h = h + out if self.skip and out.shape == h.shape else out
        return self.layers[-1](h)


def stepper(net, rows, lr, loss=F.cross_entropy, zero=True, weights=None, batch=32, clip=None, schedule=None):
    """One step of SGD on rows drawn at random, as a function of its number; the keywords are what may be wrong or added."""
    optimizer = torch.optim.SGD(net.parameters() if weights is None else weights, lr=lr)

    def step(t):
        optimizer.param_groups[0]["lr"] = lr * (schedule(t) if schedule else 1)
        drawn = torch.randint(0, len(rows[0]), (batch,))
        value = loss(net(rows[0][drawn]), rows[1][drawn])
        if zero:
            optimizer.zero_grad()
        value.backward()
        if clip:
            nn.utils.clip_grad_norm_(net.parameters(), clip)
        optimizer.step()
        return value

    return step


def twice(scores, labels):
    return F.cross_entropy(scores.softmax(dim=1), labels)


def wrong_axis(scores, labels):
    return F.nll_loss(scores.log_softmax(dim=0), labels)


def fault(name, seed, steps=100, every=100, lr=0.2):
    """The chart of a run with two hidden layers of 32 ReLU units in which one thing is wrong."""
    train, held = digits(seed)
    net, loss, keywords = Stack(64, 32, 32, 10), F.cross_entropy, {}
    if name == "inputs 0 to 255":
        train, held = ((96 * x + 78, y) for x, y in (train, held))
    if name == "all weights equal":
        for layer in net.layers:
            nn.init.constant_(layer.weight, 0.05)
    if name == "dead ReLUs":
        for layer in net.layers[:-1]:
            nn.init.constant_(layer.bias, -2.5)
    if name == "saturated start":
        net = Stack(64, 32, 32, 10, unit=nn.Tanh)
        for layer in net.layers:
            nn.init.normal_(layer.weight, std=1.5)
    if name == "14 layers, no skips":
        net = Stack(64, *[32] * 13, 10)
    if name == "labels shifted":
        train, held = ((x[1:], y[:-1]) for x, y in (train, held))
    if name == "gradients not zeroed":
        keywords["zero"] = False
    if name == "lower layers frozen":
        keywords["weights"] = net.layers[-1].parameters()
    if name in ("softmax twice", "softmax over rows"):
        loss = twice if name == "softmax twice" else wrong_axis
    lr = {"rate / 100": lr / 100, "rate · 10": 10 * lr}.get(name, lr)
    step = stepper(net, train, lr, loss, **keywords)
    return chart.record(net, step, loss, train, held, steps=steps, rate=lr, every=every)


# %% tags=["hide-input"] claims=["S0-22", "S0-23"]
# @title Six runs
first = ["labels shifted", "dead ReLUs", "14 layers, no skips", "rate / 100", "all weights equal", "none"]
six = [fault(name, 0, every=20) for name in first]
plots.show(
    plots.lines(
        *(
            Curve(np.arange(1, 101), run.smoothed, name, colour=k)
            for k, (run, name) in enumerate(zip(six, "ABCDEF", strict=True))
        ),
        xlabel="step",
        ylabel="training loss",
        ylim=(0, 2.6),
    ),
    height=2.7,
    alt="Five curves of the training loss stay between 1.9 and 2.3 for a hundred steps, four of them on top of one another; one falls to 0.2.",
)

# %% [markdown]
# ## 1. What is there to measure?
#
# **Question.** The loss is one number. Which others does a run give away for next to nothing, before you change a line of it?
#
# **Theory.** *The loss before the first step* has a value that needs no run: a network of $C$ classes that knows nothing says $1/C$ each, and pays
#
# $$\ell_0 = \ln C .$$
#
# Above it the network is confident and wrong; below it, it knows what it cannot know. *Update to weight* is how far one step moves a layer, in units of the layer:
# $r_l = \lVert \Delta W_l \rVert / \lVert W_l \rVert$. Far below a thousandth nothing happens within a thousand steps; at one, a single step replaces the layer. *Curvature times rate*
# has the limit 2 of unit 05.
#
# **Predict.** Ten classes, batches of 32 rows. Someone takes the softmax along the wrong axis, over the rows of the batch. Is the batch's loss at the start about 2.3, 3.5 or 10?


# %% claims=["S0-24"]
(x, y), held = digits(seed=0)
net = Stack(64, 32, 32, 10)
print(f"ln 10 = {np.log(10):.2f}   right: {F.cross_entropy(net(x[:32]), y[:32]).item():.2f}")
print(f"ln 32 = {np.log(32):.2f}   softmax over the rows: {wrong_axis(net(x[:32]), y[:32]).item():.2f}")
print(f"inputs from 0 to 255: {F.cross_entropy(net(96 * x[:32] + 78), y[:32]).item():.2f}")

# %% [markdown]
# The logarithm of the batch size, not of the number of classes: one number before the first step, and the line with the error is known. Four more, each in a line or two, between two steps:

# %% claims=["S0-24"]
before = [layer.weight.detach().clone() for layer in net.layers]
loss = stepper(net, (x, y), lr=0.2)(0)
h = [x]
for layer, unit in zip(net.layers, net.units, strict=False):
    h.append(unit(layer(h[-1])).detach())

for k, layer in enumerate(net.layers):
    gradient = layer.weight.grad.norm().item()
    update = ((layer.weight - before[k]).norm() / before[k].norm()).item()
    print(f"layer {k + 1}: gradient {gradient:.3f}   update to weight {update:.4f}")
for k, out in enumerate(h[1:]):
    dead = (out == 0).all(dim=0).float().mean().item()  # units that are zero on every row
    spread = out.var(dim=0).mean().sqrt().item()  # over rows: 0 means that all rows look alike
    print(f"hidden layer {k + 1}: dead {dead:.2f}   spread over rows {spread:.3f}")

# %% [markdown]
# `chart.record` does this between the steps of any script, with held-out rows, curvature and the gradient's noise scale, and leaves the run as it was. Its `readings()` are twenty numbers.

# %% claims=["S0-24"]
(x, y), held = digits(seed=1)
net = Stack(64, 32, 32, 10)
step = stepper(net, (x, y), lr=0.2)
healthy = chart.record(net, step, F.cross_entropy, (x, y), held, steps=200, rate=0.2)
healthy.show(
    alt="A healthy run in six panels: losses fall together, gradients of both layers stay within a factor of ten, updates lie near a "
    "hundredth of the weights, few units are idle, spreads grow, and curvature times rate rises from a tenth to about 1, once above 2."
)

# %% tags=["hide-input"] claims=["S0-24"]
# @title Evidence
starts, over_rows, same = [], [], []
for seed in range(5):
    (x, y), _ = digits(seed)
    for classes in (2, 10, 100):
        net = Stack(64, 32, 32, classes)
        starts.append(F.cross_entropy(net(x), y % classes).item() / np.log(classes))
    net = Stack(64, 32, 32, 10)
    over_rows.append(wrong_axis(net(x[:32]), y[:32]).item() / np.log(32))
    plain, watched = ([] for _ in range(2))
    for log, look in ((plain, False), (watched, True)):
        rows, held = digits(seed)
        net = Stack(64, 32, 32, 10)
        step = stepper(net, rows, 0.2)
        if look:
            log.extend(chart.record(net, step, F.cross_entropy, rows, held, steps=20, rate=0.2).batch)
        else:
            log.extend(step(t).item() for t in range(20))
    same.append(np.abs(np.array(plain) - watched).max())
table(
    claim("S0-24", "loss at the start over ln C; C = 2, 10, 100; 5 seeds", starts, predicted=1, within=0.06),
    claim("", "softmax over 32 rows: loss at the start over ln 32", over_rows, predicted=1, within=0.06),
    claim("", "losses with the chart less losses without it", same, at_most=1e-6),
)

# %% [markdown]
# **Caveat.** ln C holds for balanced classes and a start with small outputs. With classes in unequal shares $p_c$, a network that knows only the shares pays $-\sum_c p_c \ln p_c$, which is less.
#
# ## 2. What does a healthy run show?
#
# **Question.** Is an update of 0.01 much? Ranges that are quoted belong to the networks of who quotes them. Measure yours.
#
# **Predict.** Twelve healthy runs: ReLU and tanh, 32 and 64 units, three seeds, plain steps at rate 0.2. Is the median update to weight about 0.1, 0.01 or 0.001?


# %% claims=["S0-24"]
def healthy_run(unit, width, seed):
    train, held = digits(seed)
    net = Stack(64, width, width, 10, unit=unit)
    step = stepper(net, train, lr=0.2)
    return chart.record(net, step, F.cross_entropy, train, held, steps=200, rate=0.2, every=50)


settings = list(itertools.product((nn.ReLU, nn.Tanh), (32, 64), range(3)))
well = [healthy_run(*setting).readings() for setting in settings]
ranges = {name: (min(r[name] for r in well), max(r[name] for r in well)) for name in well[0]}
for name in (
    "update_smallest",
    "update_largest",
    "idle_start",
    "spread_top",
    "stability_end",
    "norm_growth",
    "noise_scale",
):
    low, high = ranges[name]
    print(f"{name:16s} {low:8.3g} to {high:.3g}")

# %% [markdown]
# About a hundredth. A thousandth, often quoted, belongs to other rates and other rules; here it would be a slow run. The rest is as telling. Under a tenth of the units are idle.
# Weights grow by less than a factor of two. Curvature times rate climbs as the loss falls, passes 2 for a moment, and ends between a quarter and a half of it.
# The noise scale, the batch size at which noise and signal of the gradient are equal, lies above the batch of 32: these runs are led by noise, and train all the same.

# %% tags=["hide-input"] claims=["S0-24"]
# @title Evidence
table(
    claim(
        "S0-24", "held-out accuracy of twelve healthy runs", [r["held_accuracy"] for r in well], at_least=0.88
    ),
    claim("", "smallest update to weight", [r["update_smallest"] for r in well], at_least=0.0015),
    claim("", "largest update to weight", [r["update_largest"] for r in well], at_most=0.08),
    claim("", "idle units at the start", [r["idle_start"] for r in well], at_most=0.2),
    claim("", "spread over rows at the top", [r["spread_top"] for r in well], at_least=0.05),
    claim("", "growth of the largest weight matrix", [r["norm_growth"] for r in well], at_most=2.5),
    claim("", "curvature times rate at the end", [r["stability_end"] for r in well], at_most=2),
)

# %% [markdown]
# **Caveat.** Two hidden layers, plain SGD, one rate. With another rule or depth these numbers move; how you get them does not. Keep the chart of a run that worked: it is the best reference for one that does not.
#
# ## 3. From a symptom to its cause
#
# **Question.** Twelve runs, one fault each. Does the chart find them?
#
# The picture marks every reading that leaves its healthy range by more than a factor of two, in at least four of five seeds.
#
# **Predict.** One of the twelve faults leaves *every* instrument on the network in its healthy range, and only the held-out rows give it away. Which is it: labels shifted by one, gradients not zeroed,
# or softmax twice?

# %% tags=["hide-input"] claims=["S0-22", "S0-23"]
# @title Twelve faults, eleven readings
FAULTS = [
    "inputs 0 to 255", "softmax over rows", "softmax twice", "all weights equal", "dead ReLUs", "saturated start",
    "14 layers, no skips", "lower layers frozen", "gradients not zeroed", "rate · 10", "rate / 100", "labels shifted",
]  # fmt: skip
SEEN = [
    "start_loss", "gradient_first", "gradient_last", "update_smallest", "update_largest", "idle_start",
    "spread_inputs", "spread_top", "stability_start", "norm_growth", "held_accuracy",
]  # fmt: skip
charts = {name: [fault(name, seed).readings() for seed in range(5)] for name in FAULTS}


def off(reading, values):
    """-1, 0 or 1: below the healthy range by a factor of two, within, above; by the vote of four seeds in five."""
    low, high = ranges[reading]
    if reading in ("idle_start", "held_accuracy"):
        low, high = (0, 0.25) if reading == "idle_start" else (0.5, 1)
    else:
        low, high = low / 2, high * 2
    values = np.nan_to_num(np.array(values), nan=np.inf)
    return -1 if (values < low).sum() >= 4 else 1 if (values > high).sum() >= 4 else 0


marks = np.array([[off(r, [run[r] for run in charts[name]]) for r in SEEN] for name in FAULTS])


def matrix(ax):
    for i, j in itertools.product(range(len(FAULTS)), range(len(SEEN))):
        if marks[i, j]:
            up = marks[i, j] > 0
            ax.plot(
                j,
                i,
                marker="^" if up else "v",
                markersize=8,
                color=plots.COLOURS[1 if up else 0],
                linestyle="none",
            )
    ax.set_yticks(range(len(FAULTS)), FAULTS)
    ax.set_ylabel(" ")  # slanted labels below push the layout over the left edge by a letter
    ax.set_xticks(range(len(SEEN)), [name.replace("_", " ") for name in SEEN])
    ax.tick_params(axis="x", labelrotation=40)
    for name in ax.get_xticklabels():
        name.set(ha="right", rotation_mode="anchor")
    ax.set(xlim=(-0.5, len(SEEN) - 0.5), ylim=(len(FAULTS) - 0.5, -0.5))
    ax.grid(color=plots.GREY, alpha=0.2)
    ax.set_axisbelow(True)


plots.show(
    matrix,
    height=4.0,
    alt="A table of twelve faults and eleven readings, triangles up and down where a reading leaves its healthy range: no two rows are alike, "
    "and the row of shifted labels has a mark in the last column alone.",
)

# %% [markdown] claims=["S0-22", "S0-23", "S0-24"]
# **The labels.** Updates, gradients, units and curvature are those of a healthy run, because the network *is* healthy: it learns what it is told. Data faults show in data, not in the machine.
#
# The way down from a symptom, in the order of price:
#
# | ask | if so |
# |---|---|
# | Is the loss at the start far from ln C? | above: inputs, scale of the start, axis of the softmax. Below: the answer stands in the inputs |
# | Is an update to weight exactly 0, with a gradient? | frozen or not given to the optimiser. Without a gradient: detached, dead, or weights of zero |
# | Are units idle? | ReLU: dead, look at biases and rate. Tanh: saturated, look at the scale of start and inputs |
# | Does the spread over rows vanish towards the top? | too deep for this start: skips, normalisation, variance 2/n |
# | Does the norm of the weights grow many times over? | gradients never zeroed, rate too large |
# | Are all updates far too small, or is curvature times rate far from 2? | the rate |
# | Does the loss stop at a floor while accuracy is good? | softmax twice: 1.46 for ten classes |
# | Is all of this healthy? | the data: labels shifted or shuffled, rows sorted, train and test mixed up |
#
# **Data faults** deserve a round of their own, because no instrument on the network shows them. Print ten rows with their labels as the network gets them, after every shuffle, crop and
# normalisation: a shift by one is seen at once. Count the classes in a batch: files sorted by class give one. Shuffle the labels on purpose: held-out accuracy must fall to chance, and where it does not, the
# answer stands in the inputs. Look for rows that are in both sets.
#
# The floor of a softmax taken twice is exact. The inner one hands on at most 1 for the right class and 0 for the others, so the loss is at least $\ln(e + 9) - 1 = 1.46$.

# %% tags=["hide-input"] claims=["S0-22", "S0-23"]
# @title Evidence
column = {name: charts[name] for name in FAULTS}
table(
    claim(
        "S0-22",
        "rows of the picture that differ from every other",
        len(np.unique(marks, axis=0)),
        at_least=12,
    ),
    claim(
        "S0-23",
        "outright failure: dead ReLUs, accuracy of 5 seeds",
        [r["accuracy"] for r in column["dead ReLUs"]],
        at_most=0.2,
    ),
    claim(
        "S0-23",
        "long training: rate / 100, accuracy",
        [r["accuracy"] for r in column["rate / 100"]],
        at_most=0.5,
    ),
    claim(
        "S0-23",
        "doubtful quality: labels shifted, held-out accuracy",
        [r["held_accuracy"] for r in column["labels shifted"]],
        at_most=0.2,
    ),
    claim("", "labels shifted: marks in the network's ten readings", np.abs(marks[-1, :-1]).sum(), at_most=0),
    claim(
        "",
        "softmax twice: loss at the end over ln(e + 9) - 1",
        [r["end_loss"] / (np.log(np.e + 9) - 1) for r in column["softmax twice"]],
        at_least=1,
    ),
    claim(
        "",
        "lower layers frozen: smallest update to weight",
        [r["update_smallest"] for r in column["lower layers frozen"]],
        at_most=0,
    ),
    claim(
        "",
        "14 layers: spread at the top",
        [r["spread_top"] for r in column["14 layers, no skips"]],
        at_most=1e-3,
    ),
)

# %% [markdown]
# **Caveat.** One fault at a time. Real runs may have two, and the first one found hides the second: repair one, chart again.
#
# ## 4. Which causes look alike?
#
# **Question.** Labels shuffled, a rate a hundred times too small, fourteen layers without skips: three losses that stay at 2.30. Suppose that you have only the curves. Which experiment tells them apart?
#
# The oldest one: **overfit eight examples.** Eight rows can be learnt by heart, whatever their labels, by any network and rule that work at all.
#
# **One batch for ever** is the same test with the script's own batch: its 32 rows, drawn once, in the mode in which the script trains.
#
# **Predict.** Of the three, which reach a loss near 0 on eight rows in 200 steps?


# %% claims=["S0-25"]
def by_heart(name, seed, rows, steps=200):
    """The loss at the end on a few rows, which are the batch of every step."""
    (x, y), _ = digits(seed)
    if name == "labels shuffled":
        y = y[torch.randperm(len(y))]
    deep = name.startswith("14 layers")
    net = Stack(64, *[32] * (13 if deep else 2), 10, skip=name.endswith("skips added"))
    rate = 0.002 if name == "rate / 100" else 0.05 if deep else 0.2
    optimizer = torch.optim.SGD(net.parameters(), lr=rate)
    for _ in range(steps):
        loss = F.cross_entropy(net(x[:rows]), y[:rows])
        if name != "gradients not zeroed":
            optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


names = ["labels shuffled", "rate / 100", "14 layers", "14 layers, skips added", "gradients not zeroed"]
few_rows = {name: np.array([[by_heart(name, k, n) for n in (8, 32)] for k in range(3)]) for name in names}
for name, losses in few_rows.items():
    eight, batch = np.median(losses, axis=0)
    print(f"{name:24s} eight rows: {eight:.3f}   one batch of 32: {batch:.3f}")

# %% [markdown] claims=["S0-25"]
# Shuffled labels alone: so machine and rule work, and the data are to blame. Eight rows and one batch of 32 agree on the first four, so they are one test at two sizes: eight rows cost a quarter of the examples, 32 are the stricter. Without
# zeroed gradients no seed learnt 32 rows by heart; eight can be learnt by chance, when the swinging weights pass by.
#
# Two of the three are left, and a **sweep of the rate over five decades** separates them: a rate that is too small has a better one above it.
#
# **Predict.** At its best rate of six, from 0.00003 to 3, does the stack of fourteen layers without skips read more than half of the training digits in 100 steps?

# %% tags=["hide-input"] claims=["S0-25"]
# @title Six rates, three stacks, three seeds
rates = np.logspace(-4.5, 0.5, 6)


def swept(depth, skip, seeds=3, steps=100):
    """Training accuracy after 100 steps (seeds, rates): a network for each pair, all trained side by side."""
    runs = [(digits(seed)[0], Stack(64, *[32] * depth, 10)) for seed in range(seeds) for _ in rates]
    x, y = (torch.stack(parts) for parts in zip(*(rows for rows, _ in runs), strict=True))
    layers = zip(*(net.layers for _, net in runs), strict=True)
    W, b = zip(*((torch.stack([a.weight.T for a in same]), torch.stack([a.bias for a in same])[:, None])
                 for same in layers), strict=True)  # fmt: skip
    weights = [w.detach().requires_grad_() for w in (*W, *b)]
    lr = torch.tensor(np.tile(rates, seeds)).float()[:, None, None]

    def scores(h):
        for k in range(depth + 1):
            out = torch.baddbmm(weights[depth + 1 + k], h, weights[k])
            out = out.relu() if k < depth else out
            h = h + out if skip and 0 < k < depth else out
        return h

    for _ in range(steps):
        drawn = torch.randint(0, x.shape[1], (32,))
        loss = F.cross_entropy(scores(x[:, drawn]).flatten(0, 1), y[:, drawn].flatten()) * len(runs)
        slopes = torch.autograd.grad(loss, weights)
        weights = [(w - lr * g).detach().requires_grad_() for w, g in zip(weights, slopes, strict=True)]
    return (scores(x).argmax(dim=2) == y).float().mean(dim=1).numpy(force=True).reshape(seeds, -1)


sweeps = {"2 layers": swept(2, False), "13 layers": swept(13, False), "13, skips": swept(13, True)}
plots.show(
    plots.lines(
        *(Curve(rates, np.median(a, axis=0), name) for name, a in sweeps.items()),
        xlabel="rate",
        ylabel="training accuracy",
        logx=True,
        ylim=(0, 1.05),
    ),
    height=2.6,
    alt="Accuracy against rate from 0.00003 to 3: two hidden layers read nearly all digits at a rate near 0.3, thirteen with skips at one near "
    "0.03, and thirteen without skips stay near a tenth at every rate.",
)

# %% tags=["hide-input"] claims=["S0-25"]
# @title Evidence
table(
    claim(
        "",
        "eight rows, labels shuffled: loss after 200 steps",
        few_rows["labels shuffled"][:, 0],
        at_most=0.2,
    ),
    claim("", "13 hidden layers: best accuracy of all rates", sweeps["13 layers"].max(axis=1), at_most=0.5),
    claim("S0-25", "the same with skips", sweeps["13, skips"].max(axis=1), at_least=0.7),
    more=[
        claim("", "one batch of 32, labels shuffled", few_rows["labels shuffled"][:, 1], at_most=0.2),
        claim("", "eight rows and one batch of 32, rate / 100", few_rows["rate / 100"], at_least=1.5),
        claim("", "eight rows and one batch of 32, 14 layers", few_rows["14 layers"], at_least=1),
        claim("", "the same, skips added", few_rows["14 layers, skips added"], at_most=0.2),
        claim(
            "", "one batch of 32, gradients not zeroed", few_rows["gradients not zeroed"][:, 1], at_least=0.5
        ),
        claim(
            "", "2 hidden layers: best accuracy of all rates", sweeps["2 layers"].max(axis=1), at_least=0.85
        ),
    ],
)

# %% [markdown] claims=["S3-07"]
# The deep stack has no such rate. Skips do what a source says of modern techniques: they make the surface easier, so that deeper networks can be trained. Other causes that look alike, and what tells them apart:
#
# | look alike | one more experiment |
# |---|---|
# | a leak from training to test, and a good network | fresh rows, gathered after training |
# | layer frozen or not registered, detached graph, weights of zero | ask for the lowest layer's gradient |
# | dropout left on at evaluation, and a poor network | ask the same rows twice |
# | evaluation mode left on in training, and a slow network | look at the running means of batch normalisation |
# | rows sorted by class, and a rate that is too large | shuffle the rows; count the classes in a batch |
# | batch normalisation with batches of two, and a rate that is too small | batches of 32 |
# | a good network, and an answer that stands in the inputs | shuffle the labels: the answer must be gone |
# | a mistake in your own backward pass, and a hard problem | gradient check in double precision |
#
# **Predict.** A backward pass is right. Checked in single precision against central differences of width 0.00001, is its relative error about 0.0000001, 0.001 or 0.1?


# %% tags=["hide-input"] claims=["S0-24"]
# @title Eight experiments, three seeds
def trained(net, rows, steps, **keywords):
    step = stepper(net, rows, **{"lr": 0.2} | keywords)
    for t in range(steps):
        step(t)
    return net


def reads(net, rows):
    """Share of rows that the network reads in evaluation mode."""
    return (net.eval()(rows[0]).argmax(dim=1) == rows[1]).float().mean().item()


class Detached(Stack):
    def forward(self, h):
        return self.layers[-1](self.units[1](self.layers[1](self.units[0](self.layers[0](h)))).detach())


def layers_with(extra):
    """Two hidden layers of 32 ReLU units, an extra module in each."""
    hidden = [[nn.Linear(a, 32), extra(), nn.ReLU()] for a in (64, 32)]
    return nn.Sequential(*hidden[0], *hidden[1], nn.Linear(32, 10))


def in_order(rows, order, lr, steps=80):
    """A network after steps on batches of 32 in this order of rows."""
    net = Stack(64, 32, 32, 10)
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)
    for t in range(steps):
        batch = order[torch.arange(32 * t, 32 * t + 32) % len(order)]
        optimizer.zero_grad()
        F.cross_entropy(net(rows[0][batch]), rows[1][batch]).backward()
        optimizer.step()
    return net


def gradient_error(dtype, width, slope=True):
    """Own backward pass of tanh(x W), with or without the slope of tanh, against central differences: relative error."""
    x, W = torch.randn(20, 8, dtype=dtype), torch.randn(8, 5, dtype=dtype) / 2
    y = torch.randint(0, 5, (20,))
    h = torch.tanh(x @ W)
    upstream = (h.softmax(dim=1) - F.one_hot(y, 5)) / 20
    own = x.T @ (upstream * (1 - h**2 if slope else 1))
    measured = torch.zeros_like(W)
    for k in range(W.numel()):
        up, down = (
            W.flatten().index_add(0, torch.tensor([k]), torch.tensor([d], dtype=dtype))
            for d in (width, -width)
        )
        losses = [F.cross_entropy(torch.tanh(x @ V.view_as(W)), y) for V in (up, down)]
        measured.view(-1)[k] = (losses[0] - losses[1]) / (2 * width)
    return ((measured - own).norm() / (measured.norm() + own.norm())).item()


def experiments(seed):
    """What each experiment shows, by its name."""
    train, held = digits(seed)
    drawn = torch.randint(0, 60, (1000,))
    leaky = [(part[drawn[:500]], part[drawn[500:]]) for part in train]
    leak, good = (
        trained(Stack(64, 32, 32, 10), [a for a, _ in leaky], 150),
        trained(Stack(64, 32, 32, 10), train, 150),
    )
    zero, frozen, cut = Stack(64, 32, 32, 10), Stack(64, 32, 32, 10), Detached(64, 32, 32, 10)
    for layer in zero.layers:
        nn.init.zeros_(layer.weight)
    trained(zero, train, 1), trained(cut, train, 1)
    trained(frozen, train, 1, weights=frozen.layers[-1].parameters())
    dropped = trained(layers_with(lambda: nn.Dropout(0.5)), train, 100)
    twice = [F.cross_entropy(dropped(held[0]), held[1]).item() for _ in range(2)]
    once = [F.cross_entropy(dropped.eval()(held[0]), held[1]).item() for _ in range(2)]
    means = [
        trained(layers_with(lambda: nn.BatchNorm1d(32)).train(mode), train, 50)[1].running_mean.norm().item()
        for mode in (True, False)
    ]
    folders, mixed = train[1].argsort(stable=True), torch.randperm(600)
    normed = [
        reads(trained(layers_with(lambda: nn.BatchNorm1d(32)), train, 300, lr=0.1, batch=n), held)
        for n in (2, 32)
    ]
    slow = [reads(trained(Stack(64, 32, 32, 10), train, 300, lr=0.002, batch=n), held) for n in (2, 32)]
    shuffled = [rows[torch.randperm(600)] for _, rows in (train, held)]
    told = [
        torch.cat([x, 3 * F.one_hot(y, 10)], dim=1) for (x, _), y in zip((train, held), shuffled, strict=True)
    ]
    return {
        "leak": (reads(leak, [b for _, b in leaky]), reads(leak, held)),
        "good": (reads(good, [part[:300] for part in held]), reads(good, [part[300:] for part in held])),
        "gradients": (frozen.layers[0].weight.grad.norm().item(), zero.layers[0].weight.grad.norm().item(), cut.layers[0].weight.grad is None),
        "asked twice": [abs(a - b) / a for a, b in (twice, once)],
        "means": means,
        "sorted": (reads(in_order(train, folders, 0.2), held), reads(in_order(train, mixed, 0.2), held)),
        "rate 2": (reads(in_order(train, folders, 2.0), held), reads(in_order(train, mixed, 2.0), held)),
        "classes": (len(train[1][folders[:32]].unique()), len(train[1][mixed[:32]].unique())),
        "batches": normed,
        "slow": slow,
        "shuffled": reads(trained(Stack(64, 32, 32, 10), (train[0], shuffled[0]), 200), (held[0], shuffled[1])),
        "told": reads(trained(Stack(74, 32, 32, 10), (told[0], shuffled[0]), 200), (told[1], shuffled[1])),
        "backward": [gradient_error(torch.float64, 1e-5, slope) for slope in (False, True)],
        "single": gradient_error(torch.float32, 1e-5),
    }  # fmt: skip


seen = [experiments(seed) for seed in range(3)]
found = {name: np.array([run[name] for run in seen], dtype=float) for name in seen[0]}
mid = {name: np.median(values, axis=0) for name, values in found.items()}
lines = [
    ("a leak", "held-out rows read {:.2f}, fresh rows {:.2f}", mid["leak"]),
    ("a good network", "held-out rows read {:.2f}, fresh rows {:.2f}", mid["good"]),
    (
        "lowest layer's gradient",
        "frozen {:.2f}, weights of zero {:.2f}, detached: none",
        mid["gradients"][:2],
    ),
    ("asked twice", "dropout left on: losses differ by {:.1%}, off: by {:.1%}", mid["asked twice"]),
    ("running means", "training mode {:.2f}, evaluation mode left on {:.2f}", mid["means"]),
    ("rows sorted by class", "read {:.2f}, once shuffled {:.2f}", mid["sorted"]),
    ("rate 2", "read {:.2f}, once shuffled {:.2f}", mid["rate 2"]),
    ("classes in a batch", "sorted {:.0f}, shuffled {:.0f}", mid["classes"]),
    ("batch normalisation", "batches of two read {:.2f}, batches of 32 {:.2f}", mid["batches"]),
    ("rate / 100", "batches of two read {:.2f}, batches of 32 {:.2f}", mid["slow"]),
    ("labels shuffled", "read {:.2f}, with the answer in the inputs {:.2f}", [mid["shuffled"], mid["told"]]),
    ("own backward pass", "relative error: slope forgotten {:.1e}, right {:.1e}", mid["backward"]),
    ("in single precision", "right {:.1e}", [mid["single"]]),
]
for name, text, numbers in lines:
    print(f"{name:24s} {text.format(*numbers)}")

# %% tags=["hide-input"] claims=["S0-24"]
# @title Evidence: what one more experiment shows
table(
    claim(
        "S0-24",
        "rows sorted by class: held-out digits read, once shuffled",
        found["sorted"][:, 1],
        at_least=0.75,
    ),
    claim("S0-24", "rate 2: the same", found["rate 2"][:, 1], at_most=0.5),
    more=[
        claim("", "leak: held-out rows read, less fresh rows", -np.diff(found["leak"]), at_least=0.08),
        claim("", "good network: the same", np.abs(np.diff(found["good"])), at_most=0.07),
        claim("", "frozen layer: its gradient", found["gradients"][:, 0], at_least=0.01),
        claim("", "weights of zero: lowest gradient", found["gradients"][:, 1], at_most=0),
        claim("", "detached: no gradient at all", found["gradients"][:, 2], at_least=1),
        claim(
            "", "dropout left on: change of the loss, asked twice", found["asked twice"][:, 0], at_least=1e-4
        ),
        claim("", "dropout off: the same", found["asked twice"][:, 1], at_most=0),
        claim("", "evaluation mode left on: running means", found["means"][:, 1], at_most=0),
        claim("", "training mode: running means", found["means"][:, 0], at_least=0.5),
        claim("", "rows sorted by class: held-out digits read", found["sorted"][:, 0], at_most=0.5),
        claim("", "classes in a sorted batch", found["classes"][:, 0], at_most=2),
        claim("", "classes in a shuffled batch", found["classes"][:, 1], at_least=7),
        claim("", "batch normalisation, batches of two", found["batches"][:, 0], at_most=0.65),
        claim("", "batch normalisation, batches of 32", found["batches"][:, 1], at_least=0.9),
        claim("", "rate / 100, batches of 32", found["slow"][:, 1], at_most=0.5),
        claim("", "labels shuffled: held-out digits read", found["shuffled"], at_most=0.2),
        claim("", "the same, answer in the inputs", found["told"], at_least=0.9),
        claim("", "slope forgotten: error of the gradient", found["backward"][:, 0], at_least=0.05),
        claim("", "right backward pass, double precision", found["backward"][:, 1], at_most=1e-6),
        claim("", "right backward pass, single precision", found["single"], at_least=0.01, at_most=0.5),
    ],
)

# %% [markdown] claims=["S3-07"]
# About a tenth: in single precision a right backward pass looks wrong, because the difference of nearly equal losses is partly rounding. Check in double. Shuffling cures the sorted rows, and not the rate of 2. Batches of two give batch normalisation two rows to take a mean and a spread from. Batches of 32 cure that, and do nothing for a rate that is too small.
#
# And one pair that no chart of training separates: a run that minimises well, and a network that generalises. 1998's advice is to keep the two apart: first make the training loss fall, then look at held-out rows.

# %% tags=["hide-input"] claims=["S3-07"]
# @title Evidence: falling fast is one question, generalising another
few = []
for seed in range(5):
    row = []
    for count in (60, 600):
        (x, y), held = digits(seed)
        net = Stack(64, 32, 32, 10)
        step = stepper(net, (x[:count], y[:count]), 0.2)
        run = chart.record(
            net, step, F.cross_entropy, (x[:count], y[:count]), held, steps=250, rate=0.2, every=250
        )
        row.append((run.train[-1], run.held[-1]))
    few.append(row)
few = np.array(few)  # (seed, rows, training or held out)
table(
    claim("S3-07", "training loss, 60 rows", few[:, 0, 0], at_most=0.1),
    claim("S3-07", "held-out loss, 60 rows", few[:, 0, 1], at_least=0.4),
    more=[claim("S3-07", "held-out loss, 600 rows, the same steps", few[:, 1, 1], at_most=0.3)],
)

# %% [markdown]
# **Caveat.** Eight rows prove that a network *can* move, not that it will learn 600. And 200 steps are a choice: at a hundredth of the rate, 20,000 would do.
#
# ## 5. What helps when the step is wrong?
#
# **Question.** Gradients explode: the weights are half as large again as they should be at the start, and curvature times rate is far above 2. You may not change the start. What may you change?
#
# **Theory.** Three remedies act on the length of the step alone. *Clipping* scales the gradient $g$ by $\min(1, c / \lVert g \rVert)$: the direction stays, no step is longer than $\eta c$. *Warm-up* begins with a small rate and lets it rise, while the
# curvature comes down. *Decay* lowers the rate later.
#
# **Predict.** Six hidden layers, rate 0.3, 150 steps, five seeds. Which of clipping, warm-up over 50 steps, and decay from the first step makes most runs train?


# %% claims=["S3-01", "S3-02"]
def treated(seed, steps=150, **treatment):
    (x, y), _ = digits(seed)
    net = Stack(64, *[32] * 6, 10)
    for layer in net.layers:
        nn.init.normal_(layer.weight, std=1.5 * (2 / layer.in_features) ** 0.5)
        nn.init.zeros_(layer.bias)
    step = stepper(net, (x, y), lr=0.3, **treatment)
    losses = [step(t).item() for t in range(steps)]
    end = np.mean(losses[-20:])
    return end if np.isfinite(end) else np.inf


# %% claims=["S3-01", "S3-02"]
treatments = {
    "none": {},
    "clipping at 1": {"clip": 1.0},
    "warm-up": {"schedule": lambda t: min(1, (t + 1) / 50)},
    "decay": {"schedule": lambda t: 1 / (1 + t / 10)},
    "clipping and decay": {"clip": 1.0, "schedule": lambda t: 1 / (1 + t / 100)},
}
ends = {name: np.array([treated(seed, **how) for seed in range(5)]) for name, how in treatments.items()}
for name, losses in ends.items():
    print(f"{name:20s}", *(f"{loss:6.2f}" for loss in losses))

# %% [markdown] claims=["S3-01", "S3-02"]
# Clipping, in all five runs. Warm-up saves some and leaves them far behind: its smallest rate, 0.006, is already long for these gradients; in unit 07 it rescued every run of a residual network. Decay comes too late for what happens in the first steps. So which treatment works is an
# empirical matter: a text of 1998 calls training "more an art than a science", with many choices and no foolproof recipe.
#
# One recipe (plain steps, rate 0.3) on four healthy-looking networks shows it:

# %% claims=["S3-01", "S3-02"]
four = {
    "2 layers, ReLU": Stack(64, 32, 32, 10), "2 layers, sigmoid": Stack(64, 32, 32, 10, unit=nn.Sigmoid),
    "13 layers": Stack(64, *[32] * 13, 10), "13 layers, skips": Stack(64, *[32] * 13, 10, skip=True),
}  # fmt: skip
(x, y), held = digits(seed=2)
one_recipe = {}
for name, net in four.items():
    step = stepper(net, (x, y), lr=0.3)
    for t in range(150):
        step(t)
    one_recipe[name] = (net(held[0]).argmax(dim=1) == held[1]).float().mean().item()
    print(f"{name:18s} held-out digits read: {one_recipe[name]:.0%}")

# %% tags=["hide-input"] claims=["S3-01", "S3-02", "S3-40"]
# @title Evidence
table(
    claim("", "no treatment: runs of five that end below 1.5", (ends["none"] < 1.5).sum(), at_most=1),
    claim("", "clipping: runs that end below 1.5", (ends["clipping at 1"] < 1.5).sum(), at_least=5),
    claim(
        "S3-02",
        "clipping and decay: runs that end below 1.5",
        (ends["clipping and decay"] < 1.5).sum(),
        at_least=4,
    ),
    claim("S3-01", "one recipe: best of four networks", max(one_recipe.values()), at_least=0.85),
    claim("S3-02", "one recipe: worst of four networks", min(one_recipe.values()), at_most=0.3),
)

# %% [markdown] claims=["S3-40", "S3-01"]
# **The checklist.** LeCun, Bottou, Orr and Müller closed their chapter of 1998 with a list. Beside it, what this course has measured.
#
# | 1998 | today |
# |---|---|
# | shuffle the examples | the same; files are often sorted by class |
# | centre the inputs, scale them, decorrelate if you can | centre and scale, always (unit 08); inside the network, normalise (unit 10) |
# | a symmetric sigmoid, $1.7159 \tanh(2x/3)$ | ReLU and its kin; tanh was no slower on digits (unit 03) |
# | targets within the sigmoid's range | cross-entropy on scores; the softmax once (unit 02) |
# | random weights of standard deviation $1/\sqrt{n}$ | the same idea, $\sqrt{2/n}$ for ReLU; skips and normalisation for depth |
# | stochastic steps where data are many and redundant | the same, in batches (unit 06) |
# | a rate for each weight, larger in lower layers | Adam (unit 07) |
# | - | warm-up, decay, clipping |
# | - | a chart, and one run that is known to be healthy |
#
# **Caveat.** One network, one start, five seeds; clipping hides an explosion and does not remove its cause. Where the start is yours to choose, mend the start.

# %% [markdown]
# ## Touch it
#
# A network of six hidden layers. Move the scale of its start and the rate. Find (1) a start at which no rate trains, (2) the rate at which a good start begins to fail, (3) a loss at the start far above ln 10 that trains all the same.


# %% tags=["hide-input"]
# @title A network of six hidden layers
def six_layers(scale, rate):
    """The losses of 80 steps, at most 1,000, by the scale of the start and the power of ten of the rate."""
    (x, y), _ = digits(0)
    net = Stack(64, *[32] * 6, 10)
    for layer in net.layers:
        nn.init.normal_(layer.weight, std=scale * (2 / layer.in_features) ** 0.5)
    step = stepper(net, (x, y), lr=10**rate)
    return np.nan_to_num(np.clip([step(t).item() for t in range(80)], 1e-2, 1e3), nan=1e3)


# %%
def touch(scale, rate):
    shown = six_layers(scale, rate)
    title = f"start {scale:g}\nrate {10**rate:.2g}\nends at {shown[-10:].mean():.3g}"
    return plots.lines(
        Curve(np.arange(1, 81), shown), xlabel="step", ylabel="loss", title=title, logy=True, ylim=(0.01, 1e3)
    )


stills = [(1, -1), (0.4, -1), (1, 0.3), (1.4, -1.5)]
interact.explore(
    touch,
    stills=[{"scale": s, "rate": r} for s, r in stills],
    columns=4,
    alt="Four losses over 80 steps: a good start falls below 1, a small one stays at 2.3, a large rate jumps and stays, and a large start begins "
    "above 10 and comes down.",
    scale=interact.Slider("scale of the start", 0.2, 2, 0.1, 1),
    rate=interact.Slider("rate, power of ten", -4, 0.5, 0.1, -1),
)

# %% [markdown]
# <details><summary>Answers</summary>
#
# (1) At 0.4 and below no rate brings the loss below 2 in 80 steps: the spread over rows is gone at the top. (2) At scale 1, between 0.1 and 0.6: it ends at 0.5 with the one and above 2 with the other.
# (3) At 1.4 the first loss is above 20; rates from 0.01 to 0.1 bring it down to 1 or 2.
#
# </details>

# %% tags=["hide-input"]
# @title Evidence: the answers
small = [six_layers(scale, rate)[-10:].mean() for scale in (0.2, 0.4) for rate in (-2, -1, -0.5, 0, 0.5)]
good = [six_layers(1, rate)[-10:].mean() for rate in (-1, -0.2)]
large = [six_layers(1.4, rate) for rate in (-2, -1.5, -1)]
table(
    claim("", "start 0.2 and 0.4, five rates: loss at the end", small, at_least=2),
    claim("", "start 1, rate 0.1", good[0], at_most=1),
    claim("", "start 1, rate 0.63", good[1], at_least=1.8),
    claim("", "start 1.4: first loss", [losses[0] for losses in large], at_least=15),
    claim(
        "", "start 1.4, three rates: loss at the end", [losses[-10:].mean() for losses in large], at_most=2.6
    ),
)

# %% [markdown] claims=["S0-22", "S0-23", "S0-24", "S0-25", "S3-01", "S3-02", "S3-07", "S3-40"]
# ## What the sources say, and what is exact
#
# <details><summary>Six statements</summary>
#
# | says | exact |
# |---|---|
# | no formula guarantees a good solution, a fast one, or any | true; sections 3 to 5 show a failure of each kind |
# | the consequences are doubtful quality, long training, outright failure | one fault of each kind in section 3 |
# | so model and learning must be configured and tuned | measured first: a chart says which of them |
# | modern techniques make the space easier | skips: thirteen layers train at some rate, where none did without |
# | training is more art than science; no foolproof recipe | an opinion; one recipe served some of four networks and failed another |
# | separate fast minimisation from generalisation | with 60 rows the training loss vanishes and the held-out loss does not |
#
# </details>

# %% [markdown]
# ## Summary
#
# 1. Measure before you change anything: the loss at the start against ln C, gradients, updates, idle units, spread over rows, curvature times rate.
# 2. Healthy ranges belong to your network: take them from a run that works, and keep its chart.
# 3. Most faults leave a mark of their own; where every instrument is healthy, look at the data.
# 4. What looks alike is told apart by one more experiment: overfit eight rows, sweep the rate, shuffle, ask twice.
# 5. Clipping, warm-up and decay treat the length of the step, each in its own case; no recipe fits all.

# %% [markdown]
# ## Quick questions
#
# **1.** A classifier of 1,000 classes starts at a loss of 6.9. Is that bad?
# <details><summary>Answer</summary>
#
# No: ln 1000 = 6.91.
#
# </details>
#
# **2.** Update to weight is 0.01 in every layer but the lowest, where it is exactly 0; the gradient there is 0.2. What has happened?
# <details><summary>Answer</summary>
#
# The optimiser was not given that layer, or its rate is 0. Had the graph been cut, the gradient would be missing too.
#
# </details>
#
# **3.** Ten classes; the accuracy is 0.95, the loss stays at 1.5. Where do you look?
# <details><summary>Answer</summary>
#
# At the outputs: a softmax before the cross-entropy, whose floor is 1.46.
#
# </details>
#
# **4.** A colleague's network overfits eight rows at once, and learns nothing from 600. What is excluded?
# <details><summary>Answer</summary>
#
# Network, gradient and rule that cannot move at all. Data and labels are suspects, and a capacity or a rate that serves eight rows only.
#
# </details>

# %% [markdown]
# ## Glossary
#
# | English | 中文 | here | section |
# |---|---|---|---|
# | update-to-weight ratio | 更新与权重之比 | norm of a step's change over the norm of the weights | 1 |
# | dead ReLU | 死亡的ReLU | a unit that is zero on every row | 1 |
# | gradient noise scale | 梯度噪声尺度 | batch size at which noise and signal are equal | 2 |
# | sanity check | 合理性检查 | an experiment whose outcome is known beforehand | 4 |
# | gradient clipping | 梯度裁剪 | scaling a gradient to at most a given norm | 5 |

# %% [markdown]
# ## Further reading
#
# - Y. LeCun, L. Bottou, G. Orr, K.-R. Müller (1998), *Efficient BackProp*, in *Neural Networks: Tricks of the Trade*.
# - R. Pascanu, T. Mikolov, Y. Bengio (2013), [*On the difficulty of training recurrent neural networks*](https://arxiv.org/abs/1211.5063). Clipping.
# - S. McCandlish et al. (2018), [*An empirical model of large-batch training*](https://arxiv.org/abs/1812.06162). The noise scale.
# - K. He et al. (2015), [*Deep residual learning for image recognition*](https://arxiv.org/abs/1512.03385).
# - A. Karpathy (2019), [*A recipe for training neural networks*](https://karpathy.github.io/2019/04/25/recipe/).

# %% [markdown]
# ## Your turn
#
# [Assignment 13](../assignments/13_training_clinic/13_training_clinic.ipynb): build two instruments, name what is wrong with eight runs and cite the number that decides it,
# mend five by rewriting one function each, and write a detector for charts that nobody has seen.
#
# Then take the last network that you trained, with the script that trained it. Chart it with `chart.record`, note its twenty readings, and plant one fault of section 3. Which reading leaves its range, and would the loss alone have told you?
