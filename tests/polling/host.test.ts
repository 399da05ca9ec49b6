/** What the host promises about every source, with sources that do what the test says. */

import { afterEach, describe, expect, it } from 'vitest';
import { Fault } from '../../src/contract/fault.ts';
import type { Observation } from '../../src/contract/observation.ts';
import type { Reading, SourceTarget } from '../../src/contract/source.ts';
import { sleep } from '../../src/lib/limits.ts';
import { PollingHost, type PollingLimits } from '../../src/polling/host.ts';
import { openSources } from '../../src/polling/open-sources.ts';
import type { PollEvent } from '../../src/polling/poll-event.ts';
import { contentHashes } from '../../src/text/hashes.ts';
import { textBody } from '../../src/text/body.ts';
import { HandClock } from '../support/sources/hand-clock.ts';
import { HandQueue } from '../support/sources/hand-queue.ts';
import { held, scriptedPlugin, type Script } from '../support/sources/scripted-source.ts';

const hosts: PollingHost[] = [];

afterEach(async () => {
  for (const host of hosts.splice(0)) await host.stop(1_000);
});

interface Setup {
  readonly timeoutMs?: number;
  readonly prompts?: readonly string[];
  readonly limits?: Partial<PollingLimits>;
  readonly partsBefore?: ReadonlyMap<string, readonly string[]>;
  readonly record?: (batch: readonly Observation[]) => Promise<void>;
}

async function hostOf(scripts: Readonly<Record<string, Script>>, setup: Setup = {}) {
  const clock = new HandClock();
  const queue = new HandQueue();
  const seen: Observation[] = [];
  const events: PollEvent[] = [];
  const sources = openSources(
    Object.keys(scripts).map((name) => ({
      name,
      type: name,
      environment: 'production',
      everyMs: 30_000,
      timeoutMs: setup.timeoutMs ?? 5_000,
      config: { token: 'correct-horse-battery' },
      targets: (setup.prompts ?? ['a']).map((prompt) => ({ prompt, config: {} })),
    })),
    Object.entries(scripts).map(([name, script]) => scriptedPlugin(name, script)),
    { baseDirectory: '/', cacheDirectory: '/nonexistent' },
  );
  const host = new PollingHost({
    sources,
    queue,
    clock,
    onObservations: async (batch) => {
      await setup.record?.(batch);
      seen.push(...batch);
    },
    onEvent: (event) => events.push(event),
    limits: { phaseMsMax: 0, missingPauseMs: 1, watchQuietMs: 5, ...setup.limits },
    ...(setup.partsBefore === undefined ? {} : { partsBefore: setup.partsBefore }),
  });
  hosts.push(host);
  await host.start();
  return {
    host,
    queue,
    clock,
    seen,
    events,
    /** Takes what was observed since the last call. */
    take: () => seen.splice(0),
    poll: (name = Object.keys(scripts)[0] ?? '') => queue.tick(`poll:${name}`),
  };
}

async function* readings(...list: readonly Reading[]): AsyncIterable<Reading> {
  await Promise.resolve();
  yield* list;
}

