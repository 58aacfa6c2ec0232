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
# # Assignment 6: batches
#
# You write the loop that every training run hides, say how noisy a mini-batch's gradient is before you draw one,
# show hard examples more often, and quieten the noise at the end. Then your own functions train a network that
# reads digits, in good data and in spoilt data.
#
# Read the lecture first: [How many examples should one step look at?](../../lectures/06_batch_and_stochastic.ipynb)
#
# | | exercise | points | minutes | difficulty |
# |---|---|---|---|---|
# | 1 | `minibatches`: one epoch | 7 | 20 | 2 of 5 |
# | 2 | `minibatch_gradient_variance`: how noisy is a batch? | 6 | 20 | 3 of 5 |
# | 3 | `emphasis_probabilities`: hard examples more often | 6 | 15 | 2 of 5 |
# | 4 | `annealed_rate`: the noise quietens | 4 | 10 | 1 of 5 |
# | | the payoff: your functions at work | - | 10 | - |
# | 5 | three claims about batches, in words | 3 | 15 | 3 of 5 |
# | | **sum** | **26** | **90** | |
#
# Write your code where a cell says so and run the cells below it: the visible checks answer at once, and hidden
# checks of the same aspects follow at grading. NumPy or PyTorch, loops or array expressions: any right way is
# accepted. All numbers are float64. A function must leave its arguments as they are.

# %% nbgrader={"grade_id": "setup"}
import numpy as np
import torch

from trainlab import checks

# %% [markdown] nbgrader={"grade_id": "minibatches_statement"}
# ## Exercise 1: one epoch
#
# `minibatches` &nbsp;·&nbsp; 7 points &nbsp;·&nbsp; 20 minutes &nbsp;·&nbsp; difficulty 2 of 5
#
# An *epoch* shows every one of $n$ examples once, in batches of $B$, in a new random order each time. Return one
# epoch: a list of index arrays, in the order in which the updates will use them.
#
# **Convention.** Rows are numbered from 0. Every batch has $B$ rows; where $B$ does not divide $n$, the last batch
# is shorter, or left out if `drop_last` is true. All orders of the $n$ rows are equally likely, so which rows come
# together, and which ones the short batch gets, differs from epoch to epoch.
#
# **Randomness.** It comes from `rng`, a `numpy.random.Generator`, and from nowhere else: a generator in the same
# state gives the same epoch, and the next call with it gives another one.
#
# **Types.** $n \ge 1$ and $B \ge 1$ are integers; $B$ may exceed $n$. The result is a list with one array of
# integers per batch.
#
# **Example.** $n = 10$, $B = 4$. If the shuffled rows are 7 2 5 0, 9 4 1 8, 3 6, the result is
# `[array([7, 2, 5, 0]), array([9, 4, 1, 8]), array([3, 6])]`, and with `drop_last=True` the first two of these.
# With $B = 16$ it is one batch of ten rows, and with `drop_last=True` an empty list.
#
# <details><summary>Hint 1, shuffle</summary>Shuffle all row numbers first, then cut the row of numbers into pieces. Shuffling pieces of a sorted row is not enough: the same rows would always come together.</details>
# <details><summary>Hint 2, one epoch</summary><code>rng.permutation(n)</code> gives the shuffled row numbers; <code>range(0, n, B)</code> gives the places where batches start.</details>
# <details><summary>Hint 3, drop_last</summary>Slices forgive: <code>order[i : i + B]</code> is short at the end by itself. With <code>drop_last</code> keep only the batches of length <code>B</code>.</details>


# %% nbgrader={"grade_id": "minibatches"}
def minibatches(n: int, B: int, rng: np.random.Generator, drop_last: bool = False) -> list[np.ndarray]:
    """One epoch: the rows 0 .. n-1, each once, in a random order, cut into batches of B.

    Returns a list of integer arrays of shape (B,). The last one is shorter where B does not
    divide n, or left out if drop_last. All randomness comes from rng.
    """
    ### BEGIN SOLUTION
    order = rng.permutation(n)
    batches = [order[start : start + B] for start in range(0, n, B)]
    return [batch for batch in batches if len(batch) == B] if drop_last else batches
    ### END SOLUTION


# %% nbgrader={"grade_id": "test_minibatches_epoch", "points": 3}
# Every row once, in batches of the right sizes.
def _rows(batches, sizes):
    """All rows of an epoch in a row, after a look at its batches."""
    found = [np.zeros(0, dtype=np.int64)]
    for k, batch in enumerate(checks.items(batches, [f"batch {k}" for k in range(len(sizes))])):
        whole = checks.finite(batch, f"batch {k}", shape=(sizes[k],))
        found.append(checks.integers(batch, whole, f"batch {k}"))
    return np.concatenate(found)


