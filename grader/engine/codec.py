"""The wire between the examiner and the student's process.

Examiner to student the body of a frame (see `frames`) is a cloudpickle: the student's process may believe what it is
told. Student to examiner it is never unpickled: a JSON header (nested lists with one-letter tags) and the raw bytes that
the header counts, decoded into a closed set of plain values:

    None bool int float complex str bytes list tuple set frozenset dict
    deque Counter namedtuple torch.Size
    numpy arrays and scalars, torch tensors (plain dtypes only), numpy.random.Generator, torch.Generator

Anything else stays on the student's side and crosses as the number of a handle. Whatever arrives here was written
by a stranger: every length, shape, dtype and state is checked before it is used, and `WireError` is the only thing
that `decode` raises.
"""

from __future__ import annotations

import builtins
import functools
import io
import json
import math
import struct
from collections import Counter, deque, namedtuple
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any

import cloudpickle
import numpy as np
import torch

from grader.sandbox.messages import WireError

MAX_DEPTH = 64
MAX_HEADER = 16 * 2**20
"""Bytes of JSON in one message. Python objects are some ten times larger than their JSON."""
REQUEST = struct.Struct("!QQ")
"""What stands before a request's pickle: its number, which the answer must repeat, and the largest answer allowed."""
_DTYPES = {
    np.dtype(name).str: np.dtype(name)
    for name in ("bool", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16")
}
_TORCH_DTYPES = {f"torch.{name}": getattr(torch, name) for name in (
    "bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64", "complex64", "complex128",
)}  # fmt: skip
_BIT_GENERATORS = {
    kind.__name__: kind
    for kind in (np.random.PCG64, np.random.PCG64DXSM, np.random.MT19937, np.random.Philox, np.random.SFC64)
}
_COMPARISONS = {"equal", "allclose", "isclose", "eq", "ne", "equals", "array_equal", "almost_equal"}
_PLAIN_KEYS = (str, int, float, bool, bytes, type(None), tuple)
ABILITIES = (
    *("__call__", "__len__", "__iter__", "__next__", "__getitem__", "__setitem__", "__hash__"),
    "__instancecheck__",
)
"""What an object that stays behind may be able to do; which of it crosses with its handle, a bit for each."""


class TooLarge(Exception):
    """What should be sent is larger than the wire allows."""


# ------------------------------------------------------------------------------------------ exceptions


class StudentError(Exception):
    """An exception of the student's own making; its name stands in the text."""


class StudentExit(BaseException):
    """The student's code tried to end the process, or raised what is no ordinary exception."""


def builtin_exception(names: list[str], text: str) -> BaseException:
    """The exception that a remote one becomes: the first of `names` (its class and bases) that is a built-in.

    What is no `Exception` (SystemExit, KeyboardInterrupt) becomes StudentExit, and StopIteration, which would end
    a loop silently, a RuntimeError, as in a generator (PEP 479).
    """
    known = [getattr(builtins, name, None) for name in names[:50]]
    kinds = [kind for kind in known if isinstance(kind, type) and issubclass(kind, BaseException)]
    kind = kinds[0] if kinds else Exception
    if not issubclass(kind, Exception):
        return StudentExit(f"{names[0] if names else '?'}: {text}")
    if issubclass(kind, StopIteration | StopAsyncIteration):
        return RuntimeError(f"{kind.__name__} raised: {text}")
    if kind is Exception and names[:1] != ["Exception"]:
        return StudentError(f"{names[0] if names else '?'}: {text}")
    try:
        return kind(text)
    except TypeError:  # those that want more arguments, such as UnicodeDecodeError
        return StudentError(f"{kind.__name__}: {text}")


# ------------------------------------------------------------------------- student to examiner: encode


@dataclass
class Encoder:
    """Turns values into a header and blobs. `handle` gives the number of a value that stays here, `graph` of a tensor that was
    computed from others.

    `mine` maps id(object) to the position of an argument that was sent here: such an object goes back as a
    reference, so that a function that returns its input returns the examiner's own object.
    """

    handle: Callable[[Any], int]
    mine: dict[int, int] = field(default_factory=dict)
    blobs: list[bytes] = field(default_factory=list)
    graph: Callable[[torch.Tensor], int] | None = None

    def value(self, x: Any, depth: int = 0, known: bool = True) -> Any:
        """The header's form of `x`; `known` is False at the top of an argument's own new content."""
        if known and id(x) in self.mine:
            return ["m", self.mine[id(x)]]
        kind = type(x)
        if x is None or kind is bool or kind is str or kind is float:
            return x
        if kind is int:
            return x if abs(x) < 2**62 else ["i", hex(x)]
        if kind is complex:
            return ["c", x.real, x.imag]
        if kind in (bytes, bytearray):
            return ["b", self._blob(bytes(x))]
        if depth > MAX_DEPTH:
            raise TooLarge(f"nested more than {MAX_DEPTH} deep")
        if kind in _SEQUENCES:
            return [_SEQUENCES[kind], [self.value(item, depth + 1) for item in x]]
        if kind is dict and _plain_keys(x):
            return ["d", [[self.value(k, depth + 1), self.value(v, depth + 1)] for k, v in x.items()]]
        if kind in _MADE_OF and (kind is not Counter or _plain_keys(x)):
            return ["y", kind.__name__, self.value(_MADE_OF[kind](x), depth + 1)]
        if (fields := _fields(kind)) is not None:
            return ["n", kind.__name__, fields, [self.value(item, depth + 1) for item in x]]
        if kind is np.ndarray or isinstance(x, np.generic):
            dtype = x.dtype.newbyteorder("=")
            if dtype.str in _DTYPES and (kind is np.ndarray or kind is dtype.type):
                blob = self._blob(np.ascontiguousarray(x, dtype=dtype).tobytes())
                return ["a", dtype.str, list(x.shape), blob] if kind is np.ndarray else ["g", dtype.str, blob]
        if kind in (torch.Tensor, torch.nn.Parameter) and plain_tensor(x):
            grad = self.graph(x) if self.graph and x.grad_fn is not None else x.requires_grad
            return ["T", str(x.dtype), list(x.shape), grad, self._blob(tensor_bytes(x))]
        if kind is np.random.Generator:
            state = x.bit_generator.state
            if state["bit_generator"] in _BIT_GENERATORS:
                return ["r", state["bit_generator"], self.value(state, depth + 1)]
        if kind is torch.Generator and x.device.type == "cpu":
            return ["R", self._blob(x.get_state().numpy().tobytes())]
        return ["h", self.handle(x), kind.__name__, _abilities(kind)]

    def _blob(self, data: bytes) -> int:
        self.blobs.append(data)
        return len(data)

    def body(self, header: Any, limit: int) -> bytes:
        """The frame's body. Raises TooLarge."""
        text = json.dumps(header).encode()
        size = 4 + len(text) + sum(map(len, self.blobs))
        if len(text) > MAX_HEADER or size > limit:
            raise TooLarge(f"an answer of {size} bytes; {limit} are allowed")
        return b"".join([struct.pack("!I", len(text)), text, *self.blobs])


def _abilities(kind: type) -> int:
    """What objects of a type can do, a bit for each of `ABILITIES`; not what the type itself can."""
    known = {name: can for base in reversed(kind.__mro__) for name, can in vars(base).items()}
    return sum(1 << n for n, name in enumerate(ABILITIES) if known.get(name) is not None)


def _fields(kind: type) -> list[str] | None:
    """The fields of a named tuple that has nothing else to show."""
    fields = getattr(kind, "_fields", ()) if kind.__bases__ == (tuple,) else ()
    shown = {name for name in vars(kind) if name[0] != "_"}
    return list(fields) if fields and shown == {*fields} and not any(map(judges, fields)) else None


def judges(name: str) -> bool:
    """Whether a test may call the method of this name on an answer, of arrays: an object must not be its own judge."""
    return name in _COMPARISONS or name.startswith("assert")


def _plain_keys(x: dict[Any, Any]) -> bool:
    return all(type(key) in _PLAIN_KEYS for key in x)


_record = functools.lru_cache(maxsize=100)(namedtuple)
_MADE_OF: dict[type, Any] = {torch.Size: tuple, deque: list, Counter: dict}
"""Containers that cross as a plain one."""
_SEQUENCES: dict[type, str] = {list: "l", tuple: "t", set: "s", frozenset: "f"}
_MAKERS: dict[str, type] = {tag: kind for kind, tag in _SEQUENCES.items()}

# ------------------------------------------------------------------------- student to examiner: decode


@dataclass
class Decoder:
    """Reads one body: `header` is the JSON, `value` turns a part of it into a plain value, in the order it was sent.

    `handle(number, type_name, abilities)` makes the stand-in of an object that stayed behind, or with a tensor for abilities, of
    one whose graph did; `mine` are the examiner's own objects that the message may refer to.
    """

    header: Any
    rest: memoryview
    handle: Callable[[int, str, Any], Any]
    mine: list[Any]

    @staticmethod
    def read(body: bytes, handle: Callable[[int, str, Any], Any], mine: list[Any]) -> Decoder:
        """Raises WireError where the body has no header."""
        try:
            (size,) = struct.unpack_from("!I", body)
            if size > MAX_HEADER or 4 + size > len(body):
                raise WireError("a header of the wrong length")
            return Decoder(json.loads(body[4 : 4 + size]), memoryview(body)[4 + size :], handle, mine)
        except (ValueError, RecursionError, MemoryError, struct.error) as error:
            raise WireError(f"no header: {error}") from None

    def value(self, part: Any) -> Any:
        """The value of a part of the header. Raises WireError, and nothing else."""
        try:
            return self._value(part, 0)
        except WireError:
            raise
        except Exception as error:
            raise WireError(f"not a value: {type(error).__name__}") from None

    def _value(self, part: Any, depth: int) -> Any:
        if not isinstance(part, list):
            if isinstance(part, dict):
                raise WireError("a bare dict")
            return part
        if depth > MAX_DEPTH + 1:
            raise WireError("nested too deep")
        tag, *fields = part
        if tag in _MAKERS:
            (items,) = fields
            return _MAKERS[tag](self._value(item, depth + 1) for item in items)
        match tag, fields:
            case "d", [pairs]:
                return {self._key(k, depth): self._value(v, depth + 1) for k, v in pairs}
            case "i", [str(text)]:
                return int(text, 16)
            case "c", [float(re), float(im)]:
                return complex(re, im)
            case "b", [int(size)]:
                return self._take(size)
            case "a", [str(dtype), list(shape), int(size)]:
                return self._array(_DTYPES[dtype], shape, size)
            case "g", [str(dtype), int(size)]:
                return self._array(_DTYPES[dtype], [], size)[()]
            case "T", [str(name), list(shape), int(grad), int(size)]:
                return self._tensor(_TORCH_DTYPES[name], shape, grad, size)
            case "y", [str(name), part]:
                kind = next(kind for kind in _MADE_OF if kind.__name__ == name)
                if type(plain := self._value(part, depth + 1)) is _MADE_OF[kind]:
                    return kind(plain)
            case "n", [str(name), list(fields), list(items)] if len(fields) < 100 and not any(
                map(judges, fields)
            ):
                return _record(name, tuple(fields))(*(self._value(item, depth + 1) for item in items))
            case "r", [str(name), state]:
                return self._numpy_generator(name, self._value(state, depth + 1))
            case "R", [int(size)]:
                generator = torch.Generator()
                generator.set_state(torch.frombuffer(bytearray(self._take(size)), dtype=torch.uint8))
                return generator
            case "h", [int(number), str(kind), int(able)] if 0 <= able < 1 << len(ABILITIES):
                return self.handle(number, kind[:80], able)
            case "m", [int(position)] if 0 <= position < len(self.mine):
                return self.mine[position]
        raise WireError("an unknown tag")

    def _key(self, part: Any, depth: int) -> Any:
        key = self._value(part, depth + 1)
        if type(key) not in _PLAIN_KEYS:
            raise WireError("a key that is not plain")
        return key

    def _take(self, size: int) -> bytes:
        if type(size) is not int or not 0 <= size <= len(self.rest):
            raise WireError("a blob longer than the message")
        data, self.rest = bytes(self.rest[:size]), self.rest[size:]
        return data

    def _shape(self, shape: list[Any], itemsize: int, size: int) -> tuple[int, ...]:
        if len(shape) > 32 or not all(type(n) is int and 0 <= n < 2**40 for n in shape):
            raise WireError("an impossible shape")
        if math.prod(shape) * itemsize != size:
            raise WireError("a shape that does not fit its data")
        return tuple(shape)

    def _array(self, dtype: np.dtype[Any], shape: list[Any], size: int) -> Any:
        dims = self._shape(shape, dtype.itemsize, size)
        data = self._take(size)
        if dtype == np.bool_:  # a byte of 2 would be a truth value that compares like no other
            return (np.frombuffer(data, np.uint8) != 0).reshape(dims)
        return _array(dtype.str, dims, data)

    def _tensor(self, dtype: torch.dtype, shape: list[Any], grad: int, size: int) -> torch.Tensor:
        dims = self._shape(shape, dtype.itemsize, size)
        tensor = _from_bytes(dtype, dims, self._take(size))
        if not (dtype.is_floating_point or dtype.is_complex):
            return tensor
        return tensor.requires_grad_(grad) if type(grad) is bool else self.handle(grad, "Tensor", tensor)

    def _numpy_generator(self, name: str, state: Any) -> np.random.Generator:
        # numpy indexes its buffers by these without a check of its own: a wrong one reads foreign memory
        position, length = {
            "MT19937": (state["state"].get("pos"), 624),
            "Philox": (state.get("buffer_pos"), 4),
        }.get(name, (0, 0))
        if type(position) is not int or not 0 <= position <= length or state["bit_generator"] != name:
            raise WireError("an impossible generator state")
        bits = _BIT_GENERATORS[name](0)
        bits.state = state
        return np.random.Generator(bits)


def read_answer(decoder: Decoder, mutable: list[Any]) -> tuple[BaseException | None, Any]:
    """What an answer says was raised, or its value; the arguments `mutable` get the content that the call left in its copies.

    Raises WireError.
    """
    header = decoder.header
    if "e" in header:
        names, text, trace = header["e"], header.get("text"), header.get("trace")
        if not isinstance(names, list) or not all(isinstance(x, str) for x in [*names, text, trace]):
            raise WireError("not an exception")
        error = builtin_exception([name[:80] for name in names], text)
        if trace:
            error.add_note(trace)
        return error, None
    value = decoder.value(header.get("v"))
    try:
        for position, content in header.get("m", []):
            put_back(mutable[position], decoder.value(content))
    except WireError:
        raise
    except Exception as error:
        raise WireError(f"a change that cannot be made: {type(error).__name__}") from None
    return None, value


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
    elif isinstance(target, torch.Generator):
        target.set_state(content.get_state())
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


# -------------------------------------------------------------------------------- examiner to student


class Pickler(cloudpickle.Pickler):
    """cloudpickle, with functions by value, generators with their state, and `counted` functions left behind."""

    def __init__(self, file: io.BytesIO, callback: Callable[[Any], tuple[Any, ...]]) -> None:
        super().__init__(file, protocol=5)
        self.callback = callback

    def reducer_override(self, obj: Any) -> Any:
        kind = type(obj)
        if kind is FunctionType and str(obj.__module__).startswith("grader.") and "<" not in obj.__qualname__:
            return NotImplemented  # by its name, which cloudpickle takes three times as long to find out
        if kind is np.ndarray and obj.dtype.str in _DTYPES and obj.flags.c_contiguous:
            return _array, (obj.dtype.str, obj.shape, obj.tobytes())
        if kind is torch.Generator:
            return _torch_generator, (obj.get_state().numpy().tobytes(),)
        # torch's own way writes a zip archive
        if kind in (torch.Tensor, torch.nn.Parameter) and plain_tensor(obj):
            grad = obj.grad if obj.is_leaf else None
            parts = (str(obj.dtype), tuple(obj.shape), obj.requires_grad, tensor_bytes(obj), grad)
            return _tensor, (kind is torch.nn.Parameter, *parts)
        if getattr(kind, "__trainlab_counted__", False):
            return self.callback(obj)
        return super().reducer_override(obj)


# cloudpickle searches all loaded modules for those below a package that a function refers to (2 ms with torch), to
# import them on the other side. The other side is a fork of the same server: it has them.
if hasattr(cloudpickle.cloudpickle, "_find_imported_submodules"):
    cloudpickle.cloudpickle._find_imported_submodules = lambda code, dependencies: []


def dumps(message: Any, callback: Callable[[Any], tuple[Any, ...]]) -> bytes:
    """The pickle of `message` for the student's process; `callback(f)` reduces a function that stays here."""
    file = io.BytesIO()
    Pickler(file, callback).dump(message)
    return file.getvalue()


def _array(dtype: str, shape: tuple[int, ...], data: bytes) -> np.ndarray[Any, Any]:
    return np.frombuffer(data, _DTYPES[dtype]).reshape(shape).copy()


def _torch_generator(state: bytes) -> torch.Generator:
    generator = torch.Generator()
    generator.set_state(torch.frombuffer(bytearray(state), dtype=torch.uint8))
    return generator


def _tensor(
    parameter: bool,
    dtype: str,
    shape: tuple[int, ...],
    requires: bool,
    data: bytes,
    grad: torch.Tensor | None,
) -> torch.Tensor:
    tensor = _from_bytes(_TORCH_DTYPES[dtype], shape, data)
    tensor = torch.nn.Parameter(tensor, requires) if parameter else tensor.requires_grad_(requires)
    tensor.grad = grad
    return tensor


def _from_bytes(dtype: torch.dtype, shape: tuple[int, ...], data: bytes) -> torch.Tensor:
    if not data:
        return torch.empty(shape, dtype=dtype)
    flat = torch.from_numpy(np.frombuffer(data, np.uint8).copy())
    return (flat != 0 if dtype is torch.bool else flat.view(dtype)).reshape(shape)


def plain_tensor(x: torch.Tensor) -> bool:
    return str(x.dtype) in _TORCH_DTYPES and x.layout is torch.strided and x.device.type == "cpu"


def tensor_bytes(x: torch.Tensor) -> bytes:
    """The elements of a plain tensor in row order."""
    flat = x.detach().resolve_conj().resolve_neg().contiguous().reshape(-1)
    if flat.stride(0) != 1:  # one element, expanded
        flat = flat.clone(memory_format=torch.contiguous_format)
    return flat.view(torch.uint8).numpy().tobytes()
