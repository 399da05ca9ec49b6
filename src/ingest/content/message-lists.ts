/**
 * Message lists, stored as what they add to a list that is stored already: each turn of a
 * conversation repeats all earlier ones, and costs only its own messages. A list's hash is a chain
 * over its messages, so it is the same however it was stored; and the lists of one conversation
 * have hashes that begin alike, so that the store keeps them side by side.
 */

import { hash as digest } from 'node:crypto';
import type { ContentHash, PromptMessage } from '../../contract/prompt.ts';
import { cacheRoom } from '../../lib/memory-shares.ts';
import { PrintedTable, printOfHash } from '../../lib/printed-table.ts';
import { LIST_CONVERSATION_CHARACTERS } from '../../text/reference.ts';
import { NEVER_STORED, NOTHING_TO_STORE, type Outbox, type Storable } from './outbox.ts';

/** A row of `call_lists`: the messages of `base`, then these. */
export interface MessageListRow {
  readonly hash: ContentHash;
  /** Empty when the row holds the list from its beginning. */
  readonly base: ContentHash | '';
  /** JSON of packed messages. */
  readonly messages: readonly string[];
}

/** What is read of a call's list to attribute it; what comes behind is conversation. */
export const BEGINNING_MESSAGES = 32;

/** A list's messages as they are read of a call; see `src/ingest/settling/list-readings.ts`. */
export interface ListReading {
  readonly messages: readonly PromptMessage[];
  /** What it takes beside the readings of the lists that it goes on from. */
  readonly characters: number;
  /** In which it was last asked for. */
  generation: number;
}

export class ListNode implements Storable {
  readonly hash: ContentHash | '';
  readonly parent: ListNode | null;
  /** The list of no messages that all of its tree go on from. */
  readonly root: ListNode;
  readonly json: string;
  /** How many messages it has. */
  readonly depth: number;
  /** The list of its first messages, as many as are read of a call; itself when it has no more. */
  readonly head: ListNode | null;
  /** Most lists go on in one way only. */
  next: ListNode | null = null;
  others: Map<string, ListNode> | null = null;
  storedIn: number = NOTHING_TO_STORE;
  /** Rows between this list and one that holds all its messages. */
  baseDepth = 0;
  claimedBy: object | null = null;
  /** The generation in which it can be found by its hash; see `MessageLists`. */
  generation = 0;
  reading: ListReading | null = null;

  /** Without a parent: the list of no messages. */
  constructor(hash: ContentHash | '' = '', parent: ListNode | null = null, json = '') {
    this.hash = hash;
    this.parent = parent;
    this.root = parent === null ? this : parent.root;
    this.json = json;
    this.depth = parent === null ? 0 : parent.depth + 1;
    this.head = parent === null || parent.depth < BEGINNING_MESSAGES ? null : (parent.head ?? parent);
  }
}

// 128 bits: a list's hash only finds it again, and every call carries two of them.
const HASH_DIGITS = 32;
// Longer lists begin with the digits of the list of their first messages: what begins with the same
// four is one conversation, or few. The other 80 bits tell its turns apart.
const CONVERSATION_MESSAGES = 4;
// A reader follows at most so many rows, which it gets side by side; then a list is written whole again.
const BASE_DEPTH_MAX = 400;
// Of all places of a tree, with what each takes beside its message; in two generations.
export const LIST_CHARACTERS_MAX = 40_000_000;
const PLACE_CHARACTERS = 400;

/** Two generations: when the young one is full, the old one is forgotten, and what comes again is young. */
export class MessageLists {
  #root = new ListNode();
  #generation = 1;
  #young = new PrintedTable<ListNode>();
  #old = new PrintedTable<ListNode>();
  /** Of the young tree. */
  #characters = 0;
  readonly #charactersMax: number;

  constructor(charactersMax = LIST_CHARACTERS_MAX) {
    this.#charactersMax = charactersMax;
  }

