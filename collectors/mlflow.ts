/** Prompts behind an alias in MLflow's prompt registry. The alias is the pointer; restore moves it back. */

import { z } from 'zod';
import type { PromptBody } from '../src/contract/prompt.ts';
import { sourcePlugin } from '../src/contract/source-plugin.ts';
import type { LiveContent, Reading, Source, SourceTarget } from '../src/contract/source.ts';
import { canonicalBody, textBody } from '../src/text/body.ts';
import { Api, basicAuth } from './lib/api.ts';
import { baseUrl } from './lib/base-url.ts';
import { bodyFromText } from './lib/chat.ts';
import { findVersion, noSuchVersion } from './lib/find-version.ts';
import { listedHistory, tagsFrom, type ListedPrompt, type ToldContent } from './lib/listed-history.ts';
import { allPages } from './lib/pages.ts';
import { readEach } from './lib/read-each.ts';
import { rewrite } from './lib/rewrite.ts';
import { secret } from './lib/secret.ts';
import { settingsFrom } from './lib/settings.ts';
import { pushedJson, Replays, requireStandardWebhook } from './lib/signed-push.ts';
import { editedAt, timeFrom } from './lib/time-from.ts';

const Config = z.strictObject({
  base_url: baseUrl('http://127.0.0.1:5000'),
  /** Databricks and gateways; else `username` and `password`, or nothing. */
  token: secret().optional(),
  username: z.string().min(1).optional(),
  password: secret().optional(),
  alias: z.string().min(1).default('production'),
  /** The secret of a webhook with the events of prompts, their versions and aliases. */
  webhook_secret: secret().optional(),
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
const Time = z.union([z.string(), z.number()]).nullish();
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
  creation_timestamp: Time,
  last_updated_timestamp: Time,
});
type ModelVersion = z.output<typeof ModelVersion>;
const OneVersion = z.object({ model_version: ModelVersion });
const Versions = z.object({ model_versions: z.array(ModelVersion).default([]), next_page_token: z.string().nullish() });
const Listed = z.object({ name: z.string(), creation_timestamp: Time, last_updated_timestamp: Time });
type Listed = z.output<typeof Listed>;
const Found = z.object({ registered_models: z.array(Listed).default([]), next_page_token: z.string().nullish() });

const ROOT = '/api/2.0/mlflow';
// https://mlflow.org/docs/latest/api_reference/rest-api.html; an address without an endpoint has another code.
const DoesNotExist = z.object({ error_code: z.literal('RESOURCE_DOES_NOT_EXIST') });
const TEXT_TAG = 'mlflow.prompt.text';
const MODEL_TAG = '_mlflow_prompt_model_config';
// Without this a search leaves prompts out, and shows models only.
const IS_PROMPT = "tags.`mlflow.prompt.is_prompt` = 'true'";
const PAGE_SIZE = 100;

