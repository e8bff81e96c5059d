// Elements are made here and only here. Strings become text nodes or attribute values, never markup.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, props, children) {
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, String(value));
  }
  const nothing = [null, undefined, false, ""];
  element.append(...children.filter((child) => !nothing.includes(child)));
  return element;
}

/** An HTML element; a function among the props listens to the event of its name. */
function h(tag, props = {}, ...children) {
  return fill(document.createElement(tag), props, children);
}

/** An SVG element. */
function s(tag, props = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), props, children);
}

/** Text that keeps its own reading direction and does not turn its neighbours'. */
function words(text, style = "") {
  return h("bdi", { class: style || null }, text);
}

/** Give an element the colour of the n-th region, as the variables --color and --ink. */
function tint(element, n) {
  const { color, ink } = DATA.palette[n % DATA.palette.length];
  element.style.setProperty("--color", color);
  element.style.setProperty("--ink", ink);
  return element;
}

const DATA = JSON.parse(document.getElementById("data").textContent);
