"""Misconceptions are named where exactly one of the bank answers as the student's code does, and nowhere else."""

from __future__ import annotations

import dataclasses
import pickle
import textwrap
import time
from typing import Any

import numpy as np
import pytest
import torch

from grader.build.build import build
from grader.engine import grade, misconceptions, supervisor
from grader.engine.rehearsal import rehearse
from grader.engine.result import Status, Verdict
from grader.engine.submission import Submission
from grader.sandbox import forkserver
from grader.sandbox.limits import Limits
from grader.source.answers import fill, solution_answers, student_version
from grader.source.bank import WrongAnswer
from grader.source.notebook import Assignment, Cell, Exercise, Role, read_assignment
from tests.support import tinyunit
from trainlab import checks

MEAN = "def mean(x):\n    return x.mean(axis=0)\n"
ASKED = """
checks.array(mean(np.array([[1.0, 2.0], [3.0, 6.0]])), [2.0, 4.0], "mean")
checks.array(mean(np.array([[1.0, 5.0], [3.0, 6.0], [2.0, 7.0]])), [2.0, 6.0], "mean")
"""
WRONG = {
    "along_rows": "def mean(x): return x.mean(axis=1)",
    "the_sum": "def mean(x): return x.sum(axis=0)",
    "the_last": "def mean(x): return x[-1]",
    "in_place": "def mean(x):\n    x /= len(x)\n    return x.sum(axis=0)",
    "single": "def mean(x): return x.mean(axis=0).astype(np.float32)",
    "the_sum_of_two": "def mean(x): return x.sum(axis=0) if len(x) == 2 else x.mean(axis=0)",
}


def named(
    answer: str, wrong: dict[str, str] | None = None, asked: str = ASKED, solution: str = MEAN
) -> str | None:
    """What would be said of `answer`, with the student's function in this process."""
    exercise = Exercise(
        "mean", Cell("mean", Role.WORK, solution, solution=True), (Cell("t", Role.TEST, asked, 1.0),)
    )
    names: dict[str, Any] = {"np": np, "torch": torch, "checks": checks}
    theirs = dict(names)
    exec(textwrap.dedent(answer), theirs)
    bank = [WrongAnswer("mean", name, code) for name, code in (WRONG if wrong is None else wrong).items()]
    asked_of_all = rehearse(exercise, solution, bank, names)
    return misconceptions.name(asked_of_all, lambda calls: misconceptions.answers(calls, theirs.__getitem__))


@pytest.mark.parametrize("entry", WRONG)
def test_each_wrong_answer_is_named(entry):
    assert named(WRONG[entry]) == entry


@pytest.mark.parametrize(
    ("answer", "entry"),
    [
        ("def mean(x): return [sum(row) / len(row) for row in x.tolist()]", "along_rows"),
        ("def mean(x): return torch.as_tensor(x).sum(0)", "the_sum"),
        (
            "def mean(x):\n    total = np.zeros(x.shape[1])\n    for row in x: total += row\n    return total",
            "the_sum",
        ),
    ],
)
def test_the_form_of_the_code_and_of_the_numbers_is_free(answer, entry):
    assert named(answer) == entry


@pytest.mark.parametrize(
    "answer",
    [
        MEAN,
        "def mean(x): return np.einsum('ij->j', x) / len(x)",
        "def mean(x): return x.mean(axis=0) + 1",
        "def mean(x): return 2 * x.mean(axis=0)",  # the sum, where there are two rows
        "def mean(x): return None",
        "def mean(x): raise ValueError('two rows at least')",
        "def mean(x): raise NotImplementedError",
        "def mean(x): return object()",
        "class mean:\n    def __init__(self, x): self.x = x",
        "def average(x): return x.mean(axis=1)",
    ],
)
def test_right_and_unrelated_answers_are_not_accused(answer):
    if answer.startswith("def average"):
        answer += "\nmean = None"
    assert named(answer) is None