export const mlflow = sourcePlugin({
  type: 'mlflow',
  summary: "The version behind an alias in MLflow's prompt registry.",
  config: Config,
  target: Target,
  example: {
    config: {
      base_url: 'https://mlflow.example.com',
      token: 'env:MLFLOW_TOKEN',
      alias: 'production',
      webhook_secret: 'env:MLFLOW_WEBHOOK_SECRET',
    },
    targets: [{ name: 'intent-classifier' }],
  },
  create: (config, context): Source<Target> => {
    const api = new Api(context.fetch, config.base_url, authorizationOf(config), { says: DoesNotExist });
    const read = (target: SourceTarget<Target>, signal: AbortSignal) =>
      readOne(api, target, aliasOf(config, target), signal);
    return {
      live: { read: (targets, _known, signal) => readEach(targets, signal, (target) => read(target, signal)) },
      versions: listedHistory(context.name, (signal) => history(api, signal)),
      discover: {
        discover: async function* (signal) {
          for await (const { name } of list(api, signal)) {
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
              const versions = await versionsOf(api, nameOf(target), signal);
              const bodies = new Map(versions.map((each) => [each.version, bodyOf(each)]));
              const newestFirst = versions.map((each) => each.version).toReversed();
              const version = await findVersion(request, newestFirst, async (each) => {
                const body = bodies.get(each) ?? null;
                return body === null ? null : { version: each, body };
              });
              if (version === null) throw noSuchVersion(target.id, request);
              const body = { name: nameOf(target), alias: aliasOf(config, target), version };
              await api.get(z.unknown(), `${ROOT}/registered-models/alias`, { method: 'POST', body, signal });
            },
          ),
      },
      ...(config.webhook_secret === undefined ? {} : { webhook: webhook(config.webhook_secret) }),
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
  const author = authorOf(model);
  const content: LiveContent = {
    body,
    pointer: { name: alias, value: version },
    ...settingsOf(model),
    version,
    ...(author === null ? {} : { editedBy: author }),
    ...editedAt(Number(model.last_updated_timestamp)),
  };
  return { outcome: 'held', target: target.id, contents: [content] };
}

function bodyOf({ tags }: ModelVersion): PromptBody | null {
  const text = tags.find((tag) => tag.key === TEXT_TAG)?.value;
  return text === undefined ? null : (bodyFromText(text) ?? textBody(text));
}

function authorOf({ user_id: author }: ModelVersion): string | null {
  return typeof author === 'string' && author !== '' ? author : null;
}

function settingsOf({ tags }: ModelVersion) {
  const { model_name: model, ...parameters } = modelConfig(tags.find((tag) => tag.key === MODEL_TAG)?.value ?? '{}');
  return settingsFrom({ model, parameters });
}

/** `{ provider, model_name, temperature, … }`, kept as text in a tag. */
function modelConfig(json: string): Readonly<Record<string, unknown>> {
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(json));
  } catch {
    return {};
  }
}

/** Oldest first. */
async function versionsOf(api: Api, name: string, signal: AbortSignal): Promise<readonly ModelVersion[]> {
  const filter = `name='${name.replaceAll("'", "''")}' AND ${IS_PROMPT}`;
  const versions = await Array.fromAsync(
    allPages<ModelVersion>(api.host, async (token) => {
      const query = { filter, max_results: PAGE_SIZE, ...(token === null ? {} : { page_token: token }) };
      const answer = await api.get(Versions, `${ROOT}/model-versions/search`, { query, signal });
      return { items: answer.model_versions, next: answer.next_page_token };
    }),
  );
  return versions.toSorted((a, b) => Number(a.version) - Number(b.version));
}

function list(api: Api, signal: AbortSignal): AsyncIterable<Listed> {
  return allPages<Listed>(api.host, async (token) => {
    const query = { filter: IS_PROMPT, max_results: PAGE_SIZE, ...(token === null ? {} : { page_token: token }) };
    const answer = await api.get(Found, `${ROOT}/registered-models/search`, { query, signal });
    return { items: answer.registered_models, next: answer.next_page_token };
  });
}

/** A new version touches its prompt, and the search for a prompt's versions gives their texts as well. */
async function* history(api: Api, signal: AbortSignal): AsyncIterable<ListedPrompt> {
  for await (const { name, creation_timestamp: createdAt, last_updated_timestamp: changedAt } of list(api, signal)) {
    const versions = async () => {
      const read = await versionsOf(api, name, signal);
      return read.map((each) => ({ version: each.version, contents: contentsOf(api, each, name) }));
    };
    yield { id: name, name, createdAt, changedAt, versions };
  }
}

function contentsOf(api: Api, version: ModelVersion, name: string): readonly ToldContent[] {
  const body = bodyOf(version);
  if (body === null) return [];
  const { settings } = settingsOf(version);
  const at = timeFrom(Number(version.creation_timestamp));
  const url = api.addressOf(`/#/prompts/${encodeURIComponent(name)}`);
  const own = version.tags.filter(({ key }) => !/^_?mlflow[._]/.test(key)).map(({ key, value }) => [key, value]);
  const tags = tagsFrom(Object.fromEntries(own) as Record<string, string>);
  // MLflow fills in `{{name}}` itself, and leaves what has statements to Jinja2.
  const format = canonicalBody(body).includes('{%') ? 'jinja2' : 'mustache';
  return [{ body, format, settings, tags, author: authorOf(version), at, url }];
}

const Push = z.object({ entity: z.string(), data: z.object({ name: z.string() }) });

const PUSH_HEADERS = { id: 'x-mlflow-delivery-id', timestamp: 'x-mlflow-timestamp', signature: 'x-mlflow-signature' };

function webhook(signingSecret: string): NonNullable<Source<Target>['webhook']> {
  const replays = new Replays();
  return {
    receive: async (request, targets) => {
      // The form is that of Standard Webhooks; the secret is used as it is, and the headers have other names.
      requireStandardWebhook(request, signingSecret, replays, PUSH_HEADERS);
      const push = Push.safeParse(pushedJson(request));
      if (!push.success || !push.data.entity.startsWith('prompt')) return [];
      return targets.filter((target) => nameOf(target) === push.data.data.name).map((target) => target.id);
    },
  };
}
