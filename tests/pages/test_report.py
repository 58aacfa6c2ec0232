"""The class report: its numbers against hand-computed ones, its page against strangers, large and empty classes."""

import json
import random
import re
import subprocess
import sys
from dataclasses import asdict, replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

from grader.engine.result import Status, Verdict
from grader.errors import CourseError
from grader.pages import statistics as stats
from grader.pages.feedback import write_feedback
from grader.pages.outcomes import NOT_YET, Outcome, Score, read_outcomes, signal, without_names
from grader.pages.report import render, write_report
from grader.pages.summary import summarise
from grader.record.grades import CellGrade, SubmissionGrades
from grader.source.bank import WrongAnswer
from grader.source.course import read_course
from grader.source.notebook import Assignment, Cell, Notebook, Role
from grader.text import printable
from tests.browser.test_learner import CHROMIUM, page
from tests.pages.test_feedback import hidden_lines, text
from tests.support.pageclass import BIDI, CASES, make_graded
from tests.support.toycourse import SECRET, UNIT, make_course

HOSTILE = '<script>alert(1)</script>"onx=\u202e\u200b'


def cell(name, role, points=0.0, solution=False, source="pass"):
    return Cell(name, role, source, points, solution=solution)


TINY = Assignment(
    "03_tiny",
    (
        Notebook(
            "03_tiny",
            (
                cell("t", Role.TEXT, source="# Tiny <b>"),
                cell("one", Role.WORK, solution=True),
                cell("test_one_a", Role.TEST, 1.0),
                cell("test_one_b", Role.TEST, 1.0, source="# The second half.\npass"),
                cell("two", Role.WORK, solution=True),
                cell("test_two", Role.TEST, 2.0),
                cell("why", Role.WRITTEN, 3.0, solution=True),
            ),
        ),
    ),
    wrong=(WrongAnswer("one", "halved", "", "You <halved> it.", "1. Halves"),),
)


def submitted(student, *points, public=(True, True, True), **more):
    """An outcome of TINY: points of its three tests."""
    tests = {
        ("03_tiny", name): Score(got, Verdict.PASSED if got == worth else Verdict.FAILED, shown)
        for name, got, worth, shown in zip(
            ("test_one_a", "test_one_b", "test_two"), points, (1.0, 1.0, 2.0), public, strict=True
        )
    }
    return Outcome(student, "graded", tests=tests, **more)


WRITTEN = SubmissionGrades(
    cells={("03_tiny", "test_two"): CellGrade(4.0), ("03_tiny", "why"): CellGrade(None, 2.0)},
    penalties={"03_tiny": 1.0},
)
FOUR = [
    submitted("a", 0.0, 0.0, 0.0, public=(True, False, False), untouched=frozenset({("03_tiny", "two")})),
    submitted("b", 0.0, 1.0, 0.0, named=(("one", "halved"),), seconds=0.3),
    submitted("c", 1.0, 0.5, 1.0, seconds=0.2, incidents=("cell 2: timeout: no answer within 60 s",)),
    submitted("d", 1.0, 1.0, 2.0, seconds=1.0, grades=WRITTEN),
]


def test_spread():
    assert stats.spread([4, 1, 3, 2]) == stats.Spread(4, 1.0, 1.75, 2.5, 3.25, 4.0, 2.5)
    assert stats.spread([7.0]) == stats.Spread(1, 7.0, 7.0, 7.0, 7.0, 7.0, 7.0)
    assert stats.spread([]) is None


def test_item_rest_correlation():
    # rest is 1, 2, 2, 3: deviations -1, 0, 0, 1 against -1/2, -1/2, 1/2, 1/2 give 1 / sqrt(2 * 1)
    assert stats.item_rest([0, 0, 1, 1], [1, 2, 3, 4]) == pytest.approx(0.5**0.5)
    assert stats.item_rest([1, 1, 0, 0], [2, 3, 2, 3]) == pytest.approx(-(0.5**0.5))
    assert stats.item_rest([0, 1, 2], [1, 2, 3]) is None, "the rest does not vary"
    assert stats.item_rest([1, 1, 1], [1, 2, 3]) is None, "the item does not vary"
    assert stats.item_rest([0, 1], [0, 2]) is None, "two points lie on a line"
    assert stats.item_rest([0.1 + 0.2, 0.3, 0.3], [1, 2, 3]) is None, "rounding is no variance"


