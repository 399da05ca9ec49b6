/**
 * Broken OTLP requests, made from real ones with a seed: either encoding, compressed or not, sound
 * and broken compression, either signal at either door; and what OTLP/HTTP allows as an answer.
 */

import { gzipSync, zstdCompressSync } from 'node:zlib';
import { Agent, request as httpRequest } from 'node:http';
import { decodeLogs, decodeTraces } from '../../src/otlp/decode.ts';
import { goldenCases, requestsOf, type WireRequest } from '../dialects/cases.ts';
import { random } from '../dialects/rearrange.ts';
import { mutate } from '../otlp/mutate.ts';

export interface FuzzRequest {
  readonly seed: number;
  /** The capture that it was made from. */
  readonly madeFrom: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export interface FuzzAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly retryAfter: string | undefined;
  readonly body: Buffer;
}

interface Original extends WireRequest {
  readonly traceIds: readonly string[];
}

const DOORS = ['/v1/traces', '/v1/logs', '/api/public/otel/v1/traces', '/v1/metrics'] as const;
// So many requests; no emitter has more to say of a span.
const SAME_SPANS_FOR = 20_000;
// Longest any answer may take; a body that costs more is a denial of service.
const ANSWER_TIMEOUT_MS = 60_000;

/** Reads the captures once; the same seed gives the same request. */
export function fuzzRequests(): (seed: number) => FuzzRequest {
  const originals = goldenCases().flatMap((golden) =>
    golden.encodings.flatMap((encoding) =>
      requestsOf(golden, encoding).map((wire) => ({
        ...wire,
        file: `${golden.emitter}/${golden.name}/${wire.file}`,
        traceIds: traceIdsOf(wire),
      })),
    ),
  );
  return (seed) => fuzzRequest(originals, seed);
}

function fuzzRequest(originals: readonly Original[], seed: number): FuzzRequest {
  const next = random(seed ^ 0x5bd1e995);
  const below = (limit: number): number => Math.floor(next() * limit);
  const number = below(originals.length);
  const original = originals[number] as Original;
  const other = originals[below(originals.length)] as Original;
  // Most are calls of their own; the rest says other things about the same spans, again and again for a while.
  const bytes = withTraces(
    original,
    next() < 0.9 ? next : random(Math.floor(seed / SAME_SPANS_FOR) * originals.length + number),
  );
  let body: Buffer = mutate(bytes, other.bytes, original.encoding === 'json', seed).bytes;
  const ownDoor = original.signal === 'traces' ? '/v1/traces' : '/v1/logs';
  const path = next() < 0.9 ? ownDoor : (DOORS[below(DOORS.length)] as string);
  const isHonest = next() < 0.97;
  const isJson = (original.encoding === 'json') === isHonest;
  const headers: Record<string, string> = { 'content-type': isJson ? 'application/json' : 'application/x-protobuf' };
  const compression = (['gzip', 'zstd', 'identity', 'identity'] as const)[below(4)] as string;
  if (compression !== 'identity') {
    headers['content-encoding'] = compression;
    body = compression === 'gzip' ? gzipSync(body, { level: 1 }) : zstdCompressSync(body);
    if (next() < 0.1) body = mutate(body, other.bytes, false, seed + 1).bytes;
  }
  if (next() < 0.7) headers['content-length'] = String(body.length);
  return { seed, madeFrom: original.file, path, headers, body };
}

function traceIdsOf(wire: WireRequest): readonly string[] {
  const decoded = (wire.signal === 'traces' ? decodeTraces : decodeLogs)(wire.bytes, wire.encoding);
  if (decoded.outcome !== 'decoded') throw new Error(`The capture ${wire.file} can't be read.`);
  const ids = decoded.groups.flatMap((group) =>
    (group.items as readonly { traceId: string }[]).map((item) => item.traceId),
  );
  return [...new Set(ids)].filter((id) => id !== '');
}

/** The same spans in other traces. */
function withTraces({ bytes, encoding, traceIds }: Original, next: () => number): Buffer {
  const changed = Buffer.from(bytes);
  for (const id of traceIds) {
    const hex = Array.from({ length: 4 }, () =>
      Math.floor(next() * 2 ** 32)
        .toString(16)
        .padStart(8, '0'),
    ).join('');
    const [from, to] =
      encoding === 'json' ? [Buffer.from(id), Buffer.from(hex)] : [Buffer.from(id, 'hex'), Buffer.from(hex, 'hex')];
    for (let at = changed.indexOf(from); at !== -1; at = changed.indexOf(from, at + to.length)) to.copy(changed, at);
  }
  return changed;
}

