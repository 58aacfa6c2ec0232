"""Links between files of the repository become links between pages; what has no page is shown by the code host."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

_LINK = re.compile(r"\]\((?P<path>(?![a-z]+:|#)[^()\s#]+)(?:#(?P<anchor>[^()\s]*))?\)")


def slug(heading: str) -> str:
    """The id that GitHub gives to a heading, from its text or from the id that Jupyter gives to it."""
    return re.sub(r"[^\w\- ]", "", unquote(heading).casefold().replace("-", " ")).replace(" ", "-")


def relinked(root: Path, here: str, pages: Mapping[str, str], repository: str) -> Callable[[str], str]:
    """A function that changes the links of a text that stands in the file `here`.

    `pages` maps files of the repository to their staged names; `here` is one of them.
    """

    def link(match: re.Match[str]) -> str:
        target = os.path.normpath(PurePosixPath(here).parent / unquote(match["path"]))
        anchor = f"#{slug(match['anchor'])}" if match["anchor"] else ""
        if target in pages:
            return f"]({os.path.relpath(pages[target], PurePosixPath(pages[here]).parent)}{anchor})"
        kind = "tree" if (root / target).is_dir() else "blob"
        return f"]({repository}/{kind}/main/{target}{anchor})"

    return lambda text: _LINK.sub(link, text)
