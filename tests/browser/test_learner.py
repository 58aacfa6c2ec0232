"""JupyterLab and nbgrader's formgrader in a real browser: Debian's Chromium, driven by Playwright."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
import pytest

from grader.build.units import read_units
from grader.engine.result import Verdict
from grader.learner.check import check
from grader.learner.workspace import Solved, lay_out, progress
from grader.sample.demo import run_demo
from tests.support.course import ROOT

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
UNIT = "05_momentum"
QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
MATHJAX = "window.MathJax = { Hub: { Config() {}, Startup: { signal: { Interest: (f) => f('End') } } } }"
"""Formgrader takes MathJax from a server on the internet, and without it its page saves no score. There is none here."""
FOR_AUTHORS = ".jp-SideBar [title='Nbgrader Create Assignment']"
WAIT = 120_000  # milliseconds: a shared machine may be slow

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="no chromium: apt-get install chromium"),
]


@contextmanager
def jupyter(folder: Path, state: Path, **environment: str) -> Iterator[str]:
    """JupyterLab in `folder` on a free port, with settings of its own; the address of its first page."""
    own = {
        f"JUPYTER{name}_DIR": str(state / name)
        for name in ("_CONFIG", "_DATA", "_RUNTIME", "LAB_SETTINGS", "LAB_WORKSPACES")
    }
    command = [
        sys.executable,
        "-m",
        "jupyter",
        "lab",
        "--no-browser",
        "--port=0",
        "--allow-root",
        f"--ServerApp.root_dir={folder}",
        "--IdentityProvider.token=t",
    ]
    server = subprocess.Popen(
        command, cwd=folder, env={**os.environ, **own, **environment}, stderr=subprocess.PIPE, text=True
    )
    try:
        assert server.stderr is not None
        port = next(match[1] for line in server.stderr if (match := re.search(r"http://[^/:]+:(\d+)/", line)))
        threading.Thread(target=lambda: list(server.stderr or ()), daemon=True).start()
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(20)


def unknown(said: Any) -> bool:
    """Whether a message on the console is an error that is not this machine's: it has no network, so no badge of Colab's."""
    return said.type == "error" and "ERR_NAME_NOT_RESOLVED" not in said.text


@contextmanager
def page(address: str, *, quiet: bool = False) -> Iterator[Any]:
    """A browser page at `address`; fails afterwards where the page's script raised, or, when `quiet`, wrote an error."""
    from playwright.sync_api import sync_playwright

    raised: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        tab = browser.new_page(viewport={"width": 1400, "height": 1000})
        tab.set_default_timeout(WAIT)
        tab.on("pageerror", lambda error: raised.append(str(error)))
        if quiet:
            tab.on("console", lambda said: raised.append(said.text) if unknown(said) else None)
        tab.route(re.compile(r"^https://.*mathjax", re.IGNORECASE), lambda route: route.fulfill(body=MATHJAX))
        tab.goto(address)
        yield tab
        browser.close()
    assert raised == []


@pytest.fixture(scope="module")
def desk(tmp_path_factory) -> Iterator[tuple[str, Path]]:
    """What `make lab` serves: a clone with a learner's own copies, the course's settings for JupyterLab, and its address."""
    course = tmp_path_factory.mktemp("clone") / "course"
    left_out = shutil.ignore_patterns(".ipynb_checkpoints", "__pycache__")
    for folder in ("lectures", "assignments", "solutions"):
        shutil.copytree(ROOT / folder, course / folder, ignore=left_out)
    for file in ("nbgrader_config.py", "pyproject.toml"):
        shutil.copy(ROOT / file, course)
    lay_out(course)
    with jupyter(
        course, tmp_path_factory.mktemp("state"), JUPYTER_CONFIG_PATH=str(ROOT / ".jupyter"), FAST="1"
    ) as address:
        yield address, course


def opened(address: str, path: str, **options: Any) -> Any:
    """A file of the clone in JupyterLab, with a workspace of its own."""
    return page(f"{address}/lab/tree/{path}?token=t&reset", quiet=True, **options)


def run_all(tab: Any) -> None:
    """Run all cells of the notebook in front, once its kernel is ready."""
    front = tab.locator(".jp-NotebookPanel:visible")  # JupyterLab keeps the others in the page, hidden
    front.get_by_role("heading", level=1).wait_for()
    front.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']").wait_for()
    tab.locator(".lm-MenuBar-item", has_text="Run").click()
    tab.get_by_role("menuitem", name="Run All Cells", exact=True).click()


def figures(tab: Any) -> list[tuple[str, int]]:
    """Alternative text and width of every picture among the outputs."""
    return tab.evaluate(
        "() => [...document.querySelectorAll('.jp-OutputArea img')].map(i => [i.alt, i.naturalWidth])"
    )


