"""A hostile submission as data: how it is made from an honest one, and what must come of it."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from grader.engine.result import Status, Verdict

Json = dict[str, Any]
Passes = Literal["all", "none", "any", "either"] | tuple[int, ...]
"""Exercises whose tests all pass with full points; every test of the others must not pass.

`any` asks nothing of the tests (a case about something else); `either` is full marks, or no score and a reason.
"""


@dataclass(frozen=True)
class World:
    """What a submission is made from, and what a well-informed attacker knows about the machine it will run on.

    `honest`, `wrong` and `blank` are notebooks (JSON); `functions` the names that the tests call, one tuple for
    each exercise; `solutions` and `tests` the grade ids; `facts` replaces `<<name>>` in attack sources.
    """

    unit: str
    honest: Json
    wrong: Json
    blank: Json
    solutions: tuple[str, ...]
    tests: tuple[tuple[str, ...], ...]
    functions: tuple[tuple[str, ...], ...]
    facts: Mapping[str, str] = field(default_factory=dict)
    paths: Mapping[str, Path] = field(default_factory=dict)

    def notebook(self, base: str) -> Json:
        """A copy of one of the three notebooks, to be changed at will."""
        return copy.deepcopy({"honest": self.honest, "wrong": self.wrong, "blank": self.blank}[base])

    def fill(self, source: str) -> str:
        """`source` with each `<<fact>>` replaced."""
        for name, value in self.facts.items():
            source = source.replace(f"<<{name}>>", value)
        return source


Make = Callable[[World, Path], None]
"""Writes a submission into an empty folder."""


@dataclass(frozen=True)
class Expect:
    """The outcome that a case must have. Texts are regular expressions; an empty one asks nothing."""

    passes: Passes = "all"
    may: tuple[int, ...] = ()  # exercises that the submission's own threads may spoil or not
    status: Status | None = Status.GRADED  # None: either status
    verdicts: tuple[Verdict, ...] = ()  # those that a failing test may have; () for any
    reason: str = ""  # in the row's reason
    incident: str = ""  # in one of the incidents
    message: str = ""  # in the message of every failing test
    output: str = ""  # somewhere in the outputs that students get back
    absent: str = ""  # nowhere in what students get back
    seconds: float = 60.0  # generous: four share two cores, and a case may use its 30 s; a hang is minutes


ISOLATED = """
import os
def isolated():
    '''True in a process table and a file tree of our own: what could hurt the machine is tried nowhere else.'''
    try:
        return [os.stat(f"/proc/self/ns/{kind}").st_ino for kind in ("pid", "mnt")] != <<namespaces>> and os.getpid() < 10_000
    except OSError:
        return os.getpid() < 100
"""
"""Guard for attack sources that kill, mount or set clocks: a broken sandbox must cost a red test, not the machine."""

FULL = Expect()
NOTHING = Expect(passes="none")


TIGHT: dict[str, Any] = {"test_seconds": 1.0, "cell_seconds": 2.0, "notebook_seconds": 30.0}
"""Limits of cases that hang: they are waited for. A fork bomb may need 18 s for its three tests on a slow machine with others at work."""


def ungradable(reason: str) -> Expect:
    """Not a score: a status of its own and a sentence."""
    return Expect(passes="any", status=Status.UNGRADABLE, reason=reason)


@dataclass(frozen=True)
class Case:
    """One hostile submission. `item` is HOSTILE.md's wording, or "own" for a case of ours."""

    name: str
    item: str
    make: Make
    expect: Expect
    student: str = ""  # the student's id; the case's name where it does not matter
    skip: Callable[[], str] = lambda: ""  # why this machine cannot express the case
    limits: Mapping[str, Any] = field(default_factory=dict)  # overrides of the suite's Limits


def write(folder: Path, nb: Json, unit: str, name: str = "") -> None:
    """Save a notebook under the name that the assignment asks for, or another."""
    (folder / (name or f"{unit}.ipynb")).write_text(json.dumps(nb))


def code(source: str, **metadata: Any) -> Json:
    """A code cell."""
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": f"own-{abs(hash(source)) % 10**8}",
        "metadata": metadata,
        "outputs": [],
        "source": source,
    }


def cell(nb: Json, grade_id: str) -> Json:
    """The cell with that nbgrader id."""
    return next(c for c in nb["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == grade_id)


def position(nb: Json, world: World, at: str) -> int:
    """Where an extra cell goes: `top`, `end`, `first` (before the first solution), `after` (behind the first)."""
    first = nb["cells"].index(cell(nb, world.solutions[0]))
    return {"top": 0, "first": first, "after": first + 1, "end": len(nb["cells"])}[at]


def with_cells(*sources: str, base: str = "honest", at: str = "first") -> Make:
    """The base notebook with more code cells."""

    def make(world: World, folder: Path) -> None:
        nb = world.notebook(base)
        where = position(nb, world, at)
        nb["cells"][where:where] = [code(world.fill(source)) for source in sources]
        write(folder, nb, world.unit)

    return make


def answering(source: str, exercises: tuple[int, ...] = (0, 1, 2), base: str = "wrong") -> Make:
    """The base notebook where `source`, put at the end of their solution cells, binds `evil` to every tested name."""

    def make(world: World, folder: Path) -> None:
        nb = world.notebook(base)
        for index in exercises:
            target = cell(nb, world.solutions[index])
            binds = "".join(f"\n{name} = evil" for name in world.functions[index])
            target["source"] = "".join(target["source"]) + "\n\n" + world.fill(source) + binds
        write(folder, nb, world.unit)

    return make


def edited(edit: Callable[[Json, World], None], base: str = "honest") -> Make:
    """The base notebook after `edit(notebook, world)`."""

    def make(world: World, folder: Path) -> None:
        nb = world.notebook(base)
        edit(nb, world)
        write(folder, nb, world.unit)

    return make


def raw(data: Callable[[bytes], bytes], name: str = "") -> Make:
    """A file in the notebook's place, made from the honest notebook's bytes."""

    def make(world: World, folder: Path) -> None:
        (folder / (name or f"{world.unit}.ipynb")).write_bytes(data(json.dumps(world.honest).encode()))

    return make


def beside(add: Callable[[World, Path], object], source: str = "", base: str = "honest") -> Make:
    """The base notebook, a cell `source` where given, and whatever `add(world, folder)` puts beside it."""

    def make(world: World, folder: Path) -> None:
        with_cells(*([source] if source else []), base=base)(world, folder)
        add(world, folder)

    return make
