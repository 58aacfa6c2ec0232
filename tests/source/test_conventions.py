"""What nbgrader's configuration says of a source is heeded: markers, header and footer, files, kernels, AUTOTEST."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.batch.grade import Options, grade_class
from grader.errors import CourseError
from grader.pages.feedback import write_feedback
from grader.release.release import release
from grader.source import autotest
from grader.source.course import read_course
from grader.source.notebook import Role
from tests.support import books, smallcourse
from tests.support.smallcourse import UNIT, code, text

pytestmark = pytest.mark.slow  # most of these grade

QUIET = Options(progress=False)
MARKERS = """
c.ClearHiddenTests.begin_test_delimeter = "VERBORGEN"
c.ClearHiddenTests.end_test_delimeter = "OFFEN"
c.ClearSolutions.begin_solution_delimeter = "LOESUNG"
c.ClearSolutions.end_solution_delimeter = "ENDE"
"""
ROOT = [
    code("def root(x):\n    # LOESUNG\n    return x ** 0.5\n    # ENDE", "root"),
    code("assert root(4) == 2\n# VERBORGEN\nassert root(9) == 3\n# OFFEN", "t_root", points=2),
]
DOUBLE = code("def double(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION", "double")
T_DOUBLE = code("assert double(4) == 8", "t_double", points=1)


def scores(summary):
    return {row.student: row.score for row in summary.rows}


def test_a_courses_own_markers_keep_its_secrets(tmp_path):
    root = smallcourse.make(tmp_path, ROOT, config=MARKERS)
    released = release(root, UNIT).folder / f"{UNIT}.ipynb"
    assert "root(9)" not in released.read_text() and "** 0.5" not in released.read_text()
    smallcourse.hand_in(root, "guess", released, {"root": "def root(x):\n    return 2"})
    smallcourse.hand_in(root, "right", released, {"root": "def root(x):\n    return x ** 0.5"})
    assert scores(grade_class(root, UNIT, QUIET)) == {"guess": 0.0, "right": 2.0}
    again = grade_class(root, UNIT, QUIET)
    assert (again.graded_now, again.warnings) == (0, ())
    assert write_feedback(root, UNIT, progress=False).submissions == 2
    for page in root.glob("feedback/*/*/*.html"):
        assert "root(9)" not in page.read_text()


def test_the_leak_check_knows_a_courses_own_markers(tmp_path):
    """A hidden test and a solution that nbgrader leaves in the student version, because a step is off."""
    for step in ("ClearHiddenTests", "ClearSolutions"):
        root = smallcourse.make(tmp_path / step, ROOT, config=f"{MARKERS}c.{step}.enabled = False\n")
        with pytest.raises(CourseError, match="not released"):
            release(root, UNIT)


@pytest.mark.parametrize(
    ("line", "code", "expected"),
    [
        ("    # >> LOESUNG", True, "    ### BEGIN SOLUTION"),
        ("<!-- LOESUNG -->", False, "=== BEGIN SOLUTION ==="),
        ("x = 1  # LOESUNG", True, "x = 1  # BEGIN SOLUTION"),
        ("Alles ENDE", True, "Alles ENDE"),  # nothing was begun
    ],
)
def test_a_marker_in_our_words(tmp_path, line, code, expected):
    conventions = read_course(smallcourse.make(tmp_path, ROOT, config=MARKERS)).conventions
    assert conventions.in_our_words(line, code) == expected


def test_header_and_footer_are_part_of_the_unit(tmp_path):
    frame = 'c.IncludeHeaderFooter.header = "frame/header.ipynb"\nc.IncludeHeaderFooter.footer = "frame/footer.ipynb"\n'
    root = smallcourse.make(tmp_path, [DOUBLE, T_DOUBLE], config=frame)
    smallcourse.write(
        root / "frame" / "header.ipynb", [code("def ask(f, x):\n    return f(x)", "head", locked=True)]
    )
    smallcourse.write(
        root / "frame" / "footer.ipynb",
        [code("assert ask(double, 5) == 10", "t_footer", points=2), text("The end.")],
    )
    notebook = read_course(root).assignment(UNIT).notebooks[0]
    assert [cell.id for cell in notebook.cells[:4]] == ["head", "double", "t_double", "t_footer"]
    assert [cell.role for cell in notebook.cells[:4]] == [Role.SETUP, Role.WORK, Role.TEST, Role.TEST]
    released = release(root, UNIT).folder / f"{UNIT}.ipynb"
    assert "The end." in released.read_text()
    smallcourse.hand_in(root, "right", released, {"double": "def double(x):\n    return x + x"})
    smallcourse.hand_in(root, "wrong", released, {"double": "def double(x):\n    return 8"})
    assert scores(grade_class(root, UNIT, QUIET)) == {"right": 3.0, "wrong": 1.0}
    assert "The end." in (root / "autograded" / "right" / UNIT / f"{UNIT}.ipynb").read_text()
    assert books.scores(root) == {"right": 3.0, "wrong": 1.0}


HELPED = [
    code("from helper import double"),
    code("def quad(x):\n    ### BEGIN SOLUTION\n    return double(double(x))\n    ### END SOLUTION", "quad"),
    code("import helper\nassert helper.double(quad(1)) == 8", "t_quad", points=2),
]


@pytest.mark.parametrize(
    ("config", "there"),
    [
        ("", {"helper.py", "data/table.csv", "notes.md"}),
        ("c.CourseDirectory.ignore = ['*.md']", {"helper.py", "data/table.csv", "data/table.pyc"}),
        ("c.CourseDirectory.ignore.append('data')", {"helper.py", "notes.md"}),
    ],
)
def test_the_files_that_travel_are_those_that_nbgrader_copies(tmp_path, config, there):
    root = smallcourse.make(tmp_path, HELPED, config=config)
    folder = root / "source" / UNIT
    (folder / "data").mkdir()
    for name in ("helper.py", "data/table.csv", "data/table.pyc"):
        (folder / name).write_text("def double(x):\n    return 2 * x\n")
    (folder / "notes.md").write_text("note " * 300)
    (folder / ".ipynb_checkpoints").mkdir()
    (folder / ".ipynb_checkpoints" / "helper.py").write_text("old")
    assert {name for name, _ in read_course(root).assignment(UNIT).files} == there
    assert {*release(root, UNIT).files} == there | {f"{UNIT}.ipynb"}


@pytest.mark.parametrize("module", ["helper", UNIT])
def test_a_module_beside_the_source_is_there_when_grading(tmp_path, module):
    """The submission is the notebook alone, as a platform's download has it."""
    cells = [{**cell, "source": cell["source"].replace("helper", module)} for cell in HELPED]
    root = smallcourse.make(tmp_path, cells)
    (root / "source" / UNIT / f"{module}.py").write_text("def double(x):\n    return 2 * x\n")
    source = root / "source" / UNIT / f"{UNIT}.ipynb"
    smallcourse.hand_in(root, "right", source, {"quad": "def quad(x):\n    return double(double(x))"})
    smallcourse.hand_in(root, "wrong", source, {"quad": "def quad(x):\n    return double(x)"})
    assert scores(grade_class(root, UNIT, QUIET)) == {"right": 2.0, "wrong": 0.0}


