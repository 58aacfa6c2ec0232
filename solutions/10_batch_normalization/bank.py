"""Right and wrong solutions of assignment 10. See `grader.source.bank` for the form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.source.bank import edits_of, misconception, variant

if TYPE_CHECKING:  # the notebook's set-up cell imports them
    import numpy as np
    import torch

COMPUTES = "1. What does batch normalisation compute?"
GRADIENT = "2. What does it do to the gradient?"
BATCH = "5. What does a batch know?"

# --- batchnorm_forward: biased variance to normalise, unbiased to remember, eps inside the root --------------------------


@variant("batchnorm_forward")
def column_by_column(x, gamma, beta, run_mean, run_var, momentum, eps, training):
    N, D = x.shape
    y, mean, var = np.empty((N, D)), list(run_mean), list(run_var)
    for j in range(D):
        centre, spread = run_mean[j], run_var[j]
        if training:
            centre = sum(x[:, j]) / N
            squares = sum((a - centre) ** 2 for a in x[:, j])
            spread = squares / N
            mean[j] = run_mean[j] + momentum * (centre - run_mean[j])
            var[j] = run_var[j] + momentum * (squares / (N - 1) - run_var[j])
        for i in range(N):
            y[i, j] = gamma[j] * (x[i, j] - centre) / (spread + eps) ** 0.5 + beta[j]
    return y, mean, var


@variant("batchnorm_forward")
def by_pytorch(x, gamma, beta, run_mean, run_var, momentum, eps, training):
    mean, var = torch.tensor(run_mean), torch.tensor(run_var)
    weights = torch.tensor(gamma), torch.tensor(beta)
    y = torch.nn.functional.batch_norm(torch.tensor(x), mean, var, *weights, training, momentum, eps)
    return y, mean, var


@variant("batchnorm_forward")
def a_layer_with_its_state(x, gamma, beta, run_mean, run_var, momentum, eps, training):
    layer = torch.nn.BatchNorm1d(x.shape[1], eps=eps, momentum=momentum, dtype=torch.float64)
    layer.weight.data, layer.bias.data = torch.tensor(gamma), torch.tensor(beta)
    layer.running_mean, layer.running_var = torch.tensor(run_mean), torch.tensor(run_var)
    layer.train(training)
    return [layer(torch.tensor(x)), layer.running_mean, layer.running_var]


@variant("batchnorm_forward")
def one_affine_map(x, gamma, beta, run_mean, run_var, momentum, eps, training):
    mean, var = run_mean.copy(), run_var.copy()
    if training:
        run_mean, run_var = np.einsum("nd->d", x) / len(x), np.cov(x.T, bias=True).reshape(x.shape[1], -1)
        run_var = np.diag(run_var)
        mean = np.average([mean, run_mean], axis=0, weights=[1 - momentum, momentum])
        var = (1 - momentum) * var + momentum * run_var * len(x) / (len(x) - 1)
    slope = gamma * (run_var + eps) ** -0.5
    return x * slope + (beta - run_mean * slope), mean, var


@variant("batchnorm_forward")
def in_place_on_copies(x, gamma, beta, run_mean, run_var, momentum, eps, training):
    y, mean, var = x.copy(), run_mean.copy(), run_var.copy()
    if training:
        y -= y.mean(0)
        spread = np.square(y).mean(0)
        mean *= 1 - momentum
        mean += momentum * x.mean(0)
        var *= 1 - momentum
        var += momentum * np.var(x, axis=0, ddof=1)
    else:
        y -= mean
        spread = var
    y /= np.sqrt(spread + eps)
    y *= gamma
    y += beta
    return y, mean, var


@variant("batchnorm_forward")
def from_the_mean_of_squares(x, gamma, beta, run_mean, run_var, momentum, eps, training):
    if not training:
        return (x - run_mean) / np.sqrt(run_var + eps) * gamma + beta, run_mean.copy(), run_var.copy()
    n, first = len(x), x[0]
    mean = (x - first).mean(0)  # from the first row, against cancellation
    var = ((x - first) ** 2).mean(0) - mean**2
    keep = 1 - momentum
    state = keep * run_mean + momentum * (mean + first), keep * run_var + momentum * var * n / (n - 1)
    return ((x - first - mean) / np.sqrt(np.maximum(var, 0) + eps) * gamma + beta, *state)


wrong = edits_of("batchnorm_forward", see=BATCH)
OWN, STORED = "mean, var = x.mean(axis=0), x.var(axis=0)", "mean, var = run_mean, run_var"
UNBIASED = "x.var(axis=0, ddof=1)"
NEXT_MEAN, NEXT_VAR = (
    "(1 - momentum) * run_mean + momentum * mean",
    f"(1 - momentum) * run_var + momentum * {UNBIASED}",
)
UPDATE = f"        run_mean = {NEXT_MEAN}\n        run_var = {NEXT_VAR}\n"
ROOT, OUT = "np.sqrt(var + eps)", "gamma * (x - mean) / np.sqrt(var + eps) + beta"
wrong(
    "unbiased_in_normalisation",
    (OWN, f"mean, var = x.mean(axis=0), {UNBIASED}"),
    says="You normalise with the unbiased variance, which divides by N - 1; the batch is normalised with the biased one, "
    "and only the running variance is unbiased.",
    see=COMPUTES,
)
wrong(
    "biased_running_var",
    (UNBIASED, "var"),
    says="Your running variance remembers the biased variance of the batch; an estimate for other data divides by N - 1.",
)
wrong(
    "momentum_reversed",
    (NEXT_MEAN, "momentum * run_mean + (1 - momentum) * mean"),
    (NEXT_VAR, f"momentum * run_var + (1 - momentum) * {UNBIASED}"),
    says="Your momentum weighs the old running statistics, as in the lectures' p; in PyTorch's convention it weighs the new batch.",
)
wrong(
    "eps_outside_sqrt",
    (ROOT, "(np.sqrt(var) + eps)"),
    says="You add eps to the standard deviation; it belongs inside the root, where it is compared with a variance.",
    see=COMPUTES,
)
wrong(
    "eps_forgotten",
    (ROOT, "np.sqrt(var)"),
    says="Your variance goes without eps: a column that is constant is divided by zero, and a small variance blows up.",
    see=COMPUTES,
)
wrong(
    "batch_statistics_in_evaluation",
    (STORED, OWN),
    says="You use the batch's statistics in evaluation mode too, so that an example's output depends on its neighbours; use the running ones.",
)
wrong(
    "updates_in_evaluation",
    (UPDATE, ""),
    (
        "    return",
        "    run_mean = (1 - momentum) * run_mean + momentum * x.mean(axis=0)\n"
        "    run_var = (1 - momentum) * run_var + momentum * x.var(axis=0, ddof=min(1, len(x) - 1))\n    return",
    ),
    says="Your running statistics move in evaluation mode; test data must leave no trace in them.",
)
wrong(
    "running_statistics_in_training",
    (OWN, STORED),
    ("momentum * mean", "momentum * x.mean(axis=0)"),
    says="You normalise a training batch with the running statistics; in training mode the batch is measured by its own.",
)
wrong(
    "normalises_with_the_updated_averages",
    ("    else:\n        mean", "    mean"),
    says="You update the running statistics first and normalise with them; in training mode the batch is measured by its own statistics alone.",
)
wrong(
    "divides_by_the_variance",
    (ROOT, "(var + eps)"),
    says="You divide by the variance; it takes its root, the standard deviation, to bring a column to variance 1.",
    see=COMPUTES,
)
wrong(
    "layer_normalisation",
    (OWN, "mean, var = x.mean(axis=1, keepdims=True), x.var(axis=1, keepdims=True)"),
    ("momentum * mean", "momentum * x.mean(axis=0)"),
    says="You normalise each row, which is layer normalisation; "
    "batch normalisation takes the statistics of each column over the batch.",
    see=COMPUTES,
)
wrong(
    "one_mean_for_all",
    (OWN, "mean, var = x.mean(), x.var()"),
    (UNBIASED, "x.var(ddof=1)"),
    says="You use one mean and one variance for the whole array; every unit, a column, has its own.",
    see=COMPUTES,
)
wrong(
    "remembers_the_deviation",
    (UNBIASED, "x.std(axis=0, ddof=1)"),
    says="Your running variance averages standard deviations; it must average variances, and evaluation takes the root.",
)
wrong(
    "remembers_only_this_batch",
    (NEXT_MEAN, "mean"),
    (NEXT_VAR, UNBIASED),
    says="You return the statistics of this batch; asked for are the running ones, moved towards them by the share momentum.",
)
wrong(
    "never_updates",
    (UPDATE, ""),
    says="Your running statistics do not move in training mode, so evaluation would still use their start.",
)
wrong(
    "eps_remembered",
    (UNBIASED, f"({UNBIASED} + eps)"),
    says="You store variance + eps as the running variance; eps is added when a root is taken, not remembered.",
)
wrong(
    "shift_before_scale",
    (OUT, f"gamma * ((x - mean) / {ROOT} + beta)"),
    says="You shift before you scale, gamma * (hat + beta); beta is added last and is not multiplied by gamma.",
    see=COMPUTES,
)
wrong(
    "scale_and_shift_forgotten",
    (OUT, f"(x - mean) / {ROOT}"),
    says="You only normalise: the result must be multiplied by gamma, and beta added.",
    see=COMPUTES,
)
wrong(
    "not_centred",
    ("(x - mean)", "x"),
    says="Your columns are divided without being centred first: subtract the mean.",
    see=COMPUTES,
)
wrong(
    "updates_in_place",
    ("run_mean = (", "run_mean[:] = ("),
    ("run_var = (", "run_var[:] = ("),
    says="Your function changes the running statistics that the caller holds: return new arrays instead of updating in place.",
)
wrong(
    "centres_in_place",
    ("    return", f"    x -= mean\n    x /= {ROOT}\n    return"),
    (OUT, "gamma * x + beta"),
    says="Your function overwrites the batch x it was given; the caller still needs it, also for the backward pass.",
    see=COMPUTES,
)


@misconception(
    "batchnorm_forward",
    see=COMPUTES,
    says="Your numbers have only seven digits: they were computed in float32, which an offset of 10,000 uses up.",
)
def in_single_precision(x, gamma, beta, run_mean, run_var, momentum, eps, training):
    mean, var = torch.tensor(run_mean).float(), torch.tensor(run_var).float()
    batch, scale, shift = (torch.tensor(a).float() for a in (x, gamma, beta))
    y = torch.nn.functional.batch_norm(batch, mean, var, scale, shift, training, momentum, eps)
    return y, mean, var


wrong(
    "output_alone",
    ("+ beta, run_mean, run_var", "+ beta"),
    says="You return the output alone; the new running mean and variance were asked for, too.",
)

# --- batchnorm_backward: gamma / s (dy - mean(dy) - hat mean(dy hat)) -----------------------------------------------------


@variant("batchnorm_backward")
def by_autograd(dy, x, gamma, eps):
    x, gamma = torch.tensor(x, requires_grad=True), torch.tensor(gamma, requires_grad=True)
    beta = torch.zeros_like(gamma, requires_grad=True)
    y = torch.nn.functional.batch_norm(x, None, None, gamma, beta, True, 0.1, eps)
    return torch.autograd.grad(y, (x, gamma, beta), torch.tensor(dy))


@variant("batchnorm_backward")
def three_paths(dy, x, gamma, eps):
    n, mean, var = len(x), x.mean(0), x.var(0) + eps
    dhat = gamma * dy
    dvar = (dhat * (x - mean)).sum(0) * -0.5 * var**-1.5
    dmean = -dhat.sum(0) * var**-0.5 + dvar * (-2 / n) * (x - mean).sum(0)
    dx = dhat * var**-0.5 + dvar * 2 / n * (x - mean) + dmean / n
    return dx, (dy * (x - mean) * var**-0.5).sum(0), dy.sum(0)


@variant("batchnorm_backward")
def jacobian_of_each_column(dy, x, gamma, eps):
    n = len(x)
    columns, dgamma = [], []
    for j, column in enumerate(x.T):
        s = (np.var(column) + eps) ** 0.5
        hat = (column - np.mean(column)) / s
        J = (np.eye(n) - 1 / n - np.outer(hat, hat) / n) * gamma[j] / s
        columns.append(J.T @ dy[:, j])
        dgamma.append(dy[:, j] @ hat)
    return np.stack(columns, axis=1), dgamma, np.ones(n) @ dy


@variant("batchnorm_backward")
def loops_and_lists(dy, x, gamma, eps):
    N, D = x.shape
    dx, dgamma, dbeta = [[0.0] * D for _ in range(N)], [], []
    for j in range(D):
        mean = sum(x[i][j] for i in range(N)) / N
        s = (sum((x[i][j] - mean) ** 2 for i in range(N)) / N + eps) ** 0.5
        hat = [(x[i][j] - mean) / s for i in range(N)]
        dbeta.append(sum(dy[i][j] for i in range(N)))
        dgamma.append(sum(dy[i][j] * hat[i] for i in range(N)))
        for i in range(N):
            dx[i][j] = gamma[j] / (N * s) * (N * dy[i][j] - dbeta[j] - hat[i] * dgamma[j])
    return dx, dgamma, dbeta


@variant("batchnorm_backward")
def complex_steps(dy, x, gamma, eps):
    def loss(batch):
        centred = batch - batch.mean(0)
        return (dy * gamma * centred / np.sqrt((centred**2).mean(0) + eps)).sum()

    h, dx = 1e-30, np.zeros(x.shape)
    for where in np.ndindex(x.shape):
        moved = x.astype(complex)
        moved[where] += 1j * h
        dx[where] = loss(moved).imag / h
    hat = (x - x.mean(0)) / np.sqrt(x.var(0) + eps)
    return [dx, np.einsum("nd,nd->d", dy, hat), np.einsum("nd->d", dy)]


wrong = edits_of("batchnorm_backward", see=GRADIENT)
VAR, ROOT, OUT = "x.var(axis=0)", "np.sqrt(x.var(axis=0) + eps)", "return dx, dgamma, dbeta"
BY_MEAN, BY_VAR = " - dbeta / len(x)", " - hat * dgamma / len(x)"
wrong(
    "stats_as_constants",
    (f"{BY_MEAN}{BY_VAR}", ""),
    says="You treat mean and variance as constants: each input also moves the statistics of its whole column.",
)
wrong(
    "mean_path_only",
    (BY_VAR, ""),
    says="The path through the variance is missing: subtract hat times the mean of dy * hat as well.",
)
wrong(
    "variance_path_only",
    (BY_MEAN, ""),
    says="The path through the mean is missing: subtract the mean of dy over the batch as well.",
)
wrong(
    "gamma_missing",
    ("gamma / s", "1 / s"),
    says="Your dx lacks gamma: the gradient passes through the scaling before it reaches the normalised column.",
)
wrong(
    "gamma_twice",
    ("gamma / s", "gamma**2 / s"),
    says="Your dx has gamma squared: it is multiplied in once, either into dy or at the end.",
)
wrong(
    "gamma_in_one_term",
    ("gamma / s * (dy", "1 / s * (gamma * dy"),
    says="Your two means are taken before gamma and subtracted after it: all three terms need the factor gamma.",
)
wrong(
    "sums_for_means",
    (f"{BY_MEAN}{BY_VAR}", " - dbeta - hat * dgamma"),
    says="You subtract sums where means belong: each example owns only 1/N of its column's mean and variance.",
)
wrong(
    "variance_path_added",
    (BY_VAR, " + hat * dgamma / len(x)"),
    says="The path through the variance enters with the wrong sign: a larger variance makes the outputs smaller.",
)
wrong(
    "unbiased_backwards",
    (VAR, "x.var(axis=0, ddof=1)"),
    says="You recompute the forward pass with the unbiased variance; the batch was normalised with the biased one.",
    see=COMPUTES,
)
wrong(
    "eps_outside_backwards",
    (ROOT, "x.std(axis=0) + eps"),
    says="Your eps stands outside the root; it belongs to the variance, as in the forward pass.",
    see=COMPUTES,
)
wrong(
    "eps_forgotten_backwards",
    (ROOT, "x.std(axis=0)"),
    says="Your backward pass has no eps, so it is not the gradient of the forward pass that has one.",
    see=COMPUTES,
)
wrong(
    "divided_by_the_variance",
    ("gamma / s", "gamma / s**2"),
    says="You divide by the variance; the outer factor of dx is gamma over its root.",
)
wrong(
    "root_forgotten",
    ("gamma / s", "gamma"),
    says="The factor 1/s is missing from your dx: in a column with a large spread, the same push moves the output less.",
)
wrong(
    "centred_for_normalised",
    ("(x - x.mean(axis=0)) / s", "x - x.mean(axis=0)"),
    says="You put the centred column where the normalised one belongs, in the path through the variance and in dgamma.",
)
wrong(
    "dgamma_from_raw_inputs",
    (OUT, "return dx, (dy * x).sum(axis=0), dbeta"),
    says="Your dgamma multiplies dy by the raw inputs; gamma scales the normalised ones.",
)
wrong(
    "parameters_averaged",
    (OUT, "return dx, dgamma / len(x), dbeta / len(x)"),
    says="Your dgamma and dbeta are means over the batch; the loss already says what it averages, so they are sums.",
)
wrong(
    "gamma_in_dgamma",
    (OUT, "return dx, gamma * dgamma, dbeta"),
    says="Your dgamma contains gamma: the output is linear in gamma, so the derivative is the normalised column alone.",
)
wrong(
    "averaged_over_the_batch",
    (OUT, "return dx / len(x), dgamma, dbeta"),
    says="Your dx is divided by N: it is the gradient of the loss itself, and only the two inner terms are means.",
)
wrong(
    "parameters_swapped",
    (OUT, "return dx, dbeta, dgamma"),
    says="Your dgamma and dbeta have changed places: the order is dx, dgamma, dbeta.",
)
wrong(
    "overwrites_dy",
    ("dx = gamma", "dy[:] = gamma"),
    (OUT, "return dy, dgamma, dbeta"),
    says="Your function overwrites dy: the caller still needs the upstream gradient.",
)


@misconception(
    "batchnorm_backward",
    see=GRADIENT,
    says="Your numbers have only seven digits: they were computed in float32 instead of float64.",
)
def backwards_in_single_precision(dy, x, gamma, eps):
    x, gamma = torch.tensor(x).float().requires_grad_(), torch.tensor(gamma).float().requires_grad_()
    beta = torch.zeros_like(gamma, requires_grad=True)
    y = torch.nn.functional.batch_norm(x, None, None, gamma, beta, True, 0.1, eps)
    return torch.autograd.grad(y, (x, gamma, beta), torch.tensor(dy).float())
