/** What is particular to Langfuse: labels, references to other prompts, chat placeholders, and how little is asked. */

import { afterEach, describe, expect, it } from 'vitest';
import { createAttributor } from '../../src/attribution/index.ts';
import type { HeldObservation } from '../../src/contract/observation.ts';
import { SourceRegistry } from '../../src/daemon/registry/source-registry.ts';
import { langfuseFixture, openLangfuse, type LangfuseStandIn } from '../support/sources/langfuse.ts';
import { EDITED, originalText } from '../support/sources/stand-in.ts';
import { watchPlace, type Place } from '../support/sources/watch-place.ts';
import { displayBody, textBody } from '../../src/text/body.ts';

const opened: Place[] = [];
afterEach(async () => {
  for (const place of opened.splice(0)) await place.close();
});

async function setUp(prepare: (standIn: Awaited<ReturnType<typeof openLangfuse>>) => void = () => undefined) {
  const standIn = await openLangfuse();
  prepare(standIn);
  const place = await watchPlace(langfuseFixture, standIn);
  opened.push(place);
  return { standIn, place };
}

it('tells the version, the label, the settings, who wrote it and when', async () => {
  const { place } = await setUp();
  expect((await place.poll()).get('reply')).toMatchObject({
    pointer: { name: 'production', value: '2' },
    sourceVersion: '2',
    editedBy: 'alice',
    editedAt: expect.stringContaining('2026-11-20T02:00:'),
    settings: { model: 'gpt-5', parameters: { temperature: 0 } },
  });
});

it('asks for the list only, while nothing changes', async () => {
  const { standIn, place } = await setUp();
  await place.poll();
  standIn.requests.splice(0);
  await place.poll();
  expect(standIn.requests.map((request) => request.path)).toEqual(
    Array.from({ length: 3 }, () => '/api/public/v2/prompts'),
  );
});

it('moves a label to an older version, and back with the labels that are there', async () => {
  const { standIn, place } = await setUp((langfuse) => langfuse.write('reply', EDITED, ['production', 'staging']));
  const moved = (await place.poll()).get('reply');
  expect(moved).toMatchObject({ pointer: { value: '3' }, body: { text: EDITED } });
  const command = { version: '2', body: textBody(originalText('reply')), settings: {} };
  expect(await place.host.restore('place/reply', command)).toMatchObject({ result: 'restored', form: 'pointer' });
  expect(standIn.rows('reply').map((row) => row.labels)).toEqual([
    [],
    ['production'],
    ['latest', 'staging'].toReversed(),
  ]);
});

it('writes a new version when none holds the content', async () => {
  const { standIn, place } = await setUp();
  const command = { version: '9', body: textBody('From the lockfile.'), settings: { model: 'gpt-5' } };
  expect(await place.host.restore('place/reply', command)).toMatchObject({ result: 'restored' });
  expect(standIn.rows('reply').at(-1)).toMatchObject({ version: 3, config: { model: 'gpt-5' }, createdBy: 'API' });
});

describe('a prompt that includes another', () => {
  const reference = '@@@langfusePrompt:name=safety|label=production@@@';

  it('shows an edited snippet in what it resolves to, and not in what it says', async () => {
    const { standIn, place } = await setUp((langfuse) => {
      langfuse.write('safety', 'Be safe.', ['production']);
      langfuse.write('reply', `${reference} Reply.`, ['production']);
    });
    const before = (await place.poll()).get('reply');
    standIn.write('safety', 'Do as you like.', ['production']);
    const after = (await place.poll()).get('reply');
    expect(before).toMatchObject({
      body: textBody(`${reference} Reply.`),
      resolved: { body: textBody('Be safe. Reply.') },
    });
    expect(after).toMatchObject({
      body: textBody(`${reference} Reply.`),
      resolved: { body: textBody('Do as you like. Reply.') },
    });
  });

  it('is registered as it is stored and as it is sent, whatever the snippet says then', async () => {
    const { standIn, place } = await setUp((langfuse) => {
      langfuse.write('safety', 'Be safe.', ['production']);
      langfuse.write('reply', `${reference} Reply kindly to {{name}}.`, ['production']);
    });
    const list = place.source.source.versions?.list(null, AbortSignal.timeout(60_000)) ?? [];
    const versions = (await Array.fromAsync(list)).map(({ version }) => version);
    const reply = versions.find(({ prompt, version }) => prompt === 'reply' && version === '3');
    expect(reply?.variants.map(({ body }) => body)).toEqual([
      textBody(`${reference} Reply kindly to {{name}}.`),
      textBody('{{{included_safety}}} Reply kindly to {{name}}.'),
    ]);
    expect(reply?.components).toEqual([{ id: 'safety', version: 'label:production' }]);

    const attributor = createAttributor();
    attributor.addAll(versions);
    const held = (await place.poll()).get('reply');
    expect(held).toMatchObject({ hashes: reply?.variants[0].hashes });
    for (const snippet of ['Be safe.', 'Do as you like.\nReally.']) {
      standIn.write('safety', snippet, ['production']);
      const { resolved } = ((await place.poll()).get('reply') ?? {}) as HeldObservation;
      const sent = displayBody(resolved?.body ?? textBody('')).replace('{{name}}', 'Ada');
      const { matches } = attributor.attribute({ text: sent });
      expect(matches).toMatchObject([
        {
          prompt: 'reply',
          version: '3',
          variables: [
            { name: 'included_safety', value: snippet },
            { name: 'name', value: 'Ada' },
          ],
        },
      ]);
    }
  });
});

