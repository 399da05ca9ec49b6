/** TEMPORARY while the ingest is being built. */
import type { Configuration } from '../config/load.ts';
import type { Component } from '../contract/component.ts';
import type { Queue } from '../contract/queue.ts';
import type { Clock } from '../contract/time.ts';
import type { Api } from '../http/api.ts';
import type { CountAffected } from '../incidents/incident-desk.ts';
import type { Finding } from '../incidents/lifecycle.ts';
import type { Log } from '../observability/log.ts';
import type { Database } from '../store/database.ts';
import type { AttributionDesk } from './attribution-desk.ts';
import type { RegistryView } from './registry-view.ts';

export interface Telemetry {
  readonly processing: readonly Component[];
  readonly receivers: readonly Component[];
  readonly countAffected: CountAffected;
  readonly invocations: Api['invocations'];
  readonly usage: Api['usage'];
  /** Calls that were unknown may be known now. */
  attributeAgain(): void;
  addresses(): { readonly otlp: string; readonly grpc: string };
}

export interface TelemetryOptions {
  readonly configuration: Configuration;
  readonly database: Database;
  readonly queue: Queue;
  readonly clock: Clock;
  readonly log: Log;
  readonly release: string;
  readonly attribution: AttributionDesk;
  readonly registry: () => RegistryView;
  readonly onFindings: (findings: readonly Finding[]) => Promise<void>;
}

export function createTelemetry(_options: TelemetryOptions): Telemetry {
  return {
    processing: [],
    receivers: [],
    countAffected: async () => 0,
    invocations: async () => ({ items: [], nextCursor: null }),
    usage: async () => [],
    attributeAgain: () => {},
    addresses: () => ({ otlp: 'http://127.0.0.1:1', grpc: '127.0.0.1:1' }),
  };
}
