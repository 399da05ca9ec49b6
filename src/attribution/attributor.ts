/**
 * The attribution engine's surface: versions are registered, texts and chats are attributed. Holds
 * what is registered in memory and nothing else; no clock, no I/O. Not safe to call from within itself.
 */

import type { Attribution, AttributionQuery, NearMatch } from '../contract/attribution.ts';
import type { PromptMessage, RegisteredVersion } from '../contract/prompt.ts';
import { renderTemplate } from '../templates/index.ts';
import { chatBody, textBody } from '../text/body.ts';
import { contentHashes, strictestEqualHash } from '../text/hashes.ts';
import { AnswerCache } from './answer-cache.ts';
import { bestCandidates } from './candidate.ts';
import type { Candidate } from './candidate.ts';
import { candidateOfHits } from './chat-match.ts';
import type { MessageHit } from './chat-match.ts';
import { conclude, concludeRendered, concludeSole } from './conclusion.ts';
import { declarationOf } from './declaration.ts';
import type { TemplatePart } from './indexed-pattern.ts';
import { nearMatches } from './near-match.ts';
import type { NearBudget } from './near-match.ts';
import { Registrar } from './registrar.ts';
import type { AddResult } from './registrar.ts';
import type { TextFinding } from './text-matcher.ts';

export interface Attributor {
  /** Findable at once, in milliseconds. A version that is known already is left as it is. */
  add(version: RegisteredVersion): AddResult;
  /** The same for many; faster, and the anchors of each are chosen with all in sight. */
  addAll(versions: readonly RegisteredVersion[]): AddResult[];
  remove(prompt: string, version: string): void;
  attribute(query: AttributionQuery): Attribution;
  /** Which registered versions a text is nearly an instance of, with the edit. For texts that `attribute` calls unknown; takes milliseconds. */
  near(query: AttributionQuery, budget?: NearBudget): NearMatch[];
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

class Engine implements Attributor {
  private readonly registrar = new Registrar();
  private readonly answers: AnswerCache<Attribution> | null;
  private readonly messageFindings: AnswerCache<TextFinding> | null;

  constructor(remembersAnswers: boolean) {
    this.answers = remembersAnswers ? new AnswerCache() : null;
    this.messageFindings = remembersAnswers ? new AnswerCache() : null;
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
    return nearMatches(this.registrar.nearIndex, query, budget);
  }

  stats(): AttributorStats {
    return { versions: this.registrar.variants.versionCount, patterns: this.registrar.matcher.patternCount };
  }

  private forgetAnswers(): void {
    this.answers?.clear();
    this.messageFindings?.clear();
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
    if (pattern?.owners.length !== 1 || patterns.length > 1 || equal.length > 0 || isFaint || isIncomplete) return null;
    return concludeSole((pattern.owners[0] as TemplatePart).name, { pattern, bytes });
  }

  private concludeText(text: string, finding: TextFinding): Attribution {
    return conclude(this.candidatesOfText(text, finding), { isIncomplete: finding.isIncomplete });
  }

  private attributeWithAll(query: AttributionQuery): Attribution {
    const messages = conversationOf(query);
    const declaration = declarationOf(query, this.registrar.variants, messages);
    if (messages === null) return conclude([], { declaration, hasContent: false });
    const rendered = this.renderedAsDeclared(query, messages);
    if (rendered !== null) return rendered;
    const { candidates, isIncomplete } =
      query.text === undefined ? this.candidatesOfChat(messages) : this.candidatesOfNewText(query.text);
    return conclude(candidates, { declaration, settings: query.settings, isIncomplete });
  }

  /** The span carries its template: if that is registered, it is rendered and compared. */
  private renderedAsDeclared(query: AttributionQuery, messages: readonly PromptMessage[]): Attribution | null {
    if (query.template === undefined || query.variables === undefined) return null;
    const hashes = contentHashes(textBody(query.template));
    for (const variant of this.registrar.variants.withHash(hashes.transport)) {
      const { body, format } = variant.variant;
      if (body.kind !== 'text') continue;
      const rendered = renderTemplate(body.text, format, query.variables);
      if (!rendered.ok || !messages.some(({ content }) => content.trim() === rendered.text.trim())) continue;
      const { prompt, version } = variant.version;
      const declared = declarationOf({ declared: { prompt, version } }, this.registrar.variants, messages);
      return concludeRendered(variant, declared?.supportedBy ?? null, query.variables);
    }
    return null;
  }

  private candidatesOfNewText(text: string): { candidates: Candidate[]; isIncomplete: boolean } {
    this.registrar.matcher.prepare(text);
    const finding = this.registrar.matcher.find(text);
    return { candidates: this.candidatesOfText(text, finding), isIncomplete: finding.isIncomplete };
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
    for (const [at, message] of looked.entries()) {
      const finding = this.findMessage(message.content);
      isIncomplete ||= finding.isIncomplete;
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
    return { candidates: bestCandidates(candidates), isIncomplete };
  }

  private findMessage(content: string): TextFinding {
    const { matcher } = this.registrar;
    matcher.prepare(content);
    if (this.messageFindings === null) return matcher.findAll(content);
    const hash = matcher.contentHash();
    const known = this.messageFindings.get(hash, content);
    if (known !== undefined) return known;
    const finding = matcher.findAll(content);
    this.messageFindings.keep(hash, content, finding);
    return finding;
  }

  /** Sources that differ only in what a hash forgives. */
  private equalByHash(messages: readonly PromptMessage[], isText: boolean): Candidate[] {
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
