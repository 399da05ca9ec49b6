/**
 * Turns whatever the ClickHouse client or the embedded engine throws into a `Fault`. Decides by
 * ClickHouse's error code or the operating system's, never by a message's text. Pure.
 */

import { Fault, isFault, type FaultKind } from '../../contract/fault.ts';

interface Meaning {
  readonly kind: FaultKind;
  readonly hint?: string;
}

const CREDENTIALS: Meaning = { kind: 'config', hint: 'Check the user and the password in `store:`.' };
const RIGHTS: Meaning = {
  kind: 'config',
  hint: 'The user in `store:` needs the rights SELECT, INSERT, CREATE, ALTER and DROP on its database.',
};
const DATABASE: Meaning = {
  kind: 'config',
  hint: 'Check `database` in `store:`; plumbline creates it if the user may.',
};
const DISK_FULL: Meaning = {
  kind: 'overloaded',
  hint: 'The disk of the store is full, or nearly: free space or enlarge it.',
};
const DISK_REFUSES: Meaning = {
  kind: 'transient',
  hint: 'The store could not read or write its files: check the disk, its permissions and the limit of open files.',
};
const BUSY: Meaning = { kind: 'overloaded', hint: 'The store has too much to do at the moment.' };
const TRANSIENT: Meaning = { kind: 'transient' };
/** The store is wrong, and not what is written: no row may be put aside for it. */
const SCHEMA: Meaning = {
  kind: 'transient',
  hint: 'A table of the store is missing, or has other columns than this release makes: restart the daemon, which mends that.',
};

const READONLY = 164;
/** Also of a parameter of another type than a function takes. */
const BAD_GET = 170;

