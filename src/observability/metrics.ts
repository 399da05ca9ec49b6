/**
 * The daemon's own metrics: instruments are made anywhere through `lib/instruments.ts`; here they are
 * collected and written in Prometheus' text format.
 */

import { metrics } from '@opentelemetry/api';
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { showCounters } from '../lib/instruments.ts';

export interface MetricsReader {
  /** Prometheus text of everything at this moment. */
  text(): Promise<string>;
  stop(): Promise<void>;
}

/** Must run before anything is counted: what an instrument counted before is lost, with the instrument. */
export function startMetrics(version: string): MetricsReader {
  const reader = new PrometheusExporter({ preventServerStart: true });
  const provider = new MeterProvider({
    resource: resourceFromAttributes({ 'service.name': 'plumbline', 'service.version': version }),
    readers: [reader],
  });
  metrics.setGlobalMeterProvider(provider);
  showCounters();
  const serializer = new PrometheusSerializer();
  return {
    text: async () => {
      const { resourceMetrics } = await reader.collect();
      return serializer.serialize(resourceMetrics);
    },
    stop: () => provider.shutdown(),
  };
}
