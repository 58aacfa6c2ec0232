"""The wire: what crosses, in which form, and that nothing else does."""

from __future__ import annotations

import json
import pickle
import struct
import sys
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PurePosixPath, PureWindowsPath
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import numpy as np
import pytest
import torch

from grader.engine import buffers, codec, pickler
from grader.sandbox.messages import WireError


def across(value: Any, mine: list[Any] | None = None) -> Any:
    """What the examiner sees of `value`; an opaque object becomes ("handle", its type)."""
    mine = mine or []
    encoder = codec.Encoder(lambda x: 7, {id(x): k for k, x in enumerate(mine)})
    body = encoder.body(encoder.value(value), 2**20)
    decoder = codec.Decoder.read(body, lambda number, kind, *_: ("handle", kind), mine)
    return decoder.value(decoder.header)


def body(header: Any, blobs: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("!I", len(text)) + text + blobs


def decode(data: bytes) -> Any:
    decoder = codec.Decoder.read(data, lambda *_: "handle", ["mine"])
    return decoder.value(decoder.header)


PLAIN: list[Any] = [
    None, True, 0, -1, 2**62, -(2**200), 0.1, 1e-310, float("inf"), 1 + 2j, "", "a\ud800\0", b"\0\xff", [], (), {},
    [1, [2, (3, {"a": None, 1: 2.0, (1, "b"): b"c", False: []})]], {1, 2}, frozenset({"a"}),
    bytearray(b"\0a"), range(3, 9, 2), slice(None, 3), ..., NotImplemented, int, dict, ValueError, Fraction(1, 3), Decimal("1.10"),
    date(2026, 2, 28), datetime(2026, 2, 28, 12, 30, tzinfo=UTC), time(1, 2, 3, 4), timedelta(-1, 2, 3), UUID(int=7),
    Path("a/b"), PurePosixPath("/c"), PureWindowsPath("c:/d"), Counter("abca"), OrderedDict(b=1, a=[2]), deque([1, (2,)], 3),
    SimpleNamespace(a=1, b=[2]), torch.Size([1, 2]), torch.float32, np.dtype("f8"), {np.int64(1): np.str_("a"), date.min: 1},
    np.str_("ab"), np.bytes_(b"a"), np.datetime64("2020-01-02"), np.timedelta64(3, "h"), np.longdouble("0.1"),
]  # fmt: skip


@pytest.mark.parametrize("value", PLAIN, ids=lambda v: repr(v)[:30].encode("ascii", "replace").decode())
def test_plain_values_cross_exactly(value: Any) -> None:
    result = across(value)
    assert result == value
    assert type(result) is type(value)


def test_containers_of_other_kinds_cross() -> None:
    table = across(defaultdict(list, a=[1]))
    assert table == {"a": [1]} and table["b"] == []
    views = {"a": 1, "b": [2]}
    assert across(views.keys()) == views.keys() and across(views.items()) == views.items()
    assert list(across(views.values())) == [1, [2]]
    assert across(deque([1], 3)).maxlen == 3
    words = across(np.array([["a", "bcd"]]))
    assert words.dtype == "<U3" and words.tolist() == [["a", "bcd"]]
    mixed = across(np.array([[1, "a"], [None, [2, 3]]], dtype=object))
    assert mixed.dtype == object and mixed.tolist() == [[1, "a"], [None, [2, 3]]]
    assert np.array_equal(
        across(np.arange("2020-01", "2020-04", dtype="M8[M]")), np.arange("2020-01", "2020-04", dtype="M8[M]")
    )
    exact = across(np.array([1, 3], np.longdouble) / 3)
    assert exact.dtype == np.longdouble and np.array_equal(exact, np.array([1, 3], np.longdouble) / 3)


TABLES: dict[str, Callable[[Any], Any]] = {
    "numbers": lambda pd: pd.DataFrame({"a": [1, 2], "b": [0.5, float("nan")], 3: [True, False]}),
    "words": lambda pd: pd.DataFrame(
        {"name": ["ann", None], "x": [1, 2]}, index=pd.Index(["r", "s"], name="row")
    ),
    "objects": lambda pd: pd.Series([1, "a", None, [2]], dtype=object, name=("x", 1)),
    "dates": lambda pd: pd.DataFrame(
        {"t": pd.date_range("2026-01-01", periods=3)}, index=pd.date_range("2026", periods=3, freq="D")
    ),
    "zones": lambda pd: pd.Series(pd.date_range("2026-03-28", periods=3, tz="Europe/Berlin")),
    "whole numbers with gaps": lambda pd: pd.Series([1, None, 3], dtype="Int64"),
    "categories": lambda pd: pd.Series(pd.Categorical(["b", "a", None], categories=["b", "a"], ordered=True)),
    "groups": lambda pd: (
        pd.DataFrame({"k": list("aab"), "l": list("xyx"), "v": [1, 2, 3]}).groupby(["k", "l"]).sum()
    ),
    "an empty one": lambda pd: pd.DataFrame(),
    "columns without rows": lambda pd: pd.DataFrame({"a": pd.Series([], dtype=float)}),
    "doubled columns": lambda pd: pd.DataFrame([[1, 2]], columns=["a", "a"]),
    "durations": lambda pd: pd.Series(pd.to_timedelta([1, 2], unit="h")),
}


@pytest.mark.parametrize("name", TABLES)
def test_tables_of_pandas_cross(name: str) -> None:
    pd = pytest.importorskip("pandas")
    table = TABLES[name](pd)
    result = across(table)
    assert type(result) is type(table)
    (pd.testing.assert_frame_equal if type(table) is pd.DataFrame else pd.testing.assert_series_equal)(
        result, table
    )
    pd.testing.assert_index_equal(across(table.index), table.index)
    assert across(pd.Timestamp("2026-01-02 03:04")) == pd.Timestamp("2026-01-02 03:04")


def test_children_of_a_generator_cross() -> None:
    mine, theirs = np.random.default_rng(4), np.random.default_rng(4)
    mine.spawn(2), theirs.spawn(2)
    assert [child.random() for child in across(theirs).spawn(2)] == [
        child.random() for child in mine.spawn(2)
    ]


def test_nan_crosses() -> None:
    assert np.isnan(across(float("nan")))


@pytest.mark.parametrize(
    "dtype", ["bool", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16"]
)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3), (2, 0, 1)])
def test_arrays_cross_exactly(dtype: str, shape: tuple[int, ...]) -> None:
    array = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype)
    result = across(array)
    assert (type(result), result.dtype, result.shape) == (np.ndarray, array.dtype, array.shape)
    assert np.array_equal(result, array)
    assert result.flags.writeable
    scalar = across(np.ones(1, dtype)[0])
    assert type(scalar) is np.dtype(dtype).type


