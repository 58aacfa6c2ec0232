"""Right and wrong solutions of assignment 5. See `grader.source.bank` for the form."""
# ruff: noqa: C408

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.source.bank import misconception, variant

if TYPE_CHECKING:  # the notebook's set-up cell imports them
    import numpy as np
    import torch

STEP = "1. How far can one step go?"
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


@misconception(
    "momentum_step",
    says="You keep a sum of gradients and step by -lr times it, as PyTorch does; here m is a movement that has the rate in it already.",
    see=FORMS,
)
def pytorch_form(theta, m, g, lr, beta):
    m = beta * m + g
    return theta - lr * m, m


@misconception(
    "momentum_step",
    says="Your new gradient is damped by (1 - beta), as in an average; here it comes in with its full length lr * g.",
    see=FORMS,
)
def dampened(theta, m, g, lr, beta):
    m = beta * m - lr * (1 - beta) * g
    return theta + m, m


@misconception(
    "momentum_step",
    says="Your step climbs: the gradient points uphill, so it enters the movement with a minus sign.",
    see=FORMS,
)
def sign(theta, m, g, lr, beta):
    m = beta * m + lr * g
    return theta + m, m


@misconception(
    "momentum_step",
    says="Your weights move by the old m; the movement of this step is the new one, which knows the new gradient.",
    see=FORMS,
)
def old_momentum(theta, m, g, lr, beta):
    return theta + m, beta * m - lr * g


@misconception(
    "momentum_step",
    says="Your m never fades: the old movement is multiplied by beta before the new push is added.",
    see=FORMS,
)
def beta_forgotten(theta, m, g, lr, beta):
    m = m - lr * g
    return theta + m, m


@misconception(
    "momentum_step",
    says="Your weights go backwards: m points downhill already, so it is added to theta, not subtracted.",
    see=FORMS,
)
def movement_subtracted(theta, m, g, lr, beta):
    m = beta * m - lr * g
    return theta - m, m


@misconception(
    "momentum_step",
    says="The rate is applied twice: m contains it already, so theta moves by m and not by lr * m.",
    see=FORMS,
)
def rate_applied_twice(theta, m, g, lr, beta):
    m = beta * m - lr * g
    return theta + lr * m, m


@misconception(
    "momentum_step",
    says="Your beta fades the new push as well; only the old movement is multiplied by beta.",
    see=FORMS,
)
def beta_on_everything(theta, m, g, lr, beta):
    m = beta * (m - lr * g)
    return theta + m, m


@misconception(
    "momentum_step",
    says="The gradient is used twice: it is part of m already, so theta moves by m alone.",
    see=FORMS,
)
def gradient_used_twice(theta, m, g, lr, beta):
    m = beta * m - lr * g
    return theta + m - lr * g, m


@misconception(
    "momentum_step",
    says="Your weights are right, but you return the old m, so the next step has forgotten this one.",
    see=FORMS,
)
def state_not_returned(theta, m, g, lr, beta):
    return theta + beta * m - lr * g, m


@misconception(
    "momentum_step",
    says="You return the movement first; the new theta comes first, then the new m.",
    see=FORMS,
)
def returned_in_wrong_order(theta, m, g, lr, beta):
    m = beta * m - lr * g
    return m, theta + m


@misconception(
    "momentum_step",
    says="You return the new weights alone; without the new m the next step has no memory.",
    see=FORMS,
)
def only_the_weights(theta, m, g, lr, beta):
    return theta + beta * m - lr * g


@misconception(
    "momentum_step",
    says="Your function changes theta and m of its caller: *= and += work in place, on the very arrays you were given.",
    see=FORMS,
)
def changes_its_arguments(theta, m, g, lr, beta):
    m *= beta
    m -= lr * g
    theta += m
    return theta, m


@misconception(
    "momentum_step",
    says="Your function scales the caller's gradient in place: g *= lr changes the very array you were given.",
    see=FORMS,
)
def changes_the_gradient(theta, m, g, lr, beta):
    g *= lr
    m = beta * m - g
    return theta + m, m


@misconception(
    "momentum_step",
    says="Your function keeps the movement of its own last call; the movement to go on from is the argument m.",
    see=FORMS,
)
def remembers_by_itself(theta, m, g, lr, beta, memory={}):  # noqa: B006
    m = beta * memory.get("m", m) - lr * g if memory.get("shape") == theta.shape else beta * m - lr * g
    memory["m"], memory["shape"] = m, theta.shape
    return theta + m, m


