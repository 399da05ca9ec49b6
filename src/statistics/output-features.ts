/**
 * What is noted of an output, so that thousands of them can be compared later without being read again: numbers,
 * yes-or-no flags and short words, cheap and without a model. The list only grows by a new `FEATURES_ID`: what is
 * stored was made by one of them. Pure.
 */

import { deflateRawSync } from 'node:zlib';
import type { Output, OutputFeatures } from '../contract/output-log.ts';
import { shortId } from '../lib/hash.ts';
import { projectionsOf, PROJECTIONS } from './projections.ts';

/** Of stored features; raised with any change to what they mean. */
export const FEATURES_ID = 2;

export type FeatureKind = 'number' | 'flag' | 'word';

export interface Feature {
  readonly name: string;
  readonly kind: FeatureKind;
  /** Place among those of its kind. */
  readonly at: number;
  /** For a person: what changed when this did. */
  readonly words: string;
  /** How a stored number is shown; null: it says nothing to a person. */
  readonly show: ((value: number) => string) | null;
  /** Of what the call was asked, not of what it answered. */
  readonly isInput: boolean;
}

const round = (value: number): string => String(Number(value.toPrecision(3)));
const percent = (value: number): string => `${Number((100 * value).toPrecision(2))} %`;
/** Sizes are kept as logarithms: twice as long is the same step everywhere. */
const size = (value: number): string => String(Math.round(Math.expm1(value)));

type Column = readonly [name: string, words: string, show?: (value: number) => string];

const NUMBERS: readonly Column[] = [
  ['characters', 'length in characters', size],
  ['words', 'length in words', size],
  ['lines', 'number of line breaks', size],
  ['word_length', 'mean length of a word', round],
  ['sentence_length', 'words in a sentence', round],
  ['digits', 'share of digits', percent],
  ['capitals', 'share of capital letters', percent],
  ['punctuation', 'share of punctuation', percent],
  ['spaces', 'share of spaces', percent],
  ['non_ascii', 'share of characters beyond ASCII', percent],
  ['distinct_words', 'share of distinct words', percent],
  ['compressed', 'compressed size of the text', percent],
  ['output_tokens', 'output tokens', size],
  ...Array.from({ length: PROJECTIONS }, (_, index): Column => [`wording_${index + 1}`, 'wording']),
  ['input_tokens', 'input tokens', size],
];
const INPUTS: ReadonlySet<string> = new Set(['input_tokens']);

const FLAGS: readonly (readonly [name: string, words: string])[] = [
  ['refusal', 'refusals'],
  ['json', 'answers that are JSON'],
  ['code_fence', 'answers with a code block'],
  ['bullets', 'answers with bullets'],
  ['numbering', 'answers with a numbered list'],
  ['heading', 'answers with headings'],
  ['bold', 'answers with bold text'],
  ['full_stop', 'answers that end with punctuation'],
  ['empty', 'empty answers'],
  ['exclamation', 'answers with an exclamation mark'],
  ['question', 'answers that end with a question'],
];

const WORDS: readonly (readonly [name: string, words: string])[] = [
  ['first_word', 'first word'],
  ['first_two_words', 'first two words'],
  ['last_character', 'last character'],
  ['finish_reason', 'finish reason'],
  ['tools', 'tools that are called'],
  ['json_keys', 'keys of the JSON'],
  ['script', 'script'],
  ['response_model', 'the answering model'],
];

export const FEATURES: readonly Feature[] = [
  ...NUMBERS.map(([name, words, show], at): Feature => {
    return { name, kind: 'number', at, words, show: show ?? null, isInput: INPUTS.has(name) };
  }),
  ...FLAGS.map(([name, words], at): Feature => ({ name, kind: 'flag', at, words, show: null, isInput: false })),
  ...WORDS.map(([name, words], at): Feature => ({ name, kind: 'word', at, words, show: null, isInput: false })),
];

/** What a person would name first, by name; all others follow. */
const TOLD_FIRST: readonly string[] = [
  'response_model',
  'refusal',
  'empty',
  'json',
  'tools',
  'finish_reason',
  'script',
  'characters',
  'output_tokens',
  'words',
  'json_keys',
  'code_fence',
  'bullets',
  'numbering',
  'heading',
  'bold',
  'first_word',
];

/** No statistic of answers, but what they say of themselves: told however much else changed with it. */
export function isCertain({ name }: Pick<Feature, 'name'>): boolean {
  return name === 'response_model';
}

