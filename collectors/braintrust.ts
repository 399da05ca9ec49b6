/**
 * Prompts of a Braintrust project: their newest version, or the one that an environment names. In an
 * environment that is the pointer, and restore moves it; else restore writes a new version.
 */

import { z } from 'zod';
import type { PromptBody, RegisteredVersion, TemplateFormat } from '../src/contract/prompt.ts';
import { sourcePlugin } from '../src/contract/source-plugin.ts';
import type { RestoreRequest, Source, SourceContext, SourceTarget } from '../src/contract/source.ts';
import { textBody } from '../src/text/body.ts';
import { Api } from './lib/api.ts';
import { baseUrl } from './lib/base-url.ts';
import { byTransaction, versionName, versionTime } from './lib/braintrust-version.ts';
import { discoverById, liveById, restoreById, type ByIdPlace, type Contents } from './lib/by-id.ts';
import { nothingKnown, toldSince, type IsKnown } from './lib/changed-since.ts';
import { bodyFrom } from './lib/chat.ts';
import { findVersion, noSuchVersion } from './lib/find-version.ts';
import { allPages } from './lib/pages.ts';
import { registeredVersion } from './lib/registered.ts';
import { secret } from './lib/secret.ts';
import { settingsFrom } from './lib/settings.ts';
import { refuseRepetition, requireSharedSecret } from './lib/shared-secret.ts';
import { pushedJson, Replays } from './lib/signed-push.ts';

const Config = z.strictObject({
  base_url: baseUrl('https://api.braintrust.dev'),
  api_key: secret(),
  project: z.string().min(1),
  /** For keys that see several organisations. */
  org_name: z.string().min(1).optional(),
  /** Braintrust's environment. Absent: the newest version. */
  environment_slug: z.string().min(1).optional(),
  /** The end of the address that an environment alert pushes to: `?token=SECRET`. Braintrust signs nothing. */
  webhook_secret: secret().optional(),
});
type Config = z.output<typeof Config>;

const Target = z.strictObject({
  slug: z.string().min(1),
});
type Target = z.output<typeof Target>;

const PromptData = z.looseObject({
  prompt: z
    .union([
      z.looseObject({
        type: z.literal('chat'),
        messages: z.array(z.looseObject({ role: z.string(), content: z.unknown() })),
        /** JSON in a text. */
        tools: z.string().nullish(),
      }),
      z.looseObject({ type: z.literal('completion'), content: z.string() }),
    ])
    .nullish(),
  options: z.looseObject({ model: z.string().nullish(), params: z.unknown() }).nullish(),
  template_format: z.enum(['mustache', 'nunjucks', 'none']).nullish(),
});
// Its version is called `_xact_id`, which is no name for a field of ours.
const Prompt = z
  .object({
    id: z.string(),
    _xact_id: z.string(),
    project_id: z.string(),
    slug: z.string(),
    prompt_data: PromptData.nullish(),
    tags: z.array(z.string()).nullish(),
  })
  .transform(({ _xact_id: transaction, ...rest }) => ({ ...rest, transaction }));
type Prompt = z.output<typeof Prompt>;
const Prompts = z.object({ objects: z.array(Prompt) });
const AuditRow = z
  .looseObject({
    _xact_id: z.string().nullish(),
    audit_data: z.looseObject({ action: z.string().nullish() }).nullish(),
  })
  .transform(({ _xact_id: transaction, audit_data: audit }) => ({ transaction, action: audit?.action }));
const AuditLog = z.object({ data: z.array(AuditRow) });

const PAGE_SIZE = 100;
const FORMATS = { mustache: 'mustache', nunjucks: 'jinja2', none: 'plain' } as const;
/** Every write of a row, and not only what it is now; also what was written just now. */
const AUDIT_LOG = { audit_log: true, use_columnstore: false, brainstore_realtime: true, fmt: 'json' };
/** What in the history of a prompt wrote a version. */
const WRITES: ReadonlySet<unknown> = new Set(['upsert', 'merge']);

export const braintrust = sourcePlugin({
  type: 'braintrust',
  summary: 'A prompt of a Braintrust project, newest or in an environment.',
  config: Config,
  target: Target,
  example: {
    config: {
      api_key: 'env:BRAINTRUST_API_KEY',
      project: 'support',
      environment_slug: 'production',
      webhook_secret: 'env:BRAINTRUST_WEBHOOK_SECRET',
    },
    targets: [{ slug: 'intent-classifier' }],
  },
  create: (config, context): Source<Target> => {
    const project = new Project(config, context);
    const { environment_slug: environment } = config;
    const place: ByIdPlace<Target, Prompt> = {
      idOf: (target) => target.config.slug,
      one: (slug, _target, signal) => project.one(slug, signal),
      contentsOf: (prompt) => contentsOf(prompt, environment),
      // The list knows no environments.
      ...(environment === undefined ? { all: (signal: AbortSignal) => project.all(signal) } : {}),
    };
    const form = environment === undefined ? 'write' : 'pointer';
    return {
      live: liveById(place),
      versions: { list: (since, signal, isKnown = nothingKnown) => project.versions(since, isKnown, signal) },
      discover: discoverById(
        place,
        (signal) => project.allLive(signal),
        (slug) => [{ name: slug, target: { slug } }],
      ),
      restore: restoreById(place, { form, comparesAndSets: false }, (prompt, target, request, signal) =>
        environment === undefined
          ? project.write(prompt, request.body, signal)
          : project.assign(prompt, environment, target, request, signal),
      ),
      ...(config.webhook_secret === undefined ? {} : { webhook: webhook(config.webhook_secret, config.project) }),
    };
  },
});

