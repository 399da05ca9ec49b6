/**
 * Polls one source: one read at a time, with what was known before, and turns what it hears into
 * observations. Keeps what targets held between polls; decides nothing about drift.
 */

import type { Observation } from '../contract/observation.ts';
import type { LiveContent, Reading, SourceTarget } from '../contract/source.ts';
import type { Clock, Timestamp } from '../contract/time.ts';
import type { KnowledgeHorizon } from '../lib/knowledge-horizon.ts';
import { sleep } from '../lib/limits.ts';
import { Gate } from '../lib/gate.ts';
import type { HeldCache, HeldEntry } from './held-cache.ts';
import {
  heldFacts,
  heldObservations,
  missingObservations,
  unreachableObservations,
  type HeldFacts,
  type Look,
  type TargetOf,
} from './observations.ts';
import { PendingObservations, type TakeObservations } from './pending-observations.ts';
import type { PollCounts, PollEvent, SourceStatus } from './poll-event.ts';
import { NO_COUNTS, PollHistory } from './poll-history.ts';
import { readTargets, type ReadEnd } from './read-targets.ts';
import type { OpenSource } from './source-config.ts';

export interface PollerOptions {
  readonly clock: Clock;
  readonly horizon: KnowledgeHorizon;
  readonly cache: HeldCache;
  /** Reads of all sources together. */
  readonly gate: Gate;
  readonly onObservations: TakeObservations;
  readonly onEvent: (event: PollEvent) => void;
  /** Wait before a target that was there and is gone is looked at once more. */
  readonly missingPauseMs: number;
  /** Parts that each target held before this process started. */
  readonly partsBefore: ReadonlyMap<string, readonly string[]>;
}

/** Places that limit what is asked of them mind writes most. */
const WRITES_AT_ONCE = 4;
// How long a poll waits for a plugin that did not stop when it was told to.
const STUCK_GRACE_MS = 1_000;

/** A target as it was read just now, for a command that must not rely on memory. */
export interface FreshLook {
  readonly observations: readonly Observation[];
  /** What each target that was read in full holds. */
  readonly contents: ReadonlyMap<string, readonly LiveContent[]> | null;
}

interface NextLook {
  readonly ids: Set<string>;
  readonly fresh: boolean;
  readonly signal: AbortSignal;
  readonly done: Promise<FreshLook>;
}

interface Poll {
  /** No answer is of an earlier moment. */
  readonly askedAt: Timestamp;
  readonly known: ReadonlyMap<string, HeldEntry>;
  /** Targets that seem to be gone, still to be looked at again; null while looking again. */
  readonly doubtful: SourceTarget<unknown>[] | null;
  readonly pending: PendingObservations;
  readonly recorded: Observation[] | null;
  readonly contents: Map<string, readonly LiveContent[]> | null;
  readonly counts: { -readonly [K in keyof PollCounts]: number };
  reason: string | null;
  retryAfterMs: number | null;
}

export class SourcePoller {
  readonly source: OpenSource;
  readonly #options: PollerOptions;
  readonly #targets: ReadonlyMap<string, SourceTarget<unknown>>;
  readonly #history: PollHistory;
  readonly #oneAtATime = new Gate(1);
  /** Waits for its turn, and may still be joined. */
  #nextLook: NextLook | null = null;
  /** For writes to the place. */
  readonly writing = new Gate(WRITES_AT_ONCE);
  readonly #parts = new Map<string, readonly string[]>();
  readonly #missing = new Set<string>();
  #isPolling = false;
  #stopped: Promise<void> | null = null;

  constructor(source: OpenSource, options: PollerOptions) {
    this.source = source;
    this.#options = options;
    this.#history = new PollHistory(source, options.clock);
    this.#targets = new Map(source.targets.map((target) => [target.id, target]));
    for (const id of this.#targets.keys()) {
      const parts = options.partsBefore.get(id);
      if (parts !== undefined) this.#parts.set(id, parts);
    }
  }

  get status(): SourceStatus {
    return this.#history.status;
  }

  target(id: string): SourceTarget<unknown> | undefined {
    return this.#targets.get(id);
  }

  /** See `PollHistory`. */
  hasHeardOfAllSince(due: Timestamp): boolean {
    return this.#history.hasHeardOfAllSince(due);
  }

  /** Monotonic. */
  get nowMs(): number {
    return this.#options.clock.monotonicMs();
  }

