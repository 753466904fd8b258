// One analysis of the page: a model, the studies of a state and prior scales, solved; and what it decides in a setting.
import {decide} from "./contest.js";
import {contestOf, doubledFits, fitOf, studiesOf} from "./network.js";
import {solve} from "./posterior.js";

// Points of tau, of omega, of P(best) and of ranks: for what is read, and while the reader drags.
export const FINE = {grid: [41, 41], best: 2 ** 16, ranks: 2 ** 15};
export const COARSE = {grid: [21, 13], best: 2 ** 11, ranks: 2 ** 10};

// Solve a state: {model, out, read, moved, added, scales}, as finely as asked; `doubled` with every prior scale doubled in turn.
export function analyse(data, state, {grid, doubled = true} = FINE) {
  const studies = studiesOf(data, state), {model, scales = {}} = state;
  return {
    studies,
    posterior: solve(fitOf(data, model, studies, scales), grid),
    doubled: doubled ? doubledFits(data, model, studies, scales).map(fit => solve(fit, grid)) : [],
  };
}

// What an analysis says in a setting: the decision, and every candidate's effect against a comparator, on the link scale.
export function answer(data, state, {studies, posterior, doubled}, setting, comparator = null, {best} = FINE) {
  const contest = contestOf(data, state.model, studies, setting), {rows, candidates} = contest;
  const against = comparator === null ? rows.length : candidates.indexOf(comparator);
  const projection = posterior.project([...rows, contest.referenceRow]);
  return {
    ...contest,
    effects: rows.map((_, i) => projection.summary(i, against)),
    decision: decide(posterior, doubled, contest, data.limits, best),
  };
}
