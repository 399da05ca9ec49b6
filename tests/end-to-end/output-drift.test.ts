/** A provider changes what is behind a model's name: the real daemon, told of a week of calls over OTLP, says so. */

import { expect, test } from 'vitest';
import { chatAttributes } from '../ingest/harness.ts';
import { eventually, runPlumbline, startDaemon, type Daemon } from '../support/daemon.ts';
import { callsOfHours, HOUR_MS, lastHourEndMs } from '../support/ended-hours.ts';
import { outputText } from '../support/generated-outputs.ts';
import { lock, writeConfiguration, writeVersion } from '../support/project.ts';
import { seededRandom } from '../support/random.ts';
import { sendSpans } from '../support/send-spans.ts';
import { tempDirectory } from '../support/temp-directory.ts';
import { WebhookReceiver } from '../support/webhook-receiver.ts';

const TEXT = 'You find out what a message is about. Answer with the intent, and how sure you are of it.';
/** Learned from; and what came after that, of which the last hours are others. */
const HOURS = 7 * 24 + 30;
const CHANGED_HOURS = 8;
const PER_HOUR = 5;

test('answers that changed are told once, with what was typical and examples', { timeout: 240_000 }, async () => {
  const receiver = await WebhookReceiver.start();
  const directory = tempDirectory();
  writeVersion(directory, { id: 'support.intent', template: TEXT });
  writeConfiguration(directory, [
    `channels: [{ name: hook, type: webhook, url: ${receiver.url} }]`,
    'routes: [{ channels: [hook] }]',
  ]);
  await lock(directory);

  const first = await startDaemon(directory);
  const endMs = lastHourEndMs();
  await sendWeek(first, endMs - HOURS * HOUR_MS);
  await eventually(async () => {
    const period = `from=${new Date(endMs - HOURS * HOUR_MS).toISOString()}`;
    const { data } = await first.get<{ data: { calls: number }[] }>(`/api/v1/usage?group_by=prompt,version&${period}`);
    return data[0]?.calls === HOURS * PER_HOUR;
  }, 60_000);
  await first.stop();

  // A start looks at what it has not seen.
  const daemon = await startDaemon(directory);
  const incident = await eventually(async () => {
    const { data } = await daemon.get<{ data: any[] }>('/api/v1/incidents');
    return data.find(({ verdict }) => verdict === 'output_drift');
  }, 90_000);
  expect(incident).toMatchObject({
    status: 'open',
    severity: 'warning',
    prompt: 'support.intent',
    owner: 'support-team',
    environment: 'production',
    expected: { version: '1' },
    invocations_affected: CHANGED_HOURS * PER_HOUR,
  });
  const [after, by] = incident.changed_between;
  const changedMs = endMs - CHANGED_HOURS * HOUR_MS;
  expect([Date.parse(after) <= changedMs, Date.parse(by) > changedMs]).toEqual([true, true]);

  await eventually(() => Promise.resolve(receiver.messages.length > 0), 30_000);
  const [alert, ...more] = receiver.messages;
  expect(more).toEqual([]);
  expect(JSON.stringify(alert)).toContain('answers that are JSON: 0 %');

  const shown = await runPlumbline(directory, ['incidents', incident.id, '--url', daemon.api]);
  expect(shown.stdout).toMatch(/^-answers that are JSON: 100 %$/m);
  expect(shown.stdout).toMatch(/^\+e\.g\. This is about /m);
  const outputs = await runPlumbline(directory, ['outputs', 'support.intent', '--url', daemon.api]);
  expect(outputs).toMatchObject({
    code: 1,
    stdout: expect.stringMatching(/changed between .*\n[^]*answers that are JSON/),
  });
  const resolved = await runPlumbline(directory, ['incidents', incident.id, '--resolve', '--url', daemon.api]);
  expect(resolved.code).toBe(0);
  expect(await daemon.stop()).toBe(0);
  await receiver.stop();
});

async function sendWeek(daemon: Daemon, startMs: number): Promise<void> {
  const random = seededRandom(5);
  const spans = callsOfHours(startMs, { hours: HOURS, perHour: PER_HOUR }, (hour, index) => {
    const style = hour < HOURS - CHANGED_HOURS ? 'json' : 'chatty';
    return chatAttributes(TEXT, [{ role: 'user', text: `Message ${index}.` }], outputText(style, random));
  });
  await sendSpans(daemon, spans);
}
