// One switch for all folded code of a page, and the picture on the front again.
const code = document.querySelectorAll("details.above-input, details.hide");
if (code.length) {
  const button = document.createElement("button");
  button.className = "door";
  const open = () => [...code].every((part) => part.open);
  const name = () => { button.textContent = open() ? "Fold all code" : "Show all code"; };
  button.addEventListener("click", () => {
    const now = !open();
    code.forEach((part) => { part.open = now; });
    name();
  });
  code.forEach((part) => part.addEventListener("toggle", name));
  name();
  document.querySelector(".doors")?.append(" ", button);
}
const runs = document.querySelector(".runs svg");
if (runs) {
  const again = document.createElement("button");
  again.className = "door";
  again.textContent = "Again";
  again.addEventListener("click", () => runs.replaceWith(runs.cloneNode(true)));
  document.querySelector(".runs figcaption").append(again);
}
// A region that scrolls can be reached by keyboard, also once it is unfolded or the window is narrower.
const reachable = new ResizeObserver((changes) => {
  for (const { target } of changes) {
    if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
    else target.removeAttribute("tabindex");
  }
});
for (const region of document.querySelectorAll("div.math, .panels, .pst-scrollable-table-container, .output pre, div.highlight pre")) {
  reachable.observe(region);
}
