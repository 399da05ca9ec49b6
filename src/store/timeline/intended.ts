/**
 * Reads what was meant to be: pins as they moved, and when each was last seen where it stood. The lockfile's
 * looks are kept as such; a label is seen by the polls of its target.
 */

import type { Origin } from '../../contract/prompt.ts';
import type { Timestamp } from '../../contract/time.ts';
import { chunks } from '../../lib/chunks.ts';
import { addMillis } from '../../lib/time.ts';
import { type IntendedEntry, intendedEntries, type PinFact, type UnreadStretch } from '../../timeline/intended.ts';
import type { Database } from '../database.ts';
import { times } from './held-runs.ts';
import { LOOK_EVERY_MS, PIN_COLUMNS, type PinRow } from '../pin-log.ts';

interface IntendedQuestion {
  readonly prompt: string;
  readonly environment: string;
  readonly knownAt: Timestamp;
}

/** Asked about with one query: as many as go into an address, in which a server gets its parameters. */
const FACTS_AT_ONCE = 200;

export async function readIntended(database: Database, question: IntendedQuestion): Promise<readonly IntendedEntry[]> {
  const { prompt, environment, knownAt } = question;
  const rows = await database.query<PinRow>(
    `SELECT ${PIN_COLUMNS} FROM pins
     WHERE prompt = {prompt:String} AND environment = {environment:String}
       AND recorded_at <= {knownAt:DateTime64(9, 'UTC')}
     ORDER BY recorded_at LIMIT 1 BY rule, recorded_at`,
    { prompt, environment, knownAt },
  );
  const followed = [...Map.groupBy(rows, ({ rule }) => rule).values()].flatMap((ofRule) =>
    ofRule.map((row, index) => ({ row, next: ofRule[index + 1] ?? null })),
  );
  const facts: PinFact[] = [];
  for (const some of chunks(followed, FACTS_AT_ONCE)) {
    const lastSeen = await readLastSeen(database, some, question);
    facts.push(...some.map(({ row }, index) => toPinFact(row, lastSeen.get(index) ?? null)));
  }
  return intendedEntries(facts);
}

interface Followed {
  readonly row: PinRow;
  readonly next: PinRow | null;
}

// What a label names is asked for with its version: several polls may have named another that nobody knew yet.
const LABEL = "concat('label:', ifNull(pointer_name, ''), '@', source)";
const LABEL_LOOKS = `SELECT concat(${LABEL}, '\\n', ifNull(source_version, ifNull(pointer_value, ''))) AS key, ifNull(asked_at, observed_at) AS at
  FROM observations
  WHERE prompt = {prompt:String} AND environment = {environment:String}
    AND target IN (SELECT target FROM latest_observations WHERE prompt = {prompt:String} AND environment = {environment:String})
    AND observed_at <= {knownAt:DateTime64(9, 'UTC')} AND outcome = 'held' AND part = '' AND pointer_name IS NOT NULL
    AND ${LABEL} IN {keys:Array(String)}`;
const RULE_LOOKS = `SELECT rule AS key, looked_at AS at FROM pin_looks
  WHERE rule IN {keys:Array(String)} AND noted_at <= {knownAt:DateTime64(9, 'UTC')}`;

/** By place in `facts`: the last look that found it so, before the one that found it otherwise. */
async function readLastSeen(
  database: Database,
  facts: readonly Followed[],
  { prompt, environment, knownAt }: IntendedQuestion,
): Promise<ReadonlyMap<number, Timestamp>> {
  if (facts.length === 0) return new Map();
  const rows = await database.query<{ place: string; at: Timestamp }>(
    `SELECT toString(place) AS place, looks.at AS at
     FROM (
       SELECT fact.1 AS place, fact.2 AS key, fact.3 AS until FROM (
         SELECT arrayJoin(arrayZip(arrayEnumerate({lookKeys:Array(String)}), {lookKeys:Array(String)}, ${times('untils')})) AS fact
       )
     ) AS facts
     ASOF JOIN (${RULE_LOOKS} UNION ALL ${LABEL_LOOKS}) AS looks ON facts.key = looks.key AND looks.at < facts.until`,
    {
      prompt,
      environment,
      knownAt,
      keys: [...new Set(facts.map(({ row }) => row.rule))],
      lookKeys: facts.map(({ row }) => (isLabel(row.rule) ? `${row.rule}\n${row.version}` : row.rule)),
      untils: facts.map(({ next }) => (next === null ? knownAt : (next.looked_at ?? next.recorded_at))),
    },
  );
  return new Map(rows.map(({ place, at }) => [Number(place) - 1, at]));
}

