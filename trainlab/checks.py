"""Assertion helpers for exercises: type, then shape, then dtype, then value, each with a message that teaches.

    theta, m = checks.items(momentum_step(theta, m, g, 0.1, 0.9), ("new theta", "new m"))
    m = checks.array(m, [-0.1, 0.2], "new m")     # "new m[1] is 0.18, expected 0.2 (difference -0.02)"

A failed check raises `CheckError`. Checks of arrays return them as float64, so that a test can go on with them; checks
of one number return nothing, because nbgrader takes a number in a cell's last line for partial credit. Answers may be
NumPy arrays, torch tensors (with or without gradient), numbers, or nested lists of these. Subclasses are refused,
because their `==` can say anything. NaN and infinity pass only where they are expected.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

RTOL, ATOL = 1e-7, 1e-10
"""Default tolerances: |actual - expected| <= atol + rtol |expected|. A dtype too coarse for rtol is refused."""


class CheckError(AssertionError):
    """An answer that is not what the exercise asks for; the text says what was expected and what came."""

    def _render_traceback_(self) -> list[str]:
        """What IPython shows of it: the sentence, and not eighteen lines of traceback around it."""
        return [f"\x1b[31m✗ {self}\x1b[0m", "  Stuck? Unfold the exercise's Hint 1, above its solution cell."]


def array(
    actual: Any, expected: Any, name: str, rtol: float = RTOL, atol: float = ATOL
) -> NDArray[np.float64]:
    """Real numbers of exactly the shape of `expected`, each within the tolerance; returned as float64."""
    wanted = _real(_plain(expected, f"the expected {name}"), name)
    found = _real(_shaped(_plain(actual, name), wanted.shape, name), name, rtol)
    with np.errstate(invalid="ignore", over="ignore"):
        close = np.abs(found - wanted) <= atol + rtol * np.abs(wanted)
    same = (found == wanted) | (np.isnan(found) & np.isnan(wanted))
    close = np.where(np.isfinite(wanted), close, same)
    if not close.all():
        _fail(_difference(found, wanted, close, name))
    return found


def number(actual: Any, expected: float, name: str, rtol: float = RTOL, atol: float = ATOL) -> None:
    """One real number (float, int, NumPy scalar, array or tensor of shape ()) within the tolerance."""
    array(actual, float(expected), name, rtol, atol)


def between(actual: Any, low: float, high: float, name: str) -> None:
    """One real number from `low` to `high`; NaN is in no interval."""
    found = float(_real(_shaped(_plain(actual, name), (), name), name))
    if not low <= found <= high:
        _fail(f"{name} is {found:.6g}, expected a number from {low:.6g} to {high:.6g}")


def finite(actual: Any, name: str, shape: tuple[int, ...] | None = None) -> NDArray[np.float64]:
    """Real numbers without NaN and infinity, of `shape` where one is given; returned as float64."""
    plain = _plain(actual, name)
    found = _real(plain if shape is None else _shaped(plain, shape, name), name)
    for where in np.argwhere(~np.isfinite(found))[:1]:
        _fail(f"{_at(name, where)} is {found[tuple(where)]}, expected a finite number")
    return found


def integers(actual: Any, expected: Any, name: str) -> NDArray[np.int64]:
    """Integers, of an integer dtype and not whole floats, of exactly the shape and values of `expected`."""
    wanted = np.asarray(expected, dtype=np.int64)
    found = _shaped(_plain(actual, name), wanted.shape, name)
    if found.dtype.kind not in "iu" and found.size:
        _fail(f"{name} has dtype {found.dtype}, expected integers")
    for where in np.argwhere(found != wanted)[:1]:
        _fail(f"{_at(name, where)} is {found[tuple(where)]}, expected {wanted[tuple(where)]}")
    return found.astype(np.int64)


def integer(actual: Any, expected: int, name: str) -> None:
    """One integer: int or NumPy integer, or an integer array or tensor of shape ()."""
    integers(actual, expected, name)


def exactly(actual: Any, expected: str | bool | None, name: str) -> None:
    """This string, True, False or None, and no stand-in for it such as 0, 1 or an object that equals it."""
    if type(actual) in (np.str_, np.bool_):
        actual = actual.item()
    if type(actual) is not type(expected) or actual != expected:
        came = repr(actual)[:60] if type(actual) in (str, bool) else _kind(actual)
        _fail(f"{name} is {came}, expected {expected!r}")


def items(actual: Any, names: Sequence[str]) -> tuple[Any, ...]:
    """A tuple or list with one item for each name; returned as a tuple."""
    wanted = f"{len(names)} values ({', '.join(names)})"
    if type(actual) not in (tuple, list):
        _fail(f"the result is {_kind(actual)}, expected {wanted}")
    if len(actual) != len(names):
        _fail(f"the result has {len(actual)} items, expected {wanted}")
    return tuple(actual)


def mapping(
    actual: Any,
    expected: dict[str, Any],
    name: str,
    rtol: float = RTOL,
    atol: float = ATOL,
    keys: Sequence[str] | None = None,
) -> dict[str, NDArray[np.float64]]:
    """A dict with exactly `keys` (by default those of `expected`) and the numbers of `expected` (see `array`)."""
    keys = tuple(expected) if keys is None else keys
    if type(actual) is not dict:
        _fail(f"{name} is {_kind(actual)}, expected a dict with the keys {', '.join(keys)}")
    if missing := [key for key in keys if key not in actual]:
        _fail(f"{name} has no key {missing[0]!r}, expected the keys {', '.join(keys)}")
    if len(actual) != len(keys):
        _fail(f"{name} has {len(actual)} keys, expected only {', '.join(keys)}")
    return {
        key: array(actual[key], wanted, f"{name}[{key!r}]", rtol, atol) for key, wanted in expected.items()
    }


def unchanged(before: Any, after: Any, name: str) -> None:
    """An argument (array, number, list of these) is `after` a call exactly what its copy from `before` is."""
    said = f"the call changed its argument {name}, which must stay as it was"
    if type(before) is not type(after):
        _fail(f"{said}: it is {_kind(after)} now")
    if type(before) in (list, tuple) and len(before) == len(after):
        for index, pair in enumerate(zip(before, after, strict=True)):
            unchanged(*pair, _entry(name, index))
        return
    old, new = _plain(before, name), _plain(after, name)
    if (old.shape, old.dtype) != (new.shape, new.dtype):
        _fail(f"{said}: it has shape {new.shape} and dtype {new.dtype}, had {old.shape} and {old.dtype}")
    for where in np.argwhere((old != new) & ((old == old) | (new == new)))[:1]:
        _fail(f"{said}: {_at(name, where)} is {new[tuple(where)]}, was {old[tuple(where)]}")


def raises(error: type[Exception], function: Callable[..., Any], *arguments: Any, name: str) -> None:
    """Calling `function(*arguments)`, `name` in messages, raises `error`. A missing solution says so itself."""
    try:
        function(*arguments)
    except NotImplementedError:
        raise
    except error:
        return
    except Exception as other:
        raise CheckError(f"{name} raised {type(other).__name__}, expected {error.__name__}") from other
    _fail(f"{name} returned, expected it to raise {error.__name__}")


class Counted:
    """A function that counts its calls. It stays in the test's own process: the count can be trusted."""

    __trainlab_counted__ = True

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function, self.calls = function, 0

    def __call__(self, *arguments: Any) -> Any:
        self.calls += 1
        return self.function(*arguments)


