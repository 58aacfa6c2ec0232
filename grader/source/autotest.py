"""Checks that nbgrader writes by running the solution: the AUTOTEST lines of a source, written out by nbgrader's own preprocessor."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from traitlets.config import Config

from grader.errors import CourseError
from grader.files import write_whole

TEMPLATES = "autotests.yml"


@dataclass(frozen=True)
class Autotest:
    """How a course has such checks written: `delimiter` marks a line of them, `config` is nbgrader's of InstantiateTests, and what was written is
    `kept` in a folder, because it takes a kernel some seconds."""

    delimiter: str = "AUTOTEST"
    root: Path = Path()
    kept: Path = Path()
    config: Config = field(default_factory=Config)

    def asked(self, cells: Sequence[dict[str, Any]]) -> bool:
        line = re.compile(rf"^\s*#.*{re.escape(self.delimiter)}", re.MULTILINE)
        return any(cell["cell_type"] == "code" and line.search("".join(cell["source"])) for cell in cells)

    def written_out(self, cells: Sequence[dict[str, Any]], path: Path) -> list[dict[str, Any]]:
        """The cells of the source at `path` with checks in place of those lines; once for each state of the unit's folder and the templates.

        Raises CourseError where nbgrader cannot write them.
        """
        kept = self.kept / f"{self._digest(cells, path)}.json"
        with contextlib.suppress(OSError, ValueError):
            return list(json.loads(kept.read_bytes()))
        written = self._run(cells, path)
        write_whole(kept, json.dumps(written).encode())
        return written

    def _digest(self, cells: Sequence[dict[str, Any]], path: Path) -> str:
        beside = [one for one in sorted(path.parent.rglob("*")) if one.is_file() and one.suffix != ".ipynb"]
        above = [one for one in [self.root / self._templates] if one.is_file()]
        files = [(str(one), hashlib.sha256(one.read_bytes()).hexdigest()) for one in (*beside, *above)]
        return hashlib.sha256(repr((cells, files, self.config)).encode()).hexdigest()

    @property
    def _templates(self) -> str:
        return str(self.config.get("InstantiateTests", {}).get("autotest_filename", TEMPLATES))

    def _run(self, cells: Sequence[dict[str, Any]], path: Path) -> list[dict[str, Any]]:
        import nbformat
        from nbgrader.preprocessors import InstantiateTests

        metadata = json.loads(path.read_text(encoding="utf-8")).get("metadata", {})
        document = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 4}
        nb = nbformat.from_dict(json.loads(json.dumps(document)))
        for cell in nb.cells:
            cell.source = "".join(cell.source)
        try:
            # where nbgrader looks for templates that are not beside the notebook
            with contextlib.chdir(self.root):
                InstantiateTests(config=self.config).preprocess(nb, {"metadata": {"path": str(path.parent)}})
        except Exception as error:
            # nbgrader trips over an AttributeError of its own while it reports templates that are no YAML
            meant = error.__context__ if isinstance(error, AttributeError) and error.__context__ else error
            why = " ".join(f"{type(meant).__name__}: {meant}".split())
            raise CourseError(
                f"{path}: nbgrader cannot write the checks of its {self.delimiter} lines: {why}"
            ) from error
        return list(nb.cells)
