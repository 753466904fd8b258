// The network as springs: treatments are beads on the axis of the effect, studies the springs that pull on them.
import {Axis, behind, foot} from "./axis.js";
import {LEVERS, mark, priorSpring, reported, rod, studySpring, weighted} from "./coils.js";
import {draw, make} from "./dom.js";
import {natural} from "./numbers.js";
import {along, armName, farthestOf, hintsOf, levelOf, springsIn, stiffnessOf, wordsOf} from "./tension.js";

const NARROW = matchMedia("(max-width: 50rem)"), STEADY = matchMedia("(prefers-reduced-motion: reduce)");
const MOST = 40, CROWDED = 15; // lines of a kind: drawn unless all are asked for; with a line of text each
// Heights of lines in pixels, and how far down the spring is in them.
const WIDE = {head: 26, bead: 22, spring: 48, middle: 0.5}, CLOSE = {head: 26, bead: 17, spring: 34, middle: 0.5}, SMALL = {head: 30, bead: 38, spring: 84, middle: 0.76};
const WIDTHS = [0.8, 2.4]; // pixels of the line of a spring without stiffness, and what the stiffest has more
const SETTLE_MS = 80, STILL = 1e-4; // of the way to balance; of the axis

export class Springs {
  constructor(words) {
    Object.assign(this, {words, key: "", isAll: false, list: make("ul", {class: "lines"}), svg: draw("svg", {role: "img"}), axisRow: make("div", {class: "track"})});
    const text = () => make("p", {class: "grey key"}), redraw = () => { if (this.view) this.update(this.view); };
    Object.assign(this, {farthest: make("p", {class: "farthest"}), hints: text(), stiffness: text(), left: make("span")});
    this.button = make("button", {type: "button", click: () => { this.isAll = !this.isAll; redraw(); }});
    this.more = make("p", {class: "key"}, this.left, " ", this.button);
    this.node = make("details", {class: "springs", toggle: redraw}, make("summary", {}, "As springs"),
      this.farthest, make("div", {class: "picture"}, this.list, this.svg, this.axisRow), this.more, this.hints, this.stiffness);
    NARROW.addEventListener("change", redraw);
  }

  // Draw a view; the axis stays while a square is dragged. Nothing is done while the picture is folded.
  update(view, isDragging = false) {
    this.view = view;
    if (!this.node.open) return;
    const {words} = this, {state} = view, found = this.found = springsIn(words, view), {beads, b} = found;
    const key = [state.outcome, view.setting, state.model, view.against, ...beads.map(({treatment}) => treatment)].join("\n"), isOther = key !== this.key;
    if (isOther) this.order = [...beads.keys()].sort((i, j) => along(beads[i].row, b) - along(beads[j].row, b));
    this.key = key;
    if (isOther || !isDragging) {
      this.axis = new Axis(words.outcomes[state.outcome].ratio, this.places());
      this.chosen = this.choose();
      this.stiffness.textContent = stiffnessOf(words, state, found);
    }
    this.farthest.textContent = farthestOf(words, state, found);
    this.svg.setAttribute("aria-label", `${beads.length} treatments as beads on the axis of the effect, held by ${found.springs.length} springs. ${this.farthest.textContent}`);
    this.hints.textContent = hintsOf(words, view, found);
    this.build();
    this.move(isOther);
  }

  // All that has to be seen: the beads, and the ends of the springs at rest and in balance.
  places() {
    const {beads, springs, b} = this.found;
    return [...beads.map(({row}) => along(row, b)), ...springs.flatMap(({from, to, length}) => [along(from, b), along(from, b) + length, along(to, b)])];
  }

  // Which springs and beads are drawn: all, or the springs farthest from rest and the beads that they join.
  choose() {
    const {beads, springs} = this.found, size = this.isAll ? Infinity : MOST;
    const far = [...springs.keys()].sort((i, j) => Math.abs(springs[j].z) - Math.abs(springs[i].z)).slice(0, size).sort((i, j) => i - j);
    const joined = new Set([0, 1, ...far.flatMap(i => springs[i].ends.flatMap(({bead, parts}) => [bead, ...parts]))]);
    return {springs: far, beads: beads.length > size ? this.order.filter(k => joined.has(k)) : this.order};
  }

  // The lines of the picture from above, each with its height and where its middle is.
  lines() {
    const {chosen} = this, isSmall = NARROW.matches, size = isSmall ? SMALL : chosen.springs.length > CROWDED || chosen.beads.length > CROWDED ? CLOSE : WIDE;
    let top = 0;
    const line = (kind, index) => {
      const height = size[kind], share = kind === "bead" && !isSmall ? 0.5 : size.middle, found = {kind, index, top, height, y: top + height * share};
      top += height;
      return found;
    };
    return [line("head", "Treatments"), ...chosen.beads.map(k => line("bead", k)), line("head", "Studies"), ...chosen.springs.map(i => line("spring", i))];
  }

