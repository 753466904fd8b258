// From the page's data and a state to a fit: which contrasts enter, whitened, and what is asked of the posterior.
import {cholesky, eigen, solveLower} from "./matrices.js";

// Fill a sparse row [places, values] into a dense one.
export function dense([at, by], size) {
  const row = new Array(size).fill(0);
  at.forEach((place, i) => { row[place] = by[i]; });
  return row;
}

// A study that the reader adds: one contrast of two regimens in a setting, on the scale of the link.
export function ownStudy(data, {name, treatment, comparator, setting, effect, se}) {
  const [t, c] = [treatment, comparator].map(regimen => data.regimens.indexOf(regimen));
  const place = data.settings.indexOf(setting);
  const between = (effects, size) => {
    const [one, other] = [t, c].map(r => dense(effects[r], size));
    const row = one.map((x, i) => x - other[i]), at = row.flatMap((x, i) => (x ? [i] : []));
    return [at, at.map(i => row[i])];
  };
  const each = make => Object.fromEntries(Object.entries(data.models).map(([key, model]) => [key, [make(model)]]));
  const arm = regimen => ({n: 0, regimens: {[regimen]: 1}, settings: place ? {[setting]: 1} : {}, own: {}});
  return {
    study: name,
    reading: {
      y: [effect], covariance: [[se * se]], arms: [arm(comparator), arm(treatment)],
      rows: each(model => between(model.effects[place], model.coefficients.length)),
      spans: each(model => between(model.judged.effects, model.judged.size)),
    },
  };
}

// Studies in use with the reading that each has in a state: {out: [names], read: {name: index}, moved: {name: [shifts]}, added: []}.
export function studiesOf(data, state = {}) {
  const {out = [], read = {}, moved = {}, added = []} = state;
  const known = data.studies.flatMap(({study, readings}) => {
    const reading = readings[read[study] ?? readings.findIndex(one => one.declared)];
    if (!reading || out.includes(study)) return [];
    const y = moved[study] ? reading.y.map((value, i) => value + moved[study][i]) : reading.y;
    return [{study, reading: {...reading, y}}];
  });
  return [...known, ...added.map(one => ownStudy(data, one))];
}

// Whiten contrasts: T S T' = I and T R T' = diag(lambda), R being 1 on the diagonal and 1/2 off it within a study.
export function whiten(covariance, sizes) {
  const n = covariance.length, factor = cholesky(Float64Array.from(covariance.flat()), n);
  const study = sizes.flatMap((size, s) => new Array(size).fill(s));
  const columns = Array.from({length: n}, (_, j) => solveLower(factor, n, Float64Array.from({length: n}, (_, i) => (i === j ? 1 : 0))));
  const inverse = (i, j) => columns[j][i];
  const pattern = (i, j) => (i === j ? 1 : study[i] === study[j] ? 0.5 : 0);
  const half = new Float64Array(n * n), inner = new Float64Array(n * n);
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) for (let k = 0; k <= i; k++) half[i * n + j] += inverse(i, k) * pattern(k, j);
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) for (let k = 0; k <= j; k++) inner[i * n + j] += half[i * n + k] * inverse(j, k);
  const {values, vectors} = eigen(inner, n);
  const whitener = vectors.map(v => Array.from({length: n}, (_, j) => {
    let sum = 0;
    for (let k = j; k < n; k++) sum += v[k] * inverse(k, j);
    return sum;
  }));
  return {whitener, lambdas: values.map(value => Math.max(value, 0))};
}

// Groups of studies that share patients, with the covariance of their contrasts together.
function blocks(data, studies) {
  const left = [...studies], found = [];
  while (left.length) {
    const members = [left.shift()];
    for (let i = 0; i < members.length; i++) {
      for (const other of [...left]) {
        if (sharedBy(data, members[i], other)) members.push(...left.splice(left.indexOf(other), 1));
      }
    }
    found.push(members);
  }
  return found.map(members => ({members, covariance: together(data, members)}));
}

const sharedBy = (data, a, b) =>
  data.cross.find(({studies}) => studies.includes(a.study) && studies.includes(b.study) && a.study !== b.study);

function together(data, members) {
  const ends = members.reduce((all, {reading}) => [...all, all.at(-1) + reading.y.length], [0]);
  const covariance = Array.from({length: ends.at(-1)}, () => new Array(ends.at(-1)).fill(0));
  members.forEach(({reading}, m) => reading.covariance.forEach((row, i) => row.forEach((v, j) => { covariance[ends[m] + i][ends[m] + j] = v; })));
  members.forEach((a, i) => members.slice(i + 1).forEach((b, k) => {
    const shared = sharedBy(data, a, b), j = i + 1 + k;
    if (!shared) return;
    const turned = shared.studies[0] !== a.study;
    a.reading.y.forEach((_, x) => b.reading.y.forEach((__, y) => {
      const value = turned ? shared.covariance[y][x] : shared.covariance[x][y];
      covariance[ends[i] + x][ends[j] + y] = covariance[ends[j] + y][ends[i] + x] = value;
    }));
  }));
  return covariance;
}

