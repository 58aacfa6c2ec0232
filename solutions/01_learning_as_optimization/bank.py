"""Right and wrong solutions of assignment 1. See `grader.source.bank` for the form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.source.bank import edits_of, misconception, variant

if TYPE_CHECKING:  # the notebook's set-up cell imports them
    import math

    import numpy as np
    import torch

SEARCH = "1. What is being searched for?"
BOWL = "2. Is it a bowl?"
STUCK = "3. Where does the search get stuck?"

# --- gradient_descent -------------------------------------------------------------------------------------------------


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


wrong = edits_of("gradient_descent", see=SEARCH)
GRADIENT, STEP, OUT = "grad(path[-1])", "path[-1] - lr * grad(path[-1])", "np.stack(path)"
APPEND, START, COPIED = f"path.append({STEP})", "[w0]", "[w0.copy()]"
wrong("ascent", (STEP, f"path[-1] + lr * {GRADIENT}"),
      says="Your path climbs: the gradient points uphill, and a step down is minus lr times the gradient.")
wrong("start_missing", (OUT, "np.array(path[1:])"),
      says="Your path begins after the first step; row 0 must be the start, so there are steps + 1 rows.")
wrong("last_missing", ("range(steps)", "range(steps - 1)"),
      says="Your path ends one step early: counting the start there are steps + 1 rows.")
wrong("only_the_end", (OUT, "path[-1]"),
      says="You return where the search ends; asked is the whole path to it.")
wrong("gradient_of_the_start", (GRADIENT, "grad(w0)"),
      says="You use the gradient of the start for every step; it must be asked for again at each new point.")
wrong("one_array_many_times", (START, COPIED), (APPEND, f"path.append(path[-1])\n        path[-1] -= lr * {GRADIENT}"),
      says="All rows of your path are the last point: the list holds one array many times, changed in place.")
wrong("walks_on_the_start", (START, COPIED), (APPEND, "w0 -= lr * grad(w0)\n        path.append(w0.copy())"),
      says="Your loop changes w0 itself; `w = w0` is a second name for one array, not a copy.")
wrong("normalised_steps", (GRADIENT, f"{GRADIENT} / (np.linalg.norm({GRADIENT}) + 1e-300)"),
      says="All your steps have length lr: the gradient must not be divided by its length.")
wrong("sign_steps", (GRADIENT, f"np.sign({GRADIENT})"),
      says="Every weight moves by lr whatever its slope: you use the sign of the gradient only.")
wrong("shrinking_rate", ("lr *", "lr / len(path) *"),
      says="Your rate shrinks from step to step; lr is constant in this exercise.")
wrong("one_weight_at_a_time", (APPEND, "path.append(path[-1].copy())\n        for i in range(len(w0)):\n"
      f"            path[-1][i] -= lr * {GRADIENT}[i]"),
      says="You move one weight after the other, each with a new gradient; all weights move at once, by one gradient.")
wrong("stops_when_flat", (APPEND, f"if np.linalg.norm({GRADIENT}) < 1e-8:\n            break\n        {APPEND}"),
      says="Your search stops by itself where the slope is small, so rows are missing; make every step that was asked for.")
wrong("points_as_columns", (OUT, "np.stack(path, axis=1)"),
      says="Your path is lying on its side: steps go down the rows and weights along the columns, (steps + 1, n).")
wrong("no_rate", ("lr * ", ""),
      says="You step by the gradient alone: the learning rate is missing.")
wrong("steps_from_the_start", (STEP, f"w0 - lr * {GRADIENT}"),
      says="You subtract every step from the start instead of from the point that the last step reached.")
wrong("single_precision", (START, "[w0.astype(np.float32)]"),
      (STEP, "(path[-1] - lr * grad(path[-1].astype(float))).astype(np.float32)"), (OUT, f"{OUT}.astype(float)"),
      says="You keep only seven digits of the path: compute in float64.")

# --- success_after_restarts -------------------------------------------------------------------------------------------


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


wrong = edits_of("success_after_restarts", see=STUCK)
ALLOWED, CERTAIN, OUT = "not 0 < p <= 1", "    if p == 1:\n        return float(k > 0)\n", "-math.expm1(k * math.log1p(-p))"
wrong("adds_chances", (OUT, "min(1.0, k * p)"),
      says="You add up the chances, k p; runs can succeed together, so this counts some successes twice.")
wrong("all_succeed", (CERTAIN, ""), (OUT, "p**k"),
      says="You return the chance that all k runs succeed; asked is that at least one does.")
wrong("all_fail", (CERTAIN, ""), (OUT, "(1 - p) ** k"),
      says="You return the chance that all runs fail; success is one minus it.")
wrong("exactly_one", (CERTAIN, ""), (OUT, "k * p * (1 - p) ** (k - 1) if k else 0.0"),
      says="You return the chance that exactly one run succeeds; two successes are a success too.")
wrong("cancels", (OUT, "1 - (1 - p) ** k"),
      says="1 - p rounds a tiny p to a few digits, so your result is wrong for rare successes; use log1p and expm1.")
wrong("log_without_1p", ("log1p(-p)", "log(1 - p)"),
      says="log(1 - p) has lost the digits of a tiny p before the logarithm is taken; log1p(-p) keeps them.")
wrong("subtracts_from_one", ("-math.expm1", "1 - math.exp"),
      says="You subtract e^(k ln(1-p)) from 1, which loses the digits of a small chance; -expm1 keeps them.")
wrong("first_run_extra", ("float(k > 0)", "1.0"), (OUT, "-math.expm1((k + 1) * math.log1p(-p))"),
      says="You count k runs after the first one; k counts all of them, so the exponent is k and not k + 1.")
wrong("one_run_short", ("float(k > 0)", "float(k > 1)"), (OUT, "-math.expm1((k - 1) * math.log1p(-p))"),
      says="You leave out one run: the exponent is k and not k - 1.")
wrong("poisson_limit", (CERTAIN, ""), (OUT, "-math.expm1(-k * p)"),
      says="1 - e^(-kp) is the limit for small p; for p = 0.5 it is far from 1 - (1-p)^k.")


@misconception("success_after_restarts", see=STUCK,
               says="A p outside 0 < p <= 1 is no probability of success; your function must raise ValueError for it.")
def takes_any_p(p, k):
    with np.errstate(all="ignore"):
        return float(-np.expm1(k * np.log1p(-p))) if k else 0.0


wrong("refuses_certainty", (ALLOWED, "not 0 < p < 1"),
      says="p = 1 is allowed: every run succeeds then.")

# --- restarts_needed --------------------------------------------------------------------------------------------------


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


wrong = edits_of("restarts_needed", see=STUCK)
CERTAIN, RUNS = "    if p == 1:\n        return int(target > 0)\n", "math.log1p(-target) / math.log1p(-p)"
wrong("rounds_down", ("math.ceil", "int"),
      says="You round down, so the number of runs falls short of the target.")
wrong("rounds_to_nearest", ("math.ceil", "round"),
      says="You round to the nearest whole number, which falls short of the target every other time.")
wrong("floor_plus_one", (f"math.ceil({RUNS})", f"math.floor({RUNS}) + 1"),
      says="You make one run too many where k runs reach the target exactly: rounding up is not rounding down plus one.")
wrong("plain_logarithms", (RUNS, "math.log(1 - target) / math.log(1 - p)"),
      says="log(1 - p) has lost the digits of a tiny p, so your count is off by millions of runs; use log1p(-p).")
wrong("expected_runs", (CERTAIN, ""), (RUNS, "1 / p"),
      says="1/p is the number of runs until the first success on average; it does not depend on the target.")
wrong("target_over_p", (RUNS, "target / p"),
      says="target / p adds up the chances of the runs; it is too small, because runs can succeed together.")
wrong("first_run_free", ("int(target > 0)", "0"), (f"math.ceil({RUNS})", f"max(0, math.ceil({RUNS}) - 1)"),
      says="You count the runs after the first one; k counts all runs.")
wrong("logarithm_of_p", ("math.log1p(-p)", "math.log(p)"),
      says="You solved p^k for k: that is the number of runs of which all succeed.")
wrong("failure_is_target", ("if p == 1", "if p == 1 or target == 0"), ("math.log1p(-target)", "math.log(target)"),
      says="You solved (1-p)^k = target; the chance of failure that is left is 1 - target.")
wrong("returns_a_float", ("int(target > 0)", "float(target > 0)"), ("math.ceil", "np.ceil"),
      says="A number of runs is a whole number: return an int, which math.ceil gives and np.ceil does not.")
wrong("gives_up_counting", (f"return math.ceil({RUNS})", "all_fail, k = 1.0, 0\n    while 1 - all_fail < target and k < 10_000:\n"
      "        all_fail, k = all_fail * (1 - p), k + 1\n    return k"),
      says="You count one by one and give up after a while; for rare successes the count must be computed.")
wrong("no_certain_run", ("not 0 < p <= 1", "not 0 < p < 1"),
      says="p = 1 is allowed: the first run is enough, although the logarithm of 1 - p does not exist.")


@misconception("restarts_needed", see=STUCK,
               says="No number of runs makes success certain, and no chance is negative: raise ValueError for such a target or p.")
def takes_any_target(p, target):
    if p == 1:
        return int(target > 0)
    runs = np.log1p(-min(target, 0.999999999999)) / np.log1p(-min(p, 0.999999999999))
    return int(np.ceil(runs)) if np.isfinite(runs) else 0


wrong("at_least_one_run", ("int(target > 0)", "1"), (f"math.ceil({RUNS})", f"max(1, math.ceil({RUNS}))"),
      says="A target of 0 is reached without any run: the smallest k is 0.")

# --- loss_along_segment -----------------------------------------------------------------------------------------------


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


wrong = edits_of("loss_along_segment", see=BOWL)
POSITIONS, POINT, LOSSES = "np.linspace(0.0, 1.0, num)", "a + t * (b - a)", "np.array([loss(a + t * (b - a)) for t in positions])"
wrong("mixes_losses", (LOSSES, "(1 - positions) * loss(a) + positions * loss(b)"),
      says="You mix the two losses; mix the two points and ask for the loss there. What you draw is the chord, always straight.")
wrong("walks_back", (POINT, "t * a + (1 - t) * b"),
      says="You walk from b to a: alpha = 0 is a and alpha = 1 is b.")
wrong("end_left_out", (POSITIONS, "np.linspace(0.0, 1.0, num, endpoint=False)"),
      says="Your last point is not b: both ends belong to the num points.")
wrong("start_left_out", (POSITIONS, "np.arange(1, num + 1) / num"),
      says="Your first point is not a: both ends belong to the num points.")
wrong("counts_gaps", (POSITIONS, "np.linspace(0.0, 1.0, num + 1)"),
      says="You return num + 1 points: num counts the points, not the gaps between them.")
wrong("arange_with_a_step", (POSITIONS, "np.arange(0, 1 + 1 / (num - 1), 1 / (num - 1))"),
      says="np.arange with a broken step makes a point too many for some num; np.linspace counts points.")
wrong("adds_b", (POINT, "a + t * b"),
      says="You add alpha b to a; the way from a to b is b - a.")
wrong("distances_for_alphas", ("return positions", "return positions * np.linalg.norm(b - a)"),
      says="Your first result is the distance walked; alpha runs from 0 to 1 whatever the distance is.")
wrong("unit_direction", (POINT, "a + t * ((b - a) / max(np.linalg.norm(b - a), 1e-300))"),
      says="You walk one unit of length towards b and not all the way: do not divide b - a by its length.")
wrong("moves_a", ("    return", "    step, losses = (b - a) / (num - 1), []\n    for _ in positions:\n"
      "        losses.append(loss(a))\n        a += step\n    return"), (LOSSES, "np.array(losses)"),
      says="Your line goes on along points that were moved in place: a must stay as it is.")
wrong("lowest_so_far", ("np.array(", "np.minimum.accumulate("),
      says="You keep the lowest loss so far; a hill on the way must be seen.")
wrong("losses_first", (f"positions, {LOSSES}", f"{LOSSES}, positions"),
      says="You return the two arrays in the other order: first alphas, then losses.")
wrong("relative_to_a", (f"loss({POINT})", f"loss({POINT}) - loss(a)"),
      says="You return the losses minus the loss at a; asked is the loss itself.")
wrong("one_entry_after_another", (LOSSES, "np.array([loss(np.concatenate([b[:k], a[k:]])) for k in np.round(positions * len(a)).astype(int)])"),
      says="You swap in the entries of b one after the other; every entry moves along the line at the same time.")
