"""Every claim that belongs to a built lecture has a home in it, and no cell carries an id that does not exist."""

import pytest

from tests.support.course import LECTURES, claims, claims_of


@pytest.mark.parametrize("unit", LECTURES)
def test_no_claim_of_a_built_unit_is_without_a_home(unit):
    belong = {claim for claim, units in claims().items() if unit in units}
    assert belong, f"lectures/claims.csv gives no claim to {unit}"
    assert sorted(belong - claims_of(unit)) == []


@pytest.mark.parametrize("unit", LECTURES)
def test_claim_ids_are_spelt_right(unit):
    assert sorted(claims_of(unit) - set(claims())) == []


def test_the_inventory_is_whole():
    assert (
        sum(claim.startswith("S") for claim in claims()) == 150
    )  # of the sources; a new unit may have its own
    assert all(claims().values())
