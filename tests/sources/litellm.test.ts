/** What is particular to LiteLLM: the two forms in which it keeps a template, prompts it can't write, and what it says of those that are not there. */

import { afterEach, describe, expect, it } from 'vitest';
import { textBody } from '../../src/text/body.ts';
import { litellmFixture, openLitellm } from '../support/sources/litellm.ts';
import { EDITED, originalText } from '../support/sources/stand-in.ts';
import { watchPlace, type Place } from '../support/sources/watch-place.ts';

const opened: Place[] = [];
afterEach(async () => {
  for (const place of opened.splice(0)) await place.close();
});

async function setUp() {
  const standIn = await openLitellm();
  const place = await watchPlace(litellmFixture, standIn);
  opened.push(place);
  return { standIn, place };
}

const dotprompt = (text: string): string =>
  `---\nmodel: gpt-5\n# Warmer than that it invents refunds.\ntemperature: 0.2\n---\n\n${text}\n`;

describe('a prompt from the user interface', () => {
  it('is restored as the `.prompt` text that it is, and its front matter stays', async () => {
    const { standIn, place } = await setUp();
    standIn.write('id-reply', { prompt_integration: 'dotprompt', dotprompt_content: dotprompt(EDITED) });
    expect((await place.poll()).get('reply')).toMatchObject({
      sourceVersion: '3',
      body: textBody(EDITED),
      settings: { model: 'gpt-5', parameters: { temperature: 0.2 } },
    });
    const command = { version: '2', body: textBody(originalText('reply')), settings: {} };
    expect(await place.host.restore('place/reply', command)).toMatchObject({ result: 'restored', form: 'write' });
    const params = standIn.prompts.get('id-reply')?.versions.at(-1)?.params;
    expect(params?.prompt_data).toBeUndefined();
    expect(params?.dotprompt_content).toBe(
      `---\nmodel: gpt-5\n# Warmer than that it invents refunds.\ntemperature: 0.2\n---\n${originalText('reply')}`,
    );
  });

  it('gets back the model and the parameters of the version', async () => {
    const { standIn, place } = await setUp();
    standIn.write('id-reply', { prompt_integration: 'dotprompt', dotprompt_content: dotprompt(EDITED) });
    const settings = { model: 'gpt-5-mini', parameters: { temperature: 0 } };
    const command = { version: '2', body: textBody('Reply.'), settings };
    expect(await place.host.restore('place/reply', command)).toMatchObject({ result: 'restored' });
    expect((await place.poll()).get('reply')).toMatchObject({ sourceVersion: '4', settings });
  });
});

it('asks for the list only, while nothing changes', async () => {
  const { standIn, place } = await setUp();
  await place.poll();
  standIn.requests.splice(0);
  await place.poll();
  expect(standIn.requests.map(({ path }) => path)).toEqual(['/prompts/list']);
  await standIn.edit('reply', EDITED);
  standIn.requests.splice(0);
  await place.poll();
  expect(standIn.requests.map(({ path }) => path)).toEqual(['/prompts/list', '/prompts/id-reply/info']);
});

it('can not write a prompt of the configuration file, and says so', async () => {
  const { standIn, place } = await setUp();
  standIn.prompts.set('id-reply', { kind: 'config', versions: standIn.prompts.get('id-reply')?.versions ?? [] });
  const command = { version: '9', body: textBody('Other.'), settings: {} };
  await expect(place.host.restore('place/reply', command)).rejects.toMatchObject({
    name: 'Fault',
    kind: 'permanent',
    message: expect.stringContaining('Cannot update config prompts'),
  });
});

it('a prompt that another tool keeps is unreachable, not missing', async () => {
  const { standIn, place } = await setUp();
  standIn.write('id-reply', { prompt_integration: 'langfuse' });
  expect((await place.poll()).get('reply')).toMatchObject({ outcome: 'unreachable' });
  await expect(
    place.host.restore('place/reply', { version: '2', body: textBody('Other.'), settings: {} }),
  ).rejects.toMatchObject({ name: 'Fault' });
});

it('a key that may not see a prompt makes it unreachable, not missing', async () => {
  const { standIn, place } = await setUp();
  standIn.restrict();
  const observations = await place.poll();
  expect([...observations.values()].map(({ outcome }) => outcome)).toEqual(standIn.targets.map(() => 'unreachable'));
});
