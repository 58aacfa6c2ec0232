"""Right and wrong solutions of assignment 4. See `grader.source.bank` for the form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.source.bank import edits_of, misconception, variant

if TYPE_CHECKING:  # the notebook's set-up cell imports it
    import numpy as np

KIND = "1. What can a point with zero gradient be?"
DOWN = "2. Which way is down?"
TIME = "3. How long does a saddle hold you?"
END = "5. Where does training end?"

# --- hessian_from_grad ------------------------------------------------------------------------------------------------


@variant("hessian_from_grad")
def filled_entry_by_entry(grad, x, h=1e-5):
    n = len(x)
    J = np.zeros((n, n))
    for j in range(n):
        up, down = x.copy(), x.copy()
        up[j] += h
        down[j] -= h
        for i in range(n):
            J[i, j] = (grad(up)[i] - grad(down)[i]) / (2 * h)
    return 0.5 * (J + J.T)


@variant("hessian_from_grad")
def scipy_three_point(grad, x, h=1e-5):
    from scipy.optimize._numdiff import approx_derivative

    J = np.atleast_2d(approx_derivative(grad, x, method="3-point", abs_step=h))
    return (J + J.T) / 2


@variant("hessian_from_grad")
def torch_columns(grad, x, h=1e-5):
    import torch

    J = torch.stack([torch.as_tensor(np.array(grad(x + e) - grad(x - e))) / (2 * h) for e in h * np.eye(len(x))], dim=1)
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


wrong = edits_of("hessian_from_grad", see=KIND)
SLOPE, STACK = "(grad(x + e) - grad(x - e)) / (2 * h)", "jacobian_transposed = np.stack(rows)"
OUT = "(jacobian_transposed + jacobian_transposed.T) / 2"
wrong("not_symmetrised", (OUT, "jacobian_transposed.T"),
      says="Your matrix is the raw table of differences: add its transpose and halve, so that it is symmetric.")
wrong("forward", (SLOPE, "(grad(x + e) - grad(x)) / h"),
      says="Your differences are one-sided, g(x + h) - g(x), so their error is of order h rather than h squared.")
wrong("backward", (SLOPE, "(grad(x) - grad(x - e)) / h"),
      says="Your differences are one-sided, g(x) - g(x - h), so their error is of order h rather than h squared.")
wrong("missing_2", ("(2 * h)", "h"),
      says="Your Hessian is twice too large: the two points lie 2h apart, not h.")
wrong("sum_not_mean", (OUT, "jacobian_transposed + jacobian_transposed.T"),
      says="Your result is J plus its transpose; symmetrising takes their mean, so halve the sum.")
wrong("diagonal_only", (OUT, "np.diag(np.diag(jacobian_transposed))"),
      says="Your result has the right diagonal and zeros elsewhere: the mixed second derivatives are missing.")
wrong("copies_a_triangle", (STACK, "J = np.stack(rows, axis=1)"), (OUT, "np.triu(J) + np.triu(J, 1).T"),
      says="You copied one triangle onto the other: the symmetric half of J is the mean of both triangles.")
wrong("ignores_h", ("rows = [", "h = 1e-5\n    rows = ["),
      says="Your step does not depend on the argument h: use the h that the caller gives.")
wrong("relative_step", ("(2 * h)", "(2 * e.sum())"), ("h * np.eye(len(x))", "np.diag(h * np.maximum(1.0, np.abs(x)))"),
      says="Your step grows with the size of x: h is the step itself, the same along every axis.")


@misconception("hessian_from_grad", see=KIND, says="You moved x itself and moved it back: the rounding of + h, - 2h, + h leaves it changed.")
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


wrong("never_steps_back", (SLOPE, "-(grad(x) - grad(x := x + 2 * e)) / (2 * h)"),
      says="Each of your steps starts where the last one ended: start every axis from x afresh.")
wrong("product_with_transpose", (OUT, "jacobian_transposed @ jacobian_transposed.T"),
      says="You multiplied J by its transpose: that is the Gauss-Newton matrix of the gradient, not the symmetric half.", see=DOWN)
wrong("outer_product_of_gradient", (OUT, "np.outer(grad(x), grad(x))"),
      says="Your result is the outer product of the gradient with itself, which holds no second derivative.", see=DOWN)

# --- classify ---------------------------------------------------------------------------------------------------------


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
    lam = np.real(np.linalg.eigvals(H))
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


wrong = edits_of("classify", see=KIND)
EIGEN, LARGEST, SADDLE = "np.linalg.eigvalsh(H)", "np.abs(eigenvalues).max()", "    if eigenvalues[0] < -t and"


@misconception("classify", see=KIND, says="You decided by determinant and trace: that works for two weights, and not for more.")
def det_test(H, tol=1e-8):
    d, trace = np.linalg.det(H), np.trace(H)
    t = tol * max(1.0, np.abs(H).max())
    if abs(d) <= t:
        return "degenerate"
    if d < 0 and len(H) % 2 == 0:
        return "saddle"
    return "min" if trace > 0 else "max"


wrong("diagonal_signs", (EIGEN, "np.sort(np.diag(H))"),
      says="You looked at the signs on the diagonal: off-diagonal entries can make a saddle where all of those are positive.")
wrong("no_tolerance", (f"tol * max(1.0, {LARGEST})", "0.0"),
      says="You compared with 0, not with the tolerance, so rounding decides what a flat direction is.")
wrong("psd_is_min", ("eigenvalues[0] > t", "eigenvalues[0] >= -t"), ('"degenerate"', '"max"'),
      says="You call a point a minimum as soon as no eigenvalue is negative; with a zero among them second order does not decide.")
wrong("absolute_tolerance", (f"tol * max(1.0, {LARGEST})", "tol"),
      says="Your tolerance is tol itself; it must grow with the largest absolute eigenvalue.")
wrong("purely_relative", (f"max(1.0, {LARGEST})", LARGEST),
      says="Your tolerance shrinks with the Hessian without end: it is tol * max(1, largest absolute eigenvalue).")
wrong("signed_maximum", (LARGEST, "eigenvalues.max()"),
      says="Your tolerance follows the largest eigenvalue with its sign; take the largest absolute value.")
wrong("zero_before_saddle", (SADDLE, f'    if np.any(np.abs(eigenvalues) <= t):\n        return "degenerate"\n{SADDLE}'),
      says="You ask for zero eigenvalues first: one direction up and one down make a saddle, whatever the others are.")
wrong("uses_singular_values", (EIGEN, "np.linalg.svd(H, compute_uv=False)[::-1]"),
      says="You used singular values, which have lost the signs: every saddle looks like a minimum.")
wrong("minimum_and_maximum_swapped", (EIGEN, "-np.linalg.eigvalsh(H)[::-1]"),
      says="You have minimum and maximum the wrong way round: positive curvature is a valley.")
wrong("otherwise_saddle", ('"degenerate"', '"saddle"'),
      says="You call everything a saddle that is neither minimum nor maximum; a flat direction without a downward one is degenerate.")
wrong("frobenius_tolerance", (LARGEST, "np.linalg.norm(H)"),
      says="Your tolerance uses another norm of the matrix; it is the largest absolute eigenvalue.")
wrong("tries_the_axes_and_their_sum", (SADDLE, "    directions = [*np.eye(len(H)), np.ones(len(H)) / np.sqrt(len(H))]\n"
      f"    eigenvalues = sorted(v @ H @ v for v in directions)\n{SADDLE}"),
      says="You tried one direction v: a minimum needs v'Hv > 0 for every v that is not zero.")

# --- minimum_ratio ----------------------------------------------------------------------------------------------------


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


wrong = edits_of("minimum_ratio", see=END)
EIGEN, LARGEST = "np.linalg.eigvalsh(H)", "np.abs(eigenvalues).max()"
COUNTED = f"eigenvalues > tol * {LARGEST}"
wrong("counts_zero", ("> tol", ">= -tol"),
      says="You count eigenvalues that are zero as positive: only those above the tolerance count.")
wrong("singular_values", (EIGEN, "np.linalg.svd(H, compute_uv=False)"),
      says="You used singular values, which are never negative: the signs of the eigenvalues are lost.")
wrong("diagonal", (EIGEN, "np.diag(H)"),
      says="You counted entries of the diagonal; only in a diagonal matrix are those the eigenvalues.")
wrong("negative_ratio", ("> tol", "< -tol"),
      says="Your result is the fraction of negative eigenvalues.")
wrong("compares_with_zero", (f"tol * {LARGEST}", "0"),
      says="You compared with 0: eigenvalues that are zero up to rounding are counted by the sign of their rounding error.")
wrong("tolerance_absolute", (f"tol * {LARGEST}", "tol"),
      says="Your tolerance is absolute: H and 1e-9 H must have the same ratio.")
wrong("floor_of_one", (LARGEST, f"max(1.0, {LARGEST})"),
      says="Your tolerance has a floor of tol * 1, as in classify; here it is relative only.")
wrong("relative_to_signed_maximum", (LARGEST, "eigenvalues.max()"),
      says="Your tolerance follows the largest eigenvalue with its sign; take the largest absolute value.")
wrong("leaves_zeros_out", (f"np.mean({COUNTED})", f"({COUNTED}).sum() / max(1, (np.abs(eigenvalues) > tol * {LARGEST}).sum())"),
      says="You divided by the number of eigenvalues that are not zero; all n of them count below the line.")
wrong("counts_sizes", (EIGEN, "np.abs(np.linalg.eigvalsh(H))"),
      says="You took the absolute value before comparing: your result is the fraction of eigenvalues that are not zero.")
wrong("a_count", ("np.mean", "np.sum"),
      says="Your result is the number of positive eigenvalues; divide by n.")
wrong("share_of_the_trace", (f"np.mean({COUNTED})", f"eigenvalues[{COUNTED}].sum() / max(np.abs(eigenvalues).sum(), 1e-300)"),
      says="You weighed the eigenvalues by their size; each counts once.")
wrong("zero_over_zero", ("    return", f'    with np.errstate(invalid="ignore"):\n        scaled = eigenvalues / {LARGEST}\n    return'),
      (COUNTED, "np.heaviside(scaled - tol, 0)"),
      says="Your result is not a number where the Hessian is zero; its ratio is 0.")
wrong("ignores_tol", ("tol *", "1e-8 *"),
      says="Your tolerance is fixed at 1e-8: use the argument tol.")

# --- escape_direction -------------------------------------------------------------------------------------------------


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


wrong = edits_of("escape_direction", see=DOWN)
NO_WAY, FIRST, OUT = "eigenvalues[0] >= 0", "vectors[:, 0]", "-v if g @ v > 0 else v"
wrong("largest_eigenvector", (FIRST, "vectors[:, -1]"),
      says="You took the eigenvector of the largest eigenvalue: that is the steepest way up.")
wrong("row_not_column", (FIRST, "vectors[0]"),
      says="You took a row of the matrix of eigenvectors; they are its columns.")
wrong("no_sign_rule", (OUT, "v"),
      says="The sign of your direction is left to chance: turn v so that g . v is not positive.")
wrong("ascends", ("g @ v > 0", "g @ v < 0"),
      says="Your direction climbs along the gradient: g . v must not be positive.")
wrong("sign_of_zero", (OUT, "-np.sign(g @ v) * v"),
      says="Where g . v is 0 you multiplied by sign(0) = 0: the direction is gone just where you need it most.")
wrong("never_none", (NO_WAY, "False"),
      says="You return a direction where no curvature is negative; the answer there is None.")
wrong("saddles_only", (NO_WAY, f"{NO_WAY} or eigenvalues[-1] <= 0"),
      says="You return None unless some eigenvalue is positive; from a maximum there is a way down too.")
wrong("largest_in_size", (FIRST, "vectors[:, np.argmax(np.abs(eigenvalues))]"),
      says="You took the eigenvalue that is largest in size; it may be a positive one.")
wrong("scaled_by_curvature", (FIRST, "abs(eigenvalues[0]) * vectors[:, 0]"),
      says="Your vector has the length of the eigenvalue; it must have length 1.")
wrong("minus_gradient", (OUT, "-g / max(np.linalg.norm(g), 1e-300)"),
      says="Your direction is minus the gradient; the curvature of H does not enter, and at a critical point nothing is left.")
wrong("eig_unsorted", ("eigh", "eig"), (NO_WAY, "np.min(np.real(eigenvalues)) >= 0"), (FIRST, "np.real(vectors[:, 0])"),
      says="numpy.linalg.eig does not sort: its first eigenvector is not that of the smallest eigenvalue.")
wrong("gentlest_descent", (FIRST, "vectors[:, np.flatnonzero(eigenvalues < 0)[-1]]"),
      says="You took the negative eigenvalue closest to 0, the gentlest way down; take the most negative one.")
wrong("zeros_for_none", ("return None", "return np.zeros(len(g))"),
      says="You return zeros where there is no way down; the answer there is None.")
wrong("first_entry_positive", (OUT, "v if v[0] >= 0 else -v"),
      says="You turn the first entry of v positive; the sign must follow the gradient, g . v <= 0.")
wrong("newton_direction", (FIRST, "-np.linalg.lstsq(H, g, rcond=None)[0]"), (OUT, "v / max(np.linalg.norm(v), 1e-300)"),
      says="Your result is the Newton step, which walks to the saddle instead of away from it.")

# --- perturbed_gd -----------------------------------------------------------------------------------------------------


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


wrong = edits_of("perturbed_gd", see=TIME)
NORM, WAITED, START = "np.linalg.norm(grad(x)) <=", "t - last_kick >= t_noise", "x, last_kick = x0, -np.inf"
DRAW, LENGTH = "rng.normal(size=x.shape)", "r * rng.uniform() ** (1 / x.size)"
NOISE, STEP = "length * direction / np.linalg.norm(direction)", "x = x - eta * grad(x)"
KEEPS_GRADIENT, OLD_GRADIENT = (NORM, "np.linalg.norm(g := grad(x)) <="), (STEP, "x = x - eta * g")
wrong("no_noise", (f"{NORM} g_thres and {WAITED}", "False"),
      says="Your run is plain gradient descent: from an exact saddle it never moves.")
wrong("noise_every_step", (f" and {WAITED}", ""),
      says="You kick in every step with a small gradient: wait until t_noise steps have passed since the last kick.")
wrong("condition_reversed", ("<= g_thres", ">= g_thres"),
      says="You kick where the gradient is large; the kick is for places where it is at most g_thres.")
wrong("gaussian_noise", (LENGTH, "r"), (NOISE, "length * direction"),
      says="Your kick is normal with standard deviation r: it leaves the ball of radius r.")
wrong("uniform_length", (LENGTH, "r * rng.uniform()"),
      says="Your kick's length is uniform in [0, r], which crowds the centre; equal volumes need the power 1/n.")
wrong("square_root_in_any_dimension", (LENGTH, "r * np.sqrt(rng.uniform())"),
      says="Your kick's length is r times the root of a uniform number, which is right in the plane only; the power is 1/n.")
wrong("on_the_sphere", (LENGTH, "r"),
      says="Your kicks all have length r: they lie on the sphere, not in the ball.")
wrong("uniform_in_the_cube", (DRAW, "rng.uniform(-1, 1, size=x.shape)"), (LENGTH, "r"), (NOISE, "length * direction"),
      says="Your kick is uniform in a cube, whose corners stick out of the ball.")
wrong("cube_inside_the_ball", (DRAW, "rng.uniform(-1, 1, size=x.shape)"), (LENGTH, "r / np.sqrt(x.size)"), (NOISE, "length * direction"),
      says="You scaled a cube to fit into the ball: kicks close to the ball's edge are missing.")
wrong("one_sided", (DRAW, f"np.abs({DRAW})"),
      says="Your kicks go to one side only: their parts are never negative.")
wrong("same_number_for_all", (DRAW, "np.ones(x.shape)"), (LENGTH, f"{LENGTH} * rng.choice([-1.0, 1.0])"),
      says="Your kick adds the same number to every weight: it moves along one line only.")
wrong("waits_one_more", (WAITED, "t - last_kick > t_noise"),
      says="You wait one step too long: a kick is allowed as soon as t_noise steps have passed.")
wrong("waits_before_the_first", (START, "x, last_kick = x0, 0"),
      says="You wait t_noise steps before the first kick; there is no kick to wait for, so it is allowed at once.")
wrong("by_the_clock", (WAITED, "t % max(1, t_noise) == 0"),
      says="You kick in every step number divisible by t_noise; the wait counts from the last kick.")
wrong("kicks_once", (WAITED, "last_kick < 0"),
      says="You kick only once; a kick is allowed again whenever t_noise steps have passed.")
wrong("stale_gradient", KEEPS_GRADIENT, OLD_GRADIENT,
      says="After a kick you step with the gradient from before it; take the gradient where x is now.")
wrong("kick_instead_of_step", (f"        {STEP}", f"        else:\n            {STEP}"),
      says="Your kick takes the place of the step; it comes before the step, and the step follows.")
wrong("strictly_below", ("<= g_thres", "< g_thres"),
      says="You kick only where the gradient is below g_thres; a gradient of exactly that length counts too.")
wrong("noise_in_the_gradient", KEEPS_GRADIENT, ("x = x + length", "g = g + length"), OLD_GRADIENT,
      says="You add the noise to the gradient, so the kick is shrunk by eta; add it to x.")
wrong("squared_length", (NORM, "grad(x) @ grad(x) <="),
      says="You compare the squared length of the gradient with g_thres; compare the length.")
wrong("largest_entry", (NORM, "np.abs(grad(x)).max() <="),
      says="You compare the largest entry of the gradient with g_thres; compare its Euclidean length.")
wrong("ignores_rng", (START, f"{START}\n    rng = np.random.default_rng()"),
      says="You draw from a generator of your own: the same rng must give the same answer.")
wrong("fixed_seed", (START, f"{START}\n    rng = np.random.default_rng(0)"),
      says="You fixed a seed inside: every generator gives the same kick.")
wrong("writes_into_x0", ("x = x + length", "x += length"), (STEP, "x -= eta * grad(x)"),
      says="You wrote into x0: build new arrays, x = x - ..., instead of x -= ...")
wrong("whole_path", (START, f"{START}\n    path = [x0]"), (STEP, f"{STEP}\n        path.append(x)"), ("return x", "return np.stack(path)"),
      says="You return the whole path; the answer is the last point, of shape (n,).")
