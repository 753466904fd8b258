// How far the studies carry the effect of one regimen against another, in the words of `secondline.network.graph`:
// direct, mixed_setting, indirect, extrapolated, or prior_driven as `secondline.summaries.relative_effects` has it.
import {dense, estimable, received, shareIn} from "./network.js";

// Labels of the effects of regimens against a comparator in a setting, by regimen.
//
// analysis: from `analyse`; regimens, comparator: names, all of them received in some study.
export function evidenceOf(data, model, {studies, posterior, doubled}, setting, regimens, comparator) {
  const label = structureOf(data, model, studies, setting, [...regimens, comparator]);
  const place = data.settings.indexOf(setting), {coefficients, effects} = data.models[model];
  const rows = [...regimens, comparator].map(name => dense(effects[place][data.regimens.indexOf(name)], coefficients.length));
  const fitted = posterior.project(rows), wide = doubled.map(one => one.project(rows)), last = regimens.length;
  return Object.fromEntries(regimens.map((name, i) => {
    const sd = fitted.sd(i, last);
    const isDriven = sd > 0 && wide.some(one => one.sd(i, last) / sd - 1 > data.limits.widening);
    return [name, name === comparator ? "reference" : isDriven ? "prior_driven" : label(name, comparator)];
  }));
}

// A function that labels two regimens by the structure of the network alone; what it cannot estimate is prior-driven.
export function structureOf(data, model, studies, setting, regimens) {
  const {judged} = data.models[model], at = [...new Set(regimens)];
  const can = estimable(judged, studies.flatMap(({reading}) => reading.spans[model]), at.map(name => data.regimens.indexOf(name)));
  const here = studies.map(({reading}) => reading.arms.filter(arm => shareIn(data, arm, setting) > 0));
  const wholly = here.flatMap(pairs), given = received(data, here.flat());
  const alone = here.map(arms => arms.filter(arm => shareIn(data, {...arm, own: {}}, setting) === 1)).flatMap(pairs);
  return (a, b) => {
    const isOne = ([one, other]) => (one === a && other === b) || (one === b && other === a);
    if (!can[at.indexOf(a)][at.indexOf(b)]) return "prior_driven";
    if (alone.some(isOne)) return "direct";
    if (wholly.some(isOne)) return "mixed_setting";
    return given.includes(a) && given.includes(b) ? "indirect" : "extrapolated";
  };
}

// Pairs of regimens that two arms of one study received wholly.
function pairs(arms) {
  const only = arms.map(({regimens}) => Object.keys(regimens)).map(names => (names.length === 1 ? names[0] : null));
  return only.flatMap((one, i) => only.slice(i + 1).flatMap(other => (one && other && one !== other ? [[one, other]] : [])));
}
