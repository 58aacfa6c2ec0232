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
# # Assignment 8: conditioning
#
# You prepare inputs as a network wants them, without looking at the test rows; find the largest curvature of a loss without its
# Hessian; and give every weight its own rate. At the end one network reads digits that you prepared in four ways, each at
# the rate that your own function found.
#
# Read the lecture first: [What do the inputs do to the surface?](../../lectures/08_conditioning.ipynb)
#
# | | exercise | points | minutes | difficulty |
# |---|---|---|---|---|
# | 1 | `standardize`: mean 0, spread 1, no leak | 6 | 15 | 2 of 5 |
# | 2 | `pca_whiten`: decorrelate, then equalise | 7 | 25 | 3 of 5 |
# | 3 | `dominant_eigenvalue`: a curvature without a Hessian | 6 | 25 | 3 of 5 |
# | 4 | `diag_lm_learning_rates`: a rate for each weight | 4 | 10 | 1 of 5 |
# | | the payoff: your functions at work | - | 10 | - |
# | 5 | whose statistics? in words | 3 | 15 | 3 of 5 |
# | | **sum** | **26** | **100** | |
#
# Write your code where a cell says so and run the cells below it: the visible checks answer at once, and hidden checks of
# the same aspects follow at grading. NumPy or PyTorch, loops or array expressions: any right way is accepted. All numbers
# are float64. A function must leave its arguments as they are.

# %% nbgrader={"grade_id": "setup"}
from collections.abc import Callable

import numpy as np
import torch

from trainlab import checks

# %% [markdown] nbgrader={"grade_id": "standardize_statement"}
# ## Exercise 1: mean 0, spread 1, no leak
#
# `standardize` &nbsp;·&nbsp; 6 points &nbsp;·&nbsp; 15 minutes &nbsp;·&nbsp; difficulty 2 of 5
#
# Every input (a column) is to have mean 0 and standard deviation 1 over the **training rows**. The test rows go through the very same
# map, with the numbers of the training rows: they stand for data that do not exist yet.
#
# $$z_{kj} = \frac{x_{kj} - m_j}{s_j}, \qquad m_j = \frac1N \sum_{k \in \text{train}} x_{kj}, \qquad
# s_j^2 = \frac1N \sum_{k \in \text{train}} (x_{kj} - m_j)^2$$
#
# **Convention.** The population's standard deviation: divide by $N$, not by $N - 1$. A column that has one and the same value in all rows of
# both sets has no spread; it becomes 0 in both.
#
# **Shapes.** `Xtr` is $(N, d)$ and `Xte` is $(M, d)$; $N \ge 2$, $M \ge 1$, and $M$ need not be $N$. Return the tuple `(Ztr, Zte)` of the same shapes.
#
# **Example.** $N = 3$, $M = 1$, $d = 2$. The first column has mean 2 and $s^2 = (4 + 0 + 4)/3$; the second is constant:
#
# $$X_{\text{train}} = \begin{pmatrix} 0 & 7 \\ 2 & 7 \\ 4 & 7 \end{pmatrix}, \;
# X_{\text{test}} = \begin{pmatrix} 6 & 7 \end{pmatrix} \;\longrightarrow\;
# Z_{\text{train}} = \begin{pmatrix} -1.2247 & 0 \\ 0 & 0 \\ 1.2247 & 0 \end{pmatrix}, \;
# Z_{\text{test}} = \begin{pmatrix} 2.4495 & 0 \end{pmatrix}$$
#
# <details><summary>Hint 1, values</summary>Statistics are taken down the rows, one number for each column: <code>axis=0</code>. What does <code>ddof</code> of <code>np.std</code> default to, and what that of <code>torch.std</code>?</details>
# <details><summary>Hint 2, the test rows</summary>Count how many means you compute. One for each column is enough for both sets.</details>
# <details><summary>Hint 3, constant columns</summary>Zero over zero is nan. If you divide such a column by 1 in place of 0, what comes out?</details>


