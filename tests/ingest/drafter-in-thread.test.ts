/** A thread drafts as the daemon's own thread would, and what it packed is found here by whoever settles it. */

import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { ContentHash } from '../../src/contract/prompt.ts';
import type { SpanFacts } from '../../src/contract/span-facts.ts';
import type { Acknowledgement, TelemetryRequest } from '../../src/contract/telemetry.ts';
import { ContentSpaces } from '../../src/ingest/content/content-space.ts';
import { contentPolicies, KEEP_EVERYTHING } from '../../src/ingest/content/policy.ts';
import { DEFAULT_TEXT_LIMITS } from '../../src/ingest/content/texts.ts';
import { Drafter } from '../../src/ingest/drafting/drafter.ts';
import type { Drafted } from '../../src/ingest/drafting/draft.ts';
import {
  isWorthAThread,
  ThreadedDrafter,
  type ThreadedDrafterOptions,
} from '../../src/ingest/drafting/drafter-in-thread.ts';
import { DEFAULT_INGEST_LIMITS } from '../../src/ingest/limits.ts';
import { laneOf } from '../../src/ingest/loading/lanes.ts';
import { systemClock } from '../../src/lib/time.ts';
import { startMetrics } from '../../src/observability/metrics.ts';
import { DEFAULT_DECODE_LIMITS } from '../../src/otlp/limits.ts';
import { goldenCases, requestsOf } from '../dialects/cases.ts';
import { chatAttributes, hexId, logsBody, tracesBody } from './harness.ts';

const REFERENCE = /\\u0001([tjhl])(sha256:[0-9a-f]+)/g;

const started: ThreadedDrafter[] = [];

async function startThread(options: Partial<ThreadedDrafterOptions> = {}): Promise<{
  readonly thread: ThreadedDrafter;
  readonly spaces: ContentSpaces;
}> {
  const { policies = KEEP_EVERYTHING } = options;
  const spaces = new ContentSpaces(policies, options.limits?.texts ?? DEFAULT_TEXT_LIMITS);
  const thread = new ThreadedDrafter({
    policies,
    limits: DEFAULT_INGEST_LIMITS,
    received: spaces.received,
    onError: (error) => {
      throw error;
    },
    ...options,
  });
  started.push(thread);
  await thread.start();
  return { thread, spaces };
}

/** Of real emitters. */
function goldenRequests(): readonly TelemetryRequest[] {
  const requests = goldenCases().flatMap((golden) => requestsOf(golden, golden.encodings[0] ?? 'json'));
  return requests.map(({ signal, encoding, bytes }) => ({ signal, encoding, body: bytes }));
}

function isDrafted(drafted: Drafted | Acknowledgement): drafted is Drafted {
  return !('outcome' in drafted);
}

/** What of it is the same wherever it was made. */
function contentOf(drafted: Drafted | Acknowledgement): unknown {
  if (!isDrafted(drafted)) return drafted;
  const { acknowledgement, records, sections, facts } = drafted;
  return {
    acknowledgement,
    records,
    sections: sections.map(({ lane, bytes }) => [lane, bytes.toString()]),
    facts: facts.map(({ traceId, spanId, recordId, startedAt, relatedSince, keys, start, end }) => [
      [traceId, spanId, recordId, startedAt, relatedSince, keys],
      [start, end],
    ]),
  };
}

function traces(...spans: Parameters<typeof tracesBody>[0]): TelemetryRequest {
  return { signal: 'traces', encoding: 'json', body: tracesBody(spans) };
}

/** Every turn repeats all that was said before. */
function conversation(turns: number): readonly TelemetryRequest[] {
  const said: { role: string; text: string }[] = [];
  return Array.from({ length: turns }, (_, turn) => {
    const long = 'and so on '.repeat(30);
    said.push({ role: 'user', text: `Question ${turn}, ${turn % 3 === 0 ? '' : long}` });
    const attributes = chatAttributes(`Be kind. ${long}`, said, `Answer ${turn}, ${long}`, {
      'gen_ai.conversation.id': 'c1',
    });
    said.push({ role: 'assistant', text: `Answer ${turn}, ${long}` });
    return traces({ attributes });
  });
}

afterEach(async () => {
  vi.restoreAllMocks();
  await Promise.all(started.splice(0).map((thread) => thread.stop()));
});

