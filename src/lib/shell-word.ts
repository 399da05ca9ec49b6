/** Commands that people copy into a shell. */

/** As a shell takes it for one word: registries elsewhere let a prompt be called anything, and so do file systems. */
export function shellWord(word: string): string {
  return /^[\w./:@+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
