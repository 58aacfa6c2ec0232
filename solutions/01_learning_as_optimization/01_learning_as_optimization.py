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
# # Assignment 1: learning as optimisation
#
# You write the loop that every later lecture improves, the law that says how often to start it again, and the instrument
# that looks along a straight line through a space of many weights. At the end your own functions train two dozen
# networks and look at what lies between two of them.
#
# Read the lecture first: [What is being searched for, and why is the search hard?](../../lectures/01_learning_as_optimization.ipynb)
#
# | | exercise | points | minutes | difficulty |
# |---|---|---|---|---|
# | 1 | `gradient_descent`: the search | 4 | 15 | 1 of 5 |
# | 2 | `success_after_restarts`, `restarts_needed`: the cure | 6 | 25 | 2 of 5 |
# | 3 | `loss_along_segment`: the view | 4 | 15 | 1 of 5 |
# | 4 | one written question | 3 | 15 | 2 of 5 |
# | | the payoff: your functions at work | - | 10 | - |
# | | **sum** | **17** | **80** | |
#
# **How a notebook with checks works**
#
# - *Where to write.* Each exercise has one cell with an empty function. Delete its `raise NotImplementedError(...)` lines, write
#   your code in their place and run the cell (Shift + Enter). Keep the name of the function and of its arguments.
# - *How to check.* The cells below it are the checks; they are locked, leave them as they are. Run them: a check that passes prints one line.
#   A check that fails ends in red, and the **last** red line says what was expected and what came. Change your code, run its
#   cell again, then the checks again.
# - *What hidden checks are.* The checks that you see are a part. At grading, others of the same aspects follow, with numbers and
#   shapes that you do not see. They ask for nothing that the text does not say, so solve the text, not the example. If you learn
#   alone, `grader check` on this file runs all of them and names the mistake where it knows it.
# - *Points.* Each check has its own, so a function that is right on most counts gets most of them. An exercise left empty costs
#   only its own points.
# - *Before you hand in.* Choose *Restart the kernel and run all cells* (on Colab: *Restart session and run all*): what works only in the order in which you happened to run the
#   cells does not work. Add cells of your own wherever you like; copy or delete none of the locked ones.
#
# NumPy or PyTorch, loops or array expressions: any right way is accepted. All numbers are float64. A function must leave its
# arguments as they are.

# %% nbgrader={"grade_id": "setup"}
import math
from collections.abc import Callable

import numpy as np
import torch

from trainlab import checks

# %% [markdown] nbgrader={"grade_id": "gradient_descent_statement"}
# ## Exercise 1: the search
#
# `gradient_descent` &nbsp;·&nbsp; 4 points &nbsp;·&nbsp; 15 minutes &nbsp;·&nbsp; difficulty 1 of 5
#
# Stand at the weights $w_0$, ask for the slope there, take a step downhill, and ask again. With the learning rate $\eta$ (`lr`):
#
# $$w_{t+1} = w_t - \eta\, \nabla L(w_t), \qquad t = 0, 1, \dots, \text{steps} - 1$$
#
# Return the whole path, so that it can be drawn.
#
# **Convention.** Row 0 is the start and row $t$ the weights after $t$ steps. `steps = 0` gives the start alone. The number of
# steps is what the caller asked for: a search that has arrived goes on standing where it is.
#
# **Shapes.** `w0` is $(n,)$. `grad` takes a point $(n,)$ and returns the gradient there, $(n,)$. The result is $(\text{steps}+1, n)$.
#
# **Example.** $L(w) = w_1^2 + \tfrac12 w_2^2$, so the gradient is $(2 w_1, w_2)$. From $w_0 = (1, 2)$ with $\eta = 0.1$, the gradient is
# $(2, 2)$ and the first step leads to $(0.8, 1.8)$; there it is $(1.6, 1.8)$, and the second leads on to $(0.64, 1.62)$:
#
# $$\begin{pmatrix} 1 & 2 \\ 0.8 & 1.8 \\ 0.64 & 1.62 \end{pmatrix}$$
#
# <details><summary>Hint 1, the whole path</summary>Keep two things: where you are, and a list of where you have been, which begins with the start.</details>
# <details><summary>Hint 2, clean calls</summary><code>w = w - lr * grad(w)</code> makes a new array. <code>w -= ...</code> changes the old one, which the caller and your list still hold.</details>
# <details><summary>Hint 3, values</summary><code>path = [w0]</code>, then <code>steps</code> times: compute the new point from <code>path[-1]</code> and append it. <code>np.stack</code> turns a list of vectors into a matrix.</details>


