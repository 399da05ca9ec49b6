/**
 * The host of all sources: polls each on its schedule, looks early where a source watches or is
 * pushed to, restores with a read-back, and hands everything seen to one function. It owns interval,
 * jitter, timeout, concurrency, back-off and caching, so that plugins don't.
 */

import type { Component } from '../contract/component.ts';
import { Fault, isTransient } from '../contract/fault.ts';
import type { Observation } from '../contract/observation.ts';
import type { Json } from '../contract/prompt.ts';
import type { Job, Queue, Tick } from '../contract/queue.ts';
import type { DiscoverPower, SourceTarget, VersionsPower, WebhookRequest } from '../contract/source.ts';
import type { Clock } from '../contract/time.ts';
import { sha256 } from '../lib/hash.ts';
import type { KnowledgeHorizon } from '../lib/knowledge-horizon.ts';
import { sleep } from '../lib/limits.ts';
import { phaseMs } from './back-off.ts';
import { EarlyLooks } from './early-looks.ts';
import { Gate } from '../lib/gate.ts';
import { HeldCache } from './held-cache.ts';
import type { TakeObservations } from './pending-observations.ts';
import type { PollEvent, SourceStatus } from './poll-event.ts';
import { restoreTarget, type RestoreCommand, type RestoreOutcome } from './restore.ts';
import type { OpenSource } from './source-config.ts';
import { SourcePoller } from './source-poller.ts';

export interface PollingHostOptions {
  readonly sources: readonly OpenSource[];
  readonly queue: Queue;
  readonly clock: Clock;
  /** Where it is announced that observations are being written. */
  readonly horizon: KnowledgeHorizon;
  /** Called with everything that polls establish. */
  readonly onObservations: TakeObservations;
  readonly onEvent: (event: PollEvent) => void;
  /** Parts that each target held before this process started (from the store), so that ended ones are noticed. */
  readonly partsBefore?: ReadonlyMap<string, readonly string[]>;
  readonly limits?: Partial<PollingLimits>;
}

export interface PollingLimits {
  /** Sources that are read at the same time; each sends at most eight requests at once. */
  readonly sourcesAtOnce: number;
  /** Memory for what targets held, over all sources. */
  readonly cacheBytesMax: number;
  /** Longest wait after a tick, to spread sources with the same interval. */
  readonly phaseMsMax: number;
  readonly missingPauseMs: number;
  /** A watched target is looked at when it has been quiet this long. */
  readonly watchQuietMs: number;
}

const DEFAULT_LIMITS: PollingLimits = {
  // So many hung sources may wait for their time-outs before they hold up others.
  sourcesAtOnce: 32,
  // Ten thousand prompts of 5 KB take about 120 MB in memory; beyond that they are read in full.
  cacheBytesMax: 128 * 1024 * 1024,
  phaseMsMax: 5_000,
  // Longer than a rename takes, shorter than anybody notices.
  missingPauseMs: 300,
  watchQuietMs: 100,
};

const POLL = 'poll';
// However busy a file is, it is looked at this often.
const WATCH_LONGEST_MS = 1_000;
const WATCH_AGAIN_MS = 5_000;
const FIRST_POLL_RETRY_MS = 2_000;
const WATCH_AGAIN_MS_MAX = 300_000;
// Longer than a place that is away needs to refuse.
const WATCH_HOLDS_MS = 30_000;

export interface TargetDescription {
  readonly id: string;
  readonly prompt: string;
  readonly environment: string;
  readonly source: string;
  readonly sourceType: string;
  readonly canRestore: boolean;
}

export class PollingHost implements Component {
  readonly name = 'polling';
  readonly #options: PollingHostOptions;
  readonly #limits: PollingLimits;
  readonly #pollers: ReadonlyMap<string, SourcePoller>;
  readonly #stopping = new AbortController();
  readonly #background = new Set<Promise<void>>();
  #started = false;

