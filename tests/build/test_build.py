"""Building: deterministic, and every mistake of an author is one line that says where."""

import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import jupytext
import nbformat
import pytest

from grader.build.build import build, units
from grader.build.lectures import lecture_digest
from grader.build.sources import SETUP_CELL, read_source, repository_url
from grader.build.student_version import generate_student_version
from grader.errors import CourseError
from tests.support import tinyunit

ROOT = tinyunit.ROOT
UNITS = units(ROOT)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def built_course(tmp_path_factory) -> Path:
    root = tinyunit.make(tmp_path_factory.mktemp("course"))
    build(root)
    return root


def test_building_twice_changes_no_byte(built_course):
    before = contents(built_course)
    assert not any(item.changed for item in build(built_course))
    assert contents(built_course) == before


def test_a_forced_build_executes_again_and_changes_no_byte(built_course):
    before = contents(built_course)
    build(built_course, force=True)
    assert contents(built_course) == before


def test_a_lecture_is_executed_again_when_its_text_changes(tmp_path, built_course):
    root = shutil.copytree(built_course, tmp_path / "course")
    source = root / "lectures" / f"{tinyunit.UNIT}.py"
    source.write_text(source.read_text().replace("2 * 21", "3 * 21"))
    assert [item.path.name for item in build(root) if item.changed] == [f"{tinyunit.UNIT}.ipynb"]
    nb = nbformat.read(source.with_suffix(".ipynb"), as_version=4)
    assert nb.cells[-1].outputs[0]["text"] == "63\n"


def test_a_changed_tag_is_taken_over_without_executing(tmp_path, built_course, monkeypatch):
    root = shutil.copytree(built_course, tmp_path / "course")
    source = root / "lectures" / f"{tinyunit.UNIT}.py"
    source.write_text(source.read_text().replace("# %%\nprint", '# %% claims=["S0-01"]\nprint'))
    monkeypatch.setattr("grader.build.lectures.execute", None)
    assert [item.path.name for item in build(root) if item.changed] == [f"{tinyunit.UNIT}.ipynb"]
    cell = nbformat.read(source.with_suffix(".ipynb"), as_version=4).cells[-1]
    assert (cell.metadata["claims"], cell.outputs[0]["text"]) == (["S0-01"], "42\n")


def test_a_folded_cell_is_folded_in_jupyterlab_and_on_colab(tmp_path, built_course):
    root = shutil.copytree(built_course, tmp_path / "course")
    source = root / "lectures" / f"{tinyunit.UNIT}.py"
    text = source.read_text()
    source.write_text(text.replace("# %%\nprint", '# %% tags=["hide-input"]\n# @title The answer\nprint'))
    build(root)
    cell = nbformat.read(source.with_suffix(".ipynb"), as_version=4).cells[-1]
    assert cell.metadata == {
        "cellView": "form",
        "jupyter": {"source_hidden": True},
        "tags": ["hide-input"],
    }
    source.write_text(text.replace("# %%\nprint", '# %% tags=["hide-input"]\nprint'))
    with pytest.raises(CourseError, match="must begin with '# @title"):
        build(root)


def test_the_release_holds_the_notebook_and_nothing_else(built_course):
    assert list(contents(built_course / "assignments")) == [f"{tinyunit.UNIT}/{tinyunit.UNIT}.ipynb"]


def test_the_student_version_has_neither_solution_nor_hidden_test(built_course):
    text = (built_course / "assignments" / tinyunit.UNIT / f"{tinyunit.UNIT}.ipynb").read_text()
    assert "twofold" not in text
    assert "-4.25" not in text
    assert "not solved yet" in text


def test_set_up_cell_and_badge_come_from_the_one_address(tmp_path):
    root = tinyunit.make(tmp_path / "course")
    project = root / "pyproject.toml"
    project.write_text(project.read_text().replace(repository_url(root), "https://github.com/someone/fork"))
    build(root)
    for path in root.rglob("*.ipynb"):
        nb = nbformat.read(path, as_version=4)
        assert "/github/someone/fork/blob/main/" in nb.cells[0].source
        assert "git+https://github.com/someone/fork" in nb.cells[1].source


