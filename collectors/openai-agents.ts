/** Instructions of agents in OpenAI's Agents API. It keeps no versions and names no editor. */

import { z } from 'zod';
import { sourcePlugin } from '../src/contract/source-plugin.ts';
import type { Source } from '../src/contract/source.ts';
import { textBody } from '../src/text/body.ts';
import { Api } from './lib/api.ts';
import { baseUrl } from './lib/base-url.ts';
import { discoverById, liveById, restoreById, type ByIdPlace } from './lib/by-id.ts';
import { singleText } from './lib/chat.ts';
import { allPages } from './lib/pages.ts';
import { secret } from './lib/secret.ts';
import { settingsFrom } from './lib/settings.ts';
import { editedAt } from './lib/time-from.ts';

const Config = z.strictObject({
  base_url: baseUrl('https://api.openai.com/v1'),
  api_key: secret(),
  organization: z.string().min(1).optional(),
  project: z.string().min(1).optional(),
});

const Target = z.strictObject({
  agent_id: z.string().min(1),
});
type Target = z.output<typeof Target>;

const Agent = z.object({
  id: z.string(),
  name: z.string().nullish(),
  instructions: z.string().nullable(),
  model: z.string(),
  reasoning: z.unknown(),
  text: z.unknown(),
  tools: z.array(z.unknown()).nullish(),
  updated_at: z.number(),
});
type Agent = z.output<typeof Agent>;
const Agents = z.object({ data: z.array(Agent), has_more: z.boolean().nullish() });

export const openaiAgents = sourcePlugin({
  type: 'openai-agents',
  summary: "The instructions of an agent in OpenAI's Agents API.",
  config: Config,
  target: Target,
  example: { config: { api_key: 'env:OPENAI_API_KEY' }, targets: [{ agent_id: 'agent_68f1c2' }] },
  create: (config, context): Source<Target> => {
    const { organization, project } = config;
    const headers = {
      authorization: `Bearer ${config.api_key}`,
      'openai-beta': 'agents=v1',
      ...(organization === undefined ? {} : { 'openai-organization': organization }),
      ...(project === undefined ? {} : { 'openai-project': project }),
    };
    const api = new Api(context.fetch, config.base_url, headers, {
      besides: '/agents',
      question: { query: { limit: 1 } },
    });
    const all = async function* (signal: AbortSignal) {
      const agents = allPages<Agent>(api.host, async (after) => {
        const query = { limit: 100, order: 'asc', ...(after === null ? {} : { after }) };
        const { data, has_more: more } = await api.get(Agents, '/agents', { query, signal });
        return { items: data, next: more === true ? data.at(-1)?.id : null };
      });
      for await (const agent of agents) yield [agent.id, agent] as const;
    };
    const place: ByIdPlace<Target, Agent> = {
      idOf: (target) => target.config.agent_id,
      one: (id, _target, signal) => api.find(Agent, pathOf(id), { signal }),
      contentsOf: ({ instructions, model, reasoning, text, tools, updated_at: updatedAt }) => [
        {
          body: textBody(instructions ?? ''),
          ...settingsFrom({ model, parameters: { reasoning, text }, tools }),
          ...editedAt(updatedAt),
        },
      ],
      all,
    };
    return {
      live: liveById(place),
      discover: discoverById(place, all, (id, agent) => [{ name: agent.name ?? id, target: { agent_id: id } }]),
      restore: restoreById(place, { form: 'write', comparesAndSets: false }, (agent, target, request, signal) => {
        const { model } = request.settings;
        const body = { instructions: singleText(request.body, target.id), ...(model === undefined ? {} : { model }) };
        return api.get(z.unknown(), pathOf(agent.id), { method: 'POST', body, signal });
      }),
    };
  },
});

function pathOf(id: string): string {
  return `/agents/${encodeURIComponent(id)}`;
}