  /** A scheduled poll of all targets. Skipped while the last one runs, or while the source is left alone; waits for a look. */
  async poll(signal: AbortSignal): Promise<void> {
    if (this.#isPolling) return this.#event({ kind: 'skipped', why: 'busy' });
    if (this.#history.isPaused) return this.#event({ kind: 'skipped', why: 'paused' });
    this.#isPolling = true;
    try {
      await this.#inTurn(signal, () =>
        this.#pollTargets([...this.#targets.values()], signal, { fresh: false, keep: false }),
      );
    } finally {
      this.#isPolling = false;
    }
  }

  /**
   * A look at some targets, now, whatever the schedule says; waits for a poll that runs. `fresh`
   * reads in full; otherwise what is known may be confirmed, and a source that asked to be left
   * alone is.
   */
  async look(of: Iterable<string>, signal: AbortSignal, fresh: boolean): Promise<FreshLook> {
    if (!fresh && this.#history.isThrottled) {
      this.#event({ kind: 'skipped', why: 'paused' });
      return { observations: [], contents: null };
    }
    const asked = new Set(of);
    const together = this.#nextLook;
    // Who waits for the same anyhow shares it: two hundred restores are not two hundred reads, each stored by itself.
    if (together?.fresh === fresh && together.signal === signal) {
      for (const id of asked) together.ids.add(id);
      return lookOf(await together.done, asked);
    }
    const ids = new Set(asked);
    const look = { ids, fresh, signal, done: this.#look(ids, fresh, signal) };
    this.#nextLook = look;
    return lookOf(await look.done, asked);
  }

  #look(ids: ReadonlySet<string>, fresh: boolean, signal: AbortSignal): Promise<FreshLook> {
    return this.#inTurn(signal, () => {
      if (this.#nextLook?.ids === ids) this.#nextLook = null;
      const targets = [...ids].flatMap((id) => this.#targets.get(id) ?? []);
      return this.#pollTargets(targets, signal, { fresh, keep: true });
    });
  }

  #inTurn(signal: AbortSignal, work: () => Promise<FreshLook>): Promise<FreshLook> {
    return this.#oneAtATime.run(() => this.#options.gate.run(work, signal), signal);
  }

