/**
 * How long an edit takes to reach the receiver of an alert, beside the limit we promise: the poll
 * interval plus two seconds. One target in a watched file, one behind an API that can only be polled.
 */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runPlumbline, startDaemon } from '../tests/support/daemon.ts';

const INTERVAL_MS = 2_000;
const LIMIT_MS = INTERVAL_MS + 2_000;
// Two incidents: after more reopenings a place counts as flapping, and its calm is awaited.
const EDITS = 4;
const GIVE_UP_MS = 30_000;
const TEXT = 'You answer questions about the weather.\n';

export async function run(args: readonly string[]): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'plumbline-alert-'));
  let received: (body: string) => void = () => {};
  let behindApi = TEXT;
  const receiver = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString('utf8')));
    request.on('end', () => {
      received(body);
      response.end('ok');
    });
  });
  const api = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ content: behindApi }));
  });
  const [receiverPort, apiPort] = await Promise.all([listen(receiver), listen(api)]);
  writeProject(directory, receiverPort, apiPort);
  await runPlumbline(directory, ['lock']);
  const daemon = await startDaemon(directory);
  try {
    const edit = {
      file: (text: string) => writeFileSync(join(directory, 'live.txt'), text),
      api: (text: string) => {
        behindApi = text;
      },
    };
    const heard = (prompt: string): Promise<number> => {
      const started = performance.now();
      return new Promise((resolve, reject) => {
        const timer = setTimeout(
          () => reject(new Error(`Nothing about ${prompt} within ${GIVE_UP_MS} ms.\n${daemon.printed()}`)),
          GIVE_UP_MS,
        );
        received = (body) => {
          if (!body.includes(prompt)) return;
          clearTimeout(timer);
          resolve(performance.now() - started);
        };
      });
    };
    const results = [];
    for (const [place, prompt] of [
      ['file', 'bench.file'],
      ['api', 'bench.api'],
    ] as const) {
      const delays: number[] = [];
      for (let count = 0; count < EDITS; count += 1) {
        // Every other edit puts the text back, which is told too. Uneven pauses meet the poll at any phase.
        await new Promise((resolve) => setTimeout(resolve, 300 + ((count * 733) % INTERVAL_MS)));
        const hearing = heard(prompt);
        edit[place](count % 2 === 0 ? TEXT.replace('weather', `tides of ${count}`) : TEXT);
        delays.push(await hearing);
      }
      delays.sort((a, b) => a - b);
      const worst = delays.at(-1) ?? 0;
      results.push({
        place,
        edits: delays.length,
        median_ms: Math.round(delays[delays.length >> 1] ?? 0),
        max_ms: Math.round(worst),
        limit_ms: LIMIT_MS,
        ratio: Number((worst / LIMIT_MS).toFixed(2)),
      });
    }
    if (args.includes('--json')) console.log(JSON.stringify(results));
    else
      for (const { place, edits, median_ms, max_ms, ratio } of results)
        console.log(
          `${place.padEnd(5)} ${edits} changes: median ${median_ms} ms, worst ${max_ms} ms, ${ratio} of the limit of ${LIMIT_MS} ms`,
        );
  } finally {
    await daemon.stop();
    receiver.close();
    api.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

function writeProject(directory: string, receiverPort: number, apiPort: number): void {
  mkdirSync(join(directory, 'prompts'));
  for (const name of ['file', 'api']) {
    writeFileSync(
      join(directory, `prompts/${name}.yaml`),
      `id: bench.${name}\nversion: 1\nowner: bench\nmodel: m\ntags: [bench]\nformat: plain\ntemplate: |\n  ${TEXT}`,
    );
  }
  writeFileSync(join(directory, 'live.txt'), TEXT);
  const source = `environment: production\n    every: ${INTERVAL_MS / 1000}s`;
  writeFileSync(
    join(directory, 'plumbline.yaml'),
    `registry: [{ files: ./prompts }]
lock: ./prompts.lock.yaml
sources:
  - name: watched
    type: files
    ${source}
    targets: [{ prompt: bench.file, path: ./live.txt }]
  - name: polled
    type: http-json
    ${source}
    url: "http://127.0.0.1:${apiPort}/"
    targets: [{ prompt: bench.api, key: api }]
channels:
  - { name: receiver, type: webhook, url: "http://127.0.0.1:${receiverPort}/", secret: "bench-secret-0123456789" }
`,
  );
}
