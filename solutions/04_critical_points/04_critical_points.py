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

# %% [markdown]
# # Assignment 4: critical points
#
# You write the five tools that answer the question of [lecture 04](../../lectures/04_critical_points.ipynb): the
# gradient is zero, is this a minimum? They compute a Hessian, name the point, say how much of it looks like a
# minimum, find the way down, and leave without being told where down is. At the end they free a network that gradient
# descent alone never frees.
#
# | exercise | function | points | minutes |
# |---|---|---|---|
# | 1 | `hessian_from_grad` | 5 | 15 |
# | 2 | `classify` | 4 | 15 |
# | 3 | `minimum_ratio` | 3 | 10 |
# | 4 | `escape_direction` | 4 | 15 |
# | 5 | `perturbed_gd` | 6 | 25 |
# | payoff | your functions free a network | - | 5 |
# | 6 | a written answer | 3 | 10 |
#
# 25 points, about 95 minutes. All arrays are float64, and no function may change its arguments. Loops, vectorised
# code, torch and library routines are equally welcome.

# %% nbgrader={"grade_id": "setup"}
import numpy as np

from trainlab import checks

# %% [markdown] nbgrader={"grade_id": "hessian_from_grad_statement"}
# ## Exercise 1: the Hessian from gradients
#
# **5 points, 15 minutes, difficulty 2 of 5.** Function: `hessian_from_grad(grad, x, h=1e-5)`
#
# Column $j$ of the Hessian says how the gradient $g$ changes along axis $j$. Measure it by a central difference, then
# remove the asymmetry that rounding leaves:
#
# $$J_{:,j} = \frac{g(x + h\,e_j) - g(x - h\,e_j)}{2h}, \qquad H = \tfrac12\,(J + J^\top).$$
#
# `grad` takes one point (n,) and returns (n,); $x$ has shape (n,); the result has shape (n, n). `h` is the step
# itself, the same for every axis, whatever the size of $x$. `grad` may be any vector field: where its Jacobian $J$ is
# not symmetric, the answer is the symmetric half of it.
#
# **Example.** $L = x_1^3 + x_1 x_2$ has $g = (3x_1^2 + x_2,\; x_1)$. At $x = (1, 0)$ with $h = 0.1$:
# $J_{11} = (3 \cdot 1.21 - 3 \cdot 0.81)/0.2 = 6$, $J_{21} = (1.1 - 0.9)/0.2 = 1$, $J_{12} = (0.1 + 0.1)/0.2 = 1$,
# $J_{22} = 0$. So $H = \begin{pmatrix}6&1\\1&0\end{pmatrix}$.
#
# <details><summary>Hint 1, values</summary>
#
# `np.eye(n)[j]` is the j-th axis. Two calls of `grad` make one column.
#
# </details>
# <details><summary>Hint 2, symmetry</summary>
#
# Collect the columns in a list. `np.stack(columns)` puts them in rows, which is as good: you add the transpose anyway.
#
# </details>
# <details><summary>Hint 3, step and argument</summary>
#
# For each `e` in `h * np.eye(n)`: `(grad(x + e) - grad(x - e)) / (2 * h)`. Never write into `x`: adding `h` and taking
# it away again does not always give back the same number.
#
# </details>


# %% nbgrader={"grade_id": "hessian_from_grad"}
def hessian_from_grad(grad, x: np.ndarray, h: float = 1e-5) -> np.ndarray:
    """The Hessian of a loss at x, by central differences of its gradient.

    grad: maps a point (n,) to the gradient there (n,).
    x: (n,). h: the step along each axis, in the units of x.
    Returns (n, n), symmetric: (J + J^T) / 2 with J[:, j] = (grad(x + h e_j) - grad(x - h e_j)) / (2 h).
    """
    ### BEGIN SOLUTION
    rows = [(grad(x + e) - grad(x - e)) / (2 * h) for e in h * np.eye(len(x))]
    jacobian_transposed = np.stack(rows)
    return (jacobian_transposed + jacobian_transposed.T) / 2
    ### END SOLUTION


# %% nbgrader={"grade_id": "test_hessian_from_grad_values", "points": 2}
_H = hessian_from_grad(lambda x: np.array([3 * x[0] ** 2 + x[1], x[0]]), np.array([1.0, 0.0]))
checks.array(_H, [[6.0, 1.0], [1.0, 0.0]], "H of x1^3 + x1 x2 at (1, 0)", 1e-5, 1e-6)
_H = hessian_from_grad(lambda w: -2 * (1 - w[0] * w[1]) * w[::-1], np.zeros(2))
checks.array(_H, [[0.0, -2.0], [-2.0, 0.0]], "H of (1 - w1 w2)^2 at 0", 1e-5, 1e-6)
_H = hessian_from_grad(lambda x: 4 * x**3, np.array([2.0]))
checks.array(_H, [[48.0]], "H of x^4 at 2, one weight", 1e-5, 1e-6)
checks.public_passed("hessian_from_grad: values")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(310)
for _n in (1, 3, 6):
    _A = _rng.normal(size=(_n, _n))
    _A = _A + _A.T
    _x = 2 * _rng.normal(size=_n)
    # f = 1/2 x'Ax + sum cos(w_i x_i) / w_i has the Hessian A - diag(w_i cos(w_i x_i)), and large third derivatives
    _w = np.linspace(3.0, 12.0, _n)
    _H = hessian_from_grad(lambda x, A=_A, w=_w: A @ x - np.sin(w * x), _x)
    checks.array(_H, _A - np.diag(_w * np.cos(_w * _x)), f"H with n = {_n}", 1e-5, 1e-6)