@misconception(
    "momentum_step",
    says="Your result has only seven digits: the step was computed in float32 instead of float64.",
    see=FORMS,
)
def in_single_precision(theta, m, g, lr, beta):
    theta, m, g = (torch.tensor(x, dtype=torch.float32) for x in (theta, m, g))
    m = beta * m - lr * g
    return (theta + m).numpy(), m.numpy()


@misconception(
    "momentum_step",
    says="Your function flattens its arrays: for a matrix of weights both results must be matrices too.",
    see=FORMS,
)
def vectors_only(theta, m, g, lr, beta):
    m = np.array([beta * a - lr * b for a, b in zip(m.ravel(), g.ravel(), strict=True)])
    return theta.ravel() + m, m


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


@misconception(
    "nesterov_step",
    says="You take the gradient at theta itself: that is the heavy ball of exercise 1; Nesterov asks at theta + beta * v.",
    see=FORMS,
)
def heavy_ball(theta, v, grad_fn, lr, beta):
    v = beta * v - lr * grad_fn(theta)
    return theta + v, v


@misconception(
    "nesterov_step",
    says="You look a whole v ahead; the memory carries the weights by beta * v only, so the gradient is asked for there.",
    see=FORMS,
)
def lookahead_no_beta(theta, v, grad_fn, lr, beta):
    v = beta * v - lr * grad_fn(theta + v)
    return theta + v, v


@misconception(
    "nesterov_step",
    says="You look back, not ahead: v is a movement that is added to theta, so the point is theta + beta * v.",
    see=FORMS,
)
def lookahead_sign(theta, v, grad_fn, lr, beta):
    v = beta * v - lr * grad_fn(theta - beta * v)
    return theta + v, v


@misconception(
    "nesterov_step",
    says="Your step starts from the point that was looked at, so the memory counts twice; it starts from theta.",
    see=FORMS,
)
def update_from_lookahead(theta, v, grad_fn, lr, beta):
    ahead = theta + beta * v
    v = beta * v - lr * grad_fn(ahead)
    return ahead + v, v


@misconception(
    "nesterov_step",
    says="You return PyTorch's Nesterov step, which takes the gradient at its own weights and stores the point looked at; here theta is stored.",
    see=FORMS,
)
def pytorch_nesterov(theta, v, grad_fn, lr, beta):
    g = grad_fn(theta)
    v = beta * v - lr * g
    return theta + beta * v - lr * g, v


@misconception(
    "nesterov_step",
    says="You take the gradient after a whole heavy-ball step; Nesterov looks ahead along the memory alone, without a gradient.",
    see=FORMS,
)
def gradient_after_the_whole_step(theta, v, grad_fn, lr, beta):
    ahead = theta + beta * v - lr * grad_fn(theta)
    v = beta * v - lr * grad_fn(ahead)
    return theta + v, v


@misconception(
    "nesterov_step",
    says="Your v never fades: the point looked at uses beta * v, but the new v starts from the whole old one.",
    see=FORMS,
)
def velocity_never_fades(theta, v, grad_fn, lr, beta):
    v = v - lr * grad_fn(theta + beta * v)
    return theta + v, v


@misconception(
    "nesterov_step",
    says="Your step climbs: the gradient points uphill, so it enters v with a minus sign.",
    see=FORMS,
)
def climbs(theta, v, grad_fn, lr, beta):
    v = beta * v + lr * grad_fn(theta + beta * v)
    return theta + v, v


@misconception(
    "nesterov_step",
    says="Your weights move by the old v; the movement of this step is the new one.",
    see=FORMS,
)
def old_velocity(theta, v, grad_fn, lr, beta):
    return theta + v, beta * v - lr * grad_fn(theta + beta * v)


@misconception(
    "nesterov_step",
    says="You mix the forms: your v is a sum of gradients without the rate, so looking ahead along it leads uphill.",
    see=FORMS,
)
def velocity_without_rate(theta, v, grad_fn, lr, beta):
    v = beta * v + grad_fn(theta + beta * v)
    return theta - lr * v, v


@misconception(
    "nesterov_step",
    says="You return the next point to look at, theta' + beta * v', instead of theta'.",
    see=FORMS,
)
def returns_next_lookahead(theta, v, grad_fn, lr, beta):
    v = beta * v - lr * grad_fn(theta + beta * v)
    return theta + v + beta * v, v


