/**
 * Decides which content each version has, from all that ever claimed to be it: committed states
 * and the files of today. The first content is the version's content of record; a later one that
 * differs is tampering, told apart from two files that carry the same id by mistake. Pure.
 */

import type { PromptVariant, RegisteredVersion } from '../contract/prompt.ts';
import type { Timestamp } from '../contract/time.ts';
import { sha256 } from '../lib/hash.ts';
import { canonicalJson } from '../lib/json.ts';
import { ComponentExpander, contentFingerprint, type Expansion } from './components.ts';
import { versionKey, type PromptDraft, type PromptSource } from './draft.ts';

/** A content that claimed to be a version, and where. */
export interface Claim {
  readonly draft: PromptDraft;
  /** As the user would type it. */
  readonly file: string;
  readonly line: number | null;
  /** Null for a file of today that is not committed. */
  readonly commit: string | null;
  readonly at: Timestamp | null;
  readonly author: string | null;
}

/** One change of one committed file. */
export interface HistoryEvent extends Omit<Claim, 'draft'> {
  /** Null when the file went away or held no prompt any more. */
  readonly draft: PromptDraft | null;
}

/** A registered version whose content was changed without a new version. */
export interface TamperedInHistory {
  readonly prompt: string;
  readonly version: string;
  /** What differs: `text`, `format`, `model`, `parameters`, `tools`. */
  readonly changed: readonly string[];
  /** The file of today still holds the later content. */
  readonly stillThere: boolean;
  /** Content of record. `origin.commit`, `author`, `registeredAt` say when and by whom it came. */
  readonly first: RegisteredVersion;
  /** Without `origin.commit`: changed in the working tree and not committed. */
  readonly later: RegisteredVersion;
}

/** A file of today, and what was decided about it. */
export interface CurrentFile {
  readonly source: PromptSource;
  readonly state: 'committed' | 'uncommitted' | 'tampered' | 'cannot_expand';
  /** Why it can't be expanded; or who registered the other content. */
  readonly reason: string | null;
}

export interface Records {
  readonly versions: readonly RegisteredVersion[];
  readonly tampered: readonly TamperedInHistory[];
  readonly current: readonly CurrentFile[];
  /** Committed versions that can't be expanded, with the reason. */
  readonly unusable: readonly { readonly claim: Claim; readonly reason: string }[];
}

/** What was ever committed, each oldest first; see `CommittedHistory`. */
export interface HistoryEvents {
  readonly mainline: readonly HistoryEvent[];
  readonly drafts: readonly HistoryEvent[];
  readonly side: readonly HistoryEvent[];
}

export const NO_HISTORY: HistoryEvents = { mainline: [], drafts: [], side: [] };

export function decideRecords(history: HistoryEvents, files: readonly PromptSource[]): Records {
  const claims = collectClaims(history);
  const currentByKey = new Map<string, PromptSource>();
  for (const source of files) {
    const key = versionKey(source.draft.id, source.draft.version);
    const first = claims.get(key)?.[0];
    const isRecord = first !== undefined && draftHash(first.draft) === draftHash(source.draft);
    // Of two files that carry one version (a problem of its own), the one that always did.
    if (isRecord || !currentByKey.has(key)) currentByKey.set(key, source);
  }
  const newest = newestDrafts([...history.mainline, ...history.drafts], currentByKey);
  const all = new Map([...claims].map(([key, list]) => [key, [...list]]));
  for (const [key, source] of currentByKey) {
    const list = all.get(key) ?? [];
    all.set(key, list);
    const known = list.some(({ draft }) => draftHash(draft) === draftHash(source.draft));
    if (!known) list.push(claimOfToday(source));
  }
  const expander = new ComponentExpander((key) => (all.get(key) ?? []).map(({ draft }) => draft));
  const decided = [...all].map(([key, list]) => decideVersion(list, newest.get(key), currentByKey.get(key), expander));
  return {
    versions: decided.flatMap(({ version }) => version ?? []),
    tampered: decided.flatMap(({ tampered }) => tampered),
    current: decided.flatMap(({ current }) => current ?? []),
    unusable: decided.flatMap(({ unusable }) => unusable ?? []),
  };
}

function claimOfToday(source: PromptSource): Claim {
  const { document, draft } = source;
  return { draft, file: document.file, line: document.locate(['id']).line, commit: null, at: null, author: null };
}

/**
 * For each version its distinct contents, first one first. A second file that carries the same
 * id and version while the first still holds it is a mistake of copying, not a changed version.
 */
function collectClaims({ mainline, drafts, side }: HistoryEvents): Map<string, Claim[]> {
  const claims = new Map<string, Claim[]>();
  const held = new Map<string, string>();
  const holders = new Map<string, Set<string>>();
  const add = (event: HistoryEvent, draft: PromptDraft, key: string): void => {
    const list = claims.get(key) ?? [];
    claims.set(key, list);
    if (!list.some((claim) => draftHash(claim.draft) === draftHash(draft))) list.push({ ...event, draft });
  };
  for (const event of mainline) {
    const before = held.get(event.file);
    if (before !== undefined) holders.get(before)?.delete(event.file);
    held.delete(event.file);
    if (event.draft === null) continue;
    const key = versionKey(event.draft.id, event.draft.version);
    const others = holders.get(key) ?? new Set();
    if (others.size === 0) add(event, event.draft, key);
    holders.set(key, others.add(event.file));
    held.set(event.file, key);
  }
  // A draft counts as it was last. One on a merged side branch never counts against what came later.
  for (const [key, event] of lastByKey(drafts)) add(event, event.draft, key);
  for (const [key, event] of lastByKey(side)) if (!claims.has(key)) add(event, event.draft, key);
  return claims;
}

