/**
 * Has requests drafted in another thread: to decode, read and pack them is nearly half of what the ingest does
 * in JavaScript, and needs nothing of the daemon but the content policy. To whoever takes requests in, the
 * same as a `Drafter`, only later.
 */

import { availableParallelism } from 'node:os';
import type { Acknowledgement, TelemetryRequest } from '../../contract/telemetry.ts';
import type { Timestamp } from '../../contract/time.ts';
import { Gate } from '../../lib/gate.ts';
import { Rooms } from '../../lib/growing-buffer.ts';
import { recount } from '../../lib/instruments.ts';
import { KeptThread, type RunningThread } from '../../lib/kept-thread.ts';
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

// What it makes of a request is garbage a moment later.
const YOUNG_MB_MAX = 64;
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
  readonly #thread: KeptThread<DrafterThreadData, FromDrafterThread, ToDrafterThread>;
  #isShort = false;
  #lastId = 0;

  constructor(options: ThreadedDrafterOptions) {
    const { policies, limits, onError } = options;
    this.#options = options;
    this.#thread = new KeptThread({
      module: './drafter-thread',
      beside: import.meta.url,
      name: 'drafting',
      youngMbMax: YOUNG_MB_MAX,
      data: () => ({ policies, texts: limits.texts, limits: limits.decode, isMemoryShort: this.#isShort }),
      isReady: ({ kind }) => kind === 'ready',
      onMessage: (message, thread) => this.#hear(thread, message),
      onEnd: () => this.#ended(),
      onError,
    });
  }

  /** Resolves as soon as the thread is ready. */
  start(): Promise<void> {
    return this.#thread.start();
  }

  /** Requests that nobody has drafted yet are told to come again. */
  stop(): Promise<void> {
    return this.#thread.end();
  }

  /** While memory is short the thread keeps none that it does not need. */
  memoryIsShort(isShort: boolean): void {
    this.#isShort = isShort;
    if (isShort) this.#rooms.clear();
    this.#thread.running?.say({ kind: 'short', isShort });
  }

  readonly draft = (request: TelemetryRequest, receivedAt: Timestamp): Promise<Drafted | Acknowledgement> =>
    this.#gate.run(() => this.#draft(request, receivedAt), undefined, request.body.length);

  #draft(request: TelemetryRequest, receivedAt: Timestamp): Promise<Drafted | Acknowledgement> {
    const thread = this.#thread.running;
    if (thread === null) return Promise.resolve(this.#comeAgain());
    const { signal, encoding, body } = request;
    const room = this.#rooms.take(Math.max(1, body.length));
    body.copy(room);
    this.#lastId += 1;
    const id = this.#lastId;
    const memory = room.buffer as ArrayBuffer;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      const { length } = body;
      thread.say({ kind: 'draft', id, signal, encoding, memory, length, receivedAt }, [memory]);
    });
  }

  #ended(): void {
    for (const waiting of this.#waiting.values()) waiting.resolve(this.#comeAgain());
    this.#waiting.clear();
  }

  #hear(thread: RunningThread<ToDrafterThread>, message: FromDrafterThread): void {
    if (message.kind === 'ready') return;
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
      waiting.resolve(message.records === null ? message.acknowledgement : this.#drafted(thread, message));
    } catch (error) {
      waiting.reject(error as Error);
    }
  }

  #drafted(thread: RunningThread<ToDrafterThread>, { id, acknowledgement, records, draft }: Answer): Drafted {
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
      release: () => thread.say({ kind: 'over', id, isStored, rows }, [rows]),
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
