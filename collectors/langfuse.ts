/**
 * Prompts behind a label in Langfuse. The label is the pointer, the labelled version the content.
 * Restore moves the label back; content that no version holds becomes a new version.
 */

import { z } from 'zod';
import type { PromptBody, RegisteredVersion } from '../src/contract/prompt.ts';
import { sourcePlugin } from '../src/contract/source-plugin.ts';
import type {
  LiveContent,
  Reading,
  RestoreRequest,
  Source,
  SourceContext,
  SourceTarget,
  WebhookRequest,
} from '../src/contract/source.ts';
import { bodyMessages, chatBody, textBody } from '../src/text/body.ts';
import { PLACEHOLDER } from '../src/text/roles.ts';
import { Api, basicAuth } from './lib/api.ts';
import { baseUrl } from './lib/base-url.ts';
import { findVersion } from './lib/find-version.ts';
import { changedSince, lookBack, nothingKnown, type IsKnown } from './lib/changed-since.ts';
import { allPages } from './lib/pages.ts';
import { readEach } from './lib/read-each.ts';
import { includingOf, type ReferenceSyntax } from './lib/references.ts';
import { registeredVersion } from './lib/registered.ts';
import { rewrite } from './lib/rewrite.ts';
import { secret } from './lib/secret.ts';
import { settingsFromConfig } from './lib/settings.ts';
import { hmacHex, pushedJson, Replays, requireSignature } from './lib/signed-push.ts';
import { editedAt, timeFrom } from './lib/time-from.ts';

const Config = z.strictObject({
  base_url: baseUrl('https://cloud.langfuse.com'),
  public_key: z.string().min(1),
  secret_key: secret(),
  label: z.string().min(1).default('production'),
  /** The signing secret of the project's prompt webhook. */
  webhook_secret: secret().optional(),
});
type Config = z.output<typeof Config>;

const Target = z.strictObject({
  /** The prompt's name in Langfuse, with its folders. Absent: the name it has here. */
  name: z.string().min(1).optional(),
  label: z.string().min(1).optional(),
});
type Target = z.output<typeof Target>;

const Message = z.union([
  z.object({ role: z.string(), content: z.string() }),
  z.object({ type: z.literal('placeholder'), name: z.string() }),
]);
const Prompt = z.object({
  name: z.string(),
  version: z.int(),
  prompt: z.union([z.string(), z.array(Message)]),
  config: z.unknown(),
  labels: z.array(z.string()).default([]),
  tags: z.array(z.string()).default([]),
  createdBy: z.string().nullish(),
  createdAt: z.string().nullish(),
  updatedAt: z.string().nullish(),
});
type Prompt = z.output<typeof Prompt>;

const List = z.object({
  data: z.array(z.object({ name: z.string(), versions: z.array(z.int()), lastUpdatedAt: z.string().nullish() })),
  meta: z.object({ page: z.int(), totalPages: z.int() }),
});
type Listed = z.output<typeof List>['data'][number];

const PAGE_SIZE = 100;
// Below this many, asking for each is cheaper than asking for the list first.
const LIST_FROM = 4;
/** Langfuse keeps this label on the newest version by itself, and refuses to set it. */
const MANAGED_LABEL = 'latest';
const FORMAT = 'mustache';
/** `@@@langfusePrompt:name=NAME|version=2@@@`, or `|label=NAME`. */
const REFERENCES: ReferenceSyntax = {
  pattern: /@@@langfusePrompt:name=(?<id>[^|]+?)\|(?<kind>version|label)=(?<value>.+?)@@@/g,
  read: ({ groups }) => {
    const { id = '', kind = '', value = '' } = groups ?? {};
    return { id: id.trim(), version: kind === 'version' ? value.trim() : `label:${value.trim()}` };
  },
};

export const langfuse = sourcePlugin({
  type: 'langfuse',
  summary: 'The version behind a label in Langfuse, cloud or self-hosted.',
  config: Config,
  target: Target,
  example: {
    config: {
      base_url: 'https://langfuse.example.com',
      public_key: 'env:LANGFUSE_PUBLIC_KEY',
      secret_key: 'env:LANGFUSE_SECRET_KEY',
      label: 'production',
      webhook_secret: 'env:LANGFUSE_WEBHOOK_SECRET',
    },
    targets: [{ name: 'support/intent-classifier' }],
  },
  create: (config, context): Source<Target> => {
    const place = new Langfuse(config, context);
    return {
      live: { read: (targets, known, signal) => place.read(targets, known, signal) },
      versions: { list: (since, signal, isKnown = nothingKnown) => place.versions(since, isKnown, signal) },
      restore: {
        form: 'pointer',
        // The API has no condition on a label move; the label is read right before it.
        comparesAndSets: false,
        restore: (target, request, signal) => place.restore(target, request, signal),
      },
      discover: { discover: (signal) => place.discover(signal) },
      ...(config.webhook_secret === undefined ? {} : { webhook: webhook(config.webhook_secret) }),
    };
  },
});

