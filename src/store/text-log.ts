/**
 * Content-addressed texts: each is stored once, whoever refers to it. Those of calls stand in a table of their own,
 * which lets go of them; see `retention.ts`.
 */

import type { ContentHash } from '../contract/prompt.ts';
import type { TextLog } from '../contract/store.ts';
import { chunks } from '../lib/chunks.ts';
import type { Database } from './database.ts';
import { jsonLines } from './json-lines.ts';

// Hashes that this process has written: 100,000 of them take about 15 MB.
const KNOWN_MAX = 100_000;
const BATCH_BYTES_MAX = 8_000_000;
const LOOKUP_HASHES_MAX = 1_000;

export function createTextLog(database: Database): TextLog {
  // In the order of their last use: the first is the one to forget.
  const known = new Set<ContentHash>();
  const remember = (hash: ContentHash): void => {
    known.delete(hash);
    known.add(hash);
    if (known.size <= KNOWN_MAX) return;
    for (const oldest of known) {
      known.delete(oldest);
      break;
    }
  };
  return {
    put: async (texts) => {
      const unknown = [...texts].filter(([hash]) => !known.has(hash));
      for (const batch of batches(unknown)) {
        await database.insertJsonLines('texts', jsonLines(batch.map(([hash, content]) => ({ hash, content }))));
      }
      for (const hash of texts.keys()) remember(hash);
    },
    get: (hashes) => readTexts((sql, parameters) => database.query(sql, parameters), hashes),
  };
}

export async function readTexts(
  ask: Database['queryAhead'],
  hashes: readonly ContentHash[],
): Promise<ReadonlyMap<ContentHash, string>> {
  const found = new Map<ContentHash, string>();
  for (const some of chunks([...new Set(hashes)], LOOKUP_HASHES_MAX)) {
    const rows = await ask<{ hash: ContentHash; content: string }>(
      `SELECT hash, content FROM (
         SELECT hash, content FROM texts WHERE hash IN {hashes:Array(String)}
         UNION ALL SELECT hash, content FROM call_texts WHERE hash IN {hashes:Array(String)}
       ) LIMIT 1 BY hash`,
      { hashes: some },
    );
    for (const row of rows) found.set(row.hash, row.content);
  }
  return found;
}

type Entry = readonly [hash: ContentHash, content: string];

/** Splits so that one insert stays small, whatever the texts' sizes; a text larger than that goes alone. */
function* batches(entries: readonly Entry[]): Generator<readonly Entry[]> {
  let batch: Entry[] = [];
  let bytes = 0;
  for (const entry of entries) {
    const size = Buffer.byteLength(entry[1]);
    if (batch.length > 0 && bytes + size > BATCH_BYTES_MAX) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(entry);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}