@pytest.mark.parametrize("overflow", ["np.inf", "-np.inf", "np.nan"])
def test_a_number_that_is_not_finite_is_near_to_none(overflow):
    """Everything lies within a tolerance that is relative to infinity."""
    wrong = {
        "the_last": WRONG["the_last"],
        "overflows": f"def mean(x): return np.full(2, {overflow}) if len(x) > 2 else x.mean(axis=0)",
    }
    assert named("def mean(x): return x[-1]", wrong) == "the_last"
    assert (
        named(f"def mean(x): return np.where(len(x) > 2, {overflow}, x.mean(axis=0))", wrong) == "overflows"
    )
    assert named(f"def mean(x): return np.where(len(x) > 2, {overflow}, x[-1])", wrong) is None


@pytest.mark.parametrize(
    "answer",
    [
        "np.random.permutation(n)",
        "np.random.default_rng(np.random.randint(9)).permutation(n)",
        "torch.randperm(n)",
    ],
)
def test_an_answer_from_a_global_generator_is_one_answer(answer):
    solution = "def mean(n, rng):\n    return rng.permutation(n)\n"
    wrong = {
        "global_generator": f"def mean(n, rng): return {answer}",
        "sorted": "def mean(n, rng): return np.arange(n)",
    }
    asked = "mean(6, np.random.default_rng(1))\nmean(9, np.random.default_rng(2))\n"
    assert (
        named(f"def mean(n, rng):\n    order = {answer}\n    return order", wrong, asked, solution)
        == "global_generator"
    )
    assert named(solution, wrong, asked, solution) is None


def test_silence_where_two_fit():
    assert named("def mean(x): return x.sum(0)", {**WRONG, "again": "def mean(x): return sum(x)"}) is None


def test_two_that_differ_later_are_told_apart_after_the_first_failing_check():
    # both fail at the first array, where a test would stop
    assert named("def mean(x): return x.sum(axis=0)") == "the_sum"
    assert named("def mean(x): return x.sum(axis=0) if len(x) == 2 else x.mean(axis=0)") == "the_sum_of_two"


def test_iterators_generators_and_counted_calls_are_part_of_an_answer():
    solution = "def pick(n, rng, f):\n    f(n)\n    yield from rng.permutation(n)\n"
    wrong = {
        "sorted_order": "def mean(n, rng, f):\n    f(n)\n    rng.permutation(n)\n    yield from range(n)",
        "asks_twice": "def mean(n, rng, f):\n    f(n), f(n)\n    yield from rng.permutation(n)",
    }
    asked = (
        "f = checks.counted(lambda n: n)\nlist(mean(5, np.random.default_rng(1), f))\nassert f.calls == 1\n"
    )
    solution = solution.replace("pick", "mean")
    for entry, code in wrong.items():
        assert named(code, wrong, asked, solution) == entry
    assert named(solution, wrong, asked, solution) is None


def test_a_function_among_the_arguments_is_everyones_own_and_the_solutions_code_stays_here():
    solution = "def mean(x):\n    return x.mean(axis=0)  + len('only the solution says so') * 0\n"
    solution += "def apply(f, x):\n    return f(x)\n"
    exercise = Exercise(
        "mean",
        Cell("mean", Role.WORK, solution, solution=True),
        (
            Cell(
                "t", Role.TEST, "apply(mean, np.ones((2, 3)))\napply(lambda x: mean(x), np.ones((2, 3)))", 1.0
            ),
        ),
    )
    theirs: dict[str, Any] = {"np": np}
    exec("def mean(x): return x.sum(axis=0)\ndef apply(f, x): return f(x)", theirs)
    bank = [WrongAnswer("mean", "the_sum", "def mean(x): return x.sum(axis=0)")]
    sent: list[misconceptions.Call] = []

    def student(calls: list[misconceptions.Call]) -> list[misconceptions.Answer]:
        sent.extend(calls)
        return misconceptions.answers(calls, theirs.__getitem__)

    assert misconceptions.name(rehearse(exercise, solution, bank, {"np": np}), student) == "the_sum"
    assert [target for target, _ in sent] == ["apply", "mean"] * 2  # the solution's apply calls it too
    assert not any(b"only the solution" in arguments for _, arguments in sent)


