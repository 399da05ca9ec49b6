/**
 * Files of a repository behind an API: what GitHub and GitLab have in common. A target is a file, or a
 * field of one; a write names what it is over, and a push is a reason to look at every file of its branch.
 */

import { z } from 'zod';
import type { Reading, Source, SourceTarget, WebhookRequest } from '../../src/contract/source.ts';
import { jsonPath } from './json-path-field.ts';
import { proposeTexts, type FoundText } from './proposals.ts';
import { readEach } from './read-each.ts';
import { rewrite } from './rewrite.ts';
import { secret } from './secret.ts';
import { textWith } from './structured-text.ts';

/** The keys that both have in their configuration. */
export const repositoryConfig = {
  token: secret().optional(),
  /** The secret of the repository's webhook for pushes. */
  webhook_secret: secret().optional(),
  discover: z
    .string()
    .regex(/^(\.|[^/.-][^:]*)$/, 'is not a directory of the repository')
    .optional()
    .describe('For `discover`: the directory with the prompts; `.` is all of the repository.'),
};

export const FileTarget = z.strictObject({
  path: z.string().min(1),
  /** Where in a YAML or JSON file the prompt is. Absent: the whole file. */
  field: jsonPath().optional(),
});
export type FileTarget = z.output<typeof FileTarget>;

/** A file as it was read. `revision`: what a write over it must name. */
export interface RepositoryFile {
  readonly text: string;
  readonly revision: string;
}

export interface FileReading {
  readonly reading: Reading;
  /** Null when there is none, or it was not read because it is unchanged. */
  readonly file: RepositoryFile | null;
}

/** The new content of a file, in the form in which both APIs take it. */
export interface FileChange {
  readonly base64: string;
  readonly message: string;
  /** Null: the file is not there yet. */
  readonly revision: string | null;
}

export interface RepositoryPlace {
  /** Paths of all files below a directory of the repository; `''` is all of it. */
  readonly list: (directory: string, signal: AbortSignal) => AsyncIterable<string>;
  readonly read: (
    target: SourceTarget<FileTarget>,
    known: string | undefined,
    signal: AbortSignal,
  ) => Promise<FileReading>;
  /** Throws a `Fault` when the file is no longer what was read, or can't be written. */
  readonly write: (target: SourceTarget<FileTarget>, change: FileChange, signal: AbortSignal) => Promise<unknown>;
  /** The branch or tag of a genuine push, as `refs/heads/NAME`, with what is watched; null: of no concern. */
  readonly pushed: ((request: WebhookRequest) => PushedRef | null) | null;
}

export interface PushedRef {
  readonly ref: string;
  /** What the source watches: a branch or a tag. */
  readonly watched: string;
}

/** `directory`: where prompts are looked for; undefined: nowhere. */
export function repositorySource(place: RepositoryPlace, directory: string | undefined): Source<FileTarget> {
  const { pushed } = place;
  return {
    ...(directory === undefined ? {} : { discover: proposeTexts((signal) => findTexts(place, directory, signal)) }),
    live: {
      read: (targets, known, signal) =>
        readEach(targets, signal, async (target) => (await place.read(target, known.get(target.id), signal)).reading),
    },
    restore: {
      form: 'write',
      comparesAndSets: true,
      restore: (target, request, signal) => {
        let file: RepositoryFile | null = null;
        const read = async (): Promise<Reading> => {
          const answer = await place.read(target, undefined, signal);
          ({ file } = answer);
          return answer.reading;
        };
        return rewrite(target.id, request, read, () => {
          const { path, field } = target.config;
          const text = textWith(path, file?.text ?? null, field, request.body);
          const change = {
            base64: Buffer.from(text).toString('base64'),
            message: `Restore ${target.prompt} to version ${request.version}`,
            revision: file?.revision ?? null,
          };
          return place.write(target, change, signal);
        });
      },
    },
    ...(pushed === null
      ? {}
      : {
          webhook: {
            receive: async (request, targets) => {
              const push = pushed(request);
              if (push === null) return [];
              const { ref, watched } = push;
              const names = [watched, `refs/heads/${watched}`, `refs/tags/${watched}`];
              return names.includes(ref) ? targets.map((target) => target.id) : [];
            },
          },
        }),
  };
}

async function* findTexts(
  place: RepositoryPlace,
  discover: string,
  signal: AbortSignal,
): AsyncIterable<FoundText<FileTarget>> {
  const directory = discover === '.' ? '' : discover.replace(/\/+$/, '');
  for await (const path of place.list(directory, signal)) {
    const target = { path };
    const { reading, file } = await place.read({ id: path, prompt: path, config: target }, undefined, signal);
    if (reading.outcome !== 'held' || file === null) continue;
    const { body: _body, ...more } = reading.contents[0];
    yield { path: path.slice(directory.length), target, text: file.text, more };
  }
}
