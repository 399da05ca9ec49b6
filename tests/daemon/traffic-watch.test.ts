/** What traffic carries, on calls that went through the real ingest into the real store. */

import { describe, expect, test } from 'vitest';
import type { Timestamp } from '../../src/contract/time.ts';
import { addMillis, systemClock } from '../../src/lib/time.ts';
import { timeWords } from '../../src/text/time-words.ts';
import { createTrafficLog } from '../../src/store/telemetry/traffic-log.ts';
import { chatAttributes } from '../ingest/harness.ts';
import { judgementOf } from '../support/judgements.ts';
import { held, pin, version } from '../support/prompts.ts';
import { MINUTE_MS, opened, Scene, store, useTrafficStore } from './traffic-scene.ts';

useTrafficStore();

describe('calls open an incident', () => {
  test('that carry an older version than the pinned one', async () => {
    const scene = new Scene('stale');
    await scene.send([{ text: scene.sent('one word'), calls: 20 }]);
    const [incident, ...more] = await scene.look();
    expect(more).toEqual([]);
    expect(incident).toMatchObject({
      verdict: 'stale_version',
      status: 'open',
      target: 'traffic:stale/stale',
      owner: 'data-platform',
      expected: { version: '2' },
      observed: { version: '1' },
      summary: 'stale in production: 20 of 20 calls of stale carry an older version than the pinned one.',
    });
    // Nothing new at the next look.
    expect(await scene.look()).toMatchObject([{ id: incident?.id, revision: 1 }]);
  });

  test('whose text was edited by hand, with the edit', async () => {
    const scene = new Scene('near');
    await scene.send([{ text: scene.sent('one label or none'), calls: 20 }]);
    const [incident] = await scene.look();
    expect(incident).toMatchObject({ verdict: 'edited', observed: { text: scene.sent('one label or none') } });
    expect(incident?.diff).toContain('or none');
  });

  test('whose text nobody registered, under the name that they declare', async () => {
    const scene = new Scene('strange');
    const text = 'Write poems about the sea. They never rhyme, and they are always sad.';
    await scene.send([{ text, calls: 20, declares: ['strange', '2'] }]);
    expect(await scene.look()).toMatchObject([{ verdict: 'unregistered', observed: { version: null, text } }]);
  });

  test('that declare a version which they do not carry', async () => {
    const scene = new Scene('badge');
    await scene.send([{ text: scene.sent('one word'), calls: 20, declares: ['badge', '2'] }]);
    const [incident] = await scene.look();
    expect(incident).toMatchObject({ verdict: 'badge_lied', observed: { version: '1' } });
    expect(incident?.evidence.map(({ words }) => words)).toContain('the calls declare v2');
  });

  test('when instances of a service use different versions for long', async () => {
    const scene = new Scene('split');
    await scene.send([
      { text: scene.sent('one word'), calls: 20, from: 25, instance: 'pod-a' },
      { text: scene.sent('one label'), calls: 20, from: 25, instance: 'pod-b' },
    ]);
    const [incident] = await scene.look();
    expect(incident).toMatchObject({ verdict: 'replica_split' });
    expect(incident?.summary).toContain('v1 on 1, v2 on 1');
  });

  test('that carry a text which a poll found live before, as edited', async () => {
    const scene = new Scene('learned');
    scene.registry.desk.learn(held(scene.text('one label or none'), { prompt: 'learned' }));
    await scene.send([{ text: scene.sent('one label or none'), calls: 20 }]);
    expect(await scene.look()).toMatchObject([{ verdict: 'edited' }]);
  });
});

test.each(['outputs:gpt-4o', 'baseline:cost_per_call_usd'])(
  'calls that are wrong are told beside an incident of %s, which is about something else',
  async (place) => {
    const scene = new Scene(`beside-${place.split(':', 1)[0]}`);
    const { prompt } = scene;
    const judgement = { ...judgementOf('Something else.'), prompt, target: `${place}/${prompt}`, part: 'v2' };
    await scene.desk.take([{ judgement, owner: null }]);
    await scene.send([{ text: scene.sent('one word'), calls: 20 }]);
    expect(await scene.look()).toMatchObject([{ verdict: 'stale_version', status: 'open' }]);
  },
);

