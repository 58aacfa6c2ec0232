"""Fuzzing of what strangers write: frames of the student's process, and the files of a submission.

`codec.Decoder` and `read_submission` may say no; they may not raise anything else, hang, or build what is not plain.
"""

from __future__ import annotations

import contextlib
import json
import math
import random
import re
import string
import struct
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from grader.engine import codec
from grader.engine.plan import line_up
from grader.engine.submission import Unreadable, load_notebook, read_cells, read_submission
from grader.sandbox.messages import WireError, receive_frame
from grader.source.notebook import Role, read_assignment
from tests.support import toycourse

PLAIN = (
    type(None),
    bool,
    int,
    float,
    complex,
    str,
    bytes,
    list,
    tuple,
    set,
    frozenset,
    dict,
    np.ndarray,
    torch.Tensor,
    np.random.Generator,
    torch.Generator,
)
quick = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)


class Stand:
    """What a handle becomes in these tests."""

    def __init__(self, number: int, name: str, able: int) -> None:
        assert type(number) is int
        assert type(name) is str
        assert len(name) <= 100


def decode(body: bytes, mine: tuple[Any, ...] = ()) -> Any:
    """What the examiner makes of a frame's body."""
    decoder = codec.Decoder.read(body, Stand, list(mine))
    return decoder.value(decoder.header)


def encode(value: Any) -> bytes:
    """What an honest student's process sends."""
    encoder = codec.Encoder(lambda x: 0)
    return encoder.body(encoder.value(value), 2**30)


def plain(value: Any) -> bool:
    """Whether `value` is built of exactly the types that the wire allows; no subclass, no object dtype."""
    if isinstance(value, Stand):
        return True
    if isinstance(value, np.generic):
        return type(value) is value.dtype.type and value.dtype.kind in "biufc"
    if type(value) not in PLAIN:
        return False
    if isinstance(value, np.ndarray):
        return (
            value.dtype.kind in "biufc"
            and value.flags.owndata | (value.base is not None)
            and value.nbytes < 2**31
        )
    if isinstance(value, list | tuple | set | frozenset):
        return all(map(plain, value))
    if isinstance(value, dict):
        return all(plain(k) and plain(v) for k, v in value.items())
    return True


def same(a: Any, b: Any) -> bool:
    """Equality that holds for NaN and looks at types."""
    if type(a) is not type(b):
        return False
    if isinstance(a, float):
        return a == b or (math.isnan(a) and math.isnan(b))
    if isinstance(a, complex):
        return same(a.real, b.real) and same(a.imag, b.imag)
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return len(a) == len(b) and all(map(same, a.items(), b.items()))
    return bool(a == b)


scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.complex_numbers()
    | st.text()
    | st.binary()
    | hnp.arrays(
        hnp.integer_dtypes(endianness="=")
        | hnp.floating_dtypes(endianness="=", sizes=(16, 32, 64))
        | hnp.boolean_dtypes(),
        hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3),
    )
)
keys = st.none() | st.booleans() | st.integers() | st.text() | st.binary()
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(keys, inner, max_size=4)
    ),
    max_leaves=12,
)


@quick
@given(values)
def test_what_is_sent_arrives(value: Any) -> None:
    assert same(decode(encode(value)), value)


@quick
@given(st.binary(max_size=300))
def test_random_bytes_are_refused_or_plain(body: bytes) -> None:
    with contextlib.suppress(WireError):
        assert plain(decode(body))


@quick
@given(values, st.randoms(use_true_random=False), st.integers(1, 8))
def test_mutated_frames_are_refused_or_plain(value: Any, rng: random.Random, count: int) -> None:
    body = bytearray(encode(value))
    for _ in range(count):
        at = rng.randrange(len(body))
        match rng.randrange(4):
            case 0:
                body[at] = rng.randrange(256)
            case 1:
                body[at:at] = rng.choice(
                    [b"[", b"]", b"9" * 20, b"-", b'"h"', b"null", b"\0", b"1e999", b'"m"']
                )
            case 2:
                del body[at : at + rng.randrange(1, 6)]
            case 3:
                other = rng.randrange(len(body))
                body[at], body[other] = body[other], body[at]
        if not body:
            break
    with contextlib.suppress(WireError):
        assert plain(decode(bytes(body)))


tags = st.sampled_from([*"ltsfdicbagTrRhmuyonpkx", "x", "", "ll"])
names = st.sampled_from(["<f8", "|b1", "|O", "<f2", "|V1000000", "<U99999999", "<M8[ns]", "torch.float32", "torch.qint8", "PCG64", "MT19937",
                         "Philox", "SFC64", "os.system", "__import__", "f8,i4"])  # fmt: skip