/** Rejects when the connection breaks or nothing is answered in time. */
export function sendFuzz(agent: Agent, port: number, request: FuzzRequest): Promise<FuzzAnswer> {
  const { path, headers, body, seed, madeFrom } = request;
  return new Promise((resolve, reject) => {
    const fail = (what: string): void => reject(new Error(`Seed ${seed}, made from ${madeFrom}: ${what}`));
    const outgoing = httpRequest({ agent, port, host: '127.0.0.1', method: 'POST', path, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          contentType: response.headers['content-type'] ?? '',
          retryAfter: response.headers['retry-after'],
          body: Buffer.concat(chunks),
        }),
      );
    });
    outgoing.setTimeout(ANSWER_TIMEOUT_MS, () => outgoing.destroy(new Error('no answer in time')));
    outgoing.once('error', (error) => fail(error.message));
    outgoing.end(body);
  });
}

const RETRYABLE = new Set([429, 502, 503, 504]);
const FINAL = new Set([400, 413]);

/** Null when the specification allows this answer to a request at a known door with a known encoding. */
export function wrongAnswer({ headers, path }: FuzzRequest, answer: FuzzAnswer): string | null {
  const { status, contentType, retryAfter, body } = answer;
  if (contentType !== headers['content-type']) return `answered as ${contentType}`;
  const isJson = contentType === 'application/json';
  if (status === 200) {
    const rejected = path === '/v1/logs' ? 'rejectedLogRecords' : 'rejectedSpans';
    return (isJson ? jsonResponse(body, rejected) : protobufResponse(body))
      ? null
      : `200 with ${body.toString('latin1')}`;
  }
  if (!RETRYABLE.has(status) && !FINAL.has(status)) return `status ${status}`;
  if (RETRYABLE.has(status) !== /^[1-9]\d*$/.test(retryAfter ?? '')) return `${status} with Retry-After ${retryAfter}`;
  return (isJson ? jsonStatus(body) : protobufStatus(body)) ? null : `${status} with ${body.toString('latin1')}`;
}

function jsonResponse(body: Buffer, rejected: string): boolean {
  const { partialSuccess, ...rest } = JSON.parse(body.toString()) as { partialSuccess?: Record<string, unknown> };
  if (Object.keys(rest).length > 0) return false;
  if (partialSuccess === undefined) return true;
  return /^\d+$/.test(String(partialSuccess[rejected])) && isSentence(partialSuccess['errorMessage']);
}

function jsonStatus(body: Buffer): boolean {
  const { code, message } = JSON.parse(body.toString()) as { code?: unknown; message?: unknown };
  return isCode(code) && isSentence(message);
}

/** ExportTraceServiceResponse and its siblings: `partial_success = 1 { rejected = 1, error_message = 2 }`. */
function protobufResponse(body: Buffer): boolean {
  const fields = wireFields(body);
  if (fields === null || fields.size > 1) return false;
  const partial = fields.get(1);
  if (partial === undefined) return fields.size === 0;
  const inner = Buffer.isBuffer(partial) ? wireFields(partial) : null;
  return inner !== null && typeof inner.get(1) === 'number' && isSentence(inner.get(2)?.toString());
}

/** google.rpc.Status: `code = 1, message = 2`. */
function protobufStatus(body: Buffer): boolean {
  const fields = wireFields(body);
  return fields !== null && isCode(fields.get(1)) && isSentence(fields.get(2)?.toString());
}

function isCode(code: unknown): boolean {
  return typeof code === 'number' && code > 0 && code <= 16;
}

function isSentence(message: unknown): boolean {
  return typeof message === 'string' && message.length > 3 && message.isWellFormed();
}

/** The fields of one message, the last of each number; null when it is no message of varints and byte strings. */
function wireFields(bytes: Buffer): Map<number, number | Buffer> | null {
  const fields = new Map<number, number | Buffer>();
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; at < bytes.length; scale *= 128) {
      const byte = bytes[at++] as number;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
    return Number.NaN;
  };
  while (at < bytes.length) {
    const tag = varint();
    const value = varint();
    if (Number.isNaN(value) || ![0, 2].includes(tag % 8)) return null;
    if (tag % 8 === 0) fields.set(Math.floor(tag / 8), value);
    else {
      if (at + value > bytes.length) return null;
      fields.set(Math.floor(tag / 8), bytes.subarray(at, at + value));
      at += value;
    }
  }
  return fields;
}
