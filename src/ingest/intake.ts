/**
 * Admission: one decoded request becomes rows in the spool, and only then an acknowledgement. The
 * content policy is applied here, before a single byte is written.
 */

import { describeError, isFault } from '../contract/fault.ts';
import type { SpanFacts } from '../contract/span-facts.ts';
import type { Acknowledgement, TelemetryRequest, TelemetrySignal } from '../contract/telemetry.ts';
import type { Clock, Timestamp } from '../contract/time.ts';
import { readLog, readSpan } from '../dialects/read.ts';
import { shortId } from '../lib/hash.ts';
import { decodeLogs, decodeTraces } from '../otlp/decode.ts';
import type { DecodeLimits } from '../otlp/limits.ts';
import type { Decoded, OtlpLog, OtlpSpan, Undecodable } from '../otlp/model.ts';
import type { ContentSpaces } from './content/content-space.ts';
import { factLines, factsLine } from './content/fact-rows.ts';
import { Outbox } from './content/outbox.ts';
import { laneNumber } from './loading/lanes.ts';
import type { RecentFacts } from './loading/recent-facts.ts';
import { countQuarantined, countRefused, countSpans } from './metrics.ts';
import { quarantineLine } from './quarantine.ts';
import type { Section } from './spool/record.ts';
import type { Spool } from './spool/spool.ts';

export interface IntakeOptions {
  readonly spool: Spool;
  readonly recent: RecentFacts;
  readonly spaces: ContentSpaces;
  readonly limits: DecodeLimits;
  readonly clock: Clock;
  readonly onError: (error: unknown) => void;
}

export class Intake {
  readonly #options: IntakeOptions;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  readonly accept = async (request: TelemetryRequest): Promise<Acknowledgement> => {
    const decoded = this.#decode(request);
    if (decoded.outcome === 'undecodable') {
      const reason = decoded.reason === 'too_many' ? 'too_large' : 'malformed';
      return { outcome: 'undecodable', reason, message: decoded.message };
    }
    const draft = new Draft(this.#options.spaces, this.#options.clock.now());
    this.#read(request.signal, decoded, draft);
    countSpans(draft.facts.length, { signal: request.signal, outcome: 'kept' });
    countSpans(decoded.accepted - draft.facts.length, { signal: request.signal, outcome: 'not_about_models' });
    countSpans(decoded.rejected, { signal: request.signal, outcome: 'rejected' });
    const refusal = await this.#spool(draft);
    return refusal ?? { outcome: 'durable', rejected: decoded.rejected, message: decoded.rejectedReason };
  };

  #decode(request: TelemetryRequest): Decoded<OtlpSpan | OtlpLog> | Undecodable {
    const decode = request.signal === 'traces' ? decodeTraces : decodeLogs;
    return decode(request.body, request.encoding, this.#options.limits);
  }

  #read(signal: TelemetrySignal, decoded: Decoded<OtlpSpan | OtlpLog>, draft: Draft): void {
    let sequence = 0;
    for (const { resource, scope, items } of decoded.groups) {
      for (const item of items) {
        try {
          const facts =
            signal === 'traces'
              ? readSpan(resource, scope, item as OtlpSpan)
              : readLog(resource, scope, item as OtlpLog, sequence++);
          if (facts !== null) draft.add(facts);
        } catch (error) {
          // A reader's bug must not cost the sender the rest of the request.
          this.#options.onError(error);
          countQuarantined(1, { kind: 'span' });
          draft.quarantine(item, error);
        }
      }
    }
  }

  /** Null when all is durable. */
  async #spool(draft: Draft): Promise<Acknowledgement | null> {
    const sections = draft.sections();
    if (sections.length === 0) return null;
    try {
      const end = await this.#options.spool.append(sections);
      draft.outbox.markStored();
      const facts = sections.find(({ lane }) => lane === laneNumber('span_facts'));
      if (facts !== undefined) this.#options.recent.add(end, factLines(facts.bytes, draft.facts));
      return null;
    } catch (error) {
      if (!isFault(error)) throw error;
      countRefused(1, { reason: 'spool' });
      return { outcome: 'overloaded', retryAfterMs: error.retryAfterMs ?? 5_000, message: describeError(error) };
    }
  }
}

/** The rows of one request. */
class Draft {
  readonly outbox = new Outbox();
  readonly facts: SpanFacts[] = [];
  readonly #spaces: ContentSpaces;
  readonly #receivedAt: Timestamp;
  #factLines = '';
  #quarantineLines = '';

  constructor(spaces: ContentSpaces, receivedAt: Timestamp) {
    this.#spaces = spaces;
    this.#receivedAt = receivedAt;
  }

  add(facts: SpanFacts): void {
    const packed = this.#spaces.for(facts.environment).pack(facts, this.outbox);
    this.facts.push(packed);
    this.#factLines += factsLine(packed, this.#receivedAt);
  }

  /** Only what identifies the record: its content may be under a policy that nobody could read here. */
  quarantine(item: OtlpSpan | OtlpLog, error: unknown): void {
    const { traceId, spanId } = item;
    const name = 'name' in item ? item.name : item.eventName;
    const payload = JSON.stringify({ traceId, spanId, name, attributes: [...item.attributes.keys()] });
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const id = shortId(traceId, spanId, name);
    const entry = { id, at: this.#receivedAt, kind: 'span', lane: '', reason, payload, status: 'waiting' } as const;
    this.#quarantineLines += quarantineLine(entry);
  }

  sections(): Section[] {
    const lanes = [
      ['texts', this.outbox.textLines],
      ['message_lists', this.outbox.listLines],
      ['span_facts', this.#factLines],
      ['quarantine', this.#quarantineLines],
    ] as const;
    return lanes
      .filter(([, lines]) => lines !== '')
      .map(([lane, lines]) => ({ lane: laneNumber(lane), bytes: Buffer.from(lines) }));
  }
}
