"""Entries of a bank that are graded in one submission: answers to several exercises, of which none can change what another's tests find."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from grader.engine.result import Result
from grader.record import own
from grader.source.code import read_names
from grader.source.notebook import Assignment, Exercise, Role


def reach(assignment: Assignment, exercise: Exercise) -> frozenset[str]:
    """The tests that an answer to `exercise` can change: its own, and those of other exercises whose cells read a name that it binds, or
    one that is made with such a name."""
    reached, found = set(exercise.solution.defines), {test.id for test in exercise.tests}
    for cell in (cell for notebook in assignment.notebooks for cell in notebook.cells):
        if cell.role in (Role.TEXT, Role.WRITTEN):
            continue
        try:
            mentions = bool(reached & read_names(cell.source))
        except SyntaxError:  # a magic: nobody knows
            mentions = True
        if mentions:
            reached |= cell.defines
            found |= {cell.id} if cell.role is Role.TEST else set()
    return frozenset(found)


def groups(
    of: Sequence[tuple[Exercise, str]], reached: Mapping[str, Collection[str]]
) -> list[tuple[int, ...]]:
    """Places in `of` (the exercise and the kind of each entry) that go together: of one kind, each of another exercise, and no test of
    one within `reached` (by the name of an exercise) of another."""

    def apart(a: Exercise, b: Exercise) -> bool:
        tests = [{test.id for test in one.tests} for one in (a, b)]
        return a is not b and tests[0].isdisjoint(reached[b.name]) and tests[1].isdisjoint(reached[a.name])

    made: list[list[int]] = []
    for number, (exercise, kind) in enumerate(of):
        fitting = (
            group
            for group in made
            if of[group[0]][1] == kind and all(apart(exercise, of[n][0]) for n in group)
        )
        found = next(fitting, None)
        if found is None:
            made.append(found := [])
        found.append(number)
    return [tuple(group) for group in made]


def only(assignment: Assignment, tests: Collection[str]) -> Assignment:
    """The unit with these tests only, and its explore cells."""
    cells = [cell for notebook in assignment.notebooks for cell in notebook.cells]
    aside = [
        cell.id for cell in cells if cell.role is Role.TEST and not cell.explore and cell.id not in tests
    ]
    return own.left_to_a_person(assignment, aside)


def share(result: Result, others: Sequence[Exercise]) -> Result:
    """What a result says when these exercises are left out."""
    tests, names = {test.id for one in others for test in one.tests}, {one.name for one in others}
    notebooks = tuple(
        replace(
            notebook,
            tests=tuple(test for test in notebook.tests if test.id not in tests),
            named=tuple((exercise, name) for exercise, name in notebook.named if exercise not in names),
        )
        for notebook in result.notebooks
    )
    return replace(result, notebooks=notebooks)
