"""trainlab.checks: what passes, what is refused, and what the message says."""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from trainlab import checks


class Agrees(np.ndarray):
    """An array that equals everything."""

    def __eq__(self, other: object) -> Any:
        return np.ones(self.shape, bool)

    def __array_ufunc__(self, *args: Any, **kwargs: Any) -> Any:
        return np.zeros(self.shape)


class Five(float):
    """A float that pretends to be what it is compared with."""

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = float.__hash__


@pytest.mark.parametrize(
    "answer",
    [
        np.array([1.0, 2.0]),
        np.array([1, 2]),
        [1.0, 2.0],
        (1, 2.0),
        [np.float64(1), torch.tensor(2.0, dtype=torch.float64)],
        torch.tensor([1.0, 2.0], dtype=torch.float64),
        torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True),
        torch.nn.Parameter(torch.tensor([1.0, 2.0], dtype=torch.float64)),
        np.array([1.0 + 1e-8, 2.0]),
        np.array([[1.0, 9.0, 2.0]])[0, ::2],
    ],
)
def test_every_form_of_an_array_passes_and_comes_back_as_float64(answer: Any) -> None:
    back = checks.array(answer, [1.0, 2.0], "x")
    assert type(back) is np.ndarray
    assert back.dtype == np.float64


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (None, "x is None, expected numbers"),
        ("ab", "x is a string, expected numbers"),
        (lambda: 0, "x is of type function, expected numbers"),
        ({1.0, 2.0}, "x is of type set, expected numbers"),
        (np.array([1.0, 2.0]).view(Agrees), "x is of type Agrees, expected numbers"),
        (np.ma.masked_array([1.0, 2.0]), "x is of type MaskedArray, expected numbers"),
        ([Five(1), 2.0], "x[0] is of type Five, expected numbers"),
        (np.array([[1.0, 2.0]]), "x has shape (1, 2), expected (2,)"),
        (np.array([[1.0], [2.0]]), "x has shape (2, 1), expected (2,)"),
        (1.0, "x has shape (), expected (2,)"),
        ([], "x has shape (0,), expected (2,)"),
        ([[1.0], [2.0, 3.0]], "x[1] has shape (2,), expected (1,)"),
        (np.array([1.0, 2.0], dtype=object), "x has dtype object, expected float64"),
        (np.array([1.0, 2.0], dtype=complex), "x has dtype complex128, expected float64"),
        (np.array([True, True]), "x has dtype bool, expected float64"),
        (np.array([[True, True]]), "x has shape (1, 2), expected (2,)"),
        (["1", "2"], "x[0] is a string, expected numbers"),
        (np.array([1.0, 2.0], dtype=np.float32), "x has dtype float32, expected float64"),
        (torch.tensor([1.0, 2.0]), "x has dtype float32, expected float64"),
        (torch.tensor([1.0, 2.0], dtype=torch.bfloat16), "x has dtype float32, expected float64"),
        ([1.0, 2.5], "x[1] is 2.5, expected 2 (difference 0.5)"),
        ([3.0, 2.5], "x[0] is 3, expected 1 (difference 2); 2 of 2 values differ"),
        ([1.0, float("nan")], "x[1] is nan, expected 2"),
        ([1.0, float("inf")], "x[1] is inf, expected 2"),
        ([1.0, 2.00001], "x[1] is 2.00001, expected 2 (difference 1e-05)"),
    ],
)
def test_what_is_refused_and_what_the_message_says(answer: Any, message: str) -> None:
    with pytest.raises(checks.CheckError) as caught:
        checks.array(answer, [1.0, 2.0], "x")
    assert str(caught.value) == message


def test_messages_name_the_index_in_two_dimensions_and_the_precision_of_float32() -> None:
    with pytest.raises(checks.CheckError, match=r"^x\[1, 2\] is 6, expected 5 \(difference 1\)$"):
        checks.array([[0, 1, 2], [3, 4, 6]], np.arange(6.0).reshape(2, 3), "x")
    with pytest.raises(
        checks.CheckError, match=r"^y with h = 0.2 at \[0, 1\] is 2, expected 1 \(difference 1\)$"
    ):
        checks.array([[0, 2]], [[0.0, 1.0]], "y with h = 0.2")
    single = np.array([0.1, 0.7], dtype=np.float32) * np.float32(3)
    with pytest.raises(
        checks.CheckError, match=r"^x\[0\] is 0.300000012, expected 0.3 .* float32, compute in float64$"
    ):
        checks.array(single.astype(float), [0.3, 2.1], "x", rtol=1e-9)
    checks.array(single, [0.3, 2.1], "x", rtol=1e-6)