function isLabel(rule: string): boolean {
  return rule.startsWith('label:');
}

function toPinFact(row: PinRow, look: Timestamp | null): PinFact {
  // The record of a label is made after the poll that saw it, and tells nothing of the time in between.
  const ownLook = isLabel(row.rule) && look !== null ? look : (row.looked_at ?? row.recorded_at);
  return {
    rule: row.rule,
    pinned: row.removed === 1 || row.hash === '' ? null : { version: row.version, hash: row.hash },
    since: row.since,
    by: row.by,
    origin: row.removed === 1 ? null : (JSON.parse(row.origin) as Origin),
    previousSeenAt: row.previous_seen_at,
    recordedAt: row.recorded_at,
    lastSeenAt: look !== null && look > ownLook ? look : ownLook,
  };
}

/** So far around a moment looks are nearly always found, and a year of them is not gone through. */
const AROUND_MS = 3_600_000;

/** Around `time`, of the rules of these pins: where nobody looked for longer than usual. */
export async function readUnread(
  database: Database,
  rules: readonly string[],
  time: Timestamp,
  knownAt: Timestamp,
): Promise<readonly UnreadStretch[]> {
  const [earliest, latest] = [addMillis(time, -AROUND_MS), addMillis(time, AROUND_MS)];
  const read = (
    which: 'max' | 'min',
    some: readonly string[],
    where: string,
  ): Promise<ReadonlyMap<string, Timestamp>> =>
    readLooks(database, which, where, { rules: some, time, knownAt, earliest, latest });
  const others = (known: ReadonlyMap<string, Timestamp>): readonly string[] => rules.filter((rule) => !known.has(rule));
  const near = await read('max', rules, `looked_at > ${EARLIEST} AND looked_at <= ${TIME}`);
  const before = new Map([...near, ...(await read('max', others(near), `looked_at <= ${EARLIEST}`))]);
  const soon = await read('min', rules, `looked_at > ${TIME} AND looked_at <= ${LATEST}`);
  const after = new Map([...soon, ...(await read('min', others(soon), `looked_at > ${LATEST}`))]);
  return [...before].map(([rule, last]) => {
    const next = after.get(rule);
    return { rule, after: last, by: next ?? time, isOpen: next === undefined, usualMs: LOOK_EVERY_MS };
  });
}

const TIME = "{time:DateTime64(9, 'UTC')}";
const EARLIEST = "{earliest:DateTime64(9, 'UTC')}";
const LATEST = "{latest:DateTime64(9, 'UTC')}";

/** The last or the first of each rule. */
async function readLooks(
  database: Database,
  which: 'max' | 'min',
  where: string,
  parameters: Readonly<Record<string, string | readonly string[]>> & { readonly rules: readonly string[] },
): Promise<ReadonlyMap<string, Timestamp>> {
  if (parameters.rules.length === 0) return new Map();
  const rows = await database.query<{ rule: string; at: Timestamp }>(
    `SELECT rule, ${which}(looked_at) AS at FROM pin_looks
     WHERE rule IN {rules:Array(String)} AND noted_at <= {knownAt:DateTime64(9, 'UTC')} AND ${where} GROUP BY rule`,
    parameters,
  );
  return new Map(rows.map(({ rule, at }) => [rule, at]));
}
