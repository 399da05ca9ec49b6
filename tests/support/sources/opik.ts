/** Opik's prompt API, from the SDK's types: commits, numbered pages, and its own restore. */

import { httpPlace, idOf, ticking } from './http-place.ts';
import { pageOf, serveApi } from './http-stand-in.ts';
import { originalText, PROMPTS, type SourceFixture } from './stand-in.ts';

const KEY = 'opik-key-0123456789';

export async function openOpik() {
  const now = ticking();
  const prompts = new Map(PROMPTS.map((name) => [idOf(name), { id: idOf(name), name, versions: [] as object[] }]));
  const write = (id: string, template: string, by: string): void => {
    const versions = prompts.get(id)?.versions;
    const number = versions?.length ?? 0;
    versions?.push({
      id: `${id}-v${number}`,
      commit: `c${number}${id}`.slice(0, 8),
      template,
      metadata: { model: 'gpt-5' },
      created_at: new Date(now()).toISOString(),
      created_by: by,
    });
  };
  for (const prompt of PROMPTS) write(idOf(prompt), originalText(prompt), 'alice');
  const server = await serveApi(({ method, parts: [, , , id, sub, version], query, headers }) => {
    if (headers['authorization'] !== KEY || headers['comet-workspace'] !== 'default')
      return { status: 401, body: { message: 'API key is invalid' } };
    const page = Number(query.get('page') ?? 1);
    const size = Number(query.get('size') ?? 10);
    if (id === undefined) {
      const found = pageOf([...prompts.values()], (page - 1) * size, size).page;
      return {
        body: {
          page,
          size: found.length,
          total: prompts.size,
          content: found.map(({ name, id: each }) => ({ id: each, name })),
        },
      };
    }
    const prompt = prompts.get(id);
    if (prompt === undefined) return { status: 404, body: { errors: ['Prompt not found'] } };
    if (version !== undefined && method === 'POST') {
      const found = prompt.versions.find((each) => 'id' in each && each.id === version);
      write(id, found !== undefined && 'template' in found ? String(found.template) : '', 'plumbline');
      return { body: prompt.versions.at(-1) };
    }
    if (sub === 'versions')
      return {
        body: {
          page,
          size,
          total: prompt.versions.length,
          content: pageOf(prompt.versions.toReversed(), (page - 1) * size, size).page,
        },
      };
    return { body: { id, name: prompt.name, latest_version: prompt.versions.at(-1) } };
  });
  const latest = (prompt: string): string => {
    const version = prompts.get(idOf(prompt))?.versions.at(-1);
    return version !== undefined && 'template' in version ? String(version.template) : '';
  };
  return {
    write,
    ...httpPlace(server, 'prompt_id', {
      config: { base_url: server.origin, api_key: KEY },
      secrets: [KEY],
      editor: 'mallory',
      text: latest,
      edit: (prompt, text) => write(idOf(prompt), text, 'mallory'),
      remove: (prompt) => void prompts.delete(idOf(prompt)),
    }),
  };
}

export const opikFixture: SourceFixture = { type: 'opik', open: openOpik };
