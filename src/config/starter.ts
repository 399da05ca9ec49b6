/** A first configuration for somebody who has a key and nothing else. Pure. */

import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { Fault } from '../contract/fault.ts';
import type { AnySourcePlugin } from '../contract/source.ts';
import { closest } from '../lib/closest.ts';

export interface StarterOptions {
  readonly plugin: AnySourcePlugin;
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** `key=value`, for what is no secret. */
  readonly given: readonly string[];
  /** The folder of the registry, for a source that keeps no history of its own; else null. */
  readonly folder: string | null;
}

/** `env:NAME`, as the plugin's example refers to its keys. */
const REFERENCE = /^env:(\w+)$/;
/** What a secret may be written as. */
const SECRET_REFERENCE = /^(env:\w+|file:.+)$/;

/** A key of the source: what is written, and what it stands for. */
interface Setting {
  readonly key: string;
  readonly written: unknown;
  readonly value: unknown;
}

/**
 * The text of `plumbline.yaml`: the source is the registry, or what it holds is registered in a
 * folder, and what it serves is watched. Throws a `Fault` that says what is missing, and how it is given.
 */
export function starterConfiguration({ plugin, variables, given, folder }: StarterOptions): string {
  const fields = fieldsOf(plugin);
  const written = given.map((pair) => settingOf(pair, plugin.type, fields, variables));
  const references = Object.entries(referencesOf(plugin, fields, variables));
  const found = references.flatMap(([key, name]): readonly Setting[] =>
    isSet(variables[name]) ? [{ key, written: `env:${name}`, value: variables[name] }] : [],
  );
  const settings = new Map([...found, ...written].map((setting) => [setting.key, setting]));
  const values = Object.fromEntries([...settings.values()].map(({ key, value }) => [key, value]));
  const issues = plugin.config.safeParse(values).error?.issues ?? [];
  // What lies in a file is read later.
  const wrong = issues.filter(({ path }) => !String(settings.get(String(path[0]))?.written).startsWith('file:'));
  if (wrong.length > 0) throw refusal(plugin, Object.fromEntries(references), values, wrong);
  return text(plugin.type, [...settings.values()], folder);
}

type Fields = Readonly<Record<string, { readonly secret?: boolean; readonly type?: string }>>;

function fieldsOf({ config }: AnySourcePlugin): Fields {
  const schema = z.toJSONSchema(config, { io: 'input', unrepresentable: 'any' }) as { readonly properties?: Fields };
  return schema.properties ?? {};
}

/** Throws a `Fault` for what is no key of the source, and for a secret that would be written down. */
function settingOf(pair: string, type: string, fields: Fields, variables: StarterOptions['variables']): Setting {
  const at = pair.indexOf('=');
  const key = pair.slice(0, Math.max(at, 0));
  const field = fields[key];
  if (at < 1) throw new Fault('config', `--set ${pair} says no value.`, { hint: 'It takes KEY=VALUE.' });
  if (field === undefined) {
    const similar = closest(key, Object.keys(fields));
    const keys = Object.keys(fields).join(', ');
    throw new Fault('config', `--set ${key}: a source of the type ${type} has no such key.`, {
      hint: similar === null ? `It has ${keys}.` : `Did you mean ${similar}?`,
    });
  }
  const value = pair.slice(at + 1);
  if (field.secret === true && !SECRET_REFERENCE.test(value)) {
    throw new Fault('config', `--set ${key}: a secret is not written into the configuration.`, {
      hint: `Refer to it: --set ${key}=env:NAME or --set ${key}=file:PATH.`,
    });
  }
  const name = REFERENCE.exec(value)?.[1];
  if (name !== undefined) return { key, written: value, value: variables[name] };
  const read = field.type === 'string' ? value : (parse(value) as unknown);
  return { key, written: read, value: read };
}

