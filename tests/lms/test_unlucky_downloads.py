"""Downloads as people really have them: packed again, in other encodings and scripts, by teams, with a second suffix."""

import json
import zipfile

import pytest

from grader.errors import CourseError
from grader.lms.collect import collect
from grader.lms.names import fold, name_keys
from grader.lms.roster import read_roster
from grader.source.course import read_course
from tests.lms.test_collect import NOTEBOOK, roster, submitted, unpacked, zipped
from tests.support import toycourse
from tests.support.toycourse import UNIT

CANVAS_LIST = (
    'Student,ID,SIS User ID,SIS Login ID,Section\n"Smith, Ann",11,s11,ann,A\n"Ray, Bob",12,s12,bob,A\n'
)
WORKSHEET = """Identifier,Full name,Email address,Status,Grade,Maximum grade
Participant 11,Ann Smith,ann@x.org,Submitted,,10.00
Participant 12,Bob Ray,bob@x.org,Submitted,,10.00
"""

# -------------------------------------------------------------------------------------------- wrappers

CANVAS = {f"smithann_11_900_{NOTEBOOK}": "ann", f"raybob_12_901_{NOTEBOOK}": "bob"}
MOODLE = {f"Ann Smith_11_assignsubmission_file_{NOTEBOOK}": "ann", f"Bob Ray_12_assignsubmission_file_{NOTEBOOK}": "bob"}  # fmt: skip
MOODLE_FOLDERS = {f"Ann Smith_11_assignsubmission_file/{NOTEBOOK}": "ann", f"Bob Ray_12_assignsubmission_file/{NOTEBOOK}": "bob"}  # fmt: skip
PLAIN = {f"ann/{NOTEBOOK}": "ann", f"bob/{NOTEBOOK}": "bob"}
COLLECTED = {f"ann/{UNIT}/{NOTEBOOK}": "ann", f"bob/{UNIT}/{NOTEBOOK}": "bob"}
FORMS = {"canvas": CANVAS, "moodle": MOODLE, "moodle folders": MOODLE_FOLDERS, "plain": PLAIN, "collected": COLLECTED}  # fmt: skip
STRAYS = {
    ".DS_Store": "mac",
    "__MACOSX/._x": "mac",
    "__MACOSX/class/._a.ipynb": "mac",
    "desktop.ini": "win",
    "class/desktop.ini": "win",
    "class/.DS_Store": "mac",
    "README.txt": "hello",
    "class/README.md": "hello",
}


def wrapped(files, folder="class"):
    return {f"{folder}/{name}": content for name, content in files.items()}


@pytest.mark.parametrize("pack", [zipped, unpacked])
@pytest.mark.parametrize("strays", [{}, STRAYS])
@pytest.mark.parametrize("form", FORMS)
def test_a_wrapper_around_a_class_is_taken_off(course, tmp_path, pack, strays, form):
    got = collect(course, UNIT, pack(tmp_path, {**wrapped(FORMS[form]), **strays}))
    assert len(got.new) == 2 and not got.skipped
    assert sorted(submitted(course).values()) == ["ann", "bob"]
    assert any("README" in remark for remark in got.remarks) == bool(strays)


def test_two_wrappers_and_a_name_with_a_dot(course, tmp_path):
    files = wrapped(wrapped(CANVAS, "submissions"), "CS101") | {
        f"CS101/submissions/._x_1_2_{NOTEBOOK}": "mac"
    }
    assert collect(course, UNIT, zipped(tmp_path, files)).new == ("raybob_12", "smithann_11")


def test_one_submission_in_a_wrapper(course, tmp_path):
    files = {f"submissions/raybob_12_901_{NOTEBOOK}": "bob"}
    assert collect(course, UNIT, zipped(tmp_path, files), roster(tmp_path, CANVAS_LIST)).new == ("bob",)


def test_sections_in_folders_of_their_own(course, tmp_path):
    a, b = sorted(MOODLE.items())
    got = collect(course, UNIT, zipped(tmp_path, wrapped(dict([a]), "A") | wrapped(dict([b]), "B")))
    assert got.new == ("Ann-Smith_11", "Bob-Ray_12")