def test_layouts_and_byte_orders_are_made_plain() -> None:
    array = np.arange(6.0).reshape(2, 3)
    for odd in (array.T, array[:, ::2], np.asfortranarray(array), array.astype(">f8")):
        assert np.array_equal(across(odd), odd)


@pytest.mark.parametrize("name", sorted(buffers.TORCH_DTYPES))
def test_tensors_cross_exactly(name: str) -> None:
    for shape in ((), (0,), (2, 3)):
        tensor = torch.ones(shape).to(buffers.TORCH_DTYPES[name])
        tensor.requires_grad_(tensor.is_floating_point())
        result = across(tensor)
        assert (result.dtype, result.shape) == (tensor.dtype, tensor.shape)
        assert result.requires_grad == tensor.requires_grad
        assert torch.equal(result, tensor)


def test_results_of_a_graph_cross_as_leaves() -> None:
    w = torch.ones(2, requires_grad=True)
    result = across((w * 3).conj())
    assert result.is_leaf
    assert result.requires_grad
    assert torch.equal(result, torch.full((2,), 3.0))
    assert type(across(torch.nn.Parameter(torch.ones(2)))) is torch.Tensor


@pytest.mark.parametrize("kind", sorted(buffers.BIT_GENERATORS))
def test_generators_cross_with_their_state(kind: str) -> None:
    generator = np.random.Generator(buffers.BIT_GENERATORS[kind](3))
    generator.random(5), generator.integers(0, 9, dtype=np.int32)
    copy = across(generator)
    assert np.array_equal(copy.integers(0, 99, 5), generator.integers(0, 99, 5))
    assert np.array_equal(copy.random(700), generator.random(700))


def test_torch_generators_cross_with_their_state() -> None:
    generator = torch.Generator().manual_seed(5)
    torch.rand(3, generator=generator)
    for copy in (across(generator), pickle.loads(pickler.dumps(generator, lambda f: ()))):
        assert torch.equal(torch.rand(9, generator=copy), torch.rand(9, generator=generator.clone_state()))


class Sub(np.ndarray):
    pass


class Text(str):
    pass


@pytest.mark.parametrize(
    "value",
    [
        object(), len, np.ma.array([1]),
        torch.ones(2).to_sparse(), torch.ones(2, device="meta"), {object(): 1}, np.random.RandomState(0), 
        np.zeros(1, "i4,f8"), type("Own", (), {}),
    ],
    ids=lambda v: type(v).__name__,
)  # fmt: skip
def test_anything_else_stays_behind(value: Any) -> None:
    assert across(value) == ("handle", type(value).__name__)
    assert across([value]) == [("handle", type(value).__name__)]


