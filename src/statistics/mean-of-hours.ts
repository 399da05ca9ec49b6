/** The mean of the calls of some hours, and how far off it may be. Pure. */

import type { HourOfMean, MeasuredMean } from '../contract/baseline-log.ts';
import { marginOfMean } from '../lib/mean-margin.ts';

/**
 * By how much hours differ, and not single calls: those of an hour are alike (the same job, the same customer), and what
 * a mean of them is worth would be overestimated. The error of a ratio of sums (Cochran, Sampling Techniques, 6.3).
 */
export function meanOfHours(hours: readonly HourOfMean[]): MeasuredMean | null {
  let [of, sum] = [0, 0];
  for (const hour of hours) {
    of += hour.of;
    sum += hour.of * hour.mean;
  }
  if (of === 0) return null;
  const mean = sum / of;
  const squares = hours.reduce((total, hour) => total + (hour.of * (hour.mean - mean)) ** 2, 0);
  const count = hours.length;
  const errorOfMean = count < 2 ? null : Math.sqrt((squares * count) / (count - 1)) / of;
  return { mean, of, margin: marginOfMean(count, errorOfMean === null ? null : errorOfMean * Math.sqrt(count)) };
}
