"""From the examiner to the student's process: cloudpickle, which that process may believe."""

from __future__ import annotations

import io
from collections.abc import Callable
from types import FunctionType
from typing import Any

import cloudpickle
import numpy as np
import torch

from grader.engine import buffers


class Pickler(cloudpickle.Pickler):
    """cloudpickle, with functions by value, generators with their state, and `counted` functions left behind."""

    def __init__(
        self,
        file: io.BytesIO,
        callback: Callable[[Any], tuple[Any, ...]],
        classes: Callable[[type], tuple[Any, ...] | None] = lambda kind: None,
    ) -> None:
        super().__init__(file, protocol=5)
        self.callback, self.classes = callback, classes

    def reducer_override(self, obj: Any) -> Any:
        kind = type(obj)
        if kind is FunctionType and str(obj.__module__).startswith("grader.") and "<" not in obj.__qualname__:
            return NotImplemented  # by its name, which cloudpickle takes three times as long to find out
        if kind is np.ndarray and obj.dtype.str in buffers.DTYPES and obj.flags.c_contiguous:
            return buffers.array, (obj.dtype.str, obj.shape, obj.tobytes())
        if kind is torch.Generator:
            return buffers.torch_generator, (obj.get_state().numpy().tobytes(),)
        # torch's own way writes a zip archive
        if kind in (torch.Tensor, torch.nn.Parameter) and buffers.plain_tensor(obj):
            grad = obj.grad if obj.is_leaf else None
            parts = (str(obj.dtype), tuple(obj.shape), buffers.tensor_bytes(obj), obj.requires_grad, grad)
            return _tensor, (kind is torch.nn.Parameter, *parts)
        if isinstance(obj, type) and (known := self.classes(obj)):
            return known
        if getattr(kind, "__trainlab_counted__", False):
            return self.callback(obj)
        return super().reducer_override(obj)


# cloudpickle searches all loaded modules for those below a package that a function refers to (2 ms with torch), to
# import them on the other side. The other side is a fork of the same server: it has them.
if hasattr(cloudpickle.cloudpickle, "_find_imported_submodules"):
    cloudpickle.cloudpickle._find_imported_submodules = lambda code, dependencies: []


def dumps(message: Any, *ways: Callable[[Any], Any]) -> bytes:
    """The pickle of `message` for the student's process; `ways` are how a function that stays here is reduced, and a class that is
    there already."""
    file = io.BytesIO()
    Pickler(file, *ways).dump(message)
    return file.getvalue()


def _tensor(
    parameter: bool,
    dtype: str,
    shape: tuple[int, ...],
    data: bytes,
    requires: bool,
    grad: torch.Tensor | None,
) -> torch.Tensor:
    plain = buffers.tensor(dtype, shape, data)
    given = torch.nn.Parameter(plain, requires) if parameter else plain.requires_grad_(requires)
    given.grad = grad
    return given
