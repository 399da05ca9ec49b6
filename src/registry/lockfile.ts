/**
 * The lockfile: which version of each prompt an environment should hold. Reads it, checks it
 * against what is registered, and spells it in one way only. Pure.
 */

import { z } from 'zod';
import type { ContentHash, Pin, RegisteredVersion } from '../contract/prompt.ts';
import { closest } from '../lib/closest.ts';
import { checkShape, didYouMean, fieldName, oneOf, type Problem } from '../lib/problems.ts';
import { parseYaml, type YamlDocument, type YamlPath } from '../lib/yaml.ts';
import { versionKey } from './draft.ts';
import { PROMPT_ID } from './prompt-schema.ts';
import { compareVersions, isVersion } from './version-order.ts';
import { compareText } from '../lib/compare.ts';

/** Of 5,000 pins in 8 environments. */
export const LOCK_BYTES_MAX = 8 * 1024 * 1024;

const HASH = /^sha256:[0-9a-f]{64}$/;

/** What registries that count no versions name them by. */
const COMMIT = /^(?=.*[a-f])[0-9a-f]{8,64}$/;

const LockedPin = z.strictObject({
  version: z
    .union([z.int(), z.string()])
    .transform(String)
    .refine(
      (text) => isVersion(text) || COMMIT.test(text),
      'must be a whole number (2) or a semantic version in three parts (1.4.0)',
    ),
  hash: z
    .string({ error: (issue) => (issue.input === undefined ? 'is required: `plumbline lock` writes it' : undefined) })
    .regex(HASH, 'must be sha256: and 64 hex digits, as `plumbline lock` writes it'),
});

/** False for names that other registries allow and a lockfile does not. */
export function isLockable(prompt: string, version: string): boolean {
  return PROMPT_ID.test(prompt) && (isVersion(version) || COMMIT.test(version));
}

const ENVIRONMENT = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
const ENVIRONMENT_WORDS = 'must be 1 to 100 letters, digits, `.`, `_` or `-`, and start with a letter or digit';

/** Why nothing can be pinned in an environment of this name; null if it can. Sources and calls may have others. */
export function whyNotLockable(environment: string): string | null {
  return ENVIRONMENT.test(environment)
    ? null
    : `Nothing can be pinned in ${JSON.stringify(environment)}: the name of an environment ${ENVIRONMENT_WORDS}.`;
}

export const LockFile = z.strictObject({
  environments: z.record(
    z.string().regex(ENVIRONMENT, ENVIRONMENT_WORDS),
    z.record(z.string().regex(PROMPT_ID, 'is no prompt id'), LockedPin).nullable(),
  ),
});

/** environment → prompt → what it is pinned to. `hash` is null where the file lacks it. */
export type LockedVersions = ReadonlyMap<string, ReadonlyMap<string, LockedVersion>>;

export interface LockedVersion {
  readonly version: string;
  readonly hash: ContentHash | null;
}

/** A pin as it is written. Null: its hash is missing, or none. */
export type WrittenPin = Omit<Pin, 'hash'> & { readonly hash: ContentHash | null };

export interface ReadLockFile {
  readonly pins: readonly WrittenPin[];
  readonly problems: readonly Problem[];
  /** Null when something in the file is not understood: writing it anew would lose that. */
  readonly locked: LockedVersions | null;
  readonly document: YamlDocument;
}

/** Pins come out also when there are problems, as far as they can be read. */
export function readLockFile(text: string, file: string): ReadLockFile {
  const document = parseYaml(text, file, LOCK_BYTES_MAX);
  const checked = checkShape(LockFile, document);
  const pins: WrittenPin[] = [];
  for (const [environment, prompts] of lockedVersions(document.value)) {
    for (const [prompt, { version, hash }] of prompts) {
      const { line } = document.locate(pathOf(environment, prompt));
      pins.push({
        environment,
        prompt,
        version,
        hash,
        rule: 'lockfile',
        origin: { file, line },
        since: null,
        by: null,
      });
    }
  }
  const problems = checked.ok ? [] : checked.problems;
  // Hashes can be computed; everything else only its writer knows.
  const isUnderstood = document.problems.length === 0 && problems.every(({ field }) => field.endsWith('.hash'));
  return { pins, problems, locked: isUnderstood ? lockedVersions(document.value) : null, document };
}

/**
 * The pins that stand. Where somebody wrote a version by hand and no hash, or left the hash of another version, the
 * version is what was meant: hashes can be computed. Without a hash and a registered version nothing is pinned.
 */
export function standingPins(written: readonly WrittenPin[], versions: readonly RegisteredVersion[]): Pin[] {
  const byPrompt = Map.groupBy(versions, ({ prompt }) => prompt);
  return written.flatMap((pin) => {
    const registered = byPrompt.get(pin.prompt) ?? [];
    const version = registered.find((candidate) => candidate.version === pin.version);
    const { hash } = pin;
    if (hash !== null && (version === undefined || hasHash(version, hash) || versionWith(registered, hash) === null))
      return [{ ...pin, hash }];
    return version === undefined ? [] : [{ ...pin, hash: version.variants[0].hashes.strict }];
  });
}

function versionWith(versions: Iterable<RegisteredVersion>, hash: ContentHash): RegisteredVersion | null {
  for (const version of versions) if (hasHash(version, hash)) return version;
  return null;
}

