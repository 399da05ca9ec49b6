/**
 * Judgements that came without telemetry, as the log records that OpenTelemetry's conventions have for them: from there on
 * nothing tells them from others. Pure.
 */

import type { Feedback } from '../contract/feedback.ts';
import type { TelemetryRequest } from '../contract/telemetry.ts';
import type { Timestamp } from '../contract/time.ts';
import { EVALUATION_EVENT, JUDGED_BY, JUDGEMENT_ID, JUDGEMENT_WITHDRAWN } from '../dialects/semconv.ts';
import { nanosFromTimestamp } from '../lib/time.ts';

export function telemetryOf(feedback: readonly Feedback[], receivedAt: Timestamp): TelemetryRequest {
  const resourceLogs = [...Map.groupBy(feedback, ({ environment }) => environment)].map(([environment, ofIt]) => ({
    resource: { attributes: attributesOf({ 'deployment.environment.name': environment }) },
    scopeLogs: [{ scope: { name: 'plumbline.feedback' }, logRecords: ofIt.map((each) => recordOf(each, receivedAt)) }],
  }));
  return { signal: 'logs', encoding: 'json', body: Buffer.from(JSON.stringify({ resourceLogs })) };
}

function recordOf(feedback: Feedback, receivedAt: Timestamp): object {
  const { traceId, spanId, responseId, name, score, label, explanation, at, by, id, withdrawn } = feedback;
  return {
    traceId,
    spanId,
    timeUnixNano: String(nanosFromTimestamp(at ?? receivedAt)),
    eventName: EVALUATION_EVENT,
    attributes: attributesOf({
      'gen_ai.evaluation.name': name,
      'gen_ai.evaluation.score.value': score,
      'gen_ai.evaluation.score.label': label,
      'gen_ai.evaluation.explanation': explanation,
      'gen_ai.response.id': responseId,
      [JUDGED_BY]: by,
      [JUDGEMENT_ID]: id,
      [JUDGEMENT_WITHDRAWN]: withdrawn ? true : null,
    }),
  };
}

/** Without what is not known. */
function attributesOf(values: Readonly<Record<string, string | number | true | null>>): object[] {
  return Object.entries(values)
    .filter(([, value]) => value !== null)
    .map(([key, value]) => ({ key, value: anyValue(value) }));
}

function anyValue(value: string | number | true | null): object {
  if (value === true) return { boolValue: true };
  return typeof value === 'number' ? { doubleValue: value } : { stringValue: value };
}
