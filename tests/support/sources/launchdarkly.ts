/** LaunchDarkly's AI Configs, from its published types: variations with versions, targeting with splits, semantic patches. */

import { httpPlace, idOf, ticking } from './http-place.ts';
import { pageOf, serveApi } from './http-stand-in.ts';
import { originalText, PROMPTS, type SourceFixture } from './stand-in.ts';

const KEY = 'api-0123456789abcdef-ld';

interface Variation {
  readonly _id: string;
  readonly key: string;
  version: number;
  messages: { role: string; content: string }[];
  createdAt: number;
}

interface Served {
  readonly variations: Variation[];
  enabled: boolean;
  fallthrough: { variation?: number; rollout?: { variations: { variation: number; weight: number }[] } };
  lastModified: number;
}

export async function openLaunchdarkly() {
  const now = ticking();
  const message = (content: string) => [{ role: 'system', content }];
  const variation = (key: string, content: string, id: string): Variation => ({
    _id: id,
    key,
    version: 1,
    messages: message(content),
    createdAt: now(),
  });
  const configs = new Map<string, Served>(
    PROMPTS.map((prompt) => [
      idOf(prompt),
      {
        variations: [
          variation('old', 'A draft.', `${prompt}-0`),
          variation('new', originalText(prompt), `${prompt}-1`),
        ],
        enabled: true,
        fallthrough: { variation: 1 },
        lastModified: now(),
      },
    ]),
  );
  const server = await serveApi(({ method, parts, query, headers, body }) => {
    if (headers['authorization'] !== KEY)
      return { status: 401, body: { code: 'unauthorized', message: 'Invalid account ID header' } };
    const [, , , project, , key, sub, name] = parts;
    if (project !== 'default') return { status: 404, body: { code: 'not_found', message: 'Unknown project' } };
    if (key === undefined) {
      const { page } = pageOf(
        [...configs.keys()],
        Number(query.get('offset') ?? 0),
        Math.min(2, Number(query.get('limit'))),
      );
      return { body: { items: page.map((each) => ({ key: each, name: each })), totalCount: configs.size } };
    }
    const config = configs.get(key);
    if (config === undefined) return { status: 404, body: { code: 'not_found', message: 'Unknown AI Config' } };
    if (sub === 'targeting') {
      if (method === 'PATCH') {
        if (!headers['content-type']?.includes('semanticpatch'))
          return { status: 400, body: { code: 'invalid_request', message: 'semanticpatch' } };
        const index = config.variations.findIndex(({ _id: id }) => id === body.instructions[0].variationId);
        Object.assign(config, { fallthrough: { variation: index }, lastModified: now() });
      }
      const { enabled, fallthrough, lastModified } = config;
      return {
        body: {
          key,
          variations: config.variations.map(({ _id }) => ({ _id })),
          environments: { production: { enabled, fallthrough, lastModified } },
        },
      };
    }
    if (sub === 'variations') {
      const found = config.variations.find((each) => each.key === name);
      Object.assign(found ?? {}, {
        messages: body.messages ?? message(body.instructions),
        version: (found?.version ?? 0) + 1,
        createdAt: now(),
      });
      return { body: found };
    }
    const model = { modelName: 'gpt-5', parameters: { temperature: 0 } };
    return { body: { key, name: key, version: 1, variations: config.variations.map((each) => ({ ...each, model })) } };
  });
  const live = (prompt: string): Variation | undefined => {
    const config = configs.get(idOf(prompt));
    return config?.variations[config.fallthrough.variation ?? 0];
  };
  return {
    configs,
    ...httpPlace(server, 'key', {
      config: { base_url: server.origin, api_key: KEY, project: 'default' },
      secrets: [KEY],
      text: (prompt) => live(prompt)?.messages[0]?.content ?? '',
      edit: (prompt, text) => {
        const served = live(prompt);
        Object.assign(served ?? {}, { messages: message(text), version: (served?.version ?? 0) + 1, createdAt: now() });
      },
      movePointer: (prompt) =>
        void Object.assign(configs.get(idOf(prompt)) ?? {}, { fallthrough: { variation: 0 }, lastModified: now() }),
      remove: (prompt) => void configs.delete(idOf(prompt)),
    }),
  };
}

export const launchdarklyFixture: SourceFixture = { type: 'launchdarkly', open: openLaunchdarkly };
