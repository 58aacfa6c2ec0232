"""Every claim that belongs to a built lecture has a home in it, no cell carries an id that does not exist, every mistake is corrected."""

import nbformat
import pytest

from tests.support.course import LECTURES, ROOT, claims, claims_of, mistakes


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


@pytest.mark.parametrize("unit", sorted({unit for _, unit, _ in mistakes()}))
def test_a_mistake_is_corrected_by_the_words_that_the_list_gives(unit):
    cells = nbformat.read(ROOT / "lectures" / f"{unit}.ipynb", as_version=4).cells
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    assert [(id, words) for id, where, words in mistakes() if where == unit and words not in text] == []
    assert all(len(words) > 15 for _, _, words in mistakes())


def test_the_readme_counts_units_claims_and_mistakes():
    homes = sum(
        claim.startswith("S") and all(claim in claims_of(unit) for unit in units)
        for claim, units in claims().items()
    )
    corrected = {id for id, _, _ in mistakes()}
    assert corrected == {f"M-{number:02}" for number in range(1, 51)}
    readme = " ".join((ROOT / "README.md").read_text("utf-8").split())
    assert f"{homes} of 150 claims" in readme and f"{len(corrected)} of 50 of their mistakes" in readme
    assert len(LECTURES) >= 13
    assert all(f"(lectures/{unit}.ipynb)" in readme for unit in LECTURES)
