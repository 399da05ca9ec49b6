/**
 * What is wrong with the store and the spool as the parts of the ingest meet it. Each tells of
 * itself, and one that gets through again does not speak for the others: outwards each trouble
 * begins once, and all is well when the last has ended.
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

  /** Of a part that is no more. That it is gone does not mean that all is well, so nothing is said. */
  forget(part: string): void {
    this.#byPart.delete(part);
  }

  /** For one part to tell by. */
  of(part: string): OnTrouble {
    return (problem) => {
      if (problem === null) {
        if (this.#byPart.delete(part) && this.#byPart.size === 0) this.#onTrouble(null);
        return;
      }
      const isNews = !this.#byPart.has(part) && !this.problems.includes(problem);
      this.#byPart.set(part, problem);
      if (isNews) this.#onTrouble(problem);
    };
  }
}
