/** Gives the HTTP API what it asks for, from the daemon's parts. */

import { restoreCommand } from '../alerting/alert.ts';
import { Fault } from '../contract/fault.ts';
import type { Incident } from '../contract/incident.ts';
import type { Clock } from '../contract/time.ts';
import type { Api, FeedbackApi, HealthApi } from '../http/api.ts';
import { notFound } from '../http/problem.ts';
import type { IncidentDesk } from '../incidents/incident-desk.ts';
import type { Log } from '../observability/log.ts';
import type { PollingHost } from '../polling/host.ts';
import { touchedByComponent } from '../registry/components.ts';
import { Slices } from '../lib/slices.ts';
import { ALARM_LOG_SCORE } from '../statistics/change-scan.ts';
import type { Store } from '../store/index.ts';
import type { AttributionDesk } from './attribution/attribution-desk.ts';
import type { RegistryView } from './registry/registry-view.ts';
import { VerificationDesk } from './audit/verification-desk.ts';
import { PushDesk } from './targets/push-desk.ts';
import { restore } from './targets/restoring.ts';
import type { TargetWatch } from './targets/target-watch.ts';
import type { Telemetry } from './telemetry.ts';

export interface ApiParts {
  readonly store: Store;
  readonly telemetry: Telemetry;
  readonly registry: () => RegistryView;
  readonly attribution: AttributionDesk;
  readonly incidents: IncidentDesk;
  readonly polling: PollingHost;
  readonly watch: TargetWatch;
  readonly log: Log;
  readonly health: HealthApi;
  readonly feedback: FeedbackApi;
  readonly clock: Clock;
  readonly everyMsOf: (source: string) => number;
  /** How the command line is called here. */
  readonly command: string;
}

export function daemonApi(parts: ApiParts): Api {
  const { store, telemetry, registry, attribution, incidents, polling, watch, log } = parts;
  const pushes = new PushDesk({ polling, clock: parts.clock });
  const verifications = new VerificationDesk(store.audit);
  return {
    ...parts.health,
    ...parts.feedback,
    now: () => parts.clock.now(),
    observations: store.observations,
    verdicts: store.verdicts,
    incidents: store.incidents,
    deliveries: store.deliveries,
    restores: store.restores,
    timeline: store.timeline,
    audit: store.audit,
    sql: store.sql,
    verifyAudit: (question) => verifications.begin(question),
    auditVerification: (id) => verifications.state(id),
    registry: () => registry().snapshot,
    includedBy: (component) => {
      const touched = touchedByComponent(registry().snapshot.versions, { id: component });
      return [...new Set(touched.map(({ prompt }) => prompt))];
    },
    versions: async (prompt) => registry().versionsOf(prompt),
    targets: () =>
      polling.targets().map((target) => ({
        id: target.id,
        source: target.source,
        type: target.sourceType,
        prompt: target.prompt,
        environment: target.environment,
        everyMs: parts.everyMsOf(target.source),
        powers: target.canRestore ? ['live', 'restore'] : ['live'],
      })),
    calls: telemetry.calls,
    variables: telemetry.variables,
    baselines: store.baselines,
    outputs: { ...store.outputs, alarmAtLog10Score: ALARM_LOG_SCORE / Math.LN10 },
    quarantine: telemetry.quarantine(),
    reprice: (from, to) => telemetry.reprice(from, to),
    attribute: (query) => new Slices(parts.clock).run(attribution.explain(query)),
    restoreCommand: (incident) =>
      restoreCommand(incident, {
        command: parts.command,
        canRestore: (id) => polling.targets().some((target) => target.id === id && target.canRestore),
      }),
    acknowledge: async (id, by) => found(id, await incidents.acknowledge(id, by)),
    snooze: async (id, until, by) => found(id, await incidents.snooze(id, until, by)),
    resolve: async (id, by) => found(id, await incidents.resolve(id, by)),
    takePush: (source, push) => pushes.take(source, push),
    restore: (call) => {
      if (call.target === '') throw new Fault('config', 'Name the target.', { hint: 'A target is SOURCE/prompt.' });
      const { restores, registry: versions } = store;
      return restore(call, { polling, watch, registry, versions, restores, clock: parts.clock, log });
    },
  };
}

function found(id: string, incident: Incident | null): Incident {
  if (incident === null) throw notFound(`The incident ${id}`, 'GET /api/v1/incidents lists them.');
  return incident;
}
