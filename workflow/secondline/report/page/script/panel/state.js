// The one state that drives the panel. Everything in it differs from the declared analysis, and is nothing where it does not.
//
// outcome, setting, model: names; against: the comparator, null for the reference of the setting
// out: studies left out; read: label of another reading, by study; moved: shift of its effect, link scale, by study
// added: studies of the reader's own, {name, treatment, comparator, setting, estimate, lower, upper}, natural scale
// scales: by what factor a prior scale is multiplied, by its name

export const SCALES = ["effect", "tau", "omega"];
export const MOST_ADDED = 20;

export const declared = (words, outcome, setting) =>
  ({outcome, setting, model: words.headline, against: null, out: [], read: {}, moved: {}, added: [], scales: {}});

// Settings that a reader may ask for: all together only where there are no others.
export const settingsOf = data => (data.settings.length > 1 ? data.settings.slice(1) : data.settings);

export const studyOf = (data, name) => data.studies.find(({study}) => study === name);

// The reading of a study in a state; undefined for one that the state does not use.
export function readingOf(data, state, name) {
  if (state.out.includes(name)) return undefined;
  return readingFor(studyOf(data, name), state.read[name]);
}

// A reading by its label; the declared one without a label.
export const readingFor = ({readings}, label) =>
  readings.find(reading => (label === undefined ? reading.declared : labelOf(readings, reading) === label));

// The label of a reading, with its place where others have the same.
export function labelOf(readings, reading) {
  const alike = readings.filter(other => other.label === reading.label);
  return alike.length > 1 ? `${reading.label} (${alike.indexOf(reading) + 1})` : reading.label;
}

export const isDeclared = (words, state) =>
  state.model === words.headline && !state.out.length && !state.added.length
  && [state.read, state.moved, state.scales].every(part => !Object.keys(part).length);

const without = (parts, name) => Object.fromEntries(Object.entries(parts).filter(([key]) => key !== name));

// Use a study, or leave it out. One that the declared analysis does not use is taken by its first reading.
export function use(data, state, name, isUsed) {
  const {readings} = studyOf(data, name), isExtra = !readings.some(reading => reading.declared);
  const out = state.out.filter(other => other !== name), moved = isUsed ? state.moved : without(state.moved, name);
  if (isExtra) return {...state, moved, read: isUsed ? {...state.read, [name]: labelOf(readings, readings[0])} : without(state.read, name)};
  return {...state, moved, out: isUsed ? out : [...out, name].sort()};
}

// Read a study by the reading of a label; what was moved goes back.
export function read(data, state, name, label) {
  const reading = readingFor(studyOf(data, name), label), rest = without(state.read, name);
  return {...state, moved: without(state.moved, name), read: reading.declared ? rest : {...rest, [name]: label}};
}

export const move = (state, name, shift) =>
  ({...state, moved: Math.abs(shift) < 1e-9 ? without(state.moved, name) : {...state.moved, [name]: shift}});

export const scale = (state, name, factor) =>
  ({...state, scales: Math.abs(factor - 1) < 1e-9 ? without(state.scales, name) : {...state.scales, [name]: factor}});

// Another model; factors stay for the prior scales that it has.
export const remodel = (data, state, model) => ({
  ...state, model, scales: Object.fromEntries(Object.entries(state.scales).filter(([name]) => data.models[model].scales[name])),
});

// Another outcome: the studies left out, the model and the prior stay; readings and figures are those of an outcome.
export const turn = (words, data, state, outcome) => ({
  ...(Object.hasOwn(data.models, state.model) ? remodel(data, state, state.model) : declared(words, outcome, state.setting)),
  outcome,
  against: null,
  setting: settingsOf(data).includes(state.setting) ? state.setting : settingsOf(data)[0],
  out: state.out.filter(name => studyOf(data, name)?.readings.some(reading => reading.declared)),
  read: {}, moved: {}, added: [],
});

const Z = 1.959963984540054;

// A study of the reader's own as the engine takes it, on the link scale.
export function ownContrast(isRatio, {name, treatment, comparator, setting, estimate, lower, upper}) {
  const link = isRatio ? Math.log : x => x;
  return {name, treatment, comparator, setting, effect: link(estimate), se: (link(upper) - link(lower)) / (2 * Z)};
}

// The state as `analyse` takes it.
export function forEngine(words, data, state) {
  const {scales} = data.models[state.model], {ratio} = words.outcomes[state.outcome];
  return {
    model: state.model,
    out: state.out,
    read: Object.fromEntries(Object.entries(state.read).map(([name, label]) => {
      const study = studyOf(data, name);
      return [name, study.readings.indexOf(readingFor(study, label))];
    })),
    moved: Object.fromEntries(Object.entries(state.moved).map(([name, shift]) => [name, [shift]])),
    added: state.added.map(one => ownContrast(ratio, one)),
    scales: Object.fromEntries(Object.entries(state.scales).map(([name, factor]) => [name, factor * scales[name]])),
  };
}
