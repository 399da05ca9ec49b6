/**
 * The smallest edit of a template's own text that makes a given text one of its renders: what a
 * variable takes costs nothing, a literal byte that has to go or to come costs one. Aligned first
 * at phrases that occur once in both, and exactly only between those.
 */

import { fromByteString } from './byte-string.ts';
import type { IndexedPattern } from './indexed-pattern.ts';

export interface LiteralEdit {
  /** Of the template's own text; less than all of it where only the beginning of the text was looked at. */
  readonly comparedBytes: number;
  readonly deletedBytes: number;
  readonly insertedBytes: number;
  /** The template as it is registered, and as the text shows it; variables are `{{name}}` in both. */
  readonly registered: string;
  readonly seen: string;
}

/** Cells of the dynamic programme that are left for one request; shared by its alignments. */
export interface CellBudget {
  cells: number;
}

// Words, runs of blanks, single line ends, and anything else character by character.
const TOKEN = /[\w\x80-\xff]+|[ \t]+|[^]/g;
const PHRASE_TOKENS = 3;
// A gap takes a token for a 256th of a byte: free, but not preferred to what needs no taking.
const BYTE_COST = 256;
const TAKE_COST = 1;

type Operation = 'keep' | 'delete' | 'insert' | 'gap' | 'take';
const OPERATIONS: readonly Operation[] = ['keep', 'delete', 'insert', 'gap', 'take'];

/** A token of the template; -1 - n is the gap n. Tokens are numbered so that comparing them is cheap. */
interface Tokens {
  readonly template: readonly number[];
  readonly text: readonly number[];
  readonly spellings: readonly string[];
}

/** `text` is a byte string. `isBeginning`: there is more of it, so that what it lacks at its end is not compared. */
export function alignToText(
  pattern: IndexedPattern,
  text: string,
  budget: CellBudget,
  isBeginning = false,
): LiteralEdit {
  const tokens = tokenise(pattern, text, isBeginning);
  const edit = new EditBuilder(pattern, tokens.spellings);
  let template = 0;
  let seen = 0;
  const anchors = [...commonPhrases(tokens), { template: tokens.template.length, text: tokens.text.length }];
  for (const anchor of anchors) {
    alignBetween(tokens, [template, anchor.template], [seen, anchor.text], edit, budget);
    template = anchor.template;
    seen = anchor.text;
  }
  return edit.result(isBeginning);
}

function tokenise(pattern: IndexedPattern, text: string, isBeginning: boolean): Tokens {
  const numbers = new Map<string, number>();
  const spellings: string[] = [];
  const numberOf = (token: string): number => {
    let number = numbers.get(token);
    if (number === undefined) {
      number = spellings.push(token) - 1;
      numbers.set(token, number);
    }
    return number;
  };
  const template: number[] = [];
  const blocks = pattern.gaps === 0 ? [pattern.first] : [pattern.first, ...pattern.middleBytes, pattern.last];
  // What the text has no room for can't be in it.
  let room = isBeginning ? text.length : Infinity;
  for (const [block, bytes] of blocks.entries()) {
    if (room <= 0) break;
    if (block > 0) template.push(-block);
    for (const token of bytes.slice(0, room).match(TOKEN) ?? []) template.push(numberOf(token));
    room -= bytes.length;
  }
  return { template, text: (text.match(TOKEN) ?? []).map(numberOf), spellings };
}

interface Pair {
  readonly template: number;
  readonly text: number;
}

/** Places where a phrase that is unique in both stands, in the order of both: the longest such chain. */
function commonPhrases({ template, text }: Tokens): Pair[] {
  const inText = uniquePhrases(text);
  const pairs: Pair[] = [];
  for (const [phrase, at] of uniquePhrases(template)) {
    const there = inText.get(phrase);
    if (at >= 0 && there !== undefined && there >= 0) pairs.push({ template: at, text: there });
  }
  return longestChain(pairs.toSorted((a, b) => a.template - b.template));
}