/** Smaller for what a person would rather be told. */
export function tellingOrder({ name }: Feature): number {
  const at = TOLD_FIRST.indexOf(name);
  return at === -1 ? TOLD_FIRST.length : at;
}

/** What comes later in a text changes no statistic of thousands of them. */
const READ_CHARACTERS_MAX = 32_768;
const COMPRESSED_CHARACTERS_MAX = 4_096;
/** A window of so much, and little memory: that is faster than the compression. */
const COMPRESSION = { level: 1, windowBits: 12, memLevel: 1 } as const;
const WORD_CHARACTERS_MAX = 24;
/** It is no part of what was answered, and dated at its end. */
const MODEL_CHARACTERS_MAX = 128;
/** No text has it as a word. */
const NOT_KNOWN = '\u0000';
const HASH_CHARACTERS = 6;
const KEYS_MAX = 8;
const REFUSAL =
  /\b(i'?m sorry|i am sorry|i cannot|i can'?t|i'?m unable|i am unable|as an ai|i won'?t|not able to|cannot assist|can'?t assist|cannot provide|apologi[sz]e)\b/i;
const REFUSAL_CHARACTERS = 300;

/** A fraction of a millisecond for an answer of some thousand characters. Numbers are as exact as they are stored. */
export function featuresOf(output: Output): OutputFeatures {
  const { numbers, ...rest } = allOf(output);
  return { numbers: numbers.map((value) => (value === null ? null : Math.fround(value))), ...rest };
}

function allOf(output: Output): OutputFeatures {
  const text = output.text?.slice(0, READ_CHARACTERS_MAX) ?? null;
  const sizes = [logOrNull(output.outputTokens), logOrNull(output.inputTokens)] as const;
  if (text === null) {
    const numbers = NUMBERS.map(([name]) => (name === 'output_tokens' ? sizes[0] : null));
    return { numbers: [...numbers.slice(0, -1), sizes[1]], flags: null, words: wordsOf(output, null) };
  }
  const trimmed = text.trim();
  const json = jsonOf(trimmed);
  const words = trimmed === '' ? [] : trimmed.split(/\s+/);
  return {
    numbers: [...numbersOf(output.text?.length ?? 0, text, words), sizes[0], ...projectionsOf(text), sizes[1]],
    flags: flagsOf(text, trimmed, json !== undefined),
    words: wordsOf(output, textWords(trimmed, json, words)),
  };
}

function numbersOf(length: number, text: string, words: readonly string[]): readonly number[] {
  const counts = charactersOf(text);
  const characters = Math.max(1, text.length);
  const sentences = Math.max(1, text.match(/[.!?](?=\s|$)/g)?.length ?? 0);
  const inWords = words.reduce((sum, word) => sum + word.length, 0);
  return [
    Math.log1p(length),
    Math.log1p(words.length),
    Math.log1p(counts.lines),
    words.length === 0 ? 0 : inWords / words.length,
    words.length / sentences,
    counts.digits / characters,
    counts.capitals / characters,
    counts.punctuation / characters,
    counts.spaces / characters,
    counts.beyondAscii / characters,
    words.length === 0 ? 0 : new Set(words).size / words.length,
    compression(text),
  ];
}

interface Characters {
  readonly lines: number;
  readonly digits: number;
  readonly capitals: number;
  readonly punctuation: number;
  readonly spaces: number;
  readonly beyondAscii: number;
}

function charactersOf(text: string): Characters {
  let [lines, digits, capitals, punctuation, spaces, beyondAscii] = [0, 0, 0, 0, 0, 0];
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code > 0x7f) beyondAscii += 1;
    else if (code >= 0x61) continue;
    else if (code === 0x20) spaces += 1;
    else if (code === 0x0a) lines += 1;
    else if (code >= 0x30 && code <= 0x39) digits += 1;
    else if (code >= 0x41 && code <= 0x5a) capitals += 1;
    else if (PUNCTUATION.has(code)) punctuation += 1;
  }
  return { lines, digits, capitals, punctuation, spaces, beyondAscii };
}

const PUNCTUATION: ReadonlySet<number> = new Set(Buffer.from('.,;:!?'));

function compression(text: string): number {
  const bytes = Buffer.from(text.slice(0, COMPRESSED_CHARACTERS_MAX));
  return bytes.length === 0 ? 0 : deflateRawSync(bytes, COMPRESSION).length / bytes.length;
}

