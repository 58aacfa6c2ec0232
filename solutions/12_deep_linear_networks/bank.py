"""Right and wrong solutions of assignment 12. See `grader.source.bank` for the form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.source.bank import edits_of, misconception, variant

if TYPE_CHECKING:  # the notebook's set-up cell imports them
    import itertools

    import numpy as np
    import torch

SURFACE = "1. What would a kind surface prove?"
PATH = "3. Where does the path go?"
CERTAIN = "4. When is arrival certain?"
STARTS = "5. Does your start meet the conditions, and what is left with tanh?"

# --- end_to_end: W_N ... W_1 ------------------------------------------------------------------------------------------------


@variant("end_to_end")
def by_reduce(Ws):
    from functools import reduce

    return reduce(lambda below, W: np.matmul(W, below), Ws)


@variant("end_to_end")
def from_the_top(Ws):
    W = np.eye(Ws[-1].shape[0])
    for j in range(len(Ws) - 1, -1, -1):
        W = W @ Ws[j]
    return W


@variant("end_to_end")
def product_by_torch(Ws):
    W = torch.eye(Ws[0].shape[1], dtype=torch.float64)
    for layer in Ws:
        W = torch.tensor(layer, requires_grad=True) @ W
    return W


@variant("end_to_end")
def product_by_loops(Ws):
    W = Ws[0].tolist()
    for layer in Ws[1:]:
        W = [[sum(row[k] * W[k][i] for k in range(len(W))) for i in range(len(W[0]))] for row in layer.tolist()]
    return W


@variant("end_to_end")
def product_by_einsum(Ws):
    W = np.array(Ws[0])
    for layer in Ws[1:]:
        W = np.einsum("oh,hi->oi", layer, W)
    return W


wrong = edits_of("end_to_end", see=SURFACE)
STEP = "W = layer @ W"
wrong(
    "reversed_order",
    (STEP, "W = W @ layer"),
    says="You multiply the layers as W1 W2 ... WN; the input meets W1 first, so W1 stands on the right.",
)
wrong(
    "transposed",
    ("return W", "return W.T"),
    says="You return the transpose of the product; it maps the input of width d_0 to d_N, so its shape is (d_N, d_0).",
)
wrong(
    "skips_first",
    ("W = Ws[0]", "W = np.eye(Ws[0].shape[0])"),
    says="The first layer is missing from your product.",
)
wrong("skips_last", ("Ws[1:]", "Ws[1:-1]"), says="The last layer is missing from your product.")
wrong(
    "first_twice",
    ("Ws[1:]", "Ws"),
    says="You start with the first layer and multiply by it once more: it counts twice.",
)
wrong(
    "entry_by_entry",
    (STEP, "W = layer * W"),
    says="* multiplies entry by entry; the product of matrices is @.",
)
wrong(
    "layers_transposed",
    (STEP, "W = layer.T @ W"),
    says="You transpose the layers before you multiply; W_j is (d_j, d_(j-1)) already and acts from the left as it is.",
)
wrong(
    "layers_added",
    (STEP, "W = layer + W"),
    says="You add the layers; a deep linear network composes them, which multiplies.",
)


@misconception("end_to_end", says="You multiply exactly two layers; the list may have any number of them.", see=SURFACE)
def hardcoded_2(Ws):
    return Ws[1] @ Ws[0]


@misconception(
    "end_to_end", says="np.linalg.multi_dot refuses a single matrix; with one layer return that layer.", see=SURFACE
)
def multi_dot_alone(Ws):
    return np.linalg.multi_dot(Ws[::-1])


@misconception(
    "end_to_end", says="You empty the caller's list with pop; read the layers and leave the list as it was.", see=SURFACE
)
def pops_the_list(Ws):
    W = Ws.pop(0)
    while Ws:
        W = Ws.pop(0) @ W
    return W


@misconception(
    "end_to_end", says="list.reverse turns round the caller's list; use reversed(Ws) or Ws[::-1], which leave it alone.", see=SURFACE
)
def reverses_the_list(Ws):
    W = np.eye(Ws[-1].shape[0])
    Ws.reverse()
    for layer in Ws:
        W = W @ layer
    return W


# --- deep_linear_grads: (above)^T E (below)^T ---------------------------------------------------------------------------------


@variant("deep_linear_grads")
def gradients_by_autograd(Ws, Phi):
    layers = [torch.tensor(W, requires_grad=True) for W in Ws]
    W = torch.eye(Ws[0].shape[1], dtype=torch.float64)
    for layer in layers:
        W = layer @ W
    loss = 0.5 * ((W - torch.tensor(Phi)) ** 2).sum()
    return list(torch.autograd.grad(loss, layers))


@variant("deep_linear_grads")
def every_product_afresh(Ws, Phi):
    def chain(layers, n):
        W = np.eye(n)
        for layer in layers:
            W = layer @ W
        return W

    E = chain(Ws, Phi.shape[1]) - Phi
    return [
        np.einsum("oh,oi,di->hd", chain(Ws[j + 1 :], Ws[j].shape[0]), E, chain(Ws[:j], Phi.shape[1]))
        for j in range(len(Ws))
    ]


@variant("deep_linear_grads")
def backpropagation(Ws, Phi):
    outputs = [np.eye(Ws[0].shape[1])]
    for W in Ws:
        outputs.append(W @ outputs[-1])
    delta, grads = outputs[-1] - Phi, []
    for j in reversed(range(len(Ws))):
        grads.insert(0, delta @ outputs[j].T)
        delta = Ws[j].T @ delta
    return grads


@variant("deep_linear_grads")
def gradients_as_a_tuple_of_lists(Ws, Phi):
    h, below = torch.eye(Phi.shape[1], dtype=torch.float64), []
    for W in Ws:
        below.append(h)
        h = torch.as_tensor(W) @ h
    delta, grads = h - torch.as_tensor(Phi), []
    for W, b in zip(Ws[::-1], below[::-1], strict=True):
        grads.append((delta @ b.T).tolist())
        delta = torch.as_tensor(W).T @ delta
    return tuple(grads[::-1])


wrong = edits_of("deep_linear_grads", see=SURFACE)
ERROR, ONE = "E = below[-1] - Phi", "above[N - 1 - j].T @ E @ below[j].T"
wrong(
    "factor_2", (ONE, f"2 * {ONE}"), says="Your gradients are twice too large: the loss has the factor 1/2 that takes the 2 of the square."
)
wrong("sign", (ERROR, "E = Phi - below[-1]"), says="Your gradients point downhill: E is the product less Phi, not Phi less the product.")
wrong("no_pre", (ONE, "above[N - 1 - j].T @ E"), says="The layers below are missing: E is followed by (W_(j-1) ... W_1)^T.")
wrong("no_post", (ONE, "E @ below[j].T"), says="The layers above are missing: E comes down through (W_N ... W_(j+1))^T.")
wrong(
    "post_not_transposed",
    (ONE, "above[N - 1 - j] @ E @ below[j].T"),
    says="The product of the layers above has to come back transposed.",
)
wrong("pre_not_transposed", (ONE, "above[N - 1 - j].T @ E @ below[j]"), says="The product of the layers below has to come back transposed.")
wrong(
    "own_layer_below",
    (ONE, "above[N - 1 - j].T @ E @ below[j + 1].T"),
    says="Your product from below contains layer j itself; it ends at layer j - 1.",
)
wrong("own_layer_above", (ONE, "above[N - j].T @ E @ below[j].T"), says="Your product from above contains layer j itself; it begins at layer j + 1.")
wrong("from_the_last", ("for j in range(N)", "for j in reversed(range(N))"), says="Your list begins with the gradient of the last layer; it goes with the layers, W1 first.")
wrong("mean", (ONE, f"{ONE} / Phi.size"), says="You divide by the number of entries; this loss is a sum of squares, not a mean.")
wrong("target_forgotten", (ERROR, "E = below[-1]"), says="Phi does not occur in your gradients: E is the product less Phi.")
wrong("gradients_transposed", (ONE, f"({ONE}).T"), says="Your gradients are transposed; each has the shape of its layer.")
wrong(
    "target_overwritten",
    (ERROR, "Phi -= below[-1]\n    E = -Phi"),
    says="-= changes the caller's Phi; write the difference into a new array.",
)


@misconception("deep_linear_grads", says="Your two formulas fit a network of two layers only; N is the length of the list.", see=SURFACE)
def two_layers_only(Ws, Phi):
    E = Ws[1] @ Ws[0] - Phi
    return [Ws[1].T @ E, E @ Ws[0].T]


@misconception(
    "deep_linear_grads", says="np.linalg.multi_dot refuses a single matrix; for one layer the gradient is E itself.", see=SURFACE
)
def multi_dot_for_the_product(Ws, Phi):
    delta, grads, below = np.linalg.multi_dot(Ws[::-1]) - Phi, [], [np.eye(Phi.shape[1])]
    for W in Ws:
        below.append(W @ below[-1])
    for j in reversed(range(len(Ws))):
        grads.insert(0, delta @ below[j].T)
        delta = Ws[j].T @ delta
    return grads


# --- balancedness_gap: max |W_{j+1}^T W_{j+1} - W_j W_j^T|_F -----------------------------------------------------------------


@variant("balancedness_gap")
def gap_by_a_loop(Ws):
    worst = 0
    for j in range(len(Ws) - 1):
        D = np.dot(Ws[j + 1].T, Ws[j + 1]) - np.dot(Ws[j], Ws[j].T)
        worst = max(worst, np.sqrt((D**2).sum()))
    return worst


@variant("balancedness_gap")
def gap_by_torch(Ws):
    layers = [torch.tensor(W, requires_grad=True) for W in Ws]
    gaps = [torch.zeros((), dtype=torch.float64)]
    for W, V in itertools.pairwise(layers):
        gaps.append(torch.linalg.matrix_norm(V.mT @ V - W @ W.mT))
    return torch.stack(gaps).max()


@variant("balancedness_gap")
def gap_by_traces(Ws):
    if len(Ws) < 2:
        return 0.0
    squares = []
    for W, V in itertools.pairwise(Ws):
        D = np.einsum("ki,kj->ij", V, V) - np.einsum("ik,jk->ij", W, W)
        squares.append(np.trace(D @ D.T))
    return max(squares) ** 0.5


@variant("balancedness_gap")
def gap_by_singular_values(Ws):
    gaps = [
        np.linalg.norm(np.linalg.svd(W @ W.T - V.T @ V, compute_uv=False))
        for W, V in itertools.pairwise(Ws)
    ]
    return np.max(gaps, initial=0.0)


wrong = edits_of("balancedness_gap", see=PATH)
PAIR, NORM, WORST = "above.T @ above - W @ W.T", "np.linalg.norm(above.T @ above - W @ W.T)", "max(gaps, default=0.0)"
wrong(
    "transposes_flipped",
    (PAIR, "above @ above.T - W.T @ W"),
    says="Your transposes are on the wrong sides: both products live on the units between the two layers.",
)
wrong("spectral", (NORM, f"np.linalg.norm({PAIR}, 2)"), says="You take the spectral norm, the largest singular value; the gap is a Frobenius norm.")
wrong("mean_of_pairs", (WORST, "sum(gaps) / max(len(gaps), 1)"), says="You average over the pairs; the worst pair counts.")
wrong("sum_of_pairs", (WORST, "sum(gaps)"), says="You add up the gaps of the pairs; the worst pair counts, alone.")
wrong("best_pair", (WORST, "min(gaps, default=0.0)"), says="You take the smallest gap of all pairs; the largest counts.")
wrong("first_pair_alone", (WORST, "max(gaps[:1], default=0.0)"), says="You look at the first pair of layers only.")
wrong("last_pair_alone", (WORST, "max(gaps[-1:], default=0.0)"), says="You look at the last pair of layers only.")
wrong("largest_entry", (NORM, f"np.abs({PAIR}).max()"), says="You take the largest entry; the Frobenius norm is the root of the sum of all squares.")
wrong("squared_norm", (NORM, f"{NORM} ** 2"), says="Your gap is squared: the root is missing.")
wrong(
    "norms_compared",
    (NORM, "abs(np.linalg.norm(above) ** 2 - np.linalg.norm(W) ** 2)"),
    says="You compare the sizes of the two layers; the gap compares the matrices W_(j+1)^T W_(j+1) and W_j W_j^T entry by entry.",
)
wrong("sum_for_difference", (PAIR, "above.T @ above + W @ W.T"), says="You add the two products; balanced layers are those whose difference is zero.")
wrong("diagonal_alone", (NORM, f"np.linalg.norm(np.diag({PAIR}))"), says="You compare the diagonals only; the entries beside them count too.")
wrong("no_pairs_no_answer", (WORST, "max(gaps)"), says="max of an empty list raises an error; the gap of one layer is 0.")
wrong("itself_alone", (WORST, "max(gaps, default=np.linalg.norm(Ws[0].T @ Ws[0]))"), says="One layer has no neighbour to differ from: its gap is 0.")


@misconception("balancedness_gap", says="You take the layers out of the caller's list; read them and leave the list as it was.", see=PATH)
def gap_pops_the_list(Ws):
    worst, W = 0.0, Ws.pop(0)
    while Ws:
        V = Ws.pop(0)
        worst, W = max(worst, float(np.linalg.norm(V.T @ V - W @ W.T))), V
    return worst


# --- balanced_init: an equal share of the singular values for every layer ------------------------------------------------------


@variant("balanced_init")
def through_random_rotations(A, dims):
    rng, N = np.random.default_rng(7), len(dims) - 1
    U, s, Vt = np.linalg.svd(A, full_matrices=False)
    right, layers = Vt.T, []
    for j in range(1, N + 1):
        left = U if j == N else np.linalg.qr(rng.normal(size=(dims[j], len(s))))[0]
        layers.append(left * s ** (1 / N) @ right.T)
        right = left
    return layers


@variant("balanced_init")
def by_torch_svd(A, dims):
    U, s, V = torch.linalg.svd(torch.tensor(A, requires_grad=True), full_matrices=False)
    N, r = len(dims) - 1, len(s)
    left = [*(torch.eye(d, r, dtype=torch.float64) for d in dims[1:-1]), U]
    right = [V, *(torch.eye(r, d, dtype=torch.float64) for d in dims[1:-1])]
    return [a @ torch.diag(s ** (1 / N)) @ b for a, b in zip(left, right, strict=True)]


@variant("balanced_init")
def rectangular_diagonals(A, dims):
    N = len(dims) - 1
    U, s, Vt = np.linalg.svd(A)
    layers = []
    for i, o in itertools.pairwise(dims):
        D = np.zeros((o, i))
        for k, value in enumerate(s):
            D[k, k] = value ** (1 / N)
        layers.append(D)
    layers[0] = layers[0] @ Vt
    layers[-1] = U @ layers[-1]
    return layers


@variant("balanced_init")
def last_hidden_units(A, dims):
    N = len(dims) - 1
    U, s, Vt = np.linalg.svd(A, full_matrices=False)
    r, root = len(s), np.diag(np.exp(np.log(s) / N))
    Q = [np.eye(d)[:, d - r :] for d in dims]
    Q[0], Q[-1] = Vt.T, U
    return tuple(np.einsum("or,rs,is->oi", Q[j + 1], root, Q[j]) for j in range(N))


wrong = edits_of("balanced_init", see=STARTS)
SHARE, QS = "sigma ** (1 / (len(dims) - 1))", "[Vt.T, *(np.eye(d, len(sigma)) for d in dims[1:-1]), U]"
wrong("power_missing", (SHARE, "sigma"), says="Every layer gets all of the singular values, so the product has them to the power N; each layer takes the power 1/N.")
wrong("sqrt_power", (SHARE, "np.sqrt(sigma)"), says="You take the square root whatever the depth; with N layers each takes the power 1/N.")
wrong("widths_for_layers", (SHARE, "sigma ** (1 / len(dims))"), says="dims has N + 1 widths, so your root is one too high: there are len(dims) - 1 layers.")
wrong("hidden_layers_for_layers", (SHARE, "sigma ** (1 / max(len(dims) - 2, 1))"), says="You count the hidden widths; there is one layer more than these.")
wrong("no_left_vectors", (QS, "[Vt.T, *(np.eye(d, len(sigma)) for d in dims[1:-1]), np.eye(*U.shape)]"), says="The left singular vectors U are missing from the last layer.")
wrong("no_right_vectors", (QS, "[np.eye(*Vt.T.shape), *(np.eye(d, len(sigma)) for d in dims[1:-1]), U]"), says="The right singular vectors V are missing from the first layer.")
wrong(
    "V_for_its_transpose",
    ("[Vt.T, *", "[Vt, *"),
    says="NumPy's third result is V transposed already: its rows are the right singular vectors.",
)
wrong("narrow_layers", ("np.eye(d, len(sigma))", "np.eye(len(sigma))"), says="Your hidden layers have as many units as there are singular values; dims says how wide they are.")
wrong(
    "from_the_last_layer",
    ("for below, above in itertools.pairwise(Qs)]", "for below, above in itertools.pairwise(Qs)][::-1]"),
    says="Your list begins with the last layer; W1, the one at the input, comes first.",
)
wrong(
    "dims_shortened",
    ("U, sigma, Vt = np.linalg.svd(A, full_matrices=False)", "U, sigma, Vt = np.linalg.svd(A, full_matrices=False)\n    last = dims.pop()\n    dims = [*dims, last]"),
    says="pop takes the last width out of the caller's list; read it by dims[-1].",
)


@misconception("balanced_init", says="The last layer holds all singular values and the others none: the product is right, and neighbours are not equal.", see=PATH)
def sigma_in_last(A, dims):
    U, s, Vt = np.linalg.svd(A, full_matrices=False)
    Qs = [Vt.T, *(np.eye(d, len(s)) for d in dims[1:-1]), U]
    Ws = [above @ below.T for below, above in itertools.pairwise(Qs)]
    Ws[-1] = U * s @ Qs[-2].T
    return Ws


@misconception("balanced_init", says="The first layer holds all singular values and the others none: the product is right, and neighbours are not equal.", see=PATH)
def sigma_in_first(A, dims):
    U, s, Vt = np.linalg.svd(A, full_matrices=False)
    Qs = [Vt.T, *(np.eye(d, len(s)) for d in dims[1:-1]), U]
    Ws = [above @ below.T for below, above in itertools.pairwise(Qs)]
    Ws[0] = Qs[1] * s @ Vt
    return Ws


@misconception("balanced_init", says="Identity layers are balanced, but their product is not A.", see=STARTS)
def identity_layers(A, dims):
    return [np.eye(o, i) for i, o in itertools.pairwise(dims)]


@misconception("balanced_init", says="A itself in one layer and identities in the others has the right product; its neighbours are not equal.", see=PATH)
def A_in_the_first_layer(A, dims):
    r = min(A.shape)
    if len(dims) == 2:
        return [A.copy()]
    if r == A.shape[0]:
        return [np.eye(dims[1], r) @ A, *(np.eye(o, i) for i, o in itertools.pairwise(dims[1:]))]
    return [*(np.eye(o, i) for i, o in itertools.pairwise(dims[:-1])), A @ np.eye(r, dims[-2])]


# --- deficiency_margin: sigma_min(Phi) - |W - Phi|_F --------------------------------------------------------------------------


@variant("deficiency_margin")
def margin_from_all_singular_values(W, Phi):
    sigma = np.linalg.svd(Phi)[1]
    return sigma[-1] - np.sqrt(np.sum((Phi - W) ** 2))


@variant("deficiency_margin")
def margin_by_torch(W, Phi):
    W, Phi = torch.tensor(W, requires_grad=True), torch.tensor(Phi)
    return torch.linalg.svdvals(Phi)[-1] - torch.linalg.matrix_norm(W - Phi)


@variant("deficiency_margin")
def margin_by_the_spectral_norm(W, Phi):
    return np.linalg.norm(Phi, -2) - np.linalg.norm((W - Phi).ravel())


@variant("deficiency_margin")
def margin_by_the_small_gram_matrix(W, Phi):
    gram = Phi @ Phi.T if Phi.shape[0] <= Phi.shape[1] else Phi.T @ Phi
    distance = sum(x * x for row in (W - Phi).tolist() for x in row) ** 0.5
    return float(np.sqrt(np.linalg.eigvalsh(gram)[0])) - distance


wrong = edits_of("deficiency_margin", see=CERTAIN)
LOW, DISTANCE = "np.linalg.svd(Phi, compute_uv=False).min()", "np.linalg.norm(W - Phi)"
wrong("spectral_distance", (DISTANCE, "np.linalg.norm(W - Phi, 2)"), says="You measure the distance by the spectral norm; the definition has the Frobenius norm.")
wrong("sigma_max", (LOW, "np.linalg.svd(Phi, compute_uv=False).max()"), says="You take the largest singular value of Phi; the smallest says how far the matrices of lower rank are.")
wrong("sigma_min_of_W", (LOW, "np.linalg.svd(W, compute_uv=False).min()"), says="You take the singular values of W; those of the target Phi count.")
wrong("squared_distance", (DISTANCE, f"{DISTANCE} ** 2"), says="Your distance is squared: the root is missing.")
wrong("loss_for_distance", (DISTANCE, f"{DISTANCE} ** 2 / 2"), says="You subtract the loss; the definition has the distance, the root of the sum of squares.")
wrong("cut_at_zero", ("float(sigma_min - np.linalg.norm(W - Phi))", "max(0.0, float(sigma_min - np.linalg.norm(W - Phi)))"), says="You cut the margin off at zero; a start without a margin has a negative one.")
wrong("size_alone", ("float(sigma_min - np.linalg.norm(W - Phi))", "abs(float(sigma_min - np.linalg.norm(W - Phi)))"), says="Your margin has lost its sign; a start without a margin has a negative one.")
wrong("difference_reversed", ("sigma_min - np.linalg.norm(W - Phi)", "np.linalg.norm(W - Phi) - sigma_min"), says="Your difference is the wrong way round: the margin is large where the distance is small.")
wrong("sum_of_both", ("sigma_min - np", "sigma_min + np"), says="You add the distance; it uses up the margin, so it is subtracted.")
wrong("size_of_the_target", (LOW, "np.linalg.norm(Phi)"), says="You take the norm of Phi; the smallest singular value says how far the matrices of lower rank are.")
wrong("squared_singular_value", (LOW, f"{LOW} ** 2"), says="You take the squared singular value, an eigenvalue of Phi^T Phi; its root counts.")
wrong("eigenvalues", (LOW, "np.abs(np.linalg.eigvals(Phi)).min()"), says="You take eigenvalues, which a rectangular matrix has not; the definition has singular values.")
wrong("start_overwritten", (DISTANCE, "np.linalg.norm(np.subtract(W, Phi, out=W))"), says="You write the difference into the caller's W; make a new array.")

# --- theorem1_constants ---------------------------------------------------------------------------------------------------------


@variant("theorem1_constants")
def constants_by_logarithms(c, Phi_fro, N, loss0, eps):
    import math

    lc, lp = math.log(c), math.log(Phi_fro)
    delta = math.exp(2 * lc - (2 - 2 / N) * lp) / 256 / N / N / N
    eta = math.exp((4 - 2 / N) * lc - (6 - 4 / N) * lp) / 6144 / N**3
    return {"T": (math.log(loss0) - math.log(eps)) / eta / math.exp((2 - 2 / N) * lc), "eta": eta, "delta": delta}


@variant("theorem1_constants")
def constants_by_torch(c, Phi_fro, N, loss0, eps):
    c = torch.tensor(c, dtype=torch.float64, requires_grad=True)
    phi = torch.tensor(Phi_fro, dtype=torch.float64)
    delta = c**2 / (256 * N**3 * phi ** (2 * (N - 1) / N))
    eta = c ** ((4 * N - 2) / N) / (6144 * N**3 * phi ** ((6 * N - 4) / N))
    T = torch.log(torch.tensor(loss0 / eps, dtype=torch.float64)) / (eta * c ** (2 * (N - 1) / N))
    return {"delta": delta, "eta": eta, "T": T}


@variant("theorem1_constants")
def eta_from_delta(c, Phi_fro, N, loss0, eps):
    share = c ** (2 * (N - 1) / N)
    delta = c * c / (256 * N**3 * Phi_fro ** (2 * (N - 1) / N))
    eta = delta * share / (24 * Phi_fro ** ((4 * N - 2) / N))
    return {"delta": delta, "eta": eta, "T": np.log(loss0 / eps) / eta / share}


@variant("theorem1_constants")
def constants_as_arrays(c, Phi_fro, N, loss0, eps):
    power = np.power
    delta = power(c, 2) / 256 / power(N, 3) / power(Phi_fro, 2 - 2 / N)
    eta = np.array(power(c, 4 - 2 / N) / 6144 / power(N, 3) / power(Phi_fro, 6 - 4 / N))
    return {"delta": delta, "eta": eta, "T": -np.log(eps / loss0) / (eta * power(c, 2 - 2 / N))}


wrong = edits_of("theorem1_constants", see=CERTAIN)
ETA_C, DELTA, RATE, LOG = "c ** ((4 * N - 2) / N)", "c**2 / (256 * N**3", "(eta * c ** (2 * (N - 1) / N))", "np.log(loss0 / eps)"
wrong("exponent_4N_minus_1", (ETA_C, "c ** ((4 * N - 1) / N)"), says="The margin in your eta has the exponent (4N - 1)/N; it is (4N - 2)/N.")
wrong("no_division_by_N", (ETA_C, "c ** (4 * N - 2)"), says="The exponent of the margin in your eta is not divided by N.")
wrong("brackets_of_the_exponent", (ETA_C, "c ** (4 * N - 2 / N)"), says="(4N - 2)/N is divided as a whole; you divide the 2 alone.")
wrong("eta_phi_brackets", ("(6 * N - 4) / N", "6 * N - 4 / N"), says="(6N - 4)/N is divided as a whole; you divide the 4 alone.")
wrong("N_not_cubed", ("256 * N**3", "256 * N"), says="Your delta has N; it has N cubed.")
wrong("eta_N_not_cubed", ("6144 * N**3", "6144 * N"), says="Your eta has N; it has N cubed.")
wrong("delta_margin_not_squared", (DELTA, "c / (256 * N**3"), says="The margin in your delta is squared in the theorem.")
wrong("delta_without_phi", (" * Phi_fro ** (2 * (N - 1) / N)", ""), says="The norm of Phi is missing from your delta.")
wrong("delta_exponent_halved", ("Phi_fro ** (2 * (N - 1) / N)", "Phi_fro ** ((N - 1) / N)"), says="The exponent of the norm in your delta is (N - 1)/N; it is twice that.")
wrong("eta_without_phi", (" * Phi_fro ** ((6 * N - 4) / N)", ""), says="The norm of Phi is missing from your eta.")
wrong("T_uses_c", (RATE, "(eta * c)"), says="Your T divides by eta times c; the loss falls by eta times c to the power 2(N - 1)/N a step.")
wrong("T_exponent_halved", (RATE, "(eta * c ** ((N - 1) / N))"), says="The margin in your T has the exponent (N - 1)/N; it is twice that, because the loss is a square.")
wrong("T_without_margin", (RATE, "eta"), says="The margin is missing from your T.")
wrong("log_10", (LOG, "np.log10(loss0 / eps)"), says="You take the logarithm to base 10; it is the natural one.")
wrong("log_reversed", (LOG, "np.log(eps / loss0)"), says="Your T is negative: it is the logarithm of the loss at the start over the one to be reached.")
wrong("T_rounded", ("float(T)", "float(np.ceil(T))"), says="You round T up; it is asked for as it is.")
wrong("a_ratio_for_its_log", (LOG, "loss0 / eps"), says="The logarithm is missing from your T: the loss falls by a factor a step.")

# --- saxe_mode --------------------------------------------------------------------------------------------------------------------


@variant("saxe_mode")
def by_the_logistic_function(t, s, u0, tau=1.0):
    from scipy.special import expit

    if u0 < s:
        return s * expit(2 * s * t / tau - np.log(s / u0 - 1))
    return s / (1 - (1 - s / u0) * np.exp(-2 * s * t / tau))


@variant("saxe_mode")
def mode_by_torch(t, s, u0, tau=1.0):
    decay = torch.exp(-2 * s / tau * torch.tensor(t, requires_grad=True))
    return s * u0 / (u0 + (s - u0) * decay)


@variant("saxe_mode")
def one_time_after_another(t, s, u0, tau=1.0):
    import math

    return [s * u0 / (u0 * (1 - math.exp(-2 * s * x / tau)) + s * math.exp(-2 * s * x / tau)) for x in t.tolist()]


@variant("saxe_mode")
def exponent_held_below_700(t, s, u0, tau=1.0):
    E = np.exp(np.minimum(2 * s * t / tau, 600.0))
    return s * (E / (E - 1 + s / u0))


@variant("saxe_mode")
def by_expm1(t, s, u0, tau=1.0):
    late = np.expm1(-2 * s * t / tau)  # 1/E - 1
    return 1 / (-late / s + (1 + late) / u0)


wrong = edits_of("saxe_mode", see=PATH)
RATIO, GROWTH = "(s / u0 - 1)", "-2 * s * t / tau"
wrong("missing_2", (GROWTH, "-s * t / tau"), says="The 2 in the exponent is missing: two layers grow together.")
wrong("no_minus_1", (RATIO, "(s / u0)"), says="The -1 is missing: at t = 0 your mode is not u0.")
wrong("root_of_the_start", (RATIO, "(s / np.sqrt(u0) - 1)"), says="You take the root of u0; u0 is the strength of the product already, not of one layer.")
wrong("tau_above", (GROWTH, "-2 * s * t * tau"), says="You multiply by tau; it divides the time.")
wrong("tau_forgotten", (GROWTH, "-2 * s * t"), says="tau does not occur in your formula; it divides the time.")
wrong("decays", (GROWTH, "2 * s * t / tau"), says="Your mode decays to zero: with 1/E in the denominator the exponent is negative.")
wrong("one_pace_for_all", (GROWTH, "-2 * t / tau"), says="The strength s is missing from your exponent: strong modes grow faster.")
wrong("ratio_upside_down", (RATIO, "(u0 / s - 1)"), says="Your ratio is upside down: it is s over u0.")
wrong("scaled_by_u0", ("return s / (1", "return u0 / (1"), says="Your mode ends at u0; it ends at s.")


@misconception("saxe_mode", says="Your exponential overflows at late times, and infinity over infinity is nan; divide by E and take the small exponential.", see=PATH)
def overflowing_form(t, s, u0, tau=1.0):
    E = np.exp(2 * s * t / tau)
    return s * E / (E - 1 + s / u0)


@misconception("saxe_mode", says="You replace the nan of late times by 0; the mode has arrived at s there.", see=PATH)
def nan_to_zero(t, s, u0, tau=1.0):
    E = np.exp(2 * s * t / tau)
    return np.nan_to_num(s * E / (E - 1 + s / u0))


@misconception("saxe_mode", says="Your mode grows exponentially until it hits s; near s it slows down.", see=PATH)
def exponential(t, s, u0, tau=1.0):
    return np.minimum(s, u0 * np.exp(np.minimum(2 * s * t / tau, 600.0)))


@misconception("saxe_mode", says="This is the path of a single layer; with two layers the mode speeds itself up.", see=PATH)
def single_layer(t, s, u0, tau=1.0):
    return s + (u0 - s) * np.exp(-t / tau)


@misconception("saxe_mode", says="You compute inside the caller's array of times; make a new array.", see=PATH)
def times_overwritten(t, s, u0, tau=1.0):
    t *= -2 * s / tau
    return s / (1 + (s / u0 - 1) * np.exp(t))


# --- end_to_end_update ------------------------------------------------------------------------------------------------------------


@variant("end_to_end_update")
def update_by_svd(W, G, N, eta):
    U, s, Vt = np.linalg.svd(W)
    left, right = np.zeros(W.shape[0]), np.zeros(W.shape[1])
    left[: len(s)], right[: len(s)] = s, s
    H = U.T @ G @ Vt.T
    j = np.arange(1, N + 1)[:, None, None]
    factors = left[None, :, None] ** (2 * (j - 1) / N) * right[None, None, :] ** (2 * (N - j) / N)
    return W - eta * U @ (H * factors.sum(axis=0)) @ Vt


@variant("end_to_end_update")
def update_by_torch(W, G, N, eta):
    W, G = torch.tensor(W, requires_grad=True), torch.tensor(G)

    def power(M, p):
        if p == 0:
            return torch.eye(len(M), dtype=torch.float64)
        values, Q = torch.linalg.eigh(M)
        return Q @ torch.diag(values.clamp(min=0) ** p) @ Q.T

    move = torch.zeros_like(G)
    for j in range(1, N + 1):
        move = move + power(W @ W.T, (j - 1) / N) @ G @ power(W.T @ W, (N - j) / N)
    return W - eta * move


@variant("end_to_end_update")
def update_through_balanced_layers(W, G, N, eta):
    U, s, Vt = np.linalg.svd(W, full_matrices=False)
    move = np.zeros(W.shape)
    for j in range(1, N + 1):
        above = U * s ** ((N - j) / N)
        below = s[:, None] ** ((j - 1) / N) * Vt
        left = np.eye(len(W)) if j == N else above @ above.T
        right = np.eye(W.shape[1]) if j == 1 else below.T @ below
        move += left @ G @ right
    return W - eta * move


@variant("end_to_end_update")
def update_by_small_eigenvalues_cut(W, G, N, eta):
    rows, Q = np.linalg.eigh(W @ W.T)
    columns, P = np.linalg.eigh(W.T @ W)
    rows, columns = (np.where(x < 1e-14, 0.0, x) for x in (rows, columns))
    H, total = Q.T @ G @ P, 0.0
    for j in range(N):
        total = total + np.outer(rows ** (j / N), columns ** ((N - 1 - j) / N)) * H
    return W - eta * Q @ total @ P.T


@variant("end_to_end_update")
def counted_from_the_top(W, G, N, eta):
    """The sum over the layers is the same from either end."""

    def power(M, p):
        U, s, Vt = np.linalg.svd(M)
        return U * s**p @ (U.T if p == 0 else Vt)

    return W - eta * sum(power(W @ W.T, 1 - j / N) @ G @ power(W.T @ W, (j - 1) / N) for j in range(1, N + 1))


wrong = edits_of("end_to_end_update", see=PATH)
LEFT, TOTAL, CLIP = "(j - 1) / N) @ G", "sum(moves)", "np.maximum(values, 0)"
wrong(
    "same_exponents",
    ("power(W.T @ W, (N - j) / N)", "power(W.T @ W, (j - 1) / N)"),
    says="Both of your exponents grow with j; while the left one grows from 0, the right one falls to 0.")
wrong("j_over_N", (LEFT, "j / N) @ G"), says="Your left exponent is j/N; it is (j - 1)/N, zero for the first term.")
wrong("plain_gd", (TOTAL, "G"), says="This is a step of one layer; depth multiplies the gradient from both sides.")
wrong("one_term", (TOTAL, "moves[0]"), says="You take the first term of the sum only; there is one for each layer.")
wrong("last_term", (TOTAL, "moves[-1]"), says="You take the last term of the sum only; there is one for each layer.")
wrong("mean_of_terms", (TOTAL, "sum(moves) / N"), says="You average over the layers; their movements add up.")
wrong("climbs", ("return W - eta", "return W + eta"), says="Your step climbs: the gradient enters with a minus sign.")
wrong("nan_on_singular", (CLIP, "values"), says="Rounding makes eigenvalues of -1e-17, and their fractional power is nan; lift them to 0 first.")
wrong("a_term_too_few", ("range(1, N + 1)", "range(1, N)"), says="Your sum ends at N - 1; it has N terms.")
wrong("exponents_halved", (LEFT, "(j - 1) / (2 * N)) @ G"), ("power(W.T @ W, (N - j) / N)", "power(W.T @ W, (N - j) / (2 * N))"), says="Your exponents are half as large as they should be: the matrices are W W^T and W^T W, not their roots.")
wrong("exponents_doubled", (LEFT, "2 * (j - 1) / N) @ G"), ("power(W.T @ W, (N - j) / N)", "power(W.T @ W, 2 * (N - j) / N)"), says="Your exponents are twice too large: W W^T has the squared singular values already.")
wrong("whole_number_division", (LEFT, "(j - 1) // N) @ G"), ("power(W.T @ W, (N - j) / N)", "power(W.T @ W, (N - j) // N)"), says="// divides whole numbers and leaves 0; the exponents are fractions.")
wrong(
    "null_space_dropped",
    ("np.maximum(values, 0) ** p", "np.where(values > 1e-12, np.abs(values) ** p, 0.0)"),
    says="The power 0 of a singular matrix is the identity here; you leave out the directions of eigenvalue 0.",
)
wrong("step_in_place", ("return W - eta * sum(moves)", "W -= eta * sum(moves)\n    return W"), says="-= changes the caller's W; return a new matrix.")


@misconception("end_to_end_update", says="You raise the entries to a power; the power of a matrix raises its eigenvalues.", see=PATH)
def entrywise_power(W, G, N, eta):
    move = 0.0
    for j in range(1, N + 1):
        left = np.eye(W.shape[0]) if j == 1 else np.abs(W @ W.T) ** ((j - 1) / N)
        right = np.eye(W.shape[1]) if j == N else np.abs(W.T @ W) ** ((N - j) / N)
        move = move + left @ G @ right
    return W - eta * move


@misconception("end_to_end_update", says="The gradient of the product stands between the two powers; you put W there.", see=PATH)
def W_between(W, G, N, eta):
    def power(M, p):
        values, Q = np.linalg.eigh(M)
        return Q * np.maximum(values, 0) ** p @ Q.T

    moves = [power(W @ W.T, (j - 1) / N) @ W @ power(W.T @ W, (N - j) / N) for j in range(1, N + 1)]
    return W - eta * sum(moves)
