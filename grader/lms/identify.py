"""Which students of the course have handed in what a download holds: by the class list, and by teams.csv where a team hands in."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from grader.lms.archive import safe_part
from grader.lms.downloads import Handed
from grader.lms.names import fold, made_id, name_keys
from grader.lms.roster import Roster
from grader.source.course import Course, own_list
from grader.text import printable, some

TEAMS = "teams.csv"
_TEAM = re.compile(
    r"(default |standard|keine )?(group|gruppe|groupe|grupo|gruppo|groep|grupp|ryhmä|grupa|skupina|группа|team|equipe|équipe|equipo|组|小组|第?\d+组|グループ|조)"
    r"[\s#:.-]*([a-z]|\d*)"
)
"""Names that teams have where nobody gives them one, in some languages."""
NO_TEAM = f"a team's submission: list its members in {TEAMS} (team,student) and give it again"


def names_a_team(name: str) -> bool:
    """Whether this is what a platform calls a team that nobody has named ("Group 3", "Équipe B"), and so no student's name."""
    return _TEAM.fullmatch(name.casefold()) is not None


def identify(
    students: list[Handed], form: str, roster: Roster | None, course: Course, unit: str
) -> tuple[list[Handed], list[tuple[str, str]], list[str]]:
    """The submissions with each student's id, from the roster where it has one, and a copy of a team's for every member; whose is
    nobody's, with the reason; remarks."""
    teams = read_teams(course.root)
    others = _of_another_assignment(students, roster) if form == "Moodle" and roster else False
    namesakes = Counter(key for student in students for key in name_keys(student.name).whole)
    found, copies, nobodys = list[Handed](), list[Handed](), list[tuple[str, str]]()
    unknown, by_number, remarks = list[str](), list[str](), list[str]()
    for student in students:
        made = made_id(student.name, student.number) if student.number else student.name
        student.id = _folder_name(made)
        if members := teams.get(fold(student.name)) or teams.get(fold(student.id)):
            copies += _for_members(student, members, roster, course, unit)
            team = printable(student.name, 60)
            remarks.append(f"{team} is a team: its submission counts for {some(members, 10)}")
            continue
        if roster is not None and form != "collected":
            student.row = _row(student, form, roster, namesakes, trusted=not others)
            if student.row is None:
                unknown.append(student.id)
            else:
                if student.row not in roster.find(made) and not _same(student.name, roster.name(student.row)):
                    by_number.append(f"{printable(student.name, 40)}, number {student.number}")
                _give_id(student, roster, course, unit)
        unnamed = not student.number or names_a_team(student.name)
        if form == "Moodle" and student.row is None and unnamed:
            nobodys.append((student.id, NO_TEAM))
        else:
            found.append(student)
    own = {student.id for student in found}
    for copy in copies:
        if copy.id in own:
            remarks.append(f"{printable(copy.id, 60)} has handed in alone, which counts before the team's")
        else:
            found.append(copy)
    teamless = {id for id, _ in nobodys}
    unknown = [id for id in unknown if id not in teamless]
    return found, nobodys, remarks + _remarks(students, unknown, by_number, form, roster, course)


def _remarks(
    students: Sequence[Handed],
    unknown: Sequence[str],
    by_number: Sequence[str],
    form: str,
    roster: Roster | None,
    course: Course,
) -> list[str]:
    remarks = []
    if roster is not None and unknown:
        remarks.append(
            f"{len(unknown)} are not in {roster.path.name} by name and number, or not just once: "
            f"{some(unknown)}; a team's members belong into {TEAMS} (team,student)"
        )
    if roster is not None and by_number:
        remarks.append(
            f"{len(by_number)} are known by the platform's number, under another name in {roster.path.name}: {some(by_number)}"
        )
    if roster is None and form == "Moodle":
        remarks.append(
            "Moodle numbers students anew in each assignment: with its grading worksheet as --roster, a student keeps one id"
        )
    if roster is not None and form == "Moodle" and "handed in" in roster.columns:
        zone = course.zone or datetime.now().astimezone().tzname()
        remarks.append(
            f"the worksheet's times are taken for {zone}; if they are not, set c.Exchange.timezone in nbgrader_config.py"
        )
    if roster is not None and form == "Moodle" and roster.translated:
        remarks.append(
            f"{roster.path.name} is not in English: its times are not read, so nobody is late by it"
        )
    if late := sum(student.late for student in students):
        remarks.append(
            f"{late} are marked late by Canvas, whose download has no times: no penalty comes of that"
        )
    return remarks


