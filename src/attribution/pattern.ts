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
  /** For each gap of an inexact pattern what surely may stand there; null if that can't be told gap by gap. */
  readonly fillings: readonly Filling[] | null;
  /** What it was compiled from: the source of the exact check. */
  readonly nodes: TemplateNodes;
}

/**
 * `anything`; or what a loop over one variable prints: nothing, or all that begins and ends with
 * these byte strings; or `unclear`.
 */
export type Filling = 'anything' | { readonly begin: string; readonly end: string } | 'unclear';

/** The name of a gap that an alternation too many became. */
export const EITHER = 'either';

// Each further variant costs memory and, where versions are alike, a comparison for each text. Of
// 4,563 real templates 97 % need no more than this.
const VARIANTS_MAX = 16;

/** One variant while it is being built: its literals (text) and gaps (names) in order. */
type Piece = { readonly text: string } | { readonly gaps: readonly string[]; readonly filling: Filling };
interface Draft {
  pieces: Piece[];
  isExact: boolean;
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
        const pattern = toPattern(pieces, draft, form);
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
    const chosen = fits ? ways : [{ pieces: [{ gaps: [EITHER], filling: 'unclear' as const }], isExact: false }];
    const [only] = chosen;
    if (chosen.length === 1 && only !== undefined) for (const draft of drafts) goOn(draft, only);
    else drafts = drafts.flatMap((draft) => chosen.map((way) => goOn({ ...draft, pieces: [...draft.pieces] }, way)));
  }
  return drafts;
}

/** Adds to the draft itself: most nodes have one way, and a copy for each takes time with the square of them. */
function goOn(draft: Draft, way: Draft): Draft {
  for (const piece of way.pieces) draft.pieces.push(piece);
  draft.isExact &&= way.isExact;
  return draft;
}

function waysThrough(node: TemplateNode, limit: number): Draft[] {
  if (node.kind === 'literal') return [{ pieces: [{ text: node.text }], isExact: true }];
  if (node.kind === 'gap') return [{ pieces: [{ gaps: [node.name], filling: 'anything' }], isExact: true }];
  if (node.kind === 'repeat') {
    const filling = loopFilling(node.body);
    return [{ pieces: [{ gaps: [node.name], filling }], isExact: filling === 'anything' }];
  }
  // A variable or nothing is a variable.
  if (node.branches.some((branch) => branch.length === 1 && branch[0]?.kind === 'gap')) {
    const all = node.branches.flat();
    if (all.every((inner) => inner.kind === 'gap')) return waysThrough(all[0] as TemplateNode, limit);
  }
  return node.branches.flatMap((branch) => expand(branch, limit));
}

/** A loop whose body is a literal or none, variables, and a literal or none: one turn of it prints all that several do. */
function loopFilling(body: TemplateNodes): Filling {
  const first = body[0]?.kind === 'literal' ? body[0].text : '';
  const last = body.at(-1)?.kind === 'literal' ? (body.at(-1) as { text: string }).text : '';
  const between = body.slice(first === '' ? 0 : 1, last === '' ? undefined : -1);
  if (between.length === 0 || between.some(({ kind }) => kind !== 'gap')) return 'unclear';
  return first === '' && last === '' ? 'anything' : { begin: toByteString(first), end: toByteString(last) };
}

/** Of two neighbouring gaps: if one takes anything, the other may be empty. A loop may; what is unclear may not. */
function joinedFilling(a: Filling, b: Filling): Filling {
  if (a === 'unclear' || b === 'unclear') return 'unclear';
  return a === 'anything' || b === 'anything' ? 'anything' : 'unclear';
}

/**
 * What a trim can leave. It eats the white space of literals at the ends, and where a variable at
 * an end is empty (or only white space) also that of the literal behind it, and so on inwards.
 */
function trimmedForms(pieces: readonly Piece[]): Piece[][] {
  const both: Piece[][] = [];
  for (const form of trimEdge(mergePieces(pieces), 'start')) {
    if (both.length >= TRIMMED_FORMS_MAX) break;
    both.push(...trimEdge(form, 'end'));
  }
  return both.slice(0, TRIMMED_FORMS_MAX);
}

// Only a template of many variables with nothing but white space between them has more.
const TRIMMED_FORMS_MAX = 64;

function trimEdge(pieces: readonly Piece[], edge: 'start' | 'end'): Piece[][] {
  const forms: Piece[][] = [];
  let rest = [...pieces];
  const take = (): Piece | undefined => (edge === 'start' ? rest.shift() : rest.pop());
  const put = (piece: Piece): unknown => (edge === 'start' ? rest.unshift(piece) : rest.push(piece));
  const trim = (text: string): string => (edge === 'start' ? text.trimStart() : text.trimEnd());
  while (forms.length < TRIMMED_FORMS_MAX) {
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
  const merged: ({ readonly text: string } | { readonly gaps: string[]; readonly filling: Filling })[] = [];
  for (const piece of pieces) {
    const last = merged.at(-1);
    if ('text' in piece) {
      if (piece.text === '') continue;
      if (last !== undefined && 'text' in last) merged[merged.length - 1] = { text: last.text + piece.text };
      else merged.push(piece);
    } else if (last !== undefined && 'gaps' in last) {
      const filling = joinedFilling(last.filling, piece.filling);
      last.gaps.push(...piece.gaps);
      merged[merged.length - 1] = { gaps: last.gaps, filling };
    } else {
      merged.push({ gaps: [...piece.gaps], filling: piece.filling });
    }
  }
  return merged;
}

function toPattern(pieces: readonly Piece[], draft: Draft, nodes: TemplateNodes): LinearPattern {
  const blocks = [''];
  const fillings: Filling[] = [];
  const gapNames: (readonly string[])[] = [];
  for (const piece of pieces) {
    if ('text' in piece) {
      blocks[blocks.length - 1] = toByteString(piece.text);
    } else {
      blocks.push('');
      gapNames.push(piece.gaps);
      fillings.push(piece.filling);
    }
  }
  const literalBytes = blocks.reduce((sum, block) => sum + block.length, 0);
  // A trim may have dropped a gap that can't be empty, so the draft is asked and not what is left of it.
  const isClear = draft.pieces.every((piece) => 'text' in piece || piece.filling !== 'unclear');
  return { blocks, gapNames, literalBytes, isExact: draft.isExact, fillings: isClear ? fillings : null, nodes };
}
