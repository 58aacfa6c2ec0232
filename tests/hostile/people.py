"""Odd names of students and files: safe and graded, or a clear notice.

Cases about the class list (a student not on it, a resubmission while grading runs, ...) are tests of their own in
test_hostile.py; `CLASS_ITEMS` names them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.hostile.case import FULL, Case, Expect, Make, World, edited, write

HEADING = "people"
ITEMS = (
    "student ids with `[1]`",
    "blanks",
    "ü",
    "emoji",
    "`..`",
    "`/`",
    "a leading dash",
    "200 characters",
    "case clashes",
    "two submissions of one student",
    "a resubmission while grading runs",
    "a wrong file name such as `05_momentum (1).ipynb`",
    "a student not on the list",
    "a missing assignment",
    "a source edited after release",
    "`=cmd|...` in a name",
)

HONEST = edited(lambda nb, world: None)
NOTICE = Expect(passes="either", status=None)
"""Matched, with full marks, or a sentence and no score."""

IDS = {
    "brackets": ("student ids with `[1]`", "ann[1]"),
    "pattern": ("student ids with `[1]`", "*?[!a]{b,c}"),
    "blanks": ("blanks", " ann  lee "),
    "umlaut": ("ü", "Jürgen"),
    "umlaut_decomposed": ("ü", "Ju\u0308rgen"),
    "emoji": ("emoji", "🙂🏳️‍🌈"),
    "dots": ("`..`", "..ann.."),
    "three_dots": ("`..`", "..."),
    "slash_like": ("`/`", "a\u2044b\u2215c\\d%2fe"),
    "leading_dash": ("a leading dash", "-rf"),
    "leading_dashes": ("a leading dash", "--help"),
    "long": ("200 characters", "n" * 200),
    "case_clash": ("case clashes", "HONEST"),
    "formula": ("`=cmd|...` in a name", "=cmd|' -C calc'!A0"),
    "html": ("own", "<script>alert(1)<&>"),
    "quotes": ("own", "a'b\"c;`d`$e\\"),
    "sql": ("own", "Robert'); DROP TABLE student;--"),
    "braces": ("own", "{student_id}{0.__class__}%s"),
    "new_line": ("own", "ann\nlee\r\x1b[31m"),
    "right_to_left": ("own", "\u202eeel"),
    "hidden": ("own", ".ann"),
    "reserved": ("own", "CON"),
    "surrogate": ("own", "ann\udcff"),
    "template": ("own", "{{7*7}}{% raw %}"),
    "comma": ("own", 'lee, "ann"'),
    "tilde": ("own", "~root"),
}


def _named(*names: str) -> Make:
    """The honest notebook under other names."""

    def make(world: World, folder: Path) -> None:
        for name in names:
            write(folder, world.notebook("honest"), world.unit, name.format(unit=world.unit))

    return make


def _two(second: Callable[[World], str], name: str) -> Make:
    """The honest notebook under its own name, and a second one."""

    def make(world: World, folder: Path) -> None:
        write(folder, world.notebook("honest"), world.unit)
        write(folder, world.notebook(second(world)), world.unit, name.format(unit=world.unit))

    return make


def _in_a_folder(world: World, folder: Path) -> None:
    (folder / "my homework").mkdir()
    write(folder / "my homework", world.notebook("honest"), world.unit)


CASES = (
    *(Case(f"student_{name}", item, HONEST, FULL, student=student) for name, (item, student) in IDS.items()),
    Case(
        "copy_beside",
        "two submissions of one student",
        _two(lambda world: "wrong", "{unit}-Copy1.ipynb"),
        FULL,
    ),
    Case(
        "older_download_beside",
        "two submissions of one student",
        _two(lambda world: "blank", "{unit} (1).ipynb"),
        FULL,
    ),
    Case(
        "checkpoint_beside",
        "two submissions of one student",
        _two(lambda world: "wrong", ".{unit}-checkpoint.ipynb"),
        FULL,
    ),
    *(
        Case(f"file_name_{key}", "a wrong file name such as `05_momentum (1).ipynb`", _named(name), NOTICE)
        for key, name in {
            "second_download": "{unit} (1).ipynb",
            "copy": "{unit}-Copy1.ipynb",
            "copy_of": "Copy of {unit}.ipynb",
            "upper_case": "{unit}.IPYNB",
            "own_name": "my homework.ipynb",
            "with_text_ending": "{unit}.ipynb.txt",
            "with_json_ending": "{unit}.ipynb.json",
            "no_ending": "{unit}",
            "with_blank": " {unit}.ipynb ",
            "of_the_student": "{unit}_ann_lee_late.ipynb",
        }.items()
    ),
    Case(
        "two_wrong_names",
        "a wrong file name such as `05_momentum (1).ipynb`",
        _named("{unit} (1).ipynb", "{unit} (2).ipynb"),
        NOTICE,
    ),
    Case("in_a_folder_below", "a wrong file name such as `05_momentum (1).ipynb`", _in_a_folder, NOTICE),
    Case(
        "nothing_at_all",
        "a missing assignment",
        lambda world, folder: None,
        Expect(passes="any", status=None, reason="."),
    ),
)
