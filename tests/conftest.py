"""What holds for every test: where commands are found, the marks that select a unit, and who runs what, in which order."""

import functools
import gc
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.course import UNITS

# nbgrader starts `alembic` by name; where the environment was not activated, it stands beside our Python.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])

BY_UNIT = tuple(f"tests/course/test_{name}.py" for name in ("artefacts", "lectures", "units"))
"""Of these files a unit's tests are a group of their own."""
LONGEST = (
    "tests/hostile/test_hostile.py[slow",
    "tests/hostile/test_hostile.py[quick",
    "tests/hostile/test_hostile.py",
    "tests/browser/test_site.py",
    "tests/course/test_colab.py",
    "tests/trainlab/test_plots.py",
    "tests/trainlab/test_interact.py",
)
"""The longest groups of `make test`, then those of `make check`; units, of a minute each, come after them. A group is a file's tests, or
those of its tests whose parameters begin so."""


def pytest_configure(config: pytest.Config) -> None:
    for unit in UNITS:
        config.addinivalue_line(
            "markers", f"unit{unit[:2]}: what concerns {unit} (`pytest -m unit{unit[:2]}`)"
        )


def group(nodeid: str) -> str:
    """The tests that one worker runs one after the other: a part of LONGEST, a unit's own, else a file's."""
    file, _, name = nodeid.partition("::")
    if longest := next((one for one in LONGEST if f"{file}[{name.partition('[')[2]}".startswith(one)), None):
        return longest
    return next((unit for unit in UNITS if file in BY_UNIT and unit in name), file)


def rank(of: str) -> tuple[int, str]:
    """Where a group stands: by LONGEST, then the units, then the other files."""
    return LONGEST.index(of) if of in LONGEST else len(LONGEST) + (of not in UNITS), of


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test whose parameters name a unit carries that unit's mark. The longest group goes first, so that no worker waits long for another
    at the end."""
    for item in items:
        for unit in UNITS:
            if re.search(rf"\b{unit}\b", item.name):
                item.add_marker(f"unit{unit[:2]}")
    items.sort(key=lambda item: rank(group(item.nodeid)))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """What is imported stays: to search it for garbage, now or later, takes a fifth of the time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With `--dist loadscope` a group is one worker's, so that what its tests share is made once."""
    from xdist.scheduler import LoadScopeScheduling

    class ByGroup(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group(nodeid)

    return ByGroup(config, log) if config.getvalue("dist") == "loadscope" else None


@pytest.fixture(scope="session", autouse=True)
def one_question_to_alembic() -> Iterator[None]:
    """For each new gradebook nbgrader starts a process that says which version of the schema is its own: the answer is always the same."""
    api = sys.modules.get("nbgrader.api")
    with pytest.MonkeyPatch.context() as patch:
        if api is not None:
            patch.setattr(api, "get_alembic_version", functools.cache(api.get_alembic_version))
        yield
