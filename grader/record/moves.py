"""Whose score moved when a class was graded again, and why: a line of JSON a move in .grader/<unit>.moves.jsonl."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from grader.engine.result import Result, Status


@dataclass(frozen=True, slots=True)
class TestMove:
    """A test whose verdict or points are not what they were; None on the side where the test is not."""

    __test__ = False  # not a pytest class

    id: str
    before: str | None
    after: str | None
    points_before: float
    points_after: float


@dataclass(frozen=True, slots=True)
class Move:
    """A submission whose outcome changed. A score is None where the status is not GRADED."""

    student: str
    before: float | None
    after: float | None
    status: Status
    why: str
    tests: tuple[TestMove, ...]


def moved_tests(old: Result, new: Result) -> tuple[TestMove, ...]:
    """The tests that differ between two results, in the order of the new one."""
    then, now = old.tests, new.tests
    moved = []
    for key in dict.fromkeys([*now, *then]):
        before, after = then.get(key), now.get(key)
        move = TestMove(
            key[1],
            before.verdict if before else None,
            after.verdict if after else None,
            before.points if before else 0.0,
            after.points if after else 0.0,
        )
        if (move.before, move.points_before) != (move.after, move.points_after):
            moved.append(move)
    return tuple(moved)


def score(result: Result) -> float | None:
    """A result's score; None where its status gives none."""
    return result.score if result.status is Status.GRADED else None


class Moves:
    """The moves of a unit, on disk. Each is there before the gradebook changes; one that a crash left is not written twice."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._last: dict[str, list[str]] | None = None  # student -> keys of the two results of the last move

    def append(self, move: Move, old: Result, new: Result) -> None:
        """Write a move and wait until it is on the disk. Raises OSError where it cannot."""
        if self._last is None:
            self._last = self._read()
        keys = [old.key, new.key]
        if self._last.get(move.student) == keys:
            return
        time = datetime.now(UTC).isoformat(timespec="seconds")
        line = json.dumps({**asdict(move), "keys": keys, "time": time}, sort_keys=True)
        with open(
            self.path, "a", encoding="utf-8", opener=lambda path, flags: os.open(path, flags, 0o600)
        ) as file:
            file.write(line + "\n")
            file.flush()
            os.fsync(file.fileno())
        self._last[move.student] = keys

    def _read(self) -> dict[str, list[str]]:
        """The last move of each student; a line that a crash tore is dropped, as in the journal."""
        content = self.path.read_bytes() if self.path.exists() else b""
        whole = content[: content.rfind(b"\n") + 1]
        if whole != content:
            os.truncate(self.path, len(whole))
        return {move["student"]: move["keys"] for move in map(json.loads, whole.splitlines())}
