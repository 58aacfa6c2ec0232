"""Speed of feedback and report: `python -m tests.benchmarks.bench_pages [UNIT] [--students N] [--stock K]`.

A class in which no two answers are alike, graded by a stand-in. Prints what a page costs, and what one of nbgrader's own costs in the
same run. Nothing here fails on a slow day.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from unittest.mock import patch

from grader.batch.grade import Options, grade_class
from grader.pages.feedback import write_feedback
from grader.pages.report import write_report
from grader.sample.classroom import make_class, make_course
from tests.support.course import ROOT
from tests.support.standin import stand_in


def make_distinct(where: Path, unit: str, students: int) -> None:
    """A class from the unit's bank, every solution cell with a line of its own."""
    make_course(ROOT, unit, where)
    for student in make_class(ROOT, unit, where, students=students):
        path = where / "submitted" / student.id / unit / f"{unit}.ipynb"
        try:
            nb = json.loads(path.read_text())
        except ValueError:
            continue
        for cell in nb["cells"]:
            if (cell["metadata"].get("nbgrader") or {}).get("solution"):
                cell["source"] = "".join(cell["source"]) + f"\n# {student.id}\n"
        path.write_text(json.dumps(nb))


def main() -> None:
    """Make the class, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("unit", nargs="?", default="05_momentum")
    parser.add_argument("--students", type=int, default=1000)
    parser.add_argument("--stock", type=int, default=20, help="pages that nbgrader makes for comparison")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pages-") as scratch:
        where = Path(scratch)
        make_distinct(where, options.unit, options.students)
        with patch("grader.engine.grade.grade", stand_in):
            grade_class(where, options.unit, Options(workers=1, progress=False))
        ours = 0.0
        for what in ("all pages new", "all pages there already"):
            start, cpu = time.perf_counter(), time.process_time()
            written = write_feedback(where, options.unit, progress=False)
            took, cpu = time.perf_counter() - start, time.process_time() - cpu
            ours = ours or took / written.submissions
            print(
                f"feedback, {what}: {took:.2f} s ({cpu:.2f} s of processor time) for {written.submissions} submissions, {written.changed} written"
            )
        start = time.perf_counter()
        path, found = write_report(where, options.unit, progress=False)
        size = path.stat().st_size / 1e6
        print(
            f"report: {time.perf_counter() - start:.2f} s for {len(found.students)} submissions, {size:.2f} MB"
        )
        if not options.stock:
            return
        for folder in sorted((where / "autograded").iterdir())[options.stock :]:
            shutil.rmtree(folder)
        start = time.perf_counter()
        command = [sys.executable, "-m", "nbgrader", "generate_feedback", options.unit, "--force"]
        subprocess.run(command, cwd=where, check=True, capture_output=True)
        stock = (time.perf_counter() - start) / options.stock
        print(
            f"a page: {1000 * ours:.1f} ms; nbgrader's, with its start: {1000 * stock:.0f} ms; {stock / ours:.0f} times"
        )


if __name__ == "__main__":
    main()