function refusal(
  plugin: AnySourcePlugin,
  references: Readonly<Record<string, string>>,
  values: Readonly<Record<string, unknown>>,
  issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[],
): Fault {
  const keys = [...new Set(issues.map(({ path, message }) => String(path[0] ?? message)))];
  const told = issues.find(({ path }) => path[0] === undefined || values[String(path[0])] !== undefined);
  if (told !== undefined) {
    const field = told.path.length === 0 ? '' : `${told.path.map(String).join('.')} `;
    return new Fault('config', `${field}of a source of the type ${plugin.type}: ${told.message}.`);
  }
  const names = keys.flatMap((key) => references[key] ?? []);
  if (names.length === keys.length) {
    const [are, them] = names.length === 1 ? ['is', 'it'] : ['are', 'them'];
    return new Fault('config', `${names.join(' and ')} ${are} not set.`, {
      hint: `Export ${them}, then run this again. The configuration will only refer to ${them}.`,
    });
  }
  const open = keys.filter((key) => references[key] === undefined);
  const example = plugin.example.config as Readonly<Record<string, unknown>>;
  return new Fault('config', `A source of the type ${plugin.type} needs ${open.join(' and ')}.`, {
    hint: `Say it: ${open.map((key) => onCommandLine(key, example[key])).join(' ')}. docs/sources.md has all keys.`,
  });
}

/** As it is written on a command line. */
function onCommandLine(key: string, value: unknown): string {
  const shown = value === undefined ? 'VALUE' : typeof value === 'string' ? value : JSON.stringify(value);
  return /^[\w./:@-]+$/.test(shown) ? `--set ${key}=${shown}` : `--set ${key}='${shown}'`;
}

/**
 * Each key with the variable it comes from: those of the example, the address where the environment
 * has one under the names that vendors' own SDKs read, and `VENDOR_KEY` where that is set.
 */
function referencesOf(
  plugin: AnySourcePlugin,
  fields: Fields,
  variables: StarterOptions['variables'],
): Readonly<Record<string, string>> {
  const vendor = plugin.type.replaceAll('-', '_').toUpperCase();
  const own = Object.keys(fields).flatMap((key) => {
    const name = `${vendor}_${key.toUpperCase()}`;
    return fields[key]?.type === 'string' && isSet(variables[name]) ? [[key, name] as const] : [];
  });
  const example = Object.entries(plugin.example.config as Readonly<Record<string, unknown>>).flatMap(([key, value]) => {
    const name = typeof value === 'string' ? REFERENCE.exec(value)?.[1] : undefined;
    return name === undefined ? [] : [[key, name] as const];
  });
  const names = ['BASE_URL', 'BASEURL', 'HOST', 'ENDPOINT'].map((suffix) => `${vendor}_${suffix}`);
  const address = fields['base_url'] === undefined ? undefined : names.find((name) => isSet(variables[name]));
  return Object.fromEntries([
    ...(address === undefined ? [] : [['base_url', address] as const]),
    ...own.filter(([key]) => key !== 'base_url'),
    ...example,
  ]);
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '';
}

function text(type: string, settings: readonly Setting[], folder: string | null): string {
  const keys = settings.map(({ key, written }) => stringify({ [key]: written }, { lineWidth: 0 }).trimEnd());
  return `# Plumbline: what is registered, what is live, and who hears when they differ.
# \`plumbline doctor\` checks everything that is named here.

${registryText(type, folder)}

# Which version each environment should hold, and who is asked before another goes live:
# \`plumbline lock PROMPT@VERSION\` moves a pin.${folder === null ? ' Without a pin the label of the registry counts.' : ''}
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
${keys.map((lines) => lines.replaceAll(/^/gm, '    ')).join('\n')}

# Where alerts go. Secrets come by reference: env:NAME or file:PATH.
channels:
  - { name: terminal, type: console }
  # - { name: oncall, type: slack, webhook_url: "env:SLACK_WEBHOOK_URL" }
  # - { name: pager, type: pagerduty, routing_key: "env:PAGERDUTY_ROUTING_KEY" }
`;
}

function registryText(type: string, folder: string | null): string {
  if (folder === null)
    return `# What ${type} keeps as history is registered: no prompt has to be written down again.
registry:
  - source: ${type}`;
  return `# Where registered versions come from: YAML files below this folder; with their Git history where
# the folder is in a repository. ${type} keeps no history of its own.
registry:
  - files: ${folder}`;
}
