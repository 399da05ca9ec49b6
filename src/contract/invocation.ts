/** One model call, counted once, whatever number of spans and logs reported it. */

import type { Json, PromptSettings } from './prompt.ts';
import type { Timestamp } from './time.ts';

export type MessagePart =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'reasoning'; readonly text: string }
  | { readonly type: 'tool_call'; readonly id: string | null; readonly name: string; readonly arguments: Json }
  | { readonly type: 'tool_call_response'; readonly id: string | null; readonly result: Json }
  /** Images, audio, files: what kind, and a reference or hash; never the bytes. */
  | { readonly type: 'media'; readonly modality: string; readonly reference: string };

export interface Message {
  readonly role: string;
  readonly parts: readonly MessagePart[];
}

/**
 * Token counts, null where nobody reported them (which is not zero). `input` includes cached
 * input; `cacheRead`, `cacheWrite` and `reasoning` are parts of input and output, never added again.
 */
export interface TokenUsage {
  readonly input: number | null;
  readonly output: number | null;
  readonly cacheRead: number | null;
  readonly cacheWrite: number | null;
  readonly reasoning: number | null;
  /** Missing where nobody reported any. */
  readonly parts?: TokenParts;
  /** Searches of the web that the provider made, which are no tokens and cost by the piece. Missing for none. */
  readonly webSearches?: number;
}

export type TokenKind = Exclude<keyof TokenUsage, 'parts' | 'webSearches'>;

/**
 * What can have a price of its own within these kinds, in the words of the price library. One-hour writes to
 * a cache are part of `cacheWrite`, what was read from one of `cacheRead` and of the input of its modality,
 * the others of input or output.
 */
export const TOKEN_PARTS = [
  'cache_write_1h',
  'input_audio',
  'cache_audio_read',
  'output_audio',
  'input_image',
  'cache_image_read',
  'output_image',
  'input_video',
  'output_video',
] as const;
export type TokenPart = (typeof TOKEN_PARTS)[number];

/** Never zero: a part of which there is nothing is missing. */
export type TokenParts = { readonly [Part in TokenPart]?: number };

export interface DeclaredPrompt {
  readonly name: string;
  readonly version: string | null;
  readonly label: string | null;
}

export interface Evaluation {
  readonly name: string;
  readonly score: number | null;
  readonly label: string | null;
  readonly explanation: string | null;
  /** Who judged, where that was said: what they say later of the same call under the same name takes its place. */
  readonly by?: string;
  /** The sender's own id of it, which tells it apart in place of `by`. */
  readonly id?: string;
  /** It takes back what was said, and says nothing itself. */
  readonly withdrawn?: true;
}

/** Longer labels are kept with their call and not counted: where a judge writes its reasons there, each would be a sum of its own. */
export const LABEL_CHARACTERS_MAX = 60;

export type Operation = 'chat' | 'text_completion' | 'embeddings' | 'other';

/** Why a row may lack something; a row that is complete has none. */
export type IncompleteReason =
  | 'attributes_dropped'
  | 'content_not_captured'
  | 'content_truncated'
  | 'usage_not_reported'
  /** Input that came from a cache was left out by the emitter and is nowhere to be found. */
  | 'usage_without_cache'
  | 'still_open';

export interface Invocation {
  /** Identity: the span that is the call. Lower-case hex, 32 and 16 digits. */
  readonly traceId: string;
  readonly spanId: string;
  readonly startedAt: Timestamp;
  readonly endedAt: Timestamp | null;
  readonly service: string;
  /** `service.instance.id`, pod or host name: tells replicas apart. */
  readonly instance: string;
  readonly environment: string;
  readonly operation: Operation;
  readonly provider: string;
  readonly requestModel: string;
  readonly responseModel: string;
  /** In lower case, as who served it says: `default`, `flex`, `priority`, `batch`. Empty when nobody does. */
  readonly serviceTier: string;
  readonly responseId: string | null;
  readonly conversationId: string | null;
  readonly userId: string | null;
  readonly declared: DeclaredPrompt | null;
  /** Template and variables, where the emitter sent them. */
  readonly template: string | null;
  readonly variables: Readonly<Record<string, string>> | null;
  /** System instructions first, then the conversation. Null when content was not captured. */
  readonly input: readonly Message[] | null;
  readonly output: readonly Message[] | null;
  readonly settings: PromptSettings;
  readonly finishReasons: readonly string[];
  readonly tokens: TokenUsage;
  /** Decimal string in US dollars, as the emitter reported it. Ours is computed in `pricing/`. */
  readonly reportedCostUsd: string | null;
  readonly firstTokenMs: number | null;
  readonly error: { readonly type: string; readonly message: string } | null;
  readonly evaluations: readonly Evaluation[];
  readonly incomplete: readonly IncompleteReason[];
  /** Which dialects contributed, e.g. `['semconv']`. */
  readonly dialects: readonly string[];
}
