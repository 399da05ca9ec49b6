import { calcPrice } from '@pydantic/genai-prices';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PricedCall } from '../../src/contract/invocation-log.ts';
import type { Timestamp } from '../../src/contract/time.ts';
import { createPriceBook } from '../../src/pricing/price-book.ts';

const AT = '2026-03-01T12:00:00.000000000Z' as Timestamp;

function call(over: Partial<PricedCall> = {}): PricedCall {
  return {
    provider: 'openai',
    requestModel: 'gpt-4o',
    responseModel: 'gpt-4o-2024-08-06',
    serviceTier: '',
    startedAt: AT,
    tokens: { input: 42, output: 17, cacheRead: 16, cacheWrite: null, reasoning: 5 },
    reportedCostUsd: null,
    ...over,
  };
}

const price = createPriceBook([]);

describe('the price book', () => {
  it('counts cached input once, at its own price, and reasoning not again', () => {
    // (26 × 2.5 + 16 × 1.25 + 17 × 10) / 1,000,000
    expect(price(call())?.costUsd).toBe('0.0002550000');
  });

  it.each([
    ['openai', 'gpt-4o'],
    ['anthropic', 'claude-sonnet-4-20250514'],
    ['gcp.gemini', 'gemini-2.5-pro'],
    ['azure.ai.foundry', 'gpt-4o'],
    ['deepseek', 'deepseek-chat'],
    ['openai', 'text-embedding-3-small'],
    ['aws.bedrock', 'anthropic.claude-3-5-sonnet-20240620-v1:0'],
    ['groq', 'llama-3.3-70b-versatile'],
  ])('agrees with the library for %s %s, at any time and for any usage', (provider, model) => {
    const tokens = fc.nat({ max: 400_000 });
    fc.assert(
      fc.property(
        tokens,
        tokens,
        tokens,
        fc.date({ min: new Date('2024-06-01'), max: new Date('2026-11-01'), noInvalidDate: true }),
        (input, output, cached, date) => {
          const cacheRead = Math.min(cached, input);
          const ours = price(
            call({
              provider,
              requestModel: model,
              responseModel: model,
              startedAt: `${date.toISOString().slice(0, 23)}000000Z` as Timestamp,
              tokens: { input, output, cacheRead, cacheWrite: 0, reasoning: null },
            }),
          );
          const usage = {
            input_tokens: input,
            output_tokens: output,
            cache_read_tokens: cacheRead,
            cache_write_tokens: 0,
          };
          const words: Record<string, string> = {
            'gcp.gemini': 'google',
            'aws.bedrock': 'aws',
            'azure.ai.foundry': 'azure',
          };
          const theirs = calcPrice(usage, model, { providerId: words[provider] ?? provider, timestamp: date });
          expect(theirs).not.toBeNull();
          expect(Number(ours?.costUsd)).toBeCloseTo(theirs?.total_price ?? -1, 9);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('names the price that was used, with its release and when it began', () => {
    expect(price(call())?.priceId).toMatch(/^genai-prices@\d+\.\d+\.\d+:openai\/gpt-4o$/);
    const deepseek = (startedAt: string) =>
      price(
        call({
          provider: 'deepseek',
          requestModel: 'deepseek-chat',
          responseModel: '',
          startedAt: startedAt as Timestamp,
        }),
      );
    const [day, night] = [deepseek('2026-03-01T12:00:00.000000000Z'), deepseek('2026-03-01T18:00:00.000000000Z')];
    expect(day?.priceId).not.toBe(night?.priceId);
    expect(Number(day?.costUsd)).toBeGreaterThan(Number(night?.costUsd));
  });

  it.each([
    ['an unknown model', { requestModel: 'my-model', responseModel: '' }],
    [
      'no tokens reported',
      { tokens: { input: null, output: null, cacheRead: null, cacheWrite: null, reasoning: null } },
    ],
    ['no output reported', { tokens: { input: 5, output: null, cacheRead: null, cacheWrite: null, reasoning: null } }],
    ['a reported cost of zero', { requestModel: 'my-model', responseModel: '', reportedCostUsd: '0' }],
    ['no model', { requestModel: '', responseModel: '' }],
  ])('does not price %s, which is not zero', (_name, over) => {
    expect(price(call(over))).toBeNull();
  });

  it.each([
    ['', 'openai/gpt-4o', '0.0002550000'],
    ['gateway', 'openai/gpt-4o', '0.0002550000'],
    ['', 'openai:gpt-4o', '0.0002550000'],
    ['openai', 'anthropic/claude-sonnet-4.5', '0.0003378000'],
    ['litellm', 'vertex_ai/gemini-2.5-pro', '0.0002045000'],
  ])('prices a model with its vendor before its name, from %j: %s', (provider, model, usd) => {
    expect(price(call({ provider, requestModel: model, responseModel: '' }))?.costUsd).toBe(usd);
  });

  it.each([
    ['claude-sonnet-4-5', 'anthropic/claude-sonnet-4-5'],
    ['gemini-2.5-flash', 'google/gemini-2.5-flash'],
    ['grok-4', 'x-ai/grok-4-0709'],
    ['deepseek-chat', 'deepseek/deepseek-chat'],
  ])("prices %s as its owner does where OpenAI's client asked for it", (model, priceId) => {
    expect(price(call({ requestModel: model, responseModel: '' }))?.priceId).toContain(`:${priceId}`);
    expect(price(call({ provider: 'vllm', requestModel: model, responseModel: '' }))).toBeNull();
  });

  it("prices Bedrock's Claude by the name that it answers with, too", () => {
    const named = (requestModel: string) => price(call({ provider: 'aws.bedrock', requestModel, responseModel: '' }));
    expect(named('claude-sonnet-4-5-20250929')).toEqual(named('anthropic.claude-sonnet-4-5-20250929-v1:0'));
    expect(named('claude-sonnet-4-5-20250929')).not.toBeNull();
  });

  it.each(['openai/gpt-oss-120b', 'google/gemma-3-27b-it', 'mistralai/Mistral-7B-Instruct-v0.3', '/gpt-4o', 'openai/'])(
    'does not price what anybody may serve, or nobody: %s',
    (model) => {
      expect(price(call({ provider: 'vllm', requestModel: model, responseModel: '' }))).toBeNull();
    },
  );

  it.each(['models/', 'publishers/google/models/', 'projects/p/locations/us-central1/publishers/google/models/'])(
    "prices Google's models by the names of their resources, too: %s",
    (resource) => {
      for (const [provider, model] of [
        ['gcp.gemini', 'gemini-2.5-flash'],
        ['gcp.vertex_ai', 'gemini-2.5-pro'],
        ['', 'gemini-2.5-pro'],
      ] as const) {
        const plain = price(call({ provider, requestModel: model, responseModel: '' }));
        expect(plain).not.toBeNull();
        expect(price(call({ provider, requestModel: resource + model, responseModel: '' }))).toEqual(plain);
      }
    },
  );

  it("has what is asked of Bedrock cost Bedrock's price, whoever the SDK says it is, and whatever the answer calls itself", () => {
    const requestModel = 'us.anthropic.claude-sonnet-4-5-20250929-v1:0';
    const bedrock = price(call({ provider: 'aws.bedrock', requestModel, responseModel: '' }));
    // A tenth more than Anthropic's: (26 × 3.3 + 16 × 0.33 + 17 × 16.5) / 1,000,000
    expect(bedrock?.costUsd).toBe('0.0003715800');
    for (const provider of ['', 'anthropic', 'aws.bedrock']) {
      for (const responseModel of ['', 'claude-sonnet-4-5-20250929']) {
        expect(price(call({ provider, requestModel, responseModel }))).toEqual(bedrock);
      }
    }
    const arn = `arn:aws:bedrock:us-east-1:123456789012:inference-profile/${requestModel}`;
    expect(price(call({ provider: '', requestModel: arn, responseModel: '' }))).toEqual(bedrock);
  });

  it.each([
    ['openai', 'whisper-1'],
    ['groq', 'whisper-large-v3'],
    ['mistral_ai', 'mistral-ocr-2512'],
    ['x_ai', 'grok-voice-latest'],
  ])('does not take for free what costs by the hour, page or message: %s %s', (provider, model) => {
    const of = { provider, requestModel: model, responseModel: '' };
    expect(price(call(of))).toBeNull();
    expect(price(call({ ...of, reportedCostUsd: '0.006' }))).toEqual({ costUsd: '0.0060000000', priceId: 'reported' });
  });

  it('has what is free cost nothing, unless the emitter paid for it', () => {
    const free = { provider: 'openrouter', requestModel: 'qwen/qwen3-coder:free', responseModel: '' };
    expect(price(call(free))?.costUsd).toBe('0.0000000000');
    expect(price(call({ ...free, reportedCostUsd: '0.01' }))).toMatchObject({ costUsd: '0.0100000000' });
    const own = createPriceBook([{ model: 'own', input_usd_per_million: 0, output_usd_per_million: 0 }]);
    expect(own(call({ requestModel: 'own', responseModel: '', reportedCostUsd: '0.01' }))?.costUsd).toBe(
      '0.0000000000',
    );
  });

  it('does not price open weights as OpenAI, which serves none: a server speaks as its API does', () => {
    expect(price(call({ requestModel: 'gpt-oss-120b', responseModel: '' }))).toBeNull();
    expect(price(call({ provider: 'groq', requestModel: 'openai/gpt-oss-120b', responseModel: '' }))).not.toBeNull();
  });

  it("has reasoning and the request cost their own prices where a model has them: Perplexity's", () => {
    const tokens = { input: 19, output: 95_803, cacheRead: null, cacheWrite: null, reasoning: 95_305 };
    const sonar = { provider: 'perplexity', responseModel: '', tokens };
    // (19 × 2 + 498 × 8 + 95,305 × 3) / 1,000,000
    expect(price(call({ ...sonar, requestModel: 'sonar-deep-research' }))?.costUsd).toBe('0.2899370000');
    // (19 × 3 + 95,803 × 15) / 1,000,000 and 14 for a thousand requests
    expect(price(call({ ...sonar, requestModel: 'sonar-pro' }))?.costUsd).toBe('1.4511020000');
    const more = { ...tokens, reasoning: 100_000 };
    // Never more than the whole: (19 × 2 + 95,803 × 3) / 1,000,000
    expect(price(call({ ...sonar, tokens: more, requestModel: 'sonar-deep-research' }))?.costUsd).toBe('0.2874470000');
  });

  it('prices an embedding, which has no output', () => {
    const tokens = { input: 1_000_000, output: null, cacheRead: null, cacheWrite: null, reasoning: null };
    expect(price(call({ requestModel: 'text-embedding-3-small', responseModel: '', tokens }))?.costUsd).toBe(
      '0.0200000000',
    );
  });

  it('believes the emitter only where it knows no price', () => {
    expect(price(call({ requestModel: 'my-model', responseModel: '', reportedCostUsd: '0.0123' }))).toEqual({
      costUsd: '0.0123000000',
      priceId: 'reported',
    });
    expect(price(call({ reportedCostUsd: '9' }))?.priceId).toContain('genai-prices');
  });

  it('lets a configured price win, also for private models and by prefix', () => {
    const book = createPriceBook([
      { model: 'gpt-4o', provider: 'azure', input_usd_per_million: 1, output_usd_per_million: 1 },
      { model: 'acme-*', input_usd_per_million: 2, output_usd_per_million: 4, cache_read_usd_per_million: 1 },
    ]);
    const acme = book(call({ requestModel: 'acme-large', responseModel: '' }));
    // (26 × 2 + 16 × 1 + 17 × 4) / 1,000,000
    expect(acme).toEqual({
      costUsd: '0.0001360000',
      priceId: expect.stringMatching(/^configured:acme-\*#[0-9a-f]{8}$/),
    });
    expect(book(call())?.priceId).toContain('genai-prices');
    expect(book(call({ provider: 'azure' }))?.priceId).toContain('configured:gpt-4o');
  });

  it('does not price absurd counts, which no store could hold', () => {
    const tokens = { input: 1e15, output: 1e15, cacheRead: null, cacheWrite: null, reasoning: null };
    expect(price(call({ tokens }))).toBeNull();
  });

  it.each(['flex', 'priority', 'batch', 'scale', 'performance'])(
    'knows no public price of the tier %s',
    (serviceTier) => {
      expect(price(call({ serviceTier }))).toBeNull();
      expect(price(call({ serviceTier, reportedCostUsd: '0.25' }))).toEqual({
        costUsd: '0.2500000000',
        priceId: 'reported',
      });
    },
  );

  it.each(['default', 'standard', 'auto', 'on_demand'])('has the ordinary price for the tier %s', (serviceTier) => {
    expect(price(call({ serviceTier }))).toEqual(price(call()));
  });

  it('lets a configured price name a tier, by amounts or by how many times the public one it is', () => {
    const book = createPriceBook([
      { model: 'gpt-4o', service_tier: 'priority', input_usd_per_million: 4.25, output_usd_per_million: 17 },
      { model: '*', service_tier: 'flex', public_price_times: 0.5 },
      { model: 'acme-*', input_usd_per_million: 1, output_usd_per_million: 1 },
    ]);
    // (42 × 4.25 + 17 × 17) / 1,000,000
    expect(book(call({ serviceTier: 'priority' }))?.costUsd).toBe('0.0004675000');
    const flex = book(call({ serviceTier: 'flex' }));
    expect(flex?.costUsd).toBe('0.0001275000');
    expect(flex?.priceId).toMatch(/^genai-prices@.*openai\/gpt-4o\*0\.5$/);
    expect(book(call())).toEqual(price(call()));
    expect(book(call({ requestModel: 'gpt-5', responseModel: '', serviceTier: 'priority' }))).toBeNull();
    // What the list has for nothing was paid for if the emitter says so.
    const free = { provider: 'openrouter', requestModel: 'qwen/qwen3-coder:free', responseModel: '' };
    expect(book(call({ ...free, serviceTier: 'flex', reportedCostUsd: '0.01' }))?.costUsd).toBe('0.0100000000');
    // A price without a tier is the ordinary one.
    const acme = { provider: 'acme', requestModel: 'acme-large', responseModel: '' };
    expect(book(call(acme))?.costUsd).toBe('0.0000590000');
    expect(book(call({ ...acme, serviceTier: 'priority' }))).toBeNull();
  });

  it('lets a configured price hold from a day to a day', () => {
    const amounts = (usd: number) => ({ model: 'gpt-4o', input_usd_per_million: usd, output_usd_per_million: usd });
    const book = createPriceBook([
      { ...amounts(2), valid_from: '2026-03-01', valid_to: '2026-03-15T06:00:00+02:00' },
      { ...amounts(1), valid_to: '2026-03-01' },
    ]);
    const costAt = (startedAt: string) => book(call({ startedAt: startedAt as Timestamp }))?.costUsd;
    expect(costAt('2026-02-28T23:59:59.999999999Z')).toBe('0.0000590000');
    expect(costAt('2026-03-01T00:00:00.000000000Z')).toBe('0.0001180000');
    expect(costAt('2026-03-15T03:59:59.999999999Z')).toBe('0.0001180000');
    // The public one.
    expect(costAt('2026-03-15T04:00:00.000000000Z')).toBe('0.0002550000');
  });

  it('gives a corrected price another name', () => {
    const of = (input: number) =>
      createPriceBook([{ model: 'gpt-4o', input_usd_per_million: input, output_usd_per_million: 1 }]);
    expect(of(1)(call())?.priceId).not.toBe(of(2)(call())?.priceId);
  });
});