def test_an_argument_comes_back_as_the_same_object() -> None:
    mine: list[Any] = [np.ones(2), [1]]
    result = across([mine[1], mine[0], {"a": mine[0]}], mine)
    assert result[0] is mine[1]
    assert result[1] is mine[0]
    assert result[2]["a"] is mine[0]


def test_too_deep_and_too_large() -> None:
    nested: list[Any] = []
    for _ in range(codec.MAX_DEPTH + 5):
        nested = [nested]
    with pytest.raises(codec.TooLarge):
        across(nested)
    with pytest.raises(codec.TooLarge):
        across(np.zeros(2**18))


HOSTILE: dict[str, bytes] = {
    "empty": b"",
    "three bytes": b"abc",
    "a header longer than the message": struct.pack("!I", 10) + b"{}",
    "a huge header": struct.pack("!I", 2**32 - 1) + b"{}",
    "no JSON": body(b"\xff\xfe"),
    "deep JSON": body(b"[" * 100_000),
    "a huge number": body(b"1" * 10_000),
    "a pickle": body(pickle.dumps(1)),
    "a bare dict": body({"a": 1}),
    "no tag": body([]),
    "an unknown tag": body(["z", 1]),
    "a tag that is a list": body([["l"], 1]),
    "no fields": body(["a"]),
    "too many fields": body(["l", [], []]),
    "an unhashable key": body(["d", [[["l", []], 1]]]),
    "an array key": body(["d", [[["a", "<f8", [1], 8], 1]]], bytes(8)),
    "a set of lists": body(["s", [["l", []]]]),
    "half a pair": body(["d", [[1]]]),
    "object dtype": body(["a", "|O", [1], 8], bytes(8)),
    "structured dtype": body(["a", "i4,f8", [1], 12], bytes(12)),
    "big-endian dtype": body(["a", ">f8", [1], 8], bytes(8)),
    "a torch dtype that is none": body(["T", "torch.load", [1], False, 8], bytes(8)),
    "a shape too large for its data": body(["a", "<f8", [2], 8], bytes(8)),
    "a negative shape": body(["a", "<f8", [-1, -1], 8], bytes(8)),
    "an overflowing shape": body(["a", "<f8", [2**33, 2**31], 8], bytes(8)),
    "a shape of floats": body(["a", "<f8", [1.0], 8], bytes(8)),
    "a shape of truth values": body(["a", "<f8", [True], 8], bytes(8)),
    "a thousand dimensions": body(["a", "<f8", [1] * 1000, 8], bytes(8)),
    "more data than there is": body(["b", 100], b"ab"),
    "less than none": body(["b", -1], b"ab"),
    "a blob of True": body(["b", True], b"ab"),
    "a wrong torch state": body(["R", 5], b"abcde"),
    "a torch state of noise": body(["R", 5056], bytes(range(256)) * 20),
    "somebody else's object": body(["m", 1]),
    "the object before the first": body(["m", -1]),
    "a handle without a number": body(["h", "x", "y", True, "", None]),
    "an unknown generator": body(["r", "os", ["d", [["bit_generator", "os"]]]]),
    "a generator without a state": body(["r", "PCG64", None]),
    "a generator of a seed that is none": body(
        ["r", "SFC64", ["l", [["d", [["bit_generator", "SFC64"]]], ["h", 1, "x", 0, "", None], ["t", []], 0]]]
    ),
    "a handle of an impossible base": body(["h", 1, "x", 0, "type", None]),
    "a handle of other abilities": body(["h", 1, "x", 1 << 200, "", None]),
    "a handle of another content": body(["h", 1, "x", 0, "list", ["l", [["d", []], ["l", []], 1]]]),
    "a handle of classes that are none": body(["h", 1, "x", 0, "", ["l", [["d", []], ["l", [1]]]]]),
    "a handle of no state": body(["h", 1, "x", 0, "", ["l", []]]),
    "a table that is none": body(
        ["p", "DataFrame", ["l", [["l", []], ["l", ["values", ["h", 1, "x", 0, "", None], None, None]], 1]]]
    ),
    "a table of objects": body(["p", "Series", ["l", [["h", 1, "x", 0, "", None], None, None]]]),
    "a dtype that is a function": body(
        [
            "p",
            "Series",
            ["l", [["l", ["extension", ["l", [1]], "os.system"]], None, ["l", ["range", 0, 1, 1, None]]]],
        ]
    ),
    "a kind that is none": body(["y", "object", []]),
    "a kind of other parts": body(["y", "range", [1, 2, ["h", 1, "x", 0, "", None]]]),
    "a fraction by zero": body(["y", "Fraction", [1, 0]]),
    "a date that is none": body(["y", "date", ["2026-02-30"]]),
    "a type that is a function": body(["y", "type", ["eval"]]),
    "a size of objects": body(["y", "Size", [["t", [["h", 1, "x", 0, "", None]]]]]),
    "characters beyond the last": body(["a", "<U1", [1], 4], b"\xff\xff\xff\x7f"),
    "a dtype of objects": body(["a", "|O", [1], 8], bytes(8)),
    "an array of objects of another shape": body(["o", [3], [1, 2]]),
    "an integer that is none": body(["i", "0xzz"]),
}


