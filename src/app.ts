/** The composition root of the command line: what verbs may use, made from all modules. */

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { sourcePlugins } from '../collectors/index.ts';
import { CHANNEL_PLUGINS } from './channels/index.ts';
import type { Toolbox } from './cli/context.ts';
import type { Output } from './cli/output.ts';
import { textFlag, type Flags } from './cli/verb.ts';
import type { Environment } from './config/environment.ts';
import {
  checkConfiguration,
  defaultConfiguration,
  loadConfiguration,
  loadServer,
  type Configuration,
  type LoadedConfiguration,
} from './config/load.ts';
import { Fault } from './contract/fault.ts';
import type { Problem } from './lib/problems.ts';
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
  const { environment, workingDirectory, version } = options;
  return {
    configuration: (flags) => configurationOf(flags, options),
    server: (flags) => {
      const file = configurationFile(flags, environment, workingDirectory);
      if (file !== null) return loadServer(file, environment.variables, workingDirectory);
      return { ok: true, value: defaultConfiguration(workingDirectory, environment.variables).server };
    },
    key: () => environment.variables['PLUMBLINE_KEY'],
    registry: async (configuration) => (await import('./daemon/offline.ts')).reportRegistry(configuration),
    lock: async (configuration, requests, environmentName, dryRun) =>
      (await import('./daemon/offline.ts')).lockRegistry(configuration, requests, environmentName, dryRun),
    at: async (configuration, query) => (await import('./daemon/offline.ts')).askStore(configuration, query, version),
    discover: async (configuration, source, { all, owner }) => {
      const { discover } = await import('./daemon/discovery.ts');
      const check = (text: string): readonly Problem[] => problemsOf(text, configuration, environment.variables);
      return discover({ configuration, source, includesUnregistered: all, owner, check });
    },
    starter: async (type, given) => (await import('./daemon/starter.ts')).starter(type, given, environment.variables),
    doctor: async function* (configuration) {
      yield* (await import('./daemon/offline.ts')).examine(configuration, version);
    },
    daemon: async (flags) => {
      const { runDaemon } = await import('./daemon/run.ts');
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

function configurationOf(flags: Flags, { environment, workingDirectory }: AppOptions): LoadedConfiguration {
  const file = configurationFile(flags, environment, workingDirectory);
  const loaded: LoadedConfiguration =
    file === null
      ? { ok: true, configuration: defaultConfiguration(workingDirectory, environment.variables) }
      : loadConfiguration(file, PLUGINS, environment.variables, workingDirectory);
  return loaded.ok ? { ok: true, configuration: withFlags(loaded.configuration, flags, workingDirectory) } : loaded;
}

/** Of a new text for the configuration's file. */
function problemsOf(text: string, { file }: Configuration, variables: Environment['variables']): readonly Problem[] {
  if (file === null) return [];
  const checked = checkConfiguration(parseYaml(text, file), file, PLUGINS, variables);
  return checked.ok ? [] : checked.problems;
}

/** What the command line says beats what the file says. */
function withFlags(configuration: Configuration, flags: Flags, workingDirectory: string): Configuration {
  const data = textFlag(flags, 'data');
  const dataDirectory = data === undefined ? configuration.dataDirectory : resolve(workingDirectory, data);
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

function portFlag(flags: Flags, name: string): number | undefined {
  const text = textFlag(flags, name);
  if (text === undefined) return undefined;
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new Fault('config', `${text} is not a port.`, { hint: 'Give a number from 0 (a free one) to 65535.' });
}
