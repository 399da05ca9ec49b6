/**
 * How long one round over ten thousand targets takes, from the source's answers to stored
 * observations, verdicts and incidents, beside the minute that it may take; and the memory for it.
 * The source answers from memory: what a network adds is measured in `bench/polling.ts`.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { PromptVariant, RegisteredVersion } from '../src/contract/prompt.ts';
import type { JobHandler, Queue, QueueCounts } from '../src/contract/queue.ts';
import type { Reading, SourceTarget } from '../src/contract/source.ts';
import { AttributionDesk } from '../src/daemon/attribution/attribution-desk.ts';
import { RegistryView } from '../src/daemon/registry/registry-view.ts';
import { TargetWatch } from '../src/daemon/targets/target-watch.ts';
import { IncidentDesk } from '../src/incidents/incident-desk.ts';
import { KnowledgeHorizon } from '../src/lib/knowledge-horizon.ts';
import { systemClock } from '../src/lib/time.ts';
import { PollingHost } from '../src/polling/host.ts';
import { Progress } from '../src/polling/progress.ts';
import type { OpenSource } from '../src/polling/source-config.ts';
import { createStore, type Store } from '../src/store/index.ts';
import { migrate } from '../src/store/migrate.ts';
import { openDatabase } from '../src/store/engine/open-database.ts';
import { textBody } from '../src/text/body.ts';
import { contentHashes } from '../src/text/hashes.ts';
import { seededRandom } from './attribution/random.ts';

const TARGETS = 10_000;
const PROMPTS = 2_500;
const VERSIONS_EACH = 2;
/** Issue 5: ten thousand targets polled each minute from one process. */
const BUDGET_MS = 60_000;
const TEXT_WORDS = 450;
const EDITED_EVERY = 100;

interface Round {
  readonly round: string;
  readonly seconds: number;
  readonly ratio_to_budget: number;
  readonly rss_mb: number;
  readonly heap_mb: number;
}

