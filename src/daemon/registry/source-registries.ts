/**
 * The sources that are registries: reads each on its own interval, and tells the registry keeper
 * when something is new. Before a poll of such a source is judged, what it names is read and its
 * labels move, so that a content is never compared with a registry of a moment before.
 */

import type { Component } from '../../contract/component.ts';
import { describeError, Fault } from '../../contract/fault.ts';
import type { Observation } from '../../contract/observation.ts';
import type { RegisteredVersion } from '../../contract/prompt.ts';
import type { VersionsPower } from '../../contract/source.ts';
import type { LatestObservation } from '../../contract/store.ts';
import { sleep } from '../../lib/limits.ts';
import type { Log } from '../../observability/log.ts';
import { pauseMs } from '../../polling/back-off.ts';
import { LabelPins } from './label-pins.ts';
import { SourceRegistry } from './source-registry.ts';

export interface SourceRegistriesOptions {
  /** In the order in which they are named. */
  readonly sources: readonly { readonly name: string; readonly everyMs: number }[];
  readonly list: (source: string, ...question: Parameters<VersionsPower['list']>) => ReturnType<VersionsPower['list']>;
  readonly latest: readonly LatestObservation[];
  /** Reads the store anew, where other replicas poll too; null when this process polls alone. */
  readonly recall: (() => Promise<readonly LatestObservation[]>) | null;
  readonly log: Log;
}

/** What the keeper does when something is new; see `RegistryKeeper`. */
export interface Keeping {
  /** Loads, records and judges anew. */
  reload(): Promise<void>;
  /** Makes the change, loads, does the work, then judges anew what the work left out. */
  reloadAround(change: () => void, work: () => Promise<void>): Promise<void>;
}

/** A small registry is read within this; a start waits no longer. */
const FIRST_WAIT_MS = 2_000;
/** A poll is judged after this at the latest, whatever the registry does. */
const CATCH_UP_MS = 10_000;
/** Versions that a source named and its history did not: asked for once. */
const ASKED_MAX = 10_000;

/** Throws a `Fault` of kind `config` when a source is named as registry and has no history to tell. */
export function refuseOthers(named: readonly string[], registries: readonly string[]): void {
  for (const name of named) {
    if (registries.includes(name)) continue;
    throw new Fault('config', `registry names the source ${name}, which can't tell its history.`, {
      hint: 'docs/sources.md lists the sources with the power `versions`. Register its prompts as files.',
    });
  }
}

export class SourceRegistries implements Component {
  readonly name = 'source-registries';
  readonly labels: LabelPins;
  readonly #options: SourceRegistriesOptions;
  readonly #registries: ReadonlyMap<string, SourceRegistry>;
  readonly #stopping = new AbortController();
  readonly #asked = new Set<string>();
  #keeping: Keeping | null = null;
  #loops: Promise<unknown> = Promise.resolve();
  #revision = 0;

