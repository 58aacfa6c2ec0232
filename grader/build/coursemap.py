"""What the lectures say about themselves: questions, minutes, prerequisites, and the pages made from these.

    lectures/README.md    the map between its markers (the picture of how units depend on each other, a table, the planned units)
    lectures/GLOSSARY.md  the terms of all lectures (glossary.py)

A course without lectures/README.md has none of these. Nothing here is written by hand but the prose around the markers.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from grader.build.units import Unit, read_units
from grader.errors import CourseError

BEGIN = "<!-- made by `grader build` from the lectures: edit those -->"
END = "<!-- end of what is made -->"
TITLE = "Which unit builds on which"
"""The picture's text alternative, with `in_words` below it."""


def planned(root: Path) -> list[str]:
    """Topics of the units that claims wait for and that have no lecture yet: '03 backpropagation'."""
    path = root / "lectures" / "claims.csv"
    if not path.exists():
        return []
    with path.open(encoding="utf-8") as rows:
        slugs = {slug for row in csv.DictReader(rows) for slug in row["units"].split()}
    missing = [slug for slug in slugs if not (root / "lectures" / f"{slug}.ipynb").exists()]
    return [slug.replace("_", " ") for slug in sorted(missing)]


def pages(root: Path) -> dict[Path, str]:
    """Every page that is made from the lectures, with its text. Raises CourseError where the map's markers are missing."""
    from grader.build import glossary

    readme = root / "lectures" / "README.md"
    if not readme.exists():
        return {}
    before, found, rest = readme.read_text(encoding="utf-8").partition(BEGIN)
    _, closed, behind = rest.partition(END)
    if not (found and closed):
        raise CourseError(f"{readme}: the map goes between the lines '{BEGIN}' and '{END}'; put them back")
    units = read_units(root)
    return {
        readme: f"{before}{BEGIN}\n\n{course_table(root, units)}\n{END}{behind}",
        root / "lectures" / "GLOSSARY.md": glossary.page(root, units),
    }


def course_table(root: Path, units: Sequence[Unit]) -> str:
    """Questions, minutes, prerequisites and links; what is planned; the picture. Paths are those of lectures/."""
    lines = [
        *picture(units),
        "",
        in_words(units),
        "",
        "| unit | question | minutes: lecture + assignment | you need |",
        "|---|---|---|---|",
    ]
    for unit in units:
        minutes, links = str(unit.minutes), [f"[lecture {unit.number}]({unit.slug}.ipynb)"]
        if (root / unit.assignment).exists():
            links.append(f"[assignment {unit.number}](../{unit.assignment})")
            minutes += f" + {unit.practice}"
        lines.append(
            f"| {unit.number} {unit.topic} | **{unit.question}** {', '.join(links)} | {minutes} | {unit.needs} |"
        )
    total = sum(unit.minutes + (unit.practice or 0) for unit in units) / 60
    lines += ["", f"Together about {total:.0f} hours."]
    if waiting := planned(root):
        lines[-1] += f" Planned, and not written yet: {', '.join(waiting)}."
    return "\n".join(lines) + "\n"


def edges(units: Sequence[Unit]) -> list[tuple[str, str]]:
    """Which unit comes before which, without those that follow from others."""
    here = {unit.number for unit in units}
    known = {unit.number: [n for n in unit.after if n in here] for unit in units}

    def needed(number: str) -> set[str]:
        return {n for before in known[number] for n in {before} | needed(before)}

    return [
        (before, number)
        for number, after in known.items()
        for before in after
        if not any(before in needed(other) for other in after)
    ]


def in_words(units: Sequence[Unit]) -> str:
    """The map in a sentence, for who cannot see it."""
    topics = {unit.number: unit.topic for unit in units}
    after = {number: [a for a, b in edges(units) if b == number] for number in topics}
    sentences = [
        f"{topic} ({number}) "
        + (f"builds on {_listed(after[number])}" if after[number] else "needs no other unit")
        for number, topic in topics.items()
    ]
    return f"{TITLE}: " + "; ".join(sentences) + "."


def _listed(words: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def picture(units: Sequence[Unit]) -> list[str]:
    """Which unit builds on which, as lines of a Mermaid block, which GitHub and JupyterLab draw in the reader's colours."""
    boxes = [f'    u{unit.number}["{unit.number} {unit.topic}"]' for unit in units]
    return [
        "```mermaid",
        "flowchart LR",
        f"    accTitle: {TITLE}",
        *boxes,
        *(f"    u{a} --> u{b}" for a, b in edges(units)),
        "```",
    ]
