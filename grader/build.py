"""From text sources to notebooks: `make build`.

    lectures/NN_topic.py            -> lectures/NN_topic.ipynb             executed, with outputs
    solutions/NN_topic/NN_topic.py  -> solutions/NN_topic/NN_topic.ipynb   not executed
                                    -> assignments/NN_topic/               by nbgrader's own generate_assignment

Building twice changes no byte: cell ids come from grade ids or contents, and a lecture is executed again only when
its text or the helper module changed (a digest in its metadata says for what it was executed).
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import shutil
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jupytext
import nbclient
import nbformat
from nbformat import NotebookNode
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from grader.markers import split_regions
from grader.notebook import CourseError

GENERATED = "generated"
COVER = "cover"
SETUP_CELL = """\
try:  # nothing happens where the course's helper module is there already
    import trainlab
except ModuleNotFoundError:
    %pip install -q "trainlab @ git+{repository}"
    import trainlab"""
BADGE = (
    "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]({colab}/blob/main/{path})"
)
KEPT_METADATA = ("nbgrader", "tags", "claims")
LECTURE_TIMEOUT = 600  # seconds a cell may take on a slow machine; the budget of a whole lecture is 60


@dataclass(frozen=True)
class Built:
    """A notebook that `build` looked at, and whether its bytes changed."""

    path: Path
    changed: bool


def units(root: Path) -> list[str]:
    """Slugs of all units that have a text source, in the order of the course."""
    lectures = {path.stem for path in (root / "lectures").glob("[0-9][0-9]_*.py")}
    solutions = {path.stem for path in (root / "solutions").glob("[0-9][0-9]_*/[0-9][0-9]_*.py")}
    return sorted(lectures | solutions)


def build(root: Path, only: list[str] | None = None, *, force: bool = False) -> list[Built]:
    """Build the notebooks of the units in `only` (all by default). Raises CourseError for a unit or source that is wrong."""
    known = units(root)
    if not known:
        raise CourseError(
            f"{root}: no text source in lectures/ or solutions/; run this in the course's folder"
        )
    for unit in only or []:
        if unit not in known:
            raise CourseError(f"no unit '{unit}'; units here: {', '.join(known)}")
    repository = repository_url(root)
    built: list[Built] = []
    for unit in only or known:
        if (source := root / "lectures" / f"{unit}.py").exists():
            built.append(_build_lecture(source, repository, force=force))
        if (source := root / "solutions" / unit / f"{unit}.py").exists():
            built.extend(_build_assignment(root, source, repository))
    return built


def repository_url(root: Path) -> str:
    """Where the course is published: the one address in pyproject.toml."""
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    return str(project["urls"]["Repository"])


def read_source(path: Path, repository: str, published: str) -> NotebookNode:
    """The notebook that a text source says, with the generated set-up cell and badge, ids and checked markers.

    `published` is the path, in the repository, of the notebook that readers open. Raises CourseError with the place
    of a misspelt marker or a grade id that is used twice.
    """
    nb = jupytext.reads(path.read_text(encoding="utf-8"), fmt="py:percent")
    cells = [cell for cell in nb.cells if GENERATED not in cell.metadata.get("tags", ())]
    if not cells or cells[0].cell_type != "markdown":
        raise CourseError(f"{path}: the first cell must be the Markdown cell with the title")
    for cell in cells:
        cell.metadata = NotebookNode({k: v for k, v in cell.metadata.items() if k in KEPT_METADATA})
        cell.source = cell.source.strip("\n")
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    _check_cells(cells, path)
    badge = BADGE.format(
        colab=repository.replace("https://github.com", "https://colab.research.google.com/github"),
        path=published,
    )
    title, _, rest = cells[0].source.partition("\n")
    rest = re.sub(r"^\[!\[Open in Colab\].*\n?", "", rest, flags=re.MULTILINE).strip("\n")
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


def _check_cells(cells: list[NotebookNode], path: Path) -> None:
    seen: dict[str, int] = {}
    for index, cell in enumerate(cells, start=1):
        meta = cell.metadata.get("nbgrader") or {}
        grade_id = meta.get("grade_id")
        where = f"{path}: cell {index}" + (f" ('{grade_id}')" if grade_id else "")
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
        grade_id = (cell.metadata.get("nbgrader") or {}).get("grade_id")
        base = grade_id or hashlib.sha256(cell.source.encode()).hexdigest()[:12]
        name, copies = base, 1
        while name in used:
            copies += 1
            name = f"{base}-{copies}"
        used.add(name)
        cell["id"] = name


def _build_lecture(source: Path, repository: str, *, force: bool) -> Built:
    target = source.with_suffix(".ipynb")
    nb = read_source(source, repository, f"lectures/{target.name}")
    digest = lecture_digest(nb)
    stored = nbformat.read(target, as_version=4) if target.exists() and not force else None
    if stored is not None and stored.metadata.get("trainlab") == {"digest": digest}:
        for cell, before in zip(
            nb.cells, stored.cells, strict=True
        ):  # metadata may have changed; outputs cannot
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = before.outputs, before.execution_count
    else:
        nb = execute(nb, source)
    nb.metadata["trainlab"] = {"digest": digest}
    _write_cover(nb, target.with_suffix(".png"))
    built = _write(nb, target)
    _as_old_as(source, target)
    return built


def _as_old_as(source: Path, target: Path) -> None:
    """Give the notebook the time of its source: jupytext's pairing refuses to open a notebook that is the newer one."""
    times = source.stat()
    os.utime(target, ns=(times.st_atime_ns, times.st_mtime_ns))


