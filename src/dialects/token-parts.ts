/**
 * Parts of the tokens that can have prices of their own: audio, images, what a cache keeps for an hour. Each is
 * within input or output, as everybody who reports one counts it. Most calls have none, so attributes are
 * looked at only where the key of one was seen.
 */

import { TOKEN_PARTS, type TokenPart, type TokenParts } from '../contract/invocation.ts';
import type { Json } from '../contract/prompt.ts';
import { firstNumber } from '../otlp/attributes.ts';
import type { OtlpAttributes } from '../otlp/model.ts';
import type { Reading } from './dialect.ts';
import {
  type JsonRecord,
  countInText,
  isArray,
  isRecord,
  numberAt,
  recordAt,
  recordOf,
  stringAt,
} from './json-text.ts';
import { webSearchesOf } from './web-searches.ts';

type Counts = { readonly [Part in TokenPart]?: number | undefined };

/** Undefined for none; a part of which there is nothing is none. */
export function tokenParts(counts: Counts): TokenParts | undefined {
  let parts: { -readonly [Part in TokenPart]?: number } | undefined;
  for (const part of TOKEN_PARTS) {
    const count = counts[part];
    if (count === undefined || !Number.isSafeInteger(count) || count <= 0) continue;
    parts ??= {};
    parts[part] = count;
  }
  return parts;
}

/**
 * By attribute: the conventions' names, those of pydantic-ai (of Gemini's usage with its modalities, the typed
 * ones first), LiveKit's, Mastra's, OpenRouter's. For what a cache keeps for an hour there is no standard.
 */
const ATTRIBUTES: Readonly<Record<TokenPart, readonly string[]>> = {
  cache_write_1h: [
    'anthropic.usage.cache_creation.ephemeral_1h_input_tokens',
    'gen_ai.usage.cache_creation.ephemeral_1h_input_tokens',
  ],
  input_audio: [
    'gen_ai.usage.audio.input_tokens',
    'gen_ai.usage.details.input_audio_tokens',
    'gen_ai.usage.details.audio_prompt_tokens',
    'gen_ai.usage.input_audio_tokens',
    'gen_ai.usage.audio_input_tokens',
    'gen_ai.usage.input_tokens.audio',
    'gen_ai.usage.input_token_details.audio_tokens',
  ],
  cache_audio_read: [
    'gen_ai.usage.audio.cache_read.input_tokens',
    'gen_ai.usage.details.cache_audio_read_tokens',
    'gen_ai.usage.details.audio_cache_tokens',
  ],
  output_audio: [
    'gen_ai.usage.audio.output_tokens',
    'gen_ai.usage.details.output_audio_tokens',
    'gen_ai.usage.details.audio_candidates_tokens',
    'gen_ai.usage.details.audio_response_tokens',
    'gen_ai.usage.output_audio_tokens',
    'gen_ai.usage.audio_output_tokens',
  ],
  input_image: ['gen_ai.usage.image.input_tokens', 'gen_ai.usage.details.image_prompt_tokens'],
  cache_image_read: ['gen_ai.usage.image.cache_read.input_tokens', 'gen_ai.usage.details.image_cache_tokens'],
  output_image: [
    'gen_ai.usage.image.output_tokens',
    'gen_ai.usage.details.image_candidates_tokens',
    'gen_ai.usage.details.image_response_tokens',
    'gen_ai.usage.output_tokens.image',
  ],
  input_video: [
    'gen_ai.usage.video.input_tokens',
    'gen_ai.usage.details.video_prompt_tokens',
    'gen_ai.usage.input_tokens.video',
  ],
  output_video: [
    'gen_ai.usage.video.output_tokens',
    'gen_ai.usage.details.video_candidates_tokens',
    'gen_ai.usage.details.video_response_tokens',
  ],
};

/** The provider's own usage as JSON: of Logfire, and of LiveKit about an answer of a realtime model. */
const RAW = ['gen_ai.usage.raw', 'lk.realtime_model_metrics'];

/** Keys without which a span has no part in its attributes. */
export const PART_KEYS: readonly string[] = [...Object.values(ATTRIBUTES).flat(), ...RAW];

/** To a call whose tokens are known; parts that its dialect found elsewhere stay. */
export function addTokenParts(reading: Reading, attributes: OtlpAttributes): void {
  if (reading.tokens === undefined) return;
  const raw = rawUsage(attributes);
  const webSearches = webSearchesOf(raw);
  if (webSearches !== undefined) reading.tokens = { webSearches, ...reading.tokens };
  const parts = raw === undefined ? undefined : (partsOfAnthropic(raw) ?? partsOfOpenAi(raw));
  const own = partsAt(attributes);
  if (parts === undefined && own === undefined) return;
  reading.tokens = { ...reading.tokens, parts: { ...parts, ...own, ...reading.tokens.parts } };
}

