/** What the registry's `metrics` are declared of, and how their values are written. Pure. */

import type { MeasuredMean } from '../contract/baseline-log.ts';

export const COST_OF_CALL = 'cost_per_call_usd';
/** `baseline_accuracy` is declared of what is judged under the name `accuracy`. */
const JUDGED = /^baseline_(.+)$/;
const SIGNIFICANT_DIGITS = 3;

/** Under which name calls are judged by it; null: it is of something else. */
export function judgedName(metric: string): string | null {
  return JUDGED.exec(metric)?.[1] ?? null;
}

/** Calls show how it is. */
export function isMeasured(metric: string): boolean {
  return metric === COST_OF_CALL || judgedName(metric) !== null;
}

/** `cost of a call`, `accuracy`. */
export function metricWords(metric: string): string {
  return metric === COST_OF_CALL ? 'cost of a call' : (judgedName(metric) ?? metric);
}

/** `$0.0031`, `0.94`: never with an exponent, however small. */
export function metricValueWords(metric: string, value: number): string {
  return metric === COST_OF_CALL ? moneyWords(value) : digits(value);
}

/** `$0.0031 ±$0.0002`; a margin that is too small for the digits shown is left out. */
export function meanWords(metric: string, { mean, margin }: MeasuredMean): string {
  const value = metricValueWords(metric, mean);
  const isShown = margin !== null && margin >= Math.abs(mean) * 10 ** -SIGNIFICANT_DIGITS;
  return isShown && margin > 0 ? `${value} ±${metricValueWords(metric, margin)}` : value;
}

export function moneyWords(usd: number): string {
  return `$${digits(usd)}`;
}

function digits(value: number): string {
  return value.toLocaleString('en-US', { maximumSignificantDigits: SIGNIFICANT_DIGITS });
}
