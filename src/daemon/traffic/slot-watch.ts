/**
 * Gathers what filled the variables of recent calls, from the store, and has it searched for edits
 * that hide beside a variable. Remembers only what saves reading it again.
 */

import type { Place } from '../../attribution/index.ts';
import type { Clock, Timestamp } from '../../contract/time.ts';
import type { Evidence } from '../../contract/verdict.ts';
import type { CallsOfVersion, SampledCall, VariableLog, VariableSet } from '../../contract/variable-log.ts';
import {
  hiddenEdit,
  hiddenEditStill,
  placesIn,
  recentWords,
  tellsApart,
  type HiddenEdit,
  type RecentWords,
  type Slot,
  type SlotCapture,
} from '../../drift/hidden-edit.ts';
import { toldWords } from '../../drift/judge-hidden-edit.ts';
import { GenerationalCache } from '../../lib/generational-cache.ts';
import { addMillis, MINUTE_MS } from '../../lib/time.ts';

export interface SlotWatchOptions {
  readonly variables: Pick<VariableLog, 'countCalls' | 'samples' | 'sampleOf' | 'sets'>;
  readonly clock: Clock;
}

export type HiddenEditOfCalls = HiddenEdit & Omit<CallsOfVersion, 'version'>;

/** What an unresolved incident about the traffic of a service and a prompt has said so far. */
export type ToldBefore = (calls: CallsOfVersion) => readonly Evidence[];

/** Twenty calls of a quiet prompt take a while: the widest window that is quickly read. */
const WINDOWS_MS = [24 * 60 * MINUTE_MS, 6 * 60 * MINUTE_MS, 2 * 60 * MINUTE_MS, 30 * MINUTE_MS] as const;
const CALLS_MAX = 300_000;
const RECENT_MS = 30 * MINUTE_MS;
/** Where the window holds nothing from before the words came. */
const HISTORY_MS = 7 * 24 * 60 * MINUTE_MS;
/** What was normal does not change soon, and asking costs a query over days. */
const HISTORY_FRESH_MS = 30 * MINUTE_MS;
const HISTORIES_PER_LOOK_MAX = 20;
const HISTORIES_REMEMBERED = 250;
/** Each set is some hundred characters, at most 128 KB. */
const REMEMBERED_CHARACTERS = 24 * 1024 * 1024;
const TYPICAL_SET_CHARACTERS = 500;

interface History {
  readonly calls: readonly SampledCall[];
  readonly readAtMs: number;
}

export class SlotWatch {
  readonly #options: SlotWatchOptions;
  readonly #sets = new GenerationalCache<string, VariableSet>(REMEMBERED_CHARACTERS);
  readonly #histories = new GenerationalCache<string, History>(HISTORIES_REMEMBERED);
  #historiesLeft = 0;

  constructor(options: SlotWatchOptions) {
    this.#options = options;
  }

  /** All that are found in the calls up to now. */
  async look(until: Timestamp, told: ToldBefore): Promise<readonly HiddenEditOfCalls[]> {
    const { variables } = this.#options;
    this.#historiesLeft = HISTORIES_PER_LOOK_MAX;
    const from = await this.#windowStart(until);
    const groups = await variables.samples(from, addMillis(until, -RECENT_MS), until);
    await this.#read(groups.flatMap(({ calls }) => calls));
    const found: HiddenEditOfCalls[] = [];
    for (const { calls, ...group } of groups) {
      for (const edit of await this.#editsOf(group, calls, from, told(group))) {
        const { environment, service, prompt } = group;
        found.push({ ...edit, environment, service, prompt });
      }
    }
    return found;
  }

