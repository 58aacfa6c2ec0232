"""The pages that are no notebook: front, map, glossary, lists of units, reference. Pure functions from text to Markdown."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Collection, Mapping, Sequence

from grader.build.glossary import key
from grader.build.units import Unit
from grader.site.links import slug


def toctree(entries: Mapping[str, str], *, hidden: bool = True) -> str:
    """Sphinx's table of contents: names of pages, each with what the menus call it."""
    listed = "\n".join(f"{title} <{name}>" for name, title in entries.items())
    return f"\n```{{toctree}}\n{':hidden:' if hidden else ''}\n\n{listed}\n```\n"


def unit_list(title: str, units: Sequence[Unit], folder: str) -> str:
    """The page of all lectures, or of all assignments."""
    practice = folder == "assignments"
    rows = [
        f"| {unit.number} | [{unit.topic if practice else unit.question}]({folder}/{unit.slug}.ipynb) "
        f"| {unit.practice if practice else unit.minutes} |"
        for unit in units
    ]
    head = ["| unit | " + ("exercises on" if practice else "question") + " | minutes |", "|---|---|---|"]
    names = {f"{folder}/{unit.slug}": f"{unit.number} {unit.topic}" for unit in units}
    return "\n".join([f"# {title}", "", *head, *rows, toctree(names)])


def course_map(text: str, picture: str) -> str:
    """The page of the map with `picture` in place of the Mermaid block, which needs a script to be drawn."""
    return re.sub(r"```mermaid\n.*?```", lambda _: picture, text, flags=re.DOTALL)


def reference(modules: Mapping[str, str]) -> str:
    """The page that lists the modules of trainlab, each with the first sentence of its docstring."""
    rows = [
        f"- [trainlab.{name}]({page}.md): {(inspect.getdoc(importlib.import_module(f'trainlab.{name}')) or '').split('. ')[0]}"
        for page, name in modules.items()
    ]
    return "\n".join(["# Reference of trainlab", "", *rows, toctree(modules)])


def module(name: str) -> str:
    """The reference of one module of trainlab, from its docstrings."""
    return f"# trainlab.{name}\n\n```{{eval-rst}}\n.. automodule:: trainlab.{name}\n   :members:\n```\n"


def term_id(english: str) -> str:
    """The id of a term's row in the glossary."""
    return f"term-{slug(key(english))}"


def glossary(text: str, units: Sequence[Unit]) -> str:
    """The glossary with an id for each term, and links to the other lectures that have it."""
    address = {unit.number: f"[{unit.number}]({unit.slug}.ipynb#glossary)" for unit in units}

    def row(match: re.Match[str]) -> str:
        others = re.sub(r"\d\d", lambda number: address[number[0]], match["others"])
        return f'| <span id="{term_id(match["term"])}">{match["term"]}</span> |{match["middle"]}| {others} |'

    return re.sub(
        r"^\| (?P<term>(?!English |-).*?) \|(?P<middle>.*)\| (?P<others>[\d, ]*) ?\|$", row, text, flags=re.M
    )


def terms_linked(text: str, known: Collection[str], address: str) -> str:
    """A lecture's own glossary, each term that the course's glossary knows as a link to its row there."""
    before, heading, rows = text.partition("## Glossary\n")

    def linked(name: str) -> str:
        there = term_id(name)
        return f'<a href="{address}#{there}">{name}</a>' if there in known else name

    def row(match: re.Match[str]) -> str:
        whole = match["terms"]
        return (
            f"| {linked(whole) if term_id(whole) in known else ', '.join(map(linked, whole.split(', ')))} |"
        )

    return before + heading + re.sub(r"^\| (?P<terms>(?!English |-).*?) \|", row, rows, flags=re.M)


def predictions(text: str) -> str:
    """Each paragraph that asks for a prediction stands out."""
    return re.sub(
        r"^\*\*Predict\.\*\*.*?(?=\n\n|\Z)",
        r'<div class="predict">\n\n\g<0>\n\n</div>',
        text,
        flags=re.M | re.S,
    )


def named_headers(text: str) -> str:
    """Tables with a word in every head, for who hears them."""
    return re.sub(
        r"^\|.*(?=\n\|[-:| ]+\|$)",
        lambda head: re.sub(r"\| *(?=\|)", '| <span class="unseen">name</span> ', head[0]),
        text,
        flags=re.M,
    )
