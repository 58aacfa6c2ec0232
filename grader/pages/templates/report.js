const table = document.getElementById("students"), body = table.tBodies[0], heads = [...table.tHead.rows[0].cells];
const filter = document.getElementById("filter"), shown = document.getElementById("shown"), all = document.getElementById("all");
const texts = new Map([...body.rows].map(row => [row, row.textContent.toLowerCase()]));
const order = new Intl.Collator(undefined, {numeric: true});
let rows = [...body.rows], limit = 200;  // a table of thousands takes seconds to lay out: more of it when asked for

function show() {
  const words = filter.value.toLowerCase().split(/\s+/);
  let fitting = 0;
  for (const row of rows) {
    row.hidden = !words.every(word => texts.get(row).includes(word));
    row.classList.toggle("later", !row.hidden && ++fitting > limit);
  }
  const seen = Math.min(fitting, limit);
  shown.textContent = `${seen} of ${rows.length} rows`;
  all.hidden = seen === fitting;
  all.textContent = `Show all ${fitting}`;
}

function sort(head) {
  const down = head.getAttribute("aria-sort") === "ascending" ? -1 : 1, number = "number" in head.dataset;
  const keyed = rows.map(row => {
    const text = row.cells[head.cellIndex].textContent.trim();
    return [row, number ? parseFloat(text) : text, text === "–" || text === ""];
  });
  keyed.sort((a, b) => a[2] - b[2] || (a[2] ? 0 : down * (number ? a[1] - b[1] : order.compare(a[1], b[1]))));
  rows = keyed.map(entry => entry[0]);
  for (const other of heads) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", down === 1 ? "ascending" : "descending");
  show();
  body.append(...rows);
}

for (const head of heads) head.querySelector("button").addEventListener("click", () => sort(head));
filter.addEventListener("input", show);
all.addEventListener("click", () => { limit = Infinity; show(); });
document.getElementById("find").hidden = false;
show();
