"""A stranger's text made safe to show, and lists cut short."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

# control characters but tab and line feed, marks that turn the direction of text, separators of lines, halves of surrogates
_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]"
)
_ANSI = re.compile(r"\x1b\[[0-9;:?]*[A-Za-z]")


def printable(text: str, limit: int = 160) -> str:
    """A stranger's id or file name in one line that no other looks like: whatever is not printable as its code point."""
    shown = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text[: limit + 1])
    return shown if len(shown) <= limit else shown[:limit] + "..."


def encodable(text: str) -> str:
    """Any file's name as text that a terminal and a database take: bytes that are no UTF-8 become \\x escapes."""
    return text.encode("utf-8", "backslashreplace").decode()


def visible(text: str) -> str:
    """A stranger's text, lines kept: colour codes gone, every other control or direction mark as its code point."""
    plain = _ANSI.sub("", text.replace("\r\n", "\n"))
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", plain)


def some(names: Sequence[str], limit: int = 3, show: Callable[[str], str] = printable) -> str:
    """The first of the names, and how many more there are."""
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(map(show, names[:limit])) + more