_rng = np.random.default_rng(61)
checks.integers(np.sort(_rows(minibatches(10, 4, _rng), [4, 4, 2])), np.arange(10), "sorted rows")
_kept = _rows(minibatches(10, 4, _rng, drop_last=True), [4, 4])
checks.integer(np.unique(_kept).size, 8, "with drop_last, the number of different rows")
checks.public_passed("minibatches: one epoch")
### BEGIN HIDDEN TESTS
for _n, _B in [(1, 1), (12, 4), (12, 5), (13, 6), (7, 1), (5, 5), (4, 9), (1, 3), (2, 1), (101, 10)]:
    _full, _rest = divmod(_n, _B)
    _sizes = [_B] * _full + [_rest] * (_rest > 0)
    _all = _rows(minibatches(_n, _B, _rng), _sizes)
    checks.integers(np.sort(_all), np.arange(_n), f"sorted rows for n = {_n}, B = {_B}")
    _all = _rows(minibatches(_n, _B, _rng, False), _sizes)
    checks.integers(np.sort(_all), np.arange(_n), f"sorted rows for n = {_n}, B = {_B}")
    _all = _rows(minibatches(_n, _B, _rng, True), [_B] * _full)
    checks.integer(np.unique(_all).size, _B * _full, f"for n = {_n}, B = {_B}, the number of different rows")
    for _row in _all:
        checks.between(_row, 0, _n - 1, "a row number")
### END HIDDEN TESTS


