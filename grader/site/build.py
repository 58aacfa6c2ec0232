"""`grader site`: the built notebooks and the prose around them, staged into one folder and made a website by Sphinx."""

from __future__ import annotations

import io
import re
import shutil
import tempfile
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from grader.build.sources import repository_url
from grader.build.units import Unit, read_units
from grader.errors import CourseError
from grader.site import live, maths, notebooks, pages, pictures
from grader.site.links import relinked

HERE = resources.files("grader.site")
MODULES = [
    "surfaces",
    "descend",
    "curvature",
    "networks",
    "data",
    "plots",
    "interact",
    "chart",
    "timing",
    "evidence",
    "checks",
]
MENU = {
    "map": "The course",
    "lectures": "Lectures",
    "assignments": "Assignments",
    "glossary": "Glossary",
    "handbook": "Instructors",
    "reference": "Reference",
}


def build(root: Path, to: Path, pictures: int = live.PICTURES) -> int:
    """The course's website, whole, in the folder `to`, which it replaces, each figure with at most so many pictures; the number of its pages."""
    with tempfile.TemporaryDirectory() as folder:
        source, made = Path(folder) / "source", Path(folder) / "made"
        units, repository = read_units(root), repository_url(root)
        names = page_names(units)
        (source / "_static").mkdir(parents=True)
        prose = _prose(root, units)
        terms = set(re.findall('id="(term-[^"]*)"', prose["lectures/GLOSSARY.md"]))
        moving = live.draw_all(root, [unit.slug for unit in units], source / "_static" / "live", pictures)
        for unit in units:
            _stage_unit(root, source, unit, names, terms, repository, moving[unit.slug])
        for here, text in prose.items():
            relink = relinked(root, here, names, repository)
            page = source / names[here]
            page.parent.mkdir(exist_ok=True)
            page.write_text(relink(text), encoding="utf-8")
        maths.write_font(source / "_static")
        for name in ("style.css", "live.css", "site.js", "live.js", "icon.svg"):
            shutil.copy(str(HERE / name), source / "_static")
        _sphinx(source, made, repository)
        for unit in units:
            for path in (unit.lecture, unit.assignment):
                shutil.copy(root / path, made / names[path])  # to download
        if to.exists():
            shutil.rmtree(to)
        shutil.copytree(made, to)
    return len(list(to.rglob("*.html")))


def page_names(units: Sequence[Unit]) -> dict[str, str]:
    """Files of the repository that become pages, those that are made for the site alone, and the names of the pages."""
    names = {unit.lecture: f"lectures/{unit.slug}.ipynb" for unit in units}
    names |= {unit.assignment: f"assignments/{unit.slug}.ipynb" for unit in units}
    names |= {
        "lectures/README.md": "map.md",
        "lectures/GLOSSARY.md": "glossary.md",
        "grader/README.md": "handbook.md",
    }
    names |= {name: name for name in ("index.md", "lectures.md", "assignments.md", "reference.md")}
    return names | {f"trainlab/{name}.py": f"reference/{name}.md" for name in MODULES}


def _prose(root: Path, units: Sequence[Unit]) -> dict[str, str]:
    """The text of each page that is no notebook, by the file in which it stands."""

    def text(path: str) -> str:
        return (root / path).read_text(encoding="utf-8")

    front = (HERE / "front.md").read_text(encoding="utf-8").replace("{picture}", pictures.three_runs())
    unit_map = pictures.unit_map(units, {unit.number: f"lectures/{unit.slug}.html" for unit in units})
    modules = {f"reference/{name}": name for name in MODULES}
    return {
        "index.md": front + pages.toctree(MENU),
        "lectures.md": pages.unit_list("Lectures", units, "lectures"),
        "assignments.md": pages.unit_list("Assignments", units, "assignments"),
        "lectures/README.md": pages.course_map(text("lectures/README.md"), unit_map),
        "lectures/GLOSSARY.md": pages.glossary(text("lectures/GLOSSARY.md"), units),
        "grader/README.md": text("grader/README.md"),
        "reference.md": pages.reference(modules),
        **{f"trainlab/{name}.py": pages.module(name) for name in MODULES},
    }