def test_nan_and_infinity_pass_only_where_they_are_expected() -> None:
    nan, inf = float("nan"), float("inf")
    checks.array([nan, inf, -inf], [nan, inf, -inf], "x")
    for wrong in ([0.0, inf, -inf], [nan, 1e308, -inf], [nan, -inf, -inf], [inf, inf, -inf]):
        with pytest.raises(checks.CheckError):
            checks.array(wrong, [nan, inf, -inf], "x")


@given(
    arrays(float, st.integers(1, 5), elements=st.floats(-1e6, 1e6)),
    st.floats(1e-6, 1e3),
    st.data(),
)
def test_a_difference_beyond_the_tolerance_is_always_found(x: Any, excess: float, data: Any) -> None:
    index = data.draw(st.integers(0, len(x) - 1))
    y = x.copy()
    y[index] += (checks.ATOL + checks.RTOL * abs(x[index])) * (1 + excess)
    checks.array(x, x, "x")
    with pytest.raises(checks.CheckError, match=rf"x\[{index}\] is"):
        checks.array(y, x, "x")


@pytest.mark.parametrize(
    "answer", [3, 3.0, np.float64(3), np.int64(3), np.array(3.0), torch.tensor(3.0).double()]
)
def test_every_form_of_a_number_passes(answer: Any) -> None:
    checks.number(answer, 3, "x")
    checks.between(answer, 3, 3, "x")


@pytest.mark.parametrize(
    "answer", [True, "3", 3 + 0j, [3.0], np.array([3.0]), Five(3), float("nan"), None, 10**400]
)
def test_what_is_not_that_number_is_refused(answer: Any) -> None:
    with pytest.raises(checks.CheckError):
        checks.number(answer, 3.0, "x")
    with pytest.raises(checks.CheckError):
        checks.between(answer, 2.0, 4.0, "x")


def test_a_vector_of_one_is_not_a_number() -> None:
    with pytest.raises(checks.CheckError, match=r"^x has shape \(1,\), expected a single number$"):
        checks.number([3.0], 3.0, "x")


def test_integers_are_integers() -> None:
    for right in ([0, 2], np.array([0, 2], dtype=np.int32), torch.tensor([0, 2])):
        assert checks.integers(right, [0, 2], "i").dtype == np.int64
    assert checks.integers([], [], "i").size == 0
    checks.integer(np.int8(4), 4, "n")
    for wrong in ([0.0, 2.0], [0, 3], [False, True], [0], None):
        with pytest.raises(checks.CheckError):
            checks.integers(wrong, [0, 2], "i")
    with pytest.raises(checks.CheckError, match="n has dtype float64, expected integers"):
        checks.integer(4.0, 4, "n")


def test_strings_truth_values_and_none_are_exact() -> None:
    checks.exactly("saddle", "saddle", "kind")
    checks.exactly(np.str_("saddle"), "saddle", "kind")
    checks.exactly(np.bool_(True), True, "flag")
    checks.exactly(None, None, "v")
    pairs: list[tuple[Any, Any]] = [
        (1, True),
        (0, False),
        ("min", "saddle"),
        (True, "saddle"),
        (0, None),
        (False, None),
        (None, False),
    ]
    for wrong, expected in pairs:
        with pytest.raises(checks.CheckError):
            checks.exactly(wrong, expected, "x")
    with pytest.raises(checks.CheckError, match=r"^kind is 'min', expected 'saddle'$"):
        checks.exactly("min", "saddle", "kind")


def test_items_and_mapping_count_and_name_what_came() -> None:
    assert checks.items([1, 2], ("a", "b")) == (1, 2)
    with pytest.raises(checks.CheckError, match=r"^the result is a NumPy array, expected 2 values \(a, b\)$"):
        checks.items(np.zeros(2), ("a", "b"))
    with pytest.raises(checks.CheckError, match=r"^the result has 3 items, expected 2 values \(a, b\)$"):
        checks.items((1, 2, 3), ("a", "b"))
    found = checks.mapping({"a": 1, "b": np.float64(2)}, {"b": 2.0, "a": 1.0}, "rates")
    assert float(found["b"]) == 2.0
    assert list(checks.mapping({"a": 1, "b": "?"}, {"a": 1.0}, "rates", keys=("a", "b"))) == ["a"]
    for wrong, message in [
        ([1, 2], "rates is of type list, expected a dict with the keys a, b"),
        ({"a": 1}, "rates has no key 'b', expected the keys a, b"),
        ({"a": 1, "b": 2, "c": 3}, "rates has 3 keys, expected only a, b"),
        ({"a": 1, "b": 3}, r"rates\['b'\] is 3, expected 2 \(difference 1\)"),
    ]:
        with pytest.raises(checks.CheckError, match=f"^{message}$"):
            checks.mapping(wrong, {"a": 1.0, "b": 2.0}, "rates")


