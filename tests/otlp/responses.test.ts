/** The bytes of the answers, checked against hand-computed protobuf. */

import { describe, expect, it } from 'vitest';
import { RPC_CODES, encodeExportResponse, encodeStatus } from '../../src/otlp/responses.ts';
import { field, message } from './encode.ts';

const text = (bytes: Uint8Array): unknown => JSON.parse(Buffer.from(bytes).toString());

describe('Export*ServiceResponse', () => {
  it('of full success leaves partial_success unset', () => {
    expect(encodeExportResponse('protobuf', 'traces')).toHaveLength(0);
    expect(text(encodeExportResponse('json', 'traces'))).toEqual({});
  });

  it('of partial success says how many and why', () => {
    const expected = field(1, message(field(1, 300), field(2, 'no identity')));
    expect(Buffer.from(encodeExportResponse('protobuf', 'logs', 300, 'no identity'))).toEqual(expected);
    expect(text(encodeExportResponse('json', 'logs', 300, 'no identity'))).toEqual({
      partialSuccess: { rejectedLogRecords: '300', errorMessage: 'no identity' },
    });
    expect(text(encodeExportResponse('json', 'traces', 1, 'x'))).toEqual({
      partialSuccess: { rejectedSpans: '1', errorMessage: 'x' },
    });
  });

  it('of a warning without rejection has only the message', () => {
    expect(Buffer.from(encodeExportResponse('protobuf', 'traces', 0, 'careful'))).toEqual(
      field(1, field(2, 'careful')),
    );
  });
});

describe('google.rpc.Status', () => {
  it('has a code and a message', () => {
    const expected = message(field(1, 3), field(2, 'bad'));
    expect(Buffer.from(encodeStatus('protobuf', RPC_CODES.invalidArgument, 'bad'))).toEqual(expected);
    expect(text(encodeStatus('json', RPC_CODES.invalidArgument, 'bad'))).toEqual({ code: 3, message: 'bad' });
  });

  it('tells with RetryInfo when to come back', () => {
    const type = 'type.googleapis.com/google.rpc.RetryInfo';
    const duration = message(field(1, 1), field(2, 500_000_000));
    const expected = message(
      field(1, 14),
      field(2, 'full'),
      field(3, message(field(1, type), field(2, field(1, duration)))),
    );
    expect(Buffer.from(encodeStatus('protobuf', RPC_CODES.unavailable, 'full', 1_500))).toEqual(expected);
    expect(text(encodeStatus('json', RPC_CODES.unavailable, 'full', 1_500))).toEqual({
      code: 14,
      message: 'full',
      details: [{ '@type': type, retryDelay: '1.5s' }],
    });
  });
});
