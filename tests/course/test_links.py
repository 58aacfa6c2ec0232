"""Links between files of the repository lead somewhere; links out are well formed (nothing is fetched)."""

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.support.course import ROOT, notebooks

LINK = re.compile(
    r"(?<!\\)!?\[(?P<text>[^\]\n]*(?:\[[^\]\n]*\][^\]\n]*)*)\]\((?P<target>[^()\s]+(?:\([^()\s]*\)[^()\s]*)*)\)"
)


def markdown() -> list[tuple[Path, str]]:
    pages = [
        (path, path.read_text(encoding="utf-8"))
        for path in ROOT.glob("**/*.md")
        if path.relative_to(ROOT).parts[0] not in (".venv", "runs", "work")
        and path.name
        != "front.md"  # its links are between pages of the site, where tests/browser/test_site.py follows them
    ]
    for path, nb in notebooks():
        pages += [(path, cell.source) for cell in nb.cells if cell.cell_type == "markdown"]
    return pages


def without_code(text: str) -> str:
    return re.sub(r"```.*?```|`[^`\n]*`|\$\$.*?\$\$|\$[^$\n]*\$", "", text, flags=re.DOTALL)


def test_links_lead_somewhere():
    broken, seen = [], 0
    for path, text in markdown():
        for match in LINK.finditer(without_code(text)):
            target = urlsplit(match["target"].strip("<>"))
            seen += 1
            if target.scheme:
                if target.scheme not in ("https", "mailto") or not (target.netloc or target.path):
                    broken.append((path.name, match["target"]))
            elif target.path and not (path.parent / unquote(target.path)).exists():
                broken.append((path.name, match["target"]))
    assert broken == []
    assert seen > 0


@pytest.mark.parametrize("vague", ["here", "this", "link", "click here", "this page"])
def test_link_texts_make_sense_alone(vague):
    assert not [
        (path.name, match["target"])
        for path, text in markdown()
        for match in LINK.finditer(without_code(text))
        if match["text"].strip().lower() == vague
    ]
