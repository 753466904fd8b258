// What the springs of a view say: where everything rests, how stiff and how far from rest each spring is, and in words.
import {dense, fitOf, received} from "../engine/network.js";
import {contrastsOf, equilibrium, sharesOf, springsOf} from "../engine/springs.js";
import {natural, number, ratio} from "./numbers.js";
import {forEngine} from "./state.js";

const SLIGHT = 0.5, STRONG = 2; // standard errors from rest
const SAME = 1e-9;

export const along = (row, b) => row.reduce((sum, x, j) => sum + x * b[j], 0);

// The springs of a view, on the link scale. Rows of coefficients are effects against the comparator, which is fixed.
//
// beads: {treatment, row, isCandidate, isDriven, priorSd}, the comparator and the reference of the network first
// origin: the row to which the prior pulls, that of the reference
// springs: contrasts of the studies as `contrastsOf` has them, with ends: [{bead, parts}], balance, stiffness, z, kind
// b: posterior means of the coefficients, where the springs balance on average over tau and omega
// tau, omega: their posterior means, at which the springs are as stiff as drawn
export function springsIn(words, view) {
  const {data, state, analysis: {studies, posterior}} = view;
  const tau = posterior.tau(), omega = posterior.omega(), b = posterior.means();
  const fit = fitOf(data, state.model, studies, forEngine(words, data, state).scales);
  const base = effectRow(view, view.against), shifted = row => row.map((x, j) => x - base[j]);
  const beads = beadsOf(view, springsOf(fit, tau, omega).sds, shifted);
  const springs = contrastsOf(data, state.model, studies).map(one => {
    const [from, to] = [one.from, one.to].map(shifted), balance = along(to, b) - along(from, b);
    const sd = Math.sqrt(one.variance + tau * tau), z = (balance - one.length) / sd;
    const ends = [from, to].map((row, i) => endOf(beads, row, one.arms[i]));
    return {...one, from, to, ends, balance, z, stiffness: 1 / (sd * sd), kind: kindOf(one.length, balance, Math.abs(z))};
  });
  return {beads, origin: base.map(x => -x), springs, b, tau, omega, fit};
}

// The row of a treatment's effect in the setting of a view.
const effectRow = ({data, state, setting}, treatment) => {
  const {coefficients, effects} = data.models[state.model];
  return dense(effects[data.settings.indexOf(setting)][data.regimens.indexOf(treatment)], coefficients.length);
};

function beadsOf(view, sds, shifted) {
  const {data, setting, against, rows, analysis: {studies}} = view;
  const given = received(data, studies.flatMap(({reading}) => reading.arms)), barred = data.barred[setting] ?? [];
  return [...new Set([against, data.reference, ...given])].map(treatment => {
    const row = effectRow(view, treatment);
    return {
      treatment, row: shifted(row), priorSd: Math.hypot(...row.map((x, j) => x * sds[j])),
      isCandidate: given.includes(treatment) && !barred.includes(treatment),
      isDriven: rows.some(one => one.treatment === treatment && one.evidence === "prior_driven"),
    };
  });
}

// What an end of a spring is fastened to: a bead, or a point between beads, its parts, where an arm mixes treatments. It is
// at neither where the model has another effect, as in the setting of another study.
function endOf(beads, row, {regimens}) {
  const isSame = other => row.every((x, j) => Math.abs(x - other[j]) < SAME), bead = beads.findIndex(one => isSame(one.row));
  if (bead >= 0) return {bead, parts: []};
  const parts = sharesOf(regimens).map(([name, share]) => [beads.findIndex(({treatment}) => treatment === name), share]);
  const between = row.map((_, j) => parts.reduce((sum, [k, share]) => sum + share * beads[k].row[j], 0));
  return {bead: -1, parts: isSame(between) ? parts.map(([k]) => k) : []};
}

function kindOf(length, balance, z) {
  if (z < SLIGHT) return "near rest";
  if (length * balance < 0) return "turned over";
  return Math.abs(balance) > Math.abs(length) ? "stretched" : "squeezed";
}

