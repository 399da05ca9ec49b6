/**
 * Near misses: for a text that is no instance of anything, which version it was edited from, and
 * the edit. Takes milliseconds, so it belongs off the hot path; the work is capped.
 */

import { createTwoFilesPatch } from 'diff';

import type { AttributionQuery, NearMatch } from '../contract/attribution.ts';
import type { PromptMessage } from '../contract/prompt.ts';
import type { Steps } from '../lib/steps.ts';
import { normaliseTransport } from '../text/hashes.ts';
import { toByteString } from './byte-string.ts';
import { commonRole, isSameRole } from './chat-match.ts';
import { isCutRender, textEnd } from './cut-text.ts';
import type { TextEnd } from './cut-text.ts';
import { matches } from './indexed-pattern.ts';
import { alignToText } from './near-align.ts';
import type { CellBudget, LiteralEdit } from './near-align.ts';
import type { NearCandidate, NearIndex } from './near-index.ts';
import type { IndexedPattern } from './indexed-pattern.ts';
import type { RegisteredMessage, RegisteredVariant } from './registered-variants.ts';
import { EVIDENCE_BYTES_MIN } from './text-matcher.ts';
import { versionName } from './words.ts';

export interface NearBudget {
  /** Cells of dynamic programming for the whole request; 100 take about a microsecond. */
  readonly cellsMax: number;
  readonly matchesMax: number;
}

const BUDGET_DEFAULT: NearBudget = { cellsMax: 300_000, matchesMax: 3 };
// Beyond, only the beginning is compared: the instructions stand there.
const TEXT_BYTES_MAX = 32_768;
const MESSAGES_MAX = 8;
// Less of the template than this, and it is another text that shares some words with it.
const KEPT_SHARE_MIN = 0.6;
// A literal that became a variable looks like an insertion as long as what fills it.
const INSERTED_TIMES_MAX = 3;
const DIFF_CONTEXT_LINES = 2;

interface SeenMessage {
  readonly role: string;
  readonly bytes: string;
  /** There is more of it than is looked at. */
  readonly isBeginning: boolean;
  readonly end: TextEnd;
}

/** The edit of one registered message; no edit where the message fits as it is. */
interface MessageEdit {
  readonly registered: RegisteredMessage;
  readonly literalBytes: number;
  readonly edit: LiteralEdit | null;
}

/** Closest first; empty if nothing registered is close. Between two steps lies a part of it, such as one candidate. */
export function* nearMatches(index: NearIndex, query: AttributionQuery, budget = BUDGET_DEFAULT): Steps<NearMatch[]> {
  const seen = seenMessages(query);
  const candidates: NearCandidate[] = [];
  for (const { bytes } of seen) {
    yield;
    candidates.push(...(yield* index.candidates(bytes)));
  }
  const variants = [...new Set(candidates.map(({ variant }) => variant))];
  const patterns = new Map(
    candidates.map(({ variant, message, pattern }) => [`${variant.number} ${message}`, pattern]),
  );
  const cells: CellBudget = { cells: budget.cellsMax };
  const found: NearMatch[] = [];
  for (const variant of variants) {
    yield;
    const patternFor = (message: number): IndexedPattern | undefined => patterns.get(`${variant.number} ${message}`);
    const edits = editsOf(variant, seen, patternFor, cells);
    yield;
    const near = edits === null ? null : nearMatchOf(variant, edits, isCutIn(variant, seen, patternFor));
    if (near !== null) found.push(near);
  }
  return found.toSorted((a, b) => a.editedBytes - b.editedBytes).slice(0, budget.matchesMax);
}

function messagesOf(query: AttributionQuery): readonly PromptMessage[] {
  return query.text === undefined ? (query.messages ?? []) : [{ role: '', content: query.text }];
}

