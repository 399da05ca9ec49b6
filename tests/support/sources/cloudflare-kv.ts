/** Workers KV, from Cloudflare's OpenAPI description: bulk reads of up to a hundred keys, bulk writes. */

import { httpPlace } from './http-place.ts';
import { pageOf, serveApi } from './http-stand-in.ts';
import { originalText, PROMPTS, type SourceFixture } from './stand-in.ts';

const TOKEN = 'cf-token-0123456789abcdef';

export async function openCloudflareKv() {
  const keyOf = (prompt: string): string => `prompts/${prompt}`;
  const values = new Map(PROMPTS.map((prompt) => [keyOf(prompt), originalText(prompt)]));
  values.set('sessions/1', 'of no concern');
  const envelope = (result: unknown, more = {}) => ({
    body: { success: true, errors: [], messages: [], result, ...more },
  });
  const server = await serveApi(({ method, path, query, headers, body }) => {
    const error = (status: number, code: number, message: string) => ({
      status,
      body: { success: false, errors: [{ code, message }], result: null },
    });
    if (headers['authorization'] !== `Bearer ${TOKEN}`) return error(401, 10_000, 'Authentication error');
    const root = '/client/v4/accounts/acme/storage/kv/namespaces/live';
    if (!path.startsWith(root)) return error(404, 10_013, 'namespace not found');
    if (path === `${root}/keys` && method === 'GET') {
      const names = [...values.keys()].filter((key) => key.startsWith(query.get('prefix') ?? ''));
      const { page, next } = pageOf(names, Number(query.get('cursor') ?? 0), 2);
      const info = { count: page.length, cursor: next === null ? '' : String(next) };
      return envelope(
        page.map((name) => ({ name })),
        { result_info: info },
      );
    }
    if (path === `${root}/bulk/get` && method === 'POST') {
      if (body.keys.length > 100) return error(400, 10_160, 'too many keys');
      return envelope({
        values: Object.fromEntries((body.keys as string[]).map((key) => [key, values.get(key) ?? null])),
      });
    }
    if (path === `${root}/bulk` && method === 'PUT') {
      for (const { key, value } of body) values.set(key, value);
      return envelope({ successful_key_count: body.length, unsuccessful_keys: [] });
    }
    return error(405, 10_405, 'Method not allowed');
  });
  return httpPlace(server, 'key', {
    config: {
      base_url: `${server.origin}/client/v4`,
      api_token: TOKEN,
      account_id: 'acme',
      namespace_id: 'live',
      discover: 'prompts/',
    },
    targets: PROMPTS.map((prompt) => ({ prompt, config: { key: keyOf(prompt) } })),
    secrets: [TOKEN],
    text: (prompt) => values.get(keyOf(prompt)) ?? '',
    edit: (prompt, text) => void values.set(keyOf(prompt), text),
    remove: (prompt) => void values.delete(keyOf(prompt)),
  });
}

export const cloudflareKvFixture: SourceFixture = { type: 'cloudflare-kv', open: openCloudflareKv };