@misconception(
    "nesterov_step",
    says="Your new weights are right, but you return the movement without the memory's part; v' is the whole movement.",
    see=FORMS,
)
def state_without_memory(theta, v, grad_fn, lr, beta):
    push = -lr * grad_fn(theta + beta * v)
    return theta + beta * v + push, push


@misconception(
    "nesterov_step",
    says="Your function moves the caller's theta to the point looked at: += works in place, on the very array you were given.",
    see=FORMS,
)
def moves_theta_in_place(theta, v, grad_fn, lr, beta):
    old = theta.copy()
    theta += beta * v
    v = beta * v - lr * grad_fn(theta)
    return old + v, v


@misconception(
    "nesterov_step",
    says="Your function changes the caller's v: *= and -= work in place, on the very array you were given.",
    see=FORMS,
)
def changes_velocity_in_place(theta, v, grad_fn, lr, beta):
    v *= beta
    v -= lr * grad_fn(theta + v)
    return theta + v, v


@misconception(
    "nesterov_step",
    says="You return the movement first; the new theta comes first, then the new v.",
    see=FORMS,
)
def velocity_returned_first(theta, v, grad_fn, lr, beta):
    v = beta * v - lr * grad_fn(theta + beta * v)
    return v, theta + v


@misconception(
    "nesterov_step",
    says="You ask for the gradient of each weight alone; a gradient depends on all weights, so grad_fn needs the whole array.",
    see=FORMS,
)
def each_weight_alone(theta, v, grad_fn, lr, beta):
    moved = np.empty_like(v)
    for where in np.ndindex(theta.shape):
        ahead = np.array([theta[where] + beta * v[where]])
        moved[where] = beta * v[where] - lr * grad_fn(ahead)[0]
    return theta + moved, moved


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


@misconception(
    "momentum_history",
    says="Your weights are one power of beta too small: the latest gradient counts in full, with beta^0 = 1.",
    see=FORMS,
)
def exponent_off_by_one(grads, lr, beta):
    return np.array(
        [-lr * sum(beta ** (t - i + 1) * grads[i] for i in range(t + 1)) for t in range(len(grads))]
    )


@misconception(
    "momentum_history",
    says="Your row t stops before gradient t: m_t is the movement after the update with that gradient.",
    see=FORMS,
)
def excludes_current(grads, lr, beta):
    m, rows = np.zeros(grads.shape[1]), []
    for g in grads:
        rows.append(m)
        m = beta * m - lr * g
    return np.array(rows)


@misconception(
    "momentum_history",
    says="You compute an average with weights (1 - beta) beta^age; the heavy ball's memory is a sum, without the factor (1 - beta).",
    see=FORMS,
)
def ema(grads, lr, beta):
    m, rows = np.zeros(grads.shape[1]), []
    for g in grads:
        m = beta * m - lr * (1 - beta) * g
        rows.append(m)
    return np.array(rows)


@misconception(
    "momentum_history",
    says="You divide by the sum of the weights, as Adam's bias correction does; the heavy ball corrects nothing.",
    see=FORMS,
)
def bias_corrected(grads, lr, beta):
    m, rows = np.zeros(grads.shape[1]), []
    for t, g in enumerate(grads, 1):
        m = beta * m - lr * (1 - beta) * g
        rows.append(m / (1 - beta**t))
    return np.array(rows)


@misconception(
    "momentum_history",
    says="Your movements point uphill: the sum of gradients is multiplied by -lr.",
    see=FORMS,
)
def sign_forgotten(grads, lr, beta):
    m, rows = np.zeros(grads.shape[1]), []
    for g in grads:
        m = beta * m + lr * g
        rows.append(m)
    return np.array(rows)


@misconception(
    "momentum_history",
    says="Your result has no rate in it: a movement is -lr times the weighted sum.",
    see=FORMS,
)
def rate_forgotten(grads, lr, beta):
    m, rows = np.zeros(grads.shape[1]), []
    for g in grads:
        m = beta * m - g
        rows.append(m)
    return np.array(rows)


@misconception(
    "momentum_history",
    says="Your gradients never fade: each older gradient is multiplied by one more power of beta.",
    see=FORMS,
)
def nothing_fades(grads, lr, beta):
    return -lr * np.cumsum(grads, axis=0)


