/** The audit chain over a real engine: what is recorded verifies, and what is edited afterwards is told. */

import { beforeAll, afterAll, describe, expect, it } from 'vitest';
import { bytesOfHash, digestOfHashes, encodeFields } from '../../src/audit/encoding.ts';
import { ReportCheck, reportLineShape } from '../../src/audit/report-check.ts';
import type { AuditEntry, AuditFinding, ReportLine } from '../../src/contract/audit.ts';
import type { HeldObservation } from '../../src/contract/observation.ts';
import type { Pin } from '../../src/contract/prompt.ts';
import type { RestoreRecord } from '../../src/contract/restore-log.ts';
import { sha256 } from '../../src/lib/hash.ts';
import { addMillis, systemClock } from '../../src/lib/time.ts';
import { placed } from '../../src/audit/entry.ts';
import { toEntryRow } from '../../src/store/audit/entry-rows.ts';
import { openTrail } from '../../src/store/audit/open-trail.ts';
import type { AuditTrail } from '../../src/store/audit/trail.ts';
import type { Database } from '../../src/store/database.ts';
import { openDatabase } from '../../src/store/engine/open-database.ts';
import { createStore, type Store } from '../../src/store/index.ts';
import { migrate } from '../../src/store/migrate.ts';
import { toObservationRow } from '../../src/store/observation-rows.ts';
import { held, incident, registered, unanswered } from '../support/store-samples.ts';
import { tempDirectory } from '../support/temp-directory.ts';

// What is so new that it may be without an entry is told from the rest by its time.
const TEN_MINUTES_S = 600;
const begun = addMillis(systemClock.now(), -3 * TEN_MINUTES_S * 1_000);
const at = (seconds: number) => addMillis(begun, seconds * 1_000);
const JUST_NOW_S = 2 * TEN_MINUTES_S;

let database: Database;
let trail: AuditTrail;
let store: Store;

const earlierClock = { ...systemClock, now: () => addMillis(systemClock.now(), -TEN_MINUTES_S * 1_000) };

async function start(): Promise<void> {
  trail = await openTrail(database, earlierClock, 'writer-1');
  store = createStore(database, earlierClock, trail);
  const latest = await store.observations.latest();
  if (!trail.isFirst) trail.remember(latest.flatMap(({ lastAnswered }) => lastAnswered ?? []).map(toObservationRow));
}

beforeAll(async () => {
  database = await openDatabase({ path: tempDirectory() }, '1.0.0', systemClock);
  await migrate(database, systemClock);
  await start();
});
afterAll(async () => await database.close());

const looks = (seconds: number, text: string, more: Partial<HeldObservation> = {}): HeldObservation[] =>
  ['a', 'b', 'c'].map((name) => held(at(seconds), text, { target: `config/${name}`, ...more }));

const restore: RestoreRecord = {
  id: 'r1',
  target: 'config/a',
  prompt: 'greeting',
  environment: 'production',
  begunAt: at(40),
  endedAt: null,
  by: 'oncall',
  reason: 'the 02:47 “edit” \n \0 \\ "',
  from: null,
  to: { version: '1', hash: sha256('one') },
  result: 'begun',
  words: '',
};

const pin: Pin = {
  prompt: 'greeting',
  environment: 'production',
  version: '1',
  hash: sha256('one'),
  rule: 'lockfile',
  since: at(0),
  by: null,
  origin: { file: 'prompts.lock.yaml' },
};