describe('calls open nothing', () => {
  test('that are right', async () => {
    const scene = new Scene('right');
    await scene.send([
      { text: scene.sent('one label'), calls: 20 },
      { text: scene.sent('one label'), calls: 20, declares: ['right', '2'] },
      // A label, and another tool's name for the prompt: neither is a claim that could be wrong.
      { text: scene.sent('one label'), calls: 20, declares: ['right', 'production'] },
      { text: scene.sent('one label'), calls: 20, declares: ['prompt-in-another-tool', '7'] },
    ]);
    expect(await scene.look()).toEqual([]);
  });

  test('that are single odd ones, also among many calls of other prompts', async () => {
    const scene = new Scene('odd');
    await scene.send([
      { text: scene.sent('one label'), calls: 20 },
      { text: scene.sent('one word'), calls: 1, from: 5 },
      { text: scene.sent('one label or none'), calls: 2, from: 6, until: 2 },
    ]);
    const lonely = new Scene('lonely');
    await lonely.send([
      { text: 'Draw a horse and send it to my mother.', calls: 60 },
      { text: lonely.sent('one label or none'), calls: 2, from: 11, until: 1 },
    ]);
    expect(await scene.look()).toEqual([]);
    expect(await lonely.look()).toEqual([]);
  });

  test('without content: what they declare is no evidence of what they sent', async () => {
    const scene = new Scene('empty');
    await scene.send([{ text: null, calls: 20, declares: ['empty', '1'] }]);
    expect(await scene.look()).toEqual([]);
  });

  test('whose text was not kept and fits several versions: a closer look finds no text, and no drift', async () => {
    const scene = new Scene('unkept', ({ v2 }) => pin(v2, { environment: 'sealed' }), 'sealed');
    const twin = version('1b', scene.text('one word'), { prompt: 'unkept', parent: '1' });
    scene.registry.change([scene.v1, twin, scene.v2], [pin(scene.v2, { environment: 'sealed' })]);
    await scene.send([{ text: scene.sent('one word'), calls: 20 }]);
    const { items } = await opened.invocations.list({ service: 'unkept' }, { limit: 1 });
    expect(items).toMatchObject([{ attribution: 'ambiguous', prompt: 'unkept', version: null }]);
    expect(JSON.stringify(items)).toContain('[not kept: sha256:');
    expect(await scene.look()).toEqual([]);
  });

  test.each([
    // Where the limit falls into JSON it is seen by the dialect, elsewhere by how the text ends.
    ['of which an exporter cut what is long', 'cut', (system: string) => chatAttributes(system, [], 'hi')],
    [
      'of which an exporter cut what is long, without JSON around it',
      'plain-cut',
      (system: string) => ({
        'llm.request.type': 'chat',
        'gen_ai.request.model': 'gpt-4o',
        'gen_ai.prompt.0.role': 'system',
        'gen_ai.prompt.0.content': system,
      }),
    ],
  ])('%s', async (_what, name, attributesOf) => {
    const scene = new Scene(name);
    const rules = Array.from(
      { length: 60 },
      (_, rule) => `Rule ${rule}: be as polite as rule ${(rule * 7) % 60} says.`,
    );
    const long = version('3', `${scene.text('a name')}\n${rules.join('\n')}`, { prompt: name, parent: '2' });
    scene.registry.change([scene.v1, scene.v2, long], [pin(long)]);
    const send = (edit: (text: string) => string, from: number): Promise<void> =>
      scene.send(
        // Sent twice they are as many as a look has examples, so that none is left out by chance.
        Array.from({ length: 8 }, (_, index) => ({
          text: edit(scene.text('a name', `parcel ${index * 37}?`).concat('\n', rules.join('\n'))),
          calls: 1,
          from: from - index / 5,
          declares: [name, '3'] as const,
          attributesOf: (system: string) =>
            Object.fromEntries(
              Object.entries(attributesOf(system)).map(([key, value]) => [
                key,
                typeof value === 'string' ? value.slice(0, 1_024) : value,
              ]),
            ),
        })),
      );
    await send((text) => text, 20);
    expect(await scene.look()).toEqual([]);
    // What is there of the text is still compared.
    await send((text) => text.replace('as rule 7 says', 'as you like'), 10);
    expect((await scene.look()).length).toBe(name === 'cut' ? 0 : 1);
  });

  test('that are explained by the incident of a target', async () => {
    const scene = new Scene('explained');
    await scene.poll(scene.text('one label or none'), 20);
    await scene.send([{ text: scene.sent('one label or none'), calls: 20 }]);
    expect(await scene.look()).toEqual([]);
    const { items } = await store.incidents.list({ prompt: 'explained' }, { limit: 10 });
    expect(items).toMatchObject([{ target: 'config/explained', verdict: 'edited', status: 'open' }]);
  });
});

