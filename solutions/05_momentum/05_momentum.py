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
# # Assignment 5: momentum
#
# You write the two update rules with memory that train most networks, show what exactly they remember, and compute how
# much that memory buys on a bowl. At the end your own functions race each other, on a narrow valley and on a network
# that reads digits.
#
# Read the lecture first: [How far can one step go, and what does memory buy?](../../lectures/05_momentum.ipynb)
#
# | | exercise | points | minutes | difficulty |
# |---|---|---|---|---|
# | 1 | `momentum_step`: the heavy ball | 4 | 10 | 1 of 5 |
# | 2 | `nesterov_step`: look ahead first | 5 | 15 | 2 of 5 |
# | 3 | `momentum_history`: what the memory holds | 5 | 20 | 3 of 5 |
# | 4 | `optimal_rates`: what the memory buys | 6 | 20 | 3 of 5 |
# | | the payoff: your functions at work | - | 10 | - |
# | 5 | three forms of one idea, in words | 3 | 15 | 3 of 5 |
# | | **sum** | **23** | **90** | |
#
# Write your code where a cell says so and run the cells below it: the visible checks answer at once, and hidden checks of
# the same aspects follow at grading. NumPy or PyTorch, loops or array expressions: any right way is accepted. All numbers
# are float64. A function must leave its arguments as they are.

# %% nbgrader={"grade_id": "setup"}
from collections.abc import Callable

import numpy as np
import torch

from trainlab import checks

# %% [markdown] nbgrader={"grade_id": "momentum_step_statement"}
# ## Exercise 1: the heavy ball
#
# `momentum_step` &nbsp;·&nbsp; 4 points &nbsp;·&nbsp; 10 minutes &nbsp;·&nbsp; difficulty 1 of 5
#
# Gradient descent forgets each step as soon as it is made. The heavy ball keeps its last movement $m$ and adds the new
# push to it. With the rate $\eta$ (`lr`), the memory $\beta$ (`beta`, $0 \le \beta < 1$) and the gradient $g$ at $\theta$:
#
# $$m' = \beta\, m - \eta\, g, \qquad \theta' = \theta + m'$$
#
# **Convention.** This is the form of the lecture: $m$ is a *movement*, it contains the rate and points downhill. PyTorch
# keeps $v' = \beta v + g$ instead and steps by $-\eta v'$; that is another function.
#
# **Shapes.** `theta`, `m` and `g` have one and the same shape: a vector, a matrix of weights, anything. So have both results.
#
# **Example.** $\theta = (1, 2)$, $m = (0.5, -1)$, $g = (2, 4)$, $\eta = 0.1$, $\beta = 0.9$:
#
# $$m' = (0.45 - 0.2,\; -0.9 - 0.4) = (0.25,\, -1.3), \qquad \theta' = (1.25,\, 0.7)$$
#
# <details><summary>Hint 1, values</summary>Write the two formulas in the order in which they stand. The second one uses the result of the first.</details>
# <details><summary>Hint 2, clean calls</summary>NumPy's <code>*</code>, <code>-</code> and <code>+</code> work entry by entry for every shape and make new arrays; <code>*=</code> and <code>+=</code> change the array that the caller still holds.</details>
# <details><summary>Hint 3, values</summary><code>new_m = beta * m - lr * g</code>, and then a line for <code>new_theta</code> and a <code>return</code> of both.</details>


# %% nbgrader={"grade_id": "momentum_step"}
def momentum_step(
    theta: np.ndarray, m: np.ndarray, g: np.ndarray, lr: float, beta: float
) -> tuple[np.ndarray, np.ndarray]:
    """One step of the heavy ball (Polyak 1964): m' = beta m - lr g, theta' = theta + m'.

    theta: the weights, any shape. m: the last movement, g: the gradient at theta, both of
    that shape. Returns (theta', m'), new arrays; the arguments stay as they are.
    """
    ### BEGIN SOLUTION
    moved = beta * m - lr * g
    return theta + moved, moved
    ### END SOLUTION


# %% nbgrader={"grade_id": "test_momentum_step_values", "points": 2}
# One step: both results.
_result = momentum_step(np.array([1.0, 2.0]), np.array([0.5, -1.0]), np.array([2.0, 4.0]), 0.1, 0.9)
_theta, _m = checks.items(_result, ("new theta", "new m"))
checks.array(_m, [0.25, -1.3], "new m")
checks.array(_theta, [1.25, 0.7], "new theta")
checks.public_passed("momentum_step: values")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(51)
for _shape in [(1,), (3,), (7,), (2, 3), (4, 1), (2, 2, 3)]:
    _theta, _m, _g = _rng.normal(size=(3, *_shape))
    _lr, _beta = _rng.uniform(0.01, 2.0), _rng.uniform(0.1, 0.95)
    _moved = np.array([_beta * a - _lr * b for a, b in zip(_m.flat, _g.flat, strict=True)]).reshape(_shape)
    _there = _theta + _moved
    _result = checks.items(momentum_step(_theta, _m, _g, _lr, _beta), ("new theta", "new m"))
    checks.array(_result[1], _moved, "new m")
    checks.array(_result[0], _there, "new theta")
_cases = [  # no memory; no gradient; small steps and a long memory; unequal scales
    ([3.0], [-0.5], [2.0], 0.25, 0.0),
    ([3.0, 1.0], [2.0, -4.0], [0.0, 0.0], 0.5, 0.75),
    ([0.0, 0.0], [1e-6, -2e-6], [1e3, -4e2], 1e-8, 0.999),
    ([[1e12, -1e-3]], [[2e9, 1e-5]], [[-3e10, 1e-4]], 1.0, 0.5),
]
for *_arrays, _lr, _beta in _cases:
    _theta, _m, _g = map(np.array, _arrays)
    _moved = _beta * _m - _lr * _g
    _there = _theta + _moved
    _result = checks.items(momentum_step(_theta, _m, _g, _lr, _beta), ("new theta", "new m"))
    checks.array(_result[1], _moved, f"new m for lr = {_lr:g}, beta = {_beta:g}")
    checks.array(_result[0], _there, f"new theta for lr = {_lr:g}, beta = {_beta:g}")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_momentum_step_steps", "points": 1}
