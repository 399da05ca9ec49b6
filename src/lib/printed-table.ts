/**
 * A table of strings that is looked up by a print of each, made of a few of its characters. For
 * tables of a hundred thousand strings, most of which never come again: a look for one that is not there
 * reads one number, where a `Map` hashes the whole string and then follows its chain through memory.
 */

const SLOTS_MIN = 256;
// Strings that were made to share a print may not make everybody's look-ups long: the last of so many is replaced.
const PROBES_MAX = 32;

/** A print is any number made of the string, the same each time; strings of one table should seldom share it. */
export class PrintedTable<Value> {
  /** 0 is an empty slot. A power of two of them, at most half of them full. */
  #prints = new Uint32Array(SLOTS_MIN);
  #keys: string[] = [];
  #values: Value[] = [];
  /** Of each slot, where its key and its value are. */
  #places = new Uint32Array(SLOTS_MIN);

  get size(): number {
    return this.#keys.length;
  }

  get(key: string, print: number): Value | undefined {
    const slot = this.#slotOf(nonZero(print), key);
    if (this.#prints[slot] === 0) return undefined;
    const place = this.#places[slot] as number;
    // The last slot that is tried may be somebody else's.
    return this.#keys[place] === key ? this.#values[place] : undefined;
  }

  set(key: string, value: Value, ofKey: number): void {
    if (this.#keys.length * 2 >= this.#prints.length) this.#grow();
    const print = nonZero(ofKey);
    const slot = this.#slotOf(print, key);
    if (this.#prints[slot] === 0) {
      this.#prints[slot] = print;
      this.#places[slot] = this.#keys.length;
      this.#keys.push(key);
      this.#values.push(value);
      return;
    }
    const place = this.#places[slot] as number;
    this.#prints[slot] = print;
    this.#keys[place] = key;
    this.#values[place] = value;
  }

  /** Where the key is, or would be put. */
  #slotOf(print: number, key: string): number {
    const prints = this.#prints;
    const mask = prints.length - 1;
    let slot = firstSlot(print) & mask;
    for (let probe = 1; probe < PROBES_MAX; probe += 1, slot = (slot + 1) & mask) {
      const found = prints[slot];
      if (found === 0 || (found === print && this.#keys[this.#places[slot] as number] === key)) return slot;
    }
    return slot;
  }

  #grow(): void {
    const [prints, places] = [this.#prints, this.#places];
    this.#prints = new Uint32Array(prints.length * 2);
    this.#places = new Uint32Array(prints.length * 2);
    const mask = this.#prints.length - 1;
    for (let from = 0; from < prints.length; from += 1) {
      const print = prints[from] as number;
      if (print === 0) continue;
      let slot = firstSlot(print) & mask;
      while (this.#prints[slot] !== 0) slot = (slot + 1) & mask;
      this.#prints[slot] = print;
      this.#places[slot] = places[from] as number;
    }
  }
}

function nonZero(print: number): number {
  return print >>> 0 || 1;
}

/** Prints may differ in their high bits only. */
function firstSlot(print: number): number {
  return Math.imul(print, 0x9e37_79b1) >>> 7;
}

const SAMPLES = 16;

/** Of a text: its length, and characters from all over it, most of them near its end. */
export function printOfText(text: string): number {
  const { length } = text;
  const step = Math.max(1, length >>> 4);
  let print = length;
  for (let at = 0; at < length; at += step) print = Math.imul(print ^ text.charCodeAt(at), 0x0100_0193);
  for (let at = Math.max(0, length - SAMPLES); at < length; at += 1) {
    print = Math.imul(print ^ text.charCodeAt(at), 0x0100_0193);
  }
  return print ^ (print >>> 15);
}

const HEX_DIGITS = 8;

/** Of a hash in hexadecimal: its last digits. Its first ones may be those of others too. */
export function printOfHash(hash: string): number {
  let print = 0;
  for (let at = Math.max(0, hash.length - HEX_DIGITS); at < hash.length; at += 1) {
    const code = hash.charCodeAt(at);
    print = (print << 4) | ((code & 15) + (code >>> 6) * 9);
  }
  return print;
}
