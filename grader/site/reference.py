"""trainlab's docstrings as autodoc reads them: they are plain sentences with `names` and indented code."""

from __future__ import annotations

import re
import textwrap


def markup(lines: list[str]) -> list[str]:
    """A docstring's lines, code as a block, and no sign with a meaning in reStructuredText but the backticks."""
    paragraphs = re.split(r"\n\s*\n", "\n".join(lines))
    return "\n\n".join(
        _code(text) if re.search("^ {4}", text, re.MULTILINE) else _plain(text) for text in paragraphs
    ).split("\n")


def _code(text: str) -> str:
    return "::\n\n" + textwrap.indent(text, "    ")


def _plain(text: str) -> str:
    return re.sub(r"(`[^`]*`)|([*|_])", lambda match: match[1] or f"\\{match[2]}", text)
