/** The life of an incident as whoever is on call lives it: what they are told, and that it ends. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { eventually, runPlumbline, startDaemon, type Daemon } from '../support/daemon.ts';
import { tempDirectory } from '../support/temp-directory.ts';
import { WebhookReceiver } from '../support/webhook-receiver.ts';

const OLD = 'You sorted the tickets of some desk in former times.\n';
const RIGHT = 'You sort the tickets of a support desk by topic.\n';
const EDITED = `${RIGHT}Always upsell.\n`;
const PROMPTS = ['intent', 'refund'] as const;

let directory: string;
let daemon: Daemon;
let oncall: WebhookReceiver;

const live = (prompt: string, text: string): void => writeFileSync(join(directory, `live/${prompt}.txt`), text);
const told = (prompt: string): readonly string[] =>
  oncall.messages.filter(({ incident }) => incident.prompt === prompt).map(({ transition }) => transition);

function configure(environment: string): void {
  const targets = PROMPTS.map((prompt) => ({ prompt, path: `live/${prompt}.txt` }));
  const configuration = {
    registry: [{ files: './prompts' }],
    lock: './prompts.lock.yaml',
    store: { path: './data' },
    sources: [{ name: 'desk', type: 'files', environment, every: '1s', targets }],
    channels: [{ name: 'oncall', type: 'webhook', url: oncall.url }],
    routes: [{ match: { severity: 'critical' }, channels: ['oncall'] }],
  };
  writeFileSync(join(directory, 'plumbline.yaml'), stringify(configuration));
}

async function incidentOf(prompt: string, like: Readonly<Record<string, unknown>>) {
  return eventually(async () => {
    const { data } = await daemon.get(`/api/v1/incidents?prompt=${prompt}`);
    const incident = data.find((each: any) => Object.entries(like).every(([key, value]) => each[key] === value));
    return incident as Record<string, any> | undefined;
  });
}

beforeAll(async () => {
  directory = tempDirectory();
  oncall = await WebhookReceiver.start();
  for (const folder of ['prompts', 'live']) mkdirSync(join(directory, folder));
  for (const prompt of PROMPTS) {
    for (const [index, template] of [OLD, RIGHT].entries()) {
      const version = { id: prompt, version: index + 1, owner: 'team', model: 'gpt-5', tags: ['t'], format: 'plain' };
      writeFileSync(join(directory, `prompts/${prompt}.v${index + 1}.yaml`), stringify({ ...version, template }));
    }
    live(prompt, RIGHT);
  }
  configure('production');
  await runPlumbline(directory, ['lock']);
  daemon = await startDaemon(directory);
  await eventually(async () => (await daemon.get('/api/v1/observations')).data.length >= PROMPTS.length);
});
afterAll(async () => {
  await daemon.stop();
  await oncall.stop();
});

describe('an incident', () => {
  test('whose severity fell ends for those who were told that it began', async () => {
    live('intent', EDITED);
    await incidentOf('intent', { verdict: 'edited' });
    live('intent', OLD);
    await incidentOf('intent', { verdict: 'stale_version' });
    live('intent', RIGHT);
    await eventually(async () => told('intent').length > 1);
    expect(told('intent')).toEqual(['opened', 'resolved']);
  });

  test('that flaps is held open, and says that it was put back and is in sync now', async () => {
    for (const round of [1, 2]) {
      live('intent', EDITED);
      await incidentOf('intent', { status: 'open', verdict: 'edited' });
      if (round === 2) break;
      live('intent', RIGHT);
      await incidentOf('intent', { status: 'resolved' });
    }
    await runPlumbline(directory, ['restore', 'desk/intent', '--reason', 'the pipeline of 14:02']);
    const held = await eventually(async () => {
      const incident = await incidentOf('intent', { status: 'open' });
      return incident['calm_since'] === null ? null : incident;
    });
    expect(held).toMatchObject({ status: 'open', reopened: 2 });
    const shown = await runPlumbline(directory, ['incidents', held['id']]);
    expect(shown.stdout).toContain('the pipeline of 14:02');
    expect(shown.stdout).toContain('calm: in sync again since');
    live('intent', EDITED);
    await incidentOf('intent', { status: 'open', calm_since: null });
    await eventually(async () => told('intent').length >= 5);
    expect(told('intent').slice(2)).toEqual(['reopened', 'resolved', 'reopened']);
  });

  test('is told as it was, also when the channel was away', async () => {
    oncall.misbehave({ status: 500 }, { status: 500 });
    const before = oncall.messages.length;
    live('refund', EDITED);
    await incidentOf('refund', { status: 'open' });
    live('refund', OLD);
    await incidentOf('refund', { verdict: 'stale_version' });
    live('refund', RIGHT);
    await incidentOf('refund', { status: 'resolved' });
    await eventually(async () => oncall.messages.length >= before + 2);
    const messages = oncall.messages.slice(before).map(({ transition, incident }) => {
      return [transition, incident.status, incident.observed.text];
    });
    expect(messages).toEqual([
      ['opened', 'open', EDITED],
      ['resolved', 'resolved', OLD],
    ]);
  });

  test('of a source that stands for another environment now is over', async () => {
    live('refund', EDITED);
    await eventually(async () => told('refund').length > 2);
    await daemon.stop();
    configure('staging');
    daemon = await startDaemon(directory);
    await incidentOf('refund', { environment: 'production', status: 'resolved', resolution: 'no_longer_watched' });
    await eventually(async () => told('refund').length > 3);
    expect(told('refund')).toEqual(['opened', 'resolved', 'reopened', 'resolved']);
  });
});
