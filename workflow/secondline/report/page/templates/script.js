// The page works without this: it adds choices, sorting, filters, tips, and what stands behind a line of a network.
(() => {
"use strict";
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const make = (tag, attributes = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
};

// Tips: on pointer and on focus, gone with Escape.
const tip = make("div", {class: "tip", role: "tooltip", id: "tip", hidden: ""});
document.body.append(tip);
let tipped = null;
const hideTip = () => { tip.hidden = true; tipped?.removeAttribute("aria-describedby"); tipped = null; };
const showTip = (node, text) => {
  hideTip();
  tipped = node;
  tip.textContent = text;
  tip.hidden = false;
  const box = node.getBoundingClientRect();
  const left = Math.min(box.left, innerWidth - tip.offsetWidth - 8);
  const above = box.top - tip.offsetHeight - 6;
  tip.style.left = `${Math.max(left, 8) + scrollX}px`;
  tip.style.top = `${(above > 0 ? above : box.bottom + 6) + scrollY}px`;
  node.setAttribute("aria-describedby", "tip");
};
const tipOf = event => event.target.closest?.("[data-tip]");
for (const [show, hide] of [["pointerover", "pointerout"], ["focusin", "focusout"]]) {
  document.addEventListener(show, event => { const node = tipOf(event); if (node) showTip(node, node.dataset.tip); });
  document.addEventListener(hide, event => { if (tipOf(event) && !tip.matches(":hover")) hideTip(); });
}
tip.addEventListener("pointerleave", hideTip);
document.addEventListener("keydown", event => { if (event.key === "Escape") hideTip(); });

// Tables: sorted by the number a cell begins with, or by its words; a third press gives the first order back.
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
for (const table of all(".table table")) { makeSortable(table); makeFilterable(table); }

// Lines of a network: the studies behind a line, by pointer or by Tab and arrow keys; a press keeps them marked.
const studiesOf = node => node.dataset.studies.split("|");
for (const figure of all("figure.live")) {
  const svg = figure.querySelector("svg");
  const marks = all(".mark", svg);
  const block = figure.closest(".outcome");
  const panel = block.querySelector(".behind");
  if (!marks.length) continue;
  const invitation = panel.textContent;
  let kept = null;
  panel.hidden = false;
  svg.setAttribute("role", "group");
  const mark = chosen => {
    const studies = chosen ? studiesOf(chosen) : [];
    const shares = node => studiesOf(node).some(study => studies.includes(study));
    marks.forEach(other => {
      other.classList.toggle("chosen", other === chosen);
      other.classList.toggle("kin", other !== chosen && shares(other));
    });
    all("tr[data-studies]").forEach(row => row.classList.toggle("lit", shares(row) && (block.contains(row) || row.closest("section").id === "section-studies")));
    panel.textContent = chosen ? chosen.getAttribute("aria-label") : invitation;
  };
  marks.forEach((node, i) => {
    const title = node.querySelector("title");
    node.setAttribute("aria-label", title.textContent);
    node.setAttribute("role", "button");
    node.setAttribute("aria-pressed", "false");
    node.setAttribute("tabindex", i ? "-1" : "0");
    title.remove();
    const hit = node.querySelector("path").cloneNode();
    hit.removeAttribute("style");
    hit.setAttribute("class", "hit");
    node.prepend(hit);
    node.addEventListener("pointerenter", () => { if (!kept) mark(node); });
    node.addEventListener("pointerleave", () => { if (!kept) mark(null); });
    node.addEventListener("focus", () => { if (!kept) mark(node); });
    node.addEventListener("blur", () => { if (!kept) mark(null); });
    const press = () => {
      kept?.setAttribute("aria-pressed", "false");
      kept = kept === node ? null : node;
      kept?.setAttribute("aria-pressed", "true");
      mark(kept ?? node);
    };
    node.addEventListener("click", press);
    node.addEventListener("keydown", event => {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); press(); return; }
      if (event.key === "Escape") { kept?.setAttribute("aria-pressed", "false"); kept = null; mark(null); return; }
      const step = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1}[event.key];
      if (!step) return;
      event.preventDefault();
      const next = marks[(i + step + marks.length) % marks.length];
      node.setAttribute("tabindex", "-1");
      next.setAttribute("tabindex", "0");
      next.focus();
    });
  });
}

