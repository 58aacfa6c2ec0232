"""`grader release`: the student version is made, checked, registered and recorded; and every way it can refuse."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from grader.batch.grade import Options, grade_class
from grader.build.build import build
from grader.build.unbuilt import unbuilt
from grader.errors import CourseError
from grader.record.journal import Journal
from grader.release.release import release
from grader.source.course import read_course
from tests.support import books, mounts, tinyunit, toycourse
from tests.support.stock import nbgrader
from tests.support.tinyunit import UNIT

EDITS = {
    "hidden": ("checks.number(double(-4.25), -8.5", "checks.number(double(-3.25), -6.5"),
    "points": ('"points": 1', '"points": 4'),
    "test": ('double(0.0), 0.0, "double(0)")', 'double(0.5), 1.0, "double(0.5)")'),
    "set-up": ("from trainlab import checks", "import math\nfrom trainlab import checks"),
    "solution": ("twofold = x + x", "twofold = 2.0 * x"),
    "title": ("One exercise.", "One small exercise."),
}


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """A course of one unit, released once: (root, what was released). Copy it before changing it."""
    root = tinyunit.make(tmp_path_factory.mktemp("first") / "course")
    return root, release(root, UNIT)


@pytest.fixture
def root(first, tmp_path):
    return Path(shutil.copytree(first[0], tmp_path / "course"))


def edit(root, *names):
    """Edit the text source as an instructor does."""
    path = root / "solutions" / UNIT / f"{UNIT}.py"
    text = path.read_text()
    for name in names:
        old, new = EDITS[name]
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)
    os.utime(path, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns + 10**9))


def files(folder):
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file() and path.name != "lock"
    }


def hand_in(root, student="ann"):
    """The released notebook with a right answer."""
    nb = json.loads((root / "assignments" / UNIT / f"{UNIT}.ipynb").read_text())
    for cell in nb["cells"]:
        if (cell["metadata"].get("nbgrader") or {}).get("grade_id") == "double":
            cell["source"] = "def double(x): return x + x"
    folder = root / "submitted" / student / UNIT
    folder.mkdir(parents=True)
    (folder / f"{UNIT}.ipynb").write_text(json.dumps(nb))


def refused(root, match, **options):
    """Releasing is refused in one line, and changes nothing that matters."""
    before = {name: kept for name, kept in files(root).items() if not name.startswith(".grader")}
    with pytest.raises(CourseError, match=match) as failure:
        release(root, UNIT, **options)
    assert "\n" not in str(failure.value)
    after = {name: kept for name, kept in files(root).items() if not name.startswith(".grader")}
    assert after == before
    return str(failure.value)


def test_it_makes_what_build_makes(first, tmp_path):
    root, done = first
    built = tinyunit.make(tmp_path / "built")
    build(built, [UNIT])
    assert done.folder == root / "assignments" / UNIT
    assert done.files == (f"{UNIT}.ipynb",)
    for where in ("solutions", "assignments"):
        name = Path(where, UNIT, f"{UNIT}.ipynb")
        assert (root / name).read_bytes() == (built / name).read_bytes()
    assert [path.name for path in done.folder.iterdir()] == [f"{UNIT}.ipynb"]
    assert (done.test_points, done.written_points, done.first, done.edits, done.graded) == (
        3.0,
        0.0,
        True,
        (),
        (),
    )


def test_formgrader_lists_it(first):
    """What formgrader's pages are made from: nbgrader's own API."""
    from nbgrader.apps import NbGraderAPI

    config = read_course(first[0]).config
    config.CourseDirectory.root = str(first[0])
    api = NbGraderAPI(config=config)
    (listed,) = api.get_assignments()
    assert (listed["name"], listed["max_code_score"], listed["num_submissions"]) == (UNIT, 3.0, 0)
    (notebook,) = api.get_notebooks(UNIT)
    assert notebook["name"] == UNIT
    assert notebook["max_score"] == 3.0
    with api.gradebook as book:
        cells = {
            cell.name: (cell.max_score, cell.cell_type) for cell in book.find_notebook(UNIT, UNIT).grade_cells
        }
        stub = book.find_source_cell("double", UNIT, UNIT).source
    assert cells == {"test_double_values": (2.0, "code"), "test_double_zero": (1.0, "code")}
    assert "twofold" not in stub


def test_the_gradebook_is_as_nbgrader_generate_assignment_makes_it(first, tmp_path):
    shutil.copytree(
        first[0], tmp_path / "stock", ignore=shutil.ignore_patterns("gradebook.db", "assignments")
    )
    done = nbgrader(tmp_path / "stock", "generate_assignment", UNIT)
    assert done.returncode == 0, done.stderr
    said = []
    for root in (first[0], tmp_path / "stock"):
        with sa.create_engine(f"sqlite:///{root / 'gradebook.db'}").connect() as db:
            said.append(
                [
                    db.execute(sa.text(query)).all()
                    for query in (
                        "SELECT name, type FROM base_cell ORDER BY 1, 2",
                        "SELECT name, cell_type, source, checksum, locked FROM source_cell ORDER BY 1",
                        "SELECT max_score, cell_type FROM grade_cells ORDER BY 1",
                        "SELECT name, kernelspec FROM notebook",
                        "SELECT name, duedate, course_id FROM assignment",
                    )
                ]
            )
    assert said[0] == said[1]


def test_releasing_twice_changes_nothing(root):
    before = files(root)
    again = release(root, UNIT)
    assert not again.changed
    assert again.edits == ()
    assert files(root) == before


@pytest.mark.parametrize(
    ("names", "expected", "seen"),
    [
        (["hidden"], ["test_double_values (hidden tests)"], False),
        (["points"], ["test_double_zero (points 1 to 4)"], True),
        (["test"], ["test_double_zero (test)"], True),
        (["set-up"], ["setup (set-up cell)"], True),
        (["solution"], ["double (model answer, which decides no score)"], False),
        (["title"], ["text (1 cells around the exercises)"], True),
        (
            ["hidden", "points"],
            ["test_double_values (hidden tests)", "test_double_zero (points 1 to 4)"],
            True,
        ),
    ],
)
def test_releasing_again_names_the_edited_cells(root, names, expected, seen):
    """And the student version changes exactly where students can see the edit."""
    edit(root, *names)
    before = (root / "assignments" / UNIT / f"{UNIT}.ipynb").read_bytes()
    assert unbuilt(read_course(root), UNIT) == [root / "solutions" / UNIT / f"{UNIT}.py"]
    again = release(root, UNIT)
    assert [str(item) for item in again.edits] == expected
    assert again.changed
    assert ((root / "assignments" / UNIT / f"{UNIT}.ipynb").read_bytes() != before) == seen
    assert release(root, UNIT).edits == ()


def test_an_edit_is_said_before_anything_is_graded_until_it_is_released(root, monkeypatch):
    hand_in(root)
    monkeypatch.chdir(root)
    assert grade_class(root, UNIT, Options(progress=False)).warnings == ()
    edit(root, "hidden", "points")
    said: list[str] = []

    def stop(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("grader.batch.executor.run", stop)  # nothing is graded: it must have been said by now
        with pytest.raises(KeyboardInterrupt):
            grade_class(root, UNIT, Options(progress=False, say=said.append))
    assert "was edited since its notebook was built" in said[0]
    build(root, [UNIT])
    summary = grade_class(root, UNIT, Options(progress=False))
    assert "test_double_values (hidden tests), test_double_zero (points 1 to 4)" in summary.warnings[0]
    assert "\n" not in summary.warnings[0]
    assert grade_class(root, UNIT, Options(progress=False)).warnings == summary.warnings
    again = release(root, UNIT)
    assert again.graded == ("ann",)
    assert len(again.edits) == 2
    assert grade_class(root, UNIT, Options(progress=False)).warnings == ()
    assert books.scores(root) == {"ann": 6.0}


def test_a_fork_has_its_own_address_and_the_source_keeps_the_courses(root):
    source = (root / "solutions" / UNIT / f"{UNIT}.ipynb").read_bytes()
    done = release(root, UNIT, repository="some-one/my.fork")
    text = (root / "assignments" / UNIT / f"{UNIT}.ipynb").read_text()
    assert done.repository == "https://github.com/some-one/my.fork"
    assert [str(item) for item in done.edits] == [f"badge and %pip line (now {done.repository})"]
    assert (
        f"colab.research.google.com/github/some-one/my.fork/blob/main/assignments/{UNIT}/{UNIT}.ipynb" in text
    )
    assert 'git+https://github.com/some-one/my.fork\\"' in text
    assert "trainlab/trainlab" not in text
    assert (root / "solutions" / UNIT / f"{UNIT}.ipynb").read_bytes() == source
    assert not release(root, UNIT, repository="https://github.com/some-one/my.fork.git").changed
    assert release(root, UNIT).repository == "https://github.com/trainlab/trainlab"


@pytest.mark.parametrize("repository", ["fork", "a/b/c", "https://example.org/a/b", "a b/c", "/"])
def test_what_is_no_repository_is_one_line(root, repository):
    refused(root, "give OWNER/NAME", repository=repository)


def test_a_course_without_text_source_or_pyproject(tmp_path):
    """An instructor's own folder with nbgrader's defaults: the notebook's own words are handed out, and no address is made up."""
    course = toycourse.make_course(tmp_path)
    done = release(tmp_path, toycourse.UNIT)
    nb = json.loads((done.folder / f"{toycourse.UNIT}.ipynb").read_text())
    assert toycourse.SECRET not in json.dumps(nb)
    assert (done.repository, done.test_points, done.written_points) == ("", 7.0, 3.0)
    course.hand_in("ann", course.submission("honest"))
    assert grade_class(tmp_path, toycourse.UNIT, Options(progress=False)).warnings == ()
    with pytest.raises(CourseError, match="no generated set-up cell"):
        release(tmp_path, toycourse.UNIT, repository="a/b")


