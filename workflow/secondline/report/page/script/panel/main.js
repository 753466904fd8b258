// The panel with which the reader argues: one state, in the address, from which everything follows.
import {COARSE, FINE} from "../engine/analysis.js";
import {ask, asked, fragmentFor, misheard, onAsked, wantedOf} from "../page/asked.js";
import {analysisKey, fragmentOf, heard, isState, stateOf} from "./address.js";
import {ChoiceChart} from "./choice.js";
import {Controls, OwnStudy} from "./controls.js";
import {make} from "./dom.js";
import {natural} from "./numbers.js";
import {pipelineOf} from "./pipeline.js";
import {leavingOut, turningPoints} from "./search.js";
import {leadOf, sentencesOf} from "./sentences.js";
import {Springs} from "./springs.js";
import {CLOSE, Solver} from "./solve.js";
import {declared, isDeclared, move, read, readingOf, remodel, scale, settingsOf, turn, use} from "./state.js";
import {StudiesChart} from "./studies.js";

const AT_ONCE = 60; // studies up to which the panel opens by itself
const REST_MS = 180; // without a change, until the state is solved finely

class Panel {
  constructor(root, words, dataOf) {
    Object.assign(this, {root, words, dataOf, solver: new Solver(words, dataOf), looked: new Set(), moves: 0});
    const change = make => (...values) => this.change(make(this.state, ...values));
    this.studies = new StudiesChart(words, {
      use: change((state, name, isUsed) => use(this.data, state, name, isUsed)),
      read: change((state, name, label) => read(this.data, state, name, label)),
      drag: (name, y) => this.drag(name, y),
      drop: () => this.rest(),
      remove: change((state, name) => ({...state, added: state.added.filter(one => one.name !== name)})),
      seek: name => this.seek(name),
      point: name => this.pointAtStudy(name),
    });
    this.choice = new ChoiceChart(words, treatment => this.pointAtTreatment(treatment));
    this.controls = new Controls(words, {
      model: change((state, model) => remodel(this.data, state, model)),
      against: change((state, against) => ({...state, against})),
      scale: (name, factor, isHeld) => this.change(scale(this.state, name, factor), isHeld),
    });
    this.springs = new Springs(words);
    this.own = new OwnStudy(words, change((state, one) => ({...state, added: [...state.added, one]})));
    this.lay();
  }

  get data() { return this.dataOf(this.state.outcome); }

  lay() {
    const back = () => make("button", {type: "button", class: "back", click: () => this.change(declared(this.words, this.state.outcome, this.state.setting))}, "Back to the declared analysis");
    this.said = make("p", {class: "said"});
    this.heard = make("p", {class: "heard", "aria-live": "polite"});
    this.count = make("span");
    this.banner = make("div", {class: "banner", role: "status"}, make("b", {}, "Exploratory, not the declared analysis."), " ", this.count, " ", back());
    this.pointed = make("p", {class: "pointed grey"});
    this.block = make("pre", {tabindex: "0"});
    this.cannot = make("ul");
    const key = make("p", {class: "grey key"}, "Square: as reported, 95% interval. Circle: as fitted, or as expected of a study that is left out, 95% credible interval. Drag a square, or move it by the arrow keys. The page solves the model itself; for the declared analysis it gives the figures of the tables.");
    this.subject = make("p", {class: "grey key"});
    this.node = make("div", {class: "weigh"},
      this.controls.node, this.heard,
      make("div", {class: "sides"},
        make("div", {class: "side"}, make("h3", {}, "What the studies found"), key, this.studies.node, this.own.node),
        make("div", {class: "side"}, make("h3", {}, "What follows for the choice"), this.subject, this.controls.against.node, this.choice.node, this.said, this.pointed, this.controls.priors)),
      this.banner,
      this.springs.node,
      make("details", {class: "pipeline"}, make("summary", {}, "Take this into the pipeline"), this.block, this.cannot));
    this.root.replaceChildren(this.node);
  }

  // Take what the reader does.
  change(state, isDragging = false) {
    misheard([]);
    this.take(state, isDragging);
  }

