"""What was edited in a unit: a snapshot of it, kept when it is released and with each result, compared with another one."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import NamedTuple

from grader.errors import CourseError
from grader.source.notebook import Assignment, Cell, Role
from grader.source.regions import split_regions


@dataclass(frozen=True, slots=True)
class Edit:
    """Something in a unit that is not as it was: a cell's id or a file's name, what about it, and whether it can decide a score."""

    where: str
    what: str
    decides: bool = False

    def __str__(self) -> str:
        return f"{self.where} ({self.what})"


class CellDigest(NamedTuple):
    """A cell: what it is for, its points, digests of its source and of what students see of it."""

    role: str
    points: float
    source: str
    seen: str


@dataclass(frozen=True)
class Snapshot:
    """A unit at one time: its cells, and digests of the files that travel with it."""

    cells: Mapping[str, CellDigest]
    files: Mapping[str, str]

    @functools.cached_property
    def text(self) -> str:
        """As JSON: equal snapshots have equal texts."""
        return json.dumps(asdict(self), sort_keys=True)


_SOLUTION = "solution"
_PLAIN = (Role.TEXT, Role.WORK)
_WHAT = {
    Role.TEXT: "text",
    Role.SETUP: "set-up cell",
    Role.WORK: "code",
    _SOLUTION: "code that students start from",
    Role.WRITTEN: "written question",
}


def snapshot(assignment: Assignment) -> Snapshot:
    """A unit as it is now. A cell goes by its id, with its notebook's name where there are several."""
    alone = len(assignment.notebooks) == 1
    cells = {
        cell.id if alone else f"{notebook.name}/{cell.id}": CellDigest(
            _SOLUTION if cell.solution and cell.role is Role.WORK else str(cell.role),
            cell.points,
            _digest(cell.source.encode()),
            _digest(_seen(cell).encode()),
        )
        for notebook in assignment.notebooks
        for cell in notebook.cells
    }
    return Snapshot(cells, {name: _digest(content) for name, content in assignment.files})


def edits(then: Snapshot, now: Snapshot) -> tuple[Edit, ...]:
    """Every difference between two snapshots of a unit."""
    changes, plain = [], {"added": 0, "removed": 0}
    for name in sorted({*then.cells, *now.cells}):
        old, new = then.cells.get(name), now.cells.get(name)
        if old is None or new is None:
            change, role = ("removed", old.role) if old else ("added", new.role if new else "")
            if role in _PLAIN:  # their ids follow from their text
                plain[change] += 1
            else:
                changes.append(Edit(name, change, _decides(role)))
            continue
        decides = _decides(new.role)
        if old.points != new.points:
            changes.append(Edit(name, f"points {old.points:g} to {new.points:g}", decides))
        if old.seen != new.seen:
            changes.append(Edit(name, _WHAT.get(new.role, new.role), decides))
        elif old.source != new.source:
            unseen = "hidden tests" if new.role == Role.TEST else "model answer, which decides no score"
            changes.append(Edit(name, unseen, decides))
    if any(plain.values()):
        changes.append(Edit("text", f"{max(plain.values())} cells around the exercises"))
    files = sorted({name for name, _ in then.files.items() ^ now.files.items()})
    return *changes, *(Edit(name, "file", True) for name in files)


def _decides(role: str) -> bool:
    return role in (Role.TEST, Role.SETUP)


def _seen(cell: Cell) -> str:
    """What students see of a cell: the model answer of a written question, solutions and hidden tests are not part of it."""
    if cell.role is Role.WRITTEN and cell.solution:
        return ""
    try:
        return split_regions(cell.source, cell.id)[0]
    except CourseError:  # markers that only nbgrader itself understands; `release` refuses them
        return cell.source


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
