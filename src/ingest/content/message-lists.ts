/**
 * Message lists, stored as what they add to a list that is stored already: each turn of a
 * conversation repeats all earlier ones, and costs only its own messages. A list's hash is a chain
 * over its messages' keys, so it is the same however it was stored.
 */

import { hash as digest } from 'node:crypto';
import type { Message } from '../../contract/invocation.ts';
import type { MessageMemory, PackedMessage } from './messages.ts';

/** A row of `message_lists`: the messages of `base`, then these. */
export interface MessageListRow {
  readonly hash: string;
  /** Empty when the row holds the list from its beginning. */
  readonly base: string;
  readonly messages: readonly string[];
}

export interface ListNode {
  /** Hex; empty for the empty list. */
  readonly hash: string;
  readonly parent: ListNode | null;
  readonly message: PackedMessage | null;
  readonly children: Map<string, ListNode>;
  isStored: boolean;
  /** Rows between this list and one that holds all its messages. */
  baseDepth: number;
  claimedBy: object | null;
}

// A reader follows at most so many rows; every 25th list of a long conversation is whole.
const BASE_DEPTH_MAX = 24;
// About 400 bytes a node. Forgetting all of them costs one whole list per running conversation.
const NODES_MAX = 200_000;

export class MessageLists {
  readonly #messages: MessageMemory;
  #root = emptyList();
  #byHash = new Map<string, ListNode>();

  constructor(messages: MessageMemory) {
    this.#messages = messages;
  }

  /** The list's place; `isStored` says whether a row of it was written. */
  find(messages: readonly Message[]): ListNode {
    if (this.#byHash.size > NODES_MAX) {
      this.#root = emptyList();
      this.#byHash = new Map();
    }
    let node = this.#root;
    for (const message of messages) {
      const packed = this.#messages.describe(message);
      node = node.children.get(packed.key) ?? this.#add(node, packed);
    }
    return node;
  }

  #add(parent: ListNode, message: PackedMessage): ListNode {
    const node: ListNode = {
      hash: digest('sha256', parent.hash + message.key, 'hex'),
      parent,
      message,
      children: new Map(),
      isStored: false,
      baseDepth: 0,
      claimedBy: null,
    };
    parent.children.set(message.key, node);
    this.#byHash.set(node.hash, node);
    return node;
  }

  /** The list's packed messages as JSON, or null when it is not remembered. */
  recall(hash: string): readonly string[] | null {
    const node = this.#byHash.get(hash);
    if (node === undefined) return null;
    const messages: string[] = [];
    for (let at = node; at.message !== null && at.parent !== null; at = at.parent) messages.push(at.message.json);
    return messages.toReversed();
  }
}

/** The row that stores the list, and how deep its chain of bases then is. */
export function listRow(node: ListNode): { readonly row: MessageListRow; readonly baseDepth: number } {
  const base = nearestBase(node);
  const messages: string[] = [];
  for (let at = node; at !== base && at.message !== null && at.parent !== null; at = at.parent) {
    messages.push(at.message.json);
  }
  messages.reverse();
  return {
    row: { hash: node.hash, base: base?.hash ?? '', messages },
    baseDepth: base === null ? 0 : base.baseDepth + 1,
  };
}

function nearestBase(node: ListNode): ListNode | null {
  for (let at = node.parent; at !== null && at.message !== null; at = at.parent) {
    if (at.isStored) return at.baseDepth < BASE_DEPTH_MAX ? at : null;
  }
  return null;
}

function emptyList(): ListNode {
  return {
    hash: '',
    parent: null,
    message: null,
    children: new Map(),
    isStored: true,
    baseDepth: 0,
    claimedBy: null,
  };
}