export async function run(args: readonly string[]): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'plumbline-targets-'));
  const rounds: Round[] = [];
  const database = await openDatabase({ path: directory }, '0.0.0-bench', systemClock);
  try {
    await migrate(database, systemClock);
    const store = createStore(database, systemClock);
    rounds.push(roundOf('an open store, and nothing else', 0));
    const place = new Place();
    const measure = async (round: string, work: () => Promise<unknown>): Promise<void> => {
      const startMs = performance.now();
      await work();
      rounds.push(roundOf(round, performance.now() - startMs));
    };
    const first = await daemonParts(store, place);
    rounds.push(roundOf('the registry, the place and its texts', 0));
    await measure('first look at everything', first.poll);
    await measure('nothing changed, told by cursors', first.poll);
    place.givesCursors = false;
    await measure('nothing changed, read in full', first.poll);
    await measure('nothing changed, read in full again', first.poll);
    place.edit();
    await measure(`every ${EDITED_EVERY}th was edited`, first.poll);
    await measure('the edits are still there', first.poll);
    await measure('one pin moved, all registered anew', () => first.movePin());
    const second = await daemonParts(store, place);
    await measure('first look after a restart', second.poll);
    print(rounds, args.includes('--json'));
  } finally {
    await database.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** A place like a folder of files: says what each target holds, from memory. */
class Place {
  givesCursors = true;
  readonly texts = new Map<string, string>();
  readonly versions: readonly RegisteredVersion[];

  constructor() {
    const random = seededRandom(7);
    const words = Array.from({ length: 3_000 }, () => random.below(36 ** 6).toString(36));
    const text = (): string => Array.from({ length: TEXT_WORDS }, () => random.pick(words)).join(' ');
    this.versions = Array.from({ length: PROMPTS * VERSIONS_EACH }, (_, index) =>
      registered(`team.prompt-${index % PROMPTS}`, Math.floor(index / PROMPTS) + 1, text()),
    );
    for (const [index, id] of targetIds().entries()) {
      const newest = this.versions[PROMPTS * (VERSIONS_EACH - 1) + (index % PROMPTS)];
      const { body } = (newest as RegisteredVersion).variants[0];
      this.texts.set(id, body.kind === 'text' ? body.text : '');
    }
  }

  edit(): void {
    let index = 0;
    for (const [id, text] of this.texts) {
      if (index % EDITED_EVERY === 0) this.texts.set(id, text.replace(/^\S+ \S+/, 'Never mind'));
      index += 1;
    }
  }

  readonly read = async function* (
    this: Place,
    targets: readonly SourceTarget<unknown>[],
    known: ReadonlyMap<string, string>,
  ): AsyncGenerator<Reading> {
    for (const { id } of targets) {
      if (this.givesCursors && known.get(id) === '1') yield { outcome: 'unchanged', target: id };
      else {
        // As read from a disk: another string each time, with the same characters.
        const text = Buffer.from(this.texts.get(id) ?? '').toString();
        const contents = [{ body: textBody(text), settings: { model: 'model-a' } }] as const;
        yield { outcome: 'held', target: id, contents, ...(this.givesCursors ? { cursor: '1' } : {}) };
      }
    }
  };
}

/** A queue in which everything is due when the bench says so. */
class Ticks implements Queue {
  readonly #handlers = new Map<string, JobHandler>();

  async tick(name: string): Promise<void> {
    const job = { id: '1', name, data: { source: 'place', first: true }, attempt: 1, attemptsMax: 1 };
    await this.#handlers.get(name)?.({ ...job, signal: new AbortController().signal });
  }

  handle(name: string, _concurrency: number, handler: JobHandler): void {
    this.#handlers.set(name, handler);
  }

  readonly add = async (): Promise<boolean> => true;
  readonly every = (): void => undefined;
  readonly cancel = (): void => undefined;
  readonly start = async (): Promise<void> => undefined;
  readonly stop = async (): Promise<void> => undefined;
  readonly counts = async (): Promise<QueueCounts> => ({ waiting: 0, delayed: 0, active: 0, failed: 0, refused: 0 });
}

async function daemonParts(store: Store, place: Place) {
  let view = viewOf(place, 0);
  const desk = new AttributionDesk(() => view);
  desk.register(place.versions);
  const queue = new Ticks();
  const incidents = new IncidentDesk({
    incidents: store.incidents,
    announcer: { prepare: async () => [], dispatch: async () => undefined },
    countAffected: async () => 0,
    queue,
    clock: systemClock,
    onProblem: (_message, error) => {
      throw error;
    },
  });
  const watch = new TargetWatch(await store.observations.latest(), {
    observations: store.observations,
    verdicts: store.verdicts,
    clock: systemClock,
    registry: () => view,
    attribute: (query) => desk.attribute(query),
    near: (query) => desk.near(query),
    onFindings: async (findings) => {
      await incidents.take(findings);
    },
    onUnregistered: (held) => {
      desk.learn(held);
    },
    judgesAlone: true,
  });
  const host = new PollingHost({
    sources: [sourceOf(place)],
    queue,
    clock: systemClock,
    horizon: new KnowledgeHorizon(systemClock),
    onObservations: (batch) => watch.take(batch),
    onEvent: (event) => {
      if (event.kind === 'bug' || event.kind === 'not_recorded') throw event.error;
    },
    partsBefore: watch.partsBefore(),
  });
  await host.start();
  return {
    poll: () => queue.tick('poll'),
    movePin: async (): Promise<void> => {
      view = viewOf(place, 1);
      await watch.judgeAgain(new Set(['team.prompt-0']));
      await queue.tick('poll');
    },
  };
}

function viewOf(place: Place, stalePins: number): RegistryView {
  const newest = place.versions.slice(-PROMPTS);
  const pins = newest.map((version, index) => ({
    environment: 'production',
    prompt: version.prompt,
    version: index < stalePins ? '1' : version.version,
    hash: (index < stalePins ? (place.versions[index] as RegisteredVersion) : version).variants[0].hashes.strict,
    rule: 'lockfile',
    origin: { file: 'prompts.lock.yaml', line: index },
    since: null,
    by: null,
  }));
  return new RegistryView({ versions: place.versions, pins });
}

function registered(prompt: string, number: number, text: string): RegisteredVersion {
  const body = textBody(text);
  const settings = { model: 'model-a' };
  const variant: PromptVariant = { model: 'model-a', body, format: 'jinja2', settings, hashes: contentHashes(body) };
  return {
    prompt,
    version: String(number),
    parent: number === 1 ? null : String(number - 1),
    owner: 'team',
    tags: ['bench'],
    isComponent: false,
    variants: [variant],
    components: [],
    metrics: {},
    registry: 'files',
    origin: { file: `prompts/${prompt}.yaml`, line: 1 },
    registeredAt: null,
    author: null,
  };
}

function targetIds(): readonly string[] {
  return Array.from({ length: TARGETS }, (_, index) => `place/target-${index}`);
}

function sourceOf(place: Place): OpenSource {
  return {
    name: 'place',
    type: 'files',
    environment: 'production',
    everyMs: BUDGET_MS,
    timeoutMs: BUDGET_MS,
    source: { live: { read: (targets, known) => place.read(targets, known) } },
    targets: targetIds().map((id, index) => ({ id, prompt: `team.prompt-${index % PROMPTS}`, config: {} })),
    progress: new Progress(),
    redact: (text) => text,
  };
}

setFlagsFromString('--expose-gc');
/** What is held, not what was thrown away. */
const collectGarbage = runInNewContext('gc') as () => void;

function roundOf(round: string, elapsedMs: number): Round {
  collectGarbage();
  const { rss, heapUsed } = process.memoryUsage();
  const megabytes = (bytes: number): number => Math.round(bytes / 1024 / 1024);
  return {
    round,
    seconds: Number((elapsedMs / 1_000).toFixed(2)),
    ratio_to_budget: Number((elapsedMs / BUDGET_MS).toFixed(3)),
    rss_mb: megabytes(rss),
    heap_mb: megabytes(heapUsed),
  };
}

function print(rounds: readonly Round[], isJson: boolean): void {
  if (isJson) {
    console.log(
      JSON.stringify({ targets: TARGETS, versions: PROMPTS * VERSIONS_EACH, budget_s: BUDGET_MS / 1_000, rounds }),
    );
    return;
  }
  console.log(
    `${TARGETS} targets, ${PROMPTS * VERSIONS_EACH} registered versions; a round may take ${BUDGET_MS / 1_000} s`,
  );
  for (const { round, seconds, ratio_to_budget: ratio, rss_mb: rss, heap_mb: heap } of rounds)
    console.log(
      `${round.padEnd(36)} ${String(seconds).padStart(7)} s  ${String(ratio).padStart(6)} of it  ${rss} MB resident, ${heap} MB heap`,
    );
}
