/** How far off the mean of a sample may be from that of all there could be. Pure. */

/** Fewer say too little of how far off their mean may be. */
const SAMPLE_MIN = 10;

/** In 19 of 20 cases; null where it can't be told. `deviation`: of single values from their mean. */
export function marginOfMean(count: number, deviation: number | null): number | null {
  if (deviation === null || count < SAMPLE_MIN) return null;
  return (standardErrors(count) * deviation) / Math.sqrt(count);
}

/** 95 of 100 times the mean of so many is no farther off: Student's t, to a hundredth from ten on. */
function standardErrors(count: number): number {
  return 1.96 + 2.37 / (count - 1) + 2.82 / (count - 1) ** 2;
}
