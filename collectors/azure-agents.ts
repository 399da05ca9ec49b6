/**
 * Instructions of prompt agents in Azure AI Foundry: of every version that the agent's endpoint sends
 * traffic to, or of the latest one where it names none. The endpoint's selection is the pointer.
 */

import { z } from 'zod';
import { Fault } from '../src/contract/fault.ts';
import { sourcePlugin } from '../src/contract/source-plugin.ts';
import type { LiveContent, RestoreRequest, Source, SourceContext, SourceTarget } from '../src/contract/source.ts';
import { statusFault } from '../src/lib/http.ts';
import { textBody } from '../src/text/body.ts';
import { Api } from './lib/api.ts';
import { shaped } from './lib/ask-json.ts';
import { baseUrl } from './lib/base-url.ts';
import { discoverById, liveById, restoreById, type ByIdPlace, type Contents } from './lib/by-id.ts';
import { singleText } from './lib/chat.ts';
import { findVersion } from './lib/find-version.ts';
import { listedHistory, tagsFrom, type ListedPrompt, type ToldContent } from './lib/listed-history.ts';
import { allPages } from './lib/pages.ts';
import { secret } from './lib/secret.ts';
import { settingsFrom } from './lib/settings.ts';
import { editedAt, timeFrom } from './lib/time-from.ts';

const Config = z.strictObject({
  /** The project's endpoint. */
  endpoint: z.url({ protocol: /^https?$/ }),
  tenant_id: z.string().min(1),
  client_id: z.string().min(1),
  client_secret: secret(),
  login_url: baseUrl('https://login.microsoftonline.com'),
});
type Config = z.output<typeof Config>;

const Target = z.strictObject({
  agent_name: z.string().min(1),
});
type Target = z.output<typeof Target>;

const Definition = z.looseObject({
  kind: z.string(),
  model: z.string().nullish(),
  instructions: z.string().nullish(),
  temperature: z.number().nullish(),
  top_p: z.number().nullish(),
  tools: z.array(z.unknown()).nullish(),
});
const Version = z.object({
  version: z.string(),
  created_at: z.union([z.string(), z.number()]).nullish(),
  definition: Definition,
  metadata: z.record(z.string(), z.unknown()).nullish(),
});
type Version = z.output<typeof Version>;
const Rule = z.looseObject({ agent_version: z.string(), traffic_percentage: z.number().nullish() });
type Rule = z.output<typeof Rule>;
const Agent = z.object({
  name: z.string(),
  versions: z.object({ latest: Version }),
  agent_endpoint: z
    .looseObject({ version_selector: z.looseObject({ version_selection_rules: z.array(Rule) }).nullish() })
    .nullish(),
});
type Agent = z.output<typeof Agent>;
const Agents = z.object({ data: z.array(Agent), last_id: z.string().nullish(), has_more: z.boolean() });
const Versions = z.object({ data: z.array(Version), last_id: z.string().nullish(), has_more: z.boolean() });
const Token = z.object({ access_token: z.string(), expires_in: z.number() });

/** What serves traffic, with its share; several while the endpoint splits it. */
interface Live {
  readonly agent: Agent;
  readonly serving: readonly { readonly version: Version; readonly share: number }[];
}

const API_VERSION = { 'api-version': 'v1' };
// A token is replaced this long before it ends, so that it does not end on its way.
const TOKEN_MARGIN_MS = 120_000;

