// Curves of a report, drawn as SVG, with a readout under the pointer and their numbers as a table.

const CHART = { width: 1000, height: 360, left: 58, right: 16, top: 14, bottom: 42 };

/** Round steps of 1, 2 or 5 times a power of ten across a range. */
function ticks(low, high, most) {
  const rough = (high - low) / most || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * power).find((size) => size >= rough);
  const found = [];
  for (let n = Math.ceil(low / step - 1e-9); n * step <= high + step * 1e-6; n += 1) found.push(n * step);
  return found;
}

/** A number with at most four figures that count. */
const figures = (value) => String(Number(value.toPrecision(4)));

/** The lowest and highest of some values; half a unit around them if they are all the same. */
function range(values) {
  const low = values.reduce((a, b) => Math.min(a, b), Infinity);
  const high = values.reduce((a, b) => Math.max(a, b), -Infinity);
  return low < high ? [low, high] : [low - 0.5, high + 0.5];
}

/** From values to places on the chart, and where the ticks are. */
function scales(points) {
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

function axes(scale, xLabel, yLabel) {
  const { width, height, left, right, top, bottom } = CHART;
  const floor = height - bottom;
  const across = { x1: left, x2: width - right };
  const level = (y, style) => s("line", { class: style, ...across, y1: y, y2: y });
  const text = (content, x, y, more) => s("text", { x, y, "text-anchor": "middle", ...more }, content);
  const middle = (top + floor) / 2;
  return s(
    "g",
    { class: "axes" },
    ...scale.ys.map((value) => level(scale.y(value), "grid")),
    ...scale.ys.map((value) => text(figures(value), left - 8, scale.y(value) + 4, { "text-anchor": "end" })),
    ...scale.xs.map((value) => text(figures(value), scale.x(value), floor + 18)),
    level(floor, "axis"),
    text(xLabel, (left + width - right) / 2, height - 6, { class: "axis-label" }),
    text(yLabel, 14, middle, { class: "axis-label", transform: `rotate(-90 14 ${middle})` }),
  );
}

/** The path of a line; a gap in the points lifts the pen, and a point between gaps is a dot. */
function pen(points, scale) {
  const move = (point, i) => {
    const at = `${scale.x(point[0]).toFixed(1)},${scale.y(point[1]).toFixed(1)}`;
    return i && points[i - 1] ? `L${at}` : `M${at}h0`;
  };
  return points.map((point, i) => (point ? move(point, i) : "")).join("");
}

/** The item of a list for which `distance` is least. */
function closest(list, distance) {
  return list.reduce((best, other) => (distance(other) < distance(best) ? other : best));
}

/** A line under the pointer and, in the legend, the values there. */
function readout(chart, lines, scale, values) {
  const cross = s("line", { class: "cross", y1: CHART.top, y2: CHART.height - CHART.bottom, visibility: "hidden" });
  const move = (event) => {
    const box = chart.getBoundingClientRect();
    const at = ((event.clientX - box.left) / box.width) * CHART.width;
    const [x] = closest(lines.flat(), ([value]) => Math.abs(scale.x(value) - at));
    fill(cross, { x1: scale.x(x), x2: scale.x(x), visibility: "visible" }, []);
    lines.forEach((points, i) => {
      const [px, py] = closest(points, ([value]) => Math.abs(value - x));
      values[i].textContent = ` ${figures(py)} at ${figures(px)}`;
    });
  };
  const leave = () => {
    cross.setAttribute("visibility", "hidden");
    values.forEach((value) => (value.textContent = ""));
  };
  fill(chart, { pointermove: move, pointerleave: leave }, [cross]);
}

function numbers({ series, x, y }) {
  const rows = series.flatMap(({ name, points }) =>
    points.filter(Boolean).map((point) => [name, ...point.map(figures)]),
  );
  const table = tableSection({ columns: ["", x, y], rows, numeric: [false, true, true] });
  return h("details", { class: "numbers" }, h("summary", {}, "The numbers"), ...table);
}

function lineElement(points, i, scale) {
  const { color } = DATA.palette[i % DATA.palette.length];
  const dashes = DATA.dashes[Math.floor(i / DATA.palette.length) % DATA.dashes.length];
  return s("path", { class: "line", d: pen(points, scale), stroke: color, "stroke-dasharray": dashes || null });
}

function curveSection(section) {
  const series = section.series.filter(({ points }) => points.some(Boolean));
  if (!series.length) return [h("p", { class: "note" }, "No points yet.")];
  const lines = series.map(({ points }) => points.filter(Boolean));
  const scale = scales(lines.flat());
  const values = series.map(() => h("span", { class: "value" }));
  const entry = ({ name }, i) => tint(h("li", {}, h("span", { class: "swatch" }), words(name), values[i]), i);
  const about = { role: "img", "aria-label": `${section.title}: ${section.y} over ${section.x}` };
  const chart = s(
    "svg",
    { class: "chart", viewBox: `0 0 ${CHART.width} ${CHART.height}`, ...about },
    axes(scale, section.x, section.y),
    ...series.map(({ points }, i) => lineElement(points, i, scale)),
  );
  readout(chart, lines, scale, values);
  return [h("ul", { class: "legend" }, ...series.map(entry)), chart, numbers({ ...section, series })];
}
