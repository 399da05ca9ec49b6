/** Alerts that come together go together. */

import { describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../src/lib/time.ts';
import { AlertScene, editedAt, good, statuses } from './setup.ts';

const scene = new AlertScene();
/** All is well again in so many places. */
const endedAt = (count: number) =>
  editedAt(count).map(({ judgement: { target } }) => ({ ...good, judgement: { ...good.judgement, target } }));

describe('many at once', () => {
  it('are one message to people, and one each to machines', async () => {
    const { desk, deliveries } = await scene.start({ routes: [], clock: systemClock });
    scene.slack.takesOneIn(1_000);
    await desk.take(editedAt(30));
    const all = (transition: string) => Array<string>(30).fill(`${transition} slack delivered`);
    await vi.waitFor(() => {
      expect(deliveries.statuses().filter((row) => row === 'opened slack delivered')).toEqual(all('opened'));
    }, 60_000);
    // One, unless the machine is so slow that they do not come together.
    expect(scene.slack.messages.length).toBeLessThan(6);
    const [message] = scene.slack.messages;
    expect(message?.text).toMatch(/^Prompt drift: support\.intent in production is out of true, in \d+ places\.$/);
    expect(JSON.stringify(message)).toContain('plumbline restore checkout-10/support.intent');
    await vi.waitFor(() => expect(scene.receiver.messages).toHaveLength(30), 60_000);
    const told = scene.slack.messages.length;
    await desk.take(endedAt(30));
    await vi.waitFor(() => {
      expect(deliveries.statuses().filter((row) => row === 'resolved slack delivered')).toEqual(all('resolved'));
    }, 60_000);
    expect(scene.slack.messages.length - told).toBeLessThan(6);
    expect(scene.slack.messages.at(-1)?.text).toMatch(
      /^Resolved: support\.intent in production: \d+ incidents are resolved\.$/,
    );
  }, 180_000);

  it('are recorded as a whole, also by a store that takes no receipt at first, and their end is told', async () => {
    const { desk, deliveries } = await scene.start();
    const append = deliveries.append.bind(deliveries);
    let refusals = 0;
    let takesReceipts = false;
    const stored: string[] = [];
    deliveries.append = async (rows) => {
      const receipt = rows.find(({ status }) => status === 'delivered');
      if (receipt !== undefined && !takesReceipts) {
        refusals += 1;
        throw new Error('The store is away.');
      }
      await append(rows);
      if (receipt?.transition === 'opened') stored.push(receipt.message ?? receipt.id);
    };
    await desk.take(editedAt(8));
    await vi.waitFor(() => expect(refusals).toBeGreaterThan(0), 60_000);
    const sent = scene.slack.requests;
    // It waits until it is known that the beginning was told.
    await desk.take(endedAt(8));
    takesReceipts = true;
    await vi.waitFor(() => {
      expect(deliveries.statuses().toSorted()).toEqual([
        ...Array<string>(8).fill('opened slack delivered'),
        ...Array<string>(8).fill('resolved slack delivered'),
      ]);
    }, 60_000);
    expect(new Set(stored).size).toBe(stored.length);
    expect(stored.length).toBe(sent);
  }, 120_000);

  it('come again together when the receiver is away or asks for patience', async () => {
    const { desk, deliveries } = await scene.start({ clock: systemClock });
    scene.slack.misbehave({ status: 503 }, { status: 429, headers: { 'retry-after': '1' } });
    await desk.take(editedAt(10));
    await statuses(deliveries, Array<string>(10).fill('opened slack delivered'));
    expect(scene.slack.messages.length).toBeLessThan(5);
  }, 120_000);

  it('are not lost with the one that a receiver does not take', async () => {
    const { desk, deliveries } = await scene.start();
    scene.slack.refuses(/checkout-3\//);
    await desk.take(editedAt(8));
    await vi.waitFor(() => expect(deliveries.statuses().filter((row) => row.endsWith('pending'))).toEqual([]), 60_000);
    expect(deliveries.statuses().filter((row) => row.endsWith('delivered'))).toHaveLength(7);
    expect(deliveries.rows.find((row) => row.status === 'failed')?.detail).toContain('400: invalid_blocks');
  });

  it('are given up with one request when the webhook was removed', async () => {
    const { desk, deliveries } = await scene.start();
    scene.slack.remove();
    await desk.take(editedAt(8));
    await statuses(deliveries, Array<string>(8).fill('opened slack failed'));
    expect(scene.slack.requests).toBeLessThan(5);
  });

  it('leave at once when the daemon stops', async () => {
    const stopping = new AbortController();
    // Without the stop this test would not end in time.
    const { desk, deliveries } = await scene.start({ quietMs: 3_600_000, stopping: stopping.signal });
    await desk.take(editedAt(3));
    await vi.waitFor(async () => expect(deliveries.statuses()).toHaveLength(3));
    await new Promise((resolve) => setTimeout(resolve, 100));
    stopping.abort();
    await statuses(deliveries, Array<string>(3).fill('opened slack delivered'));
  });

  it('do not wait for a channel that hangs', async () => {
    const { desk, deliveries } = await scene.start({ routes: [], sendTimeoutMs: 3_600_000 });
    scene.receiver.misbehave(...Array<'hang'>(8).fill('hang'));
    await desk.take(editedAt(8));
    await vi.waitFor(() => {
      expect(deliveries.statuses().filter((row) => row === 'opened slack delivered')).toHaveLength(8);
    }, 60_000);
  });
});
