// Every figure can be saved as it is drawn, as SVG.
import {make} from "../panel/dom.js";

// Offer the figures below a node.
export function enhance(root) {
  for (const figure of root.querySelectorAll("figure:not([data-saved])")) {
    figure.dataset.saved = "";
    const drawing = figure.querySelector("svg"), caption = figure.querySelector("figcaption");
    if (drawing && caption) caption.append(" ", make("button", {type: "button", class: "save", click: () => save(drawing, caption.firstChild.textContent)}, "Save as SVG"));
  }
}

function save(drawing, title) {
  const copy = drawing.cloneNode(true);
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  const href = URL.createObjectURL(new Blob([new XMLSerializer().serializeToString(copy)], {type: "image/svg+xml"}));
  make("a", {href, download: `${title.toLowerCase().replace(/[^a-z0-9]+/g, "_").slice(0, 60)}.svg`}).click();
  setTimeout(() => URL.revokeObjectURL(href));
}
