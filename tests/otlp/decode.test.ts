/** Both encodings of OTLP, their traps, and what is refused. */

import { describe, expect, it } from 'vitest';
import { plain } from '../../src/otlp/attributes.ts';
import { decodeLogs, decodeTraces } from '../../src/otlp/decode.ts';
import { DEFAULT_DECODE_LIMITS } from '../../src/otlp/limits.ts';
import type { Decoded, OtlpEncoding, OtlpLog, OtlpSpan } from '../../src/otlp/model.ts';
import { SPAN_ID, TRACE_ID, field, message, pair, request, spanMessage, varint } from './encode.ts';

function traces(bytes: Uint8Array | object, limits = DEFAULT_DECODE_LIMITS): Decoded<OtlpSpan> {
  const isBytes = bytes instanceof Uint8Array;
  const decoded = decodeTraces(isBytes ? bytes : json(bytes), isBytes ? 'protobuf' : 'json', limits);
  if (decoded.outcome !== 'decoded') throw new Error(decoded.message);
  return decoded;
}

function logs(body: object): Decoded<OtlpLog> {
  const decoded = decodeLogs(json(body), 'json');
  if (decoded.outcome !== 'decoded') throw new Error(decoded.message);
  return decoded;
}

const json = (body: object): Buffer => Buffer.from(JSON.stringify(body));
const firstSpan = (decoded: Decoded<OtlpSpan>): OtlpSpan => decoded.groups[0]?.items[0] as OtlpSpan;
const attributesOf = (decoded: Decoded<OtlpSpan>) => plain(firstSpan(decoded).attributes);

const ids = { traceId: TRACE_ID.toString('hex'), spanId: SPAN_ID.toString('hex') };
const jsonSpan = (span: object): object => ({
  resourceSpans: [{ scopeSpans: [{ spans: [{ ...ids, name: 'chat', ...span }] }] }],
});

describe('an empty request', () => {
  it.each(['protobuf', 'json'] as const)('is fine in %s', (encoding) => {
    expect(decodeTraces(new Uint8Array(0), encoding)).toEqual({
      outcome: 'decoded',
      groups: [],
      accepted: 0,
      rejected: 0,
      rejectedReason: '',
    });
  });

  it('may say so in braces', () => {
    expect(traces({}).accepted).toBe(0);
    expect(traces({ resourceSpans: [] }).accepted).toBe(0);
  });
});

describe('protobuf', () => {
  it('gives identity, times and every kind of value', () => {
    const double = Buffer.alloc(9);
    double[0] = 0x21;
    double.writeDoubleLE(0.5, 1);
    const decoded = traces(
      request(
        spanMessage(
          field(4, SPAN_ID),
          field(9, pair('text', field(1, 'x'.repeat(100)))),
          field(9, pair('umlaut', field(1, 'ä'))),
          field(9, pair('yes', field(2, 1))),
          field(9, pair('minus', Buffer.concat([varint(0x18), varint(-5n)]))),
          field(9, pair('huge', Buffer.concat([varint(0x18), varint(2n ** 62n)]))),
          field(9, pair('half', double)),
          field(9, pair('list', field(5, message(field(1, field(1, 'a')), field(1, field(3, 2)))))),
          field(9, pair('map', field(6, field(1, pair('k', field(1, 'v')))))),
          field(9, pair('bytes', field(7, Buffer.from([1, 2, 3])))),
          field(9, pair('nothing', Buffer.alloc(0))),
          field(9, pair('text', field(1, 'a second one loses'))),
          field(15, message(field(2, 'broken'), field(3, 2))),
        ),
      ),
    );
    const span = firstSpan(decoded);
    expect(span).toMatchObject({
      ...ids,
      parentSpanId: ids.spanId,
      name: 'chat',
      startNanos: 1_000n,
      endNanos: 2_000n,
      statusCode: 2,
      statusMessage: 'broken',
    });
    expect(attributesOf(decoded)).toEqual({
      text: 'x'.repeat(100),
      umlaut: 'ä',
      yes: true,
      minus: -5,
      huge: '4611686018427387904',
      half: 0.5,
      list: ['a', 2],
      map: { k: 'v' },
      bytes: 'AQID',
      nothing: null,
    });
    expect(decoded.groups[0]?.scope.name).toBe('scope');
    expect(plain(decoded.groups[0]?.resource.attributes)).toEqual({ 'service.name': 'shop' });
  });

  it('passes over fields that it does not know, and known ones of another wire type', () => {
    const unknown = [
      field(99, 'future'),
      field(98, 7),
      field(97, 1n),
      Buffer.concat([varint(96 * 8 + 5), Buffer.alloc(4)]),
    ];
    const decoded = traces(request(spanMessage(...unknown, field(5, 12))));
    expect(firstSpan(decoded).name).toBe('chat');
  });

  it('takes a head that comes after its list', () => {
    const scope = message(field(2, spanMessage()), field(1, field(1, 'late')));
    const resource = message(field(2, scope), field(1, field(1, pair('service.name', field(1, 'late too')))));
    const [group] = traces(field(1, resource)).groups;
    expect([group?.scope.name, plain(group?.resource.attributes)]).toEqual(['late', { 'service.name': 'late too' }]);
  });

  it('reads text that is not UTF-8 as well as it can', () => {
    const decoded = traces(request(spanMessage(field(9, pair('k', field(1, Buffer.from([0x61, 0xff])))))));
    expect(attributesOf(decoded)).toEqual({ k: 'a\uFFFD' });
  });

  it.each([
    ['a length beyond its holder', Buffer.from([0x0a, 0x7f, 0x01])],
    ['a message that ends in a number', Buffer.from([0x0a, 0x80])],
    ['a number of eleven bytes', Buffer.concat([Buffer.from([0x10]), Buffer.alloc(10, 0xff), Buffer.from([1])])],
    ['field number zero', Buffer.from([0x02, 0x00])],
    ['a group', Buffer.from([0x0b, 0x0c])],
    ['text instead of a request', Buffer.from('{"resourceSpans":[]}')],
  ])('refuses %s', (_what, bytes) => {
    expect(decodeTraces(bytes, 'protobuf')).toMatchObject({ outcome: 'undecodable', reason: 'malformed' });
  });
});

