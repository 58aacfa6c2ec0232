"""Students' pages: what they say, what they never say, and that nothing of a stranger's acts in them."""

import html
import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from grader.batch.grade import Options, grade_class
from grader.engine.result import Verdict
from grader.engine.submission import Submission
from grader.errors import CourseError
from grader.pages import html as pages
from grader.pages.feedback import Writer, write_feedback
from grader.record.autograded import Autograded, read_stamp
from grader.record.grades import CellGrade, SubmissionGrades, read_grades
from grader.sample.classroom import make_course as make_unit
from grader.source.course import read_course
from grader.source.notebook import HIDDEN_BEGIN, HIDDEN_END, Cell, Notebook, Role, read_assignment
from grader.source.outline import heading, outline
from grader.text import printable, visible
from tests.support import books
from tests.support.course import ASSIGNMENTS, ROOT
from tests.support.pageclass import BIDI, CASES, SECRET_FILE, make_graded, result
from tests.support.stock import nbgrader
from tests.support.toycourse import POINTS, SECRET, UNIT, make_course


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """The class of tests/support/pageclass.py. Copy it before changing it."""
    return make_graded(tmp_path_factory.mktemp("graded"))


@pytest.fixture
def course(graded, tmp_path):
    """A copy that a test may change."""
    shutil.copytree(graded, tmp_path / "course")
    return tmp_path / "course"


def feedback(course, **options):
    """Write the pages: what was done, and the pages' text by student."""
    written = write_feedback(course, UNIT, progress=False, **options)
    found = {path.parts[-3]: path.read_text() for path in (course / "feedback").rglob("*.html")}
    return written, found


def text(page):
    """What a reader sees: no tags, runs of space as one."""
    body = re.sub(r"<(style|script).*?</\1>", "", page, flags=re.DOTALL)
    plain = re.sub(r"</?(b|i|a|em|code|bdi|strong|span)( [^>]*)?>", "", body)
    plain = re.sub(r"<[^>]+>", " ", plain)
    return " ".join(html.unescape(plain).split())


def test_points_are_there_for_exercises_and_tests(course):
    _, found = feedback(course)
    page = text(found["right"])
    assert "7 of 10 points so far" in page
    assert "3 points wait for grading by hand" in page
    assert "Exercise 1: rows times factors 2 of 2 checks passed 3 of 3" in page
    page = text(found["partial"])
    assert "6.25 of 10 points" in page
    assert "passed in part: Values 0.75 of 1.5" in page
    assert "gradient 1 of 2 checks passed 1.25 of 2" in page


def test_a_public_failure_says_what_was_expected_and_what_came(course):
    _, found = feedback(course)
    page = text(found["open"])
    assert "y[1, 0] is 2, expected <20>" in page
    assert "No answer in time. no answer within 30 s" in page
    assert 'assert np.allclose(_y, [[0, 1], [20, 30], [-4, -5]]), "each row times its own factor"' in page
    assert "The process ended during a hidden check of this test. Its details are not shown." in page
    assert "A hidden check of this test got no readable answer." in page


def test_what_all_checks_say_is_said_once(course):
    _, found = feedback(course)
    assert found["alike"].count("NotImplementedError: not solved yet") == 1


def test_a_hidden_failure_is_neutral_and_may_have_a_name(course):
    _, found = feedback(course)
    page = text(found["hidden"])
    assert (
        "The visible part passed. A hidden check of this test did not pass. Its details are not shown."
        in page
    )
    assert "You multiplied <columns>, not rows." in page
    assert "section 2: Rows & columns" in page
    for student in set(CASES) - {"hidden"}:
        assert "You multiplied" not in found[student], student


