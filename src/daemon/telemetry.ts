/** Telemetry's way through the daemon: receivers, ingest, attribution of each call, and what others ask of stored calls. */

import { join } from 'node:path';
import { OtlpGrpcReceiver } from '../../collectors/otlp/grpc.ts';
import { ThreadedHttpReceiver } from '../../collectors/otlp/http-in-thread.ts';
import { DEFAULT_OTLP_LIMITS, InFlight } from '../../collectors/otlp/limits.ts';
import { observeInFlight } from '../../collectors/otlp/metrics.ts';
import type { Configuration } from '../config/load.ts';
import type { Component } from '../contract/component.ts';
import { describeError, isFault, stackOf } from '../contract/fault.ts';
import type { InvocationLog, Repriced } from '../contract/invocation-log.ts';
import type { TextLog } from '../contract/store.ts';
import type { AuthorizeIngest } from '../contract/telemetry.ts';
import type { Clock, Timestamp } from '../contract/time.ts';
import type { TrafficLog } from '../contract/traffic-log.ts';
import type { VariableLog } from '../contract/variable-log.ts';
import { serviceOfTraffic } from '../drift/traffic-target.ts';
import { admit } from '../http/auth.ts';
import type { CountAffected } from '../incidents/incident-desk.ts';
import { contentPolicies } from '../ingest/content/policy.ts';
import { Ingest } from '../ingest/ingest.ts';
import type { Quarantine } from '../ingest/quarantine.ts';
import type { KnowledgeHorizon } from '../lib/knowledge-horizon.ts';
import { addMillis } from '../lib/time.ts';
import type { Log } from '../observability/log.ts';
import { createPriceBook } from '../pricing/price-book.ts';
import type { Database } from '../store/database.ts';
import { createInvocationLog } from '../store/telemetry/invocation-log.ts';
import { createTrafficLog } from '../store/telemetry/traffic-log.ts';
import { createTelemetryLog } from '../store/telemetry/telemetry-log.ts';
import { createVariableLog } from '../store/telemetry/variable-log.ts';
import { AttributeAgain } from './attribute-again.ts';
import { AttributedBy } from './attributed-by.ts';
import { unregisteredVersion, type AttributionDesk } from './attribution-desk.ts';
import { callAttribution } from './call-attribution.ts';
import type { RegistryView } from './registry-view.ts';

export interface Telemetry {
  /** Started before the receivers, stopped after them. */
  readonly processing: readonly Component[];
  readonly receivers: readonly Component[];
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
  /** Accepted and not settled in the store; once stopped, what the next start goes on with. */
  waitingBytes(): number;
  /** Of the receivers, once started. */
  addresses(): { readonly otlp: string; readonly grpc: string };
}

export interface TelemetryOptions {
  readonly configuration: Configuration;
  readonly database: Database;
  readonly texts: TextLog;
  readonly clock: Clock;
  readonly horizon: KnowledgeHorizon;
  readonly log: Log;
  readonly attribution: AttributionDesk;
  readonly registry: () => RegistryView;
}

/** Where an incident does not say since when, calls are counted from so long ago. */
const AFFECTED_LOOK_BACK_MS = 7 * 86_400_000;

export function createTelemetry(options: TelemetryOptions): Telemetry {
  const { configuration, database, texts, clock, log, attribution, registry } = options;
  const { server } = configuration;
  const calls = createInvocationLog(database, texts);
  const traffic = createTrafficLog(database);
  const onError = (error: unknown): void => {
    if (isFault(error)) log.error(describeError(error));
    else log.error({ error: stackOf(error) }, 'a bug in the ingest');
  };
  const price = createPriceBook(configuration.prices);
  const ingest = new Ingest({
    log: createTelemetryLog(database),
    isShared: database.kind === 'server',
    clock,
    horizon: options.horizon,
    dataDirectory: configuration.dataDirectory,
    policies: contentPolicies(configuration.content),
    attribute: callAttribution(
      (query) => attribution.attributeTraffic(query),
      (prompt) => registry().ownerOf(prompt),
    ),
    price,
    onError,
    onTrouble: (problem) =>
      problem === null ? log.info('telemetry goes its way again, into the spool and the store') : log.warn(problem),
  });
  const again = new AttributeAgain({
    traffic,
    resettle: (traceIds) => ingest.resettle(traceIds),
    ids: () => attribution.ids,
    done: new AttributedBy(join(configuration.dataDirectory, 'attributed-by'), database.release),
    clock,
    log,
  });
  const inFlight = new InFlight(DEFAULT_OTLP_LIMITS.inFlightBytesMax);
  observeInFlight(() => inFlight.bytes);
  const shared = {
    host: server.host,
    accept: ingest.accept,
    authorize: authorizeIngest(configuration),
    limits: DEFAULT_OTLP_LIMITS,
    inFlight,
    onError,
  };
  const http = new ThreadedHttpReceiver({ ...shared, port: server.otlpPort });
  const grpc = new OtlpGrpcReceiver({ ...shared, port: server.grpcPort });
  return {
    processing: [ingest, again],
    receivers: [http, grpc],
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
    waitingBytes: () => ingest.waitingBytes,
    addresses: () => ({
      otlp: `http://${hostInUrl(server.host)}:${http.port}`,
      grpc: `${hostInUrl(server.host)}:${grpc.port}`,
    }),
  };
}

function authorizeIngest({ keys }: Configuration): AuthorizeIngest {
  return (headers) => {
    const { authorization } = headers;
    const admission = admit('ingest', typeof authorization === 'string' ? authorization : undefined, keys);
    if (admission.allowed) return 'allowed';
    return admission.status === 401 ? 'unauthenticated' : 'forbidden';
  };
}

function hostInUrl(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
