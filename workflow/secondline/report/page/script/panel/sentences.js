// Who can be named first, or why nobody can, in the words of `secondline.report.prose.first`.
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

const capital = text => text[0].toUpperCase() + text.slice(1);

function named(words, view, name, everyone) {
  const {first, second} = firstOf(view), [among, next] = everyone ? ["", "treatment"] : [" among the candidates", "candidate"];
  const {sucra, pBest} = view.rows.find(({treatment}) => treatment === first);
  const compared = comparison(words, view.label(first, second), `the next ${next}, ${name(second)}`);
  const usual = [second, first].includes(view.against) || !view.candidates.includes(view.against) ? [] : [against(words, view, name, first, view.against)];
  return [
    `${name(first)} ranks first${among}: SUCRA ${sucra.toFixed(2)}, P(best) ${probability(pBest)}, based on ${compared}.`,
    against(words, view, name, first, second), ...usual,
  ];
}

function comparison(words, label, following) {
  if (label === "extrapolated") return `a comparison with ${following} (extrapolated from other settings, as not both were given here)`;
  if (label === "mixed_setting") return `a comparison with ${following} (in a study of several settings combined)`;
  const kind = words.evidence[label] ?? label;
  return `${"aeiou".includes(kind[0]) ? "an" : "a"} ${kind} comparison with ${following}`;
}

function effect(words, view, one, other) {
  const {measure, ratio} = words.outcomes[view.state.outcome], {median, lower, upper} = view.between(one, other);
  const isPlaced = [one, other].every(id => view.decision.placed.includes(view.candidates.indexOf(id)));
  const better = isPlaced ? `, P(better) ${probability(view.pBetter(one, other))}` : "";
  return `${measure} ${interval(ratio, [median, lower, upper])}${better}`;
}

function against(words, view, name, one, other) {
  const driven = view.label(one, other) === "prior_driven" ? "; this comparison is prior-driven" : "";
  return `Against ${name(other)}: ${effect(words, view, one, other)}${driven}.`;
}

function reason(words, view, name, everyone) {
  const {decision: {notNamed}, candidates} = view, {first, second} = firstOf(view);
  if (notNamed === "one_candidate") return `${name(candidates[0])} is the only candidate here.`;
  if (notNamed === "not_placed") return `${notPlaced(view, name, everyone ? "treatments" : "candidates")}.`;
  if (notNamed === "criteria_disagree") return `${disagreement(words, view, name)}.`;
  const estimate = `${name(first)} against ${name(second)}: ${effect(words, view, first, second)}.`;
  if (notNamed === "p_better") return `${name(first)} and ${name(second)}, which have the highest SUCRAs, are too close to separate. ${estimate}`;
  return `the difference between ${name(first)} and ${name(second)} is prior-driven. ${estimate}`;
}

function notPlaced({candidates, decision: {isDriven}}, name, word) {
  const linked = groups(candidates.length, (i, j) => !isDriven[i][j]).filter(group => group.length > 1);
  if (!linked.length) return `every effect between two ${word} is prior-driven`;
  return `the effects between the ${word} are prior-driven, except those among ${linked.map(group => listed(group.map(i => name(candidates[i])))).join("; ")}`;
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
    const shown = criterion === "mean" ? "" : ` (${probability(values[criterion][best])})`;
    return `${label} favours ${name(candidates[placed[best]])}${shown}`;
  }));
}
