"""Right and wrong solutions of assignment 9. See `grader.source.bank` for the form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.source.bank import edits_of, variant

if TYPE_CHECKING:  # the notebook's set-up cell imports them
    import numpy as np
    import torch

NEWTON = "1. Where does Newton's step go?"
RESIDUALS = "2. What if the residuals lend the curvature?"
NEEDS = "3. Which of them needs a Hessian?"
COST = "4. What does curvature cost, and what does it look like?"

# --- gauss_newton: J^T r and J^T J ---------------------------------------------------------------------------------------


@variant("gauss_newton")
def example_by_example(J, r):
    grad, G = np.zeros(J.shape[1]), np.zeros((J.shape[1], J.shape[1]))
    for row, residual in zip(J, r, strict=True):
        grad += row * residual
        G += np.outer(row, row)
    return grad, G


@variant("gauss_newton")
def by_einsum(J, r):
    return np.einsum("ki,k->i", J, r), np.einsum("ki,kj->ij", J, J)


@variant("gauss_newton")
def lists_of_sums(J, r):
    n = J.shape[1]
    grad = [float(sum(a * b for a, b in zip(J[:, i], r, strict=True))) for i in range(n)]
    return grad, [[float(J[:, i] @ J[:, j]) for j in range(n)] for i in range(n)]


@variant("gauss_newton")
def by_autograd(J, r):
    w = torch.zeros(J.shape[1], dtype=torch.float64, requires_grad=True)
    loss = 0.5 * (torch.tensor(J) @ w + torch.tensor(r)).square().sum()  # a linear model with this Jacobian
    (grad,) = torch.autograd.grad(loss, w, create_graph=True)
    return [grad, torch.stack([torch.autograd.grad(g, w, retain_graph=True)[0] for g in grad])]


def pair(J, r):
    grad = J.T @ r
    G = J.T @ J
    return grad, G


wrong = edits_of("gauss_newton", see=RESIDUALS, form=pair)
wrong(
    "JJt",
    ("G = J.T @ J", "G = J @ J.T"),
    says="Your matrix is J J^T, with a row for each example; G has a row for each weight.",
)
wrong(
    "factor_2",
    ("J.T @ r", "2 * J.T @ r"),
    ("J.T @ J", "2 * J.T @ J"),
    says="You doubled both: the loss is half the sum of squares, and the half takes the 2 away.",
)
wrong(
    "mean",
    ("J.T @ r", "J.T @ r / len(r)"),
    ("J.T @ J", "J.T @ J / len(r)"),
    says="You divided by the number of examples; the loss is the sum of squares, not the mean.",
)
wrong("grad_sign", ("J.T @ r", "-J.T @ r"), says="Your gradient has the sign of a step downhill.")
wrong(
    "gradient_doubled",
    ("J.T @ r", "2 * J.T @ r"),
    says="Your gradient is twice too large: it is that of the sum of squares without the half.",
)
wrong(
    "row_sums_for_gradient",
    ("J.T @ r", "J.sum(axis=0)"),
    says="Your gradient sums the Jacobian and leaves the residuals out.",
)
wrong(
    "diagonal_only",
    ("J.T @ J", "np.diag((J**2).sum(axis=0))"),
    says="You kept the diagonal only; products of different columns belong to G.",
)
wrong(
    "outer_of_the_gradient",
    ("J.T @ J", "np.outer(J.T @ r, J.T @ r)"),
    says="Your matrix is the outer product of the gradient with itself; G sums over the examples before residuals come in.",
)
wrong(
    "weighted_by_residuals",
    ("J.T @ J", "J.T @ np.diag(r**2) @ J"),
    says="You weight each example by its squared residual: that is the empirical Fisher matrix, and it vanishes where the fit is good.",
)
wrong(
    "squared_entries",
    ("J.T @ J", "(J**2).T @ J**2"),
    says="You squared the Jacobian entry by entry before multiplying.",
)
wrong("swapped", ("return grad, G", "return G, grad"), says="You return (G, grad); the order is (grad, G).")
wrong(
    "scales_in_place",
    ("grad = J.T @ r", "r *= 1.0 + 1e-9\n    J[:] = J / (1.0 + 1e-9)\n    grad = J.T @ r"),
    says="Your function changes the caller's arrays in place: work on copies.",
)

# --- lm_step: (J^T J + mu I) delta = -J^T r --------------------------------------------------------------------------------


@variant("lm_step")
def stacked_least_squares(J, r, mu):
    n = J.shape[1]
    A = np.concatenate([J, np.sqrt(mu) * np.identity(n)])
    return np.linalg.lstsq(A, np.concatenate([-r, np.zeros(n)]), rcond=None)[0]


@variant("lm_step")
def dual_form(J, r, mu):
    return -J.T @ np.linalg.solve(J @ J.T + mu * np.eye(len(r)), r)


@variant("lm_step")
def by_the_inverse_in_torch(J, r, mu):
    J, r = torch.tensor(J, requires_grad=True), torch.tensor(r)
    return -torch.linalg.inv(J.T @ J + mu * torch.eye(J.shape[1], dtype=torch.float64)) @ (J.T @ r)


@variant("lm_step")
def by_singular_values(J, r, mu):
    U, s, Vt = np.linalg.svd(J, full_matrices=False)
    return [float(d) for d in -Vt.T @ (s / (s**2 + mu) * (U.T @ r))]


wrong = edits_of("lm_step", see=RESIDUALS)
DAMPED, RIGHT = "J.T @ J + mu * np.eye(J.shape[1])", "-J.T @ r)"
wrong(
    "marquardt_diag",
    (DAMPED, "J.T @ J + mu * np.diag(np.diag(J.T @ J)) + 1e-12 * np.eye(J.shape[1])"),
    says="You damp by mu times the diagonal of J^T J, Marquardt's variant; here the same mu stands in every place.",
)
wrong("ascent", (RIGHT, "J.T @ r)"), says="Your step climbs: the right-hand side is minus J^T r.")
wrong(
    "no_damping",
    ("np.linalg.solve(J.T @ J + mu * np.eye(J.shape[1]), -J.T @ r)", "np.linalg.lstsq(J, -r, rcond=None)[0]"),
    says="You left mu out: that is the undamped step of Gauss and Newton.",
)
wrong("mu_squared", ("mu * np", "mu**2 * np"), says="You add mu squared; mu itself stands on the diagonal.")
wrong("root_of_mu", ("mu * np", "mu**0.5 * np"), says="You add the root of mu: that belongs under J where the two are stacked, not here.")
wrong(
    "mu_everywhere",
    ("mu * np.eye(J.shape[1])", "mu + 1e-12 * np.eye(J.shape[1])"),
    says="A matrix plus a number adds it to every entry; mu belongs on the diagonal only, mu times the identity.",
)
wrong(
    "twice_the_gradient",
    (RIGHT, "-2 * J.T @ r)"),
    says="Your step is twice too long: the gradient of half the sum of squares is J^T r.",
)
wrong(
    "step_of_descent",
    ("np.linalg.solve(J.T @ J + mu * np.eye(J.shape[1]), -J.T @ r)", "-J.T @ r / mu"),
    says="Your step is the one for a huge mu, the gradient over mu; J^T J is missing.",
)
wrong(
    "divided_after_solving",
    (
        "np.linalg.solve(J.T @ J + mu * np.eye(J.shape[1]), -J.T @ r)",
        "np.linalg.pinv(J.T @ J) @ (-J.T @ r) / (1 + mu)",
    ),
    says="You shorten the Gauss-Newton step by 1 + mu; damping turns it towards the gradient as well.",
)
wrong(
    "mean_of_the_examples",
    (DAMPED, "J.T @ J / len(r) + mu * np.eye(J.shape[1])"),
    (RIGHT, "-J.T @ r / len(r))"),
    says="You divide J^T J and J^T r by the number of examples, which makes mu as many times stronger.",
)
wrong(
    "diagonal_system",
    ("np.linalg.solve(J.T @ J + mu * np.eye(J.shape[1]), -J.T @ r)", "-J.T @ r / ((J**2).sum(axis=0) + mu)"),
    says="You divide entry by entry, by the diagonal alone; the whole matrix is to be solved with.",
)
wrong(
    "changes_r",
    ("return np.linalg", "r *= -1\n    return np.linalg"),
    (RIGHT, "J.T @ r)"),
    says="You negate the caller's r in place: *= changes the very array you were given.",
)

# --- conjugate_gradient --------------------------------------------------------------------------------------------------


@variant("conjugate_gradient")
def with_lengths_and_a_break(A, b, tol=1e-10, maxit=1000):
    x, r = np.zeros_like(b), b + 0.0
    p, size = r.copy(), np.linalg.norm(b)
    for k in range(maxit):
        if np.linalg.norm(r) <= tol * size:
            return x, k
        Ap = np.asarray(A(p))
        alpha = np.dot(r, p) / np.dot(p, Ap)
        x += alpha * p
        new = r - alpha * Ap
        p = new + np.dot(new, new - r) / np.dot(r, r) * p  # Polak and Ribiere's: the same in exact arithmetic
        r = new
    return x, maxit


@variant("conjugate_gradient")
def beta_from_conjugacy(A, b, tol=1e-10, maxit=1000):
    x, r, k = 0 * b, 1.0 * b, 0
    p = r
    while np.sqrt(r @ r) > tol * np.sqrt(b @ b) and k < maxit:
        Ap = A(p)
        x, r = x + (r @ p) / (p @ Ap) * p, r - (r @ p) / (p @ Ap) * Ap
        p = r - (r @ Ap) / (p @ Ap) * p
        k += 1
    return x, k


@variant("conjugate_gradient")
def entry_by_entry(A, b, tol=1e-10, maxit=1000):
    def dot(u, v):
        return sum(float(c) * float(d) for c, d in zip(u, v, strict=True))

    x, r = [0.0] * len(b), [float(c) for c in b]
    p, rr, k = list(r), dot(r, r), 0
    first = rr
    while rr > tol * tol * first and k < maxit:
        Ap = A(np.array(p))
        a = rr / dot(p, Ap)
        x = [c + a * d for c, d in zip(x, p, strict=True)]
        r = [c - a * d for c, d in zip(r, Ap, strict=True)]
        rr, old = dot(r, r), rr
        p = [c + rr / old * d for c, d in zip(r, p, strict=True)]
        k += 1
    return x, k


@variant("conjugate_gradient")
def in_torch(A, b, tol=1e-10, maxit=1000):
    b = torch.tensor(b)
    x, r = torch.zeros_like(b), b.clone()
    p, k = r.clone(), 0
    while r.norm() > tol * b.norm() and k < maxit:
        Ap = torch.as_tensor(A(p.numpy()))
        alpha = r @ r / (p @ Ap)
        x, new = x + alpha * p, r - alpha * Ap
        p, r, k = new + (new @ new) / (r @ r) * p, new, k + 1
    return [x, torch.tensor(k)]


@variant("conjugate_gradient")
def by_scipy(A, b, tol=1e-10, maxit=1000):
    from scipy.sparse.linalg import LinearOperator, cg

    steps = []
    operator = LinearOperator((len(b), len(b)), matvec=lambda v: A(v.ravel()), dtype=np.float64)
    x, _ = cg(operator, b, rtol=tol, atol=0.0, maxiter=maxit, callback=steps.append)
    return x, len(steps)


wrong = edits_of("conjugate_gradient", see=NEEDS)
ALPHA, BETA, GOAL = "alpha = rr / (p @ Ap)", "beta = r @ r / rr", "tol**2 * rr"
wrong(
    "steepest_descent",
    (BETA, "beta = 0.0"),
    says="Your direction is the residual alone: that is steepest descent, without memory of the last direction.",
)
wrong(
    "beta_inverted",
    (BETA, "beta = rr / (r @ r)"),
    says="Your beta is upside down: the new r.r stands above the old one.",
)
wrong(
    "beta_no_square",
    (BETA, "beta = np.sqrt(r @ r / rr)"),
    says="Your beta is the ratio of lengths; it is the ratio of their squares.",
)
wrong(
    "beta_negative",
    ("r + beta * p", "r - beta * p"),
    says="You subtract beta p; the new direction is the residual plus beta times the old direction.",
)
wrong(
    "beta_is_one",
    (BETA, "beta = 1.0"),
    says="Your beta is always 1, as if r had been overwritten before both its lengths were taken.",
)
wrong(
    "alpha_wrong_denominator",
    (ALPHA, "alpha = rr / (p @ p)"),
    says="Your alpha divides by p.p; the curvature along p is p.Ap.",
)
wrong(
    "alpha_of_the_direction",
    (ALPHA, "alpha = p @ p / (p @ Ap)"),
    says="Your alpha has p.p above the line; it is r.r, and after the first step the two differ.",
)
wrong(
    "residual_grows",
    ("r = r - alpha * Ap", "r = r + alpha * Ap"),
    says="Your residual adds alpha A p: the step makes b - A x smaller by it.",
)
wrong(
    "residual_along_p",
    ("r = r - alpha * Ap", "r = r - alpha * p"),
    says="Your residual moves by alpha p; x moves by that, the residual by alpha A p.",
)
wrong(
    "absolute_tolerance",
    (GOAL, "tol**2 if rr > 0 else 0.0"),
    says="Your tolerance is absolute; it is relative to the length of b.",
)
wrong(
    "tolerance_not_squared",
    (GOAL, "tol * rr"),
    says="You compare r.r with tol times b.b: both lengths are squared, so tol must be too.",
)
wrong(
    "counts_from_zero",
    ("return x, n_iter", "return x, max(n_iter - 1, 0)"),
    says="You return the index of the last step; n_iter is how many were made.",
)
wrong(
    "one_step_too_many",
    ("        n_iter += 1\n", "        n_iter += 1\n    if 0 < n_iter < maxit:\n        x, n_iter = x + A(p) * 0, n_iter + 1\n"),
    says="You test before you update the residual, so a step is made after the goal is reached.",
)
wrong(
    "zero_over_zero",
    ("while rr > goal and n_iter < maxit:", "while n_iter == 0 or rr > goal and n_iter < maxit:"),
    says="For b = 0 you make a step, and alpha is 0/0: look at the residual before the first step.",
)
wrong(
    "maxit_ignored",
    ("while rr > goal and n_iter < maxit:", "while rr > goal and n_iter < 10_000:"),
    says="You never look at maxit.",
)
wrong(
    "product_twice",
    ("r = r - alpha * Ap", "r = b - A(x)"),
    says="You compute b - A x in every step: that is a second product, and the residual comes along without it.",
)
wrong(
    "product_at_every_use",
    (ALPHA, "alpha = rr / (p @ A(p))"),
    says="You call A twice for the same direction: keep A p and use it for alpha and for the residual.",
)
wrong(
    "changes_b",
    ("r = np.zeros(len(b)), b.copy()", "r = np.zeros(len(b)), b"),
    ("r = r - alpha * Ap", "p = p + 0.0\n        r -= alpha * Ap"),
    says="Your residual is the caller's b under another name, and -= changes it: start from a copy.",
)

# --- hvp: the gradient of gradient times v ----------------------------------------------------------------------------------


@variant("hvp")
def forward_over_reverse(f, x, v):
    return torch.func.jvp(torch.func.grad(f), (x,), (v,))[1]


@variant("hvp")
def difference_of_gradients(f, x, v):
    def gradient(at):
        at = at.clone().requires_grad_()
        return torch.autograd.grad(f(at), at)[0]

    length = v.norm()
    if length == 0:
        return torch.zeros_like(x)
    h = 1e-4
    u = v / length
    return length * (gradient(x + h * u) - gradient(x - h * u)) / (2 * h)


@variant("hvp")
def library_routine(f, x, v):
    return torch.autograd.functional.hvp(f, x, v)[1].numpy()


@variant("hvp")
def reverse_over_reverse_with_a_dummy(f, x, v):
    at = x.detach().clone().requires_grad_(True)
    g = torch.autograd.grad(f(at), at, create_graph=True)[0]
    return torch.autograd.grad(g, at, grad_outputs=v)[0].tolist()


@variant("hvp")
def backward_twice(f, x, v):
    at = torch.nn.Parameter(x.clone())
    (g,) = torch.autograd.grad(f(at), [at], create_graph=True)
    (g * v).sum().backward()
    return at.grad


wrong = edits_of("hvp", see=COST)
PRODUCT = "(product,) = torch.autograd.grad(gradient @ v, at)"
wrong(
    "diag_times_v",
    (PRODUCT, "product = torch.diagonal(torch.func.hessian(f)(x)) * v if len(x) < 100 else v"),
    says="You multiply by the diagonal of H entry by entry; what couples two weights is left out.",
)
wrong(
    "row_sums_times_v",
    (PRODUCT, "product = torch.autograd.grad(gradient.sum(), at)[0] * v"),
    says="You differentiate the sum of the gradient, which gives the row sums of H, and multiply by v afterwards: v belongs inside.",
)
wrong(
    "row_sums",
    (PRODUCT, "(product,) = torch.autograd.grad(gradient.sum(), at)"),
    says="You differentiate the sum of the gradient: that is H times a vector of ones.",
)
wrong(
    "quadratic_form",
    ("return product", "return product @ v"),
    says="You return the number v^T H v; H v is a vector.",
)
wrong(
    "gradient_times_v",
    (PRODUCT, "product = (gradient * v).detach()"),
    says="You return the gradient times v and forgot to differentiate it once more.",
)
wrong(
    "normalises_v",
    ("gradient @ v", "gradient @ (v / (v.norm() + 1e-300))"),
    says="You normalise v: H v is linear in v, also in its length.",
)
wrong(
    "half",
    ("return product", "return product / 2"),
    says="Your product is half of H v: the half belongs to the quadratic form of Taylor's series.",
)
wrong(
    "whole_step",
    (
        PRODUCT,
        "there = (x + v).requires_grad_()\n    product = (torch.autograd.grad(f(there), there)[0] - gradient).detach()",
    ),
    says="Your difference of gradients takes the whole of v as its step; divide a small step's difference by the step.",
)
wrong(
    "one_sided_coarse",
    (
        PRODUCT,
        "there = (x + 1e-3 * v).requires_grad_()\n    product = 1e3 * (torch.autograd.grad(f(there), there)[0] - gradient).detach()",
    ),
    says="Your one-sided difference with a step of 0.001 is accurate to three digits; use autograd, or a central difference.",
)
wrong(
    "difference_not_divided",
    (
        PRODUCT,
        "up, down = (x + 1e-4 * v).requires_grad_(), (x - 1e-4 * v).requires_grad_()\n    product = (torch.autograd.grad(f(up), up)[0] - torch.autograd.grad(f(down), down)[0]).detach()",
    ),
    says="Your difference of gradients is not divided by the distance 2h between the two points.",
)
wrong(
    "float32",
    ("x.detach().clone()", "x.detach().float().double()"),
    says="You convert x to float32 on the way: near 10,000 its steps are 0.001, and the product is wrong in the third digit.",
)
wrong(
    "minus",
    ("gradient @ v", "-gradient @ v"),
    says="Your product has the wrong sign: there is no minus in H v.",
)
wrong(
    "hessian_of_all",
    (PRODUCT, "product = torch.autograd.functional.hessian(f, x) @ v"),
    says="You form the whole Hessian first: with 20,000 weights it has 400 million entries.",
)
wrong(
    "leaves_requires_grad",
    ("x.detach().clone().requires_grad_()", "x.requires_grad_()"),
    says="You switch requires_grad on in the caller's x and leave it on: use a detached copy.",
)

# --- saddle_free_newton: -(|H| + damping I)^-1 g -------------------------------------------------------------------------------


@variant("saddle_free_newton")
def by_singular_values_of_H(g, H, damping):
    _, s, Vt = np.linalg.svd(H)
    return np.linalg.solve(Vt.T @ np.diag(s) @ Vt + damping * np.eye(len(g)), -g)


@variant("saddle_free_newton")
def eigenvector_by_eigenvector(g, H, damping):
    delta = np.zeros(len(g))
    lam, V = np.linalg.eigh(H)
    for k in range(len(g)):
        delta -= V[:, k] * np.dot(V[:, k], g) / (abs(lam[k]) + damping)
    return delta


@variant("saddle_free_newton")
def in_torch_by_einsum(g, H, damping):
    lam, V = torch.linalg.eigh(torch.tensor(H, requires_grad=True))
    return -torch.einsum("ik,k,jk,j->i", V, 1 / (lam.abs() + damping), V, torch.tensor(g))


@variant("saddle_free_newton")
def by_an_inverse(g, H, damping):
    lam, V = np.linalg.eigh(H)
    size = V @ np.diag(np.where(lam < 0, -lam, lam)) @ V.T
    return [float(d) for d in -np.linalg.inv(size + damping * np.identity(len(g))) @ g]


wrong = edits_of("saddle_free_newton", see=NEWTON)
SIZES = "(np.abs(eigenvalues) + damping)"
WHOLE = "-V @ ((V.T @ g) / (np.abs(eigenvalues) + damping))"
wrong(
    "plain_newton",
    (SIZES, "(eigenvalues + np.where(eigenvalues < 0, -damping, damping))"),
    says="You keep the sign of the eigenvalues: along negative ones that step climbs to the saddle.",
)
wrong(
    "damped_newton",
    (SIZES, "(eigenvalues + damping)"),
    says="You damp H and never take an absolute value: negative curvature keeps its sign, or meets the damping.",
)
wrong(
    "abs_after_damping",
    (SIZES, "np.abs(eigenvalues + damping)"),
    says="You take the absolute value after the damping was added: negative eigenvalues shrink by it.",
)
wrong(
    "elementwise_abs",
    (WHOLE, "np.linalg.solve(np.abs(H) + damping * np.eye(len(g)), -g)"),
    says="You take the absolute values of the entries of H; |H| has the absolute values of its eigenvalues.",
)
wrong(
    "clip_negative",
    (SIZES, "(np.maximum(eigenvalues, 0) + damping)"),
    says="You set negative curvatures to zero; their size counts as that of positive ones.",
)
wrong(
    "left_undamped",
    (SIZES, "(np.abs(eigenvalues) + 1e-12)"),
    says="You left the damping out: flat directions get steps without bound.",
)
wrong(
    "damping_as_floor",
    (SIZES, "np.maximum(np.abs(eigenvalues), damping)"),
    says="You use the damping as a floor; it is added to every eigenvalue's size.",
)
wrong(
    "uphill",
    (WHOLE, WHOLE[1:]),
    says="Your step goes uphill: there is a minus in front.",
)
wrong(
    "rows_for_eigenvectors",
    (WHOLE, "-V.T @ ((V @ g) / (np.abs(eigenvalues) + damping))"),
    says="You take the rows of eigh's matrix for the eigenvectors; they are its columns.",
)
wrong(
    "not_turned_back",
    (WHOLE, "-(V.T @ g) / (np.abs(eigenvalues) + damping)"),
    says="Your step is still in the coordinates of the eigenvectors: turn it back with V.",
)
wrong(
    "rate_for_each_weight",
    (WHOLE, "-g / (np.abs(np.diag(H)) + damping)"),
    says="You divide by the size of the diagonal alone, a rate for each weight; H couples them.",
)
wrong(
    "multiplied",
    ("(V.T @ g) / (np.abs(eigenvalues) + damping)", "(V.T @ g) * (np.abs(eigenvalues) + damping)"),
    says="You multiply by the curvatures: steep directions would take the longest steps. Divide.",
)
wrong(
    "root_of_the_size",
    (SIZES, "(np.sqrt(np.abs(eigenvalues)) + damping)"),
    says="You divide by the root of the curvature's size; it is the size itself.",
)
wrong(
    "changes_H",
    ("eigenvalues, V = np.linalg.eigh(H)", "eigenvalues, V = np.linalg.eigh(H)\n    H[:] = V * np.abs(eigenvalues) @ V.T"),
    says="You write |H| into the caller's H: make a new array.",
)
