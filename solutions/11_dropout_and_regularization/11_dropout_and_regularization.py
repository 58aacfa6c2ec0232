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

# %% [markdown] nbgrader={"grade_id": "title"}
# # Assignment 11: dropout and regularisation
#
# You write the rule that ends a training run, the step that makes weights exactly zero, dropout itself, and the penalty
# that dropout on the inputs of a linear fit turns out to be. Then your own functions find 6 inputs among 60, and train
# a network on 100 digits.
#
# Read the lecture first: [It trains. Does it generalise?](../../lectures/11_dropout_and_regularization.ipynb)
#
# | | exercise | points | minutes | difficulty |
# |---|---|---|---|---|
# | 1 | `early_stopping`: when to stop | 6 | 20 | 2 of 5 |
# | 2 | `soft_threshold`: zero, exactly | 5 | 15 | 2 of 5 |
# | 3 | `dropout`: a network with holes | 8 | 25 | 3 of 5 |
# | 4 | `dropout_ridge_penalty`: what the holes add up to | 5 | 15 | 3 of 5 |
# | | the payoff: your functions at work | - | 10 | - |
# | 5 | three sentences about dropout, in words | 3 | 15 | 3 of 5 |
# | | **sum** | **27** | **100** | |
#
# Write your code where a cell says so and run the cells below it: the visible checks answer at once, and hidden checks of
# the same aspects follow at grading. NumPy or PyTorch, loops or array expressions: any right way is accepted. All numbers
# are float64. A function must leave its arguments as they are.

# %% nbgrader={"grade_id": "setup"}
import numpy as np
import torch

from trainlab import checks

# %% [markdown] nbgrader={"grade_id": "early_stopping_statement"}
# ## Exercise 1: when to stop
#
# `early_stopping` &nbsp;·&nbsp; 6 points &nbsp;·&nbsp; 20 minutes &nbsp;·&nbsp; difficulty 2 of 5
#
# After every epoch you measure the loss on examples that take no part in training, the *validation loss*. It falls, and one day
# it rises. One bad epoch is no reason to stop; `patience` bad epochs in a row are. Go through the losses in their order:
#
# - An epoch **improves** if its loss is below `best - min_delta`, where `best` is the loss of the last epoch that improved. The
#   first epoch always improves.
# - Stop at the epoch that completes `patience` epochs in a row without improvement.
# - Return `(best_epoch, stop_epoch)`: the last epoch that improved, and the epoch at which you stopped. If nothing stops you,
#   `stop_epoch` is the last index.
#
# **Convention.** Epochs count from 0. An equal loss is no improvement, not even with `min_delta = 0`. A loss that is lower
# than `best`, but not by more than `min_delta`, is no improvement and leaves `best` as it was. Losses after the stop are never
# looked at: in a real run they do not exist.
#
# **Types.** `val_losses` is $(T,)$ with $T \ge 1$, `patience` $\ge 1$ is an integer, `min_delta` $\ge 0$. Both results are integers. The first loss is
# finite, a later one may be infinite; none is nan.
#
# **Example.** Losses 1, 0.5, 0.75, 0.5, 0.25, 0.375, 0.5:
#
# | patience | min_delta | improves | result |
# |---|---|---|---|
# | 2 | 0 | epochs 0, 1; then 2 and 3 do not (0.5 is a tie) | `(1, 3)` |
# | 3 | 0 | epochs 0, 1, 4; then 5 and 6 do not, and the losses end | `(4, 6)` |
# | 3 | 0.25 | epochs 0, 1; then 2, 3 and 4 do not (0.25 is not *below* 0.25) | `(1, 4)` |
#
# <details><summary>Hint 1, patience</summary>One loop, three things to remember: the best loss, its epoch, and how many epochs have passed since.</details>
# <details><summary>Hint 2, improvement</summary>Start with the loss of epoch 0 as <code>best</code> and with <code>best_epoch = 0</code>: the first epoch always improves. The number of epochs without improvement is <code>epoch - best_epoch</code>; it needs no counter of its own.</details>
# <details><summary>Hint 3, patience</summary>In the loop: if the loss is below <code>best - min_delta</code>, note both; otherwise, if <code>epoch - best_epoch</code> has reached <code>patience</code>, return. After the loop return the last index.</details>


# %% nbgrader={"grade_id": "early_stopping"}
def early_stopping(val_losses: np.ndarray, patience: int, min_delta: float = 0.0) -> tuple[int, int]:
    """Where patience ends a run (the usual rule; Prechelt 1998 compares others).

    val_losses: (T,), one loss per epoch, T >= 1. patience: epochs in a row without improvement
    after which to stop, at least 1. min_delta: an epoch improves when its loss < best - min_delta.
    Returns (best_epoch, stop_epoch), counted from 0; without a stop, stop_epoch is T - 1.
    """
    ### BEGIN SOLUTION
    best, best_epoch = float("inf"), 0
    for epoch, loss in enumerate(val_losses):
        if loss < best - min_delta:
            best, best_epoch = loss, epoch
        elif epoch - best_epoch == patience:
            return best_epoch, epoch
    return best_epoch, len(val_losses) - 1
    ### END SOLUTION


# %% nbgrader={"grade_id": "test_early_stopping_patience", "points": 2}
# Stops after `patience` epochs in a row, and not before.
_losses = np.array([1.0, 0.5, 0.75, 0.5, 0.25, 0.375, 0.5])
for _patience, _best, _stop in [(2, 1, 3), (3, 4, 6)]:
    _result = checks.items(early_stopping(_losses, _patience), ("best_epoch", "stop_epoch"))
    checks.integer(_result[0], _best, f"with patience {_patience}, best_epoch")
    checks.integer(_result[1], _stop, f"with patience {_patience}, stop_epoch")
checks.public_passed("early_stopping: patience")
### BEGIN HIDDEN TESTS


def _jumps(losses, patience, delta):
    """From one improvement to the next: the first later loss below it by more than delta, if it comes in time."""
    best, last = 0, len(losses) - 1
    while True:
        better = [k for k in range(best + 1, last + 1) if losses[best] - losses[k] > delta]
        if not better or better[0] > best + patience:
            return best, min(best + patience, last)
        best = better[0]


