/**
 * Jinja2: statements to literals, gaps, alternations and loops. Text that `{% set %}` binds is
 * followed to where it is printed; macros, filters, includes and calls are gaps.
 */

import { Environment, Interpreter, parse, tokenize } from '@huggingface/jinja';

import { isSimplePath, namesRead, parseSyntax, printed } from './jinja2-expression.ts';
import type { Syntax } from './jinja2-expression.ts';
import { JINJA2_DEFAULTS, normaliseJinja2, scanJinja2 } from './jinja2-tags.ts';
import type { Jinja2Settings, Jinja2Tag } from './jinja2-tags.ts';
import { choice, gap, literal, printedNodes, repeat, TemplateSyntaxError, weightOf } from './template.ts';
import type { Template, TemplateNode, TemplateNodes } from './template.ts';

export function parseJinja2(text: string, settings: Jinja2Settings = JINJA2_DEFAULTS): Template {
  return new Jinja2Reader(scanJinja2(text, settings)).read();
}

/** The same source in environments that trim blocks, as those for chat templates do. */
export function parseTrimmedJinja2(text: string): Template[] {
  if (!text.includes('{%') && !text.includes('{#')) return [];
  return [
    parseJinja2(text, { trimBlocks: true, lstripBlocks: false }),
    parseJinja2(text, { trimBlocks: true, lstripBlocks: true }),
    parseJinja2(text, { trimBlocks: false, lstripBlocks: true }),
  ];
}

/** Renders with an interpreter that reaches nothing outside its variables. Knows no include, raw or extends. */
export function renderJinja2(text: string, variables: Readonly<Record<string, unknown>>): string {
  const environment = new Environment();
  for (const [name, value] of Object.entries(CONSTANTS)) environment.set(name, value);
  for (const [name, value] of Object.entries(variables)) environment.set(name, value);
  const program = parse(tokenize(normaliseJinja2(text)));
  return String(new Interpreter(environment).run(program).value);
}

// No `range`: a template could count for ever with it.
const CONSTANTS = { true: true, false: false, none: null, True: true, False: false, None: null };

type Statement = Extract<Jinja2Tag, { kind: 'statement' }>;

/** Statements with a body whose text is certain, and that only open a scope or change escaping. */
const TRANSPARENT: ReadonlySet<string> = new Set(['block', 'with', 'autoescape', 'generation']);
/** Statements with a body that is changed, or printed elsewhere. */
const OPAQUE: ReadonlySet<string> = new Set(['filter', 'call', 'trans']);
/** Statements that print nothing and have no body. */
const SILENT: ReadonlySet<string> = new Set(['import', 'from', 'do', 'pluralize']);
// Deeper nesting is no prompt; it is somebody trying the stack.
const DEPTH_MAX = 100;
// A text that is set to itself twice, sixty times over, is longer than any memory; beyond this names are gaps.
const COPIED_WEIGHT_MAX = 1_000_000;

class Jinja2Reader {
  private readonly tags: readonly Jinja2Tag[];
  private next = 0;
  private depth = 0;
  private readonly variables = new Set<string>();
  /** Names the template binds itself: their text, or null where it is not known. */
  private bindings = new Map<string, TemplateNodes | null>();
  /** What stands where names are printed, so far. */
  private copied = 0;
  private readonly known = { get: (name: string): TemplateNodes | null => this.textOf(name) };
  private unpredictable: string | null = null;

  constructor(tags: readonly Jinja2Tag[]) {
    this.tags = tags;
  }

  read(): Template {
    const nodes = this.sequence(null, []);
    return { nodes, variables: [...this.variables], unpredictable: this.unpredictable };
  }

  /** Reads up to one of the `closers`, which stays unread. At the top nothing closes. */
  private sequence(opener: Statement | null, closers: readonly string[]): TemplateNodes {
    const nodes: TemplateNode[] = [];
    this.depth += 1;
    for (;;) {
      const tag = this.tags[this.next];
      if (tag === undefined) {
        if (opener === null) break;
        throw new TemplateSyntaxError(`"${keywordOf(opener)}" is never closed with "${closers.at(-1)}".`, opener.line);
      }
      if (tag.kind === 'statement' && closers.includes(keywordOf(tag))) break;
      this.next += 1;
      if (this.depth > DEPTH_MAX) throw new TemplateSyntaxError('Statements are nested too deeply.', tag.line);
      if (tag.kind === 'text') nodes.push(literal(tag.text));
      else if (tag.kind === 'expression') nodes.push(...this.expression(tag.source, tag.line));
      else nodes.push(...this.statement(tag));
    }
    this.depth -= 1;
    return nodes;
  }

