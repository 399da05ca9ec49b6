/** Verbs beside a daemon that listens elsewhere than the configuration says, beside the quick start, and beside another's. */

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chatAttributes, tracesBody } from '../ingest/harness.ts';
import { eventually, runPlumbline, startDaemon, type Daemon } from '../support/daemon.ts';

let directory: string;
let own: string;
let quickstart: Daemon;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'plumbline-running-'));
  own = join(directory, 'own');
  mkdirSync(own);
  quickstart = await startDaemon(directory);
});
afterAll(async () => {
  await quickstart.stop();
  rmSync(directory, { recursive: true, force: true });
});

const run = (...line: string[]) => runPlumbline(directory, line);
const inOwn = (...line: string[]) => runPlumbline(own, line);
const port = (url: string) => Number(new URL(url).port);

describe('beside the quick start', () => {
  test('verbs that ask find it, wherever it listens', async () => {
    const status = await run('status');
    expect(status.stdout).toContain('support-desk-config/support.intent-classifier');
    expect((await run('at', 'support.intent-classifier')).stdout).toContain('support.intent-classifier in production');
    for (const line of [['incidents'], ['quarantine'], ['variables', 'support.intent-classifier'], ['outputs']])
      expect((await run(...line)).stderr).not.toContain('No Plumbline daemon');
  });

  test('a name that nobody has is said to be one, with what was meant', async () => {
    const slip =
      'No prompt called support.intent-clasifier is registered or watched. Did you mean support.intent-classifier?';
    for (const verb of ['at', 'usage', 'variables', 'outputs']) {
      const { stderr } = await run(verb, 'support.intent-clasifier');
      expect(stderr, verb).toContain(slip);
    }
    const elsewhere = await run('at', 'support.intent-classifier', '--environment', 'prod');
    expect(elsewhere.code).toBe(1);
    expect(elsewhere.stderr).toContain(
      'In an environment called prod nothing is pinned or watched. There is production.',
    );
    expect((await run('at', 'support.intent-classifier')).stderr).not.toContain('No prompt');
  });

  test('usage says of each group what the API says', async () => {
    const spans = ['gpt-4o', 'gpt-4o', 'own'].map((model) => ({
      attributes: chatAttributes('s', [{ role: 'user', text: 'x' }], 'y', { 'gen_ai.response.model': model }),
    }));
    const headers = { 'content-type': 'application/json' };
    await fetch(`${quickstart.otlp}/v1/traces`, { method: 'POST', headers, body: new Uint8Array(tracesBody(spans)) });
    const range = ['--from', '2020-01-01T00:00:00Z', '--to', '2100-01-01T00:00:00Z'];
    await eventually(async () => {
      const { data } = await quickstart.get('/api/v1/usage?group_by=model');
      return data.some((row: any) => row.model === 'own') && data.some((row: any) => row.calls > 1);
    });
    const answer = JSON.parse((await run('usage', '--by', 'model,version', ...range, '--json')).stdout);
    // The quick start's own calls go on meanwhile.
    const sent = answer.data.filter(({ model }: any) => model === 'gpt-4o' || model === 'own');
    const usage = await run('usage', '--by', 'model, version', ...range);
    const [head, ...lines] = usage.stdout.trimEnd().split('\n');
    expect(head).toMatch(/^model +version +calls +errors +input +cached +output +p50 +p95 +usd +not priced$/);
    const cells = lines.map((line) => line.trimEnd().split(/ {2,}/));
    const shown = cells.filter(([model]) => model === 'gpt-4o' || model === 'own');
    expect(shown.map(([model, version, calls, , , , , , , usd]) => [model, version, calls, usd])).toEqual(
      sent.map((row: any) => [row.model, row.version ?? '-', String(row.calls), row.cost_usd]),
    );
    expect(shown).toContainEqual(['own', '-', '1', '0', '42', '16', '17', '500 ms', '~500 ms', '0.000255']);
    expect(usage.stderr).toContain('~ is of fewer than 20 calls');
    expect((await run('usage', '--from', '2020-01-01T00:00:00Z', '--to', '2020-01-02T00:00:00Z')).stdout).toBe(
      'No calls began in this period.\n',
    );
  });

  test('verbs that read a configuration read that of the quick start, and say so', async () => {
    const validate = await run('validate');
    expect(validate.stdout).toMatch(/Valid: 4 prompts/);
    expect(validate.stderr).toContain('this is about the quick start, which is running');
    expect((await run('lock')).stdout).toContain('Nothing to change');
    expect((await run('discover', 'support-desk-config')).stderr).not.toContain('no source');
    const doctor = JSON.parse((await run('doctor', '--json')).stdout);
    expect(doctor).toMatchObject({ healthy: true });
    expect(doctor.checks).toContainEqual({ what: 'daemon', status: 'ok', words: `running at ${quickstart.api}` });
  });

  test('doctor of a configuration whose ports it has tells the two apart', async () => {
    const ports = `{ port: ${port(quickstart.api)}, otlp_port: 0, grpc_port: 0 }`;
    writeFileSync(join(own, 'plumbline.yaml'), `server: ${ports}\n`);
    const { checks } = JSON.parse((await inOwn('doctor', '--json')).stdout);
    const said = Object.fromEntries(checks.map((check: any) => [check.what, [check.status, check.words].join(': ')]));
    expect(said['daemon']).toBe(
      `warning: the one that answers at ${quickstart.api} does not run on this machine with the data in ${join(own, 'data')}`,
    );
    expect(said[`store ${join(own, 'data')}`]).toMatch(/^ok: opens/);
    expect(said[`port ${port(quickstart.api)} (HTTP API)`]).toMatch(/^failed: .*in use/);
  });
});

