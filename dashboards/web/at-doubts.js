// @ts-check
/** Why an answer about a time may not be about what was meant: nothing was there, or nothing is called so. */

import { environmentsIn } from './at-form.js';
import { durationWords, millisOf, timeWords } from './time.js';

/** @typedef {import('./types.d.ts').ActiveAt} ActiveAt */
/** @typedef {import('./types.d.ts').Prompt} Prompt */
/** @typedef {import('./types.d.ts').Target} Target */

/** What is known lags behind the clock, so "now" is always a little after it. */
const AHEAD_MS = 60_000;
/** More are in the suggestions of the form. */
const ENVIRONMENTS_NAMED = 8;

/**
 * @param {ActiveAt} answer
 * @param {readonly Prompt[]} prompts
 * @param {readonly Target[]} targets
 * @returns {readonly string[]}
 */
export function doubtsOf(answer, prompts, targets) {
  const aheadMs = millisOf(answer.time) - millisOf(answer.known_at);
  if (aheadMs > AHEAD_MS) {
    const known = timeWords(answer.known_at);
    return [`This time is ${durationWords(aheadMs)} after all that is known, which ends at ${known}.`];
  }
  // Whatever was pinned, seen or used has its name from somewhere.
  if (answer.intended !== null || answer.held.length > 0 || answer.used.length > 0) return [];
  const { prompt, environment } = answer;
  const isKnown = prompts.some(({ id }) => id === prompt) || targets.some((target) => target.prompt === prompt);
  if (!isKnown) return [`No prompt called ${prompt} is registered or watched. Is it written like that?`];
  const environments = environmentsIn(prompts, targets);
  if (environments.includes(environment)) return [];
  const others = environments.slice(0, ENVIRONMENTS_NAMED).join(', ');
  return [`In an environment called ${environment} nothing is pinned or watched; there is ${others || 'none'}.`];
}
