/** A linear pattern as the index keeps it, who owns it, and the comparison of its middle with a text. */

import type { Program } from './automaton.ts';
import { accepts } from './automaton.ts';
import { findLiteral, findLiteralOnce } from './literal-search.ts';
import type { LiteralPool, SearchedLiteral } from './literal-search.ts';
import type { Filling, LinearPattern } from './pattern.ts';

/** One text of one variant of a registered version, which a pattern was compiled from. */
export interface TemplatePart {
  /** Number of the variant in the attributor's list. */
  readonly variant: number;
  /** Which of the variant's messages; 0 for a bare text. */
  readonly message: number;
  /** Who it is, at hand for the answer. */
  readonly name: VariantName;
}

/** A literal with the end of what fills the gap before it and the beginning of what fills the gap after it. */
interface FramedLiteral {
  readonly literal: SearchedLiteral;
  /** Bytes before the literal itself. */
  readonly lead: number;
}

export interface VariantName {
  readonly prompt: string;
  readonly version: string;
  readonly model: string;
}

/** What every comparison reads stands first: then it lies in one line of the cache. */
export interface IndexedPattern {
  readonly literalBytes: number;
  /** Sizes of `first` and `last`, so that a comparison need not touch them. */
  readonly firstBytes: number;
  readonly lastBytes: number;
  readonly middle: readonly SearchedLiteral[];
  /** The exact check where the pattern accepts too much; null where it is exact. */
  readonly program: Program | null;
  /** Saves the exact check where each gap holds what it surely may. */
  readonly fillings: LinearPattern['fillings'];
  /** With `fillings`, the literals between as they stand beside loops that have turns. */
  readonly framed: readonly FramedLiteral[];
  /** Whose it is, if it has one owner: at hand for by far the most frequent answer. */
  soleName: VariantName | null;
  /** The next of those that are tried one after the other. */
  next: IndexedPattern | null;
  /** Several where versions render the same texts; none once their versions were removed. */
  owners: readonly TemplatePart[];
  readonly gaps: number;
  readonly first: string;
  readonly last: string;
  readonly middleBytes: readonly string[];
  readonly gapNames: LinearPattern['gapNames'];
  /** Whether several gaps have the same name. */
  readonly repeatsNames: boolean;
  /** The first owner's. */
  readonly prompt: string;
  /** Which of its version's patterns it is: the same of two versions of a prompt are neighbours. */
  readonly ordinal: number;
}

export function indexedPattern(
  pattern: LinearPattern,
  program: Program | null,
  ordinal: number,
  owner: TemplatePart,
  pool: LiteralPool,
): IndexedPattern {
  const { blocks } = pattern;
  const middle = blocks.slice(1, -1).map((bytes) => pool.literal(bytes));
  const first = blocks[0] ?? '';
  const last = blocks.length > 1 ? (blocks.at(-1) ?? '') : '';
  const fillings = program === null ? null : pattern.fillings;
  return {
    literalBytes: pattern.literalBytes,
    firstBytes: first.length,
    lastBytes: last.length,
    middle,
    program,
    fillings,
    framed: fillings === null ? [] : middle.map(({ bytes }, gap) => framedLiteral(bytes, fillings, gap, pool)),
    soleName: owner.name,
    next: null,
    owners: [owner],
    gaps: pattern.gapNames.length,
    first,
    last,
    middleBytes: middle.map(({ bytes }) => bytes),
    gapNames: pattern.gapNames,
    repeatsNames: new Set(pattern.gapNames.map((names) => names.join(' + '))).size < pattern.gapNames.length,
    prompt: owner.name.prompt,
    ordinal,
  };
}

export function setOwners(pattern: IndexedPattern, owners: readonly TemplatePart[]): void {
  pattern.owners = owners;
  pattern.soleName = owners.length === 1 ? (owners[0] as TemplatePart).name : null;
}

