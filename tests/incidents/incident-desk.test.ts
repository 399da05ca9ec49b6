import { describe, expect, it } from 'vitest';
import type { Incident, IncidentTransition } from '../../src/contract/incident.ts';
import type { Queue } from '../../src/contract/queue.ts';
import type { Delivery } from '../../src/contract/store.ts';
import { type Announcer, type CountAffected, IncidentDesk } from '../../src/incidents/incident-desk.ts';
import { UnresolvedIncidents } from '../../src/incidents/unresolved.ts';
import { EDITED_TEXT, findingOf, GOOD_TEXT, openIncident, unreachableFinding } from '../support/judgements.ts';
import { MemoryIncidentLog } from '../support/memory-logs.ts';
import { PROMPT, time } from '../support/prompts.ts';
import { TurnableClock } from '../support/turnable-clock.ts';

/** Writes down what it was told, with what was stored at that moment. */
class RecordingAnnouncer implements Announcer {
  readonly prepared: string[] = [];
  readonly dispatched: string[] = [];
  failDispatch = false;
  readonly #log: MemoryIncidentLog;

  constructor(log: MemoryIncidentLog) {
    this.#log = log;
  }

  async prepare(incident: Incident, transition: IncidentTransition): Promise<readonly Delivery[]> {
    const stored = await this.#log.get(incident.id);
    this.prepared.push(`${transition} ${incident.revision} (stored: ${stored?.revision ?? 0})`);
    const id = `${incident.id}-${transition}-${incident.revision}`;
    return [{ id, incidentId: incident.id } as Delivery];
  }

  async dispatch(deliveries: readonly Delivery[]): Promise<void> {
    if (this.failDispatch) throw new Error('Redis is away.');
    this.dispatched.push(...deliveries.map((delivery) => delivery.id));
  }
}

/** The desk only registers a schedule with it; the tests call the review themselves. */
const QUIET_QUEUE: Queue = {
  add: async () => true,
  handle: () => undefined,
  every: () => undefined,
  cancel: () => undefined,
  counts: async () => ({ waiting: 0, delayed: 0, active: 0, failed: 0, refused: 0 }),
  start: async () => undefined,
  stop: async () => undefined,
};

function setUp(countAffected: CountAffected = async () => 0, incidents = new MemoryIncidentLog()) {
  const clock = new TurnableClock(time('02:41:40'));
  const announcer = new RecordingAnnouncer(incidents);
  const problems: string[] = [];
  const desk = new IncidentDesk({
    incidents,
    announcer,
    countAffected,
    clock,
    queue: QUIET_QUEUE,
    onProblem: (message) => problems.push(message),
  });
  return { desk, incidents, announcer, clock, problems };
}

const good = findingOf(GOOD_TEXT);
const edited = findingOf(EDITED_TEXT);

/** The same finding about another target. */
function elsewhere(index: number, text = EDITED_TEXT) {
  const finding = findingOf(text);
  return { ...finding, judgement: { ...finding.judgement, target: `source-${index}/${PROMPT}` } };
}

