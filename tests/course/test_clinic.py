"""Unit 13: each broken run fails for its stated cause and no other; repairs are told from what is none; over five seeds."""

import ast
import functools
import itertools
import re
from typing import Any

import numpy as np
import pytest

from grader.source.bank import read_bank
from grader.source.notebook import read_assignment
from tests.support.course import ROOT

UNIT = "13_training_clinic"
pytestmark = pytest.mark.unit13
SOURCE = ROOT / "solutions" / UNIT / f"{UNIT}.py"
SEEDS = range(40, 45)
REPAIRS = {  # the one line that is wrong, and what it should be
    1: (".append(nn.Softmax(dim=1))", ""),
    2: ("        loss.backward()", "        optimizer.zero_grad()\n        loss.backward()"),
    3: ("head.parameters()", "net.parameters()"),
    4: ("-2.5", "0.0"),
    5: ("h = block(h)", "h = h + block(h)"),
    6: ("x[1:], y[:-1], x_held[1:], y_held[:-1]", "x[1:], y[1:], x_held[1:], y_held[1:]"),
    7: (
        "return net(rows)",
        "net.eval()\n        read = net(rows)\n        net.train()\n        return read",
    ),
    8: ("    x, y, x_held, y_held = x[drawn[:500]]", "    x, y, _, _ = x[drawn[:500]]"),
    9: ("    x, x_held = 96 * x + 78, 96 * x_held + 78\n", ""),
    10: ("nn.init.constant_(layer.weight, 0.05)", "nn.init.kaiming_normal_(layer.weight)"),
    11: ("y.argsort(stable=True)", "torch.randperm(len(y))"),
    12: ("loss.backward()", "loss.backward()\n        nn.utils.clip_grad_norm_(net.parameters(), 1.0)"),
}
TRIALS: dict[str, tuple[float, int, dict[str, Any]]] = {
    "prepare": (0.8, 100, {}),
    "start": (0.8, 120, {}),
    "order": (0.6, 96, {"rate": 0.2}),
    "update": (1.4, 160, {"sizes": (64, *[32] * 6, 10), "gain": 1.5, "rate": 0.3}),
    "objective": (0.8, 100, {}),
}


@functools.cache
def parts() -> dict[str, tuple[str, float]]:
    """Every code cell of the source that has a name, with its points."""
    found = {}
    for part in re.split(r"^# %% ", SOURCE.read_text("utf-8"), flags=re.MULTILINE):
        head, _, body = part.partition("\n")
        if name := re.match(r'nbgrader=\{"grade_id": "(\w+)"(?:, "points": (\d+))?', head):
            found[name[1]] = body, float(name[2] or 0)
    return found


def cells() -> dict[str, str]:
    return {name: body for name, (body, _) in parts().items() if not name.startswith("test_")}


def graded() -> dict[str, tuple[str, float]]:
    return {name: part for name, part in parts().items() if name.startswith("test_")}


@pytest.fixture(scope="module")
def ward():
    names: dict[str, Any] = {}
    for body in cells().values():
        exec(body, names)
    return names


def charts_of(ward, text, script):
    names = dict(ward)
    exec(text, names)
    return [names[f"case_{script}"](seed).readings() for seed in SEEDS]


@pytest.mark.parametrize("script", REPAIRS)
def test_a_broken_run_trains_once_its_line_is_mended(ward, script):
    text, (old, new) = cells()[f"case_{script}"], REPAIRS[script]
    assert text.count(old) == 1
    broken, mended = charts_of(ward, text, script), charts_of(ward, text.replace(old, new), script)
    if script == 8:  # too good to be true: mended, the held-out rows are fresh
        assert max(run["held_loss"] for run in broken) < 0.1 < 0.5 < min(run["held_loss"] for run in mended)
        assert max(run["end_loss"] for run in mended) < 0.1
        return
    if script == 12:
        # chaotic: the last digit of a processor's sums decides single runs, 0.45 to 1.03 in 24 runs on one
        assert all(not sick["held_loss"] < 2 for sick in broken)
        held = sorted(well["held_loss"] for well in mended)
        assert held[2] < 0.9 and held[4] < 1.6 and min(well["held_accuracy"] for well in mended) > 0.6
        return
    for sick, well in zip(broken, mended, strict=True):
        assert not sick["held_loss"] < 1.15
        assert well["held_loss"] < 0.9 and well["held_accuracy"] > 0.7
        assert well["held_loss"] < 0.75 * sick["held_loss"] or sick["held_loss"] != sick["held_loss"]


def test_a_script_is_at_most_forty_lines(ward):
    for script in REPAIRS:
        assert len(cells()[f"case_{script}"].strip().split("\n")) <= 40


@pytest.mark.parametrize("name", TRIALS)
def test_the_reference_meets_its_goal_in_half_of_the_steps(ward, name):
    goal, steps, rest = TRIALS[name]
    reached = []
    for turned in (False, True):
        for seed in SEEDS:
            step, _ = ward["trial"](seed, goal, steps, turned=turned, **{name: ward[name]}, **rest)
            assert step is not None
            reached.append(step)
    # chaotic, as script 12 is: on one processor a single run of ten takes 96 steps of 160
    assert max(reached) <= steps * (0.75 if name == "update" else 0.5)
    assert np.median(reached) <= steps / 2


