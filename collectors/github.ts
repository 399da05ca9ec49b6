/** Files in GitHub at a branch or tag, through its API: an unchanged file costs nothing of the rate limit. */

import { z } from 'zod';
import { Fault } from '../src/contract/fault.ts';
import { sourcePlugin } from '../src/contract/source-plugin.ts';
import type { LiveContent, Reading, RestoreRequest, Source, SourceTarget } from '../src/contract/source.ts';
import { Api } from './lib/api.ts';
import { baseUrl } from './lib/base-url.ts';
import { jsonPath } from './lib/json-path-field.ts';
import { readEach } from './lib/read-each.ts';
import { rewrite } from './lib/rewrite.ts';
import { changedMeanwhile } from './lib/same-content.ts';
import { secret } from './lib/secret.ts';
import { hmacHex, pushedJson, Replays, requireSignature } from './lib/signed-push.ts';
import { readingOfText, textWith } from './lib/structured-text.ts';
import { editedAt } from './lib/time-from.ts';

const Config = z.strictObject({
  base_url: baseUrl('https://api.github.com'),
  token: secret().optional(),
  repository: z.string().regex(/^[^/\s]+\/[^/\s]+$/, 'is not OWNER/NAME'),
  /** Branch or tag. Absent: the default branch. */
  ref: z.string().min(1).optional(),
  webhook_secret: secret().optional(),
});
type Config = z.output<typeof Config>;

const Target = z.strictObject({
  path: z.string().min(1),
  /** Where in a YAML or JSON file the prompt is. Absent: the whole file. */
  field: jsonPath().optional(),
});
type Target = z.output<typeof Target>;

const File = z.object({
  type: z.literal('file'),
  encoding: z.string(),
  content: z.string(),
  sha: z.string(),
  html_url: z.string().nullish(),
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
  target: Target,
  example: {
    config: {
      token: 'env:GITHUB_TOKEN',
      repository: 'acme/prompts',
      ref: 'main',
      webhook_secret: 'env:GITHUB_WEBHOOK_SECRET',
    },
    targets: [{ path: 'support/intent-classifier.txt' }, { path: 'prompts.yaml', field: 'intent.template' }],
  },
  create: (config, context): Source<Target> => {
    const api = new Api(context.fetch, config.base_url, {
      accept: 'application/vnd.github+json',
      'x-github-api-version': '2022-11-28',
      ...(config.token === undefined ? {} : { authorization: `Bearer ${config.token}` }),
    });
    return {
      live: {
        read: (targets, known, signal) =>
          readEach(
            targets,
            signal,
            async (target) => (await readFile(api, config, target, known.get(target.id), signal)).reading,
          ),
      },
      restore: {
        form: 'write',
        comparesAndSets: true,
        restore: (target, request, signal) => restore(api, config, target, request, signal),
      },
      ...(config.webhook_secret === undefined ? {} : { webhook: webhook(config, config.webhook_secret) }),
    };
  },
});

function contentsPath(config: Config, path: string): string {
  return `/repos/${config.repository}/contents/${path.split('/').map(encodeURIComponent).join('/')}`;
}

interface FileReading {
  readonly reading: Reading;
  readonly file: { readonly text: string; readonly sha: string } | null;
}

async function readFile(
  api: Api,
  config: Config,
  target: SourceTarget<Target>,
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
    // GitHub says 404 for what a token may not see as well.
    await api.get(z.object({ full_name: z.string() }), `/repos/${config.repository}`, { signal });
    const reason = `${config.repository} has no ${path} at ${config.ref ?? 'its default branch'}.`;
    return { reading: { outcome: 'missing', target: target.id, reason }, file: null };
  }
  if (answer.value.encoding !== 'base64')
    throw new Fault('permanent', `${path} is too large for GitHub's contents API.`);
  const { sha } = answer.value;
  const text = Buffer.from(answer.value.content, 'base64').toString('utf8');
  const reading = readingOfText(target.id, path, text, field, await lastCommit(api, config, path, signal));
  const newEtag = answer.headers.get('etag');
  const cursor = newEtag === null ? {} : { cursor: newEtag };
  return { reading: reading.outcome === 'held' ? { ...reading, ...cursor } : reading, file: { text, sha } };
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

async function restore(
  api: Api,
  config: Config,
  target: SourceTarget<Target>,
  request: RestoreRequest,
  signal: AbortSignal,
): Promise<Reading> {
  const { path, field } = target.config;
  let file: FileReading['file'] = null;
  const read = async (): Promise<Reading> => {
    const answer = await readFile(api, config, target, undefined, signal);
    ({ file } = answer);
    return answer.reading;
  };
  return rewrite(target.id, request, read, async () => {
    const body = {
      message: `Restore ${target.prompt} to version ${request.version}`,
      content: Buffer.from(textWith(path, file?.text ?? null, field, request.body)).toString('base64'),
      // The blob that was compared: GitHub refuses when the file has another by now.
      ...(file === null ? {} : { sha: file.sha }),
      ...(config.ref === undefined ? {} : { branch: config.ref }),
    };
    const answer = await api.ask(z.unknown(), contentsPath(config, path), { method: 'PUT', body, signal });
    if (answer.outcome === 'conflict') throw changedMeanwhile(target.id);
    if (answer.outcome !== 'ok')
      throw new Fault('permanent', `${config.repository} can't be written.`, { hint: 'May the token write contents?' });
  });
}

/** `X-Hub-Signature-256: sha256=<hex HMAC of the body>`. The push of a ref is a reason to look at all files at it. */
function webhook(config: Config, webhookSecret: string): NonNullable<Source<Target>['webhook']> {
  const replays = new Replays();
  return {
    receive: async (request, targets) => {
      const signature = request.headers['x-hub-signature-256'] ?? '';
      requireSignature([signature], `sha256=${hmacHex('sha256', webhookSecret, request.body)}`);
      replays.refuse(request, null);
      const push = Push.safeParse(pushedJson(request));
      if (!push.success || push.data.repository.full_name !== config.repository) return [];
      const ref = config.ref ?? push.data.repository.default_branch ?? '';
      const names = [ref, `refs/heads/${ref}`, `refs/tags/${ref}`];
      return names.includes(push.data.ref) ? targets.map((target) => target.id) : [];
    },
  };
}
