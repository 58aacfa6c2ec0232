"""Feedback for students: nbgrader's page of their notebook, without hidden tests and with a stranger's HTML made inert."""

from __future__ import annotations

import contextlib
import html
import re
from pathlib import Path
from typing import Any

from grader.autograded import STAMP, read_stamp, write_whole
from grader.course import Course, read_course
from grader.grade import TIMESTAMP
from grader.journal import Journal, hold
from grader.notebook import Cell, Role
from grader.result import Result, Status

NEUTRAL = "A further check of this exercise did not pass. Its details are not shown."
_TAGS = [
    "a",
    "abbr",
    "b",
    "blockquote",
    "br",
    "code",
    "dd",
    "del",
    "details",
    "div",
    "dl",
    "dt",
    "em",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "img",
    "kbd",
    "li",
    "mark",
    "ol",
    "p",
    "pre",
    "s",
    "samp",
    "small",
    "span",
    "strong",
    "sub",
    "summary",
    "sup",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
    "tt",
    "u",
    "ul",
]
_LINK = re.compile(r"(https?:|mailto:|#)", re.IGNORECASE)
_PICTURE = re.compile(r"(data:image/(png|jpeg|gif);base64,[A-Za-z0-9+/=\s]*|(?!/)[\w./ -]+)", re.IGNORECASE)


def clean_html(text: str) -> str:
    """HTML without anything that acts: scripts, handlers, styles, frames, forms, links to other than pages and pictures."""
    import bleach

    def allowed(tag: str, name: str, value: str) -> bool:
        if name == "href":
            return tag == "a" and _LINK.match(value) is not None
        if name == "src":
            return tag == "img" and _PICTURE.fullmatch(value) is not None
        return name in ("class", "id", "title", "alt", "width", "height", "align", "colspan", "rowspan")

    protocols = ("http", "https", "mailto", "data")
    return str(bleach.clean(text, tags=set(_TAGS), attributes=allowed, protocols=protocols))


def redact(nb: Any) -> None:
    """Make a copy of an autograded notebook fit for the student: public parts of tests only, hidden failures in neutral words.

    A failure counts as public only where our engine said so: in a notebook that stock nbgrader graded, every failure of a test that
    has a hidden part is hidden.
    """
    for cell in nb["cells"]:
        meta = cell["metadata"].get("nbgrader") or {}
        ours = cell["metadata"].pop(STAMP, {})
        if cell["cell_type"] != "code" or not meta.get("grade") or meta.get("solution"):
            continue
        source = cell["source"]
        cell["source"] = Cell("", Role.TEST, source).public_source
        failed = [output for output in cell["outputs"] if output["output_type"] == "error"]
        if failed and not ours.get("public", cell["source"] == source):
            failed = [{"output_type": "error", "ename": "", "evalue": NEUTRAL, "traceback": [NEUTRAL]}]
        cell["outputs"] = failed


def write_feedback(folder: Path, unit: str, *, db_url: str | None = None) -> int:
    """Write feedback/<student>/<unit>/<notebook>.html for every submission that was graded; return how many submissions.

    Raises CourseError where the course cannot be read or another grader is at work in it.
    """
    course = read_course(folder, db_url)
    assignment = course.assignment(unit)
    exporter, written = None, 0
    with hold(course.state), contextlib.closing(Journal(course.state / f"{unit}.journal")) as journal:
        for student in course.students(unit):
            autograded = course.folder("autograded", student, unit)
            stamp = read_stamp(autograded, assignment)
            result = journal.get(stamp.key) if stamp else None
            if result is None:
                continue
            target = course.folder("feedback", student, unit)
            target.mkdir(parents=True, exist_ok=True)
            for notebook in assignment.notebooks:
                if result.status is Status.GRADED:
                    exporter = exporter or _exporter(course)
                    page = _page(exporter, course, autograded / f"{notebook.name}.ipynb", student, unit)
                else:
                    page = _apology(notebook.name, result)
                write_whole(target / f"{notebook.name}.html", page.encode("utf-8", "replace"))
            if (autograded / TIMESTAMP).is_file():
                write_whole(target / TIMESTAMP, (autograded / TIMESTAMP).read_bytes())
            written += 1
    return written


def _exporter(course: Course) -> Any:
    """nbgrader's own exporter, template and preprocessors, after ours."""
    from nbconvert.exporters import HTMLExporter
    from nbgrader.converters import GenerateFeedback

    from grader.plugin import HideTests, clean_markdown

    converter = GenerateFeedback(coursedir=None, config=course.config)
    exporter = HTMLExporter(config=converter.config)
    for preprocessor in (HideTests, *converter.preprocessors):
        exporter.register_preprocessor(preprocessor, enabled=True)
    exporter.register_filter("markdown2html", clean_markdown)
    return exporter


def _page(exporter: Any, course: Course, path: Path, student: str, unit: str) -> str:
    told = {"student": student, "assignment": unit, "notebook": path.stem, "db_url": course.db_url}
    resources = {"unique_key": path.stem, "nbgrader": told}
    page, _ = exporter.from_filename(str(path), resources=resources)
    return str(page)


def _apology(notebook: str, result: Result) -> str:
    what = (
        f"Your submission could not be graded: {result.reason}."
        if result.status is Status.UNGRADABLE
        else "Your submission has not been graded yet, for a reason that is not yours. Your instructor has been told."
    )
    name = html.escape(notebook)
    return f'<!DOCTYPE html>\n<html lang="en"><meta charset="utf-8"><title>{name}</title><h1>{name}</h1><p>{html.escape(what)}</p></html>\n'