def stored_figures(course: Path, unit: str) -> set[str]:
    """The alternative texts of all figures of a built lecture."""
    nb = nbformat.read(course / "lectures" / f"{unit}.ipynb", as_version=4)
    outputs = [out for cell in nb.cells for out in cell.get("outputs", ())]
    return {out.metadata["image/png"]["alt"] for out in outputs if "image/png" in out.get("data", {})}


def errors(tab: Any) -> list[str]:
    """What the notebook in front shows in red: errors, warnings, text on stderr."""
    return tab.locator("[data-mime-type='application/vnd.jupyter.stderr']").all_inner_texts()


def test_the_start_page_shows_the_map_and_leads_to_a_lecture(desk):
    """Units, the picture of their order, own progress; a link opens a lecture with all its figures, another the glossary."""
    address, course = desk
    with opened(address, "work/START.ipynb") as tab:
        tab.get_by_role("heading", level=1).wait_for()
        rows = tab.locator(".jp-OutputArea tbody tr")
        rows.first.wait_for()
        assert rows.count() == len(read_units(course))
        assert re.search(r"0 of \d$", rows.first.inner_text().strip())
        drawn = tab.locator(".jp-MarkdownOutput img")
        tab.wait_for_function("image => image.naturalWidth > 0", arg=drawn.element_handle())
        assert drawn.get_attribute("alt").startswith("Which unit builds on which")
        tab.get_by_role("link", name=f"Lecture {UNIT[:2]}").click()
        tab.get_by_role("heading", name="How far can one step go, and what does memory buy?").wait_for()
        stored = stored_figures(course, UNIT)
        tab.wait_for_function(
            "n => document.querySelectorAll('.jp-RenderedHTML img').length >= n", arg=len(stored)
        )
        shown = figures(tab)
        assert stored <= {alt for alt, _ in shown}
        assert all(alt and width > 0 for alt, width in shown)
        assert errors(tab) == []
        tab.wait_for_selector(".jp-NotebookPanel:not(.lm-mod-hidden) [data-status='idle']")
        assert tab.locator(".jp-mod-dirty").count() == 0, "what was only read is not to be saved"
        tab.get_by_role("tab", name="START.ipynb").click()
        tab.get_by_role("link", name="the glossary").click()
        tab.locator(".jp-MarkdownViewer").get_by_role(
            "link", name=re.compile("05 momentum, section 5")
        ).first.click()
        heading = tab.get_by_role("heading", name=re.compile("^5. What happens at the edge"))
        tab.wait_for_function(
            "h => h.getBoundingClientRect().top < innerHeight", arg=heading.element_handle()
        )
        assert tab.locator(".jp-Dialog").count() == 0, "nothing to click away"
        assert tab.locator(".Toastify__toast").count() == 0, "nothing to answer either"
        assert tab.locator(FOR_AUTHORS).count() == 0


def test_an_instructors_jupyter_lab_asks_nothing(tmp_path):
    """Started as the handbook says, without the settings of `make lab`, in an environment as `make` leaves it."""
    making = ["make", "-n", "-B", f"VENV={tmp_path}/venv", f"{tmp_path}/venv/ready"]
    recipe = subprocess.run(making, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    [settings] = [line for line in recipe.splitlines() if "labconfig" in line]
    subprocess.run(settings, shell=True, cwd=ROOT, check=True)
    prefix = str(tmp_path / "venv" / "etc" / "jupyter")
    with (
        jupyter(tmp_path, tmp_path / "state", JUPYTER_CONFIG_PATH=prefix) as address,
        page(f"{address}/lab?token=t&reset") as tab,
    ):
        tab.locator(FOR_AUTHORS).wait_for()
        tab.locator(".jp-Launcher-body").wait_for()
        tab.wait_for_timeout(3000)  # it would ask a moment later
        assert tab.locator(".jp-Dialog, .Toastify__toast").all_inner_texts() == []


def test_a_lecture_runs_from_the_top_and_its_slider_moves_the_picture(desk):
    """All cells in a fresh kernel, every figure, nothing red; then arrow keys on the slider, which has a name."""
    address, course = desk
    unit = "02_losses"  # the fastest
    with opened(address, f"work/lectures/{unit}.ipynb") as tab:
        run_all(tab)
        slider = tab.get_by_role("slider", name="gap z2 - z1")
        slider.wait_for(timeout=5 * WAIT)  # a lecture's whole run, beside another test
        tab.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status='idle']", timeout=5 * WAIT)
        shown = figures(tab)
        assert stored_figures(course, unit) <= {alt for alt, _ in shown}
        assert all(alt and width > 0 for alt, width in shown)
        assert errors(tab) == []
        picture = tab.locator(".widget-html img")
        for key in ("ArrowRight", "End"):
            before = picture.get_attribute("src")
            slider.press(key)
            tab.wait_for_function("b => document.querySelector('.widget-html img').src !== b", arg=before)
        assert float(slider.get_attribute("aria-valuenow")) == 20
        assert "gap z2 - z1 = 20" in picture.get_attribute("alt")


