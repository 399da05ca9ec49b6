/** The HTTP API's manners: keys and scopes, problem documents, its own description, ports. */

import { once } from 'node:events';
import { get, request, type IncomingMessage } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import { Fault } from '../../src/contract/fault.ts';
import type { Timestamp } from '../../src/contract/time.ts';
import type { Api, EarlyApi } from '../../src/http/api.ts';
import { API_ROUTES, HttpServer, type HttpServerOptions } from '../../src/http/server.ts';
import { wholeServer } from '../support/whole-server.ts';

const NOW = '2026-11-20T10:00:00.000000000Z' as Timestamp;
const KEYS = [
  { name: 'reader', scopes: ['read' as const], key: 'reader-key-0123456789' },
  { name: 'boss', scopes: ['admin' as const], key: 'boss-key-0123456789' },
];

const unused = (): never => {
  throw new Error('The test does not expect this call.');
};

const servers: HttpServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop(1_000)));
});

/** Only what the routes under test call; anything else is a test's mistake and throws. */
function apiOf(parts: Partial<Api>): Api {
  return new Proxy(parts as Api, {
    get: (target, name) => {
      if (name in target) return target[name as keyof Api];
      throw new Error(`The test supplies no ${String(name)}.`);
    },
  });
}

const bugs: unknown[] = [];
const OPTIONS: HttpServerOptions = {
  host: '127.0.0.1',
  port: 0,
  keys: [],
  publicUrl: null,
  version: '1.2.3',
  onBug: (error) => bugs.push(error),
};

async function serve(parts: Partial<Api>, options: Partial<HttpServerOptions> = {}): Promise<string> {
  return started(wholeServer(apiOf({ now: () => NOW, ...parts }), { ...OPTIONS, ...options }));
}

async function started(server: HttpServer): Promise<string> {
  bugs.length = 0;
  servers.push(server);
  await server.start();
  return server.address;
}

const ready = { version: '1.2.3', startedAt: NOW, ready: true, problems: [] };

test('a stop waits for what is being answered, and then no longer', async () => {
  const answer = Promise.withResolvers<string>();
  const base = await serve({ status: () => ready, metrics: () => answer.promise });
  const [server] = servers.splice(-1);
  const asked = fetch(`${base}/metrics`).then(
    ({ status }) => status,
    () => 'cut off',
  );
  await expect.poll(async () => (await fetch(`${base}/healthz`)).status).toBe(200);
  await server?.stop(200);
  expect(await asked).toBe('cut off');
  answer.resolve('');
});

