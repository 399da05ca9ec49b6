/** What the page reads of the HTTP API (`/openapi.json` has all of it), and what a view is. Types only. */

export type Interval = readonly [earliest: string | null, latest: string | null];
export type Severity = 'info' | 'warning' | 'critical';

export interface Evidence {
  readonly kind: string;
  readonly words: string;
}

export interface Content {
  readonly version: string | null;
  readonly hash: string | null;
}

export interface Incident {
  readonly id: string;
  readonly status: 'open' | 'acknowledged' | 'snoozed' | 'resolved';
  readonly verdict: string;
  readonly severity: Severity;
  readonly summary: string;
  readonly prompt: string;
  readonly owner: string | null;
  readonly environment: string;
  readonly target: string;
  readonly part: string;
  readonly expected: Content | null;
  readonly observed: Content & { readonly text: string | null };
  readonly diff: string;
  readonly evidence: readonly Evidence[];
  readonly opened_at: string;
  readonly changed_between: Interval;
  readonly changed_by: string | null;
  /** Of the first content that was wrong; others may have followed it. */
  readonly first_changed_between: Interval;
  readonly resolved_at: string | null;
  readonly resolution: string | null;
  readonly reopened: number;
  readonly calm_since: string | null;
  readonly acknowledged_by: string | null;
  readonly snoozed_until: string | null;
  readonly invocations_affected: number;
}

export interface Delivery {
  readonly id: string;
  readonly transition: string;
  readonly channel: string;
  readonly status: string;
  readonly attempts: number;
  readonly detail: string;
  readonly updated_at: string;
}

export interface IncidentInFull extends Incident {
  readonly restore_command: string | null;
  readonly deliveries: readonly Delivery[];
}

export interface TargetVerdict {
  readonly part: string;
  readonly verdict: string;
  readonly severity: Severity;
  readonly summary: string;
  readonly expected: Content | null;
  readonly observed: Content;
  readonly at: string;
  readonly looked_at: string | null;
  readonly answered_at: string | null;
}

export interface Target {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly prompt: string;
  readonly environment: string;
  /** `restore`: a version can be put back there. */
  readonly powers: readonly string[];
  readonly verdicts: readonly TargetVerdict[];
}

export interface Pin {
  readonly environment: string;
  readonly version: string;
  readonly hash: string;
  readonly rule: string;
  readonly since: string | null;
  readonly by: string | null;
}

export interface Prompt {
  readonly id: string;
  readonly owner: string;
  readonly tags: readonly string[];
  readonly component: boolean;
  readonly newest_version: string;
  readonly versions: number;
  readonly included_by: readonly string[];
  readonly pins: readonly Pin[];
}

export interface Version {
  readonly version: string;
  readonly parent: string | null;
  readonly owner: string;
  readonly tags: readonly string[];
  readonly components: readonly { readonly id: string; readonly version: string }[];
  readonly metrics: Readonly<Record<string, number>>;
  readonly registry: string;
  readonly origin: { readonly file: string; readonly line?: number; readonly commit?: string };
  readonly registered_at: string | null;
  readonly author: string | null;
  readonly variants: readonly {
    readonly model: string;
    readonly format: string;
    readonly hash: string;
    readonly text: string;
    readonly settings: object;
  }[];
}

export interface TimelineEntry extends Content {
  readonly text: string | null;
  readonly from: Interval;
  readonly until: Interval;
  readonly evidence: readonly Evidence[];
}

export interface ActiveAt {
  readonly prompt: string;
  readonly environment: string;
  readonly time: string;
  readonly known_at: string;
  readonly intended: TimelineEntry | null;
  readonly held: readonly (TimelineEntry & {
    readonly target: string;
    readonly part: string;
    readonly state: 'held' | 'missing';
  })[];
  readonly used: readonly (TimelineEntry & { readonly service: string; readonly invocations: number })[];
  /** Calls of before, and so of `time`, are no longer kept. Null: they are. */
  readonly calls_kept_since: string | null;
  /** Where `held` goes on. */
  readonly next_cursor: string | null;
}

interface Quantiles {
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
}

export interface UsageRow {
  readonly prompt?: string;
  readonly version?: string;
  readonly calls: number;
  readonly errors: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cache_read_tokens: number;
  readonly cache_write_tokens: number;
  readonly reasoning_tokens: number;
  /** Of the input or the output, by name; those alone that were reported. */
  readonly token_parts: Readonly<Record<string, number>>;
  readonly web_searches: number;
  readonly cost_usd: string;
  readonly unpriced_calls: number;
  readonly latency_ms: Quantiles;
  readonly first_token_ms: Quantiles;
  readonly output_tokens_of_call: Quantiles;
  /** How calls ended, and how many like that. */
  readonly finish_reasons: Readonly<Record<string, number>>;
  /** By name. */
  readonly evaluations: Readonly<Record<string, UsageEvaluation>>;
  /** Of a row of one version alone. */
  readonly baselines?: Readonly<Record<string, UsageBaseline>>;
}

/** What is declared of a version, and how it is in so many calls or scores. */
export interface UsageBaseline {
  readonly declared: number;
  readonly measured: number | null;
  readonly of: number;
  readonly margin: number | null;
}

