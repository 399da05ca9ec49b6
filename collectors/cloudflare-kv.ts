/** Prompts in Cloudflare Workers KV, whole or a field of the JSON or YAML in a value. A hundred are read with one question. */

import { z } from 'zod';
import { sourcePlugin } from '../src/contract/source-plugin.ts';
import type { Reading, RestoreRequest, Source, SourceTarget } from '../src/contract/source.ts';
import { Api } from './lib/api.ts';
import { baseUrl } from './lib/base-url.ts';
import { jsonPath } from './lib/json-path-field.ts';
import { allPages } from './lib/pages.ts';
import { inGroups, proposeTexts, type FoundText } from './lib/proposals.ts';
import { readGroups } from './lib/read-each.ts';
import { rewrite } from './lib/rewrite.ts';
import { secret } from './lib/secret.ts';
import { readingOfText, textWith } from './lib/structured-text.ts';

const Config = z.strictObject({
  base_url: baseUrl('https://api.cloudflare.com/client/v4'),
  api_token: secret(),
  account_id: z.string().min(1),
  namespace_id: z.string().min(1),
  discover: z.string().optional().describe('For `discover`: how the keys of the prompts begin.'),
});
type Config = z.output<typeof Config>;

const Target = z.strictObject({
  key: z.string().min(1),
  field: jsonPath().optional(),
});
type Target = z.output<typeof Target>;

const Values = z.object({ result: z.object({ values: z.record(z.string(), z.string().nullable()) }) });

const Keys = z.object({
  result: z.array(z.object({ name: z.string() })),
  result_info: z.object({ cursor: z.string().nullish() }).nullish(),
});

// What the bulk read takes at once.
const KEYS_MAX = 100;

export const cloudflareKv = sourcePlugin({
  type: 'cloudflare-kv',
  summary: 'A value in Cloudflare Workers KV, or a field in it.',
  config: Config,
  target: Target,
  example: {
    config: {
      api_token: 'env:CLOUDFLARE_API_TOKEN',
      account_id: '023e105f4ecef8ad9ca31a8372d0c353',
      namespace_id: '0f2ac74b498b48028cb68387c421e279',
      discover: 'prompts/',
    },
    targets: [{ key: 'prompts/intent' }],
  },
  create: (config, context): Source<Target> => {
    const headers = { authorization: `Bearer ${config.api_token}` };
    const api = new Api(context.fetch, config.base_url, headers, {
      besides: `${namespacePath(config)}/keys`,
      // The least that it takes.
      question: { query: { limit: 10 } },
    });
    const { discover } = config;
    return {
      ...(discover === undefined
        ? {}
        : { discover: proposeTexts((signal) => findTexts(api, config, discover, signal)) }),
      live: {
        read: (targets, _known, signal) => {
          const groups = Array.from({ length: Math.ceil(targets.length / KEYS_MAX) }, (_, index) =>
            targets.slice(index * KEYS_MAX, (index + 1) * KEYS_MAX),
          );
          return readGroups<Target, readonly SourceTarget<Target>[]>(groups, signal, (group) =>
            readGroup(api, config, group, signal),
          );
        },
      },
      restore: {
        form: 'write',
        // KV has no conditional write, and other regions may show the old value for a minute.
        comparesAndSets: false,
        restore: (target, request, signal) => restore(api, config, target, request, signal),
      },
    };
  },
});

function namespacePath({ account_id: account, namespace_id: namespace }: Config): string {
  return `/accounts/${encodeURIComponent(account)}/storage/kv/namespaces/${encodeURIComponent(namespace)}`;
}

async function readValues(api: Api, config: Config, keys: readonly string[], signal: AbortSignal) {
  const body = { keys, type: 'text' };
  const { result } = await api.get(Values, `${namespacePath(config)}/bulk/get`, { method: 'POST', body, signal });
  return new Map(Object.entries(result.values));
}

async function* findTexts(
  api: Api,
  config: Config,
  prefix: string,
  signal: AbortSignal,
): AsyncIterable<FoundText<Target>> {
  const keys = allPages<{ name: string }>(api.host, async (cursor) => {
    const query = { prefix, limit: 1000, ...(cursor === null ? {} : { cursor }) };
    const { result, result_info: info } = await api.get(Keys, `${namespacePath(config)}/keys`, { query, signal });
    return { items: result, next: info?.cursor };
  });
  for await (const group of inGroups(keys, KEYS_MAX)) {
    const names = group.map(({ name }) => name);
    for (const [key, text] of await readValues(api, config, names, signal))
      yield { path: key.slice(prefix.length), target: { key }, text };
  }
}

async function readGroup(
  api: Api,
  config: Config,
  group: readonly SourceTarget<Target>[],
  signal: AbortSignal,
): Promise<readonly Reading[]> {
  const values = await readValues(api, config, [...new Set(group.map((target) => target.config.key))], signal);
  return group.map((target) => {
    const { key, field } = target.config;
    const value = values.get(key) ?? null;
    if (value === null) return { outcome: 'missing', target: target.id, reason: `There is no ${key}.` };
    return readingOfText(target.id, key, value, field);
  });
}

async function restore(
  api: Api,
  config: Config,
  target: SourceTarget<Target>,
  request: RestoreRequest,
  signal: AbortSignal,
): Promise<Reading> {
  const { key, field } = target.config;
  const readOne = async (): Promise<Reading> => {
    const [reading] = await readGroup(api, config, [target], signal);
    return reading ?? { outcome: 'unreachable', target: target.id, reason: 'It was not read.' };
  };
  return rewrite(target.id, request, readOne, async () => {
    const before = (await readValues(api, config, [key], signal)).get(key) ?? null;
    const body = [{ key, value: textWith(key, before, field, request.body) }];
    await api.get(z.unknown(), `${namespacePath(config)}/bulk`, { method: 'PUT', body, signal });
  });
}
