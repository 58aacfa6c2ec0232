"""The glossary of the course: the rows of all lectures, each term with the lecture and the section that define it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from grader.build.units import Unit, prose, table_rows

CHINESE = "中文"
_SECTION = re.compile(r"^## (\d+)\. .*$", re.MULTILINE)
_DELEGATES = re.compile(r"(?:see )?unit (\d\d)")  # a row that leaves the term to another unit
_EMPHASISED = re.compile(r"\*+([^*\n]+)\*+")


@dataclass(frozen=True)
class Term:
    """One term as one lecture's glossary has it."""

    english: str
    chinese: str
    meaning: str
    unit: Unit

    @property
    def key(self) -> str:
        """What two lectures' rows for one term share: no capitals, no hyphens, no symbol or bracket behind it."""
        plain = re.sub(r"\s+(?:[^\x00-\x7f]|\$[^$]*\$|\(.*\))$", "", self.english)
        return plain.casefold().replace("-", " ")


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


def entries(root: Path, units: Sequence[Unit]) -> list[Entry]:
    """The glossary in alphabetical order. The first lecture that has a term defines it, unless a row names another."""
    cells = {unit.number: prose(root / "lectures" / f"{unit.slug}.py") for unit in units}
    terms: dict[str, list[Term]] = {}
    for unit in units:
        for term in _terms(cells[unit.number], unit):
            terms.setdefault(term.key, []).append(term)
    return [_entry(key, terms[key], cells) for key in sorted(terms)]


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


def _terms(cells: Sequence[str], unit: Unit) -> Iterator[Term]:
    """A lecture's glossary rows; a row with as many Chinese as English terms is taken apart into these."""
    _, _, text = "\n\n".join(cells).partition("## Glossary\n")
    for row in table_rows(text.split("\n## ")[0]):
        english = row.get("English") or row.get("term") or ""
        meaning = row.get("here") or row.get("meaning") or ""
        names, translations = english.split(", "), re.split(r"[,，、]\s*", row.get(CHINESE, ""))
        if len(names) != len(translations):
            yield Term(english, row.get(CHINESE, ""), meaning, unit)
            continue
        meanings = meaning.split("; ")
        if len(meanings) != len(names):
            meanings = [meaning] * len(names)
        for parts in zip(names, translations, meanings, strict=True):
            yield Term(*parts, unit)


def _entry(key: str, terms: Sequence[Term], cells: dict[str, list[str]]) -> Entry:
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
        heading=_section(key, first, cells[first.unit.number]),
        others=tuple(dict.fromkeys(term.unit.number for term in terms if term.unit != first.unit)),
    )


def _section(key: str, term: Term, cells: Sequence[str]) -> str:
    """The heading of the section that defines a term: the one that its row names; else the first that sets it in italics or
    bold, has it in its heading, uses it, or uses all its words in some form; else the glossary itself."""
    parts = _sections(cells)
    if (match := re.search(r"section (\d)", term.meaning)) and match[1] in parts:
        return parts[match[1]][0]
    stem = re.escape(key).removesuffix("um")  # minimum, minima
    stems = [part[:5] for part in key.split() if len(part) > 3] or [key]
    word = re.compile(rf"\b{stem}(?:s|es|d|ed|um|a)?\b", re.IGNORECASE)

    def plain(text: str) -> str:
        return " ".join(text.replace("-", " ").split())

    for looks in (
        lambda heading, body: any(word.search(plain(m)) for m in _EMPHASISED.findall(body)),
        lambda heading, body: word.search(plain(heading)),
        lambda heading, body: word.search(plain(body)),
        lambda heading, body: all(re.search(rf"\b{re.escape(w)}", body, re.IGNORECASE) for w in stems),
    ):
        for heading, body in parts.values():
            if looks(heading, body):
                return heading
    return "Glossary"


def _sections(cells: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Number -> heading and prose of the numbered sections."""
    found: dict[str, tuple[str, str]] = {}
    number = ""
    for cell in cells:
        if match := _SECTION.match(cell):
            number = match[1]
            found[number] = (match[0].removeprefix("## "), "")
        elif cell.startswith("## "):
            number = ""
        if number:
            heading, body = found[number]
            found[number] = (heading, f"{body}\n\n{cell}")
    return found
