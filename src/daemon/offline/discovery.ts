/** Looks through everything that a source holds, without the daemon, and writes what the user confirms. */

import { readFile } from 'node:fs/promises';
import { createAttributor } from '../../attribution/index.ts';
import type { Discovery, DiscoveryReport, FoundPrompt } from '../../cli/discovery-report.ts';
import { addTargets } from '../../config/edit-targets.ts';
import type { Configuration, SourceConfiguration } from '../../config/configuration.ts';
import { describeError, Fault } from '../../contract/fault.ts';
import type { RegisteredVersion } from '../../contract/prompt.ts';
import { closest } from '../../lib/closest.ts';
import { canonicalJson } from '../../lib/json.ts';
import { formatProblems, type Problem } from '../../lib/problems.ts';
import type { OpenSource } from '../../polling/source-config.ts';
import { planLock, writeLockFile, type LockPlan } from '../../registry/lock.ts';
import { isLockable } from '../../registry/lockfile.ts';
import { planDiscovery, type DiscoveredItem } from './discovery-plan.ts';
import { asNew, queryOf, registerFirst, writeFirst } from './first-versions.ts';
import { openConfiguredSources } from '../targets/open-configured-sources.ts';
import { readWholeRegistry, type WholeRegistry } from './whole-registry.ts';

export interface DiscoverOptions {
  readonly configuration: Configuration;
  readonly source: string;
  readonly includesUnregistered: boolean;
  /** Who owns what nobody registered: then it is registered, as YAML files. Null: it is only told. */
  readonly owner: string | null;
  /** What is wrong with a new text of the configuration, before it is written. */
  readonly check: (text: string) => readonly Problem[];
}

/** More than anybody keeps in one place; what comes after is said to be left out. */
const FOUND_MAX = 10_000;

/** Throws a `Fault` when the source or a registry can't be read. */
export async function discover(options: DiscoverOptions): Promise<Discovery> {
  const { configuration } = options;
  const configured = findConfigured(configuration, options.source);
  const sources = openConfiguredSources(configuration);
  // A verb ends with its process.
  const { signal } = new AbortController();
  try {
    const source = sources.find(({ name }) => name === configured.name);
    if (source === undefined) throw new Error(`The configuration let the source ${configured.name} through.`);
    const registry = await readWholeRegistry(configuration, sources, signal);
    const looked = await readItems(source, registry, signal);
    const plan = (items: readonly DiscoveredItem[], versions: readonly RegisteredVersion[]) =>
      planDiscovery(items, {
        source: source.name,
        versions: versions.filter((version) => !version.isComponent),
        watched: new Set(configured.targets.map(({ prompt }) => prompt)),
        isWatched: (item) => isConfigured(item, configured),
        includesUnregistered: options.includesUnregistered,
      });
    const before = plan(looked.items, registry.versions);
    const fresh = looked.items.filter((_, index) => before[index]?.status === 'unregistered');
    const first = registerFirst(looked.items, new Set(fresh), source.type, registry, options);
    const { versions } = first;
    const planned = first.written.length === 0 ? before : plan(first.items, versions);
    const all = { ...registry, versions, present: registry.present.union(first.ids) };
    const lock = planPins(planned, all, configured.environment, configuration.lockFile);
    const report: DiscoveryReport = {
      source: source.name,
      environment: configured.environment,
      found: planned.map((prompt) => asNew(prompt, first)),
      prompts: first.written.map(({ file, version }) => ({ prompt: version.prompt, file })),
      pins: lock.plan.changes,
      notes: [...registry.notes, ...looked.notes, ...first.notes, ...lock.notes, ...lock.plan.refusals],
    };
    return {
      report,
      write: async () => [...(await writeFirst(first)), ...(await write(report, lock.plan, options))],
    };
  } finally {
    for (const { source } of sources) await source.close?.();
  }
}

function findConfigured({ sources }: Configuration, name: string): SourceConfiguration {
  const found = sources.find((source) => source.name === name);
  if (found !== undefined) return found;
  const names = sources.map((source) => source.name);
  const similar = closest(name, names);
  throw new Fault('config', `There is no source ${name} in the configuration.`, {
    hint:
      similar === null
        ? `Configured: ${names.length === 0 ? 'none' : names.join(', ')}. \`plumbline init --source TYPE\` writes a first one.`
        : `Did you mean ${similar}?`,
  });
}

