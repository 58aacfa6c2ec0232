"""From the student's process to the examiner: values in a closed form that is never unpickled (the other way see `pickler`).

The body of a frame (see `messages`) is a JSON header, nested lists with one-letter tags, and the raw bytes that the header
counts, decoded into a closed set of plain values:

    None bool int float complex str bytes list tuple set frozenset dict
    what is made of these (see `values`), named tuples, tables of pandas (see `frames`)
    numpy arrays and scalars, torch tensors (plain dtypes only), numpy.random.Generator, torch.Generator

Anything else stays on the student's side and crosses as the number of a handle. Whatever arrives here was written
by a stranger: every length, shape, dtype and state is checked before it is used, and `WireError` is the only thing
that `decode` raises.
"""

from __future__ import annotations

import builtins
import functools
import json
import struct
from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import torch

from grader.engine import buffers, frames, values
from grader.engine.abilities import ABILITIES, BASES, CONTENT, abilities, base_of, has_state, judges
from grader.sandbox.messages import WireError

MAX_DEPTH = 64
MAX_HEADER = 16 * 2**20
"""Bytes of JSON in one message. Python objects are some ten times larger than their JSON."""
REQUEST = struct.Struct("!QQ")
"""What stands before a request's pickle: its number, which the answer must repeat, and the largest answer allowed."""
_PLAIN_KEYS = (str, int, float, bool, bytes, type(None), tuple, frozenset, date, datetime, Decimal, Fraction)
MAX_ARRAYS, _ARRAYS = 200_000, (b'["a"', b'["g"', b'["T"')
"""Arrays, scalars and tensors in one message: to make one takes as long as to read a hundred numbers."""
MAX_ALIKE = 100
"""Keys of a dict or a set for each of their hashes, on average."""
MAX_STATE, MAX_INSIDE = 8192, 4
"""Of what is sent of an object that stays behind: bytes, and objects inside one another."""
MAX_NAMED = 10
"""Subclasses that the remark on their plain content names."""


def remember_plain(plain: set[tuple[str, str]], kind: str, base: str) -> None:
    """Note that tests see a class's objects as their base's. A stranger's answer can name any number of classes: the first few are kept."""
    if len(plain) < MAX_NAMED:
        plain.add((kind[:80], base))


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


_ERRORS = {
    name: kind
    for name, kind in vars(builtins).items()
    if isinstance(kind, type)
    and issubclass(kind, Exception)
    and not issubclass(kind, StopIteration | StopAsyncIteration)
}
_NOTHING: Mapping[str, type] = {}

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
    inside: list[int] = field(default_factory=list)  # objects whose state is being taken

    def value(self, x: Any, depth: int = 0, known: bool = True) -> Any:
        """The header's form of `x`; `known` is False at the top of an argument's own new content."""
        if known and id(x) in self.mine:
            return ["m", self.mine[id(x)]]
        kind: Any = type(x)
        if x is None or kind is bool or kind is str or kind is float:
            return x
        if kind is int:
            return x if abs(x) < 2**62 else ["i", hex(x)]
        if kind is complex:
            return ["c", x.real, x.imag]
        if kind is bytes:
            return ["b", self._blob(x)]
        if depth > MAX_DEPTH:
            raise TooLarge(f"nested more than {MAX_DEPTH} deep")
        if kind in _SEQUENCES:
            return [_SEQUENCES[kind], [it if type(it) in _AS_IS else self.value(it, depth + 1) for it in x]]
        if kind is dict and _plain_keys(x):
            return ["d", [[self.value(k, depth + 1), self.value(v, depth + 1)] for k, v in x.items()]]
        if (parts := values.parts_of(x)) is not None and not any(
            type(p) is dict and not _plain_keys(p) for p in parts
        ):
            return ["y", kind.__name__, [self.value(part, depth + 1) for part in parts]]
        if (fields := _fields(kind)) is not None:
            return [
                "n",
                kind.__name__,
                fields,
                [self.value(item, depth + 1) for item in x],
                self.handle(kind),
            ]
        if kind is np.ndarray or isinstance(x, np.generic):
            dtype = x.dtype.newbyteorder("=")
            if buffers.is_plain(dtype) and (kind is np.ndarray or kind is dtype.type):
                blob = self._blob(np.ascontiguousarray(x, dtype=dtype).tobytes())
                return ["a", dtype.str, list(x.shape), blob] if kind is np.ndarray else ["g", dtype.str, blob]
            if kind is np.ndarray and dtype.kind == "O":
                return ["o", list(x.shape), [self.value(item, depth + 1) for item in x.flat]]
        if kind in (torch.Tensor, torch.nn.Parameter) and buffers.plain_tensor(x):
            grad = self.graph(x) if self.graph and x.grad_fn is not None else x.requires_grad
            return ["T", str(x.dtype), list(x.shape), grad, self._blob(buffers.tensor_bytes(x))]
        if kind is np.random.Generator:
            state, seed = x.bit_generator.state, x.bit_generator.seed_seq
            if state["bit_generator"] in buffers.BIT_GENERATORS and type(seed) is np.random.SeedSequence:
                spawns = [seed.entropy, seed.spawn_key, seed.n_children_spawned]
                return ["r", state["bit_generator"], self.value([state, *spawns], depth + 1)]
        if kind is torch.Generator and x.device.type == "cpu":
            return ["R", self._blob(x.get_state().numpy().tobytes())]
        if (table := frames.parts_of(x)) is not None:
            return ["p", kind.__name__, self.value(table, depth + 1)]
        if isinstance(x, type) and x.__module__ == "__main__" and issubclass(x, Exception):
            return [
                "x",
                x.__name__,
                next(base.__name__ for base in x.__mro__ if base in _ERRORS.values()),
                self.handle(x),
            ]
        if isinstance(x, type) and x.__module__ == "__main__":
            return ["k", x.__name__, ["h", self.handle(x), kind.__name__, abilities(kind), "", None]]
        base, shows = base_of(kind)
        if base and not shows and not getattr(x, "__dict__", None):
            return ["u", kind.__name__, base, self.value(CONTENT[base](x), depth + 1)]
        return ["h", self.handle(x), kind.__name__, abilities(kind), base, self._state(x, base)]

    def _state(self, x: Any, base: str) -> Any:
        """What there is of an object of a class of the student's, attributes and plain content; None where that is too much."""
        kind = type(x)
        if not has_state(x) or id(x) in self.inside or len(self.inside) >= MAX_INSIDE:
            return None
        self.inside.append(id(x))
        before = len(self.blobs)
        try:
            slots = {name: getattr(x, name) for name in getattr(kind, "__slots__", ()) if hasattr(x, name)}
            classes = [one.__name__ for one in kind.__mro__ if one.__module__ == "__main__"]
            content = [CONTENT[base](x)] if base else []
            state = self.value([getattr(x, "__dict__", {}) | slots, classes, *content], len(self.inside))
            if len(json.dumps(state)) + sum(map(len, self.blobs[before:])) <= MAX_STATE:
                return state
        except Exception:  # of attributes that cannot be had
            pass
        finally:
            self.inside.pop()
        del self.blobs[before:]
        return None

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


