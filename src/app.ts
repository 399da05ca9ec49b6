/** The composition root of the command line: what verbs may use, made from all modules. */

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { sourcePlugins } from '../collectors/index.ts';
import { CHANNEL_PLUGINS } from './channels/index.ts';
import { urlOf, type Toolbox } from './cli/context.ts';
import type { Output } from './cli/output.ts';
import { textFlag, type Flags } from './cli/verb.ts';
import type { Environment } from './config/environment.ts';
import type { DaemonPlace, Configuration } from './config/configuration.ts';
import {
  checkConfiguration,
  defaultConfiguration,
  loadConfiguration,
  loadPlace,
  type LoadedConfiguration,
} from './config/load.ts';
import { Fault } from './contract/fault.ts';
import type { Checked, Problem } from './lib/problems.ts';
import { parseYaml } from './lib/yaml.ts';

export interface AppOptions {
  readonly environment: Environment;
  readonly output: Output;
  readonly workingDirectory: string;
  readonly version: string;
  readonly command: string;
}

const CONFIGURATION_FILE = 'plumbline.yaml';
const PLUGINS = { sources: sourcePlugins, channels: CHANNEL_PLUGINS };

/** Loads only what the verb needs: most verbs ask the daemon, and should answer at once. */
export function createToolbox(options: AppOptions): Toolbox {
  const { environment, workingDirectory, version, output } = options;
  return {
    configuration: async (flags) => {
      const quickstart = await quickstartFile(flags, options);
      if (quickstart === null) return configurationOf(flags, options);
      output.note(`There is no ${CONFIGURATION_FILE} here; this is about the quick start, which is running.`);
      return configurationOf({ ...flags, config: quickstart }, options);
    },
    daemonUrl: async (flags) => {
      const place = placeOf({ ...flags, config: (await quickstartFile(flags, options)) ?? flags['config'] }, options);
      return place.ok ? { ok: true, value: await daemonUrl(place.value, flags, options) } : place;
    },
    key: () => environment.variables['PLUMBLINE_KEY'],
    registry: async (configuration) => (await import('./daemon/offline/offline.ts')).reportRegistry(configuration),
    lock: async (configuration, requests, environmentName, dryRun) =>
      (await import('./daemon/offline/offline.ts')).lockRegistry(configuration, requests, environmentName, dryRun),
    at: async (configuration, query) =>
      (await import('./daemon/offline/offline.ts')).askStore(configuration, query, version),
    audit: async (configuration, use) =>
      (await import('./daemon/offline/offline.ts')).useAudit(configuration, use, version),
    sql: async (configuration, question) =>
      (await import('./daemon/offline/offline.ts')).askInSql(configuration, question, version),
    discover: async (configuration, source, { all, owner }) => {
      const { discover } = await import('./daemon/offline/discovery.ts');
      const check = (text: string): readonly Problem[] => problemsOf(text, configuration, environment.variables);
      return discover({ configuration, source, includesUnregistered: all, owner, check });
    },
    starter: async (type, given) =>
      (await import('./daemon/offline/starter.ts')).starter(type, given, environment.variables),
    doctor: async function* (configuration, wishes) {
      yield* (await import('./daemon/offline/offline.ts')).examine(configuration, version, wishes);
    },
    daemon: async (flags) => {
      const { runDaemon } = await import('./daemon/start/run.ts');
      await runDaemon({
        flags,
        ...options,
        hasConfiguration: configurationFile(flags, environment, workingDirectory) !== null,
        load: (override) => configurationOf({ ...flags, ...override }, options),
      });
    },
  };
}

/** `--config`, `PLUMBLINE_CONFIG`, `./plumbline.yaml`; null when none of them is there. */
function configurationFile(flags: Flags, environment: Environment, workingDirectory: string): string | null {
  const named = textFlag(flags, 'config') ?? environment.variables['PLUMBLINE_CONFIG'];
  if (named !== undefined && named !== '') return named;
  return existsSync(resolve(workingDirectory, CONFIGURATION_FILE)) ? CONFIGURATION_FILE : null;
}

/** Of the quick start, while it runs and there is no other configuration. */
async function quickstartFile(flags: Flags, { environment, workingDirectory }: AppOptions): Promise<string | null> {
  if (configurationFile(flags, environment, workingDirectory) !== null) return null;
  const { runningQuickstart } = await import('./daemon/start/find-running.ts');
  return runningQuickstart(workingDirectory);
}

function placeOf(flags: Flags, { environment, workingDirectory }: AppOptions): Checked<DaemonPlace> {
  const file = configurationFile(flags, environment, workingDirectory);
  if (file !== null) return loadPlace(file, environment.variables, workingDirectory);
  return { ok: true, value: defaultConfiguration(workingDirectory, environment.variables) };
}

async function daemonUrl({ server, dataDirectory }: DaemonPlace, flags: Flags, options: AppOptions) {
  const { runningDaemonUrl } = await import('./daemon/start/find-running.ts');
  const place = { server, dataDirectory: dataDirectoryOf(flags, options) ?? dataDirectory };
  return (await runningDaemonUrl(place)) ?? urlOf(server);
}

function configurationOf(flags: Flags, options: AppOptions): LoadedConfiguration {
  const { environment, workingDirectory } = options;
  const file = configurationFile(flags, environment, workingDirectory);
  const loaded: LoadedConfiguration =
    file === null
      ? { ok: true, configuration: defaultConfiguration(workingDirectory, environment.variables) }
      : loadConfiguration(file, PLUGINS, environment.variables, workingDirectory);
  return loaded.ok ? { ok: true, configuration: withFlags(loaded.configuration, flags, options) } : loaded;
}

/** Of a new text for the configuration's file. */
function problemsOf(text: string, { file }: Configuration, variables: Environment['variables']): readonly Problem[] {
  if (file === null) return [];
  const checked = checkConfiguration(parseYaml(text, file), file, PLUGINS, variables);
  return checked.ok ? [] : checked.problems;
}

/** What the command line says beats what the file says. */
function withFlags(configuration: Configuration, flags: Flags, options: AppOptions): Configuration {
  const dataDirectory = dataDirectoryOf(flags, options) ?? configuration.dataDirectory;
  const { server, store } = configuration;
  return {
    ...configuration,
    dataDirectory,
    store: store.kind === 'embedded' ? { kind: 'embedded', path: dataDirectory } : store,
    server: {
      ...server,
      port: portFlag(flags, 'port') ?? server.port,
      otlpPort: portFlag(flags, 'otlpPort') ?? server.otlpPort,
      grpcPort: portFlag(flags, 'grpcPort') ?? server.grpcPort,
    },
  };
}

/** `--data` or `PLUMBLINE_DATA`, so that in a container the daemon and every verb mean the same directory. */
function dataDirectoryOf(flags: Flags, { environment, workingDirectory }: AppOptions): string | null {
  const data = textFlag(flags, 'data') ?? environment.variables['PLUMBLINE_DATA'];
  return data === undefined || data === '' ? null : resolve(workingDirectory, data);
}

function portFlag(flags: Flags, name: string): number | undefined {
  const text = textFlag(flags, name);
  if (text === undefined) return undefined;
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new Fault('config', `${text} is not a port.`, { hint: 'Give a number from 0 (a free one) to 65535.' });
}
