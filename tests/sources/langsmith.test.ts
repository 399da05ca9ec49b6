/** What is particular to LangSmith: a list that begins with what changed last, commits without an end, a push that nobody signs. */

import { afterEach, describe, expect, it } from 'vitest';
import { SourceRegistry } from '../../src/daemon/registry/source-registry.ts';
import { addMillis } from '../../src/lib/time.ts';
import { langsmithFixture, openLangsmith } from '../support/sources/langsmith.ts';
import { EDITED, PROMPTS } from '../support/sources/stand-in.ts';
import { watchPlace, type Place } from '../support/sources/watch-place.ts';

const opened: Place[] = [];
afterEach(async () => {
  for (const place of opened.splice(0)) await place.close();
});

async function setUp() {
  const standIn = await openLangsmith();
  const place = await watchPlace(langsmithFixture, standIn);
  opened.push(place);
  const { versions, webhook } = place.source.source;
  if (versions === undefined || webhook === undefined) throw new Error('A power is missing.');
  const registry = new SourceRegistry('place', versions.list.bind(versions));
  const asked = () => standIn.requests.splice(0).map(({ path }) => path);
  return { standIn, place, registry, webhook, asked, signal: AbortSignal.timeout(60_000) };
}

describe('the history', () => {
  it('is told oldest first with its authors, and then only what is new is asked for', async () => {
    const { standIn, registry, asked, signal } = await setUp();
    await registry.read(signal);
    const replies = registry.versions.filter(({ prompt }) => prompt === 'reply');
    expect(replies).toMatchObject([
      { parent: null, author: 'Alice' },
      { parent: replies[0]?.version, author: 'Alice', variants: [{ format: 'mustache', model: 'gpt-5' }] },
    ]);
    expect(registry.versions).toHaveLength(2 * PROMPTS.length);
    asked();
    expect(await registry.read(signal)).toBe(false);
    expect(new Set(asked())).toEqual(new Set(['/repos']));

    await standIn.edit('reply', EDITED);
    expect(await registry.read(signal)).toBe(true);
    const hash = standIn.repos.get('reply')?.commits.at(-1)?.commit_hash;
    expect(asked().filter((path) => path !== '/repos')).toEqual(['/commits/-/reply', `/commits/-/reply/${hash}`]);
    expect(registry.versions.at(-1)).toMatchObject({ version: hash, parent: replies[1]?.version, author: 'Mallory' });
  });

  it('asks for nothing more when only a tag moved', async () => {
    const { standIn, registry, asked, signal } = await setUp();
    await registry.read(signal);
    asked();
    await standIn.movePointer?.('reply');
    expect(await registry.read(signal)).toBe(false);
    expect(new Set(asked())).toEqual(new Set(['/repos']));
  });
});

describe('a push', () => {
  it('is taken with the secret in the header or in the address, whoever owns the prompt', async () => {
    const { standIn, place, webhook } = await setUp();
    const genuine = standIn.push?.('reply', Date.now());
    if (genuine === undefined) throw new Error('It sends no pushes.');
    const about = (prompt_name: string) => ({ ...genuine, body: Buffer.from(JSON.stringify({ prompt_name })) });
    expect(await webhook.receive(about('acme/reply'), place.source.targets)).toEqual(['place/reply']);
    const secret = genuine.headers['authorization']?.slice('Bearer '.length);
    const inAddress = { ...about('triage'), headers: {}, query: { token: secret } };
    expect(await webhook.receive(inAddress, place.source.targets)).toEqual(['place/triage']);
    for (const wrong of [{ token: '' }, { token: `${secret} ` }, {}])
      await expect(webhook.receive({ ...inAddress, query: wrong }, place.source.targets)).rejects.toThrow('secret');
  });

  it('may come again when a tag was moved there once more, and not at once', async () => {
    const { standIn, place, webhook } = await setUp();
    const push = standIn.push?.('reply', Date.parse('2026-11-20T02:00:10Z'));
    if (push === undefined) throw new Error('It sends no pushes.');
    await webhook.receive(push, place.source.targets);
    const later = (millis: number) => ({ ...push, receivedAt: addMillis(push.receivedAt, millis) });
    await expect(webhook.receive(later(30_000), place.source.targets)).rejects.toThrow('was here before');
    expect(await webhook.receive(later(600_000), place.source.targets)).toEqual(['place/reply']);
  });
});
