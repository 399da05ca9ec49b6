/** Holds digests of batches against the observations as they stand: any that was altered, taken out or put in. */

import type { Timestamp } from '../../contract/time.ts';
import { earlierOf, laterOf } from '../../lib/time.ts';
import { FINDINGS_MAX } from '../../audit/findings.ts';
import { readBatches, type StoredBatch } from './batch-digests.ts';
import type { Verifying } from './verify.ts';

/** Read together: 100 bytes each. */
const ROWS_AT_ONCE = 400_000;
const BATCHES_AT_ONCE = 2_000;
/** Looked into more closely. */
const EXPLAINED_MAX = 20;
const PLACES_SHOWN = 5;

/** What entries say of one batch: of several, as two processes may have found it without one, any may be right. */
interface Recorded {
  readonly segment: string;
  readonly batch: number;
  readonly rows: number;
  readonly from: Timestamp;
  readonly to: Timestamp;
  readonly digests: readonly string[];
  readonly entry: readonly [segment: string, sequence: string];
}

export async function verifyBatches(
  verifying: Verifying,
): Promise<{ readonly rows: number; readonly waiting: number; readonly notCovered: number }> {
  const recorded = await readRecorded(verifying);
  const total = recorded.reduce((sum, { rows }) => sum + rows, 0);
  let [done, explained] = [0, 0];
  for (const window of windows(recorded)) {
    verifying.onProgress({ step: 'observations', done, total });
    const found = await readWindow(verifying, window);
    for (const batch of window) {
      done += batch.rows;
      const stored = found.get(keyOf(batch));
      if (stored !== undefined && batch.digests.includes(stored.digest)) continue;
      explained += 1;
      const more = explained <= EXPLAINED_MAX ? await explain(verifying, batch) : '';
      const [segment, sequence] = batch.entry;
      verifying.findings.add({
        what: 'rows_altered',
        segment,
        sequence: Number(sequence),
        kind: 'observations',
        subject: [batch.segment, String(batch.batch), String(batch.rows), batch.from, batch.to],
        words: wordsOf(batch, stored) + more,
      });
    }
  }
  return { rows: total, ...(await verifyUnlisted(verifying)) };
}

const keyOf = ({ segment, batch }: { readonly segment: string; readonly batch: number }): string =>
  `${segment} ${batch}`;

async function readRecorded({ database, from }: Verifying): Promise<readonly Recorded[]> {
  const rows = await database.query<{
    batch_segment: string;
    batch: string;
    batch_rows: string;
    first: Timestamp;
    last: Timestamp;
    digests: string[];
    entry: readonly [string, string];
  }>(
    `SELECT subject[1] AS batch_segment, toUInt64OrZero(subject[2]) AS batch, max(toUInt64OrZero(subject[3])) AS batch_rows,
       min(subject[4]) AS first, max(subject[5]) AS last, groupUniqArray(content_hash) AS digests,
       min((toString(segment), sequence)) AS entry
     FROM audit_entries WHERE kind = 'observations' AND subject[5] >= {from:String}
     GROUP BY batch_segment, batch ORDER BY first, batch_segment, batch`,
    { from },
  );
  return rows.map((row) => ({
    segment: row.batch_segment,
    batch: Number(row.batch),
    rows: Number(row.batch_rows),
    from: row.first,
    to: row.last,
    digests: row.digests,
    entry: row.entry,
  }));
}

/** In the order of time, so that each needs only a part of the table. */
function* windows(recorded: readonly Recorded[]): Generator<readonly Recorded[]> {
  let window: Recorded[] = [];
  let rows = 0;
  for (const batch of recorded) {
    if (window.length > 0 && (rows + batch.rows > ROWS_AT_ONCE || window.length >= BATCHES_AT_ONCE)) {
      yield window;
      window = [];
      rows = 0;
    }
    window.push(batch);
    rows += batch.rows;
  }
  if (window.length > 0) yield window;
}

async function readWindow(
  { database }: Verifying,
  window: readonly Recorded[],
): Promise<ReadonlyMap<string, StoredBatch>> {
  const [first] = window;
  if (first === undefined) return new Map();
  const found = await readBatches(
    database,
    `observed_at >= {from:DateTime64(9, 'UTC')} AND observed_at <= {to:DateTime64(9, 'UTC')}
       AND (toString(audit_segment), audit_batch) IN (
         SELECT arrayJoin(arrayZip({segments:Array(String)}, {batches:Array(UInt64)}))
       )`,
    {
      from: window.map(({ from }) => from).reduce(earlierOf),
      to: window.map(({ to }) => to).reduce((a, b) => laterOf(a, b)),
      segments: window.map(({ segment }) => segment),
      batches: window.map(({ batch }) => batch),
    },
  );
  return new Map(found.map((batch) => [keyOf(batch), batch]));
}

