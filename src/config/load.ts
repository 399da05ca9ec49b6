/**
 * From `plumbline.yaml` to a checked configuration: shape, plugins' own keys, secrets, and what one
 * part says about another. All problems at once, each with file, line and field.
 */

import { readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import type { z } from 'zod';
import type { AnyChannelPlugin } from '../contract/channel.ts';
import { Fault } from '../contract/fault.ts';
import type { AnySourcePlugin } from '../contract/source.ts';
import { checkShape, fieldName, sortProblems, type Checked, type Problem } from '../lib/problems.ts';
import { parseYaml, type YamlDocument, type YamlPath } from '../lib/yaml.ts';
import type { Configuration, DaemonPlace } from './configuration.ts';
import { checkChannel, checkSource, type CheckPart } from './plugin-entries.ts';
import { checkReferences } from './references.ts';
import { ChannelEntry, ConfigurationFile, SourceEntry } from './schema.ts';
import { resolveSecrets } from './secrets.ts';

export interface Plugins {
  readonly sources: readonly AnySourcePlugin[];
  readonly channels: readonly AnyChannelPlugin[];
}

export type LoadedConfiguration =
  | { readonly ok: true; readonly configuration: Configuration }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Where the store is a server and nobody says otherwise. */
const DATA_DIRECTORY = './data';

/** Reads and checks a file. Throws a `Fault` of kind `config` only when it can't be read at all. */
export function loadConfiguration(
  file: string,
  plugins: Plugins,
  variables: Readonly<Record<string, string | undefined>>,
  workingDirectory: string,
): LoadedConfiguration {
  const document = readDocument(file, workingDirectory);
  return checkConfiguration(document, resolve(workingDirectory, file), plugins, variables);
}

/**
 * Where the daemon of a configuration listens and has its data, whatever is wrong with the rest: who asks it from
 * another shell lacks the secrets that are in the daemon's.
 */
export function loadPlace(
  file: string,
  variables: Readonly<Record<string, string | undefined>>,
  workingDirectory: string,
): Checked<DaemonPlace> {
  const document = readDocument(file, workingDirectory);
  if (document.problems.length > 0) return { ok: false, problems: document.problems };
  const baseDirectory = dirname(resolve(workingDirectory, file));
  const written = document.value as { readonly server?: unknown; readonly store?: { readonly path?: unknown } } | null;
  const { server, path } = resolveSecrets(
    { server: written?.server, path: written?.store?.path },
    variables,
    baseDirectory,
  ).value as { readonly server?: unknown; readonly path?: unknown };
  const shape = checkShape(ConfigurationFile.pick({ server: true }), {
    file: document.file,
    value: { server },
    locate: (at) => document.locate(at),
  });
  if (!shape.ok) return shape;
  const dataDirectory = resolve(baseDirectory, typeof path === 'string' ? path : DATA_DIRECTORY);
  return { ok: true, value: { server: serverOf(shape.value.server), dataDirectory } };
}

function readDocument(file: string, workingDirectory: string): YamlDocument {
  const path = resolve(workingDirectory, file);
  const shown = relative(workingDirectory, path) || path;
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new Fault(
      'config',
      `The configuration ${shown} can't be read: ${error instanceof Error ? error.message : String(error)}.`,
      {
        hint: 'Name another with --config, or write one with `plumbline init`.',
        cause: error,
      },
    );
  }
  return parseYaml(textOf(bytes, shown), shown.startsWith('..') ? path : shown);
}

/** Throws a `Fault` for other encodings: read as this one, they would name other files and prompts. */
function textOf(bytes: Buffer, shown: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new Fault('config', `The configuration ${shown} is not UTF-8 text.`, {
      hint: 'Save it as UTF-8.',
      cause: error,
    });
  }
}