def test_what_a_rehearsal_asks_for_and_what_travels_with_it():
    """A function that a set-up cell had bound before is asked too; one of another exercise travels as its name, an imported one as it is."""
    solution = "from math import sqrt\ndef mean(f, x):\n    return f(x)\ndef other(x):\n    return x + len('not here')\n"
    asked = Cell("t", Role.TEST, "mean(other, 4.0)\nmean(sqrt, 4.0)", 1.0)
    exercise = Exercise("mean", Cell("mean", Role.WORK, "def mean(f, x): ...", solution=True), (asked,))
    bank = [WrongAnswer("mean", "negated", "def mean(f, x): return -f(x)")]
    theirs = {
        "mean": lambda f, x: -f(x),
        "other": lambda x: x,
    }  # wrong in the other exercise too, and without sqrt
    sent: list[misconceptions.Call] = []

    def student(calls: list[misconceptions.Call]) -> list[misconceptions.Answer]:
        sent.extend(calls)
        return misconceptions.answers(calls, theirs.__getitem__)

    misconceptions.name(rehearse(exercise, solution, bank, {"mean": None}), student)
    assert [target for target, _ in sent] == ["mean", "mean"]
    assert not any(b"not here" in arguments for _, arguments in sent)
    assert [answer[1] for answer in misconceptions.answers(sent, theirs.__getitem__)] == [-4.0, -2.0]


def test_a_call_with_large_arguments_or_answers_is_not_asked():
    asked = """
x = np.arange(20_000.0)
mean(x), mean(x[:3]), mean(np.ones(5)), mean(np.ones(1))
"""
    right = "def mean(x): return np.zeros(20_000) if len(x) == 5 else x * 1.0\n"
    wrong = {"doubled": "def mean(x): return x * 2"}
    exercise = Exercise(
        "mean", Cell("mean", Role.WORK, right, solution=True), (Cell("t", Role.TEST, asked, 1.0),)
    )
    bank = [WrongAnswer("mean", entry, code) for entry, code in wrong.items()]
    found = rehearse(exercise, right, bank, {"np": np})
    assert [len(pickle.loads(sent)[0][0]) for (_, sent), *_ in found] == [3, 1]
    assert named("def mean(x): return x * (1 if len(x) == 20_000 else 2)", wrong, asked, right) == "doubled"
    assert named(right, wrong, asked, right) is None


def test_an_entry_without_an_answer_that_could_be_equal_is_out():
    lock = "def mean(x): return __import__('threading').Lock()"
    wrong = {"gives_a_lock": lock, **WRONG}
    assert named(WRONG["the_sum"], wrong) == "the_sum"
    assert named(lock, wrong) is None


# ------------------------------------------------------------------------------------ through the engine


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> tuple[Assignment, bytes]:
    root = tinyunit.make(tmp_path_factory.mktemp("tiny"))
    build(root)
    return read_assignment(root / "solutions" / tinyunit.UNIT), student_version(root, tinyunit.UNIT)


def graded(tiny: tuple[Assignment, bytes], double: str, limits: Limits | None = None) -> Any:
    assignment, released = tiny
    notebook = fill(released, {**solution_answers(assignment), "double": textwrap.dedent(double)})
    handed = Submission(tinyunit.UNIT, ((f"{tinyunit.UNIT}.ipynb", notebook),))
    return grade.grade(handed, assignment, limits or Limits(), allow_unsandboxed=True)


def test_a_result_names_the_misconception(tiny):
    assert graded(tiny, "def double(x): return x ** 2").notebooks[0].named == (("double", "squared"),)
    assert graded(tiny, "def double(x): return x + x").notebooks[0].named == ()
    assert graded(tiny, "def double(x): return 5.0").notebooks[0].named == ()


