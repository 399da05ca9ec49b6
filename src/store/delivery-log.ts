/** Alerts that must go out, from before they are sent to the receipt. */

import type { Delivery, DeliveryLog, DeliveryStatus } from '../contract/store.ts';
import type { IncidentTransition } from '../contract/incident.ts';
import type { Timestamp } from '../contract/time.ts';
import type { Database } from './database.ts';
import { groupCommit } from './group-commit.ts';
import { groupRead } from './group-read.ts';
import { toIncident } from './incident-log.ts';
import { jsonLines } from './json-lines.ts';

interface Row {
  readonly id: string;
  readonly incident_id: string;
  readonly incident_revision: string;
  readonly transition: IncidentTransition;
  readonly channel: string;
  readonly status: DeliveryStatus;
  readonly attempts: number;
  readonly message: string;
  readonly detail: string;
  readonly created_at: Timestamp;
  readonly updated_at: Timestamp;
}

const COLUMNS =
  'id, incident_id, incident_revision, transition, channel, status, attempts, message, detail, created_at, updated_at';

// More attempts are later, and what is settled is later than what is pending; the clock decides only
// between equals. A clock that was set back must not make a delivered alert pending again.
const NEWEST_FIRST = "attempts DESC, status != 'pending' DESC, updated_at DESC";
const PENDING_MAX = 10_000;
const LIST_MAX = 1_000;
const BATCH_ROWS_MAX = 1_000;
const KEYS_MAX = 200;

export function createDeliveryLog(database: Database): DeliveryLog {
  const select = async (column: 'id' | 'incident_id', keys: readonly string[]): Promise<readonly Delivery[]> => {
    const rows = await database.query<Row>(
      `SELECT ${COLUMNS} FROM (
         SELECT ${COLUMNS} FROM deliveries WHERE ${column} IN {keys:Array(String)}
         ORDER BY ${NEWEST_FIRST} LIMIT 1 BY id
       ) ORDER BY created_at, id LIMIT ${LIST_MAX} BY incident_id`,
      { keys },
    );
    return rows.map(toDelivery);
  };
  const get = groupRead(KEYS_MAX, async (ids: readonly string[]) => {
    const found = new Map((await select('id', ids)).map((delivery) => [delivery.id, delivery]));
    return ids.map((id) => found.get(id) ?? null);
  });
  const list = groupRead(KEYS_MAX, async (incidents: readonly string[]) => {
    const found = Map.groupBy(await select('incident_id', incidents), ({ incidentId }) => incidentId);
    return incidents.map((id) => found.get(id) ?? []);
  });
  const append = groupCommit<Delivery>(BATCH_ROWS_MAX, (deliveries) =>
    database.insertJsonLines('deliveries', jsonLines(deliveries.map(toRow))),
  );
  return {
    append,
    get,
    pending: async (limit) => {
      const rows = await database.query<Row>(
        `SELECT ${COLUMNS} FROM (SELECT * FROM deliveries ORDER BY ${NEWEST_FIRST} LIMIT 1 BY id)
         WHERE status = 'pending'
         ORDER BY created_at, id LIMIT {limit:UInt32}`,
        { limit: Math.min(Math.max(0, limit), PENDING_MAX) },
      );
      return rows.map(toDelivery);
    },
    list,
    told: async (message) => {
      const rows = await database.query<{ readonly document: string }>(
        `SELECT document FROM incidents
         WHERE (id, revision) IN (SELECT incident_id, incident_revision FROM deliveries WHERE message = {message:String})
         ORDER BY target, id LIMIT 1 BY id`,
        { message },
      );
      return rows.map(toIncident);
    },
  };
}

function toRow(delivery: Delivery): object {
  return {
    id: delivery.id,
    incident_id: delivery.incidentId,
    incident_revision: delivery.incidentRevision,
    transition: delivery.transition,
    channel: delivery.channel,
    status: delivery.status,
    attempts: delivery.attempts,
    message: delivery.message ?? '',
    detail: delivery.detail,
    created_at: delivery.createdAt,
    updated_at: delivery.updatedAt,
  };
}

function toDelivery(row: Row): Delivery {
  return {
    id: row.id,
    incidentId: row.incident_id,
    incidentRevision: Number(row.incident_revision),
    transition: row.transition,
    channel: row.channel,
    status: row.status,
    attempts: row.attempts,
    ...(row.message === '' ? {} : { message: row.message }),
    detail: row.detail,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
