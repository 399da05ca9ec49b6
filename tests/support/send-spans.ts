/** Sends spans to a running daemon, as an exporter would. */

import { tracesBody, type SpanDraft } from '../ingest/harness.ts';
import type { Daemon } from './daemon.ts';

/** Resolves when the daemon has taken all of them. */
export async function sendSpans(
  { otlp }: Pick<Daemon, 'otlp'>,
  spans: readonly SpanDraft[],
  headers: Readonly<Record<string, string>> = {},
): Promise<void> {
  const response = await fetch(new URL('/v1/traces', otlp), {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: new Uint8Array(tracesBody(spans)),
  });
  if (response.status !== 200) throw new Error(`Spans were answered with ${response.status}: ${await response.text()}`);
}
