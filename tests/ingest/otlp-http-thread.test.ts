import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ThreadedHttpReceiver, type ThreadedHttpOptions } from '../../collectors/otlp/http-in-thread.ts';
import { DEFAULT_OTLP_LIMITS, InFlight } from '../../collectors/otlp/limits.ts';
import type { Acknowledgement } from '../../src/contract/telemetry.ts';
import { startMetrics } from '../../src/observability/metrics.ts';

const DURABLE: Acknowledgement = { outcome: 'durable', rejected: 0, message: '' };

const started: ThreadedHttpReceiver[] = [];

async function start(options: Partial<ThreadedHttpOptions> = {}): Promise<ThreadedHttpReceiver> {
  const receiver = new ThreadedHttpReceiver({
    host: '127.0.0.1',
    port: 0,
    accept: () => Promise.resolve(DURABLE),
    authorize: () => 'allowed',
    limits: DEFAULT_OTLP_LIMITS,
    inFlight: new InFlight(DEFAULT_OTLP_LIMITS.inFlightBytesMax),
    onError: (error) => {
      throw error;
    },
    ...options,
  });
  started.push(receiver);
  await receiver.start();
  return receiver;
}

async function post({ port }: ThreadedHttpReceiver, headers: Record<string, string> = {}): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${port}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: '{"resourceSpans":[]}',
  });
  return response.status;
}

afterEach(async () => {
  vi.restoreAllMocks();
  await Promise.all(started.splice(0).map((receiver) => receiver.stop(1_000)));
});

describe('the thread that receives OTLP over HTTP', () => {
  it('says in one fault that its port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => {
      other.once('listening', resolve);
    });
    const { port } = other.address() as { port: number };
    await expect(start({ port })).rejects.toMatchObject({
      kind: 'config',
      message: expect.stringContaining(String(port)),
      hint: 'Choose another port with --otlp-port.',
    });
    started.length = 0;
    other.close();
  });

  it('is started again at the same port when it ends by itself, and holds no bytes of what it had', async () => {
    const said = vi.spyOn(Worker.prototype, 'postMessage');
    const inFlight = new InFlight(DEFAULT_OTLP_LIMITS.inFlightBytesMax);
    let isHeld = true;
    const accept = (): Promise<Acknowledgement> => (isHeld ? new Promise(() => {}) : Promise.resolve(DURABLE));
    const receiver = await start({ inFlight, accept });
    const lost = post(receiver).catch(() => 'lost');
    await expect.poll(() => inFlight.bytes).toBeGreaterThan(0);
    const [worker] = said.mock.contexts as Worker[];
    await worker?.terminate();
    isHeld = false;
    expect(await lost).toBe('lost');
    await expect.poll(() => post(receiver).catch(() => 0), { timeout: 10_000 }).toBe(200);
    await expect.poll(() => inFlight.bytes).toBe(0);
  });

  it('closes connections beyond so many at once, and counts them', async () => {
    const metrics = startMetrics('0.0.0-test');
    const { port } = await start({ limits: { ...DEFAULT_OTLP_LIMITS, httpConnectionsMax: 2 } });
    const open = (): Socket => connect(port, '127.0.0.1').resume();
    const kept = [open(), open()];
    await Promise.all(kept.map((socket) => once(socket, 'connect')));
    await once(open(), 'close');
    expect(kept.map(({ destroyed }) => destroyed)).toEqual([false, false]);
    await expect.poll(() => metrics.text()).toMatch(/^plumbline_otlp_refused_connections_total\{.*http.*\} 1$/m);
    await metrics.stop();
  });

  it('asks once whether a key may send', async () => {
    const asked: (string | readonly string[] | undefined)[] = [];
    const authorize: ThreadedHttpOptions['authorize'] = ({ authorization }) => {
      asked.push(authorization);
      return authorization === 'Bearer good' ? 'allowed' : 'unauthenticated';
    };
    const receiver = await start({ authorize });
    const sent: number[] = [];
    for (const authorization of ['Bearer good', 'Bearer good', 'Bearer bad', 'Bearer bad'])
      sent.push(await post(receiver, { authorization }));
    expect([sent, asked]).toEqual([
      [200, 200, 401, 401],
      ['Bearer good', 'Bearer bad'],
    ]);
  });

  it('answers what it has taken before it stops', async () => {
    let release = (): void => {};
    const gate = new Promise<Acknowledgement>((resolve) => {
      release = () => resolve(DURABLE);
    });
    let hasCome = (): void => {};
    const come = new Promise<void>((resolve) => {
      hasCome = resolve;
    });
    const accept = (): Promise<Acknowledgement> => {
      hasCome();
      return gate;
    };
    const receiver = await start({ accept });
    const status = post(receiver);
    await come;
    const stopped = receiver.stop(5_000);
    setTimeout(release, 100);
    expect(await status).toBe(200);
    await stopped;
    await expect(post(receiver)).rejects.toThrow('fetch failed');
  });
});
