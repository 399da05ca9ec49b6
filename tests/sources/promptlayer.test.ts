/** What is particular to PromptLayer: snippets, numbered versions without a list, and a signature over JSON as Python writes it. */

import { afterEach, describe, expect, it } from 'vitest';
import { pythonJson } from '../../collectors/lib/python-json.ts';
import { createAttributor } from '../../src/attribution/index.ts';
import { SourceRegistry } from '../../src/daemon/registry/source-registry.ts';
import { bodyMessages, displayBody } from '../../src/text/body.ts';
import { openPromptlayer, promptlayerFixture } from '../support/sources/promptlayer.ts';
import { EDITED, PROMPTS } from '../support/sources/stand-in.ts';
import { watchPlace, type Place } from '../support/sources/watch-place.ts';

const opened: Place[] = [];
afterEach(async () => {
  for (const place of opened.splice(0)) await place.close();
});

async function setUp() {
  const standIn = await openPromptlayer();
  const place = await watchPlace(promptlayerFixture, standIn);
  opened.push(place);
  const { versions } = place.source.source;
  if (versions === undefined) throw new Error('It has no history.');
  const registry = new SourceRegistry('place', versions.list.bind(versions));
  const asked = () => standIn.requests.splice(0).map(({ path, query }) => `${path}?v=${query.get('version') ?? ''}`);
  return { standIn, place, registry, asked, signal: AbortSignal.timeout(60_000) };
}

it('asks for the list only, while no label moves', async () => {
  const { standIn, place, asked } = await setUp();
  await place.poll();
  asked();
  await place.poll();
  expect(asked()).toEqual(Array.from({ length: 3 }, () => '/prompt-templates?v='));
  standIn.templates.get('reply')?.labels.set('prod', 1);
  expect((await place.poll()).get('reply')).toMatchObject({ pointer: { name: 'prod', value: '1' } });
  expect(asked().slice(3)).toEqual(['/prompt-templates/reply?v=']);
});

describe('the history', () => {
  it('is read by numbers, once; what was deleted is left out', async () => {
    const { standIn, registry, asked, signal } = await setUp();
    const triage = standIn.templates.get('triage');
    triage?.versions.splice(0, 1, { text: 'A draft.', at: '2026-11-20T02:00:00.000Z', isDeleted: true });
    expect(await registry.read(signal)).toBe(true);
    expect(registry.versions.map(({ prompt, version }) => `${prompt}@${version}`).toSorted()).toEqual(
      PROMPTS.flatMap((prompt) => (prompt === 'triage' ? ['triage@2'] : [`${prompt}@1`, `${prompt}@2`])).toSorted(),
    );
    expect(registry.versions.find(({ prompt, version }) => prompt === 'reply' && version === '2')).toMatchObject({
      parent: '1',
      owner: 'support',
      author: null,
      registeredAt: expect.stringContaining('2026-11-20T02:00:'),
      variants: [{ format: 'jinja2', model: 'gpt-5', settings: { parameters: { temperature: 0 } } }],
    });

    asked();
    standIn.publish('reply', EDITED);
    expect(await registry.read(signal)).toBe(true);
    const questions = asked().filter((path) => path !== '/prompt-templates?v=');
    // The deleted one is asked for again while the list still shows its template.
    expect(questions.filter((path) => path !== '/prompt-templates/triage?v=1')).toEqual([
      '/prompt-templates/reply?v=3',
    ]);
    expect(await registry.read(signal)).toBe(false);
  });

  it('has what includes snippets as it is stored, and with variables in their places', async () => {
    const { standIn, place, registry, signal } = await setUp();
    standIn.publish('house rules', 'Be safe.', 'prod');
    standIn.publish(
      'reply',
      '@@@house rules@label:prod@@@ Greet {{ name }}.\n@@@house rules@version_number:1@@@',
      'prod',
    );
    await registry.read(signal);
    const reply = registry.versions.find(({ prompt, version }) => prompt === 'reply' && version === '3');
    expect(reply?.variants.map(({ body }) => bodyMessages(body)[0]?.content)).toEqual([
      '@@@house rules@label:prod@@@ Greet {{ name }}.\n@@@house rules@version_number:1@@@',
      '{{ included_house_rules }} Greet {{ name }}.\n{{ included_house_rules }}',
    ]);
    expect(reply?.components).toEqual([
      { id: 'house rules', version: 'label:prod' },
      { id: 'house rules', version: '1' },
    ]);

    standIn.publish('house rules', 'Do as you like.', 'prod');
    const held = (await place.poll()).get('reply');
    if (held?.outcome !== 'held' || held.resolved === undefined) throw new Error('Nothing was resolved.');
    expect(held.hashes).toEqual(reply?.variants[0].hashes);
    expect(displayBody(held.resolved.body)).toContain('Do as you like. Greet {{ name }}.\nBe safe.');
    const attributor = createAttributor();
    attributor.addAll(registry.versions);
    const sent = bodyMessages(held.resolved.body).map(({ role, content }) => ({
      role,
      content: content.replace('{{ name }}', 'Ada'),
    }));
    expect(attributor.attribute({ messages: sent }).matches).toMatchObject([{ prompt: 'reply', version: '3' }]);
  });
});

it('checks signatures over what Python writes', () => {
  const value = {
    event_type: 'moved',
    details: { name: 'reply', id: 12, old: null, ok: true, list: [1, 'a', { b: [] }], empty: {} },
    user_name: 'Jörg "✓" 😀\u007f\n\t/\\',
  };
  // As `json.dumps(value, sort_keys=True)` and with `ensure_ascii=False` of CPython 3.11.
  const rest = '"event_type": "moved", "user_name": "J';
  const details =
    '"details": {"empty": {}, "id": 12, "list": [1, "a", {"b": []}], "name": "reply", "ok": true, "old": null}';
  expect(pythonJson(value, true)).toBe(
    `{${details}, ${rest}\\u00f6rg \\"\\u2713\\" \\ud83d\\ude00\\u007f\\n\\t/\\\\"}`,
  );
  expect(pythonJson(value, false)).toBe(`{${details}, ${rest}örg \\"✓\\" 😀\u007f\\n\\t/\\\\"}`);
  const deep = JSON.parse(`${'['.repeat(40)}${']'.repeat(40)}`) as unknown;
  expect(() => pythonJson(deep, true)).toThrow('nested');
});
