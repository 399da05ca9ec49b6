/** The daemon's flows on a real embedded store, with a clock that a test turns and a registry that it changes. */

import type { Incident } from '../../src/contract/incident.ts';
import type { HeldObservation, Observation } from '../../src/contract/observation.ts';
import type { Pin, RegisteredVersion } from '../../src/contract/prompt.ts';
import type { Queue } from '../../src/contract/queue.ts';
import type { Timestamp } from '../../src/contract/time.ts';
import { AttributionDesk } from '../../src/daemon/attribution/attribution-desk.ts';
import { RegistryView } from '../../src/daemon/registry/registry-view.ts';
import { TargetWatch } from '../../src/daemon/targets/target-watch.ts';
import { type Announcer, IncidentDesk } from '../../src/incidents/incident-desk.ts';
import type { Finding } from '../../src/incidents/lifecycle.ts';
import { systemClock } from '../../src/lib/time.ts';
import type { Log } from '../../src/observability/log.ts';
import { createLog } from '../../src/observability/log.ts';
import type { Database } from '../../src/store/database.ts';
import { createStore, type Store } from '../../src/store/index.ts';
import { migrate } from '../../src/store/migrate.ts';
import { openDatabase } from '../../src/store/engine/open-database.ts';
import { TurnableClock } from '../support/turnable-clock.ts';

/** Schedules are never due here: a test calls what they would call. */
export const QUIET_QUEUE: Queue = {
  add: async () => true,
  handle: () => undefined,
  every: () => undefined,
  cancel: () => undefined,
  counts: async () => ({ waiting: 0, delayed: 0, active: 0, failed: 0, refused: 0 }),
  start: async () => undefined,
  stop: async () => undefined,
};

/** Nobody is told: who is told what is tested in `tests/alerting`. */
const NOBODY: Announcer = { prepare: async () => [], dispatch: async () => undefined };

export const SILENT_LOG: Log = createLog({ level: 'silent', forPeople: false, colour: false, secrets: [] });

export async function openTestStore(path: string): Promise<{ database: Database; store: Store }> {
  const database = await openDatabase({ path }, '0.0.0-test', systemClock);
  await migrate(database, systemClock);
  return { database, store: createStore(database, systemClock) };
}

/** What is registered, as the registry keeper would tell it. */
export class TestRegistry {
  view: RegistryView;
  readonly desk: AttributionDesk;

  constructor(versions: readonly RegisteredVersion[], pins: readonly Pin[], liveTextsMax?: number) {
    this.view = new RegistryView({ versions, pins });
    this.desk = new AttributionDesk(() => this.view, liveTextsMax);
    this.desk.register(versions);
  }

  change(versions: readonly RegisteredVersion[], pins: readonly Pin[]): void {
    this.view = new RegistryView({ versions, pins });
    this.desk.register(versions);
  }
}

export interface Watching {
  readonly watch: TargetWatch;
  readonly desk: IncidentDesk;
  readonly clock: TurnableClock;
  readonly findings: Finding[];
  /** Set it to have the next hand-over fail. */
  failNext: boolean;
  /** One look, at the clock's time. */
  readonly see: (...observations: readonly Observation[]) => Promise<void>;
  /** Of one target, newest first. */
  readonly incidents: (target: string) => Promise<readonly Incident[]>;
}

export async function watching(
  store: Store,
  registry: TestRegistry,
  at: Timestamp,
  options: { readonly judgesAlone?: boolean } = {},
): Promise<Watching> {
  const clock = new TurnableClock(at);
  const findings: Finding[] = [];
  const desk = new IncidentDesk({
    incidents: store.incidents,
    announcer: NOBODY,
    countAffected: async () => 0,
    queue: QUIET_QUEUE,
    clock,
    onProblem: (_message, error) => {
      throw error;
    },
  });
  const watch = new TargetWatch(await store.observations.latest(), {
    observations: store.observations,
    verdicts: store.verdicts,
    clock,
    registry: () => registry.view,
    attribute: (query) => registry.desk.attribute(query),
    near: (query) => registry.desk.near(query),
    onFindings: async (found) => {
      if (result.failNext) {
        result.failNext = false;
        throw new Error('The store is away.');
      }
      findings.push(...found);
      await desk.take(found);
    },
    onUnregistered: (held: HeldObservation) => {
      registry.desk.learn(held);
    },
    judgesAlone: options.judgesAlone ?? true,
  });
  const result: Watching = {
    watch,
    desk,
    clock,
    findings,
    failNext: false,
    see: (...observations) => watch.take(observations.map((each) => ({ ...each, observedAt: clock.now() }))),
    incidents: async (target) => (await store.incidents.list({ target }, { limit: 100 })).items,
  };
  return result;
}
