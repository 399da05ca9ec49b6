/** Verbs beside a daemon that listens elsewhere than the configuration says, beside the quick start, and beside another's. */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runPlumbline, startDaemon, type Daemon } from '../support/daemon.ts';

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
    for (const line of [['incidents'], ['quarantine'], ['variables', 'support.intent-classifier']])
      expect((await run(...line)).stderr).not.toContain('No Plumbline daemon');
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
});
