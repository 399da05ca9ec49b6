/** Which registered version a hash belongs to, and what a version says. Pure. */

import type { ContentHash, PromptBody, RegisteredVersion } from '../../contract/prompt.ts';
import type { Evidence } from '../../contract/verdict.ts';
import { displayBody } from '../../text/body.ts';

export interface VersionNames {
  /** The version whose content this is, by the strictest hash that fits; null when none does. */
  name(hashes: { readonly strict: string; readonly transport: string; readonly cosmetic: string }): {
    readonly version: string | null;
    readonly evidence: readonly Evidence[];
  };
  /** The text of a version: of its default variant, or what was ever recorded of it with that hash and nothing else. */
  text(version: string, hash: ContentHash | null): string | null;
  /** What is to be said of a hash that a pin names: nothing, where it is the version's as it was first recorded. */
  doubt(version: string, hash: ContentHash): readonly Evidence[];
  /** Strict hash of the version's default variant. */
  hash(version: string): ContentHash | null;
}

const KINDS = ['strict', 'transport', 'cosmetic'] as const;
const KIND_WORDS = {
  strict: 'identical',
  transport: 'but for its encoding equal',
  cosmetic: 'but for white space equal',
};

/** Says of a content that it came under the name of a version after another had; then only its hash tells which it is. */
const CHANGED = 'changed_version';

/** `versions` in the order they were recorded; of several with the same content the newest gives the name. */
export function versionNames(versions: readonly RegisteredVersion[]): VersionNames {
  const byHash = new Map<string, Named[]>();
  const byVersion = new Map<string, RegisteredVersion>();
  const variants = new Map<string, Variant>();
  for (const registered of versions) {
    // A version that comes again has another content: it was changed after it was registered.
    const changed = byVersion.has(registered.version);
    if (!changed) byVersion.set(registered.version, registered);
    for (const { hashes, body } of registered.variants) {
      const key = variantKey(registered.version, hashes.strict);
      if (!variants.has(key)) variants.set(key, { body, changed });
      for (const kind of KINDS) {
        const named = byHash.get(`${kind} ${hashes[kind]}`) ?? [];
        byHash.set(`${kind} ${hashes[kind]}`, [...named, { version: registered.version, changed }]);
      }
    }
  }
  return {
    name: (hashes) => {
      for (const kind of KINDS) {
        const named = byHash.get(`${kind} ${hashes[kind]}`) ?? [];
        const chosen = named.findLast(({ changed }) => !changed) ?? named.at(-1);
        if (chosen === undefined) continue;
        const words = `${KIND_WORDS[kind]} to v${chosen.version}${doubts(chosen, named)}`;
        return { version: chosen.version, evidence: [{ kind: chosen.changed ? CHANGED : 'hash', words }] };
      }
      return { version: null, evidence: [{ kind: 'hash', words: 'equal to no registered version' }] };
    },
    text: (version, hash) => {
      const body =
        hash === null ? byVersion.get(version)?.variants[0].body : variants.get(variantKey(version, hash))?.body;
      return body === undefined ? null : displayBody(body);
    },
    doubt: (version, hash) => {
      const variant = variants.get(variantKey(version, hash));
      if (variant?.changed === false) return [];
      const words =
        variant === undefined
          ? `no text with this hash was ever registered as v${version}`
          : `v${version} as it was changed after it was registered`;
      return [{ kind: CHANGED, words }];
    },
    hash: (version) => byVersion.get(version)?.variants[0].hashes.strict ?? null,
  };
}

interface Variant {
  readonly body: PromptBody;
  /** Only recorded when the version was changed. */
  readonly changed: boolean;
}

function variantKey(version: string, hash: string): string {
  return `${hash} ${version}`;
}

interface Named {
  readonly version: string;
  readonly changed: boolean;
}

function doubts(chosen: Named, named: readonly Named[]): string {
  const others = new Set(named.map(({ version }) => version).filter((version) => version !== chosen.version));
  const also = others.size === 0 ? '' : `, which has the text of ${[...others].map((other) => `v${other}`).join(', ')}`;
  return chosen.changed ? ` as it was changed after it was registered${also}` : also;
}
