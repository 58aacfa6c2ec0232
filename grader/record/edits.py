"""What was edited since a unit was released: a record of what was handed out, compared with what is there now."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from grader.files import write_whole
from grader.source.course import Course
from grader.source.notebook import Assignment, Cell, Role
from grader.source.regions import split_regions


@dataclass(frozen=True, slots=True)
class Edit:
    """Something in a unit that is not as it was released: a cell's id or a file's name, and what about it."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where} ({self.what})"


@dataclass(frozen=True)
class Record:
    """What was released. A cell is [role, points, digest of its source, digest of what students see of it]."""

    released: str
    repository: str
    cells: dict[str, list[Any]]
    files: dict[str, str]
    handed_out: dict[str, str]


def edited(course: Course, assignment: Assignment) -> tuple[str, tuple[Edit, ...]]:
    """When `assignment` was released, and what was edited since; ("", ()) where `grader release` knows nothing of it."""
    record = read_record(course, assignment.unit)
    if record is None:
        return "", ()
    now = Record(
        "", record.repository, digests_of_cells(assignment), digests_of_files(assignment), record.handed_out
    )
    return record.released, tuple(compare(record, now))


def compare(then: Record, now: Record) -> list[Edit]:
    """What is in `now` and not in `then`, and the other way round."""
    edits, plain = [], {"added": 0, "removed": 0}
    for name in sorted({*then.cells, *now.cells}):
        old, new = then.cells.get(name), now.cells.get(name)
        if old is None or new is None:
            what = "added" if old is None else "removed"
            if (old or new or [""])[0] in _PLAIN:  # their ids follow from their text
                plain[what] += 1
            else:
                edits.append(Edit(name, what))
            continue
        if old[1] != new[1]:
            edits.append(Edit(name, f"points {old[1]:g} to {new[1]:g}"))
        if old[3] != new[3]:
            edits.append(Edit(name, _WHAT.get(new[0], new[0])))
        elif old[2] != new[2]:
            edits.append(
                Edit(name, "hidden tests" if new[0] == Role.TEST else "model answer, which decides no score")
            )
    if any(plain.values()):
        edits.append(Edit("text", f"{max(plain.values())} cells around the exercises"))
    edits += [
        Edit(name, "file")
        for name in sorted({*then.files, *now.files})
        if then.files.get(name) != now.files.get(name)
    ]
    if then.repository != now.repository:
        edits.append(Edit("badge and %pip line", f"now {now.repository}"))
    return edits


_SOLUTION = "solution"
_PLAIN = (Role.TEXT, Role.WORK)
_WHAT = {
    Role.TEXT: "text",
    Role.SETUP: "set-up cell",
    Role.WORK: "code",
    _SOLUTION: "code that students start from",
    Role.WRITTEN: "written question",
}


def read_record(course: Course, unit: str) -> Record | None:
    """What was released of `unit`; None where nothing was, or where its record is damaged."""
    try:
        return Record(**json.loads(_path(course, unit).read_text("utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def write_record(course: Course, unit: str, record: Record) -> None:
    write_whole(_path(course, unit), (json.dumps(asdict(record), indent=1, sort_keys=True) + "\n").encode())


def _path(course: Course, unit: str) -> Path:
    return course.state / f"{unit}.release.json"


def digests_of_cells(assignment: Assignment) -> dict[str, list[Any]]:
    alone = len(assignment.notebooks) == 1
    return {
        cell.id if alone else f"{nb.name}/{cell.id}": [
            _SOLUTION if cell.solution and cell.role is Role.WORK else str(cell.role),
            cell.points,
            digest(cell.source.encode()),
            digest(_seen(cell, nb.name).encode()),
        ]
        for nb in assignment.notebooks
        for cell in nb.cells
    }


def _seen(cell: Cell, where: str) -> str:
    """What students see of a cell: the model answer of a written question, solutions and hidden tests are not part of it."""
    if cell.role is Role.WRITTEN and cell.solution:
        return ""
    return split_regions(cell.source, f"{where}: '{cell.id}'")[0]


def digests_of_files(assignment: Assignment) -> dict[str, str]:
    return {name: digest(content) for name, content in assignment.files}


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
