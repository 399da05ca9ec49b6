/**
 * Prompts behind any JSON API: one document with several of them, a list with pages, or one address
 * for each. Paths say where the text, version, editor and time are; see `src/lib/json-path.ts`.
 */

import { z } from 'zod';
import { Fault } from '../src/contract/fault.ts';
import type { Json } from '../src/contract/prompt.ts';
import { sourcePlugin } from '../src/contract/source-plugin.ts';
import type {
  DiscoverPower,
  LiveContent,
  LivePower,
  Reading,
  RestoreRequest,
  Source,
  SourceContext,
  SourceTarget,
} from '../src/contract/source.ts';
import { hostOf } from '../src/lib/http.ts';
import { keysAt, parseJsonPath, valueAt } from '../src/lib/json-path.ts';
import { askJson, wordsOf } from './lib/ask-json.ts';
import { bodyFrom, bodyValue, singleText } from './lib/chat.ts';
import { jsonPath } from './lib/json-path-field.ts';
import { PageGuard } from './lib/pages.ts';
import { readAddresses, type AddressReader } from './lib/read-addresses.ts';
import { changedMeanwhile, refuseIfChanged } from './lib/same-content.ts';
import { secret } from './lib/secret.ts';
import { editedAt } from './lib/time-from.ts';

const Next = z.union([
  /** The answer holds the address of the next page. */
  z.strictObject({ link: jsonPath() }),
  /** The answer holds a cursor for the query parameter. */
  z.strictObject({ cursor: z.string().min(1), from: jsonPath() }),
  /** Pages are numbered in the query parameter; the first empty one ends the list. */
  z.strictObject({ page: z.string().min(1), first: z.int().min(0).default(1) }),
]);

const Config = z.strictObject({
  url: z.string().min(1).describe("`{key}` stands for the target's key."),
  method: z.enum(['GET', 'POST']).default('GET'),
  headers: z.record(z.string(), secret()).default({}),
  body: z.json().optional().describe('Sent with POST.'),
  items: jsonPath()
    .optional()
    .describe('The list in the answer. Absent: the answer is the item, or the document that holds all prompts.'),
  id: jsonPath().default('id').describe("In an item of the list: the target's key."),
  next: Next.optional(),
  content: jsonPath().default('content').describe('A text, or messages with role and content.'),
  absent: z
    .strictObject({ at: jsonPath(), is: z.union([z.string(), z.number(), z.boolean()]) })
    .optional()
    .describe(
      "What the API's own 404 says of a prompt that is gone, e.g. `{ at: error.code, is: prompt_not_found }`. Absent: a 404 counts where another address of the same form is found at the same time, and is a failure otherwise, because gateways say it too. A 410 always counts.",
    ),
  model: jsonPath().optional(),
  version: jsonPath().optional(),
  pointer: jsonPath().optional(),
  editor: jsonPath().optional(),
  edited_at: jsonPath().optional(),
  restore: z
    .strictObject({
      method: z.enum(['PUT', 'PATCH', 'POST']).default('PUT'),
      url: z.string().min(1).optional(),
      headers: z.record(z.string(), secret()).default({}),
      body: z.json().describe('`{content}`, `{version}` and `{key}` are filled in.'),
      if_match: z
        .boolean()
        .default(false)
        .describe('The API refuses a write whose `If-Match` is not the present ETag.'),
    })
    .optional(),
});
type Config = z.output<typeof Config>;

const Target = z.strictObject({
  key: z.string().min(1).optional(),
  url: z.string().min(1).optional(),
  content: jsonPath().optional(),
});
type Target = z.output<typeof Target>;

