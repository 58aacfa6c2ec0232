"""A course for what takes submissions in and gives feedback back."""

import pytest

from grader.source.course import read_course
from tests.support import toycourse


@pytest.fixture
def course(tmp_path):
    toycourse.make_course(tmp_path / "course")
    (tmp_path / "course" / "nbgrader_config.py").write_text(
        "c = get_config()\nc.CourseDirectory.source_directory = 'solutions'\nc.Exchange.timezone = 'Europe/Berlin'\n"
    )
    return read_course(tmp_path / "course")
