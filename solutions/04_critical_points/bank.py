"""Right and wrong solutions of unit 04: the critical point, its Hessian, and the ways off it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.source.bank import misconception, variant

if TYPE_CHECKING:  # the notebook's set-up cell imports them
    import numpy as np

KIND = "1. What can a point with zero gradient be?"
DOWN = "2. Which way is down?"
TIME = "3. How long does a saddle hold you?"
END = "5. Where does training end?"


# --- A3.1 hessian_from_grad -------------------------------------------------------------------------------------------


@variant("hessian_from_grad")
def filled_entry_by_entry(grad, x, h=1e-5):
    n = x.shape[0]
    J = np.zeros((n, n))
    for j in range(n):
        up, down = x.copy(), x.copy()
        up[j] += h
        down[j] -= h
        difference = np.asarray(grad(up)) - np.asarray(grad(down))
        for i in range(n):
            J[i, j] = difference[i] / (2 * h)
    return 0.5 * (J + J.T)


@variant("hessian_from_grad")
def scipy_three_point(grad, x, h=1e-5):
    from scipy.optimize._numdiff import approx_derivative

    J = np.atleast_2d(approx_derivative(grad, x, method="3-point", abs_step=h))
    return (J + J.T) / 2


@variant("hessian_from_grad")
def torch_columns(grad, x, h=1e-5):
    import torch

    columns = [
        torch.as_tensor(np.array(grad(x + h * e) - grad(x - h * e)), dtype=torch.float64) / (2 * h)
        for e in np.eye(len(x))
    ]
    J = torch.stack(columns, dim=1)
    return (J + J.T) / 2


@variant("hessian_from_grad")
def nested_lists(grad, x, h=1e-5):
    n = len(x)
    J = []
    for j in range(n):
        up = [x[k] + h * (k == j) for k in range(n)]
        down = [x[k] - h * (k == j) for k in range(n)]
        gu, gd = grad(np.array(up)), grad(np.array(down))
        J.append([(float(gu[i]) - float(gd[i])) / (2 * h) for i in range(n)])
    return [[(J[i][j] + J[j][i]) / 2 for j in range(n)] for i in range(n)]


@variant("hessian_from_grad")
def along_an_axis(grad, x, h=1e-5):
    points = np.concatenate([x + h * np.eye(x.size), x - h * np.eye(x.size)])
    up, down = np.split(np.apply_along_axis(grad, 1, points), 2)
    J = (up - down).T / h / 2
    return J - (J - J.T) / 2


@misconception(
    "hessian_from_grad",
    says="Your matrix is the raw table of differences: add its transpose and halve, so that it is symmetric.",
    see=KIND,
)
def not_symmetrised(grad, x, h=1e-5):
    return np.stack([(grad(x + e) - grad(x - e)) / (2 * h) for e in h * np.eye(len(x))], axis=1)


@misconception(
    "hessian_from_grad",
    says="Your differences are one-sided, g(x + h) - g(x), so their error is of order h rather than h squared.",
    see=KIND,
)
def forward(grad, x, h=1e-5):
    J = np.stack([(grad(x + e) - grad(x)) / h for e in h * np.eye(len(x))])
    return (J + J.T) / 2


@misconception(
    "hessian_from_grad",
    says="Your differences are one-sided, g(x) - g(x - h), so their error is of order h rather than h squared.",
    see=KIND,
)
def backward(grad, x, h=1e-5):
    J = np.stack([(grad(x) - grad(x - e)) / h for e in h * np.eye(len(x))])
    return (J + J.T) / 2


@misconception(
    "hessian_from_grad",
    says="Your Hessian is twice too large: the two points lie 2h apart, not h.",
    see=KIND,
)
def missing_2(grad, x, h=1e-5):
    J = np.stack([(grad(x + e) - grad(x - e)) / h for e in h * np.eye(len(x))])
    return (J + J.T) / 2


@misconception(
    "hessian_from_grad",
    says="Your result is J plus its transpose; symmetrising takes their mean, so halve the sum.",
    see=KIND,
)
def sum_not_mean(grad, x, h=1e-5):
    J = np.stack([(grad(x + e) - grad(x - e)) / (2 * h) for e in h * np.eye(len(x))])
    return J + J.T


@misconception(
    "hessian_from_grad",
    says="Your result has the right diagonal and zeros elsewhere: the mixed second derivatives are missing.",
    see=KIND,
)
def diagonal_only(grad, x, h=1e-5):
    E = h * np.eye(len(x))
    return np.diag([((grad(x + e) - grad(x - e)) / (2 * h))[j] for j, e in enumerate(E)])


@misconception(
    "hessian_from_grad",
    says="You copied one triangle onto the other: the symmetric half of J is the mean of both triangles.",
    see=KIND,
)
def copies_a_triangle(grad, x, h=1e-5):
    J = np.stack([(grad(x + e) - grad(x - e)) / (2 * h) for e in h * np.eye(len(x))], axis=1)
    return np.triu(J) + np.triu(J, 1).T


@misconception(
    "hessian_from_grad",
    says="Your step does not depend on the argument h: use the h that the caller gives.",
    see=KIND,
)
def ignores_h(grad, x, h=1e-5):
    h = 1e-5
    J = np.stack([(grad(x + e) - grad(x - e)) / (2 * h) for e in h * np.eye(len(x))])
    return (J + J.T) / 2


@misconception(
    "hessian_from_grad",
    says="Your step grows with the size of x: h is the step itself, the same along every axis.",
    see=KIND,
)
def relative_step(grad, x, h=1e-5):
    steps = h * np.maximum(1.0, np.abs(x))
    J = np.stack([(grad(x + e) - grad(x - e)) / (2 * s) for e, s in zip(np.diag(steps), steps, strict=True)])
    return (J + J.T) / 2


@misconception(
    "hessian_from_grad",
    says="You moved x itself and moved it back: the rounding of + h, - 2h, + h leaves it changed.",
    see=KIND,
)
def drifts_in_place(grad, x, h=1e-5):
    rows = []
    for j in range(len(x)):
        x[j] += h
        up = grad(x)
        x[j] -= 2 * h
        down = grad(x)
        x[j] += h
        rows.append((up - down) / (2 * h))
    J = np.stack(rows)
    return (J + J.T) / 2


@misconception(
    "hessian_from_grad",
    says="Each of your steps starts where the last one ended: start every axis from x afresh.",
    see=KIND,
)
def never_steps_back(grad, x, h=1e-5):
    rows, point = [], x.copy()
    for j in range(len(x)):
        down = grad(point)
        point[j] += 2 * h
        rows.append((grad(point) - down) / (2 * h))
    J = np.stack(rows)
    return (J + J.T) / 2


@misconception(
    "hessian_from_grad",
    says="You multiplied J by its transpose: that is the Gauss-Newton matrix of the gradient, not the symmetric half.",
    see=DOWN,
)
def product_with_transpose(grad, x, h=1e-5):
    J = np.stack([(grad(x + e) - grad(x - e)) / (2 * h) for e in h * np.eye(len(x))])
    return J @ J.T


@misconception(
    "hessian_from_grad",
    says="Your result is the outer product of the gradient with itself, which holds no second derivative.",
    see=DOWN,
)
def outer_product_of_gradient(grad, x, h=1e-5):
    g = grad(x)
    return np.outer(g, g)


# --- A3.2 classify -------------------------------------------------------------------------------------


@variant("classify")
def counts_signs(H, tol=1e-8):
    lam = np.linalg.eigh(H)[0]
    t = tol * max(1, max(abs(value) for value in lam))
    up, down = int((lam > t).sum()), int((lam < -t).sum())
    if up and down:
        return "saddle"
    return {(len(lam), 0): "min", (0, len(lam)): "max"}.get((up, down), "degenerate")


@variant("classify")
def torch_eigenvalues(H, tol=1e-8):
    import torch

    lam = torch.linalg.eigvalsh(torch.as_tensor(H, dtype=torch.float64))
    t = tol * max(1.0, lam.abs().max().item())
    if bool((lam > t).all()):
        return "min"
    if bool((lam < -t).all()):
        return "max"
    return "saddle" if bool((lam > t).any()) and bool((lam < -t).any()) else "degenerate"


@variant("classify")
def general_eigenvalues(H, tol=1e-8):
    lam = np.sort(np.real(np.linalg.eigvals(np.asarray(H))))[::-1]
    t = tol * np.max([1.0, np.linalg.norm(H, 2)])
    if np.min(lam) > t:
        kind = "min"
    elif np.max(lam) < -t:
        kind = "max"
    elif np.max(lam) > t and np.min(lam) < -t:
        kind = "saddle"
    else:
        kind = "degenerate"
    return kind


@variant("classify")
def by_set_of_signs(H, tol=1e-8):
    import scipy.linalg

    lam = scipy.linalg.eigvalsh(H)
    t = tol * max(1.0, lam[-1], -lam[0])
    signs = {0 if abs(value) <= t else int(np.sign(value)) for value in lam}
    if {1, -1} <= signs:
        return "saddle"
    return "min" if signs == {1} else "max" if signs == {-1} else "degenerate"


@misconception(
    "classify",
    says="You decided by determinant and trace: that works for two weights, and not for more.",
    see=KIND,
)
def det_test(H, tol=1e-8):
    d, trace = np.linalg.det(H), np.trace(H)
    t = tol * max(1.0, np.abs(H).max())
    if abs(d) <= t:
        return "degenerate"
    if d < 0 and len(H) % 2 == 0:
        return "saddle"
    return "min" if trace > 0 else "max"


@misconception(
    "classify",
    says="You looked at the signs on the diagonal: off-diagonal entries can make a saddle where all of those are positive.",
    see=KIND,
)
def diagonal_signs(H, tol=1e-8):
    d = np.diag(H)
    t = tol * max(1.0, np.abs(d).max())
    if d.max() > t and d.min() < -t:
        return "saddle"
    return "min" if d.min() > t else "max" if d.max() < -t else "degenerate"


@misconception(
    "classify",
    says="You compared with 0, not with the tolerance, so rounding decides what a flat direction is.",
    see=KIND,
)
def no_tolerance(H, tol=1e-8):
    lam = np.linalg.eigvalsh(H)
    if lam[0] < 0 < lam[-1]:
        return "saddle"
    return "min" if lam[0] > 0 else "max" if lam[-1] < 0 else "degenerate"


@misconception(
    "classify",
    says="You call a point a minimum as soon as no eigenvalue is negative; with a zero among them second order does not decide.",
    see=KIND,
)
def psd_is_min(H, tol=1e-8):
    lam = np.linalg.eigvalsh(H)
    t = tol * max(1.0, np.abs(lam).max())
    if lam[0] >= -t:
        return "min"
    return "max" if lam[-1] <= t else "saddle"


@misconception(
    "classify",
    says="Your tolerance is tol itself; it must grow with the largest absolute eigenvalue.",
    see=KIND,
)
def absolute_tolerance(H, tol=1e-8):
    lam = np.linalg.eigvalsh(H)
    if lam[0] < -tol and lam[-1] > tol:
        return "saddle"
    return "min" if lam[0] > tol else "max" if lam[-1] < -tol else "degenerate"


@misconception(
    "classify",
    says="Your tolerance shrinks with the Hessian without end: it is tol * max(1, largest absolute eigenvalue).",
    see=KIND,
)
def purely_relative(H, tol=1e-8):
    lam = np.linalg.eigvalsh(H)
    t = tol * np.abs(lam).max()
    if lam[0] < -t and lam[-1] > t:
        return "saddle"
    return "min" if lam[0] > t else "max" if lam[-1] < -t else "degenerate"


@misconception(
    "classify",
    says="Your tolerance follows the largest eigenvalue with its sign; take the largest absolute value.",
    see=KIND,
)
def signed_maximum(H, tol=1e-8):
    lam = np.linalg.eigvalsh(H)
    t = tol * max(1.0, lam.max())
    if lam[0] < -t and lam[-1] > t:
        return "saddle"
    return "min" if lam[0] > t else "max" if lam[-1] < -t else "degenerate"


@misconception(
    "classify",
    says="You ask for zero eigenvalues first: one direction up and one down make a saddle, whatever the others are.",
    see=KIND,
)
def zero_before_saddle(H, tol=1e-8):
    lam = np.linalg.eigvalsh(H)
    t = tol * max(1.0, np.abs(lam).max())
    if np.any(np.abs(lam) <= t):
        return "degenerate"
    return "saddle" if lam[0] < 0 < lam[-1] else "min" if lam[0] > 0 else "max"


@misconception(
    "classify",
    says="You used singular values, which have lost the signs: every saddle looks like a minimum.",
    see=KIND,
)
def uses_singular_values(H, tol=1e-8):
    s = np.linalg.svd(H, compute_uv=False)
    t = tol * max(1.0, s.max())
    return "min" if s.min() > t else "degenerate"


@misconception(
    "classify",
    says="You have minimum and maximum the wrong way round: positive curvature is a valley.",
    see=KIND,
)
def minimum_and_maximum_swapped(H, tol=1e-8):
    lam = np.linalg.eigvalsh(H)
    t = tol * max(1.0, np.abs(lam).max())
    if lam[0] < -t and lam[-1] > t:
        return "saddle"
    return "max" if lam[0] > t else "min" if lam[-1] < -t else "degenerate"


@misconception(
    "classify",
    says="You call everything a saddle that is neither minimum nor maximum; a flat direction without a downward one is degenerate.",
    see=KIND,
)
def otherwise_saddle(H, tol=1e-8):
    lam = np.linalg.eigvalsh(H)
    t = tol * max(1.0, np.abs(lam).max())
    return "min" if lam[0] > t else "max" if lam[-1] < -t else "saddle"


@misconception(
    "classify",
    says="Your tolerance uses another norm of the matrix; it is the largest absolute eigenvalue.",
    see=KIND,
)
def frobenius_tolerance(H, tol=1e-8):
    lam = np.linalg.eigvalsh(H)
    t = tol * max(1.0, np.linalg.norm(H))
    if lam[0] < -t and lam[-1] > t:
        return "saddle"
    return "min" if lam[0] > t else "max" if lam[-1] < -t else "degenerate"


@misconception(
    "classify",
    says="You tried one direction v: a minimum needs v'Hv > 0 for every v that is not zero.",
    see=KIND,
)
def tries_the_axes_and_their_sum(H, tol=1e-8):
    t = tol * max(1.0, np.abs(np.linalg.eigvalsh(H)).max())
    directions = [*np.eye(len(H)), np.ones(len(H)) / np.sqrt(len(H))]
    bends = [v @ H @ v for v in directions]
    if min(bends) < -t and max(bends) > t:
        return "saddle"
    return "min" if min(bends) > t else "max" if max(bends) < -t else "degenerate"


# --- A3.3 minimum_ratio -----------------------------------------------------------------------------------------------


@variant("minimum_ratio")
def counted_in_a_loop(H, tol=1e-8):
    lam = np.linalg.eigh(H)[0]
    top = max(abs(value) for value in lam)
    return sum(1 for value in lam if value > tol * top) / len(lam)


@variant("minimum_ratio")
def torch_mean(H, tol=1e-8):
    import torch

    lam = torch.linalg.eigvalsh(torch.as_tensor(H, dtype=torch.float64))
    return (lam > tol * lam.abs().max()).double().mean()


@variant("minimum_ratio")
def from_sorted_ends(H, tol=1e-8):
    import scipy.linalg

    lam = scipy.linalg.eigvalsh(H)
    threshold = tol * max(-lam[0], lam[-1])
    return 1 - np.searchsorted(lam, threshold, side="right") / lam.size


@variant("minimum_ratio")
def spectral_norm(H, tol=1e-8):
    lam = np.real(np.linalg.eigvals(H))
    return np.count_nonzero(lam > tol * np.linalg.norm(H, ord=2)) / H.shape[0]


@misconception(
    "minimum_ratio",
    says="You count eigenvalues that are zero as positive: only those above the tolerance count.",
    see=END,
)
def counts_zero(H, tol=1e-8):
    lam = np.linalg.eigvalsh(H)
    return float(np.mean(lam >= -tol * np.abs(lam).max()))


@misconception(
    "minimum_ratio",
    says="You used singular values, which are never negative: the signs of the eigenvalues are lost.",
    see=END,
)
def singular_values(H, tol=1e-8):
    s = np.linalg.svd(H, compute_uv=False)
    return float(np.mean(s > tol * s.max()))


@misconception(
    "minimum_ratio",
    says="You counted entries of the diagonal; only in a diagonal matrix are those the eigenvalues.",
    see=END,
)
def diagonal(H, tol=1e-8):
    d = np.diag(H)
    return float(np.mean(d > tol * np.abs(d).max()))


@misconception(
    "minimum_ratio",
    says="Your result is the fraction of negative eigenvalues.",
    see=END,
)
def negative_ratio(H, tol=1e-8):
    lam = np.linalg.eigvalsh(H)
    return float(np.mean(lam < -tol * np.abs(lam).max()))


@misconception(
    "minimum_ratio",
    says="You compared with 0: eigenvalues that are zero up to rounding are counted by the sign of their rounding error.",
    see=END,
)
def compares_with_zero(H, tol=1e-8):
    return float(np.mean(np.linalg.eigvalsh(H) > 0))


@misconception(
    "minimum_ratio",
    says="Your tolerance is absolute: H and 1e-9 H must have the same ratio.",
    see=END,
)
def tolerance_absolute(H, tol=1e-8):
    return float(np.mean(np.linalg.eigvalsh(H) > tol))


@misconception(
    "minimum_ratio",
    says="Your tolerance has a floor of tol * 1, as in classify; here it is relative only.",
    see=END,
)
def floor_of_one(H, tol=1e-8):
    lam = np.linalg.eigvalsh(H)
    return float(np.mean(lam > tol * max(1.0, np.abs(lam).max())))


@misconception(
    "minimum_ratio",
    says="Your tolerance follows the largest eigenvalue with its sign; take the largest absolute value.",
    see=END,
)
def relative_to_signed_maximum(H, tol=1e-8):
    lam = np.linalg.eigvalsh(H)
    return float(np.mean(lam > tol * lam.max()))


@misconception(
    "minimum_ratio",
    says="You divided by the number of eigenvalues that are not zero; all n of them count below the line.",
    see=END,
)
def leaves_zeros_out(H, tol=1e-8):
    lam = np.linalg.eigvalsh(H)
    t = tol * np.abs(lam).max()
    return float((lam > t).sum() / max(1, (np.abs(lam) > t).sum()))


@misconception(
    "minimum_ratio",
    says="You took the absolute value before comparing: your result is the fraction of eigenvalues that are not zero.",
    see=END,
)
def counts_sizes(H, tol=1e-8):
    lam = np.abs(np.linalg.eigvalsh(H))
    return float(np.mean(lam > tol * lam.max()))


@misconception(
    "minimum_ratio",
    says="Your result is the number of positive eigenvalues; divide by n.",
    see=END,
)
def a_count(H, tol=1e-8):
    lam = np.linalg.eigvalsh(H)
    return float((lam > tol * np.abs(lam).max()).sum())


@misconception(
    "minimum_ratio",
    says="You weighed the eigenvalues by their size; each counts once.",
    see=END,
)
def share_of_the_trace(H, tol=1e-8):
    lam = np.linalg.eigvalsh(H)
    t = tol * np.abs(lam).max()
    return float(lam[lam > t].sum() / max(np.abs(lam).sum(), 1e-300))


@misconception(
    "minimum_ratio",
    says="Your result is not a number where the Hessian is zero; its ratio is 0.",
    see=END,
)
def zero_over_zero(H, tol=1e-8):
    lam = np.linalg.eigvalsh(H)
    with np.errstate(invalid="ignore"):
        scaled = lam / np.abs(lam).max()
    return float(np.mean(np.heaviside(scaled - tol, 0)))


@misconception(
    "minimum_ratio",
    says="Your tolerance is fixed at 1e-8: use the argument tol.",
    see=END,
)
def ignores_tol(H, tol=1e-8):
    lam = np.linalg.eigvalsh(H)
    return float(np.mean(lam > 1e-8 * np.abs(lam).max()))


# --- A3.4 escape_direction --------------------------------------------------------------------------------------------


@variant("escape_direction")
def general_eig(H, g):
    lam, V = np.linalg.eig(H)
    lam, V = np.real(lam), np.real(V)
    k = int(np.argmin(lam))
    if not lam[k] < 0:
        return None
    v = V[:, k] / np.linalg.norm(V[:, k])
    if np.dot(g, v) > 0:
        v = -1 * v
    return v


@variant("escape_direction")
def torch_eigh(H, g):
    import torch

    lam, V = torch.linalg.eigh(torch.from_numpy(np.array(H)))
    if lam.min() >= 0:
        return None
    v = V[:, lam.argmin()]
    return torch.where(v @ torch.from_numpy(np.array(g)) > 0, -v, v)


@variant("escape_direction")
def only_the_lowest_pair(H, g):
    import scipy.linalg

    lam, V = scipy.linalg.eigh(H, subset_by_index=[0, 0])
    if lam[0] >= -1e-12 * np.abs(H).max():
        return None
    v = V.ravel()
    return v * (-1.0 if float(np.sum(v * g)) >= 0 else 1.0)


@variant("escape_direction")
def rows_of_the_transpose(H, g):
    lam, V = np.linalg.eigh(H)
    pairs = sorted(zip(lam.tolist(), V.T.tolist(), strict=True))
    value, v = pairs[0]
    if value >= 0:
        return None
    slope = sum(a * b for a, b in zip(v, g, strict=True))
    return [-entry if slope > 0 else entry for entry in v]


@variant("escape_direction")
def copysign(H, g):
    lam, V = np.linalg.eigh(H)
    return None if lam[0] >= 0 else -np.copysign(1.0, V[:, 0] @ g) * V[:, 0]


@misconception(
    "escape_direction",
    says="You took the eigenvector of the largest eigenvalue: that is the steepest way up.",
    see=DOWN,
)
def largest_eigenvector(H, g):
    lam, V = np.linalg.eigh(H)
    if lam[0] >= 0:
        return None
    v = V[:, -1]
    return -v if g @ v > 0 else v


@misconception(
    "escape_direction",
    says="You took a row of the matrix of eigenvectors; they are its columns.",
    see=DOWN,
)
def row_not_column(H, g):
    lam, V = np.linalg.eigh(H)
    if lam[0] >= 0:
        return None
    v = V[0]
    return -v if g @ v > 0 else v


@misconception(
    "escape_direction",
    says="The sign of your direction is left to chance: turn v so that g . v is not positive.",
    see=DOWN,
)
def no_sign_rule(H, g):
    lam, V = np.linalg.eigh(H)
    return None if lam[0] >= 0 else V[:, 0]


@misconception(
    "escape_direction",
    says="Your direction climbs along the gradient: g . v must not be positive.",
    see=DOWN,
)
def ascends(H, g):
    lam, V = np.linalg.eigh(H)
    if lam[0] >= 0:
        return None
    v = V[:, 0]
    return -v if g @ v < 0 else v


@misconception(
    "escape_direction",
    says="Where g . v is 0 you multiplied by sign(0) = 0: the direction is gone just where you need it most.",
    see=DOWN,
)
def sign_of_zero(H, g):
    lam, V = np.linalg.eigh(H)
    if lam[0] >= 0:
        return None
    return -np.sign(g @ V[:, 0]) * V[:, 0]


@misconception(
    "escape_direction",
    says="You return a direction where no curvature is negative; the answer there is None.",
    see=DOWN,
)
def never_none(H, g):
    v = np.linalg.eigh(H)[1][:, 0]
    return -v if g @ v > 0 else v


@misconception(
    "escape_direction",
    says="You return None unless some eigenvalue is positive; from a maximum there is a way down too.",
    see=DOWN,
)
def saddles_only(H, g):
    lam, V = np.linalg.eigh(H)
    if lam[0] >= 0 or lam[-1] <= 0:
        return None
    v = V[:, 0]
    return -v if g @ v > 0 else v


@misconception(
    "escape_direction",
    says="You took the eigenvalue that is largest in size; it may be a positive one.",
    see=DOWN,
)
def largest_in_size(H, g):
    lam, V = np.linalg.eigh(H)
    if lam[0] >= 0:
        return None
    v = V[:, np.argmax(np.abs(lam))]
    return -v if g @ v > 0 else v


@misconception(
    "escape_direction",
    says="Your vector has the length of the eigenvalue; it must have length 1.",
    see=DOWN,
)
def scaled_by_curvature(H, g):
    lam, V = np.linalg.eigh(H)
    if lam[0] >= 0:
        return None
    v = abs(lam[0]) * V[:, 0]
    return -v if g @ v > 0 else v


@misconception(
    "escape_direction",
    says="Your direction is minus the gradient; the curvature of H does not enter, and at a critical point nothing is left.",
    see=DOWN,
)
def minus_gradient(H, g):
    if np.linalg.eigvalsh(H)[0] >= 0:
        return None
    return -g / max(np.linalg.norm(g), 1e-300)


@misconception(
    "escape_direction",
    says="numpy.linalg.eig does not sort: its first eigenvector is not that of the smallest eigenvalue.",
    see=DOWN,
)
def eig_unsorted(H, g):
    lam, V = np.linalg.eig(H)
    if np.min(np.real(lam)) >= 0:
        return None
    v = np.real(V[:, 0])
    return -v if g @ v > 0 else v


@misconception(
    "escape_direction",
    says="You took the negative eigenvalue closest to 0, the gentlest way down; take the most negative one.",
    see=DOWN,
)
def gentlest_descent(H, g):
    lam, V = np.linalg.eigh(H)
    if lam[0] >= 0:
        return None
    v = V[:, np.flatnonzero(lam < 0)[-1]]
    return -v if g @ v > 0 else v


@misconception(
    "escape_direction",
    says="You return zeros where there is no way down; the answer there is None.",
    see=DOWN,
)
def zeros_for_none(H, g):
    lam, V = np.linalg.eigh(H)
    if lam[0] >= 0:
        return np.zeros(len(g))
    return -V[:, 0] if g @ V[:, 0] > 0 else V[:, 0]


@misconception(
    "escape_direction",
    says="You turn the first entry of v positive; the sign must follow the gradient, g . v <= 0.",
    see=DOWN,
)
def first_entry_positive(H, g):
    lam, V = np.linalg.eigh(H)
    if lam[0] >= 0:
        return None
    return V[:, 0] if V[0, 0] >= 0 else -V[:, 0]


@misconception(
    "escape_direction",
    says="Your result is the Newton step, which walks to the saddle instead of away from it.",
    see=DOWN,
)
def newton_direction(H, g):
    if np.linalg.eigvalsh(H)[0] >= 0:
        return None
    step = -np.linalg.lstsq(H, g, rcond=None)[0]
    return step / max(np.linalg.norm(step), 1e-300)


# --- A3.5 perturbed_gd ------------------------------------------------------------------------------------------------


@variant("perturbed_gd")
def length_first(grad, x0, eta, r, g_thres, t_noise, T, rng):
    x = np.array(x0, dtype=float)
    wait = 0
    for _ in range(T):
        g = grad(x)
        if np.sqrt(np.sum(g**2)) <= g_thres and wait <= 0:
            length = r * rng.random() ** (1.0 / len(x))
            z = rng.standard_normal(len(x))
            x = x + length * z / np.sqrt(z @ z)
            g = grad(x)
            wait = t_noise
        x = x - eta * g
        wait -= 1
    return x


@variant("perturbed_gd")
def rejection_from_the_cube(grad, x0, eta, r, g_thres, t_noise, T, rng):
    x, kicked = x0.copy(), None
    for t in range(T):
        if np.linalg.norm(grad(x)) <= g_thres and (kicked is None or t - kicked >= t_noise):
            while True:
                xi = rng.uniform(-r, r, size=x.shape)
                if np.linalg.norm(xi) <= r:
                    break
            x = x + xi
            kicked = t
        x = x - eta * grad(x)
    return x


@variant("perturbed_gd")
def all_draws_in_advance(grad, x0, eta, r, g_thres, t_noise, T, rng):
    n = len(x0)
    directions = rng.normal(size=(T, n))
    lengths = r * rng.uniform(size=T) ** (1 / n)
    x, last = x0 + 0.0, -t_noise
    for t in range(T):
        g = grad(x)
        if np.hypot.reduce(np.append(g, 0.0)) <= g_thres and t >= last + t_noise:
            x = x + lengths[t] * directions[t] / np.linalg.norm(directions[t])
            last = t
            g = grad(x)
        x = x - eta * g
    return x


@variant("perturbed_gd")
def sphere_two_dimensions_up(grad, x0, eta, r, g_thres, t_noise, T, rng):
    """A point on the sphere in n + 2 dimensions, projected to the first n, is uniform in the ball."""
    x, since = np.copy(x0), t_noise
    for _ in range(T):
        if np.sum(np.square(grad(x))) ** 0.5 <= g_thres and since >= t_noise:
            z = rng.normal(size=len(x) + 2)
            x = x + r * (z / np.linalg.norm(z))[: len(x)]
            since = 0
        x = x - eta * grad(x)
        since += 1
    return x


@variant("perturbed_gd")
def torch_path(grad, x0, eta, r, g_thres, t_noise, T, rng):
    import torch

    x, last = torch.from_numpy(np.array(x0)), -(10**9)
    for t in range(T):
        g = torch.from_numpy(np.array(grad(x.numpy())))
        if g.norm() <= g_thres and t - last >= t_noise:
            z = torch.from_numpy(rng.normal(size=len(x)))
            x = x + r * rng.uniform() ** (1 / len(x)) * z / z.norm()
            last = t
        x = x - eta * torch.from_numpy(np.array(grad(x.numpy())))
    return x


@misconception(
    "perturbed_gd",
    says="Your run is plain gradient descent: from an exact saddle it never moves.",
    see=TIME,
)
def no_noise(grad, x0, eta, r, g_thres, t_noise, T, rng):
    x = x0
    for _ in range(T):
        x = x - eta * grad(x)
    return x


@misconception(
    "perturbed_gd",
    says="You kick in every step with a small gradient: wait until t_noise steps have passed since the last kick.",
    see=TIME,
)
def noise_every_step(grad, x0, eta, r, g_thres, t_noise, T, rng):
    x = x0
    for _ in range(T):
        if np.linalg.norm(grad(x)) <= g_thres:
            z = rng.normal(size=x.shape)
            x = x + r * rng.uniform() ** (1 / x.size) * z / np.linalg.norm(z)
        x = x - eta * grad(x)
    return x


@misconception(
    "perturbed_gd",
    says="You kick where the gradient is large; the kick is for places where it is at most g_thres.",
    see=TIME,
)
def condition_reversed(grad, x0, eta, r, g_thres, t_noise, T, rng):
    x, last = x0, -np.inf
    for t in range(T):
        if np.linalg.norm(grad(x)) >= g_thres and t - last >= t_noise:
            z = rng.normal(size=x.shape)
            x = x + r * rng.uniform() ** (1 / x.size) * z / np.linalg.norm(z)
            last = t
        x = x - eta * grad(x)
    return x


@misconception(
    "perturbed_gd",
    says="Your kick is normal with standard deviation r: it leaves the ball of radius r.",
    see=TIME,
)
def gaussian_noise(grad, x0, eta, r, g_thres, t_noise, T, rng):
    x, last = x0, -np.inf
    for t in range(T):
        if np.linalg.norm(grad(x)) <= g_thres and t - last >= t_noise:
            x = x + r * rng.normal(size=x.shape)
            last = t
        x = x - eta * grad(x)
    return x


@misconception(
    "perturbed_gd",
    says="Your kick's length is uniform in [0, r], which crowds the centre; equal volumes need the power 1/n.",
    see=TIME,
)
def uniform_length(grad, x0, eta, r, g_thres, t_noise, T, rng):
    x, last = x0, -np.inf
    for t in range(T):
        if np.linalg.norm(grad(x)) <= g_thres and t - last >= t_noise:
            z = rng.normal(size=x.shape)
            x = x + r * rng.uniform() * z / np.linalg.norm(z)
            last = t
        x = x - eta * grad(x)
    return x


@misconception(
    "perturbed_gd",
    says="Your kick's length is r times the root of a uniform number, which is right in the plane only; the power is 1/n.",
    see=TIME,
)
def square_root_in_any_dimension(grad, x0, eta, r, g_thres, t_noise, T, rng):
    x, last = x0, -np.inf
    for t in range(T):
        if np.linalg.norm(grad(x)) <= g_thres and t - last >= t_noise:
            z = rng.normal(size=x.shape)
            x = x + r * np.sqrt(rng.uniform()) * z / np.linalg.norm(z)
            last = t
        x = x - eta * grad(x)
    return x


@misconception(
    "perturbed_gd",
    says="Your kicks all have length r: they lie on the sphere, not in the ball.",
    see=TIME,
)
def on_the_sphere(grad, x0, eta, r, g_thres, t_noise, T, rng):
    x, last = x0, -np.inf
    for t in range(T):
        if np.linalg.norm(grad(x)) <= g_thres and t - last >= t_noise:
            z = rng.normal(size=x.shape)
            x = x + r * z / np.linalg.norm(z)
            last = t
        x = x - eta * grad(x)
    return x


@misconception(
    "perturbed_gd",
    says="Your kick is uniform in a cube, whose corners stick out of the ball.",
    see=TIME,
)
def uniform_in_the_cube(grad, x0, eta, r, g_thres, t_noise, T, rng):
    x, last = x0, -np.inf
    for t in range(T):
        if np.linalg.norm(grad(x)) <= g_thres and t - last >= t_noise:
            x = x + rng.uniform(-r, r, size=x.shape)
            last = t
        x = x - eta * grad(x)
    return x


@misconception(
    "perturbed_gd",
    says="You scaled a cube to fit into the ball: kicks close to the ball's edge are missing.",
    see=TIME,
)
def cube_inside_the_ball(grad, x0, eta, r, g_thres, t_noise, T, rng):
    x, last = x0, -np.inf
    side = r / np.sqrt(len(x0))
    for t in range(T):
        if np.linalg.norm(grad(x)) <= g_thres and t - last >= t_noise:
            x = x + rng.uniform(-side, side, size=x.shape)
            last = t
        x = x - eta * grad(x)
    return x


@misconception(
    "perturbed_gd",
    says="Your kicks go to one side only: their parts are never negative.",
    see=TIME,
)
def one_sided(grad, x0, eta, r, g_thres, t_noise, T, rng):
    x, last = x0, -np.inf
    for t in range(T):
        if np.linalg.norm(grad(x)) <= g_thres and t - last >= t_noise:
            z = np.abs(rng.normal(size=x.shape))
            x = x + r * rng.uniform() ** (1 / x.size) * z / np.linalg.norm(z)
            last = t
        x = x - eta * grad(x)
    return x


@misconception(
    "perturbed_gd",
    says="Your kick adds the same number to every weight: it moves along one line only.",
    see=TIME,
)
def same_number_for_all(grad, x0, eta, r, g_thres, t_noise, T, rng):
    x, last = x0, -np.inf
    for t in range(T):
        if np.linalg.norm(grad(x)) <= g_thres and t - last >= t_noise:
            length = r * rng.uniform() ** (1 / x.size) * rng.choice([-1.0, 1.0])
            x = x + length / np.sqrt(x.size)
            last = t
        x = x - eta * grad(x)
    return x


@misconception(
    "perturbed_gd",
    says="You wait one step too long: a kick is allowed as soon as t_noise steps have passed.",
    see=TIME,
)
def waits_one_more(grad, x0, eta, r, g_thres, t_noise, T, rng):
    x, last = x0, -np.inf
    for t in range(T):
        if np.linalg.norm(grad(x)) <= g_thres and t - last > t_noise:
            z = rng.normal(size=x.shape)
            x = x + r * rng.uniform() ** (1 / x.size) * z / np.linalg.norm(z)
            last = t
        x = x - eta * grad(x)
    return x


@misconception(
    "perturbed_gd",
    says="You wait t_noise steps before the first kick; there is no kick to wait for, so it is allowed at once.",
    see=TIME,
)
def waits_before_the_first(grad, x0, eta, r, g_thres, t_noise, T, rng):
    x, last = x0, 0
    for t in range(T):
        if np.linalg.norm(grad(x)) <= g_thres and t - last >= t_noise:
            z = rng.normal(size=x.shape)
            x = x + r * rng.uniform() ** (1 / x.size) * z / np.linalg.norm(z)
            last = t
        x = x - eta * grad(x)
    return x


@misconception(
    "perturbed_gd",
    says="You kick in every step number divisible by t_noise; the wait counts from the last kick.",
    see=TIME,
)
def by_the_clock(grad, x0, eta, r, g_thres, t_noise, T, rng):
    x = x0
    for t in range(T):
        if np.linalg.norm(grad(x)) <= g_thres and t % max(1, t_noise) == 0:
            z = rng.normal(size=x.shape)
            x = x + r * rng.uniform() ** (1 / x.size) * z / np.linalg.norm(z)
        x = x - eta * grad(x)
    return x


@misconception(
    "perturbed_gd",
    says="You kick only once; a kick is allowed again whenever t_noise steps have passed.",
    see=TIME,
)
def kicks_once(grad, x0, eta, r, g_thres, t_noise, T, rng):
    x, kicked = x0, False
    for _ in range(T):
        if np.linalg.norm(grad(x)) <= g_thres and not kicked:
            z = rng.normal(size=x.shape)
            x = x + r * rng.uniform() ** (1 / x.size) * z / np.linalg.norm(z)
            kicked = True
        x = x - eta * grad(x)
    return x


@misconception(
    "perturbed_gd",
    says="After a kick you step with the gradient from before it; take the gradient where x is now.",
    see=TIME,
)
def stale_gradient(grad, x0, eta, r, g_thres, t_noise, T, rng):
    x, last = x0, -np.inf
    for t in range(T):
        g = grad(x)
        if np.linalg.norm(g) <= g_thres and t - last >= t_noise:
            z = rng.normal(size=x.shape)
            x = x + r * rng.uniform() ** (1 / x.size) * z / np.linalg.norm(z)
            last = t
        x = x - eta * g
    return x


@misconception(
    "perturbed_gd",
    says="Your kick takes the place of the step; it comes before the step, and the step follows.",
    see=TIME,
)
def kick_instead_of_step(grad, x0, eta, r, g_thres, t_noise, T, rng):
    x, last = x0, -np.inf
    for t in range(T):
        g = grad(x)
        if np.linalg.norm(g) <= g_thres and t - last >= t_noise:
            z = rng.normal(size=x.shape)
            x = x + r * rng.uniform() ** (1 / x.size) * z / np.linalg.norm(z)
            last = t
        else:
            x = x - eta * g
    return x


@misconception(
    "perturbed_gd",
    says="You kick only where the gradient is below g_thres; a gradient of exactly that length counts too.",
    see=TIME,
)
def strictly_below(grad, x0, eta, r, g_thres, t_noise, T, rng):
    x, last = x0, -np.inf
    for t in range(T):
        if np.linalg.norm(grad(x)) < g_thres and t - last >= t_noise:
            z = rng.normal(size=x.shape)
            x = x + r * rng.uniform() ** (1 / x.size) * z / np.linalg.norm(z)
            last = t
        x = x - eta * grad(x)
    return x


@misconception(
    "perturbed_gd",
    says="You add the noise to the gradient, so the kick is shrunk by eta; add it to x.",
    see=TIME,
)
def noise_in_the_gradient(grad, x0, eta, r, g_thres, t_noise, T, rng):
    x, last = x0, -np.inf
    for t in range(T):
        g = grad(x)
        if np.linalg.norm(g) <= g_thres and t - last >= t_noise:
            z = rng.normal(size=x.shape)
            g = g + r * rng.uniform() ** (1 / x.size) * z / np.linalg.norm(z)
            last = t
        x = x - eta * g
    return x


@misconception(
    "perturbed_gd",
    says="You compare the squared length of the gradient with g_thres; compare the length.",
    see=TIME,
)
def squared_length(grad, x0, eta, r, g_thres, t_noise, T, rng):
    x, last = x0, -np.inf
    for t in range(T):
        g = grad(x)
        if g @ g <= g_thres and t - last >= t_noise:
            z = rng.normal(size=x.shape)
            x = x + r * rng.uniform() ** (1 / x.size) * z / np.linalg.norm(z)
            last = t
        x = x - eta * grad(x)
    return x


@misconception(
    "perturbed_gd",
    says="You compare the largest entry of the gradient with g_thres; compare its Euclidean length.",
    see=TIME,
)
def largest_entry(grad, x0, eta, r, g_thres, t_noise, T, rng):
    x, last = x0, -np.inf
    for t in range(T):
        if np.abs(grad(x)).max() <= g_thres and t - last >= t_noise:
            z = rng.normal(size=x.shape)
            x = x + r * rng.uniform() ** (1 / x.size) * z / np.linalg.norm(z)
            last = t
        x = x - eta * grad(x)
    return x


@misconception(
    "perturbed_gd",
    says="You draw from a generator of your own: the same rng must give the same answer.",
    see=TIME,
)
def ignores_rng(grad, x0, eta, r, g_thres, t_noise, T, rng):
    x, last, own = x0, -np.inf, np.random.default_rng()
    for t in range(T):
        if np.linalg.norm(grad(x)) <= g_thres and t - last >= t_noise:
            z = own.normal(size=x.shape)
            x = x + r * own.uniform() ** (1 / x.size) * z / np.linalg.norm(z)
            last = t
        x = x - eta * grad(x)
    return x


@misconception(
    "perturbed_gd",
    says="You fixed a seed inside: every generator gives the same kick.",
    see=TIME,
)
def fixed_seed(grad, x0, eta, r, g_thres, t_noise, T, rng):
    x, last, own = x0, -np.inf, np.random.default_rng(0)
    for t in range(T):
        if np.linalg.norm(grad(x)) <= g_thres and t - last >= t_noise:
            z = own.normal(size=x.shape)
            x = x + r * own.uniform() ** (1 / x.size) * z / np.linalg.norm(z)
            last = t
        x = x - eta * grad(x)
    return x


@misconception(
    "perturbed_gd",
    says="You wrote into x0: build new arrays, x = x - ..., instead of x -= ...",
    see=TIME,
)
def writes_into_x0(grad, x0, eta, r, g_thres, t_noise, T, rng):
    x, last = x0, -np.inf
    for t in range(T):
        if np.linalg.norm(grad(x)) <= g_thres and t - last >= t_noise:
            z = rng.normal(size=x.shape)
            x += r * rng.uniform() ** (1 / x.size) * z / np.linalg.norm(z)
            last = t
        x -= eta * grad(x)
    return x


@misconception(
    "perturbed_gd",
    says="You return the whole path; the answer is the last point, of shape (n,).",
    see=TIME,
)
def whole_path(grad, x0, eta, r, g_thres, t_noise, T, rng):
    path, last = [x0], -np.inf
    for t in range(T):
        x = path[-1]
        if np.linalg.norm(grad(x)) <= g_thres and t - last >= t_noise:
            z = rng.normal(size=x.shape)
            x = x + r * rng.uniform() ** (1 / x.size) * z / np.linalg.norm(z)
            last = t
        path.append(x - eta * grad(x))
    return np.stack(path)
