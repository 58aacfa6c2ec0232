"""Right and wrong solutions of assignment 2. See `grader.source.bank` for the form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.source.bank import edits_of, variant

if TYPE_CHECKING:  # the notebook's set-up cell imports them
    import numpy as np
    import torch

COST = "1. What should a mistake cost?"
SOFTMAX = "2. How do outputs become probabilities?"
LIKELIHOOD = "3. Why cross-entropy?"
STALL = "4. Where does squared error stall?"

# --- margin_losses ----------------------------------------------------------------------------------------------------


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
    log = torch.nn.functional.softplus(-t)
    return {"zero_one": (t <= 0).double(), "hinge": torch.relu(1 - t), "log": log, "square": (t - 1) ** 2}


@variant("margin_losses")
def margins_by_cases(m):
    log = np.empty_like(m)
    wrong = m < 0
    log[wrong] = -m[wrong] + np.log(1 + np.exp(m[wrong]))
    log[~wrong] = np.log(1 + np.exp(-m[~wrong]))
    return {"square": 1 - 2 * m + m * m, "log": log, "hinge": (1 - m) * (m < 1), "zero_one": 1 - (m > 0)}


@variant("margin_losses")
def margins_by_scipy(m):
    from scipy.special import log_expit

    hinge = np.clip(1 - m, 0, None)
    return {"zero_one": np.heaviside(-m, 1.0), "hinge": hinge, "log": -log_expit(m), "square": np.square(m - 1)}


@variant("margin_losses")
def margins_as_lists(m):
    return {
        "zero_one": [int(v <= 0) for v in m],
        "hinge": [max(0.0, 1 - v) for v in m],
        "log": np.logaddexp(0, -m).tolist(),
        "square": [float((1 - v) ** 2) for v in m],
    }


wrong = edits_of("margin_losses", see=COST)
ZERO_ONE, HINGE, LOG, SQUARE = "np.where(m <= 0, 1.0, 0.0)", "np.maximum(0.0, 1 - m)", "np.logaddexp(0.0, -m)", "np.square(1 - m)"
wrong("overflow_log", (LOG, "np.log1p(np.exp(-m))"),
      says="Your log loss overflows: e^1000 is larger than any float64, so a margin of -1000 costs infinity instead of 1000.")
wrong("log_base2", (LOG, f"{LOG} / np.log(2)"),
      says="Your log loss is in bits (base 2): it is 1 at m = 0, where the loss in nats is ln 2 = 0.693.")
wrong("zero_margin_correct", (ZERO_ONE, "np.where(m < 0, 1.0, 0.0)"),
      says="You count a margin of exactly 0 as right; a score of 0 decides nothing, so its 0-1 loss is 1.")
wrong("perceptron_hinge", (HINGE, "np.maximum(0.0, -m)"),
      says="Your hinge is the perceptron's loss max(0, -m), whose corner is at 0; the hinge asks for a margin of 1.")
wrong("squared_hinge", (SQUARE, "np.square(np.maximum(0.0, 1 - m))"),
      says="Your squared loss is the squared hinge: it is 0 for margins above 1, where (1 - m)^2 grows again.")
wrong("hinge_without_corner", (HINGE, "1 - m"),
      says="Your hinge has no maximum with 0, so it turns negative for margins above 1; a loss is never below 0.")
wrong("log_sign_reversed", (LOG, "np.logaddexp(0.0, m)"),
      says="Your log loss has the sign of the margin reversed: it grows with margins that are right.")
wrong("exponent_cut_off", (LOG, "np.log1p(np.exp(np.clip(-m, -500, 500)))"),
      says="Your exponent is cut off to avoid the overflow, so the log loss stops growing: at m = -1000 it is not 1000.")
wrong("log_of_sigmoid", (LOG, "-np.log(np.exp(np.minimum(m, 0)) / (1 + np.exp(-np.abs(m))) + 1e-12)"),
      says="Your log loss is -ln of a sigmoid that has underflowed to 0, so it is infinite or cut off at m = -1000.")
wrong("mistakes_below_one", (ZERO_ONE, "np.where(m < 1, 1.0, 0.0)"),
      says="Your 0-1 loss counts every margin below 1 as a mistake; that is where the hinge begins, not where the sign changes.")
wrong("accuracy_instead", (ZERO_ONE, "np.where(m > 0, 1.0, 0.0)"),
      says="Your 0-1 loss is the accuracy: 1 where the answer is right instead of wrong.")
wrong("half_square", (SQUARE, f"{SQUARE} / 2"),
      says="Your squared loss carries a factor 1/2 that the definition does not have.")
wrong("margins_overwritten", (SQUARE, "np.square(np.subtract(m, 1, out=m))"),
      says="Your function writes into the array of margins that it was given, so the caller's margins change.")

# --- softmax ----------------------------------------------------------------------------------------------------------


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


wrong = edits_of("softmax", see=SOFTMAX)
TOP, SUM = "z.max(axis=1, keepdims=True)", "weights.sum(axis=1, keepdims=True)"
WEIGHTS, OUT = f"np.exp(z - {TOP})", f"weights / {SUM}"
wrong("no_shift", (WEIGHTS, "np.exp(z)"),
      says="You take exponentials of the raw logits: e^1000 overflows and e^-1000 underflows, so rows end as inf/inf or 0/0.")
wrong("wrong_axis", (TOP, "z.max(axis=0)"), (SUM, "weights.sum(axis=0)"),
      says="Your columns sum to 1 instead of your rows: the probabilities of one example must sum over its classes.")
wrong("global_norm", (TOP, "z.max()"), (SUM, "weights.sum()"),
      says="The whole array sums to 1 instead of each row: examples compete with each other for probability.")
wrong("global_max_shift", (TOP, "z.max()"),
      says="You take the largest logit of the whole array from every row, so a row far below it underflows to 0/0.")
wrong("mean_shift", (TOP, "z.mean(axis=1, keepdims=True)"),
      says="You take the mean of a row instead of its maximum from it: a row with one logit far above the mean still overflows.")
wrong("magnitude_shift", (TOP, "np.abs(z).max(axis=1, keepdims=True)"),
      says="You take the largest absolute value from each row; in a row of large negative logits that doubles the trouble: 0/0.")
wrong("first_logit_shift", (TOP, "z[:, :1]"),
      says="You take the first logit of each row from the row: where another one is far larger, its exponential still overflows.")
wrong("logits_cut_off", (WEIGHTS, "np.exp(np.clip(z, -500, 500))"),
      says="You cut the logits off before the exponential, so differences between large logits are lost.")
wrong("axis_not_kept", (TOP, "z.max(axis=1)"), (SUM, "weights.sum(axis=1)"),
      says="Without keepdims the maximum and the sum of a row are spread along the wrong axis: column c is treated with row c's.")
wrong("sigmoid_of_each", (WEIGHTS, "np.exp(-np.logaddexp(0, -z))"), (OUT, "weights"),
      says="You return the sigmoid of each logit by itself: such rows do not sum to 1.")
wrong("sigmoid_shares", (WEIGHTS, "np.exp(-np.logaddexp(0, -z))"),
      says="You divide each logit's sigmoid by the row's sum; that squashes every logit to at most 1 before they are compared.")
wrong("log_softmax", (OUT, "z - np.logaddexp.reduce(z, axis=1)[:, None]"),
      says="You return the logarithm of the probabilities.")
wrong("softmax_plus_eps", (WEIGHTS, f"{WEIGHTS} + 1e-9"),
      says="A small number is added to the probabilities or to their sum; the row's maximum makes that needless, and it shows.")
wrong("nan_swept_away", (WEIGHTS, "np.exp(z)"), (OUT, f"np.nan_to_num({OUT})"),
      says="You overwrite infinities and NaN afterwards; the rows where they stood do not get their probabilities back.")
wrong("logits_overwritten", (f"weights = {WEIGHTS}", f"z -= {TOP}\n    weights = np.exp(z)"),
      says="Your shift is made in place, so the caller's logits change.")

# --- cross_entropy ----------------------------------------------------------------------------------------------------


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


wrong = edits_of("cross_entropy", see=LIKELIHOOD)
TOP, LOSS, MEAN, LABELS = "z.max(axis=1, keepdims=True)", "float(-log_p[rows, y].mean())", " / len(y)", "gradient[rows, y] -= 1"
torchs = edits_of("cross_entropy", see=LIKELIHOOD, form=cross_entropy_by_autograd)
wrong("sum_not_mean", (".mean()", ".sum()"), (MEAN, ""),
      says="Your loss and your gradient are sums over the rows; the exercise asks for the mean, so both are N times too large.")
wrong("grad_not_divided", (MEAN, ""),
      says="Your loss is a mean over the rows but your gradient is not divided by N: it belongs to the sum.")
wrong("log_p_plus_eps", (LOSS, "-np.log(np.exp(log_p[rows, y]) + 1e-12).mean()"),
      says="You take the logarithm of p plus a small number: for a wrong and certain row the loss stops there (27.6 for 1e-12).")
wrong("log_of_underflow", (LOSS, "-np.log(np.exp(log_p[rows, y])).mean()"),
      says="You take the logarithm of a probability that has underflowed to 0, so the loss of a wrong and certain row is infinite.")
wrong("logits_not_shifted", (f"z - {TOP}", "z"), ("np.exp(log_p)", "np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)"),
      says="Your exponentials overflow: take the largest logit of each row from the row first.", see=SOFTMAX)
torchs("softmax_twice", ("(logits, torch", "(torch.softmax(logits, dim=1), torch"), ("loss, logits.grad", "loss.item(), logits.grad.numpy()"),
      says="You apply softmax twice: a loss that takes logits was given probabilities.")
wrong("loss_in_bits", (LOSS, f"{LOSS} / np.log(2)"), (MEAN, f"{MEAN} / np.log(2)"),
      says="Your loss is in bits (base 2); the likelihood of the exercise is in nats.")
wrong("gradient_reversed", ("gradient / ", "-gradient / "),
      says="Your gradient has the wrong sign: it is onehot - p, the direction to go, and not the gradient.")
wrong("minus_forgotten", (LOSS, "log_p[rows, y].mean()"),
      says="Your loss is the log-likelihood without its minus: it should fall as the classifier gets better.")
wrong("mean_over_entries", (LOSS, "-log_p[rows, y].sum() / z.size"), (MEAN, " / z.size"),
      says="You divide by all N C entries instead of by the N rows.")
wrong("every_label_for_every_row", (LOSS, "-log_p[:, y].mean()"),
      says="p[:, y] picks whole columns, an (N, N) array: each row is charged with the labels of all the others.")
wrong("gradient_of_the_probabilities", ("np.exp(log_p)", "np.zeros(z.shape)"),
      (LABELS, "gradient[rows, y] = -np.exp(-np.maximum(log_p[rows, y], -700))"),
      says="Your gradient is with respect to the probabilities, -1/p at the label, instead of the logits.")
wrong("softmax_over_the_batch", (TOP, "z.max(axis=0)"), ("sum(axis=1, keepdims=True)", "sum(axis=0)"),
      says="Your softmax runs over the rows of the batch instead of over the classes.", see=SOFTMAX)
wrong("label_from_the_logits", ("rows = np.arange(len(y))", "rows, y = np.arange(len(y)), z.argmax(axis=1)"),
      says="You compare with the class that has the largest logit instead of with the label.")
wrong("caller_logits_shifted", (f"shifted = z - {TOP}", f"z -= {TOP}\n    shifted = z"),
      says="Your function shifts the caller's logits in place.", see=SOFTMAX)

# --- mse_softmax_grad -------------------------------------------------------------------------------------------------


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


wrong = edits_of("mse_softmax_grad", see=STALL)
TOP, MEAN, SUM = "z.max(axis=1, keepdims=True)", " / len(y)", "(p * g).sum(axis=1, keepdims=True)"
OUT = f"p * (g - {SUM})"
wrong("no_jacobian", (OUT, "g"),
      says="Your result is the gradient with respect to the probabilities, 2 (p - t) / N: the Jacobian of softmax is missing.")
wrong("diag_jacobian", (OUT, "g * p * (1 - p)"),
      says="You use only the diagonal p (1 - p) of softmax's Jacobian, as if each class had a sigmoid of its own.")
wrong("ce_grad", (OUT, "g / 2"),
      says="Your result is (p - t) / N, the gradient of cross-entropy, which does not stall.")
wrong("no_factor_2", ("2 * (", "("),
      says="The factor 2 of the square's derivative is missing: your result is half the gradient.")
wrong("mean_over_classes", (MEAN, " / z.size"),
      says="You divide by N C, as torch's mse_loss does; here the loss is a sum over classes and a mean over rows.")
wrong("rows_not_averaged", (MEAN, ""),
      says="Your gradient is that of the sum over the rows: it is not divided by N.")
wrong("one_sum_for_the_batch", (SUM, "(p * g).sum()"),
      says="The sum of p g runs over the whole batch instead of over each row, so rows meddle with each other.")
wrong("jacobian_plus", (OUT, f"p * (g + {SUM})"),
      says="The second term of softmax's Jacobian has the wrong sign: it is diag(p) - p p^T.")
wrong("only_the_label", (MEAN, f" * np.eye(z.shape[1])[y]{MEAN}"),
      says="The error at the label alone goes through the Jacobian; the errors of the other classes count too.")
wrong("error_reversed", ("(p - np.eye(z.shape[1])[y])", "(np.eye(z.shape[1])[y] - p)"),
      says="Your gradient has the wrong sign: the error is p - t, not t - p.")
wrong("raw_exponentials", (f"z - {TOP}", "z"),
      says="Your exponentials overflow for logits of 1000: take the largest logit of each row from the row first.", see=SOFTMAX)
wrong("logits_shifted_in_place", (f"p = np.exp(z - {TOP})", f"z -= {TOP}\n    p = np.exp(z)"),
      says="Your function shifts the caller's logits in place.", see=SOFTMAX)
