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

import pytest

from grader.demo import run_demo
from tests.course import ROOT

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
UNIT = "05_momentum"
QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
WAIT = 120_000  # milliseconds: a shared machine may be slow

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="no chromium: apt-get install chromium"),
]


@contextmanager
def jupyter(folder: Path, state: Path) -> Iterator[str]:
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
        command, cwd=folder, env={**os.environ, **own}, stderr=subprocess.PIPE, text=True
    )
    try:
        assert server.stderr is not None
        port = next(match[1] for line in server.stderr if (match := re.search(r"http://[^/:]+:(\d+)/", line)))
        threading.Thread(target=lambda: list(server.stderr or ()), daemon=True).start()
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(20)


@contextmanager
def page(address: str) -> Iterator[Any]:
    """A browser page at `address`; fails afterwards where the page's script raised."""
    from playwright.sync_api import sync_playwright

    raised: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        tab = browser.new_page(viewport={"width": 1400, "height": 1000})
        tab.set_default_timeout(WAIT)
        tab.on("pageerror", lambda error: raised.append(str(error)))
        tab.goto(address)
        yield tab
        browser.close()
    # formgrader's own page takes MathJax from a server on the internet, and there is none here
    assert [text for text in raised if "MathJax is not defined" not in text] == []


def test_jupyterlab_opens_the_lecture_with_its_figures(tmp_path):
    """What `make lab` opens: every stored figure is shown and has its alternative text, and no cell shows an error."""
    course = tmp_path / "course"
    shutil.copytree(
        ROOT / "lectures", course / "lectures", ignore=shutil.ignore_patterns(".ipynb_checkpoints")
    )
    with (
        jupyter(course, tmp_path) as address,
        page(f"{address}/lab/tree/lectures/{UNIT}.ipynb?token=t&reset") as tab,
    ):
        tab.wait_for_selector(".jp-Notebook .jp-Cell")
        tab.wait_for_selector(".jp-Notebook h1 >> text=How far can one step go, and what does memory buy?")
        tab.wait_for_function("() => document.querySelectorAll('.jp-OutputArea img').length >= 5")
        images = tab.evaluate(
            "() => [...document.querySelectorAll('.jp-OutputArea img')].map(i => [i.alt, i.naturalWidth])"
        )
        assert all(alt and width > 0 for alt, width in images)
        assert tab.locator("[data-mime-type='application/vnd.jupyter.stderr']").count() == 0
        assert tab.locator(".jp-Dialog").count() == 0, (
            "nothing to click away, such as a pairing that refuses to open"
        )


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
