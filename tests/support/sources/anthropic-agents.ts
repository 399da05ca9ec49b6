/** Anthropic's agents API, from the SDK's types: versions, pages, and updates that name the version they are over. */

import { httpPlace, idOf, ticking } from './http-place.ts';
import { pageOf, serveApi } from './http-stand-in.ts';
import { originalText, PROMPTS, type SourceFixture } from './stand-in.ts';

const KEY = 'sk-ant-api03-0123456789';

export async function openAnthropicAgents() {
  const now = ticking();
  const time = (): string => new Date(now()).toISOString();
  const agents = PROMPTS.map((prompt) => ({
    id: idOf(prompt),
    type: 'agent',
    name: prompt,
    system: originalText(prompt),
    model: { id: 'claude-sonnet-5', speed: 'standard' },
    tools: [{ type: 'agent_toolset_20260401' }],
    mcp_servers: [],
    skills: [],
    metadata: {},
    description: null,
    version: 1,
    created_at: time(),
    updated_at: time(),
    archived_at: null as string | null,
  }));
  const of = (prompt: string) => agents.find((agent) => agent.name === prompt);
  const change = (prompt: string, more: object): void => {
    const agent = of(prompt);
    if (agent !== undefined) Object.assign(agent, more, { version: agent.version + 1, updated_at: time() });
  };
  const server = await serveApi(({ method, parts: [, , id], query, headers, body }) => {
    const error = (status: number, type: string, message: string) => ({
      status,
      body: { type: 'error', error: { type, message } },
    });
    if (headers['authorization'] !== `Bearer ${KEY}`) return error(401, 'authentication_error', 'Invalid API key.');
    if (!headers['anthropic-beta']?.includes('managed-agents-2026-04-01'))
      return error(400, 'invalid_request_error', 'beta');
    if (id === undefined) {
      const { page, next } = pageOf(agents, Number(query.get('page') ?? 0), Math.min(2, Number(query.get('limit'))));
      return { body: { data: page, next_page: next === null ? null : String(next) } };
    }
    const agent = agents.find((each) => each.id === id);
    if (agent === undefined) return error(404, 'not_found_error', `No agent ${id}.`);
    if (method === 'POST') {
      const { version, ...more } = body;
      if (version !== agent.version) return error(409, 'conflict_error', 'The agent has another version.');
      change(agent.name, more);
    }
    return { body: agent };
  });
  return {
    agents,
    key: KEY,
    ...httpPlace(server, 'agent_id', {
      config: { base_url: server.origin, api_key: KEY },
      secrets: [KEY],
      text: (prompt) => of(prompt)?.system ?? '',
      edit: (prompt, text) => change(prompt, { system: text }),
      remove: (prompt) => change(prompt, { archived_at: time() }),
    }),
  };
}

export const anthropicAgentsFixture: SourceFixture = { type: 'anthropic-agents', open: openAnthropicAgents };
