// What a state says: the engine's answer, put together for the charts and the sentences.
import {analyse, answer, COARSE, FINE} from "../engine/analysis.js";
import {evidenceOf} from "../engine/evidence.js";
import {cdf} from "../engine/mixture.js";
import {contestOf, dense, fitOf, ownStudy, studiesOf} from "../engine/network.js";
import {solve} from "../engine/posterior.js";
import {predictiveOf} from "../engine/predictive.js";
import {rankIntervals} from "../engine/ranks.js";
import {analysisKey} from "./address.js";
import {declared, forEngine, isDeclared, ownContrast, readingFor, readingOf, studyOf} from "./state.js";

export const CLOSE = 1e-5; // of the engine to the declared analysis, link scale
const KEPT = 12; // analyses in memory

export class Solver {
  constructor(words, dataOf) {
    Object.assign(this, {words, dataOf, kept: new Map(), ghosts: new Map(), tested: new Map()});
  }

  // The largest difference between what the engine says of a model's declared analysis and its table.
  error(outcome, model) {
    const key = `${outcome} ${model}`;
    if (!this.tested.has(key)) this.tested.set(key, this.compared(outcome, model));
    return this.tested.get(key);
  }

  isTested(outcome, model) { return this.tested.has(`${outcome} ${model}`); }

  compared(outcome, model) {
    const data = this.dataOf(outcome), {studies, posterior} = analyse(data, {model}, {...FINE, doubled: false});
    const differences = data.settings.flatMap((setting, s) => {
      const table = data.models[model].declared[s], {rows, referenceRow} = contestOf(data, model, studies, setting);
      if (table.length !== rows.length) return [Infinity];
      const projection = posterior.project([...rows, referenceRow]);
      return rows.flatMap((_, i) => {
        const {mean, sd, lower, upper} = projection.summary(i, rows.length);
        return [mean, sd, lower, upper].map((x, k) => Math.abs(x - table[i][k]));
      });
    });
    return differences.every(Number.isFinite) ? Math.max(0, ...differences) : Infinity;
  }

  analysis(state, quality) {
    const data = this.dataOf(state.outcome), key = `${quality === FINE} ${state.model} ${analysisKey(this.words, data, state)}`;
    if (!this.kept.has(key)) {
      if (this.kept.size >= KEPT) this.kept.delete(this.kept.keys().next().value);
      this.kept.set(key, analyse(data, forEngine(this.words, data, state), quality));
    }
    return this.kept.get(key);
  }

  // Everything that the panel shows of a state.
  view(state, quality) {
    const data = this.dataOf(state.outcome), analysis = this.analysis(state, quality), {posterior} = analysis;
    const asked = forEngine(this.words, data, state), {setting, model} = state;
    const contest = answer(data, asked, analysis, setting, null, quality), {candidates, reference, decision} = contest;
    const against = state.against !== null && candidates.includes(state.against) ? state.against : reference;
    const rows = contest.rows.concat([contest.referenceRow]), all = [...candidates, reference];
    const projection = posterior.project(rows), at = name => all.indexOf(name);
    const evidence = evidenceOf(data, model, analysis, setting, candidates, against);
    const predictive = predictiveOf(data, model, posterior, setting, candidates, against);
    const ranks = this.ranks(state, contest, analysis, quality);
    return {
      state, data, setting, reference, against, candidates, decision, contest, analysis,
      between: (one, other) => projection.summary(at(one), at(other)),
      label: (one, other) => evidenceOf(data, model, analysis, setting, [one], other)[one],
      pBetter: (one, other) => decision.pBetter[placeOf(contest, one)][placeOf(contest, other)],
      rows: candidates.map((treatment, i) => ({
        treatment, ...standing(decision, i), ranks: ranks[treatment] ?? null, evidence: evidence[treatment], predictive: predictive?.[treatment] ?? null,
        effect: projection.summary(i, at(against)), pRelevant: this.pRelevant(state, projection.mixture(i, at(against))),
      })),
    };
  }

  // The 95% interval of the rank of every candidate that has one: of the declared analysis the one in its table.
  ranks(state, {candidates, decision: {placed}, rows}, {posterior}, quality) {
    const {ranks} = this.words.outcomes[state.outcome], {sign} = this.dataOf(state.outcome);
    if (isDeclared(this.words, state) && ranks?.[state.setting]) return ranks[state.setting];
    if (placed.length < 2) return {};
    const found = rankIntervals(posterior.project(placed.map(i => rows[i])), sign, quality.ranks);
    return Object.fromEntries(placed.map((i, k) => [candidates[i], found[k]]));
  }

  // The probability that an effect is better than the margin of its outcome.
  pRelevant({outcome}, mixture) {
    const {margin, lower} = this.words.outcomes[outcome], atMost = cdf(mixture, margin);
    return lower ? atMost : 1 - atMost;
  }

  // The declared analysis where a state looks, against a comparator; null where it does not have that.
  ghost({outcome, setting}, against) {
    const key = [outcome, setting, against].join("\n");
    if (!this.ghosts.has(key)) this.ghosts.set(key, this.view({...declared(this.words, outcome, setting), against}, COARSE));
    const shown = this.ghosts.get(key);
    return against === null || shown.against === against ? shown : null;
  }

  // Fitted contrasts of a study, in use or not: summaries on the link scale.
  fitted(view, name) {
    const {data, state, analysis} = view, own = state.added.find(one => one.name === name);
    const reading = own ? this.ownReading(data, state, own) : readingOf(data, state, name) ?? readingFor(studyOf(data, name), state.read[name]) ?? studyOf(data, name).readings[0];
    const rows = reading.rows[state.model].map(row => dense(row, data.models[state.model].coefficients.length));
    const projection = analysis.posterior.project(rows);
    return rows.map((_, i) => projection.summary(i));
  }

  ownReading(data, state, own) {
    return ownStudy(data, ownContrast(this.words.outcomes[state.outcome].ratio, own)).reading;
  }

  // Mean effects of the candidates of a view when one of its studies is left out.
  without(view, name) {
    const {data, state, contest, candidates, against} = view, asked = forEngine(this.words, data, state);
    const studies = studiesOf(data, asked).filter(({study}) => study !== name);
    const posterior = solve(fitOf(data, state.model, studies, asked.scales), COARSE.grid);
    const projection = posterior.project([...contest.rows, contest.referenceRow]);
    const at = against === contest.reference ? candidates.length : candidates.indexOf(against);
    return Object.fromEntries(candidates.map((treatment, i) => [treatment, projection.mixture(i, at)]));
  }
}

const placeOf = ({decision, candidates}, name) => decision.placed.indexOf(candidates.indexOf(name));

// Rank, P(best) and SUCRA of a candidate among those placed; nothing for one that is not.
function standing({placed, order, sucra, pBest}, i) {
  const at = placed.indexOf(i);
  return at < 0 ? {rank: null} : {rank: order.indexOf(i) + 1, sucra: sucra[at], pBest: pBest[at]};
}

// Whether the first of a view may be named; its name and that of the next, by SUCRA.
export function firstOf({decision, candidates}) {
  const [first, second] = (decision.order ?? []).map(i => candidates[i]);
  return {first, second, isNamed: decision.placed.length > 0 && !decision.notNamed};
}
