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
  /** From the hash of a text's content to its entries. */
  private readonly byContent = new PostingTable();

  /** The probe holds the registered text. */
  add({ bytes, contentHash }: TextProbe, part: TemplatePart): void {
    this.byContent.add(contentHash, this.entries.push({ bytes, part }) - 1);
  }

  find({ bytes, contentHash }: TextProbe): readonly TemplatePart[] {
    if (!this.byContent.mayHave(contentHash)) return NONE;
    const parts: TemplatePart[] = [];
    for (let at = this.byContent.first(contentHash); at !== 0; at = this.byContent.after(at)) {
      const entry = this.entries[this.byContent.valueAt(at)] as Entry;
      if (entry.bytes === bytes) parts.push(entry.part);
    }
    return parts;
  }
}