function hasHash({ variants }: RegisteredVersion, hash: ContentHash): boolean {
  return variants.some(({ hashes }) => hashes.strict === hash);
}

/** Whatever can be understood of a lockfile's value; never throws. */
export function lockedVersions(value: unknown): LockedVersions {
  const environments = new Map<string, Map<string, LockedVersion>>();
  for (const [environment, prompts] of entriesOf(entryOf(value, 'environments'))) {
    const pins = new Map<string, LockedVersion>();
    for (const [prompt, pin] of entriesOf(prompts)) {
      const version = entryOf(pin, 'version');
      const hash = entryOf(pin, 'hash');
      if (typeof version !== 'string' && typeof version !== 'number') continue;
      const isHash = typeof hash === 'string' && HASH.test(hash);
      pins.set(prompt, { version: String(version), hash: isHash ? (hash as ContentHash) : null });
    }
    environments.set(environment, pins);
  }
  return environments;
}

function entryOf(value: unknown, key: string): unknown {
  return value !== null && typeof value === 'object' ? (value as Record<string, unknown>)[key] : undefined;
}

function entriesOf(value: unknown): readonly (readonly [string, unknown])[] {
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? Object.entries(value) : [];
}

function pathOf(environment: string, prompt: string): YamlPath {
  return ['environments', environment, prompt];
}

/** Pins of what does not exist, of components, and hashes that are not the registered ones. */
export function checkPins(
  lock: ReadLockFile,
  versions: readonly RegisteredVersion[],
  broken: ReadonlyMap<string, string>,
): Problem[] {
  const byPrompt = new Map<string, Map<string, RegisteredVersion>>();
  for (const version of versions) {
    byPrompt.set(version.prompt, (byPrompt.get(version.prompt) ?? new Map()).set(version.version, version));
  }
  return lock.pins.flatMap((pin) => {
    // Said already.
    if (pin.hash === null) return [];
    const path = pathOf(pin.environment, pin.prompt);
    const { document } = lock;
    const registered = byPrompt.get(pin.prompt);
    const brokenFile = broken.get(pin.prompt);
    const version = registered?.get(pin.version);
    if (version === undefined && brokenFile !== undefined) {
      return at(
        document,
        path,
        `pins version ${pin.version}, and ${brokenFile} can't be used until its own problems are solved.`,
      );
    }
    if (registered === undefined) {
      const guess = closest(pin.prompt, byPrompt.keys());
      return at(document, path, 'is not a registered prompt.', guess === null ? undefined : didYouMean(guess));
    }
    if (version === undefined) {
      const known = oneOf([...registered.keys()].toSorted(compareVersions));
      return at(
        document,
        [...path, 'version'],
        `pins version ${pin.version}, which is not registered; registered: ${known}.`,
      );
    }
    if (version.isComponent)
      return at(document, path, 'is a component: it is never live by itself.', 'Pin the prompts that include it.');
    const { strict } = version.variants[0].hashes;
    if (strict === pin.hash) return [];
    const name = versionKey(pin.prompt, pin.version);
    const command = `plumbline lock ${name} --environment ${pin.environment}`;
    const left = versionWith(registered.values(), pin.hash);
    const hint =
      left === null
        ? `Either was changed after it was pinned. Look at both, then run: ${command}`
        : `It is the hash of version ${left.version}. To pin ${pin.version}, run: ${command}`;
    return at(document, [...path, 'hash'], `is not the hash of ${name}, which is ${strict}.`, hint);
  });
}

/** One problem, as the list that `flatMap` wants. */
function at(document: YamlDocument, path: YamlPath, message: string, hint?: string): Problem[] {
  const problem = { file: document.file, ...document.locate(path), field: fieldName(path), message };
  return [hint === undefined ? problem : { ...problem, hint }];
}

const HEADER = `# Which version of each prompt an environment should hold. Written by \`plumbline lock\`:
# \`plumbline lock PROMPT@VERSION --environment NAME\` moves a pin. Commit this file.
`;

/** One spelling for one content: environments and prompts by name, one line per pin. */
export function renderLockFile(locked: LockedVersions): string {
  const lines = [HEADER.trimEnd(), 'environments:'];
  for (const [environment, pins] of sorted(locked)) {
    const entries = sorted(pins).flatMap(([prompt, { version, hash }]) =>
      hash === null ? [] : [`    ${yamlKey(prompt)}: { version: ${spellVersion(version)}, hash: "${hash}" }`],
    );
    lines.push(entries.length === 0 ? `  ${yamlKey(environment)}: {}` : `  ${yamlKey(environment)}:`, ...entries);
  }
  if (locked.size === 0) lines[1] = 'environments: {}';
  return `${lines.join('\n')}\n`;
}

function sorted<Value>(map: ReadonlyMap<string, Value>): readonly (readonly [string, Value])[] {
  return [...map].toSorted(([a], [b]) => compareText(a, b));
}

/** A whole number stays a number; `1.4.0` is text to YAML already. */
function spellVersion(version: string): string {
  return /^\d+$|^\d+\.\d+\.\d+/.test(version) ? version : JSON.stringify(version);
}

/** Quoted when YAML would read something else than this text: `1`, `true`, `1e3`. */
function yamlKey(key: string): string {
  return /^[A-Za-z][A-Za-z0-9._/-]*$/.test(key) && !/^(?:true|false|null)$/i.test(key) ? key : JSON.stringify(key);
}