export const levelOf = ({z}) => (Math.abs(z) < SLIGHT ? "rest" : Math.abs(z) < STRONG ? "strained" : "strong");

// How far a spring is from rest: in words, as colour alone says nothing.
export const wordsOf = ({kind, z}) => `${Math.abs(z) < STRONG ? "" : "strongly "}${kind}, ${number(Math.abs(z), 1)} SE`;

export const armName = (words, {regimens}) => Object.keys(regimens).map(id => words.regimens[id] ?? id).join(" / ");

// A sentence about the spring that is farthest from rest.
export function farthestOf(words, {outcome, moved}, {springs}) {
  if (!springs.length) return "No study is in use: the prior alone holds every treatment at no effect.";
  const {ratio: isRatio, measure} = words.outcomes[outcome], most = springs.reduce((a, b) => (Math.abs(b.z) > Math.abs(a.z) ? b : a));
  const [comparator, treatment] = most.arms.map(arm => armName(words, arm)), [reported, balance] = natural(isRatio, [most.length, most.balance]);
  const beginning = levelOf(most) === "rest" ? "All springs are near rest. Farthest from it is" : "Farthest from rest is";
  return `${beginning} ${words.studies[most.study] ?? most.study}: ${measure} ${reported} as ${Object.hasOwn(moved, most.study) ? "moved" : "reported"} for ${treatment} against ${comparator}, ${balance} where the springs balance (${wordsOf(most)}).`;
}

// How stiff the springs are drawn, and how far away they would balance at that tau and omega alone.
export function stiffnessOf(words, {outcome}, {beads, b, tau, omega, fit}) {
  const {ratio: isRatio} = words.outcomes[outcome];
  const scales = [["τ", tau, fit.tau], ["ω", omega, fit.omega]].filter(([, , scale]) => scale);
  if (!scales.length) return "Stiffness is 1/variance, as the effects do not vary in this model. The beads rest at the posterior means.";
  const alone = equilibrium(springsOf(fit, tau, omega)), away = Math.max(...beads.map(({row}) => Math.abs(along(row, alone) - along(row, b))));
  const at = scales.map(([name, value]) => `${name}\u00a0=\u00a0${ratio(value)}`).join(" and ");
  return [
    fit.tau ? "Stiffness is 1/(variance + τ²)" : "Stiffness is 1/variance", `, drawn at ${at}, the posterior ${scales.length > 1 ? "means" : "mean"}.`,
    ` The beads rest at the posterior means, where the springs balance on average over ${scales.map(([name]) => name).join(" and ")};`,
    ` with ${at} alone they would balance at most ${isRatio ? `${number(100 * Math.expm1(away), 1)}%` : number(away, 3)} away.`,
  ].join("");
}

// What has to be known to read the picture.
export function hintsOf(words, {data, state, against}, {springs}) {
  const name = id => words.regimens[id] ?? id, {effects} = data.models[state.model];
  const isJoined = data.cross.length > 0 || new Set(springs.map(({study}) => study)).size < springs.length;
  return [
    `A bead is a treatment and its effect against ${name(against)}, which is fixed at no effect. A study is a spring between the treatments that it compares: as long as its effect at rest, thicker the stiffer it is.`,
    "Coils are equally dense in all springs at rest. The square is where the study alone would hold the end of its spring. Stretched, squeezed, turned over: longer than there, shorter, or the other way round, by standard errors (SE) with heterogeneity.",
    springs.some(({ends}) => ends.some(({bead}) => bead < 0)) ? "A hollow mark is a weighted point: of an arm that mixes treatments, or of patients in other settings." : "",
    `Thin grey springs are the prior, which pulls weakly to no effect${against === data.reference ? "" : ` against ${name(data.reference)}`}.`,
    effects[0].some(([at]) => at.length > 1) ? "A combination is held by its parts, whose effects are added." : "",
    isJoined ? "Springs of one study with several arms, or of studies that share patients, pull together; each is drawn as stiff as it is alone." : "",
  ].filter(Boolean).join(" ");
}
