/**
 * Prompts of Retell agents as they were last published: the general prompt, one state's prompt, or
 * the message that begins a call. The published version is the pointer.
 */

import { z } from 'zod';
import { Fault, isFault } from '../src/contract/fault.ts';
import { sourcePlugin } from '../src/contract/source-plugin.ts';
import type { Source, SourceTarget } from '../src/contract/source.ts';
import { textBody } from '../src/text/body.ts';
import { Api } from './lib/api.ts';
import { baseUrl } from './lib/base-url.ts';
import { discoverById, liveById, restoreById, type ByIdPlace, type Contents } from './lib/by-id.ts';
import { singleText } from './lib/chat.ts';
import { allPages } from './lib/pages.ts';
import { secret } from './lib/secret.ts';
import { settingsFrom } from './lib/settings.ts';
import { editedAt } from './lib/time-from.ts';

const Config = z.strictObject({
  base_url: baseUrl('https://api.retellai.com'),
  api_key: secret(),
});

const Target = z.strictObject({
  agent_id: z.string().min(1),
  state: z.string().min(1).optional().describe('The name of a state. Absent: the general prompt.'),
  begin_message: z.literal(true).optional(),
});
type Target = z.output<typeof Target>;

const Version = z.object({ version: z.int(), is_published: z.boolean() });
const Versions = z.object({ items: z.array(Version), has_more: z.boolean(), pagination_key: z.string().nullish() });
const Agent = z.object({
  version: z.int(),
  last_modification_timestamp: z.number(),
  response_engine: z.looseObject({ type: z.string(), llm_id: z.string().nullish(), version: z.int().nullish() }),
});
const Llm = z.object({
  llm_id: z.string(),
  version: z.int().nullish(),
  general_prompt: z.string().nullish(),
  begin_message: z.string().nullish(),
  states: z.array(z.looseObject({ name: z.string(), state_prompt: z.string().nullish() })).nullish(),
  model: z.string().nullish(),
  model_temperature: z.number().nullish(),
  general_tools: z.array(z.unknown()).nullish(),
});
const Agents = z.object({
  items: z.array(z.object({ agent_id: z.string(), agent_name: z.string().nullish() })),
  has_more: z.boolean(),
  pagination_key: z.string().nullish(),
});
type Listed = z.output<typeof Agents>['items'][number];
interface Live {
  readonly name?: string | null | undefined;
  readonly agent: z.output<typeof Agent>;
  readonly llm: z.output<typeof Llm>;
}

export const retell = sourcePlugin({
  type: 'retell',
  summary: 'The published general prompt, state prompt or begin message of a Retell agent.',
  config: Config,
  target: Target,
  example: {
    config: { api_key: 'env:RETELL_API_KEY' },
    targets: [{ agent_id: 'agent_7c1' }, { agent_id: 'agent_7c1', state: 'collect_order' }],
  },
  create: (config, context): Source<Target> => {
    const headers = { authorization: `Bearer ${config.api_key}` };
    const question = { method: 'POST', query: { limit: 1 }, body: {} };
    const api = new Api(context.fetch, config.base_url, headers, { besides: '/v2/list-agents', question });
    const place: ByIdPlace<Target, Live> = {
      idOf: (target) => target.config.agent_id,
      one: (id, _target, signal) => readLive(api, id, signal),
      contentsOf,
    };
    return {
      live: liveById(place),
      discover: discoverById(place, (signal) => listLive(api, signal), describe),
      restore: restoreById(place, { form: 'write', comparesAndSets: false }, (live, target, request, signal) =>
        publish(api, live, target, singleText(request.body, target.id), signal),
      ),
    };
  },
});

async function readLive(api: Api, id: string, signal: AbortSignal): Promise<Live | null> {
  const published = await publishedVersion(api, id, signal);
  if (published === null) return null;
  const agent = await readAgent(api, id, published, signal);
  const { type, llm_id: llmId, version } = agent.response_engine;
  if (type !== 'retell-llm' || typeof llmId !== 'string') {
    throw new Fault('config', `${id} is driven by a ${type}, which holds no prompt that Retell can show.`);
  }
  const query = version === null || version === undefined ? {} : { version };
  return { agent, llm: await api.get(Llm, `/get-retell-llm/${encodeURIComponent(llmId)}`, { query, signal }) };
}

