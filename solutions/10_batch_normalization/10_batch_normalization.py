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
# # Assignment 10: batch normalisation
#
# You write batch normalisation forwards, with the running statistics that evaluation needs, and backwards, with the two
# paths that are easy to forget. At the end your functions train a network that, from its usual start, does not
# train without them in the same 300 steps.
#
# Read the lecture first: [Can the surface itself be changed?](../../lectures/10_batch_normalization.ipynb)
#
# | | exercise | points | minutes | difficulty |
# |---|---|---|---|---|
# | 1 | `batchnorm_forward`: normalise, and remember | 7 | 20 | 2 of 5 |
# | 2 | `batchnorm_backward`: three paths to one input | 6 | 30 | 4 of 5 |
# | | the payoff: your functions at work | - | 10 | - |
# | 3 | statistics, modes and scales, in words | 3 | 15 | 3 of 5 |
# | | **sum** | **16** | **75** | |
#
# Write your code where a cell says so and run the cells below it: the visible checks answer at once, and hidden checks of
# the same aspects follow at grading. NumPy or PyTorch, loops or array expressions: any right way is accepted. All numbers
# are float64. A function must leave its arguments as they are.

# %% nbgrader={"grade_id": "setup"}
import numpy as np
import torch

from trainlab import checks

# %% [markdown] nbgrader={"grade_id": "batchnorm_forward_statement"}
# ## Exercise 1: normalise, and remember
#
# `batchnorm_forward` &nbsp;·&nbsp; 7 points &nbsp;·&nbsp; 20 minutes &nbsp;·&nbsp; difficulty 2 of 5
#
# A batch of $N$ examples reaches a layer of $D$ units. In **training mode** each unit, a column of $x$, is brought to mean 0
# and variance 1 over the batch, then scaled and shifted by two learnt parameters of its own:
#
# $$\mu = \frac1N \sum_i x_i, \qquad \sigma^2 = \frac1N \sum_i (x_i - \mu)^2, \qquad
# y_i = \gamma\, \frac{x_i - \mu}{\sqrt{\sigma^2 + \varepsilon}} + \beta$$
#
# and the running statistics move towards those of the batch, $\bar\mu' = (1-m)\,\bar\mu + m\,\mu$ and
#
# $$\bar v' = (1-m)\,\bar v + m\, s^2, \qquad s^2 = \frac{1}{N-1} \sum_i (x_i - \mu)^2 .$$
#
# In **evaluation mode** the running statistics take the place of the batch's, and stay as they are:
#
# $$y_i = \gamma\, \frac{x_i - \bar\mu}{\sqrt{\bar v + \varepsilon}} + \beta, \qquad \bar\mu' = \bar\mu, \quad \bar v' = \bar v .$$
#
# **Convention.** That of PyTorch. The batch is normalised with the *biased* variance $\sigma^2$ (divide by $N$), and
# remembered with the *unbiased* one, $s^2$ (divide by $N - 1$). `eps` stands *inside* the root. `momentum` is the weight $m$
# of the *new* batch, $0 \le m \le 1$.
#
# **Shapes.** `x` is $(N, D)$, one example per row, with $N \ge 2$ in training mode and $N \ge 1$ in evaluation mode. `gamma`,
# `beta`, `run_mean` and `run_var` are $(D,)$. `momentum` and `eps` > 0 are numbers, `training` is True or False. Return
# $(y, \bar\mu', \bar v')$ with the shapes $(N, D)$, $(D,)$ and $(D,)$.
#
# **Example.** $\varepsilon = 2$, so large that its place shows; $m = 0.1$; $\gamma = (4, 8)$, $\beta = (10, 0)$;
# $\bar\mu = (0, 10)$, $\bar v = (2, 7)$ before the call.
#
# $$x = \begin{pmatrix} 3 & 10 \\ 3 & 7 \\ 0 & 1 \end{pmatrix}, \qquad \mu = (2, 6), \quad \sigma^2 = (2, 14), \quad \sqrt{\sigma^2 + 2} = (2, 4), \quad s^2 = (3, 21)$$
#
# In training mode $y = \begin{pmatrix} 12 & 8 \\ 12 & 2 \\ 6 & -10 \end{pmatrix}$, $\bar\mu' = (0.2,\, 9.6)$ and $\bar v' = (2.1,\, 8.4)$.
# In evaluation mode the roots are $\sqrt{2+2} = 2$ and $\sqrt{7+2} = 3$, so that
# $y = \begin{pmatrix} 16 & 0 \\ 16 & -8 \\ 10 & -24 \end{pmatrix}$, and the running statistics stay.
#
# <details><summary>Hint 1, values</summary>Everything happens per column: means and variances are taken along axis 0. Decide first which mean and which variance the mode asks for; the formula for y is then the same.</details>
# <details><summary>Hint 2, running statistics</summary><code>x.var(axis=0)</code> divides by N, <code>x.var(axis=0, ddof=1)</code> by N − 1. In PyTorch the default is N − 1.</details>
# <details><summary>Hint 3, the two modes</summary>In training mode: <code>mean, var = x.mean(axis=0), x.var(axis=0)</code>, new running values by <code>(1 - momentum) * run_mean + momentum * mean</code> and the same for the unbiased variance. In evaluation mode: <code>mean, var = run_mean, run_var</code>. Then <code>gamma * (x - mean) / np.sqrt(var + eps) + beta</code>.</details>


