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
# # Assignment 12: deep linear networks
#
# Eight short functions, in the order of the proof that gradient descent trains a deep linear network: what the layers compute, their gradients, whether they are
# balanced, how to start balanced, how near the target is, what the theorem then promises, and two formulas for the path. In the end they check the theorem on a run of yours.
#
# Read the lecture first: [Why does gradient descent work at all?](../../lectures/12_deep_linear_networks.ipynb)
#
# | | exercise | points | minutes | difficulty |
# |---|---|---|---|---|
# | 1 | `end_to_end`: the product of the layers | 4 | 5 | 1 of 5 |
# | 2 | `deep_linear_grads`: the gradient of every layer | 5 | 15 | 3 of 5 |
# | 3 | `balancedness_gap`: how unequal are neighbours? | 5 | 10 | 2 of 5 |
# | 4 | `balanced_init`: a start without a gap | 6 | 15 | 4 of 5 |
# | 5 | `deficiency_margin`: how near is the target? | 4 | 5 | 1 of 5 |
# | 6 | `theorem1_constants`: what is promised | 3 | 10 | 2 of 5 |
# | 7 | `saxe_mode`: the path of a mode | 5 | 10 | 2 of 5 |
# | 8 | `end_to_end_update`: the path of the product | 5 | 20 | 4 of 5 |
# | | the payoff: your functions at work | - | 10 | - |
# | 9 | what was proved? in words | 3 | 15 | 3 of 5 |
# | | **sum** | **40** | **115** | |
#
# Write your code where a cell says so and run the cells below it: the visible checks answer at once, and hidden checks of
# the same aspects follow at grading. NumPy or PyTorch, loops or array expressions: any right way is accepted. All numbers
# are float64. A function must leave its arguments as they are.
#
# A network is a list of its layers, $[W_1, \dots, W_N]$, the one next to the input first; $W_j$ has the shape $(d_j, d_{j-1})$.

# %% nbgrader={"grade_id": "setup"}
import itertools

import numpy as np
import torch

from trainlab import checks

# %% [markdown] nbgrader={"grade_id": "end_to_end_statement"}
# ## Exercise 1: the product of the layers
#
# `end_to_end` &nbsp;·&nbsp; 4 points &nbsp;·&nbsp; 5 minutes &nbsp;·&nbsp; difficulty 1 of 5
#
# A deep linear network maps $x$ to $W_N \cdots W_2 W_1 x$. Compute the one matrix that does the same.
#
# **Shapes.** `Ws` is a list of $N \ge 1$ matrices, `Ws[j]` of shape $(d_{j+1}, d_j)$. Return $(d_N, d_0)$. With one layer it is that layer.
#
# **Example.** $N = 2$, widths 2, 3, 4:
#
# $$W_1 = \begin{pmatrix} 1 & 2 \\ 0 & 1 \\ 1 & 0 \end{pmatrix}, \quad
# W_2 = \begin{pmatrix} 1 & 0 & 2 \\ 0 & 1 & 1 \\ 1 & 1 & 0 \\ 0 & 0 & 1 \end{pmatrix}, \quad
# W_2 W_1 = \begin{pmatrix} 3 & 2 \\ 1 & 1 \\ 1 & 3 \\ 1 & 0 \end{pmatrix}$$
#
# <details><summary>Hint 1, values</summary>The input meets <code>Ws[0]</code> first, so that one stands on the right of the product.</details>
# <details><summary>Hint 2, one layer</summary>Start with the first layer, and let a loop over the others multiply from the left.</details>


# %% nbgrader={"grade_id": "end_to_end"}
def end_to_end(Ws: list[np.ndarray]) -> np.ndarray:
    """The matrix W_N ... W_1 that a deep linear network computes.

    Ws: [W_1, ..., W_N], N >= 1, W_j of shape (d_j, d_{j-1}). Returns (d_N, d_0).
    """
    ### BEGIN SOLUTION
    W = Ws[0]
    for layer in Ws[1:]:
        W = layer @ W
    return W
    ### END SOLUTION


# %% nbgrader={"grade_id": "test_end_to_end_values", "points": 2}
# Two and three layers.
_W1 = np.array([[1.0, 2], [0, 1], [1, 0]])
_W2 = np.array([[1.0, 0, 2], [0, 1, 1], [1, 1, 0], [0, 0, 1]])
checks.array(end_to_end([_W1.copy(), _W2.copy()]), [[3, 2], [1, 1], [1, 3], [1, 0]], "W2 W1")
_W3 = np.array([[1.0, 0, 0, -1], [0, 2, 1, 0], [1, 1, 1, 1]])
checks.array(end_to_end([_W1.copy(), _W2.copy(), _W3.copy()]), [[2, 2], [3, 5], [6, 6]], "W3 W2 W1")
checks.public_passed("end_to_end: values")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(1201)
for _dims in [(3, 3, 3), (5, 1, 4), (2, 7, 3, 4), (4, 4, 4, 4, 4), (1, 2, 3, 4, 5, 6)]:
    _Ws = [_rng.normal(size=(_o, _i)) for _i, _o in itertools.pairwise(_dims)]
    _columns = []
    for _k in range(_dims[0]):  # the network's answer to each unit vector
        _h = [float(_k == _i) for _i in range(_dims[0])]
        for _W in _Ws:
            _h = [sum(_w * _x for _w, _x in zip(_row, _h, strict=True)) for _row in _W.tolist()]
        _columns.append(_h)
    checks.array(
        end_to_end([_W.copy() for _W in _Ws]), np.array(_columns).T, f"for widths {_dims} the product"
    )
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_end_to_end_one_layer", "points": 1}
# One layer is its own product.
_W = np.array([[1.0, 2, 3], [4, 5, 6]])
checks.array(end_to_end([_W.copy()]), _W, "the product of one layer")
checks.public_passed("end_to_end: one layer")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(1202)
for _shape in [(1, 1), (4, 2), (3, 3)]:
    _W = _rng.normal(size=_shape)
    checks.array(end_to_end([_W.copy()]), _W, f"for shape {_shape} the product of one layer")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_end_to_end_clean", "points": 1}
# A call leaves the list and its matrices alone.
_Ws = [np.array([[1.0, 2], [0, 1], [1, 0]]), np.array([[1.0, 0, 2], [0, 1, 1]])]
_kept = [_W.copy() for _W in _Ws]
end_to_end(_Ws)
checks.unchanged(_kept, _Ws, "Ws")
checks.public_passed("end_to_end: clean calls")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(1203)
for _N in (2, 4):
    _Ws = [_rng.normal(size=(3, 3)) for _ in range(_N)]
    _kept = [_W.copy() for _W in _Ws]
    end_to_end(_Ws)
    checks.unchanged(_kept, _Ws, "Ws")
### END HIDDEN TESTS

# %% [markdown] nbgrader={"grade_id": "deep_linear_grads_statement"}
# ## Exercise 2: the gradient of every layer
#
# `deep_linear_grads` &nbsp;·&nbsp; 5 points &nbsp;·&nbsp; 15 minutes &nbsp;·&nbsp; difficulty 3 of 5
#
# The loss is $L = \frac12 \lVert W_N \cdots W_1 - \Phi \rVert_F^2$. With $E = W_N \cdots W_1 - \Phi$, the part of the product above layer $j$ and the part below it each come back transposed:
#
# $$\frac{dL}{dW_j} = (W_N \cdots W_{j+1})^\top \; E \; (W_{j-1} \cdots W_1)^\top$$
#
# An empty product is the identity: nothing stands above the last layer, nothing below the first.
#
# **Convention.** The factor ½ is in the loss, so there is no 2 in the gradient; nothing is divided by a number of entries.
#
# **Shapes.** `Ws` as in exercise 1, $N \ge 1$; `Phi` is $(d_N, d_0)$. Return a list of $N$ arrays, the $j$-th of the shape of the $j$-th layer.
#
# **Example.** Widths 2, 3, 2 and a target that is one less than the product in its first row:
#
# $$W_1 = \begin{pmatrix} 1 & 2 \\ 0 & 1 \\ 1 & 0 \end{pmatrix}, \quad
# W_2 = \begin{pmatrix} 1 & 0 & 2 \\ 0 & 1 & 1 \end{pmatrix}, \quad
# \Phi = \begin{pmatrix} 2 & 1 \\ 1 & 1 \end{pmatrix}, \quad E = \begin{pmatrix} 1 & 1 \\ 0 & 0 \end{pmatrix}$$
#
# $$\frac{dL}{dW_1} = W_2^\top E = \begin{pmatrix} 1 & 1 \\ 0 & 0 \\ 2 & 2 \end{pmatrix}, \qquad
# \frac{dL}{dW_2} = E\, W_1^\top = \begin{pmatrix} 3 & 1 & 1 \\ 0 & 0 & 0 \end{pmatrix}$$
#
# <details><summary>Hint 1, values</summary>The shapes leave one order: (d_j, d_N) times (d_N, d_0) times (d_0, d_{j-1}).</details>
# <details><summary>Hint 2, deeper</summary>Collect the products from below in one pass, <code>I, W1, W2 W1, ...</code>, and those from above in another. With torch, autograd does it for you.</details>
# <details><summary>Hint 3, one layer</summary>Both products are empty then: the gradient is E itself.</details>