_cases = [  # a plateau and then an improvement; a slow rise; the deepest loss after the stop; a stop at the very end
    ([5.0, 4.0, 4.5, 4.25, 4.125, 3.0, 3.5, 3.25], 4),
    ([5.0, 4.0, 4.5, 4.25, 4.125, 3.0, 3.5, 3.25], 3),
    ([2.0, 1.0, 1.5, 1.75, 0.0, 0.0], 2),
    ([3.0, 2.0, 2.5, 1.5, 2.0, 1.75], 2),
    ([3.0, 4.0, 2.0, 3.0, 1.0, 2.0, 0.5, 1.0], 2),
    ([3.0, 3.5, 2.5, 3.0], 1),
]
_rng = np.random.default_rng(111)
_cases += [
    ((_rng.integers(0, 40, size=_T) + np.arange(_T, 0, -1)) / 4.0, int(_rng.integers(1, 7)))
    for _T in [5, 9, 12, 20, 20, 30, 30, 40]
]
for _losses, _patience in _cases:
    _losses = np.array(_losses)
    _best, _stop = _jumps(_losses.tolist(), _patience, 0.0)
    _result = checks.items(early_stopping(_losses, _patience), ("best_epoch", "stop_epoch"))
    checks.integer(_result[0], _best, f"for {len(_losses)} losses and patience {_patience}, best_epoch")
    checks.integer(_result[1], _stop, f"for {len(_losses)} losses and patience {_patience}, stop_epoch")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_early_stopping_improvement", "points": 2}
# What counts as an improvement: ties do not, and with min_delta small ones do not either.
_losses = np.array([1.0, 0.5, 0.75, 0.5, 0.25, 0.375, 0.5])
_result = checks.items(early_stopping(_losses, 3, 0.25), ("best_epoch", "stop_epoch"))
checks.integer(_result[0], 1, "with min_delta 0.25, best_epoch")
checks.integer(_result[1], 4, "with min_delta 0.25, stop_epoch")
checks.public_passed("early_stopping: improvement")
### BEGIN HIDDEN TESTS
_cases = [  # all equal; a tie with the best; a fall in small steps; small steps that add up; a small one after the last
    ([2.0, 2.0, 2.0, 2.0], 2, 0.0),
    ([4.0, 2.0, 2.0, 3.0, 2.0, 1.0], 3, 0.0),
    ([4.0, 2.0, 2.0, 3.0, 2.0, 1.0], 4, 0.0),
    ([4.0, 3.75, 3.5, 3.25, 3.0, 2.75, 2.5], 3, 0.5),
    ([4.0, 3.75, 3.5, 3.25, 3.0, 2.75, 2.5], 2, 0.5),
    ([4.0, 3.75, 3.5, 3.25, 3.0, 2.75, 2.5], 2, 0.25),
    ([8.0, 4.0, 3.5, 5.0, 3.75], 5, 1.0),
    ([-1.0, -2.0, -2.5, -4.0, -3.0], 2, 0.5),
    ([10.0, 9.5, 9.0, 8.0, 7.5, 7.0], 4, 0.125),
    ([0.5, 0.25, 0.125, 0.0625], 2, 0.25),
]
_rng = np.random.default_rng(112)
_cases += [
    ((_rng.integers(0, 12, size=_T) + np.arange(_T, 0, -1)) / 4.0, int(_rng.integers(2, 6)), _delta)
    for _T in (12, 25, 40)
    for _delta in (0.0, 0.25, 0.5, 1.5)
]
for _losses, _patience, _delta in _cases:
    _best, _last = 0, len(_losses) - 1
    while True:  # from one improvement to the next
        _better = [_k for _k in range(_best + 1, _last + 1) if _losses[_best] - _losses[_k] > _delta]
        if not _better or _better[0] > _best + _patience:
            break
        _best = _better[0]
    _result = early_stopping(np.array(_losses), _patience, min_delta=_delta)
    _result = checks.items(_result, ("best_epoch", "stop_epoch"))
    _name = f"for {len(_losses)} losses, patience {_patience} and min_delta {_delta:g},"
    checks.integer(_result[0], _best, f"{_name} best_epoch")
    checks.integer(_result[1], min(_best + _patience, _last), f"{_name} stop_epoch")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_early_stopping_ends", "points": 2}
# One epoch, more patience than epochs, losses that only fall or only rise; and a call leaves its argument alone.
for _losses, _patience, _best, _stop in [([3.0], 1, 0, 0), ([3.0, 2.0, 1.0], 9, 2, 2), ([1.0, 2.0], 1, 0, 1)]:
    _given = np.array(_losses)
    for _ in range(2):  # the same question twice has the same answer
        _result = checks.items(early_stopping(_given, _patience), ("best_epoch", "stop_epoch"))
        checks.integer(_result[0], _best, f"for {_losses}, best_epoch")
        checks.integer(_result[1], _stop, f"for {_losses}, stop_epoch")
        checks.unchanged(np.array(_losses), _given, "val_losses")
checks.public_passed("early_stopping: ends")
### BEGIN HIDDEN TESTS
for _T in (1, 2, 7, 100):
    for _patience in (1, 2, 6, 1000):
        _falling, _rising = np.arange(_T, 0, -1) / 2.0, np.arange(1, _T + 1) / 2.0
        _result = checks.items(early_stopping(_falling, _patience), ("best_epoch", "stop_epoch"))
        checks.integer(_result[0], _T - 1, f"for {_T} falling losses, best_epoch")
        checks.integer(_result[1], _T - 1, f"for {_T} falling losses, stop_epoch")
        _result = checks.items(early_stopping(_rising, _patience, 0.0), ("best_epoch", "stop_epoch"))
        checks.integer(_result[0], 0, f"for {_T} rising losses, best_epoch")
        checks.integer(_result[1], min(_patience, _T - 1), f"for {_T} rising losses, stop_epoch")
        checks.unchanged(np.arange(_T, 0, -1) / 2.0, _falling, "val_losses")
        checks.unchanged(np.arange(1, _T + 1) / 2.0, _rising, "val_losses")
