/**
 * Decides when a trace is settled: after it went quiet, and in between so that a call is visible
 * soon; again whenever late facts come, from memory or from the store. Writes what changed.
 */

import type { Component } from '../../contract/component.ts';
import type { TelemetryLog } from '../../contract/telemetry-log.ts';
import type { Clock } from '../../contract/time.ts';
import { shortId } from '../../lib/hash.ts';
import { sleep } from '../../lib/limits.ts';
import { addMillis, nanosFromTimestamp } from '../../lib/time.ts';
import { responseIdOfKey, type FactLine } from '../content/fact-rows.ts';
import type { PatientWriter } from '../loading/patient-writer.ts';
import { countEarlySettled, countHookFailures, countOversized, countQuarantined, countSettled } from '../metrics.ts';
import { quarantineLine } from '../quarantine.ts';
import type { SpoolPosition } from '../spool/position.ts';
import type { FactRecall } from './fact-recall.ts';
import type { SeenTraces } from './seen-traces.ts';
import { Settlement, type SettlementOptions, type SettlementRows, type WrittenCall } from './settlement.ts';
import { traceKey, type TraceState, type TraceWindow } from './trace-window.ts';

export interface SettlerOptions extends SettlementOptions {
  readonly log: TelemetryLog;
  readonly writer: PatientWriter;
  readonly window: TraceWindow;
  readonly seen: SeenTraces;
  readonly recall: FactRecall;
  readonly clock: Clock;
  /** No new facts for so long: the trace is settled. */
  readonly quietMs: number;
  /** A trace that is not quiet is settled provisionally after so long. */
  readonly provisionalMs: number;
  /** Between attempts to read from a store that fails. */
  readonly pauseMs: number;
  readonly onInvocations: (calls: readonly WrittenCall[]) => void;
  readonly onError: (error: unknown) => void;
}

const TICK_MS = 200;
// One round: large enough for few inserts, small enough to be written within a moment.
const FACTS_PER_ROUND = 10_000;
// How many times longer than settling took a growing trace waits: at most a twentieth of the time goes into it.
const GROWING_TRACE_FACTOR = 20;
// Traces settled together; where keys are not unique, chains of them must end somewhere.
const GROUP_TRACES_MAX = 64;
// What the store is asked at the start, so that late facts of recent traces find them: half a second at most.
const REMEMBER_MS = 24 * 3_600_000;
const REMEMBER_TRACES_MAX = 200_000;
// A span that began this long before we remember may belong to a trace that is in the store.
const COVERAGE_MARGIN_MS = 60_000;

export class Settler implements Component {
  readonly name = 'ingest-settler';
  readonly #options: SettlerOptions;
  readonly #abort = new AbortController();
  #running: Promise<void> | null = null;
  #isDraining = false;
  #isOver = false;
  /** Traces of the round that is under way, with the place in the spool from where each was unsettled. */
  #inRound = new Map<TraceState, SpoolPosition>();
  #lastRevision = 0n;
  #waitingForRoom: (() => void)[] = [];

  constructor(options: SettlerOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { log, seen, clock } = this.#options;
    this.#lastRevision = await log.highestRevision();
    const since = addMillis(clock.now(), -REMEMBER_MS);
    const traces = await log.recentTraces(since, REMEMBER_TRACES_MAX);
    for (const { traceId } of traces) seen.add(traceId, since);
    seen.setCoveredSince(traces.length < REMEMBER_TRACES_MAX ? since : (traces.at(-1)?.receivedAt ?? since));
    this.#running = this.#run();
  }

