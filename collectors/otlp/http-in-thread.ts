/**
 * OTLP over HTTP, received in a thread of its own: the daemon's thread is busy with what came for nearly
 * all of the time under load. To whoever uses it, the same as `OtlpHttpReceiver`.
 */

import type { Component } from '../../src/contract/component.ts';
import { Fault, stackOf } from '../../src/contract/fault.ts';
import type { AuthorizeIngest } from '../../src/contract/telemetry.ts';
import { recount } from '../../src/lib/instruments.ts';
import { KeptThread, type RunningThread } from '../../src/lib/kept-thread.ts';
import { sleep } from '../../src/lib/limits.ts';
import { HTTP_THREAD_PLACE, type FromHttpThread, type HttpThreadOptions, type ToHttpThread } from './http-messages.ts';
import type { OtlpHttpOptions } from './http.ts';

export interface ThreadedHttpOptions extends Omit<OtlpHttpOptions, 'authorize' | 'rooms'> {
  /** Of the headers only `authorization` is handed over. */
  readonly authorize: AuthorizeIngest;
}

// Hardly anything in it lives longer than a request.
const YOUNG_MB_MAX = 32;
// Some five to ten milliseconds of reading. A larger request has a turn of its own.
const BYTES_A_TURN = 256 * 1024;
// So long before the deadline the thread closes its connections; one that does not say so by then is ended.
const GRACE_MS = 500;

type Thread = RunningThread<ToHttpThread>;
type Request = Extract<FromHttpThread, { readonly kind: 'request' }>;

export class ThreadedHttpReceiver implements Component {
  readonly name = 'otlp-http';
  readonly #options: ThreadedHttpOptions;
  readonly #thread: KeptThread<HttpThreadOptions, FromHttpThread, ToHttpThread>;
  #port: number;
  #onStopped: () => void = () => {};
  /** Requests that nobody has looked at yet; see `#acceptSome`. */
  readonly #waiting: { readonly thread: Thread; readonly request: Request }[] = [];
  #isAccepting = false;

  constructor(options: ThreadedHttpOptions) {
    const { host, limits, inFlight, onError } = options;
    this.#options = options;
    this.#port = options.port;
    this.#thread = new KeptThread({
      module: './http-thread',
      beside: import.meta.url,
      name: 'otlp-http',
      youngMbMax: YOUNG_MB_MAX,
      // Senders wait for it and come again to the same port.
      data: () => ({ host, port: this.#port, limits, inFlight: inFlight.counts }),
      isReady: (message) => this.#isListening(message),
      onMessage: (message, thread) => this.#hear(thread, message),
      onEnd: () => {
        this.#onStopped();
        inFlight.forget(HTTP_THREAD_PLACE);
      },
      onError,
    });
  }

  /** The port in use; only after `start`. */
  get port(): number {
    return this.#port;
  }

  start(): Promise<void> {
    return this.#thread.start();
  }

  async stop(deadlineMs: number): Promise<void> {
    const thread = this.#thread.running;
    if (thread !== null) {
      const stopped = new Promise<void>((resolve) => {
        this.#onStopped = resolve;
      });
      thread.say({ kind: 'stop', deadlineMs: Math.max(0, deadlineMs - GRACE_MS) });
      const patience = new AbortController();
      await Promise.race([stopped, sleep(deadlineMs, patience.signal).catch(() => {})]);
      patience.abort();
    }
    await this.#thread.end();
  }

  #isListening(message: FromHttpThread): boolean {
    if (message.kind === 'refused') throw refusal(message);
    if (message.kind !== 'listening') return false;
    this.#port = message.port;
    return true;
  }

  #hear(thread: Thread, message: FromHttpThread): void {
    const { onError, authorize } = this.#options;
    switch (message.kind) {
      case 'request':
        this.#waiting.push({ thread, request: message });
        if (!this.#isAccepting) setImmediate(this.#acceptSome);
        this.#isAccepting = true;
        return;
      case 'authorize': {
        const decision = authorize({ authorization: message.authorization });
        thread.say({ kind: 'authorized', id: message.id, decision });
        return;
      }
      case 'counted':
        recount(message.sums);
        return;
      case 'failed':
        onError(new Error(message.stack));
        return;
      case 'stopped':
        this.#onStopped();
        return;
      case 'listening':
      case 'refused':
    }
  }

  /**
   * A few in each turn of the event loop: all that have come would keep it from hearing that the first ones
   * are on the disk, and senders would be answered, and send, all at once.
   */
  readonly #acceptSome = (): void => {
    for (let bytes = 0; bytes < BYTES_A_TURN;) {
      const next = this.#waiting.shift();
      if (next === undefined) break;
      bytes += next.request.length + 1;
      void this.#accept(next.thread, next.request);
    }
    this.#isAccepting = this.#waiting.length > 0;
    if (this.#isAccepting) setImmediate(this.#acceptSome);
  };

  async #accept(thread: Thread, request: Request): Promise<void> {
    const { id, signal, encoding, memory, length } = request;
    try {
      const acknowledgement = await this.#options.accept({ signal, encoding, body: Buffer.from(memory, 0, length) });
      thread.say({ kind: 'answer', id, memory, acknowledgement }, [memory]);
    } catch (error) {
      thread.say({ kind: 'threw', id, memory, stack: stackOf(error) }, [memory]);
    }
  }
}

function refusal({ message, hint }: Extract<FromHttpThread, { readonly kind: 'refused' }>): Fault {
  return new Fault('config', message, hint === undefined ? {} : { hint });
}
