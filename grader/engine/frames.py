"""Tables of pandas as plain parts: values, dtypes, names and indices. pandas is imported where such a table crosses, never before."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np


def parts_of(x: Any) -> list[Any] | None:
    """The parts of a Series, a DataFrame or an Index; None of anything else, or where a part is no plain one."""
    pandas = sys.modules.get("pandas")
    if pandas is None or type(x).__module__.split(".")[0] != "pandas":
        return None
    if type(x) is pandas.Series:
        return [_values(x), x.name, _index(x.index)]
    if type(x) is pandas.DataFrame:
        return [[_values(x.iloc[:, n]) for n in range(x.shape[1])], _index(x.columns), _index(x.index)]
    if isinstance(x, pandas.Index):
        return [_index(x)]
    if type(x) is pandas.Timestamp and x.tz is None:
        return [x.isoformat()]
    return None


def is_table(x: Any) -> bool:
    """Whether this is a Series or a DataFrame, which a call may change in place."""
    return type(x).__name__ in ("Series", "DataFrame") and type(x).__module__.split(".")[0] == "pandas"


def made_of(kind: str, parts: list[Any]) -> Any:
    """The table of these parts, which may come from a stranger. Raises what pandas raises for others."""
    import pandas

    match kind, parts:
        case "Series", [values, name, index]:
            return pandas.Series(_array(values), index=_made_index(index), name=_plain(name))
        case "DataFrame", [list(columns), names, index]:
            rows = _made_index(index)
            whole = {n: pandas.Series(_array(values), index=rows) for n, values in enumerate(columns)}
            frame = pandas.DataFrame(whole, index=rows)
            frame.columns = _made_index(names)
            return frame
        case "Timestamp", [str(text)]:
            return pandas.Timestamp(text)
        case _, [index]:
            return _made_index(index)
    raise TypeError("no table")


def _values(x: Any) -> list[Any]:
    """The values of a Series or an Index, with the dtype where it is none of NumPy's."""
    import pandas

    if isinstance(x.dtype, np.dtype):
        return ["numpy", x.to_numpy()]
    if isinstance(x.dtype, pandas.CategoricalDtype):
        codes = x.cat.codes if isinstance(x, pandas.Series) else x.codes
        return ["category", np.asarray(codes), _values(x.dtype.categories), bool(x.dtype.ordered)]
    if isinstance(x.dtype, pandas.DatetimeTZDtype):
        return ["zone", pandas.DatetimeIndex(x).tz_convert("UTC").tz_localize(None).to_numpy(), str(x.dtype)]
    return ["extension", [None if pandas.isna(value) else value for value in x.tolist()], str(x.dtype)]


def _array(parts: Any) -> Any:
    import pandas

    match parts:
        case ["numpy", np.ndarray() as values] if values.ndim == 1:
            return values
        case ["category", np.ndarray() as codes, categories, bool(ordered)]:
            return pandas.Categorical.from_codes(codes, _array(categories), ordered=ordered)
        case ["zone", np.ndarray() as values, str(dtype)]:
            return pandas.Series(values).dt.tz_localize("UTC").astype(dtype).array
        case ["extension", list(values), str(dtype)]:
            return pandas.array([_plain(value) for value in values], dtype=dtype)
    raise TypeError("no values")


def _index(x: Any) -> list[Any]:
    import pandas

    if isinstance(x, pandas.RangeIndex):
        return ["range", x.start, x.stop, x.step, x.name]
    if isinstance(x, pandas.MultiIndex):
        return ["levels", [_index(x.get_level_values(n)) for n in range(x.nlevels)]]
    frequency = getattr(x, "freqstr", None) if isinstance(x, pandas.DatetimeIndex) else None
    return ["values", _values(x), x.name, frequency]


def _made_index(parts: Any) -> Any:
    import pandas

    match parts:
        case ["range", int(start), int(stop), int(step), name]:
            return pandas.RangeIndex(start, stop, step, name=_plain(name))
        case ["levels", list(levels)]:
            made = [_made_index(level) for level in levels]
            return pandas.MultiIndex.from_arrays(made, names=[level.name for level in made])
        case ["values", values, name, frequency]:
            index = pandas.Index(_array(values), name=_plain(name))
            if type(frequency) is str:
                index = pandas.DatetimeIndex(index, freq=frequency)
            return index
    raise TypeError("no index")


def _plain(x: Any) -> Any:
    """A name or a value, of which nothing is called."""
    if type(x) in (str, int, float, bool, type(None), tuple) or isinstance(x, np.generic):
        return x
    raise TypeError("a name that is no plain value")
