/** Files in GitLab at a branch, through its API. */

import { z } from 'zod';
import { Fault } from '../src/contract/fault.ts';
import { sourcePlugin } from '../src/contract/source-plugin.ts';
import type { Reading, RestoreRequest, Source, SourceTarget } from '../src/contract/source.ts';
import { Api } from './lib/api.ts';
import { baseUrl } from './lib/base-url.ts';
import { jsonPath } from './lib/json-path-field.ts';
import { readEach } from './lib/read-each.ts';
import { rewrite } from './lib/rewrite.ts';
import { secret } from './lib/secret.ts';
import { readingOfText, textWith } from './lib/structured-text.ts';
import { editedAt } from './lib/time-from.ts';

const Config = z.strictObject({
  base_url: baseUrl('https://gitlab.com/api/v4'),
  token: secret().optional(),
  /** Path or number of the project. */
  project: z.string().min(1),
  branch: z.string().min(1).default('main'),
});
type Config = z.output<typeof Config>;

const Target = z.strictObject({
  path: z.string().min(1),
  /** Where in a YAML or JSON file the prompt is. Absent: the whole file. */
  field: jsonPath().optional(),
});
type Target = z.output<typeof Target>;

const File = z.object({
  encoding: z.literal('base64'),
  content: z.string(),
  blob_id: z.string(),
  last_commit_id: z.string(),
});
type File = z.output<typeof File>;
const Commit = z.object({ author_name: z.string(), committed_date: z.string() });

export const gitlab = sourcePlugin({
  type: 'gitlab',
  summary: 'A file, or a field of one, at a branch in GitLab.',
  config: Config,
  target: Target,
  example: {
    config: { token: 'env:GITLAB_TOKEN', project: 'acme/prompts', branch: 'main' },
    targets: [{ path: 'support/intent-classifier.txt' }],
  },
  create: (config, context): Source<Target> => {
    const api = new Api(
      context.fetch,
      config.base_url,
      config.token === undefined ? {} : { 'private-token': config.token },
    );
    const root = `/projects/${encodeURIComponent(config.project)}`;
    const filePath = (target: SourceTarget<Target>): string =>
      `${root}/repository/files/${encodeURIComponent(target.config.path)}`;

    const find = async (target: SourceTarget<Target>, signal: AbortSignal): Promise<File | null> => {
      const file = await api.find(File, filePath(target), { query: { ref: config.branch }, signal });
      // GitLab says 404 for what a token may not see as well.
      if (file === null) await api.get(z.object({ id: z.int() }), root, { signal });
      return file;
    };
    const readingOf = async (
      file: File | null,
      target: SourceTarget<Target>,
      known: string | undefined,
      signal: AbortSignal,
    ): Promise<Reading> => {
      const { path, field } = target.config;
      if (file === null)
        return {
          outcome: 'missing',
          target: target.id,
          reason: `${config.project} has no ${path} at ${config.branch}.`,
        };
      const { last_commit_id: commit } = file;
      if (commit === known) return { outcome: 'unchanged', target: target.id };
      const last = await api.find(Commit, `${root}/repository/commits/${commit}`, { signal });
      const reading = readingOfText(target.id, path, textOf(file), field, {
        version: commit,
        ...(last === null ? {} : { editedBy: last.author_name, ...editedAt(last.committed_date) }),
      });
      return reading.outcome === 'held' ? { ...reading, cursor: commit } : reading;
    };
    return {
      live: {
        read: (targets, known, signal) =>
          readEach(targets, signal, async (target) =>
            readingOf(await find(target, signal), target, known.get(target.id), signal),
          ),
      },
      restore: {
        form: 'write',
        comparesAndSets: true,
        restore: (target, request, signal) => {
          let file: File | null = null;
          const read = async (): Promise<Reading> => {
            file = await find(target, signal);
            return readingOf(file, target, undefined, signal);
          };
          return rewrite(target.id, request, read, () =>
            write(api, config, filePath(target), file, target, request, signal),
          );
        },
      },
    };
  },
});

function textOf(file: File): string {
  return Buffer.from(file.content, 'base64').toString('utf8');
}

async function write(
  api: Api,
  { branch }: Config,
  path: string,
  file: File | null,
  target: SourceTarget<Target>,
  request: RestoreRequest,
  signal: AbortSignal,
): Promise<void> {
  const text = textWith(target.config.path, file === null ? null : textOf(file), target.config.field, request.body);
  const body = {
    branch,
    encoding: 'base64',
    content: Buffer.from(text).toString('base64'),
    commit_message: `Restore ${target.prompt} to version ${request.version}`,
    // The commit that was compared: GitLab refuses when the file has a newer one.
    ...(file === null ? {} : { last_commit_id: file.last_commit_id }),
  };
  const answer = await api.ask(z.unknown(), path, { method: file === null ? 'POST' : 'PUT', body, signal });
  if (answer.outcome !== 'ok')
    throw new Fault('permanent', `${target.config.path} can't be written.`, {
      hint: 'May the token write to the branch?',
    });
}
