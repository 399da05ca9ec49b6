/**
 * Outputs of one version from one model, as far as they are compared with what they were: a few are read each hour, what
 * is noted of each is kept, and counted in the bins of a baseline. The judgement of them is `output_drift`.
 */

import type { TimeInterval, Timestamp } from './time.ts';

/** Whose outputs are compared with one another. Services are not told apart: they use the same prompt. */
export interface OutputSeries {
  readonly environment: string;
  readonly prompt: string;
  readonly version: string;
  /** As it was asked for; how the one that answered is called is a feature. */
  readonly model: string;
}

/** What one call answered, as far as it is known. */
export interface Output {
  /** All text that it said, without its thoughts. Null: not kept. */
  readonly text: string | null;
  /** Names of the tools that it called, in order. Null: not kept. */
  readonly tools: readonly string[] | null;
  /** Empty: not known, as for the model that answered. */
  readonly finishReason: string;
  readonly responseModel: string;
  readonly outputTokens: number | null;
  /** What it was asked, as a measure of what it depends on besides the prompt. */
  readonly inputTokens: number | null;
}

/** Which call it is. */
export interface OutputOf {
  readonly traceId: string;
  readonly spanId: string;
  readonly startedAt: Timestamp;
}

/** What is noted of an output; what each place means says `src/statistics/output-features.ts`. */
export interface OutputFeatures {
  /** Null: not known. Kept with the precision of `Math.fround`, in which they come back. */
  readonly numbers: readonly (number | null)[];
  /** Bits; null: not known. */
  readonly flags: number | null;
  /** A character that no text has: not known. */
  readonly words: readonly string[];
}

export type OutputSample = OutputOf & OutputFeatures;

/** The bins of one feature. The last one is for what is not known, which is not compared. */
export type FeatureBins =
  /** Between the edges, then one for each value that much of the reference has. */
  | { readonly edges: readonly number[]; readonly atoms: readonly number[] }
  /** No, yes. */
  | { readonly flag: true }
  /** Each of them, then all others. */
  | { readonly top: readonly string[] };

/** What outputs are compared with. A later one takes the place of an earlier one, which stays in the store. */
export interface OutputBaseline {
  readonly series: OutputSeries;
  /** Its identity within the series. */
  readonly madeAt: Timestamp;
  /** Which list of features it was made of. */
  readonly featuresId: number;
  /** The hours whose outputs it was made of: `[from, until)`. */
  readonly from: Timestamp;
  readonly until: Timestamp;
  readonly outputs: number;
  /** Outputs of this hour and later ones are compared with it, and join it when they are like it. */
  readonly comparedFrom: Timestamp;
  readonly bins: readonly FeatureBins[];
  /** Of all features one after the other. */
  readonly counts: readonly number[];
  /** Of each feature, for windows of 1, 2, 4 … hours: how much more they differ than by chance. */
  readonly overdispersion: readonly (readonly number[])[];
}

/** `learning`: there is no baseline yet. */
export const OUTPUT_STATES = ['learning', 'watching', 'changed'] as const;
export type OutputState = (typeof OUTPUT_STATES)[number];

export interface ChangedFeature {
  readonly name: string;
  /** What it is, for a person: `length in characters`. */
  readonly words: string;
  /** Typical of it before and since, for a person: `821` and `4`; both empty where no words say it. */
  readonly before: string;
  readonly now: string;
  /** How much more likely a change is than none, by this feature alone: the logarithm to base 10. */
  readonly log10Factor: number;
  readonly windowHours: number;
}

export interface OutputChange {
  /** When it changed: after the first, by the second. */
  readonly between: TimeInterval;
  /** Outputs of this hour and later ones are the changed ones. */
  readonly sinceHour: Timestamp;
  readonly noticedAt: Timestamp;
  /** The clearest first; at most a handful. */
  readonly features: readonly ChangedFeature[];
  /** What was asked changed too, so that it may be the reason. */
  readonly inputsChanged: boolean;
  /** How many are compared. */
  readonly outputsBefore: number;
  readonly outputsSince: number;
  readonly examplesBefore: readonly OutputOf[];
  readonly examplesSince: readonly OutputOf[];
}

/** What is known of a series now; the newest is kept. */
export interface OutputStatus {
  readonly series: OutputSeries;
  /** When it was judged. */
  readonly at: Timestamp;
  readonly state: OutputState;
  /** The newest hour with outputs. */
  readonly lastHour: Timestamp;
  /** While it is learning: since which hour, of how many outputs; and, of how many and until when at the earliest it does. */
  readonly learning: {
    readonly since: Timestamp;
    readonly outputs: number;
    readonly outputsNeeded: number;
    readonly until: Timestamp;
  } | null;
  readonly baseline: Pick<OutputBaseline, 'madeAt' | 'from' | 'until' | 'outputs' | 'comparedFrom'> | null;
  /** How often such counts come about by chance: once in 10 to the power of this many hours. Null: not compared yet. */
  readonly log10Score: number | null;
  readonly change: OutputChange | null;
}

/** An hour for which something was written since it was read last, or that was never read. */
export interface HourToRead {
  readonly hour: Timestamp;
  /** How many rows were ever written for its calls: the name of its state. */
  readonly rows: number;
  /** Nothing was written for a while, so that all of these rows can be read. */
  readonly isQuiet: boolean;
}