/** By phrase where it starts; -1 if it occurs again. */
function uniquePhrases(tokens: readonly number[]): Map<string, number> {
  const phrases = new Map<string, number>();
  for (let at = 0; at + PHRASE_TOKENS <= tokens.length; at += 1) {
    const [a = 0, b = 0, c = 0] = tokens.slice(at, at + PHRASE_TOKENS);
    if (a < 0 || b < 0 || c < 0) continue;
    const phrase = `${a} ${b} ${c}`;
    phrases.set(phrase, phrases.has(phrase) ? -1 : at);
  }
  return phrases;
}

/** Patience: the longest sequence in which both places rise. */
function longestChain(pairs: readonly Pair[]): Pair[] {
  const tops: number[] = [];
  const before = new Int32Array(pairs.length).fill(-1);
  for (const [at, pair] of pairs.entries()) {
    let low = 0;
    let high = tops.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((pairs[tops[middle] as number] as Pair).text < pair.text) low = middle + 1;
      else high = middle;
    }
    before[at] = low === 0 ? -1 : (tops[low - 1] as number);
    tops[low] = at;
  }
  const chain: Pair[] = [];
  for (let at = tops.at(-1) ?? -1; at >= 0; at = before[at] as number) chain.push(pairs[at] as Pair);
  return chain.toReversed();
}

type Range = readonly [start: number, end: number];

function alignBetween(tokens: Tokens, inTemplate: Range, inText: Range, edit: EditBuilder, budget: CellBudget): void {
  const template = tokens.template.slice(...inTemplate);
  const text = tokens.text.slice(...inText);
  let same = 0;
  while (same < template.length && same < text.length && template[same] === text[same]) {
    edit.push('keep', template[same] as number);
    same += 1;
  }
  const restOfTemplate = template.slice(same);
  const restOfText = text.slice(same);
  const cells = (restOfTemplate.length + 1) * (restOfText.length + 1);
  if (cells > budget.cells) {
    replaceAll(restOfTemplate, restOfText, edit);
    return;
  }
  budget.cells -= cells;
  alignExactly(restOfTemplate, restOfText, tokens.spellings, edit);
}

/** Without the means to look closer: the literals are gone, and a gap, if there is one, took the text. */
function replaceAll(template: readonly number[], text: readonly number[], edit: EditBuilder): void {
  for (const token of template) edit.push(token < 0 ? 'gap' : 'delete', token);
  const hasGap = template.some((token) => token < 0);
  for (const token of text) edit.push(hasGap ? 'take' : 'insert', token);
}

function alignExactly(
  template: readonly number[],
  text: readonly number[],
  spellings: readonly string[],
  edit: EditBuilder,
): void {
  const width = text.length + 1;
  const chosen = new Uint8Array((template.length + 1) * width);
  const sizeOf = (token: number): number => (spellings[token] as string).length * BYTE_COST;
  let above = new Float64Array(width);
  let row = new Float64Array(width);
  for (let x = 1; x < width; x += 1) {
    above[x] = (above[x - 1] as number) + sizeOf(text[x - 1] as number);
    chosen[x] = 2;
  }
  for (let t = 1; t <= template.length; t += 1) {
    const token = template[t - 1] as number;
    const start = t * width;
    if (token < 0) fillGapRow(row, above, chosen, start);
    else fillLiteralRow(row, above, chosen, start, token, text, sizeOf);
    [above, row] = [row, above];
  }
  traceBack(template, text, chosen, edit);
}

/** A gap is passed by, or takes one more token. */
function fillGapRow(row: Float64Array, above: Float64Array, chosen: Uint8Array, start: number): void {
  row[0] = above[0] as number;
  chosen[start] = 3;
  for (let x = 1; x < row.length; x += 1) {
    const passed = above[x] as number;
    const taken = (row[x - 1] as number) + TAKE_COST;
    row[x] = Math.min(passed, taken);
    chosen[start + x] = passed <= taken ? 3 : 4;
  }
}

