"""Files that are whole or as they were."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

IN_THE_WAY = (IsADirectoryError, NotADirectoryError, FileExistsError)
"""What writing a file or a folder raises where something of another kind lies."""


def write_whole(path: Path, content: bytes) -> bool:
    """Make a file hold `content`, and its folder exist; False where it does already.

    Raises OSError, the file then being what it was before.
    """
    with contextlib.suppress(OSError):
        if path.read_bytes() == content:
            return False
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(".new")  # a fixed name: one made from a long name could be too long
    try:
        fresh.write_bytes(content)
        os.replace(fresh, path)
    except OSError:
        with contextlib.suppress(OSError):
            fresh.unlink()
        raise
    return True
