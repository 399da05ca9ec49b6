/** What becomes of observations: one verdict for each change, incidents that open once and close, nothing lost. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HeldObservation } from '../../src/contract/observation.ts';
import type { Database } from '../../src/store/database.ts';
import { addMillis } from '../../src/lib/time.ts';
import type { Store } from '../../src/store/index.ts';
import { held as heldSample, missing, pin, PROMPT, time, unreachable, version } from '../support/prompts.ts';
import { tempDirectory } from '../support/temp-directory.ts';
import { openTestStore, TestRegistry, watching } from './setup.ts';

const V1 = version('1', 'You classify support messages. Answer with one word.');
const V2 = version('2', 'You classify support messages. Answer with one label: billing, shipping or other.', {
  parent: '1',
});
const TEXT = { v1: 'You classify support messages. Answer with one word.', v2: textOf(V2) };
const EDITED = `${TEXT.v2} Never apologise.`;
const RESTORED = { kind: 'restore', words: 'ann put v2 back' };

let database: Database;
let store: Store;
beforeAll(async () => {
  ({ database, store } = await openTestStore(tempDirectory()));
});
afterAll(() => database.close());

function textOf({ variants }: typeof V2): string {
  const { body } = variants[0];
  return body.kind === 'text' ? body.text : '';
}

function both(): TestRegistry {
  return new TestRegistry([V1, V2], [pin(V2)]);
}

/** What one target holds; each test has its own target. */
function place(name: string) {
  const at = { target: `${name}/${PROMPT}`, source: name };
  return {
    target: at.target,
    held: (text: string, more: Partial<HeldObservation> = {}) => heldSample(text, { ...at, ...more }),
    missing: (more: object = {}) => missing({ ...at, ...more }),
    unreachable: (reason = 'answered 503') => unreachable({ ...at, reason }),
  };
}

async function verdicts(target: string): Promise<readonly string[]> {
  const rows = await database.query<{ row: string }>(
    `SELECT concat(verdict, if(part = '', '', concat(' ', part))) AS row FROM verdicts
     WHERE target = {target:String} ORDER BY at, part`,
    { target },
  );
  return rows.map(({ row }) => row);
}

describe('a target', () => {
  test('gets one verdict for each change, however often it is looked at', async () => {
    const { target, held } = place('one-row');
    const { see, clock, incidents } = await watching(store, both(), time('02:00:00'));
    for (const text of [TEXT.v2, TEXT.v2, EDITED, EDITED, EDITED, TEXT.v2, TEXT.v2]) {
      await see(held(text));
      clock.advance(30_000);
    }
    expect(await verdicts(target)).toEqual(['in_sync', 'edited', 'in_sync']);
    const [incident, ...more] = await incidents(target);
    expect(more).toEqual([]);
    expect(incident).toMatchObject({
      status: 'resolved',
      resolution: 'in_sync_again',
      changedBetween: [time('02:00:30'), time('02:01:00')],
    });
  });

  test('what is new beside the text is a change too: who edited it, its pointer, its settings', async () => {
    const { target, held } = place('beside');
    const { see, clock } = await watching(store, both(), time('02:00:00'));
    for (const more of [{}, { editedBy: 'ann' }, { sourceVersion: '7' }, { settings: { parameters: { top_p: 1 } } }]) {
      await see(held(TEXT.v2, more));
      clock.advance(30_000);
    }
    expect(await verdicts(target)).toHaveLength(4);
  });

  test('that can’t be reached changes nothing: no incident opens, and none closes', async () => {
    const { target, held, unreachable: away } = place('away');
    const { see, clock, incidents } = await watching(store, both(), time('02:00:00'));
    const looks = [held(TEXT.v2), away(), away(), held(TEXT.v2), held(EDITED), away(), held(EDITED)];
    const open: number[] = [];
    for (const look of looks) {
      await see(look);
      clock.advance(30_000);
      open.push((await incidents(target)).filter(({ status }) => status === 'open').length);
    }
    expect(open).toEqual([0, 0, 0, 0, 1, 1, 1]);
    expect(await verdicts(target)).toEqual(['in_sync', 'unreachable', 'in_sync', 'edited', 'unreachable', 'edited']);
    // The edit came after the last answer that said otherwise, whatever was not heard in between.
    const [incident] = await incidents(target);
    expect(incident).toMatchObject({ revision: 1, changedBetween: [time('02:01:30'), time('02:02:00')] });
  });

  test('that is gone says since when, also after several looks and a restart', async () => {
    const { target, held, missing: gone } = place('gone');
    const first = await watching(store, both(), time('02:00:00'));
    await first.see(held(TEXT.v2));
    for (let look = 0; look < 3; look += 1) {
      first.clock.advance(30_000);
      await first.see(gone());
    }
    const again = await watching(store, both(), time('02:05:00'));
    await again.see(gone());
    const [incident, ...more] = await again.incidents(target);
    expect(more).toEqual([]);
    expect(incident).toMatchObject({
      verdict: 'missing',
      revision: 1,
      changedBetween: [time('02:00:00'), time('02:00:30')],
    });
    expect(again.findings.at(-1)?.judgement.changedBetween).toEqual([time('02:00:00'), time('02:00:30')]);
  });
});

