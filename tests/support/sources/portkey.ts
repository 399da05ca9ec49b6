/** Portkey's prompt API, from its published types: numbered versions, one of them the default, templates as text. */

import { httpPlace, ticking } from './http-place.ts';
import { pageOf, serveApi } from './http-stand-in.ts';
import { originalText, PROMPTS, type SourceFixture } from './stand-in.ts';

const KEY = 'portkey-key-0123456789';

export async function openPortkey() {
  const now = ticking();
  const chat = (text: string): string => JSON.stringify([{ role: 'system', content: [{ type: 'text', text }] }]);
  const prompts = new Map(
    PROMPTS.map((slug) => [
      slug,
      { texts: ['A draft.', originalText(slug)], current: 2, at: new Date(now()).toISOString() },
    ]),
  );
  const server = await serveApi(({ method, parts: [, , slug, sub], query, headers, body }) => {
    if (headers['x-portkey-api-key'] !== KEY)
      return { status: 401, body: { success: false, data: { message: 'Invalid API Key' } } };
    if (slug === undefined) {
      const size = Number(query.get('page_size'));
      const { page } = pageOf([...prompts.keys()], Number(query.get('current_page')) * size, size);
      return { body: { data: page.map((each) => ({ id: each, slug: each, name: each })), total: prompts.size } };
    }
    const prompt = prompts.get(slug);
    if (prompt === undefined) return { status: 404, body: { success: false, data: { message: 'Prompt not found' } } };
    if (sub === 'makeDefault' && method === 'PUT') {
      Object.assign(prompt, { current: body.version, at: new Date(now()).toISOString() });
      return { body: {} };
    }
    if (sub === 'versions')
      return {
        body: prompt.texts.map((text, index) => ({
          id: index,
          prompt_version: index + 1,
          prompt_template: chat(text),
        })),
      };
    return {
      body: {
        id: slug,
        slug,
        name: slug,
        string: chat(prompt.texts[prompt.current - 1] ?? ''),
        parameters: { temperature: 0 },
        model: 'gpt-5',
        prompt_version: prompt.current,
        prompt_version_status: 'active',
        last_updated_at: prompt.at,
      },
    };
  });
  const of = (slug: string) => prompts.get(slug) ?? { texts: [], current: 0, at: '' };
  return {
    prompts,
    ...httpPlace(server, 'slug', {
      config: { base_url: `${server.origin}/v1`, api_key: KEY },
      targets: PROMPTS.map((slug) => ({ prompt: slug, config: { slug } })),
      secrets: [KEY],
      text: (slug) => of(slug).texts[of(slug).current - 1] ?? '',
      edit: (slug, text) =>
        void Object.assign(of(slug), { current: of(slug).texts.push(text), at: new Date(now()).toISOString() }),
      movePointer: (slug) => void Object.assign(of(slug), { current: 1 }),
      remove: (slug) => void prompts.delete(slug),
    }),
  };
}

export const portkeyFixture: SourceFixture = { type: 'portkey', open: openPortkey };
