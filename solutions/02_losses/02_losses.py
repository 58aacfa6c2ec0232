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
# # Assignment 2: losses
#
# You write four losses on a margin, a softmax that does not overflow, cross-entropy with its gradient, and the gradient that
# stalls. At the end your own two gradients train the same classifier from the same bad start, and only one of them gets away.
#
# Read the lecture first: [Why does a classifier stall under squared error?](../../lectures/02_losses.ipynb)
#
# | | exercise | points | minutes | difficulty |
# |---|---|---|---|---|
# | 1 | `margin_losses`: four losses on the margin | 6 | 15 | 1 of 5 |
# | 2 | `softmax`: each row, without overflow | 6 | 15 | 2 of 5 |
# | 3 | `cross_entropy`: the loss and its gradient | 8 | 25 | 3 of 5 |
# | 4 | `mse_softmax_grad`: the gradient that stalls | 8 | 25 | 3 of 5 |
# | 5 | one written question | 4 | 10 | 2 of 5 |
# | | the payoff: your gradients at work | - | 5 | - |
# | | **sum** | **32** | **95** | |
#
# Write your code where a cell says so and run the cells below it: the visible checks answer at once, and hidden checks of
# the same aspects follow at grading. NumPy or PyTorch, loops or array expressions: any right way is accepted. All numbers
# are float64. A function must leave its arguments as they are. It may call one that you wrote before it, but then a mistake in
# the first costs you both.

# %% nbgrader={"grade_id": "setup"}
import numpy as np
import torch

from trainlab import checks

# %% [markdown] nbgrader={"grade_id": "margin_losses_statement"}
# ## Exercise 1: four losses on the margin
#
# `margin_losses` &nbsp;·&nbsp; 6 points &nbsp;·&nbsp; 15 minutes &nbsp;·&nbsp; difficulty 1 of 5
#
# With two classes labelled $y \in \{-1, +1\}$ and a score $f(x)$, the **margin** $m = y f(x)$ is positive where the sign of the
# score is right. Given margins $m$ of shape (N,), return a dict with four arrays of shape (N,), one loss for each margin:
#
# | key | loss |
# |---|---|
# | `"zero_one"` | 1 where $m \le 0$, else 0 (a score of exactly 0 decides nothing and counts as a mistake) |
# | `"hinge"` | $\max(0, 1 - m)$ |
# | `"log"` | $\ln(1 + e^{-m})$, in nats |
# | `"square"` | $(1 - m)^2$ |
#
# The values are numbers, not booleans. Margins of $\pm 1000$ must give finite, exact losses.
#
# **By hand.** For m = [-1, 0, 2]:
#
# | | m = -1 | m = 0 | m = 2 |
# |---|---|---|---|
# | zero_one | 1 | 1 | 0 |
# | hinge | 2 | 1 | 0 |
# | log | 1.313262 | 0.693147 | 0.126928 |
# | square | 4 | 1 | 1 |
#
# <details><summary>Hint 1, 0-1 and hinge</summary>
#
# `np.where(condition, a, b)` and `np.maximum(a, b)` work element by element. The squared loss has no maximum in it: a margin of 2
# costs 1.
# </details>
# <details><summary>Hint 2, extreme margins</summary>
#
# The largest float64 is about $e^{709.8}$. For which sign of m does $e^{-m}$ leave that range, and what is $\ln(1 + e^{-m})$
# there, to sixteen digits?
# </details>
# <details><summary>Hint 3, log</summary>
#
# $\ln(1 + e^{-m}) = \max(0, -m) + \ln(1 + e^{-|m|})$, and the second exponent is never positive. NumPy's `np.logaddexp(a, b)` is
# $\ln(e^a + e^b)$ without overflow: write 1 as a power of e.
# </details>


# %% nbgrader={"grade_id": "margin_losses"}
def margin_losses(m: np.ndarray) -> dict[str, np.ndarray]:
    """The 0-1, hinge, log and squared loss of the margins m = y f(x), labels y in {-1, +1}.

    m: margins (N,), float64, any finite size. Returns {"zero_one", "hinge", "log", "square"}, each an array (N,); the log
    loss is in nats. LeCun, Chopra, Hadsell, Ranzato & Huang 2006 list these and more.
    """
    ### BEGIN SOLUTION
    return {
        "zero_one": np.where(m <= 0, 1.0, 0.0),
        "hinge": np.maximum(0.0, 1 - m),
        "log": np.logaddexp(0.0, -m),
        "square": np.square(1 - m),
    }
    ### END SOLUTION


