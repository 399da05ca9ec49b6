/** PromptLayer's registry, from its published OpenAPI pages: versions, release labels, snippets, numbered pages, signed pushes. */

import { createHmac } from 'node:crypto';
import { timestampFromMillis } from '../../../src/lib/time.ts';
import { httpPlace, ticking } from './http-place.ts';
import { pageOf, serveApi, type ApiAnswer, type ApiRequest } from './http-stand-in.ts';
import { originalText, PROMPTS, type SourceFixture } from './stand-in.ts';

const KEY = 'pl_0123456789abcdef0123';
const WEBHOOK_SECRET = 'pl-whsec-0123456789';

interface Template {
  readonly id: number;
  readonly versions: { readonly text: string; readonly at: string; readonly isDeleted?: boolean }[];
  readonly labels: Map<string, number>;
  updated: string;
}

export async function openPromptlayer() {
  const now = ticking();
  const time = (): string => new Date(now()).toISOString();
  const templates = new Map<string, Template>();
  const publish = (name: string, text: string, label?: string): void => {
    const id = templates.size + 1;
    const template: Template = templates.get(name) ?? { id, versions: [], labels: new Map(), updated: '' };
    templates.set(name, template);
    template.updated = time();
    template.versions.push({ text, at: template.updated });
    if (label !== undefined) template.labels.set(label, template.versions.length);
  };
  for (const prompt of PROMPTS) {
    publish(prompt, 'A draft.');
    publish(prompt, originalText(prompt), 'prod');
  }

  const versionOf = (template: Template | undefined, label: string | null, version: string | null): number => {
    if (label !== null) return template?.labels.get(label) ?? 0;
    return version === null ? (template?.versions.length ?? 0) : Number(version);
  };
  const resolved = (text: string): string =>
    text.replaceAll(
      /@@@([^@]+)(?:@(label|version_number):([^@]+))?@@@/g,
      (_all, name: string, kind?: string, value?: string) => {
        const snippet = templates.get(name);
        const [label, version] = kind === 'label' ? [value ?? null, null] : [null, value ?? null];
        return snippet?.versions[versionOf(snippet, label, version) - 1]?.text ?? '';
      },
    );

  const list = (query: URLSearchParams): ApiAnswer => {
    const label = query.get('label');
    const found = [...templates]
      .filter(([, { labels }]) => label === null || labels.has(label))
      .filter(([, { updated }]) => updated >= (query.get('updated_after') ?? ''))
      .map(([prompt_name, template]) => ({ id: template.id, prompt_name, version: versionOf(template, label, null) }));
    // Newest first, if nothing else is asked for.
    const sorted = query.get('sort_order') === 'asc' ? found : found.toReversed();
    const page = Number(query.get('page') ?? 1);
    const paged = pageOf(sorted, (page - 1) * 2, Math.min(2, Number(query.get('per_page'))));
    return { body: { items: paged.page, has_next: paged.next !== null, page, pages: 3 } };
  };

  const read = (name: string, template: Template, query: URLSearchParams): ApiAnswer => {
    const version = versionOf(template, query.get('label'), query.get('version'));
    const found = template.versions[version - 1];
    if (found === undefined || found.isDeleted === true)
      return { status: 404, body: { success: false, message: 'No such version or label.' } };
    const text = query.get('resolve_snippets') === 'false' ? found.text : resolved(found.text);
    const content = [{ type: 'text', text }];
    const message = { role: 'system', content, template_format: 'jinja2', input_variables: [] };
    const names = [...found.text.matchAll(/@@@([^@]+)/g)].map(([, prompt_name]) => ({ prompt_name, version: 1 }));
    return {
      body: {
        success: true,
        id: template.id,
        prompt_name: name,
        version,
        prompt_template: { type: 'chat', messages: [message], input_variables: [] },
        metadata: { model: { provider: 'openai', name: 'gpt-5', parameters: { temperature: 0 } } },
        commit_message: '',
        tags: ['owner:support'],
        created_at: found.at,
        snippets: names,
      },
    };
  };

  const answer = ({ method, parts: [root, name, sub], query, headers, body }: ApiRequest): ApiAnswer => {
    if (headers['x-api-key'] !== KEY) return { status: 401, body: { success: false, message: 'Invalid API key' } };
    if (root === 'prompt-labels') {
      const template = [...templates.values()].find(({ id }) => id === Number(name));
      if (method !== 'PATCH' || template === undefined) return { status: 404, body: { message: 'No label' } };
      template.labels.set('prod', body.prompt_version_number);
      template.updated = time();
      return { body: { id: template.id, name: 'prod' } };
    }
    if (name === undefined) return list(query);
    const template = templates.get(name);
    if (template === undefined) return { status: 404, body: { success: false, message: 'Prompt not found.' } };
    if (sub !== 'labels') return read(name, template, query);
    const labels = [...template.labels].map(([release_label, prompt_version_number]) => ({
      prompt_version_id: template.id * 100 + prompt_version_number,
      prompt_version_number,
      release_label,
      release_label_id: template.id,
    }));
    return { body: { success: true, release_labels: labels } };
  };

  const server = await serveApi(answer);
  const live = (name: string) => templates.get(name)?.versions[(templates.get(name)?.labels.get('prod') ?? 0) - 1];
  return {
    publish,
    templates,
    requests: server.requests,
    ...httpPlace(server, 'name', {
      targets: PROMPTS.map((prompt) => ({ prompt, config: {} })),
      config: { base_url: server.origin, api_key: KEY, webhook_secret: WEBHOOK_SECRET },
      secrets: [KEY, WEBHOOK_SECRET],
      text: (prompt) => live(prompt)?.text ?? '',
      edit: (prompt, text) => publish(prompt, text, 'prod'),
      movePointer: (prompt) => void templates.get(prompt)?.labels.set('prod', 1),
      remove: (prompt) => void templates.get(prompt)?.labels.delete('prod'),
      pushesAreDated: true,
      push: (prompt, atMillis) => {
        const timestamp = new Date(atMillis).toISOString().replace('Z', '000');
        const id = templates.get(prompt)?.id;
        // What is signed has spaces, and its keys in order; what is sent has neither.
        const signed =
          `{"details": {"prompt_template_id": ${id}, "prompt_template_label": "prod", "prompt_template_name": "${prompt}"}, ` +
          `"event_type": "prompt_template_label_moved", "timestamp": "${timestamp}", "user_id": 1, ` +
          `"user_name": "J\\u00f6rg", "workspace_id": 1}`;
        const { event_type, ...rest } = JSON.parse(signed) as Record<string, unknown>;
        return {
          headers: {
            'x-promptlayer-signature': createHmac('sha256', WEBHOOK_SECRET).update(signed).digest('hex'),
          },
          query: {},
          body: Buffer.from(JSON.stringify({ event_type, ...rest })),
          receivedAt: timestampFromMillis(atMillis),
        };
      },
    }),
  };
}

export const promptlayerFixture: SourceFixture = { type: 'promptlayer', open: openPromptlayer };
