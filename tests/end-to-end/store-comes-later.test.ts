/** A daemon whose ClickHouse server is away when it starts: what senders push meanwhile is kept, and stored once the server is there. */

import { OTLPTraceExporter as GrpcExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
import { OTLPTraceExporter as HttpExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, TracerProvider, type SpanExporter } from '@opentelemetry/sdk-trace';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { chatAttributes } from '../ingest/harness.ts';
import { startClickHouseHttp, type ClickHouseHttp } from '../support/clickhouse-http.ts';
import { eventually, READY, runPlumbline, startDaemon, WAITING, type Daemon } from '../support/daemon.ts';
import { sendSpans } from '../support/send-spans.ts';
import { freePort } from '../support/server-process.ts';
import { tempDirectory } from '../support/temp-directory.ts';

const USER = 'plumbline';
const PASSWORD = 'a-long-password';

const running: Daemon[] = [];
afterEach(async () => {
  for (const daemon of running.splice(0)) await daemon.kill();
});

/** A server that is not there, and whoever counts on it. */
class Scene {
  readonly directory = tempDirectory();
  readonly port: number;

  private constructor(port: number) {
    this.port = port;
    const store = { url: `http://127.0.0.1:${port}`, user: USER, password: PASSWORD };
    writeFileSync(join(this.directory, 'plumbline.yaml'), stringify({ store }));
  }

  static async begin(port?: number): Promise<Scene> {
    return new Scene(port ?? (await freePort()));
  }

  /** Why it waits may be told later: where an attempt takes long it waits because of that. */
  async daemon(until: RegExp = WAITING): Promise<Daemon> {
    const daemon = await startDaemon(this.directory, [], {}, until);
    running.push(daemon);
    return daemon;
  }

  server(password = PASSWORD): Promise<ClickHouseHttp> {
    return startClickHouseHttp({
      user: USER,
      password,
      port: this.port,
      directory: join(this.directory, 'clickhouse'),
    });
  }
}

/** By the exporter that applications use, which gives nothing for delivered that was refused. */
async function send(exporter: SpanExporter, ...answers: readonly string[]): Promise<void> {
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'shop' }),
    spanProcessors: [new BatchSpanProcessor({ exporter })],
  });
  for (const answer of answers) {
    const attributes = chatAttributes('Be brief.', [{ role: 'user', text: 'Hello?' }], answer);
    provider.getTracer('test').startSpan('chat gpt-4o', { attributes }).end();
  }
  await provider.forceFlush();
  await provider.shutdown();
}

const overHttp = ({ otlp }: Daemon): SpanExporter => new HttpExporter({ url: `${otlp}/v1/traces` });
const overGrpc = ({ grpc }: Daemon): SpanExporter => new GrpcExporter({ url: `http://${grpc}` });

async function answersOf(daemon: Daemon): Promise<readonly string[]> {
  const { data } = await daemon.get('/api/v1/invocations?limit=1000');
  return data.map((call: any) => call.output[0].parts[0].text).toSorted();
}

async function metricsOf({ api }: Daemon): Promise<string> {
  return (await fetch(`${api}/metrics`)).text();
}

/** All of them, and each once: also after whatever might have come twice has come. */
async function expectStored(daemon: Daemon, ...answers: readonly string[]): Promise<void> {
  await eventually(async () => (await answersOf(daemon)).length >= answers.length);
  await eventually(async () => /^plumbline_ingest_spool_bytes\S* 0$/m.test(await metricsOf(daemon)));
  expect(await answersOf(daemon)).toEqual(answers.toSorted());
}

test('telemetry is taken over HTTP and gRPC, and stored once when the server is there', async () => {
  const scene = await Scene.begin();
  const daemon = await scene.daemon();
  await daemon.waitFor(/ECONNREFUSED/);
  expect(daemon.printed()).not.toMatch(READY);
  await send(overHttp(daemon), 'one', 'two');
  await send(overGrpc(daemon), 'three');

  expect(await daemon.get('/healthz')).toMatchObject({ status: 'ok' });
  const readiness = await fetch(`${daemon.api}/readyz`);
  expect(readiness.status).toBe(503);
  expect(await readiness.json()).toEqual({
    status: 'not ready',
    problems: [expect.stringMatching(/The store can't be reached yet: .*ECONNREFUSED.*Start the store/)],
  });
  expect(await metricsOf(daemon)).toMatch(/^plumbline_ingest_spool_bytes\S* [1-9]/m);
  expect(await metricsOf(daemon)).toMatch(/^plumbline_problems\S* 1$/m);
  const refused = await fetch(`${daemon.api}/api/v1/targets`);
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5']);
  expect((await refused.json()).detail).toMatch(/The store can't be reached yet: .* Telemetry is taken meanwhile/);

  const server = await scene.server();
  await daemon.waitFor(READY);
  expect(await daemon.get('/readyz')).toEqual({ status: 'ready', problems: [] });
  expect(await metricsOf(daemon)).toMatch(/^plumbline_problems\S* 0$/m);
  await send(overHttp(daemon), 'four');
  await expectStored(daemon, 'one', 'two', 'three', 'four');
  expect(daemon.printed()).toMatch(/the store is there/);
  expect(daemon.printed()).not.toContain(PASSWORD);
  expect(await daemon.stop()).toBe(0);
  expect(daemon.printed()).toContain('Stopped; everything accepted is stored.');
  await server.stop();
});

test('so is feedback about a call, with the call', async () => {
  const scene = await Scene.begin();
  const daemon = await scene.daemon();
  const traceId = 'a1'.repeat(16);
  const judged = await fetch(`${daemon.api}/api/v1/feedback`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ trace_id: traceId, name: 'helpful', score: 1 }),
  });
  expect(judged.status).toBe(202);
  const attributes = chatAttributes('Be brief.', [{ role: 'user', text: 'Hello?' }], 'one');
  await sendSpans(daemon, [{ traceId, attributes }]);
  const server = await scene.server();
  await daemon.waitFor(READY);
  const [evaluation] = await eventually(async () => {
    const { data } = await daemon.get(`/api/v1/invocations?trace_id=${traceId}`);
    return data[0]?.evaluations.length > 0 && data[0].evaluations;
  });
  expect(evaluation).toMatchObject({ name: 'helpful', score: 1 });
  await server.stop();
});

