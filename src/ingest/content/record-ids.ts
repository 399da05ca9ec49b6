/**
 * Log records have no id of their own; what recognises a resent one is a hash of what it says. Where
 * not all of that may be kept, a hash of all of it would let anybody with a list of guesses find out
 * what was left out. There it is made from what is kept, which tells nobody more. Pure.
 */

import type { SpanFacts } from '../../contract/span-facts.ts';
import { shortId } from '../../lib/hash.ts';
import { canonicalJson } from '../../lib/json.ts';
import type { ContentPolicy } from './policy.ts';

/** For the records of one request, in order. */
export class RecordIds {
  /** Whole records, numbered, by what is kept of them: several are alike once their content is gone. */
  readonly #alike = new Map<string, Map<string, number>>();

  /** The packed facts with an id that may be kept. */
  safe(packed: SpanFacts, { mode }: ContentPolicy): SpanFacts {
    if (packed.recordId === '' || mode === 'full') return packed;
    const kept = canonicalJson({ ...packed, recordId: '', sequence: 0 });
    const numbers = this.#alike.get(kept) ?? new Map<string, number>();
    this.#alike.set(kept, numbers);
    const number = numbers.get(packed.recordId) ?? numbers.size;
    numbers.set(packed.recordId, number);
    return { ...packed, recordId: shortId(kept, String(number)) };
  }
}