for _losses, _patience, _best, _stop in [  # losses of any size, an infinite one on the way
    ([1e6, 1e-6, 2e-6, 1e-7, 1e-3], 2, 3, 4),
    ([4.0, np.inf, 3.0, np.inf, np.inf], 2, 2, 4),
    ([-5.0, -4.0, -6.0, -5.5, -5.75, -9.0], 2, 2, 4),
]:
    _result = checks.items(early_stopping(np.array(_losses), _patience), ("best_epoch", "stop_epoch"))
    checks.integer(_result[0], _best, f"for {_losses}, best_epoch")
    checks.integer(_result[1], _stop, f"for {_losses}, stop_epoch")
### END HIDDEN TESTS

# %% [markdown] nbgrader={"grade_id": "soft_threshold_statement"}
# ## Exercise 2: zero, exactly
#
# `soft_threshold` &nbsp;·&nbsp; 5 points &nbsp;·&nbsp; 15 minutes &nbsp;·&nbsp; difficulty 2 of 5
#
# The L1 penalty has a kink at 0, and a gradient step jumps over it from side to side. The *proximal* step does not follow
# the slope of the penalty; it minimises, in one go, the penalty plus the price of leaving $w$:
#
# $$\operatorname{soft}(w, t) = \arg\min_u \; \tfrac12 \lVert u - w \rVert^2 + t\, \lVert u \rVert_1 , \qquad t \ge 0 .$$
#
# Write this minimiser. It falls apart into one problem per entry, each with a parabola and a kink; draw one.
#
# **Convention.** Mind the $\tfrac12$ in front of the square. $\lVert u \rVert_1$ is the sum of all absolute values.
#
# **Shapes.** `w` is a vector, a matrix of weights, anything; so is the result. `t` is one number.
#
# **Example.** $w = (3, -2, 0.5, 0)$ and $t = 1$ give $(2, -1, 0, 0)$. Check the first entry: $\tfrac12(2-3)^2 + 2 = 2.5$, while
# staying at $u = 3$ costs 3 and $u = 1.5$ costs 2.625. And the third: $\tfrac12(0-0.5)^2 + 0 = 0.125$, while $u = 0.25$ costs 0.281.
#
# <details><summary>Hint 1, values</summary>For u &gt; 0 the derivative of the sum is u − w + t. Where is it zero, and when is that place really positive?</details>
# <details><summary>Hint 2, the kink</summary>Entries nearer to 0 than t become 0. All others move towards 0 by t and keep their sign.</details>
# <details><summary>Hint 3, values</summary><code>np.abs(w) - t</code>, cut off below with <code>np.maximum(..., 0)</code>, times <code>np.sign(w)</code>.</details>


# %% nbgrader={"grade_id": "soft_threshold"}
def soft_threshold(w: np.ndarray, t: float) -> np.ndarray:
    """The proximal map of t times the L1 norm: argmin_u 0.5 ||u - w||^2 + t ||u||_1 (Donoho 1995).

    w: any shape. t: the threshold, t >= 0. Returns an array of the shape of w.
    """
    ### BEGIN SOLUTION
    return np.sign(w) * np.maximum(np.abs(w) - t, 0.0)
    ### END SOLUTION


# %% nbgrader={"grade_id": "test_soft_threshold_values", "points": 2}
# The minimiser, for vectors and matrices.
checks.array(soft_threshold(np.array([3.0, -2.0, 0.5, 0.0]), 1.0), [2.0, -1.0, 0.0, 0.0], "result")
_w = np.array([[0.75, -4.0, 0.0], [0.25, 1.5, -2.0]])
checks.array(soft_threshold(_w, 0.5), [[0.25, -3.5, 0.0], [0.0, 1.0, -1.5]], "result")
checks.public_passed("soft_threshold: values")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(113)
for _shape in [(1,), (5,), (40,), (3, 4), (4, 1), (1, 6), (2, 3, 2)]:
    for _t in (0.2, 1.3):
        _w = 2 * _rng.normal(size=_shape)
        _expected = _w - np.clip(_w, -_t, _t)  # what is left when the nearest point of the box is taken away
        checks.array(soft_threshold(_w, _t), _expected, f"for shape {_shape} and t = {_t:g}, the result")
for _shape in [(6,), (2, 3)]:  # no other place is lower
    for _t in (0.1, 0.7):
        _w = _rng.normal(size=_shape)
        _u = checks.finite(soft_threshold(_w.copy(), _t), "result", shape=_shape)
        _least = 0.5 * np.square(_u - _w).sum() + _t * np.abs(_u).sum()
        for _ in range(200):
            _other = _u + _rng.choice([1e-3, 0.03, 1.0]) * _rng.normal(size=_shape) * (
                _rng.random(_shape) < 0.5
            )
            _there = 0.5 * np.square(_other - _w).sum() + _t * np.abs(_other).sum()
            checks.between(_least, 0.0, _there + 1e-12, "the sum at your result, against the sum elsewhere,")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_soft_threshold_kink", "points": 2}
# At the kink: entries at 0, inside the threshold, exactly on it, and just beyond.
with np.errstate(all="ignore"):
    checks.array(soft_threshold(np.array([-1.0, -0.5, 0.0, 0.5, 1.0, 1.25]), 1.0), [0] * 5 + [0.25], "result")
    checks.array(soft_threshold(np.array([2.0, 0.0, -3.0]), 0.0), [2.0, 0.0, -3.0], "with t = 0, the result")