@pytest.mark.parametrize(
    "files",
    [
        {**wrapped(PLAIN, "section A"), f"section B/cat/{NOTEBOOK}": "cat"},
        {**wrapped(PLAIN, "section A"), f"eve/{NOTEBOOK}": "eve"},
        {**wrapped(PLAIN), f"class/{NOTEBOOK}": "the instructor's"},
        {**wrapped(CANVAS, "download"), f"eve/{NOTEBOOK}": "eve"},
        {**wrapped(MOODLE, "download"), f"eve/{NOTEBOOK}": "eve"},
    ],
)
def test_what_may_be_a_class_is_never_a_student(course, tmp_path, files):
    with pytest.raises(CourseError, match="looks like") as error:
        collect(course, UNIT, zipped(tmp_path, files))
    assert "\n" not in str(error.value) and submitted(course) == {}


@pytest.mark.parametrize(
    "files",
    [
        {f"ann/{NOTEBOOK}": "ann", f"ann/backup/{NOTEBOOK}": "older", f"bob/{NOTEBOOK}": "bob"},
        {"ann/lab_1_2_notes.txt": "x", f"ann/{NOTEBOOK}": "ann", f"bob/homework/{NOTEBOOK}": "bob"},
    ],
)
def test_a_student_with_folders_is_no_class(course, tmp_path, files):
    assert collect(course, UNIT, zipped(tmp_path, files)).new == ("ann", "bob")


# ----------------------------------------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("İnce Ayşe", "i̇nceayşe"),
        ("Işık Ali", "ışıkali"),
        ("Zoë O'Neil", "Zoe\u0308 ONeil"),
        ("Ann Smith", "Smith, Ann"),
        ("शर्मा, प्रिया", "शर्माप्रिया"),
        ("Jean-Luc  Picard", "jean luc picard"),
        ("Ｗａｎｇ Xiao", "wang xiao"),
        ("Groß, Jan", "JAN GROSS"),
    ],
)
def test_names_that_are_one(one, other):
    assert name_keys(one).whole & name_keys(other).whole


def test_names_that_are_two():
    assert fold("कि") != fold("की"), "vowel signs are letters of the name"
    assert not name_keys("मीना").whole & name_keys("मेना").whole
    assert not name_keys("Ann").whole & name_keys("Anna").whole


BILINGUAL = """Identifier,Full name,Email address,Grade
Participant 31,王小明 Wang Xiaoming,wang@x.org,
Participant 32,Chan Tai Man (陈大文),chan@x.org,
Participant 33,김민수,kim@x.org,
Participant 34,Jürgen Groß,jg@x.org,
"""


@pytest.mark.parametrize("numbers", [True, False])
def test_a_bilingual_name_by_either_half(course, tmp_path, numbers):
    text = BILINGUAL if numbers else "\n".join(line.partition(",")[2] for line in BILINGUAL.splitlines())
    names = {"Wang Xiaoming": 31, "陈大文": 32, "Kim Minsu 김민수": 33, "JÜRGEN GROSS": 34}
    files = {f"{name}_{n}_assignsubmission_file/{NOTEBOOK}": name for name, n in names.items()}
    got = collect(course, UNIT, zipped(tmp_path, files), roster(tmp_path, text))
    assert set(got.new) == {"wang@x.org", "chan@x.org", "kim@x.org", "jg@x.org"}


def test_canvas_by_its_number_where_the_name_is_another(course, tmp_path):
    text = 'Student,ID,SIS Login ID,Section\n"शर्मा, प्रिया",21,psharma,A\n"İnce, Ayşe",25,aince,A\n"Married, Ann",26,ann,A\n'
    files = {
        f"शर्माप्रिया_21_900_{NOTEBOOK}": "1",
        f"i̇nceayşe_25_902_{NOTEBOOK}": "2",
        f"maidenann_26_903_{NOTEBOOK}": "3",
    }
    got = collect(course, UNIT, zipped(tmp_path, files), roster(tmp_path, text))
    assert set(got.new) == {"psharma", "aince", "ann"}
    assert any("known by the platform's number" in remark and "maidenann" in remark for remark in got.remarks)


def test_a_name_that_ends_like_anothers_number_gets_nobodys_place(course, tmp_path):
    """`mal_11` is not in the list: 888 is his number, 11 is Ann's."""
    files = {f"mal_11_888_900_{NOTEBOOK}": "mal", f"smithann_11_901_{NOTEBOOK}": "ann"}
    got = collect(course, UNIT, zipped(tmp_path, files), roster(tmp_path, CANVAS_LIST))
    assert submitted(course)[f"ann/{NOTEBOOK}"] == "ann" and len(got.new) == 2


