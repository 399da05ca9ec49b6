/** Instructions of Mistral agents: at the agent's current version, or at the version that an alias names. */

import { z } from 'zod';
import { sourcePlugin } from '../src/contract/source-plugin.ts';
import type { Source, SourceTarget } from '../src/contract/source.ts';
import { textBody } from '../src/text/body.ts';
import { Api } from './lib/api.ts';
import { baseUrl } from './lib/base-url.ts';
import { discoverById, liveById, restoreById, type ByIdPlace } from './lib/by-id.ts';
import { singleText } from './lib/chat.ts';
import { findVersion, noSuchVersion } from './lib/find-version.ts';
import { listedHistory, tagsFrom, type ListedPrompt, type ToldContent } from './lib/listed-history.ts';
import { allPages } from './lib/pages.ts';
import { secret } from './lib/secret.ts';
import { settingsFrom } from './lib/settings.ts';
import { editedAt, timeFrom } from './lib/time-from.ts';

const Config = z.strictObject({
  base_url: baseUrl('https://api.mistral.ai'),
  api_key: secret(),
});

const Target = z.strictObject({
  agent_id: z.string().min(1),
  /** Absent: the version that the agent uses when none is named. */
  alias: z.string().min(1).optional(),
});
type Target = z.output<typeof Target>;

const Agent = z.object({
  id: z.string(),
  name: z.string(),
  instructions: z.string().nullish(),
  model: z.string(),
  completion_args: z.unknown(),
  tools: z.array(z.unknown()).nullish(),
  metadata: z.record(z.string(), z.unknown()).nullish(),
  version: z.int(),
  versions: z.array(z.int()),
  created_at: z.string().nullish(),
  updated_at: z.string(),
});
type Agent = z.output<typeof Agent>;
const Agents = z.object({ data: z.array(Agent), next_page_token: z.string().nullish() });
const Versions = z.array(Agent);

const PAGE_SIZE = 100;

export const mistral = sourcePlugin({
  type: 'mistral',
  summary: 'The instructions of a Mistral agent, at its current version or at an alias.',
  config: Config,
  target: Target,
  example: {
    config: { api_key: 'env:MISTRAL_API_KEY' },
    targets: [{ agent_id: 'ag_01a2b3' }, { agent_id: 'ag_01a2b3', alias: 'production' }],
  },
  create: (config, context): Source<Target> => {
    const headers = { authorization: `Bearer ${config.api_key}` };
    const api = new Api(context.fetch, config.base_url, headers, {
      besides: '/v1/agents/pages',
      question: { query: { page_size: 1 } },
    });
    const find = (id: string, version: string | undefined, signal: AbortSignal) =>
      api.find(Agent, pathOf(id), { query: { agent_version: version }, signal });
    const all = async function* (signal: AbortSignal) {
      for await (const agent of list(api, signal)) yield [agent.id, agent] as const;
    };
    // The list holds current versions only, so targets with an alias are read one by one.
    const place: ByIdPlace<Target, Agent> = {
      idOf: (target) => target.config.agent_id,
      one: (id, target, signal) => find(id, target.config.alias, signal),
      contentsOf,
    };
    return {
      live: liveById(place),
      versions: listedHistory(context.name, (signal) => history(api, signal)),
      discover: discoverById(place, all, (id, { name }) => [{ name, target: { agent_id: id } }]),
      restore: restoreById(
        place,
        { form: 'pointer', comparesAndSets: false },
        async (agent, target, request, signal) => {
          const newestFirst = agent.versions.toSorted((a, b) => b - a).map(String);
          const wanted = await findVersion(request, newestFirst, async (version) => {
            const found = await find(agent.id, version, signal);
            return found === null ? null : { version, body: textBody(found.instructions ?? '') };
          });
          const { alias } = target.config;
          if (wanted !== null) {
            const path = alias === undefined ? `${pathOf(agent.id)}/version` : `${pathOf(agent.id)}/aliases`;
            const method = alias === undefined ? 'PATCH' : 'PUT';
            return api.get(z.unknown(), path, { method, query: { version: wanted, alias }, signal });
          }
          if (alias !== undefined) throw noSuchVersion(target.id, request);
          // A change of the agent makes a new version, which is then the current one.
          const body = {
            instructions: singleText(request.body, target.id),
            version_message: `Restored to version ${request.version}`,
          };
          return api.get(z.unknown(), pathOf(agent.id), { method: 'PATCH', body, signal });
        },
      ),
    };
  },
});

function list(api: Api, signal: AbortSignal): AsyncIterable<Agent> {
  return allPages<Agent>(api.host, async (token) => {
    const query = { page_size: PAGE_SIZE, ...(token === null ? {} : { page_token: token }) };
    const answer = await api.get(Agents, '/v1/agents/pages', { query, signal });
    return { items: answer.data, next: answer.next_page_token };
  });
}

/** The list names the versions of each agent; those of one agent come with their content, in pages. */
async function* history(api: Api, signal: AbortSignal): AsyncIterable<ListedPrompt> {
  for await (const { id, name, created_at: createdAt, updated_at: changedAt, versions: numbers } of list(api, signal)) {
    const versions = async () => {
      const read = await Array.fromAsync(versionsOf(api, id, numbers.length, signal));
      return read
        .toSorted((a, b) => a.version - b.version)
        .map((agent) => ({ version: String(agent.version), contents: [contentOf(api, agent)] }));
    };
    yield { id, name, createdAt, changedAt, versions };
  }
}

function versionsOf(api: Api, id: string, count: number, signal: AbortSignal): AsyncIterable<Agent> {
  let seen = 0;
  return allPages<Agent>(api.host, async (next) => {
    const page = Number(next ?? 0);
    const query = { page, page_size: PAGE_SIZE };
    const items = await api.get(Versions, `${pathOf(id)}/versions`, { query, signal });
    seen += items.length;
    return { items, next: items.length > 0 && seen < count ? page + 1 : null };
  });
}

function contentOf(api: Api, agent: Agent): ToldContent {
  const { id, version, instructions, model, completion_args: parameters, tools, updated_at: at } = agent;
  const { settings } = settingsFrom({ model, parameters, tools });
  const tags = tagsFrom(agent.metadata ?? {});
  const url = api.addressOf(`${pathOf(id)}?agent_version=${version}`);
  // An agent's instructions have no variables.
  return { body: textBody(instructions ?? ''), format: 'plain', settings, tags, at: timeFrom(at), url };
}

function pathOf(id: string): string {
  return `/v1/agents/${encodeURIComponent(id)}`;
}

function contentsOf(agent: Agent, target: SourceTarget<Target>) {
  const { instructions, model, completion_args: parameters, tools, version, updated_at: updatedAt } = agent;
  return [
    {
      body: textBody(instructions ?? ''),
      ...settingsFrom({ model, parameters, tools }),
      pointer: { name: target.config.alias ?? 'current', value: String(version) },
      version: String(version),
      ...editedAt(updatedAt),
    },
  ] as const;
}
