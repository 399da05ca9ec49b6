/** What the host promises about every source it polls, with sources that do what the test says. */

import { describe, expect, it } from 'vitest';
import { Fault } from '../../src/contract/fault.ts';
import type { Reading, SourceTarget } from '../../src/contract/source.ts';
import { textBody } from '../../src/text/body.ts';
import { contentHashes } from '../../src/text/hashes.ts';
import { hostOf, readings } from '../support/sources/polling-host.ts';
import { held } from '../support/sources/scripted-source.ts';

describe('a poll', () => {
  it('is scheduled with the interval of its source, and done once at the start', async () => {
    const { queue, seen } = await hostOf({ place: { read: () => readings(held('place/a', 'hello')) } });
    expect(queue.schedules.get('poll:place')?.intervalMs).toBe(30_000);
    await queue.drain();
    expect(seen).toHaveLength(1);
  });

  it('is left out when all that it asks for was answered since it was due, as by the first after a start', async () => {
    const answers: Reading[] = [
      { outcome: 'unreachable', target: 'place/a', reason: 'busy' },
      held('place/a', 'hello'),
    ];
    const { queue, clock, seen } = await hostOf({ place: { read: () => readings(answers[0] as Reading) } });
    const due = clock.now();
    clock.advance(1_000);
    await queue.drain();
    expect(seen.map(({ outcome }) => outcome)).toEqual(['unreachable']);
    clock.advance(60_000);
    answers.shift();
    await queue.tick('poll:place', due);
    expect(seen.map(({ outcome }) => outcome)).toEqual(['unreachable', 'held']);
    await queue.tick('poll:place', due);
    expect(seen).toHaveLength(2);
    clock.advance(1_000);
    await queue.tick('poll:place', clock.now());
    expect(seen).toHaveLength(3);
  });

  it('is not left out because the wall clock was put back', async () => {
    const { queue, clock, seen } = await hostOf({ place: { read: () => readings(held('place/a', 'hello')) } });
    await queue.drain();
    clock.advance(30_000);
    clock.putBack(3_600_000);
    await queue.tick('poll:place', clock.now());
    expect(seen).toHaveLength(2);
  });

  it('turns content into an observation with all that the source told', async () => {
    const { poll, seen, clock } = await hostOf({
      place: {
        read: () =>
          readings(
            held('place/a', 'hello', {
              version: '7',
              editedBy: 'mallory',
              pointer: { name: 'production', value: '7' },
              settings: { model: 'm' },
              share: 0.5,
              url: 'https://place/a',
            }),
          ),
      },
    });
    await poll();
    expect(seen).toEqual([
      {
        outcome: 'held',
        target: 'place/a',
        source: 'place',
        sourceType: 'place',
        prompt: 'a',
        environment: 'production',
        part: '',
        askedAt: clock.now(),
        observedAt: clock.now(),
        body: textBody('hello'),
        hashes: contentHashes(textBody('hello')),
        settings: { model: 'm' },
        pointer: { name: 'production', value: '7' },
        sourceVersion: '7',
        editedAt: null,
        editedBy: 'mallory',
        share: 0.5,
        url: 'https://place/a',
      },
    ]);
  });

  it('repeats the last content when the source says that nothing changed', async () => {
    const known: (string | undefined)[] = [];
    const { poll, take, clock } = await hostOf({
      place: {
        read: (_targets, cursors) => {
          known.push(cursors.get('place/a'));
          return known.length === 1
            ? readings(held('place/a', 'hello', {}, 'etag-1'))
            : readings({ outcome: 'unchanged', target: 'place/a' });
        },
      },
    });
    await poll();
    const [first] = take();
    clock.advance(30_000);
    await poll();
    const [second] = take();
    expect(known).toEqual([undefined, 'etag-1']);
    expect(second).toEqual({ ...first, askedAt: clock.now(), observedAt: clock.now() });
  });

  it('reads in full what did not fit into memory', async () => {
    const known: number[] = [];
    const { poll } = await hostOf(
      {
        place: {
          read: (_targets, cursors) => {
            known.push(cursors.size);
            return readings(held('place/a', 'x'.repeat(10_000), {}, 'etag-1'));
          },
        },
      },
      { limits: { cacheBytesMax: 5_000 } },
    );
    await poll();
    await poll();
    expect(known).toEqual([0, 0]);
  });

  it('tells an ended part apart from a missing target, also one from before this process', async () => {
    let contents: Reading = held('place/a', 'x', { part: 'blue' });
    const { poll, take } = await hostOf(
      { place: { read: () => readings(contents) } },
      { partsBefore: new Map([['place/a', ['green']]]) },
    );
    await poll();
    expect(take().map((o) => [o.part, o.outcome, o.outcome === 'missing' && o.partEnded])).toEqual([
      ['blue', 'held', false],
      ['green', 'missing', true],
    ]);
    contents = { outcome: 'missing', target: 'place/a', reason: 'deleted' };
    await poll();
    expect(take()).toMatchObject([{ part: 'blue', outcome: 'missing', reason: 'deleted' }]);
  });

  it('numbers parts with one name, since two facts may not share a place', async () => {
    const twice = { body: textBody('x'), part: 'node' };
    const { poll, seen } = await hostOf({
      place: { read: () => readings({ outcome: 'held', target: 'place/a', contents: [twice, twice] }) },
    });
    await poll();
    expect(seen.map((o) => o.part)).toEqual(['node', 'node#2']);
  });
});

