/**
 * Radix trees over byte strings, all in one set of typed arrays: each finds the keys that a text
 * begins with (or, read backwards, ends with). Only the bytes where keys part are looked at on the
 * way; the keys that were met are compared whole at the end. Versions of one prompt part late and
 * often, and objects with labels would cost a cache miss for each step.
 */

import { grown } from './posting-table.ts';

export type Direction = 'forwards' | 'backwards';

// A node is four numbers.
const DEPTH = 0;
const FIRST_CHILD = 1;
const NEXT_SIBLING = 2;
/** The byte by which its parent finds it, and flags. */
const EDGE = 3;
const NODE_SIZE = 4;

const BYTE = 0xff;
const HAS_VALUE = 1 << 8;
const IS_WIDE = 1 << 9;
// From so many children on, a table is faster than looking at one after the other.
const WIDE_FROM = 8;
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
  private readonly wideChildren = new Map<number, Int32Array>();
  private readonly metNodes: number[] = [];

  constructor(direction: Direction) {
    this.isBackwards = direction === 'backwards';
  }

  /** An empty tree. */
  plant(): number {
    return this.newNode(0, 0, '');
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
    const leaf = this.newNode(key.length, this.byteAt(key, shared), key);
    this.adopt(node, leaf);
    return leaf;
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
    const key = this.keys[node] as string;
    const lower = this.newNode(this.get(node, DEPTH), this.byteAt(key, depth), key);
    this.set(lower, FIRST_CHILD, this.get(node, FIRST_CHILD));
    this.set(lower, EDGE, this.get(lower, EDGE) | (this.get(node, EDGE) & ~BYTE));
    this.values[lower] = this.values[node];
    const wide = this.wideChildren.get(node);
    if (wide !== undefined) {
      this.wideChildren.set(lower, wide);
      this.wideChildren.delete(node);
    }
    this.values[node] = undefined;
    this.set(node, DEPTH, depth);
    this.set(node, FIRST_CHILD, lower);
    this.set(node, EDGE, this.get(node, EDGE) & BYTE);
  }

  private adopt(parent: number, child: number): void {
    this.set(child, NEXT_SIBLING, this.get(parent, FIRST_CHILD));
    this.set(parent, FIRST_CHILD, child);
    const wide = this.wideChildren.get(parent);
    if (wide !== undefined) wide[this.get(child, EDGE) & BYTE] = child;
    else if (this.childCount(parent) >= WIDE_FROM) this.widen(parent);
  }

  private widen(parent: number): void {
    const wide = new Int32Array(256);
    for (let child = this.get(parent, FIRST_CHILD); child !== 0; child = this.get(child, NEXT_SIBLING)) {
      wide[this.get(child, EDGE) & BYTE] = child;
    }
    this.wideChildren.set(parent, wide);
    this.set(parent, EDGE, this.get(parent, EDGE) | IS_WIDE);
  }

  private childCount(parent: number): number {
    let count = 0;
    for (let child = this.get(parent, FIRST_CHILD); child !== 0; child = this.get(child, NEXT_SIBLING)) count += 1;
    return count;
  }

  private child(node: number, byte: number): number {
    const { nodes } = this;
    const at = node * NODE_SIZE;
    if (((nodes[at + EDGE] as number) & IS_WIDE) !== 0)
      return (this.wideChildren.get(node) as Int32Array)[byte] as number;
    let child = nodes[at + FIRST_CHILD] as number;
    while (child !== 0 && ((nodes[child * NODE_SIZE + EDGE] as number) & BYTE) !== byte) {
      child = nodes[child * NODE_SIZE + NEXT_SIBLING] as number;
    }
    return child;
  }

  private newNode(depth: number, edge: number, key: string): number {
    const node = this.nodeCount;
    this.nodeCount += 1;
    if (this.nodeCount * NODE_SIZE > this.nodes.length) this.nodes = grown(this.nodes);
    this.set(node, DEPTH, depth);
    this.set(node, EDGE, edge);
    this.keys.push(key);
    this.values.push(undefined);
    return node;
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
