/**
 * What a call costs: the configured price of its model, else the public one, else what the emitter
 * said it paid, else not priced. Not priced is null and never zero.
 */

import type { TokenPart } from '../contract/invocation.ts';
import { COST_USD_MAX, type CallPrice, type PriceCall, type PricedCall } from '../contract/invocation-log.ts';
import type { Timestamp } from '../contract/time.ts';
import { shortId } from '../lib/hash.ts';
import { parseDay } from '../lib/time.ts';
import { PriceCatalogue } from './catalogue.ts';
import { decimalUsd, linearCost, partPrices, pricedTokens, type LinearPrice } from './tokens.ts';

/** As in the configuration's `prices:`. */
export type ConfiguredPrice = ConfiguredAmounts | TimesPublicPrice;

interface PricedCalls {
  /** The model's whole name, or a prefix of it that ends with `*`. */
  readonly model: string;
  /** Any, when it is missing. */
  readonly provider?: string | undefined;
  /** The ordinary one, when it is missing. */
  readonly service_tier?: string | undefined;
  /** Of calls that began then or later, and before then: days, or times. */
  readonly valid_from?: string | undefined;
  readonly valid_to?: string | undefined;
}

interface ConfiguredAmounts extends PricedCalls, PriceOfParts {
  readonly input_usd_per_million: number;
  readonly output_usd_per_million: number;
  readonly cache_read_usd_per_million?: number | undefined;
  readonly cache_write_usd_per_million?: number | undefined;
  readonly web_searches_usd_per_thousand?: number | undefined;
}

/** A batch costs half, whatever the model. */
interface TimesPublicPrice extends PricedCalls {
  readonly public_price_times: number;
}

/** A part without a price has that of what it is part of. */
type PriceOfParts = { readonly [Part in TokenPart as `${Part}_usd_per_million`]?: number | undefined };

interface Entry {
  readonly configured: PricedCalls;
  readonly from: Timestamp | null;
  readonly to: Timestamp | null;
  readonly price: PriceCall;
}

/** What providers call the service that everybody gets who asks for nothing else. */
const ORDINARY: ReadonlySet<string> = new Set(['', 'auto', 'default', 'standard', 'on_demand']);

/** The first configured price that fits wins. */
export function createPriceBook(configured: readonly ConfiguredPrice[]): PriceCall {
  const catalogue = new PriceCatalogue();
  const entries = configured.map((each) => toEntry(each, catalogue));
  return (call) => {
    const price = configuredPrice(entries, call) ?? publicPrice(catalogue, call) ?? reportedPrice(call);
    return price === null || Number(price.costUsd) > COST_USD_MAX ? null : price;
  };
}

/** Of the ordinary tier: another one costs twice or half. */
function publicPrice(catalogue: PriceCatalogue, call: PricedCall): CallPrice | null {
  return ORDINARY.has(call.serviceTier) ? listedPrice(catalogue, call) : null;
}

/** `times` that of the list. What is free there is not if the emitter says that it paid: for what it knows no unit of. */
function listedPrice(catalogue: PriceCatalogue, call: PricedCall, times = 1): CallPrice | null {
  const price = catalogue.price(call);
  if (price === null) return null;
  if (Number(price.costUsd) === 0) return reportedPrice(call) ?? price;
  if (times === 1) return price;
  return { costUsd: decimalUsd(Number(price.costUsd) * times), priceId: `${price.priceId}*${times}` };
}

function toEntry(configured: ConfiguredPrice, catalogue: PriceCatalogue): Entry {
  const { valid_from: from, valid_to: to } = configured;
  return {
    configured,
    from: from === undefined ? null : parseDay(from),
    to: to === undefined ? null : parseDay(to),
    price:
      'public_price_times' in configured
        ? (call) => listedPrice(catalogue, call, configured.public_price_times)
        : byAmounts(configured),
  };
}

function byAmounts(configured: ConfiguredAmounts): PriceCall {
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
  const priceId = `configured:${configured.model}#${shortId(...amounts).slice(0, 8)}`;
  const price: LinearPrice = { ...whole, webSearches: webSearches ?? 0, parts };
  return (call) => {
    const tokens = pricedTokens(call.tokens, price.output > 0);
    return tokens === null ? null : { costUsd: decimalUsd(linearCost(price, tokens)), priceId };
  };
}

function configuredPrice(entries: readonly Entry[], call: PricedCall): CallPrice | null {
  return entries.find((entry) => fits(entry, call))?.price(call) ?? null;
}

function fits({ configured, from, to }: Entry, call: PricedCall): boolean {
  const { model, provider, service_tier: tier } = configured;
  if (tier === undefined ? !ORDINARY.has(call.serviceTier) : tier !== call.serviceTier) return false;
  if (provider !== undefined && provider.toLowerCase() !== call.provider.toLowerCase()) return false;
  if ((from !== null && call.startedAt < from) || (to !== null && call.startedAt >= to)) return false;
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
