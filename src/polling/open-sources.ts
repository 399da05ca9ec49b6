/**
 * From configured sources to sources that can be asked: finds each plugin, parses what belongs to
 * it, and gives it a `fetch` with the host's limits. Tells all problems at once. No I/O.
 */

import { join } from 'node:path';
import type { z } from 'zod';
import { Fault } from '../contract/fault.ts';
import type { AnySourcePlugin, Source, SourceTarget } from '../contract/source.ts';
import { boundedFetch, DEFAULT_FETCH_LIMITS } from '../lib/http.ts';
import { sleep } from '../lib/limits.ts';
import { redactor } from '../lib/redact.ts';
import { Budget } from './budget.ts';
import { Gate } from '../lib/gate.ts';
import { Progress } from './progress.ts';
import { secretValues } from './secret-fields.ts';
import type { OpenSource, SourceConfig } from './source-config.ts';

export interface OpenSourcesOptions {
  /** Directory that relative paths start from: that of the configuration file. */
  readonly baseDirectory: string;
  /** Each source gets a directory of its own below it. */
  readonly cacheDirectory: string;
  /** Of one response. */
  readonly bodyBytesMax?: number;
  /** Environment for programs that a plugin starts, such as git. */
  readonly childEnvironment?: Readonly<Record<string, string | undefined>>;
  readonly fetch?: typeof globalThis.fetch;
}

// A vendor's rate limit is per account: more than eight at once from one source only earns 429s.
const REQUESTS_AT_ONCE_PER_SOURCE = 8;
// Of one answer of a watch: longer than any place lets one go on, larger than the events of that time.
const FOLLOW_LIMITS = { timeoutMs: 600_000, bodyBytesMax: 64 * 1024 * 1024 };

/** Throws one `Fault` of kind `config` that lists every problem. */
export function openSources(
  configs: readonly SourceConfig[],
  plugins: readonly AnySourcePlugin[],
  options: OpenSourcesOptions,
): readonly OpenSource[] {
  const byType = new Map(plugins.map((plugin) => [plugin.type, plugin]));
  const problems: string[] = [];
  const opened: OpenSource[] = [];
  const names = new Set<string>();
  for (const config of configs) {
    if (names.has(config.name)) problems.push(`sources.${config.name}: two sources have this name.`);
    names.add(config.name);
    const plugin = byType.get(config.type);
    if (plugin === undefined) {
      const types = [...byType.keys()].toSorted().join(', ');
      problems.push(`sources.${config.name}.type: there is no source type "${config.type}". Known: ${types}.`);
      continue;
    }
    const problemsBefore = problems.length;
    const open = openSource(config, plugin, options, problems);
    if (open !== null && problems.length === problemsBefore) opened.push(open);
  }
  if (problems.length > 0) throw new Fault('config', problems.join('\n'));
  return opened;
}

function openSource(
  config: SourceConfig,
  plugin: AnySourcePlugin,
  options: OpenSourcesOptions,
  problems: string[],
): OpenSource | null {
  const redact = redactor([...(config.secrets ?? []), ...secretValues(plugin.config, config.config)]);
  const targets = parseTargets(config, plugin, problems);
  const parsed = plugin.config.safeParse(config.config);
  if (!parsed.success) {
    problems.push(...zodProblems(`sources.${config.name}`, parsed.error).map(redact));
    return null;
  }
  const progress = new Progress();
  let source: Source<unknown>;
  try {
    source = plugin.open(config.config, {
      name: config.name,
      baseDirectory: options.baseDirectory,
      cacheDirectory: join(options.cacheDirectory, config.name),
      fetch: gatedFetch(config, options, progress),
      follow: boundedFetch(FOLLOW_LIMITS, options.fetch),
      ...(options.childEnvironment === undefined ? {} : { childEnvironment: options.childEnvironment }),
    });
  } catch (error) {
    // A path or pattern that only the plugin can read; anything else it throws is a bug.
    if (!(error instanceof Fault)) throw error;
    problems.push(
      redact(`sources.${config.name}: ${error.message}${error.hint === undefined ? '' : ` ${error.hint}`}`),
    );
    return null;
  }
  const { name, type, environment, everyMs, timeoutMs } = config;
  return { name, type, environment, everyMs, timeoutMs, source, targets, progress, redact };
}

function parseTargets(config: SourceConfig, plugin: AnySourcePlugin, problems: string[]): SourceTarget<unknown>[] {
  const targets = new Map<string, SourceTarget<unknown>>();
  for (const [index, target] of config.targets.entries()) {
    const where = `sources.${config.name}.targets.${index}`;
    const parsed = plugin.target.safeParse(target.config);
    if (!parsed.success) {
      problems.push(...zodProblems(where, parsed.error));
      continue;
    }
    const id = `${config.name}/${target.prompt}`;
    if (targets.has(id)) {
      problems.push(
        `${where}: the prompt "${target.prompt}" has two targets here. Put the second in a source of its own.`,
      );
    }
    targets.set(id, { id, prompt: target.prompt, config: parsed.data });
  }
  return [...targets.values()];
}

function zodProblems(where: string, error: z.ZodError): string[] {
  return error.issues.map((issue) => `${[where, ...issue.path.map(String)].join('.')}: ${issue.message}.`);
}

// The watchdog must not take a source for stuck that keeps to its budget.
const BUDGET_WAIT_MS = 1_000;

/** The only `fetch` a plugin gets: bounded in bytes, time and number, and seen by the watchdog. */
function gatedFetch(config: SourceConfig, options: OpenSourcesOptions, progress: Progress): typeof globalThis.fetch {
  const own = new Gate(REQUESTS_AT_ONCE_PER_SOURCE);
  const budget = config.requestsPerMinute === undefined ? null : new Budget(config.requestsPerMinute);
  const bounded = boundedFetch(
    { timeoutMs: config.timeoutMs, bodyBytesMax: options.bodyBytesMax ?? DEFAULT_FETCH_LIMITS.bodyBytesMax },
    options.fetch,
  );
  return (input, init) => {
    const signal = init?.signal ?? undefined;
    return own.run(async () => {
      progress.touch();
      for (let left = budget?.take(performance.now()) ?? 0; left > 0; left -= BUDGET_WAIT_MS) {
        await sleep(Math.min(left, BUDGET_WAIT_MS), signal);
        progress.touch();
      }
      const response = await bounded(input, init);
      progress.touch();
      return response;
    }, signal);
  };
}

export interface SourceTypeDescription {
  readonly type: string;
  readonly summary: string;
  /** The optional powers it has, in the order of the contract. */
  readonly powers: readonly ('live' | 'versions' | 'restore' | 'webhook' | 'discover' | 'watch')[];
  readonly example: AnySourcePlugin['example'];
}

/** What each plugin can do, found by opening its example (which does no I/O). */
export function listSourceTypes(plugins: readonly AnySourcePlugin[]): readonly SourceTypeDescription[] {
  return plugins.map((plugin) => {
    const source = plugin.open(plugin.example.config, {
      name: 'example',
      baseDirectory: '/',
      cacheDirectory: '/nonexistent',
      fetch: () => Promise.reject(new Fault('permanent', 'An example is not asked.')),
      follow: () => Promise.reject(new Fault('permanent', 'An example is not asked.')),
    });
    const powers = (['live', 'versions', 'restore', 'webhook', 'discover', 'watch'] as const).filter(
      (power) => source[power] !== undefined,
    );
    return { type: plugin.type, summary: plugin.summary, powers, example: plugin.example };
  });
}
