/** OpenAI's Agents API, from the SDK's types: cursor pages by the last id, times in seconds, no versions. */

import { httpPlace, idOf, ticking } from './http-place.ts';
import { pageOf, serveApi } from './http-stand-in.ts';
import { originalText, PROMPTS, type SourceFixture } from './stand-in.ts';

const KEY = 'sk-proj-0123456789abcdef';

export async function openOpenaiAgents() {
  const now = ticking();
  const seconds = (): number => Math.floor(now() / 1000);
  const agents = PROMPTS.map((prompt) => ({
    id: idOf(prompt),
    object: 'agent',
    name: prompt,
    instructions: originalText(prompt),
    model: 'gpt-5.2',
    reasoning: { effort: 'low' },
    text: { verbosity: 'medium' },
    tools: [],
    metadata: {},
    created_at: seconds(),
    updated_at: seconds(),
  }));
  const of = (prompt: string) => agents.find((agent) => agent.name === prompt);
  const change = (prompt: string, more: object): void => {
    const agent = of(prompt);
    if (agent !== undefined) Object.assign(agent, more, { updated_at: seconds() });
  };
  const server = await serveApi(({ method, parts: [, , id], query, headers, body }) => {
    const error = (status: number, message: string) => ({
      status,
      body: { error: { message, type: 'invalid_request_error' } },
    });
    if (headers['authorization'] !== `Bearer ${KEY}`) return error(401, 'Incorrect API key provided.');
    if (headers['openai-beta'] !== 'agents=v1') return error(400, 'You must provide the OpenAI-Beta header.');
    if (id === undefined) {
      const start = agents.findIndex((agent) => agent.id === query.get('after')) + 1;
      const { page, next } = pageOf(agents, start, Math.min(2, Number(query.get('limit'))));
      return {
        body: { object: 'list', data: page, first_id: page[0]?.id, last_id: page.at(-1)?.id, has_more: next !== null },
      };
    }
    const agent = agents.find((each) => each.id === id);
    if (agent === undefined) return error(404, `No agent found with id '${id}'.`);
    if (method === 'POST') change(agent.name, body);
    return { body: agent };
  });
  return {
    key: KEY,
    ...httpPlace(server, 'agent_id', {
      config: { base_url: `${server.origin}/v1`, api_key: KEY },
      secrets: [KEY],
      text: (prompt) => of(prompt)?.instructions ?? '',
      edit: (prompt, text) => change(prompt, { instructions: text }),
      remove: (prompt) =>
        void agents.splice(
          agents.findIndex((agent) => agent.name === prompt),
          1,
        ),
    }),
  };
}

export const openaiAgentsFixture: SourceFixture = { type: 'openai-agents', open: openOpenaiAgents };
