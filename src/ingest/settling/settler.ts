/**
 * Decides when a trace is settled: after it went quiet, and in between so that a call is visible
 * soon; again whenever late facts come, from memory or from the store. Writes what changed.
 */

import type { Component } from '../../contract/component.ts';
import { describeError, isFault } from '../../contract/fault.ts';
import type { Received, TelemetryLog } from '../../contract/telemetry-log.ts';
import type { Clock } from '../../contract/time.ts';
import type { KnowledgeHorizon, Learning } from '../../lib/knowledge-horizon.ts';
import { orAborted, sleep } from '../../lib/limits.ts';
import { Slices } from '../../lib/slices.ts';
import type { FactLine } from '../content/fact-rows.ts';
import type { PatientWriter } from '../loading/patient-writer.ts';
import { countEarlySettled, countOversized } from '../metrics.ts';
import type { SpoolPosition } from '../spool/position.ts';
import type { OnTrouble } from '../troubles.ts';
import { Asked } from './asked.ts';
import type { FactRecall } from './fact-recall.ts';
import { Lateness } from './lateness.ts';
import type { Revisions } from './revisions.ts';
import { quarantinedTraces, RoundWriter, type Round } from './round-writer.ts';
import type { SeenTraces } from './seen-traces.ts';
import { Settlement, type SettlementOptions } from './settlement.ts';
import { TraceGroups, type NotedGroups } from './trace-groups.ts';
import type { Told, TraceState } from './trace-state.ts';
import { traceKey, type TraceWindow } from './trace-window.ts';
import { isFast, isReady, rest, turnOf, type Turn, type TurnLimits } from './turns.ts';
import { UncountedUsage } from './uncounted-usage.ts';

export interface SettlerOptions extends SettlementOptions, TurnLimits {
  readonly log: TelemetryLog;
  readonly writer: PatientWriter;
  readonly window: TraceWindow;
  readonly seen: SeenTraces;
  readonly recall: FactRecall;
  readonly revisions: Revisions;
  readonly clock: Clock;
  readonly horizon: KnowledgeHorizon;
  /** See `IngestLimits`. */
  readonly roundFactsMax: number;
  readonly roundBytesMax: number;
  /** Rounds begin so long after one another, unless more is due than one takes: an insert of one row costs as much as of a thousand. */
  readonly roundEveryMs: number;
  /** After a store failed that is read from; it doubles up to the next. */
  readonly pauseMs: number;
  readonly pauseMsMax: number;
  readonly onTrouble: OnTrouble;
  readonly onError: (error: unknown) => void;
}

const TICK_MS = 200;
// So long at a time nobody else is served.
const SLICE_MS = 10;
// What comes meanwhile waits for it, on a machine that is slow or busy as well.
const ROUND_MS = 600;
// So often at most in a row, since what comes while the store is asked has to be asked about as well.
const ASKS_MAX = 4;

const NOTHING_TOLD: Told = { received: null };

export class Settler implements Component {
  readonly name = 'ingest-settler';
  readonly #options: SettlerOptions;
  readonly #abort = new AbortController();
  #running: Promise<void> | null = null;
  #isDraining = false;
  #isOver = false;
  /** Nothing may be forgotten: what was looked for in memory must stay until it is settled with the rest. */
  #isCompleting = false;
  readonly #groups: TraceGroups;
  /** For this round. */
  readonly #asked: Asked;
  /** Of the traces that are due, those of which only what is new has its turn. */
  readonly #newOnly = new Set<TraceState>();
  /** The round that is being settled. */
  #settling: Round = new Map();
  /** Of the one before. */
  readonly #writing: RoundWriter;
  #uncounted: UncountedUsage | null = null;
  /** Of the round before. */
  #roundBytes = 0;
  #waitingForRoom: (() => void)[] = [];
  readonly #lateness = new Lateness();
  /** In monotonic milliseconds: all that was received until then has been added. */
  #heardUpToMs = 0;
  /** The same: until then settling rests, when little waits. */
  #nextRoundMs = 0;
  /** In a row. */
  #failures = 0;

