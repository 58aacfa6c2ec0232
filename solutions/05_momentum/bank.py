"""Right and wrong solutions of assignment 5. See `grader.source.bank` for the form."""
# ruff: noqa: C408

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.source.bank import edits_of, misconception, variant

if TYPE_CHECKING:  # the notebook's set-up cell imports them
    import numpy as np
    import torch

RATE = "1. How far can one step go?"
FORMS = "2. Three conventions, one idea"
MEMORY = "3. What does memory buy?"

# --- momentum_step: m' = beta m - lr g, theta' = theta + m' -------------------------------------------------------------


@variant("momentum_step")
def in_place_on_copies(theta, m, g, lr, beta):
    m, theta = m.copy(), theta.copy()
    m *= beta
    m -= lr * g
    theta += m
    return theta, m


@variant("momentum_step")
def entry_by_entry(theta, m, g, lr, beta):
    new_theta, new_m = np.zeros(theta.shape), np.zeros(theta.shape)
    for where in np.ndindex(theta.shape):
        new_m[where] = beta * m[where] - lr * g[where]
        new_theta[where] = theta[where] + new_m[where]
    return new_theta, new_m


@variant("momentum_step")
def tensors_that_require_gradients(theta, m, g, lr, beta):
    theta = torch.tensor(theta, requires_grad=True)
    m = torch.mul(torch.tensor(m), beta).sub(torch.tensor(g), alpha=lr)
    return theta + m, m


@variant("momentum_step")
def einsum_of_both(theta, m, g, lr, beta):
    m = np.einsum("k,k...->...", [beta, -lr], np.stack([m, g]))
    return [np.add(theta, m), m]


@variant("momentum_step")
def nested_lists(theta, m, g, lr, beta):
    m = [beta * a - lr * b for a, b in zip(m, g, strict=True)]
    theta = [a + b for a, b in zip(theta, m, strict=True)]
    return theta, m


@variant("momentum_step")
def by_pytorch(theta, m, g, lr, beta):
    weights = torch.nn.Parameter(torch.tensor(theta))
    optimiser = torch.optim.SGD([weights], lr=lr, momentum=beta)
    optimiser.state[weights]["momentum_buffer"] = torch.tensor(-m / lr)
    weights.grad = torch.tensor(g)
    optimiser.step()
    return weights, weights - torch.tensor(theta)


wrong = edits_of("momentum_step", see=FORMS)
STEP, OUT = "beta * m - lr * g", "return theta + moved, moved"
wrong("pytorch_form", (STEP, "beta * m + g"), (OUT, "return theta - lr * moved, moved"),
      says="You keep a sum of gradients and step by -lr times it, as PyTorch does; here m is a movement that has the rate in it already.")
wrong("dampened", (STEP, "beta * m - lr * (1 - beta) * g"),
      says="Your new gradient is damped by (1 - beta), as in an average; here it comes in with its full length lr * g.")
wrong("sign", (STEP, "beta * m + lr * g"),
      says="Your step climbs: the gradient points uphill, so it enters the movement with a minus sign.")
wrong("old_momentum", (OUT, "return theta + m, moved"),
      says="Your weights move by the old m; the movement of this step is the new one, which knows the new gradient.")
wrong("beta_forgotten", (STEP, "m - lr * g"),
      says="Your m never fades: the old movement is multiplied by beta before the new push is added.")
wrong("movement_subtracted", (OUT, "return theta - moved, moved"),
      says="Your weights go backwards: m points downhill already, so it is added to theta, not subtracted.")
wrong("rate_applied_twice", (OUT, "return theta + lr * moved, moved"),
      says="The rate is applied twice: m contains it already, so theta moves by m and not by lr * m.")
wrong("beta_on_everything", (STEP, "beta * (m - lr * g)"),
      says="Your beta fades the new push as well; only the old movement is multiplied by beta.")
wrong("gradient_used_twice", (OUT, "return theta + moved - lr * g, moved"),
      says="The gradient is used twice: it is part of m already, so theta moves by m alone.")