numbers = st.sampled_from(
    [0, 1, -1, 2, 3, 8, 24, 2**31, 2**32, 2**62, 2**63, 2**64, 2**100, -(2**63), 0.5, 1e308, True]
)
headers = st.recursive(
    numbers | names | st.none() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.tuples(tags, inner, inner).map(list) | st.tuples(tags, inner, inner, inner).map(list)
    | st.tuples(st.just("a"), names, st.lists(numbers, max_size=4), numbers).map(list)
    | st.tuples(st.just("T"), names, st.lists(numbers, max_size=4), st.booleans(), numbers).map(list)
    | st.tuples(st.just("d"), st.lists(st.tuples(inner, inner).map(list), max_size=3)).map(list)
    | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=10,
)  # fmt: skip


@quick
@given(headers, st.binary(max_size=64))
def test_forged_headers_are_refused_or_plain(header: Any, blobs: bytes) -> None:
    text = json.dumps(header).encode()
    with contextlib.suppress(WireError):
        assert plain(
            decode(struct.pack("!I", len(text)) + text + blobs, mine=([], {})) if header is not None else None
        )


LIES = {
    "shape larger than its data": ["a", "<f8", [2**20, 2**20], 8],
    "product that overflows to the right size": ["a", "<f8", [2**32, 2**32, 0], 0],
    "product of 2**64": ["a", "|u1", [2**32, 2**32], 0],
    "negative sizes that multiply to a right one": ["a", "<f8", [-1, -1], 8],
    "negative size": ["b", -1],
    "size of 2**62": ["b", 2**62],
    "object dtype": ["a", "|O", [1], 8],
    "pickled dtype": ["a", "O8", [1], 8],
    "sixty-five dimensions": ["a", "<f8", [1] * 65, 8],
    "true for a size": ["a", "<f8", [True], 8],
    "tensor of objects": ["T", "torch.qint8", [1], False, 1],
    "tensor larger than its data": ["T", "torch.float32", [2**40], False, 4],
    "foreign generator": ["r", "os", ["d", []]],
    "generator without a state": ["r", "MT19937", ["d", []]],
    "torch generator of four bytes": ["R", 4],
    "reference to nothing": ["m", 7],
    "negative reference": ["m", -1],
    "handle that is no number": ["h", "0", "x", True],
    "unhashable key": ["d", [[["l", []], 1]]],
    "unhashable element": ["s", [["l", []]]],
    "bare dict": {"l": []},
    "list as a tag": [["l", []], []],
    "tag alone": ["l"],
    "not hexadecimal": ["i", "__import__('os')"],
}


@pytest.mark.parametrize("header", LIES.values(), ids=LIES.keys())
def test_lies_are_refused(header: Any) -> None:
    text = json.dumps(header).encode()
    with pytest.raises(WireError):
        decode(struct.pack("!I", len(text)) + text + bytes(8))


@pytest.mark.parametrize("position", [-1, 625, 2**31, 2**62])
def test_generator_positions_outside_the_buffer_are_refused(position: int) -> None:
    """numpy would read foreign memory at such a position."""
    rng = np.random.Generator(np.random.MT19937(0))
    state = rng.bit_generator.state
    state["state"]["pos"] = position
    encoder = codec.Encoder(lambda x: 0)
    header = ["r", "MT19937", encoder.value(state)]
    with pytest.raises(WireError):
        decode(encoder.body(header, 2**20))


def test_deep_nesting_is_refused() -> None:
    for text in (b"[" * 200_000 + b"]" * 200_000, b'["l", [' * 5000 + b"1" + b"]]" * 5000):
        with pytest.raises(WireError):
            decode(struct.pack("!I", len(text)) + text)


def test_a_bool_array_holds_only_true_and_false() -> None:
    got = decode(struct.pack("!I", 20) + b'["a", "|b1", [4], 4]' + b"\x00\x01\x02\xff")
    assert got.view(np.uint8).tolist() == [0, 1, 1, 1]


@quick
@given(st.binary(max_size=40).filter(lambda data: len(data) >= 8))
def test_a_strangers_length_reserves_no_memory(data: bytes) -> None:
    import socket

    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(data)
        theirs.shutdown(socket.SHUT_WR)
        try:
            got = receive_frame(ours, 2**40)
            assert got == data[8 : 8 + len(got)]
        except (WireError, EOFError):
            pass