function lastByKey(events: readonly HistoryEvent[]): ReadonlyMap<string, HistoryEvent & { draft: PromptDraft }> {
  const last = new Map<string, HistoryEvent & { draft: PromptDraft }>();
  for (const event of events) {
    const { draft } = event;
    if (draft !== null) last.set(versionKey(draft.id, draft.version), { ...event, draft });
  }
  return last;
}

/** Owner, tags and metrics may be corrected without a new version: the newest word counts. */
function newestDrafts(
  events: readonly HistoryEvent[],
  current: ReadonlyMap<string, PromptSource>,
): ReadonlyMap<string, PromptDraft> {
  const newest = new Map<string, PromptDraft>();
  for (const { draft } of events) if (draft !== null) newest.set(versionKey(draft.id, draft.version), draft);
  for (const [key, { draft }] of current) newest.set(key, draft);
  return newest;
}

interface Decision {
  readonly version: RegisteredVersion | null;
  readonly tampered: readonly TamperedInHistory[];
  readonly current: CurrentFile | null;
  readonly unusable: { readonly claim: Claim; readonly reason: string } | null;
}

function decideVersion(
  claims: readonly Claim[],
  newest: PromptDraft | undefined,
  source: PromptSource | undefined,
  expander: ComponentExpander,
): Decision {
  const expanded = claims.map((claim) => ({ claim, expansion: expander.expand(claim.draft) }));
  const usable = expanded.flatMap(({ claim, expansion }) =>
    expansion.ok ? [{ claim, variants: expansion.variants }] : [],
  );
  const today =
    source === undefined ? undefined : expanded.find(({ claim }) => draftHash(claim.draft) === draftHash(source.draft));
  const [record] = usable;
  if (record === undefined) {
    const [first] = expanded;
    const reason = first === undefined || first.expansion.ok ? '' : first.expansion.reason;
    const current: CurrentFile | null = source === undefined ? null : { source, state: 'cannot_expand', reason };
    return {
      version: null,
      tampered: [],
      current,
      unusable: first === undefined || source !== undefined ? null : { claim: first.claim, reason },
    };
  }
  const version = registered(record.claim, record.variants, newest ?? record.claim.draft, source);
  const tampered = usable.slice(1).flatMap(({ claim, variants }): TamperedInHistory[] => {
    if (contentFingerprint(variants) === contentFingerprint(record.variants)) return [];
    const later = registered(claim, variants, claim.draft, undefined);
    const { prompt, version: number } = version;
    return [
      {
        prompt,
        version: number,
        changed: whatChanged(version, later),
        stillThere: today?.claim === claim,
        first: version,
        later,
      },
    ];
  });
  return { version, tampered, current: currentFile(source, today, record.claim, tampered), unusable: null };
}

function currentFile(
  source: PromptSource | undefined,
  today: { readonly claim: Claim; readonly expansion: Expansion } | undefined,
  record: Claim,
  tampered: readonly TamperedInHistory[],
): CurrentFile | null {
  if (source === undefined || today === undefined) return null;
  if (!today.expansion.ok) return { source, state: 'cannot_expand', reason: today.expansion.reason };
  if (tampered.some(({ stillThere }) => stillThere)) {
    const commit = record.commit === null ? '' : ` in commit ${record.commit.slice(0, 10)}`;
    const by = record.author === null ? '' : ` by ${record.author}`;
    const at = record.at === null ? '' : ` on ${record.at.slice(0, 10)}`;
    return { source, state: 'tampered', reason: `${commit}${by}${at}` };
  }
  return { source, state: today.claim.commit === null ? 'uncommitted' : 'committed', reason: null };
}

function registered(
  claim: Claim,
  variants: readonly [PromptVariant, ...PromptVariant[]],
  newest: PromptDraft,
  source: PromptSource | undefined,
): RegisteredVersion {
  const { draft, commit } = claim;
  // Point at today's file where there is one: that is what can be opened.
  const file = source?.document.file ?? claim.file;
  const line = source?.document.locate(['id']).line ?? claim.line;
  return {
    prompt: draft.id,
    version: draft.version,
    parent: newest.parent,
    owner: newest.owner,
    tags: newest.tags,
    isComponent: draft.isComponent,
    variants,
    components: draft.components,
    metrics: newest.metrics,
    registry: 'files',
    origin: { file, ...(line === null ? {} : { line }), ...(commit === null ? {} : { commit }) },
    registeredAt: claim.at,
    author: claim.author,
  };
}

function whatChanged(first: RegisteredVersion, later: RegisteredVersion): readonly string[] {
  const parts: readonly (readonly [string, (variant: PromptVariant) => unknown])[] = [
    ['text', ({ body }) => body],
    ['format', ({ format }) => format],
    ['model', ({ model }) => model],
    ['parameters', ({ settings }) => settings.parameters],
    ['tools', ({ settings }) => settings.tools],
  ];
  return parts.flatMap(([name, part]) =>
    canonicalJson({ is: first.variants.map(part) }) === canonicalJson({ is: later.variants.map(part) }) ? [] : [name],
  );
}

const hashes = new WeakMap<PromptDraft, string>();

/** Of what a version says before expansion; drafts are immutable, so it is computed once. */
function draftHash(draft: PromptDraft): string {
  const known = hashes.get(draft);
  if (known !== undefined) return known;
  const variants = draft.variants.map(({ model, body, format, settings }) => ({ model, body, format, settings }));
  const hash = sha256(canonicalJson({ variants, components: draft.components, isComponent: draft.isComponent }));
  hashes.set(draft, hash);
  return hash;
}
