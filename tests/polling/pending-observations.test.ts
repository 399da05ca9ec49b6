import { expect, test } from 'vitest';
import type { Observation } from '../../src/contract/observation.ts';
import { KnowledgeHorizon } from '../../src/lib/knowledge-horizon.ts';
import { systemClock } from '../../src/lib/time.ts';
import { PendingObservations } from '../../src/polling/pending-observations.ts';
import { held } from '../support/store-samples.ts';

function pendingTo(onObservations: (batch: readonly Observation[], stored: () => void) => Promise<void>) {
  const horizon = new KnowledgeHorizon(systemClock);
  const pending = new PendingObservations({ horizon, onObservations, onNotRecorded: () => undefined });
  return { horizon, pending };
}

test('what waits is handed over soon, though the source takes its time with the next', async () => {
  const handedOver = Promise.withResolvers<readonly Observation[]>();
  const { pending } = pendingTo((batch) => Promise.resolve(handedOver.resolve(batch)));
  await pending.add((at) => [held(at, 'a')]);
  expect(await handedOver.promise).toHaveLength(1);
});

test('an answer waits until it is stored, and not for what follows from it', async () => {
  const judged = Promise.withResolvers<void>();
  const { horizon, pending } = pendingTo((_batch, stored) => {
    stored();
    return judged.promise;
  });
  await pending.add((at) => [held(at, 'a')]);
  const heard = systemClock.now();
  expect(horizon.reached() < heard).toBe(true);
  const flushed = pending.flush();
  // Batches are handed over one after the other, so a moment later.
  await Promise.resolve();
  expect(horizon.reached() >= heard).toBe(true);
  judged.resolve();
  await flushed;
});

test('a reading without observations, or one that fails, holds up nothing', async () => {
  const { horizon, pending } = pendingTo(() => Promise.resolve());
  await pending.add(() => []);
  const bug = pending.add(() => {
    throw new Error('a bug');
  });
  await expect(bug).rejects.toThrow('a bug');
  const now = systemClock.now();
  expect(horizon.reached() >= now).toBe(true);
});
