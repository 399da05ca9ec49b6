/**
 * The lean form of an OTLP request: what the decoders give and what the dialects read. Holds no
 * meaning of its own; nothing in here knows what a model call is.
 */

import type { LazyText } from './lazy-text.ts';

export type OtlpEncoding = 'protobuf' | 'json';

/**
 * One attribute value. Long strings of a protobuf body stay slices of it until somebody reads
 * them, so always go through `attributes.ts`. An empty AnyValue is null, bytes are base64, and a
 * 64-bit integer beyond 2^53 is its decimal string.
 */
export type OtlpValue = null | string | number | boolean | LazyText | readonly OtlpValue[] | OtlpAttributes;

export type OtlpAttributes = ReadonlyMap<string, OtlpValue>;

export interface OtlpResource {
  readonly attributes: OtlpAttributes;
}

export interface OtlpScope {
  readonly name: string;
  readonly version: string;
}

export interface OtlpEvent {
  readonly name: string;
  /** Nanoseconds since 1970; 0n when not given. */
  readonly timeNanos: bigint;
  readonly attributes: OtlpAttributes;
}

export interface OtlpSpan {
  /** Lower-case hex, 32 and 16 digits, never all zero. */
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for a root. */
  readonly parentSpanId: string;
  readonly name: string;
  readonly startNanos: bigint;
  readonly endNanos: bigint;
  readonly attributes: OtlpAttributes;
  /** Attributes, events and attributes of events, left out by the sender or beyond our limits. */
  readonly droppedAttributes: number;
  readonly events: readonly OtlpEvent[];
  /** 0 unset, 1 ok, 2 error. */
  readonly statusCode: number;
  readonly statusMessage: string;
}

export interface OtlpLog {
  /** Empty when the record belongs to no trace or no span. */
  readonly traceId: string;
  readonly spanId: string;
  /** The record's own time, else when it was observed; 0n when neither was given. */
  readonly timeNanos: bigint;
  /** From the field; older emitters put it into the attribute `event.name`. */
  readonly eventName: string;
  readonly severityNumber: number;
  readonly body: OtlpValue;
  readonly attributes: OtlpAttributes;
  readonly droppedAttributes: number;
}

/** Records that share a resource and a scope. */
export interface OtlpGroup<Item> {
  readonly resource: OtlpResource;
  readonly scope: OtlpScope;
  readonly items: readonly Item[];
}

export interface Decoded<Item> {
  readonly outcome: 'decoded';
  readonly groups: readonly OtlpGroup<Item>[];
  /** Items in all groups. */
  readonly accepted: number;
  /** Items that were left out because they have no usable identity. */
  readonly rejected: number;
  /** Why the first of them was left out; empty when none was. */
  readonly rejectedReason: string;
}

/** The body is not what it says it is, or it is more than we read. Nothing of it was used. */
export interface Undecodable {
  readonly outcome: 'undecodable';
  readonly reason: 'malformed' | 'too_deep' | 'too_many';
  /** For the sender, in English. */
  readonly message: string;
}

export type DecodedTraces = Decoded<OtlpSpan> | Undecodable;
export type DecodedLogs = Decoded<OtlpLog> | Undecodable;
