"""What the first cells of lectures and assignments say of themselves: question, minutes, prerequisites."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import jupytext

from grader.errors import CourseError

_HEAD = re.compile(
    r"\A# (?P<question>[^\n]+\?)\n\s*\*\*Unit (?P<number>\d\d), (?P<topic>[^*]+)\.\*\* (?P<minutes>\d+) minutes\."
    r" You need (?P<needs>.+?)(?:\n\n|\Z)",
    re.DOTALL,
)
_UNIT = re.compile(r"\bunits?\s+(\d\d)")


@dataclass(frozen=True)
class Unit:
    """One unit, as the first cells of its lecture and of its assignment describe it."""

    slug: str
    question: str
    topic: str
    minutes: int
    needs: str
    """What a reader should know, in the lecture's own words."""
    after: tuple[str, ...]
    """Numbers of the units that these words name."""
    practice: int | None
    """Minutes of the assignment; None where there is none."""

    @property
    def number(self) -> str:
        return self.slug[:2]

    @property
    def lecture(self) -> str:
        return f"lectures/{self.slug}.ipynb"

    @property
    def assignment(self) -> str:
        return f"assignments/{self.slug}/{self.slug}.ipynb"


def read_units(root: Path) -> list[Unit]:
    """The units whose lecture is built, in the order of the course. Raises CourseError where one does not introduce itself."""
    sources = sorted((root / "lectures").glob("[0-9][0-9]_*.py"))
    return [_read_unit(root, source) for source in sources if source.with_suffix(".ipynb").exists()]


def _read_unit(root: Path, lecture: Path) -> Unit:
    head = _HEAD.match(prose(lecture)[0])
    if head is None:
        raise CourseError(
            f"{lecture}: the first cell should say '# Question?', then '**Unit NN, topic.** M minutes. You need ...'"
        )
    needs = " ".join(head["needs"].split())
    source = root / "solutions" / lecture.stem / lecture.name
    return Unit(
        slug=lecture.stem,
        question=head["question"],
        topic=head["topic"],
        minutes=int(head["minutes"]),
        needs=needs,
        after=tuple(sorted(set(_UNIT.findall(needs)))),
        practice=_minutes(prose(source)[0]) if source.exists() else None,
    )


def prose(source: Path) -> list[str]:
    """The Markdown cells of a text source."""
    return list(_markdown(source.read_text(encoding="utf-8")))


@functools.lru_cache(maxsize=64)  # map, glossary and start page ask for the same lectures again and again
def _markdown(text: str) -> tuple[str, ...]:
    nb = jupytext.reads(text, fmt="py:percent")
    return tuple(cell.source for cell in nb.cells if cell.cell_type == "markdown")


def table_rows(markdown: str) -> Iterator[dict[str, str]]:
    """The rows of all Markdown tables, by the names in their heads. A | inside a cell is written \\|."""
    head: list[str] = []
    for line in markdown.splitlines():
        if not line.startswith("|"):
            head = []
            continue
        cells = [cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]]
        if not head:
            head = cells
        elif not all(re.fullmatch(r":?-+:?", cell) for cell in cells):
            yield dict(zip(head, cells, strict=False))


def _minutes(text: str) -> int:
    """The minutes of an assignment: its exercises together (the sum is in bold, and left out)."""
    return sum(int(row["minutes"]) for row in table_rows(text) if row.get("minutes", "").isdigit())
