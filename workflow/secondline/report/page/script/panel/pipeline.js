// The state as a configuration: the block `analyses:` that makes the same analysis, and what no configuration can say.
import {labelOf, readingOf, studyOf} from "./state.js";

export const REASON = "give the reason here";
const PLAIN = /^[A-Za-z](?:[\w. -]*[\w.-])?$/, NOT_TEXT = /^(true|false|yes|no|on|off|null|y|n|nan|inf)$/i;

const text = value => (PLAIN.test(value) && !NOT_TEXT.test(value) ? value : JSON.stringify(value));
const cell = value => (typeof value === "string" ? text(value) : String(value));
const flow = parts => `{${Object.entries(parts).map(([key, value]) => `${text(key)}: ${value !== null && typeof value === "object" ? flow(value) : cell(value)}`).join(", ")}}`;

// {block, cannot}: YAML, and sentences.
export function pipelineOf(words, data, state) {
  const {exclude, select, secondary, cannot} = selection(words, data, state), {choices} = words;
  const parts = [
    ["label", text("My analysis")], ["engine", "exact"], ["outcomes", `[${text(state.outcome)}]`],
    ...(secondary ? [["secondary_reports", "true"]] : []),
    ...["overlap", "bias"].filter(key => key in choices).map(key => [key, typeof choices[key] === "object" ? flow(choices[key]) : cell(choices[key])]),
  ].map(([key, value]) => `    ${key}: ${value}`);
  const lines = ["analyses:", "  my_analysis:", ...parts, ...nested("exclude", exclude, cell), ...nested("select", select, flow)];
  return {block: [...above(words, data, state), ...lines].join("\n") + "\n", cannot: [...cannot, ...figures(words, state)]};
}

const nested = (key, entries, write) =>
  (Object.keys(entries).length ? [`    ${key}:`, ...Object.entries(entries).map(([name, value]) => `      ${text(name)}: ${write(value)}`)] : []);

// Settings that hold for every analysis.
function above(words, data, state) {
  const {prior, priors} = words.outcomes[state.outcome], factors = Object.entries(state.scales), lines = [];
  if (state.model !== words.headline) lines.push(`headline: ${text(state.model)}`);
  if (factors.length) {
    const scaled = {...priors, ...Object.fromEntries(factors.map(([name, factor]) => [name, Number((factor * data.models[state.model].scales[name]).toPrecision(6))]))};
    lines.push("priors:", `  ${text(prior)}: ${flow(scaled)}`);
  }
  return lines.length ? ["# In place of what stands there; these hold for every analysis.", ...lines] : [];
}

function selection(words, data, state) {
  const {choices, secondary} = words, cannot = [];
  const exclude = {...choices.exclude, ...Object.fromEntries(state.out.map(name => [name, REASON]))}, select = {...choices.select};
  const quoted = data.studies.map(({study}) => study).filter(name => secondary.includes(name));
  const isTaken = choices.secondary_reports || quoted.some(name => readingOf(data, state, name));
  if (isTaken) for (const name of quoted) if (!readingOf(data, state, name)) exclude[name] ??= REASON;
  for (const [name, label] of Object.entries(state.read)) {
    const reading = readingOf(data, state, name);
    if (!reading) continue;
    if (reading.select) select[name] = reading.select;
    else if (!secondary.includes(name)) cannot.push(`No \`select\` takes ${name} as “${label}”: its rows have to be written as an evidence table.`);
  }
  for (const name of Object.keys(exclude)) delete select[name];
  return {exclude, select, secondary: isTaken, cannot};
}

function figures(words, state) {
  const moved = Object.keys(state.moved).filter(name => !state.out.includes(name));
  return [
    ...moved.map(name => `The figure of ${words.studies[name] ?? name} was moved by hand: a configuration takes figures from papers only.`),
    ...state.added.map(({name}) => `“${name}” needs a sheet with its source: \`secondline new-study ${name.toLowerCase().replace(/[^a-z0-9]+/g, "_").replace(/^[_\d]+|_+$/g, "") || "my_study"}\`.`),
  ];
}

// What a reading of a study is called in a list of choices.
export const readingsOf = (data, name) => {
  const {readings} = studyOf(data, name);
  return readings.map(reading => [reading.declared ? "" : labelOf(readings, reading), reading.declared ? "as declared" : labelOf(readings, reading)]);
};
