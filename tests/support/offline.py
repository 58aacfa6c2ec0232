"""Run a command on a machine without a network."""

from __future__ import annotations

import shutil
import subprocess


def prefix() -> list[str]:
    """What to put before a command so that it has no network; nothing where the kernel does not allow that."""
    command = ["unshare", "--map-root-user", "--net"]
    allowed = (
        shutil.which("unshare") and not subprocess.run([*command, "true"], capture_output=True).returncode
    )
    return command if allowed else []