def counted(function: Callable[..., Any]) -> Counted:
    """`function`, with the number of calls so far in `.calls`."""
    return Counted(function)


def public_passed(label: str) -> None:
    """Say that the part of a test that students can see has passed."""
    print(
        f"\x1b[32m✓\x1b[0m {label}: public checks passed; hidden ones run at grading, or now by `grader check`."
    )


def _say_what_to_run() -> None:
    """In a notebook: below a NameError, that the cells above come first. Elsewhere nothing."""
    shell: Any = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if not hasattr(shell, "kernel"):
        return

    def explain(
        shell: Any, kind: type[BaseException], error: BaseException, trace: Any, tb_offset: Any = None
    ) -> None:
        shell.showtraceback((kind, error, trace), tb_offset=tb_offset)
        print("Was a cell above left out? Run > Run All Above Selected Cell, then this one again.")

    shell.set_custom_exc((NameError,), explain)


_say_what_to_run()


def _fail(message: str) -> NoReturn:
    raise CheckError(message)


def _plain(value: Any, name: str) -> NDArray[Any]:
    """`value` as a NumPy array of its own dtype: an exact array, tensor, number, or nested lists of these."""
    kind, torch = type(value), sys.modules.get("torch")
    if kind is np.ndarray:
        return value
    if kind in (bool, int, float, complex) or (issubclass(kind, np.generic) and np.dtype(kind).type is kind):
        return np.asarray(value)
    if torch is not None and kind in (torch.Tensor, torch.nn.Parameter):
        dense = value.detach().cpu().to_dense().resolve_conj().resolve_neg()
        return np.asarray((dense.float() if dense.dtype is torch.bfloat16 else dense).numpy())
    if kind in (list, tuple):
        rows = [_plain(row, _entry(name, index)) for index, row in enumerate(value)]
        for index, row in enumerate(rows):
            _shaped(row, rows[0].shape, _entry(name, index))
        return np.stack(rows) if rows else np.zeros(0)
    _fail(f"{name} is {_kind(value)}, expected numbers")


