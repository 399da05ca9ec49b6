/** LogRecord from protobuf. Field numbers: opentelemetry-proto, logs/v1/logs.proto. */

import type { OtlpLog, OtlpValue } from './model.ts';
import { type AttributeSink, NO_ATTRIBUTES, readAnyValue, readKeyValue } from './protobuf-common.ts';
import type { ProtobufReader } from './protobuf-reader.ts';
import type { Tally } from './tally.ts';

export function readLogMessage(reader: ProtobufReader, end: number, tally: Tally): OtlpLog {
  const sink: AttributeSink = { attributes: null, dropped: 0 };
  let timeNanos = 0n;
  let observedNanos = 0n;
  let severityNumber = 0;
  let body: OtlpValue = null;
  let traceId = '';
  let spanId = '';
  let eventName = '';
  while (reader.position < end) {
    const tag = reader.tag(end);
    switch (tag) {
      case 0x09:
        timeNanos = reader.fixed64(end);
        break;
      case 0x59:
        observedNanos = reader.fixed64(end);
        break;
      case 0x10:
        severityNumber = reader.varint(end);
        break;
      case 0x2a:
        body = readAnyValue(reader, reader.lengthEnd(end), tally, 0);
        break;
      case 0x32:
        readKeyValue(reader, end, tally, sink);
        break;
      case 0x38:
        sink.dropped += reader.varint(end);
        break;
      case 0x4a:
        traceId = reader.hexId(16, end);
        break;
      case 0x52:
        spanId = reader.hexId(8, end);
        break;
      case 0x62:
        eventName = reader.text(end);
        break;
      default:
        reader.skip(tag, end);
    }
  }
  return {
    traceId,
    spanId,
    timeNanos: timeNanos === 0n ? observedNanos : timeNanos,
    eventName,
    severityNumber,
    body,
    attributes: sink.attributes ?? NO_ATTRIBUTES,
    droppedAttributes: sink.dropped,
  };
}
