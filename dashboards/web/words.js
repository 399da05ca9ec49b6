// @ts-check
/** Verdicts, severities, versions and hashes as small labels that need no colour to be understood. */

import { h } from './dom.js';

/** @typedef {import('./types.d.ts').Severity} Severity */
/** @typedef {import('./types.d.ts').Content} Content */
/** @typedef {'critical' | 'warning' | 'info' | 'good' | 'quiet'} Tone */

/** The verdict of a target that nobody has looked at yet. */
export const NOT_JUDGED = 'not_judged';

const QUIET = new Set(['unreachable', 'unverifiable', NOT_JUDGED]);
const MARKS = { critical: '■', warning: '▲', info: '◆', good: '●', quiet: '○' };
/** From bad to good: the order of everything that is listed. */
const TONES = ['critical', 'warning', 'info', 'quiet', 'good'];
const HASH_CHARACTERS_SHOWN = 12;

/**
 * @param {string} verdict
 * @param {Severity} severity
 * @returns {Tone}
 */
export function toneOf(verdict, severity) {
  if (verdict === 'in_sync') return 'good';
  return QUIET.has(verdict) ? 'quiet' : severity;
}

/** @param {Tone} tone */
export function badness(tone) {
  return TONES.indexOf(tone);
}

/**
 * `stale_version` is written `stale version`.
 * @param {string} word
 */
export function spaced(word) {
  return word.replaceAll('_', ' ');
}

/**
 * @param {Tone} tone
 * @param {string} words
 */
export function badge(tone, words) {
  return h('span', { class: `badge ${tone}` }, h('span', { 'aria-hidden': 'true', class: 'mark' }, MARKS[tone]), words);
}

/**
 * `v2`; a version that is a name stays one.
 * @param {string} version
 */
export function versionWords(version) {
  return /^\d/.test(version) ? `v${version}` : version;
}

/** @param {Content | null} content */
export function contentWords(content) {
  if (content === null) return 'nothing';
  if (content.version !== null) return versionWords(content.version).replace(/^unregistered:/, 'unregistered ');
  return content.hash === null ? 'not known' : 'unregistered text';
}

/** @param {string | null} hash */
export function shortHash(hash) {
  if (hash === null) return null;
  return h('code', { class: 'hash', title: hash }, hash.replace(/^sha256:/, '').slice(0, HASH_CHARACTERS_SHOWN));
}

/** @param {{ target: string, part: string }} place */
export function placeWords({ target, part }) {
  return part === '' ? target : `${target} (${part})`;
}