@misconception(
    "momentum_history",
    says="Your weights run backwards in time: the oldest gradient counts most; it must be the latest.",
    see=FORMS,
)
def oldest_counts_most(grads, lr, beta):
    return -lr * np.cumsum(beta ** np.arange(len(grads))[:, None] * grads, axis=0)


@misconception(
    "momentum_history",
    says="You sum over past movements; each of them is a sum over gradients already, so old gradients count many times.",
    see=FORMS,
)
def sum_of_past_momentum(grads, lr, beta):
    rows = []
    for g in grads:
        rows.append(beta * np.sum(rows, axis=0) - lr * g if rows else -lr * g)
    return np.array(rows)


@misconception(
    "momentum_history",
    says="You return the last movement alone; one row for each of the T steps was asked for.",
    see=FORMS,
)
def only_the_last(grads, lr, beta):
    m = np.zeros(grads.shape[1])
    for g in grads:
        m = beta * m - lr * g
    return m


@misconception(
    "momentum_history",
    says="Your result begins with the zero before the first update; row 0 is the movement after the first gradient.",
    see=FORMS,
)
def starts_with_zero(grads, lr, beta):
    rows = [np.zeros(grads.shape[1])]
    for g in grads:
        rows.append(beta * rows[-1] - lr * g)
    return np.array(rows)


@misconception(
    "momentum_history",
    says="Your sum runs along the weights instead of along time: rows are steps, columns are weights.",
    see=FORMS,
)
def along_the_wrong_axis(grads, lr, beta):
    m = -lr * grads
    for j in range(1, grads.shape[1]):
        m[:, j] += beta * m[:, j - 1]
    return m


@misconception(
    "momentum_history",
    says="Only the last two gradients reach your movement: the recursion continues from the last movement, not from the last gradient.",
    see=FORMS,
)
def remembers_one_step(grads, lr, beta):
    m = -lr * grads
    m[1:] = m[1:] - lr * beta * grads[:-1]
    return m


@misconception(
    "momentum_history",
    says="All your rows are the last one: the list holds the same array T times because the loop changes it in place.",
    see=FORMS,
)
def same_array_every_row(grads, lr, beta):
    m, rows = np.zeros(grads.shape[1]), []
    for g in grads:
        m *= beta
        m -= lr * g
        rows.append(m)
    return np.array(rows)


@misconception(
    "momentum_history",
    says="Your function overwrites the gradients it was given: work on a copy, the caller still needs them.",
    see=FORMS,
)
def overwrites_the_gradients(grads, lr, beta):
    grads *= -lr
    for t in range(1, len(grads)):
        grads[t] += beta * grads[t - 1]
    return grads


@misconception(
    "momentum_history",
    says="Your result breaks down for small beta or long runs: negative powers of beta overflow; never divide by beta^i.",
    see=FORMS,
)
def divides_by_powers(grads, lr, beta):
    powers = np.asarray(beta, dtype=float) ** np.arange(len(grads))[:, None]
    return -lr * powers * np.cumsum(grads / powers, axis=0)


@misconception(
    "momentum_history",
    says="Your result breaks down in long runs: negative powers of beta overflow, and infinity times zero is nan.",
    see=FORMS,
)
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


@misconception(
    "optimal_rates",
    says="Your eta_gd is 1/L, the rate that is safe for every smooth loss; on a bowl 2/(mu + L) is better and still stable.",
    see=STEP,
)
def eta_1_over_L(mu, L):
    k, s = L / mu, (L / mu) ** 0.5
    a, r, h = (k - 1) / (k + 1), (s - 1) / (s + 1), 4 / (mu**0.5 + L**0.5) ** 2
    return dict(eta_gd=1 / L, rate_gd=a, eta_hb=h, beta_hb=r**2, rate_hb=r, eta_max=2 / L)


@misconception(
    "optimal_rates",
    says="Your heavy ball has kappa where its square root belongs: that root is exactly what memory buys.",
    see=MEMORY,
)
def kappa_no_sqrt(mu, L):
    k = L / mu
    a, h = (k - 1) / (k + 1), 4 / (mu**0.5 + L**0.5) ** 2
    return dict(eta_gd=2 / (mu + L), rate_gd=a, eta_hb=h, beta_hb=a**2, rate_hb=a, eta_max=2 / L)