describe('a thread that drafts requests', () => {
  it('is for machines with cores that nobody else needs', () => {
    expect([1, 2, 3, 4, 16].map((cores) => isWorthAThread(cores))).toEqual([false, false, false, true, true]);
  });

  it('makes the rows of each that would be made here, of those that were stored before and those that were not', async () => {
    const { thread } = await startThread();
    const drafter = new Drafter({
      spaces: new ContentSpaces(KEEP_EVERYTHING, DEFAULT_TEXT_LIMITS),
      limits: DEFAULT_DECODE_LIMITS,
      onError: (error) => {
        throw error;
      },
    });
    const requests = [
      ...goldenRequests(),
      ...conversation(12),
      { signal: 'logs' as const, encoding: 'json' as const, body: logsBody([{ timeMs: 1, eventName: 'other' }]) },
      { signal: 'traces' as const, encoding: 'protobuf' as const, body: Buffer.from('no protobuf') },
      { signal: 'traces' as const, encoding: 'protobuf' as const, body: Buffer.alloc(0) },
    ];
    const at = systemClock.now();
    let drafts = 0;
    for (const [number, request] of [...requests, ...requests].entries()) {
      const here = drafter.draft(request, at);
      const there = await thread.draft(request, at);
      expect(contentOf(there)).toEqual(contentOf(here));
      for (const drafted of [here, there]) {
        if (!isDrafted(drafted)) continue;
        drafts += 1;
        if (number % 3 !== 0) drafted.markStored();
        drafted.release();
      }
    }
    expect(drafts).toBeGreaterThan(100);
  });

  it.each(['full', 'redacted', 'hash_only'] as const)(
    'has what their calls refer to at hand here, where content is %s',
    async (mode) => {
      const { thread, spaces } = await startThread({ policies: contentPolicies(mode) });
      const found = { t: 0, j: 0, h: 0, l: 0 };
      for (const request of [...goldenRequests(), ...conversation(40)]) {
        const drafted = await thread.draft(request, systemClock.now());
        if (!isDrafted(drafted)) continue;
        const facts = drafted.sections.find(({ lane }) => laneOf(lane) === 'span_facts')?.bytes.toString() ?? '';
        for (const [, form, hash] of facts.matchAll(REFERENCE)) {
          const isThere =
            form === 'l'
              ? spaces.listAt(hash as ContentHash) !== undefined
              : spaces.textOf(hash as ContentHash, spaces.for(undefined)) !== undefined;
          expect(isThere).toBe(true);
          found[form as keyof typeof found] += 1;
        }
        drafted.markStored();
        drafted.release();
      }
      expect(found.l).toBeGreaterThan(30);
      expect(mode === 'hash_only' ? found.h : found.t).toBeGreaterThan(50);
    },
  );

  it('hands a list over that has all messages of the conversation', async () => {
    const { thread, spaces } = await startThread();
    let depth = 0;
    for (const request of conversation(40)) {
      const drafted = await thread.draft(request, systemClock.now());
      if (!isDrafted(drafted)) throw new Error('It was not drafted.');
      const rows = drafted.sections.find(({ lane }) => laneOf(lane) === 'span_facts')?.bytes.toString() ?? '';
      const [row] = rows.split('\n');
      const { facts } = JSON.parse(row ?? '') as { facts: SpanFacts };
      const list = /l(sha256:[0-9a-f]+)/.exec(JSON.stringify(facts.input))?.[1];
      depth = list === undefined ? 0 : (spaces.listAt(list as ContentHash)?.depth ?? 0);
      drafted.markStored();
      drafted.release();
    }
    expect(depth).toBe(79);
  });

  it('is started again when it ends, and whoever waits for it is told to come again', async () => {
    const said = vi.spyOn(Worker.prototype, 'postMessage');
    const { thread } = await startThread();
    const [request] = conversation(1) as [TelemetryRequest];
    expect(isDrafted(await thread.draft(request, systemClock.now()))).toBe(true);
    const [worker] = said.mock.contexts as Worker[];
    const waiting = thread.draft(request, systemClock.now());
    await worker?.terminate();
    expect(await waiting).toMatchObject({ outcome: 'overloaded', retryAfterMs: DEFAULT_INGEST_LIMITS.retryAfterMs });
    expect(await thread.draft(request, systemClock.now())).toMatchObject({ outcome: 'overloaded' });
    await expect
      .poll(async () => isDrafted(await thread.draft(request, systemClock.now())), { timeout: 20_000 })
      .toBe(true);
  });

  it('counts where the metrics are', async () => {
    const metrics = startMetrics('0.0.0-test');
    const texts = { ...DEFAULT_TEXT_LIMITS, textCharactersMax: 1_000 };
    const { thread } = await startThread({ limits: { ...DEFAULT_INGEST_LIMITS, texts } });
    const attributes = chatAttributes('x'.repeat(2_000), [], 'y'.repeat(3_000));
    await thread.draft(traces({ traceId: hexId(16), attributes }), systemClock.now());
    expect(await metrics.text()).toMatch(/^plumbline_ingest_cut_texts_total\S* 2$/m);
    await metrics.stop();
  });

  it('goes on while memory is short, and gives back what it does not need', async () => {
    const { thread } = await startThread();
    thread.memoryIsShort(true);
    for (const request of conversation(3)) expect(isDrafted(await thread.draft(request, systemClock.now()))).toBe(true);
    thread.memoryIsShort(false);
  });
});
