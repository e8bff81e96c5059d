// The other sections of a report: tables, curves, code and prose.

const CHART = { width: 1000, height: 360, left: 58, right: 16, top: 14, bottom: 42 };

function tableSection({ columns, rows, numeric, note }) {
  const kind = (i) => (numeric[i] ? "numeric" : null);
  const head = h("tr", {}, ...columns.map((column, i) => h("th", { scope: "col", class: kind(i) }, words(column))));
  const body = rows.map((row) =>
    h("tr", {}, ...row.map((value, i) => h(i ? "td" : "th", { class: kind(i), scope: i ? null : "row" }, words(value)))),
  );
  const table = h("table", {}, h("thead", {}, head), h("tbody", {}, ...body));
  return [h("div", { class: "scroll", tabindex: "0" }, table), note ? h("p", { class: "note" }, words(note)) : null];
}

function codeSection({ text }) {
  return [h("pre", { tabindex: "0" }, h("code", {}, text))];
}

function proseSection({ text }) {
  return text.split(/\n\s*\n/).map((paragraph) => h("p", { class: "prose", dir: "auto" }, paragraph));
}

/** Round steps of 1, 2 or 5 times a power of ten across a range. */
function ticks(low, high, most) {
  const rough = (high - low) / most || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * power).find((size) => size >= rough);
  const found = [];
  for (let n = Math.ceil(low / step - 1e-9); n * step <= high + step * 1e-6; n += 1) found.push(n * step);
  return found;
}

const figure = (value) => String(Number(value.toPrecision(4)));

function scales(points) {
  const range = (values) => {
    const low = values.reduce((a, b) => Math.min(a, b), Infinity);
    const high = values.reduce((a, b) => Math.max(a, b), -Infinity);
    return low < high ? [low, high] : [low - 0.5, high + 0.5];
  };
  const [x0, x1] = range(points.map(([x]) => x));
  const [low, high] = range(points.map(([, y]) => y));
  const [y0, y1] = [low - 0.04 * (high - low), high + 0.04 * (high - low)];
  const { width, height, left, right, top, bottom } = CHART;
  return {
    x: (value) => left + ((value - x0) / (x1 - x0)) * (width - left - right),
    y: (value) => height - bottom - ((value - y0) / (y1 - y0)) * (height - top - bottom),
    xs: ticks(x0, x1, 8),
    ys: ticks(y0, y1, 6),
  };
}

function axes(scale, x, y) {
  const { width, height, left, right, top, bottom } = CHART;
  const grid = scale.ys.flatMap((value) => [
    s("line", { class: "grid", x1: left, x2: width - right, y1: scale.y(value), y2: scale.y(value) }),
    s("text", { x: left - 8, y: scale.y(value) + 4, "text-anchor": "end" }, figure(value)),
  ]);
  const feet = scale.xs.map((value) => s("text", { x: scale.x(value), y: height - bottom + 18, "text-anchor": "middle" }, figure(value)));
  const middle = (top + height - bottom) / 2;
  return s("g", { class: "axes" }, ...grid, ...feet,
    s("line", { class: "axis", x1: left, x2: width - right, y1: height - bottom, y2: height - bottom }),
    s("text", { class: "axis-label", x: (left + width - right) / 2, y: height - 6, "text-anchor": "middle" }, x),
    s("text", { class: "axis-label", x: 14, y: middle, "text-anchor": "middle", transform: `rotate(-90 14 ${middle})` }, y));
}

/** The path of a line; a gap in the points lifts the pen. */
function pen(points, scale) {
  return points.map((point, i) => point && `${i && points[i - 1] ? "L" : "M"}${scale.x(point[0]).toFixed(1)},${scale.y(point[1]).toFixed(1)}`)
    .filter(Boolean).join("");
}

function nearest(points, x) {
  return points.filter(Boolean).reduce((best, point) => (Math.abs(point[0] - x) < Math.abs(best[0] - x) ? point : best));
}

/** A line under the pointer and, in the legend, the values there. */
function readout(chart, series, scale, values) {
  const cross = s("line", { class: "cross", y1: CHART.top, y2: CHART.height - CHART.bottom, visibility: "hidden" });
  const all = series.flatMap(({ points }) => points.filter(Boolean));
  const move = (event) => {
    const box = chart.getBoundingClientRect();
    const at = ((event.clientX - box.left) / box.width) * CHART.width;
    const x = all.reduce((best, [value]) => (Math.abs(scale.x(value) - at) < Math.abs(scale.x(best) - at) ? value : best), all[0][0]);
    fill(cross, { x1: scale.x(x), x2: scale.x(x), visibility: "visible" }, []);
    series.forEach(({ points }, i) => {
      const [px, py] = nearest(points, x);
      values[i].textContent = ` ${figure(py)} at ${figure(px)}`;
    });
  };
  const leave = () => {
    cross.setAttribute("visibility", "hidden");
    values.forEach((value) => (value.textContent = ""));
  };
  fill(chart, { pointermove: move, pointerleave: leave }, [cross]);
}

function curveTable({ series, x, y }) {
  const cells = series.flatMap(({ name, points }) => points.filter(Boolean).map(([px, py]) => [name, figure(px), figure(py)]));
  return h("details", { class: "numbers" }, h("summary", {}, "The numbers"), ...tableSection({ columns: ["", x, y], rows: cells, numeric: [false, true, true] }));
}

function curveSection(section) {
  const series = section.series.filter(({ points }) => points.some(Boolean));
  if (!series.length) return [h("p", { class: "note" }, "No points yet.")];
  const scale = scales(series.flatMap(({ points }) => points.filter(Boolean)));
  const values = series.map(() => h("span", { class: "value" }));
  const lines = series.map(({ points }, i) => {
    const dashes = DATA.dashes[Math.floor(i / DATA.palette.length) % DATA.dashes.length];
    return s("path", { class: "line", d: pen(points, scale), stroke: DATA.palette[i % DATA.palette.length].color, "stroke-dasharray": dashes || null });
  });
  const chart = s("svg", { class: "chart", viewBox: `0 0 ${CHART.width} ${CHART.height}`, role: "img", "aria-label": `${section.title}: ${section.y} over ${section.x}` },
    axes(scale, section.x, section.y), ...lines);
  readout(chart, series, scale, values);
  const legend = h("ul", { class: "legend" }, ...series.map(({ name }, i) => tint(h("li", {}, h("span", { class: "swatch" }), words(name), values[i]), i)));
  return [legend, chart, curveTable({ ...section, series })];
}
