"""A stranger's text made safe to show, and lists cut short."""

from __future__ import annotations

from collections.abc import Sequence


def printable(text: str, limit: int = 100) -> str:
    """A stranger's file name in one line: no control or bidirectional characters, not too long."""
    shown = "".join(c if c.isprintable() else "?" for c in text)
    return shown if len(shown) <= limit else shown[:limit] + "..."


def some(names: Sequence[str], limit: int = 3) -> str:
    return ", ".join(names[:limit]) + (f" and {len(names) - limit} more" if len(names) > limit else "")
