"""Stock nbgrader's own commands, as an instructor types them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

WITHOUT = Path(__file__).with_name("without")


def nbgrader(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `nbgrader arguments` in `folder`."""
    path = os.pathsep.join([str(WITHOUT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments],
        cwd=folder,
        env={**os.environ, **environment, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=600,
    )
