/** Writes `docs/sources.md` from the plugins: what each can do, and the keys it has. */

import { stringify } from 'yaml';
import { z } from 'zod';
import { sourcePlugins } from '../../../collectors/index.ts';
import { listSourceTypes } from '../../../src/polling/open-sources.ts';

const OPTIONAL_POWERS = ['versions', 'restore', 'webhook', 'discover', 'watch'] as const;

interface Field {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Field[];
  readonly default?: unknown;
  readonly secret?: boolean;
  readonly description?: string;
}

interface ObjectSchema {
  readonly properties?: Readonly<Record<string, Field>>;
  readonly required?: readonly string[];
}

export function sourcesDocument(): string {
  const types = listSourceTypes(sourcePlugins);
  const table = [
    `| type | what it watches | ${OPTIONAL_POWERS.join(' | ')} |`,
    `| --- | --- | ${OPTIONAL_POWERS.map(() => '---').join(' | ')} |`,
    ...types.map(({ type, summary, powers }) => {
      const marks = OPTIONAL_POWERS.map((power) => (powers.includes(power) ? 'yes' : ''));
      return `| [${type}](#${type}) | ${summary} | ${marks.join(' | ')} |`;
    }),
  ];
  return [
    '<!-- Generated from collectors/ by tests/sources/document.test.ts; `npx vitest run tests/sources/document.test.ts --update` writes it anew. -->',
    '',
    '# Sources',
    '',
    'Every source has the keys `name`, `type`, `environment`, `every`, `timeout` and `targets`, and every target has `prompt`; `requests_per_minute` is a budget for places that count (what is over it waits). What follows are the keys of each type beside them. A secret may be written as `env:NAME` or `file:PATH`, and is never shown.',
    '',
    '*versions*: it is a registry too. *restore*: `plumbline restore` can put a version back. *webhook*: it can tell us of a change; some need a signing secret in the configuration first. *discover*: it can list what it holds. *watch*: an edit is seen at once, and polling goes on; Redis must send keyspace events, Kubernetes must let us watch, PostgreSQL needs a trigger and `listen`.',
    '',
    'A prompt is `missing` when its place says so and something else is found there at the same time with the same key: the list of a vendor, the repository, for `http-json` another address or what `absent` says. A gateway that has lost its route answers 404 as well; that is `unreachable`, and so is a deleted prompt where the key may not read the list.',
    '',
    'Where a type has a key `discover`, it says where `plumbline discover` looks: below a path, a prefix, a pattern, a label selector. Without it nothing is looked through.',
    '',
    "**AWS.** Without `access_key_id` the credentials come from where every AWS program has them, by AWS's own library: environment, shared files (`profile` names another), web identity (IRSA), container (ECS, EKS Pod Identity) or instance. `role_arn` is taken on with them. They are renewed before they end and when the service refuses them.",
    '',
    ...table,
    '',
    ...sourcePlugins.flatMap((plugin) => section(plugin)),
  ].join('\n');
}

function section(plugin: (typeof sourcePlugins)[number]): readonly string[] {
  const { config, targets } = plugin.example;
  const entries = targets.map((target, index) => ({ prompt: `prompt-${index + 1}`, ...(target as object) }));
  const example = {
    name: 'example',
    type: plugin.type,
    environment: 'production',
    ...(config as object),
    targets: entries,
  };
  return [
    `## ${plugin.type}`,
    '',
    plugin.summary,
    '',
    '```yaml',
    stringify({ sources: [example] }, { lineWidth: 0 }).trimEnd(),
    '```',
    '',
    ...fields('Source', plugin.config),
    ...fields('Target', plugin.target),
  ];
}

function fields(title: string, schema: z.ZodType): readonly string[] {
  const { properties = {}, required = [] } = z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
  }) as ObjectSchema;
  const names = Object.keys(properties);
  if (names.length === 0) return [];
  const rows = names.map((name) => {
    const field = properties[name] ?? {};
    const usual = field.default === undefined ? '' : `\`${JSON.stringify(field.default)}\``;
    const kind = field.secret === true ? 'secret' : kindOf(field);
    const what = field.description?.replaceAll('|', '\\|') ?? '';
    return `| \`${name}\` | ${kind} | ${required.includes(name) ? 'yes' : ''} | ${usual} | ${what} |`;
  });
  return [`| ${title} key | kind | required | default | what it is |`, '| --- | --- | --- | --- | --- |', ...rows, ''];
}

function kindOf(field: Field): string {
  if (field.enum !== undefined) return field.enum.map((value) => `\`${String(value)}\``).join(', ');
  if (field.anyOf !== undefined) return 'one of several';
  return field.type ?? 'any';
}
