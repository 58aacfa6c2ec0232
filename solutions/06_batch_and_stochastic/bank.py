"""Right and wrong solutions of assignment 6. See `grader.source.bank` for the form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.source.bank import edits_of, variant

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


wrong = edits_of("minibatches", see=COST)
SHUFFLE, RESULT = "rng.permutation(n)", "[batch for batch in batches if len(batch) == B] if drop_last else batches"
STORED, ASKED_FOR = (SHUFFLE, "np.arange(n)"), "for batch in batches if len(batch) == B or not drop_last]"
wrong("no_shuffle", STORED, see=ORDER,
      says="Your epochs are not shuffled: the rows come in their stored order every time.")
wrong("with_replacement", (SHUFFLE, "rng.integers(0, n, size=n)"),
      says="Your batches are drawn with replacement: some rows come twice in an epoch and others never.")
wrong("always_drop", (" if drop_last else batches", ""),
      says="Your epoch always drops the short batch; it is left out only where drop_last is true.")
wrong("never_drops", (RESULT, "batches"),
      says="Your epoch keeps the short batch although drop_last asks you to leave it out.")
wrong("fixed_seed", (SHUFFLE, "np.random.default_rng(0).permutation(n)"), see=ORDER,
      says="Your function makes a generator with a fixed seed, so every epoch has one and the same order; use the rng you are given.")
wrong("global_generator", (SHUFFLE, "np.random.permutation(n)"), see=ORDER,
      says="Your order comes from NumPy's global generator: the rng you are given does not decide it, so no run can be repeated.")
wrong("pythons_generator", ("order = rng.permutation(n)", "import random\n\n    order = np.arange(n)\n    random.shuffle(order)"), see=ORDER,
      says="Your order comes from Python's global generator: the rng you are given does not decide it, so no run can be repeated.")
wrong("generator_copied", ("order = rng", "import copy\n\n    order = copy.deepcopy(rng)"), see=ORDER,
      says="Your rng stands still: it is copied before it is used, so every epoch has one and the same order.")
wrong("rotation", (SHUFFLE, "(np.arange(n) + rng.integers(n)) % n"), see=ORDER,
      says="Your order is a rotation: it starts at a random row and goes on in the stored order, so neighbours stay together.")
wrong("batches_shuffled", STORED, (RESULT, "[batches[k] for k in rng.permutation(n // B)] + ([] if drop_last else batches[n // B :])"), see=ORDER,
      says="You shuffle whole batches: the same rows come together in every epoch.")
wrong("shuffled_inside_batches", STORED, (RESULT, "[rng.permutation(batch) " + ASKED_FOR), see=ORDER,
      says="You shuffle inside each batch only: which rows come together, and in which batch, never changes.")
wrong("tail_never_mixed", (SHUFFLE, "np.concatenate([rng.permutation(n // B * B), np.arange(n // B * B, n)])"), see=ORDER,
      says="You cut off the short batch before shuffling: the last rows of the data set are always in it, or never seen.")
wrong("nearly_equal_sizes", ("else batches", "else np.array_split(order, -(-n // B))"),
      says="Your batches are of nearly equal sizes; asked for are batches of exactly B rows and a short one at the end.")
wrong("B_is_the_number_of_batches", (RESULT, "np.array_split(order, B)"),
      says="You make B batches; B is the number of rows in a batch.")
wrong("empty_batch_at_the_end", ("range(0, n, B)", "range(0, n + 1, B)"),
      says="Your epoch ends with an empty batch where B divides n.")
wrong("counted_from_one", (SHUFFLE, "rng.permutation(n) + 1"),
      says="Your batches hold row numbers from 1 to n; rows are numbered from 0.")
wrong("floating_rows", (SHUFFLE, "rng.permutation(n).astype(float)"),
      says="Your batches hold floats; an index array has an integer dtype, or it cannot choose rows.")
wrong("every_batch_drawn_anew", STORED, (RESULT, "[rng.choice(n, size=len(batch), replace=False) " + ASKED_FOR),
      says="Your batches are independent draws: each has different rows, but an epoch shows some rows twice and others never.")
edits_of("minibatches", see=ORDER, form=fisher_and_yates)(
      "never_in_its_own_place", ("integers(last + 1)", "integers(last)"), (", dtype=np.int32", ""), ("tuple(", "list("),
      says="Your shuffle never leaves a row in its own place: the partner of a swap may be the row itself.")

edits_of("minibatches", see=ORDER, form=fisher_and_yates)(
      "swapped_with_any_place", ("range(n - 1, 0, -1)", "range(n)"), ("integers(last + 1)", "integers(n)"), (", dtype=np.int32", ""), ("tuple(", "list("),
      says="Your shuffle swaps each row with any place: some orders then come more often than others; the partner must be a row not yet settled.")
wrong("tied_keys_sorted_stably", (SHUFFLE, 'np.argsort(rng.integers(0, n, size=n), kind="stable")'), see=ORDER,
      says="Your shuffle sorts random whole numbers: rows whose numbers are equal keep their stored order, so not all orders are equally likely.")

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


wrong = edits_of("minibatch_gradient_variance", see=NOISE)
NO_GUARD = ("    if B == N:\n        return np.zeros(g.shape[1])\n", "")
S2, CORRECTION, ZEROS = "g.var(axis=0)", "(N - B) / (N - 1)", "np.zeros(g.shape[1])"
wrong("ddof_1", (S2, "g.var(axis=0, ddof=1)"),
      says="Your s^2 is the sample variance, divided by N - 1; the second factor has that N - 1 already.")
wrong("no_correction", NO_GUARD, (" * (N - B) / (N - 1)", ""),
      says="Your formula is the one of independent draws, s^2/B: without replacement a batch of all examples has no variance.")
wrong("not_divided_by_B", (" / B", ""),
      says="You do not divide by B: this is the variance of one example's gradient, not of the mean of B.")
wrong("correction_over_N", (CORRECTION, "(N - B) / N"),
      says="Your correction is (N - B)/N; it has N - 1 below, so that B = 1 leaves the whole s^2.")
wrong("standard_deviation", ("return g", "return np.sqrt(g"), (CORRECTION, "(N - B) / (N - 1))"),
      says="Your result is a standard deviation; asked for is the variance, its square.")
wrong("s_not_squared", (S2, "g.std(axis=0)"),
      says="You start from the standard deviation of the gradients; s^2 is its square.")
wrong("B_squared", ("/ B", "/ B**2"),
      says="You divide by B twice: the variance of a mean falls like 1/B, and its standard deviation like the root of that.")
wrong("root_of_B", ("/ B", "/ np.sqrt(B)"),
      says="You divide the variance by the root of B; that root belongs to the standard deviation.")
wrong("mean_not_subtracted", (S2, "(g**2).mean(axis=0)"),
      says="Your s^2 is the mean square of the gradients: the mean gradient was not subtracted.")
wrong("correction_reversed", (CORRECTION, "(B - 1) / (N - 1)"),
      says="Your correction is (B - 1)/(N - 1): it is 0 for one example and 1 for all, the wrong way round.")
wrong("correction_twice", (CORRECTION, "((N - B) / (N - 1)) ** 2"),
      says="Your correction is squared: this is the formula with the factor (N - B)/(N - 1) applied twice.")
wrong("along_the_wrong_axis", (S2, "g.var(axis=1)"), (ZEROS, "np.zeros(N)"),
      says="Your variances are along the rows: one per example; asked for is one per coordinate, over the examples.")
wrong("one_number", (S2, "g.var()"), (ZEROS, "0.0"),
      says="Your result is one number for all coordinates; each coordinate has a variance of its own.")
wrong("nan_for_one_example", (ZEROS, "np.full(g.shape[1], 0.0 if N > 1 else np.nan)"),
      says="Your result is nan for a single example, 0 divided by 0; B = N leaves nothing to chance, so it is 0.")
wrong("centres_in_place", ("N = len(g)", "N = len(g)\n    g -= g.mean(axis=0)"),
      says="Your function centres the caller's gradients: g -= ... works in place, on the very array you were given.")
wrong("variance_in_single_precision", ("N = len(g)", "N, g = len(g), g.astype(np.float32)"), (ZEROS, "0 * g[0]"),
      says="Your result has only seven digits: it was computed in float32 instead of float64.")
wrong("first_batch_only", (S2, "g[:B].var(axis=0)"),
      says="Your s^2 is measured on the first B examples only; the batch is drawn from all N.")

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


wrong = edits_of("emphasis_probabilities", see=ORDER)
WEIGHTS, TOTAL, UNIFORM = "losses if cap is None else np.minimum(losses, cap)", "total = weights.sum()", "np.full(len(losses), 1 / len(losses))"
wrong("cap_ignored", (WEIGHTS, "losses"),
      says="Your probabilities ignore the cap, so one outlier takes most of the draws.")
wrong("cap_after_dividing", (WEIGHTS, "losses"), ("return weights", "p = weights"),
      (UNIFORM, UNIFORM + "\n    return p if cap is None else np.minimum(p, cap)"),
      says="You cap the probabilities; the cap limits the losses, before they are divided by their sum.")
wrong("divided_by_the_uncapped_sum", (TOTAL, "total = losses.sum()"),
      says="Your capped probabilities do not sum to 1: you divide by the sum of the uncapped losses.")
wrong("outliers_left_out", ("np.minimum(losses, cap)", "np.where(losses > cap, 0.0, losses)"),
      says="You never show what is above the cap; such a loss still counts, as much as the cap.")
wrong("maximum_for_minimum", ("np.minimum", "np.maximum"),
      says="Your cap works from below: it lifts small losses up to it and leaves the outliers alone.")
wrong("softmax_of_losses", (TOTAL, "weights = np.exp(weights - weights.max())\n    total = weights.sum()"),
      says="Your probabilities are the softmax of the losses: they grow exponentially with the loss, not in proportion.")
wrong("uniform_always", ("weights / total if total > 0 else ", ""),
      says="Your probabilities are all equal: nothing is emphasised.")
wrong("nan_for_zeros", (UNIFORM, "np.full(len(losses), np.nan)"),
      says="Your result is nan where all losses are zero, 0 divided by 0; then every example is equally likely.")
wrong("zeros_for_zeros", (UNIFORM, "np.zeros(len(losses))"),
      says="You return zeros where all losses are zero; then every example is equally likely, and probabilities sum to 1.")
wrong("small_number_added", (TOTAL, "weights = weights + 1e-12\n    total = weights.sum()"),
      says="You add a small number to every loss; where losses are small themselves, this decides the result.")
wrong("small_is_zero", ("total > 0", "not np.allclose(weights, 0)"),
      says="You take a small sum for zero: losses of 1e-15 still have ratios.")
wrong("nan_passes", ("not np.all(np.isfinite(losses))", "np.any(np.isinf(losses))"), ("total > 0", "weights.any()"),
      says="Your function lets NaN pass: it compares false with everything, so losses < 0 does not find it.")
wrong("infinity_capped", ("np.isfinite(losses)", f"np.isfinite({WEIGHTS})"),
      says="Your cap hides an infinite loss; it is refused whatever the cap, because the net that made it has diverged.")
wrong("negative_clipped", (" or np.any(losses < 0)", ""), (WEIGHTS, "np.clip(losses, 0, cap)"),
      says="Your function makes a negative loss positive or zero; it is refused, with a ValueError.")
wrong("repaired_by_nan_to_num", ("not np.all(np.isfinite(losses)) or ", ""),
      ("weights = ", "losses = np.nan_to_num(losses, posinf=1.0)\n    weights = "),
      says="Your function replaces NaN and infinite losses by numbers; they are refused, with a ValueError.")
wrong("squared_losses", (TOTAL, "weights = weights**2\n    total = weights.sum()"),
      says="Your probabilities grow with the square of the loss; asked for is in proportion to the loss.")
wrong("caps_in_place", ("weights = " + WEIGHTS, "if cap is not None:\n        losses[losses > cap] = cap\n    weights = losses"),
      says="Your function lowers the caller's losses to the cap: it works in place, on the very array you were given.")
wrong("divides_in_place", ("return weights / total", "if total > 0:\n        weights /= total\n    return weights"),
      says="Your function divides the caller's losses in place: /= works on the very array you were given.")
wrong("emphasis_in_single_precision", (WEIGHTS, f"torch.tensor({WEIGHTS}, dtype=torch.float32)"), ("weights / total", "(weights / total).numpy()"),
      says="Your result has only seven digits: it was computed in float32 instead of float64.")

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


wrong = edits_of("annealed_rate", see=FLOOR)
RATE = "eta0 / (1 + t / t0)"
wrong("exponential_decay", (RATE, "eta0 * np.exp(-t / t0)"),
      says="Your rate falls exponentially; then all later steps together reach no further than a fixed distance. Asked for is 1/(1 + t/t0).")
wrong("halves_every_t0", (RATE, "eta0 * 0.5 ** (t / t0)"),
      says="Your rate halves every t0 steps; eta0/(1 + t/t0) halves once by t0, and then again only by 3 t0.")
wrong("t0_ignored", (RATE, "eta0 / (1 + t)"),
      says="Your rate ignores t0: it is halved after one step, not after t0 steps.")
wrong("root_decay", (RATE, "eta0 / np.sqrt(1 + t / t0)"),
      says="Your rate falls like the root of the formula: at t = t0 it must be a half of eta0.")
wrong("t_times_t0", (RATE, "eta0 / (1 + t * t0)"),
      says="Your rate is multiplied where it is divided: t0 stands below t, so that a larger t0 means a slower fall.")
wrong("in_stairs", (RATE, "eta0 / (1 + t // t0)"),
      says="Your rate falls in stairs: // cuts the fraction off, and t / t0 is rarely a whole number.")
wrong("parentheses_misplaced", (RATE, "eta0 / ((1 + t) / t0)"),
      says="Your rate is (1 + t)/t0 below the fraction; only t is divided by t0, so that the rate at t = 0 is eta0.")
wrong("parentheses_forgotten", (RATE, "eta0 / 1 + t / t0"),
      says="Your rate is eta0/1 + t/t0 without its parentheses: it grows with t.")
wrong("straight_line", (RATE, "eta0 * np.maximum(0.0, 1 - t / (2 * t0))"),
      says="Your rate falls in a straight line and stays at zero; a rate like 1/t never stops moving.")
wrong("counted_from_step_one", (RATE, "eta0 / (1 + (t + 1) / t0)"),
      says="Your steps are counted from 1: at t = 0 the rate is eta0.")
wrong("one_forgotten", ("return " + RATE, 'with np.errstate(all="ignore"):\n        return eta0 / np.divide(t, t0)'),
      says="Your rate is eta0 t0/t, which is infinite at t = 0; the 1 in the formula prevents that.")
wrong("one_step_only", (RATE, "eta0 / (1 + float(t) / t0)"),
      says="Your function works for one step only; t may be an array of steps.")
wrong("changes_the_steps", ("return", 'if isinstance(t, np.ndarray) and t.dtype.kind == "f":\n        t /= t0\n        t0 = 1\n    return'),
      says="Your function changes the caller's steps: /= works in place, on the very array you were given.")
wrong("rates_in_single_precision", (RATE, "eta0 / (1 + torch.as_tensor(t, dtype=torch.float32) / t0)"),
      says="Your rates have only seven digits: they were computed in float32 instead of float64.")
wrong("mean_of_the_rates", (RATE, "np.mean(eta0 / (1 + np.asarray(t) / t0))"),
      says="Your rates for several steps are averaged to one number; each step has its own.")
wrong("upside_down", (RATE, "eta0 * (1 + t / t0)"),
      says="Your rate grows with t: 1 + t/t0 stands below eta0, it does not multiply it.")