async function readItems(
  { name, type, source, redact }: OpenSource,
  registry: WholeRegistry,
  signal: AbortSignal,
): Promise<{ readonly items: readonly DiscoveredItem[]; readonly notes: readonly string[] }> {
  if (source.discover === undefined) {
    throw new Fault('config', `${name} (${type}) can't list what it holds, as it is configured.`, {
      hint: 'Some types need a key `discover` that says where to look; docs/sources.md says which. Else write the targets by hand.',
    });
  }
  const attributor = createAttributor();
  attributor.addAll(registry.versions.filter((version) => !version.isComponent));
  const items: DiscoveredItem[] = [];
  try {
    for await (const item of source.discover.discover(signal)) {
      if (items.length === FOUND_MAX) return { items, notes: [`Only the first ${FOUND_MAX} were looked at.`] };
      const query = queryOf(item.content);
      const attribution = attributor.attribute(query);
      const isKnown = attribution.matches.some((match) => match.hash !== null);
      const target = item.target as object;
      items.push({ ...item, target, attribution, near: isKnown ? [] : attributor.near(query) });
    }
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    throw new Fault(error.kind, `${name} can't be looked through: ${redact(describeError(error))}`);
  }
  return { items, notes: [] };
}

/** The plugin's view of both: it fills in what the user left out. */
function isConfigured(item: DiscoveredItem, configured: SourceConfiguration): boolean {
  return configured.targets.some(({ config }) => {
    const told = Object.entries(item.target as Readonly<Record<string, unknown>>);
    const keys = config as Readonly<Record<string, unknown>>;
    return told.length > 0 && told.every(([key, value]) => canonicalJson(keys[key] ?? null) === canonicalJson(value));
  });
}

/** What is live now and registered is what should be live; a pin that is there stays. */
function planPins(
  found: readonly FoundPrompt[],
  { locked, versions, present }: WholeRegistry,
  environment: string,
  lockFile: string | null,
): { readonly plan: LockPlan; readonly notes: readonly string[] } {
  const nothing: LockPlan = { text: '', changes: [], refusals: [] };
  const pinned = locked?.get(environment);
  const wanted = found.flatMap(({ prompt, version, status }) => {
    const isSure = status === 'matched' || status === 'watched';
    return prompt === null || version === null || !isSure || pinned?.has(prompt) === true ? [] : [{ prompt, version }];
  });
  if (wanted.length === 0) return { plan: nothing, notes: [] };
  if (lockFile === null)
    return { plan: nothing, notes: ['Nothing is pinned: add `lock: ./prompts.lock.yaml` to plumbline.yaml.'] };
  const requests = wanted.filter(({ prompt, version }) => isLockable(prompt, version));
  const unlockable = wanted.length - requests.length;
  const notes =
    unlockable === 0 ? [] : [`${unlockable} can't be pinned: a lockfile takes no such names of prompts or versions.`];
  if (requests.length === 0) return { plan: nothing, notes };
  const plan = planLock({ locked, versions, present, environment, requests });
  return { plan, notes: [...notes, ...plan.refusals] };
}

/** The configuration first: pins of what is not watched would mean nothing. */
async function write(
  { source, found }: DiscoveryReport,
  plan: LockPlan,
  { configuration, check }: DiscoverOptions,
): Promise<readonly string[]> {
  const written: string[] = [];
  const targets = found.flatMap(({ target }) => target ?? []);
  if (targets.length > 0) {
    const { file } = configuration;
    if (file === null) throw new Fault('config', 'There is no configuration to write to.');
    const text = addTargets(await readFile(file, 'utf8'), source, targets);
    const problems = check(text);
    if (problems.length > 0) {
      throw new Fault('config', `The configuration would have problems:\n${formatProblems(problems)}`, {
        hint: 'Nothing was written. Paste what you need by hand.',
      });
    }
    await writeLockFile(file, text);
    written.push(file);
  }
  if (plan.changes.length > 0 && configuration.lockFile !== null) {
    await writeLockFile(configuration.lockFile, plan.text);
    written.push(configuration.lockFile);
  }
  return written;
}
