/** Calls that are older than they are to be kept go, and what they cost stays: a daemon and its command line, as they are. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { chatAttributes } from '../ingest/harness.ts';
import { eventually, runPlumbline, startDaemon } from '../support/daemon.ts';
import { sendSpans } from '../support/send-spans.ts';
import { tempDirectory } from '../support/temp-directory.ts';

const DAY_MS = 86_400_000;

it('lets go of old calls when it is told for how long they are kept, and says so', async () => {
  const directory = tempDirectory();
  const configure = (more: string): void => {
    writeFileSync(join(directory, 'plumbline.yaml'), `store: { path: ./data }\n${more}`);
  };
  configure('');
  const longAgoMs = Date.now() - 100 * DAY_MS;
  const system = `You are a support agent of long ago. ${'Be patient. '.repeat(20)}`;
  const span = (startMs: number, service: string) => ({
    startMs,
    service,
    attributes: chatAttributes(system, [{ role: 'user', text: 'Where is my parcel?' }], 'On its way.', {
      'gen_ai.prompt.name': 'support.router',
    }),
  });
  const first = await startDaemon(directory);
  await sendSpans(first, [span(longAgoMs, 'old'), span(longAgoMs + 60_000, 'old'), span(Date.now(), 'new')]);
  const period = `from=${new Date(longAgoMs - DAY_MS).toISOString()}&to=${new Date().toISOString()}`;
  const usageOf = `/api/v1/usage?group_by=service&${period}`;
  const before = await eventually(async () => {
    const { data: items } = await first.get<{ data: { calls: number }[] }>(usageOf);
    return items.length === 2 && items;
  });
  expect(before).toMatchObject([
    { service: 'old', calls: 2, input_tokens: 84 },
    { service: 'new', calls: 1 },
  ]);
  const asked = ['at', 'support.router', '--time', new Date(longAgoMs + 30_000).toISOString()];
  expect((await runPlumbline(directory, [...asked, '--url', first.api])).stdout).toContain('used by old, 2 calls');
  await first.stop();

  configure('retention: { calls: 60d }\n');
  const second = await startDaemon(directory);
  await second.waitFor(/let go of the calls of a month/, 150_000);
  const calls = await second.get('/api/v1/invocations');
  expect(calls.data).toMatchObject([{ service: 'new' }]);
  // The text is stored again by nobody, and the call of now refers to what was stored with it.
  const call = await second.get(`/api/v1/invocations?service=new`);
  expect(JSON.stringify(call.data[0].input)).toContain('of long ago');
  expect((await second.get(usageOf)).data).toEqual(before);
  const at = await runPlumbline(directory, [...asked, '--url', second.api]);
  expect(at.stdout).toMatch(/used\s+not known any more: calls are kept since \d{4}-\d\d-01T00:00:00/);
  const reprice = ['reprice', '--from', new Date(longAgoMs).toISOString(), '--url', second.api];
  expect((await runPlumbline(directory, reprice)).stderr).toMatch(/Calls are kept since .*: what those before cost/);
  const repriced = JSON.parse((await runPlumbline(directory, [...reprice, '--json'])).stdout);
  expect(repriced).toEqual({
    calls: 1,
    changed: 0,
    calls_kept_since: expect.stringMatching(/^\d{4}-\d\d-01T00:00:00/),
  });
  expect(await second.stop()).toBe(0);
});
