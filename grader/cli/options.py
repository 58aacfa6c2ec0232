"""Arguments that commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def _units_here() -> list[str]:
    """Names of units for the shell's completion: the folders of the source or release folder here."""
    folders = (Path().glob(f"{name}/*/*.ipynb") for name in ("solutions", "source", "assignments"))
    return sorted({path.parent.name for paths in folders for path in paths})


def _named(unit: str) -> str:
    """The unit that a folder's name stands for: shells complete it with a slash."""
    return unit.rstrip("/") or unit


Unit = Annotated[
    str,
    typer.Argument(help="A unit such as 05_momentum.", autocompletion=_units_here, parser=_named),
]
Units = Annotated[
    list[str] | None,
    typer.Argument(
        help="Units such as 05_momentum; all by default.",
        autocompletion=_units_here,
        parser=_named,
    ),
]
Course = Annotated[
    Path, typer.Option("--course", help="The course's folder (where nbgrader_config.py stands).")
]
HERE = Path()
Students = Annotated[
    list[str] | None, typer.Option("--student", help="Only this student; may be given more than once.")
]
Database = Annotated[str | None, typer.Option("--db", help="The gradebook, as an SQLAlchemy URL.")]
Json = Annotated[bool, typer.Option("--json", help="Print what was found as JSON.")]
Unsandboxed = Annotated[
    bool,
    typer.Option(
        "--allow-unsandboxed",
        help="Grade where this machine offers no isolation: students' code then runs with your rights.",
    ),
]