def test_an_answer_that_hangs_or_dies_when_it_is_asked_more_keeps_its_verdicts(tmp_path):
    """The first check fails, so -2.5 is asked for the first time when a name is looked for."""
    passed = 'checks.public_passed("double: values")'
    source = tinyunit.SOURCE.replace(passed, f"checks.number(double(-2.5), -5.0)\n{passed}")
    build(root := tinyunit.make(tmp_path, source=source))
    tiny = read_assignment(root / "solutions" / tinyunit.UNIT), student_version(root, tinyunit.UNIT)
    for fate in (
        "import os; os._exit(3)",
        "import time; time.sleep(60)",
        "raise SystemExit",
        "raise KeyboardInterrupt",
    ):
        result = graded(
            tiny,
            f"""
            def double(x):
                if x == -2.5:
                    {fate}
                return x * x
            """,
        )
        assert result.status is Status.GRADED
        assert [test.verdict for test in result.notebooks[0].tests] == [Verdict.FAILED, Verdict.PASSED]
        assert (result.notebooks[0].named, result.incidents) == ((), ())


@pytest.mark.parametrize(("double", "entry"), [("x ** 2", "squared"), ("x + x if x > -1 else x ** 2", None)])
def test_hidden_calls_are_asked_only_where_a_test_came_to_its_hidden_part(tiny, double, entry):
    """What is asked there, the submission answers with a number that no entry of the bank has."""
    code = f"def double(x):\n    import math\n    return math.pi if x == -4.25 else {double}"
    assert graded(tiny, code).notebooks[0].named == ((("double", entry),) if entry else ())


def test_a_class_is_rehearsed_once(tiny, monkeypatch):
    roles = []
    fork = forkserver.Server.fork

    def counting(self, role, *rest):
        roles.append(role)
        return fork(self, role, *rest)

    monkeypatch.setattr(forkserver.Server, "fork", counting)
    supervisor._rehearsal.cache_clear()
    for answer in ("x ** 2", "x + 1", "x ** 2 + 0"):
        graded(tiny, f"def double(x): return {answer}")
    assert [roles.count(role) for role in ("examiner", "student", "rehearsal")] == [3, 3, 1]


@pytest.mark.parametrize("fate", ["import os; os._exit(3)", "import time; time.sleep(60)"])
def test_a_rehearsal_that_dies_or_hangs_names_nothing_and_is_not_tried_again(tiny, monkeypatch, fate):
    assignment, released = tiny
    bank = (WrongAnswer("double", "deadly", f"def double(x):\n    {fate}"),)
    monkeypatch.setattr(supervisor, "_REHEARSAL", 2.0)
    began = time.monotonic()
    for _ in range(3):
        result = graded(
            (dataclasses.replace(assignment, wrong=bank), released), "def double(x): return x ** 2"
        )
        assert result.status is Status.GRADED and result.notebooks[0].named == ()
    assert time.monotonic() - began < 20  # one rehearsal's time, not three


def test_what_a_student_did_to_the_data_has_no_part_in_a_rehearsal(tiny):
    """The first to fail writes into what the set-up bound; the next one is named as if nobody had."""
    supervisor._rehearsal.cache_clear()
    graded(tiny, "def double(x):\n    import numpy as np\n    np.pi = 3\n    return x ** 2")
    assert graded(tiny, "def double(x): return x ** 2").notebooks[0].named == (("double", "squared"),)


def test_nothing_of_the_bank_reaches_the_students_process(tiny):
    spy = """
    import gc, sys
    def double(x):
        needle = "_".join(["off", "by", "one"])  # no constant of this code
        seen = any(needle in str(text) for text in gc.get_objects() if type(text) in (dict, list, tuple))
        return 1000.0 if seen else x * x
    """
    assert graded(tiny, spy).notebooks[0].named == (("double", "squared"),)
