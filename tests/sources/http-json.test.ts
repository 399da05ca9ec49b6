/** What is particular to any JSON API: lists with pages of each kind, documents, and answers that only look like one. */

import { afterEach, describe, expect, it } from 'vitest';
import { httpJson } from '../../collectors/http-json.ts';
import type { Reading } from '../../src/contract/source.ts';
import { boundedFetch } from '../../src/lib/http.ts';
import { serveApi, type ApiAnswer, type ApiRequest, type HttpStandIn } from '../support/sources/http-stand-in.ts';

const servers: HttpStandIn[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function serve(handler: (request: ApiRequest, origin: () => string) => ApiAnswer) {
  const server: HttpStandIn = await serveApi((request) => handler(request, () => server.origin));
  servers.push(server);
  return server;
}

async function read(config: object, targets: readonly object[], known = new Map<string, string>()) {
  const source = httpJson.open(config, {
    name: 'h',
    baseDirectory: '/',
    cacheDirectory: '/nonexistent',
    fetch: boundedFetch(),
  });
  const parsed = targets.map((target, index) => ({
    id: `h/${index}`,
    prompt: `p${index}`,
    config: httpJson.target.parse(target),
  }));
  const readings = await Array.fromAsync(source.live.read(parsed, known, AbortSignal.timeout(10_000)));
  return readings.toSorted((a, b) => (a.target < b.target ? -1 : 1));
}

const texts = (readings: readonly Reading[]) =>
  readings.map((reading) => {
    if (reading.outcome !== 'held') return reading.outcome;
    const { body } = reading.contents[0];
    return body.kind === 'text'
      ? body.text
      : body.messages.map((message) => `${message.role}: ${message.content}`).join('|');
  });

const ITEMS = ['a', 'b', 'c', 'd', 'e'].map((id) => ({ id, content: `text of ${id}` }));
const TARGETS = [{ key: 'a' }, { key: 'd' }, { key: 'e' }, { key: 'z' }];
const EXPECTED = ['text of a', 'text of d', 'text of e', 'missing'];

describe('a list', () => {
  it('follows links, which may be relative', async () => {
    const server = await serve(({ query }) => {
      const from = Number(query.get('from') ?? 0);
      const next = from + 2 < ITEMS.length ? `/list?from=${from + 2}` : null;
      return { body: { data: ITEMS.slice(from, from + 2), paging: { next } } };
    });
    const config = { url: `${server.origin}/list`, items: 'data', next: { link: 'paging.next' } };
    expect(texts(await read(config, TARGETS))).toEqual(EXPECTED);
    expect(server.requests).toHaveLength(3);
  });

  it('passes cursors on, and keeps the query it was given', async () => {
    const server = await serve(({ query }) => {
      if (query.get('tag') !== 'live') return { status: 400, body: { message: 'tag' } };
      const from = Number(query.get('cursor') ?? 0);
      return { body: { data: ITEMS.slice(from, from + 2), next: from + 2 < ITEMS.length ? from + 2 : '' } };
    });
    const config = { url: `${server.origin}/list?tag=live`, items: 'data', next: { cursor: 'cursor', from: 'next' } };
    expect(texts(await read(config, TARGETS))).toEqual(EXPECTED);
  });

  it('counts pages until one is empty', async () => {
    const server = await serve(({ query }) => {
      const from = (Number(query.get('page')) - 1) * 2;
      return { body: ITEMS.slice(from, from + 2) };
    });
    const config = { url: `${server.origin}/list`, items: '$', next: { page: 'page' } };
    expect(texts(await read(config, TARGETS))).toEqual(EXPECTED);
    expect(texts(await read({ ...config, items: 'data' }, TARGETS))).toEqual(EXPECTED.map(() => 'unreachable'));
  });

  it('takes its credentials to no other host', async () => {
    const other = await serve(() => ({ body: { data: ITEMS, next: null } }));
    const server = await serve(() => ({ body: { data: [], next: `${other.origin}/list` } }));
    const config = { url: server.origin, headers: { 'x-key': 'secret' }, items: 'data', next: { link: 'next' } };
    expect(texts(await read(config, [{ key: 'a' }]))).toEqual(['unreachable']);
    expect(other.requests).toEqual([]);
  });

  it('that goes round in circles ends, and nothing is missing', async () => {
    const server = await serve(() => ({ body: { data: ITEMS, next: '/again' } }));
    const config = { url: server.origin, items: 'data', next: { link: 'next' } };
    expect(texts(await read(config, [{ key: 'z' }]))).toEqual(['unreachable']);
  });

  it('that fails on its second page makes nothing missing', async () => {
    const server = await serve(({ path }) =>
      path === '/' ? { body: { data: ITEMS.slice(0, 2), next: '/two' } } : { status: 503, body: {} },
    );
    const config = { url: server.origin, items: 'data', next: { link: 'next' } };
    expect(texts(await read(config, TARGETS))).toEqual(['unreachable', 'unreachable', 'unreachable', 'unreachable']);
  });

  it('that is not there, even in JSON, is a wrong address', async () => {
    const server = await serve(() => ({ status: 404, body: { message: 'no route' } }));
    expect(texts(await read({ url: server.origin, items: 'data' }, [{ key: 'a' }]))).toEqual(['unreachable']);
  });
});

describe('a document', () => {
  const config = (origin: string) => ({ url: `${origin}/config.json` });
  const targets = [{ content: 'prompts.intent' }, { content: 'prompts.reply.messages' }, { content: 'prompts.none' }];

  it('is asked for once, whatever it holds, and with its ETag the next time', async () => {
    const server = await serve(({ headers }) =>
      headers['if-none-match'] === '"1"'
        ? { status: 304 }
        : {
            headers: { etag: '"1"' },
            body: {
              prompts: {
                intent: 'hello',
                reply: { messages: [{ role: 'system', content: [{ type: 'text', text: 'kind' }] }] },
              },
            },
          },
    );
    const readings = await read(config(server.origin), targets);
    expect(texts(readings)).toEqual(['hello', 'system: kind', 'missing']);
    expect(server.requests).toHaveLength(1);
    const known = new Map(
      readings.flatMap((r) => (r.outcome === 'held' && r.cursor !== undefined ? [[r.target, r.cursor]] : [])),
    );
    expect(texts(await read(config(server.origin), targets.slice(0, 2), known))).toEqual(['unchanged', 'unchanged']);
    // The third is not known: it needs the whole answer.
    expect(texts(await read(config(server.origin), targets, known))).toEqual(['hello', 'system: kind', 'missing']);
  });

  it('that is said to be unchanged where nobody asked for changes is no answer', async () => {
    const server = await serve(() => ({ status: 304 }));
    expect(texts(await read(config(server.origin), targets.slice(0, 1)))).toEqual(['unreachable']);
  });

  it('that is an error message with status 200 makes nothing missing', async () => {
    const server = await serve(() => ({ body: { error: 'try later' } }));
    const all = [...targets, { content: 'content' }];
    expect(texts(await read(config(server.origin), all))).toEqual(Array.from({ length: 4 }, () => 'unreachable'));
  });
});

describe('a 404 in JSON', () => {
  /** An API behind a gateway whose routes somebody can lose; prompts can be deleted. */
  async function openBehindGateway() {
    const prompts = new Set(['a', 'b', 'c']);
    let hasRoute = true;
    const server = await serve(({ parts: [, key = ''] }) => {
      if (!hasRoute) return { status: 404, body: { message: 'no Route matched with those values' } };
      if (key === 'former') return { status: 410, body: { message: 'gone' } };
      if (!prompts.has(key)) return { status: 404, body: { error: { code: 'prompt_not_found' } } };
      return { body: { content: `text of ${key}` } };
    });
    const open = (more: object, keys: readonly string[]) => {
      const source = httpJson.open(
        { url: `${server.origin}/prompts/{key}`, ...more },
        { name: 'h', baseDirectory: '/', cacheDirectory: '/nonexistent', fetch: boundedFetch() },
      );
      return async (only = keys) => {
        const targets = only.map((key) => ({ id: `h/${key}`, prompt: key, config: httpJson.target.parse({ key }) }));
        const readings = await Array.fromAsync(source.live.read(targets, new Map(), AbortSignal.timeout(10_000)));
        return Object.fromEntries(readings.map((reading) => [reading.target.slice(2), reading.outcome]));
      };
    };
    return { server, prompts, open, loseRoute: () => void (hasRoute = false) };
  }

  it('is a deleted prompt while its neighbours are found', async () => {
    const { prompts, open, server } = await openBehindGateway();
    const look = open({}, ['a', 'b', 'c']);
    prompts.delete('b');
    expect(await look()).toEqual({ a: 'held', b: 'missing', c: 'held' });
    // Alone it is asked for together with a neighbour that was found before.
    server.requests.length = 0;
    expect(await look(['b'])).toEqual({ b: 'missing' });
    expect(server.requests).toHaveLength(2);
  });

  it('is a lost route when no neighbour is found', async () => {
    const { open, loseRoute } = await openBehindGateway();
    const look = open({}, ['a', 'b', 'c']);
    await look();
    loseRoute();
    expect(await look()).toEqual({ a: 'unreachable', b: 'unreachable', c: 'unreachable' });
    expect(await look(['b'])).toEqual({ b: 'unreachable' });
  });

  it('of another route proves nothing', async () => {
    const server = await serve(({ parts: [where] }) =>
      where === 'one' ? { body: { content: 'here' } } : { status: 404, body: { message: 'Not Found' } },
    );
    const targets = [{ url: `${server.origin}/one/prompt.json?v=1` }, { url: `${server.origin}/other/prompt.json` }];
    expect(texts(await read({ url: server.origin }, targets))).toEqual(['here', 'unreachable']);
    const beside = [{ url: `${server.origin}/other/prompt.json` }, { url: `${server.origin}/other/more.json` }];
    expect(texts(await read({ url: server.origin }, beside))).toEqual(['unreachable', 'unreachable']);
  });

  it('of the only target means nothing, unless the configuration says how it is told', async () => {
    const { prompts, open, loseRoute } = await openBehindGateway();
    prompts.clear();
    const absent = { at: 'error.code', is: 'prompt_not_found' };
    const look = open({ absent }, ['a']);
    expect(await open({}, ['a'])()).toEqual({ a: 'unreachable' });
    expect(await look()).toEqual({ a: 'missing' });
    expect(await open({}, ['former'])()).toEqual({ former: 'missing' });
    loseRoute();
    expect(await look()).toEqual({ a: 'unreachable' });
  });
});

describe('restore', () => {
  it('fills in the body, and refuses to write blindly when it promised to compare', async () => {
    const server = await serve(({ method, body }) => (method === 'GET' ? { body: { content: 'bad' } } : { body }));
    const source = (more: object) =>
      httpJson.open(
        {
          url: `${server.origin}/{key}`,
          restore: { body: { text: 'v{version} of {key}: {content}', n: [1, '{content}'] }, ...more },
        },
        { name: 'h', baseDirectory: '/', cacheDirectory: '/nonexistent', fetch: boundedFetch() },
      );
    const target = { id: 'h/a', prompt: 'a', config: httpJson.target.parse({ key: 'a b' }) };
    const body = { kind: 'text', text: '{version} "quoted" $& {key}' } as const;
    const expected = { body: { kind: 'text', text: 'bad' } } as const;
    const request = { version: '7', body, settings: {}, expect: expected };
    const signal = AbortSignal.timeout(10_000);
    await source({}).restore?.restore(target, request, signal);
    expect(server.requests.find(({ method }) => method === 'PUT')).toMatchObject({
      path: '/a%20b',
      body: { text: `v7 of a b: ${body.text}`, n: [1, body.text] },
    });
    server.requests.length = 0;
    await expect(source({ if_match: true }).restore?.restore(target, request, signal)).rejects.toThrow('no ETag');
    expect(server.requests.every(({ method }) => method === 'GET')).toBe(true);
  });
});
