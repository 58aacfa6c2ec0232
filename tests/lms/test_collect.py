"""Taking submissions in: whose they are, what is never taken, and that nothing is lost."""

import io
import json
import os
import shutil
import signal
import stat
import struct
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from grader.engine.submission import parse_timestamp
from grader.errors import CourseError
from grader.lms import archive
from grader.lms import collect as collecting
from grader.lms.collect import collect
from grader.lms.identify import names_a_team
from grader.lms.roster import read_roster
from grader.source.course import read_course
from tests.support import toycourse
from tests.support.toycourse import UNIT

NOTEBOOK = f"{UNIT}.ipynb"


def zipped(tmp_path, entries, name="class.zip", method=zipfile.ZIP_DEFLATED):
    """A zip file of `entries`: names or ZipInfos, and contents."""
    path = tmp_path / name
    with zipfile.ZipFile(path, "w", method) as file:
        for entry, content in entries.items() if isinstance(entries, dict) else entries:
            file.writestr(entry, content)
    return path


def unpacked(tmp_path, entries, name="class"):
    for entry, content in entries.items():
        path = tmp_path / name / entry
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return tmp_path / name


def roster(tmp_path, text):
    path = tmp_path / "roster.csv"
    path.write_text(text)
    return read_roster(path)


def submitted(course):
    """Everything below submitted/ as {student/file: content}; the unit's folder is checked."""
    found = {}
    where = course.root / "submitted"
    for path in sorted(where.rglob("*")):
        if path.is_file() or path.is_symlink():
            student, unit, *rest = path.relative_to(where).parts
            assert unit == UNIT
            found["/".join([student, *rest])] = path.read_bytes().decode("utf-8", "replace")
    return found


def everything(root):
    """All files below a folder, except the lock."""
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.name != "lock"
    }


# ---------------------------------------------------------------------------------------------- the forms

MOODLE = {
    f"Ann Smith_11_assignsubmission_file/{NOTEBOOK}": "ann",
    "Ann Smith_11_assignsubmission_file/pics/a.png": "png",
    "Ann Smith_11_assignsubmission_onlinetext/onlinetext.html": "see my file",
    f"Ann Smith_12_assignsubmission_file_/{NOTEBOOK}": "the other ann",
    f"Zoë ONeil-Ü_13_assignsubmission_file/{NOTEBOOK}": "zoë",
    "Bob_14_assignsubmission_onlinetext/onlinetext.html": "I forgot",
}
MOODLE_FLAT = {
    f"Ann Smith_11_assignsubmission_file_{NOTEBOOK}": "ann",
    "Ann Smith_11_assignsubmission_onlinetext_onlinetext.html": "see my file",
    f"Ann Smith_12_assignsubmission_file_{NOTEBOOK}": "the other ann",
    f"Mal_15_assignsubmission_file_Ann Smith_11_assignsubmission_file_{NOTEBOOK}": "not ann's",
}
CANVAS = {
    f"doejane_12345_67890_{NOTEBOOK}": "jane",
    "doejane_12345_67891_my.png": "png",
    f"roejohn_LATE_222_100_{UNIT}-2.ipynb": "john, again",
    f"müllerzoë_333_101_{UNIT}-1.ipynb": "zoë",
    "kimlee_444_text.html": "typed",
    "kimmin_LATE_445_link.html": "a link",
    "anon_AbC1x_500_toy.ipynb": "nobody",
    "doejane_777_600_05_momentum.ipynb": "another jane, another unit",
}


@pytest.mark.parametrize("pack", [zipped, unpacked])
def test_moodle_in_folders(course, tmp_path, pack):
    got = collect(course, UNIT, pack(tmp_path, MOODLE))
    assert got.form == "Moodle"
    assert got.new == ("Ann-Smith_11", "Ann-Smith_12", "Zoë-ONeil-Ü_13")
    assert got.skipped == (("Bob_14", "no file was handed in"),)
    assert submitted(course) == {
        f"Ann-Smith_11/{NOTEBOOK}": "ann",
        "Ann-Smith_11/pics/a.png": "png",
        f"Ann-Smith_12/{NOTEBOOK}": "the other ann",
        f"Zoë-ONeil-Ü_13/{NOTEBOOK}": "zoë",
    }
    assert "grading worksheet" in got.remarks[0]
    assert got.line == "Moodle: 3 new, 0 changed, 0 the same, 1 skipped (1: no file was handed in)"


@pytest.mark.parametrize("pack", [zipped, unpacked])
def test_moodle_flat_and_a_file_that_claims_to_be_anothers(course, tmp_path, pack):
    got = collect(course, UNIT, pack(tmp_path, MOODLE_FLAT))
    assert got.new == ("Ann-Smith_11", "Ann-Smith_12", "Mal_15")
    assert submitted(course)[f"Ann-Smith_11/{NOTEBOOK}"] == "ann"


