/**
 * Radix trees over byte strings, all in one set of typed arrays: each finds the keys that a text
 * begins with (or, read backwards, ends with). Only the bytes where keys part are looked at on the
 * way; the keys that were met are compared whole at the end. Versions of one prompt part late and
 * often, and objects with labels would cost a cache miss for each step.
 */

import { grown } from './posting-table.ts';

export type Direction = 'forwards' | 'backwards';

// A node is four numbers. Siblings lie side by side: passing one over costs no line of the cache.
const DEPTH = 0;
/** The byte by which its parent finds it, and flags. */
const EDGE = 1;
/** The first child; of a wide node, where its table begins. */
const CHILDREN = 2;
const CHILD_COUNT = 3;
const NODE_SIZE = 4;

const BYTE = 0xff;
const HAS_VALUE = 1 << 8;
const IS_WIDE = 1 << 9;
// From so many children on, a table is faster than looking at one after the other. A power of two.
const WIDE_FROM = 8;
const TABLE_SIZE = 256;
// Up to here a loop is faster than cutting the text and comparing with memcmp.
const SHORT_KEY_BYTES_MAX = 24;

/** What a tree holds knows its own key. */
export interface Keyed {
  readonly key: string;
}

export class ByteForest<Value extends Keyed> {
  private readonly isBackwards: boolean;
  private nodes = new Int32Array(NODE_SIZE * 64);
  /** Number 0 means none, so nodes count from 1. */
  private nodeCount = 1;
  /** For each node a key that runs through it: its own, where it has a value. */
  private readonly keys: string[] = [''];
  private readonly values: (Value | undefined)[] = [undefined];
  /** For each wide node the children by their bytes. */
  private tables = new Int32Array(TABLE_SIZE);
  private tableCount = 0;
  private readonly metNodes: number[] = [];

  constructor(direction: Direction) {
    this.isBackwards = direction === 'backwards';
  }

  /** An empty tree. */
  plant(): number {
    return this.newNodes(1);
  }

  /** The value at `key` in the tree, made with `create` if there is none yet. */
  at(tree: number, key: string, create: () => Value): Value {
    const node = this.place(tree, key);
    let value = this.values[node];
    if (value === undefined) {
      value = create();
      this.values[node] = value;
      this.keys[node] = key;
      this.set(node, EDGE, this.get(node, EDGE) | HAS_VALUE);
    }
    return value;
  }

  /**
   * Puts the values of all keys that `text` starts (or ends) with into `found` from its beginning,
   * shortest key first, and returns how many. An array that is emptied instead loses its memory.
   */
  collect(tree: number, text: string, found: Value[]): number {
    const { nodes, metNodes, values } = this;
    const size = text.length;
    let met = 0;
    let node = tree;
    for (;;) {
      const at = node * NODE_SIZE;
      if (((nodes[at + EDGE] as number) & HAS_VALUE) !== 0) metNodes[met++] = node;
      const depth = nodes[at + DEPTH] as number;
      if (depth >= size) break;
      const child = this.child(node, text.charCodeAt(this.isBackwards ? size - 1 - depth : depth));
      if (child === 0 || (nodes[child * NODE_SIZE + DEPTH] as number) > size) break;
      node = child;
    }
    // The longest key that the text really has settles all shorter ones: they are parts of it.
    while (met > 0 && !this.hasKey(text, (values[metNodes[met - 1] as number] as Value).key)) met -= 1;
    for (let at = 0; at < met; at += 1) found[at] = values[metNodes[at] as number] as Value;
    return met;
  }

  private hasKey(text: string, key: string): boolean {
    const size = key.length;
    const start = this.isBackwards ? text.length - size : 0;
    if (size > SHORT_KEY_BYTES_MAX) return text.substring(start, start + size) === key;
    for (let at = 0; at < size; at += 1) if (text.charCodeAt(start + at) !== key.charCodeAt(at)) return false;
    return true;
  }

  /** The node where `key` ends, made if need be. */
  private place(tree: number, key: string): number {
    const shared = this.sharedLength(this.keys[this.nearest(tree, key)] as string, key);
    let node = tree;
    while (this.get(node, DEPTH) < shared) node = this.child(node, this.byteAt(key, this.get(node, DEPTH)));
    if (this.get(node, DEPTH) > shared) this.split(node, shared);
    if (shared === key.length) return node;
    return this.addLeaf(node, key);
  }

