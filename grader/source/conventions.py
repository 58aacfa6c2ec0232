"""What nbgrader's configuration decides about a unit's source: its markers, header and footer, and which files travel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from traitlets.config import Config
from traitlets.config.loader import LazyConfigValue

from grader.source.autotest import Autotest

STATE = ".grader"
"""The folder in the course's root where the grader keeps what is neither the student's nor nbgrader's."""
NEVER = (".ipynb_checkpoints", "__pycache__", ".git")
"""What travels in no course, whatever its configuration says."""
_MARKERS = {
    "SOLUTION": ("ClearSolutions", "solution"),
    "HIDDEN TESTS": ("ClearHiddenTests", "test"),
    "MARK SCHEME": ("ClearMarkScheme", "mark_scheme"),
}
"""Kind of a region -> nbgrader's preprocessor, and what its settings (begin_..._delimeter) are named after."""


@dataclass(frozen=True)
class Conventions:
    """A course's conventions. `markers` has those that are not nbgrader's own words: (kind, begin, end) each."""

    markers: tuple[tuple[str, str, str], ...] = ()
    header: Path | None = None
    footer: Path | None = None
    ignore: tuple[str, ...] = (*NEVER, "*.pyc", "feedback")
    autotest: Autotest = field(default_factory=Autotest)

    def travels(self, path: Path, folder: Path) -> bool:
        """Whether nbgrader copies a file of the unit's `folder`, for students and when it grades: see its CourseDirectory.ignore."""
        parts = path.relative_to(folder).parts
        return not any(fnmatch(part, pattern) for part in parts for pattern in (*NEVER, *self.ignore))

    def in_our_words(self, source: str, code: bool = True) -> str:
        """A cell with the course's own markers written as `### BEGIN SOLUTION` and so on, line by line."""
        for kind, begin, end in self.markers:
            lines, inside = [], False
            for line in source.split("\n"):
                edge, text = ("END", end) if inside and begin not in line else ("BEGIN", begin)
                if text in line:
                    inside = edge == "BEGIN"
                    line = _in_our_words(line, text, f"{edge} {kind}", code)
                lines.append(line)
            source = "\n".join(lines)
        return source


def _in_our_words(line: str, text: str, marker: str, code: bool) -> str:
    """A line that nbgrader takes for a marker because `text` stands in it."""
    if not code:
        return f"=== {marker} ==="
    bare = line.lstrip()
    return f"{line[: len(line) - len(bare)]}### {marker}" if bare[:1] == "#" else line.replace(text, marker)


NBGRADERS_OWN = Conventions()
"""Where no configuration is asked."""


def conventions(config: Config, root: Path) -> Conventions:
    """The conventions that a course's nbgrader configuration sets; nbgrader's own where it is silent."""
    plain = NBGRADERS_OWN
    markers = []
    for kind, (step, name) in _MARKERS.items():
        own = f"BEGIN {kind}", f"END {kind}"
        begin, end = (
            str(_setting(config, step, f"{edge}_{name}_delimeter", default))
            for edge, default in zip(("begin", "end"), own, strict=True)
        )
        if (begin, end) != own:
            markers.append((kind, begin, end))
    steps = _setting(config, "GenerateAssignment", "preprocessors", ())
    framed = not steps or any("IncludeHeaderFooter" in str(step) for step in steps)
    header, footer = (
        _setting(config, "IncludeHeaderFooter", name, "") if framed else "" for name in ("header", "footer")
    )
    return Conventions(
        markers=tuple(markers),
        header=root / header if header else None,
        footer=root / footer if footer else None,
        ignore=tuple(_setting(config, "CourseDirectory", "ignore", [*plain.ignore])),
        autotest=Autotest(
            _setting(config, "InstantiateTests", "autotest_delimiter", plain.autotest.delimiter),
            root,
            root / STATE / "autotest",
            Config({"InstantiateTests": config.get("InstantiateTests", {})}),
        ),
    )


def _setting(config: Mapping[str, Any], section: str, name: str, default: Any) -> Any:
    """One setting; `c.CourseDirectory.ignore.append(...)` adds to nbgrader's own list."""
    value = config.get(section, {}).get(name, default)
    return value.get_value(default) if isinstance(value, LazyConfigValue) else value
