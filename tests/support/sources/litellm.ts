/** LiteLLM's prompt endpoints, from its source: ids with versions, templates with their front matter apart. */

import { httpPlace, idOf, ticking } from './http-place.ts';
import { serveApi } from './http-stand-in.ts';
import { originalText, PROMPTS, type SourceFixture } from './stand-in.ts';

const KEY = 'sk-litellm-0123456789';

export async function openLitellm() {
  const now = ticking();
  const prompts = new Map(
    PROMPTS.map((prompt) => [idOf(prompt), { texts: [originalText(prompt)], at: new Date(now()).toISOString() }]),
  );
  const server = await serveApi(({ parts: [, id = ''], headers }) => {
    if (headers['authorization'] !== `Bearer ${KEY}`)
      return { status: 401, body: { error: { message: 'Authentication Error' } } };
    if (id === 'list') {
      const all = [...prompts].flatMap(([each, { texts }]) =>
        texts.map((_text, index) => ({ prompt_id: `${each}.v${index + 1}` })),
      );
      return { body: { prompts: all } };
    }
    const prompt = prompts.get(id);
    if (prompt === undefined) return { status: 404, body: { detail: `Prompt ${id} not found` } };
    return {
      body: {
        prompt_spec: { prompt_id: `${id}.v${prompt.texts.length}`, litellm_params: {}, updated_at: prompt.at },
        raw_prompt_template: {
          litellm_prompt_id: id,
          content: prompt.texts.at(-1),
          metadata: { model: 'gpt-5', temperature: 0 },
        },
      },
    };
  });
  return httpPlace(server, 'prompt_id', {
    config: { base_url: server.origin, api_key: KEY },
    secrets: [KEY],
    text: (prompt) => prompts.get(idOf(prompt))?.texts.at(-1) ?? '',
    edit: (prompt, text) => void prompts.get(idOf(prompt))?.texts.push(text),
    remove: (prompt) => void prompts.delete(idOf(prompt)),
  });
}

export const litellmFixture: SourceFixture = { type: 'litellm', open: openLitellm };