describe('calls from before a change don’t count', () => {
  test('of a target that was restored, also for a process that did not see it', async () => {
    const scene = new Scene('restored');
    await scene.poll(scene.text('one label'), 20);
    await scene.poll(scene.text('one word'), 15);
    await scene.poll(scene.text('one label'), 5);
    await scene.send([
      { text: scene.sent('one word'), calls: 30, from: 15, until: 5 },
      { text: scene.sent('one label'), calls: 10, from: 3, until: 0.5 },
    ]);
    expect(await scene.look()).toEqual([]);
    const restarted = new Scene('restored');
    expect(await restarted.look()).toEqual([]);
    // One that goes on is told.
    await scene.send([{ text: scene.sent('one word'), calls: 10, from: 2.5, until: 0.5 }]);
    expect(await restarted.look()).toMatchObject([{ verdict: 'stale_version' }]);
  });

  test('of a pin, since its commit', async () => {
    const scene = new Scene('pinned', ({ v2, now }) => pin(v2, { since: addMillis(now, -8 * MINUTE_MS) }));
    await scene.send([
      { text: scene.sent('one word'), calls: 60, from: 25, until: 3.2 },
      { text: scene.sent('one word'), calls: 1, from: 0.5 },
    ]);
    expect(await scene.look()).toEqual([]);
    await scene.send([{ text: scene.sent('one word'), calls: 10, from: 1.9, until: 0.1 }]);
    expect(await scene.look()).toMatchObject([{ verdict: 'stale_version' }]);
  });

  test('of a pin whose commit is old, since it was seen to move', async () => {
    const committed = { since: addMillis(systemClock.now(), -86_400_000), rule: 'label:production@deployed' };
    const scene = new Scene('deployed', ({ v2 }) => pin(v2, committed));
    const { v1, v2, now } = scene;
    await store.registry.recordPins([pin(v1, committed)], addMillis(now, -60 * MINUTE_MS));
    await store.registry.recordPins([pin(v2, committed)], addMillis(now, -4 * MINUTE_MS));
    await scene.send([{ text: scene.sent('one word'), calls: 60, from: 25, until: 0.5 }]);
    expect(await scene.look()).toEqual([]);
    // Five minutes for caches, rounded up to the minute, then two more with old calls.
    await scene.send([{ text: scene.sent('one word'), calls: 30, from: 0.4, until: -5 }]);
    expect(await scene.look(5 * MINUTE_MS)).toMatchObject([{ verdict: 'stale_version', status: 'open' }]);
  });
});

test('an incident resolves when traffic is right again, and stays while nothing is said', async () => {
  const scene = new Scene('healed');
  await scene.send([{ text: scene.sent('one word'), calls: 20, from: 28, until: 20 }]);
  expect(await scene.look()).toMatchObject([{ status: 'open' }]);
  // Silence is no evidence.
  expect(await scene.look(25 * MINUTE_MS)).toMatchObject([{ status: 'open' }]);
  await scene.send([{ text: scene.sent('one label'), calls: 20, from: -10, until: -24 }]);
  expect(await scene.look()).toMatchObject([{ status: 'resolved', resolution: 'in_sync_again' }]);
});