  // Take a state, draw it roughly at once, and finely when nothing has changed for a while.
  take(state, isDragging = false) {
    this.state = state;
    this.moves += 1;
    ask(state);
    if (!isDragging) this.studies.clear();
    this.show(COARSE, isDragging);
    this.rest();
  }

  rest() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => { this.show(FINE); this.keep(); this.prepare(); }, REST_MS);
  }

  // Test the other models of an outcome while nothing else is done, one at a time.
  prepare() {
    const {outcome} = this.state, next = Object.keys(this.data.models).find(model => !this.solver.isTested(outcome, model));
    if (next) this.timer = setTimeout(() => { this.solver.error(outcome, next); this.prepare(); });
  }

  // Remember a state at rest: in the address, and among the analyses looked at.
  keep() {
    const {words, data, state} = this, here = location.hash.slice(1), isPlain = isDeclared(words, state) && state.against === null;
    const fragment = isPlain ? fragmentFor(state) : fragmentOf(words, data, state);
    const entry = [{weigh: fragment}, "", `#${fragment}`];
    if (fragment !== here && (!isPlain || isState(here))) {
      if (this.hasEntry) history.replaceState(...entry);
      else history.pushState(...entry);
    }
    this.hasEntry = false;
    this.heard.textContent = this.said.textContent;
    this.looked.add(analysisKey(this.words, this.data, this.state));
    this.count.textContent = `${this.looked.size} ${this.looked.size === 1 ? "analysis" : "analyses"} looked at.`;
  }

  show(quality, isDragging = false) {
    const {words, solver, state} = this;
    if (solver.error(state.outcome, state.model) > CLOSE) return this.close(state);
    const view = this.view = solver.view(state, quality), ghost = solver.ghost(state, view.against);
    if (!this.node.isConnected) this.root.replaceChildren(this.node); // what has the focus keeps it
    this.root.dataset.quality = quality === FINE ? "fine" : "coarse";
    this.controls.update(view);
    this.own.update(view);
    this.studies.update(view, name => solver.fitted(view, name), isDragging);
    this.choice.update(view, ghost, this.order(view), isDragging);
    this.springs.update(view, isDragging);
    const lead = leadOf(words, view);
    this.said.replaceChildren(make("b", {}, lead), sentencesOf(words, view).join(" ").slice(lead.length));
    this.banner.hidden = this.said.hidden = isDeclared(words, state); // the page itself says the declared analysis
    const {words: measure} = words.outcomes[state.outcome];
    const spelled = Object.entries(words.abbreviations).filter(([short]) => this.order(view).some(id => new RegExp(`\\b${short}\\b`).test(words.regimens[id] ?? id)));
    const unshared = isDeclared(words, state) || !view.rows.some(({evidence}) => evidence === "direct") ? "" : " How much of the evidence is direct is known of the declared analysis alone.";
    this.subject.textContent = `${measure} with 95% credible interval (thick)${view.rows.some(({predictive}) => predictive) ? " and 95% predictive interval for a new study (thin)" : ""}. Grey: the declared analysis. Rank: among the candidates, with its 95% credible interval. P(relevant): probability of being better than the comparator by more than the margin, ${words.outcomes[state.outcome].measure} ${natural(words.outcomes[state.outcome].ratio, [words.outcomes[state.outcome].margin])[0]}.${unshared}${spelled.map(([short, text]) => ` ${short}: ${text}.`).join("")}`;
    this.pipe();
    return undefined;
  }

  close({outcome, model}) {
    const error = this.solver.error(outcome, model), label = this.words.outcomes[outcome].label;
    this.root.replaceChildren(make("p", {class: "warning"}, `This panel is closed: in this browser its engine does not reproduce the declared analysis (${label}, ${model}; it differs by ${error.toPrecision(2)}).`));
  }

  // Candidates in the order of the declared analysis, those that only the state has last.
  order(view) {
    const {rows} = this.solver.ghost(this.state, null) ?? view, rank = ({rank: own}) => own ?? Infinity;
    const known = [...rows].sort((a, b) => (rank(a) === rank(b) ? 0 : rank(a) - rank(b))).map(({treatment}) => treatment);
    return [...new Set([...known, ...view.candidates])];
  }

  pipe() {
    const {block, cannot} = pipelineOf(this.words, this.data, this.state);
    this.block.textContent = block;
    this.cannot.replaceChildren(...cannot.map(text => make("li", {}, ...text.split("`").map((part, i) => (i % 2 ? make("code", {}, part) : part)))));
  }

  drag(name, y) {
    const [printed] = readingOf(this.data, this.state, name).y;
    const {low, high} = this.studies.axis, to = y === null ? printed : Math.min(Math.max(y, low), high);
    this.change(move(this.state, name, to - printed), true);
  }

  // Find, when a square is taken up, where along its axis the first rank changes.
  async seek(name) {
    const {view, studies} = this, {low, high} = studies.axis, key = this.seekKey(name);
    this.sought = key;
    const found = await turningPoints(this.solver, view, name, [low, high], () => this.sought === key && this.seekKey(name) === key);
    if (!found) return;
    const {ratio} = this.words.outcomes[view.state.outcome], regimen = id => this.words.regimens[id] ?? id;
    const text = found.map(({at, first}) => `${natural(ratio, [at])[0]} (then ${regimen(first)})`).join(" or ");
    studies.mark(name, found, view.decision.placed.length < 2 ? "No candidate has a rank here." : text ? `The highest SUCRA, among the candidates that have a rank as it stands, changes at ${text}.` : "The highest SUCRA, among the candidates that have a rank as it stands, stays along the whole axis.");
    studies.update(this.view, one => this.solver.fitted(this.view, one), true);
  }

  // What a search depends on: everything but where the square is.
  seekKey(name) {
    return `${this.state.setting} ${analysisKey(this.words, this.data, {...move(this.state, name, 0), model: this.state.model})}`;
  }

  // By how much leaving each study out moves every effect, solved once a state.
  async influence() {
    const {view, moves} = this;
    if (this.influenceOf !== view) {
      this.influenceOf = view;
      this.influences = leavingOut(this.solver, view, () => this.moves === moves && this.view === view);
    }
    return this.influences;
  }

  async pointAtTreatment(treatment) {
    this.target = treatment;
    if (treatment === null) { this.studies.light(null); this.pointed.textContent = ""; return; }
    const found = await this.influence(), own = this.view.rows.find(one => one.treatment === treatment);
    if (!found || !own || this.target !== treatment) return;
    const shifts = Object.entries(found).map(([study, by]) => [study, by[treatment]]).sort((a, b) => Math.abs(b[1].shift) - Math.abs(a[1].shift));
    const most = Math.max(...shifts.map(([, {shift}]) => Math.abs(shift)), 1e-9);
    this.studies.light(Object.fromEntries(shifts.map(([study, {shift}]) => [study, Math.abs(shift) / most])));
    const [study, {mean}] = shifts[0] ?? ["", {mean: NaN}];
    this.pointed.textContent = own.evidence === "reference" || !shifts.length ? "" : `Leaving out ${this.words.studies[study] ?? study} moves ${this.words.regimens[treatment] ?? treatment} most: ${this.fromTo(own.effect.mean, mean)}.`;
  }

  async pointAtStudy(name) {
    this.target = name;
    if (name === null) { this.choice.lean(null); this.pointed.textContent = ""; return; }
    const found = await this.influence();
    if (!found?.[name] || this.target !== name) return;
    this.choice.lean(found[name]);
    const [treatment, {mean}] = Object.entries(found[name]).sort((a, b) => Math.abs(b[1].shift) - Math.abs(a[1].shift))[0] ?? ["", {}];
    const own = this.view.rows.find(one => one.treatment === treatment);
    if (own) this.pointed.textContent = `Without ${this.words.studies[name] ?? name} (hollow squares), ${this.words.regimens[treatment] ?? treatment} moves most: ${this.fromTo(own.effect.mean, mean)}.`;
  }

  fromTo(from, to) {
    const {ratio, measure} = this.words.outcomes[this.state.outcome], [one, other] = natural(ratio, [from, to]);
    return `mean ${measure} from ${one} to ${other}`;
  }

  // The address may change in other ways: by going back and forth, or by a link to a state. Other links are anchors.
  follow(fragment) {
    const {outcome} = wantedOf(fragment);
    if (outcome && !this.words.outcomes[outcome]) return undefined; // the page asks for it, and the panel closes
    if (!isState(fragment)) return this.take(this.start(fragment));
    if (fragment !== fragmentOf(this.words, this.data, this.state)) this.take(this.start(fragment));
    return this.complain(fragment);
  }

  // Say what of an address that is a state was not understood.
  complain(fragment) {
    if (isState(fragment)) misheard(heard(this.words, this.dataOf, fragment).unread);
  }

  // The state of an address: where it names none, the declared analysis of what is asked.
  start(fragment) {
    if (isState(fragment)) return stateOf(this.words, this.dataOf, fragment);
    const {outcome, setting} = {...asked(), ...wantedOf(fragment)}, own = this.words.outcomes[outcome] ? outcome : Object.keys(this.words.outcomes)[0];
    const places = settingsOf(this.dataOf(own));
    return declared(this.words, own, places.includes(setting) ? setting : places[0]);
  }

  // Something else is asked on the page: an outcome that the panel cannot solve closes it. A choice of the reader has
  // an entry of the history already, which takes what the state of the panel adds to it.
  heed(isChoice = false) {
    const {outcome, setting} = asked(), {words, state} = this, isSolved = outcome === null || Boolean(words.outcomes[outcome]);
    this.root.hidden = !isSolved;
    if (!isSolved) return;
    this.hasEntry = isChoice;
    if (outcome !== null && outcome !== state.outcome) this.take({...turn(words, this.dataOf(outcome), state, outcome), setting: setting ?? state.setting});
    else if (setting !== null && setting !== state.setting) this.take({...state, setting, against: null});
    else if (isChoice) this.keep();
  }

  // Paper shows the declared analysis.
  print(isPrinted) {
    if (isPrinted === Boolean(this.before)) return;
    if (isPrinted) this.before = this.state;
    this.state = isPrinted ? declared(this.words, this.state.outcome, this.state.setting) : this.before;
    if (!isPrinted) this.before = null;
    clearTimeout(this.timer);
    this.show(FINE);
  }
}