WORKSHEET = """Identifier,Full name,ID number,Email address,Status,Grade,Last modified (submission)
Participant 11,Ann Smith,S11,ann1@uni.edu,Submitted,,"Wednesday, 10 June 2026, 2:14 PM"
Participant 12,Ann Smith,,ann2@uni.edu,Submitted,,"Wednesday, January 7, 2026, 9:00 AM"
Participant 13,Zoë O'Neil-Ü,../../S13,zoe@uni.edu,Submitted,,10/06/2026 14:14
Participant 14,Bob,S14,bob@uni.edu,No submission,,-
"""


def test_moodle_with_its_worksheet_has_ids_and_times(course, tmp_path):
    got = collect(course, UNIT, zipped(tmp_path, MOODLE), roster(tmp_path, WORKSHEET))
    assert got.new[:1] + got.new[2:] == ("S11", "ann2@uni.edu")
    assert got.new[1].startswith("_.._.") and "~" in got.new[1], "an id that is a path is a name all the same"
    files = submitted(course)
    assert files["S11/timestamp.txt"] == "2026-06-10 12:14:00.000000 UTC"  # Berlin's summer
    assert files["ann2@uni.edu/timestamp.txt"] == "2026-01-07 08:00:00.000000 UTC"
    assert parse_timestamp(files["S11/timestamp.txt"].encode())[1] == ()
    assert not any("S13" in name and "timestamp" in name for name in files), "June or October? not guessed"
    assert any("times are taken for Europe/Berlin" in remark for remark in got.remarks)
    assert any("no time in '10/06/2026 14:14'" in remark for remark in got.remarks)
    assert sorted(path.name for path in course.root.iterdir()) == [".grader", "nbgrader_config.py", "solutions", "submitted"]  # fmt: skip


def test_a_time_zone_that_is_none_is_said(course, tmp_path):
    config = course.root / "nbgrader_config.py"
    config.write_text(config.read_text().replace("Europe/Berlin", "Middle/Earth"))
    with pytest.raises(CourseError, match="'Middle/Earth' is no time zone"):
        collect(read_course(course.root), UNIT, zipped(tmp_path, MOODLE), roster(tmp_path, WORKSHEET))
    assert submitted(course) == {}


def test_the_worksheet_of_another_assignment_names_nobody(course, tmp_path):
    """Its numbers may be other students' here."""
    text = WORKSHEET.replace("Participant 11", "Participant 99").replace("Participant 14", "Participant 11")
    got = collect(course, UNIT, zipped(tmp_path, MOODLE), roster(tmp_path, text))
    assert "Ann-Smith_11" in got.new and "S14" not in got.new
    assert any("are not in roster.csv by name and number" in remark for remark in got.remarks)


def test_moodle_by_name_where_the_list_has_no_numbers(course, tmp_path):
    text = "First name,Last name,Email address\nAnn,Smith,ann@uni.edu\nZoë,O'Neil-Ü,zoe@uni.edu\n"
    got = collect(course, UNIT, zipped(tmp_path, MOODLE), roster(tmp_path, text))
    assert got.new == ("Ann-Smith_11", "Ann-Smith_12", "zoe@uni.edu"), (
        "one of the Anns: which, nobody can say"
    )
    assert any("3 are not in roster.csv by name and number" in remark for remark in got.remarks)


@pytest.mark.parametrize("pack", [zipped, unpacked])
def test_canvas(course, tmp_path, pack):
    got = collect(course, UNIT, pack(tmp_path, CANVAS))
    assert got.form == "Canvas"
    assert submitted(course) == {
        "anon_AbC1x/toy.ipynb": "nobody",
        f"doejane_12345/{NOTEBOOK}": "jane",
        "doejane_12345/my.png": "png",
        "doejane_777/05_momentum.ipynb": "another jane, another unit",
        f"müllerzoë_333/{NOTEBOOK}": "zoë",
        f"roejohn_222/{NOTEBOOK}": "john, again",
    }
    assert got.skipped == (("kimlee_444", "no file was handed in"), ("kimmin_445", "no file was handed in"))
    assert any(remark.startswith("2 are marked late by Canvas") for remark in got.remarks)


CANVAS_ROSTER = """Student,ID,SIS User ID,SIS Login ID,Section,toy (9)
    Points Possible,,,,,7
"Doe, Jane",12345,S1,jdoe,A,
"Doe, Jane",777,S2,,A,
"Müller, Zoë",333,,,A,
"Seven, Eve",7,S7,eve,A,
"mal_7",888,S8,mal,A,
"""


