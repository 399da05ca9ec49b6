/**
 * A cursor over a protobuf message: tags, varints, fixed values, lengths. Every read is checked
 * against the enclosing message, so bad input ends in a `DecodeError`, never in a hang.
 * https://protobuf.dev/programming-guides/encoding/
 */

import { LazyText } from './lazy-text.ts';
import { malformed } from './limits.ts';
import { shortText } from './short-text.ts';

/** Longer strings stay bytes until they are read. */
const EAGER_TEXT_BYTES_MAX = 64;

export class ProtobufReader {
  readonly bytes: Buffer;
  position = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Field number and wire type in one: `field << 3 | type`. */
  tag(end: number): number {
    const tag = this.varint(end);
    // Field numbers end at 2^29 - 1, so a tag is a 32-bit value; field 0 does not exist.
    if (tag < 8 || tag > 0xffff_ffff) throw malformed('A field number is out of range.');
    return tag;
  }

  /** Up to 2^64 as a double: exact below 2^53. */
  varint(end: number): number {
    const { bytes } = this;
    let at = this.position;
    if (at >= end) throw malformed('The message ends inside a number.');
    let byte = bytes[at++] as number;
    let value = byte & 0x7f;
    let scale = 128;
    for (let length = 1; byte >= 128; length++) {
      if (length === 10) throw malformed('A number is longer than ten bytes.');
      if (at >= end) throw malformed('The message ends inside a number.');
      byte = bytes[at++] as number;
      value += (byte & 0x7f) * scale;
      scale *= 128;
    }
    this.position = at;
    return value;
  }

  /** A signed 64-bit varint: a number where that is exact, else decimal digits. */
  int64(end: number): number | string {
    const start = this.position;
    const value = this.varint(end);
    if (value <= Number.MAX_SAFE_INTEGER) return value;
    let exact = 0n;
    for (let at = start, shift = 0n; at < this.position; at++, shift += 7n) {
      exact |= BigInt((this.bytes[at] as number) & 0x7f) << shift;
    }
    const signed = BigInt.asIntN(64, exact);
    return Number.isSafeInteger(Number(signed)) ? Number(signed) : signed.toString();
  }

  fixed64(end: number): bigint {
    const at = this.take(8, end);
    return this.bytes.readBigUInt64LE(at);
  }

  double(end: number): number {
    const at = this.take(8, end);
    return this.bytes.readDoubleLE(at);
  }

  /** Length of a nested message, string or bytes: returns where it ends. */
  lengthEnd(end: number): number {
    const length = this.varint(end);
    const nestedEnd = this.position + length;
    if (nestedEnd > end) throw malformed('A field is longer than the message that holds it.');
    return nestedEnd;
  }

  /** A string that will be needed at once. */
  text(end: number): string {
    const textEnd = this.lengthEnd(end);
    const text = shortText(this.bytes, this.position, textEnd);
    this.position = textEnd;
    return text;
  }

  /** A string that may never be read. */
  lazyText(end: number): string | LazyText {
    const textEnd = this.lengthEnd(end);
    const start = this.position;
    this.position = textEnd;
    if (textEnd - start > EAGER_TEXT_BYTES_MAX) return new LazyText(this.bytes, start, textEnd);
    return shortText(this.bytes, start, textEnd);
  }

  base64(end: number): string {
    const bytesEnd = this.lengthEnd(end);
    const text = this.bytes.toString('base64', this.position, bytesEnd);
    this.position = bytesEnd;
    return text;
  }

  /** An identifier of exactly `length` bytes as lower-case hex, or '' for any other length or all zeros. */
  hexId(length: number, end: number): string {
    const idEnd = this.lengthEnd(end);
    const start = this.position;
    this.position = idEnd;
    if (idEnd - start !== length) return '';
    for (let at = start; at < idEnd; at++) {
      if (this.bytes[at] !== 0) return this.bytes.toString('hex', start, idEnd);
    }
    return '';
  }

  /** Passes over a field that is unknown, or known with another wire type: both are legal. */
  skip(tag: number, end: number): void {
    switch (tag & 7) {
      case 0:
        this.varint(end);
        return;
      case 1:
        this.take(8, end);
        return;
      case 2:
        this.position = this.lengthEnd(end);
        return;
      case 5:
        this.take(4, end);
        return;
      default:
        throw malformed('A field has a wire type that OTLP does not use.');
    }
  }

  /** Moves over `length` bytes and returns where they start. */
  private take(length: number, end: number): number {
    const start = this.position;
    if (start + length > end) throw malformed('The message ends inside a value.');
    this.position = start + length;
    return start;
  }
}
