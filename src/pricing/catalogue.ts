/**
 * Public prices from `@pydantic/genai-prices`, valid at the time of the call. Looking a model up in
 * the library takes about 80 µs, so what was found is remembered per model.
 */

import { calcPrice, type ModelInfo, type ModelPrice, type Provider, type Usage } from '@pydantic/genai-prices';
import { readFileSync } from 'node:fs';
import { TOKEN_PARTS } from '../contract/invocation.ts';
import type { CallPrice, PricedCall } from '../contract/invocation-log.ts';
import { GenerationalCache } from '../lib/generational-cache.ts';
import { decimalUsd, linearCost, partPrices, pricedTokens, type LinearPrice, type PricedTokens } from './tokens.ts';

/** What the semantic conventions and emitters call a provider, where the library has another word. */
const PROVIDER_WORDS: Readonly<Record<string, string>> = {
  'aws.bedrock': 'aws',
  'amazon-bedrock': 'aws',
  'az.ai.inference': 'azure',
  'azure.ai.inference': 'azure',
  'az.ai.openai': 'azure',
  'azure.ai.openai': 'azure',
  'azure.ai.foundry': 'azure',
  'microsoft.foundry': 'azure',
  'az.ai.agents': 'azure',
  'gcp.gemini': 'google',
  'gcp.gen_ai': 'google',
  'gcp.vertex_ai': 'google',
  vertex_ai: 'google',
  gemini: 'google',
  mistral_ai: 'mistral',
  mistralai: 'mistral',
  x_ai: 'x-ai',
  xai: 'x-ai',
  togetherai: 'together',
};

/** Whose model it is, as gateways, LiteLLM and any-agent write before its name: `openai/gpt-4o`, `openai:gpt-4o`. */
const VENDORS: ReadonlyMap<string, string> = new Map([
  ['openai', 'openai'],
  ['azure', 'azure'],
  ['anthropic', 'anthropic'],
  ['bedrock', 'aws'],
  ['google', 'google'],
  ['gemini', 'google'],
  ['vertex_ai', 'google'],
  ['xai', 'x-ai'],
  ['x-ai', 'x-ai'],
]);
/** Anybody may serve these, under the same name. */
const OPEN_WEIGHTS = /^(?:gpt-oss|gemma)/;

/**
 * Models that only their owner sells by these names. With OpenAI's client they are asked at an endpoint that speaks
 * as OpenAI's does, of the owner or of a gateway; instrumentations of the client know of none but OpenAI.
 */
const OWNERS = [
  [/^claude-/, 'anthropic'],
  [/^gemini-/, 'google'],
  [/^grok-/, 'x-ai'],
  [/^deepseek-(?:chat|reasoner)$/, 'deepseek'],
  [/^sonar(?:-|$)/, 'perplexity'],
] as const;

/** Google's resource names: `models/gemini-2.5-pro`, `projects/…/publishers/google/models/gemini-2.5-pro`. */
const GOOGLE_RESOURCE = /^(?:projects\/[^/]+\/locations\/[^/]+\/)?(?:publishers\/[^/]+\/)?models\//;
/** Bedrock's ids and ARNs, whoever is said to serve them: SDKs of vendors name themselves as the provider. */
const BEDROCK_ID =
  /^(?:arn:aws[a-z-]*:bedrock:|(?:(?:us|us-gov|eu|apac|jp|au|ca|sa|global)\.)?(?:ai21|amazon|anthropic|cohere|deepseek|meta|mistral|openai|qwen|writer)\.)/;

interface Found {
  readonly id: string;
  /** A provider with this one model, so that the library need not search. */
  readonly provider: Provider;
  /** The price, where it does not depend on the time or the amount. */
  readonly linear: LinearPrice | null;
  readonly needsOutput: boolean;
}

const REMEMBERED_MODELS_MAX = 5_000;
const PROBE: Usage = { input_tokens: 1, output_tokens: 1 };

export class PriceCatalogue {
  readonly #found = new GenerationalCache<string, Found | 'none'>(REMEMBERED_MODELS_MAX);
  readonly #release = libraryRelease();

  /**
   * The answered model's price, else that of the one asked for; null when neither is known. Of Bedrock only the
   * one asked for says whose price it is: the answer has the vendor's own name.
   */
  price(call: PricedCall): CallPrice | null {
    const { requestModel: asked, responseModel: answered } = call;
    for (const model of BEDROCK_ID.test(asked) ? [asked, answered] : [answered, asked]) {
      if (model === '') continue;
      const found = this.#find(call.provider, model);
      if (found !== 'none') return this.#priceOf(found, call);
    }
    return null;
  }

