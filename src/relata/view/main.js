// Build the page from its data.

const SECTIONS = {
  gallery: gallerySection,
  table: tableSection,
  curve: curveSection,
  code: codeSection,
  prose: proseSection,
};

function sectionElement(section, index) {
  const id = `section-${index + 1}`;
  const title = DATA.sections.length > 1 && h("h2", { id: `${id}-title` }, words(section.title));
  return h("section", { id, class: `part of-${section.type}` }, title, ...SECTIONS[section.type](section));
}

function contents() {
  if (DATA.sections.length < 4) return null;
  const links = DATA.sections.map((section, i) => h("a", { href: `#section-${i + 1}` }, words(section.title)));
  return h("nav", { class: "contents", "aria-label": "contents" }, ...links);
}

const KEYS = [
  ["j k", "next and previous item"],
  ["↑ ↓", "step through an item"],
  ["Enter", "keep what is lit"],
  ["e", "all edges"],
  ["/", "find"],
  ["Esc", "let go"],
];

function help() {
  const keys = KEYS.flatMap(([key, does]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, does)]);
  return h("details", { class: "help" }, h("summary", {}, "Keys"), h("dl", {}, ...keys));
}

const galleries = DATA.sections.some((section) => section.type === "gallery");
document.body.classList.toggle("single", DATA.sections.length === 1);
const links = (label) => pageLinks(DATA.pages, DATA.current, label);
document.body.prepend(
  h("header", { class: "top" }, h("h1", {}, words(DATA.title)), links("pages"), galleries && help()),
  h("main", {}, contents(), ...DATA.sections.map(sectionElement), links("pages, again")),
);
listenToKeys();