/** The same from a parsed document; `path` is the absolute path of the file. */
export function checkConfiguration(
  document: YamlDocument,
  path: string,
  plugins: Plugins,
  variables: Readonly<Record<string, string | undefined>>,
): LoadedConfiguration {
  if (document.problems.length > 0) return { ok: false, problems: document.problems };
  const baseDirectory = dirname(path);
  const resolved = resolveSecrets(withoutAnchors(document.value ?? {}), variables, baseDirectory);
  const withSecrets = { file: document.file, value: resolved.value, locate: (at: YamlPath) => document.locate(at) };
  const missing = resolved.missing.map(({ path: at, message, hint }): Problem => ({
    file: document.file,
    ...document.locate(at),
    field: fieldName(at),
    message: `${message}.`,
    hint,
  }));
  // What stands in the place of a missing secret is not looked at.
  const isLooked = ({ field }: Problem): boolean => missing.every((problem) => problem.field !== field);
  const shape = checkShape(ConfigurationFile, withSecrets);
  const problems: Problem[] = shape.ok ? [...missing] : [...missing, ...shape.problems.filter(isLooked)];
  const report = (at: YamlPath, message: string, hint?: string): void => {
    problems.push({
      file: document.file,
      ...document.locate(at),
      field: fieldName(at),
      message,
      ...(hint === undefined ? {} : { hint }),
    });
  };
  const checkPart: CheckPart = (schema, at, value, knownBeside) => {
    const checked = checkShape(schema, {
      file: document.file,
      value,
      knownBeside,
      locate: (inner) => document.locate([...at, ...inner]),
    });
    if (checked.ok) return checked.value;
    const prefix = fieldName(at);
    problems.push(
      ...checked.problems
        .map((problem) => ({ ...problem, field: problem.field === '' ? prefix : `${prefix}.${problem.field}` }))
        .filter(isLooked),
    );
    return undefined;
  };

  // Whatever is wrong elsewhere: else a second run would be needed to hear of the rest.
  const sources = entriesOf(withSecrets.value, 'sources', SourceEntry).map(
    (entry, index) => entry && checkSource(entry, index, plugins.sources, report, checkPart),
  );
  const channels = entriesOf(withSecrets.value, 'channels', ChannelEntry).map(
    (entry, index) => entry && checkChannel(entry, index, plugins.channels, report, checkPart),
  );
  if (shape.ok) checkReferences(shape.value, report);
  if (!shape.ok || problems.length > 0) return { ok: false, problems: sortProblems(problems) };
  const file = shape.value;
  return {
    ok: true,
    configuration: {
      ...settled(file, baseDirectory, path),
      sources: sources.filter((source) => source !== undefined),
      channels: channels.filter((channel) => channel !== undefined),
      childEnvironment: variables,
      secrets: resolved.secrets,
    },
  };
}

/** `x-` keys of the file hold what others repeat, as in a file for Docker Compose. */
function withoutAnchors(value: unknown): unknown {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([key]) => !key.startsWith('x-')));
}

/** Of a list, those that have the form of its entries, each in its place. */
function entriesOf<T>(value: unknown, key: string, schema: z.ZodType<T>): readonly (T | undefined)[] {
  const list = (value as Readonly<Record<string, unknown>> | null)?.[key];
  return Array.isArray(list) ? list.map((entry) => schema.safeParse(entry).data) : [];
}

/** What holds without any file. */
export function defaultConfiguration(
  workingDirectory: string,
  variables: Readonly<Record<string, string | undefined>>,
): Configuration {
  const file = ConfigurationFile.parse({});
  return {
    ...settled(file, workingDirectory, null),
    sources: [],
    channels: [],
    childEnvironment: variables,
    secrets: [],
  };
}

function settled(
  file: ConfigurationFile,
  baseDirectory: string,
  path: string | null,
): Omit<Configuration, 'sources' | 'channels' | 'childEnvironment' | 'secrets'> {
  return {
    file: path,
    baseDirectory,
    registryDirectories: file.registry.flatMap(({ files }) =>
      files === undefined ? [] : resolve(baseDirectory, files),
    ),
    registrySources: file.registry.flatMap(({ source }) => source ?? []),
    lockFile: file.lock === undefined ? null : resolve(baseDirectory, file.lock),
    store:
      'path' in file.store
        ? { kind: 'embedded', path: resolve(baseDirectory, file.store.path) }
        : { kind: 'server', ...file.store, cluster: file.store.cluster ?? null },
    dataDirectory: resolve(baseDirectory, 'path' in file.store ? file.store.path : DATA_DIRECTORY),
    redisUrl: file.queue.redis ?? null,
    content: typeof file.content === 'string' ? { default: file.content, environments: {}, redact: [] } : file.content,
    keepCallsMs: file.retention?.calls ?? null,
    server: serverOf(file.server),
    routes: file.routes,
    keys: file.keys,
    prices: file.prices,
  };
}

function serverOf(server: ConfigurationFile['server']): Configuration['server'] {
  const { host, port, otlp_port: otlpPort, grpc_port: grpcPort, public_url: publicUrl } = server;
  return { host, port, otlpPort, grpcPort, publicUrl: publicUrl ?? null };
}
