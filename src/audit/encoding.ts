/**
 * What exactly is hashed: names and values as netstrings, one after the other. Lengths are told, so that no value can
 * imitate the border between two; docs/audit.md specifies it for other programs. Pure.
 */

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

export function hashOfFields(fields: AuditFields): AuditHash {
  return sha256(encodeFields(fields));
}
