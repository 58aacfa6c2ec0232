"""Unit 13: each broken run fails for its stated cause and no other; repairs are told from what is none; over five seeds."""

import re
from typing import Any

import pytest

from grader.source.bank import read_bank
from grader.source.notebook import read_assignment
from tests.support.course import ROOT

UNIT = "13_training_clinic"
pytestmark = pytest.mark.unit13
SOURCE = ROOT / "solutions" / UNIT / f"{UNIT}.py"
SEEDS = range(40, 45)
REPAIRS = {  # the one line that is wrong, and what it should be
    "a": (".append(nn.Softmax(dim=1))", ""),
    "b": ("        loss.backward()", "        optimizer.zero_grad()\n        loss.backward()"),
    "c": ("head.parameters()", "net.parameters()"),
    "d": ("-2.5", "0.0"),
    "e": ("h = block(h)", "h = h + block(h)"),
    "f": ("x[1:], y[:-1], x_held[1:], y_held[:-1]", "x[1:], y[1:], x_held[1:], y_held[1:]"),
    "g": (
        "return net(rows)",
        "net.eval()\n        read = net(rows)\n        net.train()\n        return read",
    ),
    "h": ("    x, y, x_held, y_held = x[drawn[:500]]", "    x, y, _, _ = x[drawn[:500]]"),
    "i": ("    x, x_held = 96 * x + 78, 96 * x_held + 78\n", ""),
    "j": ("nn.init.constant_(layer.weight, 0.05)", "nn.init.kaiming_normal_(layer.weight)"),
    "k": ("y.argsort(stable=True)", "torch.randperm(len(y))"),
    "l": ("loss.backward()", "loss.backward()\n        nn.utils.clip_grad_norm_(net.parameters(), 1.0)"),
}
TRIALS: dict[str, tuple[float, int, dict[str, Any]]] = {
    "prepare": (0.8, 100, {}),
    "start": (0.8, 120, {}),
    "order": (0.6, 96, {"rate": 0.2}),
    "update": (1.4, 160, {"sizes": (64, *[32] * 6, 10), "gain": 1.5, "rate": 0.3}),
    "objective": (0.8, 100, {}),
}


def cells() -> dict[str, str]:
    parts = re.split(r"^# %% ", SOURCE.read_text("utf-8"), flags=re.MULTILINE)
    found = {}
    for part in parts:
        head, _, body = part.partition("\n")
        if (name := re.match(r'nbgrader=\{"grade_id": "(\w+)"', head)) and not name[1].startswith("test_"):
            found[name[1]] = body
    return found


@pytest.fixture(scope="module")
def ward():
    names: dict[str, Any] = {}
    for body in cells().values():
        exec(body, names)
    return names


def chart_of(ward, text, letter):
    names = dict(ward)
    exec(text, names)
    return [names[f"case_{letter}"](seed).readings() for seed in SEEDS]


@pytest.mark.parametrize("letter", sorted(REPAIRS))
def test_a_broken_run_trains_once_its_line_is_mended(ward, letter):
    text, (old, new) = cells()[f"case_{letter}"], REPAIRS[letter]
    assert text.count(old) == 1
    broken, mended = chart_of(ward, text, letter), chart_of(ward, text.replace(old, new), letter)
    if letter == "h":  # too good to be true: mended, the held-out rows are fresh
        assert max(run["held_loss"] for run in broken) < 0.1 < 0.5 < min(run["held_loss"] for run in mended)
        assert max(run["end_loss"] for run in mended) < 0.1
        return
    for sick, well in zip(broken, mended, strict=True):
        assert not sick["held_loss"] < 1.15
        assert well["held_loss"] < 0.9 and well["held_accuracy"] > 0.7
        assert well["held_loss"] < 0.75 * sick["held_loss"] or sick["held_loss"] != sick["held_loss"]


def test_a_script_is_at_most_forty_lines(ward):
    for letter in REPAIRS:
        assert len(cells()[f"case_{letter}"].strip().split("\n")) <= 40


@pytest.mark.parametrize("name", TRIALS)
def test_the_reference_meets_its_goal_in_half_of_the_steps(ward, name):
    goal, steps, rest = TRIALS[name]
    for turned in (False, True):
        for seed in SEEDS:
            reached, _ = ward["trial"](seed, goal, steps, turned=turned, **{name: ward[name]}, **rest)
            assert reached is not None and reached <= steps / 2


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
    for entry in wrong:
        names = dict(ward)
        exec(entry.source, names)
        for seed in SEEDS:
            try:
                reached, _ = ward["trial"](seed, goal, steps, turned=True, **{name: names[name]}, **rest)
            except AssertionError:
                continue
            assert reached is None, f"{entry.name} trains with seed {seed}"


def test_the_detector_names_fifty_unseen_charts_and_a_constant_one_in_ten(ward):
    truth = [ward["CAUSES"][k] for k in (0, 2, 5, 13, 14, 7, 3, 15, 4, 11)]
    assert len(set(truth)) == 10 and len(ward["CAUSES"]) == len(set(ward["CAUSES"])) == 20
    for seed in SEEDS:
        assert [ward["diagnose"](readings) for readings in ward["ten_charts"](20 * seed)] == truth


def test_another_class_has_other_charts_and_other_numbers():
    """Numbers that were written down from one class's charts are mostly wrong for another's; the seed stands in one place."""
    given = {}
    for variant in (0, 7):
        names: dict[str, Any] = {}
        assert sum("VARIANT = 0" in body for body in cells().values()) == 1
        for body in cells().values():
            exec(body.replace("VARIANT = 0", f"VARIANT = {variant}"), names)
        given[variant] = [number for _, number in names["findings"](names["ward"]()).values()]
    pairs = zip(given[0], given[7], strict=True)
    assert sum(abs(old - new) > 0.05 * abs(new) for old, new in pairs) >= 4
