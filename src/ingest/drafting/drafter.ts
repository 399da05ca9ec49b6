/**
 * From the bytes of a request to rows: decoded, read by the dialects, and packed under the content policy,
 * before a single byte is written. In memory only, and all of a request in one go: while its rows wait
 * for the disk, only their bytes are held.
 */

import type { SpanFacts } from '../../contract/span-facts.ts';
import type { Acknowledgement, TelemetryRequest } from '../../contract/telemetry.ts';
import type { Timestamp } from '../../contract/time.ts';
import { LogReader, readSpan } from '../../dialects/read.ts';
import { decodeLogs, decodeTraces } from '../../otlp/decode.ts';
import type { DecodeLimits } from '../../otlp/limits.ts';
import type { Decoded, OtlpLog, OtlpResource, OtlpScope, OtlpSpan, Undecodable } from '../../otlp/model.ts';
import { listOf } from '../../text/reference.ts';
import { instructionsBefore, isHandle, type ContentSpace, type ContentSpaces } from '../content/content-space.ts';
import { KnownHistories, type KnownHistory } from '../content/known-histories.ts';
import { countQuarantined } from '../metrics.ts';
import { Draft } from './draft.ts';

export interface DrafterOptions {
  readonly spaces: ContentSpaces;
  readonly limits: DecodeLimits;
  readonly onError: (error: unknown) => void;
}

export type Undrafted = Extract<Acknowledgement, { readonly outcome: 'undecodable' }>;

export class Drafter {
  readonly #options: DrafterOptions;
  readonly #histories = new KnownHistories();

  constructor(options: DrafterOptions) {
    this.#options = options;
  }

  draft(request: TelemetryRequest, receivedAt: Timestamp): Draft | Undrafted {
    const decoded = this.#decode(request);
    if (decoded.outcome === 'undecodable') {
      const reason = decoded.reason === 'too_many' ? 'too_large' : 'malformed';
      return { outcome: 'undecodable', reason, message: decoded.message };
    }
    const { groups, ...counts } = decoded;
    const draft = new Draft(request, counts, receivedAt);
    this.#read(request, groups, draft);
    return draft;
  }

  #decode(request: TelemetryRequest): Decoded<OtlpSpan | OtlpLog> | Undecodable {
    const decode = request.signal === 'traces' ? decodeTraces : decodeLogs;
    return decode(request.body, request.encoding, this.#options.limits);
  }

  #read({ signal }: TelemetryRequest, groups: Decoded<OtlpSpan | OtlpLog>['groups'], draft: Draft): void {
    const logs = new LogReader();
    for (const { resource, scope, items } of groups) {
      for (const item of items) {
        draft.dropped += item.droppedAttributes;
        try {
          if (signal === 'traces') {
            this.#readSpan(resource, scope, item as OtlpSpan, draft);
          } else {
            const facts = logs.read(resource, scope, item as OtlpLog);
            if (facts !== null) draft.add(facts, this.#options.spaces.ofFacts(facts));
          }
        } catch (error) {
          // A reader's bug must not cost the sender the rest of the request.
          this.#options.onError(error);
          countQuarantined(1, { kind: 'span' });
          draft.quarantine(item, error);
        }
      }
    }
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
}

/** A twin is recognised by all of what was said, so its history must be read; see `SpanFacts.twinKey`. */
function mayShorten(facts: SpanFacts, history: KnownHistory, space: ContentSpace): boolean {
  if (facts.input === undefined || facts.twinKey !== undefined || space !== history.space) return false;
  return isHandle(facts.input[instructionsBefore(facts.input)], history.handle);
}
