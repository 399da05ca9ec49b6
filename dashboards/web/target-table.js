// @ts-check
/** Targets as rows, one for each part, the worst first. */

import { h } from './dom.js';
import { createTable } from './table.js';
import { age } from './time.js';
import { NOT_JUDGED, badge, badness, contentWords, placeWords, shortHash, spaced, toneOf } from './words.js';

/** @typedef {import('./types.d.ts').Context} Context */
/** @typedef {import('./types.d.ts').Target} Target */
/** @typedef {import('./types.d.ts').TargetVerdict} TargetVerdict */
/** @typedef {{ target: Target, place: string, verdict: string, tone: import('./words.js').Tone, judged: TargetVerdict | null }} TargetRow */

/**
 * @param {readonly Target[]} targets
 * @returns {readonly TargetRow[]}
 */
export function targetRows(targets) {
  const rows = targets.flatMap((target) =>
    target.verdicts.length === 0 ? [rowOf(target, null)] : target.verdicts.map((judged) => rowOf(target, judged)),
  );
  return rows.toSorted((a, b) => badness(a.tone) - badness(b.tone) || (a.place < b.place ? -1 : 1));
}

/**
 * @param {Target} target
 * @param {TargetVerdict | null} judged
 * @returns {TargetRow}
 */
function rowOf(target, judged) {
  const verdict = judged?.verdict ?? NOT_JUDGED;
  return {
    target,
    place: placeWords({ target: target.id, part: judged?.part ?? '' }),
    verdict,
    tone: toneOf(verdict, judged?.severity ?? 'info'),
    judged,
  };
}

/**
 * @param {Context} context
 * @param {string} empty
 */
export function createTargetTable(context, empty) {
  return createTable({
    caption: 'Targets with their verdicts',
    noun: 'target',
    empty,
    keyOf: (/** @type {TargetRow} */ row) => row.place,
    columns: [
      {
        key: 'target',
        label: 'Target',
        value: (row) => row.place,
        cell: (row) => {
          const href = context.href(`prompts/${encodeURIComponent(row.target.prompt)}`);
          return h('a', { href, 'data-key': `target ${row.place}` }, row.place);
        },
      },
      {
        key: 'environment',
        label: 'Environment',
        value: (row) => row.target.environment,
        cell: (row) => row.target.environment,
      },
      {
        key: 'verdict',
        label: 'Verdict',
        value: (row) => [row.verdict, row.tone, row.judged?.summary],
        cell: (row) => h('span', { title: row.judged?.summary }, badge(row.tone, spaced(row.verdict))),
      },
      {
        key: 'expected',
        label: 'Expected',
        value: (row) => row.judged?.expected,
        cell: (row) => contentCell(row.judged?.expected ?? null, 'nothing pinned'),
      },
      {
        key: 'observed',
        label: 'Observed',
        value: (row) => [row.judged?.observed, row.verdict],
        cell: (row) => contentCell(row.judged?.observed ?? null, row.verdict === 'missing' ? 'nothing' : '–'),
      },
      {
        key: 'seen',
        label: 'Last seen',
        value: (row) => [row.judged?.answered_at, row.judged?.at],
        cell: (row) => (row.judged === null ? '–' : age(row.judged.answered_at)),
      },
    ],
  });
}

/**
 * @param {import('./types.d.ts').Content | null} content
 * @param {string} none
 */
function contentCell(content, none) {
  if (content === null || (content.version === null && content.hash === null))
    return h('span', { class: 'quiet' }, none);
  return [contentWords(content), ' ', shortHash(content.hash)];
}