  /** Settles and writes what is in memory, as far as the deadline allows; the rest is in the spool. */
  async stop(deadlineMs: number): Promise<void> {
    this.#isDraining = true;
    const timer = setTimeout(() => this.#abort.abort(), deadlineMs);
    await this.#running;
    clearTimeout(timer);
  }

  /** The oldest place in the spool whose facts are not in written invocations; null when all are. */
  settledUpTo(): SpoolPosition | null {
    let oldest = this.#options.window.oldestDirty();
    for (const from of this.#inRound.values()) if (oldest === null || from < oldest) oldest = from;
    return oldest;
  }

  /** Takes facts that are in the store now. Resolves when there is room for more. */
  async add(facts: readonly FactLine[], from: SpoolPosition): Promise<void> {
    const { window, clock } = this.#options;
    const nowMs = clock.monotonicMs();
    for (const each of facts) {
      const key = traceKey(each);
      let trace = window.get(key) ?? window.open(key, this.#isSurelyNew(each, key), nowMs);
      if (window.sealIfOversized(trace)) {
        countOversized(1);
        trace = window.open(key, true, nowMs);
      }
      window.add(trace, each, from, nowMs);
    }
    while (window.isOverfull && this.#running !== null && !this.#isOver) await this.#room();
  }

  /** Settles these traces again from what the store holds of them. */
  resettle(traceIds: readonly string[]): Promise<void> {
    const { window, clock } = this.#options;
    const nowMs = clock.monotonicMs();
    for (const id of traceIds) {
      const trace = window.open(id, false, nowMs);
      trace.isWhole = false;
      window.touch(trace, Number.MAX_SAFE_INTEGER as SpoolPosition, nowMs);
    }
    return Promise.resolve();
  }

  #isSurelyNew(facts: FactLine, key: string): boolean {
    const { seen } = this.#options;
    if (facts.traceId === '') return true;
    return !seen.mayHave(key) && facts.startedAt > addMillis(seen.coveredSince, COVERAGE_MARGIN_MS);
  }

  #room(): Promise<void> {
    return new Promise((resolve) => {
      this.#waitingForRoom.push(resolve);
    });
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      try {
        const due = this.#due();
        if (due.length > 0) await this.#round(due);
        this.#forgetExpired();
        if (due.length > 0) continue;
        if (this.#isDraining) break;
        await sleep(TICK_MS, signal);
      } catch (error) {
        if (signal.aborted) break;
        this.#undoRound();
        this.#options.onError(error);
        await sleep(this.#options.pauseMs, signal).catch(() => {});
      }
    }
    this.#isOver = true;
    this.#letIn();
  }

  #due(): TraceState[] {
    const { window, clock, quietMs, provisionalMs } = this.#options;
    const nowMs = clock.monotonicMs();
    const early = window.isOverfull && !this.#isDraining;
    const due: TraceState[] = [];
    let facts = 0;
    for (const trace of window.dirty) {
      const isDue =
        this.#isDraining ||
        trace.isSealed ||
        ((nowMs - trace.lastAddedMs >= quietMs || nowMs - trace.dirtySinceMs >= provisionalMs) &&
          nowMs >= trace.notBeforeMs);
      if (!isDue && !early) continue;
      if (!isDue) countEarlySettled(1);
      due.push(trace);
      facts += trace.facts.length;
      if (facts >= FACTS_PER_ROUND) break;
    }
    return due;
  }

  async #round(due: readonly TraceState[]): Promise<void> {
    const { recall, writer, clock } = this.#options;
    const { signal } = this.#abort;
    await recall.complete(due, clock.monotonicMs());
    let failed = '';
    const settlement = new Settlement(this.#options, (traces, error) => {
      this.#options.onError(error);
      failed += this.#quarantineLine(traces, error);
    });
    this.#settleAll(due, settlement);
    const lists = settlement.missingLists();
    if (lists.length > 0) settlement.supplyLists(await recall.lists(lists));
    const texts = settlement.missingTexts();
    if (texts.length > 0) settlement.supplyTexts(await recall.texts(texts));
    const now = clock.now();
    const nanos = nanosFromTimestamp(now);
    if (nanos > this.#lastRevision) this.#lastRevision = nanos;
    const rows = settlement.rows(now, this.#nextRevision);
    await this.#write(rows, failed, writer, signal);
    settlement.markWritten();
    this.#inRound.clear();
    for (const trace of due) if (trace.isSealed) this.#options.window.forget(trace);
    this.#announce(rows);
  }

  /** From here to the write the spool may let go of nothing that these traces hold. */
  #settleAll(due: readonly TraceState[], settlement: Settlement): void {
    const { window, clock } = this.#options;
    const done = new Set<TraceState>();
    for (const trace of due) {
      if (done.has(trace)) continue;
      const group = this.#groupOf(trace);
      const startMs = clock.monotonicMs();
      settlement.settle(group);
      const endMs = clock.monotonicMs();
      for (const each of group) {
        done.add(each);
        if (each.dirtyFacts === 0) continue;
        this.#inRound.set(each, each.dirtyFrom);
        window.clean(each);
        each.notBeforeMs = endMs + (endMs - startMs) * GROWING_TRACE_FACTOR;
      }
    }
  }

  /** Nothing of the round was written: all of it is unsettled again. */
  #undoRound(): void {
    const { window, clock } = this.#options;
    for (const [trace, from] of this.#inRound) window.touch(trace, from, clock.monotonicMs());
    this.#inRound.clear();
  }

  /** The trace and those that share a key with it, directly or through another. */
  #groupOf(trace: TraceState): TraceState[] {
    const { window } = this.#options;
    const group = new Set([trace]);
    for (const member of group) {
      for (const shared of member.keys) {
        const sharing = window.sharing(shared);
        if (sharing.length < 2) continue;
        for (const key of sharing) {
          const other = window.get(key);
          if (other !== undefined && group.size < GROUP_TRACES_MAX) group.add(other);
        }
      }
    }
    return [...group];
  }

  async #write(rows: SettlementRows, failed: string, writer: PatientWriter, signal: AbortSignal): Promise<void> {
    await writer.write('quarantine', Buffer.from(failed), signal);
    // Before the rows that refer to it; there is seldom any.
    await writer.write('texts', rows.outbox.textLines.bytes(), signal);
    await writer.write('invocations', rows.lines, signal);
  }

  #announce(rows: SettlementRows): void {
    countSettled(rows.counts.created, { what: 'new' });
    countSettled(rows.counts.changed, { what: 'changed' });
    countSettled(rows.counts.deleted, { what: 'taken_back' });
    if (rows.calls.length === 0) return;
    try {
      this.#options.onInvocations(rows.calls);
    } catch (error) {
      countHookFailures(1);
      this.#options.onError(error);
    }
  }

  #quarantineLine(group: readonly TraceState[], error: unknown): string {
    countQuarantined(1, { kind: 'trace' });
    const traceIds = group.map((trace) => trace.key);
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const payload = JSON.stringify(traceIds);
    const at = this.#options.clock.now();
    return quarantineLine({
      id: shortId(...traceIds),
      at,
      kind: 'trace',
      lane: '',
      reason,
      payload,
      status: 'waiting',
    });
  }

  #forgetExpired(): void {
    const { window, seen, clock } = this.#options;
    const now = clock.now();
    for (const trace of window.expired(clock.monotonicMs())) {
      window.forget(trace);
      seen.add(trace.key, now);
      for (const key of trace.keys) if (responseIdOfKey(key) !== null) seen.add(key, now);
    }
    if (!window.isOverfull) this.#letIn();
  }

  #letIn(): void {
    const waiting = this.#waitingForRoom;
    this.#waitingForRoom = [];
    for (const resolve of waiting) resolve();
  }

  /** From the round's time in nanoseconds on, but always more than any revision before. */
  readonly #nextRevision = (): bigint => {
    this.#lastRevision += 1n;
    return this.#lastRevision;
  };
}
