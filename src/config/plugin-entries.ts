/** Entries of `sources` and `channels`: which plugin each is for, and whether its keys are what that plugin takes. */

import type { z } from 'zod';
import type { AnyChannelPlugin } from '../contract/channel.ts';
import type { AnySourcePlugin } from '../contract/source.ts';
import { closest } from '../lib/closest.ts';
import type { YamlPath } from '../lib/yaml.ts';
import type { ChannelConfiguration, SourceConfiguration } from './configuration.ts';
import type { Report } from './references.ts';
import { CHANNEL_HOST_KEYS, SOURCE_HOST_KEYS, type ConfigurationFile } from './schema.ts';

/** Undefined where it has another shape; what is wrong with it is reported then. `knownBeside`: keys that are the host's. */
export type CheckPart = <T>(
  schema: z.ZodType<T>,
  at: YamlPath,
  value: unknown,
  knownBeside: readonly string[],
) => T | undefined;

export function checkSource(
  entry: ConfigurationFile['sources'][number],
  index: number,
  plugins: readonly AnySourcePlugin[],
  report: Report,
  checkPart: CheckPart,
): SourceConfiguration | undefined {
  const at = ['sources', index];
  const plugin = plugins.find((candidate) => candidate.type === entry.type);
  if (plugin === undefined) {
    report([...at, 'type'], unknownType(entry.type, 'source', plugins), knownTypes(plugins));
    return undefined;
  }
  const config = checkPart(plugin.config, at, without(entry, SOURCE_HOST_KEYS), SOURCE_HOST_KEYS);
  const targets = entry.targets.map((target, number) => ({
    prompt: target.prompt,
    config: checkPart(plugin.target, [...at, 'targets', number], without(target, ['prompt']), ['prompt']),
  }));
  const seen = new Map<string, number>();
  targets.forEach((target, number) => {
    if (seen.has(target.prompt)) {
      report(
        [...at, 'targets', number, 'prompt'],
        `names ${target.prompt} a second time in the source ${entry.name}.`,
        'A target is shown as SOURCE/prompt: give the second place a source of its own.',
      );
    }
    seen.set(target.prompt, number);
  });
  return {
    name: entry.name,
    type: entry.type,
    environment: entry.environment,
    everyMs: entry.every,
    timeoutMs: entry.timeout,
    requestsPerMinute: entry.requests_per_minute,
    config,
    targets,
  };
}

export function checkChannel(
  entry: ConfigurationFile['channels'][number],
  index: number,
  plugins: readonly AnyChannelPlugin[],
  report: Report,
  checkPart: CheckPart,
): ChannelConfiguration | undefined {
  const plugin = plugins.find((candidate) => candidate.type === entry.type);
  if (plugin === undefined) {
    report(['channels', index, 'type'], unknownType(entry.type, 'channel', plugins), knownTypes(plugins));
    return undefined;
  }
  return {
    name: entry.name,
    type: entry.type,
    config: checkPart(plugin.config, ['channels', index], without(entry, CHANNEL_HOST_KEYS), CHANNEL_HOST_KEYS),
  };
}

function unknownType(type: string, kind: string, plugins: readonly { readonly type: string }[]): string {
  const similar = closest(
    type,
    plugins.map((plugin) => plugin.type),
  );
  return `is ${type}, which is no ${kind} type.${similar === null ? '' : ` Did you mean ${similar}?`}`;
}

function knownTypes(plugins: readonly { readonly type: string }[]): string {
  return `Known are ${plugins
    .map((plugin) => plugin.type)
    .toSorted()
    .join(', ')}.`;
}

function without(entry: object, keys: readonly string[]): object {
  return Object.fromEntries(Object.entries(entry).filter(([key]) => !keys.includes(key)));
}
