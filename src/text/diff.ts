/**
 * Unified diffs that people can read in a chat message: long lines are compared sentence by
 * sentence, differences that do not show are made to show, and size and time are bounded. It is
 * for reading; `patch` can't apply it. Pure.
 */

import { diffArrays } from 'diff';
import { look, revealAll, revealHidden } from './invisible.ts';
import { segmentLine } from './segments.ts';
import { shortenDiff } from './shorten-diff.ts';

export interface DiffOptions {
  readonly beforeLabel?: string;
  readonly afterLabel?: string;
  /** Unchanged lines (or pieces of a long line) around each change. Default 3. */
  readonly contextLines?: number;
  /** Of the result in UTF-8, its closing mark included. Default 16 KiB. */
  readonly bytesMax?: number;
}

const BYTES_MAX_DEFAULT = 16_384;
const CONTEXT_LINES_DEFAULT = 3;
/** The comparison's time and memory grow with the square of this: 1,500 is about 50 ms. Beyond it, all is replaced. */
const EDITS_MAX = 1_500;

/** A line, or a piece of a long one. */
interface Piece {
  readonly text: string;
  /** From 1. */
  readonly line: number;
  /** Characters of the line before this piece. */
  readonly offset: number;
  readonly endsLine: boolean;
}

interface Row {
  readonly sign: ' ' | '-' | '+';
  readonly piece: Piece;
  /** Set when the other side has a piece that looks the same: what has to be shown to tell them apart. */
  readonly reveal: 'nothing' | 'all' | 'all_but_last_space';
  /** Where it is, or would be, in each text. */
  readonly beforeLine: number;
  readonly afterLine: number;
}

type UnplacedRow = Omit<Row, 'beforeLine' | 'afterLine'>;

/** What changed from `before` to `after`; empty when they are the same. */
export function unifiedDiff(before: string, after: string, options: DiffOptions = {}): string {
  if (before === after) return '';
  const head = [`--- ${options.beforeLabel ?? 'expected'}`, `+++ ${options.afterLabel ?? 'observed'}`];
  const endings = compareLineEndings(before, after);
  const rows = compare(pieces(endings.before), pieces(endings.after));
  const hunks = cutHunks(rows, options.contextLines ?? CONTEXT_LINES_DEFAULT);
  const body = [...endings.note, ...hunks.flatMap(renderHunk)];
  const lines = body.length > 0 ? body : finalNewline(before, after);
  return shortenDiff([...head, ...lines].join('\n'), options.bytesMax ?? BYTES_MAX_DEFAULT);
}

/** When one text ends all its lines in CRLF and the other in LF, that is said once and not on every line. */
function compareLineEndings(
  before: string,
  after: string,
): { readonly before: string; readonly after: string; readonly note: readonly string[] } {
  const [from, to] = [lineEndings(before), lineEndings(after)];
  if (from.mixed || to.mixed || (from.crlf === 0 && to.crlf === 0)) return { before, after, note: [] };
  const unixBefore = before.replaceAll('\r\n', '\n');
  const unixAfter = after.replaceAll('\r\n', '\n');
  // A text without any line break has no opinion.
  const same = from.crlf + from.lf === 0 || to.crlf + to.lf === 0 || from.crlf > 0 === to.crlf > 0;
  const note = same ? [] : ['@@ line endings @@', `-${endingWords(from.crlf)}`, `+${endingWords(to.crlf)}`];
  return { before: unixBefore, after: unixAfter, note };
}

function endingWords(crlf: number): string {
  return crlf > 0 ? 'all lines end in ␍␊ (CRLF)' : 'all lines end in ␊ (LF)';
}

function lineEndings(text: string): { readonly crlf: number; readonly lf: number; readonly mixed: boolean } {
  const crlf = text.split('\r\n').length - 1;
  const lf = text.split('\n').length - 1 - crlf;
  const bareReturns = text.split('\r').length - 1 - crlf;
  return { crlf, lf, mixed: (crlf > 0 && lf > 0) || bareReturns > 0 };
}

function pieces(text: string): readonly Piece[] {
  const lines = text.split('\n');
  // A line feed ends a line; it does not begin an empty one.
  if (lines.at(-1) === '') lines.pop();
  return lines.flatMap((line, index) => {
    let offset = 0;
    const segments = segmentLine(line);
    return segments.map((segment, position): Piece => {
      const piece = { text: segment, line: index + 1, offset, endsLine: position === segments.length - 1 };
      offset += segment.length;
      return piece;
    });
  });
}

function sameKey(a: Piece, b: Piece): boolean {
  return a.text === b.text && a.endsLine === b.endsLine;
}

function compare(before: readonly Piece[], after: readonly Piece[]): readonly Row[] {
  const shortest = Math.min(before.length, after.length);
  let start = 0;
  while (start < shortest && sameAt(before, start, after, start)) start += 1;
  let end = 0;
  while (end < shortest - start && sameAt(before, before.length - 1 - end, after, after.length - 1 - end)) end += 1;
  const rows = [
    ...after.slice(0, start).map(unchanged),
    ...compareMiddle(before.slice(start, before.length - end), after.slice(start, after.length - end)),
    ...after.slice(after.length - end).map(unchanged),
  ];
  return placed(rows, before, after);
}

function sameAt(before: readonly Piece[], beforeIndex: number, after: readonly Piece[], afterIndex: number): boolean {
  const [a, b] = [before[beforeIndex], after[afterIndex]];
  return a !== undefined && b !== undefined && sameKey(a, b);
}

function unchanged(piece: Piece): UnplacedRow {
  return { sign: ' ', piece, reveal: 'nothing' };
}

