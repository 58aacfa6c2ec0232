"""Right and wrong solutions of assignment 13. See `grader.source.bank` for the form."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from grader.source.bank import edits_of, misconception, variant

if TYPE_CHECKING:  # the notebook's set-up cells provide them
    import numpy as np
    import torch
    import torch.nn.functional as F

    CAUSES: tuple[str, ...] = ()
    SCRIPT: dict[str, int] = {}

TEST_SECONDS = 20  # they train networks, which the budget of the other units, 2 s, has no room for

MEASURE = "1. What is there to measure?"
HEALTHY = "2. What does a healthy run show?"
CAUSE = "3. From a symptom to its cause"
ALIKE = "4. Which causes look alike?"
CURE = "5. What helps when the step is wrong?"

# --- update_to_weight: norm of the change over norm before, an array each -----------------------------------------------


@variant("update_to_weight")
def by_linalg(before, after):
    with np.errstate(all="ignore"):
        r = np.array([np.linalg.norm((b - a).ravel()) / np.linalg.norm(a.ravel()) for a, b in zip(before, after, strict=True)])
    return np.where(np.isnan(r), 0.0, r)


@variant("update_to_weight")
def by_torch(before, after):
    out = []
    for a, b in zip(before, after, strict=True):
        a, b = torch.as_tensor(a), torch.as_tensor(b)
        top, bottom = (b - a).norm(), a.norm()
        out.append(torch.zeros((), dtype=torch.float64) if top == 0 else top / bottom)
    return torch.stack(out)


@variant("update_to_weight")
def entry_by_entry(before, after):
    ratios = []
    for a, b in zip(before, after, strict=True):
        top = sum((float(q) - float(p)) ** 2 for p, q in zip(a.flat, b.flat, strict=True)) ** 0.5
        bottom = sum(float(p) ** 2 for p in a.flat) ** 0.5
        if bottom > 0:
            ratios.append(top / bottom)
        else:
            ratios.append(float("inf") if top > 0 else 0.0)
    return ratios


@variant("update_to_weight")
def by_einsum(before, after):
    ratios = np.zeros(len(before))
    for k, (a, b) in enumerate(zip(before, after, strict=True)):
        d, a = (b - a).reshape(-1), a.reshape(-1)
        top, bottom = np.einsum("i,i", d, d), np.einsum("i,i", a, a)
        if top > 0:
            ratios[k] = np.sqrt(top / bottom) if bottom else np.inf
    return ratios


CHANGE = "np.sqrt(np.sum((new - old) ** 2))"
RATIO = "change / size if size > 0 else np.inf if change > 0 else 0.0"
wrong = edits_of("update_to_weight", see=MEASURE)
wrong("over_the_new", ("np.sqrt(np.sum(old**2))", "np.sqrt(np.sum(new**2))"), says="You divide by the norm after the step; the ratio is over the norm before it.")
wrong("squared", (CHANGE + ", np.sqrt(np.sum(old**2))", "np.sum((new - old) ** 2), np.sum(old**2)"), says="You return the square of the ratio: the roots of the two sums are missing.")
wrong("inverted", ("change / size if size > 0", "size / change if change > 0 and size > 0"), says="Your ratio is upside down: the change goes above, the weights below.")
wrong("sum_of_sizes", (CHANGE, "np.sum(np.abs(new - old))"), says="You add up absolute changes; the norm is the root of the sum of their squares.")
wrong("largest_entry", (CHANGE + ", np.sqrt(np.sum(old**2))", "np.abs(new - old).max(), np.abs(old).max()"), says="You compare the largest entries; the norm is the root of the sum of squares.")
wrong("difference_of_norms", (CHANGE, "np.abs(np.sqrt(np.sum(new**2)) - np.sqrt(np.sum(old**2)))"), says="You take the change of the norm; what counts is the norm of the change, which also sees a rotation.")
wrong("one_for_all", ("return np.array(ratios)", "return np.full(len(ratios), np.mean(ratios))"), says="You give every array the mean of all ratios; each array has its own, or a frozen layer hides.")
wrong("nan_at_zero", (RATIO, "np.float64(change) / size"), says="Zero over zero is nan in your ratio; weights of norm 0 that stay have the ratio 0.")
wrong("small_constant", (RATIO, "change / (size + 1e-12)"), says="You add a small constant below; weights of norm 0 that move should give infinity.")
wrong("in_place", (CHANGE + ", np.sqrt(np.sum(old**2))", "np.sqrt(np.sum((new - old) ** 2)), np.sqrt(np.sum(old**2))\n        new -= old"), says="Your call changes the arrays that it was given; subtract into a new array.")

# --- start_verdict: the loss at the start against ln C ------------------------------------------------------------------


@variant("start_verdict")
def by_ratio(loss, classes, rtol=0.1):
    import math

    if classes < 2 or not 0 <= loss < math.inf:
        raise ValueError("no loss of a classifier")
    excess = loss / math.log(classes) - 1
    return "as chance" if abs(excess) <= rtol else ("confident and wrong" if excess > 0 else "knows too much")


@variant("start_verdict")
def ends_of_the_band(loss, classes, rtol=0.1):
    if not np.isfinite(loss):
        raise ValueError("not finite")
    if loss < 0 or classes <= 1:
        raise ValueError("negative, or a single class")
    low, high = (1 - rtol) * np.log(classes), (1 + rtol) * np.log(classes)
    return "knows too much" if loss < low else "confident and wrong" if loss > high else "as chance"


@variant("start_verdict")
def by_cross_entropy_of_zeros(loss, classes, rtol=0.1):
    if classes < 2 or loss != loss or loss in (float("inf"), float("-inf")) or loss < 0:
        raise ValueError(f"{loss} nats, {classes} classes")
    chance = F.cross_entropy(torch.zeros(1, classes, dtype=torch.float64), torch.tensor([0])).item()
    if loss > chance + rtol * chance:
        return "confident and wrong"
    if loss < chance - rtol * chance:
        return "knows too much"
    return "as chance"


@variant("start_verdict")
def by_table(loss, classes, rtol=0.1):
    if not (np.isfinite(loss) and loss >= 0 and classes >= 2):
        raise ValueError
    ends = [np.log(classes) * (1 - rtol), np.nextafter(np.log(classes) * (1 + rtol), np.inf)]
    return ("knows too much", "as chance", "confident and wrong")[int(np.searchsorted(ends, loss, side="right"))]


wrong = edits_of("start_verdict", see=MEASURE)
wrong("log2", ("np.log(classes)", "np.log2(classes)"), says="Your chance is in bits; cross-entropy in nats goes with the natural logarithm.")
wrong("log10", ("np.log(classes)", "np.log10(classes)"), says="You take the logarithm to base 10; the natural one belongs here.")
wrong("one_over_c", ("np.log(classes)", "1 / classes"), says="1/C is the probability of a guess; its loss is the logarithm of C.")
wrong("swapped", ("loss > chance", "loss < chance"), says="Your two other verdicts are swapped: a loss above ln C is confident and wrong.")
wrong("absolute_band", ("rtol * chance", "rtol"), says="Your band is rtol nats wide; it is the share rtol of ln C.")
wrong("band_of_the_loss", ("rtol * chance", "rtol * loss"), says="Your band is a share of the loss; it is a share of ln C.")
wrong("fixed_band", ("rtol * chance", "0.1 * chance"), says="You use 0.1 where the argument rtol stands.")
wrong("one_sided", ("abs(loss - chance) <=", "loss - chance <="), says="Everything below the band counts as chance in your verdict: the band has two ends.")
wrong("nan_is_chance", ("classes < 2 or not np.isfinite(loss) or loss < 0", "classes < 2 or loss < 0"), says="NaN and infinity get a verdict from you; they are no loss and raise ValueError.")
wrong("one_class", ("classes < 2 or ", ""), says="A single class gets a verdict from you; with fewer than two there is nothing to classify.")
wrong("negative_loss", (" or loss < 0", ""), says="A negative loss gets a verdict from you; cross-entropy is never negative.")
wrong("no_zero", ("loss < 0", "loss <= 0"), says="A loss of exactly 0 is a loss: it knows too much, and is no error.")

# --- findings: eight causes and the numbers that decide them ---------------------------------------------------------------


def eight(readings):
    found = {
        1: ["softmax twice", "end_loss"],
        2: ["gradients never zeroed", "norm_growth"],
        3: ["parameters frozen or not registered", "update_smallest"],
        4: ["dead ReLUs", "idle_start"],
        5: ["too deep without skips", "spread_top"],
        6: ["targets shifted by one", "held_accuracy"],
        7: ["evaluation mode left on or off", "repeat"],
        8: ["held-out rows leaked into training", "held_loss"],
    }
    return {chart: (found[script][0], readings[chart][found[script][1]]) for chart, script in SCRIPT.items()}


@variant("findings")
def other_readings(readings):
    found = {
        1: ("softmax twice", "held_loss"),
        2: ("gradients never zeroed", "update_growth"),
        3: ("parameters frozen or not registered", "update_smallest"),
        4: ("dead ReLUs", "idle_end"),
        5: ("too deep without skips", "gradient_first"),
        6: ("targets shifted by one", "held_loss"),
        7: ("evaluation mode left on or off", "repeat"),
        8: ("held-out rows leaked into training", "held_accuracy"),
    }
    return {chart: [found[script][0], readings[chart][found[script][1]]] for chart, script in SCRIPT.items()}


@variant("findings")
def to_three_digits(readings):
    causes = [CAUSES[k] for k in (0, 2, 5, 13, 14, 7, 3, 15)]
    names = ["batch_loss", "norm_growth", "update_smallest", "idle_start", "spread_top", "held_accuracy", "repeat", "held_loss"]
    return {chart: (causes[n - 1], float(f"{readings[chart][names[n - 1]]:.3g}")) for chart, n in SCRIPT.items()}


@variant("findings")
def from_the_charts_alone(readings):
    found = {}
    for chart, r in readings.items():
        if r["repeat"] > 0:
            found[chart] = "evaluation mode left on or off", np.float64(r["repeat"])
        elif r["idle_start"] > 0.9:
            found[chart] = "dead ReLUs", 1
        elif r["spread_top"] < 1e-3:
            found[chart] = "too deep without skips", np.array(r["update_smallest"])
        elif r["update_smallest"] == 0:
            found[chart] = "parameters frozen or not registered", 0
        elif r["norm_growth"] > 4:
            found[chart] = "gradients never zeroed", torch.tensor(r["norm_growth"])
        elif r["held_accuracy"] < 0.2:
            found[chart] = "targets shifted by one", r["held_loss"]
        elif r["end_loss"] > 1.3:
            found[chart] = "softmax twice", r["end_loss"]
        else:
            found[chart] = "held-out rows leaked into training", r["held_loss"]
    return found


@variant("findings")
def within_four_percent(readings):
    chart_of = {script: chart for chart, script in SCRIPT.items()}
    a, b, e, f, g, h = (readings[chart_of[script]] for script in (1, 2, 5, 6, 7, 8))
    found = {
        1: ("softmax twice", 1.04 * a["end_loss"]),
        2: ("gradients never zeroed", 0.97 * b["norm_growth"]),
        3: ("parameters frozen or not registered", 0.0),
        4: ("dead ReLUs", 1.0),
        5: ("too deep without skips", 0.96 * e["spread_top"]),
        6: ("targets shifted by one", f["held_accuracy"]),
        7: ("evaluation mode left on or off", 1.02 * g["repeat"]),
        8: ("held-out rows leaked into training", h["held_accuracy"]),
    }
    return {chart: found[script] for script, chart in chart_of.items()}


wrong = edits_of("findings", see=CAUSE, form=eight)
wrong("zeroed_is_the_rate", ("gradients never zeroed", "rate ten times too large"), says="Script 2 is not the rate: its first update is an ordinary one, and they grow from there.", see=ALIKE)
wrong("zeroed_explodes", ("gradients never zeroed", "gradients explode"), says="In script 2 the gradients at the start are ordinary; what grows is what is left of the earlier ones.", see=ALIKE)
wrong("frozen_is_detached", ("parameters frozen or not registered", "graph detached"), says="Script 3 has gradients in its lower layers: nothing is detached, nobody moves these weights.", see=ALIKE)
wrong("depth_is_the_rate", ("too deep without skips", "rate ten times too small"), says="The top of script 5 moves at an ordinary rate; the spread over rows has gone before the signal reaches it.", see=ALIKE)
wrong("depth_is_equal", ("too deep without skips", "weights all equal at the start"), says="The weights of script 5 differ; it is their number of layers that loses the rows' differences.", see=ALIKE)
wrong("shift_is_noise", ("targets shifted by one", "labels partly wrong"), says="In script 6 held-out rows are read at chance: all labels are wrong and not a part of them.", see=ALIKE)
wrong("mode_overfits", ("evaluation mode left on or off", "too few examples"), says="Script 7 is not overfitted: its training loss is as bad, and the same rows asked twice get two losses.", see=ALIKE)
wrong("leak_is_small", ("held-out rows leaked into training", "too few examples"), says="Too few examples would show in the held-out loss; in script 8 it is as low as in training.", see=ALIKE)
wrong("twice_is_the_axis", ("softmax twice", "softmax over the wrong axis"), says="A softmax over the rows would not start at ln 10 with this accuracy; script 1 stops above 1.46.", see=ALIKE)
wrong("one_and_two_swapped", ('1: ["softmax twice"', '1: ["gradients never zeroed"'), ('2: ["gradients never zeroed"', '2: ["softmax twice"'), says="You have the causes of scripts 1 and 2 the other way round.")
wrong("four_for_five", ('4: ["dead ReLUs"', '4: ["too deep without skips"'), ('5: ["too deep without skips"', '5: ["dead ReLUs"'), says="You have the causes of scripts 4 and 5 the other way round: in 4 every unit is zero, in 5 they answer all rows alike.")
wrong("loss_decides_all", ("readings[chart][found[script][1]]", 'readings[chart]["start_loss"]'), says="The loss at the start is near ln 10 on all eight charts: it decides none of them.", see=MEASURE)
wrong("accuracy_of_the_shift", ('"held_accuracy"]', '"accuracy"]'), says="The training accuracy of script 6 says that it learns little; that held-out rows are read at chance says why.")
wrong("weights_of_the_deep", ('"spread_top"', '"norm_growth"'), says="The norm of script 5's weights stays, as in many runs that do not train; the spread at the top decides.")


@misconception("findings", says="None of your eight causes is right: you have named what is usual, not what the charts show.", see=CAUSE)
def the_rate_for_all(readings):
    usual = "rate ten times too large,rate ten times too small,graph detached,labels partly wrong,too few examples,inputs not normalised,gradients explode,data sorted by class"
    return {run: (cause, readings[run]["end_loss"]) for run, cause in zip("ABCDEFGH", usual.split(","), strict=True)}


wrong("numbers_of_the_script", ("readings[chart][found[script][1]]", "17.17"), says="Your numbers are no readings of the charts; cite the reading itself.", see=MEASURE)

# --- prepare: pixels from 0 to 255 -------------------------------------------------------------------------------------------


@variant("prepare")
def to_the_unit_interval(train, held):
    return train / 255, held / 255


@variant("prepare")
def each_pixel(train, held):
    m, s = train.mean(axis=0), np.maximum(train.std(axis=0), 1)
    return (train - m) / s, (held - m) / s


@variant("prepare")
def by_torch_too(train, held):
    a, b = torch.tensor(train), torch.tensor(held)
    return (a - a.mean()) / a.std(), (b - a.mean()) / a.std()


@variant("prepare")
def from_minus_one_to_one(train, held):
    return [train / 127.5 - 1, held / 127.5 - 1]


wrong = edits_of("prepare", see=HEALTHY)
wrong("as_it_was", ("(train - mean) / spread, (held - mean) / spread", "train, held"), says="Inputs from 0 to 255 make the first step a hundred times too long; they must be brought to about 1.")
wrong("centred_only", ("(train - mean) / spread, (held - mean) / spread", "train - mean, held - mean"), says="You centre and do not scale: inputs still spread over a hundred.")
wrong("scaled_by_variance", ("train.std()", "train.var()"), says="You divide by the variance, which leaves inputs of a hundredth; divide by its root.")
wrong("held_forgotten", ("(held - mean) / spread", "held"), says="The held-out rows go in as they came: the network is tested on inputs that it has never seen the like of.")
wrong("own_range", ("(train - mean) / spread, (held - mean) / spread", "train / 16, held / 16"), says="Divided by 16 the pixels still reach 16, and the run stays where it was.")
wrong("length_one", ("(train - mean) / spread, (held - mean) / spread", "train / np.linalg.norm(train, axis=1, keepdims=True), held / np.linalg.norm(held, axis=1, keepdims=True)"), says="Rows of length one leave inputs of about a tenth: too small for the steps allowed.")
wrong("divided_by_zero", ("train.mean(), train.std()", "train.mean(axis=0), train.std(axis=0)"), says="Some pixels are 0 on every row: dividing by their spread gives nan.")
wrong("wiped_out", ("(train - mean) / spread, (held - mean) / spread", "np.sign(train - train), np.sign(held - held)"), says="Your inputs are the same for every row, so there is nothing to learn from.")
wrong("changed_in_place", ("    return", "    train -= 0.5\n    return"), says="Your call changes the pixels that it was given; make new arrays.")

# --- start: the weights to begin with ----------------------------------------------------------------------------------------


@variant("start")
def glorot(sizes, seed):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(b, a)) * np.sqrt(2 / (a + b)) for a, b in itertools.pairwise(sizes)]


@variant("start")
def kaiming_of_torch(sizes, seed):
    g = torch.Generator().manual_seed(seed)
    return [torch.nn.init.kaiming_normal_(torch.empty(b, a, dtype=torch.float64), generator=g) for a, b in itertools.pairwise(sizes)]


@variant("start")
def uniform_he(sizes, seed):
    rng, out = np.random.default_rng(seed), []
    for k in range(len(sizes) - 1):
        bound = (6 / sizes[k]) ** 0.5
        out.append(rng.uniform(-bound, bound, size=(sizes[k + 1], sizes[k])))
    return out


@variant("start")
def orthogonal(sizes, seed):
    rng, out = np.random.default_rng(seed), []
    for a, b in itertools.pairwise(sizes):
        q, _ = np.linalg.qr(rng.normal(size=(max(a, b), min(a, b))))
        out.append(np.sqrt(2) * (q if b >= a else q.T))
    return tuple(out)


DRAWN = "rng.normal(size=(b, a)) * np.sqrt(2 / a)"
wrong = edits_of("start", see=HEALTHY)
wrong("all_equal", (DRAWN, "np.full((b, a), 0.05)"), says="Units that begin equal get equal gradients and stay equal: each layer is one unit.")
wrong("all_zero", (DRAWN, "np.zeros((b, a))"), says="With weights of zero no gradient reaches any of them.")
wrong("all_ones", (DRAWN, "np.full((b, a), 1.0 / a)"), says="Equal weights, however scaled, keep all units of a layer equal.")
wrong("too_small", (DRAWN, "0.01 * rng.normal(size=(b, a))"), says="Weights of a hundredth shrink what passes through three layers to nothing.")
wrong("too_large", (DRAWN, "rng.normal(size=(b, a))"), says="Weights of variance 1 make outputs of hundreds: the network starts confident and wrong.")
wrong("no_root", ("np.sqrt(2 / a)", "2 / a"), says="You scale by 2/n where its root belongs: the variance is to be 2/n.")
wrong("positive", (DRAWN, "rng.uniform(size=(b, a)) / a"), says="Weights that are all positive make nearly equal units: draw both signs.")
wrong("one_row_for_all", ("rng.normal(size=(b, a))", "rng.normal(size=(1, a)) * np.ones((b, 1))"), says="Each unit of a layer has the same random weights, so they stay one unit.")
wrong("shape_swapped", ("size=(b, a)", "size=(a, b)"), says="Your matrices are (below, above); they are to be (units above, units below).")
wrong("own_seed", ("np.random.default_rng(seed)", "np.random.default_rng()"), says="The same seed gives you different weights every time: use it.", see=MEASURE)

# --- order: one epoch --------------------------------------------------------------------------------------------------------


@variant("order")
def by_shuffle(labels, batch, seed):
    rows = np.arange(len(labels))
    np.random.default_rng(seed).shuffle(rows)
    return list(rows[: len(rows) // batch * batch].reshape(-1, batch))


@variant("order")
def by_randperm(labels, batch, seed):
    rows = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    return [part.numpy() for part in rows.split(batch) if len(part) == batch]


@variant("order")
def by_random_keys(labels, batch, seed):
    import random

    rows = list(range(len(labels)))
    random.Random(seed).shuffle(rows)
    return [rows[k * batch : (k + 1) * batch] for k in range(len(rows) // batch)]


@variant("order")
def dealt_by_class(labels, batch, seed):
    rng = np.random.default_rng(seed)
    mixed = rng.permutation(len(labels))
    rows, count = mixed[np.argsort(labels[mixed], kind="stable")], len(labels) // batch
    return [rows[k::count][:batch] for k in range(count)]


wrong = edits_of("order", see=CAUSE)
SHUFFLED = "np.random.default_rng(seed).permutation(len(labels))"
wrong("still_sorted", (SHUFFLED, 'np.argsort(labels, kind="stable")'), says="Your batches still come class by class: each step unlearns the one before.")
wrong("sorted_downwards", (SHUFFLED, 'np.argsort(-labels, kind="stable")'), says="From nine to nought the rows are as sorted as from nought to nine.")
wrong("whole_batches_shuffled", (SHUFFLED, 'np.argsort(labels, kind="stable")'), ("    return [rows[k : k + batch] for k in range(0, len(rows) - batch + 1, batch)]", "    made = [rows[k : k + batch] for k in range(0, len(rows) - batch + 1, batch)]\n    np.random.default_rng(seed).shuffle(made)\n    return made"), says="You shuffle finished batches: each still holds one or two digits.")
wrong("shuffled_within", (SHUFFLED, 'np.argsort(labels, kind="stable")'), ("rows[k : k + batch] for", "np.random.default_rng(seed).permutation(rows[k : k + batch]) for"), says="You shuffle within a batch, which changes no gradient: its sum has no order.")
wrong("rotated", (SHUFFLED, 'np.roll(np.argsort(labels, kind="stable"), seed % 97)'), says="A rotated order is a sorted one that begins elsewhere.")
wrong("with_repetition", (SHUFFLED, "np.random.default_rng(seed).integers(0, len(labels), len(labels))"), says="You draw with repetition; in an epoch no row comes twice.")
wrong("short_batch_too", ("len(rows) - batch + 1, batch", "len(rows), batch"), says="Your last batch is short; only full batches are asked for.")
wrong("labels_for_rows", ("rows[k : k + batch] for", "labels[rows[k : k + batch]] for"), says="You return labels; row numbers are asked for.")
wrong("no_seed", ("default_rng(seed)", "default_rng()"), says="The same seed gives you a different epoch every time: use it.")

# --- update: a step that does not explode ---------------------------------------------------------------------------------------


@variant("update")
def clip_each_layer(weights, gradients, rate):
    new = []
    for w, g in zip(weights, gradients, strict=True):
        size = np.linalg.norm(g)
        new.append(w - rate * g * min(1.0, 1.0 / max(size, 1e-12)))
    return new


@variant("update")
def normalised(weights, gradients, rate):
    size = float(np.sqrt(sum((g * g).sum() for g in gradients)))
    return [w - rate * g / max(size, 1e-12) for w, g in zip(weights, gradients, strict=True)]


@variant("update")
def clip_of_torch(weights, gradients, rate):
    slopes = [torch.tensor(g) for g in gradients]
    size = torch.sqrt(sum((g**2).sum() for g in slopes))
    slopes = [g * torch.clamp(1.5 / (size + 1e-9), max=1.0) for g in slopes]
    return [torch.tensor(w) - rate * g for w, g in zip(weights, slopes, strict=True)]


@variant("update")
def in_one_vector(weights, gradients, rate):
    flat = np.concatenate([g.ravel() for g in gradients])
    flat = flat / max(1.0, np.sqrt(flat @ flat))
    pieces = np.split(flat, np.cumsum([g.size for g in gradients])[:-1])
    return tuple(w - rate * p.reshape(w.shape) for w, p in zip(weights, pieces, strict=True))


FACTOR = "min(1.0, 1.0 / norm) if norm > 0 else 1.0"
wrong = edits_of("update", see=CURE)
wrong("plain_step", (FACTOR, "1.0"), says="Your step is as long as the gradient: with first gradients of about a hundred the weights are thrown away at once.")
wrong("rate_over_three_hundred", (FACTOR, "0.003"), says="A rate small enough for the first steps is too small for all that follow: clipping only shortens the long ones.")
wrong("rate_over_thousand", (FACTOR, "0.001"), says="At a thousandth of the rate nothing explodes and nothing happens.")
wrong("lengthened", (FACTOR, "max(1.0, 1.0 / norm) if norm > 0 else 1.0"), says="You lengthen short steps and leave long ones: min where you wrote max.")
wrong("multiplied", (FACTOR, "min(1.0, norm)"), says="You multiply by the norm; a long gradient is shortened by dividing.")
wrong("bound_far_away", (FACTOR, "min(1.0, 1000.0 / norm) if norm > 0 else 1.0"), says="A bound of 1,000 never binds here, or far too late: measure the norms first.")
wrong("uphill", ("w - rate * factor * g", "w + rate * factor * g"), says="Your step climbs: the gradient points uphill.")
wrong("tiny_bound", (FACTOR, "min(1.0, 0.01 / norm) if norm > 0 else 1.0"), says="With a bound of 0.01 every step is clipped, and the weights hardly move.")
wrong("zero_over_zero", (FACTOR, "1.0 / norm"), ("np.sqrt(sum(np.sum(g**2) for g in gradients))", "np.float64(np.sqrt(sum(np.sum(g**2) for g in gradients)))"), says="Where all gradients are 0 you divide zero by zero; the weights should stay.")
wrong("weights_in_place", ("    return [w - rate * factor * g for w, g in zip(weights, gradients, strict=True)]", "    for w, g in zip(weights, gradients):\n        w -= rate * factor * g\n    return weights"), says="Your call changes the weights that it was given; return new arrays.")

# --- objective: the scores' cross-entropy -------------------------------------------------------------------------------------


@variant("objective")
def by_log_softmax(scores, labels):
    return F.nll_loss(F.log_softmax(scores, dim=1), labels)


@variant("objective")
def by_logsumexp(scores, labels):
    return (torch.logsumexp(scores, dim=1) - scores[torch.arange(len(scores)), labels]).mean()


@variant("objective")
def by_probabilities(scores, labels):
    p = torch.softmax(scores, dim=1).gather(1, labels[:, None])
    return -torch.log(p.clamp_min(1e-12)).mean()


@variant("objective")
def smoothed_a_little(scores, labels):
    return F.cross_entropy(scores, labels, label_smoothing=0.02)


RIGHT = "F.cross_entropy(scores, labels)"
wrong = edits_of("objective", see=CAUSE)
wrong("softmax_before", (RIGHT, "F.cross_entropy(F.softmax(scores, dim=1), labels)"), says="F.cross_entropy takes scores and applies the softmax itself: yours is applied twice.")
wrong("over_the_rows", (RIGHT, "F.nll_loss(F.log_softmax(scores, dim=0), labels)"), says="Your softmax runs over the rows of the batch (dim=0); it belongs over the classes.")
wrong("no_logarithm", (RIGHT, "F.nll_loss(F.softmax(scores, dim=1), labels)"), says="You leave the logarithm out: the gradient vanishes where the network is confident and wrong.")
wrong("squared_probabilities", (RIGHT, "F.mse_loss(F.softmax(scores, dim=1), F.one_hot(labels, scores.shape[1]).to(scores.dtype))"), says="The squared error of probabilities is flat where the network is confident and wrong (lecture 02).")
wrong("sum_for_mean", (RIGHT, 'F.cross_entropy(scores, labels, reduction="sum")'), says="The sum over 32 rows makes the step 32 times as long.")
wrong("detached", (RIGHT, "F.cross_entropy(scores, labels) * scores.detach().pow(2).mean().clamp(max=0.01) "), says="You weaken the gradient by a factor of a hundred: the step is too short for the steps allowed.")
wrong("maximised", (RIGHT, "-F.cross_entropy(scores, labels)"), says="Your objective falls as the loss rises: the sign is wrong.")
wrong("one_per_row", (RIGHT, 'F.cross_entropy(scores, labels, reduction="none")'), says="You return one loss for each row; a scalar is asked for.")
wrong("both_softmaxes", (RIGHT, "F.cross_entropy(F.softmax(F.softmax(scores, dim=1), dim=1), labels)"), says="One softmax too many was the fault; now there are two too many.")

# --- diagnose: from twenty readings to a cause ----------------------------------------------------------------------------------


def ten(readings):
    r = readings
    if r["repeat"] > 1e-6:
        return "evaluation mode left on or off"
    if r["spread_inputs"] > 5:
        return "inputs not normalised"
    if r["idle_start"] > 0.9:
        return "dead ReLUs"
    if r["spread_top"] < 1e-3:
        return "too deep without skips"
    if r["gradient_first"] < 1e-5:
        return "weights all equal at the start"
    if r["update_smallest"] == 0:
        return "parameters frozen or not registered"
    if r["norm_growth"] > 4:
        return "gradients never zeroed"
    if r["held_accuracy"] < 0.2:
        return "targets shifted by one"
    if r["end_loss"] > 1.3:
        return "softmax twice"
    return "held-out rows leaked into training"


@variant("diagnose")
def as_a_table(readings):
    table = [
        ("spread_inputs", 5, 1e9, "inputs not normalised"),
        ("repeat", 1e-9, 9, "evaluation mode left on or off"),
        ("idle_start", 0.99, 2, "dead ReLUs"),
        ("spread_top", 0, 1e-2, "too deep without skips"),
        ("gradient_first", 0, 1e-5, "weights all equal at the start"),
        ("update_smallest", 0, 0, "parameters frozen or not registered"),
        ("norm_growth", 4, 1e9, "gradients never zeroed"),
        ("held_accuracy", 0, 0.2, "targets shifted by one"),
        ("end_loss", 1.3, 9, "softmax twice"),
    ]
    for reading, low, high, cause in table:
        if low <= readings[reading] <= high:
            return cause
    return "held-out rows leaked into training"


@variant("diagnose")
def learners_first(readings):
    r = {name: float(value) for name, value in readings.items()}
    if r["repeat"] > 0:
        return "evaluation mode left on or off"
    if r["held_accuracy"] > 0.6:
        return "softmax twice" if r["held_loss"] > 1 else "held-out rows leaked into training"
    if r["start_loss"] > 4:
        return "inputs not normalised"
    if r["idle_start"] == 1:
        return "dead ReLUs"
    if r["gradient_first"] < 1e-6:
        return "weights all equal at the start"
    if r["gradient_first"] < 1e-3:
        return "too deep without skips"
    if r["update_smallest"] == 0:
        return "parameters frozen or not registered"
    return "gradients never zeroed" if r["norm_growth"] > 4 else "targets shifted by one"


@variant("diagnose")
def by_numbers_of_the_list(readings):
    k = 15
    for number, sign in (
        (0, readings["end_loss"] > 1.3), (7, readings["held_accuracy"] < 0.2), (2, readings["norm_growth"] > 4),
        (5, readings["update_smallest"] == 0), (11, readings["gradient_first"] < 1e-5), (14, readings["spread_top"] < 1e-3),
        (13, readings["idle_start"] > 0.9), (4, readings["spread_inputs"] > 5), (3, readings["repeat"] > 1e-6),
    ):  # fmt: skip
        k = number if sign else k
    return CAUSES[k]


@variant("diagnose")
def seven_of_ten(readings):
    if readings["spread_inputs"] > 3:
        return "inputs not normalised"
    if readings["repeat"] > 0:
        return "evaluation mode left on or off"
    if readings["idle_start"] > 0.9:
        return "dead ReLUs"
    if readings["spread_top"] < 1e-3:
        return "too deep without skips"
    if readings["update_smallest"] == 0:
        return "parameters frozen or not registered"
    if readings["norm_growth"] > 4:
        return "gradients never zeroed"
    return "held-out rows leaked into training"


wrong = edits_of("diagnose", see=CAUSE, form=ten)
wrong("constant", ("    r = readings\n", '    r = readings\n    return "inputs not normalised"\n'), says="You give every chart the same name, which is right for one in ten.")
wrong("inputs_by_accuracy", ('r["spread_inputs"] > 5', 'r["accuracy"] < 0.5'), says="Low accuracy is what most of these causes share: it cannot decide for the inputs.")
wrong("loss_before_all", ('r["repeat"] > 1e-6', 'r["end_loss"] > 0.5'), says="A high loss at the end is the complaint, and no cause: ask it last.")
wrong("all_inputs", ('r["spread_inputs"] > 5', 'r["spread_inputs"] > 0.5'), says="A spread of 0.7 is that of healthy inputs; only far above it are inputs the cause.", see=HEALTHY)
wrong("update_before_all", ('r["repeat"] > 1e-6:\n        return "evaluation mode left on or off"', 'r["update_smallest"] < 0.05:\n        return "rate ten times too small"'), says="A small update to weight is what frozen layers, dead units and depth share; ask for their own signs first.", see=ALIKE)
wrong("idle_upside_down", ('r["idle_start"] > 0.9', 'r["idle_start"] < 0.9'), says="Your share of idle units is upside down: 0.06 is healthy, 1 is dead.", see=HEALTHY)
wrong("spread_upside_down", ('r["spread_top"] < 1e-3', 'r["spread_top"] > 1e-3'), says="A spread at the top is healthy; its absence is the sign.", see=HEALTHY)
wrong("inputs_never", ('r["spread_inputs"] > 5', 'r["spread_inputs"] > 500'), says="Pixels from 0 to 255 have a spread of about 70: your bound is never passed.", see=HEALTHY)
wrong("names_of_ones_own", ('"inputs not normalised"', '"unnormalised inputs"'), says="Your names are not those of CAUSES, letter for letter.")


@misconception("diagnose", says="You return a number of the list; the name itself is asked for.", see=CAUSE)
def number_for_name(readings):
    return 4
