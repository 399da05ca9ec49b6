/** System prompts of Anthropic Managed Agents. Every update is a version; a write names the version it is over. */

import { z } from 'zod';
import { sourcePlugin } from '../src/contract/source-plugin.ts';
import type { Source } from '../src/contract/source.ts';
import { textBody } from '../src/text/body.ts';
import { Api } from './lib/api.ts';
import { baseUrl } from './lib/base-url.ts';
import { discoverById, liveById, restoreById, type ByIdPlace, type Contents } from './lib/by-id.ts';
import { singleText } from './lib/chat.ts';
import { listedHistory, tagsFrom, type ListedPrompt, type ToldContent } from './lib/listed-history.ts';
import { allPages } from './lib/pages.ts';
import { changedMeanwhile } from './lib/same-content.ts';
import { secret } from './lib/secret.ts';
import { settingsFrom } from './lib/settings.ts';
import { pushedJson, Replays, requireStandardWebhook, standardKey } from './lib/signed-push.ts';
import { editedAt, timeFrom } from './lib/time-from.ts';

const Config = z.strictObject({
  base_url: baseUrl('https://api.anthropic.com'),
  api_key: secret(),
  /** The signing secret of a webhook with the `agent.` events: `whsec_…`. */
  webhook_secret: secret().optional(),
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
  metadata: z.record(z.string(), z.unknown()).nullish(),
  version: z.int(),
  created_at: z.string().nullish(),
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
  example: {
    config: { api_key: 'env:ANTHROPIC_API_KEY', webhook_secret: 'env:ANTHROPIC_WEBHOOK_SIGNING_KEY' },
    targets: [{ agent_id: 'agent_011CZkYpogX7uDKUyvBTophP' }],
  },
  create: (config, context): Source<Target> => {
    const headers = {
      authorization: `Bearer ${config.api_key}`,
      'anthropic-version': '2023-06-01',
      'anthropic-beta': 'managed-agents-2026-04-01',
    };
    const api = new Api(context.fetch, config.base_url, headers, {
      besides: '/v1/agents',
      question: { query: { limit: 1 } },
    });
    const all = async function* (signal: AbortSignal) {
      for await (const agent of list(api, '/v1/agents', {}, signal)) yield [agent.id, agent] as const;
    };
    const place: ByIdPlace<Target, Agent> = {
      idOf: (target) => target.config.agent_id,
      one: (id, _target, signal) => api.find(Agent, pathOf(id), { signal }),
      contentsOf,
      all,
    };
    return {
      live: liveById(place),
      versions: listedHistory(context.name, (signal) => history(api, signal)),
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
      ...(config.webhook_secret === undefined ? {} : { webhook: webhook(config.webhook_secret) }),
    };
  },
});

function list(
  api: Api,
  path: string,
  more: { readonly include_archived?: boolean },
  signal: AbortSignal,
): AsyncIterable<Agent> {
  return allPages<Agent>(api.host, async (page) => {
    const query = { ...more, limit: 100, ...(page === null ? {} : { page }) };
    const answer = await api.get(Agents, path, { query, signal });
    return { items: answer.data, next: answer.next_page };
  });
}

/** What an archived agent said stays registered: something else may still say it. */
async function* history(api: Api, signal: AbortSignal): AsyncIterable<ListedPrompt> {
  for await (const agent of list(api, '/v1/agents', { include_archived: true }, signal)) {
    const { id, name, created_at: createdAt, updated_at: changedAt } = agent;
    const versions = async () => {
      const read = await Array.fromAsync(list(api, `${pathOf(id)}/versions`, {}, signal));
      return read
        .toSorted((a, b) => a.version - b.version)
        .map((each) => ({ version: String(each.version), contents: [contentOf(api, each)] }));
    };
    yield { id, name, createdAt, changedAt, versions };
  }
}

function contentOf(api: Api, agent: Agent): ToldContent {
  const { settings } = settingsOf(agent);
  const tags = tagsFrom(agent.metadata ?? {});
  const url = api.addressOf(`${pathOf(agent.id)}?version=${agent.version}`);
  // A system prompt has no variables.
  return { body: textBody(agent.system ?? ''), format: 'plain', settings, tags, at: timeFrom(agent.updated_at), url };
}

function settingsOf({ model: { id: model, ...parameters }, tools }: Agent) {
  return settingsFrom({ model, parameters, tools });
}

const Push = z.object({
  data: z.object({ type: z.string().startsWith('agent.'), id: z.string() }),
});

function webhook(signingSecret: string): NonNullable<Source<Target>['webhook']> {
  const key = standardKey(signingSecret);
  const replays = new Replays();
  return {
    receive: async (request, targets) => {
      requireStandardWebhook(request, key, replays);
      const push = Push.safeParse(pushedJson(request));
      if (!push.success) return [];
      return targets.filter((target) => target.config.agent_id === push.data.data.id).map((target) => target.id);
    },
  };
}

function contentsOf(agent: Agent): Contents | null {
  if (typeof agent.archived_at === 'string') return null;
  return [
    {
      body: textBody(agent.system ?? ''),
      ...settingsOf(agent),
      version: String(agent.version),
      ...editedAt(agent.updated_at),
    },
  ];
}

function pathOf(id: string): string {
  return `/v1/agents/${encodeURIComponent(id)}`;
}
