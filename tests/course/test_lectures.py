"""Every lecture runs from the top in a clean kernel, and holds what NOTEBOOKS.md asks of a lecture."""

import itertools
import re

import nbformat
import pytest

from grader.build.lectures import execute
from tests.support.course import LECTURES, ROOT

SHORT = 20
"""Minutes of a unit that is one thought: it may have a single section."""
LANGUAGE = re.compile(r"[\u4e00-\u9fff]")


def lecture(unit):
    return nbformat.read(ROOT / "lectures" / f"{unit}.ipynb", as_version=4)


def prose(nb):
    return "\n".join(cell.source for cell in nb.cells if cell.cell_type == "markdown")


def figures(nb):
    return [
        output
        for cell in nb.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if "image/png" in output.get("data", {})
    ]


def shape(output):
    """What an output is, without its digits: they may differ in the last place between processors."""
    return output.output_type, sorted(output.get("data", {})), output.get("name")


@pytest.mark.slow
@pytest.mark.parametrize("unit", LECTURES)
def test_a_lecture_runs_from_the_top_and_its_claims_hold(unit):
    """Executing raises where a claim fails; what is stored is what comes out."""
    stored = lecture(unit)
    executed = execute(stored, ROOT / "lectures" / f"{unit}.py")
    for before, after in zip(stored.cells, executed.cells, strict=True):
        assert [shape(output) for output in before.get("outputs", ())] == [
            shape(output) for output in after.get("outputs", ())
        ]


@pytest.mark.parametrize("unit", LECTURES)
def test_form_of_a_lecture(unit):
    nb = lecture(unit)
    text = prose(nb)
    assert "?" in text.split("\n")[0], "the first line is the question"
    assert any("explore(" in cell.source for cell in nb.cells if cell.cell_type == "code"), (
        "an interactive figure"
    )
    sections = re.findall(r"^## (\d+)\. ", text, re.MULTILINE)
    assert sections == [str(k) for k in range(1, len(sections) + 1)]
    minutes = int(re.findall(r"(\d+) minutes", text)[0])
    assert (1 if minutes <= SHORT else 3) <= len(sections) <= 6
    assert len(figures(nb)) >= min(5, 2 * len(sections))
    for part in ("What the sources say", "Summary", "Quick questions", "Glossary", "Further reading"):
        assert re.search(rf"^## {part}", text, re.MULTILINE), part
    assert 4 <= text.split("## Quick questions")[1].split("\n## ")[0].count("<details>") <= 6
    assert LANGUAGE.search(text.split("## Glossary")[1]), "the glossary is in English and Chinese"
    assert f"../assignments/{unit}/{unit}.ipynb" in text
    assert text.count("Predict") >= len(sections) - 1, "a prediction before every experiment"
    assert "!" not in re.sub(r"!\[|`[^`]*`|\$[^$]*\$|!=", "", text), "no exclamation marks"


@pytest.mark.parametrize("unit", LECTURES)
def test_headings_are_in_order(unit):
    levels = [
        len(mark)
        for mark in re.findall(
            r"^(#+) ", re.sub(r"```.*?```", "", prose(lecture(unit)), flags=re.DOTALL), re.MULTILINE
        )
    ]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


@pytest.mark.parametrize("unit", LECTURES)
def test_alternative_texts_are_sentences(unit):
    for output in figures(lecture(unit)):
        alt = output.metadata["image/png"]["alt"]
        assert len(alt.split()) >= 6, alt
        assert not alt.lower().startswith(("figure", "a plot", "plot of", "image")), alt