# Several steps in a row on L = theta^2 / 2, so g = theta, each from the results of the last.
_theta, _m = np.array([1.0]), np.array([0.0])
for _where, _moved in [(0.9, -0.1), (0.76, -0.14), (0.614, -0.146)]:
    _result = momentum_step(_theta, _m, _theta.copy(), 0.1, 0.5)
    _theta, _m = checks.items(_result, ("new theta", "new m"))
    _theta, _m = checks.array(_theta, [_where], "new theta"), checks.array(_m, [_moved], "new m")
checks.public_passed("momentum_step: several steps")
### BEGIN HIDDEN TESTS
# Polyak's own form knows no m: theta'' = theta' - lr g + beta (theta' - theta). The rate falls on the way.
_rng = np.random.default_rng(52)
for _shape, _beta in [((4,), 0.9), ((2, 3), 0.5), ((1,), 0.999)]:
    _before, _now = _rng.normal(size=(2, *_shape))
    _theta, _m = _now.copy(), _now - _before
    for _t in range(10):
        _lr, _g = 0.3 / (1 + _t), _rng.normal(size=_shape)
        _before, _now = _now, _now - _lr * _g + _beta * (_now - _before)
        _theta, _m = checks.items(momentum_step(_theta, _m, _g, _lr, _beta), ("new theta", "new m"))
        _theta = checks.array(_theta, _now, f"new theta after {_t + 1} steps")
        _m = checks.array(_m, _now - _before, f"new m after {_t + 1} steps")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_momentum_step_clean", "points": 1}
# A call leaves its arguments alone and gives the same answer twice: it remembers nothing.
_arrays = [np.array(_x) for _x in ([1.0, 2.0], [0.5, -1.0], [2.0, 4.0])]
_kept, _answers = [_x.copy() for _x in _arrays], []
for _ in range(2):
    _result = checks.items(momentum_step(*_arrays, 0.1, 0.9), ("new theta", "new m"))
    for _old, _new, _name in zip(_kept, _arrays, ("theta", "m", "g"), strict=True):
        checks.unchanged(_old, _new, _name)
    _answers.append([checks.finite(_x, "a result", shape=(2,)).copy() for _x in _result])
for _first, _second, _name in zip(*_answers, ("new theta", "new m"), strict=True):
    checks.array(_second, _first, f"in a second call, {_name}")
checks.public_passed("momentum_step: clean calls")
### BEGIN HIDDEN TESTS
_rng, _answers = np.random.default_rng(58), {}
_cases = [(*_rng.normal(size=(3, *_s)), _lr, 0.6) for _s, _lr in [((3,), 0.2), ((2, 3), 1.5), ((3,), 0.2)]]
for _k in (0, 1, 2, 2, 1, 0):  # in any order, and twice
    _kept, _settings = _cases[_k][:3], _cases[_k][3:]
    _arrays = [_x.copy() for _x in _kept]
    _result = checks.items(momentum_step(*_arrays, *_settings), ("new theta", "new m"))
    for _old, _new, _name in zip(_kept, _arrays, ("theta", "m", "g"), strict=True):
        checks.unchanged(_old, _new, _name)
    _result = [checks.finite(_x, "a result", shape=_kept[0].shape).copy() for _x in _result]
    for _first, _second, _name in zip(
        _answers.setdefault(_k, _result), _result, ("new theta", "new m"), strict=True
    ):
        checks.array(_second, _first, f"in a second call, {_name}")
### END HIDDEN TESTS

# %% [markdown] nbgrader={"grade_id": "nesterov_step_statement"}
# ## Exercise 2: look ahead first
#
# `nesterov_step` &nbsp;·&nbsp; 5 points &nbsp;·&nbsp; 15 minutes &nbsp;·&nbsp; difficulty 2 of 5
#
# The memory carries the weights to $\theta + \beta v$ whatever the gradient says. Nesterov's rule asks for the gradient there,
# before it steps, and so brakes one step earlier. In the form of Sutskever, Martens, Dahl and Hinton (2013):
#
# $$v' = \beta\, v - \eta\, \nabla L(\theta + \beta v), \qquad \theta' = \theta + v'$$
#
# **Convention.** $v$ is a movement, as $m$ was. The new weights start from $\theta$, not from the point that was looked at.
# PyTorch's `nesterov=True` stores the looked-at point instead of $\theta$; that is another function.
#
# **Shapes.** `theta` and `v` have one and the same shape, any shape. `grad_fn` takes an array of that shape and returns the
# gradient of the loss there, in the same shape; it also takes a tensor. The loss need not be quadratic.
#
# **Example.** $L = \sum_i \theta_i^4 / 4$, so `grad_fn` is $x \mapsto x^3$, entry by entry. $\theta = (1, -2)$, $v = (0.5, 1)$,
# $\eta = 0.1$, $\beta = 0.8$. The look-ahead point is $(1.4, -1.2)$ and the gradient there $(2.744, -1.728)$:
#
# $$v' = (0.4 - 0.2744,\; 0.8 + 0.1728) = (0.1256,\, 0.9728), \qquad \theta' = (1.1256,\, -1.0272)$$
#
# <details><summary>Hint 1, values</summary>There are three steps: find the point, ask for the gradient there, move.</details>
# <details><summary>Hint 2, the point</summary>The point is <code>theta + beta * v</code>: the memory's part of the step, and not the whole of <code>v</code>.</details>
# <details><summary>Hint 3, values</summary>After <code>g = grad_fn(theta + beta * v)</code> the rest is exercise 1 with this <code>g</code>.</details>


