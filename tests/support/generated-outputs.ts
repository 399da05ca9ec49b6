/** Answers of models that do not exist, in a few styles, by chance that can be had again. */

import type { Output, OutputFeatures } from '../../src/contract/output-log.ts';
import { featuresOf } from '../../src/statistics/output-features.ts';
import type { Random } from './random.ts';

/** `json`: an intent as JSON. `chatty`: the same in a sentence. `careful`: like `chatty`, and it refuses now and then. */
export type Style = 'json' | 'chatty' | 'careful' | 'essay';

const INTENTS = ['billing', 'refund', 'delivery', 'account', 'other'] as const;
const WORDS =
  'the order was sent on time and our team looks into what happened with your account before it is closed again'.split(
    ' ',
  );

export function outputText(style: Style, random: Random): string {
  const intent = INTENTS[random.below(INTENTS.length)] as string;
  const sentence = (): string => `${words(random, 4 + random.below(12))}.`;
  if (style === 'json') return JSON.stringify({ intent, confidence: Number((0.5 + random.next() / 2).toFixed(2)) });
  if (style === 'careful' && random.next() < 0.2) return `I'm sorry, I cannot help with that. ${sentence()}`;
  if (style === 'essay') return Array.from({ length: 3 + random.below(5) }, sentence).join(' ');
  return `This is about ${intent}. ${sentence()}`;
}

export function output(text: string | null, more: Partial<Output> = {}): Output {
  const outputTokens = text === null ? null : Math.ceil(text.length / 4);
  return {
    text,
    tools: [],
    finishReason: 'stop',
    responseModel: 'model-a-2026-01-01',
    outputTokens,
    inputTokens: 400,
    ...more,
  };
}

export function featuresIn(style: Style, random: Random, more: Partial<Output> = {}): OutputFeatures {
  return featuresOf(output(outputText(style, random), { inputTokens: 300 + random.below(200), ...more }));
}

/** How many come about in a time in which `mean` do on average. */
export function poisson(mean: number, random: Random): number {
  const limit = Math.exp(-mean);
  let [count, product] = [0, random.next()];
  while (product > limit) {
    count += 1;
    product *= random.next();
  }
  return count;
}

function words(random: Random, count: number): string {
  const text = Array.from({ length: count }, () => WORDS[random.below(WORDS.length)]).join(' ');
  return text.charAt(0).toUpperCase() + text.slice(1);
}
