// @ts-check
/** Times as people read them: always UTC, always saying so, with how long ago beside it. */

import { daemonNowMs } from './api.js';
import { h } from './dom.js';

/** @typedef {import('./types.d.ts').Interval} Interval */

/**
 * `2026-11-20 02:41:40 UTC`.
 * @param {string} time
 */
export function timeWords(time) {
  return `${time.slice(0, 10)} ${time.slice(11, 19)} UTC`;
}

/**
 * With as many digits as it really has: `2026-11-20 02:41:40.527 UTC`. For what is cited.
 * @param {string} time
 */
export function exactTimeWords(time) {
  const fraction = time.slice(19).replace(/0*Z$/, '').replace(/^\.$/, '');
  return `${time.slice(0, 10)} ${time.slice(11, 19)}${fraction} UTC`;
}

/** @param {string} time */
export function millisOf(time) {
  // Three digits of a second are all that every browser reads.
  return Date.parse(time.replace(/(\.\d{3})\d*Z$/, '$1Z'));
}

/** @param {number} millis */
export function timestampOf(millis) {
  return `${new Date(millis).toISOString().slice(0, 19)}Z`;
}

/**
 * `850ms`, `42s`, `3m 20s`, `2h 5m`, `4d 3h`.
 * @param {number} millis
 */
export function durationWords(millis) {
  if (millis < 1_000) return `${Math.round(millis)}ms`;
  const seconds = Math.round(millis / 1_000);
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3_600) return join(Math.floor(seconds / 60), 'm', seconds % 60, 's');
  if (seconds < 86_400) return join(Math.floor(seconds / 3_600), 'h', Math.floor((seconds % 3_600) / 60), 'm');
  return join(Math.floor(seconds / 86_400), 'd', Math.floor((seconds % 86_400) / 3_600), 'h');
}

/**
 * @param {number} large
 * @param {string} largeUnit
 * @param {number} small
 * @param {string} smallUnit
 */
function join(large, largeUnit, small, smallUnit) {
  return small === 0 ? `${large}${largeUnit}` : `${large}${largeUnit} ${small}${smallUnit}`;
}

/**
 * When something changed, as an honest interval.
 * @param {Interval} interval
 */
export function changeWords([earliest, latest]) {
  if (earliest === null) return latest === null ? 'at an unknown time' : `before ${timeWords(latest)}`;
  if (latest === null) return `after ${timeWords(earliest)}`;
  const apartMs = millisOf(latest) - millisOf(earliest);
  if (apartMs < 1_000) return `at ${timeWords(latest)}`;
  const isSameDay = earliest.slice(0, 10) === latest.slice(0, 10);
  const from = isSameDay ? `${earliest.slice(0, 10)} ${earliest.slice(11, 19)}` : timeWords(earliest);
  const until = isSameDay ? `${latest.slice(11, 19)} UTC` : timeWords(latest);
  return `between ${from} and ${until} (seen ${durationWords(apartMs)} apart)`;
}

/**
 * Where an entry of a timeline begins or ends, for a citation.
 * @param {Interval} interval
 * @param {string} open What it means when neither side is known.
 */
export function boundaryWords([earliest, latest], open) {
  if (earliest === null && latest === null) return open;
  if (earliest === null) return `at or before ${exactTimeWords(latest ?? '')}`;
  if (latest === null) return `not before ${exactTimeWords(earliest)}`;
  if (earliest === latest) return exactTimeWords(earliest);
  return `between ${exactTimeWords(earliest)} and ${exactTimeWords(latest)}`;
}

/**
 * A time with how long ago it was; `refreshAges` keeps that true.
 * @param {string | null} time
 * @param {string} [none]
 */
export function timeAndAge(time, none = 'never') {
  if (time === null) return none;
  return h('span', { class: 'when' }, h('time', { datetime: time, title: time }, timeWords(time)), ' ', age(time));
}

/**
 * Only how long ago; the time itself is its title.
 * @param {string | null} time
 * @param {string} [none]
 */
export function age(time, none = 'never') {
  if (time === null) return none;
  return h('time', { class: 'age', datetime: time, title: exactTimeWords(time), 'data-age': '' }, ageWords(time));
}

/** @param {string} time */
function ageWords(time) {
  const millis = daemonNowMs() - millisOf(time);
  if (millis < -1_000) return `in ${coarse(-millis)}`;
  return millis < 1_500 ? 'just now' : `${coarse(millis)} ago`;
}

/** @param {number} millis */
function coarse(millis) {
  return millis < 60_000 ? `${Math.round(millis / 1_000)}s` : (durationWords(millis).split(' ')[0] ?? '');
}

/** @param {ParentNode} root */
export function refreshAges(root) {
  for (const element of root.querySelectorAll('time[data-age]')) {
    const words = ageWords(element.getAttribute('datetime') ?? '');
    if (element.textContent !== words) element.textContent = words;
  }
}
