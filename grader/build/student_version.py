"""The student version of an assignment, by nbgrader's own generate_assignment."""

from __future__ import annotations

import contextlib
import copy
import logging
import os
import re
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from grader.build.sources import Built, build_source, course_config, write_bytes
from grader.errors import CourseError
from grader.source.course import Course, read_course


def build_assignment(course: Course, unit: str, sources: Sequence[Path], repository: str) -> list[Built]:
    """A unit's notebooks from its text sources, and its student version in the release folder."""
    built = [build_source(source, repository) for source in sources]
    with tempfile.TemporaryDirectory() as scratch:
        released = generate_student_version(course.root, unit, Path(scratch))
        return [*built, *mirror(released, course.folder("release", ".", unit))]


def generate_student_version(root: Path, unit: str, scratch: Path) -> Path:
    """The student version below `scratch`, by this course's own nbgrader_config.py and no other; the gradebook stays as it is."""
    return generate(replace(read_course(root), config=course_config(root)), unit, scratch)


def generate(course: Course, unit: str, scratch: Path, *, register: bool = False) -> Path:
    """Run nbgrader's generate_assignment; return the folder, below `scratch`, of the student version.

    With `register`, nbgrader also records the unit's cells in the course's gradebook. Raises CourseError where it cannot.
    """
    from nbgrader.converters import GenerateAssignment
    from nbgrader.coursedir import CourseDirectory
    from nbgrader.utils import capture_log

    config = copy.deepcopy(course.config)
    config.CourseDirectory.root = str(course.root)
    config.CourseDirectory.db_url = course.db_url
    config.CourseDirectory.source_directory = course.steps["source"]
    config.CourseDirectory.release_directory = str(scratch / "release")
    config.CourseDirectory.assignment_id = unit
    config.GenerateAssignment.no_database = not register
    config.SaveCells.enabled = register
    converter = GenerateAssignment(coursedir=CourseDirectory(config=config), config=config, force=True)
    # nbgrader starts `alembic` by name for a new database; it stands beside our Python
    path = os.environ.get("PATH", os.defpath)
    os.environ["PATH"] = os.pathsep.join([os.path.dirname(sys.executable), path])
    chatter = logging.getLogger("tornado.application")  # where nbgrader repeats what its own log says
    try:
        chatter.disabled = True
        with contextlib.chdir(course.root):  # where nbgrader looks for header, footer and autotests.yml
            outcome = capture_log(converter)
    finally:
        chatter.disabled = False
        os.environ["PATH"] = path
    if not outcome["success"]:
        log = str(outcome.get("log", "")) + str(outcome.get("error", ""))
        raise CourseError(f"{unit}: {_why_not_generated(log)}")
    return Path(
        course.root,
        course.structure.format(
            nbgrader_step=config.CourseDirectory.release_directory, student_id=".", assignment_id=unit
        ),
    )


def _why_not_generated(log: str) -> str:
    if "Cannot add or remove cells" in log or "Cannot modify existing assignment" in log:
        return (
            "graded cells were added, removed or renamed since submissions were recorded, which nbgrader's gradebook "
            "cannot follow; give them back their ids, or move the gradebook away and grade again"
        )
    reasons = re.findall(
        r"^(?:\[ERROR\] |    )?((?:[\w.]*(?:Error|Exception)|[\w.]+Entry)\b.*)$", log, re.MULTILINE
    )
    reason = (reasons or log.strip().splitlines() or ["no reason given"])[0]
    return f"nbgrader cannot make its student version or record its cells: {reason}; mend that, then give the same command again"


def mirror(source: Path, target: Path) -> list[Built]:
    """Make `target` hold exactly the files of `source`."""
    wanted = {path.relative_to(source) for path in source.rglob("*") if path.is_file()}
    built = []
    for path in sorted(target.rglob("*"), reverse=True):
        if (
            path.is_file()
            and path.relative_to(target) not in wanted
            and ".ipynb_checkpoints" not in path.parts
        ):
            path.unlink()
            built.append(Built(path, changed=True))
    for name in sorted(wanted):
        data = (source / name).read_bytes()
        built.append(write_bytes(data, target / name))
    return built
