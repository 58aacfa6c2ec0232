"""What the grader keeps of a course in .grader/state.db: every result, whose score moved, and what was released.

A result is on the disk before anything else hears of it. One process writes, the one that holds the course (grader.source.lock);
SQLite's rollback journal and a full sync make each entry whole or absent, on a network drive too.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from grader.engine.result import Result, Status
from grader.errors import CourseError
from grader.record.edits import CellDigest, Snapshot
from grader.text import encodable

_SCHEMA = """
PRAGMA journal_mode = DELETE;
PRAGMA synchronous = FULL;
PRAGMA cache_size = -500;  -- KiB: memory is not to grow with the class
CREATE TABLE IF NOT EXISTS snapshots (digest TEXT PRIMARY KEY, snapshot TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS results (key TEXT PRIMARY KEY, student TEXT, snapshot TEXT, result TEXT);
CREATE TABLE IF NOT EXISTS releases (unit TEXT PRIMARY KEY, released TEXT, repository TEXT, handed_out TEXT, snapshot TEXT);
CREATE TABLE IF NOT EXISTS own_versions (key TEXT PRIMARY KEY, result TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS moves (
    unit TEXT, student TEXT, time TEXT, before REAL, after REAL, status TEXT, why TEXT, tests TEXT, old_key TEXT, new_key TEXT,
    PRIMARY KEY (unit, student, time, new_key)
);
"""
_NEW_RESULT = "INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?)"
_NEW_RELEASE = "INSERT OR REPLACE INTO releases VALUES (?, ?, ?, ?, ?)"
_NEW_MOVE = "INSERT OR REPLACE INTO moves VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_LAST_MOVE = "SELECT old_key, new_key FROM moves WHERE unit = ? AND student = ? ORDER BY time DESC LIMIT 1"


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
    moves = []
    for key in dict.fromkeys([*now, *then]):
        (before, points_before), (after, points_after) = (
            (str(tests[key].verdict), tests[key].points) if key in tests else (None, 0.0)
            for tests in (then, now)
        )
        if (before, points_before) != (after, points_after):
            moves.append(TestMove(key[1], before, after, points_before, points_after))
    return tuple(moves)


def final_score(result: Result) -> float | None:
    """A result's score; None where its status gives none."""
    return result.score if result.status is Status.GRADED else None


@dataclass(frozen=True)
class Release:
    """What was released: when, which address it names, the files that students got, and the unit as it was."""

    released: str
    repository: str
    handed_out: tuple[str, ...]
    snapshot: Snapshot


def released_units(folder: Path) -> tuple[str, ...]:
    """The units that were released in the course whose .grader is `folder`: read without holding the course, and nothing is made."""
    address = f"{(folder.resolve() / 'state.db').as_uri()}?mode=ro"
    try:
        with contextlib.closing(sqlite3.connect(address, uri=True)) as db:
            return tuple(unit for (unit,) in db.execute("SELECT unit FROM releases ORDER BY unit"))
    except sqlite3.Error:  # nothing was released or graded yet
        return ()


class Journal:
    """The state of the course whose .grader is `folder`. Open it only while holding the course.

    `taken_over` counts the results that an earlier version had left in text files. Every method raises OSError where the disk
    refuses, what is kept then being what it was, and CourseError where the database is damaged.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "state.db"
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        self._db = sqlite3.connect(self.path)
        with self._transaction() as db:
            db.executescript(_SCHEMA)
        self.taken_over = self._take_over(folder)

    def close(self) -> None:
        self._db.close()

    def get(self, key: str) -> Result | None:
        """The result under `key`; None where there is none or it is damaged."""
        with contextlib.suppress(LookupError, ValueError, TypeError):
            return Result.from_json(self._one("SELECT result FROM results WHERE key = ?", key)[0])
        return None

    def append(self, student: str, result: Result, of: Snapshot) -> None:
        """Keep a result of the unit as it was in the snapshot `of`; a later one of the same key replaces it."""
        with self._transaction() as db:
            db.execute(_NEW_RESULT, (result.key, encodable(student), _keep(db, of), result.to_json()))

    def own(self, key: str) -> Result | None:
        """The result under `key` of the instructor's own version of a unit; None where there is none."""
        row = self._one("SELECT result FROM own_versions WHERE key = ?", key)
        return Result.from_json(row[0]) if row else None

    def append_own(self, result: Result) -> None:
        """Keep a result of the instructor's own version of a unit, where it has one."""
        if result.status is Status.GRADED:
            with self._transaction() as db:
                db.execute("INSERT OR IGNORE INTO own_versions VALUES (?, ?)", (result.key, result.to_json()))

    def snapshot(self, key: str) -> Snapshot | None:
        """The unit as it was when the result under `key` came to be; None for one that an earlier version left."""
        query = "SELECT s.snapshot FROM results r JOIN snapshots s ON r.snapshot = s.digest WHERE key = ?"
        row = self._one(query, key)
        return _snapshot(json.loads(row[0])) if row else None

    def append_move(self, unit: str, move: Move, old: Result, new: Result) -> None:
        """Keep a move between two results; one that a crash left is not kept twice."""
        if self._one(_LAST_MOVE, unit, move.student) == (old.key, new.key):
            return
        values = asdict(move) | {"keys": (old.key, new.key), "time": datetime.now(UTC).isoformat()}
        with self._transaction() as db:
            db.execute(_NEW_MOVE, _move_row(unit, values))

    def released(self, unit: str) -> Release | None:
        """What was released of a unit last; None where nothing was."""
        query = "SELECT released, repository, handed_out, s.snapshot FROM releases JOIN snapshots s ON releases.snapshot = digest WHERE unit = ?"
        if not (row := self._one(query, unit)):
            return None
        return Release(row[0], row[1], tuple(json.loads(row[2])), _snapshot(json.loads(row[3])))

    def append_release(self, unit: str, release: Release) -> None:
        """Keep what was released in place of what was released before."""
        with self._transaction() as db:
            named = release.released, release.repository, json.dumps(release.handed_out)
            db.execute(_NEW_RELEASE, (unit, *named, _keep(db, release.snapshot)))

    def _one(self, query: str, *values: str) -> Any:
        with self._transaction() as db:
            return db.execute(query, values).fetchone() or ()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            with self._db:
                yield self._db
        except sqlite3.OperationalError as error:
            raise OSError(errno.EIO, str(error), str(self.path)) from error
        except sqlite3.DatabaseError as error:
            raise CourseError(
                f"{self.path}: {error}; move it away, then give the same command again: what people entered is in the "
                "gradebook and stays, submissions are graded again"
            ) from error

    def _take_over(self, folder: Path) -> int:
        """Read the text files of earlier versions, once. What is torn or damaged in them is left out."""
        journals, moves, releases = (
            [(path, path.name.removesuffix(end)) for path in sorted(folder.glob(f"*{end}"))]
            for end in (".journal", ".moves.jsonl", ".release.json")
        )
        count = 0
        with self._transaction() as db:
            for path, _ in journals:
                for entry in _lines(path):
                    with contextlib.suppress(LookupError, TypeError):
                        result = json.dumps(entry["result"])
                        db.execute(_NEW_RESULT, (entry["key"], encodable(entry["student"]), None, result))
                        count += 1
            for path, unit in moves:
                for entry in _lines(path):
                    with contextlib.suppress(LookupError, TypeError):
                        db.execute(_NEW_MOVE, _move_row(unit, entry))
            for path, unit in releases:
                with contextlib.suppress(LookupError, TypeError, ValueError, AttributeError):
                    entry = json.loads(path.read_bytes())
                    named = entry["released"], entry["repository"], json.dumps([*entry["handed_out"]])
                    db.execute(_NEW_RELEASE, (unit, *named, _keep(db, _snapshot(entry))))
        for path, _ in (*journals, *moves, *releases):
            path.unlink()
        return count


def _keep(db: sqlite3.Connection, snapshot: Snapshot) -> str:
    digest = hashlib.sha256(snapshot.text.encode()).hexdigest()
    db.execute("INSERT OR IGNORE INTO snapshots VALUES (?, ?)", (digest, snapshot.text))
    return digest


def _snapshot(entry: Any) -> Snapshot:
    return Snapshot({name: CellDigest(*cell) for name, cell in entry["cells"].items()}, entry["files"])


def _move_row(unit: str, move: dict[str, Any]) -> tuple[Any, ...]:
    columns = (move[name] for name in ("student", "time", "before", "after", "status", "why"))
    return unit, *columns, json.dumps(move["tests"]), *move["keys"]


def _lines(path: Path) -> Iterator[Any]:
    with path.open("rb") as lines:
        for line in lines:
            with contextlib.suppress(ValueError):
                yield json.loads(line)