// Comparisons at choice.
const data = JSON.parse(document.getElementById("explorer-data").textContent);
const explorer = document.getElementById("explorer");
const picker = Object.fromEntries(all("select", explorer).map(select => [select.name, select]));
const LETTERS = {reference: "R", direct: "D", "mixed-setting": "M", indirect: "I", extrapolated: "E", "prior-driven": "P"};
const chip = words => {
  const [label] = words.split(", ");
  return make("span", {class: `chip ${label.replace("-", "_")}`}, make("i", {"aria-hidden": "true"}, LETTERS[label] ?? "?"), words);
};
const fill = (select, options, wanted) => {
  if (!select) return;
  const before = wanted ?? select.value;
  select.replaceChildren(...options.map(([value, text]) => make("option", {value}, text)));
  if (options.some(([value]) => value === before)) select.value = before;
};
const first = object => Object.keys(object)[0];
const chosen = () => {
  const outcome = data.outcomes[picker.outcome?.value || first(data.outcomes)];
  const model = outcome.models[picker.model?.value || data.headline];
  const place = picker.setting?.value || first(model);
  return {outcome, here: model[place] ?? model[first(model)]};
};
const WIDTH = 320, HEIGHT = 30, PAD = 8;
const drawRow = (scale, row, none) => {
  const [lower, value, upper] = [row[4], row[3], row[5]].map(scale);
  const [low, high] = row.limits ? row.limits.map(scale) : [lower, upper];
  const y = HEIGHT / 2;
  const ends = [low < 0 ? `M${PAD} ${y}l7-4v8z` : "", high > 1 ? `M${WIDTH - PAD} ${y}l-7-4v8z` : ""].join("");
  const x = share => PAD + Math.min(Math.max(share, 0), 1) * (WIDTH - 2 * PAD);
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" aria-hidden="true"><path class="none" d="M${x(none)} 0V${HEIGHT}"/>`
    + `<path class="predictive" d="M${x(low)} ${y}H${x(high)}${ends}"/><path class="credible" d="M${x(lower)} ${y}H${x(upper)}"/>`
    + `<rect class="point" x="${x(value) - 4}" y="${y - 4}" width="8" height="8"/></svg>`;
};
const drawAxis = (scale, ticks, sides) => `<svg viewBox="0 0 ${WIDTH} ${HEIGHT + 3}" aria-hidden="true"><path d="M${PAD} 1H${WIDTH - PAD}"/>`
  + `<text x="${PAD}" y="29">◂ favours ${sides[0]}</text><text x="${WIDTH - PAD}" y="29" text-anchor="end">favours ${sides[1]} ▸</text>`
  + ticks.map(tick => { const x = PAD + scale(tick) * (WIDTH - 2 * PAD); return `<path d="M${x} 1v5"/><text x="${x}" y="16" text-anchor="middle">${tick}</text>`; }).join("") + "</svg>";
