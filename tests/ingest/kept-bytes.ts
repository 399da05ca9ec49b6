/** What a leak would be found in: every byte below a data directory, and every row of the store, which is compressed there. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { OpenStore } from './harness.ts';

export async function keptBytes(directory: string, store: OpenStore): Promise<Buffer> {
  return Buffer.concat([bytesBelow(directory), await rowsOf(store)]);
}

/** The engine's files come and go while it works: a look that met one on its way out is no look. */
function bytesBelow(directory: string, looksLeft = 50): Buffer {
  try {
    const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    return Buffer.concat(files.map((entry) => readFileSync(join(entry.parentPath, entry.name))));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || looksLeft === 0) throw error;
    return bytesBelow(directory, looksLeft - 1);
  }
}

async function rowsOf({ database }: OpenStore): Promise<Buffer> {
  const tables = await Promise.all(
    ['texts', 'call_texts', 'call_lists', 'span_facts', 'invocations', 'call_variables', 'quarantine'].map((table) =>
      database.query(`SELECT * FROM ${table}`),
    ),
  );
  return Buffer.from(JSON.stringify(tables));
}
