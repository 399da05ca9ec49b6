/** Tokens with prices of their own cost what the library's price lists say, and never make a call unpriced. */

import { calcPrice } from '@pydantic/genai-prices';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TOKEN_PARTS, type TokenUsage } from '../../src/contract/invocation.ts';
import type { Timestamp } from '../../src/contract/time.ts';
import { createPriceBook, type ConfiguredPrice } from '../../src/pricing/price-book.ts';

const AT = '2026-10-01T12:00:00.000000000Z' as Timestamp;

function costOf(
  provider: string,
  model: string,
  tokens: Partial<TokenUsage>,
  configured: readonly ConfiguredPrice[] = [],
) {
  const none = { input: null, output: null, cacheRead: null, cacheWrite: null, reasoning: null };
  const price = createPriceBook(configured)({
    provider,
    requestModel: model,
    responseModel: '',
    serviceTier: '',
    startedAt: AT,
    tokens: { ...none, ...tokens },
    reportedCostUsd: null,
  });
  return price?.costUsd;
}

describe('the public prices of parts', () => {
  const haiku = { input: 1_000, output: 50, cacheRead: 200, cacheWrite: 300 };

  it('has what a cache keeps for an hour cost twice the input at Anthropic', () => {
    // (500 × 1 + 200 × 0.1 + 300 × 1.25 + 50 × 5) / 1,000,000
    expect(costOf('anthropic', 'claude-haiku-4-5', haiku)).toBe('0.0011450000');
    // (500 × 1 + 200 × 0.1 + 200 × 1.25 + 100 × 2 + 50 × 5) / 1,000,000
    expect(costOf('anthropic', 'claude-haiku-4-5', { ...haiku, parts: { cache_write_1h: 100 } })).toBe('0.0012200000');
    // The same where prices have tiers: (500 × 3 + 200 × 0.3 + 300 × 6 + 50 × 15) / 1,000,000
    expect(costOf('anthropic', 'claude-sonnet-4-5', { ...haiku, parts: { cache_write_1h: 300 } })).toBe('0.0041100000');
  });

  it("has audio cost what audio costs in OpenAI's realtime models", () => {
    const tokens = { input: 1_000, output: 300, cacheRead: 600 };
    const parts = { input_audio: 800, cache_audio_read: 450, output_audio: 250 };
    // Fresh: 50 text, 350 audio; cached: 150 text, 450 audio; answered: 50 text, 250 audio.
    // (50 × 4 + 350 × 32 + 150 × 0.4 + 450 × 0.4 + 50 × 16 + 250 × 64) / 1,000,000
    expect(costOf('openai', 'gpt-realtime', { ...tokens, parts })).toBe('0.0284400000');
    // As text, as it was: a tenth.
    expect(costOf('openai', 'gpt-realtime', tokens)).toBe('0.0066400000');
  });

  it('has cached audio cost what audio costs where a model has no price for what is cached', () => {
    const parts = { input_audio: 100, cache_audio_read: 60 };
    // (10 × 2.5 + 100 × 32) / 1,000,000
    expect(costOf('openai', 'gpt-audio', { input: 110, output: 0, cacheRead: 60, parts })).toBe('0.0032250000');
  });

  it('has searches of the web cost ten dollars a thousand at Anthropic and OpenAI, with tiers and without', () => {
    const tokens = { input: 100, output: 10, webSearches: 3 };
    // (100 × 1 + 10 × 5) / 1,000,000 and 3 × 0.01
    expect(costOf('anthropic', 'claude-haiku-4-5', tokens)).toBe('0.0301500000');
    // (100 × 3 + 10 × 15) / 1,000,000
    expect(costOf('anthropic', 'claude-sonnet-4-5', tokens)).toBe('0.0304500000');
    // (100 × 2 + 10 × 8) / 1,000,000
    expect(costOf('openai', 'gpt-4.1', tokens)).toBe('0.0302800000');
    // Whose price has none, for that they cost nothing more.
    expect(costOf('aws', 'amazon.nova-pro-v1:0', tokens)).toBe(
      costOf('aws', 'amazon.nova-pro-v1:0', { ...tokens, webSearches: 0 }),
    );
    const own = { model: 'own', input_usd_per_million: 1, output_usd_per_million: 2 };
    expect(costOf('x', 'own', tokens, [own])).toBe('0.0001200000');
    expect(costOf('x', 'own', tokens, [{ ...own, web_searches_usd_per_thousand: 5 }])).toBe('0.0151200000');
  });

  const MODELS = [
    ['anthropic', 'claude-haiku-4-5'],
    ['anthropic', 'claude-sonnet-4-5'],
    ['anthropic', 'claude-opus-4-6'],
    ['aws', 'amazon.nova-sonic-v1:0'],
    ['google', 'gemini-2.5-flash'],
    ['google', 'gemini-2.5-flash-image'],
    ['google', 'gemini-3.1-flash-live-preview'],
    ['google', 'gemini-omni-flash-preview'],
    ['openai', 'gpt-4o'],
    ['openai', 'gpt-audio'],
    ['openai', 'gpt-image-1.5'],
    ['openai', 'gpt-realtime-mini'],
  ] as const;

  it.each(MODELS)('agree with the library for %s %s and any consistent usage', (provider, model) => {
    const count = fc.nat({ max: 150_000 });
    const cells = fc.record({
      text: count,
      cached: count,
      written: count,
      writtenForAnHour: count,
      audio: count,
      cachedAudio: count,
      image: count,
      cachedImage: count,
      video: count,
      outText: count,
      outAudio: count,
      outImage: count,
      outVideo: count,
    });
    fc.assert(
      fc.property(cells, (of) => {
        const cacheRead = of.cached + of.cachedAudio + of.cachedImage;
        const cacheWrite = of.written + of.writtenForAnHour;
        const input = of.text + cacheRead + cacheWrite + of.audio + of.image + of.video;
        const output = of.outText + of.outAudio + of.outImage + of.outVideo;
        const parts = {
          cache_write_1h: of.writtenForAnHour,
          input_audio: of.audio + of.cachedAudio,
          cache_audio_read: of.cachedAudio,
          output_audio: of.outAudio,
          input_image: of.image + of.cachedImage,
          cache_image_read: of.cachedImage,
          output_image: of.outImage,
          input_video: of.video,
          output_video: of.outVideo,
        };
        const usage: Record<string, number> = {
          input_tokens: input,
          output_tokens: output,
          cache_read_tokens: cacheRead,
          cache_write_tokens: cacheWrite,
        };
        for (const part of TOKEN_PARTS) usage[`${part}_tokens`] = parts[part];
        const theirs = calcPrice(usage, model, { providerId: provider, timestamp: new Date(AT) });
        expect(theirs).not.toBeNull();
        const ours = costOf(provider, model, { input, output, cacheRead, cacheWrite, parts });
        expect(Number(ours)).toBeCloseTo(theirs?.total_price ?? -1, 8);
      }),
      { numRuns: 50 },
    );
  });

  it.each(MODELS)(
    'leave no call of %s %s unpriced, whatever parts are reported, and never below nothing',
    (...named) => {
      const count = fc.option(fc.nat({ max: 50 }), { nil: undefined });
      const parts = fc.record(Object.fromEntries(TOKEN_PARTS.map((part) => [part, count])));
      const whole = fc.record({
        input: fc.nat({ max: 40 }),
        output: fc.nat({ max: 40 }),
        cacheRead: fc.nat({ max: 40 }),
        cacheWrite: fc.nat({ max: 40 }),
      });
      fc.assert(
        fc.property(whole, parts, (tokens, reported) => {
          const cost = costOf(...named, { ...tokens, parts: reported });
          expect(Number(cost)).toBeGreaterThanOrEqual(0);
          const dearest = 130 * (Math.max(tokens.input, tokens.cacheRead + tokens.cacheWrite) + tokens.output);
          expect(Number(cost)).toBeLessThanOrEqual(dearest / 1_000_000);
        }),
        { numRuns: 200 },
      );
    },
  );

  it('take no more of a part than there is of the whole, and of what was cached no more than was', () => {
    const realtime = (tokens: Partial<TokenUsage>) => costOf('openai', 'gpt-realtime', { output: 0, ...tokens });
    // All 40 are audio.
    expect(realtime({ input: 40, parts: { input_audio: 100 } })).toBe('0.0012800000');
    // 30 of 40 were cached, so 30 of the audio must have been: (10 × 32 + 30 × 0.4) / 1,000,000
    expect(realtime({ input: 40, cacheRead: 30, parts: { input_audio: 40 } })).toBe('0.0003320000');
    // Nothing was cached: 40 × 32 / 1,000,000
    expect(realtime({ input: 40, parts: { input_audio: 40, cache_audio_read: 30 } })).toBe('0.0012800000');
    expect(realtime({ input: 40, output: 10, parts: { output_audio: 900 } })).toBe('0.0008000000');
  });

  it('know every part that the library has a price for, but what is reasoning or cited', () => {
    const keys = new Set<string>();
    for (const [provider, model] of [...MODELS, ['perplexity', 'sonar'], ['openrouter', 'openai/gpt-4o']] as const) {
      for (const { prices } of calcPrice({ input_tokens: 1, output_tokens: 1 }, model, { providerId: provider })
        ?.provider.models ?? []) {
        for (const price of Array.isArray(prices) ? prices.map((each) => each.prices) : [prices]) {
          for (const key of Object.keys(price)) if (key.endsWith('_mtok')) keys.add(key.replace('_mtok', ''));
        }
      }
    }
    const known = new Set<string>(['input', 'output', 'cache_read', 'cache_write', ...TOKEN_PARTS]);
    expect([...keys].filter((key) => !known.has(key)).toSorted()).toEqual(['output_citation', 'output_reasoning']);
  });
});

