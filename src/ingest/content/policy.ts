/**
 * What of the content may reach a disk, per environment: all, all after redaction rules, or only
 * hashes. Decided once for each environment, applied before anything is written. Pure.
 */

import { boundedPattern } from '../../lib/bounded-pattern.ts';

export type ContentMode = 'full' | 'redacted' | 'hash_only';

export interface RedactionRule {
  readonly name: string;
  /** Global. It runs over every text: see `boundedPattern`. */
  readonly pattern: RegExp;
  /** Put in place of what it matched, literally. */
  readonly replacement: string;
}

export interface ContentPolicy {
  readonly mode: ContentMode;
  readonly rules: readonly RedactionRule[];
}

/**
 * What a leaked transcript is most often searched for. Deliberately narrow: a rule that eats prompt
 * text would hide drift. Number groups of cards are checked with their check digit.
 */
const DEFAULT_PATTERNS: readonly { readonly name: string; readonly pattern: RegExp }[] = [
  { name: 'email', pattern: /[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}/g },
  { name: 'api-key', pattern: /\b(?:sk|pk|rk)[-_](?:[A-Za-z0-9]{1,16}[-_]){0,3}[A-Za-z0-9_-]{16,200}/g },
  { name: 'aws-key', pattern: /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g },
  { name: 'token', pattern: /\b(?:ghp|gho|ghs|glpat|xox[abps])[-_][A-Za-z0-9-]{16,200}/g },
  { name: 'jwt', pattern: /\beyJ[A-Za-z0-9_-]{8,4096}\.[A-Za-z0-9_-]{8,8192}\.[A-Za-z0-9_-]{8,2048}/g },
  { name: 'card', pattern: /\b\d(?:[ -]?\d){12,18}\b/g },
  { name: 'iban', pattern: /\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b/g },
  { name: 'phone', pattern: /(?<![\w.])\+\d{1,3}[ .-]?(?:\(\d{1,4}\)[ .-]?)?\d{1,4}(?:[ .-]?\d{2,4}){2,4}\b/g },
];

export const DEFAULT_REDACTION_RULES: readonly RedactionRule[] = DEFAULT_PATTERNS.map((rule) => ({
  ...rule,
  replacement: `[redacted:${rule.name}]`,
}));

export function redact(text: string, rules: readonly RedactionRule[]): string {
  let redacted = text;
  for (const rule of rules) {
    redacted = redacted.replace(rule.pattern, (found) =>
      rule.name === 'card' && !hasCheckDigit(found) ? found : rule.replacement,
    );
  }
  return redacted;
}

/** The Luhn formula, ISO/IEC 7812-1. */
function hasCheckDigit(digitsAndGaps: string): boolean {
  const digits = digitsAndGaps.replaceAll(/\D/g, '');
  let sum = 0;
  for (let index = 0; index < digits.length; index += 1) {
    const digit = Number(digits[digits.length - 1 - index]);
    const doubled = index % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}

export interface ContentPolicies {
  readonly default: ContentPolicy;
  /** A map: senders choose the names, `constructor` among them. */
  readonly byEnvironment: ReadonlyMap<string, ContentPolicy>;
}

export function policyFor(policies: ContentPolicies, environment: string | undefined): ContentPolicy {
  return policies.byEnvironment.get(environment ?? '') ?? policies.default;
}

const STRICTEST_FIRST: readonly ContentMode[] = ['hash_only', 'redacted', 'full'];

/** For a text of which nobody knows where it belongs. */
export function strictestPolicy(policies: ContentPolicies): ContentPolicy {
  const all = [policies.default, ...policies.byEnvironment.values()];
  const mode = STRICTEST_FIRST.find((each) => all.some((policy) => policy.mode === each));
  return all.find((policy) => policy.mode === mode) ?? policies.default;
}

export const KEEP_EVERYTHING: ContentPolicies = { default: { mode: 'full', rules: [] }, byEnvironment: new Map() };

/** As the configuration writes it. */
export interface ContentSettings {
  readonly default: ContentMode;
  readonly environments: Readonly<Record<string, ContentMode>>;
  readonly redact: readonly { readonly name: string; readonly pattern: string; readonly replacement: string }[];
}

/** Configured rules come in addition to the default ones. Throws a SyntaxError for an invalid pattern. */
export function contentPolicies(settings: ContentMode | ContentSettings): ContentPolicies {
  if (typeof settings === 'string') return contentPolicies({ default: settings, environments: {}, redact: [] });
  const own = settings.redact.map((rule) => ({ ...rule, pattern: boundedPattern(rule.pattern) }));
  const policyOf = (mode: ContentMode): ContentPolicy => ({
    mode,
    rules: mode === 'redacted' ? [...own, ...DEFAULT_REDACTION_RULES] : [],
  });
  const byEnvironment = Object.entries(settings.environments).map(([name, mode]) => [name, policyOf(mode)] as const);
  return { default: policyOf(settings.default), byEnvironment: new Map(byEnvironment) };
}
