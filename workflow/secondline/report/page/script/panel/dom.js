// Elements of the page, and of drawings in it.

const filled = (node, attributes, children) => {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name, value);
    else if (value !== null && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children);
  return node;
};

// An element with attributes, listeners (functions, by their event) and children.
export const make = (tag, attributes = {}, ...children) => filled(document.createElement(tag), attributes, children);

// The same, for drawings.
export const draw = (tag, attributes = {}, ...children) =>
  filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

// Offer choices in a select, [value, text] each, and choose one.
export function offer(select, choices, chosen) {
  select.replaceChildren(...choices.map(([value, text]) => make("option", {value}, text)));
  select.value = chosen;
}

// A labelled select that calls with the value chosen.
export const choice = (label, name, onChange) => {
  const select = make("select", {name, change: event => onChange(event.target.value)});
  return {select, node: make("label", {}, `${label} `, select)};
};