# %% nbgrader={"grade_id": "nesterov_step"}
def nesterov_step(
    theta: np.ndarray, v: np.ndarray, grad_fn: Callable[[np.ndarray], np.ndarray], lr: float, beta: float
) -> tuple[np.ndarray, np.ndarray]:
    """One Nesterov step (Sutskever et al. 2013, equations 3 and 4):

        v' = beta v - lr grad_fn(theta + beta v),  theta' = theta + v'

    theta: the weights, any shape. v: the last movement, of that shape. grad_fn: the gradient
    of the loss at a point. Returns (theta', v'), new arrays; the arguments stay as they are.
    """
    ### BEGIN SOLUTION
    coasting = beta * v
    moved = coasting - lr * grad_fn(theta + coasting)
    return theta + moved, moved
    ### END SOLUTION


# %% nbgrader={"grade_id": "test_nesterov_step_values", "points": 2}
# One step on losses that are not quadratic.
_result = nesterov_step(np.array([1.0, -2.0]), np.array([0.5, 1.0]), lambda x: x**3, 0.1, 0.8)
_theta, _v = checks.items(_result, ("new theta", "new v"))
checks.array(_v, [0.1256, 0.9728], "new v")
checks.array(_theta, [1.1256, -1.0272], "new theta")
checks.public_passed("nesterov_step: values")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(53)
_gradients = [
    lambda x: x**3,
    lambda x: 4 * x * (x * x - 1),
    lambda x: x**3 + 0.5 * x.sum(0) ** 3,
    lambda x: x - 2,
]
for _k, _shape in enumerate([(1,), (3,), (6,), (2, 3), (3, 1), (2, 1, 2), (4,), (2,)]):
    _grad = _gradients[_k % 4]
    _theta, _v = _rng.normal(size=(2, *_shape))
    _lr, _beta = _rng.uniform(0.01, 0.5), _rng.uniform(0.2, 0.95)
    # Nesterov's own form (1983): from the point y looked at, y - lr grad(y) is the new theta
    _y = _theta + _beta * _v
    _there = _y - _lr * _grad(_y)
    _moved = _there - _theta
    _result = checks.items(nesterov_step(_theta, _v, _grad, _lr, _beta), ("new theta", "new v"))
    checks.array(_result[1], _moved, "new v")
    checks.array(_result[0], _there, "new theta")
_cases = [  # no memory; no gradient; small steps and a long memory; unequal scales
    ([3.0], [-0.5], lambda x: 2 * x, 0.25, 0.0),
    ([3.0, 1.0], [2.0, -4.0], lambda x: 0.0 * x, 0.5, 0.75),
    ([0.5, 2.0], [1e-6, -2e-6], lambda x: 1e3 * x**3, 1e-8, 0.999),
    ([[1e6, -1e-3]], [[2e5, 1e-4]], lambda x: x / (1 + abs(x)), 1.0, 0.5),
]
for _theta, _v, _grad, _lr, _beta in _cases:
    _theta, _v = np.array(_theta), np.array(_v)
    _moved = _beta * _v - _lr * _grad(_theta + _beta * _v)
    _there = _theta + _moved
    _result = checks.items(nesterov_step(_theta, _v, _grad, _lr, _beta), ("new theta", "new v"))
    checks.array(_result[1], _moved, f"new v for lr = {_lr:g}, beta = {_beta:g}")
    checks.array(_result[0], _there, f"new theta for lr = {_lr:g}, beta = {_beta:g}")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_nesterov_step_steps", "points": 2}
# Several steps in a row on L = theta^2 / 2, each from the results of the last.
_theta, _v = np.array([1.0]), np.array([0.0])
for _where, _moved in [(0.5, -0.5), (0.125, -0.375), (-0.03125, -0.15625)]:
    _result = nesterov_step(_theta, _v, lambda x: 1.0 * x, 0.5, 0.5)
    _theta, _v = checks.items(_result, ("new theta", "new v"))
    _theta, _v = checks.array(_theta, [_where], "new theta"), checks.array(_v, [_moved], "new v")
checks.public_passed("nesterov_step: several steps")
### BEGIN HIDDEN TESTS
# The two sequences of Nesterov (1983): theta' = y - lr grad(y), y' = theta' + beta (theta' - theta); the rate falls.
_rng = np.random.default_rng(54)


def _slope(x):
    return x**3 - x + 0.2 * x.sum(0)


for _shape, _beta in [((3,), 0.9), ((2, 2), 0.6), ((1,), 0.999)]:
    _now, _v = 0.5 * _rng.normal(size=(2, *_shape))
    _theta, _y = _now.copy(), _now + _beta * _v
    for _t in range(8):
        _lr = 0.2 / (1 + _t)
        _before, _now = _now, _y - _lr * _slope(_y)
        _y = _now + _beta * (_now - _before)
        _theta, _v = checks.items(nesterov_step(_theta, _v, _slope, _lr, _beta), ("new theta", "new v"))
        _theta = checks.array(_theta, _now, f"new theta after {_t + 1} steps")
        _v = checks.array(_v, _now - _before, f"new v after {_t + 1} steps")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_nesterov_step_clean", "points": 1}
# A call leaves its arguments alone and gives the same answer twice: it remembers nothing.
_arrays = [np.array([1.0, -2.0]), np.array([0.5, 1.0])]
_kept, _answers = [_x.copy() for _x in _arrays], []
for _ in range(2):
    _result = checks.items(nesterov_step(*_arrays, lambda x: x**3, 0.1, 0.8), ("new theta", "new v"))
    for _old, _new, _name in zip(_kept, _arrays, ("theta", "v"), strict=True):
        checks.unchanged(_old, _new, _name)
    _answers.append([checks.finite(_x, "a result", shape=(2,)).copy() for _x in _result])
