// The exact posterior of a network of contrasts: y ~ N(A b, 1 + tau^2 lambda), whitened study by study, and
// b ~ N(0, D^2). Given (tau, omega) it is normal, so that it is a mixture of normals over a grid, as in
// `secondline.inference.exact`, whose grid this lays.
import {axis, logHalfNormal, reach} from "./axis.js";
import {cholesky, solveLower, solveUpper} from "./matrices.js";
import {moments, summarise} from "./mixture.js";

const SEARCHES = 2, SEARCH_GRID = [17, 7], REACH = 6;
const LEAST_WEIGHT = 1e-10; // of a component of the mixture

// Solve a fit.
//
// fit.rows: whitened contrasts, each {y, lambda, at: [columns], by: [their values]}.
// fit.sds: prior standard deviation of every coefficient; null where it is omega.
// fit.tau, fit.omega: scales of their half-normal priors, 0 to leave the parameter out.
// n: points of tau and of omega.
export function solve(fit, n = [41, 41]) {
  let limits = [[0, REACH * fit.tau], [0, REACH * fit.omega]];
  const unit = fit.tau ? Math.min(resolution(fit.rows), fit.tau) : 1;
  const axes = size => [
    axis(unit, limits[0][1], size[0], limits[0][0]),
    axis(fit.omega || 1, limits[1][1], size[1], limits[1][0]),
  ];
  for (let i = 0; i < SEARCHES && (fit.tau || fit.omega); i++) {
    const [tau, omega] = axes(SEARCH_GRID), grid = points(fit, tau, omega);
    const highest = (axis, key) => axis.points.map(x => grid.reduce((most, g) => (g[key] === x ? Math.max(most, g.logDensity) : most), -Infinity));
    limits = [reach(tau.points, highest(tau, "tau")), reach(omega.points, highest(omega, "omega"))];
  }
  return gridPosterior(fit, ...axes(n));
}

// The least standard error of a contrast, below which tau makes no difference.
export const resolution = rows => Math.min(...rows.map(row => (row.lambda > 0 ? 1 / Math.sqrt(row.lambda) : Infinity)), 1e6);

// Every point of the grid, tau varying slowest.
const points = (fit, tau, omega) =>
  tau.points.flatMap(t => {
    const given = sums(fit, t);
    return omega.points.map(o => point(fit, t, o, given));
  });

// Given tau: A' W A, A' W y, and the part of the log likelihood without coefficients.
function sums(fit, tau) {
  const p = fit.sds.length, information = new Float64Array(p * p), score = new Float64Array(p);
  let constant = logHalfNormal(tau, fit.tau);
  for (const {y, lambda, at, by} of fit.rows) {
    const w = 1 / (1 + tau * tau * lambda);
    constant += 0.5 * Math.log(w) - 0.5 * w * y * y;
    for (let a = 0; a < at.length; a++) {
      const weighted = w * by[a], row = at[a] * p;
      score[at[a]] += weighted * y;
      for (let b = 0; b < at.length; b++) information[row + at[b]] += weighted * by[b];
    }
  }
  return {information, score, constant};
}

function point(fit, tau, omega, {information, score, constant}) {
  const p = fit.sds.length, scale = Float64Array.from(fit.sds, sd => (sd === null ? omega : sd));
  const scaled = new Float64Array(p * p), half = new Float64Array(p);
  for (let i = 0; i < p; i++) {
    for (let j = 0; j <= i; j++) scaled[i * p + j] = information[i * p + j] * scale[i] * scale[j];
    scaled[i * p + i] += 1;
    half[i] = score[i] * scale[i];
  }
  const factor = cholesky(scaled, p);
  solveLower(factor, p, half);
  let logDensity = constant + logHalfNormal(omega, fit.omega);
  for (let i = 0; i < p; i++) logDensity += 0.5 * half[i] * half[i] - Math.log(factor[i * p + i]);
  return {tau, omega, logDensity, factor, half, scale};
}

function gridPosterior(fit, tau, omega) {
  const grid = points(fit, tau, omega), o = omega.points.length;
  const logs = grid.map((g, i) => g.logDensity + tau.logWeights[Math.floor(i / o)] + omega.logWeights[i % o]);
  const highest = Math.max(...logs);
  const kept = grid.map((g, i) => ({...g, weight: Math.exp(logs[i] - highest)}));
  const total = kept.reduce((sum, g) => sum + g.weight, 0);
  return new Posterior(fit.sds.length, kept.filter(g => g.weight > LEAST_WEIGHT * total));
}

// A mixture of normals over the grid; `roots` (L^-1 D c) of linear combinations c multiply to their covariances.
export class Posterior {
  constructor(size, components) {
    const total = components.reduce((sum, one) => sum + one.weight, 0);
    this.size = size;
    this.components = components;
    this.weights = Float64Array.from(components, one => one.weight / total);
  }

  // What the posterior says of linear combinations of the coefficients, (combinations, coefficients).
  project(combinations) {
    const roots = this.components.map(({factor, scale}) => combinations.map(c =>
      solveLower(factor, this.size, Float64Array.from(c, (x, i) => x * scale[i]))));
    const means = this.components.map(({half}, g) => Float64Array.from(roots[g], root => dot(root, half)));
    return new Projection(this.weights, means, roots);
  }

  // Posterior means of the coefficients.
  means() {
    const sum = new Float64Array(this.size);
    this.components.forEach(({factor, half, scale}, g) => {
      solveUpper(factor, this.size, Float64Array.from(half)).forEach((u, i) => { sum[i] += this.weights[g] * u * scale[i]; });
    });
    return sum;
  }

  // Posterior mean of tau.
  tau() {
    return this.components.reduce((sum, one, g) => sum + this.weights[g] * one.tau, 0);
  }

  // Posterior mean of omega.
  omega() {
    return this.components.reduce((sum, one, g) => sum + this.weights[g] * one.omega, 0);
  }
}

// Several quantities: by component their means (K) and roots (K, coefficients).
export class Projection {
  constructor(weights, means, roots) {
    Object.assign(this, {weights, means, roots});
  }

  // The mixture of quantity i, or of its difference from quantity j.
  mixture(i, j = null) {
    const {weights, means, roots} = this;
    return {
      weights,
      means: Float64Array.from(means, mean => mean[i] - (j === null ? 0 : mean[j])),
      sds: Float64Array.from(roots, root => (j === null ? Math.sqrt(dot(root[i], root[i])) : distance(root[i], root[j]))),
    };
  }

  summary(i, j = null) {
    return summarise(this.mixture(i, j));
  }

  sd(i, j = null) {
    return moments(this.mixture(i, j))[1];
  }
}

export function dot(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

function distance(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] - b[i]) ** 2;
  return Math.sqrt(sum);
}