export const azureAgents = sourcePlugin({
  type: 'azure-agents',
  summary: 'The instructions of a prompt agent in Azure AI Foundry, in every version that serves.',
  config: Config,
  target: Target,
  example: {
    config: {
      endpoint: 'https://acme.services.ai.azure.com/api/projects/support',
      tenant_id: '72f988bf-86f1-41af-91ab-2d7cd011db47',
      client_id: '04b07795-8ddb-461a-bbee-02f9e1bf7b46',
      client_secret: 'env:AZURE_CLIENT_SECRET',
    },
    targets: [{ agent_name: 'intent-classifier' }],
  },
  create: (config, context): Source<Target> => {
    const connect = connector(config, context);
    const all = async function* (signal: AbortSignal) {
      const api = await connect(signal);
      for await (const agent of list(api, signal)) yield [agent.name, await liveOf(api, agent, signal)] as const;
    };
    const place: ByIdPlace<Target, Live> = {
      idOf: (target) => target.config.agent_name,
      one: async (name, _target, signal) => {
        const api = await connect(signal);
        const agent = await api.find(Agent, pathOf(name), { query: API_VERSION, signal });
        return agent === null ? null : liveOf(api, agent, signal);
      },
      contentsOf,
    };
    return {
      live: liveById(place),
      versions: listedHistory(context.name, async function* (signal) {
        yield* history(await connect(signal), signal);
      }),
      discover: discoverById(place, all, (name) => [{ name, target: { agent_name: name } }]),
      restore: restoreById(place, { form: 'pointer', comparesAndSets: false }, async (live, target, request, signal) =>
        restore(await connect(signal), live, target, request, signal),
      ),
    };
  },
});

function pathOf(name: string): string {
  return `/agents/${encodeURIComponent(name)}`;
}

/** An API with a token that is still good; one is asked for when there is none. */
function connector(config: Config, context: SourceContext): (signal: AbortSignal) => Promise<Api> {
  let token: Promise<GoodToken> | null = null;
  let goodUntilMs = 0;
  return async (signal) => {
    // Many targets are read at once: they wait for the same token. One that failed is asked for again.
    if (token === null || performance.now() > goodUntilMs) {
      goodUntilMs = Number.POSITIVE_INFINITY;
      token = askForToken(config, context, signal).then(
        (good) => {
          ({ goodUntilMs } = good);
          return good;
        },
        (error: unknown) => {
          token = null;
          throw error;
        },
      );
    }
    const { value } = await token;
    const besides = { besides: '/agents', question: { query: { ...API_VERSION, limit: 1 } } };
    return new Api(context.fetch, config.endpoint, { authorization: `Bearer ${value}` }, besides);
  };
}

interface GoodToken {
  readonly value: string;
  readonly goodUntilMs: number;
}

async function askForToken(config: Config, context: SourceContext, signal: AbortSignal): Promise<GoodToken> {
  const url = `${config.login_url}/${encodeURIComponent(config.tenant_id)}/oauth2/v2.0/token`;
  const form = {
    grant_type: 'client_credentials',
    client_id: config.client_id,
    client_secret: config.client_secret,
    scope: 'https://ai.azure.com/.default',
  };
  const response = await context.fetch(url, { method: 'POST', body: new URLSearchParams(form), signal });
  if (!response.ok) throw statusFault(url, response, 'no token was given');
  const answer = shaped(Token, await response.json().catch(() => null), url);
  return { value: answer.access_token, goodUntilMs: performance.now() + answer.expires_in * 1000 - TOKEN_MARGIN_MS };
}

async function liveOf(api: Api, agent: Agent, signal: AbortSignal): Promise<Live> {
  const { latest } = agent.versions;
  const rules = agent.agent_endpoint?.version_selector?.version_selection_rules ?? [];
  const sharing = rules.filter((rule) => (rule.traffic_percentage ?? 100) > 0);
  if (sharing.length === 0) return { agent, serving: [{ version: latest, share: 1 }] };
  const serving = await Promise.all(
    sharing.map(async ({ agent_version: name, traffic_percentage: percentage }) => {
      const path = `${pathOf(agent.name)}/versions/${encodeURIComponent(name)}`;
      const version = name === latest.version ? latest : await api.get(Version, path, { query: API_VERSION, signal });
      return { version, share: (percentage ?? 100) / 100 };
    }),
  );
  return { agent, serving };
}

function settingsOf({ definition: { model, temperature, top_p: topP, tools } }: Version) {
  return settingsFrom({ model, parameters: { temperature, top_p: topP }, tools });
}

function contentsOf({ serving }: Live): Contents | null {
  const contents = serving.map(({ version, share }): LiveContent => ({
    body: textBody(version.definition.instructions ?? ''),
    ...settingsOf(version),
    pointer: { name: 'endpoint', value: version.version },
    version: version.version,
    ...(serving.length > 1 ? { part: version.version, share } : {}),
    ...editedAt(version.created_at),
  }));
  const [first, ...others] = contents;
  return first === undefined ? null : [first, ...others];
}