def test_advice_links_to_the_lecture_that_the_notebook_names(course):
    """Relative to what the badge opens; without a badge or a link it stays a sentence."""
    _, found = feedback(course)
    assert "Read lecture toy, section 2: Rows & columns" in text(found["hidden"])
    assert "/lectures/" not in found["hidden"]
    path = course / "solutions" / UNIT / f"{UNIT}.ipynb"
    source = json.loads(path.read_text())
    colab = "https://colab.research.google.com/github/me/mine/blob/main"
    source["cells"][0]["source"] += (
        f"\n\n[![Open]({colab}/badge.svg)]({colab}/assignments/toy/toy.ipynb) [It](../../lectures/04_toy.ipynb)"
    )
    path.write_text(json.dumps(source))
    _, found = feedback(course)
    assert (
        f'Read <a href="{colab}/lectures/04_toy.ipynb">lecture toy, section 2: Rows &amp; columns</a>'
        in found["hidden"]
    )


def test_without_a_bank_nothing_is_named(course):
    (course / "solutions" / UNIT / "bank.py").rename(course / "bank.py")
    # the bank is part of what a result is filed under, so the stamps stay and only the sentences go
    _, found = feedback(course)
    assert "You multiplied" not in found["hidden"]
    assert "Its details are not shown" in found["hidden"]


def test_one_hint_where_points_were_lost(course):
    _, found = feedback(course)
    for student in ("hidden", "open", "alike"):
        assert found[student].count('class="note hint"') == 1
        assert '<code class="tex">x_{ij} f_i &lt; 1</code>' in found[student]
        assert "nearly the code" not in found[student]
    assert "x_{ij}" not in found["right"] + found["partial"]


def test_what_could_not_be_graded_says_so(course):
    _, found = feedback(course)
    assert "could not be graded: toy.ipynb: the file is a web page, not a notebook." in text(found["garbage"])
    assert "for a reason that is not yours" in found["ours"]
    for student in ("garbage", "ours"):
        assert not re.search(r"\d of \d", text(found[student]))


def test_hidden_tests_paths_and_other_students_are_nowhere(course):
    _, found = feedback(course)
    assert set(found) == set(CASES)
    hidden = hidden_lines(read_assignment(course / "solutions" / UNIT))
    assert len(hidden) > 6
    for student, page in found.items():
        for line in (SECRET, str(course), str(ROOT), "submitted", "HIDDEN", *hidden):
            assert line not in page, (student, line)
            assert line not in text(page), (student, line)
        for other in set(found) - {student, "right", "open", "ours", "hidden"}:
            assert other not in page, (student, other)


def hidden_lines(assignment):
    """Every line of the hidden regions that does not stand in what students have anyway."""
    cells = [cell for notebook in assignment.notebooks for cell in notebook.cells]
    public = "\n".join(cell.public_source for cell in cells)
    parts = [part for cell in cells for part in cell.source.split(HIDDEN_BEGIN)[1:]]
    hidden = {line.strip() for part in parts for line in part.split(HIDDEN_END)[0].split("\n")}
    return sorted(line for line in hidden if len(line) > 8 and line not in public)


class Tags(HTMLParser):
    """Elements and attributes of a page."""

    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def test_a_stranger_s_text_and_outputs_are_inert(course):
    _, found = feedback(course)
    page = found[BIDI]
    assert "<strong>bold</strong>" in page
    assert '<code class="tex">a&lt;b</code>' in page
    assert "red" in page
    assert "\x1b" not in page
    assert "alert(4)" not in page, "only inert forms of an output are shown"
    for page in found.values():
        assert not re.search("[\u202a-\u202e\u2066-\u2069]", page)
        for tag, attributes in Tags(page).found:
            assert tag not in ("script", "iframe", "object", "embed", "link", "form", "base"), tag
            assert not any(name.startswith("on") for name in attributes)
            assert not re.match("(javascript|data|file|http):", attributes.get("href", ""), re.IGNORECASE)
            assert attributes.get("src", "data:").startswith("data:") or attributes["src"] == ""
        assert "default-src 'none'" in page
    assert "\\u202eevil&lt;b&gt;" in found[BIDI]


def test_the_same_bytes_again_and_nothing_is_written_twice(course):
    first, found = feedback(course)
    assert (first.submissions, first.changed) == (len(CASES), len(CASES))
    before = {path: path.stat().st_mtime_ns for path in (course / "feedback").rglob("*.*")}
    assert feedback(course)[0].changed == 0
    assert {path: path.stat().st_mtime_ns for path in (course / "feedback").rglob("*.*")} == before
    shutil.rmtree(course / "feedback")
    assert feedback(course)[1] == found