  constructor(options: PollingHostOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    const shared = {
      clock: options.clock,
      horizon: options.horizon,
      cache: new HeldCache(this.#limits.cacheBytesMax),
      gate: new Gate(this.#limits.sourcesAtOnce),
      onObservations: options.onObservations,
      onEvent: options.onEvent,
      missingPauseMs: this.#limits.missingPauseMs,
      partsBefore: options.partsBefore ?? new Map<string, readonly string[]>(),
    };
    this.#pollers = new Map(options.sources.map((source) => [source.name, new SourcePoller(source, shared)]));
  }

  /** Registers with the queue: call before the queue starts. The first polls come from the queue, at once. */
  async start(): Promise<void> {
    if (this.#started) return;
    this.#started = true;
    // A handler per source may wait for its phase or its turn without holding up another source.
    this.#options.queue.handle(POLL, Math.max(1, this.#pollers.size), (job) => this.#onJob(job));
    const names: string[] = [];
    for (const { source } of this.#pollers.values()) {
      if (source.targets.length === 0) continue;
      this.#options.queue.every(POLL, source.name, source.everyMs, { source: source.name });
      names.push(source.name);
    }
    // Redis may be away: then they come when it is back.
    if (!(await this.#addFirstPolls(names))) this.#inBackground(this.#addFirstPollsLater(names).catch(() => undefined));
    for (const poller of this.#pollers.values()) {
      if (poller.source.source.watch !== undefined) this.#inBackground(this.#watch(poller));
    }
  }

  /** Takes the names out that were added. False: the queue can't be reached now. */
  async #addFirstPolls(names: string[]): Promise<boolean> {
    try {
      for (let [source] = names; source !== undefined; [source] = names) {
        await this.#options.queue.add(POLL, { source, first: true });
        names.shift();
      }
      return true;
    } catch (error) {
      if (isTransient(error)) return false;
      throw error;
    }
  }

  async #addFirstPollsLater(names: string[]): Promise<void> {
    const { signal } = this.#stopping;
    do await sleep(FIRST_POLL_RETRY_MS, signal);
    while (!(await this.#addFirstPolls(names)));
  }

  async stop(deadlineMs: number): Promise<void> {
    if (!this.#stopping.signal.aborted) {
      for (const name of this.#pollers.keys()) this.#options.queue.cancel(POLL, name);
      this.#stopping.abort(new Fault('transient', 'Plumbline is stopping.'));
    }
    const deadline = new AbortController();
    const closed = Promise.allSettled(this.#background).then(() =>
      Promise.allSettled([...this.#pollers.values()].map(async (poller) => poller.source.source.close?.())),
    );
    await Promise.race([closed, sleep(deadlineMs, deadline.signal).catch(() => undefined)]);
    deadline.abort();
  }

  statuses(): readonly SourceStatus[] {
    return [...this.#pollers.values()].map((poller) => poller.status);
  }

  targets(): readonly TargetDescription[] {
    return [...this.#pollers.values()].flatMap(({ source }) =>
      source.targets.map(({ id, prompt }) => ({
        id,
        prompt,
        environment: source.environment,
        source: source.name,
        sourceType: source.type,
        canRestore: source.source.restore !== undefined,
      })),
    );
  }

  /** Looks at targets at once, in this process, and records what it sees. Unknown ids are a `config` fault. */
  async pollNow(targetIds: readonly string[], signal?: AbortSignal): Promise<readonly Observation[]> {
    const perSource = new Map<SourcePoller, string[]>();
    for (const id of targetIds) {
      const { poller } = this.#find(id);
      perSource.set(poller, [...(perSource.get(poller) ?? []), id]);
    }
    const looks = await Promise.all(
      [...perSource].map(([poller, ids]) => poller.look(ids, this.#signal(signal), true)),
    );
    return looks.flatMap((look) => look.observations);
  }

  /** Puts a registered version back, reads what is there afterwards, and records it. See `restore.ts`. */
  async restore(targetId: string, command: RestoreCommand, signal?: AbortSignal): Promise<RestoreOutcome> {
    const { poller, target } = this.#find(targetId);
    return restoreTarget(poller, target, command, this.#signal(signal));
  }

  /** True for a source that pushes and has what it takes to check a push. */
  takesPushes(sourceName: string): boolean {
    return this.#source(sourceName).source.source.webhook !== undefined;
  }

  /** Checks a push and looks at the targets it names. Returns their ids; the look goes on in the background. */
  async receiveWebhook(sourceName: string, request: WebhookRequest): Promise<readonly string[]> {
    const poller = this.#source(sourceName);
    const { webhook } = poller.source.source;
    if (webhook === undefined) {
      throw new Fault('permanent', `The source ${sourceName} takes no webhooks.`, { hint: 'It is polled only.' });
    }
    const ids = await webhook.receive(request, poller.source.targets);
    if (ids.length > 0) this.#inBackground(this.#lookEarly(poller, ids));
    return ids;
  }

  /** The names of the sources that are also registries. */
  registries(): readonly string[] {
    return [...this.#pollers.values()]
      .filter(({ source }) => source.source.versions !== undefined)
      .map((p) => p.source.name);
  }

  /** The registered history of a source, oldest first. */
  versions(
    sourceName: string,
    ...[since, signal, isKnown]: Parameters<VersionsPower['list']>
  ): ReturnType<VersionsPower['list']> {
    const { versions } = this.#source(sourceName).source.source;
    if (versions === undefined) throw new Fault('config', `The source ${sourceName} has no registered versions.`);
    return versions.list(since, this.#signal(signal), isKnown);
  }

  /** Everything a source holds that looks like a prompt. */
  discover(sourceName: string, signal?: AbortSignal): ReturnType<DiscoverPower['discover']> {
    const { discover } = this.#source(sourceName).source.source;
    if (discover === undefined) throw new Fault('config', `The source ${sourceName} can't list what it holds.`);
    return discover.discover(this.#signal(signal));
  }

  async #onJob(job: Job): Promise<void> {
    const { source: name, first, dueAt } = job.data as Partial<Tick> & { readonly [key: string]: Json };
    const poller = typeof name === 'string' ? this.#pollers.get(name) : undefined;
    // A job of an older configuration, still in a shared queue.
    if (poller === undefined) return;
    const signal = AbortSignal.any([job.signal, this.#stopping.signal]);
    const hash = sha256(poller.source.name).slice('sha256:'.length);
    try {
      if (first !== true) await sleep(phaseMs(hash, poller.source.everyMs, this.#limits.phaseMsMax), signal);
      if (dueAt !== undefined && poller.hasHeardOfAllSince(dueAt)) return;
      await poller.poll(signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** Watches until the host stops; a watch that fails is started again, ever more slowly. Polling goes on. */
  async #watch(poller: SourcePoller): Promise<void> {
    const { signal } = this.#stopping;
    const { name, type, targets, source } = poller.source;
    const looks = new EarlyLooks(this.#limits.watchQuietMs, WATCH_LONGEST_MS, (ids) => {
      this.#inBackground(this.#lookEarly(poller, ids));
    });
    const { clock } = this.#options;
    let waitMs = WATCH_AGAIN_MS;
    while (!signal.aborted) {
      const sinceMs = clock.monotonicMs();
      const holds = setTimeout(() => {
        this.#options.onEvent({ kind: 'watch_holds', source: name, type });
      }, WATCH_HOLDS_MS);
      try {
        await source.watch?.watch(targets, (id) => looks.hint(id), signal);
      } catch (error) {
        if (!signal.aborted) this.#options.onEvent({ kind: 'watch_failed', source: name, type, error });
      } finally {
        clearTimeout(holds);
      }
      // One that went well for long and then ended is no failure that repeats.
      if (clock.monotonicMs() - sinceMs > WATCH_AGAIN_MS_MAX) waitMs = WATCH_AGAIN_MS;
      await sleep(waitMs, signal).catch(() => undefined);
      waitMs = Math.min(2 * waitMs, WATCH_AGAIN_MS_MAX);
    }
    looks.stop();
  }

  async #lookEarly(poller: SourcePoller, ids: Iterable<string>): Promise<void> {
    try {
      await poller.look(ids, this.#stopping.signal, false);
    } catch {
      // Told as an event already; the next poll reads everything again.
    }
  }

  #inBackground(work: Promise<void>): void {
    const tracked: Promise<void> = work.finally(() => this.#background.delete(tracked));
    this.#background.add(tracked);
  }

  #signal(signal: AbortSignal | undefined): AbortSignal {
    return signal === undefined ? this.#stopping.signal : AbortSignal.any([signal, this.#stopping.signal]);
  }

  #source(name: string): SourcePoller {
    const poller = this.#pollers.get(name);
    if (poller !== undefined) return poller;
    const known = [...this.#pollers.keys()].join(', ');
    throw new Fault('config', `There is no source "${name}".`, {
      hint: `Configured: ${known === '' ? 'none' : known}.`,
    });
  }

  #find(targetId: string): { readonly poller: SourcePoller; readonly target: SourceTarget<unknown> } {
    for (const poller of this.#pollers.values()) {
      const target = poller.target(targetId);
      if (target !== undefined) return { poller, target };
    }
    throw new Fault('config', `There is no target "${targetId}".`, {
      hint: '`plumbline status` lists them.',
    });
  }
}
