// One scene, group or example: its pictures with boxes, its text, its triplets, and what lights up when.

const same = (a, b) => a[0] === b[0] && a[1] === b[1];

/** What lights up with a box: itself and the edges that touch it. */
function ofBox(view, place) {
  const edges = view.visible().filter((i) => {
    const { subject, object } = view.item.edges[i];
    return same(subject, place) || same(object, place);
  });
  return { core: [place], edges };
}

/** What lights up with some edges: both their ends. */
function ofEdges(view, edges) {
  return { core: edges.flatMap((i) => [view.item.edges[i].subject, view.item.edges[i].object]), edges };
}

/** What lights up with a piece of text: the boxes that it mentions, the edges that it tells. */
function ofPiece(view, piece) {
  const told = ofEdges(view, piece.edges || []);
  return { core: [...(piece.places || []), ...told.core], edges: told.edges };
}

/** Make an element light something up while the pointer or the focus is on it, and keep it lit when clicked. */
function lights(view, element, select) {
  const show = () => ((view.hover = select()), paint(view));
  const hide = () => ((view.hover = null), paint(view));
  const keep = (event) => {
    event.stopPropagation();
    view.pin = view.pinned === element ? null : select();
    view.pinned = view.pin && element;
    paint(view);
  };
  element.setAttribute("tabindex", "-1");
  fill(element, { mouseenter: show, mouseleave: hide, focus: show, blur: hide, click: keep }, []);
  return element;
}

/** Bring the card up to date with what is hovered, pinned and filtered. */
function paint(view) {
  const visible = new Set(view.visible());
  const lit = view.hover || view.pin;
  const edges = lit ? lit.edges.filter((i) => visible.has(i)) : view.showAll() ? [...visible] : [];
  const ends = lit ? [...lit.core, ...ofEdges(view, edges).core] : [];
  const has = (places, place) => places.some((other) => same(other, place));
  view.card.classList.toggle("choosing", Boolean(lit));
  for (const { element, place } of view.marks) {
    element.classList.toggle("lit", has(ends, place));
    element.classList.toggle("core", Boolean(lit) && has(lit.core, place));
  }
  for (const { element, piece } of view.pieces) {
    const mentions = (piece.places || []).some((place) => lit && has(lit.core, place));
    element.classList.toggle("lit", mentions || (piece.edges || []).some((i) => edges.includes(i) && Boolean(lit)));
  }
  const kept = view.pin && new Set(view.pin.edges);
  view.rows.forEach((row, i) => {
    row.classList.toggle("lit", Boolean(lit) && edges.includes(i));
    row.hidden = !visible.has(i) || (kept !== null && kept.size > 0 && !kept.has(i));
  });
  const shown = view.rows.filter((row) => !row.hidden).length;
  const all = view.rows.length;
  view.count.textContent = `${shown < all ? `${shown} of ` : ""}${all} relation${all === 1 ? "" : "s"}`;
  view.unpin.hidden = !view.pin;
  drawEdges(view, edges);
}

function unpin(view) {
  view.pin = view.pinned = view.hover = null;
  paint(view);
}

/** The small coloured number by which a box is known everywhere. */
function number(shape) {
  return tint(h("span", { class: "number" }, String(shape.id)), shape.color);
}

function boxElement(view, panel, place) {
  const shape = panel.shapes[place[1]];
  const [x1, y1, x2, y2] = shape.box;
  const dashed = DATA.dashes[Math.floor(shape.color / DATA.palette.length) % DATA.dashes.length];
  const end = x1 > 0.75 * panel.width ? " end" : ""; // a tag at the right edge grows to the left
  const below = y1 < 0.1 * panel.height ? " below" : ""; // one outside a small box stays within the picture
  const tag = h("span", { class: `tag${end}${below}` }, String(shape.id), words(shape.label, "tag-label"));
  const style = `box${dashed ? " dashed" : ""}${shape.quiet ? " quiet" : ""}`;
  const element = tint(h("div", { class: style, "aria-hidden": "true" }, tag), shape.color);
  const share = (value, whole) => `${(100 * value) / whole}%`;
  Object.assign(element.style, {
    left: share(x1, panel.width),
    top: share(y1, panel.height),
    width: share(x2 - x1, panel.width),
    height: share(y2 - y1, panel.height),
  });
  view.marks.push({ element, place });
  return lights(view, element, () => ofBox(view, place));
}

