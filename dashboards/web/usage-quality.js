// @ts-check
/** How calls ended and how they were judged: in words, and as columns of a file. */

import { countWords, scoreWords, shareWords } from './numbers.js';

/** @typedef {import('./types.d.ts').UsageRow} UsageRow */
/** @typedef {import('./types.d.ts').UsageEvaluation} UsageEvaluation */
/** @typedef {{ file: string, value: (row: UsageRow) => number | null }} SavedColumn */

/** @param {UsageRow} row */
export function endedWords(row) {
  return byCount(row.finish_reasons)
    .map(([reason, count]) => `${reason} ${shareWords(count, row.calls)}`)
    .join(', ');
}

/**
 * Whether any call of it ended otherwise than most do everywhere.
 * @param {UsageRow} row
 */
export function endedOtherwise(row) {
  return Object.keys(row.finish_reasons).some((reason) => reason !== 'stop');
}

/** @param {UsageRow} row */
export function judgedWords(row) {
  return Object.entries(row.evaluations)
    .map(([name, evaluation]) => `${name} ${judgementWords(evaluation)}`)
    .join(', ');
}

/**
 * A label says more than its score, which is mostly 1 for one of them. Mostly a few calls are judged, so it says how many.
 * @param {UsageEvaluation} evaluation
 */
function judgementWords({ count, scored, mean_score: mean, labels }) {
  const [most] = byCount(labels);
  if (most === undefined) return `${scoreWords(mean)} (of ${countWords(scored)})`;
  return `${shareWords(most[1], count)} ${most[0]} (of ${countWords(count)})`;
}

/**
 * What the registry declares of the version, and what its calls show.
 * @param {UsageRow} row
 */
export function declaredWords({ baselines = {} }) {
  return Object.entries(baselines)
    .map(
      ([metric, baseline]) =>
        `${baselineName(metric)} ${scoreWords(baseline.declared)} (${measuredWords(metric, baseline)})`,
    )
    .join(', ');
}

const COST_OF_CALL = 'cost_per_call_usd';

/** @param {string} metric */
function baselineName(metric) {
  return metric === COST_OF_CALL ? '$ a call' : metric.replace(/^baseline_/, '');
}

/**
 * @param {string} metric
 * @param {import('./types.d.ts').UsageBaseline} baseline
 */
function measuredWords(metric, { measured, margin, of }) {
  if (measured === null) return metric === COST_OF_CALL ? 'not priced' : 'not judged';
  return `is ${scoreWords(measured)}${margin === null ? '' : ` ±${scoreWords(margin)}`} of ${countWords(of)}`;
}

/**
 * Every number of it that any of the rows has.
 * @param {readonly UsageRow[]} rows
 * @returns {readonly SavedColumn[]}
 */
export function qualityColumns(rows) {
  const reasons = namesIn(rows.map((row) => row.finish_reasons));
  return [
    ...reasons.map((reason) => ({
      file: `ended_${reason}`,
      value: (/** @type {UsageRow} */ row) => row.finish_reasons[reason] ?? 0,
    })),
    ...namesIn(rows.map((row) => row.evaluations)).flatMap((name) => judgementColumns(rows, name)),
    ...namesIn(rows.map((row) => row.baselines ?? {})).map((metric) => ({
      file: `declared_${metric}`,
      value: (/** @type {UsageRow} */ row) => row.baselines?.[metric]?.declared ?? null,
    })),
  ];
}

/**
 * @param {readonly UsageRow[]} rows
 * @param {string} name
 * @returns {readonly SavedColumn[]}
 */
function judgementColumns(rows, name) {
  const labels = namesIn(rows.map((row) => row.evaluations[name]?.labels ?? {}));
  return [
    { file: `judged_${name}`, value: (row) => row.evaluations[name]?.count ?? 0 },
    { file: `judged_${name}_mean_score`, value: (row) => row.evaluations[name]?.mean_score ?? null },
    ...labels.map((label) => ({
      file: `judged_${name}_${label}`,
      value: (/** @type {UsageRow} */ row) => row.evaluations[name]?.labels[label] ?? 0,
    })),
  ];
}

/** @param {readonly Readonly<Record<string, unknown>>[]} records */
function namesIn(records) {
  return [...new Set(records.flatMap((record) => Object.keys(record)))].toSorted();
}

/** @param {Readonly<Record<string, number>>} counts */
function byCount(counts) {
  return Object.entries(counts).toSorted((a, b) => b[1] - a[1]);
}
