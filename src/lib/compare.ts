/** The order of texts by their UTF-16 units, as `<` has it: the same everywhere, whatever the language. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
