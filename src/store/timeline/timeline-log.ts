/** The time machine: three timelines, read and put side by side, never merged. */

import type { ContentHash, RegisteredVersion } from '../../contract/prompt.ts';
import type { RestoreRecord } from '../../contract/restore-log.ts';
import type { AtQuery, HeldEntry, TextLog, TimelineEntry, TimelineLog, UsedEntry } from '../../contract/store.ts';
import type { Clock, Timestamp } from '../../contract/time.ts';
import type { Evidence } from '../../contract/verdict.ts';
import { chunks } from '../../lib/chunks.ts';
import { GenerationalCache } from '../../lib/generational-cache.ts';
import type { KnowledgeHorizon } from '../../lib/knowledge-horizon.ts';
import { displayBody } from '../../text/body.ts';
import { byBeginning, isActive, overlaps } from '../../timeline/boundary.ts';
import { earlierCalls, restoreEvidence } from '../../timeline/held.ts';
import { intendedAt } from '../../timeline/intended.ts';
import type { Database } from '../database.ts';
import { readKeptSince } from '../telemetry/dropped-months.ts';
import { decodeCursor, encodeCursor, PAGE_LIMIT_MAX, pageLimit } from '../cursor.ts';
import { bodyFromCanonical } from '../stored-body.ts';
import { readHeld, type HeldAnswer } from './held.ts';
import { readIntended, readUnread } from './intended.ts';
import { readRestores } from './restores.ts';
import { readUsed, type UsedAnswer } from './used.ts';
import { versionNames, type VersionNames } from './version-names.ts';

interface Question {
  readonly prompt: string;
  readonly environment: string;
  readonly target: string | undefined;
  readonly from: Timestamp;
  readonly to: Timestamp;
  readonly knownAt: Timestamp;
}

/** Where each call or each look has a long text of its own, all of a range are more than a string can hold. */
const CHARACTERS_MAX = 16_000_000;
const TEXTS_AT_ONCE = 50;
/** Answers whose next page may be asked for soon. */
const WHOLES_KEPT = 8;
const TEXT_LEFT_OUT: Evidence = {
  kind: 'text',
  words: 'the texts were too long for one answer, and this one is left out; ask for less at once',
};

export function createTimelineLog(
  database: Database,
  texts: TextLog,
  clock: Clock,
  horizon: KnowledgeHorizon,
): TimelineLog {
  const wholes = new GenerationalCache<string, Promise<Whole>>(WHOLES_KEPT);
  return {
    at: async (query) => await readAt(database, texts, horizon.reached(), query, wholes),
    range: async ({ prompt, environment, target, from, to }) => {
      const question = { prompt, environment, target, from, to, knownAt: clock.now() };
      const names = await readNames(database, question);
      const [intended, held, used, restores, keptSince] = await Promise.all([
        readIntended(database, question),
        readHeld(database, question),
        readUsed(database, question),
        readRestores(database, question),
        readKeptSince(database, from),
      ]);
      return {
        intended: intended
          .filter((entry) => overlaps(entry, from, to))
          .toSorted(byBeginning)
          .map((entry) => withRegisteredText(entry, names)),
        held: (await describeHeld(held.answers, { names, texts, used, restores })).toSorted(byBeginning),
        used: (
          await describeUsed(
            used.filter(({ entry }) => overlaps(entry, from, to)),
            names,
            texts,
          )
        ).toSorted(byBeginning),
        callsKeptSince: keptSince,
      };
    },
  };
}

/** `reached`: up to then everything known can be read. Nothing beyond it goes into an answer, whatever was asked for. */
async function readAt(
  database: Database,
  texts: TextLog,
  reached: Timestamp,
  query: AtQuery,
  wholes: GenerationalCache<string, Promise<Whole>>,
) {
  const { prompt, environment, time } = query;
  const { page = { limit: PAGE_LIMIT_MAX } } = query;
  const [pageKnownAt, ...after] = decodeCursor(page, 3) ?? [];
  // The next page is one of the same answer.
  const asked = (pageKnownAt as Timestamp | undefined) ?? query.knownAt;
  const knownAt = asked !== undefined && asked < reached ? asked : reached;
  const question = { prompt, environment, target: query.target, from: time, to: time, knownAt };
  const key = JSON.stringify([prompt, environment, time, knownAt]);
  const whole = (after.length === 0 ? undefined : wholes.get(key, 1)) ?? readWhole(database, question);
  const [{ names, intended, used, restores }, held, keptSince] = await Promise.all([
    whole,
    readHeld(database, question, { after: after.length === 0 ? null : after.join('\n'), parts: pageLimit(page) }),
    readKeptSince(database, time),
  ]);
  if (held.next !== null) wholes.set(key, whole, 1);
  return {
    prompt,
    environment,
    time,
    knownAt,
    intended: intended === null ? null : withRegisteredText(intended, names),
    held: (await describeHeld(held.answers, { names, texts, used, restores })).toSorted(byTarget),
    heldNextCursor: held.next === null ? null : encodeCursor([knownAt, held.next.target, held.next.part]),
    used: await describeUsed(
      used.filter(({ entry }) => isActive(entry, time)),
      names,
      texts,
    ),
    callsKeptSince: keptSince,
  };
}