# sum of sin(30 x_i): a one-sided difference is wrong by h/2 times a third derivative of 27,000
_x = np.array([0.05, -0.4, 1.3])
_H = hessian_from_grad(lambda x: 30 * np.cos(30 * x), _x)
checks.array(_H, np.diag(-900 * np.sin(30 * _x)), "H of sum sin(30 x_i)", 1e-5, 1e-6)
# coupled through every pair of weights: log-sum-exp, whose Hessian is diag(p) - p p'
_x = _rng.normal(size=5)
_p = np.exp(_x) / np.exp(_x).sum()
_H = hessian_from_grad(lambda x: np.exp(x) / np.exp(x).sum(), _x)
checks.array(_H, np.diag(_p) - np.outer(_p, _p), "H of log sum exp", 1e-5, 1e-6)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_hessian_from_grad_symmetric", "points": 1}
# A vector field that is no gradient: J is [[1, 4], [0, 3]], its symmetric half is [[1, 2], [2, 3]].
_J = np.array([[1.0, 4.0], [0.0, 3.0]])
_H = hessian_from_grad(lambda x: _J @ x, np.array([0.5, -2.0]))
checks.array(_H, [[1.0, 2.0], [2.0, 3.0]], "the symmetric half of J", 1e-5, 1e-6)
checks.public_passed("hessian_from_grad: symmetry")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(311)
for _n in (2, 5):
    _J = _rng.normal(size=(_n, _n))
    _H = checks.array(
        hessian_from_grad(lambda x, J=_J: J @ x, _rng.normal(size=_n)),
        (_J + _J.T) / 2,
        f"the symmetric half of J with n = {_n}",
        1e-5,
        1e-6,
    )
    checks.array(_H, _H.T, "H against its transpose", 1e-12, 1e-12)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_hessian_from_grad_step", "points": 1}
# For g = x^3 the central difference is 3 x^2 + h^2 exactly, so a large h shows whether it is used, and how.
_H = hessian_from_grad(lambda x: x**3, np.array([1.0, -2.0]), h=0.1)
checks.array(_H, np.diag([3.01, 12.01]), "H of sum x^4 / 4 with h = 0.1", 1e-5, 1e-6)
checks.public_passed("hessian_from_grad: step")
### BEGIN HIDDEN TESTS
for _h in (1e-2, 0.5, 2.0):
    _x = np.array([0.0, 1.0, -3.0, 40.0])
    _H = hessian_from_grad(lambda x: x**3, _x, _h)
    checks.array(_H, np.diag(3 * _x**2 + _h**2), f"H of sum x^4 / 4 with h = {_h}", 1e-5, 1e-6)
# g = (sin x2, sin x1): both halves of J depend on h, through sin(h)/h
_H = hessian_from_grad(lambda x: np.sin(x[::-1]), np.array([0.3, 1.1]), 0.2)
_off = (np.cos(0.3) + np.cos(1.1)) / 2 * np.sin(0.2) / 0.2
checks.array(_H, [[0.0, _off], [_off, 0.0]], "H of a coupled field with h = 0.2", 1e-5, 1e-6)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_hessian_from_grad_argument", "points": 1}
_x = np.array([0.1, 0.7, -1.3])
_before = _x.copy()
_H = hessian_from_grad(lambda x: np.sin(x), _x)
checks.unchanged(_before, _x, "x")
checks.finite(_H, "H", (3, 3))
checks.public_passed("hessian_from_grad: argument")
### BEGIN HIDDEN TESTS
_x = np.random.default_rng(312).normal(size=30)
_before = _x.copy()
_H = hessian_from_grad(lambda x: np.sin(x), _x)
checks.unchanged(_before, _x, "x")
checks.finite(_H, "H with n = 30", (30, 30))
### END HIDDEN TESTS

# %% [markdown] nbgrader={"grade_id": "classify_statement"}
# ## Exercise 2: name the critical point
#
# **4 points, 15 minutes, difficulty 2 of 5.** Function: `classify(H, tol=1e-8)`
#
# `H` is the Hessian (n, n), symmetric, at a point with gradient zero. With its eigenvalues $\lambda_i$ and the
# tolerance $t = \texttt{tol} \cdot \max(1, \max_i|\lambda_i|)$ return
#
# - `"saddle"` if some $\lambda_i > t$ and some $\lambda_i < -t$ (whatever the others are),
# - `"min"` if all $\lambda_i > t$,
# - `"max"` if all $\lambda_i < -t$,
# - `"degenerate"` otherwise: second order does not decide.
#
# The zero matrix is `"degenerate"`; a matrix of one entry is a case like any other.
#
# **Example.** $\begin{pmatrix}1&2\\2&1\end{pmatrix}$ has the eigenvalues 3 and -1: `"saddle"`, though its diagonal is
# positive. $\begin{pmatrix}1&1\\1&1\end{pmatrix}$ has 2 and 0: `"degenerate"`. $\mathrm{diag}(10^9, 1)$ is
# `"degenerate"` too: $t = 10$, and 1 is not above it.
#
# <details><summary>Hint 1, signs</summary>
#
# `np.linalg.eigvalsh` returns the eigenvalues of a symmetric matrix in increasing order.
#
# </details>
# <details><summary>Hint 2, tolerance</summary>
#
# The largest absolute value may belong to a negative eigenvalue.
#
# </details>
# <details><summary>Hint 3, all four kinds</summary>
#
# Because the eigenvalues are sorted, the first and the last decide everything: a saddle has the first below `-t` and
# the last above `t`; a minimum has the first above `t`; a maximum has the last below `-t`.
#
# </details>


# %% nbgrader={"grade_id": "classify"}
def classify(H: np.ndarray, tol: float = 1e-8) -> str:
    """What a critical point is, as far as its Hessian decides: the second-derivative test.

    H: (n, n), symmetric. tol: relative to max(1, largest absolute eigenvalue).
    Returns "min", "max", "saddle" or "degenerate".
    """
    ### BEGIN SOLUTION
    eigenvalues = np.linalg.eigvalsh(H)
    t = tol * max(1.0, np.abs(eigenvalues).max())
    if eigenvalues[0] < -t and eigenvalues[-1] > t:
        return "saddle"
    if eigenvalues[0] > t:
        return "min"
    if eigenvalues[-1] < -t:
        return "max"
    return "degenerate"
    ### END SOLUTION


# %% nbgrader={"grade_id": "test_classify_signs", "points": 2}
for _H, _kind in (
    ([[2.0, 0.0], [0.0, 1.0]], "min"),
    ([[-2.0, 0.0], [0.0, -1.0]], "max"),
    ([[1.0, 2.0], [2.0, 1.0]], "saddle"),
    ([[0.0, -2.0], [-2.0, 0.0]], "saddle"),
    ([[5.0]], "min"),
    ([[-5.0]], "max"),
):
    checks.exactly(classify(np.array(_H)), _kind, f"the kind of {_H}")