wrong("state_not_returned", (OUT, "return theta + moved, m"),
      says="Your weights are right, but you return the old m, so the next step has forgotten this one.")
wrong("returned_in_wrong_order", (OUT, "return moved, theta + moved"),
      says="You return the movement first; the new theta comes first, then the new m.")
wrong("only_the_weights", (OUT, "return theta + moved"),
      says="You return the new weights alone; without the new m the next step has no memory.")
edits_of("momentum_step", see=FORMS, form=in_place_on_copies)(
      "changes_its_arguments", ("    m, theta = m.copy(), theta.copy()\n", ""),
      says="Your function changes theta and m of its caller: *= and += work in place, on the very arrays you were given.")
wrong("changes_the_movement", ("moved = " + STEP, "m *= beta\n    m -= lr * g"), (OUT, "return theta + m, m"),
      says="Your function changes m of its caller: *= and -= work in place, on the very array you were given.")
wrong("changes_the_weights", (OUT, "theta += moved\n    return theta, moved"),
      says="Your function changes theta of its caller: += works in place, on the very array you were given.")
wrong("changes_the_gradient", ("moved = " + STEP, "g *= lr\n    moved = beta * m - g"),
      says="Your function scales the caller's gradient in place: g *= lr changes the very array you were given.")
wrong("remembers_by_itself", ("beta: float", "beta: float, memory={}"),
      (STEP, "beta * (memory['m'] if memory.get('shape') == theta.shape else m) - lr * g\n    memory.update(m=moved, shape=theta.shape)"),
      says="Your function keeps the movement of its own last call; the movement to go on from is the argument m.")
wrong("in_single_precision", ("moved = ", "theta, m, g = (torch.tensor(x, dtype=torch.float32) for x in (theta, m, g))\n    moved = "),
      (OUT, "return (theta + moved).numpy(), moved.numpy()"),
      says="Your result has only seven digits: the step was computed in float32 instead of float64.")
wrong("vectors_only", (STEP, "(beta * m - lr * g).ravel()"), ("theta + moved", "theta.ravel() + moved"),
      says="Your function flattens its arrays: for a matrix of weights both results must be matrices too.")

# --- nesterov_step: v' = beta v - lr grad_fn(theta + beta v), theta' = theta + v' ---------------------------------------


@variant("nesterov_step")
def two_sequences_of_1983(theta, v, grad_fn, lr, beta):
    y = theta + beta * v
    there = y - lr * grad_fn(y)
    return there, there - theta


@variant("nesterov_step")
def gradient_entry_by_entry(theta, v, grad_fn, lr, beta):
    ahead = theta.copy()
    for where in np.ndindex(theta.shape):
        ahead[where] += beta * v[where]
    gradient = grad_fn(ahead)
    moved = np.empty_like(v)
    for where in np.ndindex(theta.shape):
        moved[where] = beta * v[where] - lr * gradient[where]
    return theta + moved, moved


@variant("nesterov_step")
def gradient_at_a_tensor(theta, v, grad_fn, lr, beta):
    theta, v = torch.tensor(theta, requires_grad=True), torch.tensor(v)
    v = beta * v - lr * grad_fn(theta + beta * v)
    return theta + v, v


@variant("nesterov_step")
def there_and_back_on_a_copy(theta, v, grad_fn, lr, beta):
    point = np.array(theta)
    point += beta * v
    gradient = np.array(grad_fn(point))
    gradient *= lr
    point -= gradient
    return [point, point - theta]


@variant("nesterov_step")
def gradient_asked_twice(theta, v, grad_fn, lr, beta):
    return theta + (beta * v - lr * grad_fn(theta + beta * v)), beta * v - lr * grad_fn(theta + beta * v)


wrong = edits_of("nesterov_step", see=FORMS)
AHEAD, STEP, OUT = "theta + coasting", "moved = coasting - lr * grad_fn(theta + coasting)", "return theta + moved, moved"
wrong("heavy_ball", (AHEAD, "theta"),
      says="You take the gradient at theta itself: that is the heavy ball of exercise 1; Nesterov asks at theta + beta * v.")
