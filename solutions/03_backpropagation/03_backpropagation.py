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
# # Assignment 3: back-propagation
#
# You write the two passes of back-propagation and the check that shows a mistake in them, compute what a layer does to a
# gradient before you train anything, draw two starts, and give a layer a way to do nothing. At the end your own functions
# train a digit reader, and thirty layers that do not train as PyTorch starts them.
#
# Read the lecture first: [Where do gradients go on their way down?](../../lectures/03_backpropagation.ipynb)
#
# | | exercise | points | minutes | difficulty |
# |---|---|---|---|---|
# | 1 | `numerical_gradient`: the slow way, to check the fast one | 4 | 15 | 2 of 5 |
# | 2 | `mlp_loss_and_grads`: up and down | 7 | 30 | 4 of 5 |
# | 3 | `gradient_attenuation`: the factor per layer | 5 | 20 | 3 of 5 |
# | 4 | `lecun_tanh`: a unit and its slope | 3 | 5 | 1 of 5 |
# | 5 | `init_layer`: a start for the weights | 5 | 15 | 2 of 5 |
# | 6 | `residual_forward_backward`: a layer that may do nothing | 5 | 15 | 2 of 5 |
# | | the payoff: your functions at work | - | 10 | - |
# | 7 | what vanishes, in words | 3 | 10 | 3 of 5 |
# | | **sum** | **32** | **120** | |
#
# Write your code where a cell says so and run the cells below it: the visible checks answer at once, and hidden checks of
# the same aspects follow at grading. NumPy or PyTorch, loops or array expressions: any right way is accepted. All numbers
# are float64. A function must leave its arguments as they are.

# %% nbgrader={"grade_id": "setup"}
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import torch

from trainlab import checks

# %% [markdown] nbgrader={"grade_id": "numerical_gradient_statement"}
# ## Exercise 1: the slow way, to check the fast one
#
# `numerical_gradient` &nbsp;·&nbsp; 4 points &nbsp;·&nbsp; 15 minutes &nbsp;·&nbsp; difficulty 2 of 5
#
# Move one entry of $x$ at a time, up and down by $h$, and look at what $f$ does:
#
# $$\frac{\partial f}{\partial x_i} \approx \frac{f(x + h e_i) - f(x - h e_i)}{2h} ,$$
#
# where $e_i$ is 1 at entry $i$ and 0 elsewhere. This is the *central difference*; return it as it is, without improving on it.
#
# **Shapes.** `x` is an array of any shape with at least one axis, of floats or of integers. `f` takes an array of floats of this shape and returns a
# number; it leaves what it gets alone. The result has the shape of `x` and is float64, also where `x` holds integers.
#
# **Example.** $f(x) = x_1^3 + 2 x_1 x_2 + x_3$ at $x = (2, 1, 5)$ with $h = 0.1$. The first entry is
# $\big((2.1^3 + 4.2 + 5) - (1.9^3 + 3.8 + 5)\big)/0.2 = (18.461 - 15.659)/0.2 = 14.01$, where the derivative is 14. In all: $(14.01,\, 4,\, 1)$.
#
# <details><summary>Hint 1 (values)</summary>Two calls of <code>f</code> for each entry, at two points that differ from <code>x</code> in this entry only. Divide by the distance between them.</details>
# <details><summary>Hint 2 (shapes)</summary><code>np.ndindex(x.shape)</code> walks through all places of an array of any shape. An array of integers cuts off what you add to it: begin with a copy that holds floats.</details>
# <details><summary>Hint 3 (arguments)</summary>What you move, move in a copy, and move it back to the old value, not by adding h again: sums of floats do not come back exactly.</details>


# %% nbgrader={"grade_id": "numerical_gradient"}
def numerical_gradient(f: Callable[[np.ndarray], float], x: np.ndarray, h: float = 1e-5) -> np.ndarray:
    """Central differences (f(x + h e_i) - f(x - h e_i)) / 2h of f at x.

    f: takes an array of floats of the shape of x, returns a number. x: any shape with an axis, floats or
    integers. Returns a float64 array of that shape; x stays as it is.
    """
    ### BEGIN SOLUTION
    grad = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        step = np.zeros(x.shape)
        step[i] = h
        grad[i] = (f(x + step) - f(x - step)) / (2 * h)
    return grad
    ### END SOLUTION


# %% nbgrader={"grade_id": "test_numerical_gradient_values", "points": 2}
# Vectors, with an h so large that the formula shows.
_g = numerical_gradient(lambda x: x[0] ** 3 + 2 * x[0] * x[1] + x[2], np.array([2.0, 1.0, 5.0]), 0.1)
checks.array(_g, [14.01, 4.0, 1.0], "gradient", 1e-6, 1e-7)
checks.public_passed("numerical_gradient: values")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(31)
for _n, _h in [(1, 0.5), (2, 0.1), (5, 0.02), (4, 1.0)]:
    _a, _b, _x = _rng.normal(size=(3, _n))
    # a cubic: its central difference is the derivative and h^2 times the cubic coefficient
    _there = 3 * _a * _x**2 + 2 * _b * _x + _h**2 * _a
    _found = numerical_gradient(lambda x, a=_a, b=_b: float((a * x**3 + b * x * x).sum()), _x, _h)
    checks.array(_found, _there, f"gradient with h = {_h:g}", 1e-6, 1e-7)
