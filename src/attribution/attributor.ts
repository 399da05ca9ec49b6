/**
 * The attribution engine's surface: versions are registered, texts and chats are attributed. Holds
 * what is registered in memory and nothing else; no clock, no I/O. Not safe to call from within itself.
 */

import type { Attribution, AttributionQuery, Explanation, NearMatch } from '../contract/attribution.ts';
import type { PromptMessage, RegisteredVersion } from '../contract/prompt.ts';
import { renderTemplate } from '../templates/index.ts';
import { GenerationalCache } from '../lib/generational-cache.ts';
import { chatBody, textBody } from '../text/body.ts';
import { contentHashes, strictestEqualHash } from '../text/hashes.ts';
import { isInstructing } from '../text/roles.ts';
import { AnswerCache } from './answer-cache.ts';
import type { Candidate } from './candidate.ts';
import { candidateOfHits } from './chat-match.ts';
import type { MessageHit } from './chat-match.ts';
import { conclude, concludeRendered, concludeSole } from './conclusion.ts';
import { declarationOf, KNOWN_HITS_CHARACTERS_MAX, type Declaration, type KnownHits } from './declaration.ts';
import { explanationOf } from './explanation.ts';
import { resultOf, type Steps } from '../lib/steps.ts';
import { nearMatches } from './near-match.ts';
import type { NearBudget } from './near-match.ts';
import type { RegisteredVariant } from './registered-variants.ts';
import { Registrar } from './registrar.ts';
import { RepeatedMessage } from './repeated-message.ts';
import type { AddResult } from './registrar.ts';
import type { TextFinding } from './text-matcher.ts';

export interface Attributor {
  /** Findable at once, in milliseconds. A version that is known already is left as it is. */
  add(version: RegisteredVersion): AddResult;
  /** The same for many; faster, and the anchors of each are chosen with all in sight. */
  addAll(versions: readonly RegisteredVersion[]): AddResult[];
  remove(prompt: string, version: string): void;
  attribute(query: AttributionQuery): Attribution;
  /** Which registered versions a text is nearly an instance of, with the edit. For texts that `attribute` calls unknown; takes milliseconds, of a long text more. */
  near(query: AttributionQuery, budget?: NearBudget): NearMatch[];
  /** The same, for a thread that others wait for. */
  nearSteps(query: AttributionQuery): Steps<NearMatch[]>;
  /** An answer with what it rests on. For a person: looks for all that fits, and not only for the best. */
  explain(query: AttributionQuery, answer: Attribution): Explanation;
  stats(): AttributorStats;
}

export interface AttributorStats {
  readonly versions: number;
  readonly patterns: number;
}

export interface AttributorOptions {
  /** Whether answers are kept for texts that come again; true unless told otherwise. Up to 64 MB. */
  readonly remembersAnswers?: boolean;
}

export function createAttributor({ remembersAnswers = true }: AttributorOptions = {}): Attributor {
  return new Engine(remembersAnswers);
}

// A conversation may have thousands; what is registered stands at its beginning, or is the last word.
const FIRST_MESSAGES_MAX = 48;
const LAST_MESSAGES_MAX = 16;
const TEMPLATE_CHARACTERS_MAX = 1 << 21;
const MESSAGE_CHARACTERS_MAX = 1 << 23;
// What a finding weighs beside its text.
const FINDING_CHARACTERS = 200;
/** Of most messages: one for all, which holds no text. */
const NOTHING_FOUND: TextFinding = { equal: [], patterns: [], isFaint: false, bytes: '', isIncomplete: false };
// What people say and hear is seldom said again: to look through a short text costs less than to look it up.
const SAID_AGAIN_MIN = 200;
// V8 hashes a string up to this length: of longer ones a map knows no more than how long they are.
const HASHED_CHARACTERS_MAX = 16_383;

