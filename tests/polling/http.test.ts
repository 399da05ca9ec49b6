/** The bounded fetch against a real server that misbehaves in each way. */

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Fault } from '../../src/contract/fault.ts';
import { boundedFetch, retryAfterMs, statusFault } from '../../src/lib/http.ts';

const get = boundedFetch({ bodyBytesMax: 10_000, timeoutMs: 20_000 });
const getSoon = boundedFetch({ bodyBytesMax: 10_000, timeoutMs: 250 });
const servers: Server[] = [];
let base = '';
let elsewhere = '';
const heard: { url: string | undefined; authorization: string | undefined }[] = [];

async function listen(server: Server): Promise<string> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

beforeAll(async () => {
  elsewhere = await listen(
    createServer((request, response) => {
      heard.push({ url: request.url, authorization: request.headers.authorization });
      response.end('elsewhere');
    }),
  );
  base = await listen(
    createServer((request, response) => {
      const path = request.url ?? '';
      if (path === '/fine') response.end('fine');
      else if (path === '/echo') request.pipe(response);
      else if (path === '/long') response.writeHead(200, { 'content-length': 50_000_000 }).write('x');
      else if (path === '/endless') pour();
      else if (path === '/bomb')
        response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(5_000_000)));
      else if (path === '/silent') return;
      else if (path === '/slow-body') response.writeHead(200).write('half');
      else if (path === '/hang-up') response.destroy();
      else if (path === '/cut')
        response.writeHead(200, { 'content-length': 100 }).end('short', () => response.destroy());
      else if (path === '/not-modified') response.writeHead(304, { etag: '"1"' }).end();
      else if (path === '/loop') response.writeHead(302, { location: '/loop' }).end();
      else if (path === '/moved') response.writeHead(308, { location: '/echo' }).end();
      else if (path === '/see-other') response.writeHead(303, { location: '/fine' }).end();
      else if (path === '/away') response.writeHead(302, { location: `${elsewhere}/away` }).end();
      else if (path === '/file') response.writeHead(302, { location: 'file:///etc/passwd' }).end();

      function pour(): void {
        while (!response.destroyed && response.write('x'.repeat(1_000)));
        response.once('drain', pour);
      }
    }),
  );
});

afterAll(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});

async function failure(path: string, init?: RequestInit, ask = get): Promise<Fault> {
  try {
    await (await ask(base + path, init)).text();
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error('It did not fail.');
}

describe('boundedFetch', () => {
  it('answers, with an answer that has no body too', async () => {
    expect(await (await get(`${base}/fine`)).text()).toBe('fine');
    const unchanged = await get(`${base}/not-modified`);
    expect([unchanged.status, unchanged.headers.get('etag')]).toEqual([304, '"1"']);
  });

  it.each(['/long', '/endless', '/bomb'])('stops at too many bytes: %s', async (path) => {
    expect(await failure(path)).toMatchObject({
      kind: 'permanent',
      message: `${base} answered with more than 10 KiB.`,
    });
  });

  it.each(['/silent', '/slow-body'])('stops when time is over: %s', async (path) => {
    expect(await failure(path, {}, getSoon)).toMatchObject({
      kind: 'transient',
      message: `${base} did not answer completely within 250ms.`,
    });
  });

  it.each(['/hang-up', '/cut'])('explains a broken connection: %s', async (path) => {
    expect(await failure(path)).toMatchObject({ kind: 'transient', message: `${base} closed the connection.` });
  });

  it('explains an address where nobody listens, without what may be secret in it', async () => {
    const gone = createServer();
    const origin = await listen(gone);
    await new Promise((resolve) => gone.close(resolve));
    const error = await get(`${origin}/path?key=secret`).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ kind: 'transient', message: `${origin} refused the connection.` });
  });

  it("gives the caller's own reason when the caller aborts", async () => {
    const controller = new AbortController();
    const request = get(`${base}/silent`, { signal: controller.signal });
    controller.abort(new Error('No longer needed.'));
    await expect(request).rejects.toThrow('No longer needed.');
  });
});

