"""What every page of ours shares: the templates, and a stranger's text, code and HTML made inert."""

from __future__ import annotations

import base64
import functools
import hashlib
import html
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from pygments.lexers.python import PythonLexer
from pygments.token import Comment, Keyword, Name, Number, Operator, String

from grader.text import printable, visible

TEMPLATES = Path(__file__).parent / "templates"
MAX_TEXT, MAX_PAGE = 10_000, 50_000
"""Characters of a text cell, and of a student's text cells on one page, that are rendered; more is shown as it was typed
(renderers take quadratic time)."""
_TAGS = (
    "a", "abbr", "b", "blockquote", "br", "code", "dd", "del", "details", "div", "dl", "dt", "em", "h1", "h2", "h3", "h4", "h5",
    "h6", "hr", "i", "img", "kbd", "li", "mark", "ol", "p", "pre", "s", "samp", "small", "span", "strong", "sub", "summary", "sup",
    "table", "tbody", "td", "th", "thead", "tr", "tt", "u", "ul",
)  # fmt: skip
_ATTRIBUTES = ("class", "id", "title", "alt", "width", "height", "align", "colspan", "rowspan")
_LINK = re.compile(r"(https?:|mailto:|#)", re.IGNORECASE)
_PICTURE = re.compile(r"(data:image/(png|jpeg|gif);base64,[A-Za-z0-9+/=\s]*|(?!/)[\w./ -]+)", re.IGNORECASE)


_LEXER = PythonLexer(stripnl=False)
_COLOURED = (
    ("k", (Keyword, Operator.Word)),
    ("s", (String,)),
    ("c", (Comment,)),
    ("m", (Number,)),
    ("d", (Name.Function, Name.Class)),
)
"""Classes of style.css, and the kinds of tokens that have them."""


def clean_html(text: str) -> str:
    """HTML without anything that acts: scripts, handlers, styles, frames, forms, links to other than pages and pictures. A picture
    without alternative text is called one; a table's head without words is a plain cell."""
    import nh3

    def allowed(tag: str, name: str, value: str) -> str | None:
        if name == "href":
            return value if _LINK.match(value) else None
        if name == "src":
            return value if _PICTURE.fullmatch(value) else None
        return value

    attributes = {"*": set(_ATTRIBUTES), "a": {"href"}, "img": {"src"}}
    schemes = {"http", "https", "mailto", "data"}
    inert = nh3.clean(
        text, tags=set(_TAGS), attributes=attributes, attribute_filter=allowed, url_schemes=schemes
    )
    named = re.sub(r"<img(?![^>]* alt=)", '<img alt="A picture"', inert)
    return re.sub(r"<th(?: [^>]*)?>\s*</th>", "<td></td>", named)


def markdown(source: str, attachments: Mapping[str, Any] | None = None, *, tex: bool = True) -> Markup:
    """A text cell as inert HTML. `tex`: formulas stand as TeX in <code>, to be read without a script that sets them."""
    if len(source) > MAX_TEXT:
        return as_typed(source)
    return _markdown(source, attachments, tex) if attachments else _cached_markdown(source, tex)


@functools.lru_cache(2048)  # the instructor's texts and cells left as they were are the same for a class
def _cached_markdown(source: str, tex: bool) -> Markup:
    return _markdown(source, {}, tex)


def _markdown(source: str, attachments: Mapping[str, Any], tex: bool) -> Markup:
    from nbconvert.filters.markdown_mistune import MarkdownWithMath

    try:
        renderer = _renderers()[tex](escape=False, attachments=attachments, exclude_anchor_links=tex)
        return Markup(clean_html(MarkdownWithMath(renderer=renderer).render(visible(source))))
    except Exception:  # a renderer raises what it likes at a stranger's text, such as RecursionError
        return as_typed(source)


@functools.cache
def _renderers() -> tuple[Any, Any]:
    """nbconvert's renderer of text cells, and one that leaves formulas as text."""
    from nbconvert.filters.markdown_mistune import IPythonRenderer

    class Renderer(IPythonRenderer):
        """No error over a picture that is not there."""

        def _embed_image_or_attachment(self, src: str) -> str:
            if src.startswith("attachment:") and not self.attachments.get(src.removeprefix("attachment:")):
                return ""
            return str(super()._embed_image_or_attachment(src))

    class TexRenderer(Renderer):
        """Formulas in <code>."""

        def block_math(self, body: str) -> str:
            return f'<code class="tex block">{self.escape_html(body.strip())}</code>'

        def inline_math(self, body: str) -> str:
            return f'<code class="tex">{self.escape_html(body)}</code>'

        def latex_environment(self, name: str, body: str) -> str:
            return f'<code class="tex block">{super().latex_environment(name, body)}</code>'

    return Renderer, TexRenderer


def as_typed(source: str) -> Markup:
    """A stranger's text as it stands."""
    return Markup("<pre>{}</pre>").format(visible(source))


@functools.lru_cache(2048)
def code(source: str) -> Markup:
    """Python code to stand in a <pre>, with what style.css colours in spans: keywords, strings, comments, numbers, names defined."""
    shown = visible(source)
    if len(shown) > MAX_TEXT:
        return escape(shown)
    parts = []
    for _, kind, text in _LEXER.get_tokens_unprocessed(shown):
        name = next((name for name, kinds in _COLOURED if any(kind in one for one in kinds)), "")
        parts.append(f'<span class="{name}">{html.escape(text)}</span>' if name else html.escape(text))
    return Markup("".join(parts).rstrip("\n"))


def number(value: float) -> str:
    """Points as people write them: 3, 2.5, 0.33."""
    return f"{round(value, 2):g}"


@functools.cache
def _templates() -> Environment:
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    made.filters.update(number=number, visible=visible, printable=printable, code=code, markdown=markdown)
    return made


def render(template: str, **values: Any) -> str:
    """A page from one of our templates; every value that is not Markup is escaped."""
    return _templates().get_template(template).render(**values)


def script(name: str) -> tuple[Markup, str]:
    """A script of ours to stand in a page, and the source expression by which a Content-Security-Policy allows it alone."""
    text = (TEMPLATES / name).read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return Markup(text), f"sha256-{digest}"
