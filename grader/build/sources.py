"""Text sources: read and checked, written as notebooks, and whether a notebook still says what its source says."""

from __future__ import annotations

import hashlib
import os
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from grader.errors import CourseError
from grader.files import write_whole
from grader.source.notebook import nbgrader_of
from grader.source.regions import split_regions

GENERATED = "generated"
SETUP_CELL = """\
from importlib.util import find_spec

if not find_spec("trainlab"):  # nothing happens where the course's helper module is there already
    %pip install -qqq "trainlab @ git+{repository}"
    if not find_spec("trainlab"):
        raise ConnectionError(
            "trainlab, this course's helper module, is not here yet, and pip could not fetch it: "
            "connect to the network, once, and run this cell again"
        )"""
BADGE = (
    "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]({colab}/blob/main/{path})"
)
_BADGE_LINE = re.compile(r"^\[!\[Open in Colab\].*\n?", re.MULTILINE)
FOLDED = "hide-input"
"""The tag of code cells whose input is folded: the site reads the tag, JupyterLab and Colab the metadata that go with it."""
KEPT_METADATA = ("nbgrader", "tags", "claims")


@dataclass(frozen=True)
class Built:
    """A notebook that `build` looked at, and whether its bytes changed."""

    path: Path
    changed: bool


def repository_url(root: Path) -> str:
    """Where the course is published: the one address in pyproject.toml. Raises CourseError where it is not there."""
    try:
        return str(tomllib.loads((root / "pyproject.toml").read_text())["project"]["urls"]["Repository"])
    except (FileNotFoundError, tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise CourseError(
            f"{root / 'pyproject.toml'} does not say where the course is published; put 'Repository = \"https://github.com/OWNER/NAME\"' "
            "under [project.urls], or release with --repository OWNER/NAME"
        ) from error


def read_source(path: Path, repository: str, published: str) -> NotebookNode:
    """The notebook that a text source says, with the generated set-up cell and badge, ids and checked markers.

    `published` is the path, in the repository, of the notebook that readers open. Raises CourseError with the place
    of a misspelt marker or a grade id that is used twice.
    """
    import jupytext  # not for a student version, which every first grading of a unit makes

    nb = jupytext.reads(path.read_text(encoding="utf-8"), fmt="py:percent")
    cells = [cell for cell in nb.cells if GENERATED not in cell.metadata.get("tags", ())]
    if not cells or cells[0].cell_type != "markdown":
        raise CourseError(f"{path}: the first cell must be the Markdown cell with the title")
    for cell in cells:
        cell.metadata = NotebookNode({k: v for k, v in cell.metadata.items() if k in KEPT_METADATA})
        cell.source = cell.source.strip("\n")
        if "nbgrader" in cell.metadata:
            cell.metadata.nbgrader = NotebookNode(_completed(cell))
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        if FOLDED in cell.metadata.get("tags", ()):
            cell.metadata.update(cellView="form", jupyter={"source_hidden": True})
    _check_cells(cells, path)
    badge = BADGE.format(
        colab=_on_colab(repository),
        path=published,
    )
    title, _, rest = cells[0].source.partition("\n")
    rest = _BADGE_LINE.sub("", rest).strip("\n")
    cells[0].source = f"{title}\n\n{badge}\n\n{rest}".rstrip("\n")
    setup = nbformat.v4.new_code_cell(
        SETUP_CELL.format(repository=repository), metadata={"tags": [GENERATED]}
    )
    cells.insert(1, setup)
    _set_ids(cells)
    metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return nbformat.v4.new_notebook(cells=cells, metadata=metadata)


def _completed(cell: NotebookNode) -> dict[str, Any]:
    """nbgrader's metadata of a cell whose header says what informs: the grade id, and points where it is graded. What the header says wins."""
    said = cell.metadata.nbgrader
    graded = "points" in said
    answered = "BEGIN SOLUTION" in cell.source or (graded and cell.cell_type != "code")
    rest = {"grade": graded, "solution": answered, "locked": not answered, "task": False, "schema_version": 3}
    return {**rest, **said}


def _check_cells(cells: list[NotebookNode], path: Path) -> None:
    seen: dict[str, int] = {}
    for index, cell in enumerate(cells, start=1):
        meta = nbgrader_of(cell)
        grade_id = meta.get("grade_id")
        where = f"{path}: cell {index}" + (f" ('{grade_id}')" if grade_id else "")
        if FOLDED in cell.metadata.get("tags", ()) and not cell.source.startswith(("# @title ", "#@title ")):
            raise CourseError(
                f"{where}: a folded cell must begin with '# @title ...', which Colab shows in its place"
            )
        if grade_id and grade_id in seen:
            raise CourseError(
                f"{where}: grade id '{grade_id}' is used by cell {seen[grade_id]} already; give one of them a new id"
            )
        if grade_id:
            seen[grade_id] = index
        _, regions = split_regions(cell.source, where)
        kinds = {region.kind for region in regions}
        if "SOLUTION" in kinds and not meta.get("solution"):
            raise CourseError(
                f'{where}: holds a solution but its metadata do not say "solution": true, so it would be released'
            )
        if meta.get("solution") and cell.cell_type == "code" and "SOLUTION" not in kinds:
            raise CourseError(
                f"{where}: a solution cell without '### BEGIN SOLUTION'; nbgrader would blank the whole cell"
            )
        if "HIDDEN TESTS" in kinds and not meta.get("grade"):
            raise CourseError(f"{where}: hidden tests outside a graded cell")


def _set_ids(cells: list[NotebookNode]) -> None:
    """Stable ids: the grade id, or a hash of the contents, so that a rebuild or an unrelated edit changes none."""
    used: set[str] = set()
    for cell in cells:
        grade_id = nbgrader_of(cell).get("grade_id")
        base = grade_id or hashlib.sha256(cell.source.encode()).hexdigest()[:12]
        name, copies = base, 1
        while name in used:
            copies += 1
            name = f"{base}-{copies}"
        used.add(name)
        cell["id"] = name


def as_old_as(source: Path, target: Path) -> None:
    """Give the notebook the time of its source: jupytext's pairing refuses to open a notebook that is the newer one."""
    times = source.stat()
    os.utime(target, ns=(times.st_atime_ns, times.st_mtime_ns))


def build_source(source: Path, repository: str) -> Built:
    """The instructor's notebook of an assignment, beside its text source."""
    target = source.with_suffix(".ipynb")
    built = write_notebook(_read_assignment_source(source, repository), target)
    as_old_as(source, target)
    return built


def is_built(source: Path) -> bool:
    """Whether the notebook beside a text source says what the source says (badge and %pip line aside)."""
    target = source.with_suffix(".ipynb")
    if not target.exists():
        return False
    fresh, stored = (
        [
            (cell.cell_type, _BADGE_LINE.sub("", cell.source), cell.metadata)
            for cell in nb.cells
            if GENERATED not in cell.metadata.get("tags", ())
        ]
        for nb in (_read_assignment_source(source, ""), nbformat.read(target, as_version=4))
    )
    return fresh == stored


def _read_assignment_source(source: Path, repository: str) -> NotebookNode:
    return read_source(source, repository, f"assignments/{source.stem}/{source.stem}.ipynb")


def point_to(path: Path, repository: str) -> None:
    """Let badge and %pip line of a built notebook name another `repository`. Raises CourseError where it has neither."""
    nb = nbformat.read(path, as_version=4)
    generated = [cell for cell in nb.cells if GENERATED in cell.metadata.get("tags", ())]
    found = re.search(r'git\+([^"\s]+)"', generated[0].source) if generated else None
    if found is None:
        raise CourseError(
            f"{path.name} has no generated set-up cell that could name {repository}: it was not built from a text source"
        )
    for cell in (nb.cells[0], *generated):
        cell.source = cell.source.replace(_on_colab(found[1]), _on_colab(repository))
        cell.source = cell.source.replace(found[1], repository)
    write_notebook(nb, path)


def _on_colab(repository: str) -> str:
    return repository.replace("https://github.com", "https://colab.research.google.com/github")


def course_config(root: Path) -> Config:
    """The course's nbgrader_config.py."""
    if not (root / "nbgrader_config.py").exists():
        raise CourseError(f"{root}: no nbgrader_config.py; run this in the course's folder")
    return PyFileConfigLoader("nbgrader_config.py", path=str(root)).load_config()


def write_notebook(nb: NotebookNode, path: Path) -> Built:
    nbformat.validate(nb)
    return write_bytes((nbformat.writes(nb, version=4) + "\n").encode(), path)


def write_bytes(data: bytes, path: Path) -> Built:
    return Built(path, changed=write_whole(path, data))