function flagsOf(text: string, trimmed: string, isJson: boolean): number {
  const holds: readonly boolean[] = [
    REFUSAL.test(text.slice(0, REFUSAL_CHARACTERS)),
    isJson,
    text.includes('```'),
    /^[ \t]*[-*•] /m.test(text),
    /^[ \t]*\d+[.)] /m.test(text),
    /^#+ /m.test(text),
    text.includes('**'),
    /[.!?]$/.test(trimmed),
    trimmed === '',
    text.includes('!'),
    trimmed.endsWith('?'),
  ];
  return holds.reduce((bits, flag, at) => (flag ? bits | (1 << at) : bits), 0);
}

/** Of the text: null where it is not known. */
type TextWords = Readonly<Record<'first' | 'firstTwo' | 'last' | 'keys' | 'script', string>> | null;

function textWords(trimmed: string, json: unknown, words: readonly string[]): TextWords {
  const first = words.slice(0, 2).map((word) => word.toLowerCase());
  return {
    first: first[0] ?? '',
    firstTwo: first.join(' '),
    last: /.$/su.exec(trimmed.slice(-2))?.[0] ?? '',
    keys: keysOf(json),
    script: scriptOf(trimmed),
  };
}

function wordsOf({ tools, finishReason, responseModel }: Output, text: TextWords): readonly string[] {
  return [
    text?.first.slice(0, WORD_CHARACTERS_MAX),
    text?.firstTwo.slice(0, WORD_CHARACTERS_MAX),
    text?.last,
    finishReason === '' ? undefined : finishReason.slice(0, WORD_CHARACTERS_MAX),
    tools === null ? undefined : shortened([...new Set(tools)].toSorted().join(' ')),
    text === null ? undefined : shortened(text.keys),
    text?.script,
    responseModel === '' ? undefined : responseModel.slice(0, MODEL_CHARACTERS_MAX),
  ].map((word) => word?.toWellFormed() ?? NOT_KNOWN);
}

/** Names that are long and not the same stay that. */
function shortened(word: string): string {
  if (word.length <= WORD_CHARACTERS_MAX) return word;
  const hash = shortId(word).slice(0, HASH_CHARACTERS);
  return `${word.slice(0, WORD_CHARACTERS_MAX - HASH_CHARACTERS - 1)}…${hash}`;
}

/** Null: not known. */
export function wordOf({ words }: OutputFeatures, { at }: Feature): string | null {
  const word = words[at] ?? NOT_KNOWN;
  return word === NOT_KNOWN ? null : word;
}

/** Undefined: the text is no JSON object or list. */
function jsonOf(trimmed: string): unknown {
  if (!trimmed.startsWith('{') && !trimmed.startsWith('[')) return undefined;
  try {
    return JSON.parse(trimmed) as unknown;
  } catch {
    return undefined;
  }
}

function keysOf(json: unknown): string {
  if (json === null || typeof json !== 'object' || Array.isArray(json)) return '';
  return Object.keys(json).toSorted().slice(0, KEYS_MAX).join(' ');
}

const SCRIPTS: readonly (readonly [name: string, letters: RegExp])[] = [
  ['Latin', /\p{Script=Latin}/gu],
  ['Cyrillic', /\p{Script=Cyrillic}/gu],
  ['Han', /\p{Script=Han}/gu],
  ['kana', /[\p{Script=Hiragana}\p{Script=Katakana}]/gu],
  ['Hangul', /\p{Script=Hangul}/gu],
  ['Arabic', /\p{Script=Arabic}/gu],
  ['Devanagari', /\p{Script=Devanagari}/gu],
  ['Greek', /\p{Script=Greek}/gu],
  ['Hebrew', /\p{Script=Hebrew}/gu],
  ['Thai', /\p{Script=Thai}/gu],
];
const SCRIPT_CHARACTERS = 512;

/** The one that most of its first letters are of. */
function scriptOf(trimmed: string): string {
  const text = trimmed.slice(0, SCRIPT_CHARACTERS);
  let [name, most] = ['none', 0];
  for (const [script, letters] of SCRIPTS) {
    const found = text.match(letters)?.length ?? 0;
    if (found > most) [name, most] = [script, found];
    if (2 * found > text.length) break;
  }
  return name;
}

function logOrNull(count: number | null): number | null {
  return count === null ? null : Math.log1p(count);
}