describe('a configured price of parts', () => {
  const book = (over: Partial<ConfiguredPrice>): ConfiguredPrice[] => [
    { model: 'own', input_usd_per_million: 1, output_usd_per_million: 2, ...over },
  ];
  const tokens = { input: 100, output: 50, cacheRead: 40, cacheWrite: 10 };
  const parts = { cache_write_1h: 5, input_audio: 30, cache_audio_read: 20, output_audio: 50 };
  const cost = (over: Partial<ConfiguredPrice>) => costOf('acme', 'own', { ...tokens, parts }, book(over));

  it('is used for them, and that of the whole for the others', () => {
    expect(cost({})).toBe('0.0002000000');
    // (40 × 1 + 10 × 10 + 20 × 10 + 20 × 1 + 10 × 1 + 50 × 2) / 1,000,000: cached audio is audio.
    expect(cost({ input_audio_usd_per_million: 10 })).toBe('0.0004700000');
    // … but cached where that has a price: (40 × 1 + 10 × 10 + 40 × 0.5 + 10 × 1 + 50 × 2) / 1,000,000
    expect(cost({ input_audio_usd_per_million: 10, cache_read_usd_per_million: 0.5 })).toBe('0.0002700000');
    // (50 × 1 + 40 × 1 + 5 × 1 + 5 × 3 + 50 × 8) / 1,000,000
    expect(cost({ cache_write_1h_usd_per_million: 3, output_audio_usd_per_million: 8 })).toBe('0.0005100000');
  });

  it('is another price, and one without is the price that it was', () => {
    const idOf = (over: Partial<ConfiguredPrice>) =>
      createPriceBook(book(over))({
        provider: 'acme',
        requestModel: 'own',
        responseModel: '',
        serviceTier: '',
        startedAt: AT,
        tokens: { ...tokens, reasoning: null },
        reportedCostUsd: null,
      })?.priceId;
    expect(idOf({})).toBe('configured:own#2c0f6052');
    const others = [
      { input_audio_usd_per_million: 3 },
      { input_audio_usd_per_million: 4 },
      { output_audio_usd_per_million: 3 },
    ];
    expect(new Set([idOf({}), ...others.map(idOf)]).size).toBe(4);
  });
});
