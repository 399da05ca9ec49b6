/**
 * LiteLLM's prompt endpoints, from its source: versions of each prompt, the template as JSON or as the
 * `.prompt` text of its user interface, 404 among versions and 400 elsewhere for what is not there.
 */

import { parse } from 'yaml';
import { httpPlace, idOf, ticking } from './http-place.ts';
import { serveApi } from './http-stand-in.ts';
import { originalText, PROMPTS, type SourceFixture } from './stand-in.ts';

const KEY = 'sk-litellm-0123456789';

interface Params {
  readonly prompt_integration: string;
  readonly prompt_data?: { readonly content: string; readonly metadata: object };
  readonly dotprompt_content?: string;
}

interface Version {
  readonly params: Params;
  readonly created: string;
  readonly updated: string;
}

/** How the proxy reads what it keeps: front matter apart, and the text of a `.prompt` trimmed. */
function templateOf({ prompt_data: data, dotprompt_content: dotprompt }: Params) {
  if (data !== undefined || dotprompt === undefined) return data;
  const found = /^---\s*\n([\s\S]*?)\n---\s*\n([\s\S]*)$/.exec(dotprompt);
  return { content: (found?.[2] ?? dotprompt).trim(), metadata: parse(found?.[1] ?? '{}') as object };
}

export async function openLitellm() {
  const now = ticking();
  const prompts = new Map<string, { readonly kind: 'db' | 'config'; readonly versions: Version[] }>();
  const write = (id: string, params: Params): number => {
    const at = new Date(now()).toISOString();
    const kept = prompts.get(id) ?? { kind: 'db', versions: [] };
    prompts.set(id, kept);
    return kept.versions.push({ params, created: at, updated: at });
  };
  const json = (content: string): Params => ({
    prompt_integration: 'dotprompt',
    prompt_data: { content, metadata: { model: 'gpt-5', temperature: 0 } },
  });
  for (const prompt of PROMPTS) {
    write(idOf(prompt), json('A draft.'));
    write(idOf(prompt), json(originalText(prompt)));
  }
  const spec = (id: string, number: number) => {
    const { kind = 'db', versions = [] } = prompts.get(id) ?? {};
    const { params, created, updated } = versions[number - 1] ?? { created: null, updated: null };
    const told = { litellm_params: { prompt_id: id, ...params }, prompt_info: { prompt_type: kind } };
    return { prompt_id: id, ...told, created_at: created, updated_at: updated };
  };
  let isRestricted = false;
  const server = await serveApi(({ method, parts: [, asked = '', sub], headers, body }) => {
    if (headers['authorization'] !== `Bearer ${KEY}`)
      return { status: 401, body: { error: { message: 'Authentication Error' } } };
    // A key without the role of an administrator sees no list, and is refused elsewhere.
    if (isRestricted && asked === 'list') return { body: { prompts: [] } };
    if (isRestricted) return { status: 403, body: { detail: 'You are not authorized to access this prompt.' } };
    if (asked === 'list')
      return { body: { prompts: [...prompts].map(([id, { versions }]) => spec(id, versions.length)) } };
    const [id = '', named] = asked.split('.v');
    const prompt = prompts.get(id);
    const count = prompt?.versions.length ?? 0;
    if (sub === 'versions') {
      if (prompt === undefined) return { status: 404, body: { detail: `No versions found for prompt ID ${id}` } };
      const numbers = prompt.versions.map((_version, index) => index + 1).toReversed();
      return { body: { prompts: numbers.map((version) => ({ ...spec(id, version), version })) } };
    }
    if (method === 'PUT') {
      if (prompt === undefined) return { status: 404, body: { detail: `Prompt with ID ${id} not found` } };
      if (prompt.kind === 'config') return { status: 400, body: { detail: 'Cannot update config prompts.' } };
      const { prompt_id: _id, ...params } = body.litellm_params;
      return { body: spec(id, write(id, params)) };
    }
    if (prompt === undefined) return { status: 400, body: { detail: `Prompt ${asked} not found` } };
    const version = named === undefined || Number(named) > count ? count : Number(named);
    const template = templateOf(prompt.versions[version - 1]?.params ?? json(''));
    return {
      body: {
        prompt_spec: { ...spec(id, version), version },
        raw_prompt_template: template === undefined ? null : { litellm_prompt_id: id, ...template },
      },
    };
  });
  const latest = (prompt: string) => prompts.get(idOf(prompt))?.versions.at(-1);
  return {
    prompts,
    requests: server.requests,
    write,
    restrict: () => void (isRestricted = true),
    ...httpPlace(server, 'prompt_id', {
      config: { base_url: server.origin, api_key: KEY },
      secrets: [KEY],
      text: (prompt) => templateOf(latest(prompt)?.params ?? json(''))?.content ?? '',
      edit: (prompt, text) => void write(idOf(prompt), json(text)),
      remove: (prompt) => void prompts.delete(idOf(prompt)),
    }),
  };
}

export const litellmFixture: SourceFixture = { type: 'litellm', open: openLitellm };