for _first, _second, _name in zip(*_answers, ("new theta", "new v"), strict=True):
    checks.array(_second, _first, f"in a second call, {_name}")
checks.public_passed("nesterov_step: clean calls")
### BEGIN HIDDEN TESTS
_rng, _answers = np.random.default_rng(59), {}
_cases = [(*_rng.normal(size=(2, *_s)), _lr) for _s, _lr in [((3,), 0.2), ((2, 3), 0.05), ((3,), 0.2)]]
for _k in (0, 1, 2, 2, 1, 0):  # in any order, and twice
    _kept, _lr = _cases[_k][:2], _cases[_k][2]
    _arrays = [_x.copy() for _x in _kept]
    _result = checks.items(nesterov_step(*_arrays, lambda x: 2 * x, _lr, 0.6), ("new theta", "new v"))
    for _old, _new, _name in zip(_kept, _arrays, ("theta", "v"), strict=True):
        checks.unchanged(_old, _new, _name)
    _result = [checks.finite(_x, "a result", shape=_kept[0].shape).copy() for _x in _result]
    for _first, _second, _name in zip(
        _answers.setdefault(_k, _result), _result, ("new theta", "new v"), strict=True
    ):
        checks.array(_second, _first, f"in a second call, {_name}")
### END HIDDEN TESTS

# %% [markdown] nbgrader={"grade_id": "momentum_history_statement"}
# ## Exercise 3: what the memory holds
#
# `momentum_history` &nbsp;·&nbsp; 5 points &nbsp;·&nbsp; 20 minutes &nbsp;·&nbsp; difficulty 3 of 5
#
# Put the heavy ball's recursion $m_t = \beta m_{t-1} - \eta g_t$ into itself, again and again, until $m_0 = 0$ is reached. What
# remains is a weighted sum of all gradients so far, in which a gradient's weight fades by $\beta$ with every step of age:
#
# $$m_t = -\eta \sum_{i=1}^{t} \beta^{\,t-i} g_i, \qquad t = 1, \dots, T$$
#
# Given the $T$ gradients of a run, return all $T$ movements.
#
# **Convention.** $m_t$ is the movement *after* the update with $g_t$; before the first, it is zero. So row 0 of the result
# contains the first gradient, and there is no row for $m_0$. $0 \le \beta < 1$; with $\beta = 0$ only the latest gradient counts
# ($\beta^0 = 1$ also then).
#
# **Shapes.** `grads` is $(T, n)$: one row per step, one column per weight. The result is $(T, n)$ too.
#
# **Example.** $T = 3$, $n = 2$, $\eta = 0.1$, $\beta = 0.5$. In the first column, $4 + 0.5 \cdot 2 + 0.25 \cdot 1 = 5.25$:
#
# $$g = \begin{pmatrix} 1 & 0 \\ 2 & -1 \\ 4 & 2 \end{pmatrix}
# \quad\longrightarrow\quad
# m = \begin{pmatrix} -0.1 & 0 \\ -0.25 & 0.1 \\ -0.525 & -0.15 \end{pmatrix}$$
#
# <details><summary>Hint 1, values</summary>You may compute the sum or run the recursion: both give the same rows.</details>
# <details><summary>Hint 2, values, by the recursion</summary>For the recursion, start from a row of n zeros, go through the rows of <code>grads</code> and collect what you have after each.</details>
# <details><summary>Hint 3, memory, by the sum</summary>For the sum, the result is −η times a lower triangular (T, T) matrix of weights, with β to the power t − i at row t and column i ≤ t, times <code>grads</code>. Take care that no negative power of β counts, not even times zero: for β = 0 it is infinite, and infinity times zero is nan.</details>


# %% nbgrader={"grade_id": "momentum_history"}
def momentum_history(grads: np.ndarray, lr: float, beta: float) -> np.ndarray:
    """The heavy ball's movements as weighted sums: m_t = -lr sum_{i <= t} beta^(t-i) g_i.

    grads: (T, n), one gradient per row, T >= 1. Returns a new array (T, n): each row is the
    movement after the update with that row of grads; before the first update it is zero.
    """
    ### BEGIN SOLUTION
    rows, moved = [], np.zeros(grads.shape[1])
    for g in grads:
        moved = beta * moved - lr * g
        rows.append(moved)
    return np.stack(rows)
    ### END SOLUTION


# %% nbgrader={"grade_id": "test_momentum_history_values", "points": 2}
# The sum itself.
_m = momentum_history(np.array([[1.0, 0.0], [2.0, -1.0], [4.0, 2.0]]), 0.1, 0.5)
checks.array(_m, [[-0.1, 0.0], [-0.25, 0.1], [-0.525, -0.15]], "m")
checks.public_passed("momentum_history: values")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(55)
for _T, _n in [(1, 1), (1, 4), (2, 3), (4, 4), (5, 1), (7, 3), (3, 8), (30, 2)]:
    _grads, _lr, _beta = _rng.normal(size=(_T, _n)), _rng.uniform(0.01, 2.0), _rng.uniform(0.2, 0.99)
    _sum = np.array(
        [
            [-_lr * sum(_beta ** (t - i) * _grads[i, j] for i in range(t + 1)) for j in range(_n)]
            for t in range(_T)
        ]
    )
    checks.array(momentum_history(_grads, _lr, _beta), _sum, f"m for {_T} gradients of {_n} weights")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_momentum_history_memory", "points": 2}
# How long a gradient is remembered: no memory, one kick, a constant push.
_kick = np.array([[0.0], [1.0], [0.0], [0.0], [0.0]])
with np.errstate(all="ignore"):
    checks.array(momentum_history(_kick, 1.0, 0.0), -_kick, "with beta = 0, m")
