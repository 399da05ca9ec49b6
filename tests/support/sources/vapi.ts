/** Vapi's assistants, from the SDK's types: lists by time of update, and models that are replaced as a whole. */

import { httpPlace, idOf, ticking } from './http-place.ts';
import { serveApi } from './http-stand-in.ts';
import { originalText, PROMPTS, type SourceFixture } from './stand-in.ts';

const KEY = 'vapi-private-key-0123456789';

export async function openVapi() {
  const now = ticking();
  const time = (): string => new Date(now()).toISOString();
  const assistants = PROMPTS.map((prompt) => ({
    id: idOf(prompt),
    orgId: 'org',
    name: prompt,
    firstMessage: `Hello from ${prompt}.`,
    model: {
      provider: 'openai',
      model: 'gpt-5',
      temperature: 0.2,
      toolIds: ['tool-1'],
      messages: [{ role: 'system', content: originalText(prompt) }],
    },
    createdAt: time(),
    updatedAt: time(),
  }));
  const of = (prompt: string) => assistants.find((assistant) => assistant.name === prompt);
  const change = (prompt: string, more: object): void =>
    void Object.assign(of(prompt) ?? {}, more, { updatedAt: time() });
  const server = await serveApi(({ method, parts: [, id], query, headers, body }) => {
    if (headers['authorization'] !== `Bearer ${KEY}`)
      return { status: 401, body: { message: 'Invalid Key.', statusCode: 401 } };
    if (id === undefined) {
      const before = query.get('updatedAtLt') ?? '~';
      const page = assistants
        .filter((assistant) => assistant.updatedAt < before)
        .toSorted((a, b) => (a.updatedAt < b.updatedAt ? 1 : -1))
        .slice(0, Number(query.get('limit') ?? 100));
      return { body: page };
    }
    const assistant = assistants.find((each) => each.id === id);
    if (assistant === undefined)
      return { status: 404, body: { message: `Couldn't Find Assistant ${id}`, statusCode: 404 } };
    if (method === 'PATCH') change(assistant.name, body);
    return { body: assistant };
  });
  return {
    assistants,
    key: KEY,
    ...httpPlace(server, 'assistant_id', {
      config: { base_url: server.origin, api_key: KEY },
      secrets: [KEY],
      text: (prompt) => of(prompt)?.model.messages[0]?.content ?? '',
      edit: (prompt, text) =>
        change(prompt, { model: { ...of(prompt)?.model, messages: [{ role: 'system', content: text }] } }),
      remove: (prompt) =>
        void assistants.splice(
          assistants.findIndex((assistant) => assistant.name === prompt),
          1,
        ),
    }),
  };
}

export const vapiFixture: SourceFixture = { type: 'vapi', open: openVapi };
