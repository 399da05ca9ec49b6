/** Questions about stored invocations: single calls, usage, and how many calls a drift has touched. */

import type { MeansQuery, SeriesOfMeans } from './baseline-log.ts';
import type { Invocation, TokenParts } from './invocation.ts';
import type { ContentHash } from './prompt.ts';
import type { Page, PageOf } from './store.ts';
import type { Timestamp } from './time.ts';

export interface InvocationFilter {
  readonly prompt?: string | undefined;
  readonly version?: string | undefined;
  readonly environment?: string | undefined;
  readonly service?: string | undefined;
  readonly traceId?: string | undefined;
  /** Calls that began in `[from, to)`. */
  readonly from?: Timestamp | undefined;
  readonly to?: Timestamp | undefined;
}

/** An invocation as stored, with what was concluded about it. Texts that were not kept read `[not kept: sha256:…]`. */
export interface InvocationRow {
  readonly invocation: Invocation;
  readonly prompt: string | null;
  readonly version: string | null;
  readonly owner: string | null;
  readonly attribution: string;
  /** Strict hash of the instruction text; null when no content was captured. */
  readonly promptHash: ContentHash | null;
  /** Decimal string; null: not priced. */
  readonly costUsd: string | null;
  /** Which price was used; empty when not priced. */
  readonly priceId: string;
}

/** What tells calls apart in usage. */
export const USAGE_KEYS = ['prompt', 'version', 'model', 'service', 'owner', 'environment', 'service_tier'] as const;
export type UsageKey = (typeof USAGE_KEYS)[number];
export const USAGE_GROUPS = [...USAGE_KEYS, 'day'] as const;
export type UsageGroup = (typeof USAGE_GROUPS)[number];

/** Of calls that began in `[from, to)`. */
export interface UsageQuery {
  readonly groupBy: readonly UsageGroup[];
  readonly from: Timestamp;
  readonly to: Timestamp;
  /** Only of calls of which this is so; empty is what is not known. */
  readonly only?: { readonly [Key in UsageKey]?: string | undefined };
  /** Whose days are meant, by its name in the time zone database. UTC when it is missing. */
  readonly timeZone?: string | undefined;
}

export interface Quantiles {
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
}

/** Judgements of one name. What a label's share says of the prompt, only who judged knows. */
export interface UsageEvaluation {
  readonly count: number;
  /** Judgements with a score, and what they say. Of 0 and 1 the mean is the share of 1. */
  readonly scored: number;
  readonly mean_score: number | null;
  /** Of single judgements from their mean; null for fewer than two. */
  readonly score_deviation: number | null;
  /** How many had which; the most frequent, where there are many. */
  readonly labels: Readonly<Record<string, number>>;
}

/** Sums of tokens leave out calls that reported none. */
export interface UsageTotals {
  readonly calls: number;
  readonly errors: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cache_read_tokens: number;
  readonly cache_write_tokens: number;
  readonly reasoning_tokens: number;
  /** Those that were reported; never added to the others. */
  readonly token_parts: TokenParts;
  readonly web_searches: number;
  /** Decimal string: the sum over priced calls. */
  readonly cost_usd: string;
  readonly unpriced_calls: number;
  readonly latency_ms: Quantiles;
  readonly first_token_ms: Quantiles;
  /** Tokens of the answers that reported them. */
  readonly output_tokens_of_call: Quantiles;
  /** Calls that ended like that; one with several answers may have several. */
  readonly finish_reasons: Readonly<Record<string, number>>;
  /** By name. */
  readonly evaluations: Readonly<Record<string, UsageEvaluation>>;
}

/** What the registry declares of a version, and what its calls show. */
export interface UsageBaseline {
  readonly declared: number;
  /** Null: no call shows it. */
  readonly measured: number | null;
  /** Of so many calls or scores. */
  readonly of: number;
  /** How far off the mean of so many scores may be, in 19 of 20 cases; null where that is not known. */
  readonly margin: number | null;
}

/** As the API writes it: the group's keys beside the totals. */
export type UsageRow = UsageTotals & {
  /** By the name of the metric; missing where the row is not of one version of which something is declared. */
  readonly baselines?: Readonly<Record<string, UsageBaseline>>;
} & Readonly<Record<string, unknown>>;

export interface AffectedQuery {
  readonly prompt: string;
  readonly environment: string;
  /** Only calls of this service. */
  readonly service?: string | undefined;
  /** Calls with any of them. */
  readonly contents: readonly AffectedContent[];
}

export interface AffectedContent {
  /** Calls with this instruction text, or attributed to this version; either. */
  readonly promptHash?: ContentHash | undefined;
  readonly version?: string | undefined;
  readonly since: Timestamp;
  /** Calls that began before it. */
  readonly until?: Timestamp | undefined;
}

export interface InvocationLog {
  /** Newest first. */
  list(filter: InvocationFilter, page: Page): Promise<PageOf<InvocationRow>>;
  /** Throws a `Fault` of kind `permanent` where there are more groups than anybody reads: a part of them would not add up. */
  usage(query: UsageQuery): Promise<readonly UsageRow[]>;
  /** Of each environment, the busiest first where there are too many. Costs are of priced calls, and scores of those that were given. */
  means(query: MeansQuery): Promise<readonly SeriesOfMeans[]>;
  /** Exact among a million calls since then; among more, a call that was corrected lately may count twice. */
  affected(query: AffectedQuery): Promise<number>;
  /** Prices stored calls in `[from, to)` anew and writes those whose price changed. `priceOf` is asked once for each call. */
  reprice(from: Timestamp, to: Timestamp, priceOf: PriceCall): Promise<Repriced>;
}

export interface Repriced {
  /** How many were looked at. */
  readonly calls: number;
  readonly changed: number;
  /** Where to go on: so much takes longer than one answer may. Null when all of the period is done. */
  readonly next: Timestamp | null;
  /** Calls that began before are no longer kept, and `from` is before it: what they cost stays as it was. Else null. */
  readonly callsKeptSince: Timestamp | null;
}

/** What a price depends on. */
export interface PricedCall {
  readonly provider: string;
  readonly requestModel: string;
  readonly responseModel: string;
  /** As in `Invocation`. */
  readonly serviceTier: string;
  readonly startedAt: Timestamp;
  readonly tokens: Invocation['tokens'];
  readonly reportedCostUsd: string | null;
}

/** The store holds less than a hundred million; a call that would cost more has absurd counts, and is not priced. */
export const COST_USD_MAX = 99_999_999;

export interface CallPrice {
  /** Decimal string with ten places, at most `COST_USD_MAX`. */
  readonly costUsd: string;
  /** Whose price, of when: `genai-prices@0.1.8:openai/gpt-4o`, `configured:NAME`, `reported`. */
  readonly priceId: string;
}

/** Null: not priced, which is not zero. */
export type PriceCall = (call: PricedCall) => CallPrice | null;