def _real(found: NDArray[Any], name: str, rtol: float = 1.0) -> NDArray[np.float64]:
    if found.dtype.kind not in "fiu" or (found.dtype.kind == "f" and np.finfo(found.dtype).eps > rtol):
        _fail(f"{name} has dtype {found.dtype}, expected float64")
    return found.astype(np.float64)


def _shaped(found: NDArray[Any], shape: tuple[int, ...], name: str) -> NDArray[Any]:
    if found.shape != shape:
        _fail(f"{name} has shape {found.shape}, expected {shape or 'a single number'}")
    return found


def _kind(value: Any) -> str:
    """What a value is, by its type alone: nothing of a stranger's object is called."""
    known = {type(None): "None", np.ndarray: "a NumPy array", str: "a string", float: "a number"}
    return known.get(type(value), f"of type {type(value).__name__[:60]}")


def _at(name: str, where: NDArray[Any]) -> str:
    return _entry(name, ", ".join(map(str, where))) if len(where) else name


def _entry(name: str, index: object) -> str:
    """`x[0, 1]`, but `y for eps = 0.2 at [0, 1]`: behind a setting the bracket would read as part of it."""
    return f"{name}{' at ' if '=' in name or name[-1:].isdigit() else ''}[{index}]"


def _difference(found: NDArray[Any], wanted: NDArray[Any], close: NDArray[Any], name: str) -> str:
    """The first value out of tolerance, in as many digits as it takes to see it."""
    where = np.argwhere(~close)[0]
    a, b = found[tuple(where)], wanted[tuple(where)]
    digits = next((d for d in (6, 9, 12) if f"{a:.{d}g}" != f"{b:.{d}g}"), 17)
    message = f"{_at(name, where)} is {a:.{digits}g}, expected {b:.{digits}g}"
    if np.isfinite(a - b):
        message += f" (difference {a - b:.3g})"
    if (wrong := int((~close).sum())) > 1:
        message += f"; {wrong} of {close.size} values differ"
    if np.allclose(found, wanted, rtol=16 * np.finfo(np.float32).eps, atol=0.0):
        message += "; this is the precision of float32, compute in float64"
    return message
