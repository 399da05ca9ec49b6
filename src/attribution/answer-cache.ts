/**
 * Answers to texts that were seen before: production repeats itself. Found by a hash, believed only
 * after the whole text was compared, so that no collision can borrow another text's answer. Bounded
 * without bookkeeping: where four texts have filled the places of a hash, one of them makes room.
 */

// With texts of a kilobyte this is up to 32 MB.
const PLACES = 1 << 15;
/** Places a hash may be in. With only one, of a thousand texts thirty would keep pushing each other out. */
const WAYS = 4;
const TEXT_CHARACTERS_MAX = 1 << 15;
const CHARACTERS_MAX = 1 << 25;

export class AnswerCache<Answer> {
  /** Of the text in each place, side by side: which text to look at is known before any is touched. */
  private readonly hashes = new Int32Array(PLACES);
  private readonly texts: (string | undefined)[] = Array.from({ length: PLACES }, () => undefined);
  private readonly answers: (Answer | undefined)[] = Array.from({ length: PLACES }, () => undefined);
  private characters = 0;
  private turn = 0;

  /** `hash` is the same for equal texts. */
  get(hash: number, text: string): Answer | undefined {
    const first = firstPlace(hash);
    for (let place = first; place < first + WAYS; place += 1) {
      if (this.hashes[place] === hash && this.texts[place] === text) return this.answers[place];
    }
    return undefined;
  }

  /** For a text that `get` does not know. */
  keep(hash: number, text: string, answer: Answer): void {
    if (text.length > TEXT_CHARACTERS_MAX) return;
    if (this.characters > CHARACTERS_MAX) this.clear();
    const place = this.placeFor(hash);
    this.characters += text.length - (this.texts[place]?.length ?? 0);
    this.hashes[place] = hash;
    this.texts[place] = text;
    this.answers[place] = answer;
  }

  clear(): void {
    this.texts.fill(undefined);
    this.answers.fill(undefined);
    this.characters = 0;
  }

  /** A free place, or one of the four in turn. */
  private placeFor(hash: number): number {
    const first = firstPlace(hash);
    for (let place = first; place < first + WAYS; place += 1) if (this.texts[place] === undefined) return place;
    this.turn = (this.turn + 1) % WAYS;
    return first + this.turn;
  }
}

function firstPlace(hash: number): number {
  return hash & (PLACES - WAYS);
}
