// The parts of the picture of springs. Each is {node, place}: what is drawn, and a function that moves it to where the
// coefficients b put it.
import {draw} from "./dom.js";
import {along} from "./tension.js";

const PITCH = 1.9, COILS = [3, 50]; // percent of the axis that a coil takes at rest
const PRIOR_COILS = 12;
export const LEVERS = [10, -10]; // pixels from a weighted point of a comparator, and of a treatment

const percent = x => `${x.toFixed(3)}%`;
const set = (node, places) => { for (const [name, place] of Object.entries(places)) node.setAttribute(name, percent(place)); };

// A zigzag between two rows of coefficients.
function zigzag(axis, [from, to], y, {coils, height, width, className}) {
  const points = Array.from({length: 2 * coils}, (_, i) => `L${(6 + 88 * (i + 0.5) / (2 * coils)).toFixed(2)} ${i % 2 ? 9.5 : 0.5}`).join("");
  const path = draw("path", {d: `M0 5H6${points}L94 5H100`, class: className, "stroke-width": width.toFixed(2), "vector-effect": "non-scaling-stroke"});
  const node = draw("svg", {viewBox: "0 0 100 10", preserveAspectRatio: "none", y: y - height / 2, height, overflow: "visible"}, path);
  const place = b => {
    const [one, other] = [from, to].map(row => axis.at(along(row, b)));
    set(node, {x: Math.min(one, other), width: Math.abs(other - one)});
  };
  return {node, place};
}

// A study's spring, as dense at rest as all others.
export function studySpring(axis, {from, to, length}, y, width, className) {
  const share = Math.abs(length) / (axis.high - axis.low), coils = Math.min(Math.max(Math.round(100 * share / PITCH), COILS[0]), COILS[1]);
  return zigzag(axis, [from, to], y, {coils, height: 11, width, className: `coil ${className}`});
}

export const priorSpring = (axis, rows, y, width) => zigzag(axis, rows, y, {coils: PRIOR_COILS, height: 6, width, className: "coil prior"});

// A mark on a row of coefficients.
export function mark(axis, row, y, attributes) {
  const node = draw("circle", {cy: y, ...attributes});
  return {node, place: b => set(node, {cx: axis.at(along(row, b))})};
}

// An upright line from height to height, through what hangs on a bead.
export function rod(axis, row, [above, below]) {
  const node = draw("line", {y1: above, y2: below, class: "rod"});
  return {node, place: b => { const x = axis.at(along(row, b)); set(node, {x1: x, x2: x}); }};
}

// Where a study alone would hold the end of its spring, and the way from there to where the end is.
export function reported(axis, {from, to, length}, y) {
  const way = draw("line", {y1: y, y2: y, class: "way"}), rect = draw("rect", {x: -4.5, y: -4.5, width: 9, height: 9, class: "reported"});
  const node = draw("svg", {y, overflow: "visible"}, rect);
  const place = b => {
    const x = axis.at(along(from, b) + length);
    set(node, {x});
    set(way, {x1: x, x2: axis.at(along(to, b))});
  };
  return {node: draw("g", {}, way, node), place};
}

// A weighted point: a hollow mark, and some pixels away a lever between the beads that it weighs.
export function weighted(axis, row, parts, y, away) {
  const lever = draw("line", {y1: y + away, y2: y + away, class: "lever"}), link = draw("line", {y1: y, y2: y + away, class: "lever"});
  const held = parts.map(() => draw("circle", {cy: y + away, r: 2, class: "fastened"})), point = mark(axis, row, y, {r: 4, class: "weighted"});
  const place = b => {
    const x = axis.at(along(row, b)), at = parts.map(part => axis.at(along(part, b)));
    if (at.length) set(lever, {x1: Math.min(...at), x2: Math.max(...at)});
    set(link, {x1: x, x2: x});
    held.forEach((node, i) => set(node, {cx: at[i]}));
    point.place(b);
  };
  return {node: draw("g", {}, ...(parts.length ? [lever, link, ...held] : []), point.node), place};
}
