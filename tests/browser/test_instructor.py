"""What an instructor does in a real browser: formgrader's buttons with our engine behind them, the feedback, the report."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from nbgrader.api import Gradebook

from grader.batch.grade import ClassSummary, Options, grade_class
from grader.pages.feedback import write_feedback
from grader.pages.report import write_report
from grader.release.release import release
from grader.sample.classroom import make_class, make_course
from grader.source.course import read_course
from grader.source.notebook import EXPLORE
from tests.browser.test_learner import CHROMIUM, UNIT, jupyter, page
from tests.support.axe import violations
from tests.support.course import ROOT
from tests.support.pageclass import CASES, make_graded
from tests.support.toycourse import UNIT as TOY

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="no chromium: apt-get install chromium"),
]


@contextlib.contextmanager
def gradebook(course: Path) -> Iterator[Gradebook]:
    with Gradebook(read_course(course).db_url) as opened:
        yield opened


def row(tab: Any, student: str) -> Any:
    return tab.locator("tr", has_text=student).first


def test_formgrader_releases_autogrades_and_grades_by_hand(tmp_path):
    """The unit is listed; the Autograde button grades by our engine; a manual score is saved, and survives a re-grade."""
    course = tmp_path / "course"
    make_course(ROOT, UNIT, course)
    release(course, UNIT)
    left = make_class(ROOT, UNIT, course, students=2)[-1].id
    with jupyter(course, tmp_path) as address, page(f"{address}/formgrader?token=t") as tab:
        tab.wait_for_selector(f"text={UNIT}")
        tab.goto(f"{address}/formgrader/manage_submissions/{UNIT}?token=t")
        row(tab, left).get_by_text("needs autograding").wait_for()
        row(tab, left).locator("td.autograde a").click()
        tab.wait_for_selector("text=Successfully autograded")
        with gradebook(course) as grades:
            submission = grades.find_submission(UNIT, left)
            by_button = {g.name: g.auto_score for n in submission.notebooks for g in n.grades}
        stored = json.loads((course / "autograded" / left / UNIT / f"{UNIT}.ipynb").read_text())
        explore = [cell for cell in stored["cells"] if EXPLORE in cell["metadata"].get("tags", ())]
        assert explore, "and nbgrader's own execution would have run these:"
        assert all(not cell["outputs"] for cell in explore)

        tab.goto(f"{address}/formgrader/gradebook/{UNIT}/{UNIT}?token=t")
        tab.locator("a", has_text=re.compile("Submission #")).first.click()
        tab.wait_for_selector(
            "input.extra-credit[id^=written][placeholder]"
        )  # the page's script has come so far
        written = tab.locator("input.score[id^=written]").first
        written.fill("2")
        with tab.expect_response(
            lambda answer: "/api/grade/" in answer.url and answer.request.method == "PUT"
        ) as put:
            written.press("Tab")
        assert put.value.ok
    with gradebook(course) as grades:
        manual = {
            g.name: g.manual_score for n in grades.find_submission(UNIT, left).notebooks for g in n.grades
        }
    assert [score for score in manual.values() if score is not None] == [2.0]

    summary = grade_class(course, UNIT, Options(progress=False))
    assert {row.student for row in summary.rows} >= {left}
    with gradebook(course) as grades:
        again = {g.name: g for n in grades.find_submission(UNIT, left).notebooks for g in n.grades}
    assert {name: g.manual_score for name, g in again.items()} == manual
    assert {name: g.auto_score for name, g in again.items()} == by_button, "the button and the command agree"


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ClassSummary]:
    course = tmp_path_factory.mktemp("graded")
    make_course(ROOT, UNIT, course)
    make_class(ROOT, UNIT, course, students=24)
    return course, grade_class(course, UNIT, Options(progress=False))


def test_the_feedback_page_opens(graded):
    """What a student sees: the points, the hint, the misconception by its sentence; nothing raises, nothing is fetched."""
    course, summary = graded
    write_feedback(course, UNIT)
    lost = next(r for r in summary.rows if r.score is not None and 0 < r.score < r.max_score)
    address = (course / "feedback" / lost.student / UNIT / f"{UNIT}.html").as_uri()
    with page(address) as tab:
        text = tab.locator("body").inner_text()
        assert f"{lost.score:g}" in text
        assert tab.locator("details, summary").count() > 0
        assert (
            tab.evaluate(
                "() => performance.getEntriesByType('resource').filter(e => !e.name.startsWith('data:')).length"
            )
            == 0
        )


def test_axe_finds_nothing_on_the_report_and_on_feedback(graded, tmp_path):
    """Of a real class, and of one whose pages hold what students can bring: outputs, errors, HTML, files that are none."""
    course, summary = graded
    write_feedback(course, UNIT)
    lost = next(r.student for r in summary.rows if r.score is not None and 0 < r.score < r.max_score)
    toys = make_graded(tmp_path)
    write_feedback(toys, TOY)
    pages = [
        write_report(course, UNIT)[0],
        course / "feedback" / lost / UNIT / f"{UNIT}.html",
        write_report(toys, TOY)[0],
        *sorted((toys / "feedback").rglob("*.html")),
    ]
    assert len(pages) == 3 + len(CASES)
    with page("about:blank") as tab:
        for path in pages:
            tab.goto(path.as_uri())
            assert violations(tab) == [], path


def test_the_report_opens_draws_and_sorts(graded):
    """Plots with text alternatives; a click on a column's head sorts the students by it, a second click turns it round."""
    course, summary = graded
    path, _ = write_report(course, UNIT)
    with page(path.as_uri()) as tab:
        plots = tab.evaluate(
            "() => [...document.querySelectorAll('[role=img]')].map(s => [s.getBoundingClientRect().width, s.ariaLabel.length])"
        )
        assert len(plots) >= 2
        assert all(width > 50 and told > 0 for width, told in plots)
        tab.set_viewport_size({"width": 1366, "height": 768})
        pane = tab.locator(".pane")
        assert pane.evaluate("p => p.scrollWidth <= p.clientWidth"), "the last column, seconds, is not cut"
        table = tab.locator("#students")
        head = table.locator("th", has=tab.locator("button", has_text=re.compile("^tests$")))
        place = head.evaluate("th => [...th.parentNode.children].indexOf(th)")
        totals = f"t => [...t.tBodies[0].rows].map(r => parseFloat(r.cells[{place}].innerText)).filter(x => !isNaN(x))"
        orders = []
        for _ in range(2):
            head.locator("button").click()
            orders.append((head.get_attribute("aria-sort"), table.evaluate(totals)))
        assert sorted(o[0] for o in orders) == ["ascending", "descending"]
        for direction, found in orders:
            assert found == sorted(found, reverse=direction == "descending")
        assert len(orders[0][1]) == sum(r.score is not None for r in summary.rows)
