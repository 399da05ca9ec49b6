/** What one receiver takes at a time, and how the bytes in flight are counted over its transports. */

import { countInFlight } from './metrics.ts';

export interface OtlpLimits {
  /** Of one body, after decompression. The OTLP specification recommends 64 MiB. */
  readonly bodyBytesMax: number;
  /** Of all bodies being received or handled, compressed and decompressed together. */
  readonly inFlightBytesMax: number;
  /** For a sender that starts a body and does not end it. */
  readonly bodyTimeoutMs: number;
  /** What a refused sender should wait. */
  readonly retryAfterMs: number;
}

export const DEFAULT_OTLP_LIMITS: OtlpLimits = {
  bodyBytesMax: 64 * 1024 * 1024,
  inFlightBytesMax: 256 * 1024 * 1024,
  bodyTimeoutMs: 30_000,
  retryAfterMs: 2_000,
};

/** Bytes in flight, shared by HTTP and gRPC. */
export class InFlight {
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** False, and nothing is taken, when there is no room. */
  take(bytes: number): boolean {
    if (this.#bytes + bytes > this.#bytesMax) return false;
    this.#bytes += bytes;
    countInFlight(bytes);
    return true;
  }

  give(bytes: number): void {
    this.#bytes -= bytes;
    countInFlight(-bytes);
  }
}