checks.array(
    momentum_history(_kick, 1.0, 0.5), [[0.0], [-1.0], [-0.5], [-0.25], [-0.125]], "after one kick, m"
)
checks.public_passed("momentum_history: memory")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(56)
with np.errstate(all="ignore"):
    for _grads in (_rng.normal(size=(1, 2)), _rng.normal(size=(6, 3))):
        checks.array(momentum_history(_grads, 0.3, 0.0), -0.3 * _grads, "with beta = 0, m")
for _beta, _T in [(0.9, 40), (0.999, 300), (0.2, 5)]:  # a constant push adds up like a geometric series
    _series = -0.05 * (1 - _beta ** np.arange(1, _T + 1)) / (1 - _beta)
    _push = np.tile([[2.0, -1.0]], (_T, 1))
    checks.array(
        momentum_history(_push, 0.05, _beta),
        np.outer(_series, [2.0, -1.0]),
        f"under a constant push, m with beta = {_beta:g}",
    )
# after a long time the first gradients are forgotten, not overflown: beta^-400 is beyond float64
_late = np.zeros((400, 2))
_late[0], _late[398], _late[399] = (5.0, 5.0), (1.0, -2.0), (3.0, 4.0)
with np.errstate(all="ignore"):
    _m = checks.finite(momentum_history(_late, 2.0, 0.1), "m after 400 steps", shape=(400, 2))
for _row, _moved in [(0, [-10.0, -10.0]), (1, [-1.0, -1.0]), (398, [-2.0, 4.0]), (399, [-6.2, -7.6])]:
    checks.array(_m[_row], _moved, f"after 400 steps, row {_row} of m")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_momentum_history_clean", "points": 1}
# A call leaves the gradients alone and gives the same answer twice: it remembers nothing.
_grads = np.array([[1.0, 0.0], [2.0, -1.0], [4.0, 2.0]])
_kept, _answers = _grads.copy(), []
for _ in range(2):
    _m = momentum_history(_grads, 0.1, 0.5)
    checks.unchanged(_kept, _grads, "grads")
    _answers.append(checks.finite(_m, "m", shape=(3, 2)).copy())
checks.array(_answers[1], _answers[0], "in a second call, m")
checks.public_passed("momentum_history: clean calls")
### BEGIN HIDDEN TESTS
_rng, _answers = np.random.default_rng(57), {}
_runs = [
    (_rng.normal(size=_s), _lr, _beta)
    for *_s, _lr, _beta in [(6, 3, 0.2, 0.8), (1, 3, 1.5, 0.3), (6, 3, 0.05, 0.4)]
]
for _k in (0, 1, 2, 2, 1, 0):  # in any order, and twice
    _grads = _runs[_k][0].copy()
    _m = momentum_history(_grads, *_runs[_k][1:])
    checks.unchanged(_runs[_k][0], _grads, "grads")
    _m = checks.finite(_m, "m", shape=_grads.shape).copy()
    checks.array(_m, _answers.setdefault(_k, _m), "in a second call, m")
### END HIDDEN TESTS

# %% [markdown] nbgrader={"grade_id": "optimal_rates_statement"}
# ## Exercise 4: what the memory buys
#
# `optimal_rates` &nbsp;·&nbsp; 6 points &nbsp;·&nbsp; 20 minutes &nbsp;·&nbsp; difficulty 3 of 5
#
# On a bowl whose curvatures (the eigenvalues of its Hessian) lie between $\mu$ and $L$, the best constants and the factor by
# which the error shrinks per step are known. With the condition number $\kappa = L / \mu$:
#
# | key | meaning | value |
# |---|---|---|
# | `eta_gd` | best rate of gradient descent | $2 / (\mu + L)$ |
# | `rate_gd` | the error's factor per step with it | $(\kappa - 1) / (\kappa + 1)$ |
# | `eta_hb` | best rate of the heavy ball | $4 / (\sqrt{\mu} + \sqrt{L})^2$ |
# | `beta_hb` | its best memory | $\big((\sqrt{\kappa} - 1) / (\sqrt{\kappa} + 1)\big)^2$ |
# | `rate_hb` | the error's factor per step with both | $(\sqrt{\kappa} - 1) / (\sqrt{\kappa} + 1)$ |
# | `eta_max` | from here on gradient descent no longer converges | $2 / L$ |
#
# **Convention.** The factors are those of the distance $\lVert \theta - \theta^* \rVert$, not of the loss, which shrinks by their squares.
# `eta_max` is the limit without momentum.
#
# **Types.** $0 < \mu \le L$ are numbers. Return a `dict` with exactly these six keys and a number under each.
#
# **Example.** $\mu = 1$, $L = 9$, so $\kappa = 9$ and $\sqrt{\kappa} = 3$: `eta_gd` $= 0.2$, `rate_gd` $= 0.8$, `eta_hb` $= 4/16 = 0.25$,
# `beta_hb` $= (2/4)^2 = 0.25$, `rate_hb` $= 0.5$, `eta_max` $= 2/9$. Per tenfold reduction of the error, gradient descent takes
# $\ln 10 / \ln(1/0.8) \approx 10.3$ steps and the heavy ball 3.3.
#
# <details><summary>Hint 1, all factors</summary>Compute κ and √κ first; every factor is then one short expression.</details>
# <details><summary>Hint 2, the ends</summary>μ = L is a round bowl: gradient descent arrives in one step, so both factors and <code>beta_hb</code> are 0, and <code>eta_gd</code> and <code>eta_hb</code> are 1/L.</details>
# <details><summary>Hint 3, measured</summary>Check your own numbers: at η = <code>eta_gd</code>, |1 − ημ| and |1 − ηL| are both equal to <code>rate_gd</code>, and <code>beta_hb</code> is the square of <code>rate_hb</code>.</details>


