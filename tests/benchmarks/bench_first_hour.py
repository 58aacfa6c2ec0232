"""The first hour, tried as a new user would: `python -m tests.benchmarks.bench_first_hour`.

In JupyterLab: a clone of what is committed here, an empty home, the README's `make lab` and nothing else; then a browser on
the start page, the link to assignment 05, the right answer to its first exercise, three green checks, saved and counted.
As on Colab: the environment of tests/course/test_colab.py, the notebook alone in an empty folder, its own set-up cell, the answer.

Machine time is measured; pip and git take what they take here, so add what a slower network needs. Reading time is that of all
words seen on the way, formulas, hints and code too, at 200 a minute. Neither holds the minutes of thought that the exercise
states, nor the lecture. The budget is ten minutes a way. Nothing here fails on a slow day.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from tests.browser.test_learner import UNIT, answer, page, run_all
from tests.course.test_colab import make_colab
from tests.support.course import ROOT

EXERCISE, CHECKS = "momentum_step", 3
GREEN = re.compile(rf"^{EXERCISE}.*public checks passed")
ASSIGNMENT = Path("assignments", UNIT, f"{UNIT}.ipynb")
BUDGET, PACE = 600, 200 / 60  # seconds, words a second
UNSEEN = re.compile(r"!\[[^]]*\]|\]\([^)]*\)")  # alternative texts and addresses


class Way:
    """The clock of one way: prints the seconds of each stage when it ends, and at last the sum."""

    def __init__(self, title: str) -> None:
        print(f"\n{title}", flush=True)
        self.began = self.since = time.perf_counter()

    def done(self, stage: str) -> None:
        now = time.perf_counter()
        print(f"{stage:48}{now - self.since:7.1f} s", flush=True)
        self.since = now

    def read(self, **texts: str) -> None:
        """All that was to read, by where it stands."""
        total = self.since - self.began
        for where, seen in texts.items():
            words = len(re.findall(r"\w+(?:['’.-]\w+)*", UNSEEN.sub("", seen)))
            total += words / PACE
            print(f"{f'reading: {where}, {words} words':48}{words / PACE:7.1f} s")
        print(f"{'all':48}{total:7.1f} s of {BUDGET}")


def to_the_checks(notebook: Path) -> NotebookNode:
    """The assignment down to the last check of its first exercise: so far it is read, and on Colab run."""
    nb = nbformat.read(notebook, as_version=4)
    [*_, last] = (k for k, cell in enumerate(nb.cells) if _id(cell).startswith(f"test_{EXERCISE}"))
    nb.cells = nb.cells[: last + 1]
    return nb


def text(nb: NotebookNode) -> str:
    """What is read in a notebook: its cells, and what they show in Markdown."""
    shown = [
        out.data.get("text/markdown", "")
        for cell in nb.cells
        for out in cell.get("outputs", ())
        if "data" in out
    ]
    return "\n".join([*(cell.source for cell in nb.cells), *shown])


def _id(cell: NotebookNode) -> str:
    return str((cell.metadata.get("nbgrader") or {}).get("grade_id"))


@contextmanager
def make_lab(course: Path, way: Way) -> Iterator[str]:
    """`make lab` as one who has never been here; the address that it would open in a browser."""
    path = os.environ["PATH"].replace(str(Path(sys.prefix) / "bin"), "")  # not our python, but the machine's
    flags = "--allow-root --no-browser --IdentityProvider.token=t --port=0"
    make = subprocess.Popen(
        ["make", "lab", f"LAB_FLAGS={flags}"],
        cwd=course,
        env={**os.environ, "HOME": str(course.parent), "PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        said = []
        for line in make.stdout or ():
            said.append(line)
            if line.endswith("grader start\n"):  # make says each command before it runs it
                way.done("make lab: installation")
            if address := re.search(r"http://127\.0\.0\.1:\d+/[^?\s]*", line):
                break
        else:
            raise SystemExit(f"make lab ended before JupyterLab was there:\n{''.join(said)}")
        threading.Thread(target=lambda: list(make.stdout or ()), daemon=True).start()
        way.done("make lab: start page written, server up")
        yield f"{address[0]}?token=t"
    finally:
        os.killpg(make.pid, signal.SIGTERM)
        make.wait(20)


def in_jupyterlab(scratch: Path) -> None:
    """From `git clone` to a first exercise that the start page counts."""
    way, course = Way("In JupyterLab"), scratch / "trainlab"
    subprocess.run(["git", "clone", "-q", ROOT, course], check=True)
    way.done("git clone")
    with make_lab(course, way) as address, page(address, quiet=True) as tab:
        link = tab.get_by_role("link", name=f"assignment {UNIT[:2]}")
        link.wait_for()
        way.done("start page shown")
        link.click()
        tab.locator(".jp-CodeCell", has_text=f"def {EXERCISE}(").first.locator(".cm-content").click()
        way.done("assignment open")
        tab.keyboard.press("Control+a")
        tab.keyboard.insert_text(answer(EXERCISE))
        run_all(tab)
        tab.locator(".jp-OutputArea pre", has_text=GREEN).nth(CHECKS - 1).wait_for()
        way.done("answer written, cells run, checks green")
        tab.keyboard.press("Control+s")
        tab.wait_for_function("() => !document.querySelector('.lm-mod-current.jp-mod-dirty')")
        tab.get_by_role("tab", name="START.ipynb").click()
        run_all(tab)
        tab.get_by_role("cell", name=re.compile("^1 of ")).wait_for()
        way.done("saved, counted by the start page")
    readme, _ = (course / "README.md").read_text().split("**You are an instructor.**")
    start = nbformat.read(course / "work" / "START.ipynb", as_version=4)
    way.read(README=readme, START=text(start), assignment=text(to_the_checks(course / ASSIGNMENT)))


def as_on_colab(scratch: Path) -> None:
    """From a click on the badge to green checks."""
    environment = Way("As on Colab: the environment, which Colab has already")
    colab = make_colab(scratch)
    environment.done("made")
    readme, _ = (ROOT / "README.md").read_text().split("## What is here")
    nb = to_the_checks(ROOT / ASSIGNMENT)
    unsolved = text(nb)
    [cell] = [cell for cell in nb.cells if _id(cell) == EXERCISE]
    cell.source = answer(EXERCISE)
    notebook = scratch / ASSIGNMENT.name
    nbformat.write(nb, notebook)
    way = Way("As on Colab")
    outputs = [out for cell in colab.run(notebook, "online").cells for out in cell.get("outputs", ())]
    if sum(bool(GREEN.match(out.get("text", ""))) for out in outputs) != CHECKS:
        raise SystemExit(f"not all checks are green: {outputs}")
    way.done("set-up cell, answer, checks green")
    way.read(README=readme, assignment=unsolved)


def main() -> None:
    """Both ways, one after the other."""
    for number, go in enumerate((in_jupyterlab, as_on_colab)):
        with tempfile.TemporaryDirectory(prefix=f"first-hour-{number}-") as scratch:
            go(Path(scratch))


if __name__ == "__main__":
    main()
