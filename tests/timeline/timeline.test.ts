import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RestoreRecord } from '../../src/contract/restore-log.ts';
import type { TimeInterval, Timestamp } from '../../src/contract/time.ts';
import { sha256 } from '../../src/lib/hash.ts';
import { addMillis } from '../../src/lib/time.ts';
import { boundary, isActive } from '../../src/timeline/boundary.ts';
import {
  heldEntry,
  isLong,
  restoreEvidence,
  runsOf,
  type RunDetail,
  type Sighting,
  type Unseen,
} from '../../src/timeline/held.ts';
import { intendedAt, intendedEntries, type PinFact } from '../../src/timeline/intended.ts';
import { leftOutEvidence, usedEntry, type CallRun } from '../../src/timeline/used.ts';
import { time } from '../support/store-samples.ts';

describe('boundary', () => {
  const [a, b] = [time('01:00:00'), time('01:01:00')];
  it('believes a claim only where it fits', () => {
    expect(boundary(a, b, null)).toEqual([a, b]);
    expect(boundary(a, b, time('01:00:20'))).toEqual([time('01:00:20'), time('01:00:20')]);
    expect(boundary(a, b, a)).toEqual([a, a]);
    expect(boundary(a, b, time('00:59:59'))).toEqual([a, b]);
    expect(boundary(a, b, time('01:01:01'))).toEqual([a, b]);
    expect(boundary(null, b, time('00:10:00'))).toEqual([time('00:10:00'), time('00:10:00')]);
  });
});

function detail(run: Sighting, editedAt: Timestamp | null = null): RunDetail {
  const state = run.state === 'missing' ? 'missing' : 'held';
  return {
    state,
    hash: state === 'held' ? sha256(run.state) : null,
    source: 'config',
    sourceVersion: null,
    pointer: null,
    editedAt,
    editedBy: null,
    share: null,
    reason: 'gone',
  };
}

const NOTHING_UNSEEN: Unseen = { edits: 0, edit: null, gaps: [] };

function entries(sightings: readonly Sighting[], editedAt: (run: Sighting) => Timestamp | null = () => null) {
  return runsOf(sightings).flatMap((runs) =>
    runs.map((run, index) => {
      const next = runs[index + 1];
      return heldEntry({
        run,
        detail: detail(run, editedAt(run)),
        previous: runs[index - 1] ?? null,
        next: next === undefined ? null : { run: next, detail: detail(next, editedAt(next)) },
        failedPollsAfter: 0,
        unseen: NOTHING_UNSEEN,
      });
    }),
  );
}

