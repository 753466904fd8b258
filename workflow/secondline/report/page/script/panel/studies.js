// Left: what the studies found. Each can be left out, read otherwise, and moved along the axis.
import {Axis, behind, dot, foot, span, square, upright} from "./axis.js";
import {make, draw, offer} from "./dom.js";
import {interval, natural} from "./numbers.js";
import {readingsOf} from "./pipeline.js";
import {readingFor, readingOf, studyOf} from "./state.js";

const Z = 1.959963984540054, LINE = 30, OF_SEVERAL = 48, STEPS = 100; // pixels of a contrast; of the axis, arrow keys move by one
const KEYS = {ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10};

// A name that may be broken behind its underscores.
const breakable = name => name.split("_").flatMap((part, i) => (i ? ["_", make("wbr"), part] : [part]));

export class StudiesChart {
  // acts: {use(name, isUsed), read(name, label), drag(name, y), drop(name), remove(name), seek(name), point(name or null)}
  constructor(words, acts) {
    Object.assign(this, {words, acts, rows: new Map(), shown: "", list: make("ul", {class: "rows"}), axisRow: make("div", {class: "row axis"})});
    this.node = make("div", {class: "chart"}, this.list, this.axisRow);
  }

  // Draw a view; fitted: summaries of the contrasts of a study, by its name.
  update(view, fitted, isDragging) {
    const {data, state} = view, names = [...data.studies.map(({study}) => study), ...state.added.map(({name}) => name)];
    const shown = [state.outcome, ...names].join("\n");
    if (shown !== this.shown) this.build(data, state, names);
    this.shown = shown;
    const found = new Map(names.map(name => [name, this.figures(view, name, fitted(name))]));
    if (!isDragging) this.axis = new Axis(this.isRatio(state), [...found.values()].flatMap(({all}) => all));
    for (const [name, figures] of found) this.draw(view, name, figures);
    this.axisRow.replaceChildren(make("div"), make("div", {class: "track"}, foot(this.axis, this.sides(state))), make("div"));
  }

  isRatio(state) { return this.words.outcomes[state.outcome].ratio; }

  sides(state) {
    const sides = ["first better", "second better"];
    return this.words.outcomes[state.outcome].lower ? sides : sides.reverse();
  }

  build(data, state, names) {
    this.rows = new Map(names.map(name => [name, this.row(data, state, name)]));
    this.list.replaceChildren(...[...this.rows.values()].map(({node}) => node));
  }

  row(data, state, name) {
    const own = state.added.some(one => one.name === name), title = this.words.studies[name] ?? name;
    const box = make("input", {type: "checkbox", change: event => this.acts.use(name, event.target.checked)});
    const head = own
      ? make("span", {class: "title"}, make("b", {}, ...breakable(title)), " ", make("button", {type: "button", "aria-label": `Remove ${title}`, click: () => this.acts.remove(name)}, "remove"))
      : make("label", {class: "title"}, box, make("b", {}, ...breakable(title)));
    const who = make("span", {class: "who grey"}), svg = draw("svg", {"aria-hidden": "true"}), value = make("div", {class: "value"});
    const handle = make("button", {type: "button", class: "handle", role: "slider", "aria-orientation": "horizontal", "aria-label": `Reported effect of ${title}`});
    const turn = make("p", {class: "turn grey", id: `turn-${[...name].map(c => c.charCodeAt(0).toString(36)).join("")}`});
    handle.setAttribute("aria-describedby", turn.id);
    const readings = own ? [] : readingsOf(data, name);
    const select = make("select", {"aria-label": `Reading of ${title}`, change: event => this.acts.read(name, event.target.value || undefined)});
    if (readings.length > 1) offer(select, readings, readings[0][0]);
    const what = make("div", {class: "what"}, head, who, ...(readings.length > 1 ? [select] : []));
    const track = make("div", {class: "track"}, svg, handle);
    const node = make("li", {class: "row", "data-study": name, pointerenter: () => this.acts.point(name), pointerleave: () => this.acts.point(null),
      focusin: () => this.acts.point(name), focusout: () => this.acts.point(null)}, what, track, value, turn);
    const row = {node, box, who, svg, handle, select, value, turn, track, title, own};
    this.listen(name, row);
    return row;
  }

  listen(name, {handle, track}) {
    const at = event => this.axis.value(100 * (event.clientX - track.getBoundingClientRect().left) / track.clientWidth);
    let isHeld = false;
    const release = () => { if (isHeld) { isHeld = false; this.acts.drop(name); } };
    handle.addEventListener("pointerdown", event => { isHeld = true; handle.setPointerCapture(event.pointerId); });
    handle.addEventListener("pointermove", event => { if (isHeld) this.acts.drag(name, at(event)); });
    handle.addEventListener("pointerup", release);
    handle.addEventListener("pointercancel", release);
    handle.addEventListener("focus", () => this.acts.seek(name));
    handle.addEventListener("keydown", event => {
      const step = KEYS[event.key], y = Number(handle.dataset.y);
      if (!step && !["Home", "Escape"].includes(event.key)) return;
      event.preventDefault();
      this.acts.drag(name, step ? y + step * (this.axis.high - this.axis.low) / STEPS : null);
      this.acts.drop(name);
    });
  }