const area = ({ box: [x1, y1, x2, y2] }) => (x2 - x1) * (y2 - y1);

/** A picture with its boxes; smaller boxes lie over larger ones so that each can be reached. */
function panelElement(view, panel, index) {
  const shapes = panel.shapes.map((shape, i) => [shape, i]).sort(([a], [b]) => area(b) - area(a));
  const safe = /^(assets\/[0-9a-f]+\.(jpeg|png)|data:image\/(jpeg|png);base64,[\w+/=]+)$/.test(panel.source || "");
  const alt = `${panel.name}, ${shapes.length} numbered boxes`;
  const image = safe
    ? h("img", { src: panel.source, loading: "lazy", decoding: "async", alt })
    : h("div", { class: "no-image" }, "no picture");
  const frame = h("div", { class: "frame" }, image, ...shapes.map(([, i]) => boxElement(view, panel, [index, i])));
  frame.classList.toggle("tiny", Math.max(panel.width, panel.height) < 480);
  frame.classList.toggle("few", shapes.filter(([shape]) => !shape.quiet).length <= 10);
  view.panels[index].frame = frame;
  const title = h("figcaption", {}, view.panels.length > 1 ? `image ${index + 1} · ` : "", words(panel.name));
  const problem = panel.problem && h("p", { class: "problem", role: "note" }, words(panel.problem));
  const element = h("figure", {}, frame, title, problem);
  element.style.setProperty("--ratio", panel.width / panel.height);
  return element;
}

function objectList(view) {
  const buttons = view.item.panels.flatMap((panel, p) =>
    panel.shapes.map((shape, i) => {
      if (shape.quiet) return null;
      const facts = (shape.facts || []).join(", ");
      const about = facts && words(facts, "facts");
      const button = h("button", { class: "object step" }, number(shape), words(shape.label), about);
      view.marks.push({ element: button, place: [p, i] });
      return lights(view, button, () => ofBox(view, [p, i]));
    }),
  );
  const quiet = buttons.filter((button) => !button).length;
  const rest = quiet > 0 && h("span", { class: "facts" }, `${quiet} more box${quiet === 1 ? "" : "es"}, not spoken of`);
  const group = { class: "objects", role: "group", "aria-label": "objects" };
  return buttons.length > 0 && h("div", group, ...buttons, rest);
}

function tripletList(view) {
  const end = ([p, i]) => {
    const shape = view.panels[p].shapes[i];
    return h("span", { class: "who" }, number(shape), words(shape.label));
  };
  const told = view.item.edges.map((edge) => (edge.facts || []).join(" · "));
  const kinds = new Set(told.filter((_, i) => !view.item.edges[i].link));
  const common = kinds.size === 1 ? [...kinds][0] : ""; // said once, above the list
  view.rows = view.item.edges.map((edge, i) => {
    const was = edge.was && h("del", {}, words(edge.was));
    const predicate = h("span", { class: edge.link ? "predicate link" : "predicate" }, was, words(edge.predicate));
    const change = edge.change && h("span", { class: "change" }, edge.change);
    const said = h("span", { class: "said" }, change, end(edge.subject), predicate, end(edge.object));
    const row = h("button", { class: `triplet step ${edge.change || ""}` }, said, !common && told[i] && words(told[i], "facts"));
    return lights(view, row, () => ofEdges(view, [i]));
  });
  if (!view.rows.length) return null;
  const title = h("h4", {}, view.count, common && words(common, "facts"), view.unpin);
  return h("section", { class: "triplets" }, title, h("div", { class: "list" }, ...view.rows));
}

