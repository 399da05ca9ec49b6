/**
 * A template as linear patterns: literal, gap, literal, gap … Alternations are multiplied out up to
 * a limit; what can't be (loops, too many alternations) becomes a gap, so that a pattern may accept
 * too much and never too little. Such patterns are marked inexact and are checked again.
 *
 * Literals are byte strings: the UTF-8 bytes of a text as a string of characters 0 to 255. V8 keeps
 * those in one byte each and compares them with memcmp.
 */

import { gap } from '../templates/template.ts';
import type { TemplateNode, TemplateNodes } from '../templates/template.ts';

import { toByteString } from './byte-string.ts';

export interface LinearPattern {
  /** Byte strings. A text matches if it is blocks[0], anything, blocks[1], anything … blocks[n]. */
  readonly blocks: readonly string[];
  /** What fills each gap; neighbouring variables share one gap. One less than the blocks. */
  readonly gapNames: readonly (readonly string[])[];
  readonly literalBytes: number;
  /** False if a gap stands for a construct that can't print just anything. */
  readonly isExact: boolean;
  /** What it was compiled from: the source of the exact check. */
  readonly nodes: TemplateNodes;
}

// Each further variant costs memory and, where versions are alike, a comparison for each text. Of
// 4,563 real templates 97 % need no more than this.
const VARIANTS_MAX = 16;

/** One variant while it is being built: its literals (text) and gaps (names) in order. */
type Piece = { readonly text: string } | { readonly gaps: readonly string[] };
interface Draft {
  readonly pieces: readonly Piece[];
  readonly isExact: boolean;
}

/**
 * The patterns of a template whose renders were trimmed at both ends, as most applications do and
 * as texts are before they are matched. Those without any literal say nothing and fit anything.
 */
export function compilePatterns(nodes: TemplateNodes): LinearPattern[] {
  const patterns = new Map<string, LinearPattern>();
  for (const form of formsOf(nodes)) {
    for (const draft of expand(form, VARIANTS_MAX)) {
      for (const pieces of trimmedForms(draft.pieces)) {
        const pattern = toPattern(pieces, draft.isExact, form);
        const key = pattern.blocks.join('\0\0');
        // An exact pattern says more than an inexact one with the same blocks, but both are true.
        const known = patterns.get(key);
        if (known === undefined || !known.isExact) patterns.set(key, pattern);
      }
    }
  }
  return [...patterns.values()];
}

/**
 * The template as it is written and, where they differ, as it renders in an engine that escapes
 * HTML, and as both look after a transport that changes line ends and composes characters
 * (`src/text/hashes.ts`).
 */
function formsOf(nodes: TemplateNodes): Set<TemplateNodes> {
  const escaped = mapLiterals(nodes, (node) => (node.isPrinted === true ? gap('escaped text') : node));
  return new Set([nodes, escaped].flatMap((form) => [form, mapLiterals(form, transported)]));
}

function transported(node: LiteralNode): TemplateNode {
  const text = node.text.replace(/\r\n?/g, '\n').normalize('NFC');
  return text === node.text ? node : { ...node, text };
}

type LiteralNode = Extract<TemplateNode, { kind: 'literal' }>;

/** The same array if nothing changed. */
function mapLiterals(nodes: TemplateNodes, change: (node: LiteralNode) => TemplateNode): TemplateNodes {
  const mapped = nodes.map((node) => mapNode(node, change));
  return mapped.every((node, at) => node === nodes[at]) ? nodes : mapped;
}

function mapNode(node: TemplateNode, change: (node: LiteralNode) => TemplateNode): TemplateNode {
  if (node.kind === 'gap') return node;
  if (node.kind === 'literal') return change(node);
  if (node.kind === 'repeat') {
    const body = mapLiterals(node.body, change);
    return body === node.body ? node : { ...node, body };
  }
  const branches = node.branches.map((branch) => mapLiterals(branch, change));
  return branches.every((branch, at) => branch === node.branches[at]) ? node : { kind: 'choice', branches };
}

