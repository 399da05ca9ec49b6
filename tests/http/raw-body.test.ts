import { afterEach, describe, expect, test } from 'vitest';
import { Fault } from '../../src/contract/fault.ts';
import type { Api } from '../../src/http/api.ts';
import type { RawRequest } from '../../src/http/route.ts';
import type { HttpServer } from '../../src/http/server.ts';
import { wholeServer } from '../support/whole-server.ts';

const servers: HttpServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop(1_000)));
});

async function serve(takePush: Api['takePush']): Promise<string> {
  const server = wholeServer(
    { takePush },
    {
      host: '127.0.0.1',
      port: 0,
      publicUrl: null,
      keys: [{ name: 'reader', scopes: ['read'], key: 'reader-key-0123456789' }],
      version: '1.0.0',
      onBug: (error) => {
        throw error;
      },
    },
  );
  servers.push(server);
  await server.start();
  return server.address;
}

describe('a push', () => {
  test.each([
    ['JSON with odd spacing', 'application/json', '{ "a" :1,\n"a": 2 }'],
    ['what is no JSON', 'application/json', '{"a":'],
    ['a form', 'application/x-www-form-urlencoded', 'payload=%7B%7D'],
    ['bytes without a type', null, Buffer.from([0, 255, 128, 10])],
    ['nothing', 'application/json', ''],
  ])('of %s is handed over byte by byte, without a key', async (_name, type, body) => {
    const seen: [string, RawRequest][] = [];
    const base = await serve(async (source, push) => {
      seen.push([source, push]);
      return ['prod/a'];
    });
    const response = await fetch(`${base}/api/v1/webhooks/prod-langfuse?token=a%20b&token=c`, {
      method: 'POST',
      headers: { 'x-signature': 't=1,v1=ab', ...(type === null ? {} : { 'content-type': type }) },
      body,
    });
    expect(response.status).toBe(202);
    expect(await response.json()).toEqual({ looking_at: ['prod/a'] });
    expect(seen).toHaveLength(1);
    expect(seen[0]?.[0]).toBe('prod-langfuse');
    expect(seen[0]?.[1].headers['x-signature']).toBe('t=1,v1=ab');
    expect(seen[0]?.[1].query).toEqual({ token: 'a b, c' });
    expect(Buffer.from(seen[0]?.[1].body ?? [])).toEqual(Buffer.from(body));
  });

  test('of more than a megabyte is refused before it is looked at', async () => {
    const base = await serve(() => Promise.reject(new Error('not to be called')));
    const init = { method: 'POST', body: 'x'.repeat(1024 * 1024 + 1) };
    const response = await fetch(`${base}/api/v1/webhooks/prod-langfuse`, init);
    expect(response.status).toBe(413);
    expect(response.headers.get('content-type')).toContain('application/problem+json');
  });

  test('that must wait says how long', async () => {
    const base = await serve(() => Promise.reject(new Fault('overloaded', 'Too many.', { retryAfterMs: 1_000 })));
    const response = await fetch(`${base}/api/v1/webhooks/prod-langfuse`, { method: 'POST', body: 'x' });
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1']);
  });
});
