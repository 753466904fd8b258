// Lines and nodes of a network: the studies behind them, by pointer or by Tab and arrow keys; a press keeps them marked,
// and opens the table of the studies.
import {unfold} from "./folding.js";

const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const studiesOf = node => node.dataset.studies.split("|");
const FEW = 30; // rows up to which a table shows them all, those of other studies too
const RING = 2.5; // by how much the ring around a node is larger than the node
const STEPS = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1};

// Make the networks below a node speak; `heard` is called with what is unfolded.
export function enhance(root, heard) {
  for (const figure of all("figure.live", root)) if (!figure.dataset.heard) listen(figure, heard);
}

function listen(figure, heard) {
  figure.dataset.heard = "";
  const svg = figure.querySelector("svg"), marks = all(".mark", svg), block = figure.closest(".outcome"), panel = block.querySelector(".behind");
  if (!marks.length) return;
  const invitation = panel.textContent;
  let kept = null;
  panel.hidden = false;
  svg.setAttribute("role", "group");
  const mark = chosen => {
    const studies = chosen ? studiesOf(chosen) : [], shares = node => studiesOf(node).some(study => studies.includes(study));
    marks.forEach(other => {
      other.classList.toggle("chosen", other === chosen);
      other.classList.toggle("kin", other !== chosen && shares(other));
    });
    all("tr[data-studies]").forEach(row => row.classList.toggle("lit", shares(row) && (block.contains(row) || row.closest("#section-studies"))));
    for (const table of all("#section-studies > details:first-of-type table")) filter(table, chosen !== null && chosen === kept);
    panel.textContent = chosen ? chosen.getAttribute("aria-label") : invitation;
    if (chosen && chosen === kept) panel.append(". ", leading());
  };
  const keep = async node => {
    kept?.setAttribute("aria-pressed", "false");
    kept = node;
    kept?.setAttribute("aria-pressed", "true");
    if (kept) await openStudies(heard);
  };
  marks.forEach((node, i) => {
    prepare(node, i);
    for (const [shown, gone] of [["pointerenter", "pointerleave"], ["focus", "blur"]]) {
      node.addEventListener(shown, () => { if (!kept) mark(node); });
      node.addEventListener(gone, () => { if (!kept) mark(null); });
    }
    const press = async () => { await keep(kept === node ? null : node); mark(kept ?? node); };
    node.addEventListener("click", press);
    node.addEventListener("keydown", event => {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); press(); return; }
      if (event.key === "Escape") { keep(null); mark(null); return; }
      if (!STEPS[event.key]) return;
      event.preventDefault();
      const next = marks[(i + STEPS[event.key] + marks.length) % marks.length];
      node.setAttribute("tabindex", "-1");
      next.setAttribute("tabindex", "0");
      next.focus();
    });
  });
}

// Make a button of a mark, with something that is easy to hit.
function prepare(node, i) {
  const title = node.querySelector("title"), place = node.querySelector("use");
  const hit = place ? ring(place) : node.querySelector("path").cloneNode();
  node.setAttribute("aria-label", title.textContent);
  node.setAttribute("role", "button");
  node.setAttribute("aria-pressed", "false");
  node.setAttribute("tabindex", i ? "-1" : "0");
  title.remove();
  hit.removeAttribute("style");
  hit.setAttribute("class", place ? "hit round" : "hit");
  node.prepend(hit);
}

// A circle around a node, whose own is drawn about the origin, once for all nodes of its size, and put in its place.
function ring(place) {
  const circle = document.createElementNS("http://www.w3.org/2000/svg", "circle");
  const drawn = document.getElementById(place.getAttribute("xlink:href").slice(1)), numbers = drawn.getAttribute("d").match(/-?[\d.]+/g).map(Number);
  const size = {cx: place.getAttribute("x"), cy: place.getAttribute("y"), r: Math.max(...numbers.map(Math.abs)) + RING};
  for (const [name, value] of Object.entries(size)) circle.setAttribute(name, value);
  return circle;
}

// Open the table of all studies, wherever it is folded.
async function openStudies(heard) {
  for (let node = document.querySelector("#section-studies > details"); node; node = node.querySelector("details")) {
    await unfold(node, heard);
    node.open = true;
  }
}

// Show the rows that are marked alone, in a long table while they are kept.
function filter(table, isKept) {
  const rows = all("tbody tr", table);
  for (const row of rows) row.classList.toggle("elsewhere", isKept && rows.length > FEW && !row.classList.contains("lit"));
}

function leading() {
  const link = document.createElement("a");
  link.href = "#studies";
  link.textContent = "Go to these studies in the table, which is open.";
  return link;
}