  constructor(options: SettlerOptions) {
    this.#options = options;
    this.#asked = new Asked(options.roundFactsMax, options.roundBytesMax);
    this.#groups = new TraceGroups(options.window);
    this.#writing = new RoundWriter(options.writer, options.window);
  }

  async start(): Promise<void> {
    const { log, seen, revisions } = this.#options;
    const lastRevision = await log.highestRevision();
    revisions.passed(lastRevision);
    this.#uncounted = new UncountedUsage(log, lastRevision);
    await this.#uncounted.tellAtStart();
    await seen.load(log);
    this.#running = this.#run();
  }

  /** Settles and writes what is in memory, as far as the deadline allows; the rest is in the spool. */
  async stop(deadlineMs: number): Promise<void> {
    this.#isDraining = true;
    const timer = setTimeout(() => this.#abort.abort(), deadlineMs);
    await this.#running;
    clearTimeout(timer);
  }

  /** For how long calls that are due have been waiting for others to be settled; 0 while that is a moment's work. */
  get lateMs(): number {
    return this.#lateness.at(this.#options.clock.monotonicMs());
  }

  /** The oldest place in the spool whose facts are not in written invocations; null when all are. */
  settledUpTo(): SpoolPosition | null {
    let oldest = this.#options.window.oldestDirty();
    for (const round of [this.#settling, this.#writing.traces]) {
      for (const from of round.values()) if (oldest === null || from < oldest) oldest = from;
    }
    return oldest;
  }

  /** Takes facts that are in the store now. Resolves when there is room for more, or rejects when `signal` aborts. */
  async add(facts: readonly FactLine[], from: SpoolPosition, signal: AbortSignal): Promise<void> {
    const { window, clock } = this.#options;
    const nowMs = Math.trunc(clock.monotonicMs());
    for (const each of facts) {
      const key = traceKey(each);
      const receivedMs = each.receivedMs === 0 ? nowMs : each.receivedMs;
      let trace = window.get(key) ?? window.open(key, this.#isSurelyNew(each, key), receivedMs);
      if (window.sealIfOversized(trace, nowMs)) {
        countOversized(1);
        trace = window.open(key, true, receivedMs);
      }
      window.add(trace, each, from, receivedMs);
    }
    if (window.isOverfull) this.#forgetExpired();
    while (window.isOverfull && this.#running !== null && !this.#isOver) await orAborted(this.#room(), signal);
  }

  /** All that was received until then, in monotonic milliseconds, has been added. */
  heardUpTo(receivedMs: number): void {
    this.#heardUpToMs = receivedMs;
  }

  /** Settles these traces again from what the store holds of them. */
  resettle(traceIds: Iterable<string>, told: Told = NOTHING_TOLD): void {
    const { window, clock } = this.#options;
    const nowMs = Math.trunc(clock.monotonicMs());
    for (const id of traceIds) window.doubt(window.open(id, false, nowMs), told, nowMs);
  }

  /** Another replica has stored facts of these: what is or was here of them is settled again, with what is there. */
  async sighted(traceIds: readonly string[], keys: readonly string[], received: Received): Promise<void> {
    const { window, seen, recall, clock } = this.#options;
    const nowMs = Math.trunc(clock.monotonicMs());
    // The first is told of each, whatever it answers.
    const toSettle = traceIds.filter((id) => seen.traceElsewhere(id) || window.get(id) !== undefined);
    this.resettle(toSettle, { received });
    const forgotten: string[] = [];
    for (const key of keys) {
      const wasHere = seen.keyElsewhere(key);
      this.#asked.keys.delete(key);
      const having = window.having(key);
      if (having.length === 0 && wasHere) forgotten.push(key);
      for (const id of having) {
        const trace = window.get(id);
        if (trace !== undefined) window.doubt(trace, NOTHING_TOLD, nowMs);
      }
    }
    if (forgotten.length > 0) this.resettle(await recall.tracesHaving(forgotten));
  }

  #isSurelyNew(facts: FactLine, key: string): boolean {
    const { seen } = this.#options;
    if (facts.traceId === '') return true;
    // People judge days later. What is remembered of traces need not go back so far.
    if (facts.isJudgement) return false;
    return !seen.mayHaveTrace(key, facts.relatedSince);
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
        if ((await this.#uncounted?.tell()) === true) this.#succeeded();
        const due = this.#isResting() ? [] : this.#due();
        if (due.length > 0) {
          this.#nextRoundMs = this.#options.clock.monotonicMs() + this.#options.roundEveryMs;
          await this.#round(due);
          this.#succeeded();
        }
        this.#forgetExpired();
        if (due.length > 0) continue;
        // A round that could not be written is due again.
        if (this.#isDraining && this.#writing.traces.size > 0) await this.#writing.idle;
        else if (this.#isDraining) break;
        else await sleep(TICK_MS, signal);
      } catch (error) {
        if (signal.aborted) break;
        await this.#failed(this.#settling, error);
      }
    }
    await this.#writing.idle;
    this.#isOver = true;
    this.#letIn();
  }

  #isResting(): boolean {
    const { window, clock } = this.#options;
    const nowMs = clock.monotonicMs();
    if (this.#isDraining || window.isOverfull || this.#lateness.isCut || nowMs >= this.#nextRoundMs) return false;
    // It is many rows by itself, and more the longer it waits.
    for (const trace of window.dirty) if (isFast(trace)) return false;
    this.#lateness.looked(nowMs, 0, false);
    return true;
  }

  #due(): TraceState[] {
    const { window, clock, roundFactsMax, roundBytesMax } = this.#options;
    const now = { nowMs: clock.monotonicMs(), heardUpToMs: this.#heardUpToMs };
    const early = window.isOverfull && !this.#isDraining;
    const due: TraceState[] = [];
    let [facts, bytes, isCut] = [0, 0, false];
    this.#newOnly.clear();
    for (const trace of window.dirty) {
      // It would not end: who told of it settles it.
      if (this.#isDraining && window.isOnlyTold(trace)) continue;
      const turn = this.#isDraining ? 'whole' : turnOf(trace, now, this.#options);
      if (turn === null && !early) continue;
      due.push(trace);
      if (turn === 'new' && !early) {
        this.#newOnly.add(trace);
        continue;
      }
      if (turn !== 'whole') countEarlySettled(1);
      facts += trace.facts.length;
      bytes += trace.bytes;
      isCut = facts >= roundFactsMax || bytes >= roundBytesMax;
      if (isCut) break;
    }
    this.#lateness.looked(now.nowMs, facts, isCut);
    return due;
  }

  /** Settles one round while the rows of the one before are written. */
  async #round(due: readonly TraceState[]): Promise<void> {
    const { horizon } = this.#options;
    const firsts = await this.#completed(due);
    const learning = horizon.begin();
    try {
      await this.#settleAndWrite(firsts, learning);
    } catch (error) {
      // Nothing has this time; the round gets a new one when it is settled again.
      learning.end();
      throw error;
    }
  }

  /** One trace of each group, when memory has of them all that there is. */
  async #completed(due: readonly TraceState[]): Promise<readonly TraceState[]> {
    this.#asked.clear();
    const noted = await this.#complete(due);
    if (!noted.isBeingWritten) return noted.firsts;
    // What is known to be in the store of a trace must be known when it is settled again.
    await this.#writing.idle;
    return (await this.#complete(due)).firsts;
  }

  async #complete(due: readonly TraceState[]): Promise<NotedGroups> {
    this.#isCompleting = true;
    try {
      // What came while the store was asked may have relatives in the store as well.
      for (let times = 0; times < ASKS_MAX; times += 1) {
        if (!(await this.#options.recall.complete(due, this.#asked))) break;
      }
      return this.#groups.note(due, this.#writing.traces);
    } finally {
      this.#isCompleting = false;
    }
  }

  /** Resolves when the write has begun. No answer goes beyond the round's time while the store is waited for. */
  async #settleAndWrite(firsts: readonly TraceState[], learning: Learning): Promise<void> {
    const { recall, revisions } = this.#options;
    let failed = '';
    revisions.advanceTo(learning.at);
    const stamp = { now: learning.at, nextRevision: revisions.next, expectedBytes: this.#roundBytes };
    const settlement = new Settlement(this.#options, stamp, (traces, error) => {
      this.#options.onError(error);
      failed += quarantinedTraces(traces, error, this.#options.clock);
    });
    const slices = new Slices(this.#options.clock, SLICE_MS);
    await this.#settleGroups(firsts, settlement, slices);
    this.#groups.settled();
    const lists = settlement.missingLists();
    if (lists.length > 0) settlement.supplyLists(await recall.lists(lists));
    const texts = settlement.missingTexts();
    if (texts.length > 0) settlement.supplyTexts(await recall.texts(texts));
    const rows = await slices.run(settlement.finish());
    this.#roundBytes = rows.lines.length;
    await this.#writing.idle;
    const round = { traces: this.#settling, settlement, rows, failed };
    this.#settling = new Map();
    this.#writing.begin(round, this.#abort.signal, learning.end, (...failure) => this.#failed(...failure));
  }

  /** The longest waiting come first. */
  async #settleGroups(firsts: readonly TraceState[], settlement: Settlement, slices: Slices): Promise<void> {
    const { clock } = this.#options;
    const endMs = clock.monotonicMs() + ROUND_MS;
    for (const first of firsts) {
      if (slices.isOver) await slices.next();
      if (clock.monotonicMs() > endMs && !this.#isDraining) {
        this.#lateness.cutShort();
        break;
      }
      const group = this.#groups.asNoted(first);
      const isEachReady = group.every((each) => isReady(each, this.#asked, clock.monotonicMs(), this.#options));
      if (isEachReady) await this.#settleGroup(group, this.#newOnly.has(first) ? 'new' : 'whole', settlement, slices);
    }
  }

  /** From its end to the write the spool may let go of nothing that these traces hold. */
  async #settleGroup(group: readonly TraceState[], turn: Turn, settlement: Settlement, slices: Slices): Promise<void> {
    const { window, clock } = this.#options;
    const startMs = slices.workedMs;
    const steps = turn === 'new' ? settlement.settleNew(group) : settlement.settle(group);
    await slices.run(steps);
    const tookMs = slices.workedMs - startMs;
    for (const each of group) {
      if (each.notedDirtyFacts === 0) continue;
      this.#settling.set(each, each.dirtyFrom);
      if (turn === 'whole') window.clean(each);
      rest(each, turn, tookMs, clock.monotonicMs(), this.#options);
    }
  }

  /** Nothing of the round was written: all of it is unsettled again. */
  async #failed(round: Round, error: unknown): Promise<void> {
    const { window, clock, onTrouble, onError, pauseMs, pauseMsMax } = this.#options;
    const { signal } = this.#abort;
    for (const [trace, from] of round) window.touch(trace, from, Math.trunc(clock.monotonicMs()));
    round.clear();
    this.#lateness.failed();
    if (signal.aborted) return;
    if (isFault(error)) onTrouble(`Calls wait to be settled: ${describeError(error)}`);
    else onError(error);
    const waitMs = Math.min(pauseMs * 2 ** this.#failures, pauseMsMax);
    this.#failures += 1;
    await sleep(waitMs, signal).catch(() => {});
  }

  #succeeded(): void {
    this.#failures = 0;
    this.#options.onTrouble(null);
  }

  #forgetExpired(): void {
    const { window, seen, clock } = this.#options;
    if (this.#isCompleting) return;
    for (const trace of window.expired(clock.monotonicMs())) {
      // Whoever asks the store for it must find there what was settled of it.
      if (this.#settling.has(trace) || this.#writing.traces.has(trace) || this.#groups.isRelative(trace)) continue;
      window.forget(trace);
      seen.leaves(trace);
    }
    if (!window.isOverfull) this.#letIn();
  }

  #letIn(): void {
    const waiting = this.#waitingForRoom;
    this.#waitingForRoom = [];
    for (const resolve of waiting) resolve();
  }
}