# %% nbgrader={"grade_id": "batchnorm_forward"}
def batchnorm_forward(
    x: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    run_mean: np.ndarray,
    run_var: np.ndarray,
    momentum: float,
    eps: float,
    training: bool,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Batch normalisation of each column (Ioffe & Szegedy 2015), in PyTorch's convention.

    x: (N, D). gamma, beta, run_mean, run_var: (D,). momentum: the weight of the new batch in
    the running statistics. eps: added to the variance inside the root.
    Returns (y (N, D), new run_mean (D,), new run_var (D,)); the arguments stay as they are.
    """
    ### BEGIN SOLUTION
    if training:
        mean, var = x.mean(axis=0), x.var(axis=0)
        run_mean = (1 - momentum) * run_mean + momentum * mean
        run_var = (1 - momentum) * run_var + momentum * x.var(axis=0, ddof=1)
    else:
        mean, var = run_mean, run_var
    return gamma * (x - mean) / np.sqrt(var + eps) + beta, run_mean, run_var
    ### END SOLUTION


# %% nbgrader={"grade_id": "test_batchnorm_forward_values", "points": 2}
# Training mode: the normalised batch.
_names = ("y", "new run_mean", "new run_var")
_x, _gamma, _beta = (
    np.array([[3.0, 10.0], [3.0, 7.0], [0.0, 1.0]]),
    np.array([4.0, 8.0]),
    np.array([10.0, 0.0]),
)
_result = batchnorm_forward(_x, _gamma, _beta, np.array([0.0, 10.0]), np.array([2.0, 7.0]), 0.1, 2.0, True)
checks.array(checks.items(_result, _names)[0], [[12.0, 8.0], [12.0, 2.0], [6.0, -10.0]], "y", 1e-6, 1e-9)
checks.public_passed("batchnorm_forward: values")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(101)
_cases = [  # N, D, mean and standard deviation of the columns, eps
    (2, 1, 3.0, 2.0, 1e-5),
    (2, 3, -1.0, 0.5, 0.3),
    (3, 2, 0.0, 1.0, 1e-5),
    (5, 5, 2.0, 3.0, 0.01),
    (33, 2, -4.0, 10.0, 1e-5),
    (4, 1, 0.3, 1e-3, 1e-5),  # the variance is a tenth of eps: its place shows
    (6, 3, 0.0, 1e-3, 1e-5),
    (8, 2, 0.0, 1e-5, 1e-5),
    (8, 3, 1e4, 1.0, 1e-5),  # an offset that float32 cannot carry
]
for _N, _D, _mean, _std, _eps in _cases:
    _x, _gamma, _beta = _mean + _std * _rng.normal(size=(_N, _D)), *_rng.normal(size=(2, _D))
    # the biased variance is half the mean squared difference of all pairs, an example with itself included
    _pairs = (_x[:, None] - _x[None]) ** 2
    _root = np.sqrt(_pairs.sum((0, 1)) / (2 * _N * _N) + _eps)
    _y = _beta + _gamma * (_x[:, None] - _x[None]).sum(1) / _N / _root
    _result = batchnorm_forward(
        _x, _gamma, _beta, _rng.normal(size=_D), _rng.uniform(1, 9, _D), 0.3, _eps, True
    )
    _where = f"y for N = {_N}, D = {_D}, columns of standard deviation {_std:g}, eps = {_eps:g}"
    checks.array(checks.items(_result, _names)[0], _y, _where, 1e-6, 1e-9)
# a column that is constant has nothing to normalise
_x, _beta = np.array([[2.0, -1.0], [2.0, 5.0], [2.0, 2.0]]), np.array([0.5, 0.0])
_result = batchnorm_forward(_x, np.array([7.0, 1.0]), _beta, np.zeros(2), np.ones(2), 0.1, 3.0, True)
_y = checks.items(_result, _names)[0]
checks.array(_y, [[0.5, -1.0], [0.5, 1.0], [0.5, 0.0]], "y with a constant column", 1e-6, 1e-9)
for _N, _D in [(5, 3), (2, 3), (7, 2)]:  # the variance from all pairs of rows
    _x, _gamma, _beta = _rng.normal(size=(_N, _D)), *_rng.normal(size=(2, _D))
    _pairs = ((_x[:, None] - _x[None]) ** 2).sum((0, 1)) / 2
    _y = _beta + _gamma * (_x - _x.sum(0) / _N) / np.sqrt(_pairs / _N**2 + 1e-3)
    _given = (_x, _gamma, _beta, _rng.normal(size=_D), _rng.uniform(0.5, 2.0, _D))
    _result = checks.items(batchnorm_forward(*_given, 0.2, 1e-3, True), ("y", "new run_mean", "new run_var"))
    checks.array(_result[0], _y, f"y for N = {_N}, D = {_D}", 1e-6, 1e-9)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_batchnorm_forward_running", "points": 2}
# Training mode: the running statistics, over several calls.
_names = ("y", "new run_mean", "new run_var")
_x, _one, _zero = np.array([[3.0, 10.0], [3.0, 7.0], [0.0, 1.0]]), np.ones(2), np.zeros(2)
_mean, _var = np.array([0.0, 10.0]), np.array([2.0, 7.0])
for _there, _spread in [([0.2, 9.6], [2.1, 8.4]), ([0.38, 9.24], [2.19, 9.66])]:
    _result = checks.items(batchnorm_forward(_x.copy(), _one, _zero, _mean, _var, 0.1, 2.0, True), _names)
    _mean = checks.array(_result[1], _there, "new run_mean", 1e-6, 1e-9)
    _var = checks.array(_result[2], _spread, "new run_var", 1e-6, 1e-9)
checks.public_passed("batchnorm_forward: running statistics")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(102)
for _D, _momentum in [(1, 0.1), (3, 0.4), (2, 1.0), (4, 0.01), (2, 0.0)]:
    _mean, _var = _rng.normal(size=_D), _rng.uniform(0.5, 4.0, _D)
    _start = _mean.copy(), _var.copy()
    _seen = []
    for _t, _N in enumerate([2, 3, 9, 2, 5], 1):
        _x = _rng.normal(size=_D) + _rng.uniform(0.1, 3.0, _D) * _rng.normal(size=(_N, _D))
        _pairs = (_x[:, None] - _x[None]) ** 2
        _seen.append((_x.sum(0) / _N, _pairs.sum((0, 1)) / (2 * _N * (_N - 1))))
        # as a weighted sum: the start fades by 1 - m per batch, and so does every batch
        _fade = _momentum * (1 - _momentum) ** np.arange(_t)[::-1]
        _there, _spread = (
            (1 - _momentum) ** _t * _old + sum(f * seen[k] for f, seen in zip(_fade, _seen, strict=True))
            for k, _old in enumerate(_start)
        )
        _result = batchnorm_forward(
            _x, _rng.normal(size=_D), _rng.normal(size=_D), _mean, _var, _momentum, 1e-5, True
        )
        _result = checks.items(_result, _names)
        _where = f"after {_t} batches with momentum {_momentum:g}, the last of {_N} rows"
        _mean = checks.array(_result[1], _there, f"new run_mean {_where}", 1e-6, 1e-9)
        _var = checks.array(_result[2], _spread, f"new run_var {_where}", 1e-6, 1e-9)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_batchnorm_forward_evaluation", "points": 2}
# Evaluation mode: the running statistics are used, and stay.
_names = ("y", "new run_mean", "new run_var")
_x, _gamma, _beta = (
    np.array([[3.0, 10.0], [3.0, 7.0], [0.0, 1.0]]),
    np.array([4.0, 8.0]),
    np.array([10.0, 0.0]),
)
_result = batchnorm_forward(_x, _gamma, _beta, np.array([0.0, 10.0]), np.array([2.0, 7.0]), 0.1, 2.0, False)
_result = checks.items(_result, _names)
checks.array(_result[0], [[16.0, 0.0], [16.0, -8.0], [10.0, -24.0]], "y in evaluation mode", 1e-6, 1e-9)
checks.array(_result[1], [0.0, 10.0], "new run_mean in evaluation mode", 1e-6, 1e-9)
checks.array(_result[2], [2.0, 7.0], "new run_var in evaluation mode", 1e-6, 1e-9)
checks.public_passed("batchnorm_forward: evaluation mode")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(103)
for _N, _D, _std, _eps in [(1, 3, 1.0, 1e-5), (1, 1, 2.0, 0.5), (6, 2, 3.0, 1e-5), (4, 3, 1e-3, 1e-5)]:
    _x, _gamma, _beta, _mean = _rng.normal(size=(_N, _D)), *_rng.normal(size=(3, _D))
    _var = _std**2 * _rng.uniform(0.5, 2.0, _D)
    _y = [
        [
            _beta[j] + _gamma[j] * (_x[i, j] - _mean[j]) * float(_var[j] + _eps) ** -0.5
            for j in range(_D)
        ]
        for i in range(_N)
    ]  # fmt: skip
    _was = _mean.copy(), _var.copy()
    _result = checks.items(batchnorm_forward(_x, _gamma, _beta, _mean, _var, 0.3, _eps, False), _names)
    _where = f"in evaluation mode with N = {_N}, running variances near {_std**2:g}, eps = {_eps:g}"
    checks.array(_result[0], _y, f"y {_where}", 1e-6, 1e-9)
    checks.array(_result[1], _was[0], f"new run_mean {_where}", 1e-6, 1e-9)
    checks.array(_result[2], _was[1], f"new run_var {_where}", 1e-6, 1e-9)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_batchnorm_forward_clean", "points": 1}
# A call leaves its arguments alone and gives the same answer twice, in both modes: it remembers nothing.
_names, _given = ("y", "new run_mean", "new run_var"), ("x", "gamma", "beta", "run_mean", "run_var")
_arrays = [np.array([[3.0, 10.0], [3.0, 7.0], [0.0, 1.0]]), np.array([4.0, 8.0]), np.array([10.0, 0.0])]
_arrays += [np.array([0.0, 10.0]), np.array([2.0, 7.0])]
_kept, _answers = [_x.copy() for _x in _arrays], {}
for _training in (True, False, True, False):
    _result = checks.items(batchnorm_forward(*_arrays, 0.1, 2.0, _training), _names)
    for _old, _new, _name in zip(_kept, _arrays, _given, strict=True):
        checks.unchanged(_old, _new, _name)
    _result = [checks.finite(_x, _name).copy() for _x, _name in zip(_result, _names, strict=True)]
    for _first, _second, _name in zip(_answers.setdefault(_training, _result), _result, _names, strict=True):
        checks.array(_second, _first, f"in a second call, {_name}")
checks.public_passed("batchnorm_forward: clean calls")
### BEGIN HIDDEN TESTS
_rng, _answers = np.random.default_rng(104), {}
_cases = [
    ([_rng.normal(size=(_N, _D)), *_rng.normal(size=(3, _D)), _rng.uniform(0.5, 2.0, _D)], _training)
    for _N, _D, _training in [(5, 3, True), (5, 3, False), (2, 3, True), (1, 3, False)]
]
for _k in (0, 1, 2, 3, 3, 2, 1, 0):  # in any order, and twice
    _kept, _training = _cases[_k]
    _arrays = [_x.copy() for _x in _kept]
    _result = checks.items(batchnorm_forward(*_arrays, 0.2, 1e-3, _training), _names)
    for _old, _new, _name in zip(_kept, _arrays, _given, strict=True):
        checks.unchanged(_old, _new, _name)
    _result = [checks.finite(_x, _name).copy() for _x, _name in zip(_result, _names, strict=True)]
    for _first, _second, _name in zip(_answers.setdefault(_k, _result), _result, _names, strict=True):
        checks.array(_second, _first, f"in a second call, {_name}")
### END HIDDEN TESTS

# %% [markdown] nbgrader={"grade_id": "batchnorm_backward_statement"}
# ## Exercise 2: three paths to one input
#
# `batchnorm_backward` &nbsp;·&nbsp; 6 points &nbsp;·&nbsp; 30 minutes &nbsp;·&nbsp; difficulty 4 of 5
#
# In training mode an input $x_i$ reaches the loss in three ways: through its own output $y_i$, through the batch's mean, and
# through the batch's variance. The last two touch *all* outputs of the column. With the gradient $dy$ of the loss by the
# outputs, $s = \sqrt{\sigma^2 + \varepsilon}$ and $\hat x_i = (x_i - \mu)/s$, all three together give
#
# $$dx_i = \frac{\gamma}{s} \Big( dy_i - \frac1N \sum_j dy_j - \hat x_i\, \frac1N \sum_j dy_j\, \hat x_j \Big), \qquad
# d\gamma = \sum_i dy_i\, \hat x_i, \qquad d\beta = \sum_i dy_i ,$$
#
# for each column alone. Derive the first formula once with a pencil; the lecture has it as a projection.
#
# **Convention.** As in exercise 1, training mode: $\sigma^2$ divides by $N$, `eps` > 0 inside the root. $dx$ is the gradient
# of the loss, not of its mean over the batch: nothing else is divided by $N$.
#
# **Shapes.** `dy` and `x` are $(N, D)$ with $N \ge 2$; `gamma` is $(D,)$. Return $(dx, d\gamma, d\beta)$ with the shapes
# $(N, D)$, $(D,)$ and $(D,)$.
#
# **Example.** The batch of exercise 1, with $\varepsilon = 2$ and $\gamma = (4, 8)$. Then $s = (2, 4)$, and both columns have $\gamma/s = 2$:
#
# $$x = \begin{pmatrix} 3 & 10 \\ 3 & 7 \\ 0 & 1 \end{pmatrix}, \quad
# \hat x = \begin{pmatrix} 0.5 & 1 \\ 0.5 & 0.25 \\ -1 & -1.25 \end{pmatrix}, \quad
# dy = \begin{pmatrix} 3 & 0 \\ 0 & 0 \\ 0 & 6 \end{pmatrix} \quad\longrightarrow\quad
# dx = \begin{pmatrix} 3.5 & 1 \\ -2.5 & -2.75 \\ -1 & 1.75 \end{pmatrix}$$
#
# In the first column the two means are $1$ and $0.5$, so $dx_1 = 2 \cdot (3 - 1 - 0.5 \cdot 0.5) = 3.5$; in the second they are $2$ and $-2.5$.
# $d\gamma = (1.5, -7.5)$ and $d\beta = (3, 6)$. Each column of $dx$ adds up to 0: adding a constant to a column of $x$ changes nothing.
#
# <details><summary>Hint 1, parameters and dx</summary>Recompute the forward pass first: the mean, the variance, the root s and the normalised columns. All sums run along axis 0.</details>
# <details><summary>Hint 2, dx and algebra</summary>Without the two subtracted means you would treat the statistics as constants. The first mean belongs to the path through the batch's mean, the second to the path through its variance.</details>
# <details><summary>Hint 3, dx</summary>Compute dγ and dβ first: both means of the formula are these sums divided by N. PyTorch's autograd on exercise 1's formula is a right way too.</details>


# %% nbgrader={"grade_id": "batchnorm_backward"}
def batchnorm_backward(
    dy: np.ndarray, x: np.ndarray, gamma: np.ndarray, eps: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gradients of batch normalisation in training mode (Ioffe & Szegedy 2015, section 3, simplified).

    dy: (N, D), the gradient of the loss by the outputs. x: (N, D), the inputs. gamma: (D,).
    eps: as in the forward pass, inside the root.
    Returns (dx (N, D), dgamma (D,), dbeta (D,)); the arguments stay as they are.
    """
    ### BEGIN SOLUTION
    s = np.sqrt(x.var(axis=0) + eps)
    hat = (x - x.mean(axis=0)) / s
    dgamma, dbeta = (dy * hat).sum(axis=0), dy.sum(axis=0)
    dx = gamma / s * (dy - dbeta / len(x) - hat * dgamma / len(x))
    return dx, dgamma, dbeta
    ### END SOLUTION


# %% nbgrader={"grade_id": "test_batchnorm_backward_dx", "points": 3}
# The gradient by the inputs: all three paths.
_names = ("dx", "dgamma", "dbeta")
_dy, _x = np.array([[3.0, 0.0], [0.0, 0.0], [0.0, 6.0]]), np.array([[3.0, 10.0], [3.0, 7.0], [0.0, 1.0]])
_result = batchnorm_backward(_dy, _x, np.array([4.0, 8.0]), 2.0)
checks.array(checks.items(_result, _names)[0], [[3.5, 1.0], [-2.5, -2.75], [-1.0, 1.75]], "dx")
checks.public_passed("batchnorm_backward: dx")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(105)
_cases = [  # N, D, standard deviation of the columns, eps
    (3, 1, 1.0, 1e-5),
    (4, 3, 2.0, 0.3),
    (2, 3, 0.5, 0.1),
    (5, 5, 1.0, 1e-5),
    (3, 8, 0.7, 0.01),
    (40, 2, 5.0, 1e-5),
    (6, 2, 1e-3, 1e-5),  # the variance is a tenth of eps
    (7, 1, 3e-3, 1e-5),
]
for _N, _D, _std, _eps in _cases:
    _x, _dy = 3 * _rng.normal(size=_D) + _std * _rng.normal(size=(_N, _D)), _rng.normal(size=(_N, _D))
    _gamma = _rng.choice([-1.0, 1.0], _D) * _rng.uniform(0.3, 3.0, _D)
    _dx = np.zeros((_N, _D))
    for _where in np.ndindex(_N, _D):  # the derivative by one input: a step into the complex plane
        _moved = _x.astype(complex)
        _moved[_where] += 1e-30j
        _centred = _moved - _moved.sum(0) / _N
        _out = _gamma * _centred / np.sqrt((_centred**2).sum(0) / _N + _eps)
        _dx[_where] = (_dy * _out).sum().imag / 1e-30
    _result = checks.items(batchnorm_backward(_dy, _x, _gamma, _eps), _names)
    _where = f"dx for N = {_N}, D = {_D}, columns of standard deviation {_std:g}, eps = {_eps:g}"
    checks.array(_result[0], _dx, _where)
for _N, _D in [(5, 3), (2, 3), (3, 6)]:  # the variance from all pairs of rows
    _dy, _x, _gamma = _rng.normal(size=(_N, _D)), _rng.normal(size=(_N, _D)), _rng.uniform(0.5, 2.0, _D)
    _root = np.sqrt(((_x[:, None] - _x[None]) ** 2).sum((0, 1)) / (2 * _N**2) + 0.01)
    _unit = (_x - _x.sum(0) / _N) / _root
    _dx = _gamma * (_dy - (_dy.sum(0) + _unit * np.einsum("ij,ij->j", _dy, _unit)) / _N) / _root
    _result = checks.items(batchnorm_backward(_dy, _x, _gamma, 0.01), ("dx", "dgamma", "dbeta"))
    checks.array(_result[0], _dx, f"dx for N = {_N}, D = {_D}")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_batchnorm_backward_parameters", "points": 1}
# The gradients by gamma and beta.
_names = ("dx", "dgamma", "dbeta")
_dy, _x = np.array([[3.0, 0.0], [0.0, 0.0], [0.0, 6.0]]), np.array([[3.0, 10.0], [3.0, 7.0], [0.0, 1.0]])
_result = checks.items(batchnorm_backward(_dy, _x, np.array([4.0, 8.0]), 2.0), _names)
checks.array(_result[1], [1.5, -7.5], "dgamma")
checks.array(_result[2], [3.0, 6.0], "dbeta")
checks.public_passed("batchnorm_backward: parameters")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(106)
for _N, _D, _std, _eps in [(3, 1, 1.0, 1e-5), (2, 4, 2.0, 0.3), (9, 3, 1e-3, 1e-5), (5, 2, 10.0, 0.01)]:
    _x, _dy = 2 + _std * _rng.normal(size=(_N, _D)), _rng.normal(size=(_N, _D))
    _gamma = _rng.uniform(1.5, 3.0, _D)
    _dgamma, _dbeta = [], []
    for _column, _slopes in zip(_x.T, _dy.T, strict=True):
        _variance = sum((a - b) ** 2 for a in _column for b in _column) / (2 * _N**2)
        # the outputs are linear in gamma and beta: by gamma, the normalised column; by beta, 1
        _by_gamma = (_column - _column.sum() / _N) * float(_variance + _eps) ** -0.5
        _dgamma.append(float(np.dot(_slopes, _by_gamma)))
        _dbeta.append(float(np.dot(_slopes, np.ones(_N))))
    _result = checks.items(batchnorm_backward(_dy, _x, _gamma, _eps), _names)
    checks.array(_result[1], _dgamma, f"dgamma for N = {_N}, D = {_D}")
    checks.array(_result[2], _dbeta, f"dbeta for N = {_N}, D = {_D}")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_batchnorm_backward_algebra", "points": 1}
# What the formula removes: the constant in every column, and all but a trace of the column itself.
_names = ("dx", "dgamma", "dbeta")
_x, _gamma, _s = np.array([[3.0, 10.0], [3.0, 7.0], [0.0, 1.0]]), np.array([4.0, 8.0]), np.array([2.0, 4.0])
_result = checks.items(batchnorm_backward(np.full((3, 2), 5.0), _x, _gamma, 2.0), _names)
checks.array(_result[0], np.zeros((3, 2)), "dx for a dy that is constant")
# along the normalised column, only the share eps / (var + eps) is left
_hat = (_x - np.array([2.0, 6.0])) / _s
_result = checks.items(batchnorm_backward(_hat.copy(), _x, _gamma, 2.0), _names)
checks.array(_result[0], 2.0 * _hat * 2.0 / _s**2, "dx for a dy that is the normalised column")
checks.public_passed("batchnorm_backward: algebra")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(107)
for _N, _D, _eps in [(2, 2, 0.5), (2, 1, 1e-3), (5, 3, 0.1), (12, 2, 1e-5)]:
    _x, _dy = _rng.normal(size=(_N, _D)) + 2, _rng.normal(size=(_N, _D))
    _gamma = _rng.uniform(0.5, 2.0, _D)
    # the Jacobian of one column: gamma / s (1 - 11^T / N - hat hat^T / N)
    _dx = np.zeros((_N, _D))
    for _j in range(_D):
        _root = np.sqrt(np.var(_x[:, _j]) + _eps)
        _unit = (_x[:, _j] - np.mean(_x[:, _j])) / _root
        _jacobian = np.eye(_N) - np.ones((_N, _N)) / _N - np.outer(_unit, _unit) / _N
        _dx[:, _j] = _gamma[_j] / _root * _jacobian @ _dy[:, _j]
    _result = checks.items(batchnorm_backward(_dy.copy(), _x, _gamma, _eps), _names)
    _found = checks.array(_result[0], _dx, f"dx for N = {_N}, D = {_D}, eps = {_eps:g}")
    checks.array(_found.sum(0), np.zeros(_D), "the sum of each column of dx")
    # other units of x: with eps in their square, the outputs stay and the gradients shrink
    _result = checks.items(batchnorm_backward(_dy.copy(), 10 * _x, _gamma, 100 * _eps), _names)
    checks.array(_result[0], _dx / 10, "dx after x was multiplied by 10 and eps by 100")
    # linear in dy
    _other = _rng.normal(size=(_N, _D))
    _sum, _one = (
        checks.finite(checks.items(batchnorm_backward(d, _x, _gamma, _eps), _names)[0], "dx", (_N, _D))
        for d in (_dy + _other, _other.copy())
    )
    checks.array(_sum, _found + _one, "dx for the sum of two dy", 1e-7, 1e-9)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_batchnorm_backward_clean", "points": 1}
# A call leaves its arguments alone and gives the same answer twice: it remembers nothing.
_names, _given = ("dx", "dgamma", "dbeta"), ("dy", "x", "gamma")
_arrays = [
    np.array([[3.0, 0.0], [0.0, 0.0], [0.0, 6.0]]),
    np.array([[3.0, 10.0], [3.0, 7.0], [0.0, 1.0]]),
    np.array([4.0, 8.0]),
]
_kept, _answers = [_x.copy() for _x in _arrays], []
for _ in range(2):
    _result = checks.items(batchnorm_backward(*_arrays, 2.0), _names)
    for _old, _new, _name in zip(_kept, _arrays, _given, strict=True):
        checks.unchanged(_old, _new, _name)
    _answers.append([checks.finite(_x, _name).copy() for _x, _name in zip(_result, _names, strict=True)])
for _first, _second, _name in zip(*_answers, _names, strict=True):
    checks.array(_second, _first, f"in a second call, {_name}")
checks.public_passed("batchnorm_backward: clean calls")
### BEGIN HIDDEN TESTS
_rng, _answers = np.random.default_rng(108), {}
_cases = [
    [*_rng.normal(size=(2, *_s)), _rng.uniform(0.5, 2.0, _s[1])] for _s in [(5, 3), (2, 3), (5, 3), (3, 6)]
]
for _k in (0, 1, 2, 3, 3, 2, 1, 0):  # in any order, and twice
    _arrays = [_x.copy() for _x in _cases[_k]]
    _result = checks.items(batchnorm_backward(*_arrays, 0.01), _names)
    for _old, _new, _name in zip(_cases[_k], _arrays, _given, strict=True):
        checks.unchanged(_old, _new, _name)
    _result = [checks.finite(_x, _name).copy() for _x, _name in zip(_result, _names, strict=True)]
    for _first, _second, _name in zip(_answers.setdefault(_k, _result), _result, _names, strict=True):
        checks.array(_second, _first, f"in a second call, {_name}")
### END HIDDEN TESTS

# %% [markdown] nbgrader={"grade_id": "payoff_sigmoid_text"}
# ## The payoff: your functions at work
#
# **Five layers of sigmoids.** 1,200 handwritten digits, 64 rows per step, 300 steps, five hidden layers of 32 units: all of it in NumPy,
# every gradient by hand, the normalisation by your first two functions. The last line of each run reads 597 digits that were
# not trained on, in evaluation mode, where no row depends on the others. Before you run the cell: at which of the three rates does the
# network without normalisation learn?

# %% tags=["explore"]
import itertools

from trainlab import plots
from trainlab.data import digits

pool = digits()
train, test = slice(0, 1200), slice(1200, None)
pixels = pool.inputs - pool.inputs[train].mean(axis=0)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


class Network:
    """Sigmoid layers with or without batch normalisation, and a softmax on top."""

    def __init__(self, widths, normed, seed=0):
        rng = np.random.default_rng(seed)
        pairs = itertools.pairwise(widths)
        *self.W, self.V = [rng.normal(size=(n, m)) * np.sqrt(2 / (m + n)) for m, n in pairs]
        self.gamma, self.beta, self.mean = np.ones((5, 32)), np.zeros((5, 32)), np.zeros((5, 32))
        self.var, self.c, self.normed = np.ones((5, 32)), np.zeros(10), normed

    def forward(self, h, training):
        self.kept = []
        for k, W in enumerate(self.W):
            z = h @ W.T
            if self.normed:
                state = self.mean[k], self.var[k], 0.1, 1e-5, training
                result = batchnorm_forward(z, self.gamma[k], self.beta[k], *state)
                y, self.mean[k], self.var[k] = map(np.asarray, result)
            else:
                y = z + self.beta[k]
            self.kept.append((h, z, sigmoid(y)))
            h = sigmoid(y)
        return h @ self.V.T + self.c

    def step(self, rows, labels, lr):
        logits = self.forward(rows, training=True)
        p = np.exp(logits - logits.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        loss = -np.log(p[np.arange(len(p)), labels]).mean()
        d = (p - np.eye(10)[labels]) / len(p)
        h = self.kept[-1][2]
        d, self.V, self.c = d @ self.V, self.V - lr * d.T @ h, self.c - lr * d.sum(axis=0)
        for k in reversed(range(5)):
            h, z, a = self.kept[k]
            d = d * a * (1 - a)
            if self.normed:
                d, dgamma, dbeta = map(np.asarray, batchnorm_backward(d, z, self.gamma[k], 1e-5))
                self.gamma[k] -= lr * dgamma
            else:
                dbeta = d.sum(axis=0)
            self.beta[k] -= lr * dbeta
            d, self.W[k] = d @ self.W[k], self.W[k] - lr * d.T @ h
        return loss


curves = []
for k, lr in enumerate((0.1, 1.0, 5.0)):
    for normed in (False, True):
        network, rng, losses = Network((64, 32, 32, 32, 32, 32, 10), normed), np.random.default_rng(1), []
        for _ in range(300):
            rows = rng.choice(1200, 64, replace=False)
            losses.append(network.step(pixels[rows], pool.labels[rows], lr))
        read = network.forward(pixels[test], training=False).argmax(axis=1) == pool.labels[test]
        name = "normalised" if normed else "plain"
        print(f"η = {lr}, {name}: {read.mean():.0%} of the test digits read")
        smooth = np.convolve(losses, np.ones(20) / 20, mode="valid")
        label = f"η = {lr:g}" if normed else "plain, all three" if k == 2 else ""
        curves.append(plots.Curve(np.arange(len(smooth)), smooth, label, colour=k if normed else 3))
plots.show(
    plots.lines(*curves, xlabel="step", ylabel="loss, mean of 20 steps", title="five layers of sigmoids"),
    alt="The losses of the three plain networks stay level at 2.3, the loss of guessing; those of the three normalised "
    "networks fall, to below 0.5 at the smallest rate and to 0.1 at the two others.",
)

# %% [markdown] nbgrader={"grade_id": "payoff_torch_text"}
# **And PyTorch.** Its layer has the same conventions; after 20 batches the outputs and the running statistics must agree:

# %% tags=["explore"]
layer = torch.nn.BatchNorm1d(3, momentum=0.3, dtype=torch.float64)
rng, state, apart = np.random.default_rng(0), (np.zeros(3), np.ones(3)), 0.0
for _ in range(20):
    x = rng.normal(size=(8, 3)) * [1, 10, 100] + [0, 5, -3]
    y, *state = map(np.asarray, batchnorm_forward(x, np.ones(3), np.zeros(3), *state, 0.3, 1e-5, True))
    theirs = layer(torch.tensor(x)).detach().numpy()
    running = layer.running_mean.numpy(), layer.running_var.numpy()
    apart = max(apart, *(np.abs(a - b).max() for a, b in zip((y, *state), (theirs, *running), strict=True)))
print(f"outputs and running statistics agree to 1e-10 after 20 batches: {apart < 1e-10}")

# %% [markdown] nbgrader={"grade_id": "written_normalisation_statement"}
# ## Exercise 3: statistics, modes and scales
#
# written question &nbsp;·&nbsp; 3 points &nbsp;·&nbsp; 15 minutes &nbsp;·&nbsp; difficulty 3 of 5
#
# Answer in one to three sentences each, with a formula or a number where one belongs.
#
# 1. "Batch normalisation whitens the units: afterwards they are independent and normally distributed." Two units of a layer have
#    correlation 0.9, and one of them takes only the values 0 and 1. What is true of them after the normalisation?
# 2. After its first ten steps a network reads 90 % of the digits when it is asked in training mode, in batches of 64, and 30 % in
#    evaluation mode. PyTorch's defaults were used. Why, and what can you do? Name two ways.
# 3. Somebody multiplies the weights of a layer by 10 and leaves η as it is. Normalisation follows the layer; take ε = 0. What
#    happens to the layer's normalised outputs, to the gradient by its weights, and to the change of its *direction* per step?

# %% [markdown] nbgrader={"grade_id": "written_normalisation", "points": 3}
# ### BEGIN SOLUTION
# 1. Each has mean 0 and variance 1 over the batch. Their correlation is still 0.9, since neither a shift nor a positive factor per
#    unit changes it, so they are not independent; and the second still takes two values only, which is not a normal distribution.
# 2. Running statistics start at mean 0 and variance 1 and still contain the share $(1 - m)^{10} = 0.9^{10} = 35\,\%$ of that
#    start (and what they contain of the network is of its older weights); the statistics that evaluation mode uses are not those that
#    the layers were trained with. Ways: train longer; a larger momentum $m$; correct the bias, or let them be the plain average of all
#    batches (`momentum=None`); recompute the statistics with the finished weights over the training rows.
# 3. The outputs stay the same, since mean and root grow by 10 as well. The gradient becomes 10 times smaller, and the weights are 10
#    times longer, so the direction turns by 100 times less per step: as if η had been divided by 100.
#
# **Marking scheme** (3 points)
#
# - 1 point: part 1. Half a point for "correlation unchanged" with a reason, half for "the shape of the distribution unchanged".
# - 1 point: part 2. Half a point for the start that has not faded (the number is not required), half for two ways that work; a
#   quarter for one. "Evaluate in training mode" is not a way: predictions would depend on the other rows.
# - 1 point: part 3. A third each for the outputs, the gradient (1/10) and the direction (1/100).
# - No points for formulas without a sentence that answers the question; no deduction for language.
# ### END SOLUTION