_x = np.array([0.3, -1.2, 2.0])
_there = [_x[1] * _x[2], _x[0] * _x[2] + 2 * _x[1], _x[0] * _x[1]]
_found = numerical_gradient(lambda x: float(x[0] * x[1] * x[2] + x[1] ** 2), _x, 0.25)
checks.array(_found, _there, "gradient of a product", 1e-6, 1e-7)
# without h it is 1e-5: a cubic of 1000 x^3 at 0 has the difference 1000 h^2 = 1e-7 and not more
checks.array(
    numerical_gradient(lambda x: 1000 * x[0] ** 3 + x[1], np.array([0.0, 1.0])),
    [1e-7, 1.0],
    "gradient with the default h",
    1e-6,
    9e-8,
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_numerical_gradient_shapes", "points": 1}
# Other shapes, and integers.
_g = numerical_gradient(lambda x: x[0, 0] ** 2 + 3 * x[1, 2], np.array([[2, 0, 1], [0, 5, 1]]), 0.01)
checks.array(_g, [[4.0, 0.0, 0.0], [0.0, 0.0, 3.0]], "gradient at a matrix of integers", 1e-6, 1e-7)
checks.public_passed("numerical_gradient: shapes")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(32)
for _shape in [(3, 2), (1, 4), (4, 1), (2, 3, 2), (1,), (1, 1)]:
    for _whole in (False, True):
        _x = _rng.integers(-3, 4, size=_shape) if _whole else _rng.normal(size=_shape)
        _c = _rng.normal(size=_shape)
        _there = 2 * _c * _x  # a quadratic: the central difference is exact
        _kind = "integers" if _whole else "floats"
        _found = numerical_gradient(lambda x, c=_c: float((c * x * x).sum()), _x, 0.1)
        checks.array(_found, _there, f"gradient at {_kind} of shape {_shape}", 1e-6, 1e-7)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_numerical_gradient_clean", "points": 1}
# A call leaves x alone.
_x = np.array([2.0, 1.0, 5.0])
_kept = _x.copy()
checks.finite(numerical_gradient(lambda x: x[0] * x[1] + x[2] ** 2, _x), "gradient", (3,))
checks.unchanged(_kept, _x, "x")
checks.public_passed("numerical_gradient: arguments")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(33)
for _shape in [(4,), (3, 2), (2, 1, 3)]:
    for _h in (1e-5, 0.3):
        _x = _rng.normal(size=_shape)
        _kept = _x.copy()
        checks.finite(numerical_gradient(lambda x: float((x * x).sum()), _x, _h), "gradient", _shape)
        checks.unchanged(_kept, _x, "x")
_x = np.arange(6).reshape(2, 3)
_kept = _x.copy()
checks.finite(numerical_gradient(lambda x: float((x * x).sum()), _x), "gradient", (2, 3))
checks.unchanged(_kept, _x, "x")
### END HIDDEN TESTS

# %% [markdown] nbgrader={"grade_id": "mlp_loss_and_grads_statement"}
# ## Exercise 2: up and down
#
# `mlp_loss_and_grads` &nbsp;·&nbsp; 7 points &nbsp;·&nbsp; 30 minutes &nbsp;·&nbsp; difficulty 4 of 5
#
# A network of layers $(W_1, b_1), \dots, (W_K, b_K)$ has tanh on its hidden layers and nothing on its output. With $x_1 = X$,
#
# $$z_l = x_l W_l^\top + b_l, \qquad x_{l+1} = \tanh(z_l) \;\; (l < K), \qquad L = \frac{1}{2N} \sum_{n,k} (z_K - T)_{nk}^2 .$$
#
# Return the loss and its gradients by all weights and biases.
#
# **Convention.** The sum of squares, over rows *and* outputs, is divided by $2N$, with $N$ the number of rows. Examples are rows.
#
# **Shapes.** `params` is a list of pairs $(W, b)$ from the bottom up, $W$ (out, in) and $b$ (out,); one pair is the least. `X` is (N, in of the first), `T`
# (N, out of the last). Return `(loss, gradients)`: a number, and a list of pairs $(dW, db)$ in the order of `params`, each with the shape of its parameter.
#
# **Example.** One layer, three rows: $W = (1 \;\; 2)$, $b = (0.5)$,
#
# $$X = \begin{pmatrix} 1 & 0 \\ 0 & 1 \\ 2 & 1 \end{pmatrix}, \quad T = \begin{pmatrix} 1 \\ 2 \\ 4 \end{pmatrix}, \quad z - T = \begin{pmatrix} 0.5 \\ 0.5 \\ 0.5 \end{pmatrix}, \quad
# L = \tfrac{0.75}{6} = 0.125, \quad dW = \big(\tfrac{1.5}{3} \;\; \tfrac{1}{3}\big), \quad db = (0.5) .$$
#
# <details><summary>Hint 1 (loss)</summary>Go up first and keep what every layer got. tanh comes after every layer but the last.</details>
# <details><summary>Hint 2 (weights)</summary>Begin with δ = (z − T)/N at the output. A layer's dW multiplies δ, transposed, by what the layer got.</details>
# <details><summary>Hint 3 (weights, lower layers)</summary>To get one layer down: multiply δ by W, then, entry by entry, by the slope of tanh, which is 1 − tanh². What the upper layer got is that tanh already.</details>
# <details><summary>Hint 4 (biases)</summary>One bias serves all rows. δ contains the 1/N.</details>


# %% nbgrader={"grade_id": "mlp_loss_and_grads"}
def mlp_loss_and_grads(
    params: list[tuple[np.ndarray, np.ndarray]], X: np.ndarray, T: np.ndarray
) -> tuple[float, list[tuple[np.ndarray, np.ndarray]]]:
    """Loss of a tanh network and its gradients, by back-propagation (Rumelhart, Hinton & Williams 1986).

    params: (W (out, in), b (out,)) of every layer from the bottom up; the last has no tanh.
    X: (N, in). T: (N, out). The loss is the sum of squares / (2 N).
    Returns (loss, [(dW, db), ...]) in the order of params; the arguments stay as they are.
    """
    ### BEGIN SOLUTION
    inputs = [X]
    for W, b in params[:-1]:
        inputs.append(np.tanh(inputs[-1] @ W.T + b))
    W, b = params[-1]
    error = inputs[-1] @ W.T + b - T
    loss = (error**2).sum() / (2 * len(X))
    delta, grads = error / len(X), []
    for (W, _), x in zip(params[::-1], inputs[::-1], strict=True):
        grads.append((delta.T @ x, delta.sum(axis=0)))
        delta = (delta @ W) * (1 - x**2)
    return loss, grads[::-1]
    ### END SOLUTION


# %% nbgrader={"grade_id": "test_mlp_loss_and_grads_loss", "points": 1}
# The loss, for one layer and for two.
_X, _T = np.array([[1.0, 0.0], [0.0, 1.0], [2.0, 1.0]]), np.array([[1.0], [2.0], [4.0]])
_result = mlp_loss_and_grads([(np.array([[1.0, 2.0]]), np.array([0.5]))], _X, _T)
checks.number(checks.items(_result, ("loss", "gradients"))[0], 0.125, "loss of the example")
_params = [
    (np.array([[1.0, -1.0], [0.5, 0.0], [0.0, 2.0]]), np.array([0.0, 1.0, -1.0])),
    (np.array([[1.0, 2.0, 3.0]]), np.array([0.1])),
]
_wanted = (
    sum(
        (np.tanh(x[0] - x[1]) + 2 * np.tanh(0.5 * x[0] + 1) + 3 * np.tanh(2 * x[1] - 1) + 0.1 - t[0]) ** 2
        for x, t in zip(_X, _T, strict=True)
    )
    / 6
)
checks.number(
    checks.items(mlp_loss_and_grads(_params, _X, _T), ("loss", "gradients"))[0], _wanted, "loss of two layers"
)
checks.public_passed("mlp_loss_and_grads: loss")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(34)
for _N, _widths in [(1, (3, 2)), (5, (3, 4, 2)), (2, (1, 3, 5, 2, 4)), (7, (4, 1, 3)), (6, (2, 2, 2, 2, 2))]:
    _params = [(_rng.normal(size=(o, i)), _rng.normal(size=o)) for i, o in pairwise(_widths)]
    _X, _T = _rng.normal(size=(_N, _widths[0])), _rng.normal(size=(_N, _widths[-1]))
    _loss = 0.0
    for _x, _t in zip(_X, _T, strict=True):  # one example after the other
        for _k, (_W, _b) in enumerate(_params):
            _x = np.array([np.dot(row, _x) + c for row, c in zip(_W, _b, strict=True)])
            _x = np.tanh(_x) if _k + 1 < len(_params) else _x
        _loss += sum((_x - _t) ** 2) / (2 * _N)
    _result = checks.items(mlp_loss_and_grads(_params, _X, _T), ("loss", "gradients"))
    checks.number(_result[0], _loss, f"loss for widths {_widths}, N = {_N}")
### END HIDDEN TESTS


# %% nbgrader={"grade_id": "test_mlp_loss_and_grads_weights", "points": 3}
# The gradients by the weights, against central differences of the loss written out here.
def _weights(result, count):
    _, grads = checks.items(result, ("loss", "gradients"))
    grads = checks.items(grads, [f"gradients of layer {k + 1}" for k in range(count)])
    return [checks.items(pair, ("dW", "db"))[0] for pair in grads]


_X, _T = np.array([[1.0, 0.0], [0.0, 1.0], [2.0, 1.0]]), np.array([[1.0], [2.0], [4.0]])
[_dW] = _weights(mlp_loss_and_grads([(np.array([[1.0, 2.0]]), np.array([0.5]))], _X, _T), 1)
checks.array(_dW, [[0.5, 1 / 3]], "dW of the example")
_V, _c = np.array([[1.0, -1.0], [0.5, 0.0], [0.0, 2.0]]), np.array([0.0, 1.0, -1.0])
_found = _weights(mlp_loss_and_grads([(_V, _c), (np.array([[1.0, 2.0, 3.0]]), np.array([0.1]))], _X, _T), 2)


def _loss(V, W):
    return float(((np.tanh(_X @ V.T + _c) @ W.T + 0.1 - _T) ** 2).sum() / 6)


_step = 1e-5 * np.eye(3)[:, :1] * np.eye(2)[0]  # moves the first weight of the first unit
_W = np.array([[1.0, 2.0, 3.0]])
_slope = (_loss(_V + _step, _W) - _loss(_V - _step, _W)) / 2e-5
checks.number(
    checks.finite(_found[0], "dW of layer 1", (3, 2))[0, 0], _slope, "dW[0, 0] of layer 1", 1e-6, 1e-8
)
_step = np.array([[0.0, 0.0, 1e-5]])
_slope = (_loss(_V, _W + _step) - _loss(_V, _W - _step)) / 2e-5
checks.number(
    checks.finite(_found[1], "dW of layer 2", (1, 3))[0, 2], _slope, "dW[0, 2] of layer 2", 1e-6, 1e-8
)
checks.public_passed("mlp_loss_and_grads: weights")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(35)
for _N, _widths in [
    (1, (3, 2)),
    (5, (3, 4, 2)),
    (2, (1, 3, 5, 2, 4)),
    (7, (4, 1, 3)),
    (6, (2, 2, 2, 2, 2)),
    (4, (3, 3, 3)),
]:
    _params = [(_rng.normal(size=(o, i)), _rng.normal(size=o)) for i, o in pairwise(_widths)]
    _X, _T = _rng.normal(size=(_N, _widths[0])), _rng.normal(size=(_N, _widths[-1]))
    _Ws = [torch.tensor(_W, requires_grad=True) for _W, _ in _params]
    _z = torch.tensor(_X)
    for _k, (_W, (_, _b)) in enumerate(zip(_Ws, _params, strict=True)):
        _z = (_z if _k == 0 else torch.tanh(_z)) @ _W.T + torch.tensor(_b)
    _there = torch.autograd.grad((_z - torch.tensor(_T)).square().sum() / (2 * _N), _Ws)
    _found = _weights(mlp_loss_and_grads(_params, _X, _T), len(_params))
    for _k, (_dW, _wanted) in enumerate(zip(_found, _there, strict=True), 1):
        checks.array(_dW, _wanted.numpy(), f"dW of layer {_k} of widths {_widths}, N = {_N}")
### END HIDDEN TESTS


# %% nbgrader={"grade_id": "test_mlp_loss_and_grads_biases", "points": 2}
# The gradients by the biases.
def _biases(result, count):
    _, grads = checks.items(result, ("loss", "gradients"))
    grads = checks.items(grads, [f"gradients of layer {k + 1}" for k in range(count)])
    return [checks.items(pair, ("dW", "db"))[1] for pair in grads]


_X, _T = np.array([[1.0, 0.0], [0.0, 1.0], [2.0, 1.0]]), np.array([[1.0], [2.0], [4.0]])
[_db] = _biases(mlp_loss_and_grads([(np.array([[1.0, 2.0]]), np.array([0.5]))], _X, _T), 1)
checks.array(_db, [0.5], "db of the example")
_V, _c, _W = (
    np.array([[1.0, -1.0], [0.5, 0.0], [0.0, 2.0]]),
    np.array([0.0, 1.0, -1.0]),
    np.array([[1.0, 2.0, 3.0]]),
)
_found = _biases(mlp_loss_and_grads([(_V, _c), (_W, np.array([0.1]))], _X, _T), 2)


def _loss(c):
    return float(((np.tanh(_X @ _V.T + c) @ _W.T + 0.1 - _T) ** 2).sum() / 6)


_slopes = [(_loss(_c + _step) - _loss(_c - _step)) / 2e-5 for _step in 1e-5 * np.eye(3)]
checks.array(_found[0], _slopes, "db of layer 1", 1e-6, 1e-8)
checks.public_passed("mlp_loss_and_grads: biases")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(36)
for _N, _widths in [(1, (3, 2)), (5, (3, 4, 2)), (2, (1, 3, 5, 2, 4)), (7, (4, 1, 3)), (6, (2, 2, 2, 2, 2))]:
    _params = [(_rng.normal(size=(o, i)), _rng.normal(size=o)) for i, o in pairwise(_widths)]
    _X, _T = _rng.normal(size=(_N, _widths[0])), _rng.normal(size=(_N, _widths[-1]))
    _bs = [torch.tensor(_b, requires_grad=True) for _, _b in _params]
    _z = torch.tensor(_X)
    for _k, ((_W, _), _b) in enumerate(zip(_params, _bs, strict=True)):
        _z = (_z if _k == 0 else torch.tanh(_z)) @ torch.tensor(_W).T + _b
    _there = torch.autograd.grad((_z - torch.tensor(_T)).square().sum() / (2 * _N), _bs)
    _found = _biases(mlp_loss_and_grads(_params, _X, _T), len(_params))
    for _k, (_db, _wanted) in enumerate(zip(_found, _there, strict=True), 1):
        checks.array(_db, _wanted.numpy(), f"db of layer {_k} of widths {_widths}, N = {_N}")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_mlp_loss_and_grads_clean", "points": 1}
# A call leaves its arguments alone, and the same question has the same answer again.
_X, _T = np.array([[1.0, 0.0], [0.0, 1.0], [2.0, 1.0]]), np.array([[1.0], [2.0], [4.0]])
_params = [
    (np.array([[1.0, -1.0], [0.5, 0.0]]), np.array([0.0, 1.0])),
    (np.array([[1.0, 2.0]]), np.array([0.1])),
]
_kept = [(W.copy(), b.copy()) for W, b in _params], _X.copy(), _T.copy()
_losses = []
for _ in range(2):
    _losses.append(
        checks.finite(checks.items(mlp_loss_and_grads(_params, _X, _T), ("loss", "gradients"))[0], "loss", ())
    )
    for _old, _new, _name in zip(_kept, (_params, _X, _T), ("params", "X", "T"), strict=True):
        checks.unchanged(_old, _new, _name)
checks.number(_losses[1], float(_losses[0]), "the loss of a second call")
checks.public_passed("mlp_loss_and_grads: arguments")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(37)
for _N, _widths in [(4, (3, 2)), (5, (2, 4, 3)), (3, (2, 3, 1, 3, 2))]:
    _params = [(_rng.normal(size=(o, i)), _rng.normal(size=o)) for i, o in pairwise(_widths)]
    _X, _T = _rng.normal(size=(_N, _widths[0])), _rng.normal(size=(_N, _widths[-1]))
    _kept = [(W.copy(), b.copy()) for W, b in _params], _X.copy(), _T.copy()
    _first, _second = (
        checks.items(mlp_loss_and_grads(_params, _X, _T), ("loss", "gradients")) for _ in range(2)
    )
    for _old, _new, _name in zip(_kept, (_params, _X, _T), ("params", "X", "T"), strict=True):
        checks.unchanged(_old, _new, _name)
    for _one, _other in zip(_first[1], _second[1], strict=True):
        for _a, _b in zip(_one, _other, strict=True):
            checks.array(_b, checks.finite(_a, "a gradient"), "a gradient of a second call")
### END HIDDEN TESTS

# %% [markdown] nbgrader={"grade_id": "gradient_attenuation_statement"}
# ## Exercise 3: the factor per layer
#
# `gradient_attenuation` &nbsp;·&nbsp; 5 points &nbsp;·&nbsp; 20 minutes &nbsp;·&nbsp; difficulty 3 of 5
#
# Wide layers, weights of variance $\sigma_w^2/\text{fan-in}$, no biases. The sums $z$ of a layer are normal with a variance $q$ that changes from layer to layer:
#
# $$q \leftarrow \sigma_w^2\; \mathrm E\big[\varphi(\sqrt q\, \epsilon)^2\big], \qquad \epsilon \sim \mathcal N(0, 1) .$$
#
# Start at `q0` and make `n_iter` of these steps; the last value is $q^*$. A gradient that passes a layer there is multiplied by
#
# $$\text{factor} = \sigma_w \sqrt{\mathrm E\big[\varphi'(\sqrt{q^*}\, \epsilon)^2\big]} .$$
#
# **Convention.** Return `(factor, q*)`, two numbers, accurate to a ten-thousandth of their size: random samples are not good enough, a sum over a fine grid of ε is, and so is a quadrature with a hundred nodes.
#
# **Shapes.** `phi` and `dphi` are an activation and its slope. Both are smooth, and take an array or a tensor of any shape and work entry by entry. Call them with whole arrays: a call for every number is slow.
#
# **Example.** $\varphi(z) = z$ with slope 1: $q$ is multiplied by $\sigma_w^2$ in every step. `gradient_attenuation(phi, dphi, 0.5, q0=3.0, n_iter=2)` gives $(0.5,\; 3 \cdot 0.25 \cdot 0.25 = 0.1875)$.
# For $\varphi(z) = z^2$, slope $2z$, $\sigma_w = 0.5$, $q_0 = 2$, one step: $\mathrm E[(q\epsilon^2)^2] = 3q^2 = 12$, so $q^* = 3$, and the factor is $0.5\sqrt{4 \cdot 3} = 1.7321$.
#
# <details><summary>Hint 1 (an expectation)</summary>E g(ε) is the integral of g times the normal density: sum g times the density over a grid from −8 to 8, and divide by the sum of the density.</details>
# <details><summary>Hint 2 (q)</summary>The weights' size enters squared, the activation's output squared, and ε is scaled by the root of q, since q is a variance.</details>
# <details><summary>Hint 3 (the factor)</summary>First square the slope, then take the mean, then the root. It belongs to the last q.</details>


# %% nbgrader={"grade_id": "gradient_attenuation"}
def gradient_attenuation(
    phi: Callable[[np.ndarray], np.ndarray],
    dphi: Callable[[np.ndarray], np.ndarray],
    sigma_w: float,
    q0: float = 1.0,
    n_iter: int = 100,
) -> tuple[float, float]:
    """The factor by which a wide layer multiplies a gradient, by mean field (Schoenholz et al. 2017).

    phi, dphi: the activation and its slope, entry by entry. sigma_w: the weights have variance
    sigma_w^2 / fan-in. q0: the variance of the first sums; n_iter: how many layers it is followed.
    Returns (factor per layer, q*), accurate to 1e-4 of their size.
    """
    ### BEGIN SOLUTION
    z = np.linspace(-8, 8, 2001)
    density = np.exp(-(z**2) / 2)
    density /= density.sum()
    q = q0
    for _ in range(n_iter):
        q = sigma_w**2 * (density * phi(np.sqrt(q) * z) ** 2).sum()
    factor = sigma_w * np.sqrt((density * dphi(np.sqrt(q) * z) ** 2).sum())
    return factor, q
    ### END SOLUTION


# %% nbgrader={"grade_id": "test_gradient_attenuation_q", "points": 2}
# The variance of the sums.
_linear = lambda z: 1.0 * z, lambda z: 0.0 * z + 1.0
_square = lambda z: z * z, lambda z: 2.0 * z
_q = checks.items(gradient_attenuation(*_linear, 0.5, q0=3.0, n_iter=2), ("factor", "q*"))[1]
checks.number(_q, 0.1875, "q* of a linear unit", 1e-4, 1e-6)
_q = checks.items(gradient_attenuation(*_square, 0.5, q0=2.0, n_iter=1), ("factor", "q*"))[1]
checks.number(_q, 3.0, "q* of z^2", 1e-4, 1e-6)
checks.public_passed("gradient_attenuation: q*")
### BEGIN HIDDEN TESTS
from scipy.integrate import quad


def _mean(g, q):
    return quad(lambda e: g(np.sqrt(q) * e) ** 2 * np.exp(-e * e / 2), -12, 12, limit=200)[0] / np.sqrt(
        2 * np.pi
    )


_tanh = (
    lambda z: torch.tanh(z) if isinstance(z, torch.Tensor) else np.tanh(z),
    lambda z: 1 - (torch.tanh(z) if isinstance(z, torch.Tensor) else np.tanh(z)) ** 2,
)
_half = lambda z: 0.5 + 0.5 * _tanh[0](0.5 * z), lambda z: 0.25 * _tanh[1](0.5 * z)  # the logistic function
_bent = (
    lambda z: z + 0.3 * z * z * (1 - 0.5 * _tanh[0](z)),
    lambda z: 1 + 0.6 * z * (1 - 0.5 * _tanh[0](z)) - 0.15 * z * z * _tanh[1](z),
)
_cases = [
    (_half, 1.0, 1.0, 1),
    (_half, 4.0, 1.0, 8),
    (_half, 0.577, 5.0, 2),
    (_tanh, 1.5, 0.3, 3),
    (_tanh, 1.7, 1.0, 6),
    (_tanh, 1.0, 2.0, 4),
    (_bent, 0.7, 0.8, 1),
    (_bent, 0.6, 1.3, 3),
]
for _k, ((_phi, _dphi), _sigma, _q0, _n) in enumerate(_cases):
    _there = _q0
    for _ in range(_n):
        _there = _sigma**2 * _mean(_phi, _there)
    _found = gradient_attenuation(_phi, _dphi, _sigma, _q0, _n)
    checks.number(
        checks.items(_found, ("factor", "q*"))[1],
        _there,
        f"q* of activation {_k}, sigma_w = {_sigma:g}, after {_n} steps",
        1e-4,
        1e-6,
    )
_found = gradient_attenuation(*_half, 2.0)  # q0 = 1 and 100 steps
_there = 1.0
for _ in range(60):
    _there = 4 * _mean(_half[0], _there)
checks.number(checks.items(_found, ("factor", "q*"))[1], _there, "q* with the defaults", 1e-4, 1e-6)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_gradient_attenuation_factor", "points": 3}
# The factor.
_linear = lambda z: 1.0 * z, lambda z: 0.0 * z + 1.0
_square = lambda z: z * z, lambda z: 2.0 * z
_factor = checks.items(gradient_attenuation(*_linear, 0.5, q0=3.0, n_iter=2), ("factor", "q*"))[0]
checks.number(_factor, 0.5, "factor of a linear unit", 1e-4, 1e-6)
_factor = checks.items(gradient_attenuation(*_square, 0.5, q0=2.0, n_iter=1), ("factor", "q*"))[0]
checks.number(_factor, 3**0.5, "factor of z^2", 1e-4, 1e-6)
checks.public_passed("gradient_attenuation: factor")
### BEGIN HIDDEN TESTS
_e, _weights = np.polynomial.hermite_e.hermegauss(200)


def _mean(g, q):
    return (_weights * g(np.sqrt(q) * _e) ** 2).sum() / _weights.sum()


_tanh = (
    lambda z: torch.tanh(z) if isinstance(z, torch.Tensor) else np.tanh(z),
    lambda z: 1 - (torch.tanh(z) if isinstance(z, torch.Tensor) else np.tanh(z)) ** 2,
)
_half = lambda z: 0.5 + 0.5 * _tanh[0](0.5 * z), lambda z: 0.25 * _tanh[1](0.5 * z)  # the logistic function
_bent = (
    lambda z: z + 0.3 * z * z * (1 - 0.5 * _tanh[0](z)),
    lambda z: 1 + 0.6 * z * (1 - 0.5 * _tanh[0](z)) - 0.15 * z * z * _tanh[1](z),
)
_cases = [
    (_half, 1.0, 1.0, 1),
    (_half, 4.0, 1.0, 8),
    (_half, 0.577, 5.0, 2),
    (_tanh, 1.5, 0.3, 3),
    (_tanh, 1.7, 1.0, 6),
    (_tanh, 1.0, 2.0, 4),
    (_bent, 0.7, 0.8, 1),
    (_bent, 0.6, 1.3, 3),
]
for _k, ((_phi, _dphi), _sigma, _q0, _n) in enumerate(_cases):
    _q = _q0
    for _ in range(_n):
        _q = _sigma**2 * _mean(_phi, _q)
    _there = _sigma * _mean(_dphi, _q) ** 0.5
    _found = gradient_attenuation(_phi, _dphi, _sigma, _q0, _n)
    checks.number(
        checks.items(_found, ("factor", "q*"))[0],
        _there,
        f"factor of activation {_k}, sigma_w = {_sigma:g}, after {_n} steps",
        1e-4,
        1e-6,
    )
### END HIDDEN TESTS

# %% [markdown] nbgrader={"grade_id": "lecun_tanh_statement"}
# ## Exercise 4: a unit and its slope
#
# `lecun_tanh` &nbsp;·&nbsp; 3 points &nbsp;·&nbsp; 5 minutes &nbsp;·&nbsp; difficulty 1 of 5
#
# LeCun's activation, with the constants as LeCun et al. (1998) print them:
#
# $$f(x) = 1.7159\, \tanh\!\big(\tfrac23 x\big) .$$
#
# Return $f(x)$ and its slope $f'(x)$, entry by entry, for `x` of any shape. Far out, up to $x = \pm 50$, the slope is 0 to ten digits, and no number is NaN.
#
# **Example.** At $x = (0, 1.5, -3)$, with $\tanh 1 = 0.7615942$ and $\tanh 2 = 0.9640276$: $f = (0,\, 1.3068194,\, -1.6541749)$. The slope at 0 is the product of the two constants, $1.1439333$; that at 1.5 is $0.4804226$.
#
# <details><summary>Hint 1 (slope)</summary>The slope of tanh is 1 − tanh². The chain rule adds one more factor.</details>
# <details><summary>Hint 2</summary>Compute <code>t</code>, the tanh of two thirds of x, once. Both results are short expressions in <code>t</code>.</details>


# %% nbgrader={"grade_id": "lecun_tanh"}
def lecun_tanh(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """LeCun's activation 1.7159 tanh(2x/3) and its slope, entry by entry (LeCun et al. 1998).

    x: any shape. Returns (f(x), f'(x)), both of that shape; x stays as it is.
    """
    ### BEGIN SOLUTION
    t = np.tanh(2 * x / 3)
    return 1.7159 * t, 1.7159 * (2 / 3) * (1 - t**2)
    ### END SOLUTION


# %% nbgrader={"grade_id": "test_lecun_tanh_value", "points": 1}
# The function.
_names, _x = ("f", "slope"), np.array([0.0, 1.5, -3.0])
checks.array(checks.items(lecun_tanh(_x), _names)[0], 1.7159 * np.tanh([0.0, 1.0, -2.0]), "f")
checks.public_passed("lecun_tanh: value")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(38)
for _shape in [(1,), (9,), (2, 3), (3, 1, 2)]:
    _x = 2 * _rng.normal(size=_shape)
    _there = 1.7159 * (1 - 2 / (1 + np.exp(4 * _x / 3)))
    checks.array(checks.items(lecun_tanh(_x), _names)[0], _there, f"f for shape {_shape}")
checks.array(
    checks.items(lecun_tanh(np.array([[-50.0, 50.0, 20.0]])), _names)[0],
    [[-1.7159, 1.7159, 1.7159]],
    "f far out",
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_lecun_tanh_slope", "points": 1}
# The slope: at 0, and as a central difference.
_names, _x = ("f", "slope"), np.array([0.0, 1.5, -3.0])
_slope = (np.tanh((_x + 1e-5) * 2 / 3) - np.tanh((_x - 1e-5) * 2 / 3)) * 1.7159 / 2e-5
checks.array(checks.items(lecun_tanh(_x), _names)[1], _slope, "slope", 1e-7, 1e-9)
checks.public_passed("lecun_tanh: slope")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(39)
for _shape in [(1,), (9,), (2, 3), (3, 1, 2)]:
    _x = 2 * _rng.normal(size=_shape)
    _there = 4 * 1.7159 * 2 / 3 / (np.exp(2 * _x / 3) + np.exp(-2 * _x / 3)) ** 2  # 1/cosh^2
    checks.array(checks.items(lecun_tanh(_x), _names)[1], _there, f"slope for shape {_shape}")
checks.array(
    checks.items(lecun_tanh(np.array([[-50.0, 50.0, 40.0]])), _names)[1], [[0.0, 0.0, 0.0]], "slope far out"
)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_lecun_tanh_clean", "points": 1}
# A call leaves x alone.
_x = np.array([[0.0, 1.5, -3.0], [1.0, 2.0, 0.5]])
_kept = _x.copy()
for _part, _name in zip(checks.items(lecun_tanh(_x), ("f", "slope")), ("f", "slope"), strict=True):
    checks.finite(_part, _name, (2, 3))
checks.unchanged(_kept, _x, "x")
checks.public_passed("lecun_tanh: arguments")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(40)
for _shape in [(5,), (4, 2), (2, 1, 2)]:
    _x = _rng.normal(size=_shape)
    _kept = _x.copy()
    for _part, _name in zip(checks.items(lecun_tanh(_x), ("f", "slope")), ("f", "slope"), strict=True):
        checks.finite(_part, _name, _shape)
    checks.unchanged(_kept, _x, "x")
### END HIDDEN TESTS

# %% [markdown] nbgrader={"grade_id": "init_layer_statement"}
# ## Exercise 5: a start for the weights
#
# `init_layer` &nbsp;·&nbsp; 5 points &nbsp;·&nbsp; 15 minutes &nbsp;·&nbsp; difficulty 2 of 5
#
# Draw the weights of a layer that keeps a gradient's length. `mode` says which *variance* a weight has:
#
# | `mode` | variance | source |
# |---|---|---|
# | `"lecun"` | 1 / fan_in | LeCun et al. 1998 |
# | `"xavier"` | 2 / (fan_in + fan_out) | Glorot and Bengio 2010 |
# | `"he"` | 2 / fan_in | He et al. 2015 |
#
# Any law of mean zero will do, normal, uniform or another whose tails are no longer than the normal one's, if its variance is this. The biases are zero.
#
# **Shapes.** Return $(W, b)$, $W$ (fan_out, fan_in) and $b$ (fan_out,).
#
# **Randomness.** All of it comes from `rng`, a NumPy generator: two generators in the same state give the same layer, and two calls with one generator give two different layers.
#
# **Example.** fan_in = 50, fan_out = 200: a normal law has the standard deviation $\sqrt{1/50} = 0.1414$ for `"lecun"`, $\sqrt{2/250} = 0.0894$ for `"xavier"` and $0.2$ for `"he"`. A uniform law from $-a$ to $a$ has the
# variance $a^2/3$, so $a = 0.2449$ for `"lecun"`.
#
# <details><summary>Hint 1 (variance)</summary><code>rng.normal</code> wants a standard deviation, the root of the variance.</details>
# <details><summary>Hint 2 (shapes)</summary>The convention is z = x Wᵀ + b: one row of W for every unit of the layer.</details>
# <details><summary>Hint 3 (rng)</summary>Draw from the <code>rng</code> you are given, once. A generator made inside the function, or NumPy's or PyTorch's global one, is another.</details>


# %% nbgrader={"grade_id": "init_layer"}
def init_layer(
    rng: np.random.Generator, fan_in: int, fan_out: int, mode: str
) -> tuple[np.ndarray, np.ndarray]:
    """Weights of mean 0 and variance 1/fan_in, 2/(fan_in + fan_out) or 2/fan_in, and zero biases.

    mode: "lecun" (LeCun et al. 1998), "xavier" (Glorot & Bengio 2010) or "he" (He et al. 2015).
    Returns (W (fan_out, fan_in), b (fan_out,)); all randomness comes from rng.
    """
    ### BEGIN SOLUTION
    variance = {"lecun": 1 / fan_in, "xavier": 2 / (fan_in + fan_out), "he": 2 / fan_in}[mode]
    W = rng.normal(0.0, np.sqrt(variance), size=(fan_out, fan_in))
    return W, np.zeros(fan_out)
    ### END SOLUTION


# %% nbgrader={"grade_id": "test_init_layer_variance", "points": 2}
# Mean and variance of 40,000 weights. (A right answer fails about once in 3,000 gradings.)
_variances = {"lecun": 1 / 50, "xavier": 2 / 850, "he": 2 / 50}
for _mode, _variance in _variances.items():
    _W = checks.finite(
        checks.items(init_layer(np.random.default_rng(41), 50, 800, _mode), ("W", "b"))[0], "W"
    )
    checks.between(_W.size, 40_000, 40_000, "the number of weights")
    checks.between(_W.mean() / _variance**0.5, -0.025, 0.025, f"{_mode}: mean over standard deviation")
    checks.between(
        np.square(_W).mean() / _variance, 0.97, 1.03, f"{_mode}: variance of a weight over {_variance:g}"
    )
checks.public_passed("init_layer: variance")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(42)
for _in, _out in [(400, 100), (100, 400), (1000, 40), (200, 200)]:
    for _mode, _variance in {"lecun": 1 / _in, "xavier": 2 / (_in + _out), "he": 2 / _in}.items():
        _W = checks.finite(checks.items(init_layer(_rng, _in, _out, _mode), ("W", "b"))[0], "W")
        _where = f"{_mode}, fan_in = {_in}, fan_out = {_out}: "
        checks.between(_W.mean() / _variance**0.5, -0.025, 0.025, _where + "mean over standard deviation")
        checks.between(
            np.square(_W).mean() / _variance, 0.97, 1.03, _where + "variance over the one asked for"
        )
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_init_layer_shapes", "points": 1}
# Shapes, and biases of zero.
_W, _b = checks.items(init_layer(np.random.default_rng(43), 5, 3, "he"), ("W", "b"))
checks.finite(_W, "W", (3, 5))
checks.array(_b, np.zeros(3), "b")
checks.public_passed("init_layer: shapes")
### BEGIN HIDDEN TESTS
for _in, _out in [(1, 4), (4, 1), (7, 2), (3, 3)]:
    for _mode in ("lecun", "xavier", "he"):
        _W, _b = checks.items(init_layer(np.random.default_rng(44), _in, _out, _mode), ("W", "b"))
        checks.finite(_W, f"W for fan_in = {_in}, fan_out = {_out}", (_out, _in))
        checks.array(_b, np.zeros(_out), f"b for fan_in = {_in}, fan_out = {_out}")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_init_layer_rng", "points": 2}
# All randomness comes from rng: the same state gives the same weights, and the state moves on.
_W = [
    checks.finite(checks.items(init_layer(np.random.default_rng(_s), 6, 4, "lecun"), ("W", "b"))[0], "W")
    for _s in (45, 45, 46)
]
checks.array(_W[1], _W[0], "W of a generator in the same state")
checks.between((_W[2] != _W[0]).sum(), 1, 24, "weights that differ, with two generators,")
checks.public_passed("init_layer: rng")
### BEGIN HIDDEN TESTS
for _mode in ("lecun", "xavier", "he"):
    _rng = np.random.default_rng(47)
    _first = [
        checks.finite(checks.items(init_layer(_rng, 8, 5, _mode), ("W", "b"))[0], "W") for _ in range(3)
    ]
    checks.between(
        (_first[0] != _first[1]).sum(), 1, 40, "weights that differ between two calls with one generator"
    )
    checks.between(
        (_first[1] != _first[2]).sum(), 1, 40, "weights that differ between two calls with one generator"
    )
    _rng = np.random.default_rng(47)
    for _k, _W in enumerate(_first):
        checks.array(
            checks.items(init_layer(_rng, 8, 5, _mode), ("W", "b"))[0],
            _W,
            f"W of call {_k + 1} of a generator started again",
        )
# every weight is drawn for itself: no unit is a copy of another, and no column of another
_W = checks.finite(checks.items(init_layer(np.random.default_rng(48), 60, 50, "he"), ("W", "b"))[0], "W")
_scatter = np.square(_W.mean(axis=1)).mean() * 60 * 30, np.square(_W.mean(axis=0)).mean() * 50 * 30
for _value, _which in zip(_scatter, ("rows", "columns"), strict=True):
    checks.between(_value, 0.0, 3.0, f"scatter of the means of W's {_which} over that of independent weights")
_centred = _W - _W.mean()
for _M, _which in ((_centred, "rows"), (_centred.T, "columns")):
    _like = np.abs(np.corrcoef(_M) - np.eye(len(_M))).max()
    checks.between(_like, 0.0, 0.9, f"the largest correlation of two {_which} of W")
### END HIDDEN TESTS

# %% [markdown] nbgrader={"grade_id": "residual_forward_backward_statement"}
# ## Exercise 6: a layer that may do nothing
#
# `residual_forward_backward` &nbsp;·&nbsp; 5 points &nbsp;·&nbsp; 15 minutes &nbsp;·&nbsp; difficulty 2 of 5
#
# A residual block adds what its layer computes to what the layer was given. For one example, a column $x$:
#
# $$y = x + \mathrm{relu}(W x), \qquad \mathrm{relu}(z) = \max(z, 0) .$$
#
# Compute the block's output for a batch, and, for the gradient $dy$ of the loss by the outputs, the gradients by the inputs and by the weights.
#
# **Convention.** Examples are the *rows* of `x`, so the batch is $y = x + \mathrm{relu}(x W^\top)$. The slope of relu is 1 where its input is positive and 0 where it is negative (no test has an input of exactly 0). $dW$ is a sum over the
# examples, not a mean.
#
# **Shapes.** `x` and `dy` are $(N, d)$, `W` is $(d, d)$. Return $(y, dx, dW)$ with the shapes $(N, d)$, $(N, d)$ and $(d, d)$.
#
# **Example.** Three examples, $d = 2$:
#
# $$x = \begin{pmatrix} 1 & -2 \\ -1 & 2 \\ 3 & 1 \end{pmatrix}, \quad W = \begin{pmatrix} 1 & 1 \\ 2 & -1 \end{pmatrix}, \quad xW^\top = \begin{pmatrix} -1 & 4 \\ 1 & -4 \\ 4 & 5 \end{pmatrix}, \quad
# y = \begin{pmatrix} 1 & 2 \\ 0 & 2 \\ 7 & 6 \end{pmatrix} .$$
#
# For $dy = \begin{pmatrix} 1 & 2 \\ 3 & 1 \\ 1 & -1 \end{pmatrix}$ the layer gets 2 at its second unit from the first example, 3 at its first unit from the second, and $(1, -1)$ from the third:
#
# $$dx = \begin{pmatrix} 1 + 4 & 2 - 2 \\ 3 + 3 & 1 + 3 \\ 1 - 1 & -1 + 2 \end{pmatrix} = \begin{pmatrix} 5 & 0 \\ 6 & 4 \\ 0 & 1 \end{pmatrix}, \qquad dW = \begin{pmatrix} -3 + 3 & 6 + 1 \\ 2 - 3 & -4 - 1 \end{pmatrix} = \begin{pmatrix} 0 & 7 \\ -1 & -5 \end{pmatrix} .$$
#
# <details><summary>Hint 1 (dx)</summary>The gradient goes back on two ways: straight along the skip, unchanged, and through the layer. What arrives at x is their sum.</details>
# <details><summary>Hint 2 (dx and dW)</summary>Whether a unit is active is decided by its own input z = x Wᵀ, before the skip is added: y may be positive where z is negative.</details>
# <details><summary>Hint 3 (dW)</summary>With dz = dy where z is positive and 0 elsewhere, the layer is a layer of exercise 2.</details>


# %% nbgrader={"grade_id": "residual_forward_backward"}
def residual_forward_backward(
    x: np.ndarray, W: np.ndarray, dy: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A residual block y = x + relu(W x) (after He et al. 2016) and its gradients.

    x, dy: (N, d), one example per row; dy is the gradient of the loss by y. W: (d, d).
    Returns (y (N, d), dx (N, d), dW (d, d)); the arguments stay as they are.
    """
    ### BEGIN SOLUTION
    z = x @ W.T
    dz = dy * (z > 0)
    return x + np.maximum(z, 0), dy + dz @ W, dz.T @ x
    ### END SOLUTION


# %% nbgrader={"grade_id": "test_residual_forward_backward_y", "points": 1}
# Forwards.
_names, _W = ("y", "dx", "dW"), np.array([[1.0, 1.0], [2.0, -1.0]])
_x, _dy = np.array([[1.0, -2.0], [-1.0, 2.0], [3.0, 1.0]]), np.array([[1.0, 2.0], [3.0, 1.0], [1.0, -1.0]])
checks.array(
    checks.items(residual_forward_backward(_x, _W, _dy), _names)[0], [[1.0, 2.0], [0.0, 2.0], [7.0, 6.0]], "y"
)
checks.public_passed("residual_forward_backward: y")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(109)
for _N, _d in [(1, 1), (1, 4), (3, 3), (7, 2), (2, 6), (20, 5)]:
    _x, _W, _dy = _rng.normal(size=(_N, _d)), _rng.normal(size=(_d, _d)), _rng.normal(size=(_N, _d))
    _z = np.array([[sum(_W[k, j] * row[j] for j in range(_d)) for k in range(_d)] for row in _x])
    _y = np.where(_z > 0, _x + _z, _x)
    checks.array(
        checks.items(residual_forward_backward(_x, _W, _dy), _names)[0], _y, f"y for N = {_N}, d = {_d}"
    )
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_residual_forward_backward_dx", "points": 2}
# Backwards, to the inputs: along the skip and through the layer.
_names, _W = ("y", "dx", "dW"), np.array([[1.0, 1.0], [2.0, -1.0]])
_x, _dy = np.array([[1.0, -2.0], [-1.0, 2.0], [3.0, 1.0]]), np.array([[1.0, 2.0], [3.0, 1.0], [1.0, -1.0]])
checks.array(
    checks.items(residual_forward_backward(_x, _W, _dy), _names)[1],
    [[5.0, 0.0], [6.0, 4.0], [0.0, 1.0]],
    "dx",
)
checks.public_passed("residual_forward_backward: dx")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(110)
for _N, _d, _scale in [(1, 1, 1.0), (1, 4, 1.0), (3, 3, 0.5), (7, 2, 2.0), (2, 6, 1.0), (20, 5, 0.1)]:
    _x, _W, _dy = _rng.normal(size=(_N, _d)), _scale * _rng.normal(size=(_d, _d)), _rng.normal(size=(_N, _d))
    _dx = _dy.copy()  # along the skip; through the layer, one example and one active unit after the other
    for _row, _slopes, _back in zip(_x, _dy, _dx, strict=True):
        for _k in range(_d):
            if np.dot(_W[_k], _row) > 0:
                _back += _slopes[_k] * _W[_k]
    checks.array(
        checks.items(residual_forward_backward(_x, _W, _dy), _names)[1], _dx, f"dx for N = {_N}, d = {_d}"
    )
# a block whose units are all off does nothing; one whose units are all on adds W
_x, _dy = np.array([[1.0, 2.0, 3.0], [0.5, 0.1, 4.0]]), np.array([[1.0, -2.0, 3.0], [2.0, 0.5, -1.0]])
_W = np.array([[1.0, 2.0, 0.5], [0.3, 1.0, 3.0], [2.0, 0.25, 1.0]])
for _sign, _dx in [(-1.0, _dy.copy()), (1.0, np.einsum("nk,kj->nj", _dy, _W + np.eye(3)))]:
    _result = checks.items(residual_forward_backward(_x, _sign * _W, _dy), _names)
    checks.array(_result[1], _dx, "dx with all units " + ("on" if _sign > 0 else "off"))
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_residual_forward_backward_dW", "points": 1}
# Backwards, to the weights.
_names, _W = ("y", "dx", "dW"), np.array([[1.0, 1.0], [2.0, -1.0]])
_x, _dy = np.array([[1.0, -2.0], [-1.0, 2.0], [3.0, 1.0]]), np.array([[1.0, 2.0], [3.0, 1.0], [1.0, -1.0]])
checks.array(
    checks.items(residual_forward_backward(_x, _W, _dy), _names)[2], [[0.0, 7.0], [-1.0, -5.0]], "dW"
)
checks.public_passed("residual_forward_backward: dW")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(111)
for _N, _d, _scale in [(1, 1, 1.0), (1, 4, 1.0), (3, 3, 0.5), (7, 2, 2.0), (2, 6, 1.0), (20, 5, 0.1)]:
    _x, _W, _dy = _rng.normal(size=(_N, _d)), _scale * _rng.normal(size=(_d, _d)), _rng.normal(size=(_N, _d))
    _dW = np.zeros((_d, _d))  # one example and one active unit after the other
    for _row, _slopes in zip(_x, _dy, strict=True):
        for _k in range(_d):
            if np.dot(_W[_k], _row) > 0:
                _dW[_k] += _slopes[_k] * _row
    checks.array(
        checks.items(residual_forward_backward(_x, _W, _dy), _names)[2], _dW, f"dW for N = {_N}, d = {_d}"
    )
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_residual_forward_backward_clean", "points": 1}
# A call leaves its arguments alone, and the same question has the same answer again.
_names, _W = ("y", "dx", "dW"), np.array([[1.0, 1.0], [2.0, -1.0]])
_x, _dy = np.array([[1.0, -2.0], [-1.0, 2.0], [3.0, 1.0]]), np.array([[1.0, 2.0], [3.0, 1.0], [1.0, -1.0]])
_kept = _x.copy(), _W.copy(), _dy.copy()
checks.items(residual_forward_backward(_x, _W, _dy), _names)
for _old, _new, _name in zip(_kept, (_x, _W, _dy), ("x", "W", "dy"), strict=True):
    checks.unchanged(_old, _new, _name)
checks.public_passed("residual_forward_backward: arguments")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(112)
for _N, _d in [(4, 3), (1, 3), (4, 3), (5, 2)]:
    _x, _W, _dy = _rng.normal(size=(_N, _d)), _rng.normal(size=(_d, _d)), _rng.normal(size=(_N, _d))
    _kept = _x.copy(), _W.copy(), _dy.copy()
    _first, _second = (checks.items(residual_forward_backward(_x, _W, _dy), _names) for _ in range(2))
    for _old, _new, _name in zip(_kept, (_x, _W, _dy), ("x", "W", "dy"), strict=True):
        checks.unchanged(_old, _new, _name)
    for _a, _b, _name in zip(_first, _second, _names, strict=True):
        checks.array(_b, checks.finite(_a, _name), f"{_name} of a second call")
### END HIDDEN TESTS

# %% [markdown] nbgrader={"grade_id": "payoff_reader_text"}
# ## The payoff: your functions at work
#
# **A digit reader.** First the check: your two gradients of one small network, against each other. Then 300 steps of gradient descent with your back-propagation and nothing else, on 200 digits. The
# targets are 1 at the digit and 0 elsewhere, so that half the squared distance of guessing the mean is 0.45.

# %% tags=["explore"]
from trainlab import plots
from trainlab.data import digits

pool = digits(count=1200)
pixels = 2 * (pool.inputs - pool.inputs.mean(axis=0))
X, T, rest = pixels[:200], pool.one_hot[:200], pixels[600:]


def network(widths, seed=0, mode="lecun"):
    rng = np.random.default_rng(seed)
    return [tuple(map(np.asarray, init_layer(rng, i, o, mode))) for i, o in pairwise(widths)]


def descend(params, steps, lr):
    losses = []
    for _ in range(steps):
        loss, grads = mlp_loss_and_grads(params, X, T)
        losses.append(float(loss))
        params = [
            (W - lr * np.asarray(dW), b - lr * np.asarray(db))
            for (W, b), (dW, db) in zip(params, grads, strict=True)
        ]
    return params, np.array(losses)


def read(params, x):
    for k, (W, b) in enumerate(params):
        x = (np.tanh(x) if k else x) @ W.T + b
    return x.argmax(axis=1)


small = network((64, 5, 10))
fast = np.asarray(mlp_loss_and_grads(small, X[:20], T[:20])[1][0][0])
slow = np.asarray(
    numerical_gradient(
        lambda W: mlp_loss_and_grads([(W, small[0][1]), small[1]], X[:20], T[:20])[0], small[0][0]
    )
)
print(
    f"back-propagation and central differences apart by {np.linalg.norm(fast - slow) / np.linalg.norm(slow):.1e} (relative)"
)
reader, losses = descend(network((64, 32, 10)), 300, lr=0.5)
right = (read(reader, rest) == pool.labels[600:]).mean()
print(f"loss {losses[-1]:.3f} after 300 steps; {right:.0%} of 600 other digits read")

# %% [markdown] nbgrader={"grade_id": "payoff_deep_text"}
# **Thirty layers.** tanh units, 32 a layer, from the start that PyTorch gives them and from yours. What does your `gradient_attenuation` expect of each? And what will the losses be after 200 steps?


# %% tags=["explore"]
def pytorch(widths, seed=0):
    rng = np.random.default_rng(seed)
    bounds = [1 / np.sqrt(i) for i in widths]
    return [
        (rng.uniform(-a, a, (o, i)), rng.uniform(-a, a, o))
        for a, i, o in zip(bounds, widths, widths[1:], strict=False)
    ]


deep, slope = (64, *[32] * 30, 10), lambda z: 1 - np.tanh(z) ** 2
curves = []
for k, (name, params, sigma) in enumerate(
    [("PyTorch's", pytorch(deep), 3**-0.5), ("your start", network(deep), 1.0)]
):
    down = [np.linalg.norm(dW) for dW, _ in mlp_loss_and_grads(params, X, T)[1][:-1]]
    factor = float(gradient_attenuation(np.tanh, slope, sigma)[0])
    print(f"{name}: factor {factor:.3f} a layer, {factor**29:.0e} over 29; measured {down[0] / down[-1]:.0e}")
    _, losses = descend(params, 200, lr=0.1)
    curves.append(plots.Curve(np.arange(200), losses, name, colour=k))
plots.show(
    plots.lines(*curves, xlabel="step", ylabel="training loss", title="30 layers of tanh", ylim=(0, 0.6)),
    alt="Two losses of thirty layers: from PyTorch's start level at 0.45, which is guessing; from yours falling to well below it.",
)

# %% [markdown] nbgrader={"grade_id": "payoff_residual_text"}
# **Thirty blocks.** Your last function, thirty times on top of itself. Its output minus its input is the layer without the skip, so the same function also runs the plain network, with He's start. Both have the same number of weights. Before you run it: which
# of the four losses below is the highest?


# %% tags=["explore"]
def curve_of(depth, skip, steps=200, lr=0.02, width=32):
    rng = np.random.default_rng(0)
    first, last = (np.asarray(init_layer(rng, i, o, "he")[0]) for i, o in ((64, width), (width, 10)))
    Ws = [
        np.asarray(init_layer(rng, width, width, "he")[0]) / (depth if skip else 1) ** 0.5
        for _ in range(depth)
    ]
    losses = []
    for _ in range(steps):
        rows = rng.choice(1200, 64, replace=False)
        x, h, kept = pixels[rows], np.maximum(pixels[rows] @ first.T, 0), []
        bottom = h
        for W in Ws:
            kept.append(h)
            y = np.asarray(residual_forward_backward(h, W, np.zeros_like(h))[0])
            h = y if skip else y - h
        logits = h @ last.T
        p = np.exp(logits - logits.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        losses.append(-np.log(p[np.arange(64), pool.labels[rows]]).mean())
        d = (p - np.eye(10)[pool.labels[rows]]) / 64
        d, last = d @ last, last - lr * d.T @ h
        for k in reversed(range(depth)):
            _, dx, dW = map(np.asarray, residual_forward_backward(kept[k], Ws[k], d))
            Ws[k] = Ws[k] - lr * dW
            d = dx if skip else dx - d
        first = first - lr * (d * (bottom > 0)).T @ x
    return np.convolve(losses, np.ones(20) / 20, mode="valid")


curves = []
for k, depth in enumerate((2, 30)):
    for skip in (False, True):
        losses = curve_of(depth, skip)
        print(f"{depth} layers, {'with' if skip else 'without'} skip: loss {losses[-1]:.2f}")
        name = f"{depth}, {'skip' if skip else 'plain'}"
        curves.append(plots.Curve(np.arange(len(losses)), losses, name, colour=k, theory=not skip))
plots.show(
    plots.lines(*curves, xlabel="step", ylabel="loss, mean of 20 steps", title="dashed: without skip"),
    alt="Losses of ReLU networks against step: two layers fall with and without skip; thirty layers fall with the skip and stay high "
    "without it.",
)

# %% [markdown] nbgrader={"grade_id": "payoff_answers"}
# <details><summary>Answers</summary>
#
# PyTorch's start: factor 0.577, so about $10^{-7}$ of the gradient arrives at the bottom, and the loss stays that of guessing, 0.45. Your start: mean field says 0.995 after its 100 steps (it creeps towards 1), and the loss falls. The highest of the four losses is that of thirty plain layers, although its start
# keeps the gradient's length; section 4 of the lecture says why.
#
# </details>

# %% [markdown] nbgrader={"grade_id": "written_vanishing_statement"}
# ## Exercise 7: what vanishes
#
# written question &nbsp;·&nbsp; 3 points &nbsp;·&nbsp; 10 minutes &nbsp;·&nbsp; difficulty 3 of 5
#
# Answer in one to three sentences each, with a number where one belongs.
#
# 1. "The gradient vanishes because the slope of the logistic function is at most 1/4. With linear units it could not vanish." What is wrong with each of the two sentences?
# 2. Why does back-propagation cost about three forward passes, whatever the number of weights, and what must it keep to do so?
# 3. A start keeps the length of the gradient over 30 layers, and the network does not train. What can have happened to the gradient, and why does a skip prevent it?

# %% [markdown] nbgrader={"grade_id": "written_vanishing", "points": 3}
# ### BEGIN SOLUTION
# 1. The factor per layer is $\sigma_w\sqrt{\mathrm E\varphi'^2}$, so the weights count too: logistic units explode for large ones (1.25 a layer at $\sigma_w = 16$). Linear units have slope 1 and vanish all the same when $\sigma_w < 1$, for example by 0.577 a layer from PyTorch's start.
# 2. Each layer multiplies by a matrix once on the way up and twice on the way down, for its own weights and for the layer below. It must keep the inputs and the sums of every layer.
# 3. Length is an average over directions. A product of many random matrices stretches a few directions and shrinks the others to nearly nothing (the middle singular value was below $10^{-4}$). With a skip every layer is the identity plus something, so that a copy of the gradient passes in every direction.
#
# **Marking scheme** (3 points)
#
# - 1 point: part 1. Half a point for "the weights count", with a case or the formula; half for a linear net that vanishes.
# - 1 point: part 2. Half a point for one product up and two down; half for the stored inputs or sums.
# - 1 point: part 3. Half a point for directions lost though the mean length is kept; half for the identity in the block. "It vanishes" alone: nothing.
# - No deduction for language.
# ### END SOLUTION