@misconception(
    "optimal_rates",
    says="Your beta_hb is rate_hb itself; it is its square, the product of the two equal roots of the recursion.",
    see=MEMORY,
)
def beta_not_squared(mu, L):
    k, s = L / mu, (L / mu) ** 0.5
    a, r, h = (k - 1) / (k + 1), (s - 1) / (s + 1), 4 / (mu**0.5 + L**0.5) ** 2
    return dict(eta_gd=2 / (mu + L), rate_gd=a, eta_hb=h, beta_hb=r, rate_hb=r, eta_max=2 / L)


@misconception(
    "optimal_rates",
    says="Your rates are those of the loss; asked for are those of the distance, and the loss shrinks by their squares.",
    see=MEMORY,
)
def rate_squared(mu, L):
    k, s = L / mu, (L / mu) ** 0.5
    a, r, h = (k - 1) / (k + 1), (s - 1) / (s + 1), 4 / (mu**0.5 + L**0.5) ** 2
    return dict(eta_gd=2 / (mu + L), rate_gd=a**2, eta_hb=h, beta_hb=r**2, rate_hb=r**2, eta_max=2 / L)


@misconception(
    "optimal_rates",
    says="Your rate_hb is beta_hb; the factor per step is its square root, (sqrt(kappa) - 1)/(sqrt(kappa) + 1).",
    see=MEMORY,
)
def rate_is_beta(mu, L):
    k, s = L / mu, (L / mu) ** 0.5
    a, r, h = (k - 1) / (k + 1), (s - 1) / (s + 1), 4 / (mu**0.5 + L**0.5) ** 2
    return dict(eta_gd=2 / (mu + L), rate_gd=a, eta_hb=h, beta_hb=r**2, rate_hb=r**2, eta_max=2 / L)


@misconception(
    "optimal_rates",
    says="Your condition number is upside down: kappa = L / mu is at least 1, and your factors come out negative.",
    see=STEP,
)
def kappa_inverted(mu, L):
    k, s = L / mu, (L / mu) ** 0.5
    a, r, h = (k - 1) / (k + 1), (s - 1) / (s + 1), 4 / (mu**0.5 + L**0.5) ** 2
    return dict(eta_gd=2 / (mu + L), rate_gd=-a, eta_hb=h, beta_hb=r**2, rate_hb=-r, eta_max=2 / L)


@misconception(
    "optimal_rates",
    says="Your factor is above 1, so the error would grow: (kappa - 1) / kappa + 1 lacks the parentheses of the denominator.",
    see=STEP,
)
def parentheses_forgotten(mu, L):
    k, s = L / mu, (L / mu) ** 0.5
    r, h = (s - 1) / (s + 1), 4 / (mu**0.5 + L**0.5) ** 2
    return dict(
        eta_gd=2 / (mu + L), rate_gd=(k - 1) / k + 1, eta_hb=h, beta_hb=r**2, rate_hb=r, eta_max=2 / L
    )


@misconception(
    "optimal_rates",
    says="Your eta_hb lacks the square: the denominator is (sqrt(mu) + sqrt(L)) squared, a curvature and not its root.",
    see=MEMORY,
)
def eta_hb_not_squared(mu, L):
    k, s = L / mu, (L / mu) ** 0.5
    a, r = (k - 1) / (k + 1), (s - 1) / (s + 1)
    return dict(
        eta_gd=2 / (mu + L), rate_gd=a, eta_hb=4 / (mu**0.5 + L**0.5), beta_hb=r**2, rate_hb=r, eta_max=2 / L
    )


@misconception(
    "optimal_rates",
    says="Your eta_hb has 4 / (mu + L): the square of a sum of roots is not the sum of their squares.",
    see=MEMORY,
)
def root_of_the_sum(mu, L):
    k, s = L / mu, (L / mu) ** 0.5
    a, r = (k - 1) / (k + 1), (s - 1) / (s + 1)
    return dict(eta_gd=2 / (mu + L), rate_gd=a, eta_hb=4 / (mu + L), beta_hb=r**2, rate_hb=r, eta_max=2 / L)


@misconception(
    "optimal_rates",
    says="Your eta_max is the limit of the heavy ball, 2 (1 + beta) / L; asked for is that of gradient descent, 2 / L.",
    see=STEP,
)
def eta_max_of_heavy_ball(mu, L):
    k, s = L / mu, (L / mu) ** 0.5
    a, r, h = (k - 1) / (k + 1), (s - 1) / (s + 1), 4 / (mu**0.5 + L**0.5) ** 2
    return dict(eta_gd=2 / (mu + L), rate_gd=a, eta_hb=h, beta_hb=r**2, rate_hb=r, eta_max=2 * (1 + r**2) / L)


