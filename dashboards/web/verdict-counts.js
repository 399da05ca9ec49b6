// @ts-check
/** How many targets have which verdict; each count chooses its targets. */

import { h, region } from './dom.js';
import { countWords } from './numbers.js';
import { badge, badness, spaced } from './words.js';

/** @typedef {import('./target-table.js').TargetRow} TargetRow */

/** @param {(verdict: string) => void} onChoose Gets the empty text when none is chosen any more. */
export function createVerdictCounts(onChoose) {
  const counts = region(h('div', { class: 'counts', role: 'group', 'aria-label': 'Targets by verdict' }));
  return {
    element: counts.element,
    show: (/** @type {readonly TargetRow[]} */ rows, /** @type {string} */ chosen) => {
      const tally = tallyOf(rows);
      counts.show([tally, chosen], () =>
        tally.map(({ verdict, tone, count }) => {
          const isChosen = chosen === verdict;
          const onclick = () => onChoose(isChosen ? '' : verdict);
          const state = { 'aria-pressed': String(isChosen), 'data-key': `count-${verdict}` };
          return h(
            'button',
            { type: 'button', class: 'count', ...state, onclick },
            h('b', {}, countWords(count)),
            badge(tone, spaced(verdict)),
          );
        }),
      );
    },
  };
}

/**
 * The worst first. A verdict counts as bad as its worst target.
 * @param {readonly TargetRow[]} rows
 */
function tallyOf(rows) {
  return [...Map.groupBy(rows, ({ verdict }) => verdict)]
    .flatMap(([verdict, of]) => {
      const [worst] = of.toSorted((a, b) => badness(a.tone) - badness(b.tone));
      return worst === undefined ? [] : [{ verdict, tone: worst.tone, count: of.length }];
    })
    .toSorted((a, b) => badness(a.tone) - badness(b.tone) || (a.verdict < b.verdict ? -1 : 1));
}
