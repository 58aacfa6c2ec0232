"""A claim that fails must not pass, whatever the numbers are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainlab import evidence
from trainlab.evidence import ClaimFailed, Table, claim, table

positive = st.floats(1e-3, 1e3)


@pytest.fixture
def shown(monkeypatch):
    calls: list[Table] = []
    monkeypatch.setattr(evidence, "display", calls.append)
    return calls


@given(positive, st.floats(-0.5, 0.5), st.floats(0, 0.5))
def test_within_is_a_relative_deviation(expected, deviation, margin):
    if abs(abs(deviation) - margin) > 1e-9:
        assert claim("", "x", expected * (1 + deviation), predicted=expected, within=margin).holds == (
            abs(deviation) < margin
        )


@given(st.lists(positive, min_size=1, max_size=5), positive, positive)
def test_bounds(values, low, high):
    assert claim("", "x", values, at_least=low).holds == all(v >= low for v in values)
    assert claim("", "x", values, at_most=high).holds == all(v <= high for v in values)
    assert claim("", "x", values, at_least=low, at_most=high).holds == all(low <= v <= high for v in values)


@pytest.mark.parametrize("expectation", [{"predicted": 1, "within": 0.5}, {"at_least": 0}, {"at_most": 2}])
@pytest.mark.parametrize("bad", [np.nan, [1.0, np.nan], np.inf * np.array([1, -1])])
def test_nan_and_both_infinities_never_hold(bad, expectation):
    assert not claim("", "x", bad, **expectation).holds


def test_every_seed_counts():
    assert claim("", "x", [1.0, 1.01, 0.99], predicted=1, within=0.02).holds
    assert not claim("", "x", [1.0, 1.01, 0.9], predicted=1, within=0.02).holds
    assert not claim("", "x", [1.0, 2.0], predicted=[2.0, 1.0], within=0.02).holds  # each with its own


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"predicted": 1},
        {"within": 0.1},
        {"predicted": 1, "within": 0.1, "at_least": 0},
        {"predicted": 0, "within": 0.1},
        {"predicted": [1, 2], "within": 0.1},
    ],
)
def test_a_claim_says_what_it_expects(arguments):
    with pytest.raises(ValueError):
        claim("", "x", [1.0, 1.0, 1.0], **arguments)


def test_nothing_measured_is_no_evidence():
    with pytest.raises(ValueError, match="nothing was measured"):
        claim("", "x", [], at_least=0)


def test_wording():
    row = claim("S2-18", "limit", [1.999, 2.001], predicted=2, within=0.001)
    assert row.cells == ("S2-18", "limit", "2", "1.999 to 2.001", "within 0.05 %, allowed 0.1 %", "holds")
    assert claim("", "x", 3, at_least=2).margin == "1 to spare"
    assert claim("", "x", 3, at_most=2).cells[2:] == ("≤ 2", "3", "1 beyond", "FAILS")
    assert claim("", "x", 7, predicted=7, within=0).margin == "exact"


def test_digits_of_rounding_are_not_shown():
    assert claim("", "x", 3.1e-16, at_most=1e-12).cells[3:5] == ("rounding", "at the bound")
    assert claim("", "x", 1 + 3e-16, predicted=1, within=0.1).margin == "within rounding, allowed 10 %"
    assert claim("", "x", 1 + 2e-9, predicted=1, within=1e-7).margin == "within 2e-9, allowed 1e-7"
    assert claim("", "x", 2, predicted=2, within=1e-7).margin == "exact"


def test_a_table_is_shown_and_passes(shown):
    table(claim("S2-18", "limit", 2, predicted=2, within=0.1))
    [only] = shown
    assert str(only).split("\n")[0].split() == ["what", "predicted", "measured", "here", "margin", "verdict"]


def test_a_failed_claim_is_shown_first_and_then_raised(shown):
    with pytest.raises(ClaimFailed, match="limit: 3, expected 2") as failure:
        table(claim("", "fine", 1, at_least=0), claim("", "limit", 3, predicted=2, within=0.1))
    assert "fine" not in str(failure.value)
    assert len(shown) == 1


def test_html_is_escaped_and_has_a_row_for_each_claim():
    text = Table((claim("", "a < b & c", 1, at_least=0), claim("", "d", 1, at_least=0)))._repr_html_()
    assert "a &lt; b &amp; c" in text
    assert text.count("<tr>") == 3
    assert text.count("<th ") == 5
    assert text.startswith('<div style="overflow-x: auto" tabindex="0" '), "on a phone it scrolls"
    assert "<details>" not in text


def test_codes_are_out_of_view_and_the_last_column_has_its_name():
    seen, folded = Table((claim("S2-18", "limit", 2, at_least=1),))._repr_html_().split("<details>")
    assert "S2-18" not in seen and "S2-18" in folded and ">verdict<" in seen


def test_more_checks_are_folded_into_one_line_and_the_codes_with_them(shown):
    row, two = claim("S2-18", "limit", 2, predicted=2, within=0.1), claim("P03a", "a < b", 1, at_least=0)
    table(row, more=[two, two])
    [only] = shown
    seen, folded = only._repr_html_().split("<details>")
    assert "limit" in seen and "S2-18" not in seen and ">verdict<" in seen
    assert "<summary>2 more checks hold</summary>" in folded
    assert folded.count("a &lt; b") == 2 and "P03a" in folded and "S2-18" in folded
    assert str(only).split("\n")[-1] == "2 more checks hold"
    assert "S2-18" not in str(only)
    assert Table((row,), (two,)).summary == "1 more check holds"


def test_a_folded_check_that_fails_is_raised_and_counted(shown):
    fine = claim("", "fine", 1, at_least=0)
    with pytest.raises(ClaimFailed, match="limit: 3, expected 2"):
        table(fine, more=[fine, claim("", "limit", 3, predicted=2, within=0.1)])
    assert shown[0].summary == "1 of 2 more checks FAIL"
