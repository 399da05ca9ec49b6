/** The logarithm of the gamma function, of which likelihoods of counts are made. Pure. */

/** Above it the series below is exact to the last digits of a double. */
const SERIES_FROM = 7;
const HALF_LOG_TWO_PI = 0.5 * Math.log(2 * Math.PI);
/** Bernoulli numbers over 2n(2n-1): Stirling's series, Abramowitz and Stegun 6.1.41. */
const SERIES = [1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360_360, 1 / 156] as const;

/** Of a number above 0; relative error below 1e-13 where the result is not near 0. */
export function logGamma(x: number): number {
  let shift = 1;
  let at = x;
  while (at < SERIES_FROM) {
    shift *= at;
    at += 1;
  }
  const inverse = 1 / at;
  const square = inverse * inverse;
  let series = 0;
  for (let term = SERIES.length - 1; term >= 0; term -= 1) series = series * square + (SERIES[term] as number);
  const log = (at - 0.5) * Math.log(at) - at + HALF_LOG_TWO_PI + series * inverse;
  return shift === 1 ? log : log - Math.log(shift);
}