# %% nbgrader={"grade_id": "optimal_rates"}
def optimal_rates(mu: float, L: float) -> dict[str, float]:
    """The best constants on a quadratic (Polyak 1964; Goh 2017).

    mu, L: the smallest and the largest eigenvalue of the Hessian, 0 < mu <= L.
    Returns a dict with the keys eta_gd, rate_gd, eta_hb, beta_hb, rate_hb, eta_max; the rates
    are factors of the distance to the minimum per step.
    """
    ### BEGIN SOLUTION
    k = L / mu
    root = np.sqrt(k)
    rate_hb = (root - 1) / (root + 1)
    return {
        "eta_gd": 2 / (mu + L),
        "rate_gd": (k - 1) / (k + 1),
        "eta_hb": 4 / (np.sqrt(mu) + np.sqrt(L)) ** 2,
        "beta_hb": rate_hb**2,
        "rate_hb": rate_hb,
        "eta_max": 2 / L,
    }
    ### END SOLUTION


# %% nbgrader={"grade_id": "test_optimal_rates_gradient_descent", "points": 2}
# The three numbers of gradient descent.
_keys = ("eta_gd", "rate_gd", "eta_hb", "beta_hb", "rate_hb", "eta_max")
_expected = {"eta_gd": 0.2, "rate_gd": 0.8, "eta_max": 2 / 9}
checks.mapping(optimal_rates(1.0, 9.0), _expected, "optimal_rates(1, 9)", keys=_keys)
checks.public_passed("optimal_rates: gradient descent")
### BEGIN HIDDEN TESTS
for _mu, _L in [(1.0, 1000.0), (0.02, 3.5), (2.5, 2.75), (1e-3, 0.7), (30.0, 4000.0), (3.0, 10.0)]:
    # the rate at which both ends of the spectrum shrink alike: 1 - eta mu = eta L - 1
    _eta = np.linalg.solve([[_mu, 1.0], [_L, -1.0]], [1.0, 1.0])
    _expected = {"eta_gd": _eta[0], "rate_gd": _eta[1], "eta_max": 2.0 / _L}
    checks.mapping(optimal_rates(_mu, _L), _expected, f"optimal_rates({_mu:g}, {_L:g})", keys=_keys)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_optimal_rates_heavy_ball", "points": 2}
# The three numbers of the heavy ball.
_keys = ("eta_gd", "rate_gd", "eta_hb", "beta_hb", "rate_hb", "eta_max")
_expected = {"eta_hb": 0.25, "beta_hb": 0.25, "rate_hb": 0.5}
checks.mapping(optimal_rates(1.0, 9.0), _expected, "optimal_rates(1, 9)", keys=_keys)
checks.public_passed("optimal_rates: heavy ball")
### BEGIN HIDDEN TESTS
for _mu, _L in [(1.0, 1000.0), (0.02, 3.5), (2.5, 2.75), (1e-3, 0.7), (30.0, 4000.0), (3.0, 10.0)]:
    # both ends of the spectrum at a double root: (1 -+ sqrt(beta))^2 = eta mu and eta L
    _root = (_L**0.5 - _mu**0.5) / (_L**0.5 + _mu**0.5)
    _expected = {"eta_hb": (1 - _root) ** 2 / _mu, "beta_hb": _root * _root, "rate_hb": _root}
    checks.mapping(optimal_rates(_mu, _L), _expected, f"optimal_rates({_mu:g}, {_L:g})", keys=_keys)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_optimal_rates_ends", "points": 1}
# A round bowl, and a bowl in other units.
_round = {"eta_gd": 0.25, "rate_gd": 0.0, "eta_hb": 0.25, "beta_hb": 0.0, "rate_hb": 0.0, "eta_max": 0.5}
checks.mapping(optimal_rates(4.0, 4.0), _round, "optimal_rates(4, 4)")
checks.public_passed("optimal_rates: ends")
### BEGIN HIDDEN TESTS
# kappa = 1e12: gradient descent needs a trillion steps, the heavy ball a million
_root = 0.999999 / 1.000001
_flat = {"eta_gd": 2.0, "rate_gd": 1 - 2e-12, "eta_hb": 4 / 1.000001**2, "beta_hb": _root**2}
_flat |= {"rate_hb": _root, "eta_max": 2.0}
checks.mapping(optimal_rates(1e-12, 1.0), _flat, "optimal_rates(1e-12, 1)")
# other units of the loss: the rates scale, the factors stay; whole numbers are numbers too
_known = {"rate_gd": 99 / 101, "beta_hb": 81 / 121, "rate_hb": 9 / 11}
for _mu, _L, _unit in [(1, 100, 1.0), (1e-4, 1e-2, 1e4), (2e3, 2e5, 5e-4)]:
    _there = {**_known, "eta_gd": _unit * 2 / 101, "eta_hb": _unit * 4 / 121, "eta_max": _unit / 50}
    checks.mapping(optimal_rates(_mu, _L), _there, f"optimal_rates({_mu:g}, {_L:g})")
for _L in (1.0, 0.3, 250.0):
    _round = {
        "eta_gd": 1 / _L,
        "rate_gd": 0.0,
        "eta_hb": 1 / _L,
        "beta_hb": 0.0,
        "rate_hb": 0.0,
        "eta_max": 2 / _L,
    }
    checks.mapping(optimal_rates(_L, _L), _round, f"optimal_rates({_L:g}, {_L:g})")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_optimal_rates_measured", "points": 1}
