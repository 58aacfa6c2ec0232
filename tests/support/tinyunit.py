"""A course of one unit with one exercise, small enough to break on purpose."""

from __future__ import annotations

import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
UNIT = "05_tiny"

SOURCE = '''\
# %% [markdown]
# # Tiny
#
# One exercise.

# %% nbgrader={"grade": false, "grade_id": "setup", "locked": true, "schema_version": 3, "solution": false, "task": false}
from trainlab import checks

# %% nbgrader={"grade": false, "grade_id": "double", "locked": false, "schema_version": 3, "solution": true, "task": false}
def double(x: float) -> float:
    """Twice x."""
    ### BEGIN SOLUTION
    twofold = x + x
    return twofold
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_double_values", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
checks.number(double(1.5), 3.0, "double(1.5)")
checks.public_passed("double: values")
### BEGIN HIDDEN TESTS
checks.number(double(-4.25), -8.5, "double(-4.25)")
### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "test_double_zero", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
checks.number(double(0.0), 0.0, "double(0)")
checks.public_passed("double: zero")

# %% tags=["explore"]
print(double(21.0))
'''

BANK = """\
from grader.source.bank import misconception, variant


@variant("double")
def times_two(x):
    return 2 * x


@misconception("double", says="Your result is the square of x.", see="1. Doubling")
def squared(x):
    return x * x


@misconception("double", says="Your result is twice x plus one.", see="1. Doubling")
def off_by_one(x):
    return 2 * x + 1
"""

LECTURE = """\
# %% [markdown]
# # What is twice a number?
#
# ## 1. Doubling

# %%
print(2 * 21)
"""


def make(where: Path, *, source: str = SOURCE, bank: str = BANK, lecture: str = LECTURE) -> Path:
    """Write the course below `where`, unbuilt; return `where`."""
    unit = where / "solutions" / UNIT
    unit.mkdir(parents=True)
    (where / "lectures").mkdir()
    (unit / f"{UNIT}.py").write_text(source)
    (unit / "bank.py").write_text(bank)
    (where / "lectures" / f"{UNIT}.py").write_text(lecture)
    for name in ("pyproject.toml", "nbgrader_config.py"):
        shutil.copy(ROOT / name, where)
    return where