describe('beside a daemon with a configuration', () => {
  test('verbs ask where it listens, and believe only the port of what is written there', async () => {
    writeFileSync(join(own, 'plumbline.yaml'), 'server: { port: 9 }\n');
    const daemon = await startDaemon(own);
    try {
      expect(await inOwn('status')).toMatchObject({ code: 0, stdout: expect.stringContaining('No targets') });
      expect((await inOwn('doctor')).stdout).toContain(`running at ${daemon.api}`);
      // From elsewhere it is found by its data.
      expect(await run('status', '--config', 'own/plumbline.yaml')).toMatchObject({ code: 0 });

      const owner = join(own, 'data', 'owner.json');
      const written = JSON.parse(readFileSync(owner, 'utf8'));
      const forged = [`http://elsewhere.invalid:${port(daemon.api)}`, '', 'no address'];
      const answers: unknown[] = [];
      for (const address of forged) {
        writeFileSync(owner, JSON.stringify({ ...written, address }));
        const { code, stderr } = await inOwn('status');
        answers.push([code, stderr.split('\n')[0]]);
      }
      const refused = [2, 'No Plumbline daemon answers at http://127.0.0.1:9.'];
      expect(answers).toEqual([[0, ''], refused, refused]);
      writeFileSync(owner, JSON.stringify(written));
    } finally {
      await daemon.stop();
    }
    expect((await inOwn('status')).stderr).toContain('No Plumbline daemon answers at http://127.0.0.1:9.');
  });

  test('PLUMBLINE_DATA stands for --data, for the daemon and for verbs', async () => {
    const place = join(own, 'in-a-container');
    mkdirSync(place);
    writeFileSync(join(place, 'plumbline.yaml'), 'server: { port: 9 }\n');
    const surroundings = { PLUMBLINE_CONFIG: join(place, 'plumbline.yaml'), PLUMBLINE_DATA: join(own, 'volume') };
    const daemon = await startDaemon(tmpdir(), [], surroundings);
    try {
      expect(existsSync(join(own, 'volume', 'owner.json'))).toBe(true);
      expect(existsSync(join(place, 'data'))).toBe(false);
      expect((await runPlumbline(tmpdir(), ['status'], surroundings)).code).toBe(0);
      const { checks } = JSON.parse((await runPlumbline(tmpdir(), ['doctor', '--json'], surroundings)).stdout);
      expect(checks).toContainEqual({ what: 'daemon', status: 'ok', words: `running at ${daemon.api}` });
      expect((await runPlumbline(place, ['status'])).code).toBe(2);
    } finally {
      await daemon.stop();
    }
  });
});
