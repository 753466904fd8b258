// The grid of a scale parameter, tau or omega, as `secondline.inference.grid.Axis` lays it: scale * sinh(u), u evenly
// spaced, so that the trapezoid rule converges fast; the single point 0 where the model leaves the parameter out.

export function axis(scale, upper, n, lower = 0) {
  if (!upper) return {points: [0], logWeights: [0], upper: 0};
  const first = Math.asinh(lower / scale), step = (Math.asinh(upper / scale) - first) / (n - 1);
  const us = Array.from({length: n}, (_, i) => first + i * step);
  const ends = i => (i === 0 || i === n - 1 ? 0.5 : 1);
  return {
    points: us.map(u => scale * Math.sinh(u)),
    logWeights: us.map((u, i) => Math.log(scale * Math.cosh(u) * step * ends(i))),
    upper,
  };
}

// Points on either side of where a log density comes within e^-18 of its maximum.
export function reach(points, profile) {
  const least = Math.max(...profile) - 18;
  const reached = profile.flatMap((value, i) => (value > least ? [i] : []));
  return [points[Math.max(reached[0] - 1, 0)], points[Math.min(reached.at(-1) + 1, points.length - 1)]];
}

// Log density of a half-normal prior; 0 for a parameter that the model leaves out.
export const logHalfNormal = (x, scale) =>
  (scale ? 0.5 * Math.log(2 / Math.PI) - Math.log(scale) - 0.5 * (x / scale) ** 2 : 0);