def test_an_edited_notebook_gives_its_text_source_back(built_course):
    """Pairing: what JupyterLab saves through jupytext reads back as the same notebook."""
    path = built_course / "solutions" / tinyunit.UNIT / f"{tinyunit.UNIT}.ipynb"
    nb = nbformat.read(path, as_version=4)
    text = jupytext.writes(
        nb,
        fmt="py:percent",
        config=jupytext.config.load_jupytext_configuration_file(str(ROOT / "solutions/jupytext.toml")),
    )
    again = built_course / "solutions" / tinyunit.UNIT / "again.py"
    again.write_text(text)
    published = f"assignments/{tinyunit.UNIT}/{tinyunit.UNIT}.ipynb"
    assert nbformat.writes(read_source(again, repository_url(built_course), published)) == nbformat.writes(nb)
    again.unlink()


def test_a_built_notebook_is_as_old_as_its_source(built_course):
    """Otherwise JupyterLab's pairing refuses to open it."""
    for path in (*built_course.glob("lectures/*.ipynb"), *built_course.glob("solutions/*/*.ipynb")):
        assert path.stat().st_mtime_ns == path.with_suffix(".py").stat().st_mtime_ns


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("### BEGIN SOLUTION", "### BEGIN SOLUTON", "cell 3 ('double'), line 3: misspelt marker"),
        ("### END HIDDEN TESTS", "### END HIDEN TESTS", "misspelt marker"),
        ('"test_double_zero"', '"test_double_values"', "grade id 'test_double_values' is used by cell 4 already"),
        ('"locked": false, "schema_version": 3, "solution": true', '"locked": false, "schema_version": 3, "solution": false', "would be released"),
        ("    ### BEGIN SOLUTION\n", "", "closes nothing"),
        ("# # Tiny\n#\n# One exercise.", "", "the first cell must be the Markdown cell"),
    ],
)  # fmt: skip
def test_an_authors_mistake_is_one_line_with_its_place(tmp_path, old, new, message):
    assert old in tinyunit.SOURCE
    source = tinyunit.SOURCE.replace(old, new)
    if "# # Tiny" in old:
        source = source.replace("# %% [markdown]\n", "", 1)
    root = tinyunit.make(tmp_path / "course", source=source)
    with pytest.raises(CourseError) as caught:
        build(root)
    assert message in str(caught.value)
    assert f"{tinyunit.UNIT}.py" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (root / "assignments").exists()


def test_a_failing_lecture_is_named(tmp_path):
    root = tinyunit.make(tmp_path / "course", lecture=tinyunit.LECTURE.replace("2 * 21", "1 / 0"))
    with pytest.raises(CourseError, match=r"05_tiny\.py: a cell failed: ZeroDivisionError"):
        build(root)


def test_unknown_unit_and_missing_folder(tmp_path, built_course):
    with pytest.raises(CourseError, match="no unit '99_nothing'; units here: 05_tiny"):
        build(built_course, ["99_nothing"])
    with pytest.raises(CourseError, match="no text source"):
        build(tmp_path)


def test_a_lecture_is_stale_when_a_room_that_it_imports_changes_and_only_then(monkeypatch, tmp_path):
    """Also where one of its rooms imports it."""
    for name, text in (
        ("__init__", ""),
        ("plots", "from trainlab.descend import run"),
        ("descend", "x = 1"),
        ("chart", ""),
    ):
        (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.setattr("trainlab.__file__", str(tmp_path / "__init__.py"))
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("from trainlab import evidence, plots")])
    before = lecture_digest(nb)
    (tmp_path / "chart.py").write_text("changed = 1")
    assert lecture_digest(nb) == before
    (tmp_path / "descend.py").write_text("x = 2")
    assert lecture_digest(nb) != before


# --- the notebooks in this repository ---


