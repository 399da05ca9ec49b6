/** Reads message lists, which are stored as what they add to another list. */

import type { Database } from '../database.ts';

interface ListRow {
  readonly hash: string;
  readonly base: string;
  readonly messages: readonly string[];
}

// Writers keep chains of bases much shorter; a list that was stored in several ways may mix them.
const DEPTH_MAX = 512;
const HASHES_PER_QUERY = 2_000;

/** Whole lists of packed messages; a list of which a part is not there is left out. */
export async function readMessageLists(
  database: Database,
  hashes: readonly string[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const rows = new Map<string, ListRow>();
  let wanted = distinct(hashes, rows);
  for (let depth = 0; wanted.length > 0 && depth < DEPTH_MAX; depth += 1) {
    const bases: string[] = [];
    for (const row of await readRows(database, wanted)) {
      rows.set(row.hash, row);
      bases.push(row.base);
    }
    wanted = distinct(bases, rows);
  }
  const lists = new Map<string, readonly string[]>();
  for (const hash of hashes) {
    const list = assemble(hash, rows);
    if (list !== null) lists.set(hash, list);
  }
  return lists;
}

function distinct(hashes: readonly string[], known: ReadonlyMap<string, ListRow>): string[] {
  return [...new Set(hashes)].filter((hash) => hash !== '' && !known.has(hash));
}

async function readRows(database: Database, hashes: readonly string[]): Promise<ListRow[]> {
  const rows: ListRow[] = [];
  for (let start = 0; start < hashes.length; start += HASHES_PER_QUERY) {
    rows.push(
      ...(await database.query<ListRow>(
        // The same list may have been stored in several ways; any will do.
        'SELECT hash, base, messages FROM message_lists WHERE hash IN {hashes:Array(String)} LIMIT 1 BY hash',
        { hashes: hashes.slice(start, start + HASHES_PER_QUERY) },
      )),
    );
  }
  return rows;
}

function assemble(hash: string, rows: ReadonlyMap<string, ListRow>): readonly string[] | null {
  const parts: (readonly string[])[] = [];
  for (let at = hash; at !== '';) {
    const row = rows.get(at);
    if (row === undefined || parts.length > DEPTH_MAX) return null;
    parts.push(row.messages);
    at = row.base;
  }
  return parts.toReversed().flat();
}