// The fit of a model to the studies of a state; scales are prior scales that replace those declared.
export function fitOf(data, name, studies, scales = {}) {
  const model = data.models[name], own = {...model.scales, ...scales}, size = model.coefficients.length;
  const rows = blocks(data, studies).flatMap(({members, covariance}) => {
    const {whitener, lambdas} = whiten(covariance, members.map(({reading}) => reading.y.length));
    const y = members.flatMap(({reading}) => reading.y);
    const design = members.flatMap(({reading}) => reading.rows[name].map(row => dense(row, size)));
    return whitener.map((weights, r) => whitened(weights, y, design, lambdas[r], size));
  });
  return {rows, sds: model.kinds.map(kind => (kind === "omega" ? null : own[kind])), tau: own.tau, omega: own.omega, scales: own};
}

function whitened(weights, y, design, lambda, size) {
  const row = new Array(size).fill(0);
  let value = 0;
  weights.forEach((w, i) => {
    value += w * y[i];
    design[i].forEach((x, j) => { row[j] += w * x; });
  });
  const at = row.flatMap((x, j) => (x ? [j] : []));
  return {y: value, lambda, at, by: at.map(j => row[j])};
}

// The fits with every prior scale that a model has doubled in turn.
export const doubledFits = (data, name, studies, scales = {}) => {
  const own = {...data.models[name].scales, ...scales};
  const doubled = {effect: ["effect", "slope"], tau: ["tau"], omega: ["omega"], interaction: ["interaction"]};
  return Object.entries(doubled).filter(([scale]) => own[scale]).map(([, both]) =>
    fitOf(data, name, studies, {...own, ...Object.fromEntries(both.map(scale => [scale, 2 * own[scale]]))}));
};

// Who competes in a setting, with what, and which differences the network can estimate at all.
export function contestOf(data, name, studies, setting) {
  const model = data.models[name], place = data.settings.indexOf(setting);
  const arms = studies.flatMap(({reading}) => reading.arms);
  const given = received(data, arms), barred = data.barred[setting] ?? [];
  const candidates = given.filter(regimen => !barred.includes(regimen));
  const at = candidates.map(regimen => data.regimens.indexOf(regimen));
  const row = regimen => dense(model.effects[place][data.regimens.indexOf(regimen)], model.coefficients.length);
  const reference = settingReference(data, arms, setting);
  return {
    setting, candidates, reference, sign: data.sign,
    rows: candidates.map(row),
    referenceRow: row(reference),
    estimable: estimable(model.judged, studies.flatMap(({reading}) => reading.spans[name]), at),
  };
}

const total = parts => Object.values(parts).reduce((sum, n) => sum + n, 0);
export const received = (data, arms) => data.regimens.filter(regimen => arms.some(arm => arm.regimens[regimen] > 0));

// Share of an arm's patients in a setting: its own where it tells them, otherwise the study's; 1 for all together.
export function shareIn(data, arm, setting) {
  if (setting === data.settings[0]) return 1;
  const counts = total(arm.own) ? arm.own : arm.settings;
  return (counts[setting] ?? 0) / Math.max(total(counts), 1);
}

// The reference of the network where it was given; otherwise the regimen with fewest components, then most patients.
function settingReference(data, arms, setting) {
  const here = arms.filter(arm => shareIn(data, arm, setting) > 0), given = received(data, here);
  if (given.includes(data.reference) || !given.length) return data.reference;
  const patients = regimen => arms.reduce((sum, arm) =>
    sum + (arm.regimens[regimen] ?? 0) / total(arm.regimens) * arm.n * shareIn(data, arm, setting), 0);
  const parts = regimen => data.parts[data.regimens.indexOf(regimen)];
  return given.map(regimen => [parts(regimen), -patients(regimen), regimen])
    .reduce((least, one) => (one[0] < least[0] || (one[0] === least[0] && one[1] < least[1]) ? one : least))[2];
}

// Whether the differences of regimens lie in the space that the contrasts span, by Gram-Schmidt.
export function estimable(judged, spans, at) {
  const basis = [];
  const residual = row => {
    const left = [...row];
    for (let pass = 0; pass < 2; pass++) for (const unit of basis) {
      const along = unit.reduce((sum, x, i) => sum + x * left[i], 0);
      unit.forEach((x, i) => { left[i] -= along * x; });
    }
    return left;
  };
  for (const span of spans) {
    const left = residual(dense(span, judged.size)), length = Math.hypot(...left);
    if (length > 1e-9) basis.push(left.map(x => x / length));
  }
  const rows = at.map(r => dense(judged.effects[r], judged.size));
  return rows.map(a => rows.map(b => residual(a.map((x, i) => x - b[i])).every(x => Math.abs(x) < 1e-8)));
}