function pieceElement(view, piece) {
  if (piece.image !== undefined) return h("span", { class: "slot" }, `image ${piece.image + 1}`);
  const places = piece.places || [];
  if (!places.length && !(piece.edges || []).length) return words(piece.text, piece.marked ? "differs" : "");
  const shapes = places.map(([p, i]) => view.panels[p].shapes[i]);
  const style = `${places.length ? "mention" : "told"} step${piece.marked ? " differs" : ""}`;
  const element = h("span", { class: style }, words(piece.text), ...shapes.map(number));
  if (shapes.length) tint(element, shapes[0].color);
  view.pieces.push({ element, piece });
  return lights(view, element, () => ofPiece(view, piece));
}

const ROLES = ["user", "assistant", "system", "chosen", "rejected"];

function turnElement(view, turn, before) {
  const text = h("p", { dir: "auto" }, ...turn.pieces.map((piece) => pieceElement(view, piece)));
  const role = ROLES.includes(turn.role) ? turn.role : "caption";
  const said = role !== "caption" || !before || before.role !== turn.role; // once above several captions
  return h("div", { class: `turn ${role}` }, said && h("span", { class: "role" }, turn.role), text);
}

function factList(item) {
  if (!item.facts.length) return null;
  const rows = item.facts.flatMap(([key, value]) => [h("dt", {}, words(key)), h("dd", {}, words(value))]);
  return h("dl", { class: "about" }, ...rows);
}

/** All text of an item, for the search. */
function searchable(item) {
  const names = item.panels.flatMap((panel) => [panel.name, ...panel.shapes.map((shape) => shape.label)]);
  const said = item.turns.map((turn) => turn.pieces.map((piece) => piece.text).join(""));
  return [item.id, ...names, ...said].join("\n").toLowerCase();
}

function cardElement(view, position) {
  const { item, stage } = view;
  const place = h("span", { class: "position" }, String(position));
  const title = h("h3", {}, place, words(item.id), h("span", { class: "kind" }, item.kind));
  const all = item.turns.map((turn, i) => turnElement(view, turn, item.turns[i - 1]));
  const sides = all.filter((_, i) => ["chosen", "rejected"].includes(item.turns[i].role));
  const turns = all.filter((turn) => !sides.includes(turn));
  if (sides.length) turns.push(h("div", { class: "sides" }, ...sides));
  const text = turns.length > 0 && h("section", { class: "turns" }, ...turns);
  const side = h("div", { class: "side" }, text, tripletList(view), factList(item));
  const body = h("div", { class: "body" }, h("div", { class: "pictures" }, stage, objectList(view)), side);
  body.style.setProperty("--ratios", item.panels.reduce((sum, { width, height }) => sum + width / height, 0));
  return h("article", { class: "item", tabindex: "0", "aria-label": `${item.kind} ${item.id}` }, title, body);
}

/** One item with its card and what the gallery needs of it. */
function itemView(data, position, gallery) {
  const item = { edges: [], turns: [], facts: [], ...data };
  const view = { item, marks: [], pieces: [], rows: [], hover: null, pin: null, pinned: null };
  view.panels = item.panels.map((panel) => ({ ...panel }));
  view.visible = () => item.edges.map((_, i) => i).filter((i) => gallery.shows(item.edges[i]));
  view.showAll = () => gallery.all;
  view.overlay = s("svg", { class: "overlay", "aria-hidden": "true" });
  view.labels = h("div", { class: "labels", "aria-hidden": "true" });
  view.count = h("span");
  view.unpin = h("button", { class: "unpin", hidden: true, click: () => unpin(view) }, "show all");
  const figures = view.panels.map((panel, i) => panelElement(view, panel, i));
  const style = figures.length > 3 ? `stage grid${figures.length === 4 ? " of-four" : ""}` : "stage";
  view.stage = h("div", { class: style, click: () => unpin(view) }, ...figures, view.overlay, view.labels);
  view.card = cardElement(view, position);
  view.text = searchable(item);
  new ResizeObserver(() => view.overlay.childElementCount && paint(view)).observe(view.stage);
  return view;
}
