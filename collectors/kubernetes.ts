/** Prompts in keys of ConfigMaps and Secrets, whole or a field of the YAML or JSON in a key. */

import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { z } from 'zod';
import { Fault, isFault } from '../src/contract/fault.ts';
import { sourcePlugin } from '../src/contract/source-plugin.ts';
import type {
  LiveContent,
  Reading,
  RestoreRequest,
  Source,
  SourceContext,
  SourceTarget,
} from '../src/contract/source.ts';
import { Api } from './lib/api.ts';
import { baseUrl } from './lib/base-url.ts';
import { followNames } from './lib/kubernetes-watch.ts';
import { jsonPath } from './lib/json-path-field.ts';
import { allPages } from './lib/pages.ts';
import { proposeTexts, type FoundText } from './lib/proposals.ts';
import { readGroups } from './lib/read-each.ts';
import { rewrite } from './lib/rewrite.ts';
import { changedMeanwhile } from './lib/same-content.ts';
import { secret } from './lib/secret.ts';
import { readingOfText, textWith } from './lib/structured-text.ts';
import { editedAt } from './lib/time-from.ts';

const Config = z.strictObject({
  base_url: baseUrl('https://kubernetes.default.svc').describe(
    'The API server. Its authority goes into NODE_EXTRA_CA_CERTS when it is not a public one.',
  ),
  token: secret().optional(),
  token_file: z
    .string()
    .min(1)
    .optional()
    .describe("Read again at every poll, because a pod's token is replaced every hour."),
  namespace: z.string().min(1).default('default'),
  discover: z
    .string()
    .min(1)
    .optional()
    .describe('For `discover`: a label selector for the ConfigMaps and Secrets with prompts, e.g. `app=assistant`.'),
});
type Config = z.output<typeof Config>;

const Target = z.strictObject({
  kind: z.enum(['configmap', 'secret']).default('configmap'),
  namespace: z.string().min(1).optional(),
  name: z.string().min(1),
  key: z.string().min(1),
  field: jsonPath().optional().describe('Where in the YAML or JSON of the key the prompt is. Absent: all of it.'),
});
type Target = z.output<typeof Target>;

const ManagedFields = z.object({
  manager: z.string().nullish(),
  time: z.string().nullish(),
  fieldsV1: z.record(z.string(), z.unknown()).nullish(),
});
const ConfigObject = z.looseObject({
  metadata: z.looseObject({
    name: z.string(),
    resourceVersion: z.string(),
    managedFields: z.array(ManagedFields).nullish(),
  }),
  data: z.record(z.string(), z.string()).nullish(),
});
type ConfigObject = z.output<typeof ConfigObject>;
/** The API server's own 404: whoever may read a single object by name may not list others. */
const NotFound = z.object({ kind: z.literal('Status'), reason: z.literal('NotFound') });

const List = z.object({
  metadata: z.object({ continue: z.string().nullish() }),
  items: z.array(ConfigObject.extend({ type: z.string().nullish() })),
});
type ListItem = z.output<typeof List>['items'][number];

const COLLECTIONS = { configmap: 'configmaps', secret: 'secrets' } as const;
const PAGE_SIZE = 100;
// What lies in more namespaces than this is polled only.
const WATCHES_MAX = 16;

export const kubernetes = sourcePlugin({
  type: 'kubernetes',
  summary: 'A key of a ConfigMap or Secret, or a field in it.',
  config: Config,
  target: Target,
  example: {
    config: {
      token_file: '/var/run/secrets/kubernetes.io/serviceaccount/token',
      namespace: 'checkout',
      discover: 'app.kubernetes.io/component=prompts',
    },
    targets: [
      { name: 'prompts', key: 'intent.txt' },
      { kind: 'secret', name: 'assistant', key: 'config.yaml', field: 'prompt.system' },
    ],
  },
  create: (config, { follow, ...context }): Source<Target> => ({
    ...(follow === undefined
      ? {}
      : {
          watch: {
            watch: (targets, changed, signal) => watch(config, { ...context, follow }, targets, changed, signal),
          },
        }),
    ...(config.discover === undefined
      ? {}
      : { discover: proposeTexts((signal) => findTexts(config, config.discover ?? '', context, signal)) }),
    live: {
      read: async function* (targets, _known, signal) {
        const api = await connect(config, context);
        const groups = [...Map.groupBy(targets, (target) => pathOf(config, target)).values()];
        yield* readGroups<Target, readonly SourceTarget<Target>[]>(groups, signal, (group) =>
          readGroup(api, config, group, signal),
        );
      },
    },
    restore: {
      form: 'write',
      comparesAndSets: true,
      restore: async (target, request, signal) => {
        const api = await connect(config, context);
        let object: ConfigObject | null = null;
        const read = async (): Promise<Reading> => {
          object = await api.find(ConfigObject, pathOf(config, target), { signal });
          return readingOf(object, target);
        };
        return rewrite(target.id, request, read, () => write(api, config, object, target, request, signal));
      },
    },
  }),
});

async function connect(config: Config, context: SourceContext): Promise<Api> {
  return new Api(context.fetch, config.base_url, await credentials(config, context), { says: NotFound });
}

async function credentials(config: Config, context: SourceContext): Promise<Readonly<Record<string, string>>> {
  const { token_file: file } = config;
  const token = file === undefined ? config.token : await readToken(resolve(context.baseDirectory, file));
  return token === undefined ? {} : { authorization: `Bearer ${token}` };
}