wrong("lookahead_no_beta", (AHEAD, "theta + v"),
      says="You look a whole v ahead; the memory carries the weights by beta * v only, so the gradient is asked for there.")
wrong("lookahead_sign", (AHEAD, "theta - coasting"),
      says="You look back, not ahead: v is a movement that is added to theta, so the point is theta + beta * v.")
wrong("update_from_lookahead", (OUT, "return theta + coasting + moved, moved"),
      says="Your step starts from the point that was looked at, so the memory counts twice; it starts from theta.")
wrong("pytorch_nesterov", (STEP, "g = grad_fn(theta)\n    moved = coasting - lr * g"), (OUT, "return theta + beta * moved - lr * g, moved"),
      says="You return PyTorch's Nesterov step, which takes the gradient at its own weights and stores the point looked at; here theta is stored.")
wrong("gradient_after_the_whole_step", (AHEAD, "theta + coasting - lr * grad_fn(theta)"),
      says="You take the gradient after a whole heavy-ball step; Nesterov looks ahead along the memory alone, without a gradient.")
wrong("velocity_never_fades", ("moved = coasting", "moved = v"),
      says="Your v never fades: the point looked at uses beta * v, but the new v starts from the whole old one.")
wrong("climbs", ("coasting - lr", "coasting + lr"),
      says="Your step climbs: the gradient points uphill, so it enters v with a minus sign.")
wrong("old_velocity", (OUT, "return theta + v, moved"),
      says="Your weights move by the old v; the movement of this step is the new one.")
wrong("velocity_without_rate", ("- lr * grad_fn", "+ grad_fn"), (OUT, "return theta - lr * moved, moved"),
      says="You mix the forms: your v is a sum of gradients without the rate, so looking ahead along it leads uphill.")
wrong("returns_next_lookahead", (OUT, "return theta + moved + beta * moved, moved"),
      says="You return the next point to look at, theta' + beta * v', instead of theta'.")
wrong("state_without_memory", ("moved = coasting - lr", "moved = -lr"), (OUT, "return theta + coasting + moved, moved"),
      says="Your new weights are right, but you return the movement without the memory's part; v' is the whole movement.")
wrong("moves_theta_in_place", (STEP, "old = theta.copy()\n    theta += coasting\n    moved = coasting - lr * grad_fn(theta)"),
      (OUT, "return old + moved, moved"),
      says="Your function moves the caller's theta to the point looked at: += works in place, on the very array you were given.")
wrong("changes_velocity_in_place", ("coasting = beta * v", "v *= beta"), (STEP, "v -= lr * grad_fn(theta + v)"), (OUT, "return theta + v, v"),
      says="Your function changes the caller's v: *= and -= work in place, on the very array you were given.")
wrong("velocity_returned_first", (OUT, "return moved, theta + moved"),
      says="You return the movement first; the new theta comes first, then the new v.")
wrong("each_weight_alone", ("grad_fn(theta + coasting)", "np.reshape([grad_fn(np.array([x]))[0] for x in (theta + coasting).flat], theta.shape)"),
      says="You ask for the gradient of each weight alone; a gradient depends on all weights, so grad_fn needs the whole array.")

# --- momentum_history: m_t = -lr sum_{i <= t} beta^(t-i) g_i ------------------------------------------------------------


@variant("momentum_history")
def double_sum(grads, lr, beta):
    T, n = grads.shape
    m = np.zeros((T, n))
    for t in range(T):
        for i in range(t + 1):
            m[t] -= lr * beta ** (t - i) * grads[i]
    return m


@variant("momentum_history")
def triangular_matrix(grads, lr, beta):
    age = np.subtract.outer(np.arange(len(grads)), np.arange(len(grads)))
    weights = np.where(age >= 0, float(beta) ** np.maximum(age, 0), 0.0)
    return -lr * weights @ grads