# ------------------------------------------------------------------------------------------- encodings

PEOPLE = {
    "gbk": ["王小明", "李丽华", "张伟"],
    "big5": ["陳大文", "黃美玲", "林志豪"],
    "shift_jis": ["山田太郎", "鈴木花子", "ソフィー能"],
    "euc_kr": ["김민수", "이영희", "박철수"],
    "cp1251": ["Иван Петров", "Ольга Смирнова", "Пётр Щукин"],
    "cp866": ["Иван Петров", "Ольга Смирнова", "Пётр Щукин"],
    "cp1252": ["Zoë Müller", "José Peña", "Çelik Şen".replace("Ş", "S")],
    "cp437": ["Zoë Müller", "José Peña", "Bjorn Ås"],
    "utf-8": ["Zoë Müller", "王小明", "김민수"],
}


def zip_in(tmp_path, encoding, names):
    """A zip whose entries' names are in `encoding`, without a word about it, as Windows' and macOS's own tools write."""
    path = tmp_path / "class.zip"
    raw = {f"{n:04d}".encode() * 20: name.encode(encoding) for n, name in enumerate(names, 1)}
    with zipfile.ZipFile(path, "w") as file:
        for mark, name in raw.items():
            file.writestr(mark.decode()[: len(name)].ljust(len(name), "x"), "content")
    data = path.read_bytes()
    for mark, name in raw.items():
        data = data.replace(mark[: len(name)].ljust(len(name), b"x"), name)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("encoding", PEOPLE)
@pytest.mark.parametrize("form", ["{}_{}_assignsubmission_file/toy.ipynb", "{}/toy.ipynb"])
def test_names_in_the_encoding_under_which_most_are_in_the_roster(course, tmp_path, encoding, form):
    people = PEOPLE[encoding]
    text = "Full name,Email address\n" + "".join(f"{name},s{n}@x.org\n" for n, name in enumerate(people))
    path = zip_in(tmp_path, encoding, [form.format(name, n) for n, name in enumerate([*people, "Zzz"], 50)])
    got = collect(course, UNIT, path, roster(tmp_path, text))
    assert {"s0@x.org", "s1@x.org", "s2@x.org"} <= set(got.new)
    said = [remark for remark in got.remarks if "the zip's names are read as" in remark]
    assert bool(said) == (encoding not in ("utf-8", "cp437"))


def test_names_in_an_encoding_that_nothing_tells(course, tmp_path):
    got = collect(course, UNIT, zip_in(tmp_path, "gbk", ["王小明/toy.ipynb"]))
    assert len(got.new) == 1 and any("--roster" in remark for remark in got.remarks)


# ------------------------------------------------------------------------------------------------ teams


@pytest.mark.parametrize("with_roster", [True, False])
def test_a_folder_for_each_member_is_each_members(course, tmp_path, with_roster):
    files = {
        f"Group 3-Ann Smith_11_assignsubmission_file_/{NOTEBOOK}": "ann",
        f"Group 3-Bob Ray_12_assignsubmission_file_/{NOTEBOOK}": "bob",
    }
    got = collect(course, UNIT, zipped(tmp_path, files), roster(tmp_path, WORKSHEET) if with_roster else None)
    assert got.new == (
        ("ann@x.org", "bob@x.org") if with_roster else ("Group-3-Ann-Smith_11", "Group-3-Bob-Ray_12")
    )


TEAM_FILES = {
    f"Group 3_417_assignsubmission_file/{NOTEBOOK}": "three",
    f"Default group_assignsubmission_file/{NOTEBOOK}": "default",
}


@pytest.mark.parametrize("with_roster", [True, False])
def test_a_teams_folder_without_members_is_said(course, tmp_path, with_roster):
    got = collect(
        course, UNIT, zipped(tmp_path, TEAM_FILES), roster(tmp_path, WORKSHEET) if with_roster else None
    )
    assert got.new == () and submitted(course) == {}
    assert {id for id, _ in got.skipped} == {"Group-3_417", "Default group"}
    assert all("teams.csv" in reason for _, reason in got.skipped)
    assert not any("belong to no student" in remark for remark in got.remarks)


