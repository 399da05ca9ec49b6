/**
 * Finds registered texts that are equal to a text, byte for byte once both are trimmed. Looks at a
 * few bytes and the length first, so that a text that is not registered costs almost nothing.
 */

import type { TemplatePart } from './indexed-pattern.ts';

interface Entry {
  readonly bytes: string;
  readonly part: TemplatePart;
}

const NONE: readonly TemplatePart[] = [];

export class ExactIndex {
  private readonly entries = new Map<number, Entry[]>();

  /** `bytes` is the trimmed text as a byte string. */
  add(bytes: string, part: TemplatePart): void {
    const key = sample(bytes);
    const entries = this.entries.get(key);
    if (entries === undefined) this.entries.set(key, [{ bytes, part }]);
    else entries.push({ bytes, part });
  }

  find(bytes: string): readonly TemplatePart[] {
    const entries = this.entries.get(sample(bytes));
    if (entries === undefined) return NONE;
    return entries.filter((entry) => entry.bytes === bytes).map((entry) => entry.part);
  }
}

/** Length and nine bytes spread over the text. */
function sample(bytes: string): number {
  const step = bytes.length / 9;
  let hash = bytes.length;
  for (let at = 0; at < 9; at += 1) {
    hash = Math.imul(hash, 0x01000193) ^ bytes.charCodeAt(Math.floor(step * at + step / 2));
  }
  return hash | 0;
}
