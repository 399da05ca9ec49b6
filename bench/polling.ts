/**
 * Ten thousand targets of one process, polled against local servers: how long a poll takes when
 * everything is new, when nothing changed, and how much memory it needs. Three ways to ask: an
 * address for each prompt with an ETag, a list in pages, and batches of a hundred.
 */

import { fork } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sourcePlugins } from '../collectors/index.ts';
import { PollingHost } from '../src/polling/host.ts';
import { openSources } from '../src/polling/open-sources.ts';
import { KnowledgeHorizon } from '../src/lib/knowledge-horizon.ts';
import { systemClock } from '../src/lib/time.ts';
import { HandQueue } from '../tests/support/sources/hand-queue.ts';

const TARGETS = 10_000;
const PROMPT_BYTES = 4_096;
const PAGE_SIZE = 500;
/** What the project promises: each target once a minute. */
const LIMIT_SECONDS = 60;

const keys = Array.from({ length: TARGETS }, (_, index) => `prompt-${index}`);
const textOf = (key: string): string => `You are ${key}. `.repeat(PROMPT_BYTES).slice(0, PROMPT_BYTES);

/** The servers run in a process of their own: what is measured is the poller. */
function serve(): void {
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://bench');
    const json = (value: unknown, headers: Record<string, string> = {}): void => {
      response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value));
    };
    if (url.pathname.startsWith('/items/')) {
      const key = url.pathname.slice('/items/'.length);
      if (request.headers['if-none-match'] === '"1"') response.writeHead(304).end();
      else json({ content: textOf(key) }, { etag: '"1"' });
    } else if (url.pathname === '/list') {
      const from = Number(url.searchParams.get('from') ?? 0);
      const next = from + PAGE_SIZE < TARGETS ? `/list?from=${from + PAGE_SIZE}` : null;
      json({ data: keys.slice(from, from + PAGE_SIZE).map((id) => ({ id, content: textOf(id) })), next });
    } else {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const asked = (JSON.parse(Buffer.concat(chunks).toString()) as { keys: string[] }).keys;
        json({ result: { values: Object.fromEntries(asked.map((key) => [key, textOf(key)])) } });
      });
    }
  });
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
}

const AS_SERVER = 'serve';
if (process.argv[2] === AS_SERVER) serve();

interface Measured {
  readonly name: string;
  readonly first_poll_s: number;
  readonly next_poll_s: number;
  readonly answered: number;
  readonly rss_mb: number;
}

export async function run(args: readonly string[]): Promise<void> {
  const server = fork(import.meta.filename, [AS_SERVER]);
  const port = await new Promise<number>((resolve) => server.once('message', (message) => resolve(Number(message))));
  const origin = `http://127.0.0.1:${port}`;
  const kv = { base_url: origin, api_token: 'bench-token', account_id: 'a', namespace_id: 'n' };
  const measured = [
    await measure('an address each, with ETag', 'http-json', { url: `${origin}/items/{key}` }),
    await measure('a list in pages', 'http-json', { url: `${origin}/list`, items: 'data', next: { link: 'next' } }),
    await measure('batches of a hundred', 'cloudflare-kv', kv),
  ];
  server.kill();
  const slowest = Math.max(...measured.flatMap((each) => [each.first_poll_s, each.next_poll_s]));
  if (args.includes('--json')) {
    console.log(JSON.stringify({ targets: TARGETS, measured, limit_s: LIMIT_SECONDS, ratio: slowest / LIMIT_SECONDS }));
    return;
  }
  for (const { name, first_poll_s: first, next_poll_s: next, answered, rss_mb: rss } of measured) {
    console.log(`${TARGETS} targets, ${name}: ${first} s, then ${next} s (${answered} answered), ${rss} MB resident`);
  }
  console.log(`the slowest took ${(slowest / LIMIT_SECONDS).toFixed(2)} of the ${LIMIT_SECONDS} s that a minute has`);
}

async function measure(name: string, type: string, config: object): Promise<Measured> {
  const queue = new HandQueue();
  const sources = openSources(
    [
      {
        name: 'bench',
        type,
        environment: 'production',
        everyMs: 60_000,
        timeoutMs: 10_000,
        config,
        targets: keys.map((key) => ({ prompt: key, config: { key } })),
      },
    ],
    sourcePlugins,
    { baseDirectory: '/', cacheDirectory: '/nonexistent' },
  );
  let answered = 0;
  const host = new PollingHost({
    sources,
    queue,
    clock: systemClock,
    horizon: new KnowledgeHorizon(systemClock),
    onObservations: (batch) => {
      answered += batch.filter((observation) => observation.outcome === 'held').length;
      return Promise.resolve();
    },
    onEvent: () => undefined,
    limits: { phaseMsMax: 0 },
  });
  await host.start();
  const seconds: number[] = [];
  for (let poll = 0; poll < 2; poll += 1) {
    const startedMs = performance.now();
    await queue.tick('poll:bench');
    seconds.push(Number(((performance.now() - startedMs) / 1_000).toFixed(2)));
  }
  const rss = Math.round(process.memoryUsage().rss / 1024 / 1024);
  await host.stop(1_000);
  const [first = 0, next = 0] = seconds;
  return { name, first_poll_s: first, next_poll_s: next, answered, rss_mb: rss };
}
