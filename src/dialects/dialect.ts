/**
 * What a dialect implements: one file here, one line in `index.ts`, one folder of golden cases.
 * A dialect is pure and says only what the span itself says; who counts is settled elsewhere.
 */

import type { SpanFacts } from '../contract/span-facts.ts';
import type { OtlpLog, OtlpResource, OtlpScope, OtlpSpan } from '../otlp/model.ts';

/** What the reader of the record fills in by itself: identity, times, dialects. */
type Identity =
  | 'traceId'
  | 'spanId'
  | 'recordId'
  | 'signal'
  | 'role'
  | 'parentSpanId'
  | 'startedAt'
  | 'endedAt'
  | 'dialects'
  | 'sequence';

type Content = Omit<SpanFacts, Identity>;

/** What one dialect understood. Every field may be absent; an absent field leaves room for a weaker dialect. */
export type Reading = {
  role?: SpanFacts['role'];
  /** Of a report, or a span made at the end: how long the call took that had just ended when it was made. */
  durationMs?: number;
  /** What the span says wrongly in words that a weaker dialect would believe: it stays open. */
  disbelieved?: readonly (keyof SpanFacts)[];
} & { -readonly [Key in keyof Content]?: Content[Key] };

export interface SpanInput {
  readonly resource: OtlpResource;
  readonly scope: OtlpScope;
  readonly span: OtlpSpan;
}

export interface LogInput {
  readonly resource: OtlpResource;
  readonly scope: OtlpScope;
  readonly log: OtlpLog;
  /** From the attribute `event.name`, else from the field. */
  readonly eventName: string;
}

export interface Dialect {
  /** The file's name, the folder of its golden cases, and what `Invocation.dialects` says. */
  readonly name: string;
  /**
   * Prefixes of attribute keys (or whole keys) without which a span can't be of this dialect. A
   * span with none of any dialect's costs next to nothing.
   */
  readonly keys: readonly string[];
  /** Prefixes of scope names that are enough by themselves. */
  readonly scopes?: readonly string[];
  /**
   * What the span says, or null when it does not speak this dialect after all. `known` is what
   * stronger dialects said already: leave out what is costly to read again.
   */
  readonly span?: (input: SpanInput, known: Readonly<Reading>) => Reading | null;
  /**
   * The same for a log record; every dialect is asked for every record. A reading without a role says
   * that the record is of this dialect, and that nothing is to be read from it.
   */
  readonly log?: (input: LogInput) => Reading | null;
}
