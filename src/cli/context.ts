/** What a verb is given. `main.ts` makes it; a verb reads no environment and opens nothing else. */

import type { Configuration } from '../config/configuration.ts';
import type { LoadedConfiguration } from '../config/load.ts';
import { Fault } from '../contract/fault.ts';
import type { AuditLog } from '../contract/audit.ts';
import type { RegistryReport } from './registry-report.ts';
import type { SqlQuestion } from '../contract/sql.ts';
import type { ActiveAt, AtQuery } from '../contract/store.ts';
import { formatProblems, type Checked, type Problem } from '../lib/problems.ts';
import { daemonClient, type DaemonClient } from './client.ts';
import type { Discovery } from './discovery-report.ts';
import type { Output } from './output.ts';
import { textFlag, type Flags } from './verb.ts';

/** The parts of the daemon that verbs use without a daemon; `app.ts` supplies them. */
export interface Toolbox {
  /**
   * From `--config`, `PLUMBLINE_CONFIG` or `./plumbline.yaml`; of the quick start while it runs here; the defaults
   * when there is none.
   */
  configuration(flags: Flags): Promise<LoadedConfiguration>;
  /**
   * Where the daemon of that configuration listens: where the one that has its data directory says, else where a
   * daemon would. Of the rest of it nothing has to be right, nor any secret at hand.
   */
  daemonUrl(flags: Flags): Promise<Checked<string>>;
  /** `PLUMBLINE_KEY`, for a daemon that wants one. */
  key(): string | undefined;
  registry(configuration: Configuration): Promise<RegistryReport>;
  /** Opens the store directly; a `Fault` when a daemon owns it. */
  at(configuration: Configuration, query: AtQuery): Promise<ActiveAt>;
  /** The same for the audit chain, which is closed when `use` has settled. */
  audit<Result>(configuration: Configuration, use: (audit: AuditLog) => Promise<Result>): Promise<Result>;
  /** The same for a question in SQL. */
  sql(configuration: Configuration, question: SqlQuestion): Promise<Uint8Array>;
  /** Plans the lockfile, and writes it unless it is a dry run or something was refused. */
  lock(
    configuration: Configuration,
    requests: readonly string[],
    environment: string | null,
    dryRun: boolean,
  ): Promise<LockResult>;
  /** Looks through what a source holds. */
  discover(configuration: Configuration, source: string, wishes: DiscoveryWishes): Promise<Discovery>;
  /** A first configuration for a source of this type; `given`: `key=value`. A `Fault` that says which key is not set. */
  starter(type: string, given: readonly string[]): Promise<Starter>;
  /** Runs until it is told to stop. */
  daemon(flags: Flags): Promise<void>;
  doctor(configuration: Configuration, wishes: DoctorWishes): AsyncIterable<Check>;
}

export interface DoctorWishes {
  /** Send a test alert, and its end, through every channel that a route leads to. */
  readonly sendTest: boolean;
  /** How a person calls us; see `CliContext`. */
  readonly command: string;
}

export interface DiscoveryWishes {
  /** Propose targets also for what nobody registered. */
  readonly all: boolean;
  /** Register it, and who owns it. */
  readonly owner: string | null;
}

export interface Starter {
  /** The text of `plumbline.yaml`. */
  readonly text: string;
  /** The folder of the registry, where the source keeps no history of its own; else null. */
  readonly folder: string | null;
}

export interface LockResult {
  readonly written: boolean;
  readonly changes: readonly {
    readonly kind: string;
    readonly environment: string;
    readonly prompt: string;
    readonly from: { readonly version: string } | null;
    readonly to: { readonly version: string; readonly hash: string };
  }[];
  readonly refusals: readonly string[];
}

/** One line of `plumbline doctor`. */
export interface Check {
  readonly what: string;
  readonly status: 'ok' | 'warning' | 'failed';
  readonly words: string;
  readonly hint?: string;
}

export interface CliContext {
  readonly output: Output;
  readonly workingDirectory: string;
  readonly version: string;
  /** How a person calls us: `plumbline`, or `npm run -s plumbline --` in a clone. */
  readonly command: string;
  readonly toolbox: Toolbox;
}

/** Hints come from everywhere and name the binary, which is on nobody's path in a clone. */
export function asTyped(hint: string, { command }: Pick<CliContext, 'command'>): string {
  return hint.replaceAll('`plumbline ', `\`${command} `);
}

/** Throws a `Fault` that lists all problems when the configuration is not right. */
export async function needConfiguration(flags: Flags, context: CliContext): Promise<Configuration> {
  const loaded = await context.toolbox.configuration(flags);
  if (loaded.ok) return loaded.configuration;
  throw problemsFault(loaded.problems);
}

function problemsFault(problems: readonly Problem[]): Fault {
  return new Fault('config', `The configuration has problems:\n${formatProblems(problems)}`, {
    hint: 'Nothing was done.',
  });
}

/** The daemon at `--url`, or the one of the configuration. */
export async function daemonOf(flags: Flags, context: CliContext): Promise<DaemonClient> {
  return daemonClient(textFlag(flags, 'url') ?? (await configuredUrl(flags, context)), context.toolbox.key());
}

async function configuredUrl(flags: Flags, { toolbox }: CliContext): Promise<string> {
  const url = await toolbox.daemonUrl(flags);
  if (url.ok) return url.value;
  throw problemsFault(url.problems);
}

/** Where an HTTP API that listens there is reached from this machine. */
export function urlOf({ host, port }: Pick<Configuration['server'], 'host' | 'port'>): string {
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
}
