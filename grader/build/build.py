"""`make build`: every text source to its notebook, and the pages made from all lectures.

    lectures/NN_topic.py            -> lectures/NN_topic.ipynb             executed, with outputs
    solutions/NN_topic/NN_topic.py  -> solutions/NN_topic/NN_topic.ipynb   not executed
                                    -> assignments/NN_topic/               by nbgrader's own generate_assignment
                                       (or what nbgrader_config.py calls its source and release folders)
    all of them                     -> lectures/{README,GLOSSARY}.md, map.svg  (coursemap.py)

Building twice changes no byte: cell ids come from grade ids or contents, and a lecture is executed again only when
its text or the helper module changed (a digest in its metadata says for what it was executed).
"""

from __future__ import annotations

from pathlib import Path

from grader.build import coursemap
from grader.build.lectures import build_lecture
from grader.build.sources import Built, repository_url, write_bytes
from grader.build.student_version import build_assignment
from grader.build.unbuilt import text_sources
from grader.errors import CourseError
from grader.progress import Progress
from grader.source.course import read_course


def units(root: Path) -> list[str]:
    """Names of all units that have a text source, in the order of the course."""
    lectures = {path.stem for path in (root / "lectures").glob("[0-9][0-9]_*.py")}
    course = read_course(root)
    return sorted(lectures | {unit for unit in course.units() if text_sources(course, unit)})


def build(
    root: Path, only: list[str] | None = None, *, force: bool = False, progress: bool = False
) -> list[Built]:
    """Build the notebooks of the units in `only` (all by default). Raises CourseError for a unit or source that is wrong."""
    course, known = read_course(root), units(root)
    if not known:
        raise CourseError(
            f"{root}: no text source in lectures/ or {read_course(root).steps['source']}/; run this in the course's folder "
            "(a unit that is a notebook alone needs no build: `grader release` makes its student version)"
        )
    for unit in only or []:
        if unit not in known:
            raise CourseError(f"no unit '{unit}'; units here: {', '.join(known)}")
    repository = repository_url(root)
    built: list[Built] = []
    with Progress("building", len(only or known), show=progress) as bar:
        for unit in only or known:
            if (source := root / "lectures" / f"{unit}.py").exists():
                built.append(build_lecture(source, repository, force=force))
            if sources := text_sources(course, unit):
                built.extend(build_assignment(course, unit, sources, repository))
            bar.advance()
    built.extend(write_bytes(text.encode(), path) for path, text in coursemap.pages(root).items())
    return built
