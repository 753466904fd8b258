// The horizontal axis of a chart, in percent of its width, and what is drawn along it.
import {draw} from "./dom.js";
import {number, ratio} from "./numbers.js";

const FARTHEST = Math.log(50), LEAST = Math.log(3), MARGIN = 4; // link scale of ratios; percent
const RATIOS = [0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50], SPARSE = [0.02, 0.1, 0.3, 1, 3, 10, 50];

export class Axis {
  // values: what has to be seen, link scale
  constructor(isRatio, values) {
    const seen = isRatio ? values.map(x => Math.min(Math.max(x, -FARTHEST), FARTHEST)) : values;
    const span = Math.max(...seen, 0) - Math.min(...seen, 0) || 1;
    this.low = Math.min(...seen, isRatio ? -LEAST : -span / 10);
    this.high = Math.max(...seen, isRatio ? LEAST : span / 10);
    this.isRatio = isRatio;
  }

  // Place of a value in percent; not beyond the ends.
  at(x) {
    const share = (x - this.low) / (this.high - this.low);
    return MARGIN + (100 - 2 * MARGIN) * Math.min(Math.max(share, 0), 1);
  }

  // The value at a place, in percent.
  value(place) {
    const share = Math.min(Math.max((place - MARGIN) / (100 - 2 * MARGIN), 0), 1);
    return this.low + share * (this.high - this.low);
  }

  get ticks() {
    if (this.isRatio) {
      const within = ticks => ticks.filter(x => Math.log(x) >= this.low - 1e-9 && Math.log(x) <= this.high + 1e-9);
      const ticks = within(RATIOS).length > 6 ? within(SPARSE) : within(RATIOS);
      return ticks.map(x => [Math.log(x), ratio(x).replace(/\.?0+$/, "")]);
    }
    const rough = (this.high - this.low) / 4, power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map(k => k * power).find(k => k >= rough * 0.8), found = [];
    for (let k = Math.ceil(this.low / step); k * step <= this.high; k++) found.push([k * step, number(k * step, Math.max(0, -Math.floor(Math.log10(step))))]);
    return found;
  }
}

const percent = x => `${x.toFixed(3)}%`;

// An interval as a line at a height; an arrow where it goes on beyond the axis.
export function span(axis, [lower, upper], y, className) {
  const [from, to] = [axis.at(lower), axis.at(upper)];
  const arrows = [[lower < axis.low, from, "‹"], [upper > axis.high, to, "›"]].filter(([isCut]) => isCut);
  return [
    draw("line", {x1: percent(from), x2: percent(to), y1: y, y2: y, class: className}),
    ...arrows.map(([, x, sign]) => draw("text", {x: percent(x), y: y + 5, "text-anchor": sign === "‹" ? "end" : "start", class: "cut"}, sign)),
  ];
}

export const dot = (axis, x, y, className, r = 4.5) => draw("circle", {cx: percent(axis.at(x)), cy: y, r, class: className});

export function square(axis, x, y, className) {
  const node = draw("svg", {x: percent(axis.at(x)), y, overflow: "visible"});
  node.append(draw("rect", {x: -5, y: -5, width: 10, height: 10, class: className}));
  return node;
}

export const upright = (axis, x, height, className) =>
  draw("line", {x1: percent(axis.at(x)), x2: percent(axis.at(x)), y1: 0, y2: height, class: className});

// Grid lines and the line of no difference, behind a row.
export const behind = (axis, height) =>
  [...axis.ticks.map(([x]) => upright(axis, x, height, "grid")), upright(axis, 0, height, "none")];

// The axis below its rows: ticks, and whom each side favours.
export function foot(axis, [left, right]) {
  return draw("svg", {class: "foot", "aria-hidden": "true", height: 34},
    ...axis.ticks.map(([x, label]) => draw("text", {x: percent(axis.at(x)), y: 12, "text-anchor": "middle"}, label)),
    draw("text", {x: "0%", y: 30}, `◂ ${left}`), draw("text", {x: "100%", y: 30, "text-anchor": "end"}, `${right} ▸`));
}