function framedLiteral(bytes: string, fillings: readonly Filling[], gap: number, pool: LiteralPool): FramedLiteral {
  const [before, after] = [fillings[gap], fillings[gap + 1]];
  const lead = typeof before === 'object' ? before.end : '';
  const trail = typeof after === 'object' ? after.begin : '';
  return { literal: pool.literal(lead + bytes + trail), lead: lead.length };
}

/**
 * Whether the literals between the first and the last are in the text in order. Taking the leftmost
 * place for each is enough: whoever matches at all also matches so. Where `search` numbers the
 * text, what was found for one pattern is remembered for those that share the literal.
 */
export function middleMatches(pattern: IndexedPattern, text: string, search: number | null): boolean {
  const { middle } = pattern;
  const end = text.length - pattern.lastBytes;
  let at = pattern.firstBytes;
  if (at > end) return false;
  const { fillings } = pattern;
  let areFilled = fillings !== null;
  for (let gap = 0; gap < middle.length; gap += 1) {
    const literal = middle[gap] as SearchedLiteral;
    const last = end - literal.bytes.length;
    const found =
      search === null ? findLiteral(text, literal, at, last) : findLiteralOnce(text, literal, at, last, search);
    if (found === -1) return false;
    areFilled &&= isFilledBy(text, at, found, fillings?.[gap]);
    at = found + literal.bytes.length;
  }
  if (pattern.program === null) return true;
  areFilled &&= isFilledBy(text, at, end, fillings?.at(-1));
  return areFilled || fitsFramed(pattern, text) || accepts(pattern.program, text) !== 'no';
}

/**
 * A variable's own text often holds a short literal such as a line feed, and then the leftmost place
 * is not the one that the template put it in. The place beside the loop mostly is; where it fits,
 * the search through the program, which takes ten times as long, is spared.
 */
function fitsFramed({ middle, framed, fillings, firstBytes, lastBytes }: IndexedPattern, text: string): boolean {
  if (fillings === null) return false;
  const end = text.length - lastBytes;
  let at = firstBytes;
  for (let gap = 0; gap < framed.length; gap += 1) {
    const { literal, lead } = framed[gap] as FramedLiteral;
    const found = findLiteral(text, literal, at, end - literal.bytes.length);
    if (found === -1 || !isFilledBy(text, at, found + lead, fillings[gap])) return false;
    at = found + lead + (middle[gap] as SearchedLiteral).bytes.length;
  }
  return isFilledBy(text, at, end, fillings.at(-1));
}

/** Whether what stands from `start` to `end` is surely what may fill the gap. */
function isFilledBy(text: string, start: number, end: number, filling: Filling | undefined): boolean {
  if (filling === 'anything' || start === end) return true;
  if (filling === undefined || filling === 'unclear') return false;
  const { begin, end: close } = filling;
  if (end - start < begin.length + close.length) return false;
  return text.startsWith(begin, start) && text.startsWith(close, end - close.length);
}

/** The whole comparison, for a text that no index has looked at. */
export function matches(pattern: IndexedPattern, text: string): boolean {
  if (text.length < pattern.literalBytes) return false;
  if (pattern.gaps === 0) {
    return text === pattern.first && (pattern.program === null || accepts(pattern.program, text) !== 'no');
  }
  return text.startsWith(pattern.first) && text.endsWith(pattern.last) && middleMatches(pattern, text, null);
}

/** What filled each gap of a pattern that matches, as byte strings. */
export function gapValues(pattern: IndexedPattern, text: string): string[] {
  if (pattern.gaps === 0) return [];
  const values: string[] = [];
  const end = text.length - pattern.last.length;
  let at = pattern.first.length;
  for (const literal of pattern.middle) {
    const found = findLiteral(text, literal, at, end - literal.bytes.length);
    values.push(text.slice(at, found));
    at = found + literal.bytes.length;
  }
  values.push(text.slice(at, end));
  return values;
}
