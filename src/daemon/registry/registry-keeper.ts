/**
 * Keeps what is registered up to date: loads the registry, records what is new, and tells when what
 * is expected has changed. A registry that can't be read keeps its last good state.
 */

import type { Component } from '../../contract/component.ts';
import { describeError } from '../../contract/fault.ts';
import type { Pin, RegisteredVersion } from '../../contract/prompt.ts';
import type { RegistryLog, TamperedVersion } from '../../contract/store.ts';
import type { Timestamp } from '../../contract/time.ts';
import { canonicalJson } from '../../lib/json.ts';
import type { KnowledgeHorizon } from '../../lib/knowledge-horizon.ts';
import type { Problem } from '../../lib/problems.ts';
import { formatProblem } from '../../lib/problems.ts';
import { addMillis } from '../../lib/time.ts';
import { TroubleLog } from '../../lib/trouble-log.ts';
import type { Log } from '../../observability/log.ts';
import { Gate } from '../../lib/gate.ts';
import { compareVersions } from '../../registry/version-order.ts';
import { EMPTY_VIEW, RegistryView } from './registry-view.ts';

/** What one look at the registries gave. */
export interface RegistryLoad {
  readonly snapshot: RegistryView['snapshot'];
  /** Registries that had not been read to their end. */
  readonly unread?: readonly string[];
  readonly problems: readonly Problem[];
  readonly notes: readonly string[];
  /** Those of the notes that somebody should do something about. */
  readonly warnings?: readonly string[];
  /** Versions whose content in the files or their history is not what it was at first. */
  readonly tampered: readonly TamperedVersion[];
  /** Rules of pins that were read completely, also when they hold no pin: `lockfile`. */
  readonly rules: readonly string[];
  /** What labels of registries pin. */
  readonly labels?: {
    readonly rules: readonly string[];
    pins(find: (registry: string, prompt: string, version: string) => RegisteredVersion | null): readonly Pin[];
  };
}

export interface RegistryKeeperOptions {
  /** Gives the same object again when nothing changed. */
  readonly load: () => Promise<RegistryLoad>;
  readonly store: RegistryLog;
  readonly horizon: KnowledgeHorizon;
  readonly log: Log;
  /** Aborted when the daemon stops, which is before it stops this. What fails from then on is not told. */
  readonly stopping: AbortSignal;
  /** New versions, before `onChanged` is called. */
  readonly onVersions: (versions: readonly RegisteredVersion[]) => void;
  /** What is expected of these prompts changed. */
  readonly onChanged: (prompts: ReadonlySet<string>) => Promise<void>;
  /** All registered versions whose content is not what it was; none when all are intact. */
  readonly onTampered: (tampered: readonly TamperedVersion[]) => Promise<void>;
}

/** What a load brought. */
interface News {
  readonly loaded: RegistryLoad;
  readonly changed: ReadonlySet<string>;
  readonly tampered: readonly TamperedVersion[];
}

/** Files are looked at this often; a change of a pin is urgent for nobody. */
const RELOAD_EVERY_MS = 5_000;
/** While there are pins of times to come: these count for so long at most when they come. */
const RECORD_AGAIN_MS = 60_000;
const RELOAD = 'reload';
const LOOK = 'look';

export class RegistryKeeper implements Component {
  readonly name = 'registry';
  readonly #options: RegistryKeeperOptions;
  #view: RegistryView = EMPTY_VIEW;
  #timer: NodeJS.Timeout | null = null;
  #reloading: Promise<void> | null = null;
  #problems = '';
  /** What was recorded completely; the same object again means that nothing changed. */
  #loaded: RegistryLoad | null = null;
  #recordAgainAt: Timestamp | null = null;
  #notes = new Set<string>();
  readonly #known = new Map<string, string>();
  readonly #oneAtATime = new Gate(1);
  readonly #troubles: TroubleLog;

  constructor(options: RegistryKeeperOptions) {
    this.#options = options;
    this.#troubles = new TroubleLog(options.log);
  }

  get view(): RegistryView {
    return this.#view;
  }

