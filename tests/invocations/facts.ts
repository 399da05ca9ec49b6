/** Builds facts for tests; times are milliseconds after one fixed moment. */

import type { SpanFacts } from '../../src/contract/span-facts.ts';
import type { Timestamp } from '../../src/contract/time.ts';
import { timestampFromMillis } from '../../src/lib/time.ts';

export const TRACE = 'a'.repeat(32);

export function at(millis: number): Timestamp {
  return timestampFromMillis(1_795_300_000_000 + millis);
}

export function spanId(number: number): string {
  return number.toString(16).padStart(16, '0');
}

export function span(
  id: number,
  parent: number | null,
  times: readonly [number, number],
  rest: Partial<SpanFacts> = {},
): SpanFacts {
  return {
    traceId: TRACE,
    spanId: spanId(id),
    recordId: '',
    signal: 'span',
    role: 'call',
    parentSpanId: parent === null ? '' : spanId(parent),
    startedAt: at(times[0]),
    endedAt: at(times[1]),
    dialects: ['semconv'],
    service: 'shop',
    environment: 'test',
    operation: 'chat',
    ...rest,
  };
}

export function log(id: number, record: string, time: number, rest: Partial<SpanFacts> = {}): SpanFacts {
  return {
    traceId: TRACE,
    spanId: spanId(id),
    recordId: record,
    signal: 'log',
    role: 'detail',
    parentSpanId: '',
    startedAt: at(time),
    dialects: ['semconv'],
    sequence: 0,
    ...rest,
  };
}

export function said(role: string, text: string) {
  return { role, parts: [{ type: 'text', text }] } as const;
}