  private expression(source: string, line: number): TemplateNodes {
    if (isSimplePath(source)) {
      const root = source.split('.', 1)[0] ?? source;
      this.note([root]);
      const known = root === source ? this.textOf(root) : null;
      return known === null ? [gap(source)] : printedNodes(known);
    }
    const syntax = this.syntax(`{{ ${source} }}`, source, line);
    return syntax === null ? [gap(source)] : printed(syntax, source, this.known);
  }

  private textOf(name: string): TemplateNodes | null {
    const nodes = this.bindings.get(name) ?? null;
    if (nodes === null || this.copied > COPIED_WEIGHT_MAX) return null;
    this.copied += weightOf(nodes);
    return this.copied > COPIED_WEIGHT_MAX ? null : nodes;
  }

  /** The tree of a tag, its names noted; null where it is valid but only nunjucks can tell. */
  private syntax(tagSource: string, source: string, line: number): Syntax | null {
    const syntax = parseSyntax(tagSource);
    if (syntax === 'undecided') {
      this.note(/^(?:if|elif)?\s*([a-z_]\w*)/i.exec(source)?.slice(1) ?? []);
      return null;
    }
    if ('problem' in syntax) {
      throw new TemplateSyntaxError(`${String(syntax['problem']).replace(/\.$/, '')}, in "${source}".`, line);
    }
    this.note(namesRead(syntax));
    return syntax;
  }

  private note(names: Iterable<string>): void {
    for (const name of names) {
      if (!this.bindings.has(name) && name !== 'loop') this.variables.add(name);
    }
  }

  private statement(tag: Statement): TemplateNodes {
    const keyword = keywordOf(tag);
    if (keyword === 'if') return this.conditional(tag);
    if (keyword === 'for') return this.loop(tag);
    if (keyword === 'set') return this.assignment(tag);
    if (keyword === 'macro') return this.macro(tag);
    if (keyword === 'include' || keyword === 'debug') return [gap(tag.source)];
    if (keyword === 'extends') {
      this.unpredictable ??= `It extends another template (line ${tag.line}), whose text is not registered with it.`;
      return [];
    }
    if (keyword === 'break' || keyword === 'continue') return [gap(keyword)];
    if (SILENT.has(keyword)) return [];
    if (TRANSPARENT.has(keyword)) return this.body(tag, this.namesAssigned(tag));
    if (OPAQUE.has(keyword)) {
      this.body(tag, []);
      return [gap(tag.source)];
    }
    throw new TemplateSyntaxError(`Unknown statement "${keyword}".`, tag.line);
  }

  /** A body up to `end…`, in a scope of its own where `bound` have unknown values. */
  private body(tag: Statement, bound: Iterable<string>): TemplateNodes {
    const closer = `end${keywordOf(tag)}`;
    const nodes = this.scoped(bound, () => this.sequence(tag, [closer]));
    this.next += 1;
    return nodes;
  }

  private scoped<T>(bound: Iterable<string>, read: () => T): T {
    const outside = this.bindings;
    this.bindings = new Map(outside);
    for (const name of bound) this.bindings.set(name, null);
    const result = read();
    // What was bound inside may or may not be visible outside; engines differ. So it is unknown.
    for (const [name, nodes] of this.bindings) {
      if (outside.has(name) && outside.get(name) !== nodes) outside.set(name, null);
    }
    this.bindings = outside;
    return result;
  }

  /** `with a = 1, b = c`: the names before each `=`. */
  private namesAssigned(tag: Statement): string[] {
    if (keywordOf(tag) !== 'with') return [];
    return [...tag.source.matchAll(/([a-z_]\w*)\s*=(?!=)/gi)].map(([, name]) => name ?? '');
  }

  private conditional(tag: Statement): TemplateNodes {
    const branches: TemplateNodes[] = [];
    const before = this.bindings;
    const after: Map<string, TemplateNodes | null>[] = [];
    let hasElse = false;
    for (let branch = tag; ; branch = this.tags[this.next - 1] as Statement) {
      const keyword = keywordOf(branch);
      if (keyword === 'endif') break;
      if (keyword === 'else') hasElse = true;
      else this.syntax(`{% ${branch.source.replace(/^el(?:se)?if/, 'if')} %}{% endif %}`, branch.source, branch.line);
      this.bindings = new Map(before);
      branches.push(this.sequence(tag, hasElse ? ['endif'] : ['elif', 'elseif', 'else', 'endif']));
      after.push(this.bindings);
      this.next += 1;
    }
    if (!hasElse) branches.push([]);
    this.bindings = agreed(before, hasElse ? after : [before, ...after]);
    return [choice(...branches)];
  }

