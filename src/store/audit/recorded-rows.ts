/**
 * What is hashed of the rows of each kind, twice the same: from the row that is inserted, and by the engine from the
 * row as it stands in the store.
 */

import { netstring } from '../../audit/encoding.ts';
import type { AuditFields, RowKind } from '../../contract/audit.ts';

/** How a column is written down. `billionths`: a float, whose digits two programs might write in two ways. */
type Form = 'text' | 'maybe' | 'time' | 'maybe_time' | 'integer' | 'billionths';

export interface RecordedRows {
  readonly table: string;
  /** In this order. */
  readonly columns: readonly (readonly [name: string, form: Form])[];
  /** Columns that lead to the row. */
  readonly subject: readonly string[];
  /** SQL: when it was recorded. */
  readonly at: string;
}

const texts = (...names: readonly string[]) => names.map((name) => [name, 'text'] as const);
const maybes = (...names: readonly string[]) => names.map((name) => [name, 'maybe'] as const);

export const RECORDED: Readonly<Record<RowKind, RecordedRows>> = {
  version: {
    table: 'registered_versions',
    columns: [
      ...texts('prompt', 'version', 'registry', 'identity', 'default_hash', 'document_hash', 'document'),
      ['recorded_at', 'time'],
    ],
    subject: ['registry', 'prompt', 'version', 'document_hash', 'recorded_at'],
    at: 'recorded_at',
  },
  pin: {
    table: 'pins',
    columns: [
      ...texts('environment', 'prompt', 'rule', 'version', 'hash'),
      ['since', 'maybe_time'],
      ['by', 'maybe'],
      ['origin', 'text'],
      ['removed', 'integer'],
      ['previous_seen_at', 'maybe_time'],
      ['looked_at', 'maybe_time'],
      ['recorded_at', 'time'],
    ],
    subject: ['prompt', 'environment', 'rule', 'recorded_at'],
    at: 'recorded_at',
  },
  observation: {
    table: 'observations',
    columns: [
      ...texts('target', 'part', 'source', 'source_type', 'prompt', 'environment'),
      ['observed_at', 'time'],
      ['asked_at', 'maybe_time'],
      ...texts('outcome', 'reason', 'body_kind', 'strict_hash', 'transport_hash', 'cosmetic_hash', 'settings'),
      ...maybes('pointer_name', 'pointer_value', 'source_version'),
      ['edited_at', 'maybe_time'],
      ['edited_by', 'maybe'],
      ['share', 'billionths'],
      ['url', 'maybe'],
    ],
    subject: ['target', 'part', 'observed_at'],
    at: 'observed_at',
  },
  incident: {
    table: 'incidents',
    columns: [
      ['id', 'text'],
      ['revision', 'integer'],
      ...texts('transition', 'by', 'fingerprint', 'status', 'verdict', 'severity', 'prompt', 'environment', 'target'),
      ['opened_at', 'time'],
      ['updated_at', 'time'],
      ['document', 'text'],
    ],
    subject: ['id', 'revision', 'transition'],
    at: 'updated_at',
  },
  restore: {
    table: 'restores',
    columns: [
      ...texts('id', 'target', 'prompt', 'environment'),
      ['begun_at', 'time'],
      ...texts('by', 'result', 'document'),
    ],
    subject: ['id', 'result'],
    // The second of its two rows is recorded when it has ended.
    at: "ifNull(parseDateTime64BestEffortOrNull(JSONExtractString(document, 'endedAt'), 9, 'UTC'), begun_at)",
  },
};

type Row = Readonly<Record<string, string | number | null | undefined>>;

const BILLION = 1e9;

function textOf(value: Row[string], form: Form): string | null {
  if (value === null || value === undefined) return null;
  if (form === 'billionths') return String(Math.floor(Number(value) * BILLION));
  return asStored(String(value));
}

/** Half of a surrogate pair has no UTF-8: the engine keeps its escape of JSON as it is written. */
function asStored(text: string): string {
  if (text.isWellFormed()) return text;
  return text.replace(/\p{Cs}/gu, (half) => `\\u${half.charCodeAt(0).toString(16)}`);
}

/** What `encodeFields` makes of the fields of a row as it is inserted: without making the fields, of which there are many. */
export function encodedRow(kind: RowKind, row: object): string {
  let encoded = '';
  for (const [name, form] of RECORDED[kind].columns) {
    NAMES[name] ??= netstring(name);
    encoded += NAMES[name] + netstring(textOf((row as Row)[name], form));
  }
  return encoded;
}

/** Names of columns as netstrings. */
const NAMES: Record<string, string> = {};

export function subjectOfRow(kind: RowKind, row: object): readonly string[] {
  return RECORDED[kind].subject.map((name) => asStored(String((row as Row)[name])));
}

/** SQL for the text of a column as it is hashed: a String, or null. */
function columnText(name: string, form: Form): string {
  switch (form) {
    case 'text':
    case 'maybe':
      return `toString(${name})`;
    case 'time':
    case 'maybe_time':
      return `concat(replaceOne(toString(${name}), ' ', 'T'), 'Z')`;
    case 'integer':
      return `toString(${name})`;
    case 'billionths':
      return `toString(toInt64(floor(${name} * ${BILLION})))`;
  }
}

const isNullable = (form: Form): boolean => form === 'maybe' || form === 'maybe_time' || form === 'billionths';

function columnNetstring([name, form]: readonly [string, Form]): string {
  const text = columnText(name, form);
  const encoded = `concat(toString(length(${text})), ':', ${text}, ',')`;
  return isNullable(form) ? `ifNull(${encoded}, '-,')` : encoded;
}

/** SQL for `encodedRow`. */
function encodedSql(kind: RowKind): string {
  const parts = RECORDED[kind].columns.map(
    (column) => `'${column[0].length}:${column[0]},', ${columnNetstring(column)}`,
  );
  return `concat(${parts.join(', ')})`;
}

/** SQL: 32 bytes. */
export function rowHashSql(kind: RowKind): string {
  return `SHA256(${encodedSql(kind)})`;
}

/** SQL for `subjectOfRow`. */
export function subjectSql(kind: RowKind): string {
  const { columns, subject } = RECORDED[kind];
  const formOf = (name: string): Form => columns.find((column) => column[0] === name)?.[1] ?? 'text';
  return `[${subject.map((name) => columnText(name, formOf(name))).join(', ')}]`;
}

/** SQL for the values of what is hashed of a row, as an array. */
export function fieldValuesSql(kind: RowKind): string {
  return `[${RECORDED[kind].columns.map(([name, form]) => `CAST(${columnText(name, form)} AS Nullable(String))`).join(', ')}]`;
}

export function fieldsOfValues(kind: RowKind, values: readonly (string | null)[]): AuditFields {
  return Object.fromEntries(RECORDED[kind].columns.map(([name], index) => [name, values[index] ?? null]));
}

/** SQL: rows whose subject begins with one of `{keys:Array(String)}`, which the order of most tables finds at once. */
export function beginsWithSql(kind: RowKind): string {
  return `${RECORDED[kind].subject[0] ?? '1'} IN {keys:Array(String)}`;
}
