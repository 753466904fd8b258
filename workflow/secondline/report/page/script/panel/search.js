// What takes many solutions, done bit by bit so that the page stays quick: the effect of leaving each study out, and
// where along its axis a study's figure makes another candidate first.
import {COARSE} from "../engine/analysis.js";
import {pairwise} from "../engine/contest.js";
import {moments} from "../engine/mixture.js";
import {fitOf, studiesOf} from "../engine/network.js";
import {solve} from "../engine/posterior.js";
import {forEngine, move, readingOf} from "./state.js";

const STEPS = 24, HALVINGS = 7, PAUSE_MS = 12;

// Let the page breathe once some time has gone; false when the work is no longer wanted.
function breather(isWanted) {
  let since = performance.now();
  return async () => {
    if (performance.now() - since < PAUSE_MS) return isWanted();
    await new Promise(resolve => setTimeout(resolve));
    since = performance.now();
    return isWanted();
  };
}

// By study in use, by candidate: how far its mean effect moves when the study is left out, link scale; null if unwanted.
export async function leavingOut(solver, view, isWanted) {
  const breathe = breather(isWanted), found = {};
  for (const {study} of view.analysis.studies) {
    if (!(await breathe())) return null;
    const other = solver.without(view, study);
    found[study] = Object.fromEntries(view.rows.map(({treatment, effect}) => {
      const mean = moments(other[treatment])[0];
      return [treatment, {mean, shift: mean - effect.mean}];
    }));
  }
  return found;
}

// The nearest figures of a study, below and above its own within limits, at which another candidate has the highest
// SUCRA among those that the view places: [{at, first}], link scale; null if unwanted.
export async function turningPoints(solver, view, name, [low, high], isWanted) {
  const {data, state, decision, candidates} = view, printed = readingOf(data, state, name)?.y;
  if (!printed || decision.placed.length < 2) return [];
  const rows = decision.placed.map(i => view.contest.rows[i]), breathe = breather(isWanted);
  const firstAt = y => {
    const asked = forEngine(solver.words, data, move(state, name, y - printed[0]));
    const posterior = solve(fitOf(data, state.model, studiesOf(data, asked), asked.scales), COARSE.grid);
    const sums = pairwise(posterior.project(rows), data.sign).map(row => row.reduce((a, b) => a + b, 0));
    return candidates[decision.placed[sums.indexOf(Math.max(...sums))]];
  };
  const own = printed[0] + (state.moved[name] ?? 0), here = firstAt(own), found = [];
  for (const end of [low, high]) {
    const step = (high - low) / STEPS * Math.sign(end - own);
    for (let from = own; Math.abs(from - own) < Math.abs(end - own); from += step) {
      if (!(await breathe())) return null;
      const to = Math.abs(from + step - own) > Math.abs(end - own) ? end : from + step;
      if (firstAt(to) === here) continue;
      found.push(bisect(from, to, here, firstAt));
      break;
    }
  }
  return found;
}

function bisect(from, to, here, firstAt) {
  for (let i = 0; i < HALVINGS; i++) {
    const middle = (from + to) / 2;
    if (firstAt(middle) === here) from = middle; else to = middle;
  }
  return {at: (from + to) / 2, first: firstAt(to)};
}