# %% nbgrader={"grade_id": "deep_linear_grads"}
def deep_linear_grads(Ws: list[np.ndarray], Phi: np.ndarray) -> list[np.ndarray]:
    """The derivatives of |W_N ... W_1 - Phi|_F^2 / 2 by every layer.

    Ws: [W_1, ..., W_N], N >= 1, W_j of shape (d_j, d_{j-1}). Phi: (d_N, d_0). Returns a list of N
    arrays of the layers' shapes.
    """
    ### BEGIN SOLUTION
    below, above = [np.eye(Ws[0].shape[1])], [np.eye(Ws[-1].shape[0])]
    for W in Ws:
        below.append(W @ below[-1])
    for W in reversed(Ws):
        above.append(above[-1] @ W)
    E = below[-1] - Phi
    N = len(Ws)
    return [above[N - 1 - j].T @ E @ below[j].T for j in range(N)]
    ### END SOLUTION


# %% nbgrader={"grade_id": "test_deep_linear_grads_values", "points": 3}
# Two and three layers.
_W1, _W2 = np.array([[1.0, 2], [0, 1], [1, 0]]), np.array([[1.0, 0, 2], [0, 1, 1]])
_G = deep_linear_grads([_W1.copy(), _W2.copy()], np.array([[2.0, 1], [1, 1]]))
_G1, _G2 = checks.items(_G, ("dL/dW1", "dL/dW2"))
_G1 = checks.array(_G1, [[1, 1], [0, 0], [2, 2]], "dL/dW1")
_G2 = checks.array(_G2, [[3, 1, 1], [0, 0, 0]], "dL/dW2")
_W3 = np.array([[1.0, 0], [0, 1], [1, -1], [2, 0]])
_G = deep_linear_grads([_W1.copy(), _W2.copy(), _W3.copy()], np.array([[2.0, 2], [1, 1], [2, 1], [6, 3]]))
_G1, _G2, _G3 = checks.items(_G, ("dL/dW1", "dL/dW2", "dL/dW3"))
_G1 = checks.array(_G1, [[1, 2], [0, 0], [2, 4]], "for three layers dL/dW1")
_G2 = checks.array(_G2, [[5, 2, 1], [0, 0, 0]], "for three layers dL/dW2")
_G3 = checks.array(_G3, [[3, 1], [0, 0], [0, 0], [2, 1]], "for three layers dL/dW3")
checks.public_passed("deep_linear_grads: values")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(1211)
for _dims in [(2, 3, 4), (5, 2, 3), (3, 4, 2, 5), (4, 4, 4, 4), (2, 5, 3, 4, 6), (3, 3, 3, 3, 3)]:
    _Ws = [_rng.normal(size=(_o, _i)) for _i, _o in itertools.pairwise(_dims)]
    _Phi = _rng.normal(size=(_dims[-1], _dims[0]))
    _leaves = [torch.tensor(_W, requires_grad=True) for _W in _Ws]
    _h = torch.eye(_dims[0], dtype=torch.float64)
    for _leaf in _leaves:
        _h = _leaf @ _h
    (0.5 * ((_h - torch.tensor(_Phi)) ** 2).sum()).backward()
    _names = [f"for widths {_dims} dL/dW{_j + 1}" for _j in range(len(_Ws))]
    _found = checks.items(deep_linear_grads([_W.copy() for _W in _Ws], _Phi.copy()), _names)
    for _G, _leaf, _name in zip(_found, _leaves, _names, strict=True):
        checks.array(_G, _leaf.grad, _name)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_deep_linear_grads_one_layer", "points": 1}
# One layer: the gradient that the last of two layers has when the first is the identity.
_W, _Phi = np.array([[1.0, 2, 3], [4, 5, 6]]), np.array([[1.0, 0, 3], [4, 1, 5]])
_two = checks.items(deep_linear_grads([np.eye(3), _W.copy()], _Phi.copy()), ("dL/dW1", "dL/dW2"))
_two = checks.finite(_two[1], "dL/dW2 above an identity", (2, 3))
(_one,) = checks.items(deep_linear_grads([_W.copy()], _Phi.copy()), ("dL/dW1",))
_one = checks.array(_one, _two, "for one layer, by your dL/dW2 above an identity, dL/dW1")
checks.public_passed("deep_linear_grads: one layer")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(1212)
for _o, _i in [(1, 1), (4, 2), (3, 3)]:
    _W, _Phi = _rng.normal(size=(_o, _i)), _rng.normal(size=(_o, _i))
    _two = checks.items(deep_linear_grads([np.eye(_i), _W.copy()], _Phi.copy()), ("dL/dW1", "dL/dW2"))
    _two = checks.finite(_two[1], "dL/dW2 above an identity", (_o, _i))
    (_one,) = checks.items(deep_linear_grads([_W.copy()], _Phi.copy()), ("dL/dW1",))
    checks.array(_one, _two, "for one layer, by your dL/dW2 above an identity, dL/dW1")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_deep_linear_grads_clean", "points": 1}
# A call leaves its arguments alone.
_Ws = [np.array([[1.0, 2], [0, 1], [1, 0]]), np.array([[1.0, 0, 2], [0, 1, 1]])]
_Phi = np.array([[2.0, 1], [1, 1]])
_kept, _kept_Phi = [_W.copy() for _W in _Ws], _Phi.copy()
deep_linear_grads(_Ws, _Phi)
checks.unchanged(_kept, _Ws, "Ws")
checks.unchanged(_kept_Phi, _Phi, "Phi")
checks.public_passed("deep_linear_grads: clean calls")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(1213)
for _N in (2, 4):
    _Ws, _Phi = [_rng.normal(size=(3, 3)) for _ in range(_N)], _rng.normal(size=(3, 3))
    _kept, _kept_Phi = [_W.copy() for _W in _Ws], _Phi.copy()
    deep_linear_grads(_Ws, _Phi)
    checks.unchanged(_kept, _Ws, "Ws")
    checks.unchanged(_kept_Phi, _Phi, "Phi")
### END HIDDEN TESTS

# %% [markdown] nbgrader={"grade_id": "balancedness_gap_statement"}
# ## Exercise 3: how unequal are neighbours?
#
# `balancedness_gap` &nbsp;·&nbsp; 5 points &nbsp;·&nbsp; 10 minutes &nbsp;·&nbsp; difficulty 2 of 5
#
# Gradient flow conserves, for every pair of neighbours, a matrix on the units between them. Its largest size is the gap, and layers are δ-balanced if it is at most δ:
#
# $$\max_{1 \le j < N} \; \left\lVert W_{j+1}^\top W_{j+1} - W_j W_j^\top \right\rVert_F$$
#
# **Convention.** The Frobenius norm, the root of the sum of all squared entries. One layer has no neighbour: its gap is 0.
#
# **Shapes.** `Ws` as in exercise 1. Return one number.
#
# **Example.** Widths 2, 3, 2:
#
# $$W_1 = \begin{pmatrix} 1 & 0 \\ 0 & 2 \\ 0 & 0 \end{pmatrix}, \;
# W_2 = \begin{pmatrix} 1 & 0 & 0 \\ 0 & 1 & 1 \end{pmatrix}, \quad
# W_2^\top W_2 - W_1 W_1^\top = \begin{pmatrix} 0 & 0 & 0 \\ 0 & -3 & 1 \\ 0 & 1 & 1 \end{pmatrix}, \quad
# \text{gap} = \sqrt{12} = 3.4641$$
#
# <details><summary>Hint 1, values</summary>Both products are square with the width <em>between</em> the layers. <code>np.linalg.norm</code> of a matrix is the Frobenius norm unless you ask for another.</details>
# <details><summary>Hint 2, several pairs</summary>N layers have N - 1 pairs; the worst one counts, alone.</details>
# <details><summary>Hint 3, one layer</summary>What does <code>max</code> say of an empty list, and what does its argument <code>default</code> do?</details>


