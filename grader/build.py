"""From text sources to notebooks: `make build`.

    lectures/NN_topic.py            -> lectures/NN_topic.ipynb             executed, with outputs
    solutions/NN_topic/NN_topic.py  -> solutions/NN_topic/NN_topic.ipynb   not executed
                                    -> assignments/NN_topic/               by nbgrader's own generate_assignment
    all of them                     -> lectures/{README,GLOSSARY}.md, map.svg  (grader/coursemap.py)

Building twice changes no byte: cell ids come from grade ids or contents, and a lecture is executed again only when
its text or the helper module changed (a digest in its metadata says for what it was executed).
"""

from __future__ import annotations

import base64
import copy
import hashlib
import logging
import os
import re
import sys
import tempfile
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path

import jupytext
import nbclient
import nbformat
from nbformat import NotebookNode
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from grader import coursemap
from grader.batch import Progress
from grader.course import Course, read_course
from grader.errors import CourseError
from grader.files import write_whole
from grader.markers import split_regions

GENERATED = "generated"
COVER = "cover"
FOLDED = "hide-input"
"""A cell of this tag shows what it makes; its code opens by a click. The site reads the tag, JupyterLab and Colab read
metadata of their own."""
SETUP_CELL = """\
try:  # nothing happens where the course's helper module is there already
    import trainlab
except ModuleNotFoundError:
    %pip install -q "trainlab @ git+{repository}"
    import trainlab"""
BADGE = (
    "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]({colab}/blob/main/{path})"
)
_BADGE_LINE = re.compile(r"^\[!\[Open in Colab\].*\n?", re.MULTILINE)
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


def build(
    root: Path, only: list[str] | None = None, *, force: bool = False, progress: bool = False
) -> list[Built]:
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
    with Progress("building", len(only or known), show=progress) as bar:
        for unit in only or known:
            if (source := root / "lectures" / f"{unit}.py").exists():
                built.append(_build_lecture(source, repository, force=force))
            if (source := root / "solutions" / unit / f"{unit}.py").exists():
                built.extend(_build_assignment(root, source, repository))
            bar.advance()
    built.extend(_write_bytes(text.encode(), path) for path, text in coursemap.pages(root).items())
    return built


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
    nb = jupytext.reads(path.read_text(encoding="utf-8"), fmt="py:percent")
    cells = [cell for cell in nb.cells if GENERATED not in cell.metadata.get("tags", ())]
    if not cells or cells[0].cell_type != "markdown":
        raise CourseError(f"{path}: the first cell must be the Markdown cell with the title")
    for cell in cells:
        cell.metadata = NotebookNode({k: v for k, v in cell.metadata.items() if k in KEPT_METADATA})
        cell.source = cell.source.strip("\n")
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
            if FOLDED in cell.metadata.get("tags", ()):
                cell.metadata |= {"jupyter": {"source_hidden": True}, "cellView": "form"}
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
    built = build_source(source, repository)
    with tempfile.TemporaryDirectory() as scratch:
        released = generate_student_version(root, source.stem, Path(scratch))
        return [built, *mirror(released, root / "assignments" / source.stem)]


def build_source(source: Path, repository: str) -> Built:
    """The instructor's notebook of an assignment, beside its text source."""
    target = source.with_suffix(".ipynb")
    built = _write(_read_assignment_source(source, repository), target)
    _as_old_as(source, target)
    return built


def is_built(source: Path) -> bool:
    """Whether the notebook beside a text source says what the source says (badge and %pip line aside)."""
    target = source.with_suffix(".ipynb")
    if not target.exists():
        return False
    if source.stat().st_mtime_ns == target.stat().st_mtime_ns:
        return True  # `build_source` gives both one time
    fresh, stored = _read_assignment_source(source, ""), nbformat.read(target, as_version=4)
    said, says = (
        [
            (cell.cell_type, _BADGE_LINE.sub("", cell.source), cell.metadata)
            for cell in nb.cells
            if GENERATED not in cell.metadata.get("tags", ())
        ]
        for nb in (fresh, stored)
    )
    return said == says


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
    _write(nb, path)


def _on_colab(repository: str) -> str:
    return repository.replace("https://github.com", "https://colab.research.google.com/github")


def course_config(root: Path) -> Config:
    """The course's nbgrader_config.py."""
    if not (root / "nbgrader_config.py").exists():
        raise CourseError(f"{root}: no nbgrader_config.py; run this in the course's folder")
    return PyFileConfigLoader("nbgrader_config.py", path=str(root)).load_config()


def generate_student_version(root: Path, unit: str, scratch: Path) -> Path:
    """The student version below `scratch`, by this course's own nbgrader_config.py and no other; the gradebook stays as it is."""
    return generate(replace(read_course(root), config=course_config(root)), unit, scratch)


def generate(course: Course, unit: str, scratch: Path, *, register: bool = False) -> Path:
    """Run nbgrader's generate_assignment; return the folder, below `scratch`, of the student version.

    With `register`, nbgrader also records the unit's cells in the course's gradebook. Raises CourseError where it cannot.
    """
    from nbgrader.converters import GenerateAssignment
    from nbgrader.coursedir import CourseDirectory
    from nbgrader.utils import capture_log

    config = copy.deepcopy(course.config)
    config.CourseDirectory.root = str(course.root)
    config.CourseDirectory.db_url = course.db_url
    config.CourseDirectory.source_directory = course.steps["source"]
    config.CourseDirectory.release_directory = str(scratch / "release")
    config.CourseDirectory.assignment_id = unit
    config.GenerateAssignment.no_database = not register
    config.SaveCells.enabled = register
    converter = GenerateAssignment(coursedir=CourseDirectory(config=config), config=config, force=True)
    # nbgrader starts `alembic` by name for a new database; it stands beside our Python
    path = os.environ.get("PATH", os.defpath)
    os.environ["PATH"] = os.pathsep.join([os.path.dirname(sys.executable), path])
    chatter = logging.getLogger("tornado.application")  # where nbgrader repeats what its own log says
    try:
        chatter.disabled = True
        outcome = capture_log(converter)
    finally:
        chatter.disabled = False
        os.environ["PATH"] = path
    if not outcome["success"]:
        log = str(outcome.get("log", "")) + str(outcome.get("error", ""))
        raise CourseError(f"{unit}: {_why_not_generated(log)}")
    return Path(
        course.root,
        course.structure.format(
            nbgrader_step=config.CourseDirectory.release_directory, student_id=".", assignment_id=unit
        ),
    )


def _why_not_generated(log: str) -> str:
    if "Cannot add or remove cells" in log or "Cannot modify existing assignment" in log:
        return (
            "graded cells were added, removed or renamed since submissions were recorded, which nbgrader's gradebook "
            "cannot follow; give them back their ids, or move the gradebook away and grade again"
        )
    reasons = re.findall(
        r"^(?:\[ERROR\] |    )?((?:[\w.]*(?:Error|Exception)|[\w.]+Entry)\b.*)$", log, re.MULTILINE
    )
    reason = (reasons or log.strip().splitlines() or ["no reason given"])[0]
    return f"nbgrader cannot make its student version or record its cells: {reason}; mend that, then give the same command again"


def mirror(source: Path, target: Path) -> list[Built]:
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
    return Built(path, changed=write_whole(path, data))
