/** Prompts in parameters of AWS Systems Manager, whole or a field of the JSON or YAML in one. Ten are read with one question. */

import { z } from 'zod';
import { isFault } from '../src/contract/fault.ts';
import { sourcePlugin } from '../src/contract/source-plugin.ts';
import type { LiveContent, Reading, RestoreRequest, Source, SourceTarget } from '../src/contract/source.ts';
import { Aws, awsConfig } from './lib/aws.ts';
import { jsonPath } from './lib/json-path-field.ts';
import { allPages } from './lib/pages.ts';
import { proposeTexts, type FoundText } from './lib/proposals.ts';
import { readGroups } from './lib/read-each.ts';
import { rewrite } from './lib/rewrite.ts';
import { readingOfText, textWith } from './lib/structured-text.ts';
import { editedAt } from './lib/time-from.ts';

const Config = z.strictObject({
  ...awsConfig,
  discover: z
    .string()
    .startsWith('/')
    .optional()
    .describe('For `discover`: the path below which the parameters with prompts are.'),
});

const Target = z.strictObject({
  name: z.string().min(1).describe('Name or ARN, without a version.'),
  label: z.string().min(1).optional().describe('Absent: the newest version.'),
  field: jsonPath().optional(),
});
type Target = z.output<typeof Target>;

const Parameter = z.object({
  Name: z.string(),
  ARN: z.string().nullish(),
  Type: z.string(),
  Value: z.string(),
  Version: z.int(),
  Selector: z.string().nullish(),
  LastModifiedDate: z.number().nullish(),
});
type Parameter = z.output<typeof Parameter>;
const Parameters = z.object({ Parameters: z.array(Parameter), InvalidParameters: z.array(z.string()).nullish() });
const ByPath = z.object({ Parameters: z.array(Parameter), NextToken: z.string().nullish() });
const History = z.object({
  Parameters: z.array(z.object({ Version: z.int(), LastModifiedUser: z.string().nullish() })),
  NextToken: z.string().nullish(),
});

// What GetParameters takes at once.
const NAMES_MAX = 10;

export const awsSsm = sourcePlugin({
  type: 'aws-ssm',
  summary: 'A parameter of AWS Systems Manager Parameter Store, or a field in it.',
  config: Config,
  target: Target,
  example: {
    config: {
      region: 'eu-central-1',
      discover: '/checkout/prompts',
    },
    targets: [
      { name: '/checkout/prompts/intent' },
      { name: '/checkout/config', field: 'prompt.system', label: 'live' },
    ],
  },
  create: (config, context): Source<Target> => {
    const aws = new Aws(context.fetch, config, 'ssm', 'ssm');
    const { discover } = config;
    return {
      ...(discover === undefined ? {} : { discover: proposeTexts((signal) => findTexts(aws, discover, signal)) }),
      live: {
        read: (targets, known, signal) => {
          const groups = Array.from({ length: Math.ceil(targets.length / NAMES_MAX) }, (_, index) =>
            targets.slice(index * NAMES_MAX, (index + 1) * NAMES_MAX),
          );
          return readGroups<Target, readonly SourceTarget<Target>[]>(groups, signal, (group) =>
            readGroup(aws, group, known, signal),
          );
        },
      },
      restore: {
        form: 'write',
        // PutParameter has no condition; the parameter is read right before it.
        comparesAndSets: false,
        restore: (target, request, signal) => restore(aws, target, request, signal),
      },
    };
  },
});

async function* findTexts(aws: Aws, path: string, signal: AbortSignal): AsyncIterable<FoundText<Target>> {
  const parameters = allPages<Parameter>(aws.host, async (token) => {
    const more = token === null ? {} : { NextToken: token };
    const input = { Path: path, Recursive: true, WithDecryption: true, MaxResults: NAMES_MAX, ...more };
    const answer = await aws.call(ByPath, 'AmazonSSM.GetParametersByPath', input, signal);
    if (answer.outcome === 'refused') throw aws.fault(answer);
    return { items: answer.value.Parameters, next: answer.value.NextToken };
  });
  for await (const { Name: name, Value: text, Version: version, LastModifiedDate: date } of parameters) {
    yield {
      path: name.slice(path.length),
      target: { name },
      text,
      more: { version: String(version), ...editedAt(date) },
    };
  }
}

