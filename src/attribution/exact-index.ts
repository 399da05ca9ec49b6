/** Finds registered texts that are equal to a text, byte for byte once both are trimmed. */

import type { TemplatePart } from './indexed-pattern.ts';
import { PostingTable } from './posting-table.ts';
import type { TextProbe } from './text-probe.ts';

interface Entry {
  readonly bytes: string;
  readonly part: TemplatePart;
}

const NONE: readonly TemplatePart[] = [];

export class ExactIndex {
  private readonly entries: Entry[] = [];
  /** A text whose sample is not among these need not be hashed whole, and hardly any text's is. */
  private readonly samples = new PostingTable();
  /** From the hash of a text's content to its entries. */
  private readonly byContent = new PostingTable();

  /** The probe holds the registered text. */
  add(probe: TextProbe, part: TemplatePart): void {
    this.byContent.add(probe.contentHash(), this.entries.push({ bytes: probe.bytes, part }) - 1);
    const sample = probe.sampleHash();
    if (this.samples.first(sample) === 0) this.samples.add(sample, 0);
  }

  find(probe: TextProbe): readonly TemplatePart[] {
    const sample = probe.sampleHash();
    if (!this.samples.mayHave(sample) || this.samples.first(sample) === 0) return NONE;
    const parts: TemplatePart[] = [];
    const content = probe.contentHash();
    for (let at = this.byContent.first(content); at !== 0; at = this.byContent.after(at)) {
      const entry = this.entries[this.byContent.valueAt(at)] as Entry;
      if (entry.bytes === probe.bytes) parts.push(entry.part);
    }
    return parts;
  }
}
