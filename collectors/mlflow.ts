/** Prompts behind an alias in MLflow's prompt registry. The alias is the pointer; restore moves it back. */

import { z } from 'zod';
import type { PromptBody } from '../src/contract/prompt.ts';
import { sourcePlugin } from '../src/contract/source-plugin.ts';
import type { LiveContent, Reading, Source, SourceTarget } from '../src/contract/source.ts';
import { textBody } from '../src/text/body.ts';
import { Api, basicAuth } from './lib/api.ts';
import { baseUrl } from './lib/base-url.ts';
import { bodyFromText } from './lib/chat.ts';
import { findVersion, noSuchVersion } from './lib/find-version.ts';
import { allPages } from './lib/pages.ts';
import { readEach } from './lib/read-each.ts';
import { rewrite } from './lib/rewrite.ts';
import { secret } from './lib/secret.ts';
import { editedAt } from './lib/time-from.ts';

const Config = z.strictObject({
  base_url: baseUrl('http://127.0.0.1:5000'),
  /** Databricks and gateways; else `username` and `password`, or nothing. */
  token: secret().optional(),
  username: z.string().min(1).optional(),
  password: secret().optional(),
  alias: z.string().min(1).default('production'),
});
type Config = z.output<typeof Config>;

const Target = z.strictObject({
  /** Absent: the name the prompt has here. */
  name: z.string().min(1).optional(),
  alias: z.string().min(1).optional(),
});
type Target = z.output<typeof Target>;

const Tags = z.array(z.object({ key: z.string(), value: z.string() })).default([]);
// MLflow writes versions and times as texts in some releases and as numbers in others.
const Integer = z.union([z.string(), z.number()]).transform(String);
const Registered = z.object({
  registered_model: z.object({
    name: z.string(),
    aliases: z.array(z.object({ alias: z.string(), version: Integer })).default([]),
  }),
});
const ModelVersion = z.object({
  version: Integer,
  tags: Tags,
  user_id: z.string().nullish(),
  last_updated_timestamp: z.union([z.string(), z.number()]).nullish(),
});
type ModelVersion = z.output<typeof ModelVersion>;
const OneVersion = z.object({ model_version: ModelVersion });
const Versions = z.object({ model_versions: z.array(ModelVersion).default([]), next_page_token: z.string().nullish() });
const Found = z.object({
  registered_models: z.array(z.object({ name: z.string() })).default([]),
  next_page_token: z.string().nullish(),
});

const ROOT = '/api/2.0/mlflow';
const TEXT_TAG = 'mlflow.prompt.text';

export const mlflow = sourcePlugin({
  type: 'mlflow',
  summary: "The version behind an alias in MLflow's prompt registry.",
  config: Config,
  target: Target,
  example: {
    config: { base_url: 'https://mlflow.example.com', token: 'env:MLFLOW_TOKEN', alias: 'production' },
    targets: [{ name: 'intent-classifier' }],
  },
  create: (config, context): Source<Target> => {
    const api = new Api(context.fetch, config.base_url, authorizationOf(config));
    const read = (target: SourceTarget<Target>, signal: AbortSignal) =>
      readOne(api, target, aliasOf(config, target), signal);
    return {
      live: { read: (targets, _known, signal) => readEach(targets, signal, (target) => read(target, signal)) },
      discover: {
        discover: async function* (signal) {
          for await (const name of promptNames(api, signal)) {
            const reading = await read({ id: name, prompt: name, config: { name } }, signal);
            if (reading.outcome === 'held') yield { name, target: { name }, content: reading.contents[0] };
          }
        },
      },
      restore: {
        form: 'pointer',
        comparesAndSets: false,
        restore: (target, request, signal) =>
          rewrite(
            target.id,
            request,
            () => read(target, signal),
            async () => {
              const bodies = await versionBodies(api, nameOf(target), signal);
              const newestFirst = [...bodies.keys()].toSorted((a, b) => Number(b) - Number(a));
              const version = await findVersion(request, newestFirst, async (each) => {
                const body = bodies.get(each);
                return body === undefined ? null : { version: each, body };
              });
              if (version === null) throw noSuchVersion(target.id, request);
              const body = { name: nameOf(target), alias: aliasOf(config, target), version };
              await api.get(z.unknown(), `${ROOT}/registered-models/alias`, { method: 'POST', body, signal });
            },
          ),
      },
    };
  },
});

function authorizationOf({ token, username, password }: Config): Record<string, string> {
  if (token !== undefined) return { authorization: `Bearer ${token}` };
  return username === undefined ? {} : { authorization: basicAuth(username, password ?? '') };
}

function nameOf(target: SourceTarget<Target>): string {
  return target.config.name ?? target.prompt;
}

function aliasOf(config: Config, target: SourceTarget<Target>): string {
  return target.config.alias ?? config.alias;
}

async function readOne(api: Api, target: SourceTarget<Target>, alias: string, signal: AbortSignal): Promise<Reading> {
  const name = nameOf(target);
  const found = await api.find(Registered, `${ROOT}/registered-models/get`, { query: { name }, signal });
  const version = found?.registered_model.aliases.find((each) => each.alias === alias)?.version;
  if (version === undefined) return { outcome: 'missing', target: target.id, reason: `${name} has no alias ${alias}.` };
  const { model_version: model } = await api.get(OneVersion, `${ROOT}/model-versions/get`, {
    query: { name, version },
    signal,
  });
  const body = bodyOf(model);
  if (body === null)
    return { outcome: 'unreachable', target: target.id, reason: `Version ${version} of ${name} is no prompt.` };
  const content: LiveContent = {
    body,
    pointer: { name: alias, value: version },
    version,
    ...(typeof model.user_id === 'string' && model.user_id !== '' ? { editedBy: model.user_id } : {}),
    ...editedAt(Number(model.last_updated_timestamp)),
  };
  return { outcome: 'held', target: target.id, contents: [content] };
}

function bodyOf({ tags }: ModelVersion): PromptBody | null {
  const text = tags.find((tag) => tag.key === TEXT_TAG)?.value;
  return text === undefined ? null : (bodyFromText(text) ?? textBody(text));
}

async function versionBodies(api: Api, name: string, signal: AbortSignal): Promise<ReadonlyMap<string, PromptBody>> {
  const filter = `name='${name.replaceAll("'", "''")}'`;
  const versions = allPages<ModelVersion>(api.host, async (token) => {
    const query = { filter, max_results: 100, ...(token === null ? {} : { page_token: token }) };
    const answer = await api.get(Versions, `${ROOT}/model-versions/search`, { query, signal });
    return { items: answer.model_versions, next: answer.next_page_token };
  });
  const bodies = new Map<string, PromptBody>();
  for await (const version of versions) {
    const body = bodyOf(version);
    if (body !== null) bodies.set(version.version, body);
  }
  return bodies;
}

async function* promptNames(api: Api, signal: AbortSignal): AsyncIterable<string> {
  const models = allPages<{ name: string }>(api.host, async (token) => {
    const filter = "tags.`mlflow.prompt.is_prompt` = 'true'";
    const query = { filter, max_results: 100, ...(token === null ? {} : { page_token: token }) };
    const answer = await api.get(Found, `${ROOT}/registered-models/search`, { query, signal });
    return { items: answer.registered_models, next: answer.next_page_token };
  });
  for await (const { name } of models) yield name;
}
