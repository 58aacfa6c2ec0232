"""The bar on long work, with rate and time left."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any


class Progress:
    """How far a class is, with rate and time left: a bar on a terminal, now and then a line elsewhere. Writes to stderr."""

    EVERY = 10.0  # seconds between lines where there is no terminal

    def __init__(self, what: str, total: int, *, show: bool = True) -> None:
        self._what, self._total, self._show = what, total, show
        self._done, self._start = 0, time.monotonic()
        self._last = self._start
        self._bar: Any = None  # rich's, imported where there is a terminal

    def __enter__(self) -> Progress:
        if self._show and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
            from rich.progress import Progress as Bar

            rate = TextColumn("{task.fields[rate]}")
            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                rate,
                TimeRemainingColumn(),
            )
            self._bar = Bar(*columns, console=Console(stderr=True))
            self._bar.start()
            self._task = self._bar.add_task(self._what, total=self._total, rate="")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def say(self, line: str) -> None:
        """A last word, below the bar."""
        if self._bar is not None:
            self._bar.stop()
        if self._show:
            print(line, file=sys.stderr, flush=True)

    def advance(self) -> None:
        self._done += 1
        now = time.monotonic()
        rate = self._done / max(now - self._start, 1e-9)
        if self._bar is not None:
            self._bar.update(self._task, completed=self._done, rate=f"{rate:.1f}/s")
        elif self._show and now - self._last >= self.EVERY:
            self._last = now
            left = (self._total - self._done) / rate
            print(
                f"{self._what}: {self._done} of {self._total}, {rate:.1f} a second, {left:.0f} s left",
                file=sys.stderr,
                flush=True,
            )
