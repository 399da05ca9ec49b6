/** Prompts in keys of ConfigMaps and Secrets, whole or a field of the YAML or JSON in a key. */

import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { z } from 'zod';
import { Fault } from '../src/contract/fault.ts';
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
import { jsonPath } from './lib/json-path-field.ts';
import { readGroups } from './lib/read-each.ts';
import { rewrite } from './lib/rewrite.ts';
import { changedMeanwhile } from './lib/same-content.ts';
import { secret } from './lib/secret.ts';
import { readingOfText, textWith } from './lib/structured-text.ts';
import { editedAt } from './lib/time-from.ts';

const Config = z.strictObject({
  /** The API server. Its authority goes into NODE_EXTRA_CA_CERTS when it is not a public one. */
  base_url: baseUrl('https://kubernetes.default.svc'),
  token: secret().optional(),
  /** Read again at every poll, because a pod's token is replaced every hour. */
  token_file: z.string().min(1).optional(),
  namespace: z.string().min(1).default('default'),
});
type Config = z.output<typeof Config>;

const Target = z.strictObject({
  kind: z.enum(['configmap', 'secret']).default('configmap'),
  namespace: z.string().min(1).optional(),
  name: z.string().min(1),
  key: z.string().min(1),
  /** Where in the YAML or JSON of the key the prompt is. Absent: all of it. */
  field: jsonPath().optional(),
});
type Target = z.output<typeof Target>;

const ManagedFields = z.object({
  manager: z.string().nullish(),
  time: z.string().nullish(),
  fieldsV1: z.record(z.string(), z.unknown()).nullish(),
});
const ConfigObject = z.looseObject({
  metadata: z.looseObject({ resourceVersion: z.string(), managedFields: z.array(ManagedFields).nullish() }),
  data: z.record(z.string(), z.string()).nullish(),
});
type ConfigObject = z.output<typeof ConfigObject>;

export const kubernetes = sourcePlugin({
  type: 'kubernetes',
  summary: 'A key of a ConfigMap or Secret, or a field in it.',
  config: Config,
  target: Target,
  example: {
    config: { token_file: '/var/run/secrets/kubernetes.io/serviceaccount/token', namespace: 'checkout' },
    targets: [
      { name: 'prompts', key: 'intent.txt' },
      { kind: 'secret', name: 'assistant', key: 'config.yaml', field: 'prompt.system' },
    ],
  },
  create: (config, context): Source<Target> => ({
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
  const { token_file: file } = config;
  const token = file === undefined ? config.token : await readToken(resolve(context.baseDirectory, file));
  return new Api(context.fetch, config.base_url, token === undefined ? {} : { authorization: `Bearer ${token}` });
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
  const collection = kind === 'secret' ? 'secrets' : 'configmaps';
  return `/api/v1/namespaces/${encodeURIComponent(namespace ?? config.namespace)}/${collection}/${encodeURIComponent(name)}`;
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
  const text = textOf(object, target);
  if (text === null) return { outcome: 'missing', target: target.id, reason: `${name} has no key ${key}.` };
  const { resourceVersion: version } = object.metadata;
  return readingOfText(target.id, `${key} of ${name}`, text, field, { version, ...lastWrite(object, key) });
}

function textOf({ data }: ConfigObject, { config: { kind, key } }: SourceTarget<Target>): string | null {
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
  const text = textWith(`${key} of ${name}`, textOf(object, target), field, request.body);
  const value = kind === 'secret' ? Buffer.from(text).toString('base64') : text;
  // The resource version in the object makes the server refuse it over a newer one.
  const body = { ...object, data: { ...object.data, [key]: value } };
  const answer = await api.ask(z.unknown(), pathOf(config, target), { method: 'PUT', body, signal });
  if (answer.outcome === 'conflict') throw changedMeanwhile(target.id);
  if (answer.outcome === 'absent') throw new Fault('permanent', `${name} was deleted meanwhile.`);
}
