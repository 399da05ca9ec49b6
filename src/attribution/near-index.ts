/**
 * Which registered texts share most with a text that none of them fits. Every run of 12 bytes has a
 * hash, and those hashes that happen to be divisible by four are its fingerprint: the same run
 * gives the same choice wherever it stands. Prompts are voted for, and rare runs count for more.
 */

import type { Steps } from '../lib/steps.ts';
import type { IndexedPattern } from './indexed-pattern.ts';
import { PostingTable } from './posting-table.ts';
import type { RegisteredMessage, RegisteredVariant, RegisteredVariants } from './registered-variants.ts';

/** One message of a registered variant, and the pattern of it that shares most with the text. */
export interface NearCandidate {
  readonly variant: RegisteredVariant;
  readonly message: number;
  readonly pattern: IndexedPattern;
}

interface Scored {
  readonly candidate: NearCandidate;
  readonly score: number;
}

const RUN_BYTES = 12;
const CHOSEN_MASK = 3;
// A run that so many prompts have tells nothing about which of them it is.
const PROMPTS_PER_RUN_MAX = 64;
const PROMPTS_MAX = 3;
const CANDIDATES_MAX = 4;
// The newest versions of a prompt with a very long history.
const VERSIONS_MAX = 128;

export class NearIndex {
  private readonly variants: RegisteredVariants;
  private readonly runs = new PostingTable();
  private readonly prompts: string[] = [];
  private readonly promptNumbers = new Map<string, number>();
  /** Which prompt brought a literal in last: the next version of it mostly brings the same. */
  private readonly broughtBy = new Map<string, number>();

  constructor(variants: RegisteredVariants) {
    this.variants = variants;
  }

  add(prompt: string, messages: readonly RegisteredMessage[]): void {
    let number = this.promptNumbers.get(prompt);
    if (number === undefined) {
      number = this.prompts.push(prompt) - 1;
      this.promptNumbers.set(prompt, number);
    }
    for (const { patterns } of messages) {
      for (const { first, middleBytes, last } of patterns) {
        for (const literal of [first, ...middleBytes, last]) this.addRuns(literal, number);
      }
    }
  }

  /** Best first. `bytes` is a trimmed byte string. Between two steps lies one registered message. */
  *candidates(bytes: string): Steps<NearCandidate[]> {
    const runs = new Set<number>();
    eachRun(bytes, (hash) => runs.add(hash));
    const found: Scored[] = [];
    for (const prompt of this.bestPrompts(runs)) {
      for (const variant of this.variants.ofPrompt(prompt).slice(-VERSIONS_MAX)) {
        for (const message of variant.messages.keys()) {
          yield;
          const best = bestOfMessage(variant, message, runs);
          if (best !== null) found.push(best);
        }
      }
    }
    return found
      .toSorted((a, b) => b.score - a.score)
      .slice(0, CANDIDATES_MAX)
      .map(({ candidate }) => candidate);
  }

  private addRuns(literal: string, prompt: number): void {
    if (this.broughtBy.get(literal) === prompt) return;
    this.broughtBy.set(literal, prompt);
    eachRun(literal, (hash) => {
      let prompts = 0;
      for (let posting = this.runs.first(hash); posting !== 0; posting = this.runs.after(posting)) {
        if (this.runs.valueAt(posting) === prompt) return;
        prompts += 1;
      }
      if (prompts < PROMPTS_PER_RUN_MAX) this.runs.add(hash, prompt);
    });
  }

  private bestPrompts(runs: ReadonlySet<number>): string[] {
    const votes = new Map<number, number>();
    for (const hash of runs) {
      if (!this.runs.mayHave(hash)) continue;
      const prompts: number[] = [];
      for (let posting = this.runs.first(hash); posting !== 0; posting = this.runs.after(posting)) {
        prompts.push(this.runs.valueAt(posting));
      }
      for (const prompt of prompts) votes.set(prompt, (votes.get(prompt) ?? 0) + 1 / prompts.length);
    }
    return [...votes]
      .toSorted(([, a], [, b]) => b - a)
      .slice(0, PROMPTS_MAX)
      .map(([prompt]) => this.prompts[prompt] as string);
  }
}

/** Runs that are shared, less half of those that should be there and are not. */
function bestOfMessage(variant: RegisteredVariant, message: number, runs: ReadonlySet<number>): Scored | null {
  const patterns = variant.messages[message]?.patterns ?? [];
  const scored = patterns.map((pattern) => ({ pattern, score: sharedScore(pattern, runs) }));
  // With a variable more, the same literals explain more of the text.
  const best = scored.toSorted((a, b) => b.score - a.score || b.pattern.gaps - a.pattern.gaps)[0];
  return best === undefined ? null : { candidate: { variant, message, pattern: best.pattern }, score: best.score };
}

function sharedScore(pattern: IndexedPattern, runs: ReadonlySet<number>): number {
  let shared = 0;
  let missing = 0;
  for (const literal of [pattern.first, ...pattern.middleBytes, pattern.last]) {
    eachRun(literal, (hash) => {
      if (runs.has(hash)) shared += 1;
      else missing += 1;
    });
  }
  return shared - missing / 2;
}

const BASE = 0x01000193;
let leaving = 1;
for (let power = 0; power < RUN_BYTES; power += 1) leaving = Math.imul(leaving, BASE);
/** What a byte has become when it leaves the run. */
const LEAVING = leaving;

/** The chosen runs of a byte string, by a rolling hash. */
function eachRun(bytes: string, visit: (hash: number) => void): void {
  let rolling = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    rolling = (Math.imul(rolling, BASE) + bytes.charCodeAt(at) + 1) | 0;
    if (at >= RUN_BYTES) rolling = (rolling - Math.imul(bytes.charCodeAt(at - RUN_BYTES) + 1, LEAVING)) | 0;
    if (at < RUN_BYTES - 1) continue;
    const hash = Math.imul(rolling ^ (rolling >>> 15), 0x2c1b3c6d);
    const mixed = hash ^ (hash >>> 13);
    if ((mixed & CHOSEN_MASK) === 0) visit(mixed >> 2);
  }
}
