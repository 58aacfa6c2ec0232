"""Make a class: submissions drawn from a unit's bank, for `grader demo`, `grader bench` and the tests."""

from __future__ import annotations

import random
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from grader.source.answers import entry_answer, fill, solution_answers, student_version, written_answers
from grader.source.bank import Variant, read_bank
from grader.source.notebook import Assignment, read_assignment

CRASH = "\n\nimport os\n\nos._exit(1)\n"
ROTA = (
    *("right",) * 8,
    *("wrong",) * 5,
    *("partly right",) * 7,
    "solution",
    "blank",
    "crashes kernel",
    "no notebook",
)
"""What a class of 24 is made of; a larger class repeats it."""
WRITERS = ("right", "solution")
"""Those who answer the written questions, too: their scores wait for a person, so that grading by hand can be rehearsed."""


@dataclass(frozen=True)
class Member:
    """One member of the class and how the submission was made; `entries` are the bank's names by exercise."""

    id: str
    kind: str
    entries: Mapping[str, str]


def make_course(root: Path, unit: str, course: Path) -> None:
    """A course folder with one unit in it: the configuration, the source notebook, its bank, and what is shipped with it."""
    read_assignment(root / "solutions" / unit)  # an unknown unit is said before anything is written
    course.mkdir(parents=True, exist_ok=True)
    shutil.copy(root / "nbgrader_config.py", course)
    for step in ("solutions", "assignments"):
        ignored = shutil.ignore_patterns(f"{unit}.py", "__pycache__")
        shutil.copytree(root / step / unit, course / step / unit, ignore=ignored)


def make_class(root: Path, unit: str, course: Path, *, students: int = 24, seed: int = 0) -> list[Member]:
    """Write `students` submissions of `unit` below course/submitted/; the same seed gives the same bytes."""
    assignment = read_assignment(root / "solutions" / unit)
    bank = read_bank(root / "solutions" / unit / "bank.py", assignment.functions)
    released = student_version(root, unit)
    entries = {
        "right": _by_exercise(assignment, bank.variants),
        "wrong": _by_exercise(assignment, bank.misconceptions),
    }
    solution, written = solution_answers(assignment), written_answers(assignment)
    draw = random.Random(seed)
    members: list[Member] = []
    for number in range(students):
        kind = ROTA[number % len(ROTA)]
        chosen, answers = dict[str, str](), dict[str, str]()
        for exercise in solution:
            pick = draw.choice(("right", "wrong", "blank")) if kind == "partly right" else kind
            if pick in entries:
                chosen[exercise], answers[exercise] = draw.choice(entries[pick][exercise])
            elif kind in ("solution", "crashes kernel", "no notebook"):
                answers[exercise] = solution[exercise]
        if kind in WRITERS:
            answers |= written
        if kind == "crashes kernel":
            answers[next(iter(answers))] += CRASH
        notebook = fill(released, answers)
        if kind == "no notebook":
            notebook = b"<html>the page that a learning platform served instead of the file</html>"
        member = Member(f"student{number + 1:0{len(str(students))}d}", kind, chosen)
        where = course / "submitted" / member.id / unit
        where.mkdir(parents=True)
        (where / f"{unit}.ipynb").write_bytes(notebook)
        members.append(member)
    return members


def _by_exercise(assignment: Assignment, entries: tuple[Variant, ...]) -> dict[str, list[tuple[str, str]]]:
    """(name, cell source) of the entries of each exercise."""
    table: dict[str, list[tuple[str, str]]] = {exercise.name: [] for exercise in assignment.exercises}
    for entry in entries:
        exercise, source = entry_answer(assignment, entry)
        table[exercise.name].append((entry.name, source))
    return table
