/** What the receiver counts: everything it took, refused or dropped. */

import { counter, gauge } from '../../src/lib/instruments.ts';

const requests = counter({
  name: 'plumbline.otlp.requests',
  description: 'OTLP requests by transport, signal and outcome.',
  fromZero: ['http', 'grpc'].flatMap((transport) =>
    ['traces', 'logs'].map((signal) => ({ transport, signal, outcome: 'overloaded' })),
  ),
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
  requests(1, { transport, signal, outcome });
}

export function countBody(transport: Transport, bytes: number): void {
  bodyBytes(bytes, { transport });
}

export function countRefusedConnection(transport: Transport): void {
  refusedConnections(1, { transport });
}