@pytest.mark.parametrize(
    "kernel",
    [
        {"name": "ir", "language": "R", "display_name": "R"},
        {"name": "ir", "language": "", "display_name": "R"},
        {"name": "bash", "language": "bash", "display_name": "Bash"},
        {"name": "julia-1.10", "language": "julia", "display_name": "Julia"},
    ],
)
def test_a_unit_for_another_kernel_is_refused_in_one_line_and_nobody_gets_a_0(tmp_path, kernel):
    root = smallcourse.make(
        tmp_path,
        [code("f <- function(x) x", "f"), code("stopifnot(f(3) == 9)", "t", points=2)],
        kernel=kernel,
    )
    smallcourse.hand_in(root, "ann", root / "source" / UNIT / f"{UNIT}.ipynb", {})
    for command in (release, grade_class):
        with pytest.raises(CourseError, match=f"kernel '{kernel['name']}'.*Python only") as refused:
            command(root, UNIT)
        assert "\n" not in str(refused.value)
    assert not (root / "gradebook.db").exists()


@pytest.mark.parametrize(
    "kernel", [{"name": "my-env", "language": ""}, {"name": "sci", "language": "Python"}]
)
def test_a_python_kernel_by_any_name_is_one(tmp_path, kernel):
    root = smallcourse.make(tmp_path, [DOUBLE, T_DOUBLE], kernel=kernel)
    assert read_course(root).assignment(UNIT).max_points == 1


TEMPLATES = """
python3:
  setup: "import hashlib"
  hash: 'hashlib.sha256(({{snippet}} + "{{salt}}").encode()).hexdigest()'
  dispatch: "type({{snippet}})"
  normalize: "repr({{snippet}})"
  check: 'assert {{snippet}} == "{{value}}", "{{message}}"'
  templates:
    default:
      - test: "{{snippet}}"
        fail: "another value"
"""


@pytest.mark.parametrize(
    "line", ["### AUTOTEST double(1); double(2)", "# HASHED AUTOTEST double(10)", "### PRUEFE double(1)"]
)
def test_checks_that_the_solution_writes_are_run(tmp_path, line, monkeypatch):
    """By nbgrader's own preprocessor, once; in sight or hidden, in the words of the configuration."""
    config = "c.InstantiateTests.autotest_delimiter = 'PRUEFE'" if "PRUEFE" in line else ""
    hidden = f"### BEGIN HIDDEN TESTS\n{line}\n### END HIDDEN TESTS"
    tests = [code(line, "t_auto", points=2), code(f"assert double(0) == 0\n{hidden}", "t_hidden", points=1)]
    root = smallcourse.make(tmp_path, [DOUBLE, *tests], config=config)
    (root / "autotests.yml").write_text(TEMPLATES)
    source = root / "source" / UNIT / f"{UNIT}.ipynb"
    smallcourse.hand_in(root, "right", source, {"double": "def double(x):\n    return x + x"})
    smallcourse.hand_in(root, "wrong", source, {"double": "def double(x):\n    return x * x * x"})
    assert scores(grade_class(root, UNIT)) == {"right": 3, "wrong": 0}
    released = (release(root, UNIT).folder / f"{UNIT}.ipynb").read_text()
    assert "another value" in released and "AUTOTEST" not in released
    assert released.count("another value") == len(
        line.split(";")
    )  # of the first cell: the other's are hidden
    monkeypatch.setattr(autotest.Autotest, "_run", None)  # it is written already
    assert scores(grade_class(root, UNIT)) == {"right": 3, "wrong": 0}


