/**
 * From a 32-bit hash to a list of numbers: open addressing in typed arrays behind a bitmap that
 * fits in the cache, because nearly every hash that is asked for is not there.
 */

// Three in four absent keys of a text are turned away by one bit in sixteen for each key that is there.
const FILTER_BITS_PER_KEY = 16;

export class PostingTable {
  /** 0 is empty. Beside each key its newest posting; postings of a key are a list. */
  private keys = new Int32Array(64);
  private heads = new Int32Array(64);
  private keyCount = 0;
  private filter = new Int32Array((64 * FILTER_BITS_PER_KEY) / 2 / 32);
  private values = new Int32Array(128);
  private next = new Int32Array(128);
  private valueCount = 1;

  /** Whether the hash may be there; cheap, and never wrong when it says no. */
  mayHave(hash: number): boolean {
    const { filter } = this;
    return ((filter[(hash >>> 5) & (filter.length - 1)] as number) & (1 << (hash & 31))) !== 0;
  }

  /** The first posting of a hash, for `valueAt` and `after`; 0 if there is none. */
  first(hash: number): number {
    const { keys } = this;
    const key = keyOf(hash);
    const mask = keys.length - 1;
    let slot = slotOf(key, mask);
    for (;;) {
      const found = keys[slot] as number;
      if (found === key) return this.heads[slot] as number;
      if (found === 0) return 0;
      slot = (slot + 1) & mask;
    }
  }

  valueAt(posting: number): number {
    return this.values[posting] as number;
  }

  after(posting: number): number {
    return this.next[posting] as number;
  }

  add(hash: number, value: number): void {
    if (this.keyCount * 2 >= this.keys.length) this.grow();
    const key = keyOf(hash);
    const mask = this.keys.length - 1;
    let slot = slotOf(key, mask);
    while (this.keys[slot] !== 0 && this.keys[slot] !== key) slot = (slot + 1) & mask;
    if (this.keys[slot] === 0) {
      this.keys[slot] = key;
      this.keyCount += 1;
      this.admit(key);
    }
    if (this.valueCount === this.values.length) {
      this.values = grown(this.values);
      this.next = grown(this.next);
    }
    this.values[this.valueCount] = value;
    this.next[this.valueCount] = this.heads[slot] as number;
    this.heads[slot] = this.valueCount;
    this.valueCount += 1;
  }

  private grow(): void {
    const { keys, heads } = this;
    const size = keys.length * 2;
    this.keys = new Int32Array(size);
    this.heads = new Int32Array(size);
    this.filter = new Int32Array((size * FILTER_BITS_PER_KEY) / 2 / 32);
    for (let from = 0; from < keys.length; from += 1) {
      const key = keys[from] as number;
      if (key === 0) continue;
      let slot = slotOf(key, size - 1);
      while (this.keys[slot] !== 0) slot = (slot + 1) & (size - 1);
      this.keys[slot] = key;
      this.heads[slot] = heads[from] as number;
      this.admit(key);
    }
  }

  private admit(key: number): void {
    const word = (key >>> 5) & (this.filter.length - 1);
    this.filter[word] = (this.filter[word] as number) | (1 << (key & 31));
  }
}

export function grown<Numbers extends Int32Array | Uint8Array>(numbers: Numbers): Numbers {
  const larger = new (numbers.constructor as new (size: number) => Numbers)(numbers.length * 2);
  larger.set(numbers);
  return larger;
}

/** 0 marks an empty slot, so its place is taken by a number whose filter bit is the same. */
function keyOf(hash: number): number {
  return hash === 0 ? 1 << 31 : hash;
}

function slotOf(key: number, mask: number): number {
  return (key ^ (key >>> 16)) & mask;
}
