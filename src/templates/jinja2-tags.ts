/**
 * Splits Jinja2 source into text and tags exactly as Jinja2's own lexer does (jinja2/lexer.py):
 * line ends become `\n`, one trailing newline is dropped, `-` strips white space, `+` prevents
 * stripping, raw blocks are text. What is inside a tag is not looked at beyond strings and brackets.
 */

import { TemplateSyntaxError } from './template.ts';

export type Jinja2Tag =
  | { readonly kind: 'text'; readonly text: string; readonly line: number }
  | { readonly kind: 'expression'; readonly source: string; readonly line: number }
  | { readonly kind: 'statement'; readonly source: string; readonly line: number };

/** The two settings of a Jinja2 environment that change where white space goes. Both are off by default. */
export interface Jinja2Settings {
  readonly trimBlocks: boolean;
  readonly lstripBlocks: boolean;
}

export const JINJA2_DEFAULTS: Jinja2Settings = { trimBlocks: false, lstripBlocks: false };

/** What Jinja2's lexer does to a source before anything else. */
export function normaliseJinja2(text: string): string {
  return text.replace(/\r\n?/g, '\n').replace(/\n$/, '');
}

// Python's idea of white space, which is what `-` strips; it differs from JavaScript's in a few characters.
const SPACE = '[ \\t\\n\\v\\f\\r\\x1c-\\x1f\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]';
const LEADING_SPACE = new RegExp(`${SPACE}*`, 'y');
const SPACE_CHARACTER = new RegExp(SPACE);
const TAG_OPEN = /\{([{%#])([-+]?)/g;
const RAW_OPEN = new RegExp(`\\{%[-+]?${SPACE}*raw${SPACE}*(-%\\}${SPACE}*|%\\})`, 'y');
const RAW_CLOSE = new RegExp(`\\{%([-+]?)${SPACE}*endraw${SPACE}*(\\+%\\}|-%\\}|%\\})`, 'g');
const STRING = /'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"/sy;
const STRING_OR_SPACE = /('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")|\s+/gs;

/** What reads tags, here and in the parser of expressions, takes time with the square of this. */
const SPACES_IN_STRING_MAX = 200;
const TOO_MANY_SPACES = new RegExp(`\\s{${SPACES_IN_STRING_MAX + 1}}`);
/** Parsers of expressions go down, and back up, with the length of one. */
const TAG_CHARACTERS_MAX = 10_000;

const OPENERS = '([{';
const CLOSERS = ')]}';

export function scanJinja2(text: string, settings: Jinja2Settings = JINJA2_DEFAULTS): Jinja2Tag[] {
  return new TagScanner(normaliseJinja2(text), settings).scan();
}

class TagScanner {
  private readonly source: string;
  private readonly settings: Jinja2Settings;
  private readonly tags: Jinja2Tag[] = [];
  private position = 0;
  private line = 1;
  private counted = 0;

  constructor(source: string, settings: Jinja2Settings) {
    this.source = source;
    this.settings = settings;
  }

  scan(): Jinja2Tag[] {
    for (;;) {
      TAG_OPEN.lastIndex = this.position;
      const open = TAG_OPEN.exec(this.source);
      if (open === null) break;
      const [, type = '', sign = ''] = open;
      this.pushText(this.textBefore(open.index, type, sign));
      if (type === '#') this.skipComment(open.index);
      else if (type === '%' && this.isRaw(open.index)) this.readRaw();
      else this.readTag(open.index, open[0].length, type === '{' ? 'expression' : 'statement');
    }
    this.pushText(this.source.slice(this.position));
    return this.tags;
  }

  private lineAt(position: number): number {
    for (let at = this.source.indexOf('\n', this.counted); at !== -1 && at < position;) {
      this.line += 1;
      this.counted = at + 1;
      at = this.source.indexOf('\n', this.counted);
    }
    return this.line;
  }

  private pushText(text: string): void {
    if (text !== '') this.tags.push({ kind: 'text', text, line: this.line });
  }

  private textBefore(end: number, type: string, sign: string): string {
    const text = this.source.slice(this.position, end);
    if (sign === '-') return withoutTrailingSpace(text);
    if (sign === '+' || type === '{' || !this.settings.lstripBlocks) return text;
    const lineStart = text.lastIndexOf('\n') + 1;
    const startsLine = lineStart > 0 || this.position === 0 || this.source[this.position - 1] === '\n';
    return startsLine && withoutTrailingSpace(text.slice(lineStart)) === '' ? text.slice(0, lineStart) : text;
  }

  private skipComment(open: number): void {
    const close = this.source.indexOf('#}', open + 2);
    if (close === -1) throw new TemplateSyntaxError('This comment is never closed with "#}".', this.lineAt(open));
    this.position = close + 2;
    this.afterBlock(this.source[close - 1] ?? '');
  }

  /** White space that a closing tag takes with it; `sign` is what stands before its `%}` or `#}`. */
  private afterBlock(sign: string): void {
    if (sign === '-') this.skipSpace();
    else if (sign !== '+' && this.settings.trimBlocks && this.source[this.position] === '\n') this.position += 1;
  }

  private skipSpace(): void {
    LEADING_SPACE.lastIndex = this.position;
    this.position += LEADING_SPACE.exec(this.source)?.[0].length ?? 0;
  }

  private isRaw(open: number): boolean {
    RAW_OPEN.lastIndex = open;
    return RAW_OPEN.test(this.source);
  }

  private readRaw(): void {
    const start = RAW_OPEN.lastIndex;
    RAW_CLOSE.lastIndex = start;
    const close = RAW_CLOSE.exec(this.source);
    if (close === null) throw new TemplateSyntaxError('"raw" is never closed with "endraw".', this.lineAt(start));
    const [, sign = '', end = ''] = close;
    this.position = start;
    this.pushText(this.textBefore(close.index, '%', sign));
    this.position = RAW_CLOSE.lastIndex;
    this.afterBlock(end.charAt(0));
  }

  private readTag(open: number, openLength: number, kind: 'expression' | 'statement'): void {
    const line = this.lineAt(open);
    const close = kind === 'expression' ? '}}' : '%}';
    const end = this.tagEnd(open + openLength, close, line);
    const sign = this.source.charAt(end - 1);
    const signed = sign === '-' || (sign === '+' && kind === 'statement');
    const source = this.source.slice(open + openLength, signed ? end - 1 : end);
    this.tags.push({ kind, source: boundedSource(source.trim(), line), line });
    this.position = end + 2;
    if (kind === 'statement') this.afterBlock(sign);
    else if (sign === '-') this.skipSpace();
  }

  /** Position of the closing delimiter: not in a string, and not where a bracket is still open. */
  private tagEnd(start: number, close: string, line: number): number {
    let depth = 0;
    for (let at = start; at < this.source.length; at += 1) {
      const character = this.source.charAt(at);
      if (depth === 0 && this.source.startsWith(close, at)) return at;
      if (character === '"' || character === "'") {
        STRING.lastIndex = at;
        if (!STRING.test(this.source)) throw new TemplateSyntaxError('A string is never closed.', line);
        at = STRING.lastIndex - 1;
      } else if (OPENERS.includes(character)) {
        depth += 1;
      } else if (CLOSERS.includes(character)) {
        depth -= 1;
        if (depth < 0) throw new TemplateSyntaxError(`Unexpected "${character}".`, line);
      }
    }
    throw new TemplateSyntaxError(`This tag is never closed with "${close}".`, line);
  }
}

/** A pattern that ends with the text would look for its end from each of many spaces. */
function withoutTrailingSpace(text: string): string {
  let end = text.length;
  while (end > 0 && SPACE_CHARACTER.test(text.charAt(end - 1))) end -= 1;
  return text.slice(0, end);
}

/** A tag's source as good as it was: between its words one space is as many. Throws for one that is too long. */
function boundedSource(source: string, line: number): string {
  const result = source.replace(STRING_OR_SPACE, (_all, string: string | undefined) => string ?? ' ');
  if (result.length > TAG_CHARACTERS_MAX)
    throw new TemplateSyntaxError(`A tag has more than ${TAG_CHARACTERS_MAX} characters.`, line);
  if (!TOO_MANY_SPACES.test(result)) return result;
  throw new TemplateSyntaxError(`A string in a tag has more than ${SPACES_IN_STRING_MAX} spaces in a row.`, line);
}