# Measured: the slowest direction of a bowl shrinks by your factors, and other constants do no better.
_keys = ("eta_gd", "rate_gd", "eta_hb", "beta_hb", "rate_hb", "eta_max")
_rates = optimal_rates(1.0, 9.0)
checks.mapping(_rates, {}, "optimal_rates(1, 9)", keys=_keys)
_eta, _rate = (checks.finite(_rates[_key], _key, shape=()) for _key in ("eta_gd", "rate_gd"))
_slowest = max(abs(1 - _eta * _curvature) for _curvature in np.linspace(1.0, 9.0, 9))
checks.between(_rate, _slowest - 1e-6, _slowest + 1e-6, "rate_gd, against the factor measured with eta_gd,")
checks.public_passed("optimal_rates: measured")
### BEGIN HIDDEN TESTS


def _factor(eta, beta, curvatures):
    """The largest factor per step of the heavy ball (beta = 0: gradient descent) over all curvatures."""
    steps = [[[1 + beta - eta * curvature, -beta], [1.0, 0.0]] for curvature in curvatures]
    return np.abs(np.linalg.eigvals(np.array(steps))).max()


for _mu, _L in [(1.0, 9.0), (0.5, 200.0), (0.04, 0.09)]:
    _rates, _bowl = optimal_rates(_mu, _L), np.linspace(_mu, _L, 41)
    checks.mapping(_rates, {}, "the result", keys=_keys)
    _eta_gd, _rate_gd, _eta, _beta, _rate, _limit = (
        float(checks.finite(_rates[_key], _key, shape=())) for _key in _keys
    )
    _gd, _hb = _factor(_eta_gd, 0.0, _bowl), _factor(_eta, _beta, _bowl)
    checks.between(_rate_gd, _gd - 1e-6, _gd + 1e-6, "rate_gd, against the factor measured with eta_gd,")
    checks.between(
        _rate, _hb - 1e-6, _hb + 1e-6, "rate_hb, against the factor measured with eta_hb and beta_hb,"
    )
    for _off in (0.97, 1.03):
        checks.between(_gd, 0.0, _factor(_off * _eta_gd, 0.0, _bowl), "the factor measured with eta_gd")
        checks.between(_hb, 0.0, _factor(_off * _eta, _beta, _bowl), "the factor measured with eta_hb")
        checks.between(_hb, 0.0, _factor(_eta, _off * _beta, _bowl), "the factor measured with beta_hb")
    checks.between(_factor(0.999 * _limit, 0.0, _bowl), 0.0, 1.0, "the factor measured just below eta_max")
    checks.between(_factor(1.001 * _limit, 0.0, _bowl), 1.0, 2.0, "the factor measured just above eta_max")
### END HIDDEN TESTS

# %% [markdown] nbgrader={"grade_id": "payoff_valley_text"}
# ## The payoff: your functions at work
#
# **A narrow valley.** The bowl below has $\kappa = 100$. Your `optimal_rates` says what to expect of it. Before you run the cell:
# how many steps does gradient descent need to bring the error down to a millionth, and how many does the heavy ball?
# (Divide $\ln 10^{6} = 13.8$ by $\ln(1/\text{rate})$.)
#
# Nesterov's step has no entry in your table. Its usual constants on a bowl are $\eta = 1/L$ and $\beta = (\sqrt\kappa - 1)/(\sqrt\kappa + 1)$. Its
# factor there, $1 - 1/\sqrt\kappa$, is worse than the heavy ball's; but it keeps its speed on every smooth, strongly convex loss, where
# the heavy ball with its best constants may never arrive (Lessard, Recht and Packard 2016).

# %% tags=["explore"]
from trainlab import plots
from trainlab.descend import run
from trainlab.surfaces import Quadratic


def gradient_descent(grad, w, lr):
    while True:
        w, _ = map(np.asarray, momentum_step(w, np.zeros_like(w), grad(w), lr, 0.0))
        yield w


def heavy_ball(grad, w, lr, beta):
    m = np.zeros_like(w)
    while True:
        w, m = map(np.asarray, momentum_step(w, m, grad(w), lr, beta))
        yield w


def nesterov(grad, w, lr, beta):
    v = np.zeros_like(w)
    while True:
        w, v = map(np.asarray, nesterov_step(w, v, grad, lr, beta))
        yield w


bowl, start = Quadratic((1.0, 100.0)), [-1.0, 0.3]
best = optimal_rates(1.0, 100.0)
traces = {
    "gradient descent": run(gradient_descent, bowl, start, 800, lr=best["eta_gd"]),
    "heavy ball": run(heavy_ball, bowl, start, 800, lr=best["eta_hb"], beta=best["beta_hb"]),
    "Nesterov": run(nesterov, bowl, start, 800, lr=1 / 100, beta=best["rate_hb"]),
}
factors = [best["rate_gd"], best["rate_hb"], 1 - 1 / np.sqrt(100)]
curves = []
for k, ((name, trace), factor) in enumerate(zip(traces.items(), factors, strict=True)):
    error = np.linalg.norm(trace.path, axis=1) / np.linalg.norm(start)
    needed = int(np.argmax(error <= 1e-6))
    print(f"{name}: predicted {np.log(1e-6) / np.log(factor):.0f} steps to a millionth, took {needed}")
    steps = trace.steps[: needed + 1]
    curves.append(plots.Curve(steps, error[: needed + 1], name, colour=k))
    curves.append(plots.Curve(steps, factor**steps, theory=True, colour=k))
plots.show(
    plots.lines(
        *curves, xlabel="step", ylabel="distance / first distance", title="dashed: your rates", logy=True
    ),
    alt="Three errors fall to a millionth on a logarithmic axis: gradient descent in 691 steps, on its dashed line; Nesterov "
    "in under 160 and the heavy ball in under 90, first above their dashed lines and then parallel to them.",
)