// https://github.com/ClickHouse/ClickHouse/blob/master/src/Common/ErrorCodes.cpp
const MEANING_BY_CODE: ReadonlyMap<number, Meaning> = new Map<number, Meaning>([
  [192, CREDENTIALS], // UNKNOWN_USER
  [193, CREDENTIALS], // WRONG_PASSWORD
  [194, CREDENTIALS], // REQUIRED_PASSWORD
  [516, CREDENTIALS], // AUTHENTICATION_FAILED
  [195, RIGHTS], // IP_ADDRESS_NOT_ALLOWED
  [READONLY, RIGHTS],
  [291, RIGHTS], // DATABASE_ACCESS_DENIED
  [497, RIGHTS], // ACCESS_DENIED
  [81, DATABASE], // UNKNOWN_DATABASE
  [BAD_GET, { kind: 'config', hint: 'The server knows no cluster of the name in `store:`.' }], // BAD_GET, CLUSTER_DOESNT_EXIST
  [701, { kind: 'config', hint: 'The server knows no cluster of the name in `store:`.' }], // CLUSTER_DOESNT_EXIST
  [243, DISK_FULL], // NOT_ENOUGH_SPACE
  [74, DISK_REFUSES], // CANNOT_READ_FROM_FILE_DESCRIPTOR
  [75, DISK_REFUSES], // CANNOT_WRITE_TO_FILE_DESCRIPTOR
  [76, DISK_REFUSES], // CANNOT_OPEN_FILE
  [77, DISK_REFUSES], // CANNOT_CLOSE_FILE
  [83, DISK_REFUSES], // DIRECTORY_DOESNT_EXIST
  [87, DISK_REFUSES], // CANNOT_SEEK_THROUGH_FILE
  [88, DISK_REFUSES], // CANNOT_TRUNCATE_FILE
  [107, DISK_REFUSES], // FILE_DOESNT_EXIST
  [172, DISK_REFUSES], // CANNOT_CREATE_DIRECTORY
  [204, DISK_REFUSES], // CANNOT_FSYNC
  [294, DISK_REFUSES], // CANNOT_WRITE_TO_FILE
  [272, DISK_REFUSES], // CANNOT_IO_SUBMIT
  [273, DISK_REFUSES], // CANNOT_IO_GETEVENTS
  [275, DISK_REFUSES], // AIO_WRITE_ERROR
  [400, DISK_REFUSES], // CANNOT_STAT
  [424, DISK_REFUSES], // CANNOT_LINK
  [458, DISK_REFUSES], // CANNOT_UNLINK
  [521, DISK_REFUSES], // ATOMIC_RENAME_FAIL
  [481, DISK_REFUSES], // PATH_ACCESS_DENIED
  [531, DISK_REFUSES], // CANNOT_FSTAT
  [566, DISK_REFUSES], // CANNOT_RMDIR
  [586, DISK_REFUSES], // CANNOT_CREATE_FILE
  [641, DISK_REFUSES], // CANNOT_APPEND_TO_FILE
  [1000, TRANSIENT], // POCO_EXCEPTION
  [1001, DISK_REFUSES], // STD_EXCEPTION, e.g. a failed rename
  [159, BUSY], // TIMEOUT_EXCEEDED
  [160, BUSY], // TOO_SLOW
  [173, BUSY], // CANNOT_ALLOCATE_MEMORY
  [201, BUSY], // QUOTA_EXCEEDED
  [202, BUSY], // TOO_MANY_SIMULTANEOUS_QUERIES
  [203, BUSY], // NO_FREE_CONNECTION
  [241, BUSY], // MEMORY_LIMIT_EXCEEDED
  [252, BUSY], // TOO_MANY_PARTS
  [439, BUSY], // CANNOT_SCHEDULE_TASK
  [700, BUSY], // USER_SESSION_LIMIT_EXCEEDED
  [745, BUSY], // SERVER_OVERLOADED
  [776, BUSY], // RESOURCE_LIMIT_EXCEEDED
  [777, BUSY], // MEMORY_RESERVATION_KILLED
  [778, BUSY], // MEMORY_RESERVATION_FAILED
  [8, SCHEMA], // THERE_IS_NO_COLUMN
  [10, SCHEMA], // NOT_FOUND_COLUMN_IN_BLOCK
  [16, SCHEMA], // NO_SUCH_COLUMN_IN_TABLE
  [47, SCHEMA], // UNKNOWN_IDENTIFIER
  [60, SCHEMA], // UNKNOWN_TABLE
  [218, SCHEMA], // TABLE_IS_DROPPED
  [3, TRANSIENT], // UNEXPECTED_END_OF_FILE
  [32, TRANSIENT], // ATTEMPT_TO_READ_AFTER_EOF
  [95, TRANSIENT], // CANNOT_READ_FROM_SOCKET
  [96, TRANSIENT], // CANNOT_WRITE_TO_SOCKET
  [198, TRANSIENT], // DNS_ERROR
  [209, TRANSIENT], // SOCKET_TIMEOUT
  [210, TRANSIENT], // NETWORK_ERROR
  [236, TRANSIENT], // ABORTED
  [242, TRANSIENT], // TABLE_IS_READ_ONLY
  [225, TRANSIENT], // NO_ZOOKEEPER
  [244, TRANSIENT], // UNEXPECTED_ZOOKEEPER_ERROR
  [254, TRANSIENT], // NO_ACTIVE_REPLICAS
  [279, TRANSIENT], // ALL_CONNECTION_TRIES_FAILED
  [285, TRANSIENT], // TOO_FEW_LIVE_REPLICAS
  [286, TRANSIENT], // UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE
  [289, TRANSIENT], // REPLICA_IS_NOT_IN_QUORUM
  [319, TRANSIENT], // UNKNOWN_STATUS_OF_INSERT
  [384, TRANSIENT], // PART_IS_TEMPORARILY_LOCKED
  [394, TRANSIENT], // QUERY_WAS_CANCELLED
  [416, TRANSIENT], // REPLICA_STATUS_CHANGED
  [425, TRANSIENT], // SYSTEM_ERROR
  [499, TRANSIENT], // S3_ERROR
  [500, TRANSIENT], // AZURE_BLOB_STORAGE_ERROR
  [517, TRANSIENT], // CANNOT_ASSIGN_ALTER
  [571, TRANSIENT], // DATABASE_REPLICATION_FAILED
  [667, TRANSIENT], // NOT_INITIALIZED
  [677, TRANSIENT], // THREAD_WAS_CANCELED
  [696, TRANSIENT], // ASYNC_LOAD_CANCELED
  [733, TRANSIENT], // TABLE_IS_BEING_RESTARTED
  [734, TRANSIENT], // CANNOT_WRITE_AFTER_BUFFER_CANCELED
  [735, TRANSIENT], // QUERY_WAS_CANCELLED_BY_CLIENT
  [738, TRANSIENT], // PART_IS_LOCKED
  [900, TRANSIENT], // DISTRIBUTED_CACHE_ERROR
  [999, TRANSIENT], // KEEPER_EXCEPTION
  [1002, TRANSIENT], // UNKNOWN_EXCEPTION
]);

const UNREACHED: Meaning = { kind: 'transient', hint: 'Start the store, or correct `url` in `store:`.' };
const SILENT: Meaning = {
  kind: 'transient',
  hint: 'Check that the store is well, that `url` in `store:` is its address, and what is between, such as a firewall.',
};
const TLS: Meaning = { kind: 'config', hint: 'Check the certificate of the store, and `https` in its URL.' };

