/** Braintrust's prompt API, from its published types: transactions as versions, environments, pages by the last id. */

import { httpPlace, idOf, ticking } from './http-place.ts';
import { pageOf, serveApi } from './http-stand-in.ts';
import { originalText, PROMPTS, type SourceFixture } from './stand-in.ts';

const KEY = 'sk-braintrust-0123456789';

export async function openBraintrust() {
  const now = ticking();
  const prompts = PROMPTS.map((slug) => ({
    id: idOf(slug),
    slug,
    environments: { production: 0 } as Record<string, number>,
    versions: [{ xact: '1000', text: originalText(slug), created: new Date(now()).toISOString() }],
  }));
  const write = (slug: string, text: string): void => {
    const versions = prompts.find((prompt) => prompt.slug === slug)?.versions;
    versions?.push({ xact: String(1000 + versions.length), text, created: new Date(now()).toISOString() });
  };
  const wire = (prompt: (typeof prompts)[number], environment: string | null) => {
    const version = prompt.versions.at(environment === null ? -1 : (prompt.environments[environment] ?? -1));
    return {
      id: prompt.id,
      _xact_id: version?.xact,
      project_id: 'project',
      name: prompt.slug,
      slug: prompt.slug,
      created: version?.created,
      prompt_data: {
        prompt: { type: 'chat', messages: [{ role: 'system', content: version?.text }] },
        options: { model: 'gpt-5', params: { temperature: 0 } },
      },
    };
  };
  const server = await serveApi(({ method, parts: [, , id], query, headers, body }) => {
    if (headers['authorization'] !== `Bearer ${KEY}`) return { status: 401, body: { error: 'Unauthorized' } };
    const environment = query.get('environment');
    if (id !== undefined) {
      const prompt = prompts.find((each) => each.id === id);
      if (prompt === undefined) return { status: 404, body: { error: 'Not found' } };
      if (method === 'PATCH') write(prompt.slug, body.prompt_data.prompt.messages[0].content);
      return { body: wire(prompt, null) };
    }
    if (query.get('project_name') !== 'support') return { body: { objects: [] } };
    const matching = prompts.filter((prompt) => [null, prompt.slug].includes(query.get('slug')));
    const start = matching.findIndex((prompt) => prompt.id === query.get('starting_after')) + 1;
    return {
      body: {
        objects: pageOf(matching, start, Math.min(2, Number(query.get('limit') ?? 2))).page.map((prompt) =>
          wire(prompt, environment),
        ),
      },
    };
  });
  return {
    prompts,
    write,
    ...httpPlace(server, 'slug', {
      config: { base_url: server.origin, api_key: KEY, project: 'support' },
      targets: PROMPTS.map((slug) => ({ prompt: slug, config: { slug } })),
      secrets: [KEY],
      text: (slug) => prompts.find((prompt) => prompt.slug === slug)?.versions.at(-1)?.text ?? '',
      edit: write,
      remove: (slug) =>
        void prompts.splice(
          prompts.findIndex((prompt) => prompt.slug === slug),
          1,
        ),
    }),
  };
}

export const braintrustFixture: SourceFixture = { type: 'braintrust', open: openBraintrust };
