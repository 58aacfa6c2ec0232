"""What the examiner and the coordinator say to each other: messages, several to a frame, in JSON.

The examiner is trusted with verdicts, not with the coordinator's process: nothing that it sends is unpickled.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from grader.engine.result import TestResult, Verdict
from grader.sandbox.messages import receive_message, send_message


class Message:
    """What one side says to the other; a TestResult is one, too."""


@dataclass(frozen=True)
class Began(Message):
    """A step of the plan (-1: none) begins, and may take so many seconds."""

    step: int
    seconds: float


@dataclass(frozen=True)
class Shown(Message):
    """What the submission's cell `index` has put out, in nbformat's form."""

    index: int
    outputs: list[dict[str, Any]]


@dataclass(frozen=True)
class Incident(Message):
    text: str


@dataclass(frozen=True)
class NeedsStudent(Message):
    """Wanted: a fresh student's process, `own` where one test is to have it for itself. The answer is its socket, or Refused."""

    own: bool


@dataclass(frozen=True)
class Refused(Message):
    verdict: Verdict
    reason: str


@dataclass(frozen=True)
class StudentGone(Message):
    """The student's process is of no use any more; `hung_up` where it closed its socket. The answer is Ended."""

    hung_up: bool


@dataclass(frozen=True)
class Ended(Message):
    """How the student's process came to its end: its exit status in words; verdict and reason where the coordinator
    had ended it; and whether the present step is run again, because it is not to blame."""

    status: str
    verdict: Verdict | None
    reason: str
    again: bool


@dataclass(frozen=True)
class AllJudged(Message):
    """Every verdict is in; what follows is the naming of misconceptions."""


@dataclass(frozen=True)
class NeedsRehearsal(Message):
    """Wanted: the pickled rehearsal of the first of these exercises, as a frame; those of the others are asked for next."""

    exercises: list[str]


@dataclass(frozen=True)
class Operator(Message):
    """The instructor's own solution, on trial, had an operator used whose plain result a test went on with: see `standin`."""

    test: str
    use: list[str]


@dataclass(frozen=True)
class NeedsOperators(Message):
    """Wanted: Operators."""


@dataclass(frozen=True)
class Operators(Message):
    """By a test's id the uses of operators that the instructor's own solution has; None where it does not pass the test."""

    uses: dict[str, list[list[str]] | None]


@dataclass(frozen=True)
class OurFailure(Message):
    """The submission cannot be judged here, and is not to blame."""

    reason: str


@dataclass(frozen=True)
class Named(Message):
    """An exercise, and the misconception that its answers are."""

    exercise: str
    misconception: str


@dataclass(frozen=True)
class Finished(Message):
    pass


_KINDS: list[type[Any]] = [TestResult, *Message.__subclasses__()]
_BY_NAME = {kind.__name__: kind for kind in _KINDS}


def send(sock: socket.socket, messages: Iterable[Message | TestResult], *descriptors: int) -> None:
    """Send messages in one frame, and open files with it. Raises OSError where nobody listens any more."""
    send_message(sock, [(type(message).__name__, vars(message)) for message in messages], *descriptors)


def receive(sock: socket.socket) -> tuple[list[Any], list[int]]:
    """The next messages, and the descriptors that came with them. Raises EOFError at the end of the stream."""
    received, descriptors = receive_message(sock)
    return [_read(*message) for message in received], descriptors


def _read(kind: str, fields: dict[str, Any]) -> Any:
    if fields.get("verdict"):
        fields["verdict"] = Verdict(fields["verdict"])
    return _BY_NAME[kind](**fields)
