/** Finds registered texts that are equal to a text, byte for byte once both are trimmed. */

import type { TemplatePart } from './indexed-pattern.ts';
import { PostingTable } from './posting-table.ts';
import type { TextProbe } from './text-probe.ts';

const NONE: readonly TemplatePart[] = [];

export class ExactIndex {
  private readonly parts = new Map<string, TemplatePart[]>();
  /** Samples of all registered texts: what is not among them need not be hashed whole, and hardly any text is. */
  private readonly samples = new PostingTable();

  /** The probe holds the registered text. */
  add(probe: TextProbe, part: TemplatePart): void {
    const known = this.parts.get(probe.bytes);
    if (known !== undefined) {
      known.push(part);
      return;
    }
    this.parts.set(probe.bytes, [part]);
    this.samples.add(probe.sampleHash(), 0);
  }

  find(probe: TextProbe): readonly TemplatePart[] {
    const sample = probe.sampleHash();
    if (!this.samples.mayHave(sample) || this.samples.first(sample) === 0) return NONE;
    return this.parts.get(probe.bytes) ?? NONE;
  }
}