# %% [markdown] nbgrader={"grade_id": "payoff_valley_seen"}
# Gradient descent keeps its promise to the step. The two rules with memory fall with the promised slope, but start late: at the best
# constants two roots of the recursion coincide, and the error falls like $(a + bt)\,\text{rate}^t$. That costs 20 and 27
# steps here, and matters less the longer the run.

# %% [markdown] nbgrader={"grade_id": "payoff_network_text"}
# **A network.** 600 handwritten digits, a network with one hidden layer and 1,210 weights, the gradient of all examples in every
# step. A network is no bowl, and nobody knows its $\mu$ and $L$; does memory still pay? Under a constant push, memory 0.9 makes steps
# ten times as long. Predict: what does plain gradient descent do with a ten times larger rate?

# %% tags=["explore"]
from trainlab.data import digits
from trainlab.networks import MLP, training_loss

torch.set_num_threads(1)  # the network is small: more threads cost time
data = digits(count=600)
network = MLP((64, 16, 10))
loss = training_loss(network, data.inputs, data.labels, torch.nn.functional.cross_entropy)
start = network.initial(seed=0)
traces = {
    "gradient descent": run(gradient_descent, loss, start, 150, lr=0.3),
    "heavy ball, β = 0.9": run(heavy_ball, loss, start, 150, lr=0.3, beta=0.9),
    "Nesterov, β = 0.9": run(nesterov, loss, start, 150, lr=0.3, beta=0.9),
    "descent at 10 η": run(gradient_descent, loss, start, 150, lr=3.0),
}
for name, trace in traces.items():
    outputs = network.forward(torch.tensor(trace.path[-1]), torch.tensor(data.inputs))
    right = (outputs.argmax(dim=1).numpy() == data.labels).mean()
    print(f"{name}: loss {trace.losses[-1]:.3f}, {right:.0%} of the training digits read")
plots.show(
    plots.losses(*traces.values(), labels=list(traces), title="600 digits, η = 0.3"),
    alt="Training loss against step: gradient descent falls slowly, the heavy ball and Nesterov lie far below it, almost on "
    "one line; gradient descent at ten times the rate jumps up at once and stays above all others.",
)

# %% [markdown] nbgrader={"grade_id": "payoff_torch_text"}
# <details><summary>What it does</summary>
#
# It jumps up at once and stays above all others. A constant push would bear steps ten times as long; the steepest directions of the network do not.
#
# </details>
#
# **And PyTorch.** Its optimiser keeps $v$ with $m = -\eta v$. At a constant rate it must walk the same path as your heavy ball:

# %% tags=["explore"]
weights = torch.tensor(start, requires_grad=True)
optimiser = torch.optim.SGD([weights], lr=0.3, momentum=0.9)
for _ in range(150):
    optimiser.zero_grad()
    loss.loss(weights).backward()
    optimiser.step()
gap = np.abs(weights.detach().numpy() - traces["heavy ball, β = 0.9"].path[-1]).max()
print(f"after 150 steps, your weights and PyTorch's agree to 1e-10: {gap < 1e-10}")

# %% [markdown] nbgrader={"grade_id": "written_momentum_statement"}
# ## Exercise 5: three forms of one idea
#
# written question &nbsp;·&nbsp; 3 points &nbsp;·&nbsp; 15 minutes &nbsp;·&nbsp; difficulty 3 of 5
#
# Three forms of momentum are in use:
#
# | | memory | step |
# |---|---|---|
# | A, this assignment | $m' = \beta m - \eta g$ | $\theta' = \theta + m'$ |
# | B, PyTorch | $v' = \beta v + g$ | $\theta' = \theta - \eta v'$ |
# | C, averaged | $u' = \beta u + (1 - \beta) g$ | $\theta' = \theta - \eta u'$ |
#
# Answer in one to three sentences each, with a formula or a number where one belongs. $\beta = 0.9$ throughout.
#
# 1. A run in form B uses $\eta = 0.01$. Which $\eta$ gives the same path in form A, and which in form C, and why?
# 2. At step 1,000 the rate is divided by ten. What happens to the length of the very next steps in form A, and what in form B?
# 3. "Momentum 0.9 is the same as a ten times larger rate." In which direction of a narrow valley is this true, and what is wrong with it?

# %% [markdown] nbgrader={"grade_id": "written_momentum", "points": 3}
# ### BEGIN SOLUTION
# 1. Form A: the same 0.01, since $m = -\eta v$ turns one recursion into the other. Form C: $u = (1 - \beta) v$, so the rate must be
#    $\eta / (1 - \beta) = 0.1$.
# 2. In A the memory holds movements, made with the old rate: the next step is $0.9\,m - \eta g / 10$, still about nine tenths of the
#    old length, and it takes about $1/(1-\beta) = 10$ steps to forget (a factor of ten after 22). In B the memory holds gradients and
#    the whole step is scaled: it is ten times shorter at once.
# 3. Along the flat direction, where the gradient hardly changes from step to step, the movements add up to $-\eta g/(1-\beta)$, ten
#    times a plain step. Across the valley the gradient changes sign, movements cancel instead of adding up, and the rate at which
#    the run stays stable grows from $2/\lambda$ only to $2(1+\beta)/\lambda = 3.8/\lambda$: 1.9 times. A ten times larger rate would diverge there. (Also
#    accepted: the tenfold step is reached only after about ten steps.)
#
# **Marking scheme** (3 points)
#
# - 1 point: part 1. Half a point for A, half a point for C with the factor $1/(1-\beta)$ or 10 and a reason.
# - 1 point: part 2. Half a point for "A slows down gradually", half a point for "B at once"; a number of steps is not required.
# - 1 point: part 3. Half a point for the flat direction (constant gradient, $1/(1-\beta)$), half a point for one true objection:
#   the stability limit, cancelling across the valley, or the delay.
# - No points for formulas without a sentence that answers the question; no deduction for language.
# ### END SOLUTION
