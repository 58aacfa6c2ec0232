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
# # Assignment 9: second-order methods
#
# You write the two pieces of Gauss-Newton, the damped step of Levenberg and Marquardt, conjugate gradients, a product with a Hessian that
# nobody has ever formed, and a Newton step that saddles repel. At the end all of them race gradient descent on one fit.
#
# Read the lecture first: [What would curvature buy, and what does it cost?](../../lectures/09_second_order.ipynb)
#
# | | exercise | points | minutes | difficulty |
# |---|---|---|---|---|
# | 1 | `gauss_newton`: gradient and square Jacobian | 4 | 10 | 1 of 5 |
# | 2 | `lm_step`: a damped step | 5 | 15 | 2 of 5 |
# | 3 | `conjugate_gradient`: a system without its matrix | 8 | 30 | 4 of 5 |
# | 4 | `hvp`: a Hessian times a vector | 6 | 20 | 3 of 5 |
# | 5 | `saddle_free_newton`: a step that saddles repel | 5 | 15 | 2 of 5 |
# | | the payoff: your functions at work | - | 10 | - |
# | 6 | one optimiser for a large network? in words | 3 | 15 | 3 of 5 |
# | | **sum** | **31** | **115** | |
#
# Write your code where a cell says so and run the cells below it: the visible checks answer at once, and hidden checks of
# the same aspects follow at grading. NumPy or PyTorch, loops or array expressions: any right way is accepted. All numbers
# are float64. A function must leave its arguments as they are.

# %% nbgrader={"grade_id": "setup"}
from collections.abc import Callable

import numpy as np
import torch

from trainlab import checks

# %% [markdown] nbgrader={"grade_id": "gauss_newton_statement"}
# ## Exercise 1: gradient and square Jacobian
#
# `gauss_newton` &nbsp;·&nbsp; 4 points &nbsp;·&nbsp; 10 minutes &nbsp;·&nbsp; difficulty 1 of 5
#
# A fit of $n$ weights to $m$ examples leaves $m$ residuals $r$, and its loss is half their squared length. With the Jacobian
# $J_{ki} = \partial r_k / \partial w_i$,
#
# $$L = \tfrac12 \sum_{k=1}^m r_k^2, \qquad \nabla L = J^\top r, \qquad G = J^\top J .$$
#
# $G$ is the Gauss-Newton matrix: the Hessian without the part that contains second derivatives of the residuals.
#
# **Convention.** Half the *sum* of squares: no mean over the examples, no factor of 2.
#
# **Shapes.** `J` is $(m, n)$ and `r` is $(m,)$; there may be more examples than weights, fewer, or as many. Return the tuple `(grad, G)`
# of shapes $(n,)$ and $(n, n)$.
#
# **Example.** Three examples, two weights:
#
# $$J = \begin{pmatrix} 1 & 0 \\ 2 & 1 \\ 0 & 3 \end{pmatrix}, \; r = \begin{pmatrix} 1 \\ -1 \\ 2 \end{pmatrix}
# \;\longrightarrow\; \nabla L = \begin{pmatrix} -1 \\ 5 \end{pmatrix}, \; G = \begin{pmatrix} 5 & 2 \\ 2 & 10 \end{pmatrix}$$
#
# <details><summary>Hint 1, the gradient</summary>Each weight collects from all examples: entry i sums the column i of J times the residuals.</details>
# <details><summary>Hint 2, the matrix</summary>Which of the two products of J with its transpose has a row for each weight?</details>


