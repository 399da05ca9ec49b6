/**
 * Keys that facts of different traces share when they may tell of the same call: the provider's
 * response id, and for reports that lack it what was said, or which run it was, at about the same time. As strings for
 * memory, and as they stand in the columns of `span_facts`. Pure.
 */

import type { SpanFacts } from '../../contract/span-facts.ts';
import { lookupKeys, twinOf } from '../../invocations/settle.ts';
import { millisFromTimestamp } from '../../lib/time.ts';

// Twins report one call at the same moment; a call may begin at the end of one slot of time.
const TWIN_SLOT_MS = 10_000;
const RESPONSE_KEY = 'id:';
const TWIN_KEY = 'io:';

/**
 * Keys of a fact that other traces may share. A twin key is a few bits only, and many calls have the
 * same: it counts together with the time, of which neighbouring slots share one key.
 */
export function sharedKeys(facts: SpanFacts): readonly string[] {
  const keys = lookupKeys(facts);
  if (keys.every((key) => key.startsWith(RESPONSE_KEY))) return keys;
  const slot = slotOf(facts);
  return keys.flatMap((key) => (key.startsWith(RESPONSE_KEY) ? [key] : [`${key}@${slot}`, `${key}@${slot + 1}`]));
}

/** The response id of a fact that has these keys. */
export function responseIdOf(keys: readonly string[]): string | undefined {
  return keys.find((key) => key.startsWith(RESPONSE_KEY))?.slice(RESPONSE_KEY.length);
}

/** What stands in the column `twin_key`; empty for none. */
export function twinColumn(facts: SpanFacts): string {
  const twin = twinOf(facts);
  return twin === undefined ? '' : `${twin}@${slotOf(facts)}`;
}

/** The keys of what stands in the columns; see `sharedKeys`. */
export function keysOfColumns({ responseId, twinKey }: { responseId: string; twinKey: string }): readonly string[] {
  const keys = responseId === '' ? [] : [`${RESPONSE_KEY}${responseId}`];
  const at = twinKey.lastIndexOf('@');
  if (at === -1) return keys;
  const slot = Number(twinKey.slice(at + 1));
  return [...keys, `${TWIN_KEY}${twinKey}`, `${TWIN_KEY}${twinKey.slice(0, at)}@${slot + 1}`];
}

export interface SharedColumns {
  readonly responseIds: Set<string>;
  readonly twinKeys: Set<string>;
}

/** Adds what stands in the columns of facts that have this key. */
export function addColumnsOfKey(key: string, columns: SharedColumns): void {
  if (key.startsWith(RESPONSE_KEY)) {
    columns.responseIds.add(key.slice(RESPONSE_KEY.length));
    return;
  }
  const at = key.lastIndexOf('@');
  const name = key.slice(TWIN_KEY.length, at);
  const slot = Number(key.slice(at + 1));
  // A fact has the key of its own slot and that of the next one.
  columns.twinKeys.add(`${name}@${slot}`).add(`${name}@${slot - 1}`);
}

function slotOf({ startedAt }: SpanFacts): number {
  return Math.floor(millisFromTimestamp(startedAt) / TWIN_SLOT_MS);
}