  async #pollTargets(
    targets: readonly SourceTarget<unknown>[],
    signal: AbortSignal,
    how: { readonly fresh: boolean; readonly keep: boolean },
  ): Promise<FreshLook> {
    const startedMs = this.#options.clock.monotonicMs();
    const poll: Poll = {
      askedAt: this.#options.clock.now(),
      known: how.fresh ? new Map() : this.#options.cache.entries(targets.map((target) => target.id)),
      doubtful: [],
      pending: this.#pending(),
      recorded: how.keep ? [] : null,
      contents: how.keep ? new Map() : null,
      counts: { ...NO_COUNTS },
      reason: null,
      retryAfterMs: null,
    };
    if (await this.#isStuck(signal)) {
      await this.#unanswered(targets, 'The source is still busy with an earlier read that it does not end.', poll);
    } else {
      await this.#read(targets, poll, signal);
      if (!signal.aborted) await this.#lookAgain(poll, signal);
    }
    await poll.pending.flush();
    // What the daemon's own stop cut short says nothing about the source.
    if (!signal.aborted) {
      const isRecorded = poll.pending.notRecorded === null;
      this.#event({ kind: 'polled', ...this.#history.ended({ ...poll, startedMs, isRecorded }) });
    }
    // Thrown when the read is over: earlier it would look like a failure of the source. A scheduled poll has told it as
    // an event, and the next one reads everything again.
    if (how.keep && poll.pending.notRecorded !== null) throw poll.pending.notRecorded;
    return { observations: poll.recorded ?? [], contents: poll.contents };
  }

  async #read(targets: readonly SourceTarget<unknown>[], poll: Poll, signal: AbortSignal): Promise<void> {
    const cursors = new Map([...poll.known].map(([id, entry]) => [id, entry.cursor]));
    const end = await readTargets(this.source, targets, cursors, signal, (reading) => this.#heard(reading, poll));
    for (const error of end.bugs) this.#event({ kind: 'bug', error });
    this.#stopped = end.stopped;
    if (signal.aborted) return;
    await this.#explainUnanswered(end, poll);
  }

  async #explainUnanswered(end: ReadEnd, poll: Poll): Promise<void> {
    if (end.retryAfterMs !== null) poll.retryAfterMs = Math.max(poll.retryAfterMs ?? 0, end.retryAfterMs);
    if (end.unanswered.size === 0) return;
    const targets = [...end.unanswered].flatMap((id) => this.#targets.get(id) ?? []);
    await this.#unanswered(targets, end.reason ?? 'The source did not answer for this target.', poll);
  }

  async #unanswered(targets: readonly SourceTarget<unknown>[], reason: string, poll: Poll): Promise<void> {
    for (const { id } of targets) await this.#heard({ outcome: 'unreachable', target: id, reason }, poll);
  }

  async #heard(reading: Reading, poll: Poll): Promise<void> {
    const target = this.#targets.get(reading.target);
    if (target === undefined) return;
    const of: TargetOf = { source: this.source, target };
    await poll.pending.add((observedAt) => {
      // A wall clock that was put back meanwhile.
      const askedAt = poll.askedAt < observedAt ? poll.askedAt : observedAt;
      const observations = this.#observe(of, reading, poll, { askedAt, observedAt });
      poll.recorded?.push(...observations);
      return observations;
    });
  }

  /** None for a target that is still to be looked at again. */
  #observe(of: TargetOf, reading: Reading, poll: Poll, look: Look): readonly Observation[] {
    const { id } = of.target;
    const parts = this.#parts.get(id) ?? [];
    switch (reading.outcome) {
      case 'held':
        poll.contents?.set(id, reading.contents);
        return this.#held(of, heldFacts(of, reading.contents), reading.cursor, poll, look);
      case 'unchanged':
        return this.#unchanged(of, poll, look);
      case 'missing': {
        const target = this.#targets.get(id);
        if (poll.doubtful !== null && target !== undefined && !this.#missing.has(id)) {
          poll.doubtful.push(target);
          return [];
        }
        poll.counts.missing += 1;
        this.#missing.add(id);
        this.#options.cache.forget(id);
        return missingObservations(of, this.source.redact(reading.reason), parts, look);
      }
      case 'unreachable': {
        poll.counts.unreachable += 1;
        const reason = this.source.redact(reading.reason);
        poll.reason = reason;
        poll.retryAfterMs = Math.max(poll.retryAfterMs ?? 0, reading.retryAfterMs ?? 0);
        return unreachableObservations(of, reason, parts, look);
      }
    }
  }

  #held(
    of: TargetOf,
    facts: readonly HeldFacts[],
    cursor: string | undefined,
    poll: Poll,
    look: Look,
  ): readonly Observation[] {
    const { id } = of.target;
    poll.counts.held += 1;
    const observations = heldObservations(of, facts, this.#parts.get(id) ?? [], look);
    this.#missing.delete(id);
    this.#parts.set(
      id,
      facts.map((fact) => fact.part),
    );
    if (cursor === undefined) this.#options.cache.forget(id);
    else this.#options.cache.put(id, facts, cursor);
    return observations;
  }

  /** The place says that nothing changed: what it held before, it holds still. */
  #unchanged(of: TargetOf, poll: Poll, look: Look): readonly Observation[] {
    const { id } = of.target;
    const entry = poll.known.get(id);
    if (entry === undefined) {
      this.#event({ kind: 'bug', error: new Error(`Answered unchanged for ${id}, which was not known.`) });
      const reason = 'The source gave no content for this target.';
      return this.#observe(of, { outcome: 'unreachable', target: id, reason }, poll, look);
    }
    poll.counts.unchanged += 1;
    this.#missing.delete(id);
    return heldObservations(of, entry.facts, [], look);
  }

  /**
   * A file is gone for a moment while an editor replaces it, and an API may answer from a replica
   * that is behind: what was there and seems gone is read once more before it is said to be missing.
   */
  async #lookAgain(poll: Poll, signal: AbortSignal): Promise<void> {
    const doubtful = poll.doubtful ?? [];
    if (doubtful.length === 0) return;
    await sleep(this.#options.missingPauseMs, signal).catch(() => undefined);
    if (signal.aborted || (await this.#isStuck(signal))) return;
    const again: Poll = { ...poll, askedAt: this.#options.clock.now(), known: new Map(), doubtful: null };
    await this.#read(doubtful, again, signal);
    poll.reason = again.reason;
    poll.retryAfterMs = again.retryAfterMs;
  }

  #pending(): PendingObservations {
    const { horizon, onObservations, cache } = this.#options;
    return new PendingObservations({
      horizon,
      onObservations,
      onNotRecorded: (batch, error) => {
        // Without its cursor a target is read in full, so what was lost here is told again.
        for (const observation of batch) cache.forget(observation.target);
        this.#event({ kind: 'not_recorded', error });
      },
    });
  }

  /** True when the last read's plugin still runs after a short grace: a second read would pile up on it. */
  async #isStuck(signal: AbortSignal): Promise<boolean> {
    if (this.#stopped === null) return false;
    const grace = new AbortController();
    const ended = this.#stopped.then(() => false);
    const stuck = sleep(STUCK_GRACE_MS, AbortSignal.any([signal, grace.signal])).then(
      () => true,
      () => true,
    );
    const isStuck = await Promise.race([ended, stuck]);
    grace.abort();
    if (isStuck) this.#event({ kind: 'skipped', why: 'stuck' });
    else this.#stopped = null;
    return isStuck;
  }

  #event(event: WithoutName<PollEvent>): void {
    this.#options.onEvent({ ...event, source: this.source.name, type: this.source.type });
  }
}

/** What is about these targets. */
function lookOf({ observations, contents }: FreshLook, ids: ReadonlySet<string>): FreshLook {
  return { observations: observations.filter(({ target }) => ids.has(target)), contents };
}

type WithoutName<E> = E extends PollEvent ? Omit<E, 'source' | 'type'> : never;
