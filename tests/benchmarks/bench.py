"""How fast grading is, as ratios inside one run: the same class by stock nbgrader, by nbgrader with our plug-in, by `grader grade`.

Every way starts from a copy of the same course, in processes of its own, whose time, processor time and memory are measured
from outside. Scores are compared. What the cells and tests of the class cost by themselves, run plainly in one process,
is measured too and taken off. No two submissions are alike, so nothing is saved by grading equal ones once.
"""

from __future__ import annotations

import ast
import contextlib
import itertools
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.engine.plan import Step, line_up
from grader.errors import CourseError
from grader.record.gradebook import Gradebook
from grader.sample.classroom import make_class, make_course
from grader.source.bank import Variant, read_bank
from grader.source.code import parse
from grader.source.course import read_course
from grader.source.notebook import read_assignment

STOCK = """
c.Autograde.autograde_preprocessors = [
    "nbgrader.preprocessors.Execute", "nbgrader.preprocessors.IgnorePattern", "nbconvert.preprocessors.ClearMetadataPreprocessor",
    "nbgrader.preprocessors.LimitOutput", "nbgrader.preprocessors.SaveAutoGrades", "nbgrader.preprocessors.AssignLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata",
]
"""
UNFAIR = ("crashes kernel", "no notebook")
"""Kinds of submission that stock nbgrader does not survive."""


@dataclass(frozen=True)
class Cost:
    """What one command took: seconds of wall clock and of processor, MiB of its largest process."""

    seconds: float
    cpu_seconds: float
    peak_mib: float


@dataclass(frozen=True)
class Way:
    """One way to grade the class. `scores` are the automatic scores that its gradebook ends with."""

    name: str
    cost: Cost
    scores: dict[str, float | None]

    @property
    def rate(self) -> float:
        """Submissions per second, start-up included."""
        return len(self.scores) / self.cost.seconds


@dataclass(frozen=True)
class Comparison:
    """The same class graded in several ways. `own_cpu` is what a submission's cells and tests cost plainly."""

    ways: tuple[Way, ...]
    own_cpu: float
    again: Cost

    @property
    def disagreements(self) -> tuple[str, ...]:
        """Students whose score is not the same in every way."""
        first = self.ways[0].scores
        return tuple(name for name in first if any(way.scores.get(name) != first[name] for way in self.ways))


@dataclass(frozen=True)
class Scale:
    """What `grader grade` took for classes of several sizes.

    `own_cpu` is what a submission's cells and tests cost plainly; `fifths` what one more cost, in wall seconds, in each fifth of the last class.
    """

    sizes: tuple[int, ...]
    costs: tuple[Cost, ...]
    parent_mib: tuple[float, ...]
    own_cpu: float
    fifths: tuple[float, ...]

    def marginal(self, larger: int) -> tuple[float, float]:
        """Wall and processor seconds for one more submission, between size number `larger` - 1 and number `larger`."""
        more = self.sizes[larger] - self.sizes[larger - 1]
        old, new = self.costs[larger - 1], self.costs[larger]
        return (new.seconds - old.seconds) / more, (new.cpu_seconds - old.cpu_seconds) / more