def test_an_exercise_solved_in_the_browser_turns_its_checks_green(desk):
    """Type the answer, run the cells, save: the public checks say so, and the start page counts it."""
    address, course = desk
    name = f"assignments/{UNIT}/{UNIT}.ipynb"
    with opened(address, f"work/{name}") as tab:
        tab.get_by_role("heading", level=1).wait_for()
        cell = tab.locator(".jp-CodeCell", has_text="def momentum_step(").first
        cell.locator(".cm-content").click()
        tab.keyboard.press("Control+a")
        tab.keyboard.insert_text(answer("momentum_step"))
        run_all(tab)
        tab.wait_for_selector(".jp-OutputArea >> text=NotImplementedError")  # of the second exercise
        lines = tab.locator(".jp-OutputArea pre", has_text=re.compile("momentum_step.*public checks passed"))
        assert lines.count() == 3
        tab.keyboard.press("Control+s")
        [unit] = [u for u in read_units(course) if u.slug == UNIT]
        tab.wait_for_function("() => !document.querySelector('.jp-mod-dirty')")
        assert progress(course, unit) == Solved(solved=1, exercises=4, passed=3, checks=13)
        tab.goto(f"{address}/lab/tree/work/START.ipynb?token=t&reset")
        run_all(tab)
        tab.get_by_role("cell", name="1 of 4 (3 of 13 checks)").wait_for()


def test_the_validate_button_says_what_grader_check_says(desk):
    """One notebook, an exercise solved, one wrong, two left empty: both name the same checks as failed."""
    address, course = desk
    path = course / "work" / "assignments" / UNIT / "mine.ipynb"
    nb = nbformat.read(course / "assignments" / UNIT / f"{UNIT}.ipynb", as_version=4)
    cells = {(cell.metadata.get("nbgrader") or {}).get("grade_id"): cell for cell in nb.cells}
    cells["momentum_step"].source = answer("momentum_step")
    cells["nesterov_step"].source = "def nesterov_step(theta, v, grad, lr, beta):\n    return theta, v"
    cells["written_momentum"].source = "All three are one sum."  # Validate asks for words, and reads none
    nbformat.write(nb, path)
    tests = [test for exercise in check(course, path).exercises for test in exercise.tests]
    failed = {test.id for test in tests if test.verdict is not Verdict.PASSED}
    assert len(failed) == len(tests) - 4  # the wrong one at least leaves its arguments alone
    ids = {cell.source: grade_id for grade_id, cell in cells.items()}
    with opened(address, str(path.relative_to(course))) as tab:
        tab.get_by_role("heading", level=1).wait_for()
        tab.get_by_role("button", name="Validate").click()
        said = tab.locator("#validation-message")
        said.wait_for()
        # for each failing cell a paragraph, its source and its error
        assert {
            ids[text] for text in said.locator("div:has(> p) + .jp-RenderedText pre").all_inner_texts()
        } == failed


def answer(function: str) -> str:
    """A right answer, from the course's own solutions."""
    nb = nbformat.read(ROOT / "solutions" / UNIT / f"{UNIT}.ipynb", as_version=4)
    [cell] = [c for c in nb.cells if (c.metadata.get("nbgrader") or {}).get("grade_id") == function]
    return cell.source


def test_formgrader_opens_what_was_graded(tmp_path):
    """The unit, its submissions with their scores, and an autograded notebook."""
    course = tmp_path / "course"
    found = run_demo(ROOT, UNIT, students=24, into=course, allow_unsandboxed=False)
    best = next(row for row in found.summary.rows if row.score == row.max_score)
    with jupyter(course, tmp_path) as address, page(f"{address}/formgrader?token=t") as tab:
        tab.wait_for_selector(f"text={UNIT}")
        tab.goto(f"{address}/formgrader/manage_submissions/{UNIT}?token=t")
        tab.wait_for_selector(f"text={best.student}")
        cells = " ".join(tab.locator("tr", has_text=best.student).first.inner_text().split())
        assert f"{best.score:g} / " in cells
        tab.goto(f"{address}/formgrader/gradebook/{UNIT}/{UNIT}?token=t")
        tab.locator("a", has_text=re.compile("Submission #")).first.click()
        tab.wait_for_selector("text=Exercise 1")
        assert tab.locator("input.score").count() > 0, "the written question can be graded by hand"
