/**
 * A file at a ref of a local or remote Git repository. A restore is a commit on its branch, and only
 * where the configuration says in whose name: usually the way back is a change that somebody reviews.
 */

import { z } from 'zod';
import { Fault, isFault } from '../src/contract/fault.ts';
import { sourcePlugin } from '../src/contract/source-plugin.ts';
import type { Reading, RestoreRequest, Source, SourceTarget } from '../src/contract/source.ts';
import { Repository } from './lib/git-repository.ts';
import { jsonPath } from './lib/json-path-field.ts';
import { proposeTexts, type FoundText } from './lib/proposals.ts';
import { readEach } from './lib/read-each.ts';
import { rewrite } from './lib/rewrite.ts';
import { changedMeanwhile } from './lib/same-content.ts';
import { secret } from './lib/secret.ts';
import { readingOfText, textWith } from './lib/structured-text.ts';
import { editedAt } from './lib/time-from.ts';

const Config = z.strictObject({
  repository: z
    .string()
    .regex(/^[^-]/, 'must not start with -')
    .describe('A directory, or an address that git understands.'),
  ref: z
    .string()
    .regex(/^[A-Za-z0-9_][A-Za-z0-9._/@+-]*$/, 'is not a branch, tag or commit')
    .default('HEAD')
    .describe('Branch, tag, full ref or full commit id.'),
  username: z.string().min(1).default('x-access-token').describe('For https.'),
  token: secret().optional(),
  commit_as: z
    .string()
    .regex(/^[^<>\n]+ <[^<>\s]+>$/, 'is not like "Name <address>"')
    .optional()
    .describe('Whose commits a restore makes on the branch: `Name <address>`. Absent: no restore.'),
  discover: z
    .string()
    .regex(/^(\.|[^/.-][^:]*)$/, 'is not a directory of the repository')
    .optional()
    .describe('For `discover`: the directory with the prompts; `.` is all of the repository.'),
});

const Target = z.strictObject({
  path: z.string().min(1),
  field: jsonPath().optional().describe('Where in a YAML or JSON file the prompt is. Absent: the whole file.'),
});
type Target = z.output<typeof Target>;

export const git = sourcePlugin({
  type: 'git',
  summary: 'A file, or a field of one, at a branch or tag of a local or remote Git repository.',
  config: Config,
  target: Target,
  example: {
    config: {
      repository: 'https://git.example.com/team/prompts.git',
      ref: 'main',
      token: 'env:GIT_TOKEN',
      discover: 'support',
    },
    targets: [{ path: 'support/intent-classifier.txt' }, { path: 'prompts.yaml', field: 'intent.template' }],
  },
  create: (config, context): Source<Target> => ({
    ...(config.discover === undefined
      ? {}
      : {
          discover: proposeTexts((signal) =>
            findTexts(new Repository(config, context, signal), config.discover ?? '.'),
          ),
        }),
    ...(config.commit_as === undefined
      ? {}
      : {
          restore: {
            form: 'write',
            comparesAndSets: true,
            restore: (target, request, signal) =>
              restore(new Repository(config, context, signal), config.commit_as ?? '', target, request),
          },
        }),
    live: {
      read: (targets, known, signal) => readAll(new Repository(config, context, signal), targets, known, signal),
    },
  }),
});

async function restore(
  repository: Repository,
  author: string,
  target: SourceTarget<Target>,
  request: RestoreRequest,
): Promise<Reading> {
  const { path, field } = target.config;
  let commit: string | null = null;
  const read = async (): Promise<Reading> => {
    commit = await repository.resolveRef();
    if (commit === null) throw new Fault('permanent', `The repository has no ${repository.ref}.`);
    await repository.fetchCommit(commit);
    return readTarget(repository, commit, target);
  };
  return rewrite(target.id, request, read, async () => {
    const parent = commit ?? '';
    const text = textWith(path, await repository.readText(parent, path), field, request.body);
    const message = `Restore ${path} to version ${request.version}\n\nBy \`plumbline restore ${target.id}\`.\n`;
    if (!(await repository.commitOn(parent, { path, text, message, author }))) throw changedMeanwhile(target.id);
  });
}

async function* readAll(
  repository: Repository,
  targets: readonly SourceTarget<Target>[],
  known: ReadonlyMap<string, string>,
  signal: AbortSignal,
): AsyncIterable<Reading> {
  const commit = await repository.resolveRef();
  if (commit === null) {
    for (const { id } of targets) {
      yield { outcome: 'missing', target: id, reason: `The repository has no ${repository.ref}.` };
    }
    return;
  }
  // A commit never changes, so neither does any file in it.
  const isKnown = (target: SourceTarget<Target>): boolean => known.get(target.id) === commit;
  for (const { id } of targets.filter(isKnown)) yield { outcome: 'unchanged', target: id };
  const open = targets.filter((target) => !isKnown(target));
  if (open.length === 0) return;
  await repository.fetchCommit(commit);
  yield* readEach(open, signal, (target) => readTarget(repository, commit, target));
}

async function readTarget(repository: Repository, commit: string, target: SourceTarget<Target>): Promise<Reading> {
  const { path, field } = target.config;
  const text = await repository.readText(commit, path);
  if (text === null) return { outcome: 'missing', target: target.id, reason: `${repository.ref} has no ${path}.` };
  const last = await repository.lastChange(commit, path);
  const reading = readingOfText(target.id, path, text, field, {
    pointer: { name: repository.ref, value: commit },
    ...(last === null ? {} : { version: last.commit, editedBy: last.author, ...editedAt(last.committedAt) }),
  });
  return reading.outcome === 'held' ? { ...reading, cursor: commit } : reading;
}

async function* findTexts(repository: Repository, directory: string): AsyncIterable<FoundText<Target>> {
  const commit = await repository.resolveRef();
  if (commit === null) throw new Fault('permanent', `The repository has no ${repository.ref}.`);
  await repository.fetchCommit(commit);
  const root = directory === '.' ? '' : `${directory.replace(/\/+$/, '')}/`;
  for (const path of await repository.list(commit, root)) {
    const text = await repository.readText(commit, path).catch((error: unknown) => {
      // What is no text, or too large, is no prompt.
      if (isFault(error) && error.kind === 'permanent') return null;
      throw error;
    });
    const last = text === null ? null : await repository.lastChange(commit, path);
    const more = {
      pointer: { name: repository.ref, value: commit },
      ...(last === null ? {} : { version: last.commit, editedBy: last.author, ...editedAt(last.committedAt) }),
    };
    yield { path: path.slice(root.length), target: { path }, text, more };
  }
}
