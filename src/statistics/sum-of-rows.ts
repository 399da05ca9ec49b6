/** Adds up counts. Pure. */

/** Place by place. Zeros where there are no rows; what a row does not have counts as 0. */
export function sumOfRows(rows: readonly (readonly number[])[], length: number): number[] {
  const sums = Array.from({ length }, () => 0);
  for (const row of rows) addTo(sums, row);
  return sums;
}

/** What `sums` has no place for is left out. */
export function addTo(sums: number[], row: readonly number[]): void {
  const length = Math.min(sums.length, row.length);
  for (let at = 0; at < length; at += 1) sums[at] = (sums[at] as number) + (row[at] as number);
}

export function total(counts: ArrayLike<number>): number {
  let sum = 0;
  for (let at = 0; at < counts.length; at += 1) sum += counts[at] as number;
  return sum;
}
