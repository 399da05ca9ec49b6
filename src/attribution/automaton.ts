/**
 * Whether a text is a render of a template with loops and alternations, exactly: the check behind
 * patterns in which such a construct is only a gap. A search over (place in the template, place in
 * the text), kept small by one fact: behind a gap, whoever stands earlier in the text can reach
 * everything that whoever stands later can.
 */

import type { TemplateNodes } from '../templates/template.ts';
import { toByteString } from './byte-string.ts';
import { findLiteral } from './literal-search.ts';
import type { LiteralPool, SearchedLiteral } from './literal-search.ts';

type Instruction =
  | {
      readonly kind: 'literal';
      readonly literal: SearchedLiteral;
      readonly trims: Trims;
      mayBeFirst: boolean;
      mayBeLast: boolean;
    }
  | { readonly kind: 'gap' }
  /** Goes on at any of the targets. */
  | { readonly kind: 'fork'; readonly targets: number[] }
  | { readonly kind: 'end' };

/** What a trim leaves of a literal: at the start of the render, at its end, and where it is all there is. */
interface Trims {
  readonly atStart: string;
  readonly atEnd: string;
  readonly alone: string;
}

export type Program = readonly Instruction[];

export function compileProgram(nodes: TemplateNodes, pool: LiteralPool): Program {
  const program: Instruction[] = [];
  emit(nodes, program, pool);
  program.push({ kind: 'end' });
  markEdges(program);
  return program;
}

/** Finds the literals that may be the first or last text of a render, because all beside them may be blank. */
function markEdges(program: readonly Instruction[]): void {
  const seen = new Set<number>();
  const fromStart = [0];
  for (let at = fromStart.pop(); at !== undefined; at = fromStart.pop()) {
    const instruction = program[at];
    if (instruction === undefined || seen.has(at)) continue;
    seen.add(at);
    if (instruction.kind === 'literal') instruction.mayBeFirst = true;
    if (instruction.kind === 'fork') fromStart.push(...instruction.targets);
    else if (instruction.kind === 'gap' || isBlank(instruction)) fromStart.push(at + 1);
  }
  const endsBlank = program.map(({ kind }) => kind === 'end');
  for (let isChanged = true; isChanged;) {
    isChanged = false;
    for (let at = program.length - 1; at >= 0; at -= 1) {
      const instruction = program[at] as Instruction;
      const next = instruction.kind === 'fork' ? instruction.targets : [at + 1];
      const isOpen = next.some((target) => endsBlank[target]);
      if (instruction.kind === 'literal') instruction.mayBeLast = isOpen;
      if (!isOpen || endsBlank[at] === true || (instruction.kind === 'literal' && !isBlank(instruction))) continue;
      endsBlank[at] = true;
      isChanged = true;
    }
  }
}

function isBlank(instruction: Instruction): boolean {
  return instruction.kind === 'literal' && instruction.trims.alone === '';
}

function emit(nodes: TemplateNodes, program: Instruction[], pool: LiteralPool): void {
  for (const node of nodes) {
    if (node.kind === 'literal') program.push(literalInstruction(node.text, pool));
    else if (node.kind === 'gap') program.push({ kind: 'gap' });
    else if (node.kind === 'repeat') {
      const fork: number[] = [];
      const start = program.push({ kind: 'fork', targets: fork }) - 1;
      emit(node.body, program, pool);
      program.push({ kind: 'fork', targets: [start] });
      fork.push(start + 1, program.length);
    } else {
      const fork: number[] = [];
      program.push({ kind: 'fork', targets: fork });
      const ends = node.branches.map((branch) => {
        fork.push(program.length);
        emit(branch, program, pool);
        const end: number[] = [];
        program.push({ kind: 'fork', targets: end });
        return end;
      });
      for (const end of ends) end.push(program.length);
    }
  }
}

function literalInstruction(text: string, pool: LiteralPool): Instruction {
  return {
    kind: 'literal',
    literal: pool.literal(toByteString(text)),
    trims: {
      atStart: toByteString(text.trimStart()),
      atEnd: toByteString(text.trimEnd()),
      alone: toByteString(text.trim()),
    },
    mayBeFirst: false,
    mayBeLast: false,
  };
}

// About a millisecond. Who runs out is accepted: the pattern matched, and a false no is the worse error.
const STEPS_MAX = 10_000;
// Each step adds at most as many places as a fork has targets; a fork of more is left undecided.
const TARGETS_MAX = 64;
// So few that they stay in the cache: a search seldom reaches a hundred places.
const REACHED_SLOTS = 1 << 12;
const REACHED_SIZE = 3;

/** `text` is a byte string, trimmed at both ends, as the render was after it left the engine. */
export function accepts(program: Program, text: string): 'yes' | 'no' | 'undecided' {
  search.start(program, text);
  for (let steps = 0; steps < STEPS_MAX; steps += 1) {
    const answer = search.step();
    if (answer !== 'open') return answer;
  }
  return 'undecided';
}

