/** What a stored call costs and what that depends on, as columns of `invocations`. */

import type { TokenParts } from '../../contract/invocation.ts';
import type { StoredPrice } from '../../contract/telemetry-log.ts';

/** With counts as numbers. */
export const TOKEN_PARTS_COLUMN = "CAST(token_parts, 'Map(String, Float64)')";

export const PRICED_COLUMNS = `provider, request_model, response_model, service_tier,
  toFloat64(input_tokens) AS input, toFloat64(output_tokens) AS output,
  toFloat64(cache_read_tokens) AS cache_read, toFloat64(cache_write_tokens) AS cache_write,
  toFloat64(reasoning_tokens) AS reasoning, ${TOKEN_PARTS_COLUMN} AS parts,
  toFloat64(web_searches) AS searches, reported_cost_usd, cost_usd, price_id`;

export interface PricedRow {
  readonly provider: string;
  readonly request_model: string;
  readonly response_model: string;
  readonly service_tier: string;
  readonly input: number | null;
  readonly output: number | null;
  readonly cache_read: number | null;
  readonly cache_write: number | null;
  readonly reasoning: number | null;
  readonly parts: TokenParts;
  readonly searches: number;
  readonly reported_cost_usd: string | null;
  readonly cost_usd: string | null;
  readonly price_id: string;
}

export function toStoredPrice(row: PricedRow): StoredPrice {
  const { input, output, cache_read: cacheRead, cache_write: cacheWrite, reasoning } = row;
  return {
    of: {
      provider: row.provider,
      requestModel: row.request_model,
      responseModel: row.response_model,
      serviceTier: row.service_tier,
      tokens: {
        input,
        output,
        cacheRead,
        cacheWrite,
        reasoning,
        ...partsOfRow(row.parts),
        ...searchesOfRow(row.searches),
      },
      reportedCostUsd: row.reported_cost_usd,
    },
    price: row.cost_usd === null ? null : { costUsd: withAllDigits(row.cost_usd), priceId: row.price_id },
  };
}

/** Of a column that is empty where nobody reported any. */
export function partsOfRow(parts: TokenParts): { readonly parts?: TokenParts } {
  return Object.keys(parts).length === 0 ? {} : { parts };
}

/** Of a column that is zero where nobody reported any. */
export function searchesOfRow(webSearches: number): { readonly webSearches?: number } {
  return webSearches === 0 ? {} : { webSearches };
}

const DIGITS = 10;

/** As it was written: the store drops zeros at the end. */
function withAllDigits(amount: string): string {
  const [whole = '0', digits = ''] = amount.split('.');
  return `${whole}.${digits.padEnd(DIGITS, '0')}`;
}
