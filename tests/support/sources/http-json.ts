/** A made-up configuration service with ETags and compare-and-set. */

import { createHash } from 'node:crypto';
import { httpPlace } from './http-place.ts';
import { serveApi } from './http-stand-in.ts';
import { originalText, PROMPTS, type SourceFixture, type StandIn } from './stand-in.ts';

const KEY = 'config-service-key-0123456789';

export const httpJsonFixture: SourceFixture = {
  type: 'http-json',
  async open() {
    const prompts = new Map<string, { text: string; revision: number; editor: string; label: string }>(
      PROMPTS.map((prompt) => [prompt, { text: originalText(prompt), revision: 1, editor: 'alice', label: 'blue' }]),
    );
    const server = await serveApi(({ method, parts: [, name = ''], headers, body }) => {
      if (headers['x-api-key'] !== KEY) return { status: 401, body: { message: 'Who are you?' } };
      const prompt = prompts.get(name);
      if (prompt === undefined) return { status: 404, body: { message: `There is no ${name}.` } };
      const etag = `"${createHash('sha1').update(JSON.stringify(prompt)).digest('hex')}"`;
      if (method === 'PUT') {
        if (headers['if-match'] !== etag) return { status: 412, body: { message: 'Somebody was faster.' } };
        Object.assign(prompt, { text: body.prompt.text, revision: prompt.revision + 1, editor: body.reason });
        return { body: {} };
      }
      if (headers['if-none-match'] === etag) return { status: 304, headers: { etag } };
      const { text, revision, editor, label } = prompt;
      const answer = { prompt: { text }, revision, label, updated: { by: editor, at: '2026-11-20T02:40:00Z' } };
      return { body: answer, headers: { etag } };
    });
    const change = (prompt: string, more: object): void => {
      const entry = prompts.get(prompt);
      if (entry !== undefined) Object.assign(entry, more);
    };
    return {
      config: {
        url: `${server.origin}/prompts/{key}`,
        headers: { 'x-api-key': KEY },
        content: 'prompt.text',
        version: 'revision',
        pointer: 'label',
        editor: 'updated.by',
        edited_at: 'updated.at',
        restore: { body: { prompt: { text: '{content}' }, reason: 'restored to {version}' }, if_match: true },
      },
      targets: PROMPTS.map((prompt) => ({ prompt, config: { key: prompt } })),
      secrets: [KEY],
      editor: 'mallory',
      text: (prompt) => prompts.get(prompt)?.text ?? '',
      edit: (prompt, text) => change(prompt, { text, editor: 'mallory', revision: 2 }),
      movePointer: (prompt) => change(prompt, { label: 'green' }),
      remove: (prompt) => void prompts.delete(prompt),
      troubles: server.troubles,
      trouble: server.trouble,
      close: server.close,
    };
  },
};

/** The same as one list, without an address for each. */
export async function openHttpJsonList(): Promise<StandIn> {
  const items = PROMPTS.map((id) => ({ id, content: originalText(id) }));
  const server = await serveApi(() => ({ body: { prompts: items } }));
  const find = (prompt: string) => items.find(({ id }) => id === prompt);
  return httpPlace(server, 'key', {
    config: { url: `${server.origin}/prompts`, items: 'prompts' },
    targets: PROMPTS.map((prompt) => ({ prompt, config: { key: prompt } })),
    secrets: [],
    text: (prompt) => find(prompt)?.content ?? '',
    edit: (prompt, text) => void Object.assign(find(prompt) ?? {}, { content: text }),
    remove: null,
  });
}
