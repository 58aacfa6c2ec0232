"""Kinds of things that stop one submission and not the class; and an environment of Python's that holds the course."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy
import pytest

from grader.batch.grade import Options, grade_class
from grader.engine.result import Status
from grader.lms.collect import collect
from grader.lms.roster import read_roster
from grader.pages.feedback import write_feedback
from grader.source.course import read_course
from tests.hostile import inway
from tests.support.toycourse import MAX_POINTS, UNIT, make_course

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", inway.SUBMITTED)
def test_what_lies_in_the_way_is_one_students_row(tmp_path: Path, name: str) -> None:
    course = make_course(tmp_path)
    for student in ("ann", "bent", "carl"):
        course.hand_in(student, course.submission("honest"))
        (tmp_path / "submitted" / student / UNIT / "timestamp.txt").write_text("2026-01-02 03:04:05 UTC")
    lay, keeps = inway.SUBMITTED[name]
    lay(tmp_path, UNIT)
    for _ in range(2):  # and again, over what the first run has left
        summary = grade_class(tmp_path, UNIT, Options(workers=2, progress=False))
        rows = {row.student: row for row in summary.rows}
        assert [rows[who].score for who in ("ann", "carl")] == [MAX_POINTS] * 2
        if keeps:
            assert rows["bent"].score == MAX_POINTS
        else:
            assert rows["bent"].status is not Status.GRADED and rows["bent"].reason
        written = write_feedback(tmp_path, UNIT, progress=False)
        assert all((tmp_path / "feedback" / who / UNIT / f"{UNIT}.html").is_file() for who in ("ann", "carl"))
        page = tmp_path / "feedback" / "bent" / UNIT / f"{UNIT}.html"
        assert page.is_file() or "bent" in (*written.failed, *written.ungraded)


@pytest.mark.parametrize("name", inway.DOWNLOADED)
def test_what_lies_in_the_way_in_a_download_is_one_students_remark(tmp_path: Path, name: str) -> None:
    course = make_course(tmp_path)
    worksheet = tmp_path / "worksheet.csv"
    people = [("Ann", "12344"), ("Bent", "12345"), ("Carl", "12346")]
    lines = [
        f'Participant {number},{who},{who}@x.org,"Wednesday, 10 June 2026, 2:14 PM"' for who, number in people
    ]
    worksheet.write_text("Identifier,Full name,Email address,Last modified (submission)\n" + "\n".join(lines))
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as out:
        for who, number in people:
            out.writestr(
                inway.NOTEBOOK.format(who=who, unit=UNIT).replace("12345", number),
                course.submission("honest"),
            )
        for path in inway.DOWNLOADED[name]:
            out.writestr(path.format(who="Bent", unit=UNIT), b"x")
    taken = collect(read_course(tmp_path), UNIT, tmp_path / "all.zip", read_roster(worksheet))
    assert len(taken.new) == 3 or (len(taken.new) == 2 and [why for _, why in taken.skipped])
    assert any("left out" in remark for remark in taken.remarks)
    summary = grade_class(tmp_path, UNIT, Options(workers=1, progress=False))
    assert [row.score for row in summary.rows] == [MAX_POINTS] * len(taken.new)


def test_a_student_who_is_a_file_does_not_stop_the_intake(tmp_path: Path) -> None:
    course = make_course(tmp_path)
    (tmp_path / "submitted").mkdir()
    (tmp_path / "submitted" / "bent").write_text("in the way")
    for who in ("ann", "bent", "carl"):
        (tmp_path / "in" / who).mkdir(parents=True)
        (tmp_path / "in" / who / f"{UNIT}.ipynb").write_bytes(course.submission("honest"))
    taken = collect(read_course(tmp_path), UNIT, tmp_path / "in")
    assert taken.new == ("ann", "carl") and [who for who, _ in taken.skipped] == ["bent"]


# --- an environment of Python's in the course -------------------------------------------------------------------------

LOOK = """
import os
_seen = []
for _path in <<paths>>:
    try:
        _seen.append(open(_path, "rb").read(100))
    except OSError:
        pass
