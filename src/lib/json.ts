/** JSON with one spelling for one value, so that equal values have equal hashes. */

/** Object keys sorted, no white space. `undefined` fields are left out, as in JSON. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, nested: unknown) => {
    if (nested === null || typeof nested !== 'object' || Array.isArray(nested)) return nested;
    return Object.fromEntries(Object.entries(nested).toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
  });
}
