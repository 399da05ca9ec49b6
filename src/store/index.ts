/** All families of the store over one database. */

import type {
  DeliveryLog,
  IncidentLog,
  ObservationLog,
  RegistryLog,
  TextLog,
  TimelineLog,
  VerdictLog,
} from '../contract/store.ts';
import type { BaselineLog } from '../contract/baseline-log.ts';
import type { OutputLog } from '../contract/output-log.ts';
import type { RestoreLog } from '../contract/restore-log.ts';
import type { RetentionLog } from '../contract/retention-log.ts';
import type { SqlDesk } from '../contract/sql.ts';
import type { AuditLog } from '../contract/audit.ts';
import type { Clock } from '../contract/time.ts';
import { KnowledgeHorizon } from '../lib/knowledge-horizon.ts';
import { createAuditLog } from './audit/audit-log.ts';
import { NO_TRAIL, type Trail } from './audit/trail.ts';
import type { Database } from './database.ts';
import { createDeliveryLog } from './delivery-log.ts';
import { createIncidentLog } from './incident-log.ts';
import { createObservationLog } from './observation-log.ts';
import { createRegistryLog } from './registry-log.ts';
import { createBaselineLog } from './telemetry/baseline-log.ts';
import { createOutputLog } from './telemetry/output-log.ts';
import { createRetentionLog } from './telemetry/retention.ts';
import { createRestoreLog } from './restore-log.ts';
import { createSqlDesk } from './sql/sql-desk.ts';
import { createTextLog } from './text-log.ts';
import { createTimelineLog } from './timeline/timeline-log.ts';
import { createVerdictLog } from './verdict-log.ts';

export interface Store {
  readonly texts: TextLog;
  readonly observations: ObservationLog;
  readonly registry: RegistryLog;
  readonly verdicts: VerdictLog;
  readonly incidents: IncidentLog;
  readonly deliveries: DeliveryLog;
  readonly restores: RestoreLog;
  readonly timeline: TimelineLog;
  readonly retention: RetentionLog;
  readonly outputs: OutputLog;
  readonly baselines: BaselineLog;
  readonly audit: AuditLog;
  readonly sql: SqlDesk;
  /** Whoever writes observations, calls, versions or pins announces their time here; the timeline answers up to it. */
  readonly horizon: KnowledgeHorizon;
}

/** Call `migrate` first. `trail`: of whoever writes. */
export function createStore(database: Database, clock: Clock, trail: Trail = NO_TRAIL): Store {
  const texts = createTextLog(database);
  const horizon = new KnowledgeHorizon(clock);
  return {
    texts,
    observations: createObservationLog(database, texts, trail),
    registry: createRegistryLog(database, trail),
    verdicts: createVerdictLog(database),
    incidents: createIncidentLog(database, trail),
    deliveries: createDeliveryLog(database),
    restores: createRestoreLog(database, trail),
    timeline: createTimelineLog(database, texts, clock, horizon),
    outputs: createOutputLog(database, texts),
    baselines: createBaselineLog(database),
    retention: createRetentionLog(database, trail),
    audit: createAuditLog(database, () => trail.flush()),
    sql: createSqlDesk(database),
    horizon,
  };
}
