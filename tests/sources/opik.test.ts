/** What is particular to Opik: chats in a text, commits without an order, trials that are no versions, alerts that carry a token. */

import { afterEach, expect, it } from 'vitest';
import { SourceRegistry } from '../../src/daemon/registry/source-registry.ts';
import { chatBody, textBody } from '../../src/text/body.ts';
import { openOpik, opikCommit, opikFixture } from '../support/sources/opik.ts';
import { EDITED } from '../support/sources/stand-in.ts';
import { watchPlace, type Place } from '../support/sources/watch-place.ts';

const opened: Place[] = [];
afterEach(async () => {
  for (const place of opened.splice(0)) await place.close();
});

async function setUp() {
  const standIn = await openOpik();
  const place = await watchPlace(opikFixture, standIn);
  opened.push(place);
  const { versions, webhook } = place.source.source;
  if (versions === undefined || webhook === undefined) throw new Error('A power is missing.');
  const registry = new SourceRegistry('place', versions.list.bind(versions));
  const asked = () => standIn.requests.splice(0).map(({ path }) => path);
  return { standIn, place, registry, webhook, asked, signal: AbortSignal.timeout(60_000) };
}

const CHAT = '[{"role":"system","content":"Be kind."},{"role":"user","content":"{{question}}"}]';
const messages = [
  { role: 'system', content: 'Be kind.' },
  { role: 'user', content: '{{question}}' },
];

it('asks for the list only, while nothing changes', async () => {
  const { standIn, place, asked } = await setUp();
  await place.poll();
  asked();
  await place.poll();
  expect(asked()).toEqual(['/v1/private/prompts']);
  standIn.write('id-reply', EDITED, 'mallory');
  await place.poll();
  expect(asked()).toEqual(['/v1/private/prompts', '/v1/private/prompts/id-reply']);
});

it('reads a chat as messages, and what is said to be a text as a text', async () => {
  const { standIn, place, registry, signal } = await setUp();
  standIn.write('id-reply', CHAT, 'alice', { template_structure: 'chat', type: 'jinja2' });
  standIn.write('id-summary', CHAT, 'alice', { template_structure: 'text', type: 'python' });
  const held = await place.poll();
  expect(held.get('reply')).toMatchObject({ body: chatBody(messages) });
  expect(held.get('summary')).toMatchObject({ body: textBody(CHAT) });
  await registry.read(signal);
  const newest = (prompt: string) => registry.versions.findLast((version) => version.prompt === prompt);
  expect(newest('reply')).toMatchObject({ variants: [{ body: chatBody(messages), format: 'jinja2' }] });
  expect(newest('summary')).toMatchObject({ variants: [{ body: textBody(CHAT), format: 'fstring' }] });
  expect(newest('reply')).toMatchObject({ author: 'alice', parent: opikCommit('id-reply', 2) });
});

it('registers no trial over a prompt', async () => {
  const { standIn, registry, signal } = await setUp();
  standIn.write('id-reply', 'A trial.', 'optimizer', { version_number: null });
  await registry.read(signal);
  const replies = registry.versions.filter(({ prompt }) => prompt === 'reply');
  expect(replies.map(({ version }) => version)).toEqual([1, 2].map((number) => opikCommit('id-reply', number)));
});

it('tells two prompts of one name apart, and keeps the name of the older one', async () => {
  const { standIn, registry, signal } = await setUp();
  await registry.read(signal);
  standIn.add('id-other', 'reply');
  standIn.write('id-other', 'Another one.', 'bob');
  await registry.read(signal);
  const names = new Set(registry.versions.map(({ prompt }) => prompt));
  expect([...names].filter((name) => name.startsWith('reply')).toSorted()).toEqual(['reply', 'reply.id-other']);
});

it('looks at what a deletion names', async () => {
  const { standIn, place, webhook } = await setUp();
  const genuine = standIn.push?.('reply', Date.now());
  if (genuine === undefined) throw new Error('It sends no pushes.');
  const receive = (metadata: unknown, id: string) => {
    const body = { id, eventType: 'prompt:deleted', createdAt: new Date().toISOString(), payload: { metadata } };
    return webhook.receive({ ...genuine, body: Buffer.from(JSON.stringify(body)) }, place.source.targets);
  };
  expect(await receive([{ id: 'id-reply' }, { id: 'id-triage' }], '1')).toEqual(['place/reply', 'place/triage']);
  expect(await receive(JSON.stringify([{ id: 'id-intent' }]), '2')).toEqual(['place/intent']);
  expect(await receive([{ id: 'id-unknown' }], '3')).toEqual([]);
  // The event's own id tells a repetition, whatever else is in it.
  await expect(receive([], '1')).rejects.toThrow('was here before');
});