  async #windowStart(until: Timestamp): Promise<Timestamp> {
    const { variables } = this.#options;
    for (const windowMs of WINDOWS_MS) {
      const from = addMillis(until, -windowMs);
      if (windowMs === WINDOWS_MS.at(-1) || (await variables.countCalls(from, until)) <= CALLS_MAX) return from;
    }
    return addMillis(until, -RECENT_MS);
  }

  async #editsOf(
    group: CallsOfVersion,
    calls: readonly SampledCall[],
    from: Timestamp,
    told: readonly Evidence[],
  ): Promise<readonly HiddenEdit[]> {
    const edits: HiddenEdit[] = [];
    for (const { slot, captures } of this.#slots(group.version, calls)) {
      for (const where of placesIn(slot)) {
        const recent = recentIn(captures, where);
        if (recent === null) continue;
        const before = toldWords(told, slot.name, slot.occurrence);
        const still = before === null ? null : hiddenEditStill(slot, recent, before);
        const edit = still ?? hiddenEdit(slot, recent, await this.#earlier(group, slot, recent, from));
        if (edit !== null) edits.push(edit);
      }
    }
    return edits;
  }

  /** Captures from before the words came: of the window, and where those are too few, of the days before. */
  async #earlier(
    group: CallsOfVersion,
    slot: Slot,
    { earlier }: RecentWords,
    from: Timestamp,
  ): Promise<readonly SlotCapture[]> {
    if (tellsApart(earlier)) return earlier;
    const history = await this.#history(group, from);
    const slots = this.#slots(group.version, history);
    const known = slots.find((one) => one.slot.name === slot.name && one.slot.occurrence === slot.occurrence);
    return [...earlier, ...(known?.captures ?? [])];
  }

  async #history(group: CallsOfVersion, until: Timestamp): Promise<readonly SampledCall[]> {
    const { environment, service, prompt, version } = group;
    const key = JSON.stringify([environment, service, prompt, version]);
    const nowMs = this.#options.clock.monotonicMs();
    const known = this.#histories.get(key, 1);
    if (known !== undefined && nowMs - known.readAtMs < HISTORY_FRESH_MS) return known.calls;
    if (this.#historiesLeft <= 0) return known?.calls ?? [];
    this.#historiesLeft -= 1;
    const calls = await this.#options.variables.sampleOf(group, addMillis(until, -HISTORY_MS), until);
    await this.#read(calls);
    this.#histories.set(key, { calls, readAtMs: nowMs }, 1);
    return calls;
  }

  async #read(calls: readonly SampledCall[]): Promise<void> {
    const missing = calls.flatMap(({ variables }) => (this.#setOf(variables) === undefined ? [variables] : []));
    if (missing.length === 0) return;
    for (const [hash, set] of await this.#options.variables.sets(missing)) this.#sets.set(hash, set, weightOf(set));
  }

  #setOf(hash: string): VariableSet | undefined {
    return this.#sets.get(hash, TYPICAL_SET_CHARACTERS);
  }

  /** The captures of each variable, newest first. */
  #slots(
    version: string,
    calls: readonly SampledCall[],
  ): readonly { readonly slot: Slot; readonly captures: readonly SlotCapture[] }[] {
    const slots = new Map<string, { slot: Slot; captures: SlotCapture[] }>();
    for (const call of calls.toSorted((a, b) => (a.at < b.at ? 1 : -1))) {
      const set = this.#setOf(call.variables);
      if (set === undefined) continue;
      const seen = new Map<string, number>();
      for (const [index, name] of set.names.entries()) {
        const occurrence = seen.get(name) ?? 0;
        seen.set(name, occurrence + 1);
        const key = `${occurrence} ${name}`;
        const known = slots.get(key) ?? { slot: { version, name, occurrence }, captures: [] };
        known.captures.push(captureOf(call, set, index));
        slots.set(key, known);
      }
    }
    return [...slots.values()];
  }
}

function captureOf({ at, instance }: SampledCall, set: VariableSet, index: number): SlotCapture {
  const value = set.values[index] ?? '';
  return {
    at,
    instance,
    identity: value,
    text: set.isKept ? value : null,
    startByte: set.startBytes[index] ?? 0,
    endByte: set.endBytes[index] ?? 0,
  };
}

/** In the calls of all instances, or of one: an edit may be in one place only. */
function recentIn(captures: readonly SlotCapture[], where: Place): RecentWords | null {
  const all = recentWords(captures, where);
  if (all !== null) return all;
  const instances = Map.groupBy(captures, ({ instance }) => instance);
  if (instances.size < 2) return null;
  for (const ofInstance of instances.values()) {
    const found = recentWords(ofInstance, where);
    if (found !== null) return found;
  }
  return null;
}

function weightOf({ values }: VariableSet): number {
  return values.reduce((sum, value) => sum + value.length, 200);
}
