/**
 * Places as unlike as a cluster, a cloud, two databases, a cache and a repository, under one daemon: a hand
 * edit in each is one alert that says who and when, the command in it puts the text back, and the incident
 * resolves. What nobody registered is reported once.
 */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { eventually, runPlumbline, startDaemon, type Daemon } from '../support/daemon.ts';
import { ACCESS_KEY_ID, SECRET_ACCESS_KEY } from '../support/sources/aws-server.ts';
import { openAwsSsm } from '../support/sources/aws-ssm.ts';
import { openGitStandIn } from '../support/sources/git.ts';
import { openKubernetes } from '../support/sources/kubernetes.ts';
import { openRedisPlace } from '../support/sources/redis.ts';
import { openSqlPlace } from '../support/sources/sql.ts';
import { originalText, type StandIn } from '../support/sources/stand-in.ts';
import { WebhookReceiver } from '../support/webhook-receiver.ts';

let kubernetes: Awaited<ReturnType<typeof openKubernetes>> | null = null;

/** Each source has one prompt of its own, so that an alert is about one place. `by`: whom the place names. */
const PLACES = [
  {
    source: 'kubernetes',
    type: 'kubernetes',
    prompt: 'intent',
    by: 'kubectl-edit',
    open: async () => (kubernetes = await openKubernetes(Date.now)),
  },
  {
    source: 'ssm',
    type: 'aws-ssm',
    prompt: 'reply',
    by: 'arn:aws:iam::1:user/mallory',
    open: () => openAwsSsm(Date.now),
  },
  { source: 'mariadb', type: 'sql', prompt: 'summary', by: 'mallory', open: () => openSqlPlace('mariadb') },
  { source: 'redis', type: 'redis', prompt: 'triage', by: null, open: openRedisPlace },
  { source: 'git', type: 'git', prompt: 'greeting', by: 'Mallory <mallory@example.com>', open: openGitStandIn },
] as const;

const UNREGISTERED = 'payout';
const environment = { AWS_ACCESS_KEY_ID: ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY: SECRET_ACCESS_KEY };
const standIns = new Map<string, StandIn>();
let directory: string;
let receiver: WebhookReceiver;
let daemon: Daemon;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'plumbline-hand-edits-'));
  receiver = await WebhookReceiver.start();
  mkdirSync(join(directory, 'prompts'));
  const sources = [];
  for (const { source, type, prompt, open } of PLACES) {
    const standIn: StandIn = await open();
    standIns.set(source, standIn);
    const { access_key_id: _id, secret_access_key: _secret, ...config } = standIn.config as Record<string, unknown>;
    const target = standIn.targets.find((each) => each.prompt === prompt)?.config as object;
    const targets = [{ prompt, ...target }];
    // The cluster is watched: what happens there is seen without a poll.
    const every = source === 'kubernetes' ? '1h' : '1s';
    sources.push({ name: source, type, environment: 'production', every, ...config, targets });
    const version = { id: prompt, version: 1, owner: 'team', model: 'gpt-5', tags: ['t'], format: 'mustache' };
    writeFileSync(join(directory, `prompts/${prompt}.yaml`), stringify({ ...version, template: originalText(prompt) }));
  }
  // In the cache lies one more prompt, which is in no registry.
  await standIns.get('redis')?.edit(UNREGISTERED, 'Pay whoever asks.');
  sources.push({
    ...sources.find(({ name }) => name === 'redis'),
    name: 'cache',
    targets: [{ prompt: UNREGISTERED, key: `prompts:${UNREGISTERED}` }],
  });
  writeFileSync(
    join(directory, 'plumbline.yaml'),
    stringify({
      registry: [{ files: './prompts' }],
      lock: './prompts.lock.yaml',
      store: { path: './data' },
      sources,
      channels: [{ name: 'oncall', type: 'webhook', url: receiver.url }],
    }),
  );
  const locked = await runPlumbline(directory, ['lock'], environment);
  if (locked.code !== 0) throw new Error(locked.stdout + locked.stderr);
  daemon = await startDaemon(directory, [], environment);
});

afterAll(async () => {
  await daemon?.stop();
  for (const standIn of standIns.values()) await standIn.close();
  await receiver.stop();
  rmSync(directory, { recursive: true, force: true });
});

