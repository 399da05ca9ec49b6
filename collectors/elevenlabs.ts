/**
 * Prompts of ElevenLabs agents: of the agent itself or of a node of its workflow, in every branch
 * that gets live traffic. The live branch is the pointer.
 */

import { z } from 'zod';
import { sourcePlugin } from '../src/contract/source-plugin.ts';
import type { LiveContent, Source, SourceTarget } from '../src/contract/source.ts';
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
  base_url: baseUrl('https://api.elevenlabs.io'),
  api_key: secret(),
});

const Target = z.strictObject({
  agent_id: z.string().min(1),
  node: z.string().min(1).optional().describe("A node of the workflow. Absent: the agent's own prompt."),
});
type Target = z.output<typeof Target>;

const PromptConfig = z.looseObject({
  prompt: z.string().nullish(),
  llm: z.string().nullish(),
  temperature: z.number().nullish(),
  max_tokens: z.number().nullish(),
  tool_ids: z.array(z.string()).nullish(),
});
const Conversation = z.looseObject({ agent: z.looseObject({ prompt: PromptConfig.nullish() }).nullish() });
const Node = z.looseObject({ additional_prompt: z.string().nullish(), conversation_config: Conversation.nullish() });
const Agent = z.looseObject({
  agent_id: z.string(),
  name: z.string(),
  conversation_config: Conversation,
  metadata: z.object({ updated_at_unix_secs: z.number().nullish() }).nullish(),
  workflow: z.looseObject({ nodes: z.record(z.string(), Node) }).nullish(),
  version_id: z.string().nullish(),
  branch_id: z.string().nullish(),
});
type Agent = z.output<typeof Agent>;
const Branch = z.object({ id: z.string(), name: z.string(), current_live_percentage: z.number().nullish() });
const Branches = z.object({
  results: z.array(Branch),
  meta: z.object({ next_cursor: z.string().nullish() }).nullish(),
});
const List = z.object({
  agents: z.array(z.object({ agent_id: z.string() })),
  next_cursor: z.string().nullish(),
  has_more: z.boolean(),
});

/** An agent in each branch that serves traffic; `branch` is null where the agent has none. */
type Live = readonly { readonly agent: Agent; readonly branch: z.output<typeof Branch> | null }[];

export const elevenlabs = sourcePlugin({
  type: 'elevenlabs',
  summary: 'The prompt of an ElevenLabs agent or workflow node, in every live branch.',
  config: Config,
  target: Target,
  example: {
    config: { api_key: 'env:ELEVENLABS_API_KEY' },
    targets: [{ agent_id: 'agent_3701k' }, { agent_id: 'agent_3701k', node: 'node_refund' }],
  },
  create: (config, context): Source<Target> => {
    const besides = { besides: '/v1/convai/agents', question: { query: { page_size: 1 } } };
    const api = new Api(context.fetch, config.base_url, { 'xi-api-key': config.api_key }, besides);
    const place: ByIdPlace<Target, Live> = {
      idOf: (target) => target.config.agent_id,
      one: (id, _target, signal) => readLive(api, id, signal),
      contentsOf,
    };
    return {
      live: liveById(place),
      discover: discoverById(place, (signal) => listLive(api, signal), describe),
      restore: restoreById(place, { form: 'write', comparesAndSets: false }, (live, target, request, signal) => {
        const wanted = request.expect?.part ?? '';
        const found = live.find(({ branch }) => partOf(live, branch) === wanted) ?? live[0];
        const query = { branch_id: found?.branch?.id };
        const body = changeOf(found?.agent, target, singleText(request.body, target.id), request.version);
        return api.get(z.unknown(), pathOf(target.config.agent_id), { method: 'PATCH', query, body, signal });
      }),
    };
  },
});

function pathOf(id: string): string {
  return `/v1/convai/agents/${encodeURIComponent(id)}`;
}

