// Figures that move without a kernel: pictures drawn by live.py, and on a bowl a path, walked here from where the reader drags the start.
const RULES = {
  *heavy_ball(grad, w, { lr, beta }) {
    for (let before = w, here; ; before = here) {
      const g = grad((here = w));
      yield (w = here.map((x, i) => x - lr * g[i] + beta * (x - before[i])));
    }
  },
  *adaptive(grad, w, { lr, beta1, beta2 }) {
    for (let t = 1, m = [0, 0], v = [0, 0]; ; t++) {
      const g = grad(w), [a, b] = [beta1, beta2].map((beta) => (1 - beta) / (1 - beta ** t));
      m = m.map((x, i) => (1 - a) * x + a * g[i]);
      v = v.map((x, i) => (1 - b) * x + b * g[i] ** 2);
      yield (w = w.map((x, i) => x - (lr * m[i]) / (Math.sqrt(v[i]) + 1e-8)));
    }
  },
};
for (const figure of document.querySelectorAll("figure.live")) {
  const [stills, moving] = figure.children, { alt, folder, count, pictured, bowl } = JSON.parse(figure.dataset.figure);
  const sliders = [...moving.querySelectorAll("input")], picture = moving.querySelector("img"), star = moving.querySelector("g");
  const values = (slider) => slider.dataset.values?.split(" "), address = (n) => `${folder}/${n}.webp`;
  let start; // exactly the lecture's, where its two sliders can only show the nearest of their values
  const followed = ([k, all]) => all[k < 0 ? 0 : sliders[k].value];
  const draw = ({ rule, settings, steps, size, limits: [x, y] }) => {
    const { hessian, ...own } = Object.fromEntries(Object.entries(settings).map(([name, one]) => [name, followed(one)]));
    const grad = (w) => hessian.map((row) => row[0] * w[0] + row[1] * w[1]), path = [start];
    for (const w of RULES[rule](grad, start, own)) if (path.push(w) > steps) break;
    const place = (w) => [((w[0] - x[0]) / (x[1] - x[0])) * size[0], ((y[1] - w[1]) / (y[1] - y[0])) * size[1]];
    const away = path.findIndex((w) => !(w[0] >= x[0] && w[0] <= x[1] && w[1] >= y[0] && w[1] <= y[1]));
    moving.querySelector("polyline").setAttribute("points", path.slice(0, away < 0 ? steps + 1 : away + 1).map(place).join(" "));
    star.setAttribute("transform", `translate(${place(start)})`);
    const left = Math.hypot(...path[steps]) / Math.hypot(...start); // nan where it overflowed
    return `After ${steps} steps ${left < 1 ? `${left.toPrecision(1)} of the way is left` : "it is no nearer"}.`;
  };
  const show = (moved) => {
    if (bowl && (moved < 0 || moved === bowl.start[0])) start = [...followed(bowl.start)];
    if (bowl && moved >= sliders.length - 2) start[moved - sliders.length + 2] = Number(sliders[moved].value);
    start?.forEach((w, i) => (sliders.at(i - 2).value = w));
    const said = sliders.map((slider) => values(slider)?.[slider.value] ?? Number(slider.value).toFixed(1));
    sliders.forEach((slider, i) => slider.setAttribute("aria-valuetext", (slider.nextElementSibling.value = said[i])));
    picture.src = address(pictured.reduce((n, k) => n * values(sliders[k]).length + Number(sliders[k].value), 0));
    const end = bowl ? (moving.lastElementChild.textContent = draw(bowl)) : "";
    const setting = sliders.map((slider, i) => `${slider.labels[0].textContent} = ${said[i]}`).join(", ");
    picture.alt = `${alt} Now at ${setting}. ${end}`.trim();
  };
  const drag = ({ type, buttons, clientX, clientY }) => {
    const box = moving.querySelector("rect").getBoundingClientRect();
    const shares = [(clientX - box.left) / box.width, (box.bottom - clientY) / box.height];
    if (type === "click" || buttons) start = bowl.limits.map(([low, high], i) => low + Math.min(Math.max(shares[i], 0), 1) * (high - low));
    show();
  };
  const load = () => (figure.loaded = [...Array(count)].map((_, n) => Object.assign(new Image(), { src: address(n) })));
  for (const kind of ["pointerdown", "focusin"]) moving.addEventListener(kind, load, { once: true });
  moving.addEventListener("input", ({ target }) => show(sliders.indexOf(target)));
  moving.querySelector("rect")?.addEventListener("click", drag);
  star?.addEventListener("pointerdown", ({ pointerId }) => star.setPointerCapture(pointerId));
  star?.addEventListener("pointermove", drag);
  show(-1);
  [stills.hidden, moving.hidden] = [true, false];
}