@pytest.mark.parametrize("name", list(HOSTILE))
def test_nothing_but_an_answer_is_an_answer(name: str) -> None:
    with pytest.raises(WireError):
        decode(HOSTILE[name])


@pytest.mark.parametrize(("kind", "field", "wrong"), [("MT19937", "pos", -5000), ("MT19937", "pos", 10**6), ("Philox", "buffer_pos", 99)])  # fmt: skip
def test_a_generator_state_that_would_read_foreign_memory(kind: str, field: str, wrong: int) -> None:
    state: Any = buffers.BIT_GENERATORS[kind](0).state
    (state["state"] if field in state["state"] else state)[field] = wrong
    encoder = codec.Encoder(lambda x: 0)
    header = ["r", kind, encoder.value([state, 0, (), 0])]
    with pytest.raises(WireError, match="impossible generator state"):
        decode(encoder.body(header, 2**20))


def test_a_byte_that_is_neither_true_nor_false() -> None:
    array = decode(body(["a", "|b1", [3], 3], b"\0\2\xff"))
    assert array.view(np.uint8).tolist() == [0, 1, 1]
    tensor = decode(body(["T", "torch.bool", [3], False, 3], b"\0\2\xff"))
    assert tensor.view(torch.uint8).tolist() == [0, 1, 1]


def test_a_gradient_that_cannot_be_is_dropped() -> None:
    assert not decode(body(["T", "torch.int64", [1], True, 8], bytes(8))).requires_grad


# exceptions


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["ValueError", "Exception"], ValueError),
        (["LinAlgError", "ValueError", "Exception"], ValueError),
        (["KeyError"], KeyError),
        (["UnicodeDecodeError", "ValueError"], codec.StudentError),
        (["Mine", "Exception", "BaseException", "object"], codec.StudentError),
        (["AssertionError"], AssertionError),
        (["StopIteration", "Exception"], RuntimeError),
        (["StopAsyncIteration"], RuntimeError),
        (["SystemExit", "BaseException"], codec.StudentExit),
        (["KeyboardInterrupt"], codec.StudentExit),
        (["GeneratorExit"], codec.StudentExit),
        (["Mine", "BaseException"], codec.StudentExit),
        (["eval", "print", "__import__"], codec.StudentError),
        ([], codec.StudentError),
    ],
)
def test_exceptions_become_built_in_ones(names: list[str], expected: type[BaseException]) -> None:
    error = codec.builtin_exception(names, "text")
    assert type(error) is expected
    assert "text" in str(error)
    if expected is codec.StudentExit:
        assert not isinstance(error, Exception)


# examiner to student


def test_functions_travel_by_value_and_tensors_compactly() -> None:
    scale = torch.tensor([2.0, 3.0])
    parameter = torch.nn.Parameter(torch.ones(2))
    hidden = torch.ones(2, requires_grad=True) * 4
    data = pickler.dumps((lambda w: scale * w, parameter, hidden), lambda f: ())
    function, p, h = pickle.loads(data)
    assert torch.equal(function(torch.ones(2)), scale)
    assert type(p) is torch.nn.Parameter
    assert h.is_leaf
    assert h.requires_grad
    assert len(data) < 2000


def test_counted_functions_stay() -> None:
    from trainlab import checks

    square = checks.counted(lambda x: x * x)
    stayed: list[Any] = []

    def stay(function: Any) -> tuple[Any, ...]:
        stayed.append(function)
        return abs, (-3,)

    assert pickle.loads(pickler.dumps([square, square], stay)) == [3, 3]
    assert stayed == [square]


@pytest.mark.parametrize("tag", ["s", "f", "d"])
def test_keys_whose_hashes_collide_are_refused_before_they_are_compared(tag: str) -> None:
    """Each of 200,000 would be compared with all before it; a stranger can make them, a set or a dict of anyone else's has none."""
    alike = [["i", hex(k * sys.hash_info.modulus)] for k in range(1, 200_000)]
    with pytest.raises(WireError, match="hashes collide"):
        decode(body([tag, [[key, 0] for key in alike] if tag == "d" else alike]))


def test_very_many_arrays_are_refused_before_they_are_made() -> None:
    """As a list of plain numbers the same answer crosses; each of these would be an object of its own."""
    with pytest.raises(WireError, match="more than 200,000 arrays"):
        decode(body(["l", [["a", "<f8", [0], 0]] * 200_001]))
    assert len(decode(body(["l", [["g", "<f8", 8]] * 1000], bytes(8000)))) == 1000
