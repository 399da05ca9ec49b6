/**
 * What is wrong with the store as the parts of the ingest meet it. Each tells of itself, and one
 * that gets through again does not speak for the others; outwards it is one trouble, which begins
 * with the first of them and ends with the last.
 */

/** Null when it works again. Telling the same again is harmless. */
export type OnTrouble = (problem: string | null) => void;

export class Troubles {
  readonly #onTrouble: OnTrouble;
  readonly #byPart = new Map<string, string>();

  constructor(onTrouble: OnTrouble) {
    this.#onTrouble = onTrouble;
  }

  /** What is wrong now. */
  get problems(): readonly string[] {
    return [...new Set(this.#byPart.values())];
  }

  /** For one part to tell by. */
  of(part: string): OnTrouble {
    return (problem) => {
      const before = this.#byPart.size;
      if (problem === null) this.#byPart.delete(part);
      else this.#byPart.set(part, problem);
      if (before === 0 && problem !== null) this.#onTrouble(problem);
      if (before > 0 && this.#byPart.size === 0) this.#onTrouble(null);
    };
  }
}