# %% nbgrader={"grade_id": "standardize"}
def standardize(Xtr: np.ndarray, Xte: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both sets with the training rows' mean taken off and divided by their standard deviation (LeCun et al. 1998).

    Xtr: (N, d), N >= 2, and Xte: (M, d): examples in rows. Returns (Ztr, Zte) of the same shapes.
    The standard deviation is the population's (ddof 0). A constant column becomes 0.
    """
    ### BEGIN SOLUTION
    mean, spread = Xtr.mean(axis=0), Xtr.std(axis=0)
    spread = np.where(np.ptp(Xtr, axis=0) > 0, spread, 1.0)
    return (Xtr - mean) / spread, (Xte - mean) / spread
    ### END SOLUTION


# %% nbgrader={"grade_id": "test_standardize_values", "points": 2}
# The training rows, without constant columns.
_Xtr = np.array([[0.0, 30.0, -1.0], [2.0, 10.0, 5.0], [4.0, 20.0, -1.0], [6.0, 60.0, 1.0]])
_Ztr, _ = checks.items(standardize(_Xtr.copy(), _Xtr[:1].copy()), ("Ztr", "Zte"))
_Ztr = checks.array(_Ztr, (_Xtr - [3, 30, 1]) / np.sqrt([5, 350, 6]), "Ztr")
checks.public_passed("standardize: values")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(801)
for _N, _M, _d in [(2, 1, 3), (5, 2, 1), (7, 3, 4), (4, 9, 6), (300, 5, 2)]:
    _Xtr = _rng.normal(size=(_N, _d)) * _rng.uniform(0.01, 100, size=_d) + _rng.normal(size=_d)
    _Xte = _rng.normal(size=(_M, _d))
    _columns = []
    for _column in _Xtr.T.tolist():
        _mean = sum(_column) / _N
        _square = sum((_x - _mean) ** 2 for _x in _column) / _N
        _columns.append([(_x - _mean) / _square**0.5 for _x in _column])
    _Ztr, _ = checks.items(standardize(_Xtr.copy(), _Xte.copy()), ("Ztr", "Zte"))
    checks.array(_Ztr, np.array(_columns).T, f"Ztr of {_N} rows and {_d} columns")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_standardize_test_rows", "points": 2}
# The test rows go through the map that the training rows went through, whatever that is.
_Xtr = np.array([[0.0, 30.0, -1.0], [2.0, 10.0, 5.0], [4.0, 20.0, -1.0], [6.0, 60.0, 1.0]])
_Xte = np.array([[103.0, 30.0, 2.0], [108.0, 50.0, 8.0]])
_Ztr, _Zte = checks.items(standardize(_Xtr.copy(), _Xte.copy()), ("Ztr", "Zte"))
_Ztr, _Zte = checks.finite(_Ztr, "Ztr", _Xtr.shape), checks.finite(_Zte, "Zte", _Xte.shape)
_slope = (_Ztr[1] - _Ztr[0]) / (_Xtr[1] - _Xtr[0])
_Zte = checks.array(_Zte, _Ztr[0] + _slope * (_Xte - _Xtr[0]), "Zte, by the map from Xtr to your Ztr,")
checks.public_passed("standardize: test rows")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(802)
for _N, _M, _d in [(2, 1, 3), (5, 2, 1), (7, 3, 4), (4, 90, 6), (30, 30, 2)]:
    _Xtr = _rng.normal(size=(_N, _d)) * _rng.uniform(0.1, 10, size=_d)
    _Xte = 5 + 3 * _rng.normal(size=(_M, _d))
    _Ztr, _Zte = checks.items(standardize(_Xtr.copy(), _Xte.copy()), ("Ztr", "Zte"))
    _Ztr, _Zte = checks.finite(_Ztr, "Ztr", _Xtr.shape), checks.finite(_Zte, "Zte", _Xte.shape)
    _low, _high = _Xtr.argmin(axis=0), _Xtr.argmax(axis=0)
    _at = np.arange(_d)
    _slope = (_Ztr[_high, _at] - _Ztr[_low, _at]) / (_Xtr[_high, _at] - _Xtr[_low, _at])
    _there = _Ztr[_low, _at] + _slope * (_Xte - _Xtr[_low, _at])
    checks.array(_Zte, _there, f"Zte of {_M} rows, by the map from Xtr to your Ztr,", rtol=1e-6, atol=1e-8)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_standardize_constant", "points": 1}
# A column without spread becomes 0 in both sets, without a warning's nan.
with np.errstate(all="ignore"):
    _result = standardize(np.array([[0.0, 7.0], [2.0, 7.0], [4.0, 7.0]]), np.array([[6.0, 7.0]]))
_Ztr, _Zte = checks.items(_result, ("Ztr", "Zte"))
_Ztr, _Zte = checks.finite(_Ztr, "Ztr", (3, 2)), checks.finite(_Zte, "Zte", (1, 2))
_Ztr = checks.array(_Ztr[:, 1], np.zeros(3), "the constant column of Ztr")
_Zte = checks.array(_Zte[:, 1], np.zeros(1), "the constant column of Zte")
checks.public_passed("standardize: constant columns")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(803)
for _N, _M, _constants in [(4, 3, (0.0, -3.0)), (8, 1, (16.0, 0.0)), (2, 5, (-1024.0, 1.0))]:
    _Xtr, _Xte = _rng.normal(size=(_N, 5)), _rng.normal(size=(_M, 5))
    _Xtr[:, [1, 4]], _Xte[:, [1, 4]] = _constants, _constants
    with np.errstate(all="ignore"):
        _Ztr, _Zte = checks.items(standardize(_Xtr.copy(), _Xte.copy()), ("Ztr", "Zte"))
    _Ztr, _Zte = checks.finite(_Ztr, "Ztr", _Xtr.shape), checks.finite(_Zte, "Zte", _Xte.shape)
    checks.array(_Ztr[:, [1, 4]], np.zeros((_N, 2)), "the constant columns of Ztr")
    checks.array(_Zte[:, [1, 4]], np.zeros((_M, 2)), "the constant columns of Zte")
    checks.between(
        np.abs(_Ztr[:, [0, 2, 3]]).max(), 0.5, 10.0, "the largest entry of the other columns of Ztr"
    )
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_standardize_clean", "points": 1}
# A call leaves its arguments alone, and remembers nothing.
_Xtr, _Xte = np.array([[0.0, 30.0], [2.0, 10.0], [4.0, 20.0]]), np.array([[103.0, 30.0]])
_kept = _Xtr.copy(), _Xte.copy()
_first = checks.items(standardize(_Xtr, _Xte), ("Ztr", "Zte"))
checks.unchanged(_kept[0], _Xtr, "Xtr")
checks.unchanged(_kept[1], _Xte, "Xte")
checks.public_passed("standardize: clean calls")
### BEGIN HIDDEN TESTS
standardize(np.array([[1.0, 2.0], [5.0, 1.0]]), np.array([[0.0, 0.0]]))
_again = checks.items(standardize(_Xtr, _Xte), ("Ztr", "Zte"))
for _before, _after, _name in zip(_first, _again, ("Ztr", "Zte"), strict=True):
    checks.array(_after, checks.finite(_before, _name), f"{_name} of the same question, asked again,")
for _N, _M in [(3, 3), (6, 1)]:
    _Xtr, _Xte = np.arange(4.0 * _N).reshape(_N, 4) ** 2, -np.arange(4.0 * _M).reshape(_M, 4)
    _kept = _Xtr.copy(), _Xte.copy()
    standardize(_Xtr, _Xte)
    checks.unchanged(_kept[0], _Xtr, "Xtr")
    checks.unchanged(_kept[1], _Xte, "Xte")
### END HIDDEN TESTS

# %% [markdown] nbgrader={"grade_id": "pca_whiten_statement"}
# ## Exercise 2: decorrelate, then equalise
#
# `pca_whiten` &nbsp;·&nbsp; 7 points &nbsp;·&nbsp; 25 minutes &nbsp;·&nbsp; difficulty 3 of 5
#
# Standardised inputs may still be correlated, and a correlated surface is a slanted valley. PCA whitening turns the inputs onto the
# principal axes of the training rows, and then divides each new column by its standard deviation. With the mean $m$ and the covariance
# $C = V \Lambda V^\top$ of the training rows:
#
# $$Z = (X - m)\, W, \qquad W = V \Lambda^{-1/2} \qquad\Longrightarrow\qquad
# \tfrac1N Z_{\text{train}}^\top Z_{\text{train}} = I$$
#
# **Convention.** $C$ divides by $N$. The columns of $W$ are the principal axes, so they are orthogonal to each other; their order and their signs are yours.
# (Other maps whiten too: $V \Lambda^{-1/2} V^\top$ turns back afterwards. It is not asked for here.) The test rows go through the same map, with
# the $m$ and $W$ of the training rows.
#
# **Shapes.** `Xtr` is $(N, d)$ with $N > d$ and $C$ of full rank; `Xte` is $(M, d)$, $M \ge 1$. Return `(Ztr, Zte)` of the same shapes.
#
# **Example.** Four rows of two inputs with the mean (1, 0). The deviations are (4, 4), (−4, −4), (2, −2), (−2, 2), so
# $C = \begin{pmatrix} 10 & 6 \\ 6 & 10 \end{pmatrix}$, with the axes $(1, 1)/\sqrt2$, $\lambda = 16$, and $(1, -1)/\sqrt2$, $\lambda = 4$:
#
# $$X_{\text{train}} = \begin{pmatrix} 5 & 4 \\ -3 & -4 \\ 3 & -2 \\ -1 & 2 \end{pmatrix}, \quad
# W = \frac{1}{\sqrt2} \begin{pmatrix} 1/4 & 1/2 \\ 1/4 & -1/2 \end{pmatrix}, \quad
# Z_{\text{train}} = \begin{pmatrix} \sqrt2 & 0 \\ -\sqrt2 & 0 \\ 0 & \sqrt2 \\ 0 & -\sqrt2 \end{pmatrix}$$
#
# or the same with columns exchanged or negated.
#
# <details><summary>Hint 1, white</summary>Three steps: take off the mean; the eigenvectors of the covariance; each new column over the square root of its eigenvalue. Check with <code>Ztr.T @ Ztr / N</code>.</details>
# <details><summary>Hint 2, axes</summary><code>np.linalg.eigh</code> returns the eigenvectors as <em>columns</em>, so a row of inputs is turned by multiplying with <code>V</code> from the right. With <code>np.linalg.svd(X - m)</code> the axes are the rows of the third result.</details>
# <details><summary>Hint 3, test rows</summary>Write the map once, as <code>m</code> and <code>W</code>, and use it twice.</details>


# %% nbgrader={"grade_id": "pca_whiten"}
def pca_whiten(Xtr: np.ndarray, Xte: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both sets along the training rows' principal axes, each of variance 1 there (PCA whitening).

    Xtr: (N, d), N > d, with a covariance of full rank, and Xte: (M, d): examples in rows. Returns
    (Ztr, Zte) of the same shapes: the covariance of Ztr (ddof 0) is the identity, its mean 0.
    """
    ### BEGIN SOLUTION
    mean = Xtr.mean(axis=0)
    centred = Xtr - mean
    variances, axes = np.linalg.eigh(centred.T @ centred / len(Xtr))
    W = axes / np.sqrt(variances)
    return centred @ W, (Xte - mean) @ W
    ### END SOLUTION


# %% nbgrader={"grade_id": "test_pca_whiten_white", "points": 3}
# The training rows come out with mean 0 and the identity as covariance.
for _Xtr in (
    np.array([[5.0, 4], [-3, -4], [3, -2], [-1, 2]]),
    np.array([[1.0, 2, 0], [3, 1, 1], [0, 1, 4], [2, 5, 1], [4, 1, -1]]),
):
    _Ztr, _ = checks.items(pca_whiten(_Xtr.copy(), _Xtr[:1].copy()), ("Ztr", "Zte"))
    _Ztr = checks.finite(_Ztr, "Ztr", _Xtr.shape)
    _mean = checks.array(_Ztr.mean(axis=0), np.zeros(_Ztr.shape[1]), "the mean of Ztr")
    _covariance = checks.array(_Ztr.T @ _Ztr / len(_Ztr), np.eye(_Ztr.shape[1]), "the covariance of Ztr")
checks.public_passed("pca_whiten: white")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(811)
for _N, _M, _d in [(3, 1, 1), (6, 2, 3), (40, 3, 5), (200, 4, 8)]:
    _Xtr = _rng.normal(size=(_N, _d)) @ _rng.normal(size=(_d, _d)) * np.logspace(-1, 1, _d) + 5 * _rng.normal(
        size=_d
    )
    _Ztr, _ = checks.items(pca_whiten(_Xtr.copy(), _rng.normal(size=(_M, _d))), ("Ztr", "Zte"))
    _Ztr = checks.finite(_Ztr, "Ztr", (_N, _d))
    checks.array(_Ztr.mean(axis=0), np.zeros(_d), f"the mean of Ztr, {_N} rows and {_d} columns", atol=1e-7)
    checks.array(
        _Ztr.T @ _Ztr / _N, np.eye(_d), f"the covariance of Ztr, {_N} rows and {_d} columns", atol=1e-7
    )
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_pca_whiten_axes", "points": 1}
# The new columns lie along the principal axes: the columns of the map are orthogonal.
_Xtr = np.array([[1.0, 2, 0], [3, 1, 1], [0, 1, 4], [2, 5, 1], [4, 1, -1]])
_Ztr, _ = checks.items(pca_whiten(_Xtr.copy(), _Xtr[:1].copy()), ("Ztr", "Zte"))
_Ztr = checks.finite(_Ztr, "Ztr", (5, 3))
_W = np.linalg.lstsq(_Xtr - _Xtr.mean(axis=0), _Ztr - _Ztr.mean(axis=0), rcond=None)[0]
_gram = _W.T @ _W
_cosines = _gram / np.sqrt(np.outer(np.diag(_gram), np.diag(_gram)))
_cosines = checks.array(_cosines, np.eye(3), "cosines between the columns of your map W", atol=1e-7)
checks.public_passed("pca_whiten: axes")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(812)
for _N, _d in [(6, 3), (40, 5), (200, 8)]:
    _Q = np.linalg.qr(_rng.normal(size=(_d, _d)))[0]
    _Xtr = _rng.normal(size=(_N, _d)) * np.logspace(-0.5, 1, _d) @ _Q + _rng.normal(size=_d)
    _Ztr, _ = checks.items(pca_whiten(_Xtr.copy(), _Xtr[:2].copy()), ("Ztr", "Zte"))
    _Ztr = checks.finite(_Ztr, "Ztr", (_N, _d))
    _centred = _Xtr - _Xtr.mean(axis=0)
    _W = np.linalg.lstsq(_centred, _Ztr - _Ztr.mean(axis=0), rcond=None)[0]
    _gram = _W.T @ _W
    _cosines = _gram / np.sqrt(np.outer(np.diag(_gram), np.diag(_gram)))
    checks.array(_cosines, np.eye(_d), "cosines between the columns of your map W", atol=1e-6)
    _C = _centred.T @ _centred / _N
    _units = _W / np.linalg.norm(_W, axis=0)
    _stay = _C @ _units - _units * np.sum(_units * (_C @ _units), axis=0)
    checks.array(_stay / np.abs(_C).max(), np.zeros((_d, _d)), "C w - (w C w) w for your axes w", atol=1e-6)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_pca_whiten_test_rows", "points": 2}
# The test rows go through the map that the training rows went through, whatever that is.
_Xtr = np.array([[1.0, 2, 0], [3, 1, 1], [0, 1, 4], [2, 5, 1], [4, 1, -1]])
_Xte = np.array([[10.0, 3, 2], [11, 7, -2]])
_Ztr, _Zte = checks.items(pca_whiten(_Xtr.copy(), _Xte.copy()), ("Ztr", "Zte"))
_Ztr, _Zte = checks.finite(_Ztr, "Ztr", _Xtr.shape), checks.finite(_Zte, "Zte", _Xte.shape)
_map = np.linalg.lstsq(np.column_stack([_Xtr, np.ones(5)]), _Ztr, rcond=None)[0]
_Zte = checks.array(_Zte, np.column_stack([_Xte, np.ones(2)]) @ _map, "Zte, by the map from Xtr to your Ztr,")
checks.public_passed("pca_whiten: test rows")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(813)
for _N, _M, _d in [(5, 1, 2), (12, 4, 3), (60, 60, 6)]:
    _Xtr = _rng.normal(size=(_N, _d)) @ (np.eye(_d) + 0.5 * _rng.normal(size=(_d, _d)))
    _Xte = 4 + 2 * _rng.normal(size=(_M, _d))
    _Ztr, _Zte = checks.items(pca_whiten(_Xtr.copy(), _Xte.copy()), ("Ztr", "Zte"))
    _Ztr, _Zte = checks.finite(_Ztr, "Ztr", _Xtr.shape), checks.finite(_Zte, "Zte", _Xte.shape)
    _map = np.linalg.lstsq(np.column_stack([_Xtr, np.ones(_N)]), _Ztr, rcond=None)[0]
    _there = np.column_stack([_Xte, np.ones(_M)]) @ _map
    checks.array(_Zte, _there, f"Zte of {_M} rows, by the map from Xtr to your Ztr,", rtol=1e-6, atol=1e-7)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_pca_whiten_clean", "points": 1}
# A call leaves its arguments alone, and remembers nothing.
_Xtr = np.array([[5.0, 4.0], [-3.0, -4.0], [3.0, -2.0], [-1.0, 2.0]])
_Xte = np.array([[10.0, 3.0]])
_kept = _Xtr.copy(), _Xte.copy()
_first = checks.items(pca_whiten(_Xtr, _Xte), ("Ztr", "Zte"))
checks.unchanged(_kept[0], _Xtr, "Xtr")
checks.unchanged(_kept[1], _Xte, "Xte")
checks.public_passed("pca_whiten: clean calls")
### BEGIN HIDDEN TESTS
pca_whiten(np.array([[1.0, 2.0], [5.0, 1.0], [0.0, 0.0]]), np.array([[0.0, 0.0]]))
_again = checks.items(pca_whiten(_Xtr, _Xte), ("Ztr", "Zte"))
for _before, _after, _name in zip(_first, _again, ("Ztr", "Zte"), strict=True):
    _sizes = np.abs(checks.finite(_before, _name))
    checks.array(
        np.abs(checks.finite(_after, _name)), _sizes, f"sizes in {_name} of the same question, asked again,"
    )
_Xtr, _Xte = np.random.default_rng(814).normal(size=(9, 3)), np.ones((9, 3))
_kept = _Xtr.copy(), _Xte.copy()
pca_whiten(_Xtr, _Xte)
checks.unchanged(_kept[0], _Xtr, "Xtr")
checks.unchanged(_kept[1], _Xte, "Xte")
### END HIDDEN TESTS

# %% [markdown] nbgrader={"grade_id": "dominant_eigenvalue_statement"}
# ## Exercise 3: a curvature without a Hessian
#
# `dominant_eigenvalue` &nbsp;·&nbsp; 6 points &nbsp;·&nbsp; 25 minutes &nbsp;·&nbsp; difficulty 3 of 5
#
# The limit of the learning rate is $2/\lambda_{\max}$, and a Hessian of a million weights does not fit anywhere. But $H v$ costs about as much as
# two gradients. The *power iteration* needs no more: multiply a random vector by $H$ again and again, and it turns towards the
# eigenvector whose eigenvalue is largest in size.
#
# $$v \leftarrow \frac{H v}{|H v|}, \qquad \lambda \approx \frac{v^\top H v}{v^\top v}$$
#
# **Convention.** Return the eigenvalue of largest absolute value, **with its sign**. The quotient on the right (Rayleigh's) has the sign; the length $|Hv|$ has not.
#
# **Arguments.** `hvp` takes an array $(n,)$ and returns $H v$, an array $(n,)$, for a symmetric $H \neq 0$; it is linear in $v$. `n` is the number of
# weights, $n \ge 1$. `iters` says how many times to multiply: as often as that, so that a caller who wants more digits can have them. `rng` is a NumPy generator;
# draw the first vector from it, so that no direction is left out. Return one number.
#
# **Promise.** One eigenvalue is larger in size than all others, and `iters` is large enough for seven digits. Its size may be $10^{100}$ or $10^{-100}$.
#
# **Example.** $H = \begin{pmatrix} -3 & 1 & 0 \\ 1 & -3 & 0 \\ 0 & 0 & 2 \end{pmatrix}$ has the eigenvalues $-4$, $-2$ and $2$. The answer is $-4$; after 30 steps what is left of
# the others has shrunk by $2^{-30}$, and the error of λ by the square of that.
#
# <details><summary>Hint 1, values</summary>Divide by the length in every step, or the numbers overflow; at the end one more product gives the quotient.</details>
# <details><summary>Hint 2, sign</summary>With a negative eigenvalue the vector turns round in every step: v is compared with H v by their inner product, which knows it.</details>
# <details><summary>Hint 3, start</summary>A start of ones misses an eigenvector whose entries add up to zero, for ever. <code>rng.normal(size=n)</code> misses none.</details>


# %% nbgrader={"grade_id": "dominant_eigenvalue"}
def dominant_eigenvalue(
    hvp: Callable[[np.ndarray], np.ndarray], n: int, iters: int, rng: np.random.Generator
) -> float:
    """The eigenvalue of largest absolute value of a symmetric matrix, by power iteration, with its sign.

    hvp: v (n,) -> H v (n,). n: the number of weights. iters: how many times to multiply and
    normalise. rng: the source of the first vector.
    """
    ### BEGIN SOLUTION
    v = rng.normal(size=n)
    v = v / np.linalg.norm(v)
    for _ in range(iters):
        Hv = hvp(v)
        v = Hv / np.linalg.norm(Hv)
    return float(v @ hvp(v))
    ### END SOLUTION


# %% nbgrader={"grade_id": "test_dominant_eigenvalue_values", "points": 2}
# Positive eigenvalues.
_H = np.array([[3.0, 1.0, 0.0], [1.0, 3.0, 0.0], [0.0, 0.0, -2.0]])
_found = dominant_eigenvalue(lambda v: _H @ np.asarray(v), 3, 60, np.random.default_rng(0))
checks.number(_found, 4.0, "the dominant eigenvalue of [[3, 1, 0], [1, 3, 0], [0, 0, -2]]")
checks.public_passed("dominant_eigenvalue: values")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(821)
for _n, _top in [(1, 0.25), (2, 3.0), (5, 17.0), (40, 1.5)]:
    _Q = np.linalg.qr(_rng.normal(size=(_n, _n)))[0]
    _rest = _top * _rng.uniform(-0.7, 0.7, size=_n)
    _rest[0] = _top
    _H = _Q * _rest @ _Q.T
    _H = (_H + _H.T) / 2
    _found = dominant_eigenvalue(lambda v, H=_H: H @ np.asarray(v), _n, 120, np.random.default_rng(_n))
    checks.number(_found, np.linalg.eigvalsh(_H)[-1], f"the dominant eigenvalue, n = {_n}")
# a close second takes more steps, and `iters` allows them
_H = np.diag([1.0, 0.98, 0.3, -0.5])
_found = dominant_eigenvalue(lambda v: _H @ np.asarray(v), 4, 900, np.random.default_rng(5))
checks.number(_found, 1.0, "the dominant eigenvalue of diag(1, 0.98, 0.3, -0.5) after 900 steps")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_dominant_eigenvalue_sign", "points": 2}
# A negative eigenvalue keeps its sign.
_H = np.array([[-3.0, 1.0, 0.0], [1.0, -3.0, 0.0], [0.0, 0.0, 2.0]])
for _iters in (60, 61):
    _found = dominant_eigenvalue(lambda v: _H @ np.asarray(v), 3, _iters, np.random.default_rng(0))
    checks.number(
        np.sign(checks.finite(_found, "the eigenvalue", ())), -1.0, "the sign of the dominant eigenvalue, -4,"
    )
checks.public_passed("dominant_eigenvalue: sign")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(822)
for _n in (1, 3, 8, 30):
    _Q = np.linalg.qr(_rng.normal(size=(_n, _n)))[0]
    _H = _Q * np.concatenate([[-5.0], _rng.uniform(0.5, 3.0, size=_n - 1)]) @ _Q.T
    for _iters in (100, 101):
        _found = dominant_eigenvalue(
            lambda v, H=_H: (H + H.T) @ np.asarray(v) / 2, _n, _iters, np.random.default_rng(_iters)
        )
        _found = checks.finite(_found, "the eigenvalue", ())
        checks.number(np.sign(_found), -1.0, f"the sign of the dominant eigenvalue, -5, n = {_n},")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_dominant_eigenvalue_scale", "points": 1}
# Other units of the loss: the answer scales, and nothing overflows.
_H = np.array([[3.0, 1.0, 0.0], [1.0, 3.0, 0.0], [0.0, 0.0, -2.0]])
_ones = {}
with np.errstate(all="ignore"):
    for _unit in (1.0, 1e6):
        _ones[_unit] = dominant_eigenvalue(
            lambda v, u=_unit: u * (_H @ np.asarray(v)), 3, 80, np.random.default_rng(1)
        )
_one, _large = (checks.finite(_found, "the eigenvalue", ()) for _found in _ones.values())
checks.number(_large / 1e6, float(_one), "the eigenvalue of 1e6 H, over 1e6,", rtol=1e-6)
checks.public_passed("dominant_eigenvalue: scale")
### BEGIN HIDDEN TESTS
with np.errstate(all="ignore"):
    _one = checks.finite(
        dominant_eigenvalue(lambda v: _H @ np.asarray(v), 3, 80, np.random.default_rng(1)),
        "the eigenvalue",
        (),
    )
    for _unit in (1e100, 1e-100, 1e40, 1e-40):
        _found = dominant_eigenvalue(
            lambda v, u=_unit: u * (_H @ np.asarray(v)), 3, 80, np.random.default_rng(1)
        )
        _found = checks.finite(_found, f"the eigenvalue of {_unit:g} H", ())
        checks.number(
            _found / _unit, float(_one), f"the eigenvalue of {_unit:g} H, over {_unit:g},", rtol=1e-6
        )
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_dominant_eigenvalue_start", "points": 1}
# No direction is left out: this eigenvector's entries add up to zero.
_H = np.array([[2.5, -1.5, 0.0], [-1.5, 2.5, 0.0], [0.0, 0.0, 1.0]])  # eigenvalues 4, 1 and 1
_found = dominant_eigenvalue(lambda v: _H @ np.asarray(v), 3, 16, np.random.default_rng(2))
_size = abs(float(checks.finite(_found, "the eigenvalue", ())))
checks.between(_size, 3.9, 1e9, "the size of the dominant eigenvalue, 4,")
checks.public_passed("dominant_eigenvalue: start")
### BEGIN HIDDEN TESTS
for _where in range(5):
    _H = np.diag(np.where(np.arange(5) == _where, 6.0, 1.0))
    _found = dominant_eigenvalue(lambda v, H=_H: H @ np.asarray(v), 5, 60, np.random.default_rng(_where))
    _size = abs(float(checks.finite(_found, "the eigenvalue", ())))
    checks.between(_size, 5.9, 1e9, f"the size of the dominant eigenvalue, 6, along axis {_where},")
for _n in (4, 8):
    _u = np.where(np.arange(_n) % 2 == 0, 1.0, -1.0)
    _H = np.eye(_n) + 5 * np.outer(_u, _u) / _n
    _found = dominant_eigenvalue(lambda v, H=_H: H @ np.asarray(v), _n, 14, np.random.default_rng(_n))
    _size = abs(float(checks.finite(_found, "the eigenvalue", ())))
    checks.between(_size, 5.9, 1e9, "the size of the dominant eigenvalue, 6, whose eigenvector alternates,")
### END HIDDEN TESTS

# %% [markdown] nbgrader={"grade_id": "diag_lm_learning_rates_statement"}
# ## Exercise 4: a rate for each weight
#
# `diag_lm_learning_rates` &nbsp;·&nbsp; 4 points &nbsp;·&nbsp; 10 minutes &nbsp;·&nbsp; difficulty 1 of 5
#
# A steep weight takes small steps, a flat one large ones. Becker and LeCun divide a common rate by the curvature of each weight alone, the diagonal
# $h_j = \partial^2 L / \partial w_j^2$ of the Hessian:
#
# $$\eta_j = \frac{\eta}{|h_j| + \mu}$$
#
# **Convention.** The sign of a curvature is left out, or a weight on a hilltop would climb. μ > 0 (`mu`) is added *to the curvature*: it bounds the rate of a flat
# weight by $\eta/\mu$.
#
# **Shapes.** `h_diag` is $(n,)$; `eta` and `mu` are positive numbers. Return $(n,)$.
#
# **Example.** $h = (4, -1, 0)$, $\eta = 0.1$, $\mu = 1$: the rates are $0.1/5$, $0.1/2$ and $0.1/1$, that is $(0.02,\; 0.05,\; 0.1)$.
#
# <details><summary>Hint 1, values</summary>Read the fraction from below: size of the curvature, plus μ, and η over that sum.</details>
# <details><summary>Hint 2, signs and zeros</summary>What is your rate where h = −μ? And where h = 0? Both have an answer above.</details>


# %% nbgrader={"grade_id": "diag_lm_learning_rates"}
def diag_lm_learning_rates(h_diag: np.ndarray, eta: float, mu: float) -> np.ndarray:
    """A rate for each weight from the diagonal of the Hessian: eta / (|h| + mu) (Becker and LeCun 1989).

    h_diag: (n,), curvatures of either sign. eta > 0: the common rate. mu > 0: what is added to
    each curvature. Returns (n,).
    """
    ### BEGIN SOLUTION
    return eta / (np.abs(h_diag) + mu)
    ### END SOLUTION


# %% nbgrader={"grade_id": "test_diag_lm_learning_rates_values", "points": 2}
# Positive curvatures.
checks.array(diag_lm_learning_rates(np.array([4.0, 1.0, 0.25]), 0.1, 1.0), [0.02, 0.05, 0.08], "the rates")
checks.public_passed("diag_lm_learning_rates: values")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(831)
for _n, _eta, _mu in [(1, 0.3, 0.5), (4, 2.0, 0.01), (7, 1e-3, 3.0), (50, 0.7, 1e-4)]:
    _h = _rng.uniform(0.01, 5.0, size=_n)
    _rates = [_eta / (_one + _mu) for _one in _h.tolist()]
    checks.array(diag_lm_learning_rates(_h, _eta, _mu), _rates, f"the rates of {_n} weights")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_diag_lm_learning_rates_signs", "points": 1}
# Negative curvatures get the rates of positive ones of the same size.
with np.errstate(all="ignore"):
    _mirrored = [
        diag_lm_learning_rates(np.array(_h), 0.1, 1.0) for _h in ([4.0, 1.0, 0.5], [-4.0, -1.0, -0.5])
    ]
_positive = checks.finite(_mirrored[0], "the rates of (4, 1, 0.5)", (3,))
checks.array(_mirrored[1], _positive, "the rates of (-4, -1, -0.5), as for (4, 1, 0.5):")
checks.public_passed("diag_lm_learning_rates: signs")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(832)
for _n, _mu in [(3, 0.2), (20, 1.5), (1, 1e-6)]:
    _h = _rng.normal(size=_n)
    with np.errstate(all="ignore"):
        _rates = checks.finite(diag_lm_learning_rates(np.abs(_h), 0.3, _mu), "the rates of |h|", (_n,))
        checks.array(
            diag_lm_learning_rates(_h, 0.3, _mu), _rates, f"the rates of {_n} curvatures, as for their sizes:"
        )
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_diag_lm_learning_rates_ends", "points": 1}
# A flat weight has the finite rate eta / mu, however flat the others are; a call leaves its argument alone.
_h = np.array([0.0, 0.0, 9.0])
_kept = _h.copy()
with np.errstate(all="ignore"):
    _rates = checks.finite(diag_lm_learning_rates(_h, 0.1, 1.0), "the rates of (0, 0, 9)", (3,))
checks.unchanged(_kept, _h, "h_diag")
_rates = checks.array(_rates[:2], [0.1, 0.1], "the rates of the flat weights of (0, 0, 9)")
checks.public_passed("diag_lm_learning_rates: flat weights")
### BEGIN HIDDEN TESTS
for _h, _eta, _mu in [
    (np.zeros(4), 0.5, 0.01),
    (np.array([1e-300, 0.0]), 2.0, 4.0),
    (np.array([0.0]), 1e-3, 1e-8),
]:
    _kept = _h.copy()
    with np.errstate(all="ignore"):
        _rates = diag_lm_learning_rates(_h, _eta, _mu)
    checks.array(
        _rates, np.full(len(_h), _eta / _mu), f"the rates of flat weights, eta / mu = {_eta / _mu:g},"
    )
    checks.unchanged(_kept, _h, "h_diag")
### END HIDDEN TESTS

# %% [markdown] nbgrader={"grade_id": "payoff_digits_text"}
# ## The payoff: your functions at work
#
# **One network, four preparations.** 600 digits train a network with 16 tanh units, 600 others test it. The pixels have values from 0 to 16; those that hardly ever
# vary are left out. Every network starts from the same weights and takes 200 full steps, all at a rate that your `dominant_eigenvalue` chooses: half of
# its limit, $1/\lambda$, with the λ of the start. Before you run the cell: which of the four has the lowest training loss in the end, and has the same one the most
# test digits right?

# %% tags=["explore"]
from trainlab import plots
from trainlab.data import digits
from trainlab.networks import MLP, training_loss

pool = digits(1200)
varied = (pool.inputs[:600] > 0).mean(axis=0) > 0.05
train, test = 16 * pool.inputs[:600, varied], 16 * pool.inputs[600:, varied]
prepared = {
    "raw": (train, test),
    "centred": (train - train.mean(axis=0), test - train.mean(axis=0)),
    "scaled": standardize(train, test),
    "whitened": pca_whiten(train, test),
}
network, curves = MLP((int(varied.sum()), 16, 10)), []
for name, (Ztr, Zte) in prepared.items():
    Ztr, Zte = (np.array(torch.as_tensor(Z).detach()) for Z in (Ztr, Zte))
    loss = training_loss(network, Ztr, pool.labels[:600], torch.nn.functional.cross_entropy)
    w = network.initial(seed=0)

    def hvp(v, w=w, loss=loss, h=1e-5):
        return (loss.grad(w + h * np.asarray(v)) - loss.grad(w - h * np.asarray(v))) / (2 * h)

    curve = float(dominant_eigenvalue(hvp, len(w), 30, np.random.default_rng(0)))
    losses = []
    for _ in range(200):
        losses.append(loss.value(w))
        w = w - loss.grad(w) / abs(curve)
    read = network.forward(torch.tensor(w), torch.tensor(Zte)).argmax(dim=1).numpy() == pool.labels[600:]
    print(
        f"{name:9s} largest curvature {curve:7.2f}   loss {losses[-1]:.3f}   test digits read {read.mean():.1%}"
    )
    curves.append(plots.Curve(np.arange(200), losses, name))
plots.show(
    plots.lines(*curves, xlabel="step", ylabel="training loss", logy=True),
    alt="Four training losses fall on a logarithmic axis: raw digits stay near one half, centred and scaled fall below a tenth, and "
    "whitened digits fall to a few thousandths.",
)

# %% [markdown] nbgrader={"grade_id": "payoff_digits_seen"}
# <details><summary>What to see</summary>
#
# Whitened digits have the lowest training loss by far (0.003 after 200 steps), then scaled (0.02), centred (0.04) and raw (0.48): the order of the lecture. The
# test digits do not follow: about 95 % are read after scaling, 94 % after centring and after whitening, 88 % raw. κ is about the speed of training; whitening blows up the
# directions of smallest spread, where pixels hold little but noise.
#
# For centred digits your function may say a *negative* number: at a random start the curvature of largest size may well point downhill on both
# sides. That is why its sign is asked for, and why the cell takes its size.
#
# </details>

# %% [markdown] nbgrader={"grade_id": "payoff_bowl_text"}
# **A bowl, straight and turned.** Your rates for each weight, with $\eta = 1$ and a μ that is next to nothing, on a bowl with κ = 10,000. At which angles do they help?

# %% tags=["explore"]
for degrees in (0, 1, 10, 45):
    a = np.deg2rad(degrees)
    R = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
    H = R @ np.diag([1.0, 1e4]) @ R.T
    rates = np.asarray(diag_lm_learning_rates(np.diag(H).copy(), 1.0, 1e-12))
    w, steps = R @ np.ones(2), 0
    while np.linalg.norm(w) > 1e-6 and steps < 200_000:
        w, steps = w - rates * (H @ w), steps + 1
    print(f"turned by {degrees:2d}°: {steps:,} steps to a millionth")

# %% [markdown] nbgrader={"grade_id": "payoff_bowl_seen"}
# <details><summary>What to see</summary>
#
# Straight, one step does it. Turned by one degree it takes about 100, and by 45° as many as gradient descent with one rate: the curvature of a weight alone says nothing of a
# valley that two weights share. The whitening of exercise 2 is the map that would turn the valley back.
#
# </details>

# %% [markdown] nbgrader={"grade_id": "written_conditioning_statement"}
# ## Exercise 5: whose statistics?
#
# written question &nbsp;·&nbsp; 3 points &nbsp;·&nbsp; 15 minutes &nbsp;·&nbsp; difficulty 3 of 5
#
# A colleague has 100 rows of 60 inputs. She whitens all 100 together, trains on 50, tests on the other 50, and reports 40 % right. With the statistics of the 50
# training rows alone it would have been 31 %. "I used no label of the test rows", she says. Answer in one to three sentences each.
#
# 1. What of the test rows took part in her training nevertheless, and why can it lift the accuracy?
# 2. With *standardising* in place of whitening the two reports agree to a point. Why is whitening so much more sensitive to which rows are used?
# 3. She then proposes to whiten every incoming batch of rows by its own statistics. Name one thing that goes wrong.

# %% [markdown] nbgrader={"grade_id": "written_conditioning", "points": 3}
# ### BEGIN SOLUTION
# 1. Their inputs: the mean and the covariance are those of all 100 rows. A hundred rows know the spreads better than fifty, and the test rows are white by
#    construction, which new rows are not. Her 40 % belongs to a procedure that has seen the rows it is tested on.
# 2. Standardising estimates one mean and one spread for each column, well known from 50 rows. Whitening divides by the smallest spreads of 60 directions, and 50
#    centred rows span at most 49: some directions have no spread at all in training, and small ones are badly estimated and blown up.
# 3. The answer for a row then depends on the other rows of its batch; a batch of one row is always zero; a shift that all rows share is erased; axes and signs
#    change from batch to batch, so the weights no longer belong to them. (One suffices.)
#
# **Marking scheme** (3 points)
#
# - 1 point: part 1. Half a point for "their inputs, by mean and covariance", half for a reason: better known spreads, or test rows that fit the map.
# - 1 point: part 2. Half a point for small spreads being divided by, half for few rows against many directions (or the rank of at most 49).
# - 1 point: part 3. Any one consequence that is true, with its reason.
# - No deduction for language.
# ### END SOLUTION
