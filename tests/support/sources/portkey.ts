/** Portkey's prompt API, from its OpenAPI description: numbered versions that never change, one of them the default, templates as text. */

import { httpPlace, ticking } from './http-place.ts';
import { pageOf, serveApi } from './http-stand-in.ts';
import { originalText, PROMPTS, type SourceFixture } from './stand-in.ts';

const KEY = 'portkey-key-0123456789';

export async function openPortkey() {
  const now = ticking();
  const chat = (text: string): string => JSON.stringify([{ role: 'system', content: [{ type: 'text', text }] }]);
  const time = (): string => new Date(now()).toISOString();
  const prompts = new Map(
    PROMPTS.map((slug) => {
      const versions = ['A draft.', originalText(slug)].map((text) => ({ text, at: time() }));
      return [slug, { name: slug, versions, current: 2, created: time(), at: time() }];
    }),
  );
  const wire = (slug: string, number: number) => {
    const prompt = of(slug);
    return {
      id: slug,
      slug,
      name: prompt.name,
      string: chat(prompt.versions[number - 1]?.text ?? ''),
      parameters: { temperature: 0 },
      model: 'gpt-5',
      prompt_version: number,
      prompt_version_id: `${slug}-${number}`,
      prompt_version_status: number === prompt.current ? 'active' : 'archived',
      created_at: prompt.created,
      last_updated_at: prompt.at,
    };
  };
  const server = await serveApi(({ method, parts: [, , slug, sub, versionId], query, headers, body }) => {
    if (headers['x-portkey-api-key'] !== KEY)
      return { status: 401, body: { success: false, data: { message: 'Invalid API Key' } } };
    if (slug === undefined) {
      const size = Number(query.get('page_size'));
      const { page } = pageOf([...prompts.keys()], Number(query.get('current_page')) * size, size);
      const data = page.map((each) => {
        const { name, created, at } = of(each);
        return {
          id: each,
          slug: each,
          name,
          model: 'gpt-5',
          created_at: created,
          last_updated_at: at,
          object: 'prompt',
        };
      });
      return { body: { data, total: prompts.size } };
    }
    const prompt = prompts.get(slug);
    if (prompt === undefined) return { status: 404, body: { success: false, data: { message: 'Prompt not found' } } };
    if (sub === 'makeDefault' && method === 'PUT') {
      Object.assign(prompt, { current: body.version, at: time() });
      return { body: {} };
    }
    if (sub === 'versions' && versionId !== undefined) {
      const number = Number(versionId.slice(slug.length + 1));
      return prompt.versions[number - 1] === undefined
        ? { status: 404, body: { success: false, data: { message: 'Prompt version not found' } } }
        : { body: wire(slug, number) };
    }
    if (sub === 'versions') {
      const newestFirst = prompt.versions
        .map(({ text, at }, index) => ({
          id: `${slug}-${index + 1}`,
          prompt_id: slug,
          prompt_version: index + 1,
          prompt_template: chat(text),
          created_at: at,
          status: 'active',
          object: 'prompt',
        }))
        .toReversed();
      return { body: newestFirst };
    }
    return { body: wire(slug, prompt.current) };
  });
  const of = (slug: string) => prompts.get(slug) ?? { name: '', versions: [], current: 0, created: '', at: '' };
  return {
    prompts,
    requests: server.requests,
    ...httpPlace(server, 'slug', {
      config: { base_url: `${server.origin}/v1`, api_key: KEY },
      targets: PROMPTS.map((slug) => ({ prompt: slug, config: { slug } })),
      secrets: [KEY],
      text: (slug) => of(slug).versions[of(slug).current - 1]?.text ?? '',
      edit: (slug, text) =>
        void Object.assign(of(slug), { current: of(slug).versions.push({ text, at: time() }), at: time() }),
      movePointer: (slug) => void Object.assign(of(slug), { current: 1, at: time() }),
      remove: (slug) => void prompts.delete(slug),
    }),
  };
}

export const portkeyFixture: SourceFixture = { type: 'portkey', open: openPortkey };
