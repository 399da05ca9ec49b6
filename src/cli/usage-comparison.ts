/** Versions of a prompt side by side, by the call, so that it can be read off what a change of it did. Pure. */

import type { UsageBaseline, UsageRow } from '../contract/invocation-log.ts';
import { marginOfMean } from '../lib/mean-margin.ts';
import { baselineName, byCount, isOfFew, millisWords, NONE, p95Words, scoreWords, shareWords } from './usage-words.ts';

/** A number of each version, how it is written, and how the difference is. */
interface Line {
  readonly title: string;
  readonly values: readonly (number | null)[];
  readonly words: readonly string[];
  readonly difference: (from: number, to: number) => string;
}

const PER_CENT = 100;

/** Cells of a table; null is a version that had no call. */
export function compareUsage(
  versions: readonly string[],
  rows: readonly (UsageRow | null)[],
): readonly (readonly string[])[] {
  const lines = [...totals(rows), ...endings(rows), ...judgements(rows), ...declarations(rows)];
  const isOfTwo = versions.length === 2;
  return [
    ['', ...versions, ...(isOfTwo ? ['change'] : [])],
    ...lines.map(({ title, values, words, difference }) => [
      title,
      ...words,
      ...(isOfTwo ? [differenceOf(values, difference)] : []),
    ]),
  ];
}

function differenceOf([from, to]: readonly (number | null)[], words: Line['difference']): string {
  if (from === null || to === null || from === undefined || to === undefined) return NONE;
  return from === to ? '' : words(from, to);
}

function totals(rows: readonly (UsageRow | null)[]): Line[] {
  const byCall = (title: string, read: (row: UsageRow) => number): Line =>
    line(rows, title, (row) => read(row) / row.calls, amountWords, inPerCent);
  const millis = (title: string, read: (row: UsageRow) => number | null): Line =>
    line(rows, title, read, millisWords, inPerCent);
  return [
    line(
      rows,
      'calls',
      (row) => row.calls,
      String,
      () => '',
    ),
    share(rows, 'errors', (row) => row.errors),
    line(rows, 'usd a call', costOfCall, amountWords, inPerCent),
    share(rows, 'not priced', (row) => row.unpriced_calls),
    byCall('input tokens a call', (row) => row.input_tokens),
    byCall('of them cached', (row) => row.cache_read_tokens),
    byCall('output tokens a call', (row) => row.output_tokens),
    p95(rows, 'output tokens p95', (row) => row.output_tokens_of_call.p95, amountWords),
    millis('latency p50', (row) => row.latency_ms.p50),
    p95(rows, 'latency p95', (row) => row.latency_ms.p95, millisWords),
    millis('first token p50', (row) => row.first_token_ms.p50),
  ];
}

/** Of few calls it says too little to be compared. */
function p95(
  rows: readonly (UsageRow | null)[],
  title: string,
  read: (row: UsageRow) => number | null,
  words: (value: number) => string,
): Line {
  const made = line(rows, title, read, words, inPerCent);
  const marked = rows.map((row) => row !== null && isOfFew(row));
  return {
    ...made,
    values: made.values.map((value, at) => (marked[at] === true ? null : value)),
    words: rows.map((row, at) => (row === null ? NONE : p95Words(made.words[at] ?? NONE, row))),
  };
}

/** Of calls that have a price. */
function costOfCall(row: UsageRow): number | null {
  const priced = row.calls - row.unpriced_calls;
  return priced === 0 ? null : Number(row.cost_usd) / priced;
}

function endings(rows: readonly (UsageRow | null)[]): Line[] {
  return namesIn(rows, (row) => row.finish_reasons).map((reason) =>
    share(rows, `ended by ${reason}`, (row) => row.finish_reasons[reason] ?? 0),
  );
}

function judgements(rows: readonly (UsageRow | null)[]): Line[] {
  const names = namesIn(rows, (row) =>
    Object.fromEntries(Object.entries(row.evaluations).map(([name, { count }]) => [name, count])),
  );
  return names.flatMap((name) => {
    const labels = namesIn(rows, (row) => row.evaluations[name]?.labels ?? {});
    const isScored = rows.some((row) => (row?.evaluations[name]?.scored ?? 0) > 0);
    return [
      ...(isScored ? [meanScore(rows, name)] : []),
      ...labels.map((label) =>
        share(
          rows,
          `${name}: ${label}`,
          (row) => row.evaluations[name]?.labels[label] ?? 0,
          (row) => row.evaluations[name]?.count ?? 0,
        ),
      ),
    ];
  });
}

function meanScore(rows: readonly (UsageRow | null)[], name: string): Line {
  const made = line(rows, name, (row) => row.evaluations[name]?.mean_score ?? null, scoreWords, inPoints);
  const words = made.words.map((mean, at) => {
    const { scored = 0, score_deviation: deviation = null } = rows[at]?.evaluations[name] ?? {};
    const margin = marginOfMean(scored, deviation);
    return margin === null ? mean : `${mean} ±${scoreWords(margin)}`;
  });
  return { ...made, words };
}

function declarations(rows: readonly (UsageRow | null)[]): Line[] {
  const metrics = namesIn(rows, ({ baselines = {} }) => counted(baselines));
  return metrics.map((metric) =>
    line(
      rows,
      `declared: ${baselineName(metric)}`,
      (row) => row.baselines?.[metric]?.declared ?? null,
      scoreWords,
      inPoints,
    ),
  );
}

function counted(baselines: Readonly<Record<string, UsageBaseline>>): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(baselines).map(([metric, { of }]) => [metric, of]));
}

function namesIn(
  rows: readonly (UsageRow | null)[],
  counts: (row: UsageRow) => Readonly<Record<string, number>>,
): readonly string[] {
  return [...new Set(rows.flatMap((row) => (row === null ? [] : byCount(counts(row)).map(([name]) => name))))];
}

function line(
  rows: readonly (UsageRow | null)[],
  title: string,
  read: (row: UsageRow) => number | null,
  words: (value: number) => string,
  difference: Line['difference'],
): Line {
  const values = rows.map((row) => (row === null ? null : read(row)));
  return { title, values, words: values.map((value) => (value === null ? NONE : words(value))), difference };
}

function share(
  rows: readonly (UsageRow | null)[],
  title: string,
  count: (row: UsageRow) => number,
  of: (row: UsageRow) => number = (row) => row.calls,
): Line {
  const shareOf = (row: UsageRow): number | null => (of(row) === 0 ? null : count(row) / of(row));
  return line(rows, title, shareOf, (value) => shareWords(value, 1), inPercentagePoints);
}

function inPoints(from: number, to: number): string {
  return signed(to - from, scoreWords(Math.abs(to - from)));
}

function inPercentagePoints(from: number, to: number): string {
  return signed(to - from, `${(PER_CENT * Math.abs(to - from)).toFixed(1)} points`);
}

function inPerCent(from: number, to: number): string {
  return from === 0 ? 'from 0' : signed(to - from, shareWords(Math.abs(to - from), from));
}

function signed(difference: number, words: string): string {
  return `${difference < 0 ? '-' : '+'}${words}`;
}

/** Tokens and dollars: what is smaller than ten needs its digits. */
function amountWords(value: number): string {
  return value >= 10 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}
