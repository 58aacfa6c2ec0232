"""Which operators of a student's object a test may believe: those that the instructor's own solution uses at the same place (see `standin`)."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

from grader.engine import protocol

Uses = dict[str, list[list[str]] | None]
"""By cell, what the solution's objects are used for there; None where all is believed."""


@dataclass
class Operators:
    """`fetch` gets the solution's uses from the coordinator; `note` tells it one, where the solution itself is run (a trial)."""

    trial: bool
    fetch: Callable[[], Uses]
    note: Callable[[protocol.Operator], None]
    here: str = ""  # the id of the present cell
    uses: Uses | None = None

    def believes(self, use: tuple[str, ...]) -> bool:
        """Whether the solution has an object used so, too, at the same place of the present cell.

        ("is a", name): whether it has an object of a subclass of its own of this set-up cell's class, anywhere in the cell.
        """
        frame = sys._getframe() if use[0] != "is a" else None
        while frame and frame.f_code.co_filename != f"<{self.here}>":
            frame = frame.f_back
        use = (*use, f"{frame.f_lineno}, {frame.f_lasti}" if frame else "")
        if self.trial:
            self.note(protocol.Operator(self.here, list(use)))
            return True
        if self.uses is None:
            self.uses = self.fetch()
        known = self.uses.get(self.here, [])
        return known is None or list(use) in known