function start() {
  const blocks = new Map([...document.querySelectorAll(".weigh-models")].map(node => [node.dataset.of, node]));
  const parsed = new Map(), words = JSON.parse(document.getElementById("weigh-words").textContent);
  const dataOf = outcome => {
    if (!parsed.has(outcome)) parsed.set(outcome, JSON.parse(blocks.get(outcome).textContent));
    return parsed.get(outcome);
  };
  for (const node of document.querySelectorAll("[data-live]")) node.hidden = false;
  const root = document.getElementById("panel"), {studies, regimens} = dataOf(Object.keys(words.outcomes)[0]);
  if (studies.length <= AT_ONCE || isState(location.hash.slice(1))) return open(root, words, dataOf);
  const text = `Solve ${studies.length} studies of ${regimens.length} treatments in this page`;
  return root.replaceChildren(make("button", {type: "button", click: () => open(root, words, dataOf)}, text));
}

function open(root, words, dataOf) {
  const panel = new Panel(root, words, dataOf), fragment = location.hash.slice(1), isAsked = isState(fragment) || asked().outcome === null || Boolean(words.outcomes[asked().outcome]);
  panel.state = panel.start(fragment);
  if (isAsked) panel.take(panel.state);
  else panel.heed();
  panel.complain(fragment);
  onAsked(event => panel.heed(event.isTrusted));
  if (isState(fragment) || fragment === "weigh") document.getElementById("weigh").scrollIntoView();
  history.replaceState({weigh: fragment}, "");
  addEventListener("popstate", event => { if (event.state && "weigh" in event.state) panel.follow(event.state.weigh); });
  addEventListener("hashchange", () => {
    if (!isState(location.hash.slice(1))) return;
    panel.follow(location.hash.slice(1));
    document.getElementById("weigh").scrollIntoView();
  });
  addEventListener("beforeprint", () => panel.print(true));
  addEventListener("afterprint", () => panel.print(false));
  matchMedia("print").addEventListener("change", event => panel.print(event.matches));
}

const begun = performance.now();
start();
performance.measure("weigh", {start: begun, end: performance.now()});
