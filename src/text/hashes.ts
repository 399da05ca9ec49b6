/**
 * The three hashes of a prompt text, and what each forgives. Stored text is never altered: only
 * what is hashed is normalised. Never normalised, because the model sees it: case, indentation,
 * inner spaces, tabs, compatibility forms, quotes and dashes, zero-width and bidirectional
 * characters, punctuation, numbers, order. Pure.
 */

import type { ContentHash, ContentHashes, PromptBody, SeenContent } from '../contract/prompt.ts';
import { sha256 } from '../lib/hash.ts';
import { canonicalBody, mapBody } from './body.ts';

const BYTE_ORDER_MARK = '\uFEFF';

/** Forgives how a text was carried: BOM, CRLF, Unicode composition, white space around it. */
export function normaliseTransport(text: string): string {
  const withoutMark = text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text;
  return withoutMark.replace(/\r\n?/g, '\n').normalize('NFC').trim();
}

/** Forgives, beyond transport, white space that hardly shows: at line ends, and runs of blank lines. */
export function normaliseCosmetic(text: string): string {
  return normaliseTransport(text)
    .replace(/(?<![ \t])[ \t]+$/gm, '')
    .replace(/\n{3,}/g, '\n\n');
}

export function contentHashes(body: PromptBody): ContentHashes {
  return {
    strict: sha256(canonicalBody(body)),
    transport: sha256(canonicalBody(mapBody(body, normaliseTransport))),
    cosmetic: sha256(canonicalBody(mapBody(body, normaliseCosmetic))),
  };
}

/** Enough of it to compare by eye, and to tell two contents of one place apart. */
export const SHOWN_HASH_DIGITS = 12;

export function shownHash(hash: string): string {
  return hash.slice(0, 'sha256:'.length + SHOWN_HASH_DIGITS);
}

/** `hash`: of what is there now; null when nothing is. */
export function isWhatWasSeen(hash: ContentHash | null, seen: SeenContent): boolean {
  return seen === 'missing' ? hash === null : hash !== null && hash.startsWith(seen);
}

export type HashKind = keyof ContentHashes;

/** The strictest of the three that is equal, or null. */
export function strictestEqualHash(a: ContentHashes, b: ContentHashes): HashKind | null {
  if (a.strict === b.strict) return 'strict';
  if (a.transport === b.transport) return 'transport';
  return a.cosmetic === b.cosmetic ? 'cosmetic' : null;
}
