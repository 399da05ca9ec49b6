/** System prompts of Anthropic Managed Agents. Every update is a version; a write names the version it is over. */

import { z } from 'zod';
import { sourcePlugin } from '../src/contract/source-plugin.ts';
import type { Source } from '../src/contract/source.ts';
import { textBody } from '../src/text/body.ts';
import { Api } from './lib/api.ts';
import { baseUrl } from './lib/base-url.ts';
import { discoverById, liveById, restoreById, type ByIdPlace, type Contents } from './lib/by-id.ts';
import { singleText } from './lib/chat.ts';
import { allPages } from './lib/pages.ts';
import { changedMeanwhile } from './lib/same-content.ts';
import { secret } from './lib/secret.ts';
import { settingsFrom } from './lib/settings.ts';
import { editedAt } from './lib/time-from.ts';

const Config = z.strictObject({
  base_url: baseUrl('https://api.anthropic.com'),
  api_key: secret(),
});

const Target = z.strictObject({
  agent_id: z.string().min(1),
});
type Target = z.output<typeof Target>;

const Agent = z.object({
  id: z.string(),
  name: z.string(),
  system: z.string().nullable(),
  model: z.looseObject({ id: z.string() }),
  tools: z.array(z.unknown()).nullish(),
  version: z.int(),
  updated_at: z.string(),
  archived_at: z.string().nullish(),
});
type Agent = z.output<typeof Agent>;
const Agents = z.object({ data: z.array(Agent), next_page: z.string().nullish() });

export const anthropicAgents = sourcePlugin({
  type: 'anthropic-agents',
  summary: 'The system prompt of an Anthropic Managed Agent.',
  config: Config,
  target: Target,
  example: { config: { api_key: 'env:ANTHROPIC_API_KEY' }, targets: [{ agent_id: 'agent_011CZkYpogX7uDKUyvBTophP' }] },
  create: (config, context): Source<Target> => {
    const api = new Api(context.fetch, config.base_url, {
      authorization: `Bearer ${config.api_key}`,
      'anthropic-version': '2023-06-01',
      'anthropic-beta': 'managed-agents-2026-04-01',
    });
    const all = async function* (signal: AbortSignal) {
      const agents = allPages<Agent>(api.host, async (page) => {
        const query = { limit: 100, ...(page === null ? {} : { page }) };
        const answer = await api.get(Agents, '/v1/agents', { query, signal });
        return { items: answer.data, next: answer.next_page };
      });
      for await (const agent of agents) yield [agent.id, agent] as const;
    };
    const place: ByIdPlace<Target, Agent> = {
      idOf: (target) => target.config.agent_id,
      one: (id, _target, signal) => api.find(Agent, pathOf(id), { signal }),
      contentsOf,
      all,
    };
    return {
      live: liveById(place),
      discover: discoverById(place, all, (id, agent) => [{ name: agent.name, target: { agent_id: id } }]),
      restore: restoreById(place, { form: 'write', comparesAndSets: true }, async (agent, target, request, signal) => {
        const { model } = request.settings;
        const body = {
          system: singleText(request.body, agent.name),
          version: agent.version,
          ...(model === undefined || model === agent.model.id ? {} : { model }),
        };
        const answer = await api.ask(z.unknown(), pathOf(agent.id), { method: 'POST', body, signal });
        if (answer.outcome !== 'ok') throw changedMeanwhile(target.id);
      }),
    };
  },
});

function contentsOf(agent: Agent): Contents | null {
  if (typeof agent.archived_at === 'string') return null;
  const { id: model, ...parameters } = agent.model;
  return [
    {
      body: textBody(agent.system ?? ''),
      ...settingsFrom({ model, parameters, tools: agent.tools }),
      version: String(agent.version),
      ...editedAt(agent.updated_at),
    },
  ];
}

function pathOf(id: string): string {
  return `/v1/agents/${encodeURIComponent(id)}`;
}
