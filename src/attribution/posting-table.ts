/**
 * From a 32-bit hash to a list of numbers: open addressing in typed arrays behind a filter that
 * fits in the cache, because nearly every hash that is asked for is not there. What is read
 * together lies together: a look-up that succeeds costs one cache miss behind the filter's.
 */

// Two bits set out of sixteen for each key: of the hashes that are not there about two in a hundred pass.
const FILTER_BITS_PER_KEY = 16;
const SLOTS_AT_FIRST = 64;

// A slot is a key, 0 if it is empty; the key's first value; and minus the number of its next posting, 0 if there is none.
const VALUE = 1;
const NEXT = 2;
const SLOT_SIZE = 3;

export class PostingTable {
  private slots = new Int32Array(SLOTS_AT_FIRST * SLOT_SIZE);
  private slotMask = SLOTS_AT_FIRST - 1;
  private keyCount = 0;
  private filter = new Int32Array((SLOTS_AT_FIRST * FILTER_BITS_PER_KEY) / 2 / 32);
  /** Of keys with several values all but the first: a value, and minus the number of the next posting. */
  private postings = new Int32Array(64);
  private postingCount = 1;

  /** Whether the hash may be there; cheap, and never wrong when it says no. */
  mayHave(hash: number): boolean {
    const { filter } = this;
    const bits = (1 << hash) | (1 << (hash >>> 5));
    return ((filter[(hash >>> 10) & (filter.length - 1)] as number) & bits) === bits;
  }

  /** The first of every `step` hashes from `from` that may be there; `to` or more if none may. */
  nextOf(hashes: Int32Array, from: number, to: number, step: number): number {
    const { filter } = this;
    const mask = filter.length - 1;
    for (let at = from; at < to; at += step) {
      const hash = hashes[at] as number;
      const bits = (1 << hash) | (1 << (hash >>> 5));
      if (((filter[(hash >>> 10) & mask] as number) & bits) === bits) return at;
    }
    return to;
  }

  /** The first posting of a hash, for `valueAt` and `after`; 0 if there is none. A positive number lies in the slots. */
  first(hash: number): number {
    const at = this.slotFor(keyOf(hash));
    return this.slots[at] === 0 ? 0 : at + VALUE;
  }

  valueAt(posting: number): number {
    return (posting > 0 ? this.slots[posting] : this.postings[-posting * 2]) as number;
  }

  after(posting: number): number {
    return (posting > 0 ? this.slots[posting + NEXT - VALUE] : this.postings[-posting * 2 + 1]) as number;
  }

  add(hash: number, value: number): void {
    if (this.keyCount * 2 > this.slotMask) this.grow();
    const key = keyOf(hash);
    const { slots } = this;
    const at = this.slotFor(key);
    if (slots[at] === 0) {
      slots[at] = key;
      slots[at + VALUE] = value;
      this.keyCount += 1;
      this.addToFilter(key);
      return;
    }
    if (this.postingCount * 2 === this.postings.length) this.postings = grown(this.postings);
    this.postings[this.postingCount * 2] = value;
    this.postings[this.postingCount * 2 + 1] = slots[at + NEXT] as number;
    slots[at + NEXT] = -this.postingCount;
    this.postingCount += 1;
  }

  /** Where the key is or, in an empty slot, would be. */
  private slotFor(key: number): number {
    const { slots, slotMask } = this;
    let slot = (key ^ (key >>> 16)) & slotMask;
    for (;;) {
      const found = slots[slot * SLOT_SIZE] as number;
      if (found === key || found === 0) return slot * SLOT_SIZE;
      slot = (slot + 1) & slotMask;
    }
  }

  private addToFilter(key: number): void {
    const word = (key >>> 10) & (this.filter.length - 1);
    this.filter[word] = (this.filter[word] as number) | (1 << key) | (1 << (key >>> 5));
  }

  private grow(): void {
    const before = this.slots;
    const slotCount = (this.slotMask + 1) * 2;
    this.slots = new Int32Array(slotCount * SLOT_SIZE);
    this.slotMask = slotCount - 1;
    this.filter = new Int32Array((slotCount * FILTER_BITS_PER_KEY) / 2 / 32);
    for (let from = 0; from < before.length; from += SLOT_SIZE) {
      const key = before[from] as number;
      if (key === 0) continue;
      const at = this.slotFor(key);
      this.slots[at] = key;
      this.slots[at + VALUE] = before[from + VALUE] as number;
      this.slots[at + NEXT] = before[from + NEXT] as number;
      this.addToFilter(key);
    }
  }
}

export function grown<Numbers extends Int32Array | Uint8Array>(numbers: Numbers): Numbers {
  const larger = new (numbers.constructor as new (size: number) => Numbers)(numbers.length * 2);
  larger.set(numbers);
  return larger;
}

/** 0 marks an empty slot. Its place is taken by a number with the filter bits of 0, so that `mayHave` need not know. */
function keyOf(hash: number): number {
  return hash === 0 ? 1 << 31 : hash;
}
