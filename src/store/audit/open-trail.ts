/** Begins the segment of this process: behind the last entry of its writer, and with the heads of all others. */

import { randomBytes } from 'node:crypto';
import type { Clock } from '../../contract/time.ts';
import type { Database } from '../database.ts';
import { readHeads } from './entry-rows.ts';
import { AuditTrail } from './trail.ts';

/** The newest are named in `begin`; 130 bytes each. */
const HEADS_MAX = 100;

/** `writer`: the same at each start of one daemon, and of no other. */
export async function openTrail(database: Database, clock: Clock, writer: string): Promise<AuditTrail> {
  const heads = await readHeads(database);
  const own = heads.filter((head) => head.writer === writer);
  const now = clock.now();
  const segment = `${now.slice(0, 19).replaceAll(/[-:]/g, '')}Z-${randomBytes(4).toString('hex')}`;
  return new AuditTrail(database, clock, {
    writer,
    segment,
    before: own.at(-1) ?? null,
    // Where each start has a new data directory, each leaves one.
    heads: heads.slice(-HEADS_MAX),
    release: database.release,
  });
}