def test_manual_scores_comments_and_penalties_come_in_when_it_is_run_again(course):
    feedback(course)
    of_cell = "cell_id IN (SELECT id FROM base_cell WHERE name = ?) AND notebook_id IN (SELECT sn.id FROM submitted_notebook sn JOIN submitted_assignment sa ON sn.assignment_id = sa.id WHERE sa.student_id = ?)"
    set_grade = f"UPDATE grade SET manual_score = ?, extra_credit = ?, needs_manual_grade = 0 WHERE {of_cell}"
    books.execute(course, set_grade, 2.0, 0.5, "written_why", "hidden")
    books.execute(course, set_grade, 1.0, None, "test_scale_rows_values", "hidden")
    comment = f"UPDATE comment SET manual_comment = ? WHERE {of_cell}"
    books.execute(
        course, comment, "Nearly: think of *rows* <script>alert(9)</script>", "scale_rows", "hidden"
    )
    books.execute(
        course,
        "UPDATE submitted_notebook SET late_submission_penalty = 1.25 WHERE assignment_id IN (SELECT id FROM submitted_assignment WHERE student_id = ?)",
        "hidden",
    )
    written, found = feedback(course)
    assert written.changed == 1
    page = text(found["hidden"])
    assert "7.25 of 10 points" in page  # 5 of tests, 1 and 2.5 by hand, less 1.25
    assert "so far" not in page
    assert "8.5 points, less 1.25 because it was handed in late" in page
    assert "Points given by your instructor." in page
    assert "think of <em>rows</em>" in found["hidden"]
    assert "<script" not in found["hidden"]
    marks = read_grades(read_course(course), UNIT)["hidden"]
    assert marks.total == 7.25
    assert nbgraders_score(course, "hidden") == 8.5


def nbgraders_score(course, student):
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{course}/gradebook.db") as book:
        return book.find_submission(UNIT, student).score


def test_what_is_not_graded_by_hand_yet_can_be_looked_at_again():
    waiting = SubmissionGrades(
        cells={("toy", "a"): CellGrade(None, waits=True), ("toy", "b"): CellGrade(1.0, 2.0, 0.5)}
    )
    assert waiting.waits
    assert waiting.total == 2.5
    assert SubmissionGrades(cells={("toy", "a"): CellGrade(1.0)}, penalties={"toy": 3.0}).total == 0.0
    assert CellGrade(None).score is None


def test_nbgraders_release_finds_each_student_s_page(course, tmp_path):
    feedback(course)
    exchange = tmp_path / "exchange"
    exchange.mkdir(mode=0o777)
    options = ["--CourseDirectory.course_id=c", f"--CourseDirectory.root={course}"]
    environment = {"HOME": str(tmp_path), "JUPYTER_CONFIG_DIR": str(tmp_path / "jupyter")}
    for student in ("garbage", "ours", BIDI):  # all have one secret here, and its name is the secret's
        shutil.rmtree(course / "feedback" / student)
    done = nbgrader(course, "release_feedback", UNIT, f"--Exchange.root={exchange}", *options, **environment)
    assert done.returncode == 0, done.stderr
    assert len(list((exchange / "c" / "feedback").glob("*.html"))) == 1


def test_handed_in_again_since(course):
    feedback(course)
    folder = course / "submitted" / "right" / UNIT
    (folder / f"{UNIT}.ipynb").write_bytes(b"{}")
    (folder / "submission_secret.txt").write_text("the new one's")
    written, found = feedback(course)
    assert written.resubmitted == ("right",)
    assert "7 of 10" in text(found["right"])
    assert (course / "feedback" / "right" / UNIT / "submission_secret.txt").read_text() == SECRET_FILE


def test_not_graded_yet(course):
    new = make_course(course)  # the unit's source as it was: the same ids
    new.hand_in("late", new.submission("blank"))
    written, found = feedback(course)
    assert written.ungraded == ("late",)
    assert "late" not in found


