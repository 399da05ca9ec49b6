/**
 * The least that taking telemetry in can cost: requests are received and made durable, as they are,
 * and nothing is done with them. What an ingest that knows what is inside is compared with.
 */

import { ThreadedHttpReceiver } from '../../collectors/otlp/http-in-thread.ts';
import { DEFAULT_OTLP_LIMITS, InFlight } from '../../collectors/otlp/limits.ts';
import type { Acknowledgement } from '../../src/contract/telemetry.ts';
import { DEFAULT_INGEST_LIMITS } from '../../src/ingest/limits.ts';
import { laneNumber } from '../../src/ingest/loading/lanes.ts';
import { Spool } from '../../src/ingest/spool/spool.ts';

const [directory] = process.argv.slice(2) as [string];
const { spoolBytesMax: bytesMax, spoolSegmentBytesMax: segmentBytesMax, retryAfterMs } = DEFAULT_INGEST_LIMITS;
const spool = await Spool.open({ directory, bytesMax, segmentBytesMax, keepFreeBytes: 0, retryAfterMs });
const lane = laneNumber('span_facts');

const receiver = new ThreadedHttpReceiver({
  host: '127.0.0.1',
  port: 0,
  accept: async ({ body }): Promise<Acknowledgement> => {
    await spool.release(await spool.append([{ lane, bytes: body }]));
    return { outcome: 'durable', rejected: 0, message: '' };
  },
  authorize: () => 'allowed',
  limits: DEFAULT_OTLP_LIMITS,
  inFlight: new InFlight(DEFAULT_OTLP_LIMITS.inFlightBytesMax),
  onError: (error) => console.error(error),
});
await receiver.start();
// Whoever measured has gone.
process.once('disconnect', () => process.exit(0));
process.send?.({ port: receiver.port });
