/**
 * Moves what is durable in the spool into the store, in order and in batches, and hands the facts
 * on to be settled. Repeats itself after a crash without harm: every row has an identity.
 */

import type { Component } from '../../contract/component.ts';
import { Fault } from '../../contract/fault.ts';
import type { Clock } from '../../contract/time.ts';
import { sleep } from '../../lib/limits.ts';
import { parseFactLines, type FactLine } from '../content/fact-rows.ts';
import { countSpoolSkipped } from '../metrics.ts';
import type { SpoolPosition } from '../spool/position.ts';
import { SpoolReader, type DamagedBytes } from '../spool/reader.ts';
import type { Spool } from '../spool/spool.ts';
import { laneNumber, laneOf } from './lanes.ts';
import type { PatientWriter } from './patient-writer.ts';
import type { RecentBatch, RecentRecords } from './recent-records.ts';

export interface LoaderOptions {
  readonly spool: Spool;
  readonly writer: PatientWriter;
  readonly recent: RecentRecords;
  /** Told of facts that are in the store now, before anything else is done with them. */
  readonly onStored?: (facts: readonly FactLine[], signal: AbortSignal) => Promise<void>;
  /** Takes facts that are in the store now; resolves when there is room for more, or rejects when `signal` aborts. */
  readonly settle: (facts: readonly FactLine[], from: SpoolPosition, signal: AbortSignal) => Promise<void>;
  /** Told that all that was received until then, in monotonic milliseconds, has been given to `settle`. */
  readonly heardUpTo: (receivedMs: number) => void;
  /** How far everything is settled and written, so that the spool can let go of it. */
  readonly settledUpTo: () => SpoolPosition | null;
  readonly onError: (error: unknown) => void;
  readonly clock: Clock;
  /** See `IngestLimits`. */
  readonly batchBytesMax: number;
  /** So long a small batch waits for more, since its first record was received. */
  readonly lingerMs: number;
}

// A batch smaller than this part of the largest waits a little for more: parts of the store should not be tiny.
const LARGE_PART = 0.5;
const POLL_MS = 50;
// Where one loop fails for a reason of ours, e.g. an unreadable segment.
const PAUSE_AFTER_BUG_MS = 1_000;

export class Loader implements Component {
  readonly name = 'ingest-loader';
  readonly #options: LoaderOptions;
  readonly #reader: SpoolReader;
  readonly #abort = new AbortController();
  #position: SpoolPosition;
  #running: Promise<void> | null = null;
  #isDraining = false;

  constructor(options: LoaderOptions) {
    this.#options = options;
    this.#reader = new SpoolReader(options.spool);
    this.#position = options.spool.start;
  }

  /** Everything before it is in the store. */
  get position(): SpoolPosition {
    return this.#position;
  }

  start(): Promise<void> {
    this.#running ??= this.#run();
    return Promise.resolve();
  }

  /** Loads what is in the spool by now, as far as the deadline allows; the rest stays there. */
  async drain(deadlineMs: number): Promise<void> {
    this.#isDraining = true;
    const timer = setTimeout(() => this.#abort.abort(), deadlineMs);
    await this.#running;
    clearTimeout(timer);
  }

  /** Once everything is settled, lets go of what the spool still holds. */
  async stop(deadlineMs: number): Promise<void> {
    await this.drain(deadlineMs);
    await this.#release();
    await this.#reader.close();
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      try {
        const progressed = await this.#loadOne();
        await this.#release();
        if (!progressed && this.#isDraining) return;
        if (!progressed) await sleep(POLL_MS, signal);
      } catch (error) {
        if (signal.aborted) return;
        this.#options.onError(error);
        await sleep(PAUSE_AFTER_BUG_MS, signal).catch(() => {});
      }
    }
  }

  async #loadOne(): Promise<boolean> {
    const { spool, recent, batchBytesMax, lingerMs, heardUpTo, clock } = this.#options;
    const waiting = spool.end - this.#position;
    if (waiting <= 0) {
      heardUpTo(clock.monotonicMs());
      return false;
    }
    if (waiting < batchBytesMax * LARGE_PART && !this.#isDraining)
      await sleep(Math.max(0, lingerMs - recent.waitingMs), this.#abort.signal);
    const batch = await this.#nextBatch();
    try {
      await this.#insert(batch.lanes);
      await this.#options.onStored?.(batch.facts, this.#abort.signal);
      await this.#options.settle(batch.facts, this.#position, this.#abort.signal);
      heardUpTo(batch.receivedUpToMs);
    } finally {
      batch.release();
    }
    const progressed = batch.end !== this.#position;
    this.#position = batch.end;
    return progressed;
  }

  async #nextBatch(): Promise<RecentBatch> {
    const { recent, batchBytesMax, clock } = this.#options;
    const batch = recent.take(this.#position);
    if (batch !== null) return batch;
    // Of an earlier process, or forgotten while the store was away.
    const chunk = await this.#reader.read(this.#position, batchBytesMax);
    countSpoolSkipped(chunk.skippedBytes);
    for (const damaged of chunk.damaged) await this.#tellOfDamage(damaged);
    const byLane = Map.groupBy(
      chunk.records.flatMap(({ sections }) => sections),
      ({ lane }) => lane,
    );
    const lanes = new Map([...byLane].map(([lane, all]) => [lane, Buffer.concat(all.map(({ bytes }) => bytes))]));
    const facts = parseFactLines(lanes.get(laneNumber('span_facts')) ?? Buffer.alloc(0));
    return { lanes, facts, end: chunk.next, receivedUpToMs: clock.monotonicMs(), release: () => {} };
  }

  async #tellOfDamage(damaged: DamagedBytes): Promise<void> {
    const { spool, onError } = this.#options;
    const { segment, offset, length, bytes } = damaged;
    const isGone = bytes.length === 0;
    const path = isGone ? null : await spool.keepAside(damaged).catch(() => null);
    const what = `${length} bytes of the spool's segment ${segment} at ${offset} are ${isGone ? 'gone' : 'damaged'}`;
    const hint = isGone ? 'Its file was deleted, or cut short.' : 'Check the disk.';
    onError(
      new Fault('permanent', `${what}: the calls that stood there were accepted and are lost.`, {
        hint: path === null ? hint : `${hint} The bytes are kept in ${path}.`,
      }),
    );
  }

  async #insert(lanes: ReadonlyMap<number, Buffer>): Promise<void> {
    // All at once: what reads a row's texts and lists looks for them only after this. And to the end,
    // also when one gives up: the rows' memory is used again afterwards.
    const written = await Promise.allSettled(
      [...lanes].map(async ([number, rows]) => {
        const lane = laneOf(number);
        if (lane !== null) await this.#options.writer.write(lane, rows, this.#abort.signal);
      }),
    );
    for (const each of written) if (each.status === 'rejected') throw each.reason;
  }

  async #release(): Promise<void> {
    const settled = this.#options.settledUpTo();
    // Never beyond what is loaded, whatever else waits to be settled again.
    await this.#options.spool.release(settled !== null && settled < this.#position ? settled : this.#position);
  }
}