  /** The place of a list of packed messages, behind those of `from`; `storedIn` says whether a row of it was written. */
  find(messages: readonly string[], from?: ListNode): ListNode {
    if (this.#characters > cacheRoom(this.#charactersMax)) this.#nextGeneration();
    const node = this.#behind(from === undefined ? this.#root : this.#inYoungTree(from), messages);
    if (node.generation !== this.#generation) this.#list(node);
    return node;
  }

  /** While it is remembered; for as long again, from now on. */
  at(hash: ContentHash): ListNode | undefined {
    const print = printOfHash(hash);
    const young = this.#young.get(hash, print);
    if (young !== undefined) return young;
    const old = this.#old.get(hash, print);
    return old === undefined ? undefined : this.#inYoungTree(old);
  }

  #behind(from: ListNode, messages: readonly string[]): ListNode {
    let node = from;
    for (const json of messages) node = childOf(node, json) ?? this.#grow(node, json);
    return node;
  }

  #grow(parent: ListNode, json: string): ListNode {
    this.#characters += json.length + PLACE_CHARACTERS;
    return addChild(parent, json);
  }

  /** What goes on from a place of an older tree would keep all of that tree in memory. */
  #inYoungTree(node: ListNode): ListNode {
    if (node.root === this.#root) return node;
    const place = this.#behind(this.#root, messagesOf(node));
    if (place.generation !== this.#generation) this.#list(place);
    return place;
  }

  #nextGeneration(): void {
    this.#old = this.#young;
    this.#young = new PrintedTable();
    this.#root = new ListNode();
    this.#characters = 0;
    this.#generation += 1;
  }

  /** Only the places that a list was asked for are found by their hash. */
  #list(node: ListNode): void {
    const print = printOfHash(node.hash);
    const before = this.#old.get(node.hash, print);
    if (before !== undefined) {
      node.storedIn = before.storedIn;
      node.baseDepth = before.baseDepth;
    }
    node.generation = this.#generation;
    this.#young.set(node.hash, node, print);
  }
}

function addChild(parent: ListNode, json: string): ListNode {
  const node = new ListNode(hashOf(parent, json), parent, json);
  node.storedIn = NEVER_STORED;
  if (parent.next === null) {
    parent.next = node;
  } else {
    parent.others ??= new Map();
    parent.others.set(json, node);
  }
  return node;
}

function hashOf(parent: ListNode, json: string): ContentHash {
  const whole: ContentHash = `sha256:${digest('sha256', parent.hash + json, 'hex').slice(0, HASH_DIGITS)}`;
  if (parent.depth < CONVERSATION_MESSAGES) return whole;
  const conversation = parent.hash.slice(0, LIST_CONVERSATION_CHARACTERS);
  return (conversation + whole.slice(LIST_CONVERSATION_CHARACTERS)) as ContentHash;
}

/**
 * The row that stores the list, and how deep its chain of bases then is. A list that the same
 * writer has in hand is as good a base as a stored one: they become durable together.
 */
export function listRow(
  node: ListNode,
  has: Outbox['has'],
): { readonly row: MessageListRow; readonly baseDepth: number } {
  const base = nearestBase(node, has);
  const row = { hash: node.hash as ContentHash, base: base?.hash ?? '', messages: messagesOf(node, base) };
  return { row, baseDepth: base === null ? 0 : base.baseDepth + 1 };
}

/** The list's first packed messages as JSON, as many as are read of a call. */
export function beginningOf(list: ListNode): readonly string[] {
  return messagesOf(list.head ?? list);
}

/** What the list adds to `base`. */
function messagesOf(node: ListNode, base: ListNode | null = null): readonly string[] {
  const messages: string[] = [];
  for (let at = node; at !== base && at.parent !== null; at = at.parent) messages.push(at.json);
  return messages.toReversed();
}

function childOf(node: ListNode, json: string): ListNode | undefined {
  if (node.next?.json === json) return node.next;
  return node.others?.get(json);
}

function nearestBase(node: ListNode, has: Outbox['has']): ListNode | null {
  for (let at = node.parent; at !== null && at.parent !== null; at = at.parent) {
    if (has(at)) return at.baseDepth < BASE_DEPTH_MAX ? at : null;
  }
  return null;
}