def test_canvas_with_its_gradebook(course, tmp_path):
    got = collect(course, UNIT, zipped(tmp_path, CANVAS), roster(tmp_path, CANVAS_ROSTER))
    assert set(got.new) == {"333", "S2", "anon_AbC1x", "jdoe", "roejohn_222"}


def test_a_canvas_name_that_reads_like_anothers_number(course, tmp_path):
    files = {f"mal_7_888_900_{NOTEBOOK}": "mal", f"seveneve_7_901_{NOTEBOOK}": "eve"}
    got = collect(course, UNIT, zipped(tmp_path, files), roster(tmp_path, CANVAS_ROSTER))
    assert got.new == ("eve", "mal")
    assert submitted(course) == {f"eve/{NOTEBOOK}": "eve", f"mal/{NOTEBOOK}": "mal"}
    shutil.rmtree(course.root / "submitted")
    collect(course, UNIT, zipped(tmp_path, files))
    assert submitted(course)[f"seveneve_7/{NOTEBOOK}"] == "eve", (
        "without a roster neither is taken for the other"
    )


def test_canvas_of_two_uploads_of_one_name_takes_the_later(course, tmp_path):
    files = {f"doejane_1_20_{UNIT}-1.ipynb": "later", f"doejane_1_9_{NOTEBOOK}": "earlier"}
    got = collect(course, UNIT, zipped(tmp_path, files))
    assert submitted(course) == {f"doejane_1/{NOTEBOOK}": "later"}
    assert any("two files for toy.ipynb: the later one is taken" in remark for remark in got.remarks)


@pytest.mark.parametrize("pack", [zipped, unpacked])
@pytest.mark.parametrize("around", ["", "submitted/", "course/submitted/"])
def test_nbgraders_collected_layout(course, tmp_path, pack, around):
    files = {
        f"{around}ann/{UNIT}/{NOTEBOOK}": "ann",
        f"{around}ann/{UNIT}/timestamp.txt": "2026-01-01 10:00:00 UTC",
        f"{around}ann/another/another.ipynb": "not this unit",
        f"{around}bob/{UNIT}/{NOTEBOOK}": "bob",
        f"{around}cat/another/another.ipynb": "not this unit",
    }
    got = collect(course, UNIT, pack(tmp_path, files))
    assert (got.form, got.new) == ("collected", ("ann", "bob"))
    assert submitted(course)["ann/timestamp.txt"] == "2026-01-01 10:00:00 UTC"


@pytest.mark.parametrize("pack", [zipped, unpacked])
@pytest.mark.parametrize("around", ["", "class/"])
def test_a_folder_for_each_student(course, tmp_path, pack, around):
    files = {
        f"{around}ann/{NOTEBOOK}": "ann",
        f"{around}bob/homework/{NOTEBOOK}": "bob",
        f"{around}bob/homework/data/x.csv": "1",
        f"{around}Zoë Ü/toy (1).ipynb": "zoë",
    }
    got = collect(course, UNIT, pack(tmp_path, files))
    assert (got.form, got.new) == ("folders", ("Zoë Ü", "ann", "bob"))
    assert submitted(course) == {
        "Zoë Ü/toy (1).ipynb": "zoë",
        f"ann/{NOTEBOOK}": "ann",
        f"bob/{NOTEBOOK}": "bob",
        "bob/data/x.csv": "1",
    }


def test_folders_with_a_list_of_ids(course, tmp_path):
    text = "Name,Username,Email\nAnn Smith,ann,ann@uni.edu\nBob,bob,bob@uni.edu\n"
    files = {f"Ann Smith/{NOTEBOOK}": "ann", f"BOB@uni.edu/{NOTEBOOK}": "bob", f"eve/{NOTEBOOK}": "eve"}
    got = collect(course, UNIT, zipped(tmp_path, files), roster(tmp_path, text))
    assert got.new == ("ann", "bob", "eve")


def test_a_student_who_is_there_already_keeps_the_id(course, tmp_path):
    (course.root / "submitted" / "S1" / "another_unit").mkdir(parents=True)
    got = collect(course, UNIT, zipped(tmp_path, CANVAS), roster(tmp_path, CANVAS_ROSTER))
    assert "S1" in got.new and "jdoe" not in got.new


def test_what_a_platform_or_a_system_adds_is_passed_over(course, tmp_path):
    files = {
        f"ann/{NOTEBOOK}": "ann",
        f"ann/.ipynb_checkpoints/{NOTEBOOK}": "old",
        "__MACOSX/ann/._toy.ipynb": "mac",
        ".DS_Store": "mac",
        "ann/__pycache__/x.pyc": "x",
        "readme.txt": "hello",
    }
    got = collect(course, UNIT, zipped(tmp_path, files))
    assert submitted(course) == {f"ann/{NOTEBOOK}": "ann"}
    assert got.remarks == ("1 files belong to no student: readme.txt",)