@variant("momentum_history")
def negative_powers_cut_off(grads, lr, beta):
    t = np.arange(len(grads), dtype=float)
    return -lr * np.einsum("ti,in->tn", np.tril(beta ** (t[:, None] - t[None, :])), grads)


@variant("momentum_history")
def recursion_in_a_copy(grads, lr, beta):
    m = -lr * grads
    for t in range(1, len(m)):
        m[t] += beta * m[t - 1]
    return m


@variant("momentum_history")
def tensors_in_a_list(grads, lr, beta):
    m, rows = torch.zeros(grads.shape[1], dtype=torch.float64), []
    for g in torch.from_numpy(grads.copy()).requires_grad_():
        m = beta * m - lr * g
        rows.append(m)
    return rows


@variant("momentum_history")
def recursive_filter(grads, lr, beta):
    from scipy.signal import lfilter

    return lfilter([-lr], [1.0, -beta], grads, axis=0)


@variant("momentum_history")
def convolved_columns(grads, lr, beta):
    T = grads.shape[0]
    fading = float(beta) ** np.arange(T)
    return np.stack([-lr * np.convolve(column, fading)[:T] for column in grads.T], axis=1).tolist()


wrong = edits_of("momentum_history", see=FORMS)
STEP, KEEP, OUT = "moved = beta * moved - lr * g", "rows.append(moved)", "np.stack(rows)"
COUNTED = ("for g in grads", "for t, g in enumerate(grads)")
wrong("exponent_off_by_one", (KEEP, "rows.append(beta * moved)"),
      says="Your weights are one power of beta too small: the latest gradient counts in full, with beta^0 = 1.")
wrong("excludes_current", (OUT, "np.stack([np.zeros_like(moved), *rows[:-1]])"),
      says="Your row t stops before gradient t: m_t is the movement after the update with that gradient.")
wrong("ema", (STEP, "moved = beta * moved - lr * (1 - beta) * g"),
      says="You compute an average with weights (1 - beta) beta^age; the heavy ball's memory is a sum, without the factor (1 - beta).")
wrong("bias_corrected", COUNTED, (STEP, "moved = beta * moved - lr * (1 - beta) * g"), (KEEP, "rows.append(moved / (1 - beta ** (t + 1)))"),
      says="You divide by the sum of the weights, as Adam's bias correction does; the heavy ball corrects nothing.")
wrong("sign_forgotten", (STEP, "moved = beta * moved + lr * g"),
      says="Your movements point uphill: the sum of gradients is multiplied by -lr.")
wrong("rate_forgotten", (STEP, "moved = beta * moved - g"),
      says="Your result has no rate in it: a movement is -lr times the weighted sum.")
wrong("nothing_fades", (STEP, "moved = moved - lr * g"),
      says="Your gradients never fade: each older gradient is multiplied by one more power of beta.")
wrong("oldest_counts_most", COUNTED, (STEP, "moved = moved - lr * beta**t * g"),
      says="Your weights run backwards in time: the oldest gradient counts most; it must be the latest.")
wrong("sum_of_past_momentum", (STEP, "moved = beta * np.sum(rows, axis=0) - lr * g"),
      says="You sum over past movements; each of them is a sum over gradients already, so old gradients count many times.")
wrong("only_the_last", (OUT, "moved"),
      says="You return the last movement alone; one row for each of the T steps was asked for.")
wrong("starts_with_zero", (OUT, "np.stack([np.zeros_like(moved), *rows])"),
      says="Your result begins with the zero before the first update; row 0 is the movement after the first gradient.")
wrong("along_the_wrong_axis", ("grads.shape[1]", "grads.shape[0]"), ("in grads:", "in grads.T:"), (OUT, "np.stack(rows, axis=1)"),
      says="Your sum runs along the weights instead of along time: rows are steps, columns are weights.")
wrong("remembers_one_step", (STEP, "rows.append(beta * moved - lr * g)"), (KEEP, "moved = -lr * g"),
      says="Only the last two gradients reach your movement: the recursion continues from the last movement, not from the last gradient.")
