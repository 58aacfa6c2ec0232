"""Parts of torch that are imported when something of them is asked for: a second's work, which most submissions need nothing of.

torch._dynamo: an optimiser imports it at its first step, for two functions that do nothing where nothing is compiled. Here they are;
whatever else is asked of the module imports it in its place.

torch._meta_registrations: a sixth of `import torch`. It tells tensors without data (device "meta"), and what traces programs by them,
what comes of operations that C++ does not know for them. Nothing asks it for that: `preload` looks for text that calls for it.
"""

from __future__ import annotations

import functools
import itertools
import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any


def _nothing(*_: Any, **__: Any) -> None:
    """`graph_break`, where nothing is compiled."""


def _as_it_is(fn: Callable[..., Any] | None = None, *_: Any, **__: Any) -> Any:
    """`disable`, where nothing is compiled."""
    return fn or functools.partial(_as_it_is)


HERE: dict[str, dict[str, Any]] = {
    "torch._meta_registrations": {},
    "torch._dynamo": {"graph_break": _nothing, "disable": _as_it_is},
}
"""The parts, and what of each is here. Each wants those before it to have been imported."""


class _Later(ModuleType):
    """A module before it is imported."""

    def __getattr__(self, name: str) -> Any:
        # a search through all loaded modules (unittest's, say) asks for names with underscores, and needs no answer
        if name.startswith("__") and name != "__path__":
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        _import(self)
        return getattr(self, name)


def _import(module: ModuleType) -> None:
    """Import in its place what was put off, and first the parts that it wants."""
    for before in itertools.takewhile(lambda name: name != module.__name__, HERE):
        if isinstance(part := sys.modules.get(before), _Later):
            _import(part)
    spec = module.__spec__
    assert spec and isinstance(spec.loader, _Loader)
    module.__class__ = ModuleType
    spec.loader = module.__loader__ = spec.loader.real
    if spec.submodule_search_locations is not None:
        module.__path__ = spec.submodule_search_locations
    spec.loader.exec_module(module)


class _Loader(Loader):
    """Makes a module of which nothing is there but what `HERE` says."""

    def __init__(self, real: Loader) -> None:
        self.real = real

    def exec_module(self, module: ModuleType) -> None:
        vars(module).pop("__path__", None)  # who asks for it wants to import a part
        vars(module).update(HERE[module.__name__])
        module.__class__ = _Later


class _Brought(Loader):
    """Leaves a module as it is: Python was about to import it when its package was, which has brought it."""

    def __init__(self, module: ModuleType) -> None:
        self.module, self.spec = module, module.__spec__

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return self.module

    def exec_module(self, module: ModuleType) -> None:
        vars(module)["__spec__"] = self.spec  # a module of settings takes no attributes


class _Finder(MetaPathFinder):
    def find_spec(self, name: str, path: Sequence[str] | None, target: Any = None) -> ModuleSpec | None:
        if name in sys.modules and name.rpartition(".")[0] in HERE:
            return ModuleSpec(name, _Brought(sys.modules[name]))
        spec = PathFinder.find_spec(name, path) if name in HERE else None
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)
        return spec


def put_off() -> None:
    """From now on an import, torch's own too, binds these parts as they are before anything is asked of them; those that are there
    already stay."""
    sys.meta_path.insert(0, _Finder())
