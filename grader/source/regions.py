"""nbgrader's region markers (### BEGIN SOLUTION ...): find them, and find the misspelt ones before they leak a solution."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

from grader.errors import CourseError

KINDS = ("SOLUTION", "HIDDEN TESTS", "MARK SCHEME")
_COMMENT = re.compile(r"^\s*(?:#|=|<!--)[\s#=]*(?P<text>[A-Za-z][A-Za-z _-]{5,30}?)[\s#=>-]*$")
_VALID = {f"{edge} {kind}": (edge, kind) for edge in ("BEGIN", "END") for kind in KINDS}


@dataclass(frozen=True)
class Region:
    """The lines between a BEGIN and an END marker, without the markers."""

    kind: str
    text: str


def split_regions(source: str, where: str) -> tuple[str, tuple[Region, ...]]:
    """The source outside all regions, and the regions.

    Raises CourseError, naming `where`, for a marker that is misspelt, nested, unopened or unclosed: nbgrader would
    take such a line for an ordinary comment and release what follows it.
    """
    outside: list[str] = []
    inside: list[str] = []
    regions: list[Region] = []
    kind: str | None = None
    for number, line in enumerate(source.split("\n"), start=1):
        marker = _marker(line, f"{where}, line {number}")
        if marker is None:
            (outside if kind is None else inside).append(line)
            continue
        edge, name = marker
        if edge == "BEGIN" and kind is None:
            kind, inside = name, []
        elif edge == "END" and kind == name:
            regions.append(Region(name, "\n".join(inside)))
            kind = None
        elif edge == "BEGIN":
            raise CourseError(
                f"{where}, line {number}: BEGIN {name} stands inside {kind}; close that region first"
            )
        else:
            raise CourseError(
                f"{where}, line {number}: END {name} closes nothing; its BEGIN {name} is missing or misspelt"
            )
    if kind is not None:
        raise CourseError(f"{where}: BEGIN {kind} has no END {kind}")
    return "\n".join(outside), tuple(regions)


def unmarked(source: str) -> str:
    """A solution cell without the lines that say where the solution begins and ends."""
    marks = ("### BEGIN SOLUTION", "### END SOLUTION")
    return "\n".join(line for line in source.split("\n") if line.strip() not in marks)


def _marker(line: str, where: str) -> tuple[str, str] | None:
    match = _COMMENT.match(line)
    if match is None:
        for text in _VALID:
            if text in line:  # nbgrader looks for the words anywhere in a line
                raise CourseError(f"{where}: '{text}' must stand alone on its line, as '### {text}'")
        return None
    text = match["text"].strip()
    if text in _VALID:
        return _VALID[text]
    close = difflib.get_close_matches(text.upper(), _VALID, n=1, cutoff=0.8)
    if close and " " in text:  # "### Solution" alone is a heading
        raise CourseError(f"{where}: misspelt marker '{text}'; write '### {close[0]}'")
    return None
