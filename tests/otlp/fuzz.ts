/** Runs broken telemetry through decoding, reading and settling; anything thrown is a bug. */

import type { SpanFacts } from '../../src/contract/span-facts.ts';
import { readLogs, readSpans } from '../../src/dialects/read.ts';
import { settle } from '../../src/invocations/settle.ts';
import { decodeLogs, decodeTraces } from '../../src/otlp/decode.ts';
import { goldenCases, requestsOf } from '../dialects/cases.ts';
import { mutate } from './mutate.ts';

export interface FuzzReport {
  readonly decoded: number;
  readonly refused: number;
  readonly facts: number;
  readonly invocations: number;
}

/** `firstSeed` to `firstSeed + count`; a failure names its seed. */
export function fuzz(count: number, firstSeed: number): FuzzReport {
  const requests = goldenCases().flatMap((golden) =>
    golden.encodings.flatMap((encoding) => requestsOf(golden, encoding)),
  );
  const report = { decoded: 0, refused: 0, facts: 0, invocations: 0 };
  for (let seed = firstSeed; seed < firstSeed + count; seed++) {
    const request = requests[seed % requests.length];
    const other = requests[(seed * 31) % requests.length];
    if (request === undefined || other === undefined) throw new Error('There are no golden requests.');
    const { bytes } = mutate(request.bytes, other.bytes, request.encoding === 'json', seed);
    // Either signal at either door: senders do mix them up.
    const signal = seed % 7 === 0 ? 'logs' : request.signal;
    try {
      const facts = signal === 'traces' ? traceFacts(bytes, request.encoding) : logFacts(bytes, request.encoding);
      if (facts === null) report.refused++;
      else {
        report.decoded++;
        report.facts += facts.length;
        report.invocations += settle(JSON.parse(JSON.stringify(facts)) as SpanFacts[]).invocations.length;
      }
    } catch (error) {
      throw new Error(`Seed ${seed}, made from ${request.file}: ${String(error)}`, { cause: error });
    }
  }
  return report;
}

function traceFacts(bytes: Buffer, encoding: 'protobuf' | 'json'): SpanFacts[] | null {
  const decoded = decodeTraces(bytes, encoding);
  return decoded.outcome === 'decoded' ? readSpans(decoded) : null;
}

function logFacts(bytes: Buffer, encoding: 'protobuf' | 'json'): SpanFacts[] | null {
  const decoded = decodeLogs(bytes, encoding);
  return decoded.outcome === 'decoded' ? readLogs(decoded) : null;
}