export const httpJson = sourcePlugin({
  type: 'http-json',
  summary: 'Any JSON API: one document, a list with pages, or one address for each prompt.',
  config: Config,
  target: Target,
  example: {
    config: {
      url: 'https://config.example.com/prompts/{key}',
      headers: { authorization: 'Bearer env:CONFIG_TOKEN' },
      content: 'prompt.text',
      version: 'revision',
      editor: 'updated_by.name',
      edited_at: 'updated_at',
      restore: { method: 'PUT', body: { prompt: { text: '{content}' } }, if_match: true },
    },
    targets: [{ key: 'intent-classifier' }],
  },
  create: (config, context): Source<Target> => ({
    live: livePower(config, context),
    // Only a list says what there is.
    ...(config.items === undefined || config.url.includes('{key}')
      ? {}
      : { discover: { discover: (signal) => discover(config, context, signal) } }),
    ...(config.restore === undefined
      ? {}
      : {
          restore: {
            form: 'write' as const,
            comparesAndSets: config.restore.if_match,
            restore: (target, request, signal) => restore(config, context, target, request, signal),
          },
        }),
  }),
});

function livePower(config: Config, context: SourceContext): LivePower<Target> {
  const lastFound = new Map<string, string>();
  return {
    read: (targets, known, signal) => {
      const reader: AddressReader<Target> = {
        addressOf: (target) => addressOf(config, target),
        routeOf: (target) => routeOf(config, target),
        read: (address, group) => readGroup(config, context, address, group, known, signal),
        isThere: async (address) => {
          const answer = await readDocument(config, context, address, null, signal);
          return answer !== 'gone' && answer !== 'not_found';
        },
      };
      return readAddresses(reader, targets, lastFound, signal);
    },
  };
}