function seenMessages(query: AttributionQuery): SeenMessage[] {
  return messagesOf(query)
    .slice(0, MESSAGES_MAX)
    .map(({ role, content }) => {
      const isBeginning = content.length > TEXT_BYTES_MAX;
      const bytes = toByteString(normaliseTransport(isBeginning ? content.slice(0, TEXT_BYTES_MAX) : content));
      return { role: commonRole(role), bytes, isBeginning, end: textEnd(content) };
    });
}

/** What became of each of a variant's messages; null if one is not there at all. */
function editsOf(
  variant: RegisteredVariant,
  seen: readonly SeenMessage[],
  patternFor: (message: number) => IndexedPattern | undefined,
  cells: CellBudget,
): MessageEdit[] | null {
  const edits: MessageEdit[] = [];
  for (const [message, registered] of variant.messages.entries()) {
    const [firstPattern] = registered.patterns;
    if (firstPattern === undefined) continue;
    const role = commonRole(registered.role);
    const comparable = seen.filter((text) => role === '' || text.role === '' || text.role === role);
    const fitting = registered.patterns.find((pattern) => comparable.some(({ bytes }) => matches(pattern, bytes)));
    if (fitting !== undefined) {
      edits.push({ registered, literalBytes: fitting.literalBytes, edit: null });
      continue;
    }
    const pattern = patternFor(message) ?? firstPattern;
    const aligned = comparable
      .slice(0, 2)
      .map(({ bytes, isBeginning }) => alignToText(pattern, bytes, cells, isBeginning));
    const [best] = aligned.toSorted((a, b) => sizeOf(a) - sizeOf(b));
    if (best !== undefined) edits.push({ registered, literalBytes: best.comparedBytes, edit: best });
    // A lone text can be but one of several messages.
    else if (seen.length > 1) return null;
  }
  return edits;
}

function sizeOf(edit: LiteralEdit): number {
  return edit.deletedBytes + edit.insertedBytes;
}

/** Whether one of the messages is the beginning of one that is registered, and was cut. */
function isCutIn(
  { messages }: RegisteredVariant,
  seen: readonly SeenMessage[],
  patternFor: (message: number) => IndexedPattern | undefined,
): boolean {
  return messages.some(({ role, patterns }, message) => {
    const pattern = patternFor(message) ?? patterns[0];
    return pattern !== undefined && seen.some((text) => isSameRole(role, text.role) && isCutRender(pattern, text.end));
  });
}

function nearMatchOf(variant: RegisteredVariant, edits: readonly MessageEdit[], isCut: boolean): NearMatch | null {
  const total = sumOf(edits, ({ literalBytes }) => literalBytes);
  const kept = total - sumOf(edits, ({ edit }) => edit?.deletedBytes ?? 0);
  const inserted = sumOf(edits, ({ edit }) => edit?.insertedBytes ?? 0);
  const isAnother = kept < EVIDENCE_BYTES_MIN || kept < total * KEPT_SHARE_MIN || inserted > total * INSERTED_TIMES_MAX;
  if (isAnother && !isCut) return null;
  const { prompt, version } = variant.version;
  return {
    prompt,
    version,
    model: variant.variant.model,
    editedBytes: sumOf(edits, ({ edit }) => (edit === null ? 0 : sizeOf(edit))),
    diff: diffOf(versionName(prompt, version), edits),
    ...(isCut ? { isCut } : {}),
  };
}

function diffOf(name: string, edits: readonly MessageEdit[]): string {
  const side = (which: 'registered' | 'seen'): string =>
    edits
      .flatMap(({ registered, edit }) => {
        if (edit === null) return [];
        const heading = registered.role === '' || edits.length === 1 ? '' : `[${registered.role}]\n`;
        return [`${heading}${edit[which]}\n`];
      })
      .join('\n');
  const options = { context: DIFF_CONTEXT_LINES };
  return createTwoFilesPatch(name, 'seen', side('registered'), side('seen'), undefined, undefined, options);
}

function sumOf(edits: readonly MessageEdit[], bytes: (edit: MessageEdit) => number): number {
  return edits.reduce((sum, edit) => sum + bytes(edit), 0);
}
