/**
 * Answers to texts that were seen before: production repeats itself. Found by a hash, believed only
 * after the whole text was compared, so that no crafted collision can borrow another text's answer.
 * One place for each hash, the newer text stays: bounded without bookkeeping.
 */

// With texts of a kilobyte or two this is up to 64 MB.
const PLACES = 1 << 15;
const TEXT_CHARACTERS_MAX = 1 << 15;
const CHARACTERS_MAX = 1 << 25;

export class AnswerCache<Answer> {
  private readonly texts: (string | undefined)[] = Array.from({ length: PLACES }, () => undefined);
  private readonly answers: (Answer | undefined)[] = Array.from({ length: PLACES }, () => undefined);
  private readonly scratch = Buffer.from(new ArrayBuffer(TEXT_CHARACTERS_MAX * 3 + 8));
  private readonly words = new Int32Array(this.scratch.buffer);
  // Differs from process to process, so that collisions can't be prepared.
  private readonly seed = Math.floor(Math.random() * 2 ** 32) | 0;
  private characters = 0;
  /** Where the text that was looked up last belongs. */
  private place = -1;

  get(text: string): Answer | undefined {
    this.place = this.placeOf(text);
    return this.place >= 0 && this.texts[this.place] === text ? this.answers[this.place] : undefined;
  }

  /** Keeps the answer to the text that `get` was last called with. */
  keep(text: string, answer: Answer): void {
    if (this.place < 0) return;
    if (this.characters > CHARACTERS_MAX) this.clear();
    this.characters += text.length - (this.texts[this.place]?.length ?? 0);
    this.texts[this.place] = text;
    this.answers[this.place] = answer;
  }

  clear(): void {
    this.texts.fill(undefined);
    this.answers.fill(undefined);
    this.characters = 0;
  }

  private placeOf(text: string): number {
    if (text.length > TEXT_CHARACTERS_MAX) return -1;
    const size = this.scratch.write(text, 0, 'utf8');
    // The bytes behind the text are another text's: they must not count.
    this.scratch.fill(0, size, size + 8);
    const { words } = this;
    let a = this.seed;
    let b = size;
    for (let at = 0; at * 4 < size; at += 2) {
      a = Math.imul(a ^ (words[at] as number), 0x9e3779b1);
      b = Math.imul(b ^ (words[at + 1] as number), 0x85ebca6b);
      a ^= a >>> 15;
      b ^= b >>> 13;
    }
    const hash = Math.imul(a ^ (b << 7) ^ (b >>> 9), 0x2c1b3c6d);
    return (hash ^ (hash >>> 15)) & (PLACES - 1);
  }
}