class Langfuse {
  readonly #api: Api;
  readonly #config: Config;
  readonly #context: SourceContext;

  constructor(config: Config, context: SourceContext) {
    this.#config = config;
    this.#context = context;
    const headers = { authorization: basicAuth(config.public_key, config.secret_key) };
    const question = { query: { limit: 1 } };
    this.#api = new Api(context.fetch, config.base_url, headers, { besides: '/api/public/v2/prompts', question });
  }

  async *read(targets: readonly SourceTarget<Target>[], known: ReadonlyMap<string, string>, signal: AbortSignal) {
    const changed = await this.#changeTimes(targets, signal);
    yield* readEach(targets, signal, async (target) => {
      const cursor = changed.get(nameOf(target)) ?? null;
      if (cursor !== null && known.get(target.id) === cursor) return { outcome: 'unchanged', target: target.id };
      return this.#readOne(target, cursor, signal);
    });
  }

  /** When each prompt last changed, label moves included; one question for a hundred prompts. */
  async #changeTimes(
    targets: readonly SourceTarget<Target>[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, string>> {
    const times = new Map<string, string>();
    if (targets.length < LIST_FROM) return times;
    // Not filtered by label: a version that lost the label is a change as well.
    for await (const { name, lastUpdatedAt } of this.#list({}, signal)) {
      if (typeof lastUpdatedAt === 'string') times.set(name, lastUpdatedAt);
    }
    return times;
  }

  async #readOne(target: SourceTarget<Target>, cursor: string | null, signal: AbortSignal): Promise<Reading> {
    const name = nameOf(target);
    const label = this.#labelOf(target);
    const prompt = await this.#prompt(name, { label, resolve: false }, signal);
    if (prompt === null)
      return { outcome: 'missing', target: target.id, reason: `No version of ${name} has the label ${label}.` };
    const content = this.#contentOf(prompt, label);
    if (includingOf(content.body, FORMAT, REFERENCES) === null) {
      return { outcome: 'held', target: target.id, contents: [content], ...(cursor === null ? {} : { cursor }) };
    }
    const resolved = await this.#prompt(name, { label, resolve: true }, signal);
    // No cursor: what it refers to changes without it.
    const contents = [resolved === null ? content : { ...content, resolved: bodyOf(resolved) }] as const;
    return { outcome: 'held', target: target.id, contents };
  }

