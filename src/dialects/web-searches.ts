/**
 * Searches of the web that a provider made for an answer: no tokens, but part of its usage, and paid by the piece.
 * No convention has a word for them, so they are read where a provider's own usage is passed on.
 */

import { type JsonRecord, countInText, numberAt, recordOf } from './json-text.ts';

/** In the words of Anthropic's API, of LiteLLM for whoever was asked, and of Perplexity's. */
export function webSearchesOf(usage: JsonRecord | undefined): number | undefined {
  return searches(
    numberAt(recordOf(usage, 'server_tool_use'), 'web_search_requests') ??
      numberAt(recordOf(usage, 'prompt_tokens_details'), 'web_search_requests') ??
      numberAt(usage, 'num_search_queries'),
  );
}

/** The same of Anthropic inside a raw response that nobody parses. */
export function webSearchesIn(raw: string | undefined): number | undefined {
  return searches(countInText(raw, '"web_search_requests":'));
}

function searches(count: number | undefined): number | undefined {
  return count !== undefined && Number.isSafeInteger(count) && count > 0 ? count : undefined;
}
