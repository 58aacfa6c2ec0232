"""Bent metadata: the instructor's notebook decides which cells are tests, what they give, and what is run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.hostile.case import FULL, NOTHING, Case, Expect, Json, Make, World, beside, cell, code, edited

HEADING = "metadata"
ITEMS = (
    "tags `skip-execution`",
    "`raises-exception`",
    "points of 1e9",
    "-5",
    "NaN",
    '"abc"',
    "flipped grade",
    "solution flags",
    "test cell as Markdown",
    "deleted",
    "edited",
    "copied",
    "split",
    "reordered",
    "invented cells",
    "the id of another cell",
    "metadata removed",
    "schema 99",
    "0",
    "missing",
    "kernelspec bash",
    "missing kernelspec",
    "a path",
    "another unit's notebook",
    "another student's notebook",
    "forged",
    "empty",
    "impossible timestamps",
)

Edit = Callable[[Json, World], None]


def _test_ids(world: World) -> list[str]:
    return [test for tests in world.tests for test in tests]


def _each(ids: Callable[[World], list[str]], change: Callable[[Json], object]) -> Edit:
    """Apply `change` to the cells with those ids."""

    def edit(nb: Json, world: World) -> None:
        for one in ids(world):
            change(cell(nb, one))

    return edit


def _tests(change: Callable[[Json], object]) -> Edit:
    return _each(_test_ids, change)


def _solutions(change: Callable[[Json], object]) -> Edit:
    return _each(lambda world: list(world.solutions), change)


def _nbgrader(**values: Any) -> Callable[[Json], object]:
    return lambda one: one["metadata"]["nbgrader"].update(values)


def _tag(tag: str) -> Callable[[Json], object]:
    return lambda one: one["metadata"].update(tags=[tag])


def _all_cells(change: Callable[[Json], object]) -> Edit:
    def edit(nb: Json, world: World) -> None:
        for one in nb["cells"]:
            change(one)

    return edit


def _drop_schema(one: Json) -> None:
    one["metadata"].get("nbgrader", {}).pop("schema_version", None)


def _schema(version: object) -> Edit:
    return _all_cells(lambda one: one["metadata"].get("nbgrader", {}).update(schema_version=version))


def _remove(ids: Callable[[World], list[str]]) -> Edit:
    def edit(nb: Json, world: World) -> None:
        for one in ids(world):
            nb["cells"].remove(cell(nb, one))

    return edit


def _copy(nb: Json, world: World) -> None:
    for one in [*world.solutions, *_test_ids(world)]:
        where = nb["cells"].index(cell(nb, one))
        nb["cells"].insert(where, dict(nb["cells"][where]))


def _empty_copy_first(nb: Json, world: World) -> None:
    """Jupyter's copy and paste keeps the id: an empty twin in front of each solution."""
    for one in world.solutions:
        where = nb["cells"].index(cell(nb, one))
        nb["cells"].insert(where, {**nb["cells"][where], "source": "# my notes"})


def _split(keep: bool) -> Edit:
    """Jupyter's 'split cell' in the middle of a cell: helper above, function below; the second half may keep its id."""

    def edit(nb: Json, world: World) -> None:
        for one in world.solutions:
            where = nb["cells"].index(cell(nb, one))
            old = nb["cells"][where]
            first = {**old, "source": "# my notes\nunused = 1"}
            second = {**old, "id": f"half-{where}"} if keep else {**code(old["source"])}
            nb["cells"][where : where + 1] = [first, second]

    return edit


def _reverse(nb: Json, world: World) -> None:
    """Solutions in reverse order, tests in front of everything but the set-up."""
    solutions = [cell(nb, one) for one in reversed(world.solutions)]
    tests = [cell(nb, one) for one in _test_ids(world)]
    rest = [one for one in nb["cells"] if one not in solutions and one not in tests]
    nb["cells"] = [*rest[:2], *tests, *solutions, *rest[2:]]


def _invent(nb: Json, world: World) -> None:
    for number in range(20):
        extra = code("assert True")
        extra["metadata"]["nbgrader"] = {
            "grade": True,
            "grade_id": f"test_bonus_{number}",
            "locked": True,
            "points": 1000,
            "schema_version": 3,
            "solution": False,
            "task": False,
        }
        nb["cells"].append(extra)


