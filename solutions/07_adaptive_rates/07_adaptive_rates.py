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
# # Assignment 7: adaptive rates
#
# You write the rules that give every weight a rate of its own, from the root mean square to Adam and AdamW, and the two ways to start
# slowly: RAdam's rectifier and warm-up. At the end your functions walk a badly scaled bowl and train a network that reads digits.
#
# Read the lecture first: [Why should every weight have its own rate, and when does that fail?](../../lectures/07_adaptive_rates.ipynb)
#
# | | exercise | points | minutes | difficulty |
# |---|---|---|---|---|
# | 1 | `rms_sigma`: how large are a weight's gradients? | 4 | 10 | 2 of 5 |
# | 2 | `adagrad_step`: the sum of squares | 5 | 10 | 2 of 5 |
# | 3 | `rmsprop_step`: a fading average | 5 | 10 | 2 of 5 |
# | 4 | `adam_step`: two memories, corrected | 6 | 20 | 3 of 5 |
# | 5 | `radam_rectifier`: how far to trust a young average | 5 | 15 | 3 of 5 |
# | 6 | `warmup_cosine`: first up, then down | 4 | 10 | 2 of 5 |
# | 7 | `adamw_step`: decay beside the quotient | 6 | 15 | 3 of 5 |
# | | the payoff: your functions at work | - | 10 | - |
# | 8 | units, first steps and valleys, in words | 3 | 15 | 3 of 5 |
# | | **sum** | **38** | **115** | |
#
# Write your code where a cell says so and run the cells below it: the visible checks answer at once, and hidden checks of
# the same aspects follow at grading. NumPy or PyTorch, loops or array expressions: any right way is accepted. All numbers
# are float64. A function must leave its arguments as they are.

# %% nbgrader={"grade_id": "setup"}
import math

import numpy as np
import torch

from trainlab import checks

# %% [markdown] nbgrader={"grade_id": "rms_sigma_statement"}
# ## Exercise 1: how large are a weight's gradients?
#
# `rms_sigma` &nbsp;·&nbsp; 4 points &nbsp;·&nbsp; 10 minutes &nbsp;·&nbsp; difficulty 2 of 5
#
# A weight whose gradients are large should take small steps per unit of gradient, and the other way round. The simplest
# measure of "large" is the root mean square of all gradients that this weight has seen so far:
#
# $$\sigma_t = \sqrt{\frac{1}{t} \sum_{i=1}^{t} g_i^2}, \qquad t = 1, \dots, T, \quad \text{for every weight alone}$$
#
# Given the $T$ gradients of a run, return all $T$ values.
#
# **Convention.** $\sigma_t$ knows the gradients up to and including $g_t$, and divides by how many they are. So row 0 of the
# result is $|g_1|$. (Lee's lectures count from 0 and write $1/(t+1)$; that is the same number.)
#
# **Shapes.** `grads` is $(T, n)$: one row per step, one column per weight, $T \ge 1$. The result is $(T, n)$ too.
#
# **Example.** $T = 3$, $n = 2$. In the first column, $(9 + 16)/2 = 12.5$ and $(9 + 16 + 50)/3 = 25$:
#
# $$g = \begin{pmatrix} 3 & -1 \\ 4 & 0 \\ \sqrt{50} & 0 \end{pmatrix}
# \quad\longrightarrow\quad
# \sigma = \begin{pmatrix} 3 & 1 \\ \sqrt{12.5} & \sqrt{1/2} \\ 5 & \sqrt{1/3} \end{pmatrix}$$
#
# <details><summary>Hint 1, values</summary>The three words in reverse: square, then mean, then root. The mean is over the rows so far, and each row has another number of them.</details>
# <details><summary>Hint 2, values</summary><code>np.cumsum(..., axis=0)</code> adds up rows from the top, and keeps every sum on the way.</details>
# <details><summary>Hint 3, values</summary>Divide the running sums of <code>grads**2</code> by a column 1, 2, ..., T: <code>np.arange(1, len(grads) + 1)[:, None]</code>. The root comes last.</details>


# %% nbgrader={"grade_id": "rms_sigma"}
def rms_sigma(grads: np.ndarray) -> np.ndarray:
    """The root mean square of all gradients so far: sigma_t = sqrt(mean_{i <= t} g_i^2) (Lee 2021).

    grads: (T, n), one gradient per row, T >= 1. Returns a new array (T, n): in each row the
    root mean square of this row and all rows above it, for every column alone.
    """
    ### BEGIN SOLUTION
    counts = np.arange(1, len(grads) + 1)[:, None]
    return np.sqrt(np.cumsum(grads**2, axis=0) / counts)
    ### END SOLUTION


# %% nbgrader={"grade_id": "test_rms_sigma_values", "points": 2}
# The formula.
_sigma = rms_sigma(np.array([[3.0, -1.0], [4.0, 0.0], [math.sqrt(50), 0.0]]))
checks.array(_sigma, [[3, 1], [math.sqrt(12.5), math.sqrt(0.5)], [5, math.sqrt(1 / 3)]], "sigma")
checks.public_passed("rms_sigma: values")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(701)
for _T, _n in [(1, 1), (1, 4), (2, 3), (4, 4), (5, 1), (7, 3), (3, 8), (60, 2)]:
    _grads = _rng.normal(size=(_T, _n))
    _rows = [[math.hypot(*_grads[: t + 1, j]) / math.sqrt(t + 1) for j in range(_n)] for t in range(_T)]
    checks.array(rms_sigma(_grads), _rows, f"sigma of {_T} gradients of {_n} weights")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_rms_sigma_scales", "points": 1}
# Every weight has its own scale, and zero is a gradient too.
_grads = np.array([[1e-3, 1e3], [-1e-3, 1e3], [1e-3, -1e3]])
checks.array(rms_sigma(_grads), np.abs(_grads), "for gradients of one size, sigma")
_sigma = rms_sigma(np.array([[0.0], [0.0], [6.0], [0.0]]))
checks.array(_sigma, [[0.0], [0.0], [math.sqrt(12)], [3.0]], "sigma after a single gradient")
checks.public_passed("rms_sigma: scales")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(702)
_sizes = np.array([1e-3, 1e3, 1.0, 30.0])
_grads = _rng.normal(size=(12, 4)) * _sizes
_rows = np.array([[math.fsum(_grads[: t + 1, j] ** 2) / (t + 1) for j in range(4)] for t in range(12)]) ** 0.5
checks.array(rms_sigma(_grads), _rows, "sigma of columns of unequal scale")
for _rows_kept in (1, 5, 11):  # no row knows a later gradient
    checks.array(rms_sigma(_grads[:_rows_kept].copy()), _rows[:_rows_kept], "sigma of the first rows alone")