  // What is drawn of a study: reported figures with their limits, whether it is used, and all values for the axis.
  figures({data, state}, name, fitted) {
    const own = state.added.find(one => one.name === name);
    const used = own ?? readingOf(data, state, name), study = own ? null : studyOf(data, name);
    const reading = own ? null : used ?? readingFor(study, state.read[name]) ?? study.readings[0];
    const link = this.isRatio(state) ? Math.log : x => x;
    const reported = own ? [[own.estimate, own.lower, own.upper].map(link)] : reading.y.map((y, i) => {
      const moved = y + (state.moved[name] ?? 0), wide = Z * Math.sqrt(reading.covariance[i][i]);
      return [moved, moved - wide, moved + wide];
    });
    const readings = study?.readings.flatMap(({y}) => y) ?? [];
    return {isUsed: Boolean(used), own, reading, reported, fitted, all: [...reported.flat(), ...readings, ...fitted.map(({median}) => median)]};
  }

  draw({data, state}, name, {isUsed, own, reading, reported, fitted}) {
    const row = this.rows.get(name), line = reported.length > 1 ? OF_SEVERAL : LINE, height = line * reported.length + 8, isRatio = this.isRatio(state);
    row.node.classList.toggle("unused", !isUsed);
    row.box.checked = isUsed;
    row.who.textContent = own ? this.ownArms(own, data) : this.armsOf(reading);
    if (!own) row.select.value = state.read[name] ?? row.select.options[0]?.value ?? "";
    row.svg.setAttribute("height", height);
    const marks = row.marks ?? [];
    row.svg.replaceChildren(...behind(this.axis, height), ...marks.map(({at}) => upright(this.axis, at, height, "turning")),
      ...reported.flatMap(([y, lower, upper], i) => [
        ...span(this.axis, [lower, upper], 13 + line * i, "reported"), square(this.axis, y, 13 + line * i, "reported"),
        ...span(this.axis, [fitted[i].lower, fitted[i].upper], 25 + line * i, "fitted"), dot(this.axis, fitted[i].median, 25 + line * i, "fitted"),
      ]));
    row.value.replaceChildren(...reported.map((figures, i) => make("p", {style: `min-height: ${line}px`},
      make("span", {}, interval(isRatio, figures)),
      make("span", {class: "grey"}, `${isUsed ? "fitted" : "expected"} ${interval(isRatio, [fitted[i].median, fitted[i].lower, fitted[i].upper])}`))));
    this.place(row, own, isUsed, reported, isRatio);
    row.turn.textContent = row.said ?? "";
  }

  // The handle on the square of a study with a single contrast.
  place({handle}, own, isUsed, reported, isRatio) {
    const [[y]] = reported, [low, high, now] = natural(isRatio, [this.axis.low, this.axis.high, y]);
    handle.hidden = Boolean(own) || !isUsed || reported.length > 1;
    handle.style.left = `${this.axis.at(y)}%`;
    handle.dataset.y = y;
    for (const [key, value] of [["min", this.axis.low], ["max", this.axis.high], ["now", y]]) handle.setAttribute(`aria-value${key}`, value.toFixed(4));
    handle.setAttribute("aria-valuetext", now);
    handle.title = `drag, or use the arrow keys, between ${low} and ${high}; Home puts it back`;
  }

  // Show where the first rank changes along the axis of a study.
  mark(name, marks, text) {
    for (const [other, row] of this.rows) if (other !== name) Object.assign(row, {marks: [], said: ""});
    Object.assign(this.rows.get(name), {marks, said: text});
  }

  clear() {
    for (const row of this.rows.values()) Object.assign(row, {marks: [], said: ""});
  }

  // Light studies up, by shares of 1; none without shares.
  light(shares) {
    for (const [name, {node}] of this.rows) node.style.setProperty("--share", shares?.[name]?.toFixed(3) ?? 0);
  }

  // Who was compared with whom in a study of the reader's own, and where.
  ownArms({treatment, comparator, setting}, {settings}) {
    const name = id => this.words.regimens[id] ?? id, place = settings.length > 1 ? `, ${this.words.settings[setting] ?? setting}` : "";
    return `${name(treatment)} against ${name(comparator)}${place}`;
  }

  armsOf({arms}) {
    const name = ({regimens}) => Object.keys(regimens).map(id => this.words.regimens[id] ?? id).join(" / ");
    const [baseline, ...others] = arms, n = arms.reduce((sum, arm) => sum + arm.n, 0);
    return `${others.map(name).join("; ")} against ${name(baseline)}${n ? `, n = ${Math.round(n)}` : ""}`;
  }
}
