/** Span and its events from protobuf. Field numbers: opentelemetry-proto, trace/v1/trace.proto. */

import type { OtlpEvent, OtlpSpan } from './model.ts';
import { type AttributeSink, NO_ATTRIBUTES, readKeyValue } from './protobuf-common.ts';
import type { ProtobufReader } from './protobuf-reader.ts';
import { NO_IDENTITY, type Tally } from './tally.ts';

const NO_EVENTS: readonly OtlpEvent[] = [];

export function readSpanMessage(reader: ProtobufReader, end: number, tally: Tally): OtlpSpan | null {
  const { limits } = tally;
  const sink: AttributeSink = { attributes: null, dropped: 0 };
  let traceId = '';
  let spanId = '';
  let parentSpanId = '';
  let name = '';
  let startNanos = 0n;
  let endNanos = 0n;
  let events: OtlpEvent[] | null = null;
  let status = UNSET;
  while (reader.position < end) {
    const tag = reader.tag(end);
    switch (tag) {
      case 0x0a:
        traceId = reader.hexId(16, end);
        break;
      case 0x12:
        spanId = reader.hexId(8, end);
        break;
      case 0x22:
        parentSpanId = reader.hexId(8, end);
        break;
      case 0x2a:
        name = reader.text(end);
        break;
      case 0x39:
        startNanos = reader.fixed64(end);
        break;
      case 0x41:
        endNanos = reader.fixed64(end);
        break;
      case 0x4a:
        readKeyValue(reader, end, tally, sink);
        break;
      case 0x50:
        sink.dropped += reader.varint(end);
        break;
      case 0x5a:
        events ??= [];
        if (events.length < limits.eventsMax) events.push(readEvent(reader, reader.lengthEnd(end), tally, sink));
        else {
          sink.dropped++;
          reader.skip(tag, end);
        }
        break;
      case 0x60:
        // Events may hold messages as attributes do.
        sink.dropped += reader.varint(end);
        break;
      case 0x7a:
        status = readStatus(reader, reader.lengthEnd(end));
        break;
      default:
        reader.skip(tag, end);
    }
  }
  if (traceId === '' || spanId === '') {
    tally.reject(NO_IDENTITY);
    return null;
  }
  return {
    traceId,
    spanId,
    parentSpanId,
    name,
    startNanos,
    endNanos,
    attributes: sink.attributes ?? NO_ATTRIBUTES,
    droppedAttributes: sink.dropped,
    events: events ?? NO_EVENTS,
    statusCode: status.code,
    statusMessage: status.message,
  };
}

/** What an event lost, its span lost: `holder` counts it. */
function readEvent(reader: ProtobufReader, end: number, tally: Tally, holder: AttributeSink): OtlpEvent {
  const sink: AttributeSink = { attributes: null, dropped: 0 };
  let name = '';
  let timeNanos = 0n;
  while (reader.position < end) {
    const tag = reader.tag(end);
    if (tag === 0x09) timeNanos = reader.fixed64(end);
    else if (tag === 0x12) name = reader.text(end);
    else if (tag === 0x1a) readKeyValue(reader, end, tally, sink);
    else if (tag === 0x20) sink.dropped += reader.varint(end);
    else reader.skip(tag, end);
  }
  holder.dropped += sink.dropped;
  return { name, timeNanos, attributes: sink.attributes ?? NO_ATTRIBUTES };
}

interface Status {
  readonly code: number;
  readonly message: string;
}

const UNSET: Status = { code: 0, message: '' };

function readStatus(reader: ProtobufReader, end: number): Status {
  let code = 0;
  let message = '';
  while (reader.position < end) {
    const tag = reader.tag(end);
    if (tag === 0x12) message = reader.text(end);
    else if (tag === 0x18) code = reader.varint(end);
    else reader.skip(tag, end);
  }
  return { code, message };
}