_late = np.zeros((400, 2))
_late[0], _late[399] = (20.0, 0.0), (0.0, -60.0)
_sigma = checks.finite(rms_sigma(_late), "sigma of 400 rows", shape=(400, 2))
checks.array(
    _sigma[[0, 3, 99, 399]], [[20, 0], [10, 0], [2, 0], [1, 3]], "sigma of 400 rows, at rows 0, 3, 99, 399,"
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_rms_sigma_clean", "points": 1}
# A call leaves the gradients alone and gives the same answer twice: it remembers nothing.
_grads = np.array([[3.0, -1.0, 0.0], [4.0, 0.0, 2.0]])
_kept, _answers = _grads.copy(), []
for _ in range(2):
    _sigma = rms_sigma(_grads)
    checks.unchanged(_kept, _grads, "grads")
    _answers.append(checks.finite(_sigma, "sigma", shape=(2, 3)).copy())
checks.array(_answers[1], _answers[0], "in a second call, sigma")
checks.public_passed("rms_sigma: clean calls")
### BEGIN HIDDEN TESTS
_rng, _answers = np.random.default_rng(703), {}
_runs = [5 * _rng.normal(size=_shape) for _shape in [(6, 3), (1, 3), (6, 3), (9, 2)]]
for _k in (0, 1, 2, 3, 3, 2, 1, 0):  # in any order, and twice
    _grads = _runs[_k].copy()
    _sigma = rms_sigma(_grads)
    checks.unchanged(_runs[_k], _grads, "grads")
    _sigma = checks.finite(_sigma, "sigma", shape=_grads.shape).copy()
    checks.array(_sigma, _answers.setdefault(_k, _sigma), "in a second call, sigma")
### END HIDDEN TESTS

# %% [markdown] nbgrader={"grade_id": "adagrad_step_statement"}
# ## Exercise 2: the sum of squares
#
# `adagrad_step` &nbsp;·&nbsp; 5 points &nbsp;·&nbsp; 10 minutes &nbsp;·&nbsp; difficulty 2 of 5
#
# Adagrad (Duchi, Hazan and Singer 2011) divides by the root of the *sum* of all squares, not of their mean. So its steps
# shrink by themselves, like $\eta/\sqrt{t}$ for gradients that stay the same size. The state is that sum, $s$:
#
# $$s' = s + g^2, \qquad \theta' = \theta - \eta\, \frac{g}{\sqrt{s'} + \varepsilon}$$
#
# **Convention.** Squares, roots and quotients are taken entry by entry. The new gradient is in the sum before it is divided by
# it. $\varepsilon$ (`eps` $> 0$) stands *outside* the root, as in `torch.optim.Adagrad`, and so has the unit of a gradient.
#
# **Shapes.** `theta`, `s` and `g` have one and the same shape: a vector, a matrix of weights, anything. So have both results.
#
# **Example.** $\theta = (1, 2)$, $s = (9, 0)$, $g = (4, -2)$, $\eta = 0.5$, $\varepsilon = 1$:
#
# $$s' = (25, 4), \qquad \theta' = \left(1 - 0.5 \cdot \tfrac{4}{5 + 1},\; 2 + 0.5 \cdot \tfrac{2}{2 + 1}\right) = (0.6667,\, 2.3333)$$
#
# <details><summary>Hint 1, values</summary>First the new sum, then the step: the second formula uses the result of the first.</details>
# <details><summary>Hint 2, small gradients</summary>What does your step do for a weight whose gradient has always been exactly 0? The answer must be: nothing, and not nan. ε is there for that.</details>
# <details><summary>Hint 3, values</summary><code>new_s = s + g**2</code>; the step is <code>lr * g</code> over <code>np.sqrt(new_s) + eps</code>, with brackets round the whole denominator.</details>


# %% nbgrader={"grade_id": "adagrad_step"}
def adagrad_step(
    theta: np.ndarray, s: np.ndarray, g: np.ndarray, lr: float, eps: float
) -> tuple[np.ndarray, np.ndarray]:
    """One step of Adagrad (Duchi et al. 2011): s' = s + g^2, theta' = theta - lr g / (sqrt(s') + eps).

    theta: the weights, any shape. s: the sum of all squared gradients before this one, g: the
    gradient at theta, both of that shape. Returns (theta', s'), new arrays; the arguments stay
    as they are.
    """
    ### BEGIN SOLUTION
    total = s + g**2
    return theta - lr * g / (np.sqrt(total) + eps), total
    ### END SOLUTION


# %% nbgrader={"grade_id": "test_adagrad_step_values", "points": 2}
# One step: both results.
_result = adagrad_step(np.array([1.0, 2.0]), np.array([9.0, 0.0]), np.array([4.0, -2.0]), 0.5, 1.0)
_theta, _s = checks.items(_result, ("new theta", "new s"))
checks.array(_s, [25.0, 4.0], "new s")
checks.array(_theta, [2 / 3, 7 / 3], "new theta")
checks.public_passed("adagrad_step: values")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(711)
for _shape in [(1,), (3,), (7,), (2, 3), (4, 1), (2, 2, 3)]:
    _theta, _g = 3 * _rng.normal(size=(2, *_shape))
    _s = _rng.uniform(0.1, 30.0, size=_shape)
    _lr, _eps = _rng.uniform(0.1, 2.0), _rng.uniform(0.01, 0.5)
    _lengths = [math.hypot(math.sqrt(a), b) for a, b in zip(_s.flat, _g.flat, strict=True)]  # sqrt(s + g^2)
    _length = np.array(_lengths).reshape(_shape)
    _there = _theta - _lr / (_length + _eps) * _g
    _result = checks.items(adagrad_step(_theta, _s, _g, _lr, _eps), ("new theta", "new s"))
    checks.array(_result[1], _length * _length, "new s")
    checks.array(_result[0], _there, "new theta")
_cases = [  # no gradient; a long past; unequal scales; a matrix
    ([3.0, 1.0], [2.0, 4.0], [0.0, 0.0], 0.5, 0.1),
    ([0.0, 0.0], [1e6, 4e8], [1e3, -4e2], 10.0, 1e-8),
    ([[5.0, -1e-3]], [[2e9, 0.0]], [[-3e4, 1e-4]], 1.0, 1e-5),
]
for *_arrays, _lr, _eps in _cases:
    _theta, _s, _g = map(np.array, _arrays)
    _kept = _theta.copy(), _s.copy(), _g.copy()
    _sum = _kept[1] + _kept[2] * _kept[2]
    _there = _kept[0] - _lr * _kept[2] / (_sum**0.5 + _eps)
    _result = checks.items(adagrad_step(_theta, _s, _g, _lr, _eps), ("new theta", "new s"))
    checks.array(_result[1], _sum, f"new s for lr = {_lr:g}, eps = {_eps:g}")
    checks.array(_result[0], _there, f"new theta for lr = {_lr:g}, eps = {_eps:g}")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_adagrad_step_steps", "points": 1}
# Several steps in a row under a constant gradient: they shrink like 1, 1/sqrt(2), 1/sqrt(3).
_theta, _s, _where = np.array([0.0, 0.0]), np.array([0.0, 0.0]), 0.0
for _t in (1, 2, 3):
    _where -= 0.1 / math.sqrt(_t)
    _result = adagrad_step(_theta, _s, np.array([2.0, -50.0]), 0.1, 1e-12)
    _theta, _s = checks.items(_result, ("new theta", "new s"))
    _s = checks.array(_s, [4.0 * _t, 2500.0 * _t], f"new s after {_t} steps")
    _theta = checks.array(_theta, [_where, -_where], f"new theta after {_t} steps")
checks.public_passed("adagrad_step: several steps")
### BEGIN HIDDEN TESTS
# All steps at once: the sums are a cumulative sum, the weights a sum over all gradients so far. The rate falls on the way.
_rng = np.random.default_rng(712)
for _shape, _eps in [((4,), 1e-8), ((2, 3), 0.3), ((1,), 1e-3)]:
    _grads = _rng.normal(size=(12, *_shape)) * 10.0 ** _rng.integers(-3, 4, size=_shape)
    _start, _first = _rng.normal(size=_shape), _rng.uniform(0.0, 2.0, size=_shape)
    _rates = (0.5 / (1 + np.arange(12))).reshape(12, *[1] * len(_shape))
    _sums = _first + np.cumsum(_grads**2, axis=0)
    _path = _start - np.cumsum(_rates * _grads / (_sums**0.5 + _eps), axis=0)
    _theta, _s = _start.copy(), _first.copy()
    for _t in range(12):
        _lr = float(_rates[_t].flat[0])
        _theta, _s = checks.items(adagrad_step(_theta, _s, _grads[_t], _lr, _eps), ("new theta", "new s"))
        _theta = checks.array(_theta, _path[_t], f"new theta after {_t + 1} steps")
        _s = checks.array(_s, _sums[_t], f"new s after {_t + 1} steps")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_adagrad_step_small", "points": 1}
# Small gradients show where eps stands; no gradient at all is no step.
with np.errstate(all="ignore"):
    _result = adagrad_step(np.zeros(2), np.zeros(2), np.array([1e-8, 0.0]), 1.0, 1e-6)
_theta, _s = checks.items(_result, ("new theta", "new s"))
checks.array(_theta, [-1 / 101, 0.0], "for gradients 1e-8 and 0 with eps 1e-6, new theta")
checks.array(_s, [1e-16, 0.0], "for gradients 1e-8 and 0 with eps 1e-6, new s")
checks.public_passed("adagrad_step: small gradients")
### BEGIN HIDDEN TESTS
_cases = [([3e-8, -2e-7, 0.0], 1e-6), ([[-1e-5], [4e-5]], 1e-4), ([2e-3, 0.0, -5e-2], 1e-2), ([1e-9], 1e-8)]
for _g, _eps in _cases:
    _g = np.array(_g)
    _theta, _s, _there = 0.5 * np.ones_like(_g), np.zeros_like(_g), 0.5 * np.ones_like(_g)
    for _t in (1, 2, 3):  # a constant gradient: the root of the sum is sqrt(t) |g|
        _there = _there - 0.7 * _g / (math.sqrt(_t) * abs(_g) + _eps)
        with np.errstate(all="ignore"):
            _result = adagrad_step(_theta, _s, _g, 0.7, _eps)
        _theta, _s = checks.items(_result, ("new theta", "new s"))
        _theta = checks.array(_theta, _there, f"with eps {_eps:g}, new theta after {_t} steps")
        _s = checks.array(_s, _t * _g**2, f"with eps {_eps:g}, new s after {_t} steps")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_adagrad_step_clean", "points": 1}
# A call leaves its arguments alone and gives the same answer twice: it remembers nothing.
_arrays = [np.array(_x) for _x in ([1.0, 2.0, 3.0], [9.0, 0.0, 1.0], [4.0, -2.0, 0.0])]
_kept, _answers = [_x.copy() for _x in _arrays], []
for _ in range(2):
    _result = checks.items(adagrad_step(*_arrays, 0.5, 1.0), ("new theta", "new s"))
    for _old, _new, _name in zip(_kept, _arrays, ("theta", "s", "g"), strict=True):
        checks.unchanged(_old, _new, _name)
    _answers.append([checks.finite(_x, "a result", shape=_kept[0].shape).copy() for _x in _result])
for _first, _second, _name in zip(*_answers, ("new theta", "new s"), strict=True):
    checks.array(_second, _first, f"in a second call, {_name}")
checks.public_passed("adagrad_step: clean calls")
### BEGIN HIDDEN TESTS
_cases = [  # no gradient; a long past; unequal scales; a matrix
    ([3.0, 1.0], [2.0, 4.0], [0.0, 0.0], 0.5, 0.1),
    ([0.0, 0.0], [1e6, 4e8], [1e3, -4e2], 10.0, 1e-8),
    ([[5.0, -1e-3]], [[2e9, 0.0]], [[-3e4, 1e-4]], 1.0, 1e-5),
]
_answers = {}
for _k in [*range(len(_cases)), *range(len(_cases))[::-1]]:  # in any order, and twice
    _kept, _settings = [np.array(_x) for _x in _cases[_k][:3]], _cases[_k][3:]
    _arrays = [_x.copy() for _x in _kept]
    _result = checks.items(adagrad_step(*_arrays, *_settings), ("new theta", "new s"))
    for _old, _new, _name in zip(_kept, _arrays, ("theta", "s", "g"), strict=True):
        checks.unchanged(_old, _new, _name)
    _result = [checks.finite(_x, "a result", shape=_kept[0].shape).copy() for _x in _result]
    for _first, _second, _name in zip(
        _answers.setdefault(_k, _result), _result, ("new theta", "new s"), strict=True
    ):
        checks.array(_second, _first, f"in a second call, {_name}")
### END HIDDEN TESTS

# %% [markdown] nbgrader={"grade_id": "rmsprop_step_statement"}
# ## Exercise 3: a fading average
#
# `rmsprop_step` &nbsp;·&nbsp; 5 points &nbsp;·&nbsp; 10 minutes &nbsp;·&nbsp; difficulty 2 of 5
#
# A sum or a mean over all steps never forgets: a weight that once saw large gradients is slow for ever. RMSProp (Hinton 2012)
# keeps an average in which old squares fade by $\alpha$ (`alpha`, $0 \le \alpha < 1$) with every step:
#
# $$v' = \alpha\, v + (1 - \alpha)\, g^2, \qquad \theta' = \theta - \eta\, \frac{g}{\sqrt{v'} + \varepsilon}$$
#
# **Convention.** $\alpha$ is the share of the *old* that is kept. $\varepsilon$ (`eps` $> 0$) stands outside the root. Nothing is corrected:
# from $v = 0$ the first step has the length $\eta/\sqrt{1-\alpha}$. All this is as in `torch.optim.RMSprop`.
#
# **Shapes.** `theta`, `v` and `g` have one and the same shape, any shape. So have both results.
#
# **Example.** $\theta = (1, 2)$, $v = (4, 0)$, $g = (12, -2)$, $\eta = 0.5$, $\alpha = 0.75$, $\varepsilon = 1$:
#
# $$v' = (3 + 36,\; 0 + 1) = (39, 1), \qquad \theta' = \left(1 - \tfrac{6}{\sqrt{39} + 1},\; 2 + \tfrac{1}{1 + 1}\right) = (0.1717,\, 2.5)$$
#
# <details><summary>Hint 1, values</summary>Only the first formula differs from exercise 2.</details>
# <details><summary>Hint 2, several steps</summary>The two weights α and 1 − α add up to 1. With α = 0 only the latest gradient counts, and every step has length η (but for ε).</details>
# <details><summary>Hint 3, values</summary><code>new_v = alpha * v + (1 - alpha) * g**2</code>, and the step divides by <code>np.sqrt(new_v) + eps</code>.</details>


# %% nbgrader={"grade_id": "rmsprop_step"}
def rmsprop_step(
    theta: np.ndarray, v: np.ndarray, g: np.ndarray, lr: float, alpha: float, eps: float
) -> tuple[np.ndarray, np.ndarray]:
    """One step of RMSProp (Hinton 2012, lecture 6e), in PyTorch's convention:

        v' = alpha v + (1 - alpha) g^2,  theta' = theta - lr g / (sqrt(v') + eps)

    theta: the weights, any shape. v: the fading average of squared gradients, g: the gradient
    at theta, both of that shape. Returns (theta', v'), new arrays; the arguments stay as they are.
    """
    ### BEGIN SOLUTION
    average = alpha * v + (1 - alpha) * g**2
    return theta - lr * g / (np.sqrt(average) + eps), average
    ### END SOLUTION


# %% nbgrader={"grade_id": "test_rmsprop_step_values", "points": 2}
# One step: both results.
_result = rmsprop_step(np.array([1.0, 2.0]), np.array([4.0, 0.0]), np.array([12.0, -2.0]), 0.5, 0.75, 1.0)
_theta, _v = checks.items(_result, ("new theta", "new v"))
checks.array(_v, [39.0, 1.0], "new v")
checks.array(_theta, [1 - 6 / (math.sqrt(39) + 1), 2.5], "new theta")
checks.public_passed("rmsprop_step: values")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(721)
for _shape in [(1,), (3,), (7,), (2, 3), (4, 1), (2, 2, 3)]:
    _theta, _g = 3 * _rng.normal(size=(2, *_shape))
    _v = _rng.uniform(0.1, 30.0, size=_shape)
    _lr, _alpha, _eps = _rng.uniform(0.1, 2.0), _rng.uniform(0.6, 0.99), _rng.uniform(0.01, 0.5)
    _squares = [a + (1 - _alpha) * (b * b - a) for a, b in zip(_v.flat, _g.flat, strict=True)]
    _square = np.array(_squares).reshape(_shape)
    _there = _theta - _lr / (_square**0.5 + _eps) * _g
    _result = checks.items(rmsprop_step(_theta, _v, _g, _lr, _alpha, _eps), ("new theta", "new v"))
    checks.array(_result[1], _square, "new v")
    checks.array(_result[0], _there, "new theta")
_cases = [  # no memory; no gradient; a long memory; unequal scales
    ([3.0], [7.0], [-2.0], 0.25, 0.0, 1e-8),
    ([3.0, 1.0], [2.0, 4.0], [0.0, 0.0], 0.5, 0.75, 0.1),
    ([0.0, 0.0], [1e6, 4e8], [1e3, -4e2], 10.0, 0.999, 1e-8),
    ([[5.0, -1e-3]], [[2e9, 0.0]], [[-3e4, 1e-4]], 1.0, 0.5, 1e-5),
]
for *_arrays, _lr, _alpha, _eps in _cases:
    _theta, _v, _g = map(np.array, _arrays)
    _kept = _theta.copy(), _v.copy(), _g.copy()
    _square = _kept[1] + (1 - _alpha) * (_kept[2] * _kept[2] - _kept[1])
    _there = _kept[0] - _lr * _kept[2] / (_square**0.5 + _eps)
    _result = checks.items(rmsprop_step(_theta, _v, _g, _lr, _alpha, _eps), ("new theta", "new v"))
    checks.array(_result[1], _square, f"new v for alpha = {_alpha:g}, eps = {_eps:g}")
    checks.array(_result[0], _there, f"new theta for alpha = {_alpha:g}, eps = {_eps:g}")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_rmsprop_step_steps", "points": 1}
# Several steps in a row from v = 0 under a constant gradient: v = 1 - alpha^t, in units of the gradient's square.
_theta, _v, _where = np.array([0.0, 0.0]), np.array([0.0, 0.0]), 0.0
for _t in (1, 2, 3):
    _share = 1 - 0.75**_t
    _where -= 0.1 / math.sqrt(_share)
    _result = rmsprop_step(_theta, _v, np.array([2.0, -50.0]), 0.1, 0.75, 1e-12)
    _theta, _v = checks.items(_result, ("new theta", "new v"))
    _v = checks.array(_v, [4.0 * _share, 2500.0 * _share], f"new v after {_t} steps")
    _theta = checks.array(_theta, [_where, -_where], f"new theta after {_t} steps")
checks.public_passed("rmsprop_step: several steps")
### BEGIN HIDDEN TESTS
# All steps at once: v_t = alpha^t v_0 + (1 - alpha) sum_i alpha^(t-i) g_i^2. The rate falls on the way.
_rng = np.random.default_rng(722)
for _shape, _alpha, _eps in [((4,), 0.9, 1e-8), ((2, 3), 0.3, 0.3), ((1,), 0.999, 1e-3)]:
    _grads = _rng.normal(size=(12, *_shape)) * 10.0 ** _rng.integers(-3, 4, size=_shape)
    _start, _first = _rng.normal(size=_shape), _rng.uniform(0.0, 2.0, size=_shape)
    _theta, _v, _there = _start.copy(), _first.copy(), _start
    for _t in range(12):
        _fading = (1 - _alpha) * _alpha ** np.arange(_t, -1, -1.0)
        _square = _alpha ** (_t + 1) * _first + np.tensordot(_fading, _grads[: _t + 1] ** 2, axes=1)
        _lr = 0.5 / (1 + _t)
        _there = _there - _lr * _grads[_t] / (_square**0.5 + _eps)
        _result = rmsprop_step(_theta, _v, _grads[_t], _lr, _alpha, _eps)
        _theta, _v = checks.items(_result, ("new theta", "new v"))
        _theta = checks.array(_theta, _there, f"new theta after {_t + 1} steps")
        _v = checks.array(_v, _square, f"new v after {_t + 1} steps")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_rmsprop_step_small", "points": 1}
# Small gradients show where eps stands; no gradient at all is no step.
with np.errstate(all="ignore"):
    _result = rmsprop_step(np.zeros(2), np.zeros(2), np.array([1e-8, 0.0]), 1.0, 0.99, 1e-8)
_theta, _v = checks.items(_result, ("new theta", "new v"))
checks.array(_theta, [-1 / 1.1, 0.0], "for gradients 1e-8 and 0 with eps 1e-8, new theta")
checks.array(_v, [1e-18, 0.0], "for gradients 1e-8 and 0 with eps 1e-8, new v")
checks.public_passed("rmsprop_step: small gradients")
### BEGIN HIDDEN TESTS
_cases = [
    ([3e-8, -2e-7, 0.0], 0.9, 1e-6),
    ([[-1e-5], [4e-5]], 0.99, 1e-4),
    ([2e-3, 0.0], 0.3, 1e-2),
    ([1e-9], 0.96, 1e-8),
]
for _g, _alpha, _eps in _cases:
    _g = np.array(_g)
    _theta, _v, _there = 0.5 * np.ones_like(_g), np.zeros_like(_g), 0.5 * np.ones_like(_g)
    for _t in (1, 2, 3):
        _share = 1 - _alpha**_t
        _there = _there - 0.7 * _g / (math.sqrt(_share) * abs(_g) + _eps)
        with np.errstate(all="ignore"):
            _result = rmsprop_step(_theta, _v, _g, 0.7, _alpha, _eps)
        _theta, _v = checks.items(_result, ("new theta", "new v"))
        _theta = checks.array(_theta, _there, f"with eps {_eps:g}, new theta after {_t} steps")
        _v = checks.array(_v, _share * _g**2, f"with eps {_eps:g}, new v after {_t} steps")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_rmsprop_step_clean", "points": 1}
# A call leaves its arguments alone and gives the same answer twice: it remembers nothing.
_arrays = [np.array(_x) for _x in ([1.0, 2.0, 3.0], [4.0, 0.0, 1.0], [12.0, -2.0, 0.0])]
_kept, _answers = [_x.copy() for _x in _arrays], []
for _ in range(2):
    _result = checks.items(rmsprop_step(*_arrays, 0.5, 0.75, 1.0), ("new theta", "new v"))
    for _old, _new, _name in zip(_kept, _arrays, ("theta", "v", "g"), strict=True):
        checks.unchanged(_old, _new, _name)
    _answers.append([checks.finite(_x, "a result", shape=_kept[0].shape).copy() for _x in _result])
for _first, _second, _name in zip(*_answers, ("new theta", "new v"), strict=True):
    checks.array(_second, _first, f"in a second call, {_name}")
checks.public_passed("rmsprop_step: clean calls")
### BEGIN HIDDEN TESTS
_cases = [  # no memory; no gradient; a long memory; unequal scales
    ([3.0], [7.0], [-2.0], 0.25, 0.0, 1e-8),
    ([3.0, 1.0], [2.0, 4.0], [0.0, 0.0], 0.5, 0.75, 0.1),
    ([0.0, 0.0], [1e6, 4e8], [1e3, -4e2], 10.0, 0.999, 1e-8),
    ([[5.0, -1e-3]], [[2e9, 0.0]], [[-3e4, 1e-4]], 1.0, 0.5, 1e-5),
]
_answers = {}
for _k in [*range(len(_cases)), *range(len(_cases))[::-1]]:  # in any order, and twice
    _kept, _settings = [np.array(_x) for _x in _cases[_k][:3]], _cases[_k][3:]
    _arrays = [_x.copy() for _x in _kept]
    _result = checks.items(rmsprop_step(*_arrays, *_settings), ("new theta", "new v"))
    for _old, _new, _name in zip(_kept, _arrays, ("theta", "v", "g"), strict=True):
        checks.unchanged(_old, _new, _name)
    _result = [checks.finite(_x, "a result", shape=_kept[0].shape).copy() for _x in _result]
    for _first, _second, _name in zip(
        _answers.setdefault(_k, _result), _result, ("new theta", "new v"), strict=True
    ):
        checks.array(_second, _first, f"in a second call, {_name}")
### END HIDDEN TESTS

# %% [markdown] nbgrader={"grade_id": "adam_step_statement"}
# ## Exercise 4: two memories, corrected
#
# `adam_step` &nbsp;·&nbsp; 6 points &nbsp;·&nbsp; 20 minutes &nbsp;·&nbsp; difficulty 3 of 5
#
# Adam (Kingma and Ba 2015) keeps a fading average of the gradients, $m$, for the direction, and one of their squares, $v$, for the
# size. Both start at 0 and are therefore too small at first; dividing by $1-\beta^t$ makes up for it:
#
# $$m' = \beta_1 m + (1 - \beta_1)\, g, \qquad v' = \beta_2 v + (1 - \beta_2)\, g^2,$$
#
# $$\hat m = \frac{m'}{1 - \beta_1^t}, \qquad \hat v = \frac{v'}{1 - \beta_2^t}, \qquad
# \theta' = \theta - \eta\, \frac{\hat m}{\sqrt{\hat v} + \varepsilon}$$
#
# **Convention.** $t$ is the number of this step and counts from **1**. $\varepsilon$ stands outside the root and is added *after* the
# correction, as in algorithm 1 of the paper and in PyTorch. Return $m'$ and $v'$, *uncorrected*: they are the state of the next step.
#
# **Shapes.** `theta`, `m`, `v` and `g` have one and the same shape, any shape. So have the three results. $0 \le \beta_1, \beta_2 < 1$.
#
# **Example.** The first step: $t = 1$, $\theta = (1, 2)$, $m = v = (0, 0)$, $g = (4, -0.1)$, $\eta = 0.01$, $\beta_1 = 0.9$, $\beta_2 = 0.99$,
# $\varepsilon = 10^{-8}$:
#
# $$m' = (0.4, -0.01), \quad v' = (0.16, 0.0001), \quad \hat m = (4, -0.1), \quad \hat v = (16, 0.01), \quad \theta' = (0.99, 2.01)$$
#
# Both weights move by 0.01, however large their gradients are.
#
# <details><summary>Hint 1, values</summary>There are five lines, one for each formula, in the order in which they stand.</details>
# <details><summary>Hint 2, the first step</summary>Test yourself at t = 1 with m = v = 0: the corrected averages must be the gradient and its square, whatever β1 and β2 are.</details>
# <details><summary>Hint 3, several steps</summary><code>corrected_m = new_m / (1 - b1**t)</code>, and the same for v with <code>b2</code>. Do not overwrite <code>new_m</code> and <code>new_v</code>: they are returned.</details>


# %% nbgrader={"grade_id": "adam_step"}
def adam_step(
    theta: np.ndarray,
    m: np.ndarray,
    v: np.ndarray,
    g: np.ndarray,
    t: int,
    lr: float,
    b1: float,
    b2: float,
    eps: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One step of Adam (Kingma and Ba 2015, algorithm 1).

    theta: the weights, any shape. m, v: the fading averages of gradients and of their squares,
    uncorrected; g: the gradient at theta; all of that shape. t: the number of this step, from 1.
    Returns (theta', m', v'), new arrays, m' and v' uncorrected; the arguments stay as they are.
    """
    ### BEGIN SOLUTION
    new_m = b1 * m + (1 - b1) * g
    new_v = b2 * v + (1 - b2) * g**2
    corrected_m = new_m / (1 - b1**t)
    corrected_v = new_v / (1 - b2**t)
    return theta - lr * corrected_m / (np.sqrt(corrected_v) + eps), new_m, new_v
    ### END SOLUTION


# %% nbgrader={"grade_id": "test_adam_step_values", "points": 2}
# One step: all three results.
_result = adam_step(
    np.array([1.0, 2.0]),
    np.array([0.5, 0.0]),
    np.array([1.0, 0.0]),
    np.array([2.0, -4.0]),
    2,
    0.1,
    0.5,
    0.75,
    1.0,
)
_theta, _m, _v = checks.items(_result, ("new theta", "new m", "new v"))
checks.array(_m, [1.25, -2.0], "new m", 1e-6, 1e-12)
checks.array(_v, [1.75, 4.0], "new v", 1e-6, 1e-12)
_steps = [1.25 / 0.75 / (2 + 1), -2 / 0.75 / (math.sqrt(4 / 0.4375) + 1)]
checks.array(_theta, [1 - 0.1 * _steps[0], 2 - 0.1 * _steps[1]], "new theta", 1e-6, 1e-12)
checks.public_passed("adam_step: values")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(731)
for _shape, _t in [
    ((3,), 1),
    ((1,), 5),
    ((2, 3), 5),
    ((4, 1), 1000),
    ((5,), 1000),
    ((2, 2, 2), 30),
    ((6,), 2),
]:
    _b1, _b2 = _rng.uniform(0.5, 0.95), _rng.uniform(0.96, 0.9995)
    _lr, _eps = _rng.uniform(0.05, 1.0), _rng.uniform(1e-3, 0.3)
    # averages of t - 1 earlier gradients, and of t: as weighted means whose weights add up to 1
    _grads, _theta = _rng.normal(size=(_t, *_shape)) + 0.3, _rng.normal(size=_shape)
    _w1, _w2 = _b1 ** np.arange(_t - 1, -1, -1.0), _b2 ** np.arange(_t - 1, -1, -1.0)
    _mean, _square = np.tensordot(_w1, _grads, 1) / _w1.sum(), np.tensordot(_w2, _grads**2, 1) / _w2.sum()
    _m = (1 - _b1) * np.tensordot(_w1[1:], _grads[:-1], 1)
    _v = (1 - _b2) * np.tensordot(_w2[1:], _grads[:-1] ** 2, 1)
    _there = _theta - _lr * _mean / (_square**0.5 + _eps)
    _result = adam_step(_theta, _m, _v, _grads[-1], _t, _lr, _b1, _b2, _eps)
    _result = checks.items(_result, ("new theta", "new m", "new v"))
    checks.array(_result[1], (1 - _b1) * _w1.sum() * _mean, f"new m at t = {_t}", 1e-6, 1e-12)
    checks.array(_result[2], (1 - _b2) * _w2.sum() * _square, f"new v at t = {_t}", 1e-6, 1e-12)
    checks.array(_result[0], _there, f"new theta at t = {_t}", 1e-6, 1e-12)
_cases = [  # no memory of direction; no memory of size; no gradient; unequal scales, late
    ([3.0], [-0.5], [4.0], [2.0], 3, 0.25, 0.0, 0.9, 1e-8),
    ([3.0, 0.0], [-0.5, 1.0], [4.0, 9.0], [2.0, -1.0], 4, 0.25, 0.9, 0.0, 0.5),
    ([3.0, 1.0], [2.0, -4.0], [4.0, 16.0], [0.0, 0.0], 7, 0.5, 0.75, 0.99, 0.1),
    ([[50.0, -1e-3]], [[2e4, 1e-5]], [[3e9, 1e-8]], [[-3e4, 1e-4]], 1000, 1.0, 0.9, 0.999, 1e-6),
]
for *_lists, _t, _lr, _b1, _b2, _eps in _cases:
    _arrays = [np.array(_x) for _x in _lists]
    _kept = [_x.copy() for _x in _arrays]
    _m = _kept[1] + (1 - _b1) * (_kept[3] - _kept[1])
    _v = _kept[2] + (1 - _b2) * (_kept[3] * _kept[3] - _kept[2])
    _there = _kept[0] - _lr / (1 - _b1**_t) * _m / ((_v / (1 - _b2**_t)) ** 0.5 + _eps)
    _result = checks.items(adam_step(*_arrays, _t, _lr, _b1, _b2, _eps), ("new theta", "new m", "new v"))
    checks.array(_result[0], _there, f"new theta at t = {_t}", 1e-6, 1e-12)
    checks.array(_result[1], _m, f"new m at t = {_t}", 1e-6, 1e-12)
    checks.array(_result[2], _v, f"new v at t = {_t}", 1e-6, 1e-12)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_adam_step_first", "points": 1}
# The first step has length lr whatever the gradient is, and is shorter only where the gradient is near eps or below it.
for _size in (1e-3, 1.0, 1e3):
    _g = np.array([_size, -_size])
    _result = adam_step(np.zeros(2), np.zeros(2), np.zeros(2), _g, 1, 0.001, 0.9, 0.999, 1e-12)
    _theta, _m, _v = checks.items(_result, ("new theta", "new m", "new v"))
    checks.array(
        _theta, [-0.001, 0.001], f"at t = 1 with lr = 0.001 and gradient {_size:g}, new theta", 1e-6, 1e-12
    )
    checks.array(_m, 0.1 * _g, "new m at t = 1", 1e-6, 1e-12)
    checks.array(_v, 0.001 * _g**2, "new v at t = 1", 1e-6, 1e-12)
checks.public_passed("adam_step: the first step")
### BEGIN HIDDEN TESTS
_cases = [(1e-10, 1e-8), (-1e-10, 1e-8), (3e-9, 1e-8), (0.0, 1e-8), (2e-4, 1e-3), (-5.0, 2.0), (1e-25, 1e-30)]
for _b1, _b2 in [(0.9, 0.999), (0.5, 0.8), (0.0, 0.99)]:
    for _size, _eps in _cases:
        _there = -0.3 * _size / (abs(_size) + _eps)
        with np.errstate(all="ignore"):
            _result = adam_step(
                np.zeros(1), np.zeros(1), np.zeros(1), np.array([_size]), 1, 0.3, _b1, _b2, _eps
            )
        _theta, _m, _v = checks.items(_result, ("new theta", "new m", "new v"))
        checks.array(
            _theta, [_there], f"at t = 1 with gradient {_size:g} and eps {_eps:g}, new theta", 1e-6, 1e-12
        )
        checks.array(_m, [(1 - _b1) * _size], f"new m for gradient {_size:g}", 1e-6, 1e-12)
        checks.array(_v, [(1 - _b2) * _size * _size], f"new v for gradient {_size:g}", 1e-6, 1e-12)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_adam_step_steps", "points": 2}
# Several steps in a row from m = v = 0 under a constant gradient: every one of them has length lr.
_theta, _m, _v, _g = np.array([1.0, -1.0]), np.zeros(2), np.zeros(2), np.array([2.0, -50.0])
for _t in (1, 2, 3):
    _result = adam_step(_theta, _m, _v, _g, _t, 0.1, 0.5, 0.75, 1e-12)
    _theta, _m, _v = checks.items(_result, ("new theta", "new m", "new v"))
    _m = checks.array(_m, (1 - 0.5**_t) * _g, f"new m after {_t} steps", 1e-6, 1e-12)
    _v = checks.array(_v, (1 - 0.75**_t) * _g**2, f"new v after {_t} steps", 1e-6, 1e-12)
    _theta = checks.array(_theta, [1 - 0.1 * _t, -1 + 0.1 * _t], f"new theta after {_t} steps", 1e-6, 1e-12)
checks.public_passed("adam_step: several steps")
### BEGIN HIDDEN TESTS
# Weighted means of all gradients so far, in place of the recursion; sizes from 1e-10 to 1e3, the rate falls on the way.
_rng = np.random.default_rng(732)
for _shape, _b1, _b2, _eps in [((4,), 0.9, 0.999, 1e-8), ((2, 3), 0.3, 0.95, 0.1), ((1,), 0.8, 0.5, 1e-3)]:
    _grads = _rng.normal(size=(10, *_shape)) * 10.0 ** _rng.integers(-3, 4, size=_shape)
    if _eps == 1e-8:
        _grads[:, 0] = 1e-10 * _rng.normal(size=10)
    _start = 0.1 * _rng.normal(size=_shape)
    _theta, _m, _v, _there = _start.copy(), np.zeros(_shape), np.zeros(_shape), _start
    for _t in range(1, 11):
        _ages = np.arange(_t - 1, -1, -1.0)
        _mean = np.tensordot(_b1**_ages, _grads[:_t], 1) / (_b1**_ages).sum()
        _square = np.tensordot(_b2**_ages, _grads[:_t] ** 2, 1) / (_b2**_ages).sum()
        _lr = 0.5 / _t
        _there = _there - _lr * _mean / (_square**0.5 + _eps)
        _result = adam_step(_theta, _m, _v, _grads[_t - 1], _t, _lr, _b1, _b2, _eps)
        _theta, _m, _v = checks.items(_result, ("new theta", "new m", "new v"))
        _theta = checks.array(_theta, _there, f"new theta after {_t} steps", 1e-6, 1e-12)
        _m = checks.array(_m, (1 - _b1**_t) * _mean, f"new m after {_t} steps", 1e-6, 1e-12)
        _v = checks.array(_v, (1 - _b2**_t) * _square, f"new v after {_t} steps", 1e-6, 1e-12)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_adam_step_clean", "points": 1}
# A call leaves its arguments alone and gives the same answer twice: it remembers nothing.
_arrays = [np.array(_x) for _x in ([1.0, 2.0, 3.0], [0.5, 0.0, 0.0], [1.0, 0.0, 1.0], [2.0, -4.0, 0.0])]
_kept, _answers = [_x.copy() for _x in _arrays], []
for _ in range(2):
    _result = checks.items(adam_step(*_arrays, 2, 0.1, 0.5, 0.75, 1.0), ("new theta", "new m", "new v"))
    for _old, _new, _name in zip(_kept, _arrays, ("theta", "m", "v", "g"), strict=True):
        checks.unchanged(_old, _new, _name)
    _answers.append([checks.finite(_x, "a result", shape=_kept[0].shape).copy() for _x in _result])
for _first, _second, _name in zip(*_answers, ("new theta", "new m", "new v"), strict=True):
    checks.array(_second, _first, f"in a second call, {_name}")
checks.public_passed("adam_step: clean calls")
### BEGIN HIDDEN TESTS
_cases = [  # no memory of direction; no memory of size; no gradient; unequal scales, late
    ([3.0], [-0.5], [4.0], [2.0], 3, 0.25, 0.0, 0.9, 1e-8),
    ([3.0, 0.0], [-0.5, 1.0], [4.0, 9.0], [2.0, -1.0], 4, 0.25, 0.9, 0.0, 0.5),
    ([3.0, 1.0], [2.0, -4.0], [4.0, 16.0], [0.0, 0.0], 7, 0.5, 0.75, 0.99, 0.1),
    ([[50.0, -1e-3]], [[2e4, 1e-5]], [[3e9, 1e-8]], [[-3e4, 1e-4]], 1000, 1.0, 0.9, 0.999, 1e-6),
]
_answers = {}
for _k in [*range(len(_cases)), *range(len(_cases))[::-1]]:  # in any order, and twice
    _kept, _settings = [np.array(_x) for _x in _cases[_k][:4]], _cases[_k][4:]
    _arrays = [_x.copy() for _x in _kept]
    _result = checks.items(adam_step(*_arrays, *_settings), ("new theta", "new m", "new v"))
    for _old, _new, _name in zip(_kept, _arrays, ("theta", "m", "v", "g"), strict=True):
        checks.unchanged(_old, _new, _name)
    _result = [checks.finite(_x, "a result", shape=_kept[0].shape).copy() for _x in _result]
    for _first, _second, _name in zip(
        _answers.setdefault(_k, _result), _result, ("new theta", "new m", "new v"), strict=True
    ):
        checks.array(_second, _first, f"in a second call, {_name}")
### END HIDDEN TESTS

# %% [markdown] nbgrader={"grade_id": "radam_rectifier_statement"}
# ## Exercise 5: how far to trust a young average
#
# `radam_rectifier` &nbsp;·&nbsp; 5 points &nbsp;·&nbsp; 15 minutes &nbsp;·&nbsp; difficulty 3 of 5
#
# After few steps $\hat v$ is an average of few squares, and $1/\sqrt{\hat v}$ jumps about. RAdam (Liu et al. 2020) asks how many
# plain squares the fading average is worth, $\rho_t$, and shortens the step by a factor $r_t$ that makes up for the jumping:
#
# $$\rho_\infty = \frac{2}{1 - \beta_2} - 1, \qquad \rho_t = \rho_\infty - \frac{2\, t\, \beta_2^t}{1 - \beta_2^t},$$
#
# $$r_t = \sqrt{\frac{(\rho_t - 4)(\rho_t - 2)\, \rho_\infty}{(\rho_\infty - 4)(\rho_\infty - 2)\, \rho_t}}
# \quad \text{if } \rho_t > 5, \text{ otherwise None.}$$
#
# **Convention.** $t$ counts from 1. The threshold is 5, as in `torch.optim.RAdam`; the paper has 4. At or below it the adaptive rate
# is not to be used at all, and the second result is `None`.
#
# **Types.** `t` is an int $\ge 1$, $0 < \beta_2 < 1$. Return a tuple: the number $\rho_t$, and the number $r_t$ or `None`.
#
# **Example.** $\beta_2 = 0.5$: $\rho_\infty = 3$, so the answer is `None` at every $t$; $\rho_1 = 3 - 2 \cdot 0.5/0.5 = 1$ and
# $\rho_2 = 3 - 4 \cdot 0.25/0.75 = 1.6667$. With $\beta_2 = 0.999$, $\rho_5 = 4.996$: `None`; $\rho_6 = 5.994$ and $r_6 = 0.0258$.
#
# <details><summary>Hint 1, ρ</summary>ρ at t = 1 is 1 for every β2: one square is worth one square. Use it as a check.</details>
# <details><summary>Hint 2, threshold</summary>Look at ρ first and leave early: below the threshold the number under the root can be negative.</details>
# <details><summary>Hint 3, r</summary>Three factors stand above the fraction bar and three below it. Compute them with brackets round each difference, and take the root of the whole quotient; at large t it must end at 1.</details>


# %% nbgrader={"grade_id": "radam_rectifier"}
def radam_rectifier(t: int, beta2: float) -> tuple[float, float | None]:
    """RAdam's rectification term (Liu et al. 2020), with PyTorch's threshold.

    t: the number of the step, from 1. beta2: the memory of Adam's second moment, 0 < beta2 < 1.
    Returns (rho_t, r_t): the length of the average, and the factor of the step, None where
    rho_t <= 5.
    """
    ### BEGIN SOLUTION
    rho_inf = 2 / (1 - beta2) - 1
    decay = beta2**t
    rho = rho_inf - 2 * t * decay / (1 - decay)
    if rho <= 5:
        return rho, None
    return rho, math.sqrt((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho))
    ### END SOLUTION


# %% nbgrader={"grade_id": "test_radam_rectifier_length", "points": 2}
# rho, the length of the average.
for _t, _beta2, _length in [(1, 0.5, 1.0), (2, 0.5, 5 / 3), (1, 0.9, 1.0), (2, 0.9, 19 - 4 * 0.81 / 0.19)]:
    with np.errstate(all="ignore"):
        _rho, _r = checks.items(radam_rectifier(_t, _beta2), ("rho", "r"))
    checks.number(_rho, _length, f"rho at t = {_t}, beta2 = {_beta2:g}")
    checks.exactly(_r, None, f"r at t = {_t}, beta2 = {_beta2:g}")
checks.public_passed("radam_rectifier: rho")
### BEGIN HIDDEN TESTS
# a plain average of rho squares has the mean age (rho - 1) / 2; rho is such that the fading average has the same
with np.errstate(all="ignore"):
    for _beta2 in (0.1, 0.5, 0.8, 0.9, 0.97, 0.999, 0.9995):
        for _t in (1, 2, 3, 7, 40, 1000):
            _ages = np.arange(_t)
            _weights = _beta2**_ages
            _length = 1 + 2 * float(_ages @ _weights / _weights.sum())
            _rho, _ = checks.items(radam_rectifier(_t, _beta2), ("rho", "r"))
            checks.number(_rho, _length, f"rho at t = {_t}, beta2 = {_beta2:g}")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_radam_rectifier_factor", "points": 2}
# r, where the average is long enough.
_rho_inf, _rho = 1999.0, 1999 - 12 * 0.999**6 / (1 - 0.999**6)
_square = (_rho - 4) * (_rho - 2) * _rho_inf / ((_rho_inf - 4) * (_rho_inf - 2) * _rho)
_found, _r = checks.items(radam_rectifier(6, 0.999), ("rho", "r"))
checks.number(_found, _rho, "rho at t = 6, beta2 = 0.999")
checks.number(_r, math.sqrt(_square), "r at t = 6, beta2 = 0.999")
checks.public_passed("radam_rectifier: r")
### BEGIN HIDDEN TESTS


def _spread(rho):
    """The variance of 1 / sqrt(average of rho squares), to leading order (Liu et al. 2020)."""
    return rho / (2 * (rho - 2) * (rho - 4))


for _beta2, _ts in [
    (0.9, (8, 12, 50)),
    (0.999, (6, 7, 100, 1000, 5000)),
    (0.99, (6, 30, 400)),
    (0.75, (9, 30)),
]:
    for _t in _ts:
        _ages = np.arange(_t)
        _weights = _beta2**_ages
        _length = 1 + 2 * float(_ages @ _weights / _weights.sum())
        _factor = math.sqrt(_spread((1 + _beta2) / (1 - _beta2)) / _spread(_length))
        _rho, _r = checks.items(radam_rectifier(_t, _beta2), ("rho", "r"))
        checks.number(_r, _factor, f"r at t = {_t}, beta2 = {_beta2:g}")
        checks.number(_rho, _length, f"rho at t = {_t}, beta2 = {_beta2:g}")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_radam_rectifier_threshold", "points": 1}
# None up to rho = 5, a number from there on: at beta2 = 0.999 between the steps 5 and 6.
with np.errstate(all="ignore"):
    _rho, _r = checks.items(radam_rectifier(5, 0.999), ("rho", "r"))
    checks.number(_rho, 1999 - 10 * 0.999**5 / (1 - 0.999**5), "rho at t = 5, beta2 = 0.999")
    checks.exactly(_r, None, "r at t = 5, beta2 = 0.999")
    _rho, _r = checks.items(radam_rectifier(6, 0.999), ("rho", "r"))
    checks.between(_r, 0.0258, 0.0259, "r at t = 6, beta2 = 0.999")
checks.public_passed("radam_rectifier: threshold")
### BEGIN HIDDEN TESTS
with np.errstate(all="ignore"):
    for _beta2 in (0.9, 0.999, 0.95, 0.72, 0.5, 0.3):
        _last = 0.0
        for _t in (*range(1, 12), 10**6):
            _ages = np.arange(min(_t, 2000))
            _weights = _beta2**_ages
            _length = (
                1 + 2 * float(_ages @ _weights / _weights.sum())
                if _t < 10**6
                else (1 + _beta2) / (1 - _beta2)
            )
            _rho, _r = checks.items(radam_rectifier(_t, _beta2), ("rho", "r"))
            checks.number(_rho, _length, f"rho at t = {_t}, beta2 = {_beta2:g}")
            if _length <= 5:
                checks.exactly(_r, None, f"r at t = {_t}, beta2 = {_beta2:g}, where rho is {_length:.3f},")
            else:  # grows from step to step, and ends at 1
                checks.between(_r, _last, 1 + 1e-9, f"r at t = {_t}, beta2 = {_beta2:g}")
                _last = float(_r)
        if _length > 5:
            checks.number(_last, 1.0, f"r after a million steps, beta2 = {_beta2:g}")
### END HIDDEN TESTS

# %% [markdown] nbgrader={"grade_id": "warmup_cosine_statement"}
# ## Exercise 6: first up, then down
#
# `warmup_cosine` &nbsp;·&nbsp; 4 points &nbsp;·&nbsp; 10 minutes &nbsp;·&nbsp; difficulty 2 of 5
#
# The rate that most networks of today are trained with rises in a straight line and then falls along half a cosine, from `base` to
# `min_lr`:
#
# $$\eta_t = \begin{cases}
# \text{base} \cdot \dfrac{t + 1}{\text{warmup}} & t < \text{warmup} \\[2ex]
# \text{min} + (\text{base} - \text{min})\, \dfrac{1}{2} \left(1 + \cos \pi\, \dfrac{t - \text{warmup}}{\text{total} - \text{warmup}}\right) & \text{otherwise}
# \end{cases}$$
#
# **Convention.** $t$ counts from **0**. The first step is not wasted on a rate of 0: it has base/warmup. The last step of the warm-up
# and the first one after it both have `base`. The angle is in radians.
#
# **Types.** `t`, `total` and `warmup` are ints with $0 \le t \le \text{total}$ and $0 \le \text{warmup} < \text{total}$; `warmup` = 0 means no warm-up.
# Return a number.
#
# **Example.** total 12, warmup 4, base 0.8, min 0.2. $\eta_0 = 0.2$, $\eta_3 = 0.8$, $\eta_4 = 0.8$, half-way down
# $\eta_8 = 0.2 + 0.6 \cdot 0.5 = 0.5$, and at the end $\eta_{12} = 0.2$.
#
# <details><summary>Hint 1, up and down</summary>An <code>if</code> and two lines. The cosine's clock starts when the warm-up ends.</details>
# <details><summary>Hint 2, down</summary>How much of the way down is covered at t? Nothing at t = warmup, everything at t = total.</details>
# <details><summary>Hint 3, down</summary><code>done = (t - warmup) / (total - warmup)</code>, then <code>min_lr + (base - min_lr) * (1 + math.cos(math.pi * done)) / 2</code>.</details>


# %% nbgrader={"grade_id": "warmup_cosine"}
def warmup_cosine(t: int, total: int, warmup: int, base: float, min_lr: float) -> float:
    """The rate of step t: linear warm-up (Goyal et al. 2017), then cosine decay (Loshchilov and Hutter 2017).

    t: the step, from 0 to total. warmup: how many steps the rise takes, 0 <= warmup < total.
    base: the highest rate, min_lr: the last one. Returns the rate, a number.
    """
    ### BEGIN SOLUTION
    if t < warmup:
        return base * (t + 1) / warmup
    done = (t - warmup) / (total - warmup)
    return min_lr + (base - min_lr) * (1 + math.cos(math.pi * done)) / 2
    ### END SOLUTION


# %% nbgrader={"grade_id": "test_warmup_cosine_up", "points": 1}
# The rise: from base / warmup at t = 0 to base at t = warmup - 1.
for _t, _rate in enumerate([0.2, 0.4, 0.6, 0.8]):
    checks.number(warmup_cosine(_t, 12, 4, 0.8, 0.2), _rate, f"with 4 steps of warm-up, the rate at t = {_t}")
checks.public_passed("warmup_cosine: up")
### BEGIN HIDDEN TESTS
for _warmup, _total, _base, _low in [
    (10, 100, 3.0, 0.0),
    (1, 5, 0.7, 0.1),
    (7, 8, 0.02, 0.01),
    (400, 1000, 5.0, 0.5),
]:
    _line = np.linspace(0.0, _base, _warmup + 1)[1:]
    for _t in sorted({0, 1, _warmup // 2, _warmup - 1} & set(range(_warmup))):
        _rate = warmup_cosine(_t, _total, _warmup, _base, _low)
        checks.number(_rate, _line[_t], f"with {_warmup} steps of warm-up, the rate at t = {_t}")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_warmup_cosine_down", "points": 2}
# The fall: from base at t = warmup along half a cosine.
for _t, _rate in [(4, 0.8), (6, 0.5 + 0.3 * math.sqrt(0.5)), (8, 0.5), (10, 0.5 - 0.3 * math.sqrt(0.5))]:
    checks.number(warmup_cosine(_t, 12, 4, 0.8, 0.2), _rate, f"the rate at t = {_t}")
checks.public_passed("warmup_cosine: down")
### BEGIN HIDDEN TESTS
# another form of the same curve: base - (base - min) sin^2(angle / 2)
for _warmup, _total, _base, _low in [
    (10, 100, 3.0, 0.0),
    (0, 9, 0.7, 0.1),
    (7, 40, 0.02, 0.01),
    (300, 1000, 5.0, 0.5),
]:
    for _t in {_warmup, _warmup + 1, (_warmup + _total) // 2, (_warmup + 3 * _total) // 4, _total - 1}:
        _quarter = 0.5 * np.pi * (_t - _warmup) / (_total - _warmup)
        _fall = _base - (_base - _low) * np.sin(_quarter) ** 2
        _rate = warmup_cosine(_t, _total, _warmup, _base, _low)
        checks.number(_rate, _fall, f"with {_warmup} of {_total} steps of warm-up, the rate at t = {_t}")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_warmup_cosine_ends", "points": 1}
# No warm-up at all; the last step; the highest rate.
checks.number(warmup_cosine(0, 10, 0, 0.3, 0.0), 0.3, "without warm-up, the rate at t = 0")
checks.number(warmup_cosine(12, 12, 4, 0.8, 0.2), 0.2, "the rate at t = total")
checks.public_passed("warmup_cosine: ends")
### BEGIN HIDDEN TESTS
for _warmup, _total, _base, _low in [
    (0, 1, 2.0, 0.5),
    (3, 4, 1.0, 0.25),
    (5, 60, 0.4, 0.0),
    (0, 30, 0.9, 0.3),
]:
    _label = f"with {_warmup} of {_total} steps of warm-up, the rate"
    checks.number(warmup_cosine(_total, _total, _warmup, _base, _low), _low, f"{_label} at t = total")
    checks.number(warmup_cosine(_warmup, _total, _warmup, _base, _low), _base, f"{_label} at t = warmup")
    if _warmup:
        _first = warmup_cosine(0, _total, _warmup, _base, _low)
        checks.number(_first, _base / _warmup, f"{_label} at t = 0")
checks.number(warmup_cosine(17, 40, 5, 0.6, 0.6), 0.6, "with min_lr = base, the rate after the warm-up")
checks.number(warmup_cosine(2, 40, 5, 0.6, 0.6), 0.36, "with min_lr = base, the rate in the warm-up")
### END HIDDEN TESTS

# %% [markdown] nbgrader={"grade_id": "adamw_step_statement"}
# ## Exercise 7: decay beside the quotient
#
# `adamw_step` &nbsp;·&nbsp; 6 points &nbsp;·&nbsp; 15 minutes &nbsp;·&nbsp; difficulty 3 of 5
#
# Weight decay pulls every weight towards 0. Added to the gradient, as $\lambda\theta$, the pull would be divided by Adam's root like everything else, and
# weights with large gradients would hardly decay. AdamW (Loshchilov and Hutter 2019) leaves it outside:
#
# $$m' = \beta_1 m + (1 - \beta_1)\, g, \qquad v' = \beta_2 v + (1 - \beta_2)\, g^2, \qquad
# \hat m = \frac{m'}{1 - \beta_1^t}, \qquad \hat v = \frac{v'}{1 - \beta_2^t},$$
#
# $$\theta' = \theta - \eta\,\lambda\,\theta - \eta\, \frac{\hat m}{\sqrt{\hat v} + \varepsilon}$$
#
# **Convention.** As in `torch.optim.AdamW`: the decay (`wd`, $\lambda \ge 0$) is multiplied by the rate, and taken from the weights *before* the step. Both
# averages are made of $g$ alone. Everything else is as in exercise 4: $t$ counts from **1**, $\varepsilon$ stands outside the root and after the correction,
# $m'$ and $v'$ are returned *uncorrected*.
#
# **Shapes.** `theta`, `m`, `v` and `g` have one and the same shape, any shape. So have the three results. $0 \le \beta_1, \beta_2 < 1$.
#
# **Example.** The first step: $t = 1$, $\theta = (5, -10, 2)$, $m = v = (0, 0, 0)$, $g = (3, -0.5, 0)$, $\eta = 0.1$, $\beta_1 = 0.9$, $\beta_2 = 0.99$,
# $\varepsilon = 10^{-8}$, $\lambda = 0.2$. The decay takes 2 % of every weight, and Adam moves those with a gradient by 0.1:
#
# $$m' = (0.3, -0.05, 0), \quad v' = (0.09, 0.0025, 0), \quad \theta' = (5 - 0.1 - 0.1,\; -10 + 0.2 + 0.1,\; 2 - 0.04 - 0) = (4.8, -9.7, 1.96)$$
#
# <details><summary>Hint 1, values</summary>Which of the five formulas contain λ? Only one of them.</details>
# <details><summary>Hint 2, several steps</summary>Test yourself with g = 0 and m = v = 0: every weight must shrink by the factor 1 − ηλ, and both averages must stay 0.</details>
# <details><summary>Hint 3, small gradients</summary>The bracket is (root + ε), and the root is that of the corrected average.</details>
# <details><summary>Hint 4, values and clean calls</summary>Take Adam's step from exercise 4, written out, and subtract the pull <code>lr * wd * theta</code> as a third term. Do not change <code>theta</code> first: the caller's array stays as it is.</details>


# %% nbgrader={"grade_id": "adamw_step"}
def adamw_step(
    theta: np.ndarray,
    m: np.ndarray,
    v: np.ndarray,
    g: np.ndarray,
    t: int,
    lr: float,
    b1: float,
    b2: float,
    eps: float,
    wd: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One step of Adam with decoupled weight decay (Loshchilov and Hutter 2019, algorithm 2).

    theta: the weights, any shape. m, v: the fading averages of gradients and of their squares,
    uncorrected; g: the gradient at theta, without decay; all of that shape. t: the number of this
    step, from 1. wd: the decay, of which a step takes lr * wd * theta. Returns (theta', m', v'),
    new arrays, m' and v' uncorrected; the arguments stay as they are.
    """
    ### BEGIN SOLUTION
    new_m = b1 * m + (1 - b1) * g
    new_v = b2 * v + (1 - b2) * g**2
    corrected_m = new_m / (1 - b1**t)
    corrected_v = new_v / (1 - b2**t)
    return theta - lr * wd * theta - lr * corrected_m / (np.sqrt(corrected_v) + eps), new_m, new_v
    ### END SOLUTION


# %% nbgrader={"grade_id": "test_adamw_step_values", "points": 2}
# One step: all three results.
_arrays = [np.array(_x) for _x in ([5.0, -10.0, 2.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0], [3.0, -0.5, 0.0])]
_result = adamw_step(*_arrays, 1, 0.1, 0.9, 0.99, 1e-8, 0.2)
_theta, _m, _v = checks.items(_result, ("new theta", "new m", "new v"))
checks.array(_m, [0.3, -0.05, 0.0], "new m", 1e-7, 1e-12)
checks.array(_v, [0.09, 0.0025, 0.0], "new v", 1e-7, 1e-12)
checks.array(_theta, [4.8, -9.7, 1.96], "new theta", 1e-7, 1e-12)
checks.public_passed("adamw_step: values")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(771)
for _shape, _t in [((3,), 1), ((1,), 5), ((2, 3), 5), ((4, 1), 1000), ((5,), 30), ((2, 2, 2), 2)]:
    _b1, _b2 = _rng.uniform(0.5, 0.95), _rng.uniform(0.96, 0.9995)
    _lr, _eps, _wd = _rng.uniform(0.05, 1.0), _rng.uniform(1e-3, 0.3), _rng.uniform(0.05, 0.8)
    _theta, _m, _g = _rng.normal(size=(3, *_shape)) + 0.3
    _v = _rng.uniform(0.1, 3.0, size=_shape)
    _mean, _square = _m + (1 - _b1) * (_g - _m), _v + (1 - _b2) * (_g * _g - _v)
    _length = (_square / (1 - _b2**_t)) ** 0.5 + _eps
    _there = (1 - _lr * _wd) * _theta - _lr / (1 - _b1**_t) * _mean / _length
    _result = adamw_step(_theta, _m, _v, _g, _t, _lr, _b1, _b2, _eps, _wd)
    _result = checks.items(_result, ("new theta", "new m", "new v"))
    checks.array(_result[1], _mean, f"new m at t = {_t}", 1e-7, 1e-12)
    checks.array(_result[2], _square, f"new v at t = {_t}", 1e-7, 1e-12)
    checks.array(_result[0], _there, f"new theta at t = {_t}", 1e-7, 1e-12)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_adamw_step_steps", "points": 2}
# Several steps in a row from m = v = 0, beside torch.optim.AdamW; the rate changes on the way.
_theta, _m, _v = np.array([4.0, -3.0, 0.5]), np.zeros(3), np.zeros(3)
_weights = torch.nn.Parameter(torch.tensor(_theta))
_optimiser = torch.optim.AdamW([_weights], lr=0.1, betas=(0.8, 0.9), eps=0.01, weight_decay=0.5)
for _t in range(1, 11):
    _g = np.array([1.0, -2.0, 0.3]) * (-1.0) ** (_t // 3)
    _optimiser.param_groups[0]["lr"] = 0.1 / _t
    _weights.grad = torch.tensor(_g)
    _optimiser.step()
    _result = adamw_step(_theta, _m, _v, _g, _t, 0.1 / _t, 0.8, 0.9, 0.01, 0.5)
    _theta, _m, _v = checks.items(_result, ("new theta", "new m", "new v"))
    _state = _optimiser.state[_weights]
    _m = checks.array(_m, _state["exp_avg"], f"new m after {_t} steps", 1e-7, 1e-12)
    _v = checks.array(_v, _state["exp_avg_sq"], f"new v after {_t} steps", 1e-7, 1e-12)
    _theta = checks.array(_theta, _weights, f"new theta after {_t} steps", 1e-7, 1e-12)
checks.public_passed("adamw_step: several steps")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(772)
for _shape, _b1, _b2, _eps, _wd in [
    ((4,), 0.9, 0.999, 1e-8, 0.3),
    ((2, 3), 0.3, 0.95, 0.1, 1.5),
    ((1,), 0.8, 0.5, 1e-3, 0.01),
]:
    _theta, _m, _v = 3 * _rng.normal(size=_shape), np.zeros(_shape), np.zeros(_shape)
    _sizes = 10.0 ** _rng.integers(-3, 4, size=_shape)
    _weights = torch.nn.Parameter(torch.tensor(_theta))
    _optimiser = torch.optim.AdamW([_weights], lr=1.0, betas=(_b1, _b2), eps=_eps, weight_decay=_wd)
    for _t in range(1, 16):
        _g, _lr = _rng.normal(size=_shape) * _sizes, 0.3 / (1 + _t % 4)
        _optimiser.param_groups[0]["lr"] = _lr
        _weights.grad = torch.tensor(_g)
        _optimiser.step()
        _result = adamw_step(_theta, _m, _v, _g, _t, _lr, _b1, _b2, _eps, _wd)
        _theta, _m, _v = checks.items(_result, ("new theta", "new m", "new v"))
        _state = _optimiser.state[_weights]
        _m = checks.array(_m, _state["exp_avg"], f"new m after {_t} steps", 1e-7, 1e-12)
        _v = checks.array(_v, _state["exp_avg_sq"], f"new v after {_t} steps", 1e-7, 1e-12)
        _theta = checks.array(_theta, _weights, f"new theta after {_t} steps", 1e-7, 1e-12)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_adamw_step_small", "points": 1}
# Gradients near eps and below it show where eps stands; wd = 0 is Adam.
for _size in (1e-10, 1e-8, 3e-8):
    _arrays = [np.zeros(3), np.zeros(3), np.zeros(3), _size * np.array([1.0, -1.0, 0.0])]
    with np.errstate(all="ignore"):
        _result = adamw_step(*_arrays, 1, 0.5, 0.9, 0.999, 1e-8, 0.0)
    _theta, _, _ = checks.items(_result, ("new theta", "new m", "new v"))
    _step = 0.5 * _size / (_size + 1e-8)
    _label = f"at t = 1 with wd = 0, eps = 1e-08 and gradient {_size:g}, new theta"
    checks.array(_theta, [-_step, _step, 0.0], _label, 1e-7, 1e-12)
checks.public_passed("adamw_step: small gradients")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(773)
for _b1, _b2, _eps in [(0.9, 0.999, 1e-6), (0.5, 0.8, 1e-3), (0.0, 0.99, 2.0)]:
    _weights = torch.nn.Parameter(torch.zeros(4, dtype=torch.float64))
    _optimiser = torch.optim.Adam([_weights], lr=0.3, betas=(_b1, _b2), eps=_eps)
    _theta, _m, _v = np.zeros(4), np.zeros(4), np.zeros(4)
    for _t in range(1, 13):
        _g = _eps * _rng.normal(size=4) * np.array([0.01, 1.0, 30.0, 0.0])
        _weights.grad = torch.tensor(_g)
        _optimiser.step()
        with np.errstate(all="ignore"):
            _result = adamw_step(_theta, _m, _v, _g, _t, 0.3, _b1, _b2, _eps, 0.0)
        _theta, _m, _v = checks.items(_result, ("new theta", "new m", "new v"))
        _label = f"with wd = 0 and eps = {_eps:g}, new theta after {_t} steps"
        _theta = checks.array(_theta, _weights, _label, 1e-7, 1e-12)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_adamw_step_clean", "points": 1}
# A call leaves its arguments alone and gives the same answer twice: it knows its step from t alone.
_arrays = [np.array(_x) for _x in ([1.0, 2.0, -3.0], [0.5, 0.0, 1.0], [1.0, 0.0, 4.0], [2.0, -4.0, 0.0])]
_kept, _answers = [_x.copy() for _x in _arrays], []
for _ in range(2):
    _result = adamw_step(*_arrays, 2, 0.1, 0.5, 0.75, 1.0, 0.3)
    _result = checks.items(_result, ("new theta", "new m", "new v"))
    for _old, _new, _name in zip(_kept, _arrays, ("theta", "m", "v", "g"), strict=True):
        checks.unchanged(_old, _new, _name)
    _answers.append([checks.finite(_x, "a result", shape=(3,)).copy() for _x in _result])
for _first, _second, _name in zip(*_answers, ("new theta", "new m", "new v"), strict=True):
    checks.array(_second, _first, f"in a second call, {_name}", 1e-7, 1e-12)
checks.public_passed("adamw_step: clean calls")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(774)
_cases = [(_rng.normal(size=(4, *_shape)) ** 2, _t) for _shape, _t in (((3,), 3), ((2, 4), 7), ((1,), 1000))]
_answers = {}
for _k in (0, 1, 2, 2, 1, 0):  # in any order, and twice
    _arrays, _t = [*map(np.copy, _cases[_k][0])], _cases[_k][1]
    _result = adamw_step(*_arrays, _t, 0.25, 0.9, 0.99, 1e-6, 0.4)
    _result = checks.items(_result, ("new theta", "new m", "new v"))
    for _old, _new, _name in zip(_cases[_k][0], _arrays, ("theta", "m", "v", "g"), strict=True):
        checks.unchanged(_old, _new, _name)
    _result = [checks.finite(_x, "a result", shape=_arrays[0].shape).copy() for _x in _result]
    for _first, _second, _name in zip(
        _answers.setdefault(_k, _result), _result, ("new theta", "new m", "new v"), strict=True
    ):
        checks.array(_second, _first, f"in a second call, {_name}", 1e-7, 1e-12)
### END HIDDEN TESTS

# %% [markdown] nbgrader={"grade_id": "payoff_bowl_text"}
# ## The payoff: your functions at work
#
# **A badly scaled bowl.** Its curvatures are 0.01 and 100: gradient descent, held back by the steep direction, covers a
# small part of the flat one. Your three rules start at the same point, with rates that suit them. Before you run the cell: which
# of the four paths would change if the loss were measured in other units, 1,000 times as large?

# %% tags=["explore"]
from itertools import count

from trainlab import plots
from trainlab.descend import run
from trainlab.surfaces import Quadratic


def gradient_descent(grad, w, lr):
    while True:
        w = w - lr * grad(w)
        yield w


def adagrad(grad, w, lr, eps=1e-10):
    s = np.zeros_like(w)
    while True:
        w, s = map(np.asarray, adagrad_step(w, s, grad(w), lr, eps))
        yield w


def rmsprop(grad, w, lr, alpha=0.99, eps=1e-8):
    v = np.zeros_like(w)
    while True:
        w, v = map(np.asarray, rmsprop_step(w, v, grad(w), lr, alpha, eps))
        yield w


def adam(grad, w, lr, b1=0.9, b2=0.999, eps=1e-8):
    m, v = np.zeros_like(w), np.zeros_like(w)
    for t in count(1):
        rate = lr(t - 1) if callable(lr) else lr
        w, m, v = map(np.asarray, adam_step(w, m, v, grad(w), t, rate, b1, b2, eps))
        yield w


bowl, start = Quadratic((0.01, 100.0)), [-10.0, 5.0]
traces = {
    "gradient descent": run(gradient_descent, bowl, start, 300, lr=0.019),
    "Adagrad": run(adagrad, bowl, start, 300, lr=1.0),
    "RMSProp": run(rmsprop, bowl, start, 300, lr=0.05),
    "Adam": run(adam, bowl, start, 300, lr=0.1),
}
for name, trace in traces.items():
    covered = 1 - abs(trace.path[-1] / start)
    print(
        f"{name}: {covered[0]:.0%} of the way along the flat direction, {covered[1]:.0%} along the steep one"
    )
plots.show(
    plots.descents(bowl, *traces.values(), xlim=(-11, 1), ylim=(-6, 6)),
    plots.losses(*traces.values(), labels=list(traces)),
    alt="Gradient descent zigzags on a wall far from the minimum; Adagrad, RMSProp and Adam walk diagonally towards the "
    "minimum, and their losses fall far below that of gradient descent.",
)

# %% [markdown] nbgrader={"grade_id": "payoff_network_text"}
# <details><summary>Answer</summary>Gradient descent's alone: its step is proportional to the gradient, and at 1,000 times the gradient it diverges. In the other
# three the factor stands above and below the fraction bar and cancels, as long as ε is small against the gradients.</details>
#
# **A network, and two ways to start slowly.** 600 handwritten digits whose pixels have been measured in 64 different units, from
# a tenth to ten: an honest copy of what raw data look like. The rate $\eta = 0.3$ is large on purpose. Predict: which of plain gradient
# descent, Adam and Adam at the rates of your `warmup_cosine` ends lowest, and which highest? Beside the losses is your $r_t$, with which
# RAdam starts slowly without being told how long. (Where it is None, RAdam divides by no root at all, so there is no share to plot.)

# %% tags=["explore"]
from trainlab.data import digits
from trainlab.networks import MLP, training_loss

data = digits(count=600)
units = 10 ** np.random.default_rng(0).uniform(-1, 1, size=64)
network = MLP((64, 16, 10))
loss = training_loss(network, data.inputs * units, data.labels, torch.nn.functional.cross_entropy)
weights = network.initial(seed=0)
schedule = [float(warmup_cosine(t, 150, 15, 0.3, 0.0)) for t in range(151)]
traces = {
    "gradient descent": run(gradient_descent, loss, weights, 150, lr=0.3),
    "Adam": run(adam, loss, weights, 150, lr=0.3),
    "Adam on your schedule": run(adam, loss, weights, 150, lr=lambda t: schedule[t]),
}
for name, trace in traces.items():
    outputs = network.forward(torch.tensor(trace.path[-1]), torch.tensor(data.inputs * units))
    right = (outputs.argmax(dim=1).numpy() == data.labels).mean()
    print(f"{name}: loss {trace.losses[-1]:.3f}, {right:.0%} of the training digits read")
rectifier = [radam_rectifier(t + 1, 0.999)[1] for t in range(151)]
plots.show(
    plots.losses(*traces.values(), labels=["descent", "Adam", "scheduled"]),
    plots.lines(
        plots.Curve(np.arange(151), np.array(schedule) / 0.3, "schedule", colour=2),
        plots.Curve(
            np.arange(151), [np.nan if r is None else float(r) for r in rectifier], "rectifier", colour=3
        ),
        xlabel="step",
        ylabel="share of the rate",
    ),
    alt="Left: Adam at the constant rate rises at first and stays close to gradient descent, Adam on the schedule ends far below both. Right: the "
    "schedule rises to 1 in 15 steps and falls along a cosine; the rectifier begins at step 6 and rises slowly to a quarter.",
)

# %% [markdown] nbgrader={"grade_id": "payoff_torch_text"}
# Adam's steps have a length that the rate alone decides. A constant 0.3 is far too long at the start, where the surface is steep, and at the
# end, where there is little left to go; the schedule repairs both.
#
# **And PyTorch.** At a constant rate, its Adam must walk the same path as yours:

# %% tags=["explore"]
theta = torch.tensor(weights, requires_grad=True)
optimiser = torch.optim.Adam([theta], lr=0.03)
for _ in range(150):
    optimiser.zero_grad()
    loss.loss(theta).backward()
    optimiser.step()
gap = np.abs(theta.detach().numpy() - run(adam, loss, weights, 150, lr=0.03).path[-1]).max()
print(f"after 150 steps, your weights and PyTorch's agree to 1e-6: {gap < 1e-6}")

# %% [markdown] nbgrader={"grade_id": "written_adaptive_statement"}
# ## Exercise 8: units, first steps and valleys
#
# written question &nbsp;·&nbsp; 3 points &nbsp;·&nbsp; 15 minutes &nbsp;·&nbsp; difficulty 3 of 5
#
# Answer in one to three sentences each, with a formula or a number where one belongs.
#
# 1. A colleague multiplies the loss by 1,000. Which of gradient descent, Adagrad, RMSProp and Adam now needs another $\eta$, which does not, and
#    what is the small print about $\varepsilon$?
# 2. Adam without the bias correction, $\beta_1 = 0.9$, $\beta_2 = 0.999$, $m = v = 0$: how long is the first step, in units of $\eta$? Are the steps
#    after it too long or too short, and why?
# 3. A narrow valley runs along the diagonal between two weights instead of along one of them. Why does a rate of its own for every weight not
#    help there?

# %% [markdown] nbgrader={"grade_id": "written_adaptive", "points": 3}
# ### BEGIN SOLUTION
# 1. Gradient descent needs $\eta/1000$: its step is proportional to the gradient. In the other three the gradient is divided by a root of its
#    squares, so the factor cancels and the steps stay the same. This holds as long as $\varepsilon$ is small against the gradients: $\varepsilon$ has the unit
#    of a gradient and would have to be multiplied by 1,000, too.
# 2. $0.1\,|g| / \sqrt{0.001\, g^2} = 0.1/0.0316 = 3.16$ times $\eta$. Too long, for thousands of steps: $m$ has nearly forgotten its start after some 20 steps
#    ($0.9^{20} = 0.12$), but $v$ is too small by the factor $1 - 0.999^t$ until $t$ is several thousand. The longest steps come at about $t = 12$
#    for a constant gradient, with more than six times $\eta$.
# 3. Along the diagonal both weights have gradients of the same size and hence the same $\sigma$: dividing both by the same number changes the
#    length of the step but not its direction, and the condition number stays. A rate per weight rescales the axes; it cannot rotate them.
#
# **Marking scheme** (3 points)
#
# - 1 point: part 1. Half a point for "gradient descent yes, the other three no" with a reason, half a point for $\varepsilon$.
# - 1 point: part 2. Half a point for 3.16 (or $0.1/\sqrt{0.001}$), half a point for "too long, since $v$ is corrected by more than $m$" in any words.
# - 1 point: part 3, for equal sizes of the two gradients or for "scales axes, does not rotate".
# - No points for formulas without a sentence that answers the question; no deduction for language.
# ### END SOLUTION
