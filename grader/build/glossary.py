"""The glossary of the course: the rows of all lectures, each term with the lecture and the section that define it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from grader.build.units import Unit, prose, table_rows

CHINESE = "中文"
GLOSSARY = "Glossary"
"""Heading of a lecture's own list, where a term leads whose row names no section."""
_SECTION = re.compile(r"^## (\d+)\. .*$", re.MULTILINE)
_DELEGATES = re.compile(r"(?:see )?unit (\d\d)")  # a row that leaves the term to another unit


@dataclass(frozen=True)
class Term:
    """One term as one lecture's glossary has it."""

    english: str
    chinese: str
    meaning: str
    section: str
    """Number of the section that defines it, as the lecture's row says; empty for a term of another unit."""
    unit: Unit

    @property
    def key(self) -> str:
        """What two lectures' rows for one term share."""
        return key(self.english)


@dataclass(frozen=True)
class Entry:
    """One line of the glossary."""

    english: str
    chinese: str
    meaning: str
    unit: Unit
    heading: str
    """Of the section that the link leads to."""
    others: tuple[str, ...]
    """Numbers of further units whose glossaries have the term."""


def key(english: str) -> str:
    """A term without capitals, hyphens, and a symbol or bracket behind it."""
    return re.sub(r"\s+(?:[^\x00-\x7f]|\$[^$]*\$|\(.*\))$", "", english).casefold().replace("-", " ")


def entries(root: Path, units: Sequence[Unit]) -> list[Entry]:
    """The glossary in alphabetical order. The first lecture that has a term defines it, unless a row names another."""
    cells = {unit.number: prose(root / "lectures" / f"{unit.slug}.py") for unit in units}
    terms: dict[str, list[Term]] = {}
    for unit in units:
        for row in _rows(cells[unit.number]):
            term = Term(*row, unit)
            terms.setdefault(term.key, []).append(term)
    return [_entry(terms[key], cells) for key in sorted(terms)]


def page(root: Path, units: Sequence[Unit]) -> str:
    """lectures/GLOSSARY.md."""
    found = entries(root, units)
    lines = [
        "# Glossary 术语表",
        "",
        f"The {len(found)} terms of the lectures, in English and Chinese. Each link leads to the section that defines the term. "
        "This page is made by `grader build` from the glossary at the end of each lecture: edit it there.",
        "",
        f"| English | {CHINESE} | meaning | defined in | also in |",
        "|---|---|---|---|---|",
    ]
    for entry in found:
        where = re.sub(r"^(\d+)\. .*", r"section \1", entry.heading)
        link = f"[{entry.unit.number} {entry.unit.topic}, {where}]({entry.unit.slug}.ipynb#{anchor(entry.heading)})"
        meaning = entry.meaning.replace("|", r"\|")
        lines.append(
            f"| {entry.english} | {entry.chinese} | {meaning} | {link} | {', '.join(entry.others)} |"
        )
    return "\n".join(lines) + "\n"


def anchor(heading: str) -> str:
    """The id that Jupyter gives to a heading, as it stands in a link."""
    return quote(heading.replace(" ", "-"), safe="-._~!$&'*+,;=:@/?")


def _rows(cells: Sequence[str]) -> Iterator[tuple[str, str, str, str]]:
    """English, Chinese, meaning and section of a lecture's terms; a row with as many Chinese as English terms is taken apart into these."""
    _, _, text = "\n\n".join(cells).partition("## Glossary\n")
    for row in table_rows(text.split("\n## ")[0]):
        english = row.get("English") or row.get("term") or ""
        meaning = row.get("here") or row.get("meaning") or ""
        section = row.get("section", "")
        names, translations = english.split(", "), re.split(r"[,，、]\s*", row.get(CHINESE, ""))
        if len(names) != len(translations):
            yield english, row.get(CHINESE, ""), meaning, section
            continue
        meanings, sections = (
            parts if len(parts) == len(names) else [whole] * len(names)
            for whole, parts in ((meaning, meaning.split("; ")), (section, section.split(", ")))
        )
        yield from zip(names, translations, meanings, sections, strict=True)


def _entry(terms: Sequence[Term], cells: dict[str, list[str]]) -> Entry:
    named = {match[1] for term in terms if (match := _DELEGATES.fullmatch(term.meaning))}
    own = [term for term in terms if not _DELEGATES.fullmatch(term.meaning)] or list(terms)
    first = next((term for term in own if term.unit.number in named), own[0])
    chinese = dict.fromkeys(
        part for term in [first, *terms] for part in re.split(r"[,，、]\s*", term.chinese)
    )
    return Entry(
        english=first.english,
        chinese="，".join(chinese),
        meaning=first.meaning or next((term.meaning for term in own if term.meaning), ""),
        unit=first.unit,
        heading=sections(cells[first.unit.number]).get(first.section, GLOSSARY),
        others=tuple(dict.fromkeys(term.unit.number for term in terms if term.unit != first.unit)),
    )


def sections(cells: Sequence[str]) -> dict[str, str]:
    """Number -> heading of a lecture's numbered sections."""
    return {match[1]: match[0].removeprefix("## ") for cell in cells for match in _SECTION.finditer(cell)}


def unknown_sections(cells: Sequence[str]) -> list[str]:
    """Terms of a lecture whose row names a section that the lecture does not have, or none."""
    there = sections(cells)
    return [
        english
        for english, _, meaning, section in _rows(cells)
        if section not in there and not _DELEGATES.fullmatch(meaning)
    ]
