/**
 * Has requests drafted in another thread: to decode, read and pack them is nearly half of what the ingest does
 * in JavaScript, and needs nothing of the daemon but the content policy. To whoever takes requests in, the
 * same as a `Drafter`, only later.
 */

import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { stackOf } from '../../contract/fault.ts';
import type { Acknowledgement, TelemetryRequest } from '../../contract/telemetry.ts';
import type { Timestamp } from '../../contract/time.ts';
import { Gate } from '../../lib/gate.ts';
import { Rooms } from '../../lib/growing-buffer.ts';
import { recount } from '../../lib/instruments.ts';
import { sleep } from '../../lib/limits.ts';
import { memoryShares } from '../../lib/memory-shares.ts';
import { FactLine } from '../content/fact-rows.ts';
import type { ContentPolicies } from '../content/policy.ts';
import type { ReceivedContent } from '../content/received-content.ts';
import { ownPage } from '../content/shared-page.ts';
import type { IngestLimits } from '../limits.ts';
import { laneNumber } from '../loading/lanes.ts';
import type { Section } from '../spool/record.ts';
import type { Drafted, RecordCounts } from './draft.ts';
import type {
  DrafterThreadData,
  FactHeadRow,
  FromDrafterThread,
  ThreadDraft,
  ToDrafterThread,
} from './drafter-messages.ts';

export interface ThreadedDrafterOptions {
  readonly policies: ContentPolicies;
  readonly limits: Pick<IngestLimits, 'decode' | 'texts' | 'retryAfterMs'>;
  /** Where it puts what calls refer to. */
  readonly received: ReceivedContent;
  /** A bug. */
  readonly onError: (error: unknown) => void;
}

// The daemon's thread, this one, and two for the engine and senders. With two in all, what the thread costs more than it
// saves the other is a tenth of the rate.
const CORES_MIN = 4;

/** Whether there are cores enough for requests to be drafted beside everything else. */
export function isWorthAThread(cores = availableParallelism()): boolean {
  return cores >= CORES_MIN;
}

