"""A built notebook made ready for its page: pure steps from a notebook to a notebook. Nothing is executed."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

from grader.site import panels

Steps = Callable[[Any], Any]
_BADGE = re.compile(r"^\[!\[[^\]]*\]\([^)]*badge[^)]*\)\]\((?P<colab>[^)]*)\)$", re.MULTILINE)
_TITLE = re.compile(r"\A# @title (?P<title>.*)\n")
_PICTURE = re.compile(r'<img alt="(?P<alt>[^"]*)"[^>]* src="data:image/png;base64,(?P<data>[^"]*)">')
_COMMENT = re.compile(r"\A# (?P<title>.*)\n")


def staged(nb: Any, *steps: Steps) -> Any:
    """A copy of `nb` after all `steps`, each of which may change what it is given and returns it."""
    nb = deepcopy(nb)
    for step in steps:
        nb = step(nb)
    return nb


def without_installation(nb: Any) -> Any:
    """A page needs no cell that installs the course."""
    nb.cells = [cell for cell in nb.cells if "generated" not in cell.metadata.get("tags", ())]
    return nb


def folded(nb: Any) -> Any:
    """What a lecture hides, set-up and checks: behind their title, which a click opens."""
    for cell in nb.cells:
        if cell.cell_type != "code":
            continue
        checks = cell.metadata.get("nbgrader", {}).get("grade") and "YOUR CODE" not in cell.source
        setup = cell.metadata.get("nbgrader", {}).get("grade_id") == "setup"
        hidden = "hide-input" in cell.metadata.get("tags", ())
        title = _TITLE.match(cell.source)
        if title:
            cell.source = cell.source[title.end() :]
        elif checks:
            title = _COMMENT.match(cell.source)
        if hidden or checks or setup:
            what = title["title"].rstrip(".") if title else "set-up"
            label = f"Checks: {what}" if checks else f"Code: {what}"
            cell.metadata["tags"] = [*cell.metadata.get("tags", ()), "hide-input"]
            cell.metadata["mystnb"] = {"code_prompt_show": label, "code_prompt_hide": label}
    return nb


def pictures_as_files(address: str, keep: dict[str, bytes]) -> Steps:
    """A step that takes pictures out of the page: into `keep` by number, shown from `address`, panel by panel, when they come into view."""

    def taken(match: re.Match[str]) -> str:
        name = f"{len(keep) + 1:02d}.png"
        keep[name] = base64.b64decode(match["data"])
        return panels.markup(f"{address}/{name}", keep[name], html.unescape(match["alt"]))

    def step(nb: Any) -> Any:
        for data in _shown(nb):
            data["text/html"] = _PICTURE.sub(taken, data["text/html"])
        return nb

    return step


def tables_scroll(nb: Any) -> Any:
    """Tables among the outputs (evidence) scroll by themselves where a page is narrow, by keyboard, too."""
    for data in _shown(nb):
        if data["text/html"].lstrip().startswith("<table"):
            region = '<div class="scroll" role="group" aria-label="Table" tabindex="0">'
            data["text/html"] = f"{region}{data['text/html']}</div>"
    return nb


def live_figure(drawn: str | None) -> Steps:
    """A step that puts `drawn`, a figure that moves without a kernel, in place of what `interact.explore` left."""

    def step(nb: Any) -> Any:
        for cell in nb.cells:
            if drawn and cell.cell_type == "code" and "interact.explore(" in cell.source:
                output = next(out for out in cell.outputs if "text/html" in out.get("data", {}))
                output.data = {"text/html": drawn}
                cell.outputs = [output]
        return nb

    return step


def doors(notebook: str) -> Steps:
    """A step that puts buttons in place of the badge: to Colab, and to download `notebook`, a file beside the page."""

    def step(nb: Any) -> Any:
        def buttons(match: re.Match[str]) -> str:
            colab = html.escape(match["colab"])
            return (
                f'<p class="doors"><a class="door" href="{colab}">Open in Colab</a>'
                f' <a class="door" href="{notebook}" download>Download the notebook</a></p>'
            )

        nb.cells[0].source = _BADGE.sub(buttons, nb.cells[0].source)
        return nb

    return step


def prose(change: Callable[[str], str]) -> Steps:
    """A step that changes the text of every Markdown cell."""

    def step(nb: Any) -> Any:
        for cell in nb.cells:
            if cell.cell_type == "markdown":
                cell.source = change(cell.source)
        return nb

    return step


def _shown(nb: Any) -> Iterator[Any]:
    """The data of all outputs that are HTML, without the other forms that a page does not show."""
    for cell in nb.cells:
        for output in cell.get("outputs", ()):
            if "text/html" in output.get("data", {}):
                output.data = {"text/html": output.data["text/html"]}
                yield output.data
