/** The audit chain as it is read: listed, reported with what its entries are about, and verified. */

import {
  ROW_KINDS,
  type AuditEntry,
  type AuditFields,
  type AuditFilter,
  type AuditHash,
  type AuditLog,
  type ReportLine,
  type RowKind,
} from '../../contract/audit.ts';
import type { Page, PageOf } from '../../contract/store.ts';
import type { Timestamp } from '../../contract/time.ts';
import { parseTimestamp, timestampFromMillis } from '../../lib/time.ts';
import { decodeCursor, encodeCursor, pageLimit, toPage } from '../cursor.ts';
import type { Database, QueryParameters } from '../database.ts';
import { readTexts } from '../text-log.ts';
import { readBatchRows } from './batch-rows.ts';
import { ENTRY_COLUMNS, readHeads, toEntry, type EntryRow } from './entry-rows.ts';
import { beginsWithSql, fieldsOfValues, fieldValuesSql, RECORDED, rowHashSql, subjectSql } from './recorded-rows.ts';
import { verifyAudit } from './verify.ts';

/** `flush`: all that this process has told of is written then. */
export function createAuditLog(database: Database, flush: () => Promise<void>): AuditLog {
  return {
    list: (filter, page) => readPage(database, filter, page),
    heads: async () => {
      await flush();
      return readHeads(database);
    },
    report: (period, page) => readReport(database, period, page),
    rows: (place, page) => readBatchRows(database, place, page),
    verify: async (question, onProgress = () => undefined) => {
      await flush();
      return verifyAudit(database, question, onProgress);
    },
  };
}

async function readPage(database: Database, filter: AuditFilter, page: Page): Promise<PageOf<AuditEntry>> {
  const limit = pageLimit(page);
  const after = decodeCursor(page, 3);
  const conditions = ['1'];
  const parameters: Record<string, QueryParameters[string]> = { limit: limit + 1 };
  const where = (condition: string, name: string, value: string | undefined): void => {
    if (value === undefined) return;
    conditions.push(condition);
    parameters[name] = value;
  };
  where('kind = {kind:String}', 'kind', filter.kind);
  where("at >= {from:DateTime64(9, 'UTC')}", 'from', filter.from);
  where("at <= {to:DateTime64(9, 'UTC')}", 'to', filter.to);
  if (after !== null) {
    const [at = '', segment = '', sequence = ''] = after;
    conditions.push(
      "(at, toString(segment), sequence) < ({afterTime:DateTime64(9, 'UTC')}, {afterSegment:String}, {afterSequence:UInt64})",
    );
    Object.assign(parameters, { afterTime: at, afterSegment: segment, afterSequence: Number(sequence) || 0 });
  }
  const rows = await database.query<EntryRow>(
    `SELECT ${ENTRY_COLUMNS} FROM audit_entries WHERE ${conditions.join(' AND ')}
     ORDER BY at DESC, segment DESC, sequence DESC LIMIT 1 BY segment, sequence, hash LIMIT {limit:UInt32}`,
    parameters,
  );
  return toPage(
    rows,
    limit,
    (row) => [row.at, row.segment, String(row.sequence)],
    (some) => some.map(toEntry),
  );
}

/** Each may have an incident with its texts. */
const REPORT_ENTRIES_MAX = 200;

/** The part of a segment that a period has. */
interface Stretch {
  readonly segment: string;
  readonly begun: Timestamp;
  /** Those before it are told. */
  readonly first: string;
  readonly last: string;
}

/** Segment by segment in the order in which they began, each from its first entry of the period to its last. */
async function readReport(
  database: Database,
  period: Pick<AuditFilter, 'from' | 'to'>,
  page: Page,
): Promise<PageOf<ReportLine>> {
  const limit = Math.min(pageLimit(page), REPORT_ENTRIES_MAX);
  const entries: AuditEntry[] = [];
  for await (const stretch of stretchesFrom(database, period, readCursor(page))) {
    const room = limit - entries.length;
    const found = await readStretch(database, stretch, room);
    entries.push(...found);
    const last = found.at(-1);
    if (found.length < room || last === undefined) continue;
    const cursor = [stretch.begun, stretch.segment, String(last.sequence + 1), stretch.last];
    return { items: await withContents(database, entries), nextCursor: encodeCursor(cursor) };
  }
  return { items: await withContents(database, entries), nextCursor: null };
}

/** Where a page before ended. */
function readCursor(page: Page): Stretch | null {
  const parts = decodeCursor(page, 4);
  if (parts === null) return null;
  const [begun = '', segment = '', first = '', last = ''] = parts;
  return { begun: begun as Timestamp, segment, first, last };
}

/** What is left of the one that was begun, and those behind it: to find these, all entries are read. */
async function* stretchesFrom(
  database: Database,
  period: Pick<AuditFilter, 'from' | 'to'>,
  begun: Stretch | null,
): AsyncGenerator<Stretch, void, undefined> {
  if (begun !== null && Number(begun.first) <= Number(begun.last)) yield begun;
  for (const stretch of await readStretches(database, period)) {
    const isBehind =
      begun === null ||
      stretch.begun > begun.begun ||
      (stretch.begun === begun.begun && stretch.segment > begun.segment);
    if (isBehind) yield stretch;
  }
}