checks.public_passed("soft_threshold: the kink")
### BEGIN HIDDEN TESTS
_cases = [
    ([0.0, 0.0, 0.0], 0.5, [0.0, 0.0, 0.0]),
    ([0.0], 0.0, [0.0]),
    ([0.3, -0.2, 0.1], 0.4, [0.0, 0.0, 0.0]),
    ([2.0, -2.0, 2.5, -2.5], 2.0, [0.0, 0.0, 0.5, -0.5]),
    ([1e6, -1e6, 1.0], 3.0, [999997.0, -999997.0, 0.0]),
    ([3e-4, -7e-4, 1e-4], 2e-4, [1e-4, -5e-4, 0.0]),
    ([5.0, -8.0, 1000.0], 900.0, [0.0, 0.0, 100.0]),
    ([[0.0, -6.0], [6.0, 0.0]], 4.0, [[0.0, -2.0], [2.0, 0.0]]),
    ([7.0, -1.0], 0.0, [7.0, -1.0]),
    ([7.0, -1.0], 1000.0, [0.0, 0.0]),
]
for _w, _t, _expected in _cases:
    with np.errstate(all="ignore"):
        checks.array(soft_threshold(np.array(_w), _t), _expected, f"for w = {_w} and t = {_t:g}, the result")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_soft_threshold_clean", "points": 1}
# A call leaves its argument alone and gives the same answer twice: it remembers nothing.
_w = np.array([3.0, -2.0, 0.5, 0.0])
_kept, _answers = _w.copy(), []
for _ in range(2):
    _u = soft_threshold(_w, 1.0)
    checks.unchanged(_kept, _w, "w")
    _answers.append(checks.finite(_u, "result", shape=(4,)).copy())
checks.array(_answers[1], _answers[0], "in a second call, the result")
checks.public_passed("soft_threshold: clean calls")
### BEGIN HIDDEN TESTS
_rng, _answers = np.random.default_rng(114), {}
_cases = [(_rng.normal(size=_shape), _t) for _shape, _t in [((6,), 0.1), ((2, 3), 0.7), ((6,), 0.1)]]
for _k in (0, 1, 2, 2, 1, 0):  # in any order, and twice
    _w = _cases[_k][0].copy()
    _u = soft_threshold(_w, _cases[_k][1])
    checks.unchanged(_cases[_k][0], _w, "w")
    _u = checks.finite(_u, "result", shape=_w.shape).copy()
    checks.array(_u, _answers.setdefault(_k, _u), "in a second call, the result")
### END HIDDEN TESTS

# %% [markdown] nbgrader={"grade_id": "dropout_statement"}
# ## Exercise 3: a network with holes
#
# `dropout` &nbsp;·&nbsp; 8 points &nbsp;·&nbsp; 25 minutes &nbsp;·&nbsp; difficulty 3 of 5
#
# In training, every entry of `x` is set to 0 with probability $p$, independently of all others. What is kept is scaled up, so
# that the expectation of every entry stays what it was (*inverted* dropout):
#
# $$y_i = \begin{cases} 0 & \text{with probability } p, \\[2pt] \dfrac{x_i}{1-p} & \text{with probability } 1-p; \end{cases}
# \qquad \mathbb{E}\,[y_i] = x_i .$$
#
# In evaluation (`training` is false) nothing is dropped and nothing is scaled: the result is `x`.
#
# **Convention.** `p_drop` is the probability of *dropping*, as in PyTorch, with $0 \le p < 1$. In the paper of Srivastava et al.
# (2014) $p$ is the probability of keeping, and the scaling happens at test time; that is another function.
#
# **Randomness.** It comes from `rng`, a `numpy.random.Generator`, and from nowhere else: a generator in the same state gives
# the same result, and the next call with it gives another one.
#
# **Shapes.** `x` has any shape, and the result has the same. *Every entry* has a coin of its own: two rows of a batch do not
# share their holes, and the number of holes is not fixed.
#
# **Example.** $x = (3, 6, -9, 12)$ and $p = 0.25$. If the coins drop the second entry alone, the result is $(4, 0, -12, 16)$.
#
# <details><summary>Hint 1, independence</summary>First make the coins: an array of the shape of x that is true where an entry is kept.</details>
# <details><summary>Hint 2, statistics</summary><code>rng.random(x.shape)</code> is uniform on [0, 1): it is below p with probability p.</details>
# <details><summary>Hint 3, values</summary>An entry is kept where its number is not below p. What is kept is divided by the probability of being kept, the rest is 0; without training none of this happens.</details>


# %% nbgrader={"grade_id": "dropout"}
def dropout(x: np.ndarray, p_drop: float, rng: np.random.Generator, training: bool) -> np.ndarray:
    """Inverted dropout (Srivastava et al. 2014, with the scaling moved to training).

    x: any shape. p_drop: the probability that an entry becomes 0, 0 <= p_drop < 1; kept entries
    are scaled by 1 / (1 - p_drop). training: if false, the result is x. All randomness comes
    from rng. Returns an array of the shape of x.
    """
    ### BEGIN SOLUTION
    if not training:
        return x.copy()
    kept = rng.random(x.shape) >= p_drop
    return x * kept / (1 - p_drop)
    ### END SOLUTION


# %% nbgrader={"grade_id": "test_dropout_values", "points": 2}
# In training an entry is 0 or x / (1 - p), nothing else; in evaluation it is x.
_x = np.array([[3.0, 6.0, -9.0], [12.0, -0.5, 1.0]])
for _p in (0.25, 0.5):
    _raw = dropout(_x, _p, np.random.default_rng(115), True)
    _kept = checks.finite(_raw, "result", shape=(2, 3)) != 0
    checks.array(_raw, np.where(_kept, _x / (1 - _p), 0.0), f"in training with p = {_p:g}, the result")
    checks.array(dropout(_x, _p, np.random.default_rng(115), False), _x, "in evaluation, the result")
checks.public_passed("dropout: values")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(116)
_seen = 0
for _shape in [(1,), (7,), (200,), (3, 5), (5, 1), (1, 30), (2, 3, 4), (1, 1)]:
    for _p in (0.2, 0.8):
        _x = _rng.normal(size=_shape) + 3.0 * _rng.choice([-1.0, 1.0], size=_shape)
        _scaled, _same = _x / (1.0 - _p), _x.copy()
        _raw = dropout(_x, _p, _rng, training=True)
        _kept = checks.finite(_raw, "result", shape=_shape) != 0
        checks.array(_raw, np.where(_kept, _scaled, 0.0), f"in training with p = {_p:g}, the result")
        checks.array(dropout(_x, _p, _rng, training=False), _same, "in evaluation, the result")
        _seen += int(_kept.sum())
