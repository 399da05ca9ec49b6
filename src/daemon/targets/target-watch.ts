/**
 * From what polls saw to verdicts and incidents: stores each observation, judges it, and hands the
 * judgement on. Decides nothing itself: `drift` judges, `incidents` keeps.
 */

import { besideNear } from '../../attribution/index.ts';
import type { Attribution, AttributionQuery, NearMatch } from '../../contract/attribution.ts';
import type { HeldObservation, MissingObservation, Observation } from '../../contract/observation.ts';
import type { ContentHash, PromptBody, RegisteredVersion } from '../../contract/prompt.ts';
import type { LatestObservation, ObservationLog, VerdictLog } from '../../contract/store.ts';
import type { Clock, TimeInterval } from '../../contract/time.ts';
import { DRIFT_VERDICTS, type Evidence, type Judgement } from '../../contract/verdict.ts';
import { ownerOf } from '../../drift/expected.ts';
import { judge, needsAttribution } from '../../drift/judge.ts';
import type { Finding } from '../../incidents/lifecycle.ts';
import { forEachConcurrently } from '../../lib/limits.ts';
import { Slices } from '../../lib/slices.ts';
import type { Steps } from '../../lib/steps.ts';
import { expectationKey, observationKey, partsKey } from './judgement-input.ts';
import type { RegistryView } from '../registry/registry-view.ts';
import { seen, seenBefore, type Sighting } from './sighting.ts';

export interface TargetWatchOptions {
  readonly observations: ObservationLog;
  readonly verdicts: VerdictLog;
  readonly clock: Clock;
  readonly registry: () => RegistryView;
  readonly attribute: (query: AttributionQuery) => Attribution;
  readonly near: (query: AttributionQuery) => Steps<readonly NearMatch[]>;
  /** Gets a judgement at every look, new or not. Must have stored what follows from it when it resolves. */
  readonly onFindings: (findings: readonly Finding[]) => Promise<void>;
  /** Content that no registered version has, so that traffic which carries it can be recognised. */
  readonly onUnregistered: (held: HeldObservation) => void;
  /** Content of a registered version that includes others, as it reads now. */
  readonly onResolved?: (held: HeldObservation, version: string) => void;
  /**
   * False when other replicas judge the same targets: then what this process judged last is not
   * what was judged last, and every verdict is recorded.
   */
  readonly judgesAlone: boolean;
  /** Why content that no known version has may be registered all the same; null when there is no such reason. */
  readonly doubt?: (observation: Observation, versions: readonly RegisteredVersion[]) => string | null;
}

interface Judged {
  /** All that went into the judgement. */
  readonly input: string;
  readonly finding: Finding;
  isRecorded: boolean;
}

/** A target that is being put right by ourselves. */
interface Restoring {
  /** What the incident's evidence says of it. */
  readonly note: Evidence;
  /** The look before the write only finds what is there; what later ones find is our doing. */
  wasLookedAt: boolean;
}

/** One after the other they would hold up a first poll of many targets; more at once only queue in the store. */
const QUERIES_AT_ONCE = 8;
/** Judged, told and stored together. */
const JUDGED_AT_ONCE = 200;
/** Ends of parts that could not be handed on yet; each is a part of a configured target. */
const ENDED_MAX = 10_000;

export class TargetWatch {
  readonly #options: TargetWatchOptions;
  /** By target and part; as many as there are configured targets and their parts. */
  readonly #sightings = new Map<string, Sighting>();
  readonly #judged = new Map<string, Judged>();
  /** Parts that are no more, until their end was handed on: no later look tells of it again. */
  readonly #ended = new Map<string, Judged>();
  /** The same of parts whose end could not even be stored. */
  readonly #endsNotStored = new Map<string, Observation>();
  readonly #parts = new Map<string, Set<string>>();
  readonly #restoring = new Map<string, Restoring>();
  /** Of texts that were looked into since the registry last changed: what drifted is judged twice. */
  #attributions: { readonly view: RegistryView; readonly of: WeakMap<PromptBody, Attribution> } | null = null;
  #expectations: { readonly view: RegistryView; readonly keys: Map<string, string> } | null = null;

  /** `latest`: what the store says was seen last, so that the first polls have something to compare with. */
  constructor(latest: readonly LatestObservation[], options: TargetWatchOptions) {
    this.#options = options;
    for (const before of latest) this.#keep(before.target, before.part, seenBefore(before));
  }

