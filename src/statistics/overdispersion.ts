/**
 * How much more the counts of hours differ from one another than chance alone would have it: what is asked varies by
 * hour and day, and the answers with it. Counts divided by it are as much evidence as they look. It depends on how many
 * hours are looked at together: of a night all hours are alike, and unlike the day. Pure.
 */

import { sumOfRows, total } from './sum-of-rows.ts';

/** Rows of counts of one feature, one for each stretch of time; at least 1. With a margin for what few rows leave open. */
export function overdispersionOf(rows: readonly (readonly number[])[]): number {
  const filled = rows.filter((row) => total(row) > 0);
  const totals = sumOfRows(filled, rows[0]?.length ?? 0);
  const all = total(totals);
  const bins = totals.filter((count) => count > 0).length;
  const freedom = (filled.length - 1) * (bins - 1);
  if (freedom <= 0) return 1;
  let chiSquare = 0;
  for (const row of filled) {
    const size = total(row);
    for (const [bin, inBin] of totals.entries()) {
      if (inBin === 0) continue;
      const expected = (size * inBin) / all;
      chiSquare += ((row[bin] as number) - expected) ** 2 / expected;
    }
  }
  return Math.max(1, (chiSquare / freedom) * (1 + 2 * Math.sqrt(2 / freedom)));
}

/** More hours than a day has hold as much of each hour: from then on it is days that differ. */
const DAY_HOURS = 24;
/** What varied so much in a week of learning may vary more in a month. */
const MORE_THAN_IN_A_WEEK = 1.5;

/** Rows of the counts of one feature, one for each hour that follows another; of windows of so many hours, never falling. */
export function overdispersionByWindow(
  rows: readonly (readonly number[])[],
  windowHours: readonly number[],
): readonly number[] {
  let largest = 1;
  return windowHours.map((hours) => {
    largest = Math.max(largest, overdispersionOf(inGroups(rows, Math.min(hours, DAY_HOURS))));
    return 1 + (largest - 1) * MORE_THAN_IN_A_WEEK;
  });
}

/** Adds up each `size` rows that follow one another; what is left over at the end is left out. */
function inGroups(rows: readonly (readonly number[])[], size: number): readonly (readonly number[])[] {
  const groups: number[][] = [];
  for (let start = 0; start + size <= rows.length; start += size) {
    groups.push(sumOfRows(rows.slice(start, start + size), rows[start]?.length ?? 0));
  }
  return groups;
}
