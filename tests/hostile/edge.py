"""Cases for the edges between the examiner and the student's process: a small notebook each, and what is handed in for it.

The instructor's notebook is text: cells begin with a line `# %% setup`, `# %% work`, `# %% plain` (not locked),
`# %% test`, `# %% inside` (a test with the tag in_process) or `# %% explore`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grader.engine.submission import Submission
from grader.source.notebook import HIDDEN_BEGIN, HIDDEN_END, Assignment, read_assignment

UNIT = "edge"
FLAGS: dict[str, dict[str, Any]] = {
    "setup": {"locked": True},
    "work": {"solution": True},
    "test": {"grade": True, "locked": True, "points": 1},
    "inside": {"grade": True, "locked": True, "points": 1},
    "explore": {},
    "plain": {},
}


@dataclass(frozen=True)
class Edge:
    """One submission to one small notebook. `passes` are the numbers of the tests that it must pass; every other one it must not."""

    name: str
    kind: str
    notebook: str
    answers: tuple[str, ...]  # what stands in the `work` cells
    passes: tuple[int, ...] = ()
    says: str = ""  # a regular expression that the message of every failing test must have
    absent: str = ""  # one that nothing which students see may have
    present: str = ""  # one that it must have
    limits: dict[str, Any] = field(default_factory=dict)
    base: tuple[
        str, ...
    ] = ()  # the instructor's answers, where other names are to be bound than the student binds
    files: tuple[tuple[str, str], ...] = ()  # handed in beside the notebook

    def cells(self) -> list[tuple[str, str]]:
        """The instructor's cells: role and source."""
        parts = re.split(r"^# %% (\w+)\n", self.notebook.strip("\n") + "\n", flags=re.M)[1:]
        return [(role, source.strip("\n")) for role, source in zip(parts[::2], parts[1::2], strict=True)]

    def assignment(self, folder: Path) -> Assignment:
        """The instructor's notebook, written into `folder` and read."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{UNIT}.ipynb").write_text(json.dumps(self._notebook(self.base)))
        return read_assignment(folder)

    def submission(self, **facts: object) -> Submission:
        """What is handed in, each `<<name>>` replaced by the fact of that name."""
        text = json.dumps(self._notebook(self.answers, public=True))
        for name, value in facts.items():
            text = text.replace(f"<<{name}>>", str(value))
        beside = [(name, content.encode()) for name, content in self.files]
        return Submission(UNIT, ((f"{UNIT}.ipynb", text.encode()), *beside))

    def _notebook(self, answers: tuple[str, ...], public: bool = False) -> dict[str, Any]:
        counts, given = dict.fromkeys(FLAGS, 0), iter(answers)
        cells: list[dict[str, Any]] = []
        for role, source in self.cells():
            name, counts[role] = f"{role}{counts[role]}", counts[role] + 1
            if role == "work":
                source = next(given, source).strip("\n")
            if public:
                source = re.sub(rf"^### {HIDDEN_BEGIN}.*?^### {HIDDEN_END}\n?", "", source, flags=re.M | re.S)
            plain = {"grade": False, "solution": False, "locked": False, "task": False, "schema_version": 3}
            meta: dict[str, Any] = {"nbgrader": {**plain, "grade_id": name, **FLAGS[role]}}
            if role == "inside":
                meta["tags"] = ["in_process"]
            if role == "explore":
                meta = {"tags": ["explore"]}
            cells.append(
                {
                    "cell_type": "code",
                    "id": name,
                    "execution_count": None,
                    "outputs": [],
                    "metadata": meta,
                    "source": source,
                }
            )
        return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