@pytest.mark.parametrize(
    "make",
    [
        lambda: np.array([0.5, np.nan]),
        lambda: torch.tensor([0.5, 1.0]),
        lambda: [np.ones(2), (np.zeros(1), 3.0)],
    ],
)
def test_unchanged_sees_a_change_of_one_bit(make: Any) -> None:
    checks.unchanged(make(), make(), "x")
    after = make()
    inner = after[0] if isinstance(after, list) else after
    inner[0] = np.nextafter(inner[0], 2.0) if isinstance(inner, np.ndarray) else inner[0] + 1e-7
    with pytest.raises(checks.CheckError, match=r"^the call changed its argument x"):
        checks.unchanged(make(), after, "x")


def test_unchanged_sees_shape_dtype_length_and_type() -> None:
    for before, after in [
        (np.zeros(2), np.zeros((1, 2))),
        (np.zeros(2), np.zeros(2, dtype=np.float32)),
        ([1.0], [1.0, 2.0]),
        ([1.0], (1.0,)),
        (np.array([np.nan]), np.array([0.0])),
    ]:
        with pytest.raises(checks.CheckError):
            checks.unchanged(before, after, "x")


def test_raises_wants_that_error_and_no_other() -> None:
    def throw(error: type[BaseException]) -> None:
        raise error("no")

    checks.raises(ValueError, throw, ValueError, name="f(1)")
    with pytest.raises(checks.CheckError, match=r"^f\(1\) raised KeyError, expected ValueError$"):
        checks.raises(ValueError, throw, KeyError, name="f(1)")
    with pytest.raises(checks.CheckError, match=r"^f\(1\) returned, expected it to raise ValueError$"):
        checks.raises(ValueError, abs, 1, name="f(1)")
    with pytest.raises(NotImplementedError):
        checks.raises(RuntimeError, throw, NotImplementedError, name="f(1)")


def test_finite() -> None:
    assert checks.finite([[1, 2]], "x", shape=(1, 2)).shape == (1, 2)
    with pytest.raises(checks.CheckError, match=r"^x\[1\] is nan, expected a finite number$"):
        checks.finite([1.0, np.nan], "x")
    with pytest.raises(checks.CheckError, match=r"^x has shape \(2,\), expected \(3,\)$"):
        checks.finite([1.0, 2.0], "x", shape=(3,))


def test_counted_counts() -> None:
    double = checks.counted(lambda x: 2 * x)
    assert (double(3), double(4), double.calls) == (6, 8, 2)
    assert double.__trainlab_counted__ is True


def test_public_passed_prints_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    checks.public_passed("f: values")
    said = capsys.readouterr().out
    assert said.count("\n") == 1 and "\x1b[32m✓\x1b[0m f: values: public checks passed" in said
    assert "grader check" in said  # who learns alone has no grading to wait for


@pytest.fixture(scope="module")
def shown() -> list[list[Any]]:
    """What a notebook shows of three cells: a failed check, a name that is not there, an error of the student's own."""
    import nbclient
    from nbformat.v4 import new_code_cell, new_notebook

    cells = [
        "from trainlab import checks",
        "checks.array([1.0, 2.0], [1.0, 3.0], 'velocity')",
        "velocity(3)",
        "[][1]",
    ]
    nb = new_notebook(cells=[new_code_cell(source) for source in cells])
    nbclient.NotebookClient(nb, timeout=120, allow_errors=True).execute()
    return [cell.outputs for cell in nb.cells[1:]]


@pytest.mark.slow
def test_a_failed_check_shows_its_sentence_and_where_help_is(shown: list[list[Any]]) -> None:
    (output,) = shown[0]
    assert output.ename == "CheckError"
    lines = "\n".join(output.traceback).split("\n")
    assert len(lines) == 2
    assert "velocity[1] is 2, expected 3" in lines[0] and "Hint 1" in lines[1]


@pytest.mark.slow
def test_cells_out_of_order_are_said(shown: list[list[Any]]) -> None:
    (error,) = [output for output in shown[1] if output.output_type == "error"]
    (said,) = [output for output in shown[1] if output.output_type == "stream"]
    assert error.ename == "NameError" and "Run All Above" in said.text


@pytest.mark.slow
def test_other_errors_keep_their_traceback(shown: list[list[Any]]) -> None:
    (output,) = shown[2]
    assert output.ename == "IndexError" and "Traceback" in "\n".join(output.traceback)


def test_torch_is_not_imported_until_a_tensor_comes() -> None:
    code = "import sys; from trainlab import checks; checks.array([1.0], [1.0], 'x'); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