// Sources have one ending, the compiled package another.
const THREAD = new URL(`./drafter-thread.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url);
// What it makes of a request is garbage a moment later.
const YOUNG_MB_MAX = 64;
const RESTART_MS = 1_000;
// Of bodies that are there at once: work for some ten milliseconds, in which nobody here may hear of it.
const BYTES_THERE_MAX = 4 * 1024 * 1024;

const NO_SECTIONS: readonly Section[] = [];
const NO_FACTS: readonly FactLine[] = [];
const NO_PAGE = ownPage(Buffer.alloc(0));
const [TEXTS, LISTS] = [laneNumber('call_texts'), laneNumber('call_lists')];

interface Waiting {
  readonly resolve: (drafted: Drafted | Acknowledgement) => void;
  readonly reject: (error: Error) => void;
}

type Answer = Extract<FromDrafterThread, { readonly kind: 'drafted' }>;

export class ThreadedDrafter {
  readonly #options: ThreadedDrafterOptions;
  /** For bodies, on their way there and back. */
  readonly #rooms = new Rooms((bytes) => Buffer.allocUnsafeSlow(bytes));
  readonly #waiting = new Map<number, Waiting>();
  readonly #gate = new Gate(BYTES_THERE_MAX);
  #worker: Worker | null = null;
  #isStopped = false;
  #isShort = false;
  #lastId = 0;

  constructor(options: ThreadedDrafterOptions) {
    this.#options = options;
  }

  /** Resolves as soon as the thread is ready. */
  async start(): Promise<void> {
    await this.#run();
  }

  /** Requests that nobody has drafted yet are told to come again. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#worker?.terminate();
  }

  /** While memory is short the thread keeps none that it does not need. */
  memoryIsShort(isShort: boolean): void {
    this.#isShort = isShort;
    if (isShort) this.#rooms.clear();
    this.#worker?.postMessage({ kind: 'short', isShort } satisfies ToDrafterThread);
  }

  readonly draft = (request: TelemetryRequest, receivedAt: Timestamp): Promise<Drafted | Acknowledgement> =>
    this.#gate.run(() => this.#draft(request, receivedAt), undefined, request.body.length);

  #draft(request: TelemetryRequest, receivedAt: Timestamp): Promise<Drafted | Acknowledgement> {
    const worker = this.#worker;
    if (worker === null) return Promise.resolve(this.#comeAgain());
    const { signal, encoding, body } = request;
    const room = this.#rooms.take(Math.max(1, body.length));
    body.copy(room);
    this.#lastId += 1;
    const id = this.#lastId;
    const memory = room.buffer as ArrayBuffer;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      const { length } = body;
      const message: ToDrafterThread = { kind: 'draft', id, signal, encoding, memory, length, receivedAt };
      worker.postMessage(message, [memory]);
    });
  }

  #run(): Promise<void> {
    const { policies, limits } = this.#options;
    const workerData: DrafterThreadData = {
      policies,
      texts: limits.texts,
      limits: limits.decode,
      memoryShares: memoryShares(),
    };
    const worker = new Worker(THREAD, {
      name: 'drafting',
      workerData,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB_MAX },
    });
    return new Promise((resolve, reject) => {
      worker.on('message', (message: FromDrafterThread) => {
        if (message.kind !== 'ready') {
          this.#hear(worker, message);
          return;
        }
        this.#worker = worker;
        if (this.#isShort) this.memoryIsShort(true);
        resolve();
      });
      worker.on('error', (error) => {
        if (this.#worker === worker) this.#options.onError(error);
        else reject(error);
      });
      worker.once('exit', () => {
        if (this.#worker !== worker) {
          reject(new Error('The thread that drafts requests ended while it started.'));
          return;
        }
        this.#worker = null;
        for (const waiting of this.#waiting.values()) waiting.resolve(this.#comeAgain());
        this.#waiting.clear();
        if (!this.#isStopped) void this.#restart();
      });
    });
  }

  /** A bug has ended the thread, and was told of. */
  async #restart(): Promise<void> {
    while (!this.#isStopped) {
      await sleep(RESTART_MS);
      try {
        await this.#run();
        return;
      } catch (error) {
        this.#options.onError(error);
      }
    }
  }

  #hear(worker: Worker, message: Exclude<FromDrafterThread, { readonly kind: 'ready' }>): void {
    if (message.kind === 'failed') {
      this.#options.onError(new Error(message.stack));
      return;
    }
    this.#rooms.give(Buffer.from(message.memory));
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (waiting === undefined) return;
    if (message.kind === 'threw') {
      waiting.reject(new Error(message.stack));
      return;
    }
    recount(message.counted);
    try {
      waiting.resolve(message.records === null ? message.acknowledgement : this.#drafted(worker, message));
    } catch (error) {
      waiting.reject(new Error(stackOf(error)));
    }
  }

  #drafted(worker: Worker, { id, acknowledgement, records, draft }: Answer): Drafted {
    const made = { acknowledgement, records: records as RecordCounts };
    if (draft === null) {
      return { ...made, sections: NO_SECTIONS, facts: NO_FACTS, markStored: nothing, release: nothing };
    }
    const { rows } = draft;
    const sections = sectionsOf(draft);
    this.#receive(sections, draft);
    let isStored = false;
    return {
      ...made,
      sections,
      facts: factsOf(draft),
      markStored: () => {
        isStored = true;
      },
      release: () => worker.postMessage({ kind: 'over', id, isStored, rows } satisfies ToDrafterThread, [rows]),
    };
  }

  #receive(sections: readonly Section[], { unstorable }: ThreadDraft): void {
    const { received } = this.#options;
    for (const [hash, text] of unstorable) received.addText(hash, text);
    for (const { lane, bytes } of sections) {
      if (lane === TEXTS) received.addTexts(bytes);
      else if (lane === LISTS) received.addLists(bytes);
    }
  }

  #comeAgain(): Acknowledgement {
    const { retryAfterMs } = this.#options.limits;
    return { outcome: 'overloaded', retryAfterMs, message: 'What reads telemetry is being started.' };
  }
}

function nothing(): void {}

function sectionsOf({ rows, sections }: ThreadDraft): readonly Section[] {
  let at = 0;
  return sections.map(({ lane, length }) => {
    at += length;
    return { lane, bytes: Buffer.from(rows, at - length, length) };
  });
}

function factsOf({ heads }: ThreadDraft): readonly FactLine[] {
  return (JSON.parse(heads) as readonly FactHeadRow[]).map(
    ([traceId, spanId, recordId, startedAt, since, keys, start, end]) => {
      const relatedSince = since === 0 ? startedAt : since;
      return new FactLine({ traceId, spanId, recordId, startedAt, relatedSince, keys }, NO_PAGE, start, end);
    },
  );
}
