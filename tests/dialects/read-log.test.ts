/** Log records: how they are told apart, and what they say. */

import { describe, expect, it } from 'vitest';
import { LogReader } from '../../src/dialects/read.ts';
import type { OtlpLog, OtlpValue } from '../../src/otlp/model.ts';
import { RESOURCE, SCOPE } from './sender.ts';

describe('a log record', () => {
  const record = (rest: Partial<OtlpLog>): OtlpLog => ({
    traceId: 'a'.repeat(32),
    spanId: 'b'.repeat(16),
    timeNanos: 1_795_300_000_000_000_000n,
    eventName: '',
    severityNumber: 9,
    body: new Map([['content', 'hi']]),
    attributes: new Map([['event.name', 'gen_ai.user.message']]),
    droppedAttributes: 0,
    ...rest,
  });

  const readAll = (...records: readonly OtlpLog[]) => {
    const reader = new LogReader();
    return records.map((each) => reader.read(RESOURCE, SCOPE, each));
  };
  const idsOf = (...records: readonly OtlpLog[]) => readAll(...records).map((facts) => facts?.recordId);

  it('takes its event name from the field or the attribute', () => {
    const [byAttribute, byField] = readAll(
      record({}),
      record({ eventName: 'gen_ai.user.message', attributes: new Map() }),
    );
    expect(byAttribute).toMatchObject({ role: 'detail', sequence: 0, input: [{ role: 'user' }] });
    expect(byField).toMatchObject({ sequence: 1, input: byAttribute?.input });
  });

  it('is what its attribute says where a library fills in the field: Rust', () => {
    const [facts] = readAll(record({ eventName: 'event otel/src/events/session_telemetry.rs:761' }));
    expect(facts).toMatchObject({ role: 'detail', input: [{ role: 'user' }] });
  });

  it('has the same id whenever it is sent, and another one for another content', () => {
    const records = [record({}), record({ body: new Map([['content', 'ho']]) }), record({ timeNanos: 1n })];
    const ids = idsOf(...records);
    expect(new Set(ids).size).toBe(3);
    expect(idsOf(...records)).toEqual(ids);
    expect(idsOf(...records.toReversed())).toEqual(ids.toReversed());
  });

  it('that is a message said twice in one request has two ids, and the same two when it is sent again', () => {
    const other = record({ body: new Map([['content', 'ho']]) });
    const ids = idsOf(record({}), other, record({}), record({}));
    expect(new Set(ids).size).toBe(4);
    expect(idsOf(record({}), other, record({}), record({}))).toEqual(ids);
    expect(idsOf(record({}))).toEqual(ids.slice(0, 1));
    const elsewhere = record({ spanId: 'd'.repeat(16) });
    expect(idsOf(record({}), elsewhere)[1]).toBe(idsOf(elsewhere)[0]);
  });

  it('that judges is one, however often a request has it', () => {
    const judgement = record({
      eventName: 'gen_ai.evaluation.result',
      attributes: new Map<string, OtlpValue>([
        ['gen_ai.evaluation.name', 'tone'],
        ['gen_ai.evaluation.score.value', 1],
      ]),
    });
    expect(new Set(idsOf(judgement, judgement)).size).toBe(1);
  });

  it.each(['1e305', '1e12', '-1'])('leaves out a duration of %s ms, which no call has', (durationMs) => {
    const attributes = new Map<string, OtlpValue>([
      ['model', 'claude-sonnet-4-6'],
      ['duration_ms', durationMs],
    ]);
    const report = record({ eventName: 'claude_code.api_request', attributes });
    expect(new LogReader().read(RESOURCE, { name: 'com.anthropic.claude_code', version: '' }, report)).toMatchObject({
      role: 'report',
      startedAt: '2026-11-21T22:26:40.000000000Z',
    });
  });

  it('says that attributes were dropped', () => {
    expect(new LogReader().read(RESOURCE, SCOPE, record({ droppedAttributes: 2 }))?.incomplete).toEqual([
      'attributes_dropped',
    ]);
  });

  it('of any other kind is none of ours', () => {
    expect(readAll(record({ attributes: new Map(), body: 'GET /' }))).toEqual([null]);
  });
});
