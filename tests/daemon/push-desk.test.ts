/** Pushes: signed ones are looked at once, and never believed; all others are refused with a reason. */

import { afterEach, expect, test } from 'vitest';
import { sourcePlugins } from '../../collectors/index.ts';
import type { WebhookRequest } from '../../src/contract/source.ts';
import type { Observation } from '../../src/contract/observation.ts';
import { PushDesk } from '../../src/daemon/targets/push-desk.ts';
import { KnowledgeHorizon } from '../../src/lib/knowledge-horizon.ts';
import { PollingHost } from '../../src/polling/host.ts';
import { openSources } from '../../src/polling/open-sources.ts';
import { eventually } from '../support/daemon.ts';
import { HandClock } from '../support/sources/hand-clock.ts';
import { HandQueue } from '../support/sources/hand-queue.ts';
import { openLangfuse } from '../support/sources/langfuse.ts';
import { EDITED } from '../support/sources/stand-in.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

async function setUp() {
  const langfuse = await openLangfuse();
  closing.push(langfuse.close);
  const clock = new HandClock();
  const seen: Observation[] = [];
  const common = { type: 'langfuse', environment: 'production', everyMs: 3_600_000, timeoutMs: 5_000 };
  const { webhook_secret: _secret, ...withoutSecret } = langfuse.config as Record<string, unknown>;
  const sources = openSources(
    [
      { ...common, name: 'prod', config: langfuse.config, targets: langfuse.targets },
      { ...common, name: 'mute', config: withoutSecret, targets: langfuse.targets },
    ],
    sourcePlugins,
    { baseDirectory: '/', cacheDirectory: '/nonexistent' },
  );
  const polling = new PollingHost({
    sources,
    queue: new HandQueue(),
    clock,
    horizon: new KnowledgeHorizon(clock),
    onObservations: (batch) => Promise.resolve(void seen.push(...batch)),
    onEvent: () => undefined,
  });
  closing.push(() => polling.stop(1_000));
  await polling.start();
  const desk = new PushDesk({ polling, clock });
  const push = (): WebhookRequest => {
    const pushed = langfuse.push?.('reply', clock.monotonicMs());
    if (pushed === undefined) throw new Error('The stand-in sends no pushes.');
    return pushed;
  };
  return { langfuse, clock, seen, desk, push };
}

test('a signed push is looked at at once; the place is believed, and not the push', async () => {
  const { langfuse, clock, seen, desk, push } = await setUp();
  const announced = push();
  await langfuse.edit('reply', EDITED);
  expect(await desk.take('prod', announced)).toEqual(['prod/reply']);
  await eventually(async () => seen.length > 0);
  expect(seen).toMatchObject([
    { target: 'prod/reply', outcome: 'held', body: { text: EDITED }, observedAt: clock.now() },
  ]);
});

test('a replay, an old push, a wrong signature and another body are refused', async () => {
  const { clock, desk, push } = await setUp();
  const genuine = push();
  await desk.take('prod', genuine);
  const refusals = [
    genuine,
    { ...genuine, body: Buffer.concat([Buffer.from(genuine.body), Buffer.from(' ')]) },
    { ...genuine, headers: { 'x-langfuse-signature': `${genuine.headers['x-langfuse-signature']}0` } },
    { ...genuine, headers: {} },
  ];
  for (const refused of refusals)
    await expect(desk.take('prod', refused)).rejects.toMatchObject({
      problem: { status: 403, detail: expect.any(String) },
    });
  const old = push();
  clock.advance(600_000);
  await expect(desk.take('prod', old)).rejects.toMatchObject({ problem: { status: 403 } });
});

test('a source without a secret, and one that is not there, take none', async () => {
  const { desk, push } = await setUp();
  await expect(desk.take('mute', push())).rejects.toMatchObject({
    problem: { status: 409, hint: expect.stringContaining('secret') },
  });
  await expect(desk.take('other', push())).rejects.toMatchObject({ problem: { status: 404 } });
});

test('a flood is told to wait, and only that source', async () => {
  const { clock, desk, push } = await setUp();
  const outcomes: unknown[] = [];
  for (let i = 0; i < 80; i += 1) {
    outcomes.push(
      await desk
        .take('prod', { headers: {}, query: {}, body: Buffer.from(String(i)) })
        .catch((error: unknown) => error),
    );
  }
  expect(outcomes.filter((error: any) => error.problem?.status === 403)).toHaveLength(60);
  expect(outcomes.filter((error: any) => error.kind === 'overloaded')).toHaveLength(20);
  clock.advance(1_000);
  expect(await desk.take('prod', push())).toEqual(['prod/reply']);
});
