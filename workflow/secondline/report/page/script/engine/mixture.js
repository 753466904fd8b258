// Mixtures of normals of one quantity: {weights, means, sds} as arrays of numbers. A component with sd 0 is a point.
import {below, density} from "./normal.js";

const STEPS = 60, CLOSE = 1e-9;

export function moments({weights, means, sds}) {
  let mean = 0, variance = 0;
  for (let g = 0; g < weights.length; g++) mean += weights[g] * means[g];
  for (let g = 0; g < weights.length; g++) variance += weights[g] * ((means[g] - mean) ** 2 + sds[g] * sds[g]);
  return [mean, Math.sqrt(variance)];
}

// P(quantity <= x).
export function cdf({weights, means, sds}, x) {
  let sum = 0;
  for (let g = 0; g < weights.length; g++) {
    sum += weights[g] * (sds[g] > 0 ? below((x - means[g]) / sds[g]) : means[g] <= x ? 1 : 0);
  }
  return sum;
}

function densityAt({weights, means, sds}, x) {
  let sum = 0;
  for (let g = 0; g < weights.length; g++) if (sds[g] > 0) sum += weights[g] * density((x - means[g]) / sds[g]) / sds[g];
  return sum;
}

// The x with P(quantity <= x) = p: Newton steps, kept between bounds that halve where a step leaves them.
export function quantileOf(mixture, p, [mean, sd] = moments(mixture)) {
  if (!(sd > 0)) return mean;
  let low = mean - 12 * sd, high = mean + 12 * sd;
  for (; cdf(mixture, low) > p; low -= 12 * sd);
  for (; cdf(mixture, high) < p; high += 12 * sd);
  let x = mean + (p - 0.5) * 4 * sd;
  for (let i = 0; i < STEPS; i++) {
    const off = cdf(mixture, x) - p;
    if (off > 0) high = x; else low = x;
    const step = off / densityAt(mixture, x), next = x - step;
    if (Math.abs(step) < CLOSE * sd && next >= low && next <= high) return next;
    if (high - low < CLOSE * sd) break;
    x = next > low && next < high ? next : (low + high) / 2;
  }
  return (low + high) / 2;
}

// Mean, sd, and the 2.5%, 50% and 97.5% quantiles.
export function summarise(mixture) {
  const [mean, sd] = moments(mixture);
  const [lower, median, upper] = [0.025, 0.5, 0.975].map(p => quantileOf(mixture, p, [mean, sd]));
  return {mean, sd, lower, median, upper};
}

// P(quantity > 0); what is 0 counts half.
export function above({weights, means, sds}, tie = 1e-12) {
  let sum = 0;
  for (let g = 0; g < weights.length; g++) {
    sum += weights[g] * (sds[g] > 0 ? below(means[g] / sds[g]) : Math.abs(means[g]) <= tie ? 0.5 : means[g] > 0 ? 1 : 0);
  }
  return sum;
}
