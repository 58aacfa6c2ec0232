"""`grader doctor`: what it says of versions. Its look at the sandbox is tested in tests/sandbox."""

import importlib.metadata
import re

import pytest

from grader.cli import doctor


@pytest.mark.parametrize(
    ("torch", "says"),
    [
        ("99.1", r"99.1, newer than [\d.]+, with which the tests ran"),
        ("2.2.0", r"2\.2\.0"),
        (doctor._tested()["torch"] + "+cpu", r"[\d.]+\+cpu"),
    ],
)
def test_what_is_newer_than_tested_is_said(monkeypatch, torch, says):
    installed = importlib.metadata.version
    monkeypatch.setattr(
        importlib.metadata, "version", lambda name: torch if name == "torch" else installed(name)
    )
    [finding] = [finding for finding in doctor._versions() if finding.what == "torch"]
    assert re.fullmatch(says, finding.detail)
    assert finding.mark == "ok"
