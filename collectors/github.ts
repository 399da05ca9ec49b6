/** Files in GitHub at a branch or tag, through its API: an unchanged file costs nothing of the rate limit. */

import { z } from 'zod';
import { Fault } from '../src/contract/fault.ts';
import { sourcePlugin } from '../src/contract/source-plugin.ts';
import type { LiveContent, Source, SourceTarget, WebhookRequest } from '../src/contract/source.ts';
import { Api } from './lib/api.ts';
import { baseUrl } from './lib/base-url.ts';
import { PROPOSAL_BYTES_MAX, tooMany } from './lib/proposals.ts';
import {
  FileTarget,
  repositoryConfig,
  repositorySource,
  type FileChange,
  type FileReading,
  type PushedRef,
} from './lib/repository.ts';
import { changedMeanwhile } from './lib/same-content.ts';
import { hmacHex, pushedJson, Replays, requireSignature } from './lib/signed-push.ts';
import { readingOfText } from './lib/structured-text.ts';
import { editedAt } from './lib/time-from.ts';

const Config = z.strictObject({
  base_url: baseUrl('https://api.github.com'),
  ...repositoryConfig,
  repository: z.string().regex(/^[^/\s]+\/[^/\s]+$/, 'is not OWNER/NAME'),
  /** Branch or tag. Absent: the default branch. */
  ref: z.string().min(1).optional(),
});
type Config = z.output<typeof Config>;

const File = z.object({
  type: z.literal('file'),
  encoding: z.string(),
  content: z.string(),
  sha: z.string(),
  html_url: z.string().nullish(),
});
const Tree = z.object({
  tree: z.array(z.object({ path: z.string(), type: z.string(), size: z.number().nullish() })),
  truncated: z.boolean(),
});
const Commits = z.array(
  z.object({
    sha: z.string(),
    author: z.object({ login: z.string() }).nullish(),
    commit: z.object({
      author: z.object({ name: z.string() }).nullish(),
      committer: z.object({ date: z.string() }).nullish(),
    }),
  }),
);
const Push = z.object({
  ref: z.string(),
  repository: z.object({ full_name: z.string(), default_branch: z.string().nullish() }),
});

export const github = sourcePlugin({
  type: 'github',
  summary: 'A file, or a field of one, at a branch or tag in GitHub.',
  config: Config,
  target: FileTarget,
  example: {
    config: {
      token: 'env:GITHUB_TOKEN',
      repository: 'acme/prompts',
      ref: 'main',
      webhook_secret: 'env:GITHUB_WEBHOOK_SECRET',
      discover: 'support',
    },
    targets: [{ path: 'support/intent-classifier.txt' }, { path: 'prompts.yaml', field: 'intent.template' }],
  },
  create: (config, context): Source<FileTarget> => {
    const headers = {
      accept: 'application/vnd.github+json',
      'x-github-api-version': '2022-11-28',
      ...(config.token === undefined ? {} : { authorization: `Bearer ${config.token}` }),
    };
    // GitHub says 404 for what a token may not see as well.
    const api = new Api(context.fetch, config.base_url, headers, { besides: `/repos/${config.repository}` });
    return repositorySource(
      {
        list: (directory, signal) => list(api, config, directory, signal),
        read: (target, etag, signal) => readFile(api, config, target, etag, signal),
        write: (target, change, signal) => write(api, config, target, change, signal),
        pushed: config.webhook_secret === undefined ? null : pushed(config, config.webhook_secret),
      },
      config.discover,
    );
  },
});

async function* list(api: Api, config: Config, directory: string, signal: AbortSignal): AsyncIterable<string> {
  const path = `/repos/${config.repository}/git/trees/${encodeURIComponent(config.ref ?? 'HEAD')}`;
  const { tree, truncated } = await api.get(Tree, path, { query: { recursive: 1 }, signal });
  if (truncated) throw tooMany();
  const root = directory === '' ? '' : `${directory}/`;
  for (const entry of tree) {
    const isSmall = (entry.size ?? 0) <= PROPOSAL_BYTES_MAX;
    if (entry.type === 'blob' && isSmall && entry.path.startsWith(root)) yield entry.path;
  }
}

