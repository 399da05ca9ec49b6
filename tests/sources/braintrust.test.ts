/** What is particular to Braintrust: newest versions or an environment, transactions as versions, a history that is asked for apart. */

import { afterEach, describe, expect, it } from 'vitest';
import { versionName, versionTime } from '../../collectors/lib/braintrust-version.ts';
import { SourceRegistry } from '../../src/daemon/registry/source-registry.ts';
import { chatBody } from '../../src/text/body.ts';
import { braintrustFixture, openBraintrust } from '../support/sources/braintrust.ts';
import { EDITED, originalText, PROMPTS } from '../support/sources/stand-in.ts';
import { watchPlace, type Place } from '../support/sources/watch-place.ts';

const opened: Place[] = [];
afterEach(async () => {
  for (const place of opened.splice(0)) await place.close();
});

async function setUp(environment: string | null) {
  const standIn = await openBraintrust(environment);
  const place = await watchPlace(braintrustFixture, standIn);
  opened.push(place);
  const { versions, webhook } = place.source.source;
  if (versions === undefined || webhook === undefined) throw new Error('A power is missing.');
  const registry = new SourceRegistry('place', versions.list.bind(versions));
  const asked = () => standIn.requests.splice(0).map(({ method, path }) => `${method} ${path}`);
  return { standIn, place, registry, webhook, asked, signal: AbortSignal.timeout(60_000) };
}

const original = (prompt: string) => chatBody([{ role: 'system', content: originalText(prompt) }]);

it('names versions as its pages do, and reads their time', () => {
  // From Braintrust's specification, and from a prompt that was created at 14:16:28.539.
  expect(versionName('1000192656880881099')).toBe('81cd05ee665fdfb3');
  expect(versionTime('1000194776110029234')).toBe('2025-03-18T14:16:29.000000000Z');
  expect([versionName('42'), versionTime('42')]).toEqual(['42', null]);
});

describe('without an environment', () => {
  it('the newest version is watched with the list, and restored by writing it again', async () => {
    const { standIn, place, asked } = await setUp(null);
    const before = (await place.poll()).get('reply');
    expect(asked()).toEqual(Array.from({ length: 4 }, () => 'GET /v1/prompt'));
    standIn.write('reply', EDITED);
    const after = (await place.poll()).get('reply');
    expect(after).toMatchObject({ pointer: null, body: chatBody([{ role: 'system', content: EDITED }]) });
    if (before?.outcome !== 'held' || after?.outcome !== 'held') throw new Error('Nothing is held.');
    expect(after.sourceVersion).not.toBe(before.sourceVersion);
    expect((after.editedAt ?? '') > (before.editedAt ?? '')).toBe(true);
    const command = { version: '1', body: original('reply'), settings: {} };
    expect(await place.host.restore('place/reply', command)).toMatchObject({ result: 'restored', form: 'write' });
    expect(standIn.prompts.find(({ slug }) => slug === 'reply')?.versions).toHaveLength(4);
  });
});

describe('in an environment', () => {
  it('what is written and not assigned is not live; restore assigns a version that is there', async () => {
    const { standIn, place } = await setUp('production');
    const before = await place.poll();
    standIn.write('reply', EDITED);
    const held = before.get('reply');
    if (held?.outcome !== 'held') throw new Error('Nothing is held.');
    expect((await place.poll()).get('reply')).toMatchObject({ sourceVersion: held.sourceVersion });
    standIn.assign('reply', 'production', 2);
    expect((await place.poll()).get('reply')).toMatchObject({ body: { messages: [{ content: EDITED }] } });
    const command = { version: '1', body: original('reply'), settings: {} };
    expect(await place.host.restore('place/reply', command)).toMatchObject({ result: 'restored', form: 'pointer' });
    expect((await place.poll()).get('reply')).toMatchObject({
      pointer: { name: 'production', value: held.sourceVersion },
    });
    expect(standIn.prompts.find(({ slug }) => slug === 'reply')?.versions).toHaveLength(3);
    const unknown = { version: '9', body: original('greeting'), settings: {} };
    await expect(place.host.restore('place/reply', unknown)).rejects.toThrow('No version there holds');
  });
});

it('asks for the history of what is new only', async () => {
  const { standIn, registry, asked, signal } = await setUp('production');
  expect(await registry.read(signal)).toBe(true);
  expect(registry.versions.map(({ prompt }) => prompt).toSorted()).toEqual(
    PROMPTS.flatMap((prompt) => [prompt, prompt]).toSorted(),
  );
  const [first, second] = registry.versions.filter(({ prompt }) => prompt === 'reply');
  expect(first).toMatchObject({ parent: null, version: expect.stringMatching(/^[0-9a-f]{16}$/) });
  expect(second).toMatchObject({
    parent: first?.version,
    registeredAt: expect.stringContaining('2026-11-20T02:00:'),
    variants: [{ format: 'mustache', settings: { model: 'gpt-5', parameters: { temperature: 0 } } }],
  });
  asked();
  expect(await registry.read(signal)).toBe(false);
  expect(new Set(asked())).toEqual(new Set(['GET /v1/prompt']));
  standIn.write('reply', EDITED);
  expect(await registry.read(signal)).toBe(true);
  expect(asked().filter((path) => path !== 'GET /v1/prompt')).toEqual(['POST /btql', 'GET /v1/prompt/id-reply']);
  expect(registry.versions.at(-1)).toMatchObject({ prompt: 'reply', parent: second?.version });
});

it('a push that names no prompt makes all be looked at; one about another project none', async () => {
  const { standIn, place, webhook } = await setUp('production');
  const genuine = standIn.push?.('reply', Date.now());
  if (genuine === undefined) throw new Error('It sends no pushes.');
  const receive = (body: object) =>
    webhook.receive({ ...genuine, body: Buffer.from(JSON.stringify(body)) }, place.source.targets);
  expect(await receive({ project: { name: 'support' }, details: {} })).toHaveLength(PROMPTS.length);
  expect(await receive({ project: { name: 'other' }, details: { slug: 'reply' } })).toEqual([]);
  expect(await receive({ details: { prompt: { slug: 'reply' } } })).toEqual(['place/reply']);
});