class Engine implements Attributor {
  private readonly registrar = new Registrar();
  /** Stands for what is registered, where messages keep what was found in them. */
  private registered: object = {};
  private readonly answers: AnswerCache<Attribution> | null;
  /** Of messages, which come again with every turn of their conversation. */
  private readonly messageFindings: GenerationalCache<string, TextFinding> | null;
  private readonly declaredHits: KnownHits;
  /** Those that emitters send along. */
  private readonly templates: GenerationalCache<string, readonly RegisteredVariant[]> | null;

  constructor(remembersAnswers: boolean) {
    this.answers = remembersAnswers ? new AnswerCache() : null;
    this.messageFindings = remembersAnswers ? new GenerationalCache(MESSAGE_CHARACTERS_MAX) : null;
    this.declaredHits = remembersAnswers ? new GenerationalCache(KNOWN_HITS_CHARACTERS_MAX) : null;
    this.templates = remembersAnswers ? new GenerationalCache(TEMPLATE_CHARACTERS_MAX) : null;
  }

  add(version: RegisteredVersion): AddResult {
    return this.addAll([version])[0] as AddResult;
  }

  addAll(versions: readonly RegisteredVersion[]): AddResult[] {
    this.forgetAnswers();
    return this.registrar.addAll(versions);
  }

  remove(prompt: string, version: string): void {
    this.forgetAnswers();
    this.registrar.remove(prompt, version);
  }

  attribute(query: AttributionQuery): Attribution {
    if (query.text !== undefined && query.declared === undefined && query.template === undefined) {
      // Settings break ties, so an answer that used them is not the text's alone.
      if (query.settings === undefined) return this.attributeText(query.text);
    }
    return this.attributeWithAll(query);
  }

  near(query: AttributionQuery, budget?: NearBudget): NearMatch[] {
    return resultOf(nearMatches(this.registrar.nearIndex, query, budget));
  }

  nearSteps(query: AttributionQuery): Steps<NearMatch[]> {
    return nearMatches(this.registrar.nearIndex, query);
  }

  explain(query: AttributionQuery, answer: Attribution): Explanation {
    const messages = conversationOf(query) ?? [];
    const { candidates } = query.text === undefined ? this.candidatesOfChat(messages) : this.allOfText(query.text);
    return explanationOf(query, answer, candidates);
  }

  stats(): AttributorStats {
    return { versions: this.registrar.variants.versionCount, patterns: this.registrar.matcher.patternCount };
  }

  private forgetAnswers(): void {
    this.registered = {};
    this.answers?.clear();
    this.messageFindings?.clear();
    this.declaredHits?.clear();
    this.templates?.clear();
  }

  private attributeText(text: string): Attribution {
    const { matcher } = this.registrar;
    matcher.prepare(text);
    if (this.answers === null) return this.attributePrepared(text);
    const hash = matcher.contentHash();
    const known = this.answers.get(hash, text);
    if (known !== undefined) return known;
    const attribution = this.attributePrepared(text);
    this.answers.keep(hash, text, attribution);
    return attribution;
  }

  private attributePrepared(text: string): Attribution {
    const finding = this.registrar.matcher.find(text);
    return this.soleRender(finding) ?? this.concludeText(text, finding);
  }

  /** By far the most frequent answer, on the shortest way: one version, and a render of it. */
  private soleRender({ equal, patterns, isFaint, isIncomplete, bytes }: TextFinding): Attribution | null {
    const [pattern] = patterns;
    if (pattern === undefined || pattern.soleName === null || patterns.length > 1) return null;
    if (equal.length > 0 || isFaint || isIncomplete) return null;
    return concludeSole(pattern.soleName, { pattern, bytes });
  }

  private concludeText(text: string, finding: TextFinding): Attribution {
    return conclude(this.candidatesOfText(text, finding), { isIncomplete: finding.isIncomplete });
  }