describe('an incident of calls that nobody makes any more', () => {
  const DAY = 24 * 60;
  /** Minutes before now, when no other test called anything. */
  const BEGAN = 40 * DAY;
  const lookAt = (scene: Scene, minutesAgo: number): ReturnType<Scene['look']> => {
    scene.clockMs = -minutesAgo * MINUTE_MS;
    return scene.look();
  };

  test('resolves after eight days in which others were called, and says since when; calls that come back open another', async () => {
    const scene = new Scene('ended');
    const stale = (from: number) => scene.send([{ text: scene.sent('one word'), calls: 20, from, until: from - 10 }]);
    await stale(BEGAN);
    const [first] = await lookAt(scene, BEGAN - 11);
    expect(first).toMatchObject({ status: 'open', verdict: 'stale_version' });
    // Nothing is called at all: nobody may be listening.
    expect(await lookAt(scene, BEGAN - 9 * DAY)).toMatchObject([{ status: 'open' }]);
    const other = new Scene('goes-on');
    const goesOn = (from: number) => other.send([{ text: other.sent('one label'), calls: 1, from }]);
    await goesOn(BEGAN - 7.5 * DAY);
    expect(await lookAt(scene, BEGAN - 10 * DAY)).toMatchObject([{ status: 'open' }]);
    await goesOn(BEGAN - 9.5 * DAY);
    const [ended, ...more] = await lookAt(scene, BEGAN - 10 * DAY - 120);
    expect(more).toEqual([]);
    expect(ended).toMatchObject({ id: first?.id, status: 'resolved', resolution: 'no_longer_called' });
    const last = timeWords(addMillis(scene.now, -(BEGAN - 10) * MINUTE_MS));
    expect(ended?.evidence.at(-1)).toEqual({ kind: 'last_call', words: `it was last called at ${last}` });
    // Within a day.
    await stale(BEGAN - 10 * DAY - 240);
    expect(await lookAt(scene, BEGAN - 10 * DAY - 251)).toMatchObject([
      { status: 'open', reopened: 0, resolution: null },
      { id: first?.id, status: 'resolved' },
    ]);
    // Also one that was called without being judged in between, as for a process that begins anew.
    await scene.send([{ text: scene.sent('one word'), calls: 1, from: BEGAN - 17 * DAY }]);
    await goesOn(BEGAN - 20 * DAY);
    const restarted = new Scene('ended');
    expect(await lookAt(restarted, BEGAN - 21 * DAY)).toMatchObject([{ status: 'open' }, { status: 'resolved' }]);
    await goesOn(BEGAN - 26 * DAY);
    expect(await lookAt(restarted, BEGAN - 26.1 * DAY)).toMatchObject([{ status: 'resolved' }, { status: 'resolved' }]);
  });

  test('stays while the service makes calls that may be edits of the prompt', async () => {
    const scene = new Scene('may-go-on');
    const send = (text: string, from: number) => scene.send([{ text, calls: 20, from, until: from - 10 }]);
    await send(scene.sent('one label or none'), BEGAN);
    expect(await lookAt(scene, BEGAN - 11)).toMatchObject([{ status: 'open', verdict: 'edited' }]);
    await send('Draw a horse and send it to my mother.', BEGAN - 9 * DAY);
    expect(await lookAt(scene, BEGAN - 9 * DAY)).toMatchObject([{ status: 'open' }]);
    const other = new Scene('goes-on-too');
    await other.send([{ text: other.sent('one label'), calls: 1, from: BEGAN - 18 * DAY }]);
    expect(await lookAt(scene, BEGAN - 18.1 * DAY)).toMatchObject([
      { status: 'resolved', resolution: 'no_longer_called' },
    ]);
  });
});

