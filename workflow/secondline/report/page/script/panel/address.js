// A state as a fragment of the address, and back. Fragments that do not begin so are anchors.
import {declared, isDeclared, MOST_ADDED, readingFor, readingOf, SCALES, settingsOf, studyOf} from "./state.js";

const ANCHOR = "weigh", BEGINS = `${ANCHOR}?`;
const SEPARATOR = "~", OWN = ["name", "treatment", "comparator", "setting", "estimate", "lower", "upper"];
const FACTORS = [0.25, 4];

export const isState = fragment => fragment.startsWith(BEGINS);

// The fragment of a state: of the declared analysis of the first outcome and setting, the anchor of the section alone.
export function fragmentOf(words, data, state) {
  const {outcome, setting, model, against, out, read, moved, added, scales} = state, asked = new URLSearchParams();
  const isFirst = outcome === Object.keys(words.outcomes)[0] && setting === settingsOf(data)[0];
  if (isDeclared(words, state) && isFirst && against === null) return ANCHOR;
  asked.set("outcome", outcome);
  asked.set("setting", setting);
  if (model !== words.headline) asked.set("model", model);
  if (against !== null) asked.set("against", against);
  for (const study of [...out].sort()) asked.append("out", study);
  for (const [name, parts] of [["read", read], ["move", moved], ["prior", scales]]) {
    for (const key of Object.keys(parts).sort()) asked.append(name, `${key}${SEPARATOR}${shortly(parts[key])}`);
  }
  for (const one of added) asked.append("own", OWN.map(key => one[key]).join(SEPARATOR));
  return BEGINS + asked;
}

const shortly = value => (typeof value === "number" ? Number(value.toPrecision(6)) : value);

// What tells analyses apart: their fragment without the setting and the comparator, which ask the same analysis.
export const analysisKey = (words, data, state) =>
  (isDeclared(words, state) ? state.outcome : fragmentOf(words, data, {...state, setting: settingsOf(data)[0], against: null}));

// The state of a fragment; what it names and the page does not know is left out.
//
// dataOf: the models of an outcome, by its name
export function stateOf(words, dataOf, fragment) {
  const asked = new URLSearchParams(isState(fragment) ? fragment.slice(BEGINS.length) : "");
  const outcome = known(asked.get("outcome"), Object.keys(words.outcomes)), data = dataOf(outcome);
  const start = declared(words, outcome, known(asked.get("setting"), settingsOf(data)));
  const model = Object.hasOwn(data.models, asked.get("model") ?? "") ? asked.get("model") : start.model;
  const pairs = name => asked.getAll(name).map(text => [text.slice(0, text.indexOf(SEPARATOR)), text.slice(text.indexOf(SEPARATOR) + 1)]);
  const isUsed = name => studyOf(data, name)?.readings.some(reading => reading.declared);
  const against = data.regimens.includes(asked.get("against")) ? asked.get("against") : null;
  const state = {
    ...start, model, against,
    out: [...new Set(asked.getAll("out").filter(isUsed))].sort(),
    read: Object.fromEntries(pairs("read").filter(([name, label]) => studyOf(data, name) && isOther(studyOf(data, name), label))),
    moved: numbers(pairs("move").filter(([name]) => studyOf(data, name)), value => Math.abs(value) < 1e3),
    added: asked.getAll("own").map(text => own(data, text)).filter(Boolean).slice(0, MOST_ADDED),
    scales: numbers(pairs("prior").filter(([name]) => SCALES.includes(name) && data.models[model].scales[name]),
      value => value >= FACTORS[0] && value <= FACTORS[1]),
  };
  return {...state, moved: Object.fromEntries(Object.entries(state.moved).filter(([name]) => readingOf(data, state, name)?.y.length === 1))};
}

const known = (name, names) => (names.includes(name) ? name : names[0]);
const isOther = (study, label) => { const reading = readingFor(study, label); return reading && !reading.declared; };
const numbers = (pairs, isAllowed) =>
  Object.fromEntries(pairs.map(([name, text]) => [name, Number(text)]).filter(([, value]) => Number.isFinite(value) && isAllowed(value)));

function own(data, text) {
  const parts = text.split(SEPARATOR), one = Object.fromEntries(OWN.map((key, i) => [key, parts[i] ?? ""]));
  for (const key of ["estimate", "lower", "upper"]) one[key] = Number(one[key]);
  return problemOf(data, one) ? null : one;
}

// What is wrong with a study of the reader's own; empty where nothing is.
export function problemOf(data, {name, treatment, comparator, setting, estimate, lower, upper}) {
  if (!name || name.includes(SEPARATOR) || studyOf(data, name)) return `Give the study a name that no other study has, without “${SEPARATOR}”.`;
  if (![treatment, comparator].every(regimen => data.regimens.includes(regimen)) || treatment === comparator) return "Choose two different treatments.";
  if (!settingsOf(data).includes(setting)) return "Choose a setting.";
  if (![estimate, lower, upper].every(Number.isFinite)) return "Give the estimate and both limits as numbers.";
  if (data.ratio && lower <= 0) return "Ratios are above 0.";
  return lower < estimate && estimate < upper ? "" : "The estimate has to lie between its limits.";
}
