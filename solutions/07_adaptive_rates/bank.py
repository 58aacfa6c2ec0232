"""Right and wrong solutions of assignment 7. See `grader.source.bank` for the form."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from grader.source.bank import misconception, variant

if TYPE_CHECKING:  # the notebook's set-up cell imports them
    import numpy as np
    import torch

SUM = "2. Mean or sum?"
ADAM = "3. What is Adam, exactly?"
SLOW = "5. Why start slowly?"

# --- rms_sigma: sigma_t = sqrt(mean_{i <= t} g_i^2) ---------------------------------------------------------------------


@variant("rms_sigma")
def row_by_row(grads):
    return np.array([np.sqrt(np.mean(grads[: t + 1] ** 2, axis=0)) for t in range(len(grads))])


@variant("rms_sigma")
def running_mean_of_squares(grads):
    mean, rows = np.zeros(grads.shape[1]), []
    for t, g in enumerate(grads, 1):
        mean = mean + (g * g - mean) / t
        rows.append(np.sqrt(mean).tolist())
    return rows


@variant("rms_sigma")
def cumulated_tensor(grads):
    squares = torch.tensor(grads, requires_grad=True).square().cumsum(0)
    return (squares / torch.arange(1, len(grads) + 1).unsqueeze(1)).sqrt()


@variant("rms_sigma")
def averaging_matrix(grads):
    T = len(grads)
    return np.sqrt(np.einsum("ti,in->tn", np.tril(np.ones((T, T))), grads**2) / np.arange(1, T + 1)[:, None])


@variant("rms_sigma")
def lengths_of_columns(grads):
    return [np.linalg.norm(grads[: t + 1], axis=0) / math.sqrt(t + 1) for t in range(grads.shape[0])]


@misconception(
    "rms_sigma",
    says="Your sigma is the root of the sum of squares, as in Adagrad; here it is the root of their mean.",
    see=SUM,
)
def sum_not_mean(grads):
    return np.sqrt(np.cumsum(grads**2, axis=0))


@misconception(
    "rms_sigma",
    says="Every row of yours is divided by T, the number of all gradients; row t divides by the number of those up to it.",
    see=SUM,
)
def divide_by_T(grads):
    return np.sqrt(np.cumsum(grads**2, axis=0) / len(grads))


@misconception(
    "rms_sigma",
    says="Your mean divides by one too many: the first row is the mean of one square, so it divides by 1.",
    see=SUM,
)
def off_by_one(grads):
    return np.sqrt(np.cumsum(grads**2, axis=0) / np.arange(2, len(grads) + 2)[:, None])


@misconception(
    "rms_sigma",
    says="Your result is the mean of the squares; sigma is the root of it, so that it has the unit of a gradient.",
    see=SUM,
)
def no_sqrt(grads):
    return np.cumsum(grads**2, axis=0) / np.arange(1, len(grads) + 1)[:, None]


@misconception(
    "rms_sigma",
    says="You average absolute values; here the squares are averaged and the root is taken of the mean.",
    see=SUM,
)
def mean_of_absolute_values(grads):
    return np.cumsum(np.abs(grads), axis=0) / np.arange(1, len(grads) + 1)[:, None]


@misconception(
    "rms_sigma",
    says="You take the standard deviation: the mean gradient is subtracted first. Sigma is measured from zero.",
    see=SUM,
)
def standard_deviation(grads):
    return np.array([grads[: t + 1].std(axis=0) for t in range(len(grads))])


@misconception(
    "rms_sigma",
    says="Your sigma is one number per step for all weights together; every weight (column) has its own.",
    see=SUM,
)
def one_sigma_for_all_weights(grads):
    rows = np.sqrt(np.cumsum((grads**2).mean(axis=1)) / np.arange(1, len(grads) + 1))
    return np.tile(rows[:, None], (1, grads.shape[1]))


@misconception(
    "rms_sigma",
    says="Your running sum goes along the weights of one step; it must go down the steps of one weight.",
    see=SUM,
)
def along_the_wrong_axis(grads):
    return np.sqrt(np.cumsum(grads**2, axis=1) / np.arange(1, grads.shape[1] + 1))


@misconception(
    "rms_sigma",
    says="Your row t leaves out the gradient of its own step; sigma_t knows the gradients up to and including g_t.",
    see=SUM,
)
def excludes_the_newest(grads):
    T = len(grads)
    before = np.concatenate([np.zeros((1, grads.shape[1])), np.cumsum(grads**2, axis=0)[:-1]])
    return np.sqrt(before / np.maximum(np.arange(T), 1)[:, None])


@misconception(
    "rms_sigma",
    says="Your rows are all the same: every one is the mean over all T steps. Row t may know the steps up to t only.",
    see=SUM,
)
def knows_the_future(grads):
    return np.tile(np.sqrt(np.mean(grads**2, axis=0)), (len(grads), 1))


@misconception(
    "rms_sigma",
    says="You return the last row alone; the result has one row for every step.",
    see=SUM,
)
def last_row_only(grads):
    return np.sqrt(np.mean(grads**2, axis=0))


@misconception(
    "rms_sigma",
    says="You add the gradients up and then square: those of opposite sign cancel. Square first.",
    see=SUM,
)
def squares_the_mean(grads):
    return np.abs(np.cumsum(grads, axis=0)) / np.arange(1, len(grads) + 1)[:, None]


@misconception(
    "rms_sigma",
    says="Your function squares the caller's gradients in place: **= changes the very array you were given.",
    see=SUM,
)
def squares_in_place(grads):
    grads **= 2
    return np.sqrt(np.cumsum(grads, axis=0) / np.arange(1, len(grads) + 1)[:, None])


@misconception(
    "rms_sigma",
    says="Your result has only seven digits: it was computed in float32 instead of float64.",
    see=SUM,
)
def sigma_in_single_precision(grads):
    squares = torch.tensor(grads, dtype=torch.float32).square().cumsum(0)
    return (squares / torch.arange(1, len(grads) + 1).unsqueeze(1)).sqrt().numpy()


# --- adagrad_step: s' = s + g^2, theta' = theta - lr g / (sqrt(s') + eps) -----------------------------------------------


@variant("adagrad_step")
def adagrad_on_copies(theta, s, g, lr, eps):
    theta, s = theta.copy(), s.copy()
    s += g * g
    theta -= lr * g / (np.sqrt(s) + eps)
    return theta, s


@variant("adagrad_step")
def adagrad_entry_by_entry(theta, s, g, lr, eps):
    new_theta, new_s = np.zeros(theta.shape), np.zeros(theta.shape)
    for where in np.ndindex(theta.shape):
        new_s[where] = s[where] + g[where] ** 2
        new_theta[where] = theta[where] - lr * g[where] / (math.sqrt(new_s[where]) + eps)
    return new_theta, new_s


@variant("adagrad_step")
def adagrad_in_tensors(theta, s, g, lr, eps):
    theta, s, g = torch.tensor(theta, requires_grad=True), torch.tensor(s), torch.tensor(g)
    s = torch.addcmul(s, g, g)
    return [theta - lr * g.div(s.sqrt().add(eps)), s]


@variant("adagrad_step")
def adagrad_by_pytorch(theta, s, g, lr, eps):
    weights = torch.nn.Parameter(torch.tensor(theta))
    optimiser = torch.optim.Adagrad([weights], lr=lr, eps=eps)
    optimiser.state[weights]["sum"] = torch.tensor(s)
    weights.grad = torch.tensor(g)
    optimiser.step()
    return weights, optimiser.state[weights]["sum"]


@variant("adagrad_step")
def adagrad_rate_first(theta, s, g, lr, eps):
    total = np.add(s, np.square(g))
    rate_of_each_weight = lr / (total**0.5 + eps)
    return (theta - rate_of_each_weight * g).tolist(), total.tolist()


@misconception(
    "adagrad_step",
    says="Your eps is under the root; here it is added after the root, so it has the unit of a gradient and not of its square.",
    see=ADAM,
)
def adagrad_eps_inside(theta, s, g, lr, eps):
    s = s + g**2
    return theta - lr * g / np.sqrt(s + eps), s


@misconception(
    "adagrad_step",
    says="Your denominator has no eps: a weight that never had a gradient gets 0/0 = nan instead of no step.",
    see=ADAM,
)
def no_eps(theta, s, g, lr, eps):
    s = s + g**2
    with np.errstate(all="ignore"):
        return theta - lr * g / np.sqrt(s), s


@misconception(
    "adagrad_step",
    says="You divide by the root of the old sum; the new gradient is added before the division.",
    see=SUM,
)
def old_accumulator(theta, s, g, lr, eps):
    return theta - lr * g / (np.sqrt(s) + eps), s + g**2


@misconception(
    "adagrad_step",
    says="You divide by the sum of squares itself; the step divides by its root.",
    see=SUM,
)
def adagrad_no_sqrt(theta, s, g, lr, eps):
    s = s + g**2
    return theta - lr * g / (s + eps), s


@misconception(
    "adagrad_step",
    says="Your state is a fading average, as in RMSProp; Adagrad adds every square in full and forgets none.",
    see=SUM,
)
def fading_average(theta, s, g, lr, eps):
    s = 0.9 * s + 0.1 * g**2
    return theta - lr * g / (np.sqrt(s) + eps), s


@misconception(
    "adagrad_step",
    says="You add up absolute values; the sum is of the squares, and the root turns it back into a size.",
    see=SUM,
)
def adds_absolute_values(theta, s, g, lr, eps):
    s = s + np.abs(g)
    return theta - lr * g / (np.sqrt(s) + eps), s


@misconception(
    "adagrad_step",
    says="You use one sum for all weights; the point of Adagrad is a sum, and so a rate, for every weight.",
    see=SUM,
)
def one_sum_for_all(theta, s, g, lr, eps):
    s = s + g**2
    return theta - lr * g / (np.sqrt(s.sum()) + eps), s


@misconception(
    "adagrad_step",
    says="Your step climbs: the gradient points uphill, so it is subtracted.",
    see=SUM,
)
def adagrad_climbs(theta, s, g, lr, eps):
    s = s + g**2
    return theta + lr * g / (np.sqrt(s) + eps), s


@misconception(
    "adagrad_step",
    says="The brackets are missing: you divide by the root first and then add eps to the quotient.",
    see=ADAM,
)
def eps_added_to_the_step(theta, s, g, lr, eps):
    s = s + g**2
    with np.errstate(all="ignore"):
        return theta - lr * g / np.sqrt(s) + eps, s


@misconception(
    "adagrad_step",
    says="Your eps goes into the state and adds up with every step; it belongs to the denominator of the step alone.",
    see=ADAM,
)
def eps_in_the_state(theta, s, g, lr, eps):
    s = s + g**2 + eps
    return theta - lr * g / np.sqrt(s), s


@misconception(
    "adagrad_step",
    says="You take the larger of root and eps; eps is added to the root.",
    see=ADAM,
)
def eps_as_a_floor(theta, s, g, lr, eps):
    s = s + g**2
    return theta - lr * g / np.maximum(np.sqrt(s), eps), s


@misconception(
    "adagrad_step",
    says="Your weights are right, but you return the old s, so the sum never grows.",
    see=SUM,
)
def adagrad_state_not_returned(theta, s, g, lr, eps):
    return theta - lr * g / (np.sqrt(s + g**2) + eps), s


@misconception(
    "adagrad_step",
    says="You return the sum first; the new theta comes first, then the new s.",
    see=SUM,
)
def adagrad_results_swapped(theta, s, g, lr, eps):
    s = s + g**2
    return s, theta - lr * g / (np.sqrt(s) + eps)


@misconception(
    "adagrad_step",
    says="You return the new weights alone; without the new s the next step has no past.",
    see=SUM,
)
def adagrad_only_the_weights(theta, s, g, lr, eps):
    return theta - lr * g / (np.sqrt(s + g**2) + eps)


@misconception(
    "adagrad_step",
    says="Your function changes theta and s of its caller: += and -= work in place, on the very arrays you were given.",
    see=SUM,
)
def adagrad_in_place(theta, s, g, lr, eps):
    s += g**2
    theta -= lr * g / (np.sqrt(s) + eps)
    return theta, s


@misconception(
    "adagrad_step",
    says="Your result has only seven digits: the step was computed in float32 instead of float64.",
    see=SUM,
)
def adagrad_in_single_precision(theta, s, g, lr, eps):
    theta, s, g = (torch.tensor(x, dtype=torch.float32) for x in (theta, s, g))
    s = s + g**2
    return (theta - lr * g / (s.sqrt() + eps)).numpy(), s.numpy()


# --- rmsprop_step: v' = alpha v + (1 - alpha) g^2, theta' = theta - lr g / (sqrt(v') + eps) -----------------------------


@variant("rmsprop_step")
def rmsprop_on_copies(theta, v, g, lr, alpha, eps):
    theta, v = theta.copy(), v.copy()
    v *= alpha
    v += (1 - alpha) * g * g
    theta -= lr * g / (np.sqrt(v) + eps)
    return theta, v


@variant("rmsprop_step")
def rmsprop_entry_by_entry(theta, v, g, lr, alpha, eps):
    new_theta, new_v = np.zeros(theta.shape), np.zeros(theta.shape)
    for where in np.ndindex(theta.shape):
        new_v[where] = alpha * v[where] + (1 - alpha) * g[where] ** 2
        new_theta[where] = theta[where] - lr * g[where] / (math.sqrt(new_v[where]) + eps)
    return new_theta, new_v


@variant("rmsprop_step")
def rmsprop_in_tensors(theta, v, g, lr, alpha, eps):
    theta, v, g = torch.tensor(theta, requires_grad=True), torch.tensor(v), torch.tensor(g)
    v = v.mul(alpha).addcmul(g, g, value=1 - alpha)
    return theta.addcdiv(g, v.sqrt() + eps, value=-lr), v


@variant("rmsprop_step")
def rmsprop_by_pytorch(theta, v, g, lr, alpha, eps):
    weights = torch.nn.Parameter(torch.tensor(theta))
    optimiser = torch.optim.RMSprop([weights], lr=lr, alpha=alpha, eps=eps)
    optimiser.state[weights] = {"step": torch.tensor(0.0), "square_avg": torch.tensor(v)}
    weights.grad = torch.tensor(g)
    optimiser.step()
    return weights, optimiser.state[weights]["square_avg"]


@variant("rmsprop_step")
def move_towards_the_square(theta, v, g, lr, alpha, eps):
    average = np.einsum("k,k...->...", [alpha, 1 - alpha], np.stack([v, g * g]))
    return (theta - lr / (average**0.5 + eps) * g).tolist(), average.tolist()


@misconception(
    "rmsprop_step",
    says="Your alpha and 1 - alpha are the wrong way round: alpha is the share of the old average that is kept.",
    see=ADAM,
)
def alpha_reversed(theta, v, g, lr, alpha, eps):
    v = (1 - alpha) * v + alpha * g**2
    return theta - lr * g / (np.sqrt(v) + eps), v


@misconception(
    "rmsprop_step",
    says="Your eps is under the root; here it is added after the root, so it has the unit of a gradient and not of its square.",
    see=ADAM,
)
def rmsprop_eps_inside(theta, v, g, lr, alpha, eps):
    v = alpha * v + (1 - alpha) * g**2
    return theta - lr * g / np.sqrt(v + eps), v


@misconception(
    "rmsprop_step",
    says="Your squares add up and never fade, as in Adagrad; here the old average is multiplied by alpha, the new square by 1 - alpha.",
    see=SUM,
)
def sum_no_decay(theta, v, g, lr, alpha, eps):
    v = v + g**2
    return theta - lr * g / (np.sqrt(v) + eps), v


@misconception(
    "rmsprop_step",
    says="You divide by the root of the old average; the new square enters before the division.",
    see=ADAM,
)
def uses_old_v(theta, v, g, lr, alpha, eps):
    return theta - lr * g / (np.sqrt(v) + eps), alpha * v + (1 - alpha) * g**2


@misconception(
    "rmsprop_step",
    says="Your new square comes in with its full weight; it is multiplied by 1 - alpha, so that the two weights add up to 1.",
    see=ADAM,
)
def square_not_damped(theta, v, g, lr, alpha, eps):
    v = alpha * v + g**2
    return theta - lr * g / (np.sqrt(v) + eps), v


@misconception(
    "rmsprop_step",
    says="You average absolute values; the average is of the squares, and the root turns it back into a size.",
    see=ADAM,
)
def averages_absolute_gradients(theta, v, g, lr, alpha, eps):
    v = alpha * v + (1 - alpha) * np.abs(g)
    return theta - lr * g / (np.sqrt(v) + eps), v


@misconception(
    "rmsprop_step",
    says="You divide by the average of squares itself; the step divides by its root.",
    see=ADAM,
)
def rmsprop_no_sqrt(theta, v, g, lr, alpha, eps):
    v = alpha * v + (1 - alpha) * g**2
    return theta - lr * g / (v + eps), v


@misconception(
    "rmsprop_step",
    says="You correct the start as Adam does; RMSProp does not, and its first step from v = 0 has the length lr / sqrt(1 - alpha).",
    see=ADAM,
)
def corrected_like_adam(theta, v, g, lr, alpha, eps):
    fresh = v == 0
    v = alpha * v + (1 - alpha) * g**2
    return theta - lr * g / (np.sqrt(np.where(fresh, v / (1 - alpha), v)) + eps), v


@misconception(
    "rmsprop_step",
    says="You start the average from the first square, as Lee's lectures do; here, as in PyTorch, v = 0 is an average like any other.",
    see=ADAM,
)
def starts_from_the_first_square(theta, v, g, lr, alpha, eps):
    v = np.where(v == 0, g**2, alpha * v + (1 - alpha) * g**2)
    return theta - lr * g / (np.sqrt(v) + eps), v


@misconception(
    "rmsprop_step",
    says="Your denominator has no eps: a weight that never had a gradient gets 0/0 = nan instead of no step.",
    see=ADAM,
)
def rmsprop_no_eps(theta, v, g, lr, alpha, eps):
    v = alpha * v + (1 - alpha) * g**2
    with np.errstate(all="ignore"):
        return theta - lr * g / np.sqrt(v), v


@misconception(
    "rmsprop_step",
    says="You subtract the mean gradient's square, as PyTorch's centered=True does; here v is the plain average of squares.",
    see=ADAM,
)
def centred(theta, v, g, lr, alpha, eps):
    v = alpha * v + (1 - alpha) * g**2
    return theta - lr * g / (np.sqrt(np.maximum(v - ((1 - alpha) * g) ** 2, 0)) + eps), v


@misconception(
    "rmsprop_step",
    says="Your step climbs: the gradient points uphill, so it is subtracted.",
    see=ADAM,
)
def rmsprop_climbs(theta, v, g, lr, alpha, eps):
    v = alpha * v + (1 - alpha) * g**2
    return theta + lr * g / (np.sqrt(v) + eps), v


@misconception(
    "rmsprop_step",
    says="You use one average for all weights; every weight has its own.",
    see=ADAM,
)
def one_average_for_all(theta, v, g, lr, alpha, eps):
    v = alpha * v + (1 - alpha) * g**2
    return theta - lr * g / (np.sqrt(v.mean()) + eps), v


@misconception(
    "rmsprop_step",
    says="You return sqrt(v) as the state; the state is the average of squares itself.",
    see=ADAM,
)
def returns_the_root(theta, v, g, lr, alpha, eps):
    root = np.sqrt(alpha * v + (1 - alpha) * g**2)
    return theta - lr * g / (root + eps), root


@misconception(
    "rmsprop_step",
    says="Your weights are right, but you return the old v, so the average never learns.",
    see=ADAM,
)
def rmsprop_state_not_returned(theta, v, g, lr, alpha, eps):
    return theta - lr * g / (np.sqrt(alpha * v + (1 - alpha) * g**2) + eps), v


@misconception(
    "rmsprop_step",
    says="You return the average first; the new theta comes first, then the new v.",
    see=ADAM,
)
def rmsprop_results_swapped(theta, v, g, lr, alpha, eps):
    v = alpha * v + (1 - alpha) * g**2
    return v, theta - lr * g / (np.sqrt(v) + eps)


@misconception(
    "rmsprop_step",
    says="Your function changes theta and v of its caller: *=, += and -= work in place, on the very arrays you were given.",
    see=ADAM,
)
def rmsprop_in_place(theta, v, g, lr, alpha, eps):
    v *= alpha
    v += (1 - alpha) * g**2
    theta -= lr * g / (np.sqrt(v) + eps)
    return theta, v


@misconception(
    "rmsprop_step",
    says="Your result has only seven digits: the step was computed in float32 instead of float64.",
    see=ADAM,
)
def rmsprop_in_single_precision(theta, v, g, lr, alpha, eps):
    theta, v, g = (torch.tensor(x, dtype=torch.float32) for x in (theta, v, g))
    v = alpha * v + (1 - alpha) * g**2
    return (theta - lr * g / (v.sqrt() + eps)).numpy(), v.numpy()


# --- adam_step ----------------------------------------------------------------------------------------------------------


@variant("adam_step")
def adam_on_copies(theta, m, v, g, t, lr, b1, b2, eps):
    theta, m, v = theta.copy(), m.copy(), v.copy()
    m *= b1
    m += (1 - b1) * g
    v *= b2
    v += (1 - b2) * g * g
    theta -= lr * (m / (1 - b1**t)) / (np.sqrt(v / (1 - b2**t)) + eps)
    return theta, m, v


@variant("adam_step")
def adam_entry_by_entry(theta, m, v, g, t, lr, b1, b2, eps):
    new = [np.zeros(theta.shape) for _ in range(3)]
    for k in np.ndindex(theta.shape):
        new[1][k] = b1 * m[k] + (1 - b1) * g[k]
        new[2][k] = b2 * v[k] + (1 - b2) * g[k] ** 2
        root = math.sqrt(new[2][k] / (1 - b2**t))
        new[0][k] = theta[k] - lr * new[1][k] / (1 - b1**t) / (root + eps)
    return new


@variant("adam_step")
def adam_in_tensors(theta, m, v, g, t, lr, b1, b2, eps):
    theta, m, v, g = torch.tensor(theta, requires_grad=True), *map(torch.tensor, (m, v, g))
    m, v = torch.lerp(m, g, 1 - b1), v.mul(b2).addcmul(g, g, value=1 - b2)
    return theta - lr * (m / (1 - b1**t)) / ((v / (1 - b2**t)).sqrt() + eps), m, v


@variant("adam_step")
def adam_by_pytorch(theta, m, v, g, t, lr, b1, b2, eps):
    weights = torch.nn.Parameter(torch.tensor(theta))
    optimiser = torch.optim.Adam([weights], lr=lr, betas=(b1, b2), eps=eps)
    optimiser.state[weights] = {
        "step": torch.tensor(float(t - 1)),
        "exp_avg": torch.tensor(m),
        "exp_avg_sq": torch.tensor(v),
    }
    weights.grad = torch.tensor(g)
    optimiser.step()
    return weights, optimiser.state[weights]["exp_avg"], optimiser.state[weights]["exp_avg_sq"]


@variant("adam_step")
def efficient_order_with_eps_rescaled(theta, m, v, g, t, lr, b1, b2, eps):
    m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g
    root = np.sqrt(1 - b2**t)
    return (theta - lr * root / (1 - b1**t) * m / (np.sqrt(v) + eps * root)).tolist(), m.tolist(), v.tolist()


@misconception(
    "adam_step",
    says="Your averages are not corrected for their start at 0: at t = 1 a step of the default Adam is 3.16 lr long instead of lr.",
    see=ADAM,
)
def no_bias_correction(theta, m, v, g, t, lr, b1, b2, eps):
    m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
    return theta - lr * m / (np.sqrt(v) + eps), m, v


@misconception(
    "adam_step",
    says="You correct m and not v: both averages start at 0, so both are divided by 1 - beta^t.",
    see=ADAM,
)
def only_m_corrected(theta, m, v, g, t, lr, b1, b2, eps):
    m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
    return theta - lr * m / (1 - b1**t) / (np.sqrt(v) + eps), m, v


@misconception(
    "adam_step",
    says="You correct v and not m: both averages start at 0, so both are divided by 1 - beta^t.",
    see=ADAM,
)
def only_v_corrected(theta, m, v, g, t, lr, b1, b2, eps):
    m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
    return theta - lr * m / (np.sqrt(v / (1 - b2**t)) + eps), m, v


@misconception(
    "adam_step",
    says="Your eps is under the root; here it is added after the root, so it has the unit of a gradient and not of its square.",
    see=ADAM,
)
def eps_inside_sqrt(theta, m, v, g, t, lr, b1, b2, eps):
    m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
    return theta - lr * m / (1 - b1**t) / np.sqrt(v / (1 - b2**t) + eps), m, v


@misconception(
    "adam_step",
    says="Your eps is added before the correction, as in the paper's shorter form; here it is added after it.",
    see=ADAM,
)
def eps_before_the_correction(theta, m, v, g, t, lr, b1, b2, eps):
    m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
    return theta - lr * np.sqrt(1 - b2**t) / (1 - b1**t) * m / (np.sqrt(v) + eps), m, v


@misconception(
    "adam_step",
    says="You count steps from 0: at t = 1 your correction divides by 1 - beta^2.",
    see=ADAM,
)
def correction_one_step_late(theta, m, v, g, t, lr, b1, b2, eps):
    m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
    return theta - lr * m / (1 - b1 ** (t + 1)) / (np.sqrt(v / (1 - b2 ** (t + 1))) + eps), m, v


@misconception(
    "adam_step",
    says="Your correction divides by 1 - beta at every step; the power t is missing, so it never fades.",
    see=ADAM,
)
def correction_without_power(theta, m, v, g, t, lr, b1, b2, eps):
    m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
    return theta - lr * m / (1 - b1) / (np.sqrt(v / (1 - b2)) + eps), m, v


@misconception(
    "adam_step",
    says="Your corrections use 1 - beta * t where the formula has a power, 1 - beta^t.",
    see=ADAM,
)
def product_for_power(theta, m, v, g, t, lr, b1, b2, eps):
    m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
    with np.errstate(all="ignore"):
        return theta - lr * m / (1 - b1 * t) / (np.sqrt(v / (1 - b2 * t)) + eps), m, v


@misconception(
    "adam_step",
    says="You return the corrected averages: the next step would correct them once more. The state is uncorrected.",
    see=ADAM,
)
def returns_the_corrected(theta, m, v, g, t, lr, b1, b2, eps):
    m = (b1 * m + (1 - b1) * g) / (1 - b1**t)
    v = (b2 * v + (1 - b2) * g**2) / (1 - b2**t)
    return theta - lr * m / (np.sqrt(v) + eps), m, v


@misconception(
    "adam_step",
    says="Your two memories are exchanged: beta1 belongs to the gradients and beta2 to their squares.",
    see=ADAM,
)
def betas_exchanged(theta, m, v, g, t, lr, b1, b2, eps):
    m, v = b2 * m + (1 - b2) * g, b1 * v + (1 - b1) * g**2
    return theta - lr * m / (1 - b2**t) / (np.sqrt(v / (1 - b1**t)) + eps), m, v


@misconception(
    "adam_step",
    says="Your beta and 1 - beta are the wrong way round: beta is the share of the old that is kept.",
    see=ADAM,
)
def betas_reversed(theta, m, v, g, t, lr, b1, b2, eps):
    m, v = (1 - b1) * m + b1 * g, (1 - b2) * v + b2 * g**2
    return theta - lr * m / (1 - b1**t) / (np.sqrt(v / (1 - b2**t)) + eps), m, v


@misconception(
    "adam_step",
    says="Your step has the gradient in its numerator: that is RMSProp with a correction. Adam steps along the average m.",
    see=ADAM,
)
def gradient_for_direction(theta, m, v, g, t, lr, b1, b2, eps):
    m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
    return theta - lr * g / (np.sqrt(v / (1 - b2**t)) + eps), m, v


@misconception(
    "adam_step",
    says="Your v is made of the average m squared; it averages the squares of the gradients themselves.",
    see=ADAM,
)
def squares_the_average(theta, m, v, g, t, lr, b1, b2, eps):
    m = b1 * m + (1 - b1) * g
    v = b2 * v + (1 - b2) * m**2
    return theta - lr * m / (1 - b1**t) / (np.sqrt(v / (1 - b2**t)) + eps), m, v


@misconception(
    "adam_step",
    says="Your v never falls: you keep the largest average so far, which is AMSGrad and not Adam.",
    see="4. When does Adam go the wrong way?",
)
def amsgrad(theta, m, v, g, t, lr, b1, b2, eps):
    m = b1 * m + (1 - b1) * g
    v = np.maximum(v, b2 * v + (1 - b2) * g**2)
    return theta - lr * m / (1 - b1**t) / (np.sqrt(v / (1 - b2**t)) + eps), m, v


@misconception(
    "adam_step",
    says="The root is missing: the step divides by the root of the corrected average of squares.",
    see=ADAM,
)
def adam_no_sqrt(theta, m, v, g, t, lr, b1, b2, eps):
    m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
    return theta - lr * m / (1 - b1**t) / (v / (1 - b2**t) + eps), m, v


@misconception(
    "adam_step",
    says="Your step climbs: m is an average of gradients, which point uphill, so it is subtracted.",
    see=ADAM,
)
def adam_climbs(theta, m, v, g, t, lr, b1, b2, eps):
    m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
    return theta + lr * m / (1 - b1**t) / (np.sqrt(v / (1 - b2**t)) + eps), m, v


@misconception(
    "adam_step",
    says="You return the new weights alone; m' and v' are the state of the next step.",
    see=ADAM,
)
def adam_only_the_weights(theta, m, v, g, t, lr, b1, b2, eps):
    m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
    return theta - lr * m / (1 - b1**t) / (np.sqrt(v / (1 - b2**t)) + eps)


@misconception(
    "adam_step",
    says="Your weights are right, but you return the old m and v, so the averages never learn.",
    see=ADAM,
)
def adam_state_not_returned(theta, m, v, g, t, lr, b1, b2, eps):
    new_m, new_v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
    return theta - lr * new_m / (1 - b1**t) / (np.sqrt(new_v / (1 - b2**t)) + eps), m, v


@misconception(
    "adam_step",
    says="Your function changes theta, m and v of its caller: *=, += and -= work in place, on the very arrays you were given.",
    see=ADAM,
)
def adam_in_place(theta, m, v, g, t, lr, b1, b2, eps):
    m *= b1
    m += (1 - b1) * g
    v *= b2
    v += (1 - b2) * g**2
    theta -= lr * m / (1 - b1**t) / (np.sqrt(v / (1 - b2**t)) + eps)
    return theta, m, v


@misconception(
    "adam_step",
    says="Your function counts the steps itself, from its first call on; the number of the step is the argument t.",
    see=ADAM,
)
def counts_by_itself(theta, m, v, g, t, lr, b1, b2, eps, calls=[]):  # noqa: B006
    calls.append(t)
    t = len(calls)
    m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
    return theta - lr * m / (1 - b1**t) / (np.sqrt(v / (1 - b2**t)) + eps), m, v


@misconception(
    "adam_step",
    says="Your step was computed in float32: squares of small gradients underflow to 0 there. Compute in float64.",
    see=ADAM,
)
def adam_in_single_precision(theta, m, v, g, t, lr, b1, b2, eps):
    theta, m, v, g = (torch.tensor(x, dtype=torch.float32) for x in (theta, m, v, g))
    m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
    theta = theta - lr * m / (1 - b1**t) / ((v / (1 - b2**t)).sqrt() + eps)
    return theta.numpy(), m.numpy(), v.numpy()


# --- radam_rectifier ----------------------------------------------------------------------------------------------------


@variant("radam_rectifier")
def rectifier_in_numpy(t, beta2):
    last = 2 / (1 - beta2) - 1
    rho = last - 2 * t * np.power(beta2, t) / (1 - np.power(beta2, t))
    square = (rho - 4) * (rho - 2) * last / ((last - 4) * (last - 2) * rho)
    return (rho, np.sqrt(square)) if rho > 5 else (rho, None)


@variant("radam_rectifier")
def rectifier_as_quotient_of_spreads(t, beta2):
    def spread(rho):
        return math.sqrt(rho / ((rho - 4) * (rho - 2)))

    rho_inf, share = (1 + beta2) / (1 - beta2), -math.expm1(t * math.log(beta2))
    rho = rho_inf - 2 * t * (1 - share) / share
    return [rho, spread(rho_inf) / spread(rho) if rho > 5 else None]


@variant("radam_rectifier")
def rectifier_in_tensors(t, beta2):
    beta2 = torch.tensor(beta2, dtype=torch.float64)
    rho_inf = 2 / (1 - beta2) - 1
    rho = rho_inf - 2 * t * beta2**t / (1 - beta2**t)
    if not rho > 5:
        return rho, None
    return rho, ((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho)).sqrt()


@variant("radam_rectifier")
def rectifier_from_the_mean_age(t, beta2):
    ages = np.arange(min(t, 200_000))
    weights = beta2 ** ages.astype(float)
    rho_inf, rho = 2 / (1 - beta2) - 1, 1 + 2 * float((ages * weights).sum() / weights.sum())
    if rho <= 5:
        return rho, None
    return rho, float(
        np.sqrt((rho - 4) / (rho_inf - 4)) * np.sqrt((rho - 2) / (rho_inf - 2)) * np.sqrt(rho_inf / rho)
    )


@misconception(
    "radam_rectifier",
    says="Your threshold is 4, that of the paper; here, as in PyTorch, it is 5, so at beta2 = 0.999 step 5 is not rectified.",
    see=SLOW,
)
def threshold_4(t, beta2):
    rho_inf = 2 / (1 - beta2) - 1
    rho = rho_inf - 2 * t * beta2**t / (1 - beta2**t)
    if rho <= 4:
        return rho, None
    return rho, math.sqrt((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho))


@misconception(
    "radam_rectifier",
    says="Your rho is one too long: its limit is 2 / (1 - beta2) - 1, so that one square is worth one square at t = 1.",
    see=SLOW,
)
def rho_inf_no_minus_1(t, beta2):
    rho_inf = 2 / (1 - beta2)
    rho = rho_inf - 2 * t * beta2**t / (1 - beta2**t)
    if rho <= 5:
        return rho, None
    return rho, math.sqrt((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho))


@misconception(
    "radam_rectifier",
    says="The factor 2 is missing from 2 t beta2^t, so your rho is far too long at the start.",
    see=SLOW,
)
def missing_2_in_rho(t, beta2):
    rho_inf = 2 / (1 - beta2) - 1
    rho = rho_inf - t * beta2**t / (1 - beta2**t)
    if rho <= 5:
        return rho, None
    return rho, math.sqrt(max(0, (rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho)))


@misconception(
    "radam_rectifier",
    says="Your r is a quotient of variances; the factor of the step is its root.",
    see=SLOW,
)
def rectifier_no_sqrt(t, beta2):
    rho_inf = 2 / (1 - beta2) - 1
    rho = rho_inf - 2 * t * beta2**t / (1 - beta2**t)
    if rho <= 5:
        return rho, None
    return rho, (rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho)


@misconception(
    "radam_rectifier",
    says="You count steps from 0: your rho belongs to the step after this one.",
    see=SLOW,
)
def rectifier_one_step_late(t, beta2):
    t = t + 1
    rho_inf = 2 / (1 - beta2) - 1
    rho = rho_inf - 2 * t * beta2**t / (1 - beta2**t)
    if rho <= 5:
        return rho, None
    return rho, math.sqrt((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho))


@misconception(
    "radam_rectifier",
    says="Your r is upside down: it shortens the early steps, so it grows from near 0 to 1.",
    see=SLOW,
)
def rectifier_inverted(t, beta2):
    rho_inf = 2 / (1 - beta2) - 1
    rho = rho_inf - 2 * t * beta2**t / (1 - beta2**t)
    if rho <= 5:
        return rho, None
    return rho, math.sqrt((rho_inf - 4) * (rho_inf - 2) * rho / ((rho - 4) * (rho - 2) * rho_inf))


@misconception(
    "radam_rectifier",
    says="Where rho is at most 5 you return 1, a full step; None says that the adaptive rate is not used at all.",
    see=SLOW,
)
def one_for_none(t, beta2):
    rho_inf = 2 / (1 - beta2) - 1
    rho = rho_inf - 2 * t * beta2**t / (1 - beta2**t)
    if rho <= 5:
        return rho, 1.0
    return rho, math.sqrt((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho))


@misconception(
    "radam_rectifier",
    says="Where rho is at most 5 you return 0; the second result must be None there, so that nobody takes it for a rate.",
    see=SLOW,
)
def zero_for_none(t, beta2):
    rho_inf = 2 / (1 - beta2) - 1
    rho = rho_inf - 2 * t * beta2**t / (1 - beta2**t)
    if rho <= 5:
        return rho, 0.0
    return rho, math.sqrt((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho))


@misconception(
    "radam_rectifier",
    says="The denominator of your rho is missing: 2 t beta2^t is divided by 1 - beta2^t.",
    see=SLOW,
)
def rho_without_denominator(t, beta2):
    rho_inf = 2 / (1 - beta2) - 1
    rho = rho_inf - 2 * t * beta2**t
    if rho <= 5:
        return rho, None
    return rho, math.sqrt(abs((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho)))


@misconception(
    "radam_rectifier",
    says="Your second factor is rho - 1; under the root stands (rho - 4)(rho - 2), for both rho.",
    see=SLOW,
)
def wrong_factor_in_r(t, beta2):
    rho_inf = 2 / (1 - beta2) - 1
    rho = rho_inf - 2 * t * beta2**t / (1 - beta2**t)
    if rho <= 5:
        return rho, None
    return rho, math.sqrt((rho - 4) * (rho - 1) * rho_inf / ((rho_inf - 4) * (rho_inf - 1) * rho))


@misconception(
    "radam_rectifier",
    says="The quotient rho_inf / rho is missing under your root.",
    see=SLOW,
)
def quotient_of_lengths_missing(t, beta2):
    rho_inf = 2 / (1 - beta2) - 1
    rho = rho_inf - 2 * t * beta2**t / (1 - beta2**t)
    if rho <= 5:
        return rho, None
    return rho, math.sqrt((rho - 4) * (rho - 2) / ((rho_inf - 4) * (rho_inf - 2)))


@misconception(
    "radam_rectifier",
    says="Your threshold looks at rho_inf; it is the length at this step, rho_t, that decides.",
    see=SLOW,
)
def threshold_on_rho_inf(t, beta2):
    rho_inf = 2 / (1 - beta2) - 1
    rho = rho_inf - 2 * t * beta2**t / (1 - beta2**t)
    if rho_inf <= 5:
        return rho, None
    return rho, math.sqrt(max(0.0, (rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho)))


@misconception(
    "radam_rectifier",
    says="Your beta2 is fixed at 0.999; the function is asked for other memories, too.",
    see=SLOW,
)
def beta2_fixed(t, beta2):
    beta2 = 0.999
    rho_inf = 2 / (1 - beta2) - 1
    rho = rho_inf - 2 * t * beta2**t / (1 - beta2**t)
    if rho <= 5:
        return rho, None
    return rho, math.sqrt((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho))


@misconception(
    "radam_rectifier",
    says="You return r alone; the result is the pair of rho and r.",
    see=SLOW,
)
def only_the_factor(t, beta2):
    rho_inf = 2 / (1 - beta2) - 1
    rho = rho_inf - 2 * t * beta2**t / (1 - beta2**t)
    if rho <= 5:
        return None
    return math.sqrt((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho))


# --- warmup_cosine ------------------------------------------------------------------------------------------------------


@variant("warmup_cosine")
def both_in_one_expression(t, total, warmup, base, min_lr):
    fall = (base - min_lr) * 0.5 * (1 + np.cos(np.pi * (t - warmup) / (total - warmup)))
    return base * (t + 1) / warmup if t < warmup else min_lr + fall


@variant("warmup_cosine")
def half_angle(t, total, warmup, base, min_lr):
    if t < warmup:
        return float(np.interp(t + 1, [0, warmup], [0.0, base]))
    return base - (base - min_lr) * math.sin(math.pi / 2 * (t - warmup) / (total - warmup)) ** 2


@variant("warmup_cosine")
def rate_as_a_tensor(t, total, warmup, base, min_lr):
    if t < warmup:
        return torch.tensor(base, dtype=torch.float64) * (t + 1) / warmup
    done = torch.tensor((t - warmup) / (total - warmup), dtype=torch.float64)
    return min_lr + (base - min_lr) * (1 + torch.cos(math.pi * done)) / 2


@variant("warmup_cosine")
def rates_in_a_list(t, total, warmup, base, min_lr):
    rates = [base * (k + 1) / warmup for k in range(warmup)]
    angles = np.linspace(0, np.pi, total - warmup + 1)
    rates += list(min_lr + (base - min_lr) * (1 + np.cos(angles)) / 2)
    return rates[t]


@misconception(
    "warmup_cosine",
    says="Your warm-up starts at 0, which wastes the first step; step t has base * (t + 1) / warmup.",
    see=SLOW,
)
def starts_at_zero(t, total, warmup, base, min_lr):
    if t < warmup:
        return base * t / warmup
    return min_lr + (base - min_lr) * (1 + math.cos(math.pi * (t - warmup) / (total - warmup))) / 2


@misconception(
    "warmup_cosine",
    says="Your cosine runs over all steps from 0; its clock starts when the warm-up ends, so that the rate is base there.",
    see=SLOW,
)
def cosine_over_total(t, total, warmup, base, min_lr):
    if t < warmup:
        return base * (t + 1) / warmup
    return min_lr + (base - min_lr) * (1 + math.cos(math.pi * t / total)) / 2


@misconception(
    "warmup_cosine",
    says="Your rate falls to 0; it falls to min_lr.",
    see=SLOW,
)
def min_lr_ignored(t, total, warmup, base, min_lr):
    if t < warmup:
        return base * (t + 1) / warmup
    return base * (1 + math.cos(math.pi * (t - warmup) / (total - warmup))) / 2


@misconception(
    "warmup_cosine",
    says="Your angle is in degrees; math.cos takes radians, so half a turn is pi and not 180.",
    see=SLOW,
)
def degrees(t, total, warmup, base, min_lr):
    if t < warmup:
        return base * (t + 1) / warmup
    return min_lr + (base - min_lr) * (1 + math.cos(180 * (t - warmup) / (total - warmup))) / 2


@misconception(
    "warmup_cosine",
    says="Your clock starts at the end of the warm-up but runs as long as the whole training, so the rate never gets to min_lr.",
    see=SLOW,
)
def fall_too_slow(t, total, warmup, base, min_lr):
    if t < warmup:
        return base * (t + 1) / warmup
    return min_lr + (base - min_lr) * (1 + math.cos(math.pi * (t - warmup) / total)) / 2


@misconception(
    "warmup_cosine",
    says="Your rate is min_lr too high at the start of the fall: the cosine spans base - min_lr, not base.",
    see=SLOW,
)
def min_lr_on_top(t, total, warmup, base, min_lr):
    if t < warmup:
        return base * (t + 1) / warmup
    return min_lr + base * (1 + math.cos(math.pi * (t - warmup) / (total - warmup))) / 2


@misconception(
    "warmup_cosine",
    says="Your cosine is cut off at min_lr; it should come down to min_lr smoothly, as the end of its range.",
    see=SLOW,
)
def min_lr_as_a_floor(t, total, warmup, base, min_lr):
    if t < warmup:
        return base * (t + 1) / warmup
    return max(min_lr, base * (1 + math.cos(math.pi * (t - warmup) / (total - warmup))) / 2)


@misconception(
    "warmup_cosine",
    says="Your rate falls in a straight line; it falls along half a cosine.",
    see=SLOW,
)
def linear_fall(t, total, warmup, base, min_lr):
    if t < warmup:
        return base * (t + 1) / warmup
    return base + (min_lr - base) * (t - warmup) / (total - warmup)


@misconception(
    "warmup_cosine",
    says="Your cosine makes a whole turn, so the rate is back at base in the end; it makes half a turn.",
    see=SLOW,
)
def whole_turn(t, total, warmup, base, min_lr):
    if t < warmup:
        return base * (t + 1) / warmup
    return min_lr + (base - min_lr) * (1 + math.cos(2 * math.pi * (t - warmup) / (total - warmup))) / 2


@misconception(
    "warmup_cosine",
    says="Your cosine is not halved: 1 + cos goes from 2 to 0, so the rate starts its fall from too high.",
    see=SLOW,
)
def half_forgotten(t, total, warmup, base, min_lr):
    if t < warmup:
        return base * (t + 1) / warmup
    return min_lr + (base - min_lr) * (1 + math.cos(math.pi * (t - warmup) / (total - warmup)))


@misconception(
    "warmup_cosine",
    says="Your warm-up is one step too long: step t = warmup - 1 has base, and the fall starts at t = warmup.",
    see=SLOW,
)
def warm_up_one_step_late(t, total, warmup, base, min_lr):
    if t <= warmup:
        return base * (t + 1) / (warmup + 1)
    return min_lr + (base - min_lr) * (1 + math.cos(math.pi * (t - warmup) / (total - warmup))) / 2


@misconception(
    "warmup_cosine",
    says="Your warm-up starts from min_lr; here it rises from 0 to base, and min_lr is where the fall ends.",
    see=SLOW,
)
def rises_from_min_lr(t, total, warmup, base, min_lr):
    if t < warmup:
        return min_lr + (base - min_lr) * (t + 1) / warmup
    return min_lr + (base - min_lr) * (1 + math.cos(math.pi * (t - warmup) / (total - warmup))) / 2


@misconception(
    "warmup_cosine",
    says="The rise and the fall are multiplied: your cosine runs during the warm-up as well.",
    see=SLOW,
)
def rise_times_fall(t, total, warmup, base, min_lr):
    fall = min_lr + (base - min_lr) * (1 + math.cos(math.pi * t / total)) / 2
    return fall * min(1, (t + 1) / warmup) if warmup else fall


@misconception(
    "warmup_cosine",
    says="Your rate has only seven digits: it was computed in float32 instead of float64.",
    see=SLOW,
)
def rate_in_single_precision(t, total, warmup, base, min_lr):
    if t < warmup:
        return np.float32(base) * np.float32((t + 1) / warmup)
    done = np.float32((t - warmup) / (total - warmup))
    return np.float32(min_lr) + np.float32(base - min_lr) * (1 + np.cos(np.float32(np.pi) * done)) / 2
