// Sobol's sequence, shifted at random but always in the same way: points that fill a cube evenly.
//
// Primitive polynomial, as the bits of its coefficients, and initial numbers of every dimension but the first, by Joe S,
// Kuo FY (2008) SIAM Journal on Scientific Computing 30:2635.
const DIMENSIONS = [
  [3, 1], [7, 1, 3], [11, 1, 3, 1], [13, 1, 1, 1], [19, 1, 1, 3, 3], [25, 1, 3, 5, 13], [37, 1, 1, 5, 5, 17],
  [41, 1, 1, 5, 5, 5], [47, 1, 1, 7, 11, 19], [55, 1, 1, 5, 1, 1], [59, 1, 1, 1, 3, 11], [61, 1, 3, 5, 5, 31],
  [67, 1, 3, 3, 9, 7, 49], [91, 1, 1, 1, 15, 21, 21], [97, 1, 3, 1, 13, 27, 49], [103, 1, 1, 1, 15, 7, 5],
  [109, 1, 3, 1, 15, 13, 25], [115, 1, 1, 5, 5, 19, 61], [131, 1, 3, 7, 11, 23, 15, 103],
  [137, 1, 3, 7, 13, 13, 15, 69], [143, 1, 1, 3, 13, 7, 35, 63], [145, 1, 3, 5, 9, 1, 25, 53],
  [157, 1, 3, 1, 13, 9, 35, 107], [167, 1, 3, 1, 5, 27, 61, 31], [171, 1, 1, 5, 11, 19, 41, 61],
  [185, 1, 3, 5, 3, 3, 13, 69], [191, 1, 1, 7, 13, 1, 19, 1], [193, 1, 3, 7, 5, 13, 19, 59],
  [203, 1, 1, 3, 9, 25, 29, 41], [211, 1, 3, 5, 13, 23, 1, 55], [213, 1, 3, 7, 3, 13, 59, 17],
  [229, 1, 3, 1, 3, 5, 53, 69], [239, 1, 1, 5, 5, 23, 33, 13], [241, 1, 1, 7, 7, 1, 61, 123],
  [247, 1, 1, 7, 9, 13, 61, 49], [253, 1, 3, 3, 5, 3, 55, 33], [285, 1, 3, 1, 15, 31, 13, 49, 245],
  [299, 1, 3, 5, 15, 31, 59, 63, 97], [301, 1, 3, 1, 11, 11, 11, 77, 249],
];
const BITS = 32;
export const MOST = DIMENSIONS.length + 1;

// n points in d <= MOST dimensions, one after the other, each within (0, 1).
export function sobol(n, d) {
  const random = generator(), points = new Float64Array(n * d);
  for (let j = 0; j < d; j++) {
    const directions = directionsOf(j);
    let value = random();
    for (let k = 0; k < n; k++) {
      points[k * d + j] = (value + 0.5) / 2 ** BITS;
      value = (value ^ directions[31 - Math.clz32(~k & (k + 1))]) >>> 0; // Gray code: the lowest bit of k that is 0
    }
  }
  return points;
}

function directionsOf(j) {
  if (j === 0) return Uint32Array.from({length: BITS}, (_, i) => 2 ** (BITS - 1 - i));
  const [polynomial, ...initial] = DIMENSIONS[j - 1], degree = initial.length;
  const found = Uint32Array.from({length: BITS}, (_, i) => (i < degree ? initial[i] * 2 ** (BITS - 1 - i) : 0));
  for (let i = degree; i < BITS; i++) {
    let value = found[i - degree] ^ (found[i - degree] >>> degree);
    for (let k = 1; k < degree; k++) if ((polynomial >>> (degree - k)) & 1) value ^= found[i - k];
    found[i] = value;
  }
  return found;
}

// Whole numbers of 32 bits by xorshift (Marsaglia 2003).
export function generator() {
  let state = 2463534242;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}
