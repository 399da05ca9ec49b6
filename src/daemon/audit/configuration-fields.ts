/** What the audit chain says of the configuration: a hash of each part, so that it shows which changed. Pure. */

import type { Configuration } from '../../config/configuration.ts';
import type { AuditFields } from '../../contract/audit.ts';
import { sha256 } from '../../lib/hash.ts';
import { canonicalJson } from '../../lib/json.ts';

/** Whose values are secrets, also where they stand in the file itself: a hash of a short one could be guessed. */
const SECRET = /(secret|token|password|authorization|webhook_url|(^|_)key$)/i;

/** `before`: what was said at the start before. Nothing of secrets goes into any hash. */
export function configurationFields(
  configuration: Configuration,
  release: string,
  before: AuditFields | null,
): AuditFields {
  const parts = new Map(partsOf(configuration).map(([name, part]) => [name, hashOf(part, configuration.secrets)]));
  const whole = sha256(canonicalJson([...parts]));
  return {
    plumbline: release,
    whole,
    changed: before === null ? 'not known' : changedParts(before, parts),
    ...Object.fromEntries([...parts].map(([name, hash]) => [`part ${name}`, hash])),
  };
}

function partsOf(configuration: Configuration): readonly (readonly [name: string, part: unknown])[] {
  const { sources, channels, registryDirectories, registrySources, lockFile, redisUrl, keepCallsMs } = configuration;
  const { store, content, server, routes, keys, prices } = configuration;
  return [
    ['registry', [registryDirectories, registrySources]],
    ['lock', lockFile],
    ['store', store],
    ['queue', redisUrl],
    ['content', content],
    ['retention', keepCallsMs],
    ['server', server],
    ['routes', routes],
    ['keys', keys],
    ['prices', prices],
    ...sources.map((source) => [`source ${source.name}`, source] as const),
    ...channels.map((channel) => [`channel ${channel.name}`, channel] as const),
  ];
}

function hashOf(part: unknown, secrets: readonly string[]): string {
  return sha256(canonicalJson(withoutSecrets(part, secrets) ?? null));
}

function withoutSecrets(node: unknown, secrets: readonly string[]): unknown {
  if (typeof node === 'string') {
    const open = secrets.reduce((text, secret) => text.replaceAll(secret, '[secret]'), node);
    return open.replace(/\/\/[^/@\s]*@/, '//');
  }
  if (Array.isArray(node)) return node.map((item) => withoutSecrets(item, secrets));
  if (node === null || typeof node !== 'object') return node;
  return Object.fromEntries(
    Object.entries(node)
      .filter(([name]) => !SECRET.test(name))
      .map(([name, nested]) => [name, withoutSecrets(nested, secrets)]),
  );
}

function changedParts(before: AuditFields, parts: ReadonlyMap<string, string>): string {
  const names = new Set([
    ...parts.keys(),
    ...Object.keys(before).flatMap((name) => (name.startsWith('part ') ? name.slice(5) : [])),
  ]);
  const changed = [...names].filter((name) => (before[`part ${name}`] ?? null) !== (parts.get(name) ?? null));
  return changed.length === 0 ? 'nothing' : changed.join(', ');
}
