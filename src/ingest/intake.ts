/**
 * Admission: one decoded request becomes rows in the spool, and only then an acknowledgement. The
 * content policy is applied here, before a single byte is written.
 */

import { describeError, isFault, stackOf, type Fault } from '../contract/fault.ts';
import type { SpanFacts } from '../contract/span-facts.ts';
import type { Acknowledgement, TelemetryRequest, TelemetrySignal } from '../contract/telemetry.ts';
import type { Clock, Timestamp } from '../contract/time.ts';
import { LogReader, readSpan } from '../dialects/read.ts';
import { shortId } from '../lib/hash.ts';
import { GrowingBuffer } from '../lib/growing-buffer.ts';
import { listOf } from '../text/reference.ts';
import { decodeLogs, decodeTraces } from '../otlp/decode.ts';
import type { DecodeLimits } from '../otlp/limits.ts';
import type { Decoded, OtlpLog, OtlpResource, OtlpScope, OtlpSpan, Undecodable } from '../otlp/model.ts';
import { instructionsBefore, isHandle, type ContentSpace, type ContentSpaces } from './content/content-space.ts';
import { FactLine, factsLine } from './content/fact-rows.ts';
import { KnownHistories, type KnownHistory } from './content/known-histories.ts';
import { Outbox } from './content/outbox.ts';
import { RecordIds } from './content/record-ids.ts';
import { ownPage } from './content/shared-page.ts';
import { laneNumber } from './loading/lanes.ts';
import type { Pace } from './loading/pace.ts';
import type { RecentRecords } from './loading/recent-records.ts';
import { countDropped, countQuarantined, countRefused, countSpans } from './metrics.ts';
import { quarantineLine } from './quarantine.ts';
import type { Section } from './spool/record.ts';
import type { Spool } from './spool/spool.ts';
import type { OnTrouble } from './troubles.ts';

export interface IntakeOptions {
  readonly spool: Spool;
  readonly recent: RecentRecords;
  readonly pace: Pace;
  readonly spaces: ContentSpaces;
  readonly limits: DecodeLimits;
  readonly clock: Clock;
  /** Called when the spool refuses, and when it has not for a while. */
  readonly onTrouble: OnTrouble;
  readonly onError: (error: unknown) => void;
}

// A full spool takes a little now and then; senders that were told to come back do within this.
const CALM_MS = 10_000;

export class Intake {
  readonly #options: IntakeOptions;
  readonly #histories = new KnownHistories();
  /** Since the spool last refused. */
  readonly #calming: NodeJS.Timeout;

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.#calming = setTimeout(() => options.onTrouble(null), CALM_MS).unref();
  }

  readonly accept = async (request: TelemetryRequest): Promise<Acknowledgement> => {
    await this.#options.pace.wait();
    const { fullness } = this.#options.spool;
    if (fullness !== null) return this.#refuse(fullness);
    const draft = this.#draft(request);
    if ('outcome' in draft) return draft;
    const refusal = await this.#spool(draft);
    if (refusal !== null) return refusal;
    draft.count();
    return draft.acknowledgement;
  };

  /**
   * Everything that needs the decoded request, in one go: while its rows wait for the disk, only
   * their bytes are held.
   */
  #draft(request: TelemetryRequest): Drafted | Acknowledgement {
    const { clock } = this.#options;
    const decoded = this.#decode(request);
    if (decoded.outcome === 'undecodable') {
      const reason = decoded.reason === 'too_many' ? 'too_large' : 'malformed';
      return { outcome: 'undecodable', reason, message: decoded.message };
    }
    const draft = new Draft(clock.now(), request.body.length);
    const { signal } = request;
    const dropped = this.#read(signal, decoded, draft);
    const { accepted, rejected, rejectedReason: message } = decoded;
    const { kept } = draft;
    const count = (): void => {
      countSpans(kept, { signal, outcome: 'kept' });
      countSpans(accepted - kept, { signal, outcome: 'not_about_models' });
      countSpans(rejected, { signal, outcome: 'rejected' });
      countDropped(dropped, { signal });
    };
    return draft.finish({ outcome: 'durable', rejected, message }, count);
  }

  #decode(request: TelemetryRequest): Decoded<OtlpSpan | OtlpLog> | Undecodable {
    const decode = request.signal === 'traces' ? decodeTraces : decodeLogs;
    return decode(request.body, request.encoding, this.#options.limits);
  }

  /** Returns how many attributes and events were left out. */
  #read(signal: TelemetrySignal, decoded: Decoded<OtlpSpan | OtlpLog>, draft: Draft): number {
    const logs = new LogReader();
    let dropped = 0;
    for (const { resource, scope, items } of decoded.groups) {
      for (const item of items) {
        dropped += item.droppedAttributes;
        try {
          if (signal === 'traces') {
            this.#readSpan(resource, scope, item as OtlpSpan, draft);
          } else {
            const facts = logs.read(resource, scope, item as OtlpLog);
            if (facts !== null) draft.add(facts, this.#options.spaces.for(facts.environment));
          }
        } catch (error) {
          // A reader's bug must not cost the sender the rest of the request.
          this.#options.onError(error);
          countQuarantined(1, { kind: 'span' });
          draft.quarantine(item, error);
        }
      }
    }
    return dropped;
  }

  #readSpan(resource: OtlpResource, scope: OtlpScope, span: OtlpSpan, draft: Draft): void {
    const { spaces } = this.#options;
    let short = this.#histories.shorten(span, draft.outbox) ?? undefined;
    let facts = readSpan(resource, scope, short?.span ?? span);
    // The shortcut must not be seen by anything but packing under the same policy.
    if (short !== undefined && (facts === null || !mayShorten(facts, short.history, spaces.for(facts.environment)))) {
      facts = readSpan(resource, scope, span);
      short = undefined;
    }
    if (facts === null) return;
    const space = spaces.for(facts.environment);
    const packed = draft.add(facts, space, short?.history);
    const last = packed.input?.at(-1);
    const list = last === undefined ? null : listOf(last);
    if (facts.input === undefined || list === null || facts.twinKey !== undefined) return;
    this.#histories.remember(span, facts.input, list, space, short);
  }

  /** Null when all is durable. */
  async #spool({ sections, outbox, facts, release }: Drafted): Promise<Acknowledgement | null> {
    if (sections.length === 0) return null;
    try {
      const end = await this.#options.spool.append(sections);
      outbox.markStored();
      this.#options.recent.add(end, sections, facts);
      return null;
    } catch (error) {
      if (!isFault(error)) throw error;
      return this.#refuse(error);
    } finally {
      release();
    }
  }

  #refuse(fault: Fault): Acknowledgement {
    const message = describeError(fault);
    countRefused(1, { reason: 'spool' });
    this.#calming.refresh();
    this.#options.onTrouble(`Spans are refused, and senders told to come back. ${message}`);
    return { outcome: 'overloaded', retryAfterMs: fault.retryAfterMs ?? 5_000, message };
  }
}

