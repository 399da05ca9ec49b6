/**
 * What exactly is hashed: names and values as netstrings, one after the other. Lengths are told, so that no value can
 * imitate the border between two; docs/audit.md specifies it for other programs. Pure.
 */

import { hash } from 'node:crypto';
import type { AuditFields, AuditHash } from '../contract/audit.ts';
import { sha256 } from '../lib/hash.ts';

/** `5:hello,` with the length of the UTF-8 in bytes; `-,` for null. */
export function netstring(value: string | null): string {
  if (value === null) return '-,';
  return value === '' ? '0:,' : `${Buffer.byteLength(value)}:${value},`;
}

/** Name, value, name, value, in the order of the fields. */
export function encodeFields(fields: AuditFields): string {
  let encoded = '';
  for (const [name, value] of Object.entries(fields)) encoded += netstring(name) + netstring(value);
  return encoded;
}

/** 32 bytes, as characters. */
export function bytesOfHash(encoded: string): string {
  return hash('sha256', encoded, 'latin1' as 'hex');
}

/** Of many rows: the hash of their hashes, sorted, each once. */
export function digestOfHashes(hashes: ReadonlySet<string>): AuditHash {
  const sorted = Buffer.from([...hashes].toSorted().join(''), 'latin1');
  return `sha256:${hash('sha256', sorted, 'hex')}`;
}

export function hashOfFields(fields: AuditFields): AuditHash {
  return sha256(encodeFields(fields));
}
