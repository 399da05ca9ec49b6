/** The rows of one request while they are made, and as they go to the disk. */

import type { SpanFacts } from '../../contract/span-facts.ts';
import { stackOf } from '../../contract/fault.ts';
import type { Acknowledgement, TelemetryRequest, TelemetrySignal } from '../../contract/telemetry.ts';
import type { Timestamp } from '../../contract/time.ts';
import { GrowingBuffer } from '../../lib/growing-buffer.ts';
import { shortId } from '../../lib/hash.ts';
import type { Decoded, OtlpLog, OtlpSpan } from '../../otlp/model.ts';
import type { ContentSpace } from '../content/content-space.ts';
import { FactLine, factHead, factsLine } from '../content/fact-rows.ts';
import type { KnownHistory } from '../content/known-histories.ts';
import { Outbox } from '../content/outbox.ts';
import { RecordIds } from '../content/record-ids.ts';
import { ownPage } from '../content/shared-page.ts';
import type { StoredText } from '../content/texts.ts';
import { laneNumber } from '../loading/lanes.ts';
import { quarantineLine } from '../quarantine.ts';
import type { Section } from '../spool/record.ts';

/** A request as it goes to the disk. */
export interface Drafted {
  /** None when nothing of it is kept. */
  readonly sections: readonly Section[];
  /** Where they stand is in the section of `span_facts`. */
  readonly facts: readonly FactLine[];
  /** What the sender hears once it is there. */
  readonly acknowledgement: Acknowledgement;
  /** To be counted once it is there: what is refused comes again. */
  readonly records: RecordCounts;
  /** To be called once it is there. */
  markStored(): void;
  /** To be called once, when nobody needs the sections any more. */
  release(): void;
}

export interface RecordCounts {
  readonly signal: TelemetrySignal;
  readonly kept: number;
  readonly accepted: number;
  readonly rejected: number;
  /** Attributes and events that were left out. */
  readonly dropped: number;
}

/** A slice of what was decoded, of which nothing else is held. */
type DecodedCounts = Pick<Decoded<never>, 'accepted' | 'rejected' | 'rejectedReason'>;

// Texts go elsewhere: of large bodies the facts are a small part.
const EXPECTED_BYTES_MAX = 128 * 1024;

/** Facts stand in sections until they are spooled, and then in a page of `RecentRecords`. */
const NO_PAGE = ownPage(Buffer.alloc(0));

export class Draft implements Drafted {
  readonly outbox: Outbox;
  readonly facts: FactLine[] = [];
  /** Attributes and events that were left out. */
  dropped = 0;
  readonly #signal: TelemetrySignal;
  readonly #decoded: DecodedCounts;
  readonly #recordIds = new RecordIds();
  readonly #receivedAt: Timestamp;
  readonly #factLines: GrowingBuffer;
  readonly #quarantineLines = new GrowingBuffer();

  constructor({ signal, body }: TelemetryRequest, decoded: DecodedCounts, receivedAt: Timestamp) {
    this.#signal = signal;
    this.#decoded = decoded;
    this.#receivedAt = receivedAt;
    this.outbox = new Outbox(receivedAt);
    this.#factLines = new GrowingBuffer(Math.min(body.length, EXPECTED_BYTES_MAX));
  }

  /** Returns the facts as they were packed. */
  add(facts: SpanFacts, space: ContentSpace, history?: KnownHistory): SpanFacts {
    const packed = this.#recordIds.safe(space.pack(facts, this.outbox, history), space.texts.policy);
    const start = this.#factLines.length;
    this.#factLines.add(factsLine(packed, this.#receivedAt));
    // Of the facts only the line is kept: a request has thousands of them.
    this.facts.push(new FactLine(factHead(packed), NO_PAGE, start, this.#factLines.length - 1));
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

  get acknowledgement(): Acknowledgement {
    const { rejected, rejectedReason: message } = this.#decoded;
    return { outcome: 'durable', rejected, message };
  }

  get records(): RecordCounts {
    const { accepted, rejected } = this.#decoded;
    return { signal: this.#signal, kept: this.facts.length, accepted, rejected, dropped: this.dropped };
  }

  get sections(): readonly Section[] {
    return this.#lanes
      .filter(([, lines]) => lines.length > 0)
      .map(([lane, lines]) => ({ lane: laneNumber(lane), bytes: lines.bytes }));
  }

  /** Texts that its facts refer to and that may not reach a disk. */
  get unstorable(): ReadonlySet<StoredText> {
    return this.outbox.unstorable;
  }

  markStored(): void {
    this.outbox.markStored();
  }

  release(): void {
    for (const [, lines] of this.#lanes) lines.clear();
  }

  get #lanes(): readonly (readonly ['call_texts' | 'call_lists' | 'span_facts' | 'quarantine', GrowingBuffer])[] {
    return [
      ['call_texts', this.outbox.textLines],
      ['call_lists', this.outbox.listLines],
      ['span_facts', this.#factLines],
      ['quarantine', this.#quarantineLines],
    ];
  }
}
