"""Claims: what theory or a text predicts, what was measured here, and the margin. A cell whose claim fails raises.

evidence.table(
    claim("S2-18", "largest stable rate, in units of 1/λ", measured=limits, predicted=2.0, within=0.001),
    claim("S2-17", "gradient norm while the loss stands still", measured=norms, at_least=400),
)
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from IPython.display import display
from numpy.typing import ArrayLike

HEADINGS = ("claim", "what", "predicted", "measured here", "margin", "")
ROUNDING = 1e-10
"""Numbers below this are shown as "rounding": their digits differ from one processor to the next."""


class ClaimFailed(AssertionError):
    """What was measured is not what was predicted."""


@dataclass(frozen=True)
class Claim:
    """One row of evidence, already compared and worded."""

    id: str
    what: str
    predicted: str
    measured: str
    margin: str
    holds: bool

    @property
    def cells(self) -> tuple[str, ...]:
        verdict = "holds" if self.holds else "FAILS"
        return (self.id, self.what, self.predicted, self.measured, self.margin, verdict)


def claim(
    id: str,
    what: str,
    measured: ArrayLike,
    *,
    predicted: ArrayLike | None = None,
    within: float | None = None,
    at_least: float | None = None,
    at_most: float | None = None,
) -> Claim:
    """Compare `measured`, one number or one per seed or setting, with what was expected. Every one of them counts.

    Either `predicted` with `within`, the largest relative deviation allowed (0.01 is 1 %), where `predicted` is one
    number or one per measurement; or `at_least` and `at_most`, one or both. nan never holds.
    `id` is that of SCIENCE.md, or "" for a check that belongs to no listed claim.
    """
    values = np.atleast_1d(np.asarray(measured, dtype=np.float64)).ravel()
    if values.size == 0:
        raise ValueError(f"{what}: nothing was measured")
    if predicted is not None and within is not None and at_least is None and at_most is None:
        expected = np.broadcast_to(np.asarray(predicted, dtype=np.float64).ravel(), values.shape)
        if np.any(expected == 0):
            raise ValueError(f"{what}: a relative margin around 0 is none; use at_most")
        worst = float(np.max(np.abs(values / expected - 1)))
        margin = f"off by {_percent(worst)}, allowed {_percent(within)}" if within else "exact"
        return Claim(id, what, _span(expected), _span(values), margin, worst <= within)
    if predicted is None and within is None and not (at_least is None and at_most is None):
        low = -np.inf if at_least is None else at_least
        high = np.inf if at_most is None else at_most
        bounds = [f"≥ {low:.4g}"] * (at_least is not None) + [f"≤ {high:.4g}"] * (at_most is not None)
        with np.errstate(invalid="ignore"):  # inf - inf: the claim fails below
            spare = float(np.min(np.minimum(values - low, high - values)))
        margin = f"{_number(spare)} to spare" if spare >= 0 else f"{_number(-spare)} beyond"
        holds = bool(np.all((values >= low) & (values <= high)))
        return Claim(id, what, ", ".join(bounds), _span(values), margin, holds)
    raise ValueError(f"{what}: give either predicted and within, or at_least and at_most")


def _number(value: float) -> str:
    return "rounding" if 0 < abs(value) < ROUNDING else f"{value:.4g}"


def _percent(fraction: float) -> str:
    return "rounding" if 0 < fraction < ROUNDING else f"{100 * fraction:.2g} %"


def _span(values: np.ndarray) -> str:
    low, high = _number(float(np.min(values))), _number(float(np.max(values)))
    return low if low == high else f"{low} to {high}"


@dataclass(frozen=True)
class Table:
    """Claims as a small table: HTML in a notebook, aligned text elsewhere. Those in `also` are folded into one line."""

    claims: tuple[Claim, ...]
    also: tuple[Claim, ...] = ()

    @property
    def rest(self) -> str:
        """One line for all of `also`."""
        failing = sum(not claim.holds for claim in self.also)
        checks = f"{len(self.also)} more check{'s' * (len(self.also) > 1)}"
        verdict = "hold" + "s" * (len(self.also) == 1)
        return f"{checks}, {failing} of them FAILING" if failing else f"{checks} {verdict}"

    def __str__(self) -> str:
        text = _aligned(self.claims)
        return f"{text}\n\n{self.rest}\n{_aligned(self.also)}" if self.also else text

    __repr__ = __str__

    def _repr_html_(self) -> str:
        table = _rows(self.claims)
        if not self.also:
            return table
        return f"{table}\n<details><summary>{self.rest}</summary>\n{_rows(self.also)}\n</details>"


def _aligned(claims: tuple[Claim, ...]) -> str:
    rows = [HEADINGS, *(claim.cells for claim in claims)]
    widths = [max(len(row[k]) for row in rows) for k in range(len(HEADINGS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _rows(claims: tuple[Claim, ...]) -> str:
    def row(tag: str, cells: tuple[str, ...]) -> str:
        style = ' style="text-align: left"'
        return "<tr>" + "".join(f"<{tag}{style}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    body = "\n".join(row("td", claim.cells) for claim in claims)
    return f"<table>\n<thead>{row('th', HEADINGS)}</thead>\n<tbody>\n{body}\n</tbody>\n</table>"


def table(*claims: Claim, also: Sequence[Claim] = ()) -> None:
    """Show the claims, and those in `also` folded into one line; then raise `ClaimFailed` where one does not hold."""
    display(Table(claims, tuple(also)))
    failed = [
        f"{claim.what}: {claim.measured}, expected {claim.predicted}"
        for claim in (*claims, *also)
        if not claim.holds
    ]
    if failed:
        raise ClaimFailed("; ".join(failed))
