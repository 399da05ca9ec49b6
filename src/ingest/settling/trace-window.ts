/**
 * The traces that are being settled, in memory: their packed facts, what was written of them, and
 * since when they wait. Bounded in facts and in bytes; what is forgotten can be read back from the store. Does
 * nothing by itself; the settler asks it what is due.
 */

import { saySame, standAlone, type FactLine } from '../content/fact-rows.ts';
import type { SpoolPosition } from '../spool/position.ts';
import {
  factsWith,
  groupOf,
  leave,
  newTrace,
  NO_FACTS,
  toldOfBoth,
  type Told,
  type TraceState,
} from './trace-state.ts';

/** Traces that have a key; the last ones, when they are many. */
interface KeyHolders {
  traces: string[];
  /** True once there were more. */
  isCrowded: boolean;
}

export interface WindowLimits {
  readonly factsMax: number;
  /** Of the lines of all facts: most have a kilobyte, and a sender may write any. */
  readonly bytesMax: number;
  readonly factsPerTraceMax: number;
  readonly bytesPerTraceMax: number;
  /** How long a settled trace is kept for latecomers. */
  readonly retainMs: number;
}

/**
 * Traces that share a key are settled together, so many of one key: two views of a call come soon
 * after one another, and some model servers give every response the same id.
 */
const TRACES_PER_KEY_MAX = 16;
/**
 * Each fact that comes to a group has all of it settled again. An agent and the gateway behind it,
 * with a trace for each of its calls, have room for a thousand calls.
 */
const FACTS_PER_GROUP_MAX = 2_000;

export class TraceWindow {
  readonly #limits: WindowLimits;
  /** In the order in which they were last added to. */
  readonly #traces = new Map<string, TraceState>();
  readonly #dirty = new Set<TraceState>();
  /** Most keys are of one trace, which needs no list. */
  readonly #byKey = new Map<string, string | KeyHolders>();
  /** The last of `#traces`. */
  #newest: TraceState | null = null;
  #facts = 0;
  #bytes = 0;

  constructor(limits: WindowLimits) {
    this.#limits = limits;
  }

  get facts(): number {
    return this.#facts;
  }

  get dirty(): ReadonlySet<TraceState> {
    return this.#dirty;
  }

  get isOverfull(): boolean {
    return this.#facts > this.#limits.factsMax || this.#bytes > this.#limits.bytesMax;
  }

  get(key: string): TraceState | undefined {
    return this.#traces.get(key);
  }

  /**
   * Lets a trace that has too many facts, or too large ones, be settled by itself; what comes later is settled apart.
   * Returns false when it is not that large.
   */
  sealIfOversized(trace: TraceState, nowMs: number): boolean {
    const { factsPerTraceMax, bytesPerTraceMax } = this.#limits;
    if (trace.facts.length < factsPerTraceMax && trace.bytes < bytesPerTraceMax) return false;
    // It is forgotten when it has been settled; others may just be settled with it.
    if (trace.dirtyFacts === 0) this.touch(trace, NOT_SPOOLED, nowMs);
    this.#traces.delete(trace.key);
    trace.isSealed = true;
    return true;
  }

  /** The trace's state, made when missing. */
  open(key: string, isWhole: boolean, nowMs: number): TraceState {
    const known = this.#traces.get(key);
    if (known !== undefined) return known;
    const trace = newTrace(key, isWhole, nowMs);
    this.#traces.set(key, trace);
    this.#newest = trace;
    return trace;
  }

  /** A fact that is already in the store: it makes nothing dirty. */
  recall(trace: TraceState, facts: FactLine): void {
    this.#keep(trace, facts);
  }

  /** A new fact, received then. Several versions of one span are kept side by side; settling knows what to make of them. */
  add(trace: TraceState, facts: FactLine, from: SpoolPosition, receivedMs: number): void {
    this.#keep(trace, facts);
    this.touch(trace, from, receivedMs);
  }

