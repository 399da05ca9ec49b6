/**
 * Message lists, stored as what they add to a list that is stored already: each turn of a
 * conversation repeats all earlier ones, and costs only its own messages. A list's hash is a chain
 * over its messages, so it is the same however it was stored.
 */

import { hash as digest } from 'node:crypto';
import type { ContentHash } from '../../contract/prompt.ts';

/** A row of `message_lists`: the messages of `base`, then these. */
export interface MessageListRow {
  readonly hash: ContentHash;
  /** Empty when the row holds the list from its beginning. */
  readonly base: ContentHash | '';
  /** JSON of packed messages. */
  readonly messages: readonly string[];
}

export interface ListNode {
  readonly hash: ContentHash | '';
  readonly parent: ListNode | null;
  readonly json: string;
  /** Most lists go on in one way only. */
  next: ListNode | null;
  others: Map<string, ListNode> | null;
  isStored: boolean;
  /** Rows between this list and one that holds all its messages. */
  baseDepth: number;
  claimedBy: object | null;
}

// 128 bits: a list's hash only finds it again, and every call carries two of them.
const HASH_DIGITS = 32;
// A reader follows at most so many rows; every 25th list of a long conversation is whole.
const BASE_DEPTH_MAX = 24;
// About 400 bytes a node. Forgetting all of them costs one whole list per running conversation.
const NODES_MAX = 100_000;

export class MessageLists {
  #root = emptyList();
  #byHash = new Map<ContentHash, ListNode>();

  /** The place of a list of packed messages, behind those of `from`; `isStored` says whether a row of it was written. */
  find(messages: readonly string[], from?: ListNode): ListNode {
    if (this.#byHash.size > NODES_MAX) {
      this.#root = emptyList();
      this.#byHash = new Map();
    }
    let node = from ?? this.#root;
    for (const json of messages) node = childOf(node, json) ?? this.#add(node, json);
    return node;
  }

  at(hash: ContentHash): ListNode | undefined {
    return this.#byHash.get(hash);
  }

  /** The list's packed messages as JSON, or null when it is not remembered. */
  recall(hash: ContentHash): readonly string[] | null {
    const node = this.#byHash.get(hash);
    if (node === undefined) return null;
    const messages: string[] = [];
    for (let at = node; at.parent !== null; at = at.parent) messages.push(at.json);
    return messages.toReversed();
  }

  #add(parent: ListNode, json: string): ListNode {
    const hash: ContentHash = `sha256:${digest('sha256', parent.hash + json, 'hex').slice(0, HASH_DIGITS)}`;
    const node = { ...emptyList(), hash, parent, json, isStored: false };
    if (parent.next === null) {
      parent.next = node;
    } else {
      parent.others ??= new Map();
      parent.others.set(json, node);
    }
    this.#byHash.set(hash, node);
    return node;
  }
}

/**
 * The row that stores the list, and how deep its chain of bases then is. A list that the same
 * writer has in hand is as good a base as a stored one: they become durable together.
 */
export function listRow(node: ListNode, writer: object): { readonly row: MessageListRow; readonly baseDepth: number } {
  const base = nearestBase(node, writer);
  const messages: string[] = [];
  for (let at = node; at !== base && at.parent !== null; at = at.parent) messages.push(at.json);
  messages.reverse();
  const row = { hash: node.hash as ContentHash, base: base?.hash ?? '', messages };
  return { row, baseDepth: base === null ? 0 : base.baseDepth + 1 };
}

function childOf(node: ListNode, json: string): ListNode | undefined {
  if (node.next?.json === json) return node.next;
  return node.others?.get(json);
}

function nearestBase(node: ListNode, writer: object): ListNode | null {
  for (let at = node.parent; at !== null && at.parent !== null; at = at.parent) {
    if (at.isStored || at.claimedBy === writer) return at.baseDepth < BASE_DEPTH_MAX ? at : null;
  }
  return null;
}

function emptyList(): ListNode {
  return {
    hash: '',
    parent: null,
    json: '',
    next: null,
    others: null,
    isStored: true,
    baseDepth: 0,
    claimedBy: null,
  };
}