test('what is typed beside it says what it waits for', async () => {
  const scene = await Scene.begin();
  const daemon = await scene.daemon();
  await daemon.waitFor(/ECONNREFUSED/);
  const status = await runPlumbline(scene.directory, ['status']);
  expect(status.code).toBe(2);
  expect(status.stderr).toMatch(/The store can't be reached yet: .*ECONNREFUSED/);
  const doctor = await runPlumbline(scene.directory, ['doctor']);
  expect(doctor.code).toBe(1);
  expect(doctor.stdout).toMatch(
    /failed +daemon: The daemon is not ready: The store can't be reached yet: .*ECONNREFUSED/,
  );
});

test('a kill while it waits loses nothing', async () => {
  const scene = await Scene.begin();
  const first = await scene.daemon();
  await send(overHttp(first), 'one');
  await first.kill();
  const second = await scene.daemon();
  await send(overGrpc(second), 'two');
  await second.kill();
  const server = await scene.server();
  const third = await scene.daemon(READY);
  await expectStored(third, 'one', 'two');
  expect(await third.stop()).toBe(0);
  await server.stop();
});

describe('a stop while it waits', () => {
  test('ends it, and says what waits on the disk', async () => {
    const scene = await Scene.begin();
    const first = await scene.daemon();
    expect(await first.stop()).toBe(0);
    expect(first.printed()).toContain('Stopped; everything accepted is stored.');
    const second = await scene.daemon();
    await send(overHttp(second), 'one');
    expect(await second.stop()).toBe(0);
    expect(second.printed()).toMatch(/Stopped; [1-9]\d* B of what was accepted wait on the disk/);
    // Nobody has the directory any more.
    const third = await scene.daemon();
    expect(await third.stop()).toBe(0);
    expect(third.printed()).toMatch(/Stopped; [1-9]\d* B of what was accepted wait on the disk/);
  });

  test('is not held up by a server that takes a question and says nothing', async () => {
    const silent = createServer(() => undefined);
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const scene = await Scene.begin((silent.address() as AddressInfo).port);
    const daemon = await scene.daemon();
    expect(daemon.printed()).toContain('It has not answered for 3s');
    await send(overHttp(daemon), 'one');
    const asked = performance.now();
    expect(await daemon.stop()).toBe(0);
    // A question is given up after a minute.
    expect(performance.now() - asked).toBeLessThan(30_000);
    silent.close();
  });
});

describe('what time does not mend ends the start', () => {
  const start = ['start', '--port', '0', '--otlp-port', '0', '--grpc-port', '0'];

  test('at once', async () => {
    const scene = await Scene.begin();
    const server = await scene.server('another-password');
    const { code, stderr, stdout } = await runPlumbline(scene.directory, start);
    expect(code).toBe(2);
    expect(stdout).not.toMatch(READY);
    expect(stderr).toMatch(/Authentication failed.*Check the user and the password in `store:`/s);
    await server.stop();
  });

  test('and a wait, when the server answers with it', async () => {
    const scene = await Scene.begin();
    const daemon = await scene.daemon();
    await send(overHttp(daemon), 'one');
    const exited = once(daemon.process, 'exit');
    const server = await scene.server('another-password');
    expect((await exited)[0]).toBe(2);
    expect(daemon.printed()).toMatch(/Authentication failed.*Check the user and the password in `store:`/s);
    await server.stop();
  });
});

describe('a server that is there and not well is waited for', () => {
  test('behind a proxy that answers for it', async () => {
    const scene = await Scene.begin();
    const server = await scene.server();
    await server.trouble(2, 503, '<html>Service unavailable</html>');
    const daemon = await scene.daemon();
    await daemon.waitFor(READY);
    expect(daemon.printed()).toContain('Service unavailable');
    await server.stop();
  });

  test.each([
    ['to open it', 'SELECT 1'],
    ['to start on it', 'max(revision)'],
  ])('where it is too busy %s', async (_when, statement) => {
    const scene = await Scene.begin();
    const server = await scene.server();
    await server.exhaustedBy(statement);
    const daemon = await scene.daemon();
    await daemon.waitFor(/Memory limit exceeded/);
    await send(overHttp(daemon), 'one');
    expect((await fetch(`${daemon.api}/api/v1/targets`)).status).toBe(503);
    await send(overGrpc(daemon), 'two');
    await server.exhaustedBy(null);
    await daemon.waitFor(READY);
    expect(await daemon.get('/readyz')).toEqual({ status: 'ready', problems: [] });
    await send(overHttp(daemon), 'three');
    await expectStored(daemon, 'one', 'two', 'three');
    expect(await daemon.stop()).toBe(0);
    expect(daemon.printed()).toContain('Stopped; everything accepted is stored.');
    await server.stop();
  });
});
