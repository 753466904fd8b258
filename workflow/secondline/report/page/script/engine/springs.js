// The network as a mechanical system at one tau and omega: every study is a spring that pulls on the coefficients, and the
// prior holds each of them by a spring of its own. The energy is minus the log density of the coefficients, but for a
// constant. So the springs balance at the conditional posterior mean, and on average over the grid at the posterior mean
// (the analogy is that of Papakonstantinou T, Nikolakopoulou A, Egger M, Salanti G, 2021, Research Synthesis Methods 12:20).
//
// A study of one contrast is one spring, of natural length y and stiffness 1 / (se^2 + tau^2). Contrasts that are correlated,
// those of a study of several arms or of studies that share patients, become springs once they are decorrelated, as
// `whiten` does: a whitened row over sqrt(lambda) combines contrasts so that its sampling variance is 1 / lambda and its
// heterogeneity tau^2, and the same formula gives its stiffness. The energy is then exactly their quadratic form.
import {dense} from "./network.js";
import {dot} from "./posterior.js";

const CLOSE = 1e-30, RESTARTS = 4; // of the squared force that is left, as a share of that at the start

// The springs of a fit: {springs: [{at, by, length, stiffness}], sds}. A spring joins no effect and the point at which the
// coefficients `at` have weights `by`; the prior's springs have stiffness 1 / sd^2, and hold a coefficient fast where sd is 0.
export function springsOf(fit, tau, omega = 0) {
  return {
    springs: fit.rows.map(({y, lambda, at, by}) => {
      const scale = lambda > 0 ? Math.sqrt(lambda) : 1;
      return {at, by: by.map(x => x / scale), length: y / scale, stiffness: scale * scale / (1 + tau * tau * lambda)};
    }),
    sds: Float64Array.from(fit.sds, sd => (sd === null ? omega : sd)),
  };
}

const reached = ({at, by}, b) => at.reduce((sum, place, i) => sum + by[i] * b[place], 0);

// The energy of the springs when the coefficients are b.
export function energy({springs, sds}, b) {
  const stretched = springs.reduce((sum, one) => sum + one.stiffness * (one.length - reached(one, b)) ** 2, 0);
  return (stretched + sds.reduce((sum, sd, j) => sum + (sd > 0 ? (b[j] / sd) ** 2 : 0), 0)) / 2;
}

// The force on every coefficient: how fast the energy falls as it grows. What is held fast feels none.
export function forces({springs, sds}, b) {
  const force = Float64Array.from(sds, (sd, j) => (sd > 0 ? -b[j] / (sd * sd) : 0));
  for (const one of springs) pull(one, one.stiffness * (one.length - reached(one, b)), force);
  return force.map((x, j) => (sds[j] > 0 ? x : 0));
}

function pull({at, by}, tension, force) {
  at.forEach((place, i) => { force[place] += tension * by[i]; });
}

// Where the springs balance, found from their forces alone: conjugate gradients on the energy, no matrix and no factor.
// Steps are in units of the prior's sd, each coefficient slowed by the stiffness that it feels.
export function equilibrium(system) {
  const {springs, sds} = system, p = sds.length, b = new Float64Array(p);
  const felt = new Float64Array(p).fill(1);
  for (const {at, by, stiffness} of springs) at.forEach((place, i) => { felt[place] += stiffness * (by[i] * sds[place]) ** 2; });
  const scaledForce = () => forces(system, b).map((x, j) => x * sds[j]);
  const start = imbalance(scaledForce(), felt);
  for (let restart = 0; restart < RESTARTS; restart++) {
    const left = scaledForce();
    if (!(imbalance(left, felt) > CLOSE * start)) break;
    descend(system, felt, left, b, CLOSE * start);
  }
  return b;
}

const imbalance = (force, felt) => force.reduce((sum, x, j) => sum + x * x / felt[j], 0);

// Follow conjugate directions from b, in place, until the force that is left is small.
function descend({springs, sds}, felt, left, b, enough) {
  const p = sds.length;
  let squared = imbalance(left, felt), direction = left.map((x, j) => x / felt[j]);
  for (let i = 0; i < 4 * p + 20 && squared > enough; i++) {
    const moved = direction.map((x, j) => x * sds[j]), resisted = new Float64Array(p);
    for (const one of springs) pull(one, one.stiffness * reached(one, moved), resisted);
    const resistance = resisted.map((x, j) => x * sds[j] + direction[j]), step = squared / dot(direction, resistance);
    for (let j = 0; j < p; j++) { b[j] += step * moved[j]; left[j] -= step * resistance[j]; }
    const next = imbalance(left, felt), kept = next / squared;
    direction = direction.map((x, j) => left[j] / felt[j] + kept * x);
    squared = next;
  }
}

// The row of coefficients at which an arm stands: its regimens weighted by their patients, in the settings of its study.
export function armRow(data, model, {regimens, settings}) {
  const {coefficients, effects} = data.models[model], row = new Array(coefficients.length).fill(0);
  const places = sharesOf(settings);
  if (!places.length) places.push([data.settings[0], 1]);
  for (const [regimen, share] of sharesOf(regimens)) for (const [setting, part] of places) {
    const [at, by] = effects[data.settings.indexOf(setting)][data.regimens.indexOf(regimen)];
    at.forEach((place, i) => { row[place] += share * part * by[i]; });
  }
  return row;
}

export function sharesOf(counts) {
  const given = Object.entries(counts).filter(([, n]) => n > 0), all = given.reduce((sum, [, n]) => sum + n, 0);
  return given.map(([name, n]) => [name, n / all]);
}

// The contrasts of studies as springs to draw, each between the points of two arms: {study, arms, from, to, length, variance}.
// `to` is the contrast's own row away from `from`, which is where its arm stands unless the model mixes arms otherwise.
// Springs of one study of several arms are correlated; `springsOf` has what they are together.
export const contrastsOf = (data, model, studies) => studies.flatMap(({study, reading}) => {
  const from = armRow(data, model, reading.arms[0]);
  return reading.y.map((length, i) => {
    const row = dense(reading.rows[model][i], from.length);
    return {
      study, from, length, variance: reading.covariance[i][i], arms: [reading.arms[0], reading.arms[i + 1]],
      to: from.map((x, j) => x + row[j]),
    };
  });
});
