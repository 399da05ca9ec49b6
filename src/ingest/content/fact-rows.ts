/**
 * Packed facts as lines of `span_facts`, and back. Between the two they are kept as bytes: a line
 * costs the garbage collector nothing, however many wait to be settled.
 */

import type { SpanFacts } from '../../contract/span-facts.ts';
import type { StoredFacts } from '../../contract/telemetry-log.ts';
import type { Timestamp } from '../../contract/time.ts';
import { jsonText } from '../../lib/json.ts';
import { addMillis, DAY_MS } from '../../lib/time.ts';
import { responseIdOf, sharedKeys, twinColumn } from './shared-keys.ts';
import { ownPage, type Page } from './shared-page.ts';

/** What finds facts, and tells which others belong to them. */
export interface FactHead {
  readonly traceId: string;
  readonly spanId: string;
  readonly recordId: string;
  readonly startedAt: Timestamp;
  /** What it tells of may have begun, and been told of, since then. */
  readonly relatedSince: Timestamp;
  /** Under which other traces may tell of the same calls; see `sharedKeys`. */
  readonly keys: readonly string[];
}

/** Of packed facts. */
export function factHead(facts: SpanFacts): FactHead {
  const { traceId, spanId, recordId, startedAt } = facts;
  return { traceId, spanId, recordId, startedAt, relatedSince: relatedSince(facts), keys: sharedKeys(facts) };
}

/**
 * The facts of one span or record as they stand in a section of the spool, and what finds them. A
 * class, since there are a hundred thousand of them at times: all fields are in the object itself.
 */
export class FactLine implements FactHead {
  readonly traceId: string;
  readonly spanId: string;
  readonly recordId: string;
  readonly startedAt: Timestamp;
  readonly relatedSince: Timestamp;
  readonly keys: readonly string[];
  /** Monotonic milliseconds, whole ones; 0 for what was not received by this process. */
  receivedMs = 0;
  /** Where it stands now; it moves when others go on and it stays. */
  page: Page;
  start: number;
  end: number;

  /** Of packed facts whose line stands in `page` from `start` to `end`. */
  constructor(head: FactHead, page: Page, start: number, end: number) {
    this.traceId = head.traceId;
    this.spanId = head.spanId;
    this.recordId = head.recordId;
    this.startedAt = head.startedAt;
    this.relatedSince = head.relatedSince;
    this.keys = head.keys;
    this.page = page;
    this.start = start;
    this.end = end;
  }

  /** Whether the call that it tells of may be days older. */
  get isJudgement(): boolean {
    return this.relatedSince !== this.startedAt;
  }
}

const HAVE_COLUMNS = {
  traceId: undefined,
  spanId: undefined,
  recordId: undefined,
  startedAt: undefined,
  responseId: undefined,
};

/** The `facts` column: what has no column of its own. */
type FactsColumn = Omit<SpanFacts, keyof typeof HAVE_COLUMNS>;

interface Row {
  readonly trace_id: string;
  readonly span_id: string;
  readonly record_id?: string;
  readonly response_id?: string;
  readonly started_at: Timestamp;
  readonly facts: FactsColumn;
}

const NEWLINE = 10;
const FACTS_KEY = Buffer.from('"facts":');
const RECEIVED_KEY = Buffer.from('"received_at":"');
const TIMESTAMP_LENGTH = '2026-11-20T02:47:00.000000000Z'.length;

// A judgement that names its call by the response id in another trace may be made so long after it; outside of any
// trace, where nothing else finds the call, as long after as anything is found by such an id.
const JUDGED_WITHIN_MS = 3_600_000;
const JUDGED_ALONE_WITHIN_MS = DAY_MS;

/** One line of `span_facts`, with its line end. */
export function factsLine(packed: SpanFacts, receivedAt: Timestamp): string {
  const { traceId, spanId, recordId, startedAt, responseId } = packed;
  // What has a column of its own is left out; so it is cheaper than to gather the rest.
  const column: object = { ...packed, ...HAVE_COLUMNS };
  const twin = twinColumn(packed);
  const record = recordId === '' ? '' : `"record_id":"${recordId}",`;
  const response = responseId === undefined ? '' : `"response_id":${jsonText(responseId)},`;
  // The ids are hex or hashes and the times are timestamps: none needs escaping.
  return (
    `{"trace_id":"${traceId}","span_id":"${spanId}",${record}${response}${twin === '' ? '' : `"twin_key":"${twin}",`}"started_at":"${startedAt}",` +
    `"received_at":"${receivedAt}","facts":${JSON.stringify(column)}}\n`
  );
}