checks.public_passed("classify: signs")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(320)
for _eigenvalues, _kind in (
    ((1.0, 2.0, 3.0, 4.0), "min"),
    ((-1.0, -2.0, -3.0), "max"),
    ((-1.0, -2.0, -3.0, -4.0), "max"),
    ((-1.0, -2.0, 3.0, 4.0), "saddle"),  # the determinant is positive
    ((-1.0, 2.0, 3.0), "saddle"),
    ((-2.0, -1.0, 5.0), "saddle"),  # the determinant is positive, and so is the trace
    ((-9.0, 1.0, 2.0), "saddle"),  # the trace is negative
    ((-0.01, 5.0, 6.0, 7.0, 8.0), "saddle"),
):
    _Q, _ = np.linalg.qr(_rng.normal(size=(len(_eigenvalues), len(_eigenvalues))))
    _H = _Q @ np.diag(_eigenvalues) @ _Q.T
    _H = (_H + _H.T) / 2
    _before = _H.copy()
    checks.exactly(classify(_H), _kind, f"the kind of eigenvalues {_eigenvalues}, rotated")
    checks.unchanged(_before, _H, "H")
_H = np.full((5, 5), 2.0) + np.eye(5) * -1.0  # a positive diagonal, eigenvalues -1 and 9
checks.exactly(classify(_H), "saddle", "the kind of an off-diagonal saddle")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_classify_degenerate", "points": 1}
for _H, _kind in (
    ([[1.0, 1.0], [1.0, 1.0]], "degenerate"),
    ([[-1.0, 0.0], [0.0, 0.0]], "degenerate"),
    ([[0.0, 0.0], [0.0, 0.0]], "degenerate"),
    ([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, -1.0]], "saddle"),
):
    checks.exactly(classify(np.array(_H)), _kind, f"the kind of {_H}")
checks.public_passed("classify: degenerate")
### BEGIN HIDDEN TESTS
checks.exactly(classify(np.zeros((1, 1))), "degenerate", "the kind of [[0]]")
checks.exactly(classify(np.diag([1.0, 1e-12])), "degenerate", "the kind of diag(1, 1e-12)")
checks.exactly(classify(np.diag([-1.0, -1e-12])), "degenerate", "the kind of diag(-1, -1e-12)")
checks.exactly(classify(np.diag([1.0, -1e-12])), "degenerate", "the kind of diag(1, -1e-12)")
_rng = np.random.default_rng(321)
for _eigenvalues, _kind in (
    ((0.0, 1.0, 2.0), "degenerate"),
    ((0.0, 0.0, -2.0), "degenerate"),
    ((0.0, 0.0, 3.0, -2.0), "saddle"),
    ((1e-12, -1e-12, 1.0), "degenerate"),
    ((1e-12, -1.0, 1.0), "saddle"),
):
    _Q, _ = np.linalg.qr(_rng.normal(size=(len(_eigenvalues), len(_eigenvalues))))
    _H = _Q @ np.diag(_eigenvalues) @ _Q.T
    _H = (_H + _H.T) / 2
    checks.exactly(classify(_H), _kind, f"the kind of eigenvalues {_eigenvalues}, rotated")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_classify_tolerance", "points": 1}
for _diagonal, _tol, _kind in (
    ((1e9, 1.0), 1e-8, "degenerate"),  # t = 10
    ((-1e9, 1.0), 1e-8, "degenerate"),  # the largest absolute eigenvalue is the negative one
    ((1e9, 100.0, 200.0), 1e-8, "min"),
    ((1.0, 1e-3), 1e-8, "min"),
    ((1.0, 1e-3), 1e-2, "degenerate"),
):
    _found = classify(np.diag(_diagonal), _tol)
    checks.exactly(_found, _kind, f"the kind of diag{_diagonal} with tol = {_tol}")
checks.public_passed("classify: tolerance")
### BEGIN HIDDEN TESTS
for _diagonal, _tol, _kind in (
    ((-1e9, 100.0), 1e-8, "saddle"),
    ((-1e9, -1.0), 1e-8, "degenerate"),
    ((-1e9, -100.0), 1e-8, "max"),
    ((1e-9, 1e-9), 1e-8, "degenerate"),  # below 1 the tolerance is absolute
    ((1e-9, -1e-9), 1e-8, "degenerate"),
    ((1e-7, -1e-7), 1e-8, "saddle"),
    ((0.1, 0.1), 0.5, "degenerate"),
    ((1e4, 1e4, 1e4, 1.5e-4), 1e-8, "min"),  # t = 1e-4, from the largest eigenvalue and from no other norm
    ((1e4, 1e4, 1e4, -1.5e-4), 1e-8, "saddle"),
):
    _found = classify(np.diag(_diagonal), _tol)
    checks.exactly(_found, _kind, f"the kind of diag{_diagonal} with tol = {_tol}")
_Q, _ = np.linalg.qr(np.random.default_rng(322).normal(size=(4, 4)))
_H = _Q @ np.diag([1e9, 2e8, 3e7, 0.0]) @ _Q.T
checks.exactly(classify((_H + _H.T) / 2), "degenerate", "the kind of a flat valley at scale 1e9")
### END HIDDEN TESTS

# %% [markdown] nbgrader={"grade_id": "minimum_ratio_statement"}
# ## Exercise 3: the minimum ratio
#
# **3 points, 10 minutes, difficulty 1 of 5.** Function: `minimum_ratio(H, tol=1e-8)`
#
# The fraction of the Hessian's eigenvalues that count as positive:
#
# $$\frac{\#\{i : \lambda_i > \texttt{tol} \cdot \max_j |\lambda_j|\}}{n},$$
#
# a float from 0 to 1. Here the tolerance is relative only: $H$ and $10^{-9} H$ have the same ratio. All $n$
# eigenvalues are counted below the line, the zero ones too. The ratio of the zero matrix is 0.
#
# **Example.** $\mathrm{diag}(4, 1, 0, -2)$: 4 and 1 are above $4 \cdot 10^{-8}$, so the ratio is $2/4 = 0.5$.
#
# <details><summary>Hint 1, values</summary>
#
# The mean of an array of True and False is the fraction of True.
#
# </details>
# <details><summary>Hint 2, tolerance</summary>
#
# Take care of what the largest absolute eigenvalue is when a negative one is the largest in size, as in diag(-1e9, 1,
# 2).
#
# </details>


