"""Every distribution that is imported is declared in pyproject.toml, and trainlab needs the base install only."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata

import pytest
import yaml
from packaging.requirements import Requirement

from tests.support.course import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
BASE: list[str] = PROJECT["dependencies"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
OF = {
    "trainlab": [*BASE, *EXTRAS["lab"]],
    "grader": [*BASE, *EXTRAS["grader"], *EXTRAS["cluster"], *EXTRAS["site"]],
}
"""What a package's modules may import: the extras are for what a front end or a cluster offers."""
WHERE_A_COURSE_HAS_IT = {"pandas"}
"""Imported where a notebook's answer is one of its tables, so where the course has installed it."""
DISTRIBUTIONS = metadata.packages_distributions()


def plain(name: str) -> str:
    return name.lower().replace("_", "-")


def imported(package: str) -> set[str]:
    """Top-level names that a package imports, wherever in a file it does so, and that are not Python's own."""
    names = set()
    for path in (ROOT / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {name.name.split(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names.add(node.module.split(".")[0])
    return names - sys.stdlib_module_names - {"trainlab", "grader"} - WHERE_A_COURSE_HAS_IT


@pytest.mark.parametrize("package", OF)
def test_what_is_imported_is_declared(package):
    declared = {plain(Requirement(text).name) for text in OF[package]}
    missing = {name for name in imported(package) if not declared & set(map(plain, DISTRIBUTIONS[name]))}
    assert not missing


def needs(distribution: str, seen: set[str]) -> Iterator[str]:
    """A distribution and all that it needs itself, without extras."""
    if distribution in seen:
        return
    seen.add(distribution)
    yield distribution
    for text in metadata.requires(distribution) or ():
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            try:
                yield from needs(plain(requirement.name), seen)
            except metadata.PackageNotFoundError:  # of another system
                continue


PLAYED = """
import importlib, sys
class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in HIDDEN:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Nothing())
for name in MODULES:
    importlib.import_module(name)
"""


def test_trainlab_is_importable_where_only_the_base_install_is():
    """Every other distribution of this environment is hidden."""
    seen: set[str] = set()
    there = {name for text in BASE for name in needs(plain(Requirement(text).name), seen)}
    hidden = {name for name, owners in DISTRIBUTIONS.items() if not there & set(map(plain, owners))}
    hidden -= {"trainlab", "grader"}
    assert {"nbgrader", "ipywidgets", "typer"} <= hidden
    modules = [f"trainlab.{path.stem}" for path in sorted((ROOT / "trainlab").glob("[a-z]*.py"))]
    code = f"HIDDEN, MODULES = {hidden}, {modules}{PLAYED}"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_what_is_asked_for_is_pinned_for_the_tests():
    pins = {plain(line.partition("==")[0]) for line in (ROOT / "constraints.txt").read_text().splitlines()}
    asked = {plain(Requirement(text).name) for texts in (BASE, *EXTRAS.values()) for text in texts}
    assert not asked - pins


def test_one_version_and_one_address_stand_everywhere():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == PROJECT["version"]
    assert citation["repository-code"] == PROJECT["urls"]["Repository"]
    changes = (ROOT / "CHANGELOG.md").read_text()
    dated = dict(re.findall(r"^## \[(\d[^]]*)\] - (\d{4}-\d\d-\d\d)$", changes, re.MULTILINE))
    assert next(iter(dated)) == PROJECT["version"] and dated[PROJECT["version"]] == citation["date-released"]
    assert all(f"\n[{name}]: {citation['repository-code']}/" in changes for name in ("Unreleased", *dated))


@pytest.mark.parametrize("name", ["right_answer_rejected", "statement_wrong"])
def test_an_issue_form_asks_for_the_place_and_requires_it(name):
    form = yaml.safe_load((ROOT / ".github" / "ISSUE_TEMPLATE" / f"{name}.yml").read_text())
    assert {"name", "description", "body"} <= set(form)
    assert form["body"][0]["validations"] == {"required": True}
    ids = [field["id"] for field in form["body"]]
    assert len(ids) == len(set(ids))