def test_only_some_students(course):
    written, found = feedback(course, students=["right", "open"])
    assert (written.submissions, set(found)) == (2, {"right", "open"})
    with pytest.raises(CourseError, match=r"no submission of 'toy' by nobody\\u202e"):
        feedback(course, students=["nobody\u202e"])


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda course: (course / "gradebook.db").unlink(), "no gradebook there; run `grader grade` first"),
        (lambda course: (course / "gradebook.db").write_text("no database"), "file is not a database"),
        (lambda course: shutil.rmtree(course / "solutions" / UNIT), "no unit 'toy'"),
        (lambda course: shutil.rmtree(course / "submitted"), "no submissions of 'toy'"),
    ],
)
def test_what_is_missing_is_said_in_a_line(course, spoil, said):
    spoil(course)
    with pytest.raises(CourseError, match=re.escape(said)) as raised:
        feedback(course)
    assert "\n" not in str(raised.value)
    assert not (course / "feedback").exists()


def test_one_page_that_fails_does_not_stop_the_class(course, monkeypatch):
    render = pages.render

    def stumble(template, page):
        if page.student == "open":
            raise KeyError("our own mistake")
        return render(template, page=page)

    monkeypatch.setattr(pages, "render", stumble)
    written, found = feedback(course)
    assert written.failed == ("open",)
    assert set(found) == set(CASES) - {"open"}


def test_a_full_disk_is_said_in_a_line(course, monkeypatch):
    def full(path, content):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("grader.pages.feedback.write_whole", full)
    with pytest.raises(CourseError, match=r"html: No space left on device"):
        feedback(course)