# %% nbgrader={"grade_id": "minimum_ratio"}
def minimum_ratio(H: np.ndarray, tol: float = 1e-8) -> float:
    """The fraction of eigenvalues of H above tol times the largest absolute eigenvalue (Lee 2021; the tolerance is ours).

    H: (n, n), symmetric. Returns a float in [0, 1]: 1 where all directions curve upwards.
    """
    ### BEGIN SOLUTION
    eigenvalues = np.linalg.eigvalsh(H)
    return float(np.mean(eigenvalues > tol * np.abs(eigenvalues).max()))
    ### END SOLUTION


# %% nbgrader={"grade_id": "test_minimum_ratio_values", "points": 2}
checks.number(minimum_ratio(np.diag([4.0, 1.0, 0.0, -2.0])), 0.5, "the ratio of diag(4, 1, 0, -2)")
checks.number(
    minimum_ratio(np.array([[0.0, -2.0], [-2.0, 0.0]])), 0.5, "the ratio at the saddle of (1 - w1 w2)^2"
)
checks.number(minimum_ratio(np.eye(3)), 1.0, "the ratio of the identity")
checks.number(minimum_ratio(-np.eye(3)), 0.0, "the ratio of minus the identity")
checks.number(minimum_ratio(np.array([[3.0]])), 1.0, "the ratio of [[3]]")
checks.public_passed("minimum_ratio: values")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(330)
for _n in (1, 2, 5, 12):
    _A = _rng.normal(size=(_n, _n))
    _H = _A + _A.T
    _before = _H.copy()
    checks.number(
        minimum_ratio(_H),
        float((np.linalg.eigvalsh(_H) > 1e-6).mean()),
        f"the ratio of a random {_n} x {_n} H",
    )
    checks.unchanged(_before, _H, "H")
_J = _rng.normal(size=(3, 8))  # J'J has 3 positive eigenvalues and 5 that are zero up to rounding
checks.number(minimum_ratio(_J.T @ _J), 3 / 8, "the ratio of an 8 x 8 H of rank 3")
checks.number(minimum_ratio(-_J.T @ _J), 0.0, "the ratio of minus an 8 x 8 H of rank 3")
checks.number(minimum_ratio(np.full((6, 6), 1.0) - 2.0 * np.eye(6)), 1 / 6, "the ratio of ones - 2 I")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_minimum_ratio_tolerance", "points": 1}
checks.number(minimum_ratio(np.diag([1.0, 1e-12])), 0.5, "the ratio of diag(1, 1e-12)")
checks.number(
    minimum_ratio(1e-9 * np.diag([3.0, 2.0, -1.0, 1.0])), 0.75, "the ratio of 1e-9 diag(3, 2, -1, 1)"
)
checks.number(
    minimum_ratio(np.diag([1.0, 0.1, 0.01]), 0.05), 2 / 3, "the ratio of diag(1, 0.1, 0.01) with tol = 0.05"
)
checks.number(minimum_ratio(np.diag([-1e9, 1.0, 2.0])), 0.0, "the ratio of diag(-1e9, 1, 2)")
checks.number(minimum_ratio(np.zeros((2, 2))), 0.0, "the ratio of the zero matrix")
checks.public_passed("minimum_ratio: tolerance")
### BEGIN HIDDEN TESTS
checks.number(minimum_ratio(np.diag([-1e9, 1.0, 20.0])), 1 / 3, "the ratio of diag(-1e9, 1, 20)")
checks.number(minimum_ratio(np.diag([1e9, 1.0, 20.0, -1.0])), 0.5, "the ratio of diag(1e9, 1, 20, -1)")
checks.number(
    minimum_ratio(np.diag([1e4, 1e4, 1e4, 1.5e-4])), 1.0, "the ratio of diag(1e4, 1e4, 1e4, 1.5e-4)"
)
checks.number(minimum_ratio(np.zeros((1, 1))), 0.0, "the ratio of [[0]]")
for _scale in (1e-12, 1e12):
    _Q, _ = np.linalg.qr(np.random.default_rng(331).normal(size=(5, 5)))
    _H = _scale * (_Q @ np.diag([1.0, 0.5, 1e-12, -1e-12, -1.0]) @ _Q.T)
    checks.number(minimum_ratio((_H + _H.T) / 2), 0.4, f"the ratio of a rotated H of scale {_scale}")
checks.number(minimum_ratio(np.diag([2.0, 0.5, 0.4, -0.3]), tol=0.22), 0.5, "the ratio with tol = 0.22")
### END HIDDEN TESTS

# %% [markdown] nbgrader={"grade_id": "escape_direction_statement"}
# ## Exercise 4: which way is down?
#
# **4 points, 15 minutes, difficulty 3 of 5.** Function: `escape_direction(H, g)`
#
# Given the Hessian `H` (n, n), symmetric, and the gradient `g` (n,) at a point, return the direction of steepest
# downward curvature: a vector $v$ (n,) with
#
# $$H v = \lambda_{\min} v, \qquad \|v\|_2 = 1, \qquad g \cdot v \le 0,$$
#
# where $\lambda_{\min}$ is the most negative eigenvalue. Where $g \cdot v = 0$, at an exact critical point for one,
# both signs of $v$ are right. Return `None` when no eigenvalue is negative. (Rounding can turn a zero eigenvalue into
# -1e-17. The checks stay clear of that: their negative eigenvalues are at least a millionth of the largest in size,
# and they have zero eigenvalues only in diagonal matrices, where zeros come out as zeros.)
#
# **Example.** $H = \begin{pmatrix}0&-2\\-2&0\end{pmatrix}$ has the eigenvalue -2 along $\pm(1, 1)/\sqrt2$. With
# $g = (0.1, 0.3)$ the answer is $v = -(0.7071, 0.7071)$, because then $g \cdot v = -0.283$.
#
# <details><summary>Hint 1, eigenvector</summary>
#
# `np.linalg.eigh` returns the eigenvalues in increasing order, and the eigenvectors as the *columns* of a matrix.
#
# </details>
# <details><summary>Hint 2, sign</summary>
#
# `-np.sign(g @ v) * v` looks short, but the sign of 0 is 0, and then there is no direction left.
#
# </details>
# <details><summary>Hint 3, sign</summary>
#
# Compare instead of multiplying: turn the first column round only where $g \cdot v$ is above 0. Where it is 0, either
# sign is right.
#
# </details>


