/**
 * What one span or one log record says about model calls, whatever dialect it speaks. Plain JSON:
 * it is what is spooled and stored. `src/dialects/` makes it, `src/invocations/` settles it.
 */

import type { DeclaredPrompt, Evaluation, IncompleteReason, Message, Operation, TokenUsage } from './invocation.ts';
import type { PromptSettings } from './prompt.ts';
import type { Timestamp } from './time.ts';

/**
 * - `call`: a span that reports a model call. Of nested ones the innermost is the invocation.
 * - `wrapper`: an agent, chain, step, tool or prompt span. Never a call; it may know the prompt, the
 *   conversation or the user of the calls below it.
 * - `link`: a span that says nothing but who its parent is, so that chains of ancestors hold.
 * - `detail`: a log record about the span whose ids it carries.
 * - `report`: a log record that reports a whole call but does not carry the call's span id.
 * - `evaluation`: a log record that judges a span, what is below it, or a response id.
 */
export type FactRole = 'call' | 'wrapper' | 'link' | 'detail' | 'report' | 'evaluation';

/** Fields that are absent are not known. Nothing is ever `undefined` on purpose but by absence. */
export interface SpanFacts {
  /** Lower-case hex. Both empty for a log record outside any trace; spanId alone may be empty too. */
  readonly traceId: string;
  readonly spanId: string;
  /**
   * Empty for spans; for log records, which have no id, a hash of the record, and of which of several
   * equal messages of its request it is: the same record resent has the same one.
   */
  readonly recordId: string;
  readonly signal: 'span' | 'log';
  readonly role: FactRole;
  /** Empty for a root and for logs. */
  readonly parentSpanId: string;
  /** Start of the span, time of the log. */
  readonly startedAt: Timestamp;
  readonly endedAt?: Timestamp;
  /** Which dialects were understood, strongest first. */
  readonly dialects: readonly string[];
  /**
   * Of a log record: its place among the records of its request. Only breaks ties between records
   * of one span with equal times, which is how a burst of message events arrives. Of a burst that is
   * divided over requests nobody says which was first: senders have one time for it, and the time of
   * arrival would be another when they send again.
   */
  readonly sequence?: number;
  /**
   * Of a wrapper: what is below it is other work than what is above it, never the same call. Of a call, always
   * `agent`: it is the sum of what an agent asked for, and a call only where nothing below it reports one.
   */
  readonly boundary?: 'tool' | 'agent';
  /**
   * Of what an agent did: the run that it was, empty for that of its trace. There may be a sum of it, and others that
   * show its requests to be told of one by one: the sum that was there at the same time as these is no call.
   */
  readonly run?: string;
  /** Of a call: the sum of the requests of its run, which are told of beside it; for a sum around them see `boundary`. */
  readonly isSum?: true;

  readonly service?: string;
  readonly instance?: string;
  readonly environment?: string;
  readonly operation?: Operation;
  readonly provider?: string;
  readonly requestModel?: string;
  readonly responseModel?: string;
  readonly serviceTier?: string;
  /** The provider's id of its response: the same in every report of the same call. */
  readonly responseId?: string;
  /** Of a call: a few bits of what was said and answered, to find a report of it that lacks the response id. */
  readonly twinKey?: string;
  /** Of a call with a twin key: who reported it (the scope). Two reports of one call differ in it. */
  readonly instrumentation?: string;
  readonly conversationId?: string;
  readonly userId?: string;
  readonly declared?: DeclaredPrompt;
  readonly template?: string;
  readonly variables?: Readonly<Record<string, string>>;
  /** System instructions that the emitter keeps apart from the messages. */
  readonly system?: readonly Message[];
  readonly input?: readonly Message[];
  readonly output?: readonly Message[];
  readonly settings?: PromptSettings;
  readonly finishReasons?: readonly string[];
  readonly tokens?: Partial<TokenUsage>;
  readonly reportedCostUsd?: string;
  readonly firstTokenMs?: number;
  readonly error?: { readonly type: string; readonly message: string };
  readonly evaluations?: readonly Evaluation[];
  readonly incomplete?: readonly IncompleteReason[];
}
