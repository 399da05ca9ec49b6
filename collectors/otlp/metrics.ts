/** What the receiver counts: everything it took, refused or dropped. */

import { counter, gauge } from '../../src/lib/instruments.ts';

const requests = counter({
  name: 'plumbline.otlp.requests',
  description: 'OTLP requests by transport, signal and outcome.',
});
const bodyBytes = counter({
  name: 'plumbline.otlp.body_bytes',
  unit: 'By',
  description: 'Bytes of OTLP bodies after decompression.',
});

const refusedConnections = counter({
  name: 'plumbline.otlp.refused_connections',
  description: 'OTLP connections that were closed at once, as there were too many.',
});

export type Transport = 'http' | 'grpc';

/** Why or how a request ended. A closed set, so that the metric's labels stay few. */
export type RequestOutcome =
  | 'accepted'
  | 'partly_rejected'
  | 'metrics_dropped'
  | 'undecodable'
  | 'too_large'
  | 'unsupported_encoding'
  | 'unsupported_media_type'
  | 'overloaded'
  | 'unauthorized'
  | 'not_found'
  | 'aborted'
  | 'failed';

/** To be called once, in the daemon's own thread. */
export function observeInFlight(read: () => number): void {
  const description = 'Bytes of OTLP bodies that are being received or handled.';
  gauge({ name: 'plumbline.otlp.in_flight_bytes', unit: 'By', description }, read);
}

export function countRequest(transport: Transport, signal: string, outcome: RequestOutcome): void {
  if (elsewhere === null) requests(1, { transport, signal, outcome });
  else elsewhere.add({ what: 'requests', amount: 1, labels: { transport, signal, outcome } });
}

export function countBody(transport: Transport, bytes: number): void {
  if (elsewhere === null) bodyBytes(bytes, { transport });
  else elsewhere.add({ what: 'body_bytes', amount: bytes, labels: { transport } });
}

export function countRefusedConnection(transport: Transport): void {
  if (elsewhere === null) refusedConnections(1, { transport });
  else elsewhere.add({ what: 'refused_connections', amount: 1, labels: { transport } });
}

const COUNTERS = { requests, body_bytes: bodyBytes, refused_connections: refusedConnections };

/** A sum of one kind, on its way from a thread without a meter to the one that has it. */
export interface Counted {
  readonly what: keyof typeof COUNTERS;
  readonly amount: number;
  readonly labels: Readonly<Record<string, string>>;
}

/** What was counted in a thread since it was last asked. */
export class CountsElsewhere {
  readonly #sums = new Map<string, Counted>();

  add({ what, amount, labels }: Counted): void {
    const key = `${what} ${Object.values(labels).join(' ')}`;
    this.#sums.set(key, { what, amount: amount + (this.#sums.get(key)?.amount ?? 0), labels });
  }

  take(): readonly Counted[] {
    const sums = [...this.#sums.values()];
    this.#sums.clear();
    return sums;
  }
}

let elsewhere: CountsElsewhere | null = null;

/** From now on this thread only adds up; whoever has the meter counts it with `recount`. */
export function countElsewhere(): CountsElsewhere {
  elsewhere ??= new CountsElsewhere();
  return elsewhere;
}

export function recount(sums: readonly Counted[]): void {
  for (const { what, amount, labels } of sums) COUNTERS[what](amount, labels);
}
