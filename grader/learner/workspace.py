"""A learner's desk: work/, with own copies of the lectures and assignments, and the start page. `make lab` lays it out.

What git tracks and `make build` writes stays as it was published; what a learner opens is a copy that both leave alone:

    work/START.ipynb      the course map with the learner's progress; written afresh every time
    work/lectures/        copies, with the paths that the links between notebooks expect
    work/assignments/     copies
    work/.copies.json     for each copy, what was copied

A copy is worked on when the text of a cell differs from what was copied; to open and run a notebook changes outputs only.
One that has been worked on is never written again; the others follow the course when it changes.
Progress is read from the outputs that the learner's notebooks were saved with; nothing is executed and nothing is sent.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from grader.build import coursemap
from grader.build.units import Unit, read_units
from grader.errors import CourseError
from grader.files import write_whole
from grader.source.notebook import PUBLIC_PASSED, nbgrader_of, read_notebook

WORK, COPIES, START = "work", ".copies.json", "START.ipynb"
GLOSSARY_PAGE = "lectures/GLOSSARY.md"


@dataclass(frozen=True)
class Desk:
    """What `lay_out` did: copies made for the first time, copies that followed the course, and those that did not because
    they have been worked on. Paths are relative to the course."""

    start: Path
    new: tuple[str, ...]
    renewed: tuple[str, ...]
    outdated: tuple[str, ...]


@dataclass(frozen=True)
class Solved:
    """How far a learner's copy of an assignment is, by the outputs that it was saved with."""

    solved: int
    exercises: int
    passed: int
    checks: int


def lay_out(root: Path) -> Desk:
    """Make or renew work/ in the course at `root`. Raises CourseError where there is no course or work/ cannot be read."""
    units = read_units(root)
    if not units:
        raise CourseError(f"{root}: no built lecture in lectures/; run this in the course's folder")
    memory = root / WORK / COPIES
    copied = _copied(memory)
    new, renewed, outdated = [], [], []
    for name in _published(root, units):
        copy, data = root / WORK / name, (root / name).read_bytes()
        before, now = copied.get(name, {}), {"file": _sha(data), "text": _text(data)}
        if not copy.exists():
            new.append(name)
        elif before == now:  # nothing has changed in the course
            continue
        elif _text(copy.read_bytes()) in (before.get("text"), now["text"]):
            renewed.append(name)
        else:
            outdated.append(f"{WORK}/{name}")
            continue
        write_whole(copy, _of_our_kernel(data) if copy.suffix == ".ipynb" else data)
        copied[name] = now
    write_whole(memory, (json.dumps(copied, indent=1, sort_keys=True) + "\n").encode())
    start = root / WORK / START
    write_whole(start, _of_our_kernel(nbformat.writes(_start_page(root, units), version=4).encode()))
    return Desk(start, tuple(new), tuple(renewed), tuple(outdated))


def progress(root: Path, unit: Unit) -> Solved:
    """The exercises of a unit whose public checks all passed when the learner's copy was saved last: of several copies in the
    unit's folder, whatever they are called, the one that is farthest."""
    exercises = [{test.id for test in one.tests} for one in read_notebook(root / unit.assignment).exercises]

    def solved(passed: set[str]) -> Solved:
        return Solved(
            solved=sum(tests <= passed for tests in exercises),
            exercises=len(exercises),
            passed=sum(len(tests & passed) for tests in exercises),
            checks=sum(map(len, exercises)),
        )

    copies = (root / WORK / unit.assignment).parent.glob("*.ipynb")
    return max(
        (solved(_passed(copy)) for copy in copies),
        key=lambda copy: (copy.solved, copy.passed),
        default=solved(set()),
    )


def show(root: Path | None = None) -> None:
    """Show the map with the progress of this moment: the start page's one cell. It runs in work/."""
    from IPython.display import Markdown, display

    root = root or Path.cwd().parent
    display(Markdown(_map(root, read_units(root))))


def _published(root: Path, units: Sequence[Unit]) -> Iterator[str]:
    if (root / GLOSSARY_PAGE).exists():
        yield GLOSSARY_PAGE
    for unit in units:
        yield unit.lecture
        if (root / unit.assignment).exists():
            yield unit.assignment


def _of_our_kernel(data: bytes) -> bytes:
    """A notebook with this machine's kernel in its metadata: else JupyterLab writes that there as soon as the notebook opens,
    and asks whoever has only read it whether to save."""
    from ipykernel.ipkernel import IPythonKernel
    from jupyter_client.kernelspec import get_kernel_spec

    nb, name = json.loads(data), "python3"
    spec = get_kernel_spec(name)
    kernel = {"display_name": spec.display_name, "language": spec.language, "name": name}
    nb["metadata"] |= {"kernelspec": kernel, "language_info": IPythonKernel.language_info}
    return (json.dumps(nb, indent=1, ensure_ascii=False) + "\n").encode()


