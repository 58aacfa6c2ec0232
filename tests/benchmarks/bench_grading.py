"""Grading speed on the toy course, or on a unit: `python -m tests.benchmarks.bench_grading [UNIT] [--students N] [--sizes A B C]`.

Prints ratios inside one run. Nothing here fails on a slow day; unequal scores do.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.benchmarks import bench
from tests.support import books, toycourse

ROOT = Path(__file__).parents[2]
GRADIENTS = ("honest", "wrong", "blank")


def make_toy(where: Path, students: int) -> None:
    """A class of the toy course, no two submissions alike."""
    course = toycourse.make_course(where)
    (where / "nbgrader_config.py").write_bytes((ROOT / "nbgrader_config.py").read_bytes())
    for number in range(students):
        kind = GRADIENTS[number % len(GRADIENTS)]
        course.hand_in(f"s{number:05d}", books.marked(course.notebook(kind), str(number)))
    bench.prepare(where, toycourse.UNIT)


def main() -> int:
    """Make the class, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("unit", nargs="?", default=toycourse.UNIT)
    parser.add_argument("--students", type=int, default=24)
    parser.add_argument(
        "--sizes", type=int, nargs="*", default=[10, 100, 1000], help="class sizes for the cost of one more"
    )
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument(
        "--no-stock", action="store_true", help="leave out stock nbgrader, which takes 3.6 s a submission"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        for name, students in (("compared", options.students), ("scaled", max(options.sizes, default=0))):
            if not students:
                continue
            fresh = Path(scratch) / name
            if options.unit == toycourse.UNIT:
                make_toy(fresh, students)
            else:
                bench.make_fresh(ROOT, options.unit, fresh, students)
        unequal = False
        if options.students:
            found = bench.compare(
                Path(scratch) / "compared", options.unit, workers=options.workers, stock=not options.no_stock
            )
            print("\n".join(bench.comparison_lines(found)), flush=True)
            unequal = bool(found.disagreements)
        if options.sizes:
            sizes = bench.scale(
                Path(scratch) / "scaled", options.unit, options.sizes, workers=options.workers
            )
            print("\n".join(bench.scale_lines(sizes)))
    return int(unequal)


if __name__ == "__main__":
    sys.exit(main())