# %% nbgrader={"grade_id": "gradient_descent"}
def gradient_descent(
    grad: Callable[[np.ndarray], np.ndarray], w0: np.ndarray, lr: float, steps: int
) -> np.ndarray:
    """The path of gradient descent (Cauchy 1847): w_{t+1} = w_t - lr grad(w_t).

    grad: the gradient of the loss at a point, (n,) -> (n,); w0: the start (n,); lr: the learning rate; steps: how many
    steps, from 0. Returns a new array (steps + 1, n) whose row t holds the weights after t steps; w0 stays as it is.
    """
    ### BEGIN SOLUTION
    path = [w0]
    for _ in range(steps):
        path.append(path[-1] - lr * grad(path[-1]))
    return np.stack(path)
    ### END SOLUTION


# %% nbgrader={"grade_id": "test_gradient_descent_values", "points": 2}
# The steps themselves.
_path = gradient_descent(lambda w: np.array([2.0, 1.0]) * w, np.array([1.0, 2.0]), 0.1, 2)
checks.array(_path, [[1.0, 2.0], [0.8, 1.8], [0.64, 1.62]], "path")
checks.public_passed("gradient_descent: values")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(11)
for _n, _steps in [(1, 3), (2, 5), (4, 2), (6, 9)]:
    # A tilted bowl has a path in closed form: w_t = w* + (I - lr A)^t (w_0 - w*).
    _root = _rng.normal(size=(_n, _n))
    _A, _lowest, _start = _root @ _root.T + np.eye(_n), _rng.normal(size=_n), _rng.normal(size=_n)
    _lr = 1.2 / np.linalg.eigvalsh(_A)[-1]
    _map = np.eye(_n) - _lr * _A
    _there = [_lowest + np.linalg.matrix_power(_map, t) @ (_start - _lowest) for t in range(_steps + 1)]
    _path = gradient_descent(lambda w, A=_A, c=_lowest: A @ (w - c), _start, _lr, _steps)
    checks.array(_path, _there, f"path of {_steps} steps in {_n} weights")
for _x, _lr, _steps in [(1.5, 0.05, 6), (-0.4, 0.3, 12), (2.0, 0.01, 4)]:
    # Curved: L = (x^2 - 1)^2 / 4, followed with plain numbers.
    _there = [_x]
    for _ in range(_steps):
        _there.append(_there[-1] - _lr * _there[-1] * (_there[-1] ** 2 - 1))
    _path = gradient_descent(lambda w: w * (w * w - 1), np.array([_x]), _lr, _steps)
    checks.array(_path, np.array(_there)[:, None], f"path from {_x:g} on the double well")