describe('what is expected changes', () => {
  test('a pin that moved is judged at once, for what was seen last', async () => {
    const { target, held } = place('pin-moved');
    const registry = new TestRegistry([V1, V2], [pin(V1)]);
    const { see, watch, clock, incidents } = await watching(store, registry, time('02:00:00'));
    await see(held(TEXT.v1));
    clock.advance(10_000);
    registry.change([V1, V2], [pin(V2)]);
    await watch.judgeAgain(new Set([PROMPT]));
    expect(await incidents(target)).toMatchObject([{ status: 'open', verdict: 'stale_version' }]);
    clock.advance(10_000);
    registry.change([V1, V2], [pin(V1)]);
    await watch.judgeAgain(new Set([PROMPT]));
    expect(await incidents(target)).toMatchObject([{ status: 'resolved', resolution: 'pin_moved' }]);
    expect(await verdicts(target)).toEqual(['in_sync', 'stale_version', 'in_sync']);
  });

  test('a lockfile whose lines moved, and versions of other prompts, are no change', async () => {
    const { target, held } = place('lines-moved');
    const registry = both();
    const { see, watch, clock } = await watching(store, registry, time('02:00:00'));
    await see(held(TEXT.v2));
    const moved = pin(V2, { origin: { file: 'prompts.lock.yaml', line: 40 } });
    registry.change([V1, V2, version('1', 'Another prompt.', { prompt: 'other' })], [moved]);
    await watch.judgeAgain(new Set([PROMPT]));
    clock.advance(30_000);
    await see(held(TEXT.v2));
    expect(await verdicts(target)).toEqual(['in_sync']);
  });

  test('settings that are registered anew are a change, though the text is the same', async () => {
    const { target, held } = place('settings');
    const registry = both();
    const { see, clock, incidents } = await watching(store, registry, time('02:00:00'));
    const live = held(TEXT.v2, { settings: { parameters: { temperature: 0 } } });
    await see(live);
    const [variant] = V2.variants;
    const warm = { ...V2, variants: [{ ...variant, settings: { parameters: { temperature: 1 } } }] } as typeof V2;
    registry.change([V1, warm], [pin(warm)]);
    clock.advance(30_000);
    await see(live);
    expect(await incidents(target)).toMatchObject([{ verdict: 'settings_changed', status: 'open' }]);
  });

  test('while a look is being stored: what is told in the end is judged by what is expected now', async () => {
    const { target, held } = place('race');
    const registry = new TestRegistry([V1, V2], [pin(V1)]);
    const { see, watch, findings, incidents } = await watching(store, registry, time('02:00:00'));
    const looking = see(held(TEXT.v2));
    registry.change([V1, V2], [pin(V2)]);
    await Promise.all([looking, watch.judgeAgain(new Set([PROMPT]))]);
    expect(findings.at(-1)?.judgement.verdict).toBe('in_sync');
    expect((await incidents(target)).filter(({ status }) => status !== 'resolved')).toEqual([]);
  });
});

