"""Right and wrong solutions of assignment 1."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from grader.source.bank import misconception, variant

if TYPE_CHECKING:  # the notebook's set-up cell imports them
    import numpy as np
    import torch

SEARCH = "1. What is being searched for?"
BOWL = "2. Is it a bowl?"
STUCK = "3. Where does the search get stuck?"

# --- gradient_descent: right ------------------------------------------------------------------------------------------


@variant("gradient_descent")
def preallocated(grad, w0, lr, steps):
    path = np.empty((steps + 1, len(w0)))
    path[0] = w0
    for t in range(steps):
        path[t + 1] = path[t] - lr * grad(path[t])
    return path


@variant("gradient_descent")
def in_place_on_a_copy(grad, w0, lr, steps):
    w = w0.copy()
    path = [w.copy()]
    for _ in range(steps):
        w -= lr * grad(w)
        path.append(w.copy())
    return np.array(path)


@variant("gradient_descent")
def recursive(grad, w0, lr, steps):
    def walk(w, left):
        return [w] if left == 0 else [w, *walk(w - lr * grad(w), left - 1)]

    return np.stack(walk(np.array(w0), steps))


@variant("gradient_descent")
def torch_rows(grad, w0, lr, steps):
    w = torch.tensor(w0, dtype=torch.float64)
    rows = [w]
    for _ in range(steps):
        w = w - lr * torch.as_tensor(grad(w.numpy().copy()))
        rows.append(w)
    return torch.stack(rows)


@variant("gradient_descent")
def lists_of_floats(grad, w0, lr, steps):
    path = [[float(x) for x in w0]]
    for _ in range(steps):
        slope = grad(np.array(path[-1]))
        path.append([x - lr * float(g) for x, g in zip(path[-1], slope, strict=True)])
    return path


@variant("gradient_descent")
def accumulated(grad, w0, lr, steps):
    from itertools import accumulate

    return np.array(list(accumulate(range(steps), lambda w, _: w - lr * grad(w), initial=np.array(w0))))


# --- gradient_descent: wrong ------------------------------------------------------------------------------------------


@misconception(
    "gradient_descent",
    says="Your path climbs: the gradient points uphill, and a step down is minus lr times the gradient.",
    see=SEARCH,
)
def ascent(grad, w0, lr, steps):
    path = [w0]
    for _ in range(steps):
        path.append(path[-1] + lr * grad(path[-1]))
    return np.stack(path)


@misconception(
    "gradient_descent",
    says="Your path begins after the first step; row 0 must be the start, so there are steps + 1 rows.",
    see=SEARCH,
)
def start_missing(grad, w0, lr, steps):
    w, path = w0, []
    for _ in range(steps):
        w = w - lr * grad(w)
        path.append(w)
    return np.array(path)


@misconception(
    "gradient_descent",
    says="Your path ends one step early: counting the start there are steps + 1 rows.",
    see=SEARCH,
)
def last_missing(grad, w0, lr, steps):
    path = [w0]
    for _ in range(steps - 1):
        path.append(path[-1] - lr * grad(path[-1]))
    return np.stack(path)


@misconception(
    "gradient_descent", says="You return where the search ends; asked is the whole path to it.", see=SEARCH
)
def only_the_end(grad, w0, lr, steps):
    w = w0
    for _ in range(steps):
        w = w - lr * grad(w)
    return w


@misconception(
    "gradient_descent",
    says="You use the gradient of the start for every step; it must be asked for again at each new point.",
    see=SEARCH,
)
def gradient_of_the_start(grad, w0, lr, steps):
    slope = grad(w0)
    return np.stack([w0 - t * lr * slope for t in range(steps + 1)])


@misconception(
    "gradient_descent",
    says="All rows of your path are the last point: the list holds one array many times, changed in place.",
    see=SEARCH,
)
def one_array_many_times(grad, w0, lr, steps):
    w = w0.copy()
    path = [w]
    for _ in range(steps):
        w -= lr * grad(w)
        path.append(w)
    return np.stack(path)


@misconception(
    "gradient_descent",
    says="Your loop changes w0 itself; `w = w0` is a second name for one array, not a copy.",
    see=SEARCH,
)
def walks_on_the_start(grad, w0, lr, steps):
    w = w0
    path = [w.copy()]
    for _ in range(steps):
        w -= lr * grad(w)
        path.append(w.copy())
    return np.stack(path)


@misconception(
    "gradient_descent",
    says="All your steps have length lr: the gradient must not be divided by its length.",
    see=SEARCH,
)
def normalised_steps(grad, w0, lr, steps):
    path = [w0]
    for _ in range(steps):
        slope = grad(path[-1])
        path.append(path[-1] - lr * slope / (np.linalg.norm(slope) + 1e-300))
    return np.stack(path)


@misconception(
    "gradient_descent",
    says="Every weight moves by lr whatever its slope: you use the sign of the gradient only.",
    see=SEARCH,
)
def sign_steps(grad, w0, lr, steps):
    path = [w0]
    for _ in range(steps):
        path.append(path[-1] - lr * np.sign(grad(path[-1])))
    return np.stack(path)


@misconception(
    "gradient_descent",
    says="Your rate shrinks from step to step; lr is constant in this exercise.",
    see=SEARCH,
)
def shrinking_rate(grad, w0, lr, steps):
    path = [w0]
    for t in range(steps):
        path.append(path[-1] - lr / (t + 1) * grad(path[-1]))
    return np.stack(path)


@misconception(
    "gradient_descent",
    says="You move one weight after the other, each with a new gradient; all weights move at once, by one gradient.",
    see=SEARCH,
)
def one_weight_at_a_time(grad, w0, lr, steps):
    path = [w0]
    for _ in range(steps):
        w = path[-1].copy()
        for i in range(len(w)):
            w[i] -= lr * grad(w)[i]
        path.append(w)
    return np.stack(path)


@misconception(
    "gradient_descent",
    says="Your search stops by itself where the slope is small, so rows are missing; make every step that was asked for.",
    see=SEARCH,
)
def stops_when_flat(grad, w0, lr, steps):
    path = [w0]
    for _ in range(steps):
        slope = grad(path[-1])
        if np.linalg.norm(slope) < 1e-8:
            break
        path.append(path[-1] - lr * slope)
    return np.stack(path)


@misconception(
    "gradient_descent",
    says="Your path is lying on its side: steps go down the rows and weights along the columns, (steps + 1, n).",
    see=SEARCH,
)
def points_as_columns(grad, w0, lr, steps):
    path = [w0]
    for _ in range(steps):
        path.append(path[-1] - lr * grad(path[-1]))
    return np.stack(path, axis=1)


@misconception(
    "gradient_descent",
    says="You step by the gradient alone: the learning rate is missing.",
    see=SEARCH,
)
def no_rate(grad, w0, lr, steps):
    path = [w0]
    for _ in range(steps):
        path.append(path[-1] - grad(path[-1]))
    return np.stack(path)


@misconception(
    "gradient_descent",
    says="You subtract every step from the start instead of from the point that the last step reached.",
    see=SEARCH,
)
def steps_from_the_start(grad, w0, lr, steps):
    path = [w0]
    for _ in range(steps):
        path.append(w0 - lr * grad(path[-1]))
    return np.stack(path)


@misconception(
    "gradient_descent",
    says="You keep only seven digits of the path: compute in float64.",
    see=SEARCH,
)
def single_precision(grad, w0, lr, steps):
    path = np.zeros((steps + 1, len(w0)), dtype=np.float32)
    path[0] = w0
    for t in range(steps):
        path[t + 1] = path[t] - lr * grad(path[t].astype(float))
    return path.astype(float)


# --- success_after_restarts: right ------------------------------------------------------------------------------------


@variant("success_after_restarts")
def numpy_logs(p, k):
    if p <= 0 or p > 1:
        raise ValueError("p must lie in (0, 1]")
    with np.errstate(divide="ignore"):
        return 0.0 if k == 0 else -np.expm1(k * np.log1p(-p))


@variant("success_after_restarts")
def torch_logs(p, k):
    if not (p > 0 and p <= 1):
        raise ValueError("p")
    if k == 0:
        return 0.0
    return -torch.expm1(k * torch.log1p(-torch.tensor(p, dtype=torch.float64)))


@variant("success_after_restarts")
def by_squaring(p, k):
    """P(2k) = 2 P(k) - P(k)^2 and P(k + 1) = P(k) + p - p P(k): no subtraction of nearly equal numbers."""
    if not 0 < p <= 1:
        raise ValueError("p must lie in (0, 1]")
    chance = 0.0
    for bit in bin(k)[2:]:
        chance = chance * (2 - chance)
        if bit == "1":
            chance = chance + p * (1 - chance)
    return chance


@variant("success_after_restarts")
def in_decimals(p, k):
    from decimal import Decimal, localcontext

    if not 0 < p <= 1:
        raise ValueError("p must lie in (0, 1]")
    with localcontext() as context:
        context.prec = 50
        return float(1 - (1 - Decimal(p)) ** k) if k else 0.0


# --- success_after_restarts: wrong ------------------------------------------------------------------------------------


@misconception(
    "success_after_restarts",
    says="You add up the chances, k p; runs can succeed together, so this counts some successes twice.",
    see=STUCK,
)
def adds_chances(p, k):
    if not 0 < p <= 1:
        raise ValueError("p")
    return min(1.0, k * p)


@misconception(
    "success_after_restarts",
    says="You return the chance that all k runs succeed; asked is that at least one does.",
    see=STUCK,
)
def all_succeed(p, k):
    if not 0 < p <= 1:
        raise ValueError("p")
    return p**k


@misconception(
    "success_after_restarts",
    says="You return the chance that all runs fail; success is one minus it.",
    see=STUCK,
)
def all_fail(p, k):
    if not 0 < p <= 1:
        raise ValueError("p")
    return (1 - p) ** k


@misconception(
    "success_after_restarts",
    says="You return the chance that exactly one run succeeds; two successes are a success too.",
    see=STUCK,
)
def exactly_one(p, k):
    if not 0 < p <= 1:
        raise ValueError("p")
    return k * p * (1 - p) ** (k - 1) if k else 0.0


@misconception(
    "success_after_restarts",
    says="1 - p rounds a tiny p to a few digits, so your result is wrong for rare successes; use log1p and expm1.",
    see=STUCK,
)
def cancels(p, k):
    if not 0 < p <= 1:
        raise ValueError("p")
    return 1 - (1 - p) ** k


@misconception(
    "success_after_restarts",
    says="log(1 - p) has lost the digits of a tiny p before the logarithm is taken; log1p(-p) keeps them.",
    see=STUCK,
)
def log_without_1p(p, k):
    if not 0 < p <= 1:
        raise ValueError("p")
    return float(k > 0) if p == 1 else -math.expm1(k * math.log(1 - p))


@misconception(
    "success_after_restarts",
    says="You subtract e^(k ln(1-p)) from 1, which loses the digits of a small chance; -expm1 keeps them.",
    see=STUCK,
)
def subtracts_from_one(p, k):
    if not 0 < p <= 1:
        raise ValueError("p")
    return float(k > 0) if p == 1 else 1 - math.exp(k * math.log1p(-p))


@misconception(
    "success_after_restarts",
    says="You count k runs after the first one; k counts all of them, so the exponent is k and not k + 1.",
    see=STUCK,
)
def first_run_extra(p, k):
    if not 0 < p <= 1:
        raise ValueError("p")
    return 1.0 if p == 1 else -math.expm1((k + 1) * math.log1p(-p))


@misconception(
    "success_after_restarts",
    says="You leave out one run: the exponent is k and not k - 1.",
    see=STUCK,
)
def one_run_short(p, k):
    if not 0 < p <= 1:
        raise ValueError("p")
    return float(k > 1) if p == 1 else -math.expm1((k - 1) * math.log1p(-p))


@misconception(
    "success_after_restarts",
    says="1 - e^(-kp) is the limit for small p; for p = 0.5 it is far from 1 - (1-p)^k.",
    see=STUCK,
)
def poisson_limit(p, k):
    if not 0 < p <= 1:
        raise ValueError("p")
    return -math.expm1(-k * p)


@misconception(
    "success_after_restarts",
    says="A p outside 0 < p <= 1 is no probability of success; your function must raise ValueError for it.",
    see=STUCK,
)
def takes_any_p(p, k):
    with np.errstate(all="ignore"):
        return float(-np.expm1(k * np.log1p(-p))) if k else 0.0


@misconception(
    "success_after_restarts",
    says="p = 1 is allowed: every run succeeds then.",
    see=STUCK,
)
def refuses_certainty(p, k):
    if not 0 < p < 1:
        raise ValueError("p must lie in (0, 1)")
    return -math.expm1(k * math.log1p(-p))


# --- restarts_needed: right -------------------------------------------------------------------------------------------


@variant("restarts_needed")
def numpy_ceiling(p, target):
    if p <= 0 or p > 1 or target < 0 or target >= 1:
        raise ValueError("out of range")
    with np.errstate(divide="ignore"):
        return int(np.ceil(np.log1p(-target) / np.log1p(-p))) if p < 1 else int(target > 0)


@variant("restarts_needed")
def by_bisection(p, target):
    if not (0 < p <= 1 and 0 <= target < 1):
        raise ValueError("out of range")
    low, high = -1, 1
    while success_after_restarts(p, high) < target:  # noqa: F821 - the other function of the cell
        high *= 2
    while high - low > 1:
        middle = (low + high) // 2
        if middle >= 0 and success_after_restarts(p, middle) >= target:  # noqa: F821
            high = middle
        else:
            low = middle
    return high


@variant("restarts_needed")
def corrected(p, target):
    """The estimate by logarithms, then moved until it is the smallest by the definition."""
    if not 0 < p <= 1 or not 0 <= target < 1:
        raise ValueError("out of range")
    k = 1 if p == 1 else round(math.log1p(-target) / math.log1p(-p))
    while success_after_restarts(p, k) < target:  # noqa: F821
        k += 1
    while k > 0 and success_after_restarts(p, k - 1) >= target:  # noqa: F821
        k -= 1
    return k


@variant("restarts_needed")
def with_decimals(p, target):
    from decimal import ROUND_CEILING, Decimal, localcontext

    if not 0 < p <= 1 or not 0 <= target < 1:
        raise ValueError("out of range")
    if p == 1:
        return 1 if target else 0
    with localcontext() as context:
        context.prec = 50
        runs = (1 - Decimal(target)).ln() / (1 - Decimal(p)).ln()
        return int(runs.to_integral_value(ROUND_CEILING))


# --- restarts_needed: wrong -------------------------------------------------------------------------------------------


@misconception(
    "restarts_needed",
    says="You round down, so the number of runs falls short of the target.",
    see=STUCK,
)
def rounds_down(p, target):
    if not 0 < p <= 1 or not 0 <= target < 1:
        raise ValueError("out of range")
    if p == 1:
        return int(target > 0)
    return int(math.log1p(-target) / math.log1p(-p))


@misconception(
    "restarts_needed",
    says="You round to the nearest whole number, which falls short of the target every other time.",
    see=STUCK,
)
def rounds_to_nearest(p, target):
    if not 0 < p <= 1 or not 0 <= target < 1:
        raise ValueError("out of range")
    if p == 1:
        return int(target > 0)
    return round(math.log1p(-target) / math.log1p(-p))


@misconception(
    "restarts_needed",
    says="You make one run too many where k runs reach the target exactly: rounding up is not rounding down plus one.",
    see=STUCK,
)
def floor_plus_one(p, target):
    if not 0 < p <= 1 or not 0 <= target < 1:
        raise ValueError("out of range")
    if p == 1:
        return int(target > 0)
    return math.floor(math.log1p(-target) / math.log1p(-p)) + 1


@misconception(
    "restarts_needed",
    says="log(1 - p) has lost the digits of a tiny p, so your count is off by millions of runs; use log1p(-p).",
    see=STUCK,
)
def plain_logarithms(p, target):
    if not 0 < p <= 1 or not 0 <= target < 1:
        raise ValueError("out of range")
    if p == 1:
        return int(target > 0)
    return math.ceil(math.log(1 - target) / math.log(1 - p))


@misconception(
    "restarts_needed",
    says="1/p is the number of runs until the first success on average; it does not depend on the target.",
    see=STUCK,
)
def expected_runs(p, target):
    if not 0 < p <= 1 or not 0 <= target < 1:
        raise ValueError("out of range")
    return math.ceil(1 / p)


@misconception(
    "restarts_needed",
    says="target / p adds up the chances of the runs; it is too small, because runs can succeed together.",
    see=STUCK,
)
def target_over_p(p, target):
    if not 0 < p <= 1 or not 0 <= target < 1:
        raise ValueError("out of range")
    return math.ceil(target / p)


@misconception(
    "restarts_needed",
    says="You count the runs after the first one; k counts all runs.",
    see=STUCK,
)
def first_run_free(p, target):
    if not 0 < p <= 1 or not 0 <= target < 1:
        raise ValueError("out of range")
    if p == 1:
        return 0
    return max(0, math.ceil(math.log1p(-target) / math.log1p(-p)) - 1)


@misconception(
    "restarts_needed",
    says="You solved p^k for k: that is the number of runs of which all succeed.",
    see=STUCK,
)
def logarithm_of_p(p, target):
    if not 0 < p <= 1 or not 0 <= target < 1:
        raise ValueError("out of range")
    if p == 1:
        return int(target > 0)
    return math.ceil(math.log1p(-target) / math.log(p))


@misconception(
    "restarts_needed",
    says="You solved (1-p)^k = target; the chance of failure that is left is 1 - target.",
    see=STUCK,
)
def failure_is_target(p, target):
    if not 0 < p <= 1 or not 0 <= target < 1:
        raise ValueError("out of range")
    if p == 1 or target == 0:
        return int(target > 0)
    return math.ceil(math.log(target) / math.log1p(-p))


@misconception(
    "restarts_needed",
    says="A number of runs is a whole number: return an int, which math.ceil gives and np.ceil does not.",
    see=STUCK,
)
def returns_a_float(p, target):
    if not 0 < p <= 1 or not 0 <= target < 1:
        raise ValueError("out of range")
    if p == 1:
        return float(target > 0)
    return np.ceil(np.log1p(-target) / np.log1p(-p))


@misconception(
    "restarts_needed",
    says="You count one by one and give up after a while; for rare successes the count must be computed.",
    see=STUCK,
)
def gives_up_counting(p, target):
    if not 0 < p <= 1 or not 0 <= target < 1:
        raise ValueError("out of range")
    all_fail, k = 1.0, 0
    while 1 - all_fail < target and k < 10_000:
        all_fail, k = all_fail * (1 - p), k + 1
    return k


@misconception(
    "restarts_needed",
    says="p = 1 is allowed: the first run is enough, although the logarithm of 1 - p does not exist.",
    see=STUCK,
)
def no_certain_run(p, target):
    if not 0 < p < 1 or not 0 <= target < 1:
        raise ValueError("out of range")
    return math.ceil(math.log1p(-target) / math.log1p(-p))


@misconception(
    "restarts_needed",
    says="No number of runs makes success certain, and no chance is negative: raise ValueError for such a target or p.",
    see=STUCK,
)
def takes_any_target(p, target):
    if p == 1:
        return int(target > 0)
    runs = np.log1p(-min(target, 0.999999999999)) / np.log1p(-min(p, 0.999999999999))
    return int(np.ceil(runs)) if np.isfinite(runs) else 0


@misconception(
    "restarts_needed",
    says="A target of 0 is reached without any run: the smallest k is 0.",
    see=STUCK,
)
def at_least_one_run(p, target):
    if not 0 < p <= 1 or not 0 <= target < 1:
        raise ValueError("out of range")
    return 1 if p == 1 else max(1, math.ceil(math.log1p(-target) / math.log1p(-p)))


# --- loss_along_segment: right ----------------------------------------------------------------------------------------


@variant("loss_along_segment")
def loop_and_lists(loss, a, b, num):
    alphas, losses = [], []
    for i in range(num):
        alpha = i / (num - 1)
        alphas.append(alpha)
        losses.append(loss((1 - alpha) * a + alpha * b))
    return alphas, losses


@variant("loss_along_segment")
def all_points_first(loss, a, b, num):
    points = np.linspace(a, b, num)
    return np.linspace(0, 1, num), np.array([loss(point) for point in points])


@variant("loss_along_segment")
def outer_product(loss, a, b, num):
    alphas = np.arange(num) / (num - 1)
    points = np.outer(1 - alphas, a) + np.outer(alphas, b)
    return [alphas, np.fromiter(map(loss, points), dtype=float, count=num)]


@variant("loss_along_segment")
def torch_lerp(loss, a, b, num):
    alphas = torch.linspace(0, 1, num, dtype=torch.float64)
    points = torch.lerp(torch.tensor(a), torch.tensor(b), alphas[:, None])
    return alphas, torch.tensor([float(loss(point.numpy())) for point in points], dtype=torch.float64)


@variant("loss_along_segment")
def along_the_axis(loss, a, b, num):
    alphas = np.linspace(0.0, 1.0, num)
    return alphas, np.apply_along_axis(loss, 1, a + alphas[:, None] * (b - a))


# --- loss_along_segment: wrong ----------------------------------------------------------------------------------------


@misconception(
    "loss_along_segment",
    says="You mix the two losses; mix the two points and ask for the loss there. What you draw is the chord, always straight.",
    see=BOWL,
)
def mixes_losses(loss, a, b, num):
    alphas = np.linspace(0, 1, num)
    return alphas, (1 - alphas) * loss(a) + alphas * loss(b)


@misconception(
    "loss_along_segment",
    says="You walk from b to a: alpha = 0 is a and alpha = 1 is b.",
    see=BOWL,
)
def walks_back(loss, a, b, num):
    alphas = np.linspace(0, 1, num)
    return alphas, np.array([loss(alpha * a + (1 - alpha) * b) for alpha in alphas])


@misconception(
    "loss_along_segment", says="Your last point is not b: both ends belong to the num points.", see=BOWL
)
def end_left_out(loss, a, b, num):
    alphas = np.linspace(0, 1, num, endpoint=False)
    return alphas, np.array([loss(a + alpha * (b - a)) for alpha in alphas])


@misconception(
    "loss_along_segment", says="Your first point is not a: both ends belong to the num points.", see=BOWL
)
def start_left_out(loss, a, b, num):
    alphas = np.arange(1, num + 1) / num
    return alphas, np.array([loss(a + alpha * (b - a)) for alpha in alphas])


@misconception(
    "loss_along_segment",
    says="You return num + 1 points: num counts the points, not the gaps between them.",
    see=BOWL,
)
def counts_gaps(loss, a, b, num):
    alphas = np.linspace(0, 1, num + 1)
    return alphas, np.array([loss(a + alpha * (b - a)) for alpha in alphas])


@misconception(
    "loss_along_segment",
    says="np.arange with a broken step makes a point too many for some num; np.linspace counts points.",
    see=BOWL,
)
def arange_with_a_step(loss, a, b, num):
    step = 1 / (num - 1)
    alphas = np.arange(0, 1 + step, step)
    return alphas, np.array([loss(a + alpha * (b - a)) for alpha in alphas])


@misconception(
    "loss_along_segment",
    says="You add alpha b to a; the way from a to b is b - a.",
    see=BOWL,
)
def adds_b(loss, a, b, num):
    alphas = np.linspace(0, 1, num)
    return alphas, np.array([loss(a + alpha * b) for alpha in alphas])


@misconception(
    "loss_along_segment",
    says="Your first result is the distance walked; alpha runs from 0 to 1 whatever the distance is.",
    see=BOWL,
)
def distances_for_alphas(loss, a, b, num):
    alphas = np.linspace(0, 1, num)
    losses = np.array([loss(a + alpha * (b - a)) for alpha in alphas])
    return alphas * np.linalg.norm(b - a), losses


@misconception(
    "loss_along_segment",
    says="You walk one unit of length towards b and not all the way: do not divide b - a by its length.",
    see=BOWL,
)
def unit_direction(loss, a, b, num):
    alphas = np.linspace(0, 1, num)
    way = (b - a) / max(np.linalg.norm(b - a), 1e-300)
    return alphas, np.array([loss(a + alpha * way) for alpha in alphas])


@misconception(
    "loss_along_segment",
    says="Your line goes on along points that were moved in place: a must stay as it is.",
    see=BOWL,
)
def moves_a(loss, a, b, num):
    step = (b - a) / (num - 1)
    losses = []
    for _ in range(num):
        losses.append(loss(a))
        a += step
    return np.linspace(0, 1, num), np.array(losses)


@misconception(
    "loss_along_segment",
    says="You keep the lowest loss so far; a hill on the way must be seen.",
    see=BOWL,
)
def lowest_so_far(loss, a, b, num):
    alphas = np.linspace(0, 1, num)
    return alphas, np.minimum.accumulate([loss(a + alpha * (b - a)) for alpha in alphas])


@misconception(
    "loss_along_segment",
    says="You return the two arrays in the other order: first alphas, then losses.",
    see=BOWL,
)
def losses_first(loss, a, b, num):
    alphas = np.linspace(0, 1, num)
    return np.array([loss(a + alpha * (b - a)) for alpha in alphas]), alphas


@misconception(
    "loss_along_segment",
    says="You return the losses minus the loss at a; asked is the loss itself.",
    see=BOWL,
)
def relative_to_a(loss, a, b, num):
    alphas = np.linspace(0, 1, num)
    return alphas, np.array([loss(a + alpha * (b - a)) - loss(a) for alpha in alphas])


@misconception(
    "loss_along_segment",
    says="You swap in the entries of b one after the other; every entry moves along the line at the same time.",
    see=BOWL,
)
def one_entry_after_another(loss, a, b, num):
    alphas = np.linspace(0, 1, num)
    swapped = np.round(alphas * len(a)).astype(int)
    return alphas, np.array([loss(np.concatenate([b[:k], a[k:]])) for k in swapped])
