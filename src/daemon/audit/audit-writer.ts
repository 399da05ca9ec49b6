/** The name of this daemon in the audit chain: one for each data directory, so that replicas write chains of their own. */

import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { notWritten, writeFiles } from '../../lib/files.ts';

const FILE = 'audit-writer';
const NAME = /^[0-9a-f]{16}$/;

/** Made at the first start. Without the file a new chain begins, which names the last entry of the old one. */
export async function auditWriter(dataDirectory: string): Promise<string> {
  const file = join(dataDirectory, FILE);
  const known = await readFile(file, 'utf8').catch(() => '');
  if (NAME.test(known.trim())) return known.trim();
  const name = randomBytes(8).toString('hex');
  try {
    await writeFiles(new Map([[file, `${name}\n`]]));
  } catch (error) {
    throw notWritten(error, file, 'Free some space, or let this user write there.') ?? error;
  }
  return name;
}
