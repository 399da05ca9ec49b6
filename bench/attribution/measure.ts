/** Timing: many short rounds, of which each stretch's fastest counts, because a busy machine only ever slows things down. */

export interface Timing {
  readonly perSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly maxMs: number;
}

const STRETCH = 100;

/** Nanoseconds for one call on average; `work` is called with 0 up to `count`. */
export function nanosPerCall(count: number, rounds: number, work: (at: number) => unknown): number {
  const stretches = Math.ceil(count / STRETCH);
  const fastest = new Float64Array(stretches).fill(Infinity);
  for (let round = 0; round < rounds; round += 1) {
    for (let stretch = 0; stretch < stretches; stretch += 1) {
      const end = Math.min(count, (stretch + 1) * STRETCH);
      const start = process.hrtime.bigint();
      for (let at = stretch * STRETCH; at < end; at += 1) work(at);
      fastest[stretch] = Math.min(fastest[stretch] as number, Number(process.hrtime.bigint() - start));
    }
  }
  return fastest.reduce((sum, nanos) => sum + nanos, 0) / count;
}

/** The same with the distribution over calls: of each call the fastest of all rounds. */
export function timing(count: number, rounds: number, work: (at: number) => unknown): Timing {
  const perSecond = 1e9 / nanosPerCall(count, rounds, work);
  const fastest = new Float64Array(count).fill(Infinity);
  for (let round = 0; round < 3; round += 1) {
    for (let at = 0; at < count; at += 1) {
      const start = process.hrtime.bigint();
      work(at);
      fastest[at] = Math.min(fastest[at] as number, Number(process.hrtime.bigint() - start));
    }
  }
  const sorted = fastest.toSorted();
  const quantile = (share: number): number => sorted[Math.min(count - 1, Math.floor(count * share))] as number;
  return { perSecond, p50Us: quantile(0.5) / 1e3, p99Us: quantile(0.99) / 1e3, maxMs: quantile(1) / 1e6 };
}

export function rounded(value: number, digits = 2): number {
  return Number(value.toFixed(digits));
}
