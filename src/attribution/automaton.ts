/**
 * Whether a text is a render of a template with loops and alternations, exactly: the check behind
 * patterns in which such a construct is only a gap. A search over (place in the template, place in
 * the text), kept small by one fact: behind a gap, whoever stands earlier in the text can reach
 * everything that whoever stands later can.
 */

import type { TemplateNodes } from '../templates/index.ts';

import { toByteString } from './byte-string.ts';
import { findLiteral, searchedLiteral } from './literal-search.ts';
import type { SearchedLiteral } from './literal-search.ts';

type Instruction =
  | { readonly kind: 'literal'; readonly literal: SearchedLiteral; readonly trims: Trims }
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

export function compileProgram(nodes: TemplateNodes): Program {
  const program: Instruction[] = [];
  emit(nodes, program);
  program.push({ kind: 'end' });
  return program;
}

function emit(nodes: TemplateNodes, program: Instruction[]): void {
  for (const node of nodes) {
    if (node.kind === 'literal') program.push(literalInstruction(node.text));
    else if (node.kind === 'gap') program.push({ kind: 'gap' });
    else if (node.kind === 'repeat') {
      const fork: number[] = [];
      const start = program.push({ kind: 'fork', targets: fork }) - 1;
      emit(node.body, program);
      program.push({ kind: 'fork', targets: [start] });
      fork.push(start + 1, program.length);
    } else {
      const fork: number[] = [];
      program.push({ kind: 'fork', targets: fork });
      const ends = node.branches.map((branch) => {
        fork.push(program.length);
        emit(branch, program);
        const end: number[] = [];
        program.push({ kind: 'fork', targets: end });
        return end;
      });
      for (const end of ends) end.push(program.length);
    }
  }
}

function literalInstruction(text: string): Instruction {
  return {
    kind: 'literal',
    literal: searchedLiteral(toByteString(text)),
    trims: {
      atStart: toByteString(text.trimStart()),
      atEnd: toByteString(text.trimEnd()),
      alone: toByteString(text.trim()),
    },
  };
}

// About a millisecond. Who runs out is accepted: the pattern matched, and a false no is the worse error.
const STEPS_MAX = 20_000;

/** `text` is a byte string, trimmed at both ends, as the render was after it left the engine. */
export function accepts(program: Program, text: string): 'yes' | 'no' | 'undecided' {
  return new Run(program, text).result();
}

class Run {
  private readonly program: Program;
  private readonly text: string;
  /** Places to go on from, three numbers each: instruction, position, and 1 behind a gap. */
  private readonly open: number[] = [];
  private readonly seen = new Set<number>();
  /** For each instruction, the earliest position at which it was reached behind a gap. */
  private readonly earliest: Int32Array;

  constructor(program: Program, text: string) {
    this.program = program;
    this.text = text;
    this.earliest = new Int32Array(program.length).fill(text.length + 1);
  }

  result(): 'yes' | 'no' | 'undecided' {
    this.reach(0, 0, false);
    for (let steps = 0; steps < STEPS_MAX; steps += 1) {
      const behindGap = this.open.pop() === 1;
      const position = this.open.pop();
      const at = this.open.pop();
      if (at === undefined || position === undefined) return 'no';
      if (this.step(at, position, behindGap)) return 'yes';
    }
    return 'undecided';
  }

  private reach(at: number, position: number, behindGap: boolean): void {
    if (behindGap) {
      if ((this.earliest[at] ?? 0) <= position) return;
      this.earliest[at] = position;
    } else {
      const key = at * (this.text.length + 1) + position;
      if (this.seen.has(key)) return;
      this.seen.add(key);
    }
    this.open.push(at, position, behindGap ? 1 : 0);
  }

  /** True at the end of both. */
  private step(at: number, position: number, behindGap: boolean): boolean {
    const instruction = this.program[at];
    if (instruction === undefined) return false;
    switch (instruction.kind) {
      case 'end':
        return behindGap || position === this.text.length;
      case 'gap':
        this.reach(at + 1, position, true);
        return false;
      case 'fork':
        for (const target of instruction.targets) this.reach(target, position, behindGap);
        return false;
      case 'literal':
      default:
        this.atEdges(at, position, behindGap, instruction.trims);
        if (behindGap) this.searchLiteral(at, position, instruction.literal);
        else if (this.text.startsWith(instruction.literal.bytes, position)) {
          this.reach(at + 1, position + instruction.literal.bytes.length, false);
        }
        return false;
    }
  }

  /** Every occurrence may be the one: goes on behind the next, and comes back for those after it. */
  private searchLiteral(at: number, position: number, literal: SearchedLiteral): void {
    const size = literal.bytes.length;
    const found = findLiteral(this.text, literal, position, this.text.length - size);
    if (found === -1) return;
    this.open.push(at, found + 1, 1);
    this.reach(at + 1, found + size, false);
  }

  /** A literal at the very start or end of the render has lost the white space on that side. */
  private atEdges(at: number, position: number, behindGap: boolean, { atStart, atEnd, alone }: Trims): void {
    const { text } = this;
    if (position === 0) {
      if (atStart === '') this.reach(at + 1, 0, behindGap);
      else if (text.startsWith(atStart)) this.reach(at + 1, atStart.length, false);
      if (alone === text) this.reach(at + 1, text.length, false);
    }
    const rest = text.length - atEnd.length;
    const isThere = behindGap ? position <= rest : position === rest;
    if (isThere && text.endsWith(atEnd)) this.reach(at + 1, text.length, false);
  }
}