/** A literal token is kept where it is there, or deleted; a text token that is not there is inserted. */
function fillLiteralRow(
  row: Float64Array,
  above: Float64Array,
  chosen: Uint8Array,
  start: number,
  token: number,
  text: readonly number[],
  sizeOf: (token: number) => number,
): void {
  const size = sizeOf(token);
  row[0] = (above[0] as number) + size;
  chosen[start] = 1;
  for (let x = 1; x < row.length; x += 1) {
    const seen = text[x - 1] as number;
    let cost = (above[x] as number) + size;
    let operation = 1;
    const inserted = (row[x - 1] as number) + sizeOf(seen);
    if (inserted < cost) {
      cost = inserted;
      operation = 2;
    }
    if (seen === token && (above[x - 1] as number) <= cost) {
      cost = above[x - 1] as number;
      operation = 0;
    }
    row[x] = cost;
    chosen[start + x] = operation;
  }
}

function traceBack(template: readonly number[], text: readonly number[], chosen: Uint8Array, edit: EditBuilder): void {
  const steps: [Operation, number][] = [];
  let t = template.length;
  let x = text.length;
  while (t > 0 || x > 0) {
    const operation = OPERATIONS[chosen[t * (text.length + 1) + x] as number] as Operation;
    const usesTemplate = operation === 'keep' || operation === 'delete' || operation === 'gap';
    if (operation === 'keep' || operation === 'insert' || operation === 'take') x -= 1;
    if (usesTemplate) t -= 1;
    steps.push([operation, (usesTemplate ? template[t] : text[x]) as number]);
  }
  for (const [operation, token] of steps.toReversed()) edit.push(operation, token);
}

/** Writes both sides of the edit down as the alignment goes along. */
class EditBuilder {
  private readonly pattern: IndexedPattern;
  private readonly spellings: readonly string[];
  private readonly registered: string[] = [];
  private readonly seen: string[] = [];
  private keptBytes = 0;
  private deletedBytes = 0;
  private insertedBytes = 0;
  /** What was deleted since something was last found or inserted, and where that began on either side. */
  private missing = { bytes: 0, registered: 0, seen: 0 };

  constructor(pattern: IndexedPattern, spellings: readonly string[]) {
    this.pattern = pattern;
    this.spellings = spellings;
  }

  push(operation: Operation, token: number): void {
    if (operation === 'take') return;
    const written = token < 0 ? this.gapWritten(token) : (this.spellings[token] as string);
    if (operation !== 'insert') this.registered.push(written);
    if (operation !== 'delete') this.seen.push(written);
    if (operation === 'keep') this.keptBytes += written.length;
    if (operation === 'insert') this.insertedBytes += written.length;
    if (operation === 'delete') {
      this.deletedBytes += written.length;
      this.missing.bytes += written.length;
    } else if (operation !== 'gap') {
      this.missing = { bytes: 0, registered: this.registered.length, seen: this.seen.length };
    }
  }

  /** `isBeginning`: what is missing at the end may stand in the rest of the text. */
  result(isBeginning: boolean): LiteralEdit {
    const { keptBytes, insertedBytes, missing } = this;
    const deletedBytes = this.deletedBytes - (isBeginning ? missing.bytes : 0);
    const written = (side: 'registered' | 'seen'): string =>
      fromByteString((isBeginning ? this[side].slice(0, missing[side]) : this[side]).join(''));
    return {
      comparedBytes: keptBytes + deletedBytes,
      deletedBytes,
      insertedBytes,
      registered: written('registered'),
      seen: written('seen'),
    };
  }

  private gapWritten(token: number): string {
    const names = this.pattern.gapNames[-token - 1] ?? [];
    return names.map((name) => `{{${Buffer.from(name, 'utf8').toString('latin1')}}}`).join('');
  }
}
