/**
 * What libraries write to the console by themselves. Between the log's lines of JSON it would be read by nobody, and it
 * knows no secrets that must be blanked out.
 */

import { format } from 'node:util';

const METHODS = ['log', 'info', 'warn', 'error'] as const;
/** Some texts are never twice the same. */
const TEXTS_MAX = 200;

/** From now on `tell` gets it, each text once. Returns what gives the console back. */
export function takeConsole(tell: (text: string) => void): () => void {
  const told = new Set<string>();
  const before = METHODS.map((method) => [method, console[method]] as const);
  for (const method of METHODS) {
    console[method] = (...args: readonly unknown[]) => {
      const text = format(...args);
      if (told.has(text) || told.size >= TEXTS_MAX) return;
      told.add(text);
      tell(text);
      if (told.size === TEXTS_MAX)
        tell(`Libraries wrote ${TEXTS_MAX} different lines. What else they write is left out.`);
    };
  }
  return () => {
    for (const [method, original] of before) console[method] = original;
  };
}