const axisOf = (rows, ratio) => {
  const values = rows.flatMap(row => [row[4], row[5]]).filter(value => !ratio || value > 0);
  values.push(ratio ? 1 : 0);
  if (ratio) {
    const low = Math.log(Math.max(Math.min(...values), 1 / 64)) - .1, high = Math.log(Math.min(Math.max(...values), 64)) + .1;
    const scale = value => (Math.log(Math.max(value, 1e-12)) - low) / (high - low);
    const wide = high - low > 4;
    return [scale, (wide ? [.02, .1, .5, 1, 2, 10, 50] : [.1, .2, .3, .5, .7, 1, 1.5, 2, 3, 5, 10]).filter(tick => scale(tick) >= 0 && scale(tick) <= 1)];
  }
  const span = Math.max(...values) - Math.min(...values) || 1;
  const low = Math.min(...values) - span * .05, high = Math.max(...values) + span * .05;
  const step = [1, 2, 5, 10].map(k => k * 10 ** Math.floor(Math.log10(span / 4))).find(k => span / k <= 5);
  const ticks = [];
  for (let k = Math.ceil(low / step); k * step <= high; k++) ticks.push(+(k * step).toPrecision(6));
  return [value => (value - low) / (high - low), ticks];
};
const numbers = text => text.split(" to ").map(part => parseFloat(part.replaceAll("−", "-")));
const compare = () => {
  const {outcome, here} = chosen();
  const reference = picker.reference.value;
  const ranks = new Map(here.ranks.map(rank => [rank[0], rank]));
  const rows = here.effects.filter(row => row[1] === reference);
  rows.sort((a, b) => (ranks.get(b[0])?.[2] ?? 0) - (ranks.get(a[0])?.[2] ?? 0));
  rows.forEach(row => { row.limits = row[6] ? numbers(row[6]) : null; });
  const [scale, ticks] = axisOf(rows, outcome.ratio);
  const none = scale(outcome.ratio ? 1 : 0);
  const table = make("table");
  const name = data.treatments[reference] ?? reference;
  const sides = outcome.lower ? ["treatment", "comparator"] : ["comparator", "treatment"];
  table.createCaption().append(make("span", {}, `${outcome.label}: ${outcome.measure} against ${name}, with 95% credible (thick) and predictive (thin) intervals`));
  const head = table.createTHead().insertRow();
  for (const title of ["Treatment", `${outcome.measure} (95% CrI)`, "", "95% predictive", "P(better)", "Evidence", "SUCRA (95% CrI)", "P(best)"])
    head.append(title ? make("th", {scope: "col"}, title) : make("td"));
  const body = table.createTBody();
  for (const row of rows) {
    const line = body.insertRow(), rank = ranks.get(row[0]);
    line.append(make("th", {scope: "row"}, (data.treatments[row[0]] ?? row[0]) + (rank && !rank[6] ? " (not a candidate)" : "")));
    line.insertCell().append(row[2]);
    const plot = line.insertCell();
    plot.className = "plot";
    plot.innerHTML = drawRow(scale, row, none);
    for (const cell of [row[6] || "–", row[7], chip(row[8]), rank?.[1] ?? "–", rank?.[5] ?? "–"]) line.insertCell().append(cell);
  }
  const foot = body.insertRow();
  foot.append(make("td"), make("td"), make("td", {class: "plot"}));
  foot.cells[2].innerHTML = drawAxis(scale, ticks, sides);
  const parts = here.converged ? [] : [make("p", {class: "warning"}, "NOT CONVERGED, do not use")];
  explorer.querySelector(".result").replaceChildren(...parts, make("div", {class: "scroll", tabindex: "0", role: "group", "aria-label": "Chosen comparison"}, table));
};
const offer = against => {
  const {here} = chosen();
  const treatments = new Set(here.effects.map(row => row[1]));
  fill(picker.reference, [...treatments].map(id => [id, data.treatments[id] ?? id]), against);
  compare();
};
fill(picker.outcome, Object.entries(data.outcomes).map(([id, outcome]) => [id, outcome.label]));
const {outcome: start} = chosen();
fill(picker.model, Object.keys(start.models).map(id => [id, id]), data.headline);
fill(picker.setting, Object.keys(start.models[data.headline]).map(id => [id, data.settings[id] ?? id]));
explorer.hidden = false;
offer(chosen().here.reference);
for (const name of ["outcome", "setting", "model"]) picker[name]?.addEventListener("change", () => offer(name === "setting" ? chosen().here.reference : undefined));
picker.reference.addEventListener("change", compare);

// The question: one answer at a time, that of the setting and the outcome that are asked for.
const ask = document.querySelector(".ask");
if (ask?.elements.length) {
  const asked = name => ask.querySelector(`[name=${name}]:checked`)?.value;
  const reply = () => all(".answer").forEach(node => {
    const fits = [["place", node.dataset.place], ["about", node.dataset.of]].every(([name, own]) => (asked(name) ?? own) === own);
    node.classList.toggle("off", !fits);
  });
  ask.hidden = false;
  ask.addEventListener("change", reply);
  ask.addEventListener("submit", event => event.preventDefault());
  reply();
}

// One outcome and one setting, or all; a link into what is not shown shows it.
const choice = document.querySelector(".choice");
if (choice) {
  const outcome = choice.elements.outcome, setting = choice.elements.setting;
  const show = () => {
    let hidden = 0;
    all("[data-outcome]").forEach(node => node.classList.toggle("off", Boolean(outcome?.value) && node.dataset.outcome !== outcome.value));
    all("[data-setting]").forEach(node => node.classList.toggle("off", Boolean(setting?.value) && node.dataset.setting !== setting.value));
    all("details.others").forEach(node => {
      const fits = setting?.value && all("[data-setting]", node).some(inside => !inside.classList.contains("off"));
      if (fits) node.open = true;
    });
    hidden = outcome?.value ? outcome.options.length - 2 : 0;
    choice.querySelector("output").textContent = hidden ? `${hidden} other outcome${hidden > 1 ? "s" : ""} not shown` : "";
    for (const [mine, its] of [[outcome, picker.outcome], [setting, picker.setting]]) {
      const wanted = mine?.value && [...(its?.options ?? [])].find(option => option.value === mine.value || option.text === mine.value);
      if (wanted && its.value !== wanted.value) { its.value = wanted.value; offer(its === picker.setting ? chosen().here.reference : undefined); }
    }
  };
  const arrive = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    const block = target.closest("[data-outcome].off");
    if (block) { outcome.value = block.dataset.outcome; show(); }
    for (let node = target.closest("details"); node; node = node.parentElement.closest("details")) node.open = true;
    target.scrollIntoView();
  };
  choice.hidden = false;
  choice.addEventListener("change", show);
  choice.addEventListener("submit", event => event.preventDefault());
  addEventListener("hashchange", arrive);
  if (outcome) outcome.value = data.lead;
  show();
  arrive();
}
})();
