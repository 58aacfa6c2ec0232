"""Arrays, tensors and random generators as plain bytes and back: both directions of the wire use these.

A dtype, a shape or a state may come from a stranger: what does not fit raises ValueError, KeyError or TypeError.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

DTYPES = {
    np.dtype(name).str: np.dtype(name)
    for name in (
        "bool",
        "i1",
        "i2",
        "i4",
        "i8",
        "u1",
        "u2",
        "u4",
        "u8",
        "f2",
        "f4",
        "f8",
        "c8",
        "c16",
        "longdouble",
        "clongdouble",
    )
}
_MORE = re.compile(r"[<>]U\d{1,6}|\|S\d{1,6}|[<>][mM]8\[\d{0,4}(Y|M|W|D|h|m|s|ms|us|ns)\]")
"""Names of dtypes of strings, bytes, dates and times."""
TORCH_DTYPES = {f"torch.{name}": getattr(torch, name) for name in (
    "bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64", "complex64", "complex128",
)}  # fmt: skip
BIT_GENERATORS = {
    kind.__name__: kind
    for kind in (np.random.PCG64, np.random.PCG64DXSM, np.random.MT19937, np.random.Philox, np.random.SFC64)
}


def is_plain(dtype: np.dtype[Any]) -> bool:
    """Whether an array's elements are plain bytes of a kind that crosses."""
    return dtype.str in DTYPES or _MORE.fullmatch(dtype.str) is not None


def dtype(name: str) -> np.dtype[Any]:
    """The dtype of this name, of a kind that crosses."""
    return np.dtype(name) if name not in DTYPES and _MORE.fullmatch(name) else DTYPES[name]


def array(name: str, shape: Sequence[int], data: bytes) -> np.ndarray[Any, Any]:
    """The array of a dtype's name; a byte of 2 is True, it would be a truth value that compares like no other."""
    kind = dtype(name)
    dims = _dims(shape, kind.itemsize, len(data))
    if kind.kind == "U" and np.frombuffer(data, np.uint32).max(initial=0) > 0x10FFFF:
        raise ValueError("a character that is none")
    if kind == np.bool_:
        return (np.frombuffer(data, np.uint8) != 0).reshape(dims)
    return np.frombuffer(data, kind).reshape(dims).copy()


def tensor(dtype: str, shape: Sequence[int], data: bytes) -> torch.Tensor:
    """The tensor of a dtype's name, without gradient."""
    kind = TORCH_DTYPES[dtype]
    dims = _dims(shape, kind.itemsize, len(data))
    if not data:
        return torch.empty(dims, dtype=kind)
    flat = torch.from_numpy(np.frombuffer(data, np.uint8).copy())
    return (flat != 0 if kind is torch.bool else flat.view(kind)).reshape(dims)


def _dims(shape: Sequence[int], itemsize: int, size: int) -> tuple[int, ...]:
    if len(shape) > 32 or not all(type(n) is int and 0 <= n < 2**40 for n in shape):
        raise ValueError("an impossible shape")
    if math.prod(shape) * itemsize != size:
        raise ValueError("a shape that does not fit its data")
    return tuple(shape)


def plain_tensor(x: torch.Tensor) -> bool:
    return str(x.dtype) in TORCH_DTYPES and x.layout is torch.strided and x.device.type == "cpu"


def tensor_bytes(x: torch.Tensor) -> bytes:
    """The elements of a plain tensor in row order."""
    flat = x.detach().resolve_conj().resolve_neg().contiguous().reshape(-1)
    if flat.stride(0) != 1:  # one element, expanded
        flat = flat.clone(memory_format=torch.contiguous_format)
    return flat.view(torch.uint8).numpy().tobytes()


def numpy_generator(name: str, state: Any, entropy: Any, key: Any, spawned: int) -> np.random.Generator:
    """A generator in this state, whose spawn goes on from a seed sequence's entropy, key and number of children."""
    # numpy indexes its buffers by these without a check of its own: a wrong one reads foreign memory
    position, length = {
        "MT19937": (state["state"].get("pos"), 624),
        "Philox": (state.get("buffer_pos"), 4),
    }.get(name, (0, 0))
    if type(position) is not int or not 0 <= position <= length or state["bit_generator"] != name:
        raise ValueError("an impossible generator state")
    numbers = [*(entropy if type(entropy) is list else [entropy]), *key, spawned]
    if type(key) is not tuple or not all(type(n) in (int, type(None)) for n in numbers):
        raise ValueError("an impossible seed")
    bits = BIT_GENERATORS[name](np.random.SeedSequence(entropy, spawn_key=key, n_children_spawned=spawned))
    bits.state = state
    return np.random.Generator(bits)


def torch_generator(state: bytes) -> torch.Generator:
    generator = torch.Generator()
    generator.set_state(torch.frombuffer(bytearray(state), dtype=torch.uint8))
    return generator
