import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { sourcePlugins } from '../../collectors/index.ts';
import { Budget } from '../../src/polling/budget.ts';
import { openSources } from '../../src/polling/open-sources.ts';

const MINUTE_MS = 60_000;

describe('a budget of requests', () => {
  it('is kept over any minute, but for those that may go out together, and wastes nothing', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000 }),
        fc.array(fc.integer({ min: 0, max: 5_000 }), { minLength: 1, maxLength: 300 }),
        (perMinute, pauses) => {
          const budget = new Budget(perMinute);
          let now = 0;
          const sentAt: number[] = [];
          for (const pause of pauses) {
            now += pause;
            sentAt.push(now + budget.take(now));
          }
          for (const [index, start] of sentAt.entries()) {
            const sent = sentAt.slice(index).filter((at) => at < start + MINUTE_MS).length;
            expect(sent).toBeLessThanOrEqual(perMinute + 8);
          }
          // All in a row take as long as the budget says, not longer.
          const [last] = sentAt.slice(-1);
          expect(last).toBeLessThanOrEqual(now + (pauses.length / perMinute) * MINUTE_MS + 0.001);
        },
      ),
    );
  });

  it('allows the first at once, however small it is', () => {
    const budget = new Budget(1);
    expect(budget.take(1_000)).toBe(0);
    expect(budget.take(1_000)).toBe(MINUTE_MS);
  });
});

describe('a source with `requests_per_minute`', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('sends no more than that, and gives up waiting when it is told to', async () => {
    const sent: number[] = [];
    const [open] = openSources(
      [
        {
          name: 'budgeted',
          type: 'http-json',
          environment: 'production',
          everyMs: MINUTE_MS,
          timeoutMs: 10_000,
          requestsPerMinute: 30,
          config: { url: 'http://127.0.0.1:1/{key}' },
          targets: Array.from({ length: 20 }, (_, index) => ({ prompt: `p${index}`, config: { key: `k${index}` } })),
        },
      ],
      sourcePlugins,
      {
        baseDirectory: '/',
        cacheDirectory: '/nonexistent',
        fetch: async () => {
          sent.push(performance.now());
          return new Response('{"content":"x"}', { headers: { 'content-type': 'application/json' } });
        },
      },
    );
    const abort = new AbortController();
    const reading = Array.fromAsync(open?.source.live.read(open.targets, new Map(), abort.signal) ?? []).catch(
      (error: unknown) => error,
    );
    await vi.advanceTimersByTimeAsync(1_000);
    const atFirst = sent.length;
    expect(atFirst).toBeGreaterThan(0);
    expect(atFirst).toBeLessThanOrEqual(8);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(sent.length - atFirst).toBeGreaterThanOrEqual(4);
    expect(sent.length - atFirst).toBeLessThanOrEqual(6);
    abort.abort(new Error('The daemon stops.'));
    await vi.advanceTimersByTimeAsync(60_000);
    await reading;
    expect(sent.length).toBeLessThan(20);
  });
});