  build() {
    const {axis, found: {beads, springs}, chosen, words} = this, lines = this.lines(), height = lines.at(-1).top + lines.at(-1).height;
    const heights = new Map(lines.filter(({kind}) => kind === "bead").map(({index, y}) => [index, y]));
    const stiffest = Math.max(...springs.map(({stiffness}) => stiffness), ...beads.filter(({priorSd}) => priorSd).map(({priorSd}) => 1 / (priorSd * priorSd)));
    const width = stiffness => WIDTHS[0] + WIDTHS[1] * Math.sqrt(stiffness / stiffest);
    const drawn = lines.flatMap(({kind, index, y}) => (kind === "bead" ? this.bead(beads[index], y, width) : kind === "spring" ? this.spring(springs[index], y, width) : []));
    const rods = chosen.beads.flatMap(k => this.rod(k, heights.get(k), lines));
    this.parts = [...rods, ...drawn];
    this.list.replaceChildren(...lines.map(line => this.text(line)));
    this.svg.setAttribute("height", height);
    this.svg.replaceChildren(...behind(axis, height), ...this.parts.map(({node}) => node));
    const name = words.regimens[this.view.against] ?? this.view.against, sides = [`better than ${name}`, "worse"];
    this.axisRow.replaceChildren(foot(axis, words.outcomes[this.view.state.outcome].lower ? sides : ["worse", sides[0]]));
    this.count(springs.length - chosen.springs.length, beads.length - chosen.beads.length);
  }

  // Say what is not drawn.
  count(springs, beads) {
    const parts = [springs ? `springs nearer to rest: ${springs}` : "", beads ? `treatments that no spring drawn joins: ${beads}` : ""].filter(Boolean);
    this.left.textContent = parts.length ? `Not drawn: ${parts.join("; ")}.` : "";
    this.button.textContent = this.isAll ? "Draw fewer" : "Draw all";
    this.more.hidden = !parts.length && !this.isAll;
  }

  bead({treatment, row, isCandidate, isDriven, priorSd}, y, width) {
    const prior = priorSd ? [priorSpring(this.axis, [this.found.origin, row], y, width(1 / (priorSd * priorSd)))] : [];
    return [...prior, mark(this.axis, row, y, {r: 6, class: `bead${isCandidate ? "" : " elsewhere"}${isDriven ? " driven" : ""}`, "data-bead": treatment})];
  }

  spring(one, y, width) {
    const {axis, found: {beads}} = this, level = levelOf(one);
    const ends = [one.from, one.to].map((row, i) => {
      const {bead, parts} = one.ends[i];
      return bead < 0 ? weighted(axis, row, parts.map(k => beads[k].row), y, LEVERS[i]) : mark(axis, row, y, {r: 3, class: "fastened"});
    });
    return [studySpring(axis, one, y, width(one.stiffness), level), reported(axis, one, y), ...ends];
  }

  // The rod on which a bead's springs are fastened, as far down as the last of them; those of the prior are on the origin's.
  rod(k, y, lines) {
    const {axis, found: {beads, springs}, view} = this, isOrigin = beads[k].treatment === view.data.reference;
    const held = lines.filter(({kind}) => kind === "spring").flatMap(({index, y}) =>
      springs[index].ends.flatMap(({bead, parts}, i) => (bead === k ? [y] : parts.includes(k) ? [y + LEVERS[i]] : [])));
    return held.length || isOrigin ? [rod(axis, beads[k].row, [isOrigin ? lines[1].y : y, Math.max(y, ...held)])] : [];
  }

  // The text of a line: what it is on the left, what is said of it on the right.
  text({kind, index, height}) {
    const {words, found, view} = this, {ratio: isRatio, measure} = words.outcomes[view.state.outcome], style = `height: ${height}px`;
    if (kind === "head") return make("li", {class: "head", style}, make("b", {}, index));
    if (kind === "bead") {
      const {treatment, row, isCandidate, isDriven} = found.beads[index], at = along(row, found.b), [value] = natural(isRatio, [at]);
      const said = index === 0 ? "fixed at no effect" : `${measure} ${value}${isDriven ? `, ${words.evidence.prior_driven}` : ""}`;
      return make("li", {"data-bead": treatment, "data-at": at, style},
        make("span", {class: "name"}, words.regimens[treatment] ?? treatment, isCandidate ? "" : make("span", {class: "grey"}, " (not a candidate)")), make("span", {class: "value"}, said));
    }
    const one = found.springs[index], [comparator, treatment] = one.arms.map(arm => armName(words, arm)), [printed, balance] = natural(isRatio, [one.length, one.balance]);
    return make("li", {"data-spring": one.study, "data-z": one.z, style},
      make("span", {class: "name", title: `${treatment} against ${comparator}`}, make("b", {}, words.studies[one.study] ?? one.study), " ", make("span", {class: "grey"}, `${treatment} against ${comparator}`)),
      make("span", {class: "value"}, make("b", {class: levelOf(one)}, wordsOf(one)), " ", make("span", {class: "grey"}, `${printed} ${Object.hasOwn(view.state.moved, one.study) ? "moved" : "reported"}, ${balance} here`)));
  }

  // Let the beads go to where the springs balance now: at once, or bit by bit where the reader likes motion.
  move(isAtOnce) {
    const {b} = this.found;
    window.cancelAnimationFrame(this.frame);
    if (isAtOnce || STEADY.matches || this.shown?.length !== b.length) this.shown = Float64Array.from(b);
    this.since = performance.now();
    this.settle(this.since);
  }

  settle(now) {
    const {b} = this.found, {low, high} = this.axis, share = 1 - Math.exp(-Math.max(now - this.since, 0) / SETTLE_MS);
    this.since = now;
    this.shown = this.shown.map((x, j) => x + share * (b[j] - x));
    const isStill = this.shown.every((x, j) => Math.abs(b[j] - x) < STILL * (high - low));
    if (isStill) this.shown = Float64Array.from(b);
    for (const {place} of this.parts) place(this.shown);
    this.node.dataset.still = isStill;
    if (!isStill) this.frame = window.requestAnimationFrame(time => this.settle(time));
  }
}
