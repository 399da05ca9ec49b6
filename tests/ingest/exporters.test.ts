/** Stock OpenTelemetry exporters against the real receivers: each delivers, is told 503, waits, and delivers again. */

import type { Attributes } from '@opentelemetry/api';
import { OTLPTraceExporter as HttpJsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as GrpcExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
import { OTLPTraceExporter as HttpProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { CompressionAlgorithm } from '@opentelemetry/otlp-exporter-base';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, TracerProvider, type SpanExporter } from '@opentelemetry/sdk-trace';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OtlpGrpcReceiver } from '../../collectors/otlp/grpc.ts';
import { OtlpHttpReceiver } from '../../collectors/otlp/http.ts';
import { DEFAULT_OTLP_LIMITS, InFlight } from '../../collectors/otlp/limits.ts';
import type { AcceptTelemetry } from '../../src/contract/telemetry.ts';
import type { Ingest } from '../../src/ingest/ingest.ts';
import { chatAttributes, createIngest, eventually, openStore, type OpenStore } from './harness.ts';

let store: OpenStore;
let ingest: Ingest;
let refusals = 0;
let refused = 0;

/** The real ingest, behind a gate that says 503 for as many requests as a test wants. */
const accept: AcceptTelemetry = async (request) => {
  if (refused < refusals) {
    refused += 1;
    return { outcome: 'overloaded', retryAfterMs: 300, message: 'not now' };
  }
  return ingest.accept(request);
};
const inFlight = new InFlight(DEFAULT_OTLP_LIMITS.inFlightBytesMax);
const receiverOptions = {
  host: '127.0.0.1',
  port: 0,
  accept,
  authorize: () => 'allowed' as const,
  limits: DEFAULT_OTLP_LIMITS,
  inFlight,
  onError: (error: unknown) => {
    throw error;
  },
};
const http = new OtlpHttpReceiver(receiverOptions);
const grpc = new OtlpGrpcReceiver(receiverOptions);

beforeAll(async () => {
  store = await openStore();
  ingest = createIngest(store.telemetry);
  await ingest.start();
  await http.start();
  await grpc.start();
});

afterAll(async () => {
  await http.stop(1_000);
  await grpc.stop(1_000);
  await ingest.stop(5_000);
  await store.database.close();
});

async function send(
  exporter: SpanExporter,
  service: string,
  texts: readonly string[],
  written: (attributes: Attributes) => Attributes = (attributes) => attributes,
): Promise<void> {
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': service, 'deployment.environment.name': 'production' }),
    spanProcessors: [new BatchSpanProcessor({ exporter })],
  });
  for (const text of texts) {
    const attributes = chatAttributes('Be brief.', [{ role: 'user', text }], `answer to ${text}`);
    provider
      .getTracer('test')
      .startSpan('chat gpt-4o', { attributes: written(attributes) })
      .end();
  }
  await provider.forceFlush();
  await provider.shutdown();
}

/** As an SDK of 2026 may send them: content as lists and maps, and not as their JSON. */
function structured(attributes: Attributes): Attributes {
  const isJson = (value: unknown): value is string => typeof value === 'string' && value.startsWith('[');
  const entries = Object.entries(attributes);
  return Object.fromEntries(entries.map(([key, value]) => [key, isJson(value) ? JSON.parse(value) : value]));
}

describe.each([
  ['HTTP with protobuf', () => new HttpProtobufExporter({ url: `http://127.0.0.1:${http.port}/v1/traces` })],
  [
    'HTTP with protobuf and gzip',
    () =>
      new HttpProtobufExporter({
        url: `http://127.0.0.1:${http.port}/v1/traces`,
        compression: CompressionAlgorithm.GZIP,
      }),
  ],
  ['HTTP with JSON', () => new HttpJsonExporter({ url: `http://127.0.0.1:${http.port}/v1/traces` })],
  ['gRPC', () => new GrpcExporter({ url: `http://127.0.0.1:${grpc.port}` })],
  [
    'gRPC and gzip',
    () => new GrpcExporter({ url: `http://127.0.0.1:${grpc.port}`, compression: CompressionAlgorithm.GZIP }),
  ],
] as const)('the stock exporter for %s', (name, exporter) => {
  const callsOf = (service: string) => () => store.invocations.list({ service }, { limit: 10 });

  it('delivers', async () => {
    const service = `${name} delivers`;
    await send(exporter(), service, ['one', 'two']);
    const { items } = await eventually(callsOf(service), (page) => page.items.length === 2);
    const answers = items.map(({ invocation }) => JSON.stringify(invocation.output?.[0]?.parts)).toSorted();
    expect(answers).toEqual(['one', 'two'].map((text) => `[{"type":"text","text":"answer to ${text}"}]`));
  });

  it('delivers content that is structured', async () => {
    await send(exporter(), `${name} as JSON`, ['four']);
    await send(exporter(), `${name} structured`, ['four'], structured);
    const [asJson, asValues] = await Promise.all(
      [`${name} as JSON`, `${name} structured`].map((service) =>
        eventually(callsOf(service), (page) => page.items.length === 1),
      ),
    );
    const said = (page: typeof asJson): unknown => {
      const call = page?.items[0]?.invocation;
      return [call?.input, call?.output];
    };
    expect(said(asValues)).toEqual(said(asJson));
    expect(JSON.stringify(said(asValues))).toMatch(/Be brief\..*four.*answer to four/);
  });

  it('comes back after a 503, and delivers once', async () => {
    const service = `${name} backs off`;
    refused = 0;
    refusals = 2;
    await send(exporter(), service, ['three']);
    expect(refused).toBe(2);
    const { items } = await eventually(callsOf(service), (page) => page.items.length === 1);
    expect(items).toHaveLength(1);
  });
});
