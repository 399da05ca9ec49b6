/** The variants that are registered, with their patterns: what a number in a `TemplatePart` stands for. */

import type { PromptVariant, RegisteredVersion } from '../contract/prompt.ts';
import { bodyMessages } from '../text/body.ts';
import type { IndexedPattern, VariantName } from './indexed-pattern.ts';

export interface RegisteredMessage {
  readonly role: string;
  readonly content: string;
  readonly contentBytes: number;
  /** Any message, or none, may stand where it stands. */
  readonly fitsAnything: boolean;
  readonly problem: string | null;
  readonly patterns: readonly IndexedPattern[];
}

export interface RegisteredVariant {
  /** Its place in the list, which `TemplatePart.variant` refers to. */
  readonly number: number;
  readonly name: VariantName;
  readonly version: RegisteredVersion;
  readonly variant: PromptVariant;
  readonly messages: readonly RegisteredMessage[];
}

export class RegisteredVariants {
  private readonly all: (RegisteredVariant | undefined)[] = [];
  private readonly byVersion = new Map<string, RegisteredVariant[]>();
  private readonly byPrompt = new Map<string, RegisteredVariant[]>();
  private readonly byHash = new Map<string, RegisteredVariant[]>();
  /** How many variants have so many messages. */
  private readonly lengths = new Map<number, number>();

  get nextNumber(): number {
    return this.all.length;
  }

  get versionCount(): number {
    return this.byVersion.size;
  }

  add(variant: RegisteredVariant): void {
    this.all.push(variant);
    const { prompt, version } = variant.version;
    push(this.byVersion, versionKey(prompt, version), variant);
    push(this.byPrompt, prompt, variant);
    const { strict, transport, cosmetic } = variant.variant.hashes;
    for (const hash of new Set([strict, transport, cosmetic])) push(this.byHash, hash, variant);
    this.count(variant, 1);
  }

  /** Undefined once its version was removed. */
  at(number: number): RegisteredVariant | undefined {
    return this.all[number];
  }

  ofVersion(prompt: string, version: string): readonly RegisteredVariant[] {
    return this.byVersion.get(versionKey(prompt, version)) ?? [];
  }

  ofPrompt(prompt: string): readonly RegisteredVariant[] {
    return this.byPrompt.get(prompt) ?? [];
  }

  /** Variants one of whose three hashes is this one. */
  withHash(hash: string): readonly RegisteredVariant[] {
    return this.byHash.get(hash) ?? [];
  }

  /** Whether any has so many messages: a body of another length has none of their hashes. */
  hasLength(messages: number): boolean {
    return (this.lengths.get(messages) ?? 0) > 0;
  }

  remove(prompt: string, version: string): readonly RegisteredVariant[] {
    const removed = this.ofVersion(prompt, version);
    this.byVersion.delete(versionKey(prompt, version));
    for (const variant of removed) {
      this.all[variant.number] = undefined;
      this.count(variant, -1);
      drop(this.byPrompt, prompt, variant);
      for (const hash of Object.values(variant.variant.hashes)) drop(this.byHash, hash as string, variant);
    }
    return removed;
  }

  private count({ variant }: RegisteredVariant, change: 1 | -1): void {
    const { length } = bodyMessages(variant.body);
    this.lengths.set(length, (this.lengths.get(length) ?? 0) + change);
  }
}

function versionKey(prompt: string, version: string): string {
  return JSON.stringify([prompt, version]);
}

function push(map: Map<string, RegisteredVariant[]>, key: string, variant: RegisteredVariant): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [variant]);
  else list.push(variant);
}

function drop(map: Map<string, RegisteredVariant[]>, key: string, variant: RegisteredVariant): void {
  const rest = (map.get(key) ?? []).filter((other) => other !== variant);
  if (rest.length === 0) map.delete(key);
  else map.set(key, rest);
}