# ---------------------------------------------------------------------------------- again, changed, older


@pytest.mark.parametrize("entries", [MOODLE, MOODLE_FLAT, CANVAS])
def test_a_second_run_changes_nothing(course, tmp_path, entries):
    path = zipped(tmp_path, entries)
    first = collect(course, UNIT, path)
    before, times = everything(course.root), [p.stat().st_mtime_ns for p in sorted((course.root / "submitted").rglob("*"))]  # fmt: skip
    again = collect(course, UNIT, path)
    assert (again.new, again.changed, again.same) == ((), (), first.new)
    assert everything(course.root) == before
    assert [p.stat().st_mtime_ns for p in sorted((course.root / "submitted").rglob("*"))] == times


def test_what_changed_is_replaced_and_what_was_there_is_kept(course, tmp_path):
    collect(
        course, UNIT, zipped(tmp_path, {f"ann/{NOTEBOOK}": "1", f"bob/{NOTEBOOK}": "b", "ann/x.txt": "x"})
    )
    got = collect(course, UNIT, zipped(tmp_path, {f"ann/{NOTEBOOK}": "2", f"bob/{NOTEBOOK}": "b"}))
    assert (got.changed, got.same) == (("ann",), ("bob",))
    assert "what was there before is in .grader/superseded/" in got.line
    assert submitted(course) == {f"ann/{NOTEBOOK}": "2", f"bob/{NOTEBOOK}": "b"}
    collect(course, UNIT, zipped(tmp_path, {f"ann/{NOTEBOOK}": "3", f"bob/{NOTEBOOK}": "b"}))
    kept = course.state / "superseded" / UNIT / "ann"
    assert everything(kept) == {f"1/{NOTEBOOK}": b"1", "1/x.txt": b"x", f"2/{NOTEBOOK}": b"2"}
    assert course.students(UNIT) == ["ann", "bob"], "what is kept is nobody's submission"


def test_an_older_submission_does_not_replace_a_newer_one(course, tmp_path):
    def handed(content, time):
        files = {f"ann/{UNIT}/{NOTEBOOK}": content, f"ann/{UNIT}/timestamp.txt": time}
        return collect(course, UNIT, zipped(tmp_path, files))

    handed("new", "2026-01-02 10:00:00 UTC")
    got = handed("old", "2026-01-01 10:00:00 UTC")
    assert got.skipped == (("ann", "older than what is there"),)
    assert submitted(course)[f"ann/{NOTEBOOK}"] == "new"
    assert handed("newer", "2026-01-03 10:00:00 UTC").changed == ("ann",)


def test_a_download_without_times_leaves_a_known_time(course, tmp_path):
    collect(
        course,
        UNIT,
        zipped(tmp_path, {f"ann/{UNIT}/{NOTEBOOK}": "1", f"ann/{UNIT}/timestamp.txt": "2026-01-02"}),
    )
    assert collect(course, UNIT, zipped(tmp_path, {f"ann/{NOTEBOOK}": "1"})).same == ("ann",)
    assert "ann/timestamp.txt" in submitted(course)


@pytest.mark.parametrize("name", ["Ann_1_assignsubmission_file/timestamp.txt", "ann_1_2_timestamp.txt"])
def test_a_students_own_timestamp_is_no_timestamp(course, tmp_path, name):
    other = name.replace("timestamp.txt", NOTEBOOK).replace("_2_", "_3_")
    got = collect(course, UNIT, zipped(tmp_path, {name: "2001-01-01 00:00:00 UTC", other: "x"}))
    assert [file.split("/")[1] for file in submitted(course)] == [NOTEBOOK]
    assert any("the platform says when, not the student" in remark for remark in got.remarks)


# ------------------------------------------------------------------------------------------- hostile zips


def info(name, mode):
    entry = zipfile.ZipInfo(name)
    entry.create_system, entry.external_attr = 3, mode << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


