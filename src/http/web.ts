/**
 * Serves the web page: a handful of files from `dashboards/web/`, read once. They hold nothing
 * secret, so they need no key; what they show comes from the API, which does.
 */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { sha256 } from '../lib/hash.ts';
import { packageRoot } from '../lib/package-root.ts';

/** What is served; anything else in the folder is for its authors. */
const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** The page's own addresses: each is the same HTML, and its script shows the view. */
const PAGES = ['/', '/incidents', '/incidents/:id', '/prompts', '/prompts/:id', '/at', '/usage', '/sql'];

/**
 * Only our own files, nothing inline, nobody may frame us. Trusted Types without any policy make
 * the browser refuse to turn a text into HTML.
 */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

const HEADERS: Readonly<Record<string, string>> = {
  // Kept, and asked about every time: an update of the daemon is an update of its page.
  'cache-control': 'no-cache',
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

interface WebFile {
  readonly content: string;
  readonly contentType: string;
  readonly etag: string;
}

/** Returns what sends the page to whoever asks for one that there is not: it says so, and leads on. */
export function mountWebPage(
  server: FastifyInstance,
  directory = join(packageRoot(), 'dashboards', 'web'),
): (request: FastifyRequest, reply: FastifyReply) => FastifyReply {
  const files = readWebFiles(directory);
  const index = files.get('index.html');
  if (index === undefined) throw new Error(`The web page is not in ${directory}.`);
  for (const url of PAGES) {
    server.get(url, (request, reply) => sendFile(request, reply, atDepthOf(index, request.url)));
  }
  server.get('/assets/*', (request, reply) => {
    const file = files.get((request.params as { '*': string })['*']);
    if (file === undefined) return reply.callNotFound();
    return sendFile(request, reply, file);
  });
  return (request, reply) =>
    reply.code(404).headers(HEADERS).type(index.contentType).send(atDepthOf(index, request.url).content);
}

/** By path below the directory, with forward slashes: what is not in here can't be asked for. */
function readWebFiles(directory: string): ReadonlyMap<string, WebFile> {
  const paths = readdirSync(directory, { recursive: true, encoding: 'utf8' });
  return new Map(
    paths.flatMap((path): [string, WebFile][] => {
      const contentType = CONTENT_TYPES[extname(path)];
      if (contentType === undefined) return [];
      return [[path.replaceAll('\\', '/'), webFile(readFileSync(join(directory, path), 'utf8'), contentType)]];
    }),
  );
}

function webFile(content: string, contentType: string): WebFile {
  return { content, contentType, etag: `"${sha256(content).slice('sha256:'.length, 'sha256:'.length + 32)}"` };
}

/**
 * The page finds its files and the API relative to its own address, so that a proxy may put it
 * below any path without telling us.
 */
function atDepthOf(index: WebFile, url: string): WebFile {
  const slashes = (url.split('?', 1)[0] ?? '').split('/').length - 2;
  if (slashes <= 0) return index;
  return webFile(index.content.replace('<base href="./"', `<base href="${'../'.repeat(slashes)}"`), index.contentType);
}

function sendFile(request: FastifyRequest, reply: FastifyReply, file: WebFile): FastifyReply {
  void reply.headers(HEADERS).header('etag', file.etag);
  // A proxy that compresses makes the tag a weak one.
  const known = new Set(
    (request.headers['if-none-match'] ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, '')),
  );
  if (known.has(file.etag)) return reply.code(304).send();
  return reply.type(file.contentType).send(file.content);
}
