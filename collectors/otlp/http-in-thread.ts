/**
 * OTLP over HTTP, received in a thread of its own: the daemon's thread reads what came, and is busy
 * with that for nearly all of the time under load. To whoever uses it, the same as `OtlpHttpReceiver`.
 */

import { Worker } from 'node:worker_threads';
import type { Component } from '../../src/contract/component.ts';
import { Fault, stackOf } from '../../src/contract/fault.ts';
import type { AuthorizeIngest } from '../../src/contract/telemetry.ts';
import { recount } from '../../src/lib/instruments.ts';
import { memoryShares } from '../../src/lib/memory-shares.ts';
import { sleep } from '../../src/lib/limits.ts';
import { HTTP_THREAD_PLACE, type FromHttpThread, type HttpThreadOptions, type ToHttpThread } from './http-messages.ts';
import type { OtlpHttpOptions } from './http.ts';

export interface ThreadedHttpOptions extends Omit<OtlpHttpOptions, 'authorize' | 'rooms'> {
  /** Of the headers only `authorization` is handed over. */
  readonly authorize: AuthorizeIngest;
}

// Sources have one ending, the compiled package another.
const THREAD = new URL(`./http-thread.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url);
// Hardly anything in it lives longer than a request.
const YOUNG_MB_MAX = 32;
const RESTART_MS = 1_000;
// Some five to ten milliseconds of reading. A larger request has a turn of its own.
const BYTES_A_TURN = 256 * 1024;
// So long before the deadline the thread closes its connections; one that does not say so by then is ended.
const GRACE_MS = 500;

type Request = Extract<FromHttpThread, { readonly kind: 'request' }>;

export class ThreadedHttpReceiver implements Component {
  readonly name = 'otlp-http';
  readonly #options: ThreadedHttpOptions;
  #worker: Worker | null = null;
  #port = 0;
  #isStopping = false;
  #onStopped: () => void = () => {};
  /** Requests that nobody has looked at yet; see `#acceptSome`. */
  readonly #waiting: { readonly worker: Worker; readonly request: Request }[] = [];
  #isAccepting = false;

  constructor(options: ThreadedHttpOptions) {
    this.#options = options;
  }

  /** The port in use; only after `start`. */
  get port(): number {
    return this.#port;
  }

  async start(): Promise<void> {
    this.#port = await this.#run(this.#options.port);
  }

  async stop(deadlineMs: number): Promise<void> {
    this.#isStopping = true;
    const worker = this.#worker;
    if (worker === null) return;
    const stopped = new Promise<void>((resolve) => {
      this.#onStopped = resolve;
    });
    this.#say(worker, { kind: 'stop', deadlineMs: Math.max(0, deadlineMs - GRACE_MS) });
    const patience = new AbortController();
    await Promise.race([stopped, sleep(deadlineMs, patience.signal).catch(() => {})]);
    patience.abort();
    this.#worker = null;
    await worker.terminate();
  }

  /** Resolves with the port as soon as the thread listens. */
  #run(port: number): Promise<number> {
    const { host, limits, inFlight } = this.#options;
    const workerData: HttpThreadOptions = {
      host,
      port,
      limits,
      memoryShares: memoryShares(),
      inFlight: inFlight.counts,
    };
    const worker = new Worker(THREAD, {
      name: 'otlp-http',
      workerData,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB_MAX },
    });
    return new Promise((resolve, reject) => {
      worker.on('message', (message: FromHttpThread) => {
        if (message.kind === 'listening') {
          resolve(message.port);
          if (this.#isStopping) void worker.terminate();
          else this.#worker = worker;
        } else if (message.kind === 'refused') {
          reject(refusal(message));
          void worker.terminate();
        } else {
          this.#hear(worker, message);
        }
      });
      worker.on('error', (error) => {
        if (this.#worker === worker) this.#options.onError(error);
        else reject(error);
      });
      worker.once('exit', () => {
        this.#onStopped();
        inFlight.forget(HTTP_THREAD_PLACE);
        if (this.#worker !== worker) return;
        this.#worker = null;
        if (!this.#isStopping) void this.#restart();
      });
    });
  }

  #hear(worker: Worker, message: Exclude<FromHttpThread, { readonly kind: 'listening' | 'refused' }>): void {
    const { onError, authorize } = this.#options;
    switch (message.kind) {
      case 'request':
        this.#waiting.push({ worker, request: message });
        if (!this.#isAccepting) setImmediate(this.#acceptSome);
        this.#isAccepting = true;
        return;
      case 'authorize': {
        const decision = authorize({ authorization: message.authorization });
        this.#say(worker, { kind: 'authorized', id: message.id, decision });
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
      void this.#accept(next.worker, next.request);
    }
    this.#isAccepting = this.#waiting.length > 0;
    if (this.#isAccepting) setImmediate(this.#acceptSome);
  };

  async #accept(worker: Worker, request: Request): Promise<void> {
    const { id, signal, encoding, memory, length } = request;
    try {
      const acknowledgement = await this.#options.accept({ signal, encoding, body: Buffer.from(memory, 0, length) });
      this.#say(worker, { kind: 'answer', id, memory, acknowledgement }, [memory]);
    } catch (error) {
      this.#say(worker, { kind: 'threw', id, memory, stack: stackOf(error) }, [memory]);
    }
  }

  /** A bug has ended the thread and was told of; senders wait and come again to the same port. */
  async #restart(): Promise<void> {
    while (!this.#isStopping) {
      await sleep(RESTART_MS);
      try {
        await this.#run(this.#port);
        return;
      } catch (error) {
        this.#options.onError(error);
      }
    }
  }

  #say(worker: Worker, message: ToHttpThread, handedOver: readonly ArrayBuffer[] = []): void {
    worker.postMessage(message, handedOver);
  }
}

function refusal({ message, hint }: Extract<FromHttpThread, { readonly kind: 'refused' }>): Fault {
  return new Fault('config', message, hint === undefined ? {} : { hint });
}