GOOD = {f"ann/{NOTEBOOK}": "ann", f"zoe/{NOTEBOOK}": "zoe"}
LONG = "x" * 300
ODD: dict[str, tuple[list[tuple[Any, Any]], str]] = {  # name of the case -> (entries beside two good students', what the remark says)
    "up": ([(f"../bob/{NOTEBOOK}", "x"), (f"ann/../../../evil/{NOTEBOOK}", "x")], "leads out of the archive"),
    "absolute": ([("/etc/cron.d/evil", "x"), ("//server/share/evil", "x")], "an absolute path"),
    "drive": ([("C:/Windows/evil", "x"), ("c:evil", "x"), ("\\\\server\\evil", "x")], "an absolute path"),
    "backslashes up": ([(f"ann\\..\\..\\{NOTEBOOK}", "x")], "leads out of the archive"),
    "link": ([(info("ann/secret.txt", stat.S_IFLNK | 0o777), "/etc/passwd")], "a link"),
    "link of the folder": ([(info("bob", stat.S_IFLNK | 0o777), "/etc")], "a link"),
    "device": ([(info("ann/dev", stat.S_IFCHR | 0o666), "")], "not a regular file"),
    "fifo": ([(info("ann/pipe", stat.S_IFIFO | 0o666), "")], "not a regular file"),
    "bomb": ([("ann/bomb.txt", b"\0" * 8_000_000)], "compressed more than 200 times"),
    "large": ([("ann/large.bin", os.urandom(2**20) * 65)], "larger than 64 MiB"),
    "deep": ([("ann/" + "d/" * 20 + "x", "x")], "folders too deep"),
    "path of a kilometre": ([("ann/" + "y" * 5000, "x")], "an impossible name"),
    "archive": ([("ann/inner.zip", "PK")], "an archive, not opened"),
}  # fmt: skip


@pytest.mark.parametrize("case", list(ODD))
def test_an_odd_entry_is_a_remark_and_the_class_goes_on(course, tmp_path, case):
    entries, said = ODD[case]
    outside = everything(tmp_path)
    path = zipped(tmp_path, [*GOOD.items(), *entries])
    got = collect(course, UNIT, path)
    assert {"ann", "zoe"} <= set(got.new)
    files = submitted(course)
    assert files.items() >= GOOD.items()
    assert set(files) - set(GOOD) == ({"ann/inner.zip"} if case == "archive" else set())
    assert any(said in remark for remark in got.remarks), got.remarks
    assert all("\n" not in remark for remark in got.remarks)
    changed = {name for name in everything(tmp_path) if name not in outside}
    assert all(name.startswith(("course/submitted/", "class.zip")) for name in changed), changed


def test_a_notebook_that_cannot_be_had_skips_the_student_and_keeps_what_is_there(course, tmp_path):
    collect(course, UNIT, zipped(tmp_path, GOOD))
    entries = [(f"ann/{NOTEBOOK}", b" " * 8_000_000), ("ann/x.txt", "x"), (f"zoe/{NOTEBOOK}", "zoe")]
    got = collect(course, UNIT, zipped(tmp_path, entries))
    assert got.skipped == (("ann", "a notebook could not be read"),)
    assert submitted(course) == GOOD
    assert got.line.endswith("1 skipped (1: a notebook could not be read)")


def test_a_notebook_that_is_a_link_skips_the_student(course, tmp_path):
    link = info(f"bob/{NOTEBOOK}", stat.S_IFLNK | 0o777)
    got = collect(course, UNIT, zipped(tmp_path, [*GOOD.items(), (link, "/etc/passwd")]))
    assert got.skipped == (("bob", "a notebook could not be read"),)
    assert submitted(course) == GOOD
    assert any("toy.ipynb left out: a link" in remark for remark in got.remarks)


def test_a_damaged_file_is_found_by_its_checksum(course, tmp_path):
    path = zipped(
        tmp_path, {f"ann/{NOTEBOOK}": "A" * 50, f"zoe/{NOTEBOOK}": "zoe"}, method=zipfile.ZIP_STORED
    )
    path.write_bytes(path.read_bytes().replace(b"A" * 50, b"B" * 50))
    got = collect(course, UNIT, path)
    assert (got.new, got.skipped) == (("zoe",), (("ann", "a notebook could not be read"),))
    assert any("damaged" in remark for remark in got.remarks)


def test_an_entry_that_says_less_than_it_holds_is_not_read_further(course, tmp_path):
    """The size in the list of contents is a claim: a bomb that claims ten bytes is cut there, and its checksum fails."""
    path = zipped(tmp_path, {f"ann/{NOTEBOOK}": b"\0" * 30_000_000, f"zoe/{NOTEBOOK}": "zoe"})
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x01\x02")
    struct.pack_into("<I", data, at + 24, 10)
    path.write_bytes(data)
    assert collect(course, UNIT, path).new == ("zoe",)


def test_the_later_of_two_entries_of_one_name(course, tmp_path):
    with pytest.warns(UserWarning, match="Duplicate name"):
        path = zipped(tmp_path, [(f"ann/{NOTEBOOK}", "first"), (f"ann/./{NOTEBOOK}", "x"), (f"ann/{NOTEBOOK}", "last")])  # fmt: skip
    got = collect(course, UNIT, path)
    assert submitted(course) == {f"ann/{NOTEBOOK}": "last"}
    assert any("are there twice" in remark for remark in got.remarks)


