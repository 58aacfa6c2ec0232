"""axe-core, the accessibility checker, run in a page that Playwright has open."""

from __future__ import annotations

from typing import Any

SIZES = ((1366, 768), (360, 740))
SCHEMES = ("light", "dark")
AT_ONCE = "*, *::before, *::after { transition: none !important; animation: none !important }"
"""Between two schemes colours change by degrees, and what is unfolded fades in: axe would measure a colour on its way."""

ALIKE = """() => {
  const seen = new Map(), known = new Map();
  const behind = part => {
    if (part && !known.has(part)) {
      const style = getComputedStyle(part);
      const own = [style.backgroundColor, style.backgroundImage, style.opacity, style.filter].join();
      const laid = style.position === "static" ? "" : `#${known.size}`;  // over whatever: alike to nothing outside
      known.set(part, behind(part.parentElement) + (own === "rgba(0, 0, 0, 0),none,1,none" ? "" : own) + laid);
    }
    return known.get(part) ?? "";
  };
  for (const part of document.querySelectorAll("body *")) {
    const text = [...part.childNodes].filter(one => one.nodeType === Node.TEXT_NODE).map(one => one.data.trim()).join("");
    const {width, height} = part.getBoundingClientRect();
    const visible = width > 1 && height > 1 && part.checkVisibility({opacityProperty: true, visibilityProperty: true});
    if (!visible || text.length < 2) {  // axe measures no letter alone
      part.toggleAttribute("data-alike", true);
      continue;
    }
    const style = getComputedStyle(part);
    const looks = [behind(part), style.color, style.fontWeight, style.fontSize, style.textShadow].join();
    part.toggleAttribute("data-alike", (seen.get(looks) ?? 0) >= 3);
    seen.set(looks, (seen.get(looks) ?? 0) + 1);
  }
}"""
ONCE = "; axe.configure({rules: [{id: 'color-contrast', selector: '*:not([data-alike])'}]})"
"""A page has thousands of words in a dozen looks (colour, size, weight, and all that is painted behind): the contrast of three of each is
measured, in each size and scheme."""


def violations(
    tab: Any, *, sizes: tuple[tuple[int, int], ...] = SIZES, schemes: tuple[str, ...] = SCHEMES
) -> list[str]:
    """What axe-core finds on the page in `tab`, in each of `sizes` (pixels) and `schemes` of colours: a line for each element,
    with the size, the scheme, axe's rule, the element's selector and what axe says of it. All rules that axe has by default,
    best practices (landmarks, order of headings) included; elements of which axe cannot tell are not counted. What the page
    folds is unfolded before."""
    from axe_playwright_python.base import AXE_SCRIPT
    from axe_playwright_python.sync_playwright import Axe

    axe, found = Axe(AXE_SCRIPT + ONCE), []
    tab.add_style_tag(content=AT_ONCE)
    tab.evaluate("() => document.querySelectorAll('details').forEach(folded => folded.open = true)")
    for width, height in sizes:
        tab.set_viewport_size({"width": width, "height": height})
        for scheme in schemes:
            tab.emulate_media(color_scheme=scheme)
            tab.evaluate(ALIKE)
            for rule in axe.run(tab).response["violations"]:
                for node in rule["nodes"]:
                    says = " ".join(node["failureSummary"].split())
                    found.append(f"{width} {scheme}: {rule['id']}: {node['target'][0]}: {says}")
    return found