def test_the_courses_own_address_may_change_or_be_missing(root):
    project = root / "pyproject.toml"
    project.write_text(project.read_text().replace("trainlab/trainlab", "our/course"))
    assert release(root, UNIT).repository == "https://github.com/our/course"
    project.unlink()
    refused(root, r"does not say where the course is published.*--repository OWNER/NAME")
    assert release(root, UNIT, repository="a/b").repository == "https://github.com/a/b"


def test_a_half_edited_source_stops_a_release_but_no_grading(root):
    hand_in(root)
    path = root / "solutions" / UNIT / f"{UNIT}.py"
    path.write_text(path.read_text().replace("### BEGIN SOLUTION", "### BEGIN SOLUTON"))
    refused(root, "misspelt marker")
    summary = grade_class(root, UNIT, Options(progress=False))
    assert "was edited since its notebook was built" in summary.warnings[0]
    assert summary.rows[0].score == 3.0


def test_foreign_files_are_left_alone(root):
    notes = root / "assignments" / UNIT / "notes of mine.txt"
    notes.write_text("years of work")
    message = refused(root, "would be lost")
    assert notes.name in message
    notes.unlink()
    (root / "solutions" / UNIT / "table.csv").write_text("1,2\n")
    assert release(root, UNIT).files == (f"{UNIT}.ipynb", "table.csv")
    (root / "solutions" / UNIT / "table.csv").unlink()
    again = release(root, UNIT)  # its own file of last time is no foreign one
    assert [str(item) for item in again.edits] == ["table.csv (file)"]
    assert [path.name for path in again.folder.iterdir()] == [f"{UNIT}.ipynb"]


