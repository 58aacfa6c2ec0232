"""The helper module of the course: what lectures and assignments share, and no answer to any exercise.

`import trainlab` loads none of its rooms, and so neither torch nor matplotlib, until one is used.
"""

from __future__ import annotations

import importlib
from types import ModuleType

__all__ = [
    "chart",
    "checks",
    "curvature",
    "data",
    "descend",
    "evidence",
    "interact",
    "networks",
    "plots",
    "surfaces",
    "timing",
]


def __getattr__(name: str) -> ModuleType:
    """A room of the module, imported when it is first asked for."""
    if name in __all__:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; its rooms are {', '.join(__all__)}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
