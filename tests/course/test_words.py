"""What stands in the texts: no letter that nobody sees, no reference to what is not there."""

import re
import subprocess
import unicodedata

import pytest

from tests.support.course import LECTURES, ROOT

SECTION = re.compile(r"^#\s+## (\d+)\. ", re.MULTILINE)
CITED = re.compile(r"\bunit (\d\d)\b(?:,? section (\d))?|\b[Ss]ection (\d)\b")


def sources() -> list[str]:
    """The text files of the repository that people write, by name."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [
        name
        for name in listed.stdout.split("\n")
        if name.endswith((".py", ".md", ".toml", ".csv", ".yml", ".html"))
    ]


def test_no_source_holds_a_control_character():
    """A backslash too few makes `\\approx` a bell: it is found here and nowhere in a page."""
    names = sources()
    assert len(names) > 200
    assert [
        (name, hex(ord(letter)))
        for name in names
        for letter in sorted(set((ROOT / name).read_text(encoding="utf-8")) - {"\n"})
        if unicodedata.category(letter) == "Cc"
    ] == []


@pytest.mark.parametrize("unit", LECTURES)
def test_units_and_sections_that_a_lecture_cites_are_there(unit):
    texts = {name[:2]: (ROOT / "lectures" / f"{name}.py").read_text(encoding="utf-8") for name in LECTURES}
    sections = {number: set(SECTION.findall(text)) for number, text in texts.items()}
    missing = []
    for other, its_section, own in CITED.findall(texts[unit[:2]]):
        if own:
            missing += [f"section {own}"] * (own not in sections[unit[:2]])
        elif other not in sections or (its_section and its_section not in sections[other]):
            missing.append(f"unit {other} {its_section}")
    assert missing == []