checks.between(_seen, 190, 376, "kept entries, of 566 at p = 0.2 and 0.8 (283 expected)")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_dropout_statistics", "points": 2}
# How much is dropped, and what is left on average. (A right answer fails less than once in 10^6.)
_x = np.full((100, 200), 2.0)
for _p in (0.2, 0.8):
    _y = checks.finite(dropout(_x, _p, np.random.default_rng(117), True), "result", shape=(100, 200))
    checks.between(np.mean(_y == 0), _p - 0.02, _p + 0.02, f"with p = {_p:g}, the share of entries dropped")
    checks.between(_y.mean(), 1.8, 2.2, f"with p = {_p:g}, the mean result for entries of 2")
checks.public_passed("dropout: statistics")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(118)
for _p, _shape in [(0.2, (500, 400)), (0.8, (400, 500)), (0.5, (200_000,)), (0.05, (20, 100, 100))]:
    _x = _rng.exponential(size=_shape) + 0.1
    _x[_rng.random(_shape) < 0.5] *= -1  # the coins know neither the size nor the sign of an entry
    _mean, _square = _x.mean(), np.square(_x).mean()
    _y = checks.finite(dropout(_x, _p, _rng, True), "result", shape=_shape)
    _name, _off = f"with p = {_p:g}, the share dropped", 7 * (_p * (1 - _p) / _x.size) ** 0.5
    checks.between(np.mean(_y == 0), _p - _off, _p + _off, _name)
    for _part, _which in [(_x > 0, "positive"), (np.abs(_x) > 1, "large"), (np.abs(_x) < 0.4, "small")]:
        _off = 7 * (_p * (1 - _p) / _part.sum()) ** 0.5
        checks.between(np.mean(_y[_part] == 0), _p - _off, _p + _off, f"{_name} among {_which} entries")
    _off = 7 * (_p / (1 - _p) * _square / _x.size) ** 0.5  # Var y = x^2 p / (1 - p)
    checks.between(_y.mean(), _mean - _off, _mean + _off, f"with p = {_p:g}, the mean result")