def test_a_solution_in_the_student_version_is_not_released(root):
    source = root / "solutions" / UNIT / f"{UNIT}.py"
    config = root / "nbgrader_config.py"
    config.write_text(config.read_text() + "\nc.ClearSolutions.enabled = False\n")
    (root / "solutions" / UNIT / f"{UNIT}.ipynb").touch()
    os.utime(source)
    before = (root / "assignments" / UNIT / f"{UNIT}.ipynb").read_bytes()
    with pytest.raises(CourseError, match="not released"):
        release(root, UNIT)
    assert (root / "assignments" / UNIT / f"{UNIT}.ipynb").read_bytes() == before


@pytest.mark.parametrize(
    "enabled", ["c.ClearHiddenTests.enabled = False", "c.CourseDirectory.ignore = ['*.pyc']"]
)
def test_neither_hidden_test_nor_bank_is_released(root, enabled):
    config = root / "nbgrader_config.py"
    config.write_text(config.read_text() + f"\n{enabled}\n")
    refused(root, "not released")


def test_cells_that_the_gradebook_cannot_follow_leave_the_release_as_it_was(root):
    hand_in(root)
    grade_class(root, UNIT, Options(progress=False))
    path = root / "solutions" / UNIT / f"{UNIT}.py"
    path.write_text(path.read_text().replace("test_double_zero", "test_double_nought"))
    before = files(root / "assignments")
    with pytest.raises(CourseError, match="graded cells were added, removed or renamed"):
        release(root, UNIT)
    assert files(root / "assignments") == before


