/** Making directories, writing several files or none, and what it means when the file system refuses. */

import { existsSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Fault } from '../contract/fault.ts';

/**
 * With all that is missing above it; `mode` is of the directory itself. Returns the first that was made, null when
 * everything was there. Step by step: Node's recursive form never returns where the system answers ENOENT for an
 * existing parent, as in /proc.
 */
export async function makeDirectory(path: string, mode = 0o777): Promise<string | null> {
  const missing: string[] = [];
  for (let at = path; !existsSync(at); at = dirname(at)) missing.push(at);
  for (const each of missing.toReversed()) {
    await mkdir(each, each === path ? mode : 0o777).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
  return missing.at(-1) ?? null;
}

const aside = (file: string): string => `${file}.${process.pid}.tmp`;

/** All of them with their directories, or none: a disk may be full in the middle. What was there is replaced. */
export async function writeFiles(files: ReadonlyMap<string, string>): Promise<void> {
  const made: string[] = [];
  try {
    for (const [file, content] of files) {
      const directory = await makeDirectory(dirname(file));
      if (directory !== null) made.push(directory);
      await writeFile(aside(file), content);
    }
    for (const file of files.keys()) await rename(aside(file), file);
  } catch (error) {
    for (const file of files.keys()) await rm(aside(file), { force: true }).catch(() => undefined);
    for (const directory of made) await rm(directory, { force: true, recursive: true }).catch(() => undefined);
    throw error;
  }
}

const WHY: Readonly<Record<string, string>> = {
  ENOSPC: 'its disk is full',
  EDQUOT: 'its disk quota is used up',
  EACCES: 'this user may not write there',
  EPERM: 'this user may not write there',
  EROFS: 'its file system is read-only',
  ENOENT: 'it could not be created there',
  ENOTDIR: 'a part of its path is a file',
  EISDIR: 'it is a directory',
  EEXIST: 'it is a file',
  ENAMETOOLONG: 'its name is too long',
  ELOOP: 'its symbolic links lead round in circles',
};

// An `open` may be either, and what reads says so itself.
const WRITES = /^(?:open|mkdir|write|rename|unlink|rmdir|rm|copyfile|f(?:data)?sync|ftruncate|chmod|link|symlink)/;

/** Why the file system refuses a write, in words; null for an error that is something else. */
export function whyNotWritten(error: unknown): string | null {
  if (!(error instanceof Error) || !('syscall' in error) || !('code' in error)) return null;
  return WRITES.test(String(error.syscall)) ? (WHY[String(error.code)] ?? null) : null;
}

/** The same as a `Fault` that names the path; null for an error that is something else. */
export function notWritten(error: unknown, path: string, hint: string): Fault | null {
  const why = whyNotWritten(error);
  if (why === null) return null;
  const { path: at, dest } = error as { readonly path?: string; readonly dest?: string };
  const named = dest ?? at ?? path;
  return new Fault('config', `${named.replace(/\.\d+\.tmp$/, '')} can't be written: ${why}.`, { hint, cause: error });
}