describe('JSON', () => {
  it('takes ids of any case, integers in quotes or not, and ignores what it does not know', () => {
    const decoded = traces(
      jsonSpan({
        traceId: ids.traceId.toUpperCase(),
        startTimeUnixNano: '1795200000000000001',
        endTimeUnixNano: 1000,
        droppedAttributesCount: '3',
        whatIsThis: { deep: [1] },
        status: { code: 2 },
        attributes: [
          { key: 'quoted', value: { intValue: '42' } },
          { key: 'bare', value: { intValue: 42 } },
          { key: 'double', value: { doubleValue: 1 } },
          { key: 'not a number', value: { doubleValue: 'NaN' } },
          { key: 'empty', value: {} },
          { key: 'none' },
          { key: 'future', value: { shinyValue: 1 } },
          { key: 'list', value: { arrayValue: { values: [{ stringValue: 'a' }, {}] } } },
          { key: 'empty list', value: { arrayValue: {} } },
          { key: 'map', value: { kvlistValue: { values: [{ key: '__proto__', value: { boolValue: false } }] } } },
        ],
      }),
    );
    expect(firstSpan(decoded)).toMatchObject({
      ...ids,
      startNanos: 1_795_200_000_000_000_001n,
      endNanos: 1_000n,
      droppedAttributes: 3,
      statusCode: 2,
    });
    expect([...firstSpan(decoded).attributes].map(([key, value]) => [key, JSON.stringify(plain(value))])).toEqual([
      ['quoted', '42'],
      ['bare', '42'],
      ['double', '1'],
      ['not a number', 'null'],
      ['empty', 'null'],
      ['none', 'null'],
      ['future', 'null'],
      ['list', '["a",null]'],
      ['empty list', '[]'],
      ['map', '{"__proto__":false}'],
    ]);
  });

  it('takes the time when a log record was observed if it has none of its own', () => {
    const record = (times: object) =>
      logs({ resourceLogs: [{ scopeLogs: [{ logRecords: [times] }] }] }).groups[0]?.items[0]?.timeNanos;
    expect(record({ timeUnixNano: '5', observedTimeUnixNano: '9' })).toBe(5n);
    expect(record({ timeUnixNano: '0', observedTimeUnixNano: '9' })).toBe(9n);
    expect(record({ observedTimeUnixNano: '9' })).toBe(9n);
  });

  it.each([
    ['no JSON', Buffer.from('{"resourceSpans":')],
    ['a list at the top', json([])],
    ['spans that are no list', json({ resourceSpans: [{ scopeSpans: [{ spans: {} }] }] })],
    ['a text where a list is due', json({ resourceSpans: 'x' })],
    ['an id that is a number', json(jsonSpan({ traceId: 5 }))],
    ['a negative time', json(jsonSpan({ startTimeUnixNano: '-1' }))],
    ['a time beyond 64 bits', json(jsonSpan({ startTimeUnixNano: '99999999999999999999' }))],
    ['an integer with a fraction', json(jsonSpan({ attributes: [{ key: 'k', value: { intValue: 1.5 } }] }))],
    ['a text that is a number', json(jsonSpan({ attributes: [{ key: 'k', value: { stringValue: 1 } }] }))],
    ['an attribute that is null', json(jsonSpan({ attributes: [null] }))],
  ])('refuses %s', (_what, bytes) => {
    expect(decodeTraces(bytes, 'json')).toMatchObject({ outcome: 'undecodable', reason: 'malformed' });
  });

  it('survives a million brackets', () => {
    expect(decodeTraces(Buffer.from('['.repeat(1_000_000)), 'json')).toMatchObject({ outcome: 'undecodable' });
  });
});