/** An address up to where the key is in it, or up to the last slash. */
function routeOf(config: Config, target: SourceTarget<Target>): string {
  const address = target.config.url ?? config.url;
  const key = address.indexOf('{key}');
  return key === -1 ? address.replace(/[?#].*$/, '').replace(/[^/]*$/, '') : address.slice(0, key);
}

/** The address that answers for a target; targets with one address share one request. */
function addressOf(config: Config, target: SourceTarget<Target>): string {
  return fillKey(target.config.url ?? config.url, target);
}

function fillKey(template: string, target: SourceTarget<Target>): string {
  return template.replaceAll('{key}', encodeURIComponent(target.config.key ?? target.prompt));
}

/** Null: not found, which may mean anything. */
async function readGroup(
  config: Config,
  context: SourceContext,
  address: string,
  group: readonly SourceTarget<Target>[],
  known: ReadonlyMap<string, string>,
  signal: AbortSignal,
): Promise<readonly Reading[] | null> {
  const answer = await readDocument(config, context, address, commonCursor(group, known), signal);
  if (answer === 'unchanged') return group.map(({ id }) => ({ outcome: 'unchanged', target: id }));
  if (answer === 'not_found') return null;
  return group.map((target) => {
    if (answer === 'gone')
      return { outcome: 'missing', target: target.id, reason: `${hostOf(address)} says that it is gone.` };
    const reading = readingOf(config, target, answer);
    return reading.outcome === 'held' && answer.etag !== null ? { ...reading, cursor: answer.etag } : reading;
  });
}

/** The ETag that all targets of one address were last seen with; null when they differ or one is new. */
function commonCursor(group: readonly SourceTarget<Target>[], known: ReadonlyMap<string, string>): string | null {
  const cursors = new Set(group.map((target) => known.get(target.id) ?? null));
  const [only = null] = cursors;
  return cursors.size === 1 ? only : null;
}

interface Document {
  /** The whole answer; null when it is a list. */
  readonly value: unknown;
  /** All items of all pages; null when the answer is no list. */
  readonly items: ReadonlyMap<string, unknown> | null;
  readonly etag: string | null;
}

/** The prompt is gone, or nothing was found, which may be for other reasons. */
type Absence = 'gone' | 'not_found';

const GONE = 410;

function absence({ absent }: Config, address: string, { status, value }: { status: number; value: unknown }): Absence {
  if (status === GONE) return 'gone';
  if (absent === undefined) return 'not_found';
  if (valueAt(value, parseJsonPath(absent.at)) === absent.is) return 'gone';
  throw new Fault(
    'permanent',
    `${hostOf(address)} answered 404 without ${String(absent.is)} at ${absent.at} (${wordsOf(value)}).`,
    {
      hint: 'A gateway that has lost its way answers like that, and a wrong address.',
    },
  );
}

async function readDocument(
  config: Config,
  context: SourceContext,
  address: string,
  cursor: string | null,
  signal: AbortSignal,
): Promise<Document | Absence | 'unchanged'> {
  const items: unknown[] = [];
  const guard = new PageGuard(hostOf(address));
  let url: string | null =
    config.next !== undefined && 'page' in config.next
      ? withQuery(address, config.next.page, String(config.next.first))
      : address;
  for (let page = 0; url !== null; page += 1) {
    guard.visit(url);
    const answer = await askJson(context.fetch, url, {
      method: config.method,
      absentStatus: GONE,
      headers: { ...config.headers, ...(cursor === null ? {} : { 'if-none-match': cursor }) },
      ...(config.method === 'POST' ? { body: config.body ?? {} } : {}),
      signal,
    });
    if (answer.outcome === 'unchanged') return 'unchanged';
    if (answer.outcome === 'conflict') throw new Fault('transient', `${hostOf(address)} answered with a conflict.`);
    if (answer.outcome === 'absent') {
      // A list that is not there is a wrong address; only an item can be missing.
      if (config.items !== undefined)
        throw new Fault('permanent', `${hostOf(address)} has no such list: ${wordsOf(answer.value)}`);
      return absence(config, address, answer);
    }
    if (config.items === undefined) return { value: answer.value, items: null, etag: answer.headers.get('etag') };
    const list = valueAt(answer.value, parseJsonPath(config.items));
    if (!Array.isArray(list))
      throw new Fault('transient', `${hostOf(address)} answered without a list at ${config.items}.`);
    items.push(...(list as unknown[]));
    url = nextPage(config, address, url, answer.value, list.length, page);
    // The ETag of a first page says nothing about the others.
    if (url === null && page === 0)
      return { value: null, items: byId(config, items), etag: answer.headers.get('etag') };
  }
  return { value: null, items: byId(config, items), etag: null };
}

function nextPage(
  config: Config,
  address: string,
  url: string,
  answer: unknown,
  found: number,
  page: number,
): string | null {
  const { next } = config;
  if (next === undefined) return null;
  if ('page' in next) return found === 0 ? null : withQuery(address, next.page, String(next.first + page + 1));
  const value = valueAt(answer, parseJsonPath('link' in next ? next.link : next.from));
  if (value === undefined || value === null || value === '') return null;
  if (typeof value !== 'string' && typeof value !== 'number') {
    throw new Fault('transient', `${hostOf(address)} answered with a next page that is neither text nor number.`);
  }
  if ('cursor' in next) return withQuery(address, next.cursor, String(value));
  const link = new URL(String(value), url);
  if (link.origin === new URL(address).origin) return link.href;
  throw new Fault(
    'permanent',
    `${hostOf(address)} names a next page at ${link.origin}, where credentials are not sent.`,
  );
}

function withQuery(address: string, name: string, value: string): string {
  const url = new URL(address);
  url.searchParams.set(name, value);
  return url.href;
}

function readingOf(config: Config, target: SourceTarget<Target>, document: Document): Reading {
  const item = document.items === null ? document.value : document.items.get(target.config.key ?? target.prompt);
  if (item === undefined) {
    return {
      outcome: 'missing',
      target: target.id,
      reason: `The list has no item with ${config.id} "${target.config.key ?? target.prompt}".`,
    };
  }
  const path = parseJsonPath(target.config.content ?? config.content);
  const found = valueAt(item, path);
  const body = bodyFrom(found);
  if (body !== null) return { outcome: 'held', target: target.id, contents: [contentOf(config, item, body)] };
  // In a document of several prompts a field that is gone is a prompt that is gone. Where the field
  // is all there should be, an error message that came with status 200 looks just the same.
  const isGone = found === undefined && path.length > 1 && keysAt(item, path) !== null;
  const where = target.config.content ?? config.content;
  if (isGone) return { outcome: 'missing', target: target.id, reason: `The answer has no ${where}.` };
  return {
    outcome: 'unreachable',
    target: target.id,
    reason: `The answer has neither a text nor messages at ${where}.`,
  };
}

/** By id, because thousands of targets may look into one list. The first of two with one id counts. */
function byId(config: Config, items: readonly unknown[]): ReadonlyMap<string, unknown> {
  const path = parseJsonPath(config.id);
  return new Map(items.toReversed().map((item) => [text(valueAt(item, path)) ?? '', item]));
}

async function* discover(
  config: Config,
  context: SourceContext,
  signal: AbortSignal,
): ReturnType<DiscoverPower['discover']> {
  const document = await readDocument(config, context, config.url, null, signal);
  const items = typeof document === 'string' ? null : document.items;
  for (const key of items?.keys() ?? []) {
    if (key === '' || typeof document === 'string') continue;
    const reading = readingOf(config, { id: key, prompt: key, config: { key } }, document);
    if (reading.outcome === 'held') yield { name: key, target: { key }, content: reading.contents[0] };
  }
}

function contentOf(config: Config, item: unknown, body: LiveContent['body']): LiveContent {
  const at = (path: string | undefined): unknown =>
    path === undefined ? undefined : valueAt(item, parseJsonPath(path));
  const version = text(at(config.version));
  const editor = text(at(config.editor));
  const pointer = text(at(config.pointer));
  const model = text(at(config.model));
  return {
    body,
    ...(version === null ? {} : { version }),
    ...(editor === null ? {} : { editedBy: editor }),
    ...(pointer === null ? {} : { pointer: { name: config.pointer ?? '', value: pointer } }),
    ...(model === null ? {} : { settings: { model } }),
    ...editedAt(at(config.edited_at)),
  };
}

function text(value: unknown): string | null {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : null;
}

async function restore(
  config: Config,
  context: SourceContext,
  target: SourceTarget<Target>,
  request: RestoreRequest,
  signal: AbortSignal,
): Promise<Reading> {
  if (config.restore === undefined) throw new Fault('config', `${context.name} has no restore section.`);
  const document = await readDocument(config, context, addressOf(config, target), null, signal);
  const now = typeof document === 'string' ? null : readingOf(config, target, document);
  refuseIfChanged(target.id, now?.outcome === 'held' ? now.contents[0] : null, request.expect);
  const etag = typeof document === 'string' ? null : document.etag;
  const { method, url = config.url, headers, body, if_match: ifMatch } = config.restore;
  if (ifMatch && now !== null && etag === null) {
    throw new Fault('permanent', `${hostOf(config.url)} gives no ETag to compare with.`, {
      hint: 'Nothing was written. Set if_match to false if that is all right.',
    });
  }
  const answer = await askJson(context.fetch, fillKey(target.config.url ?? url, target), {
    method,
    headers: { ...config.headers, ...headers, ...(ifMatch && etag !== null ? { 'if-match': etag } : {}) },
    body: fillBody(body, target, request),
    signal,
  });
  if (answer.outcome === 'conflict') throw changedMeanwhile(target.id);
  if (answer.outcome === 'absent')
    throw new Fault('permanent', `${hostOf(config.url)} has nothing to write to: ${wordsOf(answer.value)}`);
  const after = await readGroup(config, context, addressOf(config, target), [target], new Map(), signal);
  return (
    after?.[0] ?? { outcome: 'unreachable', target: target.id, reason: 'It was written, and could not be read back.' }
  );
}

/** The body of the write: a lone `{content}` becomes the text or the messages, inside a text it becomes text. */
function fillBody(template: Json, target: SourceTarget<Target>, request: RestoreRequest): unknown {
  if (template === '{content}') return bodyValue(request.body);
  if (typeof template === 'string') {
    return template
      .replaceAll('{key}', () => target.config.key ?? target.prompt)
      .replaceAll('{version}', () => request.version)
      .replaceAll('{content}', () => singleText(request.body, target.id));
  }
  if (Array.isArray(template)) return template.map((item: Json) => fillBody(item, target, request));
  if (typeof template !== 'object' || template === null) return template;
  return Object.fromEntries(Object.entries(template).map(([key, value]) => [key, fillBody(value, target, request)]));
}