def _sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _text(data: bytes) -> str:
    """Digest of what people write into a file: for a notebook the cells without their outputs."""
    try:
        cells = json.loads(data)["cells"]
        return _sha(json.dumps([[cell["cell_type"], "".join(cell["source"])] for cell in cells]).encode())
    except (ValueError, KeyError, TypeError):  # not a notebook
        return _sha(data)


def _copied(memory: Path) -> dict[str, dict[str, str]]:
    if not memory.exists():
        return {}
    try:
        return dict(json.loads(memory.read_text(encoding="utf-8")))
    except (ValueError, TypeError):
        raise CourseError(
            f"{memory} is not JSON; delete it: every copy that differs from the course then counts as worked on"
        ) from None


def _passed(copy: Path) -> set[str]:
    """Ids of the checks whose last run, as saved, ended with the line that says so."""
    try:
        nb = nbformat.read(copy, as_version=4)
    except (OSError, ValueError, nbformat.ValidationError):  # no copy, or one that is no notebook any more
        return set()
    return {
        nbgrader_of(cell).get("grade_id", "")
        for cell in nb.cells
        if cell.cell_type == "code"
        and any(PUBLIC_PASSED in output.get("text", "") for output in cell.outputs)
    }


def _lecture_saved(root: Path, unit: Unit) -> str:
    """`saved 2026-11-28` where the learner has run or written something in the copy of a lecture; empty before that."""
    copy = root / WORK / unit.lecture
    try:
        own, published = (json.loads(path.read_bytes())["cells"] for path in (copy, root / unit.lecture))
    except (OSError, ValueError, LookupError, TypeError):  # no copy, or one that is no notebook any more
        return ""
    return "" if own == published else f"saved {datetime.fromtimestamp(copy.stat().st_mtime):%Y-%m-%d}"


def _map(root: Path, units: Sequence[Unit]) -> str:
    lines = ["| unit | question | minutes | your lecture | exercises solved |", "|---|---|---|---|---|"]
    solved = exercises = 0
    for unit in units:
        links, minutes, count = f"[Lecture {unit.number}]({unit.lecture})", f"{unit.minutes}", ""
        if (root / unit.assignment).exists():
            links += f", [assignment {unit.number}]({unit.assignment})"
            minutes += f"\N{NO-BREAK SPACE}+\N{NO-BREAK SPACE}{unit.practice}"
            done = progress(root, unit)
            solved, exercises = solved + done.solved, exercises + done.exercises
            count = f"{done.solved} of {done.exercises}"
            if done.passed and done.solved < done.exercises:
                count += f" ({done.passed} of {done.checks} checks)"
        question, saved = f"**{unit.question}** {links}", _lecture_saved(root, unit)
        lines.append(f"| {unit.number} {unit.topic} | {question} | {minutes} | {saved} | {count} |")
    return "\n".join(
        [
            *lines,
            "",
            f"You have solved {solved} of {exercises} exercises, by the checks that you can see and the notebooks as you saved "
            "them, under any name in their folder. Select this table and press Shift + Enter to count again. Minutes: the lecture's and the assignment's.",
        ]
    )


def _start_page(root: Path, units: Sequence[Unit]) -> NotebookNode:
    words = (
        "# Why are neural networks hard to train?\n\n"
        "Each lecture asks one question and takes an hour. Read it, then do its assignment: write your code where it says so, and "
        "run the checks below it. Begin with unit 01, or with the first question that you cannot answer.\n\n"
        + "\n".join([*coursemap.picture(units), "", coursemap.in_words(units)])
    )
    hints = (
        "Everything that you open from here is your own copy, in the folder `work`: change what you like. It is saved on this "
        "machine and sent nowhere, and no update of the course writes over a notebook that you have worked on. To begin one "
        "afresh, rename or delete your copy and start `make lab` again.\n\n"
        "All terms in English and Chinese: [the glossary](lectures/GLOSSARY.md). All checks of an assignment, also those that you "
        "do not see, with the name of the mistake and the next hint: in a terminal, "
        f"`.venv/bin/grader check {WORK}/{units[0].assignment}`.\n\n"
        "This page is written afresh at every start: keep no notes in it. To stop, save what is open, then choose File > Shut "
        "Down, or press Ctrl + C twice in the terminal where `make lab` runs; a closed browser window alone leaves it running."
    )
    text = _map(root, units)
    count = nbformat.v4.new_code_cell(
        "from grader.learner import workspace\n\nworkspace.show()",
        metadata={"jupyter": {"source_hidden": True}},
        outputs=[nbformat.v4.new_output("display_data", data={"text/markdown": text, "text/plain": text})],
    )
    cells = [nbformat.v4.new_markdown_cell(words), count, nbformat.v4.new_markdown_cell(hints)]
    for name, cell in zip(("start", "progress", "hints"), cells, strict=True):
        cell["id"] = name
    return nbformat.v4.new_notebook(cells=cells)
