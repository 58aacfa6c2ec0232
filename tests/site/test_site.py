"""What a page is made of: pure steps from a notebook to a notebook, from Markdown to Markdown, from LaTeX to MathML."""

import nbformat
import pytest
from nbformat import v4

from grader.build.units import read_units
from grader.site import notebooks, pages, panels
from grader.site.links import relinked, slug
from tests.support.course import ROOT
from trainlab import plots

PAGES = {"lectures/05_a.ipynb": "lectures/05_a.ipynb", "grader/README.md": "handbook.md", "map.md": "map.md"}


def code(source, *outputs, **metadata):
    return v4.new_code_cell(source, metadata=metadata, outputs=list(outputs))


def shown(html):
    return v4.new_output("display_data", {"text/html": html, "image/png": "", "text/plain": "words"})


def test_steps_leave_the_notebook_that_they_are_given():
    nb = v4.new_notebook(cells=[code("# @title Curves\nplot()", tags=["hide-input"])])
    before = nbformat.writes(nb)
    after = notebooks.staged(nb, notebooks.without_installation, notebooks.folded)
    assert nbformat.writes(nb) == before
    assert after.cells[0].source == "plot()"
    assert after.cells[0].metadata["mystnb"]["code_prompt_show"] == "Code: Curves"


def test_what_installs_goes_and_checks_are_folded_under_their_first_line():
    nb = v4.new_notebook(
        cells=[
            code("import trainlab", tags=["generated"]),
            code("# One step: both.\nassert f() == 1", nbgrader={"grade": True, "grade_id": "t"}),
            code("def f(): ...", nbgrader={"grade": False, "grade_id": "f"}),
        ]
    )
    checks, solution = notebooks.staged(nb, notebooks.without_installation, notebooks.folded).cells
    assert checks.metadata["mystnb"]["code_prompt_show"] == "Checks: One step: both"
    assert "hide-input" in checks.metadata["tags"]
    assert "tags" not in solution.metadata


def test_pictures_become_files_that_wait_until_they_come_into_view():
    data = plots.png(plots.figure(plots.lines(plots.Curve([0, 1], [0, 1]), xlabel="x", ylabel="y")))
    nb = v4.new_notebook(cells=[code("show()", shown(plots.img(data, "A <curve>.")))])
    kept: dict[str, bytes] = {}
    after = notebooks.staged(nb, notebooks.pictures_as_files("../p", kept))
    assert kept == {"01.png": data}
    html = after.cells[0].outputs[0].data["text/html"]
    assert html == panels.markup("../p/01.png", data, "A <curve>.")
    assert 'loading="lazy"' in html and "base64" not in html


def test_a_live_figure_stands_where_the_sliders_are():
    nb = v4.new_notebook(
        cells=[code("plot()", shown("still")), code("interact.explore(panel)", shown("stills"))]
    )
    assert notebooks.staged(nb, notebooks.live_figure(None)) == nb
    after = notebooks.staged(nb, notebooks.live_figure("<live>"))
    assert [cell.outputs[0].data["text/html"] for cell in after.cells] == ["still", "<live>"]


def test_the_badge_becomes_two_buttons():
    nb = v4.new_notebook(
        cells=[
            v4.new_markdown_cell(
                "# T\n\n[![Open](https://x/colab-badge.svg)](https://colab/05.ipynb)\n\nText"
            )
        ]
    )
    source = notebooks.staged(nb, notebooks.doors("05.ipynb")).cells[0].source
    assert "badge" not in source
    assert 'href="https://colab/05.ipynb"' in source
    assert 'href="05.ipynb" download' in source


@pytest.mark.parametrize(
    ("link", "becomes"),
    [
        ("[a](../lectures/05_a.ipynb)", "[a](lectures/05_a.ipynb)"),
        ("[a](../lectures/05_a.ipynb#1.-How-far,-then?)", "[a](lectures/05_a.ipynb#1-how-far-then)"),
        ("[a](../solutions/x.py)", "[a](https://host/r/blob/main/solutions/x.py)"),
        ("[a](../lectures)", "[a](https://host/r/tree/main/lectures)"),
        ("[a](https://elsewhere/x#y) and [b](#here)", "[a](https://elsewhere/x#y) and [b](#here)"),
    ],
)
def test_links_lead_to_pages_or_to_the_code_host(link, becomes):
    assert relinked(ROOT, "grader/README.md", PAGES, "https://host/r")(link) == becomes