# %% nbgrader={"grade_id": "balancedness_gap"}
def balancedness_gap(Ws: list[np.ndarray]) -> float:
    """The largest Frobenius norm of W_{j+1}^T W_{j+1} - W_j W_j^T over neighbouring layers; 0 for one layer.

    Ws: [W_1, ..., W_N], N >= 1, W_j of shape (d_j, d_{j-1}) (Arora et al. 2018).
    """
    ### BEGIN SOLUTION
    gaps = [np.linalg.norm(above.T @ above - W @ W.T) for W, above in itertools.pairwise(Ws)]
    return float(max(gaps, default=0.0))
    ### END SOLUTION


# %% nbgrader={"grade_id": "test_balancedness_gap_values", "points": 2}
# Two layers.
_Ws = [np.array([[1.0, 0], [0, 2], [0, 0]]), np.array([[1.0, 0, 0], [0, 1, 1]])]
checks.number(balancedness_gap(_Ws), 12**0.5, "the gap of the example")
_Ws = [np.array([[1.0, 2, 0], [0, 1, 1]]), np.array([[2.0, 0], [1, 1], [0, 3], [1, 0]])]
checks.number(balancedness_gap(_Ws), 67**0.5, "the gap of widths 3, 2, 4")
checks.public_passed("balancedness_gap: values")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(1221)
for _dims in [(2, 3, 4), (5, 2, 3), (3, 3, 3), (1, 4, 1), (6, 1, 2)]:
    _V, _W = (_rng.normal(size=(_o, _i)) for _i, _o in itertools.pairwise(_dims))
    _square = 0.0
    for _a in range(_dims[1]):
        for _b in range(_dims[1]):
            _up = sum(_W[_k, _a] * _W[_k, _b] for _k in range(_dims[2]))
            _down = sum(_V[_a, _k] * _V[_b, _k] for _k in range(_dims[0]))
            _square += (_up - _down) ** 2
    checks.number(balancedness_gap([_V.copy(), _W.copy()]), _square**0.5, f"the gap of widths {_dims}")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_balancedness_gap_pairs", "points": 1}
# Several pairs: the worst counts, by your own gaps of two layers each.
_Ws = [
    np.array([[1.0, 0], [0, 2], [0, 0]]),
    np.array([[1.0, 0, 0], [0, 1, 1]]),
    np.array([[1.0, 1], [0, 1], [2, 0]]),
]
_pairs = [balancedness_gap([_V.copy(), _W.copy()]) for _V, _W in itertools.pairwise(_Ws)]
_pairs = [checks.finite(_gap, "the gap of two layers", ()) for _gap in _pairs]
checks.number(
    balancedness_gap(_Ws), float(max(_pairs)), "the gap of three layers, by your gaps of its pairs,"
)
checks.public_passed("balancedness_gap: pairs")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(1222)
for _dims, _loud in [((2, 3, 4, 5), 0), ((4, 4, 4, 4), 1), ((3, 3, 3, 3, 3), 3), ((5, 4, 3, 2, 1), 2)]:
    _Ws = [_rng.normal(size=(_o, _i)) for _i, _o in itertools.pairwise(_dims)]
    _Ws[_loud] = 3 * _Ws[_loud]
    _pairs = [balancedness_gap([_V.copy(), _W.copy()]) for _V, _W in itertools.pairwise(_Ws)]
    _pairs = [checks.finite(_gap, "the gap of two layers", ()) for _gap in _pairs]
    _name = f"the gap of widths {_dims}, by your gaps of its pairs,"
    checks.number(balancedness_gap([_W.copy() for _W in _Ws]), float(max(_pairs)), _name)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_balancedness_gap_one_layer", "points": 1}
# One layer has the gap 0.
checks.number(balancedness_gap([np.array([[1.0, 2, 3], [4, 5, 6]])]), 0.0, "the gap of one layer")
checks.public_passed("balancedness_gap: one layer")
### BEGIN HIDDEN TESTS
for _shape in [(1, 1), (4, 4), (2, 5)]:
    checks.number(balancedness_gap([np.ones(_shape)]), 0.0, f"the gap of one layer of shape {_shape}")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_balancedness_gap_clean", "points": 1}
# A call leaves the layers alone.
_Ws = [np.array([[1.0, 0], [0, 2], [0, 0]]), np.array([[1.0, 0, 0], [0, 1, 1]])]
_kept = [_W.copy() for _W in _Ws]
balancedness_gap(_Ws)
checks.unchanged(_kept, _Ws, "Ws")
checks.public_passed("balancedness_gap: clean calls")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(1223)
for _N in (2, 4):
    _Ws = [_rng.normal(size=(3, 3)) for _ in range(_N)]
    _kept = [_W.copy() for _W in _Ws]
    balancedness_gap(_Ws)
    checks.unchanged(_kept, _Ws, "Ws")
### END HIDDEN TESTS

# %% [markdown] nbgrader={"grade_id": "balanced_init_statement"}
# ## Exercise 4: a start without a gap
#
# `balanced_init` &nbsp;·&nbsp; 6 points &nbsp;·&nbsp; 15 minutes &nbsp;·&nbsp; difficulty 4 of 5
#
# Given is a matrix $A$ and the widths of a network. Find layers whose product is $A$ and whose gap (exercise 3) is zero. The singular value decomposition
# $A = U \Sigma V^\top$ does it: give every layer an equal share of Σ,
#
# $$W_1 = Q_1\, \Sigma^{1/N} V^\top, \qquad W_j = Q_j\, \Sigma^{1/N} Q_{j-1}^\top, \qquad W_N = U\, \Sigma^{1/N} Q_{N-1}^\top ,$$
#
# where $Q_j$ is any matrix of shape $(d_j, r)$ with orthonormal columns, $Q_j^\top Q_j = I$, and $r = \min(d_0, d_N)$. The first $r$ columns of the identity will do.
#
# **Convention.** No layer is a bottleneck: $d_j \ge r$ for all $j$. $A$ has full rank. Any layers with both properties are right: the choice of the $Q_j$ is yours.
#
# **Shapes.** `A` is $(d_N, d_0)$; `dims` is the list $[d_0, d_1, \dots, d_N]$, $N \ge 1$. Return a list of $N$ arrays, the $j$-th of shape $(d_j, d_{j-1})$.
#
# **Example.** One number in, one out, two hidden units, $N = 3$: $A = (8)$ and `dims` $= [1, 2, 2, 1]$. Each layer has the one singular value $8^{1/3} = 2$:
#
# $$W_1 = \begin{pmatrix} 2 \\ 0 \end{pmatrix}, \quad W_2 = \begin{pmatrix} 2 & 0 \\ 0 & 0 \end{pmatrix}, \quad W_3 = \begin{pmatrix} 2 & 0 \end{pmatrix}$$
#
# <details><summary>Hint 1, shapes</summary>With <code>full_matrices=False</code> the decomposition gives r singular values, U with r columns and <code>Vt</code> with r rows. <code>np.eye(d, r)</code> is a rectangular identity.</details>
# <details><summary>Hint 2, product</summary>Between two layers stands Q<sup>T</sup> Q, which is I. How many factors of Σ does the whole product have, and which power must each be?</details>
# <details><summary>Hint 3, balance</summary>If one layer holds all of Σ, the product is right and the gap is not. Which singular values must neighbours share?</details>


# %% nbgrader={"grade_id": "balanced_init"}
def balanced_init(A: np.ndarray, dims: list[int]) -> list[np.ndarray]:
    """Layers with the product A and a balancedness gap of zero (Arora et al. 2018, procedure 1).

    A: (d_N, d_0), of full rank. dims: [d_0, ..., d_N], N >= 1, no width below min(d_0, d_N).
    Returns [W_1, ..., W_N], W_j of shape (d_j, d_{j-1}).
    """
    ### BEGIN SOLUTION
    U, sigma, Vt = np.linalg.svd(A, full_matrices=False)
    root = np.diag(sigma ** (1 / (len(dims) - 1)))
    Qs = [Vt.T, *(np.eye(d, len(sigma)) for d in dims[1:-1]), U]
    return [above @ root @ below.T for below, above in itertools.pairwise(Qs)]
    ### END SOLUTION


# %% nbgrader={"grade_id": "test_balanced_init_shapes", "points": 1}
# As many layers as the widths say, each of its shape.
for _A, _dims in [
    (np.array([[8.0]]), [1, 2, 2, 1]),
    (np.array([[1.0, 2, 0], [0, 1, 3]]), [3, 5, 4, 2]),
]:
    _names = [f"for widths {_dims} W{_j + 1}" for _j in range(len(_dims) - 1)]
    _Ws = checks.items(balanced_init(_A.copy(), list(_dims)), _names)
    for _W, _name, _i, _o in zip(_Ws, _names, _dims[:-1], _dims[1:], strict=True):
        _W = checks.finite(_W, _name, (_o, _i))
