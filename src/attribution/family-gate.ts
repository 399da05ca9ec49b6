/**
 * Of many prompts that begin and end alike, those that a text may be a render of. The patterns are
 * divided into families, each by a region of text that all its members have; a text is compared
 * with the families whose regions it holds. Such a region can be longer than an anchor, which must
 * lie close around an edit, so that the text is probed at fewer places: one window in 64 bytes.
 */

import { WindowCounts } from './anchor-choice.ts';
import type { Comparison } from './comparison.ts';
import { GateEntrance, isLong, regionBytes, STRIDES } from './gate-entrance.ts';
import type { Region, Stride } from './gate-entrance.ts';
import type { IndexedPattern } from './indexed-pattern.ts';
import { PatternFamily } from './pattern-family.ts';
import type { TextProbe } from './text-probe.ts';

interface RatedRegion extends Region {
  /** About how many prompts have it. */
  readonly prompts: number;
}

// Patterns with less have short literals only, which need narrow strides. Nearly every answer has more.
const SLIM_BELOW_BYTES = 64;

// A region that more prompts have, such as a safety rule, makes a text be compared with many of them. To
// avoid that, a shorter one is worth probing the text at more places; the shortest only for a rule of very many.
const COMMON_PROMPTS = 4;
const VERY_COMMON_PROMPTS = 64;

// Of a prompt with more versions, these show well enough which regions stay.
const COVERED_PATTERNS_MAX = 32;

export class FamilyGate {
  /** Most literal bytes first: what is found there spares the others. */
  private readonly entrances: GateEntrance[] = [];
  private readonly families = new Map<string, GatedFamily>();
  /** Patterns whose literals are too short for any region. */
  private readonly regionless = new PatternFamily();
  private readonly counts = new WindowCounts();

  /** Looks for regions in the text from byte `start` to byte `end`. */
  search(probe: TextProbe, start: number, end: number, comparison: Comparison): void {
    for (const entrance of this.entrances) entrance.search(probe, start, end, comparison);
    this.regionless.search(probe, start, end, comparison);
  }

  addAll(added: readonly IndexedPattern[]): void {
    const byPrompt = Map.groupBy(added, ({ prompt }) => prompt);
    // One version speaks for its whole prompt: what matters is how many prompts have a window.
    const firsts = [...byPrompt].filter(([prompt]) => !this.families.has(prompt)).map(([, [first]]) => first);
    this.counts.addAll(firsts.map((first) => first?.middleBytes ?? []));
    for (const [prompt, patterns] of byPrompt) {
      const family = this.families.get(prompt) ?? new GatedFamily();
      this.families.set(prompt, family);
      for (const [at, pattern] of patterns.entries()) {
        const entrance = family.entranceOf(pattern) ?? this.openEntrance(family, patterns.slice(at));
        entrance?.expect(pattern);
        (entrance === null ? this.regionless : family).add(pattern);
      }
      family.settle();
    }
    this.regionless.settle();
  }

  /** Lets the first of the patterns into the family, and as many of the others as possible; null if it can't. */
  private openEntrance(family: GatedFamily, patterns: readonly IndexedPattern[]): GateEntrance | null {
    const [first] = patterns;
    const region = this.bestRegion(patterns.slice(0, COVERED_PATTERNS_MAX));
    if (first === undefined || region === null) return null;
    const entrance = this.entrance(isSlim(first), region.stride);
    family.open(region, entrance);
    return entrance;
  }

  /** A region of the first pattern: the longest that is rare, or else the rarest; null if its literals are too short. */
  private bestRegion(patterns: readonly IndexedPattern[]): Region | null {
    let best: RatedRegion | null = null;
    for (const stride of STRIDES) {
      if (best !== null && best.prompts <= (isLong(stride) ? COMMON_PROMPTS : VERY_COMMON_PROMPTS)) break;
      const region = this.bestRegionFor(stride, patterns);
      if (region !== null && (best === null || region.prompts < best.prompts)) best = region;
    }
    return best;
  }

  /** The one that most of the other patterns have as well, and fewest other prompts. */
  private bestRegionFor(stride: Stride, patterns: readonly IndexedPattern[]): RatedRegion | null {
    const size = regionBytes(stride);
    let best: RatedRegion | null = null;
    let highest = 0;
    for (const literal of patterns[0]?.middleBytes ?? []) {
      for (let start = 0; start + size <= literal.length; start += size >> 1) {
        const bytes = literal.slice(start, start + size);
        const prompts = this.counts.mostCommon({ bytes, start: 0, isLong: isLong(stride) }, stride);
        const covered = patterns.filter((pattern) => hasRegion(pattern, { bytes, stride })).length;
        const score = covered / Math.max(1, prompts);
        if (score <= highest) continue;
        highest = score;
        best = { bytes, stride, prompts };
      }
    }
    return best;
  }

  private entrance(isOfSlim: boolean, stride: Stride): GateEntrance {
    const known = this.entrances.find((entrance) => entrance.isOfSlim === isOfSlim && entrance.stride === stride);
    if (known !== undefined) return known;
    const entrance = new GateEntrance(isOfSlim, stride);
    this.entrances.push(entrance);
    this.entrances.sort((a, b) => Number(a.isOfSlim) - Number(b.isOfSlim) || b.stride - a.stride);
    return entrance;
  }
}

/** A prompt's patterns and the regions by which they are found: each pattern has one of them. */
class GatedFamily extends PatternFamily {
  private readonly doors: { readonly region: Region; readonly entrance: GateEntrance }[] = [];

  open(region: Region, entrance: GateEntrance): void {
    this.doors.push({ region, entrance });
    entrance.add(region, this);
  }

  /** One through which the pattern is found; null if there is none yet. */
  entranceOf(pattern: IndexedPattern): GateEntrance | null {
    // Versions are most like those before them.
    const door = this.doors.findLast(
      ({ region, entrance }) => entrance.isOfSlim === isSlim(pattern) && hasRegion(pattern, region),
    );
    return door?.entrance ?? null;
  }
}

function hasRegion({ middleBytes }: IndexedPattern, { bytes }: Region): boolean {
  return middleBytes.some((literal) => literal.includes(bytes));
}

function isSlim({ literalBytes }: IndexedPattern): boolean {
  return literalBytes < SLIM_BELOW_BYTES;
}
