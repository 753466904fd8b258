// The standard normal distribution, in double precision.

const SQRT_2PI = Math.sqrt(2 * Math.PI);

// Density at x.
export const density = x => Math.exp(-0.5 * x * x) / SQRT_2PI;

// P(Z <= x), by a rational approximation near 0 and a continued fraction in the tails (Hart 1968, West 2005).
export function below(x) {
  const z = Math.abs(x);
  if (Number.isNaN(x)) return NaN;
  if (z > 37) return x > 0 ? 1 : 0;
  const e = Math.exp(-0.5 * z * z);
  let tail;
  if (z < 7.07106781186547) {
    let top = 3.52624965998911e-2 * z + 0.700383064443688;
    for (const c of [6.37396220353165, 33.912866078383, 112.079291497871, 221.213596169931, 220.206867912376]) top = top * z + c;
    let bottom = 8.83883476483184e-2 * z + 1.75566716318264;
    for (const c of [16.064177579207, 86.7807322029461, 296.564248779674, 637.333633378831, 793.826512519948, 440.413735824752]) {
      bottom = bottom * z + c;
    }
    tail = e * top / bottom;
  } else {
    let f = z + 0.65;
    for (const k of [4, 3, 2, 1]) f = z + k / f;
    tail = e / (f * SQRT_2PI);
  }
  return x > 0 ? 1 - tail : tail;
}

const MIDDLE = [
  [-39.69683028665376, 220.9460984245205, -275.9285104469687, 138.357751867269, -30.66479806614716, 2.506628277459239],
  [-54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572, 1],
];
const TAIL = [
  [-7.784894002430293e-3, -0.3223964580411365, -2.400758277161838, -2.549732539343734, 4.374664141464968, 2.938163982698783],
  [7.784695709041462e-3, 0.3224671290700398, 2.445134137142996, 3.754408661907416, 1],
];
const polynomial = (coefficients, x) => coefficients.reduce((sum, c) => sum * x + c, 0);
const ratio = ([top, bottom], x) => polynomial(top, x) / polynomial(bottom, x);

// The x with P(Z <= x) = p, to 1e-9 of its size (Acklam 2003).
export function quantile(p) {
  if (p <= 0) return -Infinity;
  if (p >= 1) return Infinity;
  const q = Math.min(p, 1 - p);
  const x = q < 0.02425 ? ratio(TAIL, Math.sqrt(-2 * Math.log(q))) : (q - 0.5) * ratio(MIDDLE, (q - 0.5) ** 2);
  return p < 0.5 ? x : -x;
}
