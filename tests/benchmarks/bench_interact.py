"""From a slider to its picture, for every lecture: `python -m tests.benchmarks.bench_interact [--browser | --site] [--moves N] [UNIT ...]`.

Runs what each lecture's interactive figure needs, moves the sliders at random and prints milliseconds
a move: computing the panel, painting it, both, and what nine moves of ten stay below. The last column is drawing it as a stored
figure, over painting it, in the same run.

With `--browser` each lecture runs in JupyterLab, and the arrow keys move its first slider, every half second: from the key to
the new picture, decoded. Elapsed time counts other people's work: `load` is the last minute's, with the lecture before.
The budget is 100 ms. With `--site` the same on a page without a kernel, for which the pictures are drawn first: 50 ms.
Nothing here fails on a slow day.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jupytext
import numpy as np

from grader.site import live
from tests.browser.test_learner import jupyter, opened, run_all
from tests.site import test_live
from tests.support.course import LECTURES, ROOT
from trainlab import interact, plots

BUDGET, ON_SITE = 100, 50  # milliseconds
PATIENCE = 600_000  # milliseconds: a lecture takes one minute, where nothing else runs
PAUSE = 500  # milliseconds between two keys: each picture is there before the next is asked for
STOPWATCH = """(name) => {
  const box = document.querySelector(name), picture = () => box.querySelector("img");
  let pressed, shown;
  window.moves = [];
  document.addEventListener("keydown", () => { pressed = performance.now(); }, true);
  const seen = () => picture().src + picture().alt;
  new MutationObserver(async () => {
    if (seen() === shown) return;
    shown = seen();
    await picture().decode();
    window.moves.push(performance.now() - pressed);
  }).observe(box, { subtree: true, childList: true, attributes: true });
}"""
"""Fills `moves` with the milliseconds from each key to the decoded picture that it brought."""


def interactive_figure(unit: str) -> live.Explored:
    """A lecture's panel and its sliders."""
    nb = jupytext.read(ROOT / "lectures" / f"{unit}.py", fmt="py:percent")
    found = live.explored([cell.source for cell in nb.cells if cell.cell_type == "code"])
    if found is None:
        raise SystemExit(f"{unit}: no interactive figure")
    return found


def cost(work: Callable[..., Any], *args: Any, **settings: Any) -> tuple[float, Any]:
    """Milliseconds, and the result. Processor time would count the threads of NumPy that spin between two products."""
    before = time.perf_counter()
    result = work(*args, **settings)
    return 1000 * (time.perf_counter() - before), result


def stored(panel: plots.Panel) -> bytes:
    """The panel as a stored figure is drawn, before its palette is reduced."""
    return plots.png(plots.figure(panel), small=False)


def in_browser(unit: str, moves: int) -> list[float]:
    """Milliseconds from each key on the lecture's first slider to its picture, in JupyterLab as a learner has it."""
    with tempfile.TemporaryDirectory(prefix="interact-") as scratch:
        folder, state = Path(scratch) / "desk", Path(scratch) / "state"
        folder.mkdir()
        shutil.copy(ROOT / "lectures" / f"{unit}.ipynb", folder)
        with (
            jupyter(folder, state, JUPYTER_CONFIG_PATH=str(ROOT / ".jupyter")) as address,
            opened(address, f"{unit}.ipynb") as tab,
        ):
            tab.set_default_timeout(PATIENCE)
            run_all(tab)
            slider = tab.get_by_role("slider").first
            slider.wait_for()
            tab.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status='idle']")
            tab.evaluate(STOPWATCH, ".widget-html")
            return moved(tab, slider, moves)


def on_site(unit: str, moves: int) -> list[float]:
    """Milliseconds from each key on the lecture's first slider to its picture, on a page without a kernel."""
    found = interactive_figure(unit)
    with tempfile.TemporaryDirectory(prefix="interact-") as scratch:
        folder = Path(scratch) / "pictures"
        folder.mkdir()
        with test_live.opened(test_live.page(Path(scratch), live.figure(found, folder, "pictures"))) as tab:
            slider = tab.locator("input").first
            slider.focus()
            tab.wait_for_function(
                "() => document.querySelector('figure').loaded.every((one) => one.complete)"
            )
            tab.evaluate(STOPWATCH, ".picture")
            return moved(tab, slider, moves)


def moved(tab: Any, slider: Any, moves: int) -> list[float]:
    """Move a slider to and fro by the arrow keys; what the stopwatch says of each move."""
    ends = "s => [s.value ?? s.ariaValueNow, s.min || s.ariaValueMin, s.max || s.ariaValueMax].map(Number)"
    key = "ArrowRight"
    for made in range(moves + 1):  # the first move warms up
        now, low, high = slider.evaluate(ends)
        key = "ArrowLeft" if now == high else "ArrowRight" if now == low else key
        slider.press(key)
        tab.wait_for_timeout(PAUSE)  # asking earlier would take the browser's time
        tab.wait_for_function("n => window.moves.length > n", arg=made)
    return list(tab.evaluate("() => window.moves"))[1:]


def in_kernel(unit: str, moves: int) -> np.ndarray:
    """Milliseconds (moves, 3) of computing, painting, and drawing as a stored figure."""
    rng = np.random.default_rng(0)
    found = interactive_figure(unit)
    corners = [
        {name: end(s) for name, s in found.sliders.items()} for end in (lambda s: s.low, lambda s: s.high)
    ]
    paint = interact.painter(found.panel(**corner) for corner in corners)
    rows = []
    for _ in range(moves + 1):
        values = {
            name: s.low + s.step * int(rng.integers(round((s.high - s.low) / s.step) + 1))
            for name, s in found.sliders.items()
        }
        computing, panel = cost(found.panel, **values)
        painting, _ = cost(paint, panel)
        storing, _ = cost(stored, panel)
        rows.append((computing, painting, storing))
    return np.array(rows[1:])  # the first move warms up


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("units", nargs="*", default=LECTURES)
    parser.add_argument("--moves", type=int, default=20)
    parser.add_argument("--browser", action="store_true", help="in JupyterLab, from key to picture")
    parser.add_argument("--site", action="store_true", help="on a page without a kernel, from key to picture")
    options = parser.parse_args()
    budget = ON_SITE if options.site else BUDGET
    parts = "" if options.browser or options.site else "compute   paint  stored / paint"
    print(f"{'':30}{'median':>8}{'9 of 10':>9}{'most':>8}{'load':>7}   {parts}")
    for unit in options.units:
        load, detail = os.getloadavg()[0], ""
        if options.browser or options.site:
            ms = np.array((on_site if options.site else in_browser)(unit, options.moves))
        else:
            compute, paint, store = in_kernel(unit, options.moves).T
            ms = compute + paint
            detail = f"{np.median(compute):7.1f} {np.median(paint):7.1f} {np.median(store / paint):15.2f}"
        median, nine_of_ten, most = np.quantile(ms, (0.5, 0.9, 1))
        verdict = "" if nine_of_ten < budget else f"   over the budget of {budget} ms"
        print(
            f"{unit:30}{median:8.1f}{nine_of_ten:9.1f}{most:8.1f}{load:7.2f}   {detail}{verdict}", flush=True
        )


if __name__ == "__main__":
    main()
