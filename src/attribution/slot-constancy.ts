/**
 * What the values of one variable have in common. An edit beside a variable leaves the text a render
 * of the registered version, with the edit as part of the value; but it stands in every call, whatever
 * else the value is. Pure: what that means is decided in `src/drift/hidden-edit.ts`.
 */

/** What filled a variable in one call. */
export interface SlotValue {
  /** Null where the content policy keeps hashes only. */
  readonly text: string | null;
  /** Of values without a text: a byte of the hash of how they begin and end. */
  readonly startByte: number;
  readonly endByte: number;
}

export const PLACES = ['start', 'end', 'inside'] as const;
export type Place = (typeof PLACES)[number];

/** `words` is null where texts were not kept: some dozen characters are the same, by a byte of their hash. */
export type SharedWords =
  | { readonly where: Place; readonly words: string }
  | { readonly where: Place; readonly words: null; readonly byte: number };

// A single odd call hides nothing: what nine of ten values share is shared.
export const SHARE_MIN = 0.9;
// A shorter fragment may be what such values are like (`https://` has eight characters); longer ones
// inside, because there are many places for a coincidence.
const EDGE_CHARACTERS_MIN = 9;
const INSIDE_CHARACTERS_MIN = 14;
// What a value is cut to where it is long; see `src/ingest/content/variables.ts`.
const CUT_MARK = /\n\[cut: \d+ characters in all, sha256:[0-9a-f]{64}\]\n/;

/** The longest words that nearly all of these values begin with, end with or contain; null if there are none so long. */
export function sharedWords(
  values: readonly SlotValue[],
  where: Place,
  charactersMin = where === 'inside' ? INSIDE_CHARACTERS_MIN : EDGE_CHARACTERS_MIN,
): SharedWords | null {
  const texts = values.flatMap(({ text }) => text ?? []);
  if (texts.length < values.length) return texts.length === 0 ? sharedByte(values, where) : null;
  const words =
    where === 'start'
      ? sharedStart(texts)
      : where === 'end'
        ? reversed(sharedStart(texts.map(reversed)))
        : sharedInside(texts);
  return isLongEnough(words, charactersMin) ? { where, words } : null;
}

export function isLongEnough(words: string, charactersMin = EDGE_CHARACTERS_MIN): boolean {
  return words.trim().length >= charactersMin;
}

/** Whether a value has these words there. Numbers count as equal: a date is another one every day. */
export function hasWords(value: SlotValue, shared: SharedWords): boolean {
  if (value.text === null || shared.words === null) {
    if (value.text !== null || shared.words !== null) return false;
    return (shared.where === 'start' ? value.startByte : value.endByte) === shared.byte;
  }
  const text = withoutNumbers(value.text);
  const words = withoutNumbers(shared.words);
  if (shared.where === 'start') return text.startsWith(words);
  return shared.where === 'end' ? text.endsWith(words) : text.includes(words);
}

export function withoutNumbers(text: string): string {
  return text.replaceAll(/\d/g, '0');
}

/** In sorted order those that begin alike are neighbours: the longest beginning of enough neighbours. */
function sharedStart(texts: readonly string[]): string {
  const sorted = texts.toSorted();
  const enough = Math.ceil(sorted.length * SHARE_MIN);
  let longest = '';
  for (let first = 0; first + enough <= sorted.length; first += 1) {
    const [a, b] = [sorted[first] as string, sorted[first + enough - 1] as string];
    const length = sharedLength(a, b);
    if (length > longest.length) longest = a.slice(0, length);
  }
  return longest;
}

function sharedLength(a: string, b: string): number {
  const limit = Math.min(a.length, b.length);
  let length = 0;
  while (length < limit && a.charCodeAt(length) === b.charCodeAt(length)) length += 1;
  return length;
}

function reversed(text: string): string {
  let result = '';
  for (let at = text.length - 1; at >= 0; at -= 1) result += text.charAt(at);
  return result;
}

function sharedByte(values: readonly SlotValue[], where: Place): SharedWords | null {
  if (where === 'inside') return null;
  const bytes = values.map(({ startByte, endByte }) => (where === 'start' ? startByte : endByte));
  for (const [byte, same] of Map.groupBy(bytes, (each) => each)) {
    if (same.length >= values.length * SHARE_MIN) return { where, words: null, byte };
  }
  return null;
}

/** Runs of a fixed length that enough values have; those that overlap are joined to the longest fragment. */
function sharedInside(texts: readonly string[]): string {
  const enough = Math.ceil(texts.length * SHARE_MIN);
  const counts = new Map<string, number>();
  for (const [index, text] of texts.entries()) {
    for (const run of runsOf(text)) {
      const count = counts.get(run) ?? 0;
      // What this many have missed can't be had by enough of them any more.
      if (count + texts.length - index >= enough) counts.set(run, count + 1);
    }
  }
  return longestOf([...counts].flatMap(([run, count]) => (count >= enough ? [run] : [])));
}

function runsOf(text: string): Set<string> {
  const runs = new Set<string>();
  for (const piece of text.split(CUT_MARK)) {
    for (let at = 0; at + INSIDE_CHARACTERS_MIN <= piece.length; at += 1) {
      runs.add(piece.slice(at, at + INSIDE_CHARACTERS_MIN));
    }
  }
  return runs;
}

/** Runs overlap by all but one character: joined again, they are the fragment they were cut from. */
function longestOf(runs: readonly string[]): string {
  const byBeginning = new Map(runs.map((run) => [run.slice(0, -1), run]));
  const isContinuation = new Set(runs.map((run) => run.slice(1)));
  let longest = '';
  for (const run of runs) {
    // Start where nothing leads in.
    if (isContinuation.has(run.slice(0, -1))) continue;
    let joined = run;
    const used = new Set([run]);
    let next = byBeginning.get(joined.slice(1 - INSIDE_CHARACTERS_MIN));
    while (next !== undefined && !used.has(next)) {
      used.add(next);
      joined += next.at(-1) ?? '';
      next = byBeginning.get(joined.slice(1 - INSIDE_CHARACTERS_MIN));
    }
    if (joined.length > longest.length) longest = joined;
  }
  return longest;
}
