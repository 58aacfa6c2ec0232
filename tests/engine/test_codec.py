"""The wire: what crosses, in which form, and that nothing else does."""

from __future__ import annotations

import json
import pickle
import struct
from typing import Any

import numpy as np
import pytest
import torch

from grader.engine import codec
from grader.sandbox.messages import WireError


def across(value: Any, mine: list[Any] | None = None) -> Any:
    """What the examiner sees of `value`; an opaque object becomes ("handle", its type)."""
    mine = mine or []
    encoder = codec.Encoder(lambda x: 7, {id(x): k for k, x in enumerate(mine)})
    body = encoder.body(encoder.value(value), 2**20)
    decoder = codec.Decoder.read(body, lambda number, kind, calls: ("handle", kind), mine)
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
]  # fmt: skip


@pytest.mark.parametrize("value", PLAIN, ids=lambda v: repr(v)[:30].encode("ascii", "replace").decode())
def test_plain_values_cross_exactly(value: Any) -> None:
    result = across(value)
    assert result == value
    assert type(result) is type(value)


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


@pytest.mark.parametrize("name", sorted(codec._TORCH_DTYPES))
def test_tensors_cross_exactly(name: str) -> None:
    for shape in ((), (0,), (2, 3)):
        tensor = torch.ones(shape).to(codec._TORCH_DTYPES[name])
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


@pytest.mark.parametrize("kind", sorted(codec._BIT_GENERATORS))
def test_generators_cross_with_their_state(kind: str) -> None:
    generator = np.random.Generator(codec._BIT_GENERATORS[kind](3))
    generator.random(5), generator.integers(0, 9, dtype=np.int32)
    copy = across(generator)
    assert np.array_equal(copy.integers(0, 99, 5), generator.integers(0, 99, 5))
    assert np.array_equal(copy.random(700), generator.random(700))


def test_torch_generators_cross_with_their_state() -> None:
    generator = torch.Generator().manual_seed(5)
    torch.rand(3, generator=generator)
    for copy in (across(generator), pickle.loads(codec.dumps(generator, lambda f: ()))):
        assert torch.equal(torch.rand(9, generator=copy), torch.rand(9, generator=generator.clone_state()))


class Sub(np.ndarray):
    pass


class Text(str):
    pass


@pytest.mark.parametrize(
    "value",
    [
        np.ones(2).view(Sub), Text("a"), object(), len, np.array([object()]), np.array(["a"]),
        torch.ones(2).to_sparse(), torch.ones(2, device="meta"), {object(): 1}, np.random.RandomState(0), range(3),
        type("Int", (int,), {})(3), np.zeros(1, "i4,f8"), np.datetime64("2020"), np.longdouble(1),
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
    "a handle without a number": body(["h", "x", "y", True]),
    "an unknown generator": body(["r", "os", ["d", [["bit_generator", "os"]]]]),
    "a generator without a state": body(["r", "PCG64", None]),
    "an integer that is none": body(["i", "0xzz"]),
}


@pytest.mark.parametrize("name", list(HOSTILE))
def test_nothing_but_an_answer_is_an_answer(name: str) -> None:
    with pytest.raises(WireError):
        decode(HOSTILE[name])


@pytest.mark.parametrize(("kind", "field", "wrong"), [("MT19937", "pos", -5000), ("MT19937", "pos", 10**6), ("Philox", "buffer_pos", 99)])  # fmt: skip
def test_a_generator_state_that_would_read_foreign_memory(kind: str, field: str, wrong: int) -> None:
    state: Any = codec._BIT_GENERATORS[kind](0).state
    (state["state"] if field in state["state"] else state)[field] = wrong
    encoder = codec.Encoder(lambda x: 0)
    header = ["r", kind, encoder.value(state)]
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
    data = codec.dumps((lambda w: scale * w, parameter, hidden), lambda f: ())
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

    assert pickle.loads(codec.dumps([square, square], stay)) == [3, 3]
    assert stayed == [square]
