/** Files in GitLab at a branch or tag, through its API. */

import { z } from 'zod';
import { Fault } from '../src/contract/fault.ts';
import { sourcePlugin } from '../src/contract/source-plugin.ts';
import type { Source, SourceTarget, WebhookRequest } from '../src/contract/source.ts';
import { Api } from './lib/api.ts';
import { baseUrl } from './lib/base-url.ts';
import { allPages } from './lib/pages.ts';
import {
  FileTarget,
  repositoryConfig,
  repositorySource,
  type FileChange,
  type FileReading,
  type PushedRef,
} from './lib/repository.ts';
import {
  isStandardSecret,
  pushedJson,
  Replays,
  requireSignature,
  requireStandardWebhook,
  standardKey,
} from './lib/signed-push.ts';
import { readingOfText } from './lib/structured-text.ts';
import { editedAt } from './lib/time-from.ts';

const Config = z.strictObject({
  base_url: baseUrl('https://gitlab.com/api/v4'),
  ...repositoryConfig,
  /** Path or number of the project. */
  project: z.string().min(1),
  /** Branch or tag. */
  branch: z.string().min(1).default('main'),
});
type Config = z.output<typeof Config>;

const File = z.object({
  encoding: z.literal('base64'),
  content: z.string(),
  blob_id: z.string(),
  last_commit_id: z.string(),
});
const Entries = z.array(z.object({ path: z.string(), type: z.string() }));
const Commit = z.object({ author_name: z.string(), committed_date: z.string() });
const Push = z.object({
  object_kind: z.enum(['push', 'tag_push']),
  ref: z.string(),
  project: z.object({ id: z.int(), path_with_namespace: z.string() }),
});

export const gitlab = sourcePlugin({
  type: 'gitlab',
  summary: 'A file, or a field of one, at a branch or tag in GitLab.',
  config: Config,
  target: FileTarget,
  example: {
    config: {
      token: 'env:GITLAB_TOKEN',
      project: 'acme/prompts',
      branch: 'main',
      webhook_secret: 'env:GITLAB_WEBHOOK_SIGNING_TOKEN',
      discover: 'support',
    },
    targets: [{ path: 'support/intent-classifier.txt' }],
  },
  create: (config, context): Source<FileTarget> => {
    const api = new Api(
      context.fetch,
      config.base_url,
      config.token === undefined ? {} : { 'private-token': config.token },
      // GitLab says 404 for what a token may not see as well.
      { besides: projectPath(config) },
    );
    return repositorySource(
      {
        list: (directory, signal) => list(api, config, directory, signal),
        read: (target, known, signal) => readFile(api, config, target, known, signal),
        write: (target, change, signal) => write(api, config, target, change, signal),
        pushed: config.webhook_secret === undefined ? null : pushed(config, config.webhook_secret),
      },
      config.discover,
    );
  },
});

const ENTRIES_PER_PAGE = 100;

async function* list(api: Api, config: Config, directory: string, signal: AbortSignal): AsyncIterable<string> {
  const entries = allPages(api.host, async (next) => {
    const page = Number(next ?? 1);
    const query = { path: directory, ref: config.branch, recursive: true, per_page: ENTRIES_PER_PAGE, page };
    const items = await api.get(Entries, `${projectPath(config)}/repository/tree`, { query, signal });
    return { items, next: items.length < ENTRIES_PER_PAGE ? null : page + 1 };
  });
  for await (const { path, type } of entries) if (type === 'blob') yield path;
}

function projectPath({ project }: Config): string {
  return `/projects/${encodeURIComponent(project)}`;
}

function filePath(config: Config, path: string): string {
  return `${projectPath(config)}/repository/files/${encodeURIComponent(path)}`;
}

async function readFile(
  api: Api,
  config: Config,
  target: SourceTarget<FileTarget>,
  known: string | undefined,
  signal: AbortSignal,
): Promise<FileReading> {
  const { path, field } = target.config;
  const found = await api.find(File, filePath(config, path), { query: { ref: config.branch }, signal });
  if (found === null) {
    const reason = `${config.project} has no ${path} at ${config.branch}.`;
    return { reading: { outcome: 'missing', target: target.id, reason }, file: null };
  }
  const { last_commit_id: revision } = found;
  const file = { text: Buffer.from(found.content, 'base64').toString('utf8'), revision };
  if (revision === known) return { reading: { outcome: 'unchanged', target: target.id }, file };
  const last = await api.find(Commit, `${projectPath(config)}/repository/commits/${revision}`, { signal });
  const reading = readingOfText(target.id, path, file.text, field, {
    version: revision,
    ...(last === null ? {} : { editedBy: last.author_name, ...editedAt(last.committed_date) }),
  });
  return { reading: reading.outcome === 'held' ? { ...reading, cursor: revision } : reading, file };
}

async function write(
  api: Api,
  config: Config,
  target: SourceTarget<FileTarget>,
  { base64: content, message, revision }: FileChange,
  signal: AbortSignal,
): Promise<void> {
  const { path } = target.config;
  const body = {
    branch: config.branch,
    encoding: 'base64',
    content,
    commit_message: message,
    // The commit that was compared: GitLab refuses when the file has a newer one.
    ...(revision === null ? {} : { last_commit_id: revision }),
  };
  const method = revision === null ? 'POST' : 'PUT';
  const answer = await api.ask(z.unknown(), filePath(config, path), { method, body, signal });
  if (answer.outcome !== 'ok')
    throw new Fault('permanent', `${path} can't be written.`, { hint: 'May the token write to the branch?' });
}

/** With a signing token every push is signed; the older secret token is sent as it is, and covers no body and no time. */
function pushed(config: Config, webhookSecret: string): (request: WebhookRequest) => PushedRef | null {
  const replays = new Replays();
  const key = isStandardSecret(webhookSecret) ? standardKey(webhookSecret) : null;
  return (request) => {
    if (key === null) {
      requireSignature([request.headers['x-gitlab-token'] ?? ''], webhookSecret);
      replays.refuse(request, null);
    } else {
      requireStandardWebhook(request, key, replays);
    }
    const push = Push.safeParse(pushedJson(request));
    if (!push.success) return null;
    const { ref, project } = push.data;
    const isOurs = [project.path_with_namespace, String(project.id)].includes(config.project);
    return isOurs ? { ref, watched: config.branch } : null;
  };
}
