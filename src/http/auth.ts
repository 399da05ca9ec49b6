/** Who may do what: keys with scopes, compared in constant time. */

import { createHash, timingSafeEqual } from 'node:crypto';
import { Fault } from '../contract/fault.ts';
import { isLoopback } from '../lib/loopback.ts';
import type { Scope } from './route.ts';

export interface Key {
  readonly name: string;
  readonly scopes: readonly Exclude<Scope, 'public'>[];
  readonly key: string;
}

export type Admission =
  | { readonly allowed: true; readonly actor: string }
  | { readonly allowed: false; readonly status: 401 | 403; readonly detail: string; readonly hint: string };

/**
 * Decides one request. Without configured keys everybody who can reach the port is `local`: then
 * the daemon binds to loopback only (see `assertSafeBinding`).
 */
export function admit(scope: Scope, authorization: string | undefined, keys: readonly Key[]): Admission {
  if (scope === 'public') return { allowed: true, actor: 'anyone' };
  if (keys.length === 0) return { allowed: true, actor: 'local' };
  const presented = /^Bearer\s+(\S+)$/i.exec(authorization ?? '')?.[1];
  const key = presented === undefined ? undefined : keys.find((candidate) => equal(candidate.key, presented));
  if (key === undefined) {
    return {
      allowed: false,
      status: 401,
      detail: presented === undefined ? 'This needs a key.' : 'No such key.',
      hint: 'Send `Authorization: Bearer <key>` with a key from `keys:` in plumbline.yaml.',
    };
  }
  if (key.scopes.includes(scope) || key.scopes.includes('admin')) return { allowed: true, actor: key.name };
  return {
    allowed: false,
    status: 403,
    detail: `The key ${key.name} does not have the scope ${scope}.`,
    hint: `Add ${scope} to its scopes in plumbline.yaml, or use another key.`,
  };
}

/**
 * True when a browser says that another site's page sends this. Without keys any page in the
 * operator's browser could reach us on the loopback; a request that changes something must not
 * come from there.
 */
export function isFromForeignPage(secFetchSite: string | string[] | undefined): boolean {
  return secFetchSite === 'cross-site' || secFetchSite === 'same-site';
}

function equal(a: string, b: string): boolean {
  return timingSafeEqual(digest(a), digest(b));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/**
 * Whether a request's `Host` names this daemon as its user knows it. Without keys it must: a page
 * whose own name was made to point to this machine (DNS rebinding) would otherwise be let in.
 */
export function isOwnHost(host: string | undefined, keys: readonly Key[], publicUrl: string | null): boolean {
  if (keys.length > 0 || host === undefined) return true;
  const name = host.replace(/:\d+$/, '').toLowerCase();
  return isLoopback(name) || (publicUrl !== null && new URL(publicUrl).hostname === name);
}

/** Throws a `Fault` of kind `config` when the daemon would be open to others without keys. */
export function assertSafeBinding(host: string, keys: readonly Key[]): void {
  if (keys.length > 0 || isLoopback(host)) return;
  throw new Fault('config', `server.host is ${host}, which others can reach, and no keys are configured.`, {
    hint: 'Add `keys:` to plumbline.yaml, or bind to 127.0.0.1.',
  });
}