describe('a target that seems to be gone', () => {
  it('is looked at once more before it is missing', async () => {
    let reads = 0;
    const { poll, take } = await hostOf({
      place: {
        read: () => {
          reads += 1;
          return readings(
            reads === 1 ? { outcome: 'missing', target: 'place/a', reason: 'gone' } : held('place/a', 'back'),
          );
        },
      },
    });
    await poll();
    expect(take().map((o) => o.outcome)).toEqual(['held']);
    expect(reads).toBe(2);
  });

  it('is missing when it is still gone, and is not doubted again', async () => {
    let reads = 0;
    const { poll, take } = await hostOf({
      place: {
        read: () => {
          reads += 1;
          return readings({ outcome: 'missing', target: 'place/a', reason: 'gone' });
        },
      },
    });
    await poll();
    await poll();
    expect(take().map((o) => o.outcome)).toEqual(['missing', 'missing']);
    expect(reads).toBe(3);
  });

  it('is unreachable when the second look fails', async () => {
    let reads = 0;
    const { poll, take } = await hostOf({
      place: {
        read: async function* () {
          reads += 1;
          if (reads > 1) throw new Fault('transient', 'down');
          yield { outcome: 'missing', target: 'place/a', reason: 'gone' } as const;
        },
      },
    });
    await poll();
    expect(take().map((o) => o.outcome)).toEqual(['unreachable']);
  });
});

describe('a source that fails', () => {
  it('makes unreachable what it did not answer for, and nothing else', async () => {
    const { poll, seen } = await hostOf(
      {
        place: {
          read: async function* () {
            yield held('place/a', 'x');
            throw new Fault('transient', 'The place broke down.', { hint: 'Wait.' });
          },
        },
      },
      { prompts: ['a', 'b'] },
    );
    await poll();
    expect(seen.map((o) => [o.target, o.outcome])).toEqual([
      ['place/a', 'held'],
      ['place/b', 'unreachable'],
    ]);
    expect(seen[1]).toMatchObject({ reason: 'The place broke down. Wait.' });
  });

  it('counts a target that was not yielded as unreachable', async () => {
    const { poll, seen } = await hostOf({ place: { read: () => readings() } });
    await poll();
    expect(seen).toMatchObject([{ outcome: 'unreachable', reason: 'The source did not answer for this target.' }]);
  });

  it('reports a bug of the plugin, and leaves others alone', async () => {
    const { poll, seen, events } = await hostOf({
      broken: {
        read: () => {
          throw new TypeError('undefined is not a prompt');
        },
      },
      fine: { read: () => readings(held('fine/a', 'x')) },
    });
    await Promise.all([poll('broken'), poll('fine')]);
    expect(new Map(seen.map((o) => [o.target, o.outcome]))).toEqual(
      new Map([
        ['broken/a', 'unreachable'],
        ['fine/a', 'held'],
      ]),
    );
    expect(events.filter((event) => event.kind === 'bug')).toMatchObject([{ source: 'broken' }]);
  });

  it.each<[string, Reading[]]>([
    ['answers for a target it was not asked', [held('place/zzz', 'x'), held('place/a', 'x')]],
    ['answers twice', [held('place/a', 'x'), held('place/a', 'y')]],
    ['says unchanged of what nobody knew', [{ outcome: 'unchanged', target: 'place/a' }]],
  ])('reports a plugin that %s', async (_what, list) => {
    const { poll, seen, events } = await hostOf({ place: { read: () => readings(...list) } });
    await poll();
    expect(events.filter((event) => event.kind === 'bug')).toHaveLength(1);
    expect(seen).toHaveLength(1);
  });

  it('is unreachable when it stalls, even if it ignores its signal, and is not asked again while it hangs', async () => {
    const release: (() => void)[] = [];
    const { poll, take, events } = await hostOf(
      {
        place: {
          read: async function* () {
            await new Promise<void>((resolve) => release.push(resolve));
            yield held('place/a', 'late');
          },
        },
      },
      { timeoutMs: 20 },
    );
    await poll();
    expect(take()).toMatchObject([{ outcome: 'unreachable', reason: 'No answer within 20ms.' }]);
    await poll();
    expect(take()).toMatchObject([{ outcome: 'unreachable' }]);
    expect(events).toContainEqual({ kind: 'skipped', why: 'stuck', source: 'place', type: 'place' });
    expect(release).toHaveLength(1);
    release[0]?.();
  });

  it('is never shown with its secrets', async () => {
    const basic = Buffer.from('user:correct-horse-battery').toString('base64');
    const { poll, seen, host } = await hostOf({
      place: {
        read: () => {
          throw new Fault('permanent', `Key correct-horse-battery is wrong, as in Basic ${basic}.`);
        },
      },
    });
    await poll();
    const shown = JSON.stringify([seen, host.statuses()]);
    expect(shown).toContain('[secret]');
    expect(shown).not.toContain('correct-horse-battery');
    expect(shown).not.toContain(basic);
  });
});