  async start(): Promise<void> {
    await this.reload();
    this.#timer = setInterval(() => {
      // A reload that takes longer than the interval is not started twice.
      this.#reloading ??= this.reload()
        .catch((error: unknown) => this.#tellFailure(error))
        .finally(() => {
          this.#reloading = null;
        });
    }, RELOAD_EVERY_MS);
  }

  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#reloading;
  }

  /** Loads and records now. */
  reload(): Promise<void> {
    return this.#oneAtATime.run(async () => {
      const news = await this.#takeOver();
      if (news !== null) await this.#tell(news);
      this.#troubles.over(RELOAD, 'the registry is read and recorded again');
    });
  }

  /** Records what is loaded with the time of now: what is known of it may have a time that is still to come. */
  recordAgain(): Promise<void> {
    this.#loaded = null;
    return this.reload();
  }

  /**
   * Makes a change that what is loaded depends on, loads, does the work, and only then judges anew:
   * for work that brings what must be judged together with the change.
   */
  reloadAround(change: () => void, work: () => Promise<void>): Promise<void> {
    return this.#oneAtATime.run(async () => {
      change();
      let news: News | null = null;
      try {
        news = await this.#takeOver();
      } catch (error) {
        // What is registered could not be recorded now; what is observed is judged all the same.
        this.#tellFailure(error);
      }
      await work();
      if (news !== null) await this.#tell(news);
    });
  }

  #tellFailure(error: unknown): void {
    // What a reload needs is being stopped too, and the next start loads anyway.
    if (this.#options.stopping.aborted) return;
    const message = 'the registry could not be reloaded';
    this.#troubles.failed(RELOAD, { level: 'error', message, reason: describeError(error) });
  }

  /** Loads, records, and expects from now on what was loaded. Null when it is what it was. */
  async #takeOver(): Promise<News | null> {
    const { load, log, stopping, horizon } = this.#options;
    const lookedAt = horizon.reached();
    const loaded = await load();
    // What was read while its reading was cut off says nothing of the registry.
    stopping.throwIfAborted();
    if (loaded === this.#loaded && (this.#recordAgainAt === null || lookedAt < this.#recordAgainAt)) {
      await this.#noteLook(loaded.rules, lookedAt);
      return null;
    }
    this.#report(loaded, log);
    const { tampered, versions, pins } = await this.#record(loaded, lookedAt);
    await this.#noteLook(loaded.rules, lookedAt);
    const view = new RegistryView({ versions, pins }, loaded.unread);
    const changed = this.#changedPrompts(view);
    const fresh = versions.filter((version) => this.#isNew(version));
    this.#view = view;
    if (fresh.length > 0) this.#options.onVersions(fresh);
    return { loaded, changed, tampered: distinct(tampered) };
  }

  /** Without it an interval is wider, and nothing else. */
  async #noteLook(rules: readonly string[], lookedAt: Timestamp): Promise<void> {
    const { store, horizon } = this.#options;
    const learning = horizon.begin();
    try {
      await store.readAgain(rules, lookedAt, learning.at);
      this.#troubles.over(LOOK, 'that the registry is read is noted again');
    } catch (error) {
      const message = 'that the registry was read could not be noted';
      this.#troubles.failed(LOOK, { level: 'warn', message, reason: describeError(error) });
    } finally {
      learning.end();
    }
  }

  async #record(loaded: RegistryLoad, lookedAt: Timestamp) {
    const { store, horizon } = this.#options;
    const { snapshot, rules, labels } = loaded;
    const learning = horizon.begin();
    try {
      const tampered = [...(await store.recordVersions(snapshot.versions, learning.at)), ...loaded.tampered];
      const versions = mergeVersions(await this.#remembered(snapshot.versions), snapshot.versions);
      const pins = [...snapshot.pins, ...labelPins(loaded, versions)];
      const isAhead = await store.recordPins(pins, learning.at, [...rules, ...(labels?.rules ?? [])], lookedAt);
      this.#recordAgainAt = isAhead ? addMillis(lookedAt, RECORD_AGAIN_MS) : null;
      return { tampered, versions, pins };
    } finally {
      // What could not be recorded gets a new time with the next load.
      learning.end();
    }
  }

  async #tell({ loaded, changed, tampered }: News): Promise<void> {
    if (changed.size > 0) await this.#options.onChanged(changed);
    await this.#options.onTampered(tampered);
    this.#loaded = loaded;
  }

  /** Versions that the files no longer show but that were registered once: a target may still hold them. */
  async #remembered(loaded: readonly RegisteredVersion[]): Promise<readonly RegisteredVersion[]> {
    const present = new Set(loaded.map(versionKey));
    const unseen = loaded.some((version) => !this.#known.has(versionKey(version))) || this.#known.size === 0;
    // What the store has grows only by what we record: one reading at the start is enough.
    if (!unseen) return this.#view.snapshot.versions.filter((version) => !present.has(versionKey(version)));
    return (await this.#options.store.versions()).filter((version) => !present.has(versionKey(version)));
  }

  #isNew(version: RegisteredVersion): boolean {
    const key = versionKey(version);
    const content = canonicalJson(version.variants.map((variant) => variant.hashes.strict));
    if (this.#known.get(key) === content) return false;
    this.#known.set(key, content);
    return true;
  }

  #changedPrompts(next: RegistryView): ReadonlySet<string> {
    const prompts = new Set(
      [...this.#view.snapshot.versions, ...next.snapshot.versions].map((version) => version.prompt),
    );
    for (const pin of [...this.#view.snapshot.pins, ...next.snapshot.pins]) prompts.add(pin.prompt);
    return new Set([...prompts].filter((prompt) => identity(this.#view, prompt) !== identity(next, prompt)));
  }

  /** What a person should know of the last reading; null when nothing was wrong. */
  get problem(): string | null {
    const failure = this.#troubles.reason(RELOAD);
    if (failure !== null) return `The registry could not be reloaded: ${failure}`;
    return this.#problems === '' ? null : 'The registry has problems: `plumbline validate` and the log list them.';
  }

  #report(loaded: RegistryLoad, log: Log): void {
    const problems = loaded.problems.map(formatProblem).join('\n');
    if (problems !== '' && problems !== this.#problems) {
      for (const problem of loaded.problems) log.error(`registry: ${formatProblem(problem)}`);
    }
    if (problems === '' && this.#problems !== '') log.info('registry: all problems are gone');
    this.#problems = problems;
    for (const note of loaded.notes) {
      if (this.#notes.has(note)) continue;
      if (loaded.warnings?.includes(note) === true) log.warn(`registry: ${note}`);
      else log.info(`registry: ${note}`);
    }
    this.#notes = new Set(loaded.notes);
  }
}

function versionKey(version: Pick<RegisteredVersion, 'registry' | 'prompt' | 'version'>): string {
  return `${version.registry}\n${version.prompt}\n${version.version}`;
}

/** What is remembered of a version stands behind what a registry says of it now. */
function mergeVersions(
  remembered: readonly RegisteredVersion[],
  loaded: readonly RegisteredVersion[],
): readonly RegisteredVersion[] {
  const present = new Set(loaded.map(({ prompt, version }) => `${prompt}\n${version}`));
  const gone = remembered.filter(({ prompt, version }) => !present.has(`${prompt}\n${version}`));
  return [...gone, ...loaded].toSorted((a, b) => compareVersions(a.version, b.version));
}

function labelPins({ labels }: RegistryLoad, versions: readonly RegisteredVersion[]): readonly Pin[] {
  if (labels === undefined) return [];
  const known = new Map(versions.map((version) => [versionKey(version), version]));
  return labels.pins((registry, prompt, version) => known.get(versionKey({ registry, prompt, version })) ?? null);
}

/** All that a judgement about a prompt depends on. */
function identity(view: RegistryView, prompt: string): string {
  const versions = view
    .versionsOf(prompt)
    .map((version) => [versionKey(version), version.owner, version.variants.map((variant) => variant.hashes.strict)]);
  const pins = view.snapshot.pins
    .filter((pin) => pin.prompt === prompt)
    .map((pin) => [pin.environment, pin.version, pin.hash, pin.rule]);
  return canonicalJson([versions, pins]);
}

/** The same version may be reported by the store and by the history of its file. */
function distinct(tampered: readonly TamperedVersion[]): readonly TamperedVersion[] {
  return [
    ...new Map(
      tampered.map((version) => [`${version.registry}\n${version.prompt}\n${version.version}`, version]),
    ).values(),
  ];
}