# %% nbgrader={"grade_id": "test_minibatches_rng", "points": 2}
# All randomness comes from rng: the same state gives the same epoch, another state another one.
def _order(n, B, rng, drop_last=False):
    batches = minibatches(n, B, rng, drop_last)
    names = [f"batch {k}" for k in range(n // B if drop_last else -(-n // B))]
    parts = [
        checks.finite(batch, name) for batch, name in zip(checks.items(batches, names), names, strict=True)
    ]
    return np.concatenate(parts)


_first = _order(30, 8, np.random.default_rng(62))
checks.integers(np.sort(_first).astype(int), np.arange(30), "sorted rows")
checks.array(_order(30, 8, np.random.default_rng(62)), _first, "the epoch from a generator in the same state")
_other = _order(30, 8, np.random.default_rng(63))
checks.between((_other != _first).sum(), 1, 30, "places that differ, with two generators")
checks.public_passed("minibatches: rng")
### BEGIN HIDDEN TESTS
for _drop in (False, True):
    _rng = np.random.default_rng(64)
    _epochs = [_order(40, 8, _rng, _drop) for _ in range(4)]  # reshuffled every time
    _rng = np.random.default_rng(64)
    for _k, _epoch in enumerate(_epochs):
        checks.integers(np.sort(_epoch).astype(int), np.arange(40), "sorted rows")
        checks.array(_order(40, 8, _rng, _drop), _epoch, f"epoch {_k} of a generator started again")
        for _before in _epochs[:_k]:
            checks.between((_before != _epoch).sum(), 1, 40, "places that differ between two epochs")
### END HIDDEN TESTS


# %% nbgrader={"grade_id": "test_minibatches_shuffle", "points": 2}
# A shuffle mixes: neighbours rarely stay together. At grading, no order may come more often than others. (A right answer fails less than once in 10^6.)
def _places(n, B, rng):
    """The batch in which each row is, for one epoch."""
    place = np.full(n, -1)
    batches = checks.items(minibatches(n, B, rng), [f"batch {k}" for k in range(-(-n // B))])
    for k, batch in enumerate(batches):
        rows = checks.finite(batch, f"batch {k}").astype(int).ravel()
        checks.integer(rows.size, min(B, n - k * B), f"the size of batch {k}")
        checks.between(rows.min(), 0, n - 1, "a row number")
        checks.between(rows.max(), 0, n - 1, "a row number")
        place[rows] = k
    return place


_rng = np.random.default_rng(67)
_place = _places(100, 10, _rng)
_together = (_place[1:] == _place[:-1]).sum()
checks.between(_together, 0, 40, "pairs of neighbours i, i + 1 in one batch (9 are expected in 100 rows)")
checks.public_passed("minibatches: shuffle")
### BEGIN HIDDEN TESTS
_draws = np.array([_places(31, 6, _rng) for _ in range(40)])  # five batches of 6 and one row left over
_company = (_draws[:, :, None] == _draws[:, None, :]).sum(axis=0) - 40 * np.eye(31)
checks.between(_company.max(), 0, 27, "epochs of 40 in which the same two rows share a batch (6.5 expected)")
checks.between(
    (_draws == 5).sum(axis=0).max(), 1, 14, "epochs of 40 in which one row is left over (1.3 expected)"
)
for _row, _mean in enumerate(_draws.mean(axis=0)):  # expected 2.1, standard deviation 0.23
    checks.between(_mean, 0.6, 3.6, f"the mean number of the batch with row {_row}, over 40 epochs")
_orders = np.array([np.argsort(_places(12, 1, _rng)) for _ in range(30)])
_jumps = np.bincount((np.diff(_orders, axis=1) % 12).ravel(), minlength=12)
checks.between(
    _jumps.max(), 0, 80, "pairs of batches of 330 that follow each other at one distance (30 expected)"
)
_fixed = (_orders == np.arange(12)).sum()
checks.between(_fixed, 1, 100, "rows in their own place, in 30 epochs of 12 batches (30 expected)")
_swapped = sum(int(_places(2, 1, _rng)[0]) for _ in range(200))
checks.between(_swapped, 65, 135, "epochs of 200 in which the second of two rows comes first (100 expected)")
_fifths = np.zeros((5, 5))  # of the data set, and the batch that its rows are in
for _ in range(14):
    np.add.at(_fifths, (np.arange(2000) // 400, _places(2000, 400, _rng)), 1)
_spread = (14 * 400 * 0.2 * 0.8 * 1600 / 1999) ** 0.5  # the standard deviation of one such number
checks.between(
    np.abs(_fifths - 14 * 80).max() / _spread,
    0,
    5.5,
    "standard deviations by which a fifth of the rows comes too often or too rarely in a fifth of the places",
)
_left = np.zeros(7)
for _ in range(30):
    _kept = np.concatenate([np.ravel(_batch) for _batch in minibatches(7, 3, _rng, drop_last=True)])
    _left += ~np.isin(np.arange(7), _kept)
checks.between(
    _left.max(), 1, 20, "epochs of 30 in which drop_last leaves out one and the same row (4.3 expected)"
)
### END HIDDEN TESTS

# %% [markdown] nbgrader={"grade_id": "minibatch_gradient_variance_statement"}
# ## Exercise 2: how noisy is a batch?
#
# `minibatch_gradient_variance` &nbsp;·&nbsp; 6 points &nbsp;·&nbsp; 20 minutes &nbsp;·&nbsp; difficulty 3 of 5
#
# Each of $N$ examples has a gradient of its own, a row $g_i$. A step uses the mean of $B$ of them, drawn *without
# replacement*. On average this mean is the full gradient; around it, each coordinate scatters with the variance
#
# $$\operatorname{Var}\Big[\tfrac1B \sum_{i \in \text{batch}} g_i\Big] = \frac{s^2}{B} \cdot \frac{N - B}{N - 1},
# \qquad s^2 = \frac1N \sum_{i=1}^{N} (g_i - \bar g)^2 .$$
#
# The first factor is the one of independent draws. The second says that a batch never holds an example twice: at
# $B = N$ nothing is left to chance.
#
# **Convention.** $s^2$ is the *population* variance (divided by $N$), one for each coordinate. $B = N$ gives
# exactly 0, also for $N = 1$.
#
# **Shapes.** `g` is $(N, n)$, one row per example. $1 \le B \le N$ is an integer. The result is $(n,)$.
#
# **Example.** $N = 4$, $B = 2$. The first column has mean 4 and $s^2 = 5$, the second mean 1 and $s^2 = 3$:
#
# $$g = \begin{pmatrix} 1 & 0 \\ 3 & 0 \\ 5 & 0 \\ 7 & 4 \end{pmatrix}
# \quad\longrightarrow\quad \Big(\tfrac52 \cdot \tfrac23,\; \tfrac32 \cdot \tfrac23\Big) = (1.6667,\, 1)$$
#
# Check it by hand: the six pairs of the first column have the means 2, 3, 4, 4, 5, 6, and these have the variance
# 10/6.
#
# <details><summary>Hint 1, values</summary>The variance of each column is one call, or two lines: subtract the mean of the column, then take the mean of the squares.</details>
# <details><summary>Hint 2, the ends</summary>Look at what divides what when N = 1: answer that case before you divide.</details>
# <details><summary>Hint 3, values</summary><code>g.var(axis=0)</code> divides by N by default; PyTorch's <code>var</code> divides by N − 1 unless told otherwise.</details>


# %% nbgrader={"grade_id": "minibatch_gradient_variance"}
def minibatch_gradient_variance(g: np.ndarray, B: int) -> np.ndarray:
    """The variance of a mini-batch's gradient: s^2 / B * (N - B) / (N - 1).

    g: (N, n), one gradient per example. B: the size of a batch, drawn without replacement,
    1 <= B <= N. Returns (n,), one variance per coordinate; 0 where B = N. The second factor is
    the finite population correction of sampling theory (Cochran 1977).
    """
    ### BEGIN SOLUTION
    N = len(g)
    if B == N:
        return np.zeros(g.shape[1])
    return g.var(axis=0) / B * (N - B) / (N - 1)
    ### END SOLUTION


# %% nbgrader={"grade_id": "test_minibatch_gradient_variance_values", "points": 3}
# The formula, at grading against its definition: the variance of the means of all batches that can be drawn.
_g = np.array([[1.0, 0.0], [3.0, 0.0], [5.0, 0.0], [7.0, 4.0]])
checks.array(minibatch_gradient_variance(_g, 2), [5 / 3, 1.0], "variance")
checks.public_passed("minibatch_gradient_variance: values")
### BEGIN HIDDEN TESTS
from itertools import combinations

_rng = np.random.default_rng(68)
for _N, _n, _B in [(2, 1, 1), (5, 3, 1), (5, 3, 4), (6, 2, 3), (7, 4, 2), (9, 1, 5), (4, 8, 3), (3, 3, 2)]:
    _g = _rng.normal(size=(_N, _n)) * _rng.uniform(0.1, 20, size=_n) + _rng.normal(size=_n) * 5
    _batches = np.array([_g[list(_rows)].mean(axis=0) for _rows in combinations(range(_N), _B)])
    _expected = ((_batches - _g.mean(axis=0)) ** 2).mean(axis=0)
    _found = minibatch_gradient_variance(_g, _B)
    checks.array(_found, _expected, f"variance for N = {_N}, n = {_n}, B = {_B}")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_minibatch_gradient_variance_ends", "points": 2}
# The ends: the whole data set, one example, examples that agree.
_g = np.array([[1.0, 0.0], [3.0, 0.0], [5.0, 0.0], [7.0, 4.0]])
with np.errstate(all="ignore"):
    checks.array(minibatch_gradient_variance(_g, 4), [0.0, 0.0], "variance at B = N")
    checks.array(minibatch_gradient_variance(_g, 1), [5.0, 3.0], "variance at B = 1")
    checks.array(minibatch_gradient_variance(_g[:1], 1), [0.0, 0.0], "variance at N = 1")
    checks.array(minibatch_gradient_variance(0 * _g + 2, 3), [0.0, 0.0], "of equal rows, the variance")
checks.public_passed("minibatch_gradient_variance: ends")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(69)
with np.errstate(all="ignore"):
    for _n in (1, 3):
        _g = _rng.normal(size=(1, _n))
        checks.array(minibatch_gradient_variance(_g, 1), np.zeros(_n), "variance at N = 1")
    checks.array(
        minibatch_gradient_variance(np.tile([[2.0, -7.0]], (6, 1)), 4),
        [0.0, 0.0],
        "of equal rows, the variance",
    )
    # +a and -a in equal numbers: s^2 = a^2, known for every N and B
    for _half, _B in [(1, 1), (1, 2), (50, 1), (50, 32), (50, 99), (500, 250)]:
        _g = np.array([10.0, 0.0, -50.0]) + np.outer(np.tile([1.0, -1.0], _half), [3.0, 0.25, 100.0])
        _expected = np.array([9.0, 0.0625, 1e4]) * (2 * _half - _B) / (_B * (2 * _half - 1))
        checks.array(
            minibatch_gradient_variance(_g, _B), _expected, f"variance for N = {2 * _half}, B = {_B}"
        )
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_minibatch_gradient_variance_clean", "points": 1}
# A call leaves the gradients alone and remembers nothing of earlier calls, whatever its values are.
_g = np.array([[1.0, 0.0], [3.0, 0.0], [5.0, 0.0], [7.0, 4.0]])
_kept = _g.copy()
_first = np.array(checks.finite(minibatch_gradient_variance(_g, 2), "variance", shape=(2,)))
checks.unchanged(_kept, _g, "g")
minibatch_gradient_variance(-3 * _g[:3], 1)
checks.array(minibatch_gradient_variance(_g, 2), _first, "variance, asked for again")
checks.public_passed("minibatch_gradient_variance: clean calls")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(70)
_calls = [(_rng.normal(size=(_N, _n)), _B) for _N, _n, _B in [(6, 3, 2), (6, 3, 5), (8, 2, 3), (8, 2, 8)]]
_answers = []
for _g, _B in _calls:
    _kept = _g.copy()
    _found = checks.finite(minibatch_gradient_variance(_g, _B), "variance", shape=_g.shape[1:])
    _answers.append(np.array(_found))
    checks.unchanged(_kept, _g, "g")
for (_g, _B), _answer in [*zip(_calls, _answers, strict=True)][::-1]:
    checks.array(minibatch_gradient_variance(_g, _B), _answer, "variance, asked for again")
### END HIDDEN TESTS

# %% [markdown] nbgrader={"grade_id": "emphasis_probabilities_statement"}
# ## Exercise 3: hard examples more often
#
# `emphasis_probabilities` &nbsp;·&nbsp; 6 points &nbsp;·&nbsp; 15 minutes &nbsp;·&nbsp; difficulty 2 of 5
#
# An emphasising scheme draws an example the more often the larger its loss $\ell_i$ is. A wrongly labelled example
# has a large loss for ever, so an upper limit, the *cap* $c$, keeps it from taking over:
#
# $$p_i = \frac{\min(\ell_i, c)}{\sum_j \min(\ell_j, c)} .$$
#
# **Convention.** `cap=None` means no limit. Where all losses are zero, every example is equally likely. A loss is
# non-negative and finite: raise `ValueError` if one of them is negative, NaN or infinite, whatever the cap.
#
# **Shapes.** `losses` is $(N,)$, $N \ge 1$; `cap` is a positive number or `None`. The result is $(N,)$ and sums to
# 1.
#
# **Example.** The losses $(1, 3, 0, 12)$ give $(0.0625, 0.1875, 0, 0.75)$: three draws of four show the last
# example. With $c = 4$ they count as $(1, 3, 0, 4)$ and give $(0.125, 0.375, 0, 0.5)$.
#
# <details><summary>Hint 1, values</summary>Four steps: refuse what is no loss, apply the cap, look whether anything is left, divide by the sum.</details>
# <details><summary>Hint 2, the ends</summary>NaN compares false with everything, so <code>losses &lt; 0</code> does not find it; <code>np.isfinite</code> does.</details>
# <details><summary>Hint 3, clean calls and ends</summary><code>np.minimum(losses, cap)</code> makes a new array. A tiny sum is not zero: losses of 1e-15 still have ratios.</details>


# %% nbgrader={"grade_id": "emphasis_probabilities"}
def emphasis_probabilities(losses: np.ndarray, cap: float | None = None) -> np.ndarray:
    """Probabilities (N,) proportional to min(loss, cap): an emphasising scheme (LeCun et al. 1998) with a limit.

    losses: (N,), non-negative and finite, or ValueError. cap: a positive number, or None for no
    limit. Uniform where all losses are zero.
    """
    ### BEGIN SOLUTION
    if not np.all(np.isfinite(losses)) or np.any(losses < 0):
        raise ValueError("losses must be finite and not negative")
    weights = losses if cap is None else np.minimum(losses, cap)
    total = weights.sum()
    return weights / total if total > 0 else np.full(len(losses), 1 / len(losses))
    ### END SOLUTION


# %% nbgrader={"grade_id": "test_emphasis_probabilities_values", "points": 3}
# In proportion to the loss, with and without a cap.
_losses = np.array([1.0, 3.0, 0.0, 12.0])
checks.array(emphasis_probabilities(_losses), [0.0625, 0.1875, 0.0, 0.75], "p")
checks.array(emphasis_probabilities(_losses, 4.0), [0.125, 0.375, 0.0, 0.5], "with cap = 4, p")
checks.public_passed("emphasis_probabilities: values")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(71)
for _N in (1, 2, 5, 40):
    _losses = _rng.exponential(2.0, size=_N) + 0.01
    for _cap in (None, 0.5, 1.5, 1e9, 1e-3):
        _counts = [_loss if _cap is None or _loss < _cap else _cap for _loss in _losses.tolist()]
        _expected = np.array([_count / sum(_counts) for _count in _counts])
        checks.array(emphasis_probabilities(_losses, _cap), _expected, f"for N = {_N}, cap = {_cap}, p")
        checks.array(emphasis_probabilities(_losses, cap=_cap), _expected, f"for N = {_N}, cap = {_cap}, p")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_emphasis_probabilities_ends", "points": 2}
# All zero, nearly zero, and what is no loss at all.
with np.errstate(all="ignore"):
    checks.array(emphasis_probabilities(np.zeros(4)), [0.25] * 4, "with all losses zero, p")
    checks.array(emphasis_probabilities(np.array([1e-15, 3e-15])), [0.25, 0.75], "for losses near 1e-15, p")
    for _bad in (np.array([1.0, -0.5]), np.array([1.0, np.nan]), np.array([np.inf, 1.0])):
        checks.raises(ValueError, emphasis_probabilities, _bad, name=f"emphasis_probabilities({_bad})")
checks.public_passed("emphasis_probabilities: ends")
### BEGIN HIDDEN TESTS
with np.errstate(all="ignore"):
    for _N in (1, 3, 10):
        for _cap in (None, 2.0):
            _all_zero = emphasis_probabilities(np.zeros(_N), _cap)
            checks.array(_all_zero, np.full(_N, 1 / _N), f"with {_N} losses of zero, cap = {_cap}, p")
    checks.array(emphasis_probabilities(np.array([0.0, 0.0, 7.0])), [0.0, 0.0, 1.0], "p")
    checks.array(emphasis_probabilities(np.array([7.0, 0.0]), 0.25), [1.0, 0.0], "with cap = 0.25, p")
    for _tiny in (1e-9, 1e-15, 1e-100):  # small is not zero
        _p = emphasis_probabilities(_tiny * np.array([1.0, 3.0, 0.0]))
        checks.array(_p, [0.25, 0.75, 0.0], f"for losses of {_tiny:g}, p")
        _p = emphasis_probabilities(_tiny * np.array([1.0, 30.0, 0.0]), 3 * _tiny)
        checks.array(_p, [0.25, 0.75, 0.0], f"for losses and a cap of {_tiny:g}, p")
    checks.array(emphasis_probabilities(np.array([1e200, 3e200])), [0.25, 0.75], "for losses of 1e200, p")
    for _bad in (-1e-3, -5.0, np.nan, np.inf, -np.inf):
        for _losses in ([_bad], [1.0, _bad, 2.0], [0.0, _bad], [-_bad if _bad < 0 else 9.0, _bad]):
            for _cap in (None, 1.5):
                _given = np.array(_losses)
                checks.raises(
                    ValueError,
                    emphasis_probabilities,
                    _given,
                    _cap,
                    name=f"emphasis_probabilities({_given}, {_cap})",
                )
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_emphasis_probabilities_clean", "points": 1}
# A call leaves the losses alone and remembers nothing of earlier calls, whatever its values are.
_losses = np.array([1.0, 3.0, 0.0, 12.0])
_kept = _losses.copy()
_first = [
    np.array(checks.finite(emphasis_probabilities(_losses, _cap), "p", shape=(4,))) for _cap in (4.0, None)
]
checks.unchanged(_kept, _losses, "losses")
for _cap, _p in zip((4.0, None), _first, strict=True):
    checks.array(emphasis_probabilities(_losses, _cap), _p, f"with cap = {_cap}, asked for again, p")
checks.public_passed("emphasis_probabilities: clean calls")
### BEGIN HIDDEN TESTS
for _cap in (2.0, None):  # the same losses in another order, the same probabilities in that order
    _losses = np.array([4.0, 0.5, 3.0, 0.5, 2.0])
    _p = np.array(checks.finite(emphasis_probabilities(_losses.copy(), _cap), "p", shape=(5,)))
    for _order in (1, -1):
        _turned = _losses[::_order].copy()
        _kept = _turned.copy()
        checks.array(emphasis_probabilities(_turned, _cap), _p[::_order], f"with cap = {_cap}, p")
        checks.unchanged(_kept, _turned, "losses")
### END HIDDEN TESTS

# %% [markdown] nbgrader={"grade_id": "annealed_rate_statement"}
# ## Exercise 4: the noise quietens
#
# `annealed_rate` &nbsp;·&nbsp; 4 points &nbsp;·&nbsp; 10 minutes &nbsp;·&nbsp; difficulty 1 of 5
#
# A constant rate keeps the weights trembling for ever. A rate that falls like $1/t$ lets them come to rest, and
# still adds up to any distance they may have to go:
#
# $$\eta_t = \frac{\eta_0}{1 + t / t_0} .$$
#
# **Convention.** Steps are counted from $t = 0$, where the rate is $\eta_0$. It has fallen to a half at $t = t_0$,
# and to a tenth at $t = 9\,t_0$.
#
# **Types.** $\eta_0 > 0$, $t \ge 0$ and $t_0 > 0$ are numbers, whole or not; the result is a `float`. `t` may also
# be an array of any shape: the result is then an array of that shape.
#
# **Example.** $\eta_0 = 0.4$, $t_0 = 100$: $\eta = 0.4$, $0.2$ and $0.04$ at $t = 0$, $100$ and $900$.
#
# <details><summary>Hint 1, values and arrays</summary>The formula is one line of Python, and the same line serves numbers and arrays.</details>
# <details><summary>Hint 2, arrays</summary><code>/</code> divides, <code>//</code> cuts off; <code>math</code> knows numbers only, NumPy arrays too.</details>


# %% nbgrader={"grade_id": "annealed_rate"}
def annealed_rate(eta0: float, t: float | np.ndarray, t0: float) -> float | np.ndarray:
    """The learning rate at step t: eta0 / (1 + t / t0), a schedule in the sense of Robbins and Monro (1951).

    eta0: the rate at t = 0. t: a step, or an array of steps. t0: the step at which the rate has
    halved, in the unit of t. Returns a number for a number, and an array of its shape for an array.
    """
    ### BEGIN SOLUTION
    return eta0 / (1 + t / t0)
    ### END SOLUTION


# %% nbgrader={"grade_id": "test_annealed_rate_values", "points": 2}
# Single steps.
for _t, _eta in [(0, 0.4), (100, 0.2), (900, 0.04), (50, 0.8 / 3)]:
    checks.number(annealed_rate(0.4, _t, 100), _eta, f"the rate at t = {_t}")
checks.public_passed("annealed_rate: values")
### BEGIN HIDDEN TESTS
for _eta0, _t0 in [(0.4, 100), (1.0, 1), (2.5, 0.5), (0.03, 7.3), (3, 1e6), (1, 4)]:
    for _turn in (0, 0.5, 1, 2, 9, 30.25, 1e6):
        _name = f"the rate for eta0 = {_eta0:g}, t = {_turn * _t0:g}, t0 = {_t0:g}"
        checks.number(annealed_rate(_eta0, _turn * _t0, _t0), _eta0 / (1 + _turn), _name, atol=0)
for _t in range(8):  # whole numbers divide like others: 12 / (1 + t/3) = 36 / (3 + t)
    checks.number(annealed_rate(12, _t, 3), [12, 9, 7.2, 6, 36 / 7, 4.5, 4, 3.6][_t], f"the rate at t = {_t}")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_annealed_rate_arrays", "points": 2}
# Arrays of steps, which stay as they are: each has the rate that it has alone.
_t = np.array([0.0, 100.0, 900.0])
_alone = np.array([checks.finite(annealed_rate(0.4, _step, 100), "the rate") for _step in _t.tolist()])
for _ in range(2):
    checks.array(annealed_rate(0.4, _t, 100), _alone, "the rates")
    checks.unchanged(np.array([0.0, 100.0, 900.0]), _t, "t")
checks.public_passed("annealed_rate: arrays")
### BEGIN HIDDEN TESTS
_steps = np.arange(12)
_alone = np.array([checks.finite(annealed_rate(3.0, _step, 2), "the rate") for _step in _steps.tolist()])
for _shape in [(12,), (3, 4), (12, 1), (2, 1, 6)]:
    for _kind in (np.int64, np.float64):
        _t = _steps.astype(_kind).reshape(_shape)
        _kept = _t.copy()
        checks.array(annealed_rate(3.0, _t, 2), _alone.reshape(_shape), f"the rates for t of shape {_shape}")
        checks.unchanged(_kept, _t, "t")
for _t in (np.array([6.0]), np.array([9, 0, 3])):
    _alone = np.array([checks.finite(annealed_rate(0.5, _step, 1.5), "the rate") for _step in _t.tolist()])
    checks.array(annealed_rate(0.5, _t, 1.5), _alone, "the rates")
### END HIDDEN TESTS

# %% [markdown] nbgrader={"grade_id": "payoff_noise_text"}
# ## The payoff: your functions at work
#
# **The noise of a batch, predicted.** A linear classifier of 900 digits, and the gradient of every single example.
# Your `minibatch_gradient_variance` says how much the gradient of a batch scatters; your `minibatches` draws
# batches, and their scatter is measured. Before you run the cell: 450 independent draws would give $s^2/450$. Is
# the scatter of a batch of 450 of these 900 larger, the same or smaller, and by which factor?

# %% tags=["explore"]
from trainlab import plots
from trainlab.data import digits
from trainlab.plots import Curve

data = digits(count=1800)
X, Y = data.inputs[:900], data.one_hot[:900]
rng = np.random.default_rng(0)


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


W = 0.1 * rng.normal(size=(64, 10))
each = np.einsum("ni,nc->nic", X, softmax(X @ W) - Y).reshape(900, 640)  # one gradient per example
sizes = np.array([1, 3, 10, 30, 90, 225, 450, 900])
predicted = [np.asarray(minibatch_gradient_variance(each, int(B))).sum() for B in sizes]
measured = []
for B in sizes:
    epochs = max(2, 200 * B // 900)
    drawn = [
        each[np.asarray(rows)].mean(axis=0) for _ in range(epochs) for rows in minibatches(900, int(B), rng)
    ]
    measured.append(((drawn - each.mean(axis=0)) ** 2).sum(axis=1).mean())
plots.show(
    plots.lines(
        Curve(sizes[:-1], measured[:-1], "measured", colour=0),
        Curve(sizes[:-1], predicted[:-1], "your formula", theory=True, colour=3),
        Curve(sizes[:-1], predicted[0] / sizes[:-1], "independent draws, s²/B", theory=True, colour=1),
        xlabel="batch size B",
        ylabel="gradient variance",
        logx=True,
        logy=True,
    ),
    alt="On logarithmic axes the measured variance lies on the formula: it falls like one over the batch size and bends down "
    "below that line at 225 and 450 of 900 examples.",
)
print(
    f"B = 450: predicted {predicted[-2]:.4f}, measured {measured[-2]:.4f}; at B = 900: measured {measured[-1]:.0e}"
)

# %% [markdown] nbgrader={"grade_id": "payoff_training_text"}
# <details><summary>Answer</summary>Smaller, by the factor (900 − 450)/899, one half.</details>
#
# **Training in good data and in spoilt data.** The same classifier, trained in batches of 10 by your own loop:
# shuffled; with your `annealed_rate`; emphasised by your probabilities; emphasised with a cap. Once with the true
# labels, and once with 20 % of the training labels replaced by random ones. Predict: which of the four suffers most
# from the wrong labels?

# %% tags=["explore"]
X_test, labels_test = data.inputs[900:], data.labels[900:]


def train(labels, rate, choose, seed, epochs=8):
    """Test accuracy after `epochs` epochs of batches of 10; `choose(losses, rng)` gives the batches of one epoch."""
    rng, W, t = np.random.default_rng(seed), np.zeros((64, 10)), 0
    targets = np.eye(10)[labels]
    for _ in range(epochs):
        losses = -np.log(np.maximum((softmax(X @ W) * targets).sum(axis=1), 1e-12))
        for rows in choose(losses, rng):
            rows = np.asarray(rows)
            W = W - rate(t) * X[rows].T @ (softmax(X[rows] @ W) - targets[rows]) / len(rows)
            t += 1
    return ((X_test @ W).argmax(axis=1) == labels_test).mean()


def shuffled(losses, rng):
    return minibatches(900, 10, rng)


def emphasised(losses, rng, cap=None):
    return rng.choice(900, size=(90, 10), p=np.asarray(emphasis_probabilities(losses, cap)))


def capped(losses, rng):
    return emphasised(losses, rng, cap=float(np.median(losses)))


wrong = data.labels[:900].copy()
spoilt = rng.choice(900, 180, replace=False)
wrong[spoilt] = rng.integers(0, 10, 180)
runs = {
    "shuffled, η = 0.5": (lambda t: 0.5, shuffled),
    "shuffled, annealed": (lambda t: annealed_rate(0.5, t, 180), shuffled),
    "emphasised": (lambda t: 0.5, emphasised),
    "emphasised, capped": (lambda t: 0.5, capped),
}
for name, (rate, choose) in runs.items():
    good, bad = (
        np.mean([train(labels, rate, choose, seed) for seed in range(4)])
        for labels in (data.labels[:900], wrong)
    )
    print(f"{name:20s} true labels {good:.1%}, a fifth of them wrong {bad:.1%}")

# %% [markdown] nbgrader={"grade_id": "payoff_seen"}
# <details><summary>Answer</summary>
#
# Drawing by loss spends most of its draws on the wrong labels and loses more than 20 points; your cap wins most of
# them back. The annealed rate is the one that hardly notices: each wrong label pushes as often as before, but ever
# more softly, and the pushes average out. On true labels it is a little behind, because 8 epochs are few and its
# steps get short.
#
# </details>

# %% [markdown] nbgrader={"grade_id": "payoff_torch_text"}
# **And PyTorch.** What your `minibatches` does is called `DataLoader` there. One epoch of each, 100 rows in batches
# of 32:

# %% tags=["explore"]
for drop_last in (False, True):
    loader = torch.utils.data.DataLoader(torch.arange(100), batch_size=32, shuffle=True, drop_last=drop_last)
    theirs, yours = list(loader), minibatches(100, 32, rng, drop_last)
    print(
        f"drop_last = {drop_last}: PyTorch {[len(rows) for rows in theirs]}, yours {[len(rows) for rows in yours]}"
    )

# %% [markdown] nbgrader={"grade_id": "written_batches_statement"}
# ## Exercise 5: three claims about batches
#
# written question &nbsp;·&nbsp; 3 points &nbsp;·&nbsp; 15 minutes &nbsp;·&nbsp; difficulty 3 of 5
#
# Answer in one to three sentences each, with a formula or a number where one belongs.
#
# 1. "I trained 40 epochs with $B = 16$ and 40 epochs with $B = 1024$, at the same rate. The second net is 12 points
#    worse on test data. Large batches generalise worse." What is wrong with this comparison, and what would a fair
#    one hold equal?
# 2. "Batch descent executes faster." For which unit of work is this true, for which is it false, and on what does
#    it depend?
# 3. A run with a constant rate $\eta = 0.1$ has come to its noise floor, $\eta s^2 / (2 - \eta)$ for curvature 1.
#    Name two changes that would bring the variance of the weights down by about a factor of four, and say what each
#    costs.

# %% [markdown] nbgrader={"grade_id": "written_batches", "points": 3}
# ### BEGIN SOLUTION
# 1. 40 epochs are 64 times fewer updates with $B = 1024$ than with $B = 16$: the second net has not been optimised,
#    and its training loss will show it. Generalisation is a gap between training and test at a comparable training
#    loss, so hold the training loss (or its convergence) equal, each with a rate tuned for its batch size.
# 2. True per epoch on hardware that works on many examples at once: fewer, fuller updates. False per update, which
#    costs at least as much, up to $N$ times as much once the hardware is full; and false for the progress made per
#    epoch, since one update has to do the work of many. It depends on network and machine: on the batch whose
#    update costs twice the fixed price (a thousand or more on a large GPU, about forty on a CPU core).
# 3. A rate four times smaller (0.025: exactly $0.0127/0.0526 = 0.24$ of the variance), at the price of four times
#    as many steps for the same way; or a batch four times larger, which divides $s^2$ by four, at the price of four
#    times as many examples per step. Also right: a rate that falls like $1/t$, from now on, or averaging the
#    weights of many steps.
#
# **Marking scheme** (3 points)
#
# - 1 point: part 1. Half a point for "fewer updates, not converged", half a point for equal training loss (or equal
#   updates with a tuned rate).
# - 1 point: part 2. Half a point for telling epoch and update (or execution and learning) apart, half a point for
#   what decides: parallel hardware, vectorisation.
# - 1 point: part 3. Half a point for each change with its price.
# - No points for formulas without a sentence that answers the question; no deduction for language.
# ### END SOLUTION