@pytest.mark.parametrize("unit", UNITS)
def test_built_notebooks_match_their_sources(unit, tmp_path):
    """Fails when somebody edits a text source, or a built notebook, and does not run `make build`."""
    repository = repository_url(ROOT)
    lecture = ROOT / "lectures" / f"{unit}.py"
    if lecture.exists():
        fresh = read_source(lecture, repository, f"lectures/{unit}.ipynb")
        stored = nbformat.read(lecture.with_suffix(".ipynb"), as_version=4)
        assert [(c.id, c.cell_type, c.source, c.metadata) for c in stored.cells] == [
            (c.id, c.cell_type, c.source, c.metadata) for c in fresh.cells
        ]
        assert stored.metadata["trainlab"]["digest"] == lecture_digest(fresh), (
            "executed for another text: run make build"
        )
    source = ROOT / "solutions" / unit / f"{unit}.py"
    if source.exists():
        fresh = read_source(source, repository, f"assignments/{unit}/{unit}.ipynb")
        assert nbformat.read(source.with_suffix(".ipynb"), as_version=4) == fresh
        released = generate_student_version(ROOT, unit, tmp_path)
        assert contents(released) == contents(ROOT / "assignments" / unit)


@pytest.mark.parametrize("unit", UNITS)
def test_stored_lecture_outputs(unit):
    """Every code cell was executed in order, none failed or warned, and the file stays below 600 KB."""
    path = ROOT / "lectures" / f"{unit}.ipynb"
    if not path.exists():
        pytest.skip("no lecture")
    assert path.stat().st_size < 600_000
    code = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    for cell in code:
        for output in cell.outputs:
            assert output.output_type != "error"
            assert output.get("name") != "stderr", output.get("text")
            for kind, data in output.get("data", {}).items():
                if kind.startswith("image/"):
                    assert output.metadata.get(kind, {}).get("alt") or output.metadata.get("alt"), (
                        f"no alternative text: {cell.id}"
                    )
                elif kind == "text/html":
                    assert "<img" not in "".join(data) or "alt=" in "".join(data)


SHORT = """\
# %% [markdown] nbgrader={"grade_id": "title"}
# # Short

# %% nbgrader={"grade_id": "double"}
def double(x):
    ### BEGIN SOLUTION
    return x + x
    ### END SOLUTION

# %% nbgrader={"grade_id": "test_double", "points": 2}
assert double(1) == 2

# %% [markdown] nbgrader={"grade_id": "why", "points": 3}
# Because.

# %% nbgrader={"grade_id": "helper", "locked": false}
y = 1
"""


def test_a_header_says_what_informs_and_build_fills_in_the_rest(tmp_path):
    """Grade id and points decide, with the region markers; what a header says itself wins."""
    source = tmp_path / "05_short.py"
    source.write_text(SHORT)
    cells = read_source(source, "https://github.com/a/b", "x.ipynb").cells
    meta = {
        cell.metadata.nbgrader.grade_id: cell.metadata.nbgrader
        for cell in cells
        if "nbgrader" in cell.metadata
    }
    kinds = {name: (m.grade, m.solution, m.locked, m.get("points")) for name, m in meta.items()}
    assert kinds == {
        "title": (False, False, True, None),
        "double": (False, True, False, None),
        "test_double": (True, False, True, 2),
        "why": (True, True, False, 3),
        "helper": (False, False, False, None),
    }
    assert all(m.schema_version == 3 and m.task is False for m in meta.values())


def test_the_set_up_cell_without_a_network_is_one_sentence(tmp_path):
    """Where trainlab is not here yet and cannot be fetched: nothing of pip's, one error, and no second one from an import."""
    cell = SETUP_CELL.format(repository="https://127.0.0.1:9/nowhere")  # nobody answers there
    program = textwrap.dedent(f"""
        import importlib.util
        from IPython.core.interactiveshell import InteractiveShell

        find = importlib.util.find_spec
        importlib.util.find_spec = lambda name, *more: None if name == "trainlab" else find(name, *more)
        run = InteractiveShell.instance().run_cell({cell!r})
        print(type(run.error_in_exec).__name__, run.error_in_exec.__context__)
    """)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path)
    assert "ERROR" not in done.stdout + done.stderr and "fatal" not in done.stdout + done.stderr
    assert len(re.findall(r"ConnectionError\S*: trainlab, this course", done.stdout)) == 1
    assert done.stdout.splitlines()[-1] == "ConnectionError None"
