// P(best) of several quantities. Along the widest direction of a component every quantity is a line, and the best of
// them changes at their upper envelope: an exact difference of distribution functions. The other directions are points
// of Sobol's sequence, whose first coordinate chooses the component.
import {eigen} from "./matrices.js";
import {below, quantile} from "./normal.js";
import {dot} from "./posterior.js";
import {generator, MOST, sobol} from "./sobol.js";

const FLAT = 1e-14, TIE = 1e-12;
const TABLES = new Map();

// P(each is the largest), or the smallest where sign is -1, (quantities,), by so many points and their opposites; ties are shared.
export function pBest({weights, means, roots}, sign, total) {
  const n = means[0].length, found = new Float64Array(n), height = new Float64Array(n);
  const lines = new Array(weights.length), ends = sums(weights), {at, z} = pointsOf(n - 1, total);
  for (let k = 0; k < total; k++) {
    const g = placeIn(ends, at[k]), {others, envelope} = lines[g] ??= directions(roots[g], sign);
    for (const side of [1, -1]) { // a point and its opposite
      for (let i = 0; i < n; i++) {
        height[i] = sign * means[g][i];
        for (let d = 0; d < others.length; d++) height[i] += side * z[k * (n - 1) + d] * others[d][i];
      }
      envelope.add(height, 0.5 / total, found);
    }
  }
  return Array.from(found);
}

// Sums of the weights up to each of them.
export function sums(weights) {
  let sum = 0;
  return Array.from(weights, w => (sum += w));
}

// The first place whose value is at least x.
export function placeIn(ascending, x) {
  let low = 0, high = ascending.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ascending[middle] < x) low = middle + 1; else high = middle;
  }
  return low;
}

// n points: a place between 0 and 1, which chooses a component, and normal deviates in d directions.
export function pointsOf(d, n) {
  const key = `${d} ${n}`;
  if (!TABLES.has(key)) {
    const uniform = uniforms(d + 1, n), at = new Float64Array(n), z = new Float64Array(n * d);
    for (let k = 0; k < n; k++) {
      at[k] = uniform[k * (d + 1)];
      for (let j = 0; j < d; j++) z[k * d + j] = quantile(uniform[k * (d + 1) + j + 1]);
    }
    TABLES.set(key, {at, z});
  }
  return TABLES.get(key);
}

function uniforms(d, n) {
  if (d <= MOST) return sobol(n, d);
  const widest = sobol(n, MOST), random = generator();
  return Float64Array.from({length: n * d}, (_, k) => (k % d < MOST ? widest[Math.floor(k / d) * MOST + k % d] : random() / 2 ** 32));
}

// Directions of the spread of the quantities about their mean, each (quantities,): the envelope along the widest, and
// the others.
function directions(roots, sign) {
  const n = roots.length, rank = roots[0].length, centre = new Float64Array(rank);
  for (const root of roots) for (let k = 0; k < rank; k++) centre[k] += root[k] / n;
  const centred = roots.map(root => root.map((x, k) => sign * (x - centre[k]))), covariance = new Float64Array(n * n);
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) covariance[i * n + j] = dot(centred[i], centred[j]);
  const {values, vectors} = eigen(covariance, n);
  const all = vectors.map((vector, k) => vector.map(x => x * Math.sqrt(Math.max(values[k], 0))));
  return {envelope: new Envelope(all[0]), others: all.slice(1).filter((_, k) => values[k + 1] > FLAT * values[0])};
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
