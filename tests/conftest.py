"""What holds for every test: where commands are found, and the marks that select a unit."""

import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.support.course import UNITS

# nbgrader starts `alembic` by name; where the environment was not activated, it stands beside our Python.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])


def pytest_configure(config: pytest.Config) -> None:
    for unit in UNITS:
        config.addinivalue_line(
            "markers", f"unit{unit[:2]}: what concerns {unit} (`pytest -m unit{unit[:2]}`)"
        )


def pytest_collection_modifyitems(items: Iterable[pytest.Item]) -> None:
    """A test whose parameters name a unit carries that unit's mark."""
    for item in items:
        for unit in UNITS:
            if re.search(rf"\b{unit}\b", item.name):
                item.add_marker(f"unit{unit[:2]}")
