"""Lectures: executed from the top, with outputs, and again only when something they depend on changed."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import tempfile
from pathlib import Path

import nbclient
import nbformat
from nbformat import NotebookNode
from traitlets.config import Config

from grader.build.sources import Built, as_old_as, read_source, write_bytes, write_notebook
from grader.errors import CourseError

COVER = "cover"
LECTURE_TIMEOUT = 600  # seconds a cell may take on a slow machine; the budget of a whole lecture is 60


def build_lecture(source: Path, repository: str, *, force: bool) -> Built:
    target = source.with_suffix(".ipynb")
    nb = read_source(source, repository, f"lectures/{target.name}")
    digest = lecture_digest(nb)
    stored = nbformat.read(target, as_version=4) if target.exists() and not force else None
    if stored is not None and stored.metadata.get("trainlab") == {"digest": digest}:
        # metadata may have changed; outputs cannot
        for cell, before in zip(nb.cells, stored.cells, strict=True):
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = before.outputs, before.execution_count
    else:
        nb = execute(nb, source)
    nb.metadata["trainlab"] = {"digest": digest}
    _write_cover(nb, target.with_suffix(".png"))
    built = write_notebook(nb, target)
    as_old_as(source, target)
    return built


def _write_cover(nb: NotebookNode, path: Path) -> None:
    """The picture of the cell tagged `cover`, where a lecture has one, as a file that the README can show."""
    for cell in nb.cells:
        if COVER in cell.metadata.get("tags", ()):
            images = [
                output.data["image/png"] for output in cell.outputs if "image/png" in output.get("data", {})
            ]
            write_bytes(base64.b64decode(images[0]), path)


def lecture_digest(nb: NotebookNode) -> str:
    """What a lecture's outputs depend on in this repository: its cells, and the helper module's rooms that it imports."""
    text = "".join(f"\0{cell.cell_type}\0{cell.source}" for cell in nb.cells)
    sources = _rooms("\n".join(cell.source for cell in nb.cells if cell.cell_type == "code"))
    for name in sorted(sources):
        text += f"\0{name}\0{sources[name]}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


_IMPORT = re.compile(r"^ *(?:from|import) trainlab(?:\.(\w+))?(?: import (.+))?", re.MULTILINE)


def _rooms(code: str) -> dict[str, str]:
    """The source of each room of trainlab that this code imports, or that one of these rooms imports."""
    import trainlab

    found: dict[str, str] = {}
    waiting = [code]
    while waiting:
        for room, names in _IMPORT.findall(waiting.pop()):
            for name in {room, *re.findall(r"\w+", "" if room else names)} - found.keys():
                if (path := Path(trainlab.__file__).with_name(f"{name}.py")).exists() and name:
                    found[name] = path.read_text(encoding="utf-8")
                    waiting.append(found[name])
    return found


def execute(
    nb: NotebookNode, source: Path, *, folder: str | None = None, go_on: bool = False
) -> NotebookNode:
    """Run a notebook from the top in a clean kernel, in `folder` or an empty one. Raises CourseError with the failing cell, unless it is to
    `go_on` with the next."""
    nb = nbformat.from_dict(nb)
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    with tempfile.TemporaryDirectory() as sockets, tempfile.TemporaryDirectory() as empty:
        client = nbclient.NotebookClient(
            nb,
            timeout=LECTURE_TIMEOUT,
            kernel_name="python3",
            record_timing=False,
            coalesce_streams=True,  # two prints are one output however the kernel's clock cuts them
            allow_errors=go_on,
            resources={"metadata": {"path": folder or empty}},
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
