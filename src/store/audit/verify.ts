/**
 * Recomputes every chain from its entries, and holds the entries against the store as it stands now. The engine hashes
 * the rows; a part at a time, so that it fits into the memory of a small machine, and others have their turn.
 */

import { ChainCheck } from '../../audit/chain-check.ts';
import { Findings } from '../../audit/findings.ts';
import type { AuditFields, AuditProgress, AuditQuestion, AuditVerification } from '../../contract/audit.ts';
import { ROW_KINDS } from '../../contract/audit.ts';
import type { Timestamp } from '../../contract/time.ts';
import { addMillis, laterOf, timestampFromMillis } from '../../lib/time.ts';
import type { Database } from '../database.ts';
import { ENTRY_COLUMNS, toEntry, type EntryRow } from './entry-rows.ts';
import { verifyBatches } from './verify-batches.ts';
import { verifyLate } from './verify-late.ts';
import { verifyRows } from './verify-rows.ts';
import { verifyTexts } from './verify-texts.ts';

/** What all steps share. */
export interface Verifying {
  readonly database: Database;
  readonly findings: Findings;
  readonly onProgress: (progress: AuditProgress) => void;
  /** Around the last entry: what was recorded then may be without one, which it is about to get. */
  readonly waitingFrom: Timestamp;
  readonly waitingTo: Timestamp;
  /** Before it there was no chain. */
  readonly begun: Timestamp;
  /** Of observations. */
  readonly from: Timestamp;
}

/** A batch is open for a minute; one of which an insert failed is read back two minutes later. */
const WAITING_MS = 300_000;
const ENTRIES_AT_ONCE = 5_000;
const EVER = timestampFromMillis(0);

export async function verifyAudit(
  database: Database,
  { noted, from = EVER }: AuditQuestion,
  onProgress: (progress: AuditProgress) => void,
): Promise<AuditVerification> {
  const findings = new Findings();
  const { first, last, ended, counts, letGo } = await readSummary(database);
  const verifying: Verifying = {
    database,
    findings,
    onProgress,
    waitingFrom: laterOf(addMillis(last, -WAITING_MS), ended),
    waitingTo: addMillis(last, WAITING_MS),
    begun: first,
    from,
  };
  const chains = await verifyChains(verifying, noted);
  if (chains.entries === 0) findings.add(NO_CHAIN);
  const rows: Record<string, number> = {};
  let waiting = 0;
  for (const [index, kind] of ROW_KINDS.entries()) {
    onProgress({ step: `rows: ${kind}`, done: index, total: ROW_KINDS.length });
    const compared = await verifyRows(verifying, kind);
    rows[kind] = compared.rows;
    waiting += compared.waiting;
  }
  const batches = await verifyBatches(verifying);
  await verifyTexts(verifying);
  await verifyLate(verifying);
  return {
    entries: chains.entries,
    segments: chains.segments,
    rows: { ...rows, observations: batches.rows },
    heads: chains.heads,
    late: counts.late,
    earlier: counts.earlier,
    waiting: waiting + batches.waiting,
    notCovered: batches.notCovered,
    letGo,
    findings: findings.first,
    findingsTotal: findings.total,
  };
}

const NO_CHAIN = {
  what: 'entry_missing',
  segment: null,
  sequence: null,
  kind: null,
  subject: [],
  words: 'There is no audit chain: a daemon begins one when it starts.',
} as const;

/** What a clock that was ahead has written is not the last there is. */
async function readSummary(database: Database): Promise<{
  readonly first: Timestamp;
  readonly last: Timestamp;
  /** All that was written lately told of its end: nothing from before waits for anybody. */
  readonly ended: Timestamp;
  readonly counts: { readonly late: number; readonly earlier: number };
  readonly letGo: readonly AuditFields[];
}> {
  const [row] = await database.query<{
    first: Timestamp | null;
    last: Timestamp | null;
    late: string;
    earlier: string;
  }>(
    `SELECT minOrNull(at) AS first, maxOrNullIf(at, at <= now64(9, 'UTC') + INTERVAL 1 MINUTE) AS last,
       uniqExactIf((segment, sequence), entered = 'late') AS late,
       uniqExactIf((segment, sequence), entered = 'earlier') AS earlier FROM audit_entries`,
  );
  const [open] = await database.query<{ ended: Timestamp | null }>(
    `SELECT if(countIf(ends = 0) = 0, max(last), NULL) AS ended FROM (
       SELECT max(at) AS last, countIf(kind = 'end') AS ends FROM audit_entries GROUP BY segment
     ) WHERE last >= {since:DateTime64(9, 'UTC')}`,
    { since: addMillis(row?.last ?? EVER, -WAITING_MS) },
  );
  const letGo = await database.query<EntryRow>(
    `SELECT ${ENTRY_COLUMNS} FROM audit_entries WHERE kind = 'retention' ORDER BY at LIMIT 1 BY segment, sequence`,
  );
  return {
    first: row?.first ?? EVER,
    last: row?.last ?? EVER,
    ended: open?.ended ?? EVER,
    counts: { late: Number(row?.late ?? 0), earlier: Number(row?.earlier ?? 0) },
    letGo: letGo.map((entry) => toEntry(entry).content).filter((content) => content !== null),
  };
}

async function verifyChains(
  { database, findings, onProgress }: Verifying,
  noted: readonly string[],
): Promise<Pick<AuditVerification, 'entries' | 'segments' | 'heads'>> {
  const check = new ChainCheck(findings, { isExcerpt: false, noted });
  const segments = await database.query<{ segment: string; entries: string }>(
    'SELECT segment, count() AS entries, min(at) AS begun FROM audit_entries GROUP BY segment ORDER BY begun, segment',
  );
  const total = segments.reduce((sum, { entries }) => sum + Number(entries), 0);
  for (const { segment } of segments) {
    let after: { readonly sequence: number; readonly hash: string } | null = { sequence: 0, hash: '' };
    while (after !== null) {
      const rows: readonly EntryRow[] = await database.query<EntryRow>(
        `SELECT ${ENTRY_COLUMNS} FROM audit_entries
         WHERE segment = {segment:String} AND (sequence, hash) > ({sequence:UInt64}, {hash:String})
         ORDER BY sequence, hash LIMIT ${ENTRIES_AT_ONCE}`,
        { segment, ...after },
      );
      for (const row of rows) check.take(toEntry(row));
      onProgress({ step: 'entries', done: check.entries, total });
      const last = rows.at(-1);
      after =
        rows.length === ENTRIES_AT_ONCE && last !== undefined
          ? { sequence: Number(last.sequence), hash: last.hash }
          : null;
    }
  }
  const heads = check.end();
  return { entries: check.entries, segments: check.segments, heads };
}