_y = checks.finite(dropout(np.ones(50), 0.0, _rng, True), "with p = 0, the result", shape=(50,))
checks.array(_y, np.ones(50), "with p = 0, the result")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_dropout_independence", "points": 2}
# A coin for every entry: rows do not share their holes, nor do columns. (A right answer fails less than once in 10^6.)
_y = checks.finite(dropout(np.ones((60, 50)), 0.5, np.random.default_rng(119), True), "result", (60, 50))
_holes = _y == 0
checks.between(_holes.sum(axis=0).std(), 1.5, 8.0, "the scatter of holes per column (3.9 expected)")
checks.between(_holes.sum(axis=1).std(), 1.5, 8.0, "the scatter of holes per row (3.5 expected)")
checks.public_passed("dropout: independence")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(120)
for _p, _shape in [(0.2, (500, 400)), (0.8, (400, 500)), (0.5, (100, 40, 50))]:
    _holes = [
        checks.finite(dropout(np.ones(_shape), _p, _rng, True), "result", _shape) == 0 for _ in range(2)
    ]
    _first, _second = ((_h - _h.mean()) / max(float(_h.std()), 1e-9) for _h in _holes)
    for _axis, _count in enumerate(_shape):  # binomial numbers of holes in every slice across every axis
        _sums = _first.sum(axis=tuple(_k for _k in range(len(_shape)) if _k != _axis))
        _ratio, _off = np.square(_sums).mean() * _count / _first.size, 8 * (2 / _count) ** 0.5
        checks.between(_ratio, max(0.2, 1 - _off), 1 + _off, f"scatter of the holes along axis {_axis}")
    _flat = _first.ravel()
    _echo = np.fft.irfft(np.abs(np.fft.rfft(_flat)) ** 2)[1 : _flat.size // 2] / _flat.size
    checks.between(
        np.abs(_echo).max(), 0.0, 0.03, "the correlation of holes at some distance from each other"
    )
    checks.between(np.mean(_first * _second), -0.03, 0.03, "the correlation of the holes of two calls")
_draws = np.array(
    [checks.finite(dropout(np.ones(100), 0.5, _rng, True), "result", (100,)) == 0 for _ in range(40)]
)
checks.between(_draws.sum(axis=1).var() / 25, 0.2, 3.0, "scatter of the number of holes, over binomial,")
for _entry, _times in enumerate(_draws.sum(axis=0)):
    checks.between(_times, 2, 38, f"calls of 40 with p = 0.5 that drop entry {_entry}")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_dropout_rng", "points": 2}
# All randomness comes from rng, and a call leaves x alone.
_x = np.arange(1.0, 61.0)
_kept = _x.copy()
_first = checks.finite(dropout(_x, 0.5, np.random.default_rng(121), True), "result", (60,))
checks.unchanged(_kept, _x, "x")
_again = dropout(_x, 0.5, np.random.default_rng(121), True)
checks.array(_again, _first, "the result of a generator in the same state")
_other = checks.finite(dropout(_x, 0.5, np.random.default_rng(122), True), "result", (60,))
checks.between((_other != _first).sum(), 1, 60, "entries that differ, with two generators,")
checks.finite(dropout(_x, 0.5, np.random.default_rng(123), False), "in evaluation, the result", (60,))
checks.unchanged(_kept, _x, "x")
checks.public_passed("dropout: rng")
### BEGIN HIDDEN TESTS
for _shape, _p in [((8, 9), 0.3), ((90,), 0.7)]:
    _x = np.linspace(1.0, 2.0, 72 if len(_shape) == 2 else 90).reshape(_shape)
    _kept = _x.copy()
    _rng = np.random.default_rng(124)
    _results = [checks.finite(dropout(_x, _p, _rng, True), "result", _shape) for _ in range(4)]
    checks.unchanged(_kept, _x, "x")
    _rng = np.random.default_rng(124)
    for _k, _result in enumerate(_results):
        checks.array(dropout(_x, _p, _rng, True), _result, f"result {_k} of a generator started again")
        for _before in _results[:_k]:
            checks.between((_before != _result).sum(), 1, 90, "entries that differ between two calls")
    checks.finite(dropout(_x, _p, _rng, False), "in evaluation, the result", _shape)
    checks.unchanged(_kept, _x, "x")
### END HIDDEN TESTS

# %% [markdown] nbgrader={"grade_id": "dropout_ridge_penalty_statement"}
# ## Exercise 4: what the holes add up to
#
# `dropout_ridge_penalty` &nbsp;·&nbsp; 5 points &nbsp;·&nbsp; 15 minutes &nbsp;·&nbsp; difficulty 3 of 5
#
# Fit $y \approx X w$ by least squares, with inverted dropout on the inputs: every entry $X_{ij}$ becomes $Z_{ij}$, which is 0 with
# probability $p$ and $X_{ij}/(1-p)$ otherwise. The expected loss is the plain one plus a ridge penalty, with a weight for every
# coordinate:
#
# $$\mathbb{E}\, \lVert y - Zw \rVert^2 = \lVert y - Xw \rVert^2 + \sum_{j=1}^{d} \lambda_j\, w_j^2,
# \qquad \lambda_j = \frac{p}{1-p}\, \big(X^\top X\big)_{jj} .$$
#
# (Write $Z = X + (Z - X)$: the second part has mean zero, its entries are independent, and each has the variance
# $X_{ij}^2\, p/(1-p)$.) Return the $\lambda_j$.
#
# **Convention.** The loss is the *sum* of squares, without a factor $\tfrac12$ or $\tfrac1N$. `p_drop` is the probability of dropping.
#
# **Errors.** `ValueError` unless $0 \le p < 1$.
#
# **Shapes.** `X` is $(N, d)$, one row per example. The result is $(d,)$.
#
# **Example.** The columns below have the squared lengths 11 and 5; with $p = 0.2$ they count a quarter:
#
# $$X = \begin{pmatrix} 1 & 2 \\ 3 & 0 \\ 1 & -1 \end{pmatrix}, \quad p = 0.2 \quad\longrightarrow\quad \lambda = (2.75,\, 1.25)$$
#
# <details><summary>Hint 1, values</summary>The diagonal of X transposed times X holds the squared length of each column.</details>
# <details><summary>Hint 2, values</summary>There is no need to build the d by d matrix: square the entries and add them up along the examples.</details>
# <details><summary>Hint 3, the ends</summary>Refuse a bad p first, with <code>raise ValueError(...)</code>: p = 1 would divide by 0. The factor p/(1 − p) is the same for all columns.</details>


# %% nbgrader={"grade_id": "dropout_ridge_penalty"}
def dropout_ridge_penalty(X: np.ndarray, p_drop: float) -> np.ndarray:
    """The ridge weights that dropout on the inputs adds to a sum of squares (Srivastava et al. 2014, 9.1).

    X: (N, d), one row per example. p_drop: the probability of dropping an entry; ValueError
    unless 0 <= p_drop < 1. Returns (d,): p_drop / (1 - p_drop) times the diagonal of X^T X.
    """
    ### BEGIN SOLUTION
    if not 0 <= p_drop < 1:
        raise ValueError(f"p_drop = {p_drop}: a probability of dropping is at least 0 and less than 1")
    return p_drop / (1 - p_drop) * np.square(X).sum(axis=0)
    ### END SOLUTION


# %% nbgrader={"grade_id": "test_dropout_ridge_penalty_values", "points": 3}
# The formula, at grading against its definition: the expected loss over all patterns of holes, less the plain loss.
_X = np.array([[1.0, 2.0], [3.0, 0.0], [1.0, -1.0]])
checks.array(dropout_ridge_penalty(_X, 0.2), [2.75, 1.25], "penalty")
checks.public_passed("dropout_ridge_penalty: values")
### BEGIN HIDDEN TESTS
from itertools import product

_rng = np.random.default_rng(125)
for _N, _d, _p in [
    (1, 1, 0.5),
    (3, 3, 0.25),
    (5, 3, 0.8),
    (2, 5, 0.3),
    (40, 2, 0.1),
    (7, 4, 0.6),
    (1, 4, 0.9),
]:
    _X = _rng.normal(size=(_N, _d)) * _rng.uniform(0.1, 9, size=_d) + 4 * _rng.normal(size=_d)
    _y, _patterns = _rng.normal(size=_N), np.array(list(product([0.0, 1.0], repeat=_d)))
    _odds = np.prod(np.where(_patterns == 1, 1 - _p, _p), axis=1)
    _expected = np.zeros(_d)
    for _j in range(_d):  # w = unit vector j: the penalty is the weight of that coordinate
        _fits = _patterns[:, _j] / (1 - _p) * _X[:, _j, None]  # (N, 2^d)
        _loss = (np.square(_y[:, None] - _fits) * _odds).sum()
        _expected[_j] = _loss - np.square(_y - _X[:, _j]).sum()
    _found = dropout_ridge_penalty(_X, _p)
    checks.array(_found, _expected, f"for N = {_N}, d = {_d} and p = {_p:g}, the penalty")
for _N, _d, _p in [(6, 3, 0.4), (6, 3, 0.9), (3, 6, 0.4), (4, 4, 0.05)]:  # the diagonal of X'X
    _X = _rng.normal(size=(_N, _d))
    _expected = np.diag(np.einsum("nj,nk->jk", _X, _X)) * (1 / (1 - _p) - 1)
    checks.array(dropout_ridge_penalty(_X, _p), _expected, f"for N = {_N}, d = {_d}, the penalty")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_dropout_ridge_penalty_ends", "points": 1}
# No dropout, nearly everything dropped, and what is no probability of dropping.
_X = np.array([[1.0, 2.0], [3.0, 0.0], [1.0, -1.0]])
checks.array(dropout_ridge_penalty(_X, 0.0), [0.0, 0.0], "with p = 0, the penalty")
for _bad in (-0.1, 1.0, 1.5):
    with np.errstate(all="ignore"):
        checks.raises(ValueError, dropout_ridge_penalty, _X, _bad, name=f"dropout_ridge_penalty(X, {_bad:g})")
checks.public_passed("dropout_ridge_penalty: ends")
### BEGIN HIDDEN TESTS
for _p, _odds in [(0.5, 1.0), (0.75, 3.0), (0.875, 7.0), (63 / 64, 63.0), (1 / 64, 1 / 63)]:
    checks.array(dropout_ridge_penalty(_X, _p), [11 * _odds, 5 * _odds], f"with p = {_p:g}, the penalty")
_mixed = np.array([[1e4, 1e-4, 0.0], [1e4, -1e-4, 0.0]])
checks.array(dropout_ridge_penalty(_mixed, 0.5), [2e8, 2e-8, 0.0], "for columns of all sizes, the penalty")
with np.errstate(all="ignore"):
    for _bad in (-1e-9, -3.0, 1.0, 1 + 1e-9, 2, 50.0):
        checks.raises(ValueError, dropout_ridge_penalty, _X, _bad, name=f"dropout_ridge_penalty(X, {_bad:g})")
        checks.raises(
            ValueError,
            dropout_ridge_penalty,
            np.zeros((2, 3)),
            _bad,
            name=f"dropout_ridge_penalty(0, {_bad:g})",
        )
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_dropout_ridge_penalty_clean", "points": 1}
# A call leaves the inputs alone and gives the same answer twice: it remembers nothing.
_X = np.array([[1.0, 2.0], [3.0, 0.0], [1.0, -1.0]])
_kept, _answers = _X.copy(), []
for _ in range(2):
    _penalty = dropout_ridge_penalty(_X, 0.2)
    checks.unchanged(_kept, _X, "X")
    _answers.append(checks.finite(_penalty, "penalty").copy())
checks.array(_answers[1], _answers[0], "in a second call, the penalty")
checks.public_passed("dropout_ridge_penalty: clean calls")
### BEGIN HIDDEN TESTS
_rng, _answers = np.random.default_rng(126), {}
_cases = [(_rng.normal(size=_s), _p) for _s, _p in [((6, 3), 0.4), ((6, 3), 0.9), ((3, 6), 0.4)]]
for _k in (0, 1, 2, 2, 1, 0):  # in any order, and twice
    _X = _cases[_k][0].copy()
    _penalty = dropout_ridge_penalty(_X, _cases[_k][1])
    checks.unchanged(_cases[_k][0], _X, "X")
    _penalty = checks.finite(_penalty, "penalty").copy()
    checks.array(_penalty, _answers.setdefault(_k, _penalty), "in a second call, the penalty")
### END HIDDEN TESTS

# %% [markdown] nbgrader={"grade_id": "payoff_sparse_text"}
# ## The payoff: your functions at work
#
# **Six inputs among sixty.** 40 noisy examples of a linear rule with 60 inputs, of which six matter. Least squares alone can fit
# any 40 targets here. The cell takes gradient steps on the squared error, and after each one your `soft_threshold`; beside it,
# the same L1 penalty by its subgradient $\alpha\operatorname{sign}(w)$, and a ridge penalty. Predict: how many of the 60 weights are exactly 0
# at the end of each of the three?

# %% tags=["explore"]
from trainlab import plots

rng = np.random.default_rng(0)
true = np.zeros(60)
true[:6] = [3.0, -2.0, 2.0, -1.5, 1.0, 1.0]
X = rng.normal(size=(40, 60))
y = X @ true + 0.5 * rng.normal(size=40)
alpha, lr = 0.2, 1 / np.linalg.norm(X.T @ X / 40, 2)
proximal, slope = np.zeros(60), np.zeros(60)
for _ in range(3000):
    stepped = proximal - lr * X.T @ (X @ proximal - y) / 40
    proximal = np.asarray(soft_threshold(stepped, lr * alpha))
    slope = slope - lr * (X.T @ (X @ slope - y) / 40 + alpha * np.sign(slope))
ridge = np.linalg.solve(X.T @ X / 40 + alpha * np.eye(60), X.T @ y / 40)
fits = {"soft threshold": proximal, "subgradient": slope, "ridge": ridge}
for name, w in fits.items():
    print(f"{name}: {np.sum(w == 0)} weights are 0, distance from the truth {np.linalg.norm(w - true):.2f}")
order = np.arange(60)
plots.show(
    plots.lines(
        *(
            plots.Curve(order, np.maximum(np.sort(np.abs(w))[::-1], 1e-6), name, colour=k)
            for k, (name, w) in enumerate(fits.items())
        ),
        xlabel="weights, the largest first",
        ylabel="|w|, at least 10⁻⁶",
        logy=True,
    ),
    alt="Sorted sizes of 60 weights on a logarithmic axis: those of the soft threshold drop to the floor after six, those of the "
    "subgradient step fall to a tenth after six and never reach it, those of ridge fall gently.",
)

# %% [markdown] nbgrader={"grade_id": "payoff_sparse_seen"}
# Your step leaves six weights, the right six, and 54 exact zeros. The subgradient has the same penalty and the same number of
# steps, and not one zero: it jumps over 0 from side to side. Ridge never meant to make any.

# %% [markdown] nbgrader={"grade_id": "payoff_holes_text"}
# **Holes, added up.** 8,000 gradient steps on a linear fit, each on data with fresh holes by your `dropout`. The mean of the
# later weights must be the ridge solution with the weights of your `dropout_ridge_penalty`. How far is plain least squares from it?

# %% tags=["explore"]
rng = np.random.default_rng(1)
X = rng.normal(size=(60, 8)) * np.linspace(0.5, 2, 8)
y = X @ rng.normal(size=8) + 0.5 * rng.normal(size=60)
least_squares = np.linalg.lstsq(X, y, rcond=None)[0]
for p in (0.3, 0.5):
    w, late = np.zeros(8), []
    for k in range(8_000):
        holes = np.asarray(dropout(X, p, rng, True))
        w = w - 2e-3 / (1 + k / 2000) * holes.T @ (holes @ w - y)
        late.append(w)
    ridge = np.linalg.solve(X.T @ X + np.diag(np.asarray(dropout_ridge_penalty(X, p))), X.T @ y)
    off = np.linalg.norm(np.mean(late[4_000:], axis=0) - ridge) / np.linalg.norm(ridge)
    plain = np.linalg.norm(least_squares - ridge) / np.linalg.norm(ridge)
    print(f"p = {p}: dropout is {off:.1%} from your ridge solution, least squares {plain:.0%}")

# %% [markdown] nbgrader={"grade_id": "payoff_digits_text"}
# **A hundred digits.** A network of 4,810 weights, 100 training digits, 300 for validation, 1,397 for the test. Three starts,
# without dropout and with half of the pixels dropped by your function in every step. Your `early_stopping` says where each run
# ends and which epoch to keep. Predict: does dropout help the loss on new digits, their accuracy, both or neither?

# %% tags=["explore"]
from trainlab.data import digits
from trainlab.networks import MLP

torch.set_num_threads(1)
full = digits()
spread = full.inputs[:100].std(axis=0)
pixels = (full.inputs - full.inputs[:100].mean(axis=0)) / np.where(spread > 1e-3, spread, 1)
labels, network = torch.tensor(full.labels), MLP((64, 64, 10), "relu")
entropy = torch.nn.functional.cross_entropy


def train(p, seed, epochs=400, lr=0.05, beta=0.9):
    """The parameters after each epoch, and the validation loss there."""
    rng, theta = np.random.default_rng(seed), torch.tensor(network.initial(seed, scale=2**0.5))
    moved, path, losses = torch.zeros_like(theta), [], []
    for _ in range(epochs):
        theta.requires_grad_(True)
        holes = torch.as_tensor(np.asarray(dropout(pixels[:100], p, rng, True)))
        loss = entropy(network.forward(theta, holes), labels[:100])
        (slope,) = torch.autograd.grad(loss, theta)
        moved = beta * moved - lr * slope
        theta = theta.detach() + moved
        path.append(theta)
        losses.append(entropy(network.forward(theta, torch.tensor(pixels[100:400])), labels[100:400]).item())
    return path, np.array(losses)


def test(theta):
    """Loss and accuracy on the digits that took no part."""
    outputs = network.forward(theta.detach(), torch.tensor(pixels[400:]))
    right = (outputs.argmax(dim=1) == labels[400:]).double().mean().item()
    return entropy(outputs, labels[400:]).item(), right


curves = []
for k, p in enumerate((0.0, 0.5)):
    for seed in range(3):
        path, validation = train(p, seed)
        best, stop = (int(epoch) for epoch in early_stopping(validation, 25))
        (kept, right), (late, right_late) = test(path[best]), test(path[-1])
        print(
            f"p = {p}, start {seed}: stop at {stop}, keep epoch {best}: test loss {kept:.2f} "
            f"(after all 400: {late:.2f}), {right:.1%} right (after all 400: {right_late:.1%})"
        )
        if seed == 0:
            curves.append(plots.Curve(np.arange(400), validation, f"p = {p}", colour=k))
            curves.append(plots.Curve([best, best], [0.4, 0.8], theory=True, colour=k))
plots.show(
    plots.lines(*curves, xlabel="epoch", ylabel="validation loss", title="start 0", ylim=(0.4, 0.8)),
    alt="Two validation losses fall within 50 epochs; then the one without dropout stays level, the one with dropout wobbles "
    "and rises from half of the way on. Dashed lines mark the two epochs that are kept.",
)

# %% [markdown] nbgrader={"grade_id": "payoff_digits_seen"}
# On average of the three starts dropout on the pixels helps both a little, as long as the run is stopped; run to the end, it
# still reads more digits, and its loss is worse. Single starts differ by as much as that, so do not choose a regulariser by
# one run. The lecture's table has twenty networks for each row.

# %% [markdown] nbgrader={"grade_id": "written_dropout_statement"}
# ## Exercise 5: three sentences about dropout
#
# written question &nbsp;·&nbsp; 3 points &nbsp;·&nbsp; 15 minutes &nbsp;·&nbsp; difficulty 3 of 5
#
# Each of these stands in a text on dropout. Say for each where it is right and where it is not, in one to three sentences,
# with a formula or a number where one belongs.
#
# 1. "The weights of the dropped units are not updated in this iteration."
# 2. "At test time all units are simply switched on."
# 3. "Dropout trains $2^n$ networks and averages their predictions."

# %% [markdown] nbgrader={"grade_id": "written_dropout", "points": 3}
# ### BEGIN SOLUTION
# 1. Their *gradient* is zero in this iteration. With plain SGD the weights stand still. With momentum or Adam they move on by what
#    earlier gradients left in the memory ($\theta' = \theta + \beta m$ although $g = 0$), and weight decay shrinks them by $1 - \eta\lambda$.
# 2. That alone makes every sum of a next layer larger by $1/(1-p)$ on average than in training. Either the outputs are multiplied by
#    $1-p$ at test time (2014), or, as today, kept units are scaled by $1/(1-p)$ in training (inverted), and then nothing is left to do.
# 3. The networks share their weights, and few of the $2^n$ patterns are ever drawn, each for one step. The scaled network is not
#    the arithmetic mean of their predictions: for one layer before the softmax it is exactly the normalised geometric mean, for
#    deeper networks only approximately.
#
# **Marking scheme** (3 points)
#
# - 1 point: part 1. Half a point for "zero gradient" or "right for plain SGD", half a point for one of momentum, Adam, weight decay
#   with a reason.
# - 1 point: part 2. Half a point for the missing factor, half a point for one of the two places where it can stand.
# - 1 point: part 3. Half a point for shared weights or for patterns that are never drawn, half a point for "geometric, exact for one
#   layer" or "not the arithmetic mean".
# - No points for formulas without a sentence that answers the question; no deduction for language.
# ### END SOLUTION
