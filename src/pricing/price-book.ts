/**
 * What a call costs: the configured price of its model, else the public one, else what the emitter
 * said it paid, else not priced. Not priced is null and never zero.
 */

import type { TokenPart } from '../contract/invocation.ts';
import { COST_USD_MAX, type CallPrice, type PriceCall, type PricedCall } from '../contract/invocation-log.ts';
import { shortId } from '../lib/hash.ts';
import { PriceCatalogue } from './catalogue.ts';
import { decimalUsd, linearCost, partPrices, pricedTokens, type LinearPrice } from './tokens.ts';

/** As in the configuration's `prices:`. */
export interface ConfiguredPrice extends PriceOfParts {
  /** The model's whole name, or a prefix of it that ends with `*`. */
  readonly model: string;
  /** Any, when it is missing. */
  readonly provider?: string | undefined;
  readonly input_usd_per_million: number;
  readonly output_usd_per_million: number;
  readonly cache_read_usd_per_million?: number | undefined;
  readonly cache_write_usd_per_million?: number | undefined;
  readonly web_searches_usd_per_thousand?: number | undefined;
}

/** A part without a price has that of what it is part of. */
type PriceOfParts = { readonly [Part in TokenPart as `${Part}_usd_per_million`]?: number | undefined };

interface Entry {
  readonly configured: ConfiguredPrice;
  readonly price: LinearPrice;
  readonly id: string;
}

/** The first configured price that fits wins. */
export function createPriceBook(configured: readonly ConfiguredPrice[]): PriceCall {
  const entries = configured.map(toEntry);
  const catalogue = new PriceCatalogue();
  return (call) => {
    const price = configuredPrice(entries, call) ?? publicPrice(catalogue, call) ?? reportedPrice(call);
    return price === null || Number(price.costUsd) > COST_USD_MAX ? null : price;
  };
}

/** What is free in the list is not if the emitter says that it paid: for what the list knows no unit of. */
function publicPrice(catalogue: PriceCatalogue, call: PricedCall): CallPrice | null {
  const price = catalogue.price(call);
  return price !== null && Number(price.costUsd) === 0 ? (reportedPrice(call) ?? price) : price;
}

function toEntry(configured: ConfiguredPrice): Entry {
  const input = configured.input_usd_per_million;
  const whole = {
    input,
    output: configured.output_usd_per_million,
    cacheRead: configured.cache_read_usd_per_million ?? input,
    cacheWrite: configured.cache_write_usd_per_million ?? input,
  };
  const webSearches = configured.web_searches_usd_per_thousand;
  const hasCacheRead = configured.cache_read_usd_per_million !== undefined;
  const parts = partPrices((part) => configured[`${part}_usd_per_million`], hasCacheRead);
  // With the amounts in it: a corrected price is another price.
  const amounts = [
    ...Object.values(whole).map(String),
    ...(webSearches === undefined ? [] : ['web_searches', String(webSearches)]),
    ...Object.entries(parts ?? {})
      .flat()
      .map(String),
  ];
  const id = `configured:${configured.model}#${shortId(...amounts).slice(0, 8)}`;
  return { configured, price: { ...whole, webSearches: webSearches ?? 0, parts }, id };
}

function configuredPrice(entries: readonly Entry[], call: PricedCall): CallPrice | null {
  const entry = entries.find(({ configured }) => fits(configured, call));
  const tokens = entry === undefined ? null : pricedTokens(call.tokens, entry.price.output > 0);
  if (entry === undefined || tokens === null) return null;
  return { costUsd: decimalUsd(linearCost(entry.price, tokens)), priceId: entry.id };
}

function fits({ model, provider }: ConfiguredPrice, call: PricedCall): boolean {
  if (provider !== undefined && provider.toLowerCase() !== call.provider.toLowerCase()) return false;
  return [call.responseModel, call.requestModel].some((name) => fitsModel(model, name));
}

function fitsModel(pattern: string, name: string): boolean {
  if (name === '') return false;
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}

/** Emitters write zero for what they could not price. */
function reportedPrice(call: PricedCall): CallPrice | null {
  const reported = Number(call.reportedCostUsd ?? 0);
  if (!Number.isFinite(reported) || reported <= 0) return null;
  return { costUsd: decimalUsd(reported), priceId: 'reported' };
}
