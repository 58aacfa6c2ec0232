"""Formulas as MathML, written when the site is built: no script draws them, every browser and screen reader knows them."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path
from typing import Any

from docutils import nodes
from fontTools import subset
from fontTools.ttLib import TTFont
from latex2mathml.converter import convert

FONT = "maths.woff"
GLYPHS = (
    *((0x20, 0x7E), (0xA0, 0xFF), (0x2B0, 0x2DD), (0x391, 0x3F6)),  # ASCII, Latin signs, accents, Greek
    *((0x2010, 0x2044), (0x2100, 0x214F), (0x2190, 0x21A6), (0x2200, 0x22FF)),  # dots, ℓ ℝ, arrows, operators
    *(
        (0x2308, 0x230B),
        (0x23B4, 0x23DF),
        (0x27E8, 0x27EB),
        (0x27F5, 0x27FB),
    ),  # brackets, braces, long arrows
    *(
        (0x1D400, 0x1D467),
        (0x1D49C, 0x1D4CF),
        (0x1D538, 0x1D56B),
        (0x1D6A8, 0x1D71B),
    ),  # bold, italic, script, double-struck
)
"""First and last code points of what the formulas of a course are made of."""
PRIMES = {0x2032: "minute.ssty", 0x2033: "second.ssty", 0x2034: "uni2034.ssty"}
"""Their glyphs for exponents, which Chromium does not look for: the others are raised already, and would be raised twice."""
RADICALS = [f"uni221A{form}" for form in ("", ".s1", ".s2", ".s3", ".s4", ".x", ".t")]
"""The sign of a root, the taller ones, and the parts of those that are taller still."""
_TAG = re.compile(r"\\tag\{([^}]*)\}")


def mathml(latex: str, *, display: bool = False) -> str:
    r"""One formula. latex2mathml sets limits below \min, does not know \arg, and sets bars and slashes wide and ln close."""
    latex = re.sub(r"\\arg\s*\\(min|max)", r"\\mathop{\\mathrm{arg\\,\1}}", latex)
    formula = convert(latex.strip(), display="block" if display else "inline")
    formula = re.sub(
        r'<mo( stretchy="false")?>(?=&#x(?:0007C|02016|0002F);)', '<mo\\1 lspace="0" rspace="0">', formula
    )
    return re.sub(
        r"(?<!sub>)(?<!sup>)(<mi>(?:ln|log|exp|tanh|sin|cos)</mi>)(?=<m(?!o))",
        r'\1<mspace width="0.17em" />',
        formula,
    )


def inline(writer: Any, node: nodes.math) -> None:
    """Sphinx's visitor of a formula in a line."""
    writer.body.append(mathml(node.astext()))
    raise nodes.SkipNode


def block(writer: Any, node: nodes.math_block) -> None:
    """Sphinx's visitor of a formula on lines of its own, with the number that \\tag gives to one that is cited."""
    latex, number = _TAG.sub("", node.astext()), ""
    if tag := _TAG.search(node.astext()):
        number = f'<span class="eqno">({tag[1]})</span>'
    writer.body.append(writer.starttag(node, "div", CLASS="math scroll"))
    writer.body.append(f"{mathml(latex, display=True)}{number}</div>")
    raise nodes.SkipNode


def write_font(into: Path) -> None:
    """STIX Two Math, which comes with ziamath, with the glyphs of `GLYPHS` alone: a tenth of the file."""
    with resources.as_file(resources.files("ziamath.fonts") / "STIXTwoMath-Regular.ttf") as path:
        font = TTFont(path)
    for table in font["cmap"].tables:
        table.cmap |= {code: glyph for code, glyph in PRIMES.items() if code in table.cmap}
    glyphs, widths = font["glyf"], font["hmtx"]
    for name in RADICALS[1:]:  # Chromium leaves as much room for a root as its widest sign has
        narrower = widths[RADICALS[0]][0] / widths[name][0]
        glyphs[name].coordinates.scale((narrower, 1))
        glyphs[name].recalcBounds(glyphs)
        widths[name] = (widths[RADICALS[0]][0], glyphs[name].xMin)
    chosen = subset.Subsetter(subset.Options(layout_features=["ssty"], hinting=False))
    chosen.populate(unicodes=[code for first, last in GLYPHS for code in range(first, last + 1)])
    chosen.subset(font)
    font.flavor = "woff"
    font.save(into / FONT)
