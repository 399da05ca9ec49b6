/** PromptLayer's registry, from its published OpenAPI pages: versions, release labels, numbered pages. */

import { httpPlace, ticking } from './http-place.ts';
import { pageOf, serveApi } from './http-stand-in.ts';
import { originalText, PROMPTS, type SourceFixture } from './stand-in.ts';

const KEY = 'pl_0123456789abcdef0123';

export async function openPromptlayer() {
  const now = ticking();
  const templates = new Map<
    string,
    { readonly id: number; readonly versions: { text: string; at: string }[]; labels: Map<string, number> }
  >();
  const publish = (name: string, text: string, label?: string): void => {
    const template = templates.get(name) ?? { id: templates.size + 1, versions: [], labels: new Map<string, number>() };
    templates.set(name, template);
    template.versions.push({ text, at: new Date(now()).toISOString() });
    if (label !== undefined) template.labels.set(label, template.versions.length);
  };
  for (const prompt of PROMPTS) {
    publish(prompt, 'A draft.');
    publish(prompt, originalText(prompt), 'prod');
  }
  const snippets = (text: string): string =>
    text.replaceAll(/@@@(\w+)@@@/g, (_all, name: string) => templates.get(name)?.versions.at(-1)?.text ?? '');
  const server = await serveApi(({ method, parts: [root, name, sub], query, headers, body }) => {
    if (headers['x-api-key'] !== KEY) return { status: 401, body: { success: false, message: 'Invalid API key' } };
    const all = [...templates.entries()];
    if (root === 'prompt-labels') {
      const template = all.find(([, { id }]) => id === Number(name))?.[1];
      if (method !== 'PATCH' || template === undefined) return { status: 404, body: { message: 'No label' } };
      template.labels.set('prod', body.prompt_version_number);
      return { body: { id: template.id, name: 'prod' } };
    }
    if (name === undefined) {
      const page = Number(query.get('page') ?? 1);
      const found = pageOf(all, (page - 1) * 2, Math.min(2, Number(query.get('per_page'))));
      return {
        body: {
          items: found.page.map(([prompt_name, { id }]) => ({ id, prompt_name })),
          has_next: found.next !== null,
          page,
          pages: 3,
        },
      };
    }
    const template = templates.get(name);
    if (template === undefined) return { status: 404, body: { success: false, message: 'Prompt not found.' } };
    if (sub === 'labels') {
      const labels = [...template.labels].map(([release_label, prompt_version_number]) => ({
        prompt_version_id: template.id * 100 + prompt_version_number,
        prompt_version_number,
        release_label,
        release_label_id: template.id,
      }));
      return { body: { success: true, release_labels: labels } };
    }
    const label = query.get('label');
    const version =
      label === null ? Number(query.get('version') ?? template.versions.length) : (template.labels.get(label) ?? 0);
    const found = template.versions[version - 1];
    if (found === undefined) return { status: 404, body: { success: false, message: 'No such version or label.' } };
    const text = query.get('resolve_snippets') === 'false' ? found.text : snippets(found.text);
    const message = {
      role: 'system',
      content: [{ type: 'text', text }],
      template_format: 'jinja2',
      input_variables: [],
    };
    return {
      body: {
        id: template.id,
        prompt_name: name,
        version,
        prompt_template: { type: 'chat', messages: [message], input_variables: [] },
        metadata: { model: { provider: 'openai', name: 'gpt-5', parameters: { temperature: 0 } } },
        commit_message: '',
        created_at: found.at,
        snippets: found.text.includes('@@@') ? [{ prompt_name: 'safety' }] : [],
      },
    };
  });
  const live = (name: string) => templates.get(name)?.versions[(templates.get(name)?.labels.get('prod') ?? 0) - 1];
  return {
    publish,
    templates,
    ...httpPlace(server, 'name', {
      targets: PROMPTS.map((prompt) => ({ prompt, config: {} })),
      config: { base_url: server.origin, api_key: KEY },
      secrets: [KEY],
      text: (prompt) => live(prompt)?.text ?? '',
      edit: (prompt, text) => publish(prompt, text, 'prod'),
      movePointer: (prompt) => void templates.get(prompt)?.labels.set('prod', 1),
      remove: (prompt) => void templates.get(prompt)?.labels.delete('prod'),
    }),
  };
}

export const promptlayerFixture: SourceFixture = { type: 'promptlayer', open: openPromptlayer };