export interface UsageEvaluation {
  readonly count: number;
  readonly scored: number;
  readonly mean_score: number | null;
  readonly score_deviation: number | null;
  readonly labels: Readonly<Record<string, number>>;
}

export interface ExampleOutput {
  readonly trace_id: string;
  readonly started_at: string;
  /** Null: it is not kept. */
  readonly text?: string | null;
}

export interface OutputChange {
  readonly between: Interval;
  readonly noticed_at: string;
  readonly features: readonly {
    readonly name: string;
    readonly words: string;
    /** Both empty where no words say it. */
    readonly before: string;
    readonly now: string;
  }[];
  readonly inputs_changed: boolean;
  readonly outputs_before: number;
  readonly outputs_since: number;
  readonly examples_before: readonly ExampleOutput[];
  readonly examples_since: readonly ExampleOutput[];
}

/** Of one version from one model in one environment. */
export interface OutputStatus {
  readonly environment: string;
  readonly version: string;
  readonly model: string;
  readonly state: 'learning' | 'watching' | 'changed';
  readonly at: string;
  readonly last_hour: string;
  readonly learning: { readonly outputs: number; readonly outputs_needed: number; readonly until: string } | null;
  readonly baseline: { readonly from: string; readonly until: string; readonly outputs: number } | null;
  readonly log10_score: number | null;
  readonly alarm_at_log10_score: number;
  readonly change: OutputChange | null;
}

/** Of one metric of one version in one environment. */
export interface BaselineStatus {
  readonly environment: string;
  readonly version: string;
  readonly metric: string;
  readonly declared: number;
  readonly state: 'unknown' | 'within' | 'off' | 'accepted';
  readonly measured: { readonly mean: number; readonly of: number; readonly margin: number | null } | null;
  readonly change: { readonly between: Interval; readonly was_within: boolean } | null;
}

export interface Listed<Item> {
  readonly data: readonly Item[];
  readonly next_cursor: string | null;
}

export type Query = Readonly<Record<string, string | undefined>>;

export interface SqlAnswer {
  readonly meta: readonly { readonly name: string; readonly type: string }[];
  readonly data: readonly (readonly unknown[])[];
}

export interface Api {
  readonly targets: (query: Query, signal: AbortSignal) => Promise<Listed<Target>>;
  readonly prompts: (signal: AbortSignal) => Promise<Listed<Prompt>>;
  readonly versions: (prompt: string, signal: AbortSignal) => Promise<Listed<Version>>;
  readonly incidents: (query: Query, signal: AbortSignal) => Promise<Listed<Incident>>;
  readonly incident: (id: string, signal: AbortSignal) => Promise<IncidentInFull>;
  readonly at: (query: Query, signal: AbortSignal) => Promise<ActiveAt>;
  readonly usage: (query: Query, signal: AbortSignal) => Promise<Listed<UsageRow>>;
  readonly outputs: (query: Query, signal: AbortSignal) => Promise<Listed<OutputStatus>>;
  readonly baselines: (query: Query, signal: AbortSignal) => Promise<Listed<BaselineStatus>>;
  readonly sql: (query: string, signal: AbortSignal) => Promise<SqlAnswer>;
  /** What is wrong with the daemon itself. */
  readonly problems: (signal: AbortSignal) => Promise<readonly string[]>;
  /** Acknowledges, snoozes or resolves. */
  readonly tell: (incident: string, what: string, body?: object) => Promise<Incident>;
}

/** What a view may use of the page around it. */
export interface Context {
  readonly api: Api;
  /** From the address, e.g. the incident's id. */
  readonly id: string;
  readonly query: URLSearchParams;
  /** Address of a view below wherever the page is served. */
  readonly href: (path: string, query?: Query) => string;
  /** Writes the address without loading anything, so that it can be copied. */
  readonly setAddress: (path: string, query: Query) => void;
  readonly go: (href: string) => void;
  /** Loads anew, now. */
  readonly reload: () => Promise<void>;
  /** Says it to screen readers. */
  readonly announce: (words: string) => void;
  /** Shows what went wrong with something that a person asked for. */
  readonly fail: (error: unknown) => void;
}

export interface View<Data> {
  readonly title: string;
  readonly element: HTMLElement;
  readonly load: (signal: AbortSignal) => Promise<Data>;
  /** Called with every answer, also with equal ones. May return a better title. */
  readonly show: (data: Data) => string | void;
  /** False for what does not change, such as an answer about the past. */
  readonly refreshes: boolean;
}

export type Child = Node | string | number | null | undefined | false | readonly Child[];

export interface Column<Row> {
  readonly key: string;
  readonly label: string;
  readonly isNumber?: boolean;
  /** A few words, which want room beside the numbers. */
  readonly isWords?: boolean;
  /** The first is the row's heading. */
  readonly cell: (row: Row) => Child;
  /** Whatever the cell depends on; the cell is built anew only when it changes. */
  readonly value: (row: Row) => unknown;
  /** Present: the column can be sorted by. */
  readonly compare?: (a: Row, b: Row) => number;
  /** Present: the column is shown only where it says something of any row. */
  readonly says?: (row: Row) => boolean;
}
