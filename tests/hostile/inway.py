"""Things of another kind where a file, or a folder, is expected: in a submission, in a platform's download, in what was written before.

Each is one student's row with a reason; the students before and after it are graded, and have their feedback.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

Lay = Callable[[Path, str], object]
"""Puts something into a course (its root, the unit) that has a submission of `bent` already."""


def _folder(*parts: str) -> Lay:
    """A folder with a picture in it, in place of what lies there."""

    def lay(root: Path, unit: str) -> None:
        path = root.joinpath(*(part.format(unit=unit) for part in parts))
        path.unlink(missing_ok=True)
        path.mkdir(parents=True)
        (path / "a.png").write_bytes(b"\x89PNG")

    return lay


def _file(*parts: str) -> Lay:
    def lay(root: Path, unit: str) -> None:
        path = root.joinpath(*(part.format(unit=unit) for part in parts))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("in the way")

    return lay


def _fifo(*parts: str) -> Lay:
    def lay(root: Path, unit: str) -> None:
        path = root.joinpath(*(part.format(unit=unit) for part in parts))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        os.mkfifo(path)

    return lay


MINE = ("submitted", "bent", "{unit}")
# name: (what lies there, whether the submission's own score is had all the same)
SUBMITTED: dict[str, tuple[Lay, bool]] = {
    "a_folder_called_timestamp": (_folder(*MINE, "timestamp.txt"), True),
    "a_folder_called_as_nbgraders_secret": (_folder(*MINE, "submission_secret.txt"), True),
    "a_folder_called_as_another_notebook": (_folder(*MINE, "other.ipynb"), True),
    "a_folder_called_as_the_notebook": (_folder(*MINE, "{unit}.ipynb"), False),
    "a_folder_called_as_the_notebook_in_capitals": (_folder(*MINE, "{unit}.IPYNB"), True),
    "a_pipe_called_timestamp": (_fifo(*MINE, "timestamp.txt"), True),
    "a_pipe_called_as_the_notebook": (_fifo(*MINE, "{unit}.ipynb"), False),
    "a_folder_where_the_graded_notebook_belongs": (
        _folder("autograded", "bent", "{unit}", "{unit}.ipynb"),
        False,
    ),
    "a_folder_where_the_fresh_file_belongs": (_folder("autograded", "bent", "{unit}", ".new"), False),
    "a_file_where_the_graded_folder_belongs": (_file("autograded", "bent"), False),
    "a_file_where_the_graded_unit_belongs": (_file("autograded", "bent", "{unit}"), False),
    "a_folder_where_the_page_belongs": (_folder("feedback", "bent", "{unit}", "{unit}.html"), True),
    "a_file_where_the_pages_folder_belongs": (_file("feedback", "bent"), True),
}

NOTEBOOK = "{who}_12345_assignsubmission_file_/{unit}.ipynb"
# name: more names in a zip of Moodle's form, for the student Bent
DOWNLOADED = {
    "a_folder_called_timestamp": ["{who}_12345_assignsubmission_file_/timestamp.txt/a.txt"],
    "a_folder_called_timestamp_in_a_folder": ["{who}_12345_assignsubmission_file_/x/timestamp.txt/a.txt"],
    "a_folder_called_as_the_notebook": ["{who}_12345_assignsubmission_file_/{unit}.ipynb/a.txt"],
    "a_folder_called_as_nbgraders_secret": ["{who}_12345_assignsubmission_file_/submission_secret.txt/a.txt"],
}
