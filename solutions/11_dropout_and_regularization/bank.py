"""Right and wrong solutions of assignment 11. See `grader.source.bank` for the form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.source.bank import edits_of, misconception, variant

if TYPE_CHECKING:  # the notebook's set-up cell imports them
    import numpy as np
    import torch

PENALTY = "3. What does a penalty hold back?"
DROPOUT = "4. What does dropout average?"

# --- early_stopping: patience, min_delta, (best_epoch, stop_epoch) ------------------------------------------------------


@variant("early_stopping")
def with_a_counter(val_losses, patience, min_delta=0.0):
    best, best_epoch, waited = np.inf, -1, 0
    for epoch in range(len(val_losses)):
        if val_losses[epoch] < best - min_delta:
            best, best_epoch, waited = val_losses[epoch], epoch, 0
        else:
            waited += 1
            if waited >= patience:
                return best_epoch, epoch
    return best_epoch, len(val_losses) - 1


@variant("early_stopping")
def from_one_improvement_to_the_next(val_losses, patience, min_delta=0.0):
    best = 0
    while True:
        window = val_losses[best + 1 : best + 1 + patience]
        (better,) = np.nonzero(window < val_losses[best] - min_delta)
        if better.size == 0:
            return best, min(best + patience, len(val_losses) - 1)
        best += 1 + better[0]


@variant("early_stopping")
def in_torch_with_a_flag(val_losses, patience, min_delta=0.0):
    losses = torch.tensor(val_losses)
    best, best_epoch, epoch, stopped = losses[0], 0, 0, False
    while not stopped and epoch + 1 < len(losses):
        epoch += 1
        if (losses[epoch] < best - min_delta).item():
            best, best_epoch = losses[epoch], epoch
        stopped = epoch - best_epoch >= patience
    return [torch.tensor(best_epoch), epoch]


@variant("early_stopping")
def one_epoch_after_the_other(val_losses, patience, min_delta=0.0):
    def after(epoch, best, best_epoch):
        if epoch == len(val_losses):
            return best_epoch, epoch - 1
        if val_losses[epoch] < best - min_delta:
            return after(epoch + 1, val_losses[epoch], epoch)
        if epoch - best_epoch >= patience:
            return best_epoch, epoch
        return after(epoch + 1, best, best_epoch)

    return after(1, val_losses[0], 0)


@variant("early_stopping")
def marks_of_improvement_first(val_losses, patience, min_delta=0.0):
    improves, best = np.zeros(len(val_losses), dtype=bool), float("inf")
    for epoch, loss in enumerate(val_losses.tolist()):
        if loss < best - min_delta:
            improves[epoch], best = True, loss
    since = np.maximum.accumulate(np.where(improves, np.arange(len(val_losses)), 0))
    stops = np.flatnonzero(np.arange(len(val_losses)) - since >= patience)
    stop = stops[0] if stops.size else len(val_losses) - 1
    return since[stop], stop


wrong = edits_of("early_stopping", see=PENALTY)
START, IMPROVES, KEEP = 'float("inf"), 0', "loss < best - min_delta", "best, best_epoch = loss, epoch"
WAITED, STOP, END = "epoch - best_epoch == patience", "return best_epoch, epoch", "return best_epoch, len(val_losses) - 1"
wrong("patience_off_by_one", (WAITED, "epoch - best_epoch > patience"),
      says="You stop one epoch too late: the stop is at the epoch that completes `patience` epochs without improvement, not at the one after.")
wrong("stops_too_early", (WAITED, "epoch - best_epoch >= patience - 1"),
      says="You stop one epoch too early: the epoch that improved is not the first of those that do not.")
wrong("ties_improve", (IMPROVES, "loss <= best - min_delta"),
      says="You count a tie as an improvement: the loss must be below best - min_delta, not equal to it.")
wrong("counter_not_reset", ("best_epoch = float", "best_epoch, waited = float"), (START, f"{START}, 0"),
      (f"elif {WAITED}:", "else:\n            waited += 1\n        if waited == patience:"),
      says="You count all epochs without improvement; patience is about epochs in a row, so an improvement sets the counter back to 0.")
wrong("returns_last_epoch", (STOP, "return epoch, epoch"), (END, "return len(val_losses) - 1, len(val_losses) - 1"),
      says="Your best_epoch is the epoch at which you stopped; by then the loss has not improved for `patience` epochs.")
wrong("compares_with_the_epoch_before", (KEEP, "best_epoch = epoch"), (STOP, f"{STOP}\n        best = loss"),
      says="You compare each epoch with the one before it; an epoch improves only if it is below the best so far.")
wrong("min_delta_ignored", (IMPROVES, "loss < best"),
      says="You ignore min_delta: an epoch improves only if its loss is below the best by more than that.")
wrong("min_delta_added", (IMPROVES, "loss < best + min_delta"),
      says="Your min_delta has the wrong sign: it makes an improvement harder, so it is subtracted from the best loss.")
wrong("min_delta_relative", (IMPROVES, "loss < best * (1 - min_delta)"),
      says="Your min_delta is a fraction of the best loss; here it is a difference, in the units of the loss.")
wrong("best_follows_small_falls", (KEEP, "best_epoch = epoch"), (STOP, f"{STOP}\n        best = min(best, loss)"),
      says="Your best loss follows every small fall; a loss that is lower by no more than min_delta leaves it as it was, "
           "so that small falls can add up.")
wrong("best_of_all_epochs", (STOP, "return int(np.argmin(val_losses)), epoch"),
      says="Your best_epoch looks beyond the stop: in a real run the losses after it do not exist.")
wrong("lowest_up_to_the_stop", (STOP, "return int(np.argmin(val_losses[: epoch + 1])), epoch"),
      (END, "return int(np.argmin(val_losses)), len(val_losses) - 1"),
      says="Your best_epoch is the lowest loss up to the stop; asked for is the last epoch that improved by more than min_delta.")
wrong("counts_from_one", (START, 'float("inf"), 1'), ("enumerate(val_losses)", "enumerate(val_losses, 1)"),
      (END, "return best_epoch, len(val_losses)"),
      says="You count epochs from 1; here the first epoch is epoch 0.")
wrong("stop_returned_first", (STOP, "return epoch, best_epoch"), (END, "return len(val_losses) - 1, best_epoch"),
      says="You return the stop first; the best epoch comes first, then the epoch at which you stopped.")
wrong("stops_beyond_the_end", (END, "return best_epoch, len(val_losses)"),
      says="Your stop lies beyond the last epoch: where nothing stops the run, stop_epoch is the last index.")
wrong("returns_the_loss", (STOP, "return best, epoch"), (END, "return best, len(val_losses) - 1"),
      says="You return the best loss itself; asked for is the epoch at which it was seen.")
wrong("keeps_the_highest", (START, f"-{START}"), (IMPROVES, "loss > best + min_delta"),
      says="You keep the highest value: a loss improves when it falls, unlike an accuracy.")
wrong("best_starts_at_zero", (START, "0.0, 0"),
      says="Your best loss starts at 0, so no positive loss improves; start at infinity, or at the first loss.")
wrong("writes_the_running_minimum", (f"elif {WAITED}:", f"else:\n            val_losses[epoch] = best\n        if {WAITED}:"),
      says="Your function changes the losses of its caller: it writes the running minimum into the very array it was given.")


@misconception("early_stopping", see=PENALTY,
               says="You look for the lowest loss of the whole run; patience decides epoch by epoch, and what comes after the stop is never seen.")
def lowest_of_the_whole_run(val_losses, patience, min_delta=0.0):
    best = int(np.argmin(val_losses))
    return best, min(best + patience, len(val_losses) - 1)


# --- soft_threshold: argmin_u 0.5 ||u - w||^2 + t ||u||_1 ---------------------------------------------------------------


@variant("soft_threshold")
def less_the_box(w, t):
    return w - np.clip(w, -t, t)


@variant("soft_threshold")
def entry_by_entry(w, t):
    result = np.zeros(w.shape)
    for where in np.ndindex(w.shape):
        if w[where] > t:
            result[where] = w[where] - t
        elif w[where] < -t:
            result[where] = w[where] + t
    return result


@variant("soft_threshold")
def by_torch(w, t):
    return torch.nn.functional.softshrink(torch.tensor(w, requires_grad=True), t)


@variant("soft_threshold")
def two_ramps(w, t):
    return np.maximum(w - t, 0) - np.maximum(-w - t, 0)


@variant("soft_threshold")
def three_cases(w, t):
    return np.where(np.abs(w) <= t, 0.0, w - t * np.sign(w)).tolist()


@variant("soft_threshold")
def best_of_three_candidates(w, t):
    candidates = np.stack([np.zeros_like(w), np.maximum(w - t, 0), np.minimum(w + t, 0)])
    costs = 0.5 * (candidates - w) ** 2 + t * np.abs(candidates)
    return np.take_along_axis(candidates, costs.argmin(axis=0)[None], axis=0)[0]


wrong = edits_of("soft_threshold", see=PENALTY)
SOFT = "np.sign(w) * np.maximum(np.abs(w) - t, 0.0)"
wrong("hard_threshold", (SOFT, "np.where(np.abs(w) > t, w, 0.0)"),
      says="You keep large entries as they are (hard thresholding); the L1 penalty also moves them towards 0, by t.")
wrong("subgradient_step", (SOFT, "w - t * np.sign(w)"),
      says="You take a step along the subgradient: small entries jump over 0 to the other side instead of stopping at 0.")
wrong("l2_shrink", (SOFT, "w / (1 + t)"),
      says="You shrink every entry by a factor, as the L2 penalty does; L1 moves every entry by the same amount t, down to 0.")
wrong("clip_to_t", (SOFT, "np.clip(w, -t, t)"),
      says="You cut the entries off at t; what is asked for is what lies beyond t, and 0 within it.")
wrong("sign_lost", (SOFT, "np.maximum(np.abs(w) - t, 0.0)"),
      says="You lose the sign: negative entries move towards 0 too, and stay negative.")
wrong("positive_part_only", (SOFT, "np.maximum(w - t, 0.0)"),
      says="You keep positive entries only; an entry below -t becomes w + t, which is not 0.")
wrong("moves_away_from_zero", ("- t", "+ t"),
      says="Your entries move away from 0: the penalty pulls them towards it, by t.")
wrong("half_the_threshold", ("- t", "- t / 2"),
      says="Your threshold is t / 2: that is the answer without the factor 1/2 in front of the square.")
wrong("twice_the_threshold", ("- t", "- 2 * t"),
      says="Your threshold is 2 t: the derivative of half a square has no factor 2.")
wrong("shrinks_the_whole_vector", (SOFT, "w * max(1 - t / np.linalg.norm(w), 0.0) if np.any(w) else w.copy()"),
      says="You shrink the vector as a whole by its length; the L1 norm adds up entries, so each has a threshold of its own.")
wrong("divides_by_zero", ("np.sign(w)", "w / np.abs(w)"),
      says="Your result is nan where w is 0: w / |w| is no sign there, and the answer is 0.")
wrong("relative_threshold", ("- t", "- t * np.max(np.abs(w))"),
      says="Your threshold is a share of the largest entry; t is a number of its own, in the units of w.")
wrong("wrong_side_of_the_threshold", (SOFT, "np.where(np.abs(w) < t, w - t * np.sign(w), 0.0)"),
      says="You set the wrong entries to 0: those within t of 0 vanish, and the large ones move by t.")
wrong("returns_the_minimum", (f"return {SOFT}", f"u = {SOFT}\n    return 0.5 * np.sum((u - w) ** 2) + t * np.sum(np.abs(u))"),
      says="You return the smallest value of the sum; asked for is the point u at which it is reached.")
wrong("shrinks_in_place", (f"return {SOFT}", f"w[...] = {SOFT}\n    return w"),
      says="Your function overwrites the weights of its caller: -= and indexed assignment work in place.")
wrong("threshold_in_single_precision", (SOFT, "torch.nn.functional.softshrink(torch.tensor(w, dtype=torch.float32), t).numpy()"),
      says="Your result has only seven digits: it was computed in float32 instead of float64.")
wrong("vectors_only", (SOFT, f"({SOFT}).ravel()"),
      says="Your function flattens its argument: for a matrix of weights the result must be a matrix too.")

# --- dropout: 0 with probability p, x / (1 - p) otherwise ---------------------------------------------------------------


@variant("dropout")
def coins_by_binomial(x, p_drop, rng, training):
    if not training:
        return x
    return rng.binomial(1, 1 - p_drop, size=x.shape) * (x / (1 - p_drop))


@variant("dropout")
def drawn_from_two_factors(x, p_drop, rng, training):
    if training:
        return np.where(rng.uniform(size=x.shape) < p_drop, 0.0, x / (1 - p_drop))
    return np.array(x)


@variant("dropout")
def choice_of_the_scale(x, p_drop, rng, training):
    if not training:
        return 1.0 * x
    return x * rng.choice([0.0, 1 / (1 - p_drop)], p=[p_drop, 1 - p_drop], size=x.shape)


@variant("dropout")
def coin_after_coin(x, p_drop, rng, training):
    y = x.copy()
    if training:
        flat = y.reshape(-1)
        for k, coin in enumerate(rng.random(flat.size)):
            flat[k] = 0.0 if coin < p_drop else flat[k] / (1 - p_drop)
    return y


@variant("dropout")
def torch_seeded_from_rng(x, p_drop, rng, training):
    if not training:
        return torch.tensor(x)
    generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
    kept = torch.rand(x.shape, generator=generator, dtype=torch.float64) >= p_drop
    return torch.tensor(x, requires_grad=True) * kept / (1 - p_drop)


@variant("dropout")
def zeros_by_index(x, p_drop, rng, training):
    coins = rng.random(x.shape)  # drawn in evaluation too, and not used there
    if not training:
        return x.copy()
    y = x / (1 - p_drop)
    y[coins < p_drop] = 0.0
    return y


wrong = edits_of("dropout", see=DROPOUT)
COINS, KEPT, OUT = "rng.random(x.shape)", "kept = rng.random(x.shape) >= p_drop", "x * kept / (1 - p_drop)"
wrong("not_inverted", (OUT, "x * kept"),
      says="You drop without scaling up: the mean of your result is (1 - p) x; kept entries are divided by 1 - p.")
wrong("scaled_at_test", ("x.copy()", "x * (1 - p_drop)"), (OUT, "x * kept"),
      says="You scale in evaluation, as the paper of 2014 does; inverted dropout scales in training and leaves evaluation alone.")
wrong("p_is_keep", (">=", "<"), (OUT, "x * kept / max(p_drop, 1e-300)"),
      says="You take p for the probability of keeping; here it is the probability of dropping.")
wrong("scale_1_over_p", (OUT, "x * kept / max(p_drop, 1e-300)"),
      says="You divide by p; an entry is kept with probability 1 - p, and that is what makes up for the dropped ones.")
wrong("coin_reversed", (">=", "<"),
      says="You drop with the wrong probability, although your scale is right: an entry is dropped when its uniform number is below p, not above it.")
wrong("multiplies_by_keep", (OUT, "x * kept * (1 - p_drop)"),
      says="Your scale is 1 - p: you multiply where you should divide, and the kept entries get smaller.")
wrong("scaled_twice", ("x.copy()", "x * (1 - p_drop)"),
      says="You scale twice, in training and in evaluation; in evaluation the result is x.")
wrong("drops_in_evaluation", ("    if not training:\n        return x.copy()\n", ""),
      says="You drop in evaluation as well: with training=False the result is x, without any chance.")
wrong("switch_reversed", ("if not training", "if training"),
      says="You have the switch the wrong way round: your function drops in evaluation and leaves training alone.")
wrong("one_mask_for_all_rows", (COINS, "rng.random(x.shape[-1:])"),
      says="All rows share their holes: you flip one coin for each column; every entry has a coin of its own.")
wrong("whole_rows", (COINS, "rng.random(x.shape if x.ndim == 1 else (len(x), *[1] * (x.ndim - 1)))"),
      says="You drop whole rows: you flip one coin for each row; every entry has a coin of its own.")
wrong("global_generator", (COINS, "np.random.random(x.shape)"),
      says="Your coins come from NumPy's global generator: the rng you are given does not decide them, so no run can be repeated.")
wrong("fixed_number_of_holes", (KEPT, "kept = np.ones(x.size)\n    kept[rng.permutation(x.size)[: round(p_drop * x.size)]] = 0.0"),
      ("x * kept", "x * kept.reshape(x.shape)"),
      says="Your number of holes is fixed: you pick a share p of the entries, while independent coins drop sometimes more and sometimes fewer.")
wrong("scaled_by_what_was_kept", (OUT, "x * kept / max(kept.mean(), 1 / x.size)"),
      says="You scale by the share that was kept this time; the scale is 1 / (1 - p) whatever the coins said.")
wrong("seed_of_its_own", (COINS, "np.random.default_rng(0).random(x.shape)"),
      says="Your holes are the same in every call: you make a generator with a seed of your own instead of using rng.")
wrong("coins_from_elsewhere", (COINS, "np.random.default_rng().random(x.shape)"),
      says="Your coins do not come from rng: with a generator in the same state the result differs.")
wrong("holes_in_place", ("x.copy()", "x"), (f"return {OUT}", "x[~kept] = 0.0\n    x /= 1 - p_drop\n    return x"),
      says="Your function makes holes in the array of its caller: *= and indexed assignment work in place.")
wrong("normal_coins", (COINS, "rng.normal(size=x.shape)"),
      says="You compare a normal number with p: it is below p with another probability than p; draw uniform numbers.")
wrong("gaussian_noise", (OUT, "x * noise"), (KEPT, "noise = 1 + (p_drop / (1 - p_drop)) ** 0.5 * rng.normal(size=x.shape)"),
      says="You multiply by noise of the right mean and variance (Gaussian dropout); here an entry is 0 or x / (1 - p).")
wrong("drops_the_smallest", (KEPT, "order = np.argsort(np.abs(x) * (1 + 1e-9 * rng.random(x.shape)), axis=None)\n    kept = np.ones(x.size)\n"
      "    kept[order[: rng.binomial(x.size, p_drop)]] = 0.0"), ("x * kept", "x * kept.reshape(x.shape)"),
      says="You drop the smallest entries; the coins know nothing of the size of an entry.")
wrong("dropout_in_single_precision", ("x.copy()", "x.astype(np.float32)"), (OUT, f"({OUT}).astype(np.float32)"),
      says="Your result has only seven digits: it was computed in float32 instead of float64.")
wrong("returns_the_mask", ("x.copy()", "np.ones(x.shape)"), ("x * kept", "kept"),
      says="You return the mask; asked for is x with the holes in it.")

# --- dropout_ridge_penalty: p / (1 - p) diag(X^T X) ---------------------------------------------------------------------


@variant("dropout_ridge_penalty")
def diagonal_of_the_gram_matrix(X, p_drop):
    if p_drop < 0 or p_drop >= 1:
        raise ValueError("p_drop must be in [0, 1)")
    return p_drop / (1 - p_drop) * np.diag(X.T @ X)


@variant("dropout_ridge_penalty")
def by_einsum(X, p_drop):
    if not (p_drop >= 0 and p_drop < 1):
        raise ValueError(p_drop)
    return np.einsum("nd,nd->d", X, X) * (1 / (1 - p_drop) - 1)


@variant("dropout_ridge_penalty")
def column_by_column(X, p_drop):
    if 0 <= p_drop < 1:
        odds = p_drop / (1 - p_drop)
        return [odds * float(column @ column) for column in X.T]
    raise ValueError("no such probability")


@variant("dropout_ridge_penalty")
def variance_of_the_coins(X, p_drop):
    if p_drop >= 1 or p_drop < 0:
        raise ValueError("p_drop")
    keep = 1 - p_drop
    return np.linalg.norm(X, axis=0) ** 2 * (p_drop * keep) / keep**2


@variant("dropout_ridge_penalty")
def second_derivative_in_torch(X, p_drop):
    if not 0 <= p_drop < 1:
        raise ValueError("p_drop")
    w = torch.zeros(X.shape[1], dtype=torch.float64, requires_grad=True)
    spread = (torch.tensor(X).square() * w.square()).sum() * p_drop / (1 - p_drop)
    (slope,) = torch.autograd.grad(spread, w, create_graph=True)
    return 0.5 * torch.autograd.grad(slope.sum(), w)[0]


wrong = edits_of("dropout_ridge_penalty", see=DROPOUT)
REFUSAL = 'raise ValueError(f"p_drop = {p_drop}: a probability of dropping is at least 0 and less than 1")'
ODDS, SQUARES = "p_drop / (1 - p_drop)", "np.square(X).sum(axis=0)"
wrong("scaling_forgotten", (ODDS, "p_drop"),
      says="You forget that inverted dropout scales what it keeps: the factor is p / (1 - p), not p.")
wrong("variance_of_the_bare_coin", (ODDS, "p_drop * (1 - p_drop)"),
      says="Your factor p (1 - p) is the variance of the coin; the kept entries are also divided by 1 - p, and variances by its square.")
wrong("odds_inverted", (ODDS, "(1 - p_drop) / max(p_drop, 1e-300)"),
      says="Your odds are upside down: the more is dropped, the larger is the penalty, p / (1 - p).")
wrong("second_moment_of_the_coin", (ODDS, "1 / (1 - p_drop)"),
      says="Your factor is 1 / (1 - p), the second moment of the coin: its mean, 1, belongs to the plain loss and is subtracted.")
wrong("odds_squared", (ODDS, f"({ODDS}) ** 2"),
      says="Your factor is squared: the variance of the scaled coin is p / (1 - p) to the first power.")
wrong("mean_over_the_examples", (SQUARES, "np.square(X).mean(axis=0)"),
      says="Your penalty is that of the mean loss: here the loss is a sum of squares, without 1/N.")
wrong("half_of_the_loss", (ODDS, f"0.5 * {ODDS}"),
      says="Your penalty is half of what is asked for: the loss has no factor 1/2.")
wrong("centred_columns", (SQUARES, "np.square(X - X.mean(axis=0)).sum(axis=0)"),
      says="You subtract the mean of each column first; dropout sets an entry to 0, not to its mean, so the raw squares count.")
wrong("one_penalty_per_example", (SQUARES, "np.square(X).sum(axis=1)"),
      says="You add up along the wrong axis: rows are examples, and every column, not every row, has a penalty.")
wrong("the_whole_matrix", (SQUARES, "X.T @ X"),
      says="You return the whole matrix; different inputs are dropped independently, so only its diagonal counts, as a vector (d,).")
wrong("rows_of_the_gram_matrix", (SQUARES, "(X.T @ X).sum(axis=0)"),
      says="You add up the products of different columns too; their holes are independent, so only squares of the same column count.")
wrong("lengths_of_the_columns", (SQUARES, "np.linalg.norm(X, axis=0)"),
      says="You forget to square: the penalty is made of the squared lengths of the columns, not of their lengths.")
wrong("one_penalty_for_all", (f"{ODDS} * {SQUARES}", f"np.full(X.shape[1], {ODDS} * np.square(X).sum() / X.shape[1])"),
      says="You use one penalty for all coordinates; a column with larger entries loses more when they are dropped, and is penalised more.")
wrong("accepts_any_p", (f"    if not 0 <= p_drop < 1:\n        {REFUSAL}\n", ""), (ODDS, "p_drop / np.float64(1 - p_drop)"),
      says="Your function accepts any p: outside 0 <= p < 1 there is no such dropout, and ValueError says so.")
wrong("accepts_p_of_one", ("p_drop < 1", "p_drop <= 1"), (ODDS, "p_drop / np.float64(1 - p_drop)"),
      says="Your function lets p = 1 through: where everything is dropped nothing can be scaled up, and the penalty is not a number.")
wrong("refuses_p_of_zero", ("0 <= p_drop", "0 < p_drop"),
      says="Your function refuses p = 0: no dropout is allowed, and adds a penalty of 0.")
wrong("squares_in_place", ("    return", "    X *= X\n    return"), ("np.square(X)", "X"),
      says="Your function squares the data of its caller in place: X *= X changes the very array you were given.")
wrong("penalty_in_single_precision", ("np.square(X)", "np.square(X.astype(np.float32))"),
      says="Your numbers have only seven digits: they were computed in float32 instead of float64.")
