/**
 * Answers to texts that were seen before: production repeats itself. Found by a hash, believed only
 * after the whole text was compared, so that no collision can borrow another text's answer. One
 * place for each hash, the newer text stays: bounded without bookkeeping.
 */

// With texts of a kilobyte this is up to 32 MB.
const PLACES = 1 << 15;
const TEXT_CHARACTERS_MAX = 1 << 15;
const CHARACTERS_MAX = 1 << 25;

export class AnswerCache<Answer> {
  private readonly texts: (string | undefined)[] = Array.from({ length: PLACES }, () => undefined);
  private readonly answers: (Answer | undefined)[] = Array.from({ length: PLACES }, () => undefined);
  private characters = 0;

  /** `hash` is the same for equal texts. */
  get(hash: number, text: string): Answer | undefined {
    const place = hash & (PLACES - 1);
    return this.texts[place] === text ? this.answers[place] : undefined;
  }

  keep(hash: number, text: string, answer: Answer): void {
    if (text.length > TEXT_CHARACTERS_MAX) return;
    if (this.characters > CHARACTERS_MAX) this.clear();
    const place = hash & (PLACES - 1);
    this.characters += text.length - (this.texts[place]?.length ?? 0);
    this.texts[place] = text;
    this.answers[place] = answer;
  }

  clear(): void {
    this.texts.fill(undefined);
    this.answers.fill(undefined);
    this.characters = 0;
  }
}