describe('redirects', () => {
  it('keeps method and body where the status says so, and turns to GET where it says so', async () => {
    expect(await (await get(`${base}/moved`, { method: 'PUT', body: 'kept' })).text()).toBe('kept');
    expect(await (await get(`${base}/see-other`, { method: 'POST', body: 'dropped' })).text()).toBe('fine');
  });

  it('ends a loop', async () => {
    expect((await failure('/loop')).message).toContain('redirected more than 5 times');
  });

  it('follows to another host with harmless headers only', async () => {
    expect(await (await get(`${base}/away`, { headers: { accept: 'text/plain' } })).text()).toBe('elsewhere');
    heard.length = 0;
    for (const header of ['authorization', 'x-api-key', 'cookie']) {
      expect((await failure('/away', { headers: { [header]: 'secret' } })).message).toContain(
        'credentials are not sent on',
      );
    }
    expect((await failure('/away', { method: 'POST', body: 'secret' })).message).toContain(
      'credentials are not sent on',
    );
    expect(heard).toEqual([]);
  });

  it.each([
    'http://169.254.169.254/latest/meta-data/',
    'http://[fe80::1]/',
    'http://[::ffff:a9fe:a9fe]/',
    'http://[fd00:ec2::23]/v1/credentials',
    'http://[fd20:ce::254]/computeMetadata/v1/',
    'http://[fd00:42::42]/conf',
    'http://100.100.100.200/',
    'http://192.0.0.192/',
    'http://localhost:7070/api/v1/prompts',
    'http://127.1:7070/',
    'http://0.0.0.0:7070/',
    'http://[::1]:7070/',
  ])('follows from no other host into this machine or its cloud: %s', async (location) => {
    const asked: string[] = [];
    const answer: typeof fetch = async (url) => {
      asked.push(url instanceof Request ? url.url : url.toString());
      return asked.length === 1 ? new Response(null, { status: 302, headers: { location } }) : new Response('secret');
    };
    const failed: unknown = await boundedFetch(
      undefined,
      answer,
    )('http://prompts.example/a').then(
      (response) => response.text(),
      (error: unknown) => error,
    );
    expect(failed).toMatchObject({ name: 'Fault', kind: 'permanent', hint: expect.stringContaining('configuration') });
    expect(asked).toEqual(['http://prompts.example/a']);
  });

  it('follows to no other scheme', async () => {
    expect((await failure('/file')).message).toContain('file:');
  });
});

describe('statuses', () => {
  const response = (status: number, headers: Record<string, string> = {}) => new Response(null, { status, headers });

  it.each([
    [429, 'overloaded'],
    [500, 'transient'],
    [503, 'transient'],
    [408, 'transient'],
    [401, 'permanent'],
    [403, 'permanent'],
    [400, 'permanent'],
  ])('%i is %s', (status, kind) => {
    expect(statusFault('https://place.example/x?key=1', response(status), 'because')).toMatchObject({
      kind,
      message: `https://place.example answered ${status}: because.`,
    });
  });

  it.each([
    [{ 'retry-after': '7' }, 7_000],
    [{ 'retry-after': '0' }, 0],
    [{ 'retry-after': '999999999' }, 3_600_000],
    // Our clock may be years off; the server's two dates are enough.
    [{ 'retry-after': 'Wed, 21 Oct 2015 07:28:30 GMT', date: 'Wed, 21 Oct 2015 07:28:00 GMT' }, 30_000],
    [{ 'retry-after': 'Wed, 21 Oct 2015 07:28:00 GMT', date: 'Wed, 21 Oct 2015 07:29:00 GMT' }, 0],
    [{ 'retry-after': 'soon' }, undefined],
    [
      {
        'x-ratelimit-remaining': '0',
        'x-ratelimit-reset': '1445412510',
        date: 'Wed, 21 Oct 2015 07:28:00 GMT',
      },
      30_000,
    ],
    [{ 'x-ratelimit-remaining': '1', 'x-ratelimit-reset': '1445412510' }, undefined],
    [{}, undefined],
  ])('reads %j as %s ms', (headers, expected) => {
    expect(retryAfterMs(new Headers(headers))).toBe(expected);
  });

  it('takes a 403 that says when to come back for a limit, and another for a refusal', () => {
    const refused = (headers: Record<string, string>) =>
      statusFault(base, new Response(null, { status: 403, headers }));
    expect(refused({ 'retry-after': '20' })).toMatchObject({ kind: 'overloaded', retryAfterMs: 20_000 });
    expect(refused({})).toMatchObject({ kind: 'permanent', hint: 'Check the key and what it may read.' });
  });
});
