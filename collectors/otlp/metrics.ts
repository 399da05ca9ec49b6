/** What the receiver counts: everything it took, refused or dropped. */

import { counter, upDownCounter } from '../../src/lib/instruments.ts';

const requests = counter({
  name: 'plumbline.otlp.requests',
  description: 'OTLP requests by transport, signal and outcome.',
});
const bodyBytes = counter({
  name: 'plumbline.otlp.body_bytes',
  unit: 'By',
  description: 'Bytes of OTLP bodies after decompression.',
});
const inFlightBytes = upDownCounter({
  name: 'plumbline.otlp.in_flight_bytes',
  unit: 'By',
  description: 'Bytes of OTLP bodies that are being received or handled.',
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

export function countRequest(transport: Transport, signal: string, outcome: RequestOutcome): void {
  requests(1, { transport, signal, outcome });
}

export function countBody(transport: Transport, bytes: number): void {
  bodyBytes(bytes, { transport });
}

export function countInFlight(bytes: number): void {
  inFlightBytes(bytes);
}
