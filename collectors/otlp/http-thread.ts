/**
 * The thread that receives OTLP over HTTP: connections, bodies, decompression and answers. What is in
 * a body is not looked at here: its memory goes to the daemon's own thread, and comes back with the answer.
 */

import { isFault, stackOf } from '../../src/contract/fault.ts';
import type { Acknowledgement, AuthorizeIngest, TelemetryRequest } from '../../src/contract/telemetry.ts';
import { insideThread } from '../../src/lib/kept-thread.ts';
import { GrowingBuffer, Rooms } from '../../src/lib/growing-buffer.ts';
import { countElsewhere } from '../../src/lib/instruments.ts';
import { LET_GO_EVERY_MS, letGoOfMemory } from '../../src/lib/let-go-of-memory.ts';
import { HTTP_THREAD_PLACE, type FromHttpThread, type HttpThreadOptions, type ToHttpThread } from './http-messages.ts';
import { OtlpHttpReceiver } from './http.ts';
import { InFlight } from './limits.ts';

type Decision = ReturnType<AuthorizeIngest>;

// So often what was counted here is told to whoever shows it.
const COUNTED_EVERY_MS = 250;
// Senders are few; whoever makes up keys is asked about every time.
const DECISIONS_MAX = 1_000;

const { data, say, hear } = insideThread<HttpThreadOptions, FromHttpThread, ToHttpThread>();
const { host, port, limits, inFlight } = data;

interface Waiting {
  readonly resolve: (acknowledgement: Acknowledgement) => void;
  readonly reject: (reason: Error) => void;
}

let lastId = 0;
const waiting = new Map<number, Waiting>();
const asking = new Map<number, (decision: Decision) => void>();
/** By the header; it does not change what a key may do while the daemon runs. */
const decisions = new Map<string | undefined, Decision>();
const counts = countElsewhere();
/** Memory that may be handed over: nothing but one body is in it. */
const ours = new WeakSet<ArrayBufferLike>();
const rooms = new Rooms((bytes) => {
  const room = Buffer.allocUnsafeSlow(bytes);
  ours.add(room.buffer);
  return room;
});

const bytes = new InFlight(limits.inFlightBytesMax, inFlight, HTTP_THREAD_PLACE);

const receiver = new OtlpHttpReceiver({
  host,
  port,
  limits,
  inFlight: bytes,
  rooms,
  accept,
  authorize: ({ authorization }) => {
    const header = typeof authorization === 'string' ? authorization : undefined;
    return decisions.get(header) ?? askWhether(header);
  },
  onError: (error) => say({ kind: 'failed', stack: stackOf(error) }),
});

hear((message) => {
  switch (message.kind) {
    case 'answer':
      takeBack(message.memory);
      taken(message.id)?.resolve(message.acknowledgement);
      return;
    case 'threw':
      takeBack(message.memory);
      taken(message.id)?.reject(new Error(message.stack));
      return;
    case 'authorized':
      asking.get(message.id)?.(message.decision);
      asking.delete(message.id);
      return;
    case 'stop':
      void stop(message.deadlineMs);
  }
});

const counting = setInterval(tellCounts, COUNTED_EVERY_MS);
const lettingGo = setInterval(() => {
  if (bytes.isHeld) letGoOfMemory(rooms);
}, LET_GO_EVERY_MS);

try {
  await receiver.start();
  say({ kind: 'listening', port: receiver.port });
} catch (error) {
  if (!isFault(error)) throw error;
  say({ kind: 'refused', message: error.message, hint: error.hint });
}

function accept({ signal, encoding, body }: TelemetryRequest): Promise<Acknowledgement> {
  const memory = (ours.has(body.buffer) ? body : copied(body)).buffer as ArrayBuffer;
  const { length } = body;
  lastId += 1;
  const id = lastId;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject });
    say({ kind: 'request', id, signal, encoding, memory, length }, [memory]);
  });
}

/** Of a body that was decompressed into memory which others may have a part of. */
function copied(body: Buffer): Buffer {
  const copy = new GrowingBuffer(0, rooms);
  // Also of an empty one, which would have no memory at all.
  copy.reserve(Math.max(1, body.length));
  copy.addBytes(body);
  return copy.room;
}

function takeBack(memory: ArrayBuffer): void {
  ours.add(memory);
  rooms.give(Buffer.from(memory));
}

async function askWhether(authorization: string | undefined): Promise<Decision> {
  lastId += 1;
  const id = lastId;
  const decision = await new Promise<Decision>((resolve) => {
    asking.set(id, resolve);
    say({ kind: 'authorize', id, authorization });
  });
  if (decisions.size < DECISIONS_MAX) decisions.set(authorization, decision);
  return decision;
}

function taken(id: number): Waiting | undefined {
  const found = waiting.get(id);
  waiting.delete(id);
  return found;
}

function tellCounts(): void {
  const sums = counts.take();
  if (sums.length > 0) say({ kind: 'counted', sums });
}

async function stop(deadlineMs: number): Promise<void> {
  await receiver.stop(deadlineMs);
  clearInterval(counting);
  clearInterval(lettingGo);
  tellCounts();
  say({ kind: 'stopped' });
}