function partsAt(attributes: OtlpAttributes): TokenParts | undefined {
  let counts: { [Part in TokenPart]?: number } | undefined;
  for (const part of TOKEN_PARTS) {
    const count = firstNumber(attributes, ATTRIBUTES[part]);
    if (count === undefined || count === 0) continue;
    counts ??= {};
    counts[part] = count;
  }
  return counts === undefined ? undefined : tokenParts(counts);
}

function rawUsage(attributes: OtlpAttributes): JsonRecord | undefined {
  for (const key of RAW) if (attributes.has(key)) return recordAt(attributes, key);
  return undefined;
}

/** Of a usage in the words of Anthropic's API. */
export function partsOfAnthropic(usage: JsonRecord | undefined): TokenParts | undefined {
  const written = recordOf(usage, 'cache_creation');
  return written === undefined
    ? undefined
    : tokenParts({ cache_write_1h: numberAt(written, 'ephemeral_1h_input_tokens') });
}

/** The same inside a raw response that nobody parses. */
export function oneHourWritesIn(raw: string | undefined): number | undefined {
  return countInText(raw, '"ephemeral_1h_input_tokens":');
}

/** Of a usage in the words of OpenAI's APIs: chat, responses, realtime; and LiteLLM's, which has others' in these. */
export function partsOfOpenAi(usage: JsonRecord | undefined): TokenParts | undefined {
  const [input, output] = [INPUT_DETAILS, OUTPUT_DETAILS].map((keys) => {
    const key = keys.find((each) => isRecord(usage?.[each]));
    return key === undefined ? undefined : recordOf(usage, key);
  });
  if (input === undefined && output === undefined) return undefined;
  const cached = recordOf(input, 'cached_tokens_details');
  return tokenParts({
    cache_write_1h: numberAt(recordOf(input, 'cache_creation_token_details'), 'ephemeral_1h_input_tokens'),
    input_audio: numberAt(input, 'audio_tokens'),
    cache_audio_read: numberAt(cached, 'audio_tokens'),
    output_audio: numberAt(output, 'audio_tokens'),
    input_image: numberAt(input, 'image_tokens'),
    cache_image_read: numberAt(cached, 'image_tokens'),
    output_image: numberAt(output, 'image_tokens'),
    input_video: numberAt(input, 'video_tokens'),
  });
}

const INPUT_DETAILS = ['prompt_tokens_details', 'input_tokens_details', 'input_token_details'];
const OUTPUT_DETAILS = ['completion_tokens_details', 'output_tokens_details', 'output_token_details'];

/** Of a usage in the words of Gemini's API, in JavaScript's spelling or Python's. A page of a document is an image. */
export function partsOfGemini(usage: JsonRecord | undefined): TokenParts | undefined {
  const input = byModality(usage?.['promptTokensDetails'] ?? usage?.['prompt_tokens_details']);
  const output = byModality(
    usage?.['candidatesTokensDetails'] ?? usage?.['candidates_tokens_details'] ?? usage?.['responseTokensDetails'],
  );
  if (input === undefined && output === undefined) return undefined;
  const cached = byModality(usage?.['cacheTokensDetails'] ?? usage?.['cache_tokens_details']);
  return tokenParts({
    input_audio: input?.get('AUDIO'),
    cache_audio_read: cached?.get('AUDIO'),
    output_audio: output?.get('AUDIO'),
    input_image: input?.get('IMAGE'),
    cache_image_read: cached?.get('IMAGE'),
    output_image: output?.get('IMAGE'),
    input_video: input?.get('VIDEO'),
    output_video: output?.get('VIDEO'),
  });
}

function byModality(details: Json | undefined): ReadonlyMap<string, number> | undefined {
  if (!isArray(details)) return undefined;
  const counts = new Map<string, number>();
  for (const detail of details.filter(isRecord)) {
    const named = stringAt(detail, 'modality')?.toUpperCase() ?? '';
    const modality = named === 'DOCUMENT' ? 'IMAGE' : named;
    counts.set(modality, (counts.get(modality) ?? 0) + (numberAt(detail, 'tokenCount', 'token_count') ?? 0));
  }
  return counts;
}
