// @ts-check
/** A unified diff, line by line: the sign in its own column, colour only in addition to it. */

import { h } from './dom.js';

/** @typedef {{ sign: '+' | '-' | ' ' | '@', text: string }} Line */

/** The two head lines name both sides; everything after them is told apart by its first character. */
const HEAD_LINES = 2;
/** So little in common that marking the rest would mark everything. */
const SHARED_CHARACTERS_MIN = 4;

/** @param {string} diff */
export function diffView(diff) {
  const all = diff.trimEnd().split('\n');
  const [before = '', after = ''] = all.slice(0, HEAD_LINES).map((line) => line.slice(4));
  const lines = all.slice(HEAD_LINES).map(parse);
  const changed = changedParts(lines);
  return h(
    'figure',
    { class: 'diff' },
    h(
      'figcaption',
      {},
      h('span', { class: 'removed' }, h('b', { class: 'sign' }, '−'), before),
      h('span', { class: 'added' }, h('b', { class: 'sign' }, '+'), after),
    ),
    h(
      'div',
      { class: 'lines', tabindex: '0', role: 'group', 'aria-label': 'Differences' },
      lines.map((line, index) => row(line, changed.get(index))),
    ),
  );
}

/**
 * @param {string} line
 * @returns {Line}
 */
function parse(line) {
  if (line.startsWith('+')) return { sign: '+', text: line.slice(1) };
  if (line.startsWith('-')) return { sign: '-', text: line.slice(1) };
  return line.startsWith(' ') ? { sign: ' ', text: line.slice(1) } : { sign: '@', text: line };
}

/**
 * @param {Line} line
 * @param {[number, number] | undefined} part
 */
function row({ sign, text }, part) {
  const kind = { '+': 'added', '-': 'removed', ' ': 'same', '@': 'place' }[sign];
  const shown = { '+': '+', '-': '−', ' ': '', '@': '' }[sign];
  return h(
    'div',
    { class: `line ${kind}` },
    h('span', { class: 'sign' }, shown),
    h('span', { class: 'text' }, part === undefined ? text : emphasised(text, part)),
  );
}

/**
 * @param {string} text
 * @param {[number, number]} part
 */
function emphasised(text, [from, until]) {
  return [text.slice(0, from), h('em', {}, text.slice(from, until)), text.slice(until)];
}

/**
 * Where as many lines went as came, each is compared with its successor: what lies between the
 * common beginning and the common end is what changed.
 *
 * @param {Line[]} lines
 * @returns {Map<number, [number, number]>}
 */
function changedParts(lines) {
  const parts = new Map();
  let index = 0;
  while (index < lines.length) {
    const removed = runLength(lines, index, '-');
    const added = runLength(lines, index + removed, '+');
    const pairs = removed === added ? removed : 0;
    for (let offset = 0; offset < pairs; offset += 1) {
      const [before, after] = [lines[index + offset]?.text ?? '', lines[index + removed + offset]?.text ?? ''];
      const [start, end] = shared(before, after);
      if (start + end < SHARED_CHARACTERS_MIN) continue;
      parts.set(index + offset, [start, before.length - end]);
      parts.set(index + removed + offset, [start, after.length - end]);
    }
    index += Math.max(1, removed + added);
  }
  return parts;
}

/**
 * @param {Line[]} lines
 * @param {number} from
 * @param {'+' | '-'} sign
 */
function runLength(lines, from, sign) {
  let length = 0;
  while (lines[from + length]?.sign === sign) length += 1;
  return length;
}

/**
 * Characters that both begin and end with, at whole words.
 * @param {string} before
 * @param {string} after
 * @returns {[number, number]}
 */
function shared(before, after) {
  const max = Math.min(before.length, after.length);
  let start = 0;
  while (start < max && before[start] === after[start]) start += 1;
  while (start > 0 && (isInWord(before, start) || isInWord(after, start))) start -= 1;
  let end = 0;
  while (end < max - start && before[before.length - 1 - end] === after[after.length - 1 - end]) end += 1;
  while (end > 0 && (isInWord(before, before.length - end) || isInWord(after, after.length - end))) end -= 1;
  return [start, end];
}

/**
 * @param {string} text
 * @param {number} index
 */
function isInWord(text, index) {
  return /\w/.test(text[index - 1] ?? ' ') && /\w/.test(text[index] ?? ' ');
}
