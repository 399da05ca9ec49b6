/** What the host does on request: looking early, restoring, stopping. */

import { describe, expect, it } from 'vitest';
import { Fault } from '../../src/contract/fault.ts';
import type { SourceTarget } from '../../src/contract/source.ts';
import { sleep } from '../../src/lib/limits.ts';
import { textBody } from '../../src/text/body.ts';
import { contentHashes } from '../../src/text/hashes.ts';
import { HandClock } from '../support/sources/hand-clock.ts';
import { hostOf, readings } from '../support/sources/polling-host.ts';
import { held, type Script } from '../support/sources/scripted-source.ts';

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
    const push = { body: Buffer.from('lies'), query: {}, receivedAt: new HandClock().now() };
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

  it('does not write over what came while others were written, where the place does not compare', async () => {
    const prompts = ['a', 'b', 'c', 'd', 'e'];
    const texts = new Map(prompts.map((prompt) => [`place/${prompt}`, 'bad']));
    const slow = Promise.withResolvers<void>();
    let writing = 0;
    const script: Script = {
      read: (targets) => readings(...targets.map(({ id }) => held(id, texts.get(id) ?? ''))),
      restore: {
        form: 'write',
        comparesAndSets: false,
        restore: async (target) => {
          writing += 1;
          await slow.promise;
          texts.set(target.id, 'good');
          return held(target.id, 'good');
        },
      },
    };
    const { host, clock } = await hostOf({ place: script }, { prompts });
    const command = { ...good, expectHash: hash('bad') };
    const all = Promise.allSettled([...texts.keys()].map((id) => host.restore(id, command)));
    await expect.poll(() => writing).toBe(4);
    texts.set('place/e', 'mended by Ann');
    clock.advance(5_000);
    slow.resolve();
    const results = await all;
    expect(results.map(({ status }) => status)).toEqual([...Array<string>(4).fill('fulfilled'), 'rejected']);
    expect(texts.get('place/e')).toBe('mended by Ann');
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