# %% nbgrader={"grade_id": "test_margin_losses_corners", "points": 2}
# The two losses with a corner: 0-1 and hinge, also exactly at their corners m = 0 and m = 1.
_keys = ("zero_one", "hinge", "log", "square")
_losses = margin_losses(np.array([-1.0, 0.0, 2.0]))
checks.mapping(_losses, {"zero_one": [1, 1, 0], "hinge": [2, 1, 0]}, "margin_losses([-1, 0, 2])", keys=_keys)
checks.public_passed("margin_losses: 0-1 and hinge")
### BEGIN HIDDEN TESTS
_m = np.array([-3.25, -1e-9, 0.0, 1e-9, 0.5, 1.0, 1.5, 7.0])
_expected = {
    "zero_one": [1, 1, 1, 0, 0, 0, 0, 0],
    "hinge": [4.25, 1 + 1e-9, 1, 1 - 1e-9, 0.5, 0, 0, 0],
}
checks.mapping(margin_losses(_m.copy()), _expected, "the losses", keys=_keys)
_m = np.random.default_rng(21).normal(size=40) * 2
_expected = {
    "zero_one": [1.0 if v <= 0 else 0.0 for v in _m],
    "hinge": [1 - v if v < 1 else 0.0 for v in _m],
}
checks.mapping(margin_losses(_m.copy()), _expected, "the losses", keys=_keys)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_margin_losses_smooth", "points": 2}
# The two smooth losses, also where the margin is larger than 1.
_keys = ("zero_one", "hinge", "log", "square")
_losses = margin_losses(np.array([-1.0, 0.0, 2.0]))
_expected = {"log": np.log1p(np.exp([1.0, 0.0, -2.0])), "square": [4, 1, 1]}
checks.mapping(_losses, _expected, "margin_losses([-1, 0, 2])", keys=_keys)
checks.public_passed("margin_losses: log and square")
### BEGIN HIDDEN TESTS
_m = np.concatenate([np.random.default_rng(22).normal(size=40) * 3, [1.0, 3.5, -6.0, 20.0]])
_expected = {
    "log": torch.nn.functional.binary_cross_entropy_with_logits(
        torch.tensor(_m), torch.ones(44, dtype=torch.float64), reduction="none"
    ),
    "square": [1 - 2 * v + v * v for v in _m],
}
checks.mapping(margin_losses(_m.copy()), _expected, "the losses", keys=_keys)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_margin_losses_extreme", "points": 1}
# Margins of ±1000, where e^1000 is larger than any float64.
_losses = margin_losses(np.array([1000.0, -1000.0]))
_expected = {"zero_one": [0, 1], "hinge": [0, 1001], "log": [0, 1000], "square": [999.0**2, 1001.0**2]}
checks.mapping(_losses, _expected, "margin_losses([1000, -1000])")
checks.public_passed("margin_losses: extreme margins")
### BEGIN HIDDEN TESTS
_m = np.array([-20000.0, -745.5, -709.0, -40.0, 40.0, 709.0, 745.5, 20000.0])
_expected = {
    "zero_one": [1, 1, 1, 1, 0, 0, 0, 0],
    "hinge": [20001, 746.5, 710, 41, 0, 0, 0, 0],
    "log": [20000, 745.5, 709, 40, 0, 0, 0, 0],
    "square": [20001.0**2, 746.5**2, 710.0**2, 41.0**2, 39.0**2, 708.0**2, 744.5**2, 19999.0**2],
}
checks.mapping(margin_losses(_m.copy()), _expected, "the losses")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_margin_losses_inputs", "points": 1}
# One margin alone, and an argument that stays as it was.
_m = np.array([0.25])
_keys = ("zero_one", "hinge", "log", "square")
_losses = margin_losses(_m)
checks.mapping(_losses, {}, "margin_losses([0.25])", keys=_keys)
for _key in _keys:
    checks.finite(_losses[_key], f"margin_losses([0.25])[{_key!r}]", (1,))
checks.unchanged(np.array([0.25]), _m, "m")
checks.public_passed("margin_losses: shapes and inputs")
### BEGIN HIDDEN TESTS
_m = np.array([-2.0, -0.5, 0.0, 0.5, 3.0, -1000.0, 1000.0])
_before = _m.copy()
margin_losses(_m)
checks.unchanged(_before, _m, "m")
### END HIDDEN TESTS