checks.public_passed("balanced_init: shapes")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(1231)
for _dims in [[4, 3], [2, 6, 5], [5, 2, 7, 2], [3, 3, 3, 3], [1, 4, 1], [6, 8, 1, 9, 1], [2, 3, 4, 5, 6, 7]]:
    _names = [f"for widths {_dims} W{_j + 1}" for _j in range(len(_dims) - 1)]
    _Ws = checks.items(balanced_init(_rng.normal(size=(_dims[-1], _dims[0])), list(_dims)), _names)
    for _W, _name, _i, _o in zip(_Ws, _names, _dims[:-1], _dims[1:], strict=True):
        checks.finite(_W, _name, (_o, _i))
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_balanced_init_product", "points": 2}
# The product of the layers is A.
for _A, _dims in [
    (np.array([[8.0]]), [1, 2, 2, 1]),
    (np.array([[1.0, 2, 0], [0, 1, 3]]), [3, 5, 4, 2]),
]:
    _names = [f"W{_j + 1}" for _j in range(len(_dims) - 1)]
    _h = np.eye(_dims[0])
    for _W in checks.items(balanced_init(_A.copy(), list(_dims)), _names):
        _h = checks.finite(_W, "a layer") @ _h
    _h = checks.array(_h, _A, f"for widths {_dims} the product of your layers")
checks.public_passed("balanced_init: product")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(1232)
for _dims in [[4, 3], [2, 6, 5], [5, 2, 7, 2], [3, 3, 3, 3], [1, 4, 1], [6, 8, 1, 9, 1], [2, 3, 4, 5, 6, 7]]:
    _A = _rng.normal(size=(_dims[-1], _dims[0])) * 3
    _h = np.eye(_dims[0])
    for _W in checks.items(
        balanced_init(_A.copy(), list(_dims)), [f"W{_j + 1}" for _j in range(len(_dims) - 1)]
    ):
        _h = checks.finite(_W, "a layer") @ _h
    checks.array(_h, _A, f"for widths {_dims} the product of your layers")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_balanced_init_balance", "points": 2}
# Neighbours have equal Gram matrices on the units between them.
for _A, _dims in [
    (np.array([[8.0]]), [1, 2, 2, 1]),
    (np.array([[1.0, 2, 0], [0, 1, 3]]), [3, 5, 4, 2]),
]:
    _names = [f"W{_j + 1}" for _j in range(len(_dims) - 1)]
    _Ws = [checks.finite(_W, "a layer") for _W in checks.items(balanced_init(_A.copy(), list(_dims)), _names)]
    for _j in range(1, len(_Ws)):
        _gram = checks.array(
            _Ws[_j].T @ _Ws[_j],
            _Ws[_j - 1] @ _Ws[_j - 1].T,
            f"against your W{_j} W{_j}^T, W{_j + 1}^T W{_j + 1}",
        )
checks.public_passed("balanced_init: balance")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(1233)
for _dims in [[2, 6, 5], [5, 2, 7, 2], [3, 3, 3, 3], [1, 4, 1], [6, 8, 1, 9, 1], [2, 3, 4, 5, 6, 7]]:
    _A = _rng.normal(size=(_dims[-1], _dims[0])) * 3
    _names = [f"W{_j + 1}" for _j in range(len(_dims) - 1)]
    _Ws = [checks.finite(_W, "a layer") for _W in checks.items(balanced_init(_A.copy(), list(_dims)), _names)]
    checks.between(np.abs(_Ws[0]).max(), 1e-3, 1e3, f"the largest entry of W1, widths {_dims},")
    for _j in range(1, len(_Ws)):
        _up, _down = _Ws[_j].T @ _Ws[_j], _Ws[_j - 1] @ _Ws[_j - 1].T
        checks.array(_up, _down, f"against your W{_j} W{_j}^T, W{_j + 1}^T W{_j + 1}", atol=1e-9)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_balanced_init_clean", "points": 1}
# A call leaves its arguments alone.
_A, _dims = np.array([[1.0, 2, 0], [0, 1, 3]]), [3, 5, 4, 2]
_kept, _kept_dims = _A.copy(), list(_dims)
balanced_init(_A, _dims)
checks.unchanged(_kept, _A, "A")
checks.unchanged(_kept_dims, _dims, "dims")
checks.public_passed("balanced_init: clean calls")
### BEGIN HIDDEN TESTS
for _dims in ([3, 3, 3], [2, 2]):
    _A = np.eye(_dims[0]) * 2 + np.tri(_dims[0])
    _kept, _kept_dims = _A.copy(), list(_dims)
    balanced_init(_A, _dims)
    checks.unchanged(_kept, _A, "A")
    checks.unchanged(_kept_dims, _dims, "dims")
### END HIDDEN TESTS

# %% [markdown] nbgrader={"grade_id": "deficiency_margin_statement"}
# ## Exercise 5: how near is the target?
#
# `deficiency_margin` &nbsp;·&nbsp; 4 points &nbsp;·&nbsp; 5 minutes &nbsp;·&nbsp; difficulty 1 of 5
#
# A product $W$ that is nearer to the target Φ than any matrix of lower rank stays away from all of these, as long as the loss falls. By how much, says its margin:
#
# $$c = \sigma_{\min}(\Phi) - \lVert W - \Phi \rVert_F$$
#
# **Convention.** $\sigma_{\min}$ is the smallest of the $\min(d_0, d_N)$ singular values. The distance is a Frobenius norm. Without a margin $c$ is zero or negative: return it as it is.
#
# **Shapes.** `W` and `Phi` are $(d_N, d_0)$. Return one number.
#
# **Example.** Φ has the singular values 3 and 2, and the distance is $\sqrt{0.6^2 + 0.8^2} = 1$, so $c = 2 - 1 = 1$:
#
# $$\Phi = \begin{pmatrix} 3 & 0 & 0 \\ 0 & 2 & 0 \end{pmatrix}, \qquad W = \begin{pmatrix} 3 & 0.6 & 0 \\ 0 & 2 & 0.8 \end{pmatrix}$$
#
# <details><summary>Hint 1, values</summary><code>np.linalg.svd(..., compute_uv=False)</code> returns the singular values alone, the largest first. Eigenvalues are another thing, and a rectangular matrix has none.</details>
# <details><summary>Hint 2, no margin</summary>The formula is all: nothing is cut off at zero.</details>


# %% nbgrader={"grade_id": "deficiency_margin"}
def deficiency_margin(W: np.ndarray, Phi: np.ndarray) -> float:
    """c = sigma_min(Phi) - |W - Phi|_F, the deficiency margin of W with respect to Phi; may be zero or negative.

    W, Phi: (d_N, d_0) (Arora et al. 2018, definition 2).
    """
    ### BEGIN SOLUTION
    sigma_min = np.linalg.svd(Phi, compute_uv=False).min()
    return float(sigma_min - np.linalg.norm(W - Phi))
    ### END SOLUTION


# %% nbgrader={"grade_id": "test_deficiency_margin_values", "points": 2}
# Starts with a margin.
_Phi, _W = np.array([[3.0, 0, 0], [0, 2, 0]]), np.array([[3.0, 0.6, 0], [0, 2, 0.8]])
checks.number(deficiency_margin(_W, _Phi), 1.0, "the margin of the example")
_Phi, _W = np.array([[0.0, 4], [3, 0], [0, 0]]), np.array([[0.3, 4], [3, 0], [0, -0.4]])
checks.number(deficiency_margin(_W, _Phi), 2.5, "the margin of a 3 by 2 start")
checks.public_passed("deficiency_margin: values")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(1241)
for _o, _i in [(3, 3), (4, 2), (2, 5), (1, 6), (5, 1), (6, 6)]:
    _r = min(_o, _i)
    _U, _V = (np.linalg.qr(_rng.normal(size=(_n, _n)))[0][:, :_r] for _n in (_o, _i))
    _sigma = _rng.uniform(1.0, 4.0, size=_r)
    _Phi, _D = _U * _sigma @ _V.T, _rng.normal(size=(_o, _i)) * 0.1
    _distance = sum(_x * _x for _x in _D.ravel().tolist()) ** 0.5
    _c = float(_sigma.min() - _distance)
    checks.number(deficiency_margin(_Phi + _D, _Phi.copy()), _c, f"the margin of a {_o} by {_i} start")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_deficiency_margin_negative", "points": 1}
