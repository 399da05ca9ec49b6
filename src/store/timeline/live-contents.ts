/**
 * Contents that polls saw and nobody registered. Calls with them are counted under a version that has
 * only the beginning of the hash in its name; what was seen tells the whole.
 */

import type { ContentHash } from '../../contract/prompt.ts';
import { UNREGISTERED_DIGITS, UNREGISTERED_PREFIX } from '../../contract/traffic-log.ts';
import type { Database } from '../database.ts';

export interface LiveContent {
  readonly hash: ContentHash;
  readonly bodyKind: string;
}

const HASH_PREFIX = 'sha256:';

/** By version, of these; in whatever environment it was seen, the name means the same content. */
export async function readLiveContents(
  database: Database,
  prompt: string,
  versions: readonly string[],
): Promise<ReadonlyMap<string, LiveContent>> {
  const names = [...new Set(versions)].filter((version) => version.startsWith(UNREGISTERED_PREFIX));
  if (names.length === 0) return new Map();
  const rows = await database.query<{ name: string; hash: ContentHash; kind: string }>(
    `SELECT concat('${UNREGISTERED_PREFIX}', substring(strict_hash, ${HASH_PREFIX.length + 1}, ${UNREGISTERED_DIGITS})) AS name,
       strict_hash AS hash, any(body_kind) AS kind
     FROM observations
     WHERE prompt = {prompt:String} AND outcome = 'held'
       AND target IN (SELECT target FROM latest_observations WHERE prompt = {prompt:String})
       AND name IN {names:Array(String)}
     GROUP BY name, hash`,
    { prompt, names },
  );
  return new Map(rows.map(({ name, hash, kind }) => [name, { hash, bodyKind: kind }]));
}
