/** The composition root of the command line: what verbs may use, made from all modules. */

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { sourcePlugins } from '../collectors/index.ts';
import { CHANNEL_PLUGINS } from './channels/index.ts';
import { daemonClient } from './cli/client.ts';
import { urlOf, type Check, type LockResult, type Toolbox } from './cli/context.ts';
import type { Output } from './cli/output.ts';
import { textFlag, type Flags } from './cli/verb.ts';
import type { Environment } from './config/environment.ts';
import {
  defaultConfiguration,
  loadConfiguration,
  type Configuration,
  type LoadedConfiguration,
} from './config/load.ts';
import { Fault } from './contract/fault.ts';
import type { ActiveAt, AtQuery } from './contract/store.ts';
import { openConfiguredSources } from './daemon/daemon.ts';
import { doctor } from './daemon/doctor.ts';
import { loadConfiguredRegistry, registryLoader } from './daemon/load-registry.ts';
import { openStore } from './daemon/open-store.ts';
import { runDaemon } from './daemon/run.ts';
import { systemClock } from './lib/time.ts';
import { createQueue } from './queue/index.ts';
import { parseLockRequest, planLock, writeLockFile } from './registry/lock.ts';
import { createStore } from './store/index.ts';

export interface AppOptions {
  readonly environment: Environment;
  readonly output: Output;
  readonly workingDirectory: string;
  readonly version: string;
  readonly command: string;
}

const CONFIGURATION_FILE = 'plumbline.yaml';

export function createToolbox(options: AppOptions): Toolbox {
  const { environment, workingDirectory, version } = options;
  return {
    configuration: (flags) => configurationOf(flags, options),
    key: () => environment.variables['PLUMBLINE_KEY'],
    registry: async (configuration) => {
      const { snapshot, problems, notes } = await loadConfiguredRegistry(configuration, never());
      return { snapshot, problems, notes };
    },
    lock: lockRegistry,
    at: (configuration, query) => askStore(configuration, query, version),
    doctor: (configuration) => examine(configuration, version),
    daemon: (flags) =>
      runDaemon({
        flags,
        ...options,
        hasConfiguration: configurationFile(flags, environment, workingDirectory) !== null,
        load: (override) => configurationOf({ ...flags, ...override }, options),
      }),
  };
}

/** `--config`, `PLUMBLINE_CONFIG`, `./plumbline.yaml`; null when none of them is there. */
function configurationFile(flags: Flags, environment: Environment, workingDirectory: string): string | null {
  const named = textFlag(flags, 'config') ?? environment.variables['PLUMBLINE_CONFIG'];
  if (named !== undefined && named !== '') return named;
  return existsSync(resolve(workingDirectory, CONFIGURATION_FILE)) ? CONFIGURATION_FILE : null;
}

function configurationOf(flags: Flags, { environment, workingDirectory }: AppOptions): LoadedConfiguration {
  const file = configurationFile(flags, environment, workingDirectory);
  const plugins = { sources: sourcePlugins, channels: CHANNEL_PLUGINS };
  const loaded: LoadedConfiguration =
    file === null
      ? { ok: true, configuration: defaultConfiguration(workingDirectory) }
      : loadConfiguration(file, plugins, environment.variables, workingDirectory);
  return loaded.ok ? { ok: true, configuration: withFlags(loaded.configuration, flags, workingDirectory) } : loaded;
}

/** What the command line says beats what the file says. */
function withFlags(configuration: Configuration, flags: Flags, workingDirectory: string): Configuration {
  const data = textFlag(flags, 'data');
  const { server } = configuration;
  return {
    ...configuration,
    store: data === undefined ? configuration.store : { kind: 'embedded', path: resolve(workingDirectory, data) },
    server: {
      ...server,
      port: portFlag(flags, 'port') ?? server.port,
      otlpPort: portFlag(flags, 'otlpPort') ?? server.otlpPort,
      grpcPort: portFlag(flags, 'grpcPort') ?? server.grpcPort,
    },
  };
}

function portFlag(flags: Flags, name: string): number | undefined {
  const text = textFlag(flags, name);
  if (text === undefined) return undefined;
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new Fault('config', `${text} is not a port.`, { hint: 'Give a number from 0 (a free one) to 65535.' });
}

async function lockRegistry(
  configuration: Configuration,
  requests: readonly string[],
  environment: string | null,
  dryRun: boolean,
): Promise<LockResult> {
  const { snapshot, locked, present } = await loadConfiguredRegistry(configuration, never());
  if (locked === null)
    throw new Fault('config', 'The lockfile has problems, and would lose pins if it were written now.', {
      hint: '`plumbline validate` lists them.',
    });
  const { versions } = snapshot;
  const plan = planLock({ locked, versions, present, environment, requests: requests.map(parseLockRequest) });
  const written = !dryRun && plan.refusals.length === 0 && plan.changes.length > 0 && configuration.lockFile !== null;
  if (written && configuration.lockFile !== null) await writeLockFile(configuration.lockFile, plan.text);
  return { written, changes: plan.changes, refusals: plan.refusals };
}

async function askStore(configuration: Configuration, query: AtQuery, version: string): Promise<ActiveAt> {
  const database = await openStore(configuration.store, version, systemClock);
  try {
    return await createStore(database, systemClock).timeline.at(query);
  } finally {
    await database.close();
  }
}

function examine(configuration: Configuration, version: string): AsyncIterable<Check> {
  return doctor(configuration, {
    runningDaemon: async () => {
      const url = urlOf(configuration);
      return (await daemonClient(url, undefined).isRunning()) ? url : null;
    },
    loadRegistry: registryLoader(configuration, never(), () => systemClock.now()),
    tryStore: async () => {
      const database = await openStore(configuration.store, version, systemClock);
      await database.close();
      return 'opens, and its schema is up to date';
    },
    openSources: () => openConfiguredSources(configuration),
    createQueue: () => createQueue({ clock: systemClock, redis: configuration.redisUrl ?? undefined }),
  });
}

/** A signal for verbs, which end with their process. */
function never(): AbortSignal {
  return new AbortController().signal;
}