@pytest.mark.parametrize(
    "files", [TEAM_FILES, {f"Group 3/{NOTEBOOK}": "three", f"default-group/{NOTEBOOK}": "default"}]
)
def test_every_member_has_the_teams_submission(course, tmp_path, files):
    (course.root / "teams.csv").write_text(
        "team,student\nGroup 3,Ann Smith\nGroup 3,bob@x.org\ndefault group,eve\n"
    )
    path = zipped(tmp_path, files)
    got = collect(course, UNIT, path, roster(tmp_path, WORKSHEET))
    assert set(got.new) == {"ann@x.org", "bob@x.org", "eve"} and not got.skipped
    assert submitted(course) == {
        f"ann@x.org/{NOTEBOOK}": "three",
        f"bob@x.org/{NOTEBOOK}": "three",
        f"eve/{NOTEBOOK}": "default",
    }
    assert any("Group 3 is a team" in remark and "Ann Smith" in remark for remark in got.remarks)
    assert any("eve" in remark and "is not in roster.csv" in remark for remark in got.remarks)
    assert set(collect(course, UNIT, path, roster(tmp_path, WORKSHEET)).same) == set(got.new)


def test_a_member_who_hands_in_alone_as_well(course, tmp_path):
    (course.root / "teams.csv").write_text("team,student\nreds,ann\nreds,bob\n")
    got = collect(course, UNIT, zipped(tmp_path, {f"reds/{NOTEBOOK}": "both", f"ann/{NOTEBOOK}": "own"}))
    assert submitted(course) == {f"ann/{NOTEBOOK}": "own", f"bob/{NOTEBOOK}": "both"}
    assert any("ann has handed in alone" in remark for remark in got.remarks)


