"""axe-core, the accessibility checker, run in a page that Playwright has open."""

from __future__ import annotations

from typing import Any

SIZES = ((1366, 768), (360, 740))
SCHEMES = ("light", "dark")
AT_ONCE = "*, *::before, *::after { transition: none !important; animation: none !important }"
"""Between two schemes colours change by degrees, and what is unfolded fades in: axe would measure a colour on its way."""


def violations(
    tab: Any, *, sizes: tuple[tuple[int, int], ...] = SIZES, schemes: tuple[str, ...] = SCHEMES
) -> list[str]:
    """What axe-core finds on the page in `tab`, in each of `sizes` (pixels) and `schemes` of colours: a line for each element,
    with the size, the scheme, axe's rule, the element's selector and what axe says of it. All rules that axe has by default,
    best practices (landmarks, order of headings) included; elements of which axe cannot tell are not counted. What the page
    folds is unfolded before."""
    from axe_playwright_python.sync_playwright import Axe

    found = []
    tab.add_style_tag(content=AT_ONCE)
    tab.evaluate("() => document.querySelectorAll('details').forEach(folded => folded.open = true)")
    for width, height in sizes:
        tab.set_viewport_size({"width": width, "height": height})
        for scheme in schemes:
            tab.emulate_media(color_scheme=scheme)
            for rule in Axe().run(tab).response["violations"]:
                for node in rule["nodes"]:
                    says = " ".join(node["failureSummary"].split())
                    found.append(f"{width} {scheme}: {rule['id']}: {node['target'][0]}: {says}")
    return found
