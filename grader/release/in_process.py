"""Tests that pass in one plain kernel and not across the wire: which they are, and the tag that lets them run in the student's process."""

from __future__ import annotations

import functools
import itertools
import json
import re
import tempfile
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import nbformat

from grader.build.lectures import execute
from grader.build.unbuilt import text_sources
from grader.files import write_whole
from grader.source.course import Course
from grader.source.notebook import IN_PROCESS, Assignment, nbgrader_of, source_cells

_TAGS = re.compile(r"tags=\[(?P<tags>[^\]]*)\]")


def pass_in_a_plain_kernel(course: Course, assignment: Assignment, tests: Collection[str]) -> tuple[str, ...]:
    """Which of some tests the source's own solution passes where everything runs in one kernel, as stock nbgrader runs it."""
    passing = set()
    for notebook in assignment.notebooks:
        if not any(cell.id in tests for cell in notebook.cells):
            continue
        path = course.source(assignment.unit) / f"{notebook.name}.ipynb"
        cells = source_cells(path, course.conventions)
        document = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
        with tempfile.TemporaryDirectory() as folder:
            for name, content in assignment.files:
                Path(folder, name).parent.mkdir(parents=True, exist_ok=True)
                Path(folder, name).write_bytes(content)
            nb = execute(nbformat.from_dict(document), path, folder=folder, go_on=True)
        for cell in nb.cells:
            if not any(output.output_type == "error" for output in cell.get("outputs", ())):
                passing.add(nbgrader_of(cell).get("grade_id"))
    return tuple(test for test in tests if test in passing)


def tag(course: Course, unit: str, tests: Collection[str]) -> None:
    """Write the tag `in_process` into the source's cells of these ids: into the text source where there is one, else into the notebook.
    Nothing else in the file changes."""
    sources = text_sources(course, unit)
    for source in sources:
        lines = source.read_text(encoding="utf-8").split("\n")
        lines = [_tagged(line) if _grade_id(line) in tests else line for line in lines]
        write_whole(source, "\n".join(lines).encode())
    built = {source.with_suffix(".ipynb") for source in sources}
    for path in {*course.source(unit).glob("*.ipynb")} - built:
        text = path.read_text(encoding="utf-8")
        nb = json.loads(text)
        write = _writer(nb, text)
        for cell in nb["cells"]:
            tags = cell["metadata"].get("tags", [])
            if nbgrader_of(cell).get("grade_id") in tests and IN_PROCESS not in tags:
                cell["metadata"]["tags"] = [*tags, IN_PROCESS]
        write_whole(path, write(nb).encode())


def _writer(nb: Any, text: str) -> Callable[[Any], str]:
    """How a notebook's JSON was written, so that writing it again changes nothing; as nbformat writes it where that is unknown."""
    for indent, ascii_only, end in itertools.product((1, 2, 4, None), (False, True), ("\n", "")):
        write = functools.partial(_write, indent, ascii_only, end)
        if write(nb) == text:
            return write
    return functools.partial(_write, 1, False, "\n")


def _write(indent: int | None, ascii_only: bool, end: str, nb: Any) -> str:
    return json.dumps(nb, indent=indent, ensure_ascii=ascii_only) + end


def _grade_id(line: str) -> str | None:
    found = re.search(r'"grade_id": *"([^"]*)"', line) if line.startswith("# %%") else None
    return found[1] if found else None


def _tagged(header: str) -> str:
    """The header of a text source's cell with the tag."""
    if (found := _TAGS.search(header)) is None:
        return f'{header} tags=["{IN_PROCESS}"]'
    if f'"{IN_PROCESS}"' in found["tags"]:
        return header
    tags = ", ".join(filter(None, [found["tags"], f'"{IN_PROCESS}"']))
    return f"{header[: found.start()]}tags=[{tags}]{header[found.end() :]}"
