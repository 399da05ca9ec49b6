/** Prompts in Opik at their latest version. Restore is Opik's own: it writes the old content as a new version. */

import { z } from 'zod';
import type { PromptBody } from '../src/contract/prompt.ts';
import { sourcePlugin } from '../src/contract/source-plugin.ts';
import type { LiveContent, Reading, RestoreRequest, Source, SourceTarget } from '../src/contract/source.ts';
import { millisFromTimestamp } from '../src/lib/time.ts';
import { canonicalBody, textBody } from '../src/text/body.ts';
import { Api } from './lib/api.ts';
import { baseUrl } from './lib/base-url.ts';
import { bodyFromText } from './lib/chat.ts';
import { noSuchVersion } from './lib/find-version.ts';
import { listedHistory, type ListedPrompt, type ListedVersion } from './lib/listed-history.ts';
import { allPages } from './lib/pages.ts';
import { readMarked } from './lib/read-marked.ts';
import { rewrite } from './lib/rewrite.ts';
import { secret } from './lib/secret.ts';
import { settingsFromConfig } from './lib/settings.ts';
import { requireSharedSecret } from './lib/shared-secret.ts';
import { pushedJson, Replays } from './lib/signed-push.ts';
import { editedAt, timeFrom } from './lib/time-from.ts';

const Config = z.strictObject({
  base_url: baseUrl('https://www.comet.com/opik/api'),
  /** Not needed for a local installation. */
  api_key: secret().optional(),
  workspace: z.string().min(1).default('default'),
  /** The secret token of an alert with the events of prompts. Opik sends it along, and signs nothing. */
  webhook_secret: secret().optional(),
});
type Config = z.output<typeof Config>;

const Target = z.strictObject({
  prompt_id: z.string().min(1),
});
type Target = z.output<typeof Target>;

const Version = z.object({
  id: z.string(),
  commit: z.string(),
  /** `v2`; what has none where others have one is no version of the prompt, but tried over it. */
  version_number: z.string().nullish(),
  template: z.string(),
  template_structure: z.enum(['text', 'chat']).nullish(),
  type: z.enum(['mustache', 'jinja2', 'python']).nullish(),
  metadata: z.unknown(),
  created_at: z.string().nullish(),
  created_by: z.string().nullish(),
});
type Version = z.output<typeof Version>;
const Prompt = z.object({ id: z.string(), name: z.string(), latest_version: Version.nullish() });
type Prompt = z.output<typeof Prompt>;
const Listed = z.object({
  id: z.string(),
  name: z.string(),
  tags: z.array(z.string()).nullish(),
  created_at: z.string().nullish(),
  last_updated_at: z.string().nullish(),
});
type Listed = z.output<typeof Listed>;
const Prompts = z.object({ content: z.array(Listed), total: z.int() });
const Versions = z.object({ content: z.array(Version), total: z.int() });

const PAGE_SIZE = 100;
const FORMATS = { mustache: 'mustache', jinja2: 'jinja2', python: 'fstring' } as const;

export const opik = sourcePlugin({
  type: 'opik',
  summary: 'The latest version of a prompt in Opik, cloud or self-hosted.',
  config: Config,
  target: Target,
  example: {
    config: { api_key: 'env:OPIK_API_KEY', workspace: 'acme', webhook_secret: 'env:OPIK_WEBHOOK_SECRET' },
    targets: [{ prompt_id: '0192c1f0-7c4a-7b9e-8d2f-3a4b5c6d7e8f' }],
  },
  create: (config, context): Source<Target> => {
    const place = new Opik(config, context.fetch);
    return {
      live: { read: (targets, known, signal) => place.read(targets, known, signal) },
      versions: listedHistory(context.name, (signal) => place.history(signal)),
      discover: { discover: (signal) => place.discover(signal) },
      restore: {
        form: 'native',
        comparesAndSets: false,
        restore: (target, request, signal) => place.restore(target, request, signal),
      },
      ...(config.webhook_secret === undefined ? {} : { webhook: webhook(config.webhook_secret) }),
    };
  },
});

class Opik {
  readonly #api: Api;