print("SEEN", _seen)
import sys, subprocess
print("RUNS", subprocess.run([sys.executable, "-c", "import numpy; print(numpy.ones(2).sum())"], capture_output=True, text=True).stdout)
"""


def _environment(folder: Path) -> Path:
    """An environment in `folder` that has the packages of the present one; its Python."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    packages = Path(numpy.__file__).parents[1]
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    (folder / "lib" / version / "site-packages" / "more.pth").write_text(f"{packages}\n{ROOT}\n")
    return folder / "bin" / "python"


@pytest.mark.parametrize("where", [".", ".venv", "env/of/ours"])
def test_an_environment_in_the_course_shows_nothing_of_it(tmp_path: Path, where: str) -> None:
    course = make_course(tmp_path)
    python = _environment(tmp_path / where)
    secrets = [
        "pip.conf",
        "nbgrader_config.py",
        f"{where}/pip.conf",
        f"{where}/include/x",
        f"submitted/ann/{UNIT}/{UNIT}.ipynb",
    ]
    for name in secrets[:4]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("# CANARY")
    paths = [str(tmp_path / name) for name in (*secrets, f"solutions/{UNIT}/{UNIT}.ipynb")]
    nb = course.notebook("honest")
    cell: dict[str, object] = {
        "cell_type": "code",
        "id": "look",
        "metadata": {},
        "outputs": [],
        "execution_count": None,
    }
    nb["cells"].append({**cell, "source": LOOK.replace("<<paths>>", repr(paths))})
    course.hand_in("ann", json.dumps(nb).encode())
    done = _grader(python, tmp_path)
    assert done.returncode == 0, done.stderr
    graded = json.loads((tmp_path / "autograded" / "ann" / UNIT / f"{UNIT}.ipynb").read_text())
    shown = json.dumps([one.get("outputs") for one in graded["cells"]])
    assert "SEEN []" in shown and "RUNS 2.0" in shown, shown
    assert all(test["points"] for test in json.loads(done.stdout)), done.stdout


@pytest.mark.parametrize(
    "where", ["lib/{version}/course", "lib/{version}/site-packages/course", "lib/{version}/site-packages"]
)
def test_a_course_in_an_environments_packages_is_refused_in_one_line(tmp_path: Path, where: str) -> None:
    python = _environment(tmp_path / "env")
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    root = tmp_path / "env" / where.format(version=version)
    root.mkdir(parents=True, exist_ok=True)
    course = make_course(root)
    course.hand_in("ann", course.submission("honest"))
    (root / "nbgrader_config.py").write_text("")
    done = _grader(python, root)
    if where.endswith("/course") and "site-packages" not in where:  # no tree of this environment holds it
        assert done.returncode == 0, done.stderr
        return
    assert (
        done.returncode != 0
        and "belongs to Python" in done.stderr
        and len(done.stderr.splitlines()[-1]) < 1000
    )
    doctor = subprocess.run(
        [python, "-m", "grader", "doctor", "--json"], cwd=root, capture_output=True, text=True, env=_plain()
    )
    assert "belongs to Python" in doctor.stdout


def _plain() -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "PYTHONPATH": str(ROOT)}


def _grader(python: Path, root: Path) -> subprocess.CompletedProcess[str]:
    code = f"""
import json
from pathlib import Path
from grader.batch.grade import Options, grade_class
from grader.engine.result import Status
row, = grade_class(Path({str(root)!r}), "{UNIT}", Options(workers=1, progress=False)).rows
print(json.dumps([{{"points": points}} for points in row.points]) if row.status is Status.GRADED else row.reason)
"""
    return subprocess.run([python, "-c", code], cwd=root, capture_output=True, text=True, env=_plain())
