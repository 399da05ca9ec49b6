/**
 * A radix tree over byte strings that finds all keys a text begins with (or, read backwards, ends
 * with) in one walk. Versions of one prompt differ late, so they share most of their path.
 */

export type Direction = 'forwards' | 'backwards';

interface TreeNode<Value> {
  /** The bytes between the parent and this node, always in reading order. */
  label: string;
  value: Value | null;
  /** By the byte next to the parent: a label's first, or backwards its last. */
  children: Map<number, TreeNode<Value>> | null;
}

export class ByteTree<Value extends object> {
  private readonly root: TreeNode<Value> = { label: '', value: null, children: null };
  private readonly isBackwards: boolean;

  constructor(direction: Direction) {
    this.isBackwards = direction === 'backwards';
  }

  /** The value at `key`, made with `create` if there is none yet. */
  at(key: string, create: () => Value): Value {
    let node = this.root;
    let rest = key;
    while (rest !== '') {
      const next = this.child(node, rest);
      const shared = this.sharedLength(next.label, rest);
      if (shared < next.label.length) this.split(next, shared);
      rest = this.isBackwards ? rest.slice(0, rest.length - shared) : rest.slice(shared);
      node = next;
    }
    node.value ??= create();
    return node.value;
  }

  /**
   * Appends to `values` what is stored at every key that `text` starts (or ends) with, shortest
   * key first, and to `lengths` the lengths of those keys.
   */
  collect(text: string, values: Value[], lengths: number[]): void {
    let node = this.root;
    let depth = 0;
    for (;;) {
      if (node.value !== null) {
        values.push(node.value);
        lengths.push(depth);
      }
      if (node.children === null || depth === text.length) return;
      const at = this.isBackwards ? text.length - 1 - depth : depth;
      const next = node.children.get(text.charCodeAt(at));
      if (next === undefined) return;
      const size = next.label.length;
      if (depth + size > text.length) return;
      const start = this.isBackwards ? text.length - depth - size : depth;
      if (size > 1 && text.substring(start, start + size) !== next.label) return;
      depth += size;
      node = next;
    }
  }

  private child(node: TreeNode<Value>, rest: string): TreeNode<Value> {
    node.children ??= new Map();
    const first = this.edgeByte(rest);
    let next = node.children.get(first);
    if (next === undefined) {
      next = { label: rest, value: null, children: null };
      node.children.set(first, next);
    }
    return next;
  }

  /** Cuts a node's label after `size` bytes: the node keeps the part next to its parent. */
  private split(node: TreeNode<Value>, size: number): void {
    const { label } = node;
    const cut = this.isBackwards ? label.length - size : size;
    const near = this.isBackwards ? label.slice(cut) : label.slice(0, cut);
    const far = this.isBackwards ? label.slice(0, cut) : label.slice(cut);
    const below: TreeNode<Value> = { label: far, value: node.value, children: node.children };
    node.label = near;
    node.value = null;
    node.children = new Map([[this.edgeByte(far), below]]);
  }

  private edgeByte(label: string): number {
    return label.charCodeAt(this.isBackwards ? label.length - 1 : 0);
  }

  private sharedLength(a: string, b: string): number {
    const limit = Math.min(a.length, b.length);
    let size = 0;
    if (this.isBackwards) {
      while (size < limit && a.charCodeAt(a.length - 1 - size) === b.charCodeAt(b.length - 1 - size)) size += 1;
    } else {
      while (size < limit && a.charCodeAt(size) === b.charCodeAt(size)) size += 1;
    }
    return size;
  }
}