# %% nbgrader={"grade_id": "gauss_newton"}
def gauss_newton(J: np.ndarray, r: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gradient and Gauss-Newton matrix of the loss 0.5 * |r|^2 (Efficient BackProp, LeCun et al. 1998).

    J: (m, n), J[k, i] the derivative of residual k by weight i. r: (m,).
    Returns (grad, G): J^T r of shape (n,) and J^T J of shape (n, n).
    """
    ### BEGIN SOLUTION
    return J.T @ r, J.T @ J
    ### END SOLUTION


# %% nbgrader={"grade_id": "test_gauss_newton_gradient", "points": 1}
# The gradient of half the sum of squares.
_J, _r = np.array([[1.0, 0.0], [2.0, 1.0], [0.0, 3.0]]), np.array([1.0, -1.0, 2.0])
_grad, _ = checks.items(gauss_newton(_J.copy(), _r.copy()), ("grad", "G"))
_grad = checks.array(_grad, [-1.0, 5.0], "grad")
checks.public_passed("gauss_newton: the gradient")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(901)
for _m, _n in [(4, 4), (7, 3), (2, 5), (1, 3), (5, 1), (60, 25)]:
    _J, _r = _rng.normal(size=(_m, _n)), _rng.normal(size=_m)
    _slopes = [sum(_J[_k, _i] * _r[_k] for _k in range(_m)) for _i in range(_n)]
    _grad, _ = checks.items(gauss_newton(_J.copy(), _r.copy()), ("grad", "G"))
    checks.array(_grad, _slopes, f"grad of {_m} examples and {_n} weights")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_gauss_newton_matrix", "points": 2}
# The matrix, with a row and a column for each weight.
_J, _r = np.array([[1.0, 0.0], [2.0, 1.0], [0.0, 3.0]]), np.array([1.0, -1.0, 2.0])
_, _G = checks.items(gauss_newton(_J.copy(), _r.copy()), ("grad", "G"))
_G = checks.array(_G, [[5.0, 2.0], [2.0, 10.0]], "G")
checks.public_passed("gauss_newton: the matrix")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(902)
for _m, _n in [(4, 4), (7, 3), (2, 5), (1, 3), (5, 1), (60, 25)]:
    _J, _r = _rng.normal(size=(_m, _n)), _rng.normal(size=_m)
    _sums = [[sum(_J[:, _i] * _J[:, _j]) for _j in range(_n)] for _i in range(_n)]
    _, _G = checks.items(gauss_newton(_J.copy(), _r.copy()), ("grad", "G"))
    checks.array(_G, _sums, f"G of {_m} examples and {_n} weights")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_gauss_newton_clean", "points": 1}
# A call leaves its arguments alone.
_J, _r = np.array([[1.0, 0.0], [2.0, 1.0], [0.0, 3.0]]), np.array([1.0, -1.0, 2.0])
_kept = _J.copy(), _r.copy()
gauss_newton(_J, _r)
checks.unchanged(_kept[0], _J, "J")
checks.unchanged(_kept[1], _r, "r")
checks.public_passed("gauss_newton: clean calls")
### BEGIN HIDDEN TESTS
for _m, _n in [(3, 3), (2, 4), (6, 1)]:
    _J, _r = np.arange(1.0 * _m * _n).reshape(_m, _n) - 2, np.arange(1.0 * _m) - 1
    _kept = _J.copy(), _r.copy()
    gauss_newton(_J, _r)
    checks.unchanged(_kept[0], _J, "J")
    checks.unchanged(_kept[1], _r, "r")
### END HIDDEN TESTS

# %% [markdown] nbgrader={"grade_id": "lm_step_statement"}
# ## Exercise 2: a damped step
#
# `lm_step` &nbsp;·&nbsp; 5 points &nbsp;·&nbsp; 15 minutes &nbsp;·&nbsp; difficulty 2 of 5
#
# A Gauss-Newton step may be far too long where $J^\top J$ is nearly singular. Levenberg's damping μ bounds it:
#
# $$(J^\top J + \mu I)\, \delta = -J^\top r, \qquad w \leftarrow w + \delta .$$
#
# A small μ gives the step of Gauss and Newton, a large one a short step along the negative gradient, $-J^\top r/\mu$.
#
# **Convention.** μ stands on the diagonal, the same number in every place. (Marquardt's variant, which multiplies the diagonal of $J^\top J$ by μ, is not asked for.)
#
# **Shapes.** `J` is $(m, n)$, `r` is $(m,)$, `mu` a positive number; $m < n$ is allowed, and solvable because μ > 0:
# δ is then a combination of the rows of $J$, and has no part where no example looks. Return δ, of shape $(n,)$.
#
# **Example.** $J$ and $r$ of exercise 1, μ = 2:
#
# $$\begin{pmatrix} 7 & 2 \\ 2 & 12 \end{pmatrix} \delta = \begin{pmatrix} 1 \\ -5 \end{pmatrix}
# \;\longrightarrow\; \delta = \begin{pmatrix} 0.275 \\ -0.4625 \end{pmatrix}$$
#
# <details><summary>Hint 1, values</summary><code>np.linalg.solve</code> wants a matrix and a right-hand side; both are in the formula. What does NumPy make of a matrix plus a number?</details>
# <details><summary>Hint 2, fewer examples than weights</summary>Without μ the matrix would be singular there. How many ones has your identity?</details>
# <details><summary>Hint 3, other ways</summary>The same δ is the least-squares solution of J stacked on √μ I, with the right-hand side −r stacked on zeros.</details>


# %% nbgrader={"grade_id": "lm_step"}
def lm_step(J: np.ndarray, r: np.ndarray, mu: float) -> np.ndarray:
    """The step of Levenberg and Marquardt for the loss 0.5 * |r|^2 (Levenberg 1944, Marquardt 1963).

    J: (m, n), derivatives of the residuals; r: (m,); mu > 0: the damping.
    Returns delta (n,), which solves (J^T J + mu I) delta = -J^T r.
    """
    ### BEGIN SOLUTION
    return np.linalg.solve(J.T @ J + mu * np.eye(J.shape[1]), -J.T @ r)
    ### END SOLUTION


# %% nbgrader={"grade_id": "test_lm_step_values", "points": 2}
# Values: the example, and more shapes at grading.
_J, _r = np.array([[1.0, 0.0], [2.0, 1.0], [0.0, 3.0]]), np.array([1.0, -1.0, 2.0])
checks.array(lm_step(_J.copy(), _r.copy(), 2.0), [0.275, -0.4625], "delta")
checks.public_passed("lm_step: values")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(911)
for _m, _n, _mu in [
    (4, 3, 0.3),
    (4, 4, 5.0),
    (9, 2, 0.01),
    (5, 1, 2.5),
    (60, 25, 0.1),
    (2, 5, 40.0),
    (1, 4, 3.0),
]:
    _J, _r = _rng.normal(size=(_m, _n)), _rng.normal(size=_m)
    _stacked, _right = np.vstack([_J, _mu**0.5 * np.eye(_n)]), np.concatenate([-_r, np.zeros(_n)])
    _delta = np.linalg.lstsq(_stacked, _right, rcond=None)[0]
    checks.array(lm_step(_J.copy(), _r.copy(), _mu), _delta, f"delta, {_m} by {_n}, mu = {_mu:g},")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_lm_step_wide", "points": 1}
# Fewer examples than weights: solvable because of mu, and delta is a combination of the rows of J.
_J, _r = np.array([[3.0, 0.0, 4.0]]), np.array([2.0])
with np.errstate(all="ignore"):
    _delta = checks.finite(lm_step(_J.copy(), _r.copy(), 5.0), "delta of one example", (3,))
_across = checks.array(
    [_delta[1], 4 * _delta[0] - 3 * _delta[2]], [0.0, 0.0], "delta at right angles to the example (3, 0, 4)"
)
checks.public_passed("lm_step: fewer examples than weights")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(912)
for _m, _n, _mu in [(2, 5, 0.3), (1, 4, 3.0), (3, 30, 0.05), (5, 6, 12.0)]:
    _J, _r = _rng.normal(size=(_m, _n)), _rng.normal(size=_m)
    _delta = checks.finite(lm_step(_J.copy(), _r.copy(), _mu), "delta", (_n,))
    _axes = np.linalg.qr(_J.T)[0]
    checks.array(
        _delta - _axes @ (_axes.T @ _delta),
        np.zeros(_n),
        f"delta at right angles to the rows of J, {_m} by {_n},",
        atol=1e-9,
    )
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_lm_step_damping", "points": 1}
# The larger mu, the shorter the step; a huge mu leaves a step along the gradient, up or down.
_J, _r = np.array([[1.0, 0.0], [2.0, 1.0], [0.0, 3.0]]), np.array([1.0, -1.0, 2.0])
_deltas = [checks.finite(lm_step(_J.copy(), _r.copy(), _mu), "delta", (2,)) for _mu in (0.1, 3.0, 1e9)]
_lengths = [float(np.linalg.norm(_delta)) for _delta in _deltas]
checks.between(_lengths[1] / _lengths[0], 0.2, 0.9, "the length of delta for mu = 3 over that for mu = 0.1")
_ratio = checks.array(
    _deltas[2] / np.abs(_deltas[2]).max() * np.sign(_deltas[2][1]),
    [-0.2, 1.0],
    "delta over its largest entry, mu = 1e9,",
    rtol=1e-6,
)
checks.public_passed("lm_step: damping")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(913)
for _m, _n in [(6, 3), (3, 6), (4, 4)]:
    _J, _r = _rng.normal(size=(_m, _n)), _rng.normal(size=_m)
    _delta, _g = checks.finite(lm_step(_J.copy(), _r.copy(), 1e10), "delta", (_n,)), _J.T @ _r
    _most = np.abs(_g).argmax()
    checks.array(
        _delta / (_delta[_most] or np.nan),
        _g / _g[_most],
        "delta over its largest entry, mu = 1e10,",
        rtol=1e-5,
        atol=1e-6,
    )
    _sizes = [
        np.linalg.norm(checks.finite(lm_step(_J.copy(), _r.copy(), _mu), "delta", (_n,)))
        for _mu in (0.01, 0.1, 1.0, 10.0, 100.0)
    ]
    checks.between(
        float(np.max(np.diff(_sizes))), -1e9, -1e-12, "the largest change of the step's length as mu grows"
    )
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_lm_step_clean", "points": 1}
# A call leaves its arguments alone.
_J, _r = np.array([[1.0, 0.0], [2.0, 1.0], [0.0, 3.0]]), np.array([1.0, -1.0, 2.0])
_kept = _J.copy(), _r.copy()
lm_step(_J, _r, 2.0)
checks.unchanged(_kept[0], _J, "J")
checks.unchanged(_kept[1], _r, "r")
checks.public_passed("lm_step: clean calls")
### BEGIN HIDDEN TESTS
for _m, _n in [(3, 3), (2, 4), (6, 1)]:
    _J, _r = np.arange(1.0 * _m * _n).reshape(_m, _n) - 2, np.arange(1.0 * _m) - 1
    _kept = _J.copy(), _r.copy()
    lm_step(_J, _r, 0.5)
    checks.unchanged(_kept[0], _J, "J")
    checks.unchanged(_kept[1], _r, "r")
### END HIDDEN TESTS

# %% [markdown] nbgrader={"grade_id": "conjugate_gradient_statement"}
# ## Exercise 3: a system without its matrix
#
# `conjugate_gradient` &nbsp;·&nbsp; 8 points &nbsp;·&nbsp; 30 minutes &nbsp;·&nbsp; difficulty 4 of 5
#
# Solve $A x = b$ for a symmetric $A$ with positive eigenvalues, of which you have the products $v \mapsto A v$ only. Start with $x = 0$, the residual $r = b$ and the
# direction $p = r$; then step after step
#
# $$\alpha = \frac{r^\top r}{p^\top A p}, \quad x \leftarrow x + \alpha p, \quad r_{\text{new}} = r - \alpha A p, \quad
# \beta = \frac{r_{\text{new}}^\top r_{\text{new}}}{r^\top r}, \quad p \leftarrow r_{\text{new}} + \beta p .$$
#
# **Convention.** Stop as soon as $|r| \le \texttt{tol} \cdot |b|$, or after `maxit` steps. The tolerance is relative to $b$; the defaults are `tol = 1e-10` and `maxit = 1000`.
#
# **Cost.** A product with $A$ is the dear part. Ask for one a step: in all at most two more than there were steps.
#
# **Shapes.** `A` takes an array $(n,)$ and returns one; `b` is $(n,)$. Return the tuple `(x, n_iter)`: $x$ of shape $(n,)$, and the number of steps that were made, an
# integer. For $b = 0$ that is $x = 0$ after 0 steps.
#
# **Example.** $A = \mathrm{diag}(1, 4, 4)$ and $b = (1, 4, 8)$. The first step has $\alpha = 81/321$, so with `maxit = 1` the answer is
# $x = \frac{81}{321}\,(1, 4, 8)$ after 1 step. $A$ has two different eigenvalues, so two steps solve the system: $x = (1, 1, 2)$, `n_iter` = 2.
#
# <details><summary>Hint 1, values</summary>Compute A p once a step and keep it: α and the new residual both use it. β needs the old r·r and the new one.</details>
# <details><summary>Hint 2, stopping</summary>Look at the residual before the first step as well: then b = 0 needs no case of its own. Lengths or their squares: what happens to tol?</details>
# <details><summary>Hint 3, cost</summary>The residual comes along by its own recursion. Whoever computes b − A x in every step pays twice.</details>


# %% nbgrader={"grade_id": "conjugate_gradient"}
def conjugate_gradient(
    A: Callable[[np.ndarray], np.ndarray], b: np.ndarray, tol: float = 1e-10, maxit: int = 1000
) -> tuple[np.ndarray, int]:
    """Solve A x = b by conjugate gradients from x = 0 (Hestenes and Stiefel 1952).

    A: maps v (n,) to A v (n,), for a symmetric positive definite matrix; it is called about once a step.
    b: (n,). Stops when |r| <= tol |b| or after maxit steps.
    Returns (x, n_iter): the solution (n,) and the number of steps made.
    """
    ### BEGIN SOLUTION
    x, r = np.zeros(len(b)), b.copy()
    p, rr = r, r @ r
    n_iter, goal = 0, tol**2 * rr
    while rr > goal and n_iter < maxit:
        Ap = A(p)
        alpha = rr / (p @ Ap)
        x = x + alpha * p
        r = r - alpha * Ap
        beta = r @ r / rr
        p, rr = r + beta * p, r @ r
        n_iter += 1
    return x, n_iter
    ### END SOLUTION


# %% nbgrader={"grade_id": "test_conjugate_gradient_values", "points": 3}
# After k steps x is the best point (in the norm of A) that k products can reach.
_D, _b = np.array([1.0, 4.0, 4.0]), np.array([1.0, 4.0, 8.0])
for _maxit, _x in [(1, 81 / 321 * _b), (2, [1.0, 1.0, 2.0])]:
    _found, _ = checks.items(
        conjugate_gradient(lambda v: _D * np.asarray(v), _b.copy(), 1e-10, _maxit), ("x", "n_iter")
    )
    _found = checks.array(_found, _x, f"x after {_maxit} of the example's steps", rtol=1e-6)
checks.public_passed("conjugate_gradient: values")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(921)
for _n, _k in [(6, 2), (6, 3), (12, 4), (30, 5), (4, 4), (1, 1)]:
    _Q = np.linalg.qr(_rng.normal(size=(_n, _n)))[0]
    _M, _b = _Q * np.linspace(1.0, 20.0, _n) @ _Q.T, _rng.normal(size=_n)
    _K = [_b / np.linalg.norm(_b)]  # an orthonormal basis of what k products reach
    for _ in range(_k - 1):
        _next = _M @ _K[-1]
        for _ in range(2):
            _next = _next - np.array(_K).T @ (np.array(_K) @ _next)
        _K.append(_next / np.linalg.norm(_next))
    _K = np.array(_K).T
    _x = _K @ np.linalg.solve(_K.T @ _M @ _K, _K.T @ _b)
    _found, _ = checks.items(
        conjugate_gradient(lambda v, M=_M: M @ np.asarray(v), _b.copy(), 1e-14, _k), ("x", "n_iter")
    )
    checks.array(_found, _x, f"x after {_k} steps, n = {_n},", rtol=1e-6, atol=1e-8)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_conjugate_gradient_steps", "points": 2}
# The number of steps: as many as there are clusters of eigenvalues, 0 for b = 0, never more than maxit.
_D, _b = np.array([1.0, 4.0, 4.0]), np.array([1.0, 4.0, 8.0])
for _right, _maxit, _steps in [(_b, 1000, 2), (1000 * _b, 1000, 2), (_b, 1, 1)]:
    _, _n_iter = checks.items(
        conjugate_gradient(lambda v: _D * np.asarray(v), _right.copy(), 1e-8, _maxit), ("x", "n_iter")
    )
    checks.integer(_n_iter, _steps, f"n_iter for b = {_right}, maxit = {_maxit},")
with np.errstate(all="ignore"):
    _x, _n_iter = checks.items(conjugate_gradient(lambda v: _D * np.asarray(v), np.zeros(3)), ("x", "n_iter"))
checks.integer(_n_iter, 0, "n_iter for b = 0")
_x = checks.array(_x, np.zeros(3), "x for b = 0")
checks.public_passed("conjugate_gradient: steps")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(922)
for _clusters, _scale in [(1, 1.0), (2, 1e-6), (3, 1.0), (4, 1e5)]:
    _D, _right = np.repeat(np.arange(1.0, _clusters + 1) ** 2, 5), _scale * _rng.normal(size=5 * _clusters)
    _, _n_iter = checks.items(
        conjugate_gradient(lambda v, D=_D: D * np.asarray(v), _right, 1e-8), ("x", "n_iter")
    )
    checks.integer(_n_iter, _clusters, f"n_iter for {_clusters} clusters, b of size {_scale:g},")
for _n, _tol in [
    (40, 1e-2),
    (80, 1e-2),
    (80, 0.1),
]:  # against the recursion's own count, with one step of play
    _D, _right = np.geomspace(1.0, 300.0, _n), np.ones(_n)
    _r, _p, _count = _right, _right, 0
    while np.linalg.norm(_r) > _tol * np.linalg.norm(_right):
        _new = _r - (_r @ _r) / (_p @ (_D * _p)) * _D * _p
        _r, _p, _count = _new, _new + (_new @ _new) / (_r @ _r) * _p, _count + 1
    _, _n_iter = checks.items(
        conjugate_gradient(lambda v, D=_D: D * np.asarray(v), _right.copy(), _tol), ("x", "n_iter")
    )
    checks.between(_n_iter, _count - 1, _count + 1, f"n_iter for kappa = 300, tol = {_tol:g},")
_, _n_iter = checks.items(
    conjugate_gradient(lambda v, D=_D: D * np.asarray(v), _right.copy(), 1e-12, 7), ("x", "n_iter")
)
checks.integer(_n_iter, 7, "n_iter with maxit = 7")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_conjugate_gradient_cost", "points": 2}
# One product with A a step: the calls are counted.
_D, _b = np.geomspace(1.0, 100.0, 12), np.linspace(-1.0, 2.0, 12)
_A = checks.counted(lambda v: _D * np.asarray(v))
_, _n_iter = checks.items(conjugate_gradient(_A, _b.copy(), 1e-10, 6), ("x", "n_iter"))
checks.between(_A.calls, 1, 8, "the number of products with A in 6 steps")
checks.public_passed("conjugate_gradient: cost")
### BEGIN HIDDEN TESTS
for _n, _maxit in [(30, 10), (30, 25), (6, 3)]:
    _D = np.geomspace(1.0, 500.0, _n)
    _A = checks.counted(lambda v, D=_D: D * np.asarray(v))
    conjugate_gradient(_A, np.ones(_n), 1e-12, _maxit)
    checks.between(_A.calls, 1, _maxit + 2, f"the number of products with A in {_maxit} steps")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_conjugate_gradient_clean", "points": 1}
# A call leaves b alone, and does not change what it hands to A or gets from there afterwards.
_b = np.array([1.0, 4.0, 8.0])
_kept = _b.copy()
conjugate_gradient(lambda v: np.array([1.0, 4.0, 4.0]) * np.asarray(v), _b)
checks.unchanged(_kept, _b, "b")
checks.public_passed("conjugate_gradient: clean calls")
### BEGIN HIDDEN TESTS
for _n in (1, 5, 20):
    _b = np.linspace(1.0, 3.0, _n)
    _kept = _b.copy()
    conjugate_gradient(lambda v: np.linspace(1.0, 9.0, len(v)) * np.asarray(v), _b, 1e-6, 4)
    checks.unchanged(_kept, _b, "b")
### END HIDDEN TESTS

# %% [markdown] nbgrader={"grade_id": "hvp_statement"}
# ## Exercise 4: a Hessian times a vector
#
# `hvp` &nbsp;·&nbsp; 6 points &nbsp;·&nbsp; 20 minutes &nbsp;·&nbsp; difficulty 3 of 5
#
# A Hessian of $n$ weights has $n^2$ entries; its product with one vector has $n$, and costs two to four gradients (Pearlmutter 1994):
#
# $$H(x)\, v = \nabla_x \big( \nabla f(x)^\top v \big) = \frac{d}{dh} \nabla f(x + h v) \Big|_{h=0}, \qquad v \text{ held constant.}$$
#
# **Arguments.** `f` maps a float64 tensor $(n,)$ to a scalar tensor and can be differentiated twice. `x` and `v` are float64 tensors $(n,)$; neither requires grad, and neither may
# do so after the call. $v$ may have any length: do not normalise it.
#
# **Return** $H(x)\, v$, of shape $(n,)$, a tensor or an array, to a relative $10^{-5}$. Differences of *gradients* are accurate enough. Do not form $H$: one check has
# $n = 20{,}000$, where it would take 3.2 GB.
#
# **Example.** $f(x) = x_1^2 x_2 + x_3^3$ at $x = (1, 2, 1)$ with $v = (1, -1, 2)$:
#
# $$H = \begin{pmatrix} 4 & 2 & 0 \\ 2 & 0 & 0 \\ 0 & 0 & 6 \end{pmatrix}, \qquad H v = \begin{pmatrix} 2 \\ 2 \\ 12 \end{pmatrix}$$
#
# <details><summary>Hint 1, values</summary>Differentiate once, and tell autograd to keep the graph of that gradient: <code>create_graph=True</code>. The gradient is a function of x; its product with v is a number.</details>
# <details><summary>Hint 2, precision</summary>Nothing needs converting: float64 comes in. At x near 10,000, float32 has steps of 0.001.</details>
# <details><summary>Hint 3, clean calls</summary>A detached copy of x may require grad; the caller's x may not.</details>


# %% nbgrader={"grade_id": "hvp"}
def hvp(f: Callable[[torch.Tensor], torch.Tensor], x: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """The product H(x) v of the Hessian of f at x with v, without H (Pearlmutter 1994).

    f: maps a float64 tensor (n,) to a scalar tensor. x: (n,), float64. v: (n,), float64, of any length.
    Returns (n,).
    """
    ### BEGIN SOLUTION
    at = x.detach().clone().requires_grad_()
    (gradient,) = torch.autograd.grad(f(at), at, create_graph=True)
    (product,) = torch.autograd.grad(gradient @ v, at)
    return product
    ### END SOLUTION


# %% nbgrader={"grade_id": "test_hvp_values", "points": 3}
# The example, and a function whose Hessian is full.
_x, _v = (
    torch.tensor([1.0, 2.0, 1.0], dtype=torch.float64),
    torch.tensor([1.0, -1.0, 2.0], dtype=torch.float64),
)
_Hv = checks.array(
    hvp(lambda x: x[0] ** 2 * x[1] + x[2] ** 3, _x.clone(), _v.clone()),
    [2.0, 2.0, 12.0],
    "H v",
    rtol=1e-5,
    atol=1e-6,
)
checks.public_passed("hvp: values")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(931)
for _n, _length in [(2, 1.0), (5, 30.0), (9, 0.2), (1, 4.0)]:
    _M, _x, _v = (
        torch.tensor(_rng.normal(size=(7, _n))),
        torch.tensor(_rng.normal(size=_n)),
        torch.tensor(_rng.normal(size=_n)),
    )
    _v = _length * _v / _v.norm()
    # f = sum of exp(M x / 2) has the Hessian M^T diag(exp(M x / 2)) M / 4
    _H = _M.T @ torch.diag(torch.exp(_M @ _x / 2)) @ _M / 4
    _Hv = hvp(lambda x, M=_M: torch.exp(M @ x / 2).sum(), _x.clone(), _v.clone())
    checks.array(_Hv, _H @ _v, f"H v, n = {_n}, |v| = {_length:g},", rtol=1e-5, atol=1e-6)
_C = torch.tensor([[0.0, 2.0, -1.0], [2.0, -3.0, 0.5], [-1.0, 0.5, 1.0]], dtype=torch.float64)  # both signs
for _v in (
    torch.tensor([1.0, 1.0, 1.0]).double(),
    torch.tensor([0.0, -5.0, 2.0]).double(),
    torch.zeros(3).double(),
):
    _Hv = hvp(lambda x: x @ _C @ x / 2 + x.sum(), torch.tensor([3.0, -1.0, 2.0]).double(), _v.clone())
    checks.array(_Hv, _C @ _v, f"H v of a quadratic, v = {_v.tolist()},", rtol=1e-5, atol=1e-6)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_hvp_precision", "points": 1}
# Far from zero: x near 10,000, where float32 has lost three digits.
_x = torch.tensor([10001.3701, 9999.1901, 10000.4401], dtype=torch.float64)
_v = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)
_expected = 12 * (_x - 1e4) ** 2 * _v
_Hv = hvp(lambda x: ((x - 1e4) ** 4).sum(), _x.clone(), _v.clone())
_Hv = checks.finite(_Hv, "H v", (3,))
_ratio = checks.array(
    _Hv / _Hv[0], _expected / _expected[0], "H v over its first entry, x near 10,000,", rtol=1e-5, atol=1e-6
)
checks.public_passed("hvp: precision")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(932)
for _n in (4, 11):
    _x, _v = torch.tensor(1e4 + _rng.uniform(0.3, 1.5, size=_n)), torch.tensor(_rng.uniform(0.5, 3, size=_n))
    _expected = 12 * (_x - 1e4) ** 2 * _v
    _Hv = checks.finite(hvp(lambda x: ((x - 1e4) ** 4).sum(), _x.clone(), _v.clone()), "H v", (_n,))
    checks.array(
        _Hv / _Hv[0],
        _expected / _expected[0],
        "H v over its first entry, x near 10,000,",
        rtol=1e-5,
        atol=1e-6,
    )
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_hvp_cost", "points": 1}
# 20,000 weights: the Hessian would take 3.2 GB, the product takes 0.2 MB.
_x, _v = (
    torch.linspace(0.5, 1.5, 20_000, dtype=torch.float64),
    torch.linspace(-1.0, 2.0, 20_000, dtype=torch.float64),
)
_shape = checks.finite(
    hvp(lambda x: (x**2).sum() ** 2 / len(x), _x, _v), "H v of 20,000 weights", (20_000,)
).shape
checks.public_passed("hvp: cost")
### BEGIN HIDDEN TESTS
checks.finite(hvp(lambda x: torch.sin(x).sum() ** 2 / len(x), _x, _v), "H v of 20,000 weights", (20_000,))
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_hvp_clean", "points": 1}
# A call leaves x and v alone: their numbers, and that they require no grad.
_x, _v = (
    torch.tensor([1.0, 2.0, 1.0], dtype=torch.float64),
    torch.tensor([1.0, -1.0, 2.0], dtype=torch.float64),
)
_kept = _x.clone(), _v.clone()
hvp(lambda x: x[0] ** 2 * x[1] + x[2] ** 3, _x, _v)
checks.unchanged(_kept[0], _x, "x")
checks.unchanged(_kept[1], _v, "v")
checks.exactly(bool(_x.requires_grad or _v.requires_grad), False, "that x or v requires grad after the call")
checks.public_passed("hvp: clean calls")
### BEGIN HIDDEN TESTS
for _n in (1, 4):
    _x, _v = torch.arange(1.0, _n + 1, dtype=torch.float64), 3 * torch.ones(_n, dtype=torch.float64)
    _kept = _x.clone(), _v.clone()
    hvp(lambda x: (x**3).sum(), _x, _v)
    checks.unchanged(_kept[0], _x, "x")
    checks.unchanged(_kept[1], _v, "v")
    checks.exactly(
        bool(_x.requires_grad or _v.requires_grad), False, "that x or v requires grad after the call"
    )
### END HIDDEN TESTS

# %% [markdown] nbgrader={"grade_id": "saddle_free_newton_statement"}
# ## Exercise 5: a step that saddles repel
#
# `saddle_free_newton` &nbsp;·&nbsp; 5 points &nbsp;·&nbsp; 15 minutes &nbsp;·&nbsp; difficulty 2 of 5
#
# Newton's step divides the gradient by each curvature, sign included, and so walks *up* to a saddle along its downhill directions. Dauphin et al. divide by the curvature's size:
#
# $$\delta = -\big(|H| + \mu I\big)^{-1} g, \qquad |H| = V\, |\Lambda|\, V^\top \text{ for } H = V \Lambda V^\top .$$
#
# **Convention.** $|H|$ is the *matrix* absolute value: same eigenvectors, the eigenvalues' absolute values. It is not the matrix of the entries' absolute values. The damping μ (`damping`) is
# added after the absolute value.
#
# **Shapes.** `g` is $(n,)$, `H` is $(n, n)$ and symmetric, `damping` a positive number. Return δ, of shape $(n,)$.
#
# **Example.** $H = \begin{pmatrix} 0 & 2 & 0 \\ 2 & 0 & 0 \\ 0 & 0 & -1 \end{pmatrix}$ has the eigenvalues 2, −2 and −1, so $|H| = \mathrm{diag}(2, 2, 1)$. With μ = 0.5 and
# $g = (5, -10, 3)$ the step is $(-2, 4, -2)$.
#
# <details><summary>Hint 1, values</summary><code>np.linalg.eigh</code> returns eigenvalues and, as columns, eigenvectors. Turn g onto them, divide, turn back.</details>
# <details><summary>Hint 2, both signs</summary>For the example, print V, the eigenvalues, and your |H|: it is diagonal although H is not.</details>
# <details><summary>Hint 3, damping</summary>With H = 0 the step is −g/μ, whatever the route.</details>


# %% nbgrader={"grade_id": "saddle_free_newton"}
def saddle_free_newton(g: np.ndarray, H: np.ndarray, damping: float) -> np.ndarray:
    """The damped saddle-free Newton step -(|H| + damping I)^(-1) g (Dauphin et al. 2014).

    g: (n,), the gradient. H: (n, n), the symmetric Hessian. damping > 0. Returns (n,).
    """
    ### BEGIN SOLUTION
    eigenvalues, V = np.linalg.eigh(H)
    return -V @ ((V.T @ g) / (np.abs(eigenvalues) + damping))
    ### END SOLUTION


# %% nbgrader={"grade_id": "test_saddle_free_newton_bowl", "points": 1}
# In a bowl it is the damped step of Newton.
_H, _g = np.array([[4.0, 1.0, 0.0], [1.0, 3.0, 1.0], [0.0, 1.0, 2.0]]), np.array([4.5, 1.0, -2.5])
checks.array(
    saddle_free_newton(_g.copy(), _H.copy(), 0.5),
    -np.linalg.solve(_H + 0.5 * np.eye(3), _g),
    "delta in a bowl",
)
checks.public_passed("saddle_free_newton: a bowl")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(941)
for _n, _damping in [(1, 0.3), (2, 2.0), (5, 0.01), (20, 0.7)]:
    _M, _g = _rng.normal(size=(_n + 2, _n)), _rng.normal(size=_n)
    _H = _M.T @ _M
    _delta = -np.linalg.inv(_H + _damping * np.eye(_n)) @ _g
    checks.array(saddle_free_newton(_g, _H, _damping), _delta, f"delta in a bowl, n = {_n},")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_saddle_free_newton_saddle", "points": 2}
# At a saddle every part of the step goes downhill: also where the diagonal of H is zero.
_H, _g = np.array([[0.0, 2.0, 0.0], [2.0, 0.0, 0.0], [0.0, 0.0, -1.0]]), np.array([5.0, -10.0, 3.0])
checks.array(saddle_free_newton(_g.copy(), _H.copy(), 0.5), [-2.0, 4.0, -2.0], "delta at a saddle")
checks.public_passed("saddle_free_newton: a saddle")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(942)
for _n, _damping in [(1, 0.3), (2, 1.5), (5, 0.01), (20, 0.7)]:
    _Q, _g = np.linalg.qr(_rng.normal(size=(_n, _n)))[0], _rng.normal(size=_n)
    _sizes = _rng.uniform(0.5, 4, size=_n)
    _signs = np.where(np.arange(_n) % 2 == 0, -1.0, 1.0)
    _H = _Q * (_sizes * _signs) @ _Q.T
    _delta = -np.linalg.solve(_Q * _sizes @ _Q.T + _damping * np.eye(_n), _g)
    checks.array(saddle_free_newton(_g, (_H + _H.T) / 2, _damping), _delta, f"delta at a saddle, n = {_n},")
_H = np.array([[0.0, 3.0, 0.0, 1.0], [3.0, 0.0, -2.0, 0.0], [0.0, -2.0, 0.0, 4.0], [1.0, 0.0, 4.0, 0.0]])
_U, _S, _Vt = np.linalg.svd(_H)
_delta = -np.linalg.solve(_Vt.T * _S @ _Vt + 0.4 * np.eye(4), np.arange(1.0, 5.0))
checks.array(saddle_free_newton(np.arange(1.0, 5.0), _H, 0.4), _delta, "delta for a zero diagonal, n = 4,")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_saddle_free_newton_damping", "points": 1}
# Flat directions have the finite step -g/damping, up to the step's sign.
with np.errstate(all="ignore"):
    _delta = saddle_free_newton(np.array([1.0, -2.0, 3.0]), np.zeros((3, 3)), 0.25)
_delta = checks.array(
    np.abs(checks.finite(_delta, "delta where H = 0", (3,))), [4.0, 8.0, 12.0], "sizes in delta where H = 0"
)
checks.public_passed("saddle_free_newton: damping")
### BEGIN HIDDEN TESTS
for _H, _damping, _sizes in [
    (np.diag([0.0, 6.0]), 2.0, [0.5, 1 / 8]),
    (np.ones((2, 2)) * 3, 0.5, [2 / 13, 2 / 13]),
    (np.zeros((2, 2)), 1e-3, [1e3, 1e3]),
]:
    with np.errstate(all="ignore"):
        _delta = checks.finite(saddle_free_newton(np.ones(2), _H, _damping), "delta", (2,))
    checks.array(np.abs(_delta), _sizes, f"sizes in delta, damping = {_damping:g},")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_saddle_free_newton_clean", "points": 1}
# A call leaves its arguments alone.
_H, _g = np.array([[0.0, 2.0, 0.0], [2.0, 0.0, 0.0], [0.0, 0.0, -1.0]]), np.array([5.0, -10.0, 3.0])
_kept = _H.copy(), _g.copy()
saddle_free_newton(_g, _H, 0.5)
checks.unchanged(_kept[0], _H, "H")
checks.unchanged(_kept[1], _g, "g")
checks.public_passed("saddle_free_newton: clean calls")
### BEGIN HIDDEN TESTS
for _n in (1, 4):
    _H, _g = np.eye(_n) - 2 * np.ones((_n, _n)), np.arange(1.0, _n + 1)
    _kept = _H.copy(), _g.copy()
    saddle_free_newton(_g, _H, 1.5)
    checks.unchanged(_kept[0], _H, "H")
    checks.unchanged(_kept[1], _g, "g")
### END HIDDEN TESTS

# %% [markdown] nbgrader={"grade_id": "payoff_text"}
# ## The payoff: your functions at work
#
# **One fit, four ways.** A network of 8 tanh units, 25 weights, fits 60 noisy points of $\sin 3x$. All start from the same weights:
#
# - *gradient descent*, at the best of the rates that the lecture tried, 0.005;
# - *Levenberg-Marquardt*, by your `gauss_newton` and `lm_step`; μ falls to a third after a step that helps, and doubles until one does;
# - the same with your `conjugate_gradient` in place of the solver, which sees products $J^\top (J v) + \mu v$ only, ten of them a step at most;
# - *saddle-free Newton*, by your `saddle_free_newton` and a Hessian whose columns your `hvp` finds, with damping 1.
#
# Before you run it: in which order do they arrive at a loss of 0.2, and how far is the first ahead of the last?

# %% tags=["explore"]
from trainlab import plots

noise = 0.05 * torch.tensor(np.random.default_rng(0).normal(size=60))
at = torch.linspace(-2, 2, 60, dtype=torch.float64)
target = torch.sin(3 * at) + noise


def residuals(w):
    a, b, c, d = w[:8], w[8:16], w[16:24], w[24]
    return torch.tanh(at[:, None] * a + b) @ c + d - target


def loss(w):
    return residuals(torch.as_tensor(w)).square().sum() / 2


def plain(answer):
    return np.array(torch.as_tensor(answer).detach())


def pieces(w):
    J = torch.func.jacrev(residuals)(torch.tensor(w)).numpy()
    r = residuals(torch.tensor(w)).numpy()
    return J, r, *map(plain, gauss_newton(J, r))


def descent(w, _):
    return w - 0.005 * pieces(w)[2]


def damped(solve):
    def step(w, memory):
        J, r, grad, _ = pieces(w)
        mu = memory.get("mu", 0.01)
        while loss(new := w + solve(J, r, grad, mu)) >= loss(w) and mu < 1e9:
            mu *= 2
        memory["mu"] = mu / 3
        return new

    return step


def by_products(J, r, grad, mu):
    return plain(
        conjugate_gradient(lambda v: J.T @ (J @ np.asarray(v)) + mu * np.asarray(v), -grad, 1e-10, 10)[0]
    )


def saddle_free(w, _):
    x = torch.tensor(w)
    H = np.stack([plain(hvp(loss, x, e)) for e in torch.eye(25, dtype=torch.float64)])
    return w + plain(saddle_free_newton(pieces(w)[2], (H + H.T) / 2, 1.0))


ways = {
    "Levenberg-Marquardt": damped(lambda J, r, grad, mu: plain(lm_step(J, r, mu))),
    "with 10 products": damped(by_products),
    "saddle-free Newton": saddle_free,
    "gradient descent": descent,
}
rng = np.random.default_rng(0)  # the lecture's first start
start = np.concatenate([rng.normal(size=8), np.zeros(8), rng.normal(size=8) / 8**0.5, [0]])
curves = []
for name, step in ways.items():
    w = start
    losses, memory = [float(loss(w))], {}
    while losses[-1] > 0.2 and len(losses) <= 1000:
        w = step(w, memory)
        losses.append(float(loss(w)))
    print(f"{name:20s} loss {losses[-1]:.3f} after {len(losses) - 1:,} steps")
    curves.append(plots.Curve(np.arange(1, len(losses) + 1), losses, name))
plots.show(
    plots.lines(*curves, xlabel="step + 1", ylabel="loss", logx=True, logy=True),
    alt="On logarithmic axes three curves fall to 0.2 within some tens to a hundred steps; gradient descent is still above one after 1,000.",
)

# %% [markdown] nbgrader={"grade_id": "payoff_seen"}
# <details><summary>What to see</summary>
#
# Levenberg-Marquardt arrives after 29 steps, and conjugate gradients in place of its solver after 29 as well: ten products a step say of the $25 \times 25$ system all that this step needs, because
# damping gathers most eigenvalues into one cluster around μ. Saddle-free Newton takes 83 steps with its fixed damping of 1, and never climbs to a saddle. Gradient descent stands at 1.8 after 1,000 steps; the lecture
# has it arrive after 25,000.
#
# A step is not a step: here the four ask for one Jacobian and a solver, one Jacobian and ten products, 25 products with the Hessian, and one gradient. At 25 weights even the dearest is worth it by far.
#
# </details>

# %% [markdown] nbgrader={"grade_id": "written_second_order_statement"}
# ## Exercise 6: one optimiser for a large network?
#
# written question &nbsp;·&nbsp; 3 points &nbsp;·&nbsp; 15 minutes &nbsp;·&nbsp; difficulty 3 of 5
#
# A colleague has seen Levenberg-Marquardt finish a fit of 25 weights in 30 steps, where gradient descent took 20,000. He wants to train a classifier of ten million weights on a
# million images with it, in batches of 128. Answer in one to three sentences each.
#
# 1. Which step of the method does not survive ten million weights, and how does its cost grow with their number?
# 2. Suppose that he replaces that step by conjugate gradients with products $J^\top(Jv)$. What does a step cost then, in gradients, and what do batches of 128 do to it?
# 3. Name one optimiser of the lecture's last section that keeps part of the idea at that size, and say what it leaves out.

# %% [markdown] nbgrader={"grade_id": "written_second_order", "points": 3}
# ### BEGIN SOLUTION
# 1. Forming $J^\top J + \mu I$, $n^2$ numbers (here $10^{14}$), and solving with it, about $n^3$ operations. One step costs more than the whole training.
# 2. Each product costs two to four gradients, so a step with ten or fifty products costs tens to some hundred gradients. 128 examples span at most 128 times the number of outputs
#    directions: the curvature is that of the batch and not of the data, and a long, exact step fits the batch's noise. Methods of this kind want full or very large batches.
# 3. K-FAC (a Kronecker product of two small matrices for each layer; leaves out what couples layers, and correlations between inputs and derivatives), Shampoo (the same form from
#    averaged gradients; leaves out curvature itself), Muon (one batch's momentum made orthogonal; has no memory of curvature), Adam (the diagonal; leaves out all that couples two weights).
#
# **Marking scheme** (3 points)
#
# - 1 point: part 1. Half a point for the matrix or its solution, half for $n^2$ memory or $n^3$ time.
# - 1 point: part 2. Half a point for a few gradients a product, times the number of products; half for noise, or few examples against many directions.
# - 1 point: part 3. Half a point for a method, half for what it leaves out.
# - No deduction for language.
# ### END SOLUTION
