"""Right and wrong solutions of assignment 02."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.source.bank import misconception, variant

if TYPE_CHECKING:  # the notebook's set-up cell imports them
    import numpy as np
    import torch

COST = "1. What should a mistake cost?"
SOFTMAX = "2. How do outputs become probabilities?"
LIKELIHOOD = "3. Why cross-entropy?"
STALL = "4. Where does squared error stall?"


# --- margin_losses: right ---------------------------------------------------------------------------------------------


@variant("margin_losses")
def margins_one_by_one(m):
    import math

    losses = {"zero_one": [], "hinge": [], "log": [], "square": []}
    for value in m:
        losses["zero_one"].append(1.0 if value <= 0 else 0.0)
        losses["hinge"].append(max(0.0, 1 - value))
        losses["log"].append(max(0.0, -value) + math.log1p(math.exp(-abs(value))))
        losses["square"].append((1 - value) ** 2)
    return {key: np.array(values) for key, values in losses.items()}


@variant("margin_losses")
def margins_by_torch(m):
    t = torch.tensor(m)
    return {
        "zero_one": (t <= 0).double(),
        "hinge": torch.relu(1 - t),
        "log": torch.nn.functional.softplus(-t),
        "square": (t - 1) ** 2,
    }


@variant("margin_losses")
def margins_by_cases(m):
    log = np.empty_like(m)
    wrong = m < 0
    log[wrong] = -m[wrong] + np.log(1 + np.exp(m[wrong]))
    log[~wrong] = np.log(1 + np.exp(-m[~wrong]))
    return {
        "square": 1 - 2 * m + m * m,
        "log": log,
        "hinge": (1 - m) * (m < 1),
        "zero_one": 1 - (m > 0),
    }


@variant("margin_losses")
def margins_by_scipy(m):
    from scipy.special import log_expit

    return {
        "zero_one": np.heaviside(-m, 1.0),
        "hinge": np.clip(1 - m, 0, None),
        "log": -log_expit(m),
        "square": np.square(m - 1),
    }


@variant("margin_losses")
def margins_as_lists(m):
    return {
        "zero_one": [int(v <= 0) for v in m],
        "hinge": [max(0.0, 1 - v) for v in m],
        "log": np.logaddexp(0, -m).tolist(),
        "square": [float((1 - v) ** 2) for v in m],
    }


# --- margin_losses: wrong ---------------------------------------------------------------------------------------------


@misconception(
    "margin_losses",
    says="Your log loss overflows: e^1000 is larger than any float64, so a margin of -1000 costs infinity instead of 1000.",
    see=COST,
)
def overflow_log(m):
    return {
        "zero_one": (m <= 0) * 1.0,
        "hinge": np.maximum(0, 1 - m),
        "log": np.log1p(np.exp(-m)),
        "square": (1 - m) ** 2,
    }


@misconception(
    "margin_losses",
    says="Your log loss is in bits (base 2): it is 1 at m = 0, where the loss in nats is ln 2 = 0.693.",
    see=COST,
)
def log_base2(m):
    return {
        "zero_one": (m <= 0) * 1.0,
        "hinge": np.maximum(0, 1 - m),
        "log": np.logaddexp(0, -m) / np.log(2),
        "square": (1 - m) ** 2,
    }


@misconception(
    "margin_losses",
    says="You count a margin of exactly 0 as right; a score of 0 decides nothing, so its 0-1 loss is 1.",
    see=COST,
)
def zero_margin_correct(m):
    return {
        "zero_one": (m < 0) * 1.0,
        "hinge": np.maximum(0, 1 - m),
        "log": np.logaddexp(0, -m),
        "square": (1 - m) ** 2,
    }


@misconception(
    "margin_losses",
    says="Your hinge is the perceptron's loss max(0, -m), whose corner is at 0; the hinge asks for a margin of 1.",
    see=COST,
)
def perceptron_hinge(m):
    return {
        "zero_one": (m <= 0) * 1.0,
        "hinge": np.maximum(0, -m),
        "log": np.logaddexp(0, -m),
        "square": (1 - m) ** 2,
    }


@misconception(
    "margin_losses",
    says="Your squared loss is the squared hinge: it is 0 for margins above 1, where (1 - m)^2 grows again.",
    see=COST,
)
def squared_hinge(m):
    return {
        "zero_one": (m <= 0) * 1.0,
        "hinge": np.maximum(0, 1 - m),
        "log": np.logaddexp(0, -m),
        "square": np.maximum(0, 1 - m) ** 2,
    }


@misconception(
    "margin_losses",
    says="Your hinge has no maximum with 0, so it turns negative for margins above 1; a loss is never below 0.",
    see=COST,
)
def hinge_without_corner(m):
    return {
        "zero_one": (m <= 0) * 1.0,
        "hinge": 1 - m,
        "log": np.logaddexp(0, -m),
        "square": (1 - m) ** 2,
    }


@misconception(
    "margin_losses",
    says="Your log loss has the sign of the margin reversed: it grows with margins that are right.",
    see=COST,
)
def log_sign_reversed(m):
    return {
        "zero_one": (m <= 0) * 1.0,
        "hinge": np.maximum(0, 1 - m),
        "log": np.logaddexp(0, m),
        "square": (1 - m) ** 2,
    }


@misconception(
    "margin_losses",
    says="Your exponent is cut off to avoid the overflow, so the log loss stops growing: at m = -1000 it is not 1000.",
    see=COST,
)
def exponent_cut_off(m):
    return {
        "zero_one": (m <= 0) * 1.0,
        "hinge": np.maximum(0, 1 - m),
        "log": np.log1p(np.exp(np.clip(-m, -500, 500))),
        "square": (1 - m) ** 2,
    }


@misconception(
    "margin_losses",
    says="Your log loss is -ln of a sigmoid that has underflowed to 0, so it is infinite or cut off at m = -1000.",
    see=COST,
)
def log_of_sigmoid(m):
    sigmoid = np.exp(np.minimum(m, 0)) / (1 + np.exp(-np.abs(m)))
    return {
        "zero_one": (m <= 0) * 1.0,
        "hinge": np.maximum(0, 1 - m),
        "log": -np.log(sigmoid + 1e-12),
        "square": (1 - m) ** 2,
    }


@misconception(
    "margin_losses",
    says="Your 0-1 loss counts every margin below 1 as a mistake; that is where the hinge begins, not where the sign changes.",
    see=COST,
)
def mistakes_below_one(m):
    return {
        "zero_one": (m < 1) * 1.0,
        "hinge": np.maximum(0, 1 - m),
        "log": np.logaddexp(0, -m),
        "square": (1 - m) ** 2,
    }


@misconception(
    "margin_losses",
    says="Your 0-1 loss is the accuracy: 1 where the answer is right instead of wrong.",
    see=COST,
)
def accuracy_instead(m):
    return {
        "zero_one": (m > 0) * 1.0,
        "hinge": np.maximum(0, 1 - m),
        "log": np.logaddexp(0, -m),
        "square": (1 - m) ** 2,
    }


@misconception(
    "margin_losses",
    says="Your squared loss carries a factor 1/2 that the definition does not have.",
    see=COST,
)
def half_square(m):
    return {
        "zero_one": (m <= 0) * 1.0,
        "hinge": np.maximum(0, 1 - m),
        "log": np.logaddexp(0, -m),
        "square": (1 - m) ** 2 / 2,
    }


@misconception(
    "margin_losses",
    says="Your function writes into the array of margins that it was given, so the caller's margins change.",
    see=COST,
)
def margins_overwritten(m):
    losses = {"zero_one": (m <= 0) * 1.0, "log": np.logaddexp(0, -m)}
    m -= 1
    return {**losses, "hinge": np.maximum(0, -m), "square": m**2}


# --- softmax: right ---------------------------------------------------------------------------------------------------


@variant("softmax")
def softmax_by_torch(z):
    return torch.softmax(torch.tensor(z), dim=1)


@variant("softmax")
def softmax_one_by_one(z):
    import math

    rows = []
    for row in z:
        top = max(row)
        weights = [math.exp(value - top) for value in row]
        rows.append([weight / sum(weights) for weight in weights])
    return np.array(rows)


@variant("softmax")
def softmax_by_log_sum_exp(z):
    return np.exp(z - np.logaddexp.reduce(z, axis=1)[:, None])


@variant("softmax")
def softmax_by_einsum(z):
    columns = z.T - z.T.max(axis=0)
    weights = np.exp(columns)
    return np.einsum("cn,n->nc", weights, 1 / weights.sum(axis=0))


@variant("softmax")
def softmax_by_scipy(z):
    from scipy.special import softmax as reference

    return reference(z, axis=1)


@variant("softmax")
def softmax_of_differences(z):
    # p_c = 1 / sum_k e^(z_k - z_c): an overflow to infinity gives exactly 0
    with np.errstate(over="ignore"):
        return 1 / np.exp(z[:, None, :] - z[:, :, None]).sum(axis=2)


# --- softmax: wrong ---------------------------------------------------------------------------------------------------


@misconception(
    "softmax",
    says="You take exponentials of the raw logits: e^1000 overflows and e^-1000 underflows, so rows end as inf/inf or 0/0.",
    see=SOFTMAX,
)
def no_shift(z):
    weights = np.exp(z)
    return weights / weights.sum(axis=1, keepdims=True)


@misconception(
    "softmax",
    says="Your columns sum to 1 instead of your rows: the probabilities of one example must sum over its classes.",
    see=SOFTMAX,
)
def wrong_axis(z):
    weights = np.exp(z - z.max(axis=0))
    return weights / weights.sum(axis=0)


@misconception(
    "softmax",
    says="The whole array sums to 1 instead of each row: examples compete with each other for probability.",
    see=SOFTMAX,
)
def global_norm(z):
    weights = np.exp(z - z.max())
    return weights / weights.sum()


@misconception(
    "softmax",
    says="You take the largest logit of the whole array from every row, so a row far below it underflows to 0/0.",
    see=SOFTMAX,
)
def global_max_shift(z):
    weights = np.exp(z - z.max())
    return weights / weights.sum(axis=1, keepdims=True)


@misconception(
    "softmax",
    says="You take the mean of a row instead of its maximum from it: a row with one logit far above the mean still overflows.",
    see=SOFTMAX,
)
def mean_shift(z):
    weights = np.exp(z - z.mean(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


@misconception(
    "softmax",
    says="You take the largest absolute value from each row; in a row of large negative logits that doubles the trouble: 0/0.",
    see=SOFTMAX,
)
def magnitude_shift(z):
    weights = np.exp(z - np.abs(z).max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


@misconception(
    "softmax",
    says="You take the first logit of each row from the row: where another one is far larger, its exponential still overflows.",
    see=SOFTMAX,
)
def first_logit_shift(z):
    weights = np.exp(z - z[:, :1])
    return weights / weights.sum(axis=1, keepdims=True)


@misconception(
    "softmax",
    says="You cut the logits off before the exponential, so differences between large logits are lost.",
    see=SOFTMAX,
)
def logits_cut_off(z):
    weights = np.exp(np.clip(z, -500, 500))
    return weights / weights.sum(axis=1, keepdims=True)


@misconception(
    "softmax",
    says="Without keepdims the maximum and the sum of a row are spread along the wrong axis: column c is treated with row c's.",
    see=SOFTMAX,
)
def axis_not_kept(z):
    weights = np.exp(z - z.max(axis=1))
    return weights / weights.sum(axis=1)


@misconception(
    "softmax",
    says="You return the sigmoid of each logit by itself: such rows do not sum to 1.",
    see=SOFTMAX,
)
def sigmoid_of_each(z):
    return np.exp(-np.logaddexp(0, -z))


@misconception(
    "softmax",
    says="You divide each logit's sigmoid by the row's sum; that squashes every logit to at most 1 before they are compared.",
    see=SOFTMAX,
)
def sigmoid_shares(z):
    weights = np.exp(-np.logaddexp(0, -z))
    return weights / weights.sum(axis=1, keepdims=True)


@misconception("softmax", says="You return the logarithm of the probabilities.", see=SOFTMAX)
def log_softmax(z):
    return z - np.logaddexp.reduce(z, axis=1)[:, None]


@misconception(
    "softmax",
    says="A small number is added to the probabilities or to their sum; the row's maximum makes that needless, and it shows.",
    see=SOFTMAX,
)
def softmax_plus_eps(z):
    weights = np.exp(z - z.max(axis=1, keepdims=True)) + 1e-9
    return weights / weights.sum(axis=1, keepdims=True)


@misconception(
    "softmax",
    says="You overwrite infinities and NaN afterwards; the rows where they stood do not get their probabilities back.",
    see=SOFTMAX,
)
def nan_swept_away(z):
    weights = np.exp(z)
    return np.nan_to_num(weights / weights.sum(axis=1, keepdims=True))


@misconception(
    "softmax",
    says="Your shift is made in place, so the caller's logits change.",
    see=SOFTMAX,
)
def logits_overwritten(z):
    z -= z.max(axis=1, keepdims=True)
    weights = np.exp(z)
    return weights / weights.sum(axis=1, keepdims=True)


# --- cross_entropy: right ---------------------------------------------------------------------------------------------


@variant("cross_entropy")
def cross_entropy_by_autograd(z, y):
    logits = torch.tensor(z, requires_grad=True)
    loss = torch.nn.functional.cross_entropy(logits, torch.tensor(y))
    loss.backward()
    return loss, logits.grad


@variant("cross_entropy")
def cross_entropy_row_by_row(z, y):
    import math

    total, gradient = 0.0, []
    for row, label in zip(z, y, strict=True):
        top = max(row)
        log_sum = top + math.log(sum(math.exp(v - top) for v in row))
        total += log_sum - row[label]
        gradient.append([(math.exp(v - log_sum) - (c == label)) / len(z) for c, v in enumerate(row)])
    return [total / len(z), np.array(gradient)]


@variant("cross_entropy")
def cross_entropy_by_one_hot(z, y):
    t = np.eye(z.shape[1])[y]
    log_p = z - np.logaddexp.reduce(z, axis=1, keepdims=True)
    return -np.einsum("nc,nc->", t, log_p) / len(z), (np.exp(log_p) - t) / len(z)


@variant("cross_entropy")
def cross_entropy_by_scipy(z, y):
    from scipy.special import log_softmax, softmax

    n = len(y)
    one_hot = np.zeros(z.shape)
    one_hot[np.arange(n), y] = 1
    return np.mean(-log_softmax(z, axis=1)[range(n), y]), (softmax(z, axis=1) - one_hot) / n


@variant("cross_entropy")
def cross_entropy_of_the_gaps(z, y):
    # the loss of a row is ln(1 + sum over the others of e^(z_k - z_y)): only differences matter
    n = np.arange(len(y))
    gaps = z - z[n, y][:, None]
    top = gaps.max(axis=1)
    weights = np.exp(gaps - top[:, None])
    loss = (top + np.log(weights.sum(axis=1))).mean()
    p = weights / weights.sum(axis=1)[:, None]
    p[n, y] -= 1.0
    return loss, p / z.shape[0]


# --- cross_entropy: wrong ---------------------------------------------------------------------------------------------


@misconception(
    "cross_entropy",
    says="Your loss and your gradient are sums over the rows; the exercise asks for the mean, so both are N times too large.",
    see=LIKELIHOOD,
)
def sum_not_mean(z, y):
    rows = np.arange(len(y))
    log_p = z - np.logaddexp.reduce(z, axis=1)[:, None]
    gradient = np.exp(log_p)
    gradient[rows, y] -= 1
    return -log_p[rows, y].sum(), gradient


@misconception(
    "cross_entropy",
    says="Your loss is a mean over the rows but your gradient is not divided by N: it belongs to the sum.",
    see=LIKELIHOOD,
)
def grad_not_divided(z, y):
    rows = np.arange(len(y))
    log_p = z - np.logaddexp.reduce(z, axis=1)[:, None]
    gradient = np.exp(log_p)
    gradient[rows, y] -= 1
    return -log_p[rows, y].mean(), gradient


@misconception(
    "cross_entropy",
    says="You take the logarithm of p plus a small number: for a wrong and certain row the loss stops there (27.6 for 1e-12).",
    see=LIKELIHOOD,
)
def log_p_plus_eps(z, y):
    rows = np.arange(len(y))
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    loss = -np.log(p[rows, y] + 1e-12).mean()
    p[rows, y] -= 1
    return loss, p / len(y)


@misconception(
    "cross_entropy",
    says="You take the logarithm of a probability that has underflowed to 0, so the loss of a wrong and certain row is infinite.",
    see=LIKELIHOOD,
)
def log_of_underflow(z, y):
    rows = np.arange(len(y))
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    loss = -np.log(p[rows, y]).mean()
    p[rows, y] -= 1
    return loss, p / len(y)


@misconception(
    "cross_entropy",
    says="Your exponentials overflow: take the largest logit of each row from the row first.",
    see=SOFTMAX,
)
def logits_not_shifted(z, y):
    rows = np.arange(len(y))
    weights = np.exp(z)
    log_p = z - np.log(weights.sum(axis=1, keepdims=True))
    gradient = weights / weights.sum(axis=1, keepdims=True)
    gradient[rows, y] -= 1
    return -log_p[rows, y].mean(), gradient / len(y)


@misconception(
    "cross_entropy",
    says="You apply softmax twice: a loss that takes logits was given probabilities.",
    see=LIKELIHOOD,
)
def softmax_twice(z, y):
    logits = torch.tensor(z, requires_grad=True)
    loss = torch.nn.functional.cross_entropy(torch.softmax(logits, dim=1), torch.tensor(y))
    loss.backward()
    return loss.item(), logits.grad.numpy()


@misconception(
    "cross_entropy",
    says="Your loss is in bits (base 2); the likelihood of the exercise is in nats.",
    see=LIKELIHOOD,
)
def loss_in_bits(z, y):
    rows = np.arange(len(y))
    log_p = z - np.logaddexp.reduce(z, axis=1)[:, None]
    gradient = np.exp(log_p)
    gradient[rows, y] -= 1
    return -log_p[rows, y].mean() / np.log(2), gradient / len(y) / np.log(2)


@misconception(
    "cross_entropy",
    says="Your gradient has the wrong sign: it is onehot - p, the direction to go, and not the gradient.",
    see=LIKELIHOOD,
)
def gradient_reversed(z, y):
    rows = np.arange(len(y))
    log_p = z - np.logaddexp.reduce(z, axis=1)[:, None]
    gradient = -np.exp(log_p)
    gradient[rows, y] += 1
    return -log_p[rows, y].mean(), gradient / len(y)


@misconception(
    "cross_entropy",
    says="Your loss is the log-likelihood without its minus: it should fall as the classifier gets better.",
    see=LIKELIHOOD,
)
def minus_forgotten(z, y):
    rows = np.arange(len(y))
    log_p = z - np.logaddexp.reduce(z, axis=1)[:, None]
    gradient = np.exp(log_p)
    gradient[rows, y] -= 1
    return log_p[rows, y].mean(), gradient / len(y)


@misconception(
    "cross_entropy",
    says="You divide by all N C entries instead of by the N rows.",
    see=LIKELIHOOD,
)
def mean_over_entries(z, y):
    t = np.eye(z.shape[1])[y]
    log_p = z - np.logaddexp.reduce(z, axis=1)[:, None]
    return -(t * log_p).mean(), (np.exp(log_p) - t) / z.size


@misconception(
    "cross_entropy",
    says="p[:, y] picks whole columns, an (N, N) array: each row is charged with the labels of all the others.",
    see=LIKELIHOOD,
)
def every_label_for_every_row(z, y):
    rows = np.arange(len(y))
    log_p = z - np.logaddexp.reduce(z, axis=1)[:, None]
    gradient = np.exp(log_p)
    gradient[rows, y] -= 1
    return -log_p[:, y].mean(), gradient / len(y)


@misconception(
    "cross_entropy",
    says="Your gradient is with respect to the probabilities, -1/p at the label, instead of the logits.",
    see=LIKELIHOOD,
)
def gradient_of_the_probabilities(z, y):
    rows = np.arange(len(y))
    log_p = z - np.logaddexp.reduce(z, axis=1)[:, None]
    gradient = np.zeros(z.shape)
    gradient[rows, y] = -np.exp(-np.maximum(log_p[rows, y], -700)) / len(y)
    return -log_p[rows, y].mean(), gradient


@misconception(
    "cross_entropy",
    says="Your softmax runs over the rows of the batch instead of over the classes.",
    see=SOFTMAX,
)
def softmax_over_the_batch(z, y):
    rows = np.arange(len(y))
    log_p = z - np.logaddexp.reduce(z, axis=0)
    gradient = np.exp(log_p)
    gradient[rows, y] -= 1
    return -log_p[rows, y].mean(), gradient / len(y)


@misconception(
    "cross_entropy",
    says="You compare with the class that has the largest logit instead of with the label.",
    see=LIKELIHOOD,
)
def label_from_the_logits(z, y):
    rows, winner = np.arange(len(y)), z.argmax(axis=1)
    log_p = z - np.logaddexp.reduce(z, axis=1)[:, None]
    gradient = np.exp(log_p)
    gradient[rows, winner] -= 1
    return -log_p[rows, winner].mean(), gradient / len(y)


@misconception(
    "cross_entropy",
    says="Your function shifts the caller's logits in place.",
    see=SOFTMAX,
)
def caller_logits_shifted(z, y):
    rows = np.arange(len(y))
    z -= z.max(axis=1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    gradient = np.exp(log_p)
    gradient[rows, y] -= 1
    return -log_p[rows, y].mean(), gradient / len(y)


# --- mse_softmax_grad: right ------------------------------------------------------------------------------------------


@variant("mse_softmax_grad")
def squared_error_by_autograd(z, y):
    logits = torch.tensor(z, requires_grad=True)
    target = torch.nn.functional.one_hot(torch.tensor(y), z.shape[1])
    (torch.softmax(logits, 1) - target).square().sum(1).mean().backward()
    return logits.grad


@variant("mse_softmax_grad")
def squared_error_by_jacobian(z, y):
    n, c = z.shape
    p = np.exp(z - np.logaddexp.reduce(z, axis=1)[:, None])
    jacobian = np.einsum("ni,ij->nij", p, np.eye(c)) - np.einsum("ni,nj->nij", p, p)
    return np.einsum("nij,ni->nj", jacobian, 2 * (p - np.eye(c)[y])) / n


@variant("mse_softmax_grad")
def squared_error_entry_by_entry(z, y):
    gradient = np.zeros_like(z)
    n, c = z.shape
    for row in range(n):
        weights = np.exp(z[row] - z[row].max())
        p = weights / weights.sum()
        for j in range(c):
            for i in range(c):
                error = p[i] - (1.0 if i == y[row] else 0.0)
                gradient[row, j] += 2 * error * p[i] * ((1.0 if i == j else 0.0) - p[j]) / n
    return gradient


@variant("mse_softmax_grad")
def squared_error_written_out(z, y):
    # with s = sum_i p_i^2 and q = p_y:  dL/dz_j = 2 p_j (p_j - [j = y] - s + q)
    from scipy.special import softmax

    rows = np.arange(len(y))
    p = softmax(z, axis=1)
    inner = p - np.sum(p**2, axis=1)[:, None] + p[rows, y][:, None]
    inner[rows, y] -= 1
    return 2 * p * inner / len(y)


@variant("mse_softmax_grad")
def squared_error_by_torch_func(z, y):
    target = torch.nn.functional.one_hot(torch.tensor(y), z.shape[1]).double()

    def loss(logits):
        return ((torch.softmax(logits, dim=-1) - target) ** 2).sum() / len(y)

    return torch.func.grad(loss)(torch.tensor(z)).numpy()


# --- mse_softmax_grad: wrong ------------------------------------------------------------------------------------------


@misconception(
    "mse_softmax_grad",
    says="Your result is the gradient with respect to the probabilities, 2 (p - t) / N: the Jacobian of softmax is missing.",
    see=STALL,
)
def no_jacobian(z, y):
    p = np.exp(z - np.logaddexp.reduce(z, axis=1)[:, None])
    return 2 * (p - np.eye(z.shape[1])[y]) / len(y)


@misconception(
    "mse_softmax_grad",
    says="You use only the diagonal p (1 - p) of softmax's Jacobian, as if each class had a sigmoid of its own.",
    see=STALL,
)
def diag_jacobian(z, y):
    p = np.exp(z - np.logaddexp.reduce(z, axis=1)[:, None])
    return 2 * (p - np.eye(z.shape[1])[y]) * p * (1 - p) / len(y)


@misconception(
    "mse_softmax_grad",
    says="Your result is (p - t) / N, the gradient of cross-entropy, which does not stall.",
    see=STALL,
)
def ce_grad(z, y):
    p = np.exp(z - np.logaddexp.reduce(z, axis=1)[:, None])
    return (p - np.eye(z.shape[1])[y]) / len(y)


@misconception(
    "mse_softmax_grad",
    says="The factor 2 of the square's derivative is missing: your result is half the gradient.",
    see=STALL,
)
def no_factor_2(z, y):
    p = np.exp(z - np.logaddexp.reduce(z, axis=1)[:, None])
    g = p - np.eye(z.shape[1])[y]
    return p * (g - (p * g).sum(axis=1, keepdims=True)) / len(y)


@misconception(
    "mse_softmax_grad",
    says="You divide by N C, as torch's mse_loss does; here the loss is a sum over classes and a mean over rows.",
    see=STALL,
)
def mean_over_classes(z, y):
    p = np.exp(z - np.logaddexp.reduce(z, axis=1)[:, None])
    g = 2 * (p - np.eye(z.shape[1])[y]) / z.size
    return p * (g - (p * g).sum(axis=1, keepdims=True))


@misconception(
    "mse_softmax_grad",
    says="Your gradient is that of the sum over the rows: it is not divided by N.",
    see=STALL,
)
def rows_not_averaged(z, y):
    p = np.exp(z - np.logaddexp.reduce(z, axis=1)[:, None])
    g = 2 * (p - np.eye(z.shape[1])[y])
    return p * (g - (p * g).sum(axis=1, keepdims=True))


@misconception(
    "mse_softmax_grad",
    says="The sum of p g runs over the whole batch instead of over each row, so rows meddle with each other.",
    see=STALL,
)
def one_sum_for_the_batch(z, y):
    p = np.exp(z - np.logaddexp.reduce(z, axis=1)[:, None])
    g = 2 * (p - np.eye(z.shape[1])[y]) / len(y)
    return p * (g - (p * g).sum())


@misconception(
    "mse_softmax_grad",
    says="The second term of softmax's Jacobian has the wrong sign: it is diag(p) - p p^T.",
    see=STALL,
)
def jacobian_plus(z, y):
    p = np.exp(z - np.logaddexp.reduce(z, axis=1)[:, None])
    g = 2 * (p - np.eye(z.shape[1])[y]) / len(y)
    return p * (g + (p * g).sum(axis=1, keepdims=True))


@misconception(
    "mse_softmax_grad",
    says="The error at the label alone goes through the Jacobian; the errors of the other classes count too.",
    see=STALL,
)
def only_the_label(z, y):
    p = np.exp(z - np.logaddexp.reduce(z, axis=1)[:, None])
    t = np.eye(z.shape[1])[y]
    g = 2 * (p - t) * t / len(y)
    return p * (g - (p * g).sum(axis=1, keepdims=True))


@misconception(
    "mse_softmax_grad",
    says="Your gradient has the wrong sign: the error is p - t, not t - p.",
    see=STALL,
)
def error_reversed(z, y):
    p = np.exp(z - np.logaddexp.reduce(z, axis=1)[:, None])
    g = 2 * (np.eye(z.shape[1])[y] - p) / len(y)
    return p * (g - (p * g).sum(axis=1, keepdims=True))


@misconception(
    "mse_softmax_grad",
    says="Your exponentials overflow for logits of 1000: take the largest logit of each row from the row first.",
    see=SOFTMAX,
)
def raw_exponentials(z, y):
    p = np.exp(z)
    p = p / p.sum(axis=1, keepdims=True)
    g = 2 * (p - np.eye(z.shape[1])[y]) / len(y)
    return p * (g - (p * g).sum(axis=1, keepdims=True))


@misconception(
    "mse_softmax_grad",
    says="Your function shifts the caller's logits in place.",
    see=SOFTMAX,
)
def logits_shifted_in_place(z, y):
    z -= z.max(axis=1, keepdims=True)
    p = np.exp(z)
    p /= p.sum(axis=1, keepdims=True)
    g = 2 * (p - np.eye(z.shape[1])[y]) / len(y)
    return p * (g - (p * g).sum(axis=1, keepdims=True))
