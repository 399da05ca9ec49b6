/**
 * Prompt templates behind a release label in PromptLayer. The label is the pointer; restore moves it
 * back. Snippets are stored as references, and change without the templates that include them.
 */

import { z } from 'zod';
import type { PromptBody, TemplateFormat } from '../src/contract/prompt.ts';
import { sourcePlugin } from '../src/contract/source-plugin.ts';
import type {
  LiveContent,
  Reading,
  RestoreRequest,
  Source,
  SourceContext,
  SourceTarget,
} from '../src/contract/source.ts';
import { millisFromTimestamp } from '../src/lib/time.ts';
import { chatBody, textBody } from '../src/text/body.ts';
import { Api } from './lib/api.ts';
import { baseUrl } from './lib/base-url.ts';
import { isBefore, lookBack, nothingKnown, toldSince, type IsKnown } from './lib/changed-since.ts';
import { bodyFrom } from './lib/chat.ts';
import { findVersion, noSuchVersion } from './lib/find-version.ts';
import { allPages } from './lib/pages.ts';
import { pythonJson } from './lib/python-json.ts';
import { readMarked } from './lib/read-marked.ts';
import { includingOf, type ReferenceSyntax } from './lib/references.ts';
import { registeredVersion } from './lib/registered.ts';
import { rewrite } from './lib/rewrite.ts';
import { secret } from './lib/secret.ts';
import { settingsFrom } from './lib/settings.ts';
import { hmacHex, pushedJson, Replays, requireSignature } from './lib/signed-push.ts';
import { editedAt, timeFrom } from './lib/time-from.ts';

const Config = z.strictObject({
  base_url: baseUrl('https://api.promptlayer.com'),
  api_key: secret(),
  label: z.string().min(1).default('prod'),
  /** The secret signature of the workspace's webhook. */
  webhook_secret: secret().optional(),
});
type Config = z.output<typeof Config>;

const Target = z.strictObject({
  /** Name or id of the template. Absent: the name the prompt has here. */
  name: z.string().min(1).optional(),
  label: z.string().min(1).optional(),
});
type Target = z.output<typeof Target>;

const TEMPLATE_FORMATS = { 'f-string': 'fstring', jinja2: 'jinja2' } as const;
const Format = z.enum(['f-string', 'jinja2']).nullish();
const Part = z.looseObject({ type: z.string().nullish(), text: z.string().nullish() });
const Message = z.looseObject({ role: z.string(), content: z.array(Part).nullish(), template_format: Format });
const Template = z.object({
  id: z.int(),
  prompt_name: z.string(),
  version: z.int(),
  prompt_template: z.union([
    z.looseObject({
      type: z.literal('chat'),
      messages: z.array(Message),
      functions: z.array(z.unknown()).nullish(),
      tools: z.array(z.unknown()).nullish(),
    }),
    z.looseObject({ type: z.literal('completion'), content: z.array(Part), template_format: Format }),
  ]),
  metadata: z
    .looseObject({ model: z.looseObject({ name: z.string().nullish(), parameters: z.unknown() }).nullish() })
    .nullish(),
  tags: z.array(z.string()).nullish(),
  created_at: z.string().nullish(),
  snippets: z.array(z.unknown()).nullish(),
});
type Template = z.output<typeof Template>;

const Listed = z.object({ prompt_name: z.string(), version: z.int().nullish() });
type Listed = z.output<typeof Listed>;
const Page = z.object({ items: z.array(Listed), has_next: z.boolean(), page: z.int() });
const Labels = z.object({
  release_labels: z.array(
    z.object({ release_label: z.string(), release_label_id: z.int(), prompt_version_number: z.int() }),
  ),
});

const PAGE_SIZE = 100;
// There is no list of a template's versions: they are asked for by their numbers, the newest of them.
const VERSIONS_MAX = 1_000;

/** `@@@NAME@@@` for the latest version, `@@@NAME@version_number:2@@@`, `@@@NAME@label:prod@@@`. */
const REFERENCES: ReferenceSyntax = {
  pattern: /@@@(?<id>[^@\n]+)(?:@(?<kind>version_number|label):(?<value>[^@\n]+))?@@@/g,
  read: ({ groups }) => {
    const { id = '', kind, value = '' } = groups ?? {};
    if (kind === undefined) return { id, version: 'latest' };
    return { id, version: kind === 'label' ? `label:${value}` : value };
  },
};

