/** How the runs of targets are named in queries, and what happened around them. */

import type { Timestamp } from '../../contract/time.ts';
import type { RunInContext, Sighting } from '../../timeline/held.ts';

export type Candidate = Pick<RunInContext, 'run' | 'previous'> & { readonly next: Sighting | null };

export const KEY = "concat(target, '\\n', part)";

/** The runs that are asked about, as a table. */
export const RUNS = `(
    SELECT run.1 AS key, run.2 AS first, run.3 AS last, run.4 AS until FROM (
      SELECT arrayJoin(arrayZip({keys:Array(String)}, ${times('firsts')}, ${times('lasts')}, ${times('untils')})) AS run
    )
  )`;

export function times(name: string): string {
  return `arrayMap(time -> parseDateTime64BestEffort(time, 9, 'UTC'), {${name}:Array(String)})`;
}

/** What happened between the first of these runs and the answer after the last, to these targets. */
export const AROUND = `target IN {targets:Array(String)} AND ${KEY} IN {keys:Array(String)}
  AND observed_at >= {earliest:DateTime64(9, 'UTC')} AND observed_at <= {latest:DateTime64(9, 'UTC')}`;

export function keyOf({ target, part }: Sighting): string {
  return `${target}\n${part}`;
}

export function runKey(key: string, first: Timestamp): string {
  return `${first} ${key}`;
}

export type Parameters = Readonly<Record<string, string | readonly string[]>>;
