"""Right and wrong solutions of assignment 7. See `grader.source.bank` for the form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.source.bank import edits_of, variant

if TYPE_CHECKING:  # the notebook's set-up cell imports them
    import math

    import numpy as np
    import torch

SUM = "2. Mean or sum?"
ADAM = "3. What is Adam, exactly?"
DIVISION = "4. When does the division go wrong?"
SLOW = "5. Why start slowly?"
QUIETLY = ("    return", '    with np.errstate(all="ignore"):\n        return')

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


wrong = edits_of("rms_sigma", see=SUM)
SIGMA, SQUARES, COUNTS = "np.sqrt(np.cumsum(grads**2, axis=0) / counts)", "grads**2", "np.arange(1, len(grads) + 1)[:, None]"
wrong("sum_not_mean", (SIGMA, "np.sqrt(np.cumsum(grads**2, axis=0))"),
      says="Your sigma is the root of the sum of squares, as in Adagrad; here it is the root of their mean.")
wrong("divide_by_T", (COUNTS, "len(grads)"),
      says="Every row of yours is divided by T, the number of all gradients; row t divides by the number of those up to it.")
wrong("off_by_one", (COUNTS, "np.arange(2, len(grads) + 2)[:, None]"),
      says="Your mean divides by one too many: the first row is the mean of one square, so it divides by 1.")
wrong("no_sqrt", (SIGMA, "np.cumsum(grads**2, axis=0) / counts"),
      says="Your result is the mean of the squares; sigma is the root of it, so that it has the unit of a gradient.")
wrong("mean_of_absolute_values", (SIGMA, "np.cumsum(np.abs(grads), axis=0) / counts"),
      says="You average absolute values; here the squares are averaged and the root is taken of the mean.")
wrong("standard_deviation", (SIGMA, "np.array([grads[: t + 1].std(axis=0) for t in range(len(grads))])"),
      says="You take the standard deviation: the mean gradient is subtracted first. Sigma is measured from zero.")
wrong("one_sigma_for_all_weights", (SQUARES, "np.broadcast_to((grads**2).mean(axis=1, keepdims=True), grads.shape)"),
      says="Your sigma is one number per step for all weights together; every weight (column) has its own.")
wrong("along_the_wrong_axis", (COUNTS, "np.arange(1, grads.shape[1] + 1)"), ("axis=0", "axis=1"),
      says="Your running sum goes along the weights of one step; it must go down the steps of one weight.")
wrong("excludes_the_newest", (COUNTS, "np.maximum(np.arange(len(grads)), 1)[:, None]"), (SQUARES, "np.vstack([0 * grads[:1], grads[:-1] ** 2])"),
      says="Your row t leaves out the gradient of its own step; sigma_t knows the gradients up to and including g_t.")
wrong("knows_the_future", (SIGMA, "np.tile(np.sqrt(np.mean(grads**2, axis=0)), (len(grads), 1))"),
      says="Your rows are all the same: every one is the mean over all T steps. Row t may know the steps up to t only.")
wrong("last_row_only", (SIGMA, "np.sqrt(np.mean(grads**2, axis=0))"),
      says="You return the last row alone; the result has one row for every step.")
wrong("squares_the_mean", (SIGMA, "np.abs(np.cumsum(grads, axis=0)) / counts"),
      says="You add the gradients up and then square: those of opposite sign cancel. Square first.")
wrong("squares_in_place", ("return", "grads **= 2\n    return"), (SQUARES, "grads"),
      says="Your function squares the caller's gradients in place: **= changes the very array you were given.")
edits_of("rms_sigma", see=SUM, form=cumulated_tensor)(
      "sigma_in_single_precision", ("requires_grad=True", "dtype=torch.float32"), (".sqrt()", ".sqrt().numpy()"),
      says="Your result has only seven digits: it was computed in float32 instead of float64.")

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


wrong = edits_of("adagrad_step", see=SUM)
TOTAL, DIVISOR, ROOT, STATE = "total = s + g**2", "(np.sqrt(total) + eps)", "np.sqrt(total)", "eps), total"
wrong("adagrad_eps_inside", (DIVISOR, "np.sqrt(total + eps)"), see=ADAM,
      says="Your eps is under the root; here it is added after the root, so it has the unit of a gradient and not of its square.")
wrong("no_eps", (DIVISOR, "np.sqrt(total)"), QUIETLY, see=ADAM,
      says="Your denominator has no eps: a weight that never had a gradient gets 0/0 = nan instead of no step.")
wrong("old_accumulator", (ROOT, "np.sqrt(s)"),
      says="You divide by the root of the old sum; the new gradient is added before the division.")
wrong("adagrad_no_sqrt", (ROOT, "total"),
      says="You divide by the sum of squares itself; the step divides by its root.")
wrong("fading_average", (TOTAL, "total = 0.9 * s + 0.1 * g**2"),
      says="Your state is a fading average, as in RMSProp; Adagrad adds every square in full and forgets none.")
wrong("adds_absolute_values", (TOTAL, "total = s + np.abs(g)"),
      says="You add up absolute values; the sum is of the squares, and the root turns it back into a size.")
wrong("one_sum_for_all", (ROOT, "np.sqrt(total.sum())"),
      says="You use one sum for all weights; the point of Adagrad is a sum, and so a rate, for every weight.")
wrong("adagrad_climbs", ("theta - lr", "theta + lr"),
      says="Your step climbs: the gradient points uphill, so it is subtracted.")
wrong("eps_added_to_the_step", (DIVISOR, "np.sqrt(total) + eps"), QUIETLY, see=ADAM,
      says="The brackets are missing: you divide by the root first and then add eps to the quotient.")
wrong("eps_in_the_state", (TOTAL, "total = s + g**2 + eps"), (DIVISOR, "np.sqrt(total)"), see=ADAM,
      says="Your eps goes into the state and adds up with every step; it belongs to the denominator of the step alone.")
wrong("eps_as_a_floor", (DIVISOR, "np.maximum(np.sqrt(total), eps)"), see=ADAM,
      says="You take the larger of root and eps; eps is added to the root.")
wrong("adagrad_state_not_returned", (STATE, "eps), s"),
      says="Your weights are right, but you return the old s, so the sum never grows.")
wrong("adagrad_results_swapped", ("return", "return total,"), (STATE, "eps)"),
      says="You return the sum first; the new theta comes first, then the new s.")
wrong("adagrad_only_the_weights", (STATE, "eps)"),
      says="You return the new weights alone; without the new s the next step has no past.")
edits_of("adagrad_step", see=SUM, form=adagrad_on_copies)(
      "adagrad_in_place", ("    theta, s = theta.copy(), s.copy()\n", ""),
      says="Your function changes theta and s of its caller: += and -= work in place, on the very arrays you were given.")
wrong("adagrad_sum_in_place", (TOTAL, "s += g**2"), (DIVISOR, "(np.sqrt(s) + eps)"), (", total", ", s"),
      says="Your function changes the sum of its caller: s += g**2 works in place, on the very array you were given.")
wrong("adagrad_in_single_precision", (TOTAL, "theta, s, g = (torch.tensor(x, dtype=torch.float32) for x in (theta, s, g))\n    total = s + g**2"),
      ("theta - lr", "(theta - lr"), (DIVISOR, "(total.sqrt() + eps)).numpy()"), (", total", ", total.numpy()"),
      says="Your result has only seven digits: the step was computed in float32 instead of float64.")

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


wrong = edits_of("rmsprop_step", see=ADAM)
AVERAGE, DIVISOR, ROOT, STATE = "alpha * v + (1 - alpha) * g**2", "(np.sqrt(average) + eps)", "np.sqrt(average)", "eps), average"
wrong("alpha_reversed", (AVERAGE, "(1 - alpha) * v + alpha * g**2"),
      says="Your alpha and 1 - alpha are the wrong way round: alpha is the share of the old average that is kept.")
wrong("rmsprop_eps_inside", (DIVISOR, "np.sqrt(average + eps)"),
      says="Your eps is under the root; here it is added after the root, so it has the unit of a gradient and not of its square.")
wrong("sum_no_decay", (AVERAGE, "v + g**2"), see=SUM,
      says="Your squares add up and never fade, as in Adagrad; here the old average is multiplied by alpha, the new square by 1 - alpha.")
wrong("uses_old_v", (ROOT, "np.sqrt(v)"),
      says="You divide by the root of the old average; the new square enters before the division.")
wrong("square_not_damped", (AVERAGE, "alpha * v + g**2"),
      says="Your new square comes in with its full weight; it is multiplied by 1 - alpha, so that the two weights add up to 1.")
wrong("averages_absolute_gradients", (AVERAGE, "alpha * v + (1 - alpha) * np.abs(g)"),
      says="You average absolute values; the average is of the squares, and the root turns it back into a size.")
wrong("rmsprop_no_sqrt", (ROOT, "average"),
      says="You divide by the average of squares itself; the step divides by its root.")
wrong("corrected_like_adam", (ROOT, "np.sqrt(np.where(v == 0, average / (1 - alpha), average))"),
      says="You correct the start as Adam does; RMSProp does not, and its first step from v = 0 has the length lr / sqrt(1 - alpha).")
wrong("starts_from_the_first_square", (AVERAGE, f"np.where(v == 0, g**2, {AVERAGE})"),
      says="You start the average from the first square, as Lee's lectures do; here, as in PyTorch, v = 0 is an average like any other.")
wrong("rmsprop_no_eps", (DIVISOR, "np.sqrt(average)"), QUIETLY,
      says="Your denominator has no eps: a weight that never had a gradient gets 0/0 = nan instead of no step.")
wrong("centred", (ROOT, "np.sqrt(np.maximum(average - ((1 - alpha) * g) ** 2, 0))"),
      says="You subtract the mean gradient's square, as PyTorch's centered=True does; here v is the plain average of squares.")
wrong("rmsprop_climbs", ("theta - lr", "theta + lr"),
      says="Your step climbs: the gradient points uphill, so it is subtracted.")
wrong("one_average_for_all", (ROOT, "np.sqrt(average.mean())"),
      says="You use one average for all weights; every weight has its own.")
wrong("returns_the_root", (STATE, "eps), np.sqrt(average)"),
      says="You return sqrt(v) as the state; the state is the average of squares itself.")
wrong("rmsprop_state_not_returned", (STATE, "eps), v"),
      says="Your weights are right, but you return the old v, so the average never learns.")
wrong("rmsprop_results_swapped", ("return", "return average,"), (STATE, "eps)"),
      says="You return the average first; the new theta comes first, then the new v.")
edits_of("rmsprop_step", see=ADAM, form=rmsprop_on_copies)(
      "rmsprop_in_place", ("    theta, v = theta.copy(), v.copy()\n", ""),
      says="Your function changes theta and v of its caller: *=, += and -= work in place, on the very arrays you were given.")
wrong("rmsprop_average_in_place", ("average = " + AVERAGE, "v *= alpha\n    v += (1 - alpha) * g**2"), (DIVISOR, "(np.sqrt(v) + eps)"), (", average", ", v"),
      says="Your function changes the average of its caller: *= and += work in place, on the very array you were given.")
wrong("rmsprop_in_single_precision", ("average = ", "theta, v, g = (torch.tensor(x, dtype=torch.float32) for x in (theta, v, g))\n    average = "),
      ("theta - lr", "(theta - lr"), (DIVISOR, "(average.sqrt() + eps)).numpy()"), (", average", ", average.numpy()"),
      says="Your result has only seven digits: the step was computed in float32 instead of float64.")

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


wrong = edits_of("adam_step", see=ADAM)
M, V, CORRECTED_M, CORRECTED_V = "b1 * m + (1 - b1) * g", "b2 * v + (1 - b2) * g**2", "new_m / (1 - b1**t)", "new_v / (1 - b2**t)"
DIVISOR, ROOT, START, STATE = "(np.sqrt(corrected_v) + eps)", "np.sqrt(corrected_v)", "new_m = ", "new_m, new_v"
wrong("no_bias_correction", (CORRECTED_M, "new_m"), (CORRECTED_V, "new_v"),
      says="Your averages are not corrected for their start at 0: at t = 1 a step of the default Adam is 3.16 lr long instead of lr.")
wrong("only_m_corrected", (CORRECTED_V, "new_v"),
      says="You correct m and not v: both averages start at 0, so both are divided by 1 - beta^t.")
wrong("only_v_corrected", (CORRECTED_M, "new_m"),
      says="You correct v and not m: both averages start at 0, so both are divided by 1 - beta^t.")
wrong("eps_inside_sqrt", (DIVISOR, "np.sqrt(corrected_v + eps)"),
      says="Your eps is under the root; here it is added after the root, so it has the unit of a gradient and not of its square.")
wrong("eps_before_the_correction", (DIVISOR, "((np.sqrt(new_v) + eps) / np.sqrt(1 - b2**t))"),
      says="Your eps is added before the correction, as in the paper's shorter form; here it is added after it.")
wrong("correction_one_step_late", (CORRECTED_M, "new_m / (1 - b1 ** (t + 1))"), (CORRECTED_V, "new_v / (1 - b2 ** (t + 1))"),
      says="You count steps from 0: at t = 1 your correction divides by 1 - beta^2.")
wrong("correction_without_power", (CORRECTED_M, "new_m / (1 - b1)"), (CORRECTED_V, "new_v / (1 - b2)"),
      says="Your correction divides by 1 - beta at every step; the power t is missing, so it never fades.")
wrong("product_for_power", QUIETLY, ("lr * corrected_m", "lr * new_m / (1 - b1 * t)"), (ROOT, "np.sqrt(new_v / (1 - b2 * t))"),
      says="Your corrections use 1 - beta * t where the formula has a power, 1 - beta^t.")
wrong("returns_the_corrected", (STATE, "corrected_m, corrected_v"),
      says="You return the corrected averages: the next step would correct them once more. The state is uncorrected.")
wrong("betas_exchanged", (START, "b1, b2 = b2, b1\n    new_m = "),
      says="Your two memories are exchanged: beta1 belongs to the gradients and beta2 to their squares.")
wrong("betas_reversed", (M, "(1 - b1) * m + b1 * g"), (V, "(1 - b2) * v + b2 * g**2"),
      says="Your beta and 1 - beta are the wrong way round: beta is the share of the old that is kept.")
wrong("gradient_for_direction", ("lr * corrected_m", "lr * g"),
      says="Your step has the gradient in its numerator: that is RMSProp with a correction. Adam steps along the average m.")
wrong("squares_the_average", (V, "b2 * v + (1 - b2) * new_m**2"),
      says="Your v is made of the average m squared; it averages the squares of the gradients themselves.")
wrong("amsgrad", (V, f"np.maximum(v, {V})"), see=DIVISION,
      says="Your v never falls: you keep the largest average so far, which is AMSGrad and not Adam.")
wrong("adam_no_sqrt", (ROOT, "corrected_v"),
      says="The root is missing: the step divides by the root of the corrected average of squares.")
wrong("adam_climbs", ("theta - lr", "theta + lr"),
      says="Your step climbs: m is an average of gradients, which point uphill, so it is subtracted.")
wrong("adam_only_the_weights", (", " + STATE, ""),
      says="You return the new weights alone; m' and v' are the state of the next step.")
wrong("adam_state_not_returned", (STATE, "m, v"),
      says="Your weights are right, but you return the old m and v, so the averages never learn.")
edits_of("adam_step", see=ADAM, form=adam_on_copies)(
      "adam_in_place", ("    theta, m, v = theta.copy(), m.copy(), v.copy()\n", ""),
      says="Your function changes theta, m and v of its caller: *=, += and -= work in place, on the very arrays you were given.")
wrong("adam_moments_in_place", ("new_m = b1 * m + (1 - b1) * g", "m *= b1\n    m += (1 - b1) * g"), ("new_v = b2 * v + (1 - b2) * g**2", "v *= b2\n    v += (1 - b2) * g**2"),
      ("corrected_m = new_m", "corrected_m = m"), ("corrected_v = new_v", "corrected_v = v"), (STATE, "m, v"),
      says="Your function changes m and v of its caller: *= and += work in place, on the very arrays you were given.")
wrong("adam_weights_in_place", ("return theta - ", "theta -= "), (f", {STATE}", f"\n    return theta, {STATE}"),
      says="Your function changes theta of its caller: -= works in place, on the very array you were given.")
wrong("counts_by_itself", ("eps: float,", "eps: float,\n    calls=[],"), (START, "calls.append(t)\n    t = len(calls)\n    new_m = "),
      says="Your function counts the steps itself, from its first call on; the number of the step is the argument t.")
wrong("adam_in_single_precision", (START, "theta, m, v, g = (torch.tensor(x, dtype=torch.float32) for x in (theta, m, v, g))\n    new_m = "),
      ("theta - lr", "(theta - lr"), (DIVISOR, "(corrected_v.sqrt() + eps)).numpy()"), (STATE, "new_m.numpy(), new_v.numpy()"),
      says="Your step was computed in float32: squares of small gradients underflow to 0 there. Compute in float64.")

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


wrong = edits_of("radam_rectifier", see=SLOW)
RHO_INF, RHO = "2 / (1 - beta2) - 1", "2 * t * decay / (1 - decay)"
QUOTIENT = "(rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho)"
wrong("threshold_4", ("rho <= 5", "rho <= 4"),
      says="Your threshold is 4, that of the paper; here, as in PyTorch, it is 5, so at beta2 = 0.999 step 5 is not rectified.")
wrong("rho_inf_no_minus_1", (RHO_INF, "2 / (1 - beta2)"),
      says="Your rho is one too long: its limit is 2 / (1 - beta2) - 1, so that one square is worth one square at t = 1.")
wrong("missing_2_in_rho", (RHO, "t * decay / (1 - decay)"), (QUOTIENT, f"max(0, {QUOTIENT})"),
      says="The factor 2 is missing from 2 t beta2^t, so your rho is far too long at the start.")
wrong("rectifier_no_sqrt", ("math.sqrt", ""),
      says="Your r is a quotient of variances; the factor of the step is its root.")
wrong("rectifier_one_step_late", ("rho_inf = ", "t = t + 1\n    rho_inf = "),
      says="You count steps from 0: your rho belongs to the step after this one.")
wrong("rectifier_inverted", (QUOTIENT, f"1 / ({QUOTIENT})"),
      says="Your r is upside down: it shortens the early steps, so it grows from near 0 to 1.")
wrong("one_for_none", ("rho, None", "rho, 1.0"),
      says="Where rho is at most 5 you return 1, a full step; None says that the adaptive rate is not used at all.")
wrong("zero_for_none", ("rho, None", "rho, 0.0"),
      says="Where rho is at most 5 you return 0; the second result must be None there, so that nobody takes it for a rate.")
wrong("rho_without_denominator", (RHO, "2 * t * decay"), (QUOTIENT, f"abs({QUOTIENT})"),
      says="The denominator of your rho is missing: 2 t beta2^t is divided by 1 - beta2^t.")
wrong("wrong_factor_in_r", ("(rho - 2)", "(rho - 1)"), ("(rho_inf - 2)", "(rho_inf - 1)"),
      says="Your second factor is rho - 1; under the root stands (rho - 4)(rho - 2), for both rho.")
wrong("quotient_of_lengths_missing", (QUOTIENT, "(rho - 4) * (rho - 2) / ((rho_inf - 4) * (rho_inf - 2))"),
      says="The quotient rho_inf / rho is missing under your root.")
wrong("threshold_on_rho_inf", ("rho <= 5", "rho_inf <= 5"), (QUOTIENT, f"max(0.0, {QUOTIENT})"),
      says="Your threshold looks at rho_inf; it is the length at this step, rho_t, that decides.")
wrong("beta2_fixed", ("rho_inf = ", "beta2 = 0.999\n    rho_inf = "),
      says="Your beta2 is fixed at 0.999; the function is asked for other memories, too.")
wrong("only_the_factor", ("rho, None", "None"), ("rho, math", "math"),
      says="You return r alone; the result is the pair of rho and r.")

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


wrong = edits_of("warmup_cosine", see=SLOW)
RISE, DONE, FALL = "base * (t + 1) / warmup", "(t - warmup) / (total - warmup)", "min_lr + (base - min_lr) * (1 + math.cos(math.pi * done)) / 2"
wrong("starts_at_zero", (RISE, "base * t / warmup"),
      says="Your warm-up starts at 0, which wastes the first step; step t has base * (t + 1) / warmup.")
wrong("cosine_over_total", (DONE, "t / total"),
      says="Your cosine runs over all steps from 0; its clock starts when the warm-up ends, so that the rate is base there.")
wrong("min_lr_ignored", (FALL, "base * (1 + math.cos(math.pi * done)) / 2"),
      says="Your rate falls to 0; it falls to min_lr.")
wrong("degrees", ("math.pi", "180"),
      says="Your angle is in degrees; math.cos takes radians, so half a turn is pi and not 180.")
wrong("fall_too_slow", (DONE, "(t - warmup) / total"),
      says="Your clock starts at the end of the warm-up but runs as long as the whole training, so the rate never gets to min_lr.")
wrong("min_lr_on_top", ("(base - min_lr)", "base"),
      says="Your rate is min_lr too high at the start of the fall: the cosine spans base - min_lr, not base.")
wrong("min_lr_as_a_floor", (FALL, "max(min_lr, base * (1 + math.cos(math.pi * done)) / 2)"),
      says="Your cosine is cut off at min_lr; it should come down to min_lr smoothly, as the end of its range.")
wrong("linear_fall", (FALL, "base + (min_lr - base) * done"),
      says="Your rate falls in a straight line; it falls along half a cosine.")
wrong("whole_turn", ("math.pi", "2 * math.pi"),
      says="Your cosine makes a whole turn, so the rate is back at base in the end; it makes half a turn.")
wrong("half_forgotten", (" / 2", ""),
      says="Your cosine is not halved: 1 + cos goes from 2 to 0, so the rate starts its fall from too high.")
wrong("warm_up_one_step_late", ("t < warmup", "t <= warmup"), (RISE, "base * (t + 1) / (warmup + 1)"),
      says="Your warm-up is one step too long: step t = warmup - 1 has base, and the fall starts at t = warmup.")
wrong("top_of_the_rise_passed", ("t < warmup", "t <= warmup"),
      says="Your rise goes on at t = warmup, to more than base (and divides by 0 without a warm-up): the fall starts there, with base.")
wrong("rises_from_zero_to_t_equal_warmup", ("t < warmup", "t <= warmup"), (RISE, "base * t / warmup"),
      says="Your warm-up starts at 0 and gets to base at t = warmup; step t has base * (t + 1) / warmup, and the fall starts at t = warmup.")
wrong("rises_from_min_lr", (RISE, "min_lr + (base - min_lr) * (t + 1) / warmup"),
      says="Your warm-up starts from min_lr; here it rises from 0 to base, and min_lr is where the fall ends.")
wrong("rise_times_fall", ("if t < warmup:\n        return " + RISE, "rise = min(1, (t + 1) / warmup) if warmup else 1"),
      (DONE, "t / total"), (FALL, f"({FALL}) * rise"),
      says="The rise and the fall are multiplied: your cosine runs during the warm-up as well.")
wrong("rate_in_single_precision", (RISE, "np.float32(base) * np.float32((t + 1) / warmup)"), (DONE, "np.float32((t - warmup) / (total - warmup))"),
      (FALL, "np.float32(min_lr) + np.float32(base - min_lr) * (1 + np.cos(np.float32(np.pi) * done)) / 2"),
      says="Your rate has only seven digits: it was computed in float32 instead of float64.")

# --- adamw_step: Adam's moments from g alone, theta' = theta - lr wd theta - lr mhat / (sqrt(vhat) + eps) ------------------


@variant("adamw_step")
def adamw_on_copies(theta, m, v, g, t, lr, b1, b2, eps, wd):
    theta, m, v = theta.copy(), m.copy(), v.copy()
    theta *= 1 - lr * wd
    m += (1 - b1) * (g - m)
    v += (1 - b2) * (g * g - v)
    theta -= lr * (m / (1 - b1**t)) / (np.sqrt(v / (1 - b2**t)) + eps)
    return theta, m, v


@variant("adamw_step")
def adamw_entry_by_entry(theta, m, v, g, t, lr, b1, b2, eps, wd):
    new = [np.zeros(theta.shape) for _ in range(3)]
    for k in np.ndindex(theta.shape):
        new[1][k] = b1 * m[k] + (1 - b1) * g[k]
        new[2][k] = b2 * v[k] + (1 - b2) * g[k] ** 2
        root = math.sqrt(new[2][k] / (1 - b2**t))
        new[0][k] = theta[k] - lr * (wd * theta[k] + new[1][k] / (1 - b1**t) / (root + eps))
    return new


@variant("adamw_step")
def adamw_in_tensors(theta, m, v, g, t, lr, b1, b2, eps, wd):
    theta, m, v, g = torch.tensor(theta, requires_grad=True), *map(torch.tensor, (m, v, g))
    m, v = torch.lerp(m, g, 1 - b1), v.mul(b2).addcmul(g, g, value=1 - b2)
    return theta.mul(1 - lr * wd) - lr * (m / (1 - b1**t)) / ((v / (1 - b2**t)).sqrt() + eps), m, v


@variant("adamw_step")
def adamw_by_pytorch(theta, m, v, g, t, lr, b1, b2, eps, wd):
    weights = torch.nn.Parameter(torch.tensor(theta))
    optimiser = torch.optim.AdamW([weights], lr=lr, betas=(b1, b2), eps=eps, weight_decay=wd)
    optimiser.state[weights] = {
        "step": torch.tensor(float(t - 1)),
        "exp_avg": torch.tensor(m),
        "exp_avg_sq": torch.tensor(v),
    }
    weights.grad = torch.tensor(g)
    optimiser.step()
    return weights, optimiser.state[weights]["exp_avg"], optimiser.state[weights]["exp_avg_sq"]


@variant("adamw_step")
def adam_and_then_the_pull(theta, m, v, g, t, lr, b1, b2, eps, wd):
    there, m, v = adam_step(theta, m, v, g, t, lr, b1, b2, eps)  # noqa: F821
    return (np.asarray(there) - lr * wd * theta).tolist(), m, v


wrong = edits_of("adamw_step", see=DIVISION)
STEP, PULL = "lr * corrected_m / (np.sqrt(corrected_v) + eps)", " - lr * wd * theta"
wrong("decay_in_the_gradient", (START, "g = g + wd * theta\n    new_m = "), (PULL, ""),
      says="Your decay is added to the gradient, which is L2 in Adam: it enters both averages and is divided by the root. Take lr * wd * theta from the weights.")
wrong("decay_in_m_alone", ("(1 - b1) * g\n", "(1 - b1) * (g + wd * theta)\n"), (PULL, ""),
      says="Your decay enters the average m and is divided by the root with it; both averages are made of g alone.")
wrong("decay_divided_by_the_root", (PULL, ""), ("lr * corrected_m", "lr * (corrected_m + wd * theta)"),
      says="Your decay stands above the fraction bar and is divided by the root; it stands beside the quotient.")
wrong("decay_in_both_places", (START, "g = g + wd * theta\n    new_m = "),
      says="Your decay is there twice: in the gradient and beside the quotient. It belongs beside the quotient alone.")
wrong("decay_without_rate", (PULL, " - wd * theta"),
      says="Your decay takes wd * theta a step; as in PyTorch it is multiplied by the rate, lr * wd * theta.")
wrong("decay_of_the_new_weights", ("theta - lr * wd * theta - " + STEP, "(1 - lr * wd) * (theta - " + STEP + ")"),
      says="Your decay is taken from the weights after Adam's step; it is taken from the weights before it.")
wrong("decay_grows_the_weights", (PULL, " + lr * wd * theta"),
      says="Your decay has the wrong sign: it pushes the weights away from 0 in place of pulling them there.")
wrong("no_decay", (PULL, ""),
      says="Your step has no decay: that is Adam, and wd is never used.")
wrong("decay_by_sign", (PULL, " - lr * wd * np.sign(theta)"),
      says="Your decay takes the same amount from every weight, by its sign, as an L1 penalty does; it is proportional to the weight.")
wrong("decay_twice_the_derivative", (PULL, " - 2 * lr * wd * theta"),
      says="Your decay is twice too large: the penalty is wd/2 |theta|^2, whose derivative is wd * theta.")
wrong("decay_squared", (PULL, " - lr * wd * theta**2"),
      says="Your decay is proportional to theta^2, the penalty itself; the pull is its derivative, wd * theta.")
wrong("decay_corrected_for_bias", (PULL, " - lr * wd * theta / (1 - b1**t)"),
      says="Your decay is divided by 1 - b1^t with the average; the correction belongs to the averages alone.")
wrong("adamw_eps_inside", ("(np.sqrt(corrected_v) + eps)", "np.sqrt(corrected_v + eps)"), see=ADAM,
      says="Your eps is under the root; here it is added after the root, so it has the unit of a gradient and not of its square.")
wrong("adamw_eps_before_the_correction", ("(np.sqrt(corrected_v) + eps)", "((np.sqrt(new_v) + eps) / np.sqrt(1 - b2**t))"), see=ADAM,
      says="Your eps is added before the correction; here it is added after it.")
wrong("adamw_climbs", ("theta - " + STEP, "theta + " + STEP), see=ADAM,
      says="Your step climbs: m is an average of gradients, which point uphill, so it is subtracted.")
wrong("adamw_uncorrected", (CORRECTED_M, "new_m"), (CORRECTED_V, "new_v"), see=ADAM,
      says="Your averages are not corrected for their start at 0: both are divided by 1 - beta^t.")
wrong("adamw_counts_from_zero", (CORRECTED_M, "new_m / (1 - b1 ** (t + 1))"), (CORRECTED_V, "new_v / (1 - b2 ** (t + 1))"), see=ADAM,
      says="You count steps from 0: at t = 1 your correction divides by 1 - beta^2.")
wrong("adamw_returns_the_corrected", ("+ eps), new_m, new_v", "+ eps), corrected_m, corrected_v"), see=ADAM,
      says="You return the corrected averages: the next step would correct them once more. The state is uncorrected.")
wrong("adamw_betas_reversed", (M, "(1 - b1) * m + b1 * g"), (V, "(1 - b2) * v + b2 * g**2"), see=ADAM,
      says="Your beta and 1 - beta are the wrong way round: beta is the share of the old that is kept.")
wrong("adamw_no_sqrt", ("np.sqrt(corrected_v)", "corrected_v"), see=ADAM,
      says="The root is missing: the step divides by the root of the corrected average of squares.")
wrong("adamw_state_not_returned", ("+ eps), new_m, new_v", "+ eps), m, v"), see=ADAM,
      says="Your weights are right, but you return the old m and v, so the averages never learn.")
wrong("adamw_decays_in_place", (START, "theta *= 1 - lr * wd\n    new_m = "), (PULL, ""),
      says="Your function decays the weights of its caller: *= works in place, on the very array you were given.")
edits_of("adamw_step", see=ADAM, form=adamw_on_copies)(
      "adamw_in_place", ("    theta, m, v = theta.copy(), m.copy(), v.copy()\n", ""),
      says="Your function changes theta, m and v of its caller: *=, += and -= work in place, on the very arrays you were given.")