def test_the_command(course):
    command = [sys.executable, "-m", "grader", "feedback", UNIT, "--course", str(course)]
    done = subprocess.run([*command, "--json"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["changed"] == len(CASES)
    done = subprocess.run([*command, "--student", "right"], capture_output=True, text=True)
    assert "1 submissions have feedback; 0 pages are new or changed" in done.stdout


def test_a_real_class(tmp_path):
    """The engine's own messages; a picture beside the notebook, and one pasted into it."""
    course = make_course(tmp_path)
    nb = course.notebook("wrong")
    nb["cells"][-1]["source"] = "![mine](a.png) ![theirs](../../x.png)"
    folder = course.hand_in("wrong", json.dumps(nb).encode())
    (folder / "a.png").write_bytes(b"\x89PNG")
    course.hand_in("blank", course.submission("blank"))
    grade_class(tmp_path, UNIT, Options(workers=1, progress=False))
    _, found = feedback(tmp_path)
    assert "the generator that was handed over decides" in found["wrong"]
    assert "1.5 of 10 points so far" in text(found["wrong"])
    assert 'src="data:image/png;base64,iVBORw=="' in found["wrong"]
    assert "x.png" not in found["wrong"]
    assert "did not pass: Values 0 of 2 NotImplementedError" in text(found["blank"])
    for student, page in found.items():
        for line in (SECRET, str(tmp_path), *hidden_lines(course.assignment)):
            assert line not in text(page), (student, line)


@pytest.mark.parametrize("unit", ASSIGNMENTS)
def test_every_unit_has_titles_and_hints_and_keeps_its_secrets(unit, tmp_path):
    """All tests of the unit fail in their hidden parts, with messages that repeat these parts."""
    make_unit(ROOT, unit, tmp_path)
    course = read_course(tmp_path)
    assignment = course.assignment(unit)
    hidden = hidden_lines(assignment)
    notebook = assignment.notebooks[0]
    told = {test.id: (Verdict.FAILED, test.source, False) for test in notebook.tests}
    outcome = result("key", assignment, told)
    released = (ROOT / "assignments" / unit / f"{unit}.ipynb").read_bytes()
    made = Autograded(course, assignment, {}).make(Submission(unit, ((f"{unit}.ipynb", released),)), outcome)
    folder = course.folder("autograded", "ann", unit)
    made.write(folder)
    stamp = read_stamp(folder, assignment)
    assert stamp is not None
    page = Writer(course, assignment).page(
        "ann", notebook, outcome, SubmissionGrades(), replace(stamp, untouched=frozenset())
    )
    shown = text(pages.render("feedback.html", page=page))
    assert [line for line in hidden if line in shown] == []
    exercises = [section for section in page.sections if section.checks]
    assert all(section.lost and section.part.hint for section in exercises), "every statement has a hint"
    assert all(section.part.title != section.part.cell.id for section in page.sections)
    assert all(check.title and not check.title.startswith("test_") for s in exercises for check in s.checks)


def test_outline_of_a_notebook_without_headings(tmp_path):
    parts = list(outline(make_course(tmp_path).assignment.notebooks[0]))
    assert [part.title for part in parts] == ["Rows", "gradient", "Sampler", "written_why"]
    assert [part.max_points for part in parts] == [3.0, 2.0, 2.0, 3.0]
    assert sum(POINTS.values()) == 7.0
    assert heading("text\n\n### The `last` one ##\n") == "The last one"


def test_a_task_s_mark_scheme_is_not_for_students():
    source = (
        "## Write\n\nAn essay.\n\n=== BEGIN MARK SCHEME ===\nTen points for love.\n=== END MARK SCHEME ==="
    )
    parts = list(outline(Notebook("n", (Cell("essay", Role.WRITTEN, source, 10.0),))))
    assert [(part.title, part.question, part.max_points) for part in parts] == [("Write", "An essay.", 10.0)]


@pytest.mark.parametrize(
    "text",
    [
        "<script>x</script>",
        "<img src=x onerror=x>",
        "<a href='javascript:x'>y</a>",
        "<a href=' java\nscript:x'>y</a>",
        "<iframe src=//x></iframe>",
        "<svg onload=x>",
        "<style>*{}</style>",
        "<form action=//x><input></form>",
        "<img src='data:image/svg+xml;base64,AAAA'>",
        "<a href='data:text/html,x'>y</a>",
        "<img src=//tracker/x.png>",
        "<div style='position:fixed'>y</div>",
    ],
)
def test_html_that_acts_is_made_inert(text):
    cleaned = pages.clean_html(text)
    assert not re.search(
        r"<(script|iframe|svg|style|form|input)|<[^>]*(on\w+=|style=|script:|data:|//)", cleaned
    )


def test_what_a_screen_reader_could_not_name_has_a_name():
    assert pages.clean_html("<img src=a.png> <img alt=mine src=b.png>").count("alt=") == 2
    table = str(pages.markdown("| | b |\n|---|---|\n| 1 | 2 |"))
    assert table.count("<th") - table.count("<thead") == 1 and table.count("<td") == 3


@pytest.mark.parametrize(
    "source",
    [
        "![](attachment:gone)",
        "<div>" * 3000,
        "[" * 40_000,
        "> " * 20_000,
        "x" * 60_000,
        "\\begin{a}" * 3000,
        "\ud800",
    ],
)
def test_any_text_cell_has_a_page(source):
    assert isinstance(pages.markdown(source).encode(), bytes)


def test_text_is_told_apart():
    assert printable("ann\u200b") != printable("ann")
    assert printable("a\nb\u202ec\udcff") == "a\\u000ab\\u202ec\\udcff"
    assert printable("Jürgen 🙂") == "Jürgen 🙂"
    assert visible("a\tb\r\nc\x1b[1;31md\x1b[0m\u2066") == "a\tb\ncd\\u2066"
    assert [pages.number(value) for value in (3.0, 2.5, 1 / 3, 0.0)] == ["3", "2.5", "0.33", "0"]
    assert pages.code("def f():\n    return '<b>'  # 1") == (
        '<span class="k">def</span> <span class="d">f</span>():\n    <span class="k">return</span> '
        '<span class="s">&#x27;</span><span class="s">&lt;b&gt;</span><span class="s">&#x27;</span>  <span class="c"># 1</span>'
    )


def test_templates_are_in_the_package():
    assert {path.name for path in Path(pages.TEMPLATES).iterdir()} >= {
        "feedback.html",
        "report.html",
        "style.css",
    }