wrong("same_array_every_row", (STEP, "moved *= beta\n        moved -= lr * g"),
      says="All your rows are the last one: the list holds the same array T times because the loop changes it in place.")
wrong("overwrites_the_gradients", (KEEP, "g[:] = moved"), (OUT, "grads"),
      says="Your function overwrites the gradients it was given: work on a copy, the caller still needs them.")


@misconception("momentum_history", see=FORMS,
    says="Your result breaks down for small beta or long runs: negative powers of beta overflow; never divide by beta^i.")
def divides_by_powers(grads, lr, beta):
    powers = np.asarray(beta, dtype=float) ** np.arange(len(grads))[:, None]
    return -lr * powers * np.cumsum(grads / powers, axis=0)


@misconception("momentum_history", see=FORMS,
    says="Your result breaks down in long runs: negative powers of beta overflow, and infinity times zero is nan.")
def masks_infinity(grads, lr, beta):
    if beta == 0:
        return -lr * grads
    age = np.subtract.outer(np.arange(len(grads)), np.arange(len(grads))).astype(float)
    return -lr * (beta**age * (age >= 0)) @ grads


# --- optimal_rates: the best constants on a bowl with curvatures from mu to L -------------------------------------------


@variant("optimal_rates")
def from_the_root_of_kappa(mu, L):
    import math

    s = math.sqrt(L / mu)
    a, r = (s * s - 1) / (s * s + 1), (s - 1) / (s + 1)
    return dict(
        rate_gd=a, rate_hb=r, beta_hb=r**2, eta_max=2 / L, eta_gd=2 / (mu + L), eta_hb=(1 + r) ** 2 / L
    )


@variant("optimal_rates")
def without_kappa(mu, L):
    root_mu, root_L = mu**0.5, L**0.5
    a, r = (L - mu) / (L + mu), (root_L - root_mu) / (root_L + root_mu)
    h = (2 / (root_mu + root_L)) ** 2
    return dict(eta_max=2 / L, eta_gd=1 / ((mu + L) / 2), rate_gd=a, eta_hb=h, beta_hb=r * r, rate_hb=r)


@variant("optimal_rates")
def steps_from_factors(mu, L):
    a, r = 1 - 2 * mu / (mu + L), 1 - 2 * np.sqrt(mu) / (np.sqrt(mu) + np.sqrt(L))
    h = (1 - r) ** 2 / mu
    return dict(eta_gd=(1 + a) / L, rate_gd=a, eta_hb=h, beta_hb=r**2, rate_hb=r, eta_max=2 / L)


@variant("optimal_rates")
def in_tensors(mu, L):
    mu, L = torch.tensor([mu, L], dtype=torch.float64)
    k, h = L / mu, 4 / (mu.sqrt() + L.sqrt()).square()
    a, r = (k - 1) / (k + 1), (k.sqrt() - 1) / (k.sqrt() + 1)
    return dict(eta_gd=2 / (mu + L), rate_gd=a, eta_hb=h, beta_hb=r.square(), rate_hb=r, eta_max=2 / L)


@variant("optimal_rates")
def by_hyperbolic_tangent(mu, L):
    a, r = np.tanh(np.log(L / mu) / 2), np.tanh(np.log(L / mu) / 4)
    h = 4.0 / (mu + L + 2 * np.sqrt(mu * L))
    return dict(eta_gd=2.0 / (mu + L), rate_gd=a, eta_hb=h, beta_hb=float(r) ** 2, rate_hb=r, eta_max=2.0 / L)


wrong = edits_of("optimal_rates", see=RATE)
KAPPA, ROOT, RATE_GD, ETA_MAX = "L / mu", "np.sqrt(k)", "(k - 1) / (k + 1)", "2 / L"
ETA_HB, BETA_HB, RATE_HB = "4 / (np.sqrt(mu) + np.sqrt(L)) ** 2", '"beta_hb": rate_hb**2', '"rate_hb": rate_hb'
wrong("eta_1_over_L", ("2 / (mu + L)", "1 / L"),
      says="Your eta_gd is 1/L, the rate that is safe for every smooth loss; on a bowl 2/(mu + L) is better and still stable.")
