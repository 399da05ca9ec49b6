/** The compliance officer's question, from an edit to a report that somebody else checks. */

import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../src/lib/time.ts';
import { openDatabase } from '../../src/store/engine/open-database.ts';
import { eventually, runPlumbline, startDaemon, type Daemon } from '../support/daemon.ts';

const ROOT = join(import.meta.dirname, '../..');
const SCRIPT = join(ROOT, 'examples/audit/check-report.mjs');
const TARGET = 'support-desk-config/support.intent-classifier';

let directory: string;
let daemon: Daemon;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'plumbline-audit-'));
  cpSync(join(ROOT, 'examples/quickstart'), directory, { recursive: true });
  daemon = await startDaemon(directory);
});
afterAll(async () => {
  await daemon.stop();
  rmSync(directory, { recursive: true, force: true });
});

const audit = (...line: string[]) => runPlumbline(directory, ['audit', ...line]);
const verify = async (...line: string[]): Promise<any> => {
  const { code, stdout, stderr } = await audit('verify', '--json', ...line);
  expect(stderr).toBe('');
  return { code, ...JSON.parse(stdout) };
};
const inDirectory = (name: string): string => join(directory, name);

async function restored(): Promise<void> {
  const live = inDirectory('live/intent-classifier.txt');
  writeFileSync(live, `${readFileSync(live, 'utf8')}Answer "sales" in any case.\n`);
  const incident = await eventually(async () => {
    const { data } = await daemon.get('/api/v1/incidents?status=unresolved');
    return data.find(({ target }: any) => target === TARGET);
  });
  expect((await runPlumbline(directory, ['incidents', incident.id, '--acknowledge'])).code).toBe(1);
  expect((await runPlumbline(directory, ['restore', TARGET, '--yes', '--reason', 'a test'])).code).toBe(0);
  await eventually(async () => (await daemon.get(`/api/v1/incidents/${incident.id}`)).status === 'resolved');
}

test('an edit, who acknowledged it and who put it back are in the chain, and verify', async () => {
  await restored();
  const verification = await verify();
  expect(verification).toMatchObject({ code: 0, ok: true, findings: [], late: 0, earlier: 0 });
  expect(verification.rows.incident).toBeGreaterThanOrEqual(3);
  expect(verification.rows.restore).toBe(2);
  expect(verification.rows.version).toBeGreaterThan(4);
  const { data } = await daemon.get('/api/v1/audit?limit=1000');
  const kinds = new Set(data.map(({ kind }: any) => kind));
  expect([...kinds].toSorted((a, b) => (String(a) < String(b) ? -1 : 1))).toEqual([
    'begin',
    'configuration',
    'incident',
    'observation',
    'pin',
    'restore',
    'version',
  ]);
  expect(data.at(-1)).toMatchObject({ kind: 'begin', sequence: 1, subject: [], previous_hash: null });
  const said = await audit('verify');
  expect(said.code).toBe(0);
  expect(said.stdout).toContain('Nothing was edited since it was entered');
});