@pytest.mark.parametrize(("seed", "turned"), [(1, False), (9071, True), (9072, True)])
def test_no_processor_decides_on_a_clipped_step(ward, seed, turned):
    """What the exercise's own tests ask for is reached in half of the steps, whatever the last digits of the weights are."""
    goal, steps, rest = TRIALS["update"]
    for other in range(4):
        rng = np.random.default_rng(other)

        def update(*given, rng=rng):
            return [w * (1 + 1e-7 * rng.standard_normal(w.shape)) for w in ward["update"](*given)]

        reached, _ = ward["trial"](seed, goal, steps, turned=turned, update=update, **rest)
        assert reached is not None and reached <= steps / 2


def as_it_was(name):
    """The broken function, as the statement of its exercise prints it."""
    source = SOURCE.read_text("utf-8")
    statement = source[source.index(f'"grade_id": "{name}_statement"') :].split("\n# %%")[0]
    code = "\n".join(line[6:] for line in statement.split("\n") if line.startswith("#     "))
    assert code.startswith(f"def {name}(")
    return code


@pytest.mark.parametrize("name", TRIALS)
def test_no_wrong_repair_meets_the_goal_with_any_seed(ward, name):
    """Those that only break the rules of the task (shapes, arguments, seeds) may well train: another test has them."""
    goal, steps, rest = TRIALS[name]
    rules = {
        "changed_in_place", "divided_by_zero", "own_seed", "shape_swapped", "no_seed", "short_batch_too", "with_repetition",
        "labels_for_rows", "zero_over_zero", "weights_in_place", "one_per_row",
    }  # fmt: skip
    bank = read_bank(SOURCE.parent / "bank.py", read_assignment(SOURCE.parent).functions)
    wrong = [entry for entry in bank.misconceptions if entry.target == name and entry.name not in rules]
    assert len(wrong) >= 5
    for title, source in [
        ("the broken one", as_it_was(name)),
        *((entry.name, entry.source) for entry in wrong),
    ]:
        names = dict(ward)
        exec(source, names)
        for seed in SEEDS:
            try:
                reached, _ = ward["trial"](seed, goal, steps, turned=True, **{name: names[name]}, **rest)
            except AssertionError:
                continue
            assert reached is None, f"{title} trains with seed {seed}"


def test_the_detector_names_fifty_unseen_charts_and_a_constant_one_in_ten(ward):
    truth = [ward["CAUSES"][k] for k in (0, 2, 5, 13, 14, 7, 3, 15, 4, 11)]
    assert len(set(truth)) == 10 and len(ward["CAUSES"]) == len(set(ward["CAUSES"])) == 20
    for seed in SEEDS:
        assert [ward["diagnose"](readings) for readings in ward["ten_charts"](20 * seed)] == truth


def test_two_classes_share_at_most_one_cause(ward):
    """One of eight is what luck gives: on average the share of letters that two orders drawn at random have in common."""
    orders = [tuple(ward["scripts_of_charts"](variant).values()) for variant in range(56)]
    assert orders[0] == tuple(range(1, 9)) and all(sorted(order) == list(range(1, 9)) for order in orders)
    for one, other in itertools.combinations(orders, 2):
        assert sum(a == b for a, b in zip(one, other, strict=True)) <= 1


def ward_of(variant):
    names: dict[str, Any] = {}
    bodies = [body for name, body in cells().items()]
    assert sum("VARIANT = 0" in body for body in bodies) == 1  # the seed stands in one place
    for body in bodies:
        exec(body.replace("VARIANT = 0", f"VARIANT = {variant}"), names)
    return names


def points(names, test):
    """What a graded cell gives: its last expression, or its points; nothing where it raises."""
    body, most = graded()[test]
    *most_lines, last = ast.parse(body).body
    try:
        if isinstance(last, ast.Expr) and not isinstance(last.value, ast.Call):
            exec(compile(ast.Module(most_lines, []), test, "exec"), names)
            return float(eval(compile(ast.Expression(last.value), test, "eval"), names))
        exec(body, names)
    except AssertionError:
        return 0.0
    return most


@pytest.fixture(scope="module")
def written_down():
    """What a student of the course's own class has handed in: eight causes and eight numbers, written out."""
    names = ward_of(0)
    return names["findings"](names["ward"]())


@pytest.mark.parametrize("variant", [1, 7, 8, 23, 40, 55])
def test_one_classs_answers_are_worth_one_letter_of_eight_in_another(written_down, variant):
    names = ward_of(variant)
    exercise = [name for name in graded() if name.startswith(("test_findings", "test_diagnose"))]
    assert [points(names, name) for name in exercise] == [7, 1, 3, 1, 8, 2]
    names["findings"] = lambda readings: written_down
    causes, all_causes, numbers, all_numbers = (points(names, name) for name in exercise[:4])
    assert causes <= 7 / 8 and numbers <= 3 / 8 and all_causes == all_numbers == 0


def test_the_first_gradients_of_script_12_are_about_a_hundred(ward):
    _, _, rest = TRIALS["update"]
    norms = []

    def clipped(weights, gradients, rate):
        norms.append(sum(float((g**2).sum()) for g in gradients) ** 0.5)
        return [w - rate * g / max(1.0, norms[-1]) for w, g in zip(weights, gradients, strict=True)]

    for seed in SEEDS:
        norms.clear()
        ward["trial"](seed, 0.0, 4, update=clipped, **rest)
        assert 30 < norms[0] < 400