/** All ways through the alternations, as long as there are at most `limit`. */
function expand(nodes: TemplateNodes, limit: number): Draft[] {
  let drafts: Draft[] = [{ pieces: [], isExact: true }];
  for (const node of nodes) {
    const ways = waysThrough(node, limit);
    const fits = drafts.length * ways.length <= limit;
    const chosen = fits ? ways : [{ pieces: [{ gaps: ['either'] }], isExact: false }];
    drafts = drafts.flatMap((draft) =>
      chosen.map((way) => ({ pieces: [...draft.pieces, ...way.pieces], isExact: draft.isExact && way.isExact })),
    );
  }
  return drafts;
}

function waysThrough(node: TemplateNode, limit: number): Draft[] {
  if (node.kind === 'literal') return [{ pieces: [{ text: node.text }], isExact: true }];
  if (node.kind === 'gap') return [{ pieces: [{ gaps: [node.name] }], isExact: true }];
  if (node.kind === 'repeat') return [{ pieces: [{ gaps: [node.name] }], isExact: isAnything(node.body) }];
  // A variable or nothing is a variable.
  if (node.branches.some((branch) => branch.length === 1 && branch[0]?.kind === 'gap')) {
    const all = node.branches.flat();
    if (all.every((inner) => inner.kind === 'gap')) return waysThrough(all[0] as TemplateNode, limit);
  }
  return node.branches.flatMap((branch) => expand(branch, limit));
}

function isAnything(nodes: TemplateNodes): boolean {
  return nodes.length > 0 && nodes.every((node) => node.kind === 'gap');
}

/**
 * What a trim can leave. It eats the white space of literals at the ends, and where a variable at
 * an end is empty (or only white space) also that of the literal behind it, and so on inwards.
 */
function trimmedForms(pieces: readonly Piece[]): Piece[][] {
  const fromStart = trimEdge(mergePieces(pieces), 'start');
  const both = fromStart.flatMap((form) => trimEdge(form, 'end'));
  return both.length > TRIMMED_FORMS_MAX ? both.slice(0, TRIMMED_FORMS_MAX) : both;
}

// Only a template of many variables with nothing but white space between them has more.
const TRIMMED_FORMS_MAX = 64;

function trimEdge(pieces: readonly Piece[], edge: 'start' | 'end'): Piece[][] {
  const forms: Piece[][] = [];
  let rest = [...pieces];
  const take = (): Piece | undefined => (edge === 'start' ? rest.shift() : rest.pop());
  const put = (piece: Piece): unknown => (edge === 'start' ? rest.unshift(piece) : rest.push(piece));
  const trim = (text: string): string => (edge === 'start' ? text.trimStart() : text.trimEnd());
  for (;;) {
    const outer = take();
    if (outer === undefined) {
      forms.push([]);
      break;
    }
    if ('text' in outer) {
      const text = trim(outer.text);
      if (text === '') continue;
      put({ text });
      forms.push([...rest]);
      break;
    }
    forms.push(edge === 'start' ? [outer, ...rest] : [...rest, outer]);
    const next = edge === 'start' ? rest[0] : rest.at(-1);
    // An empty gap beside a literal without white space is what the gap itself allows.
    if (next === undefined || !('text' in next) || trim(next.text) === next.text) break;
  }
  return forms;
}

function mergePieces(pieces: readonly Piece[]): Piece[] {
  const merged: Piece[] = [];
  for (const piece of pieces) {
    const last = merged.at(-1);
    if ('text' in piece) {
      if (piece.text === '') continue;
      if (last !== undefined && 'text' in last) merged[merged.length - 1] = { text: last.text + piece.text };
      else merged.push(piece);
    } else if (last !== undefined && 'gaps' in last) {
      merged[merged.length - 1] = { gaps: [...last.gaps, ...piece.gaps] };
    } else {
      merged.push(piece);
    }
  }
  return merged;
}

function toPattern(pieces: readonly Piece[], isExact: boolean, nodes: TemplateNodes): LinearPattern {
  const blocks = [''];
  const gapNames: (readonly string[])[] = [];
  for (const piece of pieces) {
    if ('text' in piece) {
      blocks[blocks.length - 1] = toByteString(piece.text);
    } else {
      blocks.push('');
      gapNames.push(piece.gaps);
    }
  }
  const literalBytes = blocks.reduce((sum, block) => sum + block.length, 0);
  return { blocks, gapNames, literalBytes, isExact, nodes };
}