  /** Parts that each target held when it was last seen. */
  partsBefore(): ReadonlyMap<string, readonly string[]> {
    const parts = [...this.#parts.keys()].map((target) => [target, this.held(target).map(({ part }) => part)] as const);
    return new Map(parts.filter(([, held]) => held.length > 0));
  }

  /** What a target held when it last answered; several when it holds several parts. */
  held(target: string): readonly HeldObservation[] {
    return [...(this.#parts.get(target) ?? [])].flatMap((part) => {
      const answered = this.#sightings.get(keyOf(target, part))?.lastAnswered;
      return answered?.outcome === 'held' ? [answered] : [];
    });
  }

  /** Stores and judges one batch of observations; calls `stored` in between. */
  async take(seenNow: readonly Observation[], stored: () => void = () => {}): Promise<void> {
    const batch = this.#withEndsNotStored(seenNow);
    try {
      await this.#options.observations.append(batch);
    } catch (error) {
      for (const observation of batch) if (isEnd(observation)) this.#keepEnd(observation);
      throw error;
    }
    stored();
    const readings = [
      ...Map.groupBy(batch, (observation) => `${observation.target}\n${observation.observedAt}`).values(),
    ];
    for (const round of rounds(readings)) {
      await this.#judgeAndTell(round.flatMap((reading) => this.#note(reading)));
    }
  }

  /** Judges what was seen last once more, because what is expected of these prompts changed. */
  async judgeAgain(prompts: ReadonlySet<string>): Promise<void> {
    const keys = [...this.#sightings]
      .filter(([, { last, isFresh }]) => isFresh && prompts.has(last.prompt))
      .map(([key]) => key);
    for (let start = 0; start < keys.length; start += JUDGED_AT_ONCE) {
      await this.#judgeAndTell(await this.#seenLastHere(keys.slice(start, start + JUDGED_AT_ONCE)));
    }
  }

  /** What another replica has looked at since is for that one to judge again: this one would judge what was there before. */
  async #seenLastHere(keys: readonly string[]): Promise<readonly string[]> {
    if (this.#options.judgesAlone) return keys;
    const targets = keys.flatMap((key) => this.#sightings.get(key)?.last.target ?? []);
    const looks = await this.#options.observations.lastLooks([...new Set(targets)]);
    const lookedAt = new Map(looks.map((look) => [keyOf(look.target, look.part), look.lookedAt]));
    return keys.filter((key) => (this.#sightings.get(key)?.last.observedAt ?? '') >= (lookedAt.get(key) ?? ''));
  }

  /** Appends the verdicts of now once more, with the time of now. */
  async recordAgain(): Promise<void> {
    for (const judged of this.#judged.values()) judged.isRecorded = false;
    await this.#record([...this.#judged.keys()]);
  }

  /** While we put a target right ourselves, its resolution says so, with this note. */
  async whileRestoring<T>(target: string, note: Evidence, work: () => Promise<T>): Promise<T> {
    const restoring = { note, wasLookedAt: false };
    this.#restoring.set(target, restoring);
    try {
      return await work();
    } finally {
      if (this.#restoring.get(target) === restoring) this.#restoring.delete(target);
    }
  }

  /** Remembers what one reading of one target said. Returns its keys. */
  #note(reading: readonly Observation[]): readonly string[] {
    const held = reading.filter((observation) => observation.outcome === 'held');
    const together = partsKey(held);
    return reading.map((observation) => {
      const { target, part } = observation;
      const key = keyOf(target, part);
      const siblings = held.length < 2 ? [] : held.filter((sibling) => sibling.part !== part);
      const before = this.#sightings.get(key) ?? null;
      // A part that is new to a known target may have been there once.
      const mayAskStore = !this.#options.judgesAlone || (before === null && this.#parts.has(target));
      this.#keep(target, part, seen(before, observation, { siblings, together, mayAskStore }));
      this.#ended.delete(key);
      return key;
    });
  }

  /** What is seen again has not ended. The others have not been seen since, and are written with a time that is still open. */
  #withEndsNotStored(seenNow: readonly Observation[]): readonly Observation[] {
    if (this.#endsNotStored.size === 0) return seenNow;
    for (const { target, part } of seenNow) this.#endsNotStored.delete(keyOf(target, part));
    const [first] = seenNow;
    if (first === undefined) return seenNow;
    const { askedAt, observedAt } = first;
    const look = askedAt === undefined ? { observedAt } : { askedAt, observedAt };
    const ends = [...this.#endsNotStored.values()].map((end) => ({ ...end, ...look }));
    this.#endsNotStored.clear();
    return [...ends, ...seenNow];
  }

  #keepEnd(end: Observation): void {
    if (this.#endsNotStored.size < ENDED_MAX) this.#endsNotStored.set(keyOf(end.target, end.part), end);
  }

  #keep(target: string, part: string, sighting: Sighting): void {
    const parts = this.#parts.get(target);
    if (parts === undefined) this.#parts.set(target, new Set([part]));
    else parts.add(part);
    this.#sightings.set(keyOf(target, part), sighting);
  }

  async #judgeAndTell(keys: readonly string[]): Promise<void> {
    const slices = new Slices(this.#options.clock);
    for (const key of keys) await this.#judge(key, slices);
    await this.#tellSinceWhen(keys, slices);
    const notes = this.#restoreNotes(keys);
    await this.#record(keys);
    // By now another look, or the registry, may have led to a newer judgement: then that one is told.
    const findings = keys.flatMap((key) => this.#judged.get(key)?.finding ?? []);
    const ended = [...this.#ended];
    await this.#options.onFindings([
      ...findings.map((finding) => withCause(finding, notes.get(finding.judgement.target))),
      ...ended.map(([, judged]) => judged.finding),
    ]);
    for (const [key, judged] of ended) if (this.#ended.get(key) === judged) this.#ended.delete(key);
  }

  /**
   * Judges those that drifted again with what only the store knows: since when. Of ten thousand that
   * are as they should be, after a restart, it would be a question too many.
   */
  async #tellSinceWhen(keys: readonly string[], slices: Slices): Promise<void> {
    const drifted = keys.filter((key) => {
      const judged = this.#judged.get(key);
      return judged !== undefined && DRIFT_VERDICTS.has(judged.finding.judgement.verdict);
    });
    await this.#forgetSinceWhen(drifted);
    const asked = drifted.filter((key) => this.#sightings.get(key)?.since === null);
    await forEachConcurrently(asked, QUERIES_AT_ONCE, async (key) => {
      const last = this.#sightings.get(key)?.last;
      if (last === undefined || last.outcome === 'unreachable') return;
      const since = await this.#options.observations.changeInterval(last.target, last.part, contentOf(last));
      const now = this.#sightings.get(key);
      if (now === undefined || now.last.outcome === 'unreachable' || contentOf(now.last) !== contentOf(last)) return;
      this.#sightings.set(key, { ...now, since });
      this.#judged.delete(key);
      await this.#judge(key, slices);
    });
  }

  /** Of what this replica saw twice, and another saw something else in between. */
  async #forgetSinceWhen(keys: readonly string[]): Promise<void> {
    if (this.#options.judgesAlone) return;
    const known = keys.flatMap((key) => {
      const sighting = this.#sightings.get(key);
      const since = sighting?.answeredBefore ?? null;
      return sighting === undefined || sighting.since === null || since === null ? [] : { sighting, since };
    });
    const [earliest] = known.map(({ since }) => since).toSorted();
    if (earliest === undefined) return;
    const targets = known.map(({ sighting }) => sighting.last.target);
    for (const { target, part } of await this.#options.observations.changedSince([...new Set(targets)], earliest)) {
      const key = keyOf(target, part);
      const sighting = this.#sightings.get(key);
      if (sighting !== undefined) this.#sightings.set(key, { ...sighting, since: null });
    }
  }

  async #judge(key: string, slices: Slices): Promise<void> {
    if (slices.isOver) await slices.next();
    const sighting = this.#sightings.get(key);
    if (sighting === undefined) return;
    const { last, lastAnswered, previous, siblings, since } = sighting;
    const { prompt, environment } = last;
    const expected = this.#options.registry().expected(prompt, environment);
    const doubt = this.#options.doubt?.(last, expected.versions) ?? null;
    const input = [this.#expectationKey(prompt, environment), observationKey(last), sighting.together, doubt].join(
      '\n',
    );
    const before = this.#judged.get(key);
    if (before?.input === input && this.#options.judgesAlone) return;
    const isAsked = last.outcome === 'held' && needsAttribution(expected, last);
    const view = this.#options.registry();
    const attribution = isAsked ? await this.#attributionOf(last, slices) : null;
    // Another look or another registry came meanwhile: that is judged, by whoever comes first.
    if (this.#sightings.get(key) !== sighting || this.#options.registry() !== view) return this.#judge(key, slices);
    const judged = judge(expected, {
      observation: last,
      siblings,
      previous: last.outcome === 'unreachable' ? lastAnswered : previous,
      changed: since ?? NOT_KNOWN,
      attribution,
    });
    const judgement = doubt === null ? judged : inDoubt(judged, doubt);
    const { version } = judgement.observed;
    if (last.outcome === 'held' && last.resolved !== undefined && version !== null)
      this.#options.onResolved?.(last, version);
    this.#judged.set(key, { input, finding: { judgement, owner: ownerOf(expected) }, isRecorded: false });
  }

  /** Appends the verdicts that are new. What can't be written now is written at the next look. */
  async #record(keys: readonly string[]): Promise<void> {
    for (const key of keys) this.#retireIfEnded(key);
    const all = [...keys.flatMap((key) => this.#judged.get(key) ?? []), ...this.#ended.values()];
    const fresh = all.filter(({ isRecorded }) => !isRecorded);
    if (fresh.length === 0) return;
    const at = this.#options.clock.now();
    // Marked first: another look at the same target may come by while this one writes.
    for (const judged of fresh) judged.isRecorded = true;
    try {
      await this.#options.verdicts.append(fresh.map(({ finding }) => ({ judgement: finding.judgement, at })));
    } catch (error) {
      for (const judged of fresh) judged.isRecorded = false;
      throw error;
    }
  }

  #retireIfEnded(key: string): void {
    const sighting = this.#sightings.get(key);
    const judged = this.#judged.get(key);
    if (sighting === undefined || !isEnd(sighting.last)) return;
    if (judged !== undefined && this.#ended.size < ENDED_MAX) this.#ended.set(key, judged);
    this.#sightings.delete(key);
    this.#judged.delete(key);
    this.#parts.get(sighting.last.target)?.delete(sighting.last.part);
  }

  #restoreNotes(keys: readonly string[]): ReadonlyMap<string, Evidence> {
    const notes = new Map<string, Evidence>();
    if (this.#restoring.size === 0) return notes;
    for (const target of new Set(keys.flatMap((key) => this.#sightings.get(key)?.last.target ?? []))) {
      const restoring = this.#restoring.get(target);
      if (restoring?.wasLookedAt === true) notes.set(target, restoring.note);
      else if (restoring !== undefined) restoring.wasLookedAt = true;
    }
    return notes;
  }

  #expectationKey(prompt: string, environment: string): string {
    const view = this.#options.registry();
    if (this.#expectations?.view !== view) this.#expectations = { view, keys: new Map() };
    const name = `${environment}\n${prompt}`;
    const known = this.#expectations.keys.get(name);
    if (known !== undefined) return known;
    const key = expectationKey(view.expected(prompt, environment));
    this.#expectations.keys.set(name, key);
    return key;
  }

  async #attributionOf(held: HeldObservation, slices: Slices): Promise<Attribution> {
    const view = this.#options.registry();
    if (this.#attributions?.view !== view) this.#attributions = { view, of: new WeakMap() };
    const attributions = this.#attributions.of;
    const known = attributions.get(held.body);
    if (known !== undefined) return known;
    const query: AttributionQuery =
      held.body.kind === 'text' ? { text: held.body.text } : { messages: held.body.messages };
    const attribution = this.#options.attribute(query);
    const near = await slices.run(this.#options.near(query));
    this.#options.onUnregistered(held);
    const whole = near.length === 0 ? attribution : besideNear(attribution, near);
    attributions.set(held.body, whole);
    return whole;
  }
}

/** Null: it was not there. */
function contentOf(answer: HeldObservation | MissingObservation): ContentHash | null {
  return answer.outcome === 'held' ? answer.hashes.strict : null;
}

function isEnd(observation: Observation): boolean {
  return observation.outcome === 'missing' && observation.partEnded === true;
}

const NOT_KNOWN: TimeInterval = [null, null];

function withCause(finding: Finding, note: Evidence | undefined): Finding {
  return note === undefined ? finding : { ...finding, cause: 'restored', note };
}

/** Nobody is told that a text is not registered while the registry that may hold it can't be asked. */
function inDoubt(judgement: Judgement, doubt: string): Judgement {
  if (judgement.verdict !== 'edited' && judgement.verdict !== 'unregistered') return judgement;
  return {
    ...judgement,
    verdict: 'unverifiable',
    severity: 'info',
    reason: 'registry_not_read',
    summary: `${judgement.prompt} in ${judgement.environment} can't be checked: ${doubt}.`,
    evidence: [...judgement.evidence, { kind: 'registry', words: doubt }],
  };
}

/** Each round holds at most one reading of each target, in the order in which they were made. */
function rounds(readings: readonly (readonly Observation[])[]): readonly (readonly Observation[])[][] {
  const made: (readonly Observation[])[][] = [];
  const counts = new Map<string, number>();
  for (const reading of readings) {
    const target = reading[0]?.target ?? '';
    const round = counts.get(target) ?? 0;
    counts.set(target, round + 1);
    (made[round] ??= []).push(reading);
  }
  return made;
}

function keyOf(target: string, part: string): string {
  return `${target}\n${part}`;
}
