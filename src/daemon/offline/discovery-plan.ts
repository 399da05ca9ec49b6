/** Which registered prompt each thing that a source holds is, and what would be watched and pinned. Pure. */

import type { Attribution, NearMatch } from '../../contract/attribution.ts';
import type { RegisteredVersion } from '../../contract/prompt.ts';
import type { LiveContent } from '../../contract/source.ts';
import type { FoundPrompt } from '../../cli/discovery-report.ts';
import type { TargetEntry } from '../../config/edit-targets.ts';
import { newest, versionWords } from '../../drift/version-order.ts';

/** Prompts that a message names. */
const NAMED_MAX = 5;

export interface DiscoveredItem {
  readonly name: string;
  /** An entry for `targets:`, less `prompt`. */
  readonly target: object;
  readonly content: LiveContent;
  /** What attribution says of its text over all that is registered. */
  readonly attribution: Attribution;
  readonly near: readonly NearMatch[];
}

export interface PlanOptions {
  readonly source: string;
  readonly versions: readonly RegisteredVersion[];
  /** Prompts that have a target in this source. */
  readonly watched: ReadonlySet<string>;
  /** True for a target that is in the configuration in other words. */
  readonly isWatched: (item: DiscoveredItem) => boolean;
  /** Propose targets also for what nobody registered. */
  readonly includesUnregistered: boolean;
}

type Registered = ReadonlyMap<string, readonly RegisteredVersion[]>;

/**
 * A prompt has one target in a source. Who has its very text comes first, then who has its name,
 * then who is like it: prompts made from one pattern are all like each other.
 */
export function planDiscovery(items: readonly DiscoveredItem[], options: PlanOptions): readonly FoundPrompt[] {
  const registered: Registered = Map.groupBy(options.versions, (version) => version.prompt);
  const taken = new Map<string, DiscoveredItem>();
  const found = new Map<DiscoveredItem, FoundPrompt>();
  const rounds = [exactly(registered, options.source), byName(registered), byLikeness];
  for (const claim of rounds) {
    for (const item of items) {
      if (found.has(item)) continue;
      const claimed = claim(item, taken);
      if (claimed === null) continue;
      found.set(item, claimed);
      if (claimed.prompt !== null && !taken.has(claimed.prompt)) taken.set(claimed.prompt, item);
    }
  }
  return items.map((item) => {
    const { prompt, ...rest } = found.get(item) ?? unregistered(item, options);
    const isWatched = prompt !== null && (options.watched.has(prompt) || options.isWatched(item));
    return isWatched && rest.target !== null
      ? { ...rest, prompt, status: 'watched', target: null }
      : { ...rest, prompt };
  });
}

type Claim = (item: DiscoveredItem, taken: ReadonlyMap<string, DiscoveredItem>) => FoundPrompt | null;

function exactly(registered: Registered, source: string): Claim {
  return (item, taken) => {
    const { name } = item;
    const exact = item.attribution.matches.filter((match) => match.hash !== null);
    const prompts = [...new Set(exact.map((match) => match.prompt))];
    if (prompts.length === 0) return null;
    const none = { name, status: 'ambiguous', prompt: null, version: null, target: null } as const;
    const prompt = prompts.length === 1 ? prompts[0] : prompts.find((candidate) => namesAgree(candidate, name));
    if (prompt === undefined)
      return { ...none, words: `has the text of ${prompts.slice(0, NAMED_MAX).join(', ')}: add its target by hand` };
    const other = taken.get(prompt);
    if (other !== undefined)
      return { ...none, words: `is ${prompt} as well as ${other.name}: a second place needs a source of its own` };
    const names = new Set(exact.filter((match) => match.prompt === prompt).map((match) => match.version));
    const held = (registered.get(prompt) ?? []).filter((version) => names.has(version.version));
    const version = versionHeld(held, item.content, source)?.version ?? null;
    const words = `holds ${version === null ? prompt : `${prompt} ${versionWords(version)}`}`;
    return { name, status: 'matched', prompt, version, words, target: entry(prompt, item) };
  };
}

function byName(registered: Registered): Claim {
  return (item, taken) => {
    const candidates = [item.name, ...item.near.map((near) => near.prompt)];
    const prompt = candidates.find(
      (candidate) => registered.has(candidate) && !taken.has(candidate) && namesAgree(candidate, item.name),
    );
    return prompt === undefined ? null : edited(prompt, item);
  };
}

const byLikeness: Claim = (item, taken) => {
  const near = item.near.find((candidate) => !taken.has(candidate.prompt));
  return near === undefined ? null : edited(near.prompt, item);
};

function edited(prompt: string, item: DiscoveredItem): FoundPrompt {
  const near = item.near.find((candidate) => candidate.prompt === prompt);
  const like = near === undefined ? '' : `, nearest to ${versionWords(near.version)}`;
  const words = `is ${prompt}, and its text is no registered version${like}`;
  return { name: item.name, status: 'edited', prompt, version: null, words, target: entry(prompt, item) };
}

function unregistered(item: DiscoveredItem, options: PlanOptions): FoundPrompt {
  const { name } = item;
  const wanted = options.includesUnregistered
    ? { prompt: name, target: entry(name, item) }
    : { prompt: null, target: null };
  const words = 'nobody registered it';
  return { name, status: 'unregistered', version: null, words, ...wanted };
}

/** Of several versions with one text: the one that the registry itself names, else the newest. */
function versionHeld(
  versions: readonly RegisteredVersion[],
  content: LiveContent,
  source: string,
): RegisteredVersion | null {
  const named = versions.find(({ registry, version }) => registry === source && version === content.version);
  return named ?? newest(versions, versions);
}

/** `support.intent` and `support/intent`, or `intent` for either. */
function namesAgree(prompt: string, name: string): boolean {
  const [first, second] = [spelled(prompt), spelled(name)];
  return first === second || first.endsWith(`.${second}`) || second.endsWith(`.${first}`);
}

function spelled(name: string): string {
  return name.toLowerCase().replaceAll(/[^\p{L}\p{N}]+/gu, '.');
}

function entry(prompt: string, item: DiscoveredItem): TargetEntry {
  return { prompt, ...item.target };
}
