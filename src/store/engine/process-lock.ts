/**
 * A lock that ends with the process which has it, and that processes of other containers meet too: they can't be
 * told by their ids. Node has no call for one; its SQLite locks the file that it has open, and nothing is ever in it.
 */

import { DatabaseSync } from 'node:sqlite';

// https://www.sqlite.org/rescode.html
const SQLITE_BUSY = 5;

export type Lock = 'taken' | { readonly release: () => void };

/** The file is made when it is missing, and stays. Null where the file system has no locks. */
export function lockForThisProcess(path: string): Lock | null {
  let file: DatabaseSync | null = null;
  try {
    file = new DatabaseSync(path);
    file.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    return { release: () => file?.close() };
  } catch (error) {
    file?.close();
    return (error as { errcode?: unknown }).errcode === SQLITE_BUSY ? 'taken' : null;
  }
}
