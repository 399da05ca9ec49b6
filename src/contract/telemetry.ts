/**
 * Between a telemetry receiver (`collectors/otlp/`) and the ingest (`src/ingest/`): what is handed
 * over, and what may be answered to the sender. A receiver knows transports and nothing of their
 * content; the ingest knows content and nothing of transports.
 */

export type TelemetrySignal = 'traces' | 'logs';

export interface TelemetryRequest {
  readonly signal: TelemetrySignal;
  readonly encoding: 'protobuf' | 'json';
  /** Already decompressed. The receiver's memory, which is used again when it has its answer: keep copies, no slices. */
  readonly body: Buffer;
}

/**
 * - `durable`: everything but `rejected` is on disk; it will be in the store, once.
 * - `undecodable`: nothing of it was used, and sending it again is useless.
 * - `overloaded`: nothing of it was used; send the same again after `retryAfterMs`.
 */
export type Acknowledgement =
  | { readonly outcome: 'durable'; readonly rejected: number; readonly message: string }
  | { readonly outcome: 'undecodable'; readonly reason: 'malformed' | 'too_large'; readonly message: string }
  | { readonly outcome: 'overloaded'; readonly retryAfterMs: number; readonly message: string };

/** Never rejects for a reason that the sender or the disk can cause. */
export type AcceptTelemetry = (request: TelemetryRequest) => Promise<Acknowledgement>;

/** Whether the bearer of these headers may send telemetry. Header names are lower case. */
export type AuthorizeIngest = (
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
) => 'allowed' | 'unauthenticated' | 'forbidden';