def test_a_file_and_a_folder_of_one_name(course, tmp_path):
    path = zipped(tmp_path, [("ann/data", "file"), ("ann/data/x.txt", "x"), *GOOD.items()])
    got = collect(course, UNIT, path)
    assert submitted(course) == {"ann/data": "file", **GOOD}
    assert any("a file and a folder of one name" in remark for remark in got.remarks)


def test_names_that_differ_in_case_only(course, tmp_path, monkeypatch):
    entries = {f"ann/{NOTEBOOK}": "ann", f"ANN/{NOTEBOOK}": "ANN", "ann/a.txt": "a", "ann/A.txt": "A"}
    got = collect(course, UNIT, zipped(tmp_path, entries))
    assert got.new == ("ANN", "ann") and len(submitted(course)) == 4
    monkeypatch.setattr(collecting, "_folding", lambda scratch: str.casefold)  # as on a Mac
    shutil.rmtree(course.root / "submitted")
    got = collect(course, UNIT, zipped(tmp_path, entries))
    assert got.skipped == (("ann", "another submission has the same id"),)
    assert submitted(course) == {f"ANN/{NOTEBOOK}": "ANN"}


def test_names_in_other_encodings(course, tmp_path):
    path = tmp_path / "class.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(f"u-umlaut/{NOTEBOOK}", "utf-8 without the flag, as a Mac writes it")
        file.writestr(f"d-umlaut/{NOTEBOOK}", "cp437, as DOS writes it")
        file.writestr(f"zoe\u0308/{NOTEBOOK}", "a letter and its dots apart")
    data = path.read_bytes()
    data = data.replace(b"u-umlaut", "Zo\u00fc1234".encode()).replace(
        b"d-umlaut", "Zo\u00fc12345".encode("cp437")
    )
    path.write_bytes(data)
    got = collect(course, UNIT, path)
    assert got.new == ("Zoü1234", "Zoü12345", "zoë")


def test_long_and_ugly_names_are_made_safe_and_stay_apart(course, tmp_path):
    names = [LONG, LONG + "y", "a\nb", "a\rb", "\u202eevil", "-rf", "[1]*?", " ", "日本 語", "'; rm -rf ~"]
    got = collect(course, UNIT, zipped(tmp_path, {f"{name}/{NOTEBOOK}": name for name in names}))
    assert len(got.new) == len(names)
    assert sorted(submitted(course).values()) == sorted(names)
    for student in course.students(UNIT):
        assert student.isprintable() and len(student.encode()) <= 255 and not student.startswith(".")
    assert {"-rf", "[1]*?", "日本 語"} <= set(got.new), "what is harmless stays as it is"


@pytest.mark.parametrize("where", ["folder", "file"])
def test_more_than_a_class_can_be(course, tmp_path, monkeypatch, where):
    monkeypatch.setattr(archive, "MAX_ENTRIES", 3)
    files = {f"s{n}/{NOTEBOOK}": "x" for n in range(4)}
    with pytest.raises(CourseError, match="more than 3"):
        collect(course, UNIT, zipped(tmp_path, files) if where == "file" else unpacked(tmp_path, files))
    monkeypatch.setattr(archive, "MAX_ENTRIES", 10)
    monkeypatch.setattr(collecting, "MAX_CLASS", 3)
    with pytest.raises(CourseError, match="GiB of submissions"):
        collect(course, UNIT, zipped(tmp_path, files))
    assert submitted(course) == {} and not list(course.state.glob("intake-*"))


def test_limits_of_one_student(course, tmp_path, monkeypatch):
    monkeypatch.setattr(collecting, "MAX_FILES", 3)
    monkeypatch.setattr(collecting, "MAX_TOTAL", 1000)
    files = {
        f"ann/{NOTEBOOK}": "a",
        **{f"ann/x{n}": "x" for n in range(9)},
        f"bob/{NOTEBOOK}": "b",
        "bob/y": "y" * 1001,
    }
    got = collect(course, UNIT, zipped(tmp_path, files, method=zipfile.ZIP_STORED))
    assert got.new == ("ann", "bob")
    assert len(submitted(course)) == 4
    assert any("more than 3 files" in remark for remark in got.remarks)