describe('back-off', () => {
  it('leaves a source alone for longer and longer, and comes back at once when it answers', async () => {
    let down = true;
    const { poll, take, clock, host } = await hostOf({
      place: {
        read: () => readings(down ? { outcome: 'unreachable', target: 'place/a', reason: 'no' } : held('place/a', 'x')),
      },
    });
    const polls: boolean[] = [];
    for (let tick = 0; tick < 9; tick += 1) {
      await poll();
      polls.push(take().length > 0);
      clock.advance(30_000);
    }
    expect(polls).toEqual([true, true, true, false, true, false, false, false, true]);
    down = false;
    clock.advance(300_000);
    await poll();
    expect(take()).toMatchObject([{ outcome: 'held' }]);
    expect(host.statuses()).toMatchObject([{ failuresInARow: 0, lastReason: null, pausedForMs: 0 }]);
  });

  it('waits as long as the source asks', async () => {
    const { poll, take, clock, events } = await hostOf({
      place: {
        read: () => {
          throw new Fault('overloaded', 'Too many requests.', { retryAfterMs: 90_000 });
        },
      },
    });
    await poll();
    take();
    clock.advance(89_000);
    await poll();
    expect(take()).toEqual([]);
    expect(events.at(-1)).toMatchObject({ kind: 'skipped', why: 'paused' });
    clock.advance(1_001);
    await poll();
    expect(take()).toHaveLength(1);
  });
});

describe('recording', () => {
  it('forgets what it could not hand on, so that the next poll tells it again', async () => {
    let broken = true;
    const known: number[] = [];
    const { poll, seen, events } = await hostOf(
      {
        place: {
          read: (_targets, cursors) => {
            known.push(cursors.size);
            return readings(held('place/a', 'x', {}, 'etag'));
          },
        },
      },
      { record: () => (broken ? Promise.reject(new Fault('transient', 'The store is away.')) : Promise.resolve()) },
    );
    await poll();
    broken = false;
    await poll();
    expect(known).toEqual([0, 0]);
    expect(seen).toHaveLength(1);
    expect(events.map((event) => event.kind)).toContain('not_recorded');
    expect(events.map((event) => event.kind)).not.toContain('bug');
  });

  it('is made up for by a tick that is due since before: it is not left out as answered', async () => {
    let broken = true;
    const { queue, clock, seen } = await hostOf(
      { place: { read: () => readings(held('place/a', 'x')) } },
      { record: () => (broken ? Promise.reject(new Fault('transient', 'The store is away.')) : Promise.resolve()) },
    );
    const due = clock.now();
    clock.advance(1_000);
    await queue.drain();
    broken = false;
    await queue.tick('poll:place', due);
    expect(seen).toHaveLength(1);
  });

  it('hands on in batches while the read goes on', async () => {
    const prompts = Array.from({ length: 1_000 }, (_, index) => `p${index}`);
    const batches: number[] = [];
    const { poll } = await hostOf(
      {
        place: {
          read: (targets: readonly SourceTarget<unknown>[]) => readings(...targets.map((t) => held(t.id, t.prompt))),
        },
      },
      { prompts, record: (batch) => Promise.resolve(void batches.push(batch.length)) },
    );
    await poll();
    expect(batches).toEqual([200, 200, 200, 200, 200]);
  });
});