  private attributeWithAll(query: AttributionQuery): Attribution {
    const messages = conversationOf(query);
    if (messages === null) return conclude([], { declaration: this.declarationOf(query, null, []), hasContent: false });
    const rendered = this.renderedAsDeclared(query, messages);
    if (rendered !== null) return rendered;
    const { candidates, isIncomplete } =
      query.text === undefined ? this.candidatesOfChat(messages) : this.candidatesOfNewText(query.text);
    const declaration = this.declarationOf(query, messages, candidates);
    return conclude(candidates, { declaration, settings: query.settings, isIncomplete });
  }

  private declarationOf(
    query: AttributionQuery,
    messages: readonly PromptMessage[] | null,
    found: readonly Candidate[],
  ): Declaration | null {
    return declarationOf(query, this.registrar.variants, messages, found, this.declaredHits);
  }

  /** The span carries its template: if that is registered, it is rendered and compared. */
  private renderedAsDeclared(query: AttributionQuery, messages: readonly PromptMessage[]): Attribution | null {
    if (query.template === undefined || query.variables === undefined) return null;
    for (const variant of this.variantsOfTemplate(query.template)) {
      const { body, format } = variant.variant;
      if (body.kind !== 'text') continue;
      const rendered = renderTemplate(body.text, format, query.variables);
      if (!rendered.ok || !messages.some(({ content }) => content.trim() === rendered.text.trim())) continue;
      const { prompt, version } = variant.version;
      const declared = this.declarationOf({ declared: { prompt, version } }, messages, []);
      return concludeRendered(variant, declared?.supportedBy[0] ?? null, query.variables);
    }
    return null;
  }

  private variantsOfTemplate(template: string): readonly RegisteredVariant[] {
    const known = this.templates?.get(template, template.length);
    if (known !== undefined) return known;
    const variants = this.registrar.variants.withHash(contentHashes(textBody(template)).transport);
    this.templates?.set(template, variants, template.length);
    return variants;
  }

  private candidatesOfNewText(text: string): { candidates: Candidate[]; isIncomplete: boolean } {
    this.registrar.matcher.prepare(text);
    const finding = this.registrar.matcher.find(text);
    return { candidates: this.candidatesOfText(text, finding), isIncomplete: finding.isIncomplete };
  }

  /** Also those with less evidence than the best. */
  private allOfText(text: string): { candidates: Candidate[] } {
    const { matcher } = this.registrar;
    matcher.prepare(text);
    const finding = matcher.findAll(text);
    return { candidates: [...this.candidatesOfText(text, finding), ...this.rendersOf(finding)] };
  }

  private candidatesOfText(text: string, finding: TextFinding): Candidate[] {
    const candidates: Candidate[] = [];
    for (const part of finding.equal) {
      const variant = this.registrar.variants.at(part.variant);
      if (variant === undefined || variant.messages.length > 1) continue;
      const hash = variant.messages[0]?.content === text ? 'strict' : 'transport';
      candidates.push({ variant, hash, messages: [] });
    }
    if (candidates.length === 0) candidates.push(...this.rendersOf(finding));
    if (candidates.length === 0) candidates.push(...this.equalByHash([{ role: '', content: text }], true));
    return candidates;
  }

  private rendersOf({ patterns, bytes }: TextFinding): Candidate[] {
    const candidates: Candidate[] = [];
    for (const pattern of patterns) {
      const messages = [{ pattern, bytes }];
      for (const owner of pattern.owners) {
        const variant = this.registrar.variants.at(owner.variant);
        if (variant !== undefined) candidates.push({ variant, hash: null, messages });
      }
    }
    return candidates;
  }

