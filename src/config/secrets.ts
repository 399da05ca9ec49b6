/**
 * References to secrets: `env:NAME` and `file:PATH` anywhere in the configuration are replaced by
 * what they name. The values are remembered so that nothing ever prints them.
 */

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

/** A secret file is a token or a key, not a document. */
const SECRET_BYTES_MAX = 64 * 1024;

/** `env:NAME`, `file:PATH`, or either behind the scheme of an authorization header. Not `file://`, which is an address. */
const REFERENCE = /^((?:Bearer|Basic|Token|ApiKey|Key) )?(env|file):(?!\/\/)(.+)$/s;

export interface ResolvedSecrets {
  readonly value: unknown;
  /** The secret values, for redaction. */
  readonly secrets: readonly string[];
  /** References that name nothing, each with the path of the field. */
  readonly missing: readonly {
    readonly path: readonly (string | number)[];
    readonly message: string;
    readonly hint: string;
  }[];
}

export function resolveSecrets(
  value: unknown,
  variables: Readonly<Record<string, string | undefined>>,
  baseDirectory: string,
): ResolvedSecrets {
  const secrets: string[] = [];
  const missing: { path: (string | number)[]; message: string; hint: string }[] = [];

  const walk = (node: unknown, path: (string | number)[]): unknown => {
    if (typeof node === 'string') return lookUp(node, path);
    if (Array.isArray(node)) return node.map((item, index) => walk(item, [...path, index]));
    if (node === null || typeof node !== 'object') return node;
    return Object.fromEntries(Object.entries(node).map(([key, nested]) => [key, walk(nested, [...path, key])]));
  };

  const lookUp = (text: string, path: (string | number)[]): string => {
    const reference = REFERENCE.exec(text);
    if (reference === null) return text;
    const [, scheme = '', kind, target = ''] = reference;
    const found = kind === 'env' ? variables[target]?.trim() : readSecretFile(resolve(baseDirectory, target));
    if (found === undefined || found === '') {
      missing.push({
        path,
        message:
          kind === 'env'
            ? `names the environment variable ${target}, which is ${found === '' ? 'empty' : 'not set'}`
            : `names the file ${target}, which ${found === '' ? 'is empty' : "can't be read"}`,
        hint:
          kind === 'env'
            ? `Set ${target} before starting Plumbline.`
            : 'It must be there, readable for this user, and hold a secret of at most 64 KiB.',
      });
      return text;
    }
    secrets.push(found);
    return scheme + found;
  };

  return { value: walk(value, []), secrets, missing };
}

function readSecretFile(path: string): string | undefined {
  try {
    const bytes = readFileSync(path);
    return bytes.length > SECRET_BYTES_MAX ? undefined : bytes.toString('utf8').trim();
  } catch {
    return undefined;
  }
}