describe('keys', () => {
  test('health needs none; reading needs one; operating needs more than reading', async () => {
    const base = await serve({ status: () => ready, registry: () => ({ versions: [], pins: [] }) }, { keys: KEYS });
    const status = async (path: string, init: RequestInit = {}): Promise<number> =>
      (await fetch(base + path, init)).status;
    const bearer = (key: string): RequestInit => ({ headers: { authorization: `Bearer ${key}` } });
    expect(await status('/healthz')).toBe(200);
    expect(await status('/api/v1/prompts')).toBe(401);
    expect(await status('/api/v1/prompts', bearer('reader-key-012345678'))).toBe(401);
    expect(await status('/api/v1/prompts', bearer('reader-key-0123456789'))).toBe(200);
    expect(await status('/api/v1/incidents/x/resolve', { method: 'POST', ...bearer('reader-key-0123456789') })).toBe(
      403,
    );
    expect(await status('/api/v1/prompts', bearer('boss-key-0123456789'))).toBe(200);
  });

  test('which problems there are is told to whoever may read, and to everybody that there are some', async () => {
    const problems = ['The source vault gives no answer.', 'The registry has problems.'];
    const status = (): typeof ready => ({ ...ready, problems: problems as never[] });
    const base = await serve({ status }, { keys: KEYS });
    const ask = async (at: string, key: string): Promise<unknown> =>
      ((await (await fetch(`${at}/readyz`, { headers: { authorization: key } })).json()) as typeof ready).problems;
    const counted = ['Problems: 2. Which, is told to a key with the scope read.'];
    expect(await ask(base, '')).toEqual(counted);
    expect(await ask(base, 'Bearer wrong-key-0123456789')).toEqual(counted);
    expect(await ask(base, 'Bearer reader-key-0123456789')).toEqual(problems);
    expect(await ask(await serve({ status }), '')).toEqual(problems);
  });

  test.each([
    ['/api/v1/attribute', 401],
    ['/api/v1/nothing', 404],
  ])('without a key no body is read: %s', async (path, status) => {
    const base = await serve({}, { keys: KEYS });
    const asked = request(base + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-length': 1_000_000 },
    });
    // The rest never comes.
    asked.write('{"text":');
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    expect(response.statusCode).toBe(status);
    asked.on('error', () => undefined).destroy();
  });

  test('the name of the key is who did it', async () => {
    const seen: string[] = [];
    const base = await serve(
      {
        resolve: async (_id, by) => {
          seen.push(by);
          throw new Fault('permanent', 'It is resolved already.');
        },
      },
      { keys: KEYS },
    );
    const response = await fetch(`${base}/api/v1/incidents/x/resolve`, {
      method: 'POST',
      headers: { authorization: 'Bearer boss-key-0123456789' },
    });
    expect(response.status).toBe(409);
    expect(seen).toEqual(['boss']);
  });

  test.each(['0.0.0.0', '::', '192.0.2.1'])('without keys it refuses to listen on %s', async (host) => {
    await expect(serve({}, { host })).rejects.toMatchObject({ kind: 'config', hint: expect.stringContaining('keys') });
  });
});

describe('names', () => {
  /** `fetch` sets the host itself. */
  const statusFor = (base: string, host: string): Promise<number> =>
    new Promise((resolve, reject) => {
      get(`${base}/healthz`, { headers: { host } }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      }).once('error', reject);
    });

  test('without keys, a name that was made to point here is refused', async () => {
    const base = await serve({ status: () => ready }, { publicUrl: 'https://plumbline.example.com/' });
    expect(await statusFor(base, 'localhost:7070')).toBe(200);
    expect(await statusFor(base, '[::1]:7070')).toBe(200);
    expect(await statusFor(base, 'plumbline.example.com')).toBe(200);
    expect(await statusFor(base, 'evil.example.net:7070')).toBe(421);
    const guarded = await serve({ status: () => ready }, { keys: KEYS });
    expect(await statusFor(guarded, 'anything.example.net')).toBe(200);
  });
});

