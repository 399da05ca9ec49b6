/** Anthropic's agents API, from the SDK's types: versions, pages, updates that name the version they are over, signed pushes. */

import { createHmac } from 'node:crypto';
import { timestampFromMillis } from '../../../src/lib/time.ts';
import { httpPlace, idOf, ticking } from './http-place.ts';
import { pageOf, serveApi } from './http-stand-in.ts';
import { originalText, PROMPTS, type SourceFixture } from './stand-in.ts';

const KEY = 'sk-ant-api03-0123456789';
export const ANTHROPIC_WEBHOOK_SECRET = 'whsec_c2lnbmVkLWJ5LWFudGhyb3BpYy0wMTIzNDU2Nzg5';

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
    metadata: { owner: 'support-team' },
    description: null,
    version: 1,
    created_at: time(),
    updated_at: time(),
    archived_at: null as string | null,
  }));
  /** Every version of each agent, as it was. */
  const versions = new Map(agents.map((agent) => [agent.id, [{ ...agent }]]));
  const of = (prompt: string) => agents.find((agent) => agent.name === prompt);
  const change = (prompt: string, more: object): void => {
    const agent = of(prompt);
    if (agent === undefined) return;
    Object.assign(agent, more, { version: agent.version + 1, updated_at: time() });
    versions.get(agent.id)?.push({ ...agent });
  };
  const server = await serveApi(({ method, parts: [, , id, sub], query, headers, body }) => {
    const error = (status: number, type: string, message: string) => ({
      status,
      body: { type: 'error', error: { type, message } },
    });
    if (headers['authorization'] !== `Bearer ${KEY}`) return error(401, 'authentication_error', 'Invalid API key.');
    if (!headers['anthropic-beta']?.includes('managed-agents-2026-04-01'))
      return error(400, 'invalid_request_error', 'beta');
    const pageBody = (items: readonly (typeof agents)[number][]) => {
      const { page, next } = pageOf(items, Number(query.get('page') ?? 0), Math.min(2, Number(query.get('limit'))));
      return { body: { data: page, next_page: next === null ? null : String(next) } };
    };
    if (id === undefined) {
      const isShown = (agent: { archived_at: string | null }): boolean =>
        agent.archived_at === null || query.get('include_archived') === 'true';
      return pageBody(agents.filter(isShown));
    }
    const agent = agents.find((each) => each.id === id);
    if (agent === undefined) return error(404, 'not_found_error', `No agent ${id}.`);
    if (sub === 'versions') return pageBody(versions.get(id)?.toReversed() ?? []);
    if (method === 'POST') {
      const { version, ...more } = body;
      if (version !== agent.version) return error(409, 'conflict_error', 'The agent has another version.');
      change(agent.name, more);
    }
    return { body: agent };
  });
  return {
    agents,
    requests: server.requests,
    key: KEY,
    ...httpPlace(server, 'agent_id', {
      config: { base_url: server.origin, api_key: KEY, webhook_secret: ANTHROPIC_WEBHOOK_SECRET },
      secrets: [KEY, ANTHROPIC_WEBHOOK_SECRET],
      text: (prompt) => of(prompt)?.system ?? '',
      edit: (prompt, text) => change(prompt, { system: text }),
      remove: (prompt) => change(prompt, { archived_at: time() }),
      pushesAreDated: true,
      push: (prompt, atMillis) => {
        const id = `wevt_${prompt}_${atMillis}`;
        const seconds = Math.floor(atMillis / 1000);
        const data = { type: 'agent.updated', id: idOf(prompt), organization_id: 'org', workspace_id: 'wrkspc' };
        const body = Buffer.from(
          JSON.stringify({ type: 'event', id, created_at: new Date(atMillis).toISOString(), data }),
        );
        const key = Buffer.from(ANTHROPIC_WEBHOOK_SECRET.replace('whsec_', ''), 'base64');
        const signature = createHmac('sha256', key).update(`${id}.${seconds}.`).update(body).digest('base64');
        return {
          headers: { 'webhook-id': id, 'webhook-timestamp': String(seconds), 'webhook-signature': `v1,${signature}` },
          query: {},
          body,
          receivedAt: timestampFromMillis(atMillis),
        };
      },
    }),
  };
}

export const anthropicAgentsFixture: SourceFixture = { type: 'anthropic-agents', open: openAnthropicAgents };
