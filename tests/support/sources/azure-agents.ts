/** Azure AI Foundry's agents, from the SDK's types: versions, endpoints that split traffic, tokens that must be asked for. */

import { httpPlace, ticking } from './http-place.ts';
import { pageOf, serveApi } from './http-stand-in.ts';
import { originalText, PROMPTS, type SourceFixture } from './stand-in.ts';

const CLIENT_SECRET = 'azure-client-secret-0123';
const TOKEN = 'eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.azure';

interface Rule {
  readonly type: 'FixedRatio';
  readonly agent_version: string;
  readonly traffic_percentage: number;
}

export async function openAzureAgents() {
  const now = ticking();
  const definition = (instructions: string) => ({ kind: 'prompt', model: 'gpt-5', instructions, temperature: 0 });
  const agents = new Map<
    string,
    { definitions: { definition: ReturnType<typeof definition>; at: number }[]; rules: Rule[] }
  >();
  const rule = (version: number): Rule => ({
    type: 'FixedRatio',
    agent_version: String(version),
    traffic_percentage: 100,
  });
  const at = (): number => Math.floor(now() / 1000);
  for (const prompt of PROMPTS) {
    const definitions = ['A draft.', originalText(prompt)].map((text) => ({ definition: definition(text), at: at() }));
    agents.set(prompt, { definitions, rules: [rule(2)] });
  }
  const versionOf = (name: string, number: number) => {
    const found = agents.get(name)?.definitions[number - 1];
    return found === undefined
      ? undefined
      : {
          object: 'agent.version',
          id: `${name}:${number}`,
          name,
          version: String(number),
          created_at: found.at,
          definition: found.definition,
          metadata: {},
        };
  };
  const wire = (name: string) => ({
    object: 'agent',
    id: name,
    name,
    versions: { latest: versionOf(name, agents.get(name)?.definitions.length ?? 0) },
    agent_endpoint: {
      protocols: ['responses'],
      version_selector: { version_selection_rules: agents.get(name)?.rules },
    },
  });
  const server = await serveApi(({ method, path, parts, query, headers, body, raw }) => {
    if (path.endsWith('/oauth2/v2.0/token')) {
      const form = new URLSearchParams(raw.toString());
      if (form.get('client_secret') !== CLIENT_SECRET) return { status: 401, body: { error: 'invalid_client' } };
      return { body: { token_type: 'Bearer', access_token: TOKEN, expires_in: 3599 } };
    }
    if (headers['authorization'] !== `Bearer ${TOKEN}`)
      return { status: 401, body: { error: { code: 'Unauthorized', message: 'Access token is missing.' } } };
    if (query.get('api-version') !== 'v1')
      return { status: 400, body: { error: { code: 'BadRequest', message: 'api-version' } } };
    const [, , , , name, sub, number] = parts;
    const page = <Item extends { id: string }>(items: readonly Item[]) => {
      const found = pageOf(items, items.findIndex((item) => item.id === query.get('after')) + 1, 2);
      return {
        body: { object: 'list', data: found.page, last_id: found.page.at(-1)?.id, has_more: found.next !== null },
      };
    };
    if (name === undefined) return page([...agents.keys()].map(wire));
    const agent = agents.get(name);
    if (agent === undefined) return { status: 404, body: { error: { code: 'not_found', message: 'Agent not found' } } };
    if (sub === 'versions' && method === 'POST') {
      return { body: versionOf(name, agent.definitions.push({ definition: body.definition, at: at() })) };
    }
    if (sub === 'versions' && number === undefined) {
      const oldestFirst = agent.definitions.map((_each, index) => versionOf(name, index + 1) ?? { id: '' });
      return page(query.get('order') === 'desc' ? oldestFirst.toReversed() : oldestFirst);
    }
    if (sub === 'versions') return { body: versionOf(name, Number(number)) };
    if (method === 'PATCH') agent.rules = body.agent_endpoint.version_selector.version_selection_rules;
    return { body: wire(name) };
  });
  const live = (name: string) =>
    agents.get(name)?.definitions[Number(agents.get(name)?.rules[0]?.agent_version) - 1]?.definition;
  return {
    agents,
    requests: server.requests,
    rule,
    ...httpPlace(server, 'agent_name', {
      config: {
        endpoint: `${server.origin}/api/projects/support`,
        login_url: server.origin,
        tenant_id: 'tenant',
        client_id: 'client',
        client_secret: CLIENT_SECRET,
      },
      targets: PROMPTS.map((prompt) => ({ prompt, config: { agent_name: prompt } })),
      secrets: [CLIENT_SECRET, TOKEN],
      text: (prompt) => live(prompt)?.instructions ?? '',
      edit: (prompt, text) => {
        const agent = agents.get(prompt);
        const version = agent?.definitions.push({ definition: definition(text), at: at() });
        if (agent !== undefined) agent.rules = [rule(version ?? 0)];
      },
      movePointer: (prompt) => void Object.assign(agents.get(prompt) ?? {}, { rules: [rule(1)] }),
      remove: (prompt) => void agents.delete(prompt),
    }),
  };
}

export const azureAgentsFixture: SourceFixture = { type: 'azure-agents', open: openAzureAgents };
