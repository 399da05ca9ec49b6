/**
 * Regular expressions that somebody else wrote, and that run over texts of anybody. A pattern such as
 * `(\w+\s?)+@` takes longer than the universe for some texts. V8 can go on with an engine that is
 * linear in the text, once one has gone back and forth too often, for patterns that this engine can
 * do; of the others those are refused that repeat what repeats.
 */

import { setFlagsFromString } from 'node:v8';

// Where the flags are known to exist and to do this.
const V8_MAJOR = '13';
const FALL_BACK = '--enable-experimental-regexp-engine-on-excessive-backtracks';
/** While it is allowed, the flag `l` asks for the linear engine, and is an error where that can't do it. */
const ALLOW_LINEAR = '--enable-experimental-regexp-engine';
const FORBID_LINEAR = '--no-enable-experimental-regexp-engine';
const LINEAR = 'gl';
/** What means something else to the linear engine, which knows no flag `u`. */
const NEEDS_UNICODE = /\\[pPu]\{/;

/** Global. Throws a SyntaxError that says what is wrong with the pattern, or why it may never end. */
export function boundedPattern(source: string, v8Version = process.versions.v8): RegExp {
  // Strict about escapes, which may otherwise mean anything.
  const strict = new RegExp(source, 'gu');
  if (v8Version.split('.', 1)[0] === V8_MAJOR && !NEEDS_UNICODE.test(source) && isLinear(source)) {
    setFlagsFromString(FALL_BACK);
    return new RegExp(source, 'g');
  }
  if (repeatsWhatVaries(source))
    throw new SyntaxError('it may never end: it repeats a group in which something repeats or is one of several');
  return strict;
}

function isLinear(source: string): boolean {
  setFlagsFromString(ALLOW_LINEAR);
  try {
    RegExp(source, LINEAR);
    return true;
  } catch {
    return false;
  } finally {
    setFlagsFromString(FORBID_LINEAR);
  }
}

/** Of a valid pattern: whether a group with a quantifier or an alternative in it has a quantifier itself. */
function repeatsWhatVaries(source: string): boolean {
  const groups = [{ varies: false }];
  for (const [token] of source.matchAll(TOKENS)) {
    const group = groups.at(-1) as { varies: boolean };
    if (token.startsWith('(')) groups.push({ varies: false });
    else if (token.startsWith(')')) {
      groups.pop();
      const isRepeated = token.length > 1;
      if (isRepeated && group.varies) return true;
      if (isRepeated || group.varies) (groups.at(-1) as { varies: boolean }).varies = true;
    } else if (/^[*+?{|]/.test(token)) group.varies = true;
  }
  return false;
}

/** Escapes and classes as a whole, a group's beginning with its kind, its end with what repeats it. */
const TOKENS = /\\.|\[(?:\\.|[^\]\\])*\]|\((?:\?(?:<?[=!]|:|<\w+>))?|\)(?:[*+]|\{\d+,?\d*\})?|\{\d+,?\d*\}|[*+?|]/gsu;