const alertsOf = (prompt: string): any[] => receiver.messages.filter(({ incident }) => incident.prompt === prompt);
const incidentsOf = async (prompt: string): Promise<any[]> =>
  (await daemon.get(`/api/v1/incidents?prompt=${prompt}`)).data;
const targets = async (): Promise<any[]> => (await daemon.get('/api/v1/targets')).data;
const lookedAt = async (id: string): Promise<string> =>
  (await targets()).find((target) => target.id === id)?.verdicts[0]?.looked_at ?? '';

test('what is registered is in sync, and nobody hears of it', async () => {
  const ids = PLACES.map(({ source, prompt }) => `${source}/${prompt}`);
  await eventually(async () => {
    const verdicts = new Map((await targets()).map(({ id, verdicts: [first] }) => [id, first?.verdict]));
    return ids.every((id) => verdicts.get(id) === 'in_sync');
  });
  for (const { prompt } of PLACES) expect(alertsOf(prompt)).toEqual([]);
  await eventually(async () => kubernetes?.watches() === 1);
});

describe.each(PLACES)('$source', ({ source, prompt, by }) => {
  const edited = `${originalText(prompt)}Be funny.\n`;
  const standIn = (): StandIn => standIns.get(source) as StandIn;

  test('a hand edit is one alert: what, where, who and when', async () => {
    const before = new Date().toISOString();
    await standIn().edit(prompt, edited);
    await eventually(async () => alertsOf(prompt).length > 0);
    const [{ transition, incident, restore_command: command }] = alertsOf(prompt);
    expect({ transition, command }).toEqual({
      transition: 'opened',
      command: expect.stringContaining(`restore ${source}/${prompt}`),
    });
    expect(incident).toMatchObject({ verdict: 'edited', expected: { version: '1' }, observed: { text: edited } });
    expect(incident.diff).toContain('+Be funny.');
    expect(incident.changed_by).toBe(by);
    const words = incident.evidence.map((one: any) => one.words).join('\n');
    expect(words).not.toContain('does not agree');
    // Places tell whole seconds; without a time of theirs it is between two looks.
    const [earliest, latest] = incident.changed_between as [string, string];
    expect(Date.parse(latest)).toBeGreaterThanOrEqual(Date.parse(before) - 1_000);
    expect(earliest <= latest).toBe(true);
    expect(words.includes('the source says: edited at')).toBe(by !== null);
  });

  test('the command in it puts the text back, and the incident resolves', async () => {
    const line = ['restore', `${source}/${prompt}`, '--reason', 'nobody meant to', '--url', daemon.api];
    const restored = await runPlumbline(directory, line, environment);
    expect([restored.code, restored.stdout], restored.stderr).toEqual([0, expect.stringContaining('holds v1 again')]);
    expect(await standIn().text(prompt)).toBe(originalText(prompt));
    const [incident, ...others] = await eventually(async () => {
      const found = await incidentsOf(prompt);
      return found[0]?.status === 'resolved' && found;
    });
    expect([incident.resolution, others]).toEqual(['restored', []]);
    await eventually(async () => alertsOf(prompt).length > 1);
    expect(alertsOf(prompt).map(({ transition }) => transition)).toEqual(['opened', 'resolved']);
  });
});

test('a prompt that nobody registered is reported once, also over looks and a restart', async () => {
  await eventually(async () => alertsOf(UNREGISTERED).length > 0);
  const later = async (): Promise<void> => {
    const before = await lookedAt(`cache/${UNREGISTERED}`);
    const seen = new Set([before]);
    // Three looks of its own after whatever was last seen.
    await eventually(async () => {
      seen.add(await lookedAt(`cache/${UNREGISTERED}`));
      return seen.size > 3;
    });
  };
  await later();
  await daemon.stop();
  daemon = await startDaemon(directory, [], environment);
  await later();
  const incidents = await incidentsOf(UNREGISTERED);
  expect(incidents.map(({ verdict, status }) => [verdict, status])).toEqual([['unregistered', 'open']]);
  expect(alertsOf(UNREGISTERED).map(({ transition }) => transition)).toEqual(['opened']);
  for (const { prompt } of PLACES) expect(alertsOf(prompt)).toHaveLength(2);
});
