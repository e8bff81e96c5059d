// The plain sections of a report: tables, code and prose.

function tableSection({ columns, rows, numeric, note }) {
  const kind = (i) => (numeric[i] ? "numeric" : null);
  const name = (value, i) => h("th", { class: kind(i), scope: "row" }, words(value));
  const cell = (value, i) => h("td", { class: kind(i) }, words(value));
  const head = h("tr", {}, ...columns.map((column, i) => h("th", { class: kind(i), scope: "col" }, words(column))));
  const body = rows.map((row) => h("tr", {}, ...row.map((value, i) => (i ? cell : name)(value, i))));
  const table = h("table", {}, h("thead", {}, head), h("tbody", {}, ...body));
  return [h("div", { class: "scroll", tabindex: "0" }, table), note && h("p", { class: "note" }, words(note))];
}

function codeSection({ text }) {
  return [h("pre", { tabindex: "0" }, h("code", {}, text))];
}

function proseSection({ text }) {
  return text.split(/\n\s*\n/).map((paragraph) => h("p", { class: "prose", dir: "auto" }, paragraph));
}
