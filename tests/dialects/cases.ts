/** Loads golden cases: requests as they came over the wire, and what they must come to. */

import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { SpanFacts } from '../../src/contract/span-facts.ts';
import { readLogs, readSpans } from '../../src/dialects/read.ts';
import { decodeLogs, decodeTraces } from '../../src/otlp/decode.ts';
import type { OtlpEncoding } from '../../src/otlp/model.ts';

export const GOLDEN = fileURLToPath(new URL('../golden/otlp/', import.meta.url));

export interface WireRequest {
  readonly file: string;
  readonly signal: 'traces' | 'logs';
  readonly encoding: OtlpEncoding;
  readonly bytes: Buffer;
}

export interface GoldenCase {
  readonly emitter: string;
  readonly name: string;
  readonly folder: string;
  /** Every encoding in which the whole case is there. */
  readonly encodings: readonly OtlpEncoding[];
}

export function goldenCases(): GoldenCase[] {
  return foldersOf(GOLDEN).flatMap((emitter) =>
    foldersOf(`${GOLDEN}${emitter}/`).map((name) => {
      const folder = `${GOLDEN}${emitter}/${name}/`;
      const files = readdirSync(folder);
      const encodings: OtlpEncoding[] = [];
      if (files.some((file) => file.endsWith('.pb'))) encodings.push('protobuf');
      if (files.some((file) => /\.(?:traces|logs)\.json$/.test(file))) encodings.push('json');
      return { emitter, name, folder, encodings };
    }),
  );
}

function foldersOf(path: string): string[] {
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .toSorted();
}

const REQUEST_FILE = /^\d+\.(traces|logs)\.(pb|json)$/;

export function requestsOf({ folder }: GoldenCase, encoding: OtlpEncoding): WireRequest[] {
  const extension = encoding === 'protobuf' ? 'pb' : 'json';
  return readdirSync(folder)
    .toSorted()
    .flatMap((file) => {
      const [, signal, found] = REQUEST_FILE.exec(file) ?? [];
      if (found !== extension) return [];
      return [{ file, signal: signal as 'traces' | 'logs', encoding, bytes: readFileSync(folder + file) }];
    });
}

export function factsOf({ file, signal, encoding, bytes }: WireRequest): SpanFacts[] {
  if (signal === 'traces') {
    const decoded = decodeTraces(bytes, encoding);
    if (decoded.outcome !== 'decoded' || decoded.rejected > 0) throw new Error(`${file} was not read whole.`);
    return readSpans(decoded);
  }
  const decoded = decodeLogs(bytes, encoding);
  if (decoded.outcome !== 'decoded' || decoded.rejected > 0) throw new Error(`${file} was not read whole.`);
  return readLogs(decoded);
}