# %% nbgrader={"grade_id": "escape_direction"}
def escape_direction(H: np.ndarray, g: np.ndarray) -> np.ndarray | None:
    """The unit eigenvector of the most negative eigenvalue of H, turned so that it does not climb: g . v <= 0.

    H: (n, n), symmetric. g: (n,), the gradient.
    Returns v (n,), or None when no eigenvalue of H is negative.
    """
    ### BEGIN SOLUTION
    eigenvalues, vectors = np.linalg.eigh(H)
    if eigenvalues[0] >= 0:
        return None
    v = vectors[:, 0]
    return -v if g @ v > 0 else v
    ### END SOLUTION


# %% nbgrader={"grade_id": "test_escape_direction_eigenvector", "points": 2}
_H, _g = np.array([[0.0, -2.0], [-2.0, 0.0]]), np.array([0.1, 0.3])
_v = checks.array(
    escape_direction(_H, _g), [-np.sqrt(0.5), -np.sqrt(0.5)], "v at the saddle of (1 - w1 w2)^2"
)
_v = checks.finite(escape_direction(np.diag([-1.0, 10.0, -3.0]), np.zeros(3)), "v of diag(-1, 10, -3)", (3,))
checks.array(np.abs(_v), [0.0, 0.0, 1.0], "|v| of diag(-1, 10, -3)")
checks.public_passed("escape_direction: eigenvector")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(340)
for _eigenvalues in (
    (-2.0, 5.0, 1.0),
    (-0.5, -0.1, 7.0, 3.0),
    (-3.0, -2.0, -1.0),  # a maximum: downhill all around, and steepest along -3
    (-1.0, -1.0, 4.0),  # any unit vector of a plane is right
    (-1e-6, 2e-6, 1e-6),
    (-1e6, 1.0, 3e5),
    (-0.01, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0),
):
    _n, _low, _top = len(_eigenvalues), min(_eigenvalues), max(map(abs, _eigenvalues))
    _Q, _ = np.linalg.qr(_rng.normal(size=(_n, _n)))
    _H = _Q @ np.diag(_eigenvalues) @ _Q.T
    _H = (_H + _H.T) / 2
    _g = _rng.normal(size=_n)
    _copies = _H.copy(), _g.copy()
    _v = checks.finite(escape_direction(_H, _g), f"v for eigenvalues {_eigenvalues}", (_n,))
    checks.unchanged(_copies, (_H, _g), "(H, g)")
    checks.number(np.linalg.norm(_v), 1.0, "the length of v")
    checks.between(np.linalg.norm(_H @ _v - _low * _v), 0.0, 1e-7 * _top, "the length of H v - lambda_min v")
_v = checks.finite(escape_direction(np.array([[-4.0]]), np.array([2.0])), "v of [[-4]]", (1,))
checks.array(_v, [-1.0], "v of [[-4]] with g = (2)")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_escape_direction_sign", "points": 1}
_H = np.array([[1.0, 2.0, 0.0], [2.0, 1.0, 0.0], [0.0, 0.0, 5.0]])  # -1 along (1, -1, 0) / sqrt(2)
_g = np.array([0.5, -0.2, 3.0])
for _sign in (1.0, -1.0):
    _down = [-_sign * np.sqrt(0.5), _sign * np.sqrt(0.5), 0.0]
    _v = checks.array(escape_direction(_H, _sign * _g), _down, "v")
_v = checks.finite(escape_direction(_H, np.zeros(3)), "v with g = 0", (3,))
checks.number(np.linalg.norm(_v), 1.0, "the length of v with g = 0")
checks.public_passed("escape_direction: sign")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(341)
for _n in (2, 3, 6):
    _A = _rng.normal(size=(_n, _n))
    _H = _A + _A.T - 2 * np.eye(_n)
    _lowest = np.linalg.eigh(_H)[1][:, 0]
    for _sign in (1.0, -1.0):
        _g = _sign * (_lowest + 0.3 * _rng.normal(size=_n))
        _v = checks.finite(escape_direction(_H, _g), "v", (_n,))
        checks.array(_v, -np.sign(_g @ _lowest) * _lowest, "v with g . v <= 0", 1e-6, 1e-7)
    _v = checks.finite(escape_direction(_H, np.zeros(_n)), "v with g = 0", (_n,))
    checks.number(np.linalg.norm(_v), 1.0, "the length of v with g = 0")
# g at a right angle to v: both signs are right, no length is not
_v = checks.finite(escape_direction(np.diag([2.0, -1.0]), np.array([3.0, 0.0])), "v with g . v = 0", (2,))
checks.array(np.abs(_v), [0.0, 1.0], "|v| with g . v = 0")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_escape_direction_none", "points": 1}
checks.exactly(escape_direction(np.eye(3), np.ones(3)), None, "the way down from a minimum")
checks.exactly(
    escape_direction(np.diag([3.0, 0.0]), np.array([1.0, 1.0])), None, "the way down with eigenvalues 3, 0"
)
_v = checks.finite(escape_direction(np.diag([-1.0, -2.0]), np.zeros(2)), "v at a maximum", (2,))
checks.public_passed("escape_direction: None")
### BEGIN HIDDEN TESTS
checks.exactly(escape_direction(np.zeros((3, 3)), np.ones(3)), None, "the way down with H = 0")
checks.exactly(escape_direction(np.array([[2.0]]), np.zeros(1)), None, "the way down with H = [[2]]")
_A = np.random.default_rng(342).normal(size=(5, 5))
checks.exactly(
    escape_direction(_A.T @ _A + np.eye(5), np.ones(5)), None, "the way down from a rotated minimum"
)
_v = checks.finite(escape_direction(-_A.T @ _A - np.eye(5), np.ones(5)), "v at a rotated maximum", (5,))
_v = checks.finite(escape_direction(np.diag([0.0, -1.0, 0.0]), np.ones(3)), "v of diag(0, -1, 0)", (3,))
checks.array(_v, [0.0, -1.0, 0.0], "v of diag(0, -1, 0)")
### END HIDDEN TESTS