/** One search at a time; its memory is kept from one to the next. */
class Search {
  private program: Program = [];
  private text = '';
  /** Places to go on from, three numbers each: instruction, position, and 1 behind a gap. */
  private readonly open = new Int32Array(1 << 16);
  private openCount = 0;
  /** Places not behind a gap that were reached, as a hash set; an entry counts if it bears this search's number. */
  private readonly reached = new Int32Array(REACHED_SLOTS * REACHED_SIZE);
  private reachedCount = 0;
  private searchNumber = 0;
  /** For each instruction, the earliest position at which it was reached behind a gap. */
  private earliest = new Int32Array(64);

  start(program: Program, text: string): void {
    this.program = program;
    this.text = text;
    this.openCount = 0;
    this.reachedCount = 0;
    this.searchNumber += 1;
    if (this.earliest.length < program.length) this.earliest = new Int32Array(program.length * 2);
    this.earliest.fill(text.length + 1, 0, program.length);
    this.reach(0, 0, false);
  }

  step(): 'yes' | 'no' | 'undecided' | 'open' {
    if (this.openCount === 0) return 'no';
    // Room for one more step, in both.
    if (this.openCount + TARGETS_MAX * 3 > this.open.length || this.reachedCount * 2 > REACHED_SLOTS) {
      return 'undecided';
    }
    this.openCount -= 3;
    const at = this.open[this.openCount] as number;
    const position = this.open[this.openCount + 1] as number;
    const behindGap = this.open[this.openCount + 2] === 1;
    const instruction = this.program[at] as Instruction;
    switch (instruction.kind) {
      case 'end':
        return behindGap || position === this.text.length ? 'yes' : 'open';
      case 'gap':
        this.reach(at + 1, position, true);
        break;
      case 'fork':
        if (instruction.targets.length > TARGETS_MAX) return 'undecided';
        for (const target of instruction.targets) this.reach(target, position, behindGap);
        break;
      case 'literal':
      default:
        if (instruction.mayBeFirst && position === 0) this.atStart(at, behindGap, instruction.trims);
        if (instruction.mayBeLast) this.atEnd(at, position, behindGap, instruction.trims);
        this.literal(at, position, behindGap, instruction.literal);
    }
    return 'open';
  }

  private reach(at: number, position: number, behindGap: boolean): void {
    if (behindGap) {
      if ((this.earliest[at] as number) <= position) return;
      this.earliest[at] = position;
    } else if (!this.isNew(at, position)) {
      return;
    }
    this.push(at, position, behindGap ? 1 : 0);
  }

  private push(at: number, position: number, behindGap: number): void {
    this.open[this.openCount] = at;
    this.open[this.openCount + 1] = position;
    this.open[this.openCount + 2] = behindGap;
    this.openCount += 3;
  }

  private isNew(at: number, position: number): boolean {
    const { reached, searchNumber } = this;
    const hash = Math.imul(at, 0x9e3779b1) ^ Math.imul(position, 0x85ebca6b);
    let slot = (hash ^ (hash >>> 15)) & (REACHED_SLOTS - 1);
    while (reached[slot * REACHED_SIZE] === searchNumber) {
      if (reached[slot * REACHED_SIZE + 1] === at && reached[slot * REACHED_SIZE + 2] === position) return false;
      slot = (slot + 1) & (REACHED_SLOTS - 1);
    }
    reached[slot * REACHED_SIZE] = searchNumber;
    reached[slot * REACHED_SIZE + 1] = at;
    reached[slot * REACHED_SIZE + 2] = position;
    this.reachedCount += 1;
    return true;
  }

  private literal(at: number, position: number, behindGap: boolean, literal: SearchedLiteral): void {
    const { text } = this;
    const size = literal.bytes.length;
    if (!behindGap) {
      if (text.substring(position, position + size) === literal.bytes) this.reach(at + 1, position + size, false);
      return;
    }
    // Every occurrence may be the one: goes on behind the next, and comes back for those after it.
    const found = findLiteral(text, literal, position, text.length - size);
    if (found === -1) return;
    this.push(at, found + 1, 1);
    this.reach(at + 1, found + size, false);
  }

  /** A literal at the very start of the render has lost the white space on that side. */
  private atStart(at: number, behindGap: boolean, { atStart, alone }: Trims): void {
    if (atStart === '') this.reach(at + 1, 0, behindGap);
    else if (this.text.startsWith(atStart)) this.reach(at + 1, atStart.length, false);
    if (alone === this.text) this.reach(at + 1, this.text.length, false);
  }

  private atEnd(at: number, position: number, behindGap: boolean, { atEnd }: Trims): void {
    const rest = this.text.length - atEnd.length;
    const isThere = behindGap ? position <= rest : position === rest;
    if (isThere && this.text.endsWith(atEnd)) this.reach(at + 1, this.text.length, false);
  }
}

const search = new Search();