function contentsPath(config: Config, path: string): string {
  return `/repos/${config.repository}/contents/${path.split('/').map(encodeURIComponent).join('/')}`;
}

async function readFile(
  api: Api,
  config: Config,
  target: SourceTarget<FileTarget>,
  etag: string | undefined,
  signal: AbortSignal,
): Promise<FileReading> {
  const { path, field } = target.config;
  const headers = etag === undefined ? {} : { 'if-none-match': etag };
  const answer = await api.ask(File, contentsPath(config, path), { query: { ref: config.ref }, headers, signal });
  if (answer.outcome === 'unchanged') return { reading: { outcome: 'unchanged', target: target.id }, file: null };
  if (answer.outcome === 'conflict')
    throw new Fault('transient', `${api.host} answered with a conflict: ${answer.words}`);
  if (answer.outcome === 'absent') {
    const reason = `${config.repository} has no ${path} at ${config.ref ?? 'its default branch'}.`;
    return { reading: { outcome: 'missing', target: target.id, reason }, file: null };
  }
  if (answer.value.encoding !== 'base64')
    throw new Fault('permanent', `${path} is too large for GitHub's contents API.`);
  const { sha: revision } = answer.value;
  const text = Buffer.from(answer.value.content, 'base64').toString('utf8');
  const reading = readingOfText(target.id, path, text, field, await lastCommit(api, config, path, signal));
  const newEtag = answer.headers.get('etag');
  const cursor = newEtag === null ? {} : { cursor: newEtag };
  return { reading: reading.outcome === 'held' ? { ...reading, ...cursor } : reading, file: { text, revision } };
}

async function lastCommit(
  api: Api,
  config: Config,
  path: string,
  signal: AbortSignal,
): Promise<Omit<LiveContent, 'body'>> {
  const query = { path, sha: config.ref, per_page: 1 };
  const [last] = await api.get(Commits, `/repos/${config.repository}/commits`, { query, signal });
  if (last === undefined) return {};
  const editor = last.author?.login ?? last.commit.author?.name;
  return {
    version: last.sha,
    ...(editor === undefined ? {} : { editedBy: editor }),
    ...editedAt(last.commit.committer?.date),
  };
}

async function write(
  api: Api,
  config: Config,
  target: SourceTarget<FileTarget>,
  { base64: content, message, revision }: FileChange,
  signal: AbortSignal,
): Promise<void> {
  const body = {
    message,
    content,
    // The blob that was compared: GitHub refuses when the file has another by now.
    ...(revision === null ? {} : { sha: revision }),
    ...(config.ref === undefined ? {} : { branch: config.ref }),
  };
  const path = contentsPath(config, target.config.path);
  const answer = await api.ask(z.unknown(), path, { method: 'PUT', body, signal });
  if (answer.outcome === 'conflict') throw changedMeanwhile(target.id);
  if (answer.outcome !== 'ok')
    throw new Fault('permanent', `${config.repository} can't be written.`, { hint: 'May the token write contents?' });
}

/** `X-Hub-Signature-256: sha256=<hex HMAC of the body>`. */
function pushed(config: Config, webhookSecret: string): (request: WebhookRequest) => PushedRef | null {
  const replays = new Replays();
  return (request) => {
    const signature = request.headers['x-hub-signature-256'] ?? '';
    requireSignature([signature], `sha256=${hmacHex('sha256', webhookSecret, request.body)}`);
    replays.refuse(request, null);
    const push = Push.safeParse(pushedJson(request));
    if (!push.success || push.data.repository.full_name !== config.repository) return null;
    return { ref: push.data.ref, watched: config.ref ?? push.data.repository.default_branch ?? '' };
  };
}