  private candidatesOfChat(messages: readonly PromptMessage[]): { candidates: Candidate[]; isIncomplete: boolean } {
    const looked = lookedAt(messages);
    const hits = new Map<number, MessageHit[]>();
    let isIncomplete = false;
    for (let at = 0; at < looked.length; at += 1) {
      const finding = this.findMessage(looked[at] as PromptMessage);
      isIncomplete ||= finding.isIncomplete;
      // What people say in a conversation is as good as never registered.
      if (finding.equal.length === 0 && finding.patterns.length === 0) continue;
      for (const [variant, hit] of hitsOf(finding, at)) {
        const list = hits.get(variant);
        if (list === undefined) hits.set(variant, [hit]);
        else list.push(hit);
      }
    }
    const candidates: Candidate[] = [];
    for (const [number, ofVariant] of hits) {
      const variant = this.registrar.variants.at(number);
      const candidate = variant === undefined ? null : candidateOfHits(variant, ofVariant, looked);
      if (candidate !== null) candidates.push(candidate);
    }
    if (candidates.length === 0) candidates.push(...this.equalByHash(messages, false));
    return { candidates, isIncomplete };
  }

  private findMessage(message: PromptMessage): TextFinding {
    const { messageFindings } = this;
    const { role, content } = message;
    if (messageFindings === null) return this.findContent(content);
    if (message instanceof RepeatedMessage) {
      const known = message.foundBy(this.registered);
      if (known !== null) return known;
      const finding = this.findContent(content);
      message.keep(this.registered, finding);
      return finding;
    }
    const isSaidOnce = content.length < SAID_AGAIN_MIN && !isInstructing(role);
    if (isSaidOnce || content.length > HASHED_CHARACTERS_MAX) return this.findContent(content);
    const weight = content.length + FINDING_CHARACTERS;
    const known = messageFindings.get(content, weight);
    if (known !== undefined) return known;
    const finding = this.findContent(content);
    messageFindings.set(content, finding, weight);
    return finding;
  }

  private findContent(content: string): TextFinding {
    const { matcher } = this.registrar;
    matcher.prepare(content);
    const found = matcher.findAll(content);
    const isNothing = found.equal.length === 0 && found.patterns.length === 0 && !found.isIncomplete;
    return isNothing ? NOTHING_FOUND : found;
  }

  /** Sources that differ only in what a hash forgives. */
  private equalByHash(messages: readonly PromptMessage[], isText: boolean): Candidate[] {
    if (!this.registrar.variants.hasLength(messages.length)) return [];
    const hashes = contentHashes(isText ? textBody(messages[0]?.content ?? '') : chatBody(messages));
    return [hashes.transport, hashes.cosmetic].flatMap((hash) =>
      this.registrar.variants.withHash(hash).map((variant): Candidate => {
        return { variant, hash: strictestEqualHash(hashes, variant.variant.hashes), messages: [] };
      }),
    );
  }
}

function conversationOf(query: AttributionQuery): readonly PromptMessage[] | null {
  if (query.text !== undefined) return [{ role: '', content: query.text }];
  return query.messages === undefined || query.messages.length === 0 ? null : query.messages;
}

function lookedAt(messages: readonly PromptMessage[]): readonly PromptMessage[] {
  if (messages.length <= FIRST_MESSAGES_MAX + LAST_MESSAGES_MAX) return messages;
  return [...messages.slice(0, FIRST_MESSAGES_MAX), ...messages.slice(-LAST_MESSAGES_MAX)];
}

function hitsOf(finding: TextFinding, at: number): (readonly [number, MessageHit])[] {
  const { equal, patterns, bytes } = finding;
  const isEqualTo = (variant: number, message: number): boolean =>
    equal.some((part) => part.variant === variant && part.message === message);
  const rendered = patterns.flatMap((pattern) =>
    pattern.owners.map(({ variant, message }) => {
      const hit = { at, message, matched: { pattern, bytes }, isEqual: isEqualTo(variant, message) };
      return [variant, hit] as const;
    }),
  );
  const sources = equal.map(
    ({ variant, message }) => [variant, { at, message, matched: null, isEqual: true }] as const,
  );
  return [...rendered, ...sources];
}
