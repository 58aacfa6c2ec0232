"""Pieces of a solution or a hidden test that stand in a released notebook."""

from __future__ import annotations

import io
import tokenize
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from traitlets.config import Config

from grader.build.sources import course_config, read_source, repository_url
from grader.source.answers import student_version
from grader.source.regions import split_regions


def leaks(root: Path, unit: str) -> Iterator[tuple[str, str]]:
    """(where, token) for each piece of a solution or hidden test that stands in the released notebook.

    A token (name, number, string) counts where it occurs only inside the regions that are removed on release; a
    line of a solution counts where it is a whole statement of four tokens or more.
    """
    source = read_source(root / "solutions" / unit / f"{unit}.py", repository_url(root), unit)
    released = nbformat.reads(student_version(root, unit).decode(), as_version=4)
    yield from leaked(source, released, course_config(root), f"assignments/{unit}")


def leaked(
    source: NotebookNode, released: NotebookNode, config: Config, where: str
) -> Iterator[tuple[str, str]]:
    """The same for a notebook and its student version, in a course with that configuration of nbgrader."""
    from nbgrader.preprocessors import ClearSolutions

    stubs = ClearSolutions(config=config)
    outside = _pieces(stubs.code_stub.get("python", "")) | _pieces(stubs.text_stub)
    inside: set[str] = set()
    lines: dict[tuple[str, ...], str] = {}
    for cell in source.cells:
        meta = cell.metadata.get("nbgrader") or {}
        if cell.cell_type != "code" and meta.get("grade") and meta.get("solution"):
            inside |= _pieces(cell.source)  # a written question: its model answer is replaced whole
            continue
        public, regions = split_regions(cell.source, where)
        outside |= _pieces(public)
        for region in regions:
            inside |= _pieces(region.text)
            if region.kind == "SOLUTION":
                statements = ((tuple(_tokens(line)), line.strip()) for line in region.text.splitlines())
                lines.update((tokens, line) for tokens, line in statements if len(tokens) >= 4)
    secrets = inside - outside
    for index, cell in enumerate(released.cells, start=1):
        for token in sorted(secrets & _pieces(cell.source)):
            yield f"{where}: cell {index}", token
        for tokens in sorted(set(lines) & {tuple(_tokens(line)) for line in cell.source.splitlines()}):
            yield f"{where}: cell {index}", lines[tokens]


def _pieces(text: str) -> set[str]:
    """What a text is made of: its Python tokens, and its words for what is no Python."""
    return {*_tokens(text), *text.replace("`", " ").split()}


def _tokens(text: str) -> list[str]:
    """Names, numbers and strings of a piece of Python; as far as it can be read, where it is not Python."""
    kept: list[str] = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(text.strip()).readline):
            if token.type in (tokenize.NAME, tokenize.NUMBER, tokenize.STRING):
                kept.append(token.string)
    except (tokenize.TokenError, SyntaxError):
        pass
    return kept