def bad_zips(tmp_path):
    good = zipped(tmp_path, GOOD, "good.zip").read_bytes()
    yield "truncated", good[: len(good) // 2]
    yield "truncated at the end", good[:-30]
    yield "empty", b""
    yield "text", b"<html>please log in</html>"
    yield "tar", b"ustar" * 200
    yield "list of contents larger than the file", good[:-10] + b"\xff" * 10
    yield "no files", zipped(tmp_path, {}, "none.zip").read_bytes()
    yield "no students", zipped(tmp_path, {"readme.txt": "x"}, "flat.zip").read_bytes()
    locked = bytearray(good)
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = -1
        while (at := locked.find(mark, at + 1)) >= 0:
            locked[at + offset] |= 1
    yield "encrypted", bytes(locked)


def test_a_zip_that_cannot_be_read_is_one_line_and_nothing_is_written(course, tmp_path):
    before = everything(course.root)
    for case, data in bad_zips(tmp_path):
        path = tmp_path / "bad.zip"
        path.write_bytes(data)
        with pytest.raises(CourseError) as error:
            collect(course, UNIT, path)
        assert "bad.zip" in str(error.value) and "\n" not in str(error.value), case
        assert everything(course.root) == before, case
        assert not course.state.exists(), case


def test_a_list_of_contents_of_any_size_is_not_read_into_memory(course, tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "MAX_LISTING", 1000)
    path = zipped(tmp_path, {f"s{n}/{NOTEBOOK}": "x" for n in range(100)})
    with pytest.raises(CourseError, match="list of contents is larger"):
        collect(course, UNIT, path)


@pytest.mark.parametrize("path", ["/nonexistent.zip", "/dev/null"])
def test_what_is_neither_a_zip_nor_a_folder(course, path):
    with pytest.raises(CourseError) as error:
        collect(course, UNIT, Path(path))
    assert "\n" not in str(error.value)


def test_an_unknown_unit(course, tmp_path):
    with pytest.raises(CourseError, match="99_nothing"):
        collect(course, "99_nothing", zipped(tmp_path, GOOD))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_zip_with_flipped_bytes_is_refused_or_taken_and_stays_inside(course, tmp_path, data):
    good = zipped(tmp_path, {**GOOD, "bob/x.txt": "x"}, method=zipfile.ZIP_STORED).read_bytes()
    bytes_ = bytearray(good)
    for _ in range(data.draw(st.integers(1, 6))):
        bytes_[data.draw(st.integers(0, len(bytes_) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "class.zip"
    path.write_bytes(bytes_)
    before = {name for name in everything(tmp_path) if not name.startswith("course/")}
    try:
        got = collect(course, UNIT, path)
        said = [got.line, *got.remarks]
    except CourseError as error:
        said = [str(error)]
    assert all("\n" not in line for line in said)
    assert {name for name in everything(tmp_path) if not name.startswith("course/")} == before
    assert not list(course.state.glob("intake-*"))


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/\\\0"), min_size=1, max_size=80)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.sets(NAMES, min_size=1, max_size=6), number=st.integers(1, 10**9))
@example(names={".", "0"}, number=1)  # `._1_assignsubmission_file` is a folder here, and no file of macOS's
@example(names={"TEAM", "Ann"}, number=1)
def test_any_name_gets_a_folder_of_its_own(course, tmp_path, names, number):
    """Moodle's form: whatever students are called, each has one folder inside submitted/, and a second run finds it; what is called
    like a team is told to the instructor."""
    shutil.rmtree(course.root / "submitted", ignore_errors=True)
    plain = sorted(name.replace("_", " ") for name in names)
    path = zipped(tmp_path, [(f"{name}_{number + n}_assignsubmission_file/{NOTEBOOK}", f"{n}") for n, name in enumerate(plain)])  # fmt: skip
    assume(not any(name[1:2] == ":" for name in plain))  # a drive
    got = collect(course, UNIT, path)
    theirs = [str(n) for n, name in enumerate(plain) if not names_a_team(name)]
    assert len(got.new) == len(theirs)
    assert len(got.skipped) == len(plain) - len(theirs)
    assert sorted(submitted(course).values()) == sorted(theirs)
    assert collect(course, UNIT, path).same == got.new


# -------------------------------------------------------------------------------------- hostile folders


def test_links_and_devices_in_a_folder_are_not_followed(course, tmp_path):
    folder = unpacked(tmp_path, GOOD)
    (tmp_path / "secret").write_text("secret")
    (folder / "ann" / "link.txt").symlink_to(tmp_path / "secret")
    (folder / "bob").symlink_to(tmp_path)
    os.mkfifo(folder / "ann" / "pipe")
    got = collect(course, UNIT, folder)
    assert submitted(course) == GOOD
    assert sum("a link" in remark for remark in got.remarks) == 2


def test_a_link_where_the_submission_belongs_is_left_alone(course, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (course.root / "submitted").mkdir()
    (course.root / "submitted" / "ann").symlink_to(elsewhere)
    got = collect(course, UNIT, zipped(tmp_path, GOOD))
    assert (got.new, got.skipped) == (("zoe",), (("ann", "its folder is a link, which is not followed"),))
    assert not list(elsewhere.iterdir())


def test_the_submitted_folder_itself_as_the_source(course, tmp_path):
    collect(course, UNIT, zipped(tmp_path, GOOD))
    assert collect(course, UNIT, course.root / "submitted").same == ("ann", "zoe")


# ------------------------------------------------------------------------------------- kills, full disks


def test_a_full_disk_changes_no_submission(course, tmp_path, monkeypatch):
    collect(course, UNIT, zipped(tmp_path, GOOD))
    before = everything(course.root)
    write = Path.write_bytes

    def full(self, data):
        if self.name == "last.txt":
            raise OSError(28, "No space left on device", str(self))
        return write(self, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    entries = {f"ann/{NOTEBOOK}": "changed", f"bob/{NOTEBOOK}": "new", "zoe/last.txt": "x"}
    path = zipped(tmp_path, entries)
    with pytest.raises(CourseError, match="No space left on device"):
        collect(course, UNIT, path)
    assert everything(course.root) == before
    monkeypatch.undo()
    assert collect(course, UNIT, path).new == ("bob",)


KILLED = """
import os, shutil, signal, sys
from pathlib import Path
from grader.lms.collect import collect
from grader.source.course import read_course
course, unit, source, count = sys.argv[1:]
left = int(count)
def moving(original):
    def move(*args, **kwargs):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*args, **kwargs)
    return move
shutil.move = moving(shutil.move)
collect(read_course(Path(course)), unit, Path(source))
"""


def test_killed_between_any_two_moves_and_given_again(course, tmp_path):
    """Four moves: what was there away and what is new to its place, for two students. Nothing is lost before any of them."""
    first = zipped(tmp_path, GOOD, "first.zip")
    second = zipped(tmp_path, {f"ann/{NOTEBOOK}": "ann 2", f"zoe/{NOTEBOOK}": "zoe 2"}, "second.zip")
    for count in range(1, 5):
        for folder in (course.root / "submitted", course.state):
            shutil.rmtree(folder, ignore_errors=True)
        collect(course, UNIT, first)
        done = subprocess.run([sys.executable, "-c", KILLED, str(course.root), UNIT, str(second), str(count)])
        assert done.returncode == -signal.SIGKILL
        there = {**everything(course.root / "submitted"), **everything(course.state)}
        assert {b"ann", b"zoe"} <= set(there.values()), "the earlier ones are somewhere"
        collect(course, UNIT, second)
        assert submitted(course) == {f"ann/{NOTEBOOK}": "ann 2", f"zoe/{NOTEBOOK}": "zoe 2"}
        assert not list(course.state.glob("intake-*"))
        assert {b"ann", b"zoe"} <= set(everything(course.state).values())


# -------------------------------------------------------------------------------------------- the command


def grader(course, *arguments):
    command = [str(Path(sys.executable).with_name("grader")), *arguments]
    return subprocess.run(command, cwd=course.root, capture_output=True, text=True, check=False)


def test_the_command_takes_in_then_grades(course, tmp_path):
    made = toycourse.Course(course.root)
    entries = {
        f"doejane_1_2_{UNIT}-1.ipynb": made.submission("honest"),
        f"roejohn_LATE_3_4_{NOTEBOOK}": made.submission("blank"),
        "kimlee_5_text.html": "typed",
    }
    path = zipped(tmp_path, entries)
    text = 'Student,ID,SIS Login ID,Section\n"Doe, Jane",1,jane,A\n"Roe, John",3,john,A\n'
    (tmp_path / "roster.csv").write_text(text)
    done = grader(
        course, "grade", UNIT, "--from", str(path), "--roster", str(tmp_path / "roster.csv"), "--json"
    )
    assert done.returncode == 0, done.stderr
    assert "grader: Canvas: 2 new, 0 changed, 0 the same, 1 skipped (1: no file was handed in)" in done.stderr
    rows = {row["student"]: row["score"] for row in json.loads(done.stdout)["rows"]}
    assert rows == {"jane": 7.0, "john": 0.0}


def test_bad_input_is_one_line_and_exit_code_2(course, tmp_path):
    bad = tmp_path / "bad.zip"
    bad.write_bytes(b"PK")
    for arguments in (("--from", str(bad)), ("--from", "/nonexistent"), ("--roster", str(bad))):
        done = grader(course, "grade", UNIT, *arguments)
        assert done.returncode == 2
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert not (course.root / "submitted").exists() and not course.state.exists()


@pytest.mark.slow
def test_a_class_of_a_thousand(course, tmp_path):
    content = io.BytesIO(toycourse.Course(course.root).submission("honest")).getvalue()
    path = zipped(tmp_path, {f"S {n}_{n}_assignsubmission_file/{NOTEBOOK}": content for n in range(1000)})
    assert len(collect(course, UNIT, path).new) == 1000
    assert len(collect(course, UNIT, path).same) == 1000