describe('the history', () => {
  const signal = AbortSignal.timeout(60_000);

  /** What a registry of this place has been told, reading it again and again. */
  function registryOf(place: Place): SourceRegistry {
    const { versions } = place.source.source;
    if (versions === undefined) throw new Error('It has no history.');
    return new SourceRegistry('place', versions.list.bind(versions));
  }
  const asked = (standIn: LangfuseStandIn): readonly string[] => {
    const urls = standIn.requests.splice(0).map(({ path, query }) => `${path.split('/prompts')[1] ?? ''}?${query}`);
    return urls.map((url) => url.replaceAll(/(limit|page|resolve)=\w+&?/g, '').replace(/&$/, ''));
  };

  it('is read once; after that the list tells that nothing changed, or what did', async () => {
    const { standIn, place } = await setUp();
    const registry = registryOf(place);
    expect(await registry.read(signal)).toBe(true);
    expect(registry.versions).toHaveLength(10);
    asked(standIn);
    expect(await registry.read(signal)).toBe(false);
    const newest = Date.parse(standIn.rows('greeting').at(-1)?.updatedAt ?? '');
    const urls = asked(standIn);
    expect(new Set(urls).size).toBe(1);
    const from = Date.parse(decodeURIComponent(urls[0]?.split('fromUpdatedAt=')[1] ?? ''));
    // A little before the newest change: the list may have been edited while it was read.
    expect([from < newest, from > newest - 3_600_000]).toEqual([true, true]);

    standIn.write('reply', EDITED, [], 'mallory');
    expect(await registry.read(signal)).toBe(true);
    expect(asked(standIn).filter((url) => url.includes('version='))).toEqual(['/reply?version=3']);
    expect(registry.versions.find(({ prompt, version }) => prompt === 'reply' && version === '3')).toMatchObject({
      parent: '2',
      author: 'mallory',
      registeredAt: expect.stringContaining('2026-11-20T02:'),
    });
  });

  it('goes on where it broke off, without reading what it has', async () => {
    const { standIn, place } = await setUp();
    const registry = registryOf(place);
    const { versions } = place.source.source;
    const broken = new SourceRegistry('place', async function* (since, aborted, isKnown) {
      let told = 0;
      for await (const version of versions?.list(since, aborted, isKnown) ?? []) {
        if (since === null && (told += 1) === 4) throw new Error('The line is cut.');
        yield version;
      }
    });
    expect(await broken.read(signal)).toBe(false);
    asked(standIn);
    expect(await broken.read(signal)).toBe(true);
    await registry.read(signal);
    expect(broken.versions).toEqual(registry.versions);
    expect(asked(standIn).filter((url) => url.includes('version=')).length).toBe(7 + 10);
  });
});

it('keeps placeholders of a chat apart from its messages', async () => {
  const chat = [
    { type: 'chatmessage', role: 'system', content: 'Be kind.' },
    { type: 'placeholder', name: 'history' },
  ];
  const { standIn, place } = await setUp((langfuse) => langfuse.write('reply', chat, ['production']));
  const body = {
    kind: 'chat',
    messages: [
      { role: 'system', content: 'Be kind.' },
      { role: 'placeholder', content: 'history' },
    ],
  } as const;
  expect((await place.poll()).get('reply')).toMatchObject({ body });
  await standIn.edit('reply', EDITED);
  const changed = { kind: 'chat', messages: [{ role: 'system', content: 'Be polite.' }, body.messages[1]] } as const;
  await place.host.restore('place/reply', { version: '9', body: changed, settings: {} });
  expect(standIn.rows('reply').at(-1)?.prompt).toEqual([{ ...chat[0], content: 'Be polite.' }, chat[1]]);
});
