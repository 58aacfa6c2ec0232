"""What the site adds to Sphinx: formulas as MathML, docstrings as they are written, summaries that are read as they stand."""

from __future__ import annotations

from typing import Any

from grader.site import maths, reference


def setup(app: Any) -> dict[str, bool]:
    """What Sphinx asks of an extension."""
    app.add_html_math_renderer("mathml", (maths.inline, None), (maths.block, None))
    app.connect("autodoc-process-docstring", _docstring)
    app.connect("html-page-context", _finish)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _docstring(app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    lines[:] = reference.markup(lines)


def _finish(app: Any, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """myst-nb gives every folded cell one name that hides its own from who listens."""
    if "body" in context:
        context["body"] = context["body"].replace(' aria-label="Toggle hidden content"', "")