async function record(): Promise<void> {
  await store.registry.recordVersions([registered('1', 'one'), registered('2', 'zwei ü')], at(0));
  await store.registry.recordPins([pin], at(1), ['lockfile'], at(1));
  await store.observations.append(looks(5, 'one'));
  await store.observations.append(looks(35, 'one'));
  const strange = {
    share: 1 / 3,
    editedBy: 'ü "x"\n\u2028😀 \ud800y',
    pointer: { name: 'label', value: '' },
    part: 'b',
  };
  await store.observations.append([held(at(36), 'odd', strange), unanswered(at(37), 'missing')]);
  await store.observations.append(looks(65, 'edited', { editedAt: at(50), editedBy: 'ana' }));
  await store.incidents.append(incident('i1', { updatedAt: at(66) }), 'opened', 'system');
  await store.incidents.append(incident('i1', { updatedAt: at(70), revision: 2 }), 'acknowledged', 'ana');
  await store.restores.append(restore);
  await store.restores.append({ ...restore, result: 'restored', endedAt: at(41) });
  trail.configured({ plumbline: '1.0.0', all: sha256('configuration') });
  trail.letGo({ calls_from: at(0), calls: '12' });
}

const verify = (noted: readonly string[] = []) => store.audit.verify({ noted });
const told = (findings: readonly AuditFinding[]) => findings.map(({ what, kind, words }) => [what, kind, words]);