export const promptlayer = sourcePlugin({
  type: 'promptlayer',
  summary: 'The template version behind a release label in PromptLayer.',
  config: Config,
  target: Target,
  example: {
    config: { api_key: 'env:PROMPTLAYER_API_KEY', label: 'prod', webhook_secret: 'env:PROMPTLAYER_WEBHOOK_SECRET' },
    targets: [{ name: 'intent-classifier' }],
  },
  create: (config, context): Source<Target> => {
    const place = new PromptLayer(config, context);
    return {
      live: { read: (targets, known, signal) => place.read(targets, known, signal) },
      versions: { list: (since, signal, isKnown = nothingKnown) => place.versions(since, isKnown, signal) },
      discover: { discover: (signal) => place.discover(signal) },
      restore: {
        form: 'pointer',
        comparesAndSets: false,
        restore: (target, request, signal) => place.restore(target, request, signal),
      },
      ...(config.webhook_secret === undefined ? {} : { webhook: webhook(config.webhook_secret) }),
    };
  },
});

class PromptLayer {
  readonly #api: Api;
  readonly #config: Config;
  readonly #context: SourceContext;

  constructor(config: Config, context: SourceContext) {
    this.#config = config;
    this.#context = context;
    const headers = { 'x-api-key': config.api_key };
    this.#api = new Api(context.fetch, config.base_url, headers, {
      besides: '/prompt-templates',
      question: { query: { page: 1, per_page: 1 } },
    });
  }

  read(targets: readonly SourceTarget<Target>[], known: ReadonlyMap<string, string>, signal: AbortSignal) {
    return readMarked(
      targets,
      known,
      signal,
      () => this.#labelled(targets, signal),
      (target, mark) => this.#readOne(target, mark, signal),
    );
  }

  /** With a label the list tells the version behind it; a version never changes. */
  async #labelled(targets: readonly SourceTarget<Target>[], signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
    const marks = new Map<string, string>();
    for (const [label, labelled] of Map.groupBy(targets, (target) => this.#labelOf(target))) {
      const byName = Map.groupBy(labelled, nameOf);
      for await (const { prompt_name: name, version } of this.#list({ label }, signal)) {
        if (typeof version !== 'number') continue;
        for (const target of byName.get(name) ?? []) marks.set(target.id, String(version));
      }
    }
    return marks;
  }

  async #readOne(target: SourceTarget<Target>, mark: string | null, signal: AbortSignal): Promise<Reading> {
    const name = nameOf(target);
    const label = this.#labelOf(target);
    const template = await this.#find(name, { label }, false, signal);
    if (template === null) {
      return { outcome: 'missing', target: target.id, reason: `${name} has no release label ${label}.` };
    }
    const content = contentOf(template, label);
    if ((template.snippets ?? []).length === 0 && includingOf(content.body, 'plain', REFERENCES) === null) {
      const isMarked = mark !== null && mark === content.version;
      return { outcome: 'held', target: target.id, contents: [content], ...(isMarked ? { cursor: mark } : {}) };
    }
    const resolved = await this.#find(name, { label }, true, signal);
    // No cursor: what it includes changes without it.
    const contents = [resolved === null ? content : { ...content, resolved: bodyOf(resolved) }] as const;
    return { outcome: 'held', target: target.id, contents };
  }

  /** The list says what changed since, but not when: the cursor is the time of the newest version that was told. */
  async *versions(since: string | null, isKnown: IsKnown, signal: AbortSignal) {
    const from = lookBack(since);
    const listed = this.#list(
      // In an order in which nothing moves while it is read.
      { sort_by: 'created_at', sort_order: 'asc', ...(from === null ? {} : { updated_after: from }) },
      signal,
    );
    let newest = since ?? '';
    const seen = ({ created_at: at }: Template): void => {
      if (typeof at === 'string' && isBefore(newest, at)) newest = at;
    };
    yield* toldSince(since, this.#fresh(listed, isKnown, seen, signal), () => newest);
  }

  async *#fresh(
    listed: AsyncIterable<Listed>,
    isKnown: IsKnown,
    seen: (template: Template) => void,
    signal: AbortSignal,
  ) {
    for await (const { prompt_name: name, version: last } of listed) {
      for (const version of lastVersions(last ?? 0)) {
        if (isKnown(name, String(version))) continue;
        const template = await this.#find(name, { version }, false, signal);
        if (template === null) continue;
        seen(template);
        yield this.#registered(template);
      }
    }
  }

  #registered(template: Template) {
    const { prompt_name: prompt, version, created_at: at } = template;
    const body = bodyOf(template);
    const format = formatOf(template);
    return registeredVersion({
      prompt,
      version: String(version),
      parent: version > 1 ? String(version - 1) : null,
      body,
      format,
      including: includingOf(body, format, REFERENCES),
      settings: settingsOf(template).settings,
      tags: template.tags ?? [],
      at: timeFrom(at),
      registry: this.#context.name,
      url: `${this.#config.base_url}${pathOf(prompt)}?version=${version}`,
    });
  }

  async *discover(signal: AbortSignal) {
    const { label } = this.#config;
    for await (const { prompt_name: name } of this.#list({ label }, signal)) {
      const template = await this.#find(name, { label }, false, signal);
      if (template !== null) yield { name, target: { name }, content: contentOf(template, label) };
    }
  }

  restore(target: SourceTarget<Target>, request: RestoreRequest, signal: AbortSignal): Promise<Reading> {
    const name = nameOf(target);
    const read = (): Promise<Reading> => this.#readOne(target, null, signal);
    return rewrite(target.id, request, read, async () => {
      const { release_labels: labels } = await this.#api.get(Labels, `${pathOf(name)}/labels`, { signal });
      const label = labels.find((each) => each.release_label === this.#labelOf(target));
      const newest = await this.#find(name, {}, false, signal);
      const newestFirst = lastVersions(newest?.version ?? 0).toReversed();
      const wanted = await findVersion(request, newestFirst.map(String), async (version) => {
        const template = await this.#find(name, { version: Number(version) }, false, signal);
        return template === null ? null : { version: template.version, body: bodyOf(template) };
      });
      if (wanted === null || label === undefined) throw noSuchVersion(target.id, request);
      const body = { prompt_version_number: wanted };
      await this.#api.get(z.unknown(), `/prompt-labels/${label.release_label_id}`, { method: 'PATCH', body, signal });
    });
  }

  #find(name: string, query: { label?: string; version?: number }, resolve: boolean, signal: AbortSignal) {
    return this.#api.find(Template, pathOf(name), {
      query: { ...query, resolve_snippets: resolve, include_llm_kwargs: false },
      signal,
    });
  }

  #list(query: Readonly<Record<string, string>>, signal: AbortSignal): AsyncIterable<Listed> {
    return allPages<Listed>(this.#api.host, async (next) => {
      const paged = { ...query, page: Number(next ?? 1), per_page: PAGE_SIZE };
      const { items, has_next: more, page } = await this.#api.get(Page, '/prompt-templates', { query: paged, signal });
      return { items, next: more ? page + 1 : null };
    });
  }

  #labelOf(target: SourceTarget<Target>): string {
    return target.config.label ?? this.#config.label;
  }
}

