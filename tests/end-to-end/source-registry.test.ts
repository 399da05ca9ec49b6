/** A source as registry: its history is registered, its label pins, and an outage of it raises nothing. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually, startDaemon, type Daemon } from '../support/daemon.ts';
import { openLangfuse, type LangfuseStandIn } from '../support/sources/langfuse.ts';
import { EDITED, originalText } from '../support/sources/stand-in.ts';

let directory: string;
let langfuse: LangfuseStandIn;
let daemon: Daemon;
const environment = (): Record<string, string> => ({
  TEST_SECRET: langfuse.credentials.secretKey,
  TEST_WEBHOOK_SECRET: 'lf-whsec-abcdef0123',
});

/** `config-map` should hold whatever Langfuse labels; a file stands for it. */
function configuration(): string {
  return `
registry:
  - source: prod-langfuse
store: { path: ./data }
sources:
  - name: prod-langfuse
    type: langfuse
    environment: production
    every: 1s
    base_url: ${langfuse.origin}
    public_key: ${langfuse.credentials.publicKey}
    secret_key: env:TEST_SECRET
    webhook_secret: env:TEST_WEBHOOK_SECRET
    targets:
      - { prompt: intent }
      - { prompt: reply }
  - name: config-map
    type: files
    environment: production
    every: 1s
    targets:
      - { prompt: reply, path: ./reply.txt }
channels:
  - { name: terminal, type: console }
`;
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'plumbline-registry-'));
  langfuse = await openLangfuse();
  writeFileSync(join(directory, 'plumbline.yaml'), configuration());
  writeFileSync(join(directory, 'reply.txt'), originalText('reply'));
  daemon = await startDaemon(directory, [], environment());
});

afterAll(async () => {
  await daemon.stop();
  await langfuse.close();
  rmSync(directory, { recursive: true, force: true });
});

async function verdictOf(id: string): Promise<any> {
  const { data } = await daemon.get('/api/v1/targets');
  return data.find((candidate: { id: string }) => candidate.id === id)?.verdicts[0];
}

async function unresolved(): Promise<any[]> {
  return (await daemon.get('/api/v1/incidents?status=unresolved')).data;
}

test('the history is registered, and the label pins', async () => {
  for (const id of ['prod-langfuse/intent', 'prod-langfuse/reply', 'config-map/reply'])
    await eventually(async () => (await verdictOf(id))?.verdict === 'in_sync');
  const { data: prompts } = await daemon.get('/api/v1/prompts');
  expect(prompts.find((prompt: { id: string }) => prompt.id === 'reply')).toMatchObject({
    versions: 2,
    newest_version: '2',
    pins: [{ environment: 'production', version: '2', rule: 'label:production@prod-langfuse', by: null }],
  });
  const { data: versions } = await daemon.get('/api/v1/prompts/reply/versions');
  expect(versions.map((version: any) => [version.version, version.registry, version.author])).toEqual([
    ['1', 'prod-langfuse', 'alice'],
    ['2', 'prod-langfuse', 'alice'],
  ]);
});

test('where the label moves, the pin moves: only what did not follow is stale', async () => {
  langfuse.write('reply', EDITED, ['production'], 'mallory');
  await eventually(async () => (await verdictOf('config-map/reply'))?.verdict === 'stale_version');
  const followed = await eventually(async () => {
    const verdict = await verdictOf('prod-langfuse/reply');
    return verdict.observed.version === '3' && verdict;
  });
  expect(followed).toMatchObject({ verdict: 'in_sync', expected: { version: '3' } });
  const data = await eventually(async () => {
    const incidents = (await daemon.get('/api/v1/incidents')).data;
    return incidents.length > 0 && incidents;
  });
  expect(data.map((incident: any) => [incident.target, incident.verdict])).toEqual([
    ['config-map/reply', 'stale_version'],
  ]);
  expect(data[0].evidence.map((one: any) => one.words).join('\n')).toContain('label:production@prod-langfuse');
  writeFileSync(join(directory, 'reply.txt'), EDITED);
  await eventually(async () => (await unresolved()).length === 0);
});

test('an edited snippet is nobody’s drift but its own; calls are recognised with the old and the new one', async () => {
  langfuse.write('safety', 'Be safe.', ['production']);
  langfuse.write('intent', '@@@langfusePrompt:name=safety|label=production@@@ Name the intent of {{message}}.', [
    'production',
  ]);
  await eventually(async () => (await verdictOf('prod-langfuse/intent'))?.observed.version === '3');
  const { data: prompts } = await daemon.get('/api/v1/prompts');
  expect(prompts.find(({ id }: any) => id === 'safety').included_by).toEqual(['intent']);
  const answer = async (text: string): Promise<any> => {
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ text }) };
    return (await fetch(`${daemon.api}/api/v1/attribute`, init)).json();
  };
  const sent = (snippet: string) => `${snippet} Name the intent of “hello”.`;
  expect((await answer(sent('Be safe.'))).matches).toMatchObject([{ prompt: 'intent', version: '3' }]);
  langfuse.write('safety', 'Do as you like.', ['production'], 'mallory');
  expect((await answer(sent('Do as you like.'))).matches).toMatchObject([{ prompt: 'intent', version: '3' }]);
  await eventually(async () => (await daemon.get('/api/v1/prompts/safety/versions')).data.length === 2);
  expect(await verdictOf('prod-langfuse/intent')).toMatchObject({ verdict: 'in_sync' });
  expect(await unresolved()).toEqual([]);
});

test('a registry that is down, also across a restart, keeps what was known', async () => {
  await daemon.stop();
  await langfuse.trouble('gone');
  writeFileSync(join(directory, 'reply.txt'), EDITED.replace('funny', 'rude'));
  daemon = await startDaemon(directory, [], environment());
  await eventually(async () => (await verdictOf('prod-langfuse/reply'))?.verdict === 'unreachable');
  await eventually(async () => (await verdictOf('config-map/reply'))?.verdict === 'edited');
  await eventually(async () => (await unresolved()).length === 1);
  await daemon.waitFor(/a registry could not be read; what was known stays/);
  expect(daemon.printed()).not.toContain(langfuse.credentials.secretKey);
  await langfuse.trouble(null);
  writeFileSync(join(directory, 'reply.txt'), EDITED);
  await eventually(async () => (await unresolved()).length === 0);
  await eventually(async () => (await verdictOf('prod-langfuse/reply'))?.verdict === 'in_sync');
});