def test_bins_of_points():
    assert [(b.low, b.count) for b in stats.point_bins([0, 0.5, 2, 3, 3, 4.5], 3)] == [
        (0.0, 1), (0.2, 0), (0.4, 1), *[(pytest.approx(0.2 * k), 0) for k in range(3, 10)],
        (2.0, 1), *[(pytest.approx(0.2 * k), 0) for k in range(11, 15)], (pytest.approx(3.0), 3),
    ]  # fmt: skip
    counts = stats.point_bins([0, 1, 19, 20, 20], 20)
    assert (len(counts), counts[20].count, counts[19].count, counts[0].low) == (21, 2, 1, 0.0)
    assert len(stats.point_bins([], 1000)) <= stats.MAX_BINS + 1
    assert [b.count for b in stats.point_bins([0.0, 0.0], 0)] == [2]


def test_bins_that_double():
    assert [(b.low, b.high, b.count) for b in stats.doubling_bins([0.25, 0.3, 1.0, 1.9])] == [
        (0.25, 0.5, 2), (0.5, 1.0, 0), (1.0, 2.0, 2),
    ]  # fmt: skip
    assert stats.doubling_bins([0.0]) == ()


def test_the_numbers_of_a_class():
    found = summarise(TINY, FOUR)
    assert (found.submissions, found.graded, found.max_points, found.max_total) == (4, 4, 4.0, 7.0)
    assert found.score == stats.Spread(4, 0.0, 0.75, 1.75, 2.875, 4.0, 1.875)
    one, two = found.exercises
    assert (one.points, one.mean, one.passed, one.left_open) == (2.0, 1.125, 0.25, 0.0)
    assert (two.points, two.mean, two.passed, two.left_open) == (2.0, 0.75, 0.25, 0.25)
    assert (one.lost_visible, one.lost_hidden) == (0.625, 0.25)  # 1 + 1 + 0.5 of four, and 1 of four
    assert (two.lost_visible, two.lost_hidden) == (0.75, 0.5)
    # one: 0, 1, 1.5, 2 against 0, 0, 1, 2: deviations -1.125, -0.125, 0.375, 0.875 and -0.75, -0.75, 0.25, 1.25
    assert one.discrimination == pytest.approx(2.125 / (2.1875 * 2.75) ** 0.5)
    assert [test.passed for test in one.tests] == [0.5, 0.5]
    assert [test.title for test in one.tests] == ["A", "The second half."]
    assert found.written[0].n == 1
    assert found.written[0].mean == 2.0
    assert found.total == stats.spread([5.0])
    assert (found.late, found.waiting) == (1, 0)
    named = found.misconceptions[0]
    assert (named.name, named.count, named.of, named.says) == ("halved", 1, 3, "You <halved> it.")
    assert found.seconds is not None
    assert found.seconds.n == 3
    assert [(entry.what, entry.count) for entry in found.signals] == [("ran out of time", 1)]
    assert found.students[2].points == (1.5, 1.0)
    assert json.loads(json.dumps(asdict(found)))["exercises"][0]["mean"] == 1.125


def test_an_answer_that_nobody_wrote_is_left_open_and_in_no_mean():
    empty = SubmissionGrades(cells={("03_tiny", "why"): CellGrade(0.0)})
    blank = submitted("e", 0.0, 0.0, 0.0, grades=empty, untouched=frozenset({("03_tiny", "why")}))
    [question] = summarise(TINY, [FOUR[3], blank]).written
    assert (question.left_open, question.n, question.mean) == (1, 1, 2.0)


def test_a_test_that_got_no_answer_is_an_incident():
    hung = submitted("a", 0.0, 0.0, 0.0)
    key = ("03_tiny", "test_two")
    hung = replace(hung, tests={**hung.tests, key: replace(hung.tests[key], verdict=Verdict.CRASHED)})
    assert [entry.what for entry in summarise(TINY, [hung]).signals] == ["ended or was killed"]
    assert signal("x.txt: left out (a link)") == "has files that were left out, or under other names"
    assert signal("something else") == "other remarks"