# A start too far away has a negative margin.
_Phi, _W = np.array([[3.0, 0, 0], [0, 2, 0]]), np.array([[-3.0, 0, 0], [0, -2, 9]])
checks.between(deficiency_margin(_W, _Phi), -1e6, -1e-3, "the margin of a start on the other side")
checks.public_passed("deficiency_margin: negative")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(1242)
for _shape in [(3, 3), (2, 5), (1, 4)]:
    _Phi = np.eye(*_shape) + 0.1 * _rng.normal(size=_shape)
    checks.between(deficiency_margin(-4 * _Phi, _Phi.copy()), -1e6, -1e-3, "the margin of -4 Phi")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_deficiency_margin_clean", "points": 1}
# A call leaves its arguments alone.
_Phi, _W = np.array([[3.0, 0, 0], [0, 2, 0]]), np.array([[3.0, 0.6, 0], [0, 2, 0.8]])
_kept_W, _kept_Phi = _W.copy(), _Phi.copy()
deficiency_margin(_W, _Phi)
checks.unchanged(_kept_W, _W, "W")
checks.unchanged(_kept_Phi, _Phi, "Phi")
checks.public_passed("deficiency_margin: clean calls")
### BEGIN HIDDEN TESTS
for _shape in [(3, 3), (4, 2)]:
    _Phi, _W = np.eye(*_shape) * 2, np.ones(_shape)
    _kept_W, _kept_Phi = _W.copy(), _Phi.copy()
    deficiency_margin(_W, _Phi)
    checks.unchanged(_kept_W, _W, "W")
    checks.unchanged(_kept_Phi, _Phi, "Phi")
### END HIDDEN TESTS

# %% [markdown] nbgrader={"grade_id": "theorem1_constants_statement"}
# ## Exercise 6: what is promised
#
# `theorem1_constants` &nbsp;·&nbsp; 3 points &nbsp;·&nbsp; 10 minutes &nbsp;·&nbsp; difficulty 2 of 5
#
# Theorem 1 of Arora, Cohen, Golowich and Hu (2018): if the start has the margin $c > 0$ and is δ-balanced, and the rate is at most η, then after $T$ steps the loss is at most ε. With $\varphi = \lVert \Phi \rVert_F$:
#
# $$\delta = \frac{c^2}{256\, N^3\, \varphi^{2(N-1)/N}}, \qquad
# \eta = \frac{c^{(4N-2)/N}}{6144\, N^3\, \varphi^{(6N-4)/N}}, \qquad
# T = \frac{1}{\eta\, c^{2(N-1)/N}} \ln\frac{L_0}{\varepsilon}$$
#
# **Convention.** $T$ belongs to the η beside it, the largest that the theorem allows, and is not rounded. The logarithm is the natural one.
#
# **Shapes.** All arguments are positive numbers: the margin `c`, `Phi_fro` $= \varphi$, the number of layers `N`, the loss at the start `loss0` and the one to be reached `eps`. Return a dict with the keys
# `"delta"`, `"eta"` and `"T"`, each one number.
#
# **Example.** $N = 4$, $c = \frac14$, $\varphi = 4$, so the powers are $c^2 = 2^{-4}$, $c^{3.5} = 2^{-7}$, $c^{1.5} = 2^{-3}$, $\varphi^{1.5} = 2^3$, $\varphi^5 = 2^{10}$, and $N^3 = 2^6$:
#
# $$\delta = \frac{2^{-4}}{2^{8} \cdot 2^{6} \cdot 2^{3}} = 2^{-21} = 4.768 \cdot 10^{-7}, \qquad
# \eta = \frac{2^{-7}}{6144 \cdot 2^{6} \cdot 2^{10}} = 1.9403 \cdot 10^{-11}, \qquad
# T = \frac{8}{\eta} \ln\frac{L_0}{\varepsilon}$$
#
# <details><summary>Hint 1, delta</summary>Check the powers of the example one by one; at N = 2 several of them are whole numbers and hide a slip.</details>
# <details><summary>Hint 2, eta</summary>(4N - 2)/N and (6N - 4)/N are exponents as a whole: mind the brackets.</details>
# <details><summary>Hint 3, T</summary>The loss falls by the factor 1 - η c<sup>2(N-1)/N</sup> a step. How many steps from L0 to ε is that, with ln(1 - x) ≈ -x?</details>


# %% nbgrader={"grade_id": "theorem1_constants"}
def theorem1_constants(c: float, Phi_fro: float, N: int, loss0: float, eps: float) -> dict[str, float]:
    """delta, eta and T of Theorem 1 of Arora, Cohen, Golowich and Hu (2018), as a dict with these keys.

    c > 0: deficiency margin. Phi_fro: |Phi|_F. N: number of layers. loss0 > eps > 0: loss at the start and
    the one to be reached. T is in steps, for the rate eta, and not rounded.
    """
    ### BEGIN SOLUTION
    delta = c**2 / (256 * N**3 * Phi_fro ** (2 * (N - 1) / N))
    eta = c ** ((4 * N - 2) / N) / (6144 * N**3 * Phi_fro ** ((6 * N - 4) / N))
    T = np.log(loss0 / eps) / (eta * c ** (2 * (N - 1) / N))
    return {"delta": float(delta), "eta": float(eta), "T": float(T)}
    ### END SOLUTION


# %% nbgrader={"grade_id": "test_theorem1_constants_delta", "points": 1}
# delta, the gap that is allowed.
_found = theorem1_constants(0.25, 4.0, 4, 0.5, 1e-3)
checks.mapping(_found, {"delta": 2.0**-21}, "the result", keys=("delta", "eta", "T"))
_found = theorem1_constants(0.5, 2.0, 2, 0.5, 1e-3)
checks.mapping(_found, {"delta": 0.25 / 4096}, "for N = 2 the result", keys=("delta", "eta", "T"))
checks.public_passed("theorem1_constants: delta")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(1251)
for _N in (1, 2, 3, 5, 8):
    _c, _phi = (float(_x) for _x in _rng.uniform(0.2, 3.0, size=2))
    _delta = float(np.exp(2 * np.log(_c) - np.log(256) - 3 * np.log(_N) - (2 - 2 / _N) * np.log(_phi)))
    _found = theorem1_constants(_c, _phi, _N, 0.7, 1e-4)
    checks.mapping(_found, {"delta": _delta}, f"for N = {_N} the result", keys=("delta", "eta", "T"), atol=0)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_theorem1_constants_eta", "points": 1}
# eta, the largest rate that is allowed.
_found = theorem1_constants(0.25, 4.0, 4, 0.5, 1e-3)
checks.mapping(_found, {"eta": 2.0**-23 / 6144}, "the result", keys=("delta", "eta", "T"), atol=0)
_found = theorem1_constants(0.5, 2.0, 2, 0.5, 1e-3)
checks.mapping(
    _found, {"eta": 0.125 / (6144 * 128)}, "for N = 2 the result", keys=("delta", "eta", "T"), atol=0
)
checks.public_passed("theorem1_constants: eta")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(1252)
for _N in (1, 2, 3, 5, 8):
    _c, _phi = (float(_x) for _x in _rng.uniform(0.2, 3.0, size=2))
    _eta = np.exp((4 - 2 / _N) * np.log(_c) - np.log(6144) - 3 * np.log(_N) - (6 - 4 / _N) * np.log(_phi))
    _found = theorem1_constants(_c, _phi, _N, 0.7, 1e-4)
    checks.mapping(
        _found, {"eta": float(_eta)}, f"for N = {_N} the result", keys=("delta", "eta", "T"), atol=0
    )
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_theorem1_constants_T", "points": 1}
# T, the steps that are enough at your eta.
for _N, _power in ((4, 1 / 8), (2, 1 / 4)):
    _found = theorem1_constants(0.25, 4.0, _N, 0.5, 1e-3)
    checks.mapping(_found, {}, "the result", keys=("delta", "eta", "T"))
    _eta = float(checks.finite(_found["eta"], "eta", ()))
    _name = f"for N = {_N}, T by your eta, the result"
    checks.mapping(_found, {"T": np.log(500) / (_eta * _power)}, _name, keys=("delta", "eta", "T"))