export interface SeriesOfHour {
  readonly series: OutputSeries;
  readonly hour: Timestamp;
  /** How many calls there were. */
  readonly calls: number;
}

export interface NotedHour extends Omit<SeriesOfHour, 'calls'> {
  readonly outputs: number;
}

export interface SeriesToNote {
  readonly series: readonly SeriesOfHour[];
  /** There are more series in an hour than are looked at. */
  readonly isCut: boolean;
}

/** Outputs of one series, picked evenly from the calls of an hour. */
export interface AnswersOfHour {
  readonly series: OutputSeries;
  readonly hour: Timestamp;
  readonly answers: readonly (OutputOf & { readonly output: Output })[];
}

export interface SeriesExtent {
  readonly series: OutputSeries;
  readonly firstHour: Timestamp;
  readonly lastHour: Timestamp;
  readonly outputs: number;
}

export interface HourOfSamples {
  readonly hour: Timestamp;
  readonly samples: readonly OutputSample[];
}

export interface HourOfFeatures {
  readonly hour: Timestamp;
  readonly outputs: readonly OutputFeatures[];
}

/** Of one series in one hour. */
export interface SamplesOfHour extends HourOfSamples {
  readonly series: OutputSeries;
}

export interface SeriesSince {
  readonly series: OutputSeries;
  readonly from: Timestamp;
}

export interface HourOfCounts {
  readonly hour: Timestamp;
  readonly outputs: number;
  readonly counts: readonly number[];
}

export interface CountsOfBaseline {
  readonly baseline: OutputBaseline;
  readonly hours: readonly HourOfCounts[];
}

export interface SumsOfCounts {
  readonly series: OutputSeries;
  /** Null: nothing was compared yet. */
  readonly lastHour: Timestamp | null;
  /** Without those of the baseline; zeros where there is nothing. */
  readonly all: readonly number[];
  /** One for each of the windows. */
  readonly windows: readonly (readonly number[])[];
}

/** Hours are the times at which they begin. A series is given back as it was stored. */
export interface OutputLog {
  /** The hours in `[from, until)` that are to be read, in order. */
  hoursToRead(featuresId: number, from: Timestamp, until: Timestamp): Promise<readonly HourToRead[]>;
  /** They are not to be read again, as long as they are in that state. */
  keepHoursRead(featuresId: number, hours: readonly HourToRead[]): Promise<void>;
  /**
   * Of these hours the series, at most the `seriesMax` busiest of each, of which fewer samples are kept than there are
   * calls, and fewer than `answersMax`; hours in order. Calls that failed or of which no version is known do not count.
   */
  seriesToNote(
    featuresId: number,
    hours: readonly Timestamp[],
    limits: { readonly answersMax: number; readonly seriesMax: number },
  ): Promise<SeriesToNote>;
  /**
   * At most `answersMax` answers of each. In pieces, so that the texts of few are in memory at once: a series and an hour
   * come in several of them. Which calls they are of is in memory as a whole, a hundred bytes each.
   */
  answers(of: readonly SeriesOfHour[], answersMax: number): AsyncIterable<readonly AnswersOfHour[]>;
  /** May be repeated, also with more of a series and an hour. */
  keepSamples(featuresId: number, samples: readonly SamplesOfHour[]): Promise<void>;
  /** After the samples of these: so many answers of an hour were read. */
  keepNoted(featuresId: number, noted: readonly NotedHour[]): Promise<void>;
  /** Of the outputs of that hour and later ones, by series. */
  extents(featuresId: number, since: Timestamp): Promise<readonly SeriesExtent[]>;
  /** Of each series since an hour of its own, up to but not in the hour `until`; in the order asked for, hours in order. */
  samples(
    of: readonly SeriesSince[],
    featuresId: number,
    until: Timestamp,
  ): Promise<readonly (readonly HourOfSamples[])[]>;
  /** Only what is compared of these samples: much less than all that is kept of them. */
  features(
    of: readonly SeriesSince[],
    featuresId: number,
    until: Timestamp,
  ): Promise<readonly (readonly HourOfFeatures[])[]>;
  keepBaselines(baselines: readonly OutputBaseline[]): Promise<void>;
  /** The newest of each of these. */
  baselines(series: readonly OutputSeries[]): Promise<readonly OutputBaseline[]>;
  keepCounts(counts: readonly CountsOfBaseline[]): Promise<void>;
  /** Since `from`, but not before `baseline.comparedFrom`; in order. */
  counts(baseline: OutputBaseline, from: Timestamp): Promise<readonly HourOfCounts[]>;
  /** Sums for each of these baselines: of everything compared with it, and of its last hours, `hour` included. */
  sums(
    baselines: readonly OutputBaseline[],
    hour: Timestamp,
    windowHours: readonly number[],
  ): Promise<readonly SumsOfCounts[]>;
  keepStatuses(statuses: readonly OutputStatus[]): Promise<void>;
  statuses(): Promise<readonly OutputStatus[]>;
  /** The texts of these, in their order; null where it is not kept any more, or never was. */
  texts(outputs: readonly OutputOf[]): Promise<readonly (OutputOf & { readonly text: string | null })[]>;
}