class Tags(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.found = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def check_page(html):
    """Self-contained, one script and it is ours, plots described, nothing that turns the text."""
    tags = Tags(html).found
    assert [tag for tag, _ in tags].count("script") == 1
    assert not any(tag in ("link", "iframe", "img", "object", "base") for tag, _ in tags)
    for tag, attributes in tags:
        assert not any(name.startswith("on") for name in attributes), tag
        assert attributes.get("href", "#").startswith("#")
        assert "src" not in attributes
    assert not re.search("https?://(?!www.w3.org)", html)
    assert not re.search("[\u200b\u202a-\u202e\u2066-\u2069]", html)
    pictures = [attributes for _, attributes in tags if attributes.get("role") == "img"]
    assert all(": " in attributes["aria-label"] for attributes in pictures)
    assert len(pictures) == html.count("<figure>")
    ids = [attributes["id"] for _, attributes in tags if "id" in attributes]
    assert len(set(ids)) == len(ids)
    for _, attributes in tags:
        if attributes.get("href", "").startswith("#"):
            assert attributes["href"][1:] in ids


@pytest.mark.parametrize(
    "outcomes",
    [
        FOUR,
        FOUR[:1],
        [submitted(str(k), 1.0, 1.0, 2.0) for k in range(10)],
        [submitted(str(k), 0.0, 0.0, 0.0) for k in range(10)],
        [Outcome("x", "ungradable", HOSTILE), Outcome("y", NOT_YET)],
        [submitted(HOSTILE, 1.0, 0.0, 2.0, incidents=(HOSTILE,) * 9, named=(("one", HOSTILE), ("no", "no")))],
    ],
    ids=["four", "one", "all equal", "all zero", "none graded", "hostile"],
)
def test_any_class_has_a_page(outcomes):
    outcomes = [
        replace(outcome, grades=replace(outcome.grades, name=HOSTILE), sandbox=HOSTILE)
        for outcome in outcomes
    ]
    found = summarise(TINY, outcomes)
    html = render(found)
    check_page(html)
    assert html == render(summarise(TINY, outcomes))
    assert "nan" not in html.lower().split("<script>")[0]
    assert "alert(1)</script>\\u0022" not in html
    assert "Tiny &lt;b&gt;" in html


def test_no_variance_is_no_discrimination():
    found = summarise(TINY, [submitted(str(k), 1.0, 1.0, 2.0) for k in range(10)])
    assert [exercise.discrimination for exercise in found.exercises] == [None, None]
    assert "–" in text(render(found))


def test_five_thousand_students():
    draw = random.Random(0)
    outcomes = [
        submitted(
            f"student{k:04d}",
            *(draw.choice((0.0, worth)) for worth in (1.0, 1.0, 2.0)),
            seconds=draw.lognormvariate(-2, 1),
            incidents=("cell 4: timeout: no answer within 60 s",) if k % 50 == 0 else (),
        )
        for k in range(5000)
    ]
    html = render(summarise(TINY, outcomes))
    check_page(html)
    assert html.count('<tr><th scope="row"><bdi>student') == 5000
    assert len(html.encode()) < 3_000_000


def test_numbers_in_place_of_names():
    outcomes = [
        replace(o, student=f"ann{k}", grades=SubmissionGrades(name="Ann Lee"), reason="Ann Lee.ipynb: empty")
        for k, o in enumerate(FOUR)
    ]
    bare = without_names(outcomes, b"key")
    assert [outcome.student for outcome in bare] == ["1", "2", "3", "4"]
    assert "ann" not in render(replace(summarise(TINY, bare), anonymous=True)).lower()
    assert without_names(outcomes[::-1], b"key") == bare
    orders = {
        tuple(o.tests.values()) for key in (b"1", b"2", b"3", b"4") for o in without_names(outcomes, key)[:1]
    }
    assert len(orders) > 1, "the order is the key's"


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    return make_graded(tmp_path_factory.mktemp("graded"))


def test_the_report_of_a_course(graded, tmp_path):
    path, found = write_report(graded, UNIT, progress=False)
    assert path == graded.resolve() / "reports" / f"{UNIT}.html"
    html = path.read_text()
    check_page(html)
    assert found.submissions == len(CASES)
    assert found.graded == len(CASES) - 2
    assert [row.status for row in found.failed] == [Status.UNGRADABLE, Status.GRADER_FAILED]
    assert [(entry.name, entry.says) for entry in found.misconceptions if entry.says] == [
        ("columns", "You multiplied <columns>, not rows.")
    ]
    assert found.waiting == len(CASES)
    again, _ = write_report(graded, UNIT, out=tmp_path / "new" / "again.html", progress=False)
    assert again.read_bytes() == path.read_bytes()
    course = read_course(graded)
    for line in (SECRET, str(graded), *hidden_lines(course.assignment(UNIT))):
        assert line not in html
        assert line not in text(html)


def test_a_row_leads_to_the_feedback_that_is_there(graded, tmp_path):
    write_feedback(graded, UNIT, students=["right", BIDI], progress=False)
    for out in (None, tmp_path / "elsewhere" / "r.html"):
        path, found = write_report(graded, UNIT, out=out, progress=False)
        links = dict(
            zip((row.student for row in found.students), (row.page for row in found.students), strict=True)
        )
        assert {student for student, link in links.items() if link} == {"right", printable(BIDI)}
        for student in ("right", BIDI):
            page = path.parent / unquote(links[printable(student)])
            assert page.samefile(graded / "feedback" / student / UNIT / f"{UNIT}.html")
            assert f'<a href="{links[printable(student)]}">' in path.read_text()
    path, _ = write_report(graded, UNIT, out=tmp_path / "bare.html", anonymous=True, progress=False)
    assert "feedback/" not in path.read_text()


def test_without_names_in_a_course(graded, tmp_path):
    bare = [
        write_report(graded, UNIT, out=tmp_path / name, anonymous=True, progress=False)[0].read_text()
        for name in ("a", "b")
    ]
    assert bare[0] == bare[1]
    for student in set(CASES) - {"open", "right", "ours", "hidden", "partial"}:
        assert student not in bare[0]
    assert "toy.ipynb: the file" not in bare[0]
    assert "evil" not in bare[0]
    assert BIDI not in bare[0]
    assert (graded / ".grader" / "anonymous.key").stat().st_mode & 0o077 == 0


def test_the_command(graded, tmp_path):
    command = [
        sys.executable,
        "-m",
        "grader",
        "report",
        UNIT,
        "--course",
        str(graded),
        "--out",
        str(tmp_path / "r.html"),
    ]
    done = subprocess.run([*command, "--json"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["graded"] == len(CASES) - 2
    assert (tmp_path / "r.html").stat().st_size > 10_000
    assert "\u202e" not in done.stdout
    (tmp_path / "file").write_text("")
    done = subprocess.run([*command[:-1], str(tmp_path / "file" / "r.html")], capture_output=True, text=True)
    assert done.returncode == 2
    assert re.fullmatch(r"grader: .*/file: File exists; name another file with --out\n", done.stderr)


def test_a_unit_without_submissions(tmp_path):
    make_course(tmp_path)
    with pytest.raises(CourseError, match="no submissions of 'toy'"):
        write_report(tmp_path, UNIT, progress=False)


def test_outcomes_come_in_the_order_of_ids(graded):
    course = read_course(graded)
    names = [outcome.student for outcome in read_outcomes(course, course.assignment(UNIT), progress=False)]
    assert names == sorted(CASES)


@pytest.mark.browser
@pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="no chromium: apt-get install chromium")
def test_the_table_sorts_by_keyboard_and_filters(tmp_path):
    outcomes = [submitted(f"s{k}", 1.0, float(k % 2), k / 200, seconds=1.0) for k in range(400)]
    outcomes.append(Outcome("zed", "ungradable", "it is no notebook"))
    (tmp_path / "r.html").write_text(render(summarise(TINY, outcomes)))
    said = []
    with page("about:blank") as tab:
        tab.on("console", lambda message: said.append(message.text))
        tab.goto((tmp_path / "r.html").as_uri())
        rows = tab.locator("#students tbody tr:visible")
        assert rows.count() == 200
        tab.get_by_role("button", name="tests").focus()
        tab.keyboard.press("Enter")
        assert tab.locator("#students th[aria-sort]").get_attribute("aria-sort") == "ascending"
        assert rows.first.inner_text().split()[0] == "s0"
        tab.keyboard.press("Enter")
        assert rows.first.inner_text().split()[0] == "s399"
        tab.get_by_label("Show rows that contain").fill("ungrad")
        assert rows.count() == 1
        assert "1 of 401" in tab.locator("#shown").inner_text()
        tab.get_by_label("Show rows that contain").fill("")
        tab.get_by_role("button", name="Show all 401").click()
        assert rows.count() == 401
        assert rows.last.inner_text().split()[0] == "zed", "what has no number comes last"
    assert said == []
