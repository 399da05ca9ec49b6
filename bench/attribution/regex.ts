/**
 * The best that regular expressions do: one for each version, anchored, tried from the most to the
 * least literal text, so that the first that matches is the answer. Built with the same parser.
 */

import { compilePatterns } from '../../src/attribution/pattern.ts';
import type { RegisteredVersion } from '../../src/contract/prompt.ts';
import { fromByteString } from '../../src/attribution/byte-string.ts';
import { nodesOf } from './speed.ts';

// V8 compiles each when it is first used; more than this many take gigabytes.
const EXPRESSIONS_MAX = 12_000;

export function regexMatcher(versions: readonly RegisteredVersion[]): (text: string) => number {
  const patterns = versions.flatMap((version) => compilePatterns(nodesOf(version)));
  const expressions = patterns
    .filter(({ literalBytes }) => literalBytes >= 24)
    .toSorted((a, b) => b.literalBytes - a.literalBytes)
    .slice(0, EXPRESSIONS_MAX)
    .map(({ blocks }) => {
      const literals = blocks.map((block) => fromByteString(block).replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
      return new RegExp(`^${literals.join('[^]*?')}$`);
    });
  return (text) => expressions.findIndex((expression) => expression.test(text));
}
