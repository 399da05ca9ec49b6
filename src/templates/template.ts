/**
 * What every template format is reduced to: text that is certain, and places where something else
 * stands. A template describes the set of texts it can render; where a construct's output can't be
 * told from the source, the set is made larger (a gap), never smaller.
 */

export type TemplateNode =
  /** `isPrinted`: it comes out of an expression, so an engine that escapes HTML changes it. */
  | { readonly kind: 'literal'; readonly text: string; readonly isPrinted?: true }
  /** Any text, also none. The name is the variable, or the source of the expression. */
  | { readonly kind: 'gap'; readonly name: string }
  /** Exactly one of the branches; an empty branch renders nothing. */
  | { readonly kind: 'choice'; readonly branches: readonly TemplateNodes[] }
  /** The body any number of times, also never; each time with other values. */
  | { readonly kind: 'repeat'; readonly name: string; readonly body: TemplateNodes };

export type TemplateNodes = readonly TemplateNode[];

export interface Template {
  readonly nodes: TemplateNodes;
  /** Names that a caller supplies, in order of first use, without those the template itself binds. */
  readonly variables: readonly string[];
  /** Why the renders can't be told from this source alone; then only equal hashes can find them. */
  readonly unpredictable: string | null;
}

export type ParsedTemplate =
  | { readonly ok: true; readonly template: Template }
  /** Line and column count from 1. */
  | { readonly ok: false; readonly message: string; readonly line: number; readonly column?: number };

export type RenderedTemplate =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly message: string };

/** Thrown inside this folder only; `parseTemplate` turns it into an answer. */
export class TemplateSyntaxError extends Error {
  override readonly name = 'TemplateSyntaxError';
  readonly line: number;
  readonly column: number | undefined;

  constructor(message: string, line: number, column?: number) {
    super(message);
    this.line = line;
    this.column = column;
  }
}

export function literal(text: string): TemplateNode {
  return { kind: 'literal', text };
}

/** The same nodes, but printed by an expression; only where that makes a difference. */
export function printedNodes(nodes: TemplateNodes): TemplateNodes {
  return nodes.map((node): TemplateNode => {
    if (node.kind === 'choice') return choice(...node.branches.map(printedNodes));
    if (node.kind === 'repeat') return repeat(node.name, printedNodes(node.body));
    const isChangedByEscaping = node.kind === 'literal' && /[<>&"'`\\]/.test(node.text);
    return isChangedByEscaping ? { ...node, isPrinted: true } : node;
  });
}

// A long expression says no more about what filled a gap than its beginning does.
const GAP_NAME_CHARACTERS_MAX = 80;

export function gap(name: string): TemplateNode {
  const oneLine = name.trim().replace(/\s+/g, ' ');
  return { kind: 'gap', name: oneLine.slice(0, GAP_NAME_CHARACTERS_MAX) };
}

export function choice(...branches: readonly TemplateNodes[]): TemplateNode {
  return { kind: 'choice', branches };
}

export function repeat(name: string, body: TemplateNodes): TemplateNode {
  return { kind: 'repeat', name, body };
}

/** Joins neighbouring literals and drops empty ones, at every level. */
export function joinLiterals(nodes: TemplateNodes): TemplateNodes {
  const joined: TemplateNode[] = [];
  for (const node of nodes) {
    const last = joined.at(-1);
    if (node.kind === 'literal') {
      if (node.text === '') continue;
      const isAlike = last?.kind === 'literal' && last.isPrinted === node.isPrinted;
      if (isAlike) joined[joined.length - 1] = { ...last, text: last.text + node.text };
      else joined.push(node);
    } else if (node.kind === 'choice') {
      joined.push(choice(...node.branches.map(joinLiterals)));
    } else if (node.kind === 'repeat') {
      joined.push(repeat(node.name, joinLiterals(node.body)));
    } else {
      joined.push(node);
    }
  }
  return joined;
}

/** A node takes as much work as so many characters of text. */
const NODE_WEIGHT = 32;

/** How much there is: characters of text, and nodes. */
export function weightOf(nodes: TemplateNodes): number {
  return nodes.reduce((sum, node) => {
    if (node.kind === 'literal') return sum + NODE_WEIGHT + node.text.length;
    if (node.kind === 'choice') return sum + node.branches.reduce((all, branch) => all + weightOf(branch), NODE_WEIGHT);
    return sum + NODE_WEIGHT + (node.kind === 'repeat' ? weightOf(node.body) : 0);
  }, 0);
}

/** Line and column, from 1, of a position in a text. */
export function lineAndColumn(text: string, position: number): { line: number; column: number } {
  const before = text.slice(0, position);
  return { line: before.split('\n').length, column: position - before.lastIndexOf('\n') };
}
