"""Arguments that a call changes in place: which those are, whether one has changed, and how it is changed on the other side, too."""

from __future__ import annotations

import contextlib
import copy
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from grader.engine import buffers, codec, frames
from grader.sandbox.messages import WireError

_ARRAYS = (np.ndarray, torch.Tensor, torch.nn.Parameter, np.random.Generator, torch.Generator)
_ATOMS = frozenset([bool, int, float, complex, str, bytes, type(None)])
_CHANGEABLE = frozenset([list, deque, set, bytearray, dict, Counter, OrderedDict, defaultdict, *_ARRAYS])


def changeable(values: Iterable[Any]) -> list[Any]:
    """The arrays, tensors, generators, lists, sets and dicts among a call's arguments, each once, outermost first."""
    found: dict[int, Any] = {}

    def visit(x: Any) -> None:
        kind = type(x)
        if kind in _ATOMS or id(x) in found or getattr(kind, "__trainlab_counted__", False):
            return
        if kind in _CHANGEABLE or frames.is_table(x):
            found[id(x)] = x
        if kind in (list, tuple, deque):
            for item in x:
                visit(item)
        elif isinstance(x, dict):
            for item in x.values():
                visit(item)
        elif isinstance(x, torch.nn.Module):
            for item in (*x.parameters(), *x.buffers()):
                visit(item)
        elif kind is SimpleNamespace or kind.__module__ == "__main__":  # of a class of the notebook's own
            for item in getattr(x, "__dict__", {}).values():
                visit(item)

    for value in values:
        visit(value)
    return list(found.values())


def snapshot(x: Any) -> tuple[Any, Any]:
    """What decides whether a mutable argument has changed, and what must live on meanwhile: a freed object's address comes back."""
    if isinstance(x, np.ndarray):
        return (x.shape, x.dtype, x.tobytes()), None
    if isinstance(x, torch.Tensor):
        parts = [
            part
            for part in (x, x.grad if x.is_leaf else None)
            if part is not None and buffers.plain_tensor(part)
        ]
        return (tuple(x.shape), x.requires_grad, [buffers.tensor_bytes(part) for part in parts]), None
    if isinstance(x, np.random.Generator):
        return (repr(x.bit_generator.state), getattr(x.bit_generator.seed_seq, "n_children_spawned", 0)), None
    if isinstance(x, torch.Generator):
        return x.get_state().numpy().tobytes(), None
    if frames.is_table(x):
        encoder = codec.Encoder(lambda other: 0)
        return (repr(encoder.value(x)), encoder.blobs), None
    items = [part for pair in x.items() for part in pair] if isinstance(x, dict) else list(x)
    return [id(item) for item in items], items


def content(x: Any, encoder: codec.Encoder) -> Any:
    """The new content of a mutable argument."""
    if isinstance(x, torch.Tensor):
        grad = x.grad if x.is_leaf else None
        return encoder.value([x.detach().requires_grad_(x.requires_grad and x.is_leaf), grad], known=False)
    plain = dict if isinstance(x, dict) else list if isinstance(x, deque) else lambda x: x
    return encoder.value(plain(x), known=False)


def put_back(target: Any, content: Any) -> None:
    """Give an argument the content that the student's call left in its copy."""
    if isinstance(target, np.ndarray):
        alike = isinstance(content, np.ndarray) and content.shape == target.shape
        if not alike or content.dtype != target.dtype:
            raise WireError("an array that changed its shape")
        target[...] = content
    elif isinstance(target, torch.Tensor):
        data, grad = content
        with torch.no_grad():
            target.copy_(data)
        if target.is_leaf:
            target.requires_grad_(data.requires_grad)
            target.grad = grad
    elif isinstance(target, np.random.Generator):
        target.bit_generator.state = content.bit_generator.state
        seed, spawned = target.bit_generator.seed_seq, content.bit_generator.seed_seq.n_children_spawned
        if isinstance(seed, np.random.SeedSequence) and 0 < spawned - seed.n_children_spawned < 10_000:
            seed.spawn(spawned - seed.n_children_spawned)
    elif isinstance(target, torch.Generator):
        target.set_state(content.get_state())
    elif frames.is_table(target) and type(content) is type(target):
        target._update_inplace(content)
    elif isinstance(target, list | bytearray) and isinstance(content, list | bytes | bytearray):
        target[:] = content
    elif isinstance(target, deque) and isinstance(content, list | deque):
        target.clear()
        target.extend(content)
    elif isinstance(target, dict | set) and isinstance(content, dict | set):
        target.clear()
        target.update(content)
    else:
        raise WireError("an argument that changed its type")


def _copied(x: Any) -> Any:
    """A copy of what is in a mutable value, as `put_back` takes it."""
    if isinstance(x, torch.Tensor):
        grad = x.grad.clone() if x.is_leaf and x.grad is not None else None
        return x.detach().clone().requires_grad_(x.requires_grad and x.is_leaf), grad
    return copy.deepcopy(x) if isinstance(x, np.random.Generator | torch.Generator) else x.copy()


def as_it_is(values: dict[str, Any]) -> Callable[[dict[str, Any]], None]:
    """Remembers names, and what is in the arrays, lists ... behind them; the result puts all of it back."""
    contents = [(x, _copied(x)) for x in changeable(values.values())]

    def restore(namespace: dict[str, Any]) -> None:
        for name, value in values.items():
            dict.__setitem__(namespace, name, value)
        for x, content in contents:
            # read-only or overlapping: it was not changed either
            with contextlib.suppress(ValueError, RuntimeError):
                put_back(x, content)

    return restore