def _fields(kind: type) -> list[str] | None:
    """The fields of a named tuple that has nothing else to show."""
    fields = getattr(kind, "_fields", ()) if kind.__bases__ == (tuple,) else ()
    if not fields or {*fields} != {name for name in vars(kind) if name[0] != "_"}:
        return None
    return None if any(map(judges, fields)) else list(fields)


def _scattered(keys: list[Any]) -> list[Any]:
    """Keys of a dict or a set. Raises WireError where hundreds have one hash: each would be compared with all that are in already."""
    if len(keys) > MAX_ALIKE and len(set(map(hash, keys))) < len(keys) / MAX_ALIKE:
        raise WireError("keys whose hashes collide")
    return keys


def _plain_keys(x: Iterable[Any]) -> bool:
    return all(type(key) in _PLAIN_KEYS or isinstance(key, np.generic) for key in x)


@functools.lru_cache(maxsize=100)
def _record(name: str, fields: tuple[str, ...], number: int) -> Any:
    """A class of named tuples like the one that is an object of the student's process, of this number."""
    made = namedtuple(name, fields)  # type: ignore[misc]
    made.__there__ = number  # type: ignore[attr-defined]
    return made


_ATOMS = frozenset({str, int, float, bool, type(None)})
"""Types of which the header's form is the value itself."""
_AS_IS = _ATOMS - {int}  # an integer may be too large
_SEQUENCES: dict[type, str] = {list: "l", tuple: "t", set: "s", frozenset: "f"}
_MAKERS: dict[str, type] = {tag: kind for kind, tag in _SEQUENCES.items()}

# ------------------------------------------------------------------------- student to examiner: decode


