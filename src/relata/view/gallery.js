// A list of items under one set of filters, with keys to walk through it.

const FIRST_CHIPS = 18;

function countPredicates(items) {
  const counts = new Map();
  for (const item of items) {
    for (const edge of item.edges || []) {
      if (!edge.link) counts.set(edge.predicate, (counts.get(edge.predicate) || 0) + 1);
    }
  }
  return [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
}

function chip(gallery, [predicate, count]) {
  const toggle = () => {
    const on = !gallery.chosen.delete(predicate) && Boolean(gallery.chosen.add(predicate));
    button.setAttribute("aria-pressed", String(on));
    refresh(gallery);
  };
  const total = h("span", { class: "count" }, String(count));
  const button = h("button", { class: "chip", "aria-pressed": "false", click: toggle }, words(predicate), total);
  return button;
}

function chips(gallery, items) {
  const all = countPredicates(items).map((entry) => chip(gallery, entry));
  if (!all.length) return null;
  const rest = all.slice(FIRST_CHIPS);
  const row = (some) => h("div", { class: "chips" }, ...some);
  const more = rest.length > 0 && h("details", {}, h("summary", {}, `${rest.length} more predicates`), row(rest));
  const role = { role: "group", "aria-label": "filter by predicate" };
  return h("div", { class: "predicates", ...role }, row(all.slice(0, FIRST_CHIPS)), more);
}

/** Show the items that match the filters, and in them the edges that match. */
function refresh(gallery) {
  let count = 0;
  for (const view of gallery.views) {
    const related = gallery.chosen.size === 0 || view.visible().some((i) => !view.item.edges[i].link);
    const found = related && view.text.includes(gallery.search);
    view.card.hidden = !found;
    if (found) count += 1;
    if (found) paint(view);
  }
  const all = gallery.views.length;
  gallery.status.textContent = count === all ? "" : `${count} of ${all} shown`;
}

function toolbar(gallery, items) {
  const input = () => {
    gallery.search = search.value.toLowerCase();
    refresh(gallery);
  };
  const change = () => {
    gallery.all = all.checked;
    refresh(gallery);
  };
  const hint = { placeholder: "Find a label, word or id", "aria-label": "find" };
  const search = h("input", { type: "search", class: "search", ...hint, input });
  const all = h("input", { type: "checkbox", class: "all-edges", change });
  const edges = items.some((item) => (item.edges || []).length);
  const toggle = edges && h("label", { class: "toggle" }, all, "all edges");
  const controls = h("div", { class: "controls" }, search, toggle, gallery.status);
  return h("div", { class: "toolbar" }, controls, chips(gallery, items));
}

function pageLinks(pages, current, label) {
  if (pages.length < 2) return null;
  const links = pages.map((name, i) => {
    const where = i === current ? ["span", { "aria-current": "page" }] : ["a", { href: encodeURIComponent(name) }];
    return h(...where, String(i + 1));
  });
  return h("nav", { class: "pages", "aria-label": label }, "page ", ...links);
}

/** From a preview to the pages that hold all items. */
function wholeGallery(pages) {
  if (!pages.length) return null;
  const count = ` (${pages.length} page${pages.length === 1 ? "" : "s"})`;
  return h("p", { class: "whole" }, h("a", { href: encodeURIComponent(pages[0]) }, "Open the whole gallery"), count);
}

function gallerySection(section) {
  const gallery = { chosen: new Set(), search: "", all: false };
  gallery.status = h("span", { class: "status", role: "status" });
  gallery.shows = (edge) => gallery.chosen.size === 0 || edge.link || gallery.chosen.has(edge.predicate);
  gallery.views = section.items.map((item, i) => itemView(item, (section.first || 0) + i + 1, gallery));
  const note = (text) => h("li", { class: text.startsWith("Warning") ? "warning" : null }, words(text));
  gallery.views.forEach(paint);
  const items = gallery.views.map((view) => view.card);
  const notes = h("ul", { class: "notes" }, ...section.notes.map(note));
  const bar = toolbar(gallery, section.items);
  return [notes, wholeGallery(section.pages || []), bar, h("div", { class: "items" }, ...items)];
}

/** Move to an item, its top first. */
function reach(card) {
  card?.focus({ preventScroll: true });
  card?.scrollIntoView({ block: "start" });
}

/** j and k walk through the items, the arrows through what one item holds; Escape lets go. */
function listenToKeys() {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input")) return;
    const card = document.activeElement.closest(".item");
    const walk = (list, from, step) => list[Math.max(0, Math.min(list.length - 1, from < 0 ? 0 : from + step))];
    const cards = [...document.querySelectorAll(".item:not([hidden])")];
    const steps = card ? [...card.querySelectorAll(".step:not([hidden])")] : [];
    const step = { j: 1, k: -1, ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "j" || event.key === "k") reach(walk(cards, cards.indexOf(card), step));
    else if (step && steps.length) walk(steps, steps.indexOf(document.activeElement), step).focus();
    else if (event.key === "e") document.querySelector(".all-edges")?.click();
    else if (event.key === "/") document.querySelector(".search")?.focus();
    else if (event.key === "Escape" && card) card.querySelector(".unpin").click();
    else if (event.key === "Enter" && document.activeElement.matches("span.step")) document.activeElement.click();
    else return;
    event.preventDefault();
  });
}
