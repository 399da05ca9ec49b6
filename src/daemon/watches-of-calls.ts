/** What finds problems in calls rather than in watched places: traffic, outputs, and what is declared of calls. */

import type { Component } from '../contract/component.ts';
import type { Queue } from '../contract/queue.ts';
import type { Clock } from '../contract/time.ts';
import type { IncidentDesk, LastCallOf } from '../incidents/incident-desk.ts';
import type { Finding } from '../incidents/lifecycle.ts';
import type { Log } from '../observability/log.ts';
import type { Store } from '../store/index.ts';
import type { AttributionDesk } from './attribution/attribution-desk.ts';
import { BaselineWatch } from './baselines/baseline-watch.ts';
import { OutputWatch } from './outputs/output-watch.ts';
import type { RegistryView } from './registry/registry-view.ts';
import { onSchedule } from './scheduled-look.ts';
import type { Telemetry } from './telemetry.ts';
import { TrafficWatch } from './traffic/traffic-watch.ts';

export interface WatchesOfCallsOptions {
  readonly store: Pick<Store, 'incidents' | 'outputs' | 'baselines'>;
  readonly telemetry: Pick<Telemetry, 'traffic' | 'calls' | 'variables'>;
  readonly attribution: AttributionDesk;
  readonly incidents: IncidentDesk;
  readonly queue: Queue;
  readonly clock: Clock;
  readonly log: Log;
  readonly registry: () => RegistryView;
  readonly onFindings: (findings: readonly Finding[]) => Promise<void>;
}

export function watchesOfCalls(options: WatchesOfCallsOptions): readonly Component[] {
  const { store, telemetry, attribution, incidents, queue, clock, log, registry, onFindings } = options;
  const shared = {
    incidents: store.incidents,
    clock,
    log,
    registry,
    onFindings,
    retireUncalled: (lastCallOf: LastCallOf) => incidents.retireUncalled(lastCallOf),
  };
  const looks = [
    new TrafficWatch({
      ...shared,
      traffic: telemetry.traffic,
      calls: telemetry.calls,
      variables: telemetry.variables,
      attribute: (query) => attribution.attribute(query),
      near: (query) => attribution.near(query),
    }),
    new OutputWatch({ ...shared, outputs: store.outputs }),
    new BaselineWatch({
      ...shared,
      baselines: store.baselines,
      calls: telemetry.calls,
      retire: (isWatched) => incidents.retire(isWatched),
    }),
  ];
  return looks.map((look) => onSchedule(queue, look));
}
