/**
 * The patterns that share their first and last literal and differ between. Mostly versions of one
 * prompt; but all prompts that begin and end with a variable are one group, and there a gate tells
 * which of them a text is worth comparing with.
 */

import type { Comparison } from './comparison.ts';
import { FamilyGate } from './family-gate.ts';
import { PatternFamily } from './pattern-family.ts';
import type { TextProbe } from './text-probe.ts';

// Fewer prompts are told apart by their versions' anchors as well.
const GATED_FROM_PROMPTS = 4;

export class PatternGroup extends PatternFamily {
  /** The last literal of all members. */
  readonly key: string;
  private readonly firstBytes: number;
  private gate: FamilyGate | null = null;

  constructor(first: string, last: string) {
    super();
    this.key = last;
    this.firstBytes = first.length;
  }

  /** Offers every pattern that could match. */
  searchText(probe: TextProbe, comparison: Comparison): void {
    // What members differ in lies behind their first literal and before their last.
    const end = probe.bytes.length - this.key.length;
    this.search(probe, this.firstBytes, end, comparison);
    this.gate?.search(probe, this.firstBytes, end, comparison);
  }

  override settle(): void {
    const members = this.members();
    if (this.gate === null && new Set(members.map(({ prompt }) => prompt)).size < GATED_FROM_PROMPTS) {
      super.settle();
      return;
    }
    this.gate ??= new FamilyGate();
    this.gate.addAll(members);
    this.clear();
  }
}
