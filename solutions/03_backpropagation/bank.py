"""Right and wrong solutions of assignment 3. See `grader.source.bank` for the form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.source.bank import edits_of, variant

if TYPE_CHECKING:  # the notebook's set-up cell imports them
    import numpy as np
    import torch

COST = "1. What does a gradient cost?"
FACTOR = "2. By which factor does a layer shrink it?"
SHAPE = "3. Is it the shape of the activation?"
LENGTH = "4. Is length enough?"

# --- numerical_gradient: (f(x + h e_i) - f(x - h e_i)) / 2h --------------------------------------------------------------


@variant("numerical_gradient")
def moved_and_put_back(f, x, h=1e-5):
    x, grad = np.array(x, dtype=float), np.empty(np.shape(x))
    for i in np.ndindex(x.shape):
        old = x[i]
        x[i] = old + h
        up = f(x.copy())
        x[i] = old - h
        grad[i] = (up - f(x.copy())) / (2 * h)
        x[i] = old
    return grad


@variant("numerical_gradient")
def flat_and_reshaped(f, x, h=1e-5):
    flat = x.astype(float).ravel()
    steps = h * np.eye(flat.size)
    slopes = [
        (f((flat + step).reshape(x.shape)) - f((flat - step).reshape(x.shape))) / (2 * h) for step in steps
    ]
    return np.array(slopes).reshape(x.shape)


@variant("numerical_gradient")
def a_tensor_of_slopes(f, x, h=1e-5):
    grad = torch.zeros(x.shape, dtype=torch.float64)
    for k in range(x.size):
        up, down = x.astype(float), x.astype(float)
        up.flat[k] += h
        down.flat[k] -= h
        grad.view(-1)[k] = float(f(up)) - float(f(down))
    return grad / (2 * h)


@variant("numerical_gradient")
def mean_of_two_sides(f, x, h=1e-5):
    grad = np.zeros(x.shape)
    for i, _ in np.ndenumerate(x):
        e = np.zeros(x.shape)
        e[i] = 1.0
        grad[i] = 0.5 * (f(x + h * e) / h - f(x - h * e) / h)
    return grad


def central(f, x, h=1e-5):
    point = np.array(x, dtype=float)
    grad = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        old = point[i]
        point[i] = old + h
        up = f(point.copy())
        point[i] = old - h
        down = f(point.copy())
        point[i] = old
        grad[i] = (up - down) / (2 * h)
    return grad


wrong = edits_of("numerical_gradient", see=COST, form=central)
SLOPE = "(up - down) / (2 * h)"
wrong(
    "forward_difference",
    ("point[i] = old - h", "point[i] = old"),
    (SLOPE, "(up - down) / h"),
    says="You move to one side only: the error of that falls with h, the central difference's with h squared.",
)
wrong(
    "backward_difference",
    ("point[i] = old + h", "point[i] = old"),
    (SLOPE, "(up - down) / h"),
    says="You move down only: step to both sides, then the errors of first order cancel.",
)
wrong(
    "missing_2",
    (SLOPE, "(up - down) / h"),
    says="Your slopes are twice too large: the two points are 2h apart, not h.",
)
wrong(
    "two_only_over_h_forgotten",
    (SLOPE, "(up - down) / 2"),
    says="You divide by 2 and not by 2h: a slope is a difference over the distance between the two points.",
)
wrong(
    "two_times_h_without_brackets",
    (SLOPE, "(up - down) / 2 * h"),
    says="x / 2 * h divides by 2 and then multiplies by h: brackets are missing.",
)
wrong(
    "sign",
    (SLOPE, "(down - up) / (2 * h)"),
    says="Your slopes have the wrong sign: it is f above minus f below.",
)
wrong(
    "half_step_whole_distance",
    ("old + h", "old + h / 2"),
    ("old - h", "old - h / 2"),
    (SLOPE, "(up - down) / h"),
    says="Your two points are h/2 away from x; the definition in this exercise goes h to each side.",
)
wrong(
    "not_restored",
    ("        point[i] = old\n", ""),
    says="You do not move an entry back before you try the next one, so later slopes are taken at another point.",
)
wrong(
    "in_place_not_restored",
    ("point = np.array(x, dtype=float)", "point = x if x.dtype == float else x.astype(float)"),
    ("        point[i] = old\n", ""),
    says="You move x itself and do not put it back: later slopes are wrong, and the caller's x has changed.",
)
wrong(
    "restored_by_adding",
    ("point = np.array(x, dtype=float)", "point = x if x.dtype == float else x.astype(float)"),
    ("point[i] = old + h", "point[i] += h"),
    ("point[i] = old - h", "point[i] -= 2 * h"),
    ("point[i] = old\n", "point[i] += h\n"),
    says="You move x itself, and adding h does not bring it back exactly: work on a copy.",
)
wrong(
    "flattened",
    ("return grad", "return grad.ravel()"),
    says="Your result is a vector: it must have the shape of x.",
)
wrong(
    "integers_cut_off",
    ("np.array(x, dtype=float)", "x.copy()"),
    says="Where x holds integers, adding h to them does nothing: a copy of floats is needed.",
)
wrong(
    "gradient_of_integers",
    ("np.zeros(x.shape)", "np.zeros_like(x)"),
    says="Your array of slopes has the type of x: for integers every slope is cut off.",
)
wrong(
    "all_entries_at_once",
    ("point[i] = old + h", "point += h"),
    ("point[i] = old - h", "point -= 2 * h"),
    ("point[i] = old\n", "point += h\n"),
    says="You move all entries together: a partial derivative moves one and holds the others.",
)
wrong(
    "rows_only",
    ("for i in np.ndindex(x.shape):", "for i in range(len(x)):"),
    says="You walk along the first axis only, so a whole row moves at once; every entry of a matrix has its own slope.",
)
wrong(
    "fixed_step",
    ("    point = ", "    h = 1e-5\n    point = "),
    says="You use a step of your own and not the h that you are given.",
)
wrong(
    "relative_step",
    ("    grad = ", "    h = h * max(1.0, float(np.abs(point).max()))\n    grad = "),
    says="You scale h with the size of x; the definition takes h as it is.",
)

# --- mlp_loss_and_grads -------------------------------------------------------------------------------------------------


@variant("mlp_loss_and_grads")
def by_autograd(params, X, T):
    flat = [torch.tensor(part, requires_grad=True) for pair in params for part in pair]
    x = torch.tensor(X)
    for k in range(0, len(flat), 2):
        x = (torch.tanh(x) if k else x) @ flat[k].T + flat[k + 1]
    loss = ((x - torch.tensor(T)) ** 2).sum() / (2 * len(X))
    loss.backward()
    return loss, [(flat[k].grad, flat[k + 1].grad) for k in range(0, len(flat), 2)]


@variant("mlp_loss_and_grads")
def one_example_at_a_time(params, X, T):
    loss, grads = 0.0, [(np.zeros_like(W), np.zeros_like(b)) for W, b in params]
    for x, t in zip(X, T, strict=True):
        seen = [x]
        for k, (W, b) in enumerate(params):
            z = W @ seen[-1] + b
            seen.append(np.tanh(z) if k < len(params) - 1 else z)
        delta = (seen[-1] - t) / len(X)
        loss += ((seen[-1] - t) ** 2).sum() / (2 * len(X))
        for k in reversed(range(len(params))):
            grads[k][0][...] += np.outer(delta, seen[k])
            grads[k][1][...] += delta
            delta = (params[k][0].T @ delta) * (1 - seen[k] ** 2)
    return loss, grads


@variant("mlp_loss_and_grads")
def recursion(params, X, T):
    def down(layers, x):
        (W, b), rest = layers[0], layers[1:]
        z = np.einsum("ni,oi->no", x, W) + b
        if rest:
            loss, grads, up = down(rest, np.tanh(z))
            delta = up / np.cosh(z) ** 2
        else:
            loss, grads, delta = np.square(z - T).sum() / (2 * len(X)), [], (z - T) / len(X)
        return loss, [(np.einsum("no,ni->oi", delta, x), delta.sum(0)), *grads], delta @ W

    loss, grads, _ = down(list(params), X)
    return loss, grads


@variant("mlp_loss_and_grads")
def columns_and_lists(params, X, T):
    A, N = [X.T], X.shape[0]
    for k, (W, b) in enumerate(params):
        Z = W @ A[-1] + b[:, None]
        A.append(Z if k == len(params) - 1 else np.tanh(Z))
    D, out = (A[-1] - T.T) / N, []
    for k in range(len(params) - 1, -1, -1):
        out.insert(0, [(D @ A[k].T).tolist(), D.sum(axis=1).tolist()])
        if k:
            D = (params[k][0].T @ D) * (1 - A[k] * A[k])
    return float(((A[-1] - T.T) ** 2).sum() / (2 * N)), out


wrong = edits_of("mlp_loss_and_grads", see=COST)
DOWN, PAIR, LOSS = "(1 - x**2)", "(delta.T @ x, delta.sum(axis=0))", "(error**2).sum() / (2 * len(X))"
wrong(
    "no_activation_derivative",
    ("(delta @ W) * (1 - x**2)", "delta @ W"),
    says="On the way down your gradient never passes a tanh: multiply by its slope, entry by entry.",
)
wrong(
    "derivative_of_activation_value",
    (DOWN, "(1 - np.tanh(x) ** 2)"),
    says="You take the slope of tanh at x, which is tanh(z) already: the slope at z is 1 - x squared.",
)
wrong(
    "sigmoid_derivative",
    (DOWN, "(x * (1 - x))"),
    says="x(1 - x) is the slope of the logistic function; the hidden units here are tanh, with slope 1 - x squared.",
)
wrong(
    "slope_not_squared",
    (DOWN, "(1 - x)"),
    says="The slope of tanh is 1 minus its square, not 1 minus itself.",
)
wrong(
    "bias_mean",
    (PAIR, "(delta.T @ x, delta.mean(axis=0))"),
    says="Your db is a mean over rows, but delta has the 1/N in it already: add the rows up.",
)
wrong(
    "bias_first_row",
    (PAIR, "(delta.T @ x, delta[0])"),
    says="Your db knows the first example only: a bias serves every row, so its gradients add up.",
)
wrong(
    "weights_mean_again",
    (PAIR, "(delta.T @ x / len(X), delta.sum(axis=0))"),
    says="Your dW is divided by N twice: once in delta, once more in the product.",
)
wrong(
    "gradients_not_divided",
    ("error / len(X)", "error"),
    says="Your gradients belong to the sum over the rows; the loss is divided by N, so they are too.",
)
wrong(
    "factor_2",
    ("error / len(X)", "2 * error / len(X)"),
    says="Your gradients are twice too large: the 2 of the square cancels the 2 of 1/(2N).",
)
wrong(
    "divided_by_outputs_too",
    ("error / len(X)", "error / error.size"),
    says="You divide by N times the number of outputs; the convention divides by the number of rows alone.",
)
wrong(
    "loss_without_half",
    (LOSS, "(error**2).sum() / len(X)"),
    says="Your loss is twice too large: the sum of squares is divided by 2N.",
)
wrong(
    "loss_mean_of_all",
    (LOSS, "(error**2).mean() / 2"),
    says="Your loss is a mean over the outputs as well: add the squares up over outputs, and divide by 2N.",
)
wrong(
    "loss_not_divided",
    (LOSS, "(error**2).sum() / 2"),
    says="Your loss is a sum over the rows: divide it by N.",
)
wrong(
    "tanh_on_the_output",
    ("error = inputs[-1] @ W.T + b - T", "error = np.tanh(inputs[-1] @ W.T + b) - T"),
    says="You squash the output: the last layer has no tanh.",
)
wrong(
    "tanh_on_the_output_and_its_slope",
    ("error = inputs[-1] @ W.T + b - T", "out = np.tanh(inputs[-1] @ W.T + b)\n    error = out - T"),
    ("error / len(X)", "error * (1 - out**2) / len(X)"),
    says="You squash the output, forwards and backwards: the last layer has no tanh.",
)
wrong(
    "logistic_units",
    ("np.tanh(inputs[-1] @ W.T + b)", "1 / (1 + np.exp(-(inputs[-1] @ W.T + b)))"),
    (DOWN, "(x * (1 - x))"),
    says="Your hidden units are logistic; the network here has tanh.",
)
wrong(
    "order_reversed",
    ("grads[::-1]", "grads"),
    says="Your gradients stand from the top down; the order is that of params, from the bottom up.",
)
wrong(
    "pairs_swapped",
    (PAIR, "(delta.sum(axis=0), delta.T @ x)"),
    says="Your pairs are (db, dW): the order is that of params, the weights first.",
)
wrong(
    "dW_transposed",
    (PAIR, "(x.T @ delta, delta.sum(axis=0))"),
    says="Your dW is (in, out): it must have the shape of W, one row for every unit of the layer.",
)
wrong(
    "bias_as_a_row",
    (PAIR, "(delta.T @ x, delta.sum(axis=0, keepdims=True))"),
    says="Your db has two axes: it must have the shape of b, (out,).",
)
wrong(
    "biases_forgotten_upwards",
    ("np.tanh(inputs[-1] @ W.T + b)", "np.tanh(inputs[-1] @ W.T)"),
    says="Your hidden layers have no biases on the way up.",
)
wrong(
    "target_minus_output",
    ("inputs[-1] @ W.T + b - T", "T - inputs[-1] @ W.T - b"),
    says="Your gradients point downhill: delta at the output is z - T, not T - z.",
)
wrong(
    "slope_of_the_layer_above",
    ("delta = (delta @ W) * (1 - x**2)", "delta = (delta @ W) * (1 - x**2) ** 2"),
    says="Your gradient passes every tanh twice on its way down.",
)
wrong(
    "updates_the_weights",
    ("        delta = (delta @ W)", "        W -= 0.1 * grads[-1][0]\n        delta = (delta @ W)"),
    says="Your function steps, too, and changes the weights while it still needs them: it only computes.",
)
wrong(
    "error_into_the_targets",
    ("    error = inputs[-1] @ W.T + b - T", "    T -= inputs[-1] @ W.T + b\n    error = -T"),
    says="Your function writes the error over the targets it was given.",
)
wrong(
    "in_single_precision",
    (
        "inputs = [X]",
        "inputs = [X.astype(np.float32)]\n    params = [(W.astype(np.float32), b.astype(np.float32)) for W, b in params]",
    ),
    ("- T\n", "- T.astype(np.float32)\n"),
    says="Your numbers have only seven digits: they were computed in float32 instead of float64.",
)

# --- gradient_attenuation -----------------------------------------------------------------------------------------------


@variant("gradient_attenuation")
def by_quadrature(phi, dphi, sigma_w, q0=1.0, n_iter=100):
    nodes, weights = np.polynomial.hermite_e.hermegauss(120)
    weights = weights / weights.sum()
    q = q0
    for _ in range(n_iter):
        q = sigma_w**2 * np.dot(weights, phi(q**0.5 * nodes) ** 2)
    return sigma_w * np.dot(weights, dphi(q**0.5 * nodes) ** 2) ** 0.5, q


@variant("gradient_attenuation")
def by_quantiles(phi, dphi, sigma_w, q0=1.0, n_iter=100):
    from scipy.stats import norm

    edges = np.linspace(-9, 9, 4001)
    middle, mass = (edges[1:] + edges[:-1]) / 2, np.diff(norm.cdf(edges))
    q = float(q0)
    for _ in range(n_iter):
        q = sigma_w**2 * float(np.sum(mass * np.square(phi(np.sqrt(q) * middle))))
    return sigma_w * float(np.sqrt(np.sum(mass * np.square(dphi(np.sqrt(q) * middle))))), q


@variant("gradient_attenuation")
def with_tensors(phi, dphi, sigma_w, q0=1.0, n_iter=100):
    z = torch.linspace(-10, 10, 3001, dtype=torch.float64)
    p = torch.softmax(-(z**2) / 2, dim=0)
    q = torch.tensor(float(q0), dtype=torch.float64)
    for _ in range(n_iter):
        q = sigma_w**2 * torch.sum(p * phi(q.sqrt() * z) ** 2)
    return sigma_w * torch.sum(p * dphi(q.sqrt() * z) ** 2).sqrt(), q


@variant("gradient_attenuation")
def trapezoids_over_sums(phi, dphi, sigma_w, q0=1.0, n_iter=100):
    def mean_square(g, q):
        z = np.sqrt(q) * np.linspace(-8, 8, 1601)
        y = g(z) ** 2 * np.exp(-(z**2) / (2 * q)) / np.sqrt(2 * np.pi * q)
        return ((y[1:] + y[:-1]) / 2 * np.diff(z)).sum()

    q = q0
    for _ in range(n_iter):
        q = sigma_w * sigma_w * mean_square(phi, q)
    return np.sqrt(sigma_w**2 * mean_square(dphi, q)), q


wrong = edits_of("gradient_attenuation", see=FACTOR)
Q, FACTORED = (
    "sigma_w**2 * (density * phi(np.sqrt(q) * z) ** 2).sum()",
    "sigma_w * np.sqrt((density * dphi(np.sqrt(q) * z) ** 2).sum())",
)
wrong(
    "no_sqrt_q",
    (Q, "sigma_w**2 * (density * phi(q * z) ** 2).sum()"),
    (FACTORED, "sigma_w * np.sqrt((density * dphi(q * z) ** 2).sum())"),
    says="You scale the normal numbers by q; q is a variance, so their scale is its root.",
)
wrong(
    "no_sqrt_q_in_the_factor",
    (FACTORED, "sigma_w * np.sqrt((density * dphi(q * z) ** 2).sum())"),
    says="In the factor you scale by q: a variance of q means a scale of its root there, too.",
)
wrong(
    "q_not_used",
    (Q, "sigma_w**2 * (density * phi(z) ** 2).sum()"),
    (FACTORED, "sigma_w * np.sqrt((density * dphi(z) ** 2).sum())"),
    says="You take sums of variance 1 in every layer: their variance is q, which changes from layer to layer.",
)
wrong(
    "factor_at_variance_1",
    (FACTORED, "sigma_w * np.sqrt((density * dphi(z) ** 2).sum())"),
    says="Your factor belongs to sums of variance 1: take it where the sums have settled, at q*.",
)
wrong(
    "sw_not_squared",
    (Q, "sigma_w * (density * phi(np.sqrt(q) * z) ** 2).sum()"),
    says="q is a variance: the weights' size enters it squared.",
)
wrong(
    "sw_missing_in_q",
    (Q, "(density * phi(np.sqrt(q) * z) ** 2).sum()"),
    says="You forget the weights in q: every layer multiplies the variance by sigma_w squared.",
)
wrong(
    "mean_derivative",
    (FACTORED, "sigma_w * (density * dphi(np.sqrt(q) * z)).sum()"),
    says="You average the slope; lengths add up by squares, so it is the root of the mean squared slope.",
)
wrong(
    "no_weights",
    (FACTORED, "np.sqrt((density * dphi(np.sqrt(q) * z) ** 2).sum())"),
    says="Your factor knows the slope only: on its way down a gradient is multiplied by the weights as well.",
)
wrong(
    "factor_squared",
    (FACTORED, "sigma_w**2 * (density * dphi(np.sqrt(q) * z) ** 2).sum()"),
    says="You return the factor of the squared length: take the root.",
)
wrong(
    "sw_squared_in_the_factor",
    (FACTORED, "sigma_w**2 * np.sqrt((density * dphi(np.sqrt(q) * z) ** 2).sum())"),
    says="In the factor of a length the weights' size enters once, not squared.",
)
wrong(
    "root_forgotten",
    (FACTORED, "sigma_w * (density * dphi(np.sqrt(q) * z) ** 2).sum()"),
    says="The mean squared slope is not a slope: take its root.",
)
wrong(
    "phi_not_squared",
    (Q, "sigma_w**2 * (density * phi(np.sqrt(q) * z)).sum() ** 2"),
    says="You square the mean of the activation; it is the mean of the square.",
)
wrong(
    "variance_in_place_of_mean_square",
    (
        Q,
        "sigma_w**2 * ((density * phi(np.sqrt(q) * z) ** 2).sum() - (density * phi(np.sqrt(q) * z)).sum() ** 2)",
    ),
    says="You subtract the squared mean of the activation: the sums above see its mean square, mean included.",
)
wrong(
    "absolute_slope",
    (FACTORED, "sigma_w * (density * np.abs(dphi(np.sqrt(q) * z))).sum()"),
    says="You average the size of the slope: lengths add up by squares, so it is the root of the mean square.",
)
wrong(
    "one_step_too_few",
    ("range(n_iter)", "range(n_iter - 1)"),
    says="You make one step too few: q* is the value after n_iter steps.",
)
wrong(
    "one_step_too_many",
    ("range(n_iter)", "range(n_iter + 1)"),
    says="You make one step too many: q* is the value after n_iter steps.",
)
wrong(
    "q0_ignored",
    ("q = q0", "q = 1.0"),
    says="You begin at 1 whatever q0 is.",
)
wrong(
    "uniform_weights",
    ("np.exp(-(z**2) / 2)", "np.ones(z.shape)"),
    says="You average evenly over the grid: the normal density says how often each value comes.",
)
wrong(
    "density_without_half",
    ("np.exp(-(z**2) / 2)", "np.exp(-(z**2))"),
    says="Your density has variance 1/2: the exponent of a standard normal is minus z squared over 2.",
)
wrong(
    "grid_too_short",
    ("np.linspace(-8, 8, 2001)", "np.linspace(-2, 2, 2001)"),
    says="Your grid ends at 2: a normal number is outside in one case of twenty, and its square weighs more.",
)
wrong(
    "random_sample",
    ("z = np.linspace(-8, 8, 2001)", "z = np.random.default_rng(0).normal(size=20_000)"),
    ("density = np.exp(-(z**2) / 2)", "density = np.ones(z.shape)"),
    says="A random sample of this size is right to one per cent: the exercise asks for a ten-thousandth.",
)
wrong(
    "order_swapped",
    ("return factor, q", "return q, factor"),
    says="Your two results have changed places: the factor comes first, then q*.",
)

# --- lecun_tanh ---------------------------------------------------------------------------------------------------------


@variant("lecun_tanh")
def by_cosh(x):
    return 1.7159 * np.tanh(x * (2 / 3)), 1.7159 * 2 / 3 / np.cosh(2 * x / 3) ** 2


@variant("lecun_tanh")
def slope_from_the_value(x):
    f = 1.7159 * np.tanh(2.0 / 3.0 * x)
    return f, (2 / 3) * (1.7159 - f * f / 1.7159)


@variant("lecun_tanh")
def lecun_by_autograd(x):
    leaf = torch.tensor(x, requires_grad=True)
    f = 1.7159 * torch.tanh(2 * leaf / 3)
    return f, torch.autograd.grad(f.sum(), leaf)[0]


@variant("lecun_tanh")
def entry_by_entry(x):
    import math

    f, slope = np.zeros(x.shape), np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        t = math.tanh(2 * x[i] / 3)
        f[i], slope[i] = 1.7159 * t, 1.7159 * 2 / 3 * (1 - t) * (1 + t)
    return [f, slope]


wrong = edits_of("lecun_tanh", see=SHAPE)
ARGUMENT, VALUE, SLOPE = "np.tanh(2 * x / 3)", "1.7159 * t,", "1.7159 * (2 / 3) * (1 - t**2)"
wrong(
    "plain_tanh",
    (ARGUMENT, "np.tanh(x)"),
    (VALUE, "t,"),
    (SLOPE, "1 - t**2"),
    says="This is tanh itself, without the two constants that stretch it.",
)
wrong(
    "slope_missing_2_3",
    (SLOPE, "1.7159 * (1 - t**2)"),
    says="The chain rule brings the inner 2/3 out in front of the slope.",
)
wrong(
    "slope_missing_1_7159",
    (SLOPE, "(2 / 3) * (1 - t**2)"),
    says="Your slope forgets the height: 1.7159 multiplies it as well.",
)
wrong(
    "digits_swapped_1_7519",
    (VALUE, "1.7519 * t,"),
    (SLOPE, "1.7519 * (2 / 3) * (1 - t**2)"),
    says="Two digits have changed places: the height is 1.7159.",
)
wrong(
    "derivative_uses_x",
    (SLOPE, "1.7159 * (2 / 3) * (1 - np.tanh(x) ** 2)"),
    says="You take the slope of tanh at x: it belongs to the inner argument, 2x/3.",
)
wrong(
    "derivative_uses_the_value",
    (SLOPE, "1.7159 * (2 / 3) * (1 - (1.7159 * t) ** 2)"),
    says="You put the stretched f into 1 - tanh squared: that belongs to tanh alone, without 1.7159.",
)
wrong(
    "three_halves",
    (ARGUMENT, "np.tanh(3 * x / 2)"),
    (SLOPE, "1.7159 * (3 / 2) * (1 - t**2)"),
    says="The inner factor is two thirds, not three halves.",
)
wrong(
    "slope_not_squared_lecun",
    (SLOPE, "1.7159 * (2 / 3) * (1 - t)"),
    says="The slope of tanh is 1 minus its square.",
)
wrong(
    "exact_constants",
    (VALUE, "3**0.5 * t,"),
    (SLOPE, "3**0.5 * (2 / 3) * (1 - t**2)"),
    says="The exact height is the root of 3; the exercise asks for the constant that LeCun prints, 1.7159.",
)
wrong(
    "two_thirds_rounded",
    (ARGUMENT, "np.tanh(0.667 * x)"),
    (SLOPE, "1.7159 * 0.667 * (1 - t**2)"),
    says="0.667 is not two thirds: let the machine divide 2 by 3.",
)
wrong(
    "results_swapped",
    ("return 1.7159 * t, 1.7159 * (2 / 3) * (1 - t**2)", "return 1.7159 * (2 / 3) * (1 - t**2), 1.7159 * t"),
    says="Your two results have changed places: the value comes first, then the slope.",
)
wrong(
    "into_x",
    ("t = np.tanh(2 * x / 3)", "x *= 2 / 3\n    t = np.tanh(x)"),
    says="Your function scales the x that it was given: make a new array.",
)
wrong(
    "lecun_in_single_precision",
    (ARGUMENT, "np.tanh(np.asarray(2 * x / 3, dtype=np.float32))"),
    says="Your numbers have only seven digits: they were computed in float32 instead of float64.",
)

# --- init_layer ---------------------------------------------------------------------------------------------------------


@variant("init_layer")
def uniform_law(rng, fan_in, fan_out, mode):
    variance = 2 / (fan_in + fan_out) if mode == "xavier" else (1 if mode == "lecun" else 2) / fan_in
    limit = (3 * variance) ** 0.5
    return rng.uniform(-limit, limit, (fan_out, fan_in)), np.zeros(fan_out)


@variant("init_layer")
def coins(rng, fan_in, fan_out, mode):
    if mode == "lecun":
        size = 1 / fan_in**0.5
    elif mode == "xavier":
        size = (2 / (fan_in + fan_out)) ** 0.5
    else:
        size = (2 / fan_in) ** 0.5
    return size * rng.choice([-1.0, 1.0], size=(fan_out, fan_in)), [0.0] * fan_out


@variant("init_layer")
def scaled_standard_normal(rng, fan_in, fan_out, mode):
    W = rng.standard_normal((fan_in, fan_out)).T
    divisor = {"lecun": fan_in, "xavier": (fan_in + fan_out) / 2, "he": fan_in / 2}[mode]
    return np.divide(W, np.sqrt(divisor)), np.zeros((fan_out,))


@variant("init_layer")
def seeded_torch(rng, fan_in, fan_out, mode):
    generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
    W = torch.empty(fan_out, fan_in, dtype=torch.float64)
    variance = {"lecun": 1 / fan_in, "xavier": 2 / (fan_in + fan_out), "he": 2 / fan_in}[mode]
    W.normal_(0.0, variance**0.5, generator=generator)
    return W.requires_grad_(), torch.zeros(fan_out, dtype=torch.float64)


wrong = edits_of("init_layer", see=FACTOR)
ROOT, DRAW = "np.sqrt(variance)", "rng.normal(0.0, np.sqrt(variance), size=(fan_out, fan_in))"
wrong(
    "std_is_variance",
    (ROOT, "variance"),
    says="You give the variance where rng.normal wants a standard deviation, its root.",
)
wrong(
    "fan_out",
    ('"lecun": 1 / fan_in', '"lecun": 1 / fan_out'),
    ('"he": 2 / fan_in', '"he": 2 / fan_out'),
    says="You divide by the number of outputs: a unit adds up its inputs, so fan_in counts.",
)
wrong(
    "uniform_no_sqrt3",
    (DRAW, "rng.uniform(-(variance**0.5), variance**0.5, (fan_out, fan_in))"),
    says="A uniform law from -a to a has variance a squared over 3: a is the root of three times the variance.",
)
wrong(
    "uniform_from_zero",
    (DRAW, "rng.uniform(0, (3 * variance) ** 0.5, (fan_out, fan_in))"),
    says="Your weights are all positive: their mean must be zero.",
)
wrong(
    "he_missing_2",
    ('"he": 2 / fan_in', '"he": 1 / fan_in'),
    says="He's start doubles the variance, because ReLU is off half of the time.",
)
wrong(
    "xavier_missing_2",
    ("2 / (fan_in + fan_out)", "1 / (fan_in + fan_out)"),
    says="Glorot's variance is 2 over the sum: 1 over the mean of fan_in and fan_out.",
)
wrong(
    "xavier_6",
    ("2 / (fan_in + fan_out)", "6 / (fan_in + fan_out)"),
    says="6 belongs to the limit of Glorot's uniform law, whose variance is a third of its square; the variance is 2 over the sum.",
)
wrong(
    "xavier_as_lecun",
    ("2 / (fan_in + fan_out)", "1 / fan_in"),
    says="Your xavier is lecun: Glorot's variance takes the mean of fan_in and fan_out.",
)
wrong(
    "always_lecun",
    ("variance = {", "mode = 'lecun'\n    variance = {"),
    says="You use one variance for all modes.",
)
wrong(
    "like_torch",
    (DRAW, "rng.uniform(-1, 1, (fan_out, fan_in)) / fan_in**0.5"),
    says="This is torch.nn.Linear's own start, of variance 1/(3 fan_in), for every mode.",
)
wrong(
    "standard_normal",
    (DRAW, "rng.normal(size=(fan_out, fan_in))"),
    says="Your weights have variance 1 whatever the width.",
)
wrong(
    "W_transposed",
    ("size=(fan_out, fan_in)", "size=(fan_in, fan_out)"),
    says="Your W is (fan_in, fan_out): it has one row for every unit, (fan_out, fan_in).",
)
wrong(
    "bias_of_fan_in",
    ("np.zeros(fan_out)", "np.zeros(fan_in)"),
    says="There is one bias for every unit: fan_out of them.",
)
wrong(
    "bias_column",
    ("np.zeros(fan_out)", "np.zeros((1, fan_out))"),
    says="Your b has two axes: its shape is (fan_out,).",
)
wrong(
    "random_bias",
    ("np.zeros(fan_out)", "rng.normal(0.0, np.sqrt(variance), size=fan_out)"),
    says="Your biases are drawn, too: they start at zero.",
)
wrong(
    "small_bias",
    ("np.zeros(fan_out)", "np.full(fan_out, 0.01)"),
    says="Your biases start at 0.01: the exercise asks for zero.",
)
wrong(
    "fixed_seed",
    ("W = rng.normal(", "W = np.random.default_rng(0).normal("),
    says="You make a generator of your own, so that every layer is the same: draw from the rng that you are given.",
)
wrong(
    "global_generator",
    ("W = rng.normal(", "W = np.random.normal("),
    says="You draw from NumPy's global generator: nobody can repeat your start with rng.",
)
wrong(
    "copied_rows",
    (DRAW, "np.tile(rng.normal(0.0, np.sqrt(variance), size=fan_in), (fan_out, 1))"),
    says="All your units have the same weights: they would stay alike for ever. Draw every entry.",
)

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


wrong = edits_of("residual_forward_backward", see=LENGTH)
Z, MASK, Y, DX, DW = "z = x @ W.T", "dy * (z > 0)", "x + np.maximum(z, 0),", "dy + dz @ W,", "dz.T @ x"
wrong(
    "skip_missing_in_forward",
    (Y, "np.maximum(z, 0),"),
    says="Your output is the layer alone: add the input x to it, that is the skip.",
)
wrong(
    "skip_missing_in_backward",
    (DX, "dz @ W,"),
    says="Your dx comes through the layer only: along the skip dy arrives unchanged and is added.",
)
wrong(
    "mask_from_output",
    (MASK, "dy * (x + np.maximum(z, 0) > 0)"),
    says="You decide by the block's output which units were active; with the skip added, its sign is not that of z = Wx.",
)
wrong(
    "W_not_transposed",
    (Z, "z = x @ W"),
    (DX, "dy + dz @ W.T,"),
    (DW, "x.T @ dz"),
    says="You multiply by W instead of its transpose: for examples in rows, W x becomes x W^T.",
)
wrong(
    "W_transposed_backwards",
    (DX, "dy + dz @ W.T,"),
    says="Forwards is right, but backwards you use W^T again: the way back from z to x is a product with W.",
)
wrong(
    "residual_dW_transposed",
    (DW, "x.T @ dz"),
    says="Your dW is transposed: row k belongs to unit k of the layer, column j to input j.",
)
wrong(
    "mask_forgotten",
    (MASK, "dy"),
    says="Your gradients pass through units that were off: where z is negative, nothing comes back through the layer.",
)
wrong(
    "mask_from_input",
    (MASK, "dy * (x > 0)"),
    says="You decide by the sign of x which units were active; relu looks at z = Wx.",
)
wrong(
    "skip_masked",
    (DX, "dz + dz @ W,"),
    says="You mask the skip as well: along it dy comes back in full, also where a unit is off.",
)
wrong(
    "skip_inside_relu",
    (Z, "z = x + x @ W.T"),
    (Y, "np.maximum(z, 0),"),
    (DX, "dz + dz @ W,"),
    says="You add the input inside relu; the skip goes around it, so that a block that is off still passes x on.",
)
wrong(
    "relu_forgotten",
    (Y, "x + z,"),
    (MASK, "dy"),
    says="Your block is linear: relu is missing, forwards and backwards.",
)
wrong(
    "dW_averaged",
    (DW, "dz.T @ x / len(x)"),
    says="Your dW is a mean over the examples; dy already says what the loss averages, so dW is a sum.",
)
wrong(
    "dW_from_output",
    (DW, "dz.T @ (x + np.maximum(z, 0))"),
    says="Your dW multiplies by the block's output; the weights were multiplied with its input x.",
)
wrong(
    "upstream_forgotten",
    (MASK, "1.0 * (z > 0)"),
    (DX, "1 + dz @ W,"),
    says="Your gradients belong to dy = 1 everywhere; multiply by the upstream gradient that you are given.",
)
wrong(
    "gradients_swapped",
    ("dy + dz @ W, dz.T @ x", "dz.T @ x, dy + dz @ W"),
    says="Your dx and dW have changed places: the order is y, dx, dW.",
)
wrong(
    "adds_into_the_input",
    (
        "    return x + np.maximum(z, 0), dy + dz @ W, dz.T @ x",
        "    dW = dz.T @ x\n    x += np.maximum(z, 0)\n    return x.copy(), dy + dz @ W, dW",
    ),
    says="Your function adds into the x it was given; the caller still needs it, so make a new array.",
)
wrong(
    "adds_into_the_gradient",
    (
        "    return x + np.maximum(z, 0), dy + dz @ W, dz.T @ x",
        "    dy += dz @ W\n    return x + np.maximum(z, 0), dy.copy(), dz.T @ x",
    ),
    says="Your function adds into the dy it was given; other branches still need it, so make a new array.",
)
wrong(
    "residual_in_single_precision",
    (Z, "x, W, dy = (np.asarray(a, dtype=np.float32) for a in (x, W, dy))\n    z = x @ W.T"),
    says="Your numbers have only seven digits: they were computed in float32 instead of float64.",
)