def _row(
    student: Handed, form: str, roster: Roster, namesakes: Mapping[str, int], *, trusted: bool
) -> int | None:
    """The roster's row of a student; None where there is none, or more than one could be meant.

    The platform's number decides. Moodle's is another in each assignment: where the roster is another's (not `trusted`), the name
    must fit. So must it in Canvas's form where a name ends like a number, because people choose their names.
    """
    if form == "Moodle" and "participant" in roster.columns:
        rows = roster.numbered("participant", student.number) if student.number else ()
        rows = tuple(row for row in rows if trusted or _same(student.name, roster.name(row)))
    elif form == "Moodle":
        alone = all(namesakes[key] == 1 for key in name_keys(student.name).whole)
        rows = next(filter(None, map(roster.called, _names(student.name))), ()) if alone else ()
    elif form == "Canvas":
        rows = roster.find(made_id(student.name, student.number))
        if len(rows) != 1 and student.surest:
            rows = roster.numbered("lms", student.number)
    else:
        rows = roster.rows_of(student.name)
    return rows[0] if len(rows) == 1 else None


def _of_another_assignment(students: Sequence[Handed], roster: Roster) -> bool:
    """Whether somebody has another number in this worksheet than in the download: so its numbers are other people's here."""
    for student in students:
        rows = roster.called(student.name)
        if student.number and rows and not {*rows} & {*roster.numbered("participant", student.number)}:
            return True
    return False


def _names(name: str) -> Iterator[str]:
    """What Moodle calls a member of a team, `Group 3-Ann Smith`: all of it, or what follows a hyphen."""
    yield name
    yield from (name[match.end() :] for match in re.finditer("-", name))


def _same(name: str, listed: str) -> bool:
    """Whether a name of the download is one of the roster's, whole, by half, or behind its team's."""
    theirs = name_keys(listed)
    for part in _names(name):
        ours = name_keys(part)
        if ours.whole & (theirs.whole | theirs.halves) or theirs.whole & ours.halves or ours.own & theirs.own:
            return True
    return False


def _give_id(student: Handed, roster: Roster, course: Course, unit: str) -> None:
    """The id that the student has already in submitted/, else the roster's likeliest."""
    assert student.row is not None
    ids = [*map(_folder_name, roster.ids(student.row)), student.id]
    student.id = next((id for id in ids if _is_there(course, id, unit)), ids[0])


def _folder_name(id: str) -> str:
    name = safe_part(id.strip()) or "student"
    return f"_{name}" if name.startswith(".") else name


def _is_there(course: Course, id: str, unit: str) -> bool:
    """Whether a student of that id has handed something in before."""
    folder = course.folder("submitted", id, unit)
    return folder.exists() or (folder.parent.name == id and folder.parent.exists())


# -------------------------------------------------------------------------------------------------- teams


def read_teams(root: Path) -> dict[str, tuple[str, ...]]:
    """Members by folded name of the team, from teams.csv in the course's folder; none where there is no such file.

    Raises CourseError where it cannot be read.
    """
    path = root / TEAMS
    if not path.exists():
        return {}
    members = defaultdict[str, list[str]](list)
    with own_list(path, ("team", "student"), "nothing was taken in") as lines:
        for where, (team, student) in lines:
            if not (fold(team) and student):
                raise ValueError(f"{where}give a team and a student")
            members[fold(team)].append(student)
    return {team: tuple(dict.fromkeys(students)) for team, students in members.items()}


def _for_members(
    team: Handed, members: Collection[str], roster: Roster | None, course: Course, unit: str
) -> Iterator[Handed]:
    """A team's submission for each member, whom teams.csv calls by an id of the roster's, a name, or the id here."""
    for member in members:
        copy = replace(team, number="", files=[*team.files], remarks=[*team.remarks], id=_folder_name(member))
        rows = roster.rows_of(member) if roster else ()
        if len(rows) == 1 and roster:
            copy.row = rows[0]
            _give_id(copy, roster, course, unit)
        elif roster:
            copy.remarks.append(
                f"of team {printable(team.name, 40)}, is not in {roster.path.name}, or not just once"
            )
        yield copy