@misconception(
    "optimal_rates",
    says="Your eta_max is 1/L, from where on the steepest direction overshoots; it still converges there, up to 2/L.",
    see=STEP,
)
def eta_max_where_it_overshoots(mu, L):
    k, s = L / mu, (L / mu) ** 0.5
    a, r, h = (k - 1) / (k + 1), (s - 1) / (s + 1), 4 / (mu**0.5 + L**0.5) ** 2
    return dict(eta_gd=2 / (mu + L), rate_gd=a, eta_hb=h, beta_hb=r**2, rate_hb=r, eta_max=1 / L)


@misconception(
    "optimal_rates",
    says="Your eta_max is 2/mu; the steepest direction, the one with curvature L, is the first to diverge.",
    see=STEP,
)
def eta_max_of_the_flat_direction(mu, L):
    k, s = L / mu, (L / mu) ** 0.5
    a, r, h = (k - 1) / (k + 1), (s - 1) / (s + 1), 4 / (mu**0.5 + L**0.5) ** 2
    return dict(eta_gd=2 / (mu + L), rate_gd=a, eta_hb=h, beta_hb=r**2, rate_hb=r, eta_max=2 / mu)


@misconception(
    "optimal_rates",
    says="Your rate_hb is 1 - 1/sqrt(kappa), the factor of Nesterov's method; the heavy ball's is a little smaller.",
    see=MEMORY,
)
def rate_of_nesterov(mu, L):
    k, s = L / mu, (L / mu) ** 0.5
    a, r, h = (k - 1) / (k + 1), (s - 1) / (s + 1), 4 / (mu**0.5 + L**0.5) ** 2
    return dict(eta_gd=2 / (mu + L), rate_gd=a, eta_hb=h, beta_hb=r**2, rate_hb=1 - 1 / s, eta_max=2 / L)


@misconception(
    "optimal_rates",
    says="Your kappa is rounded: // cuts the fraction off, and L / mu is rarely a whole number.",
    see=STEP,
)
def kappa_rounded(mu, L):
    k, s = L // mu, (L // mu) ** 0.5
    a, r, h = (k - 1) / (k + 1), (s - 1) / (s + 1), 4 / (mu**0.5 + L**0.5) ** 2
    return dict(eta_gd=2 / (mu + L), rate_gd=a, eta_hb=h, beta_hb=r**2, rate_hb=r, eta_max=2 / L)


@misconception(
    "optimal_rates",
    says="Your function fails for a round bowl: mu = L is allowed, so nothing may be divided by L - mu.",
    see=STEP,
)
def divides_by_the_gap(mu, L):
    k, s = L / mu, (L / mu) ** 0.5
    a, r, h = (k - 1) / (k + 1), (s - 1) / (s + 1), 4 / (mu**0.5 + L**0.5) ** 2
    return dict(
        eta_gd=2 / (mu + L),
        rate_gd=a,
        eta_hb=h,
        beta_hb=((L - 2 * (mu * L) ** 0.5 + mu) / (L - mu)) ** 2,
        rate_hb=r,
        eta_max=2 / L,
    )


@misconception(
    "optimal_rates",
    says="You return the six numbers in a row; asked for is a dict, so that each can be found by its name.",
    see=MEMORY,
)
def numbers_without_names(mu, L):
    k, s = L / mu, (L / mu) ** 0.5
    a, r, h = (k - 1) / (k + 1), (s - 1) / (s + 1), 4 / (mu**0.5 + L**0.5) ** 2
    return 2 / (mu + L), a, h, r**2, r, 2 / L


@misconception(
    "optimal_rates",
    says="Your numbers have only seven digits: they were computed in float32 instead of float64.",
    see=MEMORY,
)
def rates_in_single_precision(mu, L):
    mu, L = torch.tensor([mu, L])
    k, h = L / mu, 4 / (mu.sqrt() + L.sqrt()).square()
    a, r = (k - 1) / (k + 1), (k.sqrt() - 1) / (k.sqrt() + 1)
    values = dict(eta_gd=2 / (mu + L), rate_gd=a, eta_hb=h, beta_hb=r.square(), rate_hb=r, eta_max=2 / L)
    return {name: value.item() for name, value in values.items()}