describe('the audit chain', () => {
  it('verifies what was recorded, over several starts', async () => {
    await record();
    await trail.stop(10_000);
    expect(trail.problem).toBeNull();
    await start();
    await store.incidents.append(incident('i1', { updatedAt: at(90), revision: 3 }), 'resolved', 'bo');
    await store.observations.append(looks(JUST_NOW_S, 'edited'));
    const verification = await verify();
    expect(told(verification.findings)).toEqual([]);
    expect(verification).toMatchObject({
      segments: 2,
      rows: { version: 2, pin: 1, incident: 3, restore: 2, observation: 8, observations: 11 },
      late: 0,
      earlier: 0,
      waiting: 3,
      letGo: [{ calls: '12' }],
      heads: [{ writer: 'writer-1', segment: trail.segment, hash: trail.head?.hash }],
    });
    await trail.stop(10_000);
    expect(await verify()).toMatchObject({ findings: [], waiting: 0 });
  });

  it('finds a noted head again, and misses one that it never had', async () => {
    const [head] = await store.audit.heads();
    expect((await verify([head?.hash ?? ''])).findings).toEqual([]);
    await start();
    trail.configured({ plumbline: '1.0.1' });
    expect((await verify([head?.hash ?? ''])).findings).toEqual([]);
    const other = sha256('another');
    expect(told((await verify([other])).findings)).toEqual([
      ['head_missing', null, `No intact entry has the hash ${other} that was noted.`],
    ]);
  });

  it('knows each of many observations again', async () => {
    const many = Array.from({ length: 2_000 }, (_, index) =>
      held(at(JUST_NOW_S + 1), 'edited', { target: `many/${index}`, share: index / 2_000 }),
    );
    await store.observations.append(many);
    await trail.stop(10_000);
    const { findings, rows } = await verify();
    expect(told(findings)).toEqual([]);
    expect(rows['observations']).toBe(2_014);
    await start();
  });

  it('lists entries newest first, page by page', async () => {
    const { entries } = await verify();
    const all: AuditEntry[] = [];
    let cursor: string | undefined;
    do {
      const page = await store.audit.list({}, { limit: 10, cursor });
      all.push(...page.items);
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    expect(all).toHaveLength(entries);
    expect(all.every(({ at: time }, index) => index === 0 || time <= (all[index - 1]?.at ?? time))).toBe(true);
    const { items } = await store.audit.list({ kind: 'incident' }, { limit: 10 });
    expect(items.map(({ subject }) => subject)).toEqual([
      ['i1', '3', 'resolved'],
      ['i1', '2', 'acknowledged'],
      ['i1', '1', 'opened'],
    ]);
  });
});

describe('a report', () => {
  const lines = async (limit: number, period = {}): Promise<readonly ReportLine[]> => {
    const all: ReportLine[] = [];
    let cursor: string | undefined;
    do {
      const page = await store.audit.report(period, { limit, cursor });
      all.push(...page.items);
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    return all;
  };
  const entriesOf = (all: readonly ReportLine[]) => all.filter((line) => line.text === undefined);

  it('has all that was entered with its content, however many pages it has, and holds', async () => {
    const { entries } = await verify();
    const all = await lines(1_000);
    expect(entriesOf(all)).toHaveLength(entries);
    expect(entriesOf(await lines(150))).toEqual(entriesOf(all));
    expect(entriesOf(all).filter(({ kind, content }) => content === null && kind !== 'observations')).toEqual([]);
    const texts = all.filter((line) => line.text !== undefined).map(({ content }) => content);
    expect(new Set(texts)).toEqual(new Set(['one', 'odd', 'edited']));

    const check = new ReportCheck([trail.head?.hash ?? '']);
    check.line(JSON.stringify({ plumbline_audit_report: 1, from: null, to: null, heads: await store.audit.heads() }));
    for (const line of all) check.line(JSON.stringify(reportLineShape(line)));
    check.line(JSON.stringify({ end: true, entries }));
    expect(told(check.end().findings)).toEqual([]);
  });

  it('has the rows of each batch where they are asked for, page by page', async () => {
    const batches = entriesOf(await lines(1_000)).filter(({ kind }) => kind === 'observations');
    expect(batches.length).toBeGreaterThan(1);
    for (const { segment, sequence, contentHash, subject } of batches) {
      const hashes: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await store.audit.rows({ segment, sequence }, { limit: 7, cursor });
        hashes.push(...(page?.items ?? []).map((row) => bytesOfHash(encodeFields(row))));
        cursor = page?.nextCursor ?? undefined;
      } while (cursor !== undefined);
      expect([digestOfHashes(new Set(hashes)), String(hashes.length)]).toEqual([contentHash, subject[2]]);
      if (hashes.length > 100) break;
    }
    expect(await store.audit.rows({ segment: batches[0]?.segment ?? '', sequence: 1 }, { limit: 7 })).toBeNull();
  });

  it('of a period has the entries that were made in it', async () => {
    const all = entriesOf(await lines(1_000));
    const [from, to] = [all[5]?.at, all.at(-5)?.at];
    const some = entriesOf(await lines(150, { from, to }));
    expect(some).toEqual(all.filter(({ at: entered }) => entered >= (from ?? '') && entered <= (to ?? '')));
    expect(some.length).toBeLessThan(all.length);
    expect(await lines(150, { from: systemClock.now() })).toEqual([]);
  });
});

/** Runs last: what is edited here is put back only in the copy of the tables. */
describe('what was edited afterwards is told', () => {
  const TABLES = ['observations', 'incidents', 'restores', 'registered_versions', 'pins', 'texts', 'audit_entries'];
  beforeAll(async () => {
    await trail.stop(10_000);
    for (const table of TABLES) {
      await database.command(`CREATE TABLE kept_${table} AS ${table}`);
      await database.command(`INSERT INTO kept_${table} SELECT * FROM ${table}`);
    }
  });

  async function edited(statement: string): Promise<AuditFinding[]> {
    const settings = statement.startsWith('ALTER') ? ' SETTINGS mutations_sync = 2' : '';
    await database.command(statement + settings);
    const { findings } = await verify();
    for (const table of TABLES) {
      await database.command(`TRUNCATE TABLE ${table}`);
      await database.command(`INSERT INTO ${table} SELECT * FROM kept_${table}`);
    }
    return [...findings];
  }
  const kinds = (findings: readonly AuditFinding[]) => findings.map(({ what, kind }) => [what, kind]);

  it.each([
    [
      "incidents UPDATE document = replaceOne(document, 'critical', 'info') WHERE revision = 2",
      'row_altered',
      'incident',
      'i1, 2, acknowledged is not what',
    ],
    [
      "incidents UPDATE by = 'somebody' WHERE revision = 2",
      'row_altered',
      'incident',
      'i1, 2, acknowledged is not what',
    ],
    ['incidents DELETE WHERE revision = 3', 'row_gone', 'incident', 'i1, 3, resolved is gone'],
    ["restores UPDATE by = 'nobody' WHERE result = 'restored'", 'row_altered', 'restore', 'r1, restored is not what'],
    ["restores DELETE WHERE result = 'begun'", 'row_gone', 'restore', 'r1, begun is gone'],
    ["registered_versions UPDATE document = '{}' WHERE version = '2'", 'row_altered', 'version', 'files, greeting, 2'],
    ["pins UPDATE hash = 'sha256:0' WHERE 1", 'row_altered', 'pin', 'greeting, production, lockfile'],
  ])('%s', async (change, what, kind, words) => {
    const findings = await edited(`ALTER TABLE ${change}`);
    expect(kinds(findings)).toEqual([[what, kind]]);
    expect(findings[0]?.words).toContain(words);
    expect(findings[0]?.sequence).toBeGreaterThan(1);
  });

  it('a revision that was put in', async () => {
    const findings = await edited(
      "INSERT INTO incidents SELECT * REPLACE (toUInt64(7) AS revision, 'resolved' AS transition) FROM (SELECT * FROM incidents WHERE revision = 2)",
    );
    expect(told(findings)).toEqual([
      ['row_without_entry', 'incident', 'The revision of an incident i1, 7, resolved has no entry.'],
    ]);
  });

  /** In SQL: of `config/b` at that time. */
  const lookAt = (seconds: number): string =>
    `target = 'config/b' AND observed_at = toDateTime64('${at(seconds).slice(0, -1)}', 9, 'UTC')`;

  it('what a place held, where it said something new', async () => {
    const other = sha256('another');
    const findings = await edited(`ALTER TABLE observations UPDATE strict_hash = '${other}' WHERE ${lookAt(65)}`);
    expect(kinds(findings)).toEqual([
      ['row_altered', 'observation'],
      ['rows_altered', 'observations'],
      ['text_gone', null],
    ]);
    expect(findings[0]?.words).toContain('config/b');
    expect(findings[1]?.words).toContain('of the 11 at least one was altered');
  });

  it('what a place held, where it said the same as before', async () => {
    const findings = await edited(`ALTER TABLE observations UPDATE edited_by = 'ana' WHERE ${lookAt(35)}`);
    expect(told(findings)).toEqual([
      ['rows_altered', 'observations', expect.stringContaining('of the 11 at least one was altered')],
    ]);
    const removed = await edited(`ALTER TABLE observations DELETE WHERE ${lookAt(35)}`);
    expect(told(removed)).toEqual([
      ['rows_altered', 'observations', expect.stringContaining('were 11, and 10 are left')],
    ]);
  });

  it('observations, and only those since a time, where that is asked for', async () => {
    const change = `ALTER TABLE observations DELETE WHERE ${lookAt(35)} SETTINGS mutations_sync = 2`;
    await database.command(change);
    const later = await store.audit.verify({ noted: [], from: at(JUST_NOW_S - 1) });
    expect([told(later.findings), later.rows['observations']]).toEqual([[], 2_003]);
    expect(kinds(await edited('SELECT 1'))).toEqual([['rows_altered', 'observations']]);
  });

  it('observations that were put in, with and without a mark', async () => {
    const copy = (mark: string): string =>
      `INSERT INTO observations SELECT * REPLACE (observed_at + INTERVAL 1 SECOND AS observed_at${mark})
       FROM (SELECT * FROM observations WHERE ${lookAt(35)})`;
    expect(told(await edited(copy('')))).toEqual([
      ['rows_altered', 'observations', expect.stringContaining('were 11, and are 12: some were put in')],
    ]);
    expect(told(await edited(copy(', toUInt64(99) AS audit_batch')))).toEqual([
      ['row_without_entry', 'observations', expect.stringContaining('1 observations between')],
    ]);
  });

  it('a text', async () => {
    const hash = sha256('one');
    expect(told(await edited(`ALTER TABLE texts UPDATE content = 'two' WHERE content = 'one'`))).toEqual([
      ['text_altered', null, `The text ${hash}, which a place held, is not the one that has this hash.`],
    ]);
    expect(kinds(await edited(`ALTER TABLE texts DELETE WHERE content = 'one'`))).toEqual([['text_gone', null]]);
  });

  it('an entry, whatever of it was edited', async () => {
    for (const change of ["subject = ['i1', '2', 'snoozed']", "entered = 'late'", "content_hash = 'sha256:0'"]) {
      const findings = await edited(
        `ALTER TABLE audit_entries UPDATE ${change} WHERE kind = 'incident' AND subject[2] = '2'`,
      );
      expect(kinds(findings), change).toContainEqual(['entry_altered', 'incident']);
    }
    const content = `content = '{"plumbline":"9"}' WHERE kind = 'configuration' AND content LIKE '%1.0.0%'`;
    expect(kinds(await edited(`ALTER TABLE audit_entries UPDATE ${content}`))).toEqual([
      ['entry_altered', 'configuration'],
    ]);
  });

  it('an entry that is missing, in the middle or at the end of a segment, with its row', async () => {
    const { items } = await store.audit.list({ kind: 'incident' }, { limit: 10 });
    const second = items.find(({ subject }) => subject[1] === '2');
    await database.command('ALTER TABLE incidents DELETE WHERE revision = 2 SETTINGS mutations_sync = 2');
    const words = `Entry ${second?.sequence} of ${second?.segment} is missing.`;
    const middle = await edited("ALTER TABLE audit_entries DELETE WHERE kind = 'incident' AND subject[2] = '2'");
    expect(told(middle)).toEqual([['entry_missing', null, words]]);

    const [{ last } = { last: '' }] = await database.query<{ last: string }>(
      'SELECT toString(max(sequence)) AS last FROM audit_entries WHERE segment = {segment:String}',
      { segment: second?.segment ?? '' },
    );
    const where = `segment = '${second?.segment}' AND sequence = ${last}`;
    const end = await edited(`ALTER TABLE audit_entries DELETE WHERE ${where}`);
    expect(told(end)).toEqual([['entry_missing', null, `Entry ${last} of ${second?.segment} is missing.`]]);
    const whole = await edited(`ALTER TABLE audit_entries DELETE WHERE segment = '${second?.segment}'`);
    expect(told(whole)).toContainEqual(['entry_missing', null, `The whole segment ${second?.segment} is missing.`]);
  });

  it('an entry that was made anew for an edited row, with its own hash right', async () => {
    const { items } = await store.audit.list({ kind: 'incident' }, { limit: 10 });
    const entry = items.find(({ subject }) => subject[1] === '2');
    if (entry === undefined) throw new Error('There is no such entry.');
    const { hash: _hash, ...rest } = entry;
    const forged = placed({ ...rest, contentHash: sha256('forged') }, rest);
    await database.command(`ALTER TABLE audit_entries DELETE WHERE hash = '${entry.hash}' SETTINGS mutations_sync = 2`);
    await database.insert('audit_entries', [toEntryRow(forged)]);
    expect(kinds((await verify()).findings)).toEqual([
      ['link_broken', 'restore'],
      ['row_altered', 'incident'],
    ]);
    await database.insert('audit_entries', [toEntryRow(entry)]);
    const both = await edited('SELECT 1');
    expect(kinds(both)).toContainEqual(['entry_inserted', 'incident']);
  });

  it('the whole chain', async () => {
    expect(told(await edited('TRUNCATE TABLE audit_entries'))).toContainEqual([
      'entry_missing',
      null,
      'There is no audit chain: a daemon begins one when it starts.',
    ]);
  });
});