async function readLive(api: Api, id: string, signal: AbortSignal): Promise<Live | null> {
  const agent = await api.find(Agent, pathOf(id), { signal });
  if (agent === null) return null;
  if (typeof agent.branch_id !== 'string') return [{ agent, branch: null }];
  const { results } = await api.get(Branches, `${pathOf(id)}/branches`, { query: { limit: 100 }, signal });
  const live = results.filter((branch) => (branch.current_live_percentage ?? 0) > 0);
  return Promise.all(
    live.map(async (branch) => ({
      branch,
      agent:
        branch.id === agent.branch_id
          ? agent
          : await api.get(Agent, pathOf(id), { query: { branch_id: branch.id }, signal }),
    })),
  );
}

async function* listLive(api: Api, signal: AbortSignal) {
  const listed = allPages<{ agent_id: string }>(api.host, async (cursor) => {
    const query = { page_size: 100, ...(cursor === null ? {} : { cursor }) };
    const { agents, next_cursor: next, has_more: more } = await api.get(List, '/v1/convai/agents', { query, signal });
    return { items: agents, next: more ? next : null };
  });
  for await (const { agent_id: id } of listed) {
    const live = await readLive(api, id, signal);
    if (live !== null && live.length > 0) yield [id, live] as const;
  }
}

function describe(id: string, [first]: Live): readonly { name: string; target: Target }[] {
  const name = first?.agent.name ?? id;
  const nodes = Object.keys(first?.agent.workflow?.nodes ?? {});
  return [
    { name, target: { agent_id: id } },
    ...nodes.map((node) => ({ name: `${name}.${node}`, target: { agent_id: id, node } })),
  ];
}

function contentsOf(live: Live, target: SourceTarget<Target>): Contents | null {
  const contents = live.flatMap(({ agent, branch }): LiveContent[] => {
    const text = textOf(agent, target);
    if (text === null) return [];
    const prompt = agent.conversation_config.agent?.prompt ?? {};
    const { llm, temperature, max_tokens: maxTokens, tool_ids: tools } = prompt;
    return [
      {
        body: textBody(text),
        ...settingsFrom({ model: llm, parameters: { temperature, max_tokens: maxTokens }, tools }),
        ...(typeof agent.version_id === 'string' ? { version: agent.version_id } : {}),
        ...(branch === null
          ? {}
          : {
              part: partOf(live, branch),
              pointer: { name: 'live branch', value: branch.name },
              share: (branch.current_live_percentage ?? 0) / 100,
            }),
        ...editedAt(agent.metadata?.updated_at_unix_secs),
      },
    ];
  });
  const [first, ...others] = contents;
  return first === undefined ? null : [first, ...others];
}

/** One live branch is the whole; only a split has parts. */
function partOf(live: Live, branch: Live[number]['branch']): string {
  return live.length > 1 ? (branch?.name ?? '') : '';
}

function textOf(agent: Agent, { config: { node } }: SourceTarget<Target>): string | null {
  if (node === undefined) return agent.conversation_config.agent?.prompt?.prompt ?? null;
  const found = agent.workflow?.nodes[node];
  // A node adds to the agent's prompt, or replaces it.
  return found?.conversation_config?.agent?.prompt?.prompt ?? (found?.additional_prompt || null);
}

function changeOf(agent: Agent | undefined, target: SourceTarget<Target>, text: string, version: string): unknown {
  const description = { version_description: `Restored to version ${version}` };
  const { node } = target.config;
  if (node === undefined) return { conversation_config: { agent: { prompt: { prompt: text } } }, ...description };
  const nodes = agent?.workflow?.nodes ?? {};
  const found = nodes[node];
  const override = found?.conversation_config?.agent?.prompt;
  const changed =
    typeof override?.prompt === 'string'
      ? { ...found, conversation_config: { agent: { prompt: { ...override, prompt: text } } } }
      : { ...found, additional_prompt: text };
  // A workflow is replaced as a whole.
  return { workflow: { ...agent?.workflow, nodes: { ...nodes, [node]: changed } }, ...description };
}