def _swap_ids(nb: Json, world: World) -> None:
    first, second = cell(nb, world.solutions[0]), cell(nb, world.solutions[1])
    first["metadata"], second["metadata"] = second["metadata"], first["metadata"]


def _wrong_with_ids_of_tests(nb: Json, world: World) -> None:
    for solution, tests in zip(world.solutions, world.tests, strict=True):
        cell(nb, solution)["metadata"]["nbgrader"]["grade_id"] = tests[0]


def _tests_with_ids_of_solutions(nb: Json, world: World) -> None:
    for solution, tests in zip(world.solutions, world.tests, strict=True):
        for test in tests:
            one = cell(nb, test)
            one["metadata"]["nbgrader"]["grade_id"] = solution
            one["source"] = "pass"


def _attack_in_a_test_cell(nb: Json, world: World) -> None:
    """Code in a cell that claims to be a test, the set-up or the written answer."""
    attack = "import numpy as np\nnp.allclose = lambda *a, **k: True\nprint('ran')\nraise SystemExit"
    for one in [*_test_ids(world), "setup"]:
        cell(nb, one)["source"] = attack


def _no_metadata(nb: Json, world: World) -> None:
    for one in nb["cells"]:
        one["metadata"] = {}


def _odd_metadata(nb: Json, world: World) -> None:
    odd: list[Any] = [
        {"nbgrader": "x"},
        {"nbgrader": []},
        {"nbgrader": {"grade_id": 3}},
        {"nbgrader": {"grade_id": {"a": []}}},
        {"nbgrader": None},
    ]
    odd += [
        {"tags": "explore"},
        {"tags": 3},
        {"nbgrader": {"grade_id": "../../x", "grade": "yes"}},
        {"tags": [None, {}]},
        {"collapsed": "x"},
    ]
    for number in range(20):
        extra = code(f"x{number} = 1")
        extra["metadata"] = odd[number % len(odd)]
        nb["cells"].insert(number, extra)


def _explore_everything(nb: Json, world: World) -> None:
    """A student's own tag decides nothing."""
    for one in nb["cells"]:
        one["metadata"]["tags"] = ["explore"]


def _kernelspec(spec: object) -> Edit:
    def edit(nb: Json, world: World) -> None:
        nb["metadata"]["kernelspec"] = spec
        if spec is None:
            nb["metadata"] = {}

    return edit


def _other_unit(nb: Json, world: World) -> None:
    """Another course's notebook under this unit's name."""
    nb["cells"] = [
        {"cell_type": "markdown", "id": "t", "metadata": {}, "source": "# Squares"},
        {
            **code("def squares(n):\n    return [i ** 2 for i in range(n)]"),
            "metadata": {"nbgrader": {"grade_id": "squares", "solution": True}},
        },
        {
            **code("assert squares(2) == [0, 1]"),
            "metadata": {"nbgrader": {"grade_id": "correct_squares", "grade": True, "points": 1}},
        },
    ]


def _timestamp(text: bytes) -> Callable[[World, Path], object]:
    return lambda world, folder: (folder / "timestamp.txt").write_bytes(text)


def _case(name: str, item: str, edit: Edit, expect: Expect = FULL, base: str = "honest") -> Case:
    return Case(name, item, edited(edit, base), expect)


def _both(name: str, item: str, edit: Edit) -> tuple[Case, Case]:
    """The honest notebook keeps its marks, the wrong one gains none."""
    return _case(name, item, edit), _case(f"{name}_wrong", item, edit, NOTHING, "wrong")


def _made(name: str, item: str, make: Make) -> Case:
    return Case(name, item, make, FULL)


