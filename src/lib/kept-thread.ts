/** A thread of the daemon that is started again when a bug ends it. */

import { parentPort, Worker, workerData } from 'node:worker_threads';
import { sleep } from './limits.ts';
import { memoryShares, setMemoryShares, type MemoryShares } from './memory-shares.ts';

export interface KeptThreadOptions<Data, From, To> {
  /** Of its module without the ending: sources have one, the compiled package another. */
  readonly module: string;
  /** `import.meta.url` of whoever names the module. */
  readonly beside: string;
  /** As the system shows it. Of at most 15 characters. */
  readonly name: string;
  /** Of its heap, for what lives shortly. */
  readonly youngMbMax: number;
  /** What it is given at each start. */
  readonly data: () => Data;
  /** Whether a message says that it runs now. Throws when one says that it can't. */
  readonly isReady: (message: From) => boolean;
  readonly onMessage: (message: From, thread: RunningThread<To>) => void;
  /** It has ended, and what it had is gone. */
  readonly onEnd: () => void;
  /** Why it has ended, or could not be started again. */
  readonly onError: (error: unknown) => void;
}

/** One life of it. */
export interface RunningThread<To> {
  /** `handedOver`: memory that is the thread's from now on. */
  say(message: To, handedOver?: readonly ArrayBuffer[]): void;
}

interface Life<To> extends RunningThread<To> {
  readonly worker: Worker;
}

/** What each thread is given. */
interface Given<Data> {
  readonly data: Data;
  /** Each thread has its own. */
  readonly shares: MemoryShares;
}

const RESTART_MS = 1_000;

export class KeptThread<Data, From, To> {
  readonly #options: KeptThreadOptions<Data, From, To>;
  #running: Life<To> | null = null;
  #isEnding = false;

  constructor(options: KeptThreadOptions<Data, From, To>) {
    this.#options = options;
  }

  /** Null while it does not run. */
  get running(): RunningThread<To> | null {
    return this.#running;
  }

  /** Resolves when it runs. */
  start(): Promise<void> {
    const { module, beside, name, youngMbMax, data } = this.#options;
    const url = new URL(`${module}.${beside.endsWith('.ts') ? 'ts' : 'js'}`, beside);
    const given: Given<Data> = { data: data(), shares: memoryShares() };
    const resourceLimits = { maxYoungGenerationSizeMb: youngMbMax };
    const worker = new Worker(url, { name, workerData: given, resourceLimits });
    return this.#untilReady(worker);
  }

  /** It is not started again. */
  async end(): Promise<void> {
    this.#isEnding = true;
    await this.#running?.worker.terminate();
  }

  #untilReady(worker: Worker): Promise<void> {
    const { onMessage, onEnd, onError } = this.#options;
    const running: Life<To> = {
      worker,
      say: (message, handedOver = []) => worker.postMessage(message, handedOver),
    };
    return new Promise((resolve, reject) => {
      worker.on('message', (message: From) => {
        if (this.#running !== running && this.#becomesReady(message, running, reject)) resolve();
        else onMessage(message, running);
      });
      worker.on('error', (error) => {
        if (this.#running === running) onError(error);
        else reject(error);
      });
      worker.once('exit', () => {
        // Of no use where it ran.
        reject(new Error(`The thread ${this.#options.name} ended while it started.`));
        onEnd();
        if (this.#running !== running) return;
        this.#running = null;
        void this.#startAgain();
      });
    });
  }

  #becomesReady(message: From, running: Life<To>, refuse: (error: Error) => void): boolean {
    try {
      if (!this.#options.isReady(message)) return false;
    } catch (error) {
      refuse(error as Error);
      void running.worker.terminate();
      return true;
    }
    if (this.#isEnding) void running.worker.terminate();
    else this.#running = running;
    return true;
  }

  async #startAgain(): Promise<void> {
    while (!this.#isEnding) {
      await sleep(RESTART_MS);
      if (this.#isEnding) return;
      try {
        await this.start();
        return;
      } catch (error) {
        this.#options.onError(error);
      }
    }
  }
}

/** What a kept thread has of the daemon. */
export interface InsideThread<Data, From, To> {
  readonly data: Data;
  /** `handedOver`: memory that is the daemon's from now on. */
  readonly say: (message: From, handedOver?: readonly ArrayBuffer[]) => void;
  readonly hear: (onMessage: (message: To) => void) => void;
}

/** To be called first of all by the thread's module; throws anywhere else. */
export function insideThread<Data, From, To>(): InsideThread<Data, From, To> {
  const daemon = parentPort;
  if (daemon === null) throw new Error('This module runs in a thread of the daemon only.');
  const { data, shares } = workerData as Given<Data>;
  setMemoryShares(shares);
  return {
    data,
    say: (message, handedOver = []) => daemon.postMessage(message, handedOver),
    hear: (onMessage) => void daemon.on('message', onMessage),
  };
}
