/** MLflow's registry REST API, from its reference: prompts are models with tags, aliases name versions, pages by token. */

import { httpPlace, ticking } from './http-place.ts';
import { pageOf, serveApi } from './http-stand-in.ts';
import { originalText, PROMPTS, type SourceFixture } from './stand-in.ts';

const TOKEN = 'mlflow-token-0123456789';

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
    const name = query.get('name') ?? body?.name ?? /^name='(.*)'$/.exec(query.get('filter') ?? '')?.[1];
    const model = models.get(name);
    switch (path.replace('/api/2.0/mlflow/', `${method} `)) {
      case 'GET registered-models/search': {
        if (!query.get('filter')?.includes('is_prompt'))
          return { status: 400, body: { error_code: 'INVALID_PARAMETER_VALUE', message: 'filter' } };
        const { page, next } = pageOf([...models.keys()], start, 2);
        return {
          body: {
            registered_models: page.map((each) => ({ name: each })),
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
        const { page, next } = pageOf(model?.versions.map((_version, index) => wire(name, index + 1)) ?? [], start, 2);
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
  return httpPlace(server, 'name', {
    config: { base_url: server.origin, token: TOKEN },
    targets: PROMPTS.map((prompt) => ({ prompt, config: {} })),
    secrets: [TOKEN],
    editor: 'mallory',
    text: (prompt) => live(prompt)?.text ?? '',
    edit: (prompt, text) => register(prompt, text, 'mallory', 'production'),
    movePointer: (prompt) => void models.get(prompt)?.aliases.set('production', 1),
    remove: (prompt) => void models.get(prompt)?.aliases.delete('production'),
  });
}

export const mlflowFixture: SourceFixture = { type: 'mlflow', open: openMlflow };
