/**
 * Prompts in files on this machine: a whole text file, or a field of a YAML or JSON file. Watches
 * their directories, so that an edit is seen at once.
 */

import { randomUUID } from 'node:crypto';
import { constants, watch as watchDirectory, type FSWatcher } from 'node:fs';
import { link, open, readdir, readFile, realpath, rename, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { Fault } from '../src/contract/fault.ts';
import { sourcePlugin } from '../src/contract/source-plugin.ts';
import type { Reading, RestoreRequest, Source, SourceContext, SourceTarget } from '../src/contract/source.ts';
import { formatBytes } from '../src/lib/http.ts';
import { sleep } from '../src/lib/limits.ts';
import { jsonPath } from './lib/json-path-field.ts';
import { PROPOSAL_BYTES_MAX, proposeTexts, tooMany, type FoundText } from './lib/proposals.ts';
import { readEach } from './lib/read-each.ts';
import { refuseIfChanged } from './lib/same-content.ts';
import { readingOfText, textWith } from './lib/structured-text.ts';
import { editedAt } from './lib/time-from.ts';

// A prompt is kilobytes; a file of megabytes is a wrong path.
const FILE_BYTES_MAX = 4 * 1024 * 1024;
// A file that was written this recently may still be being written, and a second write within one
// tick of the file system's clock would not show in its times.
const JUST_WRITTEN_MS = 50;
const SETTLE_TRIES_MAX = 5;
// To open a named pipe waits for who writes into it, with a thread of few, and the whole source with it.
const READ_AT_ONCE = constants.O_RDONLY | constants.O_NONBLOCK;
const CURSOR_AGE_MS = 2_000;
const WATCH_AGAIN_MS = 30_000;
// A directory with more files is not one of prompts.
const FILES_MAX = 20_000;

const Config = z.strictObject({
  discover: z
    .string()
    .min(1)
    .optional()
    .describe('For `discover`: the directory with the prompts, from the directory of the configuration file.'),
});
type Config = z.output<typeof Config>;
const Target = z.strictObject({
  path: z.string().min(1).describe('From the directory of the configuration file.'),
  field: jsonPath()
    .optional()
    .describe('Where in a YAML or JSON file the prompt is, e.g. `prompts.intent.template`. Absent: the whole file.'),
});
type Target = z.output<typeof Target>;

export const files = sourcePlugin({
  type: 'files',
  summary: 'A text file, or a field of a YAML or JSON file, on this machine.',
  config: Config,
  target: Target,
  example: {
    config: { discover: './live' },
    targets: [{ path: './live/intent-classifier.txt' }, { path: './live/prompts.yaml', field: 'intent.template' }],
  },
  create: (config: Config, context): Source<Target> => ({
    ...(config.discover === undefined
      ? {}
      : { discover: proposeTexts(() => findTexts(config.discover ?? '', context)) }),
    live: {
      read: (targets, known, signal) =>
        readEach(targets, signal, (target) => readTarget(target, context, known.get(target.id), signal)),
    },
    restore: {
      form: 'write',
      // The file is compared right before it is replaced, but a file system can't do both in one step.
      comparesAndSets: false,
      restore: (target, request, signal) => restore(target, request, context, signal),
    },
    watch: { watch: (targets, changed, signal) => watch(targets, changed, context, signal) },
  }),
});

function pathOf(target: SourceTarget<Target>, context: SourceContext): string {
  return resolve(context.baseDirectory, target.config.path);
}

async function readTarget(
  target: SourceTarget<Target>,
  context: SourceContext,
  known: string | undefined,
  signal: AbortSignal,
): Promise<Reading> {
  const path = pathOf(target, context);
  const answer = await readFileSettled(path, known, signal);
  if (answer === 'unchanged') return { outcome: 'unchanged', target: target.id };
  if (answer === 'absent')
    return { outcome: 'missing', target: target.id, reason: `${target.config.path} does not exist.` };
  const { path: shown, field } = target.config;
  const reading = readingOfText(target.id, shown, answer.text, field, editedAt(answer.modifiedAt.toISOString()));
  return reading.outcome === 'held' && answer.cursor !== null ? { ...reading, cursor: answer.cursor } : reading;
}

interface FileAnswer {
  readonly text: string;
  readonly modifiedAt: Date;
  /** Null while another write could hide behind the same times. */
  readonly cursor: string | null;
}

/** The file's text once nobody seems to be writing it. `absent` only when its directory is there. */
async function readFileSettled(
  path: string,
  known: string | undefined,
  signal: AbortSignal,
): Promise<FileAnswer | 'unchanged' | 'absent'> {
  for (let tries = 1; ; tries += 1) {
    const answer = await readFileOnce(path, known);
    if (typeof answer === 'string') return answer;
    const age = Date.now() - answer.modifiedAt.getTime();
    const settled = !answer.changedWhileRead && (age < 0 || age > JUST_WRITTEN_MS);
    if (settled) return answer;
    if (tries >= SETTLE_TRIES_MAX) {
      throw new Fault('transient', `${path} is being written all the time.`);
    }
    await sleep(JUST_WRITTEN_MS + 10, signal);
  }
}

async function readFileOnce(
  path: string,
  known: string | undefined,
): Promise<(FileAnswer & { readonly changedWhileRead: boolean }) | 'unchanged' | 'absent'> {
  let file;
  try {
    file = await open(path, READ_AT_ONCE);
  } catch (error) {
    return explainOpen(path, error);
  }
  try {
    const before = await file.stat({ bigint: true });
    if (!before.isFile()) throw new Fault('permanent', `${path} is not a file.`);
    if (before.size > BigInt(FILE_BYTES_MAX)) {
      throw new Fault('permanent', `${path} is larger than ${formatBytes(FILE_BYTES_MAX)}.`);
    }
    // The change time can't be set by hand, so a restored modification time hides nothing.
    const cursor = [before.ino, before.size, before.mtimeNs, before.ctimeNs].join('-');
    if (cursor === known) return 'unchanged';
    const bytes = await file.readFile();
    const after = await file.stat({ bigint: true });
    const changedWhileRead =
      after.mtimeNs !== before.mtimeNs || after.size !== before.size || BigInt(bytes.length) !== after.size;
    const old = Math.abs(Date.now() - Number(before.ctimeMs)) > CURSOR_AGE_MS;
    return { text: decode(path, bytes), modifiedAt: before.mtime, cursor: old ? cursor : null, changedWhileRead };
  } finally {
    await file.close();
  }
}

async function explainOpen(path: string, error: unknown): Promise<'absent'> {
  const code = error instanceof Error && 'code' in error ? error.code : '';
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    const directory = dirname(path);
    const isThere = await stat(directory).then(
      (stats) => stats.isDirectory(),
      () => false,
    );
    if (isThere) return 'absent';
    throw new Fault('transient', `The directory ${directory} does not exist.`, { hint: 'Is it mounted?' });
  }
  throw new Fault('transient', `${path} can't be read (${String(code)}).`, { cause: error });
}

