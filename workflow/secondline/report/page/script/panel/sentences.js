// Who can be named first, or why nobody can: the shapes of `secondline.report.prose.first`, filled with what the page finds.
import {interval, listed, probability} from "./numbers.js";
import {firstOf} from "./solve.js";

// How the sentences of a view begin: with the treatment that is named first, or that none can be.
export function leadOf(words, view) {
  if (!view.candidates.length) return words.noCandidates;
  const {first, isNamed} = firstOf(view);
  return isNamed ? words.regimens[first] ?? first : words.nobody;
}

export function sentencesOf(words, view) {
  const name = id => words.regimens[id] ?? id, {decision, candidates} = view;
  if (!candidates.length) return [words.noCandidates];
  const {isNamed} = firstOf(view), everyone = !Object.values(view.data.barred).some(barred => barred.length);
  const lead = isNamed ? named(words, view, name, everyone) : [`${words.nobody}: ${reason(words, view, name, everyone)}`];
  const without = decision.placed.length ? candidates.filter((_, i) => !decision.placed.includes(i)) : [];
  return [...lead, ...(without.length ? [`${capital(words.notRanked)}: ${listed(without.map(name))}.`] : [])];
}

// A shape of `secondline.report.prose.first` with what it leaves open.
const fill = (shape, values) => shape.replace(/\{(\w+)\}/g, (_, key) => values[key]);

const capital = text => text[0].toUpperCase() + text.slice(1);

function named(words, view, name, everyone) {
  const {first, second} = firstOf(view), [among, next] = everyone ? ["", "treatment"] : [" among the candidates", "candidate"];
  const {sucra, pBest} = view.rows.find(({treatment}) => treatment === first);
  const compared = comparison(words, view.label(first, second), fill(words.shapes.next, {word: next, next: name(second)}));
  const usual = [second, first].includes(view.against) || !view.candidates.includes(view.against) ? [] : [against(words, view, name, first, view.against)];
  return [
    fill(words.shapes.first, {first: name(first), among, sucra: sucra.toFixed(2), p_best: probability(pBest), compared, design: ""}),
    against(words, view, name, first, second), ...usual,
  ];
}

function comparison({shapes, evidence}, label, next) {
  const kind = evidence[label] ?? label, article = "aeiou".includes(kind[0]) ? "an" : "a";
  return fill(["extrapolated", "mixed_setting"].includes(label) ? shapes[label] : shapes.compared, {article, kind, share: "", next});
}

function effect(words, view, one, other) {
  const {measure, ratio} = words.outcomes[view.state.outcome], {median, lower, upper} = view.between(one, other);
  const isPlaced = [one, other].every(id => view.decision.placed.includes(view.candidates.indexOf(id)));
  const estimate = interval(ratio, [median, lower, upper]);
  return isPlaced ? fill(words.shapes.effect, {measure, estimate, p_better: probability(view.pBetter(one, other))}) : `${measure} ${estimate}`;
}

function against(words, view, name, one, other) {
  const driven = view.label(one, other) === "prior_driven" ? "; this comparison is prior-driven" : "";
  return fill(words.shapes.against, {other: name(other), effect: effect(words, view, one, other) + driven});
}

function reason(words, view, name, everyone) {
  const {decision: {notNamed}, candidates} = view, {first, second} = firstOf(view), {shapes} = words;
  if (notNamed === "one_candidate") return fill(shapes.one_candidate, {one: name(candidates[0])});
  if (notNamed === "not_placed") return `${notPlaced(shapes, view, name, everyone ? "treatments" : "candidates")}.`;
  if (notNamed === "criteria_disagree") return `${disagreement(words, view, name)}.`;
  const both = {one: name(first), other: name(second)}, pair = fill(shapes.pair, {...both, effect: effect(words, view, first, second)});
  return fill(shapes[notNamed === "p_better" ? "p_better" : "prior_driven"], {...both, pair});
}

function notPlaced(shapes, {candidates, decision: {isDriven}}, name, word) {
  const linked = groups(candidates.length, (i, j) => !isDriven[i][j]).filter(group => group.length > 1);
  if (!linked.length) return fill(shapes.none_linked, {word});
  return fill(shapes.some_linked, {word, linked: linked.map(group => listed(group.map(i => name(candidates[i])))).join("; ")});
}

// Connected groups of n things, the largest first.
function groups(n, isLinked) {
  const left = new Set(Array(n).keys()), found = [];
  while (left.size) {
    const [start] = left, group = [start];
    left.delete(start);
    for (const i of group) for (const j of [...left]) if (isLinked(Math.min(i, j), Math.max(i, j))) { group.push(j); left.delete(j); }
    found.push(group.sort((a, b) => a - b));
  }
  return found.sort((a, b) => b.length - a.length);
}

function disagreement(words, {decision, candidates, data}, name) {
  const {placed, sucra, pBest, means} = decision;
  const values = {sucra, p_best: pBest, mean: means.map(mean => data.sign * mean)};
  return listed(Object.entries(words.criteria).map(([criterion, label]) => {
    const best = values[criterion].indexOf(Math.max(...values[criterion]));
    const value = criterion === "mean" ? "" : ` (${probability(values[criterion][best])})`;
    return fill(words.shapes.favours, {criterion: label, first: name(candidates[placed[best]]), value});
  }));
}