describe('IncidentDesk', () => {
  it('stores alerts before the incident and starts jobs after it', async () => {
    const { desk, incidents, announcer } = setUp();
    await desk.take([edited]);
    await desk.take([edited]);
    await desk.take([good]);
    expect(incidents.transitions()).toEqual(['opened', 'resolved']);
    expect(announcer.prepared).toEqual(['opened 1 (stored: 0)', 'resolved 2 (stored: 1)']);
    expect(announcer.dispatched).toHaveLength(2);
  });

  it('opens one incident for a problem that is reported many times at once', async () => {
    const { desk, incidents } = setUp();
    await desk.take(Array.from({ length: 50 }, () => edited));
    await Promise.all(Array.from({ length: 20 }, () => desk.take([edited])));
    expect(incidents.transitions()).toEqual(['opened']);
  });

  it('gives the same incident and the same alert in two replicas', async () => {
    const log = new MemoryIncidentLog();
    const [a, b] = [setUp(undefined, log), setUp(undefined, log)];
    await Promise.all([a.desk.take([edited]), b.desk.take([edited])]);
    expect(new Set(log.revisions.map(({ incident }) => `${incident.id} ${incident.revision}`)).size).toBe(1);
    expect(new Set([...a.announcer.dispatched, ...b.announcer.dispatched]).size).toBe(1);
  });

  it('finds an incident that another process opened, and resolves it', async () => {
    const first = setUp();
    await first.desk.take([edited]);
    const second = setUp(undefined, first.incidents);
    await second.desk.take([good]);
    expect(first.incidents.transitions()).toEqual(['opened', 'resolved']);
  });

  it('asks the store nothing for good verdicts', async () => {
    const { desk, incidents } = setUp();
    await desk.take(Array.from({ length: 1_000 }, (_, index) => elsewhere(index, GOOD_TEXT)));
    expect(incidents.lookups).toBe(0);
    expect(incidents.revisions).toHaveLength(0);
  });

  it('leaves nothing half done when the store fails, and loses nothing', async () => {
    const { desk, incidents, announcer } = setUp();
    incidents.failNext = 1;
    await expect(desk.take([edited])).rejects.toThrow('The store is away.');
    expect(announcer.dispatched).toHaveLength(0);
    await desk.take([edited]);
    expect(incidents.transitions()).toEqual(['opened']);
    expect(announcer.prepared).toEqual(['opened 1 (stored: 0)', 'opened 1 (stored: 0)']);
    expect(announcer.dispatched).toHaveLength(1);
  });

  it('handles all other findings when one fails', async () => {
    const { desk, incidents } = setUp();
    incidents.failNext = 1;
    await expect(desk.take([1, 2, 3].map((index) => elsewhere(index)))).rejects.toThrow('The store is away.');
    expect(incidents.revisions).toHaveLength(2);
  });

  it('stores the incident also when the queue is away or the count fails, and says so', async () => {
    const { desk, incidents, announcer, problems } = setUp(async () => {
      throw new Error('no count');
    });
    announcer.failDispatch = true;
    await desk.take([edited]);
    expect(incidents.transitions()).toEqual(['opened']);
    expect(problems.map((problem) => problem.split(' ')[0])).toEqual(['The', 'Alerts']);
  });

  it('counts the affected calls: at once when it opens, at most once a minute while it goes on, at the end', async () => {
    let calls = 0;
    const { desk, incidents, clock } = setUp(async ({ contents }) => {
      calls += 1;
      const { hash } = edited.judgement.observed;
      expect(contents).toMatchObject([{ version: null, hash, since: time('02:41:10') }]);
      return calls * 10;
    });
    await desk.take([edited]);
    for (let look = 0; look < 12; look += 1) {
      clock.advance(5_000);
      await desk.take([edited]);
    }
    expect(calls).toBe(2);
    await desk.take([good]);
    expect(incidents.revisions.map(({ incident }) => incident.invocationsAffected)).toEqual([10, 20, 30]);
  });

  it('counts less often where that takes long, so that it is a hundredth of the time', async () => {
    const countedAtMs: number[] = [];
    const { desk, clock } = setUp(async () => {
      countedAtMs.push(clock.monotonicMs());
      clock.advance(3_000);
      return 7;
    });
    for (let look = 0; look < 130; look += 1) {
      await desk.take([edited]);
      clock.advance(5_000);
    }
    // Taken every 5 s or, with a count, 8 s: the first of them that is 300 s after the count before.
    expect(countedAtMs).toEqual([0, 303_000, 606_000]);
  });

  it('counts the calls of all contents together, those that came after a restore as well', async () => {
    const brief = findingOf(`${EDITED_TEXT}And be brief.`, time('02:43:00'));
    const asked: string[][] = [];
    const { desk, incidents, clock } = setUp(async ({ contents }) => {
      asked.push(contents.map(({ hash, until }) => `${nameOf(hash)} ${until?.slice(11, 19) ?? 'on'}`));
      return asked.length * 10;
    });
    const nameOf = (hash: string | null) => (hash === brief.judgement.observed.hash ? 'brief' : 'edited');
    for (const finding of [edited, brief, good, brief]) {
      await desk.take([finding]);
      clock.advance(1_000);
    }
    expect(asked).toEqual([
      ['edited on'],
      ['edited on', 'brief on'],
      ['edited 02:41:42', 'brief 02:41:42'],
      ['edited 02:41:42', 'brief 02:41:42', 'brief on'],
    ]);
    expect(incidents.revisions.map(({ incident }) => incident.invocationsAffected)).toEqual([10, 20, 30, 40]);
  });

  it('counts once more when what was called before the end has been told, and tells nobody', async () => {
    let told = 7;
    const { desk, incidents, announcer, clock } = setUp(async () => told);
    await desk.take([edited, elsewhere(1)]);
    await desk.take([good, elsewhere(1, GOOD_TEXT)]);
    const ended = () =>
      incidents.revisions
        .slice(4)
        .map(({ incident, transition }) => [
          transition,
          incident.status,
          incident.invocationsAffected,
          incident.resolvedAt,
        ]);
    told = 9;
    clock.advance(60_000);
    await desk.review();
    expect(ended()).toEqual([]);
    // One comes back before it is counted once more.
    await desk.take([elsewhere(1)]);
    clock.advance(60_000);
    await desk.review();
    await desk.review();
    expect(ended()).toEqual([
      ['reopened', 'open', 9, null],
      ['updated', 'resolved', 9, time('02:41:40')],
    ]);
    expect(announcer.prepared.at(-1)).toBe('updated 3 (stored: 2)');
    // It is the same incident when it comes back, and known to be over until then.
    await desk.take([good]);
    expect(incidents.revisions).toHaveLength(6);
    await desk.take([edited]);
    expect(incidents.revisions.at(-1)).toMatchObject({ transition: 'reopened', incident: { revision: 4 } });
  });

  it('counts once more also when another process saw the end, and did not live to', async () => {
    const { desk, incidents } = setUp(async () => 7);
    await desk.take([edited, elsewhere(1)]);
    await desk.take([good]);
    const { desk: after, clock } = setUp(async () => 9, incidents);
    await after.start();
    clock.advance(119_000);
    await after.review();
    expect(incidents.revisions).toHaveLength(3);
    clock.advance(1_000);
    await after.review();
    expect(incidents.revisions.slice(3)).toMatchObject([
      { transition: 'updated', incident: { status: 'resolved', invocationsAffected: 9 } },
    ]);
    // What is counted is not counted again, nor what ended long ago.
    let counts = 0;
    const { desk: third, clock: later } = setUp(async () => (counts += 1), incidents);
    await third.start();
    later.advance(120_000);
    await third.review();
    expect(counts).toBe(0);
  });

  it('counts once more when it ends in another way', async () => {
    let calls = 0;
    const { desk, incidents } = setUp(async () => (calls += 7));
    await desk.take([edited, elsewhere(1)]);
    await desk.resolve(incidents.revisions.at(-1)?.incident.id ?? '', 'ada');
    await desk.retire(() => false);
    expect(incidents.revisions.map(({ incident }) => incident.invocationsAffected)).toEqual([7, 14, 21, 28]);
  });

  it('decides on what is stored after a count, which may have taken long', async () => {
    const counting = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<number>();
    let isSlow = false;
    const { desk, incidents, clock } = setUp(() => {
      if (isSlow) counting.resolve();
      return isSlow ? answer.promise : Promise.resolve(3);
    });
    await desk.take([edited]);
    const id = incidents.revisions[0]?.incident.id ?? '';
    isSlow = true;
    clock.advance(60_000);
    const taken = desk.take([edited]);
    await counting.promise;
    // In another process.
    await setUp(undefined, incidents).desk.acknowledge(id, 'ada');
    answer.resolve(6);
    await taken;
    expect(await incidents.get(id)).toMatchObject({ revision: 3, status: 'acknowledged', invocationsAffected: 6 });
  });

  it('looks for a first call as often as it can afford to, and not at all while the place is calm', async () => {
    const countedAtMs: number[] = [];
    const { desk, clock } = setUp(async () => {
      countedAtMs.push(clock.monotonicMs());
      clock.advance(100);
      return 0;
    });
    for (const finding of [edited, good, edited, good]) await desk.take([finding]);
    countedAtMs.length = 0;
    for (let look = 0; look < 6; look += 1) {
      await desk.take([edited]);
      clock.advance(5_000);
    }
    expect(countedAtMs).toEqual([400, 10_500, 20_600]);
    await desk.take([findingOf(GOOD_TEXT, clock.now())]);
    expect(countedAtMs).toHaveLength(3);
  });

  it('does not count everything again at a start: what an earlier process counted is fresh for a minute', async () => {
    const incidents = new MemoryIncidentLog();
    await setUp(async () => 40, incidents).desk.take([edited]);
    let calls = 0;
    const { desk, clock } = setUp(async () => {
      calls += 1;
      return 50;
    }, incidents);
    await desk.take([edited]);
    clock.advance(59_000);
    await desk.take([edited]);
    expect(calls).toBe(0);
    clock.advance(1_000);
    await desk.take([edited]);
    expect(calls).toBe(1);
  });

  it('wakes from a snooze, and ends a flapping, without a new judgement', async () => {
    const { desk, incidents, clock } = setUp();
    await desk.take([edited]);
    const id = incidents.revisions[0]?.incident.id ?? '';
    await desk.snooze(id, time('03:00:00'), 'ada');
    clock.advance(10 * 60_000);
    await desk.review();
    expect(incidents.transitions()).toEqual(['opened', 'snoozed']);
    clock.advance(10 * 60_000);
    await desk.review();
    await desk.review();
    expect(incidents.transitions()).toEqual(['opened', 'snoozed', 'reopened']);
    for (const finding of [good, edited, good, edited]) {
      await desk.take([finding]);
    }
    const calm = findingOf(GOOD_TEXT, clock.now());
    await desk.take([calm]);
    expect(incidents.transitions().slice(-2)).toEqual(['reopened', 'updated']);
    clock.advance(14 * 60_000);
    await desk.review();
    expect(incidents.transitions().slice(-2)).toEqual(['reopened', 'updated']);
    clock.advance(2 * 60_000);
    await desk.review();
    expect(incidents.transitions().at(-1)).toBe('resolved');
  });

  it('ends no flapping while the place can’t be reached: nobody knows that it is still calm', async () => {
    const { desk, incidents, clock } = setUp();
    await desk.take([edited]);
    for (const finding of [good, edited, good, edited]) await desk.take([finding]);
    await desk.take([findingOf(GOOD_TEXT, clock.now())]);
    expect(incidents.transitions().at(-1)).toBe('updated');
    await desk.take([unreachableFinding()]);
    clock.advance(20 * 60_000);
    await desk.review();
    expect(incidents.transitions().at(-1)).toBe('updated');
    await desk.take([findingOf(GOOD_TEXT, clock.now())]);
    expect(incidents.transitions().at(-1)).toBe('resolved');
  });

  it('lets a later look of another replica stand', async () => {
    const { desk, incidents, clock } = setUp();
    const other = setUp(undefined, incidents);
    await desk.take([edited]);
    clock.advance(5_000);
    other.clock.advance(5_000);
    await other.desk.take([findingOf(`${EDITED_TEXT}And be brief.`)]);
    clock.advance(60_000);
    await desk.review();
    expect(incidents.transitions()).toEqual(['opened', 'escalated']);
  });

  it('does what a person says, in their name', async () => {
    const { desk, incidents } = setUp();
    await desk.take([edited]);
    const id = incidents.revisions[0]?.incident.id ?? '';
    expect(await desk.acknowledge('nothing', 'ada')).toBeNull();
    expect(await desk.acknowledge(id, 'ada')).toMatchObject({ status: 'acknowledged', acknowledgedBy: 'ada' });
    expect(await desk.acknowledge(id, 'bob')).toMatchObject({ acknowledgedBy: 'ada' });
    expect(await desk.resolve(id, 'ada', 'accepted')).toMatchObject({
      status: 'resolved',
      resolution: 'ada: accepted',
    });
    expect(incidents.revisions.map(({ by }) => by)).toEqual(['plumbline', 'ada', 'ada']);
  });

  it('closes what nobody watches, and tampering that was put right, and nothing else', async () => {
    const { desk, incidents } = setUp();
    const tampered = (name: string) => {
      const finding = elsewhere(0);
      return { ...finding, judgement: { ...finding.judgement, target: `registry:files/${name}` } };
    };
    await desk.take([elsewhere(1), elsewhere(2)]);
    await desk.takeTampering([tampered('a'), tampered('b')]);
    await desk.takeTampering([tampered('b')]);
    await desk.retire((incident) => incident.target !== `source-1/${PROMPT}`);
    await desk.take([unreachableFinding()]);
    const closed = incidents.revisions.filter(({ transition }) => transition === 'resolved');
    expect(closed.map(({ incident }) => [incident.target, incident.resolution])).toEqual([
      ['registry:files/a', 'in_sync_again'],
      [`source-1/${PROMPT}`, 'no_longer_watched'],
    ]);
  });
});

describe('UnresolvedIncidents', () => {
  it('knows what was written while its pages were being read', async () => {
    const log = new MemoryIncidentLog();
    const gate = Promise.withResolvers<void>();
    const pagesRead = Promise.withResolvers<void>();
    const list = log.list.bind(log);
    log.list = async (filter, page) => {
      const result = await list(filter, page);
      pagesRead.resolve();
      await gate.promise;
      return result;
    };
    const old = openIncident(elsewhere(1));
    const opened = openIncident(edited);
    await log.append(old, 'opened', 'plumbline');
    const unresolved = new UnresolvedIncidents(log, new TurnableClock(time('02:00:00')));
    const finding = unresolved.find(opened.fingerprint);
    await pagesRead.promise;
    unresolved.note(opened);
    unresolved.note({ ...old, status: 'resolved', revision: 2 });
    gate.resolve();
    expect(await finding).toEqual(opened);
    expect(await unresolved.find(old.fingerprint)).toBeNull();
    expect(await unresolved.all()).toEqual([opened]);
  });
});
