/** A span of a test, read by the dialects. */

import type { SpanFacts } from '../../src/contract/span-facts.ts';
import { readSpan } from '../../src/dialects/read.ts';
import type { OtlpEvent, OtlpScope, OtlpSpan, OtlpValue } from '../../src/otlp/model.ts';
import { RESOURCE, SCOPE } from './sender.ts';

export type Attributes = Readonly<Record<string, OtlpValue>>;

/** It took a second. */
export function spanWith(attributes: Attributes, rest: Partial<OtlpSpan> = {}): OtlpSpan {
  return {
    traceId: 'a'.repeat(32),
    spanId: 'b'.repeat(16),
    parentSpanId: 'c'.repeat(16),
    name: 'x',
    startNanos: 1_795_300_000_000_000_001n,
    endNanos: 1_795_300_001_000_000_002n,
    attributes: new Map(Object.entries(attributes)),
    droppedAttributes: 0,
    events: [],
    statusCode: 0,
    statusMessage: '',
    ...rest,
  };
}

export function read(
  attributes: Attributes,
  rest: Partial<OtlpSpan> = {},
  scope: Partial<OtlpScope> = {},
): SpanFacts | null {
  return readSpan(RESOURCE, { ...SCOPE, ...scope }, spanWith(attributes, rest));
}

export function event(name: string, attributes: Attributes): OtlpEvent {
  return { name, timeNanos: 0n, attributes: new Map(Object.entries(attributes)) };
}
