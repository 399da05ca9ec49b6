/** Calls as they lie in `invocations`, for tests of what is read from there. */

import type { Timestamp } from '../../src/contract/time.ts';
import { sha256 } from '../../src/lib/hash.ts';

export function storedCall(id: number, at: Timestamp, version: string, more: object = {}): object {
  return {
    trace_id: String(id).padStart(32, '0'),
    span_id: String(id).padStart(16, '0'),
    started_at: at,
    ingested_at: at,
    service: 'app',
    instance: 'pod-1',
    environment: 'production',
    prompt: 'greeting',
    version,
    attribution_kind: 'rendered',
    prompt_hash: sha256(`text of call ${id}`),
    revision: '1',
    is_deleted: 0,
    ...more,
  };
}