/** Operating system and Node codes that a person must look at; any other code of a socket is transient. */
const MEANING_BY_SYSTEM_CODE: ReadonlyMap<string, Meaning> = new Map<string, Meaning>([
  ['ENOSPC', DISK_FULL],
  ['EDQUOT', DISK_FULL],
  ...['ECONNREFUSED', 'ENOTFOUND', 'EHOSTUNREACH'].map((code): [string, Meaning] => [code, UNREACHED]),
  ['ETIMEDOUT', SILENT],
  ['ERR_INVALID_URL', { kind: 'config', hint: 'Check `url` in `store:`.' }],
  ['CERT_HAS_EXPIRED', TLS],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', TLS],
  ['SELF_SIGNED_CERT_IN_CHAIN', TLS],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', TLS],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', TLS],
  ['ERR_TLS_CERT_ALTNAME_INVALID', TLS],
  ['EPROTO', TLS],
]);

/** What a store threw, told apart from faults of others. */
class StoreFault extends Fault {}

/**
 * `doing` completes "The store failed to …". What carries no code comes from the way to the server
 * (a proxy's page, a time-out), so it is transient; from the embedded engine it is a bug of ours.
 */
export function clickHouseFault(error: unknown, doing: string, from: 'embedded' | 'server'): Fault {
  if (isFault(error)) return error;
  const meaning = meaningOf(error) ?? { kind: from === 'server' ? 'transient' : 'permanent' };
  const said = error instanceof Error ? error.message : String(error);
  return new StoreFault(meaning.kind, `The store failed to ${doing}: ${firstLines(said)}`, {
    ...(meaning.hint !== undefined && { hint: meaning.hint }),
    cause: error,
  });
}

/** Runs `work`; what it throws becomes a `Fault`, or the signal's reason when the caller gave up. */
export async function withFaults<Result>(
  doing: string,
  from: 'embedded' | 'server',
  work: () => Promise<Result>,
  signal?: AbortSignal,
): Promise<Result> {
  signal?.throwIfAborted();
  try {
    return await work();
  } catch (error) {
    if (signal?.aborted === true) throw signal.reason;
    throw clickHouseFault(error, doing, from);
  }
}

/**
 * Whether this is a store's, and one that failed so may work later without anybody's doing: it is away, busy, or not all there yet. A
 * table that is missing or other than it should be stays so.
 */
export function mayPass(error: unknown): boolean {
  if (!(error instanceof StoreFault) || (error.kind !== 'transient' && error.kind !== 'overloaded')) return false;
  const code = clickHouseCode(error);
  return code === null || MEANING_BY_CODE.get(code) !== SCHEMA;
}

/** The code of ClickHouse's own error, or null when it is none. */
export function clickHouseCode(error: unknown): number | null {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    const { code, clickhouseCode } = at as { code?: unknown; clickhouseCode?: unknown };
    if (typeof clickhouseCode === 'number') return clickhouseCode;
    if (typeof code === 'string' && /^\d+$/.test(code)) return Number(code);
  }
  return null;
}

/** Whether the code says that a statement itself is wrong, where the statement is not ours. */
export function isAboutTheStatement(code: number): boolean {
  const meaning = MEANING_BY_CODE.get(code);
  return meaning === undefined || meaning === SCHEMA || code === READONLY || code === BAD_GET;
}

/** What ClickHouse says of a statement, without its codes, its release, and what we asked it inside of. */
export function engineMessage(error: unknown): string {
  let innermost: unknown = error;
  while (innermost instanceof Error && innermost.cause instanceof Error) innermost = innermost.cause;
  const said = innermost instanceof Error ? innermost.message : String(innermost);
  return firstLines(
    said
      .replace(/^Query failed: /, '')
      .replaceAll(/\s*\(version \d[^()]*(?:\([^()]*\))?\)\.?/g, '')
      .replace(/: In scope SELECT formatQuerySingleLine\([\s\S]*$/, ''),
  );
}

function meaningOf(error: unknown): Meaning | null {
  const code = clickHouseCode(error);
  if (code !== null) return MEANING_BY_CODE.get(code) ?? { kind: 'permanent' };
  const systemCode = (error as { code?: unknown } | null)?.code;
  if (typeof systemCode !== 'string' || systemCode.startsWith('CHDB_')) return null;
  return MEANING_BY_SYSTEM_CODE.get(systemCode) ?? TRANSIENT;
}

const MESSAGE_CHARACTERS_MAX = 600;

function firstLines(message: string): string {
  // The embedded engine says its code twice; the code is in the cause anyway.
  const text = message.trim().replace(/^(?:Code: \d+\. DB::Exception: )+/, '');
  const cut = text.length > MESSAGE_CHARACTERS_MAX ? `${text.slice(0, MESSAGE_CHARACTERS_MAX)} …` : text;
  return /[.!?…]$/.test(cut) ? cut : `${cut}.`;
}