describe('parts', () => {
  test('that disagree are a split; one that ends takes its incident with it', async () => {
    const { target, held, missing: gone } = place('parts');
    const { see, clock, incidents } = await watching(store, both(), time('02:00:00'));
    await see(held(TEXT.v2, { part: 'blue' }), held(TEXT.v2, { part: 'green' }));
    clock.advance(30_000);
    await see(held(TEXT.v2, { part: 'blue' }), held(TEXT.v1, { part: 'green' }));
    const open = (await incidents(target)).filter(({ status }) => status === 'open');
    expect(open.map(({ verdict }) => verdict)).toContain('replica_split');
    clock.advance(30_000);
    await see(held(TEXT.v2, { part: 'blue' }), gone({ part: 'green', partEnded: true }));
    expect((await incidents(target)).map(({ status }) => status)).not.toContain('open');
    // It comes back: the store still knows that it was gone in between.
    clock.advance(30_000);
    await see(held(TEXT.v2, { part: 'blue' }), held(EDITED, { part: 'green' }));
    const back = (await incidents(target)).find(({ part }) => part === 'green');
    expect(back).toMatchObject({ status: 'open', verdict: 'edited' });
    expect(back?.changedBetween).toEqual([time('02:01:00'), time('02:01:30')]);
  });

  test('the end of a part is told again when it could not be handed on', async () => {
    const { target, held, missing: gone } = place('ended');
    const watched = await watching(store, both(), time('02:00:00'));
    const { see, clock, incidents } = watched;
    await see(held(TEXT.v2, { part: 'blue' }), held(EDITED, { part: 'green' }));
    expect(await incidents(target)).toMatchObject([{ part: 'green', status: 'open' }]);
    clock.advance(30_000);
    watched.failNext = true;
    await expect(see(held(TEXT.v2, { part: 'blue' }), gone({ part: 'green', partEnded: true }))).rejects.toThrow(
      'away',
    );
    expect(await incidents(target)).toMatchObject([{ part: 'green', status: 'open' }]);
    clock.advance(30_000);
    await see(held(TEXT.v2, { part: 'blue' }));
    expect(await incidents(target)).toMatchObject([{ part: 'green', status: 'resolved' }]);
  });

  test('the end of a part that could not be stored is not lost', async () => {
    const { target, held, missing: gone } = place('unstored');
    let isAway = false;
    const append: Store['observations']['append'] = (batch) =>
      isAway ? Promise.reject(new Error('The store is away.')) : store.observations.append(batch);
    const failing = { ...store, observations: { ...store.observations, append } };
    const { see, clock, incidents } = await watching(failing, both(), time('02:00:00'));
    const green = held(EDITED, { part: 'green' });
    await see(held(TEXT.v2, { part: 'blue' }), green);
    for (const look of [1, 2]) {
      clock.advance(30_000);
      isAway = true;
      await expect(see(held(TEXT.v2, { part: 'blue' }), gone({ part: 'green', partEnded: true }))).rejects.toThrow(
        'away',
      );
      isAway = false;
      clock.advance(30_000);
      // The first time it came back meanwhile.
      await see(held(TEXT.v2, { part: 'blue' }), ...(look === 1 ? [green] : []));
      expect(await incidents(target)).toMatchObject([{ part: 'green', status: look === 1 ? 'open' : 'resolved' }]);
    }
    // It has the time of the look that brought it into the store: answers may have been given in between.
    const { items } = await store.observations.list({ target }, { limit: 100 });
    const ends = items.filter(({ outcome }) => outcome === 'missing');
    expect(ends.map(({ observedAt }) => observedAt)).toEqual([time('02:02:00')]);
  });

  test('which each target held are known after a restart', async () => {
    const { target, held } = place('known');
    await (
      await watching(store, both(), time('02:00:00'))
    ).see(held(TEXT.v2, { part: 'blue' }), held(TEXT.v2, { part: 'green' }));
    const { watch } = await watching(store, both(), time('02:05:00'));
    expect(watch.partsBefore().get(target)).toEqual(['blue', 'green']);
    expect(watch.held(target).map(({ part }) => part)).toEqual(['blue', 'green']);
  });
});

describe('a failure', () => {
  test('to hand on is made good at the next look, and the verdict is written once', async () => {
    const { target, held } = place('fails');
    const watched = await watching(store, both(), time('02:00:00'));
    await watched.see(held(TEXT.v2));
    watched.clock.advance(30_000);
    watched.failNext = true;
    await expect(watched.see(held(EDITED))).rejects.toThrow('away');
    expect(await watched.incidents(target)).toEqual([]);
    watched.clock.advance(30_000);
    await watched.see(held(EDITED));
    expect(await watched.incidents(target)).toMatchObject([
      { verdict: 'edited', changedBetween: [time('02:00:00'), time('02:00:30')] },
    ]);
    expect(await verdicts(target)).toEqual(['in_sync', 'edited']);
  });

  test('to write verdicts is made good at the next look', async () => {
    const { target, held } = place('unwritten');
    let isAway = true;
    const append: Store['verdicts']['append'] = (judgements) => {
      if (!isAway) return store.verdicts.append(judgements);
      isAway = false;
      return Promise.reject(new Error('The store is away.'));
    };
    const failing = { ...store, verdicts: { ...store.verdicts, append } };
    const { see, clock, incidents } = await watching(failing, both(), time('02:00:00'));
    await expect(see(held(EDITED))).rejects.toThrow('away');
    clock.advance(30_000);
    await see(held(EDITED));
    expect(await verdicts(target)).toEqual(['edited']);
    expect(await incidents(target)).toHaveLength(1);
  });
});

