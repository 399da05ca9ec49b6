/** JSON with one spelling for one value, so that equal values have equal hashes. */

import { compareText } from './compare.ts';

/** Object keys sorted, no white space. `undefined` fields are left out, as in JSON. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, nested: unknown) => {
    if (nested === null || typeof nested !== 'object' || Array.isArray(nested)) return nested;
    return Object.fromEntries(Object.entries(nested).toSorted(([a], [b]) => compareText(a, b)));
  });
}

/** Printable ASCII without what JSON escapes. */
const PLAIN = /^[ !#-[\]-~]*$/;

/** As `JSON.stringify` writes it; names and ids, in which nothing has to be escaped, without asking it. */
export function jsonText(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text);
}
