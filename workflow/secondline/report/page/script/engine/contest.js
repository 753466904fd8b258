// What an analysis decides in one setting: who is first among the candidates that the data link, and by how much, as
// `secondline.doubt.decision` defines it.
import {pBest} from "./best.js";
import {above, moments} from "./mixture.js";

// P(row better than column), (quantities, quantities), ties counting half; sign 1 where higher is better, else -1.
export function pairwise(projection, sign) {
  const n = projection.means[0].length, table = Array.from({length: n}, () => new Array(n).fill(0.5));
  for (let i = 0; i < n; i++) {
    for (let j = i + 1; j < n; j++) {
      const p = sign > 0 ? above(projection.mixture(i, j)) : above(projection.mixture(j, i));
      table[i][j] = p;
      table[j][i] = 1 - p;
    }
  }
  return table;
}

// The largest group of candidates linked by differences that are not prior-driven; empty without a majority.
export function placed(n, isLinked) {
  const group = [...Array(n).keys()];
  for (let i = 0; i < n; i++) for (let j = i + 1; j < n; j++) {
    if (isLinked(i, j) && group[i] !== group[j]) {
      const [from, to] = [Math.max(group[i], group[j]), Math.min(group[i], group[j])];
      group.forEach((g, k) => { if (g === from) group[k] = to; });
    }
  }
  const members = [...new Set(group)].map(g => group.flatMap((own, i) => (own === g ? [i] : [])));
  const largest = members.sort((a, b) => b.length - a.length || a[0] - b[0])[0] ?? [];
  return n > 1 && 2 * largest.length > n ? largest : [];
}

const areSame = (a, b) => a.every((x, i) => x === b[i]);

// Whether the difference of two candidates is prior-driven: beyond the network, or far wider under a doubled prior.
function priorDriven(fitted, doubled, {rows, estimable}, limit) {
  return rows.map((a, i) => rows.map((b, j) => {
    if (!estimable[i][j]) return true;
    if (j <= i || areSame(a, b)) return false;
    const sd = fitted.sd(i, j);
    return doubled.some(wider => wider.sd(i, j) / sd - 1 > limit);
  })).map((row, i, all) => row.map((value, j) => value || all[j][i]));
}

// Decide a setting.
//
// contest: {rows, estimable, sign}; limits: {widening, pBetter}; points: of P(best).
export function decide(posterior, doubled, contest, limits, points) {
  const n = contest.rows.length, fitted = posterior.project(contest.rows);
  const isDriven = priorDriven(fitted, doubled.map(one => one.project(contest.rows)), contest, limits.widening);
  const at = placed(n, (i, j) => !isDriven[i][j]);
  if (!at.length) return {placed: [], isDriven, notNamed: ["no_candidate", "one_candidate"][n] ?? "not_placed"};
  return {...ranked(posterior.project(at.map(i => contest.rows[i])), contest.sign, at, isDriven, limits, points), isDriven};
}

function ranked(projection, sign, at, isDriven, limits, points) {
  const n = at.length, pBetter = pairwise(projection, sign);
  const sums = pBetter.map(row => row.reduce((a, b) => a + b, 0) - 0.5);
  const sucra = sums.map(sum => sum / (n - 1)), best = n > 2 ? pBest(projection, sign, points) : sums;
  const means = at.map((_, i) => moments(projection.mixture(i))[0]);
  const order = [...at.keys()].sort((a, b) => sucra[b] - sucra[a] || a - b);
  const highest = values => values.indexOf(Math.max(...values));
  const agreed = new Set([order[0], highest(best), highest(means.map(mean => sign * mean))]);
  const [first, second] = order;
  const notNamed = isDriven[at[first]][at[second]] ? "prior_driven" : agreed.size > 1 ? "criteria_disagree"
    : pBetter[first][second] < limits.pBetter ? "p_better" : "";
  return {placed: at, means, sucra, pBest: best, pBetter, order: order.map(i => at[i]), notNamed};
}
