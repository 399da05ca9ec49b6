/** Mistral's agents API, from the SDK's types: versions, a current one, aliases, pages by token. */

import { httpPlace, idOf, ticking } from './http-place.ts';
import { pageOf, serveApi } from './http-stand-in.ts';
import { originalText, PROMPTS, type SourceFixture } from './stand-in.ts';

const KEY = 'mistral-key-0123456789';

interface Agent {
  readonly id: string;
  readonly name: string;
  readonly texts: string[];
  /** When each version was written. */
  readonly times: string[];
  current: number;
  updated: string;
  readonly aliases: Map<string, number>;
}

export async function openMistral() {
  const now = ticking();
  const time = (): string => new Date(now()).toISOString();
  const agents = new Map<string, Agent>(
    PROMPTS.map((prompt) => {
      const texts = ['A draft.', originalText(prompt)];
      return [
        idOf(prompt),
        {
          id: idOf(prompt),
          name: prompt,
          texts,
          times: [time(), time()],
          current: 1,
          updated: time(),
          aliases: new Map([['production', 1]]),
        },
      ];
    }),
  );
  const wire = (agent: Agent, version = agent.current) => ({
    object: 'agent',
    id: agent.id,
    name: agent.name,
    instructions: agent.texts[version],
    model: 'mistral-large-latest',
    completion_args: { temperature: 0.3 },
    tools: [],
    version,
    versions: agent.texts.map((_text, index) => index),
    created_at: agent.times[0],
    updated_at: version === agent.current ? agent.updated : agent.times[version],
    deployment_chat: false,
    source: 'api',
  });
  const server = await serveApi(({ method, parts: [, , id = '', sub], query, headers, body }) => {
    if (headers['authorization'] !== `Bearer ${KEY}`) return { status: 401, body: { detail: 'Unauthorized' } };
    if (id === 'pages') {
      const found = pageOf(
        [...agents.values()],
        Number(query.get('page_token') ?? 0),
        Math.min(2, Number(query.get('page_size'))),
      );
      return {
        body: {
          object: 'list',
          data: found.page.map((agent) => wire(agent)),
          next_page_token: found.next === null ? null : String(found.next),
        },
      };
    }
    const agent = agents.get(id);
    if (agent === undefined)
      return { status: 404, body: { object: 'error', message: 'Agent not found', type: 'not_found' } };
    if (sub === 'aliases' && method === 'PUT') {
      agent.aliases.set(query.get('alias') ?? '', Number(query.get('version')));
      return {
        body: {
          alias: query.get('alias'),
          version: Number(query.get('version')),
          created_at: time(),
          updated_at: time(),
        },
      };
    }
    if (sub === 'versions') {
      // The newest first.
      const numbers = agent.texts.map((_text, index) => index).toReversed();
      const size = Math.min(2, Number(query.get('page_size')));
      return { body: pageOf(numbers, Number(query.get('page')) * size, size).page.map((each) => wire(agent, each)) };
    }
    if (method === 'PATCH') {
      if (sub !== 'version') agent.times.push(time());
      agent.current = sub === 'version' ? Number(query.get('version')) : agent.texts.push(body.instructions) - 1;
      agent.updated = time();
    }
    const asked = query.get('agent_version');
    const version = asked === null ? agent.current : (agent.aliases.get(asked) ?? Number(asked));
    if (agent.texts[version] === undefined)
      return { status: 404, body: { object: 'error', message: 'Version not found' } };
    return { body: wire(agent, version) };
  });
  const of = (prompt: string): Agent => agents.get(idOf(prompt)) as Agent;
  return {
    agents,
    requests: server.requests,
    key: KEY,
    ...httpPlace(server, 'agent_id', {
      config: { base_url: server.origin, api_key: KEY },
      secrets: [KEY],
      text: (prompt) => of(prompt).texts[of(prompt).current] ?? '',
      edit: (prompt, text) => {
        const agent = of(prompt);
        const updated = time();
        agent.times.push(updated);
        Object.assign(agent, { current: agent.texts.push(text) - 1, updated });
      },
      movePointer: (prompt) => void Object.assign(of(prompt), { current: 0, updated: time() }),
      remove: (prompt) => void agents.delete(idOf(prompt)),
    }),
  };
}

export const mistralFixture: SourceFixture = { type: 'mistral', open: openMistral };
