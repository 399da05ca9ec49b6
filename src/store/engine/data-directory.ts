/**
 * The directory of the embedded store: whose it is, and which release wrote it. What really keeps a
 * second process out is the engine's own lock on `clickhouse/status`, which the kernel releases with
 * the process; `owner.json` is there so that a refusal can name the owner, and so that the command
 * line finds the daemon.
 */

import { existsSync, statSync } from 'node:fs';
import { open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { Fault } from '../../contract/fault.ts';
import type { Timestamp } from '../../contract/time.ts';
import { makeDirectory, whyNotWritten } from '../../lib/files.ts';
import { isRunning, thisProcess } from './process-identity.ts';
import { lockForThisProcess } from './process-lock.ts';

/** Grows when a release can't read what the one before it left on disk. */
const FORMAT = 1;

export interface DirectoryOwner {
  readonly pid: number;
  readonly since: string;
  readonly release: string;
  /** Where its HTTP API listens, once it does. */
  readonly address: string | null;
}

const Owner = z.object({
  pid: z.number(),
  bootId: z.string().nullable(),
  startTicks: z.string().nullable(),
  since: z.string(),
  release: z.string(),
  address: z.string().nullable(),
});
type Owner = z.infer<typeof Owner>;

/** Lenient: a later release may write other fields, and must still be recognised as later. */
const Marker = z.object({ format: z.number(), release: z.string().catch('unknown'), engine: z.string().catch('0.0') });
type Marker = z.infer<typeof Marker>;

/** What people wrote to models is in there. A directory that somebody else made keeps the mode that it was given. */
const OWN_USER_ONLY = 0o700;

/** The engine's own part of the directory. */
export function enginePath(directory: string): string {
  return join(resolve(directory), 'clickhouse');
}

/** The file that the engine locks. */
export function lockOfEngine(directory: string): string {
  return join(enginePath(directory), 'status');
}

function lockOfSpool(directory: string): string {
  return join(directory, 'owner.lock');
}

/** Who has the directory open now, or null: nobody, or a process that ended without saying goodbye. */
export async function directoryOwner(directory: string): Promise<DirectoryOwner | null> {
  const owner = await readJson(ownerPath(directory), Owner);
  if (owner === null || !isRunning(owner)) return null;
  return { pid: owner.pid, since: owner.since, release: owner.release, address: owner.address };
}

/** Creates the directory where it is missing, and refuses one that can't be used, with the reason. */
export async function prepareDirectory(directory: string, release: string, engine: string): Promise<void> {
  await createWritable(directory);
  const owner = await directoryOwner(directory);
  if (owner !== null) throw directoryInUse(directory, owner);
  // A crash between the engine's first start and the marker leaves the former without the latter,
  // and no row in it yet: as good as new.
  const marker = await readJson(markerPath(directory), Marker);
  if (marker !== null) refuseOther(directory, marker, release, engine);
}

/** Records who has it, and what wrote it. Call when the engine has the directory open. */
export async function claimDirectory(
  directory: string,
  release: string,
  engine: string,
  now: Timestamp,
): Promise<void> {
  const owner: Owner = { ...thisProcess(), since: now, release, address: null };
  await writeJson(ownerPath(directory), owner);
  const marker: Marker = { format: FORMAT, release, engine };
  await writeJson(markerPath(directory), marker);
}

/**
 * The same for a daemon whose store is a server: its spool must not be shared either, and there is no engine
 * that locks it. Throws a `Fault` that names who has it. Returns what lets go of it, safe twice.
 */
export async function claimSpoolDirectory(
  directory: string,
  release: string,
  now: Timestamp,
): Promise<() => Promise<void>> {
  await createWritable(directory);
  const other = await directoryOwner(directory);
  if (other !== null && other.pid !== process.pid) throw directoryInUse(directory, other);
  const lock = lockForThisProcess(lockOfSpool(directory));
  if (lock === 'taken') throw await inUseElsewhere(directory);
  let isReleased = false;
  const letGo = async (): Promise<void> => {
    if (isReleased) return;
    isReleased = true;
    await releaseDirectory(directory);
    lock?.release();
  };
  try {
    await writeJson(ownerPath(directory), { ...thisProcess(), since: now, release, address: null });
  } catch (error) {
    await letGo();
    throw error;
  }
  return letGo;
}

/** Adds the API's address to what `directoryOwner` tells. */
export async function announceAddress(directory: string, address: string): Promise<void> {
  const owner = await readJson(ownerPath(directory), Owner);
  if (owner !== null && owner.pid === process.pid) await writeJson(ownerPath(directory), { ...owner, address });
}

/**
 * Whether the directory that this process has is still where it was. It is the one with the file that is locked for us: a
 * copy is another, which may be half there and which nobody keeps others from. Costs some microseconds to ask.
 */
export class Claim {
  readonly #path: string;
  readonly #identity: string;

  /** Call when the directory is claimed. */
  constructor(directory: string, by: 'embedded' | 'server') {
    const locked = by === 'embedded' ? lockOfEngine(directory) : lockOfSpool(directory);
    this.#path = existsSync(locked) ? locked : resolve(directory);
    this.#identity = identityOf(this.#path);
  }

  /** Null while that can't be told. */
  isHeld(): boolean | null {
    try {
      return identityOf(this.#path) === this.#identity;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      return code === 'ENOENT' || code === 'ENOTDIR' ? false : null;
    }
  }
}

function identityOf(path: string): string {
  const { dev, ino } = statSync(path, { bigint: true });
  return `${dev} ${ino}`;
}

export async function releaseDirectory(directory: string): Promise<void> {
  await rm(ownerPath(directory), { force: true });
}

export function directoryInUse(directory: string, owner: DirectoryOwner | null): Fault {
  if (owner === null) {
    return new Fault('config', `The data directory ${resolve(directory)} is in use by another process.`, {
      hint: 'Stop that process, or choose another directory with --data.',
    });
  }
  const api = owner.address === null ? '' : `, API at ${owner.address}`;
  const who = `process ${owner.pid} (plumbline ${owner.release}, since ${owner.since}${api})`;
  return new Fault('config', `The data directory ${resolve(directory)} is in use by ${who}.`, {
    hint: `Talk to that daemon, stop it (kill ${owner.pid}), or choose another directory with --data.`,
  });
}

/** By a process that can't be seen from here. */
async function inUseElsewhere(directory: string): Promise<Fault> {
  const owner = await readJson(ownerPath(directory), Owner);
  const who = owner === null ? '' : ` (plumbline ${owner.release}, since ${owner.since})`;
  const message = `The data directory ${resolve(directory)} is in use by a process of another container or machine${who}.`;
  return new Fault('config', message, {
    hint: 'Give each replica a data directory of its own, with --data or a volume of its own; or stop the other one.',
  });
}

function ownerPath(directory: string): string {
  return join(directory, 'owner.json');
}

function markerPath(directory: string): string {
  return join(directory, 'format.json');
}

async function createWritable(directory: string): Promise<void> {
  const path = resolve(directory);
  try {
    await makeDirectory(path, OWN_USER_ONLY);
    // Root may write where the mode says no, so ask by writing; and a full disk shows only with bytes.
    const probe = join(path, '.write-test');
    await writeFile(probe, Buffer.alloc(4096));
    await rm(probe);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const isFile = code === 'ENOTDIR' && existsSync(path);
    throw unusable(path, isFile ? Object.assign(error as Error, { code: 'EEXIST' }) : (error as Error));
  }
}

const HINTS: Readonly<Record<string, string>> = {
  ENOSPC: 'Free some space, or choose another directory with --data.',
  EDQUOT: 'Free some space, or choose another directory with --data.',
  EACCES: 'Change its owner or mode, or choose another directory with --data.',
  EPERM: 'Change its owner or mode, or choose another directory with --data.',
  EROFS: 'Mount it writable, or choose another directory with --data.',
};

function unusable(path: string, error: NodeJS.ErrnoException): Fault {
  const why = whyNotWritten(error) ?? error.message;
  const hint = HINTS[error.code ?? ''] ?? 'Choose another directory with --data.';
  return new Fault('config', `The data directory ${path} can't be used: ${why}.`, { hint, cause: error });
}

function refuseOther(directory: string, marker: Marker, release: string, engine: string): void {
  const path = resolve(directory);
  if (marker.format > FORMAT) {
    throw new Fault(
      'config',
      `The data directory ${path} was written by plumbline ${marker.release}, which is newer.`,
      {
        hint: `Start plumbline ${marker.release} or later; this is ${release}.`,
      },
    );
  }
  if (marker.format < FORMAT) {
    throw new Fault(
      'config',
      `The data directory ${path} has the format of plumbline ${marker.release}, which is too old.`,
      {
        hint: `This is ${release}; choose another directory with --data.`,
      },
    );
  }
  if (compareEngines(marker.engine, engine) > 0) {
    throw new Fault(
      'config',
      `The data directory ${path} was written with ClickHouse ${marker.engine}; plumbline ${release} carries ${engine}, which is older.`,
      { hint: `Start plumbline ${marker.release} or later.` },
    );
  }
}

/** By year and month of the release: patches of one release read each other's files. */
function compareEngines(a: string, b: string): number {
  const [yearA = 0, monthA = 0] = a.split('.').map(Number);
  const [yearB = 0, monthB = 0] = b.split('.').map(Number);
  return yearA - yearB || monthA - monthB;
}

/** Null when the file is missing or says nothing we understand. */
async function readJson<T>(path: string, shape: z.ZodType<T>): Promise<T | null> {
  try {
    return shape.safeParse(JSON.parse(await readFile(path, 'utf8'))).data ?? null;
  } catch {
    return null;
  }
}

/** Whole or not at all, also after a power cut. */
async function writeJson(path: string, value: Owner | Marker): Promise<void> {
  const next = `${path}.${process.pid}.tmp`;
  const file = await open(next, 'w');
  try {
    await file.writeFile(`${JSON.stringify(value, null, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(next, path);
}