@pytest.mark.parametrize("text", ["a,b\n1,2\n", "team,student\nreds,\n", b"team,student\n\xff,x\n"])
def test_a_bad_list_of_teams_is_one_line(course, tmp_path, text):
    (course.root / "teams.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(CourseError, match=r"teams\.csv: .*nothing was taken in"):
        collect(course, UNIT, zipped(tmp_path, PLAIN))
    assert submitted(course) == {}


# -------------------------------------------------------------------------------------- second suffixes


def test_a_suffix_is_taken_off_only_where_the_name_is_no_notebook_of_the_unit(tmp_path):
    toycourse.make_course(tmp_path / "course")
    unit = tmp_path / "course" / "solutions" / UNIT
    (unit / f"{UNIT}.ipynb").rename(unit / "part.ipynb")
    (unit / "part-1.ipynb").write_bytes((unit / "part.ipynb").read_bytes())
    course = read_course(tmp_path / "course")
    files = {
        "raybob_12_901_part.ipynb": "part",
        "raybob_12_902_part-1.ipynb": "part one",
        "raybob_12_903_part-1-2.ipynb": "part one, again",
    }
    collect(course, UNIT, zipped(tmp_path, files))
    assert submitted(course) == {
        "raybob_12/part.ipynb": "part",
        "raybob_12/part-1.ipynb": "part one, again",
    }


# ----------------------------------------------------------------------------------------------- rosters

GERMAN = """ID,Vollständiger Name,E-Mail-Adresse,Status,Bewertung,Bestwertung,Bewertung kann geändert werden,Zuletzt geändert (Abgabe)
Teilnehmer/in11,Ann Smith,ann@x.org,Zur Bewertung abgegeben,,"10,00",Ja,"Sonntag, 1. März 2026, 18:14"
Teilnehmer/in12,Bob Ray,bob@x.org,Zur Bewertung abgegeben,"7,50","10,00",Ja,"Sonntag, 1. März 2026, 18:14"
"""
CHINESE = """编号,全名,电子邮件地址,状态,成绩,最高分
参与者11,Ann Smith,ann@x.org,已提交,,100.00
参与者12,Bob Ray,bob@x.org,已提交,,100.00
"""
FRENCH = """Identifiant;Nom complet;Adresse de courriel;Statut;Note;Note maximale
Participant11;Ann Smith;ann@x.org;Remis pour évaluation;;20,00
Participant12;Bob Ray;bob@x.org;Remis pour évaluation;12,5;20,00
"""
SPANISH_LIST = "Nombre\tApellido(s)\tDirección de correo\nAnn\tSmith\tann@x.org\nBob\tRay\tbob@x.org\n"


@pytest.mark.parametrize("text", [GERMAN, CHINESE, FRENCH, SPANISH_LIST])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_a_list_in_another_language(course, tmp_path, text, encoding):
    path = tmp_path / "list.csv"
    path.write_bytes(text.encode(encoding))
    if encoding == "utf-16-le" and not text[0].isascii():
        return  # without a mark it is told by its letters of ASCII
    got = collect(course, UNIT, zipped(tmp_path, MOODLE), read_roster(path))
    assert got.new == ("ann@x.org", "bob@x.org")
    assert not any("timestamp" in name for name in submitted(course))


@pytest.mark.parametrize("id", ["1.2E+09", "1,2E+09", "2E10"])
def test_an_id_that_a_spreadsheet_has_rounded_is_refused(tmp_path, id):
    with pytest.raises(CourseError, match="a spreadsheet has rounded an id in column 'SIS User ID'") as error:
        roster(tmp_path, f'Student,ID,SIS User ID,Section\n"Smith, Ann",11,"{id}",A\n')
    assert "\n" not in str(error.value)


def test_zeros_that_a_spreadsheet_has_taken_away(tmp_path):
    table = roster(tmp_path, "Name,SID,Email\nAnn,123,ann@x.org\nBob,0456,bob@x.org\nCat,456,cat@x.org\n")
    assert table.find("00123") == (0,)
    assert table.find("0456") == (1,) and table.find("456") == (2,), (
        "as it stands before anything is taken off"
    )
    assert table.find("00456") == (1, 2), "unclear"
    for cell in ("123.0", '"=""0123"""', "'0123"):
        assert roster(tmp_path, f"Name,SID\nAnn,{cell}\n").find("0123") == (0,)


def test_a_list_with_ids_of_letters_and_a_line_for_excel(tmp_path):
    table = roster(tmp_path, "sep=;\nName;ID\nAnn;ann\nBob;bob\n")
    assert table.find("bob") == (1,) and table.name(1) == "Bob" and not table.translated


def test_a_student_whose_number_was_whole_before_keeps_it(course, tmp_path):
    files = zipped(tmp_path, {f"00123/{NOTEBOOK}": "x"})
    assert collect(course, UNIT, files, roster(tmp_path, "Name,SID\nAnn,00123\n")).new == ("00123",)
    assert collect(course, UNIT, files, roster(tmp_path, "Name,SID\nAnn,123\n")).same == ("00123",)


# -------------------------------------------------------------------------------------- what was handed in


@pytest.mark.parametrize(
    "name", ["toy.ipynb.txt", "toy.ipynb.json", "toy.IPYNB", "toy.ipynb (1)", "toy (1).ipynb.txt"]
)
def test_a_notebook_with_another_ending_is_taken_and_said(tmp_path, name):
    from grader.engine.submission import pair_notebooks, read_submission

    made = toycourse.make_course(tmp_path)
    folder = tmp_path / "submitted" / "ann" / UNIT
    folder.mkdir(parents=True)
    (folder / name).write_bytes(made.submission("honest"))
    pairs, notes = pair_notebooks(read_submission(folder, UNIT), read_course(tmp_path).assignment(UNIT))
    assert len(pairs) == 1 and notes == (f"{name} was taken for toy.ipynb",)
    (folder / "toy.ipynb").write_bytes(made.submission("honest"))
    submission = read_submission(folder, UNIT)
    assert pair_notebooks(submission, read_course(tmp_path).assignment(UNIT)) == ({"toy": "toy"}, ())


def test_no_notebook_says_what_there_is(tmp_path):
    from grader.engine.submission import pair_notebooks, read_submission

    toycourse.make_course(tmp_path)
    folder = tmp_path / "submitted" / "ann" / UNIT
    (folder / "work").mkdir(parents=True)
    (folder / "toy.zip").write_bytes(b"PK")
    (folder / "work" / "toy.ipynb").write_text(json.dumps({}))
    pairs, notes = pair_notebooks(read_submission(folder, UNIT), read_course(tmp_path).assignment(UNIT))
    assert pairs == {} and notes == ("no notebook was handed in, but toy.zip, work/toy.ipynb",)
