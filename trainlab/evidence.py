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

HEADINGS = ("claim", "what", "predicted", "measured here", "margin", "verdict")
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
        margin = f"within {_share(worst)}, allowed {_share(within)}" if worst else "exact"
        return Claim(id, what, _span(expected), _span(values), margin, worst <= within)
    if predicted is None and within is None and not (at_least is None and at_most is None):
        low = -np.inf if at_least is None else at_least
        high = np.inf if at_most is None else at_most
        bounds = [f"≥ {low:.4g}"] * (at_least is not None) + [f"≤ {high:.4g}"] * (at_most is not None)
        with np.errstate(invalid="ignore"):  # inf - inf: the claim fails below
            spare = float(np.min(np.minimum(values - low, high - values)))
        margin = f"{_number(spare)} to spare" if spare >= 0 else f"{_number(-spare)} beyond"
        margin = "at the bound" if 0 <= spare < ROUNDING else margin
        holds = bool(np.all((values >= low) & (values <= high)))
        return Claim(id, what, ", ".join(bounds), _span(values), margin, holds)
    raise ValueError(f"{what}: give either predicted and within, or at_least and at_most")


def _number(value: float) -> str:
    return "rounding" if 0 < abs(value) < ROUNDING else f"{value:.4g}"


def _share(fraction: float) -> str:
    """In per cent where that reads: nobody takes in `1e-07 %`."""
    if fraction < ROUNDING:
        return "rounding"
    return f"{fraction:.0e}".replace("e-0", "e-") if fraction < 1e-5 else f"{100 * fraction:.2g} %"


def _span(values: np.ndarray) -> str:
    low, high = _number(float(np.min(values))), _number(float(np.max(values)))
    return low if low == high else f"{low} to {high}"


@dataclass(frozen=True)
class Table:
    """Claims as a small table: HTML in a notebook, aligned text elsewhere.

    Those of `more` are folded into one line, which says how many of them hold. Ids mean nothing to a reader: they are
    folded too, all of them.
    """

    claims: tuple[Claim, ...]
    more: tuple[Claim, ...] = ()

    def __str__(self) -> str:
        rows = [row[1:] for row in (HEADINGS, *(claim.cells for claim in self.claims))]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        ]
        return "\n".join([*lines, *([self.summary] if self.more else [])])

    __repr__ = __str__

    @property
    def summary(self) -> str:
        """`14 more checks hold`, or how many of them fail."""
        failed, checks = (
            sum(not claim.holds for claim in self.more),
            "check" if len(self.more) == 1 else "checks",
        )
        if failed:
            return f"{failed} of {len(self.more)} more {checks} FAIL"
        return f"{len(self.more)} more {checks} hold{'s' * (len(self.more) == 1)}"

    def _repr_html_(self) -> str:
        seen = _html(HEADINGS[1:], [claim.cells[1:] for claim in self.claims])
        codes = ", ".join(dict.fromkeys(claim.id for claim in self.claims if claim.id))
        if not (self.more or codes):
            return seen
        folded = [_html(HEADINGS, [claim.cells for claim in self.more])] if self.more else []
        folded += [f"<p><small>Above: {html.escape(codes)}</small></p>"] if codes else []
        summary = self.summary if self.more else "claims of the sources"
        return "\n".join([seen, f"<details><summary>{summary}</summary>", *folded, "</details>"])


def _html(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    def row(tag: str, cells: Sequence[str]) -> str:
        style = ' style="text-align: left"'
        return "<tr>" + "".join(f"<{tag}{style}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    body = "\n".join(row("td", cells) for cells in rows)
    made = f"<table>\n<thead>{row('th', headings)}</thead>\n<tbody>\n{body}\n</tbody>\n</table>"
    # on a phone the table scrolls, by keyboard as well, instead of losing its last columns
    return f'<div style="overflow-x: auto" tabindex="0" role="group" aria-label="Evidence">\n{made}\n</div>'


def table(*claims: Claim, more: Sequence[Claim] = ()) -> None:
    """Show the claims, those of `more` folded into one line; then raise `ClaimFailed` where one of either does not hold."""
    display(Table(claims, tuple(more)))
    failed = [
        f"{claim.what}: {claim.measured}, expected {claim.predicted}"
        for claim in (*claims, *more)
        if not claim.holds
    ]
    if failed:
        raise ClaimFailed("; ".join(failed))
