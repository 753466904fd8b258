// P(best) of several quantities. Along the widest direction of a component every quantity is a line, and the best of
// them changes at their upper envelope: an exact difference of distribution functions. The other directions are points
// of a sequence (Richtmyer's, folded), which goes on from component to component.
import {eigen} from "./matrices.js";
import {below, quantile} from "./normal.js";
import {dot} from "./posterior.js";

const LEAST_POINTS = 4, LEAST_WEIGHT = 1e-6, FLAT = 1e-14, TIE = 1e-12;
const TABLES = new Map();

// P(each is the largest), or the smallest where sign is -1, (quantities,), by so many points; ties are shared.
export function pBest({weights, means, roots}, sign, total) {
  const n = means[0].length, found = new Float64Array(n);
  const most = Math.max(...weights);
  let next = 0;
  for (let g = 0; g < weights.length; g++) {
    if (weights[g] < LEAST_WEIGHT * most) continue;
    const {widest, others} = directions(roots[g], sign), envelope = new Envelope(widest);
    const points = others.length ? Math.max(LEAST_POINTS, Math.round(weights[g] * total)) : 1;
    const table = normals(others.length, total), height = new Float64Array(n), share = weights[g] / points;
    for (let k = 0; k < points; k++, next++) {
      const z = (next % total) * others.length;
      for (let i = 0; i < n; i++) {
        height[i] = sign * means[g][i];
        for (let d = 0; d < others.length; d++) height[i] += table[z + d] * others[d][i];
      }
      envelope.add(height, share, found);
    }
  }
  const sum = found.reduce((a, b) => a + b, 0);
  return Array.from(found, p => p / sum);
}

// Normal deviates in d directions, n points one after the other.
function normals(d, n) {
  const key = `${d} ${n}`;
  if (!TABLES.has(key)) {
    const steps = primes(d).map(Math.sqrt), table = new Float64Array(n * d);
    for (let k = 0; k < n; k++) {
      steps.forEach((step, j) => {
        const folded = Math.abs(2 * (((k + 0.5) * step) % 1) - 1);
        table[k * d + j] = quantile(Math.min(Math.max(folded, 1e-9), 1 - 1e-9));
      });
    }
    TABLES.set(key, table);
  }
  return TABLES.get(key);
}

function primes(n) {
  const found = [];
  for (let x = 2; found.length < n; x++) if (found.every(p => x % p)) found.push(x);
  return found;
}

// Directions of the spread of the quantities about their mean, each (quantities,), the widest first.
function directions(roots, sign) {
  const n = roots.length, rank = roots[0].length, centre = new Float64Array(rank);
  for (const root of roots) for (let k = 0; k < rank; k++) centre[k] += root[k] / n;
  const centred = roots.map(root => root.map((x, k) => sign * (x - centre[k]))), covariance = new Float64Array(n * n);
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) covariance[i * n + j] = dot(centred[i], centred[j]);
  const {values, vectors} = eigen(covariance, n);
  const all = vectors.map((vector, k) => vector.map(x => x * Math.sqrt(Math.max(values[k], 0))));
  return {widest: all[0], others: all.slice(1).filter((_, k) => values[k + 1] > FLAT * values[0])};
}

// The upper envelope of lines height + steepness z whose steepness stays, under a standard normal z.
class Envelope {
  constructor(steepness) {
    this.steepness = steepness;
    this.order = [...steepness.keys()].sort((i, j) => steepness[i] - steepness[j]);
    this.kept = new Int32Array(steepness.length);
    this.from = new Float64Array(steepness.length);
  }

  // Add the probability that each line is the highest, times a share, to what has been found.
  add(height, share, found) {
    const {steepness, order, kept, from} = this;
    let top = -1;
    for (const i of order) {
      let start = -Infinity, beaten = false;
      while (top >= 0) {
        const j = kept[top], steeper = steepness[i] - steepness[j], ahead = height[j] - height[i];
        if (steeper <= TIE) {
          beaten = ahead > TIE;
          if (beaten || Math.abs(ahead) <= TIE) break;
        } else {
          start = ahead / steeper;
          if (start > from[top]) break;
        }
        start = -Infinity;
        top -= 1;
      }
      if (beaten) continue;
      top += 1;
      kept[top] = i;
      from[top] = start;
    }
    this.measure(top, height, share, found);
  }

  // Ties stand beside each other with the same start; they share what lies between it and the next start.
  measure(top, height, share, found) {
    const {steepness, kept, from} = this;
    for (let first = 0; first <= top;) {
      let last = first;
      while (last < top && Math.abs(steepness[kept[last + 1]] - steepness[kept[first]]) <= TIE && Math.abs(height[kept[last + 1]] - height[kept[first]]) <= TIE) last += 1;
      const p = below(last < top ? from[last + 1] : Infinity) - below(from[first]);
      for (let k = first; k <= last; k++) found[kept[k]] += share * p / (last - first + 1);
      first = last + 1;
    }
  }
}
