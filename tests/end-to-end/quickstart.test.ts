/** What a new user sees: the quick start drifts, tells, counts the calls, and is put back by the command it printed. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually, runPlumbline, startDaemon, type Daemon } from '../support/daemon.ts';

let directory: string;
let daemon: Daemon;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'plumbline-quick-'));
  daemon = await startDaemon(directory);
});
afterAll(async () => {
  await daemon.stop();
  rmSync(directory, { recursive: true, force: true });
});

const TARGET = 'support-desk-config/support.intent-classifier';

test('before the edit everything is in sync, and each call is attributed to its version', async () => {
  const { data: targets } = await eventually(async () => {
    const answer = await daemon.get('/api/v1/targets');
    return answer.data.length === 4 && answer.data.every((target: any) => target.verdicts.length === 1) && answer;
  });
  expect(targets.map((target: any) => target.id)).toContain(TARGET);
  await eventually(async () => {
    const { data } = await daemon.get('/api/v1/usage?group_by=prompt,version');
    const known = new Set(data.map((row: any) => `${row.prompt}@${row.version}`));
    return known.isSupersetOf(
      new Set(['billing.refund-policy@1', 'support.reply-writer@2', 'support.ticket-summary@1']),
    );
  });
});

test('the edit is told with its diff and with what to type next', async () => {
  await daemon.waitFor(/Prompt drift/);
  await daemon.waitFor(/Put it back .* restore support-desk-config\/support\.intent-classifier/);
  expect(daemon.printed()).toMatch(/^\s*-.*Never invent a new intent/m);
  expect(daemon.printed()).toMatch(/^\s*\+.*the intent that sounds best/m);
});

test('calls with the edited text are counted under it', async () => {
  const { data: incidents } = await daemon.get('/api/v1/incidents?status=unresolved');
  expect(incidents).toHaveLength(1);
  await eventually(async () => {
    const { data } = await daemon.get('/api/v1/usage?group_by=prompt,version');
    return data.some(
      (row: any) =>
        row.prompt === 'support.intent-classifier' && row.version.startsWith('unregistered:') && row.calls > 0,
    );
  });
});

test('a dry run writes nothing; the printed command puts it back, and the incident resolves by itself', async () => {
  const live = join(directory, '.plumbline/quickstart/live/intent-classifier.txt');
  const edited = readFileSync(live, 'utf8');
  const rehearsal = await runPlumbline(directory, ['restore', TARGET, '--dry-run', '--url', daemon.api]);
  expect(rehearsal.stdout).toContain('Never invent a new intent');
  expect(rehearsal.code).toBe(0);
  expect(readFileSync(live, 'utf8')).toBe(edited);

  const restored = await runPlumbline(directory, ['restore', TARGET, '--url', daemon.api]);
  expect(restored.stdout + restored.stderr).toContain('holds v1 again');
  expect(restored.code).toBe(0);
  expect(readFileSync(live, 'utf8')).toContain('Never invent a new intent');
  await daemon.waitFor(/Resolved/);
  const status = await runPlumbline(directory, ['status', '--url', daemon.api]);
  expect(status.code).toBe(0);
});

test('a text seen anywhere is explained, an edited one with the edit', async () => {
  const text = readFileSync(join(directory, '.plumbline/quickstart/live/refund-policy.txt'), 'utf8')
    .replace('${amount}', '20 EUR')
    .replace('${order_id}', '7')
    .replace('${delivered_on}', '2026-10-01')
    .replace('${message}', 'I want my money back.');
  writeFileSync(join(directory, 'seen.txt'), text);
  const known = await runPlumbline(directory, ['attribute', 'seen.txt', '--json', '--url', daemon.api]);
  expect(known.code).toBe(0);
  expect(JSON.parse(known.stdout)).toMatchObject({
    kind: 'rendered',
    matches: [{ prompt: 'billing.refund-policy', version: '1', gaps: 4 }],
  });

  writeFileSync(join(directory, 'edited.txt'), text.replace('store credit only', 'refund in full'));
  const near = await runPlumbline(directory, ['attribute', 'edited.txt', '--json', '--url', daemon.api]);
  expect(near.code).toBe(1);
  const answer = JSON.parse(near.stdout);
  expect(answer.kind).toBe('near');
  expect(answer.near[0]).toMatchObject({
    prompt: 'billing.refund-policy',
    version: '1',
    diff: expect.stringContaining('refund in full'),
  });
});

test('a second daemon on the same data says by whom it is used', async () => {
  const second = await runPlumbline(directory, [
    'start',
    '--config',
    '.plumbline/quickstart/plumbline.yaml',
    '--port',
    '0',
    '--otlp-port',
    '0',
    '--grpc-port',
    '0',
  ]);
  expect(second.code).toBe(2);
  expect(second.stderr).toContain(`process ${daemon.process.pid}`);
});

test('it stops gracefully, with its application', async () => {
  expect(await daemon.stop()).toBe(0);
  expect(daemon.printed()).toContain('everything accepted is stored');
});