describe('the store groups calls', () => {
  test('by who sent them and how they were attributed, the busiest first, with examples of each', async () => {
    const scene = new Scene('grouped');
    await scene.send([
      { text: scene.sent('one label'), calls: 40, from: 20 },
      { text: scene.sent('one label'), calls: 5, instance: 'pod-b' },
      { text: scene.sent('one word'), calls: 3, declares: ['grouped', '2'] },
      { text: null, calls: 2, declares: ['grouped', '2'] },
    ]);
    const log = createTrafficLog(opened.database);
    const rows = (await log.traffic(addMillis(scene.now, -30 * MINUTE_MS), scene.now, 1_000)).filter(
      ({ service }) => service === 'grouped',
    );
    expect(
      rows.map((row) => [row.instance, row.kind, row.version, row.declaredVersion, row.hasContent, row.calls]),
    ).toEqual([
      ['pod-a', 'rendered', '2', '', true, 40],
      ['pod-b', 'rendered', '2', '', true, 5],
      ['pod-a', 'rendered', '1', '2', true, 3],
      ['pod-a', 'declared', '2', '2', false, 2],
    ]);
    const [busiest] = rows;
    expect([busiest?.firstAt, busiest?.lastAt]).toEqual([
      addMillis(scene.now, -20 * MINUTE_MS),
      addMillis(scene.now, -MINUTE_MS),
    ]);
    expect(rows.map(({ examples }) => examples.length)).toEqual([16, 5, 3, 2]);
    // An even sample, not the newest ones: a duration can be told from it.
    const times = busiest?.examples.map(({ startedAt }) => startedAt).toSorted() ?? [];
    expect(Date.parse(times.at(-1) ?? '') - Date.parse(times[0] ?? '')).toBeGreaterThan(5 * MINUTE_MS);

    const narrow = (await log.traffic(addMillis(scene.now, -10 * MINUTE_MS), scene.now, 1_000)).find(
      ({ service, instance }) => service === 'grouped' && instance === 'pod-a',
    );
    const isKnown = (id: string | undefined): boolean => busiest?.examples.some(({ spanId }) => spanId === id) === true;
    const within =
      busiest?.examples.filter(({ startedAt }) => startedAt >= addMillis(scene.now, -10 * MINUTE_MS)) ?? [];
    // A later window picks those of them again that it has.
    expect(narrow?.examples.filter(({ spanId }) => isKnown(spanId))).toHaveLength(within.length);
    expect(await log.traffic(addMillis(scene.now, -30 * MINUTE_MS), scene.now, 1)).toHaveLength(1);
    expect(await log.traffic(addMillis(scene.now, -90 * MINUTE_MS), addMillis(scene.now, -80 * MINUTE_MS), 10)).toEqual(
      [],
    );
  });

  test('and says when a target or a pin last changed', async () => {
    const scene = new Scene('changes');
    const { v1, v2, now } = scene;
    const ago = (minutes: number): Timestamp => addMillis(now, -minutes * MINUTE_MS);
    const log = createTrafficLog(opened.database);
    expect(await log.lastChanges(['changes'], ago(60))).toEqual([]);
    await scene.poll(scene.text('one word'), 50);
    const rule = 'label:production@changes';
    await store.registry.recordPins([pin(v1, { rule })], ago(45));
    // What is seen for the first time has not changed.
    expect(await log.lastChanges(['changes'], ago(60))).toEqual([]);
    await scene.poll(scene.text('one label'), 40);
    await scene.poll(scene.text('one label'), 30);
    await store.registry.recordPins([pin(v2, { rule })], ago(20));
    expect(await log.lastChanges(['changes', 'other'], ago(60))).toEqual([
      { prompt: 'changes', environment: 'production', held: ago(40), pinned: ago(20) },
    ]);
    expect(await log.lastChanges(['changes'], ago(35))).toMatchObject([{ held: null, pinned: ago(20) }]);
    expect(await log.lastChanges([], ago(60))).toEqual([]);
  });
});
