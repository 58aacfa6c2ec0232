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

TEMPLATES = Path(__file__).parent / "templates"
MAX_TEXT = 50_000
"""Characters of a text cell that is rendered; a longer one is shown as it was typed (renderers take quadratic time)."""
_TAGS = (
    "a", "abbr", "b", "blockquote", "br", "code", "dd", "del", "details", "div", "dl", "dt", "em", "h1", "h2", "h3", "h4", "h5",
    "h6", "hr", "i", "img", "kbd", "li", "mark", "ol", "p", "pre", "s", "samp", "small", "span", "strong", "sub", "summary", "sup",
    "table", "tbody", "td", "th", "thead", "tr", "tt", "u", "ul",
)  # fmt: skip
_ATTRIBUTES = ("class", "id", "title", "alt", "width", "height", "align", "colspan", "rowspan")
_LINK = re.compile(r"(https?:|mailto:|#)", re.IGNORECASE)
_PICTURE = re.compile(r"(data:image/(png|jpeg|gif);base64,[A-Za-z0-9+/=\s]*|(?!/)[\w./ -]+)", re.IGNORECASE)
# control characters but tab and line feed, marks that turn the direction of text, separators of lines, halves of surrogates
_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]"
)
_ANSI = re.compile(r"\x1b\[[0-9;:?]*[A-Za-z]")


def clean_html(text: str) -> str:
    """HTML without anything that acts: scripts, handlers, styles, frames, forms, links to other than pages and pictures."""
    import bleach

    def allowed(tag: str, name: str, value: str) -> bool:
        if name == "href":
            return tag == "a" and _LINK.match(value) is not None
        if name == "src":
            return tag == "img" and _PICTURE.fullmatch(value) is not None
        return name in _ATTRIBUTES

    protocols = ("http", "https", "mailto", "data")
    return str(bleach.clean(text, tags=_TAGS, attributes=allowed, protocols=protocols))


def visible(text: str) -> str:
    """A stranger's text, lines kept: colour codes gone, every other control or direction mark as its code point."""
    return _CONTROL.sub(_code_point, _ANSI.sub("", text.replace("\r\n", "\n")))


def one_line(text: str, limit: int = 200) -> str:
    """A stranger's id or name in one line that no other id looks like: whatever is not printable as its code point."""
    shown = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)
    return shown if len(shown) <= limit else shown[:limit] + "..."


def _code_point(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


def markdown(source: str, attachments: Mapping[str, Any] | None = None, *, tex: bool = True) -> Markup:
    """A text cell as inert HTML. `tex`: formulas stand as TeX in <code>, to be read without a script that sets them."""
    if len(source) > MAX_TEXT:
        return _as_typed(source)
    if attachments:
        return _markdown(source, attachments, tex)
    return _cached_markdown(source, tex)


@functools.lru_cache(
    2048
)  # the instructor's texts and cells left as they were are the same for the whole class
def _cached_markdown(source: str, tex: bool) -> Markup:
    return _markdown(source, {}, tex)


def _markdown(source: str, attachments: Mapping[str, Any], tex: bool) -> Markup:
    from nbconvert.filters.markdown_mistune import MarkdownWithMath

    try:
        renderer = _renderer()(escape=False, attachments=attachments, exclude_anchor_links=tex)
        renderer.tex = tex
        return Markup(clean_html(MarkdownWithMath(renderer=renderer).render(visible(source))))
    except Exception:  # a renderer raises what it likes at a stranger's text, such as RecursionError
        return _as_typed(source)


@functools.cache
def _renderer() -> Any:
    from nbconvert.filters.markdown_mistune import IPythonRenderer

    class Renderer(IPythonRenderer):
        """nbconvert's, with formulas left as text and no error over a picture that is not there."""

        tex = True

        def block_math(self, body: str) -> str:
            if not self.tex:
                return str(super().block_math(body))
            return f'<code class="tex block">{self.escape_html(body.strip())}</code>'

        def inline_math(self, body: str) -> str:
            if not self.tex:
                return str(super().inline_math(body))
            return f'<code class="tex">{self.escape_html(body)}</code>'

        def latex_environment(self, name: str, body: str) -> str:
            text = str(super().latex_environment(name, body))
            return f'<code class="tex block">{text}</code>' if self.tex else text

        def _embed_image_or_attachment(self, src: str) -> str:
            if src.startswith("attachment:") and not self.attachments.get(src.removeprefix("attachment:")):
                return ""
            return str(super()._embed_image_or_attachment(src))

    return Renderer


def _as_typed(source: str) -> Markup:
    return Markup("<pre>{}</pre>").format(visible(source))


@functools.lru_cache(2048)
def code(source: str) -> Markup:
    """Python code to stand in a <pre>, with what style.css colours in spans: keywords, strings, comments, numbers, names defined."""
    shown = visible(source)
    if len(shown) > MAX_TEXT:
        return escape(shown)
    parts: list[str] = []
    plain = ""
    for _, kind, text in _lexer().get_tokens_unprocessed(shown):
        if name := _class(kind):
            parts += plain and html.escape(plain), f'<span class="{name}">{html.escape(text)}</span>'
            plain = ""
        else:
            plain += text
    return Markup("".join((*parts, html.escape(plain))).rstrip("\n"))


@functools.cache
def _lexer() -> Any:
    from pygments.lexers import PythonLexer

    return PythonLexer(stripnl=False)


@functools.cache
def _class(kind: Any) -> str:
    """The class of a kind of token; none where it is plain."""
    from pygments.token import Comment, Keyword, Name, Number, Operator, String

    classes = {"k": (Keyword, Operator.Word), "s": (String,), "c": (Comment,), "m": (Number,)}
    classes["d"] = (Name.Function, Name.Class)
    return next((name for name, groups in classes.items() if any(kind in group for group in groups)), "")


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
    made.filters.update(number=number, visible=visible, one_line=one_line, code=code)
    return made


def render(template: str, **values: Any) -> str:
    """A page from one of our templates; every value that is not Markup is escaped."""
    return _templates().get_template(template).render(**values)


def script(name: str) -> tuple[Markup, str]:
    """A script of ours to stand in a page, and the source expression by which a Content-Security-Policy allows it alone."""
    text = (TEMPLATES / name).read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return Markup(text), f"sha256-{digest}"
