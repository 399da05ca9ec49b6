/** How much text a page of a list may hold. */

/** A thousand conversations are more than a string can hold, and their answer holds up all others. */
export const PAGE_CHARACTERS_MAX = 16_000_000;

/** Of all texts in it. */
export function charactersIn(value: unknown): number {
  if (typeof value === 'string') return value.length;
  if (value === null || typeof value !== 'object') return 0;
  return Object.values(value).reduce<number>((sum, nested) => sum + charactersIn(nested), 0);
}
