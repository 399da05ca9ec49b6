/** The audit chain through the running daemon, or in the store itself where none runs: the same answers. */

import { reportLineShape } from '../audit/report-check.ts';
import type { AuditHead, AuditLog, AuditProgress, AuditQuestion } from '../contract/audit.ts';
import { Fault } from '../contract/fault.ts';
import type { PageOf } from '../contract/store.ts';
import type { Timestamp } from '../contract/time.ts';
import { auditVerificationShape } from '../http/shapes-of-audit.ts';
import type { DaemonClient } from './client.ts';
import { daemonOf, needConfiguration, type CliContext } from './context.ts';
import { textFlag, type Flags } from './verb.ts';

/** As the API answers. */
export interface Verification {
  readonly ok: boolean;
  readonly entries: number;
  readonly segments: number;
  readonly rows: Readonly<Record<string, number>>;
  readonly heads: readonly AuditHead[];
  readonly late: number;
  readonly earlier: number;
  readonly waiting: number;
  readonly not_covered: number;
  readonly let_go: readonly Readonly<Record<string, string | null>>[];
  readonly findings: readonly {
    readonly what: string;
    readonly segment: string | null;
    readonly sequence: number | null;
    readonly words: string;
  }[];
  readonly findings_total: number;
}

export interface Period {
  readonly from?: Timestamp | undefined;
  readonly to?: Timestamp | undefined;
}

export interface AuditDoor {
  heads(): Promise<readonly AuditHead[]>;
  verify(question: AuditQuestion, onProgress: (progress: AuditProgress) => void): Promise<Verification>;
  /** What an entry of a batch of observations is about, page by page. */
  rows(place: BatchPlace): AsyncIterable<readonly object[]>;
  /** Lines of a report, page by page. */
  report(period: Period): AsyncIterable<readonly object[]>;
}

export interface BatchPlace {
  readonly segment: string;
  readonly sequence: number;
}

const ASKED_EVERY_MS = 500;
const LINES_AT_ONCE = 200;
const ROWS_AT_ONCE = 500;

/** Calls `use` with the running daemon's chain, or opens the store for it. */
export async function throughAuditDoor<Result>(
  flags: Flags,
  context: CliContext,
  use: (door: AuditDoor) => Promise<Result>,
): Promise<Result> {
  const client = await daemonOf(flags, context);
  if (textFlag(flags, 'url') !== undefined || (await client.isRunning())) return use(throughDaemon(client));
  const configuration = await needConfiguration(flags, context);
  return context.toolbox.audit(configuration, (audit) => use(inStore(audit)));
}

function throughDaemon(client: DaemonClient): AuditDoor {
  return {
    heads: async () => (await client.get<{ data: readonly AuditHead[] }>('/api/v1/audit/heads')).data,
    verify: async ({ noted, from }, onProgress) => {
      interface State {
        readonly id: string;
        readonly progress: AuditProgress;
        readonly verification: Verification | null;
        readonly error: string | null;
      }
      let state = await client.post<State>('/api/v1/audit/verifications', { heads: noted, from });
      while (state.verification === null) {
        if (state.error !== null) throw new Fault('transient', `The chain could not be verified: ${state.error}`);
        onProgress(state.progress);
        await new Promise((resolve) => setTimeout(resolve, ASKED_EVERY_MS));
        state = await client.get<State>(`/api/v1/audit/verifications/${state.id}`);
      }
      return state.verification;
    },
    rows: ({ segment, sequence }) =>
      pages(async (cursor) => {
        const query = { segment, sequence: String(sequence), cursor, limit: String(ROWS_AT_ONCE) };
        const page = await client.get<{ data: readonly object[]; next_cursor: string | null }>(
          '/api/v1/audit/rows',
          query,
        );
        return { items: page.data, nextCursor: page.next_cursor };
      }),
    report: ({ from, to }) =>
      pages(async (cursor) => {
        const query = { from, to, cursor, limit: String(LINES_AT_ONCE) };
        const page = await client.get<{ data: readonly object[]; next_cursor: string | null }>(
          '/api/v1/audit/report',
          query,
        );
        return { items: page.data, nextCursor: page.next_cursor };
      }),
  };
}

function inStore(audit: AuditLog): AuditDoor {
  return {
    heads: () => audit.heads(),
    verify: async (question, onProgress) =>
      auditVerificationShape(await audit.verify(question, onProgress)) as Verification,
    rows: (place) =>
      pages(async (cursor) => {
        const page = await audit.rows(place, { limit: ROWS_AT_ONCE, cursor });
        return page ?? { items: [], nextCursor: null };
      }),
    report: (period) =>
      pages(async (cursor) => {
        const page = await audit.report(period, { limit: LINES_AT_ONCE, cursor });
        return { items: page.items.map(reportLineShape), nextCursor: page.nextCursor };
      }),
  };
}

async function* pages(
  ask: (cursor: string | undefined) => Promise<PageOf<object>>,
): AsyncGenerator<readonly object[], void, undefined> {
  let cursor: string | undefined;
  do {
    const page = await ask(cursor);
    yield page.items;
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
}