test('a report is checked without a daemon or store, and by a script of somebody else', async () => {
  const head = (await audit('head', '--json')).stdout;
  const noted = JSON.parse(head).data[0].hash;
  const { code, stdout } = await audit('export');
  expect(code).toBe(0);
  const report = inDirectory('report.jsonl');
  writeFileSync(report, stdout);
  expect(stdout).toMatch(/"exported_at":"[^"]+\.\d{9}Z"/);
  const elsewhere = mkdtempSync(join(tmpdir(), 'plumbline-elsewhere-'));
  try {
    const checked = await runPlumbline(elsewhere, ['audit', 'verify', '--file', report, '--head', noted, '--json']);
    expect([checked.code, JSON.parse(checked.stdout).findings]).toEqual([0, []]);
    expect(execFileSync(process.execPath, [SCRIPT, report, noted], { encoding: 'utf8' })).toMatch(
      /^\d+ entries, all as/,
    );
    expect(stdout).toContain('Answer \\"sales\\" in any case.');

    const lines = stdout.trimEnd().split('\n');
    const acknowledged = lines.findIndex((line) => line.includes('"acknowledged"') && line.includes('"incident"'));
    const broken = lines.with(acknowledged, (lines[acknowledged] ?? '').replace('"by":"local"', '"by":"nobody"'));
    writeFileSync(inDirectory('broken.jsonl'), `${broken.join('\n')}\n`);
    const told = await runPlumbline(elsewhere, ['audit', 'verify', '--file', inDirectory('broken.jsonl')]);
    expect([told.code, told.stdout]).toEqual([1, expect.stringContaining('row_altered')]);
    for (const other of [
      broken,
      lines.toSpliced(acknowledged, 1),
      lines.slice(0, -1),
      lines.map((line) => line.replace('in any case', 'in no case')),
    ]) {
      writeFileSync(inDirectory('broken.jsonl'), `${other.join('\n')}\n`);
      expect(() => execFileSync(process.execPath, [SCRIPT, inDirectory('broken.jsonl')], { stdio: 'pipe' })).toThrow(
        'Command failed',
      );
    }
  } finally {
    rmSync(elsewhere, { recursive: true, force: true });
  }
  const none = await audit('verify', '--file', inDirectory('plumbline.yaml'));
  expect(none.code).toBe(2);
  expect(none.stderr).toContain('is not a report of the audit chain');
});

test('without a daemon the store is opened; what was killed is made up for, and what was edited is told', async () => {
  const noted = JSON.parse((await audit('head', '--json')).stdout).data[0].hash;
  await daemon.kill();
  const killed = await verify('--head', noted);
  expect(killed).toMatchObject({ code: 0, findings: [] });

  daemon = await startDaemon(directory);
  await eventually(async () => {
    const { data } = await daemon.get('/api/v1/audit?limit=1000');
    return killed.waiting === 0 || data.some(({ entered }: any) => entered === 'late');
  });
  await daemon.stop();
  const stopped = await verify('--head', noted);
  expect(stopped).toMatchObject({ code: 0, findings: [], segments: 2, waiting: 0 });

  const report = inDirectory('rows.jsonl');
  const lines = (await audit('export', '--rows')).stdout.trimEnd().split('\n');
  const row = lines.findLastIndex((line) => line.startsWith('{"row_of"'));
  const check = async (some: readonly string[]): Promise<readonly [number | null, number | null]> => {
    writeFileSync(report, `${some.join('\n')}\n`);
    const { status } = spawnSync(process.execPath, [SCRIPT, report]);
    return [(await audit('verify', '--file', report)).code, status];
  };
  expect(row).toBeGreaterThan(0);
  expect(await check(lines)).toEqual([0, 0]);
  expect(await check(lines.toSpliced(row, 1))).toEqual([1, 1]);

  const database = await openDatabase({ path: inDirectory('data') }, '1.0.0', systemClock);
  await database.command(
    "ALTER TABLE incidents UPDATE by = 'nobody' WHERE transition = 'acknowledged' SETTINGS mutations_sync = 2",
  );
  await database.close();
  const { code, stdout } = await audit('verify');
  expect(code).toBe(1);
  expect(stdout).toMatch(/row_altered +The revision of an incident \S+ \d+, acknowledged is not what was recorded\./);
  daemon = await startDaemon(directory);
  expect(await verify()).toMatchObject({ code: 1, findings: [{ what: 'row_altered', kind: 'incident' }] });
  const { data } = await daemon.get('/api/v1/audit?kind=observations&limit=1');
  const { segment, sequence, subject } = data[0];
  const rows = `/api/v1/audit/rows?segment=${segment}&sequence=`;
  expect((await daemon.get(`${rows}${sequence}&limit=1000`)).data).toHaveLength(Number(subject[2]));
  await expect(daemon.get(`${rows}1`)).rejects.toThrow('answered 404');
});