describe('a poll', () => {
  it('is scheduled with the interval of its source, and done once at the start', async () => {
    const { queue, seen } = await hostOf({ place: { read: () => readings(held('place/a', 'hello')) } });
    expect(queue.schedules.get('poll:place')?.intervalMs).toBe(30_000);
    await queue.drain();
    expect(seen).toHaveLength(1);
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
    expect(second).toEqual({ ...first, observedAt: clock.now() });
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
    expect(seen.map((o) => [o.target, o.outcome]).toSorted()).toEqual([
      ['broken/a', 'unreachable'],
      ['fine/a', 'held'],
    ]);
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
    await expect(poll()).rejects.toThrow('The store is away.');
    broken = false;
    await poll();
    expect(known).toEqual([0, 0]);
    expect(seen).toHaveLength(1);
    expect(events.map((event) => event.kind)).toContain('not_recorded');
    expect(events.map((event) => event.kind)).not.toContain('bug');
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

describe('looking early', () => {
  it('looks once for many hints, at the targets that were hinted at', async () => {
    const asked: string[][] = [];
    let hint: ((target: string) => void) | undefined;
    const { seen } = await hostOf(
      {
        place: {
          read: (targets: readonly SourceTarget<unknown>[]) => {
            asked.push(targets.map((target) => target.id));
            return readings(...targets.map((target) => held(target.id, 'x')));
          },
          watch: {
            watch: (_targets, changed, signal) => {
              hint = changed;
              return new Promise((_resolve, reject) =>
                signal.addEventListener('abort', () => reject(signal.reason as Error)),
              );
            },
          },
        },
      },
      { prompts: ['a', 'b'] },
    );
    for (let times = 0; times < 10; times += 1) hint?.('place/b');
    await expect.poll(() => seen.length).toBe(1);
    expect(asked).toEqual([['place/b']]);
  });

  it('takes a push as a reason to look, not as content', async () => {
    const { host, seen } = await hostOf(
      {
        place: {
          read: (targets: readonly SourceTarget<unknown>[]) => readings(...targets.map((t) => held(t.id, 'truth'))),
          webhook: {
            receive: (request) =>
              request.headers['x-signature'] === 'good'
                ? Promise.resolve(['place/a'])
                : Promise.reject(new Fault('permanent', 'The signature is wrong.')),
          },
        },
      },
      { prompts: ['a', 'b'] },
    );
    const push = { body: Buffer.from('lies'), receivedAt: new HandClock().now() };
    await expect(host.receiveWebhook('place', { ...push, headers: {} })).rejects.toThrow('signature');
    expect(await host.receiveWebhook('place', { ...push, headers: { 'x-signature': 'good' } })).toEqual(['place/a']);
    await expect.poll(() => seen.map((o) => o.outcome === 'held' && o.body)).toEqual([textBody('truth')]);
  });
});

describe('restore', () => {
  function editable(text: string) {
    const place = { text, writes: 0, editBeforeWrite: null as string | null };
    const script: Script = {
      read: (targets) => readings(...targets.map((target) => held(target.id, place.text))),
      restore: {
        form: 'write',
        comparesAndSets: true,
        restore: (target, request) => {
          place.text = place.editBeforeWrite ?? place.text;
          if (request.expect?.body.kind !== 'text' || request.expect.body.text !== place.text) {
            return Promise.reject(new Fault('permanent', 'It was changed meanwhile.'));
          }
          place.writes += 1;
          place.text = request.body.kind === 'text' ? request.body.text : '';
          return Promise.resolve(held(target.id, place.text));
        },
      },
    };
    return { place, script };
  }
  const good = { version: '7', body: textBody('good'), settings: {} };
  const hash = (text: string) => contentHashes(textBody(text)).strict;

  it('writes, reads back, and records both', async () => {
    const { place, script } = editable('bad');
    const { host, seen } = await hostOf({ place: script });
    const outcome = await host.restore('place/a', { ...good, expectHash: hash('bad') });
    expect(outcome).toMatchObject({
      result: 'restored',
      before: { body: textBody('bad') },
      after: { body: textBody('good') },
    });
    expect(place.text).toBe('good');
    expect(seen.map((o) => o.outcome === 'held' && o.body)).toEqual([textBody('bad'), textBody('good')]);
  });

  it('writes nothing when it is a dry run, when it is there already, or when it is not what was seen', async () => {
    const { place, script } = editable('bad');
    const { host } = await hostOf({ place: script });
    expect(await host.restore('place/a', { ...good, dryRun: true })).toMatchObject({ result: 'planned' });
    await expect(host.restore('place/a', { ...good, expectHash: hash('other') })).rejects.toThrow('no longer holds');
    expect(await host.restore('place/a', { ...good, body: textBody('bad') })).toMatchObject({
      result: 'nothing_to_do',
    });
    place.editBeforeWrite = 'edited at the same moment';
    await expect(host.restore('place/a', good)).rejects.toThrow('changed meanwhile');
    expect(place.writes).toBe(0);
  });

  it('says so when the place does not hold what was written', async () => {
    const { host } = await hostOf({
      place: {
        read: () => readings(held('place/a', 'bad')),
        restore: { form: 'write', comparesAndSets: false, restore: () => Promise.resolve(held('place/a', 'good')) },
      },
    });
    expect(await host.restore('place/a', good)).toMatchObject({ result: 'not_confirmed' });
  });

  it('explains what can not be done', async () => {
    const { host } = await hostOf({ place: { read: () => readings(held('place/a', 'x')) } });
    await expect(host.restore('place/a', good)).rejects.toThrow("can't write");
    await expect(host.restore('place/b', good)).rejects.toThrow('no target');
  });
});

describe('stopping', () => {
  it('ends a read, records nothing false about it, and closes the source', async () => {
    let closed = 0;
    const { host, poll, seen } = await hostOf({
      place: {
        read: async function* (_targets, _known, signal) {
          await sleep(60_000, signal);
          yield held('place/a', 'never');
        },
        close: () => Promise.resolve(void (closed += 1)),
      },
    });
    const polling = poll();
    await host.stop(1_000);
    await polling;
    expect(seen).toEqual([]);
    expect(closed).toBe(1);
  });
});
