/** Pins as they moved: appended when they differ from what is recorded, so that any past moment can be asked for. */

import type { ContentHash, Origin, Pin } from '../contract/prompt.ts';
import type { Timestamp } from '../contract/time.ts';
import { canonicalJson } from '../lib/json.ts';
import { nanosFromTimestamp, timestampFromNanos } from '../lib/time.ts';
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
  readonly recorded_at: Timestamp;
}

export const PIN_COLUMNS =
  'environment, prompt, rule, version, hash, since, by, origin, removed, previous_seen_at, recorded_at';

interface PinLog {
  record(pins: readonly Pin[], at: Timestamp, rules: readonly string[] | undefined): Promise<void>;
  readAgain(rules: readonly string[], at: Timestamp): void;
}

export function createPinLog(database: Database): PinLog {
  // When each rule was last read by this process. Lost with it, and then an interval is wider.
  const lastRead = new Map<string, Timestamp>();
  return {
    record: async (pins, at, rules = []) => {
      const complete = new Set([...rules, ...pins.map((pin) => pin.rule)]);
      if (complete.size === 0) return;
      const present = await readPresent(database, [...complete]);
      const rows = changes(pins, present, at, (rule) => lastRead.get(rule) ?? null);
      if (rows.length > 0) {
        const lines = jsonLines(rows);
        await database.insertJsonLines('pins', lines);
      }
      for (const rule of complete) lastRead.set(rule, at);
    },
    readAgain: (rules, at) => {
      for (const rule of rules) if (lastRead.has(rule)) lastRead.set(rule, at);
    },
  };
}

async function readPresent(database: Database, rules: readonly string[]): Promise<readonly PinRow[]> {
  return await database.query<PinRow>(
    `SELECT ${PIN_COLUMNS} FROM pins WHERE rule IN {rules:Array(String)}
     ORDER BY recorded_at DESC, removed LIMIT 1 BY environment, prompt, rule`,
    { rules },
  );
}

/** Pure: the rows that take the record from `present` to `pins`. */
export function changes(
  pins: readonly Pin[],
  present: readonly PinRow[],
  at: Timestamp,
  lastRead: (rule: string) => Timestamp | null,
): readonly PinRow[] {
  const recorded = new Map(present.map((row) => [pinKey(row), row]));
  const recordedAt = afterAll(present, at);
  const rows: PinRow[] = [];
  const given = new Set<string>();
  for (const pin of pins) {
    given.add(pinKey(pin));
    const row = toRow(pin, recordedAt, lastRead(pin.rule));
    const before = recorded.get(pinKey(pin));
    if (before === undefined || before.removed === 1 || fact(before) !== fact(row)) rows.push(row);
  }
  for (const [key, row] of recorded) {
    if (given.has(key) || row.removed === 1) continue;
    const gone = { version: '', hash: '', since: null, by: null, origin: '{}', removed: 1 } as const;
    rows.push({ ...row, ...gone, previous_seen_at: lastRead(row.rule), recorded_at: recordedAt });
  }
  return rows;
}

/** Later than what is recorded, also when the clock was set back: what was read last is the truth. */
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

function toRow(pin: Pin, at: Timestamp, previousSeenAt: Timestamp | null): PinRow {
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
    previous_seen_at: previousSeenAt,
    recorded_at: at,
  };
}
