/** A first configuration for somebody who has a key of a prompt registry and nothing else. Pure. */

import { Fault } from '../contract/fault.ts';
import type { AnySourcePlugin } from '../contract/source.ts';

export interface StarterOptions {
  readonly plugin: AnySourcePlugin;
  readonly variables: Readonly<Record<string, string | undefined>>;
}

/** `env:NAME`, as the plugin's example refers to its keys. */
const REFERENCE = /^env:(\w+)$/;

/**
 * The text of `plumbline.yaml`: the source is the registry, and what it serves is watched. Throws a
 * `Fault` that names the variables which are not set.
 */
export function starterConfiguration({ plugin, variables }: StarterOptions): string {
  const { type } = plugin;
  const references = referencesOf(plugin, variables);
  const given = Object.entries(references).filter(([, name]) => isSet(variables[name]));
  const parsed = plugin.config.safeParse(Object.fromEntries(given.map(([key, name]) => [key, variables[name]])));
  if (!parsed.success) {
    const fields = parsed.error.issues.map((issue) => issue.path.join('.') || issue.message);
    throw isKeyed(fields, references)
      ? notSet(fields.map((field) => references[field] ?? field))
      : new Fault('config', `A source of the type ${type} needs more than keys: ${fields.join(', ')}.`, {
          hint: 'docs/sources.md has its configuration. Write it with `plumbline init`, then run `plumbline discover`.',
        });
  }
  return text(
    type,
    given.map(([key, name]) => `${key}: env:${name}`),
  );
}

function isKeyed(fields: readonly string[], references: Readonly<Record<string, string>>): boolean {
  return fields.every((field) => references[field] !== undefined);
}

function notSet(names: readonly string[]): Fault {
  const [are, them] = names.length === 1 ? ['is', 'it'] : ['are', 'them'];
  return new Fault('config', `${names.join(' and ')} ${are} not set.`, {
    hint: `Export ${them}, then run this again. The configuration will only refer to ${them}.`,
  });
}

/** Each key with the variable it comes from: those of the example, and the address where the environment has one. */
function referencesOf(
  plugin: AnySourcePlugin,
  variables: StarterOptions['variables'],
): Readonly<Record<string, string>> {
  const example = Object.entries(plugin.example.config as Readonly<Record<string, unknown>>);
  const keys = example.flatMap(([key, value]) => {
    const name = typeof value === 'string' ? REFERENCE.exec(value)?.[1] : undefined;
    return name === undefined ? [] : [[key, name] as const];
  });
  const vendor = plugin.type.replaceAll('-', '_').toUpperCase();
  // The names that vendors' own SDKs read.
  const names = ['BASE_URL', 'BASEURL', 'HOST', 'ENDPOINT'].map((suffix) => `${vendor}_${suffix}`);
  const address = names.find((name) => isSet(variables[name]));
  return Object.fromEntries([...(address === undefined ? [] : [['base_url', address] as const]), ...keys]);
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '';
}

function text(type: string, keys: readonly string[]): string {
  return `# Plumbline: what is registered, what is live, and who hears when they differ.
# \`plumbline doctor\` checks everything that is named here.

# What ${type} keeps as history is registered: no prompt has to be written down again.
registry:
  - source: ${type}

# Which version each environment should hold, and who is asked before another goes live:
# \`plumbline lock PROMPT@VERSION\` moves a pin. Without a pin the label of the registry counts.
lock: ./prompts.lock.yaml

# The embedded store. Or a ClickHouse server:
#   store: { url: "env:CLICKHOUSE_URL", user: plumbline, password: "env:CLICKHOUSE_PASSWORD" }
store: { path: ./data }

# The places that are watched. \`plumbline discover ${type}\` finds prompts that are new there.
sources:
  - name: ${type}
    type: ${type}
    environment: production
    every: 30s
${keys.map((key) => `    ${key}`).join('\n')}

# Where alerts go. Secrets come by reference: env:NAME or file:PATH.
channels:
  - { name: terminal, type: console }
  # - { name: oncall, type: slack, webhook_url: "env:SLACK_WEBHOOK_URL" }
`;
}
