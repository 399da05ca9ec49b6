/** Alerts that must go out, from before they are sent to the receipt. */

import type { Delivery, DeliveryLog, DeliveryStatus } from '../contract/store.ts';
import type { IncidentTransition } from '../contract/incident.ts';
import type { Timestamp } from '../contract/time.ts';
import type { Database } from './database.ts';
import { groupCommit } from './group-commit.ts';
import { jsonLines } from './json-lines.ts';

interface Row {
  readonly id: string;
  readonly incident_id: string;
  readonly incident_revision: string;
  readonly transition: IncidentTransition;
  readonly channel: string;
  readonly status: DeliveryStatus;
  readonly attempts: number;
  readonly detail: string;
  readonly created_at: Timestamp;
  readonly updated_at: Timestamp;
}

const COLUMNS =
  'id, incident_id, incident_revision, transition, channel, status, attempts, detail, created_at, updated_at';

// More attempts are later, and what is settled is later than what is pending; the clock decides only
// between equals. A clock that was set back must not make a delivered alert pending again.
const NEWEST_FIRST = "attempts DESC, status != 'pending' DESC, updated_at DESC";
const PENDING_MAX = 10_000;
const LIST_MAX = 1_000;
const BATCH_ROWS_MAX = 1_000;

export function createDeliveryLog(database: Database): DeliveryLog {
  const select = async (where: string, parameters: Readonly<Record<string, string>>): Promise<readonly Delivery[]> => {
    const rows = await database.query<Row>(
      `SELECT ${COLUMNS} FROM deliveries WHERE ${where}
       ORDER BY ${NEWEST_FIRST} LIMIT 1 BY id LIMIT ${LIST_MAX}`,
      parameters,
    );
    return rows.map(toDelivery);
  };
  // Those of one message are recorded at the same moment.
  const append = groupCommit<Delivery>(BATCH_ROWS_MAX, (deliveries) =>
    database.insertJsonLines('deliveries', jsonLines(deliveries.map(toRow))),
  );
  return {
    append: (delivery) => append([delivery]),
    get: async (id) => (await select('id = {id:String}', { id }))[0] ?? null,
    pending: async (before, limit) => {
      const rows = await database.query<Row>(
        `SELECT ${COLUMNS} FROM (SELECT * FROM deliveries ORDER BY ${NEWEST_FIRST} LIMIT 1 BY id)
         WHERE status = 'pending' AND created_at < {before:DateTime64(9, 'UTC')}
         ORDER BY created_at, id LIMIT {limit:UInt32}`,
        { before, limit: Math.min(Math.max(0, limit), PENDING_MAX) },
      );
      return rows.map(toDelivery);
    },
    list: async (incidentId) => {
      const deliveries = await select('incident_id = {incidentId:String}', { incidentId });
      return deliveries.toSorted((a, b) => (a.createdAt < b.createdAt ? -1 : a.createdAt > b.createdAt ? 1 : 0));
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
    detail: row.detail,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