describe('problems', () => {
  test('a field that is not right is named, as a problem document', async () => {
    const base = await serve({});
    const response = await fetch(`${base}/api/v1/at?prompt=a&environment=production&time=yesterday`);
    expect(response.status).toBe(400);
    expect(response.headers.get('content-type')).toContain('application/problem+json');
    const form = await fetch(`${base}/api/v1/attribute`, { method: 'POST', body: new URLSearchParams({ text: 'x' }) });
    expect(form.status).toBe(415);
    expect(await form.json()).toMatchObject({ hint: expect.stringContaining('content-type: application/json') });
    expect(await response.json()).toMatchObject({
      status: 400,
      errors: [{ field: 'time', message: expect.stringContaining('RFC 3339') }],
    });
  });

  test.each([
    'invocations?from=2026-11-20T00:00:00Z',
    'observations?from=2026-11-20T00:00:00Z',
    'usage?from=2026-11-20T00:00:00Z',
    'prompts/a/variables?from=2026-11-20T00:00:00Z',
    'timeline?prompt=a&environment=production&from=2026-11-20T00:00:00Z',
  ])('a period that ends before it begins is told, and not found to be empty: %s', async (path) => {
    const base = await serve({});
    const response = await fetch(`${base}/api/v1/${path}&to=2026-11-19T00:00:00Z`);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ errors: [{ field: 'to' }] });
  });

  test('an unknown parameter is a mistake and not ignored', async () => {
    const base = await serve({});
    const response = await fetch(`${base}/api/v1/incidents?stauts=open`);
    expect(response.status).toBe(400);
  });

  test('a fault says when to come back; a bug says nothing of its insides', async () => {
    const base = await serve({
      calls: {
        list: unused,
        usage: async () => {
          throw new Fault('transient', 'The store does not answer.', { retryAfterMs: 2_500, hint: 'Try again.' });
        },
      },
      registry: () => {
        throw new TypeError('x is undefined');
      },
    });
    const slow = await fetch(`${base}/api/v1/usage`);
    expect(slow.status).toBe(503);
    expect(slow.headers.get('retry-after')).toBe('3');
    expect(await slow.json()).toMatchObject({ detail: 'The store does not answer.', hint: 'Try again.' });
    const bug = await fetch(`${base}/api/v1/prompts`);
    expect(bug.status).toBe(500);
    expect(await bug.text()).not.toContain('undefined');
    expect(bugs).toHaveLength(1);
  });

  test('what does not exist points to the description', async () => {
    const base = await serve({});
    const response = await fetch(`${base}/api/v2/prompts`);
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ hint: expect.stringContaining('/openapi.json') });
  });

  test('broken and oversized bodies are refused', async () => {
    const base = await serve({});
    const post = (body: string): Promise<Response> =>
      fetch(`${base}/api/v1/attribute`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    expect((await post('{"text": ')).status).toBe(400);
    expect((await post('{"text": 5}')).status).toBe(400);
    expect((await post('{"text": "a", "messages": []}')).status).toBe(400);
    expect((await post(JSON.stringify({ text: 'x'.repeat(17 * 1024 * 1024) }))).status).toBe(413);
  });

  test('a person at an address that there is not gets the page, which says so; a program a problem', async () => {
    const base = await serve({});
    const ask = (path: string, accept: string): Promise<Response> => fetch(`${base}${path}`, { headers: { accept } });
    const person = 'text/html,application/xhtml+xml,*/*;q=0.8';
    const page = await ask('/incident/1?x=/', person);
    expect([page.status, page.headers.get('content-type'), page.headers.get('content-security-policy')]).toEqual([
      404,
      'text/html; charset=utf-8',
      expect.stringContaining("default-src 'none'"),
    ]);
    expect(await page.text()).toContain('<base href="../"');
    for (const [path, accept] of [
      ['/incident/1', '*/*'],
      ['/api/v1/incident', person],
      ['/assets/none.js', person],
    ] as const)
      expect((await ask(path, accept)).headers.get('content-type')).toContain('application/problem+json');
  });

  test('an address that is not encoded right is a problem like any other', async () => {
    const base = await serve({});
    const response = await fetch(`${base}/api/v1/prompts/%ff/versions`);
    expect([response.status, response.headers.get('content-type')]).toEqual([
      400,
      expect.stringContaining('application/problem+json'),
    ]);
    expect(await response.json()).toMatchObject({ title: 'Bad request', detail: expect.stringContaining('%ff') });
  });

  test('a port in use is a clear fault', async () => {
    const base = await serve({});
    await expect(serve({}, { port: Number(new URL(base).port) })).rejects.toMatchObject({
      kind: 'config',
      message: expect.stringContaining('already in use'),
    });
  });
});