/** What does not depend on the page. What was known at a time does not change any more, so the next page may use it. */
interface Whole {
  readonly names: VersionNames;
  readonly intended: TimelineEntry | null;
  readonly used: readonly UsedAnswer[];
  readonly restores: readonly RestoreRecord[];
}

async function readWhole(database: Database, question: Question): Promise<Whole> {
  const [names, pinned, used, restores] = await Promise.all([
    readNames(database, question),
    readIntended(database, question),
    readUsed(database, question),
    readRestores(database, question),
  ]);
  const rules = [...new Set(pinned.map(({ rule }) => rule))];
  const unread = await readUnread(database, rules, question.from, question.knownAt);
  return { names, intended: intendedAt(pinned, question.from, unread), used, restores };
}

async function readNames(database: Database, { prompt, knownAt }: Question): Promise<VersionNames> {
  const rows = await database.query<{ document: string }>(
    `SELECT document FROM registered_versions
     WHERE prompt = {prompt:String} AND recorded_at <= {knownAt:DateTime64(9, 'UTC')}
     ORDER BY recorded_at LIMIT 1 BY registry, version, identity`,
    { prompt, knownAt },
  );
  return versionNames(rows.map((row) => JSON.parse(row.document) as RegisteredVersion));
}

function withRegisteredText(entry: TimelineEntry, names: VersionNames): TimelineEntry {
  const { version, hash, from, until, evidence } = entry;
  if (version === null) return { version, hash, text: null, from, until, evidence };
  const doubt = hash === null ? [] : names.doubt(version, hash);
  return { version, hash, text: names.text(version, hash), from, until, evidence: [...evidence, ...doubt] };
}

interface Known {
  readonly names: VersionNames;
  readonly texts: TextLog;
  readonly used: readonly UsedAnswer[];
  readonly restores: readonly RestoreRecord[];
}

async function describeHeld(
  answers: readonly HeldAnswer[],
  { names, texts, used, restores }: Known,
): Promise<readonly HeldEntry[]> {
  const contents = await readTexts(
    texts,
    answers.map(({ entry }) => entry.hash),
  );
  const usedEntries = used.map((each) => each.entry);
  return answers.map(({ entry, bodyKind, transport, cosmetic }, index) => {
    if (entry.hash === null) return entry;
    const name = names.name({ strict: entry.hash, transport, cosmetic });
    const content = contents[index];
    const text = typeof content === 'string' ? displayBody(bodyFromCanonical(bodyKind, content)) : null;
    const named = { ...entry, version: name.version, text };
    const evidence = [
      ...entry.evidence,
      ...restoreEvidence(entry, restores),
      ...name.evidence,
      ...earlierCalls(named, usedEntries),
    ];
    return { ...named, evidence: content === undefined ? [...evidence, TEXT_LEFT_OUT] : evidence };
  });
}

async function describeUsed(
  answers: readonly UsedAnswer[],
  names: VersionNames,
  texts: TextLog,
): Promise<readonly UsedEntry[]> {
  const contents = await readTexts(
    texts,
    answers.map(({ entry }) => entry.hash),
  );
  return answers.map(({ entry, bodyKind }, index) => {
    if (entry.hash !== null) {
      const content = contents[index];
      if (content === undefined) return { ...entry, evidence: [...entry.evidence, TEXT_LEFT_OUT] };
      const isBody = content !== null && bodyKind !== null;
      return { ...entry, text: isBody ? displayBody(bodyFromCanonical(bodyKind, content)) : content };
    }
    if (entry.version === null) return entry;
    return { ...entry, hash: names.hash(entry.version), text: names.text(entry.version, null) };
  });
}

/**
 * For each hash its text: null when it is not kept, undefined when all before it are as much as one answer holds. A text
 * that stands in the answer ten times counts ten times.
 */
async function readTexts(
  texts: TextLog,
  hashes: readonly (ContentHash | null)[],
): Promise<readonly (string | null | undefined)[]> {
  const known = new Map<ContentHash, string | null>();
  const read: (string | null | undefined)[] = [];
  let characters = 0;
  for (const some of chunks(hashes, TEXTS_AT_ONCE)) {
    const unknown = some.filter((hash): hash is ContentHash => hash !== null && !known.has(hash));
    if (characters < CHARACTERS_MAX && unknown.length > 0) {
      const found = await texts.get(unknown);
      for (const hash of unknown) known.set(hash, found.get(hash) ?? null);
    }
    for (const hash of some) {
      const text = hash === null ? null : characters < CHARACTERS_MAX ? known.get(hash) : undefined;
      read.push(text);
      characters += text?.length ?? 0;
    }
  }
  return read;
}

function byTarget(a: HeldEntry, b: HeldEntry): number {
  const first = `${a.target}\n${a.part}`;
  const second = `${b.target}\n${b.part}`;
  return first < second ? -1 : first > second ? 1 : 0;
}