checks.public_passed("theorem1_constants: T")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(1253)
for _N in (1, 2, 3, 5, 8):
    _c, _phi = (float(_x) for _x in _rng.uniform(0.2, 3.0, size=2))
    _L0, _eps = float(_rng.uniform(0.1, 2.0)), float(10.0 ** _rng.uniform(-10, -2))
    _found = theorem1_constants(_c, _phi, _N, _L0, _eps)
    checks.mapping(_found, {}, "the result", keys=("delta", "eta", "T"))
    _eta = float(checks.finite(_found["eta"], "eta", ()))
    _steps = (np.log(_L0) - np.log(_eps)) / (_eta * np.exp((2 - 2 / _N) * np.log(_c)))
    _name = f"for N = {_N}, T by your eta, the result"
    checks.mapping(_found, {"T": float(_steps)}, _name, keys=("delta", "eta", "T"))
### END HIDDEN TESTS

# %% [markdown] nbgrader={"grade_id": "saxe_mode_statement"}
# ## Exercise 7: the path of a mode
#
# `saxe_mode` &nbsp;·&nbsp; 5 points &nbsp;·&nbsp; 10 minutes &nbsp;·&nbsp; difficulty 2 of 5
#
# From an aligned start, a mode of strength $s$ of a two-layer linear network grows under gradient flow like $\tau\, \dot u = 2u\,(s - u)$ (Saxe, McClelland and Ganguli 2014). The solution from $u(0) = u_0$ is
#
# $$u(t) = \frac{s\,E}{E - 1 + s/u_0}, \qquad E = e^{2 s t / \tau} .$$
#
# **Convention.** It must not overflow: at $t = 1000$ the mode is $s$, while $E$ is no longer a number. Rewrite the formula so that only a small exponential is taken.
#
# **Shapes.** `t` is an array $(T,)$ of times $\ge 0$; `s`, `u0` and `tau` (1 unless given) are positive numbers; $u_0$ may be larger than $s$. Return $(T,)$.
#
# **Example.** $s = 2$, $u_0 = 0.5$, $t = (0,\; \frac14 \ln 3,\; 1000)$ gives $E = (1, 3, \infty)$ and $u = (0.5,\; 1,\; 2)$: half strength at $t = \frac{1}{2s} \ln(s/u_0 - 1)$.
#
# <details><summary>Hint 1, values</summary>At t = 0 you must get u0, and for large t the strength s. Which bracket is wrong if not?</details>
# <details><summary>Hint 2, overflow</summary>Divide numerator and denominator by E. What is 1/E at t = 1000?</details>
# <details><summary>Hint 3, tau</summary>τ stretches time and nothing else: it stands below t, wherever t stands.</details>


# %% nbgrader={"grade_id": "saxe_mode"}
def saxe_mode(t: np.ndarray, s: float, u0: float, tau: float = 1.0) -> np.ndarray:
    """Strength of a mode of a two-layer linear network at the times t (Saxe, McClelland and Ganguli 2014).

    t: (T,), >= 0. s: final strength. u0: strength at t = 0. tau: time constant. Returns (T,), finite for every t.
    """
    ### BEGIN SOLUTION
    return s / (1 + (s / u0 - 1) * np.exp(-2 * s * t / tau))
    ### END SOLUTION


# %% nbgrader={"grade_id": "test_saxe_mode_values", "points": 2}
# The formula, from below and from above.
_t = np.array([0.0, np.log(3) / 4, np.log(9) / 4])
checks.array(saxe_mode(_t, 2.0, 0.5), [0.5, 1.0, 1.5], "u(t)", rtol=1e-6, atol=1e-9)
_t = np.array([0.0, np.log(2) / 2])
checks.array(saxe_mode(_t, 1.0, 2.0), [2.0, 4 / 3], "from above u(t)", rtol=1e-6, atol=1e-9)
checks.public_passed("saxe_mode: values")
### BEGIN HIDDEN TESTS
from scipy.integrate import solve_ivp

for _s, _u0 in [(3.0, 1e-3), (0.5, 1e-3), (1.0, 0.01), (2.0, 2.0), (0.7, 1.9), (4.0, 1e-6)]:
    _t = np.linspace(0, 8 / _s, 9)
    _path = solve_ivp(
        lambda _, u, s=_s: 2 * u * (s - u), (0, _t[-1]), [_u0], t_eval=_t, rtol=1e-10, atol=1e-13
    )
    _name = f"for s = {_s}, u0 = {_u0}, u(t)"
    checks.array(saxe_mode(_t.copy(), _s, _u0), _path.y[0], _name, rtol=1e-6, atol=1e-9)
checks.array(saxe_mode(np.array([0.0]), 3.0, 0.2), [0.2], "u(0)", rtol=1e-6, atol=1e-9)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_saxe_mode_overflow", "points": 1}
# Late times: the mode has arrived, and nothing has overflowed.
with np.errstate(all="ignore"):
    _u = checks.finite(saxe_mode(np.array([400.0, 1000.0, 5000.0]), 2.0, 0.5), "at late times u(t)", (3,))
_spread = checks.array(_u, np.full(3, _u[0]), "at late times, as at t = 400, u(t)", rtol=1e-6, atol=1e-9)
checks.public_passed("saxe_mode: overflow")
### BEGIN HIDDEN TESTS
with np.errstate(all="ignore"):
    for _s, _u0, _late in [(3.0, 1e-3, 1e3), (0.9, 2.5, 1e3), (50.0, 1e-8, 1e3), (1.0, 1.0, 1e6)]:
        _u = checks.finite(
            saxe_mode(np.array([300.0, _late]), _s, _u0),
            f"for s = {_s}, at t = 300 and {_late:g}, u(t)",
            (2,),
        )
        checks.array(_u[1:], _u[:1], f"at t = {_late:g}, as at 300, u(t)", rtol=1e-6, atol=1e-9)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_saxe_mode_tau", "points": 1}
# Another time constant is another unit of time, by your own mode with tau = 1.
_t = np.array([0.0, 0.3, 1.1])
with np.errstate(all="ignore"):
    _one = checks.finite(saxe_mode(_t / 2.5, 2.0, 0.5), "u(t / 2.5)", (3,))
    _two = saxe_mode(_t.copy(), 2.0, 0.5, 2.5)
_two = checks.array(_two, _one, "with tau = 2.5, as your u(t / 2.5), u(t)", rtol=1e-6, atol=1e-9)
checks.public_passed("saxe_mode: tau")
### BEGIN HIDDEN TESTS
with np.errstate(all="ignore"):
    for _s, _u0, _tau in [(3.0, 1e-3, 0.2), (0.5, 0.9, 7.0), (1.2, 0.05, 1.0)]:
        _t = np.linspace(0, 2, 7)
        _one = checks.finite(saxe_mode(_t / _tau, _s, _u0), "u(t / tau)", (7,))
        _name = f"with tau = {_tau}, as your u(t / tau), u(t)"
        checks.array(saxe_mode(_t.copy(), _s, _u0, tau=_tau), _one, _name, rtol=1e-6, atol=1e-9)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_saxe_mode_clean", "points": 1}
# A call leaves the times alone.
_t = np.array([0.0, 0.5, 2.0])
_kept = _t.copy()
with np.errstate(all="ignore"):
    saxe_mode(_t, 2.0, 0.5)
checks.unchanged(_kept, _t, "t")
checks.public_passed("saxe_mode: clean calls")
### BEGIN HIDDEN TESTS
with np.errstate(all="ignore"):
    for _count in (1, 6):
        _t = np.linspace(0.1, 3, _count)
        _kept = _t.copy()
        saxe_mode(_t, 1.5, 0.01, 2.0)
        checks.unchanged(_kept, _t, "t")
### END HIDDEN TESTS

