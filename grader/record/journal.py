"""The journal of a unit: every result, one line of JSON each, on disk before anything else hears of it.

    {"key": "<hash of submission, assignment and engine>", "student": "...", "result": {...}}

Append-only. A line that was torn by a crash or a full disk is dropped when the journal is opened next; its submission
is then graded again. The index in memory holds offsets, never results. One process at a time may hold a course: `hold`.
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

from grader.engine.result import Result

_HEAD = b'{"key": "'
_KEY_END = b'", "student": '


class Journal:
    """Results by key, on disk. Open it only while holding the course."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self._offsets: dict[str, int] = {}
        self._end = self._read_index()
        if self._end != os.fstat(self._file).st_size:
            os.ftruncate(self._file, self._end)

    def _read_index(self) -> int:
        """Fill the index; return where the last whole line ends. A later line of the same key wins."""
        end = 0
        with open(self.path, "rb") as lines:
            for line in lines:
                if not line.endswith(b"\n"):
                    break
                if line.startswith(_HEAD) and line.endswith(b"}\n"):
                    key = line[len(_HEAD) : line.find(b'"', len(_HEAD))]
                    self._offsets[key.decode("utf-8", "replace")] = end
                end += len(line)
        return end

    def get(self, key: str) -> Result | None:
        """The result journalled under `key`; None where there is none or its line is damaged."""
        offset = self._offsets.get(key)
        if offset is None:
            return None
        with open(self.path, "rb") as file:
            file.seek(offset)
            line = file.readline()
        try:
            text = line.decode()
            result = Result.from_json(text[text.index('"result": ') + len('"result": ') : text.rindex("}")])
        except (ValueError, KeyError, TypeError):
            return None
        return result if result.key == key else None

    def append(self, student: str, result: Result) -> None:
        """Write one result and wait until it is on the disk. Raises OSError with the journal as it was before."""
        line = b'%s%s%s%s, "result": %s}\n' % (
            _HEAD,
            result.key.encode(),
            _KEY_END,
            json.dumps(student).encode(),
            result.to_json().encode(),
        )
        try:
            rest = memoryview(line)
            while rest:
                rest = rest[os.write(self._file, rest) :]
            os.fsync(self._file)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self._end)
            raise
        self._offsets[result.key] = self._end
        self._end += len(line)

    def close(self) -> None:
        os.close(self._file)
