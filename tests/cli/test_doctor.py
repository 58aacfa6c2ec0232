"""`grader doctor`: what it says of versions. Its look at the sandbox is tested in tests/sandbox."""

import importlib.metadata
import re

import pytest

from grader.cli import doctor, printing


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


def test_all_that_is_newer_than_tested_is_named_besides(monkeypatch):
    installed = importlib.metadata.version
    ahead = {"filelock": "99.1", "nh3": "0.0.1"}
    monkeypatch.setattr(importlib.metadata, "version", lambda name: ahead.get(name) or installed(name))
    [finding] = [finding for finding in doctor._versions() if finding.what == "others"]
    assert "filelock 99.1" in finding.detail and "nh3" not in finding.detail
    assert finding.mark == "ok"


def test_an_extra_to_install_is_printed_with_its_brackets(monkeypatch, capsys):
    monkeypatch.setattr(doctor, "_installed", lambda name: "")
    printing.show_findings(doctor._versions())
    said = "".join(capsys.readouterr().out.split())
    assert "'trainlab[grader]'" in said and "'trainlab[cluster]'" in said
