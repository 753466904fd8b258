// What the reader chooses beside the charts: comparator, model, prior scales, a study of their own.
import {problemOf} from "./address.js";
import {choice, make, offer} from "./dom.js";
import {ratio} from "./numbers.js";
import {MOST_ADDED, SCALES, settingsOf} from "./state.js";

const RANGE = Math.log2(4), STEP = 0.05; // of the sliders: binary logarithm of the factor
const SCALE_WORDS = {effect: "of an effect", tau: "of the differences between studies, τ", omega: "of the differences between settings or classes, ω"};

export class Controls {
  // acts: {model(name), against(name), scale(name, factor, isHeld)}
  constructor(words, acts) {
    this.words = words;
    this.model = choice("Model", "model", acts.model);
    this.against = choice("Compared with", "against", acts.against);
    this.node = make("div", {class: "controls"}, this.model.node);
    this.sliders = Object.fromEntries(SCALES.map(name => [name, slider(name, acts.scale)]));
    this.priors = make("details", {class: "priors"}, make("summary", {}, "Prior scales"),
      make("p", {class: "grey"}, "Standard deviations of the priors, from a quarter to four times those declared."),
      ...Object.values(this.sliders).map(({node}) => node));
  }

  update({state, data, reference, against, candidates}) {
    const {words} = this, regimen = id => words.regimens[id] ?? id;
    offer(this.model.select, Object.keys(data.models).map(name => [name, `${name}: ${words.models[name] ?? ""}`]), state.model);
    offer(this.against.select, [...new Set([reference, ...candidates])].map(name => [name, regimen(name)]), against);
    this.model.node.hidden = Object.keys(data.models).length < 2;
    const {scales} = data.models[state.model];
    for (const [name, {node, input, output}] of Object.entries(this.sliders)) {
      const factor = state.scales[name] ?? 1;
      node.hidden = !scales[name];
      input.value = Math.log2(factor);
      output.textContent = ratio(factor * scales[name]);
      input.setAttribute("aria-valuetext", output.textContent);
    }
  }
}

function slider(name, onChange) {
  const heard = isHeld => event => onChange(name, 2 ** Number(event.target.value), isHeld);
  const input = make("input", {type: "range", min: -RANGE, max: RANGE, step: STEP, input: heard(true), change: heard(false)});
  const output = make("output");
  return {input, output, node: make("label", {}, make("span", {}, `Scale ${SCALE_WORDS[name]}`), input, output)};
}

// Fields of a study of the reader's own; add is called with it.
export class OwnStudy {
  constructor(words, add) {
    const field = (key, label, type = "text") => {
      const input = type === "select" ? make("select", {name: key}) : make("input", {name: key, type: "text", inputmode: type, size: type === "decimal" ? 6 : 14, autocomplete: "off"});
      return [key, {input, label: make("label", {}, `${label} `, input), text: label}];
    };
    this.words = words;
    this.fields = Object.fromEntries([
      field("name", "Name"), field("treatment", "Treatment", "select"), field("comparator", "Comparator", "select"), field("setting", "Setting", "select"),
      field("estimate", "Estimate", "decimal"), field("lower", "95% from", "decimal"), field("upper", "to", "decimal"),
    ]);
    this.problem = make("p", {class: "problem", role: "alert"});
    const button = make("button", {type: "button", click: () => this.submit(add)}, "Add the study");
    this.node = make("details", {class: "own"}, make("summary", {}, "Add a study of your own"),
      make("div", {class: "fields"}, ...Object.values(this.fields).map(({label}) => label), button), this.problem);
    this.fields.name.input.value = "My study";
  }

  update({data, state}) {
    const {fields, words} = this, key = `${state.outcome} ${data.regimens}`;
    Object.assign(this, {data, state});
    fields.estimate.label.firstChild.data = `${words.outcomes[state.outcome].words} `;
    if (key === this.key) return;
    this.key = key;
    const regimens = data.regimens.map(id => [id, words.regimens[id] ?? id]);
    offer(fields.treatment.input, regimens, data.regimens[1]);
    offer(fields.comparator.input, regimens, data.regimens[0]);
    offer(fields.setting.input, settingsOf(data).map(id => [id, words.settings[id] ?? id]), state.setting);
    fields.setting.label.hidden = settingsOf(data).length < 2;
  }

  submit(add) {
    const given = Object.fromEntries(Object.entries(this.fields).map(([key, {input}]) => [key, input.value.trim()]));
    const one = {...given, ...Object.fromEntries(["estimate", "lower", "upper"].map(key => [key, given[key] ? Number(given[key].replace("−", "-").replace(",", ".")) : NaN]))};
    const isTaken = this.state.added.some(({name}) => name === one.name);
    const isFull = this.state.added.length >= MOST_ADDED;
    this.problem.textContent = isTaken ? "Another study has this name." : isFull ? `At most ${MOST_ADDED} studies can be added.` : problemOf(this.data, one);
    if (!this.problem.textContent) add(one);
  }
}
