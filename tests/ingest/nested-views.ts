/** One call that two spans report, for tests of how it is settled. */

import { chatAttributes, hexId, type SpanDraft } from './harness.ts';

/** An outer and an inner view of one call: the inner one is the call. */
export function nested(): { traceId: string; outer: SpanDraft; inner: SpanDraft } {
  const [traceId, outerId, innerId] = [hexId(16), hexId(8), hexId(8)];
  const attributes = chatAttributes('Answer.', [{ role: 'user', text: `hello ${traceId}` }], 'hi');
  const { 'gen_ai.input.messages': _content, ...withoutContent } = attributes;
  return {
    traceId,
    outer: { traceId, spanId: outerId, attributes },
    inner: { traceId, spanId: innerId, parentSpanId: outerId, attributes: withoutContent },
  };
}
