"""What a reader meets who sees no colours, sees little, or listens: in lectures, assignments, solutions and pages."""

import itertools
import re
from pathlib import Path

import pytest
from matplotlib.colors import to_hex, to_rgb
from matplotlib.text import Text

from tests.course.test_links import LINK, without_code
from tests.support.course import ROOT, notebooks
from tests.trainlab.test_plots import panels
from trainlab import plots
from trainlab.plots import Curve

PAGES = [ROOT / "README.md", *sorted((ROOT / "lectures").glob("*.md")), ROOT / "grader" / "README.md"]
NOTEBOOKS = list(notebooks())


def documents() -> list[tuple[str, str]]:
    """Name and Markdown of every page and notebook that people read."""
    prose = [
        (path, "\n\n".join(c.source for c in nb.cells if c.cell_type == "markdown")) for path, nb in NOTEBOOKS
    ]
    pages = [(path, path.read_text(encoding="utf-8")) for path in PAGES]
    return [(str(path.relative_to(ROOT)), text) for path, text in (*pages, *prose)]


DOCUMENTS = documents()
every_document = pytest.mark.parametrize(("name", "text"), DOCUMENTS, ids=[name for name, _ in DOCUMENTS])


@every_document
def test_headings_begin_with_one_title_and_skip_no_level(name, text):
    plain = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    levels = [len(mark) for mark in re.findall(r"^(#+) ", plain, re.MULTILINE)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


@every_document
def test_pictures_have_alternative_text(name, text):
    for match in re.finditer(r"!\[(?P<alt>[^\]]*)\]\([^)]*\)|<img\b[^>]*>", text):
        alt = match["alt"] or "".join(re.findall(r'\balt="([^"]*)"', match[0]))
        assert alt.strip(), match[0]


@every_document
def test_links_make_sense_alone(name, text):
    """No "here", no bare address, and no two links that read the same and lead elsewhere."""
    leads: dict[str, str] = {}
    for match in LINK.finditer(without_code(text)):
        said = re.sub(r"[`*]", "", match["text"]).strip().casefold()
        if match[0].startswith("!"):
            continue
        assert said not in ("here", "this", "link", "click here", "more", "this page", "read more"), match[0]
        assert not re.match(r"https?://", said), match[0]
        assert leads.setdefault(said, match["target"]) == match["target"], match[0]


@pytest.mark.parametrize(
    ("path", "nb"), NOTEBOOKS, ids=[path.parts[-3] + "/" + path.stem for path, _ in NOTEBOOKS]
)
def test_every_figure_has_its_text_in_every_form(path: Path, nb):
    """In the metadata (nbconvert reads it there), in the <img> (JupyterLab), as text (a terminal)."""
    for cell in nb.cells:
        for output in cell.get("outputs", ()):
            if "image/png" in output.get("data", {}):
                alt = output.metadata["image/png"]["alt"]
                assert len(alt.split()) >= 6
                assert output.data["text/plain"] == alt
                assert output.data["text/html"].count("<img alt=") == 1
            assert "image/svg+xml" not in output.get("data", {}), "figures are made by plots.show"


def test_graphics_stand_out_from_the_background():
    """WCAG 2, 1.4.11: 3 to 1 for what must be seen to understand a figure."""
    assert plots.contrast("white") == pytest.approx(1)
    assert plots.contrast("black") == pytest.approx(21)
    assert plots.contrast("#767676") == pytest.approx(4.54, abs=0.01)  # WCAG's own example
    for colour in (*plots.COLOURS, plots.CONTOUR):
        assert plots.contrast(colour) >= 3, colour
        assert plots.contrast("#111111") / plots.contrast(colour) >= 3, "on a dark page"


@pytest.mark.parametrize("colour", plots.COLOURS)
def test_ink_is_dark_enough_for_text_and_of_the_same_hue(colour):
    """WCAG 2, 1.4.3: 4.5 to 1."""
    assert plots.contrast(plots.ink(colour)) >= 4.5
    shares = [part / whole for part, whole in zip(plots.ink(colour), to_rgb(colour), strict=True) if whole]
    assert max(shares, default=1) - min(shares, default=1) < 1e-9


@pytest.mark.parametrize("name", panels())
def test_all_type_in_a_figure_has_the_contrast_of_text(name):
    fig = plots.figure(panels()[name])
    for text in fig.findobj(Text):
        if text.get_text():
            if text.get_path_effects():  # on a colour map: white with a black edge
                assert to_hex(text.get_color()) == "#ffffff"
            else:
                assert plots.contrast(text.get_color()) >= 4.5, text
                assert plots.contrast("#111111") / plots.contrast(text.get_color()) >= 3.6, "on a dark page"


def test_no_two_curves_differ_by_colour_alone():
    """Measured curves by their markers, theory by its dashes; `plots.figure` looks at panels that a lecture draws itself."""
    x = [0, 1]
    curves = [Curve(x, [k, k], theory=k % 2 == 1) for k in range(6)]
    ax = plots.figure(plots.lines(*curves, xlabel="x", ylabel="y")).axes[0]
    assert plots.by_colour_alone(ax) == []
    assert len({(line.get_marker(), line.get_linestyle()) for line in ax.lines}) == 6


def test_a_label_at_a_curves_end_is_a_second_cue():
    labelled = [Curve([0, 1], [k, k], f"curve {k}", theory=True) for k in range(5)]
    assert plots.by_colour_alone(plots.figure(plots.lines(*labelled, xlabel="x", ylabel="y")).axes[0]) == []


@pytest.mark.parametrize(
    "second", [{"marker": "o"}, {"linestyle": "--"}, {"linewidth": 4}, {"color": "black"}]
)
def test_a_figure_whose_lines_differ_by_colour_alone_is_refused(second, monkeypatch):
    monkeypatch.setattr(plots, "display", lambda *_, **__: None)

    def plain(ax):
        ax.plot([0, 1], [0, 1], color="black")
        ax.plot([0, 1], [1, 0], color="blue")

    def cued(ax):
        ax.plot([0, 1], [0, 1], color="black")
        ax.plot([0, 1], [1, 0], **{"color": "blue", **second})

    with pytest.raises(ValueError, match="differ by colour alone"):
        plots.show(plain, alt="Two lines cross in the middle of the picture.")
    plots.show(cued, alt="Two lines cross in the middle of the picture.")
