// Intervals of ranks: quantities are ranked at points of Sobol's sequence, each with its opposite, of their posterior.
import {pointsOf, placeIn, sums} from "./best.js";

const TIE = 1e-12, LEAST = 2 ** 10, WORK = 2 ** 23; // points, and products that they may take together
const [LOWER, UPPER] = [0.025, 0.975];

// The 95% interval of the rank of every quantity, [lower, upper], 1 for the largest, or the smallest where sign is -1.
export function rankIntervals({weights, means, roots}, sign, most) {
  const n = means[0].length, d = roots[0][0].length, counts = Array.from({length: n}, () => new Float64Array(n));
  const total = Math.max(Math.min(most, 2 ** Math.floor(Math.log2(WORK / (n * (n + d))))), Math.min(most, LEAST));
  const ends = sums(weights), {at, z} = pointsOf(d, total), moved = new Float64Array(n), height = new Float64Array(n);
  for (let k = 0; k < total; k++) {
    const g = placeIn(ends, at[k]);
    for (let i = 0; i < n; i++) {
      moved[i] = 0;
      for (let j = 0; j < d; j++) moved[i] += roots[g][i][j] * z[k * d + j];
    }
    for (const side of [1, -1]) {
      for (let i = 0; i < n; i++) height[i] = sign * (means[g][i] + side * moved[i]);
      count(height, side, counts);
    }
  }
  return counts.map(own => [LOWER, UPPER].map(p => rankAt(own, 2 * total * p)));
}

// Add one to the rank that each quantity has; of two that are the same, either is the better half of the time.
function count(height, side, counts) {
  const n = height.length;
  for (let i = 0; i < n; i++) {
    let above = 0;
    for (let j = 0; j < n; j++) {
      const ahead = height[j] - height[i];
      if (ahead > TIE || (ahead >= -TIE && j !== i && (j < i) === side > 0)) above += 1;
    }
    counts[i][above] += 1;
  }
}

// The first rank up to which so many points lie.
function rankAt(counts, points) {
  let below = 0;
  for (let rank = 0; rank < counts.length; rank++) {
    below += counts[rank];
    if (below >= points - 1e-9) return rank + 1;
  }
  return counts.length;
}