def _write_cover(nb: NotebookNode, path: Path) -> None:
    """The picture of the cell tagged `cover`, where a lecture has one, as a file that the README can show."""
    for cell in nb.cells:
        if COVER in cell.metadata.get("tags", ()):
            images = [
                output.data["image/png"] for output in cell.outputs if "image/png" in output.get("data", {})
            ]
            _write_bytes(base64.b64decode(images[0]), path)


def lecture_digest(nb: NotebookNode) -> str:
    """What a lecture's outputs depend on in this repository: its cells and the sources of the helper module."""
    import trainlab

    sha = hashlib.sha256()
    for path in sorted(Path(trainlab.__file__).parent.glob("*.py")):
        sha.update(path.read_bytes())
    for cell in nb.cells:
        sha.update(f"\0{cell.cell_type}\0{cell.source}".encode())
    return sha.hexdigest()[:16]


def execute(nb: NotebookNode, source: Path) -> NotebookNode:
    """Run a notebook from the top in a clean kernel, in an empty folder. Raises CourseError with the failing cell."""
    nb = nbformat.from_dict(nb)
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    with tempfile.TemporaryDirectory() as sockets, tempfile.TemporaryDirectory() as empty:
        client = nbclient.NotebookClient(
            nb,
            timeout=LECTURE_TIMEOUT,
            kernel_name="python3",
            record_timing=False,
            resources={"metadata": {"path": empty}},
            # no open port, and no warning about one
            config=Config(KernelManager={"transport": "ipc", "ip": f"{sockets}/kernel"}),
        )
        try:
            client.execute(env=environment)
        except nbclient.exceptions.CellExecutionError as error:
            raise CourseError(
                f"{source}: a cell failed: {error.ename}: {error.evalue.splitlines()[0] if error.evalue else ''}"
            ) from error
    for cell in nb.cells:
        cell.metadata.pop("execution", None)
    nb.metadata["language_info"] = {"name": "python"}
    return nb


def _build_assignment(root: Path, source: Path, repository: str) -> list[Built]:
    unit = source.stem
    target = source.with_suffix(".ipynb")
    nb = read_source(source, repository, f"assignments/{unit}/{unit}.ipynb")
    built = [_write(nb, target)]
    _as_old_as(source, target)
    with tempfile.TemporaryDirectory() as scratch:
        released = generate_student_version(root, unit, Path(scratch))
        where = root / "assignments" / unit
        built.extend(_mirror(released, where))
    return built


def course_config(root: Path) -> Config:
    """The course's nbgrader_config.py."""
    if not (root / "nbgrader_config.py").exists():
        raise CourseError(f"{root}: no nbgrader_config.py; run this in the course's folder")
    return PyFileConfigLoader("nbgrader_config.py", path=str(root)).load_config()


def generate_student_version(root: Path, unit: str, scratch: Path) -> Path:
    """Run nbgrader's generate_assignment on a copy of the unit below `scratch`; return the released folder."""
    from nbgrader.apps import NbGraderAPI

    config = course_config(root)
    config.CourseDirectory.root = str(scratch)
    config.GenerateAssignment.no_database = True  # the gradebook learns of the unit when a class is graded
    config.SaveCells.enabled = False
    folder = scratch / str(config.CourseDirectory.source_directory) / unit
    shutil.copytree(root / "solutions" / unit, folder)
    outcome: dict[str, Any] = NbGraderAPI(config=config).generate_assignment(unit)
    if not outcome["success"]:
        reason = str(outcome.get("error", "no reason given")).strip().splitlines()[-1]
        raise CourseError(f"solutions/{unit}: nbgrader cannot make the student version: {reason}")
    return scratch / str(config.CourseDirectory.release_directory) / unit


def _mirror(source: Path, target: Path) -> list[Built]:
    """Make `target` hold exactly the files of `source`."""
    wanted = {path.relative_to(source) for path in source.rglob("*") if path.is_file()}
    built = []
    for path in sorted(target.rglob("*"), reverse=True):
        if (
            path.is_file()
            and path.relative_to(target) not in wanted
            and ".ipynb_checkpoints" not in path.parts
        ):
            path.unlink()
            built.append(Built(path, changed=True))
    for name in sorted(wanted):
        data = (source / name).read_bytes()
        built.append(_write_bytes(data, target / name))
    return built


def _write(nb: NotebookNode, path: Path) -> Built:
    nbformat.validate(nb)
    return _write_bytes((nbformat.writes(nb, version=4) + "\n").encode(), path)


def _write_bytes(data: bytes, path: Path) -> Built:
    if path.exists() and path.read_bytes() == data:
        return Built(path, changed=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".new")
    fresh.write_bytes(data)
    fresh.replace(path)
    return Built(path, changed=True)
