/** Which registered version a hash belongs to, and what a version says. Pure. */

import type { ContentHash, RegisteredVersion } from '../contract/prompt.ts';
import type { Evidence } from '../contract/verdict.ts';
import { displayBody } from '../text/body.ts';

export interface VersionNames {
  /** The version whose content this is, by the strictest hash that fits; null when none does. */
  name(hashes: { readonly strict: string; readonly transport: string; readonly cosmetic: string }): {
    readonly version: string | null;
    readonly evidence: readonly Evidence[];
  };
  /** The text of a version: of the variant with that hash, else of its default variant. */
  text(version: string, hash: ContentHash | null): string | null;
  /** Strict hash of the version's default variant. */
  hash(version: string): ContentHash | null;
}

const KINDS = ['strict', 'transport', 'cosmetic'] as const;
const KIND_WORDS = { strict: 'identical', transport: 'the same, re-encoded', cosmetic: 'the same but for white space' };

/** `versions` in the order they were recorded; of several with the same content the newest gives the name. */
export function versionNames(versions: readonly RegisteredVersion[]): VersionNames {
  const byHash = new Map<string, string[]>();
  const byVersion = new Map<string, RegisteredVersion>();
  for (const registered of versions) {
    if (!byVersion.has(registered.version)) byVersion.set(registered.version, registered);
    for (const { hashes } of registered.variants) {
      for (const kind of KINDS) {
        const named = byHash.get(`${kind} ${hashes[kind]}`) ?? [];
        if (!named.includes(registered.version)) named.push(registered.version);
        byHash.set(`${kind} ${hashes[kind]}`, named);
      }
    }
  }
  return {
    name: (hashes) => {
      for (const kind of KINDS) {
        const named = byHash.get(`${kind} ${hashes[kind]}`);
        const version = named?.at(-1);
        if (named === undefined || version === undefined) continue;
        const others = named.slice(0, -1).map((other) => `v${other}`);
        const also = others.length === 0 ? '' : `, which has the text of ${others.join(', ')}`;
        return { version, evidence: [{ kind: 'hash', words: `${KIND_WORDS[kind]} to v${version}${also}` }] };
      }
      return { version: null, evidence: [{ kind: 'hash', words: 'equal to no registered version' }] };
    },
    text: (version, hash) => {
      const registered = byVersion.get(version);
      if (registered === undefined) return null;
      const variant = registered.variants.find(({ hashes }) => hashes.strict === hash) ?? registered.variants[0];
      return displayBody(variant.body);
    },
    hash: (version) => byVersion.get(version)?.variants[0].hashes.strict ?? null,
  };
}
