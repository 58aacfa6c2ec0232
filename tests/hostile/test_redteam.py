"""The cases of `redteam`: what wins nothing, and what keeps its points beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hostile.edge import Edge
from tests.hostile.redteam import RED
from tests.hostile.test_edges import graded, wrong


@pytest.mark.parametrize("edge", RED, ids=[edge.name for edge in RED])
def test_redteam(edge: Edge, tmp_path: Path) -> None:
    result = graded(edge, tmp_path)
    if said := wrong(result, edge):
        pytest.fail("\n".join([*said, *map(str, result.incidents)]), pytrace=False)
