/** What the ingest counts: everything it took, cut, refused, repaired or put aside. */

import { counter as instrument, gauge, type Count, type Labels } from '../lib/instruments.ts';

function counter(name: string, description: string, unit = '1', fromZero: readonly Labels[] = []): Count {
  return instrument({ name: `plumbline.ingest.${name}`, description, unit, fromZero });
}

export const countSpans = counter('records', 'Spans and log records by signal and what became of them.');
export const countFeedback = counter('feedback', 'Judgements that came over the API, by what became of them.');
export const countRefused = counter('refused', 'Requests refused by reason; the sender was told to come back.', '1', [
  { reason: 'spool' },
]);
export const countDropped = counter(
  'dropped_attributes',
  'Attributes and events that were left out, by the sender or for our limits; their calls say that they are incomplete.',
);
export const countCutTexts = counter('cut_texts', 'Texts that were longer than the limit and were cut.');
export const countInserted = counter('inserted_bytes', 'Bytes of rows inserted, by lane.', 'By');
export const countRetries = counter('store_retries', 'Inserts that failed and were tried again, by lane.');
export const countQuarantined = counter('quarantined', 'What could not be read, stored or settled, by kind.', '1', [
  { kind: 'span' },
  { kind: 'row' },
  { kind: 'trace' },
]);
export const countSpoolSkipped = counter('spool_skipped_bytes', 'Bytes in the spool that were no record.', 'By', [{}]);
export const countSettled = counter('settled', 'Invocations written, by whether they were new, changed or taken back.');
export const countReadBack = counter('read_back_traces', 'Traces whose earlier facts were read from the store.');
export const countEarlySettled = counter('early_settled_traces', 'Traces settled early because the window was full.');
export const countOversized = counter('oversized_traces', 'Traces with more facts than are settled together.');

export const countSightings = counter('sighted_traces', 'Traces of which another replica told that it has facts.');

/** A value that is read when somebody looks. */
export function observe(name: string, description: string, unit: string, read: () => number): void {
  gauge({ name: `plumbline.ingest.${name}`, description, unit }, read);
}