# %% [markdown] nbgrader={"grade_id": "perturbed_gd_statement"}
# ## Exercise 5: leave without a map, perturbed gradient descent
#
# **6 points, 25 minutes, difficulty 4 of 5.** Function: `perturbed_gd(grad, x0, eta, r, g_thres, t_noise, T, rng)`
#
# Gradient descent with an occasional kick (after Jin, Ge, Netrapalli, Kakade & Jordan 2017). It needs no Hessian. For
# $t = 0, 1, \dots, T-1$:
#
# 1. *Kick.* If $\|\nabla L(x)\|_2 \le$ `g_thres`, and if (no kick has happened yet, or the last one was in step $t'$ with
#    $t - t' \ge$ `t_noise`), then $x \leftarrow x + \xi$ with $\xi$ uniform in the ball of radius `r` around 0.
# 2. *Step.* $x \leftarrow x - \eta\,\nabla L(x)$, with the gradient at the point where $x$ is now, after the kick.
#
# Return $x$ after $T$ steps, shape (n,). So the numbers of the steps of two kicks differ by `t_noise` or more: with
# `t_noise` = 3 and the gradient always small, kicks come in steps 0, 3, 6, 9 ... The first kick is allowed at once. A kick is no step
# of its own: there are always exactly $T$ steps. `T` = 0 returns $x_0$.
#
# All randomness comes from `rng`, a `numpy.random.Generator`: the same generator state gives the same answer. In
# which order you draw is up to you.
#
# *Uniform in the ball* means that equal volumes are equally likely. The ball of radius $\rho$ holds the fraction
# $(\rho/r)^n$ of the volume, so half of all kicks are shorter than $r\,2^{-1/n}$: $0.5\,r$ for $n = 1$, $0.71\,r$ for
# $n = 2$, $0.87\,r$ for $n = 5$.
#
# **Example.** $\nabla L(x) = x$, $\eta = 0.5$, $x_0 = (4)$, `g_thres` = 1.5, `r` = 0.1, $T = 3$: the gradient is 4,
# then 2, then 1. Steps 0 and 1 are plain and lead to $x = 1$. Step 2 kicks first, to $1 + \xi$, and ends at
# $(1 + \xi)/2$, between 0.45 and 0.55.
#
# <details><summary>Hint 1, the ball</summary>
#
# Two questions, two answers. *Direction*: a vector of independent normal numbers, divided by its length, points in
# every direction with equal chance. *Length*: if u is uniform in [0, 1], which power of u has P(length < ρ) =
# (ρ/r)^n?
#
# </details>
# <details><summary>Hint 2, the ball and the timing</summary>
#
# The length is `r * u ** (1 / n)`. For the timing, remember the step of the last kick in a variable; minus infinity
# is a good start for it.
#
# </details>
# <details><summary>Hint 3, timing and steps</summary>
#
# In every step of the loop ask both questions of the kick first, and remember `t` when you kick. After a kick the old
# gradient is out of date: call `grad` again for the step itself. And `x += ...` would write into the caller's `x0`.
#
# </details>


