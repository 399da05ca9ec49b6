/** Prompts of Vapi assistants: the messages of the model, or the first message that the assistant says. */

import { z } from 'zod';
import type { PromptBody } from '../src/contract/prompt.ts';
import { sourcePlugin } from '../src/contract/source-plugin.ts';
import type { Source, SourceTarget } from '../src/contract/source.ts';
import { textBody } from '../src/text/body.ts';
import { Api } from './lib/api.ts';
import { baseUrl } from './lib/base-url.ts';
import { discoverById, liveById, restoreById, type ByIdPlace, type Contents } from './lib/by-id.ts';
import { bodyFrom, singleText } from './lib/chat.ts';
import { allPages } from './lib/pages.ts';
import { secret } from './lib/secret.ts';
import { settingsFrom } from './lib/settings.ts';
import { editedAt } from './lib/time-from.ts';

const Config = z.strictObject({
  base_url: baseUrl('https://api.vapi.ai'),
  api_key: secret(),
});

const Target = z.strictObject({
  assistant_id: z.string().min(1),
  text: z.enum(['messages', 'first_message']).default('messages').describe('Which text of the assistant.'),
});
type Target = z.output<typeof Target>;

const Model = z.looseObject({
  model: z.string().nullish(),
  provider: z.string().nullish(),
  messages: z.array(z.looseObject({ role: z.string(), content: z.string().nullish() })).nullish(),
  tools: z.array(z.unknown()).nullish(),
  temperature: z.number().nullish(),
  maxTokens: z.number().nullish(),
});
const Assistant = z.object({
  id: z.string(),
  name: z.string().nullish(),
  model: Model.nullish(),
  firstMessage: z.string().nullish(),
  updatedAt: z.string(),
});
type Assistant = z.output<typeof Assistant>;

const PAGE_SIZE = 100;

export const vapi = sourcePlugin({
  type: 'vapi',
  summary: 'The messages or the first message of a Vapi assistant.',
  config: Config,
  target: Target,
  example: {
    config: { api_key: 'env:VAPI_API_KEY' },
    targets: [{ assistant_id: '2f1c…' }, { assistant_id: '2f1c…', text: 'first_message' }],
  },
  create: (config, context): Source<Target> => {
    const headers = { authorization: `Bearer ${config.api_key}` };
    const api = new Api(context.fetch, config.base_url, headers, {
      besides: '/assistant',
      question: { query: { limit: 1 } },
    });
    const all = async function* (signal: AbortSignal) {
      // The list has no cursor: the next page is what was updated before the last of this one.
      const assistants = allPages<Assistant>(api.host, async (before) => {
        const query = { limit: PAGE_SIZE, ...(before === null ? {} : { updatedAtLt: before }) };
        const items = await api.get(z.array(Assistant), '/assistant', { query, signal });
        const oldest = items.map((item) => item.updatedAt).reduce((a, b) => (a < b ? a : b), '~');
        return { items, next: items.length < PAGE_SIZE ? null : oldest };
      });
      for await (const assistant of assistants) yield [assistant.id, assistant] as const;
    };
    const place: ByIdPlace<Target, Assistant> = {
      idOf: (target) => target.config.assistant_id,
      one: (id, _target, signal) => api.find(Assistant, pathOf(id), { signal }),
      contentsOf,
      all,
    };
    return {
      live: liveById(place),
      discover: discoverById(place, all, (id, { name }): { name: string; target: Target }[] => [
        { name: name ?? id, target: { assistant_id: id, text: 'messages' } },
        { name: `${name ?? id}.first-message`, target: { assistant_id: id, text: 'first_message' } },
      ]),
      restore: restoreById(place, { form: 'write', comparesAndSets: false }, (assistant, target, request, signal) => {
        const body = changeOf(assistant, target, request.body);
        return api.get(z.unknown(), pathOf(assistant.id), { method: 'PATCH', body, signal });
      }),
    };
  },
});

function contentsOf({ model, firstMessage, updatedAt }: Assistant, target: SourceTarget<Target>): Contents | null {
  const edited = editedAt(updatedAt);
  if (target.config.text === 'first_message') {
    return typeof firstMessage === 'string' ? [{ body: textBody(firstMessage), ...edited }] : null;
  }
  // Messages without text (tool calls) are no prompt.
  const body = bodyFrom((model?.messages ?? []).filter((message) => typeof message.content === 'string'));
  if (body === null || (body.kind === 'chat' && body.messages.length === 0)) return null;
  const { temperature, maxTokens } = model ?? {};
  const settings = settingsFrom({ model: model?.model, parameters: { temperature, maxTokens }, tools: model?.tools });
  return [{ body, ...settings, ...edited }];
}

/** A change replaces the model as a whole, so everything else in it is sent back as it was. */
function changeOf({ model }: Assistant, target: SourceTarget<Target>, body: PromptBody): unknown {
  if (target.config.text === 'first_message') return { firstMessage: singleText(body, target.id) };
  const messages = body.kind === 'chat' ? body.messages : [{ role: 'system', content: body.text }];
  return { model: { ...model, messages } };
}

function pathOf(id: string): string {
  return `/assistant/${encodeURIComponent(id)}`;
}