def make_fresh(root: Path, unit: str, where: Path, students: int) -> None:
    """`write_class` in a process of its own: reading the bank loads torch, and what this process is large by counts below."""
    command = [
        sys.executable,
        "-m",
        "tests.benchmarks.bench",
        "write",
        str(root),
        unit,
        str(where),
        str(students),
    ]
    done = subprocess.run(command, env=_environment(), stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise CourseError((done.stderr.strip().splitlines() or ["the class could not be made"])[-1])


def write_class(root: Path, unit: str, where: Path, students: int) -> None:
    """A course with a class from the unit's bank, no two submissions alike, nothing in it that stock nbgrader dies of.

    Answers that remember earlier calls are left out: what they answer depends on the order of tests, which is not stock's here.
    """
    make_course(root, unit, where)
    folder = root / "solutions" / unit
    bank = read_bank(folder / "bank.py", read_assignment(folder).functions)
    forgetful = {entry.name for entry in (*bank.variants, *bank.misconceptions) if not _remembers(entry)}
    kept = 0
    for student in make_class(root, unit, where, students=2 * students + 4):
        folder = where / "submitted" / student.id
        if student.kind in UNFAIR or not forgetful.issuperset(student.entries.values()) or kept == students:
            shutil.rmtree(folder)
            continue
        kept += 1
        path = folder / unit / f"{unit}.ipynb"
        nb = json.loads(path.read_bytes())
        nb["cells"].append({"cell_type": "markdown", "metadata": {}, "source": f"Handed in by {student.id}."})
        nb["nbformat_minor"] = 4  # cells need no id
        path.write_text(json.dumps(nb))
    prepare(where, unit)


def _remembers(entry: Variant) -> bool:
    nodes = [node for node in ast.walk(parse(entry.source)) if isinstance(node, ast.FunctionDef)]
    return any(isinstance(value, (ast.Dict, ast.List)) for node in nodes for value in node.args.defaults)


def prepare(course: Path, unit: str) -> None:
    """Record the unit in the gradebook, so that every way starts where grading starts."""
    found = read_course(course)
    Gradebook(found, found.assignment(unit)).close()


def compare(fresh: Path, unit: str, *, workers: int = 2, stock: bool = True) -> Comparison:
    """Grade the class of the course at `fresh` in each way; `fresh` itself stays as it is."""
    nbgrader = [sys.executable, "-m", "nbgrader", "autograde", unit]
    ours = [sys.executable, "-m", "grader", "grade", unit, "--workers", str(workers)]
    plans = [("nbgrader autograde, stock", nbgrader, STOCK)] if stock else []
    plans += [("nbgrader autograde, our plug-in", nbgrader, ""), ("grader grade", ours, "")]
    ways = []
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        for number, (name, command, config) in enumerate(plans):
            course = Path(scratch) / str(number)
            shutil.copytree(fresh, course)
            with open(course / "nbgrader_config.py", "a") as file:
                file.write(config if file.tell() or not config else f"c = get_config()\n{config}")
            ways.append(Way(name, measure(command, course), auto_scores(course)))
        again = measure(ours, course)
        return Comparison(tuple(ways), _own_cpu(course, unit), again)


def scale(fresh: Path, unit: str, sizes: Sequence[int], *, workers: int = 2) -> Scale:
    """Grade the first `sizes[0]`, `sizes[1]` ... students of the course at `fresh`, each in a fresh copy."""
    code = (
        "from pathlib import Path; from grader.batch.grade import Options, grade_class\n"
        f"grade_class(Path(), {unit!r}, Options(workers={workers}, progress=False))\n"
        "status = dict(line.split(':') for line in open('/proc/self/status'))\n"
        "print(int(status['VmHWM'].split()[0]) / 1024)"
    )
    costs, parents = [], []
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        for size in sizes:
            course = Path(scratch) / str(size)
            shutil.copytree(fresh, course, ignore=shutil.ignore_patterns("submitted"))
            for student in sorted((fresh / "submitted").iterdir())[:size]:
                shutil.copytree(student, course / "submitted" / student.name)
            out = course / "out.txt"
            costs.append(measure([sys.executable, "-c", code], course, out))
            parents.append(float(out.read_text()))
            filed = sorted(path.stat().st_mtime for path in course.glob("autograded/*/*"))
            shutil.rmtree(course)
    ends = [filed[(len(filed) - 1) * number // 5] for number in range(6)]
    fifths = [5 * (end - begin) / len(filed) for begin, end in itertools.pairwise(ends)]
    return Scale(tuple(sizes), tuple(costs), tuple(parents), _own_cpu(fresh, unit), tuple(fifths))


def _own_cpu(course: Path, unit: str) -> float:
    command = [sys.executable, "-m", "tests.benchmarks.bench", "own", str(course), unit]
    return float(subprocess.check_output(command, env=_environment()))


def measure(command: Sequence[str], folder: Path, out: Path | None = None) -> Cost:
    """Run a command and wait for it. Its processor time is that of every process below it, because each is waited for.

    Raises CourseError where it cannot do its work. An exit code of 1 says that single submissions could not be graded,
    where no other output is wanted.
    """
    with open(out or os.devnull, "wb") as sink, tempfile.TemporaryFile() as errors:
        start = time.monotonic()
        process = subprocess.Popen(command, cwd=folder, stdout=sink, stderr=errors, env=_environment())
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode > (1 if out is None else 0) or process.returncode < 0:
            errors.seek(0)
            last = (errors.read().decode(errors="replace").strip().splitlines() or ["no reason given"])[-1]
            raise CourseError(f"{' '.join(command)} ended with {process.returncode}: {last}")
        return Cost(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def auto_scores(course: Path) -> dict[str, float | None]:
    """Each student's sum of automatic scores in course/gradebook.db."""
    query = """SELECT sa.student_id, sum(g.auto_score) FROM grade g JOIN submitted_notebook sn ON g.notebook_id = sn.id
               JOIN submitted_assignment sa ON sn.assignment_id = sa.id GROUP BY 1"""
    with contextlib.closing(sqlite3.connect(course / "gradebook.db")) as db:
        return dict(db.execute(query))


def own_cpu(course: Path, unit: str) -> float:
    """Processor seconds of a submission's cells and tests alone, the class's mean: each in a plain namespace, in a fork of this process.

    This process has run all of them before, so that no import is counted; forking and ending are not counted either.
    """
    import warnings

    from grader.engine.submission import load_notebook, read_cells, read_submission

    warnings.simplefilter("ignore")
    found = read_course(course)
    assignment = found.assignment(unit)
    plans = []
    for student in found.students(unit):
        given = read_submission(found.folder("submitted", student, unit), unit).notebooks
        for notebook in assignment.notebooks:
            if notebook.name in given:
                plans.append(line_up(notebook, read_cells(load_notebook(given[notebook.name]))))
    for steps in plans:
        _run_plainly(steps)
    spent = 0.0
    for steps in plans:
        ours, theirs = os.pipe()
        if os.fork() == 0:
            began = time.process_time()
            _run_plainly(steps)
            os.write(theirs, repr(time.process_time() - began).encode())
            os._exit(0)
        os.close(theirs)
        with open(ours) as answer:
            spent += float(answer.read())
        os.wait()
    return spent / len(found.students(unit))


def _run_plainly(steps: Sequence[Step]) -> None:
    names: dict[str, object] = {"__name__": "__main__"}
    with contextlib.redirect_stdout(open(os.devnull, "w")):
        for step in steps:
            with contextlib.suppress(Exception):
                exec(compile(step.source, "cell", "exec"), names)


def _environment() -> dict[str, str]:
    path = os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", os.defpath)])
    return {**os.environ, "PATH": path, "OMP_NUM_THREADS": "1"}


def comparison_lines(found: Comparison) -> Iterator[str]:
    """The comparison as a table."""
    count = len(found.ways[-1].scores)
    own, slowest = found.own_cpu, found.ways[0].cost.seconds
    yield f"{count} submissions, {os.cpu_count()} processors; cells and tests alone: {own * 1e3:.0f} ms of processor time a submission"
    yield f"{'':34}{'wall s':>9}{'each ms':>9}{'a second':>10}{'CPU s':>9}{'beyond cells, ms each':>23}{'peak MiB':>10}{'speed':>8}"
    for way in found.ways:
        cost = way.cost
        beyond = (cost.cpu_seconds / count - own) * 1e3
        yield (
            f"{way.name:34}{cost.seconds:9.1f}{cost.seconds / count * 1e3:9.0f}{way.rate:10.2f}{cost.cpu_seconds:9.1f}"
            f"{beyond:23.0f}{cost.peak_mib:10.0f}{slowest / cost.seconds:8.1f}"
        )
    yield f"{'grader grade, nothing changed':34}{found.again.seconds:9.1f}{found.again.seconds / count * 1e3:9.0f}"
    different = found.disagreements
    yield "scores: the same in every way" if not different else f"scores differ for {', '.join(different)}"


def scale_lines(found: Scale) -> Iterator[str]:
    """The table of class sizes."""
    yield f"{'students':>9}{'wall s':>9}{'CPU s':>9}{'ms wall for one more':>22}{'ms CPU for one more':>21}{'beyond cells':>14}{'parent MiB':>12}"
    for number, (size, cost, mib) in enumerate(zip(found.sizes, found.costs, found.parent_mib, strict=True)):
        wall, cpu = found.marginal(number) if number else (float("nan"), float("nan"))
        yield f"{size:9}{cost.seconds:9.1f}{cost.cpu_seconds:9.1f}{wall * 1e3:22.1f}{cpu * 1e3:21.1f}{(cpu - found.own_cpu) * 1e3:14.1f}{mib:12.1f}"
    fifths = ", ".join(f"{seconds * 1e3:.1f}" for seconds in found.fifths)
    yield f"within the class of {found.sizes[-1]}, fifth by fifth: {fifths} ms wall for one more"


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["write", root, unit, where, students]:
            write_class(Path(root), unit, Path(where), int(students))
        case ["own", course, unit]:
            print(own_cpu(Path(course), unit))
