/** Prompts of a Braintrust project: their newest version, or the one that an environment names. */

import { z } from 'zod';
import { Fault } from '../src/contract/fault.ts';
import type { PromptBody } from '../src/contract/prompt.ts';
import { sourcePlugin } from '../src/contract/source-plugin.ts';
import type { Source } from '../src/contract/source.ts';
import { textBody } from '../src/text/body.ts';
import { Api } from './lib/api.ts';
import { baseUrl } from './lib/base-url.ts';
import { discoverById, liveById, restoreById, type ByIdPlace, type Contents } from './lib/by-id.ts';
import { bodyFrom } from './lib/chat.ts';
import { allPages } from './lib/pages.ts';
import { secret } from './lib/secret.ts';
import { settingsFrom } from './lib/settings.ts';
import { editedAt } from './lib/time-from.ts';

const Config = z.strictObject({
  base_url: baseUrl('https://api.braintrust.dev'),
  api_key: secret(),
  project: z.string().min(1),
  /** Braintrust's environment. Absent: the newest version. */
  environment_slug: z.string().min(1).optional(),
});

const Target = z.strictObject({
  slug: z.string().min(1),
});
type Target = z.output<typeof Target>;

const PromptData = z.looseObject({
  prompt: z
    .union([
      z.looseObject({
        type: z.literal('chat'),
        messages: z.array(z.looseObject({ role: z.string(), content: z.unknown() })),
      }),
      z.looseObject({ type: z.literal('completion'), content: z.string() }),
    ])
    .nullish(),
  options: z.looseObject({ model: z.string().nullish(), params: z.unknown() }).nullish(),
});
// Its version is called `_xact_id`, which is no name for a field of ours.
const Prompt = z
  .object({
    id: z.string(),
    _xact_id: z.string(),
    slug: z.string(),
    created: z.string().nullish(),
    prompt_data: PromptData.nullish(),
  })
  .transform(({ _xact_id: version, ...rest }) => ({ ...rest, version }));
type Prompt = z.output<typeof Prompt>;
const Prompts = z.object({ objects: z.array(Prompt) });

const PAGE_SIZE = 100;

export const braintrust = sourcePlugin({
  type: 'braintrust',
  summary: 'A prompt of a Braintrust project, newest or in an environment.',
  config: Config,
  target: Target,
  example: {
    config: { api_key: 'env:BRAINTRUST_API_KEY', project: 'support', environment_slug: 'production' },
    targets: [{ slug: 'intent-classifier' }],
  },
  create: (config, context): Source<Target> => {
    const api = new Api(context.fetch, config.base_url, { authorization: `Bearer ${config.api_key}` });
    const { environment_slug: environment } = config;
    const scope = { project_name: config.project, environment };
    const all = async function* (signal: AbortSignal) {
      const prompts = allPages<Prompt>(api.host, async (after) => {
        const query = { ...scope, limit: PAGE_SIZE, ...(after === null ? {} : { starting_after: after }) };
        const { objects } = await api.get(Prompts, '/v1/prompt', { query, signal });
        // There is no mark of the end: only a page without anything is the last.
        return { items: objects, next: objects.at(-1)?.id };
      });
      for await (const prompt of prompts) yield [prompt.slug, prompt] as const;
    };
    const place: ByIdPlace<Target, Prompt> = {
      idOf: (target) => target.config.slug,
      one: async (slug, _target, signal) => {
        const { objects } = await api.get(Prompts, '/v1/prompt', { query: { ...scope, slug }, signal });
        return objects.find((prompt) => prompt.slug === slug) ?? null;
      },
      contentsOf: (prompt) => contentsOf(prompt, environment),
      all,
    };
    return {
      live: liveById(place),
      discover: discoverById(place, all, (slug) => [{ name: slug, target: { slug } }]),
      restore: restoreById(place, { form: 'write', comparesAndSets: false }, (prompt, target, request, signal) => {
        if (environment !== undefined) {
          throw new Fault(
            'permanent',
            `${target.id} is what the environment ${environment} names, and the API can't change that.`,
            {
              hint: 'Assign the version to the environment in Braintrust; Plumbline will see it.',
            },
          );
        }
        const body = { prompt_data: { ...prompt.prompt_data, prompt: promptOf(prompt, request.body) } };
        return api.get(z.unknown(), `/v1/prompt/${encodeURIComponent(prompt.id)}`, { method: 'PATCH', body, signal });
      }),
    };
  },
});

function contentsOf(prompt: Prompt, environment: string | undefined): Contents | null {
  const { prompt: data, options } = prompt.prompt_data ?? {};
  const body =
    data?.type === 'chat'
      ? bodyFrom(data.messages.map(({ role, content }) => ({ role, content: content ?? '' })))
      : null;
  const text = data?.type === 'completion' ? textBody(data.content) : body;
  if (text === null) return null;
  return [
    {
      body: text,
      ...settingsFrom({ model: options?.model, parameters: options?.params }),
      ...(environment === undefined ? {} : { pointer: { name: environment, value: prompt.version } }),
      version: prompt.version,
      ...editedAt(prompt.created),
    },
  ];
}

function promptOf(prompt: Prompt, body: PromptBody): unknown {
  const before = prompt.prompt_data?.prompt;
  if (body.kind === 'text' && before?.type !== 'chat') return { ...before, type: 'completion', content: body.text };
  const messages = body.kind === 'chat' ? body.messages : [{ role: 'system', content: body.text }];
  return { ...before, type: 'chat', messages };
}