function placed(rows: readonly UnplacedRow[], before: readonly Piece[], after: readonly Piece[]): readonly Row[] {
  let [beforeIndex, afterIndex] = [0, 0];
  const lineAt = (list: readonly Piece[], index: number): number => (list[index] ?? list.at(-1))?.line ?? 0;
  return rows.map((row) => {
    const result = { ...row, beforeLine: lineAt(before, beforeIndex), afterLine: lineAt(after, afterIndex) };
    if (row.sign !== '+') beforeIndex += 1;
    if (row.sign !== '-') afterIndex += 1;
    return result;
  });
}

function compareMiddle(before: readonly Piece[], after: readonly Piece[]): readonly UnplacedRow[] {
  const changes = diffArrays([...before], [...after], { comparator: sameKey, maxEditLength: EDITS_MAX }) ?? [
    { value: [...before], added: false, removed: true, count: before.length },
    { value: [...after], added: true, removed: false, count: after.length },
  ];
  const rows: UnplacedRow[] = [];
  for (let index = 0; index < changes.length; index += 1) {
    const change = changes[index];
    if (change === undefined) continue;
    if (!change.added && !change.removed) {
      rows.push(...change.value.map(unchanged));
      continue;
    }
    // The library gives a replacement as one removal and one addition, in either order.
    const other = changes[index + 1];
    const paired = other !== undefined && other.added !== change.added && other.removed !== change.removed;
    const removed = change.removed ? change.value : paired ? other.value : [];
    const added = change.added ? change.value : paired ? other.value : [];
    rows.push(...changedRows(removed, added));
    if (paired) index += 1;
  }
  return rows;
}

/** Removals first; pieces that look alike on both sides get their invisible characters shown. */
function changedRows(removed: readonly Piece[], added: readonly Piece[]): readonly UnplacedRow[] {
  const [gone, came] = [looksOf(removed), looksOf(added)];
  const row = (sign: '-' | '+', piece: Piece): UnplacedRow => {
    const alike = look(piece.text);
    const [before, after] = [gone.get(alike), came.get(alike)];
    if (before === undefined || after === undefined) return { sign, piece, reveal: 'nothing' };
    // Where a sentence was cut off, the space after it is on both sides and only a distraction.
    return {
      sign,
      piece,
      reveal: before === 'cut_at_space' && after === 'cut_at_space' ? 'all_but_last_space' : 'all',
    };
  };
  return [...removed.map((piece) => row('-', piece)), ...added.map((piece) => row('+', piece))];
}

/** The looks of pieces, and whether all that look so end with a space where their line was cut. */
function looksOf(list: readonly Piece[]): ReadonlyMap<string, 'cut_at_space' | 'other'> {
  const looks = new Map<string, 'cut_at_space' | 'other'>();
  for (const piece of list) {
    const key = look(piece.text);
    const isCut = !piece.endsLine && piece.text.endsWith(' ') && looks.get(key) !== 'other';
    looks.set(key, isCut ? 'cut_at_space' : 'other');
  }
  return looks;
}

/** Runs of rows in which every change has its context; runs that touch are one. */
function cutHunks(rows: readonly Row[], contextLines: number): readonly (readonly Row[])[] {
  const spans: { from: number; until: number }[] = [];
  rows.forEach((row, index) => {
    if (row.sign === ' ') return;
    const from = Math.max(0, index - contextLines);
    const until = Math.min(rows.length, index + contextLines + 1);
    const last = spans.at(-1);
    if (last !== undefined && from <= last.until) last.until = until;
    else spans.push({ from, until });
  });
  return spans.map((span) => rows.slice(span.from, span.until));
}

function renderHunk(rows: readonly Row[]): readonly string[] {
  const place = rows.find((row) => row.sign !== ' ') ?? rows[0];
  const within = place !== undefined && place.piece.offset > 0 ? ` at character ${place.piece.offset + 1}` : '';
  return [`@@ -${range(rows, '-')} +${range(rows, '+')} @@${within}`, ...rows.map(renderRow)];
}

function range(rows: readonly Row[], sign: '-' | '+'): string {
  const lines = rows
    .filter((row) => row.sign === sign || row.sign === ' ')
    .map((row) => (sign === '-' ? row.beforeLine : row.afterLine));
  const first = lines[0];
  if (first === undefined) return `${(sign === '-' ? rows[0]?.beforeLine : rows[0]?.afterLine) ?? 0},0`;
  const count = (lines.at(-1) ?? first) - first + 1;
  return count === 1 ? `${first}` : `${first},${count}`;
}

function renderRow(row: Row): string {
  const { offset, endsLine } = row.piece;
  return `${row.sign}${offset > 0 ? '… ' : ''}${shownText(row)}${endsLine ? '' : ' …'}`;
}

function shownText({ piece: { text, endsLine }, reveal }: Row): string {
  if (reveal === 'all') return revealAll(text);
  if (reveal === 'all_but_last_space') return revealAll(text.slice(0, -1));
  return revealHidden(endsLine ? text : text.trimEnd());
}

/** All lines are the same: only the line feed at the end can differ. */
function finalNewline(before: string, after: string): readonly string[] {
  const last =
    after
      .replace(/\r?\n$/, '')
      .split('\n')
      .at(-1) ?? '';
  const tail = revealHidden(segmentLine(last).at(-1) ?? '');
  const without = '\\ No newline at the end';
  const side = (sign: string, text: string): string[] =>
    text.endsWith('\n') ? [`${sign}${tail}`] : [`${sign}${tail}`, without];
  const line = after.replace(/\r?\n$/, '').split('\n').length;
  return [`@@ -${line} +${line} @@`, ...side('-', before), ...side('+', after)];
}