wrong("kappa_no_sqrt", (ROOT, "k"), see=MEMORY,
      says="Your heavy ball has kappa where its square root belongs: that root is exactly what memory buys.")
wrong("beta_not_squared", (BETA_HB, '"beta_hb": rate_hb'), see=MEMORY,
      says="Your beta_hb is rate_hb itself; it is its square, the product of the two equal roots of the recursion.")
wrong("rate_squared", (RATE_GD, "((k - 1) / (k + 1)) ** 2"), (RATE_HB, '"rate_hb": rate_hb**2'), see=MEMORY,
      says="Your rates are those of the loss; asked for are those of the distance, and the loss shrinks by their squares.")
wrong("rate_is_beta", (RATE_HB, '"rate_hb": rate_hb**2'), see=MEMORY,
      says="Your rate_hb is beta_hb; the factor per step is its square root, (sqrt(kappa) - 1)/(sqrt(kappa) + 1).")
wrong("kappa_inverted", (KAPPA, "mu / L"),
      says="Your condition number is upside down: kappa = L / mu is at least 1, and your factors come out negative.")
wrong("parentheses_forgotten", (RATE_GD, "(k - 1) / k + 1"),
      says="Your factor is above 1, so the error would grow: (kappa - 1) / kappa + 1 lacks the parentheses of the denominator.")
wrong("eta_hb_not_squared", (ETA_HB, "4 / (np.sqrt(mu) + np.sqrt(L))"), see=MEMORY,
      says="Your eta_hb lacks the square: the denominator is (sqrt(mu) + sqrt(L)) squared, a curvature and not its root.")
wrong("root_of_the_sum", (ETA_HB, "4 / (mu + L)"), see=MEMORY,
      says="Your eta_hb has 4 / (mu + L): the square of a sum of roots is not the sum of their squares.")
wrong("eta_max_of_heavy_ball", (ETA_MAX, "2 * (1 + rate_hb**2) / L"),
      says="Your eta_max is the limit of the heavy ball, 2 (1 + beta) / L; asked for is that of gradient descent, 2 / L.")
wrong("eta_max_where_it_overshoots", (ETA_MAX, "1 / L"),
      says="Your eta_max is 1/L, from where on the steepest direction overshoots; it still converges there, up to 2/L.")
wrong("eta_max_of_the_flat_direction", (ETA_MAX, "2 / mu"),
      says="Your eta_max is 2/mu; the steepest direction, the one with curvature L, is the first to diverge.")
wrong("rate_of_nesterov", (RATE_HB, '"rate_hb": 1 - 1 / root'), see=MEMORY,
      says="Your rate_hb is 1 - 1/sqrt(kappa), the factor of Nesterov's method; the heavy ball's is a little smaller.")
wrong("kappa_rounded", (KAPPA, "L // mu"),
      says="Your kappa is rounded: // cuts the fraction off, and L / mu is rarely a whole number.")
wrong("divides_by_the_gap", (BETA_HB, '"beta_hb": ((L - 2 * (mu * L) ** 0.5 + mu) / (L - mu)) ** 2'),
      says="Your function fails for a round bowl: mu = L is allowed, so nothing may be divided by L - mu.")
wrong("numbers_without_names", ("return {", "return tuple({"), ("2 / L,\n    }", "2 / L,\n    }.values())"), see=MEMORY,
      says="You return the six numbers in a row; asked for is a dict, so that each can be found by its name.")
edits_of("optimal_rates", see=MEMORY, form=in_tensors)(
      "rates_in_single_precision", (", dtype=torch.float64", ""), ("dict(", "dict((k, x.item()) for k, x in dict("), ("2 / L)", "2 / L).items())"),
      says="Your numbers have only seven digits: they were computed in float32 instead of float64.")