describe('items without an identity', () => {
  const twoOf = (encoding: OtlpEncoding): Uint8Array =>
    encoding === 'protobuf'
      ? request(spanMessage(), message(field(1, Buffer.alloc(16)), field(2, SPAN_ID)))
      : json({ resourceSpans: [{ scopeSpans: [{ spans: [{ ...ids }, { ...ids, traceId: '0'.repeat(32) }] }] }] });

  it.each(['protobuf', 'json'] as const)('are left out and counted, the others taken, in %s', (encoding) => {
    const decoded = decodeTraces(twoOf(encoding), encoding);
    expect(decoded).toMatchObject({ outcome: 'decoded', accepted: 1, rejected: 1 });
    expect((decoded as Decoded<OtlpSpan>).rejectedReason).toContain('16 bytes');
  });

  it.each(['xyz', '0123', `g${'0'.repeat(31)}`])('have an id such as %s', (traceId) => {
    expect(traces(jsonSpan({ traceId }))).toMatchObject({ accepted: 0, rejected: 1 });
  });
});

describe('limits', () => {
  const small = {
    itemsMax: 2,
    groupsMax: 4,
    attributesMax: 2,
    attributesInAllMax: 5,
    eventsMax: 1,
    depthMax: 3,
    nestedMax: 5,
  };
  const nestedList = (depth: number): Buffer =>
    depth === 0 ? field(1, 'x') : field(5, field(1, nestedList(depth - 1)));
  const nestedJson = (depth: number): object =>
    depth === 0 ? { stringValue: 'x' } : { arrayValue: { values: [nestedJson(depth - 1)] } };

  it('refuse too many records and too many groups', () => {
    const three = request(spanMessage(), spanMessage(), spanMessage());
    expect(decodeTraces(three, 'protobuf', small)).toMatchObject({ outcome: 'undecodable', reason: 'too_many' });
    const groups = Buffer.concat([request(), request(), request()]);
    expect(decodeTraces(groups, 'protobuf', small)).toMatchObject({ outcome: 'undecodable', reason: 'too_many' });
    const spans = [ids, ids, ids];
    expect(decodeTraces(json({ resourceSpans: [{ scopeSpans: [{ spans }] }] }), 'json', small)).toMatchObject({
      reason: 'too_many',
    });
  });

  it('refuse values that are nested too deep', () => {
    expect(decodeTraces(request(spanMessage(field(9, pair('k', nestedList(3))))), 'protobuf', small).outcome).toBe(
      'decoded',
    );
    expect(decodeTraces(request(spanMessage(field(9, pair('k', nestedList(4))))), 'protobuf', small)).toMatchObject({
      reason: 'too_deep',
    });
    const deep = (depth: number) =>
      decodeTraces(json(jsonSpan({ attributes: [{ key: 'k', value: nestedJson(depth) }] })), 'json', small);
    expect(deep(3).outcome).toBe('decoded');
    expect(deep(4)).toMatchObject({ reason: 'too_deep' });
  });

  it('refuse more values in arrays and maps than any sender has', () => {
    const many = (count: number): Buffer => Buffer.concat(Array.from({ length: count }, () => field(1, field(6, ''))));
    const list = (count: number) =>
      decodeTraces(request(spanMessage(field(9, pair('k', field(5, many(count)))))), 'protobuf', small);
    expect(list(5).outcome).toBe('decoded');
    expect(list(6)).toMatchObject({ reason: 'too_many' });
    const pairs = (count: number) => {
      const values = Array.from({ length: count }, (_, index) => ({ key: `${index}`, value: { boolValue: true } }));
      return decodeTraces(
        json(jsonSpan({ attributes: [{ key: 'k', value: { kvlistValue: { values } } }] })),
        'json',
        small,
      );
    };
    expect(pairs(5).outcome).toBe('decoded');
    expect(pairs(6)).toMatchObject({ reason: 'too_many' });
  });

  it('refuse JSON of nothing but braces before it is parsed, and take texts that have as many', () => {
    const body = (text: string): Buffer => Buffer.from(`{"resourceSpans":[],"x":[${text}]}`);
    expect(decodeTraces(body(Array(400_000).fill('{}').join()), 'json')).toMatchObject({ reason: 'too_many' });
    expect(decodeTraces(body(JSON.stringify('{["\\'.repeat(400_000))), 'json').outcome).toBe('decoded');
    const values = Array.from({ length: 80_000 }, () => ({ intValue: 1 }));
    const dense = json(jsonSpan({ attributes: [{ key: 'k', value: { arrayValue: { values } } }] }));
    expect(dense.length).toBeGreaterThan(1_100_000);
    expect(decodeTraces(dense, 'json').outcome).toBe('decoded');
  });

  it('refuse JSON of a million texts that differ before it is parsed, and take as many that come again', () => {
    const texts = (count: number, differing: number): Buffer => {
      const all = Array.from({ length: count }, (_, index) => `"${(index % differing).toString(36)}"`);
      return Buffer.from(`{"resourceSpans":[],"x":[${all.join()}]}`);
    };
    expect(decodeTraces(texts(1_100_000, 1_100_000), 'json')).toMatchObject({
      reason: 'too_many',
      message: 'The body holds more than 1000000 different names and texts.',
    });
    expect(decodeTraces(texts(3_000_000, 100), 'json').outcome).toBe('decoded');
  });

  it('refuse more attributes in all than any sender has, without those that are left out', () => {
    const attributes = (count: number) => Array.from({ length: count }, (_, index) => ({ key: `${index}` }));
    const both = (resource: number, first: number, second: number) => {
      const spans = [first, second].map((count) => ({ ...ids, attributes: attributes(count) }));
      const inJson = { resource: { attributes: attributes(resource) }, scopeSpans: [{ spans }] };
      const pairs = (count: number, number: number): Buffer[] =>
        attributes(count).map(({ key }) => field(number, pair(key, Buffer.alloc(0))));
      const messages = [first, second].map((count) => field(2, spanMessage(...pairs(count, 9))));
      const resourceSpans = message(field(1, message(...pairs(resource, 1))), field(2, message(...messages)));
      return [
        decodeTraces(field(1, resourceSpans), 'protobuf', small),
        decodeTraces(json({ resourceSpans: [inJson] }), 'json', small),
      ];
    };
    for (const decoded of both(1, 2, 9)) expect(decoded.outcome).toBe('decoded');
    for (const decoded of both(2, 2, 2)) expect(decoded).toMatchObject({ reason: 'too_many' });
  });

  it('leave out further attributes and events, and count both as dropped, with what the sender dropped', () => {
    const attributes = ['a', 'b', 'c'].map((key) => field(9, pair(key, field(1, key))));
    const events = ['e1', 'e2'].map((name) => field(11, message(field(2, name), field(4, 5))));
    const fromProtobuf = firstSpan(
      traces(request(spanMessage(...attributes, ...events, field(10, 1), field(12, 4))), small),
    );
    const fromJson = firstSpan(
      traces(
        jsonSpan({
          attributes: ['a', 'b', 'c'].map((key) => ({ key, value: { stringValue: key } })),
          events: ['e1', 'e2'].map((name) => ({ name, droppedAttributesCount: 5 })),
          droppedAttributesCount: 1,
          droppedEventsCount: 4,
        }),
        small,
      ),
    );
    for (const span of [fromProtobuf, fromJson]) {
      expect([...span.attributes.keys()]).toEqual(['a', 'b']);
      expect(span.droppedAttributes).toBe(12);
      expect(span.events.map(({ name }) => name)).toEqual(['e1']);
    }
  });
});