CASES = (
    *_both("skip_execution", "tags `skip-execution`", _all_cells(_tag("skip-execution"))),
    *_both("raises_exception", "`raises-exception`", _all_cells(_tag("raises-exception"))),
    *_both("points_1e9", "points of 1e9", _tests(_nbgrader(points=1e9))),
    *_both("points_negative", "-5", _tests(_nbgrader(points=-5))),
    *_both("points_nan", "NaN", _tests(_nbgrader(points=float("nan")))),
    *_both("points_text", '"abc"', _tests(_nbgrader(points="abc"))),
    *_both("grade_flags_flipped", "flipped grade", _tests(_nbgrader(grade=False, locked=False))),
    *_both("solution_flags_flipped", "solution flags", _tests(_nbgrader(solution=True, locked=False))),
    *_both(
        "solutions_marked_as_tests",
        "solution flags",
        _solutions(_nbgrader(grade=True, solution=False, points=100)),
    ),
    *_both(
        "task_flags",
        "solution flags",
        _all_cells(lambda one: one["metadata"].get("nbgrader", {}).update(task=True)),
    ),
    *_both(
        "tests_as_markdown", "test cell as Markdown", _tests(lambda one: one.update(cell_type="markdown"))
    ),
    *_both("tests_as_raw", "test cell as Markdown", _tests(lambda one: one.update(cell_type="raw"))),
    *_both("tests_deleted", "deleted", _remove(_test_ids)),
    *_both("tests_edited", "edited", _tests(lambda one: one.update(source="assert True"))),
    *_both("tests_broken", "edited", _tests(lambda one: one.update(source="raise SystemExit"))),
    _case("setup_deleted", "deleted", _remove(lambda world: ["setup"])),
    _case(
        "setup_edited", "edited", _each(lambda world: ["setup"], lambda one: one.update(source="np = None"))
    ),
    _case(
        "a_solution_deleted", "deleted", _remove(lambda world: [world.solutions[0]]), Expect(passes=(1, 2))
    ),
    _case("all_solutions_deleted", "deleted", _remove(lambda world: list(world.solutions)), NOTHING),
    _case("attack_in_test_cells", "edited", _attack_in_a_test_cell),
    _case("attack_in_test_cells_wrong", "edited", _attack_in_a_test_cell, NOTHING, "wrong"),
    *_both("cells_copied", "copied", _copy),
    _case("empty_copy_in_front", "copied", _empty_copy_first),
    *_both("cells_split", "split", _split(keep=False)),
    _case("cells_split_with_the_same_id", "split", _split(keep=True)),
    *_both("cells_reordered", "reordered", _reverse),
    *_both("cells_invented", "invented cells", _invent),
    *_both("ids_swapped", "the id of another cell", _swap_ids),
    _case(
        "solutions_with_ids_of_tests", "the id of another cell", _wrong_with_ids_of_tests, NOTHING, "wrong"
    ),
    _case("tests_with_ids_of_solutions", "the id of another cell", _tests_with_ids_of_solutions),
    _case(
        "tests_with_ids_of_solutions_wrong",
        "the id of another cell",
        _tests_with_ids_of_solutions,
        NOTHING,
        "wrong",
    ),
    *_both("metadata_removed", "metadata removed", _no_metadata),
    *_both("schema_99", "schema 99", _schema(99)),
    *_both("schema_0", "0", _schema(0)),
    _case("schema_text", "schema 99", _schema("three")),
    *_both("schema_missing", "missing", _all_cells(_drop_schema)),
    _case(
        "kernelspec_bash",
        "kernelspec bash",
        _kernelspec({"name": "bash", "display_name": "Bash", "language": "bash"}),
    ),
    _case("kernelspec_missing", "missing kernelspec", _kernelspec(None)),
    _case("kernelspec_path", "a path", _kernelspec({"name": "../../../tmp/evil", "display_name": "/bin/sh"})),
    _case("kernelspec_odd", "own", _kernelspec([1, 2])),
    _case(
        "other_unit", "another unit's notebook", _other_unit, Expect(passes="none", status=None, reason=".")
    ),
    _case(
        "other_student",
        "another student's notebook",
        lambda nb, world: nb["metadata"].update(authors=[{"name": "someone else"}]),
    ),
    _made("timestamp_forged", "forged", beside(_timestamp(b"1970-01-01 00:00:00 UTC\n"))),
    _made("timestamp_empty", "empty", beside(_timestamp(b""))),
    _made(
        "timestamp_impossible",
        "impossible timestamps",
        beside(_timestamp(b"2026-02-31 25:61:00 Mars/Base\n\xff")),
    ),
    _made("timestamp_huge", "impossible timestamps", beside(_timestamp(b"9" * 1_000_000))),
    _case("odd_metadata", "own", _odd_metadata),
    *_both("explore_tags", "own", _explore_everything),
    _case(
        "deletable_and_editable",
        "own",
        _all_cells(lambda one: one["metadata"].update(deletable=False, editable=False, init_cell=True)),
    ),
    _case(
        "widget_state",
        "own",
        lambda nb, world: nb["metadata"].update(
            widgets={"x": {"state": {"a": "b" * 10**6}, "version_major": "two"}}
        ),
    ),
)
