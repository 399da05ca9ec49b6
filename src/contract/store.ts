/**
 * What the rest of the daemon asks of the store, one small interface per family. `src/store/`
 * implements them on ClickHouse; nobody else knows that. Everything is appended; what is true now
 * is derived. All writes are durable when they resolve, and all may be repeated without harm.
 * Failures throw a `Fault`: `transient` when trying again may help.
 */

import type { Incident, IncidentStatus, IncidentTransition } from './incident.ts';
import type { Observation } from './observation.ts';
import type { ContentHash, Pin, RegisteredVersion } from './prompt.ts';
import type { TimeInterval, Timestamp } from './time.ts';
import type { Evidence, Judgement, Severity, Verdict } from './verdict.ts';

export interface Page {
  /** At most this many; capped by the store. */
  readonly limit: number;
  /** Opaque, from the previous page. */
  readonly cursor?: string | undefined;
}

/** It may have fewer than asked for, where they are large: only without a cursor it is the last. */
export interface PageOf<Item> {
  readonly items: readonly Item[];
  readonly nextCursor: string | null;
}

/** Content-addressed texts: each is stored once. */
export interface TextLog {
  /** Resolves when all are durable. Known texts cost nothing. */
  put(texts: ReadonlyMap<ContentHash, string>): Promise<void>;
  get(hashes: readonly ContentHash[]): Promise<ReadonlyMap<ContentHash, string>>;
}

export interface ObservationLog {
  /** Texts of held observations are stored through `TextLog`, before the observations. */
  append(observations: readonly Observation[]): Promise<void>;
  /** The newest observation that is not `unreachable`, per (target, part); and the newest of any outcome. */
  latest(): Promise<readonly LatestObservation[]>;
  /** When each (target, part) was last looked at, and last answered. Reads no contents. */
  lastLooks(targets: readonly string[]): Promise<readonly LastLook[]>;
  list(filter: ObservationFilter, page: Page): Promise<PageOf<Observation>>;
  /**
   * When the present content of a target was first and the previous one last seen: the interval in
   * which it changed, `[last other, first this]`. Null: it is not there any more.
   */
  changeInterval(target: string, part: string, strict: ContentHash | null): Promise<TimeInterval>;
  /** Those of these targets, and their parts, that were seen to hold different things since then, or nothing in between. */
  changedSince(
    targets: readonly string[],
    since: Timestamp,
  ): Promise<readonly { readonly target: string; readonly part: string }[]>;
}

export interface LatestObservation {
  readonly target: string;
  readonly part: string;
  readonly last: Observation;
  readonly lastAnswered: Observation | null;
}

export interface LastLook {
  readonly target: string;
  readonly part: string;
  readonly lookedAt: Timestamp;
  /** Null while it has only been unreachable. */
  readonly answeredAt: Timestamp | null;
}

export interface ObservationFilter {
  readonly target?: string | undefined;
  readonly prompt?: string | undefined;
  readonly environment?: string | undefined;
  readonly from?: Timestamp | undefined;
  readonly to?: Timestamp | undefined;
}

/** A registered version whose content is not what it was when it was first seen. */
export interface TamperedVersion {
  readonly prompt: string;
  readonly version: string;
  readonly registry: string;
  readonly firstSeen: { readonly hash: ContentHash; readonly at: Timestamp; readonly text: string };
  /** When it was last read and was still that, as far as is known: no earlier than it was first seen. */
  readonly intactAt: Timestamp;
  readonly now: { readonly hash: ContentHash; readonly text: string; readonly version: RegisteredVersion };
}

export interface RegistryLog {
  /** Appends versions not seen before and reports those whose content changed. `at`: when we saw them. */
  recordVersions(versions: readonly RegisteredVersion[], at: Timestamp): Promise<readonly TamperedVersion[]>;
  /**
   * Appends what changed against the pins recorded before; pins of the same rule that vanished are
   * recorded as removed. `rules`: rules that were read completely though they may hold no pin any
   * more, e.g. `lockfile` for an emptied lockfile; the rules of the given pins count anyway.
   * `lookedAt`: before they were read; what is read later than that may be of later.
   * True: a clock that was ahead has recorded some with times to come. When these come they would count, so what is
   * so then must be recorded again.
   */
  recordPins(pins: readonly Pin[], at: Timestamp, rules?: readonly string[], lookedAt?: Timestamp): Promise<boolean>;
  /**
   * The files were read, and all of them, and pins of these rules, are what was recorded last. `lookedAt`: before
   * they were read. `at`: when that is learnt. Of several within half a minute one is kept.
   */
  readAgain(rules: readonly string[], lookedAt: Timestamp, at: Timestamp): Promise<void>;
  versions(prompt?: string): Promise<readonly RegisteredVersion[]>;
  /** A version as it was once registered, with that hash of its default variant; null when it never was. */
  recorded(prompt: string, version: string, hash: ContentHash): Promise<RegisteredVersion | null>;
}