def _stage_unit(
    root: Path,
    source: Path,
    unit: Unit,
    names: dict[str, str],
    terms: set[str],
    repository: str,
    moving: str | None,
) -> None:
    """Lecture and assignment of a unit, and their pictures; `moving` is the lecture's figure with sliders."""
    import nbformat

    for path in (unit.lecture, unit.assignment):
        page = source / names[path]
        static = f"_static/{page.parent.name}/{unit.slug}"
        kept: dict[str, bytes] = {}
        nb = notebooks.staged(
            nbformat.read(root / path, as_version=4),
            notebooks.without_installation,
            notebooks.folded,
            notebooks.live_figure(moving),
            notebooks.pictures_as_files(f"../{static}", kept),
            notebooks.tables_scroll,
            notebooks.doors(page.name),
            notebooks.prose(pages.predictions),
            notebooks.prose(lambda text: pages.terms_linked(text, terms, "../glossary.html")),
            notebooks.prose(pages.named_headers),
            notebooks.prose(relinked(root, path, names, repository)),
        )
        page.parent.mkdir(exist_ok=True)
        nbformat.write(nb, page)
        (source / static).mkdir(parents=True)
        for name, data in kept.items():
            (source / static / name).write_bytes(data)


def _sphinx(source: Path, made: Path, repository: str) -> None:
    """HTML below `made`. Raises CourseError for whatever Sphinx warns of."""
    from sphinx.application import Sphinx

    said = io.StringIO()
    settings = {
        **SETTINGS,
        "html_theme_options": {**THEME, "external_links": [{"name": "Sources", "url": repository}]},
    }
    app = Sphinx(
        srcdir=source,
        confdir=None,
        outdir=made,
        doctreedir=made.parent / "doctrees",
        buildername="html",
        confoverrides=settings,
        status=None,
        warning=said,
        parallel=2,
    )
    app.build()
    if warnings := said.getvalue():
        raise CourseError(f"the site is not complete:\n{warnings}")
    # what the theme brings and no page needs: 1.5 MB of script for eight icons, which style.css draws, and their fonts
    static = made / "_static"
    (static / "scripts" / "fontawesome.js").write_text("")
    shutil.rmtree(static / "vendor", ignore_errors=True)
    theme = static / "styles" / "pydata-sphinx-theme.css"
    theme.write_text(
        re.sub(r"@font-face\s*\{[^}]*fontawesome[^}]*\}", "", theme.read_text(encoding="utf-8")),
        encoding="utf-8",
    )
    (static / "webpack-macros.html").unlink(missing_ok=True)


SETTINGS: dict[str, Any] = {
    "project": "trainlab",
    "html_title": "trainlab",
    "extensions": ["myst_nb", "sphinx_copybutton", "sphinx.ext.autodoc", "grader.site.extension"],
    "root_doc": "index",
    "language": "en",
    "html_theme": "pydata_sphinx_theme",
    "html_static_path": ["_static"],
    "html_favicon": "_static/icon.svg",
    "html_context": {"default_mode": "auto"},
    "html_sidebars": {"**": ["sidebar-nav-bs"], "index": [], "map": [], "glossary": [], "handbook": []},
    "html_css_files": ["style.css", "live.css"],
    "html_js_files": [(name, {"defer": "defer"}) for name in ("site.js", "live.js")],
    "html_math_renderer": "mathml",
    "html_copy_source": False,
    "html_domain_indices": False,
    "html_use_index": False,
    "html_show_sphinx": False,
    "nb_execution_mode": "off",
    "myst_enable_extensions": ["dollarmath"],
    "myst_heading_anchors": 3,
    "autodoc_member_order": "bysource",
    "default_role": "code",
}
THEME: dict[str, Any] = {
    "show_prev_next": True,
    "navigation_depth": 2,
    "header_links_before_dropdown": 7,
    "footer_start": [],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
    "article_header_start": [],
}
