/** The time machine: three timelines, read and put side by side, never merged. */

import type { ContentHash, Origin, RegisteredVersion } from '../contract/prompt.ts';
import type { AtQuery, HeldEntry, TextLog, TimelineEntry, TimelineLog, UsedEntry } from '../contract/store.ts';
import type { Clock, Timestamp } from '../contract/time.ts';
import type { Evidence } from '../contract/verdict.ts';
import type { KnowledgeHorizon } from '../lib/knowledge-horizon.ts';
import { displayBody } from '../text/body.ts';
import { byBeginning, isActive, overlaps } from '../timeline/boundary.ts';
import { earlierCalls } from '../timeline/held.ts';
import { intendedAt, intendedEntries, type IntendedEntry, type PinFact } from '../timeline/intended.ts';
import type { Database } from './database.ts';
import { PIN_COLUMNS, type PinRow } from './pin-log.ts';
import { bodyFromCanonical } from './stored-body.ts';
import { readHeld, type HeldAnswer } from './timeline-held.ts';
import { readUsed, type UsedAnswer } from './timeline-used.ts';
import { versionNames, type VersionNames } from './version-names.ts';

interface Question {
  readonly prompt: string;
  readonly environment: string;
  readonly target: string | undefined;
  readonly from: Timestamp;
  readonly to: Timestamp;
  readonly knownAt: Timestamp;
}

/** Where each call has a long text of its own, all of a range are more than a string can hold. */
const CHARACTERS_MAX = 16_000_000;
const TEXTS_AT_ONCE = 50;
const TEXT_LEFT_OUT: Evidence = {
  kind: 'traffic',
  words: 'the texts in use were too long for one answer, and this one is left out; ask for a shorter range',
};

export function createTimelineLog(
  database: Database,
  texts: TextLog,
  clock: Clock,
  horizon: KnowledgeHorizon,
): TimelineLog {
  return {
    at: async (query) => await readAt(database, texts, horizon.reached(), query),
    range: async ({ prompt, environment, from, to }) => {
      const question = { prompt, environment, target: undefined, from, to, knownAt: clock.now() };
      const names = await readNames(database, question);
      const [intended, held, used] = await Promise.all([
        readIntended(database, question),
        readHeld(database, question),
        readUsed(database, question),
      ]);
      return {
        intended: intended
          .filter((entry) => overlaps(entry, from, to))
          .toSorted(byBeginning)
          .map((entry) => withRegisteredText(entry, names)),
        held: (await Promise.all(held.map((answer) => describeHeld(answer, names, texts, used)))).toSorted(byBeginning),
        used: (
          await describeUsed(
            used.filter(({ entry }) => overlaps(entry, from, to)),
            names,
            texts,
          )
        ).toSorted(byBeginning),
      };
    },
  };
}

/** `reached`: up to then everything known can be read. Nothing beyond it goes into an answer, whatever was asked for. */
async function readAt(database: Database, texts: TextLog, reached: Timestamp, query: AtQuery) {
  const { prompt, environment, time } = query;
  const knownAt = query.knownAt !== undefined && query.knownAt < reached ? query.knownAt : reached;
  const question = { prompt, environment, target: query.target, from: time, to: time, knownAt };
  const names = await readNames(database, question);
  const [pinned, held, used] = await Promise.all([
    readIntended(database, question),
    readHeld(database, question),
    readUsed(database, question),
  ]);
  const intended = intendedAt(pinned, time);
  return {
    prompt,
    environment,
    time,
    knownAt,
    intended: intended === null ? null : withRegisteredText(intended, names),
    held: (await Promise.all(held.map((answer) => describeHeld(answer, names, texts, used)))).toSorted(byTarget),
    used: await describeUsed(
      used.filter(({ entry }) => isActive(entry, time)),
      names,
      texts,
    ),
  };
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

async function readIntended(database: Database, question: Question): Promise<readonly IntendedEntry[]> {
  const rows = await database.query<PinRow>(
    `SELECT ${PIN_COLUMNS} FROM pins
     WHERE prompt = {prompt:String} AND environment = {environment:String}
       AND recorded_at <= {knownAt:DateTime64(9, 'UTC')}
     ORDER BY recorded_at LIMIT 1 BY rule, recorded_at`,
    { prompt: question.prompt, environment: question.environment, knownAt: question.knownAt },
  );
  return intendedEntries(rows.map(toPinFact));
}

function toPinFact(row: PinRow): PinFact {
  return {
    rule: row.rule,
    pinned: row.removed === 1 || row.hash === '' ? null : { version: row.version, hash: row.hash },
    since: row.since,
    by: row.by,
    origin: row.removed === 1 ? null : (JSON.parse(row.origin) as Origin),
    previousSeenAt: row.previous_seen_at,
    recordedAt: row.recorded_at,
  };
}

function withRegisteredText(entry: TimelineEntry, names: VersionNames): TimelineEntry {
  const { version, hash, from, until, evidence } = entry;
  const text = version === null ? null : names.text(version, hash);
  return { version, hash, text, from, until, evidence };
}

async function describeHeld(
  answer: HeldAnswer,
  names: VersionNames,
  texts: TextLog,
  used: readonly UsedAnswer[],
): Promise<HeldEntry> {
  const { entry, bodyKind, transport, cosmetic } = answer;
  if (entry.hash === null) return entry;
  const name = names.name({ strict: entry.hash, transport, cosmetic });
  const content = (await texts.get([entry.hash])).get(entry.hash);
  const text = content === undefined ? null : displayBody(bodyFromCanonical(bodyKind, content));
  const named = { ...entry, version: name.version, text };
  const calls = earlierCalls(
    named,
    used.map((each) => each.entry),
  );
  return { ...named, evidence: [...entry.evidence, ...name.evidence, ...calls] };
}

async function describeUsed(
  answers: readonly UsedAnswer[],
  names: VersionNames,
  texts: TextLog,
): Promise<readonly UsedEntry[]> {
  const hashes = answers.map(({ entry }) => entry.hash).filter((hash): hash is ContentHash => hash !== null);
  const contents = await readTexts(texts, hashes);
  return answers.map(({ entry, bodyKind }) => {
    if (entry.hash !== null) {
      const content = contents.get(entry.hash);
      if (content === undefined) return { ...entry, evidence: [...entry.evidence, TEXT_LEFT_OUT] };
      const isBody = content !== null && bodyKind !== null;
      return { ...entry, text: isBody ? displayBody(bodyFromCanonical(bodyKind, content)) : content };
    }
    if (entry.version === null) return entry;
    return { ...entry, hash: names.hash(entry.version), text: names.text(entry.version, null) };
  });
}

/** Null for one that is not kept; those that would be too much for one answer are missing. */
async function readTexts(
  texts: TextLog,
  hashes: readonly ContentHash[],
): Promise<ReadonlyMap<ContentHash, string | null>> {
  const wanted = [...new Set(hashes)];
  const read = new Map<ContentHash, string | null>();
  for (let characters = 0; read.size < wanted.length && characters < CHARACTERS_MAX;) {
    const some = wanted.slice(read.size, read.size + TEXTS_AT_ONCE);
    const found = await texts.get(some);
    for (const hash of some) {
      const content = found.get(hash) ?? null;
      read.set(hash, content);
      characters += content?.length ?? 0;
    }
  }
  return read;
}

function byTarget(a: HeldEntry, b: HeldEntry): number {
  const first = `${a.target}\n${a.part}`;
  const second = `${b.target}\n${b.part}`;
  return first < second ? -1 : first > second ? 1 : 0;
}
