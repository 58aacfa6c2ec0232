"""Right and wrong solutions of assignment 6. See `grader.source.bank` for the form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.source.bank import misconception, variant

if TYPE_CHECKING:  # the notebook's set-up cell imports them
    import numpy as np
    import torch

COST = "1. What does one update cost?"
NOISE = "2. How much does one example say?"
FLOOR = "3. How quiet does it get?"
ORDER = "4. In which order?"

# --- minibatches: the rows 0 .. n-1 in a random order, cut into batches of B --------------------------------------------


@variant("minibatches")
def shuffled_in_place(n, B, rng, drop_last=False):
    rows = np.arange(n)
    rng.shuffle(rows)
    stop = n // B * B if drop_last else n
    return [rows[i : min(i + B, n)] for i in range(0, stop, B)]


@variant("minibatches")
def sorted_random_keys(n, B, rng, drop_last=False):
    order = np.argsort(rng.random(n))
    whole = n // B
    batches = list(order[: whole * B].reshape(whole, B))
    if n % B and not drop_last:
        batches.append(order[whole * B :])
    return batches


@variant("minibatches")
def split_at_every_B(n, B, rng, drop_last=False):
    batches = np.split(rng.permutation(n), np.arange(B, n, B))
    if drop_last and len(batches[-1]) < B:
        batches.pop()
    return batches


@variant("minibatches")
def drawn_from_what_is_left(n, B, rng, drop_last=False):
    left, batches = list(range(n)), []
    while left:
        batch = [left.pop(int(rng.integers(len(left)))) for _ in range(min(B, len(left)))]
        if len(batch) == B or not drop_last:
            batches.append(batch)
    return batches


@variant("minibatches")
def tensors_split(n, B, rng, drop_last=False):
    generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
    batches = torch.randperm(n, generator=generator).split(B)
    return [rows for rows in batches if len(rows) == B] if drop_last else list(batches)


@variant("minibatches")
def fisher_and_yates(n, B, rng, drop_last=False):
    rows = np.arange(n, dtype=np.int32)
    for last in range(n - 1, 0, -1):
        other = rng.integers(last + 1)
        rows[last], rows[other] = rows[other], rows[last]
    return tuple(rows[i : i + B] for i in range(0, n - B + 1 if drop_last else n, B))


@variant("minibatches")
def sorted_inside_each_batch(n, B, rng, drop_last=False):
    order = rng.choice(n, size=n, replace=False)
    count = n // B if drop_last else -(-n // B)
    return [np.sort(order[k * B : (k + 1) * B]) for k in range(count)]


@misconception(
    "minibatches",
    says="Your epochs are not shuffled: the rows come in their stored order every time.",
    see=ORDER,
)
def no_shuffle(n, B, rng, drop_last=False):
    return [np.arange(i, min(i + B, n)) for i in range(0, n - B + 1 if drop_last else n, B)]


@misconception(
    "minibatches",
    says="Your batches are drawn with replacement: some rows come twice in an epoch and others never.",
    see=COST,
)
def with_replacement(n, B, rng, drop_last=False):
    rows = rng.integers(0, n, size=n)
    return [rows[i : i + B] for i in range(0, n - B + 1 if drop_last else n, B)]


@misconception(
    "minibatches",
    says="Your epoch always drops the short batch; it is left out only where drop_last is true.",
    see=COST,
)
def always_drop(n, B, rng, drop_last=False):
    rows = rng.permutation(n)
    return [rows[i : i + B] for i in range(0, n - B + 1, B)]


@misconception(
    "minibatches",
    says="Your epoch keeps the short batch although drop_last asks you to leave it out.",
    see=COST,
)
def never_drops(n, B, rng, drop_last=False):
    rows = rng.permutation(n)
    return [rows[i : i + B] for i in range(0, n, B)]


@misconception(
    "minibatches",
    says="Your function makes a generator with a fixed seed, so every epoch has one and the same order; use the rng you are given.",
    see=ORDER,
)
def fixed_seed(n, B, rng, drop_last=False):
    rows = np.random.default_rng(0).permutation(n)
    return [rows[i : i + B] for i in range(0, n - B + 1 if drop_last else n, B)]


@misconception(
    "minibatches",
    says="Your order comes from NumPy's global generator: the rng you are given does not decide it, so no run can be repeated.",
    see=ORDER,
)
def global_generator(n, B, rng, drop_last=False):
    rows = np.random.permutation(n)  # noqa: NPY002
    return [rows[i : i + B] for i in range(0, n - B + 1 if drop_last else n, B)]


@misconception(
    "minibatches",
    says="Your rng stands still: it is copied before it is used, so every epoch has one and the same order.",
    see=ORDER,
)
def generator_copied(n, B, rng, drop_last=False):
    import copy

    rows = copy.deepcopy(rng).permutation(n)
    return [rows[i : i + B] for i in range(0, n - B + 1 if drop_last else n, B)]


@misconception(
    "minibatches",
    says="Your order is a rotation: it starts at a random row and goes on in the stored order, so neighbours stay together.",
    see=ORDER,
)
def rotation(n, B, rng, drop_last=False):
    rows = (np.arange(n) + rng.integers(n)) % n
    return [rows[i : i + B] for i in range(0, n - B + 1 if drop_last else n, B)]


@misconception(
    "minibatches",
    says="You shuffle whole batches: the same rows come together in every epoch.",
    see=ORDER,
)
def batches_shuffled(n, B, rng, drop_last=False):
    batches = [np.arange(i, min(i + B, n)) for i in range(0, n, B)]
    whole = [batch for batch in batches if len(batch) == B]
    short = [] if drop_last else [batch for batch in batches if len(batch) < B]
    return [whole[k] for k in rng.permutation(len(whole))] + short


@misconception(
    "minibatches",
    says="You shuffle inside each batch only: which rows come together, and in which batch, never changes.",
    see=ORDER,
)
def shuffled_inside_batches(n, B, rng, drop_last=False):
    return [rng.permutation(np.arange(i, min(i + B, n))) for i in range(0, n - B + 1 if drop_last else n, B)]


@misconception(
    "minibatches",
    says="You cut off the short batch before shuffling: the last rows of the data set are always in it, or never seen.",
    see=ORDER,
)
def tail_never_mixed(n, B, rng, drop_last=False):
    whole = n // B * B
    rows = rng.permutation(whole)
    batches = [rows[i : i + B] for i in range(0, whole, B)]
    return batches if drop_last or whole == n else [*batches, np.arange(whole, n)]


@misconception(
    "minibatches",
    says="Your batches are of nearly equal sizes; asked for are batches of exactly B rows and a short one at the end.",
    see=COST,
)
def nearly_equal_sizes(n, B, rng, drop_last=False):
    if drop_last:
        return list(rng.permutation(n)[: n // B * B].reshape(-1, B))
    return np.array_split(rng.permutation(n), -(-n // B))


@misconception(
    "minibatches",
    says="You make B batches; B is the number of rows in a batch.",
    see=COST,
)
def B_is_the_number_of_batches(n, B, rng, drop_last=False):
    return np.array_split(rng.permutation(n), B)


@misconception(
    "minibatches",
    says="Your epoch ends with an empty batch where B divides n.",
    see=COST,
)
def empty_batch_at_the_end(n, B, rng, drop_last=False):
    rows = rng.permutation(n)
    batches = [rows[k * B : (k + 1) * B] for k in range(n // B)]
    return batches if drop_last else [*batches, rows[n // B * B :]]


@misconception(
    "minibatches",
    says="Your batches hold row numbers from 1 to n; rows are numbered from 0.",
    see=COST,
)
def counted_from_one(n, B, rng, drop_last=False):
    rows = rng.permutation(n) + 1
    return [rows[i : i + B] for i in range(0, n - B + 1 if drop_last else n, B)]


@misconception(
    "minibatches",
    says="Your batches hold floats; an index array has an integer dtype, or it cannot choose rows.",
    see=COST,
)
def floating_rows(n, B, rng, drop_last=False):
    rows = rng.permutation(np.arange(n, dtype=float))
    return [rows[i : i + B] for i in range(0, n - B + 1 if drop_last else n, B)]


@misconception(
    "minibatches",
    says="Your batches are independent draws: each has different rows, but an epoch shows some rows twice and others never.",
    see=COST,
)
def every_batch_drawn_anew(n, B, rng, drop_last=False):
    count = n // B if drop_last else -(-n // B)
    sizes = [min(B, n - k * B) for k in range(count)]
    return [rng.choice(n, size=size, replace=False) for size in sizes]


@misconception(
    "minibatches",
    says="Your shuffle never leaves a row in its own place: the partner of a swap may be the row itself.",
    see=ORDER,
)
def never_in_its_own_place(n, B, rng, drop_last=False):
    rows = np.arange(n)
    for last in range(n - 1, 0, -1):
        other = rng.integers(last)
        rows[last], rows[other] = rows[other], rows[last]
    return [rows[i : i + B] for i in range(0, n - B + 1 if drop_last else n, B)]


# --- minibatch_gradient_variance: s^2 / B * (N - B) / (N - 1) -----------------------------------------------------------


@variant("minibatch_gradient_variance")
def from_sample_variance(g, B):
    N = g.shape[0]
    return g.var(axis=0, ddof=1) * (1 / B - 1 / N) if N > 1 else np.zeros(g.shape[1])


@variant("minibatch_gradient_variance")
def column_by_column(g, B):
    N, result = len(g), []
    for column in g.T:
        mean = sum(column) / N
        s2 = sum((x - mean) ** 2 for x in column) / N
        result.append(s2 / B * (N - B) / max(N - 1, 1))
    return result


@variant("minibatch_gradient_variance")
def in_tensors(g, B):
    N = len(g)
    centred = torch.tensor(g) - torch.tensor(g).mean(dim=0)
    return centred.square().mean(dim=0) * ((N - B) / (B * (N - 1)) if N > B else 0.0)


@variant("minibatch_gradient_variance")
def from_correlated_draws(g, B):
    # Var = (B s^2 + B (B - 1) cov) / B^2, where two different draws have the covariance -s^2 / (N - 1)
    N, s2 = g.shape[0], np.einsum("ij,ij->j", g - g.mean(0), g - g.mean(0)) / g.shape[0]
    cov = -s2 / (N - 1) if N > 1 else 0 * s2
    return (B * s2 + B * (B - 1) * cov) / B**2


@variant("minibatch_gradient_variance")
def from_pairs(g, B):
    N = len(g)
    if N == B:
        return 0 * g[0]
    squares = np.mean((g[:, None, :] - g[None, :, :]) ** 2, axis=(0, 1))
    return squares / 2 * (N - B) / (N - 1) / B


@misconception(
    "minibatch_gradient_variance",
    says="Your s^2 is the sample variance, divided by N - 1; the second factor has that N - 1 already.",
    see=NOISE,
)
def ddof_1(g, B):
    N = len(g)
    return np.zeros(g.shape[1]) if N == B else g.var(axis=0, ddof=1) / B * (N - B) / (N - 1)


@misconception(
    "minibatch_gradient_variance",
    says="Your formula is the one of independent draws, s^2/B: without replacement a batch of all examples has no variance.",
    see=NOISE,
)
def no_correction(g, B):
    return g.var(axis=0) / B


@misconception(
    "minibatch_gradient_variance",
    says="You do not divide by B: this is the variance of one example's gradient, not of the mean of B.",
    see=NOISE,
)
def not_divided_by_B(g, B):
    N = len(g)
    return g.var(axis=0) * (N - B) / max(N - 1, 1)


@misconception(
    "minibatch_gradient_variance",
    says="Your correction is (N - B)/N; it has N - 1 below, so that B = 1 leaves the whole s^2.",
    see=NOISE,
)
def correction_over_N(g, B):
    return g.var(axis=0) / B * (len(g) - B) / len(g)


@misconception(
    "minibatch_gradient_variance",
    says="Your result is a standard deviation; asked for is the variance, its square.",
    see=NOISE,
)
def standard_deviation(g, B):
    N = len(g)
    return np.sqrt(g.var(axis=0) / B * (N - B) / max(N - 1, 1))


@misconception(
    "minibatch_gradient_variance",
    says="You start from the standard deviation of the gradients; s^2 is its square.",
    see=NOISE,
)
def s_not_squared(g, B):
    N = len(g)
    return g.std(axis=0) / B * (N - B) / max(N - 1, 1)


@misconception(
    "minibatch_gradient_variance",
    says="You divide by B twice: the variance of a mean falls like 1/B, and its standard deviation like the root of that.",
    see=NOISE,
)
def B_squared(g, B):
    N = len(g)
    return g.var(axis=0) / B**2 * (N - B) / max(N - 1, 1)


@misconception(
    "minibatch_gradient_variance",
    says="You divide the variance by the root of B; that root belongs to the standard deviation.",
    see=NOISE,
)
def root_of_B(g, B):
    N = len(g)
    return g.var(axis=0) / np.sqrt(B) * (N - B) / max(N - 1, 1)


@misconception(
    "minibatch_gradient_variance",
    says="Your s^2 is the mean square of the gradients: the mean gradient was not subtracted.",
    see=NOISE,
)
def mean_not_subtracted(g, B):
    N = len(g)
    return (g**2).mean(axis=0) / B * (N - B) / max(N - 1, 1)


@misconception(
    "minibatch_gradient_variance",
    says="Your correction is (B - 1)/(N - 1): it is 0 for one example and 1 for all, the wrong way round.",
    see=NOISE,
)
def correction_reversed(g, B):
    N = len(g)
    return np.zeros(g.shape[1]) if N == B else g.var(axis=0) / B * (B - 1) / (N - 1)


@misconception(
    "minibatch_gradient_variance",
    says="Your correction is squared: this is the formula with the factor (N - B)/(N - 1) applied twice.",
    see=NOISE,
)
def correction_twice(g, B):
    N = len(g)
    return g.var(axis=0) / B * ((N - B) / max(N - 1, 1)) ** 2


@misconception(
    "minibatch_gradient_variance",
    says="Your variances are along the rows: one per example; asked for is one per coordinate, over the examples.",
    see=NOISE,
)
def along_the_wrong_axis(g, B):
    N = len(g)
    return g.var(axis=1) / B * (N - B) / max(N - 1, 1)


@misconception(
    "minibatch_gradient_variance",
    says="Your result is one number for all coordinates; each coordinate has a variance of its own.",
    see=NOISE,
)
def one_number(g, B):
    N = len(g)
    return g.var() / B * (N - B) / max(N - 1, 1)


@misconception(
    "minibatch_gradient_variance",
    says="Your result is nan for a single example, 0 divided by 0; B = N leaves nothing to chance, so it is 0.",
    see=NOISE,
)
def nan_for_one_example(g, B):
    N = np.float64(len(g))
    with np.errstate(all="ignore"):
        return g.var(axis=0) / B * (N - B) / (N - 1)


@misconception(
    "minibatch_gradient_variance",
    says="Your function centres the caller's gradients: g -= ... works in place, on the very array you were given.",
    see=NOISE,
)
def centres_in_place(g, B):
    N = len(g)
    g -= g.mean(axis=0)
    return (g**2).mean(axis=0) / B * (N - B) / max(N - 1, 1)


@misconception(
    "minibatch_gradient_variance",
    says="Your result has only seven digits: it was computed in float32 instead of float64.",
    see=NOISE,
)
def variance_in_single_precision(g, B):
    N = len(g)
    return g.astype(np.float32).var(axis=0) / B * (N - B) / max(N - 1, 1)


@misconception(
    "minibatch_gradient_variance",
    says="Your s^2 is measured on the first B examples only; the batch is drawn from all N.",
    see=NOISE,
)
def first_batch_only(g, B):
    N = len(g)
    return g[:B].var(axis=0) / B * (N - B) / max(N - 1, 1)


# --- emphasis_probabilities: min(loss, cap), divided by the sum ---------------------------------------------------------


@variant("emphasis_probabilities")
def loop_over_losses(losses, cap=None):
    counts = []
    for loss in losses.tolist():
        if not 0 <= loss < float("inf"):
            raise ValueError(f"{loss} is not a loss")
        counts.append(loss if cap is None else min(loss, cap))
    total = sum(counts)
    return [count / total for count in counts] if total else [1 / len(counts)] * len(counts)


@variant("emphasis_probabilities")
def clipped_copy(losses, cap=None):
    if not (np.isfinite(losses) & (losses >= 0)).all():
        raise ValueError("bad loss")
    p = np.clip(losses, 0, np.inf if cap is None else cap)
    if not p.any():
        p = np.ones_like(p)
    p /= p.sum()
    return p


@variant("emphasis_probabilities")
def clamped_tensor(losses, cap=None):
    t = torch.tensor(losses)
    if not bool(torch.isfinite(t).all()) or bool((t < 0).any()):
        raise ValueError("bad loss")
    t = t.clamp(max=cap) if cap is not None else t
    return t / t.sum() if t.sum() > 0 else torch.full_like(t, 1 / len(t))


@variant("emphasis_probabilities")
def scaled_by_the_largest(losses, cap=None):
    if np.isnan(losses).any() or losses.min() < 0 or losses.max() == np.inf:
        raise ValueError("bad loss")
    if losses.max() == 0:
        return np.ones(losses.shape) / losses.size
    w = np.where(losses > cap, cap, losses) if cap is not None else losses.copy()
    w = w / w.max()
    return w / np.sum(w)


@variant("emphasis_probabilities")
def refused_by_the_sum(losses, cap=None):
    import math

    if any(math.isnan(x) or math.isinf(x) or x < 0 for x in losses):
        raise ValueError("bad loss")
    kept = np.minimum(losses, float("inf") if cap is None else cap)
    return np.divide(kept, kept.sum()) if kept.sum() != 0 else np.repeat(1 / len(losses), len(losses))


@misconception(
    "emphasis_probabilities",
    says="Your probabilities ignore the cap, so one outlier takes most of the draws.",
    see=ORDER,
)
def cap_ignored(losses, cap=None):
    if not np.isfinite(losses).all() or (losses < 0).any():
        raise ValueError("bad loss")
    return losses / losses.sum() if losses.any() else np.full(len(losses), 1 / len(losses))


@misconception(
    "emphasis_probabilities",
    says="You cap the probabilities; the cap limits the losses, before they are divided by their sum.",
    see=ORDER,
)
def cap_after_dividing(losses, cap=None):
    if not np.isfinite(losses).all() or (losses < 0).any():
        raise ValueError("bad loss")
    p = losses / losses.sum() if losses.any() else np.full(len(losses), 1 / len(losses))
    return p if cap is None else np.minimum(p, cap)


@misconception(
    "emphasis_probabilities",
    says="Your capped probabilities do not sum to 1: you divide by the sum of the uncapped losses.",
    see=ORDER,
)
def divided_by_the_uncapped_sum(losses, cap=None):
    if not np.isfinite(losses).all() or (losses < 0).any():
        raise ValueError("bad loss")
    if not losses.any():
        return np.full(len(losses), 1 / len(losses))
    return (losses if cap is None else np.minimum(losses, cap)) / losses.sum()


@misconception(
    "emphasis_probabilities",
    says="You never show what is above the cap; such a loss still counts, as much as the cap.",
    see=ORDER,
)
def outliers_left_out(losses, cap=None):
    if not np.isfinite(losses).all() or (losses < 0).any():
        raise ValueError("bad loss")
    w = losses if cap is None else np.where(losses > cap, 0.0, losses)
    return w / w.sum() if w.any() else np.full(len(losses), 1 / len(losses))


@misconception(
    "emphasis_probabilities",
    says="Your cap works from below: it lifts small losses up to it and leaves the outliers alone.",
    see=ORDER,
)
def maximum_for_minimum(losses, cap=None):
    if not np.isfinite(losses).all() or (losses < 0).any():
        raise ValueError("bad loss")
    w = losses if cap is None else np.maximum(losses, cap)
    return w / w.sum() if w.any() else np.full(len(losses), 1 / len(losses))


@misconception(
    "emphasis_probabilities",
    says="Your probabilities are the softmax of the losses: they grow exponentially with the loss, not in proportion.",
    see=ORDER,
)
def softmax_of_losses(losses, cap=None):
    if not np.isfinite(losses).all() or (losses < 0).any():
        raise ValueError("bad loss")
    w = losses if cap is None else np.minimum(losses, cap)
    e = np.exp(w - w.max())
    return e / e.sum()


@misconception(
    "emphasis_probabilities",
    says="Your probabilities are all equal: nothing is emphasised.",
    see=ORDER,
)
def uniform_always(losses, cap=None):
    if not np.isfinite(losses).all() or (losses < 0).any():
        raise ValueError("bad loss")
    return np.full(len(losses), 1 / len(losses))


@misconception(
    "emphasis_probabilities",
    says="Your result is nan where all losses are zero, 0 divided by 0; then every example is equally likely.",
    see=ORDER,
)
def nan_for_zeros(losses, cap=None):
    if not np.isfinite(losses).all() or (losses < 0).any():
        raise ValueError("bad loss")
    w = losses if cap is None else np.minimum(losses, cap)
    with np.errstate(all="ignore"):
        return w / w.sum()


@misconception(
    "emphasis_probabilities",
    says="You return zeros where all losses are zero; then every example is equally likely, and probabilities sum to 1.",
    see=ORDER,
)
def zeros_for_zeros(losses, cap=None):
    if not np.isfinite(losses).all() or (losses < 0).any():
        raise ValueError("bad loss")
    w = losses if cap is None else np.minimum(losses, cap)
    return w / w.sum() if w.any() else np.zeros(len(losses))


@misconception(
    "emphasis_probabilities",
    says="You add a small number to every loss; where losses are small themselves, this decides the result.",
    see=ORDER,
)
def small_number_added(losses, cap=None):
    if not np.isfinite(losses).all() or (losses < 0).any():
        raise ValueError("bad loss")
    w = (losses if cap is None else np.minimum(losses, cap)) + 1e-12
    return w / w.sum()


@misconception(
    "emphasis_probabilities",
    says="You take a small sum for zero: losses of 1e-15 still have ratios.",
    see=ORDER,
)
def small_is_zero(losses, cap=None):
    if not np.isfinite(losses).all() or (losses < 0).any():
        raise ValueError("bad loss")
    w = losses if cap is None else np.minimum(losses, cap)
    return np.full(len(w), 1 / len(w)) if np.allclose(w, 0) else w / w.sum()


@misconception(
    "emphasis_probabilities",
    says="Your function lets NaN pass: it compares false with everything, so losses < 0 does not find it.",
    see=ORDER,
)
def nan_passes(losses, cap=None):
    if np.any(losses < 0) or np.any(np.isinf(losses)):
        raise ValueError("bad loss")
    w = losses if cap is None else np.minimum(losses, cap)
    return w / w.sum() if w.any() else np.full(len(losses), 1 / len(losses))


@misconception(
    "emphasis_probabilities",
    says="Your cap hides an infinite loss; it is refused whatever the cap, because the net that made it has diverged.",
    see=ORDER,
)
def infinity_capped(losses, cap=None):
    w = losses if cap is None else np.minimum(losses, cap)
    if not np.isfinite(w).all() or (w < 0).any():
        raise ValueError("bad loss")
    return w / w.sum() if w.any() else np.full(len(losses), 1 / len(losses))


@misconception(
    "emphasis_probabilities",
    says="Your function makes a negative loss positive or zero; it is refused, with a ValueError.",
    see=ORDER,
)
def negative_clipped(losses, cap=None):
    if not np.isfinite(losses).all():
        raise ValueError("bad loss")
    w = np.clip(losses, 0, cap)
    return w / w.sum() if w.any() else np.full(len(losses), 1 / len(losses))


@misconception(
    "emphasis_probabilities",
    says="Your function replaces NaN and infinite losses by numbers; they are refused, with a ValueError.",
    see=ORDER,
)
def repaired_by_nan_to_num(losses, cap=None):
    if (losses < 0).any():
        raise ValueError("bad loss")
    w = np.nan_to_num(losses, posinf=1.0)
    w = w if cap is None else np.minimum(w, cap)
    return w / w.sum() if w.any() else np.full(len(losses), 1 / len(losses))


@misconception(
    "emphasis_probabilities",
    says="Your probabilities grow with the square of the loss; asked for is in proportion to the loss.",
    see=ORDER,
)
def squared_losses(losses, cap=None):
    if not np.isfinite(losses).all() or (losses < 0).any():
        raise ValueError("bad loss")
    w = (losses if cap is None else np.minimum(losses, cap)) ** 2
    return w / w.sum() if w.any() else np.full(len(losses), 1 / len(losses))


@misconception(
    "emphasis_probabilities",
    says="Your function lowers the caller's losses to the cap: it works in place, on the very array you were given.",
    see=ORDER,
)
def caps_in_place(losses, cap=None):
    if not np.isfinite(losses).all() or (losses < 0).any():
        raise ValueError("bad loss")
    if cap is not None:
        losses[losses > cap] = cap
    return losses / losses.sum() if losses.any() else np.full(len(losses), 1 / len(losses))


@misconception(
    "emphasis_probabilities",
    says="Your function divides the caller's losses in place: /= works on the very array you were given.",
    see=ORDER,
)
def divides_in_place(losses, cap=None):
    if not np.isfinite(losses).all() or (losses < 0).any():
        raise ValueError("bad loss")
    w = losses if cap is None else np.minimum(losses, cap)
    if not w.any():
        return np.full(len(w), 1 / len(w))
    w /= w.sum()
    return w


@misconception(
    "emphasis_probabilities",
    says="Your result has only seven digits: it was computed in float32 instead of float64.",
    see=ORDER,
)
def emphasis_in_single_precision(losses, cap=None):
    if not np.isfinite(losses).all() or (losses < 0).any():
        raise ValueError("bad loss")
    w = torch.tensor(losses if cap is None else np.minimum(losses, cap), dtype=torch.float32)
    return (w / w.sum()).numpy() if bool(w.any()) else np.full(len(losses), 1 / len(losses))


# --- annealed_rate: eta0 / (1 + t / t0) ---------------------------------------------------------------------------------


@variant("annealed_rate")
def one_fraction(eta0, t, t0):
    return eta0 * t0 / (t0 + t)


@variant("annealed_rate")
def reciprocals(eta0, t, t0):
    return np.reciprocal(1 / eta0 + np.asarray(t) / (eta0 * t0))


@variant("annealed_rate")
def in_torch(eta0, t, t0):
    return eta0 / (1 + torch.as_tensor(t, dtype=torch.float64) / t0)


@variant("annealed_rate")
def vectorised_scalar(eta0, t, t0):
    def one(step):
        return float(eta0 / (1.0 + step / t0))

    return np.vectorize(one, otypes=[float])(t) if isinstance(t, np.ndarray) else one(t)


@variant("annealed_rate")
def power_of_minus_one(eta0, t, t0):
    rate = np.array(t, dtype=float)
    rate /= t0
    rate += 1
    return float(eta0) * rate**-1.0


@misconception(
    "annealed_rate",
    says="Your rate falls exponentially; then all later steps together reach no further than a fixed distance. Asked for is 1/(1 + t/t0).",
    see=FLOOR,
)
def exponential_decay(eta0, t, t0):
    return eta0 * np.exp(-t / t0)


@misconception(
    "annealed_rate",
    says="Your rate halves every t0 steps; eta0/(1 + t/t0) halves once by t0, and then again only by 3 t0.",
    see=FLOOR,
)
def halves_every_t0(eta0, t, t0):
    return eta0 * 0.5 ** (t / t0)


@misconception(
    "annealed_rate",
    says="Your rate ignores t0: it is halved after one step, not after t0 steps.",
    see=FLOOR,
)
def t0_ignored(eta0, t, t0):
    return eta0 / (1 + t)


@misconception(
    "annealed_rate",
    says="Your rate falls like the root of the formula: at t = t0 it must be a half of eta0.",
    see=FLOOR,
)
def root_decay(eta0, t, t0):
    return eta0 / np.sqrt(1 + t / t0)


@misconception(
    "annealed_rate",
    says="Your rate is multiplied where it is divided: t0 stands below t, so that a larger t0 means a slower fall.",
    see=FLOOR,
)
def t_times_t0(eta0, t, t0):
    return eta0 / (1 + t * t0)


@misconception(
    "annealed_rate",
    says="Your rate falls in stairs: // cuts the fraction off, and t / t0 is rarely a whole number.",
    see=FLOOR,
)
def in_stairs(eta0, t, t0):
    return eta0 / (1 + t // t0)


@misconception(
    "annealed_rate",
    says="Your rate is (1 + t)/t0 below the fraction; only t is divided by t0, so that the rate at t = 0 is eta0.",
    see=FLOOR,
)
def parentheses_misplaced(eta0, t, t0):
    return eta0 / ((1 + t) / t0)


@misconception(
    "annealed_rate",
    says="Your rate is eta0/1 + t/t0 without its parentheses: it grows with t.",
    see=FLOOR,
)
def parentheses_forgotten(eta0, t, t0):
    return eta0 / 1 + t / t0


@misconception(
    "annealed_rate",
    says="Your rate falls in a straight line and stays at zero; a rate like 1/t never stops moving.",
    see=FLOOR,
)
def straight_line(eta0, t, t0):
    return eta0 * np.maximum(0.0, 1 - t / (2 * t0))


@misconception(
    "annealed_rate",
    says="Your steps are counted from 1: at t = 0 the rate is eta0.",
    see=FLOOR,
)
def counted_from_step_one(eta0, t, t0):
    return eta0 / (1 + (t + 1) / t0)


@misconception(
    "annealed_rate",
    says="Your rate is eta0 t0/t, which is infinite at t = 0; the 1 in the formula prevents that.",
    see=FLOOR,
)
def one_forgotten(eta0, t, t0):
    with np.errstate(all="ignore"):
        return eta0 / np.divide(t, t0)


@misconception(
    "annealed_rate",
    says="Your function works for one step only; t may be an array of steps.",
    see=FLOOR,
)
def one_step_only(eta0, t, t0):
    return eta0 / (1 + float(t) / t0)


@misconception(
    "annealed_rate",
    says="Your function changes the caller's steps: /= works in place, on the very array you were given.",
    see=FLOOR,
)
def changes_the_steps(eta0, t, t0):
    if isinstance(t, np.ndarray) and t.dtype.kind == "f":
        t /= t0
        return eta0 / (1 + t)
    return eta0 / (1 + t / t0)


@misconception(
    "annealed_rate",
    says="Your rates have only seven digits: they were computed in float32 instead of float64.",
    see=FLOOR,
)
def rates_in_single_precision(eta0, t, t0):
    return eta0 / (1 + torch.as_tensor(t, dtype=torch.float32) / t0)


@misconception(
    "annealed_rate",
    says="Your rates for several steps are averaged to one number; each step has its own.",
    see=FLOOR,
)
def mean_of_the_rates(eta0, t, t0):
    return np.mean(eta0 / (1 + np.asarray(t) / t0))


@misconception(
    "annealed_rate",
    says="Your rate grows with t: 1 + t/t0 stands below eta0, it does not multiply it.",
    see=FLOOR,
)
def upside_down(eta0, t, t0):
    return eta0 * (1 + t / t0)