function wordsOf({ rows, from, to }: Recorded, stored: StoredBatch | undefined): string {
  const when = `The observations from ${from} to ${to}`;
  const left = stored?.rows ?? 0;
  if (left < rows) return `${when} were ${rows}, and ${left === 0 ? 'none is' : `${left} are`} left.`;
  if (left > rows) return `${when} were ${rows}, and are ${left}: some were put in.`;
  return `${when} are not what was recorded: of the ${rows} at least one was altered.`;
}

/** Which places look odd there: fewer looks than before and after, or another content, of which there is no entry. */
async function explain({ database }: Verifying, { segment, batch, from, to }: Recorded): Promise<string> {
  const odd = await database.query<{ target: string; part: string; is_fewer: number }>(
    `SELECT target, part, here < least(before, after) AS is_fewer FROM (
       SELECT target, part, countIf(audit_batch = {batch:UInt64}) AS here,
         countIf(audit_batch = {batch:UInt64} - 1) AS before, countIf(audit_batch = {batch:UInt64} + 1) AS after,
         groupUniqArrayIf(said, audit_batch = {batch:UInt64}) AS saying,
         groupUniqArrayIf(said, audit_batch != {batch:UInt64}) AS around
       FROM (
         SELECT target, part, audit_batch,
           cityHash64(outcome, strict_hash, settings, source_type, source, environment, prompt,
             ifNull(edited_by, ''), ifNull(source_version, ''), ifNull(pointer_value, '')) AS said
         FROM observations
         WHERE audit_segment = {segment:String} AND audit_batch + 1 >= {batch:UInt64} AND audit_batch <= {batch:UInt64} + 1
           AND observed_at >= {from:DateTime64(9, 'UTC')} - INTERVAL 10 MINUTE
           AND observed_at <= {to:DateTime64(9, 'UTC')} + INTERVAL 10 MINUTE
       ) GROUP BY target, part
     )
     WHERE here < least(before, after) OR (notEmpty(around) AND NOT hasAll(around, saying) AND (target, part) NOT IN (
       SELECT subject[1], subject[2] FROM audit_entries
       WHERE kind = 'observation' AND subject[3] >= {from:String} AND subject[3] <= {to:String}
     ))
     ORDER BY is_fewer DESC, target, part LIMIT ${PLACES_SHOWN}`,
    { segment, batch, from, to },
  );
  if (odd.length === 0) return '';
  const places = odd.map(({ target, part, is_fewer: isFewer }) => {
    const place = part === '' ? target : `${target} (${part})`;
    return `${place} (${isFewer === 1 ? 'fewer looks' : 'another content'} than around it)`;
  });
  return ` Odd there: ${places.join(', ')}.`;
}

/** Observations that are in no batch of any entry. */
async function verifyUnlisted({
  database,
  findings,
  waitingFrom,
  waitingTo,
  begun,
  from,
}: Verifying): Promise<{ readonly waiting: number; readonly notCovered: number }> {
  const unlisted = await database.query<{
    segment: string;
    batch: string;
    count: string;
    first: Timestamp;
    last: Timestamp;
    waiting: string;
    before: string;
  }>(
    `SELECT toString(audit_segment) AS segment, audit_batch AS batch, count() AS count, min(observed_at) AS first,
       max(observed_at) AS last, countIf(observed_at >= {waitingFrom:DateTime64(9, 'UTC')} AND observed_at <= {waitingTo:DateTime64(9, 'UTC')}
         AND audit_segment NOT IN (SELECT segment FROM audit_entries WHERE kind = 'end')) AS waiting,
       countIf(observed_at < {begun:DateTime64(9, 'UTC')}) AS before
     FROM observations
     WHERE observed_at >= {from:DateTime64(9, 'UTC')} AND (toString(audit_segment), audit_batch) NOT IN (
       SELECT subject[1], toUInt64OrZero(subject[2]) FROM audit_entries WHERE kind = 'observations'
     ) GROUP BY segment, batch ORDER BY first LIMIT ${FINDINGS_MAX}`,
    { waitingFrom, waitingTo, begun, from },
  );
  let [waiting, notCovered] = [0, 0];
  for (const { segment, batch, count, first, last, waiting: recent, before } of unlisted) {
    const earlier = segment === '' ? Number(before) : 0;
    const left = Number(count) - earlier - Number(recent);
    notCovered += earlier;
    waiting += Number(recent);
    if (left <= 0) continue;
    const mark =
      segment === '' ? 'They came in without a mark, as an older release or another program writes them.' : '';
    const words = `${left} observations between ${first} and ${last} have no entry. ${mark}`.trimEnd();
    const subject = segment === '' ? [] : [segment, batch];
    findings.add({ what: 'row_without_entry', segment: null, sequence: null, kind: 'observations', subject, words });
  }
  return { waiting, notCovered };
}
