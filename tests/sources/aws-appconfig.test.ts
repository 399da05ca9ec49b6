/** What is particular to AppConfig: a restore is a version and its deployment, beside what others prepare and deploy. */

import { afterEach, expect, it } from 'vitest';
import { textBody } from '../../src/text/body.ts';
import { openAwsAppconfig } from '../support/sources/aws-appconfig.ts';
import { idOf } from '../support/sources/http-place.ts';
import { EDITED, originalText } from '../support/sources/stand-in.ts';
import { watchPlace } from '../support/sources/watch-place.ts';

const opened: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0)) await close();
});

async function setUp() {
  const standIn = await openAwsAppconfig();
  const place = await watchPlace({ type: 'aws-appconfig' }, standIn);
  opened.push(() => place.close());
  const profile = standIn.profiles.get(idOf('intent'));
  if (profile === undefined) throw new Error('There is no such profile.');
  return { standIn, place, profile };
}

const command = { version: '1', body: textBody(originalText('intent')), settings: {} };

it('waits for its deployment, and leaves the draft of somebody else as it is', async () => {
  const { standIn, place, profile } = await setUp();
  await standIn.edit('intent', EDITED);
  profile.versions.push('Unfinished work of somebody.');
  expect(await place.host.restore('place/intent', command)).toMatchObject({ result: 'restored' });
  expect(profile.versions.slice(2)).toEqual([EDITED, 'Unfinished work of somebody.', originalText('intent')]);
  expect(profile.deployed).toBe(5);
});

it('does not deploy beside another deployment, and says what it left', async () => {
  const { standIn, place, profile } = await setUp();
  await standIn.edit('intent', EDITED);
  standIn.deployments.push({ profile, version: 1, looksLeft: 1 });
  await expect(place.host.restore('place/intent', command)).rejects.toMatchObject({
    kind: 'permanent',
    hint: expect.stringContaining('Version 4 was made'),
  });
  expect(await standIn.text('intent')).toBe(EDITED);
});

it('writes nothing without a strategy', async () => {
  const { standIn } = await setUp();
  const { deployment_strategy: _none, ...config } = standIn.config as Record<string, unknown>;
  const place = await watchPlace({ type: 'aws-appconfig' }, { ...standIn, config });
  opened.unshift(() => place.host.stop(1_000));
  await expect(place.host.restore('place/intent', command)).rejects.toThrow("can't write");
});
