/** Opik's prompt API, from its published OpenAPI document: commits, numbered pages, its own restore, and alerts. */

import { createHash } from 'node:crypto';
import { timestampFromMillis } from '../../../src/lib/time.ts';
import { httpPlace, idOf, ticking } from './http-place.ts';
import { pageOf, serveApi, type ApiAnswer, type ApiRequest } from './http-stand-in.ts';
import { originalText, PROMPTS, type SourceFixture } from './stand-in.ts';

const KEY = 'opik-key-0123456789';
const WEBHOOK_SECRET = 'opik-hook-0123456789';

interface Version {
  readonly id: string;
  readonly commit: string;
  readonly version_number: string | null;
  readonly template: string;
  readonly template_structure: 'text' | 'chat';
  readonly type: string;
  readonly metadata: unknown;
  readonly created_at: string;
  readonly created_by: string;
}

interface Prompt {
  readonly id: string;
  readonly name: string;
  readonly created_at: string;
  last_updated_at: string;
  readonly versions: Version[];
}

/** Says nothing about the order. */
export function opikCommit(id: string, number: number): string {
  return createHash('sha256').update(`${id} ${number}`).digest('hex').slice(0, 8);
}

export async function openOpik() {
  const now = ticking();
  const time = (): string => new Date(now()).toISOString().replace('Z', '123Z');
  const prompts = new Map<string, Prompt>();
  const add = (id: string, name: string): void => {
    const created_at = time();
    prompts.set(id, { id, name, created_at, last_updated_at: created_at, versions: [] });
  };
  const write = (id: string, template: string, by: string, more: Partial<Version> = {}): void => {
    const prompt = prompts.get(id);
    if (prompt === undefined) return;
    const number = prompt.versions.length + 1;
    const created_at = time();
    prompt.last_updated_at = created_at;
    prompt.versions.push({
      id: `${id}-v${number}`,
      commit: opikCommit(id, number),
      version_number: `v${number}`,
      template,
      template_structure: 'text',
      type: 'mustache',
      metadata: { model: 'gpt-5' },
      created_at,
      created_by: by,
      ...more,
    });
  };
  for (const prompt of PROMPTS) {
    add(idOf(prompt), prompt);
    write(idOf(prompt), 'A draft.', 'alice');
    write(idOf(prompt), originalText(prompt), 'alice');
  }

  const paged = (items: readonly unknown[], query: URLSearchParams): ApiAnswer => {
    const page = Number(query.get('page') ?? 1);
    const size = Number(query.get('size') ?? 10);
    return { body: { page, size, total: items.length, content: pageOf(items, (page - 1) * size, size).page } };
  };
  const answer = ({ method, parts: [, , , id, sub, version], query, headers }: ApiRequest): ApiAnswer => {
    if (headers['authorization'] !== KEY || headers['comet-workspace'] !== 'default')
      return { status: 401, body: { message: 'API key is invalid' } };
    if (id === undefined) {
      const listed = [...prompts.values()].map(({ versions, ...prompt }) => ({
        ...prompt,
        tags: [],
        version_count: versions.length,
      }));
      return paged(listed, query);
    }
    const prompt = prompts.get(id);
    if (prompt === undefined) return { status: 404, body: { errors: ['Prompt not found'] } };
    if (version !== undefined && method === 'POST') {
      const found = prompt.versions.find((each) => each.id === version);
      if (found === undefined) return { status: 404, body: { errors: ['Version not found'] } };
      write(id, found.template, 'plumbline', { template_structure: found.template_structure });
      return { body: prompt.versions.at(-1) };
    }
    if (sub === 'versions') return paged(prompt.versions.toReversed(), query);
    const { versions, ...rest } = prompt;
    return { body: { ...rest, latest_version: versions.findLast((each) => each.version_number !== null) } };
  };

  const server = await serveApi(answer);
  return {
    add,
    write,
    prompts,
    requests: server.requests,
    ...httpPlace(server, 'prompt_id', {
      config: { base_url: server.origin, api_key: KEY, webhook_secret: WEBHOOK_SECRET },
      secrets: [KEY, WEBHOOK_SECRET],
      editor: 'mallory',
      text: (prompt) => prompts.get(idOf(prompt))?.versions.at(-1)?.template ?? '',
      edit: (prompt, text) => write(idOf(prompt), text, 'mallory'),
      remove: (prompt) => void prompts.delete(idOf(prompt)),
      pushesCarrySecret: true,
      pushesAreDated: true,
      push: (prompt, atMillis) => {
        const { versions: _versions, ...rest } = prompts.get(idOf(prompt)) ?? { versions: [] };
        const alert = { alertId: 'alert', alertName: 'Prompts', eventType: 'prompt:committed' };
        const payload = {
          ...alert,
          eventIds: ['1'],
          eventCount: 1,
          metadata: [{ id: 'v', prompt_id: idOf(prompt), ...rest }],
        };
        return {
          headers: { authorization: `Bearer ${WEBHOOK_SECRET}`, 'content-type': 'application/json' },
          query: {},
          body: Buffer.from(
            JSON.stringify({ id: `event-${atMillis}`, ...alert, createdAt: new Date(atMillis).toISOString(), payload }),
          ),
          receivedAt: timestampFromMillis(atMillis),
        };
      },
    }),
  };
}

export const opikFixture: SourceFixture = { type: 'opik', open: openOpik };
