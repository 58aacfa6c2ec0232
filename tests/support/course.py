"""What this repository holds, for the tests that look at every unit."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from grader.build.build import units
from grader.release.leaks import leaked
from grader.source.course import read_course

ROOT = Path(__file__).resolve().parents[2]
UNITS = units(ROOT)
LECTURES = [unit for unit in UNITS if (ROOT / "lectures" / f"{unit}.py").exists()]
ASSIGNMENTS = [unit for unit in UNITS if (ROOT / "solutions" / unit / f"{unit}.py").exists()]


def leaks(root: Path, unit: str) -> list[tuple[str, str]]:
    """Where a secret of the unit's source stands in the student version of the course at `root`, and which."""
    course = read_course(root)
    folder = course.folder("release", ".", unit)
    where = folder.relative_to(course.root)
    return [(f"{where}: {leak.where}", leak.piece) for leak in leaked(course, unit, folder)]


def notebooks() -> Iterator[tuple[Path, NotebookNode]]:
    """Every built notebook."""
    for pattern in ("lectures/*.ipynb", "solutions/*/*.ipynb", "assignments/*/*.ipynb"):
        for path in sorted(ROOT.glob(pattern)):
            yield path, nbformat.read(path, as_version=4)


def claims() -> dict[str, list[str]]:
    """The units that each claim of the course belongs to."""
    with (ROOT / "lectures" / "claims.csv").open() as rows:
        return {row["id"]: row["units"].split() for row in csv.DictReader(rows)}


def mistakes() -> list[tuple[str, str, str]]:
    """Mistakes of the source texts: id, the unit that corrects it, and the words that do. A mistake may have several rows."""
    with (ROOT / "lectures" / "mistakes.csv").open(encoding="utf-8") as rows:
        return [(row["id"], row["unit"], row["words"]) for row in csv.DictReader(rows)]


def claims_of(unit: str) -> set[str]:
    """The claims that a lecture's cells carry."""
    nb = nbformat.read(ROOT / "lectures" / f"{unit}.ipynb", as_version=4)
    return {claim for cell in nb.cells for claim in cell.metadata.get("claims", ())}
