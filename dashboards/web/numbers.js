// @ts-check
/** Counts, latencies and money as people read them. Money is added as whole numbers, never as floats. */

/** Digits after the point in sums; the daemon keeps ten. */
const PLACES = 12;
/** Shown below this, small amounts would all be 0.00. */
const CENT = 10n ** BigInt(PLACES - 2);

/** @param {number} count */
export function countWords(count) {
  return count.toLocaleString('en-US');
}

/**
 * @param {number} count
 * @param {string} noun
 */
export function plural(count, noun) {
  return `${countWords(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/**
 * @param {number} count
 * @param {number} of
 */
export function shareWords(count, of) {
  return of === 0 ? '–' : `${((100 * count) / of).toFixed(1)}%`;
}

/** @param {number | null} score */
export function scoreWords(score) {
  return score === null ? '–' : String(Number(score.toPrecision(3)));
}

/** @param {number | null} millis */
export function latencyWords(millis) {
  if (millis === null) return '–';
  if (millis < 10) return `${millis.toFixed(1)} ms`;
  return millis < 1_000 ? `${Math.round(millis)} ms` : `${(millis / 1_000).toFixed(millis < 10_000 ? 2 : 1)} s`;
}

/**
 * A decimal string as a whole number of 10^-12 dollars.
 * @param {string} decimal
 */
export function parseMoney(decimal) {
  const [, sign = '', whole = '0', fraction = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(decimal) ?? [];
  const units = BigInt(whole + fraction.slice(0, PLACES).padEnd(PLACES, '0'));
  return sign === '-' ? -units : units;
}

/**
 * As a decimal string again, every digit that counts.
 * @param {bigint} units
 */
export function formatMoney(units) {
  const digits = (units < 0n ? -units : units).toString().padStart(PLACES + 1, '0');
  const fraction = digits.slice(-PLACES).replace(/0+$/, '');
  return `${units < 0n ? '-' : ''}${digits.slice(0, -PLACES)}${fraction === '' ? '' : `.${fraction}`}`;
}

/**
 * For reading: cents from a dollar on, else as many digits as say something. Cut, not rounded; the
 * exact amount is in the title and in the CSV.
 * @param {string} decimal
 */
export function moneyWords(decimal) {
  const units = parseMoney(decimal);
  if (units === 0n) return '$0';
  const [whole = '0', fraction = ''] = formatMoney(units).split('.');
  const shown = units >= CENT * 100n ? 2 : Math.max(4, (/^0*/.exec(fraction)?.[0].length ?? 0) + 2);
  return `$${BigInt(whole).toLocaleString('en-US')}.${fraction.padEnd(shown, '0').slice(0, shown)}`;
}