function selectorOf({ config: { name, label } }: SourceTarget<Target>): string {
  return label === undefined ? name : `${name}:${label}`;
}

async function readGroup(
  aws: Aws,
  group: readonly SourceTarget<Target>[],
  known: ReadonlyMap<string, string>,
  signal: AbortSignal,
): Promise<readonly Reading[]> {
  const parameters = await read(aws, [...new Set(group.map(selectorOf))], signal);
  return Promise.all(
    group.map(async (target): Promise<Reading> => {
      const found = parameters.get(selectorOf(target));
      if (found === undefined)
        return { outcome: 'missing', target: target.id, reason: `There is no parameter ${selectorOf(target)}.` };
      const version = String(found.Version);
      if (known.get(target.id) === version) return { outcome: 'unchanged', target: target.id };
      const { name, label, field } = target.config;
      const reading = readingOfText(target.id, name, found.Value, field, {
        version,
        ...(label === undefined ? {} : { pointer: { name: label, value: version } }),
        ...editedAt(found.LastModifiedDate),
        ...(await editorOf(aws, found, signal)),
      });
      return reading.outcome === 'held' ? { ...reading, cursor: version } : reading;
    }),
  );
}

async function read(
  aws: Aws,
  selectors: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Parameter>> {
  const input = { Names: selectors, WithDecryption: true };
  const answer = await aws.call(Parameters, 'AmazonSSM.GetParameters', input, signal);
  if (answer.outcome === 'refused') throw aws.fault(answer);
  // An ARN that was asked for comes back as a name; a version or label as a selector beside it.
  return new Map(
    answer.value.Parameters.flatMap((parameter) =>
      [parameter.Name, parameter.ARN ?? parameter.Name].map(
        (name) => [`${name}${parameter.Selector ?? ''}`, parameter] as const,
      ),
    ),
  );
}

/** Who wrote this version: only the history tells, and not every key may read it. */
async function editorOf(
  aws: Aws,
  { Name: name, Version: version }: Parameter,
  signal: AbortSignal,
): Promise<Pick<LiveContent, 'editedBy'>> {
  const history = allPages<z.output<typeof History>['Parameters'][number]>(aws.host, async (token) => {
    const input = { Name: name, MaxResults: 50, ...(token === null ? {} : { NextToken: token }) };
    const answer = await aws.call(History, 'AmazonSSM.GetParameterHistory', input, signal);
    if (answer.outcome === 'refused') return { items: [], next: null };
    return { items: answer.value.Parameters, next: answer.value.NextToken };
  });
  try {
    for await (const entry of history) {
      if (entry.Version === version && typeof entry.LastModifiedUser === 'string')
        return { editedBy: entry.LastModifiedUser };
    }
  } catch (error) {
    if (!isFault(error) || error.kind !== 'permanent') throw error;
  }
  return {};
}

async function restore(
  aws: Aws,
  target: SourceTarget<Target>,
  request: RestoreRequest,
  signal: AbortSignal,
): Promise<Reading> {
  const { name, label, field } = target.config;
  const readOne = async (): Promise<Reading> => {
    const [reading] = await readGroup(aws, [target], new Map(), signal);
    return reading ?? { outcome: 'unreachable', target: target.id, reason: 'It was not read.' };
  };
  return rewrite(target.id, request, readOne, async () => {
    const now = (await read(aws, [selectorOf(target)], signal)).get(selectorOf(target));
    const value = textWith(name, now?.Value ?? null, field, request.body);
    const input = { Name: name, Value: value, Type: now?.Type ?? 'String', Overwrite: now !== undefined };
    const put = await aws.call(z.object({ Version: z.int() }), 'AmazonSSM.PutParameter', input, signal);
    if (put.outcome === 'refused') throw aws.fault(put);
    if (label === undefined) return;
    const move = { Name: name, ParameterVersion: put.value.Version, Labels: [label] };
    const moved = await aws.call(z.unknown(), 'AmazonSSM.LabelParameterVersion', move, signal);
    if (moved.outcome === 'refused') throw aws.fault(moved);
  });
}