  constructor(options: SourceRegistriesOptions) {
    this.#options = options;
    this.#registries = new Map(
      options.sources.map(({ name }) => [
        name,
        new SourceRegistry(name, (...question) => options.list(name, ...question)),
      ]),
    );
    this.labels = new LabelPins(new Set(this.#registries.keys()), options.latest);
  }

  /** Grows whenever `versions`, `unread` or the labels change. */
  get revision(): number {
    return this.#revision;
  }

  get versions(): readonly RegisteredVersion[] {
    return [...this.#registries.values()].flatMap((registry) => registry.versions);
  }

  /** Registries that have not been read to their end since the start. */
  get unread(): readonly string[] {
    return [...this.#registries.values()].filter((registry) => !registry.isComplete).map((registry) => registry.name);
  }

  /** Why each that can't be read now can't. */
  get problems(): readonly { readonly source: string; readonly words: string }[] {
    return [...this.#registries.values()].flatMap(({ name, problem }) =>
      problem === null ? [] : { source: name, words: problem },
    );
  }

  /** Who is told; before `start`. */
  keepWith(keeping: Keeping): void {
    this.#keeping = keeping;
  }

  async start(): Promise<void> {
    const { signal } = this.#stopping;
    const first = this.#options.sources.map(({ name }) => this.#refresh(name));
    this.#loops = Promise.all(
      this.#options.sources.map(async ({ name, everyMs }, index) => {
        await first[index];
        await this.#keepReading(name, everyMs);
      }),
    );
    const wait = new AbortController();
    const waited = sleep(FIRST_WAIT_MS, AbortSignal.any([wait.signal, signal])).catch(() => undefined);
    await Promise.race([Promise.all(first), waited]);
    wait.abort();
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error('The daemon stops.'));
    await this.#loops;
  }

  /** Judges a batch of a poll once its registry knows what the batch names. */
  async follow(batch: readonly Observation[], judge: () => Promise<void>): Promise<void> {
    for (const name of new Set(batch.map((observation) => observation.source))) await this.#catchUp(name, batch);
    if (this.#keeping === null || !this.labels.wouldChange(batch)) {
      this.labels.take(batch);
      return judge();
    }
    const latest = (await this.#options.recall?.()) ?? [];
    await this.#keeping.reloadAround(() => {
      this.labels.recall(latest);
      this.labels.take(batch);
      this.#revision += 1;
    }, judge);
  }

  /**
   * Why a content that no known version has may be registered all the same: then it is neither
   * edited nor unregistered, but not verifiable. Null: there is no such reason. `unread`: as it was for what it is
   * compared with, since what has just been read is not in that yet.
   */
  doubt(observation: Observation, versions: readonly RegisteredVersion[], unread: readonly string[]): string | null {
    if (versions.length === 0 && unread.length > 0) return `the registry ${unread.join(', ')} has not been read yet`;
    if (observation.outcome !== 'held' || observation.sourceVersion === null) return null;
    const registry = this.#registries.get(observation.source);
    if (registry === undefined || versions.some((version) => !this.#registries.has(version.registry))) return null;
    const named = `${registry.name} calls it ${observation.sourceVersion}`;
    if (registry.problem === null && unread.includes(registry.name))
      return `${named}, and its history has not been read yet`;
    if (registry.isComplete && registry.problem === null) return null;
    if (registry.knows(observation.prompt, observation.sourceVersion)) return null;
    return `${named}, and its history can't be read now`;
  }

  /** Reads a registry at once when its own place names a version that it has not told yet. */
  async #catchUp(name: string, batch: readonly Observation[]): Promise<void> {
    const registry = this.#registries.get(name);
    // The first reading goes on for itself; until it ends there is doubt, and no wrong alert.
    if (registry === undefined || !registry.isComplete) return;
    const unknown = (): boolean =>
      batch.some(
        (observation) =>
          observation.source === name &&
          observation.outcome === 'held' &&
          observation.sourceVersion !== null &&
          !registry.knows(observation.prompt, observation.sourceVersion),
      );
    if (!unknown() || !this.#isFirstQuestion(name, batch)) return;
    const enough = new AbortController();
    const waited = sleep(CATCH_UP_MS, AbortSignal.any([enough.signal, this.#stopping.signal])).catch(() => undefined);
    // A reading that was under way may have passed the place before it changed.
    await Promise.race([this.#refresh(name).then(() => (unknown() ? this.#refresh(name) : undefined)), waited]);
    enough.abort();
  }

  #isFirstQuestion(name: string, batch: readonly Observation[]): boolean {
    const before = this.#asked.size;
    for (const observation of batch) {
      if (observation.source === name && observation.outcome === 'held')
        this.#asked.add(`${observation.target}\n${observation.sourceVersion ?? ''}`);
    }
    const isFirst = this.#asked.size > before;
    if (this.#asked.size > ASKED_MAX) this.#asked.clear();
    return isFirst;
  }

  async #keepReading(name: string, everyMs: number): Promise<void> {
    const { signal } = this.#stopping;
    const registry = this.#registries.get(name);
    if (registry === undefined) return;
    while (!signal.aborted) {
      const waitMs = Math.max(everyMs, pauseMs(registry.failuresInARow, everyMs, registry.retryAfterMs));
      await sleep(waitMs, signal).catch(() => undefined);
      if (signal.aborted) return;
      await this.#refresh(name);
      await this.#recallLabels();
    }
  }

  /** Reads what is new, and has it recorded and judged. Never rejects. */
  async #refresh(name: string): Promise<void> {
    const registry = this.#registries.get(name);
    if (registry === undefined) return;
    const { log } = this.#options;
    const before = registry.problem;
    const isNew = await registry.read(this.#stopping.signal);
    if (registry.problem !== null && registry.problem !== before)
      log.warn({ source: name, reason: registry.problem }, 'a registry could not be read; what was known stays');
    if (registry.problem === null && before !== null) log.info({ source: name }, 'a registry is read again');
    if (isNew) await this.#reload();
  }

  /** Labels that moved where another replica polled. */
  async #recallLabels(): Promise<void> {
    const { recall, log } = this.#options;
    if (recall === null) return;
    try {
      const latest = await recall();
      if (!this.labels.wouldChange(latest.flatMap(({ lastAnswered }) => lastAnswered ?? []))) return;
      this.labels.recall(latest);
      await this.#reload();
    } catch (error) {
      log.warn({ error: describeError(error) }, 'the labels of registries could not be read from the store');
    }
  }

  async #reload(): Promise<void> {
    this.#revision += 1;
    try {
      await this.#keeping?.reload();
    } catch (error) {
      // The keeper tries again by itself: it has not seen this revision.
      this.#options.log.error({ error: describeError(error) }, 'what a registry told could not be recorded');
    }
  }
}
