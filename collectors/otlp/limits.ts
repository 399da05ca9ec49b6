/** What one receiver takes at a time, and how the bytes in flight are counted over its transports. */

export interface OtlpLimits {
  /** Of one body, after decompression. The OTLP specification recommends 64 MiB. */
  readonly bodyBytesMax: number;
  /** Of all bodies being received or handled, compressed and decompressed together. */
  readonly inFlightBytesMax: number;
  /** For a sender that starts a body and does not end it. */
  readonly bodyTimeoutMs: number;
  /** What a refused sender should wait. */
  readonly retryAfterMs: number;
  /** Every application keeps one or two. One takes some 15 KB, and a file descriptor, which the spool and the store need too. */
  readonly httpConnectionsMax: number;
  /** An exporter keeps one. One that is idle takes some 25 KB. */
  readonly grpcConnectionsMax: number;
}

export const DEFAULT_OTLP_LIMITS: OtlpLimits = {
  bodyBytesMax: 64 * 1024 * 1024,
  inFlightBytesMax: 256 * 1024 * 1024,
  bodyTimeoutMs: 30_000,
  retryAfterMs: 2_000,
  httpConnectionsMax: 10_000,
  grpcConnectionsMax: 2_000,
};

/** Bytes in flight, of all transports together; each thread counts in a place of its own, and sees those of the others. */
export class InFlight {
  readonly bytesMax: number;
  readonly counts: Int32Array<SharedArrayBuffer>;
  readonly #own: number;

  /** `own`: the place of this thread. `bytesMax` is below 2^31, as counts are 32 bits long. */
  constructor(
    bytesMax: number,
    counts = new Int32Array(new SharedArrayBuffer((THREADS + 1) * Int32Array.BYTES_PER_ELEMENT)),
    own = 0,
  ) {
    this.bytesMax = bytesMax;
    this.counts = counts;
    this.#own = own;
  }

  get bytes(): number {
    let bytes = 0;
    for (let thread = 0; thread < THREADS; thread += 1) bytes += Atomics.load(this.counts, thread);
    return bytes;
  }

  /** While it is held, there is no room for anything more, in any thread. */
  hold(isHeld: boolean): void {
    Atomics.store(this.counts, HELD_PLACE, isHeld ? 1 : 0);
  }

  get isHeld(): boolean {
    return Atomics.load(this.counts, HELD_PLACE) === 1;
  }

  /** False, and nothing is taken, when there is no room. Two threads at the same moment may exceed it by one piece. */
  take(bytes: number): boolean {
    if (this.isHeld || this.bytes + bytes > this.bytesMax) return false;
    Atomics.add(this.counts, this.#own, bytes);
    return true;
  }

  give(bytes: number): void {
    Atomics.sub(this.counts, this.#own, bytes);
  }

  /** The thread with this place has ended, and what it had is gone. */
  forget(place: number): void {
    Atomics.store(this.counts, place, 0);
  }
}

/** What one request has of the bytes in flight. */
export class Share {
  readonly #inFlight: InFlight;
  #bytes = 0;

  constructor(inFlight: InFlight) {
    this.#inFlight = inFlight;
  }

  /** False, and nothing is taken, when there is no room. */
  take(bytes: number): boolean {
    if (!this.#inFlight.take(bytes)) return false;
    this.#bytes += bytes;
    return true;
  }

  /** To be called when the request is over, however it ended. */
  giveBack(): void {
    this.#inFlight.give(this.#bytes);
    this.#bytes = 0;
  }
}

/** The daemon's own thread, and the one that receives HTTP. */
const THREADS = 2;
/** Behind those of the threads. */
const HELD_PLACE = THREADS;