function decode(path: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Fault('permanent', `${path} is not UTF-8 text.`);
  }
}

/** All files below a directory, but not what begins with a dot: version control, editors' leftovers, mounts' inner links. */
async function* findTexts(path: string, context: SourceContext): AsyncIterable<FoundText<Target>> {
  const root = resolve(context.baseDirectory, path);
  const directories = [''];
  for (let inside = directories.shift(), seen = 0; inside !== undefined; inside = directories.shift()) {
    const entries = await readdir(join(root, inside), { withFileTypes: true }).catch((error: unknown) => {
      throw new Fault('permanent', `The directory ${join(path, inside)} can't be read.`, { cause: error });
    });
    for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      const below = join(inside, entry.name);
      if (entry.name.startsWith('.')) continue;
      if ((seen += 1) > FILES_MAX) throw tooMany();
      if (entry.isDirectory()) directories.push(below);
      // A link counts as what it leads to: a config map is mounted as links.
      else yield { path: below, target: { path: join(path, below) }, text: await smallText(join(root, below)) };
    }
  }
}

async function smallText(path: string): Promise<string | null> {
  const stats = await stat(path).catch(() => null);
  if (stats === null || !stats.isFile() || stats.size > PROPOSAL_BYTES_MAX) return null;
  return (await readFile(path)).toString('utf8');
}

async function restore(
  target: SourceTarget<Target>,
  request: RestoreRequest,
  context: SourceContext,
  signal: AbortSignal,
): Promise<Reading> {
  const path = pathOf(target, context);
  const now = await readFileSettled(path, undefined, signal);
  const { path: shown, field } = target.config;
  const before = typeof now === 'string' ? null : now.text;
  const reading = before === null ? null : readingOfText(target.id, shown, before, field);
  refuseIfChanged(target.id, reading?.outcome === 'held' ? reading.contents[0] : null, request.expect);
  await replaceFile(path, textWith(shown, before, field, request.body), before !== null);
  return readTarget(target, context, undefined, signal);
}

/** Readers see the old text or the new one, never half of it. */
async function replaceFile(path: string, text: string, exists: boolean): Promise<void> {
  // A link stays a link: what it points to is replaced.
  const real = exists ? await realpath(path) : path;
  const temporary = join(dirname(real), `.${basename(real)}.${randomUUID()}.tmp`);
  const mode = exists ? (await stat(real)).mode : 0o644;
  const file = await open(temporary, 'wx', mode);
  try {
    await file.writeFile(text);
    await file.chmod(mode);
    await file.sync();
    await file.close();
    if (exists) {
      await rename(temporary, real);
    } else {
      // Fails if somebody made the file meanwhile, where a rename would replace it.
      await link(temporary, real);
      await unlink(temporary);
    }
  } catch (error) {
    await file.close().catch(() => undefined);
    await unlink(temporary).catch(() => undefined);
    throw new Fault(
      'permanent',
      `${path} can't be written: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
}

/**
 * Watches directories and not files: a file that an editor replaces is another file. Whatever
 * happens in a directory is a hint for all targets in it, since a mounted config map changes a link
 * beside the file and not the file.
 */
async function watch(
  targets: readonly SourceTarget<Target>[],
  changed: (target: string) => void,
  context: SourceContext,
  signal: AbortSignal,
): Promise<void> {
  const inDirectory = Map.groupBy(targets, (target) => dirname(pathOf(target, context)));
  const watchers: FSWatcher[] = [];
  let failure: unknown = null;
  try {
    for (const [directory, inside] of inDirectory) {
      try {
        const watcher = watchDirectory(directory, { persistent: false });
        watchers.push(watcher);
        watcher.on('change', () => {
          for (const target of inside) changed(target.id);
        });
      } catch (error) {
        failure = error;
      }
    }
    if (watchers.length === 0 && failure !== null) throw failure;
    await Promise.race([
      ended(watchers, signal),
      // What could not be watched is tried again when the host calls again.
      ...(failure === null ? [] : [sleep(WATCH_AGAIN_MS, signal)]),
    ]);
  } finally {
    for (const watcher of watchers) watcher.close();
  }
}

/** Rejects when a watcher fails or the signal aborts. */
function ended(watchers: readonly FSWatcher[], signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    for (const watcher of watchers) watcher.on('error', reject);
    if (signal.aborted) reject(signal.reason as Error);
  });
}
