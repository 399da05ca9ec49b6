/**
 * gRPC over HTTP/2, as far as calls with one message each way need it: how that message is framed,
 * and how an answer is told. After gRPC's PROTOCOL-HTTP2.md and statuscodes.md.
 */

import { constants, type ServerHttp2Stream } from 'node:http2';
import type { GrowingBuffer } from '../../src/lib/growing-buffer.ts';
import { encodeStatus, RPC_CODES } from '../../src/otlp/responses.ts';
import { bodyTimedOut, bodyTooLarge, noRoom, type Refusal } from './answer-of.ts';
import { CONTENT_ENCODINGS, decompress, type ContentEncoding } from './decompress.ts';
import type { OtlpLimits, Share } from './limits.ts';
import { readBody } from './read-body.ts';

export type ReadMessage =
  | { readonly outcome: 'read'; readonly message: Buffer }
  | { readonly outcome: 'refused'; readonly refusal: Refusal }
  | { readonly outcome: 'aborted' };

// Whether it is compressed, and its length in four bytes.
const PREFIX_BYTES = 5;

/** Where a message is gathered: two buffers that are empty, and what counts the bytes in both. */
export interface MessageRoom {
  readonly sent: GrowingBuffer;
  readonly inflated: GrowingBuffer;
  readonly share: Share;
}

/** The one message that `stream` carries; it is in one of the buffers. */
export async function readMessage(
  stream: ServerHttp2Stream,
  encoding: ContentEncoding,
  { sent, inflated, share }: MessageRoom,
  limits: OtlpLimits,
): Promise<ReadMessage> {
  let wrong: Refusal | null = null;
  const isUnwanted = (soFar: GrowingBuffer): boolean => {
    wrong = wrongSoFar(soFar, encoding, limits);
    return wrong !== null;
  };
  const withPrefix = { ...limits, bodyBytesMax: limits.bodyBytesMax + PREFIX_BYTES };
  const { outcome } = await readBody({ stream, declaredBytes, isUnwanted }, sent, withPrefix, share);
  // Node ends the body of a call that was cancelled as if all of it had come.
  if (outcome === 'aborted' || stream.aborted) return { outcome: 'aborted' };
  if (outcome === 'too_large') return refused(bodyTooLarge(limits));
  if (outcome === 'no_room') return refused(noRoom(limits));
  if (outcome === 'timed_out') return refused(bodyTimedOut());
  wrong ??= wrongAtEnd(sent);
  if (wrong !== null) return refused(wrong);
  const message = sent.bytes.subarray(PREFIX_BYTES);
  if (!isCompressed(sent)) return { outcome: 'read', message };
  const result = await decompress(encoding, message, inflated, limits.bodyBytesMax, share);
  if (stream.closed) return { outcome: 'aborted' };
  if (result.outcome === 'too_large') return refused(bodyTooLarge(limits));
  if (result.outcome === 'no_room') return refused(noRoom(limits));
  if (result.outcome === 'malformed') return refused(broken(result.message));
  return { outcome: 'read', message: result.body };
}

/** Ends the call well, with one message. */
export function reply(stream: ServerHttp2Stream, message: Uint8Array, limits: OtlpLimits): void {
  if (isGone(stream)) return;
  stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.respond({ ':status': 200, 'content-type': CONTENT_TYPE }, { waitForTrailers: true });
  const framed = Buffer.alloc(PREFIX_BYTES + message.length);
  framed.writeUInt32BE(message.length, 1);
  framed.set(message, PREFIX_BYTES);
  stream.end(framed);
  closesWithin(stream, limits.bodyTimeoutMs);
}

/** Ends the call with trailers only; what else it sends is thrown away. */
export function refuseCall(stream: ServerHttp2Stream, refusal: Refusal, limits: OtlpLimits): void {
  if (isGone(stream)) return;
  const { rpcCode, message, retryAfterMs } = refusal;
  const details = Buffer.from(encodeStatus('protobuf', rpcCode, message, retryAfterMs));
  const headers = {
    // Whoever is told 415 speaks no gRPC.
    ':status': refusal.outcome === 'unsupported_media_type' ? refusal.httpStatus : 200,
    'content-type': CONTENT_TYPE,
    'grpc-status': String(rpcCode),
    'grpc-message': percentEncoded(message),
    'grpc-status-details-bin': details.toString('base64').replace(/=+$/, ''),
    ...(refusal.outcome === 'unsupported_encoding' && { 'grpc-accept-encoding': CONTENT_ENCODINGS.join(',') }),
  };
  stream.respond(headers, { endStream: true });
  stream.resume();
  stream.close(constants.NGHTTP2_NO_ERROR);
  closesWithin(stream, limits.bodyTimeoutMs);
}

/** Of an answer that nobody takes something would be kept for good: then the whole connection is ended. */
function closesWithin(stream: ServerHttp2Stream, millis: number): void {
  const { session } = stream;
  const timer = setTimeout(() => session?.destroy(), millis);
  stream.once('close', () => clearTimeout(timer));
}

const CONTENT_TYPE = 'application/grpc';

export function isGrpc(contentType: string | undefined): boolean {
  const type = contentType?.split(';', 1)[0]?.trim().toLowerCase();
  return type === CONTENT_TYPE || type === `${CONTENT_TYPE}+proto`;
}

function isGone(stream: ServerHttp2Stream): boolean {
  return stream.closed || stream.destroyed || stream.headersSent;
}

/** What can be said before all of it has come. */
function wrongSoFar(body: GrowingBuffer, encoding: ContentEncoding, limits: OtlpLimits): Refusal | null {
  if (body.length < PREFIX_BYTES) return null;
  const bytes = declaredBytes(body);
  if (bytes > PREFIX_BYTES + limits.bodyBytesMax) return bodyTooLarge(limits);
  if (isCompressed(body) && encoding === 'identity')
    return broken('The message is compressed, and grpc-encoding is not set.');
  return body.length > bytes ? notOneMessage() : null;
}

function wrongAtEnd(body: GrowingBuffer): Refusal | null {
  if (body.length === 0) return notOneMessage();
  return body.length === declaredBytes(body) ? null : broken('The call ended within its message.');
}

/** Of the body, as its prefix says; 0 as long as that has not come. */
function declaredBytes(body: GrowingBuffer): number {
  return body.length < PREFIX_BYTES ? 0 : PREFIX_BYTES + body.room.readUInt32BE(1);
}

function isCompressed(body: GrowingBuffer): boolean {
  return body.room[0] !== 0;
}

function refused(refusal: Refusal): ReadMessage {
  return { outcome: 'refused', refusal };
}

function broken(message: string): Refusal {
  return { outcome: 'undecodable', httpStatus: 400, rpcCode: RPC_CODES.internal, message };
}

function notOneMessage(): Refusal {
  const message = 'An export is exactly one message.';
  return { outcome: 'undecodable', httpStatus: 400, rpcCode: RPC_CODES.unimplemented, message };
}

/** All but printable ASCII, and the percent sign itself. */
function percentEncoded(text: string): string {
  return text.toWellFormed().replace(/[^\u0020-\u0024\u0026-\u007e]+/g, encodeURIComponent);
}
