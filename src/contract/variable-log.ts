/** Questions about what filled the variables of rendered prompts: for analysts, and for the watch of traffic. */

import type { Timestamp } from './time.ts';

export interface VariableFilter {
  readonly prompt: string;
  readonly version?: string | undefined;
  readonly environment?: string | undefined;
  readonly service?: string | undefined;
  readonly from: Timestamp;
  readonly to: Timestamp;
}

export interface VariableSummary {
  /** Calls that belong to the prompt, and how many of them are renders whose variables are known. */
  readonly calls: number;
  readonly callsWithVariables: number;
  /** Fewer than `callsWithVariables` when there were too many distinct texts to look at all. */
  readonly callsLookedAt: number;
  readonly variables: readonly VariableUse[];
}

export interface VariableUse {
  /** The expression in the template; variables without text between them are one, `a + b`. */
  readonly name: string;
  readonly calls: number;
  readonly distinct: number;
  /** Of values that were kept; null when none was. */
  readonly characters: {
    readonly min: number;
    readonly p50: number;
    readonly p95: number;
    readonly max: number;
  } | null;
  /** The most frequent ones first, cut to what a table shows. Where only hashes are kept, these. */
  readonly top: readonly { readonly value: string; readonly kept: boolean; readonly calls: number }[];
}

/** The calls of one service that carry one version. */
export interface CallsOfVersion {
  readonly environment: string;
  readonly service: string;
  readonly prompt: string;
  readonly version: string;
}

/** One of them, picked evenly; `variables` is the hash of what filled its variables. */
export interface SampledCall {
  readonly instance: string;
  readonly at: Timestamp;
  readonly variables: string;
}

/** What filled the variables of one text. */
export interface VariableSet {
  readonly names: readonly string[];
  /** Hashes where `isKept` is false. */
  readonly values: readonly string[];
  readonly isKept: boolean;
  readonly startBytes: readonly number[];
  readonly endBytes: readonly number[];
}

export interface VariableLog {
  summary(filter: VariableFilter, topMax: number): Promise<VariableSummary>;
  /** About how many calls began in the window; cheap. */
  countCalls(from: Timestamp, until: Timestamp): Promise<number>;
  /** Calls with variables by version, the busiest first; half of each sample from after `recentFrom`. */
  samples(
    from: Timestamp,
    recentFrom: Timestamp,
    until: Timestamp,
  ): Promise<readonly (CallsOfVersion & { readonly calls: readonly SampledCall[] })[]>;
  /** An even sample of the calls of one version in `[from, until)`. */
  sampleOf(calls: CallsOfVersion, from: Timestamp, until: Timestamp): Promise<readonly SampledCall[]>;
  /** Unknown hashes are missing. */
  sets(hashes: readonly string[]): Promise<ReadonlyMap<string, VariableSet>>;
}