/** A twin is recognised by all of what was said, so its history must be read; see `SpanFacts.twinKey`. */
function mayShorten(facts: SpanFacts, history: KnownHistory, space: ContentSpace): boolean {
  if (facts.input === undefined || facts.twinKey !== undefined || space !== history.space) return false;
  return isHandle(facts.input[instructionsBefore(facts.input)], history.handle);
}

/** A request as it goes to the disk. */
interface Drafted {
  readonly sections: readonly Section[];
  readonly outbox: Outbox;
  readonly facts: readonly FactLine[];
  /** What the sender hears once it is there. */
  readonly acknowledgement: Acknowledgement;
  /** Counts its records; to be called once it is there: what is refused comes again. */
  readonly count: () => void;
  /** To be called once, when nobody needs the sections any more. */
  readonly release: () => void;
}

// Texts go elsewhere: of large bodies the facts are a small part.
const EXPECTED_BYTES_MAX = 128 * 1024;

/** Facts stand in sections until they are spooled, and then in a page of `RecentRecords`. */
const NO_PAGE = ownPage(Buffer.alloc(0));

/** The rows of one request while they are made. */
class Draft {
  readonly outbox: Outbox;
  readonly #facts: FactLine[] = [];
  readonly #recordIds = new RecordIds();
  readonly #receivedAt: Timestamp;
  readonly #factLines: GrowingBuffer;
  readonly #quarantineLines = new GrowingBuffer();

  constructor(receivedAt: Timestamp, bodyBytes: number) {
    this.#receivedAt = receivedAt;
    this.outbox = new Outbox(receivedAt);
    this.#factLines = new GrowingBuffer(Math.min(bodyBytes, EXPECTED_BYTES_MAX));
  }

  /** Returns the facts as they were packed. */
  add(facts: SpanFacts, space: ContentSpace, history?: KnownHistory): SpanFacts {
    const packed = this.#recordIds.safe(space.pack(facts, this.outbox, history), space.texts.policy);
    const start = this.#factLines.length;
    this.#factLines.add(factsLine(packed, this.#receivedAt));
    // Of the facts only the line is kept: a request has thousands of them.
    this.#facts.push(new FactLine(packed, NO_PAGE, start, this.#factLines.length - 1));
    return packed;
  }

  /** Only what identifies the record: its content may be under a policy that nobody could read here. */
  quarantine(item: OtlpSpan | OtlpLog, error: unknown): void {
    const { traceId, spanId } = item;
    const name = 'name' in item ? item.name : item.eventName;
    const payload = JSON.stringify({ traceId, spanId, name, attributes: [...item.attributes.keys()] });
    const reason = stackOf(error);
    const id = shortId(traceId, spanId, name);
    const entry = { id, at: this.#receivedAt, kind: 'span', lane: '', reason, payload, status: 'waiting' } as const;
    this.#quarantineLines.add(quarantineLine(entry));
  }

  get kept(): number {
    return this.#facts.length;
  }

  finish(acknowledgement: Acknowledgement, count: () => void): Drafted {
    const lanes = [
      ['call_texts', this.outbox.textLines],
      ['call_lists', this.outbox.listLines],
      ['span_facts', this.#factLines],
      ['quarantine', this.#quarantineLines],
    ] as const;
    const sections = lanes
      .filter(([, lines]) => lines.length > 0)
      .map(([lane, lines]) => ({ lane: laneNumber(lane), bytes: lines.bytes }));
    const release = (): void => {
      for (const [, lines] of lanes) lines.clear();
    };
    return { sections, outbox: this.outbox, facts: this.#facts, acknowledgement, count, release };
  }
}
