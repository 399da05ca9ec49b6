/**
 * Reads one YAML 1.2 document and remembers where everything stands in the file, so that every
 * later complaint can name a line. Strict: duplicate keys, custom tags, several documents and
 * alias bombs are problems, never surprises. Size, depth and alias count are bounded.
 */

import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type Document,
  type Node,
  type Scalar,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import type { Problem } from './problems.ts';

export const YAML_LIMITS = {
  /** A hand-written file of a megabyte is a mistake. */
  textBytesMax: 1024 * 1024,
  depthMax: 64,
  /** Of the `yaml` package: how often anchors may be repeated, nested repetitions multiplied. */
  aliasCountMax: 100,
  problemsMax: 50,
} as const;

const TOO_DEEP = `is nested deeper than ${YAML_LIMITS.depthMax} levels.`;

/** Both from 1, as editors count; columns in UTF-16 units. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export type YamlPath = readonly (string | number)[];

export interface YamlDocument {
  readonly file: string;
  /** Plain JSON-like value; `null` for an empty file, `undefined` when `problems` is not empty. */
  readonly value: unknown;
  /** What is wrong with the YAML itself. */
  readonly problems: readonly Problem[];
  /**
   * Where the key (or list entry) at `path` stands. For a path that does not exist: the nearest
   * part that does.
   */
  locate(path: YamlPath): Position;
  /** Where the value at `path` starts, e.g. behind the colon. */
  locateValue(path: YamlPath): Position;
  /**
   * Where line `line`, column `column` (both from 1) of the multi-line text at `path` stands in the
   * file. Exact for `|` blocks and for texts on one line; for folded and escaped texts it is the
   * place where the text starts.
   */
  locateInText(path: YamlPath, line: number, column: number): Position;
  /** The scalar at `path` as it is spelled in the file (`1.10`, not 1.1); null when it is no scalar. */
  spelling(path: YamlPath): string | null;
}

/** Never throws for any text. */
export function parseYaml(text: string, file: string, bytesMax: number = YAML_LIMITS.textBytesMax): YamlDocument {
  if (text.length > bytesMax) return broken(file, `is larger than ${Math.floor(bytesMax / 1024)} KiB.`);
  if (nestsTooDeeply(text)) return broken(file, TOO_DEEP);
  const lineCounter = new LineCounter();
  const parsed = parseDocument(text, {
    lineCounter,
    prettyErrors: false,
    strict: true,
    // Quadratic in the package (a minute for 60,000 keys); `#structureProblems` does it in one pass.
    uniqueKeys: false,
    stringKeys: true,
    // `<<: *anchor`, which is how operators write what several entries have in common.
    merge: true,
    resolveKnownTags: false,
    logLevel: 'error',
  });
  const conflict = text.search(/^<{7} /m);
  if (parsed.errors.length > 0 && conflict !== -1 && /^={7}$/m.test(text) && /^>{7} /m.test(text))
    return broken(file, 'holds a merge conflict that nobody resolved.', text.slice(0, conflict).split('\n').length);
  return new ParsedYaml(file, text, parsed, lineCounter);
}

class ParsedYaml implements YamlDocument {
  readonly file: string;
  readonly value: unknown;
  readonly problems: readonly Problem[];
  readonly #text: string;
  readonly #document: Document.Parsed;
  readonly #lineCounter: LineCounter;

