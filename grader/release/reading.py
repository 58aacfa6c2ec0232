"""The reader's time as a budget: what a lecture asks of who reads it, counted from its built notebook (NOTEBOOKS.md, section 1)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from grader.build.sources import FOLDED, GENERATED
from grader.build.units import read_units

MOST_WORDS, MOST_MINUTES, MOST_LINES, MOST_LINES_OF_A_CELL, MOST_ABOVE = 2_800, 90, 200, 25, 22
WORDS_A_MINUTE, MINUTES_AN_EXPERIMENT, WORDS_A_LINE = 200, 2, 17
_UNREAD = re.compile(r"<details>(?:.|\n)*?</details>|^\|.*$|^\[!\[.*$", re.MULTILINE)
"""What is folded, tables, badges."""
_FORMULA = re.compile(r"\$\$.*?\$\$|\$[^$]*\$", re.DOTALL)
_WORD = re.compile(r"[^\W_][\w'’.,-]*")
_PREDICT = "**Predict.**"


@dataclass(frozen=True)
class Reading:
    """What a lecture holds in view: words of running text (a formula is one), experiments (code cells that are not folded), predictions,
    figures, lines of code and those of the longest cell; and the lines above the first figure, which the first screen (768 pixels in
    JupyterLab) is to show: of text, of code, and one for each cell that is folded."""

    words: int
    experiments: int
    predictions: int
    figures: int
    lines: int
    longest: int
    above: int

    @property
    def minutes(self) -> int:
        """Minutes at 200 words a minute, two for an experiment, one for a prediction or a figure."""
        return round(
            self.words / WORDS_A_MINUTE
            + MINUTES_AN_EXPERIMENT * self.experiments
            + self.predictions
            + self.figures
        )


def read(nb: NotebookNode) -> Reading:
    """Count a built lecture."""
    prose = [cell.source for cell in nb.cells if cell.cell_type == "markdown"]
    code = [cell for cell in nb.cells if cell.cell_type == "code"]
    shown = [
        cell.source.split("\n") for cell in code if not {FOLDED, GENERATED} & {*cell.metadata.get("tags", ())}
    ]
    pictures = [o for cell in code for o in cell.outputs if "image/png" in o.get("data", {})]
    text = _FORMULA.sub(" formula ", _UNREAD.sub("", "\n\n".join(prose)))
    return Reading(
        words=len(_WORD.findall(text)),
        experiments=len(shown),
        predictions=sum(text.count(_PREDICT) for text in prose),
        figures=len(pictures),
        lines=sum(map(len, shown)),
        longest=max(map(len, shown), default=0),
        above=_above_first_figure(nb),
    )


def _above_first_figure(nb: NotebookNode) -> int:
    lines = 0.0
    for cell in nb.cells:
        tags = cell.metadata.get("tags", ())
        if cell.cell_type == "markdown":
            lines += len(cell.source.split()) / WORDS_A_LINE
        elif GENERATED not in tags:
            lines += 1 if FOLDED in tags else cell.source.count("\n") + 1
        if any("image/png" in output.get("data", {}) for output in cell.get("outputs", ())):
            break
    return round(lines)


def over_budget(found: Reading, printed: int) -> Iterator[str]:
    """What does not hold of a lecture in the second edition's form; `printed` are the minutes that it says of itself."""
    if found.minutes != printed:
        yield f"prints {printed} minutes; its text, experiments, predictions and figures make {found.minutes}"
    for what, value, most in (
        ("words of running text", found.words, MOST_WORDS),
        ("minutes", found.minutes, MOST_MINUTES),
        ("lines of code in view", found.lines, MOST_LINES),
        ("lines in the longest cell in view", found.longest, MOST_LINES_OF_A_CELL),
        ("lines above the first figure", found.above, MOST_ABOVE),
    ):
        if value > most:
            yield f"{value:,} {what}; at most {most:,}"


def problems(root: Path, unit: str) -> list[str]:
    """What does not hold of a unit's lecture; nothing of one that folds no cell, which is older than the budget."""
    path = root / "lectures" / f"{unit}.ipynb"
    if not path.exists():
        return []
    nb = nbformat.read(path, as_version=4)
    if not any(FOLDED in cell.metadata.get("tags", ()) for cell in nb.cells):
        return []
    printed = next(found.minutes for found in read_units(root) if found.slug == unit)
    return list(over_budget(read(nb), printed))
