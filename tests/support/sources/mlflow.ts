/** MLflow's registry REST API, from its source: prompts are models with tags, aliases name versions, pages by token, signed pushes. */

import { createHmac } from 'node:crypto';
import { timestampFromMillis } from '../../../src/lib/time.ts';
import { httpPlace, ticking } from './http-place.ts';
import { pageOf, serveApi } from './http-stand-in.ts';
import { originalText, PROMPTS, type SourceFixture } from './stand-in.ts';

const TOKEN = 'mlflow-token-0123456789';
const WEBHOOK_SECRET = 'mlflow-webhook-secret-01';
const IS_PROMPT = "tags.`mlflow.prompt.is_prompt` = 'true'";

export async function openMlflow() {
  const now = ticking();
  const models = new Map<
    string,
    { readonly versions: { text: string; by: string; at: number }[]; readonly aliases: Map<string, number> }
  >();
  const register = (name: string, text: string, by: string, alias?: string): void => {
    const model = models.get(name) ?? { versions: [], aliases: new Map<string, number>() };
    models.set(name, model);
    const version = model.versions.push({ text, by, at: now() });
    if (alias !== undefined) model.aliases.set(alias, version);
  };
  for (const prompt of PROMPTS) {
    register(prompt, 'A draft.', 'alice');
    register(prompt, originalText(prompt), 'alice', 'production');
  }
  const wire = (name: string, version: number) => {
    const found = models.get(name)?.versions[version - 1];
    const tags = [
      { key: 'mlflow.prompt.is_prompt', value: 'true' },
      { key: 'mlflow.prompt.text', value: found?.text },
      { key: '_mlflow_prompt_type', value: 'text' },
      { key: 'owner', value: 'support-team' },
      { key: '_mlflow_prompt_model_config', value: JSON.stringify({ model_name: 'gpt-5', temperature: 0 }) },
    ];
    return {
      name,
      version: String(version),
      tags,
      user_id: found?.by,
      creation_timestamp: found?.at,
      last_updated_timestamp: found?.at,
    };
  };
  const server = await serveApi(({ method, path, query, headers, body }) => {
    if (headers['authorization'] !== `Bearer ${TOKEN}`)
      return { status: 401, body: { error_code: 'UNAUTHENTICATED', message: 'Who?' } };
    const missing = {
      status: 404,
      body: { error_code: 'RESOURCE_DOES_NOT_EXIST', message: 'Registered Model not found' },
    };
    const start = Number(query.get('page_token') ?? 0);
    const filter = query.get('filter') ?? '';
    const name = query.get('name') ?? body?.name ?? /^name='(.*?)'/.exec(filter)?.[1];
    const model = models.get(name);
    switch (path.replace('/api/2.0/mlflow/', `${method} `)) {
      case 'GET registered-models/search': {
        // Prompts are shown only to who asks for them.
        const { page, next } = pageOf(filter.includes(IS_PROMPT) ? [...models] : [], start, 2);
        return {
          body: {
            registered_models: page.map(([each, { versions }]) => ({
              name: each,
              creation_timestamp: versions[0]?.at,
              last_updated_timestamp: versions.at(-1)?.at,
            })),
            ...(next === null ? {} : { next_page_token: String(next) }),
          },
        };
      }
      case 'GET registered-models/get': {
        if (model === undefined) return missing;
        return {
          body: {
            registered_model: {
              name,
              aliases: [...model.aliases].map(([alias, version]) => ({ alias, version: String(version) })),
            },
          },
        };
      }
      case 'GET model-versions/get':
        return model === undefined ? missing : { body: { model_version: wire(name, Number(query.get('version'))) } };
      case 'GET model-versions/search': {
        const versions = filter.includes(` AND ${IS_PROMPT}`) ? (model?.versions ?? []) : [];
        const newestFirst = versions.map((_version, index) => wire(name, index + 1)).toReversed();
        const { page, next } = pageOf(newestFirst, start, 2);
        return { body: { model_versions: page, ...(next === null ? {} : { next_page_token: String(next) }) } };
      }
      case 'POST registered-models/alias':
        model?.aliases.set(body.alias, Number(body.version));
        return { body: {} };
      default:
        return { status: 404, body: { error_code: 'ENDPOINT_NOT_FOUND', message: path } };
    }
  });
  const live = (name: string) => models.get(name)?.versions[(models.get(name)?.aliases.get('production') ?? 0) - 1];
  return {
    models,
    requests: server.requests,
    ...httpPlace(server, 'name', {
      config: { base_url: server.origin, token: TOKEN, webhook_secret: WEBHOOK_SECRET },
      targets: PROMPTS.map((prompt) => ({ prompt, config: {} })),
      secrets: [TOKEN, WEBHOOK_SECRET],
      editor: 'mallory',
      text: (prompt) => live(prompt)?.text ?? '',
      edit: (prompt, text) => register(prompt, text, 'mallory', 'production'),
      movePointer: (prompt) => void models.get(prompt)?.aliases.set('production', 1),
      remove: (prompt) => void models.get(prompt)?.aliases.delete('production'),
      pushesAreDated: true,
      push: (prompt, atMillis) => {
        const id = `delivery-${prompt}-${atMillis}`;
        const seconds = String(Math.floor(atMillis / 1000));
        const data = { name: prompt, alias: 'production', version: '2' };
        const body = Buffer.from(
          JSON.stringify({
            entity: 'prompt_alias',
            action: 'created',
            timestamp: new Date(atMillis).toISOString(),
            data,
          }),
        );
        const signature = createHmac('sha256', WEBHOOK_SECRET)
          .update(`${id}.${seconds}.`)
          .update(body)
          .digest('base64');
        return {
          headers: {
            'x-mlflow-delivery-id': id,
            'x-mlflow-timestamp': seconds,
            'x-mlflow-signature': `v1,${signature}`,
          },
          query: {},
          body,
          receivedAt: timestampFromMillis(atMillis),
        };
      },
    }),
  };
}

export const mlflowFixture: SourceFixture = { type: 'mlflow', open: openMlflow };
