/** What is particular to Langfuse: labels, references to other prompts, chat placeholders, and how little is asked. */

import { afterEach, describe, expect, it } from 'vitest';
import { langfuseFixture, openLangfuse } from '../support/sources/langfuse.ts';
import { EDITED, originalText } from '../support/sources/stand-in.ts';
import { watchPlace, type Place } from '../support/sources/watch-place.ts';
import { textBody } from '../../src/text/body.ts';

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
