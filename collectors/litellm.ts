/** Prompts that a LiteLLM proxy keeps, at the version it serves. Reads only: its way to write differs with where it keeps them. */

import { z } from 'zod';
import { sourcePlugin } from '../src/contract/source-plugin.ts';
import type { Source } from '../src/contract/source.ts';
import { textBody } from '../src/text/body.ts';
import { Api } from './lib/api.ts';
import { baseUrl } from './lib/base-url.ts';
import { discoverById, liveById, type ByIdPlace, type Contents } from './lib/by-id.ts';
import { secret } from './lib/secret.ts';
import { settingsFromConfig } from './lib/settings.ts';
import { editedAt } from './lib/time-from.ts';

const Config = z.strictObject({
  base_url: baseUrl('http://127.0.0.1:4000'),
  /** A key that may administrate. */
  api_key: secret(),
});

const Target = z.strictObject({
  prompt_id: z.string().min(1),
});
type Target = z.output<typeof Target>;

const Info = z.object({
  prompt_spec: z.object({ prompt_id: z.string(), updated_at: z.string().nullish() }),
  raw_prompt_template: z.object({ content: z.string(), metadata: z.unknown() }).nullish(),
});
type Info = z.output<typeof Info>;
const List = z.object({ prompts: z.array(z.object({ prompt_id: z.string() })) });

export const litellm = sourcePlugin({
  type: 'litellm',
  summary: 'A prompt kept by a LiteLLM proxy.',
  config: Config,
  target: Target,
  example: {
    config: { base_url: 'https://litellm.example.com', api_key: 'env:LITELLM_MASTER_KEY' },
    targets: [{ prompt_id: 'intent_classifier' }],
  },
  create: (config, context): Source<Target> => {
    const api = new Api(context.fetch, config.base_url, { authorization: `Bearer ${config.api_key}` });
    const one = (id: string, signal: AbortSignal) =>
      api.find(Info, `/prompts/${encodeURIComponent(id)}/info`, { signal });
    const all = async function* (signal: AbortSignal) {
      const { prompts } = await api.get(List, '/prompts/list', { signal });
      // Every version of a prompt is in the list: `x.v1`, `x.v2`.
      for (const id of new Set(prompts.map((prompt) => splitVersion(prompt.prompt_id).id))) {
        const info = await one(id, signal);
        if (info !== null) yield [id, info] as const;
      }
    };
    const place: ByIdPlace<Target, Info> = {
      idOf: (target) => target.config.prompt_id,
      one: (id, _target, signal) => one(id, signal),
      contentsOf,
    };
    return {
      live: liveById(place),
      discover: discoverById(place, all, (id) => [{ name: id, target: { prompt_id: id } }]),
    };
  },
});

function splitVersion(promptId: string): { readonly id: string; readonly version: string | null } {
  const match = /^(.*)\.v(\d+)$/.exec(promptId);
  return { id: match?.[1] ?? promptId, version: match?.[2] ?? null };
}

function contentsOf({ prompt_spec: spec, raw_prompt_template: template }: Info): Contents | null {
  if (template === null || template === undefined) return null;
  const { version } = splitVersion(spec.prompt_id);
  return [
    {
      body: textBody(template.content),
      ...settingsFromConfig(template.metadata),
      ...(version === null ? {} : { version }),
      ...editedAt(spec.updated_at),
    },
  ];
}