/** Every verdict given, also the good ones: the history of a target. */
export interface VerdictLog {
  append(judgements: readonly { readonly judgement: Judgement; readonly at: Timestamp }[]): Promise<void>;
  /** The newest verdict per (target, part). */
  latest(targets?: readonly string[]): Promise<readonly { readonly judgement: Judgement; readonly at: Timestamp }[]>;
}

export interface IncidentFilter {
  readonly status?: IncidentStatus | 'unresolved' | undefined;
  readonly prompt?: string | undefined;
  readonly environment?: string | undefined;
  readonly target?: string | undefined;
  readonly verdict?: Verdict | undefined;
  readonly severity?: Severity | undefined;
}

export interface IncidentLog {
  /** Appends one revision and what it was. */
  append(incident: Incident, transition: IncidentTransition | 'updated', by: string): Promise<void>;
  get(id: string): Promise<Incident | null>;
  /** As it was then; null while that is not stored. */
  atRevision(id: string, revision: number): Promise<Incident | null>;
  /** The newest incident with this fingerprint, resolved or not. */
  newestWithFingerprint(fingerprint: string): Promise<Incident | null>;
  list(filter: IncidentFilter, page: Page): Promise<PageOf<Incident>>;
  /** Ids of those that ended since then, and of which nothing was written after that; of more than `limit`, the last. */
  endedSince(since: Timestamp, limit: number): Promise<readonly string[]>;
}

export const DELIVERY_STATUSES = ['pending', 'delivered', 'failed', 'suppressed'] as const;
export type DeliveryStatus = (typeof DELIVERY_STATUSES)[number];

/** An alert that must go out is a row before it is a job. */
export interface Delivery {
  /** Derived from (incident, transition, revision, channel): the same alert has the same id everywhere. */
  readonly id: string;
  readonly incidentId: string;
  readonly incidentRevision: number;
  readonly transition: IncidentTransition;
  readonly channel: string;
  readonly status: DeliveryStatus;
  readonly attempts: number;
  /** Id of the message in which it went out with others; see `AlertGroup`. */
  readonly message?: string;
  /** The receiver's receipt, or why it failed or was suppressed. */
  readonly detail: string;
  readonly createdAt: Timestamp;
  readonly updatedAt: Timestamp;
}

export interface DeliveryLog {
  /** All are stored, or none. */
  append(deliveries: readonly Delivery[]): Promise<void>;
  get(id: string): Promise<Delivery | null>;
  /** Pending ones, oldest first: for the start, and for a lost queue. */
  pending(limit: number): Promise<readonly Delivery[]>;
  list(incidentId: string): Promise<readonly Delivery[]>;
  /** The incidents of one message, each as it was when it was told of there. */
  told(message: string): Promise<readonly Incident[]>;
}

/** One answer of the time machine. */
export interface TimelineEntry {
  readonly version: string | null;
  readonly hash: ContentHash | null;
  readonly text: string | null;
  readonly from: TimeInterval;
  readonly until: TimeInterval;
  readonly evidence: readonly Evidence[];
}

export interface HeldEntry extends TimelineEntry {
  readonly target: string;
  readonly part: string;
  /** `held`, or `missing` when the place said that the prompt was not there. */
  readonly state: 'held' | 'missing';
}

export interface UsedEntry extends TimelineEntry {
  readonly invocations: number;
  readonly service: string;
}

/** What was active at one moment, on three timelines that are never merged. */
export interface ActiveAt {
  readonly prompt: string;
  readonly environment: string;
  readonly time: Timestamp;
  /**
   * The answer uses all that was known by then, and nothing else. A little before now while rows are
   * being written, and as long before as the store takes none.
   */
  readonly knownAt: Timestamp;
  readonly intended: TimelineEntry | null;
  readonly held: readonly HeldEntry[];
  /** Where the held entries go on, of targets that come later; null: these are all. */
  readonly heldNextCursor: string | null;
  readonly used: readonly UsedEntry[];
  /** Calls that began before are no longer kept, and `time` is before it: nothing is known of what was used. Else null. */
  readonly callsKeptSince: Timestamp | null;
}

export interface AtQuery {
  readonly prompt: string;
  readonly environment: string;
  readonly time: Timestamp;
  readonly target?: string | undefined;
  /** Default: now. Not later than that either. */
  readonly knownAt?: Timestamp | undefined;
  /** Of targets and their parts. A cursor brings the `knownAt` of the page before. */
  readonly page?: Page | undefined;
}

export interface TimelineLog {
  at(query: AtQuery): Promise<ActiveAt>;
  /** All entries that overlap [from, to], oldest first. */
  range(query: {
    readonly prompt: string;
    readonly environment: string;
    readonly target?: string | undefined;
    readonly from: Timestamp;
    readonly to: Timestamp;
  }): Promise<{
    readonly intended: readonly TimelineEntry[];
    readonly held: readonly HeldEntry[];
    readonly used: readonly UsedEntry[];
    /** Calls that began before are no longer kept, and `from` is before it. Else null. */
    readonly callsKeptSince: Timestamp | null;
  }>;
}
