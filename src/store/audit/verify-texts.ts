/** Texts are named by their hash: whether each that a place held is there, and has it. */

import { FINDINGS_MAX } from '../../audit/findings.ts';
import type { Verifying } from './verify.ts';

const HELD = `SELECT DISTINCT strict_hash FROM observations
  WHERE strict_hash != '' AND observed_at >= {from:DateTime64(9, 'UTC')}`;

export async function verifyTexts({ database, findings, onProgress, from }: Verifying): Promise<void> {
  onProgress({ step: 'texts', done: 0, total: 1 });
  const altered = await database.query<{ hash: string }>(
    `SELECT DISTINCT hash FROM texts
     WHERE hash IN (${HELD}) AND hash != concat('sha256:', lower(hex(SHA256(content)))) LIMIT ${FINDINGS_MAX}`,
    { from },
  );
  for (const { hash } of altered) {
    const words = `The text ${hash}, which a place held, is not the one that has this hash.`;
    findings.add({ what: 'text_altered', segment: null, sequence: null, kind: null, subject: [hash], words });
  }
  const gone = await database.query<{ hash: string }>(
    `SELECT strict_hash AS hash FROM (${HELD})
     WHERE hash NOT IN (SELECT hash FROM texts) AND hash NOT IN (SELECT hash FROM call_texts) LIMIT ${FINDINGS_MAX}`,
    { from },
  );
  for (const { hash } of gone) {
    const words = `The text ${hash}, which a place held, is gone.`;
    findings.add({ what: 'text_gone', segment: null, sequence: null, kind: null, subject: [hash], words });
  }
}
