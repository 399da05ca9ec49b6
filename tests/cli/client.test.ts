/** What the command line makes of what listens where it asks. */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { daemonClient } from '../../src/cli/client.ts';

const closers: (() => void)[] = [];
afterEach(() => closers.splice(0).forEach((close) => close()));

async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('a daemon that a proxy has put below a path is asked there', async () => {
  const asked: unknown[] = [];
  const url = await serve((request, response) => {
    asked.push(request.url);
    response.end('{"status":"ok"}');
  });
  for (const below of ['/plumbline', '/plumbline/', '']) {
    const client = daemonClient(`${url}${below}`, undefined);
    await client.get('/api/v1/targets', { limit: '1' });
    expect(await client.isRunning()).toBe(true);
  }
  const [under, health] = ['/plumbline/api/v1/targets?limit=1', '/plumbline/healthz'];
  expect(asked).toEqual([under, health, under, health, '/api/v1/targets?limit=1', '/healthz']);
});

test('a page that something else answers with is no bug of ours', async () => {
  for (const status of [200, 404, 502]) {
    const url = await serve((_request, response) => response.writeHead(status).end('<html>Log in</html>'));
    await expect(daemonClient(url, undefined).get('/api/v1/targets')).rejects.toMatchObject({
      name: 'Fault',
      message: `${url} answered ${status}, and not as a Plumbline daemon does.`,
    });
  }
});

test('who has no key hears where it is set', async () => {
  const url = await serve((_request, response) => response.writeHead(401).end('{"detail":"This needs a key."}'));
  await expect(daemonClient(url, undefined).get('/api/v1/targets')).rejects.toMatchObject({
    message: 'This needs a key.',
    hint: expect.stringContaining('PLUMBLINE_KEY'),
  });
});
