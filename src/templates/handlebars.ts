/** Handlebars, through its own parser, which already applies whitespace control and standalone lines. */

import Handlebars from 'handlebars';

import { choice, gap, lineAndColumn, literal, repeat, TemplateSyntaxError } from './template.ts';
import type { Template, TemplateNode, TemplateNodes } from './template.ts';

type Program = hbs.AST.Program;
type Block = hbs.AST.BlockStatement;

export function parseHandlebars(text: string): Template {
  const variables = new Set<string>();
  return { nodes: nodesOf(programOf(text), variables), variables: [...variables], unpredictable: null };
}

export function renderHandlebars(text: string, variables: Readonly<Record<string, unknown>>): string {
  return Handlebars.create().compile(text, { noEscape: true })(variables);
}

// The library takes time with the square of it.
const DEPTH_MAX = 100;

function programOf(text: string): Program {
  refuseDepth(text);
  try {
    return Handlebars.parse(text);
  } catch (error) {
    if (error instanceof RangeError) throw error;
    const message = error instanceof Error ? error.message : String(error);
    const named = error as { lineNumber?: number; column?: number };
    const line = named.lineNumber ?? Number(/on line (\d+)/.exec(message)?.[1] ?? 1);
    // The library quotes the source, draws an arrow below it and lists every token it knows.
    const lastLine = message.split('\n').at(-1) ?? message;
    const unexpected = /got '(.*)'$/.exec(lastLine)?.[1];
    const words = unexpected === undefined ? lastLine : `Unexpected ${unexpected === 'EOF' ? 'end' : unexpected}.`;
    throw new TemplateSyntaxError(words, line, named.column === undefined ? undefined : named.column + 1);
  }
}

function refuseDepth(text: string): void {
  let depth = 0;
  for (const { 1: sign, index } of text.matchAll(/\{\{~?([#/])/g)) {
    depth = Math.max(0, depth + (sign === '#' ? 1 : -1));
    if (depth > DEPTH_MAX)
      throw new TemplateSyntaxError('Blocks are nested too deeply.', lineAndColumn(text, index).line);
  }
}

function nodesOf(program: Program | undefined, variables: Set<string>): TemplateNodes {
  return (program?.body ?? []).flatMap((statement): TemplateNode[] => {
    switch (statement.type) {
      case 'ContentStatement':
        return [literal((statement as hbs.AST.ContentStatement).value)];
      case 'MustacheStatement': {
        const { path, params } = statement as hbs.AST.MustacheStatement;
        noteVariables([params.length === 0 ? path : undefined, ...params], variables);
        return [gap(sourceOf(path))];
      }
      case 'BlockStatement':
        return [blockNode(statement as Block, variables)];
      case 'PartialStatement':
      case 'PartialBlockStatement':
        return [gap(`> ${sourceOf((statement as hbs.AST.PartialStatement).name)}`)];
      default:
        return []; // Comments and inline partials render nothing where they stand.
    }
  });
}

function blockNode(block: Block, variables: Set<string>): TemplateNode {
  const helper = block.path.original;
  const hasArguments = block.params.length > 0;
  noteVariables(hasArguments ? block.params : [block.path], variables);
  const otherwise = nodesOf(block.inverse, variables);
  // Inside `each`, `with` and a bare section names belong to the item, not to the caller.
  const ofItem = (): TemplateNodes => nodesOf(block.program, new Set());
  if (helper === 'if' || helper === 'unless') return choice(nodesOf(block.program, variables), otherwise);
  if (helper === 'with') return choice(ofItem(), otherwise);
  if (helper === 'each') return choice([repeat(sourceOf(block.params[0]), ofItem())], otherwise);
  if (hasArguments) return gap(helper); // Somebody's own helper: it may print anything.
  return choice([repeat(helper, ofItem())], otherwise);
}

function noteVariables(expressions: readonly (hbs.AST.Expression | undefined)[], variables: Set<string>): void {
  for (const expression of expressions) {
    if (expression?.type === 'SubExpression') {
      noteVariables((expression as hbs.AST.SubExpression).params, variables);
    } else if (expression?.type === 'PathExpression') {
      const path = expression as hbs.AST.PathExpression;
      const [root] = path.parts;
      if (!path.data && path.depth === 0 && root !== undefined) variables.add(root);
    }
  }
}

function sourceOf(expression: hbs.AST.Expression | undefined): string {
  if (expression === undefined) return '';
  const { original } = expression as { original?: string | number | boolean };
  return original === undefined ? expression.type : String(original);
}