/** Copies lines that share their page with others to where they are by themselves. */
export function standAlone(lines: readonly FactLine[]): void {
  const shared = lines.filter(({ page }) => page.isShared);
  if (shared.length === 0) return;
  const room = Buffer.allocUnsafeSlow(shared.reduce((sum, { start, end }) => sum + end - start, 0));
  const page = ownPage(room);
  let at = 0;
  for (const line of shared) {
    const left = line.page;
    const length = left.room.copy(room, at, line.start, line.end);
    line.page = page;
    line.start = at;
    at += length;
    line.end = at;
    left.release();
  }
}

/** The lines of a section of which nothing is known but its bytes. */
export function parseFactLines(bytes: Buffer): FactLine[] {
  const page = ownPage(bytes);
  const lines: FactLine[] = [];
  for (let start = 0; start < bytes.length;) {
    const newline = bytes.indexOf(NEWLINE, start);
    const end = newline === -1 ? bytes.length : newline;
    const head = factHead(factsOf(JSON.parse(bytes.toString('utf8', start, end)) as Row));
    lines.push(new FactLine(head, page, start, end));
    start = end + 1;
  }
  return lines;
}

/** A row that was read back from the store. */
export function factLineOfRow(stored: StoredFacts): FactLine {
  const { traceId, spanId, recordId, responseId, startedAt } = stored;
  const ids = JSON.stringify({
    trace_id: traceId,
    span_id: spanId,
    record_id: recordId,
    response_id: responseId,
    started_at: startedAt,
  });
  const bytes = Buffer.from(`${ids.slice(0, -1)},"facts":${stored.facts}}`);
  return new FactLine(factHead(factsOf(JSON.parse(bytes.toString()) as Row)), ownPage(bytes), 0, bytes.length);
}

/** Packed facts, as they were before they became a line. Of it only what is not known anyway is parsed. */
export function readFacts({ traceId, spanId, recordId, startedAt, keys, page, start, end }: FactLine): SpanFacts {
  const { room } = page;
  // Behind the facts stands only what closes the row.
  const column = room.toString('utf8', room.indexOf(FACTS_KEY, start) + FACTS_KEY.length, end - 1);
  return withIds(JSON.parse(column) as FactsColumn, { traceId, spanId, recordId, startedAt }, responseIdOf(keys));
}

/** When it was received; not of a row that was read back. It stands before anything that a sender says at length. */
export function receivedAtOf({ page, start }: FactLine): Timestamp {
  const from = page.room.indexOf(RECEIVED_KEY, start) + RECEIVED_KEY.length;
  return page.room.toString('latin1', from, from + TIMESTAMP_LENGTH) as Timestamp;
}

/** Whether two lines of one span say the same, whenever they came. */
export function saySame(a: FactLine, b: FactLine): boolean {
  if (a.startedAt !== b.startedAt) return false;
  const [aRoom, bRoom] = [a.page.room, b.page.room];
  const aStart = aRoom.indexOf(FACTS_KEY, a.start);
  const bStart = bRoom.indexOf(FACTS_KEY, b.start);
  return aRoom.compare(bRoom, bStart, b.end, aStart, a.end) === 0;
}

function relatedSince({ role, traceId, startedAt }: SpanFacts): Timestamp {
  if (role !== 'evaluation') return startedAt;
  return addMillis(startedAt, traceId === '' ? -JUDGED_ALONE_WITHIN_MS : -JUDGED_WITHIN_MS);
}

function factsOf({ facts, trace_id: traceId, span_id: spanId, record_id, response_id, started_at }: Row): SpanFacts {
  return withIds(facts, { traceId, spanId, recordId: record_id ?? '', startedAt: started_at }, response_id);
}

/** Changes what is given, which nobody else has. */
function withIds(
  facts: FactsColumn,
  ids: Pick<SpanFacts, 'traceId' | 'spanId' | 'recordId' | 'startedAt'>,
  responseId: string | undefined,
): SpanFacts {
  return Object.assign(facts, responseId === undefined || responseId === '' ? ids : { ...ids, responseId });
}
