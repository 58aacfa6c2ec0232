"""A notebook's exercises and written questions, with their titles, hints and tests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from grader.source.notebook import Cell, Notebook, Role
from grader.source.regions import split_regions

_HINT = re.compile(r"<details>\s*<summary>([^<]*)</summary>(.*?)</details>", re.DOTALL | re.IGNORECASE)
_HINT_LABEL = re.compile(r"hints?\b[\s\d]*[,:(]?\s*([^()]*)", re.IGNORECASE)
"""`Hint 2, the ends` or `Hint 2 (the ends)`: behind the number stands what the hint is about."""
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)


@dataclass(frozen=True)
class Part:
    """One exercise or written question of the instructor's notebook: what its section of every page is made from."""

    cell: Cell  # the solution cell, or the written question
    title: str
    tests: tuple[Cell, ...] = ()
    hints: tuple[str, ...] = ()
    question: str = ""

    @property
    def hint(self) -> str:
        """The first hint; empty where the statement has none."""
        return self.hints[0] if self.hints else ""

    @property
    def graded(self) -> tuple[Cell, ...]:
        return self.tests or (self.cell,)

    @property
    def max_points(self) -> float:
        return sum(cell.points for cell in self.graded)


def outline(notebook: Notebook) -> Iterator[Part]:
    """The exercises and written questions of a notebook in their order, with the title and the hints of each."""
    exercises = {exercise.name: exercise for exercise in notebook.exercises}
    text = ""  # the prose since the last answer
    for cell in notebook.cells:
        if cell.role is Role.TEXT:
            text += cell.source + "\n\n"
        elif cell.id in exercises and cell.solution:
            found = [(_HINT_LABEL.search(summary), body.strip()) for summary, body in _HINT.findall(text)]
            hints = tuple(f"{label[1]}: {body}" if label[1] else body for label, body in found if label)
            yield Part(cell, heading(text) or cell.id, exercises[cell.id].tests, hints)
            text = ""
        elif cell.role is Role.WRITTEN:
            if not cell.solution:  # a task: the cell asks, and how it is marked is not for students
                text += split_regions(cell.source, cell.id)[0]
            yield Part(cell, heading(text) or cell.id, question=_HEADING.sub("", text).strip())
            text = ""
        elif cell.role is Role.TEST:
            text = ""


def heading(text: str) -> str:
    """The last heading of some prose, as plain text; empty where there is none."""
    found = _HEADING.findall(text)
    return str(found[-1]).replace("`", "").replace("**", "") if found else ""


def check_title(test: Cell, exercise: str) -> str:
    """What a test is about: the comment that it begins with; without one, the part of its id that is its own."""
    lines = []
    for line in test.public_source.strip().split("\n"):
        if not line.startswith("#"):
            break
        lines.append(line.lstrip("# ").rstrip())
    if said := " ".join(lines):
        return said
    own = test.id.removeprefix("test_").removeprefix(exercise).strip("_").replace("_", " ")
    return own[:1].upper() + own[1:] or test.id


def notebook_title(notebook: Notebook) -> str:
    """The first heading of a notebook; its name where it has none."""
    found = _HEADING.search("\n".join(cell.source for cell in notebook.cells if cell.role is Role.TEXT))
    return found[1] if found else notebook.name