describe('while the daemon has no store', () => {
  const early: EarlyApi = {
    status: () => ({ ...ready, ready: false, problems: ['The store is away.'] }),
    metrics: async () => 'spool_bytes 1',
    takeFeedback: unused,
    notYet: (mayRead) => new Fault('transient', mayRead ? 'Away, at 10.0.0.1.' : 'Away.', { retryAfterMs: 4_200 }),
  };
  const needNoStore = new Set(['/healthz', '/readyz', '/metrics', '/api/v1/feedback']);

  test('health and metrics answer, and the page and the description; all else is told to come back', async () => {
    const base = await started(new HttpServer(early, OPTIONS));
    expect((await fetch(`${base}/healthz`)).status).toBe(200);
    const readiness = await fetch(`${base}/readyz`);
    expect(readiness.status).toBe(503);
    expect(await readiness.json()).toEqual({ status: 'not ready', problems: ['The store is away.'] });
    expect(await (await fetch(`${base}/metrics`)).text()).toBe('spool_bytes 1');
    for (const path of ['/openapi.json', '/', '/assets/app.js']) expect((await fetch(base + path)).status).toBe(200);
    const others = API_ROUTES.filter(({ path }) => !needNoStore.has(path));
    expect(others.length).toBeGreaterThan(10);
    for (const { method, path } of others) {
      const answer = await fetch(base + path.replaceAll(/\{\w+\}/g, 'x'), { method });
      expect([path, answer.status, answer.headers.get('retry-after')]).toEqual([path, 503, '5']);
      expect(await answer.json()).toMatchObject({ status: 503, detail: 'Away, at 10.0.0.1.' });
    }
    expect(bugs).toEqual([]);
  });

  test('who may not ask hears nothing of it', async () => {
    const base = await started(new HttpServer(early, { ...OPTIONS, keys: KEYS }));
    expect((await fetch(`${base}/api/v1/prompts`)).status).toBe(401);
    const push = await fetch(`${base}/api/v1/webhooks/x`, { method: 'POST' });
    expect([push.status, (await push.json()).detail]).toEqual([503, 'Away.']);
  });

  test('once it is served every route answers', async () => {
    const server = new HttpServer(early, OPTIONS);
    const base = await started(server);
    expect((await fetch(`${base}/api/v1/prompts`)).status).toBe(503);
    server.serve(apiOf({ now: () => NOW, status: () => ready, registry: () => ({ versions: [], pins: [] }) }));
    expect((await fetch(`${base}/api/v1/prompts`)).status).toBe(200);
    expect(await (await fetch(`${base}/readyz`)).json()).toEqual({ status: 'ready', problems: [] });
  });
});

describe('the description', () => {
  test('has every route with its parameters', async () => {
    const base = await serve({});
    const document: any = await (await fetch(`${base}/openapi.json`)).json();
    expect(document.openapi).toBe('3.1.0');
    const described = Object.entries<any>(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`),
    );
    expect(described.toSorted()).toEqual(
      API_ROUTES.map((route) => `${route.method.toLowerCase()} ${route.path}`).toSorted(),
    );
    const at = document.paths['/api/v1/at'].get;
    expect(
      at.parameters.filter((parameter: any) => parameter.required).map((parameter: any) => parameter.name),
    ).toEqual(['prompt', 'environment', 'time']);
  });

  test('usage groups are checked', async () => {
    const asked: unknown[] = [];
    const base = await serve({
      registry: () => ({ versions: [], pins: [] }),
      calls: {
        list: unused,
        usage: async (query) => {
          asked.push(query);
          return [];
        },
      },
    });
    expect((await fetch(`${base}/api/v1/usage?group_by=prompt,moon`)).status).toBe(400);
    expect((await fetch(`${base}/api/v1/usage?group_by=prompt,day&from=2026-11-19T00:00:00Z`)).status).toBe(200);
    const range = { from: '2026-11-19T00:00:00.000000000Z', to: NOW };
    expect(asked).toEqual([{ groupBy: ['prompt', 'day'], ...range, only: {} }]);
    for (const zone of ['Moon/Base', '%2B01:00', 'Z', ''])
      expect((await fetch(`${base}/api/v1/usage?group_by=day&timezone=${zone}`)).status).toBe(400);
    const narrow = 'group_by=day&timezone=europe/berlin&from=2026-11-19T00:00:00Z&model=gpt-4o&version=';
    expect((await fetch(`${base}/api/v1/usage?${narrow}`)).status).toBe(200);
    expect(asked[1]).toEqual({
      groupBy: ['day'],
      ...range,
      only: { model: 'gpt-4o', version: '' },
      timeZone: 'Europe/Berlin',
    });
  });
});
