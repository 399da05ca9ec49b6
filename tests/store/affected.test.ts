import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AffectedContent } from '../../src/contract/invocation-log.ts';
import { timestampFromMillis } from '../../src/lib/time.ts';
import { createTextLog } from '../../src/store/text-log.ts';
import { createInvocationLog } from '../../src/store/telemetry/invocation-log.ts';
import { openStore, type OpenStore } from '../ingest/harness.ts';

const SINCE_MS = Date.UTC(2026, 9, 30, 2, 47);
const WHERE = { prompt: 'checkout.refund', environment: 'production' };
const EDITED: AffectedContent = { version: 'unregistered:4711', since: timestampFromMillis(SINCE_MS) };
const OTHER: AffectedContent = { ...EDITED, version: '3' };

let store: OpenStore;
beforeAll(async () => {
  store = await openStore();
  // So that what was corrected stands beside its correction.
  await store.database.command('SYSTEM STOP MERGES invocations');
});
afterAll(() => store.database.close());

async function write(traceId: string, more: object): Promise<void> {
  const call = {
    trace_id: traceId,
    span_id: 'a',
    started_at: timestampFromMillis(SINCE_MS + 1_000),
    environment: 'production',
    prompt: WHERE.prompt,
    version: EDITED.version,
    revision: 1,
    is_deleted: 0,
  };
  await store.database.insert('invocations', [{ ...call, ...more }]);
}

describe('the calls that a drift has touched', () => {
  beforeAll(async () => {
    await write('touched', {});
    await write('touched too', {});
    await write('priced anew', {});
    await write('priced anew', { revision: 2, cost_usd: '0.1' });
    await write('before', { started_at: timestampFromMillis(SINCE_MS - 1) });
    await write('elsewhere', { environment: 'staging' });
    await write('another version', { version: '3' });
    await write('taken back', {});
    await write('taken back', { revision: 2, is_deleted: 1 });
    await write('attributed again', {});
    await write('attributed again', { revision: 2, version: '3' });
  });

  it('are counted by what is known of each by now', async () => {
    const calls = createInvocationLog(store.database, createTextLog(store.database));
    expect(await calls.affected({ ...WHERE, contents: [EDITED] })).toBe(3);
    expect(await calls.affected({ ...WHERE, contents: [OTHER] })).toBe(2);
    expect(await calls.affected({ ...WHERE, contents: [EDITED], service: 'nobody' })).toBe(0);
  });

  it('are counted once, each content between its own times', async () => {
    const calls = createInvocationLog(store.database, createTextLog(store.database));
    const counted = (...contents: readonly AffectedContent[]) => calls.affected({ ...WHERE, contents });
    const later = timestampFromMillis(SINCE_MS + 1_001);
    expect(await counted(EDITED, OTHER)).toBe(5);
    expect(await counted(EDITED, EDITED, { ...OTHER, since: later })).toBe(3);
    expect(await counted({ ...EDITED, until: timestampFromMillis(SINCE_MS + 1_000) }, OTHER)).toBe(2);
    expect(await counted({ ...EDITED, until: later })).toBe(3);
    expect(await counted()).toBe(0);
  });

  it('are counted quickly among many, with what was corrected lately as well', async () => {
    const calls = createInvocationLog(store.database, createTextLog(store.database), { exactRowsMax: 5 });
    expect(await calls.affected({ ...WHERE, contents: [EDITED] })).toBe(6);
    expect(await calls.affected({ ...WHERE, contents: [OTHER] })).toBe(2);
    const later = { ...EDITED, since: timestampFromMillis(SINCE_MS + 2_000) };
    expect(await calls.affected({ ...WHERE, contents: [later] })).toBe(0);
  });
});
