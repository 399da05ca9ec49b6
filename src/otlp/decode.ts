/**
 * The door of this folder: the bytes of one OTLP request to its lean form. Never throws for bad
 * input, never hangs, and holds on to `bytes` only as long as the result lives (long strings of
 * protobuf bodies are decoded when read). Decompression is the receiver's.
 */

import { assertSparse } from './json-density.ts';
import { LOG_NAMES, TRACE_NAMES, readJsonEnvelope, readJsonLog, readJsonSpan } from './json-records.ts';
import { DEFAULT_DECODE_LIMITS, DecodeError, type DecodeLimits } from './limits.ts';
import type { Decoded, DecodedLogs, DecodedTraces, OtlpEncoding, OtlpGroup, Undecodable } from './model.ts';
import { readEnvelope } from './protobuf-envelope.ts';
import { readLogMessage } from './protobuf-log.ts';
import { ProtobufReader } from './protobuf-reader.ts';
import { readSpanMessage } from './protobuf-span.ts';
import { Tally } from './tally.ts';

/** ExportTraceServiceRequest. */
export function decodeTraces(
  bytes: Uint8Array,
  encoding: OtlpEncoding,
  limits: DecodeLimits = DEFAULT_DECODE_LIMITS,
): DecodedTraces {
  return guarded(limits, (tally) =>
    encoding === 'protobuf'
      ? readEnvelope(new ProtobufReader(bytes), tally, readSpanMessage)
      : readJsonEnvelope(utf8(bytes), TRACE_NAMES, tally, readJsonSpan),
  );
}

/** ExportLogsServiceRequest. */
export function decodeLogs(
  bytes: Uint8Array,
  encoding: OtlpEncoding,
  limits: DecodeLimits = DEFAULT_DECODE_LIMITS,
): DecodedLogs {
  return guarded(limits, (tally) =>
    encoding === 'protobuf'
      ? readEnvelope(new ProtobufReader(bytes), tally, readLogMessage)
      : readJsonEnvelope(utf8(bytes), LOG_NAMES, tally, readJsonLog),
  );
}

/** Only a `DecodeError` is an answer; anything else is a bug and must be seen. */
function guarded<Item>(limits: DecodeLimits, read: (tally: Tally) => OtlpGroup<Item>[]): Decoded<Item> | Undecodable {
  const tally = new Tally(limits);
  try {
    return tally.finish(read(tally));
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return { outcome: 'undecodable', reason: error.reason, message: error.message };
  }
}

/** An empty body is an empty request in both encodings. */
function utf8(bytes: Uint8Array): string {
  if (bytes.length === 0) return '{}';
  assertSparse(bytes);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}