# %% [markdown] nbgrader={"grade_id": "softmax_statement"}
# ## Exercise 2: softmax
#
# `softmax` &nbsp;·&nbsp; 6 points &nbsp;·&nbsp; 15 minutes &nbsp;·&nbsp; difficulty 2 of 5
#
# Turn every **row** of logits $z$ of shape (N, C) into a row of C probabilities,
#
# $$p_{nc} = \frac{e^{z_{nc}}}{\sum_{k=1}^{C} e^{z_{nk}}},$$
#
# without overflow and without 0/0 for any finite logits. Rows know nothing of each other: one row may hold logits near 1000 and
# the next logits near -1000.
#
# **By hand.** Adding a constant to a row changes nothing, because it cancels. So the row (1001, 1000) gives what (1, 0) gives:
# $1 / (1 + e^{-1}) = 0.731059$ and $0.268941$. The row (3, 1, -3) gives 0.878878, 0.118943, 0.002179.
#
# <details><summary>Hint 1, extreme logits</summary>
#
# Which constant can you take from a row so that no exponential overflows and at least one of them is not 0?
# </details>
# <details><summary>Hint 2, rows</summary>
#
# Take each row's own largest logit from that row. One maximum for the whole array is not enough: try the rows (400, 399) and
# (-400, -401) together.
# </details>
# <details><summary>Hint 3, shapes and input</summary>
#
# `z.max(axis=1, keepdims=True)` has shape (N, 1) and broadcasts over the columns; so does a sum with `keepdims=True`. Make a new
# array: `z -= ...` would change the caller's logits.
# </details>


# %% nbgrader={"grade_id": "softmax"}
def softmax(z: np.ndarray) -> np.ndarray:
    """The softmax of each row.

    z: logits (N, C), float64, any finite size. Returns probabilities (N, C); every row is positive (up to underflow) and
    sums to 1. Bridle 1990.
    """
    ### BEGIN SOLUTION
    weights = np.exp(z - z.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)
    ### END SOLUTION