  constructor(file: string, text: string, document: Document.Parsed, lineCounter: LineCounter) {
    this.file = file;
    this.#text = text;
    this.#document = document;
    this.#lineCounter = lineCounter;
    // Warnings are unresolved tags and directives of other YAML versions: never meant.
    const reported = [...document.errors, ...document.warnings].slice(0, 4 * YAML_LIMITS.problemsMax);
    const syntax = reported.map((error): Problem => ({
      file,
      ...this.#position(error.pos[0]),
      field: '',
      message: explain(error),
    }));
    // The parser says several things about one place; the first is the one to mend.
    const errors = [...syntax, ...this.#structureProblems()]
      .filter(({ line, column }, index, all) => all.findIndex((p) => p.line === line && p.column === column) === index)
      .slice(0, YAML_LIMITS.problemsMax);
    const [value, bomb] = errors.length === 0 ? this.#toValue() : [undefined, null];
    this.problems = bomb === null ? errors : [bomb];
    this.value = value;
  }

  locate(path: YamlPath): Position {
    return this.#position(this.#walk(path).keyOffset);
  }

  locateValue(path: YamlPath): Position {
    const { node, keyOffset } = this.#walk(path);
    return this.#position(node?.range?.[0] ?? keyOffset);
  }

  locateInText(path: YamlPath, line: number, column: number): Position {
    const { node, complete, keyOffset } = this.#walk(path);
    if (!complete || !isScalar(node) || node.range === undefined || node.range === null) {
      return this.#position(keyOffset);
    }
    const start = this.#position(node.range[0]);
    if (node.type === 'BLOCK_LITERAL') {
      const contentLine = start.line + line;
      return { line: contentLine, column: this.#indentOfBlock(node, start.line) + column };
    }
    const spelled = this.#text.slice(node.range[0], node.range[1]);
    if (line !== 1 || spelled.includes('\n') || node.type === 'BLOCK_FOLDED') return start;
    const quote = node.type === 'PLAIN' ? 0 : 1;
    return { line: start.line, column: start.column + quote + column - 1 };
  }

  spelling(path: YamlPath): string | null {
    const { node, complete } = this.#walk(path);
    if (!complete || !isScalar(node) || node.range === undefined || node.range === null) return null;
    return this.#text.slice(node.range[0], node.range[1]);
  }

  /** Columns that YAML strips from each line of a `|` block: those of its first line that is not empty. */
  #indentOfBlock(node: Scalar, headerLine: number): number {
    const lines = typeof node.value === 'string' ? node.value.split('\n') : [];
    const index = lines.findIndex((candidate) => candidate.trim() !== '');
    if (index === -1) return 0;
    const start = this.#lineCounter.lineStarts[headerLine + index] ?? 0;
    const spelled = this.#text.slice(start, start + 1000);
    const spaces = spelled.length - spelled.trimStart().length;
    const own = (lines[index] ?? '').length - (lines[index] ?? '').trimStart().length;
    return Math.max(0, spaces - own);
  }

  #toValue(): [unknown, Problem | null] {
    try {
      return [this.#document.toJS({ maxAliasCount: YAML_LIMITS.aliasCountMax }), null];
    } catch (error) {
      const message =
        error instanceof ReferenceError
          ? `repeats anchors (&name, *name) more than ${YAML_LIMITS.aliasCountMax} times: write the content out.`
          : `can't be read: ${error instanceof Error ? error.message : String(error)}`;
      return [undefined, { file: this.file, line: 1, column: 1, field: '', message }];
    }
  }

  /** Duplicate keys, aliases that lead nowhere or in a circle, and too many levels. */
  #structureProblems(): Problem[] {
    const problems: Problem[] = [];
    const add = (offset: number, message: string): void => {
      if (problems.length < YAML_LIMITS.problemsMax) {
        problems.push({ file: this.file, ...this.#position(offset), field: '', message });
      }
    };
    const descend = (collection: YAMLMap | YAMLSeq, ancestors: number): typeof visit.BREAK | undefined => {
      // Ancestors are the document, collections and pairs.
      if (ancestors <= 2 * YAML_LIMITS.depthMax) return undefined;
      add(collection.range?.[0] ?? 0, TOO_DEEP);
      return visit.BREAK;
    };
    visit(this.#document, {
      Map: (_key, map, path) => {
        for (const key of duplicateKeys(map)) add(key.range?.[0] ?? 0, explainDuplicate(String(key.value)));
        return descend(map, path.length);
      },
      Seq: (_key, list, path) => descend(list, path.length),
      Alias: (_key, alias) => {
        const offset = alias.range?.[0] ?? 0;
        const message = problemOfAlias(alias.source, offset, alias.resolve(this.#document));
        if (message !== null) add(offset, message);
      },
    });
    return problems;
  }

  #walk(path: YamlPath): { node: Node | null; keyOffset: number; complete: boolean } {
    let node: Node | null = this.#document.contents;
    let keyOffset = node?.range?.[0] ?? 0;
    for (const step of path) {
      if (isAlias(node)) node = node.resolve(this.#document) ?? null;
      if (isMap(node)) {
        const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(step));
        if (pair === undefined) return { node, keyOffset, complete: false };
        keyOffset = (pair.key as Scalar).range?.[0] ?? keyOffset;
        node = pair.value as Node | null;
      } else if (isSeq(node)) {
        const item: unknown = node.items[Number(step)];
        if (item === undefined) return { node, keyOffset, complete: false };
        node = item as Node | null;
        keyOffset = node?.range?.[0] ?? keyOffset;
      } else {
        return { node, keyOffset, complete: false };
      }
    }
    if (isAlias(node)) node = node.resolve(this.#document) ?? null;
    return { node, keyOffset, complete: true };
  }

  #position(offset: number): Position {
    const { line, col } = this.#lineCounter.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  }
}

function broken(file: string, message: string, line = 1): YamlDocument {
  const start: Position = { line, column: 1 };
  return {
    file,
    value: undefined,
    problems: [{ file, ...start, field: '', message }],
    locate: () => start,
    locateValue: () => start,
    locateInText: () => start,
    spelling: () => null,
  };
}

/**
 * A cheap upper bound before the real parser, which takes quadratic time on deep flow nesting:
 * true only when brackets or `- - -` openings pile up beyond what any real file has.
 */
function nestsTooDeeply(text: string): boolean {
  if (/(?:[-?:] ){65}/.test(text) || /^ {500}/m.test(text)) return true;
  return /(?:[[{]\s*){65}/.test(text);
}

function duplicateKeys(map: YAMLMap): Scalar[] {
  const seen = new Set<string>();
  const duplicates: Scalar[] = [];
  for (const { key } of map.items) {
    if (!isScalar(key)) continue;
    const name = String(key.value);
    if (seen.has(name)) duplicates.push(key);
    seen.add(name);
  }
  return duplicates;
}

function explainDuplicate(key: string): string {
  return `the key ${JSON.stringify(key.slice(0, 80))} occurs twice in the same map: remove one.`;
}

function problemOfAlias(name: string, offset: number, anchored: Node | undefined): string | null {
  if (anchored === undefined)
    return `*${name} names no anchor (&${name}) above it. A text that starts with * needs quotes.`;
  const [start, , end] = anchored.range ?? [0, 0, 0];
  return start <= offset && offset < end ? `*${name} stands inside what it repeats.` : null;
}

/** The parser's words, ending as a sentence; the commonest mistakes get a hint. */
function explain(error: { readonly code: string; readonly message: string }): string {
  // The parser quotes the file, which may be long.
  const message = error.message.slice(0, 200).replace(/\s+/g, ' ').trim();
  switch (error.code) {
    case 'TAG_RESOLVE_FAILED':
      return `${sentence(message)} Tags (!name) are not allowed here: write a plain value.`;
    case 'TAB_AS_INDENT':
      return 'a tab can not indent YAML: use spaces.';
    case 'MULTIPLE_DOCS':
      return 'holds several YAML documents (---): one file is one document.';
    case 'NON_STRING_KEY':
      return 'a key must be a plain word. A text that starts with { or [ needs quotes or a | block.';
    case 'BLOCK_AS_IMPLICIT_KEY':
      return `${sentence(message)} A text that holds ": " needs quotes or a | block.`;
    case 'BAD_SCALAR_START':
      return `${sentence(message)} Put the text in quotes.`;
    case 'RESOURCE_EXHAUSTION':
      return TOO_DEEP;
    default:
      return sentence(message);
  }
}

function sentence(message: string): string {
  return /[.!?]$/.test(message) ? message : `${message}.`;
}
