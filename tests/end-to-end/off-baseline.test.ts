/** Calls get dearer, and worse: the real daemon, told of days of them over OTLP, says how far they left what is declared. */

import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { compareText } from '../../src/lib/compare.ts';
import { chatAttributes } from '../ingest/harness.ts';
import { eventually, runPlumbline, startDaemon, type Daemon } from '../support/daemon.ts';
import { callsOfHours, HOUR_MS, lastHourEndMs } from '../support/ended-hours.ts';
import { lock, writeConfiguration, writeVersion } from '../support/project.ts';
import { sendSpans } from '../support/send-spans.ts';
import { tempDirectory } from '../support/temp-directory.ts';
import { WebhookReceiver } from '../support/webhook-receiver.ts';

const TEXT = 'You find out what a message is about. Answer with the intent.';
const HOURS = 72;
const CHANGED_HOURS = 20;
const PER_HOUR = 4;
const INCIDENTS = '/api/v1/incidents';

test(
  'calls that left their declared baseline are told once, and no more once that is corrected',
  { timeout: 240_000 },
  async () => {
    const receiver = await WebhookReceiver.start();
    const directory = tempDirectory();
    const metrics = 'metrics: { cost_per_call_usd: 0.001, baseline_accuracy: 0.9 }';
    const file = writeVersion(directory, { id: 'support.intent', model: 'small', template: TEXT, more: [metrics] });
    writeConfiguration(directory, [
      'prices: [{ model: small, input_usd_per_million: 1, output_usd_per_million: 0 }]',
      `channels: [{ name: hook, type: webhook, url: ${receiver.url} }]`,
      'routes: [{ channels: [hook] }]',
    ]);
    await lock(directory);

    const first = await startDaemon(directory);
    const endMs = lastHourEndMs();
    const startMs = endMs - HOURS * HOUR_MS;
    await sendCalls(first, startMs);
    await eventually(async () => {
      const period = `from=${new Date(startMs).toISOString()}`;
      const { data } = await first.get<{ data: any[] }>(`/api/v1/usage?group_by=prompt,version&${period}`);
      return data[0]?.calls === HOURS * PER_HOUR && data[0].evaluations.accuracy?.scored === HOURS * PER_HOUR;
    }, 60_000);
    await first.stop();

    // A start looks at what it has not seen.
    const daemon = await startDaemon(directory);
    const incidents = await eventually(async () => {
      const { data } = await daemon.get<{ data: any[] }>(INCIDENTS);
      return data.length >= 2 && data;
    }, 90_000);
    expect(incidents.map(({ target }): string => target).toSorted(compareText)).toEqual([
      'baseline:baseline_accuracy/support.intent',
      'baseline:cost_per_call_usd/support.intent',
    ]);
    const cost = incidents.find(({ target }) => target.includes('cost_per_call_usd'));
    const changedMs = endMs - CHANGED_HOURS * HOUR_MS;
    expect(cost).toMatchObject({
      verdict: 'off_baseline',
      status: 'open',
      severity: 'warning',
      owner: 'support-team',
      environment: 'production',
      expected: { version: '1' },
      changed_between: [changedMs - HOUR_MS, changedMs + HOUR_MS].map((ms) =>
        new Date(ms).toISOString().replace('Z', '000000Z'),
      ),
      // Those of the hour before, in which it may have begun, too.
      invocations_affected: (CHANGED_HOURS + 1) * PER_HOUR,
    });

    await eventually(() => Promise.resolve(receiver.messages.length >= 2), 30_000);
    const alerts = JSON.stringify(receiver.messages);
    expect(receiver.messages).toHaveLength(2);
    // An hour more may have ended since the calls were made up.
    expect(alerts).toMatch(
      /support\.intent in production: the cost of a call of v1 is \$0\.005, not \$0\.001 as declared, about \$0\.3\d+ a day more\./,
    );
    expect(alerts).toContain('the accuracy of v1 is 0, not 0.9 as declared.');

    const shown = await runPlumbline(directory, ['incidents', cost.id, '--url', daemon.api]);
    expect(shown.stdout).toMatch(/^-cost of a call: \$0\.001\n\+cost of a call: \$0\.005/m);
    expect(shown.stdout).toContain('-input tokens of a call, before: 1,000');

    // What is right now is written down: a start judges anew, as looks do within minutes.
    const accuracy = incidents.find(({ target }) => target.includes('baseline_accuracy'));
    expect(await runPlumbline(directory, ['incidents', accuracy.id, '--resolve', '--url', daemon.api])).toMatchObject({
      code: 0,
    });
    await daemon.stop();
    writeFileSync(file, readFileSync(file, 'utf8').replace('cost_per_call_usd: 0.001', 'cost_per_call_usd: 0.005'));
    const corrected = await startDaemon(directory);
    const resolved = await eventually(async () => {
      const { data } = await corrected.get<{ data: any[] }>(INCIDENTS);
      return data.every(({ status }) => status === 'resolved') && data;
    }, 60_000);
    expect(resolved).toHaveLength(2);
    await eventually(() => Promise.resolve(receiver.messages.length >= 4), 30_000);
    expect(receiver.messages.slice(2).map(({ transition, incident }) => [transition, incident.resolution])).toEqual([
      ['resolved', 'local'],
      ['resolved', 'in_sync_again'],
    ]);
    expect(await corrected.stop()).toBe(0);
    expect(receiver.messages).toHaveLength(4);
    await receiver.stop();
  },
);

async function sendCalls(daemon: Daemon, startMs: number): Promise<void> {
  const isChanged = (hour: number): boolean => hour >= HOURS - CHANGED_HOURS;
  const spans = callsOfHours(startMs, { hours: HOURS, perHour: PER_HOUR }, (hour, index) => ({
    ...chatAttributes(TEXT, [{ role: 'user', text: `Message ${index}.` }], 'billing'),
    'gen_ai.request.model': 'small',
    'gen_ai.response.model': 'small',
    'gen_ai.usage.input_tokens': isChanged(hour) ? 5_000 : 1_000,
    'gen_ai.usage.output_tokens': 10,
  }));
  await sendSpans(daemon, spans);
  const feedback = spans.map(({ traceId, spanId }, index) => {
    const score = isChanged(Math.floor(index / PER_HOUR)) || index % 20 === 0 ? 0 : 1;
    return { trace_id: traceId, span_id: spanId, name: 'accuracy', score, environment: 'production' };
  });
  const judged = await fetch(new URL('/api/v1/feedback', daemon.api), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(feedback),
  });
  if (judged.status !== 202) throw new Error(`Feedback was answered with ${judged.status}.`);
}