describe('held', () => {
  /** What really happened: contents at odd milliseconds, polls at even ones, so that none coincide. */
  const history = fc.record({
    changes: fc.uniqueArray(fc.tuple(fc.nat(400), fc.constantFrom('a', 'b', 'missing')), {
      selector: ([at]) => at,
      maxLength: 8,
    }),
    polls: fc.uniqueArray(fc.tuple(fc.nat(400), fc.boolean()), { selector: ([at]) => at, maxLength: 40 }),
    tellsEdits: fc.boolean(),
  });
  const start = time('01:00:00');
  const moment = (half: number): Timestamp => addMillis(start, half);

  it('is right about what was seen, and bounds every change it reports', () => {
    fc.assert(
      fc.property(history, ({ changes, polls, tellsEdits }) => {
        const sorted = changes.map(([at, state]) => ({ at: moment(at * 2 + 1), state })).toSorted(byAt);
        const truth = sorted.filter(({ state }, index) => state !== (sorted[index - 1]?.state ?? 'first'));
        const stateAt = (at: Timestamp): string => truth.findLast((change) => change.at <= at)?.state ?? 'first';
        const begunBy = (at: Timestamp): Timestamp | null => truth.findLast((change) => change.at <= at)?.at ?? null;
        const sightings = polls
          .filter(([, answered]) => answered)
          .map(([at]) => moment(at * 2))
          .map((at) => ({ target: 't', part: '', state: stateAt(at), first: at, last: at, count: 1 }));
        const found = entries(sightings, (run) => (tellsEdits ? begunBy(run.first) : null));
        const answerAt = (at: Timestamp): string | undefined => {
          const active = found.filter((entry) => isActive(entry, at));
          expect(active.length).toBeLessThanOrEqual(1);
          if (active[0] === undefined || active[0].state === 'missing') return active[0]?.state;
          return ['first', 'a', 'b'].find((state) => sha256(state) === active[0]?.hash);
        };
        for (const { first } of sightings) {
          expect(answerAt(first)).toBe(stateAt(first));
          // A source that tells when it was edited makes the time before a sight certain, but for the first of all.
          const begun = (tellsEdits ? begunBy(first) : null) ?? first;
          const isSupported = sightings.some((other) => other.first <= begun);
          expect(answerAt(begun)).toBe(isSupported ? stateAt(begun) : undefined);
        }
        for (const [index, { from, until }] of found.entries()) {
          expect(inOrder(from) && inOrder(until)).toBe(true);
          if (index === 0) continue;
          // What the source tells is when this came: whatever else was there before it, nobody saw.
          const [lastSeen, ended] = found[index - 1]?.until ?? [];
          expect([lastSeen, from[1]]).toEqual([found[index - 1]?.until[0], ended]);
          expect(lastSeen === null || from[0] === null || (lastSeen ?? '') <= from[0]).toBe(true);
          expect(truth.some(({ at }) => (from[0] ?? at) <= at && at <= (from[1] ?? at))).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('says the same however sightings are gathered', () => {
    const many = fc.array(fc.tuple(fc.nat(300), fc.constantFrom('a', 'b')), { maxLength: 30 });
    fc.assert(
      fc.property(many, (polls) => {
        const at = new Map(polls);
        const single = [...at]
          .toSorted(([first], [second]) => first - second)
          .map(([offset, state]) => ({
            target: 't',
            part: '',
            state,
            first: moment(offset),
            last: moment(offset),
            count: 1,
          }));
        const gathered = runsOf(single).flat();
        expect(runsOf(gathered)).toEqual(runsOf(single));
        expect(entries(gathered)).toEqual(entries(single.toReversed()));
      }),
    );
  });

  it('narrows a change to what the source says, and says so', () => {
    const poll = (state: string, at: string): Sighting => ({
      target: 't',
      part: '',
      state,
      first: time(at),
      last: time(at),
      count: 1,
    });
    const sightings = [poll('a', '01:00:00'), poll('a', '01:01:00'), poll('b', '01:02:00')];
    const edited = time('01:01:17.5');
    const [before, after] = entries(sightings, (run) => (run.state === 'b' ? edited : null));
    // Whether it was the only edit since the look before, nobody says.
    expect(before).toMatchObject({ from: [null, time('01:00:00')], until: [time('01:01:00'), edited] });
    expect(after).toMatchObject({ from: [edited, edited], until: [time('01:02:00'), null] });
    const outside = entries(sightings, (run) => (run.state === 'b' ? time('00:30:00') : null))[1];
    expect(outside?.from).toEqual([time('01:01:00'), time('01:02:00')]);
    expect(outside?.evidence.map(({ words }) => words)).toContainEqual(
      'edited at 2026-11-20 00:30:00 UTC, says config, which is not when it came here',
    );
  });

  it('says who put a content back, where that may be what brought it', () => {
    const restored = sha256('a');
    const restore = (begunAt: string, more: Partial<RestoreRecord> = {}): RestoreRecord => ({
      id: begunAt,
      target: 't',
      prompt: 'p',
      environment: 'production',
      begunAt: time(begunAt),
      endedAt: null,
      by: 'ana',
      reason: 'incident 7',
      from: null,
      to: { version: '1', hash: restored },
      result: 'begun',
      words: '',
      ...more,
    });
    const entry = {
      ...entries([
        { target: 't', part: '', state: 'a', first: time('02:00:30'), last: time('03:00:00'), count: 9 },
      ])[0]!,
      from: [time('02:00:00'), time('02:00:30')] as const,
    };
    const words = (...restores: RestoreRecord[]): readonly string[] =>
      restoreEvidence(entry, restores).map((each) => each.words);
    const last = 'ana put v1 back at 2026-11-20 02:00:20 UTC: incident 7';
    expect(words(restore('02:00:10', { by: 'ben' }), restore('02:00:20'))).toEqual([last]);
    // A poll that found the old content while the restore was under way.
    expect(words(restore('01:59:58', { reason: '' }))).toEqual(['ana put v1 back at 2026-11-20 01:59:58 UTC']);
    expect(words(restore('01:00:00'), restore('02:00:31'))).toEqual([]);
    expect(words(restore('02:00:20', { target: 'other' }))).toEqual([]);
    expect(words(restore('02:00:20', { to: { version: '2', hash: sha256('b') } }))).toEqual([]);
  });

  it('takes the time of an edit before the first look for a claim', () => {
    const at = time('01:00:00');
    const [entry] = entries([{ target: 't', part: '', state: 'a', first: at, last: at, count: 1 }], () => {
      return time('2026-03-01T00:00:00Z');
    });
    expect(entry?.from).toEqual([null, at]);
    expect(entry?.evidence.map(({ words }) => words)).toContain(
      'edited at 2026-03-01 00:00:00 UTC, says config, before anybody looked',
    );
  });

  it('says where something else may have been between polls that saw the same', () => {
    const [after, by] = [time('01:10:00'), time('01:10:45')];
    const run = { target: 't', part: '', state: 'a', first: time('01:00:00'), last: time('02:00:00'), count: 700 };
    const words = (unseen: Partial<Unseen>): readonly string[] =>
      heldEntry({
        run,
        detail: detail(run),
        previous: null,
        next: null,
        failedPollsAfter: 0,
        unseen: { ...NOTHING_UNSEEN, ...unseen },
      }).evidence.map((evidence) => evidence.words);
    const gap = '2026-11-20 01:10:00 UTC and 2026-11-20 01:10:45 UTC';
    const pause = { after, by, isOpen: false, usualMs: 5_000, failedPolls: 0 };
    expect(words({ gaps: [pause] })).toContain(
      `no poll for 45s between ${gap}, otherwise every 5s: what was there in between is not known`,
    );
    expect(words({ gaps: [{ ...pause, failedPolls: 7 }] })).toContain(
      `no answer for 45s between ${gap} (7 polls failed), otherwise every 5s: what was there in between is not known`,
    );
    expect(words({ gaps: [{ ...pause, isOpen: true, failedPolls: 1 }] })).toContain(
      'no answer for 45s before the time that is asked about (1 poll failed), otherwise every 5s: what was there since 2026-11-20 01:10:00 UTC is not known',
    );
    expect([isLong(pause), isLong({ ...pause, usualMs: 10_000 })]).toEqual([true, false]);
    const edit = { after, by, editedAt: time('01:10:30'), isLast: true };
    expect(words({ edits: 2, edit })).toContain(
      `edited at 2026-11-20 01:10:30 UTC, says config, between ${gap} (the last of 2 such edits): what was there in between is not known`,
    );
    expect(words({ edits: 2, edit: { ...edit, isLast: false } }).join()).toContain('(one of 2 such edits)');
  });

  it('keeps targets and parts apart', () => {
    const at = time('01:00:00');
    const one = { target: 't', part: 'x', state: 'a', first: at, last: at, count: 1 };
    expect(runsOf([one, { ...one, part: 'y', state: 'b' }, { ...one, target: 'u' }])).toHaveLength(3);
  });
});

function byAt(a: { readonly at: Timestamp }, b: { readonly at: Timestamp }): number {
  return a.at < b.at ? -1 : a.at > b.at ? 1 : 0;
}

function inOrder([earliest, latest]: TimeInterval): boolean {
  return earliest === null || latest === null || earliest <= latest;
}

describe('intended', () => {
  const fact = (version: string | null, recordedAt: string, more: Partial<PinFact> = {}): PinFact => ({
    rule: 'lockfile',
    pinned: version === null ? null : { version, hash: sha256(version) },
    since: null,
    by: null,
    origin: { file: 'prompts.lock.yaml', line: 3 },
    previousSeenAt: null,
    recordedAt: time(recordedAt),
    lastSeenAt: time(recordedAt),
    ...more,
  });
  const at = (facts: readonly PinFact[], when: string) => intendedAt(intendedEntries(facts), time(when));

  it('knows nothing before the first sight, unless history tells', () => {
    expect(at([fact('1', '02:00:00')], '01:59:59')).toBeNull();
    expect(at([fact('1', '02:00:00')], '02:00:00')?.from).toEqual([null, time('02:00:00')]);
    const told = [fact('1', '02:00:00', { since: time('2026-11-01T09:00:00Z'), by: 'ana' })];
    expect(at(told, '01:00:00')).toMatchObject({ version: '1', from: [told[0]?.since, told[0]?.since] });
    expect(at(told, '2026-10-31T00:00:00Z')).toBeNull();
  });

  it('bounds a change by when the pin was last read', () => {
    const facts = [fact('1', '01:00:00'), fact('2', '03:00:00', { previousSeenAt: time('02:59:30') })];
    expect(at(facts, '02:59:45')).toMatchObject({ version: '1', until: [time('02:59:30'), time('03:00:00')] });
    expect(at(facts, '03:00:00')).toMatchObject({ version: '2', from: [time('02:59:30'), time('03:00:00')] });
    // After a restart nobody knows when it was last read: only that it was so at the last change.
    const restarted = [fact('1', '01:00:00'), fact('2', '03:00:00')];
    expect(at(restarted, '03:00:00')?.from).toEqual([time('01:00:00'), time('03:00:00')]);
  });

  it('does not believe a history that contradicts what was read', () => {
    const since = time('02:00:00');
    const facts = [fact('1', '01:00:00'), fact('2', '03:00:00', { since, previousSeenAt: time('02:59:30') })];
    expect(at(facts, '02:30:00')).toMatchObject({ version: '1' });
    const second = at(facts, '03:00:00');
    expect(second?.from).toEqual([time('02:59:30'), time('03:00:00')]);
    expect(second?.evidence[0]?.words).toContain(
      'first seen at 2026-11-20 03:00:00 UTC, in its history since 2026-11-20 02:00:00 UTC, which is not when it came here',
    );
    const between = [fact('1', '01:00:00'), fact('2', '03:00:00', { since })];
    expect(at(between, '01:59:59')?.version).toBe('1');
    expect(at(between, '02:00:00')?.version).toBe('2');
  });

  it('is still so at the last look, and says where nobody looked', () => {
    const facts = [fact('1', '01:00:00', { lastSeenAt: time('02:00:00') })];
    expect(at(facts, '03:00:00')?.until).toEqual([time('02:00:00'), null]);
    const words = (after: string, by: string, isOpen: boolean): readonly string[] => {
      const unread = { rule: 'lockfile', after: time(after), by: time(by), isOpen, usualMs: 30_000 };
      const other = { ...unread, rule: 'label:production@langfuse' };
      const answer = intendedAt(intendedEntries(facts), time('01:30:00'), [unread, other]);
      return answer?.evidence.slice(1).map((each) => each.words) ?? [];
    };
    expect(words('01:29:50', '01:30:20', false)).toEqual([]);
    expect(words('01:10:00', '02:00:00', false)).toEqual([
      'lockfile was not read between 2026-11-20 01:10:00 UTC and 2026-11-20 02:00:00 UTC, otherwise every 30s or more often: what it said in between is not known',
    ]);
    expect(words('01:10:00', '01:30:00', true)).toEqual([
      'lockfile was not read after 2026-11-20 01:10:00 UTC, otherwise every 30s or more often: what it said since is not known',
    ]);
  });

  it('ends the pin before where it was last seen, whatever history says of the next', () => {
    const since = time('02:30:00');
    const facts = [fact('1', '01:00:00', { lastSeenAt: time('02:00:00') }), fact('3', '03:00:00', { since })];
    expect(at(facts, '02:15:00')).toMatchObject({ version: '1', until: [time('02:00:00'), since] });
    expect(at(facts, '02:30:00')).toMatchObject({ version: '3', from: [since, since] });
  });

  it('was something else while nobody looked, where history dates the same pin anew', () => {
    const [first, again] = [time('00:30:00'), time('02:30:00')];
    const before = fact('1', '01:00:00', { since: first, by: 'ana', lastSeenAt: time('02:00:00') });
    const facts = [before, fact('1', '03:00:00', { since: again, by: 'ben' })];
    expect(at(facts, '02:15:00')).toMatchObject({ from: [first, first], until: [time('02:00:00'), again] });
    expect(at(facts, '02:30:00')).toMatchObject({ from: [again, again], until: [time('03:00:00'), null] });
    expect(at(facts, '02:30:00')?.evidence[0]?.words).toContain('since 2026-11-20 02:30:00 UTC by ben');
  });

  it('takes an edit that is committed later for one pin', () => {
    const seen = fact('1', '01:00:00', { previousSeenAt: time('00:59:55'), lastSeenAt: time('01:29:55') });
    const committed = { since: time('01:29:58'), by: 'ana', previousSeenAt: time('01:29:55') };
    const found = intendedEntries([seen, fact('1', '01:30:00', committed)]);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({ from: [time('00:59:55'), time('01:00:00')], until: [time('01:30:00'), null] });
    expect(found[0]?.evidence[0]?.words).toContain(
      'first seen at 2026-11-20 01:00:00 UTC, in its history since 2026-11-20 01:29:58 UTC by ana, which is after it was here',
    );
  });

  it('claims no interval that ends before it begins when the clock was set back', () => {
    const before = fact('1', '02:00:00', { lastSeenAt: time('03:00:00') });
    const facts = [before, fact('2', '02:00:00.000000001', { previousSeenAt: time('03:00:00') })];
    expect(at(facts, '02:00:01')?.from).toEqual([time('02:00:00'), time('02:00:00.000000001')]);
  });

  it('ends with a removal, and may begin again', () => {
    const facts = [fact('1', '01:00:00'), fact(null, '02:00:00'), fact('1', '03:00:00')];
    expect(at(facts, '01:30:00')?.until).toEqual([time('01:00:00'), time('02:00:00')]);
    expect(at(facts, '02:30:00')).toBeNull();
    expect(at(facts, '03:30:00')?.version).toBe('1');
  });

  it('joins records of the same pin, and takes what the later one knows more', () => {
    const since = time('00:59:00');
    const facts = [fact('1', '01:00:00'), fact('1', '01:30:00', { since, by: 'ana' }), fact('2', '02:00:00')];
    const found = intendedEntries(facts);
    expect(found.map(({ version }) => version)).toEqual(['1', '2']);
    expect(found[0]).toMatchObject({ from: [since, since], until: [time('01:30:00'), time('02:00:00')] });
  });

  it('lets the lockfile speak first, and mentions who disagrees', () => {
    const label = fact('7', '00:30:00', { rule: 'label:production@langfuse' });
    const answer = at([label, fact('5', '01:00:00')], '01:00:01');
    expect(answer?.version).toBe('5');
    expect(answer?.evidence.map(({ words }) => words)).toContainEqual(
      'label:production@langfuse says v7, which has less weight',
    );
    expect(at([label, fact('5', '01:00:00')], '00:45:00')?.version).toBe('7');
  });
});

describe('used', () => {
  const window = { from: time('00:00:00'), to: null };
  const run: CallRun = {
    service: 'app',
    version: '1',
    hash: null,
    attributions: ['rendered', 'exact'],
    first: time('01:00:00'),
    last: time('01:05:00'),
    calls: 2,
    before: time('00:59:00'),
    after: time('01:07:00'),
  };

  it('gives a change the interval between the last call with one and the first with the other', () => {
    expect(usedEntry(run, window)).toEqual({
      service: 'app',
      version: '1',
      hash: null,
      text: null,
      from: [time('00:59:00'), time('01:00:00')],
      until: [time('01:05:00'), time('01:07:00')],
      invocations: 2,
      evidence: [
        {
          kind: 'traffic',
          words: '2 calls from 2026-11-20 01:00:00 UTC to 2026-11-20 01:05:00 UTC; attribution: exact, rendered',
        },
      ],
    });
  });

  it('says where it stopped looking', () => {
    const open = usedEntry({ ...run, before: null, after: null }, { ...window, to: time('02:00:00') });
    expect(open).toMatchObject({ from: [null, run.first], until: [run.last, null] });
    expect(open.evidence.map(({ words }) => words)).toContainEqual(
      'calls before 2026-11-20 00:00:00 UTC and after 2026-11-20 02:00:00 UTC were not looked at',
    );
  });

  it('claims no edge where calls that were not looked at may belong to the run', () => {
    const close = { from: time('00:45:00'), to: time('01:20:00') };
    expect(usedEntry(run, close)).toMatchObject({ from: [null, run.first], until: [run.last, null] });
    expect(usedEntry(run, { ...close, to: null }).until).toEqual([run.last, run.after]);
  });

  it('says when it does not list all', () => {
    expect(leftOutEvidence(3, 3)).toEqual([]);
    expect(leftOutEvidence(3, 5).map(({ words }) => words)).toEqual([
      '5 contents were in use and 3 are listed: registered versions first, then by number of calls',
    ]);
  });
});
