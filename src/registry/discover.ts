/** Finds the YAML files below a registry folder, with what tells that one has changed, and reads them, bounded. */

import { constants, type BigIntStats } from 'node:fs';
import { access, lstat, readdir, readFile, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { Fault } from '../contract/fault.ts';
import { forEachConcurrently } from '../lib/limits.ts';

export const DISCOVERY_LIMITS = { filesMax: 20_000, depthMax: 32 } as const;

const STATS_AT_ONCE = 16;

export interface FoundFile {
  readonly absolute: string;
  /** As the user would type it, from the base directory. */
  readonly shown: string;
  /** Changes whenever the content may have changed. */
  readonly signature: string;
}

export interface FoundYaml {
  readonly files: readonly FoundFile[];
  readonly unread: readonly { readonly folder: string; readonly message: string }[];
}

/**
 * All `.yaml` and `.yml` files, in order of path. Names that start with a dot and `node_modules`
 * are left out; links to files are followed (that is how Kubernetes mounts configuration), links
 * to folders are not, because they may lead in a circle. A folder that can't be read is told, and hides no other.
 */
export async function findYamlFiles(root: string, baseDirectory: string, signal: AbortSignal): Promise<FoundYaml> {
  const unread: { folder: string; message: string }[] = [];
  const paths: string[] = [];
  const visit = async (directory: string, depth: number): Promise<void> => {
    signal.throwIfAborted();
    if (depth > DISCOVERY_LIMITS.depthMax) return;
    const entries = await readdir(directory, { withFileTypes: true }).catch((error: unknown) => {
      const message = cannotBeRead(error);
      if (!isNotThere(error)) unread.push({ folder: showPath(directory, baseDirectory), message });
      return [];
    });
    for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      if (entry.name.startsWith('.') || entry.name === 'node_modules') continue;
      const absolute = join(directory, entry.name);
      if (entry.isDirectory()) await visit(absolute, depth + 1);
      else if (isYamlName(entry.name)) paths.push(absolute);
      if (paths.length > DISCOVERY_LIMITS.filesMax) throw tooMany(root);
    }
  };
  await visit(root, 0);
  const signatures = new Map<string, string | null>();
  await forEachConcurrently(paths, STATS_AT_ONCE, async (path) => {
    // A link that leads nowhere is a prompt that nobody can read, and no prompt less.
    signatures.set(path, (await signatureOf(path)) ?? ((await leadsNowhere(path)) ? 'nowhere' : null));
  });
  const files = paths.flatMap((absolute) => {
    const signature = signatures.get(absolute) ?? null;
    return signature === null ? [] : [{ absolute, shown: showPath(absolute, baseDirectory), signature }];
  });
  return { files, unread };
}

export function isYamlName(name: string): boolean {
  return /\.ya?ml$/i.test(name);
}

/** Null when there is no such file. */
export async function signatureOf(path: string): Promise<string | null> {
  try {
    const stats = await stat(path, { bigint: true });
    return stats.isFile() ? fileSignature(stats) : null;
  } catch {
    // Such as a file that went away between two looks.
    return null;
  }
}

/** Changes whenever the content may have changed. */
export function fileSignature({ ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return `${ino}:${size}:${mtimeNs}:${ctimeNs}`;
}

async function leadsNowhere(path: string): Promise<boolean> {
  const isLink = await lstat(path).then(
    (stats) => stats.isSymbolicLink(),
    () => false,
  );
  return (
    isLink &&
    stat(path).then(
      () => false,
      () => true,
    )
  );
}

/** Continues the folder's name; null for one that can be read. */
export async function whyNoFolder(path: string): Promise<string | null> {
  try {
    if (!(await stat(path)).isDirectory()) return 'is no folder.';
    await access(path, constants.R_OK | constants.X_OK);
    return null;
  } catch (error) {
    return isNotThere(error) ? 'does not exist.' : cannotBeRead(error);
  }
}

/** Continues the file's name; null for one that is there, or for none at all. */
export async function whyNoFile(path: string): Promise<string | null> {
  try {
    return (await stat(path)).isFile() ? null : 'is no file.';
  } catch (error) {
    return isNotThere(error) ? null : cannotBeRead(error);
  }
}

function isNotThere(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}

function cannotBeRead(error: unknown): string {
  return `can't be read: ${error instanceof Error ? error.message : String(error)}.`;
}

export type ReadText = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly reason: string };

/** UTF-8 only: bytes that are no text would otherwise be registered as something else. */
export async function readText(path: string, bytesMax: number): Promise<ReadText> {
  try {
    const tooLarge = { ok: false, reason: `is larger than ${bytesMax / 1024} KiB.` } as const;
    // Not read to learn that: a dump of a database may have got such a name.
    if ((await stat(path)).size > bytesMax) return tooLarge;
    const bytes = await readFile(path);
    if (bytes.length > bytesMax) return tooLarge;
    return { ok: true, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch (error) {
    if (error instanceof TypeError) return { ok: false, reason: 'is not valid UTF-8. Save it in that encoding.' };
    return { ok: false, reason: cannotBeRead(error) };
  }
}

/** Relative to the base directory where that is shorter to read, with `/`. */
export function showPath(absolute: string, baseDirectory: string): string {
  const path = relative(baseDirectory, absolute);
  const shown = path === '' ? '.' : path.startsWith(join('..', '..', '..')) ? absolute : path;
  return sep === '/' ? shown : shown.split(sep).join('/');
}

function tooMany(root: string): Fault {
  return new Fault('config', `${root} holds more than ${DISCOVERY_LIMITS.filesMax} YAML files.`, {
    hint: 'Point registry: files: at the folder of the prompts.',
  });
}
