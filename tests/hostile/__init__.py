"""The corpus of bad, hostile and unlucky submissions: one module a heading, every case as data."""

from __future__ import annotations

from tests.hostile import (
    between,
    further,
    held,
    malformed,
    metadata,
    network,
    people,
    resources,
    secrets,
    unlucky,
    wins,
)
from tests.hostile.case import Case

HEADINGS = (wins, secrets, resources, network, metadata, malformed, people, unlucky, between, held, further)
CASES: tuple[tuple[str, Case], ...] = tuple(
    (module.HEADING, case) for module in HEADINGS for case in module.CASES
)
