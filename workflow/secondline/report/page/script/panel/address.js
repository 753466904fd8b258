// A state as a fragment of the address, and back. Fragments that do not begin so are anchors. Studies have the names of
// `words.slugs` in it, first author and year; their ids are understood too.
import {declared, isDeclared, MOST_ADDED, readingFor, readingOf, SCALES, settingsOf, studyOf} from "./state.js";

const ANCHOR = "weigh", BEGINS = `${ANCHOR}?`;
const SEPARATOR = "~", OWN = ["name", "treatment", "comparator", "setting", "estimate", "lower", "upper"];
const FACTORS = [0.25, 4], FAR = 1e3; // limits of factors of prior scales, and of shifts on the link scale

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
  const slug = study => words.slugs[study] ?? study;
  for (const study of [...out].sort()) asked.append("out", slug(study));
  for (const [name, parts] of [["read", read], ["move", moved], ["prior", scales]]) {
    for (const key of Object.keys(parts).sort()) asked.append(name, `${slug(key)}${SEPARATOR}${shortly(parts[key])}`);
  }
  for (const one of added) asked.append("own", OWN.map(key => one[key]).join(SEPARATOR));
  return BEGINS + asked;
}

const shortly = value => (typeof value === "number" ? Number(value.toPrecision(6)) : value);

// What tells analyses apart: their fragment without the setting and the comparator, which ask the same analysis.
export const analysisKey = (words, data, state) =>
  (isDeclared(words, state) ? state.outcome : fragmentOf(words, data, {...state, setting: settingsOf(data)[0], against: null}));

// The state of a fragment, and the parts of it that the page does not know and leaves out.
//
// dataOf: the models of an outcome, by its name
export function heard(words, dataOf, fragment) {
  const parts = [...new URLSearchParams(isState(fragment) ? fragment.slice(BEGINS.length) : "")], unread = new Set(parts);
  // What the parts of a name say; a part of which nothing can be made (undefined) stays unread.
  const all = (name, made) => parts.filter(([own]) => own === name).flatMap(part => {
    const found = made(part[1]);
    if (found === undefined) return [];
    unread.delete(part);
    return [found];
  });
  const one = (name, names) => all(name, text => (names.includes(text) ? text : undefined))[0];
  const outcome = one("outcome", Object.keys(words.outcomes)) ?? Object.keys(words.outcomes)[0], data = dataOf(outcome);
  const start = declared(words, outcome, one("setting", settingsOf(data)) ?? settingsOf(data)[0]);
  const model = one("model", Object.keys(data.models)) ?? start.model, {scales} = data.models[model];
  const study = text => data.studies.find(({study: id}) => id === text || words.slugs[id] === text);
  const split = text => [text.slice(0, text.indexOf(SEPARATOR)), text.slice(text.indexOf(SEPARATOR) + 1)];
  const added = [];
  const state = {
    ...start, model, against: one("against", data.regimens) ?? null,
    out: [...new Set(all("out", text => (study(text)?.readings.some(reading => reading.declared) ? study(text).study : undefined)))].sort(),
    read: Object.fromEntries(all("read", text => {
      const [name, label] = split(text), found = study(name);
      return found && isOther(found, label) ? [found.study, label] : undefined;
    })),
    scales: Object.fromEntries(all("prior", text => {
      const [name, factor] = split(text);
      return SCALES.includes(name) && scales[name] && isNumber(factor) && factor >= FACTORS[0] && factor <= FACTORS[1] ? [name, Number(factor)] : undefined;
    })),
    added: all("own", text => {
      const found = added.length < MOST_ADDED ? own(data, text) : undefined;
      if (found) added.push(found);
      return found;
    }),
  };
  const moved = Object.fromEntries(all("move", text => {
    const [name, shift] = split(text), found = study(name);
    return found && isNumber(shift) && Math.abs(shift) < FAR && readingOf(data, state, found.study)?.y.length === 1 ? [found.study, Number(shift)] : undefined;
  }));
  return {state: {...state, moved}, unread: [...unread].map(([name, text]) => `${name}=${text}`)};
}

// The state of a fragment.
export const stateOf = (words, dataOf, fragment) => heard(words, dataOf, fragment).state;

const isOther = (study, label) => { const reading = readingFor(study, label); return reading && !reading.declared; };
const isNumber = text => text.trim() !== "" && Number.isFinite(Number(text));

function own(data, text) {
  const parts = text.split(SEPARATOR), one = Object.fromEntries(OWN.map((key, i) => [key, parts[i] ?? ""]));
  for (const key of ["estimate", "lower", "upper"]) one[key] = Number(one[key]);
  return problemOf(data, one) ? undefined : one;
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