async function readStretches(
  database: Database,
  { from, to }: Pick<AuditFilter, 'from' | 'to'>,
): Promise<readonly Stretch[]> {
  // Named with the table: the answer has another `at`.
  const isIn = [
    ...(from === undefined ? [] : ["audit_entries.at >= {from:DateTime64(9, 'UTC')}"]),
    ...(to === undefined ? [] : ["audit_entries.at <= {to:DateTime64(9, 'UTC')}"]),
    '1',
  ].join(' AND ');
  return await database.query<Stretch>(
    `SELECT segment, min(at) AS begun, minIf(sequence, ${isIn}) AS first, maxIf(sequence, ${isIn}) AS last
     FROM audit_entries GROUP BY segment HAVING last > 0 ORDER BY begun, segment`,
    { ...(from !== undefined && { from }), ...(to !== undefined && { to }) },
  );
}

async function readStretch(
  database: Database,
  { segment, first, last }: Stretch,
  limit: number,
): Promise<readonly AuditEntry[]> {
  const rows = await database.query<EntryRow>(
    `SELECT ${ENTRY_COLUMNS} FROM audit_entries
     WHERE segment = {segment:String} AND sequence >= {first:UInt64} AND sequence <= {last:UInt64}
     ORDER BY sequence, hash LIMIT {limit:UInt32}`,
    { segment, first: Number(first) || 0, last: Number(last) || 0, limit },
  );
  return rows.map(toEntry);
}

async function withContents(database: Database, read: readonly AuditEntry[]): Promise<readonly ReportLine[]> {
  // What was written twice is twice the same. To have the engine leave that out it would read all that follows.
  const entries = read.filter(({ segment, sequence, hash }, index) => {
    const before = read[index - 1];
    return before?.segment !== segment || before.sequence !== sequence || before.hash !== hash;
  });
  const contents = new Map<RowKind, ReadonlyMap<string, readonly Content[]>>();
  for (const kind of ROW_KINDS) {
    const subjects = entries.filter((entry) => entry.kind === kind).map(({ subject }) => subject);
    if (subjects.length > 0) contents.set(kind, await readContents(database, kind, subjects));
  }
  const whole = entries.map((entry): AuditEntry => {
    const found = contents.get(entry.kind as RowKind)?.get(JSON.stringify(entry.subject)) ?? [];
    // Of several rows with one subject the one that it is about, or any: then it is not what it was.
    const own = found.find(({ hash }) => hash === entry.contentHash) ?? found[0];
    return own === undefined ? entry : { ...entry, content: own.fields };
  });
  const hashes = whole.map(textOf).filter((hash) => hash !== null);
  const texts = await readTexts((sql, parameters) => database.query(sql, parameters), hashes);
  const told = new Set<string>();
  return whole.flatMap((entry): readonly ReportLine[] => {
    const hash = textOf(entry);
    const content = hash === null ? undefined : texts.get(hash);
    if (hash === null || content === undefined || told.has(hash)) return [entry];
    told.add(hash);
    return [entry, { text: hash, content }];
  });
}

/** Of what a place held. */
function textOf({ kind, content }: AuditEntry): AuditHash | null {
  const hash = kind === 'observation' ? (content?.['strict_hash'] ?? '') : '';
  return hash === '' ? null : (hash as AuditHash);
}

/** SQL: narrowed to what the order of the table finds at once; of a place there may be millions of looks. */
function nearSql(kind: RowKind): string {
  const isNear = beginsWithSql(kind);
  if (kind !== 'observation') return isNear;
  return `${isNear} AND observed_at >= {first:DateTime64(9, 'UTC')} AND observed_at <= {last:DateTime64(9, 'UTC')}`;
}

function timesOf(kind: RowKind, subjects: readonly (readonly string[])[]): QueryParameters {
  if (kind !== 'observation') return {};
  const times = subjects.flatMap(([, , at]) => parseTimestamp(at ?? '') ?? []);
  const [first = timestampFromMillis(0)] = times;
  return {
    first: times.reduce((a, b) => (a < b ? a : b), first),
    last: times.reduce((a, b) => (a > b ? a : b), first),
  };
}

interface Content {
  readonly hash: string;
  readonly fields: AuditFields;
}

async function readContents(
  database: Database,
  kind: RowKind,
  subjects: readonly (readonly string[])[],
): Promise<ReadonlyMap<string, readonly Content[]>> {
  const { table } = RECORDED[kind];
  // Arrays of arrays are no parameters: each subject is one text.
  const rows = await database.query<{ row_key: string; row_values: (string | null)[]; row_hash: string }>(
    `SELECT toJSONString(${subjectSql(kind)}) AS row_key, ${fieldValuesSql(kind)} AS row_values,
       concat('sha256:', lower(hex(${rowHashSql(kind)}))) AS row_hash
     FROM ${table} WHERE ${nearSql(kind)} AND cityHash64(${subjectSql(kind)}) IN (
       SELECT cityHash64(JSONExtract(arrayJoin({subjects:Array(String)}), 'Array(String)'))
     )`,
    {
      ...timesOf(kind, subjects),
      subjects: subjects.map((subject) => JSON.stringify(subject)),
      keys: [...new Set(subjects.map(([first = '']) => first))],
    },
  );
  const contents = new Map<string, Content[]>();
  for (const row of rows) {
    const key = JSON.stringify(JSON.parse(row.row_key));
    const known = contents.get(key);
    const content = { hash: row.row_hash, fields: fieldsOfValues(kind, row.row_values) };
    if (known === undefined) contents.set(key, [content]);
    else known.push(content);
  }
  return contents;
}
