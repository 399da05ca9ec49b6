/**
 * Under which tier of service a call was made: the same tokens cost half as a batch, and twice as a priority. The
 * conventions have a word for it with OpenAI alone; else it is read where a provider's own answer or usage is passed on.
 */

import { firstText, text } from '../otlp/attributes.ts';
import type { OtlpAttributes } from '../otlp/model.ts';
import type { Reading } from './dialect.ts';
import { isResponse } from './response-id.ts';

/** The last is of LangSmith. */
const ANSWERED = [
  'openai.response.service_tier',
  'gen_ai.openai.response.service_tier',
  'gen_ai.response.service_tier',
];
/** What was wished for, which only counts where nobody says what was got. */
const ASKED = ['openai.request.service_tier', 'gen_ai.openai.request.service_tier', 'gen_ai.request.service_tier'];

/** Whole responses: of OpenInference, LangSmith, MLflow. Some of them are the model's own words. */
const RESPONSES = ['output.value', 'gen_ai.completion', 'mlflow.spanOutputs'];
/** Of Logfire, the AI SDK and LiteLLM. */
const USAGES = ['gen_ai.usage.raw', 'response_data', 'ai.response.providerMetadata', 'metadata.usage_object'];

/** In a text within JSON these quotes have backslashes, and those of Python have none: so only one of both is looked for. */
const JSON_KEYS = ['"service_tier":', '"serviceTier":'];
const PYTHON_KEYS = ["'service_tier':"];
const VALUE = /^\s*["']([A-Za-z_-]{1,40})["']/;

/** To a call. */
export function addServiceTier(reading: Reading, attributes: OtlpAttributes): void {
  if (reading.serviceTier !== undefined) return;
  const tier = firstText(attributes, ANSWERED) ?? tierInAnswer(attributes) ?? wishedTier(attributes);
  if (tier !== undefined && tier !== '') reading.serviceTier = tier.toLowerCase();
}

function tierInAnswer(attributes: OtlpAttributes): string | undefined {
  for (const key of USAGES) {
    const tier = attributes.has(key) ? tierIn(text(attributes, key)) : undefined;
    if (tier !== undefined) return tier;
  }
  for (const key of RESPONSES) {
    const raw = attributes.has(key) ? text(attributes, key) : undefined;
    const tier = isResponse(raw) ? tierIn(raw) : undefined;
    if (tier !== undefined) return tier;
  }
  return undefined;
}

/** With `auto` it is the account that says which, and not the request. */
function wishedTier(attributes: OtlpAttributes): string | undefined {
  const tier = firstText(attributes, ASKED);
  return tier === 'auto' ? undefined : tier;
}

function tierIn(raw: string | undefined): string | undefined {
  if (raw === undefined) return undefined;
  for (const key of raw.startsWith("{'") ? PYTHON_KEYS : JSON_KEYS) {
    const at = raw.lastIndexOf(key);
    const value = at < 0 ? null : VALUE.exec(raw.slice(at + key.length, at + key.length + 50));
    if (value !== null) return value[1];
  }
  return undefined;
}