class Project {
  readonly #api: Api;
  readonly #config: Config;
  readonly #context: SourceContext;
  readonly #scope: Readonly<Record<string, string | undefined>>;

  constructor(config: Config, context: SourceContext) {
    const { org_name: organisation } = config;
    this.#config = config;
    this.#context = context;
    this.#scope = { project_name: config.project, org_name: organisation };
    const headers = {
      authorization: `Bearer ${config.api_key}`,
      ...(organisation === undefined ? {} : { 'x-bt-org-name': organisation }),
    };
    const question = { query: { limit: 1 } };
    this.#api = new Api(context.fetch, config.base_url, headers, { besides: '/v1/prompt', question });
  }

  /** At its newest version, or in the environment; there the question must have a single answer. */
  async one(slug: string, signal: AbortSignal): Promise<Prompt | null> {
    const query = { ...this.#scope, environment: this.#config.environment_slug, slug, limit: 1 };
    const found = await this.#api.find(Prompts, '/v1/prompt', { query, signal });
    return found?.objects.find((prompt) => prompt.slug === slug) ?? null;
  }

  /** At their newest versions. */
  async *all(signal: AbortSignal) {
    const prompts = allPages<Prompt>(this.#api.host, async (after) => {
      const query = { ...this.#scope, limit: PAGE_SIZE, ...(after === null ? {} : { starting_after: after }) };
      const { objects } = await this.#api.get(Prompts, '/v1/prompt', { query, signal });
      // There is no mark of the end: only a page without anything is the last.
      return { items: objects, next: objects.at(-1)?.id };
    });
    for await (const prompt of prompts) yield [prompt.slug, prompt] as const;
  }

  /** As they are watched. */
  async *allLive(signal: AbortSignal) {
    for await (const [slug, newest] of this.all(signal)) {
      const prompt = this.#config.environment_slug === undefined ? newest : await this.one(slug, signal);
      if (prompt !== null) yield [slug, prompt] as const;
    }
  }

  /** The list tells the newest version of each prompt; of those that are new the history is asked for. */
  async *versions(since: string | null, isKnown: IsKnown, signal: AbortSignal) {
    const listed = (await Array.fromAsync(this.all(signal))).map(([, prompt]) => prompt);
    const changed = listed
      .filter((prompt) => bodyOf(prompt) !== null && !isKnown(prompt.slug, versionName(prompt.transaction)))
      .toSorted((a, b) => byTransaction(a.transaction, b.transaction));
    yield* toldSince(since, this.#fresh(changed, isKnown, signal), () => changed.at(-1)?.transaction ?? since ?? '');
  }

  async *#fresh(prompts: readonly Prompt[], isKnown: IsKnown, signal: AbortSignal) {
    for (const prompt of prompts) {
      const transactions = await this.#transactions(prompt, signal);
      for (const [index, transaction] of transactions.entries()) {
        if (isKnown(prompt.slug, versionName(transaction))) continue;
        const then = await this.#at(prompt, transaction, signal);
        const version =
          then === null ? null : this.#registered(prompt.slug, then, transaction, transactions[index - 1]);
        if (version !== null) yield version;
      }
    }
  }

  /** All writes of a prompt, oldest first. */
  async #transactions(
    { id, project_id: project, transaction }: Prompt,
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    const body = { query: writesQuery(project, id), ...AUDIT_LOG };
    const { data } = await this.#api.get(AuditLog, '/btql', { method: 'POST', body, signal });
    const written = data.flatMap(({ action, transaction: at }) => (WRITES.has(action) ? (at ?? []) : []));
    return [...new Set([...written, transaction])].toSorted(byTransaction);
  }

