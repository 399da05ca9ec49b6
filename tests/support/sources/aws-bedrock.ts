/** Bedrock's prompt management, from the SDK's types: a draft with variants, pages by token. */

import { awsKeys, SECRET_ACCESS_KEY, serveAws } from './aws-server.ts';
import { httpPlace, idOf, ticking } from './http-place.ts';
import { pageOf } from './http-stand-in.ts';
import { originalText, PROMPTS, type SourceFixture } from './stand-in.ts';

export async function openAwsBedrock() {
  const now = ticking();
  const variant = (name: string, text: string) => ({
    name,
    templateType: 'TEXT',
    templateConfiguration: { text: { text, inputVariables: [{ name: 'variable' }] } },
    modelId: 'anthropic.claude-sonnet-5',
    inferenceConfiguration: { text: { temperature: 0 } },
  });
  const prompts = new Map(
    PROMPTS.map((name) => [
      idOf(name),
      {
        id: idOf(name),
        name,
        version: 'DRAFT',
        defaultVariant: 'main',
        variants: [variant('trial', 'A trial.'), variant('main', originalText(name))],
        updatedAt: new Date(now()).toISOString(),
      },
    ]),
  );
  const server = await serveAws('bedrock', ({ method, parts: [, id], query, body }) => {
    if (id === undefined) {
      const { page, next } = pageOf(
        [...prompts.values()],
        Number(query.get('nextToken') ?? 0),
        Math.min(2, Number(query.get('maxResults'))),
      );
      return {
        body: {
          promptSummaries: page.map((prompt) => ({ id: prompt.id, name: prompt.name })),
          ...(next === null ? {} : { nextToken: String(next) }),
        },
      };
    }
    const prompt = prompts.get(id);
    if (prompt === undefined)
      return {
        status: 404,
        headers: { 'x-amzn-errortype': 'ResourceNotFoundException:http://internal' },
        body: { message: 'Not there.' },
      };
    if (method === 'PUT') Object.assign(prompt, body, { updatedAt: new Date(now()).toISOString() });
    return { body: prompt };
  });
  const main = (prompt: string) => prompts.get(idOf(prompt))?.variants.find((each) => each.name === 'main');
  return {
    prompts,
    ...httpPlace(server, 'prompt_id', {
      config: { ...awsKeys, endpoint: server.origin },
      secrets: [SECRET_ACCESS_KEY],
      text: (prompt) => main(prompt)?.templateConfiguration.text.text ?? '',
      edit: (prompt, text) => void Object.assign(main(prompt)?.templateConfiguration.text ?? {}, { text }),
      remove: (prompt) => void prompts.delete(idOf(prompt)),
    }),
  };
}

export const awsBedrockFixture: SourceFixture = { type: 'aws-bedrock', open: openAwsBedrock };
