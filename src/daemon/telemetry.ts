/** Telemetry's way through the daemon behind the entrance: ingest, attribution of each call, and what others ask of stored calls. */

import { join } from 'node:path';
import type { Configuration } from '../config/configuration.ts';
import type { Component } from '../contract/component.ts';
import type { InvocationLog, Repriced } from '../contract/invocation-log.ts';
import type { TextLog } from '../contract/store.ts';
import type { Clock, Timestamp } from '../contract/time.ts';
import type { TrafficLog } from '../contract/traffic-log.ts';
import type { VariableLog } from '../contract/variable-log.ts';
import { serviceOfTraffic } from '../drift/traffic-target.ts';
import type { CountAffected } from '../incidents/incident-desk.ts';
import type { Entrance } from '../ingest/entrance.ts';
import { Ingest } from '../ingest/ingest.ts';
import type { Quarantine } from '../ingest/quarantine.ts';
import type { KnowledgeHorizon } from '../lib/knowledge-horizon.ts';
import { addMillis, DAY_MS } from '../lib/time.ts';
import type { Log } from '../observability/log.ts';
import { createPriceBook } from '../pricing/price-book.ts';
import type { Database } from '../store/database.ts';
import { createInvocationLog } from '../store/telemetry/invocation-log.ts';
import { createTrafficLog } from '../store/telemetry/traffic-log.ts';
import { createTelemetryLog } from '../store/telemetry/telemetry-log.ts';
import { createVariableLog } from '../store/telemetry/variable-log.ts';
import { AttributeAgain } from './attribution/attribute-again.ts';
import { AttributedBy } from './attribution/attributed-by.ts';
import { unregisteredVersion, type AttributionDesk } from './attribution/attribution-desk.ts';
import { callAttribution } from './attribution/call-attribution.ts';
import { ingestErrors } from './reception.ts';
import type { RegistryView } from './registry/registry-view.ts';

export interface Telemetry {
  /** Stopped after the receivers. */
  readonly processing: readonly Component[];
  readonly calls: InvocationLog;
  readonly traffic: TrafficLog;
  readonly variables: VariableLog;
  readonly countAffected: CountAffected;
  quarantine(): Quarantine;
  /** Prices stored calls anew; see `InvocationLog.reprice`. */
  reprice(from: Timestamp, to: Timestamp): Promise<Repriced>;
  /** Calls that were unknown may be known now. */
  attributeAgain(): void;
  /** What is wrong with the store or the spool, as the ingest meets it. */
  problems(): readonly string[];
}

export interface TelemetryOptions {
  readonly configuration: Configuration;
  readonly entrance: Entrance;
  readonly database: Database;
  readonly texts: TextLog;
  readonly clock: Clock;
  readonly horizon: KnowledgeHorizon;
  readonly log: Log;
  readonly attribution: AttributionDesk;
  readonly registry: () => RegistryView;
}

/** Where an incident does not say since when, calls are counted from so long ago. */
const AFFECTED_LOOK_BACK_MS = 7 * DAY_MS;

export function createTelemetry(options: TelemetryOptions): Telemetry {
  const { configuration, database, texts, clock, log, attribution, registry } = options;
  const calls = createInvocationLog(database, texts);
  const traffic = createTrafficLog(database);
  const price = createPriceBook(configuration.prices);
  const ingest = new Ingest({
    entrance: options.entrance,
    log: createTelemetryLog(database),
    isShared: database.kind === 'server',
    clock,
    horizon: options.horizon,
    attribute: callAttribution(
      (query) => attribution.attributeTraffic(query),
      (prompt) => registry().ownerOf(prompt),
    ),
    price,
    onError: ingestErrors(log),
  });
  const again = new AttributeAgain({
    traffic,
    resettle: (traceIds) => ingest.resettle(traceIds),
    ids: () => attribution.ids,
    done: new AttributedBy(join(configuration.dataDirectory, 'attributed-by'), database.release),
    clock,
    log,
  });
  return {
    processing: [ingest, again],
    calls,
    traffic,
    variables: createVariableLog(database),
    countAffected: ({ prompt, environment, target, contents }) => {
      const lookBack = addMillis(clock.now(), -AFFECTED_LOOK_BACK_MS);
      const known = contents.flatMap(({ version, hash, since, until }) => {
        if (version === null && hash === null) return [];
        return {
          version: version ?? (hash === null ? undefined : unregisteredVersion(hash)),
          promptHash: hash ?? undefined,
          since: since ?? lookBack,
          until: until ?? undefined,
        };
      });
      const service = serviceOfTraffic(target, prompt) ?? undefined;
      return calls.affected({ prompt, environment, service, contents: known });
    },
    quarantine: () => ingest.quarantine,
    reprice: async (from, to) => {
      await ingest.repricing({ from, to });
      return calls.reprice(from, to, price);
    },
    attributeAgain: () => again.request(),
    problems: () => ingest.problems,
  };
}
