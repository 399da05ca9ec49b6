/** A ClickHouse server that takes what it is asked and says nothing: given up soon where an answer takes no work. */

import { once } from 'node:events';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { openServerDatabase, type ServerOptions } from '../../src/store/engine/server-database.ts';

const SOON: Partial<ServerOptions> = { connectTimeoutMs: 300, firstAnswerTimeoutMs: 600, requestTimeoutMs: 900 };

async function listening(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** It lets everybody in, and then does as it is told. */
function thenSays(answer: RequestListener): Promise<string> {
  let isFirst = true;
  const server = createHttpServer((request, response) => {
    request.resume();
    if (isFirst) response.end('1\n');
    else answer(request, response);
    isFirst = false;
  });
  onTestFinished(() => server.closeAllConnections());
  return listening(server);
}

it('gives up to open it, and names it', async () => {
  const url = `http://${await listening(createServer(() => undefined))}`;
  await expect(openServerDatabase({ url, release: '1.2.3', ...SOON })).rejects.toMatchObject({
    kind: 'transient',
    message: `The store failed to open the database plumbline: ${url} did not answer within 600ms.`,
    hint: expect.stringContaining('`url` in `store:`'),
  });
});

it('gives up a connection that does not come about', async () => {
  // It takes the connection and says no word of TLS.
  const url = `https://${await listening(createServer(() => undefined))}`;
  await expect(openServerDatabase({ url, release: '1.2.3', ...SOON })).rejects.toMatchObject({
    kind: 'transient',
    message: `The store failed to open the database plumbline: ${url} took no connection within 300ms.`,
  });
});

it('names it also when it says nothing later', async () => {
  const url = `http://${await thenSays(() => undefined)}`;
  const database = await openServerDatabase({ url, release: '1.2.3', ...SOON });
  await expect(database.insert('t', [{ a: 1 }])).rejects.toMatchObject({
    kind: 'transient',
    message: expect.stringContaining(`insert into t: ${url} gave no good answer within 900ms`),
  });
  await database.close();
});

it('waits for an answer that comes slowly, however long it takes', async () => {
  const url = `http://${await thenSays((_request, response) => {
    let row = 0;
    const timer = setInterval(() => {
      response.write(`{"row":${row++}}\n`);
      if (row < 8) return;
      clearInterval(timer);
      response.end();
    }, 250);
  })}`;
  const database = await openServerDatabase({ url, release: '1.2.3', ...SOON });
  expect(await database.query('SELECT row')).toHaveLength(8);
  await database.close();
});