  /** Has the trace settled again although nothing new is known here. */
  touch(trace: TraceState, from: SpoolPosition, nowMs: number): void {
    if (trace.dirtyFacts === 0) {
      trace.dirtySinceMs = nowMs;
      trace.dirtyFrom = from;
      this.#dirty.add(trace);
    } else {
      if (from < trace.dirtyFrom) trace.dirtyFrom = from;
      const isFirstLater = trace.dirtyFacts === trace.notedDirtyFacts;
      if (isFirstLater) trace.laterSinceMs = nowMs;
      if (isFirstLater || from < trace.laterFrom) trace.laterFrom = from;
    }
    trace.dirtyFacts += 1;
    if (nowMs > trace.lastAddedMs) trace.lastAddedMs = nowMs;
    if (this.#newest === trace || trace.isSealed) return;
    this.#traces.delete(trace.key);
    this.#traces.set(trace.key, trace);
    this.#newest = trace;
  }

  /** The store may hold more of it than is here: it is read and settled again. */
  doubt(trace: TraceState, told: Told, nowMs: number): void {
    trace.isWhole = false;
    trace.told = toldOfBoth(trace.told, told);
    this.touch(trace, NOT_SPOOLED, nowMs);
  }

  /** Whether nothing waits to be settled but what others have told of. */
  isOnlyTold({ dirtyFrom, told }: TraceState): boolean {
    return dirtyFrom === NOT_SPOOLED && told?.received !== null;
  }

  /** Remembers what the trace is now, for it to be settled as that. */
  note(trace: TraceState, round: number): void {
    trace.notedIn = round;
    trace.notedFacts = trace.facts.length;
    trace.notedDirtyFacts = trace.dirtyFacts;
  }

  /** All of what it had when it was noted is written now, or about to be. */
  clean(trace: TraceState): void {
    // One that goes on must not keep in memory what came with its first facts.
    if (trace.written !== null) standAlone(trace.facts);
    trace.dirtyFacts -= trace.notedDirtyFacts;
    trace.notedIn = 0;
    trace.notedDirtyFacts = 0;
    this.#dirty.delete(trace);
    if (trace.dirtyFacts > 0) {
      trace.dirtySinceMs = trace.laterSinceMs;
      trace.dirtyFrom = trace.laterFrom;
      this.#dirty.add(trace);
    } else if (!trace.isWhole && !trace.isSealed) {
      // Others told of more while it was read.
      this.touch(trace, NOT_SPOOLED, trace.lastAddedMs);
    }
  }

  /** False where a key is of so many traces that no two of them can be told to belong together by it. */
  tellsApart(key: string): boolean {
    const holders = this.#byKey.get(key);
    if (holders === undefined || typeof holders === 'string') return true;
    return !holders.isCrowded && holders.traces.length < TRACES_PER_KEY_MAX;
  }

  /** False once so much is settled with it that no other trace joins. */
  hasRoom(trace: TraceState): boolean {
    return factsWith(trace) < FACTS_PER_GROUP_MAX;
  }

  /** Traces in memory that have this key; the last ones, when they are many. */
  having(key: string): readonly string[] {
    const holders = this.#byKey.get(key);
    if (holders === undefined) return NONE;
    return typeof holders === 'string' ? [holders] : holders.traces;
  }

  /** The oldest place in the spool that is not settled yet; null when all is. */
  oldestDirty(): SpoolPosition | null {
    let oldest: SpoolPosition | null = null;
    for (const trace of this.#dirty) if (oldest === null || trace.dirtyFrom < oldest) oldest = trace.dirtyFrom;
    return oldest;
  }

  forget(trace: TraceState): void {
    if (!trace.isSealed) this.#traces.delete(trace.key);
    if (this.#newest === trace) this.#newest = null;
    this.#dirty.delete(trace);
    this.#facts -= trace.facts.length;
    this.#bytes -= trace.bytes;
    for (const { page } of trace.facts) page.release();
    if (trace.group !== null) leave(trace.group, trace);
    trace.facts = NO_FACTS;
    trace.bytes = 0;
    trace.parents = null;
    for (const key of trace.keys) this.#unshare(trace, key);
  }

  /** Clean traces that may be forgotten now: too old, or the window is too full. Oldest first. */
  *expired(nowMs: number): Generator<TraceState> {
    for (const trace of this.#traces.values()) {
      if (!this.isOverfull && nowMs - trace.lastAddedMs < this.#limits.retainMs) return;
      if (trace.dirtyFacts === 0) yield trace;
    }
  }

  #share(trace: TraceState, key: string): void {
    const known = this.#byKey.get(key);
    const isList = typeof known === 'object';
    if (isList ? known.traces.includes(trace.key) : known === trace.key) return;
    if (trace.keys.length === 0) trace.keys = [key];
    else trace.keys.push(key);
    if (known === undefined) {
      this.#byKey.set(key, trace.key);
    } else if (!isList) {
      this.#byKey.set(key, { traces: [known, trace.key], isCrowded: false });
      this.#join(trace, known);
    } else if (known.traces.length < TRACES_PER_KEY_MAX) {
      this.#join(trace, known.traces.at(-1));
      known.traces.push(trace.key);
    } else {
      known.traces = [trace.key];
      known.isCrowded = true;
    }
  }

  #unshare(trace: TraceState, key: string): void {
    const holders = this.#byKey.get(key);
    if (typeof holders !== 'object') {
      if (holders === trace.key) this.#byKey.delete(key);
      return;
    }
    holders.traces = holders.traces.filter((other) => other !== trace.key);
    if (holders.traces.length === 0) this.#byKey.delete(key);
  }

  #join(trace: TraceState, key: string | undefined): void {
    const other = key === undefined ? undefined : this.#traces.get(key);
    if (other === undefined || (trace.group !== null && trace.group === other.group)) return;
    if (factsWith(trace) + factsWith(other) > FACTS_PER_GROUP_MAX) return;
    const [mine, its] = [groupOf(trace), groupOf(other)];
    const [from, into] = mine.traces.size <= its.traces.size ? [mine, its] : [its, mine];
    for (const each of from.traces) {
      into.traces.add(each);
      each.group = into;
    }
    into.facts += from.facts;
    into.notBeforeMs = Math.max(into.notBeforeMs, from.notBeforeMs);
    into.newNotBeforeMs = Math.max(into.newNotBeforeMs, from.newNotBeforeMs);
  }

  #keep(trace: TraceState, line: FactLine): void {
    if (sameIdentity(trace, line).some((present) => saySame(present, line))) return;
    const bytes = line.end - line.start;
    this.#facts += 1;
    this.#bytes += bytes;
    trace.bytes += bytes;
    line.page.hold();
    // What is pushed onto an empty list makes room for sixteen more, and most have one.
    if (trace.facts.length === 0) trace.facts = [line];
    else trace.facts.push(line);
    if (trace.byIdentity !== null) index(trace.byIdentity, line);
    else if (trace.facts.length > UNINDEXED_MAX) {
      trace.byIdentity = new Map();
      for (const each of trace.facts) index(trace.byIdentity, each);
    }
    if (trace.group !== null) trace.group.facts += 1;
    for (const key of line.keys) this.#share(trace, key);
  }
}

const NONE: readonly string[] = [];
const NOT_SPOOLED = Number.MAX_SAFE_INTEGER as SpoolPosition;
/** Facts outside any trace are settled by themselves. */
export function traceKey(facts: { readonly traceId: string; readonly recordId: string }): string {
  return facts.traceId === '' ? `-${facts.recordId}` : facts.traceId;
}

// Most traces are small: looking through them is faster than an index.
const UNINDEXED_MAX = 8;

function sameIdentity(trace: TraceState, { spanId, recordId }: FactLine): readonly FactLine[] {
  if (trace.byIdentity !== null) return trace.byIdentity.get(`${spanId}/${recordId}`) ?? [];
  return trace.facts.filter((line) => line.spanId === spanId && line.recordId === recordId);
}

function index(byIdentity: Map<string, FactLine[]>, line: FactLine): void {
  const key = `${line.spanId}/${line.recordId}`;
  const present = byIdentity.get(key);
  if (present === undefined) byIdentity.set(key, [line]);
  else present.push(line);
}
