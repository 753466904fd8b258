// Comparisons at choice: every pair of treatments, by outcome, setting and model.
import {make} from "../panel/dom.js";

const first = object => Object.keys(object)[0];
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

// Start the choice of a comparison, where a node holds it.
//
// wanted: the outcome and the setting that it begins with
export function enhance(root, wanted) {
  const explorer = root.querySelector("#explorer[hidden]");
  if (!explorer) return;
  const data = JSON.parse(document.getElementById("explorer-data").textContent);
  const picker = Object.fromEntries([...explorer.querySelectorAll("select")].map(select => [select.name, select]));
  const chosen = () => {
    const outcome = data.outcomes[picker.outcome?.value || first(data.outcomes)];
    const model = outcome.models[picker.model?.value || data.headline];
    const place = picker.setting?.value || first(model);
    return {outcome, here: model[place] ?? model[first(model)]};
  };
  const compare = () => {
    const {outcome, here} = chosen();
    const reference = picker.reference.value;
    const ranks = new Map(here.ranks.map((rank, place) => [rank[0], {place, sucra: rank[1], pBest: rank[2], note: rank[3]}]));
    const rows = here.effects.filter(row => row[1] === reference);
    const placeOf = ([treatment]) => ranks.get(treatment)?.place ?? ranks.size;
    rows.sort((a, b) => placeOf(a) - placeOf(b));
    rows.forEach(row => { row.limits = row[6] ? numbers(row[6]) : null; });
    const [scale, ticks] = axisOf(rows, outcome.ratio);
    const none = scale(outcome.ratio ? 1 : 0);
    const table = make("table");
    const name = data.treatments[reference] ?? reference;
    const sides = outcome.lower ? ["treatment", "comparator"] : ["comparator", "treatment"];
    table.createCaption().append(make("span", {}, `${outcome.label}: ${outcome.measure} against ${name}, with 95% credible (thick) and predictive (thin) intervals; SUCRA and P(best) among ${data.everyone ? "all treatments" : "the candidates"}`));
    const head = table.createTHead().insertRow();
    for (const title of ["Treatment", `${outcome.measure} (95% CrI)`, "", "95% predictive", "P(better)", "Evidence", "SUCRA (95% CrI)", "P(best)"])
      head.append(title ? make("th", {scope: "col"}, title) : make("td"));
    const body = table.createTBody();
    for (const row of rows) {
      const line = body.insertRow(), rank = ranks.get(row[0]);
      line.append(make("th", {scope: "row"}, (data.treatments[row[0]] ?? row[0]) + (rank?.note ? ` (${rank.note})` : "")));
      line.insertCell().append(row[2]);
      const plot = line.insertCell();
      plot.className = "plot";
      plot.innerHTML = drawRow(scale, row, none);
      for (const cell of [row[6] || "–", row[7], chip(row[8]), rank?.sucra ?? "–", rank?.pBest ?? "–"]) line.insertCell().append(cell);
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
  fill(picker.outcome, Object.entries(data.outcomes).map(([id, outcome]) => [id, outcome.label]), wanted.outcome);
  const {outcome: start} = chosen();
  fill(picker.model, Object.keys(start.models).map(id => [id, id]), data.headline);
  fill(picker.setting, Object.keys(start.models[data.headline]).map(id => [id, data.settings[id] ?? id]), wanted.setting);

  for (const name of ["outcome", "setting", "model"]) picker[name]?.addEventListener("change", () => offer(name === "setting" ? chosen().here.reference : undefined));
  picker.reference.addEventListener("change", compare);
  explorer.hidden = false;
  explorer.follow = ({outcome, setting}) => {
    for (const [name, value] of Object.entries({outcome, setting})) if (value !== null && picker[name]) picker[name].value = value;
    offer(chosen().here.reference);
  };
  offer(chosen().here.reference);
}
