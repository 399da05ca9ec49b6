/**
 * Reads message lists, which are stored as what they add to another list. The lists of one
 * conversation stand side by side: all that a list is made of comes with one query.
 */

import { chunks } from '../../lib/chunks.ts';
import { LIST_CONVERSATION_CHARACTERS } from '../../text/reference.ts';
import type { Database } from '../database.ts';

interface ListRow {
  readonly hash: string;
  readonly base: string;
  readonly messages: readonly string[];
}

type Rows = Map<string, ListRow>;

// Writers keep chains of bases shorter; a list that was stored in several ways may mix them.
const DEPTH_MAX = 1_024;
const HASHES_PER_QUERY = 2_000;
const CONVERSATIONS_PER_QUERY = 100;
// More begin alike only where many conversations do; what is not among the first is looked for by its hash.
const ROWS_PER_CONVERSATION_MAX = 2_048;

/** Whole lists of packed messages; a list of which a part is not there is left out. */
export async function readMessageLists(
  ask: Database['queryAhead'],
  hashes: readonly string[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const rows: Rows = new Map();
  await readConversations(ask, hashes, rows);
  let wanted = missingFrom(hashes, rows);
  for (let step = 0; wanted.length > 0 && step < DEPTH_MAX; step += 1) {
    const found = await readRows(ask, wanted);
    if (found.length === 0) break;
    for (const row of found) rows.set(row.hash, row);
    wanted = missingFrom(hashes, rows);
  }
  const lists = new Map<string, readonly string[]>();
  for (const hash of hashes) {
    const list = assemble(hash, rows);
    if (list !== null) lists.set(hash, list);
  }
  return lists;
}

/** Every row of the conversations that these lists are of, within limits. */
async function readConversations(ask: Database['queryAhead'], hashes: readonly string[], rows: Rows): Promise<void> {
  const beginnings = new Set(hashes.map((hash) => hash.slice(0, LIST_CONVERSATION_CHARACTERS)));
  for (const some of chunks([...beginnings], CONVERSATIONS_PER_QUERY)) {
    const selects = some.map(
      (_, index) =>
        `SELECT hash, base, messages FROM call_lists WHERE startsWith(hash, {c${index}:String})
         LIMIT ${ROWS_PER_CONVERSATION_MAX}`,
    );
    const parameters = Object.fromEntries(some.map((beginning, index) => [`c${index}`, beginning]));
    const found = await ask<ListRow>(selects.join(' UNION ALL '), parameters);
    // The same list may have been stored in several ways; any will do.
    for (const row of found) rows.set(row.hash, row);
  }
}

/** For each list, where its chain of rows breaks off. */
function missingFrom(hashes: readonly string[], rows: Rows): string[] {
  const missing = new Set<string>();
  for (const hash of hashes) {
    let at = hash;
    for (let depth = 0; at !== '' && depth < DEPTH_MAX; depth += 1) {
      const row = rows.get(at);
      if (row === undefined) {
        missing.add(at);
        break;
      }
      at = row.base;
    }
  }
  return [...missing];
}

async function readRows(ask: Database['queryAhead'], hashes: readonly string[]): Promise<ListRow[]> {
  const rows: ListRow[] = [];
  for (const some of chunks(hashes, HASHES_PER_QUERY)) {
    rows.push(
      ...(await ask<ListRow>(
        'SELECT hash, base, messages FROM call_lists WHERE hash IN {hashes:Array(String)} LIMIT 1 BY hash',
        { hashes: some },
      )),
    );
  }
  return rows;
}

function assemble(hash: string, rows: Rows): readonly string[] | null {
  const parts: (readonly string[])[] = [];
  for (let at = hash; at !== '';) {
    const row = rows.get(at);
    if (row === undefined || parts.length > DEPTH_MAX) return null;
    parts.push(row.messages);
    at = row.base;
  }
  return parts.toReversed().flat();
}
