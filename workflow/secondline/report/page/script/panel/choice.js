// Right: what follows for the choice. A row a candidate, the declared analysis in grey behind it.
import {Axis, behind, dot, foot, span, square} from "./axis.js";
import {draw, make} from "./dom.js";
import {interval, probability} from "./numbers.js";
import {firstOf} from "./solve.js";
import {isDeclared} from "./state.js";

const HEIGHT = 36, MIDDLE = 16;
const LETTERS = {reference: "R", direct: "D", mixed_setting: "M", indirect: "I", extrapolated: "E", prior_driven: "P"};

export class ChoiceChart {
  // point: called with the treatment that is pointed at, or null
  constructor(words, point) {
    Object.assign(this, {words, point, rows: new Map(), shown: "", list: make("ul", {class: "rows"}), axisRow: make("div", {class: "row axis"})});
    this.node = make("div", {class: "chart"}, this.list, this.axisRow);
  }

  // Draw a view, with the declared analysis behind it; order: treatments as they stand.
  update(view, ghost, order, isDragging) {
    const {ratio, lower} = this.words.outcomes[view.state.outcome], shown = [view.state.outcome, view.setting, ...order].join("\n");
    if (shown !== this.shown) this.build(order);
    this.shown = shown;
    const seen = [view, ghost].flatMap(one => one?.rows ?? []).filter(({evidence}) => evidence !== "prior_driven");
    const values = seen.flatMap(({effect}) => [effect.lower, effect.upper]);
    if (!isDragging || !this.axis) this.axis = new Axis(ratio, values.length ? values : view.rows.map(({effect}) => effect.median));
    const {first, isNamed} = firstOf(view);
    for (const [treatment, row] of this.rows) {
      this.draw(row, view, view.rows.find(one => one.treatment === treatment), ghost?.rows.find(one => one.treatment === treatment), isNamed && treatment === first);
    }
    const sides = ["better", "worse"];
    this.axisRow.replaceChildren(make("div"), make("div", {class: "track"}, foot(this.axis, lower ? sides : sides.reverse())), make("div"));
  }

  name(id) { return this.words.regimens[id] ?? id; }

  build(order) {
    this.rows = new Map(order.map(treatment => {
      const button = make("button", {type: "button", class: "who", focus: () => this.point(treatment), blur: () => this.point(null)}, this.name(treatment));
      const chip = make("span", {class: "chip"}), place = make("span", {class: "place grey"}), svg = draw("svg", {"aria-hidden": "true", height: HEIGHT}), value = make("div", {class: "value"});
      const node = make("li", {class: "row", "data-treatment": treatment, pointerenter: () => this.point(treatment), pointerleave: () => this.point(null)},
        make("div", {class: "what"}, make("span", {class: "title"}, button, " ", chip), place), make("div", {class: "track"}, svg), value);
      return [treatment, {node, chip, place, svg, value}];
    }));
    this.list.replaceChildren(...[...this.rows.values()].map(({node}) => node));
  }

  draw(row, view, own, ghost, isFirst) {
    const {ratio} = this.words.outcomes[view.state.outcome], isReference = own?.treatment === view.against;
    const isDriven = own?.evidence === "prior_driven", behindIt = ghost && !isReference && ghost.evidence !== "reference" ? this.shadow(ghost) : [];
    row.node.classList.toggle("leads", isFirst);
    row.node.classList.toggle("driven", isDriven);
    row.chip.className = `chip ${own?.evidence ?? ""}`;
    row.chip.replaceChildren(...(own ? [make("i", {"aria-hidden": "true"}, LETTERS[own.evidence] ?? "?"), this.label(view, own)] : []));
    row.place.textContent = own ? this.standing(firstOf(view).isNamed, view, own) : "in none of the studies in use";
    row.svg.replaceChildren(...behind(this.axis, HEIGHT), ...behindIt, ...(own ? this.marks(own, isReference) : []));
    row.value.textContent = !own ? "–" : isReference ? "comparator" : interval(ratio, [own.effect.median, own.effect.lower, own.effect.upper]);
    row.now = own;
  }

  // The label of the evidence; in the declared analysis one that is direct with its share: direct, 30%.
  label({state, against}, {treatment, evidence}) {
    const {direct} = this.words.outcomes[state.outcome], words = this.words.evidence[evidence] ?? evidence;
    const share = evidence === "direct" && isDeclared(this.words, state) ? direct[state.setting]?.[treatment]?.[against] : undefined;
    return share ? `${words}, ${share}` : words;
  }

  shadow({effect}) {
    return [...span(this.axis, [effect.lower, effect.upper], MIDDLE + 7, "ghost"), dot(this.axis, effect.median, MIDDLE + 7, "ghost", 3.5)];
  }

  marks({effect, predictive}, isReference) {
    if (isReference) return [square(this.axis, 0, MIDDLE, "comparator")];
    return [
      ...(predictive ? span(this.axis, predictive, MIDDLE, "predictive") : []),
      ...span(this.axis, [effect.lower, effect.upper], MIDDLE, "credible"), dot(this.axis, effect.median, MIDDLE, "credible"),
    ];
  }

  // A rank is given only where somebody may be named first, its interval alone where the first are too close or not
  // agreed on, and a probability only of what the studies determine.
  standing(isNamed, {decision: {placed, notNamed}, against}, {treatment, evidence, rank, ranks, sucra, pBest, pRelevant}) {
    const relevant = treatment === against || evidence === "prior_driven" ? "" : `P(relevant) ${probability(pRelevant)}`;
    if (rank === null) return [relevant, this.words.notRanked].filter(Boolean).join(", ");
    const interval = ranks ? `${ranks[0]} to ${ranks[1]}` : "", own = isNamed ? `rank ${rank}${interval && ` (${interval})`}` : interval && `rank ${interval}`;
    return [relevant, own && notNamed !== "prior_driven" ? `${own} of ${placed.length}` : "", `P(best) ${probability(pBest)}`, `SUCRA ${sucra.toFixed(2)}`].filter(Boolean).join(", ");
  }

  // Show where the candidates would stand without a study, means on the link scale; nothing without means.
  lean(means) {
    for (const [treatment, {svg, now}] of this.rows) {
      svg.querySelector(".without")?.remove();
      if (means?.[treatment] && now && now.evidence !== "reference") svg.append(square(this.axis, means[treatment].mean, MIDDLE, "without"));
    }
  }
}