  #priceOf(found: Found, call: PricedCall): CallPrice | null {
    const tokens = pricedTokens(call.tokens, found.needsOutput);
    if (tokens === null) return null;
    if (found.linear !== null) return { costUsd: decimalUsd(linearCost(found.linear, tokens)), priceId: found.id };
    const timestamp = new Date(call.startedAt);
    const [model] = found.provider.models as [ModelInfo];
    const priced = (usage: Usage) => calculate(usage, model.id, { provider: found.provider, timestamp });
    // Parts that the library finds inconsistent are no reason to leave the call unpriced.
    const result = priced(usageOf(tokens)) ?? (tokens.parts === null ? null : priced(wholeUsageOf(tokens)));
    if (result === null || !isByTokens(result.model_price)) return null;
    return { costUsd: decimalUsd(result.total_price), priceId: found.id + conditionOf(model, result.model_price) };
  }

  #find(provider: string, model: string): Found | 'none' {
    const key = `${provider}\u0000${model}`;
    const known = this.#found.get(key, 1);
    if (known !== undefined) return known;
    const found = this.#search(provider, model);
    this.#found.set(key, found, 1);
    return found;
  }

  #search(provider: string, named: string): Found | 'none' {
    const word = PROVIDER_WORDS[provider.toLowerCase()] ?? provider;
    const model = named.replace(GOOGLE_RESOURCE, '');
    const result =
      calculate(PROBE, model, word === '' ? {} : { providerId: word.toLowerCase() }) ??
      ofVendor(model) ??
      (word === 'openai' ? ofOwner(model) : null) ??
      (word === 'aws' && model.startsWith('claude-')
        ? calculate(PROBE, `anthropic.${model}`, { providerId: 'aws' })
        : null) ??
      (BEDROCK_ID.test(model) ? calculate(PROBE, model, { providerId: 'aws' }) : null);
    // Its own API serves no open weights: what has their name there is somebody's server that speaks as it does.
    if (result === null || (result.provider.id === 'openai' && OPEN_WEIGHTS.test(model))) return 'none';
    const id = `genai-prices@${this.#release}:${result.provider.id}/${result.model.id}`;
    // The name is no longer looked at: the model was found.
    const only = { ...result.model, match: { equals: result.model.id.toLowerCase() } };
    const { fallback_model_providers: _fallback, ...own } = result.provider;
    return {
      id,
      provider: { ...own, models: [only] },
      linear: linearOf(result.model.prices),
      needsOutput: 'output_mtok' in result.model_price,
    };
  }
}

/** The vendor's own price, which is also what is paid through those who write its name before the model's. */
function ofVendor(model: string): ReturnType<typeof calcPrice> {
  const end = model.search(/[/:]/);
  const providerId = VENDORS.get(model.slice(0, Math.max(end, 0)).toLowerCase());
  const name = model.slice(end + 1);
  return providerId === undefined || OPEN_WEIGHTS.test(name) ? null : calculate(PROBE, name, { providerId });
}

function ofOwner(model: string): ReturnType<typeof calcPrice> {
  const owner = OWNERS.find(([names]) => names.test(model))?.[1];
  return owner === undefined ? null : calculate(PROBE, model, { providerId: owner });
}

/** The library throws for usage that it finds inconsistent; that is not priced, too. */
function calculate(
  usage: Usage,
  model: string,
  options: Parameters<typeof calcPrice>[2],
): ReturnType<typeof calcPrice> {
  try {
    return calcPrice(usage, model, options);
  } catch {
    return null;
  }
}

function wholeUsageOf(tokens: PricedTokens): Usage {
  return {
    input_tokens: tokens.input,
    output_tokens: tokens.output,
    cache_read_tokens: tokens.cacheRead,
    cache_write_tokens: tokens.cacheWrite,
    web_searches: tokens.webSearches,
  };
}

function usageOf(tokens: PricedTokens): Usage {
  const usage = wholeUsageOf(tokens);
  usage['output_reasoning_tokens'] = tokens.reasoning;
  if (tokens.parts !== null) for (const part of TOKEN_PARTS) usage[`${part}_tokens`] = tokens.parts[part] ?? 0;
  return usage;
}

/** False for prices by the hour of sound, page or character, which nobody reports; true for what is free. */
function isByTokens(price: ModelPrice): boolean {
  return 'input_mtok' in price || Object.keys(price).length === 0;
}

/** Null for prices with tiers, with conditions, or of other things than input, output and their parts. */
function linearOf(prices: ModelInfo['prices']): LinearPrice | null {
  if (Array.isArray(prices) || 'requests_kcount' in prices || 'output_reasoning_mtok' in prices) return null;
  const { input_mtok: input, output_mtok: output } = prices;
  if (typeof input !== 'number') return null;
  const cacheRead = prices['cache_read_mtok'] ?? input;
  const cacheWrite = prices['cache_write_mtok'] ?? input;
  if (typeof cacheRead !== 'number' || typeof cacheWrite !== 'number') return null;
  if (output !== undefined && typeof output !== 'number') return null;
  const webSearches = prices['web_searches_kcount'] ?? 0;
  if (typeof webSearches !== 'number') return null;
  const ofParts = TOKEN_PARTS.map((part) => prices[`${part}_mtok`]);
  if (ofParts.some((price) => typeof price === 'object')) return null;
  const parts = partPrices((part) => prices[`${part}_mtok`] as number | undefined, 'cache_read_mtok' in prices);
  return { input, output: output ?? 0, cacheRead, cacheWrite, webSearches, parts };
}

/** Which of several prices was valid: `#2026-01-15`, or `#00:30:00Z` for prices by the time of day. */
function conditionOf(model: ModelInfo, price: ModelPrice): string {
  if (!Array.isArray(model.prices)) return '';
  const constraint = model.prices.find((conditional) => conditional.prices === price)?.constraint;
  if (constraint === undefined) return '#first';
  return constraint.type === 'start_date' ? `#${constraint.start_date}` : `#${constraint.start_time}`;
}

/** Part of a price's identity: the library's data changes with its release. */
function libraryRelease(): string {
  const entry = import.meta.resolve('@pydantic/genai-prices');
  const manifest = JSON.parse(readFileSync(new URL('../package.json', entry), 'utf8')) as { version: string };
  return manifest.version;
}
