"""Right and wrong solutions of assignment 8. See `grader.source.bank` for the form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.source.bank import edits_of, misconception, variant

if TYPE_CHECKING:  # the notebook's set-up cell imports them
    import numpy as np
    import torch

SURFACE = "1. Where does the surface come from?"
MEAN = "2. What does a mean do, and whose is it?"
RATES = "3. What does a rate for each weight cure?"
LAYERS = "4. Which rate suits which layer?"

# --- standardize: (x - m) / s with the statistics of the training rows ---------------------------------------------------


@variant("standardize")
def column_by_column(Xtr, Xte):
    Ztr, Zte = np.zeros(Xtr.shape), np.zeros(Xte.shape)
    for j in range(Xtr.shape[1]):
        column = [float(x) for x in Xtr[:, j]]
        m = sum(column) / len(column)
        s = (sum((x - m) ** 2 for x in column) / len(column)) ** 0.5
        if s > 0:
            Ztr[:, j] = (Xtr[:, j] - m) / s
            Zte[:, j] = (Xte[:, j] - m) / s
    return Ztr, Zte


@variant("standardize")
def both_at_once_by_einsum(Xtr, Xte):
    n = len(Xtr)
    both = np.concatenate([Xtr, Xte]) - np.einsum("kj->j", Xtr) / n
    variance = np.einsum("kj,kj->j", both[:n], both[:n]) / n
    scale = np.divide(1.0, np.sqrt(variance), out=np.zeros_like(variance), where=variance > 0)
    return both[:n] * scale, both[n:] * scale


@variant("standardize")
def by_torch(Xtr, Xte):
    tr, te = torch.tensor(Xtr, requires_grad=True), torch.tensor(Xte)
    m, s = tr.mean(dim=0), tr.std(dim=0, correction=0)
    s = torch.where(s == 0, torch.ones_like(s), s)
    return (tr - m) / s, (te - m) / s


@variant("standardize")
def by_scikit_learn(Xtr, Xte):
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(Xtr)
    return [scaler.transform(Xtr), scaler.transform(Xte)]


@variant("standardize")
def nan_to_num_at_the_end(Xtr, Xte):
    m, s = Xtr.mean(0), Xtr.std(0)
    with np.errstate(all="ignore"):
        return tuple(np.nan_to_num((X - m) / s) for X in (Xtr, Xte))


def standardised(Xtr, Xte):
    mean, spread = Xtr.mean(axis=0), Xtr.std(axis=0)
    spread = np.where(np.ptp(Xtr, axis=0) > 0, spread, 1.0)
    Ztr = (Xtr - mean) / spread
    Zte = (Xte - mean) / spread
    return Ztr, Zte


wrong = edits_of("standardize", see=MEAN, form=standardised)
wrong(
    "test_uses_own_stats",
    (
        "Zte = (Xte - mean) / spread",
        "Zte = (Xte - Xte.mean(axis=0)) / np.where(np.ptp(Xte, axis=0) > 0, Xte.std(axis=0), 1.0)",
    ),
    says="You standardise the test rows with statistics of their own; they go through the map of the training rows.",
)
wrong(
    "pooled_stats",
    (
        "Xtr.mean(axis=0), Xtr.std(axis=0)",
        "np.concatenate([Xtr, Xte]).mean(axis=0), np.concatenate([Xtr, Xte]).std(axis=0)",
    ),
    says="Your mean and spread are those of both sets together: the test rows leak into the map.",
)
wrong(
    "ddof_1",
    ("Xtr.std(axis=0)", "Xtr.std(axis=0, ddof=1)"),
    says="You divide by N - 1 inside the standard deviation; here it is the population's, which divides by N.",
    see=SURFACE,
)
wrong(
    "nan_on_constant",
    ("    spread = np.where(np.ptp(Xtr, axis=0) > 0, spread, 1.0)\n", ""),
    says="A constant column becomes nan, zero over zero; it should become 0.",
    see=SURFACE,
)
wrong(
    "one_mean_for_all",
    ("Xtr.mean(axis=0), Xtr.std(axis=0)", "Xtr.mean(), Xtr.std() + np.zeros(Xtr.shape[1])"),
    says="You take one mean and one spread of the whole matrix; every column has its own.",
    see=SURFACE,
)
wrong(
    "rows_for_columns",
    (
        "Ztr = (Xtr - mean) / spread",
        "Ztr = (Xtr - Xtr.mean(axis=1, keepdims=True)) / (Xtr.std(axis=1, keepdims=True) + (np.ptp(Xtr, axis=1, keepdims=True) == 0))",
    ),
    (
        "Zte = (Xte - mean) / spread",
        "Zte = (Xte - Xte.mean(axis=1, keepdims=True)) / (Xte.std(axis=1, keepdims=True) + (np.ptp(Xte, axis=1, keepdims=True) == 0))",
    ),
    says="You standardise every example over its own inputs (axis=1); the statistics belong to a column, down the rows (axis=0).",
    see=SURFACE,
)
wrong(
    "variance_for_spread",
    ("Xtr.std(axis=0)", "Xtr.var(axis=0)"),
    says="You divide by the variance; its root, the standard deviation, makes the spread 1.",
    see=SURFACE,
)
wrong(
    "not_centred",
    ("Ztr = (Xtr - mean) / spread", "Ztr = np.where(np.ptp(Xtr, axis=0) > 0, Xtr, 0) / spread"),
    ("Zte = (Xte - mean) / spread", "Zte = np.where(np.ptp(Xtr, axis=0) > 0, Xte, 0) / spread"),
    says="You divide by the spread and leave the mean where it is; take it off first.",
    see=MEAN,
)
wrong(
    "not_scaled",
    ("Ztr = (Xtr - mean) / spread", "Ztr = Xtr - mean"),
    ("Zte = (Xte - mean) / spread", "Zte = Xte - mean"),
    says="You only centre; every column is to be divided by its standard deviation too.",
    see=SURFACE,
)
wrong(
    "range_for_spread",
    ("Xtr.std(axis=0)", "np.ptp(Xtr, axis=0)"),
    says="You divide by the range, largest less smallest; the exercise asks for the standard deviation.",
    see=SURFACE,
)
wrong(
    "median_for_mean",
    ("Xtr.mean(axis=0)", "np.median(Xtr, axis=0)"),
    says="You take off the median; the mean is what makes a column's sum zero.",
    see=SURFACE,
)
wrong(
    "test_mean_own",
    ("Zte = (Xte - mean) / spread", "Zte = (Xte - Xte.mean(axis=0)) / spread"),
    says="Your spread comes from the training rows, but the test rows are centred by their own mean.",
)
wrong(
    "test_left_alone",
    ("Zte = (Xte - mean) / spread", "Zte = np.where(np.ptp(Xtr, axis=0) > 0, Xte, 0.0)"),
    says="You return the test rows as they were; the network was trained on standardised rows and needs the same of these.",
)
wrong(
    "changes_xtr",
    ("    Ztr = (Xtr - mean) / spread", "    Xtr -= mean\n    Xtr /= spread\n    Ztr = Xtr"),
    says="Your function standardises the caller's Xtr in place: -= and /= change the very array you were given.",
    see=SURFACE,
)
wrong(
    "eps_in_the_spread",
    ("spread = np.where(np.ptp(Xtr, axis=0) > 0, spread, 1.0)", "spread = spread + 1e-3"),
    says="You add a small number to every spread to avoid zero; that changes all other columns too.",
    see=SURFACE,
)

# --- pca_whiten: (x - m) V / sqrt(lambda) ------------------------------------------------------------------------------


@variant("pca_whiten")
def by_svd(Xtr, Xte):
    m = Xtr.mean(0)
    _, s, Vt = np.linalg.svd(Xtr - m, full_matrices=False)
    W = Vt.T * np.sqrt(len(Xtr)) / s
    return (Xtr - m) @ W, (Xte - m) @ W


@variant("pca_whiten")
def by_torch_in_descending_order(Xtr, Xte):
    tr, te = torch.tensor(Xtr, requires_grad=True), torch.tensor(Xte)
    m = tr.mean(dim=0)
    lam, V = torch.linalg.eigh(torch.cov((tr - m).T, correction=0).reshape(tr.shape[1], tr.shape[1]))
    lam, V = lam.flip(0), V.flip(1)
    return (tr - m) @ V @ torch.diag(lam**-0.5), (te - m) @ V @ torch.diag(lam**-0.5)


@variant("pca_whiten")
def by_scikit_learn_rescaled(Xtr, Xte):
    from sklearn.decomposition import PCA

    pca = PCA(whiten=True, svd_solver="full").fit(Xtr)
    factor = np.sqrt(len(Xtr) / (len(Xtr) - 1))
    return [pca.transform(Xtr) * factor, pca.transform(Xte) * factor]


@variant("pca_whiten")
def row_by_row(Xtr, Xte):
    m = [sum(column) / len(Xtr) for column in Xtr.T]
    C = np.zeros((Xtr.shape[1], Xtr.shape[1]))
    for row in Xtr:
        C += np.outer(row - m, row - m) / len(Xtr)
    lam, V = np.linalg.eig(C)
    lam, V = lam.real, V.real
    return tuple(
        [[float(np.dot(row - m, V[:, k])) / lam[k] ** 0.5 for k in range(len(lam))] for row in X]
        for X in (Xtr, Xte)
    )


@variant("pca_whiten")
def rotated_then_scaled_by_einsum(Xtr, Xte):
    m = np.einsum("kj->j", Xtr) / len(Xtr)
    _, V = np.linalg.eigh(np.cov(Xtr.T).reshape(len(m), len(m)))
    R = np.einsum("kj,jl->kl", Xtr - m, -V)
    s = R.std(axis=0)
    return R / s, np.einsum("kj,jl->kl", Xte - m, -V) / s


wrong = edits_of("pca_whiten", see=SURFACE)
ROOT = "axes / np.sqrt(variances)"
TEST = "(Xte - mean) @ W"
wrong(
    "no_sqrt",
    (ROOT, "axes / variances"),
    says="You divide by the variances; their roots, the standard deviations, make the variance 1.",
)
wrong(
    "multiply",
    (ROOT, "axes * np.sqrt(variances)"),
    says="You multiply by the spreads: long axes become longer. Divide by them.",
)
wrong(
    "rotate_only",
    (ROOT, "axes"),
    says="You turn onto the axes and stop there; each new column is still to be divided by its standard deviation.",
)
wrong(
    "standardise_only",
    (ROOT, "np.diag(1 / centred.std(axis=0))"),
    says="You scale each input and leave them correlated; turn onto the principal axes first.",
)
wrong(
    "turned_back",
    (ROOT, "axes / np.sqrt(variances) @ axes.T"),
    says="You turn back after equalising: that is ZCA whitening. Here the columns lie along the principal axes.",
)
wrong(
    "rows_for_axes",
    (ROOT, "axes.T / np.sqrt(variances)"),
    says="You take the rows of eigh's matrix for the axes; the eigenvectors are its columns.",
)
wrong(
    "whitened_by_cholesky",
    (ROOT, "np.linalg.inv(np.linalg.cholesky(centred.T @ centred / len(Xtr))).T"),
    says="Your map whitens by a Cholesky factor; its columns are not orthogonal, so they are not the principal axes.",
)
wrong(
    "scaled_before_turning",
    (
        "variances, axes = np.linalg.eigh(centred.T @ centred / len(Xtr))",
        "spread = centred.std(axis=0)\n    variances, axes = np.linalg.eigh(np.corrcoef(centred.T).reshape(len(spread), -1))\n    axes = axes / spread[:, None]",
    ),
    says="You standardise before you turn: the axes are then those of the correlations, not of the covariance.",
)
wrong(
    "wrong_order",
    ("centred = Xtr - mean", "centred = (Xtr - mean) / Xtr.std(axis=0)"),
    (ROOT, "axes"),
    ("return centred @ W, (Xte - mean) @ W", "return centred @ W, (Xte - mean) / Xtr.std(axis=0) @ W"),
    says="You scale first and turn last; a turn changes no eigenvalue, so the covariance is not the identity. Decorrelate, then equalise.",
)
wrong(
    "sample_covariance",
    ("/ len(Xtr)", "/ (len(Xtr) - 1)"),
    says="Your covariance divides by N - 1; here it divides by N.",
)
wrong(
    "covariance_not_divided",
    ("centred.T @ centred / len(Xtr)", "centred.T @ centred"),
    says="You forgot to divide the sum of products by N, so the new columns have length 1 and not variance 1.",
)
wrong(
    "mean_left_in",
    ("centred = Xtr - mean", "centred = Xtr"),
    (TEST, "Xte @ W"),
    says="You whiten without taking off the mean, so the second moment is the identity and not the covariance.",
    see=MEAN,
)
wrong(
    "mean_left_in_the_result",
    ("return centred @ W, (Xte - mean) @ W", "return Xtr @ W, Xte @ W"),
    says="Your axes come from centred rows, but you map rows that still have their mean.",
    see=MEAN,
)
wrong(
    "test_whitened_alone",
    (TEST, "(Xte - mean) @ axes / (((Xte - mean) @ axes).std(axis=0) + 1e-300)"),
    says="You divide the test rows by their own spreads; the whole map belongs to the training rows.",
    see=MEAN,
)
wrong(
    "test_centred_alone",
    (TEST, "(Xte - Xte.mean(axis=0)) @ W"),
    says="You take off the test rows' own mean; it is the training rows' mean that belongs to the map.",
    see=MEAN,
)
wrong(
    "whitened_together",
    ("mean = Xtr.mean(axis=0)", "rows = np.concatenate([Xtr, Xte])\n    mean = rows.mean(axis=0)"),
    (
        "np.linalg.eigh(centred.T @ centred / len(Xtr))",
        "np.linalg.eigh((rows - mean).T @ (rows - mean) / len(rows))",
    ),
    says="Your mean and covariance are those of both sets together: the test rows leak into the map.",
    see=MEAN,
)
wrong(
    "changes_the_training_rows",
    ("centred = Xtr - mean", "Xtr -= mean\n    centred = Xtr"),
    says="Your function centres the caller's Xtr in place: -= changes the very array you were given.",
)

# --- dominant_eigenvalue: power iteration and Rayleigh's quotient --------------------------------------------------------


@variant("dominant_eigenvalue")
def quotient_in_every_step(hvp, n, iters, rng):
    v, quotient = rng.standard_normal(n), 0.0
    for _ in range(iters + 1):
        v = v / np.sqrt(np.sum(v**2))
        Hv = hvp(v)
        quotient = np.dot(v, Hv)
        v = Hv
    return quotient


@variant("dominant_eigenvalue")
def entry_by_entry_power(hvp, n, iters, rng):
    v = [float(x) for x in rng.uniform(-1, 1, n)]
    for _ in range(max(iters, 1)):
        largest = max(abs(x) for x in v)
        v = [float(x) for x in hvp(np.array(v) / largest)]
    largest = max(abs(x) for x in v)
    v = [x / largest for x in v]
    Hv = hvp(np.array(v))
    return sum(a * b for a, b in zip(v, Hv, strict=True)) / sum(a * a for a in v)


@variant("dominant_eigenvalue")
def by_torch_tensors(hvp, n, iters, rng):
    v = torch.tensor(rng.normal(size=n))
    for _ in range(iters):
        v = torch.as_tensor(hvp(v.numpy()))
        v = v / v.norm()
    return torch.dot(v, torch.as_tensor(hvp(v.numpy())))


@variant("dominant_eigenvalue")
def sign_from_the_turn(hvp, n, iters, rng):
    v = rng.normal(size=n)
    v /= np.linalg.norm(v)
    length = sign = 1.0
    for _ in range(iters):
        Hv = np.asarray(hvp(v))
        length, sign = np.linalg.norm(Hv), np.sign(v @ Hv)
        v = Hv / length
    return sign * np.linalg.norm(hvp(v))


@variant("dominant_eigenvalue")
def by_the_whole_matrix(hvp, n, iters, rng):
    H = np.stack([hvp(e) for e in np.eye(n)])
    eigenvalues = np.linalg.eigvalsh((H + H.T) / 2)
    return float(eigenvalues[np.abs(eigenvalues).argmax()])


wrong = edits_of("dominant_eigenvalue", see=LAYERS)
NORMED, QUOTIENT, START = "v = Hv / np.linalg.norm(Hv)", "float(v @ hvp(v))", "v = rng.normal(size=n)"
wrong(
    "returns_norm",
    (QUOTIENT, "float(np.linalg.norm(hvp(v)))"),
    says="You return the length |Hv|, which has no sign; v^T H v has.",
)
wrong(
    "never_normalises",
    (NORMED, "v = Hv"),
    (QUOTIENT, "float(v @ hvp(v) / (v @ v))"),
    says="You never divide by the length, so the vector grows or shrinks until it leaves the range of numbers.",
)
wrong(
    "one_iteration",
    (
        "    for _ in range(iters):\n        Hv = hvp(v)\n        v = Hv / np.linalg.norm(Hv)\n",
        "    Hv = hvp(v)\n    v = Hv / np.linalg.norm(Hv)\n",
    ),
    says="You multiply once; the vector needs iters products to turn towards its eigenvector.",
)
wrong(
    "rayleigh_unnormalised",
    (NORMED, "v = Hv / np.linalg.norm(Hv) * np.sqrt(n + 1)"),
    says="Your quotient is v^T H v with a v that is not of length 1; divide by v^T v.",
)
wrong(
    "hardly_any_iterations",
    ("range(iters)", "range(10)"),
    says="You make ten steps whatever iters says; eigenvalues that lie close together need more.",
)
wrong(
    "starts_with_ones",
    (START, "v = np.ones(n)"),
    says="You start with ones; an eigenvector whose entries add up to zero is never found from there. Draw the start from rng.",
)
wrong(
    "starts_on_an_axis",
    (START, "v = np.eye(n)[0]"),
    says="You start along the first axis and may never leave it; draw the start from rng.",
)
wrong(
    "sign_exchanged",
    (QUOTIENT, "-float(v @ hvp(v))"),
    says="Your eigenvalue has the wrong sign: v^T H v is it, without a minus.",
)
wrong(
    "sum_of_the_product",
    (QUOTIENT, "float(np.sum(hvp(v)))"),
    says="You add up the entries of Hv; the quotient is the inner product of v and Hv.",
)
wrong(
    "mean_of_the_quotients",
    (QUOTIENT, "float(np.mean(v * hvp(v)))"),
    says="You take the mean of the products v_i (Hv)_i; the inner product is their sum.",
)
wrong(
    "quotient_with_the_root",
    (QUOTIENT, "float(np.sqrt(np.abs(v @ hvp(v))))"),
    says="You take a root at the end; v^T H v is the eigenvalue itself already.",
)
wrong(
    "square_of_the_matrix",
    (QUOTIENT, "float(hvp(v) @ hvp(v))"),
    says="You return |Hv| squared, an eigenvalue of H squared; take v^T H v.",
)
wrong(
    "normalised_by_the_largest",
    (NORMED, "v = Hv / np.max(np.abs(Hv))"),
    says="You make the largest entry 1, which keeps numbers in range, but then v^T v is not 1: divide the quotient by it.",
)
wrong(
    "single_precision",
    (NORMED, "v = (Hv / np.linalg.norm(Hv)).astype(np.float32).astype(float)"),
    (QUOTIENT, "float(np.float32(v @ hvp(v)))"),
    says="Your result has only seven digits: it was rounded to float32.",
)
wrong(
    "largest_not_dominant",
    (QUOTIENT, "float(np.max(v * hvp(v) / v**2))"),
    says="You divide entry by entry and take the largest; where an entry of v is nearly zero, that is noise. Use the inner products.",
)

# --- diag_lm_learning_rates: eta / (|h| + mu) ----------------------------------------------------------------------------


@variant("diag_lm_learning_rates")
def weight_by_weight(h_diag, eta, mu):
    return [eta / (abs(float(h)) + mu) for h in h_diag]


@variant("diag_lm_learning_rates")
def rates_by_torch(h_diag, eta, mu):
    h = torch.tensor(h_diag, requires_grad=True)
    return eta * (h.abs() + mu).reciprocal()


@variant("diag_lm_learning_rates")
def size_as_a_root(h_diag, eta, mu):
    return np.divide(eta, np.hypot(h_diag, 0.0) + mu)


@variant("diag_lm_learning_rates")
def filled_in_a_loop(h_diag, eta, mu):
    rates = np.empty(len(h_diag))
    for j, h in enumerate(h_diag):
        if h < 0:
            h = -h
        rates[j] = eta / (h + mu)
    return rates


@variant("diag_lm_learning_rates")
def larger_of_both_signs(h_diag, eta, mu):
    return eta * np.maximum(h_diag, -h_diag).__add__(mu) ** -1.0


wrong = edits_of("diag_lm_learning_rates", see=RATES)
RATE = "eta / (np.abs(h_diag) + mu)"
wrong(
    "no_abs",
    (RATE, "eta / (h_diag + mu)"),
    says="You keep the sign of the curvature: on a hilltop the rate turns negative and the weight climbs.",
)
wrong(
    "sqrt",
    (RATE, "eta / (np.sqrt(np.abs(h_diag)) + mu)"),
    says="You take the root of the curvature, as Adam does of squared gradients; here the curvature itself divides.",
)
wrong(
    "mu_outside",
    (RATE, "eta / np.abs(h_diag) + mu"),
    says="You add mu to the rate; it is added to the curvature, below the line.",
)
wrong(
    "max_instead_of_sum",
    (RATE, "eta / np.maximum(np.abs(h_diag), mu)"),
    says="You take the larger of curvature and mu; the formula adds them.",
)
wrong(
    "abs_of_the_sum",
    (RATE, "eta / np.abs(h_diag + mu)"),
    says="You add mu before the absolute value: a curvature of -mu gives an endless rate. Take |h| first.",
)
wrong("squared", (RATE, "eta / (h_diag**2 + mu)"), says="You square the curvature; its size enters as it is.")
wrong(
    "root_of_squares",
    (RATE, "eta / np.sqrt(h_diag**2 + mu**2)"),
    says="You add squares under a root; the formula adds |h| and mu themselves.",
)
wrong(
    "clipped",
    (RATE, "eta / (np.maximum(h_diag, 0.0) + mu)"),
    says="You set negative curvatures to zero; their size counts as that of positive ones.",
)
wrong(
    "mu_forgotten", (RATE, "eta / np.abs(h_diag)"), says="You left mu out: a flat weight has an endless rate."
)
wrong(
    "eta_forgotten",
    (RATE, "1 / (np.abs(h_diag) + mu)"),
    says="You left the common rate eta out: it stands above the line.",
)
wrong(
    "multiplied",
    (RATE, "eta * (np.abs(h_diag) + mu)"),
    says="You multiply by the curvature: steep weights would take the longest steps. Divide.",
)
wrong(
    "normalised_by_the_mean",
    (RATE, "eta / (np.abs(h_diag) / np.mean(np.abs(h_diag)) + mu)"),
    says="You divide the curvatures by their mean first; each rate depends on its own curvature alone.",
)
wrong(
    "one_rate_for_all",
    (RATE, "np.full(len(h_diag), eta / (np.max(np.abs(h_diag)) + mu))"),
    says="You give all weights the rate of the steepest; each one has its own.",
)
wrong(
    "keeps_the_sign",
    (RATE, "np.sign(h_diag) * eta / (np.abs(h_diag) + mu)"),
    says="You give the sign of the curvature back to the rate; a rate is positive.",
)


@misconception(
    "diag_lm_learning_rates",
    says="Your function takes the sizes in place: out= and *= change the very array you were given.",
    see=RATES,
)
def changes_the_curvatures(h_diag, eta, mu):
    h_diag += mu * np.where(h_diag < 0, -1.0, 1.0)
    return eta / np.abs(h_diag)