# The weights pull on one another, and the steps are long: each one needs the gradient of all weights at one and the same point.
_coupled = np.array([[1.0, 0.0, 2.0], [0.0, 3.0, -1.0], [2.0, -1.0, 5.0]])
_path = gradient_descent(lambda w: _coupled @ w, np.array([1.0, -1.0, 0.5]), 0.5, 2)
_checked = checks.array(
    _path, [[1.0, -1.0, 0.5], [0.0, 0.75, -2.25], [2.25, -1.5, 3.75]], "path of two long steps"
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_gradient_descent_path", "points": 1}
# The whole path: the start included, no step missing, none left out because nothing moves.
_path = gradient_descent(lambda w: w, np.array([3.0, -1.0, 2.0]), 0.5, 0)
checks.array(_path, [[3.0, -1.0, 2.0]], "path of no steps")
_path = gradient_descent(lambda w: w, np.array([4.0]), 0.5, 3)
checks.array(_path, [[4.0], [2.0], [1.0], [0.5]], "path of three steps")
checks.public_passed("gradient_descent: the whole path")
### BEGIN HIDDEN TESTS
checks.array(gradient_descent(lambda w: w, np.array([7.0]), 0.1, 0), [[7.0]], "path of no steps")
checks.array(
    gradient_descent(lambda w: w - 2, np.array([1.0, 5.0]), 1.0, 4),
    [[1.0, 5.0], [2.0, 2.0], [2.0, 2.0], [2.0, 2.0], [2.0, 2.0]],
    "path of four steps that arrives with the first",
)
checks.array(
    gradient_descent(lambda w: 0.0 * w, np.array([0.5, 1.5, 2.5]), 0.1, 5),
    np.tile([0.5, 1.5, 2.5], (6, 1)),
    "path from a point without slope",
)
checks.array(
    gradient_descent(lambda w: w, np.array([1.0, -1.0]), 0.5, 80),
    0.5 ** np.arange(81)[:, None] * [[1.0, -1.0]],
    "path of 80 steps",
    atol=0.0,
)
checks.array(
    gradient_descent(lambda w: w, np.array([1.0, -2.0]), 3.0, 5),
    (-2.0) ** np.arange(6)[:, None] * [[1.0, -2.0]],
    "path that climbs because its steps are too long",
)
_checked = checks.array(
    gradient_descent(lambda w: 1e-6 * w, np.array([1e6, 1.0]), 1e3, 2),
    [[1e6, 1.0], [999e3, 0.999], [998001.0, 0.998001]],
    "path of small slopes",
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_gradient_descent_clean", "points": 1}
# A call leaves the start as it is and remembers nothing of earlier calls.
_start = np.array([1.0, 2.0])
_first = gradient_descent(lambda w: np.array([2.0, 1.0]) * w, _start, 0.1, 2)
checks.unchanged(np.array([1.0, 2.0]), _start, "w0")
checks.public_passed("gradient_descent: clean calls")
### BEGIN HIDDEN TESTS
for _n, _steps in [(1, 1), (5, 3)]:
    _other = np.linspace(-1.0, 2.0, _n)
    _kept = _other.copy()
    gradient_descent(lambda w: w, _other, 0.25, _steps)  # hands back the very array that it was given
    checks.unchanged(_kept, _other, "w0")
_again = gradient_descent(lambda w: np.array([2.0, 1.0]) * w, np.array([1.0, 2.0]), 0.1, 2)
checks.array(_again, checks.finite(_first, "path"), "path of the same question, asked again,")
### END HIDDEN TESTS

# %% [markdown] nbgrader={"grade_id": "success_after_restarts_statement"}
# ## Exercise 2: the cure
#
# `success_after_restarts`, `restarts_needed` &nbsp;·&nbsp; 6 points &nbsp;·&nbsp; 25 minutes &nbsp;·&nbsp; difficulty 2 of 5
#
# A run from a random start finds a good solution with probability $p$. You make $k$ runs from independent starts and keep the best.
# They all fail with probability $(1-p)^k$, so
#
# $$P(p, k) = 1 - (1-p)^k$$
#
# `success_after_restarts(p, k)` returns $P$. `restarts_needed(p, target)` turns it around: the smallest number of runs, a whole
# $k \ge 0$, with $P(p, k) \ge$ `target`.
#
# **Convention.** $k$ counts all runs, the first one too; $k = 0$ is no run and no success.
#
# **Errors.** Both functions raise `ValueError` unless $0 < p \le 1$. `restarts_needed` also raises it unless $0 \le$ `target` $< 1$. The
# ends that are allowed must work: with $p = 1$ the first run is enough.
#
# **Precision.** Both must be right to seven digits for $p$ down to $10^{-12}$. The subtraction $1 - p$ keeps four digits of such a $p$:
# `1 - (1 - 1e-12)` is $9.99978 \cdot 10^{-13}$. And counting runs one by one would take days.
#
# **Example.** $p = 0.5$: $P(0.5, 2) = 1 - 0.25 = 0.75$, and two runs are needed for a target of 0.75. $p = 0.2$: one run succeeds with 0.2,
# ten with $1 - 0.8^{10} = 0.8926$, so `restarts_needed(0.2, 0.89)` is 10 and `restarts_needed(0.2, 0.893)` is 11.
#
# <details><summary>Hint 1, values</summary>Take logarithms: $P \ge$ target means $k \ln(1-p) \le \ln(1 - \text{target})$. Divide, and remember that a logarithm of a number below 1 is negative.</details>
# <details><summary>Hint 2, precision</summary><code>math.log1p(x)</code> is $\ln(1+x)$ and <code>math.expm1(x)</code> is $e^x - 1$, both without losing a small $x$. $(1-p)^k = e^{k \ln(1-p)}$.</details>
# <details><summary>Hint 3, ranges</summary><code>-math.expm1(k * math.log1p(-p))</code> is $P$ where $p$ is below 1; $\ln 0$ does not exist, so $p = 1$ is a case of its own. The smallest whole number that is not below $x$ is <code>math.ceil(x)</code>, an <code>int</code>.</details>


# %% nbgrader={"grade_id": "success_after_restarts"}
def success_after_restarts(p: float, k: int) -> float:
    """The probability that at least one of k independent runs succeeds: 1 - (1 - p)^k.

    p: the probability that one run does, 0 < p <= 1; k: the number of runs, from 0. ValueError for any other p.
    """
    ### BEGIN SOLUTION
    if not 0 < p <= 1:
        raise ValueError(f"p is {p}, expected 0 < p <= 1")
    if p == 1:
        return float(k > 0)
    return -math.expm1(k * math.log1p(-p))
    ### END SOLUTION


def restarts_needed(p: float, target: float) -> int:
    """The smallest number of runs k, from 0, with 1 - (1 - p)^k >= target.

    p: the probability that one run succeeds, 0 < p <= 1; target: the probability wanted, 0 <= target < 1. ValueError for
    any other p or target.
    """
    ### BEGIN SOLUTION
    if not 0 < p <= 1:
        raise ValueError(f"p is {p}, expected 0 < p <= 1")
    if not 0 <= target < 1:
        raise ValueError(f"target is {target}, expected 0 <= target < 1")
    if p == 1:
        return int(target > 0)
    return math.ceil(math.log1p(-target) / math.log1p(-p))
    ### END SOLUTION


# %% nbgrader={"grade_id": "test_success_after_restarts_values", "points": 1}
# The probability of at least one success.
checks.number(success_after_restarts(0.5, 2), 0.75, "success_after_restarts(0.5, 2)")
checks.number(success_after_restarts(0.2, 10), 0.8926258176, "success_after_restarts(0.2, 10)")
checks.public_passed("success_after_restarts: values")
### BEGIN HIDDEN TESTS
for _p, _k in [(0.61, 1), (0.37, 3), (0.03, 40), (0.9, 2), (0.5, 7), (0.0175, 100), (0.25, 0), (0.999, 1)]:
    _all_fail = 1.0
    for _ in range(_k):
        _all_fail *= 1.0 - _p
    checks.number(success_after_restarts(_p, _k), 1.0 - _all_fail, f"success_after_restarts({_p:g}, {_k})")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_restarts_needed_values", "points": 2}
# The smallest number of runs, not one fewer and not one more.
checks.integer(restarts_needed(0.5, 0.75), 2, "restarts_needed(0.5, 0.75)")
checks.integer(restarts_needed(0.2, 0.89), 10, "restarts_needed(0.2, 0.89)")
checks.integer(restarts_needed(0.2, 0.893), 11, "restarts_needed(0.2, 0.893)")
checks.integer(restarts_needed(0.001, 0.5), 693, "restarts_needed(0.001, 0.5)")
checks.public_passed("restarts_needed: values")
### BEGIN HIDDEN TESTS
for _p, _target in [
    (0.61, 0.99),
    (0.61, 0.5),
    (0.37, 0.999),
    (0.05, 0.3),
    (0.01, 0.01001),
    (0.01, 0.0099),
    (0.002, 0.95),
    (0.9, 0.9999995),
    (0.5, 0.5),
    (0.3, 0.0),
]:
    _k, _all_fail = 0, 1.0
    while _all_fail > 1.0 - _target:  # by counting; no case but (0.5, 0.5) is within 1e-3 of a whole number
        _k, _all_fail = _k + 1, _all_fail * (1.0 - _p)
    checks.integer(restarts_needed(_p, _target), _k, f"restarts_needed({_p:g}, {_target:g})")
checks.integer(restarts_needed(0.5, 0.999999999), 30, "restarts_needed(0.5, 0.999999999)")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_restarts_precision", "points": 1}
# Rare successes: both functions keep their digits where p is tiny.
checks.number(success_after_restarts(1e-12, 1), 1e-12, "success_after_restarts(1e-12, 1)", atol=0.0)
checks.integer(restarts_needed(1e-12, 1e-20), 1, "restarts_needed(1e-12, 1e-20)")
checks.public_passed("restarts: precision")
### BEGIN HIDDEN TESTS
# For k p << 1 the series k p - k (k - 1) p^2 / 2 is exact to far more than seven digits.
for _p, _k in [(1e-12, 1000), (3e-12, 7), (2e-10, 250), (1e-12, 5_000_000), (5e-9, 12)]:
    _series = _k * _p - _k * (_k - 1) * _p * _p / 2
    checks.number(success_after_restarts(_p, _k), _series, f"success_after_restarts({_p:g}, {_k})", atol=0.0)
# For many runs, (1 - p)^k = e^{-kp} to twelve digits.
_many = 700_000_000_000
_limit = 1.0 - math.exp(-0.7)
checks.number(success_after_restarts(1e-12, _many), _limit, f"success_after_restarts(1e-12, {_many})")
# From 60-digit arithmetic: the fractions before rounding up are .60, .89 and .50.
for _target, _k in [(0.5, 693147180560), (0.9, 2302585092993), (1e-6, 1000001)]:
    checks.integer(restarts_needed(1e-12, _target), _k, f"restarts_needed(1e-12, {_target:g})")
checks.integer(restarts_needed(0.5, 1e-13), 1, "restarts_needed(0.5, 1e-13)")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_restarts_ranges", "points": 2}
# What lies outside the ranges is refused; their ends are allowed or refused as the statement says.
checks.raises(ValueError, success_after_restarts, 0.0, 3, name="success_after_restarts(0, 3)")
checks.raises(ValueError, restarts_needed, 0.5, 1.0, name="restarts_needed(0.5, 1)")
checks.number(success_after_restarts(1.0, 1), 1.0, "success_after_restarts(1, 1)")
checks.integer(restarts_needed(1.0, 0.9), 1, "restarts_needed(1, 0.9)")
checks.public_passed("restarts: ranges")
### BEGIN HIDDEN TESTS
for _p in (-0.1, 1.5, -1.0, 2.0):
    checks.raises(ValueError, success_after_restarts, _p, 3, name=f"success_after_restarts({_p:g}, 3)")
    checks.raises(ValueError, restarts_needed, _p, 0.5, name=f"restarts_needed({_p:g}, 0.5)")
checks.raises(ValueError, restarts_needed, 0.0, 0.5, name="restarts_needed(0, 0.5)")
for _target in (1.2, -0.1, 2.0, -3.0):
    checks.raises(ValueError, restarts_needed, 0.3, _target, name=f"restarts_needed(0.3, {_target:g})")
checks.raises(ValueError, restarts_needed, 1.0, 1.0, name="restarts_needed(1, 1)")
checks.number(success_after_restarts(1.0, 4), 1.0, "success_after_restarts(1, 4)")
checks.integer(restarts_needed(1.0, 0.999999), 1, "restarts_needed(1, 0.999999)")
checks.integer(restarts_needed(0.7, 0.0), 0, "restarts_needed(0.7, 0)")
### END HIDDEN TESTS

# %% [markdown] nbgrader={"grade_id": "loss_along_segment_statement"}
# ## Exercise 3: the view
#
# `loss_along_segment` &nbsp;·&nbsp; 4 points &nbsp;·&nbsp; 15 minutes &nbsp;·&nbsp; difficulty 1 of 5
#
# A surface over a thousand weights cannot be drawn; the loss along one straight line can. Walk from $a$ to $b$ and write
# down the loss at `num` equally spaced points, both ends among them:
#
# $$\alpha_i = \frac{i}{\text{num} - 1}, \qquad \ell_i = L\big((1 - \alpha_i)\, a + \alpha_i\, b\big), \qquad i = 0, \dots, \text{num} - 1$$
#
# **Convention.** $\alpha = 0$ is $a$ and $\alpha = 1$ is $b$. `num` is at least 2.
#
# **Shapes.** `a` and `b` are $(n,)$. `loss` takes one point $(n,)$ at a time and returns a number. The result is the pair
# `(alphas, losses)`, both $(\text{num},)$.
#
# **Example.** $L(w) = w_1^2 + w_2^2$, $a = (2, 0)$, $b = (0, 4)$, `num = 3`. The points are $(2, 0)$, $(1, 2)$ and $(0, 4)$:
#
# $$\alpha = (0, 0.5, 1), \qquad \ell = (4, 5, 16)$$
#
# <details><summary>Hint 1, values</summary>First the alphas, then for each alpha a point, then for each point its loss.</details>
# <details><summary>Hint 2, ends</summary><code>np.linspace(0, 1, num)</code> includes both ends; <code>np.arange</code> with a broken step sometimes does and sometimes does not.</details>
# <details><summary>Hint 3, values</summary><code>np.array([loss((1 - alpha) * a + alpha * b) for alpha in alphas])</code></details>


# %% nbgrader={"grade_id": "loss_along_segment"}
def loss_along_segment(
    loss: Callable[[np.ndarray], float], a: np.ndarray, b: np.ndarray, num: int
) -> tuple[np.ndarray, np.ndarray]:
    """The loss on the straight line from a to b (Goodfellow, Vinyals and Saxe 2015).

    loss: the loss at a point, (n,) -> number; a, b: the ends (n,); num: how many points, ends included, from 2.
    Returns (alphas, losses), both (num,): alpha = 0 at a, 1 at b. The arguments stay as they are.
    """
    ### BEGIN SOLUTION
    positions = np.linspace(0.0, 1.0, num)
    return positions, np.array([loss(a + t * (b - a)) for t in positions])
    ### END SOLUTION


# %% nbgrader={"grade_id": "test_loss_along_segment_values", "points": 2}
# The losses on the way.
_pair = loss_along_segment(lambda w: float(w @ w), np.array([2.0, 0.0]), np.array([0.0, 4.0]), 3)
_alphas, _losses = checks.items(_pair, ("alphas", "losses"))
checks.array(_alphas, [0.0, 0.5, 1.0], "alphas")
checks.array(_losses, [4.0, 5.0, 16.0], "losses")
checks.public_passed("loss_along_segment: values")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(12)
for _n, _num in [(1, 5), (3, 4), (4, 9), (6, 6)]:
    # On a line, a tilted bowl is a parabola in alpha with known coefficients.
    _root, _a, _b = _rng.normal(size=(_n, _n)), _rng.normal(size=_n), _rng.normal(size=_n)
    _H, _d = _root @ _root.T, _b - _a
    _position = np.arange(_num) / (_num - 1)
    _parabola = 0.5 * _a @ _H @ _a + _position * (_a @ _H @ _d) + 0.5 * _position**2 * (_d @ _H @ _d)
    _pair = loss_along_segment(lambda w, H=_H: float(0.5 * w @ H @ w), _a, _b, _num)
    _alphas, _losses = checks.items(_pair, ("alphas", "losses"))
    checks.array(_alphas, _position, f"alphas for num = {_num}")
    checks.array(_losses, _parabola, f"losses in {_n} weights")
# A ridge between two equally good ends: the losses rise and fall again.
_pair = loss_along_segment(lambda w: float(np.sum((w * w - 1) ** 2)), -np.ones(2), np.ones(2), 5)
_alphas, _losses = checks.items(_pair, ("alphas", "losses"))
checks.array(_alphas, [0.0, 0.25, 0.5, 0.75, 1.0], "alphas over the ridge")
checks.array(_losses, [0.0, 1.125, 2.0, 1.125, 0.0], "losses over the ridge")
_pair = loss_along_segment(
    lambda w: float(np.sin(w[0]) + w[1]), np.array([0.0, -3.0]), np.array([6.0, 1.0]), 4
)
_checked = checks.array(
    checks.items(_pair, ("alphas", "losses"))[1],
    [-3.0, np.sin(2.0) - 5 / 3, np.sin(4.0) - 1 / 3, np.sin(6.0) + 1.0],
    "losses over hills",
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_loss_along_segment_ends", "points": 1}
# Exactly num points, both ends among them, in the order from a to b.
_pair = loss_along_segment(lambda w: float(w[0]), np.array([10.0]), np.array([20.0]), 2)
_alphas, _losses = checks.items(_pair, ("alphas", "losses"))
checks.array(_alphas, [0.0, 1.0], "alphas")
checks.array(_losses, [10.0, 20.0], "losses")
checks.public_passed("loss_along_segment: ends")
### BEGIN HIDDEN TESTS
for _num in (2, 4, 7, 8, 14, 50, 101):
    _there = 10.0 + 10.0 * np.arange(_num) / (_num - 1)
    _pair = loss_along_segment(
        lambda w: float(w[0] + w[1]), np.array([9.0, 1.0]), np.array([21.0, -1.0]), _num
    )
    _alphas, _losses = checks.items(_pair, ("alphas", "losses"))
    checks.array(_alphas, np.arange(_num) / (_num - 1), f"alphas for num = {_num}")
    checks.array(_losses, _there, f"losses for num = {_num}")
_pair = loss_along_segment(lambda w: float(w @ w), np.array([3.0, 4.0]), np.array([3.0, 4.0]), 3)
_alphas, _losses = checks.items(_pair, ("alphas", "losses"))
checks.array(_alphas, [0.0, 0.5, 1.0], "alphas where a and b are the same point")
_checked = checks.array(_losses, [25.0, 25.0, 25.0], "losses where a and b are the same point")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_loss_along_segment_clean", "points": 1}
# A call leaves both ends as they are and remembers nothing of earlier calls.
_a, _b = np.array([2.0, 0.0]), np.array([0.0, 4.0])
_first = checks.items(loss_along_segment(lambda w: float(w @ w), _a, _b, 3), ("alphas", "losses"))
checks.unchanged(np.array([2.0, 0.0]), _a, "a")
checks.unchanged(np.array([0.0, 4.0]), _b, "b")
checks.public_passed("loss_along_segment: clean calls")
### BEGIN HIDDEN TESTS
_c, _d = np.linspace(-1.0, 1.0, 5), np.linspace(3.0, 0.0, 5)
_kept = _c.copy(), _d.copy()
for _from, _to in [(_c, _d), (_d, _c)]:
    loss_along_segment(lambda w: float(np.sum(w**3)), _from, _to, 6)
    checks.unchanged(_kept[0], _c, "one end")
    checks.unchanged(_kept[1], _d, "the other end")
_pair = loss_along_segment(lambda w: float(w @ w), np.array([2.0, 0.0]), np.array([0.0, 4.0]), 3)
_again = checks.items(_pair, ("alphas", "losses"))
for _before, _after, _name in zip(_first, _again, ("alphas", "losses"), strict=True):
    checks.array(_after, checks.finite(_before, _name), f"{_name} of the same question, asked again,")
### END HIDDEN TESTS

# %% [markdown] nbgrader={"grade_id": "payoff_search_text"}
# ## The payoff: your functions at work
#
# **Twenty-four searches.** The task is the exclusive or: output 1 where exactly one of two inputs is 1. The network has two hidden
# tanh units, nine weights in all. Your `gradient_descent` trains it from 24 random starts. Before you run the cell: how many of
# the 24 will solve four examples?

# %% tags=["explore"]
from trainlab import plots
from trainlab.networks import MLP, training_loss

inputs = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
targets = np.array([[0.0], [1.0], [1.0], [0.0]])
network = MLP((2, 2, 1))
loss = training_loss(network, inputs, targets, torch.nn.functional.binary_cross_entropy_with_logits)

paths = [gradient_descent(loss.grad, network.initial(seed), 1.0, 400) for seed in range(24)]
finals = np.array([loss.value(path[-1]) for path in paths])
solved = finals < 0.1
chance = solved.mean()
print(
    f"{solved.sum()} of 24 solve it; one of the others ends at {finals.max():.3f} (ln 2 / 2 is {np.log(2) / 2:.3f})"
)
print(f"runs needed for a 99.9 % chance of at least one success: {restarts_needed(chance, 0.999)}")
runs = np.arange(13)
plots.show(
    plots.lines(
        *(
            plots.Curve(np.arange(401)[::20], [loss.value(w) for w in path[::20]], colour=0 if good else 1)
            for path, good in zip(paths, solved, strict=True)
        ),
        xlabel="step",
        ylabel="loss (nats)",
        title="24 starts",
        logy=True,
    ),
    plots.lines(
        plots.Curve(runs, [success_after_restarts(chance, int(k)) for k in runs]),
        xlabel="runs",
        ylabel="chance of at least one success",
        title="the cure",
        ylim=(0, 1.05),
    ),
    alt="Left: about two thirds of the runs fall towards zero loss, the others stay on one level near 0.35. Right: the chance "
    "of at least one success climbs to nearly 1 within seven runs.",
)

# %% [markdown] nbgrader={"grade_id": "payoff_search_seen"}
# <details><summary>What to see</summary>
#
# 15 of the 24 solve it. The other nine all end near ln 2 / 2: each confuses two examples that want different answers. With $p = 15/24$, eight runs give a chance of
# 99.9 % of at least one success.
#
# </details>

# %% [markdown] nbgrader={"grade_id": "payoff_view_text"}
# **Two views.** Your `loss_along_segment` looks from a start straight to the solution that was found from it, and from one
# solution straight to another. One of the two lines has a hill on it. Which one, and how high is it beside the loss at the start?

# %% tags=["explore"]
first, second = np.flatnonzero(solved)[:2]
there = loss_along_segment(loss.value, paths[first][0], paths[first][-1], 41)
across = loss_along_segment(loss.value, paths[first][-1], paths[second][-1], 41)
plots.show(
    plots.lines(
        plots.Curve(*there, "start to solution"),
        plots.Curve(*across, "solution to solution"),
        xlabel="position on the line, α",
        ylabel="loss (nats)",
    ),
    alt="From the start to its solution the loss falls; between two solutions it rises to a hill and falls again.",
)
print(
    f"highest point between the two solutions: {across[1].max():.2f} nats; at its ends {across[1][0]:.3f} and {across[1][-1]:.3f}"
)

# %% [markdown] nbgrader={"grade_id": "payoff_view_seen"}
# <details><summary>What to see</summary>
#
# The hill is between the two solutions: 0.66 nats, nearly as high as the start of the first run (0.69). Both networks are right, and half of one plus half of the
# other is not. That the other line goes down is no law. Of the 15 starts that arrive, six have a straight line that rises somewhere.
#
# </details>

# %% [markdown] nbgrader={"grade_id": "written_restarts_statement"}
# ## Exercise 4: what a failed run says
#
# written question &nbsp;·&nbsp; 3 points &nbsp;·&nbsp; 15 minutes &nbsp;·&nbsp; difficulty 2 of 5
#
# A colleague trains a small network four times on a new task. All four runs end at the same loss, 0.35, and she reports: "0.35 is the
# best that this network can do on this task."
#
# Answer in one to three sentences each, with a number where one belongs.
#
# 1. Suppose that one run in three would find a much better solution. How likely is it that four runs miss it, and how many runs make
#    this less likely than 1 %?
# 2. All four ended at the *same* loss. Does that make her conclusion more likely to be true? Use the two-unit network of the lecture.
# 3. Name one thing other than more restarts that she could change to find out, and say what you would conclude from its outcome.

# %% [markdown] nbgrader={"grade_id": "written_restarts", "points": 3}
# ### BEGIN SOLUTION
# 1. $(2/3)^4 = 0.198$: about one time in five. $(2/3)^k < 0.01$ needs $k > \ln 0.01 / \ln(2/3) = 11.4$, so 12 runs.
# 2. No. Trapped runs share a few levels, because the level is fixed by which examples the network gives the same answer: with two
#    hidden units, all runs that confuse one pair of examples end at $\ln 2 / 2 = 0.3466$, and zero loss exists.
# 3. For instance a wider network on the same data: with ten units all runs succeed on the exclusive or. If it reaches a
#    lower loss, the data allow it, and the first network was too small or was trapped; widening does not say which. If several wide
#    networks stop at 0.35 too, the examples themselves are likely to disagree (the same input with two labels), and no search will help.
#
# **Marking scheme** (3 points)
#
# - 1 point: part 1. Half a point for 0.198 (or "about 20 %"), half a point for 12.
# - 1 point: part 2. Half a point for "no", half a point for a reason why trapped runs share a level (examples answered alike, or $\ln 2/2$).
# - 1 point: part 3. Half a point for a change that tests the claim (width, other starts' scale, another rate or longer runs, looking for
#   contradictory labels), half a point for a conclusion that follows from the outcome.
# - No points for "restart more often" in part 3; no deduction for language.
# ### END SOLUTION