# %% [markdown] nbgrader={"grade_id": "end_to_end_update_statement"}
# ## Exercise 8: the path of the product
#
# `end_to_end_update` &nbsp;·&nbsp; 5 points &nbsp;·&nbsp; 20 minutes &nbsp;·&nbsp; difficulty 4 of 5
#
# When $N$ layers are balanced, their product moves by a rule in which they no longer occur (Arora, Cohen and Hazan 2018). With $G = dL/dW$, the gradient by the product:
#
# $$W - \eta \sum_{j=1}^{N} \left[ W W^\top \right]^{\frac{j-1}{N}} G \left[ W^\top W \right]^{\frac{N-j}{N}}$$
#
# **Convention.** The power of a symmetric positive semidefinite matrix $M = Q \Lambda Q^\top$ is $Q \Lambda^{p} Q^\top$, and $M^0 = I$, for a singular $M$ too: above the last layer and below the first
# stand no layers. With $N = 1$ it is a plain step. $W$ may be singular or have one row: eigenvalues that should be 0 then come out as ±10⁻¹⁷, and must not make NaN.
#
# **Shapes.** `W` and `G` are $(d_N, d_0)$; `N` is a whole number $\ge 1$; `eta` is a number. Return $(d_N, d_0)$. Checked to 2 · 10⁻⁴.
#
# **Example.** $N = 2$, $\eta = 0.1$. Here $[W W^\top]^{1/2} = \operatorname{diag}(3, 1)$ and $[W^\top W]^{1/2} = \operatorname{diag}(3, 1, 0)$:
#
# $$W = \begin{pmatrix} 3 & 0 & 0 \\ 0 & 1 & 0 \end{pmatrix}, \quad G = \begin{pmatrix} 1 & 1 & 1 \\ 0 & 2 & 1 \end{pmatrix}, \quad
# \underbrace{\begin{pmatrix} 3 & 1 & 0 \\ 0 & 2 & 0 \end{pmatrix}}_{j = 1} + \underbrace{\begin{pmatrix} 3 & 3 & 3 \\ 0 & 2 & 1 \end{pmatrix}}_{j = 2}, \quad
# \text{new } W = \begin{pmatrix} 2.4 & -0.4 & -0.3 \\ 0 & 0.6 & -0.1 \end{pmatrix}$$
#
# <details><summary>Hint 1, values</summary>Write a helper for the power of a symmetric matrix first, by <code>np.linalg.eigh</code>. An entrywise <code>**</code> is another thing.</details>
# <details><summary>Hint 2, singular</summary>Negative eigenvalues of size 1e-17 are rounding: lift them to 0 before the power. And 0.0 ** 0 is 1 in Python and NumPy.</details>
# <details><summary>Hint 3, one layer</summary>The sum has N terms, j from 1 to N inclusive: for N = 1 one term, with both powers 0.</details>


# %% nbgrader={"grade_id": "end_to_end_update"}
def end_to_end_update(W: np.ndarray, G: np.ndarray, N: int, eta: float) -> np.ndarray:
    """One step of the product of N balanced layers: the end-to-end rule of Arora, Cohen and Hazan (2018).

    W, G = dL/dW: (d_N, d_0). N >= 1 layers, rate eta. Returns the new W (d_N, d_0), finite for singular W too.
    """
    ### BEGIN SOLUTION

    def power(M: np.ndarray, p: float) -> np.ndarray:
        values, Q = np.linalg.eigh(M)
        return Q * np.maximum(values, 0) ** p @ Q.T

    moves = [power(W @ W.T, (j - 1) / N) @ G @ power(W.T @ W, (N - j) / N) for j in range(1, N + 1)]
    return W - eta * sum(moves)
    ### END SOLUTION


# %% nbgrader={"grade_id": "test_end_to_end_update_values", "points": 2}
# Two and three layers.
_W, _G = np.array([[3.0, 0, 0], [0, 1, 0]]), np.array([[1.0, 1, 1], [0, 2, 1]])
_new = end_to_end_update(_W.copy(), _G.copy(), 2, 0.1)
checks.array(_new, [[2.4, -0.4, -0.3], [0, 0.6, -0.1]], "for N = 2 the new W", rtol=1e-3, atol=2e-4)
_W = np.array([[8.0, 0, 0], [0, 1, 0]])
_new = end_to_end_update(_W.copy(), _G.copy(), 3, 0.1)
checks.array(_new, [[3.2, -2.1, -1.6], [0, 0.4, -0.1]], "for N = 3 the new W", rtol=1e-3, atol=2e-4)
checks.public_passed("end_to_end_update: values")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(1261)
for _N, _n in [(2, 2), (2, 4), (3, 3), (4, 3), (5, 2), (8, 3)]:
    # N balanced layers from random rotations; what each of them adds to the product, by its own factors
    _Qs = [np.linalg.qr(_rng.normal(size=(_n, _n)))[0] for _ in range(_N + 1)]
    _roots = _rng.uniform(0.8, 1.3, size=_n)
    _Ws = [_Qs[_j + 1] * _roots @ _Qs[_j].T for _j in range(_N)]
    _G, _W = _rng.normal(size=(_n, _n)), np.eye(_n)
    for _layer in _Ws:
        _W = _layer @ _W
    _move, _below = np.zeros((_n, _n)), np.eye(_n)
    for _j in range(_N):
        _above = np.eye(_n)
        for _layer in _Ws[_j + 1 :]:
            _above = _layer @ _above
        _move += _above @ _above.T @ _G @ _below.T @ _below
        _below = _Ws[_j] @ _below
    _new = end_to_end_update(_W.copy(), _G.copy(), _N, 0.3)
    checks.array(_new, _W - 0.3 * _move, f"for N = {_N}, {_n} by {_n}, the new W", rtol=1e-3, atol=2e-4)
for _N in (2, 3, 5):  # rectangular, and the gradient reaches into the null space
    _roots = np.array([1.5, 0.7])
    _W, _G = np.diag(_roots**_N) @ np.eye(2, 4), _rng.normal(size=(2, 4))
    _move = np.zeros((2, 4))
    for _j in range(1, _N + 1):
        for _a in range(2):
            for _b in range(4):
                _right = (_roots[_b] if _b < 2 else 0.0) ** (2 * (_N - _j))
                _move[_a, _b] += _roots[_a] ** (2 * (_j - 1)) * _G[_a, _b] * _right
    for _turned in (False, True):
        _one, _two = (_W.T, _G.T) if _turned else (_W, _G)
        _expected = (_W - 0.2 * _move).T if _turned else _W - 0.2 * _move
        _new = end_to_end_update(_one.copy(), _two.copy(), _N, 0.2)
        checks.array(_new, _expected, f"for N = {_N}, shape {_one.shape}, the new W", rtol=1e-3, atol=2e-4)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_end_to_end_update_singular", "points": 1}
# Singular products, turned: what your rule does to their regular part, and nothing else.
_rng = np.random.default_rng(1262)
for _N, _r, _d in [(2, 1, 3), (4, 2, 5)]:
    _S, _H = np.diag([1.3, 0.8])[:_r, :_r], _rng.normal(size=(_r, _r))
    _V = np.linalg.qr(_rng.normal(size=(_d, _d)))[0][:, :_r]
    with np.errstate(all="ignore"):
        _small = checks.finite(end_to_end_update(_S.copy(), _H.copy(), _N, 0.2), "the regular part", (_r, _r))
        _new = checks.finite(end_to_end_update(_S @ _V.T, _H @ _V.T, _N, 0.2), "the new W", (_r, _d))
    _new = checks.array(
        _new, _small @ _V.T, f"for N = {_N}, shape {(_r, _d)}, the new W", rtol=1e-3, atol=2e-4
    )
checks.public_passed("end_to_end_update: singular")
### BEGIN HIDDEN TESTS
for _N, _r, _d, _o in [(2, 1, 4, 1), (3, 1, 16, 1), (4, 2, 3, 3), (3, 2, 5, 4), (8, 1, 6, 1)]:
    _S, _H = np.diag(_rng.uniform(0.7, 1.4, size=_r)), _rng.normal(size=(_r, _r))
    _U, _V = (np.linalg.qr(_rng.normal(size=(_n, _n)))[0][:, :_r] for _n in (_o, _d))
    with np.errstate(all="ignore"):
        _small = checks.finite(end_to_end_update(_S.copy(), _H.copy(), _N, 0.2), "the regular part", (_r, _r))
        _new = end_to_end_update(_U @ _S @ _V.T, _U @ _H @ _V.T, _N, 0.2)
    _new = checks.finite(_new, "the new W", (_o, _d))
    checks.array(_new, _U @ _small @ _V.T, f"for N = {_N}, shape {(_o, _d)}, the new W", rtol=1e-3, atol=2e-4)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_end_to_end_update_one_layer", "points": 1}
# N = 1 is a plain step: of the size eta |G|, entry by entry.
_W, _G = np.array([[3.0, 0, 1], [0, 1, 2]]), np.array([[1.0, 1, -1], [0, 2, 1]])
_new = checks.finite(end_to_end_update(_W.copy(), _G.copy(), 1, 0.1), "the new W", (2, 3))
_size = checks.array(
    np.abs(_new - _W), 0.1 * np.abs(_G), "for N = 1 the size of the step", rtol=1e-3, atol=2e-4
)
checks.public_passed("end_to_end_update: one layer")
### BEGIN HIDDEN TESTS
_rng = np.random.default_rng(1263)
for _shape in [(3, 3), (1, 4), (5, 2)]:
    _W, _G = _rng.normal(size=_shape), _rng.normal(size=_shape)
    _new = checks.finite(end_to_end_update(_W.copy(), _G.copy(), 1, 0.5), "the new W", _shape)
    checks.array(np.abs(_new - _W), 0.5 * np.abs(_G), "for N = 1 the size of the step", rtol=1e-3, atol=2e-4)
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "test_end_to_end_update_clean", "points": 1}
# A call leaves its arguments alone.
_W, _G = np.array([[3.0, 0, 0], [0, 1, 0]]), np.array([[1.0, 1, 1], [0, 2, 1]])
_kept_W, _kept_G = _W.copy(), _G.copy()
end_to_end_update(_W, _G, 2, 0.1)
checks.unchanged(_kept_W, _W, "W")
checks.unchanged(_kept_G, _G, "G")
checks.public_passed("end_to_end_update: clean calls")
### BEGIN HIDDEN TESTS
for _N in (1, 3):
    _W, _G = np.eye(3) + np.tri(3), np.ones((3, 3))
    _kept_W, _kept_G = _W.copy(), _G.copy()
    end_to_end_update(_W, _G, _N, 0.1)
    checks.unchanged(_kept_W, _W, "W")
    checks.unchanged(_kept_G, _G, "G")