  #contentOf(prompt: Prompt, label: string): LiveContent {
    return {
      body: bodyOf(prompt),
      ...settingsFromConfig(prompt.config),
      pointer: { name: label, value: String(prompt.version) },
      version: String(prompt.version),
      // Of the version's row: moving a label touches it, so it is never earlier than the change.
      ...editedAt(prompt.updatedAt ?? prompt.createdAt),
      ...(typeof prompt.createdBy === 'string' ? { editedBy: prompt.createdBy } : {}),
    };
  }

  async *versions(since: string | null, isKnown: IsKnown, signal: AbortSignal) {
    // With the filter a prompt's list holds only those of its versions that changed.
    const from = lookBack(since);
    const changed = await Array.fromAsync(this.#list(from === null ? {} : { fromUpdatedAt: from }, signal));
    yield* changedSince(
      from,
      changed,
      (prompt) => prompt.lastUpdatedAt,
      (prompt) => this.#versionsOf(prompt, isKnown, signal),
    );
  }

  async *#versionsOf({ name, versions }: Listed, isKnown: IsKnown, signal: AbortSignal) {
    const sorted = versions.toSorted((a, b) => a - b);
    for (const [index, version] of sorted.entries()) {
      if (isKnown(name, String(version))) continue;
      const prompt = await this.#prompt(name, { version, resolve: false }, signal);
      if (prompt === null) continue;
      yield this.#registered(prompt, sorted[index - 1] ?? (version > 1 ? version - 1 : undefined));
    }
  }

  #registered(prompt: Prompt, parent: number | undefined): RegisteredVersion {
    const body = bodyOf(prompt);
    return registeredVersion({
      prompt: prompt.name,
      version: String(prompt.version),
      parent: parent === undefined ? null : String(parent),
      body,
      format: FORMAT,
      including: includingOf(body, FORMAT, REFERENCES),
      settings: settingsFromConfig(prompt.config).settings,
      tags: prompt.tags,
      author: prompt.createdBy ?? null,
      at: timeFrom(prompt.createdAt),
      registry: this.#context.name,
      url: `${this.#config.base_url}/api/public/v2/prompts/${encodeURIComponent(prompt.name)}`,
    });
  }

  async *discover(signal: AbortSignal) {
    const { label } = this.#config;
    for await (const { name } of this.#list({ label }, signal)) {
      const prompt = await this.#prompt(name, { label, resolve: false }, signal);
      if (prompt !== null) yield { name, target: { name }, content: this.#contentOf(prompt, label) };
    }
  }

  restore(target: SourceTarget<Target>, request: RestoreRequest, signal: AbortSignal): Promise<Reading> {
    const read = (): Promise<Reading> => this.#readOne(target, null, signal);
    return rewrite(target.id, request, read, async () => {
      const wanted = await this.#versionWith(target, request, signal);
      if (wanted === null) await this.#writeVersion(target, request, signal);
      else await this.#moveLabel(target, wanted, signal);
    });
  }

  /** The version to point at: the one that is named, if it holds the content, else the newest that does. */
  async #versionWith(
    target: SourceTarget<Target>,
    request: RestoreRequest,
    signal: AbortSignal,
  ): Promise<Prompt | null> {
    const name = nameOf(target);
    const [listed] = await Array.fromAsync(this.#list({ name }, signal));
    const newestFirst = (listed?.versions ?? []).toSorted((a, b) => b - a).map(String);
    return findVersion(request, newestFirst, async (version) => {
      const prompt = await this.#prompt(name, { version: Number(version), resolve: false }, signal);
      return prompt === null ? null : { version: prompt, body: bodyOf(prompt) };
    });
  }

  async #moveLabel(target: SourceTarget<Target>, to: Prompt, signal: AbortSignal): Promise<void> {
    const path = `${promptPath(to.name)}/versions/${to.version}`;
    // The labels it has are sent too, so that none is lost if they are replaced and not added to.
    const newLabels = [...new Set([...to.labels, this.#labelOf(target)])].filter((label) => label !== MANAGED_LABEL);
    await this.#api.get(z.unknown(), path, { method: 'PATCH', body: { newLabels }, signal });
  }

  async #writeVersion(target: SourceTarget<Target>, request: RestoreRequest, signal: AbortSignal): Promise<void> {
    const { model, tools, parameters } = request.settings;
    const config = {
      ...parameters,
      ...(model === undefined ? {} : { model }),
      ...(tools === undefined ? {} : { tools }),
    };
    const isText = request.body.kind === 'text';
    await this.#api.get(z.unknown(), '/api/public/v2/prompts', {
      method: 'POST',
      signal,
      body: {
        name: nameOf(target),
        type: isText ? 'text' : 'chat',
        prompt: request.body.kind === 'text' ? request.body.text : bodyMessages(request.body).map(toLangfuseMessage),
        config,
        labels: [this.#labelOf(target)],
        commitMessage: `Restored to version ${request.version}`,
      },
    });
  }

  #prompt(name: string, query: { label?: string; version?: number; resolve: boolean }, signal: AbortSignal) {
    return this.#api.find(Prompt, promptPath(name), { query, signal });
  }

  #list(query: Readonly<Record<string, string>>, signal: AbortSignal): AsyncIterable<Listed> {
    return allPages<Listed>(this.#api.host, async (next) => {
      const page = Number(next ?? 1);
      const { data, meta } = await this.#api.get(List, '/api/public/v2/prompts', {
        query: { ...query, page, limit: PAGE_SIZE },
        signal,
      });
      return { items: data, next: page < meta.totalPages ? page + 1 : null };
    });
  }

  #labelOf(target: SourceTarget<Target>): string {
    return target.config.label ?? this.#config.label;
  }
}

function nameOf(target: SourceTarget<Target>): string {
  return target.config.name ?? target.prompt;
}

function promptPath(name: string): string {
  return `/api/public/v2/prompts/${encodeURIComponent(name)}`;
}

function bodyOf({ prompt }: Prompt): PromptBody {
  if (typeof prompt === 'string') return textBody(prompt);
  return chatBody(
    prompt.map((message) =>
      'role' in message
        ? { role: message.role, content: message.content }
        : { role: PLACEHOLDER, content: message.name },
    ),
  );
}

function toLangfuseMessage({ role, content }: { readonly role: string; readonly content: string }) {
  return role === PLACEHOLDER ? { type: 'placeholder', name: content } : { type: 'chatmessage', role, content };
}

const Push = z.object({ type: z.literal('prompt-version'), prompt: z.object({ name: z.string() }) });

/** `x-langfuse-signature: t=<seconds>,v1=<hex HMAC-SHA256 of "t.body">`. */
function webhook(signingSecret: string): NonNullable<Source<Target>['webhook']> {
  const replays = new Replays();
  return {
    receive: async (request: WebhookRequest, targets) => {
      const header = request.headers['x-langfuse-signature'] ?? '';
      const { t = '', v1 = '' } = Object.fromEntries(header.split(',').map((part) => part.trim().split('=')));
      requireSignature([v1], hmacHex('sha256', signingSecret, `${t}.`, request.body));
      // Seconds; milliseconds would be a number a thousand times as large.
      replays.refuse(request, Number(t) * (Number(t) < 1e11 ? 1000 : 1));
      const push = Push.safeParse(pushedJson(request));
      if (!push.success) return [];
      return targets.filter((target) => nameOf(target) === push.data.prompt.name).map((target) => target.id);
    },
  };
}
