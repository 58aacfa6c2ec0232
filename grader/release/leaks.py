"""Pieces of a solution or a hidden test that stand in a released notebook."""

from __future__ import annotations

import io
import tokenize
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from grader.source.course import Course
from grader.source.notebook import nbgrader_of, source_cells
from grader.source.regions import split_regions

LONG = 4
"""Tokens that a line must have to be looked for: `return x` tells nobody anything."""
_LEFT_OUT = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}
_WORDS = {tokenize.NAME, tokenize.NUMBER, tokenize.STRING}
Line = tuple[str, ...]


class Leak(NamedTuple):
    """A word or a line that is a secret of the source, the cell of the student version in which it stands, and its line there."""

    where: str
    piece: str
    line: str


def leaked(course: Course, unit: str, released: Path, allowed: Collection[str] = ()) -> Iterator[Leak]:
    """What stands in the student version in the folder `released` and, in the source, only inside regions that are removed on release.

    A word (name, number, string) counts where nothing of the source that students see has it, a line of code where no line that they see
    has the same tokens, operators and all. Lines that are equal to one of `allowed` are nobody's secret.
    """
    paths = sorted(released.glob("*.ipynb"))
    for path in paths:
        original = course.source(unit) / path.name
        secrets = _Secrets(source_cells(original, course.conventions), course.config, unit)
        notebook = f"{path.name}, " if len(paths) > 1 else ""
        for index, cell in enumerate(source_cells(path), start=1):
            for piece, line in secrets.found(cell["source"], allowed):
                yield Leak(f"{notebook}cell {index}", piece, line)


class _Secrets:
    """Words and lines of a notebook that only its solutions and hidden tests have."""

    def __init__(self, cells: Collection[Mapping[str, Any]], config: Any, where: str) -> None:
        from nbgrader.preprocessors import ClearSolutions

        stubs = ClearSolutions(config=config)
        seen, secret = [stubs.code_stub.get("python", ""), stubs.text_stub], list[str]()
        for cell in cells:
            meta = nbgrader_of(cell)
            if cell["cell_type"] != "code" and meta.get("grade") and meta.get("solution"):
                secret.append(cell["source"])  # a written question: its model answer is replaced whole
                continue
            public, regions = split_regions(cell["source"], where)
            seen.append(public)
            secret += (region.text for region in regions)
        hidden, shown = ([line for text in texts for line in text.splitlines()] for texts in (secret, seen))
        self.words = {w for line in hidden for w in _words(line)} - {
            w for line in shown for w in _words(line)
        }
        self.lines = {line for line in {*map(_tokens, hidden)} - {*map(_tokens, shown)} if len(line) >= LONG}

    def found(self, text: str, allowed: Collection[str]) -> Iterator[tuple[str, str]]:
        for line in text.splitlines():
            if (bare := line.strip()) in allowed:
                continue
            yield from ((word, bare) for word in sorted(self.words & _words(line)))
            if _tokens(line) in self.lines:
                yield bare, bare


def _words(text: str) -> set[str]:
    """What a text is made of: its Python tokens, and its words for what is no Python."""
    words = {*_tokens(text, _WORDS), *text.replace("`", " ").split()}
    return {word for word in words if any(map(str.isalnum, word))}


def _tokens(text: str, kinds: Collection[int] = ()) -> Line:
    """The tokens of a piece of Python, comments left out; as far as it can be read, where it is not Python."""
    kept: list[str] = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(text.strip()).readline):
            if token.type in kinds or (not kinds and token.type not in _LEFT_OUT):
                kept.append(token.string)
    except (tokenize.TokenError, SyntaxError):
        pass
    return tuple(kept)
