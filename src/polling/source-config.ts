/** A source as the configuration names it, and as it is once its plugin has been opened. */

import type { Source, SourceTarget } from '../contract/source.ts';
import type { Progress } from './progress.ts';

/** One entry of `sources:`, validated, with secrets resolved. */
export interface SourceConfig {
  readonly name: string;
  readonly type: string;
  readonly environment: string;
  readonly everyMs: number;
  /** Longest wait for one answer of the place. */
  readonly timeoutMs: number;
  /** No more requests than that; no limit but that of requests at once when it is not given. */
  readonly requestsPerMinute?: number | undefined;
  /** The plugin's own keys. */
  readonly config: unknown;
  /** The plugin's own keys of each target, and the prompt that it should hold. */
  readonly targets: readonly { readonly prompt: string; readonly config: unknown }[];
  /** Values that came from `env:` or `file:`: they are never shown. */
  readonly secrets?: readonly string[];
}

/** A source that can be asked. */
export interface OpenSource {
  readonly name: string;
  readonly type: string;
  readonly environment: string;
  readonly everyMs: number;
  readonly timeoutMs: number;
  readonly source: Source<unknown>;
  readonly targets: readonly SourceTarget<unknown>[];
  /** Told of each answer that the source's `fetch` receives. */
  readonly progress: Progress;
  /** A text with every secret of this source blanked out. */
  readonly redact: (text: string) => string;
}