  private loop(tag: Statement): TemplateNodes {
    // Neither parser knows the word, and nothing depends on it: what such a loop prints in depth is a call.
    const source = tag.source.replace(/\s+recursive$/, '');
    const header = this.scopedSyntax(`{% ${source} %}{% endfor %}`, tag);
    const iterable = /\bin\s+(.*?)(?:\s+if\s.*|\s+recursive\s*)?$/s.exec(tag.source)?.[1] ?? tag.source;
    // An assignment in a loop may show in the next turn, so the names are unknown in the body as well.
    const assigned = this.assignedBefore('for', 'endfor');
    const body = this.scoped([...header, ...assigned, 'loop'], () => this.sequence(tag, ['else', 'endfor']));
    const leaves = containsGap(body, ['break', 'continue']);
    const node = leaves ? gap(iterable) : repeat(iterable, body);
    const closer = this.tags[this.next] as Statement;
    this.next += 1;
    if (keywordOf(closer) === 'endfor') return [node];
    const otherwise = this.scoped([], () => this.sequence(tag, ['endfor']));
    this.next += 1;
    return [choice([node], otherwise)];
  }

  /** Notes what a loop's header reads, and returns the names it binds. */
  private scopedSyntax(tagSource: string, tag: Statement): string[] {
    const target = /^for\s+(.*?)\s+in\s/s.exec(tag.source)?.[1];
    if (target === undefined) throw new TemplateSyntaxError('"for" needs "name in values".', tag.line);
    const bound = target.match(/[a-z_]\w*/gi) ?? [];
    this.scoped(bound, () => this.syntax(tagSource, tag.source, tag.line));
    return bound;
  }

  /** Names that are set between here and the statement's end. */
  private assignedBefore(opener: string, closer: string): string[] {
    const names: string[] = [];
    let depth = 1;
    for (let at = this.next; at < this.tags.length && depth > 0; at += 1) {
      const tag = this.tags[at];
      if (tag?.kind !== 'statement') continue;
      const keyword = keywordOf(tag);
      if (keyword === opener) depth += 1;
      else if (keyword === closer) depth -= 1;
      else if (keyword === 'set') names.push(...assignedNames(tag.source));
    }
    return names;
  }

  private assignment(tag: Statement): TemplateNodes {
    const names = assignedNames(tag.source);
    const [name] = names;
    if (name === undefined) throw new TemplateSyntaxError('"set" needs a name.', tag.line);
    if (/^set\s[^=]*=/.test(tag.source)) {
      const value = tag.source.slice(tag.source.indexOf('=') + 1).trim();
      const isOne = names.length === 1 && /^set\s+[a-z_]\w*\s*=/i.test(tag.source);
      const nodes = isOne ? this.expression(value, tag.line) : null;
      if (!isOne) this.syntax(`{% ${tag.source} %}`, tag.source, tag.line);
      for (const bound of names) this.bindings.set(bound, isKnown(nodes) ? nodes : null);
    } else {
      const isFiltered = tag.source.includes('|');
      const nodes = this.body(tag, []);
      this.bindings.set(name, isFiltered ? null : nodes);
    }
    return [];
  }

  private macro(tag: Statement): TemplateNodes {
    const [name = '', ...parameters] = tag.source.replace(/^macro\s+/, '').match(/[a-z_]\w*/gi) ?? [];
    this.body(tag, [name, ...parameters, 'caller', 'varargs', 'kwargs']);
    this.bindings.set(name, null);
    return [];
  }
}

function keywordOf(tag: Statement): string {
  return /^[a-z_]\w*/i.exec(tag.source)?.[0] ?? '';
}

/** The names of `set a`, `set a, b = …`; of `set ns.field = …` the namespace. */
function assignedNames(source: string): string[] {
  const target = source.replace(/^set\s+/, '').split(/[=|]/, 1)[0] ?? '';
  return target.split(',').flatMap((part) => /[a-z_]\w*/i.exec(part)?.[0] ?? []);
}

/** What all paths agree on; a name bound differently, or only on some paths, is unknown. */
function agreed(
  before: ReadonlyMap<string, TemplateNodes | null>,
  paths: readonly ReadonlyMap<string, TemplateNodes | null>[],
): Map<string, TemplateNodes | null> {
  const result = new Map(before);
  for (const name of new Set(paths.flatMap((path) => [...path.keys()]))) {
    const [first] = paths;
    const same = paths.every((path) => path.has(name) && path.get(name) === first?.get(name));
    result.set(name, same ? (first?.get(name) ?? null) : null);
  }
  return result;
}

/** A single gap says nothing; then the name where it is printed says more than the source of its value. */
function isKnown(nodes: TemplateNodes | null): nodes is TemplateNodes {
  return nodes !== null && nodes.some((node) => node.kind !== 'gap');
}

function containsGap(nodes: TemplateNodes, names: readonly string[]): boolean {
  return nodes.some((node) => {
    if (node.kind === 'gap') return names.includes(node.name);
    if (node.kind === 'choice') return node.branches.some((branch) => containsGap(branch, names));
    return node.kind === 'repeat' && containsGap(node.body, names);
  });
}