### END HIDDEN TESTS

# %% [markdown] nbgrader={"grade_id": "payoff_theorem_text"}
# ## The payoff: your functions at work
#
# **The theorem, twice.** First literally: one unit a layer, two layers, target 1, product 0.99 at the start, at the rate that your `theorem1_constants` allows, until the loss is a tenth. Then a 4 × 4 target and three layers, at a rate of
# practice, some 250,000 times larger: there the bound on one step is checked, $L_{t+1}/L_t \le 1 - \eta\, c^{2(N-1)/N}$. Before you run the cell: by which factor does the first beat its promise?

# %% tags=["explore"]
from trainlab import plots


def plain(x):
    return x if type(x) is np.ndarray else np.array(torch.as_tensor(x).detach(), dtype=float)


def train(A, dims, Phi, eta, steps=None, goal=0.0):
    """Losses, layers and products of a run from your balanced start; it ends after `steps` or at a loss of `goal`."""
    Ws, losses, products = [plain(W) for W in balanced_init(A, dims)], [], []
    while len(losses) != steps:
        products.append(plain(end_to_end(Ws)))
        losses.append(float(((products[-1] - Phi) ** 2).sum() / 2))
        if losses[-1] <= goal:
            break
        Ws = [W - eta * plain(G) for W, G in zip(Ws, deep_linear_grads(Ws, Phi), strict=True)]
    return np.array(losses), Ws, np.array(products)


one, start = np.ones((1, 1)), np.full((1, 1), 0.99)
c, loss0 = float(deficiency_margin(start, one)), 0.01**2 / 2
promise = theorem1_constants(c, 1.0, 2, loss0, loss0 / 10)
losses, _, _ = train(start, [1, 1, 1], one, float(promise["eta"]), goal=loss0 / 10)
print(
    f"c = {c:.2f}, η = {promise['eta']:.3g}: {len(losses) - 1:,} steps, at most {promise['T']:,.0f} promised"
)

rng = np.random.default_rng(0)
Phi, D = np.eye(4) + 0.15 * rng.normal(size=(4, 4)), rng.normal(size=(4, 4))
A = Phi + 0.25 * D / np.linalg.norm(D)
c, eta = float(deficiency_margin(A, Phi)), 0.02 / 3
allowed = theorem1_constants(c, float(np.linalg.norm(Phi)), 3, 1.0, 1e-6)
losses, Ws, _ = train(A, [4, 4, 4, 4], Phi, eta, steps=400)
ratios, bound = losses[1:] / losses[:-1], 1 - eta * c ** (4 / 3)
print(f"c = {c:.2f}, η = {eta:.4f}, {eta / allowed['eta']:,.0f} times the theorem's")
print(f"slowest of 400 steps leaves {ratios.max():.4f} of the loss, bound {bound:.4f}")
print(f"gap after 400 steps {balancedness_gap(Ws):.1e}, the theorem allows {allowed['delta']:.1e}")

# %% [markdown] nbgrader={"grade_id": "payoff_theorem_seen"}
# <details><summary>What to see</summary>
#
# Literally, the run takes about 29,000 of 118,000 promised steps: four times fewer. For the 4 × 4 target each step at 250,000 times the theorem's rate still keeps its bound, with eleven times
# the progress that is promised; meanwhile the gap has left zero and is twice what the theorem allows at the start: at this rate conservation is approximate. What the tiny rate buys is the *proof*.
#
# </details>

# %% [markdown] nbgrader={"grade_id": "payoff_modes_text"}
# **The path, three times.** Two layers, a target with strengths 3, 2, 1 and ½, an aligned start of 0.001 in every mode: the modes of a run (marks), your `saxe_mode` (dashed), and your `end_to_end_update`, which never sees a layer (dotted). Where do the three differ?

# %% tags=["explore"]
rng, strengths, eta = np.random.default_rng(0), np.array([3, 2, 1, 0.5]), 0.01
U, V = (np.linalg.qr(rng.normal(size=(4, 4)))[0] for _ in range(2))
Phi, W = U * strengths @ V.T, 1e-3 * U @ V.T
_, _, products = train(W, [4, 4, 4], Phi, eta, steps=900)
modes, alone = np.einsum("ik,tij,jk->tk", U, products, V), []
for _ in range(900):
    alone.append(np.diag(U.T @ W @ V))
    W = plain(end_to_end_update(W, W - Phi, 2, eta))
t = eta * np.arange(900)


def paths(ax):
    for k, s in enumerate(strengths):
        colour = plots.COLOURS[k]
        ax.plot(t, modes[:, k], color=colour, marker=plots.MARKERS[k], markevery=60, linewidth=0.9)
        ax.plot(t, plain(saxe_mode(t, s, 1e-3)), color=plots.GREY, linestyle="--", linewidth=1)
        ax.plot(t, np.array(alone)[:, k], color=plots.GREY, linestyle=":", linewidth=2)
        ax.text(9.1, s, f"s = {s:g}", color=plots.ink(colour), fontsize=9, va="center")
    ax.set(xlim=(0, 10), ylim=(0, 3.3), xlabel="time (steps × η)", ylabel="strength of the mode")


plots.show(
    paths,
    height=3,
    alt="Four modes rise one after the other in steep S curves, the strongest first; marks, dashed formula and dotted rule lie on one another.",
)
theory = np.array([plain(saxe_mode(t, s, 1e-3)) for s in strengths]).T
print(
    f"layers against the formula: {np.abs(modes - theory).max():.4f}; against the rule: {np.abs(modes - np.array(alone)).max():.4f}"
)

# %% [markdown] nbgrader={"grade_id": "payoff_modes_seen"}
# <details><summary>What to see</summary>
#
# Nowhere to the eye. Layers and formula differ by at most 0.07, layers and rule by 0.08, both while the strongest mode rises: the formula belongs to the flow, and the rule leaves out terms in η². A tenth of the rate would
# make both differences a tenth.
#
# </details>

# %% [markdown] nbgrader={"grade_id": "written_deep_linear_statement"}
# ## Exercise 9: what was proved?
#
# written question &nbsp;·&nbsp; 3 points &nbsp;·&nbsp; 15 minutes &nbsp;·&nbsp; difficulty 3 of 5
#
# Three sentences from a report. Say of each in two or three sentences what is wrong with it.
#
# 1. "All local minima of our ten-layer linear network are global, so gradient descent will find one."
# 2. "Theorem 1 needs a balanced start. Ours is Gaussian and not balanced, so it cannot converge."
# 3. "At the rate of the theorem we need a million steps, and in practice 300. So the theorem is wrong."

# %% [markdown] nbgrader={"grade_id": "written_deep_linear", "points": 3}
# ### BEGIN SOLUTION
# 1. Nothing is said about saddles, starts and rates. From three weight matrices on there are non-strict saddles such as zero, where the Hessian vanishes, so a small start may stand there for as long as one likes; a lopsided or large start diverges at a
#    given rate, and the identity start with a negative eigenvalue ends at a saddle.
# 2. The condition is sufficient. For each of the two conditions there are starts that violate it and fail; most unbalanced random starts of the lecture arrived.
# 3. The theorem gives an upper bound for small rates: it says nothing of larger ones. That larger rates work is no contradiction; its bound on one step held there as well.
#
# **Marking scheme** (3 points)
#
# - 1 point: part 1. Half a point for "minima alone do not say where the path goes", half for one true example of a failure (non-strict saddle, start, rate).
# - 1 point: part 2. Half a point for sufficient against necessary, half for "a violation may fail, and need not" or an example.
# - 1 point: part 3. Half a point for an upper bound, half for "the rate is outside of what is claimed".
# - No deduction for language.
# ### END SOLUTION
