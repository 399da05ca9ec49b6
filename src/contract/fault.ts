/**
 * The one error class that crosses a module boundary on purpose.
 *
 * Expected answers are unions; a `Fault` is a failure somebody must hear about. Anything else
 * that is thrown is a bug.
 */

/**
 * - `config`: a person must change a file or a flag; retrying is useless.
 * - `transient`: the same call may succeed later.
 * - `permanent`: the other side refused for good (gone, forbidden, invalid).
 * - `overloaded`: a limit of ours or theirs was hit; `retryAfterMs` says when to come back, if known.
 */
export type FaultKind = 'config' | 'transient' | 'permanent' | 'overloaded';

export interface FaultOptions {
  /** What the operator should do next, as a full sentence. */
  readonly hint?: string;
  readonly retryAfterMs?: number;
  /** The field of a request that is wrong, where it is the asker's mistake. */
  readonly field?: string;
  readonly cause?: unknown;
}

export class Fault extends Error {
  override readonly name = 'Fault';
  readonly kind: FaultKind;
  readonly hint: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly field: string | undefined;

  constructor(kind: FaultKind, message: string, options: FaultOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.hint = options.hint;
    this.retryAfterMs = options.retryAfterMs;
    this.field = options.field;
  }
}

export function isFault(error: unknown): error is Fault {
  return error instanceof Fault;
}

/** The same call may succeed later. */
export function isTransient(error: unknown): error is Fault {
  return isFault(error) && error.kind === 'transient';
}

/** For whoever mends a bug: where it was thrown, and not only what it says. */
export function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** One line for a log or an API answer: the message, and the hint if there is one. */
export function describeError(error: unknown): string {
  if (isFault(error)) return error.hint === undefined ? error.message : `${error.message} ${error.hint}`;
  return error instanceof Error ? error.message : String(error);
}
