// Numbers as the report words them (`secondline.report.words`).

export function ratio(value) {
  if (value >= 10000) return value.toExponential(0).replace(/e\+(\d)$/, "e+0$1");
  if (value >= 100) return value.toFixed(0);
  if (value >= 10) return value.toFixed(1);
  return value >= 0.095 ? value.toFixed(2) : String(Number(value.toPrecision(2)));
}

export function number(value, digits = 2) {
  const shown = value.toFixed(digits);
  return Number(shown) === 0 ? shown.replace("-", "") : shown.replace("-", "−");
}

// Differences that are shown together, with the digits that the largest of them needs.
export function differences(values) {
  const largest = Math.max(...values.map(Math.abs), 0), power = largest ? Math.floor(Math.log10(largest)) : 0;
  const digits = Math.min(Math.max((power >= 0 ? 2 : 1) - power, 0), 6);
  return values.map(value => number(value, digits));
}

export function probability(value) {
  if (value > 0 && value < 0.005) return "<0.01";
  if (value >= 0.995 && value < 1) return ">0.99";
  return value.toFixed(2);
}

// Values of the link scale on the natural scale, in words.
export const natural = (isRatio, values) => (isRatio ? values.map(x => ratio(Math.exp(x))) : differences(values));

// An estimate with its interval, from the link scale.
export function interval(isRatio, [value, lower, upper]) {
  const [one, low, high] = natural(isRatio, [value, lower, upper]);
  return `${one} (${low} to ${high})`;
}

export const listed = (items, last = "and") =>
  (items.length > 1 ? `${items.slice(0, -1).join(", ")} ${last} ${items.at(-1)}` : items.join(""));
