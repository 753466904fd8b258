// Tables: sorted by the number a cell begins with, or by its words; long ones filtered.
import {make} from "../panel/dom.js";

const valueOf = text => {
  const match = text.replaceAll("−", "-").match(/^\s*[<>≥≈●○]*\s*(-?\d[\d.]*(?:e[-+]?\d+)?)/i);
  return match ? parseFloat(match[1]) : null;
};
const sortTable = (table, column, direction) => {
  const rows = [...table.rowsInOrder];
  const texts = new Map(rows.map(row => [row, row.cells[column]?.textContent.trim() ?? ""]));
  const filled = rows.filter(row => !["", "–"].includes(texts.get(row)));
  const numeric = filled.every(row => valueOf(texts.get(row)) !== null);
  const order = (a, b) => numeric ? valueOf(texts.get(a)) - valueOf(texts.get(b))
    : texts.get(a).localeCompare(texts.get(b), "en", {numeric: true});
  if (direction) {
    filled.sort((a, b) => direction * order(a, b));
    rows.splice(0, rows.length, ...filled, ...rows.filter(row => !filled.includes(row)));
  }
  table.tBodies[0].append(...rows);
};
const makeSortable = table => {
  table.rowsInOrder = [...table.tBodies[0].rows];
  if (table.rowsInOrder.length < 2) return;
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = make("button", {type: "button"}, ...head.childNodes);
    if (head.dataset.tip) { button.dataset.tip = head.dataset.tip; delete head.dataset.tip; }
    head.append(button);
    button.addEventListener("click", () => {
      const next = {none: "ascending", ascending: "descending", descending: "none"}[head.getAttribute("aria-sort") ?? "none"];
      heads.forEach(other => other.removeAttribute("aria-sort"));
      if (next !== "none") head.setAttribute("aria-sort", next);
      sortTable(table, column, {ascending: 1, descending: -1, none: 0}[next]);
    });
  });
};
const makeFilterable = table => {
  const rows = table.rowsInOrder;
  if (rows.length < 8) return;
  const input = make("input", {type: "search", placeholder: "filter rows", "aria-label": `Filter rows: ${table.caption.textContent.trim()}`});
  const count = make("output", {class: "grey"});
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      const fits = words.every(word => text.includes(word));
      row.classList.toggle("off", !fits);
      shown += fits;
    }
    count.textContent = words.length ? ` ${shown} of ${rows.length} rows` : "";
  });
  table.closest(".table").prepend(make("div", {class: "filter"}, input, count));
};

// Make the tables below a node sortable, and the longer ones filterable.
export function enhance(root) {
  for (const table of root.querySelectorAll(".table table:not(.benefit)")) {
    if (!table.rowsInOrder) { makeSortable(table); makeFilterable(table); }
  }
}
