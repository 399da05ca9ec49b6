/**
 * Everything remembered about content under one policy, and how facts are packed into it: after
 * this, no long or unredacted text is left in them.
 */

import type { Evaluation, Message } from '../../contract/invocation.ts';
import type { Json, PromptSettings } from '../../contract/prompt.ts';
import type { SpanFacts } from '../../contract/span-facts.ts';
import { MessageLists } from './message-lists.ts';
import { MessageMemory, type OnText } from './messages.ts';
import type { ContentPolicies, ContentPolicy } from './policy.ts';
import { policyFor } from './policy.ts';
import type { Outbox } from './outbox.ts';
import { TextMemory, type TextLimits } from './texts.ts';

// A list of its own would cost more than it saves.
const INLINE_MESSAGES_MAX = 2;
// Emitters put them into the messages or beside them; apart from them the list is the same.
const INSTRUCTION_ROLES: ReadonlySet<string> = new Set(['system', 'developer']);

export class ContentSpace {
  readonly texts: TextMemory;
  readonly messages: MessageMemory;
  readonly lists: MessageLists;

  constructor(policy: ContentPolicy, limits: TextLimits) {
    this.texts = new TextMemory(policy, limits);
    this.messages = new MessageMemory(this.texts);
    this.lists = new MessageLists(this.messages);
  }

  pack(facts: SpanFacts, onText: OnText): SpanFacts {
    const pack = (message: Message): Message => this.messages.pack(message, onText);
    const text = (value: string): string => this.messages.packString(value, onText);
    return {
      ...facts,
      ...(facts.system !== undefined && { system: facts.system.map(pack) }),
      ...(facts.input !== undefined && { input: facts.input.map(pack) }),
      ...(facts.output !== undefined && { output: facts.output.map(pack) }),
      ...(facts.template !== undefined && { template: text(facts.template) }),
      ...(facts.variables !== undefined && { variables: mapValues(facts.variables, text) }),
      ...(facts.settings !== undefined && { settings: this.#packSettings(facts.settings, onText) }),
      ...(facts.error !== undefined && { error: { type: facts.error.type, message: text(facts.error.message) } }),
      ...(facts.evaluations !== undefined && {
        evaluations: facts.evaluations.map((each) => packEvaluation(each, text)),
      }),
      ...(facts.userId !== undefined && { userId: text(facts.userId) }),
      ...(facts.conversationId !== undefined && { conversationId: this.texts.inline(facts.conversationId) }),
    };
  }

  /** Packed messages as a column holds them; a new list goes into the outbox. See `text/stored-messages.ts`. */
  storeMessages(messages: readonly Message[], outbox: Outbox): string {
    let head = 0;
    while (head < messages.length && INSTRUCTION_ROLES.has((messages[head] as Message).role)) head += 1;
    const isShort = messages.length - head <= INLINE_MESSAGES_MAX;
    const inline = isShort ? messages : messages.slice(0, head);
    const elements = inline.map((message) => this.messages.describe(message).json);
    if (!isShort) {
      const node = this.lists.find(messages.slice(head));
      outbox.addList(node);
      elements.push(`{"list":"${node.hash}"}`);
    }
    return `[${elements.join(',')}]`;
  }

  #packSettings(settings: PromptSettings, onText: OnText): PromptSettings {
    const json = (value: Json): Json => this.messages.packJson(value, onText);
    return {
      ...(settings.model !== undefined && { model: settings.model }),
      ...(settings.parameters !== undefined && { parameters: mapValues(settings.parameters, json) }),
      ...(settings.tools !== undefined && { tools: settings.tools.map(json) }),
    };
  }
}

function packEvaluation(evaluation: Evaluation, text: (value: string) => string): Evaluation {
  return evaluation.explanation === null ? evaluation : { ...evaluation, explanation: text(evaluation.explanation) };
}

function mapValues<Value, Result>(
  record: Readonly<Record<string, Value>>,
  change: (value: Value) => Result,
): Record<string, Result> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}

/** One space for each distinct policy, found by environment. */
export class ContentSpaces {
  readonly #policies: ContentPolicies;
  readonly #limits: TextLimits;
  readonly #spaces = new Map<ContentPolicy, ContentSpace>();

  constructor(policies: ContentPolicies, limits: TextLimits) {
    this.#policies = policies;
    this.#limits = limits;
  }

  for(environment: string | undefined): ContentSpace {
    const policy = policyFor(this.#policies, environment);
    const known = this.#spaces.get(policy);
    if (known !== undefined) return known;
    const space = new ContentSpace(policy, this.#limits);
    this.#spaces.set(policy, space);
    return space;
  }
}
