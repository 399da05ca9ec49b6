/** Incidents as revisions: the highest is the truth, the others are its history. */

import type { Incident } from '../contract/incident.ts';
import type { IncidentFilter, IncidentLog, Page, PageOf } from '../contract/store.ts';
import type { Timestamp } from '../contract/time.ts';
import type { Trail } from './audit/trail.ts';
import { decodeCursor, pageLimit, toPage } from './cursor.ts';
import type { Database, QueryParameters } from './database.ts';
import { groupCommit } from './group-commit.ts';
import { groupRead } from './group-read.ts';
import { jsonLines } from './json-lines.ts';

interface Row {
  readonly id: string;
  readonly opened_at: Timestamp;
  readonly document: string;
}

/** Each has a diff and a text in it. */
const BATCH_ROWS_MAX = 200;
const KEYS_MAX = 200;

export function createIncidentLog(database: Database, trail: Trail): IncidentLog {
  // Those of one poll are looked up and written at the same moment.
  const append = groupCommit<object>(BATCH_ROWS_MAX, async (rows) => {
    await database.insertJsonLines('incidents', jsonLines(rows));
    trail.stored('incident', rows);
  });
  const get = groupRead(KEYS_MAX, (ids: readonly string[]) => readNewest(database, BY_ID, ids));
  const newestWithFingerprint = groupRead(KEYS_MAX, (prints: readonly string[]) =>
    readNewest(database, BY_FINGERPRINT, prints),
  );
  const atRevision = groupRead(KEYS_MAX, (keys: readonly RevisionKey[]) => readRevisions(database, keys));
  return {
    append: (incident, transition, by) => append([toRow(incident, transition, by)]),
    get,
    atRevision: (id, revision) => atRevision({ id, revision }),
    newestWithFingerprint,
    list: (filter, page) => readPage(database, filter, page),
    endedSince: async (since, limit) => {
      const rows = await database.query<{ id: string }>(
        `SELECT id FROM (
           SELECT id, transition, updated_at FROM incidents ORDER BY revision DESC LIMIT 1 BY id
         ) WHERE transition = 'resolved' AND updated_at >= {since:DateTime64(9, 'UTC')}
         ORDER BY updated_at DESC, id LIMIT {limit:UInt32}`,
        { since, limit },
      );
      return rows.map(({ id }) => id);
    },
  };
}

const BY_ID = `SELECT id AS key, document FROM incidents WHERE id IN {keys:Array(String)}
  ORDER BY revision DESC LIMIT 1 BY id`;
// The open one, if there is one, and else the one that changed last: it may have opened before one of a clock that was
// ahead, which would hide it for as long as the clock had been.
const BY_FINGERPRINT = `SELECT fingerprint AS key, document FROM (
    SELECT id, fingerprint, status, opened_at, updated_at, document FROM incidents
    WHERE fingerprint IN {keys:Array(String)} ORDER BY revision DESC LIMIT 1 BY id
  ) ORDER BY status = 'resolved', updated_at DESC, opened_at DESC, id DESC LIMIT 1 BY fingerprint`;

async function readNewest(
  database: Database,
  sql: string,
  keys: readonly string[],
): Promise<readonly (Incident | null)[]> {
  const rows = await database.query<{ readonly key: string; readonly document: string }>(sql, { keys });
  const newest = new Map(rows.map((row) => [row.key, toIncident(row)]));
  return keys.map((key) => newest.get(key) ?? null);
}

interface RevisionKey {
  readonly id: string;
  readonly revision: number;
}

async function readRevisions(database: Database, keys: readonly RevisionKey[]): Promise<readonly (Incident | null)[]> {
  const rows = await database.query<{ readonly document: string }>(
    `SELECT document FROM incidents
     WHERE id IN {ids:Array(String)} AND (id, revision) IN (
       SELECT arrayJoin(arrayZip({ids:Array(String)}, {revisions:Array(UInt64)}))
     )
     LIMIT 1 BY id, revision`,
    { ids: keys.map(({ id }) => id), revisions: keys.map(({ revision }) => revision) },
  );
  const found = new Map(rows.map(toIncident).map((incident) => [`${incident.id} ${incident.revision}`, incident]));
  return keys.map(({ id, revision }) => found.get(`${id} ${revision}`) ?? null);
}

/** Newest first. The documents of a page only are read, since they are most of the bytes. */
async function readPage(database: Database, filter: IncidentFilter, page: Page): Promise<PageOf<Incident>> {
  const limit = pageLimit(page);
  const parameters: Record<string, QueryParameters[string]> = { limit: limit + 1 };
  const conditions = [...conditionsOf(filter, parameters)];
  const after = decodeCursor(page, 2);
  if (after !== null) {
    conditions.push("(opened_at, id) < ({afterTime:DateTime64(9, 'UTC')}, {afterId:String})");
    Object.assign(parameters, { afterTime: after[0] ?? '', afterId: after[1] ?? '' });
  }
  const rows = await database.query<Row>(
    `SELECT id, opened_at, document FROM incidents
     WHERE (id, revision) IN (
       SELECT id, revision FROM (
         SELECT id, revision, opened_at, status, verdict, severity, prompt, environment, target
         FROM incidents ORDER BY revision DESC LIMIT 1 BY id
       ) WHERE ${conditions.join(' AND ')} ORDER BY opened_at DESC, id DESC LIMIT {limit:UInt32}
     )
     ORDER BY opened_at DESC, id DESC LIMIT 1 BY id`,
    parameters,
  );
  return toPage(
    rows,
    limit,
    (row) => [row.opened_at, row.id],
    (some) => some.map(toIncident),
  );
}

function* conditionsOf(filter: IncidentFilter, parameters: Record<string, QueryParameters[string]>): Generator<string> {
  yield '1';
  if (filter.status === 'unresolved') yield "status != 'resolved'";
  for (const column of ['prompt', 'environment', 'target', 'verdict', 'severity', 'status'] as const) {
    const value = filter[column];
    if (value === undefined || value === 'unresolved') continue;
    parameters[column] = value;
    yield `${column} = {${column}:String}`;
  }
}

function toRow(incident: Incident, transition: string, by: string): object {
  return {
    id: incident.id,
    revision: incident.revision,
    transition,
    by,
    fingerprint: incident.fingerprint,
    status: incident.status,
    verdict: incident.verdict,
    severity: incident.severity,
    prompt: incident.prompt,
    environment: incident.environment,
    target: incident.target,
    opened_at: incident.openedAt,
    updated_at: incident.updatedAt,
    document: JSON.stringify(incident),
  };
}

/** Documents of earlier releases tell of one content only, and of no calm. */
type StoredIncident = Omit<Incident, 'firstChangedBetween' | 'earlierContents' | 'calmSince'> & Partial<Incident>;

export function toIncident(row: { readonly document: string }): Incident {
  const document = JSON.parse(row.document) as StoredIncident;
  return { firstChangedBetween: document.changedBetween, earlierContents: [], calmSince: null, ...document };
}
