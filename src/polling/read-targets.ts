/**
 * One read of a source through its plugin. Guards what the contract promises: it ends when the
 * source stalls or the host stops, whatever the plugin does; what was not answered is told apart
 * from what was; a plugin's bug is no answer either.
 */

import { describeError, isFault } from '../contract/fault.ts';
import type { Reading, SourceTarget } from '../contract/source.ts';
import { formatDuration } from '../lib/time.ts';
import type { OpenSource } from './source-config.ts';

export interface ReadEnd {
  /** Why the targets without a reading have none; null when all were answered. */
  readonly reason: string | null;
  readonly retryAfterMs: number | null;
  /** What the plugin did wrong, for the log of bugs. */
  readonly bugs: readonly unknown[];
  readonly unanswered: ReadonlySet<string>;
  /** Resolves when the plugin has really stopped. It has, unless it ignores its signal. */
  readonly stopped: Promise<void>;
}

// The source's own time-out fires first and has the better words.
const STALL_MARGIN_MS = 250;
// A read that makes progress may be long (ten thousand targets, page by page), but not endless.
const READ_MS_MAX = 600_000;
// One bug may repeat for each of many targets; a few are enough to find it.
const BUGS_MAX = 5;

export async function readTargets(
  source: OpenSource,
  targets: readonly SourceTarget<unknown>[],
  known: ReadonlyMap<string, string>,
  signal: AbortSignal,
  onReading: (reading: Reading) => Promise<void>,
): Promise<ReadEnd> {
  const unanswered = new Set(targets.map((target) => target.id));
  const bugs: unknown[] = [];
  const watchdog = new Watchdog(source, signal);
  let inFlight: Promise<unknown> = Promise.resolve();
  let failure: unknown = null;
  try {
    const iterator = source.source.live.read(targets, known, watchdog.signal)[Symbol.asyncIterator]();
    for (;;) {
      const next = iterator.next();
      inFlight = next;
      const result = await Promise.race([next, watchdog.barked]);
      if (result.done === true) break;
      watchdog.touch();
      if (unanswered.delete(result.value.target)) await onReading(result.value);
      else if (bugs.length < BUGS_MAX)
        bugs.push(new Error(`The plugin answered twice, or for a target it was not asked: ${result.value.target}`));
    }
  } catch (error) {
    failure = error;
  } finally {
    watchdog.end();
  }
  const stopped = inFlight.then(
    () => undefined,
    () => undefined,
  );
  if (failure !== null && !isFault(failure) && failure !== watchdog.signal.reason) bugs.push(failure);
  return { ...explainEnd(source, failure, watchdog.signal, unanswered), bugs, unanswered, stopped };
}

function explainEnd(
  source: OpenSource,
  failure: unknown,
  signal: AbortSignal,
  unanswered: ReadonlySet<string>,
): Pick<ReadEnd, 'reason' | 'retryAfterMs'> {
  if (failure === null) {
    return { reason: unanswered.size === 0 ? null : 'The source did not answer for this target.', retryAfterMs: null };
  }
  if (signal.aborted && failure === signal.reason) return { reason: describeError(failure), retryAfterMs: null };
  if (isFault(failure)) return { reason: describeError(failure), retryAfterMs: failure.retryAfterMs ?? null };
  return { reason: `The ${source.type} plugin failed: ${describeError(failure)}`, retryAfterMs: null };
}

/** Aborts a read when the host stops, when nothing happened for the source's time-out, or after the longest read. */
class Watchdog {
  readonly signal: AbortSignal;
  /** Rejects with the reason when the read must end. */
  readonly barked: Promise<never>;
  readonly #source: OpenSource;
  readonly #controller = new AbortController();
  readonly #longest: NodeJS.Timeout;
  readonly #stall: NodeJS.Timeout;

  constructor(source: OpenSource, parent: AbortSignal) {
    this.#source = source;
    this.signal = AbortSignal.any([parent, this.#controller.signal]);
    this.barked = new Promise((_resolve, reject) => {
      const bark = (): void => reject(this.signal.reason as Error);
      if (this.signal.aborted) bark();
      else this.signal.addEventListener('abort', bark, { once: true });
    });
    // Nobody listens once the read is over.
    this.barked.catch(() => undefined);
    const wait = formatDuration(source.timeoutMs);
    this.#stall = setTimeout(() => this.#abort(`No answer within ${wait}.`), source.timeoutMs + STALL_MARGIN_MS);
    this.#longest = setTimeout(() => this.#abort(`Not finished within ${formatDuration(READ_MS_MAX)}.`), READ_MS_MAX);
    source.progress.listen(() => this.touch());
  }

  touch(): void {
    if (!this.signal.aborted) this.#stall.refresh();
  }

  end(): void {
    clearTimeout(this.#stall);
    clearTimeout(this.#longest);
    this.#source.progress.listen(null);
    // Lets go of what the plugin may still have open.
    this.#abort('The read is over.');
  }

  #abort(words: string): void {
    this.#controller.abort(new DOMException(words, 'AbortError'));
  }
}