describe('after a restart', () => {
  test('a drift that went on opens nothing new, and says since when as before', async () => {
    const { target, held } = place('restart');
    const first = await watching(store, both(), time('02:00:00'));
    await first.see(held(TEXT.v2));
    first.clock.advance(30_000);
    await first.see(held(EDITED));
    const [before] = await first.incidents(target);
    const second = await watching(store, both(), time('02:10:00'));
    await second.see(held(EDITED));
    expect(await second.incidents(target)).toEqual([before]);
    expect(second.findings.at(-1)?.judgement.changedBetween).toEqual([time('02:00:00'), time('02:00:30')]);
    second.clock.advance(30_000);
    await second.see(held(TEXT.v2));
    expect(await second.incidents(target)).toMatchObject([{ id: before?.id, status: 'resolved' }]);
  });

  test('an edit made meanwhile is found, between the last look before and the first one after', async () => {
    const { target, held } = place('meanwhile');
    await (await watching(store, both(), time('02:00:00'))).see(held(TEXT.v2));
    const { see, incidents } = await watching(store, both(), time('02:10:00'));
    await see(held(EDITED));
    expect(await incidents(target)).toMatchObject([{ changedBetween: [time('02:00:00'), time('02:10:00')] }]);
  });
});

test('replicas that take turns agree: one incident, resolved once, and the newest verdict is true', async () => {
  const { target, held } = place('replicas');
  const [a, b] = [
    await watching(store, both(), time('02:00:00'), { judgesAlone: false }),
    await watching(store, both(), time('02:00:10'), { judgesAlone: false }),
  ];
  await a.see(held(TEXT.v2));
  await b.see(held(EDITED));
  for (const each of [a, b]) each.clock.advance(30_000);
  await a.see(held(EDITED));
  await b.see(held(EDITED));
  expect(await a.incidents(target)).toMatchObject([
    { status: 'open', changedBetween: [time('02:00:00'), time('02:00:10')] },
  ]);
  // What another replica wrote is known within a second.
  for (const each of [a, b]) each.clock.advance(30_000);
  await a.see(held(TEXT.v2));
  await b.see(held(TEXT.v2));
  expect(await b.incidents(target)).toMatchObject([{ status: 'resolved' }]);
  const newest = (await store.verdicts.latest()).find(({ judgement }) => judgement.target === target);
  expect(newest?.judgement.verdict).toBe('in_sync');
});

test('a replica does not judge again what another has looked at since: that one does', async () => {
  const { target, held } = place('replicas-pin');
  const registry = both();
  const [a, b] = [
    await watching(store, registry, time('02:00:00'), { judgesAlone: false }),
    await watching(store, registry, time('02:00:10'), { judgesAlone: false }),
  ];
  await a.see(held(TEXT.v1));
  await b.see(held(EDITED));
  expect(await a.incidents(target)).toMatchObject([{ status: 'open', verdict: 'edited' }]);
  for (const each of [a, b]) each.clock.advance(5_000);
  registry.change([V1, V2], [pin(V1)]);
  await a.watch.judgeAgain(new Set([PROMPT]));
  expect(await a.incidents(target)).toMatchObject([{ status: 'open', verdict: 'edited', expected: { version: '2' } }]);
  await b.watch.judgeAgain(new Set([PROMPT]));
  expect(await a.incidents(target)).toMatchObject([{ status: 'open', verdict: 'edited', expected: { version: '1' } }]);
});

test('a replica says since when also where another saw something else in between', async () => {
  const { target, held, missing: gone, unreachable: away } = place('replicas-since');
  const [a, b] = [
    await watching(store, both(), time('02:00:00'), { judgesAlone: false }),
    await watching(store, both(), time('02:00:10'), { judgesAlone: false }),
  ];
  await a.see(held(EDITED));
  for (const other of [held(`${EDITED}Be brief.`), held(TEXT.v2), gone()]) {
    await b.see(other);
    await a.see(away());
    for (const each of [a, b]) each.clock.advance(30_000);
    await a.see(held(EDITED));
    const [incident] = await a.incidents(target);
    expect(incident?.changedBetween).toEqual([addMillis(b.clock.now(), -30_000), a.clock.now()]);
  }
});

describe('while we restore', () => {
  test('the look before the write is not our doing, the one after it is', async () => {
    const { target, held } = place('restore');
    const { see, watch, clock, incidents } = await watching(store, both(), time('02:00:00'));
    await see(held(EDITED));
    clock.advance(30_000);
    await watch.whileRestoring(target, RESTORED, async () => {
      await see(held(EDITED));
      clock.advance(1_000);
      await see(held(TEXT.v2));
    });
    expect(await incidents(target)).toMatchObject([{ status: 'resolved', resolution: 'restored' }]);
  });

  test('what somebody else had put right already is theirs', async () => {
    const { target, held } = place('theirs');
    const { see, watch, clock, incidents } = await watching(store, both(), time('02:00:00'));
    await see(held(EDITED));
    clock.advance(30_000);
    await watch.whileRestoring(target, RESTORED, () => see(held(TEXT.v2)));
    expect(await incidents(target)).toMatchObject([{ status: 'resolved', resolution: 'in_sync_again' }]);
  });
});
