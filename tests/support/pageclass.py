"""A class graded by a stand-in for the engine, each submission with the outcome that CASES gives it: for the tests of pages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from grader.batch.grade import Options, grade_class
from grader.engine import grade
from grader.engine.result import NotebookResult, Result, Status, TestResult, Verdict
from grader.sandbox.limits import Limits
from tests.support import books
from tests.support.course import ROOT
from tests.support.toycourse import SECRET, UNIT, make_course, own_version

STATEMENT = """## Exercise 1: `rows` times factors

Each row has its own $f_i$.

<details><summary>Hint 1</summary>Think of $x_{ij} f_i < 1$ first.</details>
<details><summary>Hint 2</summary>The second hint is nearly the code.</details>"""
BANK = """
from grader.source.bank import misconception

@misconception("scale_rows", says="You multiplied <columns>, not rows.", see="2. Rows & columns")
def columns(x, factors):
    return x * factors
"""
SECRET_FILE = "5f" * 32
BIDI = "\u202eevil<b>"
ACTS = "<script>alert(1)</script> <img src=x onerror=alert(2)> [go](javascript:alert(3)) ![no](attachment:gone.png)\n\nIn **bold**: $a<b$"


def result(key, assignment, verdicts=(), named=(), points=None, status=Status.GRADED, reason="", outputs=()):
    """Every test passes but those in `verdicts`: id -> (verdict, message, public)."""
    tests = []
    for test in assignment.notebooks[0].tests:
        verdict, message, public = dict(verdicts).get(test.id, (Verdict.PASSED, "", True))
        got = test.points if verdict is Verdict.PASSED else 0.0
        got = (points or {}).get(test.id, got)
        tests.append(TestResult(test.id, verdict, got, test.points, message, public))
    notebook = NotebookResult(assignment.notebooks[0].name, tuple(tests), tuple(outputs), tuple(named))
    graded = (notebook,) if status is Status.GRADED else ()
    return Result(key, assignment.unit, status, reason, graded)


HIDDEN = {"test_scale_rows_values": (Verdict.FAILED, f"x[0] is 1, expected {SECRET}", False)}
OPEN = {
    "test_scale_rows_values": (Verdict.FAILED, "y[1, 0] is 2, expected <20>", True),
    "test_gradient_values": (Verdict.TIMEOUT, "no answer within 30 s", True),
    "test_gradient_raises": (Verdict.CRASHED, f"killed over {SECRET}", False),
    "test_sampler": (Verdict.UNREADABLE, f"not an answer to {SECRET}", False),
}
STUB = (Verdict.FAILED, "NotImplementedError: not solved yet", True)
CASES: dict[str, dict[str, Any]] = {
    "right": {},
    "hidden": {"verdicts": HIDDEN, "named": [("scale_rows", "columns")]},
    "unnamed": {"verdicts": HIDDEN, "named": [("scale_rows", "no_such_entry")]},
    "open": {"verdicts": OPEN},
    "alike": {"verdicts": dict.fromkeys(("test_scale_rows_values", "test_scale_rows_unchanged"), STUB)},
    "partial": {"points": {"test_gradient_values": 0.75}},
    "garbage": {"status": Status.UNGRADABLE, "reason": "toy.ipynb: the file is a web page, not a notebook"},
    "ours": {"status": Status.GRADER_FAILED, "reason": f"OSError: {ROOT}/grader/grade.py"},
    BIDI: {
        "outputs": [
            (3, [{"output_type": "stream", "name": "stdout", "text": f"<b>{BIDI}</b>\x1b[31mred\x1b[0m"}]),
            (6, [{"output_type": "display_data", "data": {"text/html": "<script>alert(4)</script>", "text/plain": "<hr>"}, "metadata": {}}]),
            (9, [{"output_type": "error", "ename": "E", "evalue": "<i>", "traceback": ["<script>alert(5)</script>"]}]),
        ]
    },
}  # fmt: skip


def make_graded(root: Path) -> Path:
    """The toy course in `root`, with a statement, a bank and the cases in it, graded."""
    course = make_course(root)
    path = root / "solutions" / UNIT / f"{UNIT}.ipynb"
    source = json.loads(path.read_text())
    for cell in source["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == "scale_rows_statement":
            cell["source"] = STATEMENT
    path.write_text(json.dumps(source))
    (path.parent / "bank.py").write_text(BANK)
    for case in CASES:
        nb = course.notebook("honest")
        for cell in nb["cells"]:
            if cell["metadata"].get("nbgrader", {}).get("grade_id") == "written_why" and case == BIDI:
                cell["source"] = ACTS
        folder = course.hand_in(case, books.marked(nb, case))
        (folder / "timestamp.txt").write_text("2026-02-03 04:05:06 UTC")
        (folder / "submission_secret.txt").write_text(SECRET_FILE)

    def stand_in(submission, assignment, limits=None, **_):
        title = json.loads(submission.notebooks[UNIT])["cells"][0]["source"]
        key = grade.result_key(submission, assignment, limits or Limits())
        if own := own_version(submission.notebooks[UNIT]):
            return result(
                key, assignment, {test.id: (own, "", True) for test in assignment.notebooks[0].tests}
            )
        return result(key, assignment, **CASES[title.removeprefix("# A toy unit ")])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grade, "grade", stand_in)
        grade_class(root, UNIT, Options(workers=1, progress=False))
    return root
