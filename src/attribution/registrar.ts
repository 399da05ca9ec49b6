/** Takes versions in and out: compiles them, and keeps every index in step. */

import type { PromptVariant, RegisteredVersion } from '../contract/prompt.ts';
import { sha256 } from '../lib/hash.ts';
import { PLACEHOLDER } from '../text/roles.ts';
import { compileVariant, programOf } from './compile-version.ts';
import type { CompiledMessage } from './compile-version.ts';
import { indexedPattern, setOwners } from './indexed-pattern.ts';
import type { IndexedPattern, TemplatePart } from './indexed-pattern.ts';
import { LiteralPool } from './literal-search.ts';
import { NearIndex } from './near-index.ts';
import type { LinearPattern } from './pattern.ts';
import { RegisteredVariants } from './registered-variants.ts';
import type { RegisteredMessage } from './registered-variants.ts';
import { TextMatcher } from './text-matcher.ts';

export interface AddResult {
  /**
   * - `compiled`: its renders are recognised.
   * - `partly_compiled`: some of its messages or variants only by hash.
   * - `hash_only`: only its own source is recognised.
   * - `known`: it was registered already; nothing changed.
   */
  readonly kind: 'compiled' | 'partly_compiled' | 'hash_only' | 'known';
  /** Why something can only be found by hash, in sentences. */
  readonly problems: readonly string[];
}

export class Registrar {
  readonly variants = new RegisteredVariants();
  readonly matcher = new TextMatcher();
  readonly nearIndex = new NearIndex(this.variants);
  /** Versions that render the same texts with the same variables share their patterns. */
  private readonly patterns = new Map<string, IndexedPattern>();
  private readonly literals = new LiteralPool();

  addAll(versions: readonly RegisteredVersion[]): AddResult[] {
    const results = versions.map((version) => this.add(version));
    this.matcher.settle();
    return results;
  }

  remove(prompt: string, version: string): void {
    for (const { number, messages } of this.variants.remove(prompt, version)) {
      for (const pattern of messages.flatMap((message) => message.patterns)) {
        const rest = pattern.owners.filter((owner) => owner.variant !== number);
        setOwners(pattern, rest);
      }
    }
  }

  private add(version: RegisteredVersion): AddResult {
    if (version.isComponent) return { kind: 'hash_only', problems: ['A component is never live by itself.'] };
    if (this.variants.ofVersion(version.prompt, version.version).length > 0) return { kind: 'known', problems: [] };
    const messages = version.variants.flatMap((variant) => this.addVariant(version, variant));
    const problems = [...new Set(messages.flatMap(({ problem }) => problem ?? []))];
    const isFound = messages.some(({ patterns }) => patterns.length > 0);
    if (!isFound && problems.length === 0) {
      return { kind: 'hash_only', problems: ['It has no text of its own, only variables.'] };
    }
    if (problems.length === 0) return { kind: 'compiled', problems };
    return { kind: isFound ? 'partly_compiled' : 'hash_only', problems };
  }

  private addVariant(version: RegisteredVersion, variant: PromptVariant): RegisteredMessage[] {
    const number = this.variants.nextNumber;
    const name = { prompt: version.prompt, version: version.version, model: variant.model };
    const messages = compileVariant(variant).map((compiled, message): RegisteredMessage => {
      const owner = { variant: number, message, name };
      if (compiled.role !== PLACEHOLDER) this.matcher.addText(compiled.content, owner);
      const patterns = compiled.patterns.map((pattern, ordinal) => this.patternFor(pattern, ordinal, owner));
      return registeredMessage(compiled, patterns);
    });
    this.variants.add({ number, name, version, variant, messages });
    this.nearIndex.add(version.prompt, messages);
    return messages;
  }

  private patternFor(pattern: LinearPattern, ordinal: number, owner: TemplatePart): IndexedPattern {
    const key = sha256(JSON.stringify([pattern.blocks, pattern.gapNames, pattern.isExact ? null : pattern.nodes]));
    const known = this.patterns.get(key);
    if (known !== undefined) {
      setOwners(known, [...known.owners, owner]);
      return known;
    }
    const indexed = indexedPattern(pattern, programOf(pattern, this.literals), ordinal, owner, this.literals);
    this.patterns.set(key, indexed);
    this.matcher.addPattern(indexed);
    return indexed;
  }
}

function registeredMessage(
  { role, content, fitsAnything, problem }: CompiledMessage,
  patterns: readonly IndexedPattern[],
): RegisteredMessage {
  return { role, content, contentBytes: Buffer.byteLength(content), fitsAnything, problem, patterns };
}