  /** Null when there is no such version any more. */
  #at({ id }: Prompt, version: string, signal: AbortSignal): Promise<Prompt | null> {
    return this.#api.find(Prompt, `/v1/prompt/${encodeURIComponent(id)}`, { query: { version }, signal });
  }

  #registered(slug: string, prompt: Prompt, transaction: string, before: string | undefined): RegisteredVersion | null {
    const body = bodyOf(prompt);
    if (body === null) return null;
    return registeredVersion({
      prompt: slug,
      version: versionName(transaction),
      parent: before === undefined ? null : versionName(before),
      body,
      format: formatOf(prompt),
      settings: settingsOf(prompt).settings,
      tags: prompt.tags ?? [],
      at: versionTime(transaction),
      registry: this.#context.name,
      url: `${this.#config.base_url}/v1/prompt/${encodeURIComponent(prompt.id)}?version=${transaction}`,
    });
  }

  write(prompt: Prompt, text: PromptBody, signal: AbortSignal): Promise<unknown> {
    const body = { prompt_data: { ...prompt.prompt_data, prompt: promptOf(prompt, text) } };
    return this.#api.get(z.unknown(), `/v1/prompt/${encodeURIComponent(prompt.id)}`, { method: 'PATCH', body, signal });
  }

  /** Lets the environment name the version that holds the content. */
  async assign(
    prompt: Prompt,
    environment: string,
    target: SourceTarget<Target>,
    request: RestoreRequest,
    signal: AbortSignal,
  ): Promise<unknown> {
    const newestFirst = (await this.#transactions(prompt, signal)).toReversed();
    const wanted = await findVersion(request, newestFirst, async (version) => {
      const then = await this.#at(prompt, version, signal);
      const body = then === null ? null : bodyOf(then);
      return then === null || body === null ? null : { version: then.transaction, body };
    });
    if (wanted === null) throw noSuchVersion(target.id, request);
    const { org_name: organisation } = this.#config;
    const path = `/environment-object/prompt/${encodeURIComponent(prompt.id)}/${encodeURIComponent(environment)}`;
    const body = { object_version: wanted, ...(organisation === undefined ? {} : { org_name: organisation }) };
    return this.#api.get(z.unknown(), path, { method: 'PUT', body, signal });
  }
}

/** In the form that Braintrust's query language is parsed into. */
function writesQuery(project: string, id: string): object {
  return {
    from: { op: 'function', name: ident('project_prompts'), args: [literal(project)] },
    select: [{ op: 'star' }],
    sort: [{ expr: ident('_xact_id'), dir: 'desc' }],
    filter: { op: 'eq', left: ident('id'), right: literal(id) },
  };
}

function ident(name: string): object {
  return { op: 'ident', name: [name] };
}

function literal(value: string): object {
  return { op: 'literal', value };
}

function bodyOf({ prompt_data: data }: Prompt): PromptBody | null {
  const prompt = data?.prompt;
  if (prompt?.type === 'completion') return textBody(prompt.content);
  if (prompt?.type !== 'chat') return null;
  return bodyFrom(prompt.messages.map(({ role, content }) => ({ role, content: content ?? '' })));
}

function formatOf({ prompt_data: data }: Prompt): TemplateFormat {
  return FORMATS[data?.template_format ?? 'mustache'];
}

function settingsOf({ prompt_data: data }: Prompt) {
  const tools = data?.prompt?.type === 'chat' ? toolsFrom(data.prompt.tools) : null;
  return settingsFrom({ model: data?.options?.model, parameters: data?.options?.params, tools });
}

function toolsFrom(text: string | null | undefined): unknown {
  try {
    return JSON.parse(text ?? '') as unknown;
  } catch {
    return null;
  }
}

function contentsOf(prompt: Prompt, environment: string | undefined): Contents | null {
  const body = bodyOf(prompt);
  if (body === null) return null;
  const version = versionName(prompt.transaction);
  // `created` is the prompt's own and not the version's.
  const editedAt = versionTime(prompt.transaction);
  return [
    {
      body,
      ...settingsOf(prompt),
      ...(environment === undefined ? {} : { pointer: { name: environment, value: version } }),
      version,
      ...(editedAt === null ? {} : { editedAt }),
    },
  ];
}

function promptOf(prompt: Prompt, body: PromptBody): unknown {
  const before = prompt.prompt_data?.prompt;
  if (body.kind === 'text' && before?.type !== 'chat') return { ...before, type: 'completion', content: body.text };
  const messages = body.kind === 'chat' ? body.messages : [{ role: 'system', content: body.text }];
  return { ...before, type: 'chat', messages };
}

const Push = z.looseObject({ project: z.looseObject({ name: z.string() }).nullish() });

/** What an alert says of the prompt is not documented: whose slug is in it is looked at, or else all. */
function webhook(sharedSecret: string, project: string): NonNullable<Source<Target>['webhook']> {
  const replays = new Replays();
  return {
    receive: async (request, targets) => {
      requireSharedSecret(request, sharedSecret);
      refuseRepetition(request, replays);
      const push = Push.safeParse(pushedJson(request));
      if (!push.success || (push.data.project?.name ?? project) !== project) return [];
      const text = JSON.stringify(push.data);
      const named = targets.filter((target) => text.includes(JSON.stringify(target.config.slug)));
      return (named.length === 0 ? targets : named).map((target) => target.id);
    },
  };
}