def test_jupyters_ids_and_githubs_are_one():
    assert slug("3.-What-is-Adam,-exactly?") == slug("3. What is Adam, exactly?") == "3-what-is-adam-exactly"


def test_glossary_and_lectures_link_to_each_other():
    units = read_units(ROOT)
    text = "| English | 中文 |\n|---|---|\n| condition number κ | 条件数 | m | [01](01.ipynb) | 05, 07 |\n"
    course = pages.glossary(text, units)
    assert '<span id="term-condition-number">condition number κ</span>' in course
    assert "[05](05_momentum.ipynb#glossary), [07](07_adaptive_rates.ipynb#glossary)" in course
    own = "| a | b |\n\n## Glossary\n\n| English | 中文 |\n|---|---|\n| Condition-number, new word | 条 |\n"
    linked = pages.terms_linked(own, {"term-condition-number"}, "g.html")
    assert '<a href="g.html#term-condition-number">Condition-number</a>, new word |' in linked
    assert linked.startswith("| a | b |")


def test_predictions_stand_out_and_empty_heads_have_a_name():
    assert (
        pages.predictions("A\n\n**Predict.** How\nmany?\n\nB")
        == 'A\n\n<div class="predict">\n\n**Predict.** How\nmany?\n\n</div>\n\nB'
    )
    assert pages.named_headers("| | points |\n|---|---|\n| | 3 |").splitlines()[2] == "| | 3 |"
    assert "| |" not in pages.named_headers("| | points |\n|---|---|\n| | 3 |").splitlines()[0]
    assert "| |" not in pages.named_headers("| mode | |\n|---|---|\n| a | b |").splitlines()[0]
    assert pages.named_headers("| a | b |\n|---|---|\n| | |") == "| a | b |\n|---|---|\n| | |"


def test_every_formula_of_the_course_is_mathml():
    maths = pytest.importorskip("grader.site.maths", reason="make site installs what it needs")
    import re

    from tests.course.test_links import markdown

    seen = 0
    for path, text in markdown():
        for match in re.finditer(
            r"\$\$(.+?)\$\$|(?<!\\)\$([^$\n]+)\$",
            re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL),
            re.DOTALL,
        ):
            formula = maths.mathml(match[1] or match[2])
            assert formula.startswith("<math"), path
            assert "\\" not in formula, f"{path}: {match[0]}"
            seen += 1
    assert seen > 1000


def test_names_of_functions_stand_off_what_follows_and_keep_their_index():
    maths = pytest.importorskip("grader.site.maths", reason="make site installs what it needs")
    assert '<mi>ln</mi><mspace width="0.17em" /><msup>' in maths.mathml(r"\ln 10^6")
    assert "<msub><mi>log</mi><mn>2</mn></msub>" in maths.mathml(r"\log_2 x")
    assert "mspace" not in maths.mathml(r"\ln(2)")


def test_primes_stand_no_higher_than_exponents_and_roots_take_no_more_room_than_their_sign(tmp_path):
    """The primes of most fonts are raised already; as exponents they would be raised twice. And Chromium leaves behind a root what the
    widest of its signs would take."""
    maths = pytest.importorskip("grader.site.maths", reason="make site installs what it needs")
    from fontTools.ttLib import TTFont

    maths.write_font(tmp_path)
    font = TTFont(tmp_path / maths.FONT)
    names, glyphs, variants = font.getBestCmap(), font["glyf"], font["MATH"].table.MathVariants
    for prime in (0x2032, 0x2033, 0x2034):
        assert glyphs[names[prime]].yMax < glyphs[names[ord("2")]].yMax
    root = names[0x221A]
    built = variants.VertGlyphConstruction[variants.VertGlyphCoverage.glyphs.index(root)]
    signs = [sign.VariantGlyph for sign in built.MathGlyphVariantRecord]
    signs += [part.glyph for part in built.GlyphAssembly.PartRecords]
    assert len(signs) == 7 and {font["hmtx"][sign][0] for sign in signs} == {font["hmtx"][root][0]}


def test_docstrings_keep_their_code_and_lose_no_sign():
    from grader.site.reference import markup

    lines = ["Sum of |x|, see `a|b`.", "", "    def f(w):", "        return w", "", "*args come last."]
    assert markup(lines) == [
        "Sum of \\|x\\|, see `a|b`.",
        "",
        "::",
        "",
        "        def f(w):",
        "            return w",
        "",
        "\\*args come last.",
    ]
