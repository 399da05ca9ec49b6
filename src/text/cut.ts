/** Shortens what is longer than there is room for. Pure. */

/** At most so many characters, the last of which says that there was more. */
export function cut(text: string, charactersMax: number): string {
  return text.length <= charactersMax ? text : `${text.slice(0, charactersMax - 1)}…`;
}
