/**
 * Everything remembered about content under one policy, and how facts are packed into it: after
 * this, no long or unredacted text is left in them, no endless name, and no message of an earlier turn.
 */

import type { Evaluation, Message } from '../../contract/invocation.ts';
import type { ContentHash, Json, PromptSettings } from '../../contract/prompt.ts';
import type { SpanFacts } from '../../contract/span-facts.ts';
import { listMessage, textsReferredTo } from '../../text/reference.ts';
import { isInstructing } from '../../text/roles.ts';
import type { KnownHistory } from './known-histories.ts';
import { MessageLists, type ListNode } from './message-lists.ts';
import { MessageMemory, type OnText } from './messages.ts';
import { boundedName, boundNames } from './names.ts';
import type { Outbox } from './outbox.ts';
import { policyFor, strictestPolicy, type ContentPolicies, type ContentPolicy } from './policy.ts';
import { ReceivedContent } from './received-content.ts';
import { TextMemory, type TextLimits } from './texts.ts';
import { VariableMemory } from './variables.ts';

// A list of its own would cost more than it saves.
const INLINE_MESSAGES_MAX = 4;

export class ContentSpace {
  readonly texts: TextMemory;
  readonly messages: MessageMemory;
  readonly lists = new MessageLists();
  readonly variables: VariableMemory;

  constructor(policy: ContentPolicy, limits: TextLimits) {
    this.texts = new TextMemory(policy, limits);
    this.messages = new MessageMemory(this.texts);
    this.variables = new VariableMemory(policy);
  }

  /** What the packed facts refer to, and is not stored yet, is in the outbox afterwards. */
  pack(facts: SpanFacts, outbox: Outbox, history?: KnownHistory): SpanFacts {
    const onText = outbox.addText;
    const packed: { -readonly [Key in keyof SpanFacts]: SpanFacts[Key] } = { ...facts };
    const text = (value: string): string => this.messages.packString(value, onText);
    if (facts.system !== undefined) packed.system = this.#packMessages(facts.system, outbox);
    if (facts.input !== undefined) packed.input = this.#packMessages(facts.input, outbox, history);
    if (facts.output !== undefined) packed.output = facts.output.map((message) => this.messages.pack(message, onText));
    if (facts.template !== undefined) packed.template = text(facts.template);
    if (facts.variables !== undefined) packed.variables = mapValues(facts.variables, text);
    if (facts.settings !== undefined) packed.settings = this.#packSettings(facts.settings, onText);
    if (facts.error !== undefined) packed.error = { type: facts.error.type, message: text(facts.error.message) };
    if (facts.evaluations !== undefined)
      packed.evaluations = facts.evaluations.map((each) => this.#packEvaluation(each, text));
    if (facts.userId !== undefined) packed.userId = text(facts.userId);
    if (facts.conversationId !== undefined) packed.conversationId = this.texts.inline(facts.conversationId);
    boundNames(packed);
    return packed;
  }

  /**
   * Has the outbox carry what the list's messages refer to and nobody has stored yet: who has it in hand may be
   * refused. False when that is no longer in memory.
   */
  carryTexts(list: ListNode, outbox: Outbox): boolean {
    for (let at = list; at.parent !== null && !outbox.has(at); at = at.parent) {
      for (const hash of textsReferredTo(at.json)) {
        const text = this.texts.storedText(hash);
        if (text === undefined) return false;
        outbox.addText(text);
      }
    }
    return true;
  }

  /** Instructions stand in place, and so does a short list; a long one becomes a message that refers to it. */
  #packMessages(messages: readonly Message[], outbox: Outbox, history?: KnownHistory): readonly Message[] {
    const head = instructionsBefore(messages);
    const from = history !== undefined && isHandle(messages[head], history.handle) ? history.node : undefined;
    const onText = outbox.addText;
    if (from === undefined && messages.length - head <= INLINE_MESSAGES_MAX) {
      return messages.map((message) => this.messages.pack(message, onText));
    }
    const tail: string[] = [];
    for (let index = from === undefined ? head : head + 1; index < messages.length; index += 1) {
      tail.push(this.messages.packedJson(messages[index] as Message, onText));
    }
    const node = this.lists.find(tail, from);
    outbox.addList(node);
    const inline = messages.slice(0, head).map((message) => this.messages.pack(message, onText));
    return [...inline, listMessage(node.hash as ContentHash)];
  }

  #packEvaluation({ by, id, ...said }: Evaluation, text: (value: string) => string): Evaluation {
    // What redaction makes of two people may be one, who would take back what the other said.
    const names = { by, id };
    const told = Object.entries(names).filter(([, name]) => name !== undefined && this.texts.inline(name) === name);
    const packed = Object.fromEntries(told.map(([key, name]) => [key, text(name as string)]));
    return { ...said, explanation: said.explanation === null ? null : text(said.explanation), ...packed };
  }

  #packSettings(settings: PromptSettings, onText: OnText): PromptSettings {
    const json = (value: Json): Json => this.messages.packJson(value, onText);
    return {
      ...(settings.model !== undefined && { model: boundedName(settings.model) }),
      ...(settings.parameters !== undefined && { parameters: mapValues(settings.parameters, json) }),
      ...(settings.tools !== undefined && { tools: settings.tools.map(json) }),
    };
  }
}

/** How many messages stand in place at the beginning: emitters put instructions into the messages or beside them, and apart from them the list is the same. */
export function instructionsBefore(messages: readonly Message[]): number {
  let head = 0;
  while (head < messages.length && isInstructing((messages[head] as Message).role)) head += 1;
  return head;
}

export function isHandle(message: Message | undefined, handle: string): boolean {
  const [only] = message?.parts ?? [];
  return only?.type === 'text' && only.text === handle;
}

function mapValues<Value, Result>(
  record: Readonly<Record<string, Value>>,
  change: (value: Value) => Result,
): Record<string, Result> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}

/** One space for each distinct policy, found by environment. */
export class ContentSpaces {
  /** What was packed elsewhere, under any of the policies: a hash is that of the text as the policy left it. */
  readonly received: ReceivedContent;
  readonly #policies: ContentPolicies;
  readonly #limits: TextLimits;
  readonly #spaces = new Map<ContentPolicy, ContentSpace>();

  constructor(policies: ContentPolicies, limits: TextLimits) {
    this.received = new ReceivedContent(limits.rememberedCharactersMax);
    this.#policies = policies;
    this.#limits = limits;
  }

  for(environment: string | undefined): ContentSpace {
    return this.#under(policyFor(this.#policies, environment));
  }

  /** Under whose policy facts are packed. Who judges need not know where the call was made, which may be anywhere then. */
  ofFacts({ role, environment }: SpanFacts): ContentSpace {
    if (role === 'evaluation' && environment === undefined) return this.#under(strictestPolicy(this.#policies));
    return this.for(environment);
  }

  #under(policy: ContentPolicy): ContentSpace {
    const known = this.#spaces.get(policy);
    if (known !== undefined) return known;
    const space = new ContentSpace(policy, this.#limits);
    this.#spaces.set(policy, space);
    return space;
  }

  /** The text of a hash that calls of `space` refer to, while it is remembered. */
  textOf(hash: ContentHash, space: ContentSpace): string | undefined {
    return space.texts.textOf(hash) ?? this.received.textOf(hash);
  }

  /** A list that any of the spaces remembers. */
  listAt(hash: ContentHash): ListNode | undefined {
    for (const space of this.#spaces.values()) {
      const list = space.lists.at(hash);
      if (list !== undefined) return list;
    }
    return this.received.listAt(hash);
  }
}
