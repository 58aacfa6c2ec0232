"""From a slider to its picture, for every lecture: `python -m tests.benchmarks.bench_interact [UNIT ...] [--moves N]`.

Runs each lecture up to its interactive figure (FAST=1, figures not drawn), moves the sliders at random and prints milliseconds
of processor time a move: computing the panel, painting it, both, and what nine moves of ten stay below. The last column is
drawing it as a stored figure, over painting it, in the same run. The budget is 100 ms. Nothing here fails on a slow day.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Mapping
from typing import Any
from unittest import mock

import jupytext
import numpy as np

from tests.course import LECTURES, ROOT
from trainlab import interact, plots

BUDGET = 100  # milliseconds


class Reached(Exception):
    """The interactive figure: its panel and its sliders."""

    def __init__(self, panel: Callable[..., plots.Panel], sliders: Mapping[str, interact.Slider]) -> None:
        super().__init__("reached")
        self.panel, self.sliders = panel, sliders


def interactive_figure(unit: str) -> Reached:
    """Run a lecture's cells until it calls `interact.explore`."""

    def explore(panel: Callable[..., plots.Panel], **options: Any) -> None:
        raise Reached(panel, {k: v for k, v in options.items() if isinstance(v, interact.Slider)})

    names: dict[str, Any] = {}
    with (
        mock.patch.dict(os.environ, FAST="1"),
        mock.patch.object(interact, "explore", explore),
        mock.patch.object(plots, "show"),
        mock.patch("trainlab.evidence.display"),
    ):
        for cell in jupytext.read(ROOT / "lectures" / f"{unit}.py", fmt="py:percent").cells:
            if cell.cell_type == "code":
                try:
                    exec(compile(cell.source, unit, "exec"), names)
                except Reached as found:
                    return found
    raise SystemExit(f"{unit}: no interactive figure")


def cost(work: Callable[..., Any], *args: Any, **settings: Any) -> tuple[float, Any]:
    """Milliseconds of processor time, and the result."""
    before = time.process_time()
    result = work(*args, **settings)
    return 1000 * (time.process_time() - before), result


def stored(panel: plots.Panel) -> bytes:
    """The panel as a stored figure is drawn, before its palette is reduced."""
    return plots.png(plots.figure(panel), small=False)


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("units", nargs="*", default=LECTURES)
    parser.add_argument("--moves", type=int, default=30)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    print(f"{'':30}compute   paint    both  9 of 10   stored / paint")
    for unit in options.units:
        found = interactive_figure(unit)
        corners = [
            {name: end(s) for name, s in found.sliders.items()} for end in (lambda s: s.low, lambda s: s.high)
        ]
        paint = interact.painter(found.panel(**corner) for corner in corners)
        rows = []
        for _ in range(options.moves + 1):
            values = {
                name: s.low + s.step * int(rng.integers(round((s.high - s.low) / s.step) + 1))
                for name, s in found.sliders.items()
            }
            computing, panel = cost(found.panel, **values)
            painting, _ = cost(paint, panel)
            storing, _ = cost(stored, panel)
            rows.append((computing, painting, computing + painting, storing / painting))
        compute, painted, both, ratio = np.median(rows[1:], axis=0)  # the first move warms up
        nine_of_ten = np.quantile([row[2] for row in rows[1:]], 0.9)
        verdict = "" if nine_of_ten < BUDGET else f"   over the budget of {BUDGET} ms"
        print(
            f"{unit:30}{compute:7.1f} {painted:7.1f} {both:7.1f} {nine_of_ten:8.1f} {ratio:16.2f}{verdict}",
            flush=True,
        )


if __name__ == "__main__":
    main()
