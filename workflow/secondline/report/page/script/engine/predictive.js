// The effect in a new study, as `secondline.summaries.relative_effects` defines it: normal around the effect with
// variance tau^2, and over all settings together also with omega^2 for every component whose effect varies between them.
import {quantileOf} from "./mixture.js";
import {dense} from "./network.js";

// 95% limits of the effects of regimens against a comparator, by regimen; null under a model without heterogeneity.
export function predictiveOf(data, name, posterior, setting, regimens, comparator) {
  const model = data.models[name], place = data.settings.indexOf(setting), size = model.coefficients.length;
  if (!model.scales.tau) return null;
  const row = (block, regimen) => dense(model.effects[block][data.regimens.indexOf(regimen)], size);
  const rows = [...regimens, comparator].map(regimen => row(place, regimen));
  const projection = posterior.project(rows), last = regimens.length;
  return Object.fromEntries(regimens.map((regimen, i) => {
    const {weights, means, sds} = projection.mixture(i, last);
    const spread = place === 0 && model.effects.length > 1 ? departures(row, regimen, comparator) : 0;
    const wider = sds.map((sd, g) => {
      const {tau, omega} = posterior.components[g];
      return Math.sqrt(sd * sd + tau * tau + spread * omega * omega);
    });
    return [regimen, [0.025, 0.975].map(p => quantileOf({weights, means, sds: wider}, p))];
  }));
}

// By how many omega^2 a contrast varies between settings.
function departures(row, regimen, comparator) {
  const [one, other] = [regimen, comparator].map(name => row(1, name).map((x, i) => x - row(0, name)[i]));
  return one.reduce((sum, x, i) => sum + (x - other[i]) ** 2, 0);
}
