"""What the lectures say about themselves: questions, minutes, prerequisites, and the pages made from these.

    lectures/README.md    the map between its markers (a table, the planned units, the picture's text)
    lectures/map.svg      how the units depend on each other
    lectures/GLOSSARY.md  the terms of all lectures (glossary.py)

A course without lectures/README.md has none of these. Nothing here is written by hand but the prose around the markers.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from html import escape
from pathlib import Path

from grader.build.units import Unit, read_units
from grader.errors import CourseError

BEGIN = "<!-- made by `grader build` from the lectures: edit those -->"
END = "<!-- end of what is made -->"


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
        root / "lectures" / "map.svg": picture(units),
        root / "lectures" / "GLOSSARY.md": glossary.page(root, units),
    }


def course_table(root: Path, units: Sequence[Unit]) -> str:
    """Questions, minutes, prerequisites and links; what is planned; the picture. Paths are those of lectures/."""
    lines = [
        f"![{in_words(units)}](map.svg)",
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


# --- the picture ------------------------------------------------------------------------------------------------------

BOX, GAP, EDGE = (116, 46), (32, 22), 12  # width and height; across and down; around everything; in pixels


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
    """The picture's text alternative."""
    topics = {unit.number: unit.topic for unit in units}
    after = {number: [a for a, b in edges(units) if b == number] for number in topics}
    sentences = [
        f"{topic} ({number}) "
        + (f"builds on {_listed(after[number])}" if after[number] else "needs no other unit")
        for number, topic in topics.items()
    ]
    return "Which unit builds on which: " + "; ".join(sentences) + "."


def _listed(words: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def picture(units: Sequence[Unit]) -> str:
    """An SVG: boxes in columns, each to the right of all that it builds on, and arrows. Opaque, for dark themes."""
    arrows = edges(units)
    column: dict[str, int] = {}
    for unit in units:
        column[unit.number] = max((column[a] + 1 for a, b in arrows if b == unit.number), default=0)
    columns = [
        [unit for unit in units if column[unit.number] == k]
        for k in range(max(column.values(), default=-1) + 1)
    ]
    across, down = BOX[0] + GAP[0], BOX[1] + GAP[1]
    width = len(columns) * across - GAP[0] + 2 * EDGE
    height = max(map(len, columns), default=1) * down - GAP[1] + 2 * EDGE
    at = {
        unit.number: (EDGE + k * across, (height - len(stack) * down + GAP[1]) / 2 + j * down)
        for k, stack in enumerate(columns)
        for j, unit in enumerate(stack)
    }
    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" '
        'font-family="sans-serif" font-size="13">',
        f"<title>{escape(in_words(units))}</title>",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 8 4 0 8z" fill="#444"/></marker></defs>',
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    for before, number in arrows:
        (x0, y0), (x1, y1) = at[before], at[number]
        x0, y0, y1, bend = x0 + BOX[0], y0 + BOX[1] / 2, y1 + BOX[1] / 2, GAP[0] * 0.6
        drawn.append(
            f'<path d="M{x0:g} {y0:g} C{x0 + bend:g} {y0:g} {x1 - bend:g} {y1:g} {x1:g} {y1:g}" fill="none" stroke="#444" '
            'stroke-width="1.4" marker-end="url(#tip)"/>'
        )
    for unit in units:
        x, y = at[unit.number]
        drawn.append(
            f'<rect x="{x:g}" y="{y:g}" width="{BOX[0]}" height="{BOX[1]}" rx="6" fill="#eaf2f8" stroke="#0072B2"/>'
        )
        lines = _two_lines(f"{unit.number} {unit.topic}")
        for k, text in enumerate(lines):
            middle = y + BOX[1] / 2 + 5 + 17 * (k - (len(lines) - 1) / 2)
            drawn.append(
                f'<text x="{x + BOX[0] / 2:g}" y="{middle:g}" text-anchor="middle" fill="#111">{escape(text)}</text>'
            )
    return "\n".join([*drawn, "</svg>"]) + "\n"


def _two_lines(text: str, most: int = 15) -> list[str]:
    words = text.split()
    if len(text) <= most:
        return [text]
    cuts = [(" ".join(words[:k]), " ".join(words[k:])) for k in range(1, len(words))]
    return list(min(cuts, key=lambda cut: max(map(len, cut))))