  /** Some node on whose keys the tree would look for `key`; the true common part is found by comparing. */
  private nearest(tree: number, key: string): number {
    let node = tree;
    for (;;) {
      const depth = this.get(node, DEPTH);
      const child = depth < key.length ? this.child(node, this.byteAt(key, depth)) : 0;
      if (child === 0) return node;
      node = child;
    }
  }

  /** Puts a node above what hangs at `node`; the upper one keeps the number, so its parent need not know. */
  private split(node: number, depth: number): void {
    const edge = this.get(node, EDGE) & BYTE;
    const lower = this.newNodes(1);
    this.move(node, lower);
    this.set(lower, EDGE, (this.get(lower, EDGE) & ~BYTE) | this.byteAt(this.keys[lower] as string, depth));
    this.values[node] = undefined;
    this.set(node, DEPTH, depth);
    this.set(node, EDGE, edge);
    this.set(node, CHILDREN, lower);
    this.set(node, CHILD_COUNT, 1);
  }

  /** A new child, which ends at `key`. */
  private addLeaf(parent: number, key: string): number {
    const byte = this.byteAt(key, this.get(parent, DEPTH));
    const count = this.get(parent, CHILD_COUNT);
    if (count === WIDE_FROM) this.widen(parent);
    const leaf = count >= WIDE_FROM ? this.newNodes(1) : this.placeBeside(parent, count);
    if (count >= WIDE_FROM) this.tables[this.get(parent, CHILDREN) + byte] = leaf;
    this.set(parent, CHILD_COUNT, count + 1);
    this.set(leaf, DEPTH, key.length);
    this.set(leaf, EDGE, byte);
    this.keys[leaf] = key;
    return leaf;
  }

  /** The place behind the last child. Where the children fill theirs, a power of two, all move to twice as many. */
  private placeBeside(parent: number, count: number): number {
    const first = this.get(parent, CHILDREN);
    if (count > 0 && (count & (count - 1)) !== 0) return first + count;
    const moved = this.newNodes(Math.max(1, count * 2));
    for (let child = 0; child < count; child += 1) this.move(first + child, moved + child);
    this.set(parent, CHILDREN, moved);
    return moved + count;
  }

  private move(from: number, to: number): void {
    this.nodes.copyWithin(to * NODE_SIZE, from * NODE_SIZE, (from + 1) * NODE_SIZE);
    this.keys[to] = this.keys[from] as string;
    this.values[to] = this.values[from];
    this.values[from] = undefined;
  }

  private widen(parent: number): void {
    const table = this.tableCount * TABLE_SIZE;
    this.tableCount += 1;
    if (table === this.tables.length) this.tables = grown(this.tables);
    const first = this.get(parent, CHILDREN);
    for (let child = first; child < first + WIDE_FROM; child += 1) {
      this.tables[table + (this.get(child, EDGE) & BYTE)] = child;
    }
    this.set(parent, CHILDREN, table);
    this.set(parent, EDGE, this.get(parent, EDGE) | IS_WIDE);
  }

  /** 0 if there is none. */
  private child(node: number, byte: number): number {
    const { nodes } = this;
    const at = node * NODE_SIZE;
    const first = nodes[at + CHILDREN] as number;
    if (((nodes[at + EDGE] as number) & IS_WIDE) !== 0) return this.tables[first + byte] as number;
    const end = first + (nodes[at + CHILD_COUNT] as number);
    for (let child = first; child < end; child += 1) {
      if (((nodes[child * NODE_SIZE + EDGE] as number) & BYTE) === byte) return child;
    }
    return 0;
  }

  /** Places for so many nodes side by side. */
  private newNodes(count: number): number {
    const first = this.nodeCount;
    this.nodeCount += count;
    while (this.nodeCount * NODE_SIZE > this.nodes.length) this.nodes = grown(this.nodes);
    for (let added = 0; added < count; added += 1) {
      this.keys.push('');
      this.values.push(undefined);
    }
    return first;
  }

  private get(node: number, field: number): number {
    return this.nodes[node * NODE_SIZE + field] as number;
  }

  private set(node: number, field: number, value: number): void {
    this.nodes[node * NODE_SIZE + field] = value;
  }

  /** The byte at a distance from where keys begin: their start, or backwards their end. */
  private byteAt(key: string, depth: number): number {
    return key.charCodeAt(this.isBackwards ? key.length - 1 - depth : depth);
  }

  private sharedLength(a: string, b: string): number {
    const limit = Math.min(a.length, b.length);
    let size = 0;
    while (size < limit && this.byteAt(a, size) === this.byteAt(b, size)) size += 1;
    return size;
  }
}
