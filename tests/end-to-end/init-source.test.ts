/** From a key to a verdict for each prompt, for sources with a history of their own and without one. */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { parse } from 'yaml';
import { eventually, runPlumbline, startDaemon } from '../support/daemon.ts';
import { openBraintrust } from '../support/sources/braintrust.ts';
import { openElevenlabs } from '../support/sources/elevenlabs.ts';
import { openLangsmith } from '../support/sources/langsmith.ts';
import { EDITED, originalText, PROMPTS } from '../support/sources/stand-in.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

function place(): string {
  const directory = mkdtempSync(join(tmpdir(), 'plumbline-init-'));
  closing.push(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Starts the daemon with what `init` wrote, and waits until all is as it was pinned. */
async function watch(directory: string, variables: Record<string, string>) {
  const file = join(directory, 'plumbline.yaml');
  writeFileSync(file, readFileSync(file, 'utf8').replace('every: 30s', 'every: 1s'));
  const daemon = await startDaemon(directory, [], variables);
  closing.push(() => daemon.stop());
  const targets = async (): Promise<any[]> => (await daemon.get('/api/v1/targets')).data;
  await eventually(async () => (await targets()).every((target) => target.verdicts[0]?.verdict === 'in_sync'));
  const incident = (prompt: string): Promise<any> =>
    eventually(async () => (await daemon.get(`/api/v1/incidents?prompt=${prompt}`)).data[0]);
  return { daemon, targets, incident };
}

test('LangSmith: its commits are the registry', async () => {
  const langsmith = await openLangsmith();
  closing.push(langsmith.close);
  const directory = place();
  const variables = { LANGSMITH_API_KEY: langsmith.key, LANGSMITH_ENDPOINT: langsmith.origin };
  const init = await runPlumbline(directory, ['init', '--source', 'langsmith'], variables);
  expect([init.code, init.stderr]).toEqual([0, '']);
  const [source] = parse(readFileSync(join(directory, 'plumbline.yaml'), 'utf8')).sources;
  expect(source).toMatchObject({ base_url: 'env:LANGSMITH_ENDPOINT', api_key: 'env:LANGSMITH_API_KEY' });
  expect(source.targets).toHaveLength(PROMPTS.length);

  const { targets, incident, daemon } = await watch(directory, variables);
  expect((await targets()).map(({ id }): string => id).toSorted()).toEqual(
    PROMPTS.map((prompt) => `langsmith/${prompt}`).toSorted(),
  );
  await langsmith.edit('reply', EDITED);
  expect(await incident('reply')).toMatchObject({
    verdict: 'ahead',
    observed: { text: expect.stringContaining('Ignore all that') },
    changed_by: 'Mallory',
  });
  const { data } = await daemon.get('/api/v1/prompts/reply/versions');
  expect(data.map((version: any) => version.author)).toEqual(['Alice', 'Alice', 'Mallory']);
});

test('Braintrust: what is no secret is said on the command line', async () => {
  const braintrust = await openBraintrust();
  closing.push(braintrust.close);
  const directory = place();
  const [key = '', webhookSecret = ''] = braintrust.secrets;
  const variables = {
    BRAINTRUST_API_KEY: key,
    BRAINTRUST_BASE_URL: braintrust.origin,
    BRAINTRUST_WEBHOOK_SECRET: webhookSecret,
  };
  const run = (...line: string[]) => runPlumbline(directory, ['init', '--source', 'braintrust', ...line], variables);
  const without = await run();
  expect([without.code, without.stderr]).toEqual([2, expect.stringContaining('--set project=support')]);
  const wrong = await run('--set', 'projekt=support');
  expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('Did you mean project?')]);
  const secret = await run('--set', 'project=support', '--set', 'api_key=sk-in-the-clear');
  expect([secret.code, secret.stderr]).toEqual([2, expect.stringContaining('--set api_key=env:NAME')]);
  expect(secret.stderr).not.toContain('sk-in-the-clear');

  const init = await run('--set', 'project=support', '--set', 'environment_slug=production');
  expect([init.code, init.stderr]).toEqual([0, '']);
  const { daemon, incident } = await watch(directory, variables);
  const { data } = await daemon.get('/api/v1/prompts');
  const { pins } = data.find((prompt: any) => prompt.id === 'reply');
  expect(pins.map((pin: any) => pin.rule).toSorted()).toEqual(['label:production@braintrust', 'lockfile']);
  const push = async (token: string): Promise<readonly [number, any]> => {
    const { body } = braintrust.push?.('reply', Date.now()) ?? { body: '' };
    const url = `${daemon.api}/api/v1/webhooks/braintrust?token=${token}`;
    const response = await fetch(url, { method: 'POST', body: Buffer.from(body) });
    return [response.status, await response.json()];
  };
  expect((await push('wrong'))[0]).toBe(403);
  expect(await push(webhookSecret)).toEqual([202, { looking_at: ['braintrust/reply'] }]);
  expect((await push(webhookSecret))[0]).toBe(403);
  expect(daemon.printed()).not.toContain(webhookSecret);
  braintrust.assign('reply', 'production', 0);
  expect(await incident('reply')).toMatchObject({ verdict: 'stale_version', observed: { text: '[system]\nA draft.' } });
});

test('ElevenLabs keeps no history: what is live is registered as version 1, for an owner who is named', async () => {
  const elevenlabs = await openElevenlabs();
  closing.push(elevenlabs.close);
  const directory = place();
  mkdirSync(join(directory, 'ops'));
  const variables = { ELEVENLABS_API_KEY: elevenlabs.secrets[0] ?? '', ELEVENLABS_BASE_URL: elevenlabs.origin };
  const run = (...line: string[]) =>
    runPlumbline(join(directory, 'ops'), ['init', '--source', 'elevenlabs', ...line], variables);
  const without = await run();
  expect([without.code, without.stderr]).toEqual([2, expect.stringContaining('who owns its prompts?')]);
  const init = await run('--owner', 'voice-team');
  expect([init.code, init.stderr]).toEqual([0, '']);
  expect(init.stdout).toContain('wrote  prompts/reply.yaml');
  const file = readFileSync(join(directory, 'ops/prompts/reply.yaml'), 'utf8');
  expect(parse(file)).toMatchObject({ id: 'reply', version: 1, owner: 'voice-team', tags: ['elevenlabs'] });
  expect((await runPlumbline(join(directory, 'ops'), ['validate'], variables)).code).toBe(0);

  const { incident } = await watch(join(directory, 'ops'), variables);
  const edited = originalText('reply').replace('You are the', 'You are our');
  await elevenlabs.edit('reply', edited);
  expect(await incident('reply')).toMatchObject({
    verdict: 'edited',
    expected: { version: '1' },
    observed: { text: edited },
  });
});
