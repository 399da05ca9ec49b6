/**
 * From a 32-bit hash to a list of numbers: open addressing in typed arrays behind a filter that
 * fits in the cache, because nearly every hash that is asked for is not there. What is read
 * together lies together: a look-up that succeeds costs two cache misses, not five.
 */

// Two bits set out of sixteen for each key: of the hashes that are not there about two in a hundred pass.
const FILTER_BITS_PER_KEY = 16;
const SLOTS_AT_FIRST = 64;

export class PostingTable {
  /** In pairs: a key, 0 if the slot is empty, and the number of its newest posting. */
  private slots = new Int32Array(SLOTS_AT_FIRST * 2);
  private keyCount = 0;
  private filter = new Int32Array((SLOTS_AT_FIRST * FILTER_BITS_PER_KEY) / 2 / 32);
  /** In pairs: a value, and the number of the next posting of the same key, 0 at the end. */
  private postings = new Int32Array(256);
  private postingCount = 1;

  /** Whether the hash may be there; cheap, and never wrong when it says no. */
  mayHave(hash: number): boolean {
    const { filter } = this;
    const bits = (1 << hash) | (1 << (hash >>> 5));
    return ((filter[(hash >>> 10) & (filter.length - 1)] as number) & bits) === bits;
  }

  /** The first posting of a hash, for `valueAt` and `after`; 0 if there is none. */
  first(hash: number): number {
    const { slots } = this;
    const key = keyOf(hash);
    const mask = slots.length - 1;
    for (let at = slotOf(key) & mask; ; at = (at + 2) & mask) {
      const found = slots[at] as number;
      if (found === key) return slots[at + 1] as number;
      if (found === 0) return 0;
    }
  }

  valueAt(posting: number): number {
    return this.postings[posting * 2] as number;
  }

  after(posting: number): number {
    return this.postings[posting * 2 + 1] as number;
  }

  add(hash: number, value: number): void {
    if (this.keyCount * 4 >= this.slots.length) this.grow();
    const at = this.slotFor(keyOf(hash));
    if (this.postingCount * 2 === this.postings.length) this.postings = grown(this.postings);
    this.postings[this.postingCount * 2] = value;
    this.postings[this.postingCount * 2 + 1] = this.slots[at + 1] as number;
    this.slots[at + 1] = this.postingCount;
    this.postingCount += 1;
  }

  /** Where the key is, or from now on will be. */
  private slotFor(key: number): number {
    const { slots } = this;
    const mask = slots.length - 1;
    let at = slotOf(key) & mask;
    while (slots[at] !== 0 && slots[at] !== key) at = (at + 2) & mask;
    if (slots[at] === 0) {
      slots[at] = key;
      this.keyCount += 1;
      const word = (key >>> 10) & (this.filter.length - 1);
      this.filter[word] = (this.filter[word] as number) | (1 << key) | (1 << (key >>> 5));
    }
    return at;
  }

  private grow(): void {
    const before = this.slots;
    this.slots = new Int32Array(before.length * 2);
    this.filter = new Int32Array((before.length * FILTER_BITS_PER_KEY) / 2 / 32);
    this.keyCount = 0;
    for (let from = 0; from < before.length; from += 2) {
      if (before[from] !== 0) this.slots[this.slotFor(before[from] as number) + 1] = before[from + 1] as number;
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

/** An even number: slots come in pairs. */
function slotOf(key: number): number {
  return (key ^ (key >>> 16)) << 1;
}