/** One connection for each collection, which tells the names of what changed in it. Without the right to watch, polling has to do. */
async function watch(
  config: Config,
  context: SourceContext & Required<Pick<SourceContext, 'follow'>>,
  targets: readonly SourceTarget<Target>[],
  changed: (target: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const headers = (): Promise<Readonly<Record<string, string>>> => credentials(config, context);
  const collections = Map.groupBy(targets, ({ config: { kind, namespace } }) =>
    collectionPath(namespace ?? config.namespace, kind),
  );
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  try {
    await Promise.all(
      [...collections].slice(0, WATCHES_MAX).map(([path, inside]) => {
        const url = config.base_url.replace(/\/+$/, '') + path;
        const onChange = (name: string | null): void => {
          for (const { id, config: target } of inside) if (name === null || target.name === name) changed(id);
        };
        return followNames({ url, headers, follow: context.follow }, onChange, both);
      }),
    );
  } finally {
    // One that failed takes the others with it: they start again together.
    stop.abort(new Fault('transient', 'The watch ended.'));
  }
}

async function readToken(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (cause) {
    throw new Fault('transient', `The token file ${path} can't be read.`, {
      hint: 'Is the service account mounted?',
      cause,
    });
  }
}

function pathOf(config: Config, { config: { kind, namespace, name } }: SourceTarget<Target>): string {
  return `${collectionPath(namespace ?? config.namespace, kind)}/${encodeURIComponent(name)}`;
}

function collectionPath(namespace: string, kind: Target['kind']): string {
  return `/api/v1/namespaces/${encodeURIComponent(namespace)}/${COLLECTIONS[kind]}`;
}

async function* findTexts(
  config: Config,
  labelSelector: string,
  context: SourceContext,
  signal: AbortSignal,
): AsyncIterable<FoundText<Target>> {
  const api = await connect(config, context);
  yield* textsOf(api, config, labelSelector, 'configmap', signal);
  try {
    yield* textsOf(api, config, labelSelector, 'secret', signal);
  } catch (error) {
    // Many may list ConfigMaps only, and rightly so.
    if (!isFault(error) || error.kind !== 'permanent') throw error;
  }
}

async function* textsOf(
  api: Api,
  config: Config,
  labelSelector: string,
  kind: Target['kind'],
  signal: AbortSignal,
): AsyncIterable<FoundText<Target>> {
  const objects = allPages<ListItem>(api.host, async (next) => {
    const query = { labelSelector, limit: PAGE_SIZE, ...(next === null ? {} : { continue: next }) };
    const page = await api.get(List, collectionPath(config.namespace, kind), { query, signal });
    return { items: page.items, next: page.metadata.continue };
  });
  for await (const object of objects) {
    // Tokens, certificates and releases of Helm have types of their own.
    if (kind === 'secret' && object.type !== 'Opaque') continue;
    const { name } = object.metadata;
    for (const key of Object.keys(object.data ?? {})) {
      const target = { kind, name, key };
      yield { path: `${name}/${key}`, target, text: textOf(object, target), more: versionOf(object, key) };
    }
  }
}

async function readGroup(
  api: Api,
  config: Config,
  group: readonly SourceTarget<Target>[],
  signal: AbortSignal,
): Promise<readonly Reading[]> {
  const [first] = group;
  if (first === undefined) return [];
  const object = await api.find(ConfigObject, pathOf(config, first), { signal });
  return group.map((target) => readingOf(object, target));
}

function readingOf(object: ConfigObject | null, target: SourceTarget<Target>): Reading {
  const { kind, name, key, field } = target.config;
  if (object === null) return { outcome: 'missing', target: target.id, reason: `There is no ${kind} ${name}.` };
  const text = textOf(object, target.config);
  if (text === null) return { outcome: 'missing', target: target.id, reason: `${name} has no key ${key}.` };
  return readingOfText(target.id, `${key} of ${name}`, text, field, versionOf(object, key));
}

function versionOf(object: ConfigObject, key: string): Omit<LiveContent, 'body'> {
  return { version: object.metadata.resourceVersion, ...lastWrite(object, key) };
}

function textOf({ data }: ConfigObject, { kind, key }: Pick<Target, 'kind' | 'key'>): string | null {
  const value = data?.[key];
  if (value === undefined) return null;
  return kind === 'secret' ? Buffer.from(value, 'base64').toString('utf8') : value;
}

/** Which program wrote the key last (kubectl-edit, helm, …): the API does not know people. */
function lastWrite({ metadata }: ConfigObject, key: string): Pick<LiveContent, 'editedBy' | 'editedAt'> {
  const writes = (metadata.managedFields ?? []).filter(({ fieldsV1 }) => {
    const data = fieldsV1?.['f:data'];
    return typeof data === 'object' && data !== null && `f:${key}` in data;
  });
  const last = writes.reduce<(typeof writes)[number] | null>(
    (a, b) => (a === null || (a.time ?? '') < (b.time ?? '') ? b : a),
    null,
  );
  if (last === null) return {};
  return { ...(typeof last.manager === 'string' ? { editedBy: last.manager } : {}), ...editedAt(last.time) };
}

async function write(
  api: Api,
  config: Config,
  object: ConfigObject | null,
  target: SourceTarget<Target>,
  request: RestoreRequest,
  signal: AbortSignal,
): Promise<void> {
  const { kind, name, key, field } = target.config;
  if (object === null)
    throw new Fault('permanent', `There is no ${kind} ${name} to write to.`, { hint: 'Create it first.' });
  const text = textWith(`${key} of ${name}`, textOf(object, target.config), field, request.body);
  const value = kind === 'secret' ? Buffer.from(text).toString('base64') : text;
  // The resource version in the object makes the server refuse it over a newer one.
  const body = { ...object, data: { ...object.data, [key]: value } };
  const answer = await api.ask(z.unknown(), pathOf(config, target), { method: 'PUT', body, signal });
  if (answer.outcome === 'conflict') throw changedMeanwhile(target.id);
  if (answer.outcome === 'absent') throw new Fault('permanent', `${name} was deleted meanwhile.`);
}