# %% nbgrader={"grade_id": "perturbed_gd"}
def perturbed_gd(
    grad,
    x0: np.ndarray,
    eta: float,
    r: float,
    g_thres: float,
    t_noise: int,
    T: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Gradient descent that adds noise, uniform in a ball, where the gradient is small (after Jin et al. 2017).

    grad: maps a point (n,) to the gradient there (n,). x0: (n,), the start. eta: the step size.
    r: the ball's radius. g_thres: kick only where the gradient's length is at most this.
    t_noise: steps that must have passed since the last kick. T: number of steps. rng: source of all randomness.
    Returns x after T steps, (n,).
    """
    ### BEGIN SOLUTION
    x, last_kick = x0, -np.inf
    for t in range(T):
        if np.linalg.norm(grad(x)) <= g_thres and t - last_kick >= t_noise:
            direction = rng.normal(size=x.shape)
            length = r * rng.uniform() ** (1 / x.size)
            x = x + length * direction / np.linalg.norm(direction)
            last_kick = t
        x = x - eta * grad(x)
    return x
    ### END SOLUTION


# %% nbgrader={"grade_id": "test_perturbed_gd_steps", "points": 1}
# Far from any flat place it is plain gradient descent: x -> x - 0.25 (2x) halves x in every step.
_x0 = np.array([4.0, -8.0])
_before = _x0.copy()
_x = perturbed_gd(lambda x: 2 * x, _x0, 0.25, 10.0, 1e-3, 2, 5, np.random.default_rng(0))
checks.array(_x, [0.125, -0.25], "x after 5 plain steps")
checks.unchanged(_before, _x0, "x0")
_x = perturbed_gd(lambda x: 2 * x, _x0, 0.25, 10.0, 1e3, 2, 0, np.random.default_rng(0))
checks.array(_x, _x0, "x after no step")
checks.public_passed("perturbed_gd: steps")
### BEGIN HIDDEN TESTS
# A constant gradient c: x0 - T eta c, while the length of c is above the threshold
for _c, _threshold in (((0.6, 0.6, 0.6, 0.6), 1.0), ((0.3, -0.4), 0.3), ((-3.0,), 2.0)):
    _x0, _g = np.arange(1.0, len(_c) + 1), np.array(_c)
    _x = perturbed_gd(lambda x, g=_g: g + 0 * x, _x0, 0.1, 1.0, _threshold, 0, 7, np.random.default_rng(1))
    checks.array(_x, _x0 - 0.7 * _g, f"x after 7 plain steps, gradient {_c}, g_thres {_threshold}")
# Kicks, and the step after them: the first axis has eta * curvature = 1, so the step takes the kick's part along it back.
_saddle = np.array([4.0, -1.0, 0.0])
_x0 = np.zeros(3)
_x = checks.finite(
    perturbed_gd(lambda x: _saddle * x, _x0, 0.25, 0.1, 1e-3, 5, 1, np.random.default_rng(2)),
    "x after one kick",
    (3,),
)
checks.number(_x[0], 0.0, "x[0] after a kick and a step with the gradient at the kicked point", atol=1e-12)
checks.between(np.linalg.norm(_x[1:] / [1.25, 1.0]), 1e-6, 0.1 + 1e-12, "the length of the rest of the kick")
checks.unchanged(np.zeros(3), _x0, "x0")
_x = checks.finite(
    perturbed_gd(
        lambda x: np.array([4.0, 0.0]) * x, np.zeros(2), 0.25, 0.1, 1e3, 0, 6, np.random.default_rng(2)
    ),
    "x after six kicks",
    (2,),
)
checks.number(_x[0], 0.0, "x[0] after six kicks, each with its step", atol=1e-12)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_perturbed_gd_ball", "points": 2}
# On a flat surface one step is one kick: 20 kicks in the plane, each from a generator of its own.
_flat = lambda x: 0 * x  # noqa: E731
_kicks = [perturbed_gd(_flat, np.zeros(2), 0.1, 3.0, 0.0, 0, 1, np.random.default_rng(s)) for s in range(20)]
_lengths = np.linalg.norm(checks.finite(_kicks, "20 kicks", (20, 2)), axis=1)
checks.between(_lengths.max(), 1.5, 3.0 + 1e-9, "the longest of 20 kicks in a disc of radius 3")
checks.between(_lengths.min(), 1e-4, 2.98, "the shortest of 20 kicks in a disc of radius 3")
_again = perturbed_gd(_flat, np.zeros(2), 0.1, 3.0, 0.0, 0, 1, np.random.default_rng(7))
checks.array(_again, _kicks[7], "the kick of the same generator")
checks.public_passed("perturbed_gd: ball")
### BEGIN HIDDEN TESTS
# For right answers, whatever their draws, the chance of missing any of these bounds is below 1 in 100,000.
# Six dimensions, radius 2, around a point that is not the origin. (length / r)^n is uniform in [0, 1], so minus its
# logarithm has mean 1; with length = r u^(1/k) the mean would be n/k.
_centre = np.array([1.0, -2.0, 3.0, -4.0, 5.0, -6.0])
_kicks = [
    perturbed_gd(_flat, _centre, 0.3, 2.0, 1e-9, 4, 1, np.random.default_rng(100 + s)) for s in range(60)
]
_kicks = checks.finite(_kicks, "60 kicks", (60, 6)) - _centre
_lengths = np.linalg.norm(_kicks, axis=1) / 2.0
checks.between(_lengths.max(), 0.9, 1.0 + 1e-9, "the longest of 60 kicks, in units of r")
checks.between(_lengths.min(), 0.02, 0.98, "the shortest of 60 kicks, in units of r")
checks.between(np.mean(-6 * np.log(_lengths)), 0.48, 1.72, "the mean of -ln (length / r)^6")
_towards = _kicks / np.linalg.norm(_kicks, axis=1, keepdims=True)
for _axis in range(6):
    checks.between(
        (_towards[:, _axis] > 0).mean(), 0.18, 0.82, f"the share of kicks with a positive part {_axis}"
    )
_spread = np.linalg.eigvalsh(_towards.T @ _towards / 60)
checks.between(
    _spread[0], 0.02, 0.17, "the mean squared part of a kick's direction along the axis it uses least"
)
_line = [perturbed_gd(_flat, np.zeros(1), 0.1, 1.0, 0.0, 0, 1, np.random.default_rng(s)) for s in range(40)]
_line = checks.finite(_line, "40 kicks on a line", (40, 1))[:, 0]
checks.between(np.abs(_line).max(), 0.6, 1.0 + 1e-12, "the longest of 40 kicks on a line, in units of r")
checks.between(np.mean(-np.log(np.abs(_line))), 0.4, 1.9, "the mean of -ln (length / r) on a line")
checks.between((_line > 0).mean(), 0.12, 0.88, "the share of kicks on a line to the right, expected 1/2")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_perturbed_gd_timing", "points": 2}
# Each step divides x by 1,000, so the size of the last x tells how long ago the last kick was: with r = 1 it is between
# 1e-6 and 1e-3 if step T - 1 had a kick (a shorter one has a chance of 1e-9), between 1e-9 and 1e-6 if step T - 2 had it ...
_shrink = lambda x: 0.999 * x  # noqa: E731
for _T, _age in ((1, 0), (2, 1), (3, 2), (4, 0), (6, 2), (7, 0)):
    _x = perturbed_gd(_shrink, np.zeros(3), 1.0, 1.0, 1.0, 3, _T, np.random.default_rng(_T))
    _size = np.linalg.norm(checks.finite(_x, f"x after {_T} steps", (3,)))
    _low, _high = 1e-6 * 1e-3**_age, 1.01e-3 * 1e-3**_age
    checks.between(
        _size, _low, _high, f"t_noise = 3: the length of x after {_T} steps (last kick {_age} steps before)"
    )
checks.public_passed("perturbed_gd: timing")
### BEGIN HIDDEN TESTS
# (t_noise, start, threshold, T, steps since the last kick). The start 1e4 is above the threshold 0.1 in steps 0 and 1.
for _wait, _start, _threshold, _T, _age in (
    (0, 0.0, 1.0, 2, 0),
    (1, 0.0, 1.0, 2, 0),
    (1, 0.0, 1.0, 3, 0),
    (2, 0.0, 1.0, 2, 1),
    (2, 0.0, 1.0, 3, 0),
    (100, 0.0, 1.0, 1, 0),
    (5, 0.0, 1.0, 5, 4),
    (5, 0.0, 1.0, 6, 0),
    (3, 1e4, 0.1, 3, 0),
    (3, 1e4, 0.1, 5, 2),
    (3, 1e4, 0.1, 6, 0),
    (4, 1e4, 0.1, 6, 3),
    (4, 1e4, 0.1, 7, 0),
):
    _x0 = np.array([_start, 0.0, 0.0])
    _x = perturbed_gd(_shrink, _x0, 1.0, 1.0, _threshold, _wait, _T, np.random.default_rng(_T))
    _size = np.linalg.norm(checks.finite(_x, f"x after {_T} steps", (3,)))
    _low, _high = 1e-6 * 1e-3**_age, 1.02e-3 * 1e-3**_age + (1e4 if _start else 0.0) * 1e-3**_T
    _what = f"t_noise = {_wait}, start {_start:g}: the length of x after {_T} steps"
    checks.between(_size, _low, _high, f"{_what} (last kick {_age} steps before)")
# Kicks where the length of the gradient is just at or below the threshold, by no other norm. The gradient (0.3, ..., 0.3)
# has length 0.6; the sum of its parts is 1.2.
for _c, _threshold in (((0.3, 0.3, 0.3, 0.3), 1.0), ((0.0, 0.5), 0.5), ((2.0, 0.0, 0.0), 3.0)):
    _x0, _g = np.zeros(len(_c)), np.array(_c)
    _x = perturbed_gd(lambda x, g=_g: g + 0 * x, _x0, 0.1, 0.01, _threshold, 9, 1, np.random.default_rng(3))
    _kick = np.linalg.norm(checks.finite(_x, "x after one step", (len(_c),)) + 0.1 * _g)
    checks.between(_kick, 1e-6, 0.01 + 1e-12, f"the kick at gradient {_c}, g_thres {_threshold}")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_perturbed_gd_escape", "points": 1}
# From the exact saddle of (1 - w1 w2)^2, where plain gradient descent stays for ever, to the bottom.
_slope = lambda w: -2 * (1 - w[0] * w[1]) * w[::-1]  # noqa: E731
_ends = []
for _seed in range(3):
    _w = perturbed_gd(_slope, np.zeros(2), 0.05, 1e-2, 1e-2, 20, 200, np.random.default_rng(_seed))
    _w = checks.finite(_w, "w after 200 steps", (2,))
    checks.between(
        (1 - _w[0] * _w[1]) ** 2, 0.0, 0.01, f"the loss after 200 steps from the saddle, seed {_seed}"
    )
    _ends.append(_w)
checks.public_passed("perturbed_gd: escape")
### BEGIN HIDDEN TESTS
for _seed in range(3):
    _w = perturbed_gd(_slope, np.zeros(2), 0.05, 1e-2, 1e-2, 20, 200, np.random.default_rng(_seed))
    checks.array(_w, _ends[_seed], "w of the same generator")
checks.between(np.ptp(np.array(_ends), axis=0).max(), 1e-9, 10.0, "how far apart three generators end")
# Both valleys are found: the side is chance.
_sides = [
    perturbed_gd(_slope, np.zeros(2), 0.1, 1e-2, 1e-2, 20, 80, np.random.default_rng(_seed))
    for _seed in range(30)
]
_sides = checks.finite(_sides, "30 ends", (30, 2))
checks.between((_sides[:, 0] > 0).mean(), 0.06, 0.94, "the share of 30 runs that end in the valley w1 > 0")
### END HIDDEN TESTS

# %% [markdown] nbgrader={"grade_id": "payoff_statement"}
# ## Payoff: free a network
#
# Eight hidden units start with the same weights and get the same gradient, so they stay equal for ever: gradient
# descent trains a network of one unit, copied eight times. On XOR, with a little weight decay, it comes to rest at a
# point whose gradient is zero to six digits. Your functions say what that point is, and leave it. Nothing here is
# graded.

# %% tags=["explore"]
import torch

from trainlab import plots
from trainlab.networks import MLP, Objective

corners = torch.tensor([[1.0, 1], [-1, -1], [1, -1], [-1, 1]], dtype=torch.float64)
differ = torch.tensor([0.0, 0, 1, 1], dtype=torch.float64)
network = MLP((2, 8, 1))
torch.set_num_threads(1)  # the network is tiny: more threads cost time


def cross_entropy_with_decay(theta):
    logits = network.forward(theta, corners)[:, 0]
    entropy = torch.nn.functional.binary_cross_entropy_with_logits(logits, differ)
    return entropy + 0.003 / 2 * (theta @ theta)


cost = Objective(cross_entropy_with_decay)
equal_units = np.concatenate([np.tile([0.5, -0.3], 8), np.zeros(8), np.full(8, 0.5), np.zeros(1)])
rest = equal_units
for _ in range(1500):
    rest = rest - cost.grad(rest)
H = hessian_from_grad(cost.grad, rest)
down = escape_direction(H, cost.grad(rest))
print(
    f"at rest: loss {cost.value(rest):.3f}, length of the gradient below 1e-6: {np.linalg.norm(cost.grad(rest)) < 1e-6}"
)
print(f"your verdict: {classify(H, tol=1e-6)}, with a minimum ratio of {minimum_ratio(H, tol=1e-6):.3f}")
print(f"the curvature along your direction: {down @ H @ down:.4f}")
print(f"the loss after a step of 0.1 that way: {cost.value(rest + 0.1 * down) - cost.value(rest):+.1e}")


# %% tags=["explore"]
def losses_from(start, radius):
    """The loss every 25 steps while your perturbed_gd goes on from `start`, kicking at most every 25 steps."""
    generator, w = np.random.default_rng(0), start
    losses = [cost.value(w)]
    for _ in range(24):
        w = perturbed_gd(cost.grad, w, 1.0, radius, 1e-2, 25, 25, generator)
        losses.append(cost.value(w))
    return losses


steps = 25 * np.arange(25)
plots.show(
    plots.lines(
        plots.Curve(steps, losses_from(rest, 0.0), "no kick"),
        plots.Curve(steps, losses_from(rest, 0.01), "kicks, r = 0.01"),
        plots.Curve(steps, losses_from(rest + 0.1 * down, 0.0), "0.1 along your direction"),
        xlabel="step",
        ylabel="loss",
    ),
    alt="Three losses over 600 steps from the point of rest: without a kick it stays at 0.59; after one push along the "
    "escape direction, or with small random kicks, it falls to 0.12.",
)

# %% [markdown] nbgrader={"grade_id": "written_statement"}
# ## Exercise 6: in your own words
#
# **3 points, 10 minutes.** A colleague's loss has stood at 0.31 for 2,000 steps. She computes the Hessian of the
# training loss there: of 500 eigenvalues 420 are above $10^{-8}\,\lambda_{\max}$, 60 are within
# $\pm 10^{-8}\,\lambda_{\max}$, 20 are below. The gradient has length $2 \cdot 10^{-3}$. She concludes: "The minimum
# ratio is 0.84, so this is a local minimum, and the network cannot do better." In at most 120 words: name three
# things that are wrong or missing in this conclusion, and say what she should compute or do next.

# %% [markdown] nbgrader={"grade_id": "written_local_minimum", "points": 3}
# *A good answer:* (1) The gradient is not zero. At this length the point is flat rather than critical, so "minimum"
# and "saddle" are not defined yet. (2) A single eigenvalue below zero rules out a minimum, whatever the ratio: 20
# directions curve downwards. (3) The counts hang on the tolerance; with $10^{-3}$ in place of $10^{-8}$ many of the
# 420 would count as zero. And even a true local minimum would say nothing about what the network can do from another
# start. Next: compare the negative eigenvalues with the gradient's length, recount with several tolerances, step
# along the eigenvector of the most negative one, with the sign that does not climb, and see whether the loss falls;
# or kick, or restart.
#
# *Marking:* 1 point for each of these, at most 3: the gradient is not zero (flat, not critical); one clearly negative
# eigenvalue is enough to rule out a minimum; the ratio depends on the tolerance; a local minimum here would not bound
# other starts. At most 2 points without a sensible next step (escape direction, perturbation, other tolerance,
# restart).
