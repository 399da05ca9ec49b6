/** Bedrock's prompt management, from the SDK's types: a draft with variants, versions made of it, pages by token. */

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
  const time = (): string => new Date(now()).toISOString();
  const draft = (name: string) => ({
    id: idOf(name),
    name,
    version: 'DRAFT',
    defaultVariant: 'main',
    variants: [variant('trial', 'A trial.'), variant('main', originalText(name))],
    createdAt: time(),
    updatedAt: time(),
  });
  type Prompt = ReturnType<typeof draft>;
  const prompts = new Map<string, Prompt>(PROMPTS.map((name) => [idOf(name), draft(name)]));
  const versions = new Map<string, Prompt[]>(PROMPTS.map((name) => [idOf(name), []]));
  /** What the console does to make a version of the draft. */
  const publish = (name: string): void => {
    const kept = versions.get(idOf(name));
    const copy = structuredClone(prompts.get(idOf(name)));
    if (copy !== undefined) kept?.push({ ...copy, version: String(kept.length + 1), createdAt: time() });
  };
  for (const name of PROMPTS) publish(name);
  const server = await serveAws('bedrock', ({ method, parts: [, id], query, body }) => {
    const missing = {
      status: 404,
      headers: { 'x-amzn-errortype': 'ResourceNotFoundException:http://internal' },
      body: { message: 'Not there.' },
    };
    if (id === undefined) {
      const of = query.get('promptIdentifier');
      const kept = of === null ? undefined : prompts.get(of);
      if (of !== null && kept === undefined) return missing;
      const listed =
        kept === undefined ? [...prompts.values()] : [kept, ...(versions.get(kept.id)?.toReversed() ?? [])];
      const start = Number(query.get('nextToken') ?? 0);
      const { page, next } = pageOf(listed, start, Math.min(2, Number(query.get('maxResults') ?? 10)));
      return {
        body: {
          promptSummaries: page.map(({ variants: _variants, defaultVariant: _default, ...summary }) => summary),
          ...(next === null ? {} : { nextToken: String(next) }),
        },
      };
    }
    const prompt = prompts.get(id);
    if (prompt === undefined) return missing;
    if (method === 'PUT') Object.assign(prompt, body, { updatedAt: time() });
    const wanted = query.get('promptVersion');
    const version = versions.get(id)?.find((each) => each.version === wanted);
    return wanted !== null && version === undefined ? missing : { body: version ?? prompt };
  });
  const main = (prompt: string) => prompts.get(idOf(prompt))?.variants.find((each) => each.name === 'main');
  return {
    prompts,
    publish,
    requests: server.requests,
    ...httpPlace(server, 'prompt_id', {
      config: { ...awsKeys, endpoint: server.origin },
      secrets: [SECRET_ACCESS_KEY],
      text: (prompt) => main(prompt)?.templateConfiguration.text.text ?? '',
      edit: (prompt, text) => {
        Object.assign(main(prompt)?.templateConfiguration.text ?? {}, { text });
        Object.assign(prompts.get(idOf(prompt)) ?? {}, { updatedAt: time() });
        publish(prompt);
      },
      remove: (prompt) => void prompts.delete(idOf(prompt)),
    }),
  };
}

export const awsBedrockFixture: SourceFixture = { type: 'aws-bedrock', open: openAwsBedrock };
