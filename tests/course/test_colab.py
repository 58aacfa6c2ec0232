"""As on Colab: a fresh environment with what Colab has, one notebook alone in an empty folder, and its own set-up cell.

The set-up cell runs as it is published. Only what `git` finds at the published address is replaced, by git's own `url.insteadOf`:
a repository made from this folder, which pip clones and builds a wheel from. After that no kernel has a network.

`make test` runs all assignments and one lecture; `make colab` runs all lectures too, which takes minutes.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest

from grader.build.lectures import execute
from grader.build.sources import GENERATED, repository_url
from grader.errors import CourseError
from tests.support import offline
from tests.support.course import ASSIGNMENTS, LECTURES, ROOT, notebooks

PUBLISHED = (
    "pyproject.toml",
    "constraints.txt",
    "README.md",
    "LICENSE",
    "LICENSE-TEXT",
    "trainlab",
    "grader",
)
"""What a wheel of this repository is built from."""
TESTED_LECTURES = LECTURES if os.environ.get("COLAB_LECTURES") == "all" else ["02_losses"]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
ADDRESS = repository_url(ROOT)


@dataclass(frozen=True)
class Colab:
    """An environment in `folder`, with the kernel specifications `online` and `offline` in folders of that name."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "venv" / "bin" / "python"

    def say(self, *arguments: str) -> str:
        """What its Python prints."""
        return subprocess.check_output([str(self.python), *arguments], text=True, cwd=self.folder)

    def packages(self) -> set[str]:
        return set(self.say("-m", "pip", "freeze", "--all").splitlines())

    def run(self, notebook: Path, kernel: str) -> nbformat.NotebookNode:
        """Execute a notebook from the top, alone in an empty folder. Raises CourseError for a cell that fails."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("JUPYTER_PATH", str(self.folder / kernel))  # its `python3` goes before any other
            patch.setenv("GIT_CONFIG_COUNT", "1")
            patch.setenv("GIT_CONFIG_KEY_0", f"url.file://{self.folder}/published.insteadOf")
            patch.setenv("GIT_CONFIG_VALUE_0", ADDRESS)
            patch.setenv("PYTHONDONTWRITEBYTECODE", "")
            return execute(nbformat.read(notebook, as_version=4), notebook)


def make_colab(folder: Path) -> Colab:
    """What Colab has: the packages that pyproject.toml names for the base install, at their newest, and a kernel."""
    made = Colab(folder)
    subprocess.run([sys.executable, "-m", "venv", made.folder / "venv"], check=True)
    # torch's newest wheels are gigabytes: it is the one that we have, all others are what pip finds
    packages = Path(made.say("-c", "import sysconfig; print(sysconfig.get_path('purelib'), end='')"))
    torch = importlib.metadata.distribution("torch")
    for part in {file.parts[0] for file in torch.files or ()} - {".."}:
        (packages / part).symlink_to(Path(str(torch.locate_file(part))))
    held = f"torch=={torch.version}"
    made.say("-m", "pip", "install", "-qq", "--no-compile", *PROJECT["dependencies"], held, "ipykernel")
    assert (packages / "torch").is_symlink()
    for name, before in (("online", []), ("offline", offline.prefix())):
        spec = made.folder / name / "kernels" / "python3" / "kernel.json"
        spec.parent.mkdir(parents=True)
        argv = [*before, str(made.python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        spec.write_text(json.dumps({"argv": argv, "display_name": "Colab", "language": "python"}))
    _publish(made.folder / "published")
    return made


@pytest.fixture(scope="module")
def colab(tmp_path_factory) -> Iterator[Colab]:
    made = make_colab(tmp_path_factory.mktemp("colab"))
    yield made
    shutil.rmtree(made.folder)


def _publish(folder: Path) -> None:
    folder.mkdir()
    for name in PUBLISHED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, folder)
    author = ["-c", "user.name=trainlab", "-c", "user.email=trainlab@example.org"]
    for command in (["init", "-q"], ["add", "."], [*author, "commit", "-q", "-m", "published"]):
        subprocess.run(["git", *command], cwd=folder, check=True)


@pytest.mark.slow
def test_every_assignment_runs_to_its_first_unsolved_exercise_and_lectures_to_their_end(colab, subtests):
    """One test, because the environment takes longer to make than most notebooks to run."""
    before = colab.packages()
    assert not any(line.startswith("trainlab") for line in before)
    with subtests.test("the first notebook installs the helper module and nothing else"):
        with pytest.raises(CourseError, match="NotImplementedError: This exercise is not solved yet"):
            colab.run(ROOT / "assignments" / ASSIGNMENTS[0] / f"{ASSIGNMENTS[0]}.ipynb", "online")
        after = colab.packages()
        (new,) = after - before
        assert new.startswith(f"trainlab @ git+{ADDRESS}@")
        assert before <= after
    with subtests.test("nothing of the instructor's side is there"):
        names = {re.split(r"[=@ ]", line)[0].lower() for line in after}
        assert not names & {"nbgrader", "jupyterlab", "ipywidgets", "jupytext", "nbclient", "typer"}
    with subtests.test("the licence of what was installed is the one in the repository"):
        about = "from importlib.metadata import metadata as m; print(m('trainlab').as_string())"
        said = colab.say("-c", about).splitlines()
        assert f"License-Expression: {PROJECT['license']}" in said
        assert {f"License-File: {name}" for name in PROJECT["license-files"]} <= set(said)
    for unit in ASSIGNMENTS:
        with (
            subtests.test("assignment", unit=unit),
            pytest.raises(CourseError, match="NotImplementedError: This exercise is not solved yet"),
        ):
            colab.run(ROOT / "assignments" / unit / f"{unit}.ipynb", "offline")
    for unit in TESTED_LECTURES:
        with subtests.test("lecture", unit=unit):
            done = colab.run(ROOT / "lectures" / f"{unit}.ipynb", "offline")
            outputs = [output for cell in done.cells for output in cell.get("outputs", ())]
            assert not [output for output in outputs if output.get("name") == "stderr"]
            assert sum("image/png" in output.get("data", {}) for output in outputs) >= 5
    assert colab.packages() == after == before | {new}


def test_badge_and_set_up_cell_name_one_address():
    """The badge opens the very notebook (of a solution, what students get), and the second cell installs from the same place."""
    colab_address = ADDRESS.replace("https://github.com", "https://colab.research.google.com/github")
    seen = 0
    for path, nb in notebooks():
        name = path.relative_to(ROOT).as_posix().replace("solutions/", "assignments/")
        badges = re.findall(r"\]\((https://colab[^)]*/blob/[^)]*)\)", nb.cells[0].source)
        assert badges == [f"{colab_address}/blob/main/{name}"], path
        assert (ROOT / name).is_file()
        assert nb.cells[1].metadata.tags == [GENERATED]
        assert re.findall(r"%pip (.*)", nb.cells[1].source) == [f'install -qqq "trainlab @ git+{ADDRESS}"']
        assert not [
            cell for cell in nb.cells[2:] if "pip install" in cell.source or "drive.mount" in cell.source
        ]
        seen += 1
    assert seen > 3


def test_the_set_up_cell_does_nothing_where_the_module_is():
    _, nb = next(notebooks())
    assert "%pip" in nb.cells[1].source
    code = nb.cells[1].source.replace("%pip", "raise SystemExit #")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd="/")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