async function* listLive(api: Api, signal: AbortSignal) {
  const listed = allPages<Listed>(api.host, async (key) => {
    const query = { limit: 100, ...(key === null ? {} : { pagination_key: key }) };
    const page = await api.get(Agents, '/v2/list-agents', { method: 'POST', query, body: {}, signal });
    return { items: page.items, next: page.has_more ? page.pagination_key : null };
  });
  for await (const { agent_id: id, agent_name: name } of listed) {
    const live = await readLive(api, id, signal).catch((error: unknown) => {
      // An agent whose texts are elsewhere is none of ours.
      if (isFault(error) && error.kind === 'config') return null;
      throw error;
    });
    if (live !== null) yield [id, { ...live, name }] as const;
  }
}

function describe(id: string, { name, llm }: Live): readonly { name: string; target: Target }[] {
  const agent = name ?? id;
  return [
    { name: agent, target: { agent_id: id } },
    ...(llm.states ?? []).map(({ name: state }) => ({ name: `${agent}.${state}`, target: { agent_id: id, state } })),
    { name: `${agent}.begin-message`, target: { agent_id: id, begin_message: true } },
  ];
}

function readAgent(api: Api, id: string, version: number, signal: AbortSignal) {
  return api.get(Agent, `/get-agent/${encodeURIComponent(id)}`, { query: { version }, signal });
}

/** The newest published version; calls use the newest draft where none was ever published. */
async function publishedVersion(api: Api, id: string, signal: AbortSignal): Promise<number | null> {
  const path = `/list-agent-versions/${encodeURIComponent(id)}`;
  if ((await api.find(Versions, path, { signal })) === null) return null;
  const versions = await Array.fromAsync(
    allPages<z.output<typeof Version>>(api.host, async (key) => {
      const query = key === null ? {} : { pagination_key: key };
      const { items, has_more: more, pagination_key: next } = await api.get(Versions, path, { query, signal });
      return { items, next: more ? next : null };
    }),
  );
  const published = versions.filter((version) => version.is_published);
  const live = published.length > 0 ? published : versions;
  return live.length === 0 ? null : Math.max(...live.map((version) => version.version));
}

function contentsOf({ agent, llm }: Live, target: SourceTarget<Target>): Contents | null {
  const { state, begin_message: begin } = target.config;
  const general = begin === true ? llm.begin_message : llm.general_prompt;
  const text = state === undefined ? general : llm.states?.find(({ name }) => name === state)?.state_prompt;
  if (typeof text !== 'string') return null;
  const version = String(agent.version);
  const { model, model_temperature: temperature, general_tools: tools } = llm;
  return [
    {
      body: textBody(text),
      ...settingsFrom({ model, parameters: { temperature }, tools }),
      pointer: { name: 'published', value: version },
      version,
      ...editedAt(agent.last_modification_timestamp),
    },
  ];
}

/**
 * A published version can't be changed, and the newest draft may hold somebody's unfinished work: a
 * new draft is made from what is live, changed and published.
 */
async function publish(
  api: Api,
  { agent, llm }: Live,
  target: SourceTarget<Target>,
  text: string,
  signal: AbortSignal,
) {
  const id = encodeURIComponent(target.config.agent_id);
  const base = { base_version: agent.version };
  const draft = await api.get(Agent, `/create-agent-version/${id}`, { method: 'POST', body: base, signal });
  const { state, begin_message: begin } = target.config;
  const states = llm.states?.map((each) => (each.name === state ? { ...each, state_prompt: text } : each));
  const body = state === undefined ? { [begin === true ? 'begin_message' : 'general_prompt']: text } : { states };
  await api.get(z.unknown(), `/update-retell-llm/${encodeURIComponent(llm.llm_id)}`, {
    method: 'PATCH',
    query: { version: draft.response_engine.version ?? undefined },
    body,
    signal,
  });
  await api.get(z.unknown(), `/publish-agent-version/${id}`, {
    method: 'POST',
    body: { version: draft.version },
    signal,
  });
}
