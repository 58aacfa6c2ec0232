"""Small courses as other people write them: nbgrader's own folder names, a notebook of a few cells, a configuration of a few lines."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from grader.source.course import read_course
from grader.source.notebook import Assignment

UNIT = "ps1"
PYTHON = {"name": "python3", "language": "python", "display_name": "Python 3"}
Cell = dict[str, Any]


def code(
    source: str,
    grade_id: str = "",
    *,
    points: float | None = None,
    locked: bool = False,
    tags: Sequence[str] = (),
) -> Cell:
    """A code cell: plain without an id, locked set-up with `locked`, a test with points, else a solution cell."""
    graded = points is not None
    fixed = graded or locked
    nbgrader: Cell = {"grade": graded, "solution": not fixed, "locked": fixed, "task": False}
    nbgrader |= {"schema_version": 3, "grade_id": grade_id} | ({"points": points} if graded else {})
    metadata = ({"nbgrader": nbgrader} if grade_id else {}) | ({"tags": list(tags)} if tags else {})
    return {
        "cell_type": "code",
        "metadata": metadata,
        "source": source,
        "execution_count": None,
        "outputs": [],
    }


def text(source: str) -> Cell:
    return {"cell_type": "markdown", "metadata": {}, "source": source}


def write(path: Path, cells: Sequence[Cell], kernel: Mapping[str, str] = PYTHON) -> Path:
    """A notebook at `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    metadata = {"kernelspec": dict(kernel), "language_info": {"name": kernel["language"]}}
    path.write_text(
        json.dumps({"cells": list(cells), "metadata": metadata, "nbformat": 4, "nbformat_minor": 4})
    )
    return path


def make(
    root: Path,
    cells: Sequence[Cell],
    *,
    config: str = "",
    kernel: Mapping[str, str] = PYTHON,
    unit: str = UNIT,
) -> Path:
    """A course of one unit in `root`."""
    write(root / "source" / unit / f"{unit}.ipynb", cells, kernel)
    (root / "nbgrader_config.py").write_text(
        f"c = get_config()\nc.CourseDirectory.course_id = 'small'\n{config}"
    )
    return root


def hand_in(root: Path, student: str, released: Path, answers: Mapping[str, str], unit: str = UNIT) -> None:
    """The notebook `released` with the cells of these ids replaced, as a student's submission."""
    nb = json.loads(released.read_text())
    for cell in nb["cells"]:
        cell["source"] = answers.get(cell["metadata"].get("nbgrader", {}).get("grade_id"), cell["source"])
    path = root / "submitted" / student / unit / released.name
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(nb))


def assignment(root: Path, unit: str = UNIT) -> Assignment:
    """The unit as the grader reads it."""
    return read_course(root).assignment(unit)