async function restore(
  api: Api,
  live: Live,
  target: SourceTarget<Target>,
  request: RestoreRequest,
  signal: AbortSignal,
) {
  const { agent, serving } = live;
  const selector = agent.agent_endpoint?.version_selector;
  const path = `${pathOf(agent.name)}/versions`;
  const versions = selector === null || selector === undefined ? [] : await listVersions(api, path, signal);
  const wanted = await findVersion(
    request,
    versions.map((each) => each.version),
    async (name) => {
      const found = versions.find((each) => each.version === name);
      return found === undefined ? null : { version: name, body: textBody(found.definition.instructions ?? '') };
    },
  );
  const [first] = serving;
  if (first === undefined) throw new Fault('permanent', `${target.id} serves no version.`);
  const { version: now } = serving.find(({ version }) => version.version === request.expect?.part) ?? first;
  // Without a selection the latest version serves, so a new one with the old text does it.
  const definition = { ...now.definition, instructions: singleText(request.body, target.id) };
  const version =
    wanted ??
    (await api.get(Version, path, { method: 'POST', query: API_VERSION, body: { definition }, signal })).version;
  if (selector === null || selector === undefined) return;
  const rules = rulesWith(selector.version_selection_rules, request.expect?.part, version);
  await api.get(z.unknown(), pathOf(agent.name), {
    method: 'PATCH',
    query: API_VERSION,
    headers: { 'content-type': 'application/merge-patch+json' },
    body: {
      agent_endpoint: { ...agent.agent_endpoint, version_selector: { ...selector, version_selection_rules: rules } },
    },
    signal,
  });
}

/** The whole traffic goes to the version; of a split only the share of the part that is put back. */
function rulesWith(rules: readonly Rule[], part: string | undefined, version: string): readonly Rule[] {
  const type = 'FixedRatio';
  if (part === undefined) return [{ type, agent_version: version, traffic_percentage: 100 }];
  const shares = new Map<string, number>();
  for (const { agent_version: name, traffic_percentage: percentage } of rules) {
    const served = name === part ? version : name;
    shares.set(served, (shares.get(served) ?? 0) + (percentage ?? 100));
  }
  return [...shares].map(([name, percentage]) => ({ type, agent_version: name, traffic_percentage: percentage }));
}

function list(api: Api, signal: AbortSignal): AsyncIterable<Agent> {
  return allPages<Agent>(api.host, async (after) => {
    const query = { ...API_VERSION, kind: 'prompt', limit: 100, order: 'asc', ...(after === null ? {} : { after }) };
    const { data, last_id: last, has_more: more } = await api.get(Agents, '/agents', { query, signal });
    return { items: data, next: more ? last : null };
  });
}

/** Newest first. */
async function listVersions(api: Api, path: string, signal: AbortSignal): Promise<readonly Version[]> {
  return Array.fromAsync(
    allPages<Version>(api.host, async (after) => {
      const query = { ...API_VERSION, limit: 100, order: 'desc', ...(after === null ? {} : { after }) };
      const { data, last_id: last, has_more: more } = await api.get(Versions, path, { query, signal });
      return { items: data, next: more ? last : null };
    }),
  );
}

/** The list names the latest version of each agent; those of one agent come with their definitions. */
async function* history(api: Api, signal: AbortSignal): AsyncIterable<ListedPrompt> {
  for await (const { name, versions: known } of list(api, signal)) {
    const path = `${pathOf(name)}/versions`;
    const versions = async () => {
      const newestFirst = await listVersions(api, path, signal);
      return newestFirst.toReversed().map((each) => ({
        version: each.version,
        contents: [contentOf(each, api.addressOf(`${path}/${encodeURIComponent(each.version)}`))],
      }));
    };
    yield { id: name, name, changedAt: known.latest.created_at, versions };
  }
}

function contentOf(version: Version, url: string): ToldContent {
  const { definition, metadata, created_at: at } = version;
  const { settings } = settingsOf(version);
  const body = textBody(definition.instructions ?? '');
  // Its structured inputs are Handlebars variables.
  return { body, format: 'handlebars', settings, tags: tagsFrom(metadata ?? {}), at: timeFrom(at), url };
}
