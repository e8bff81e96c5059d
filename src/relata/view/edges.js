// Edges over the pictures of an item: curves from box to box with an arrow, and labels that keep clear of each other.

const MOST_LABELS = 30; // more labels than this hide the picture; single edges are then read by hovering

/** A function from places to the centres of their boxes, in pixels of the item's stage; measures the page once. */
function centres(view) {
  const stage = view.stage.getBoundingClientRect();
  const areas = view.panels.map(({ frame }) => frame.getBoundingClientRect());
  return ([panel, index]) => {
    const { width, height, shapes } = view.panels[panel];
    const [x1, y1, x2, y2] = shapes[index].box;
    const area = areas[panel];
    return {
      x: area.left - stage.left + ((x1 + x2) / 2 / width) * area.width,
      y: area.top - stage.top + ((y1 + y2) / 2 / height) * area.height,
    };
  };
}

/** The control point that bends an edge; parallel edges (turn 0, 1, 2 ...) fan out, close ends make a loop. */
function bend(from, to, turn) {
  const dx = to.x - from.x;
  const dy = to.y - from.y;
  const length = Math.hypot(dx, dy);
  if (length < 24) return { x: from.x + 60 + 18 * turn, y: from.y - 60 - 18 * turn };
  const away = Math.min(46, 0.14 * length) * (1 + 0.8 * turn);
  return { x: from.x + dx / 2 + (dy / length) * away, y: from.y + dy / 2 - (dx / length) * away };
}

/** The point at 0..1 along a quadratic curve. */
function along({ from, over, to }, t) {
  const a = (1 - t) * (1 - t);
  const b = 2 * t * (1 - t);
  return { x: a * from.x + b * over.x + t * t * to.x, y: a * from.y + b * over.y + t * t * to.y };
}

function arrow(curve) {
  const tip = curve.to;
  const back = along(curve, 0.94);
  const angle = Math.atan2(tip.y - back.y, tip.x - back.x);
  const corner = (turn) => `${tip.x - 11 * Math.cos(angle + turn)},${tip.y - 11 * Math.sin(angle + turn)}`;
  return `${tip.x},${tip.y} ${corner(0.42)} ${corner(-0.42)}`;
}

function drawCurve(overlay, curve, color, link) {
  const d = `M${curve.from.x},${curve.from.y} Q${curve.over.x},${curve.over.y} ${curve.to.x},${curve.to.y}`;
  overlay.append(
    s("path", { class: "halo", d }),
    s("path", { class: link ? "edge link" : "edge", d, stroke: color }),
    s("circle", { cx: curve.from.x, cy: curve.from.y, r: 4, fill: color, class: "end" }),
    s("polygon", { points: arrow(curve), fill: color, class: "end" }),
  );
}

function crosses(a, b) {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  return width > 0 && height > 0 ? width * height : 0;
}

/** Put each label on its own curve, at the spot where it covers least of the labels before it. */
function placeLabels(view, labelled) {
  const sizes = labelled.map(({ label }) => ({ width: label.offsetWidth + 4, height: label.offsetHeight + 4 }));
  const right = view.stage.clientWidth;
  const taken = [];
  labelled.forEach(({ label, curve }, i) => {
    const { width, height } = sizes[i];
    let best = null;
    for (const t of [0.5, 0.42, 0.58, 0.34, 0.66, 0.26, 0.74, 0.18, 0.82]) {
      const at = along(curve, t);
      const x = Math.max(0, Math.min(right - width, at.x - width / 2));
      const rect = { x, y: Math.max(0, at.y - height / 2), width, height };
      const cost = taken.reduce((sum, other) => sum + crosses(rect, other), 0);
      if (best === null || cost < best.cost) best = { rect, cost };
      if (cost === 0) break;
    }
    taken.push(best.rect);
    label.style.left = `${best.rect.x + 2}px`;
    label.style.top = `${best.rect.y + 2}px`;
  });
}

/** Draw these edges of an item and no others. */
function drawEdges(view, indices) {
  view.overlay.replaceChildren();
  view.overlay.classList.toggle("many", indices.length > MOST_LABELS);
  view.labels.replaceChildren();
  if (!indices.length) return;
  const centre = centres(view);
  const turns = new Map();
  const labelled = [];
  for (const index of indices) {
    const { subject, object, predicate, link, change, was } = view.item.edges[index];
    const key = `${subject}>${object}`;
    const turn = turns.get(key) || 0;
    turns.set(key, turn + 1);
    const from = centre(subject);
    const to = centre(object);
    const curve = { from, over: bend(from, to, turn), to };
    const number = view.panels[subject[0]].shapes[subject[1]].color;
    const color = change ? `var(--${change})` : DATA.palette[number % DATA.palette.length].color;
    drawCurve(view.overlay, curve, color, link || ["removed", "rejected"].includes(change));
    if (indices.length <= MOST_LABELS) {
      const old = was && h("del", {}, words(was));
      const label = tint(h("span", { class: `edge-label ${change || ""}` }, old, words(predicate)), number);
      view.labels.append(label);
      labelled.push({ label, curve });
    }
  }
  placeLabels(view, labelled);
}
