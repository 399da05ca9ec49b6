/** GitLab's repository files API, from its reference pages: last commits, writes that name the one they are over, signed pushes. */

import { createHash, createHmac } from 'node:crypto';
import { timestampFromMillis } from '../../../src/lib/time.ts';
import { httpPlace, ticking } from './http-place.ts';
import { serveApi } from './http-stand-in.ts';
import { originalText, PROMPTS, type SourceFixture } from './stand-in.ts';

const TOKEN = 'glpat-0123456789abcdef';
const SIGNING_TOKEN = 'whsec_Z2l0bGFiLXNpZ25pbmctdG9rZW4tMDEyMzQ1Njc4OQ==';

export async function openGitlab() {
  const now = ticking();
  const files = new Map<string, { text: string; commit: string; by: string; at: string }>();
  const write = (path: string, text: string, by: string): void => {
    const at = new Date(now()).toISOString();
    files.set(path, {
      text,
      commit: createHash('sha1')
        .update(path + at)
        .digest('hex'),
      by,
      at,
    });
  };
  const pathOf = (prompt: string): string => `prompts/${prompt}.txt`;
  for (const prompt of PROMPTS) write(pathOf(prompt), originalText(prompt), 'Alice');
  const server = await serveApi(({ method, parts, query, headers, body }) => {
    if (headers['private-token'] !== TOKEN) return { status: 401, body: { message: '401 Unauthorized' } };
    const [, , , project, repository, kind, name = ''] = parts;
    if (project !== 'acme/prompts') return { status: 404, body: { message: '404 Project Not Found' } };
    if (repository === undefined) return { body: { id: 7, path_with_namespace: project } };
    if (kind === 'tree') {
      const [page, perPage] = [Number(query.get('page') ?? 1), Number(query.get('per_page') ?? 20)];
      const blobs = [...files.keys()].filter((path) => path.startsWith(`${query.get('path')}/`));
      const entries = [{ path: 'prompts/archive', type: 'tree' }, ...blobs.map((path) => ({ path, type: 'blob' }))];
      return { body: entries.slice((page - 1) * perPage, page * perPage) };
    }
    if (kind === 'commits') {
      const found = [...files.values()].find((file) => file.commit === name);
      return found === undefined
        ? { status: 404, body: { message: '404 Commit Not Found' } }
        : { body: { id: name, author_name: found.by, committed_date: found.at } };
    }
    const file = files.get(name);
    if (method === 'PUT') {
      if (body.last_commit_id !== file?.commit)
        return {
          status: 400,
          body: { message: 'You are attempting to update a file that has changed since you started editing it.' },
        };
      write(name, Buffer.from(body.content, body.encoding).toString(), 'plumbline');
      return { body: { file_path: name, branch: body.branch } };
    }
    if (file === undefined || query.get('ref') !== 'main')
      return { status: 404, body: { message: '404 File Not Found' } };
    const content = Buffer.from(file.text).toString('base64');
    return {
      body: {
        file_path: name,
        encoding: 'base64',
        content,
        ref: 'main',
        blob_id: 'blob',
        commit_id: 'head',
        last_commit_id: file.commit,
      },
    };
  });
  return httpPlace(server, 'path', {
    config: {
      base_url: `${server.origin}/api/v4`,
      token: TOKEN,
      project: 'acme/prompts',
      webhook_secret: SIGNING_TOKEN,
      discover: 'prompts',
    },
    targets: PROMPTS.map((prompt) => ({ prompt, config: { path: pathOf(prompt) } })),
    secrets: [TOKEN, SIGNING_TOKEN],
    editor: 'Mallory',
    text: (prompt) => files.get(pathOf(prompt))?.text ?? '',
    edit: (prompt, text) => write(pathOf(prompt), text, 'Mallory'),
    remove: (prompt) => void files.delete(pathOf(prompt)),
    pushesAreDated: true,
    push: (prompt, atMillis) => {
      const id = `hook-${prompt}-${atMillis}`;
      const seconds = String(Math.floor(atMillis / 1000));
      const body = gitlabPush({ path: pathOf(prompt) });
      const key = Buffer.from(SIGNING_TOKEN.replace('whsec_', ''), 'base64');
      const signature = createHmac('sha256', key).update(`${id}.${seconds}.`).update(body).digest('base64');
      return {
        headers: {
          'x-gitlab-event': 'Push Hook',
          'webhook-id': id,
          'webhook-timestamp': seconds,
          'webhook-signature': `v1,${signature}`,
        },
        query: {},
        body,
        receivedAt: timestampFromMillis(atMillis),
      };
    },
  });
}

/** The body of a push hook. */
export function gitlabPush({ path = 'prompts/reply.txt', ref = 'refs/heads/main', project = 'acme/prompts' }): Buffer {
  return Buffer.from(
    JSON.stringify({
      object_kind: 'push',
      event_name: 'push',
      before: '0'.repeat(40),
      after: '1'.repeat(40),
      ref,
      user_username: 'mallory',
      project_id: 7,
      project: { id: 7, name: 'Prompts', path_with_namespace: project, default_branch: 'main' },
      commits: [{ added: [], modified: [path], removed: [] }],
      total_commits_count: 1,
    }),
  );
}

export const gitlabFixture: SourceFixture = { type: 'gitlab', open: openGitlab };
