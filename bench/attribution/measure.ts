/**
 * Timing on a machine that others use as well: many short rounds, of which each slice's fastest
 * counts, because a busy machine only ever slows things down. What is compared runs slice by slice in
 * turn, so that a slow minute is slow for both.
 */

export interface Distribution {
  readonly p50Us: number;
  readonly p99Us: number;
  readonly maxMs: number;
}

export interface PairedTiming {
  readonly perSecond: number;
  readonly otherPerSecond: number;
  /** How many times as fast as the other: the median over slices, so that one bad slice changes nothing. */
  readonly ratio: number;
}

type Work = (at: number) => unknown;

// Long enough that what the other work left in the caches is soon forgotten, short enough to run undisturbed.
const SLICE = 250;

/** Calls for each second; `work` is called with 0 up to `count`. */
export function callsPerSecond(count: number, rounds: number, work: Work): number {
  return perSecond(fastestSlices(count, rounds, [work])[0] as Float64Array, count);
}

/** Two works on the same items, in turn. */
export function pairedTiming(count: number, rounds: number, work: Work, other: Work): PairedTiming {
  const [ours, theirs] = fastestSlices(count, rounds, [work, other]) as [Float64Array, Float64Array];
  const ratios = ours.map((nanos, slice) => (theirs[slice] as number) / nanos).toSorted();
  return {
    perSecond: perSecond(ours, count),
    otherPerSecond: perSecond(theirs, count),
    ratio: quantile(ratios, 0.5),
  };
}

/** The distribution over calls: of each call the fastest of three. */
export function distribution(count: number, work: Work): Distribution {
  const fastest = new Float64Array(count).fill(Infinity);
  for (let round = 0; round < 3; round += 1) {
    for (let at = 0; at < count; at += 1) {
      const start = process.hrtime.bigint();
      work(at);
      fastest[at] = Math.min(fastest[at] as number, Number(process.hrtime.bigint() - start));
    }
  }
  const sorted = fastest.toSorted();
  return {
    p50Us: quantile(sorted, 0.5) / 1e3,
    p99Us: quantile(sorted, 0.99) / 1e3,
    maxMs: quantile(sorted, 1) / 1e6,
  };
}

/** For each work the nanoseconds that each slice took when it was fastest. */
function fastestSlices(count: number, rounds: number, works: readonly Work[]): Float64Array[] {
  const slices = Math.ceil(count / SLICE);
  const fastest = works.map(() => new Float64Array(slices).fill(Infinity));
  for (let round = 0; round < rounds; round += 1) {
    for (let slice = 0; slice < slices; slice += 1) {
      for (const [number, work] of works.entries()) {
        const times = fastest[number] as Float64Array;
        times[slice] = Math.min(
          times[slice] as number,
          nanosOf(work, slice * SLICE, Math.min(count, (slice + 1) * SLICE)),
        );
      }
    }
  }
  return fastest;
}

function nanosOf(work: Work, from: number, to: number): number {
  const start = process.hrtime.bigint();
  for (let at = from; at < to; at += 1) work(at);
  return Number(process.hrtime.bigint() - start);
}

function perSecond(slices: Float64Array, count: number): number {
  return (count * 1e9) / slices.reduce((sum, nanos) => sum + nanos, 0);
}

function quantile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

export function rounded(value: number, digits = 2): number {
  return Number(value.toFixed(digits));
}