# %% nbgrader={"grade_id": "test_softmax_values", "points": 2}
# Ordinary logits.
_p = softmax(np.array([[3.0, 1.0, -3.0], [0.0, 0.0, 0.0]]))
_expected = [[0.8788782427321509, 0.118943235850698, 0.0021785214171510764], [1 / 3, 1 / 3, 1 / 3]]
checks.array(_p, _expected, "softmax([[3, 1, -3], [0, 0, 0]])", rtol=1e-7, atol=1e-14)
checks.public_passed("softmax: values")
### BEGIN HIDDEN TESTS
_z = np.random.default_rng(23).normal(size=(7, 4)) * 3
checks.array(
    softmax(_z.copy()), torch.softmax(torch.tensor(_z), 1), "softmax of logits (7, 4)", rtol=1e-7, atol=1e-14
)
_small = np.exp(-23.0) / (1 + np.exp(-23.0))  # 1.03e-10: a probability that is added to or cut off shows
checks.array(
    softmax(np.array([[23.0, 0.0]])), [[1 - _small, _small]], "softmax([[23, 0]])", rtol=1e-7, atol=1e-14
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_softmax_rows", "points": 1}
# Each row on its own: square batches, a single row, two classes.
_z = np.array([[1.0, 2.0], [5.0, 5.0], [2.0, 1.0]])
_expected = [[1 / (1 + np.e), np.e / (1 + np.e)], [0.5, 0.5], [np.e / (1 + np.e), 1 / (1 + np.e)]]
checks.array(softmax(_z), _expected, "softmax([[1, 2], [5, 5], [2, 1]])", rtol=1e-7, atol=1e-14)
checks.array(
    softmax(np.array([[2.0, 2.0, 2.0, 2.0]])), [[0.25] * 4], "softmax of one row of four equal logits"
)
checks.public_passed("softmax: rows")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(24)
for _shape in ((5, 5), (1, 6), (6, 1), (9, 2)):
    _z = _rng.normal(size=_shape) * 2 + _rng.normal(size=(_shape[0], 1)) * 5
    _expected = torch.softmax(torch.tensor(_z), 1)
    checks.array(softmax(_z.copy()), _expected, f"softmax of logits {_shape}", rtol=1e-7, atol=1e-14)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_softmax_extreme", "points": 2}
# Logits far from 0, in both directions and in one batch.
_p = softmax(np.array([[1001.0, 1000.0], [-1000.0, -1001.0], [0.0, 2000.0]]))
_expected = [[np.e / (1 + np.e), 1 / (1 + np.e)], [np.e / (1 + np.e), 1 / (1 + np.e)], [0, 1]]
checks.array(_p, _expected, "softmax([[1001, 1000], [-1000, -1001], [0, 2000]])", rtol=1e-7, atol=1e-14)
checks.public_passed("softmax: extreme logits")
### BEGIN HIDDEN TESTS
for _z in (
    [[-1000.0, -1001.0, -1003.0]],
    [[0.0, -2000.0, -2000.0]],
    [[1000.0, -1000.0, 999.0]],
    [[-1000.0, 999.0, 1000.0], [0.0, 800.0, 0.0]],
    [[-2.0, 2.0, -1000.0], [999.0, 1000.0, 1000.0]],
    [[400.0, 399.0], [-400.0, -401.0]],
    [[-800.0, -800.0, -801.0], [1.0, 2.0, 3.0]],
    [[20000.0, 20002.0], [-20000.0, -20000.5], [0.25, 0.0]],
):
    _z = np.array(_z)
    _expected = torch.softmax(torch.tensor(_z), 1)
    checks.array(softmax(_z.copy()), _expected, f"softmax({_z.tolist()})", rtol=1e-7, atol=1e-14)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_softmax_inputs", "points": 1}
# The logits stay as they were.
_z = np.array([[3.0, 1.0, -3.0], [1.0, 2.0, 4.0]])
_before = _z.copy()
softmax(_z)
checks.unchanged(_before, _z, "z")
checks.public_passed("softmax: input unchanged")
### BEGIN HIDDEN TESTS
_z = np.random.default_rng(25).normal(size=(4, 3)) * 100
_before = _z.copy()
softmax(_z)
checks.unchanged(_before, _z, "z")
### END HIDDEN TESTS

# %% [markdown] nbgrader={"grade_id": "cross_entropy_statement"}
# ## Exercise 3: cross-entropy and its gradient
#
# `cross_entropy` &nbsp;·&nbsp; 8 points &nbsp;·&nbsp; 25 minutes &nbsp;·&nbsp; difficulty 3 of 5
#
# For logits $z$ of shape (N, C) and labels $y$ of shape (N,), integers from 0 to C - 1, with $p$ = softmax of the rows of $z$:
#
# $$L = -\frac{1}{N} \sum_{n=1}^{N} \ln p_{n, y_n},
# \qquad \frac{\partial L}{\partial z_{nc}} = \frac{p_{nc} - [\,c = y_n\,]}{N}.$$
#
# Return both, the loss (in nats, the mean over the N rows) and its gradient with respect to the **logits** (N, C). This is
# `torch.nn.functional.cross_entropy` with its default reduction. Logits of $\pm 1000$ must give the exact loss, not infinity and
# not a number that was cut off.
#
# **By hand.** z = [[0, 0, 0], [0, ln 2, 0]] and y = [0, 1]: the rows of p are (1/3, 1/3, 1/3) and (1/4, 1/2, 1/4), so
# L = (ln 3 + ln 2)/2 = 0.895880, and the gradient is half of p - t: [[-1/3, 1/6, 1/6], [1/8, -1/4, 1/8]].
# z = [[1000, 0, 0], [0, 1000, 0]] and y = [1, 1]: in the first row $\ln p_1 = 0 - \ln(e^{1000} + 2) = -1000$, in the second
# $\ln p_1 = 0$, so L = 500, and the gradient is [[1/2, -1/2, 0], [0, 0, 0]].
#
# <details><summary>Hint 1, loss</summary>
#
# `p[np.arange(N), y]` picks one entry per row. `p[:, y]` picks whole columns: an (N, N) array.
# </details>
# <details><summary>Hint 2, extreme logits</summary>
#
# By the time p has underflowed to 0 its logarithm is lost, and adding a small number to p only hides that. Take the logarithm on
# paper: $\ln p_{ny} = z_{ny} - \ln \sum_k e^{z_{nk}}$.
# </details>
# <details><summary>Hint 3, both</summary>
#
# With M the row's largest logit, $\ln \sum_k e^{z_k} = M + \ln \sum_k e^{z_k - M}$. Compute `log_p` of shape (N, C) this way
# once; then `np.exp(log_p)` is softmax, and for the gradient take 1 from one entry of each row and divide by N.
# </details>


# %% nbgrader={"grade_id": "cross_entropy"}
def cross_entropy(z: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
    """Mean negative log-likelihood of the labels under softmax, in nats, and its gradient with respect to the logits.

    z: logits (N, C), float64, any finite size. y: labels (N,), integers in 0 .. C - 1. Returns (loss, gradient (N, C)).
    The gradient is (softmax(z) - onehot(y)) / N (Bridle 1990).
    """
    ### BEGIN SOLUTION
    rows = np.arange(len(y))
    shifted = z - z.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    gradient = np.exp(log_p)
    gradient[rows, y] -= 1
    return float(-log_p[rows, y].mean()), gradient / len(y)
    ### END SOLUTION


# %% nbgrader={"grade_id": "test_cross_entropy_loss", "points": 2}
# The loss: negative log-likelihood in nats, the mean over the rows.
_names = ("loss", "gradient")
_z = np.array([[0.0, 0.0, 0.0], [0.0, np.log(2), 0.0]])
_loss, _ = checks.items(cross_entropy(_z, np.array([0, 1])), _names)
checks.number(_loss, np.log(6) / 2, "the loss at z = [[0, 0, 0], [0, ln 2, 0]], y = [0, 1]")
_z = np.array([[3.0, 1.0, -3.0], [1.0, 2.0, 4.0]])  # rows that differ: one probability of each counts
_loss, _ = checks.items(cross_entropy(_z, np.array([0, 2])), _names)
checks.number(_loss, (0.1291089088 + 0.1698460196) / 2, "the loss at z = [[3, 1, -3], [1, 2, 4]], y = [0, 2]")
checks.public_passed("cross_entropy: loss")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(26)
for _N, _C in ((6, 3), (3, 7), (4, 4), (1, 5), (5, 1), (8, 2)):
    _z, _y = _rng.normal(size=(_N, _C)) * 3, _rng.integers(0, _C, _N)
    _expected = torch.nn.functional.cross_entropy(torch.tensor(_z), torch.tensor(_y))
    _loss, _ = checks.items(cross_entropy(_z.copy(), _y.copy()), _names)
    checks.number(_loss, float(_expected), f"the loss of logits {_z.shape}")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_cross_entropy_gradient", "points": 2}
# The gradient with respect to the logits, of the mean and not of the sum.
_names = ("loss", "gradient")
_z = np.array([[0.0, 0.0, 0.0], [0.0, np.log(2), 0.0]])
_, _gradient = checks.items(cross_entropy(_z, np.array([0, 1])), _names)
_expected = [[-1 / 3, 1 / 6, 1 / 6], [1 / 8, -1 / 4, 1 / 8]]
checks.array(_gradient, _expected, "the gradient at z = [[0, 0, 0], [0, ln 2, 0]], y = [0, 1]")
_, _gradient = checks.items(cross_entropy(np.zeros((2, 4)), np.array([3, 1])), _names)
_expected = [[0.125, 0.125, 0.125, -0.375], [0.125, -0.375, 0.125, 0.125]]
checks.array(_gradient, _expected, "the gradient at eight zeros, y = [3, 1]")
checks.public_passed("cross_entropy: gradient")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(27)
for _N, _C in ((6, 3), (3, 7), (4, 4), (1, 5), (5, 1), (8, 2)):
    _z, _y = _rng.normal(size=(_N, _C)) * 3, _rng.integers(0, _C, _N)
    _tensor = torch.tensor(_z, requires_grad=True)
    torch.nn.functional.cross_entropy(_tensor, torch.tensor(_y)).backward()
    _, _gradient = checks.items(cross_entropy(_z.copy(), _y.copy()), _names)
    checks.array(_gradient, _tensor.grad, f"the gradient for logits {_z.shape}")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_cross_entropy_extreme", "points": 3}
# Logits of ±1000: the exact loss, however wrong the classifier is.
_names = ("loss", "gradient")
_z = np.array([[1000.0, 0.0, 0.0], [0.0, 1000.0, 0.0]])
_loss, _gradient = checks.items(cross_entropy(_z, np.array([1, 1])), _names)
checks.number(_loss, 500.0, "the loss at z = [[1000, 0, 0], [0, 1000, 0]], y = [1, 1]")
_expected = [[0.5, -0.5, 0], [0, 0, 0]]
checks.array(_gradient, _expected, "the gradient at z = [[1000, 0, 0], [0, 1000, 0]], y = [1, 1]")
checks.public_passed("cross_entropy: extreme logits")
### BEGIN HIDDEN TESTS
for _z, _y, _expected, _grad in (
    ([[1000.0, 0.0]], [1], 1000.0, [[1, -1]]),
    ([[1000.0, -1000.0, 0.0]], [1], 2000.0, [[1, -1, 0]]),
    ([[-1000.0, 1000.0]], [1], 0.0, [[0, 0]]),
    ([[-1000.0, -1000.0, -1000.0, -1000.0]], [2], np.log(4), [[0.25, 0.25, -0.75, 0.25]]),
    ([[40.0, 0.0]], [1], 40.0, [[1, -1]]),  # p + 1e-12, or p cut off at 1e-12, gives 27.6
    ([[900.0, 900.0], [-900.0, -900.0]], [0, 1], np.log(2), [[-0.25, 0.25], [0.25, -0.25]]),
    ([[1000.0, 0.0, 0.0], [-1000.0, 0.0, -1000.0]], [2, 0], 1000.0, [[0.5, 0, -0.5], [-0.5, 0.5, 0]]),
):
    _loss, _gradient = checks.items(cross_entropy(np.array(_z), np.array(_y)), _names)
    checks.number(_loss, _expected, f"the loss at z = {_z}, y = {_y}")
    checks.array(_gradient, _grad, f"the gradient at z = {_z}, y = {_y}")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_cross_entropy_inputs", "points": 1}
# Logits and labels stay as they were.
_z, _y = np.array([[3.0, 1.0, -3.0], [1.0, 2.0, 4.0]]), np.array([2, 0])
cross_entropy(_z, _y)
checks.unchanged(np.array([[3.0, 1.0, -3.0], [1.0, 2.0, 4.0]]), _z, "z")
checks.unchanged(np.array([2, 0]), _y, "y")
checks.public_passed("cross_entropy: inputs unchanged")
### BEGIN HIDDEN TESTS
_z, _y = np.random.default_rng(28).normal(size=(5, 4)) * 50, np.array([0, 1, 2, 3, 3])
_before = _z.copy()
cross_entropy(_z, _y)
checks.unchanged(_before, _z, "z")
checks.unchanged(np.array([0, 1, 2, 3, 3]), _y, "y")
### END HIDDEN TESTS

# %% [markdown] nbgrader={"grade_id": "mse_softmax_grad_statement"}
# ## Exercise 4: the gradient that stalls
#
# `mse_softmax_grad` &nbsp;·&nbsp; 8 points &nbsp;·&nbsp; 25 minutes &nbsp;·&nbsp; difficulty 3 of 5
#
# Keep softmax and change the loss to the squared error against one-hot targets $t_{nc} = [\,c = y_n\,]$. The convention is the
# sum over classes and the mean over rows:
#
# $$L = \frac{1}{N} \sum_{n=1}^{N} \sum_{c=1}^{C} (p_{nc} - t_{nc})^2 .$$
#
# (`torch.nn.functional.mse_loss` divides by N·C instead.) Return the gradient of $L$ with respect to the **logits** $z$, shape
# (N, C). The logits may be as large as $\pm 1000$.
#
# **By hand.** z = [[0, 0, 0], [0, ln 2, 0]], y = [0, 1]. The rows of p are (1/3, 1/3, 1/3) and (1/4, 1/2, 1/4), and
# $\partial L / \partial p$ = 2(p - t)/2 is (-2/3, 1/3, 1/3) and (1/4, -1/2, 1/4). With $\partial p_i / \partial z_j = p_i ([\,i = j\,] - p_j)$
# the gradient is [[-2/9, 1/9, 1/9], [3/32, -3/16, 3/32]]. Each row points as cross-entropy's does, at two thirds and three quarters of its length.
# At z = [[-2, 2, -1000]], y = [0] they part: (-0.0694, 0.0694, 0) here, (-0.982, 0.982, 0) there.
#
# <details><summary>Hint 1, values</summary>
#
# Moving one logit moves all the probabilities of its row. So the chain rule is a sum over the classes of that row,
# $\partial L / \partial z_j = \sum_i \partial L / \partial p_i \cdot \partial p_i / \partial z_j$.
# </details>
# <details><summary>Hint 2, values</summary>
#
# Write $g_i = \partial L / \partial p_i$ and put the Jacobian of softmax in: two terms are left, one with $p_j g_j$ and one with
# $p_j$ times a sum over the row.
# </details>
# <details><summary>Hint 3, batches</summary>
#
# $\partial L / \partial z_j = p_j \, \bigl(g_j - \sum_i p_i g_i\bigr)$: the gradient, less its own mean under p, times p. The sum
# is one number per row: keep its axis. And g carries the 2 and the 1/N.
# </details>


# %% nbgrader={"grade_id": "mse_softmax_grad"}
def mse_softmax_grad(z: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The gradient, with respect to the logits, of the squared error between softmax and one-hot targets.

    z: logits (N, C), float64, any finite size. y: labels (N,), integers in 0 .. C - 1. The loss is the mean over the N rows
    of the sum over classes of (softmax(z) - onehot(y))^2. Returns (N, C).
    """
    ### BEGIN SOLUTION
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    g = 2 * (p - np.eye(z.shape[1])[y]) / len(y)
    return p * (g - (p * g).sum(axis=1, keepdims=True))
    ### END SOLUTION


# %% nbgrader={"grade_id": "test_mse_softmax_grad_values", "points": 3}
# One row at a time: three classes and more.
_gradient = mse_softmax_grad(np.array([[0.0, 0.0, 0.0]]), np.array([1]))
checks.array(_gradient, [[2 / 9, -4 / 9, 2 / 9]], "the gradient at z = [[0, 0, 0]], y = [1]")
_gradient = mse_softmax_grad(np.array([[-2.0, 2.0, -1000.0]]), np.array([0]))
_pull = 4 / (1 + np.exp(4)) / (1 + np.exp(-4)) ** 2  # 4 p_1 p_2^2
_expected = [[-_pull, _pull, 0]]
checks.array(_gradient, _expected, "the gradient at z = [[-2, 2, -1000]], y = [0]")
checks.public_passed("mse_softmax_grad: values")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(29)
for _C in (3, 4, 6, 2, 10):
    _z, _y = _rng.normal(size=(1, _C)) * 2, _rng.integers(0, _C, 1)
    _tensor = torch.tensor(_z, requires_grad=True)
    _target = torch.nn.functional.one_hot(torch.tensor(_y), _C)
    ((torch.softmax(_tensor, 1) - _target) ** 2).sum(1).mean().backward()
    checks.array(mse_softmax_grad(_z.copy(), _y.copy()), _tensor.grad, f"the gradient for logits {_z.shape}")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_mse_softmax_grad_batch", "points": 2}
# Several rows: the mean over rows, the sum over classes, and no row meddles with another.
_gradient = mse_softmax_grad(np.zeros((2, 3)), np.array([1, 0]))
_expected = [[1 / 9, -2 / 9, 1 / 9], [-2 / 9, 1 / 9, 1 / 9]]
checks.array(_gradient, _expected, "the gradient at six zeros, y = [1, 0]")
checks.public_passed("mse_softmax_grad: batches")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(30)
for _N, _C in ((6, 3), (3, 7), (4, 4), (5, 1), (8, 2)):
    _z, _y = _rng.normal(size=(_N, _C)) * 3, _rng.integers(0, _C, _N)
    _tensor = torch.tensor(_z, requires_grad=True)
    _target = torch.nn.functional.one_hot(torch.tensor(_y), _C)
    ((torch.softmax(_tensor, 1) - _target) ** 2).sum(1).mean().backward()
    checks.array(mse_softmax_grad(_z.copy(), _y.copy()), _tensor.grad, f"the gradient for logits {_z.shape}")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_mse_softmax_grad_extreme", "points": 2}
# Large logits. Certain and wrong: no gradient at all. That is the plateau of the lecture.
_z = np.array([[1000.0, 999.0], [-1000.0, -1000.0], [-1000.0, 1000.0]])
_gradient = mse_softmax_grad(_z, np.array([0, 1, 0]))
_pull = 4 * np.e / (1 + np.e) ** 3 / 3  # 4 p_1 p_2^2 / N
_expected = [[-_pull, _pull], [1 / 6, -1 / 6], [0, 0]]
checks.array(
    _gradient, _expected, "the gradient at z = [[1000, 999], [-1000, -1000], [-1000, 1000]], y = [0, 1, 0]"
)
checks.public_passed("mse_softmax_grad: extreme logits")
### BEGIN HIDDEN TESTS
for _z, _y in (
    ([[-1000.0, 1000.0]], [0]),
    ([[-1000.0, -1001.0, -1002.0]], [2]),
    ([[1000.0, 1000.0, -1000.0], [0.5, -0.5, 1.5]], [0, 1]),
    ([[-2.0, 2.0, -1000.0], [400.0, 401.0, 399.0], [-401.0, -400.0, -400.5]], [0, 2, 1]),
    ([[-8.0, 8.0, -1000.0]], [0]),
):
    _tensor = torch.tensor(_z, dtype=torch.float64, requires_grad=True)
    _target = torch.nn.functional.one_hot(torch.tensor(_y), len(_z[0]))
    ((torch.softmax(_tensor, 1) - _target) ** 2).sum(1).mean().backward()
    checks.array(
        mse_softmax_grad(np.array(_z), np.array(_y)), _tensor.grad, f"the gradient at z = {_z}, y = {_y}"
    )
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_mse_softmax_grad_inputs", "points": 1}
# Logits and labels stay as they were.
_z, _y = np.array([[3.0, 1.0, -3.0], [1.0, 2.0, 4.0]]), np.array([2, 0])
mse_softmax_grad(_z, _y)
checks.unchanged(np.array([[3.0, 1.0, -3.0], [1.0, 2.0, 4.0]]), _z, "z")
checks.unchanged(np.array([2, 0]), _y, "y")
checks.public_passed("mse_softmax_grad: inputs unchanged")
### BEGIN HIDDEN TESTS
_z, _y = np.random.default_rng(31).normal(size=(5, 4)) * 50, np.array([0, 1, 2, 3, 3])
_before = _z.copy()
mse_softmax_grad(_z, _y)
checks.unchanged(_before, _z, "z")
checks.unchanged(np.array([0, 1, 2, 3, 3]), _y, "y")
### END HIDDEN TESTS

# %% [markdown] nbgrader={"grade_id": "payoff"}
# ## The payoff: two gradients, one bad start
#
# Now your two gradients train the same classifier: handwritten digits, ten classes, logits $z = X W$. Both start from the same
# weights, drawn ten times too large, so the classifier begins certain and mostly wrong. The rest is equal, except that squared
# error gets a learning rate five times as large: at equal logits its gradient is 2/C = 1/5 of the other.
#
# **Predict.** Before you run the cells: where will each classifier be after 300 steps, between 10 % (chance) and 100 %?

# %% tags=["explore"]
from trainlab import data, plots

digits = data.digits(1000)
X = np.hstack([digits.inputs, np.ones((1000, 1))])  # the last column is the bias
start = 10 * np.random.default_rng(0).normal(size=(65, 10)) / np.sqrt(65)


def train(logit_gradient, lr, steps=300):
    """Accuracy on the training set before each step of gradient descent."""
    W, accuracy = start.copy(), []
    for _ in range(steps):
        z = X @ W
        accuracy.append(np.mean(z.argmax(axis=1) == digits.labels))
        W = W - lr * X.T @ logit_gradient(z, digits.labels)
    return np.array(accuracy)


by_cross_entropy = train(lambda z, y: cross_entropy(z, y)[1], lr=0.5)
by_squared_error = train(mse_softmax_grad, lr=2.5)

# %% tags=["explore"]
steps = np.arange(300)
plots.show(
    plots.lines(
        plots.Curve(steps, 100 * by_cross_entropy, "cross-entropy"),
        plots.Curve(steps, 100 * by_squared_error, "squared error"),
        xlabel="step",
        ylabel="accuracy on the training set (%)",
        title="The same start, the same network, two gradients",
        ylim=(0, 100),
    ),
    alt=(
        f"From the same start, accuracy under cross-entropy rises to {100 * by_cross_entropy[-1]:.0f} % in 300 steps; "
        f"under squared error it reaches {100 * by_squared_error[-1]:.0f} %."
    ),
)

# %% [markdown] nbgrader={"grade_id": "payoff_seen"}
# <details><summary>What to see</summary>
#
# Both begin at 10 %, which is chance. After 300 steps cross-entropy reads 92 % and squared error 58 %: half of the rows gave their right class less than
# four millionths at the start, and $p_y$ is a factor of every force of squared error on that class's logit.
#
# </details>

# %% [markdown] nbgrader={"grade_id": "written_plateau_question"}
# ## Exercise 5: in your own words
#
# 4 points &nbsp;·&nbsp; 10 minutes &nbsp;·&nbsp; difficulty 2 of 5
#
# A colleague trains a ten-class softmax classifier with squared error against one-hot targets (sum over classes, mean over
# rows). The loss has stood at 1.8 for a thousand steps and the norm of the gradient is 1e-7. "The gradient is zero, so this is a
# local minimum; the network is too small." In five or six sentences: what do you think has happened, which number would you print
# to find out, what would you change, and would a thousand times larger learning rate do as well?

# %% [markdown] nbgrader={"grade_id": "written_plateau", "points": 4}
# A sum over classes of 1.8 is close to 2, the loss of a row that is certain of a wrong class: about nine rows in ten are
# confidently wrong. There the gradient with respect to the logits carries the factor $p_y$, the probability of the right class,
# because every entry of softmax's Jacobian in that row does: it is a plateau, not a minimum, and small gradients do not tell the
# two apart. I would print the median of $p_y$, or of the gap between the largest logit and the logit of the label: a gap of 15
# means a factor of $e^{-15} = 3 \cdot 10^{-7}$. I would change the loss to cross-entropy, whose gradient $p - t$ has no such
# factor and is as large as it can be exactly there (or start from smaller weights, so that no row begins certain). A learning
# rate a thousand times larger would help at one gap only: the factor is exponential in the gap, so rows with a gap of 25 would
# still not move, and rows that do move would be thrown far across.
#
# *Marking (4 points).* 1: plateau and not minimum, with the reason that wrong and certain rows have vanishing gradient (softmax's
# Jacobian, a factor of the probability of the label). 1: a number that would show it ($p_y$ or the gap of the logits; the
# curvature or the size of the loss per row also count). 1: cross-entropy (or a smaller start), with the reason that its gradient
# does not vanish there. 1: the learning rate cannot do it, because the factor is exponential in the gap and differs from row
# to row.