@pytest.mark.parametrize(
    ("templates", "why"), [(None, "autotests.yml"), ("python3: {}", "KeyError"), ("- [", "while parsing")]
)
def test_checks_that_cannot_be_written_are_said_in_one_line(tmp_path, templates, why):
    root = smallcourse.make(tmp_path, [DOUBLE, code("### AUTOTEST double(1)", "t_auto", points=2)])
    if templates:
        (root / "autotests.yml").write_text(templates)
    smallcourse.hand_in(root, "ann", root / "source" / UNIT / f"{UNIT}.ipynb", {})
    for command in (release, grade_class):
        with pytest.raises(CourseError, match=why) as refused:
            command(root, UNIT)
        assert "AUTOTEST" in str(refused.value) and "\n" not in str(refused.value)


def test_checks_are_written_again_when_the_solution_or_a_template_changes(tmp_path):
    root = smallcourse.make(tmp_path, [DOUBLE, code("### AUTOTEST double(1)", "t_auto", points=2)])
    (root / "autotests.yml").write_text(TEMPLATES)
    course = read_course(root)
    first = course.assignment(UNIT).notebooks[0].tests[0].source
    (root / "autotests.yml").write_text(TEMPLATES.replace("another value", "not it"))
    second = course.assignment(UNIT).notebooks[0].tests[0].source
    other = code(DOUBLE["source"].replace("2 *", "3 *"), "double")
    smallcourse.write(
        root / "source" / UNIT / f"{UNIT}.ipynb", [other, code("### AUTOTEST double(1)", "t_auto", points=2)]
    )
    third = course.assignment(UNIT).notebooks[0].tests[0].source
    assert "another value" in first and "not it" in second and '"2"' in second and '"3"' in third


OPEN = [
    code(
        "def mean(xs):\n    ### BEGIN SOLUTION\n    import numpy as np\n    return float(np.mean(xs))\n    ### END SOLUTION",
        "mean",
    ),
    code("import numpy as np\n\nassert mean(np.array([1.0, 3.0])) == 2", "t_mean", points=1),
]


def test_a_line_that_stands_in_the_open_is_no_secret(tmp_path):
    assert release(smallcourse.make(tmp_path, OPEN), UNIT).changed


def test_operators_count_when_lines_are_compared(tmp_path):
    body = "    if 0 {} k <= n:\n        return 1\n    return 0"
    root = smallcourse.make(
        tmp_path,
        [
            code("def count(k, n):\n" + body.format("<")),
            code(
                f"def count2(k, n):\n    ### BEGIN SOLUTION\n{body.format('<=')}\n    ### END SOLUTION",
                "count2",
            ),
            code("assert count2(0, 3) == 1", "t_count", points=1),
        ],
    )
    assert release(root, UNIT).changed


def test_a_leak_is_named_with_its_line_and_may_be_allowed(tmp_path: Path):
    """A step of the course's own tells students the name of the solution's variable; its author means it so."""
    answer = "def total(xs):\n    ### BEGIN SOLUTION\n    running = sum(xs)\n    return running\n    ### END SOLUTION"
    cells = [code(answer, "total"), code("assert total([1, 2]) == 3", "t_total", points=1)]
    root = smallcourse.make(tmp_path, cells)
    steps = root / "steps.py"
    steps.write_text(
        "from nbgrader.preprocessors import NbGraderPreprocessor\n\n\n"
        "class Peek(NbGraderPreprocessor):\n"
        "    def preprocess(self, nb, resources):\n"
        "        nb.cells[0].source += '\\n# begin with: running = sum(...)'\n"
        "        return nb, resources\n"
    )
    names = "LockCells ClearSolutions ClearOutput CheckCellMetadata ComputeChecksums SaveCells ClearHiddenTests ClearMarkScheme"
    chosen = [f"nbgrader.preprocessors.{name}" for name in names.split()] + ["steps.Peek"]
    (root / "nbgrader_config.py").write_text(
        f"import sys\nsys.path.insert(0, {str(root)!r})\nc = get_config()\nc.GenerateAssignment.preprocessors = {chosen}\n"
    )
    line = "# begin with: running = sum(...)"
    with pytest.raises(CourseError, match="'running' of a solution") as refused:
        release(root, UNIT)
    assert f"--allow-line '{line}'" in str(refused.value)
    assert release(root, UNIT, allowed_lines=[line]).changed
