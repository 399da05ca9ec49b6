/** LangSmith's prompt hub, from the SDK's requests: repositories, commits, tags, LangChain manifests. */

import { createHash } from 'node:crypto';
import { timestampFromMillis } from '../../../src/lib/time.ts';
import { httpPlace, ticking } from './http-place.ts';
import { pageOf, serveApi } from './http-stand-in.ts';
import { originalText, PROMPTS, type SourceFixture } from './stand-in.ts';

const KEY = 'lsv2_pt_0123456789abcdef';
const WEBHOOK_SECRET = 'ls-hook-0123456789';

interface Commit {
  readonly id: string;
  readonly commit_hash: string;
  readonly parent_commit_hash: string | null;
  readonly created_at: string;
  readonly full_name: string;
  readonly text: string;
}

function constructor(name: string, kwargs: object) {
  return { lc: 1, type: 'constructor', id: ['langchain_core', 'prompts', 'chat', name], kwargs };
}

/** A prompt with its model, as the playground saves it. */
export function manifestOf(text: string): unknown {
  const template = constructor('PromptTemplate', { input_variables: [], template: text, template_format: 'mustache' });
  const chat = constructor('ChatPromptTemplate', {
    input_variables: [],
    messages: [constructor('SystemMessagePromptTemplate', { prompt: template })],
  });
  const model = constructor('ChatOpenAI', { model: 'gpt-5', temperature: 0.1 });
  return constructor('RunnableSequence', {
    first: chat,
    last: constructor('RunnableBinding', { bound: model, kwargs: {} }),
  });
}

export async function openLangsmith() {
  const now = ticking();
  const repos = new Map<
    string,
    { readonly commits: Commit[]; readonly tags: Map<string, { commit: Commit; at: string }>; updated: string }
  >();
  const time = (): string => new Date(now()).toISOString();
  const commit = (name: string, text: string, by: string, tag?: string): void => {
    const repo = repos.get(name) ?? { commits: [] as Commit[], tags: new Map(), updated: '' };
    repos.set(name, repo);
    const at = time();
    const hash = createHash('sha256')
      .update(name + at)
      .digest('hex');
    const made = {
      id: `uuid-${hash.slice(0, 8)}`,
      commit_hash: hash,
      parent_commit_hash: repo.commits.at(-1)?.commit_hash ?? null,
      created_at: at,
      full_name: by,
      text,
    };
    repo.commits.push(made);
    repo.updated = at;
    if (tag !== undefined) repo.tags.set(tag, { commit: made, at });
  };
  for (const prompt of PROMPTS) {
    commit(prompt, 'A draft.', 'Alice');
    commit(prompt, originalText(prompt), 'Alice', 'production');
  }
  const server = await serveApi(({ method, path, query, headers, body }) => {
    if (headers['x-api-key'] !== KEY) return { status: 403, body: { detail: 'Forbidden' } };
    const [root, owner, name, sub, tag] = path
      .replace(/^\/api\/v1/, '')
      .split('/')
      .filter(Boolean)
      .map(decodeURIComponent);
    const offset = Number(query.get('offset') ?? 0);
    const limit = Math.min(2, Number(query.get('limit') ?? 2));
    if (owner === undefined) {
      const newestFirst = [...repos].toSorted(([, a], [, b]) => (a.updated < b.updated ? 1 : -1));
      if (query.get('sort_field') === 'updated_at' && query.get('sort_direction') !== 'desc') newestFirst.reverse();
      const all = newestFirst.map(([repo_handle, { commits, updated }]) => ({
        repo_handle,
        last_commit_hash: commits.at(-1)?.commit_hash,
        updated_at: updated,
        tags: [],
      }));
      return { body: { repos: pageOf(all, offset, limit).page, total: all.length } };
    }
    const repo = repos.get(name ?? '');
    if (repo === undefined) return { status: 404, body: { detail: 'Repo not found' } };
    if (root === 'repos' && sub === 'tags') {
      if (method === 'PATCH') {
        const target = repo.commits.find((each) => each.id === body.commit_id);
        if (target === undefined) return { status: 404, body: { detail: 'Commit not found' } };
        repo.updated = time();
        repo.tags.set(tag ?? '', { commit: target, at: repo.updated });
      }
      const tags = [...repo.tags].map(([tag_name, { commit: tagged, at }]) => ({
        tag_name,
        commit_id: tagged.id,
        commit_hash: tagged.commit_hash,
        updated_at: at,
      }));
      return { body: tags };
    }
    if (sub === undefined)
      return { body: { commits: pageOf(repo.commits.toReversed(), offset, limit).page, total: repo.commits.length } };
    const found = repo.commits.find((each) => each.commit_hash === sub);
    if (found === undefined) return { status: 404, body: { detail: 'Commit not found' } };
    return { body: { commit_hash: found.commit_hash, manifest: manifestOf(found.text), examples: [] } };
  });
  return {
    repos,
    key: KEY,
    requests: server.requests,
    ...httpPlace(server, 'prompt_name', {
      targets: PROMPTS.map((prompt) => ({ prompt, config: {} })),
      config: { base_url: server.origin, api_key: KEY, webhook_secret: WEBHOOK_SECRET },
      secrets: [KEY, WEBHOOK_SECRET],
      editor: 'Mallory',
      text: (prompt) => repos.get(prompt)?.tags.get('production')?.commit.text ?? '',
      edit: (prompt, text) => commit(prompt, text, 'Mallory', 'production'),
      movePointer: (prompt) => {
        const repo = repos.get(prompt);
        const [first] = repo?.commits ?? [];
        if (repo === undefined || first === undefined) return;
        repo.updated = time();
        repo.tags.set('production', { commit: first, at: repo.updated });
      },
      remove: (prompt) => void repos.get(prompt)?.tags.delete('production'),
      pushesCarrySecret: true,
      push: (prompt, atMillis) => {
        const tagged = repos.get(prompt)?.tags.get('production')?.commit;
        const body = {
          prompt_id: `uuid-${prompt}`,
          prompt_name: prompt,
          commit_hash: tagged?.commit_hash,
          created_at: tagged?.created_at,
          created_by: tagged?.full_name,
          event: 'tag:update',
          tag_name: 'production',
          manifest: manifestOf(tagged?.text ?? ''),
        };
        return {
          headers: { authorization: `Bearer ${WEBHOOK_SECRET}` },
          query: {},
          body: Buffer.from(JSON.stringify(body)),
          receivedAt: timestampFromMillis(atMillis),
        };
      },
    }),
  };
}

export const langsmithFixture: SourceFixture = { type: 'langsmith', open: openLangsmith };
