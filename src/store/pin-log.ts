/** Pins as they moved: appended when they differ from what is recorded, so that any past moment can be asked for. */

import type { ContentHash, Origin, Pin } from '../contract/prompt.ts';
import type { Timestamp } from '../contract/time.ts';
import { canonicalJson } from '../lib/json.ts';
import { addMillis, CLOCKS_DIFFER_MS_MAX, millisBetween, nanosFromTimestamp, timestampFromNanos } from '../lib/time.ts';
import type { Trail } from './audit/trail.ts';
import type { Database } from './database.ts';
import { jsonLines } from './json-lines.ts';

export interface PinRow {
  readonly environment: string;
  readonly prompt: string;
  readonly rule: string;
  readonly version: string;
  readonly hash: ContentHash | '';
  readonly since: Timestamp | null;
  readonly by: string | null;
  /** `Origin` as JSON. */
  readonly origin: string;
  readonly removed: number;
  /** When the pins were last read before, and this one was not there yet; null when nobody knows. */
  readonly previous_seen_at: Timestamp | null;
  /** When the look began that saw it; null where an older release recorded it. */
  readonly looked_at: Timestamp | null;
  readonly recorded_at: Timestamp;
}

export const PIN_COLUMNS =
  'environment, prompt, rule, version, hash, since, by, origin, removed, previous_seen_at, looked_at, recorded_at';

interface PinLog {
  record(
    pins: readonly Pin[],
    at: Timestamp,
    rules: readonly string[] | undefined,
    lookedAt: Timestamp | undefined,
  ): Promise<boolean>;
  readAgain(rules: readonly string[], lookedAt: Timestamp, at: Timestamp): Promise<void>;
}

/** What is looked at every few seconds is kept this often: as often as places are polled unless told otherwise. */
export const LOOK_EVERY_MS = 30_000;

export function createPinLog(database: Database, trail: Trail): PinLog {
  // When each rule was last read by this process, and when that was last stored. Lost with it, and then an interval is wider.
  const lastRead = new Map<string, Timestamp>();
  const lastStored = new Map<string, Timestamp>();
  const isDue = (rule: string, lookedAt: Timestamp): boolean => {
    const stored = lastStored.get(rule);
    return stored === undefined || Math.abs(millisBetween(stored, lookedAt)) >= LOOK_EVERY_MS;
  };
  return {
    record: async (pins, at, rules = [], lookedAt = at) => {
      const complete = new Set([...rules, ...pins.map((pin) => pin.rule)]);
      if (complete.size === 0) return false;
      const until = addMillis(at, CLOCKS_DIFFER_MS_MAX);
      const present = await readPresent(database, [...complete], until);
      const look = { lookedAt, at: afterAll(present, at), lastRead: (rule: string) => lastRead.get(rule) ?? null };
      const rows = changes(pins, present, look);
      if (rows.length > 0) {
        const lines = jsonLines(rows);
        await database.insertJsonLines('pins', lines);
        trail.stored('pin', rows);
      }
      return await isAhead(database, [...complete], until);
    },
    readAgain: async (rules, lookedAt, at) => {
      for (const rule of rules) lastRead.set(rule, lookedAt);
      const due = rules.filter((rule) => isDue(rule, lookedAt));
      if (due.length === 0) return;
      // Also when it fails: the next one that is due tries it again.
      for (const rule of due) lastStored.set(rule, lookedAt);
      const lines = jsonLines(due.map((rule) => ({ rule, looked_at: lookedAt, noted_at: at })));
      await database.insertJsonLines('pin_looks', lines);
    },
  };
}

/** What was recorded while the clock was ahead is recorded again: until that time comes no answer would know it. */
async function readPresent(database: Database, rules: readonly string[], until: Timestamp): Promise<readonly PinRow[]> {
  return await database.query<PinRow>(
    `SELECT ${PIN_COLUMNS} FROM pins
     WHERE rule IN {rules:Array(String)} AND recorded_at <= {until:DateTime64(9, 'UTC')}
     ORDER BY recorded_at DESC, removed LIMIT 1 BY environment, prompt, rule`,
    { rules, until },
  );
}

async function isAhead(database: Database, rules: readonly string[], until: Timestamp): Promise<boolean> {
  const [row] = await database.query<{ pins: string }>(
    `SELECT count() AS pins FROM pins
     WHERE rule IN {rules:Array(String)} AND recorded_at > {until:DateTime64(9, 'UTC')}`,
    { rules, until },
  );
  return row !== undefined && row.pins !== '0';
}

interface Look {
  readonly lookedAt: Timestamp;
  /** When what it saw is recorded. */
  readonly at: Timestamp;
  readonly lastRead: (rule: string) => Timestamp | null;
}

/** Pure: the rows that take the record from `present` to `pins`. */
function changes(pins: readonly Pin[], present: readonly PinRow[], look: Look): readonly PinRow[] {
  const recorded = new Map(present.map((row) => [pinKey(row), row]));
  const rows: PinRow[] = [];
  const given = new Set<string>();
  for (const pin of pins) {
    given.add(pinKey(pin));
    const row = toRow(pin, look);
    const before = recorded.get(pinKey(pin));
    if (before === undefined || before.removed === 1 || fact(before) !== fact(row)) rows.push(row);
  }
  for (const [key, row] of recorded) {
    if (given.has(key) || row.removed === 1) continue;
    const gone = { version: '', hash: '', since: null, by: null, origin: '{}', removed: 1 } as const;
    rows.push({ ...row, ...gone, ...timesOf(row.rule, look) });
  }
  return rows;
}

/** Later than what is recorded, also when the clock was set back a little: what was read last is the truth. */
function afterAll(present: readonly PinRow[], at: Timestamp): Timestamp {
  const last = present.reduce<Timestamp | null>(
    (max, row) => (max === null || row.recorded_at > max ? row.recorded_at : max),
    null,
  );
  return last === null || last < at ? at : timestampFromNanos(nanosFromTimestamp(last) + 1n);
}

function pinKey({ environment, prompt, rule }: { environment: string; prompt: string; rule: string }): string {
  return JSON.stringify([environment, prompt, rule]);
}

/** Where it is written may move without the pin moving. */
function fact({ version, hash, since, by }: PinRow): string {
  return JSON.stringify([version, hash, since, by]);
}

function timesOf(
  rule: string,
  { lookedAt, at, lastRead }: Look,
): Pick<PinRow, 'previous_seen_at' | 'looked_at' | 'recorded_at'> {
  return { previous_seen_at: lastRead(rule), looked_at: lookedAt, recorded_at: at };
}

function toRow(pin: Pin, look: Look): PinRow {
  return {
    environment: pin.environment,
    prompt: pin.prompt,
    rule: pin.rule,
    version: pin.version,
    hash: pin.hash,
    since: pin.since,
    by: pin.by,
    origin: canonicalJson(pin.origin satisfies Origin),
    removed: 0,
    ...timesOf(pin.rule, look),
  };
}