def test_a_notebook_that_was_edited_without_its_text_source_is_not_overwritten(root):
    path = root / "solutions" / UNIT / f"{UNIT}.ipynb"
    path.write_text(path.read_text().replace("double(1.5)", "double(2.5)"))
    refused(root, "was edited but its text source")


def test_a_damaged_record_of_an_earlier_version_counts_as_none(root):
    (root / ".grader" / "state.db").unlink()
    (root / ".grader" / f"{UNIT}.release.json").write_text('{"released": "20')
    with contextlib.closing(Journal(root / ".grader")) as journal:
        assert journal.released(UNIT) is None
    assert release(root, UNIT).first


@pytest.mark.parametrize(
    ("unit", "message"), [("99_no", f"no unit '99_no'.*units here: {UNIT}"), ("../x", "no unit's name")]
)
def test_a_missing_unit_is_one_line(root, unit, message):
    with pytest.raises(CourseError, match=message):
        release(root, unit)


@pytest.mark.parametrize("mount", ["read_only", "full"])
def test_a_disk_that_cannot_be_written_is_one_line_and_nothing_is_lost(root, mount):
    edit(root, "title")
    before = files(root)
    done = mounts.run_in(root, getattr(mounts, mount)(root), "release", UNIT)
    assert done.returncode == 2, done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert "give the same command again" in done.stderr
    assert files(root) == before
    assert [str(item) for item in release(root, UNIT).edits] == ["text (1 cells around the exercises)"]


def test_the_command_says_what_to_hand_out(root):
    command = [sys.executable, "-m", "grader", "release", UNIT]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert f"hand out {root / 'assignments' / UNIT}: {UNIT}.ipynb" in done.stdout
    assert "nothing changed since" in done.stdout
    done = subprocess.run([*command, "--json"], cwd=root, capture_output=True, text=True)
    assert json.loads(done.stdout)["test_points"] == 3.0


def test_a_variant_is_written_into_the_text_source_and_handed_out(root):
    source = root / "solutions" / UNIT / f"{UNIT}.py"
    refused(root, "VARIANT", variant=7)
    source.write_text(
        source.read_text().replace(
            "from trainlab import checks", "from trainlab import checks\n\nVARIANT = 0"
        )
    )
    refused(root, "a seed of 0 or more", variant=-1)
    done = release(root, UNIT, variant=7)
    assert done.changed and "VARIANT = 7" in source.read_text()
    assert "VARIANT = 7" in (root / "assignments" / UNIT / f"{UNIT}.ipynb").read_text()
    assert "VARIANT = 7" in (root / "solutions" / UNIT / f"{UNIT}.ipynb").read_text()
    assert not release(root, UNIT).changed