# --- notebooks and folders --------------------------------------------------------------------------------------------

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
fields = st.sampled_from(
    ["cell_type", "source", "metadata", "id", "outputs", "nbgrader", "grade_id", "tags", "points"]
)
odd_cells = (
    st.dictionaries(fields, json_values | st.dictionaries(fields, json_values, max_size=3), max_size=5)
    | json_values
)
code_like = st.text(st.sampled_from(string.printable + "éβ\0\ud800"), max_size=60) | st.sampled_from(
    [
        "import numpy as np",
        "del scale_rows",
        "%reset -f",
        "x.y = 1",
        "def f(:",
        "global x",
        "((((",
        "x = 1\n" * 50,
        "Sampler = 3",
    ]
)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The toy course's notebook, read as the instructor's."""
    course = toycourse.make_course(tmp_path_factory.mktemp("fuzz"))
    return read_assignment(course.folder / "solutions" / course.unit).notebooks[0]


def told(data: bytes) -> str:
    """Why `data` is no notebook; nothing where it is one."""
    try:
        cells = load_notebook(data)["cells"]
    except Unreadable as why:
        return str(why) or "no reason"
    return "" if isinstance(cells, list) else "no list of cells"


@quick
@given(
    st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass"))
)
def test_any_bytes_are_a_notebook_or_a_reason(data: bytes) -> None:
    assert re.fullmatch(r"(the (file|notebook)('s)? .*)?", told(data))


@quick
@given(
    st.dictionaries(
        st.sampled_from(["cells", "nbformat", "nbformat_minor", "metadata", "worksheets"]),
        json_values,
        max_size=5,
    )
)
def test_any_json_is_a_notebook_or_a_reason(nb: dict[str, Any]) -> None:
    assert re.fullmatch(r"(the (file|notebook)('s)? .*)?", told(json.dumps(nb).encode()))


@quick
@given(cells=st.lists(odd_cells, max_size=6), old=st.sampled_from([2, 3, 4]))
def test_any_cells_are_lined_up(source: Any, cells: list[Any], old: int) -> None:
    nb = {
        "cells": cells,
        "worksheets": [{"cells": cells}],
        "nbformat": old,
        "nbformat_minor": 0,
        "metadata": {},
    }
    try:
        loaded = load_notebook(json.dumps(nb).encode())
    except Unreadable:
        return
    found = read_cells(loaded)
    assert [cell.index for cell in found] == list(range(len(loaded["cells"])))
    holds(source, line_up(source, found))


@quick
@given(st.randoms(use_true_random=False), st.lists(code_like, max_size=5))
def test_bent_notebooks_keep_the_instructors_tests(source: Any, rng: random.Random, more: list[str]) -> None:
    cells = [json.loads(json.dumps(cell)) for cell in toycourse.source_notebook()["cells"]]
    for text in more:
        cells.insert(rng.randrange(len(cells) + 1), {"cell_type": "code", "metadata": {}, "source": text})
    for _ in range(rng.randrange(8)):
        one, other = rng.randrange(len(cells)), rng.randrange(len(cells))
        match rng.randrange(6):
            case 0:
                cells[one], cells[other] = cells[other], cells[one]
            case 1:
                cells.insert(other, dict(cells[one]))
            case 2:
                cells[one]["metadata"] = rng.choice([{}, cells[other]["metadata"], None, [], "x"])
            case 3:
                cells[one]["source"] = cells[other].get("source")
            case 4:
                cells[one]["cell_type"] = rng.choice(["markdown", "raw", "code", None])
            case 5 if len(cells) > 1:
                del cells[one]
    found = read_cells(load_notebook(json.dumps({"cells": cells, "nbformat": 4}).encode()))
    holds(source, line_up(source, found))


def holds(source: Any, steps: Any) -> None:
    """Whatever was handed in: every test and set-up cell once, in the source's words and points, and run by no student."""
    for role, kind in ((Role.TEST, "test"), (Role.SETUP, "setup")):
        ours = [cell for cell in source.cells if cell.role is role and not cell.explore]
        theirs = [step for step in steps if step.kind == kind]
        assert sorted(step.id for step in theirs) == sorted(cell.id for cell in ours)
        texts = {cell.id: (cell.source, cell.points) for cell in ours}
        assert all(texts[step.id][0] == step.source for step in theirs)
        assert role is Role.SETUP or all(texts[step.id][1] == step.points for step in theirs)
    hidden = [
        cell.source for cell in source.cells if cell.role is Role.TEST and cell.source != cell.public_source
    ]
    assert not any(
        toycourse.SECRET in step.source for step in steps if step.kind == "cell" and step.source not in hidden
    )


@quick
@given(
    st.dictionaries(
        st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=20),
        st.binary(max_size=50),
        max_size=6,
    )
)
def test_any_folder_is_read(tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]) -> None:
    folder = tmp_path_factory.mktemp("folder")
    made = {}
    for name, content in files.items():
        if name in (".", "..") or len(name.encode()) > 255:
            continue
        (folder / name).write_bytes(content)
        made[name] = content
    submission = read_submission(folder, "toy")
    assert dict(submission.files).items() <= made.items()
    assert not any("/" in name or name.startswith(".") for name, _ in submission.files)
    assert all(note.isprintable() for note in submission.notes)
