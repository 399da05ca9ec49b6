/**
 * How much more the counts of hours differ from one another than chance alone would have it: what is asked varies by
 * hour and day, and the answers with it. Counts divided by it are as much evidence as they look. Pure.
 */

/** Rows of counts of one feature, one for each stretch of time; at least 1. With a margin for what few rows leave open. */
export function overdispersionOf(rows: readonly (readonly number[])[]): number {
  const filled = rows.filter((row) => sum(row) > 0);
  const totals = (filled[0] ?? []).map((_, bin) => filled.reduce((all, row) => all + (row[bin] ?? 0), 0));
  const all = sum(totals);
  const bins = totals.filter((count) => count > 0).length;
  const freedom = (filled.length - 1) * (bins - 1);
  if (freedom <= 0) return 1;
  let chiSquare = 0;
  for (const row of filled) {
    const size = sum(row);
    for (const [bin, total] of totals.entries()) {
      if (total === 0) continue;
      const expected = (size * total) / all;
      chiSquare += ((row[bin] as number) - expected) ** 2 / expected;
    }
  }
  return Math.max(1, (chiSquare / freedom) * (1 + 2 * Math.sqrt(2 / freedom)));
}

/** Adds up each `size` rows that follow one another; what is left over at the end is left out. */
export function inGroups(rows: readonly (readonly number[])[], size: number): readonly (readonly number[])[] {
  const groups: number[][] = [];
  for (let start = 0; start + size <= rows.length; start += size) {
    const group = rows.slice(start, start + size);
    groups.push((group[0] as readonly number[]).map((_, bin) => group.reduce((all, row) => all + (row[bin] ?? 0), 0)));
  }
  return groups;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