function nameOf(target: SourceTarget<Target>): string {
  return target.config.name ?? target.prompt;
}

function pathOf(name: string): string {
  return `/prompt-templates/${encodeURIComponent(name)}`;
}

/** Oldest first. */
function lastVersions(last: number): readonly number[] {
  const count = Math.min(Math.max(last, 0), VERSIONS_MAX);
  return Array.from({ length: count }, (_, index) => last - count + index + 1);
}

function bodyOf({ prompt_template: template }: Template): PromptBody {
  if (template.type === 'chat')
    return bodyFrom(template.messages.map(({ role, content }) => ({ role, content: content ?? [] }))) ?? chatBody([]);
  return textBody(template.content.map((part) => part.text ?? '').join(''));
}

/** A template has one format for all its messages. */
function formatOf({ prompt_template: template }: Template): TemplateFormat {
  const format =
    template.type === 'chat'
      ? template.messages.find((message) => typeof message.template_format === 'string')?.template_format
      : template.template_format;
  return TEMPLATE_FORMATS[format ?? 'f-string'];
}

function settingsOf({ prompt_template: prompt, metadata }: Template) {
  const tools = prompt.type === 'chat' ? (prompt.tools ?? prompt.functions) : null;
  return settingsFrom({ model: metadata?.model?.name, parameters: metadata?.model?.parameters, tools });
}

function contentOf(template: Template, label: string): LiveContent {
  return {
    body: bodyOf(template),
    ...settingsOf(template),
    pointer: { name: label, value: String(template.version) },
    version: String(template.version),
    ...editedAt(template.created_at),
  };
}

const Push = z.object({
  timestamp: z.string(),
  details: z.object({
    prompt_template_id: z.int().nullish(),
    prompt_template_name: z.string().nullish(),
    old_prompt_template_name: z.string().nullish(),
  }),
});

/**
 * The HMAC-SHA256 of the body as PromptLayer writes it down again, keys in order, which covers the
 * time in it. Its examples write other letters than ASCII in two ways.
 */
function webhook(signingSecret: string): NonNullable<Source<Target>['webhook']> {
  const replays = new Replays();
  return {
    receive: async (request, targets) => {
      const body = pushedJson(request);
      const given = request.headers['x-promptlayer-signature'] ?? '';
      const genuine = [true, false].map((isAscii) => hmacHex('sha256', signingSecret, pythonJson(body, isAscii)));
      requireSignature(genuine, given);
      const push = Push.safeParse(body);
      const sentAt = push.success ? timeFrom(push.data.timestamp) : null;
      replays.refuse(request, sentAt === null ? Number.NaN : millisFromTimestamp(sentAt));
      const { details = {} } = push.data ?? {};
      const names = new Set(
        Object.values(details)
          .flatMap((value) => value ?? [])
          .map(String),
      );
      return targets.filter((target) => names.has(nameOf(target))).map((target) => target.id);
    },
  };
}
