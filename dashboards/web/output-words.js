// @ts-check
/** What is known of the outputs of a version from a model, in words. */

import { countWords, plural } from './numbers.js';
import { changeWords, timeWords } from './time.js';
import { versionWords } from './words.js';

/** @typedef {import('./types.d.ts').OutputStatus} OutputStatus */

/** @type {Readonly<Record<OutputStatus['state'], import('./words.js').Tone>>} */
export const STATE_TONES = { changed: 'critical', learning: 'quiet', watching: 'good' };

/** @param {OutputStatus} status */
export function seriesWords({ version, model, environment }) {
  return [versionWords(version), model === '' ? 'an unnamed model' : model, environment]
    .filter((word) => word !== '')
    .join(', ');
}

/** @param {OutputStatus} status */
export function stateDetail({ at, learning, baseline, change, log10_score: score, alarm_at_log10_score: alarm }) {
  if (change !== null) return changeWords(change.between);
  if (learning !== null) {
    const outputs = `${countWords(learning.outputs)} of ${plural(learning.outputs_needed, 'output')}`;
    return learning.until > at ? `${outputs}, until ${timeWords(learning.until)} at the earliest` : outputs;
  }
  if (baseline === null) return '';
  const compared = `compared with ${plural(baseline.outputs, 'output')} from ${timeWords(baseline.from)} to ${timeWords(baseline.until)}`;
  if (score === null) return `nothing new yet, to be ${compared}`;
  return `${compared}: as much difference comes by chance once in ${hoursWords(score)} (an alarm is at ${hoursWords(alarm)})`;
}

/** @param {number} log10 */
function hoursWords(log10) {
  return plural(Math.max(1, Math.round(10 ** log10)), 'hour');
}
