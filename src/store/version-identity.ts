/**
 * What of a registered version must never change: what its variants say and how they are set. Tags,
 * owner and origin may. Pure.
 */

import type { ContentHash, RegisteredVersion } from '../contract/prompt.ts';
import { sha256 } from '../lib/hash.ts';
import { canonicalJson } from '../lib/json.ts';
import { displayBody } from '../text/body.ts';

export function versionIdentity(version: RegisteredVersion): ContentHash {
  return sha256(
    canonicalJson(
      version.variants.map(({ model, format, settings, hashes }) => [model, format, settings, hashes.strict]),
    ),
  );
}

/**
 * The two contents of a tampered version, so that they differ wherever the versions do: the default
 * variant's text, or all that is immutable when the text is the same.
 */
export function tamperedContents(
  first: RegisteredVersion,
  now: RegisteredVersion,
): readonly [first: Content, now: Content] {
  const texts = [defaultContent(first), defaultContent(now)] as const;
  return texts[0].hash === texts[1].hash ? [wholeContent(first), wholeContent(now)] : texts;
}

interface Content {
  readonly hash: ContentHash;
  readonly text: string;
}

function defaultContent({ variants: [variant] }: RegisteredVersion): Content {
  return { hash: variant.hashes.strict, text: displayBody(variant.body) };
}

function wholeContent(version: RegisteredVersion): Content {
  const variants = version.variants.map(({ model, format, settings, body }) => {
    const head = JSON.stringify({ model, format, settings }, null, 2);
    return `${head}\n\n${displayBody(body)}`;
  });
  return { hash: versionIdentity(version), text: variants.join('\n\n') };
}
