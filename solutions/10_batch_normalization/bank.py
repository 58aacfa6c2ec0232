"""Right and wrong solutions of assignment 10. See `grader.source.bank` for the form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.source.bank import misconception, variant

if TYPE_CHECKING:  # the notebook's set-up cell imports them
    import numpy as np
    import torch

COMPUTES = "1. What does batch normalisation compute?"
GRADIENT = "2. What does it do to the gradient?"
BATCH = "4. What does a batch know?"
NOTHING = "5. What if a layer could do nothing?"

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


@misconception(
    "batchnorm_forward",
    says="You normalise with the unbiased variance, which divides by N - 1; the batch is normalised with the biased one, and only the running variance is unbiased.",
    see=COMPUTES,
)
def unbiased_in_normalisation(x, gamma, beta, run_mean, run_var, momentum, eps, training):
    if not training:
        return gamma * (x - run_mean) / np.sqrt(run_var + eps) + beta, run_mean, run_var
    mean, var = x.mean(0), x.var(0, ddof=1)
    y = gamma * (x - mean) / np.sqrt(var + eps) + beta
    return y, (1 - momentum) * run_mean + momentum * mean, (1 - momentum) * run_var + momentum * var


@misconception(
    "batchnorm_forward",
    says="Your running variance remembers the biased variance of the batch; an estimate for other data divides by N - 1.",
    see=BATCH,
)
def biased_running_var(x, gamma, beta, run_mean, run_var, momentum, eps, training):
    if not training:
        return gamma * (x - run_mean) / np.sqrt(run_var + eps) + beta, run_mean, run_var
    mean, var = x.mean(0), x.var(0)
    y = gamma * (x - mean) / np.sqrt(var + eps) + beta
    return y, (1 - momentum) * run_mean + momentum * mean, (1 - momentum) * run_var + momentum * var


@misconception(
    "batchnorm_forward",
    says="Your momentum weighs the old running statistics, as in the lectures' p; in PyTorch's convention it weighs the new batch.",
    see=BATCH,
)
def momentum_reversed(x, gamma, beta, run_mean, run_var, momentum, eps, training):
    if not training:
        return gamma * (x - run_mean) / np.sqrt(run_var + eps) + beta, run_mean, run_var
    mean, var = x.mean(0), x.var(0)
    y = gamma * (x - mean) / np.sqrt(var + eps) + beta
    new_mean = momentum * run_mean + (1 - momentum) * mean
    return y, new_mean, momentum * run_var + (1 - momentum) * x.var(0, ddof=1)


@misconception(
    "batchnorm_forward",
    says="You add eps to the standard deviation; it belongs inside the root, where it is compared with a variance.",
    see=COMPUTES,
)
def eps_outside_sqrt(x, gamma, beta, run_mean, run_var, momentum, eps, training):
    if not training:
        return gamma * (x - run_mean) / (np.sqrt(run_var) + eps) + beta, run_mean, run_var
    mean = x.mean(0)
    y = gamma * (x - mean) / (x.std(0) + eps) + beta
    new_mean = (1 - momentum) * run_mean + momentum * mean
    return y, new_mean, (1 - momentum) * run_var + momentum * x.var(0, ddof=1)


@misconception(
    "batchnorm_forward",
    says="Your variance goes without eps: a column that is constant is divided by zero, and a small variance blows up.",
    see=COMPUTES,
)
def eps_forgotten(x, gamma, beta, run_mean, run_var, momentum, eps, training):
    if not training:
        return gamma * (x - run_mean) / np.sqrt(run_var) + beta, run_mean, run_var
    mean = x.mean(0)
    with np.errstate(all="ignore"):
        y = gamma * (x - mean) / x.std(0) + beta
    new_mean = (1 - momentum) * run_mean + momentum * mean
    return y, new_mean, (1 - momentum) * run_var + momentum * x.var(0, ddof=1)


@misconception(
    "batchnorm_forward",
    says="You use the batch's statistics in evaluation mode too, so that an example's output depends on its neighbours; use the running ones.",
    see=BATCH,
)
def batch_statistics_in_evaluation(x, gamma, beta, run_mean, run_var, momentum, eps, training):
    y = gamma * (x - x.mean(0)) / np.sqrt(x.var(0) + eps) + beta
    if not training:
        return y, run_mean, run_var
    new_mean = (1 - momentum) * run_mean + momentum * x.mean(0)
    return y, new_mean, (1 - momentum) * run_var + momentum * x.var(0, ddof=1)


@misconception(
    "batchnorm_forward",
    says="Your running statistics move in evaluation mode; test data must leave no trace in them.",
    see=BATCH,
)
def updates_in_evaluation(x, gamma, beta, run_mean, run_var, momentum, eps, training):
    mean, var = (x.mean(0), x.var(0)) if training else (run_mean, run_var)
    y = gamma * (x - mean) / np.sqrt(var + eps) + beta
    new_mean = (1 - momentum) * run_mean + momentum * x.mean(0)
    return y, new_mean, (1 - momentum) * run_var + momentum * x.var(0, ddof=min(1, len(x) - 1))


@misconception(
    "batchnorm_forward",
    says="You normalise a training batch with the running statistics; in training mode the batch is measured by its own.",
    see=BATCH,
)
def running_statistics_in_training(x, gamma, beta, run_mean, run_var, momentum, eps, training):
    y = gamma * (x - run_mean) / np.sqrt(run_var + eps) + beta
    if training:
        run_mean = (1 - momentum) * run_mean + momentum * x.mean(0)
        run_var = (1 - momentum) * run_var + momentum * x.var(0, ddof=1)
    return y, run_mean, run_var


@misconception(
    "batchnorm_forward",
    says="You update the running statistics first and normalise with them; in training mode the batch is measured by its own statistics alone.",
    see=BATCH,
)
def normalises_with_the_updated_averages(x, gamma, beta, run_mean, run_var, momentum, eps, training):
    if training:
        run_mean = (1 - momentum) * run_mean + momentum * x.mean(0)
        run_var = (1 - momentum) * run_var + momentum * x.var(0, ddof=1)
    return gamma * (x - run_mean) / np.sqrt(run_var + eps) + beta, run_mean, run_var


@misconception(
    "batchnorm_forward",
    says="You divide by the variance; it takes its root, the standard deviation, to bring a column to variance 1.",
    see=COMPUTES,
)
def divides_by_the_variance(x, gamma, beta, run_mean, run_var, momentum, eps, training):
    if not training:
        return gamma * (x - run_mean) / (run_var + eps) + beta, run_mean, run_var
    mean = x.mean(0)
    y = gamma * (x - mean) / (x.var(0) + eps) + beta
    new_mean = (1 - momentum) * run_mean + momentum * mean
    return y, new_mean, (1 - momentum) * run_var + momentum * x.var(0, ddof=1)


@misconception(
    "batchnorm_forward",
    says="You normalise each row, which is layer normalisation; batch normalisation takes the statistics of each column over the batch.",
    see=COMPUTES,
)
def layer_normalisation(x, gamma, beta, run_mean, run_var, momentum, eps, training):
    if not training:
        return gamma * (x - run_mean) / np.sqrt(run_var + eps) + beta, run_mean, run_var
    y = gamma * (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + eps) + beta
    new_mean = (1 - momentum) * run_mean + momentum * x.mean(0)
    return y, new_mean, (1 - momentum) * run_var + momentum * x.var(0, ddof=1)


@misconception(
    "batchnorm_forward",
    says="You use one mean and one variance for the whole array; every unit, a column, has its own.",
    see=COMPUTES,
)
def one_mean_for_all(x, gamma, beta, run_mean, run_var, momentum, eps, training):
    if not training:
        return gamma * (x - run_mean) / np.sqrt(run_var + eps) + beta, run_mean, run_var
    y = gamma * (x - x.mean()) / np.sqrt(x.var() + eps) + beta
    new_mean = (1 - momentum) * run_mean + momentum * x.mean()
    return y, new_mean, (1 - momentum) * run_var + momentum * x.var(ddof=1)


@misconception(
    "batchnorm_forward",
    says="Your running variance averages standard deviations; it must average variances, and evaluation takes the root.",
    see=BATCH,
)
def remembers_the_deviation(x, gamma, beta, run_mean, run_var, momentum, eps, training):
    if not training:
        return gamma * (x - run_mean) / np.sqrt(run_var + eps) + beta, run_mean, run_var
    mean, var = x.mean(0), x.var(0)
    y = gamma * (x - mean) / np.sqrt(var + eps) + beta
    new_mean = (1 - momentum) * run_mean + momentum * mean
    return y, new_mean, (1 - momentum) * run_var + momentum * x.std(0, ddof=1)


@misconception(
    "batchnorm_forward",
    says="You return the statistics of this batch; asked for are the running ones, moved towards them by the share momentum.",
    see=BATCH,
)
def remembers_only_this_batch(x, gamma, beta, run_mean, run_var, momentum, eps, training):
    if not training:
        return gamma * (x - run_mean) / np.sqrt(run_var + eps) + beta, run_mean, run_var
    mean, var = x.mean(0), x.var(0)
    return gamma * (x - mean) / np.sqrt(var + eps) + beta, mean, x.var(0, ddof=1)


@misconception(
    "batchnorm_forward",
    says="Your running statistics do not move in training mode, so evaluation would still use their start.",
    see=BATCH,
)
def never_updates(x, gamma, beta, run_mean, run_var, momentum, eps, training):
    mean, var = (x.mean(0), x.var(0)) if training else (run_mean, run_var)
    return gamma * (x - mean) / np.sqrt(var + eps) + beta, run_mean, run_var


@misconception(
    "batchnorm_forward",
    says="You store variance + eps as the running variance; eps is added when a root is taken, not remembered.",
    see=BATCH,
)
def eps_remembered(x, gamma, beta, run_mean, run_var, momentum, eps, training):
    if not training:
        return gamma * (x - run_mean) / np.sqrt(run_var + eps) + beta, run_mean, run_var
    mean, var = x.mean(0), x.var(0)
    y = gamma * (x - mean) / np.sqrt(var + eps) + beta
    new_mean = (1 - momentum) * run_mean + momentum * mean
    return y, new_mean, (1 - momentum) * run_var + momentum * (x.var(0, ddof=1) + eps)


@misconception(
    "batchnorm_forward",
    says="You shift before you scale, gamma * (hat + beta); beta is added last and is not multiplied by gamma.",
    see=COMPUTES,
)
def shift_before_scale(x, gamma, beta, run_mean, run_var, momentum, eps, training):
    if not training:
        return gamma * ((x - run_mean) / np.sqrt(run_var + eps) + beta), run_mean, run_var
    mean, var = x.mean(0), x.var(0)
    y = gamma * ((x - mean) / np.sqrt(var + eps) + beta)
    new_mean = (1 - momentum) * run_mean + momentum * mean
    return y, new_mean, (1 - momentum) * run_var + momentum * x.var(0, ddof=1)


@misconception(
    "batchnorm_forward",
    says="You only normalise: the result must be multiplied by gamma, and beta added.",
    see=COMPUTES,
)
def scale_and_shift_forgotten(x, gamma, beta, run_mean, run_var, momentum, eps, training):
    if not training:
        return (x - run_mean) / np.sqrt(run_var + eps), run_mean, run_var
    mean, var = x.mean(0), x.var(0)
    new_mean = (1 - momentum) * run_mean + momentum * mean
    new_var = (1 - momentum) * run_var + momentum * x.var(0, ddof=1)
    return (x - mean) / np.sqrt(var + eps), new_mean, new_var


@misconception(
    "batchnorm_forward",
    says="Your columns are divided without being centred first: subtract the mean.",
    see=COMPUTES,
)
def not_centred(x, gamma, beta, run_mean, run_var, momentum, eps, training):
    if not training:
        return gamma * x / np.sqrt(run_var + eps) + beta, run_mean, run_var
    new_mean = (1 - momentum) * run_mean + momentum * x.mean(0)
    y = gamma * x / np.sqrt(x.var(0) + eps) + beta
    return y, new_mean, (1 - momentum) * run_var + momentum * x.var(0, ddof=1)


@misconception(
    "batchnorm_forward",
    says="Your function changes the running statistics that the caller holds: return new arrays instead of updating in place.",
    see=BATCH,
)
def updates_in_place(x, gamma, beta, run_mean, run_var, momentum, eps, training):
    if not training:
        return gamma * (x - run_mean) / np.sqrt(run_var + eps) + beta, run_mean, run_var
    run_mean *= 1 - momentum
    run_mean += momentum * x.mean(0)
    run_var *= 1 - momentum
    run_var += momentum * x.var(0, ddof=1)
    return gamma * (x - x.mean(0)) / np.sqrt(x.var(0) + eps) + beta, run_mean, run_var


@misconception(
    "batchnorm_forward",
    says="Your function overwrites the batch x it was given; the caller still needs it, also for the backward pass.",
    see=COMPUTES,
)
def centres_in_place(x, gamma, beta, run_mean, run_var, momentum, eps, training):
    mean, var = (x.mean(0), x.var(0)) if training else (run_mean, run_var)
    if training:
        run_mean = (1 - momentum) * run_mean + momentum * mean
        run_var = (1 - momentum) * run_var + momentum * x.var(0, ddof=1)
    x -= mean
    x /= np.sqrt(var + eps)
    return gamma * x + beta, run_mean, run_var


@misconception(
    "batchnorm_forward",
    says="Your numbers have only seven digits: they were computed in float32, which an offset of 10,000 uses up.",
    see=COMPUTES,
)
def in_single_precision(x, gamma, beta, run_mean, run_var, momentum, eps, training):
    mean, var = torch.tensor(run_mean).float(), torch.tensor(run_var).float()
    batch, scale, shift = (torch.tensor(a).float() for a in (x, gamma, beta))
    y = torch.nn.functional.batch_norm(batch, mean, var, scale, shift, training, momentum, eps)
    return y, mean, var


@misconception(
    "batchnorm_forward",
    says="You return the output alone; the new running mean and variance were asked for, too.",
    see=BATCH,
)
def output_alone(x, gamma, beta, run_mean, run_var, momentum, eps, training):
    mean, var = (x.mean(0), x.var(0)) if training else (run_mean, run_var)
    return gamma * (x - mean) / np.sqrt(var + eps) + beta


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


@misconception(
    "batchnorm_backward",
    says="You treat mean and variance as constants: each input also moves the statistics of its whole column.",
    see=GRADIENT,
)
def stats_as_constants(dy, x, gamma, eps):
    s = np.sqrt(x.var(0) + eps)
    hat = (x - x.mean(0)) / s
    return gamma * dy / s, (dy * hat).sum(0), dy.sum(0)


@misconception(
    "batchnorm_backward",
    says="The path through the variance is missing: subtract hat times the mean of dy * hat as well.",
    see=GRADIENT,
)
def mean_path_only(dy, x, gamma, eps):
    s = np.sqrt(x.var(0) + eps)
    hat = (x - x.mean(0)) / s
    return gamma / s * (dy - dy.mean(0)), (dy * hat).sum(0), dy.sum(0)


@misconception(
    "batchnorm_backward",
    says="The path through the mean is missing: subtract the mean of dy over the batch as well.",
    see=GRADIENT,
)
def variance_path_only(dy, x, gamma, eps):
    s = np.sqrt(x.var(0) + eps)
    hat = (x - x.mean(0)) / s
    return gamma / s * (dy - hat * (dy * hat).mean(0)), (dy * hat).sum(0), dy.sum(0)


@misconception(
    "batchnorm_backward",
    says="Your dx lacks gamma: the gradient passes through the scaling before it reaches the normalised column.",
    see=GRADIENT,
)
def gamma_missing(dy, x, gamma, eps):
    s = np.sqrt(x.var(0) + eps)
    hat = (x - x.mean(0)) / s
    return (dy - dy.mean(0) - hat * (dy * hat).mean(0)) / s, (dy * hat).sum(0), dy.sum(0)


@misconception(
    "batchnorm_backward",
    says="Your dx has gamma squared: it is multiplied in once, either into dy or at the end.",
    see=GRADIENT,
)
def gamma_twice(dy, x, gamma, eps):
    s = np.sqrt(x.var(0) + eps)
    hat = (x - x.mean(0)) / s
    d = gamma * dy
    return gamma / s * (d - d.mean(0) - hat * (d * hat).mean(0)), (dy * hat).sum(0), dy.sum(0)


@misconception(
    "batchnorm_backward",
    says="Your two means are taken before gamma and subtracted after it: all three terms need the factor gamma.",
    see=GRADIENT,
)
def gamma_in_one_term(dy, x, gamma, eps):
    s = np.sqrt(x.var(0) + eps)
    hat = (x - x.mean(0)) / s
    return (gamma * dy - dy.mean(0) - hat * (dy * hat).mean(0)) / s, (dy * hat).sum(0), dy.sum(0)


@misconception(
    "batchnorm_backward",
    says="You subtract sums where means belong: each example owns only 1/N of its column's mean and variance.",
    see=GRADIENT,
)
def sums_for_means(dy, x, gamma, eps):
    s = np.sqrt(x.var(0) + eps)
    hat = (x - x.mean(0)) / s
    dgamma, dbeta = (dy * hat).sum(0), dy.sum(0)
    return gamma / s * (dy - dbeta - hat * dgamma), dgamma, dbeta


@misconception(
    "batchnorm_backward",
    says="The path through the variance enters with the wrong sign: a larger variance makes the outputs smaller.",
    see=GRADIENT,
)
def variance_path_added(dy, x, gamma, eps):
    s = np.sqrt(x.var(0) + eps)
    hat = (x - x.mean(0)) / s
    return gamma / s * (dy - dy.mean(0) + hat * (dy * hat).mean(0)), (dy * hat).sum(0), dy.sum(0)


@misconception(
    "batchnorm_backward",
    says="You recompute the forward pass with the unbiased variance; the batch was normalised with the biased one.",
    see=COMPUTES,
)
def unbiased_backwards(dy, x, gamma, eps):
    s = np.sqrt(x.var(0, ddof=1) + eps)
    hat = (x - x.mean(0)) / s
    return gamma / s * (dy - dy.mean(0) - hat * (dy * hat).mean(0)), (dy * hat).sum(0), dy.sum(0)


@misconception(
    "batchnorm_backward",
    says="Your eps stands outside the root; it belongs to the variance, as in the forward pass.",
    see=COMPUTES,
)
def eps_outside_backwards(dy, x, gamma, eps):
    s = x.std(0) + eps
    hat = (x - x.mean(0)) / s
    return gamma / s * (dy - dy.mean(0) - hat * (dy * hat).mean(0)), (dy * hat).sum(0), dy.sum(0)


@misconception(
    "batchnorm_backward",
    says="Your backward pass has no eps, so it is not the gradient of the forward pass that has one.",
    see=COMPUTES,
)
def eps_forgotten_backwards(dy, x, gamma, eps):
    s = x.std(0)
    hat = (x - x.mean(0)) / s
    return gamma / s * (dy - dy.mean(0) - hat * (dy * hat).mean(0)), (dy * hat).sum(0), dy.sum(0)


@misconception(
    "batchnorm_backward",
    says="You divide by the variance; the outer factor of dx is gamma over its root.",
    see=GRADIENT,
)
def divided_by_the_variance(dy, x, gamma, eps):
    var = x.var(0) + eps
    hat = (x - x.mean(0)) / np.sqrt(var)
    return gamma / var * (dy - dy.mean(0) - hat * (dy * hat).mean(0)), (dy * hat).sum(0), dy.sum(0)


@misconception(
    "batchnorm_backward",
    says="The factor 1/s is missing from your dx: in a column with a large spread, the same push moves the output less.",
    see=GRADIENT,
)
def root_forgotten(dy, x, gamma, eps):
    hat = (x - x.mean(0)) / np.sqrt(x.var(0) + eps)
    return gamma * (dy - dy.mean(0) - hat * (dy * hat).mean(0)), (dy * hat).sum(0), dy.sum(0)


@misconception(
    "batchnorm_backward",
    says="You put the centred column where the normalised one belongs, in the path through the variance and in dgamma.",
    see=GRADIENT,
)
def centred_for_normalised(dy, x, gamma, eps):
    s, hat = np.sqrt(x.var(0) + eps), x - x.mean(0)
    return gamma / s * (dy - dy.mean(0) - hat * (dy * hat).mean(0)), (dy * hat).sum(0), dy.sum(0)


@misconception(
    "batchnorm_backward",
    says="Your dgamma multiplies dy by the raw inputs; gamma scales the normalised ones.",
    see=GRADIENT,
)
def dgamma_from_raw_inputs(dy, x, gamma, eps):
    s = np.sqrt(x.var(0) + eps)
    hat = (x - x.mean(0)) / s
    return gamma / s * (dy - dy.mean(0) - hat * (dy * hat).mean(0)), (dy * x).sum(0), dy.sum(0)


@misconception(
    "batchnorm_backward",
    says="Your dgamma and dbeta are means over the batch; the loss already says what it averages, so they are sums.",
    see=GRADIENT,
)
def parameters_averaged(dy, x, gamma, eps):
    s = np.sqrt(x.var(0) + eps)
    hat = (x - x.mean(0)) / s
    dx = gamma / s * (dy - dy.mean(0) - hat * (dy * hat).mean(0))
    return dx, (dy * hat).mean(0), dy.mean(0)


@misconception(
    "batchnorm_backward",
    says="Your dgamma contains gamma: the output is linear in gamma, so the derivative is the normalised column alone.",
    see=GRADIENT,
)
def gamma_in_dgamma(dy, x, gamma, eps):
    s = np.sqrt(x.var(0) + eps)
    hat = (x - x.mean(0)) / s
    dx = gamma / s * (dy - dy.mean(0) - hat * (dy * hat).mean(0))
    return dx, gamma * (dy * hat).sum(0), dy.sum(0)


@misconception(
    "batchnorm_backward",
    says="Your dx is divided by N: it is the gradient of the loss itself, and only the two inner terms are means.",
    see=GRADIENT,
)
def averaged_over_the_batch(dy, x, gamma, eps):
    s = np.sqrt(x.var(0) + eps)
    hat = (x - x.mean(0)) / s
    dx = gamma / s * (dy - dy.mean(0) - hat * (dy * hat).mean(0))
    return dx / len(x), (dy * hat).sum(0), dy.sum(0)


@misconception(
    "batchnorm_backward",
    says="Your dgamma and dbeta have changed places: the order is dx, dgamma, dbeta.",
    see=GRADIENT,
)
def parameters_swapped(dy, x, gamma, eps):
    s = np.sqrt(x.var(0) + eps)
    hat = (x - x.mean(0)) / s
    dx = gamma / s * (dy - dy.mean(0) - hat * (dy * hat).mean(0))
    return dx, dy.sum(0), (dy * hat).sum(0)


@misconception(
    "batchnorm_backward",
    says="Your function overwrites dy: the caller still needs the upstream gradient.",
    see=GRADIENT,
)
def overwrites_dy(dy, x, gamma, eps):
    s = np.sqrt(x.var(0) + eps)
    hat = (x - x.mean(0)) / s
    dgamma, dbeta = (dy * hat).sum(0), dy.sum(0)
    dy -= dbeta / len(x)
    dy -= hat * dgamma / len(x)
    dy *= gamma / s
    return dy, dgamma, dbeta


@misconception(
    "batchnorm_backward",
    says="Your numbers have only seven digits: they were computed in float32 instead of float64.",
    see=GRADIENT,
)
def backwards_in_single_precision(dy, x, gamma, eps):
    x, gamma = torch.tensor(x).float().requires_grad_(), torch.tensor(gamma).float().requires_grad_()
    beta = torch.zeros_like(gamma, requires_grad=True)
    y = torch.nn.functional.batch_norm(x, None, None, gamma, beta, True, 0.1, eps)
    return torch.autograd.grad(y, (x, gamma, beta), torch.tensor(dy).float())


# --- residual_forward_backward: y = x + relu(x W^T) -----------------------------------------------------------------------


@variant("residual_forward_backward")
def residual_by_autograd(x, W, dy):
    x, W = torch.tensor(x, requires_grad=True), torch.tensor(W, requires_grad=True)
    y = x + torch.relu(x @ W.T)
    y.backward(torch.tensor(dy))
    return y, x.grad, W.grad


@variant("residual_forward_backward")
def one_example_after_the_other(x, W, dy):
    y, dx, dW = [], [], np.zeros_like(W)
    for row, slope in zip(x, dy, strict=True):
        z = W @ row
        back = np.where(z > 0, slope, 0.0)
        y.append(row + np.clip(z, 0, None))
        dx.append(slope + W.T @ back)
        dW += np.outer(back, row)
    return y, dx, dW


@variant("residual_forward_backward")
def by_einsum(x, W, dy):
    z = np.einsum("nj,kj->nk", x, W)
    on = np.heaviside(z, 0.0)
    dz = dy * on
    return x + z * on, dy + np.einsum("nk,kj->nj", dz, W), np.einsum("nk,nj->kj", dz, x)


@variant("residual_forward_backward")
def element_by_element(x, W, dy):
    N, d = x.shape
    y, dx, dW = x.tolist(), dy.tolist(), [[0.0] * d for _ in range(d)]
    for n in range(N):
        for k in range(d):
            z = sum(float(W[k, j]) * float(x[n, j]) for j in range(d))
            if z > 0:
                y[n][k] += z
                for j in range(d):
                    dx[n][j] += float(dy[n, k] * W[k, j])
                    dW[k][j] += float(dy[n, k] * x[n, j])
    return [y, dx, dW]


@variant("residual_forward_backward")
def columns_are_examples(x, W, dy):
    Z = W @ x.T
    back = np.sign(np.maximum(Z, 0)) * dy.T
    Y = x.T + (Z + np.abs(Z)) / 2
    return Y.T, (dy.T + W.T @ back).T, back @ x


@misconception(
    "residual_forward_backward",
    says="Your output is the layer alone: add the input x to it, that is the skip.",
    see=NOTHING,
)
def skip_missing_in_forward(x, W, dy):
    z = x @ W.T
    dz = dy * (z > 0)
    return np.maximum(z, 0), dy + dz @ W, dz.T @ x


@misconception(
    "residual_forward_backward",
    says="Your dx comes through the layer only: along the skip dy arrives unchanged and is added.",
    see=NOTHING,
)
def skip_missing_in_backward(x, W, dy):
    z = x @ W.T
    dz = dy * (z > 0)
    return x + np.maximum(z, 0), dz @ W, dz.T @ x


@misconception(
    "residual_forward_backward",
    says="You decide by the block's output which units were active; with the skip added, its sign is not that of z = Wx.",
    see=NOTHING,
)
def mask_from_output(x, W, dy):
    y = x + np.maximum(x @ W.T, 0)
    dz = dy * (y > 0)
    return y, dy + dz @ W, dz.T @ x


@misconception(
    "residual_forward_backward",
    says="You multiply by W instead of its transpose: for examples in rows, W x becomes x W^T.",
    see=NOTHING,
)
def W_not_transposed(x, W, dy):
    z = x @ W
    dz = dy * (z > 0)
    return x + np.maximum(z, 0), dy + dz @ W.T, x.T @ dz


@misconception(
    "residual_forward_backward",
    says="Forwards is right, but backwards you use W^T again: the way back from z to x is a product with W.",
    see=NOTHING,
)
def W_transposed_backwards(x, W, dy):
    z = x @ W.T
    dz = dy * (z > 0)
    return x + np.maximum(z, 0), dy + dz @ W.T, dz.T @ x


@misconception(
    "residual_forward_backward",
    says="Your dW is transposed: row k belongs to unit k of the layer, column j to input j.",
    see=NOTHING,
)
def dW_transposed(x, W, dy):
    z = x @ W.T
    dz = dy * (z > 0)
    return x + np.maximum(z, 0), dy + dz @ W, x.T @ dz


@misconception(
    "residual_forward_backward",
    says="Your gradients pass through units that were off: where z is negative, nothing comes back through the layer.",
    see=NOTHING,
)
def mask_forgotten(x, W, dy):
    return x + np.maximum(x @ W.T, 0), dy + dy @ W, dy.T @ x


@misconception(
    "residual_forward_backward",
    says="You decide by the sign of x which units were active; relu looks at z = Wx.",
    see=NOTHING,
)
def mask_from_input(x, W, dy):
    dz = dy * (x > 0)
    return x + np.maximum(x @ W.T, 0), dy + dz @ W, dz.T @ x


@misconception(
    "residual_forward_backward",
    says="You mask the skip as well: along it dy comes back in full, also where a unit is off.",
    see=NOTHING,
)
def skip_masked(x, W, dy):
    z = x @ W.T
    dz = dy * (z > 0)
    return x + np.maximum(z, 0), dz + dz @ W, dz.T @ x


@misconception(
    "residual_forward_backward",
    says="You add the input inside relu; the skip goes around it, so that a block that is off still passes x on.",
    see=NOTHING,
)
def skip_inside_relu(x, W, dy):
    z = x + x @ W.T
    dz = dy * (z > 0)
    return np.maximum(z, 0), dz + dz @ W, dz.T @ x


@misconception(
    "residual_forward_backward",
    says="Your block is linear: relu is missing, forwards and backwards.",
    see=NOTHING,
)
def relu_forgotten(x, W, dy):
    return x + x @ W.T, dy + dy @ W, dy.T @ x


@misconception(
    "residual_forward_backward",
    says="Your dW is a mean over the examples; dy already says what the loss averages, so dW is a sum.",
    see=NOTHING,
)
def dW_averaged(x, W, dy):
    z = x @ W.T
    dz = dy * (z > 0)
    return x + np.maximum(z, 0), dy + dz @ W, dz.T @ x / len(x)


@misconception(
    "residual_forward_backward",
    says="Your dW multiplies by the block's output; the weights were multiplied with its input x.",
    see=NOTHING,
)
def dW_from_output(x, W, dy):
    z = x @ W.T
    dz, y = dy * (z > 0), x + np.maximum(z, 0)
    return y, dy + dz @ W, dz.T @ y


@misconception(
    "residual_forward_backward",
    says="Your gradients belong to dy = 1 everywhere; multiply by the upstream gradient that you are given.",
    see=NOTHING,
)
def upstream_forgotten(x, W, dy):
    z = x @ W.T
    on = (z > 0).astype(float)
    return x + np.maximum(z, 0), 1 + on @ W, on.T @ x


@misconception(
    "residual_forward_backward",
    says="Your dx and dW have changed places: the order is y, dx, dW.",
    see=NOTHING,
)
def gradients_swapped(x, W, dy):
    z = x @ W.T
    dz = dy * (z > 0)
    return x + np.maximum(z, 0), dz.T @ x, dy + dz @ W


@misconception(
    "residual_forward_backward",
    says="Your function adds into the x it was given; the caller still needs it, so make a new array.",
    see=NOTHING,
)
def adds_into_the_input(x, W, dy):
    z = x @ W.T
    dz = dy * (z > 0)
    dW = dz.T @ x
    x += np.maximum(z, 0)
    return x, dy + dz @ W, dW


@misconception(
    "residual_forward_backward",
    says="Your function adds into the dy it was given; other branches still need it, so make a new array.",
    see=NOTHING,
)
def adds_into_the_gradient(x, W, dy):
    z = x @ W.T
    dz = dy * (z > 0)
    dy += dz @ W
    return x + np.maximum(z, 0), dy, dz.T @ x


@misconception(
    "residual_forward_backward",
    says="Your numbers have only seven digits: they were computed in float32 instead of float64.",
    see=NOTHING,
)
def residual_in_single_precision(x, W, dy):
    x, W = torch.tensor(x).float().requires_grad_(), torch.tensor(W).float().requires_grad_()
    y = x + torch.relu(x @ W.T)
    y.backward(torch.tensor(dy).float())
    return y, x.grad, W.grad
