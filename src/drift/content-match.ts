/** Which registered versions hold exactly this text, and how much two texts have in common. Pure. */

import type { HeldObservation } from '../contract/observation.ts';
import type { ContentHashes, PromptBody, PromptVariant, RegisteredVersion } from '../contract/prompt.ts';
import { bodyMessages, displayBody, textBody } from '../text/body.ts';
import { contentHashes, type HashKind, strictestEqualHash } from '../text/hashes.ts';
import { compareSettings, type SettingsComparison } from './settings.ts';

export interface ContentMatch {
  readonly version: RegisteredVersion;
  readonly variant: PromptVariant;
  readonly kind: HashKind;
  /** True when one side is a bare text and the other the same text as the only message of a chat. */
  readonly rewrapped: boolean;
  readonly settings: SettingsComparison;
}

const KIND_RANK: Readonly<Record<HashKind, number>> = { strict: 0, transport: 1, cosmetic: 2 };

/** One match for each version that holds this content, in registry order; of several variants the closest. */
export function matchContent(
  versions: readonly RegisteredVersion[],
  held: Pick<HeldObservation, 'body' | 'hashes' | 'settings'>,
): readonly ContentMatch[] {
  const bare = onlyMessage(held.body);
  return versions.flatMap((version) => {
    const matches = version.variants.flatMap((variant): ContentMatch[] => {
      const found = matchVariant(variant, held, bare);
      if (found === null) return [];
      return [{ version, variant, ...found, settings: compareSettings(variant, held.settings) }];
    });
    const [best] = matches.toSorted(
      (a, b) => KIND_RANK[a.kind] - KIND_RANK[b.kind] || a.settings.changes.length - b.settings.changes.length,
    );
    return best === undefined ? [] : [best];
  });
}

/** `identical`, `same, re-encoded`, `whitespace drift`: only equal strict hashes are identical. */
export function matchWords(match: ContentMatch): string {
  if (match.rewrapped) return 'same text, carried as one message';
  if (match.kind === 'strict') return 'identical';
  return match.kind === 'transport' ? 'same, re-encoded' : 'whitespace drift';
}

/**
 * The text as it is compared and shown. Where one side is a bare text and the other a chat of one
 * message, the role is left out on both.
 */
export function comparableTexts(a: PromptBody, b: PromptBody): readonly [string, string] {
  if (a.kind !== b.kind) {
    const [first, second] = [onlyMessage(a), onlyMessage(b)];
    if (first !== null && second !== null) return [first, second];
  }
  return [displayBody(a), displayBody(b)];
}

/** Fewer runs of three words say nothing about where a text comes from. */
const RUNS_MIN = 12;

/**
 * From 0 to 1, how much of one text is in the other: the share of words that they have in common
 * (Dice's coefficient over their multisets), or the share of the first one's runs of three words
 * that the second one holds, so that a text which was only added to is still recognised.
 */
export function resemblance(a: string, b: string): number {
  const [first, second] = [wordsOf(a), wordsOf(b)];
  const total = first.length + second.length;
  if (total === 0) return 1;
  const [firstRuns, secondRuns] = [new Set(runs(first)), new Set(runs(second))];
  const kept =
    firstRuns.size < RUNS_MIN ? 0 : [...firstRuns].filter((run) => secondRuns.has(run)).length / firstRuns.size;
  return Math.max((2 * commonWords(first, second)) / total, kept);
}

function matchVariant(
  variant: PromptVariant,
  held: Pick<HeldObservation, 'body' | 'hashes'>,
  heldOnly: string | null,
): { readonly kind: HashKind; readonly rewrapped: boolean } | null {
  const kind = strictestEqualHash(variant.hashes, held.hashes);
  if (kind !== null) return { kind, rewrapped: false };
  if (variant.body.kind === held.body.kind || heldOnly === null) return null;
  const registered = onlyMessage(variant.body);
  const same = registered === null ? null : strictestEqualHash(hashesOf(registered), hashesOf(heldOnly));
  return same === null ? null : { kind: same === 'strict' ? 'transport' : same, rewrapped: true };
}

function hashesOf(text: string): ContentHashes {
  return contentHashes(textBody(text));
}

function onlyMessage(body: PromptBody): string | null {
  const messages = bodyMessages(body);
  return messages.length === 1 ? (messages[0]?.content ?? null) : null;
}

function wordsOf(text: string): readonly string[] {
  return text.toLowerCase().match(/[\p{Script=Han}]|[\p{L}\p{N}_]+/gu) ?? [];
}

function runs(words: readonly string[]): readonly string[] {
  return words.slice(2).map((word, index) => `${words[index]} ${words[index + 1]} ${word}`);
}

function commonWords(a: readonly string[], b: readonly string[]): number {
  const left = new Map<string, number>();
  for (const word of a) left.set(word, (left.get(word) ?? 0) + 1);
  let common = 0;
  for (const word of b) {
    const count = left.get(word) ?? 0;
    if (count === 0) continue;
    left.set(word, count - 1);
    common += 1;
  }
  return common;
}