  constructor(config: Config, fetch: typeof globalThis.fetch) {
    const headers = {
      'comet-workspace': config.workspace,
      ...(config.api_key === undefined ? {} : { authorization: config.api_key }),
    };
    this.#api = new Api(fetch, config.base_url, headers, {
      besides: '/v1/private/prompts',
      question: { query: { page: 1, size: 1 } },
    });
  }

  read(targets: readonly SourceTarget<Target>[], known: ReadonlyMap<string, string>, signal: AbortSignal) {
    return readMarked(
      targets,
      known,
      signal,
      () => this.#changeTimes(targets, signal),
      (target, mark) => this.#readOne(target, mark, signal),
    );
  }

  /** A new version touches its prompt. */
  async #changeTimes(
    targets: readonly SourceTarget<Target>[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, string>> {
    const byId = Map.groupBy(targets, (target) => target.config.prompt_id);
    const marks = new Map<string, string>();
    for await (const { id, last_updated_at: at } of this.#list(signal)) {
      for (const target of byId.get(id) ?? []) if (typeof at === 'string') marks.set(target.id, at);
    }
    return marks;
  }

  async #readOne(target: SourceTarget<Target>, mark: string | null, signal: AbortSignal): Promise<Reading> {
    const id = target.config.prompt_id;
    const prompt = await this.#find(id, signal);
    const content = prompt === null ? null : contentOf(prompt);
    if (content !== null) {
      return { outcome: 'held', target: target.id, contents: [content], ...(mark === null ? {} : { cursor: mark }) };
    }
    const reason = prompt === null ? `There is no prompt ${id}.` : `${prompt.name} has no version.`;
    return { outcome: 'missing', target: target.id, reason };
  }

  async *history(signal: AbortSignal): AsyncIterable<ListedPrompt> {
    for await (const prompt of this.#list(signal)) {
      const { id, name, created_at: createdAt, last_updated_at: changedAt } = prompt;
      yield { id, name, createdAt, changedAt, versions: () => this.#versionsOf(prompt, signal) };
    }
  }

  async #versionsOf({ id, tags }: Listed, signal: AbortSignal): Promise<readonly ListedVersion[]> {
    const all = await Array.fromAsync(this.#versions(id, signal));
    const areNumbered = all.some((version) => typeof version.version_number === 'string');
    const versions = areNumbered ? all.filter((version) => typeof version.version_number === 'string') : all;
    return versions.toSorted(olderFirst).map((version) => ({
      version: version.commit,
      contents: [
        {
          body: bodyOf(version),
          format: FORMATS[version.type ?? 'mustache'],
          settings: settingsFromConfig(version.metadata).settings,
          tags: tags ?? [],
          author: version.created_by ?? null,
          at: timeFrom(version.created_at),
          url: this.#api.addressOf(`${pathOf(id)}/versions`),
        },
      ],
    }));
  }

  async *discover(signal: AbortSignal) {
    for await (const { id, name } of this.#list(signal)) {
      const prompt = await this.#find(id, signal);
      const content = prompt === null ? null : contentOf(prompt);
      if (content !== null) yield { name, target: { prompt_id: id }, content };
    }
  }

  restore(target: SourceTarget<Target>, request: RestoreRequest, signal: AbortSignal): Promise<Reading> {
    const id = target.config.prompt_id;
    const read = (): Promise<Reading> => this.#readOne(target, null, signal);
    return rewrite(target.id, request, read, async () => {
      let wanted: Version | null = null;
      for await (const version of this.#versions(id, signal)) {
        const isNamed = version.commit === request.sourceVersion;
        if (canonicalBody(bodyOf(version)) === canonicalBody(request.body))
          wanted = isNamed ? version : (wanted ?? version);
      }
      if (wanted === null) throw noSuchVersion(target.id, request);
      const path = `${pathOf(id)}/versions/${encodeURIComponent(wanted.id)}/restore`;
      await this.#api.get(z.unknown(), path, { method: 'POST', body: {}, signal });
    });
  }

  #find(id: string, signal: AbortSignal): Promise<Prompt | null> {
    return this.#api.find(Prompt, pathOf(id), { signal });
  }

  #list(signal: AbortSignal): AsyncIterable<Listed> {
    return this.#pages((query) => this.#api.get(Prompts, '/v1/private/prompts', { query, signal }));
  }

  #versions(id: string, signal: AbortSignal): AsyncIterable<Version> {
    return this.#pages((query) => this.#api.get(Versions, `${pathOf(id)}/versions`, { query, signal }));
  }

  /** Pages are numbered from 1. */
  #pages<Item>(
    ask: (query: { page: number; size: number }) => Promise<{ content: readonly Item[]; total: number }>,
  ): AsyncIterable<Item> {
    return allPages<Item>(this.#api.host, async (next) => {
      const page = Number(next ?? 1);
      const { content, total } = await ask({ page, size: PAGE_SIZE });
      return { items: content, next: content.length > 0 && page * PAGE_SIZE < total ? page + 1 : null };
    });
  }
}

function pathOf(id: string): string {
  return `/v1/private/prompts/${encodeURIComponent(id)}`;
}

/** The time of a version is all that orders it: its id and its commit are random. */
function olderFirst(a: Version, b: Version): number {
  const [first, second] = [a, b].map((version) => timeFrom(version.created_at) ?? '');
  return (first ?? '') < (second ?? '') ? -1 : 1;
}

/** Chat prompts are kept as the JSON of their messages. */
function bodyOf({ template, template_structure: structure }: Version): PromptBody {
  return structure === 'text' ? textBody(template) : (bodyFromText(template) ?? textBody(template));
}

function contentOf({ latest_version: version }: Prompt): LiveContent | null {
  if (version === null || version === undefined) return null;
  return {
    body: bodyOf(version),
    ...settingsFromConfig(version.metadata),
    version: version.commit,
    ...(typeof version.created_by === 'string' ? { editedBy: version.created_by } : {}),
    ...editedAt(version.created_at),
  };
}

const Push = z.object({ id: z.string().optional(), createdAt: z.string().optional(), payload: z.unknown() });

/** What several events have in common is put together before it is sent, in forms that differ: only ids are looked for. */
function webhook(sharedSecret: string): NonNullable<Source<Target>['webhook']> {
  const replays = new Replays();
  return {
    receive: async (request, targets) => {
      requireSharedSecret(request, sharedSecret);
      const push = Push.safeParse(pushedJson(request));
      const { id, createdAt, payload } = push.success ? push.data : {};
      const sentAt = timeFrom(createdAt);
      replays.refuse(request, sentAt === null ? null : millisFromTimestamp(sentAt), id);
      const text = JSON.stringify(payload ?? null);
      return targets.filter((target) => text.includes(target.config.prompt_id)).map((target) => target.id);
    },
  };
}
