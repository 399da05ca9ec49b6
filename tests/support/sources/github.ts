/** GitHub's contents and commits API, from its OpenAPI description: ETags, blobs, compare-and-set by blob, signed pushes. */

import { createHash, createHmac } from 'node:crypto';
import { timestampFromMillis } from '../../../src/lib/time.ts';
import { httpPlace, ticking } from './http-place.ts';
import { serveApi } from './http-stand-in.ts';
import { originalText, PROMPTS, type SourceFixture } from './stand-in.ts';

const TOKEN = 'ghp_0123456789abcdef';
const WEBHOOK_SECRET = 'github-hook-secret-01';

const sha = (text: string): string => createHash('sha1').update(text).digest('hex');

export async function openGithub() {
  const now = ticking();
  const files = new Map<string, { text: string; commit: string; by: string; at: string }>();
  const write = (path: string, text: string, by: string): void => {
    const at = new Date(now()).toISOString();
    files.set(path, { text, commit: sha(path + at), by, at });
  };
  const pathOf = (prompt: string): string => `prompts/${prompt}.txt`;
  for (const prompt of PROMPTS) write(pathOf(prompt), originalText(prompt), 'alice');
  const server = await serveApi(({ method, path, parts, query, headers, body }) => {
    const hidden = { status: 404, body: { message: 'Not Found', documentation_url: 'https://docs.github.com/rest' } };
    // Without the right token the repository does not seem to exist. Both words are GitHub's.
    const mayRead = [`Bearer ${TOKEN}`, `token ${TOKEN}`].includes(headers['authorization'] ?? '');
    if (!mayRead || !path.startsWith('/repos/acme/prompts')) return hidden;
    const [, , , kind, ...rest] = parts;
    if (kind === undefined) return { body: { full_name: 'acme/prompts', default_branch: 'main' } };
    if (kind === 'git' && rest[0] === 'trees') {
      const blobs = [...files].map(([name, { text }]) => ({ path: name, type: 'blob', size: text.length }));
      return { body: { sha: 'tree', tree: [{ path: 'prompts', type: 'tree' }, ...blobs], truncated: false } };
    }
    const file = files.get(kind === 'commits' ? (query.get('path') ?? '') : rest.join('/'));
    if (kind === 'commits') {
      if (file === undefined) return { body: [] };
      const person = { name: file.by, email: `${file.by}@example.com`, date: file.at };
      return {
        body: [
          {
            sha: file.commit,
            author: { login: file.by },
            commit: { author: person, committer: person, message: 'Edit' },
          },
        ],
      };
    }
    if (method === 'PUT') {
      if (body.sha !== (file === undefined ? undefined : sha(file.text)))
        return { status: 409, body: { message: `${rest.join('/')} does not match ${body.sha}` } };
      write(rest.join('/'), Buffer.from(body.content, 'base64').toString(), 'plumbline-bot');
      return { status: file === undefined ? 201 : 200, body: { content: {} } };
    }
    if (file === undefined || (query.get('ref') ?? 'main') !== 'main') return hidden;
    const etag = `W/"${sha(file.text)}"`;
    if (headers['if-none-match'] === etag) return { status: 304, headers: { etag } };
    const content = Buffer.from(file.text)
      .toString('base64')
      .replaceAll(/(.{60})/g, '$1\n');
    return {
      headers: { etag },
      body: { type: 'file', encoding: 'base64', content, sha: sha(file.text), size: file.text.length },
    };
  });
  return {
    requests: server.requests,
    ...httpPlace(server, 'path', {
      config: {
        base_url: server.origin,
        token: TOKEN,
        repository: 'acme/prompts',
        webhook_secret: WEBHOOK_SECRET,
        discover: 'prompts',
      },
      targets: PROMPTS.map((prompt) => ({ prompt, config: { path: pathOf(prompt) } })),
      secrets: [TOKEN, WEBHOOK_SECRET],
      editor: 'mallory',
      text: (prompt) => files.get(pathOf(prompt))?.text ?? '',
      edit: (prompt, text) => write(pathOf(prompt), text, 'mallory'),
      remove: (prompt) => void files.delete(pathOf(prompt)),
      push: (prompt, atMillis) => {
        const commits = [{ modified: [pathOf(prompt)] }];
        const body = Buffer.from(
          JSON.stringify({
            ref: 'refs/heads/main',
            repository: { full_name: 'acme/prompts', default_branch: 'main' },
            commits,
          }),
        );
        const signature = `sha256=${createHmac('sha256', WEBHOOK_SECRET).update(body).digest('hex')}`;
        return {
          headers: { 'x-hub-signature-256': signature, 'x-github-event': 'push' },
          query: {},
          body,
          receivedAt: timestampFromMillis(atMillis),
        };
      },
    }),
  };
}

export const githubFixture: SourceFixture = { type: 'github', open: openGithub };
