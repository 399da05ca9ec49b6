/**
 * `kill -9` at random moments under load: whatever was acknowledged is there afterwards, once.
 * KILLS=50 for the long run; KILL_SEED repeats one.
 */

import { spawn, type ChildProcess } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { tempDirectory } from '../support/temp-directory.ts';
import { chatAttributes, eventually, openStore, tracesBody, type SpanDraft } from './harness.ts';

const KILLS = Number(process.env['KILLS'] ?? 6);
const SEED = Number(process.env['KILL_SEED'] ?? Date.now() % 1_000_000);
const SENDERS = 4;
const SPANS_PER_REQUEST = 20;

/** Mulberry32: the same seed gives the same moments and the same spans. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const random = randomFrom(SEED);

function randomHex(digits: number): string {
  return Array.from({ length: digits }, () => Math.floor(random() * 16).toString(16)).join('');
}

async function start(directory: string): Promise<{ child: ChildProcess; port: number }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'ingest-process.ts'), directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout?.on('data', (text: Buffer) => {
      const match = /listening (\d+)/.exec(text.toString());
      if (match !== null) resolve(Number(match[1]));
    });
    child.once('exit', (code) => reject(new Error(`it ended with ${code}`)));
  });
  return { child, port };
}

/** A call with an outer view of it, one trace each; sometimes one call of a shared trace. */
function spansOfRequest(shared: string): SpanDraft[] {
  return Array.from({ length: SPANS_PER_REQUEST }, (_, index) => {
    const traceId = index % 5 === 0 ? shared : randomHex(32);
    // More messages than stand in place: the history is a list, most of it shared.
    const history = Array.from({ length: 6 }, (_unused, turn) => ({ role: 'user', text: `message ${turn}` }));
    const text = `question ${randomHex(40)} ${'long '.repeat(Math.floor(random() * 60))}`;
    return {
      traceId,
      spanId: randomHex(16),
      attributes: chatAttributes(
        'You answer questions about orders, shortly and politely, in the words of the user, and never guess.',
        [...history, { role: 'user', text }],
        'yes',
      ),
    };
  });
}

async function send(port: number, acknowledged: Set<string>, sent: Set<string>, shared: string): Promise<void> {
  for (;;) {
    const spans = spansOfRequest(shared);
    const ids = spans.map((span) => `${span.traceId}/${span.spanId}`);
    for (const id of ids) sent.add(id);
    try {
      const response = await fetch(`http://127.0.0.1:${port}/v1/traces`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: new Uint8Array(tracesBody(spans)),
      });
      if (response.status !== 200) continue;
      for (const id of ids) acknowledged.add(id);
    } catch {
      return;
    }
  }
}

it(`loses nothing over ${KILLS} kills, seed ${SEED}`, { timeout: 180_000 + KILLS * 10_000 }, async () => {
  console.log(`KILL_SEED=${SEED} KILLS=${KILLS}`);
  const directory = tempDirectory();
  const acknowledged = new Set<string>();
  const sent = new Set<string>();
  const shared = randomHex(32);
  for (let kill = 0; kill < KILLS; kill += 1) {
    const { child, port } = await start(directory);
    const ended = new Promise((resolve) => {
      child.once('exit', resolve);
    });
    const senders = Array.from({ length: SENDERS }, () => send(port, acknowledged, sent, shared));
    setTimeout(() => child.kill('SIGKILL'), 50 + random() * 1_200);
    await ended;
    await Promise.all(senders);
  }
  const last = await start(directory);
  const ended = new Promise((resolve) => {
    last.child.once('exit', resolve);
  });
  // What was acknowledged in short lives may still wait in the spool; nobody kills this one.
  const spool = join(directory, 'spool');
  await eventually(
    () => Promise.resolve(readdirSync(spool)),
    ({ length }) => length === 0,
    120_000,
  );
  expect(readdirSync(spool)).toEqual([]);
  last.child.kill('SIGTERM');
  await ended;

  const { database, invocations } = await openStore(join(directory, 'store'));
  const rows = await database.query<{ id: string; rows: string }>(
    `SELECT concat(trace_id, '/', span_id) AS id, count() AS rows FROM invocations FINAL
       WHERE is_deleted = 0 GROUP BY id`,
  );
  let unreadable = 0;
  let listed = 0;
  for (let cursor: string | undefined; ;) {
    const page = await invocations.list({}, { limit: 1_000, cursor });
    listed += page.items.length;
    unreadable += page.items.filter(({ invocation }) => invocation.input?.length !== 8).length;
    unreadable += page.items.filter(({ invocation }) => JSON.stringify(invocation.input).includes('not kept')).length;
    if (page.nextCursor === null) break;
    cursor = page.nextCursor;
  }
  await database.close();
  const stored = new Set(rows.map(({ id }) => id));
  console.log(`sent ${sent.size}, acknowledged ${acknowledged.size}, stored ${stored.size}`);
  expect([...acknowledged].filter((id) => !stored.has(id))).toEqual([]);
  expect(rows.filter((row) => row.rows !== '1')).toEqual([]);
  expect([...stored].filter((id) => !sent.has(id))).toEqual([]);
  expect([listed, unreadable]).toEqual([stored.size, 0]);
  expect(acknowledged.size).toBeGreaterThan(KILLS * SPANS_PER_REQUEST);
});
