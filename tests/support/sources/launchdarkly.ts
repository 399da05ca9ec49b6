/** LaunchDarkly's AI Configs, from its published types: variations with versions, targeting with splits and rules, semantic patches, an audit log that is pushed. */

import { createHmac } from 'node:crypto';
import { timestampFromMillis } from '../../../src/lib/time.ts';
import { httpPlace, idOf, ticking } from './http-place.ts';
import { pageOf, serveApi } from './http-stand-in.ts';
import { originalText, PROMPTS, type SourceFixture } from './stand-in.ts';

const KEY = 'api-0123456789abcdef-ld';
const WEBHOOK_SECRET = 'ld-webhook-secret-0123';
const EDITOR = 'mallory@example.com';

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
  fallthrough: Choice;
  rules: (Choice & { readonly clauses: unknown[] })[];
  targets: { values: string[]; variation: number }[];
  contextTargets: { contextKind: string; values: string[]; variation: number }[];
  lastModified: number;
}

interface Choice {
  variation?: number;
  rollout?: { variations: { variation: number; weight: number }[] };
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
        rules: [],
        targets: [],
        contextTargets: [],
        lastModified: now(),
      },
    ]),
  );
  const audit: ReturnType<typeof entry>[] = [];
  const entry = (key: string, date: number) => ({
    _id: `entry-${date}`,
    date,
    kind: 'aiconfig',
    name: key,
    member: { _id: 'member', email: EDITOR, firstName: 'Mallory' },
    target: { name: key, resources: [`proj/default:env/production:aiconfig/${key}`] },
    accesses: [{ action: 'updateAIConfigVariation', resource: `proj/default:env/production:aiconfig/${key}` }],
  });
  /** Somebody does something to a config, which is logged a moment later. */
  const change = (key: string, act: (at: number) => void): void => {
    const at = now();
    act(at);
    audit.push(entry(key, at + 40));
  };
  let mayAudit = true;
  const server = await serveApi(({ method, parts, query, headers, body }) => {
    if (headers['authorization'] !== KEY)
      return { status: 401, body: { code: 'unauthorized', message: 'Invalid account ID header' } };
    if (parts[2] === 'auditlog') {
      if (!mayAudit) return { status: 403, body: { code: 'forbidden', message: 'Access to the audit log is denied' } };
      const [after, before] = [Number(query.get('after') ?? 0), Number(query.get('before') ?? Infinity)];
      const found = audit.filter(({ date }) => date > after && date < before).toReversed();
      return { body: { items: found.slice(0, Number(query.get('limit') ?? 10)) } };
    }
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
      const { variations, ...environment } = config;
      return {
        body: {
          key,
          variations: variations.map(({ _id }) => ({ _id })),
          environments: { production: environment },
        },
      };
    }
    if (sub === 'variations') {
      const found = config.variations.find((each) => each.key === name);
      Object.assign(found ?? {}, {
        messages: body.messages ?? message(body.instructions),
        ...(body.model === undefined ? {} : { model: body.model }),
        version: (found?.version ?? 0) + 1,
        createdAt: now(),
      });
      return { body: found };
    }
    const model = { modelName: 'gpt-5', parameters: { temperature: 0 } };
    return { body: { key, name: key, version: 1, variations: config.variations.map((each) => ({ model, ...each })) } };
  });
  const live = (prompt: string): Variation | undefined => {
    const config = configs.get(idOf(prompt));
    return config?.variations[config.fallthrough.variation ?? 0];
  };
  return {
    configs,
    requests: server.requests,
    hideAudit: () => void (mayAudit = false),
    ...httpPlace(server, 'key', {
      config: { base_url: server.origin, api_key: KEY, project: 'default', webhook_secret: WEBHOOK_SECRET },
      secrets: [KEY, WEBHOOK_SECRET],
      editor: EDITOR,
      text: (prompt) => live(prompt)?.messages[0]?.content ?? '',
      edit: (prompt, text) =>
        change(idOf(prompt), (at) => {
          const served = live(prompt);
          Object.assign(served ?? {}, {
            messages: message(text),
            version: (served?.version ?? 0) + 1,
            createdAt: at,
          });
        }),
      movePointer: (prompt) =>
        change(idOf(prompt), (at) =>
          Object.assign(configs.get(idOf(prompt)) ?? {}, { fallthrough: { variation: 0 }, lastModified: at }),
        ),
      remove: (prompt) => void configs.delete(idOf(prompt)),
      pushesAreDated: true,
      push: (prompt, atMillis) => {
        const body = Buffer.from(JSON.stringify(entry(idOf(prompt), atMillis)));
        return {
          headers: { 'x-ld-signature': createHmac('sha256', WEBHOOK_SECRET).update(body).digest('hex') },
          query: {},
          body,
          receivedAt: timestampFromMillis(atMillis),
        };
      },
    }),
  };
}

export const launchdarklyFixture: SourceFixture = { type: 'launchdarkly', open: openLaunchdarkly };