@dataclass
class Decoder:
    """Reads one body: `header` is the JSON, `value` turns a part of it into a plain value, in the order it was sent.

    `handle(number, type_name, abilities, base, state)` makes the stand-in of an object that stayed behind, or, with a tensor for
    abilities, of one whose graph did, or, with a built-in exception, the class of exceptions of that kind; `ours` are the classes of set-up cells, by
    name; `mine` are the examiner's own objects that the message may refer to. `plain` gets the names of subclasses of which the plain content
    crossed, each with its base's.
    """

    header: Any
    rest: memoryview
    handle: Callable[..., Any]
    mine: list[Any]
    ours: Mapping[str, type]
    plain: set[tuple[str, str]]

    @staticmethod
    def read(
        body: bytes,
        handle: Callable[..., Any],
        mine: list[Any],
        ours: Mapping[str, type] = _NOTHING,
        plain: set[tuple[str, str]] | None = None,
    ) -> Decoder:
        """Raises WireError where the body has no header."""
        try:
            (size,) = struct.unpack_from("!I", body)
            if size > MAX_HEADER or 4 + size > len(body):
                raise WireError("a header of the wrong length")
            text, rest = body[4 : 4 + size], memoryview(body)[4 + size :]
            if sum(map(text.count, _ARRAYS)) > MAX_ARRAYS:
                raise WireError(f"more than {MAX_ARRAYS:,} arrays in one answer")
            header = json.loads(text)
            return Decoder(header, rest, handle, mine, ours, set() if plain is None else plain)
        except (ValueError, RecursionError, MemoryError, struct.error) as error:
            raise WireError(f"no header: {error}") from None

    def value(self, part: Any) -> Any:
        """The value of a part of the header. Raises WireError, and nothing else."""
        try:
            return self._value(part, 0)
        except WireError:
            raise
        except Exception as error:
            raise WireError(f"not a value: {type(error).__name__}: {error}"[:200]) from None

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
            made = self._values(items, depth)
            return _MAKERS[tag](made if tag in "lt" else _scattered(made))
        match tag, fields:
            case "d", [pairs]:
                read = [(self._key(k, depth), self._value(v, depth + 1)) for k, v in pairs]
                return dict(read) if _scattered([key for key, _ in read]) else {}
            case "i", [str(text)]:
                return int(text, 16)
            case "c", [float(re), float(im)]:
                return complex(re, im)
            case "b", [int(size)]:
                return self._take(size)
            case "a", [str(dtype), list(shape), int(size)]:
                return buffers.array(dtype, shape, self._take(size))
            case "g", [str(dtype), int(size)]:
                return buffers.array(dtype, [], self._take(size))[()]
            case "T", [str(name), list(shape), int(grad), int(size)]:
                return self._tensor(buffers.tensor(name, shape, self._take(size)), grad)
            case "y", [str(name), list(parts)]:
                return values.made_of(name, self._values(parts, depth))
            case "o", [list(shape), list(items)]:
                array = np.empty(len(items), object)
                for n, item in enumerate(items):
                    array[n] = self._value(item, depth + 1)
                return array.reshape(shape)
            case "n", [str(name), list(fields), list(items), int(number)] if len(fields) < 100 and not any(
                map(judges, fields)
            ):
                ours = self.ours.get(name)
                if ours is None or getattr(ours, "_fields", None) != tuple(fields):
                    ours = _record(name, tuple(fields), number)
                return tuple.__new__(ours, self._values(items, depth))
            case "p", [str(name), part]:
                return frames.made_of(name, self._value(part, depth + 1))
            case "k", [str(name), part]:
                return self.ours.get(name) or self._value(part, depth + 1)
            case "x", [str(name), str(base), int(number)] if base in _ERRORS:
                return self.ours.get(name) or self.handle(number, name[:80], _ERRORS[base])
            case "r", [str(name), part]:
                return buffers.numpy_generator(name, *self._value(part, depth + 1))
            case "R", [int(size)]:
                return buffers.torch_generator(self._take(size))
            case "h", [int(number), str(kind), int(able), str(base), state] if 0 <= able < 1 << len(
                ABILITIES
            ) and (not base or base in BASES):
                return self.handle(number, kind[:80], able, base, self._state(state, base, depth))
            case "u", [str(kind), str(base), part] if base in BASES:
                remember_plain(self.plain, kind, base)
                return self._value(part, depth + 1)
            case "m", [int(position)] if 0 <= position < len(self.mine):
                return self.mine[position]
        raise WireError("an unknown tag")

    def _values(self, parts: list[Any], depth: int) -> list[Any]:
        return [part if type(part) in _ATOMS else self._value(part, depth + 1) for part in parts]

    def _state(self, part: Any, base: str, depth: int) -> list[Any] | None:
        """What is sent of an object that stays behind: its attributes, the names of its classes, and its plain content where it has one."""
        if part is None:
            return None
        names, classes, *content = state = self._value(part, depth + 1)
        if type(classes) is not list or not all(type(name) is str for name in classes):
            raise WireError("no classes of an object")
        if (
            type(state) is not list
            or type(names) is not dict
            or [type(one) for one in content] != ([BASES[base]] if base else [])
        ):
            raise WireError("no state of an object")
        return state

    def _key(self, part: Any, depth: int) -> Any:
        key = self._value(part, depth + 1)
        if not _plain_keys([key]):
            raise WireError("a key that is not plain")
        return key

    def _take(self, size: int) -> bytes:
        if type(size) is not int or not 0 <= size <= len(self.rest):
            raise WireError("a blob longer than the message")
        data, self.rest = bytes(self.rest[:size]), self.rest[size:]
        return data

    def _tensor(self, tensor: torch.Tensor, grad: int) -> torch.Tensor:
        if not (tensor.is_floating_point() or tensor.is_complex()):
            return tensor
        return tensor.requires_grad_(grad) if type(grad) is bool else self.handle(grad, "Tensor", tensor)
