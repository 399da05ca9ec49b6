/**
 * Is a mean worse than a limit? Each hour bets against it: with a part of what it has, at odds that are fair while the mean is
 * at the limit. What is gained is a nonnegative supermartingale as long as the mean of each hour is expected to be within the
 * limit, whatever is known of the hours before and however costs are distributed (testing by betting: Waudby-Smith and Ramdas,
 * arXiv 2010.09686). A new bet begins with every hour, and all of them are summed up (Shiryaev-Roberts; e-detectors: Shin,
 * Ramdas and Rinaldo, arXiv 2203.03532): the expectation of the sum grows by at most one an hour, so the value at which it
 * alarms is also the time between false alarms. Pure.
 */

export interface ExcessHour {
  /** Calls or scores. */
  readonly of: number;
  /** How bad their mean is, as a multiple of how bad it may be: 0 is as good as can be, 1 is at the limit. */
  readonly badness: number;
}

/** A number that can still be multiplied; what is beyond it is certain. */
const SUM_MAX = 1e300;

/** Hours between false alarms: a month's among a thousand versions of which two metrics are declared. */
export const ALARM_LOG_EXCESS = Math.log(2 * 1_000 * 720);

/** The part of what there is that is put on the next hour. Who doesn't know how bad it is bets several ways. */
const BETS = [1 / 8, 1 / 4, 1 / 2, 1];
/** More than this counts for no more, so that no few calls decide, however absurd their cost: it is always seven hours. */
const BADNESS_MAX = 10;

/** The logarithm of the sum; what comes by chance once in so many hours. Hours in order. */
export function logExcess(hours: readonly ExcessHour[]): number {
  const weights = weightsOf(hours);
  const sums = BETS.map((bet) => {
    let sum = 0;
    for (let at = 0; at < hours.length; at += 1) {
      const { badness } = hours[at] as ExcessHour;
      const gain = (weights[at] as number) * (Math.min(badness, BADNESS_MAX) - 1);
      sum = Math.min(SUM_MAX, (sum + 1) * (1 + bet * gain));
    }
    return sum;
  });
  return Math.log(sums.reduce((total, sum) => total + sum, 0) / BETS.length);
}

/**
 * From 0 to 1: an hour with fewer calls than the hour of a typical call counts for less, so that the mean that is compared is
 * that of calls, and not of hours: a few odd ones each night don't outweigh the day. Typical of the hours until then: a bet
 * knows nothing of what comes later.
 */
export function weightsOf(hours: readonly Pick<ExcessHour, 'of'>[]): readonly number[] {
  let [sum, squares] = [0, 0];
  return hours.map(({ of }) => {
    sum += of;
    squares += of * of;
    return Math.min(1, (of * sum) / squares);
  });
}

export interface Beginning {
  /** Index of the first hour that is worse, most likely. */
  readonly at: number;
  /** The earliest and the latest that are hardly less likely. */
  readonly earliest: number;
  readonly latest: number;
}

/** So many typical differences of an hour from the mean of its side leave a beginning as likely as the best one. */
const DEVIATIONS = 2;

/** Of hours of which the last ones are worse than `before`, which is the badness that is meant. */
export function beginningOf(hours: readonly ExcessHour[], before: number): Beginning {
  const weights = weightsOf(hours);
  const first = bestStart(hours, weights, 1);
  // Halfway between how it should be and how it is: from there on an hour is rather of the one than of the other.
  const since = weightedMean(hours.slice(first.at), weights.slice(first.at));
  const { at, sums } = bestStart(hours, weights, (before + since) / 2);
  const sides = [weightedMean(hours.slice(0, at), weights), weightedMean(hours.slice(at), weights.slice(at))] as const;
  const squares = hours.map(({ badness }, index) => {
    const difference = (weights[index] as number) * (badness - (index < at ? sides[0] : sides[1]));
    return difference * difference;
  });
  const deviation = Math.sqrt(squares.reduce((sum, square) => sum + square, 0) / Math.max(1, hours.length - 1));
  const best = sums[at] as number;
  const likely = sums.flatMap((sum, index) => (sum >= best - DEVIATIONS * deviation ? index : []));
  return { at, earliest: likely[0] ?? at, latest: likely.at(-1) ?? at };
}

/** The hour from which on the sum of what is above `middle` is the largest. */
function bestStart(
  hours: readonly ExcessHour[],
  weights: readonly number[],
  middle: number,
): { readonly at: number; readonly sums: readonly number[] } {
  const sums: number[] = hours.map(() => 0);
  let sum = 0;
  let at = Math.max(0, hours.length - 1);
  for (let index = hours.length - 1; index >= 0; index -= 1) {
    sum += (weights[index] as number) * ((hours[index] as ExcessHour).badness - middle);
    sums[index] = sum;
    if (sum > (sums[at] as number)) at = index;
  }
  return { at, sums };
}

function weightedMean(hours: readonly ExcessHour[], weights: readonly number[]): number {
  let [sum, all] = [0, 0];
  for (const [index, { badness }] of hours.entries()) {
    sum += (weights[index] as number) * badness;
    all += weights[index] as number;
  }
  return all === 0 ? 0 : sum / all;
}
