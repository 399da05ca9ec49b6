/** How much of one request is read. A decoder never allocates more than its input justifies. */

export interface DecodeLimits {
  /** Spans or log records. More: the whole request is refused. */
  readonly itemsMax: number;
  /** Resources and scopes together. More: refused. */
  readonly groupsMax: number;
  /** Of one item. Further ones are left out and counted as dropped, as an SDK would do. */
  readonly attributesMax: number;
  /** Of all of the request together: few bytes on the wire are each a text and a place in a map. More: refused. */
  readonly attributesInAllMax: number;
  /** Of one span. Further ones are left out. */
  readonly eventsMax: number;
  /** Nested arrays and maps inside one attribute value. Deeper: refused. */
  readonly depthMax: number;
  /** Of all arrays and maps of the request together: on the wire an empty one takes four bytes, in memory hundreds. More: refused. */
  readonly nestedMax: number;
}

/** An OpenTelemetry SDK sends 128 attributes and 128 events at most, and 512 spans a batch, by default. */
export const DEFAULT_DECODE_LIMITS: DecodeLimits = {
  itemsMax: 100_000,
  groupsMax: 20_000,
  attributesMax: 4_096,
  attributesInAllMax: 2_000_000,
  eventsMax: 1_024,
  depthMax: 32,
  nestedMax: 1_000_000,
};

/** Thrown inside the decoders and caught at their door, where it becomes an `Undecodable`. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
  readonly reason: 'malformed' | 'too_deep' | 'too_many';

  constructor(reason: 'malformed' | 'too_deep' | 'too_many', message: string) {
    super(message);
    this.reason = reason;
  }
}

export function malformed(message: string): DecodeError {
  return new DecodeError('malformed', message);
}
